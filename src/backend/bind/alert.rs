//! The alert clause, as far as a query does not carry it.
//!
//! In: a rule. Out: notes. Must not know: columns, any particular target.

use std::collections::BTreeSet;

use crate::backend::target::Backend;
use crate::backend::{Effect, Report};
use crate::ir::{self, Alert, Dedupe, Entity, Rule, StepField};

/// Notes what the SIEM must be told beside the query.
pub(super) fn note<B: Backend>(rule: &Rule, report: &mut Report) {
    let Alert { entities, show, dedupe } = &rule.alert;
    let name = |StepField { step, field }: &StepField| {
        let step = rule.chain.steps.get(*step).map_or("", |step| &step.name.node);
        if B::SHOWS_FIELDS { ir::column_name(step, &field.name) } else { format!("{step}.{}", field.name) }
    };
    if B::SHOWS_FIELDS {
        note_entities(entities, name, report);
    } else {
        let fields: Vec<_> = entities.iter().map(|Entity { kind: _, field }| field).chain(show).collect();
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
    if let Some(Dedupe { window, by }) = dedupe {
        let (time, keys) = (ir::duration(window.seconds), by.iter().map(name).collect::<Vec<_>>().join(", "));
        let message = format!(
            "`dedupe {time}` is not in the query: suppress alerts with the same {keys} for {time}, also those of \
             overlapping runs"
        );
        report.note(Effect::Engine, window.span, message);
    }
}

/// Which columns are which entities: a SIEM maps them beside the query.
fn note_entities(entities: &[Entity], name: impl Fn(&StepField) -> String, report: &mut Report) {
    let Some(Entity { kind: _, field }) = entities.first() else { return };
    let mapped: Vec<_> =
        entities.iter().map(|Entity { kind, field }| format!("{} is {}", kind.name(), name(field))).collect();
    report.note(Effect::Shown, field.field.span, format!("entities: {}", mapped.join(", ")));
}
