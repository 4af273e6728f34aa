//! Running a rule over records: candidates, alerts, de-duplication.
//!
//! In: a compiled rule and records. Out: alerts with their evidence, in the order of their last records.
//! Must not know: raw logs, files, output formats.

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use super::chain::{Candidate, Machine, Path};
use super::program::{Dedupe, Program};
use super::record::Record;
use super::value::{Atom, Value};

/// An alert: the path with the latest start to one record of the last step. Its records are indices into what was run
/// over.
pub type Alert = Path<usize>;

/// What a run saw.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Tally {
    /// For each step, the records that satisfy it.
    pub matched: Vec<u64>,
    /// For each link, the records of its later step with a chain behind them.
    pub linked: Vec<u64>,
    /// Alerts before de-duplication.
    pub alerts: u64,
}

impl Tally {
    /// Counts a record that satisfies `step`.
    pub fn count(&mut self, step: usize) {
        if let Some(count) = self.matched.get_mut(step) {
            *count += 1;
        }
    }
}

/// Runs `program` over `records` in any order: one alert for each record of the last step that ends a chain.
#[must_use]
pub fn run(program: &Program, records: &[Record]) -> Vec<Alert> {
    let mut order: Vec<_> = records.iter().enumerate().collect();
    order.sort_by(|(_, left), (_, right)| left.order(right));
    let mut matched = Vec::new();
    for (index, record) in order {
        matched.extend(program.matched(record).map(|step| Matched { index, record, step }));
    }
    run_matched(program, &matched).0
}

/// A record that satisfies a step of a program.
#[derive(Debug, Clone, Copy)]
pub struct Matched<'r> {
    /// Its index among all records.
    pub index: usize,
    /// The record.
    pub record: &'r Record,
    /// The step it satisfies.
    pub step: usize,
}

/// Runs `program` over the records that satisfy its steps, in the order of [`Record::order`].
#[must_use]
pub fn run_matched(program: &Program, matched: &[Matched<'_>]) -> (Vec<Alert>, Tally) {
    let mut runner = Runner::new(program);
    let mut alerts = Vec::new();
    for instant in matched.chunk_by(|left, right| left.record.time == right.record.time) {
        alerts.extend(runner.advance(instant.iter().map(|one| (one.record, one.step, one.index))));
    }
    (alerts, runner.finish())
}

/// A rule under way over the records that satisfy its steps. `T` stands for a record in a path.
#[derive(Debug)]
pub struct Runner<'p, T> {
    program: &'p Program,
    machine: Machine<T>,
    /// What it saw so far, but for the links.
    pub tally: Tally,
}

impl<'p, T: Clone> Runner<'p, T> {
    /// Nothing has been seen yet.
    #[must_use]
    pub fn new(program: &'p Program) -> Self {
        let tally = Tally { matched: vec![0; program.steps.len()], ..Tally::default() };
        Self { program, machine: Machine::new(program), tally }
    }

    /// Takes all records of the next instant, each with a step that it satisfies; gives the paths that end there.
    pub fn advance<'r>(&mut self, instant: impl Iterator<Item = (&'r Record, usize, T)>) -> Vec<Path<T>> {
        let Self { program, machine, tally } = self;
        let mut time = None;
        let candidate = |(record, step, payload): (&'r Record, usize, T)| {
            time = Some(record.time);
            tally.count(step);
            let (key_in, key_out) = (program.key_in(step, record), program.key_out(step, record));
            Candidate { step, event: record.event, key_in, key_out, payload }
        };
        let candidates = instant.map(candidate).collect();
        let paths = time.map(|time| machine.advance(time, candidates)).unwrap_or_default();
        tally.alerts += paths.len() as u64;
        paths
    }

    /// All that was seen.
    #[must_use]
    pub fn finish(self) -> Tally {
        Tally { linked: self.machine.linked().to_vec(), ..self.tally }
    }
}

/// De-duplication under way: keeps the first alert of each key; further ones are suppressed up to and including the end
/// of the window that the kept one opens. A missing key is a key like any other.
#[derive(Debug)]
pub struct Suppressor<'p> {
    dedupe: &'p Dedupe,
    until: HashMap<Vec<Option<Atom>>, i64>,
}

impl<'p> Suppressor<'p> {
    /// Nothing has alerted yet.
    #[must_use]
    pub fn new(dedupe: &'p Dedupe) -> Self {
        Self { dedupe, until: HashMap::new() }
    }

    /// Whether an alert that ends at `end` is kept; `record` gives its record of a step. Alerts come in order of time.
    pub fn admits<'r>(&mut self, end: i64, record: impl Fn(usize) -> Option<&'r Record>) -> bool {
        let value = |(step, place): &(usize, usize)| record(*step)?.at(*place).map(Value::key);
        let key = self.dedupe.by.iter().map(value).collect();
        let until = end.saturating_add(self.dedupe.window);
        match self.until.entry(key) {
            Entry::Occupied(mut entry) => {
                // What is suppressed does not prolong the silence: a steady stream would alert once and never again.
                let fresh = end > *entry.get();
                if fresh {
                    entry.insert(until);
                }
                fresh
            }
            Entry::Vacant(entry) => {
                entry.insert(until);
                true
            }
        }
    }
}

/// Applies de-duplication to alerts in order, as [`run`] gives them.
#[must_use]
pub fn dedupe(dedupe: &Dedupe, records: &[Record], alerts: Vec<Alert>) -> Vec<Alert> {
    let mut suppressor = Suppressor::new(dedupe);
    let mut kept = alerts;
    kept.retain(|alert| suppressor.admits(alert.end, |step| records.get(*alert.records.get(step)?)));
    kept
}

/// Runs `program` and applies its own de-duplication, if it has one.
#[must_use]
pub fn alerts(program: &Program, records: &[Record]) -> Vec<Alert> {
    let found = run(program, records);
    match &program.dedupe {
        Some(by) => dedupe(by, records, found),
        None => found,
    }
}
