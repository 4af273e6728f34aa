//! Renders findings as JSON.
//!
//! In: a [`Findings`]. Out: an array with one object a finding; positions count from 1, columns in characters.
//! Must not know: other formats.

use serde_json::{Value, json};

use super::{Finding, Findings, Location, Severity};
use crate::source::visible_json;

/// The findings as an array.
#[must_use]
pub fn render(report: &Findings) -> String {
    let findings: Vec<Value> = report.findings().iter().map(finding).collect();
    visible_json(format!("{:#}\n", Value::Array(findings)))
}

fn finding(finding: &Finding) -> Value {
    json!({
        "code": finding.code.id(),
        "severity": match finding.severity() {
            Severity::Error => "error",
            Severity::Warning => "warning",
        },
        "title": finding.title,
        "place": place(&finding.primary),
        "other_places": finding.secondary.iter().map(place).collect::<Vec<_>>(),
        "help": finding.help,
        "fix": finding.fix.as_ref().map(|fix| json!({ "place": place(&fix.place), "replacement": fix.replacement })),
    })
}

fn place(place: &Location) -> Value {
    let mut value = json!({
        "file": place.file.name,
        "start": { "line": place.start.line, "column": place.start.column, "offset": place.range.start },
        "end": { "line": place.end.line, "column": place.end.column, "offset": place.range.end },
    });
    if let (Value::Object(map), false) = (&mut value, place.label.is_empty()) {
        map.insert("label".to_owned(), Value::from(place.label.as_str()));
    }
    value
}
