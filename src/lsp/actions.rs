//! What can be done about what stands at a place.
//!
//! In: a file and a range. Out: code actions with their edits. Must not know: how findings come about.

use std::collections::BTreeMap;
use std::ops::Range;

use serde_json::{Value, json};

use crate::diag::{Diagnostic, fixes};
use crate::project::{Live, LiveFile};
use crate::source::Span;
use crate::syntax::ast::{
    ChainItem, Clause, Literal, LiteralKind, OpKind, Operand, Pred, PredKind, Rule, Step,
};

use super::convert;
use super::findings::finding;

/// How many values of one field are worth an allowlist.
const MANY: usize = 2;

pub(super) fn actions(live: &Live, file: LiveFile<'_>, asked: Range<usize>) -> Vec<Value> {
    let mut found = Vec::new();
    let touches = |range: Range<usize>| range.start <= asked.end && asked.start <= range.end;
    let findings = live.found().remove(&file.id).unwrap_or_default();
    for one in findings.iter().filter(|one| touches(one.primary.span.range())) {
        found.extend(quick_fix(live, file, one));
    }
    let fixable: Vec<_> = findings.iter().filter_map(|one| one.fix.as_ref()).collect();
    if !fixable.is_empty() {
        let own = fixable.iter().filter(|fix| fix.span.file == file.id);
        let changes = own.map(|fix| (fix.span.range(), fix.replacement.as_str()));
        let (text, _) = fixes::apply(&file.source.text, changes);
        let whole = 0..file.source.text.len();
        found.extend(action(file, "Fix all that can be fixed", "source.fixAll", vec![(whole, text)]));
    }
    if let Some(rule) = file.tree.rules.iter().find(|rule| touches(rule.span.range())) {
        found.extend(missing_metadata(file, rule));
        found.extend(into_allowlist(file, rule, &asked));
    }
    found
}

fn action(file: LiveFile<'_>, title: &str, kind: &str, edits: Vec<(Range<usize>, String)>) -> Option<Value> {
    let uri = convert::uri(file.path)?;
    let edits: Vec<Value> = edits
        .into_iter()
        .map(|(range, text)| json!({"range": convert::range(file.source, range), "newText": text}))
        .collect();
    let mut changes = serde_json::Map::new();
    changes.insert(uri.as_str().to_owned(), json!(edits));
    Some(json!({"title": title, "kind": kind, "edit": {"changes": changes}}))
}

/// The fix that a finding carries.
fn quick_fix(live: &Live, file: LiveFile<'_>, found: &Diagnostic) -> Option<Value> {
    let fix = found.fix.as_ref().filter(|fix| fix.span.file == file.id)?;
    let title = match fix.replacement.as_str() {
        "" => format!("Remove `{}`", live.sources().snippet(fix.span)),
        text => format!("Change to `{}`", text.trim()),
    };
    let mut action = action(file, &title, "quickfix", vec![(fix.span.range(), fix.replacement.clone())])?;
    let made = action.as_object_mut()?;
    made.insert("diagnostics".to_owned(), json!([finding(live, found)?]));
    made.insert("isPreferred".to_owned(), json!(true));
    Some(action)
}

/// The metadata that every rule needs and this one lacks, with a fresh id.
fn missing_metadata(file: LiveFile<'_>, rule: &Rule) -> Option<Value> {
    let given = rule.clauses.iter().filter_map(|clause| match clause {
        Clause::Meta(meta) => Some(meta.key.node.as_str()),
        Clause::Allow(_)
        | Clause::Param(_)
        | Clause::Chain(_)
        | Clause::Alert(_)
        | Clause::Playbook(_)
        | Clause::Test(_) => None,
    });
    let given: Vec<&str> = given.collect();
    let wanted = [
        ("title", format!("\"{}\"", rule.name.node.replace('_', " "))),
        ("id", format!("\"{}\"", uuid::Uuid::new_v4())),
        ("description", "\"Detects …\"".to_owned()),
        ("status", "experimental".to_owned()),
        ("severity", "medium".to_owned()),
    ];
    let missing: Vec<String> = wanted
        .iter()
        .filter(|(key, _)| !given.contains(key))
        .map(|(key, value)| format!("\n  {key:<11} {value}"))
        .collect();
    if missing.is_empty() {
        return None;
    }
    let text = file.source.text.get(rule.name.span.range().end..)?;
    let brace = rule.name.span.range().end + text.find('{')? + 1;
    action(file, "Add the metadata that is missing", "quickfix", vec![(brace..brace, missing.concat())])
}

