//! Records that satisfy a condition, or one and not another.
//!
//! In: conditions of both rules, their lists. Out: values of fields; the engine has confirmed each. Must not know:
//! chains, times.

use std::borrow::Cow;
use std::collections::BTreeSet;

use super::example;
use super::fields::{Fields, Held, other_case, typed};
use super::pair::Side;
use crate::catalog::{FieldDef, Source};
use crate::engine::predicate::Predicate;
use crate::engine::record::Schema;
use crate::ir::{FieldTest, Place, Pred, Value};

/// The most alternatives of a condition that are looked at, records of each, and records of all.
const MOST_ALTERNATIVES: usize = 64;
const RECORDS: usize = 6;
const MOST: usize = 48;

/// A condition with the rule whose lists it asks, and whether it must hold.
#[derive(Debug, Clone)]
pub(super) struct Wanted<'p> {
    pub(super) pred: Cow<'p, Pred>,
    pub(super) side: &'p Side<'p>,
    pub(super) holds: bool,
}

/// A single test that must come out so.
#[derive(Clone, Copy)]
struct Literal<'p> {
    test: &'p FieldTest,
    side: &'p Side<'p>,
    holds: bool,
}

/// Conditions, ready to be asked of records of a source.
pub(super) struct Checks(Vec<(Predicate, bool)>);

impl Checks {
    /// `None` if one of them is about another source.
    pub(super) fn new(wanted: &[Wanted<'_>], schema: &Schema) -> Option<Self> {
        let check = |part: &Wanted<'_>| {
            Some((Predicate::new(&part.pred, schema, &part.side.lists).ok()?, part.holds))
        };
        Some(Self(wanted.iter().map(check).collect::<Option<_>>()?))
    }

    /// Whether all come out as wanted.
    pub(super) fn hold(&self, fields: &Fields, schema: &Schema) -> bool {
        let values = typed(fields, schema);
        self.0.iter().all(|(check, holds)| check.holds(&values) == *holds)
    }
}

/// Records of a source that satisfy all of `wanted`, different ones.
pub(super) fn records(wanted: &[Wanted<'_>], source: &Source, schema: &Schema) -> Vec<Fields> {
    let Some(checks) = Checks::new(wanted, schema) else { return Vec::new() };
    let mut alternatives: Vec<Vec<Literal<'_>>> = vec![Vec::new()];
    for part in wanted {
        alternatives = product(&alternatives, &literals(&part.pred, part.side, part.holds));
    }
    let mut found: Vec<Fields> = Vec::new();
    // The first record of every alternative, then the second of each.
    for number in 0..RECORDS {
        for alternative in &alternatives {
            let Some(fields) = assignment(alternative, wanted, number, source, schema) else { continue };
            if found.len() < MOST && checks.hold(&fields, schema) && !found.contains(&fields) {
                found.push(fields);
            }
        }
    }
    found
}

/// The alternatives under which a predicate comes out as wanted.
fn literals<'p>(pred: &'p Pred, side: &'p Side<'p>, holds: bool) -> Vec<Vec<Literal<'p>>> {
    match (pred, holds) {
        (Pred::Test(test), _) => vec![vec![Literal { test, side, holds }]],
        (Pred::Not(inner), _) => literals(inner, side, !holds),
        (Pred::And(parts), true) | (Pred::Or(parts), false) => {
            let each = parts.iter().map(|part| literals(part, side, holds));
            each.fold(vec![Vec::new()], |known, more| product(&known, &more))
        }
        (Pred::Or(parts), true) | (Pred::And(parts), false) => {
            let all = parts.iter().flat_map(|part| literals(part, side, holds));
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
        let held = choice(source.field(name)?, alternative, wanted, number, schema)?;
        fields.extend(held.map(|held| (name.to_owned(), held)));
    }
    // What departs from a text comes first: what follows one has the last word.
    for holds in [false, true] {
        let literals = alternative.iter().filter(|literal| literal.holds == holds);
        literals.for_each(|literal| relate(literal, number, &mut fields, source));
    }
    Some(fields)
}

