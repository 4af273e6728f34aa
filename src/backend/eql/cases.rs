//! Columns whose value follows from what other fields hold: the first case whose condition holds gives it.
//!
//! In: a test of such a column. Out: a condition over the fields. Must not know: chains, stages.

use super::Eql;
use super::literal::{self, Frag};
use super::refusal::Refusal;
use crate::backend::bind::BoundTest;
use crate::backend::schema::cases::{self, Case};
use crate::backend::truth::{Leaf, Truth};
use crate::catalog::{self, Stored};
use crate::ir::TestKind;

/// A field, and what it holds; `None`: it has no value.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Held {
    pub(super) field: Frag,
    value: Option<Frag>,
}

impl Leaf for Held {}

/// The cases that a source file states; `None` if a value is none of how Elastic stores it.
pub(super) fn read(stated: &[catalog::Case], stored: Option<Stored>) -> Option<Vec<Case<Vec<Held>>>> {
    let value = |text: &String| match stored {
        None | Some(Stored::String) => Some(literal::string(text)),
        Some(Stored::Bool) => literal::value(&crate::ir::Value::Bool(text.parse().ok()?)),
        Some(Stored::Number) => literal::value(&crate::ir::Value::Int(text.parse().ok()?)),
        Some(Stored::Time) => None,
    };
    let held = |(field, text): (&String, &Option<String>)| {
        let value = match text {
            Some(text) => Some(value(text)?),
            None => None,
        };
        Some(Held { field: literal::field(field), value })
    };
    Case::read(stated, |case| case.when.iter().map(held).collect())
}

/// The fields that the cases read.
pub(super) fn fields(cases: &[Case<Vec<Held>>]) -> impl Iterator<Item = &Frag> {
    cases.iter().flat_map(|case| case.when.iter().map(|held| &held.field))
}

/// A test of the column, or its negation.
pub(super) fn print(
    test: &BoundTest<'_, Eql>,
    cases: &[Case<Vec<Held>>],
    negated: bool,
) -> Result<Truth<Frag>, Refusal> {
    if !matches!(test.test.kind, TestKind::Exists | TestKind::Equals { .. }) {
        return Err(Refusal::new(
            "Elastic has the field as others from which it follows",
            "compare it with `==`, `!=` or `in`",
        ));
    }
    let given = cases::giving(
        cases,
        |value| test.could_pass(value),
        |when| Truth::all(when.iter().cloned().map(Truth::Test)),
    );
    Ok(given.settle(negated, true, &mut |held, negated, _| Truth::Test(leaf(held, negated))))
}

/// What a field holds, or that it does not. A comparison with a missing field is null, so its negation says that too.
fn leaf(Held { field, value }: &Held, negated: bool) -> Frag {
    match (value, negated) {
        (None, false) => literal::missing(field),
        (None, true) => literal::found(field),
        (Some(value), false) => literal::compare(field, "==", value),
        (Some(value), true) => {
            let other = Truth::Test(literal::compare(field, "!=", value));
            Truth::any([Truth::Test(literal::missing(field)), other]).text()
        }
    }
}
