//! A rule resolved for one target: every field by its columns, every step with all that it must hand on.
//!
//! In: a job, the target's schema. Out: a [`Bound`] rule, and notes for whatever is not exact about its columns; or
//! errors. Must not know: any particular target, query text. Everything of a rule is taken apart here without `..`, so
//! that a part of the language which is not answered for does not compile.

mod absent;
mod alert;
mod field;
#[cfg(test)]
mod tests;

use std::collections::BTreeSet;

use super::schema::{Dialect, Known, SourceSchema};
use super::target::Backend;
use super::truth::Truth;
use super::{Job, Report, external, shape};
use crate::catalog::Source;
use crate::diag::{Code, Diagnostic};
use crate::ir::{
    self, Alert, Chain, Dedupe, Entity, Field, FieldTest, Key, Link, List, Pred, Rule, Step, StepField,
    Window,
};
use crate::source::{Span, Spanned};

pub(in crate::backend) use absent::fits;
pub(in crate::backend) use field::BoundField;
use field::Lookup;

/// A rule, resolved for a target.
#[derive(Debug)]
pub(in crate::backend) struct Bound<'a, B: Backend> {
    /// Its steps, in order; at least one.
    pub(in crate::backend) steps: Vec<BoundStep<'a, B>>,
    /// Link `i` joins step `i` to step `i + 1`.
    pub(in crate::backend) links: Vec<BoundLink<'a>>,
    /// From first to last step.
    pub(in crate::backend) total: Window,
    /// Whether that is shorter than the sum of the gaps.
    pub(in crate::backend) total_binds: bool,
}

/// A step, resolved.
#[derive(Debug)]
pub(in crate::backend) struct BoundStep<'a, B: Backend> {
    /// Its name.
    pub(in crate::backend) name: &'a Spanned<String>,
    /// Where the rule names its source.
    pub(in crate::backend) span: Span,
    /// Its source.
    pub(in crate::backend) source: &'a Source,
    /// What the target makes of the source.
    pub(in crate::backend) schema: &'a SourceSchema<B>,
    /// When a record satisfies it.
    pub(in crate::backend) condition: Truth<BoundTest<'a, B>>,
    /// The fields by which links join it, each once: they must be present.
    pub(in crate::backend) keys: Vec<BoundField<'a, B::Column>>,
    /// What answers show of it: its keys and what the alert names, each once. Empty if the target shows no fields.
    pub(in crate::backend) outputs: Vec<Output<'a, B>>,
    /// The field that identifies its event, if the source has one that the target sees and shows.
    pub(in crate::backend) event_id: Option<Output<'a, B>>,
    /// The discriminator of its source, if a field of the step has several ways.
    pub(in crate::backend) action: Option<BoundField<'a, B::Column>>,
    /// Whether its records are the alerts.
    pub(in crate::backend) last: bool,
    /// For each repeated group of the source whether its events can have items of it.
    pub(in crate::backend) has_items: Vec<bool>,
    /// Whether its event could be that of a neighbour.
    pub(in crate::backend) shared: bool,
    /// What its fields require.
    pub(in crate::backend) requires: Vec<String>,
}

/// A test of a step, resolved.
#[derive(Debug)]
pub(in crate::backend) struct BoundTest<'a, B: Backend> {
    /// The test.
    pub(in crate::backend) test: &'a FieldTest,
    /// Its field.
    pub(in crate::backend) field: BoundField<'a, B::Column>,
    /// The field with which it compares, if it compares two.
    pub(in crate::backend) other: Option<BoundField<'a, B::Column>>,
    /// The allowlists of the rule.
    lists: &'a [List],
}

impl<'a, B: Backend> BoundTest<'a, B> {
    /// Whether a column that holds a text for "no value" could pass the test.
    pub(in crate::backend) fn could_pass(&self, text: &str) -> bool {
        absent::could_pass(self.test, self.lists, text)
    }

    /// The allowlist of an index.
    pub(in crate::backend) fn list(&self, index: usize) -> Option<&'a List> {
        self.lists.get(index)
    }
}

/// A field that an answer shows.
#[derive(Debug)]
pub(in crate::backend) struct Output<'a, B: Backend> {
    /// Its name in an answer.
    pub(in crate::backend) column: String,
    /// The field.
    pub(in crate::backend) field: BoundField<'a, B::Column>,
}

