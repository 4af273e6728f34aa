//! What we emit, run in other people's engines, against the embedded engine: random worlds of raw events, for every rule of the
//! corpus and for random rules, in every target.
//!
//! `CATENA_CONFORMANCE=50000 cargo test --release conformance` is the long run, with that many worlds for each target; without it
//! 2,000 are tried. Seeds are fixed, so that a run can be repeated. A difference is shrunk and printed with rule, query and both answers.

mod aim;
mod assume;
mod author;
mod features;
mod homes;
mod judge;
mod lane;
mod mutants;
mod raw;
mod report;
mod samples;
mod shrink;
mod subjects;
mod worlds;

use catena::backend::{self, Emission, Job, ListDelivery, Options, Target};
use catena::diag::Diagnostics;
use fastrand::Rng;

use homes::Homes;
use judge::{Answer, judge};
use lane::Lane;
use raw::Event;
use report::Tally;
use subjects::Subject;
use worlds::Maker;

/// Worlds for one random rule; a rule of the corpus has more.
const WORLDS: usize = 10;
const WORLDS_OF_FILE: usize = 24;
/// 2026-01-01, where the first world begins.
const BEGIN: i64 = 1_767_225_600;

fn worlds_wanted() -> usize {
    std::env::var("CATENA_CONFORMANCE").ok().map_or(2_000, |text| text.parse().expect("a number of worlds"))
}

/// What a target makes of a rule, and whether it needs names of fields that only an environment file gives.
struct Compiled {
    emission: Emission,
    is_named: bool,
}

/// Compiles as the program does, with the environment file of the lane only where the rule needs it; `None` where the target
/// refuses, also for what could miss events.
fn emit(subject: &Subject, homes: &Homes, target: &dyn Target) -> Option<Compiled> {
    let options = Options { lists: subject.delivery, ..Options::default() };
    [&homes.documented, &homes.named].into_iter().enumerate().find_map(|(index, (catalog, schemas))| {
        let job = Job { rule: &subject.rule, catalog, schemas, options: &options };
        let emission = backend::compile(&job, target, &mut Diagnostics::default())?;
        Some(Compiled { emission, is_named: index > 0 })
    })
}

/// The worlds of a rule, each with the second at which it begins. Every target sees the same ones.
fn worlds_of<'m>(maker: &'m Maker<'_>) -> impl Iterator<Item = (i64, Vec<Event>)> + use<'m> {
    let seed = maker.rule.name.node.bytes().fold(1_u64, |hash, byte| hash.wrapping_mul(31) + u64::from(byte));
    let mut rng = Rng::with_seed(seed);
    let begins = (0..).map(|index| BEGIN + index * maker.stride());
    begins.map(move |begin| (begin, maker.world(&mut rng, begin)))
}

/// The same worlds without what an emission leaves to its engine.
fn worlds_for<'m>(
    maker: &'m Maker<'_>,
    emission: &'m Emission,
) -> impl Iterator<Item = (i64, Vec<Event>)> + use<'m> {
    worlds_of(maker).map(|(begin, world)| (begin, assume::tame(maker, emission, world)))
}

