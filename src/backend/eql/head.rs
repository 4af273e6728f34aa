//! The heads of the parts: what each is, how it is set up, and what is not exact about it.
//!
//! In: the parts, the notes and requirements of the rule. Out: lines, each note in the part that it is about. Must not
//! know: conditions, how a part is printed.

use super::keys::listed;
use super::part::Body;
use crate::backend::print::phrase;
use crate::backend::{Job, Report, Role, report};

/// The lines of every part. They list the notes, so this comes after everything that can add one.
pub(super) fn all(bodies: &[Body<'_>], job: &Job<'_>, report: &Report) -> Vec<Vec<String>> {
    let last = bodies.len().saturating_sub(1);
    let mut heads: Vec<_> = (0..bodies.len()).map(|at| own(bodies, at, job)).collect();
    // A step where the key changes is in two parts, and its notes in the first; what is about the rule as a whole is in
    // the last, whose alerts are the rule's.
    for note in &report.notes {
        // A step before the link at which the key changes can enclose it, and the link is of the later part.
        let names = |body: &Body<'_>| body.spans.contains(&note.span);
        let about = |body: &Body<'_>| body.spans.iter().any(|span| span.contains(note.span));
        let owner = bodies.iter().position(names).or_else(|| bodies.iter().position(about)).unwrap_or(last);
        heads.get_mut(owner).into_iter().for_each(|head| head.push(note.remark()));
    }
    for what in &report.requires {
        let owner = bodies.iter().position(|body| body.requires.contains(what)).unwrap_or(last);
        heads.get_mut(owner).into_iter().for_each(|head| head.push(report::needed(what)));
    }
    heads
}

/// What a part says of itself.
fn own(bodies: &[Body<'_>], at: usize, job: &Job<'_>) -> Vec<String> {
    let Some(Body { stage, indexes, .. }) = bodies.get(at) else { return Vec::new() };
    let (name, id) = (&stage.identity.name, &stage.identity.id);
    let mut lines = vec![job.rule.meta.title.clone(), phrase!("rule: {name} ({id})")];
    let (number, count) = (at + 1, bodies.len());
    match stage.identity.role {
        Role::Query if count == 1 => {}
        Role::Query => lines.push(phrase!(
            "part {number} of {count}: the query; it reads the alerts of the previous part"
        )),
        Role::Stage | Role::Baseline | Role::Keys => lines.push(phrase!(
            "part {number} of {count}: a building block; the next part reads its alerts by this id, so set it up by the \
             API or an import, with this id as its rule_id, and max_signals 1000; Kibana's form gives every rule an id \
             of its own"
        )),
    }
    if let Some(earlier) = at.checked_sub(1).and_then(|before| bodies.get(before)) {
        let name = &earlier.stage.identity.name;
        lines.push(phrase!(
            "by name: for a previous part made in Kibana's form, test kibana.alert.rule.name == \"{name}\" in place of \
             its rule_id"
        ));
    }
    lines.push(phrase!("index: {}", indexes.join(", ")));
    lines.push(stage.schedule.remark());
    let keys = stage.keys.of_item(0);
    if stage.identity.role == Role::Query && !keys.is_empty() {
        lines.push(phrase!(
            "level: by key; of several chains with the same {} that are open at once, one alerts",
            listed(&keys)
        ));
    }
    lines
}
