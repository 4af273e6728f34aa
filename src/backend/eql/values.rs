//! Tests of fields that can have several values. For Elasticsearch a list is the values of one field: a test holds if
//! it holds for one of them, and its opposite if it holds for none (elasticsearch/reference, Arrays). So EQL asks
//! whether some value passes and whether none does; whether all pass it cannot ask.
//!
//! In: such a test, its column. Out: a condition that holds wherever the test does. Must not know: steps.

use super::Eql;
use super::column::Column;
use super::literal::{self, Frag};
use super::positive::positive;
use super::refusal::Refusal;
use crate::backend::bind::BoundTest;
use crate::backend::truth::Truth;
use crate::backend::{Effect, Report};
use crate::ir::{Quantifier, ValuesTest};

const ONE_FAILS: &str =
    "Elastic cannot be asked whether one value of a list fails the test, so that it is not asked";
const ALL_PASS: &str =
    "Elastic finds an event if one of its values passes: that the others pass as well is not asked";
const EMPTY: &str = "Elastic may keep a text for \"no value\" in a list, and cannot tell it from the values";

/// The test, or its negation. `absent` are the texts for "no value" that a list may hold.
pub(super) fn print(
    test: &BoundTest<'_, Eql>,
    asked: &ValuesTest,
    column: &Column,
    absent: &[&str],
    negated: bool,
    report: &mut Report,
) -> Result<Truth<Frag>, Refusal> {
    let name = &column.name;
    let passes = some_pass(test, column)?;
    let (there, missing) = (Truth::Test(literal::found(name)), Truth::Test(literal::missing(name)));
    let none_of = |texts: &[&str]| {
        let texts: Vec<_> = texts.iter().map(|text| literal::string(text)).collect();
        if texts.is_empty() { Truth::Always(false) } else { Truth::Test(literal::one_of(name, "in", &texts)) }
    };
    let fooled: Vec<_> = absent.iter().copied().filter(|text| could_pass(test, asked, text)).collect();
    let mut wider = |is_wider: bool, reason: &'static str| {
        if is_wider {
            report.note(Effect::Superset, test.test.span, reason);
        }
    };
    Ok(match (asked.quantifier, asked.negated, negated) {
        (Quantifier::Any, false, false) => {
            wider(!fooled.is_empty(), EMPTY);
            passes
        }
        (Quantifier::Any, false, true) => {
            wider(!fooled.is_empty(), EMPTY);
            Truth::any([missing, passes.not(), none_of(&fooled)])
        }
        (Quantifier::Any, true, false) => {
            wider(true, ONE_FAILS);
            there
        }
        // No value fails: none is there, or all of them pass and so does one.
        (Quantifier::Any, true, true) => {
            wider(true, ALL_PASS);
            Truth::any([missing, passes, none_of(absent)])
        }
        (Quantifier::All, false, false) => {
            wider(true, ALL_PASS);
            passes
        }
        (Quantifier::All, false, true) => {
            return Err(Refusal::new(
                "Elastic cannot be asked whether one value of a list fails the test, which is all that this says",
                "ask with `any` which values are wanted, or leave the exception to the SIEM",
            ));
        }
        (Quantifier::All, true, false) => {
            wider(!absent.is_empty(), EMPTY);
            Truth::all([there, Truth::any([passes.not(), none_of(&fooled)])])
        }
        (Quantifier::All, true, true) => {
            wider(!absent.is_empty(), EMPTY);
            Truth::any([missing, passes, none_of(absent)])
        }
    })
}

/// Whether one of the values passes one of the tests.
fn some_pass(test: &BoundTest<'_, Eql>, column: &Column) -> Result<Truth<Frag>, Refusal> {
    let crate::ir::TestKind::Values(asked) = &test.test.kind else { return Ok(Truth::Always(false)) };
    let each = asked.tests.iter().map(|kind| positive(kind, test, column));
    let passes = Truth::any(each.collect::<Result<Vec<_>, _>>()?);
    if is_of_one(&passes) {
        return Ok(passes);
    }
    Err(Refusal::new(
        "this test consists of two in Elastic, and one value of a list could pass the first and another the second",
        "use networks of IPv4, or compare with texts",
    ))
}

/// Whether what holds for the list holds for one of its values: nothing is denied, and no two tests must hold.
fn is_of_one(passes: &Truth<Frag>) -> bool {
    match passes {
        Truth::Always(_) | Truth::Test(_) => true,
        Truth::Any(parts) => parts.iter().all(is_of_one),
        Truth::Not(_) | Truth::All(_) => false,
    }
}

fn could_pass(test: &BoundTest<'_, Eql>, asked: &ValuesTest, none: &str) -> bool {
    asked.tests.iter().any(|kind| test.kind_could_pass(kind, none))
}
