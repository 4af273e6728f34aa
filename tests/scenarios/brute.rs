//! The meaning of a rule, written down a second time: nested search over all tuples of records, predicates read
//! straight from the IR, every clause by its definition. Slow, and shares nothing with the engine but its records.

use std::collections::{HashMap, HashSet};

use catena::engine::alert::Alert;
use catena::engine::record::{Identity, Record};
use catena::engine::value::Value;
use catena::ir::{self, Absence, Case, CompareOp, GroupField, Key, Neighbour, Rule, Selection, When};

use super::conditions::{equal, holds, number, orders};

/// A record of a step: its number, the alternative that gives its names, and when its burst begins.
#[derive(Clone, Copy)]
struct Of<'r> {
    index: usize,
    record: &'r Record,
    selection: &'r Selection,
    burst: Option<(u64, i64)>,
}

impl<'r> Of<'r> {
    fn get(&self, field: &str) -> Option<&'r Value<'static>> {
        self.record.get(self.selection.field(field))
    }

    fn start(&self) -> i64 {
        self.burst.map_or(self.record.time, |(_, first)| first)
    }
}

/// A rule over records: for each step what is left of its records by every clause.
pub(super) struct Meaning<'r> {
    rule: &'r Rule,
    records: &'r [Record],
    /// Before counting.
    uncounted: Vec<Vec<Of<'r>>>,
    steps: Vec<Vec<Of<'r>>>,
}

impl<'r> Meaning<'r> {
    pub(super) fn new(rule: &'r Rule, records: &'r [Record]) -> Self {
        Self::since(rule, records, i64::MIN)
    }

    /// As if the records of steps before an instant were none but to absences and counts.
    pub(super) fn since(rule: &'r Rule, records: &'r [Record], from: i64) -> Self {
        let mut this = Self { rule, records, uncounted: Vec::new(), steps: Vec::new() };
        for step in &rule.chain.steps {
            let mut of_step = this.selected(step.selections());
            of_step.retain(|e| step.absences.iter().all(|absence| !this.excluded(absence, e)));
            this.uncounted.push(of_step);
        }
        for step in 0..rule.chain.steps.len() {
            let mut of_step = this.uncounted[step].clone();
            if rule.chain.steps[step].repetition.is_some() {
                for e in &mut of_step {
                    e.burst = this.burst(step, e, None, i64::MIN);
                }
                of_step.retain(|e| e.burst.is_some());
            }
            of_step.retain(|of| of.record.time >= from);
            this.steps.push(of_step);
        }
        this
    }

