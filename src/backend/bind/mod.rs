//! A rule resolved for one target: every field by its columns, every step with all that it must hand on.
//!
//! In: a job, the target's schema. Out: a [`Bound`] rule, and notes for whatever is not exact about its columns; or
//! errors. Must not know: any particular target, query text. Everything of a rule is taken apart here without `..`, so
//! that a part of the language which is not answered for does not compile.

mod absent;
mod alert;
mod bound;
mod field;
mod given;
mod mapped;
#[cfg(test)]
mod tests;

use std::collections::BTreeSet;

use super::schema::Dialect;
use super::target::Backend;
use super::truth::Truth;
use super::{Job, Report, external, shape};
use crate::catalog::Source;
use crate::diag::{Code, Diagnostic};
use crate::ir::{
    self, Absence, Alert, Case, Chain, Dedupe, Entity, Field, FieldTest, Key, Link, List, Neighbour, Param,
    Pred, Repetition, Rule, Selection, Step, StepField, Together,
};
use crate::source::{Span, Spanned};

pub(in crate::backend) use absent::fits;
pub(in crate::backend) use alert::OneRow;
pub(in crate::backend) use bound::{
    AnyKey, Bound, BoundAbsence, BoundLink, BoundSelection, BoundStep, BoundTest, Output,
};
use field::Lookup;
pub(in crate::backend) use field::{BoundField, Way};
use mapped::mapped;

/// Resolves a rule. Problems and notes go to `report`; `None` if there is an error.
pub(in crate::backend) fn bind<'a, B: Backend>(job: &Job<'a>, report: &mut Report) -> Option<Bound<'a, B>> {
    let Job { rule, catalog, schemas: _, options } = job;
    let Rule { name: _, meta: _, params, lists, chain, alert, playbook: _, tests: _, span: _ } = rule;
    let Chain { total, total_is_explicit: _, scope: _, steps, links, together } = chain;
    let shared = shape::shared_links(chain, catalog);
    let is_shared =
        |link: Option<usize>| link.and_then(|link| shared.get(link)).is_some_and(|shared| *shared);
    let mut bound = Vec::with_capacity(steps.len());
    for (index, step) in steps.iter().enumerate() {
        let before = index.checked_sub(1);
        let around = Around {
            before: before.and_then(|before| links.get(before)),
            after: links.get(index),
            together: together.as_ref(),
            named: named(alert, index),
            last: together.is_some() || index + 1 == steps.len(),
            shared: is_shared(before) || is_shared(Some(index)),
            lists,
            params,
        };
        // A step that cannot be bound must not keep the problems of the others back.
        bound.extend(bind_step(job, step, &around, report));
    }
    let bound_links: Vec<_> =
        links.iter().zip(shared).filter_map(|link| bind_link(job, link, report)).collect();
    let by_lookup = |list: &List| B::HOLDS_LISTS && options.lists.by_lookup(list.exact().len());
    report.require_all(&external::expiry_in_text(lists, by_lookup));
    let one_row = alert::note::<B>(job, report);
    let is_whole = bound.len() == steps.len() && bound_links.len() == links.len();
    (is_whole && report.errors.is_empty()).then_some(Bound {
        steps: bound,
        links: bound_links,
        together: together.as_ref(),
        total: *total,
        total_binds: shape::total_binds(chain),
        one_row,
    })
}

fn bind_link<'a, B: Backend>(
    job: &Job<'a>,
    (link, shared): (&'a Link, bool),
    report: &mut Report,
) -> Option<BoundLink<'a, B>> {
    let Link { gap, keys, comparisons, absences, span } = link;
    let (mut pairs, mut folded, mut any) = (Vec::new(), Vec::new(), Vec::new());
    for Key { left, right, case, folds, any: of, from_scope: _ } in keys {
        let folds = *case == Case::Ignore && (B::FOLDS_KEYS || !folds);
        if of.of_one() {
            any.push(AnyKey { left, right, of: *of, folded: folds });
        } else {
            pairs.push((left, right));
            folded.push(folds);
        }
    }
    let absences: Vec<_> = absences.iter().map(|absence| bind_absence(job, absence, "", report)).collect();
    Some(BoundLink {
        gap: *gap,
        span: *span,
        keys: pairs,
        folded,
        any,
        comparisons,
        absences: absences.into_iter().collect::<Option<_>>()?,
        shared,
    })
}