impl<B: Backend> BoundStep<'_, B> {
    /// The name of a field of the step in an answer.
    pub(in crate::backend) fn column_name(&self, field: &str) -> String {
        ir::column_name(&self.name.node, field)
    }

    /// Whether a link joins by the field.
    pub(in crate::backend) fn is_key(&self, field: &str) -> bool {
        self.keys.iter().any(|key| key.name == field)
    }
}

/// A link, resolved.
#[derive(Debug)]
pub(in crate::backend) struct BoundLink<'a> {
    /// Longest time from the earlier to the later record.
    pub(in crate::backend) gap: Window,
    /// The whole clause.
    pub(in crate::backend) span: Span,
    /// Fields of the earlier and of the later step that must be equal.
    pub(in crate::backend) keys: Vec<(&'a Field, &'a Field)>,
    /// Whether one event could match both steps.
    pub(in crate::backend) shared: bool,
}

impl BoundLink<'_> {
    /// Its keys for a reader: `actor.id, instance.eni = interface.id`.
    pub(in crate::backend) fn keys_in_words(&self) -> String {
        let key = |(left, right): &(&Field, &Field)| {
            if left.name == right.name {
                left.name.clone()
            } else {
                format!("{} = {}", left.name, right.name)
            }
        };
        self.keys.iter().map(key).collect::<Vec<_>>().join(", ")
    }
}

/// Resolves a rule. Problems and notes go to `report`; `None` if there is an error.
pub(in crate::backend) fn bind<'a, B: Backend>(job: &Job<'a>, report: &mut Report) -> Option<Bound<'a, B>> {
    let Job { rule, catalog, schemas: _, options } = job;
    let Rule { name: _, meta: _, params: _, lists, chain, alert, playbook: _, tests: _, span: _ } = rule;
    let Chain { total, total_is_explicit: _, scope: _, steps, links } = chain;
    let links: Vec<_> = links.iter().zip(shape::shared_links(chain, catalog)).map(bind_link).collect();
    let mut bound = Vec::with_capacity(steps.len());
    for (index, step) in steps.iter().enumerate() {
        let before = index.checked_sub(1).and_then(|before| links.get(before));
        let around = Around {
            before,
            after: links.get(index),
            named: named(alert, index),
            last: index + 1 == steps.len(),
            lists,
        };
        // A step that cannot be bound must not keep the problems of the others back.
        bound.extend(bind_step(job, step, &around, report));
    }
    for list in lists {
        let by_lookup = || B::HOLDS_LISTS && options.lists.by_lookup(list.exact().len());
        report.require_all(&external::expiry_in_text(list, by_lookup));
    }
    alert::note::<B>(rule, report);
    (bound.len() == steps.len() && report.errors.is_empty()).then_some(Bound {
        steps: bound,
        links,
        total: *total,
        total_binds: shape::total_binds(chain),
    })
}

fn bind_link((link, shared): (&Link, bool)) -> BoundLink<'_> {
    let Link { gap, keys, span } = link;
    let keys = keys.iter().map(|key| {
        let Key { left, right, from_scope: _ } = key;
        (left, right)
    });
    BoundLink { gap: *gap, span: *span, keys: keys.collect(), shared }
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

/// What a rule says about a step outside of it.
struct Around<'a, 'b> {
    before: Option<&'b BoundLink<'a>>,
    after: Option<&'b BoundLink<'a>>,
    named: Vec<&'a Field>,
    last: bool,
    lists: &'a [List],
}

impl<'a> Around<'a, '_> {
    /// The fields by which links join the step, each once.
    fn keys(&self) -> Vec<&'a Field> {
        let before = self.before.into_iter().flat_map(|link| link.keys.iter().map(|(_, right)| *right));
        let after = self.after.into_iter().flat_map(|link| link.keys.iter().map(|(left, _)| *left));
        once(before.chain(after))
    }

    fn shared(&self) -> bool {
        [self.before, self.after].into_iter().flatten().any(|link| link.shared)
    }
}

/// Each field once, where it is named first.
fn once<'a>(fields: impl IntoIterator<Item = &'a Field>) -> Vec<&'a Field> {
    let mut seen = BTreeSet::new();
    fields.into_iter().filter(|field| seen.insert(field.name.as_str())).collect()
}

