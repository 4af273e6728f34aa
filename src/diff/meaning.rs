//! The clauses in which two rules differ.
//!
//! In: two rules. Out: changes, in the order of the clauses. Must not know: events, engine runs.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::engine::words;
use crate::ir::{
    self, Absence, AbsenceKey, Alert, Case, Chain, CompareOp, Comparison, Key, Link, List, LookupTest, Meta,
    Neighbour, Pred, Repetition, Rule, Selection, Step, StepField, Together, When,
};

/// A clause that differs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Change {
    /// Which, such as `window console to launch`.
    pub clause: String,
    /// What it was; nothing if it is new.
    pub old: Option<String>,
    /// What it is; nothing if it is gone.
    pub new: Option<String>,
}

/// Clauses by what they are called.
type Clauses = Vec<(String, String)>;

/// Changes of meaning, and of text alone.
pub(super) fn changes(old: &Rule, new: &Rule) -> (Vec<Change>, Vec<Change>) {
    (between(&meaning(old), &meaning(new)), between(&text(old), &text(new)))
}

fn between(old: &Clauses, new: &Clauses) -> Vec<Change> {
    let by_name = |clauses: &Clauses| clauses.iter().cloned().collect::<BTreeMap<_, _>>();
    let (before, after) = (by_name(old), by_name(new));
    let mut changes = Vec::new();
    let gone = old.iter().filter(|(name, _)| !after.contains_key(name));
    for (name, _) in new.iter().chain(gone) {
        let (old, new) = (before.get(name), after.get(name));
        if old != new {
            changes.push(Change { clause: name.clone(), old: old.cloned(), new: new.cloned() });
        }
    }
    changes
}

/// Everything that the engine heeds.
fn meaning(rule: &Rule) -> Clauses {
    // Taken apart without `..`: a new clause has to be compared as well.
    let Rule { name: _, meta: _, params: _, lists, chain, alert, playbook: _, tests: _, span: _ } = rule;
    let Chain { total, total_is_explicit: _, scope: _, steps, links, together } = chain;
    let mut clauses = Vec::new();
    let order: Vec<_> = steps.iter().map(|step| step.name.node.as_str()).collect();
    match together {
        None => clauses.push(("order of steps".to_owned(), order.join(", then "))),
        Some(Together { keys, span: _ }) => {
            clauses
                .push(("steps in any order".to_owned(), sorted(order.iter().map(|name| (*name).to_owned()))));
            let keys = sorted(keys.iter().map(|key| key.name.clone()));
            clauses.push(("keys of all steps".to_owned(), keys));
        }
    }
    for step in steps {
        of_step(step, rule, &mut clauses);
    }
    for (link, pair) in links.iter().zip(steps.windows(2)) {
        if let [left, right] = pair {
            of_link(link, (&left.name.node, &right.name.node), rule, &mut clauses);
        }
    }
    clauses.push(("total window".to_owned(), ir::duration(total.seconds)));
    let Alert { entities: _, show: _, dedupe } = alert;
    if let Some(ir::Dedupe { window, by }) = dedupe {
        clauses.push(("dedupe window".to_owned(), ir::duration(window.seconds)));
        let mut keys: Vec<_> = by.iter().map(|field| written(field, rule)).collect();
        keys.sort();
        clauses.push(("dedupe keys".to_owned(), keys.join(", ")));
    }
    for list in lists {
        of_list(list, &mut clauses);
    }
    clauses
}

fn of_step(step: &Step, rule: &Rule, clauses: &mut Clauses) {
    let Step { name, main, others, absences, repetition, span: _ } = step;
    let name = &name.node;
    of_selection(main, name, rule, clauses);
    for (number, other) in (2..).zip(others) {
        of_selection(other, &format!("{name}, alternative {number}"), rule, clauses);
    }
    for absence in absences {
        of_absence(absence, name, rule, clauses);
    }
    if let Some(Repetition { least, distinct, window, by, by_is_explicit: _, span: _ }) = repetition {
        let what = distinct.as_ref().map(|field| format!(" different {}", field.name)).unwrap_or_default();
        let by = sorted(by.iter().map(|field| field.name.clone()));
        let text = format!("{least}{what} within {} by {by}", ir::duration(window.seconds));
        clauses.push((format!("repetition of {name}"), text));
    }
}

fn of_selection(selection: &Selection, name: &str, rule: &Rule, clauses: &mut Clauses) {
    let Selection { source, renames, filter, excepts, span: _ } = selection;
    clauses.push((format!("source of {name}"), source.node.clone()));
    if !renames.is_empty() {
        let one = |rename: &ir::Rename| format!("{}: {}", rename.name, rename.of);
        clauses.push((format!("names of {name}"), sorted(renames.iter().map(one))));
    }
    clauses.push((format!("condition of {name}"), normal(filter, rule)));
    let mut excepts: Vec<_> = excepts.iter().map(|except| normal(except, rule)).collect();
    excepts.sort();
    excepts.dedup();
    if !excepts.is_empty() {
        clauses.push((format!("exceptions of {name}"), excepts.join("; ")));
    }
}