/// `step` is the name of the step whose own records `first` asks for.
fn bind_absence<'a, B: Backend>(
    job: &Job<'a>,
    absence: &'a Absence,
    step: &str,
    report: &mut Report,
) -> Option<BoundAbsence<'a, B>> {
    let Absence { name, selections, when, keys, span } = absence;
    let Rule { lists, params, .. } = job.rule;
    let reading =
        Reading { keys: once(keys.iter().map(|key| &key.right)), lists, params, ..Reading::default() };
    let bound: Vec<_> =
        selections.iter().map(|selection| bind_selection(job, selection, None, &reading, report)).collect();
    Some(BoundAbsence {
        name: name.as_ref().map_or_else(|| format!("{step}_before"), |name| name.node.clone()),
        selections: bound.into_iter().collect::<Option<_>>()?,
        when: *when,
        keys,
        is_first: name.is_none(),
        span: *span,
    })
}

/// The fields of a step that the alert names.
fn named(alert: &Alert, step: usize) -> Vec<&Field> {
    let Alert { entities, show, dedupe } = alert;
    let entities = entities.iter().map(|Entity { kind: _, field }| field);
    let dedupe = dedupe.iter().flat_map(|Dedupe { window: _, by }| by);
    let all = entities.chain(show).chain(dedupe);
    all.filter(|StepField { step: of, field: _ }| *of == step)
        .map(|StepField { step: _, field }| field)
        .collect()
}

/// What a rule says about a step outside of its condition.
struct Around<'a> {
    before: Option<&'a Link>,
    after: Option<&'a Link>,
    together: Option<&'a Together>,
    named: Vec<&'a Field>,
    last: bool,
    shared: bool,
    lists: &'a [List],
    params: &'a [Param],
}

impl<'a> Around<'a> {
    /// The fields that must be present in a record of the step, each once.
    fn keys(&self, repetition: Option<&'a Repetition>) -> Vec<&'a Field> {
        let before = self.before.into_iter().flat_map(|link| {
            let compared = link.comparisons.iter().map(|comparison| &comparison.right);
            link.keys.iter().filter(|key| !key.any.right).map(|key| &key.right).chain(compared)
        });
        let after = self.after.into_iter().flat_map(|link| {
            let compared = link.comparisons.iter().map(|comparison| &comparison.left);
            link.keys.iter().filter(|key| !key.any.left).map(|key| &key.left).chain(compared)
        });
        let together = self.together.into_iter().flat_map(Together::fields);
        let by = repetition.into_iter().flat_map(Repetition::by_fields);
        once(before.chain(after).chain(together).chain(by))
    }

    /// The fields by any value of which links join it, each once.
    fn any(&self) -> Vec<&'a Field> {
        let before = self.before.into_iter().flat_map(|link| &link.keys);
        let after = self.after.into_iter().flat_map(|link| &link.keys);
        let before = before.filter(|key| key.any.right).map(|key| &key.right);
        once(before.chain(after.filter(|key| key.any.left).map(|key| &key.left)))
    }

    /// What else clauses read of it, present or not.
    fn reads(&self, absences: &'a [Absence], repetition: Option<&'a Repetition>) -> Vec<&'a Field> {
        let own = absences.iter().flat_map(|absence| &absence.keys).map(|key| &key.left);
        let of_link = |link: Option<&'a Link>, of| {
            let keys = link.into_iter().flat_map(|link| &link.absences).flat_map(|absence| &absence.keys);
            keys.filter(move |key| key.of == of).map(|key| &key.left)
        };
        let counted =
            repetition.and_then(|repetition| repetition.distinct.as_ref()).map(|counted| &counted.field);
        let of_links = of_link(self.before, Neighbour::Later).chain(of_link(self.after, Neighbour::Earlier));
        once(own.chain(of_links).chain(counted))
    }
}

/// The fields that clauses read of a selection, by their names in the rule.
#[derive(Default)]
struct Reading<'a> {
    keys: Vec<&'a Field>,
    any: Vec<&'a Field>,
    reads: Vec<&'a Field>,
    shown: Vec<&'a Field>,
    lists: &'a [List],
    params: &'a [Param],
}

/// Each field once, where it is named first.
fn once<'a>(fields: impl IntoIterator<Item = &'a Field>) -> Vec<&'a Field> {
    let mut seen = BTreeSet::new();
    fields.into_iter().filter(|field| seen.insert(field.name.as_str())).collect()
}

fn bind_step<'a, B: Backend>(
    job: &Job<'a>,
    step: &'a Step,
    around: &Around<'a>,
    report: &mut Report,
) -> Option<BoundStep<'a, B>> {
    let Step { name, main, others, absences, repetition, span: _ } = step;
    let repetition = repetition.as_ref();
    let reading = Reading {
        keys: around.keys(repetition),
        any: around.any(),
        reads: around.reads(absences, repetition),
        // What a step says of its burst is no field of a record.
        shown: around.named.iter().copied().filter(|field| !is_of_burst(field)).collect(),
        lists: around.lists,
        params: around.params,
    };
    let mut selection = |one| bind_selection(job, one, Some(name), &reading, report);
    let main = selection(main);
    let others: Vec<_> = others.iter().map(selection).collect();
    refuse_silent(name, main.iter().chain(others.iter().flatten()), report);
    let absences: Vec<_> =
        absences.iter().map(|absence| bind_absence(job, absence, &name.node, report)).collect();
    Some(BoundStep {
        name,
        main: main?,
        others: others.into_iter().collect::<Option<_>>()?,
        absences: absences.into_iter().collect::<Option<_>>()?,
        repetition,
        last: around.last,
        shared: around.shared,
    })
}

