//! The meaning of a rule, written down a second time: nested search over all tuples of records, predicates read
//! straight from the IR. Slow, and shares nothing with the engine but its records.

use std::collections::HashMap;

use catena::engine::alert::Alert;
use catena::engine::record::Record;
use catena::engine::value::Value;
use catena::ir::{
    self, Case, EntryValue, FieldTest, Key, Link, OrderOp, Pattern, PatternPart, Place, Pred, Rule, TestKind,
};

/// Every record that ends a chain, with the latest start, in the engine's order.
pub(super) fn alerts(rule: &Rule, records: &[Record]) -> Vec<(usize, i64)> {
    let steps = 0..rule.chain.steps.len();
    let matching: Vec<Vec<&Record>> =
        steps.map(|step| records.iter().filter(|record| satisfies(rule, step, record)).collect()).collect();
    let mut order: Vec<usize> = (0..records.len()).collect();
    order.sort_by(|left, right| records[*left].order(&records[*right]));
    let last = rule.chain.steps.len() - 1;
    let mut out = Vec::new();
    for index in order {
        let mut best = None;
        if satisfies(rule, last, &records[index]) {
            search(rule, &matching, &mut vec![&records[index]], &mut best);
        }
        out.extend(best.map(|start| (index, start)));
    }
    out
}

/// Tries every record in front of `tail`, which holds the end of a chain in reverse.
fn search<'r>(rule: &Rule, matching: &[Vec<&'r Record>], tail: &mut Vec<&'r Record>, best: &mut Option<i64>) {
    let first = tail[tail.len() - 1];
    let Some(step) = (rule.chain.steps.len() - tail.len()).checked_sub(1) else {
        if tail[0].time - first.time <= micros(rule.chain.total) {
            *best = (*best).max(Some(first.time));
        }
        return;
    };
    for record in &matching[step] {
        if neighbours(&rule.chain.links[step], record, first) {
            tail.push(record);
            search(rule, matching, tail, best);
            tail.pop();
        }
    }
}

/// The evidence by its documented rule: of the predecessors with the latest start the latest, then the first in the
/// order of records.
pub(super) fn evidence<'r>(rule: &Rule, records: &'r [Record], last: &'r Record) -> Vec<&'r Record> {
    best_path(rule, records, rule.chain.steps.len() - 1, last).expect("it alerts")
}

fn best_path<'r>(
    rule: &Rule,
    records: &'r [Record],
    step: usize,
    record: &'r Record,
) -> Option<Vec<&'r Record>> {
    let Some(before) = step.checked_sub(1) else { return Some(vec![record]) };
    let links = |earlier: &&Record| {
        satisfies(rule, before, earlier) && neighbours(&rule.chain.links[before], earlier, record)
    };
    let paths = records.iter().filter(links).filter_map(|earlier| best_path(rule, records, before, earlier));
    let mut best = paths.max_by(|left, right| {
        let (a, b) = (left[before], right[before]);
        (left[0].time, a.time).cmp(&(right[0].time, b.time)).then_with(|| b.order(a))
    })?;
    best.push(record);
    Some(best)
}

/// Section 2 of the design, rule 4, word for word.
pub(super) fn is_chain(rule: &Rule, path: &[&Record]) -> bool {
    let chain = &rule.chain;
    path.len() == chain.steps.len()
        && path.iter().enumerate().all(|(step, record)| satisfies(rule, step, record))
        && chain.links.iter().zip(path.windows(2)).all(|(link, pair)| neighbours(link, pair[0], pair[1]))
        && path[path.len() - 1].time - path[0].time <= micros(chain.total)
}

fn neighbours(link: &Link, left: &Record, right: &Record) -> bool {
    left.event != right.event
        && left.time <= right.time
        && right.time <= left.time + micros(link.gap)
        && link.keys.iter().all(|key| linked(key, left, right))
}

pub(super) fn micros(window: ir::Window) -> i64 {
    i64::try_from(window.seconds).unwrap() * 1_000_000
}

pub(super) fn linked(key: &Key, left: &Record, right: &Record) -> bool {
    matches!((left.get(&key.left.name), right.get(&key.right.name)), (Some(left), Some(right)) if equal(left, right))
}

fn satisfies(rule: &Rule, step: usize, record: &Record) -> bool {
    let step = &rule.chain.steps[step];
    record.schema.source() == step.main.source.node
        && holds(rule, &step.main.filter, record)
        && step.main.excepts.iter().all(|except| !holds(rule, except, record))
}

pub(super) fn holds(rule: &Rule, pred: &Pred, record: &Record) -> bool {
    match pred {
        Pred::And(parts) => parts.iter().all(|part| holds(rule, part, record)),
        Pred::Or(parts) => parts.iter().any(|part| holds(rule, part, record)),
        Pred::Not(inner) => !holds(rule, inner, record),
        Pred::Test(asked) => {
            record.get(&asked.field.name).is_some_and(|value| passes(rule, asked, value, record))
        }
    }
}

