//! Comparisons of two neighbours.
//!
//! In: the values that both sides of a link have for its comparisons. Out: whether all hold; an order of earlier sides
//! in which those for which one comparison holds are neighbours. Must not know: fields, records, where the values come
//! from.

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

/// Whether there can be a later side for which every comparison holds.
pub(super) fn can_hold(comparisons: &[CompareOp], left: &Side) -> bool {
    comparisons.iter().zip(left).all(|(op, left)| match (op, left) {
        (_, None) => false,
        (CompareOp::NotEqual, Some(_)) => true,
        (CompareOp::Order(_), Some(left)) => order(left, left).is_some(),
    })
}

/// The order of earlier sides: the values of one comparison first.
#[derive(Debug, Clone, Copy)]
pub(super) struct Sorted(Option<(usize, CompareOp)>);

impl Sorted {
    /// By a comparison of size, if there is one: it can fail for many values, `!=` only for one.
    pub(super) fn by(comparisons: &[CompareOp]) -> Self {
        let of_size = |op: &CompareOp| matches!(op, CompareOp::Order(_));
        let at = comparisons.iter().position(of_size).unwrap_or(0);
        Self(comparisons.get(at).map(|op| (at, *op)))
    }

    /// The order of two sides that [`can_hold`].
    pub(super) fn order(self, left: &Side, right: &Side) -> Ordering {
        let first = match (self.0, self.value(left), self.value(right)) {
            (Some((_, CompareOp::Order(_))), Some(left), Some(right)) => order(left, right),
            (Some((_, CompareOp::NotEqual)), left, right) => Some(left.cmp(&right)),
            (Some((_, CompareOp::Order(_))) | None, _, _) => None,
        };
        first.unwrap_or(Ordering::Equal).then_with(|| left.cmp(right))
    }

    /// The value that comes first in the order.
    pub(super) fn value(self, side: &Side) -> Option<&Atom> {
        side.get(self.0?.0)?.as_ref()
    }

    /// Whether the comparison could hold for a value from `low` to `high`.
    pub(super) fn could_hold(self, (low, high): (Option<&Atom>, Option<&Atom>), right: &Side) -> bool {
        let Some((at, op)) = self.0 else { return true };
        let Some(Some(right)) = right.get(at) else { return false };
        let edge_holds = |edge: Option<&Atom>| edge.is_none_or(|edge| holds(op, edge, right));
        match op {
            CompareOp::NotEqual => low != Some(right) || high != Some(right),
            CompareOp::Order(OrderOp::Less | OrderOp::LessEqual) => edge_holds(low),
            CompareOp::Order(OrderOp::Greater | OrderOp::GreaterEqual) => edge_holds(high),
        }
    }
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
