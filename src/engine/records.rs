//! The records before a link that are the same to its clauses.
//!
//! In: records with a chain behind them, in order of time. Out: the one with the latest start, of those that may stand
//! before a record or a burst. Must not know: keys, comparisons, absences.

use std::cmp::Reverse;
use std::sync::Arc;

use super::burst_log::{BurstLog, Completed};
use super::record::Identity;
use super::repetition::Burst;
use super::window::{Entry, Window};

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
    pub(super) number: u64,
}

/// How good a record is: start, time, number.
pub(super) type Rank = (i64, i64, Reverse<u64>);

/// The records; they are asked in another way if the step after the link repeats.
#[derive(Debug)]
pub(super) enum Records<T> {
    Window(Window<Arc<Node<T>>>),
    Bursts(BurstLog<Arc<Node<T>>>),
}

impl<T> Records<T> {
    pub(super) fn new(into_burst: bool) -> Self {
        if into_burst { Self::Bursts(BurstLog::default()) } else { Self::Window(Window::default()) }
    }

    pub(super) fn insert(&mut self, entry: Entry<Arc<Node<T>>>) {
        match self {
            Self::Window(window) => window.insert(entry),
            Self::Bursts(log) => log.push(entry),
        }
    }

    /// Drops what is older than `oldest`.
    pub(super) fn expire(&mut self, oldest: i64) {
        match self {
            Self::Window(window) => window.expire(oldest),
            Self::Bursts(log) => log.expire(oldest),
        }
    }

    /// Drops what is older than `oldest`, and whatever belongs to it; whether anything is left.
    pub(super) fn evict(&mut self, oldest: i64) -> bool {
        self.expire(oldest);
        match self {
            Self::Window(window) => !window.is_empty(),
            Self::Bursts(log) => {
                log.evict_groups(oldest);
                !log.is_empty()
            }
        }
    }

    /// The best of all, which no answer is better than.
    pub(super) fn top(&self) -> Option<Rank> {
        match self {
            Self::Window(window) => window.top().map(rank),
            Self::Bursts(log) => log.top().map(rank),
        }
    }

    /// The time of the newest.
    pub(super) fn newest(&self) -> Option<i64> {
        match self {
            Self::Window(window) => window.newest(),
            Self::Bursts(log) => log.newest(),
        }
    }

    /// The best of an event other than `asking` and not older than `from`. None asks for records older than `oldest`
    /// any more.
    pub(super) fn best(
        &mut self,
        asking: Identity,
        (oldest, from): (i64, i64),
        completed: Option<&Completed<'_>>,
    ) -> Option<(Rank, &Arc<Node<T>>)> {
        let found = match (self, completed) {
            (Self::Window(window), _) => window.best_since(asking, from),
            (Self::Bursts(log), Some(completed)) => log.best(asking, (oldest, from), completed),
            (Self::Bursts(_), None) => None,
        }?;
        Some((rank(found), &found.payload))
    }

    pub(super) fn len(&self) -> usize {
        match self {
            Self::Window(window) => window.len(),
            Self::Bursts(log) => log.len(),
        }
    }
}

fn rank<T>(Entry { time, start, event: _, payload }: &Entry<Arc<Node<T>>>) -> Rank {
    (*start, *time, Reverse(payload.number))
}
