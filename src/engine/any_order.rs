//! Steps that come together in any order.
//!
//! In: the records of the steps with the key that they share, instant by instant. Out: for each record the latest start
//! of a set of records, one for each step and each of another event, that it completes. Must not know: fields, links.
//!
//! Of each key and step as many records are remembered as there are steps, the newest of different events: the others
//! of a set are of fewer events than that, so an older record is never needed.

use std::collections::VecDeque;
use std::sync::Arc;

use super::candidate::Candidate;
use super::keyed::Keyed;
use super::keys::Keys;
use super::program::Key;
use super::record::Identity;
use super::repetition::Burst;

/// A record of a step.
#[derive(Debug)]
pub(super) struct Member<T> {
    pub(super) time: i64,
    pub(super) event: Identity,
    pub(super) payload: T,
    pub(super) burst: Option<Burst>,
    /// Until when something may come that takes the record away, if anything can.
    pub(super) until: Option<i64>,
}

/// A record for each step.
type Set<T> = Vec<Arc<Member<T>>>;

/// What is remembered of the steps.
#[derive(Debug)]
pub(super) struct AnyOrder<T> {
    steps: usize,
    window: i64,
    keys: Keyed<Vec<VecDeque<Arc<Member<T>>>>>,
}

impl<T: Clone> AnyOrder<T> {
    pub(super) fn new(steps: usize, window: i64) -> Self {
        Self { steps, window, keys: Keyed::default() }
    }

    /// Forgets what is too old.
    pub(super) fn evict_expired(&mut self, now: i64) {
        let oldest = now.saturating_sub(self.window);
        self.keys.evict(now, oldest, |steps| {
            for members in steps.iter_mut() {
                members.retain(|member| member.time >= oldest);
            }
            steps.iter().any(|members| !members.is_empty())
        });
    }

    /// Takes every candidate of an instant; gives for each record that completes a set the set with the latest start,
    /// and that start.
    pub(super) fn advance(
        &mut self,
        now: i64,
        candidates: impl Iterator<Item = (Option<i64>, Candidate<T>)>,
    ) -> Vec<(i64, Set<T>)> {
        let mut asking = Vec::new();
        for (until, candidate) in candidates {
            let Candidate { step, event, key_in: _, key_out, payload, more } = candidate;
            // What steps in any order share has one value.
            let Keys::One(key) = key_out else { continue };
            let member = Arc::new(Member { time: now, event, payload, burst: more.burst, until });
            self.insert(&key, step, Arc::clone(&member));
            asking.push((more.record, step, key, member));
        }
        // By record, then by step: a record that satisfies several steps completes one set.
        asking.sort_by_key(|(record, step, _, _)| (*record, *step));
        let mut found = Vec::new();
        for of_record in asking.chunk_by(|left, right| left.0 == right.0) {
            let sets =
                of_record.iter().filter_map(|(_, step, key, member)| self.best(now, key, *step, member));
            found.extend(sets.reduce(|best, set| if set.0 > best.0 { set } else { best }));
        }
        found
    }

    fn insert(&mut self, key: &Key, step: usize, member: Arc<Member<T>>) {
        let most = self.steps;
        let empty = || (0..most).map(|_| VecDeque::new()).collect();
        self.keys.change(member.time, key, empty, |of_key| {
            let Some(members) = of_key.get_mut(step) else { return };
            // Of one event the first record of its newest instant stays.
            if members.iter().any(|other| other.event == member.event && other.time == member.time) {
                return;
            }
            members.retain(|other| other.event != member.event);
            members.push_back(member);
            if members.len() > most {
                members.pop_front();
            }
        });
    }

    /// The set with the latest start that has `member` at `step`.
    fn best(&self, now: i64, key: &Key, step: usize, member: &Arc<Member<T>>) -> Option<(i64, Set<T>)> {
        let search = Search {
            steps: self.keys.get(key)?,
            oldest: now.saturating_sub(self.window),
            fixed: (step, member),
        };
        let mut best = None;
        search.go_on(now, &mut Vec::with_capacity(self.steps), &mut best);
        best
    }

    /// How many records are remembered.
    pub(super) fn len(&self) -> usize {
        self.keys.values().flatten().map(VecDeque::len).sum()
    }
}

struct Search<'s, T> {
    steps: &'s [VecDeque<Arc<Member<T>>>],
    oldest: i64,
    fixed: (usize, &'s Arc<Member<T>>),
}

impl<T> Search<'_, T> {
    /// Tries every record of the next step, the newest first.
    fn go_on(&self, start: i64, set: &mut Set<T>, best: &mut Option<(i64, Set<T>)>) {
        if best.as_ref().is_some_and(|(latest, _)| *latest >= start) {
            return;
        }
        let at = set.len();
        let Some(members) = self.steps.get(at) else {
            *best = Some((start, set.clone()));
            return;
        };
        let mut attempt = |member: &Arc<Member<T>>| {
            if member.time >= self.oldest && set.iter().all(|other| other.event != member.event) {
                set.push(Arc::clone(member));
                self.go_on(start.min(member.time), set, best);
                set.pop();
            }
        };
        let (step, fixed) = self.fixed;
        if at == step {
            attempt(fixed);
        } else {
            members.iter().rev().for_each(attempt);
        }
    }
}
