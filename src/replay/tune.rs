//! Tuning: a rule under many settings of its windows, over logs that are read once.
//!
//! In: a rule, settings, logs. Out: [`Tuning`]: for each setting the alerts, entities, and what it gains and loses.
//! Must not know: parameters, output formats.

use std::collections::{BTreeMap, HashSet};

use super::Plan;
use super::options::{Control, Options};
use super::read::input::{self, Input};
use super::report::RuleReport;
use super::report::stats::Stats;
use super::run::{MatchedRecords, matched};
use super::store::seen_keys::SeenKeys;
use crate::catalog::Catalog;
use crate::engine::alert::{Alert, Tally, dedupe};
use crate::engine::predicate::CompileError;
use crate::engine::program::{Dedupe, Program};
use crate::engine::record::Record;
use crate::engine::tune::{Setting, Sweep};
use crate::engine::value::Value;
use crate::ir::Rule;

/// The windows of a rule under one value, and its suppression window.
#[derive(Debug, Clone)]
pub struct Windows {
    /// Gaps and total.
    pub setting: Setting,
    /// The window of `dedupe`, if the rule has one, microseconds.
    pub dedupe: Option<i64>,
}

/// What one setting gives.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tuned {
    /// Alerts.
    pub alerts: usize,
    /// Alerts before de-duplication.
    pub before: usize,
    /// Alerts for records that do not alert under the setting in force.
    pub added: usize,
    /// Alerts of the setting in force that are missing here.
    pub lost: usize,
    /// For each entity of the rule, the number of different values in alerts.
    pub entities: Vec<usize>,
}

/// What all settings give.
#[derive(Debug)]
pub struct Tuning {
    /// For each setting.
    pub values: Vec<Tuned>,
    /// Every record that alerts under some setting, in order: the first such setting, and the alert under it.
    pub chains: Vec<(usize, Alert)>,
    /// The records; alerts point into them.
    pub records: Vec<Record>,
    /// The rule, for printing alerts.
    pub rule: RuleReport,
    /// What was read.
    pub stats: Stats,
}

/// Reads the logs once and runs `rule` under all settings, from the narrowest to the widest; `in_force` is the number
/// of the rule's own.
///
/// # Errors
/// When the rule cannot run, which the checker would have refused.
pub fn tune(
    rule: &Rule,
    catalog: &Catalog,
    options: &Options,
    settings: &[Windows],
    in_force: usize,
    (inputs, control): (&[Input], &Control),
) -> Result<Tuning, CompileError> {
    let plan = Plan::new(std::slice::from_ref(rule), catalog, options)?;
    let began = std::time::Instant::now();
    let keys = SeenKeys::new(&plan.programs, false);
    let (_, mut sorted, mut stats) =
        plan.gather(input::chunks(inputs, plan.filter.recogniser()), control, Some(keys));
    let matching = MatchedRecords::new((&mut sorted).flatten(), plan.programs.len());
    stats.finish(&sorted);
    let Some((program, steps)) = plan.programs.first().zip(matching.steps.first()) else {
        return Err(CompileError("there is no rule".to_owned()));
    };
    if let Some(clause) = program.beyond_links() {
        return Err(CompileError(format!("a rule with {clause} cannot be tuned yet")));
    }
    let records = matching.records;
    let widths = settings.iter().map(|windows| windows.setting.clone()).collect();
    let sweep = Sweep::new(program, widths, &matched(steps, &records));
    let entities = entity_places(rule, program);
    let own = settings.get(in_force).map(|windows| alerts(program, &sweep, in_force, windows, &records).0);
    // An alert is known by its last record: its evidence may differ from setting to setting.
    let own: HashSet<usize> = own.iter().flatten().filter_map(last).collect();
    let (mut values, mut first) = (Vec::with_capacity(settings.len()), BTreeMap::new());
    for (number, windows) in settings.iter().enumerate() {
        let (found, before) = alerts(program, &sweep, number, windows, &records);
        let ends: HashSet<usize> = found.iter().filter_map(last).collect();
        values.push(Tuned {
            alerts: found.len(),
            before,
            added: ends.difference(&own).count(),
            lost: own.difference(&ends).count(),
            entities: entities.iter().map(|place| distinct(*place, &found, &records)).collect(),
        });
        for alert in found {
            if let Some(end) = last(&alert) {
                first.entry(end).or_insert((number, alert));
            }
        }
    }
    stats.elapsed = began.elapsed();
    let names = program.steps.iter().map(|step| step.name.clone()).collect();
    let rule =
        RuleReport { name: program.name.clone(), steps: names, alerts: Vec::new(), tally: Tally::default() };
    Ok(Tuning { values, chains: first.into_values().collect(), records, rule, stats })
}

/// The alerts under one setting, and how many there were before de-duplication.
fn alerts(
    program: &Program,
    sweep: &Sweep,
    number: usize,
    windows: &Windows,
    records: &[Record],
) -> (Vec<Alert>, usize) {
    let found = sweep.alerts(number);
    let before = found.len();
    let kept = match (&program.dedupe, windows.dedupe) {
        (Some(Dedupe { by, .. }), Some(window)) => dedupe(&Dedupe { window, by: by.clone() }, records, found),
        (Some(_), None) | (None, _) => found,
    };
    (kept, before)
}

/// The record of the last step. Records are in order of time, so alerts are in order of it.
fn last(alert: &Alert) -> Option<usize> {
    alert.records.last().copied()
}

fn entity_places(rule: &Rule, program: &Program) -> Vec<Option<(usize, usize)>> {
    let place = |entity: &crate::ir::Entity| {
        let step = program.steps.get(entity.field.step)?;
        Some((entity.field.step, step.schema.place(&entity.field.field.name)?))
    };
    rule.alert.entities.iter().map(place).collect()
}

fn distinct(place: Option<(usize, usize)>, alerts: &[Alert], records: &[Record]) -> usize {
    let value = |alert: &Alert| {
        let (step, place) = place?;
        records.get(*alert.records.get(step)?)?.at(place).map(Value::atom)
    };
    alerts.iter().filter_map(value).collect::<HashSet<_>>().len()
}
