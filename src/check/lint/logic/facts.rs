//! What a set of tests, each to be met or not met by one record, says about its fields.
//!
//! In: tests with the truth wanted of them. Out: whether they exclude each other for certain.
//! Must not know: `and`, `or`.

use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::ops::RangeInclusive;

use ipnet::IpNet;

use crate::catalog::Source;
use crate::ir::{
    Case, Demand as _, FieldTest, List, Networks, Pattern, PatternPart, Place, Range, TestKind, Type, Value,
};

use super::values::{evaluate, fold};

/// Past so many tests of one field, nothing is said about it.
const MOST_TESTS: usize = 200;
/// Past so many candidates for a value, nothing is said.
const MOST_CANDIDATES: usize = 1_000;

/// The tests, by field.
#[derive(Debug, Clone, Default)]
pub(super) struct Facts<'p> {
    fields: BTreeMap<&'p str, FieldFacts<'p>>,
    count: usize,
}

#[derive(Debug, Clone)]
struct FieldFacts<'p> {
    ty: Type,
    /// A test of the field is met, so that it has a value.
    present: bool,
    met: Vec<&'p TestKind>,
    unmet: Vec<&'p TestKind>,
}

impl<'p> Facts<'p> {
    /// Adds a test that is to be met or not.
    pub(super) fn add(&mut self, test: &'p FieldTest, met: bool) {
        self.count += match &test.kind {
            TestKind::Equals { values, .. } => values.len(),
            TestKind::InNetworks { networks } => networks.len(),
            TestKind::Exists
            | TestKind::InList { .. }
            | TestKind::Order { .. }
            | TestKind::Like { .. }
            | TestKind::Substring { .. }
            | TestKind::Matches { .. }
            | TestKind::SameAs { .. }
            | TestKind::TextOf { .. }
            | TestKind::Values(_) => 1,
        };
        let facts = self.field(&test.field.name, test.field.ty);
        facts.present |= met;
        if met { &mut facts.met } else { &mut facts.unmet }.push(&test.kind);
        // `f == g` holds only where both are present.
        if let (Some(other), true) = (test.other(), met) {
            self.field(&other.name, other.ty).present = true;
        }
    }

    fn field(&mut self, name: &'p str, ty: Type) -> &mut FieldFacts<'p> {
        self.fields.entry(name).or_insert_with(|| FieldFacts {
            ty,
            present: false,
            met: vec![],
            unmet: vec![],
        })
    }

    /// Roughly what [`Self::consistent`] costs.
    pub(super) fn cost(&self) -> usize {
        self.count
    }

    /// Whether a record may meet them all: `false` is certain, `true` is not.
    pub(super) fn consistent(&self, source: Option<&Source>, lists: &[&List]) -> bool {
        self.fields.iter().all(|(name, facts)| {
            let values = source.and_then(|source| source.field(name)).map_or(&[][..], |field| &field.values);
            facts.consistent(values, lists)
        })
    }
}

impl FieldFacts<'_> {
    fn consistent(&self, values: &[String], lists: &[&List]) -> bool {
        // Nothing has to be met here, so a record that lacks the field satisfies the rest: a missing field meets no
        // test.
        if !self.present || self.met.len() + self.unmet.len() > MOST_TESTS {
            return true;
        }
        if self.unmet.iter().any(|unmet| self.met.iter().any(|met| implies(met, unmet))) {
            return false;
        }
        if self.unmet.iter().any(|unmet| always_met(unmet)) {
            return false;
        }
        // One test that lists its values is enough: the others are asked of each of them.
        if let Some(candidates) = self.candidates(values) {
            return candidates.len() > MOST_CANDIDATES
                || candidates.iter().any(|value| self.admits(value, lists));
        }
        match self.ty {
            Type::Int | Type::Time | Type::Float => self.range(lists),
            Type::Ip => self.networks(lists),
            Type::String => self.texts(),
            Type::Bool => true,
        }
    }

    /// Whether the value meets what is to be met and does not meet the rest, as far as can be told.
    fn admits(&self, value: &Value, lists: &[&List]) -> bool {
        self.met.iter().all(|kind| evaluate(kind, value, lists) != Some(false))
            && self.unmet.iter().all(|kind| evaluate(kind, value, lists) != Some(true))
    }

    /// All values the field can have, if they are few.
    fn candidates(&self, values: &[String]) -> Option<Vec<Value>> {
        let listed = self.met.iter().find_map(|kind| kind.exact_values());
        if let Some(listed) = listed {
            return Some(listed.into_owned());
        }
        match self.ty {
            Type::Bool => Some(vec![Value::Bool(true), Value::Bool(false)]),
            Type::String if !values.is_empty() => Some(values.iter().cloned().map(Value::String).collect()),
            Type::String | Type::Int | Type::Float | Type::Ip | Type::Time => None,
        }
    }

