//! Outcomes of rule tests as text, JSON and `JUnit`.
//!
//! In: outcomes. Out: strings; the caller says where a span stands and prints them.
//! Must not know: files, terminals.

use std::fmt::Write;

use serde_json::json;

use super::explain::{Break, Failing};
use super::trial::{Outcome, StepTrace, Trace, Unmet};
use super::words::duration;
use crate::ir::ExpectKind;
use crate::source::{Span, visible, visible_start};

/// Says where a span stands, such as `rule.chain:12:5`.
pub type Locate<'a> = &'a dyn Fn(Span) -> String;

/// A rule whose tests could not run, or a file with errors outside its rules.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NotRun {
    /// The rule, or the file.
    pub name: String,
    /// Where it is, such as `rule.chain:12`.
    pub at: String,
    /// What is wrong, a line each; at least one.
    pub problems: Vec<String>,
}

/// One block of text for each outcome, a line for what could not run, then a line with the count.
#[must_use]
pub fn text(outcomes: &[Outcome], not_run: &[NotRun], locate: Locate<'_>) -> String {
    let mut out = String::new();
    for outcome in outcomes {
        let verdict = if outcome.passed() { "ok  " } else { "FAIL" };
        let _ = writeln!(out, "{verdict}  {}: {}", outcome.rule, visible(&outcome.test));
        for line in explanation(outcome, locate) {
            let _ = writeln!(out, "      {}", visible_start(&line));
        }
    }
    let failed = outcomes.iter().filter(|outcome| !outcome.passed()).count();
    for NotRun { name, at, problems: _ } in not_run {
        let _ = writeln!(out, "ERROR {name} ({at}): has errors, so its tests did not run");
    }
    let _ = write!(out, "{} passed, {failed} failed", outcomes.len() - failed);
    let _ = match not_run.len() {
        0 => writeln!(out),
        count => writeln!(out, ", {count} with errors"),
    };
    out
}

/// The lines that explain a failed test; none for a passed one.
#[must_use]
pub fn explanation(outcome: &Outcome, locate: Locate<'_>) -> Vec<String> {
    let impossible = outcome.impossible.iter().map(|(span, problem)| format!("{}: {problem}", locate(*span)));
    let unmet = outcome.unmet.iter().map(|unmet| format!("{}: {}", locate(unmet.span), sentence(unmet)));
    let mut lines: Vec<String> = impossible.chain(unmet).collect();
    if let Some(trace) = &outcome.trace {
        lines.extend(outcome.alerts.iter().map(|alert| alert_line(alert, trace)));
        lines.extend(trace.steps.iter().flat_map(|step| step_lines(step, trace)));
    }
    lines
}

fn sentence(unmet: &Unmet) -> String {
    let got = match unmet.alerts {
        0 => "there was none".to_owned(),
        1 => "there was one alert".to_owned(),
        n => format!("there were {n} alerts"),
    };
    let got = match unmet.silenced {
        0 => got,
        n => format!("{got} ({n} more kept silent by `dedupe`)"),
    };
    match unmet.expected {
        ExpectKind::AlertAt(second) => {
            let at = duration(super::trial::instant(second) - super::trial::ORIGIN);
            match unmet.alerts {
                0 => format!("expected an alert at {at}, {got}"),
                _ => format!("expected an alert at {at}, {got} at other times"),
            }
        }
        ExpectKind::NoAlert => format!("expected no alert, {got}"),
        ExpectKind::Alerts(1) => format!("expected 1 alert, {got}"),
        ExpectKind::Alerts(count) => format!("expected {count} alerts, {got}"),
    }
}

fn alert_line(alert: &super::alert::Alert, trace: &Trace) -> String {
    let path: Vec<_> = alert.records.iter().map(|event| name(*event, trace)).collect();
    format!("alert: {}", path.join(" → "))
}

fn name(event: usize, trace: &Trace) -> &str {
    trace.events.get(event).map_or("an event", String::as_str)
}

