//! Findings, explanations and timelines as JSON for the page.
//!
//! In: what the stages found. Out: JSON. Must not know: requests.

use std::path::Path;

use serde_json::{Map, Value, json};

use crate::backend::{ALL, Role};
use crate::diag::{Finding, Findings, Location, Severity};
use crate::engine::record::Record;
use crate::explain::{Explanation, InTarget, Made, Query};
use crate::picture::{self, Theme};
use crate::replay::{Report, misses, output, timeline};
use crate::source::{Utf16Position, visible};

/// So many alerts of a rule are shown.
const ALERTS: usize = 100;

/// The findings; places in other files than the one shown have a name.
pub(super) fn findings(findings: &Findings, name: &dyn Fn(&Path) -> String, shown: &str) -> Value {
    let place = |place: &Location| {
        let file = name(Path::new(&place.file.name));
        let range = place.utf16();
        let position = |at: Utf16Position| json!({ "line": at.line, "character": at.character });
        json!({
            "file": Some(visible(&file)).filter(|_| file != shown),
            "from": position(range.start),
            "to": position(range.end),
            "label": visible(&place.label),
        })
    };
    let finding = |finding: &Finding| {
        json!({
            "severity": match finding.severity() {
                Severity::Error => "error",
                Severity::Warning => "warning",
            },
            "code": finding.code.id(),
            "title": visible(&finding.title),
            "place": place(&finding.primary),
            "others": finding.secondary.iter().map(place).collect::<Vec<_>>(),
            "help": finding.help.iter().map(|help| visible(help)).collect::<Vec<_>>(),
            "fix": finding.fix.as_ref().map(|fix| json!({ "place": place(&fix.place), "text": fix.replacement })),
        })
    };
    findings.findings().iter().map(finding).collect()
}

/// A rule explained; `tests` are the events of its tests.
pub(super) fn explanation(explained: &Explanation, tests: &[Value]) -> Value {
    let Explanation { rule, title, facts, description, when, steps, after, picture, targets } = explained;
    let seen = |texts: &[String]| texts.iter().map(|text| visible(text).into_owned()).collect::<Vec<_>>();
    let targets = targets.iter().zip(ALL).map(|(InTarget { title, made }, target)| {
        let mut shown = made_json(made);
        shown.insert("name".to_owned(), json!(target.name()));
        shown.insert("title".to_owned(), json!(title));
        Value::Object(shown)
    });
    json!({
        "rule": rule,
        "title": visible(title),
        "facts": seen(facts),
        "description": visible(description),
        "when": visible(when),
        "steps": seen(steps),
        "after": seen(after),
        "picture": picture::svg(picture, Theme::Adaptive),
        "targets": targets.collect::<Vec<_>>(),
        "tests": tests,
    })
}

fn made_json(made: &Made) -> Map<String, Value> {
    let value = match made {
        Made::Query(Query { fidelity, level, schedule, reasons, requires, cost, parts }) => {
            let reasons =
                reasons.iter().map(|(word, reason)| json!({ "word": word, "text": visible(reason) }));
            let parts = parts.iter().map(|part| {
                let is_stage = part.role != Role::Query;
                // The text as it is: what is copied must be the query.
                json!({ "name": part.name, "stage": is_stage, "text": part.text })
            });
            json!({
                "fidelity": fidelity,
                "level": level,
                "schedule": schedule,
                "reasons": reasons.collect::<Vec<_>>(),
                "requires": requires,
                "cost": cost,
                "parts": parts.collect::<Vec<_>>(),
            })
        }
        Made::Refused(reasons) => json!({ "refused": reasons }),
        Made::NotMeant => json!({ "refused": [] }),
    };
    match value {
        Value::Object(map) => map,
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_) => Map::new(),
    }
}

/// Records as canonical events, a line each.
pub(super) fn ndjson(records: &[Record]) -> String {
    let line = |record: &Record| {
        let mut fields = Map::new();
        fields.insert("source".to_owned(), json!(record.schema.source()));
        fields.extend(record.present().map(|(field, value)| (field.to_owned(), output::scalar(value))));
        format!("{}\n", Value::Object(fields))
    };
    records.iter().map(line).collect()
}

/// What a replay found.
pub(super) fn replayed(report: &Report) -> Value {
    let count: usize = report.rules.iter().map(|rule| rule.alerts.len()).sum();
    let summary = output::summary(&report.stats);
    json!({
        "alerts": timeline::alerts(report, ALERTS).collect::<Vec<_>>(),
        "count": count,
        "misses": misses::views(report),
        "events": report.stats.events,
        // The first line says how fast it was and how many files there were.
        "notes": summary.lines().skip(1).collect::<Vec<_>>(),
    })
}
