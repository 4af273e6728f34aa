//! The chain as joins: after each one only the latest start of every later record is kept, which is exact because gaps
//! bind neighbours and the total binds the first time alone.
//!
//! In: a rule. Out: a [`Query`] of printed fragments. Must not know: how a single step or test is printed.

use super::Kql;
use super::literal::{self, Frag};
use super::step::{self, Columns, Lookback, StepText};
use crate::backend::bind::{Bound, BoundLink, BoundStep};
use crate::backend::{Effect, Options, Report, shape};
use crate::diag::{Code, Diagnostic};
use crate::ir::{Chain, Field, Window};

/// A query without its head.
#[derive(Debug)]
pub(super) struct Query {
    /// A table for each step.
    pub(super) steps: Vec<StepText>,
    /// A join for each link.
    pub(super) joins: Vec<Join>,
    /// The columns by which the records of a single step are told apart: an event may be delivered twice. Joins keep
    /// one row for each anyway.
    pub(super) distinct: Option<Frag>,
    /// The columns of the answer, if others are there.
    pub(super) project: Option<Frag>,
}

/// The join that adds a step.
#[derive(Debug)]
pub(super) struct Join {
    /// The time bucket of the step before, if the join uses buckets.
    pub(super) bucket: Option<Frag>,
    /// The pairs of equal columns.
    pub(super) on: Frag,
    /// What must hold of the two records and of the whole chain so far.
    pub(super) tests: Vec<Frag>,
    /// The column of the first step's time.
    pub(super) start: Frag,
    /// The columns of the later record.
    pub(super) by: Frag,
}

/// Prints a bound rule. `chain` is the rule's own.
pub(super) fn lower(
    bound: &Bound<'_, Kql>,
    chain: &Chain,
    options: &Options,
    report: &mut Report,
) -> Option<Query> {
    let windows = windows(bound, chain, report);
    let mut steps = Vec::with_capacity(bound.steps.len());
    for (index, step) in bound.steps.iter().enumerate() {
        let window = index.checked_sub(1).and_then(|before| windows.get(before));
        let lookback = window.and_then(|window| window.buckets(options));
        // Records that look the same must be told apart where each of them is an alert of its own.
        let records = step.last && (!bound.links.is_empty() || step.event_id.is_some());
        steps.push(step::lower(step, records, lookback, options, report));
    }
    refuse_equal_names(bound, &steps, report)?;
    let joins = joins(bound, &steps, &windows, options);
    let shown = steps.iter().map(|step| &step.columns);
    let project: Vec<_> =
        shown.flat_map(|columns| std::iter::once(&columns.time).chain(&columns.shown)).cloned().collect();
    let distinct: Option<Vec<_>> = match (bound.steps.as_slice(), steps.as_slice()) {
        ([step], [text]) if step.event_id.is_some() => Some(text.columns.all().cloned().collect()),
        _ => None,
    };
    let project = (distinct.as_ref() != Some(&project)).then(|| literal::list(&project));
    Some(Query { steps, joins, distinct: distinct.map(|columns| literal::list(&columns)), project })
}

/// A window between two neighbours by the clocks of the target, in seconds.
#[derive(Debug, Clone, Copy)]
struct Span {
    /// How much earlier than the earlier record's clock the later one's may be.
    back: u64,
    /// How much later.
    ahead: u64,
    /// How much later than the first record's clock the later one's may be, where the total binds.
    total: Option<u64>,
}

impl Span {
    /// Its time buckets, if the user wants them.
    fn buckets(self, options: &Options) -> Option<Lookback> {
        let size = self.back.saturating_add(self.ahead);
        (options.time_buckets && size > 0).then_some(Lookback { size, back: self.back })
    }
}

/// The windows of all links, widened where a table's clock is later than the event.
fn windows(bound: &Bound<'_, Kql>, chain: &Chain, report: &mut Report) -> Vec<Span> {
    let lags: Vec<u64> = bound.steps.iter().map(|step| lag(step, bound, report)).collect();
    let last = bound.links.len().saturating_sub(1);
    // In a chain of two steps the one window is both.
    let binds = bound.links.len() > 1 && shape::total_binds(chain);
    let lag = |index: usize| lags.get(index).copied().unwrap_or(0);
    let span = |(index, link): (usize, &BoundLink<'_>)| {
        let widened = |window: Window| window.seconds.saturating_add(lag(index + 1));
        let gap = Window { seconds: link.gap.seconds.min(bound.total.seconds), ..link.gap };
        let total = (binds && index == last).then(|| widened(bound.total));
        Span { back: lag(index), ahead: widened(gap), total }
    };
    bound.links.iter().enumerate().map(span).collect()
}

