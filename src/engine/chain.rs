//! The chain: the recurrence of the language's meaning, in one pass over candidates in order of time.
//!
//! In: candidates (records that satisfy a step, with their link keys). Out: a path for every candidate of the last step
//! that ends a chain. Must not know: predicates, fields, raw logs.
//!
//! `S₁(e) = t(e)`, `Sᵢ(e) = max Sᵢ₋₁(e′)` over records e′ of other events with an equal key and
//! `t(e) - gᵢ ≤ t(e′) ≤ t(e)`; e alerts if `t(e) - Sₙ(e) ≤ T`. All candidates of one instant are taken together, step
//! after step, so equal times count as in order both ways. Of equal starts the later predecessor is kept, then the
//! first in the order of records: the evidence depends on the set of records alone.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use super::program::{Key, Program};
use super::record::Identity;
use super::window::{Entry, Window};

/// A record that satisfies a step.
#[derive(Debug, Clone)]
pub struct Candidate<T> {
    /// The step.
    pub step: usize,
    /// Its event.
    pub event: Identity,
    /// The key towards the step before; `None` if a part is missing or there is none.
    pub key_in: Option<Key>,
    /// The key towards the step after; `None` if a part is missing or there is none.
    pub key_out: Option<Key>,
    /// What stands for the record.
    pub payload: T,
}

/// A chain that alerts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Path<T> {
    /// Time of the first record.
    pub start: i64,
    /// Time of the last record.
    pub end: i64,
    /// What stands for the records, first to last.
    pub records: Vec<T>,
}

#[derive(Debug)]
struct Node<T> {
    payload: T,
    // Shared, since paths branch: a record is freed with the last window or path that it is in.
    before: Option<Arc<Node<T>>>,
}

/// What one link remembers.
#[derive(Debug)]
struct Memory<T> {
    gap: i64,
    windows: HashMap<Key, Window<Arc<Node<T>>>, foldhash::fast::RandomState>,
    /// Each remembered key once, with when it was last looked after, oldest first.
    eviction_queue: VecDeque<(i64, Key)>,
}

/// The state of one rule.
#[derive(Debug)]
pub struct Machine<T> {
    total: i64,
    links: Vec<Memory<T>>,
    linked: Vec<u64>,
}

impl<T: Clone> Machine<T> {
    /// A rule that has seen nothing.
    #[must_use]
    pub fn new(program: &Program) -> Self {
        let Program { name: _, steps: _, links, total, dedupe: _ } = program;
        let memory = |gap| Memory { gap, windows: HashMap::default(), eviction_queue: VecDeque::new() };
        Self {
            total: *total,
            links: links.iter().map(|link| memory(link.gap)).collect(),
            linked: vec![0; links.len()],
        }
    }

    /// Takes every candidate of the instant `time`, in the order of records, and gives the chains that end there.
    /// Instants come in rising order, each once.
    pub fn advance(&mut self, time: i64, candidates: Vec<Candidate<T>>) -> Vec<Path<T>> {
        self.advance_watched(time, candidates, |_, _, _| ())
    }

    /// Does the same, and shows `watch` every candidate with a chain behind it: the best start, the candidate, and what
    /// stands for the record before it.
    pub fn advance_watched(
        &mut self,
        time: i64,
        candidates: Vec<Candidate<T>>,
        mut watch: impl FnMut(i64, &Candidate<T>, Option<&T>),
    ) -> Vec<Path<T>> {
        self.links.iter_mut().for_each(|link| link.evict_expired(time));
        let mut by_step: Vec<Vec<Candidate<T>>> = (0..=self.links.len()).map(|_| Vec::new()).collect();
        for candidate in candidates {
            if let Some(of_step) = by_step.get_mut(candidate.step) {
                of_step.push(candidate);
            }
        }
        let mut ended = Vec::new();
        for (step, of_step) in by_step.into_iter().enumerate() {
            let reached: Vec<_> =
                of_step.into_iter().filter_map(|candidate| self.reach(step, time, candidate)).collect();
            for (start, candidate, before) in &reached {
                watch(*start, candidate, before.as_ref().map(|node| &node.payload));
            }
            match self.links.get_mut(step) {
                Some(link) => link.remember(time, reached),
                None => ended = reached,
            }
        }
        ended
            .into_iter()
            .map(|(start, candidate, before)| path(start, time, candidate, before.as_deref()))
            .collect()
    }

