//! What stands beside the text: how faithful each target is, and a button to run tests.
//!
//! In: a file. Out: hints, lenses, results of tests. Must not know: how a query is made.

use serde_json::{Value, json};

use crate::backend::ALL;
use crate::diag::Diagnostics;
use crate::engine::{report, trial};
use crate::explain::fidelity;
use crate::ir::Rule;
use crate::project::compile::{CompileOptions, compile_rule, is_meant_for};
use crate::project::{Live, LiveFile};

use super::convert;

/// The command that runs tests: its arguments are the address of a file, a rule, and a test if only one is to run.
pub(super) const RUN_TESTS: &str = "catena.runTests";

/// For each target, what it makes of a rule.
pub(super) fn targets(file: LiveFile<'_>, rule: &Rule) -> Vec<(&'static str, &'static str, Vec<String>)> {
    let options = CompileOptions { allow_subset: true, ..CompileOptions::default() };
    let meant = ALL.iter().filter(|target| is_meant_for(rule, target.name()));
    let made = meant.map(|target| {
        let mut found = Diagnostics::default();
        let emissions = compile_rule(&file.state.checked, rule, &[*target], options, &mut found);
        match emissions.first() {
            Some(emission) => {
                let notes = emission.notes.iter().map(|note| note.message.clone());
                (target.title(), fidelity(emission.fidelity), notes.collect())
            }
            None => (
                target.title(),
                "no query",
                found.into_sorted().into_iter().map(|found| found.title).collect(),
            ),
        }
    });
    made.collect()
}

/// Behind the name of each rule: the fidelity in each target.
pub(super) fn hints(file: LiveFile<'_>) -> Vec<Value> {
    let hint = |rule: &Rule| {
        let made = targets(file, rule);
        let label: Vec<String> = made.iter().map(|(title, word, _)| format!("{title}: {word}")).collect();
        let reasons: Vec<String> = made
            .iter()
            .map(|(title, word, notes)| {
                let notes: Vec<String> = notes.iter().map(|note| format!("\n- {note}")).collect();
                format!("**{title}: {word}**{}", notes.concat())
            })
            .collect();
        json!({
            "position": convert::position(file.source, rule.name.span.range().end),
            "label": label.join(" · "),
            "tooltip": {"kind": "markdown", "value": reasons.join("\n\n")},
            "paddingLeft": true,
        })
    };
    file.state.checked.rules.iter().map(hint).collect()
}

/// A lens on each rule with tests and on each of its tests.
pub(super) fn lenses(file: LiveFile<'_>) -> Vec<Value> {
    let Some(uri) = convert::uri(file.path) else { return Vec::new() };
    let lens = |title: &str, span: crate::source::Span, arguments: Vec<&str>| {
        json!({
            "range": convert::range(file.source, span.range()),
            "command": {"title": title, "command": RUN_TESTS, "arguments": arguments},
        })
    };
    let mut found = Vec::new();
    for rule in file.state.checked.rules.iter().filter(|rule| !rule.tests.is_empty()) {
        let name = rule.name.node.as_str();
        found.push(lens("▶ run all tests", rule.name.span, vec![uri.as_str(), name]));
        for test in &rule.tests {
            found.push(lens("▶ run test", test.name.span, vec![uri.as_str(), name, &test.name.node]));
        }
    }
    found
}

/// Runs the tests of a rule, or the one with a name.
///
/// # Errors
/// Why they cannot be run.
pub(super) fn run_tests(
    live: &Live,
    file: Option<LiveFile<'_>>,
    rule: Option<&str>,
    test: Option<&str>,
) -> Result<Value, String> {
    let file =
        file.ok_or("the first argument is the address of no rule file that is open or in the workspace")?;
    let name = rule.ok_or("the second argument is the name of a rule")?;
    let rule = file.state.checked.rules.iter().find(|rule| rule.name.node == name);
    let rule =
        rule.ok_or_else(|| format!("there is no rule `{name}` without errors in {}", file.source.name))?;
    let mut outcomes = match trial::run_tests(rule, &file.state.checked.environment.catalog) {
        Ok(outcomes) => outcomes,
        Err(error) => return Ok(json!({"passed": false, "text": error.to_string()})),
    };
    if let Some(test) = test {
        outcomes.retain(|outcome| outcome.test == test);
    }
    let locate = |span| match live.sources().locate(span) {
        Some((name, place)) => format!("{name}:{}:{}", place.line, place.column),
        None => String::new(),
    };
    let passed = outcomes.iter().all(trial::Outcome::passed);
    Ok(json!({"passed": passed, "text": report::text(&outcomes, &[], &locate)}))
}