fn step_lines(step: &StepTrace, trace: &Trace) -> Vec<String> {
    let names = |events: &mut dyn Iterator<Item = usize>| -> String {
        events.map(|event| name(event, trace)).collect::<Vec<_>>().join(", ")
    };
    let mut lines = Vec::new();
    if !step.view.reached.is_empty() {
        lines.push(format!(
            "{}: reached by {}",
            step.name,
            names(&mut step.view.reached.iter().map(|(event, _)| *event))
        ));
    }
    for (event, reason) in &step.view.broken {
        let event = name(*event, trace);
        let reason = broken(reason, &|number| name(number, trace).to_owned());
        lines.push(format!("{}: {event} satisfies the step, but {reason}", step.name));
    }
    for (event, failing) in &step.refused {
        let parts: Vec<_> = failing.iter().map(refusal).collect();
        lines.push(format!(
            "{}: {} does not satisfy the step: {}",
            step.name,
            name(*event, trace),
            parts.join("; ")
        ));
    }
    if lines.is_empty() {
        lines.push(format!("{}: no event satisfies the step", step.name));
    }
    lines
}

/// Why a record ends no chain, to follow "but"; `name` names records.
pub(crate) fn broken(reason: &Break, name: &dyn Fn(usize) -> String) -> String {
    match reason {
        Break::KeyMissing(fields) => format!("`{}` is missing", fields.join("`, `")),
        Break::NothingBefore => "no chain reaches the step before it".to_owned(),
        Break::NoSuchKey { fields, key, others } => {
            let missing = |part: &Option<String>| part.clone().unwrap_or_else(|| "missing".to_owned());
            let others: Vec<_> =
                others.iter().map(|key| tuple(&key.iter().map(missing).collect::<Vec<_>>())).collect();
            let (fields, key) = (fields.join(", "), tuple(key));
            format!("no predecessor has its {fields}: {key} here, {} there", others.join(" and "))
        }
        Break::SameEvent => "its only predecessor is the same event".to_owned(),
        Break::After { nearest, by } => format!("{} comes {} after it", name(*nearest), duration(*by)),
        Break::GapClosed { nearest, gap, by } => format!(
            "the gap of {} after {} had closed {} before",
            duration(*gap),
            name(*nearest),
            duration(*by)
        ),
        Break::Excused { name: absence, by } if absence == "first" => {
            format!("it was seen before, in {}", name(*by))
        }
        Break::Excused { name: absence, by } => format!("it is excused by `{absence}`, {}", name(*by)),
        Break::CountedExcused { name: absence, by } if absence == "first" => {
            format!("some of what it counts was seen before, as in {}", name(*by))
        }
        Break::CountedExcused { name: absence, by } => {
            format!("some of what it counts is excused by `{absence}`, {}", name(*by))
        }
        Break::Compared { wanted, left, right } => {
            let value = |side: &Option<String>| side.clone().unwrap_or_else(|| "missing".to_owned());
            format!("`{wanted}` fails: {} there, {} here", value(left), value(right))
        }
        Break::TooFew { count, least, distinct, window } => {
            let what = if *distinct { " different values" } else { "" };
            format!("there are {count} of {least}{what} within {}", duration(*window))
        }
        Break::BurstBefore { nearest } => format!("too few of what it counts come after {}", name(*nearest)),
        Break::NoCompanion { step, window } => {
            format!("no `{step}` with its key is within {} of it", duration(*window))
        }
        Break::TotalExceeded { by } => format!("the whole chain would be {} too long", duration(*by)),
    }
}

fn tuple(key: &[String]) -> String {
    if key.len() == 1 { key.concat() } else { format!("({})", key.join(", ")) }
}

