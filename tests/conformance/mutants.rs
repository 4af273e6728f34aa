//! Mutants: faults in the emitted queries, each of which the comparison must detect.
//!
//! In: `tests/engines/<target>/mutants.json`, the rules of the corpus and random ones. A mutant is a replacement in the
//! text of an emission, as if the printer had written it so. It is caught when a harness's answer differs from the
//! engine's, or when the engine behind the harness refuses the text.

use catena::backend::Emission;
use regex::Regex;
use serde::Deserialize;

use super::harness::Harness;
use super::judge::{Answer, judge};
use super::mappings::Mappings;
use super::raw::Event;
use super::scenarios::Maker;
use super::subjects::{self, Subject};
use super::{Lane, emit, every_lane, scenarios_for};
use crate::program::root;

/// A fault.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Mutant {
    pub(super) name: String,
    find: String,
    replace: String,
    pub(super) why: String,
}

/// The fewest faults for one target, and for all.
const LEAST: usize = 5;
const LEAST_OF_ALL: usize = 25;
/// Scenarios for each rule that has a place for a mutant.
const SCENARIOS: usize = 200;
/// Most mutants show themselves in the first few.
const AT_ONCE: usize = 20;
/// Random rules among which a mutant must show itself, if no file shows it.
const RANDOM: usize = 150;

/// Those of a lane; none for one that shares its printer with another.
pub(super) fn of(lane: &str) -> Option<Vec<Mutant>> {
    let path = root().join("tests/engines").join(lane).join("mutants.json");
    let is_own = !["spark", "trino"].contains(&lane);
    is_own.then(|| serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap())
}

impl Mutant {
    /// The emission with the fault in it; `None` where it has nothing to change. `find`: that of the mutant.
    fn plant(&self, find: &Regex, emission: &Emission) -> Option<Emission> {
        let mut mutated = emission.clone();
        for part in &mut mutated.parts {
            part.text = find.replace_all(&part.text, self.replace.as_str()).into_owned();
        }
        (mutated.parts != emission.parts).then_some(mutated)
    }
}

/// A rule with a fault in its emission, and the scenarios that are still to be tried.
struct Planted<'s, S> {
    maker: &'s Maker<'s>,
    emission: &'s Emission,
    mutated: Emission,
    scenarios: S,
}

impl<S: Iterator<Item = (i64, Vec<Event>)>> Planted<'_, S> {
    /// Whether the next few scenarios show the fault.
    fn shows(&mut self, harness: &mut Harness) -> bool {
        let some: Vec<_> = self.scenarios.by_ref().take(AT_ONCE).collect();
        let Ok(rows) = harness.ask(&self.mutated, &some) else { return true };
        some.iter().zip(&rows).any(|((_, scenario), rows)| {
            judge(self.maker, self.emission, &Answer::of(self.maker, scenario), rows).is_err()
        })
    }
}

/// How many rules had a place for a fault, if none of them shows it.
fn survives(mutant: &Mutant, subjects: &[(Maker<'_>, Emission)], harness: &mut Harness) -> Option<usize> {
    let find = Regex::new(&mutant.find).unwrap();
    let mut silent = Vec::new();
    // First the rules that are known to show it.
    let is_named = |(maker, _): &&(Maker<'_>, Emission)| mutant.why.contains(&maker.rule.name.node);
    let (named, others): (Vec<_>, Vec<_>) = subjects.iter().partition(is_named);
    // A little of every rule before more of one: most faults show at once, or in another rule.
    for (maker, emission) in named.into_iter().chain(others) {
        let Some(mutated) = mutant.plant(&find, emission) else { continue };
        let scenarios = scenarios_for(maker, emission);
        let mut planted = Planted { maker, emission, mutated, scenarios };
        if planted.shows(harness) {
            return None;
        }
        silent.push(planted);
    }
    for _ in 1..SCENARIOS / AT_ONCE {
        if silent.iter_mut().any(|planted| planted.shows(harness)) {
            return None;
        }
    }
    Some(silent.len())
}

fn survivors(lane: &Lane, mappings: &Mappings, subjects: &[Subject]) -> Vec<String> {
    let Some(of_target) = of(lane.name) else { return Vec::new() };
    let mut harness = Harness::start(lane.name);
    let (catalog, _) = &mappings.documented;
    let emitted = |subject| Some(emit(subject, mappings, lane)?.emission);
    let makers =
        subjects.iter().filter_map(|subject| Some((Maker::new(&subject.rule, catalog), emitted(subject)?)));
    let makers: Vec<_> = makers.collect();
    assert!(of_target.len() >= LEAST, "{} has {} mutants", lane.name, of_target.len());
    let told = |mutant: &Mutant| {
        let places = survives(mutant, &makers, &mut harness)?;
        Some(format!("{}: {} ({places} rules have a place for it)", lane.name, mutant.name))
    };
    of_target.iter().filter_map(told).collect()
}

#[test]
fn every_mutant_is_caught() {
    let mappings = Mappings::read();
    let all: usize = every_lane().iter().filter_map(|lane| of(lane.name)).map(|of| of.len()).sum();
    assert!(all >= LEAST_OF_ALL, "{all} mutants");
    let mut subjects = subjects::of_files();
    subjects.extend(subjects::random(&mappings.documented.0).take(RANDOM));
    let survivors: Vec<String> = std::thread::scope(|scope| {
        let (mappings, subjects) = (&mappings, &subjects);
        let start = |lane: Lane| scope.spawn(move || survivors(&lane, mappings, subjects));
        let running: Vec<_> = super::lanes().into_iter().map(start).collect();
        running.into_iter().flat_map(|harness| harness.join().unwrap()).collect()
    });
    assert!(survivors.is_empty(), "mutants that nothing caught:\n{}", survivors.join("\n"));
}
