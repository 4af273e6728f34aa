//! Tests that know their own opposite, so that every printed test is true or false and never null.
//!
//! In: comparisons of columns that hold a clean value or nothing. Out: [`Check`]s, which print as one fragment.
//! Must not know: fields, values, what is compared.
//!
//! Splunk's comparisons with nothing are neither true nor false. So a test directly under the `where` stands bare
//! (nothing drops the row, as false would), below an OR it is guarded by `isnotnull`, and a negated one reads
//! `isnull(f) OR NOT …`.

use super::literal::{self, Frag};
use crate::backend::print::Bind;
use crate::backend::truth::{Leaf, Opposite, Text, Truth};

/// A condition in the making.
pub(super) type Check = Truth<Test>;

/// A test of a column that holds a clean value or nothing.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Test {
    column: Frag,
    /// What the value must pass, null where there is none; if nothing, the value only has to be there.
    test: Option<Frag>,
}

/// Whether the column holds anything.
pub(super) fn present(column: &Frag) -> Check {
    Truth::Test(Test { column: column.clone(), test: None })
}

/// Whether one of the tests of the column holds; never if there are none.
pub(super) fn passes(column: &Frag, tests: Vec<Frag>) -> Check {
    if tests.is_empty() {
        return Truth::Always(false);
    }
    Truth::Test(Test { column: column.clone(), test: Some(any(tests)) })
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
        let Self { column, test } = self;
        match (test, negated) {
            (None, false) => is_there(&column),
            (None, true) => is_missing(&column),
            (Some(test), true) => any(vec![is_missing(&column), literal::not(&test)]),
            (Some(test), false) if bare => test,
            (Some(test), false) => all(vec![is_there(&column), test]),
        }
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
