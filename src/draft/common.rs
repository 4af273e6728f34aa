//! What the events of a step have in common, and what neighbours share.
//!
//! In: the records of one step, or of two neighbours, of every incident. Out: tests and links, the best first. Must not
//! know: other steps, text.
//!
//! A value that all incidents have says something about the step if it is of a kind that a rule asks for. One that
//! names somebody or something (an address, an id) would only describe these incidents.

use crate::catalog::{Catalog, FieldDef, Source};
use crate::engine::record::Record;
use crate::engine::value::{Atom, Value};
use crate::ir::{ACTION, PROVIDER, Type};

/// A field that has one value.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Test {
    pub(super) field: String,
    pub(super) value: Value<'static>,
}

/// A field of a step, and one of the step after it that has its value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Link {
    pub(super) left: String,
    pub(super) right: String,
}

/// The longest text that is asked for.
const LONGEST: usize = 100;

/// What the records of a step have in common: what a rule asks for, and what it could ask for as well.
pub(super) fn tests(records: &[&Record], source: &Source) -> (Vec<Test>, Vec<Test>) {
    let Some((first, others)) = records.split_first() else { return (Vec::new(), Vec::new()) };
    let same = |(field, value): &(&str, &Value<'static>)| {
        others.iter().all(|other| other.get(field).is_some_and(|other| other.atom() == value.atom()))
    };
    let (mut asked, mut spare) = (Vec::new(), Vec::new());
    for (field, value) in first.present().filter(same) {
        let Some(known) = source.field(field) else { continue };
        let test = Test { field: field.to_owned(), value: value.clone() };
        match worth(known, value) {
            Some(worth) => asked.push((worth, test)),
            None if could_be_asked(known, value) => spare.push(test),
            None => {}
        }
    }
    asked.sort_by_key(|(worth, _)| *worth);
    (asked.into_iter().map(|(_, test)| test).collect(), spare)
}

/// The order in which a rule asks for a field whose value says what the event is; `None` if it does not.
fn worth(known: &FieldDef, value: &Value<'_>) -> Option<u8> {
    if known.many {
        return None;
    }
    match known.name.as_str() {
        PROVIDER => return Some(0),
        ACTION => return Some(1),
        "event.outcome" => return Some(2),
        _ => {}
    }
    let low_port = known.name == "destination.port" && matches!(value, Value::Int(port) if *port < 1024);
    match known.ty {
        Type::Bool => Some(4),
        Type::String => (!known.values.is_empty()).then_some(3),
        Type::Int => low_port.then_some(5),
        Type::Float | Type::Ip | Type::Time => None,
    }
}

/// Whether a field says what the event is about rather than whose it is.
fn could_be_asked(known: &FieldDef, value: &Value<'_>) -> bool {
    let names_something = ["id", "arn", "ip", "eni", "mac", "hash", "name", "time", "key"];
    let last = known.name.rsplit(['.', '_']).next().unwrap_or_default();
    let is_short = match value {
        Value::Text(text) => text.chars().count() <= LONGEST,
        Value::Int(_) => true,
        Value::Float(_)
        | Value::Bool(_)
        | Value::Time(_)
        | Value::Ip(_)
        | Value::AltSpelling(_)
        | Value::Many(_) => false,
    };
    !known.many && is_short && !names_something.contains(&last) && !last.ends_with("port")
}

/// The fields that join neighbours, the best first; `both` are the neighbours of each incident.
pub(super) fn links(both: &[(&Record, &Record)], catalog: &Catalog) -> Vec<Link> {
    let Some((first_left, first_right)) = both.first() else { return Vec::new() };
    let of = |record: &Record| catalog.source(record.schema.source());
    let (Some(left_source), Some(right_source)) = (of(first_left), of(first_right)) else {
        return Vec::new();
    };
    let mut found = Vec::new();
    for (left, value) in first_left.present() {
        let Some(left_known) = left_source.field(left).filter(|known| may_join(known, value)) else {
            continue;
        };
        for (right, other) in first_right.present() {
            let known = right_source.field(right).filter(|known| may_join(known, other));
            let Some(right_known) = known.filter(|known| known.ty == left_known.ty) else { continue };
            let values = |(one, another): &(&Record, &Record)| -> Option<Atom> {
                let (one, another) = (one.get(left)?.key(), another.get(right)?.key());
                (one == another).then_some(one)
            };
            let Some(values) = both.iter().map(values).collect::<Option<Vec<Atom>>>() else { continue };
            let differ = values.iter().any(|one| Some(one) != values.first());
            let score = score(left_known, right_known, differ);
            found.push((score, Link { left: left.to_owned(), right: right.to_owned() }));
        }
    }
    found.sort_by(|(score, link), (other, than)| {
        other.cmp(score).then_with(|| (&link.left, &link.right).cmp(&(&than.left, &than.right)))
    });
    // Of two links with a field in common the better one.
    let mut kept: Vec<Link> = Vec::new();
    for (_, link) in found {
        if kept.iter().all(|other| other.left != link.left && other.right != link.right) {
            kept.push(link);
        }
    }
    kept
}

/// Whether a field names somebody or something.
fn may_join(known: &FieldDef, value: &Value<'_>) -> bool {
    let is_name = match value {
        Value::Text(text) => text.chars().count() > 2,
        Value::Ip(_) => true,
        Value::AltSpelling(_)
        | Value::Int(_)
        | Value::Float(_)
        | Value::Bool(_)
        | Value::Time(_)
        | Value::Many(_) => false,
    };
    let says_what = known.name.starts_with("event.") || known.name.ends_with("region");
    is_name && !known.many && known.values.is_empty() && !says_what
}

/// How good a link is. What differs from incident to incident and is equal within each joins for a reason.
fn score(left: &FieldDef, right: &FieldDef, differ: bool) -> i32 {
    let last = |known: &FieldDef| known.name.rsplit('.').next().map(str::to_owned);
    let is_id = |known: &FieldDef| matches!(last(known).as_deref(), Some("id" | "eni"));
    // The account that holds everything joins everything.
    let is_coarse = left.name.starts_with("cloud.") || right.name.starts_with("cloud.");
    let points = [
        (4, differ),
        (2, left.name == right.name),
        (1, is_id(left) && is_id(right)),
        (1, left.name == "actor.id"),
        (-3, left.weak_key.is_some() || right.weak_key.is_some()),
        (-3, is_coarse),
    ];
    points.into_iter().filter(|(_, holds)| *holds).map(|(points, _)| points).sum()
}
