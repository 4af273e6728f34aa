//! What a rule says that makes no alert: everything else that a reader or a SIEM sees.
//!
//! In: a rule. Out: its clauses. Must not know: steps and links.

use crate::ir::{self, Alert, Chain, Meta, Rule, Step, StepField};

use super::clause::Clause;

fn written(field: &StepField, rule: &Rule) -> String {
    let step = rule.chain.steps.get(field.step).map_or("", |step| step.name.node.as_str());
    format!("{step}.{}", field.field.name)
}

/// Everything that is text alone.
pub(super) fn text(rule: &Rule) -> Vec<Clause> {
    let Rule { name, meta, params: _, lists, chain, alert, playbook, tests, span: _ } = rule;
    let Meta {
        title,
        id,
        description,
        author,
        date,
        modified,
        status,
        severity,
        attack,
        references,
        false_positives,
        targets,
        allow,
    } = meta;
    let Alert { entities, show, dedupe: _ } = alert;
    let day = |day: &Option<jiff::civil::Date>| day.map(|day| day.to_string()).unwrap_or_default();
    let entities =
        entities.iter().map(|entity| format!("{} {}", entity.kind.name(), written(&entity.field, rule)));
    let part = |part: &ir::PlaybookPart| match part {
        ir::PlaybookPart::Text(text) => text.clone(),
        ir::PlaybookPart::Field(field) => written(field, rule),
    };
    let playbook = playbook.iter().flat_map(|playbook| &playbook.parts).map(part).collect::<String>();
    let about = |entry: &ir::Entry| {
        let cells = [&entry.reason, &entry.owner, &entry.ticket].map(|cell| cell.clone().unwrap_or_default());
        format!("{} ({}, until {})", entry.text, cells.join(", "), day(&entry.until))
    };
    let entries = lists.iter().flat_map(|list| &list.entries).map(about);
    let clause = Clause::plain;
    let clauses = vec![
        clause("name", name.node.clone()),
        clause("names of steps", names(chain)),
        clause("title", title.clone()),
        clause("id", id.clone()),
        clause("description", description.clone()),
        clause("author", author.clone().unwrap_or_default()),
        clause("date", day(date)),
        clause("modified", day(modified)),
        clause("status", format!("{status:?}").to_lowercase()),
        clause("severity", severity.word().to_owned()),
        clause("attack", attack.join(", ")),
        clause("references", references.join(", ")),
        clause("false positives", false_positives.join("; ")),
        clause("targets", targets.clone().unwrap_or_default().join(", ")),
        clause(
            "accepted warnings",
            allow.iter().map(|allow| allow.code.clone()).collect::<Vec<_>>().join(", "),
        ),
        clause("entities", entities.collect::<Vec<_>>().join(", ")),
        clause("shown fields", show.iter().map(|field| written(field, rule)).collect::<Vec<_>>().join(", ")),
        clause("playbook", playbook),
        clause("what lists say of entries", entries.collect::<Vec<_>>().join("; ")),
        clause("tests", tests.iter().map(|test| test.name.node.clone()).collect::<Vec<_>>().join(", ")),
    ];
    clauses.into_iter().filter(|clause| !clause.shown.is_empty()).collect()
}

/// What steps and what must not be there are called.
fn names(chain: &Chain) -> String {
    let Chain { total: _, total_is_explicit: _, scope: _, steps, links: _, together: _ } = chain;
    let steps = steps.iter().map(|Step { name, .. }| name.node.as_str());
    let absent = chain.absences().filter_map(|absence| absence.name.as_ref()).map(|name| name.node.as_str());
    steps.chain(absent).collect::<Vec<_>>().join(", ")
}
