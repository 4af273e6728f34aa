//! Time cut into scheduled runs: a query that runs as often and looks back as far as its emission says misses nothing,
//! though logs are late; one that looks back less does.
//!
//! In: the shipped rules, scenarios, when each event can be read. Out: what was missed. The parts of an EQL emission
//! run in its harness, where the alerts of one run are there for the next.

use std::collections::BTreeSet;

use catena::backend::{Emission, Schedule};
use catena::catalog::Catalog;
use fastrand::Rng;
use serde_json::{Map, json};

use super::harness::{Harness, Row};
use super::judge::{self, Answer};
use super::mappings::Mappings;
use super::raw::Event;
use super::scenarios::Maker;
use super::subjects::{self, Subject};
use super::{Lane, emit, scenarios_for};

/// Scenarios for each rule, all searched in one run after the other. At key level, where a scenario has few answers,
/// there are more of them, and their harnesses are quick.
fn scenarios_for_each(lane: &Lane) -> usize {
    if matches!(lane.name, "spl" | "kql") { 16 } else { 300 }
}

/// A scenario: its beginning, its events, and the second at which each of them can be read.
pub(super) type Late = (i64, Vec<(Event, i64)>);

/// Events arrive within what their source file says, every other one at the last moment.
pub(super) fn late(catalog: &Catalog, rng: &mut Rng, (begin, events): (i64, Vec<Event>)) -> Late {
    let mut arrival = |event: &Event| {
        let source = catalog.source(&event.source).unwrap();
        let most = i64::try_from(source.lateness(0)).unwrap();
        // A record is written when what it stands for has ended.
        event.time() + if rng.bool() { most } else { rng.i64(event.lasting()..=most) }
    };
    let timed = events.into_iter().map(|event| {
        let when = arrival(&event);
        (event, when)
    });
    (begin, timed.collect())
}

/// What a query of one part finds in all its runs.
fn single(harness: &mut Harness, emission: &Emission, scenarios: &[Late]) -> Vec<Vec<Row>> {
    let Schedule { every, look_back, .. } = emission.parts[0].schedule;
    let [every, look_back] = [every, look_back].map(|seconds| i64::try_from(seconds).unwrap());
    let last = scenarios.iter().flat_map(|(begin, events)| events.iter().map(move |(_, when)| when - begin));
    let mut found = vec![Vec::new(); scenarios.len()];
    for run in 0..=last.max().unwrap() / every + 1 {
        let read = |(begin, events): &Late| {
            let now = begin + run * every;
            let readable = |(event, when): &&(Event, i64)| *when <= now && event.time() >= now - look_back;
            (*begin, events.iter().filter(readable).map(|(event, _)| event.clone()).collect())
        };
        let visible: Vec<_> = scenarios.iter().map(read).collect();
        for (all, rows) in found.iter_mut().zip(harness.ask(emission, &visible).unwrap()) {
            all.extend(rows);
        }
    }
    found
}

/// What a query in parts finds, in its own harness.
fn staged(harness: &mut Harness, emission: &Emission, scenarios: &[Late]) -> Vec<Vec<Row>> {
    let arrivals: Vec<Vec<i64>> =
        scenarios.iter().map(|(_, events)| events.iter().map(|(_, when)| *when).collect()).collect();
    let more: Map<_, _> = [("arrivals".to_owned(), json!(arrivals))].into_iter().collect();
    harness.ask_with(emission, &plain(scenarios), more).unwrap()
}

pub(super) fn plain(scenarios: &[Late]) -> Vec<(i64, Vec<Event>)> {
    let of = |(begin, events): &Late| (*begin, events.iter().map(|(event, _)| event.clone()).collect());
    scenarios.iter().map(of).collect()
}

/// How many alerts of the rule there are, and how many the schedule misses.
fn missed(
    harness: &mut Harness,
    maker: &Maker<'_>,
    emission: &Emission,
    scenarios: &[Late],
) -> (usize, usize) {
    let rows = if emission.target == "eql" {
        staged(harness, emission, scenarios)
    } else {
        single(harness, emission, scenarios)
    };
    let (mut all, mut missed) = (0, 0);
    for ((_, scenario), rows) in plain(scenarios).into_iter().zip(rows) {
        let [expected, found] = judge::ends(maker, emission, &Answer::of(maker, &scenario), &rows);
        all += expected.len();
        missed += expected.difference(&found).collect::<BTreeSet<_>>().len();
    }
    (all, missed)
}

/// The same emission, whose parts look back `less` seconds less.
fn shorter(emission: &Emission, less: u64) -> Emission {
    let mut emission = emission.clone();
    for part in &mut emission.parts {
        part.schedule.look_back -= less;
    }
    emission
}

fn try_lane(lane: &Lane, mappings: &Mappings, subjects: &[Subject]) -> String {
    let mut harness = Harness::start(lane.name);
    let (catalog, _) = &mappings.documented;
    let (mut alerts, mut lost) = (0, 0);
    for subject in subjects {
        let Some(compiled) = emit(subject, mappings, lane) else { continue };
        let emission = &compiled.emission;
        let maker = Maker::new(&subject.rule, catalog);
        let mut rng = Rng::with_seed(7);
        let scenarios: Vec<_> = scenarios_for(&maker, emission)
            .take(scenarios_for_each(lane))
            .map(|scenario| late(catalog, &mut rng, scenario))
            .collect();
        let (all, missed_as_said) = missed(&mut harness, &maker, emission, &scenarios);
        assert_eq!(missed_as_said, 0, "{} in {}: of {all}", subject.name, lane.name);
        alerts += all;
        let every = emission.parts[0].schedule.every;
        let reach = emission.parts[0].schedule.look_back - every;
        lost += missed(&mut harness, &maker, &shorter(emission, reach.min(4 * every)), &scenarios).1;
    }
    assert!(alerts > 10, "{}: {alerts} alerts", lane.name);
    assert!(lost > 0, "{}: a shorter look-back loses nothing of {alerts}", lane.name);
    format!("{}: {alerts} alerts, none missed; {lost} missed with a look-back 20 minutes shorter", lane.name)
}

#[test]
fn schedules_miss_nothing() {
    let mappings = Mappings::read();
    let shipped = |subject: &Subject| subject.origin.starts_with("rules/");
    let mut subjects: Vec<Subject> = subjects::of_files().into_iter().filter(shipped).collect();
    subjects.dedup_by(|second, first| second.name == first.name);
    // Rules of one form have one schedule, and a rule takes some hundred runs.
    let subjects: Vec<Subject> = subjects.into_iter().step_by(2).collect();
    let told: Vec<String> = std::thread::scope(|scope| {
        let (mappings, subjects) = (&mappings, &subjects);
        let start = |lane: Lane| scope.spawn(move || try_lane(&lane, mappings, subjects));
        // SQL is asked about slices of time (`super::slices`), not about all that a run can see.
        let whole = super::lanes().into_iter().filter(|lane| lane.thin == 1 && lane.name != "sql");
        let running: Vec<_> = whole.map(start).collect();
        running.into_iter().map(|one| one.join().unwrap()).collect()
    });
    println!("{}", told.join("\n"));
}
