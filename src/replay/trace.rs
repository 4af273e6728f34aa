//! A trace: what happened around one chain, moment by moment.
//!
//! In: a rule, logs, the number of an alert. Out: [`Trace`]: lines in the order of time, of which record satisfied
//! what, what waited for which key and how long, what expired. Without an alert the chain that got furthest is traced.
//! Must not know: the command line.

use super::Plan;
use super::options::{Control, Options};
use super::read::input::{self, Input};
use super::report::stats::Stats;
use super::run::{MatchedRecords, matched, run_at_once};
use crate::catalog::Catalog;
use crate::engine::explain::StepView;
use crate::engine::follow::follow;
use crate::engine::keys::Keys;
use crate::engine::predicate::CompileError;
use crate::engine::program::Program;
use crate::engine::record::Record;
use crate::engine::report::broken;
use crate::engine::words::{duration, value};
use crate::ir::Rule;
use crate::source::visible;

/// The most records of a trace: every pair of them is compared.
const MOST: usize = 2_000;
/// The most of a rule with clauses.
const MOST_WITH_CLAUSES: usize = 400;
/// The most records that are shown.
const SHOWN: usize = 60;

/// What happened around a chain.
#[derive(Debug)]
pub struct Trace {
    /// The lines.
    pub lines: Vec<String>,
    /// How many alerts there are.
    pub alerts: usize,
    /// What was read.
    pub stats: Stats,
}

/// Reads the logs and traces the alert with a number, from 1.
///
/// # Errors
/// When the rule cannot run, which the checker would have refused.
pub fn trace(
    rule: &Rule,
    catalog: &Catalog,
    options: &Options,
    number: usize,
    (inputs, control): (&[Input], &Control),
) -> Result<Trace, CompileError> {
    let plan = Plan::new(std::slice::from_ref(rule), catalog, options)?;
    let (_, mut sorted, mut stats) =
        plan.gather(input::chunks(inputs, plan.filter.recogniser()), control, None);
    let matching = MatchedRecords::new((&mut sorted).flatten(), plan.programs.len());
    stats.finish(&sorted);
    let Some((program, steps)) = plan.programs.first().zip(matching.steps.first()) else {
        return Err(CompileError("there is no rule".to_owned()));
    };
    let records = matching.records;
    let report = run_at_once(program, &matched(steps, &records), &records);
    let alert = report.alerts.get(number.saturating_sub(1)).map(|alert| alert.records.as_slice());
    // Clauses are asked of every three.
    let most = if program.beyond_links().is_some() { MOST_WITH_CLAUSES } else { MOST };
    let around = match alert {
        Some(path) => around(program, path, &records, most),
        None => records.iter().take(most).cloned().collect(),
    };
    let tracer = Tracer { rule, program, records: &around };
    let title = match alert {
        Some(_) => format!("alert {number} of {}", report.alerts.len()),
        None if report.alerts.is_empty() => "no alert; the records that satisfy a step".to_owned(),
        None => {
            let count = report.alerts.len();
            let alerts = if count == 1 { "alert" } else { "alerts" };
            format!("no alert {number}, for there are {count} {alerts}; the records that satisfy a step")
        }
    };
    let mut lines = vec![format!("{}: {title}", rule.name.node)];
    lines.extend(tracer.lines());
    if alert.is_none() && records.len() > most {
        lines.push(format!("only the first {most} of {} records are traced", records.len()));
    }
    Ok(Trace { lines, alerts: report.alerts.len(), stats })
}

/// The records near a chain that have one of its keys.
fn around(program: &Program, path: &[usize], records: &[Record], most: usize) -> Vec<Record> {
    let own: Vec<&Record> = path.iter().filter_map(|index| records.get(*index)).collect();
    let gaps = program.links.iter().map(|link| link.gap);
    let absences = program.clauses.absences.iter().map(|absence| absence.window);
    let counted = program.clauses.repetitions.iter().flatten().map(|one| one.window);
    let together = program.clauses.together.then_some(program.total);
    let reach = gaps.chain(absences).chain(counted).chain(together).max().unwrap_or(0);
    let times = || own.iter().map(|record| record.time);
    let start = times().min().unwrap_or(0).saturating_sub(reach);
    let end = times().max().unwrap_or(0).saturating_add(reach);
    let keys = |step: usize, record: &Record| {
        let (before, after) = program.keys(step, record);
        let of =
            |step: usize, keys: &Keys| keys.all().iter().map(|key| (step, key.clone())).collect::<Vec<_>>();
        [of(step, &before), of(step + 1, &after)].concat()
    };
    let wanted: Vec<_> = own.iter().enumerate().flat_map(|(step, record)| keys(step, record)).collect();
    // What must not be there, and what is counted, has keys of its own.
    let on_its_own = |step: Option<usize>| {
        let repeats = |step: usize| program.clauses.repetitions.get(step).is_some_and(Option::is_some);
        step.is_none_or(|step| repeats(step) || program.clauses.together)
    };
    let is_near = |record: &&Record| {
        let has_key = || {
            program.matched(record).any(|role| {
                let step = program.step_of(role);
                on_its_own(step)
                    || step.is_some_and(|step| keys(step, record).iter().any(|key| wanted.contains(key)))
            })
        };
        start <= record.time && record.time <= end && (wanted.is_empty() || has_key())
    };
    let near: Vec<&Record> = records.iter().filter(is_near).collect();
    let more = near.into_iter().filter(|record| !own.iter().any(|one| std::ptr::eq(*one, *record)));
    let mut around: Vec<Record> = own.iter().copied().chain(more.take(most)).cloned().collect();
    around.sort_by(Record::order);
    around
}

