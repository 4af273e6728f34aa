//! Alerts of a replay as NDJSON and as timelines, counts as a table.
//!
//! In: a report. Out: text, in which what a log says is escaped.
//! Must not know: terminals, files.

use std::fmt::Write;

use serde_json::{Map, Value as Json, json};

use super::stats::Stats;
use super::timeline::{self, AlertView};
use super::{Report, RuleReport};
use crate::engine::alert::Alert;
use crate::engine::record::Record;
use crate::engine::value::{Value, instant_text};
use crate::ir;
use crate::source::{visible, visible_json, visible_start};

/// The alerts of all rules, one JSON object a line, in order of time and then of rules.
#[must_use]
pub fn ndjson(report: &Report) -> String {
    let mut alerts: Vec<(&RuleReport, &Alert)> =
        report.rules.iter().flat_map(|rule| rule.alerts.iter().map(move |alert| (rule, alert))).collect();
    // The sort is stable, so alerts of one instant stay in the order of the rules.
    alerts.sort_by_key(|(_, alert)| alert.end);
    let mut out = String::new();
    for (rule, alert) in alerts {
        let _ = writeln!(out, "{}", alert_json(rule, alert, &report.records));
    }
    visible_json(out)
}

/// An alert: `{"rule","time","steps":{"console":{"time",…fields},…}}`; a step that repeats has `count` and `first_time`
/// as well, and an alert that something after the end of the data could still take away is `"open": true`.
#[must_use]
pub fn alert_json(rule: &RuleReport, alert: &Alert, records: &[Record]) -> Json {
    let mut steps = steps_json(&rule.steps, &alert.records, records);
    for (step, burst) in &alert.bursts {
        let step = rule.steps.get(*step).and_then(|name| steps.get_mut(name)).and_then(Json::as_object_mut);
        let Some(step) = step else { continue };
        step.insert(ir::COUNT.to_owned(), json!(burst.count));
        step.insert(ir::FIRST_TIME.to_owned(), json!(instant_text(burst.first_time)));
    }
    let mut json = json!({ "rule": rule.name, "time": instant_text(alert.end), "steps": steps });
    // Only where it is so: most rules wait for nothing.
    if let Some(json) = json.as_object_mut().filter(|_| alert.is_open(rule.tally.end)) {
        json.insert("open".to_owned(), json!(true));
    }
    json
}

/// The records of a path by the names of the steps.
pub(super) fn steps_json(names: &[String], path: &[usize], records: &[Record]) -> Json {
    let mut steps = Map::new();
    for (name, index) in names.iter().zip(path) {
        let Some(record) = records.get(*index) else { continue };
        steps.insert(name.clone(), record_json(record));
    }
    Json::Object(steps)
}

/// The fields of a record that have a value, its time first.
pub(super) fn record_json(record: &Record) -> Json {
    let mut fields = Map::new();
    fields.insert("time".to_owned(), json!(record.time_text()));
    let present = record.present().filter(|(field, _)| *field != "event.time");
    fields.extend(present.map(|(field, value)| (field.to_owned(), scalar(value))));
    Json::Object(fields)
}

/// A value as JSON.
#[must_use]
pub fn scalar(value: &Value<'_>) -> Json {
    match value {
        Value::Int(number) => json!(number),
        Value::Float(number) => json!(number),
        Value::Bool(value) => json!(value),
        Value::Text(_) | Value::Time(_) | Value::Ip(_) | Value::AltSpelling(_) => json!(value.to_string()),
        Value::Many(all) => all.iter().map(scalar).collect(),
    }
}

/// One readable timeline for each alert, with what the rule says of it.
#[must_use]
pub fn timelines(report: &Report) -> String {
    let mut out = String::new();
    for alert in timeline::alerts(report, usize::MAX) {
        let AlertView { rule, title, severity, time, length, moments, open, playbook } = alert;
        let _ = writeln!(out, "{time}  {rule}  (chain of {length})");
        let _ = writeln!(out, "  {severity}: {title}");
        if open {
            out.push_str("  open: what takes it away could still come after the end of the data\n");
        }
        out.push_str(&timeline::text(&moments));
        if let Some(playbook) = playbook {
            out.push_str("  playbook\n");
            indent(&playbook, &mut out);
        }
        out.push('\n');
    }
    out
}

/// The lines of a text, set off from those around them.
fn indent(text: &str, out: &mut String) {
    for line in text.trim_end().lines() {
        let _ = if line.is_empty() { writeln!(out) } else { writeln!(out, "    {line}") };
    }
}

/// Counts of each rule: its steps, links and alerts.
#[must_use]
pub fn table(report: &Report) -> String {
    let mut out = String::new();
    for rule in &report.rules {
        let _ = writeln!(out, "{}", rule.name);
        for (at, (step, matched)) in rule.steps.iter().zip(&rule.tally.matched).enumerate() {
            let linked = at.checked_sub(1).and_then(|link| rule.tally.linked.get(link));
            let linked = linked.map_or(String::new(), |count| format!(", {count} with a chain behind them"));
            let _ = writeln!(out, "  {step:<24} {matched} records{linked}");
        }
        let kept = rule.alerts.len();
        let _ = writeln!(out, "  {:<24} {kept} ({} before de-duplication)", "alerts", rule.tally.alerts);
    }
    out
}

/// What was read, skipped and why.
#[must_use]
pub fn summary(stats: &Stats) -> String {
    let mut out = String::new();
    let seconds = stats.elapsed.as_secs_f64();
    let _ = writeln!(
        out,
        "{} from {} ({} bytes), {seconds:.2} s; {} kept",
        counted(stats.events, "event"),
        counted(stats.files, "file"),
        stats.bytes,
        counted(stats.kept, "record"),
    );
    if stats.duplicates > 0 {
        let _ = writeln!(out, "{} records were delivered more than once and count once", stats.duplicates);
    }
    if stats.conflicts > 0 {
        let share = if stats.conflicts == 1 { "record shares its" } else { "records share their" };
        let _ = writeln!(
            out,
            "{} {share} event id with another of different content; one id is one event",
            stats.conflicts
        );
    }
    for (reason, skipped) in &stats.skipped {
        let (file, line) = &skipped.first;
        let (reason, file) = (visible(reason), visible(file));
        let _ = writeln!(out, "skipped {}: {reason} (first at {file}:{line})", skipped.count);
    }
    for (what, noted) in &stats.noted {
        let (file, line) = &noted.first;
        let (what, file) = (visible(what), visible(file));
        let _ = writeln!(out, "{}: {what} (first at {file}:{line})", counted(noted.count, "event"));
    }
    for note in &stats.notes {
        let _ = writeln!(out, "{}", visible_start(note));
    }
    for (file, problem) in &stats.broken_files {
        let _ = writeln!(out, "{}", visible_start(&format!("{file}: {problem}")));
    }
    if stats.stopped {
        let _ = writeln!(out, "stopped early; this is what was found until then");
    }
    out
}

fn counted(count: u64, word: &str) -> String {
    if count == 1 { format!("1 {word}") } else { format!("{count} {word}s") }
}
