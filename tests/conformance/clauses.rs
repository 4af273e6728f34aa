//! Events that the clauses of a step ask for, or against: those that it counts, and those that must not be there. Most
//! lie at an edge of their window.
//!
//! In: an event that is to be a step of a chain. Out: more events beside it. Must not know: targets, queries.

use catena::ir::{Absence, Chain, Neighbour, Repetition, Step, When};
use fastrand::Rng;

use super::raw::{Content, Event};
use super::samples;
use super::scenarios::Maker;

/// The longest time, in seconds, that a clause of a rule looks back or ahead beside its links.
pub(super) fn reach(chain: &Chain) -> u64 {
    let windows = chain.absences().map(|absence| match absence.when {
        When::Before(window) | When::After(window) => window.seconds,
        When::Between => 0,
    });
    windows.max().unwrap_or(0) + chain.steps.iter().map(Step::burst).sum::<u64>()
}

impl Maker<'_> {
    /// Adds what the clauses of step `index` and of the link before it speak of, around `event`.
    pub(super) fn add_for_clauses(
        &self,
        index: usize,
        before: Option<&Event>,
        event: &Event,
        events: &mut Vec<Event>,
        rng: &mut Rng,
    ) {
        let step = &self.rule.chain.steps[index];
        if let Some(repetition) = &step.repetition {
            self.repeat(step, repetition, event, events, rng);
        }
        for absence in &step.absences {
            if rng.u8(0..3) == 0 {
                self.add_absent(absence, (before, event), events, rng);
            }
        }
        let link = index.checked_sub(1).and_then(|link| self.rule.chain.links.get(link));
        for absence in link.into_iter().flat_map(|link| &link.absences) {
            if before.is_some() && rng.bool() {
                self.add_absent(absence, (before, event), events, rng);
            }
        }
    }

    /// As many more events of the step as it counts, or one too few or too many.
    fn repeat(
        &self,
        step: &Step,
        repetition: &Repetition,
        event: &Event,
        events: &mut Vec<Event>,
        rng: &mut Rng,
    ) {
        let window = i64::try_from(repetition.window.seconds).unwrap();
        let wanted = usize::try_from(repetition.least).unwrap();
        let count = wanted - 1 + rng.usize(0..3) - usize::from(rng.bool());
        for number in 0..count {
            let mut other = self.matching(step, events.len() + 100, rng);
            let by: Vec<_> = repetition.by_fields().map(|by| (by.name.as_str(), by.name.as_str())).collect();
            self.copy_fields(event, &mut other, &by, rng);
            if let Some(distinct) = &repetition.distinct {
                let name = &distinct.field.name;
                let values = samples::of(&other.source, name);
                if let Some(value) = values.get((number + rng.usize(0..2)) % values.len().max(1)) {
                    let source = self.source(&other.source.clone());
                    let folds = distinct.folds() && rng.bool();
                    let value = if folds { value.to_uppercase() } else { (*value).to_owned() };
                    other.set(source, name, Content::Text(&value), 0);
                }
            }
            let ago = match rng.u8(0..8) {
                0 => 0,
                1 | 2 => window,
                3 => window + 1,
                4 => -1,
                _ => rng.i64(0..=window),
            };
            other.happen(event.time() - ago, 60);
            events.push(other);
        }
    }

    /// Something that must not be there, or only just is not.
    fn add_absent(
        &self,
        absence: &Absence,
        (before, event): (Option<&Event>, &Event),
        events: &mut Vec<Event>,
        rng: &mut Rng,
    ) {
        let Some(selection) = rng.choice(&absence.selections) else { return };
        let mut other = self.selected(selection, events.len() + 200, &|_| true, rng);
        for key in &absence.keys {
            if rng.u8(0..12) == 0 {
                continue;
            }
            let from = match (key.of, before) {
                (Neighbour::Earlier, Some(before)) => before,
                (Neighbour::Earlier | Neighbour::Later, _) => event,
            };
            self.copy_fields(from, &mut other, &[(&key.left.name, selection.field(&key.right.name))], rng);
        }
        let now = event.time();
        let edge = |window: u64, rng: &mut Rng| {
            let window = i64::try_from(window).unwrap();
            *rng.choice(&[0, 1, window, window + 1, window / 2]).unwrap()
        };
        let time = match absence.when {
            When::Before(window) => now - edge(window.seconds, rng),
            When::After(window) => now + edge(window.seconds, rng),
            When::Between => {
                let then = before.map_or(now, Event::time);
                *rng.choice(&[then, then + 1, now - 1, now, i64::midpoint(then, now)]).unwrap()
            }
        };
        other.happen(time, 60);
        events.push(other);
    }
}
