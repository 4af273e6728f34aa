//! Comparisons of two neighbours.
//!
//! In: the values that both sides of a link have for its comparisons. Out: whether all hold.
//! Must not know: fields, records, where the values come from.

use std::cmp::Ordering;

use super::value::Atom;
use crate::ir::{CompareOp, OrderOp};

/// What the clauses of a link read of one side.
pub(super) type Side = Box<[Option<Atom>]>;

/// Whether every comparison holds; one with a missing side does not.
pub(super) fn all_hold(comparisons: &[CompareOp], left: &Side, right: &Side) -> bool {
    // A side may be longer: what absences share stands behind.
    comparisons.iter().zip(left).zip(right).all(|((op, left), right)| match (left, right) {
        (Some(left), Some(right)) => holds(*op, left, right),
        (None | Some(_), None) | (None, Some(_)) => false,
    })
}

fn holds(op: CompareOp, left: &Atom, right: &Atom) -> bool {
    match op {
        CompareOp::NotEqual => left != right,
        CompareOp::Order(op) => order(left, right).is_some_and(|found| match op {
            OrderOp::Less => found.is_lt(),
            OrderOp::LessEqual => found.is_le(),
            OrderOp::Greater => found.is_gt(),
            OrderOp::GreaterEqual => found.is_ge(),
        }),
    }
}

/// How two numbers compare by value; `None` for anything else.
#[expect(clippy::cast_precision_loss, reason = "a whole number beside a decimal compares as a decimal")]
fn order(left: &Atom, right: &Atom) -> Option<Ordering> {
    let decimal = |atom: &Atom| match atom {
        Atom::Int(number) => Some(*number as f64),
        Atom::Float(bits) => Some(f64::from_bits(*bits)),
        Atom::Text(_) | Atom::Bool(_) | Atom::Time(_) | Atom::Ip(_) | Atom::Many(_) => None,
    };
    match (left, right) {
        (Atom::Int(left), Atom::Int(right)) | (Atom::Time(left), Atom::Time(right)) => Some(left.cmp(right)),
        (
            Atom::Int(_)
            | Atom::Float(_)
            | Atom::Text(_)
            | Atom::Bool(_)
            | Atom::Time(_)
            | Atom::Ip(_)
            | Atom::Many(_),
            _,
        ) => decimal(left)?.partial_cmp(&decimal(right)?),
    }
}
