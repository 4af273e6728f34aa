//! A proposal as a rule file.
//!
//! In: a proposal. Out: text in the canonical style, with a test for each incident and for each link that must not be
//! left out. Must not know: how the proposal came about.

use std::collections::BTreeMap;
use std::fmt::Write;

use super::common::{Link, Test};
use super::{Proposal, Step};
use crate::catalog::{Catalog, FieldDef};
use crate::engine::record::Record;
use crate::engine::value::Value;
use crate::ir::Type;
use crate::syntax::{self, quoted};

fn literal(value: &Value<'_>) -> String {
    match value {
        Value::Int(_) | Value::Float(_) | Value::Bool(_) => value.to_string(),
        Value::Text(_) | Value::Time(_) | Value::Ip(_) | Value::AltSpelling(_) | Value::Many(_) => {
            quoted(&value.to_string())
        }
    }
}

fn condition(Test { field, value }: &Test) -> String {
    match value {
        Value::Bool(true) => field.clone(),
        Value::Bool(false) => format!("not {field}"),
        Value::Int(_)
        | Value::Float(_)
        | Value::Text(_)
        | Value::Time(_)
        | Value::Ip(_)
        | Value::AltSpelling(_)
        | Value::Many(_) => format!("{field} == {}", literal(value)),
    }
}

/// The rule file.
pub(super) fn rule(proposal: &Proposal, catalog: &Catalog) -> String {
    let Proposal { name, id, date, steps, links, examples } = proposal;
    let names: Vec<&str> = steps.iter().map(|step| step.name.as_str()).collect();
    let title = names.join(", then ").replace('_', " ");
    let mut title: String = title.chars().take(100).collect();
    if let Some(first) = title.get_mut(..1) {
        first.make_ascii_uppercase();
    }
    let count = examples.len();
    let mut out = format!(
        "# A draft from {count} incidents: read every line. What they have in common is a guess at what matters.\n\
         rule {name} {{\ntitle {}\nid \"{id}\"\ndescription {}\ndate {date}\nstatus experimental\nseverity medium\n\
         false_positives \"Not known yet: the rule was drafted from {count} incidents\"\n\n",
        quoted(&title),
        quoted(&format!("Drafted from {count} incidents in which these events came one after the other."))
    );
    for (at, link) in links.iter().enumerate() {
        let _ = writeln!(out, "param {} = {}", gap_name(steps, at), crate::ir::duration(link.gap));
    }
    out.push_str("\nchain {\n");
    for (at, step) in steps.iter().enumerate() {
        if let Some(before) = at.checked_sub(1)
            && let (Some(link), Some(earlier)) = (links.get(before), steps.get(before))
        {
            let keys: Vec<String> = link.keys.iter().map(|key| written(key, earlier, step)).collect();
            let _ = write!(out, "\nthen within {} on {}\n\n", gap_name(steps, before), keys.join(", "));
        }
        let tests: Vec<String> = step.tests.iter().map(condition).collect();
        let _ = write!(out, "step {} from {}\nwhere {}\n", step.name, step.source, tests.join(" and "));
    }
    out.push_str("}\n");
    alert(proposal, catalog, &mut out);
    for (number, path) in examples.iter().enumerate() {
        let events = events(proposal, path, &BTreeMap::new());
        let end = offset(path, path.len().saturating_sub(1));
        let _ = write!(out, "\ntest \"incident {}\" {{\n{events}expect alert at {end}s\n}}\n", number + 1);
    }
    for (at, link) in links.iter().enumerate() {
        let (Some(key), Some(path), Some(step)) = (link.keys.first(), examples.first(), steps.get(at + 1))
        else {
            continue;
        };
        let known = catalog.source(&step.source).and_then(|source| source.field(&key.right));
        let changed = BTreeMap::from([((at + 1, key.right.as_str()), other(known))]);
        let events = events(proposal, path, &changed);
        let _ = write!(
            out,
            "\ntest \"{} with another {} stays silent\" {{\n{events}expect no alert\n}}\n",
            step.name, key.right
        );
    }
    out.push_str("}\n");
    syntax::format(&out).unwrap_or(out)
}