    /// The best start of a candidate, unless no chain leads to it or the best one is already too long.
    fn reach(&mut self, step: usize, time: i64, candidate: Candidate<T>) -> Option<Reached<T>> {
        let Some(before) = step.checked_sub(1) else { return Some((time, candidate, None)) };
        let link = self.links.get_mut(before)?;
        let window = link.windows.get_mut(candidate.key_in.as_ref()?)?;
        // Time only rises, so what is too old for this record is too old for all that follow.
        window.expire(time.saturating_sub(link.gap));
        let found = window.best(candidate.event)?;
        let (start, node) = (found.start, Arc::clone(&found.payload));
        // Dropping it here loses no alert: every other start of this record is earlier, and whatever follows it only
        // takes longer.
        if time.saturating_sub(start) > self.total {
            return None;
        }
        if let Some(count) = self.linked.get_mut(before) {
            *count += 1;
        }
        Some((start, candidate, Some(node)))
    }

    /// For each link, how many records of its later step had a predecessor in time.
    #[must_use]
    pub fn linked(&self) -> &[u64] {
        &self.linked
    }

    /// How many records are remembered, all keys of all links together.
    #[must_use]
    pub fn remembered(&self) -> usize {
        self.links.iter().flat_map(|link| link.windows.values()).map(Window::len).sum()
    }
}

type Reached<T> = (i64, Candidate<T>, Option<Arc<Node<T>>>);

impl<T> Memory<T> {
    /// Evicts entries that are too old to link: each key is visited once per length of the gap, so it is gone at most
    /// two gaps after its last record, and the work is constant per key and gap.
    fn evict_expired(&mut self, now: i64) {
        let oldest = now.saturating_sub(self.gap);
        while let Some((_, key)) = pop_older(&mut self.eviction_queue, oldest) {
            let Some(window) = self.windows.get_mut(&key) else { continue };
            window.expire(oldest);
            if window.is_empty() {
                self.windows.remove(&key);
            } else {
                self.eviction_queue.push_back((now, key));
            }
        }
    }

    /// Adds what was reached at `time`, best start first, as [`Window::insert`] wants it.
    fn remember(&mut self, time: i64, mut reached: Vec<Reached<T>>) {
        // The sort is stable: of equal starts the first in the order of records stays the first, and is preferred.
        reached.sort_by_key(|(start, _, _)| std::cmp::Reverse(*start));
        for (start, candidate, before) in reached {
            let Some(key) = candidate.key_out else { continue };
            let node = Arc::new(Node { payload: candidate.payload, before });
            let entry = Entry { time, start, event: candidate.event, payload: node };
            if let Some(window) = self.windows.get_mut(&key) {
                window.expire(time.saturating_sub(self.gap));
                window.insert(entry);
            } else {
                self.eviction_queue.push_back((time, key.clone()));
                self.windows.entry(key).or_default().insert(entry);
            }
        }
    }
}

fn pop_older(queue: &mut VecDeque<(i64, Key)>, oldest: i64) -> Option<(i64, Key)> {
    if queue.front().is_some_and(|(time, _)| *time < oldest) { queue.pop_front() } else { None }
}

fn path<T: Clone>(start: i64, end: i64, last: Candidate<T>, before: Option<&Node<T>>) -> Path<T> {
    let mut records = vec![last.payload];
    let mut next = before;
    while let Some(node) = next {
        records.push(node.payload.clone());
        next = node.before.as_deref();
    }
    records.reverse();
    Path { start, end, records }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::program::Link;
    use crate::engine::value::Atom;

    /// Three steps, each gap ten long.
    fn machine() -> Machine<i64> {
        let link = || Link { gap: 10, left: Vec::new(), right: Vec::new() };
        let (name, links) = (String::new(), vec![link(), link()]);
        Machine::new(&Program { name, steps: Vec::new(), links, total: 20, dedupe: None })
    }

    /// A candidate of every step at `time`; gives the number of alerts.
    fn all_steps(machine: &mut Machine<i64>, time: i64, key: i64) -> usize {
        let candidate = |step: usize| {
            let (event, key) = (Identity::of("", (time, step)), Key::from([Atom::Int(key)]));
            Candidate { step, event, key_in: Some(key.clone()), key_out: Some(key), payload: time }
        };
        machine.advance(time, (0..3).map(candidate).collect()).len()
    }

    #[test]
    fn a_key_that_all_records_share_is_no_more_to_remember() {
        let mut machine = machine();
        let most = (0..10_000).map(|time| {
            assert_eq!(all_steps(&mut machine, time, 1), 1);
            machine.remembered()
        });
        assert!(most.max().unwrap() <= 4);
    }

    #[test]
    fn what_no_window_reaches_is_forgotten() {
        let mut machine = machine();
        let most = (0..10_000).map(|time| {
            assert_eq!(all_steps(&mut machine, time, time), 1);
            machine.remembered()
        });
        // Two links, and keys of at most two gaps.
        assert!(most.max().unwrap() <= 2 * (2 * 10 + 2));
        assert_eq!(all_steps(&mut machine, 1_000_000, 1), 1);
        assert_eq!(machine.remembered(), 2);
    }
}
