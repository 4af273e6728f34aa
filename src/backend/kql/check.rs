//! Conditions that know their own negation, so that every printed test is true or false and never null.
//!
//! In: atoms from the predicate printer. Out: one fragment, or the knowledge that it always or never holds.
//! Must not know: fields, values, what an atom tests.

use super::literal;
use crate::backend::print::{Bind, Frag};

/// A condition in the making.
#[derive(Debug)]
pub(super) enum Check {
    /// All hold.
    All(Vec<Check>),
    /// One holds.
    Any(Vec<Check>),
    /// Never null; its two forms.
    Atom {
        /// When it is to hold.
        holds: Frag,
        /// When it is not.
        fails: Frag,
    },
    /// Null where the value is missing, which counts as false.
    Nullable(Frag),
    /// Known.
    Always(bool),
}

/// What a printed condition is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Truth {
    /// It does not depend on the record.
    Always(bool),
    /// It does: all of the tests hold, or one of them does.
    Is {
        /// At least one.
        tests: Vec<Frag>,
        /// Whether it takes all of them.
        all: bool,
    },
}

impl Truth {
    fn one(test: Frag) -> Self {
        Self::Is { tests: vec![test], all: true }
    }

    /// The tests that all must hold; none if it always does.
    pub(super) fn conjuncts(self) -> Vec<Frag> {
        match self {
            Self::Always(true) => Vec::new(),
            Self::Always(false) => vec![Frag::atom("false")],
            Self::Is { tests, all: true } => tests,
            Self::Is { tests, all: false } => vec![either(tests)],
        }
    }
}

/// Tests joined by `or`, bound as tightly as `and` binds, so that the two never stand side by side without parentheses.
fn either(tests: Vec<Frag>) -> Frag {
    Frag::join(tests, " or ", Bind::And)
}

impl Check {
    /// A comparison and its opposite.
    pub(super) fn compare(left: &Frag, operator: &str, opposite: &str, right: &Frag) -> Self {
        Self::Atom {
            holds: literal::binary(left, operator, right),
            fails: literal::binary(left, opposite, right),
        }
    }

    /// Equality with one of some constants: false, and its opposite true, where the column is null.
    pub(super) fn one_of(column: &Frag, constants: &[Frag]) -> Self {
        Self::Atom {
            holds: literal::one_of(column, constants, false),
            fails: literal::one_of(column, constants, true),
        }
    }

    /// A test without an operator for its opposite.
    pub(super) fn test(holds: Frag) -> Self {
        let fails = literal::call("not", [&holds]);
        Self::Atom { holds, fails }
    }

    /// Prints the condition, or its negation. `bare` says that it stands as a condition of `where` by itself: Kusto
    /// drops a row for which that is null, so a positive test may stay as it is and keep its use of indexes.
    pub(super) fn print(self, negated: bool, bare: bool) -> Truth {
        match self {
            Self::Always(truth) => Truth::Always(truth != negated),
            Self::Atom { holds, fails } => Truth::one(if negated { fails } else { holds }),
            Self::Nullable(test) if bare && !negated => Truth::one(test),
            Self::Nullable(test) => {
                let test = literal::call("coalesce", [&test, &Frag::atom("false")]);
                Truth::one(if negated { literal::call("not", [&test]) } else { test })
            }
            Self::All(parts) => join(parts, negated, !negated, bare),
            Self::Any(parts) => join(parts, negated, negated, bare),
        }
    }
}

fn join(parts: Vec<Check>, negated: bool, all: bool, bare: bool) -> Truth {
    let alone = parts.len() == 1;
    let parts = parts.into_iter().map(|part| part.print(negated, bare && (all || alone)));
    joined(parts, all)
}

/// Joins conditions by `and` or `or`, without those that cannot change the answer.
pub(super) fn joined(parts: impl IntoIterator<Item = Truth>, all: bool) -> Truth {
    let mut tests: Vec<Frag> = Vec::new();
    for part in parts {
        let more = match part {
            Truth::Always(truth) if truth == all => continue,
            Truth::Always(truth) => return Truth::Always(truth),
            Truth::Is { tests, all: inner } if inner == all || tests.len() == 1 => tests,
            Truth::Is { tests, all: false } => vec![either(tests)],
            Truth::Is { tests, all: true } => vec![Frag::join(tests, " and ", Bind::And)],
        };
        tests.extend(more);
    }
    let tests = literal::unique(tests);
    if tests.is_empty() { Truth::Always(all) } else { Truth::Is { tests, all } }
}
