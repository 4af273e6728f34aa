//! What must not be there: when it was last there, and which records wait to see whether it comes.
//!
//! In: records that must not be there, by the key that they share with records of a step. Out: the newest of a key, and
//! the waiting records that one excludes. Must not know: fields, steps, links.
//!
//! Only what is strictly before or after a record excludes it: the times of an instant are added when its steps are
//! done, and a record that waits is excluded by later instants alone.

use std::collections::VecDeque;

use super::keyed::Keyed;
use super::program::Key;
use super::value::Atom;

/// For each key the newest time of what must not be there.
#[derive(Debug)]
pub(super) struct Newest {
    window: i64,
    times: Keyed<i64>,
}

impl Newest {
    /// Nothing yet; times older than `window` are forgotten.
    pub(super) fn new(window: i64) -> Self {
        Self { window, times: Keyed::default() }
    }

    /// Forgets what is too old.
    pub(super) fn evict_expired(&mut self, now: i64) {
        let oldest = now.saturating_sub(self.window);
        self.times.evict(now, oldest, |time| *time >= oldest);
    }

    /// Adds a record. Times never fall.
    pub(super) fn add(&mut self, time: i64, key: &Key) {
        self.times.change(time, key, || time, |newest| *newest = time);
    }

    /// The newest time of a key.
    pub(super) fn get(&self, key: &[Atom]) -> Option<i64> {
        self.times.get(key).copied()
    }

    /// How many keys are remembered.
    pub(super) fn len(&self) -> usize {
        self.times.values().count()
    }
}

/// Where a record waits: the number of its instant, and its number in it.
pub(super) type Place = (u64, usize);

/// The records that wait for one absence, by key.
#[derive(Debug)]
pub(super) struct Waiting {
    window: i64,
    records: Keyed<VecDeque<(i64, Place)>>,
}

impl Waiting {
    /// None yet; each waits for `window`.
    pub(super) fn new(window: i64) -> Self {
        Self { window, records: Keyed::default() }
    }

    /// Forgets the records that have waited for long enough.
    pub(super) fn evict_expired(&mut self, now: i64) {
        let oldest = now.saturating_sub(self.window);
        self.records.evict(now, oldest, |of_key| {
            of_key.retain(|(time, _)| *time >= oldest);
            !of_key.is_empty()
        });
    }

    /// A record begins to wait. Times never fall.
    pub(super) fn add(&mut self, time: i64, key: &Key, place: Place) {
        self.records.change(time, key, VecDeque::new, |of_key| of_key.push_back((time, place)));
    }

    /// What must not be there comes: gives `exclude` every record that it excludes.
    pub(super) fn exclude(&mut self, now: i64, key: &Key, mut exclude: impl FnMut(Place)) {
        let Some(of_key) = self.records.get_mut(key) else { return };
        while let Some((time, place)) = of_key.front().copied().filter(|(time, _)| *time < now) {
            of_key.pop_front();
            if time.saturating_add(self.window) >= now {
                exclude(place);
            }
        }
    }
}
