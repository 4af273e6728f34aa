//! The chain: the recurrence of the language's meaning, in one pass over candidates in order of time.
//!
//! In: candidates (records that satisfy a step, with what clauses read of them) and records that must not be there.
//! Out: a path for every candidate of the last step that ends a chain. Must not know: predicates, fields, raw logs.
//!
//! `S₁(e) = t(e)`, of a step that repeats the first instant of its burst; `Sᵢ(e) = max Sᵢ₋₁(e′)` over records e′ of
//! other events with an equal key and `t(e) - gᵢ ≤ t(e′) ≤ t(e)` for which the clauses of the link hold; e alerts if
//! `t(e) - Sₙ(e) ≤ T`. All candidates of one instant are taken together, step after step, so equal times count as in
//! order both ways. Of equal starts the later predecessor is kept, then the first in the order of records: the evidence
//! depends on the set of records alone.
//!
//! Within an instant the clauses of steps come first: records that an absence excludes are dropped, the others counted.
//! Where an absence after a step is asked for, whole instants wait until its window is over (`waiting_room`).

use std::sync::Arc;

use super::absence::Newest;
use super::any_order::{AnyOrder, Member};
use super::burst_log::Completed;
pub use super::candidate::{Candidate, Exempting, More};
use super::memory::{Memory, Reached};
use super::program::{Absence, Clauses, Program};
pub use super::repetition::Burst;
use super::repetition::Groups;
use super::waiting_room::WaitingRoom;
use crate::ir::When;

/// A chain that alerts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Path<T> {
    /// When it begins: at its first record, at the first instant of the burst that this one completes, or, in any
    /// order, at the earliest record.
    pub start: i64,
    /// Time of the last record.
    pub end: i64,
    /// What stands for the records, first to last step.
    pub records: Vec<T>,
    /// The steps that repeat, each with what its record completes.
    pub bursts: Vec<(usize, Burst)>,
    /// Until when something may come that takes the alert away, if anything can.
    pub until: Option<i64>,
}

impl<T> Path<T> {
    /// Whether something that takes the alert away could still come after data that ends at `end`.
    #[must_use]
    pub fn is_open(&self, end: Option<i64>) -> bool {
        self.until.is_some_and(|until| end.is_none_or(|end| until > end))
    }

    /// What the record of a step completes.
    #[must_use]
    pub fn burst(&self, step: usize) -> Option<Burst> {
        self.bursts.iter().find(|(of, _)| *of == step).map(|(_, burst)| *burst)
    }
}

/// Is shown every candidate with a chain behind it, as [`Machine::advance_watched`] says.
type Watch<'w, T> = dyn FnMut(i64, &Candidate<T>, Option<&T>) + 'w;

/// The state of one rule.
#[derive(Debug)]
pub struct Machine<T> {
    total: i64,
    from: i64,
    links: Vec<Memory<T>>,
    linked: Vec<u64>,
    absences: Vec<Absence>,
    /// For each absence that looks back when it was last there.
    newest: Vec<Option<Newest>>,
    /// For each step.
    groups: Vec<Option<Groups>>,
    any_order: Option<AnyOrder<T>>,
    waiting: Option<WaitingRoom<T>>,
}

impl<T: Clone> Machine<T> {
    /// A rule that has seen nothing.
    #[must_use]
    pub fn new(program: &Program) -> Self {
        let Program { name: _, steps, links, total, from, dedupe: _, roles: _, clauses } = program;
        let Clauses { absences, repetitions, links: of_links, together } = clauses;
        let memory = |(at, gap)| {
            let into_burst = repetitions.get(at + 1).is_some_and(Option::is_some);
            Memory::new(gap, of_links.get(at).cloned().unwrap_or_default(), into_burst)
        };
        let newest = |absence: &Absence| match absence.when {
            When::Before(_) | When::Between => Some(Newest::new(absence.window)),
            When::After(_) => None,
        };
        Self {
            total: *total,
            from: *from,
            links: links.iter().map(|link| link.gap).enumerate().map(memory).collect(),
            linked: vec![0; links.len()],
            newest: absences.iter().map(newest).collect(),
            groups: repetitions.iter().map(|repetition| repetition.map(Groups::new)).collect(),
            any_order: together.then(|| AnyOrder::new(steps.len(), *total)),
            waiting: WaitingRoom::new(absences),
            absences: absences.clone(),
        }
    }

