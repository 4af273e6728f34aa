//! What we emit, run on third-party engines and compared with the embedded engine: random scenarios of raw events, for
//! every rule of the corpus and for random rules, in every target.
//!
//! Rules of the repository have 16 scenarios each, which makes at least 2,000 for a target. Random rules have 1,000
//! more; in the long run, `CATENA_CONFORMANCE=50000 cargo test --release conformance`, as many as it says. Seeds are
//! fixed, so that a run can be repeated. A difference is shrunk and printed with rule, query and both answers.

mod assume;
mod baseline;
mod clauses;
mod documents;
mod features;
mod harness;
mod judge;
mod mappings;
mod mutants;
mod ocsf;
mod one_row;
mod random_rules;
mod raw;
mod report;
mod samples;
mod satisfy;
mod scenarios;
mod schedule;
mod shrink;
mod slices;
mod spelling;
mod staged;
mod subjects;

use catena::backend::{self, Cased, Emission, Job, ListDelivery, Options, SqlDialect, Target};
use catena::diag::Diagnostics;
use fastrand::Rng;

use harness::Harness;
use judge::{Answer, judge};
use mappings::Mappings;
use raw::Event;
use report::Tally;
use scenarios::Maker;
use subjects::Subject;

/// Scenarios for each rule.
const SCENARIOS: usize = 16;
/// 2026-01-01, where the first scenario begins.
const BEGIN: i64 = 1_767_225_600;

fn scenarios_wanted() -> usize {
    std::env::var("CATENA_CONFORMANCE")
        .ok()
        .map_or(1_000, |text| text.parse().expect("a number of scenarios"))
}

/// What a target makes of a rule, and whether it needs names of fields that only an environment file gives.
struct Compiled {
    emission: Emission,
    is_named: bool,
}

/// A target on an engine.
#[derive(Clone, Copy)]
struct Lane {
    /// The name of its harness: the target's, or that of the engine which reads another dialect.
    name: &'static str,
    title: &'static str,
    target: &'static dyn Target,
    dialect: SqlDialect,
    /// Of so many rules one is tried.
    thin: usize,
}

/// Every target on the engine that judges it, SQL once for each dialect. Spark takes seconds for a statement whatever
/// the data, and Trino's text is translated first.
fn every_lane() -> Vec<Lane> {
    let lane = |target: &'static dyn Target| Lane {
        name: target.name(),
        title: if target.name() == "sql" { "SQL for DuckDB" } else { target.title() },
        target,
        dialect: SqlDialect::DuckDb,
        thin: 1,
    };
    let mut lanes: Vec<_> = backend::every().map(lane).collect();
    let sql = backend::by_name("sql").unwrap();
    lanes.push(Lane {
        name: "spark",
        title: "SQL for Spark",
        dialect: SqlDialect::Spark,
        thin: 20,
        ..lane(sql)
    });
    lanes.push(Lane {
        name: "trino",
        title: "SQL for Trino",
        dialect: SqlDialect::Trino,
        thin: 12,
        ..lane(sql)
    });
    lanes
}

/// Compiles as the program does, with the environment file of the harness only where the rule needs it; `None` where
/// the target refuses, also for what could miss events.
fn emit(subject: &Subject, mappings: &Mappings, lane: &Lane) -> Option<Compiled> {
    let Lane { target, dialect, .. } = *lane;
    // Sigma has no lists of the SIEM: the second delivery tries its other choices instead.
    let others = target.name() == "sigma" && subject.delivery == ListDelivery::Lookup;
    let cased = if others { Cased::Never } else { Cased::Needed };
    let options = Options { lists: subject.delivery, cased, split: others, dialect, ..Options::default() };
    [&mappings.documented, &mappings.named].into_iter().enumerate().find_map(|(index, (catalog, schemas))| {
        let job = Job { rule: &subject.rule, catalog, schemas, options: &options };
        let emission = backend::compile(&job, target, &mut Diagnostics::default())?;
        Some(Compiled { emission, is_named: index > 0 })
    })
}

/// The scenarios of a rule, each with the second at which it begins. Every target sees the same ones.
fn scenarios_of<'m>(maker: &'m Maker<'_>) -> impl Iterator<Item = (i64, Vec<Event>)> + use<'m> {
    let seed = maker.rule.name.node.bytes().fold(1_u64, |hash, byte| hash.wrapping_mul(31) + u64::from(byte));
    let mut rng = Rng::with_seed(seed);
    let begins = (0..).map(|index| BEGIN + index * maker.stride());
    begins.map(move |begin| (begin, maker.scenario(&mut rng, begin)))
}

/// The same scenarios without what an emission leaves to its engine.
fn scenarios_for<'m>(
    maker: &'m Maker<'_>,
    emission: &'m Emission,
) -> impl Iterator<Item = (i64, Vec<Event>)> + use<'m> {
    scenarios_of(maker).map(|(begin, scenario)| (begin, assume::restrict(maker, emission, scenario)))
}

