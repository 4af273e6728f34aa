//! What the entries of allowlists hide in logs: which entry hid which alert, and which hid none.
//!
//! Rules run once as they are and once with empty lists. An alert of the second run that is none of the first is
//! hidden; the entries that match fields of its records hide it.

use std::collections::BTreeMap;

use anyhow::Context;

use crate::catalog::Catalog;
use crate::cli::logs::{LogOptions, watched};
use crate::cli::output;
use crate::engine::alert::Alert;
use crate::engine::list::entry_matches;
use crate::engine::record::Record;
use crate::engine::value::instant_text;
use crate::ir::Rule;
use crate::replay::{Options, Plan, Report, output as formats};

/// By list and text of an entry: the alerts that it hides, as rule and time.
pub(super) type Hits = BTreeMap<(String, String), Vec<String>>;

/// Runs the rules over the logs; every entry is among the hits, also without any.
pub(super) fn find(logs: &LogOptions, rules: &[Rule], catalog: &Catalog) -> anyhow::Result<Hits> {
    let inputs = logs.inputs(catalog)?;
    anyhow::ensure!(
        inputs.iter().all(|input| input.path != "-"),
        "standard input can be read only once, and the logs are read twice"
    );
    let flow_format = logs.columns(catalog)?;
    let options =
        Options { thorough: false, counts: false, flow_format, from: None, near: None, budget: None };
    let open: Vec<Rule> = rules.iter().cloned().map(without_entries).collect();
    let plan = |rules: &[Rule]| Plan::new(rules, catalog, &options).context("a rule cannot run");
    let (as_is, opened) = (plan(rules)?, plan(&open)?);
    let (as_is, opened) =
        watched(|control| (as_is.replay(&inputs, control), opened.replay(&inputs, control)))?;
    output::report(&formats::summary(&opened.stats));
    anyhow::ensure!(!opened.stats.is_incomplete(), "the logs could not be read to their end");
    let mut hits = Hits::new();
    for list in rules.iter().flat_map(|rule| &rule.lists).filter(|list| list.lookup.is_none()) {
        for entry in &list.entries {
            hits.entry((list.name.node.clone(), entry.text.clone())).or_default();
        }
    }
    for (number, rule) in rules.iter().enumerate() {
        hidden(rule, number, [&as_is, &opened], &mut hits);
    }
    Ok(hits)
}

fn without_entries(mut rule: Rule) -> Rule {
    // A lookup says what a record is; only what allowlists excuse is asked here.
    for list in rule.lists.iter_mut().filter(|list| list.lookup.is_none()) {
        list.entries.clear();
    }
    // What is silenced by de-duplication is hidden by it, not by a list.
    rule.alert.dedupe = None;
    rule
}

/// What an alert is of: the time and the last record.
fn last<'r>(alert: &Alert, report: &'r Report) -> Option<&'r Record> {
    report.records.get(*alert.records.last()?)
}

fn hidden(rule: &Rule, number: usize, [as_is, opened]: [&Report; 2], hits: &mut Hits) {
    let alerts =
        |report: &Report| report.rules.get(number).map(|rule| rule.alerts.clone()).unwrap_or_default();
    let known: Vec<_> =
        alerts(as_is).iter().filter_map(|alert| last(alert, as_is).map(|record| record.event)).collect();
    for alert in alerts(opened) {
        if last(&alert, opened).is_none_or(|record| known.contains(&record.event)) {
            continue;
        }
        let shown = format!("{} at {}", rule.name.node, instant_text(alert.end));
        for (list, entry) in matching(rule, &alert, opened) {
            let of_entry = hits.entry((list, entry)).or_default();
            if !of_entry.contains(&shown) {
                of_entry.push(shown.clone());
            }
        }
    }
}

/// The entries that exceptions of the steps find in the records of an alert.
fn matching(rule: &Rule, alert: &Alert, report: &Report) -> Vec<(String, String)> {
    let mut found = Vec::new();
    for (step, index) in rule.chain.steps.iter().zip(&alert.records) {
        let Some(record) = report.records.get(*index) else { continue };
        let condition = step.main.condition();
        for (test, wanted) in condition.signed_tests() {
            let list = test.list().and_then(|list| rule.lists.get(list));
            let (Some(list), Some(value)) = (list, record.get(&test.field.name)) else { continue };
            if !wanted && list.lookup.is_none() {
                let entries = list.entries.iter().filter(|entry| entry_matches(entry, value));
                found.extend(entries.map(|entry| (list.name.node.clone(), entry.text.clone())));
            }
        }
    }
    found
}

/// The hits as lines: entries that hide most first, then those that hide nothing.
pub(super) fn shown(hits: &Hits) -> String {
    const SHOWN: usize = 5;
    let mut sorted: Vec<_> = hits.iter().collect();
    sorted.sort_by_key(|(_, alerts)| std::cmp::Reverse(alerts.len()));
    let mut lines = Vec::new();
    for ((list, entry), alerts) in sorted {
        lines.push(match alerts.as_slice() {
            [] => format!("{list} {entry}: hides nothing in these logs"),
            alerts => {
                let named = alerts.iter().take(SHOWN).cloned().collect::<Vec<_>>().join(", ");
                let more = if alerts.len() > SHOWN { ", …" } else { "" };
                format!(
                    "{list} {entry}: hides {} ({named}{more})",
                    crate::cli::report::plural(alerts.len(), "alert")
                )
            }
        });
    }
    lines.iter().flat_map(|line| [crate::source::visible(line).into_owned(), "\n".to_owned()]).collect()
}
