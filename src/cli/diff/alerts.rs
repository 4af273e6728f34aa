//! Alerts of both versions on real logs: which are new, which are gone.

use std::collections::BTreeMap;

use anyhow::Context;
use serde_json::Value;

use crate::catalog::Catalog;
use crate::cli::logs::{LogOptions, watched};
use crate::cli::output;
use crate::ir::Rule;
use crate::replay::input::Input;
use crate::replay::{Options, Plan, Report, output as formats};

/// What one version alerts on and the other does not, as `replay` prints alerts.
#[derive(Debug, Default)]
pub(super) struct Alerts {
    /// Alerts of the new version alone.
    pub(super) new: Vec<Value>,
    /// Alerts of the old version alone.
    pub(super) gone: Vec<Value>,
    /// Alerts of both.
    pub(super) both: usize,
    /// Whether the logs could not be read to their end.
    pub(super) is_incomplete: bool,
}

/// Runs both versions over the logs. `names` leads from the name of a new rule to that of the old one.
pub(super) fn compare(
    logs: &LogOptions,
    versions: [(&[Rule], &Catalog); 2],
    names: &BTreeMap<String, String>,
) -> anyhow::Result<Alerts> {
    let [(old, catalog), (new, other)] = versions;
    let (before, after) = (Run::new(logs, old, catalog)?, Run::new(logs, new, other)?);
    // Under one watch: a program has one handler for Ctrl-C.
    let (before, after) = watched(|control| {
        (before.plan.replay(&before.inputs, control), after.plan.replay(&after.inputs, control))
    })?;
    output::report(&formats::summary(&after.stats));
    let mut alerts = Alerts {
        is_incomplete: before.stats.is_incomplete() || after.stats.is_incomplete(),
        ..Alerts::default()
    };
    let mut known = keyed(&before, str::to_owned);
    let renamed = |name: &str| names.get(name).cloned().unwrap_or_else(|| name.to_owned());
    for (key, alert) in keyed(&after, renamed) {
        match known.remove(&key) {
            Some(_) => alerts.both += 1,
            None => alerts.new.push(alert),
        }
    }
    alerts.gone = known.into_values().collect();
    Ok(alerts)
}

/// A version, ready to run.
struct Run {
    plan: Plan,
    inputs: Vec<Input>,
}

impl Run {
    fn new(logs: &LogOptions, rules: &[Rule], catalog: &Catalog) -> anyhow::Result<Self> {
        let inputs = logs.inputs(catalog)?;
        anyhow::ensure!(
            inputs.iter().all(|input| input.path != "-"),
            "standard input can be read only once, and both versions read the logs"
        );
        let flow_format = logs.columns(catalog)?;
        let options =
            Options { thorough: false, counts: false, flow_format, from: None, near: None, budget: None };
        let plan = Plan::new(rules, catalog, &options).context("a rule cannot run")?;
        Ok(Self { plan, inputs })
    }
}

/// Alerts by rule, time and last record: what an alert is of. Its evidence may differ.
fn keyed(report: &Report, name: impl Fn(&str) -> String) -> BTreeMap<(i64, String, String), Value> {
    let mut found = BTreeMap::new();
    for rule in &report.rules {
        for alert in &rule.alerts {
            let last = alert.records.last().and_then(|index| report.records.get(*index));
            let last = last.map(|record| {
                let fields: Vec<_> =
                    record.present().map(|(field, value)| format!("{field}={value}")).collect();
                fields.join("\n")
            });
            let shown = formats::alert_json(rule, alert, &report.records);
            found.insert((alert.end, name(&rule.name), last.unwrap_or_default()), shown);
        }
    }
    found
}