/// `of` is the step, or the two steps of a link.
fn of_absence(absence: &Absence, of: &str, rule: &Rule, clauses: &mut Clauses) {
    let Absence { name, selections, when, keys, span: _ } = absence;
    let called = name.as_ref().map_or("an earlier record", |name| name.node.as_str());
    let title = format!("absence of {called} at {of}");
    let place = match when {
        When::Before(window) => format!("within {} before", ir::duration(window.seconds)),
        When::After(window) => format!("within {} after", ir::duration(window.seconds)),
        When::Between => "between".to_owned(),
    };
    let one = |AbsenceKey { of, left, right, case }: &AbsenceKey| {
        let side = if *of == Neighbour::Earlier { "the earlier step's " } else { "" };
        format!("{side}{} {} {}", left.name, equals(*case), right.name)
    };
    clauses.push((title.clone(), format!("{place} on {}", sorted(keys.iter().map(one)))));
    // The records that `first` asks for are the step's own, which are compared as such.
    if name.is_some() {
        for selection in selections {
            of_selection(selection, &title, rule, clauses);
        }
    }
}

fn equals(case: Case) -> &'static str {
    if case == Case::Ignore { "=~" } else { "==" }
}

fn sorted(texts: impl Iterator<Item = String>) -> String {
    let mut texts: Vec<_> = texts.collect();
    texts.sort();
    texts.dedup();
    texts.join(", ")
}

fn of_link(link: &Link, (left, right): (&str, &str), rule: &Rule, clauses: &mut Clauses) {
    let Link { gap, keys, comparisons, absences, span: _ } = link;
    clauses.push((format!("window {left} to {right}"), ir::duration(gap.seconds)));
    let one = |Key { left, right, case, folds: _, any, from_scope: _ }: &Key| {
        let side = |field: &str, any| if any { format!("any({field})") } else { field.to_owned() };
        if left.name == right.name && *case == Case::Sensitive && !any.of_one() {
            left.name.clone()
        } else {
            let [left, right] = [side(&left.name, any.left), side(&right.name, any.right)];
            format!("{left} {} {right}", equals(*case))
        }
    };
    clauses.push((format!("keys {left} to {right}"), sorted(keys.iter().map(one))));
    if !comparisons.is_empty() {
        let one = |Comparison { left, op, right, span: _ }: &Comparison| {
            let op = match op {
                CompareOp::NotEqual => "!=",
                CompareOp::Order(op) => words::order(*op),
            };
            format!("{} {op} {}", left.name, right.name)
        };
        clauses.push((format!("comparisons {left} to {right}"), sorted(comparisons.iter().map(one))));
    }
    for absence in absences {
        of_absence(absence, &format!("{left} to {right}"), rule, clauses);
    }
}

/// An entry is a clause of its own, whatever is said of it beside its value.
fn of_list(list: &List, clauses: &mut Clauses) {
    for entry in &list.entries {
        let (what, says) = match &list.lookup {
            None => (format!("allowlist {} entry {}", list.name.node, entry.text), "allowed"),
            Some(LookupTest { name, test }) => {
                (format!("lookup {name} key {} where {test}", entry.text), "true")
            }
        };
        clauses.push((what, says.to_owned()));
    }
}

/// A condition in one form: the order of what `and` and `or` join means nothing, nor do values that stand twice.
fn normal(pred: &Pred, rule: &Rule) -> String {
    let joined = |parts: &[Pred], word: &str| {
        let mut parts: Vec<_> = parts.iter().map(|part| normal(part, rule)).collect();
        parts.sort();
        parts.dedup();
        let only = parts.len() == 1;
        let text = parts.join(word);
        if only { text } else { format!("({text})") }
    };
    match pred {
        Pred::And(_) => {
            let parts: Vec<_> = pred.conjuncts().into_iter().cloned().collect();
            joined(&parts, " and ")
        }
        Pred::Or(parts) => joined(parts, " or "),
        Pred::Not(inner) => match inner.as_ref() {
            Pred::Test(test) => of_test(test, rule, true),
            Pred::And(_) | Pred::Or(_) | Pred::Not(_) => format!("not {}", normal(inner, rule)),
        },
        Pred::Test(test) => of_test(test, rule, false),
    }
}

/// As the language writes it, with every value, in order.
fn of_test(test: &ir::FieldTest, rule: &Rule, negated: bool) -> String {
    let values = |mut texts: Vec<String>| {
        texts.sort();
        texts.dedup();
        let not = if negated { "not " } else { "" };
        (texts.len() > 1).then(|| format!("{} {not}in ({})", test.field.name, texts.join(", ")))
    };
    let many = match &test.kind {
        ir::TestKind::Equals { values: all, case: ir::Case::Sensitive } => {
            values(all.iter().map(|value| format!("{:?}", value.text())).collect())
        }
        ir::TestKind::InNetworks { networks } => {
            values(networks.iter().map(|network| format!("{:?}", network.to_string())).collect())
        }
        ir::TestKind::Equals { .. }
        | ir::TestKind::Exists
        | ir::TestKind::InList { .. }
        | ir::TestKind::Order { .. }
        | ir::TestKind::Like { .. }
        | ir::TestKind::Substring { .. }
        | ir::TestKind::Matches { .. }
        | ir::TestKind::SameAs { .. }
        | ir::TestKind::TextOf { .. }
        | ir::TestKind::Values(_) => None,
    };
    many.unwrap_or_else(|| words::test(test, rule, negated))
}

fn written(field: &StepField, rule: &Rule) -> String {
    let step = rule.chain.steps.get(field.step).map_or("", |step| step.name.node.as_str());
    format!("{step}.{}", field.field.name)
}

/// Everything else that a reader or a SIEM sees.
fn text(rule: &Rule) -> Clauses {
    let Rule { name, meta, params: _, lists, chain: _, alert, playbook, tests, span: _ } = rule;
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
    let clause = |name: &str, text: String| (name.to_owned(), text);
    let clauses = vec![
        clause("name", name.node.clone()),
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
    clauses.into_iter().filter(|(_, text)| !text.is_empty()).collect()
}