    /// Numbers and timestamps: the interval that all orderings leave.
    fn range(&self, lists: &[&List]) -> bool {
        let kinds =
            self.met.iter().map(|kind| (kind, true)).chain(self.unmet.iter().map(|kind| (kind, false)));
        let orders = kinds.filter_map(|(kind, met)| match kind {
            TestKind::Order { op, value } => Some(Range::ordered(*op, value, met)),
            TestKind::Exists
            | TestKind::Equals { .. }
            | TestKind::InNetworks { .. }
            | TestKind::InList { .. }
            | TestKind::Like { .. }
            | TestKind::Substring { .. }
            | TestKind::Matches { .. }
            | TestKind::SameAs { .. }
            | TestKind::TextOf { .. }
            | TestKind::Values(_) => None,
        });
        match Left::of(orders.fold(Range::default(), Range::both)) {
            Left::Nothing => false,
            Left::One(value) => self.admits(value, lists),
            Left::Many => true,
            Left::Few(mut numbers) => numbers.any(|number| self.admits(&Value::Int(number), lists)),
        }
    }

    /// Addresses: the networks that all tests leave.
    fn networks(&self, lists: &[&List]) -> bool {
        let of = |kinds: &[&TestKind]| -> Vec<Networks> {
            kinds.iter().filter_map(|kind| networks_of(kind, lists)).map(Networks).collect()
        };
        let met = of(&self.met);
        // What is not known or too long is left out on both sides: then more addresses seem possible, never fewer.
        let excluded = Networks::any(of(&self.unmet));
        met.is_empty() || !Networks::all(met).lie_in(&excluded.0)
    }

    /// Texts: whether beginnings or endings exclude each other, and whether a set without case has a member left.
    fn texts(&self) -> bool {
        let edges =
            |of: fn(&TestKind) -> Option<(&str, Case)>| self.met.iter().filter_map(move |kind| of(kind));
        let starts: Vec<_> = edges(prefix).collect();
        let ends: Vec<_> = edges(suffix).collect();
        let apart = |all: &[(&str, Case)], fits: fn(&str, &str) -> bool| {
            all.iter().any(|one| all.iter().any(|other| exclude(*one, *other, fits)))
        };
        // `starts_with "ab"` and `starts_with "a"` agree; `"ab"` and `"b"` exclude each other.
        if apart(&starts, |long, short| long.starts_with(short))
            || apart(&ends, |long, short| long.ends_with(short))
        {
            return false;
        }
        let without_case = self.met.iter().find_map(|kind| match kind {
            TestKind::Equals { values, case: Case::Ignore } => Some(values),
            TestKind::Equals { .. }
            | TestKind::Exists
            | TestKind::InNetworks { .. }
            | TestKind::InList { .. }
            | TestKind::Order { .. }
            | TestKind::Like { .. }
            | TestKind::Substring { .. }
            | TestKind::Matches { .. }
            | TestKind::SameAs { .. }
            | TestKind::TextOf { .. }
            | TestKind::Values(_) => None,
        });
        // Only tests without case say something about a value whose case is open.
        let open = |kind: &&&TestKind| case_of(kind) == Some(Case::Ignore);
        without_case.is_none_or(|values| {
            values.iter().any(|value| {
                self.met.iter().filter(open).all(|kind| evaluate(kind, value, &[]) != Some(false))
                    && self.unmet.iter().filter(open).all(|kind| evaluate(kind, value, &[]) != Some(true))
            })
        })
    }
}

fn case_of(kind: &TestKind) -> Option<Case> {
    match kind {
        TestKind::Equals { case, .. } | TestKind::Like { case, .. } | TestKind::Substring { case, .. } => {
            Some(*case)
        }
        TestKind::Exists
        | TestKind::InNetworks { .. }
        | TestKind::InList { .. }
        | TestKind::Order { .. }
        | TestKind::Matches { .. }
        | TestKind::SameAs { .. }
        | TestKind::TextOf { .. }
        | TestKind::Values(_) => None,
    }
}

/// The networks a test asks for, if they are known and few.
fn networks_of(kind: &TestKind, lists: &[&List]) -> Option<Vec<IpNet>> {
    kind.networks(lists).filter(|networks| networks.len() <= MOST_CANDIDATES)
}

/// A test that every present value meets.
fn always_met(kind: &TestKind) -> bool {
    match kind {
        TestKind::Exists => true,
        TestKind::Like { pattern, .. } => pattern.matches_everything(),
        TestKind::Equals { .. }
        | TestKind::InNetworks { .. }
        | TestKind::InList { .. }
        | TestKind::Order { .. }
        | TestKind::Substring { .. }
        | TestKind::Matches { .. }
        | TestKind::SameAs { .. }
        | TestKind::TextOf { .. }
        | TestKind::Values(_) => false,
    }
}

