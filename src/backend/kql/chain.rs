//! The chain as joins: after each one only the latest start of every later record is kept, which is exact because gaps
//! bind neighbours and the total binds the first time alone.
//!
//! In: a rule. Out: a [`Query`] of printed fragments. Must not know: how a single step or test is printed.

use std::collections::BTreeSet;

use super::Kql;
use super::lets::{Let, Lets};
use super::literal::{self, Frag};
use super::once::{self, Once};
use super::order::{self, Narrowing};
use super::step::{self, Narrowed, StepText, Wanted};
use super::window::{self, Span};
use crate::backend::bind::{Bound, BoundLink, BoundStep};
use crate::backend::print::{Bind, phrase};
use crate::backend::truth::unique;
use crate::backend::{Job, Options, Report, Schedule};
use crate::diag::{Code, Diagnostic};
use crate::ir::{Chain, Field};

/// A query without its head.
#[derive(Debug, Clone)]
pub(super) struct Query {
    /// What an analyst tunes.
    pub(super) lets: Vec<Let>,
    /// Tables, each built on those before it; the last one, which has no name, is the answer.
    pub(super) tables: Vec<Table>,
}

/// A table of the query.
#[derive(Debug, Clone)]
pub(super) struct Table {
    /// What it is, for a reader.
    pub(super) comment: Option<Frag>,
    /// Its name.
    pub(super) name: Option<Frag>,
    /// Whether it is read several times, so that it should be kept.
    pub(super) kept: bool,
    /// The table it reads.
    pub(super) from: Frag,
    /// What its rows pass.
    pub(super) operators: Vec<Frag>,
}

/// Prints a bound rule.
pub(super) fn lower(
    bound: &Bound<'_, Kql>,
    job: &Job<'_>,
    schedule: Schedule,
    report: &mut Report,
) -> Option<Query> {
    let (chain, options) = (&job.rule.chain, job.options);
    let once = once::operators(bound, schedule);
    let mut lets = Lets::new(bound);
    let spans = window::spans(bound, &mut lets, report);
    let first = order::rarest(bound);
    let plan = Plan { bound, spans, first, narrowings: narrowings(bound, chain, first), options, once };
    let mut steps = Vec::with_capacity(bound.steps.len());
    for (index, step) in bound.steps.iter().enumerate() {
        steps.push(step::lower(step, &plan.wanted(index), options, &mut lets, report));
    }
    refuse_equal_names(bound, &steps, report)?;
    let tables = match (bound.steps.as_slice(), steps.as_slice()) {
        ([step], [text]) => vec![alone(step, text, &plan.once)],
        _ => plan.tables(&steps),
    };
    Some(Query { lets: lets.into_statements(), tables })
}

/// The answer of a rule of one step. An event may be delivered twice; joins keep one row for each record anyway.
fn alone(step: &BoundStep<'_, Kql>, text: &StepText, once: &Once) -> Table {
    let stamp = literal::assign(&literal::name(STAMP), &step.main.schema.mapping.time);
    let columns = literal::list(std::iter::once(&stamp).chain(&text.assigned));
    let mut operators = text.operators.clone();
    operators.push(literal::operator(
        if step.main.event_id.is_some() { "summarize by" } else { "project" },
        &columns,
    ));
    operators.extend(once.operators.iter().cloned());
    let hidden: Vec<_> = text.columns.hidden.iter().chain(&once.hidden).collect();
    if !hidden.is_empty() {
        operators.push(literal::operator("project-away", &literal::list(hidden)));
    }
    Table { comment: None, name: None, kept: false, from: text.table.clone(), operators }
}

/// The column that Sentinel and its custom detections ask of an answer: when the alert happened.
const STAMP: &str = "TimeGenerated";

/// How each step is narrowed by a neighbour nearer to the one that is read first.
fn narrowings<'a>(bound: &Bound<'a, Kql>, chain: &Chain, first: usize) -> Vec<Option<Narrowing<'a>>> {
    let of = |index: usize| match index.cmp(&first) {
        std::cmp::Ordering::Less => order::narrowing(bound, chain, index, false),
        std::cmp::Ordering::Equal => None,
        std::cmp::Ordering::Greater => order::narrowing(bound, chain, index - 1, true),
    };
    (0..bound.steps.len()).map(of).collect()
}

/// How the steps are read and joined.
struct Plan<'p, 'a> {
    bound: &'p Bound<'a, Kql>,
    /// The windows of the links.
    spans: Vec<Span>,
    /// The step that is read first.
    first: usize,
    /// By what each step is narrowed.
    narrowings: Vec<Option<Narrowing<'a>>>,
    options: &'p Options,
    /// What the answer keeps.
    once: Once,
}

