//! Lints: what is well formed and still wrong, weak or pointless.
//!
//! In: clauses as written and as lowered, and the table of names. Out: findings; nothing here changes the rule.
//! Must not know: how clauses are lowered.

mod absent;
mod alert;
mod clauses;
mod comparisons;
mod habits;
mod links;
mod logic;
pub(super) mod meta;
mod missing;
mod neighbours;
pub(super) mod renames;
mod test_blocks;
mod windows;

use crate::ir;
use crate::source::Span;
use crate::syntax::ast::{self, Rule};

use super::Clauses;
use super::chain::{LinkParts, Parts};
use super::columns;
use super::names::Names;
use super::selection::SelectionParts;
use super::sink::Sink;
use logic::{Logic, Of};

/// Looks at the clauses of a rule as written.
pub(super) fn written(sink: &mut Sink, rule: &Rule, clauses: &Clauses<'_>) {
    alert::written(sink, rule, clauses.alert);
    test_blocks::written(sink, rule, &clauses.tests);
}

/// Looks at the steps and links of a chain, each as far as it is right.
pub(super) fn parts(names: &Names<'_>, sink: &mut Sink, parts: &Parts<'_>) {
    for step in &parts.steps {
        for one in &step.selections {
            selection(names, sink, one, Of::Step);
        }
        for one in &step.absences {
            selection(names, sink, &one.selection, Of::Absence);
        }
    }
    for LinkParts { written, index, keys, absences, .. } in &parts.links {
        if let Some(keys) = keys {
            links::lint(names, sink, *index, written, keys);
        }
        for one in absences {
            selection(names, sink, &one.selection, Of::Absence);
        }
    }
}

fn selection(names: &Names<'_>, sink: &mut Sink, parts: &SelectionParts<'_>, of: Of) {
    let SelectionParts { written, subject, filter, excepts, .. } = parts;
    let preds = std::iter::once((&written.filter, filter)).chain(written.excepts.iter().zip(excepts));
    for (written, lowered) in preds {
        if let Some(lowered) = lowered {
            comparisons::lint(names, sink, written, lowered);
        }
    }
    let excepts: Option<Vec<_>> = excepts.iter().map(Option::as_ref).collect();
    let (Some(filter), Some(excepts)) = (filter, excepts) else { return };
    if let Some(source) = subject.source {
        absent::step(source, sink, filter, &excepts);
    }
    let used = names.used_lists.iter().filter_map(|list| names.lists.get(*list)?.list.as_ref());
    let lists = used.chain(&sink.folded).collect();
    let mark = sink.diags.len();
    Logic::new(subject.source, lists).of(of).step(subject.name.span, filter, &excepts, &mut sink.diags);
    // A step that can never match says why.
    if !sink.diags.errors_since(mark) {
        let preds: Vec<_> = std::iter::once(filter).chain(excepts).collect();
        columns::lint(sink, names.used_lists.len(), &preds);
    }
}

/// Looks at a whole chain.
pub(super) fn chain(names: &Names<'_>, sink: &mut Sink, written: &ast::Chain, chain: &ir::Chain) {
    windows::lint(names, sink, written, chain);
    clauses::lint(names, sink, chain);
    missing::lint(names, sink, chain);
    neighbours::lint(sink, chain);
    for (steps, link) in chain.steps.windows(2).zip(&chain.links) {
        if let [left, right] = steps {
            absent::keys(names, sink, (left, right), link);
        }
    }
}

/// Looks at a chain and its alert together; `at` is where the alert stands.
pub(super) fn alert(names: &Names<'_>, sink: &mut Sink, chain: &ir::Chain, alert: &ir::Alert, at: Span) {
    alert::dedupe(names, sink, chain, alert, at);
    missing::dedupe(names, sink, chain, alert);
    let entities = alert.entities.iter().map(|entity| &entity.field);
    let keys = alert.dedupe.iter().flat_map(|dedupe| &dedupe.by);
    for ir::StepField { step, field } in entities.chain(&alert.show).chain(keys) {
        if let Some(step) = chain.steps.get(*step) {
            absent::shown(names, sink, step, field);
        }
    }
}

/// Looks at a test that is right by itself.
pub(super) fn test(names: &Names<'_>, sink: &mut Sink, chain: Option<&ir::Chain>, test: &ir::Test) {
    test_blocks::lowered(sink, chain, test);
    for event in &test.events {
        if let Some(source) = names.context.catalog.source(&event.source) {
            absent::event(source, sink, event);
        }
    }
}
