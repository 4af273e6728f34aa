//! The link keys and times by which a record that fails one part of a step could still join a chain.
//!
//! In: the candidates of a rule. Out: [`Frontier`]. Must not know: raw logs, output formats.
//!
//! Of the clauses of a rule only its links are asked here, so some records are wanted in vain, and none is missed.

use std::collections::HashMap;

use super::reach::{Reach, Seen};
use crate::engine::alert::Matched;
use crate::engine::candidate::{Asked, Candidate};
use crate::engine::keys::Keys;
use crate::engine::predicate::Values;
use crate::engine::program::{Fields, Key, Part, Program};

/// The keys of the chains that reach each step from one side, with the first and last time of each.
type Open = HashMap<Key, (i64, i64), foldhash::fast::RandomState>;

/// What a record could join.
#[derive(Debug)]
pub struct Frontier {
    /// For each role whose parts may be left out.
    roles: Vec<Option<Reads>>,
    sides: Sides,
}

#[derive(Debug)]
struct Reads {
    step: usize,
    key_in: Option<Fields>,
    key_out: Option<Fields>,
}

#[derive(Debug)]
enum Sides {
    InOrder {
        /// For each step but the first.
        behind: Vec<Open>,
        /// For each step but the last.
        ahead: Vec<Open>,
        gaps: Vec<i64>,
    },
    AnyOrder {
        /// Of each step.
        steps: Vec<Open>,
        window: i64,
    },
}

fn note(open: Option<&mut Open>, keys: &Keys, time: i64) {
    let Some(open) = open else { return };
    for key in keys.all() {
        // The span of times is a superset.
        let range = open.entry(key.clone()).or_insert((time, time));
        *range = (range.0.min(time), range.1.max(time));
    }
}

fn open(number: usize) -> Vec<Open> {
    (0..number).map(|_| Open::default()).collect()
}

impl Frontier {
    /// What the candidates of `program` leave open; `matched` is in the engine's order.
    #[must_use]
    pub fn new(program: &Program, matched: &[Matched<'_>]) -> Self {
        let roles = program.roles.iter().map(|role| match &role.part {
            // Of a count a record that fails a part is one less: the count itself is what is near.
            Part::Step { step, reads }
                if program.clauses.repetitions.get(*step).is_none_or(Option::is_none) =>
            {
                Some(Reads { step: *step, key_in: reads.key_in.clone(), key_out: reads.key_out.clone() })
            }
            Part::Step { .. } | Part::Absence { .. } => None,
        });
        let candidates: Vec<(Matched<'_>, Candidate<()>)> = matched
            .iter()
            .filter(|one| one.record.time >= program.from)
            .filter_map(|one| match Asked::new(program, (one.record, 0), one.step, ())? {
                Asked::Step(candidate) => Some((*one, candidate)),
                Asked::Absence(_) => None,
            })
            .collect();
        let sides = if program.clauses.together {
            any_order(program, candidates)
        } else {
            in_order(program, candidates)
        };
        Self { roles: roles.collect(), sides }
    }

    /// Whether any record could join in a role.
    #[must_use]
    pub fn is_open(&self, role: usize) -> bool {
        let Some(Some(Reads { step, .. })) = self.roles.get(role) else { return false };
        let is_open = |side: &[Open], link: Option<usize>| {
            link.and_then(|link| side.get(link)).is_none_or(|open| !open.is_empty())
        };
        match &self.sides {
            Sides::InOrder { behind, ahead, .. } => {
                is_open(behind, step.checked_sub(1)) && is_open(ahead, Some(*step))
            }
            Sides::AnyOrder { steps, .. } => {
                steps.iter().enumerate().all(|(other, open)| other == *step || !open.is_empty())
            }
        }
    }

    /// Whether a record of these values and this time could join in a role. Of those that could, some will not.
    #[must_use]
    pub fn wants(&self, role: usize, values: &Values<'_>, time: i64) -> bool {
        let Some(Some(Reads { step, key_in, key_out })) = self.roles.get(role) else { return false };
        let near = |open: &Open, key: Option<&Fields>, earliest: i64, latest: i64| {
            let keys = key.map(|key| Keys::of(values, key)).unwrap_or_default();
            let mut ranges = keys.all().iter().filter_map(|key| open.get(key));
            ranges.any(|(first, last)| earliest <= *last && latest >= *first)
        };
        match &self.sides {
            Sides::InOrder { behind, ahead, gaps } => {
                let before = step.checked_sub(1).and_then(|link| behind.get(link).zip(gaps.get(link)));
                let after = ahead.get(*step).zip(gaps.get(*step));
                before.is_none_or(|(open, gap)| near(open, key_in.as_ref(), time.saturating_sub(*gap), time))
                    && after.is_none_or(|(open, gap)| {
                        near(open, key_out.as_ref(), time, time.saturating_add(*gap))
                    })
            }
            Sides::AnyOrder { steps, window } => {
                let (earliest, latest) = (time.saturating_sub(*window), time.saturating_add(*window));
                let others = steps.iter().enumerate().filter(|(other, _)| other != step);
                others.into_iter().all(|(_, open)| near(open, key_out.as_ref(), earliest, latest))
            }
        }
    }
}

fn in_order(program: &Program, candidates: Vec<(Matched<'_>, Candidate<()>)>) -> Sides {
    let seen: Vec<Seen<'_>> =
        candidates.iter().map(|(one, _)| Seen { matched: *one, failing: None }).collect();
    let reach = Reach::new(program, &seen);
    let (mut behind, mut ahead) = (open(program.links.len()), open(program.links.len()));
    for (number, (one, candidate)) in candidates.into_iter().enumerate() {
        let Candidate { step, key_in, key_out, .. } = candidate;
        let time = one.record.time;
        if reach.back.get(number).is_some_and(Option::is_some) {
            note(behind.get_mut(step), &key_out, time);
        }
        if reach.ahead.get(number).is_some_and(Option::is_some) {
            note(step.checked_sub(1).and_then(|link| ahead.get_mut(link)), &key_in, time);
        }
    }
    Sides::InOrder { behind, ahead, gaps: program.links.iter().map(|link| link.gap).collect() }
}

fn any_order(program: &Program, candidates: Vec<(Matched<'_>, Candidate<()>)>) -> Sides {
    let mut steps = open(program.steps.len());
    for (one, Candidate { step, key_out, .. }) in candidates {
        note(steps.get_mut(step), &key_out, one.record.time);
    }
    Sides::AnyOrder { steps, window: program.total }
}
