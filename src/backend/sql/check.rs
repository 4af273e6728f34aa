//! Tests that know their own opposite, so that every printed condition means what two-valued logic means by it.
//!
//! In: comparisons from the predicate printer. Out: [`Check`]s. Must not know: fields, values, what is compared.

use super::literal::{self, Frag};
use crate::backend::print::Bind;
use crate::backend::truth::{Leaf, Opposite, Text, Truth};

/// A condition in the making.
pub(super) type Check = Truth<Test>;

/// A test.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) enum Test {
    /// Null where the value is missing, which counts as false.
    Nullable(Frag),
    /// The same, with a form of its opposite that is true where the value is missing.
    Paired {
        /// When it is to hold.
        holds: Frag,
        /// When it is not.
        fails: Frag,
    },
}

/// A test that is null where the value is missing.
pub(super) fn nullable(test: Frag) -> Check {
    Truth::Test(Test::Nullable(test))
}

/// Equality with a value that is never null.
pub(super) fn equals(column: &Frag, value: &Frag) -> Check {
    let holds = literal::test("{()} = {}", &[column, value]);
    let fails = literal::test("{()} IS DISTINCT FROM {}", &[column, value]);
    Truth::Test(Test::Paired { holds, fails })
}

/// Equality with one of several values that are never null.
pub(super) fn one_of(column: &Frag, values: &[Frag]) -> Check {
    match values {
        [] => Truth::Always(false),
        [value] => equals(column, value),
        values => nullable(literal::test("{()} IN ({})", &[column, &literal::list(values)])),
    }
}

/// Whether a text is there.
pub(super) fn present(column: &Frag) -> Check {
    let holds = literal::test("{()} <> ''", &[column]);
    nullable(holds)
}

/// The conjuncts of a condition, or of its opposite.
pub(super) fn conjuncts(check: &Check, negated: bool) -> Vec<Frag> {
    match check.print(negated, true) {
        Truth::Always(true) => Vec::new(),
        Truth::All(parts) => parts.into_iter().map(Truth::text).collect(),
        printed @ (Truth::Always(false) | Truth::Test(_) | Truth::Not(_) | Truth::Any(_)) => {
            vec![printed.text()]
        }
    }
}

/// The condition as one text.
pub(super) fn text(check: &Check) -> Frag {
    check.print(false, true).text()
}

impl Leaf for Test {}

impl Opposite for Test {
    type Printed = Frag;

    /// A positive test stays as it is wherever it stands: negation is at the tests, `AND` and `OR` of the rest grow
    /// with their parts, and `WHERE` takes null for false.
    fn print(self, negated: bool, _bare: bool) -> Frag {
        match (self, negated) {
            (Self::Nullable(test) | Self::Paired { holds: test, fails: _ }, false) => test,
            (Self::Paired { holds: _, fails }, true) => fails,
            (Self::Nullable(test), true) => literal::code(Bind::Test, "NOT COALESCE({}, FALSE)", &[&test]),
        }
    }
}

impl Leaf for Frag {}

impl Text for Frag {
    fn constant(truth: bool) -> Self {
        literal::truth(truth)
    }

    fn not(text: Self) -> Self {
        literal::test("NOT {()}", &[&text])
    }

    /// `OR` binds as tightly as `AND` here, so that the two never stand side by side without parentheses.
    fn join(texts: Vec<Self>, all: bool) -> Self {
        Self::join(texts, if all { " AND " } else { " OR " }, Bind::And)
    }
}
