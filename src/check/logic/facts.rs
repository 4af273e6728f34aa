//! What a set of tests, each to be met or not met by one record, says about its fields.
//!
//! In: tests with the truth wanted of them. Out: whether they exclude each other for certain.
//! Must not know: `and`, `or`.

use std::collections::BTreeMap;

use ipnet::IpNet;

use crate::catalog::Source;
use crate::ir::{
    Case, EntryValue, FieldTest, List, OrderOp, Pattern, PatternPart, Place, TestKind, Type, Value,
};

use super::super::glob;
use super::values::{evaluate, fold};

/// Past so many tests of one field, nothing is said about it.
const MOST_TESTS: usize = 200;
/// Past so many pairs of networks, nothing is said about them.
const MOST_PAIRS: usize = 10_000;
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
            | TestKind::SameAs { .. } => 1,
        };
        let facts = self.field(&test.field.name, test.field.ty);
        facts.present |= met;
        if met { &mut facts.met } else { &mut facts.unmet }.push(&test.kind);
        if let (TestKind::SameAs { other }, true) = (&test.kind, met) {
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
        if !self.present || self.met.len() + self.unmet.len() > MOST_TESTS {
            return true;
        }
        if self.unmet.iter().any(|unmet| self.met.iter().any(|met| implies(met, unmet))) {
            return false;
        }
        if self.unmet.iter().any(|unmet| always_met(unmet)) {
            return false;
        }
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
        let listed = self.met.iter().find_map(|kind| match kind {
            TestKind::Equals { values, case: Case::Sensitive } => Some(values.clone()),
            TestKind::Like { pattern, case: Case::Sensitive } => {
                pattern.literal().map(|text| vec![Value::String(text.to_owned())])
            }
            TestKind::InNetworks { networks } => single_addresses(networks),
            TestKind::Equals { .. }
            | TestKind::Like { .. }
            | TestKind::Exists
            | TestKind::InList { .. }
            | TestKind::Order { .. }
            | TestKind::Substring { .. }
            | TestKind::Matches { .. }
            | TestKind::SameAs { .. } => None,
        });
        if listed.is_some() {
            return listed;
        }
        match self.ty {
            Type::Bool => Some(vec![Value::Bool(true), Value::Bool(false)]),
            Type::String if !values.is_empty() => Some(values.iter().cloned().map(Value::String).collect()),
            Type::String | Type::Int | Type::Float | Type::Ip | Type::Time => None,
        }
    }

    /// Numbers and instants: the interval that all orderings leave.
    fn range(&self, lists: &[&List]) -> bool {
        let mut range = Range::default();
        for (kinds, met) in [(&self.met, true), (&self.unmet, false)] {
            for kind in kinds {
                if let TestKind::Order { op, value } = kind {
                    range.narrow(*op, value, met);
                }
            }
        }
        match range.only() {
            Only::Nothing => false,
            Only::One(value) => self.admits(&value, lists),
            Only::Many => true,
            Only::Ints(from, to) => (from..=to).any(|number| self.admits(&Value::Int(number), lists)),
        }
    }

    /// Addresses: the networks that all tests leave.
    fn networks(&self, lists: &[&List]) -> bool {
        let mut left: Option<Vec<IpNet>> = None;
        for kind in &self.met {
            let Some(networks) = networks_of(kind, lists) else { continue };
            left = match left {
                None => Some(networks),
                Some(known) if known.len().saturating_mul(networks.len()) > MOST_PAIRS => return true,
                Some(known) => Some(known.iter().flat_map(|one| both(*one, &networks)).collect()),
            };
        }
        let Some(left) = left else { return true };
        let mut excluded = Vec::new();
        for kind in &self.unmet {
            excluded.extend(networks_of(kind, lists).unwrap_or_default());
        }
        left.len().saturating_mul(excluded.len()) > MOST_PAIRS
            || left.iter().any(|network| !excluded.iter().any(|outer| outer.contains(network)))
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
            | TestKind::SameAs { .. } => None,
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
        | TestKind::SameAs { .. } => None,
    }
}

fn single_addresses(networks: &[IpNet]) -> Option<Vec<Value>> {
    networks
        .iter()
        .map(|network| (network.prefix_len() == network.max_prefix_len()).then(|| Value::Ip(network.addr())))
        .collect()
}

