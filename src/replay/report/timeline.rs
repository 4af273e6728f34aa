//! An alert or a near miss as a timeline: what happened when, and what of it matters.
//!
//! In: a report. Out: [`AlertView`] and [`MissView`] as data and as text, in which what a log says is escaped.
//! Must not know: terminals, pages.

use std::fmt::Write;

use serde::Serialize;

use super::{Report, Shown};
use crate::engine::chain::Burst;
use crate::engine::record::Record;
use crate::engine::value::instant_text;
use crate::engine::words::{self, duration};
use crate::ir;
use crate::source::visible;

/// A record of a path.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Moment {
    /// The step that it satisfies.
    pub step: String,
    /// When it happened.
    pub time: String,
    /// The time since the one before, signed; empty for the first.
    pub after: String,
    /// Its fields, the most telling first.
    pub fields: Vec<(String, String)>,
    /// Whether it breaks the chain.
    pub breaks: bool,
    /// How many events it completes, and when the first of them happened, of a step that repeats.
    pub repeats: Option<(u64, String)>,
}

/// An alert.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct AlertView {
    /// The rule.
    pub rule: String,
    /// Its title.
    pub title: String,
    /// How bad an alert of it is.
    pub severity: &'static str,
    /// When the chain ended.
    pub time: String,
    /// How long it took.
    pub length: String,
    /// Its records.
    pub moments: Vec<Moment>,
    /// Whether something after the end of the data could still take it away.
    pub open: bool,
    /// What to do about it, with the values of its records.
    pub playbook: Option<String>,
}

/// A near miss.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct MissView {
    /// The rule.
    pub rule: String,
    /// When its last record happened.
    pub time: String,
    /// The step at which the chain breaks.
    pub step: String,
    /// Why it breaks.
    pub why: String,
    /// How many more there are like it.
    pub more: u64,
    /// Its records.
    pub moments: Vec<Moment>,
}

/// The first alerts of each rule, in the order of rules.
pub fn alerts(report: &Report, most: usize) -> impl Iterator<Item = AlertView> {
    report.rules.iter().zip(&report.shown).flat_map(move |(rule, shown)| {
        rule.alerts.iter().take(most).map(|alert| {
            let path: Vec<_> = alert.records.iter().filter_map(|index| report.records.get(*index)).collect();
            let moments = moments(&rule.steps, &path, &alert.bursts, shown, None);
            AlertView {
                rule: rule.name.clone(),
                title: shown.title.clone(),
                severity: shown.severity.word(),
                time: instant_text(alert.end),
                length: duration(alert.end - alert.start),
                moments,
                open: alert.is_open(rule.tally.end),
                playbook: shown.playbook(&path, alert),
            }
        })
    })
}

/// The records of a path with what those that repeat have; `broken` is the number of the one that breaks the chain.
pub(super) fn moments(
    names: &[String],
    path: &[&Record],
    bursts: &[(usize, Burst)],
    shown: &Shown,
    broken: Option<usize>,
) -> Vec<Moment> {
    let repeats = |at: usize| {
        let burst = bursts.iter().find(|(step, _)| *step == at);
        burst.map(|(_, burst)| (burst.count, instant_text(burst.first_time)))
    };
    let mut before: Option<i64> = None;
    let records = names.iter().zip(path).enumerate();
    let moment = |(at, (name, record)): (usize, (&String, &&Record))| {
        let after = before.map_or(String::new(), |time| {
            let sign = if record.time < time { '-' } else { '+' };
            format!("{sign}{}", duration(record.time - time))
        });
        before = Some(record.time);
        let fields = shown.fields(at, record).into_iter();
        let fields =
            fields.map(|(field, value)| (field.to_owned(), visible(&words::value(value)).into_owned()));
        Moment {
            step: name.clone(),
            time: record.time_text(),
            after,
            fields: fields.collect(),
            breaks: broken == Some(at),
            repeats: repeats(at),
        }
    };
    records.map(moment).collect()
}

/// A line for each record with the time since the one before, and a line for each field; the record that breaks the
/// chain is marked.
pub(super) fn text(moments: &[Moment]) -> String {
    let mut out = String::new();
    for Moment { step, time, after, fields, breaks, repeats } in moments {
        let mark = if *breaks { '✗' } else { ' ' };
        let _ = writeln!(out, "  {after:>8}{mark} {step}  {time}");
        // By the names that they have in rules and in JSON.
        let repeats = repeats.iter().flat_map(|(count, first)| {
            [(ir::COUNT.to_owned(), count.to_string()), (ir::FIRST_TIME.to_owned(), first.clone())]
        });
        let fields: Vec<(String, String)> = repeats.chain(fields.iter().cloned()).collect();
        let width = fields.iter().map(|(field, _)| field.len()).max().unwrap_or(0);
        for (field, value) in fields {
            let _ = writeln!(out, "              {field:<width$}  {value}");
        }
    }
    out
}
