//! Lists that a search keeps: what a rule's search finds in all its runs, with the list as the runs of the other search
//! have left it by then, over logs that arrive late.
//!
//! In: rules that ask what came before, scenarios, when each event can be read. Out: chains missed and added, as
//! scheduled and with what can go wrong. Must not know: how a list is asked.

use std::collections::{BTreeMap, BTreeSet};

use catena::backend::{self, Baseline, Emission, Options, Part, Role, Schedule};
use catena::catalog::Catalog;
use catena::diag::Diagnostics;
use catena::ir::{Rule, When};
use fastrand::Rng;
use regex::Regex;
use serde_json::{Map, json};

use super::harness::{Harness, Row};
use super::judge::{self, Answer};
use super::mappings::Mappings;
use super::raw::Event;
use super::scenarios::Maker;
use super::scenarios_for;
use super::schedule::{Late, late, plain};
use super::subjects::{self, Subject};

/// Scenarios for each rule, all in one run after the other.
const SCENARIOS: usize = 4;
/// Random rules beside those of the files.
const RANDOM: usize = 2;
/// What can go wrong is tried of this one: each way takes some hundred runs.
const TRIED_OF: &str = "tests/cases/first_seen.chain";
const SCENARIOS_TRIED: usize = 16;

/// When a search runs and what it reads, as `catena build` writes it.
#[derive(Debug, Clone, Copy)]
struct Plan {
    every: i64,
    look_back: i64,
    delay: i64,
}

impl Plan {
    fn of(schedule: Schedule) -> Self {
        let seconds = |seconds: u64| i64::try_from(seconds).unwrap();
        let minutes = |seconds: u64| i64::try_from(seconds.next_multiple_of(60)).unwrap();
        let (every, delay) = (seconds(schedule.every), minutes(schedule.late()));
        Self { every, delay, look_back: minutes(schedule.span()) + delay + every }
    }
}

/// How the search that keeps the list runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Keeping {
    /// As its schedule says; every other one only after the rule's search of the same minute.
    OnTime,
    /// Never: the list is empty.
    Never,
    /// One run of five.
    Seldom,
    /// On time, but up to the moment at which it runs.
    UpToNow,
    /// One run of three is left out.
    OneLeftOut,
    /// Two runs of three are left out.
    TwoLeftOut,
}

/// The rule with lists.
fn emitted(subject: &Subject, mappings: &Mappings, maker: &Maker<'_>) -> Option<Emission> {
    let options = Options { baseline: Baseline::Lookup, ..options(subject, maker) };
    let emission = with_lists(subject, mappings, &options)?;
    emission.parts.iter().any(|part| part.role == Role::Baseline).then_some(emission)
}

/// So many seconds between two runs that the scenarios of a rule are some hundred of them.
pub(super) fn options(subject: &Subject, maker: &Maker<'_>) -> Options {
    let wanted = u64::try_from(maker.stride() / 400).unwrap();
    // Parts of an hour, or longer: so the two searches meet at every run of the one that keeps the list.
    let interval = [300, 600, 900, 1_800, 3_600, 7_200].into_iter().find(|seconds| *seconds >= wanted);
    let interval = interval.unwrap_or(14_400);
    Options { lists: subject.delivery, interval, ..Options::default() }
}

pub(super) fn with_lists(subject: &Subject, mappings: &Mappings, options: &Options) -> Option<Emission> {
    let (catalog, schemas) = &mappings.documented;
    let job = backend::Job { rule: &subject.rule, catalog, schemas, options };
    backend::compile(&job, backend::by_name("spl").unwrap(), &mut Diagnostics::default())
}

/// Runs of all searches of an emission over scenarios.
struct Runs<'r> {
    harness: &'r mut Harness,
    emission: &'r Emission,
    scenarios: &'r [Late],
    /// The sources of the events that can end a chain.
    ends: BTreeSet<String>,
    /// How many seconds sooner than it says the rule's search runs.
    sooner: i64,
    /// The rows of each list, for each scenario.
    kept: BTreeMap<String, Vec<Vec<Row>>>,
}