/// A failing part of a condition: what was wanted, what was found, who excused it.
pub(crate) fn refusal(failing: &Failing) -> String {
    let found = failing.found.as_deref().unwrap_or("missing");
    match &failing.excused {
        Some((list, entry)) => {
            let reason = entry.reason.as_ref().map_or(String::new(), |reason| format!(" ({reason})"));
            format!(
                "`{}` is {found}, excused by `{list}` row {} {:?}{reason}",
                failing.field, entry.row, entry.text
            )
        }
        None => format!("`{}` fails, it is {found}", failing.wanted),
    }
}

/// The outcomes as JSON; what could not run has an `error` and no `test`.
#[must_use]
pub fn json(outcomes: &[Outcome], not_run: &[NotRun], locate: Locate<'_>) -> serde_json::Value {
    let one = |outcome: &Outcome| {
        json!({
            "rule": outcome.rule,
            "test": outcome.test,
            "at": locate(outcome.span),
            "passed": outcome.passed(),
            "alerts": outcome.alerts.len(),
            "explanation": explanation(outcome, locate),
        })
    };
    let none = |not_run: &NotRun| {
        json!({
            "rule": not_run.name,
            "test": null,
            "at": not_run.at,
            "passed": false,
            "alerts": 0,
            "error": not_run.problems.first(),
            "explanation": not_run.problems,
        })
    };
    outcomes.iter().map(one).chain(not_run.iter().map(none)).collect()
}

/// The outcomes as a `JUnit` file: a suite for each rule, a case for each test; what could not run is an error.
#[must_use]
pub fn junit(outcomes: &[Outcome], not_run: &[NotRun], locate: Locate<'_>) -> String {
    let mut out = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites name=\"catena\">\n");
    for suite in outcomes.chunk_by(|left, right| left.rule == right.rule) {
        let failed = suite.iter().filter(|outcome| !outcome.passed()).count();
        let name = suite.first().map_or("", |outcome| outcome.rule.as_str());
        open_suite(name, (suite.len(), failed, 0), &mut out);
        for outcome in suite {
            let lines = if outcome.passed() { Vec::new() } else { explanation(outcome, locate) };
            let tag = (!outcome.passed()).then_some("failure");
            case((&outcome.rule, &outcome.test), tag, &lines, &mut out);
        }
        out.push_str("  </testsuite>\n");
    }
    for NotRun { name, at: _, problems } in not_run {
        open_suite(name, (1, 0, 1), &mut out);
        case((name, "compiles"), Some("error"), problems, &mut out);
        out.push_str("  </testsuite>\n");
    }
    out.push_str("</testsuites>\n");
    out
}

fn open_suite(name: &str, (tests, failures, errors): (usize, usize, usize), out: &mut String) {
    let name = xml(name);
    let _ = writeln!(
        out,
        "  <testsuite name=\"{name}\" tests=\"{tests}\" failures=\"{failures}\" errors=\"{errors}\">"
    );
}

/// A case, with what went wrong in a tag of its own.
fn case((class, name): (&str, &str), tag: Option<&str>, lines: &[String], out: &mut String) {
    let _ = write!(out, "    <testcase classname=\"{}\" name=\"{}\"", xml(class), xml(name));
    let Some(tag) = tag else {
        out.push_str("/>\n");
        return;
    };
    let (message, lines) = (lines.first().map_or("", String::as_str), lines.join("\n"));
    let (message, lines) = (xml(message), xml(&lines));
    let _ = writeln!(out, ">\n      <{tag} message=\"{message}\">{lines}</{tag}>\n    </testcase>");
}

/// Text inside XML; characters that XML 1.0 cannot hold become U+FFFD.
pub(crate) fn xml(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            // Attributes stand between double quotes, so an apostrophe needs no escape.
            '"' => out.push_str("&quot;"),
            '\n' | '\t' => out.push(c),
            c if c.is_control() || matches!(c, '\u{fffe}' | '\u{ffff}') => out.push('\u{fffd}'),
            c => out.push(c),
        }
    }
    out
}
