//! What one link remembers of the records before it.
//!
//! In: records with a chain behind them, by link key, in order of time. Out: for a record after the link the one before
//! it with the latest start among those with which the pair may stand. Must not know: steps, fields.
//!
//! The records of a key are parted by what the clauses of the link read of them: within a part a comparison holds for
//! all or for none, and one bound in time says which of them an absence leaves. `parts` finds the best part.

use std::cmp::Reverse;
use std::hash::BuildHasher;
use std::sync::Arc;

use foldhash::fast::RandomState;

use super::absence::Newest;
use super::burst_log::Completed;
use super::candidate::Candidate;
use super::compare::{Side, Sorted, can_hold};
use super::keyed::Keyed;
use super::keys::Keys;
use super::parts::{Parts, Question, Search};
use super::program::{Between, LinkClauses};
use super::records::{Node, Records};
use super::value::Atom;
use super::window::Entry;
use crate::ir::{CompareOp, Neighbour};

/// A candidate with a chain behind it.
#[derive(Debug)]
pub(super) struct Reached<T> {
    pub(super) start: i64,
    pub(super) until: Option<i64>,
    pub(super) candidate: Candidate<T>,
    pub(super) before: Option<Arc<Node<T>>>,
}

/// What one link remembers.
#[derive(Debug)]
pub(super) struct Memory<T> {
    gap: i64,
    comparisons: Vec<CompareOp>,
    sorted: Sorted,
    absences: Absences,
    /// Whether the step after the link repeats.
    into_burst: bool,
    keys: Keyed<Parts<T>>,
    next: u64,
    /// Chance for the shape of search trees, so that no log can make them deep.
    chance: RandomState,
    looked_at: u64,
}

/// What must not be between two neighbours, by which of them has the key of it.
#[derive(Debug, Default)]
struct Absences {
    /// What they exclude once they exclude for all records that follow.
    earlier: Vec<Between>,
    /// These exclude the same of every part.
    later: Vec<Between>,
    both: Vec<Between>,
}

impl<T> Memory<T> {
    pub(super) fn new(gap: i64, clauses: LinkClauses, into_burst: bool) -> Self {
        let LinkClauses { comparisons, absences } = clauses;
        Self {
            gap,
            sorted: Sorted::by(&comparisons),
            comparisons,
            absences: Absences::new(absences),
            into_burst,
            keys: Keyed::default(),
            next: 0,
            chance: RandomState::default(),
            looked_at: 0,
        }
    }

    /// Evicts records that are too old to link.
    pub(super) fn evict_expired(&mut self, now: i64) {
        let oldest = now.saturating_sub(self.gap);
        self.keys.evict(now, oldest, |parts| {
            parts.retain(|records| records.evict(oldest));
            !parts.is_empty()
        });
    }

    /// The best start before a candidate, and the record that has it.
    pub(super) fn best(
        &mut self,
        now: i64,
        candidate: &Candidate<T>,
        newest: &[Option<Newest>],
        completed: Option<&Completed<'_>>,
    ) -> Option<(i64, Arc<Node<T>>)> {
        // Time only rises, so what is too old for this record is too old for all that follow.
        let oldest = now.saturating_sub(self.gap);
        let (absences, none) = (&self.absences, Side::default());
        let side_in = &candidate.more.side_in;
        // A record of the time of what must not be there is not before it.
        let from = latest(oldest, &absences.later, newest, (&none, side_in));
        let floors = |side: &Side| {
            let keep = latest(oldest, &absences.earlier, newest, (side, &none));
            (keep, latest(keep.max(from), &absences.both, newest, (side, side_in)))
        };
        let question = Question {
            comparisons: &self.comparisons,
            sorted: self.sorted,
            side_in,
            asking: candidate.event,
            from,
            floors: &floors,
            completed,
        };
        let mut search = Search::new(question);
        for key in candidate.key_in.all() {
            if let Some(parts) = self.keys.get_mut(key) {
                search.through(parts);
            }
        }
        let (best, looked_at) = search.end();
        self.looked_at += looked_at;
        best
    }

    /// Adds what was reached at `time`, best start first, as [`super::window::Window::insert`] wants it.
    pub(super) fn remember(&mut self, time: i64, mut reached: Vec<Reached<T>>) {
        // The sort is stable: of equal starts the first in the order of records stays the first, and is preferred.
        reached.sort_by_key(|one| Reverse(one.start));
        for Reached { start, until, candidate, before } in reached {
            let Candidate { step: _, event, key_in: _, key_out, payload, more } = candidate;
            if key_out == Keys::None || !can_hold(&self.comparisons, &more.side_out) {
                continue;
            }
            self.next += 1;
            let node = Arc::new(Node { payload, burst: more.burst, until, before, number: self.next });
            let oldest = time.saturating_sub(self.gap);
            let (sorted, into_burst) = (self.sorted, self.into_burst);
            let priority = self.chance.hash_one(self.next);
            for key in key_out.all() {
                let entry = Entry { time, start, event, payload: Arc::clone(&node) };
                self.keys.change(time, key, Parts::default, |parts| {
                    let new = || (priority, Records::new(into_burst));
                    parts.change(sorted, &more.side_out, new, |records| {
                        records.expire(oldest);
                        records.insert(entry);
                    });
                });
            }
        }
    }

    /// How many records are remembered.
    pub(super) fn len(&self) -> usize {
        self.keys.values().map(Parts::len).sum()
    }

    /// How many parts of keys were looked at so far.
    pub(super) fn looked_at(&self) -> u64 {
        self.looked_at
    }
}

impl Absences {
    fn new(absences: Vec<Between>) -> Self {
        let mut this = Self::default();
        for between in absences {
            let has = |of: Neighbour| between.parts.iter().any(|(neighbour, _)| *neighbour == of);
            match (has(Neighbour::Earlier), has(Neighbour::Later)) {
                (true, false) => this.earlier.push(between),
                (false, _) => this.later.push(between),
                (true, true) => this.both.push(between),
            }
        }
        this
    }
}

/// The latest of `floor` and when any of the absences was last there.
fn latest(floor: i64, absences: &[Between], newest: &[Option<Newest>], sides: (&Side, &Side)) -> i64 {
    absences.iter().filter_map(|between| newest_between(between, newest, sides)).fold(floor, i64::max)
}

/// When something last stood before a record and after some of those before the link.
fn newest_between(
    Between { absence, parts }: &Between,
    newest: &[Option<Newest>],
    (side_out, side_in): (&Side, &Side),
) -> Option<i64> {
    let part = |(of, at): &(Neighbour, usize)| match of {
        Neighbour::Earlier => side_out.get(*at)?.clone(),
        Neighbour::Later => side_in.get(*at)?.clone(),
    };
    let key: Box<[Atom]> = parts.iter().map(part).collect::<Option<_>>()?;
    newest.get(*absence)?.as_ref()?.get(&key)
}