/// A step of which the target has no record is no step there: the query would be silent for ever.
fn refuse_silent<'b, 'a: 'b, B: Backend>(
    name: &Spanned<String>,
    selections: impl Iterator<Item = &'b BoundSelection<'a, B>>,
    report: &mut Report,
) {
    let reasons: Option<Vec<_>> = selections.map(|selection| given::never(&selection.condition)).collect();
    let Some(test) = reasons.as_ref().and_then(|reasons| reasons.first()) else { return };
    let title = format!("`{}` matches nothing in {}", name.node, B::TITLE);
    let values = given::given(test).into_iter().flatten().map(|value| format!("`{value}`"));
    let values = values.collect::<Vec<_>>().join(", ");
    report.error(
        Diagnostic::new(Code::NotExpressible, test.test.span, title)
            .label(format!("there `{}` is one of {values}", test.test.field.name))
            .help("ask for one of these too, or name the other targets after `targets`"),
    );
}

/// Whether a field is what a step says of its burst.
fn is_of_burst(field: &Field) -> bool {
    [ir::COUNT, ir::FIRST_TIME].contains(&field.name.as_str())
}

/// `step` is the name of the step if the selection is one of a step, whose fields answers show.
fn bind_selection<'a, B: Backend>(
    job: &Job<'a>,
    selection: &'a Selection,
    step: Option<&'a Spanned<String>>,
    reading: &Reading<'a>,
    report: &mut Report,
) -> Option<BoundSelection<'a, B>> {
    let Selection { source: at, renames: _, filter, excepts, span: _ } = selection;
    let source = job.catalog.source(&at.node)?;
    let schema = mapped(job, at, report)?;
    report.require_all(&schema.requires);
    let mut own = Report::default();
    let admitted = filter.required_texts(&source.discriminator).map(|texts| texts.strings());
    let mut binder = Binder {
        lookup: Lookup::new(schema, &source.discriminator, admitted),
        selection,
        lists: reading.lists,
        params: reading.params,
        source,
        report: &mut own,
    };
    // What keeps a record out of an absence lets an alert through.
    let absent = step.is_none();
    let condition = binder.condition(filter, excepts, absent);
    let keys = binder.keys(&reading.keys, absent);
    let any = binder.keys(&reading.any, absent);
    let reads = binder.read(&reading.reads);
    let (mut event_id, mut outputs) = (None, Some(Vec::new()));
    if let Some(name) = step.filter(|_| B::SHOWS_FIELDS) {
        event_id = binder.event_id(source, at.span).map(|field| output(name, field));
        outputs = binder
            .outputs(source, &reading.keys, &reading.shown)
            .map(|fields| fields.into_iter().map(|field| output(name, field)).collect());
        binder.note_shown(event_id.iter().chain(outputs.iter().flatten()), &reading.keys);
    }
    let Lookup { action, admitted, .. } = binder.lookup;
    let groups = source.group.0.iter();
    let has_items = groups.map(|group| group.may_be_in(admitted.as_ref())).collect();
    let requires = own.requires.clone();
    report.absorb(own);
    Some(BoundSelection {
        span: at.span,
        of: selection,
        source,
        schema,
        condition: condition?,
        keys: keys?,
        any: any?,
        reads: reads?,
        outputs: outputs?,
        event_id,
        action,
        has_items,
        requires,
    })
}

fn output<'a, B: Backend>(step: &Spanned<String>, field: BoundField<'a, B::Column>) -> Output<'a, B> {
    Output { column: ir::column_name(&step.node, field.name), field }
}

/// Binds the parts of one step.
struct Binder<'a, 'r, B: Backend> {
    lookup: Lookup<'a, B>,
    selection: &'a Selection,
    lists: &'a [List],
    params: &'a [Param],
    source: &'a Source,
    report: &'r mut Report,
}

type Condition<'a, B> = Truth<BoundTest<'a, B>>;
type BoundFields<'a, B> = Vec<BoundField<'a, <B as Dialect>::Column>>;

