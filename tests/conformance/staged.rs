//! A last log that is read in two stages: what a rule's search finds in all its runs, where it looks only for what the
//! list has that the other search keeps, over logs that arrive late.
//!
//! In: rules that can be staged, scenarios, when each event can be read. Out: chains missed and added, as scheduled and
//! with faults. Must not know: how keys are found.

use catena::backend::{Effect, Emission, Options, Role};
use catena::catalog::Catalog;
use fastrand::Rng;

use super::baseline::{Keeping, Tally, changed, options, sooner, with_lists};
use super::harness::Harness;
use super::mappings::Mappings;
use super::scenarios::Maker;
use super::scenarios_for;
use super::schedule::{Late, late};
use super::subjects::{self, Subject};

/// Scenarios for each rule, all in one run after the other.
const SCENARIOS: usize = 12;
/// Rules: every way to run each of them takes some hundred runs.
const RULES: usize = 2;

fn emitted(subject: &Subject, mappings: &Mappings, maker: &Maker<'_>) -> Option<Emission> {
    let options = Options { staged: true, ..options(subject, maker) };
    let mut emission = with_lists(subject, mappings, &options)?;
    // What the list adds to the reasons is what is measured here.
    emission.notes.retain(|note| !note.message.contains("is looked for where the list"));
    assert_eq!(emission.parts[0].role, Role::Keys);
    Some(emission)
}

fn scenarios(catalog: &Catalog, maker: &Maker<'_>, emission: &Emission) -> Vec<Late> {
    let mut rng = Rng::with_seed(7);
    let some: Vec<_> = scenarios_for(maker, emission).take(SCENARIOS).collect();
    some.into_iter().map(|scenario| late(catalog, &mut rng, scenario)).collect()
}

/// What goes wrong, how the list is kept, how much sooner the rule's search runs in intervals, and a fault.
type Tried = (&'static str, Keeping, i64, Option<[&'static str; 2]>);

/// What loses nothing.
const HARMLESS: [Tried; 2] =
    [("on time", Keeping::OnTime, 0, None), ("one left out", Keeping::OneLeftOut, 0, None)];
/// What must show as chains that are missed.
const MISSING: [Tried; 4] = [
    ("two left out", Keeping::TwoLeftOut, 2, None),
    ("never", Keeping::Never, 0, None),
    ("an interval too soon", Keeping::OneLeftOut, 1, None),
    ("open for a minute", Keeping::OnTime, 0, Some([r"open_until \+ \d+", "open_until + 60"])),
];

#[test]
fn a_log_that_is_read_in_two_stages_loses_nothing() {
    let mappings = Mappings::read();
    let (catalog, _) = &mappings.documented;
    let mut subjects: Vec<Subject> = subjects::of_files();
    subjects.dedup_by(|second, first| second.name == first.name);
    let mut harness = Harness::start("spl");
    let mut sums = std::collections::BTreeMap::<&str, Tally>::new();
    let mut rules = 0;
    for subject in &subjects {
        let maker = Maker::new(&subject.rule, catalog);
        let Some(emission) = emitted(subject, &mappings, &maker) else { continue };
        rules += 1;
        if rules > RULES {
            break;
        }
        let is_exact = emission.notes.iter().all(|note| note.effect != Effect::Superset);
        let scenarios = scenarios(catalog, &maker, &emission);
        let every = i64::try_from(emission.parts[0].schedule.every).unwrap();
        for (how, keeping, less, fault) in HARMLESS.into_iter().chain(MISSING) {
            let emission = fault.map_or_else(|| emission.clone(), |fault| changed(&emission, fault));
            let less = less * every;
            let one = sooner(&mut harness, &maker, &emission, &scenarios, keeping, less);
            assert!(one.added == 0 || !is_exact, "{} {how}: {one:?}", subject.name);
            *sums.entry(how).or_default() += one;
        }
    }
    for (how, Tally { alerts, missed, added }) in &sums {
        println!("keys {how}: {alerts} alerts, {missed} missed, {added} added");
    }
    for (how, ..) in HARMLESS {
        assert!(sums[how].alerts > 10 && sums[how].missed == 0, "{how}: {:?}", sums[how]);
    }
    assert!(MISSING.iter().all(|(how, ..)| sums[how].missed > 0), "{sums:?}");
}