struct Tracer<'a> {
    rule: &'a Rule,
    program: &'a Program,
    records: &'a [Record],
}

impl Tracer<'_> {
    fn lines(&self) -> Vec<String> {
        let views = follow(self.rule, self.program, self.records);
        let mut moments: Vec<(i64, String)> = Vec::new();
        for (step, view) in views.iter().enumerate() {
            moments.extend(self.moments(step, view, views.get(step + 1)));
        }
        moments.sort_by_key(|(time, _)| *time);
        let origin = moments.first().map_or(0, |(time, _)| *time);
        let more = moments.len().saturating_sub(SHOWN);
        let mut lines = Vec::new();
        for (time, text) in moments.into_iter().take(SHOWN) {
            let at = format!("+{}", duration(time - origin));
            for (number, line) in text.lines().enumerate() {
                let at = if number == 0 { at.as_str() } else { "" };
                lines.push(visible(&format!("  {at:<10} {line}")).into_owned());
            }
        }
        if more > 0 {
            lines.push(format!("  … {more} more moments"));
        }
        lines
    }

    /// What happens with the records of a step.
    fn moments(&self, step: usize, view: &StepView, next: Option<&StepView>) -> Vec<(i64, String)> {
        let name = self.rule.chain.steps.get(step).map_or("?", |step| step.name.node.as_str());
        let mut moments = Vec::new();
        for (index, start) in &view.reached {
            let Some(record) = self.records.get(*index) else { continue };
            let mut lines =
                vec![format!("{name} satisfied at {}{}", record.time_text(), self.keys(step, record))];
            if step > 0 && self.rule.chain.together.is_none() {
                let (length, total) = (record.time - start, self.rule.chain.total.seconds);
                lines.push(format!(
                    "the chain is {} long, of {}",
                    duration(length),
                    crate::ir::duration(total)
                ));
            }
            match (self.program.links.get(step), next) {
                (Some(link), Some(next)) => {
                    let (deadline, wanted) = (record.time.saturating_add(link.gap), self.next(step));
                    lines.push(format!("waits {} for {wanted}", duration(link.gap)));
                    if !self.is_followed(step, record, deadline, next) {
                        let expired = format!("{name} of {} expired: no {wanted} came", record.time_text());
                        moments.push((deadline, expired));
                    }
                }
                (Some(_) | None, _) if self.rule.chain.together.is_some() => {
                    lines.push(format!(
                        "each other step has a record within {}",
                        duration(self.program.total)
                    ));
                }
                (Some(_) | None, _) => lines.push("the chain is complete".to_owned()),
            }
            moments.push((record.time, lines.join("\n")));
        }
        for (index, reason) in &view.broken {
            let Some(record) = self.records.get(*index) else { continue };
            let named = |number: usize| {
                self.records
                    .get(number)
                    .map_or_else(String::new, |record| format!("the record of {}", record.time_text()))
            };
            let reason = broken(reason, &named);
            let keys = self.keys(step, record);
            moments
                .push((record.time, format!("{name} satisfied at {}{keys}\n✗ {reason}", record.time_text())));
        }
        moments
    }

    /// The step after one, with the fields that join them.
    fn next(&self, step: usize) -> String {
        let name = self.rule.chain.steps.get(step + 1).map_or("?", |step| step.name.node.as_str());
        let keys = self.rule.chain.links.get(step).map_or(&[][..], |link| link.keys.as_slice());
        let keys: Vec<&str> = keys.iter().map(|key| key.right.name.as_str()).collect();
        format!("{name} with the same {}", keys.join(", "))
    }

    /// Whether a record of the next step has the key of a record within the gap.
    fn is_followed(&self, step: usize, record: &Record, deadline: i64, next: &StepView) -> bool {
        let (_, keys) = self.program.keys(step, record);
        next.reached.iter().filter_map(|(index, _)| self.records.get(*index)).any(|later| {
            let in_time = record.time <= later.time && later.time <= deadline;
            in_time && later.event != record.event && self.program.keys(step + 1, later).0.meet(&keys)
        })
    }

    /// The values of the fields that join a record with its neighbours.
    fn keys(&self, step: usize, record: &Record) -> String {
        let links = &self.rule.chain.links;
        let before = step.checked_sub(1).and_then(|before| links.get(before)).map(|link| &link.keys);
        let before = before.into_iter().flatten().map(|key| key.right.name.as_str());
        let after = links.get(step).into_iter().flat_map(|link| &link.keys).map(|key| key.left.name.as_str());
        let mut names: Vec<&str> = before.chain(after).collect();
        let mut seen = std::collections::BTreeSet::new();
        names.retain(|name| seen.insert(*name));
        let shown = |name: &str| {
            let found = record.get(name).map_or_else(|| "missing".to_owned(), value);
            format!("\n  {name} = {found}")
        };
        names.into_iter().map(shown).collect()
    }
}
