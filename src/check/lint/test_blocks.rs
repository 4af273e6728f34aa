//! Tests that show nothing, or that no chain could pass.
//!
//! In: tests as written and as lowered. Out: findings.
//! Must not know: predicates, how a test is run.

use std::collections::{BTreeMap, BTreeSet};

use crate::check::sink::Sink;
use crate::diag::{Code, Diagnostic};
use crate::ir;
use crate::source::Span;
use crate::syntax::ast::{Rule, Test};

/// Looks at the tests as written.
pub(in crate::check) fn written(sink: &mut Sink, rule: &Rule, tests: &[&Test]) {
    if tests.is_empty() {
        let name = &rule.name;
        sink.report(
            Diagnostic::new(Code::NoTests, name.span, format!("the rule `{}` has no tests", name.node))
                .label("untested")
                .help("add one `test` that alerts and one that does not"),
        );
    }
    let mut seen: BTreeMap<&str, Span> = BTreeMap::new();
    for test in tests {
        if let Some(first) = seen.insert(&test.name.node, test.name.span) {
            let found =
                Diagnostic::new(Code::RepeatedTest, test.name.span, "a test with this name already exists")
                    .label("again here")
                    .also(first, "first here")
                    .help("choose a name that says what this test shows");
            sink.report(found);
        }
        if test.expects.is_empty() {
            let found = Diagnostic::new(Code::NoExpectation, test.name.span, "this test has no expectation")
                .label("always passes")
                .help("add `expect alert at OFFSET` or `expect no alert`");
            sink.report(found);
        }
        if test.events.is_empty() {
            let found = Diagnostic::new(Code::NoEvents, test.name.span, "this test has no events")
                .label("tests nothing")
                .help("add events: `STEP at OFFSET { FIELD: VALUE }`");
            sink.report(found);
        }
    }
}

/// Looks at a lowered test; of what a chain with an error could do nothing is said.
pub(in crate::check) fn lowered(sink: &mut Sink, chain: Option<&ir::Chain>, test: &ir::Test) {
    conflicts(sink, &test.expects);
    if let Some(chain) = chain {
        possible(sink, chain, test);
    }
}

/// Expectations that cannot be met together.
fn conflicts(sink: &mut Sink, expects: &[ir::Expect]) {
    // Two expectations of one time are met by one alert.
    let times: BTreeSet<u64> = expects.iter().filter_map(time_of).collect();
    let least = u64::try_from(times.len()).unwrap_or(u64::MAX);
    let first_alert = expects.iter().find(|expect| time_of(expect).is_some());
    let mut limit: Option<(u64, Span)> = None;
    for expect in expects {
        let count = match expect.kind {
            ir::ExpectKind::AlertAt(_) => continue,
            ir::ExpectKind::NoAlert => 0,
            ir::ExpectKind::Alerts(count) => count,
        };
        let against = match (limit, first_alert) {
            (Some((other, span)), _) if other != count => Some(span),
            (_, Some(alert)) if least > count => Some(alert.span),
            _ => None,
        };
        limit = limit.or(Some((count, expect.span)));
        if let Some(other) = against {
            let found = Diagnostic::new(Code::ExpectConflict, expect.span, "contradictory expectations")
                .label("contradicts the other expectation")
                .also(other, "expected here")
                .help("split the test, or remove one of them");
            sink.report(found);
        }
    }
}

fn time_of(expect: &ir::Expect) -> Option<u64> {
    match expect.kind {
        ir::ExpectKind::AlertAt(at) => Some(at),
        ir::ExpectKind::NoAlert | ir::ExpectKind::Alerts(_) => None,
    }
}

/// An alert has the time of a record of a step that comes last, and each such record alerts once.
fn possible(sink: &mut Sink, chain: &ir::Chain, test: &ir::Test) {
    // In any order each step can come last.
    let any_order = chain.together.is_some();
    let last = chain.steps.len().saturating_sub(1);
    let ending = chain.steps.get(if any_order { 0 } else { last }..).unwrap_or_default();
    let Some(name) = ending.last().map(|step| &step.name) else { return };
    // By source, not by the step that a line was written for: every event of that source may satisfy the step.
    let sources: BTreeSet<&str> = ending
        .iter()
        .flat_map(ir::Step::selections)
        .map(|selection| selection.source.node.as_str())
        .collect();
    let last: Vec<_> = test.events.iter().filter(|event| sources.contains(event.source.as_str())).collect();
    let named = sources.iter().map(|source| format!("`{source}`")).collect::<Vec<_>>().join(" or ");
    // A raw event may give any number of records.
    let has_raw = last.iter().any(|event| event.raw.is_some());
    let most = if has_raw { u64::MAX } else { u64::try_from(last.len()).unwrap_or(u64::MAX) };
    for expect in &test.expects {
        let (label, help) = match expect.kind {
            ir::ExpectKind::AlertAt(at) if !last.iter().any(|event| event.at == at) => (
                format!("no event of {named} at {}", ir::duration(at)),
                "an alert has the time of its last record: use the offset of that event",
            ),
            ir::ExpectKind::Alerts(count) if count > most => (
                format!("the test has {most} of {named}"),
                "each record of the last step alerts at most once",
            ),
            ir::ExpectKind::AlertAt(_) | ir::ExpectKind::NoAlert | ir::ExpectKind::Alerts(_) => continue,
        };
        let found =
            Diagnostic::new(Code::CannotAlert, expect.span, "no event of this test can cause this alert")
                .label(label)
                .also(name.span, if any_order { "one of the steps" } else { "the last step" })
                .help(help);
        sink.report(found);
    }
}
