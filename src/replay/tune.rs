//! Tuning: a rule under many settings of its windows and counts, over logs that are read once.
//!
//! In: a rule, settings, logs. Out: [`Tuning`]: for each setting the alerts, entities, and what it gains and loses.
//! Must not know: parameters, output formats.

use std::collections::{BTreeMap, HashSet};

use rayon::prelude::*;

use super::Plan;
use super::options::{Control, Options};
use super::read::input::{self, Input};
use super::report::RuleReport;
use super::report::stats::Stats;
use super::run::{MatchedRecords, matched};
use super::store::seen_keys::SeenKeys;
use crate::catalog::Catalog;
use crate::engine::alert::{Alert, Matched, Tally, dedupe, run_matched};
use crate::engine::predicate::CompileError;
use crate::engine::program::Program;
use crate::engine::record::Record;
use crate::engine::tune::{Setting, Sweep};
use crate::engine::value::{Atom, Value};
use crate::ir::{Rule, StepField};

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

/// Reads the logs once and runs a rule under all `settings` of its numbers, from the narrowest windows to the widest;
/// `in_force` is the number of its own. A rule with nothing but steps and links runs once for all of them, any other
/// once for each.
///
/// # Errors
/// When the rule cannot run, which the checker would have refused.
pub fn tune(
    settings: &[Rule],
    in_force: usize,
    catalog: &Catalog,
    options: &Options,
    (inputs, control): (&[Input], &Control),
) -> Result<Tuning, CompileError> {
    let none = || CompileError("there is no rule".to_owned());
    let rule = settings.get(in_force).ok_or_else(none)?;
    let plan = Plan::new(std::slice::from_ref(rule), catalog, options)?;
    let began = std::time::Instant::now();
    let keys = SeenKeys::new(&plan.programs, false);
    let (_, mut sorted, mut stats) =
        plan.gather(input::chunks(inputs, plan.filter.recogniser()), control, Some(keys));
    let matching = MatchedRecords::new((&mut sorted).flatten(), plan.programs.len());
    stats.finish(&sorted);
    let (program, steps) = plan.programs.first().zip(matching.steps.first()).ok_or_else(none)?;
    let records = matching.records;
    let programs: Vec<Program> =
        settings.iter().map(|rule| Program::new(rule, &plan.schemas)).collect::<Result<_, _>>()?;
    let all = all_alerts(&programs, &matched(steps, &records));
    let kept = |(program, found): (&Program, Vec<Alert>)| {
        let before = found.len();
        let kept = match &program.dedupe {
            Some(by) => dedupe(by, &records, found),
            None => found,
        };
        (kept, before)
    };
    let all: Vec<(Vec<Alert>, usize)> = programs.iter().zip(all).map(kept).collect();
    let own = all.get(in_force).map(|(found, _)| found);
    // An alert is known by its last record: its evidence may differ from setting to setting.
    let own: HashSet<usize> = own.into_iter().flatten().filter_map(last).collect();
    let entities = rule.alert.entities.iter().map(|entity| &entity.field);
    let value = |record: usize, field: &StepField| value(rule, program, records.get(record)?, field);
    let (mut values, mut first) = (Vec::with_capacity(settings.len()), BTreeMap::new());
    for (number, (found, before)) in all.into_iter().enumerate() {
        let ends: HashSet<usize> = found.iter().filter_map(last).collect();
        values.push(Tuned {
            alerts: found.len(),
            before,
            added: ends.difference(&own).count(),
            lost: own.difference(&ends).count(),
            entities: entities.clone().map(|entity| distinct(entity, &found, value)).collect(),
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

/// The alerts under each setting before de-duplication.
fn all_alerts(programs: &[Program], matched: &[Matched<'_>]) -> Vec<Vec<Alert>> {
    let plain = programs.first().filter(|program| program.beyond_links().is_none());
    let Some(program) = plain else {
        return programs.par_iter().map(|program| run_matched(program, matched).0).collect();
    };
    let setting = |program: &Program| Setting {
        gaps: program.links.iter().map(|link| link.gap).collect(),
        total: program.total,
    };
    let sweep = Sweep::new(program, programs.iter().map(setting).collect(), matched);
    (0..programs.len()).map(|number| sweep.alerts(number)).collect()
}

/// The record of the last step. Records are in order of time, so alerts are in order of it.
fn last(alert: &Alert) -> Option<usize> {
    alert.records.last().copied()
}

/// The value of a field in a record of its step, by the alternative that the record satisfies.
fn value(
    rule: &Rule,
    program: &Program,
    record: &Record,
    StepField { step, field }: &StepField,
) -> Option<Atom> {
    let of_step = |role: &usize| program.step_of(*role) == Some(*step);
    let own = program.matched(record).find(of_step)?;
    let alternative = (0..own).filter(of_step).count();
    let selection = rule.chain.steps.get(*step)?.selections().nth(alternative)?;
    record.get(selection.field(&field.name)).map(Value::atom)
}

fn distinct(field: &StepField, alerts: &[Alert], value: impl Fn(usize, &StepField) -> Option<Atom>) -> usize {
    let of_alert = |alert: &Alert| value(*alert.records.get(field.step)?, field);
    alerts.iter().filter_map(of_alert).collect::<HashSet<_>>().len()
}
