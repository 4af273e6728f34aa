//! Tests of a field that can have several values: its values are counted.
//!
//! In: such a test, the fields of a step. Out: a [`Check`] of how many values pass. Must not know: where the operators
//! stand that count, how a list is read.
//!
//! Kusto's own tests of lists (`set_has_element`, `array_index_of`) know equality alone and see no value inside an
//! item, and `has_any` looks for words in a text. `mv-apply` asks every value whatever a column can be asked.

use super::Kql;
use super::check::{Check, atom};
use super::column::{self, Column};
use super::fields::{Field, Fields, absent, by_way};
use super::lets::Lets;
use super::literal::{self, Frag};
use super::one::{exists, of_value};
use crate::backend::bind::BoundTest;
use crate::backend::truth::Truth;
use crate::backend::{ListDelivery, Report};
use crate::ir::{Quantifier, Type, ValuesTest};

/// Whether one value of the field passes, or all do and there is one.
pub(super) fn check(
    bound: &BoundTest<'_, Kql>,
    test: &ValuesTest,
    fields: &mut Fields<'_, '_>,
    lets: &mut Lets<'_, '_>,
    report: &mut Report,
) -> Check {
    let field = &bound.field;
    by_way(field, fields.action(), &mut |way| {
        let Column { each, .. } = way.column;
        let value = value(each.as_deref().unwrap_or_default(), field.ty);
        let passes = passes(bound, test, &value, lets, report);
        let is_value = is_value(field, &value);
        match test.quantifier {
            Quantifier::Any => {
                // What is null passes no test, nor does what is no value of the field, unless it passes as a text.
                let is_fooled = std::iter::once("").chain(absent(field)).any(|text| bound.could_pass(text));
                let counts = if is_fooled { Truth::all([is_value, passes]) } else { passes };
                some(&fields.count(way.column, text(&counts)))
            }
            Quantifier::All => {
                let fails = Truth::all([is_value.clone(), passes.not()]);
                let [values, fails] = [is_value, fails].map(|check| fields.count(way.column, text(&check)));
                Truth::all([some(&values), some(&fails).not()])
            }
        }
    })
}

/// A value of a list, as one of the field's type.
fn value(path: &str, ty: Type) -> Frag {
    value_of(&literal::one_value(), path, ty)
}

/// The value that lies in an item of a list, as one of the field's type.
pub(super) fn value_of(item: &Frag, path: &str, ty: Type) -> Frag {
    column::cast(&if path.is_empty() { item.clone() } else { literal::path(item, path) }, ty)
}

/// Whether it is a value: what does not parse, and a text that means "no value", is none.
pub(super) fn is_value(field: &Field<'_>, value: &Frag) -> Check {
    let none = absent(field).into_iter().filter(|text| !text.is_empty());
    let none: Vec<_> = none.map(literal::string).collect();
    let none = (!none.is_empty()).then(|| super::check::one_of(value, &none).not());
    Truth::all(std::iter::once(exists(value, field.ty)).chain(none))
}

/// Whether a value passes one of the tests, or none of them if they are negated.
fn passes(
    bound: &BoundTest<'_, Kql>,
    test: &ValuesTest,
    value: &Frag,
    lets: &mut Lets<'_, '_>,
    report: &mut Report,
) -> Check {
    // A list of the workspace is a table, and what counts the values of one row reads no other.
    let mut one = |kind| of_value((kind, bound), value, ListDelivery::Inline, lets, report);
    let found = Truth::any(test.tests.iter().map(&mut one).collect::<Vec<_>>());
    if test.negated { found.not() } else { found }
}

/// What `countif` asks: what is null counts no more than what is false.
fn text(check: &Check) -> Frag {
    check.print(false, true).text()
}

/// Whether a count is more than none.
fn some(count: &Frag) -> Check {
    let none = literal::number(0);
    atom(literal::binary(count, ">", &none), literal::binary(count, "==", &none))
}