fn lag(step: &BoundStep<'_, Kql>, bound: &Bound<'_, Kql>, report: &mut Report) -> u64 {
    let lag = step.schema.lag;
    if lag == 0 || bound.links.is_empty() {
        return 0;
    }
    let reason = step.schema.lag_reason.as_deref();
    let reason = reason.unwrap_or("the table's clock can be later than the event");
    report.note(Effect::Superset, step.span, reason);
    lag
}

fn joins(bound: &Bound<'_, Kql>, steps: &[StepText], windows: &[Span], options: &Options) -> Vec<Join> {
    let links = bound.links.iter().zip(windows).enumerate();
    links.filter_map(|(index, link)| join(bound, index, link, steps, options)).collect()
}

/// The join of a link, between the steps of its own and the next index.
fn join(
    bound: &Bound<'_, Kql>,
    index: usize,
    (link, span): (&BoundLink<'_>, &Span),
    steps: &[StepText],
    options: &Options,
) -> Option<Join> {
    let start = &steps.first()?.columns.time;
    let (earlier, later) = (bound.steps.get(index)?, bound.steps.get(index + 1)?);
    let (before, after) = (steps.get(index)?, steps.get(index + 1)?);
    let bucket = span.buckets(options).map(|buckets| Bucket::new(earlier, before, after, buckets.size));
    let mut on: Vec<Frag> = Vec::new();
    for (left, right) in &link.keys {
        let pair = literal::equal_sides(&column(earlier, left), &column(later, right));
        if !on.contains(&pair) {
            on.push(pair);
        }
    }
    on.extend(bucket.as_ref().map(|bucket| bucket.on.clone()));
    let by: Vec<_> = after.columns.all().cloned().collect();
    Some(Join {
        bucket: bucket.map(|bucket| bucket.extend),
        on: literal::list(&on),
        tests: tests(start, &before.columns, &after.columns, *span, link.shared),
        start: start.clone(),
        by: literal::list(&by),
    })
}

fn column(step: &BoundStep<'_, Kql>, field: &Field) -> Frag {
    literal::name(&step.column_name(&field.name))
}

/// The time bucket of the earlier record, and the pair that joins it.
struct Bucket {
    extend: Frag,
    on: Frag,
}

impl Bucket {
    fn new(earlier: &BoundStep<'_, Kql>, before: &StepText, after: &StepText, size: u64) -> Self {
        let name = step::hidden(&earlier.name.node, "bucket");
        let own = literal::call("bin", [&before.columns.time, &literal::timespan(size)]);
        let on =
            after.lookback.as_ref().map_or_else(|| name.clone(), |back| literal::equal_sides(&name, back));
        Self { extend: literal::assign(&name, &own), on }
    }
}

fn tests(first: &Frag, before: &Columns, after: &Columns, span: Span, shared: bool) -> Vec<Frag> {
    let mut tests = vec![literal::between(&after.time, &before.time, span.back, span.ahead)];
    if let Some(total) = span.total {
        tests.push(literal::at_most_after(&after.time, first, total));
    }
    if let (true, Some(one), Some(other)) = (shared, &before.event, &after.event) {
        tests.push(literal::binary(other, "!=", one));
    }
    tests
}

/// Two columns of one name would make the join rename one of them.
fn refuse_equal_names(bound: &Bound<'_, Kql>, steps: &[StepText], report: &mut Report) -> Option<()> {
    let mut seen = std::collections::BTreeSet::new();
    for (step, rule) in steps.iter().zip(&bound.steps) {
        let names = std::iter::once(&step.name).chain(step.columns.all());
        for name in names.map(Frag::text) {
            if !seen.insert(name) {
                report.error(
                    Diagnostic::new(
                        Code::NotExpressible,
                        rule.name.span,
                        "two columns of the query would have one name",
                    )
                    .label(format!("`{name}` is already a name in the query"))
                    .help("rename the step"),
                );
                return None;
            }
        }
    }
    Some(())
}
