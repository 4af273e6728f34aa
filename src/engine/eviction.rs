//! Which remembered keys it is time to look after.
//!
//! In: keys, each once, with when they were last looked after. Out: those that are due, oldest first.
//! Must not know: what is remembered of a key.
//!
//! Each key is visited once per length of its window, so it is gone at most two windows after its last record, and the
//! work is constant per key and window.

use std::collections::VecDeque;

use super::program::Key;

/// Keys in the order in which they were looked after.
#[derive(Debug, Default)]
pub(super) struct Eviction {
    queue: VecDeque<(i64, Key)>,
}

impl Eviction {
    /// Adds a key that is not in it.
    pub(super) fn add(&mut self, time: i64, key: Key) {
        self.queue.push_back((time, key));
    }

    /// Asks `keep` about every key that was not looked after since `oldest`, whether it is still needed.
    pub(super) fn visit(&mut self, now: i64, oldest: i64, mut keep: impl FnMut(&Key) -> bool) {
        while self.queue.front().is_some_and(|(time, _)| *time < oldest) {
            let Some((_, key)) = self.queue.pop_front() else { return };
            if keep(&key) {
                self.queue.push_back((now, key));
            }
        }
    }
}
