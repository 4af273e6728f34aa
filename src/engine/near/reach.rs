//! How far chains reach: for each candidate the best start behind it and the first end in front of it.
//!
//! In: the candidates of a rule in order of time, some of them near: records that fail one part of a step. Out:
//! [`Reach`], and the link keys by which a record could close a broken chain ([`Frontier`]). Must not know: raw logs,
//! output formats.
//!
//! Backwards in time a chain is a chain: with times negated, steps reversed and the sides of links exchanged, the
//! machine that finds the latest start finds the earliest end. A near candidate asks for its predecessors and is
//! remembered by nobody, so no chain has two of them.

use std::collections::HashMap;

use super::part::Part;
use crate::engine::alert::Matched;
use crate::engine::chain::{Candidate, Machine, More};
use crate::engine::predicate::Values;
use crate::engine::program::{Clauses, Key, Link, Program, key};

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
        let back = follow(&unbounded(program, false), seen, &everyone, Way::Back);
        let last = program.links.len();
        let alerts = |(one, far): (&Seen<'_>, &Option<Far>)| {
            let length = far.map(|far| one.matched.record.time.saturating_sub(far.time));
            one.matched.step == last
                && one.failing.is_none()
                && length.is_some_and(|length| length <= program.total)
        };
        let loud: Vec<bool> = seen.iter().zip(&back).map(alerts).collect();
        // What leads to an end that alerts misses nothing there.
        let silent: Vec<usize> =
            everyone.into_iter().rev().filter(|number| loud.get(*number) != Some(&true)).collect();
        let ahead = follow(&unbounded(program, true), seen, &silent, Way::Ahead);
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
    let sign = if way == Way::Back { 1 } else { -1 };
    let time = |number: &usize| seen.get(*number).map_or(0, |one| sign * one.matched.record.time);
    let mut far = vec![None; seen.len()];
    let mut machine = Machine::new(program);
    for instant in numbers.chunk_by(|left, right| time(left) == time(right)) {
        let candidates = instant.iter().filter_map(|number| {
            let one = seen.get(*number)?;
            Some(candidate(program, one, *number, way))
        });
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

/// A candidate for a program that may be reversed.
fn candidate(program: &Program, one: &Seen<'_>, number: usize, way: Way) -> Candidate<usize> {
    let Matched { record, step, .. } = one.matched;
    let step = if way == Way::Back { step } else { program.links.len() - step };
    // Without a key outwards it is nobody's predecessor: a chain has one failing record at most.
    let key_out = if one.failing.is_none() { program.key_out(step, record) } else { None };
    Candidate {
        step,
        event: record.event,
        key_in: program.key_in(step, record),
        key_out,
        payload: number,
        more: More::default(),
    }
}

/// The chain of `program` without a total; if `reversed`, from its last step to its first.
fn unbounded(program: &Program, reversed: bool) -> Program {
    let Program { name, steps, links, total: _, from: _, dedupe: _, roles: _, clauses: _ } = program;
    let mirror =
        |Link { gap, left, right }: &Link| Link { gap: *gap, left: right.clone(), right: left.clone() };
    let (mut steps, links) = (steps.clone(), links.iter());
    if reversed {
        steps.reverse();
    }
    let links = if reversed { links.rev().map(mirror).collect() } else { links.cloned().collect() };
    // The total may be the one condition that fails, so it must not cut chains here.
    let (name, roles, clauses) = (name.clone(), Vec::new(), Clauses::default());
    Program { name, steps, links, total: i64::MAX, from: i64::MIN, dedupe: None, roles, clauses }
}

/// The keys of the chains that reach each step from one side, with the first and last time of each.
type Open = HashMap<Key, (i64, i64), foldhash::fast::RandomState>;

/// The link keys and times by which a record that fails one part of a step could join a chain that reaches it from both
/// sides.
#[derive(Debug)]
pub struct Frontier {
    /// For each step but the first.
    behind: Vec<Open>,
    /// For each step but the last.
    ahead: Vec<Open>,
    links: Vec<Link>,
    /// Whether the rule has nothing but steps and links.
    is_plain: bool,
}

impl Frontier {
    /// What the candidates of `program` leave open; `matched` is in the engine's order.
    #[must_use]
    pub fn new(program: &Program, matched: &[Matched<'_>]) -> Self {
        let is_plain = program.beyond_links().is_none();
        let matched = if is_plain { matched } else { &[] };
        let seen: Vec<Seen<'_>> = matched.iter().map(|one| Seen { matched: *one, failing: None }).collect();
        let reach = Reach::new(program, &seen);
        let open = || program.links.iter().map(|_| Open::default()).collect::<Vec<_>>();
        let (mut behind, mut ahead) = (open(), open());
        let note = |side: &mut Vec<Open>, link: Option<usize>, key: Option<Key>, time: i64| {
            let (Some(open), Some(key)) = (link.and_then(|link| side.get_mut(link)), key) else { return };
            // The span of times is a superset: some records are wanted in vain, and none is missed.
            let range = open.entry(key).or_insert((time, time));
            *range = (range.0.min(time), range.1.max(time));
        };
        for (number, one) in seen.iter().enumerate() {
            let Matched { record, step, .. } = one.matched;
            if reach.back.get(number).is_some_and(Option::is_some) {
                note(&mut behind, Some(step), program.key_out(step, record), record.time);
            }
            if reach.ahead.get(number).is_some_and(Option::is_some) {
                note(&mut ahead, step.checked_sub(1), program.key_in(step, record), record.time);
            }
        }
        Self { behind, ahead, links: program.links.clone(), is_plain }
    }

    /// Whether any record could join at `step`.
    #[must_use]
    pub fn is_open(&self, step: usize) -> bool {
        let open = |side: &[Open], link: Option<usize>| {
            link.and_then(|link| side.get(link)).is_none_or(|open| !open.is_empty())
        };
        self.is_plain && open(&self.behind, step.checked_sub(1)) && open(&self.ahead, Some(step))
    }

    /// Whether a record of these values and this time could join at `step`. Of those that could, some will not.
    #[must_use]
    pub fn wants(&self, step: usize, values: &Values<'_>, time: i64) -> bool {
        let near = |open: Option<&Open>, places: &[usize], earliest: i64, latest: i64| {
            let range = key(values, places).and_then(|key| open?.get(&key).copied());
            range.is_some_and(|(first, last)| earliest <= last && latest >= first)
        };
        let behind = step.checked_sub(1).and_then(|link| Some((link, self.links.get(link)?)));
        let from_behind = behind.is_none_or(|(at, link)| {
            near(self.behind.get(at), &link.right, time.saturating_sub(link.gap), time)
        });
        from_behind
            && self.links.get(step).is_none_or(|link| {
                near(self.ahead.get(step), &link.left, time, time.saturating_add(link.gap))
            })
    }
}
