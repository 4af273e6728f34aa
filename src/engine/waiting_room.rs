//! Instants that wait until nothing can come any more that excludes their records.
//!
//! In: instants, and what must not be there. Out: the instants in order, once every window after them is over, without
//! the records that something excluded. Must not know: links, steps.
//!
//! The whole rule lags by its longest window, so that everything behind this sees the records that are left in order of
//! time. Only candidates wait, not logs.

use std::collections::VecDeque;

use super::absence::Waiting;
use super::candidate::{Candidate, Exempting};
use super::program::Absence;
use crate::ir::When;

/// An instant: its time, its candidates, and what must not be there.
type Instant<T> = (i64, Vec<Candidate<T>>, Vec<Exempting>);

#[derive(Debug)]
struct Held<T> {
    time: i64,
    /// `None` where something excluded it.
    candidates: Vec<Option<Candidate<T>>>,
    exempting: Vec<Exempting>,
}

/// The instants that wait.
#[derive(Debug)]
pub(super) struct WaitingRoom<T> {
    lag: i64,
    /// For each absence that looks ahead the records that wait for it.
    after: Vec<Option<Waiting>>,
    held: VecDeque<Held<T>>,
    /// The number of the first of them.
    first: u64,
}

impl<T> WaitingRoom<T> {
    /// A room, if any absence looks ahead.
    pub(super) fn new(absences: &[Absence]) -> Option<Self> {
        let after = |absence: &Absence| match absence.when {
            When::After(_) => Some(absence.window),
            When::Before(_) | When::Between => None,
        };
        let windows: Vec<_> = absences.iter().map(after).collect();
        let lag = windows.iter().flatten().copied().max()?;
        let after = windows.into_iter().map(|window| window.map(Waiting::new)).collect();
        Some(Self { lag, after, held: VecDeque::new(), first: 0 })
    }

    /// An instant begins to wait; what must not be there excludes records of earlier ones.
    pub(super) fn add(&mut self, time: i64, candidates: Vec<Candidate<T>>, exempting: Vec<Exempting>) {
        let Self { lag: _, after, held, first } = self;
        after.iter_mut().flatten().for_each(|waiting| waiting.evict_expired(time));
        for Exempting { absence, key } in &exempting {
            let Some(waiting) = after.get_mut(*absence).and_then(Option::as_mut) else { continue };
            waiting.exclude(time, key, |(instant, number)| {
                let at = instant.checked_sub(*first).and_then(|at| usize::try_from(at).ok());
                let candidates = at.and_then(|at| held.get_mut(at)).map(|held| &mut held.candidates);
                if let Some(candidate) = candidates.and_then(|candidates| candidates.get_mut(number)) {
                    *candidate = None;
                }
            });
        }
        let instant = *first + held.len() as u64;
        for (number, candidate) in candidates.iter().enumerate() {
            for (absence, key) in &candidate.more.absences {
                if let (Some(Some(waiting)), Some(key)) = (after.get_mut(*absence), key) {
                    waiting.add(time, key, (instant, number));
                }
            }
        }
        let candidates = candidates.into_iter().map(Some).collect();
        held.push_back(Held { time, candidates, exempting });
    }

    /// The next instant that has waited for long enough at `now`; if nothing more comes, the next one.
    pub(super) fn release(&mut self, now: Option<i64>) -> Option<Instant<T>> {
        let front = self.held.front()?;
        // All of an instant is taken at once, so what can come at the end of a window has come.
        if now.is_some_and(|now| front.time.saturating_add(self.lag) > now) {
            return None;
        }
        let Held { time, candidates, exempting } = self.held.pop_front()?;
        self.first += 1;
        Some((time, candidates.into_iter().flatten().collect(), exempting))
    }

    /// How many records wait.
    pub(super) fn len(&self) -> usize {
        self.held.iter().map(|held| held.candidates.len() + held.exempting.len()).sum()
    }
}
