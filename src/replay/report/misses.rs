//! Near misses of a replay as NDJSON, as timelines, and counted.
//!
//! In: a report. Out: text.
//! Must not know: terminals, files.

use std::fmt::Write;

use serde_json::{Map, Value as Json, json};

use super::output::{record_json, scalar, steps_json};
use super::timeline::{self, MissView, moments};
use super::{Explained, NearReport, Report, RuleNear, RuleReport};
use crate::engine::explain::{Break, Failing};
use crate::engine::near::{Condition, Part, Why};
use crate::engine::record::Record;
use crate::engine::report::{broken, refusal};
use crate::engine::value::instant_text;
use crate::engine::words::duration;
use crate::source::{visible, visible_json};

fn rules(report: &Report) -> impl Iterator<Item = (&RuleReport, &RuleNear)> {
    report.rules.iter().zip(report.near.iter().flat_map(|near| &near.rules))
}

/// One JSON object a line: `{"rule","near":{"failed","step","condition","why","seconds",…,"more","steps"}}`.
#[must_use]
pub fn ndjson(report: &Report) -> String {
    let mut out = String::new();
    for (rule, near) in rules(report) {
        for explained in &near.listed {
            let _ = writeln!(out, "{}", json!({ "rule": rule.name, "near": json(rule, explained, report) }));
        }
    }
    visible_json(out)
}

fn json(rule: &RuleReport, explained: &Explained, report: &Report) -> Json {
    let Explained { miss, at: (step, condition), why, fields } = explained;
    let mut out = Map::new();
    let mut put = |name: &str, value: Json| drop(out.insert(name.to_owned(), value));
    put("failed", json!(kind(miss.condition)));
    put("step", json!(step));
    put("condition", json!(condition));
    put("why", json!(sentence(rule, explained, &report.records)));
    put("seconds", seconds(miss.by));
    if miss.total_by > 0 {
        put("total_seconds", seconds(miss.total_by));
    }
    let record = |step: Option<usize>| report.records.get(*miss.path.get(step?)?);
    let value = |step: Option<usize>, field: &str| {
        record(step).and_then(|record| record.get(field)).map_or(Json::Null, scalar)
    };
    if let Some((before, here)) = fields {
        put("field", json!(here));
        put("value", value(Some(miss.step), here));
        put("other_field", json!(before));
        put("other", value(miss.step.checked_sub(1), before));
    }
    match why {
        Why::Link(Break::GapClosed { gap, .. }) => put("window", seconds(*gap)),
        Why::Link(Break::TooFew { count, least, window, .. }) => {
            put("count", json!(count));
            put("least", json!(least));
            put("window", seconds(*window));
        }
        Why::Link(Break::Excused { by, .. } | Break::CountedExcused { by, .. }) => {
            if let Some(record) = report.records.get(*by) {
                put("excused_by", record_json(record));
            }
        }
        Why::Link(_) => {}
        Why::Step(failing) => {
            let tests =
                failing.iter().map(|failing| tested(failing, &value(Some(miss.step), &failing.field)));
            put("tests", tests.collect());
        }
    }
    put("more", json!(miss.more));
    put("steps", steps_json(&rule.steps, &miss.path, &report.records));
    Json::Object(out)
}

/// Microseconds as seconds, whole where they are.
fn seconds(micros: i64) -> Json {
    #[expect(
        clippy::cast_precision_loss,
        reason = "a fraction of a second is rounded to the nearest decimal"
    )]
    if micros % 1_000_000 == 0 { json!(micros / 1_000_000) } else { json!(micros as f64 / 1e6) }
}

fn tested(failing: &Failing, value: &Json) -> Json {
    let entry = failing.excused.as_ref().map(|(list, entry)| {
        json!({ "list": list, "row": entry.row, "entry": entry.text, "reason": entry.reason })
    });
    json!({ "field": failing.field, "value": value, "wanted": failing.wanted, "excused": entry })
}

fn kind(condition: Condition) -> &'static str {
    match condition {
        Condition::Gap { .. } => "gap",
        Condition::Step { part: Part::Except(_), .. } => "except",
        Condition::Step { part: Part::Where(_), .. } => "where",
        Condition::Key { .. } => "key",
        Condition::Order { .. } => "order",
        Condition::Total => "total",
        Condition::Comparison { .. } => "comparison",
        Condition::Absence { .. } => "unless",
        Condition::Count { .. } => "count",
    }
}

/// Why the chain breaks at the record at which it does.
fn sentence(rule: &RuleReport, explained: &Explained, records: &[Record]) -> String {
    let Explained { miss, why, .. } = explained;
    let named = |index: usize| {
        let step = miss.path.iter().position(|other| *other == index);
        let time = || records.get(index).map(|record| format!("the event of {}", record.time_text()));
        step.and_then(|step| rule.steps.get(step)).cloned().or_else(time).unwrap_or_default()
    };
    let reason = match why {
        Why::Link(reason) => broken(reason, &named),
        Why::Step(failing) => failing.iter().map(refusal).collect::<Vec<_>>().join("; "),
    };
    match miss.total_by {
        0 => reason,
        by => format!("{reason}, and the whole chain is {} too long", duration(by)),
    }
}

/// The near misses of all rules, as timelines.
#[must_use]
pub fn views(report: &Report) -> Vec<MissView> {
    let mut views = Vec::new();
    for ((rule, near), shown) in rules(report).zip(&report.shown) {
        for explained in &near.listed {
            let Explained { miss, at: (step, _), .. } = explained;
            let path: Vec<_> = miss.path.iter().filter_map(|index| report.records.get(*index)).collect();
            views.push(MissView {
                rule: rule.name.clone(),
                time: path.last().map_or_else(String::new, |record| instant_text(record.time)),
                step: step.clone(),
                why: visible(&sentence(rule, explained, &report.records)).into_owned(),
                more: miss.more,
                moments: moments(&rule.steps, &path, &miss.bursts, shown, Some(miss.step)),
            });
        }
    }
    views
}

/// One readable timeline for each near miss.
#[must_use]
pub fn timelines(report: &Report) -> String {
    let mut out = String::new();
    for MissView { rule, time, step, why, more, moments } in views(report) {
        let more = match more {
            0 => String::new(),
            1 => "; 1 more like it".to_owned(),
            more => format!("; {more} more like it"),
        };
        let _ = writeln!(out, "{time}  {rule}  (near miss) {step}: {why}{more}");
        out.push_str(&timeline::text(&moments));
        out.push('\n');
    }
    out
}

/// For each rule the conditions that alone kept chains from alerting, with the number of records at which.
#[must_use]
pub fn table(report: &Report) -> String {
    let mut out = String::new();
    for (rule, near) in rules(report) {
        let _ = match near.counts.len() {
            0 => writeln!(out, "{}: no near misses", rule.name),
            _ => writeln!(out, "{}: near misses, {} listed", rule.name, near.listed.len()),
        };
        for (step, condition, count) in &near.counts {
            let _ = writeln!(out, "  {count:>8}  {step}: {}", visible(condition));
        }
    }
    let Some(NearReport { sampled, unread, .. }) = &report.near else { return out };
    if *sampled > 1 {
        let _ = writeln!(out, "for parts of steps, 1 in {sampled} events was looked at");
    }
    if *unread {
        let _ = writeln!(
            out,
            "standard input was not read again, so parts of steps are not among the near misses"
        );
    }
    out
}
