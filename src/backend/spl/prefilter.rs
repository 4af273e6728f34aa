//! The terms of a base search: what every record of the step has, so that Splunk reads fewer events.
//!
//! In: a bound step. Out: equality of texts in fields that Splunk extracts by itself. Must not know: how the records
//! are read and tested after the base search.

use super::check::any;
use super::literal::{self, Frag, spl};
use super::{Spl, column::Column};
use crate::backend::bind::{BoundStep, BoundTest};
use crate::backend::print::Bind;
use crate::backend::truth::{Leaf, Text, Truth, unique};
use crate::ir::{TestKind, Value};

/// A term. A space joins terms that must all hold.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Term(Frag);

/// The base search of a step: its source, the filter of that, and terms that all of its records pass.
pub(super) fn base(step: &BoundStep<'_, Spl>) -> Frag {
    let terms = step.condition.conjuncts(false).into_iter().filter_map(|(part, negated)| {
        match part.settle(negated, false, &mut |test, negated, _| widened(test, negated)) {
            // Also where a part never holds: the `where` drops all records then, and the search has only read more.
            Truth::Always(_) => None,
            term @ (Truth::Test(_) | Truth::Not(_) | Truth::All(_) | Truth::Any(_)) => Some(term.text().0),
        }
    });
    let terms = unique(terms.collect());
    let mapping = &step.schema.mapping;
    let filter = mapping.filter.iter().map(|filter| spl!("({filter})", filter));
    Frag::join(std::iter::once(mapping.from.clone()).chain(filter).chain(terms).collect(), " ", Bind::And)
}

/// What a record has that passes the test. Where no term says it, the test is taken for true: that only adds records,
/// which the `where` after the base search drops.
fn widened(test: &BoundTest<'_, Spl>, negated: bool) -> Truth<Term> {
    // Never `NOT term`: a search ignores case, so `NOT eventName="runinstances"` drops the `RunInstances` that
    // `event.action != "runinstances"` keeps.
    let term = if negated { None } else { equality(test) };
    term.map_or(Truth::Always(true), |term| Truth::Test(Term(term)))
}

fn equality(bound: &BoundTest<'_, Spl>) -> Option<Frag> {
    let TestKind::Equals { values, case: _ } = &bound.test.kind else { return None };
    let Column { searched, .. } = bound.field.only()?.column;
    let term = |value: &Value| {
        if let Value::String(text) = value { literal::term(searched.as_ref()?, text) } else { None }
    };
    // All or none: without the term of one value, the others would drop its records.
    values.iter().map(term).collect::<Option<_>>().map(any)
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
