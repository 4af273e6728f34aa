//! Windows between neighbours by the clocks of the target, and their names in a query.
//!
//! In: the links of a rule. Out: a [`Span`] for each, and notes where a clock widens it. Must not know: how steps and
//! joins are printed.

use super::Kql;
use super::lets::Lets;
use super::literal::{self, Frag};
use super::step::Lookback;
use crate::backend::bind::{Bound, BoundLink, BoundSelection, BoundStep};
use crate::backend::{Effect, Options, Report};
use crate::ir::Window;
use crate::source;

/// A window between two neighbours, in seconds.
#[derive(Debug, Clone)]
pub(super) struct Span {
    /// How much earlier than the earlier record's clock the later one's may be.
    pub(super) back: u64,
    /// How much later.
    ahead: u64,
    /// The same under its name.
    pub(super) gap: Frag,
    /// The name of how much later than the first record's clock the later one's may be, where the total binds.
    pub(super) total: Option<Frag>,
}

impl Span {
    /// Its time buckets, if the user wants them.
    pub(super) fn buckets(&self, options: &Options) -> Option<Lookback> {
        let size = self.back.saturating_add(self.ahead);
        (options.time_buckets && size > 0).then_some(Lookback { size, back: self.back })
    }
}

/// The windows of all links, widened where a table's clock is later than the event.
pub(super) fn spans(bound: &Bound<'_, Kql>, lets: &mut Lets<'_, '_>, report: &mut Report) -> Vec<Span> {
    let lags: Vec<u64> = bound.steps.iter().map(|step| late_clock(step, bound, report)).collect();
    let last = bound.links.len().saturating_sub(1);
    // In a chain of two steps the one window is both, unless it begins with a burst.
    let burst = bound.steps.first().is_some_and(|step| step.repetition.is_some());
    let binds = (bound.links.len() > 1 || burst) && bound.total_binds;
    let lag = |index: usize| lags.get(index).copied().unwrap_or(0);
    let span = |((index, link), steps): ((usize, &BoundLink<'_, Kql>), &[BoundStep<'_, Kql>])| {
        let widened = |window: Window| window.seconds.saturating_add(lag(index + 1));
        let ahead = widened(Window { seconds: link.gap.seconds.min(bound.total.seconds), ..link.gap });
        let names: Vec<_> = steps.iter().map(|step| step.name.node.as_str()).collect();
        let gap = lets.name(&names.join("_to_"), "_within", literal::timespan(ahead));
        let total = || lets.name("total", "_within", literal::timespan(widened(bound.total)));
        Span { back: lag(index), ahead, gap, total: (binds && index == last).then(total) }
    };
    bound.links.iter().enumerate().zip(bound.steps.windows(2)).map(span).collect()
}

fn late_clock(step: &BoundStep<'_, Kql>, bound: &Bound<'_, Kql>, report: &mut Report) -> u64 {
    // Without a window between two clocks it does not matter.
    if bound.steps.len() == 1 && step.repetition.is_none() && step.absences.is_empty() {
        return 0;
    }
    step.selections().for_each(|selection| note_lag(selection, selection.span, report));
    lag(step.selections())
}

/// By how many seconds the clock of selections can be later than the event.
pub(super) fn lag<'b, 'a: 'b>(selections: impl Iterator<Item = &'b BoundSelection<'a, Kql>>) -> u64 {
    selections.map(|selection| selection.schema.lag).max().unwrap_or(0)
}

/// Says of a selection that its clock can be late, if it can.
pub(super) fn note_lag(selection: &BoundSelection<'_, Kql>, span: source::Span, report: &mut Report) {
    if selection.schema.lag > 0 {
        let reason = selection.schema.lag_reason.as_deref();
        report.note(
            Effect::Superset,
            span,
            reason.unwrap_or("the table's clock can be later than the event"),
        );
    }
}
