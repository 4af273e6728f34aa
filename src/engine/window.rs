//! The best start among the earlier records of one link key, over a window that slides in time.
//!
//! In: starts, in order of time. Out: the latest start of an event other than the one that asks.
//! Must not know: rules, records.
//!
//! An entry can only be the answer while no entry at least as late has a start at least as late, or while one event
//! alone has such entries and it is that event that asks. So there are two queues, both with starts that strictly fall
//! from front to back: `first` holds the entries that nothing beats, `second` those that a single event beats. A new
//! entry moves what it beats from `first` to `second` and drops what it beats in `second`, so each entry moves at most
//! twice: constant amortised work per record however many came before. (One event whose records recur at *different*
//! times can make `second` be looked through again; logs have one time for one event.)

use std::collections::VecDeque;

use super::record::Identity;

/// A record that has a chain behind it.
#[derive(Debug, Clone)]
pub struct Entry<T> {
    /// Its time, microseconds.
    pub time: i64,
    /// The latest start of a chain that ends in it.
    pub start: i64,
    /// Its event.
    pub event: Identity,
    /// What belongs to it.
    pub payload: T,
}

/// The entries of one key that can still be an answer.
#[derive(Debug)]
pub struct Window<T> {
    first: VecDeque<Entry<T>>,
    second: VecDeque<(Entry<T>, Identity)>,
}

impl<T> Default for Window<T> {
    fn default() -> Self {
        Self { first: VecDeque::new(), second: VecDeque::new() }
    }
}

impl<T> Window<T> {
    /// Adds an entry. Times never fall; among equal times the preferred entry comes first, so starts do not rise.
    pub fn insert(&mut self, entry: Entry<T>) {
        if let Some(last) = self.first.back()
            && last.time == entry.time
        {
            // Within an instant the preferred entry comes first: it beats this one for all but its own event.
            let rival = last.event;
            self.insert_beaten(entry, rival);
            return;
        }
        let mut beaten = Vec::new();
        // Equal starts are beaten too: the later entry is preferred, and it stays in the window for longer. Of the same
        // event the older entry goes altogether, since whoever may not link to the new one may not link to it either.
        while let Some(other) = pop_back_if(&mut self.first, |other| other.start <= entry.start) {
            if other.event != entry.event {
                beaten.push((other, entry.event));
            }
        }
        // Beaten by two events, an entry is never the answer: whoever asks is at most one of them.
        while let Some(pair) = pop_back_if(&mut self.second, |(other, _)| other.start <= entry.start) {
            if pair.1 == entry.event && pair.0.event != entry.event {
                beaten.push(pair);
            }
        }
        // Taken from the backs of two queues: starts have to fall again.
        beaten.sort_by_key(|(other, _)| std::cmp::Reverse(other.start));
        self.second.extend(beaten);
        self.first.push_back(entry);
    }

    /// Adds an entry that an entry of `rival` at the same time beats.
    fn insert_beaten(&mut self, entry: Entry<T>, rival: Identity) {
        let doubly_beaten = self.second.back().is_some_and(|(other, _)| other.time == entry.time);
        // An entry of this instant that is in `second` already beats this one, and it is of another event than the
        // rival.
        if rival == entry.event || doubly_beaten {
            return;
        }
        while pop_back_if(&mut self.second, |(other, _)| other.start <= entry.start).is_some() {}
        self.second.push_back((entry, rival));
    }

    /// Drops what is older than `oldest`.
    pub fn expire(&mut self, oldest: i64) {
        // A record that is exactly as old as the gap is long still links: limits are inclusive.
        while self.first.front().is_some_and(|entry| entry.time < oldest) {
            self.first.pop_front();
        }
        while self.second.front().is_some_and(|(entry, _)| entry.time < oldest) {
            self.second.pop_front();
        }
    }

    /// The entry with the latest start of an event other than `asking`; of equal starts the latest entry.
    #[must_use]
    pub fn best(&self, asking: Identity) -> Option<&Entry<T>> {
        Self::pick(self.first.iter(), self.second.iter(), asking)
    }

    /// The same among entries that are not older than `oldest`.
    #[must_use]
    pub fn best_since(&self, asking: Identity, oldest: i64) -> Option<&Entry<T>> {
        let first = self.first.partition_point(|entry| entry.time < oldest);
        let second = self.second.partition_point(|(entry, _)| entry.time < oldest);
        Self::pick(self.first.range(first..), self.second.range(second..), asking)
    }

    /// The entry with the latest start; of equal starts the latest entry.
    #[must_use]
    pub fn top(&self) -> Option<&Entry<T>> {
        self.first.front()
    }

    /// The time of the newest entry.
    #[must_use]
    pub fn newest(&self) -> Option<i64> {
        self.first.back().map(|entry| entry.time)
    }

    fn pick<'w>(
        mut first: impl Iterator<Item = &'w Entry<T>> + Clone,
        second: impl Iterator<Item = &'w (Entry<T>, Identity)>,
        asking: Identity,
    ) -> Option<&'w Entry<T>>
    where
        T: 'w,
    {
        // Starts fall from front to back: unless the front is of the event that asks, nothing is better.
        let front_is_other = first.clone().next().is_some_and(|entry| entry.event != asking);
        let first = first.find(|entry| entry.event != asking);
        if front_is_other {
            return first;
        }
        let second = second.map(|(entry, _)| entry).find(|entry| entry.event != asking);
        // Of full ties `max_by_key` takes the last, which is the one in `first`: it came first within its instant.
        second.into_iter().chain(first).max_by_key(|entry| (entry.start, entry.time))
    }

    /// Whether nothing is left.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        // The newest time of a window is always in `first`, so nothing in `second` outlasts it.
        self.first.is_empty()
    }

    /// How many entries can still be an answer.
    #[must_use]
    pub fn len(&self) -> usize {
        self.first.len() + self.second.len()
    }
}

fn pop_back_if<E>(queue: &mut VecDeque<E>, wanted: impl FnOnce(&E) -> bool) -> Option<E> {
    if queue.back().is_some_and(wanted) { queue.pop_back() } else { None }
}
