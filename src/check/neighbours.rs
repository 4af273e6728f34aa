//! Comparisons of the two records that a link joins.
//!
//! In: `where A.FIELD OP B.FIELD and …` of a `then`. Out: [`ir::Comparison`]s, the earlier step on the left.
//! Must not know: keys, windows.

use crate::diag::{Code, Diagnostic};
use crate::ir::{self, CompareOp, OrderOp, Type};
use crate::syntax::ast::{Comparison, Name, Op, OpKind};

use super::alternatives;
use super::names::{self, Names, StepRef};
use super::sink::Sink;
use super::values::words;

/// Lowers the comparisons of the link after step `index`.
pub(super) fn lower(
    names: &Names<'_>,
    sink: &mut Sink,
    index: usize,
    written: &[Comparison],
) -> Option<Vec<ir::Comparison>> {
    let all: Vec<_> = written.iter().map(|one| comparison(names, sink, index, one)).collect();
    all.into_iter().collect()
}

fn comparison(
    names: &Names<'_>,
    sink: &mut Sink,
    index: usize,
    written: &Comparison,
) -> Option<ir::Comparison> {
    let (before, after) = names.neighbours(index)?;
    let left = side(names, sink, (before, after), index, &written.left);
    let right = side(names, sink, (before, after), index, &written.right);
    let ((left_step, left), (right_step, right)) = (left?, right?);
    if left_step == right_step {
        let found = Diagnostic::new(Code::NeighbourFields, written.span, "both sides are fields of one step")
            .label("nothing of the other step")
            .help("compare two fields of one record in the condition of its step");
        sink.report(found);
        return None;
    }
    let op = op(sink, written, &left, &right)?;
    let (left, op, right) = if left_step == index { (left, op, right) } else { (right, mirrored(op), left) };
    Some(ir::Comparison { left, op, right, span: written.span })
}

/// A field of one of the neighbours, with the index of the step.
fn side(
    names: &Names<'_>,
    sink: &mut Sink,
    (before, after): (StepRef<'_>, StepRef<'_>),
    index: usize,
    name: &Name,
) -> Option<(usize, ir::Field)> {
    let Some((step, first, rest)) = names::split(names, name) else {
        let found = names::no_step(names, name);
        sink.report(found);
        return None;
    };
    let of = match step {
        _ if step == index => before,
        _ if step.checked_sub(1) == Some(index) => after,
        _ => {
            let title = format!("this link joins `{}` and `{}`", before.name.node, after.name.node);
            let found = Diagnostic::new(Code::NeighbourFields, name.span, title)
                .label(format!("a field of `{first}`"))
                .help("a link compares fields of the two steps around it");
            sink.report(found);
            return None;
        }
    };
    let start =
        name.span.start.saturating_add(u32::try_from(first.len() + 1).unwrap_or(0)).min(name.span.end);
    let field = Name { node: rest, span: crate::source::Span { start, ..name.span } };
    Some((step, alternatives::field(names, sink, of, &field)?))
}

fn op(sink: &mut Sink, written: &Comparison, left: &ir::Field, right: &ir::Field) -> Option<CompareOp> {
    let Op { kind, negated, ignore_case: _ } = written.op.node;
    let found = |title: String, label: String, help: &str| {
        Diagnostic::new(Code::NeighbourFields, written.op.span, title).label(label).help(help)
    };
    let is_number = |field: &ir::Field| matches!(field.ty, Type::Int | Type::Float);
    let order = match kind {
        OpKind::Equal if negated && left.ty == right.ty => return Some(CompareOp::NotEqual),
        OpKind::Less => Some(OrderOp::Less),
        OpKind::LessEqual => Some(OrderOp::LessEqual),
        OpKind::Greater => Some(OrderOp::Greater),
        OpKind::GreaterEqual => Some(OrderOp::GreaterEqual),
        OpKind::Equal
        | OpKind::In
        | OpKind::Like
        | OpKind::Contains
        | OpKind::StartsWith
        | OpKind::EndsWith
        | OpKind::Matches => None,
    };
    let report = match order {
        _ if left.ty != right.ty => found(
            "the two sides have different types".to_owned(),
            format!("{} on the left, {} on the right", words(left.ty), words(right.ty)),
            "both sides must have the same type",
        ),
        Some(order) if is_number(left) => return Some(CompareOp::Order(order)),
        Some(_) => found(
            "only numbers are compared by size".to_owned(),
            format!("`{}` is {}", left.name, words(left.ty)),
            "steps are in the order of time already; other values compare with `!=`",
        ),
        None => found(
            "equal fields of neighbours are a link".to_owned(),
            "not a comparison".to_owned(),
            "write it after `on`: `on A.FIELD == B.FIELD`",
        ),
    };
    sink.report(report);
    None
}

/// The comparison read from the other side.
fn mirrored(op: CompareOp) -> CompareOp {
    match op {
        CompareOp::NotEqual => op,
        CompareOp::Order(OrderOp::Less) => CompareOp::Order(OrderOp::Greater),
        CompareOp::Order(OrderOp::LessEqual) => CompareOp::Order(OrderOp::GreaterEqual),
        CompareOp::Order(OrderOp::Greater) => CompareOp::Order(OrderOp::Less),
        CompareOp::Order(OrderOp::GreaterEqual) => CompareOp::Order(OrderOp::LessEqual),
    }
}
