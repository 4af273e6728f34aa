//! How many events or values a group had within a window, and since when there were enough.
//!
//! In: records of a step with the key of their group, in order of time. Out: a [`Burst`] for each record at which there
//! are enough. Must not know: fields, links.
//!
//! Of each event or value only the newest time counts, so the n-th newest of these times is the latest instant from
//! which on there are enough. A predecessor does not count for the burst that follows it: for that the newest time of a
//! value is also known without each one event.

use std::collections::{HashMap, VecDeque};

use foldhash::fast::RandomState;

use super::keyed::Keyed;
use super::program::{Key, Repetition};
use super::record::Identity;
use super::value::Atom;

/// What is shown of a record at which there are enough.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Burst {
    /// How many events or values there are within the window that ends with the record.
    pub count: u64,
    /// The latest instant from which on there are enough.
    pub first_time: i64,
}

/// What is counted.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Counted {
    Event(Identity),
    Value(Atom),
}

/// When something counted was last there.
#[derive(Debug, Clone, Copy)]
struct Latest {
    time: i64,
    event: Identity,
    /// The latest time by another event than that.
    other: Option<i64>,
}

/// The groups of one step.
#[derive(Debug)]
pub(super) struct Groups {
    rule: Repetition,
    by_key: Keyed<Group>,
}

/// What one group had within the window.
#[derive(Debug, Default)]
pub(super) struct Group {
    /// The newest time of each, oldest first.
    order: VecDeque<(i64, Counted)>,
    latest: HashMap<Counted, Latest, RandomState>,
    /// For how many of what is counted an event is the latest.
    events: HashMap<Identity, u32, RandomState>,
}

impl Groups {
    /// No group yet.
    pub(super) fn new(rule: Repetition) -> Self {
        Self { rule, by_key: Keyed::default() }
    }

    /// Forgets groups without a record within the window.
    pub(super) fn evict_expired(&mut self, now: i64) {
        let oldest = now.saturating_sub(self.rule.window);
        self.by_key.evict(now, oldest, |group| {
            group.expire(oldest);
            !group.order.is_empty()
        });
    }

    /// Adds a record. Times never fall.
    pub(super) fn add(&mut self, time: i64, key: &Key, event: Identity, value: Option<&Atom>) {
        let counted = match (self.rule.distinct, value) {
            (false, _) => Counted::Event(event),
            (true, Some(value)) => Counted::Value(value.clone()),
            // Without a value it counts for none, but it can still be where others suffice.
            (true, None) => return,
        };
        let oldest = time.saturating_sub(self.rule.window);
        self.by_key.change(time, key, Group::default, |group| {
            group.expire(oldest);
            group.add(time, event, counted);
        });
    }

    /// What a record of the group at `now` completes; `None` if there are too few.
    pub(super) fn burst(&mut self, now: i64, key: &Key) -> Option<Burst> {
        let group = self.by_key.get_mut(key)?;
        group.expire(now.saturating_sub(self.rule.window));
        let first_time = group.nth_newest(self.rule.least)?;
        Some(Burst { count: group.order.len() as u64, first_time })
    }

    /// The latest instant from which on there are enough in a group without the records of `event`, once it is known
    /// that there are enough with them.
    pub(super) fn first_without(&self, now: i64, key: &Key, event: Identity) -> Option<i64> {
        let group = self.by_key.get(key)?;
        let least = self.rule.least;
        if !group.events.contains_key(&event) {
            return group.nth_newest(least);
        }
        if !self.rule.distinct {
            let own = group.latest.get(&Counted::Event(event))?.time;
            let is_among_them = own >= group.nth_newest(least)?;
            return group.nth_newest(least + usize::from(is_among_them));
        }
        let oldest = now.saturating_sub(self.rule.window);
        let without = |latest: &Latest| if latest.event == event { latest.other } else { Some(latest.time) };
        let mut times: Vec<i64> = group.latest.values().filter_map(without).collect();
        times.retain(|time| *time >= oldest);
        times.sort_unstable_by_key(|time| std::cmp::Reverse(*time));
        times.get(least.checked_sub(1)?).copied()
    }

    /// How much is remembered.
    pub(super) fn len(&self) -> usize {
        self.by_key.values().map(|group| group.order.len()).sum()
    }
}

impl Group {
    fn add(&mut self, time: i64, event: Identity, counted: Counted) {
        let other = match self.latest.get(&counted) {
            None => None,
            Some(latest) => {
                let latest = *latest;
                self.forget(latest.time, &counted);
                if latest.event == event { latest.other } else { Some(latest.time) }
            }
        };
        *self.events.entry(event).or_insert(0) += 1;
        self.latest.insert(counted.clone(), Latest { time, event, other });
        self.order.push_back((time, counted));
    }

    /// Takes what is counted out of the order and away from its event.
    fn forget(&mut self, time: i64, counted: &Counted) {
        let from = self.order.partition_point(|(other, _)| *other < time);
        let place = self.order.iter().skip(from).position(|(_, other)| other == counted);
        if let Some(place) = place {
            self.order.remove(from + place);
        }
        self.release(counted);
    }

    /// Takes what is counted away from its event.
    fn release(&mut self, counted: &Counted) {
        let Some(latest) = self.latest.remove(counted) else { return };
        if let Some(count) = self.events.get_mut(&latest.event) {
            *count -= 1;
            if *count == 0 {
                self.events.remove(&latest.event);
            }
        }
    }

    fn expire(&mut self, oldest: i64) {
        while self.order.front().is_some_and(|(time, _)| *time < oldest) {
            let Some((_, counted)) = self.order.pop_front() else { return };
            self.release(&counted);
        }
    }

    fn nth_newest(&self, n: usize) -> Option<i64> {
        Some(self.order.get(self.order.len().checked_sub(n)?)?.0)
    }
}
