//! The records before a burst: which of them come early enough for it.
//!
//! In: records with a chain behind them, in order of time; bursts. Out: for a burst the record with the latest start
//! among those that are not after its first instant. Must not know: what is counted, link keys.
//!
//! The first instant of the bursts of a group never falls, so a record that comes early enough for one does for all
//! that follow. Each group has its own window, into which the records pass in order, each once; those behind the first
//! one that does not pass are asked one by one, and that are those within the burst itself. A record whose own event is
//! counted in the burst must leave enough without it. (Records of one event are taken to have one time.)

use std::collections::{HashMap, VecDeque};

use foldhash::fast::RandomState;

use super::program::Key;
use super::record::Identity;
use super::repetition::{Burst, Groups};
use super::window::{Entry, Window};

/// A burst that a record completes.
#[derive(Debug)]
pub(super) struct Completed<'g> {
    pub(super) now: i64,
    pub(super) burst: Burst,
    pub(super) group: &'g Key,
    pub(super) groups: &'g Groups,
}

/// The records before bursts that are the same to the clauses of the link.
#[derive(Debug)]
pub(super) struct BurstLog<P> {
    entries: VecDeque<Entry<P>>,
    /// The number of the first of them.
    first: u64,
    /// The numbers of those that nothing later is better than, the best first.
    best: VecDeque<u64>,
    groups: HashMap<Key, Passed<P>, RandomState>,
}

/// The records that come early enough for the bursts of one group.
#[derive(Debug)]
struct Passed<P> {
    window: Window<P>,
    /// The number of the first record that has not passed.
    next: u64,
}

impl<P> Default for BurstLog<P> {
    fn default() -> Self {
        Self { entries: VecDeque::new(), first: 0, best: VecDeque::new(), groups: HashMap::default() }
    }
}

impl<P> BurstLog<P> {
    /// Adds a record, as [`Window::insert`] wants it.
    pub(super) fn push(&mut self, entry: Entry<P>) {
        let beats = |other: &Entry<P>| (other.start, other.time) < (entry.start, entry.time);
        while let Some(number) = self.best.back()
            && self.numbered(*number).is_none_or(beats)
        {
            self.best.pop_back();
        }
        self.best.push_back(self.first.saturating_add(self.entries.len() as u64));
        self.entries.push_back(entry);
    }

    fn numbered(&self, number: u64) -> Option<&Entry<P>> {
        self.entries.get(usize::try_from(number.checked_sub(self.first)?).ok()?)
    }

    /// The entry with the latest start; of equal starts the latest entry.
    pub(super) fn top(&self) -> Option<&Entry<P>> {
        self.numbered(*self.best.front()?)
    }

    /// The time of the newest entry.
    pub(super) fn newest(&self) -> Option<i64> {
        self.entries.back().map(|entry| entry.time)
    }

    /// Drops what is older than `oldest`.
    pub(super) fn expire(&mut self, oldest: i64) {
        while self.entries.front().is_some_and(|entry| entry.time < oldest) {
            self.entries.pop_front();
            self.first += 1;
        }
        while self.best.front().is_some_and(|number| *number < self.first) {
            self.best.pop_front();
        }
    }

    /// Forgets the groups that no record within the gap comes before.
    pub(super) fn evict_groups(&mut self, oldest: i64) {
        self.groups.retain(|_, passed| {
            passed.window.expire(oldest);
            !passed.window.is_empty()
        });
    }

    /// Whether nothing is left.
    pub(super) fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// How many records are remembered.
    pub(super) fn len(&self) -> usize {
        self.entries.len() + self.groups.values().map(|passed| passed.window.len()).sum::<usize>()
    }
}

impl<P: Clone> BurstLog<P> {
    /// The record with the latest start of an event other than `asking`, not older than `from`, before the burst. None
    /// asks for records older than `oldest` any more.
    pub(super) fn best(
        &mut self,
        asking: Identity,
        (oldest, from): (i64, i64),
        completed: &Completed<'_>,
    ) -> Option<&Entry<P>> {
        let Completed { now, burst, group, groups } = completed;
        let Self { entries, first, best: _, groups: of_groups } = self;
        if !of_groups.contains_key(*group) {
            of_groups.insert((*group).clone(), Passed { window: Window::default(), next: *first });
        }
        let Passed { window, next } = of_groups.get_mut(*group)?;
        *next = (*next).max(*first);
        window.expire(oldest);
        let comes_before = |entry: &&Entry<P>| entry.time <= burst.first_time;
        let leaves_enough = |entry: &Entry<P>| {
            let first_time = groups.first_without(*now, group, entry.event);
            first_time.is_some_and(|first_time| entry.time <= first_time)
        };
        let number = |next: u64| usize::try_from(next - *first).unwrap_or(usize::MAX);
        while let Some(entry) = entries.get(number(*next)).filter(comes_before)
            && leaves_enough(entry)
        {
            window.insert(entry.clone());
            *next += 1;
        }
        let behind = entries.iter().skip(number(*next)).take_while(comes_before);
        let behind =
            behind.filter(|entry| entry.time >= from && entry.event != asking && leaves_enough(entry));
        // Of full ties the first in order: those that have passed, then the others as they come.
        let found = window.best_since(asking, from).into_iter().chain(behind);
        found.reduce(
            |best, entry| {
                if (entry.start, entry.time) > (best.start, best.time) { entry } else { best }
            },
        )
    }
}