/// The tests of a field in conditions.
pub(super) fn tests_of<'w>(
    name: &'w str,
    wanted: &'w [Wanted<'_>],
) -> impl Iterator<Item = (&'w FieldTest, &'w Side<'w>)> {
    let of_field = move |test: &&FieldTest| test.field.name == name;
    wanted.iter().flat_map(move |part| part.pred.tests().filter(of_field).map(|test| (test, part.side)))
}

/// What a field holds, if it has a value.
type Content = Option<Held>;

/// The `number`-th choice of what a field holds; `None` if nothing fits.
fn choice(
    def: &FieldDef,
    alternative: &[Literal<'_>],
    wanted: &[Wanted<'_>],
    number: usize,
    schema: &Schema,
) -> Option<Content> {
    let name = def.name.as_str();
    let is_single =
        |literal: &&Literal<'_>| literal.test.field.name == name && literal.test.other().is_none();
    let single = alternative.iter().filter(is_single);
    let single: Vec<_> = single
        .map(|literal| Wanted {
            pred: Cow::Owned(Pred::Test(literal.test.clone())),
            side: literal.side,
            holds: literal.holds,
        })
        .collect();
    let checks = Checks::new(&single, schema)?;
    let passes = |held: Option<&Held>| {
        let fields = held.map(|held| Fields::from([(name.to_owned(), held.clone())])).unwrap_or_default();
        checks.hold(&fields, schema)
    };
    let candidates = example::held(def, tests_of(name, wanted));
    let mut fitting: Vec<_> = candidates.into_iter().filter(|held| passes(Some(held))).map(Some).collect();
    if passes(None) {
        // Missing is the second choice: it satisfies every negation.
        fitting.insert(fitting.len().min(1), None);
    }
    fitting.get(number.min(fitting.len().saturating_sub(1))).cloned()
}

/// Two fields of one record: the one follows the other, in the `number`-th way.
fn relate(literal: &Literal<'_>, number: usize, fields: &mut Fields, source: &Source) {
    let test = literal.test;
    let Some((other, place)) = test.kind.compared() else { return };
    let (Some(own_def), Some(other_def)) = (source.field(&test.field.name), source.field(&other.name)) else {
        return;
    };
    let held = fields.get(&other.name).or_else(|| fields.get(&test.field.name));
    let value = held.and_then(|held| held.values().first().cloned());
    let value = value.unwrap_or_else(|| example::plain(other.ty, 0));
    let own = match (&value, literal.holds) {
        (Value::String(whole), true) => Value::String(follows(whole, place, number)),
        (Value::String(whole), false) => Value::String(departs(whole, place, number)),
        (_, true) => value.clone(),
        (_, false) => example::plain(other.ty, 55),
    };
    fields.insert(other.name.clone(), Held::of(other_def, value));
    fields.insert(test.field.name.clone(), Held::of(own_def, own));
}

/// A text that has another one where it is to be.
fn follows(text: &str, place: Option<Place>, number: usize) -> String {
    let text = if number % 2 == 1 { other_case(text) } else { text.to_owned() };
    match place {
        None => text,
        Some(_) if number < 2 => text,
        Some(Place::Anywhere) => format!("x{text}x"),
        Some(Place::Start) => format!("{text}x"),
        Some(Place::End) => format!("x{text}"),
    }
}

/// A text that has another one nowhere, or elsewhere.
fn departs(text: &str, place: Option<Place>, number: usize) -> String {
    match (number, place) {
        (0, _) => other_case(text),
        (1, _) => "y".to_owned(),
        (2, Some(Place::Start)) => format!("x{text}"),
        (2, _) => format!("{text}x"),
        (3, _) => format!("x{text}x"),
        (_, _) => format!("x{text}"),
    }
}