fn passes(rule: &Rule, asked: &FieldTest, value: &Value<'_>, record: &Record) -> bool {
    let text = value.to_string();
    let cased =
        |text: &str, case: Case| if case == Case::Ignore { text.to_lowercase() } else { text.to_owned() };
    match &asked.kind {
        TestKind::Exists => true,
        TestKind::Equals { values, case } => values.iter().any(|wanted| {
            let wanted = Value::from_ir(wanted).unwrap();
            equal(&wanted, value)
                || (*case == Case::Ignore && cased(&wanted.to_string(), *case) == cased(&text, *case))
        }),
        TestKind::InNetworks { networks } => networks.iter().any(|network| contains(network, value)),
        TestKind::InList { list, case: _ } => {
            rule.lists[*list].entries.iter().any(|entry| match &entry.value {
                EntryValue::Pattern(pattern) => {
                    matches!(value, Value::Text(_)) && like(&pattern.parts, &text)
                }
                EntryValue::Network(network) => contains(network, value),
                EntryValue::Value(wanted) => equal(&Value::from_ir(wanted).unwrap(), value),
            })
        }
        TestKind::Order { op, value: bound } => {
            let (left, right) = (number(value), number(&Value::from_ir(bound).unwrap()));
            match op {
                OrderOp::Less => left < right,
                OrderOp::LessEqual => left <= right,
                OrderOp::Greater => left > right,
                OrderOp::GreaterEqual => left >= right,
            }
        }
        TestKind::Like { pattern, case } => {
            let Pattern { parts } = Pattern::parse(&cased(&notation(pattern), *case)).unwrap();
            like(&parts, &cased(&text, *case))
        }
        TestKind::Substring { place, text: part, case } => {
            let (text, part) = (cased(&text, *case), cased(part, *case));
            match place {
                Place::Anywhere => text.contains(&part),
                Place::Start => text.starts_with(&part),
                Place::End => text.ends_with(&part),
            }
        }
        TestKind::Matches { regex } => {
            // The meaning of ASCII, by another way than the program takes.
            let mut ascii = regex::bytes::RegexBuilder::new(regex.written());
            ascii.unicode(false).build().unwrap().is_match(text.as_bytes())
        }
        TestKind::SameAs { other } => record.get(&other.name).is_some_and(|other| equal(value, other)),
    }
}

fn equal(left: &Value<'_>, right: &Value<'_>) -> bool {
    match (left, right) {
        (Value::Int(_) | Value::Float(_), Value::Int(_) | Value::Float(_)) => {
            number(left).partial_cmp(&number(right)) == Some(std::cmp::Ordering::Equal)
        }
        (
            Value::Text(_)
            | Value::Int(_)
            | Value::Float(_)
            | Value::Bool(_)
            | Value::Time(_)
            | Value::Ip(_)
            | Value::AltSpelling(_)
            | Value::Many(_),
            _,
        ) => left == right,
    }
}

fn number(value: &Value<'_>) -> f64 {
    match value {
        Value::Int(number) => i32::try_from(*number).unwrap().into(),
        Value::Float(number) => *number,
        Value::Text(_)
        | Value::Bool(_)
        | Value::Time(_)
        | Value::Ip(_)
        | Value::AltSpelling(_)
        | Value::Many(_) => {
            panic!("the scenarios order numbers only")
        }
    }
}

fn contains(network: &ipnet::IpNet, value: &Value<'_>) -> bool {
    matches!(value, Value::Ip(address) if network.contains(address))
}

fn notation(pattern: &Pattern) -> String {
    let part = |part: &PatternPart| match part {
        PatternPart::Text(text) => text.clone(),
        PatternPart::Any => "*".to_owned(),
        PatternPart::One => "?".to_owned(),
    };
    pattern.parts.iter().map(part).collect()
}

fn like(parts: &[PatternPart], text: &str) -> bool {
    match parts.split_first() {
        None => text.is_empty(),
        Some((PatternPart::Text(fixed), rest)) => {
            text.strip_prefix(fixed.as_str()).is_some_and(|text| like(rest, text))
        }
        Some((PatternPart::One, rest)) => {
            let mut chars = text.chars();
            chars.next().is_some() && like(rest, chars.as_str())
        }
        Some((PatternPart::Any, rest)) => {
            let tails = text.char_indices().map(|(at, _)| &text[at..]).chain([""]);
            tails.into_iter().any(|tail| like(rest, tail))
        }
    }
}

/// De-duplication by looking back at every kept alert.
pub(super) fn deduped(rule: &Rule, records: &[Record], found: &[Alert]) -> Vec<usize> {
    let Some(dedupe) = &rule.alert.dedupe else {
        return found.iter().map(|alert| *alert.records.last().unwrap()).collect();
    };
    let key = |alert: &Alert| -> Vec<String> {
        let value = |field: &ir::StepField| {
            format!("{:?}", records[alert.records[field.step]].get(&field.field.name))
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

/// Whether some pair of neighbours would be linked but for being of one event.
pub(super) fn event_could_chain_itself(rule: &Rule, records: &[Record]) -> bool {
    rule.chain.links.iter().enumerate().any(|(at, link)| {
        records.iter().filter(|left| satisfies(rule, at, left)).any(|left| {
            records.iter().any(|right| {
                left.event == right.event
                    && satisfies(rule, at + 1, right)
                    && link.keys.iter().all(|key| linked(key, left, right))
            })
        })
    })
}

pub(super) fn show(record: &Record) -> String {
    let fields: Vec<String> = record.present().map(|(name, value)| format!("{name}: {value}")).collect();
    format!("{} {} {:?} {{ {} }}", record.schema.source(), record.time, record.event, fields.join(", "))
}