/// Runs one rule in one target. `Err` is a difference, shrunk.
fn try_rule(
    subject: &Subject,
    emission: &Emission,
    maker: &Maker<'_>,
    harness: &mut Harness,
    scenarios: &[(i64, Vec<Event>)],
) -> Result<usize, String> {
    let rows = harness
        .ask(emission, scenarios)
        .map_err(|problem| told(subject, emission, &format!("refused: {problem}"), &[]))?;
    let mut alerts = 0;
    for ((begin, scenario), rows) in scenarios.iter().zip(&rows) {
        let answer = Answer::of(maker, scenario);
        alerts += answer.alerts.len();
        if judge(maker, emission, &answer, rows).is_ok() {
            continue;
        }
        let small = shrink::shrink(scenario.clone(), |scenario| {
            let one = [(*begin, scenario.to_vec())];
            let Ok(rows) = harness.ask(emission, &one) else { return false };
            judge(maker, emission, &Answer::of(maker, scenario), &rows[0]).is_err()
        });
        let rows = harness.ask(emission, &[(*begin, small.clone())]).unwrap();
        let answer = Answer::of(maker, &small);
        let differs = judge(maker, emission, &answer, &rows[0]).unwrap_err();
        let shown: Vec<String> = rows[0].iter().map(|row| serde_json::json!(row).to_string()).collect();
        let what = format!(
            "{differs}\n── answer of the engine\n{}\n── answer of the query\n{}",
            answer.told(),
            shown.join("\n")
        );
        return Err(told(subject, emission, &what, &small));
    }
    Ok(alerts)
}

fn told(subject: &Subject, emission: &Emission, what: &str, scenario: &[Event]) -> String {
    let parts: Vec<String> =
        emission.parts.iter().map(|part| format!("── {}\n{}", part.name, part.text)).collect();
    let events: Vec<String> =
        scenario.iter().map(|event| format!("{} {}", event.source, event.raw)).collect();
    format!(
        "══ {} in {} ({:?}, {:?})\n{}\n{}\n── scenario\n{}\n── difference\n{what}\n",
        subject.name,
        emission.target,
        emission.fidelity,
        subject.delivery,
        subject.origin,
        parts.join("\n"),
        events.join("\n")
    )
}

/// Runs every subject in a target: files first, then random rules until there are enough.
fn run_lane(lane: &Lane, mappings: &Mappings, files: &[Subject]) -> (Tally, Vec<String>) {
    let mut harness = Harness::to_compare(lane.name);
    let (mut tally, mut differences) = (Tally::new(lane), Vec::new());
    let (catalog, _) = &mappings.documented;
    let mut one = |subject: &Subject, count: usize, tally: &mut Tally| {
        let Some(compiled) = emit(subject, mappings, lane) else {
            tally.refused += 1;
            return false;
        };
        let emission = &compiled.emission;
        let maker = Maker::new(&subject.rule, catalog);
        let scenarios: Vec<_> = scenarios_for(&maker, emission).take(count).collect();
        let features = features::of(&subject.rule, catalog, subject.delivery == ListDelivery::Lookup);
        match try_rule(subject, emission, &maker, &mut harness, &scenarios) {
            Ok(alerts) => tally.add(&compiled, subject.seed, &features, scenarios.len(), alerts),
            Err(difference) => differences.push(difference),
        }
        true
    };
    for subject in files.iter().step_by(lane.thin) {
        one(subject, SCENARIOS, &mut tally);
    }
    let mut left = scenarios_wanted().div_ceil(SCENARIOS * lane.thin);
    for subject in subjects::random(catalog) {
        if left == 0 {
            break;
        }
        left -= usize::from(one(&subject, SCENARIOS, &mut tally));
    }
    (tally, differences)
}

/// Which lanes to run: all, or the one that `CATENA_CONFORMANCE_TARGET` names.
fn lanes() -> Vec<Lane> {
    let only = std::env::var("CATENA_CONFORMANCE_TARGET").ok();
    every_lane().into_iter().filter(|lane| only.as_ref().is_none_or(|only| only == lane.name)).collect()
}

#[test]
fn every_target_agrees_with_the_engine() {
    let mappings = Mappings::read();
    let files = subjects::of_files();
    let ran: Vec<(Tally, Vec<String>)> = std::thread::scope(|scope| {
        let (mappings, files) = (&mappings, &files);
        let start = |lane: Lane| scope.spawn(move || run_lane(&lane, mappings, files));
        let running: Vec<_> = lanes().into_iter().map(start).collect();
        running.into_iter().map(|harness| harness.join().unwrap()).collect()
    });
    let differences: Vec<&String> = ran.iter().flat_map(|(_, differences)| differences).collect();
    let shown: Vec<&str> = differences.iter().take(8).map(|text| text.as_str()).collect();
    assert!(differences.is_empty(), "{} differences\n{}", differences.len(), shown.join("\n"));
    report::keep(&ran.into_iter().map(|(tally, _)| tally).collect::<Vec<_>>());
}

/// A comparison over scenarios in which nothing happens would prove nothing.
#[test]
fn scenarios_are_not_trivial() {
    let (catalog, _) = Mappings::read().documented;
    let subjects: Vec<Subject> =
        subjects::of_files().into_iter().chain(subjects::random(&catalog).take(100)).collect();
    let (mut scenarios, mut silent, mut rules_that_alert) = (0, 0, 0);
    for subject in &subjects {
        let maker = Maker::new(&subject.rule, &catalog);
        let answers = scenarios_of(&maker).take(SCENARIOS).map(|(_, scenario)| Answer::of(&maker, &scenario));
        let alerts: Vec<usize> = answers.map(|answer| answer.alerts.len()).collect();
        scenarios += alerts.len();
        silent += alerts.iter().filter(|count| **count == 0).count();
        rules_that_alert += usize::from(alerts.iter().any(|count| *count > 0));
    }
    let shares = (silent * 100 / scenarios, rules_that_alert * 100 / subjects.len());
    println!(
        "{}% of {scenarios} scenarios are silent, {}% of {} rules alert",
        shares.0,
        shares.1,
        subjects.len()
    );
    assert!(
        (20..80).contains(&shares.0) && shares.1 > 80,
        "silent scenarios, rules that alert: {shares:?} %"
    );
}
