//! How far chains reach: for each candidate the best start behind it and the first end in front of it.
//!
//! In: the candidates of a rule in order of time, some of them near: records that fail one part of a step. Out:
//! [`Reach`]. Must not know: raw logs,
//! output formats.
//!
//! Backwards in time a chain is a chain: with times negated, steps reversed and the sides of links exchanged, the
//! machine that finds the latest start finds the earliest end. A near candidate asks for its predecessors and is
//! remembered by nobody, so no chain has two of them.

use super::part::Part;
use crate::engine::alert::Matched;
use crate::engine::candidate::Asked;
use crate::engine::chain::{Candidate, Machine, More};
use crate::engine::keys::Keys;
use crate::engine::program::{Clauses, Link, Program};

/// A candidate of a rule.
#[derive(Debug, Clone, Copy)]
pub(super) struct Seen<'r> {
    pub(super) matched: Matched<'r>,
    /// The part of the step's condition that it fails; `None` if it satisfies the step.
    pub(super) failing: Option<Part>,
}

/// The end of a path in one direction.
#[derive(Debug, Clone, Copy)]
pub(super) struct Far {
    /// Time of the first or the last record.
    pub(super) time: i64,
    /// The neighbour on the way there.
    pub(super) next: Option<usize>,
}

/// For each candidate, by its number.
#[derive(Debug)]
pub(super) struct Reach {
    /// Towards the first step, whatever the length.
    pub(super) back: Vec<Option<Far>>,
    /// Towards the last step, to a record that does not alert.
    pub(super) ahead: Vec<Option<Far>>,
}

impl Reach {
    /// Follows the candidates, which are in the engine's order, both ways.
    pub(super) fn new(program: &Program, seen: &[Seen<'_>]) -> Self {
        let everyone: Vec<usize> = (0..seen.len()).collect();
        let back = follow(program, seen, &everyone, Way::Back);
        let last = Some(program.links.len());
        // Clauses are not asked here, so nothing is known to alert.
        let is_plain = program.beyond_links().is_none();
        let alerts = |(one, far): (&Seen<'_>, &Option<Far>)| {
            let length = far.map(|far| one.matched.record.time.saturating_sub(far.time));
            is_plain
                && program.step_of(one.matched.step) == last
                && one.failing.is_none()
                && length.is_some_and(|length| length <= program.total)
        };
        let loud: Vec<bool> = seen.iter().zip(&back).map(alerts).collect();
        // What leads to an end that alerts misses nothing there.
        let silent: Vec<usize> =
            everyone.into_iter().rev().filter(|number| loud.get(*number) != Some(&true)).collect();
        let ahead = follow(program, seen, &silent, Way::Ahead);
        Self { back, ahead }
    }

    /// The best path that ends in a candidate, first record first.
    pub(super) fn path_to(&self, number: usize) -> Vec<usize> {
        let mut path = walk(&self.back, number);
        path.reverse();
        path
    }

    /// The path from a candidate to the earliest end.
    pub(super) fn path_from(&self, number: usize) -> Vec<usize> {
        walk(&self.ahead, number)
    }
}

fn walk(far: &[Option<Far>], from: usize) -> Vec<usize> {
    std::iter::successors(Some(from), |number| far.get(*number).copied().flatten()?.next).collect()
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Way {
    /// Towards the first step: candidates come in order of time.
    Back,
    /// Towards the last step: candidates come in reverse.
    Ahead,
}

fn follow(program: &Program, seen: &[Seen<'_>], numbers: &[usize], way: Way) -> Vec<Option<Far>> {
    let chain = unbounded(program, way == Way::Ahead);
    let sign = if way == Way::Back { 1 } else { -1 };
    let time = |number: &usize| seen.get(*number).map_or(0, |one| sign * one.matched.record.time);
    let mut far = vec![None; seen.len()];
    let mut machine = Machine::new(&chain);
    for instant in numbers.chunk_by(|left, right| time(left) == time(right)) {
        let candidates =
            instant.iter().filter_map(|number| candidate(program, seen.get(*number)?, *number, way));
        machine.advance_watched(
            instant.first().map_or(0, time),
            candidates.collect(),
            |start, found, next| {
                if let Some(place) = far.get_mut(found.payload) {
                    *place = Some(Far { time: sign * start, next: next.copied() });
                }
            },
        );
    }
    far
}

/// A candidate for the chain, or for its reverse.
fn candidate(program: &Program, one: &Seen<'_>, number: usize, way: Way) -> Option<Candidate<usize>> {
    let Matched { record, step: role, .. } = one.matched;
    let Asked::Step(Candidate { step, event, key_in, key_out, payload, more: _ }) =
        Asked::new(program, (record, 0), role, number)?
    else {
        return None;
    };
    let (step, key_in, key_out) = match way {
        Way::Back => (step, key_in, key_out),
        Way::Ahead => (program.links.len().checked_sub(step)?, key_out, key_in),
    };
    // Without a key outwards it is nobody's predecessor: a chain has one failing record at most.
    let key_out = if one.failing.is_none() { key_out } else { Keys::None };
    Some(Candidate { step, event, key_in, key_out, payload, more: More::default() })
}

/// The chain of `program` without a total; if `reversed`, from its last step to its first.
fn unbounded(program: &Program, reversed: bool) -> Program {
    let Program { name, steps, links, total: _, from: _, dedupe: _, roles: _, clauses: _ } = program;
    let mirror = |Link { gap, left, right, any }: &Link| Link {
        gap: *gap,
        left: right.clone(),
        right: left.clone(),
        any: *any,
    };
    let (mut steps, links) = (steps.clone(), links.iter());
    if reversed {
        steps.reverse();
    }
    let links = if reversed { links.rev().map(mirror).collect() } else { links.cloned().collect() };
    // The total may be the one condition that fails, so it must not cut chains here.
    let (name, roles, clauses) = (name.clone(), Vec::new(), Clauses::default());
    Program { name, steps, links, total: i64::MAX, from: i64::MIN, dedupe: None, roles, clauses }
}
