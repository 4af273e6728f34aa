//! Near misses by their definition: every tuple of records is tried, and the conditions that it fails are counted.

use std::collections::BTreeMap;

use catena::engine::alert::Matched;
use catena::engine::near::{Condition, Near, Part, Probe, failing_part, near, reach_of};
use catena::engine::program::Program;
use catena::engine::record::Record;
use catena::ir::Rule;

use super::brute;

/// Condition and record at the break to how far off it is.
type Misses = BTreeMap<(Condition, usize), i64>;

/// What the engine finds, with the records given as reading gives them: in order, those that fail one part apart.
pub(crate) fn found(program: &Program, records: &[Record], most: usize) -> Near {
    let mut order: Vec<_> = records.iter().enumerate().collect();
    order.sort_by(|(_, left), (_, right)| left.order(right));
    let (mut matched, mut probes) = (Vec::new(), Vec::new());
    for (index, record) in order {
        for (number, step) in program.steps.iter().enumerate() {
            let one = Matched { index, record, step: number };
            if step.schema.source() != record.schema.source() {
                continue;
            }
            if step.accepts(&record.values) {
                matched.push(one);
            } else if let Some(part) = failing_part(step, &record.values) {
                probes.push(Probe { matched: one, part });
            }
        }
    }
    near(program, &matched, &probes, most)
}

/// The conditions by which record `right`, as step `at`, breaks a chain behind `left`; `None` if no single condition
/// does.
fn failed(rule: &Rule, at: usize, left: Option<&Record>, right: &Record) -> Option<Vec<(Condition, i64)>> {
    let step = &rule.chain.steps[at];
    if right.schema.source() != step.main.source.node {
        return None;
    }
    let mut failed = Vec::new();
    let parts = step.main.filter.conjuncts();
    for (number, part) in parts.iter().enumerate() {
        if !brute::holds(rule, part, right) {
            if parts.len() == 1 {
                return None;
            }
            failed.push((Condition::Step { step: at, part: Part::Where(number) }, 0));
        }
    }
    for (number, except) in step.main.excepts.iter().enumerate() {
        if brute::holds(rule, except, right) {
            failed.push((Condition::Step { step: at, part: Part::Except(number) }, 0));
        }
    }
    let Some(left) = left else { return Some(failed) };
    let link = &rule.chain.links[at - 1];
    let (gap, passed) = (brute::micros(link.gap), right.time - left.time);
    if left.event == right.event || passed < -gap || passed - gap > reach_of(gap) {
        return None;
    }
    if passed < 0 {
        failed.push((Condition::Order { link: at - 1 }, -passed));
    }
    if passed > gap {
        failed.push((Condition::Gap { link: at - 1 }, passed - gap));
    }
    for (part, key) in link.keys.iter().enumerate() {
        if !brute::linked(key, left, right) {
            failed.push((Condition::Key { link: at - 1, part }, passed));
        }
    }
    Some(failed)
}

/// The condition that a whole path fails, the record at which, and by how much; `None` if it fails none or more.
fn only_failure(rule: &Rule, path: &[(usize, &Record)]) -> Option<(Condition, usize, i64)> {
    let mut all = Vec::new();
    for (at, (index, record)) in path.iter().enumerate() {
        let left = at.checked_sub(1).map(|before| path[before].1);
        all.extend(
            failed(rule, at, left, record)?.into_iter().map(|(condition, by)| (condition, *index, by)),
        );
    }
    let length = path[path.len() - 1].1.time - path[0].1.time;
    let total = brute::micros(rule.chain.total);
    let over = length - total;
    match (all.as_slice(), over > 0) {
        ([], true) => (over <= reach_of(total)).then_some((Condition::Total, path[path.len() - 1].0, over)),
        ([(condition @ Condition::Gap { .. }, index, by)], _) => {
            (over <= *by).then_some((*condition, *index, *by))
        }
        ([(condition @ Condition::Step { .. }, index, _)], false) => Some((*condition, *index, length)),
        ([one], false) => Some(*one),
        _ => None,
    }
}

/// All near misses, by trying everything.
pub(super) fn expected(rule: &Rule, records: &[Record]) -> Misses {
    let alerting: Vec<usize> =
        brute::Meaning::new(rule, records).alerts().into_iter().map(|(last, _)| last).collect();
    let mut misses = Misses::new();
    extend(rule, records, &alerting, &mut Vec::new(), 0, &mut misses);
    misses
}

fn extend<'r>(
    rule: &Rule,
    records: &'r [Record],
    alerting: &[usize],
    path: &mut Vec<(usize, &'r Record)>,
    failures: usize,
    misses: &mut Misses,
) {
    let at = path.len();
    if at == rule.chain.steps.len() {
        let last = path[at - 1];
        let alerts = alerting.contains(&last.0)
            && failed(rule, at - 1, None, last.1).is_some_and(|failed| failed.is_empty());
        if let (false, Some((condition, index, by))) = (alerts, only_failure(rule, path)) {
            let nearest = misses.entry((condition, index)).or_insert(by);
            *nearest = (*nearest).min(by);
        }
        return;
    }
    for (index, record) in records.iter().enumerate() {
        let left = path.last().map(|(_, record)| *record);
        let Some(more) = failed(rule, at, left, record) else { continue };
        if failures + more.len() <= 1 {
            path.push((index, record));
            extend(rule, records, alerting, path, failures + more.len(), misses);
            path.pop();
        }
    }
}

/// Compares the engine with the definition; says what is wrong.
pub(super) fn compare(rule: &Rule, program: &Program, records: &[Record]) -> Result<Near, String> {
    let found = found(program, records, usize::MAX);
    let expected = expected(rule, records);
    for miss in &found.listed {
        let path: Vec<_> = miss.path.iter().map(|index| (*index, &records[*index])).collect();
        let only = if path.len() == rule.chain.steps.len() { only_failure(rule, &path) } else { None };
        if only != Some((miss.condition, miss.path[miss.step], miss.by)) {
            return Err(format!("{miss:?} is no near miss: {only:?}"));
        }
    }
    // Records of one event at several times, which logs do not have, can hide each other.
    let one_time =
        |left: &Record| records.iter().all(|right| left.event != right.event || left.time == right.time);
    if !records.iter().all(one_time) {
        return Ok(found);
    }
    let mut counts: BTreeMap<Condition, u64> = BTreeMap::new();
    for (condition, _) in expected.keys() {
        *counts.entry(*condition).or_insert(0) += 1;
    }
    if counts != found.counts {
        return Err(format!("{:?} where there are {expected:?}", found.counts));
    }
    for miss in &found.listed {
        if expected.get(&(miss.condition, miss.path[miss.step])) != Some(&miss.by) {
            return Err(format!("{miss:?} is not the nearest of {expected:?}"));
        }
    }
    let listed: u64 = found.listed.iter().map(|miss| miss.more + 1).sum();
    if listed != expected.len() as u64 {
        return Err(format!("{listed} listed of {}", expected.len()));
    }
    Ok(found)
}
