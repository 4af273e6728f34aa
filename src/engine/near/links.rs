//! Chains that a single link breaks: its gap, its order in time, or one part of its key.
//!
//! In: the candidates of a rule and how far chains reach from them. Out: for each record after a broken link the
//! nearest record before it. Must not know: predicates, output formats.
//!
//! Every search is one pass over the candidates on both sides of the link in order of time, with a binary search for
//! each. An event has one time, as in logs; records of one event at several times can hide each other here, but never
//! give a wrong miss.

use std::collections::HashMap;

use super::reach::{Far, Reach, Seen};
use super::{Condition, nearest::Nearest, reach_of};
use crate::engine::program::{Key, Link, Program, key};
use crate::engine::record::{Identity, Record};

/// A link that fails one condition between two candidates, each of which a chain reaches from its side.
#[derive(Debug, Clone, Copy)]
pub(super) struct Broken {
    pub(super) condition: Condition,
    pub(super) left: usize,
    pub(super) right: usize,
    /// How far off, microseconds: what is exceeded, or for a key the time between the two.
    pub(super) by: i64,
}

/// One link, with the candidates on both sides that chains reach, in order of time.
#[derive(Debug)]
pub(super) struct Sides<'a> {
    at: usize,
    link: &'a Link,
    total: i64,
    lefts: Vec<Side<'a>>,
    rights: Vec<Side<'a>>,
}

#[derive(Debug, Clone, Copy)]
struct Side<'a> {
    number: usize,
    record: &'a Record,
    /// Of a left side the latest start, of a right side the earliest end.
    far: i64,
}

type Table<T> = HashMap<Key, T, foldhash::fast::RandomState>;

/// Of the left sides of one instant the one with the latest start, and the best one of another event.
#[derive(Debug, Clone, Copy)]
struct Tied<'a> {
    best: Side<'a>,
    other: Option<Side<'a>>,
}