/// Values that the exceptions of one field repeat become an allowlist before the rule.
fn into_allowlist(file: LiveFile<'_>, rule: &Rule, asked: &Range<usize>) -> Option<Value> {
    let steps = rule.clauses.iter().filter_map(|clause| match clause {
        Clause::Chain(chain) => Some(&chain.items),
        Clause::Meta(_)
        | Clause::Allow(_)
        | Clause::Param(_)
        | Clause::Alert(_)
        | Clause::Playbook(_)
        | Clause::Test(_) => None,
    });
    let steps = steps.flatten().flat_map(ChainItem::steps);
    for step in steps {
        if let Some(edits) = values_of(file, rule, step, asked) {
            return action(file, "Turn the values into an allowlist", "refactor.extract", edits);
        }
    }
    None
}

type Edits = Vec<(Range<usize>, String)>;

fn values_of(file: LiveFile<'_>, rule: &Rule, step: &Step, asked: &Range<usize>) -> Option<Edits> {
    let mut by_field: BTreeMap<&str, Vec<(&Pred, Vec<&Literal>)>> = BTreeMap::new();
    for except in step.selections().flat_map(|selection| &selection.excepts) {
        if let Some((field, values)) = compared(except) {
            by_field.entry(field).or_default().push((except, values));
        }
    }
    let is_asked = |span: Span| span.range().start <= asked.end && asked.start <= span.range().end;
    let chosen = by_field.into_iter().find(|(_, excepts)| {
        let count: usize = excepts.iter().map(|(_, values)| values.len()).sum();
        count >= MANY && excepts.iter().any(|(except, _)| is_asked(except.span))
    });
    let (field, excepts) = chosen?;
    let text = |span: Span| file.source.text.get(span.range()).unwrap_or_default();
    let name = format!("known_{}", field.replace(['.', '-'], "_"));
    let entries: Vec<String> = excepts
        .iter()
        .flat_map(|(_, values)| values)
        .map(|value| format!("  {}\n", text(value.span)))
        .collect();
    let at = rule.span.range().start;
    let mut edits = vec![(at..at, format!("allowlist {name}: {field} {{\n{}}}\n\n", entries.concat()))];
    for (number, (except, _)) in excepts.iter().enumerate() {
        let range = except.span.range();
        if number == 0 {
            edits.push((range, format!("{field} in {name}")));
        } else {
            // With its keyword and what stands before that on the line.
            let before = file.source.text.get(..range.start)?;
            edits.push((
                before.trim_end().trim_end_matches("except").trim_end().len()..range.end,
                String::new(),
            ));
        }
    }
    Some(edits)
}

/// The field and the values of `f == v` or `f in (v, …)`.
fn compared(pred: &Pred) -> Option<(&str, Vec<&Literal>)> {
    let PredKind::Compare { field, op, value } = &pred.kind else { return None };
    let is_plain =
        matches!(op.node.kind, OpKind::Equal | OpKind::In) && !op.node.negated && !op.node.ignore_case;
    let values: Vec<&Literal> = match value {
        Operand::One(literal) => vec![literal],
        Operand::Set(literals, _) => literals.iter().collect(),
    };
    let are_texts = values.iter().all(|value| matches!(value.kind, LiteralKind::Str(_)));
    (is_plain && are_texts).then_some((field.node.as_str(), values))
}