    fn selected(&self, selections: impl Iterator<Item = &'r Selection>) -> Vec<Of<'r>> {
        let (rule, selections) = (self.rule, selections.collect::<Vec<_>>());
        let of = |(index, record): (usize, &'r Record)| {
            let selection = *selections.iter().find(|selection| selects(rule, selection, record))?;
            Some(Of { index, record, selection, burst: None })
        };
        self.records.iter().enumerate().filter_map(of).collect()
    }

    /// Item 10, before and after.
    fn excluded(&self, absence: &'r Absence, e: &Of<'_>) -> bool {
        let t = e.record.time;
        self.selected(absence.selections.iter()).iter().any(|u| {
            let shared =
                absence.keys.iter().all(|key| same(e.get(&key.left.name), u.get(&key.right.name), key.case));
            let time = u.record.time;
            shared
                && match absence.when {
                    When::Before(window) => t - micros(window) <= time && time < t,
                    When::After(window) => t < time && time <= t + micros(window),
                    When::Between => unreachable!("an absence of a step"),
                }
        })
    }

    /// Item 11: how many there are in the window that ends with e, and the latest instant from which on there are
    /// enough, if not before `from`; without the records of one event.
    fn burst(&self, step: usize, e: &Of<'_>, without: Option<Identity>, from: i64) -> Option<(u64, i64)> {
        let repetition = self.rule.chain.steps[step].repetition.as_ref()?;
        let t = e.record.time;
        let group = |of: &Of<'_>| -> Option<Vec<String>> {
            repetition.by.iter().map(|by| value_of(of, by)).collect()
        };
        let own = group(e)?;
        let counted: Vec<&Of<'_>> = self.uncounted[step]
            .iter()
            .filter(|other| group(other).is_some_and(|group| group == own))
            .filter(|other| (t - micros(repetition.window)..=t).contains(&other.record.time))
            .filter(|other| without != Some(other.record.event))
            .collect();
        let count = |since: i64| {
            let within = counted.iter().filter(|other| other.record.time >= since);
            let what = |other: &&&Of<'_>| match &repetition.distinct {
                None => Some(format!("{:?}", other.record.event)),
                Some(distinct) => value_of(other, distinct),
            };
            within.filter_map(|other| what(&other)).collect::<HashSet<_>>().len() as u64
        };
        let enough = |since: &i64| count(*since) >= u64::from(repetition.least) && *since >= from;
        let first = counted.iter().map(|other| other.record.time).filter(enough).max()?;
        Some((count(i64::MIN), first))
    }

    /// Items 4, 10, 11 and 12: whether two records may be neighbours.
    fn neighbours(&self, at: usize, left: &Of<'_>, right: &Of<'_>) -> bool {
        let link = &self.rule.chain.links[at];
        let (earlier, later) = (left.record, right.record);
        left.record.event != right.record.event
            && earlier.time <= later.time
            && later.time <= earlier.time + micros(link.gap)
            && link
                .keys
                .iter()
                .all(|key| share(left.get(&key.left.name), right.get(&key.right.name), key.case))
            && link.comparisons.iter().all(|asked| {
                let values = left.get(&asked.left.name).zip(right.get(&asked.right.name));
                values.is_some_and(|(left, right)| compares(asked.op, left, right))
            })
            && !link.absences.iter().any(|absence| self.between(absence, left, right))
            && (right.burst.is_none()
                || self.burst(at + 1, right, Some(earlier.event), earlier.time).is_some())
    }

    fn between(&self, absence: &'r Absence, left: &Of<'_>, right: &Of<'_>) -> bool {
        self.selected(absence.selections.iter()).iter().any(|u| {
            let shared = absence.keys.iter().all(|key| {
                let of = if key.of == Neighbour::Earlier { left } else { right };
                same(of.get(&key.left.name), u.get(&key.right.name), key.case)
            });
            shared && left.record.time < u.record.time && u.record.time < right.record.time
        })
    }

    /// Every record that ends a chain, with the latest start, in the engine's order.
    pub(super) fn alerts(&self) -> Vec<(usize, i64)> {
        let last = self.rule.chain.steps.len() - 1;
        let mut order: Vec<usize> = (0..self.records.len()).collect();
        order.sort_by(|left, right| self.records[*left].order(&self.records[*right]));
        let mut out = Vec::new();
        for index in order {
            let mut best = None;
            if self.rule.chain.together.is_some() {
                for step in 0..=last {
                    let own = self.steps[step].iter().find(|of| of.index == index);
                    if let Some(own) = own {
                        self.all_of(own, step, &mut Vec::new(), &mut best);
                    }
                }
            } else if let Some(of) = self.steps[last].iter().find(|of| of.index == index) {
                self.search(&mut vec![*of], &mut best);
            }
            out.extend(best.map(|start| (index, start)));
        }
        out
    }

    /// Tries every record in front of `tail`, which holds the end of a chain in reverse.
    fn search(&self, tail: &mut Vec<Of<'r>>, best: &mut Option<i64>) {
        let first = tail[tail.len() - 1];
        let Some(step) = (self.rule.chain.steps.len() - tail.len()).checked_sub(1) else {
            if tail[0].record.time - first.start() <= micros(self.rule.chain.total) {
                *best = (*best).max(Some(first.start()));
            }
            return;
        };
        for of in &self.steps[step] {
            if self.neighbours(step, of, &first) {
                tail.push(*of);
                self.search(tail, best);
                tail.pop();
            }
        }
    }

    /// Item 13: tries every set with `own` at `step`.
    fn all_of(&self, own: &Of<'r>, step: usize, set: &mut Vec<Of<'r>>, best: &mut Option<i64>) {
        if set.len() == self.steps.len() {
            let earliest = set.iter().map(|of| of.record.time).min();
            if self.is_set(own, set) {
                *best = (*best).max(earliest);
            }
            return;
        }
        for of in &self.steps[set.len()] {
            if set.len() != step || of.index == own.index {
                set.push(*of);
                self.all_of(own, step, set, best);
                set.pop();
            }
        }
    }

    fn is_set(&self, own: &Of<'_>, set: &[Of<'_>]) -> bool {
        let keys = &self.rule.chain.together.as_ref().unwrap().keys;
        let window = own.record.time - micros(self.rule.chain.total)..=own.record.time;
        let events: HashSet<_> = set.iter().map(|of| of.record.event).collect();
        events.len() == set.len()
            && set.iter().all(|of| window.contains(&of.record.time))
            && keys.iter().all(|GroupField { field, case }| {
                set.iter().all(|of| same(own.get(&field.name), of.get(&field.name), *case))
            })
    }

    /// The evidence by its documented rule: of the predecessors with the latest start the latest, then the first in the
    /// order of records.
    pub(super) fn evidence(&self, last: usize) -> Vec<&'r Record> {
        let step = self.rule.chain.steps.len() - 1;
        let of = self.steps[step].iter().find(|of| of.index == last).unwrap();
        let path = self.best_path(step, *of).expect("it alerts");
        path.into_iter().map(|of| of.record).collect()
    }

    fn best_path(&self, step: usize, of: Of<'r>) -> Option<Vec<Of<'r>>> {
        let Some(before) = step.checked_sub(1) else { return Some(vec![of]) };
        let links = |earlier: &&Of<'r>| self.neighbours(before, earlier, &of);
        let paths =
            self.steps[before].iter().filter(links).filter_map(|earlier| self.best_path(before, *earlier));
        let mut best = paths.max_by(|left, right| {
            let (a, b) = (left[before], right[before]);
            let order = (left[0].start(), a.record.time).cmp(&(right[0].start(), b.record.time));
            order.then_with(|| b.record.order(a.record))
        })?;
        best.push(of);
        Some(best)
    }

    /// What an alert says: its records by their steps are a chain or a set, its start, what it counts and whether it is
    /// open are right.
    pub(super) fn is_right(&self, alert: &Alert, end: Option<i64>) -> bool {
        let of =
            |(step, index): (usize, &usize)| self.steps[step].iter().find(|of| of.index == *index).copied();
        let path: Option<Vec<Of<'_>>> = alert.records.iter().enumerate().map(of).collect();
        let Some(path) = path.filter(|path| path.len() == self.steps.len()) else { return false };
        let chain = &self.rule.chain;
        let holds = if chain.together.is_some() {
            let own = path.iter().max_by_key(|of| of.record.time).unwrap();
            let start = path.iter().map(|of| of.record.time).min();
            self.is_set(own, &path) && Some(alert.start) == start && alert.end == own.record.time
        } else {
            path.windows(2).enumerate().all(|(at, pair)| self.neighbours(at, &pair[0], &pair[1]))
                && alert.end == path[path.len() - 1].record.time
                && alert.end - path[0].start() <= micros(chain.total)
                && alert.start == path[0].start()
        };
        let burst =
            |(step, of): (usize, &Of<'_>)| alert.burst(step).map(|b| (b.count, b.first_time)) == of.burst;
        holds
            && path.iter().enumerate().all(burst)
            && end == self.end()
            && alert.is_open(end) == path.iter().enumerate().any(|(step, of)| self.is_open(step, of))
    }

    /// Item 10: whether the window of an absence after a record reaches beyond the data.
    fn is_open(&self, step: usize, of: &Of<'_>) -> bool {
        self.rule.chain.steps[step].absences.iter().any(|absence| match absence.when {
            When::After(window) => {
                let has_keys = absence.keys.iter().all(|key| of.get(&key.left.name).is_some());
                has_keys && Some(of.record.time + micros(window)) > self.end()
            }
            When::Before(_) | When::Between => false,
        })
    }

    /// As far as the data is known to go: the last record of the first step (in any order: of any step), or of what
    /// must not be there.
    fn end(&self) -> Option<i64> {
        let chain = &self.rule.chain;
        let first = if chain.together.is_some() { chain.steps.len() } else { 1 };
        let steps = chain.steps.iter().take(first).map(|step| self.selected(step.selections()));
        let all = steps.chain(chain.absences().map(|absence| self.selected(absence.selections.iter())));
        all.flatten().map(|of| of.record.time).max()
    }

    /// De-duplication by looking back at every kept alert.
    pub(super) fn deduped(&self, found: &[Alert]) -> Vec<usize> {
        let Some(dedupe) = &self.rule.alert.dedupe else {
            return found.iter().map(|alert| *alert.records.last().unwrap()).collect();
        };
        let key = |alert: &Alert| -> Vec<String> {
            let value = |field: &ir::StepField| {
                let of =
                    self.steps[field.step].iter().find(|of| of.index == alert.records[field.step]).unwrap();
                format!("{:?}", of.get(&field.field.name))
            };
            dedupe.by.iter().map(value).collect()
        };
        let window = micros(dedupe.window);
        let mut last_kept: HashMap<Vec<String>, i64> = HashMap::new();
        let mut kept = Vec::new();
        for alert in found {
            let key = key(alert);
            if last_kept.get(&key).is_some_and(|time| alert.end - time <= window) {
                continue;
            }
            last_kept.insert(key, alert.end);
            kept.push(*alert.records.last().unwrap());
        }
        kept
    }
}

fn selects(rule: &Rule, selection: &Selection, record: &Record) -> bool {
    record.schema.source() == selection.source.node
        && holds(rule, &selection.filter, record)
        && selection.excepts.iter().all(|except| !holds(rule, except, record))
}

/// Item 9: whether two sets of values share one; a field with a single value is a set of one.
fn share(left: Option<&Value<'_>>, right: Option<&Value<'_>>, case: Case) -> bool {
    values(left).iter().any(|left| values(right).iter().any(|right| same(Some(left), Some(right), case)))
}

fn values<'v>(value: Option<&'v Value<'v>>) -> &'v [Value<'v>] {
    match value {
        Some(Value::Many(all)) => all,
        Some(one) => std::slice::from_ref(one),
        None => &[],
    }
}

/// A value as records are grouped by it.
fn value_of(of: &Of<'_>, GroupField { field, case }: &GroupField) -> Option<String> {
    let value = format!("{:?}", of.get(&field.name)?.key());
    Some(if *case == Case::Ignore { value.to_lowercase() } else { value })
}

/// Both present and equal: as logged, numbers by value.
fn same(left: Option<&Value<'_>>, right: Option<&Value<'_>>, case: Case) -> bool {
    match (left, right) {
        (Some(Value::Text(left)), Some(Value::Text(right))) if case == Case::Ignore => {
            left.to_lowercase() == right.to_lowercase()
        }
        (Some(left), Some(right)) => equal(left, right),
        (None | Some(_), None) | (None, Some(_)) => false,
    }
}

fn compares(op: CompareOp, left: &Value<'_>, right: &Value<'_>) -> bool {
    match op {
        CompareOp::NotEqual => !equal(left, right),
        CompareOp::Order(op) => orders(op, number(left), number(right)),
    }
}

pub(super) fn micros(window: ir::Window) -> i64 {
    i64::try_from(window.seconds).unwrap() * 1_000_000
}

pub(super) fn linked(key: &Key, left: &Record, right: &Record) -> bool {
    share(left.get(&key.left.name), right.get(&key.right.name), Case::Sensitive)
}

/// Whether some pair of neighbours would be linked but for being of one event.
pub(super) fn event_could_chain_itself(rule: &Rule, records: &[Record]) -> bool {
    let of_step = |at: usize| {
        let step = &rule.chain.steps[at];
        records
            .iter()
            .filter(move |record| step.selections().any(|selection| selects(rule, selection, record)))
    };
    rule.chain.links.iter().enumerate().any(|(at, link)| {
        of_step(at).any(|left| {
            of_step(at + 1).any(|right| {
                left.event == right.event && link.keys.iter().all(|key| linked(key, left, right))
            })
        })
    })
}

pub(super) fn show(record: &Record) -> String {
    let fields: Vec<String> = record.present().map(|(name, value)| format!("{name}: {value}")).collect();
    format!("{} {} {:?} {{ {} }}", record.schema.source(), record.time, record.event, fields.join(", "))
}