impl Runs<'_> {
    /// What one run of a part gives; nothing is asked where it would read nothing.
    fn run(&mut self, part: &Part, now: i64, plan: Plan) -> Vec<Vec<Row>> {
        let read = |(begin, events): &Late| {
            let (from, to) = (begin + now - plan.look_back, begin + now - plan.delay);
            let readable = |(event, when): &&(Event, i64)| {
                *when <= begin + now && from <= event.time() && event.time() < to
            };
            (*begin, events.iter().filter(readable).map(|(event, _)| event.clone()).collect::<Vec<_>>())
        };
        let visible: Vec<_> = self.scenarios.iter().map(read).collect();
        let clocks: Vec<i64> = self.scenarios.iter().map(|(begin, _)| begin + now).collect();
        let mut more = Map::new();
        more.insert("kept".to_owned(), json!(self.kept));
        more.insert("clocks".to_owned(), json!(clocks));
        let one = Emission { parts: vec![part.clone()], ..self.emission.clone() };
        self.harness.ask_with(&one, &visible, more).unwrap()
    }

    /// Whether any event of the scenarios lies in a slice of time before a run: one that could end a chain.
    fn has_events(&self, now: i64, from: i64, to: i64, ends: bool) -> bool {
        let is_there = |(begin, events): &Late| {
            let is_of = |event: &Event| !ends || self.ends.contains(&event.source);
            let is_in = |event: &Event| (now - from..now - to).contains(&(event.time() - begin));
            events.iter().any(|(event, _)| is_of(event) && is_in(event))
        };
        self.scenarios.iter().any(is_there)
    }

    /// Brings a list up to date.
    fn keep(&mut self, part: &Part, now: i64, keeping: Keeping) {
        let mut plan = Plan::of(part.schedule);
        let mut part = part.clone();
        if keeping == Keeping::UpToNow {
            plan.delay = 0;
            part.text = replaced(&part.text, r"where _time < now\(\) - \d+", "where _time < now()");
        }
        // A run that reads nothing leaves the list as it is, but for rows that count no more.
        if self.has_events(now, plan.look_back, plan.delay, false) {
            let name = Regex::new(r"outputlookup override_if_empty=false (\w+)").unwrap();
            let name = name.captures(&part.text).unwrap()[1].to_owned();
            let rows = self.run(&part, now, plan);
            self.kept.insert(name, rows);
        }
    }

    /// What the rule's search reports in all its runs, each time what ends in its own slice.
    fn all(mut self, keeping: Keeping) -> Vec<Vec<Row>> {
        let times = self
            .scenarios
            .iter()
            .flat_map(|(begin, events)| events.iter().map(move |(event, _)| event.time() - begin));
        let (first, last) = (times.clone().min().unwrap(), times.max().unwrap());
        let emission = self.emission;
        let (query, lists) = emission.parts.split_last().unwrap();
        let mut plan = Plan::of(query.schedule);
        plan.delay -= self.sooner;
        let of_list = Plan::of(lists[0].schedule);
        let mut found = vec![Vec::new(); self.scenarios.len()];
        let mut now = first.div_euclid(of_list.every) * of_list.every;
        let mut kept = 0;
        while now <= last + plan.delay + plan.every {
            let is_due = now.rem_euclid(of_list.every) == 0
                && match keeping {
                    Keeping::OnTime | Keeping::UpToNow => true,
                    Keeping::Never => false,
                    Keeping::Seldom => now.div_euclid(of_list.every) % 5 == 2,
                    Keeping::OneLeftOut => now.div_euclid(of_list.every) % 3 != 1,
                    Keeping::TwoLeftOut => now.div_euclid(of_list.every) % 3 == 1,
                };
            kept += usize::from(is_due);
            let is_first = kept.is_multiple_of(2);
            if is_due && is_first {
                for part in lists {
                    self.keep(part, now, keeping);
                }
            }
            let slice = (plan.delay + plan.every, plan.delay);
            if self.has_events(now, slice.0, slice.1, true) {
                let rows = self.run(query, now, plan);
                for ((begin, _), (all, rows)) in self.scenarios.iter().zip(found.iter_mut().zip(rows)) {
                    let own = begin + now - slice.0..begin + now - slice.1;
                    let is_own = |row: &Row| own.contains(&(row["_time"].as_i64().unwrap() / 1_000_000));
                    all.extend(rows.into_iter().filter(is_own));
                }
            }
            if is_due && !is_first {
                for part in lists {
                    self.keep(part, now, keeping);
                }
            }
            now += plan.every;
        }
        found
    }
}

