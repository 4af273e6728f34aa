//! Which records may be part of a near miss, and a sample of them if they are too many.
//!
//! In: for each rule how far chains reach from both sides, and records that fail one part of a step. Out: whether a
//! record is wanted. Must not know: logs, output.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};

use crate::engine::near::{Frontier, failing_part};
use crate::engine::predicate::Values;
use crate::engine::program::Step;
use crate::engine::record::Identity;
use crate::replay::store::packed::StepId;

/// So many records that fail one part of a step are kept, all rules together.
pub(crate) const MOST_PROBES: u64 = 1 << 17;

/// The records that a second reading looks for.
#[derive(Debug)]
pub(crate) struct ProbeFilter {
    frontiers: Vec<Frontier>,
    sample: Sample,
}

impl ProbeFilter {
    /// A filter for the chains that reach a step from both sides, one frontier for each rule.
    pub(crate) fn new(frontiers: Vec<Frontier>) -> Self {
        Self { frontiers, sample: Sample::default() }
    }

    /// Whether an event is still in the sample, now that all were seen.
    pub(crate) fn holds(&self, event: Identity) -> bool {
        self.sample.holds(event)
    }

    /// One in so many events is in the sample.
    pub(crate) fn one_in(&self) -> u64 {
        self.sample.one_in()
    }

    /// Whether any record can be wanted at a step of a rule.
    pub(crate) fn is_open(&self, (rule, step): StepId) -> bool {
        self.frontiers.get(rule as usize).is_some_and(|frontier| frontier.is_open(step.into()))
    }

    /// Whether a record of these values could be a near miss at a step of a rule.
    pub(crate) fn wants(
        &self,
        (rule, number): StepId,
        step: &Step,
        values: &Values<'_>,
        time: Option<i64>,
    ) -> bool {
        let (Some(time), Some(frontier)) = (time, self.frontiers.get(rule as usize)) else { return false };
        failing_part(step, values).is_some() && frontier.wants(number.into(), values, time)
    }

    /// Whether a record of this event is kept, for all that is known so far.
    pub(crate) fn admits(&self, event: Identity) -> bool {
        self.sample.admit(event)
    }
}

/// Chooses events by their identity, fewer and fewer as there are more: each level keeps half of the level before it.
/// Which level is reached depends on the records alone, not on the order in which they come.
#[derive(Debug)]
struct Sample {
    level: AtomicU32,
    counts: Vec<AtomicU64>,
}

impl Default for Sample {
    fn default() -> Self {
        // A hash has 64 bits, and one of zeros alone has 64 trailing ones: hence 65 levels.
        Self { level: AtomicU32::new(0), counts: (0..=64).map(|_| AtomicU64::new(0)).collect() }
    }
}

impl Sample {
    fn level_of(event: Identity) -> u32 {
        // `new` has fixed keys, so every run draws the same sample.
        let mut hasher = DefaultHasher::new();
        event.hash(&mut hasher);
        hasher.finish().trailing_zeros()
    }

    fn admit(&self, event: Identity) -> bool {
        let own = Self::level_of(event);
        if let Some(count) = self.counts.get(own as usize) {
            count.fetch_add(1, Ordering::Relaxed);
        }
        let mut level = self.level.load(Ordering::Relaxed);
        while self.at_least(level) > MOST_PROBES {
            // Another thread may have raised it meanwhile, to this level or further.
            level = self.level.fetch_max(level + 1, Ordering::Relaxed).max(level + 1);
        }
        own >= level
    }

    fn at_least(&self, level: u32) -> u64 {
        self.counts.iter().skip(level as usize).map(|count| count.load(Ordering::Relaxed)).sum()
    }

    fn holds(&self, event: Identity) -> bool {
        Self::level_of(event) >= self.level.load(Ordering::Relaxed)
    }

    fn one_in(&self) -> u64 {
        1 << self.level.load(Ordering::Relaxed).min(63)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sample_does_not_depend_on_order() {
        let events: Vec<Identity> = (0..400_000_u32).map(|number| Identity::of("source", number)).collect();
        let (forwards, backwards) = (Sample::default(), Sample::default());
        let kept: Vec<_> = events.iter().filter(|event| forwards.admit(**event)).collect();
        events.iter().rev().for_each(|event| _ = backwards.admit(*event));
        let held = |sample: &Sample| events.iter().filter(|event| sample.holds(**event)).count() as u64;
        assert_eq!(forwards.one_in(), 4);
        assert_eq!(held(&forwards), held(&backwards));
        assert!(held(&forwards) <= MOST_PROBES && held(&forwards) > MOST_PROBES / 2);
        assert!(kept.len() as u64 <= 2 * MOST_PROBES);
    }
}