impl<'a> Sides<'a> {
    pub(super) fn new(program: &'a Program, at: usize, seen: &[Seen<'a>], reach: &Reach) -> Option<Self> {
        let of_step = |step: usize, far: &[Option<Far>]| -> Vec<Side<'a>> {
            let side = |(number, (one, far)): (usize, (&Seen<'a>, &Option<Far>))| {
                let fits = one.matched.step == step && one.failing.is_none();
                far.filter(|_| fits).map(|far| Side { number, record: one.matched.record, far: far.time })
            };
            seen.iter().zip(far).enumerate().filter_map(side).collect()
        };
        let link = program.links.get(at)?;
        let (lefts, rights) = (of_step(at, &reach.back), of_step(at + 1, &reach.ahead));
        Some(Self { at, link, total: program.total, lefts, rights })
    }

    /// Adds the pairs that fail one condition of the link.
    pub(super) fn broken(&self, found: &mut Vec<Broken>) {
        self.gap(found);
        self.order(found);
        (0..self.link.left.len()).for_each(|part| self.key_part(part, found));
    }

    fn left_key(&self, side: &Side<'_>) -> Option<Key> {
        key(&side.record.values, &self.link.left)
    }

    fn right_key(&self, side: &Side<'_>) -> Option<Key> {
        key(&side.record.values, &self.link.right)
    }

    /// The nearest record with the same key whose gap had closed, if a gap so much longer suffices: the whole chain is
    /// then too long by no more than that.
    fn gap(&self, found: &mut Vec<Broken>) {
        let gap = self.link.gap;
        let mut table: Table<Nearest<Side<'_>>> = Table::default();
        let mut lefts = self.lefts.iter().peekable();
        for right in &self.rights {
            let closed = right.record.time.saturating_sub(gap);
            while let Some(left) = lefts.next_if(|left| left.record.time < closed) {
                if let Some(key) = self.left_key(left) {
                    table.entry(key).or_default().add(left.far - left.record.time, *left);
                }
            }
            // The chain may be too long by as much as the gap is exceeded by, so the time across the gap cancels out
            // and the bound asks only for what comes before it: so long may the chain be up to the record before the
            // gap.
            let ahead = right.far.saturating_sub(right.record.time);
            let longest = self.total.saturating_sub(gap).saturating_sub(ahead);
            let near = self.right_key(right).and_then(|key| table.get(&key)?.find(longest.saturating_neg()));
            let Some(left) = near else { continue };
            let by = closed - left.record.time;
            if by <= reach_of(gap) {
                found.extend(broken(Condition::Gap { link: self.at }, &left, right, by));
            }
        }
    }

    /// The nearest record with the same key that comes after its effect, within the gap.
    fn order(&self, found: &mut Vec<Broken>) {
        let mut table: Table<Nearest<Side<'_>>> = Table::default();
        let mut lefts = self.lefts.iter().rev().peekable();
        // Backwards in time, so that the record added last is the one nearest to the effect it follows.
        for right in self.rights.iter().rev() {
            while let Some(left) = lefts.next_if(|left| left.record.time > right.record.time) {
                if let Some(key) = self.left_key(left) {
                    table.entry(key).or_default().add(left.far, *left);
                }
            }
            // The chain as a whole must be in time: its order is to be the only thing wrong with it.
            let wanted = right.far.saturating_sub(self.total);
            let near = self.right_key(right).and_then(|key| table.get(&key)?.find(wanted));
            let Some(left) = near else { continue };
            let by = left.record.time - right.record.time;
            if by <= self.link.gap {
                found.extend(broken(Condition::Order { link: self.at }, &left, right, by));
            }
        }
    }

    /// The nearest record in time with the same key but for one part.
    fn key_part(&self, part: usize, found: &mut Vec<Broken>) {
        let without = |places: &[usize], side: &Side<'_>| {
            let rest = places.iter().enumerate().filter(|(at, _)| *at != part);
            key(&side.record.values, &rest.map(|(_, place)| *place).collect::<Vec<_>>())
        };
        let mut table: Table<Nearest<Side<'_>>> = Table::default();
        let mut lefts = self.lefts.iter().peekable();
        for instant in self.rights.chunk_by(|left, right| left.record.time == right.record.time) {
            let Some(now) = instant.first().map(|right| right.record.time) else { continue };
            let remember = |table: &mut Table<Nearest<Side<'a>>>, left: &Side<'a>| {
                if let Some(key) = without(&self.link.left, left) {
                    table.entry(key).or_default().add(left.far, *left);
                }
            };
            while let Some(left) = lefts.next_if(|left| left.record.time < now) {
                remember(&mut table, left);
            }
            // An event has one time, so only a record of the same instant can be of the event that asks: the others
            // need no identity.
            let mut tied: Table<Tied<'_>> = Table::default();
            let mut same_time = Vec::new();
            while let Some(left) = lefts.next_if(|left| left.record.time == now) {
                if let Some(key) = without(&self.link.left, left) {
                    tied.entry(key)
                        .and_modify(|tied| tied.add(*left))
                        .or_insert(Tied { best: *left, other: None });
                }
                same_time.push(left);
            }
            for right in instant {
                let Some(key) = without(&self.link.right, right) else { continue };
                let wanted = right.far.saturating_sub(self.total);
                let now_too = tied.get(&key).and_then(|tied| tied.but(right.record.event, wanted));
                let near = now_too.or_else(|| table.get(&key)?.find(wanted));
                let Some(left) = near else { continue };
                let by = now - left.record.time;
                if by <= self.link.gap {
                    found.extend(broken(Condition::Key { link: self.at, part }, &left, right, by));
                }
            }
            // Only now: for the records of this instant they were told apart by event.
            for left in same_time {
                remember(&mut table, left);
            }
        }
    }
}

/// The two sides as a broken link, unless they are one event.
fn broken(condition: Condition, left: &Side<'_>, right: &Side<'_>, by: i64) -> Option<Broken> {
    let apart = left.record.event != right.record.event;
    apart.then_some(Broken { condition, left: left.number, right: right.number, by })
}

impl<'a> Tied<'a> {
    fn add(&mut self, side: Side<'a>) {
        if side.far > self.best.far {
            let beaten = std::mem::replace(&mut self.best, side);
            // Of one event the best record is enough: whoever may not take it may not take another of its event.
            if beaten.record.event != side.record.event {
                self.other = Some(beaten);
            }
        } else if side.record.event != self.best.record.event
            && self.other.is_none_or(|other| side.far > other.far)
        {
            self.other = Some(side);
        }
    }

    /// The best one of an event other than `asking`, if it starts late enough.
    fn but(&self, asking: Identity, wanted: i64) -> Option<Side<'a>> {
        let good = |side: &Side<'a>| side.record.event != asking && side.far >= wanted;
        [Some(self.best), self.other].into_iter().flatten().find(good)
    }
}