fn replaced(text: &str, find: &str, replace: &str) -> String {
    let changed = Regex::new(find).unwrap().replace_all(text, replace).into_owned();
    assert_ne!(changed, text, "nothing to replace");
    changed
}

/// Alerts, missed and added.
#[derive(Debug, Default, Clone, Copy)]
pub(super) struct Tally {
    pub(super) alerts: usize,
    pub(super) missed: usize,
    pub(super) added: usize,
}

impl std::ops::AddAssign for Tally {
    fn add_assign(&mut self, other: Self) {
        self.alerts += other.alerts;
        self.missed += other.missed;
        self.added += other.added;
    }
}

fn tally(
    harness: &mut Harness,
    maker: &Maker<'_>,
    emission: &Emission,
    scenarios: &[Late],
    keeping: Keeping,
) -> Tally {
    sooner(harness, maker, emission, scenarios, keeping, 0)
}

/// The same, where the rule's search runs sooner than it says, in seconds.
pub(super) fn sooner(
    harness: &mut Harness,
    maker: &Maker<'_>,
    emission: &Emission,
    scenarios: &[Late],
    keeping: Keeping,
    sooner: i64,
) -> Tally {
    let steps = &maker.rule.chain.steps;
    let ends =
        if maker.rule.chain.together.is_some() { steps.iter() } else { steps[steps.len() - 1..].iter() };
    let ends =
        ends.flat_map(|step| step.selections().map(|selection| selection.source.node.clone())).collect();
    let runs = Runs { harness, emission, scenarios, ends, sooner, kept: BTreeMap::new() };
    let mut tally = Tally::default();
    for ((_, scenario), rows) in plain(scenarios).into_iter().zip(runs.all(keeping)) {
        let [expected, found] = judge::ends(maker, emission, &Answer::of(maker, &scenario), &rows);
        tally.alerts += expected.len();
        tally.missed += expected.difference(&found).collect::<BTreeSet<_>>().len();
        tally.added += found.difference(&expected).count();
    }
    tally
}

/// The searches with a fault in them.
pub(super) fn changed(emission: &Emission, [find, replace]: [&str; 2]) -> Emission {
    let mut emission = emission.clone();
    let find = Regex::new(find).unwrap();
    let before = emission.parts.clone();
    for part in &mut emission.parts {
        part.text = find.replace_all(&part.text, replace).into_owned();
    }
    assert_ne!(emission.parts, before, "{find} is nowhere");
    emission
}

/// How the list is kept, and a fault in the searches.
type Tried = (&'static str, Keeping, Option<[&'static str; 2]>);

const MEMBERSHIP: [&str; 2] =
    [r"chain_seen(\d+) < _time AND round\(_time - chain_seen\d+, 6\) <= \d+", "chain_seen$1 > 0"];

/// What loses nothing.
const HARMLESS: [Tried; 4] = [
    ("on time", Keeping::OnTime, None),
    ("never", Keeping::Never, None),
    ("seldom", Keeping::Seldom, None),
    ("up to now", Keeping::UpToNow, None),
];
/// What must show as chains that are missed.
const MISSING: [Tried; 3] = [
    ("asked for membership", Keeping::OnTime, Some(MEMBERSHIP)),
    ("asked for membership, up to now", Keeping::UpToNow, Some(MEMBERSHIP)),
    ("a record finds itself", Keeping::UpToNow, Some([r"(chain_seen\d+) < _time", "$1 <= _time"])),
];
/// What must show as chains that are added.
const ADDING: [Tried; 3] = [
    ("the list is not asked", Keeping::OnTime, Some([r"isnum\(chain_seen\d+\)", "1=2"])),
    ("the list is written anew", Keeping::OnTime, Some([r"\| inputlookup append=true \w+\n", ""])),
    ("the oldest time is kept", Keeping::OnTime, Some([r"max\(last_seen\)", "min(last_seen)"])),
];

