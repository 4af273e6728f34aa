//! Conditions that know their own negation, so that every printed test is true or false and never null.
//!
//! In: atoms from the predicate printer. Out: one fragment, or the knowledge that it always or never holds.
//! Must not know: fields, values, what an atom tests.

use super::literal;
use crate::target::print::{Bind, Frag};

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
    /// It does.
    Is(Frag),
}

impl Check {
    /// A comparison and its opposite.
    pub(super) fn compare(left: &Frag, operator: &str, opposite: &str, right: &Frag) -> Self {
        Self::Atom {
            holds: literal::binary(left, operator, right),
            fails: literal::binary(left, opposite, right),
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
            Self::Atom { holds, fails } => Truth::Is(if negated { fails } else { holds }),
            Self::Nullable(test) if bare && !negated => Truth::Is(test),
            Self::Nullable(test) => {
                let test = literal::call("coalesce", [&test, &Frag::atom("false")]);
                Truth::Is(if negated { literal::call("not", [&test]) } else { test })
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
    let mut kept: Vec<Frag> = Vec::new();
    for part in parts {
        match part {
            Truth::Always(truth) if truth == all => {}
            Truth::Always(truth) => return Truth::Always(truth),
            Truth::Is(test) if kept.contains(&test) => {}
            Truth::Is(test) => kept.push(test),
        }
    }
    if kept.is_empty() {
        return Truth::Always(all);
    }
    // Bound as tightly as `and` in both cases, so that `and` and `or` never stand side by side without parentheses.
    Truth::Is(Frag::join(kept, if all { " and " } else { " or " }, Bind::And))
}