    /// Takes every candidate of the instant `time`, in the order of records, and what must not be there; gives the
    /// chains that end there, or, of a rule that waits, those of instants that have waited for long enough. Instants
    /// come in rising order, each once.
    pub fn advance(
        &mut self,
        time: i64,
        candidates: Vec<Candidate<T>>,
        exempting: Vec<Exempting>,
    ) -> Vec<Path<T>> {
        let Some(waiting) = &mut self.waiting else {
            return self.take(time, candidates, exempting, &mut |_, _, _| ());
        };
        waiting.add(time, candidates, exempting);
        self.release(Some(time))
    }

    /// Does the same for a rule that does not wait, and shows `watch` every candidate with a chain behind it: the best
    /// start, the candidate, and what stands for the record before it.
    pub fn advance_watched(
        &mut self,
        time: i64,
        candidates: Vec<Candidate<T>>,
        mut watch: impl FnMut(i64, &Candidate<T>, Option<&T>),
    ) -> Vec<Path<T>> {
        self.take(time, candidates, Vec::new(), &mut watch)
    }

    /// Nothing more comes: gives the chains of all instants that still wait.
    pub fn finish(&mut self) -> Vec<Path<T>> {
        self.release(None)
    }

    /// The chains of the instants that have waited for long enough at `now`; if nothing more comes, of all.
    fn release(&mut self, now: Option<i64>) -> Vec<Path<T>> {
        let mut paths = Vec::new();
        while let Some((time, candidates, exempting)) =
            self.waiting.as_mut().and_then(|waiting| waiting.release(now))
        {
            paths.extend(self.take(time, candidates, exempting, &mut |_, _, _| ()));
        }
        paths
    }

    fn take(
        &mut self,
        time: i64,
        candidates: Vec<Candidate<T>>,
        exempting: Vec<Exempting>,
        watch: &mut Watch<'_, T>,
    ) -> Vec<Path<T>> {
        self.evict_expired(time);
        let mut candidates = self.records_of_steps(time, candidates);
        // They were counted, and that is all that history does.
        if time < self.from {
            candidates.clear();
        }
        let paths = if let Some(any_order) = &mut self.any_order {
            let absences = &self.absences;
            let candidates =
                candidates.into_iter().map(|candidate| (until(absences, time, &candidate), candidate));
            let sets = any_order.advance(time, candidates);
            sets.into_iter().map(|(start, set)| together(start, time, &set)).collect()
        } else {
            self.in_order(time, candidates, watch)
        };
        for Exempting { absence, key } in exempting {
            if let Some(newest) = self.newest.get_mut(absence).and_then(Option::as_mut) {
                newest.add(time, &key);
            }
        }
        paths
    }

    fn evict_expired(&mut self, time: i64) {
        self.links.iter_mut().for_each(|link| link.evict_expired(time));
        self.newest.iter_mut().flatten().for_each(|newest| newest.evict_expired(time));
        self.groups.iter_mut().flatten().for_each(|groups| groups.evict_expired(time));
        self.any_order.iter_mut().for_each(|any_order| any_order.evict_expired(time));
    }

    /// The candidates that are records of their steps: not excluded by what came before, and, of a step that repeats,
    /// completing.
    fn records_of_steps(&mut self, time: i64, mut candidates: Vec<Candidate<T>>) -> Vec<Candidate<T>> {
        if self.absences.is_empty() && self.groups.iter().all(Option::is_none) {
            return candidates;
        }
        let Self { absences, newest, groups, .. } = self;
        let excluded = |(number, key): &(usize, Option<super::program::Key>)| {
            let last = newest.get(*number).and_then(Option::as_ref).zip(key.as_ref());
            let last = last.and_then(|(newest, key)| newest.get(key));
            let window = absences.get(*number).map_or(0, |absence| absence.window);
            last.is_some_and(|last| last >= time.saturating_sub(window))
        };
        candidates.retain(|candidate| !candidate.more.absences.iter().any(excluded));
        // All of an instant count for each other, so all are counted before any is asked.
        for Candidate { step, event, more, .. } in &candidates {
            if let (Some(Some(groups)), Some(key)) = (groups.get_mut(*step), &more.group) {
                groups.add(time, key, *event, more.counted.as_ref());
            }
        }
        candidates.retain_mut(|Candidate { step, more, .. }| {
            let Some(Some(groups)) = groups.get_mut(*step) else { return true };
            more.burst = more.group.as_ref().and_then(|key| groups.burst(time, key));
            more.burst.is_some()
        });
        candidates
    }