/// A scenario that happens several times, at the edges of the time over which a rule looks back.
fn again(rng: &mut Rng, rule: &Rule, (begin, events): (i64, Vec<Event>)) -> (i64, Vec<Event>) {
    let windows = rule.chain.absences().filter_map(|absence| match absence.when {
        When::Before(window) => Some(window.seconds),
        When::After(_) | When::Between => None,
    });
    let window = i64::try_from(windows.max().unwrap()).unwrap();
    let mut all = events.clone();
    let mut shift = 0;
    for time in 0..3 {
        shift += [60, 3_600, window / 2, window, window + 1, window + rng.i64(0..9_000)][rng.usize(0..6)];
        for event in &events {
            let mut copy = event.clone();
            copy.happen(event.time() + shift, event.lasting());
            // Without an id it stays without one.
            if let Some(id) = event.raw["eventID"].as_str().filter(|id| !id.is_empty()) {
                copy.raw["eventID"] = format!("{id}-{time}").into();
            }
            all.push(copy);
        }
    }
    (begin, all)
}

fn scenarios(catalog: &Catalog, maker: &Maker<'_>, emission: &Emission, count: usize) -> Vec<Late> {
    let mut rng = Rng::with_seed(7);
    let some: Vec<_> = scenarios_for(maker, emission).take(count).collect();
    let mut several = |scenario| again(&mut rng, maker.rule, scenario);
    let some: Vec<_> = some.into_iter().map(&mut several).collect();
    some.into_iter().map(|scenario| late(catalog, &mut rng, scenario)).collect()
}

/// Over every rule that asks what came before; minutes, so it is run by hand after a change to such lists.
#[test]
#[ignore = "takes minutes: `--ignored` runs it"]
fn lists_that_a_search_keeps_lose_nothing() {
    let mappings = Mappings::read();
    let (catalog, _) = &mappings.documented;
    let mut files = subjects::of_files();
    files.dedup_by(|second, first| second.name == first.name);
    let has_list =
        |subject: &Subject| emitted(subject, &mappings, &Maker::new(&subject.rule, catalog)).is_some();
    let random = subjects::random(catalog).filter(has_list).take(RANDOM);
    let mut harness = Harness::start("spl");
    let (mut sum, mut rules) = (Tally::default(), 0);
    for subject in files.into_iter().chain(random) {
        let maker = Maker::new(&subject.rule, catalog);
        let Some(emission) = emitted(&subject, &mappings, &maker) else { continue };
        rules += 1;
        // What the list adds to the reasons of a superset is what is measured here.
        let others = emission.notes.iter().filter(|note| !note.message.contains("asks the list"));
        let is_exact = others.clone().all(|note| note.effect != backend::Effect::Superset);
        let scenarios = scenarios(catalog, &maker, &emission, SCENARIOS);
        let one = tally(&mut harness, &maker, &emission, &scenarios, Keeping::OnTime);
        assert!(one.missed == 0 && (one.added == 0 || !is_exact), "{}: {one:?}", subject.name);
        sum += one;
    }
    println!("lists on time: {} alerts of {rules} rules, none missed", sum.alerts);
    assert!(rules > 4 && sum.alerts > 10, "{rules} rules, {sum:?}");
}

#[test]
fn lists_that_are_late_or_lost_only_add() {
    let mappings = Mappings::read();
    let (catalog, _) = &mappings.documented;
    let files = subjects::of_files();
    let subjects = files.iter().filter(|subject| subject.origin == TRIED_OF);
    let mut harness = Harness::start("spl");
    let mut sums: BTreeMap<&str, Tally> = BTreeMap::new();
    for subject in subjects {
        let maker = Maker::new(&subject.rule, catalog);
        let emission = emitted(subject, &mappings, &maker).unwrap();
        let scenarios = scenarios(catalog, &maker, &emission, SCENARIOS_TRIED);
        for (how, keeping, fault) in HARMLESS.into_iter().chain(MISSING).chain(ADDING) {
            let emission = fault.map_or_else(|| emission.clone(), |fault| changed(&emission, fault));
            *sums.entry(how).or_default() += tally(&mut harness, &maker, &emission, &scenarios, keeping);
        }
    }
    for (how, Tally { alerts, missed, added }) in &sums {
        println!("list {how}: {alerts} alerts, {missed} missed, {added} added");
    }
    for (how, ..) in HARMLESS {
        assert!(sums[how].alerts > 20 && sums[how].missed == 0, "{how}: {:?}", sums[how]);
    }
    assert_eq!(sums["on time"].added, 0);
    assert!(MISSING.iter().all(|(how, ..)| sums[how].missed > 0), "{sums:?}");
    assert!(ADDING.iter().all(|(how, ..)| sums[how].added > 0), "{sums:?}");
}
