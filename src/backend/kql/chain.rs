//! The chain as joins: after each one only the latest start of every later record is kept, which is exact because gaps
//! bind neighbours and the total binds the first time alone.
//!
//! In: a rule. Out: a [`Query`] of printed fragments. Must not know: how a single step or test is printed.

use super::literal;
use super::step::{self, Columns, Demand, Lookback, StepText};
use crate::backend::print::Frag;
use crate::backend::{Effect, Job, Report, Target, columns, shape};
use crate::diag::{Code, Diagnostic};
use crate::ir::{Field, Link, Step, StepField, Window};

/// A query without its head.
#[derive(Debug)]
pub(super) struct Query {
    /// A table for each step.
    pub(super) steps: Vec<StepText>,
    /// A join for each link.
    pub(super) joins: Vec<Join>,
    /// The columns of the answer.
    pub(super) project: Frag,
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

/// Prints a rule's chain.
pub(super) fn lower(job: &Job<'_>, target: &dyn Target, report: &mut Report) -> Option<Query> {
    let chain = &job.rule.chain;
    let windows = windows(job, target, report);
    let shared = shape::shared_links(chain, job.catalog);
    let mut steps = Vec::with_capacity(chain.steps.len());
    for (index, step) in chain.steps.iter().enumerate() {
        let demand = demand(job, target, index, step, &windows, &shared);
        // A step that cannot be printed must not keep the problems of the others back.
        steps.extend(step::lower(job, target, step, &demand, report));
    }
    if steps.len() < chain.steps.len() || !report.errors.is_empty() {
        return None;
    }
    refuse_equal_names(job, &steps, report)?;
    let joins = joins(job, &steps, &windows, &shared);
    let shown = steps.iter().map(|step| &step.columns);
    let project: Vec<_> =
        shown.flat_map(|columns| std::iter::once(&columns.time).chain(&columns.shown)).cloned().collect();
    Some(Query { steps, joins, project: literal::list(&project) })
}

/// What a step must hand on.
fn demand(
    job: &Job<'_>,
    target: &dyn Target,
    index: usize,
    step: &Step,
    windows: &[Span],
    shared: &[bool],
) -> Demand {
    let chain = &job.rule.chain;
    let last = index + 1 == chain.steps.len();
    let before = index.checked_sub(1).and_then(|before| chain.links.get(before));
    let after = chain.links.get(index);
    let mut keys: Vec<Field> = Vec::new();
    let sides = before.into_iter().flat_map(|link| link.keys.iter().map(|key| &key.right));
    for field in sides.chain(after.into_iter().flat_map(|link| link.keys.iter().map(|key| &key.left))) {
        push_new(&mut keys, field.clone());
    }
    let source = columns::source(job, step);
    let mut shown: Vec<Field> = Vec::new();
    if let Some(id) = source.and_then(|source| step::event_id(source, target.name())) {
        push_new(&mut shown, Field { span: step.source.span, ..id });
    }
    let named = alert_fields(job).filter(|field| field.step == index).map(|field| &field.field);
    keys.iter().chain(named).for_each(|field| push_new(&mut shown, field.clone()));
    let is_shared = |link: usize| shared.get(link) == Some(&true);
    let events = is_shared(index) || index.checked_sub(1).is_some_and(is_shared);
    let lookback =
        index.checked_sub(1).and_then(|before| windows.get(before)).and_then(|span| span.buckets(job));
    Demand { shown, keys, last, records: last && index > 0, events, lookback }
}

fn alert_fields<'a>(job: &Job<'a>) -> impl Iterator<Item = &'a StepField> {
    let alert = &job.rule.alert;
    let dedupe = alert.dedupe.iter().flat_map(|dedupe| &dedupe.by);
    alert.entities.iter().map(|entity| &entity.field).chain(&alert.show).chain(dedupe)
}

