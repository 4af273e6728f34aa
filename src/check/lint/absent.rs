//! Fields that the kind of event which a rule asks for never has.
//!
//! In: steps, keys, alerts and test events, as lowered. Out: findings. Must not know: other lints.
//!
//! A source says for which actions a field never has a value (`absent_for`). A test of it there is false for every
//! event, its negation true for every event, and a link by it joins nothing: the rule says something else than its
//! author thinks, and canonical tests cannot show it.

use std::collections::BTreeSet;

use crate::catalog::Source;
use crate::check::lacking::{Actions, actions_of, all_lacking, lacking_in};
use crate::check::names::Names;
use crate::check::naming;
use crate::check::sink::Sink;
use crate::diag::{Code, Diagnostic};
use crate::ir::{self, Pred};

/// Looks at the condition and the exceptions of a step.
pub(super) fn step(source: &Source, sink: &mut Sink, filter: &Pred, excepts: &[&Pred]) {
    let may_lack =
        |field: &ir::Field| source.field(&field.name).is_some_and(|def| !def.absent_for.is_empty());
    let mut fields = std::iter::once(filter).chain(excepts.iter().copied()).flat_map(Pred::fields);
    // Most conditions name no such field, and what follows asks every part of a condition for its actions.
    if !fields.any(may_lack) {
        return;
    }
    let mut lint = Lint { source, sink, warns: true };
    lint.pred(filter, true, &None);
    let actions = actions_of(source, filter);
    // An exception that does not hold takes nothing away, so a field that only some actions lack does no harm there.
    lint.warns = false;
    for except in excepts {
        lint.pred(except, true, &actions);
    }
}

/// Looks at the keys of a link: those of both steps.
pub(super) fn keys(names: &Names<'_>, sink: &mut Sink, steps: (&ir::Step, &ir::Step), link: &ir::Link) {
    for key in &link.keys {
        for (step, field) in [(steps.0, &key.left), (steps.1, &key.right)] {
            if let Some((source, lacking)) = lacking_in_all(names, step, field) {
                let label =
                    format!("no record of step `{}` has it, so the chain never alerts", step.name.node);
                sink.report(never_there(source, &field.name, &lacking, field.span, label));
            }
        }
    }
}

/// Looks at a field that the alert reads.
pub(super) fn shown(names: &Names<'_>, sink: &mut Sink, step: &ir::Step, field: &ir::Field) {
    if let Some((source, lacking)) = lacking_in_all(names, step, field) {
        let title = format!("`{}` never has a value {}", field.name, with_actions(source, &lacking));
        let found = Diagnostic::new(Code::FieldAbsentForSome, field.span, title);
        sink.report(found.label("always empty in the alert").help("remove it, or show another field"));
    }
}

/// Looks at an event of a test.
pub(super) fn event(source: &Source, sink: &mut Sink, event: &ir::TestEvent) {
    let action = event.fields.iter().find(|(field, _)| field.name == source.discriminator);
    let actions = action.map(|(_, value)| BTreeSet::from([value.text()]));
    // What a step demands is filled in; of that the step itself has been told.
    let written = event.fields.iter().filter(|(field, _)| event.span.contains(field.span));
    for (field, _) in written {
        if let Some(lacking) = all_lacking(source, &field.name, &actions) {
            let label = "no log has such an event".to_owned();
            sink.report(never_there(source, &field.name, &lacking, field.span, label));
        }
    }
}

/// The actions that the conditions of all alternatives of a step leave, if a field never has a value with any of them.
fn lacking_in_all<'a>(
    names: &Names<'a>,
    step: &ir::Step,
    field: &ir::Field,
) -> Option<(&'a Source, BTreeSet<String>)> {
    let of = |selection: &ir::Selection| {
        let source = names.context.catalog.source(&selection.source.node)?;
        Some((source, lacking_in(source, selection.field(&field.name), &selection.filter)?))
    };
    // Where every alternative lacks it, what the first one says is enough.
    step.selections().map(of).collect::<Option<Vec<_>>>()?.into_iter().next()
}

fn never_there(
    source: &Source,
    field: &str,
    actions: &BTreeSet<String>,
    span: crate::source::Span,
    label: String,
) -> Diagnostic {
    let title = format!("`{field}` never has a value {}", with_actions(source, actions));
    let help = "`catena sources` says what each field holds; use one that these events have";
    Diagnostic::new(Code::FieldNeverThere, span, title).label(label).help(help)
}

fn with_actions(source: &Source, actions: &BTreeSet<String>) -> String {
    let actions: Vec<&str> = actions.iter().map(String::as_str).collect();
    format!("where `{}` is {}", source.discriminator, naming::ticked(&actions))
}

struct Lint<'a> {
    source: &'a Source,
    sink: &'a mut Sink,
    /// Whether fields that some of the possible actions lack are of interest.
    warns: bool,
}

impl Lint<'_> {
    /// `wanted` is false under an odd number of negations; `actions` are those that are possible here.
    fn pred(&mut self, pred: &Pred, wanted: bool, actions: &Actions) {
        // Under a negation a demand bounds nothing: `not (event.action == "A" and f)` holds for every other action.
        let own = if wanted { actions_of(self.source, pred) } else { None };
        let actions = match (actions, own) {
            (Some(known), Some(own)) => Some(known.intersection(&own).cloned().collect()),
            (known, own) => own.or_else(|| known.clone()),
        };
        match pred {
            Pred::Test(test) => {
                for field in test.fields() {
                    self.field(field, test.span, wanted, &actions);
                }
            }
            Pred::Not(inner) => self.pred(inner, !wanted, &actions),
            // Each part with its own demand on top: `event.action == "A" and f or event.action == "B"` tests `f` for
            // `A` alone, though the whole condition admits both.
            Pred::And(parts) | Pred::Or(parts) => {
                for part in parts {
                    self.pred(part, wanted, &actions);
                }
            }
        }
    }

    fn field(&mut self, field: &ir::Field, span: crate::source::Span, wanted: bool, actions: &Actions) {
        if let Some(lacking) = all_lacking(self.source, &field.name, actions) {
            let label = if wanted { "this test never holds" } else { "so `not` is always true here" };
            self.sink.report(never_there(self.source, &field.name, &lacking, span, label.to_owned()));
            return;
        }
        // A plain test that fails for some of the actions only narrows the step; under `not` it holds for all of them,
        // unseen.
        let Some(def) = self.source.field(&field.name).filter(|_| self.warns && !wanted) else { return };
        let is_possible =
            |action: &&String| actions.as_ref().is_some_and(|actions| actions.contains(*action));
        let lacking: BTreeSet<String> = def.absent_for.iter().filter(is_possible).cloned().collect();
        if !lacking.is_empty() {
            let title = format!("`{}` never has a value {}", field.name, with_actions(self.source, &lacking));
            let found = Diagnostic::new(Code::FieldAbsentForSome, span, title)
                .label("so `not` is always true for these events")
                .help("if that is not meant, give these actions a condition of their own, joined by `or`");
            self.sink.report(found);
        }
    }
}