/// The networks a test asks for, if they are known and few.
fn networks_of(kind: &TestKind, lists: &[&List]) -> Option<Vec<IpNet>> {
    match kind {
        TestKind::InNetworks { networks } => Some(networks.clone()),
        TestKind::InList { list } => {
            let entries = &lists.get(*list)?.entries;
            if entries.is_empty() || entries.len() > MOST_CANDIDATES {
                return None;
            }
            entries
                .iter()
                .map(|entry| match &entry.value {
                    EntryValue::Network(network) => Some(*network),
                    EntryValue::Pattern(_) | EntryValue::Value(_) => None,
                })
                .collect()
        }
        TestKind::Exists
        | TestKind::Equals { .. }
        | TestKind::Order { .. }
        | TestKind::Like { .. }
        | TestKind::Substring { .. }
        | TestKind::Matches { .. }
        | TestKind::SameAs { .. } => None,
    }
}

fn both(one: IpNet, others: &[IpNet]) -> impl Iterator<Item = IpNet> {
    others.iter().filter_map(move |other| {
        if one.contains(other) { Some(*other) } else { other.contains(&one).then_some(one) }
    })
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
        | TestKind::SameAs { .. } => false,
    }
}

/// Whether a value that meets `met` meets `other` for certain.
fn implies(met: &TestKind, other: &TestKind) -> bool {
    match (met, other) {
        (TestKind::SameAs { other: one }, TestKind::SameAs { other }) => one.name == other.name,
        (TestKind::Like { pattern: narrow, case: a }, TestKind::Like { pattern: broad, case: b })
            if a == b =>
        {
            met == other || (*a == Case::Sensitive && glob::covers(broad, narrow))
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
        | TestKind::SameAs { .. } => None,
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
        | TestKind::SameAs { .. } => None,
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

/// An interval of numbers or instants; bounds with whether they belong to it.
#[derive(Debug, Default)]
struct Range<'v> {
    low: Option<(&'v Value, bool)>,
    high: Option<(&'v Value, bool)>,
}

/// What an interval leaves.
enum Only {
    Nothing,
    One(Value),
    Ints(i64, i64),
    Many,
}

impl<'v> Range<'v> {
    fn narrow(&mut self, op: OrderOp, value: &'v Value, met: bool) {
        let (is_high, included) = match (op, met) {
            (OrderOp::Less, true) | (OrderOp::GreaterEqual, false) => (true, false),
            (OrderOp::LessEqual, true) | (OrderOp::Greater, false) => (true, true),
            (OrderOp::Greater, true) | (OrderOp::LessEqual, false) => (false, false),
            (OrderOp::GreaterEqual, true) | (OrderOp::Less, false) => (false, true),
        };
        let bound = if is_high { &mut self.high } else { &mut self.low };
        let tighter =
            bound.is_none_or(|(known, known_included)| match super::values::compare(value, known) {
                Some(std::cmp::Ordering::Less) => is_high,
                Some(std::cmp::Ordering::Greater) => !is_high,
                Some(std::cmp::Ordering::Equal) => known_included && !included,
                None => false,
            });
        if tighter {
            *bound = Some((value, included));
        }
    }

    fn only(&self) -> Only {
        if let Some(only) = self.only_ints() {
            return only;
        }
        let (Some((low, low_in)), Some((high, high_in))) = (self.low, self.high) else { return Only::Many };
        match super::values::compare(low, high) {
            Some(std::cmp::Ordering::Equal) if low_in && high_in => Only::One(low.clone()),
            Some(std::cmp::Ordering::Equal | std::cmp::Ordering::Greater) => Only::Nothing,
            Some(std::cmp::Ordering::Less) | None => Only::Many,
        }
    }

    /// Whole numbers have no others between neighbours.
    fn only_ints(&self) -> Option<Only> {
        let bound = |bound: Option<(&Value, bool)>, step: i64, open: i64| match bound {
            None => Some(Some(open)),
            Some((Value::Int(number), true)) => Some(Some(*number)),
            Some((Value::Int(number), false)) => Some(number.checked_add(step)),
            Some((
                Value::String(_) | Value::Float(_) | Value::Bool(_) | Value::Time(_) | Value::Ip(_),
                _,
            )) => None,
        };
        if self.low.is_none() && self.high.is_none() {
            return None;
        }
        let (low, high) = (bound(self.low, 1, i64::MIN)?, bound(self.high, -1, i64::MAX)?);
        let (Some(low), Some(high)) = (low, high) else { return Some(Only::Nothing) };
        Some(if low > high {
            Only::Nothing
        } else if high.checked_sub(low).is_some_and(|width| width < 64) {
            Only::Ints(low, high)
        } else {
            Only::Many
        })
    }
}
