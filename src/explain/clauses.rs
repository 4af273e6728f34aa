//! The clauses of a step and of a link, in sentences.
//!
//! In: a rule, and a step or link of it. Out: sentences. Must not know: targets, alerts.

use std::fmt::Write as _;

use super::english;
use crate::ir::{
    Absence, AbsenceKey, Case, CompareOp, Comparison, GroupField, Key, Link, Neighbour, OrderOp, Repetition,
    Rule, Selection, Step, When, duration,
};

/// A step: what leads to it, what it matches, and what must hold beside it.
pub(super) fn step(rule: &Rule, at: usize) -> Option<String> {
    let Step { name, main, others, absences, repetition, span: _ } = rule.chain.steps.get(at)?;
    let before = at.checked_sub(1).and_then(|before| rule.chain.links.get(before));
    let link_text = before.map_or(String::new(), link);
    let mut text = format!("{}{link_text}: {}", name.node, selection(main, rule));
    for other in others {
        text.push_str(" Or ");
        text.push_str(&selection(other, rule));
    }
    let sentences = absences.iter().chain(before.into_iter().flat_map(|link| &link.absences));
    for one in sentences {
        text.push(' ');
        text.push_str(&absence(one, rule));
    }
    if let Some(repetition) = repetition {
        text.push(' ');
        text.push_str(&repeated(repetition));
    }
    Some(text)
}

fn selection(selection: &Selection, rule: &Rule) -> String {
    let Selection { source, renames, filter, excepts, span: _ } = selection;
    let condition = english::pred(filter, rule);
    let mut text = format!("a record of {} in which {condition}.", source.node);
    if !excepts.is_empty() {
        let excepts: Vec<String> = excepts.iter().map(|except| english::pred(except, rule)).collect();
        let _ = write!(text, " Not if {}.", excepts.join(", nor if "));
    }
    if !renames.is_empty() {
        let names: Vec<String> =
            renames.iter().map(|rename| format!("its {} as {}", rename.of, rename.name)).collect();
        let _ = write!(text, " The rest of the rule reads {}.", english::all(&names));
    }
    text
}

fn absence(absence: &Absence, rule: &Rule) -> String {
    let Absence { name, selections, when, keys, span: _ } = absence;
    let place = match when {
        When::Before(window) => format!("in the {} before", duration(window.seconds)),
        When::After(window) => format!("in the {} after", duration(window.seconds)),
        When::Between => "between the two".to_owned(),
    };
    let key = |AbsenceKey { of, left, right, case }: &AbsenceKey| {
        let side = if *of == Neighbour::Earlier { " of the step before" } else { "" };
        if left.name == right.name {
            format!("the same {}{side}{}", left.name, folded(*case))
        } else {
            format!("a {} that is the {}{side}{}", right.name, left.name, folded(*case))
        }
    };
    let keys = english::all(&keys.iter().map(key).collect::<Vec<_>>());
    let Some(name) = name else { return format!("Only if no such record came {place} with {keys}.") };
    let what: Vec<String> = selections.iter().map(|one| selection(one, rule)).collect();
    format!("Only if no {} came {place} with {keys}: {}", name.node, what.join(" Or "))
}

fn repeated(repetition: &Repetition) -> String {
    let Repetition { least, distinct, window, by, by_is_explicit: _, span: _ } = repetition;
    let what = distinct.as_ref().map_or_else(
        || format!("at least {least} such events come"),
        |counted| format!("such records have at least {least} different values of {}", group(counted)),
    );
    let by: Vec<String> = by.iter().map(group).collect();
    format!("Only if {what} within {}, with the same {}.", duration(window.seconds), english::all(&by))
}

fn link(link: &Link) -> String {
    let Link { gap, keys, comparisons, absences: _, span: _ } = link;
    let key = |key: &Key| {
        let Key { left, right, case, folds: _, any, from_scope: _ } = key;
        let one = |name: &str, any| if any { format!("one of its {name}") } else { format!("a {name}") };
        if any.of_one() {
            let before = if any.left { "one of the" } else { "the" };
            let (right, left) = (one(&right.name, any.right), &left.name);
            format!("{right} that is {before} {left} before{}", folded(*case))
        } else if left.name == right.name {
            format!("the same {}{}", left.name, folded(*case))
        } else {
            format!("a {} that is the {} before{}", right.name, left.name, folded(*case))
        }
    };
    let comparison = |Comparison { left, op, right, span: _ }: &Comparison| {
        let than = match op {
            CompareOp::NotEqual => "is not",
            CompareOp::Order(OrderOp::Less) => "is more than",
            CompareOp::Order(OrderOp::LessEqual) => "is at least",
            CompareOp::Order(OrderOp::Greater) => "is less than",
            CompareOp::Order(OrderOp::GreaterEqual) => "is at most",
        };
        format!("a {} that {than} the {} before", right.name, left.name)
    };
    let keys = keys.iter().filter(|key| !key.from_scope).map(key);
    let parts: Vec<String> = keys.chain(comparisons.iter().map(comparison)).collect();
    let with = if parts.is_empty() { String::new() } else { format!(", with {}", english::all(&parts)) };
    format!(", at most {} later{with}", duration(gap.seconds))
}

/// A field by which records are grouped.
pub(super) fn group(GroupField { field, case }: &GroupField) -> String {
    format!("{}{}", field.name, folded(*case))
}

fn folded(case: Case) -> &'static str {
    if case == Case::Ignore { " (ignoring letter case)" } else { "" }
}
