//! Running a rule over records: candidates, alerts, de-duplication.
//!
//! In: a compiled rule and records. Out: alerts with their evidence, in the order of their last records.
//! Must not know: raw logs, files, output formats.

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use super::candidate::Asked;
use super::chain::{Machine, Path};
use super::program::{Dedupe, Program, Shown, ShownValue};
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
    /// Records of steps that are history ([`Program::from`]), and those that are not.
    pub history: u64,
    /// The others.
    pub present: u64,
    /// The latest record of the first step, of any of steps in any order, or of what must not be there: as far as the
    /// data is known to go.
    pub end: Option<i64>,
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
        matched.extend(program.matched(record).map(|role| Matched { index, record, step: role }));
    }
    run_matched(program, &matched).0
}

/// A record that has a role in a program.
#[derive(Debug, Clone, Copy)]
pub struct Matched<'r> {
    /// Its index among all records.
    pub index: usize,
    /// The record.
    pub record: &'r Record,
    /// The role: the number of the step it satisfies, unless the program has more than steps.
    pub step: usize,
}

/// Runs `program` over the records that have a role in it, in the order of [`Record::order`].
#[must_use]
pub fn run_matched(program: &Program, matched: &[Matched<'_>]) -> (Vec<Alert>, Tally) {
    let mut runner = Runner::new(program);
    let mut alerts = Vec::new();
    for instant in matched.chunk_by(|left, right| left.record.time == right.record.time) {
        alerts.extend(runner.advance(instant.iter().map(|one| (one.record, one.step, one.index))));
    }
    alerts.extend(runner.end());
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

    /// Takes all records of the next instant, each with a role that it has, those of one record next to each other;
    /// gives the paths that end there, or, of a rule that waits, those that have waited for long enough.
    pub fn advance<'r>(&mut self, instant: impl Iterator<Item = (&'r Record, usize, T)>) -> Vec<Path<T>> {
        let Self { program, machine, tally } = self;
        let mut last: Option<&Record> = None;
        let (mut number, mut candidates, mut exempting) = (0, Vec::new(), Vec::new());
        for (record, role, payload) in instant {
            number += usize::from(last.is_some_and(|last| !std::ptr::eq(last, record)));
            last = Some(record);
            let step = program.step_of(role);
            // A chain that something could still take away is open if it ends behind that. A reader may pass over the
            // records of later steps, so they do not say how far the data goes.
            if step.is_none_or(|step| step == 0 || program.clauses.together) {
                tally.end = tally.end.max(Some(record.time));
            }
            if let Some(step) = step {
                tally.count(step);
                let is_history = record.time < program.from;
                tally.history += u64::from(is_history);
                tally.present += u64::from(!is_history);
            }
            match Asked::new(program, (record, number), role, payload) {
                Some(Asked::Step(candidate)) => candidates.push(candidate),
                Some(Asked::Absence(one)) => exempting.push(one),
                None => {}
            }
        }
        let paths = last.map(|last| machine.advance(last.time, candidates, exempting)).unwrap_or_default();
        tally.alerts += paths.len() as u64;
        paths
    }

    /// Nothing more comes: gives the paths that still wait.
    pub fn end(&mut self) -> Vec<Path<T>> {
        let paths = self.machine.finish();
        self.tally.alerts += paths.len() as u64;
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

    /// Whether an alert is kept; `record` gives the record that something of its path stands for. Alerts come in order
    /// of time.
    pub fn admits<'r, T>(&mut self, path: &'r Path<T>, record: impl Fn(&'r T) -> Option<&'r Record>) -> bool {
        let value = |shown: &Shown| match shown.of {
            ShownValue::Field(_) => {
                let record = record(path.records.get(shown.step)?)?;
                shown.field(record).map(Value::key)
            }
            ShownValue::Count => {
                path.burst(shown.step).map(|burst| Atom::Int(i64::try_from(burst.count).unwrap_or(i64::MAX)))
            }
            ShownValue::FirstTime => path.burst(shown.step).map(|burst| Atom::Time(burst.first_time)),
        };
        let key = self.dedupe.by.iter().map(value).collect();
        let end = path.end;
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
    kept.retain(|alert| suppressor.admits(alert, |index| records.get(*index)));
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
