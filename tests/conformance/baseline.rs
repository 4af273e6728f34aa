//! Lists that a search keeps: what a rule's search finds in all its runs, with the list as the runs of the other search
//! have left it by then, over logs that arrive late.
//!
//! In: rules that ask what came before, scenarios, when each event can be read. Out: chains missed and added, as
//! scheduled and with what can go wrong. Must not know: how a list is asked.

use std::collections::{BTreeMap, BTreeSet};

use catena::backend::{self, Baseline, Emission, ListDelivery, Options, Part, Role, Schedule, SqlDialect};
use catena::diag::Diagnostics;
use fastrand::Rng;
use regex::Regex;
use serde_json::{Map, json};

use super::harness::{Harness, Row};
use super::judge::{self, Answer};
use super::mappings::Mappings;
use super::scenarios::Maker;
use super::scenarios_for;
use super::schedule::{Late, late, plain};
use super::subjects::{self, Subject};

/// Scenarios for each rule, all in one run after the other.
const SCENARIOS: usize = 24;
/// Random rules beside those of the files.
const RANDOM: usize = 8;

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
enum Keeping {
    /// As its schedule says; every other one only after the rule's search of the same minute.
    OnTime,
    /// Never: the list is empty.
    Never,
    /// One run of five.
    Seldom,
    /// On time, but up to the moment at which it runs.
    UpToNow,
}

/// The rule with lists, and with so many seconds between two runs that scenarios of weeks are some hundred of them.
fn emitted(subject: &Subject, mappings: &Mappings, maker: &Maker<'_>) -> Option<Emission> {
    let wanted = u64::try_from(maker.stride() / 400).unwrap();
    // Parts of an hour, or longer: so the two searches meet at every run of the one that keeps the list.
    let interval = [300, 600, 900, 1_800, 3_600, 7_200].into_iter().find(|seconds| *seconds >= wanted);
    let interval = interval.unwrap_or(14_400);
    let options = Options {
        lists: if subject.delivery == ListDelivery::Lookup {
            ListDelivery::Lookup
        } else {
            ListDelivery::Auto
        },
        baseline: Baseline::Lookup,
        interval,
        dialect: SqlDialect::DuckDb,
        ..Options::default()
    };
    let (catalog, schemas) = &mappings.documented;
    let job = backend::Job { rule: &subject.rule, catalog, schemas, options: &options };
    let emission = backend::compile(&job, backend::by_name("spl").unwrap(), &mut Diagnostics::default())?;
    emission.parts.iter().any(|part| part.role == Role::Baseline).then_some(emission)
}

/// Runs of all searches of an emission over scenarios.
struct Runs<'r> {
    harness: &'r mut Harness,
    emission: &'r Emission,
    scenarios: &'r [Late],
    /// The rows of each list, for each scenario.
    kept: BTreeMap<String, Vec<Vec<Row>>>,
}