fn bind_step<'a, B: Backend>(
    job: &Job<'a>,
    step: &'a Step,
    around: &Around<'a, '_>,
    report: &mut Report,
) -> Option<BoundStep<'a, B>> {
    let Step { name, source: at, filter, excepts, span: _ } = step;
    let source = job.catalog.source(&at.node)?;
    let schema = mapped(job, at, report)?;
    report.require_all(&schema.requires);
    let mut own = Report::default();
    let admitted = step.filter.required_texts(&source.discriminator).map(|texts| texts.strings());
    let mut binder = Binder {
        lookup: Lookup::new(schema, &source.discriminator, admitted),
        lists: around.lists,
        report: &mut own,
    };
    let condition = binder.condition(filter, excepts);
    let keys = around.keys();
    let bound_keys = binder.keys(&keys);
    let (mut event_id, mut outputs) = (None, Some(Vec::new()));
    if B::SHOWS_FIELDS {
        event_id = binder.event_id(source, at.span).map(|field| output(name, field));
        outputs = binder
            .outputs(&keys, &around.named)
            .map(|fields| fields.into_iter().map(|field| output(name, field)).collect());
        binder.note_shown(event_id.iter().chain(outputs.iter().flatten()), &keys);
    }
    let Lookup { action, admitted, .. } = binder.lookup;
    let groups = source.group.0.iter();
    let has_items = groups.map(|group| group.may_be_in(admitted.as_ref())).collect();
    let requires = own.requires.clone();
    report.absorb(own);
    Some(BoundStep {
        name,
        span: at.span,
        source,
        schema,
        condition: condition?,
        keys: bound_keys?,
        outputs: outputs?,
        event_id,
        action,
        last: around.last,
        has_items,
        shared: around.shared(),
        requires,
    })
}

fn output<'a, B: Backend>(step: &Spanned<String>, field: BoundField<'a, B::Column>) -> Output<'a, B> {
    Output { column: ir::column_name(&step.node, field.name), field }
}

/// What the target makes of a source.
fn mapped<'a, B: Backend>(
    job: &Job<'a>,
    source: &Spanned<String>,
    report: &mut Report,
) -> Option<&'a SourceSchema<B>> {
    match B::schema(job.schemas).source(&source.node, job.catalog) {
        Known::Sound(schema) => return Some(schema),
        Known::Unmapped => {
            let title = format!("{} has no mapping for `{}`", B::TITLE, source.node);
            report.error(
                Diagnostic::new(Code::NotExpressible, source.span, title)
                    .label("the source file gives none for this target")
                    .help("add one to the source file, or compile for other targets"),
            );
        }
        Known::Broken => {
            let title = format!("the mapping of `{}` for {} is invalid", source.node, B::TITLE);
            report.error(
                Diagnostic::new(Code::SettingsInvalid, source.span, title)
                    .label("nothing can be compiled with it")
                    .help("correct it in the source file or in `catena.yaml`"),
            );
        }
    }
    None
}

/// Binds the parts of one step.
struct Binder<'a, 'r, B: Backend> {
    lookup: Lookup<'a, B>,
    lists: &'a [List],
    report: &'r mut Report,
}

type Condition<'a, B> = Truth<BoundTest<'a, B>>;
type BoundFields<'a, B> = Vec<BoundField<'a, <B as Dialect>::Column>>;

impl<'a, B: Backend> Binder<'a, '_, B> {
    /// The whole condition of a step: its filter holds, and none of its exceptions.
    fn condition(&mut self, filter: &'a Pred, excepts: &'a [Pred]) -> Option<Condition<'a, B>> {
        let admitted = self.lookup.admitted.clone();
        let filter = self.pred(filter, false, admitted.as_ref());
        let excepts: Vec<_> =
            excepts.iter().map(|except| self.pred(except, true, admitted.as_ref()).map(Truth::not)).collect();
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
        Some(BoundTest { test, field: field?, other, lists: self.lists })
    }

    fn keys(&mut self, keys: &[&'a Field]) -> Option<BoundFields<'a, B>> {
        let found = keys.iter().map(|key| {
            let found = self.lookup.field(key, self.report)?;
            found.inexact().for_each(|inexact| inexact.joined(B::JOINS_BY_WIDER, key.span, self.report));
            Some(found)
        });
        found.collect::<Vec<_>>().into_iter().collect()
    }

    /// What answers show: the keys and what the alert names.
    fn outputs(&mut self, keys: &[&'a Field], named: &[&'a Field]) -> Option<BoundFields<'a, B>> {
        let shown = once(keys.iter().chain(named).copied());
        let found: Vec<_> = shown.into_iter().map(|field| self.lookup.field(field, self.report)).collect();
        found.into_iter().collect()
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