impl<'a, B: Backend> Binder<'a, '_, B> {
    /// The whole condition of a step: its filter holds, and none of its exceptions.
    fn condition(&mut self, filter: &'a Pred, excepts: &'a [Pred], absent: bool) -> Option<Condition<'a, B>> {
        let admitted = self.lookup.admitted.clone();
        let filter = self.pred(filter, absent, admitted.as_ref());
        let excepts: Vec<_> = excepts
            .iter()
            .map(|except| self.pred(except, !absent, admitted.as_ref()).map(Truth::not))
            .collect();
        if excepts.is_empty() {
            return filter;
        }
        std::iter::once(filter).chain(excepts).collect::<Option<_>>().map(Truth::All)
    }

    fn pred(
        &mut self,
        pred: &'a Pred,
        negated: bool,
        admitted: Option<&BTreeSet<String>>,
    ) -> Option<Condition<'a, B>> {
        match pred {
            Pred::And(parts) => {
                let narrowed =
                    if B::READS_BY_CLAUSE { within(self.lookup.discriminator, admitted, pred) } else { None };
                let admitted = narrowed.as_ref().or(admitted);
                let parts: Vec<_> = parts.iter().map(|part| self.pred(part, negated, admitted)).collect();
                parts.into_iter().collect::<Option<_>>().map(Truth::All)
            }
            Pred::Or(parts) => {
                let parts: Vec<_> = parts.iter().map(|part| self.pred(part, negated, admitted)).collect();
                parts.into_iter().collect::<Option<_>>().map(Truth::Any)
            }
            Pred::Not(inner) => self.pred(inner, !negated, admitted).map(Truth::not),
            Pred::Test(test) => self.test(test, negated, admitted).map(Truth::Test),
        }
    }

    fn test(
        &mut self,
        test: &'a FieldTest,
        negated: bool,
        admitted: Option<&BTreeSet<String>>,
    ) -> Option<BoundTest<'a, B>> {
        let mut find = |field: &Field| {
            let found = self.lookup.named(&field.name, field.span, admitted, self.report)?;
            found.inexact().for_each(|inexact| inexact.tested(test, negated, self.report));
            Some(found)
        };
        let field = find(&test.field);
        let other = test.other().map(find);
        let other = if let Some(other) = other { Some(other?) } else { None };
        let bound = BoundTest { test, field: field?, other, lists: self.lists, params: self.params };
        given::note(&bound, self.source, negated, self.report);
        Some(bound)
    }

    fn keys(&mut self, keys: &[&'a Field], absent: bool) -> Option<BoundFields<'a, B>> {
        let found = keys.iter().map(|key| {
            let found = self.lookup.field(key, self.selection.field(&key.name), self.report)?;
            found.inexact().for_each(|inexact| {
                if absent {
                    inexact.asked(true, key.span, self.report);
                } else {
                    inexact.joined(B::JOINS_BY_WIDER, key.span, self.report);
                }
            });
            Some(found)
        });
        found.collect::<Vec<_>>().into_iter().collect()
    }

    fn read(&mut self, fields: &[&'a Field]) -> Option<BoundFields<'a, B>> {
        let found = fields
            .iter()
            .map(|field| self.lookup.field(field, self.selection.field(&field.name), self.report));
        found.collect::<Vec<_>>().into_iter().collect()
    }

    /// What answers show: the keys and what the alert names, as far as the source has it. An alternative need not have
    /// what only the alert reads.
    fn outputs(
        &mut self,
        source: &Source,
        keys: &[&'a Field],
        named: &[&'a Field],
    ) -> Option<BoundFields<'a, B>> {
        let has = |field: &&Field| source.field(self.selection.field(&field.name)).is_some();
        let shown = once(keys.iter().chain(named).copied().filter(has));
        self.read(&shown)
    }

    /// The field that identifies an event, if the target sees it in every event.
    fn event_id(&mut self, source: &Source, span: Span) -> Option<BoundField<'a, B::Column>> {
        let name = source.event_id()?;
        let seen = self.lookup.schema.fields.get(name)?.variants.iter().all(|variant| variant.column.is_ok());
        if seen {
            self.lookup.named(name, span, self.lookup.admitted.clone().as_ref(), self.report)
        } else {
            None
        }
    }

    /// Notes for what answers show and links do not join by.
    fn note_shown<'o>(&mut self, outputs: impl IntoIterator<Item = &'o Output<'a, B>>, keys: &[&Field])
    where
        'a: 'o,
    {
        for Output { column: _, field } in outputs {
            if !keys.iter().any(|key| key.name == field.name) {
                field.inexact().for_each(|inexact| inexact.shown(field.name, field.span, self.report));
            }
        }
    }
}

/// Beside the other parts of a conjunction only the actions that it demands count: where they do not hold, the
/// conjunction is false whatever this part says.
fn within(
    discriminator: &str,
    admitted: Option<&BTreeSet<String>>,
    conjunction: &Pred,
) -> Option<BTreeSet<String>> {
    let demanded = conjunction.required_texts(discriminator)?.strings();
    Some(match admitted {
        Some(known) => known.intersection(&demanded).cloned().collect(),
        None => demanded,
    })
}
