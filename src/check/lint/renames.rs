//! Renamings that nothing reads: mostly a misspelt name, which leaves the field it was meant for empty.
//!
//! In: steps as written, the chain, alert and playbook as lowered. Out: warnings. Must not know: how alternatives are
//! lowered.

use std::collections::BTreeSet;

use crate::check::names::Names;
use crate::check::sink::Sink;
use crate::diag::{Code, Diagnostic};
use crate::ir::{Alert, Chain, Playbook, PlaybookPart, StepField};

/// Looks at `as { … }` of every alternative.
pub(in crate::check) fn lint(
    names: &Names<'_>,
    sink: &mut Sink,
    chain: &Chain,
    alert: &Alert,
    playbook: Option<&Playbook>,
) {
    for (index, step) in names.steps.iter().enumerate() {
        if step.written.others.iter().all(|other| other.renames.is_empty()) {
            continue;
        }
        let mut read = chain.step_fields(index);
        let shown = shown(alert, playbook).filter(|shown| shown.step == index);
        read.extend(shown.map(|shown| shown.field.name.as_str()));
        for rename in step.written.others.iter().flat_map(|other| &other.renames) {
            let name = &rename.name;
            if !read.contains(name.node.as_str()) {
                let title = format!("nothing reads `{}` of step `{}`", name.node, step.name.node);
                let found = Diagnostic::new(Code::UnreadRenaming, name.span, title)
                    .label("no link, clause, alert or playbook has this name")
                    .suggest(&name.node, unnamed(&read, step.written))
                    .help("rename to a field that the rule reads, or remove it");
                sink.report(found);
            }
        }
    }
}

/// What the alert and the playbook read.
fn shown<'r>(alert: &'r Alert, playbook: Option<&'r Playbook>) -> impl Iterator<Item = &'r StepField> {
    let Alert { entities, show, dedupe } = alert;
    let entities = entities.iter().map(|entity| &entity.field);
    let keys = dedupe.iter().flat_map(|dedupe| &dedupe.by);
    let placeholders = playbook.into_iter().flat_map(|playbook| &playbook.parts);
    let placeholders = placeholders.filter_map(|part| match part {
        PlaybookPart::Field(field) => Some(field),
        PlaybookPart::Text(_) => None,
    });
    entities.chain(show).chain(keys).chain(placeholders)
}

/// What the rule reads and no alternative renames.
fn unnamed<'r>(read: &BTreeSet<&'r str>, step: &crate::syntax::ast::Step) -> Vec<&'r str> {
    let renames = || step.others.iter().flat_map(|other| &other.renames);
    let is_named = |name: &str| renames().any(|rename| rename.name.node == name);
    read.iter().copied().filter(|name| !is_named(name)).collect()
}
