//! What the targets are given of a rule: the lines in which two queries differ, and their schedules.
//!
//! In: emissions of two versions. Out: [`Query`] for each part of a target that differs. Must not know: rules, why they
//! differ, formats.

use std::ops::Range;

use serde::Serialize;
use similar::{Algorithm, DiffOp, capture_diff_slices};

use crate::backend::{self, Emission, Part, Schedule};

/// A query that differs: a part of an emission.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct Query {
    /// Short name of the target.
    pub(super) target: &'static str,
    /// The part, as it is called now, or was if it is gone.
    pub(super) part: String,
    /// Whether the target is given several of the rule.
    #[serde(skip)]
    pub(super) is_one_of_several: bool,
    /// The lines that differ, place by place.
    pub(super) lines: Vec<Lines>,
    /// The schedules, if they differ.
    pub(super) schedule: Option<Schedules>,
}

/// Why queries differ.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Because {
    /// Whatever it is: the meaning is the same.
    Any,
    /// The sources and the environment: what the rule itself has changed is left aside.
    Environment,
}

/// Lines that others take the place of.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct Lines {
    pub(super) old: Vec<String>,
    pub(super) new: Vec<String>,
}

/// When a query runs; nothing where there is none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub(super) struct Schedules {
    pub(super) old: Option<Schedule>,
    pub(super) new: Option<Schedule>,
}

/// The queries that differ. What only one version gives a target is not compared: that is a matter of fidelity.
pub(super) fn compare(old: &[Emission], new: &[Emission]) -> Vec<Query> {
    let mut found = Vec::new();
    for after in new {
        let Some(before) = old.iter().find(|emission| emission.target == after.target) else { continue };
        let count = before.parts.len().max(after.parts.len());
        for number in 0..count {
            let parts = [before.parts.get(number), after.parts.get(number)];
            found.extend(of_part(after.target, parts, count > 1));
        }
    }
    found
}

fn of_part(target: &'static str, [old, new]: [Option<&Part>; 2], is_one_of_several: bool) -> Option<Query> {
    let part = new.or(old)?.name.clone();
    let code = |part: Option<&Part>| part.map(|part| code(target, part)).unwrap_or_default();
    let lines = lines(&code(old), &code(new));
    let schedules = Schedules { old: old.map(|part| part.schedule), new: new.map(|part| part.schedule) };
    let times = |schedule: Option<Schedule>| schedule.map(|schedule| (schedule.every, schedule.look_back));
    let schedule = (times(schedules.old) != times(schedules.new)).then_some(schedules);
    let differs = !lines.is_empty() || schedule.is_some();
    differs.then_some(Query { target, part, is_one_of_several, lines, schedule })
}

/// What the SIEM runs: the index patterns beside a query, then its lines.
fn code(target: &str, part: &Part) -> Vec<String> {
    let indexes = part.indexes.iter().map(|index| format!("index: {index}"));
    let own = backend::by_name(target).map(|target| target.code(&part.text)).unwrap_or_default();
    indexes.chain(own.into_iter().map(str::to_owned)).collect()
}

fn lines(old: &[String], new: &[String]) -> Vec<Lines> {
    let taken = |lines: &[String], range: Range<usize>| lines.get(range).unwrap_or_default().to_vec();
    let one = |op: DiffOp| {
        let is_equal = matches!(op, DiffOp::Equal { .. });
        (!is_equal).then(|| Lines { old: taken(old, op.old_range()), new: taken(new, op.new_range()) })
    };
    capture_diff_slices(Algorithm::Myers, old, new).into_iter().filter_map(one).collect()
}