    /// The chains that end at an instant.
    fn in_order(
        &mut self,
        time: i64,
        candidates: Vec<Candidate<T>>,
        watch: &mut Watch<'_, T>,
    ) -> Vec<Path<T>> {
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
            for one in &reached {
                watch(one.start, &one.candidate, one.before.as_ref().map(|node| &node.payload));
            }
            match self.links.get_mut(step) {
                Some(link) => link.remember(time, reached),
                None => ended = reached,
            }
        }
        ended.into_iter().map(|reached| path(time, reached)).collect()
    }

    /// The best start of a candidate, unless no chain leads to it or the best one is already too long.
    fn reach(&mut self, step: usize, time: i64, candidate: Candidate<T>) -> Option<Reached<T>> {
        let own = until(&self.absences, time, &candidate);
        let Some(before) = step.checked_sub(1) else {
            let start = candidate.more.burst.map_or(time, |burst| burst.first_time);
            // A burst of the first step can be too long by itself.
            let fits = time.saturating_sub(start) <= self.total;
            return fits.then_some(Reached { start, until: own, candidate, before: None });
        };
        let (groups, more) = (self.groups.get(step).and_then(Option::as_ref), &candidate.more);
        let completed = match (groups, &more.group, more.burst) {
            (Some(groups), Some(group), Some(burst)) => Some(Completed { now: time, burst, group, groups }),
            (Some(_) | None, _, _) => None,
        };
        let link = self.links.get_mut(before)?;
        let (start, node) = link.best(time, &candidate, &self.newest, completed.as_ref())?;
        // Dropping it here loses no alert: every other start of this record is earlier, and whatever follows it only
        // takes longer.
        if time.saturating_sub(start) > self.total {
            return None;
        }
        if let Some(count) = self.linked.get_mut(before) {
            *count += 1;
        }
        Some(Reached { start, until: own.max(node.until), candidate, before: Some(node) })
    }

    /// For each link, how many records of its later step had a predecessor in time.
    #[must_use]
    pub fn linked(&self) -> &[u64] {
        &self.linked
    }

    /// How many parts of link keys were looked at for a record before: a bound of the work.
    #[must_use]
    pub fn looked_at(&self) -> u64 {
        self.links.iter().map(Memory::looked_at).sum()
    }

    /// How much is remembered: records before links, those that wait or are counted, and times of what must not be
    /// there, all keys together.
    #[must_use]
    pub fn remembered(&self) -> usize {
        let links = self.links.iter().map(Memory::len);
        let newest = self.newest.iter().flatten().map(Newest::len);
        let groups = self.groups.iter().flatten().map(Groups::len);
        let together = self.any_order.iter().map(AnyOrder::len);
        let waiting = self.waiting.iter().map(WaitingRoom::len);
        links.chain(newest).chain(groups).chain(together).chain(waiting).sum()
    }
}

/// Until when something may come that excludes a candidate, if anything can.
fn until<T>(absences: &[Absence], time: i64, candidate: &Candidate<T>) -> Option<i64> {
    let after = |(number, key): &(usize, Option<super::program::Key>)| {
        let Absence { when, window } = absences.get(*number)?;
        let waits = matches!(when, When::After(_)) && key.is_some();
        waits.then(|| time.saturating_add(*window))
    };
    candidate.more.absences.iter().filter_map(after).max()
}

fn path<T: Clone>(end: i64, Reached { start, until, candidate, before }: Reached<T>) -> Path<T> {
    let last = candidate.step;
    let mut records = vec![candidate.payload];
    let mut bursts: Vec<_> = candidate.more.burst.map(|burst| (last, burst)).into_iter().collect();
    let mut next = before.as_deref();
    while let Some(node) = next {
        let step = last.saturating_sub(records.len());
        bursts.extend(node.burst.map(|burst| (step, burst)));
        records.push(node.payload.clone());
        next = node.before.as_deref();
    }
    records.reverse();
    bursts.reverse();
    Path { start, end, records, bursts, until }
}

fn together<T: Clone>(start: i64, end: i64, set: &[Arc<Member<T>>]) -> Path<T> {
    let burst = |(step, member): (usize, &Arc<Member<T>>)| Some((step, member.burst?));
    Path {
        start,
        end,
        records: set.iter().map(|member| member.payload.clone()).collect(),
        bursts: set.iter().enumerate().filter_map(burst).collect(),
        until: set.iter().filter_map(|member| member.until).max(),
    }
}

#[cfg(test)]
mod tests;