impl<'a> Plan<'_, 'a> {
    fn step(&self, index: usize) -> Option<&BoundStep<'a, Kql>> {
        self.bound.steps.get(index)
    }

    fn narrowing(&self, index: usize) -> Option<Narrowing<'a>> {
        self.narrowings.get(index).copied().flatten()
    }

    /// The table of step `index`.
    fn step_table(&self, index: usize) -> Option<Frag> {
        Some(literal::name(&phrase!("step_{}", self.step(index)?.name.node)))
    }

    /// The table of the chains from the first step to step `index`.
    fn chain_table(&self, index: usize) -> Option<Frag> {
        if index == 0 { self.step_table(0) } else { Some(literal::name(&phrase!("chain_{}", index + 1))) }
    }

    fn wanted(&self, index: usize) -> Wanted<'a> {
        let window = index.checked_sub(1).and_then(|before| self.spans.get(before));
        let last = index + 1 == self.bound.steps.len();
        let by_id = self.step(index).is_some_and(|step| step.main.event_id.is_some());
        Wanted {
            // Records that look the same must be told apart where each of them is an alert of its own.
            records: last && (index > 0 || by_id),
            lookback: window.and_then(|window| window.buckets(self.options)),
            narrowed: self.narrowed(index),
            may_test_late: self.bound.steps.len() > 1,
            implied: self.implied(index),
        }
    }

    /// The neighbour that narrows a step: behind the first one, all that precedes it.
    fn narrowed(&self, index: usize) -> Option<Narrowed<'a>> {
        let Narrowing { near, far } = self.narrowing(index)?;
        let (step, table) = if index < self.first {
            (index + 1, self.step_table(index + 1)?)
        } else {
            (index - 1, self.chain_table(index - 1)?)
        };
        Some(Narrowed { key: far, table, column: literal::name(&self.step(step)?.column_name(near)) })
    }

    /// The keys of a step that need no test that they are there: they equal a key of the neighbour nearer to the first
    /// step, which has the test; and no neighbour further out is narrowed by them without it.
    fn implied(&self, index: usize) -> Vec<&'a str> {
        let fields = |link: Option<usize>, ahead: bool| -> Vec<&'a str> {
            let keys = link.and_then(|link| self.bound.links.get(link)).map(|link| link.keys.as_slice());
            let side = |(left, right): &(&'a Field, &'a Field)| {
                if ahead { right.name.as_str() } else { left.name.as_str() }
            };
            keys.unwrap_or_default().iter().map(side).collect()
        };
        let (before, after) = (fields(index.checked_sub(1), true), fields(Some(index), false));
        let (inner, outer) = match index.cmp(&self.first) {
            std::cmp::Ordering::Less => (after, before),
            std::cmp::Ordering::Equal => return Vec::new(),
            std::cmp::Ordering::Greater => (before, after),
        };
        let own = self.narrowing(index).map(|narrowing| narrowing.far);
        inner.into_iter().filter(|field| own == Some(*field) || !outer.contains(field)).collect()
    }

    /// The tables of the steps from the first to the earliest one, the joins up to it, then step and join by turns.
    fn tables(&self, steps: &[StepText]) -> Vec<Table> {
        let before = (0..=self.first).rev().filter_map(|index| self.step_as_table(index, steps));
        let mut tables: Vec<_> = before.collect();
        for link in 0..self.bound.links.len() {
            if link >= self.first {
                tables.extend(self.step_as_table(link + 1, steps));
            }
            tables.extend(self.join(link, steps));
        }
        tables
    }

    fn step_as_table(&self, index: usize, steps: &[StepText]) -> Option<Table> {
        let (step, text) = (self.step(index)?, steps.get(index)?);
        let mut operators = text.operators.clone();
        operators.push(literal::operator("project", &literal::list(&text.assigned)));
        operators.extend(text.late.iter().cloned());
        operators.extend(text.lookback.as_ref().map(literal::expand_buckets));
        let narrows = |other: Option<usize>| other.is_some_and(|other| self.narrowing(other).is_some());
        let inward = index <= self.first && narrows(index.checked_sub(1));
        // What follows the first step of the chain is narrowed by it, not by chains of several steps.
        let outward = index == 0 && self.first == 0 && narrows(Some(1));
        Some(Table {
            comment: Some(literal::comment(&self.step_comment(index, step))),
            name: Some(text.name.clone()),
            kept: inward || outward,
            from: text.table.clone(),
            operators,
        })
    }

    fn step_comment(&self, index: usize, step: &BoundStep<'a, Kql>) -> String {
        let name = &step.name.node;
        let near = if index < self.first { index + 1 } else { index.saturating_sub(1) };
        match (self.narrowing(index), self.step(near)) {
            (Some(Narrowing { far, .. }), Some(near)) => phrase!("{name}: {far} as in {}", near.name.node),
            _ if index == self.first => phrase!("{name}: the rarest step"),
            _ => name.clone(),
        }
    }

    /// What makes the answer of the last table: the time of the alert, and no column that is not part of the contract.
    fn answer(&self, steps: &[StepText]) -> Vec<Frag> {
        let buckets =
            self.spans.iter().zip(&self.bound.steps).filter(|(span, _)| span.buckets(self.options).is_some());
        let buckets = buckets.map(|(_, step)| step::hidden(&step.name.node, "bucket"));
        let hidden = steps.iter().flat_map(|step| step.columns.hidden.iter().chain(&step.lookback)).cloned();
        let hidden: Vec<_> = hidden.chain(buckets).chain(self.once.hidden.iter().cloned()).collect();
        let away = (!hidden.is_empty()).then(|| literal::operator("project-away", &literal::list(&hidden)));
        let stamp = steps.last().map(|step| literal::assign(&literal::name(STAMP), &step.columns.time));
        self.once
            .operators
            .iter()
            .cloned()
            .chain(away)
            .chain(stamp.map(|stamp| literal::operator("extend", &stamp)))
            .collect()
    }

    /// The join of a link. The rows of the first step and what they lead to are on the left, where Kusto wants the
    /// smaller table.
    fn join(&self, link: usize, steps: &[StepText]) -> Option<Table> {
        let (bound, span) = (self.bound.links.get(link)?, self.spans.get(link)?);
        let (earlier, later) = (self.step(link)?, self.step(link + 1)?);
        let (before, after, start) = (steps.get(link)?, steps.get(link + 1)?, &steps.first()?.columns.time);
        let bucket =
            span.buckets(self.options).map(|buckets| Bucket::new(earlier, before, after, buckets.size));
        let later_is_left = link < self.first;
        let (mut chains, records) = (self.chain_table(link)?, self.step_table(link + 1)?);
        let mut operators = Vec::new();
        if let Some(bucket) = &bucket {
            if later_is_left {
                chains = literal::piped(&chains, &bucket.extend);
            } else {
                operators.push(bucket.extend.clone());
            }
        }
        let pair = |(left, right): (Frag, Frag)| {
            if later_is_left {
                literal::equal_sides(&right, &left)
            } else {
                literal::equal_sides(&left, &right)
            }
        };
        let keys = bound.keys.iter().map(|(left, right)| (column(earlier, left), column(later, right)));
        let on = unique(keys.chain(bucket.map(|bucket| bucket.columns)).map(pair).collect());
        let (from, other) = if later_is_left { (records, chains) } else { (chains, records) };
        operators.push(literal::join(&other, &on));
        let tests = tests(start, before, after, span, bound.shared);
        operators.push(literal::operator("where", &Frag::join(tests, " and ", Bind::And)));
        operators.push(literal::latest(start, &after.columns.identity()));
        let last = link + 1 == self.bound.links.len();
        if last {
            operators.extend(self.answer(steps));
        }
        let comment = Some(literal::comment(&join_comment(earlier, later, bound, span)));
        let name = if last { None } else { self.chain_table(link + 1) };
        let kept = link + 1 >= self.first && self.narrowing(link + 2).is_some();
        Some(Table { comment, name, kept, from, operators })
    }
}

