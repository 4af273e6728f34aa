//! How often a part of an emission must run and how far back it must look, so that no chain falls between two runs.
//!
//! In: the windows of a bound rule, how late its logs are, the interval of the user. Out: a [`Schedule`], and its line
//! for the head of a query. Must not know: targets, and who runs a query.

use serde::Serialize;

use super::bind::{Bound, BoundStep};
use super::target::Backend;
use super::{Job, shape};
use crate::ir;

/// Seconds between two runs where the user says nothing: what Elastic and Sentinel propose for a new rule.
pub const DEFAULT_INTERVAL: u64 = 300;

/// How often a part must run, and over how much time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Schedule {
    /// Seconds from one run to the next.
    pub every: u64,
    /// Seconds before a run from which on it must read events.
    pub look_back: u64,
    /// What the look-back is made of: seconds from the first to the last event of what the part finds.
    #[serde(skip)]
    span: u64,
    /// Seconds from the time of its last event until all of its events can be read.
    #[serde(skip)]
    late: u64,
}

impl Schedule {
    /// For what takes `span` seconds and can be read `late` seconds after its end. The last run that could miss it is
    /// just before that moment, and the next one, `every` seconds later, must still see its first event.
    pub(in crate::backend) fn new(every: u64, span: u64, late: u64) -> Self {
        // In whole minutes, as all the products take it.
        let least = span.saturating_add(late).saturating_add(every);
        let look_back = least.checked_next_multiple_of(60).unwrap_or(least);
        Self { every, look_back, span, late }
    }

    /// For a query that finds the whole chain.
    pub(in crate::backend) fn of<B: Backend>(bound: &Bound<'_, B>, job: &Job<'_>) -> Self {
        Self::new(job.options.interval, shape::longest(&job.rule.chain, 0), lateness(&bound.steps))
    }

    /// The same with another time between two runs.
    #[must_use]
    pub fn every(self, every: u64) -> Self {
        Self::new(every, self.span, self.late)
    }

    /// Seconds from the first to the last event of what the part finds.
    #[must_use]
    pub fn span(self) -> u64 {
        self.span
    }

    /// Seconds from the time of its last event until all of its events can be read.
    #[must_use]
    pub fn late(self) -> u64 {
        self.late
    }

    /// For the head of a query.
    pub(in crate::backend) fn remark(self) -> String {
        let Self { every, look_back, span, late } = self;
        let [every, look_back, span, late] = [every, look_back, span, late].map(ir::duration);
        format!(
            "schedule: run every {every} over the last {look_back} (chain {span}, logs up to {late} late, one \
             interval); with less, chains are lost"
        )
    }
}

/// How many seconds after its time an event of the steps can be read at the latest.
pub(in crate::backend) fn lateness<'b, 'a: 'b, B: Backend + 'b>(
    steps: impl IntoIterator<Item = &'b BoundStep<'a, B>>,
) -> u64 {
    let selections = steps.into_iter().flat_map(BoundStep::selections);
    selections.map(|one| one.source.lateness(one.schema.lag)).max().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::Schedule;
    use crate::catalog::Source;

    #[test]
    fn a_record_that_stands_for_an_interval_is_late_by_it() {
        let source = |delay, granularity| {
            let mut source = Source::default();
            (source.delay, source.granularity) = (delay, granularity);
            source
        };
        assert_eq!([source(600, 1).lateness(0), source(600, 600).lateness(0)], [600, 1_200]);
        assert_eq!([source(600, 1).lateness(300), source(600, 600).lateness(300)], [900, 1_200]);
        assert_eq!(source(u64::MAX, 600).lateness(0), u64::MAX);
    }

    #[test]
    fn look_back_is_chain_lateness_and_interval_in_whole_minutes() {
        assert_eq!(Schedule::new(300, 1_500, 1_200).look_back, 3_000);
        assert_eq!(Schedule::new(300, 1_501, 1_200).look_back, 3_060);
        assert_eq!(Schedule::new(60, 0, 0).look_back, 60);
        assert_eq!(Schedule::new(u64::MAX, 1, 1).look_back, u64::MAX);
    }

    #[test]
    fn the_head_says_what_it_is_made_of() {
        assert_eq!(
            Schedule::new(900, 1_500, 1_200).remark(),
            "schedule: run every 15m over the last 1h (chain 25m, logs up to 20m late, one interval); with less, chains are lost"
        );
    }
}
