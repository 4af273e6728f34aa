//! Comparisons of neighbours that never hold, because of what else their link says.
//!
//! In: a chain as lowered. Out: findings. Must not know: conditions of steps.

use crate::check::sink::Sink;
use crate::diag::{Code, Diagnostic};
use crate::ir::{Case, Chain, CompareOp, Comparison, Key, Link, OrderOp};
use crate::source::Span;

/// Looks at the comparisons of every link.
pub(super) fn lint(sink: &mut Sink, chain: &Chain) {
    for link in &chain.links {
        for (at, comparison) in link.comparisons.iter().enumerate() {
            if let Some((other, says)) = excluded_by(link, at, comparison) {
                let title = "a comparison of neighbours never holds";
                let found = Diagnostic::new(Code::NeverHolds, comparison.span, title)
                    .label("so the chain never alerts")
                    .also(other, says)
                    .help("remove one of the two, or compare other fields");
                sink.report(found);
            }
        }
    }
}

/// What of the link excludes a comparison: a key by the same fields, or a comparison before it.
fn excluded_by(link: &Link, at: usize, comparison: &Comparison) -> Option<(Span, &'static str)> {
    let of_same = |key: &&Key| {
        let Key { left, right, case, folds: _, any, from_scope: _ } = key;
        let exact = *case == Case::Sensitive && !any.of_one();
        exact && left.name == comparison.left.name && right.name == comparison.right.name
    };
    if let Some(key) = link.keys.iter().find(of_same)
        && is_unequal(comparison.op)
    {
        return Some((key.right.span, "the link wants the two to be equal"));
    }
    let before = link.comparisons.iter().take(at);
    let mut same = before
        .filter(|other| other.left.name == comparison.left.name && other.right.name == comparison.right.name);
    let other = same.find(|other| exclude(other.op, comparison.op))?;
    Some((other.span, "this one excludes it"))
}

/// Whether two equal values do not pass.
fn is_unequal(op: CompareOp) -> bool {
    match op {
        CompareOp::NotEqual | CompareOp::Order(OrderOp::Less | OrderOp::Greater) => true,
        CompareOp::Order(OrderOp::LessEqual | OrderOp::GreaterEqual) => false,
    }
}

/// Whether no two values pass both.
fn exclude(one: CompareOp, other: CompareOp) -> bool {
    let rises = |op: CompareOp| match op {
        CompareOp::NotEqual => None,
        CompareOp::Order(OrderOp::Less | OrderOp::LessEqual) => Some(true),
        CompareOp::Order(OrderOp::Greater | OrderOp::GreaterEqual) => Some(false),
    };
    let opposite = rises(one).zip(rises(other)).is_some_and(|(one, other)| one != other);
    opposite && (is_unequal(one) || is_unequal(other))
}