/// Whether a value that meets `met` meets `other` for certain.
fn implies(met: &TestKind, other: &TestKind) -> bool {
    match (met, other) {
        (TestKind::SameAs { other: one }, TestKind::SameAs { other } | TestKind::TextOf { other, .. }) => {
            one.name == other.name
        }
        (
            TestKind::TextOf { place: known, other: one, case },
            TestKind::TextOf { place, other, case: asked },
        ) => {
            let is_there = known == place || known.is_none() || *place == Some(Place::Anywhere);
            one.name == other.name && is_there && (case == asked || *asked == Case::Ignore)
        }
        (TestKind::Like { pattern: narrow, case: a }, TestKind::Like { pattern: broad, case: b })
            if a == b =>
        {
            met == other || (*a == Case::Sensitive && broad.covers(narrow))
        }
        (_, TestKind::Substring { place, text, case }) => met == other || has_text(met, *place, text, *case),
        _ => met == other,
    }
}

/// Whether a value that meets `met` has the text at the place.
fn has_text(met: &TestKind, place: Place, text: &str, case: Case) -> bool {
    let known = match place {
        Place::Start => prefix(met),
        Place::End => suffix(met),
        Place::Anywhere => {
            prefix(met).filter(|(known, _)| known.contains(text)).or_else(|| suffix(met)).or({
                if let TestKind::Substring { text, case, .. } = met {
                    Some((text.as_str(), *case))
                } else {
                    None
                }
            })
        }
    };
    let Some((known, known_case)) = known else { return false };
    let has = |known: &str, text: &str| match place {
        Place::Start => known.starts_with(text),
        Place::End => known.ends_with(text),
        Place::Anywhere => known.contains(text),
    };
    match (known_case, case) {
        (Case::Sensitive, Case::Sensitive) => has(known, text),
        // A known text with its case implies one without; the reverse would say too much.
        (_, Case::Ignore) => fold(known).zip(fold(text)).is_some_and(|(known, text)| has(&known, &text)),
        (Case::Ignore, Case::Sensitive) => false,
    }
}

/// The text a value that meets the test begins with.
fn prefix(kind: &TestKind) -> Option<(&str, Case)> {
    match kind {
        TestKind::Substring { place: Place::Start, text, case } => Some((text, *case)),
        TestKind::Like { pattern, case } => edge(pattern.parts.first(), *case),
        TestKind::Exists
        | TestKind::Equals { .. }
        | TestKind::InNetworks { .. }
        | TestKind::InList { .. }
        | TestKind::Order { .. }
        | TestKind::Substring { .. }
        | TestKind::Matches { .. }
        | TestKind::SameAs { .. }
        | TestKind::TextOf { .. }
        | TestKind::Values(_) => None,
    }
}

/// The text a value that meets the test ends with.
fn suffix(kind: &TestKind) -> Option<(&str, Case)> {
    match kind {
        TestKind::Substring { place: Place::End, text, case } => Some((text, *case)),
        TestKind::Like { pattern: Pattern { parts }, case } => edge(parts.last(), *case),
        TestKind::Exists
        | TestKind::Equals { .. }
        | TestKind::InNetworks { .. }
        | TestKind::InList { .. }
        | TestKind::Order { .. }
        | TestKind::Substring { .. }
        | TestKind::Matches { .. }
        | TestKind::SameAs { .. }
        | TestKind::TextOf { .. }
        | TestKind::Values(_) => None,
    }
}

fn edge(part: Option<&PatternPart>, case: Case) -> Option<(&str, Case)> {
    match part? {
        PatternPart::Text(text) => Some((text, case)),
        PatternPart::Any | PatternPart::One => None,
    }
}

/// Whether no value can have both edges.
fn exclude(one: (&str, Case), other: (&str, Case), fits: fn(&str, &str) -> bool) -> bool {
    let apart = |a: &str, b: &str| !fits(a, b) && !fits(b, a);
    if one.1 == Case::Sensitive && other.1 == Case::Sensitive {
        return apart(one.0, other.0);
    }
    fold(one.0).zip(fold(other.0)).is_some_and(|(one, other)| apart(&one, &other))
}

/// What an interval leaves.
enum Left<'v> {
    Nothing,
    One(&'v Value),
    Few(RangeInclusive<i64>),
    Many,
}

impl<'v> Left<'v> {
    fn of(range: Range<'v>) -> Self {
        // Integers have no others between neighbours.
        if let Some(numbers) = range.integers() {
            if numbers.is_empty() {
                return Self::Nothing;
            }
            return match numbers.end().checked_sub(*numbers.start()) {
                // Few enough to try one by one: `n > 1 and n < 4 and n != 2 and n != 3` is found out, wide ranges are
                // not.
                Some(width) if width < 64 => Self::Few(numbers),
                Some(_) | None => Self::Many,
            };
        }
        let (Some((low, low_in)), Some((high, high_in))) = (range.low, range.high) else { return Self::Many };
        match low.compare(high) {
            Some(Ordering::Equal) if low_in && high_in => Self::One(low),
            Some(Ordering::Equal | Ordering::Greater) => Self::Nothing,
            Some(Ordering::Less) | None => Self::Many,
        }
    }
}
