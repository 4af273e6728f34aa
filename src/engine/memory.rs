//! What one link remembers of the records before it.
//!
//! In: records with a chain behind them, by link key, in order of time. Out: for a record after the link the one before
//! it with the latest start among those with which the pair may stand. Must not know: steps, fields.
//!
//! The records of a key are parted by what the clauses of the link read of them: within a part a comparison holds for
//! all or for none, and one bound in time says which of them an absence leaves. So a record after the link asks one
//! window per part, however many records there were.

use std::cmp::Reverse;
use std::sync::Arc;

use super::absence::Newest;
use super::burst_log::{BurstLog, Completed};
use super::candidate::Candidate;
use super::compare::{Side, all_hold};
use super::keyed::Keyed;
use super::keys::Keys;
use super::program::{Between, LinkClauses};
use super::repetition::Burst;
use super::value::Atom;
use super::window::{Entry, Window};
use crate::ir::Neighbour;

/// A record with a chain behind it.
#[derive(Debug)]
pub(super) struct Node<T> {
    pub(super) payload: T,
    pub(super) burst: Option<Burst>,
    /// Until when something may come that takes the chain away, if anything can.
    pub(super) until: Option<i64>,
    // Shared, since paths branch: a record is freed with the last window or path that it is in.
    pub(super) before: Option<Arc<Node<T>>>,
    /// Of records with one time and start the one with the lower number is preferred.
    number: u64,
}

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
    clauses: LinkClauses,
    /// Whether the step after the link repeats.
    into_burst: bool,
    keys: Keyed<Vec<PartOfKey<T>>>,
    next: u64,
}

/// The records of a key that are the same to the clauses of the link.
#[derive(Debug)]
struct PartOfKey<T> {
    side: Side,
    records: Records<T>,
}

#[derive(Debug)]
enum Records<T> {
    Window(Window<Arc<Node<T>>>),
    Bursts(BurstLog<Arc<Node<T>>>),
}

impl<T> Memory<T> {
    pub(super) fn new(gap: i64, clauses: LinkClauses, into_burst: bool) -> Self {
        Self { gap, clauses, into_burst, keys: Keyed::default(), next: 0 }
    }

    /// Evicts records that are too old to link.
    pub(super) fn evict_expired(&mut self, now: i64) {
        let oldest = now.saturating_sub(self.gap);
        self.keys.evict(now, oldest, |parts| {
            parts.retain_mut(|part| part.records.evict(oldest));
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
        let Self { gap, clauses, keys, .. } = self;
        let LinkClauses { comparisons, absences } = clauses;
        // Time only rises, so what is too old for this record is too old for all that follow.
        let oldest = now.saturating_sub(*gap);
        let side_in = &candidate.more.side_in;
        let of_part = |part: &mut PartOfKey<T>| {
            if !all_hold(comparisons, &part.side, side_in) {
                return None;
            }
            // A record of the time of what must not be there is not before it.
            let last = |between: &Between| newest_between(between, newest, &part.side, side_in);
            let from = absences.iter().filter_map(last).fold(oldest, i64::max);
            part.records.expire(oldest);
            let found = match (&mut part.records, completed) {
                (Records::Window(window), _) => window.best_since(candidate.event, from),
                (Records::Bursts(log), Some(completed)) => {
                    log.best(candidate.event, (oldest, from), completed)
                }
                (Records::Bursts(_), None) => None,
            }?;
            Some((found.start, found.time, Arc::clone(&found.payload)))
        };
        let mut best = None;
        for key in candidate.key_in.all() {
            let found = keys.get_mut(key).into_iter().flatten().filter_map(of_part);
            best = best
                .into_iter()
                .chain(found)
                .max_by_key(|(start, time, node)| (*start, *time, Reverse(node.number)));
        }
        let best = best?;
        Some((best.0, best.2))
    }

    /// Adds what was reached at `time`, best start first, as [`Window::insert`] wants it.
    pub(super) fn remember(&mut self, time: i64, mut reached: Vec<Reached<T>>) {
        // The sort is stable: of equal starts the first in the order of records stays the first, and is preferred.
        reached.sort_by_key(|one| Reverse(one.start));
        for Reached { start, until, candidate, before } in reached {
            let Candidate { step: _, event, key_in: _, key_out, payload, more } = candidate;
            if key_out == Keys::None {
                continue;
            }
            self.next += 1;
            let node = Arc::new(Node { payload, burst: more.burst, until, before, number: self.next });
            let oldest = time.saturating_sub(self.gap);
            let into_burst = self.into_burst;
            for key in key_out.all() {
                let entry = Entry { time, start, event, payload: Arc::clone(&node) };
                self.keys.change(time, key, Vec::new, |parts| {
                    if let Some(part) = parts.iter_mut().find(|part| part.side == more.side_out) {
                        part.records.expire(oldest);
                        part.records.insert(entry);
                    } else {
                        let mut records = Records::new(into_burst);
                        records.insert(entry);
                        parts.push(PartOfKey { side: more.side_out.clone(), records });
                    }
                });
            }
        }
    }

    /// How many records are remembered.
    pub(super) fn len(&self) -> usize {
        let parts = self.keys.values().flatten();
        parts.map(|part| part.records.len()).sum()
    }
}

/// When something last stood before a record and after some of those before the link.
fn newest_between(
    Between { absence, parts }: &Between,
    newest: &[Option<Newest>],
    side_out: &Side,
    side_in: &Side,
) -> Option<i64> {
    let part = |(of, at): &(Neighbour, usize)| match of {
        Neighbour::Earlier => side_out.get(*at)?.clone(),
        Neighbour::Later => side_in.get(*at)?.clone(),
    };
    let key: Box<[Atom]> = parts.iter().map(part).collect::<Option<_>>()?;
    newest.get(*absence)?.as_ref()?.get(&key)
}

impl<T> Records<T> {
    fn new(into_burst: bool) -> Self {
        if into_burst { Self::Bursts(BurstLog::default()) } else { Self::Window(Window::default()) }
    }

    /// Drops what is older than `oldest`.
    fn expire(&mut self, oldest: i64) {
        match self {
            Self::Window(window) => window.expire(oldest),
            Self::Bursts(log) => log.expire(oldest),
        }
    }

    /// Drops what is older than `oldest`, and whatever belongs to it; whether anything is left.
    fn evict(&mut self, oldest: i64) -> bool {
        self.expire(oldest);
        match self {
            Self::Window(window) => !window.is_empty(),
            Self::Bursts(log) => {
                log.evict_groups(oldest);
                !log.is_empty()
            }
        }
    }

    fn insert(&mut self, entry: Entry<Arc<Node<T>>>) {
        match self {
            Self::Window(window) => window.insert(entry),
            Self::Bursts(log) => log.push(entry),
        }
    }

    fn len(&self) -> usize {
        match self {
            Self::Window(window) => window.len(),
            Self::Bursts(log) => log.len(),
        }
    }
}
