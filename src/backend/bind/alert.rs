//! The alert clause, as far as a query does not carry it.
//!
//! In: a rule. Out: notes. Must not know: columns, any particular target.

use std::collections::BTreeSet;

use super::{Bound, BoundStep};
use crate::backend::target::Backend;
use crate::backend::{Effect, Job, Report, Rows, Schedule};
use crate::ir::{self, Alert, Dedupe, Entity, Field, StepField, Window};

/// The keys of which the answer keeps the first row, for as long as `dedupe` says.
#[derive(Debug, Clone, Copy)]
pub(in crate::backend) struct OneRow<'a> {
    /// How long further rows are dropped.
    pub(in crate::backend) window: Window,
    by: &'a [StepField],
}

impl<'a> OneRow<'a> {
    /// How many windows, one after the other, a run can see at most: a row that is kept opens the next one.
    pub(in crate::backend) fn windows(&self, schedule: Schedule) -> u64 {
        schedule.look_back.div_ceil(self.window.seconds.max(1))
    }

    /// The keys, each once, with its step.
    pub(in crate::backend) fn keys<'b, B: Backend>(
        &self,
        bound: &'b Bound<'a, B>,
    ) -> impl Iterator<Item = (&'b BoundStep<'a, B>, &'a Field)> {
        let mut seen = BTreeSet::new();
        let by = self.by.iter().filter(move |key| seen.insert((key.step, key.field.name.as_str())));
        by.filter_map(|StepField { step, field }| Some((bound.steps.get(*step)?, field)))
    }
}

/// Notes what the SIEM must be told beside the query; gives what the query does of it by itself.
pub(super) fn note<'a, B: Backend>(job: &Job<'a>, report: &mut Report) -> Option<OneRow<'a>> {
    let rule = job.rule;
    let Alert { entities, show, dedupe } = &rule.alert;
    let name = |StepField { step, field }: &StepField| {
        let step = rule.chain.steps.get(*step).map_or("", |step| &step.name.node);
        if B::SHOWS_FIELDS { ir::column_name(step, &field.name) } else { format!("{step}.{}", field.name) }
    };
    if B::SHOWS_FIELDS {
        note_entities(entities, name, report);
    } else {
        let fields = entities.iter().map(|Entity { kind: _, field }| field).chain(show);
        let fields: Vec<_> = fields.filter(|field| !is_in_every_event(rule, &field.field.name)).collect();
        if let Some(first) = fields.first() {
            let names: BTreeSet<_> = fields.iter().copied().map(name).collect();
            let message = format!(
                "`alert` names {}, which alerts of {} do not carry: look them up in the events of their steps",
                names.into_iter().collect::<Vec<_>>().join(", "),
                B::TITLE
            );
            report.note(Effect::Shown, first.field.span, message);
        }
    }
    let Dedupe { window, by } = dedupe.as_ref()?;
    let (time, keys) = (ir::duration(window.seconds), by.iter().map(name).collect::<Vec<_>>().join(", "));
    let by_query = B::DEDUPES && job.options.rows == Rows::OnePerKey;
    let message = if by_query {
        format!(
            "`dedupe {time}` within a run: the first of each {keys}; runs overlap, so suppress these for {time} as well"
        )
    } else {
        format!(
            "`dedupe {time}` is not in the query: suppress alerts with the same {keys} for {time}, also those of \
             overlapping runs"
        )
    };
    report.note(Effect::Engine, window.span, message);
    by_query.then_some(OneRow { window: *window, by })
}

/// Whether all events of a chain have the same in a field, so that an alert of them has it, too: that of one event is
/// the event, and that of several has what they share.
fn is_in_every_event(rule: &ir::Rule, field: &str) -> bool {
    let mut sources = rule.chain.selections().map(|selection| selection.source.node.as_str());
    let first = sources.next();
    let joins = |key: &ir::Key| key.left.name == field && key.right.name == field && !key.any.of_one();
    let is_shared = rule.chain.links.iter().all(|link| link.keys.iter().any(joins));
    is_shared && sources.all(|source| Some(source) == first)
}

/// Which columns are which entities: a SIEM maps them beside the query.
fn note_entities(entities: &[Entity], name: impl Fn(&StepField) -> String, report: &mut Report) {
    let Some(Entity { kind: _, field }) = entities.first() else { return };
    let mapped: Vec<_> =
        entities.iter().map(|Entity { kind, field }| format!("{} is {}", kind.name(), name(field))).collect();
    report.note(Effect::Shown, field.field.span, format!("entities: {}", mapped.join(", ")));
}
