//! Near misses by their definition: every tuple of records is tried, and the conditions that it fails are counted.

use std::collections::BTreeMap;

use catena::engine::alert::Matched;
use catena::engine::near::{Condition, Near, Part, Probe, near, reach_of};
use catena::engine::program::Program;
use catena::engine::record::Record;
use catena::ir::{Absence, Pred, Rule, When};

use super::{brute, conditions};

/// Condition and record at the break to how far off it is.
type Misses = BTreeMap<(Condition, usize), i64>;

/// What the engine finds, with the records given as reading gives them: in order, those that fail one part apart.
pub(crate) fn found(program: &Program, records: &[Record], most: usize) -> Near {
    let mut order: Vec<_> = records.iter().enumerate().collect();
    order.sort_by(|(_, left), (_, right)| left.order(right));
    let (mut matched, mut probes) = (Vec::new(), Vec::new());
    for (index, record) in order {
        for (number, role) in program.roles.iter().enumerate() {
            let one = Matched { index, record, step: number };
            if role.selection.schema.source() != record.schema.source() {
                continue;
            }
            if role.selection.accepts(&record.values) {
                matched.push(one);
            } else {
                probes.extend(Probe::of(program, one));
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
        if !conditions::holds(rule, part, right) {
            if parts.len() == 1 {
                return None;
            }
            failed.push((Condition::Step { step: at, alternative: 0, part: Part::Where(number) }, 0));
        }
    }
    for (number, except) in step.main.excepts.iter().enumerate() {
        if conditions::holds(rule, except, right) {
            failed.push((Condition::Step { step: at, alternative: 0, part: Part::Except(number) }, 0));
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

/// What makes an alert one: its last record, or of steps in any order its instant.
fn loud(rule: &Rule, records: &[Record]) -> Vec<(Option<usize>, i64)> {
    let together = rule.chain.together.is_some();
    let alerts = brute::Meaning::new(rule, records).alerts();
    alerts.into_iter().map(|(index, _)| ((!together).then_some(index), records[index].time)).collect()
}

/// All absences, each with the place at which it is.
fn absences(rule: &mut Rule) -> Vec<&mut Vec<Absence>> {
    let steps = rule.chain.steps.iter_mut().map(|step| &mut step.absences);
    steps.chain(rule.chain.links.iter_mut().map(|link| &mut link.absences)).collect()
}

/// The conditions of a rule with clauses, each with the rule that does without it, as somebody would write it.
fn without_each(rule: &Rule) -> Vec<(Condition, Rule)> {
    let mut all = Vec::new();
    let mut add = |condition, change: &dyn Fn(&mut Rule)| {
        let mut changed = rule.clone();
        change(&mut changed);
        all.push((condition, changed));
    };
    let longer = |seconds: u64| seconds + 3 * seconds.max(1);
    add(Condition::Total, &|rule| rule.chain.total.seconds = longer(rule.chain.total.seconds));
    for (link, written) in rule.chain.links.iter().enumerate() {
        add(Condition::Gap { link }, &|rule| {
            let gap = rule.chain.links[link].gap.seconds;
            rule.chain.links[link].gap.seconds = longer(gap);
            rule.chain.total.seconds += longer(gap) - gap;
        });
        for part in 0..written.keys.len() {
            add(Condition::Key { link, part }, &|rule| drop(rule.chain.links[link].keys.remove(part)));
        }
        for number in 0..written.comparisons.len() {
            add(Condition::Comparison { link, number }, &|rule| {
                rule.chain.links[link].comparisons.remove(number);
            });
        }
    }
    for part in 0..rule.chain.together.as_ref().map_or(0, |together| together.keys.len()) {
        add(Condition::Key { link: 0, part }, &|rule| {
            rule.chain.together.as_mut().unwrap().keys.remove(part);
        });
    }
    let mut number = 0;
    for (place, of_place) in absences(&mut rule.clone()).into_iter().enumerate() {
        for at in 0..of_place.len() {
            add(Condition::Absence { absence: number }, &|rule| drop(absences(rule)[place].remove(at)));
            number += 1;
        }
    }
    let mut parts = Vec::new();
    for (step, written) in rule.chain.steps.iter().enumerate() {
        if written.repetition.is_some() {
            add(Condition::Count { step }, &|rule| {
                let repetition = rule.chain.steps[step].repetition.as_mut().unwrap();
                repetition.least = repetition.least.div_ceil(2);
            });
            continue;
        }
        parts.push(step);
    }
    all.extend(parts.into_iter().flat_map(|step| without_parts(rule, step)));
    all
}

/// The parts of a step's condition, each with the rule that does without it.
fn without_parts(rule: &Rule, step: usize) -> Vec<(Condition, Rule)> {
    let written = &rule.chain.steps[step];
    let mut all = Vec::new();
    let mut add = |condition, change: &dyn Fn(&mut Rule)| {
        let mut changed = rule.clone();
        change(&mut changed);
        all.push((condition, changed));
    };
    // Of alternatives the one that a record fails gives no names, so the rule without the part is another one.
    if !written.others.is_empty() {
        return Vec::new();
    }
    let parts = written.main.filter.conjuncts().len();
    for part in 0..if parts > 1 { parts } else { 0 } {
        add(Condition::Step { step, alternative: 0, part: Part::Where(part) }, &|rule| {
            let filter = &mut rule.chain.steps[step].main.filter;
            let mut parts: Vec<Pred> = filter.conjuncts().into_iter().cloned().collect();
            parts.remove(part);
            *filter = Pred::And(parts);
        });
    }
    for part in 0..written.main.excepts.len() {
        add(Condition::Step { step, alternative: 0, part: Part::Except(part) }, &|rule| {
            rule.chain.steps[step].main.excepts.remove(part);
        });
    }
    all
}

/// Whether a condition is a part of a step with alternatives.
fn is_of_alternatives(rule: &Rule, condition: Condition) -> bool {
    matches!(condition, Condition::Step { step, .. } if !rule.chain.steps[step].others.is_empty())
}

/// The near misses of a rule with clauses against the rules that do without one condition.
pub(super) fn compare_clauses(rule: &Rule, program: &Program, records: &[Record]) -> Result<Near, String> {
    let found = found(program, records, usize::MAX);
    let (loud, together) = (loud(rule, records), rule.chain.together.is_some());
    let mut expected: BTreeMap<Condition, u64> = BTreeMap::new();
    for (condition, relaxed) in without_each(rule) {
        let meaning = brute::Meaning::new(&relaxed, records);
        for (index, start) in meaning.alerts() {
            let last = &records[index];
            if loud.contains(&((!together).then_some(index), last.time)) {
                continue;
            }
            if let Condition::Gap { link } = condition {
                let path = meaning.evidence(index);
                let gap = brute::micros(rule.chain.links[link].gap);
                let by = path[link + 1].time - path[link].time - gap;
                if by <= 0 || last.time - start - brute::micros(rule.chain.total) > by {
                    continue;
                }
            }
            *expected.entry(condition).or_insert(0) += 1;
        }
    }
    let mut counts = found.counts.clone();
    counts.retain(|condition, _| !is_of_alternatives(rule, *condition));
    if counts != expected {
        return Err(format!("{counts:?} where there are {expected:?}"));
    }
    for miss in &found.listed {
        let right = miss.path.len() == rule.chain.steps.len() && miss.step < miss.path.len();
        let cause = miss.cause.filter(|cause| !cause.of_counted).map(|cause| records[cause.record].time);
        let at = records[miss.path[miss.step]].time;
        let of_counted = miss.cause.is_some_and(|cause| cause.of_counted);
        let counts = rule.chain.steps[miss.step].repetition.is_some();
        let right_cause = match miss.condition {
            Condition::Absence { .. } if of_counted => counts,
            Condition::Absence { absence } => match rule.chain.absences().nth(absence).unwrap().when {
                When::Before(window) => {
                    cause.is_some_and(|time| (at - brute::micros(window)..at).contains(&time))
                }
                When::After(window) => {
                    cause.is_some_and(|time| (at + 1..=at + brute::micros(window)).contains(&time))
                }
                When::Between => cause.is_some_and(|time| time < at),
            },
            Condition::Gap { .. }
            | Condition::Step { .. }
            | Condition::Key { .. }
            | Condition::Order { .. }
            | Condition::Total
            | Condition::Comparison { .. }
            | Condition::Count { .. } => cause.is_none(),
        };
        if !right || !right_cause {
            return Err(format!("{miss:?}"));
        }
    }
    let listed: u64 = found.listed.iter().map(|miss| miss.more + 1).sum();
    if listed != found.counts.values().sum::<u64>() {
        return Err(format!("{listed} listed of {:?}", found.counts));
    }
    Ok(found)
}
