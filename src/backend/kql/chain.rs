//! The chain as joins: after each one only the latest start of every later record is kept, which is exact because gaps
//! bind neighbours and the total binds the first time alone.
//!
//! In: a rule. Out: a [`Query`] of printed fragments. Must not know: how a single step or test is printed.

use std::collections::BTreeSet;

use super::absent::{self, About, Absent};
use super::lets::Lets;
use super::literal::{self, Frag};
use super::once::{self, Once};
use super::order::{self, Narrowing};
use super::query::{Query, STAMP, Table};
use super::staged::{self, Staged};
use super::step::{self, Lookback, Narrowed, StepText, Wanted};
use super::window::{self, Span};
use super::{Kql, any_key, one, together};
use crate::backend::bind::{Bound, BoundLink, BoundStep};
use crate::backend::print::{Bind, phrase};
use crate::backend::truth::unique;
use crate::backend::{Job, Options, Report, Schedule};
use crate::diag::{Code, Diagnostic};
use crate::ir::{AbsenceKey, Case, Chain, CompareOp, Comparison, Field, Neighbour};

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
    let mut texts = Vec::with_capacity(bound.steps.len());
    for (index, step) in bound.steps.iter().enumerate() {
        any_key::refuse_mixed(step, report);
        texts.push(step::lower(step, &plan.wanted(index), options, &mut lets, report));
    }
    if let ([step], [text]) = (bound.steps.as_slice(), texts.as_slice())
        && !step::is_staged(step)
        && step.others.is_empty()
    {
        refuse_equal_names(bound, text.columns.all(), report)?;
        let tables = vec![alone(step, text, &plan.once)?];
        return Some(Query { lets: lets.into_statements(), tables });
    }
    let mut steps = Vec::with_capacity(bound.steps.len());
    for (index, (step, text)) in bound.steps.iter().zip(texts).enumerate() {
        let (lookback, comment) = (plan.lookback(index), plan.step_comment(index, step));
        let mut staged = staged::lower(step, text, lookback, &comment, options, (&mut lets, &mut *report));
        let kept = plan.is_kept(index);
        staged.tables.last_mut().into_iter().for_each(|table| table.kept |= kept);
        steps.push(staged);
    }
    let mut absences = Vec::with_capacity(bound.links.len());
    for (link, pair) in bound.links.iter().zip(bound.steps.windows(2)) {
        let [earlier, later] = pair else { continue };
        let around = (Some(earlier), later);
        let own = link.absences.iter().map(|one| absent::lower(one, around, options, &mut lets, report));
        absences.push(own.collect::<Vec<_>>());
    }
    let of_links = absences.iter().flatten().flat_map(|absence| &absence.tables);
    let tables = steps.iter().flat_map(|step| &step.tables).chain(of_links);
    let columns = steps.iter().flat_map(|step| step.columns.all().chain(&step.further));
    let columns = columns.chain(absences.iter().flatten().flat_map(|absence| &absence.columns));
    refuse_equal_names(bound, tables.filter_map(|table| table.name.as_ref()).chain(columns), report)?;
    let tables = match bound.together {
        Some(shared) => together::tables(bound, shared, steps, &mut lets, &plan.once),
        None => plan.tables(steps, absences, &mut lets),
    };
    Some(Query { lets: lets.into_statements(), tables })
}

