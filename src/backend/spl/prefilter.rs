//! The terms of a base search: what every record of the step has, so that Splunk reads fewer events.
//!
//! In: a bound step. Out: tests of fields that Splunk extracts by itself, and words that the raw event holds. Must not
//! know: how the records are read and tested after the base search.

use ipnet::IpNet;

use super::check::any;
use super::column::{Column, Mapped, StoredIn};
use super::literal::{self, Frag, spl};
use super::{Spl, predicate};
use crate::backend::bind::{BoundField, BoundSelection, BoundTest};
use crate::backend::print::Bind;
use crate::backend::truth::{Leaf, Text, Truth, unique};
use crate::ir::{OrderOp, Pattern, PatternPart, Place, TestKind, Value, ValuesTest};

/// A term. A space joins terms that must all hold.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Term(Frag);

/// The base search of a branch: the source of its selections, the filter of that, and terms that the records of one of
/// them pass.
pub(super) fn base(selections: &[&BoundSelection<'_, Spl>]) -> Frag {
    let mapping = selections.first().map(|first| &first.schema.mapping);
    let filter = mapping.and_then(|mapping| mapping.filter.as_ref()).map(|filter| spl!("({filter})", filter));
    let from = mapping.map(|mapping| mapping.from.clone());
    let terms = match selections {
        [only] => terms(only),
        several => either(several.iter().map(|selection| terms(selection)).collect()).into_iter().collect(),
    };
    Frag::join(from.into_iter().chain(filter).chain(terms).collect(), " ", Bind::And)
}

/// One of several runs of terms; nothing if one of them is empty, which all records pass.
fn either(runs: Vec<Vec<Frag>>) -> Option<Frag> {
    let runs = unique(runs).into_iter().map(|run| (!run.is_empty()).then(|| Frag::join(run, " ", Bind::And)));
    runs.collect::<Option<Vec<_>>>().map(any)
}

/// The terms that all records of a selection pass.
fn terms(selection: &BoundSelection<'_, Spl>) -> Vec<Frag> {
    let parts = selection.condition.conjuncts(false).into_iter();
    let parts = parts
        .map(|(part, negated)| part.settle(negated, false, &mut |test, negated, _| widened(test, negated)));
    match Truth::all(parts) {
        // Also where it never holds: the `where` drops all records then, and the search has only read more.
        Truth::Always(_) => Vec::new(),
        Truth::All(terms) => terms.into_iter().map(|term| term.text().0).collect(),
        term @ (Truth::Test(_) | Truth::Not(_) | Truth::Any(_)) => vec![term.text().0],
    }
}

/// What a record has that passes the test. Where no term says it, the test is taken for true: that only adds records,
/// which the `where` after the base search drops.
fn widened(test: &BoundTest<'_, Spl>, negated: bool) -> Truth<Term> {
    // Never `NOT term`: a search ignores case, so `NOT eventName="runinstances"` drops the `RunInstances` that
    // `event.action != "runinstances"` keeps.
    if negated {
        return Truth::Always(true);
    }
    let keys = std::iter::once(&test.field).chain(&test.other).filter_map(keys);
    let terms = keys.chain(extracted(test)).map(|term| Truth::Test(Term(term)));
    Truth::all(terms.chain([held(test), translated(test)]))
}

/// The keys at the end of the field's paths: `spath` finds a value only where the raw event has one of them.
fn keys(field: &BoundField<'_, Column>) -> Option<Frag> {
    let keys: Option<Vec<_>> = field.ways.iter().map(|way| way.column.key.clone()).collect();
    keys.map(|keys| any(unique(keys)))
}

/// The texts that a path leads to stand in the raw event, too.
fn held(bound: &BoundTest<'_, Spl>) -> Truth<Term> {
    if bound.field.ways.iter().any(|way| way.column.key.is_none()) {
        return Truth::Always(true);
    }
    if let TestKind::Values(ValuesTest { quantifier: _, negated: false, tests }) = &bound.test.kind {
        // A value that passes is there for `all`, too.
        Truth::any(tests.iter().map(held_by))
    } else {
        held_by(&bound.test.kind)
    }
}

/// What a text that passes a test has in it.
fn held_by(kind: &TestKind) -> Truth<Term> {
    let part =
        |text: &str, ends| Truth::all(literal::held(text, ends).into_iter().map(Term).map(Truth::Test));
    match kind {
        TestKind::Equals { values, case: _ } => Truth::any(values.iter().map(|value| match value {
            Value::String(text) => part(text, [true, true]),
            Value::Int(_) | Value::Float(_) | Value::Bool(_) | Value::Time(_) | Value::Ip(_) => {
                Truth::Always(true)
            }
        })),
        TestKind::Substring { place, text, case: _ } => {
            part(text, [*place == Place::Start, *place == Place::End])
        }
        TestKind::Like { pattern, case: _ } => {
            let last = pattern.parts.len().saturating_sub(1);
            let parts = pattern.parts.iter().enumerate().map(|(at, of_pattern)| match of_pattern {
                PatternPart::Text(text) => part(text, [at == 0, at == last]),
                PatternPart::Any | PatternPart::One => Truth::Always(true),
            });
            Truth::all(parts)
        }
        TestKind::Exists
        | TestKind::InNetworks { .. }
        | TestKind::InList { .. }
        | TestKind::Order { .. }
        | TestKind::Matches { .. }
        | TestKind::SameAs { .. }
        | TestKind::TextOf { .. }
        | TestKind::Values(_) => Truth::Always(true),
    }
}

/// The texts that stand for the values a test asks for.
fn translated(bound: &BoundTest<'_, Spl>) -> Truth<Term> {
    let columns: Option<Vec<_>> = bound.field.ways.iter().map(|way| way.column.mapped.as_ref()).collect();
    let (Some(columns), TestKind::Equals { .. }) = (columns, &bound.test.kind) else {
        return Truth::Always(true);
    };
    Truth::any(columns.into_iter().map(|Mapped { place, values }| {
        let wanted = values.iter().filter(|(value, _)| !value.is_empty() && bound.could_pass(value));
        let mut texts: Vec<&str> = Vec::new();
        for (_, text) in wanted {
            let Some(text) = text else { return Truth::Always(true) };
            // A search ignores letter case.
            if !texts.iter().any(|other| other.eq_ignore_ascii_case(text)) {
                texts.push(text);
            }
        }
        found(place, &texts)
    }))
}

/// What an event has that stores one of some texts there.
fn found(place: &StoredIn, texts: &[&str]) -> Truth<Term> {
    let all = |terms: Vec<Frag>| Truth::all(terms.into_iter().map(Term).map(Truth::Test));
    match place {
        StoredIn::Field(field) => {
            Truth::any(texts.iter().map(|text| all(Vec::from_iter(literal::term(field, text)))))
        }
        StoredIn::Key(key) => {
            let values = texts.iter().map(|text| all(literal::held(text, [true, true])));
            Truth::all([all(vec![key.clone()]), Truth::any(values)])
        }
    }
}

/// A test of a field that Splunk extracts by itself.
fn extracted(bound: &BoundTest<'_, Spl>) -> Option<Frag> {
    let field = bound.field.only()?.column.searched.as_ref()?;
    match &bound.test.kind {
        TestKind::Equals { values, case: _ } => all_of(values, |value| equals(field, value)),
        TestKind::InNetworks { networks } => all_of(networks, |network| within(field, network)),
        TestKind::Order { op, value } => ordered(field, *op, value),
        TestKind::Like { pattern, case: _ } => literal::prefix(field, start(pattern)?),
        TestKind::Substring { place: Place::Start, text, case: _ } => literal::prefix(field, text),
        TestKind::Substring { place: Place::Anywhere | Place::End, .. }
        | TestKind::Exists
        | TestKind::InList { .. }
        | TestKind::Matches { .. }
        | TestKind::SameAs { .. }
        | TestKind::TextOf { .. }
        | TestKind::Values(_) => None,
    }
}

/// One of the terms of all values, or none: without the term of one value, the others would drop its records.
fn all_of<T>(values: &[T], term: impl Fn(&T) -> Option<Frag>) -> Option<Frag> {
    let terms: Vec<_> = values.iter().map(term).collect::<Option<_>>()?;
    (!terms.is_empty()).then(|| any(terms))
}

fn equals(field: &Frag, value: &Value) -> Option<Frag> {
    match value {
        Value::String(text) => literal::term(field, text),
        // An IPv6 address has many notations, an IPv4 address one.
        Value::Ip(address) => address.is_ipv4().then(|| literal::term(field, &address.to_string()))?,
        Value::Int(_) | Value::Float(_) => ordered(field, OrderOp::GreaterEqual, value)
            .zip(ordered(field, OrderOp::LessEqual, value))
            .map(|(least, most)| Frag::join(vec![least, most], " ", Bind::And)),
        Value::Bool(_) | Value::Time(_) => None,
    }
}

/// The search command knows networks of IPv4 (Search Reference, search, CIDR matching).
fn within(field: &Frag, network: &IpNet) -> Option<Frag> {
    matches!(network, IpNet::V4(_)).then(|| literal::assign(field, &literal::network(network)))
}

fn ordered(field: &Frag, op: OrderOp, value: &Value) -> Option<Frag> {
    let plain = match value {
        Value::Int(number) => *number >= 0,
        Value::Float(number) => *number >= 0.0,
        Value::String(_) | Value::Bool(_) | Value::Time(_) | Value::Ip(_) => false,
    };
    plain.then(|| {
        Some(literal::compare(field, predicate::operator(op).trim(), &literal::value(value).ok()?))
    })?
}

/// What a pattern begins with, if it asks for nothing else.
fn start(pattern: &Pattern) -> Option<&str> {
    match pattern.parts.as_slice() {
        [PatternPart::Text(start), PatternPart::Any] => Some(start),
        _ => None,
    }
}

impl Leaf for Term {}

impl Text for Term {
    fn constant(truth: bool) -> Self {
        Self(literal::fixed(if truth { "*" } else { "NOT *" }))
    }

    fn not(text: Self) -> Self {
        Self(literal::not(&text.0))
    }

    fn join(texts: Vec<Self>, all: bool) -> Self {
        let texts = texts.into_iter().map(|text| text.0).collect();
        Self(if all { Frag::join(texts, " ", Bind::And) } else { any(texts) })
    }
}