fn push_new(known: &mut Vec<Field>, field: Field) {
    if !known.iter().any(|other| other.name == field.name) {
        known.push(field);
    }
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
    fn buckets(self, job: &Job<'_>) -> Option<Lookback> {
        let size = self.back.saturating_add(self.ahead);
        (job.options.time_buckets && size > 0).then_some(Lookback { size, back: self.back })
    }
}

/// The windows of all links, widened where a table's clock is later than the event.
fn windows(job: &Job<'_>, target: &dyn Target, report: &mut Report) -> Vec<Span> {
    let chain = &job.rule.chain;
    let lags: Vec<u64> = chain.steps.iter().map(|step| lag(job, target, step, report)).collect();
    let last = chain.links.len().saturating_sub(1);
    // In a chain of two steps the one window is both.
    let binds = chain.links.len() > 1 && shape::total_binds(chain);
    let lag = |index: usize| lags.get(index).copied().unwrap_or(0);
    let span = |(index, link): (usize, &Link)| {
        let widened = |window: Window| window.seconds.saturating_add(lag(index + 1));
        let gap = Window { seconds: link.gap.seconds.min(chain.total.seconds), ..link.gap };
        let total = (binds && index == last).then(|| widened(chain.total));
        Span { back: lag(index), ahead: widened(gap), total }
    };
    chain.links.iter().enumerate().map(span).collect()
}

fn lag(job: &Job<'_>, target: &dyn Target, step: &Step, report: &mut Report) -> u64 {
    let home = columns::source(job, step).and_then(|source| source.targets.get(target.name()));
    let Some(home) = home.filter(|home| home.time_lag > 0 && job.rule.chain.steps.len() > 1) else {
        return 0;
    };
    let reason = home.time_reason.as_deref().unwrap_or("the table's clock can be later than the event");
    report.note(Effect::Superset, step.source.span, reason);
    home.time_lag
}

fn joins(job: &Job<'_>, steps: &[StepText], windows: &[Span], shared: &[bool]) -> Vec<Join> {
    let links = windows.iter().zip(shared).enumerate();
    links.filter_map(|(link, (window, shared))| join(job, link, steps, *window, *shared)).collect()
}

/// The join of a link, between the steps of its own and the next index.
fn join(job: &Job<'_>, index: usize, steps: &[StepText], span: Span, shared: bool) -> Option<Join> {
    let chain = &job.rule.chain;
    let (link, start) = (chain.links.get(index)?, &steps.first()?.columns.time);
    let (earlier, later) = (chain.steps.get(index)?, chain.steps.get(index + 1)?);
    let (before, after) = (steps.get(index)?, steps.get(index + 1)?);
    let bucket = span.buckets(job).map(|buckets| Bucket::new(earlier, before, after, buckets.size));
    let mut on: Vec<Frag> = Vec::new();
    for key in &link.keys {
        let pair = literal::equal_sides(&column(earlier, &key.left), &column(later, &key.right));
        if !on.contains(&pair) {
            on.push(pair);
        }
    }
    on.extend(bucket.as_ref().map(|bucket| bucket.on.clone()));
    let by: Vec<_> = after.columns.all().cloned().collect();
    Some(Join {
        bucket: bucket.map(|bucket| bucket.extend),
        on: literal::list(&on),
        tests: tests(start, &before.columns, &after.columns, span, shared),
        start: start.clone(),
        by: literal::list(&by),
    })
}

fn column(step: &Step, field: &Field) -> Frag {
    step::column_name(step, &field.name)
}

/// The time bucket of the earlier record, and the pair that joins it.
struct Bucket {
    extend: Frag,
    on: Frag,
}

impl Bucket {
    fn new(earlier: &Step, before: &StepText, after: &StepText, size: u64) -> Self {
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
fn refuse_equal_names(job: &Job<'_>, steps: &[StepText], report: &mut Report) -> Option<()> {
    let mut seen = std::collections::BTreeSet::new();
    for (step, rule) in steps.iter().zip(&job.rule.chain.steps) {
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
