//! What differs, as JSON.
//!
//! In: [`Compared`]. Out: the form that `docs/schemas/diff.json` describes. Must not know: how it was found.

use serde::Serialize;
use serde_json::{Value, json};

use crate::diff::{Report, Shown, Witness};
use crate::source::visible_json;

use super::shown::{Alerts, Compared, Rules, is_loss};

/// Version of the form.
const VERSION: u32 = 1;

#[derive(Serialize)]
struct Document<'a> {
    version: u32,
    loses: bool,
    added: &'a [String],
    removed: &'a [String],
    unchanged: usize,
    not_compared: &'a [String],
    files_with_errors: &'a [String],
    changed: Vec<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    alerts: Option<Value>,
}

/// For programs.
pub(super) fn json(compared: &Compared) -> anyhow::Result<String> {
    let alerts = compared.alerts.as_ref();
    let document = Document {
        version: VERSION,
        loses: compared.loses(),
        added: &compared.added,
        removed: &compared.removed,
        unchanged: compared.unchanged,
        not_compared: &compared.repaired,
        files_with_errors: &compared.faulty,
        changed: compared.changed.iter().map(rules).collect(),
        alerts: alerts.map(|Alerts { new, gone, both }| json!({ "new": new, "gone": gone, "both": both })),
    };
    Ok(visible_json(format!("{}\n", serde_json::to_string_pretty(&document)?)))
}

fn rules(rules: &Rules) -> Value {
    let Rules { name, report, reads, queries, because: _, targets } = rules;
    let Report { meaning, text, witness } = report;
    let targets: Vec<_> = targets
        .iter()
        .map(|(target, before, after)| {
            json!({ "target": target, "old": before, "new": after, "loss": is_loss(*before, *after) })
        })
        .collect();
    let witness = witness.as_ref().map(|Witness { events, old, new }| {
        let event =
            |Shown { source, at, fields }: &Shown| json!({ "source": source, "at": at, "fields": fields });
        let events: Vec<_> = events.iter().map(event).collect();
        json!({ "events": events, "old": old, "new": new })
    });
    json!({
        "rule": name, "meaning": meaning, "text": text, "reads": reads, "queries": queries, "targets": targets,
        "witness": witness,
    })
}