/// The answer of a rule of one step. An event may be delivered twice; joins keep one row for each record anyway.
fn alone(step: &BoundStep<'_, Kql>, text: &StepText, once: &Once) -> Option<Table> {
    let rows = text.rows.first()?;
    let stamp = literal::assign(&literal::name(STAMP), &step.main.schema.mapping.time);
    let columns = literal::list(std::iter::once(&stamp).chain(&rows.assigned));
    let mut operators = rows.operators.clone();
    operators.push(literal::operator(
        if step.main.event_id.is_some() { "summarize by" } else { "project" },
        &columns,
    ));
    operators.extend(once.operators.iter().cloned());
    let hidden: Vec<_> = text.columns.hidden.iter().chain(&once.hidden).collect();
    if !hidden.is_empty() {
        operators.push(literal::operator("project-away", &literal::list(hidden)));
    }
    Some(Table { comment: None, name: None, kept: false, from: rows.table.clone(), operators })
}

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
        let step = self.step(index);
        let by_id = step.is_some_and(|step| step.main.event_id.is_some());
        let plain = step.is_some_and(|step| !step::is_staged(step) && step.others.is_empty());
        let alone = self.bound.steps.len() == 1 && plain;
        Wanted {
            // Records that look the same must be told apart where each of them is an alert of its own.
            records: step.is_some_and(|step| step.last) && (!alone || by_id),
            events: step.is_some_and(|step| step.shared || step.repetition.is_some()),
            lookback: self.lookback(index),
            narrowed: self.narrowed(index),
            may_test_late: !alone,
            implied: self.implied(index),
            folded: self.folded(index),
        }
    }

    /// The time buckets in which a step looks for the one before, if it does.
    fn lookback(&self, index: usize) -> Option<Lookback> {
        self.spans.get(index.checked_sub(1)?)?.buckets(self.options)
    }

    /// The fields of a step that are compared in lower case.
    fn folded(&self, index: usize) -> Vec<&'a str> {
        let before = index.checked_sub(1).and_then(|link| self.bound.links.get(link));
        let after = self.bound.links.get(index);
        let mut found = Vec::new();
        for (link, is_later) in [(before, true), (after, false)] {
            let Some(link) = link else { continue };
            let any = link.any.iter().filter(|key| key.folded);
            let single = any.filter(|key| !if is_later { key.of.right } else { key.of.left });
            found.extend(single.map(|key| if is_later { &key.right.name } else { &key.left.name }.as_str()));
            let keys = link.keys.iter().zip(&link.folded).filter(|(_, folded)| **folded);
            let side = |((left, right), _): ((&'a Field, &'a Field), _)| if is_later { right } else { left };
            found.extend(keys.map(|(key, folded)| side((*key, folded)).name.as_str()));
            let of = if is_later { Neighbour::Later } else { Neighbour::Earlier };
            let absent = link.absences.iter().flat_map(|absence| absence.keys);
            found.extend(absent.filter(|key| key.of == of).filter_map(folded_name));
        }
        let step = self.step(index);
        let own = step.into_iter().flat_map(|step| &step.absences);
        found.extend(own.flat_map(|absence| absence.keys).filter_map(folded_name));
        let by = step.and_then(|step| step.repetition).into_iter().flat_map(|counts| &counts.by);
        let shared = self.bound.together.into_iter().flat_map(|together| &together.keys);
        let groups = by.chain(shared).filter(|group| group.folds());
        found.extend(groups.map(|group| group.field.name.as_str()));
        unique(found)
    }

    /// The neighbour that narrows a step: behind the first one, all that precedes it.
    fn narrowed(&self, index: usize) -> Option<Narrowed<'a>> {
        let Narrowing { near, far, folded } = self.narrowing(index)?;
        let (step, table) = if index < self.first {
            (index + 1, self.step_table(index + 1)?)
        } else {
            (index - 1, self.chain_table(index - 1)?)
        };
        let near_step = self.step(step)?;
        let column = if folded {
            step::folded(&near_step.name.node, near)
        } else {
            literal::name(&near_step.column_name(near))
        };
        Some(Narrowed { key: far, folded, table, column })
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
    fn tables(
        &self,
        mut steps: Vec<Staged>,
        mut absences: Vec<Vec<Absent>>,
        lets: &mut Lets<'_, '_>,
    ) -> Vec<Table> {
        let mut own: Vec<_> = steps.iter_mut().map(|step| std::mem::take(&mut step.tables)).collect();
        let mut take = |index: usize| own.get_mut(index).map(std::mem::take).unwrap_or_default();
        let mut tables: Vec<_> = (0..=self.first).rev().flat_map(&mut take).collect();
        if self.bound.links.is_empty() {
            tables.extend(steps.first().map(|step| self.only(step, lets)));
        }
        for (link, absences) in absences.iter_mut().enumerate() {
            if link >= self.first {
                tables.extend(take(link + 1));
            }
            for absence in absences.iter_mut() {
                tables.append(&mut absence.tables);
            }
            tables.extend(self.join(link, &steps, absences));
        }
        tables
    }

    /// The answer of a rule of one step that asks for more than its condition. An event may be delivered twice.
    fn only(&self, step: &Staged, lets: &mut Lets<'_, '_>) -> Table {
        let columns: Vec<_> = step.columns.all().cloned().collect();
        let mut operators = vec![literal::summarize(None, &columns)];
        if self.bound.total_binds {
            let total = lets.name("total", "_within", literal::timespan(self.bound.total.seconds));
            let test = literal::at_most_after(&step.columns.time, &step.columns.start, &total);
            operators.push(literal::operator("where", &test));
        }
        operators.extend(self.answer(std::slice::from_ref(step)));
        Table { comment: None, name: None, kept: false, from: step.name.clone(), operators }
    }

    /// Whether the table of a step is read several times.
    fn is_kept(&self, index: usize) -> bool {
        let narrows = |other: Option<usize>| other.is_some_and(|other| self.narrowing(other).is_some());
        let inward = index <= self.first && narrows(index.checked_sub(1));
        // What follows the first step of the chain is narrowed by it, not by chains of several steps.
        let outward = index == 0 && self.first == 0 && narrows(Some(1));
        inward || outward || self.bound.together.is_some()
    }

    fn step_comment(&self, index: usize, step: &BoundStep<'a, Kql>) -> String {
        let name = &step.name.node;
        let near = if index < self.first { index + 1 } else { index.saturating_sub(1) };
        match (self.narrowing(index), self.step(near)) {
            (Some(Narrowing { far, .. }), Some(near)) => phrase!("{name}: {far} as in {}", near.name.node),
            _ if index == self.first && !self.bound.links.is_empty() => {
                phrase!("{name}: read first, to narrow the others")
            }
            _ => name.clone(),
        }
    }

    /// What makes the answer of the last table: the time of the alert, and no column that is not part of the contract.
    fn answer(&self, steps: &[Staged]) -> Vec<Frag> {
        let buckets = self.buckets().flatten();
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
    fn join(&self, link: usize, steps: &[Staged], absences: &[Absent]) -> Option<Table> {
        let (bound, span) = (self.bound.links.get(link)?, self.spans.get(link)?);
        let (earlier, later) = (self.step(link)?, self.step(link + 1)?);
        let (before, after, start) = (steps.get(link)?, steps.get(link + 1)?, &steps.first()?.columns.start);
        let bucket =
            span.buckets(self.options).map(|buckets| Bucket::new(earlier, before, after, buckets.size));
        let later_is_left = link < self.first;
        let (mut chains, mut records) = (self.chain_table(link)?, self.step_table(link + 1)?);
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
        let keys = bound.keys.iter().zip(&bound.folded).map(|((left, right), folded)| {
            (step::key_column(earlier, left, *folded), step::key_column(later, right, *folded))
        });
        let mut joined: Vec<_> = keys.chain(bucket.map(|bucket| bucket.columns)).collect();
        let mut passing = Vec::new();
        for key in &bound.any {
            let [left, right] = any_key::sides(earlier, later, key);
            let (from, other) = if later_is_left { (&right, &left) } else { (&left, &right) };
            operators.extend(from.operators.iter().cloned());
            let table = if later_is_left { &mut chains } else { &mut records };
            *table = other.operators.iter().fold(table.clone(), |table, one| literal::piped(&table, one));
            let both = [&left, &right].into_iter().filter(|side| side.passing);
            passing.extend(both.map(|side| side.column.clone()));
            joined.push((left.column, right.column));
        }
        let on = unique(joined.into_iter().map(pair).collect());
        let (from, other) = if later_is_left { (records, chains) } else { (chains, records) };
        operators.push(literal::join(&other, &on));
        if !passing.is_empty() {
            operators.push(literal::operator("project-away", &literal::list(&passing)));
        }
        operators.extend(self.holds(link, steps, absences)?);
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

    /// What keeps the pairs of a join that are edges of the chain.
    fn holds(&self, link: usize, steps: &[Staged], absences: &[Absent]) -> Option<Vec<Frag>> {
        let (bound, span) = (self.bound.links.get(link)?, self.spans.get(link)?);
        let (earlier, later) = (self.step(link)?, self.step(link + 1)?);
        let (before, after, start) = (steps.get(link)?, steps.get(link + 1)?, &steps.first()?.columns.start);
        let mut tests = tests(start, before, after, span, bound.shared);
        tests.extend(bound.comparisons.iter().map(|one| comparison(earlier, later, one)));
        let mut operators = Vec::new();
        let columns = self.carried(link, steps);
        if let Some(burst) = after.burst(later) {
            match before.columns.event.as_ref().filter(|_| bound.shared) {
                Some(event) => {
                    operators = burst.without((&before.columns.time, span.back), event, &columns);
                }
                None => tests.push(literal::binary(
                    &before.columns.time,
                    "<=",
                    &literal::later(&after.columns.start, span.back),
                )),
            }
        }
        operators.insert(0, literal::operator("where", &Frag::join(tests, " and ", Bind::And)));
        let about = About {
            time: &after.columns.time,
            lag: window::lag(later.selections()),
            earlier: Some(&before.columns.time),
            columns: &columns,
        };
        operators.extend(absences.iter().flat_map(|absence| absence.operators(&about)));
        Some(operators)
    }

    /// All columns of the rows that a join gives.
    fn carried(&self, link: usize, steps: &[Staged]) -> Vec<Frag> {
        let joined = steps.iter().take(link + 2);
        let own = joined.flat_map(|step| step.columns.all().chain(&step.lookback)).cloned();
        own.chain(self.buckets().take(link + 1).flatten()).collect()
    }

    /// For each link the column of the bucket in which the earlier record lies, if there is one.
    fn buckets(&self) -> impl Iterator<Item = Option<Frag>> {
        let spans = self.spans.iter().zip(&self.bound.steps);
        spans.map(|(span, step)| span.buckets(self.options).map(|_| step::hidden(&step.name.node, "bucket")))
    }
}

fn folded_name(key: &AbsenceKey) -> Option<&str> {
    (key.case == Case::Ignore).then_some(key.left.name.as_str())
}

fn comparison(earlier: &BoundStep<'_, Kql>, later: &BoundStep<'_, Kql>, stated: &Comparison) -> Frag {
    let Comparison { left, op, right, span: _ } = stated;
    let operator = match op {
        CompareOp::NotEqual => "!=",
        CompareOp::Order(op) => one::operator(*op),
    };
    let column = |step: &BoundStep<'_, Kql>, field: &Field| literal::name(&step.column_name(&field.name));
    literal::binary(&column(earlier, left), operator, &column(later, right))
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

/// The time bucket of the earlier record, and the columns that are equal then.
struct Bucket {
    extend: Frag,
    columns: (Frag, Frag),
}

impl Bucket {
    fn new(earlier: &BoundStep<'_, Kql>, before: &Staged, after: &Staged, size: u64) -> Self {
        let name = step::hidden(&earlier.name.node, "bucket");
        let own = literal::call("bin", [&before.columns.time, &literal::timespan(size)]);
        let other = after.lookback.clone().unwrap_or_else(|| name.clone());
        Self { extend: literal::operator("extend", &literal::assign(&name, &own)), columns: (name, other) }
    }
}

fn tests(first: &Frag, before: &Staged, after: &Staged, span: &Span, shared: bool) -> Vec<Frag> {
    let (before, after) = (&before.columns, &after.columns);
    let mut tests = vec![literal::between(&after.time, &before.time, span.back, &span.gap)];
    tests.extend(span.total.as_ref().map(|total| literal::at_most_after(&after.time, first, total)));
    if let (true, Some(one), Some(other)) = (shared, &before.event, &after.event) {
        tests.push(other.differs(one));
    }
    tests
}

/// Two columns of one name would make the join rename one of them.
fn refuse_equal_names<'n>(
    bound: &Bound<'_, Kql>,
    names: impl Iterator<Item = &'n Frag>,
    report: &mut Report,
) -> Option<()> {
    let mut seen = BTreeSet::new();
    for name in names.map(Frag::text) {
        if !seen.insert(name) {
            let owner = bound.steps.iter().rfind(|step| name.contains(step.name.node.as_str()));
            let span = owner.or_else(|| bound.steps.last()).map(|step| step.name.span).unwrap_or_default();
            report.error(
                Diagnostic::new(Code::NotExpressible, span, "two columns of the query would have one name")
                    .label(format!("`{name}` is already a name in the query"))
                    .help("rename the step"),
            );
            return None;
        }
    }
    Some(())
}
