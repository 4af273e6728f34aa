//! Tests that know their own opposite, so that every printed test is true or false and never null.
//!
//! In: comparisons of columns that hold a clean value or nothing. Out: [`Check`]s, which print as one fragment.
//! Must not know: fields, values, what is compared.
//!
//! Splunk's comparisons with nothing are neither true nor false. So a test directly under the `where` stands bare
//! (nothing drops the row, as false would), below an OR it is guarded by `isnotnull`, and a negated one reads
//! `isnull(f) OR NOT …`.

use super::literal::{self, Frag, spl};
use crate::backend::print::Bind;
use crate::backend::truth::{Leaf, Opposite, Text, Truth};

/// A condition in the making.
pub(super) type Check = Truth<Test>;

/// A test.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) enum Test {
    /// Of a column that holds a clean value or nothing.
    Value {
        /// The column.
        column: Frag,
        /// What the value must pass, null where there is none; if nothing, the value only has to be there.
        test: Option<Frag>,
    },
    /// Of a column that holds any number of values: one of them passes what is asked of one.
    Some(Frag),
}

/// Whether the column holds anything.
pub(super) fn present(column: &Frag) -> Check {
    Truth::Test(Test::Value { column: column.clone(), test: None })
}

/// Whether one of the values of a column passes a test of that column.
pub(super) fn some(test: Frag) -> Check {
    Truth::Test(Test::Some(test))
}

/// Whether one of the tests of the column holds; never if there are none.
pub(super) fn passes(column: &Frag, tests: Vec<Frag>) -> Check {
    if tests.is_empty() {
        return Truth::Always(false);
    }
    Truth::Test(Test::Value { column: column.clone(), test: Some(any(tests)) })
}

/// The test that the column holds something.
pub(super) fn is_there(column: &Frag) -> Frag {
    literal::call("isnotnull", [column])
}

fn is_missing(column: &Frag) -> Frag {
    literal::call("isnull", [column])
}

/// Joined by `AND`; a joined part gets parentheses, whatever joins it.
pub(super) fn all(parts: Vec<Frag>) -> Frag {
    Frag::join(parts, " AND ", Bind::And)
}

/// Joined by `OR`; the result ranks as `AND` does, because in SPL the two are told apart by parentheses alone.
pub(super) fn any(parts: Vec<Frag>) -> Frag {
    // `search` evaluates OR before AND, `where` and `eval` AND before OR (Search Manual, Boolean expressions).
    Frag::join(parts, " OR ", Bind::And)
}

impl Leaf for Test {}

impl Opposite for Test {
    type Printed = Frag;

    fn print(self, negated: bool, bare: bool) -> Frag {
        let (column, test) = match self {
            Self::Value { column, test } => (column, test),
            Self::Some(test) => return some_pass(&test, negated, bare),
        };
        match (test, negated) {
            (None, false) => is_there(&column),
            (None, true) => is_missing(&column),
            (Some(test), true) => any(vec![is_missing(&column), literal::not(&test)]),
            (Some(test), false) if bare => test,
            (Some(test), false) => all(vec![is_there(&column), test]),
        }
    }
}

/// How many values pass: `mvcount` of none is null by its documentation, and what `mvfilter` makes of none is not
/// documented.
fn some_pass(test: &Frag, negated: bool, bare: bool) -> Frag {
    let (count, none) = (spl!("mvcount(mvfilter({test}))", test), literal::number(0));
    let known = literal::call("coalesce", [&count, &none]);
    match (negated, bare) {
        (false, true) => literal::compare(&count, ">", &none),
        (false, false) => literal::compare(&known, ">", &none),
        (true, _) => literal::compare(&known, "=", &none),
    }
}

impl Leaf for Frag {}

impl Text for Frag {
    fn constant(truth: bool) -> Self {
        let number = literal::number(u64::from(truth));
        literal::compare(&literal::number(1), "=", &number)
    }

    fn not(text: Self) -> Self {
        literal::not(&text)
    }

    fn join(texts: Vec<Self>, all: bool) -> Self {
        if all { self::all(texts) } else { any(texts) }
    }
}