fn join_comment(
    earlier: &BoundStep<'_, Kql>,
    later: &BoundStep<'_, Kql>,
    link: &BoundLink<'_, Kql>,
    span: &Span,
) -> String {
    let (earlier, later) = (&earlier.name.node, &later.name.node);
    let total = span.total.as_ref().map_or("", |_| ", all in total");
    phrase!("{earlier}, then {later}{total}: same {}", link.keys_in_words())
}

fn column(step: &BoundStep<'_, Kql>, field: &Field) -> Frag {
    literal::name(&step.column_name(&field.name))
}

/// The time bucket of the earlier record, and the columns that are equal then.
struct Bucket {
    extend: Frag,
    columns: (Frag, Frag),
}

impl Bucket {
    fn new(earlier: &BoundStep<'_, Kql>, before: &StepText, after: &StepText, size: u64) -> Self {
        let name = step::hidden(&earlier.name.node, "bucket");
        let own = literal::call("bin", [&before.columns.time, &literal::timespan(size)]);
        let other = after.lookback.clone().unwrap_or_else(|| name.clone());
        Self { extend: literal::operator("extend", &literal::assign(&name, &own)), columns: (name, other) }
    }
}

fn tests(first: &Frag, before: &StepText, after: &StepText, span: &Span, shared: bool) -> Vec<Frag> {
    let (before, after) = (&before.columns, &after.columns);
    let mut tests = vec![literal::between(&after.time, &before.time, span.back, &span.gap)];
    tests.extend(span.total.as_ref().map(|total| literal::at_most_after(&after.time, first, total)));
    if let (true, Some(one), Some(other)) = (shared, &before.event, &after.event) {
        tests.push(literal::binary(other, "!=", one));
    }
    tests
}

/// Two columns of one name would make the join rename one of them.
fn refuse_equal_names(bound: &Bound<'_, Kql>, steps: &[StepText], report: &mut Report) -> Option<()> {
    let mut seen = BTreeSet::new();
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
