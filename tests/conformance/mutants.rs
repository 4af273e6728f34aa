//! Mutants: faults in the emitted queries, each of which the comparison must detect.
//!
//! In: `tests/engines/<target>/mutants.json`, the rules of the corpus and random ones. A mutant is a replacement in the
//! text of an emission, as if the printer had written it so. It is caught when a harness's answer differs from the
//! engine's, or when the engine behind the harness refuses the text.

use catena::backend::Emission;
use catena::catalog::Catalog;
use regex::Regex;
use serde::Deserialize;

use super::harness::Harness;
use super::judge::{Answer, judge};
use super::mappings::Mappings;
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
const AT_ONCE: usize = 40;
/// Random rules among which a mutant must show itself, if no file shows it.
const RANDOM: usize = 150;

/// Those of a lane; none for one that shares its printer with another.
pub(super) fn of(lane: &str) -> Option<Vec<Mutant>> {
    let path = root().join("tests/engines").join(lane).join("mutants.json");
    let is_own = !["spark", "trino"].contains(&lane);
    is_own.then(|| serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap())
}

impl Mutant {
    /// The emission with the fault in it; `None` where it has nothing to change.
    fn plant(&self, emission: &Emission) -> Option<Emission> {
        let find = Regex::new(&self.find).unwrap();
        let mut mutated = emission.clone();
        for part in &mut mutated.parts {
            part.text = find.replace_all(&part.text, self.replace.as_str()).into_owned();
        }
        (mutated.parts != emission.parts).then_some(mutated)
    }
}

/// Whether some rule shows the fault, and how many rules had a place for it.
fn is_caught(
    mutant: &Mutant,
    catalog: &Catalog,
    subjects: &[(&Subject, Emission)],
    harness: &mut Harness,
) -> (bool, usize) {
    let places: Vec<_> = subjects
        .iter()
        .filter_map(|(subject, emission)| {
            Some((Maker::new(&subject.rule, catalog), emission, mutant.plant(emission)?))
        })
        .collect();
    let mut streams: Vec<_> =
        places.iter().map(|(maker, emission, _)| scenarios_for(maker, emission)).collect();
    // A little of every rule before more of one: most faults show at once, or in another rule.
    for _ in 0..SCENARIOS / AT_ONCE {
        for ((maker, emission, mutated), scenarios) in places.iter().zip(&mut streams) {
            let some: Vec<_> = scenarios.by_ref().take(AT_ONCE).collect();
            let Ok(rows) = harness.ask(mutated, &some) else {
                return (true, places.len());
            };
            let differs = some.iter().zip(&rows).any(|((_, scenario), rows)| {
                judge(maker, emission, &Answer::of(maker, scenario), rows).is_err()
            });
            if differs {
                return (true, places.len());
            }
        }
    }
    (false, places.len())
}

fn survivors(lane: &Lane, mappings: &Mappings, subjects: &[Subject]) -> Vec<String> {
    let Some(of_target) = of(lane.name) else { return Vec::new() };
    let mut harness = Harness::start(lane.name);
    let emitted: Vec<(&Subject, Emission)> = subjects
        .iter()
        .filter_map(|subject| Some((subject, emit(subject, mappings, lane)?.emission)))
        .collect();
    assert!(of_target.len() >= LEAST, "{} has {} mutants", lane.name, of_target.len());
    let survives = |mutant: &Mutant| {
        let (caught, places) = is_caught(mutant, &mappings.documented.0, &emitted, &mut harness);
        (!caught).then(|| format!("{}: {} ({places} rules have a place for it)", lane.name, mutant.name))
    };
    of_target.iter().filter_map(survives).collect()
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
