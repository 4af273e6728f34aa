//! Tests that know their own opposite, so that every printed test is true or false and never null.
//!
//! In: comparisons from the predicate printer. Out: [`Check`]s, which print as one fragment or are known to hold always
//! or never. Must not know: fields, values, what is compared.

use std::collections::HashMap;

use super::literal::{self, Frag};
use super::wild::Wild;
use crate::backend::print::Bind;
use crate::backend::truth::{Leaf, Opposite, Text, Truth, unique};

/// A condition in the making.
pub(super) type Check = Truth<Test>;

/// A test.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) enum Test {
    /// Never null; its two forms.
    Atom {
        /// When it is to hold.
        holds: Frag,
        /// When it is not.
        fails: Frag,
    },
    /// Equality with one of some constants; never null.
    OneOf {
        /// What is compared.
        column: Frag,
        /// With what; at least one.
        constants: Vec<Frag>,
    },
    /// Null where the value is missing, which counts as false.
    Nullable(Frag),
    /// Whether a text matches wildcard patterns; never null.
    Wild(Wild),
}

/// A test that is never null, and its opposite.
pub(super) fn atom(holds: Frag, fails: Frag) -> Check {
    Truth::Test(Test::Atom { holds, fails })
}

/// A test that is null where the value is missing.
pub(super) fn nullable(test: Frag) -> Check {
    Truth::Test(Test::Nullable(test))
}

/// A comparison and its opposite.
pub(super) fn compare(left: &Frag, operator: &'static str, opposite: &'static str, right: &Frag) -> Check {
    // For texts, which Kusto never has as null: `!=`, `!in` and `!contains` hold for the empty string, as they must
    // where the field is missing.
    atom(literal::binary(left, operator, right), literal::binary(left, opposite, right))
}

/// Equality with one of some constants: false, and its opposite true, where the column is null.
pub(super) fn one_of(column: &Frag, constants: &[Frag]) -> Check {
    Truth::Test(Test::OneOf { column: column.clone(), constants: constants.to_vec() })
}

/// A test without an operator for its opposite.
pub(super) fn test(holds: Frag) -> Check {
    // `matches regex`: never null either, for its left side is a text.
    let fails = literal::call("not", [&holds]);
    atom(holds, fails)
}

/// The tests that all must hold; none if it always does.
pub(super) fn conjuncts(printed: Truth<Frag>) -> Vec<Frag> {
    match printed {
        Truth::Always(true) => Vec::new(),
        Truth::All(parts) => parts.into_iter().map(Truth::text).collect(),
        Truth::Always(false) | Truth::Test(_) | Truth::Not(_) | Truth::Any(_) => vec![printed.text()],
    }
}

impl Leaf for Test {
    fn unite(alternatives: Vec<Truth<Self>>) -> Vec<Truth<Self>> {
        with_one_pattern_a_column(with_one_tuple_a_column(unique(alternatives)))
    }
}

/// Alternatives with the constants of one column in one test.
fn with_one_tuple_a_column(alternatives: Vec<Truth<Test>>) -> Vec<Truth<Test>> {
    let mut out: Vec<Truth<Test>> = Vec::with_capacity(alternatives.len());
    for part in alternatives {
        let Truth::Test(Test::OneOf { column, constants }) = part else {
            out.push(part);
            continue;
        };
        let known = out.iter_mut().find_map(|part| match part {
            Truth::Test(Test::OneOf { column: known, constants }) if *known == column => Some(constants),
            Truth::Test(_) | Truth::Always(_) | Truth::Not(_) | Truth::All(_) | Truth::Any(_) => None,
        });
        match known {
            Some(known) => {
                known.extend(constants);
                *known = unique(std::mem::take(known));
            }
            None => out.push(Truth::Test(Test::OneOf { column, constants })),
        }
    }
    out
}

/// Alternatives with the patterns of one column in one test, where that is the shorter way.
fn with_one_pattern_a_column(alternatives: Vec<Truth<Test>>) -> Vec<Truth<Test>> {
    let mut by_operator: HashMap<Frag, usize> = HashMap::new();
    for part in &alternatives {
        if let Truth::Test(Test::Wild(Wild { column, operator: Some(_), .. })) = part {
            *by_operator.entry(column.clone()).or_default() += 1;
        }
    }
    let mut out: Vec<Truth<Test>> = Vec::with_capacity(alternatives.len());
    for part in alternatives {
        let Truth::Test(Test::Wild(wild)) = part else {
            out.push(part);
            continue;
        };
        let beside = by_operator.get(&wild.column).copied().unwrap_or(0);
        let stays = wild.operator.is_some() && beside <= Wild::BY_OPERATOR;
        let known = out.iter_mut().find_map(|part| match part {
            Truth::Test(Test::Wild(known)) if known.column == wild.column && known.operator.is_none() => {
                Some(known)
            }
            Truth::Test(_) | Truth::Always(_) | Truth::Not(_) | Truth::All(_) | Truth::Any(_) => None,
        });
        match known {
            Some(known) if !stays => known.patterns.extend(wild.patterns),
            Some(_) | None => {
                let operator = wild.operator.filter(|_| stays);
                out.push(Truth::Test(Test::Wild(Wild { operator, ..wild })));
            }
        }
    }
    out
}

impl Opposite for Test {
    type Printed = Frag;

    /// Kusto drops a row for which a condition of `where` is null, so a positive test that stands bare keeps its form,
    /// and its use of indexes.
    fn print(self, negated: bool, bare: bool) -> Frag {
        match (self, negated) {
            (Self::Atom { holds, fails: _ }, false) => holds,
            (Self::Atom { holds: _, fails }, true) => fails,
            (Self::OneOf { column, constants }, _) => literal::one_of(&column, &constants, negated),
            (Self::Wild(wild), _) => wild.print(negated),
            (Self::Nullable(test), false) if bare => test,
            (Self::Nullable(test), false) => literal::call("coalesce", [&test, &literal::truth(false)]),
            // `not(null)` is null and would drop the row of a missing field, which the negated test keeps; `null !=
            // true` is true (kusto/query/scalar-data-types/null-values).
            (Self::Nullable(test), true) => literal::binary(&test, "!=", &literal::truth(true)),
        }
    }
}

impl Leaf for Frag {}

impl Text for Frag {
    fn constant(truth: bool) -> Self {
        literal::truth(truth)
    }

    fn not(text: Self) -> Self {
        literal::call("not", [&text])
    }

    /// `or` binds as tightly as `and` here, so that the two never stand side by side without parentheses.
    fn join(texts: Vec<Self>, all: bool) -> Self {
        Self::join(texts, if all { " and " } else { " or " }, Bind::And)
    }
}