/// Runs one rule in one target. `Err` is a difference, shrunk.
fn try_rule(
    subject: &Subject,
    emission: &Emission,
    maker: &Maker<'_>,
    lane: &mut Lane,
    worlds: &[(i64, Vec<Event>)],
) -> Result<usize, String> {
    let lists = &subject.rule.lists;
    let rows = lane
        .ask(&subject.name, &emission.parts, lists, worlds)
        .map_err(|problem| told(subject, emission, &format!("refused: {problem}"), &[]))?;
    let mut alerts = 0;
    for ((begin, world), rows) in worlds.iter().zip(&rows) {
        let answer = Answer::of(maker, world);
        alerts += answer.alerts.len();
        if judge(maker, emission, &answer, rows).is_ok() {
            continue;
        }
        let small = shrink::shrink(world.clone(), |world| {
            let one = [(*begin, world.to_vec())];
            let Ok(rows) = lane.ask(&subject.name, &emission.parts, lists, &one) else { return false };
            judge(maker, emission, &Answer::of(maker, world), &rows[0]).is_err()
        });
        let rows = lane.ask(&subject.name, &emission.parts, lists, &[(*begin, small.clone())]).unwrap();
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

fn told(subject: &Subject, emission: &Emission, what: &str, world: &[Event]) -> String {
    let parts: Vec<String> =
        emission.parts.iter().map(|part| format!("── {}\n{}", part.name, part.text)).collect();
    let events: Vec<String> = world.iter().map(|event| format!("{} {}", event.source, event.raw)).collect();
    format!(
        "══ {} in {} ({:?}, {:?})\n{}\n{}\n── world\n{}\n── difference\n{what}\n",
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
fn run_target(target: &dyn Target, homes: &Homes, files: &[Subject]) -> (Tally, Vec<String>) {
    let mut lane = Lane::to_compare(target.name());
    let (mut tally, mut differences) = (Tally::new(target), Vec::new());
    let (catalog, _) = &homes.documented;
    let mut one = |subject: &Subject, count: usize, tally: &mut Tally| {
        let Some(compiled) = emit(subject, homes, target) else {
            tally.refused += 1;
            return false;
        };
        let emission = &compiled.emission;
        let maker = Maker::new(&subject.rule, catalog);
        let worlds: Vec<_> = worlds_for(&maker, emission).take(count).collect();
        let features = features::of(&subject.rule, catalog, subject.delivery == ListDelivery::Lookup);
        match try_rule(subject, emission, &maker, &mut lane, &worlds) {
            Ok(alerts) => tally.add(&compiled, subject.seed, &features, worlds.len(), alerts),
            Err(difference) => differences.push(difference),
        }
        true
    };
    for subject in files {
        one(subject, WORLDS_OF_FILE, &mut tally);
    }
    let mut left = worlds_wanted().div_ceil(WORLDS);
    for subject in subjects::random(catalog) {
        if left == 0 {
            break;
        }
        left -= usize::from(one(&subject, WORLDS, &mut tally));
    }
    (tally, differences)
}

/// Which targets to run: all, or the one that `CATENA_CONFORMANCE_TARGET` names.
fn targets() -> Vec<&'static dyn Target> {
    let only = std::env::var("CATENA_CONFORMANCE_TARGET").ok();
    backend::ALL
        .iter()
        .copied()
        .filter(|target| only.as_ref().is_none_or(|only| only == target.name()))
        .collect()
}

#[test]
fn every_target_agrees_with_the_engine() {
    let homes = Homes::read();
    let files = subjects::of_files();
    let ran: Vec<(Tally, Vec<String>)> = std::thread::scope(|scope| {
        let start = |target: &'static dyn Target| scope.spawn(|| run_target(target, &homes, &files));
        let running: Vec<_> = targets().into_iter().map(start).collect();
        running.into_iter().map(|lane| lane.join().unwrap()).collect()
    });
    let differences: Vec<&String> = ran.iter().flat_map(|(_, differences)| differences).collect();
    let shown: Vec<&str> = differences.iter().take(8).map(|text| text.as_str()).collect();
    assert!(differences.is_empty(), "{} differences\n{}", differences.len(), shown.join("\n"));
    report::keep(&ran.into_iter().map(|(tally, _)| tally).collect::<Vec<_>>());
}

/// A comparison over worlds in which nothing happens would prove nothing.
#[test]
fn worlds_are_not_tame() {
    let (catalog, _) = Homes::read().documented;
    let subjects: Vec<Subject> =
        subjects::of_files().into_iter().chain(subjects::random(&catalog).take(100)).collect();
    let (mut worlds, mut silent, mut rules_that_alert) = (0, 0, 0);
    for subject in &subjects {
        let maker = Maker::new(&subject.rule, &catalog);
        let answers = worlds_of(&maker).take(WORLDS).map(|(_, world)| Answer::of(&maker, &world));
        let alerts: Vec<usize> = answers.map(|answer| answer.alerts.len()).collect();
        worlds += alerts.len();
        silent += alerts.iter().filter(|count| **count == 0).count();
        rules_that_alert += usize::from(alerts.iter().any(|count| *count > 0));
    }
    let shares = (silent * 100 / worlds, rules_that_alert * 100 / subjects.len());
    println!("{}% of {worlds} worlds are silent, {}% of {} rules alert", shares.0, shares.1, subjects.len());
    assert!((20..80).contains(&shares.0) && shares.1 > 80, "silent worlds, rules that alert: {shares:?} %");
}
