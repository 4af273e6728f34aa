//! Rules over sorted records, batch by batch.
//!
//! In: compiled rules, stored records in the engine's order. Out: alerts of each rule, and the records that they rest
//! on. Must not know: logs, where the records come from. Only what can still be part of a chain is remembered from one
//! batch to the next.

use std::collections::BTreeMap;
use std::sync::Arc;

use rayon::prelude::*;

use super::report::RuleReport;
use super::store::packed::StoredRecord;
use crate::engine::alert::{Alert, Matched, Runner, Suppressor, dedupe, run_matched};
use crate::engine::chain::Path;
use crate::engine::program::Program;
use crate::engine::record::Record;

/// A record with its number in the engine's order.
#[derive(Debug, Clone)]
struct Member {
    number: u64,
    record: Arc<Record>,
}

/// One rule under way.
#[derive(Debug)]
struct Running<'p> {
    program: &'p Program,
    runner: Runner<'p, Member>,
    suppressor: Option<Suppressor<'p>>,
    alerts: Vec<Path<Member>>,
    /// Records of the batch that have a role in the rule, and the role.
    matched: Vec<(Member, usize)>,
}

/// Runs every rule.
pub(super) fn run(
    programs: &[Program],
    mut batches: impl Iterator<Item = Vec<StoredRecord>> + Send,
) -> (Vec<Record>, Vec<RuleReport>) {
    let mut rules: Vec<Running<'_>> = programs.iter().map(Running::new).collect();
    let mut number = 0;
    let mut next = batches.next();
    while let Some(batch) = next {
        for stored in batch {
            // It has no values, so no chain may take it for a record.
            if stored.is_count_only {
                for (rule, step) in &stored.steps {
                    if let Some(rule) = rules.get_mut(*rule as usize)
                        && let Some(step) = rule.program.step_of(usize::from(*step))
                    {
                        rule.runner.tally.count(step);
                    }
                }
                continue;
            }
            let member = Member { number, record: Arc::new(stored.record) };
            number += 1;
            for (rule, step) in &stored.steps {
                if let Some(rule) = rules.get_mut(*rule as usize) {
                    rule.matched.push((member.clone(), usize::from(*step)));
                }
            }
        }
        // The next batch is merged and unpacked while the rules take this one.
        let advance = || rules.par_iter_mut().for_each(Running::advance);
        next = rayon::join(advance, || batches.next()).1;
    }
    rules.par_iter_mut().for_each(Running::end);
    report(rules)
}

impl<'p> Running<'p> {
    fn new(program: &'p Program) -> Self {
        Self {
            program,
            runner: Runner::new(program),
            suppressor: program.dedupe.as_ref().map(Suppressor::new),
            alerts: Vec::new(),
            matched: Vec::new(),
        }
    }

    /// Takes the records of a batch: all of some instants.
    fn advance(&mut self) {
        let matched = std::mem::take(&mut self.matched);
        for instant in matched.chunk_by(|(left, _), (right, _)| left.record.time == right.record.time) {
            let members = instant.iter().map(|(member, step)| (&*member.record, *step, member.clone()));
            for path in self.runner.advance(members) {
                self.admit(path);
            }
        }
    }

    /// Nothing more comes.
    fn end(&mut self) {
        for path in self.runner.end() {
            self.admit(path);
        }
    }

    fn admit(&mut self, path: Path<Member>) {
        let admitted = self
            .suppressor
            .as_mut()
            .is_none_or(|suppressor| suppressor.admits(&path, |member| Some(&*member.record)));
        if admitted {
            self.alerts.push(path);
        }
    }
}

/// Runs one rule over records that are all in memory; its alerts point into them.
pub(super) fn run_at_once(program: &Program, matched: &[Matched<'_>], records: &[Record]) -> RuleReport {
    let (alerts, tally) = run_matched(program, matched);
    let alerts = match &program.dedupe {
        Some(by) => dedupe(by, records, alerts),
        None => alerts,
    };
    RuleReport { name: program.name.clone(), steps: step_names(program), alerts, tally }
}

/// All records that satisfy a step, in the engine's order.
#[derive(Debug)]
pub(super) struct MatchedRecords {
    pub(super) records: Vec<Record>,
    /// For each rule the records that satisfy a step, with the step.
    pub(super) steps: Vec<Vec<(usize, usize)>>,
}

impl MatchedRecords {
    /// The records of `stored` for so many rules, in the order in which they come.
    pub(super) fn new(stored: impl Iterator<Item = StoredRecord>, rules: usize) -> Self {
        let mut this = Self { records: Vec::new(), steps: vec![Vec::new(); rules] };
        for stored in stored {
            for (rule, step) in &stored.steps {
                if let Some(of_rule) = this.steps.get_mut(*rule as usize) {
                    of_rule.push((this.records.len(), usize::from(*step)));
                }
            }
            this.records.push(stored.record);
        }
        this
    }
}

/// The records of one rule, each with the step that it satisfies.
pub(super) fn matched<'r>(steps: &[(usize, usize)], records: &'r [Record]) -> Vec<Matched<'r>> {
    let one = |(index, step): &(usize, usize)| {
        Some(Matched { index: *index, record: records.get(*index)?, step: *step })
    };
    steps.iter().filter_map(one).collect()
}

fn step_names(program: &Program) -> Vec<String> {
    program.steps.iter().map(|step| step.name.clone()).collect()
}

/// Puts the records of all alerts together, in order, and lets the alerts point into them.
fn report(rules: Vec<Running<'_>>) -> (Vec<Record>, Vec<RuleReport>) {
    let members = rules.iter().flat_map(|rule| &rule.alerts).flat_map(|alert| &alert.records);
    let records: BTreeMap<u64, Arc<Record>> =
        members.map(|member| (member.number, Arc::clone(&member.record))).collect();
    let places: BTreeMap<u64, usize> = records.keys().copied().zip(0..).collect();
    let pointing = |path: &Path<Member>| Alert {
        start: path.start,
        end: path.end,
        records: path.records.iter().filter_map(|member| places.get(&member.number).copied()).collect(),
        bursts: path.bursts.clone(),
        until: path.until,
    };
    let reports = rules.into_iter().map(|rule| RuleReport {
        name: rule.program.name.clone(),
        steps: step_names(rule.program),
        alerts: rule.alerts.iter().map(pointing).collect(),
        tally: rule.runner.finish(),
    });
    let reports = reports.collect();
    (records.into_values().map(Arc::unwrap_or_clone).collect(), reports)
}
