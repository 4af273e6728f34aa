//! Records that satisfy a condition, or one and not another.
//!
//! In: conditions of both rules, their lists. Out: values of fields; the engine has confirmed each. Must not know:
//! chains, times.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::example;
use crate::catalog::Source;
use crate::engine::list::Allowlist;
use crate::engine::predicate::Predicate;
use crate::engine::record::Schema;
use crate::engine::value::Value as Held;
use crate::ir::{FieldTest, List, Pred, Rule, Value};

/// Values by field; a field that is not there is missing.
pub(super) type Fields = BTreeMap<String, Value>;

/// The most alternatives of a condition that are looked at, and records of each.
const MOST_ALTERNATIVES: usize = 64;
const RECORDS: usize = 4;

/// A condition with the lists it counts in, and whether it must hold.
#[derive(Clone, Copy)]
pub(super) struct Wanted<'p> {
    pub(super) pred: &'p Pred,
    pub(super) rule: &'p Rule,
    pub(super) holds: bool,
}

/// A single test that must come out so.
#[derive(Clone, Copy)]
struct Literal<'p> {
    test: &'p FieldTest,
    lists: &'p [List],
    holds: bool,
}

/// Records of a source that satisfy all of `wanted`, different ones.
pub(super) fn records(wanted: &[Wanted<'_>], source: &Source, schema: &Schema) -> Vec<Fields> {
    let mut alternatives: Vec<Vec<Literal<'_>>> = vec![Vec::new()];
    for part in wanted {
        alternatives = product(&alternatives, &literals(part.pred, &part.rule.lists, part.holds));
    }
    let checks: Vec<_> = wanted.iter().filter_map(|part| compiled(part, schema)).collect();
    // What cannot be compiled is another source's.
    if checks.len() != wanted.len() {
        return Vec::new();
    }
    let mut found: Vec<Fields> = Vec::new();
    for alternative in &alternatives {
        for number in 0..RECORDS {
            let Some(fields) = assignment(alternative, wanted, number, source, schema) else { continue };
            let held = values(&fields, schema);
            if checks.iter().all(|(check, holds)| check.holds(&held) == *holds) && !found.contains(&fields) {
                found.push(fields);
            }
        }
    }
    found
}

fn compiled(part: &Wanted<'_>, schema: &Schema) -> Option<(Predicate, bool)> {
    let lists: Vec<_> = part.rule.lists.iter().map(|list| Arc::new(Allowlist::new(list))).collect();
    Some((Predicate::new(part.pred, schema, &lists).ok()?, part.holds))
}

/// The values in order of place.
pub(super) fn values(fields: &Fields, schema: &Schema) -> Vec<Option<Held<'static>>> {
    let mut values = schema.empty();
    for (name, value) in fields {
        if let Some(place) = schema.place(name).and_then(|place| values.get_mut(place)) {
            *place = Held::from_ir(value);
        }
    }
    values
}

/// The alternatives under which a predicate comes out as wanted.
fn literals<'p>(pred: &'p Pred, lists: &'p [List], holds: bool) -> Vec<Vec<Literal<'p>>> {
    match (pred, holds) {
        (Pred::Test(test), _) => vec![vec![Literal { test, lists, holds }]],
        (Pred::Not(inner), _) => literals(inner, lists, !holds),
        (Pred::And(parts), true) | (Pred::Or(parts), false) => {
            let each = parts.iter().map(|part| literals(part, lists, holds));
            each.fold(vec![Vec::new()], |known, more| product(&known, &more))
        }
        (Pred::Or(parts), true) | (Pred::And(parts), false) => {
            let all = parts.iter().flat_map(|part| literals(part, lists, holds));
            all.take(MOST_ALTERNATIVES).collect()
        }
    }
}

fn product<'p>(one: &[Vec<Literal<'p>>], other: &[Vec<Literal<'p>>]) -> Vec<Vec<Literal<'p>>> {
    let pairs = one.iter().flat_map(|left| other.iter().map(move |right| [left.as_slice(), right].concat()));
    pairs.take(MOST_ALTERNATIVES).collect()
}

/// The `number`-th choice of values under which every literal comes out as wanted, as far as one field decides it.
fn assignment(
    alternative: &[Literal<'_>],
    wanted: &[Wanted<'_>],
    number: usize,
    source: &Source,
    schema: &Schema,
) -> Option<Fields> {
    let names: BTreeSet<&str> = alternative
        .iter()
        .flat_map(|literal| literal.test.fields())
        .map(|field| field.name.as_str())
        .collect();
    let mut fields = Fields::new();
    for name in names {
        let def = source.field(name)?;
        let tests = wanted.iter().flat_map(|part| {
            part.pred
                .tests()
                .filter(|test| test.field.name == name)
                .map(|test| (test, part.rule.lists.as_slice()))
        });
        let single = alternative
            .iter()
            .filter(|literal| literal.test.field.name == name && literal.test.other().is_none());
        let checks: Vec<_> = single.filter_map(|literal| check(literal, schema)).collect();
        let passes = |value: Option<&Value>| {
            let held =
                value.map(|value| Fields::from([(name.to_owned(), value.clone())])).unwrap_or_default();
            let held = values(&held, schema);
            checks.iter().all(|(check, holds)| check.holds(&held) == *holds)
        };
        let candidates = example::values(def, tests);
        let mut fitting: Vec<Option<Value>> =
            candidates.into_iter().map(Some).filter(|value| passes(value.as_ref())).collect();
        if passes(None) {
            // Missing is the second choice: it satisfies every negation.
            fitting.insert(fitting.len().min(1), None);
        }
        let choice = fitting.get(number.min(fitting.len().saturating_sub(1)))?.clone();
        fields.extend(choice.map(|value| (name.to_owned(), value)));
    }
    for literal in alternative.iter().filter(|literal| literal.holds) {
        // Two fields of one record: the one follows the other.
        if let Some(other) = literal.test.other() {
            let value = fields.get(&other.name).cloned().unwrap_or_else(|| example::plain(other.ty, 0));
            fields.insert(literal.test.field.name.clone(), value.clone());
            fields.insert(other.name.clone(), value);
        }
    }
    Some(fields)
}

fn check(literal: &Literal<'_>, schema: &Schema) -> Option<(Predicate, bool)> {
    let lists: Vec<_> = literal.lists.iter().map(|list| Arc::new(Allowlist::new(list))).collect();
    Some((Predicate::new(&Pred::Test(literal.test.clone()), schema, &lists).ok()?, literal.holds))
}