impl Runs<'_> {
    /// What one run of a part gives; nothing is asked where it would read nothing.
    fn run(&mut self, part: &Part, now: i64, plan: Plan) -> Vec<Vec<Row>> {
        let read = |(begin, events): &Late| {
            let (from, to) = (begin + now - plan.look_back, begin + now - plan.delay);
            let readable = |(event, when): &&(_, i64)| {
                let event: &super::raw::Event = event;
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

    /// Whether any event of the scenarios lies in a slice of time before a run.
    fn has_events(&self, now: i64, from: i64, to: i64) -> bool {
        let is_there = |(begin, events): &Late| {
            events.iter().any(|(event, _)| (now - from..now - to).contains(&(event.time() - begin)))
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
        if self.has_events(now, plan.look_back, plan.delay) {
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
        let plan = Plan::of(query.schedule);
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
                };
            kept += usize::from(is_due);
            let is_first = kept % 2 == 0;
            if is_due && is_first {
                lists.iter().for_each(|part| self.keep(part, now, keeping));
            }
            let slice = (plan.delay + plan.every, plan.delay);
            if self.has_events(now, slice.0, slice.1) {
                let rows = self.run(query, now, plan);
                for ((begin, _), (all, rows)) in self.scenarios.iter().zip(found.iter_mut().zip(rows)) {
                    let own = begin + now - slice.0..begin + now - slice.1;
                    let is_own = |row: &Row| own.contains(&(row["_time"].as_i64().unwrap() / 1_000_000));
                    all.extend(rows.into_iter().filter(is_own));
                }
            }
            if is_due && !is_first {
                lists.iter().for_each(|part| self.keep(part, now, keeping));
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
struct Tally {
    alerts: usize,
    missed: usize,
    added: usize,
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
    let runs = Runs { harness, emission, scenarios, kept: BTreeMap::new() };
    let mut tally = Tally::default();
    for ((_, scenario), rows) in plain(scenarios).into_iter().zip(runs.all(keeping)) {
        let [expected, found] = judge::ends(maker, emission, &Answer::of(maker, &scenario), &rows);
        tally.alerts += expected.len();
        tally.missed += expected.difference(&found).collect::<BTreeSet<_>>().len();
        tally.added += found.difference(&expected).count();
    }
    tally
}

/// The rule's search with another text.
fn changed(emission: &Emission, find: &str, replace: &str) -> Emission {
    let mut emission = emission.clone();
    let query = emission.parts.last_mut().unwrap();
    query.text = replaced(&query.text, find, replace);
    emission
}

/// What is tried of each rule: how the list is kept, and a fault in the rule's search.
const TRIED: [(&str, Keeping, Option<[&str; 2]>); 6] = [
    ("on time", Keeping::OnTime, None),
    ("never", Keeping::Never, None),
    ("seldom", Keeping::Seldom, None),
    ("up to now", Keeping::UpToNow, None),
    (
        "by membership",
        Keeping::OnTime,
        Some([r"chain_seen(\d+) < _time AND round\(_time - chain_seen\d+, 6\) <= \d+", "chain_seen$1 > 0"]),
    ),
    (
        "by membership, up to now",
        Keeping::UpToNow,
        Some([r"chain_seen(\d+) < _time AND round\(_time - chain_seen\d+, 6\) <= \d+", "chain_seen$1 > 0"]),
    ),
];

#[test]
fn lists_that_a_search_keeps_lose_nothing() {
    let mappings = Mappings::read();
    let (catalog, _) = &mappings.documented;
    let mut files = subjects::of_files();
    files.dedup_by(|second, first| second.name == first.name);
    let random = subjects::random(catalog)
        .filter(|subject| emitted(subject, &mappings, &Maker::new(&subject.rule, catalog)).is_some())
        .take(RANDOM);
    let mut harness = Harness::start("spl");
    let mut sums = [Tally::default(); TRIED.len()];
    let mut rules = 0;
    for subject in files.into_iter().chain(random) {
        let maker = Maker::new(&subject.rule, catalog);
        let Some(emission) = emitted(&subject, &mappings, &maker) else { continue };
        rules += 1;
        let mut rng = Rng::with_seed(7);
        let scenarios: Vec<_> = scenarios_for(&maker, &emission)
            .take(SCENARIOS)
            .map(|scenario| late(catalog, &mut rng, scenario))
            .collect();
        // What the list adds to the reasons of a superset is what is measured here.
        let others = emission.notes.iter().filter(|note| !note.message.contains("asks the list"));
        let is_exact = others.clone().all(|note| note.effect != backend::Effect::Superset);
        for ((how, keeping, fault), sum) in TRIED.iter().zip(&mut sums) {
            let emission = match fault {
                Some([find, replace]) => changed(&emission, find, replace),
                None => emission.clone(),
            };
            let one = tally(&mut harness, &maker, &emission, &scenarios, *keeping);
            assert!(fault.is_some() || one.missed == 0, "{} {how}: {one:?}", subject.name);
            assert!(*how != "on time" || !is_exact || one.added == 0, "{} {how}: {one:?}", subject.name);
            *sum += one;
        }
    }
    for ((how, ..), sum) in TRIED.iter().zip(&sums) {
        println!("{rules} rules, {how}: {} alerts, {} missed, {} added", sum.alerts, sum.missed, sum.added);
    }
    let [on_time, never, seldom, _, membership, membership_up_to_now] = sums;
    assert!(rules > 5 && on_time.alerts > 100, "{rules} rules, {on_time:?}");
    assert!(
        never.added > 0 && seldom.added > 0,
        "a list that is not kept adds nothing: {never:?} {seldom:?}"
    );
    assert!(
        membership.missed > 0 && membership_up_to_now.missed > membership.missed,
        "{membership:?} {membership_up_to_now:?}"
    );
}