fn gap_name(steps: &[Step], at: usize) -> String {
    let name = |at: usize| steps.get(at).map_or("", |step| step.name.as_str());
    format!("{}_to_{}", name(at), name(at + 1))
}

fn written(Link { left, right }: &Link, earlier: &Step, later: &Step) -> String {
    if left == right { left.clone() } else { format!("{}.{left} == {}.{right}", earlier.name, later.name) }
}

/// Whom an alert is about: who did it, else what joins the steps, else any field that every incident has.
fn alert(Proposal { steps, links, examples, .. }: &Proposal, catalog: &Catalog, out: &mut String) {
    let has = |at: usize, field: &str| {
        examples.iter().all(|path| path.get(at).is_some_and(|record| record.get(field).is_some()))
    };
    let actor = (0..steps.len()).rev().find(|at| has(*at, "actor.id")).map(|at| (at, "actor.id".to_owned()));
    let joined = || {
        let key = links.last()?.keys.first()?;
        Some((steps.len().checked_sub(1)?, key.right.clone()))
    };
    let any = || {
        let record = examples.first()?.first()?;
        let of_type = |(field, value): &(&str, &Value<'static>)| {
            matches!(value, Value::Text(_) | Value::Ip(_)) && has(0, field)
        };
        record.present().find(of_type).map(|(field, _)| (0, field.to_owned()))
    };
    let Some((at, field)) = actor.or_else(joined).or_else(any) else { return };
    let Some(step) = steps.get(at) else { return };
    let known = catalog.source(&step.source).and_then(|source| source.field(&field));
    let kind = if known.is_some_and(|known| known.ty == Type::Ip) {
        "ip"
    } else if field == "actor.id" {
        "account"
    } else {
        "resource"
    };
    let name = &step.name;
    let _ = write!(out, "\nalert {{\nentity {kind} {name}.{field}\ndedupe 1h by {name}.{field}\n}}\n");
}

/// Seconds from the first record of a path to another one.
fn offset(path: &[Record], at: usize) -> i64 {
    let time = |at: usize| path.get(at).map_or(0, |record| record.time);
    time(at).saturating_sub(time(0)).max(0) / 1_000_000
}

/// The events of a test, with what the rule reads of them; `changed` has other values.
fn events(proposal: &Proposal, path: &[Record], changed: &BTreeMap<(usize, &str), String>) -> String {
    let Proposal { steps, links, .. } = proposal;
    let mut out = String::new();
    for (at, (step, record)) in steps.iter().zip(path).enumerate() {
        let before = at.checked_sub(1).and_then(|before| links.get(before));
        let before = before.into_iter().flat_map(|link| &link.keys).map(|key| key.right.as_str());
        let after = links.get(at).into_iter().flat_map(|link| &link.keys).map(|key| key.left.as_str());
        let tested = step.tests.iter().map(|test| test.field.as_str());
        let mut fields: Vec<&str> = tested.chain(before).chain(after).chain(["actor.id"]).collect();
        fields.sort_unstable();
        fields.dedup();
        let value = |field: &&str| {
            let value = changed.get(&(at, *field)).cloned();
            let value = value.or_else(|| record.get(field).map(literal))?;
            Some(format!("{field}: {value}"))
        };
        let fields: Vec<String> = fields.iter().filter_map(value).collect();
        let _ = writeln!(out, "{} at {}s {{ {} }}", step.name, offset(path, at), fields.join(", "));
    }
    out
}

/// A value that no incident has.
fn other(known: Option<&FieldDef>) -> String {
    match known {
        Some(known) if known.ty == Type::Ip => "\"203.0.113.199\"".to_owned(),
        Some(FieldDef { digits: Some(digits), .. }) => {
            quoted(&"9".repeat(usize::try_from(*digits).unwrap_or(1).min(64)))
        }
        Some(_) | None => "\"somebody-or-something-else\"".to_owned(),
    }
}
