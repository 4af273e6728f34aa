//! What is remembered of keys, for as long as it matters.
//!
//! In: values by key, added in order of time. Out: the values, and the memory back once they are too old.
//! Must not know: what is remembered.
//!
//! Each key is looked after once per length of its window, so it is gone at most two windows after its last record, and
//! the work is constant per key and window.

use std::collections::{HashMap, VecDeque};

use foldhash::fast::RandomState;

use super::program::Key;
use super::value::Atom;

/// A value for each key.
#[derive(Debug)]
pub(super) struct Keyed<V> {
    values: HashMap<Key, V, RandomState>,
    /// Each key once, in the order in which they were looked after.
    queue: VecDeque<(i64, Key)>,
}

impl<V> Default for Keyed<V> {
    fn default() -> Self {
        Self { values: HashMap::default(), queue: VecDeque::new() }
    }
}

impl<V> Keyed<V> {
    pub(super) fn get(&self, key: &[Atom]) -> Option<&V> {
        self.values.get(key)
    }

    pub(super) fn get_mut(&mut self, key: &[Atom]) -> Option<&mut V> {
        self.values.get_mut(key)
    }

    pub(super) fn values(&self) -> impl Iterator<Item = &V> {
        self.values.values()
    }

    /// Changes the value of a key at `time`; what has none begins with that of `new`.
    pub(super) fn change(
        &mut self,
        time: i64,
        key: &Key,
        new: impl FnOnce() -> V,
        change: impl FnOnce(&mut V),
    ) {
        if let Some(value) = self.values.get_mut(key) {
            return change(value);
        }
        self.queue.push_back((time, key.clone()));
        change(self.values.entry(key.clone()).or_insert_with(new));
    }

    /// Asks `keep` about every key that was not looked after since `oldest`, whether its value is still needed.
    pub(super) fn evict(&mut self, now: i64, oldest: i64, mut keep: impl FnMut(&mut V) -> bool) {
        while self.queue.front().is_some_and(|(time, _)| *time < oldest) {
            let Some((_, key)) = self.queue.pop_front() else { return };
            if self.values.get_mut(&key).is_some_and(&mut keep) {
                self.queue.push_back((now, key));
            } else {
                self.values.remove(&key);
            }
        }
    }
}
