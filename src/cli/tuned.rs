//! What tuning found, as a table and as JSON.
//!
//! In: the counts for each value. Out: text.
//! Must not know: logs, files.

use std::fmt::Write;

use serde_json::{Map, Value as Json, json};

use crate::ir::Rule;
use crate::replay::output::alert_json;
use crate::replay::tune::{Tuned, Tuning};

use super::vary::{Plan, Unit};

/// The name of each entity of a rule, such as `launch.actor.id`.
pub(super) fn entities(rule: &Rule) -> Vec<String> {
    let name = |entity: &crate::ir::Entity| {
        let step = rule.chain.steps.get(entity.field.step).map_or("", |step| step.name.node.as_str());
        format!("{step}.{}", entity.field.field.name)
    };
    rule.alert.entities.iter().map(name).collect()
}

/// A line for each value; the one in force is marked.
pub(super) fn table(name: &str, plan: &Plan, rule: &Rule, tuning: &Tuning) -> String {
    let head = [name, "alerts", "added", "lost"].into_iter().map(str::to_owned);
    let mut rows: Vec<Vec<String>> = vec![head.chain(entities(rule)).collect()];
    for (at, (value, tuned)) in plan.values.iter().zip(&tuning.values).enumerate() {
        let mark = if at == plan.in_force { " *" } else { "" };
        let mut row = vec![format!("{}{mark}", plan.words(*value))];
        row.extend([tuned.alerts, tuned.added, tuned.lost].map(|count| count.to_string()));
        row.extend(tuned.entities.iter().map(ToString::to_string));
        rows.push(row);
    }
    let columns = rows.iter().map(Vec::len).max().unwrap_or(0);
    let width = |column: usize| {
        rows.iter().filter_map(|row| row.get(column)).map(|cell| cell.chars().count()).max().unwrap_or(0)
    };
    let widths: Vec<usize> = (0..columns).map(width).collect();
    let mut out = format!("{}: varies {}\n", rule.name.node, plan.varied.join(", "));
    for row in &rows {
        for (at, (cell, width)) in row.iter().zip(&widths).enumerate() {
            let _ = if at == 0 { write!(out, "{cell:<width$}") } else { write!(out, "  {cell:>width$}") };
        }
        out.truncate(out.trim_end_matches(' ').len());
        out.push('\n');
    }
    out.push_str("* in force; added and lost are against it\n");
    out
}

/// One object: the counts for each value, and each chain once with the smallest value at which it alerts.
pub(super) fn json(name: &str, plan: &Plan, rule: &Rule, tuning: &Tuning) -> Json {
    let seconds = |at: usize| plan.values.get(at).copied();
    let unit = match plan.unit {
        Unit::Time => "seconds",
        Unit::Count => "count",
    };
    let names = entities(rule);
    let value = |(at, tuned): (usize, &Tuned)| {
        let entities: Map<String, Json> =
            names.iter().cloned().zip(tuned.entities.iter().map(|count| json!(count))).collect();
        json!({
            "value": seconds(at).map(|value| plan.words(value)),
            unit: seconds(at),
            "alerts": tuned.alerts,
            "before_dedupe": tuned.before,
            "added": tuned.added,
            "lost": tuned.lost,
            "entities": entities,
        })
    };
    let chain = |(at, alert): &(usize, crate::engine::alert::Alert)| json!({ "from": seconds(*at), "alert": alert_json(&tuning.rule, alert, &tuning.records) });
    json!({
        "rule": rule.name.node,
        "vary": name,
        "windows": plan.varied,
        "in_force": seconds(plan.in_force),
        "values": tuning.values.iter().enumerate().map(value).collect::<Vec<_>>(),
        "chains": tuning.chains.iter().map(chain).collect::<Vec<_>>(),
    })
}
