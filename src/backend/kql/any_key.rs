//! Links by any value of a field with several: a row for each value where the two sides are joined.
//!
//! In: such a key, the steps that it joins. Out: operators in front of the join, and the columns that are equal then.
//! Must not know: how a step reads its fields, what else a link asks.
//!
//! A step hands its list on as one text, so that a row is told apart by it as by any other column; the values are taken
//! apart at the join alone. What two rows share twice gives two pairs of them, of which one is kept as of all pairs.

use super::fields::Field;
use super::literal::{self, Frag};
use super::{Kql, check, step, values};
use crate::backend::Report;
use crate::backend::bind::{AnyKey, BoundStep};
use crate::backend::print::{Bind, phrase};
use crate::diag::{Code, Diagnostic};
use crate::ir;

/// One side of a key, ready for the join.
pub(super) struct Side {
    /// What gives a row for each value; nothing of a side that has one.
    pub(super) operators: Vec<Frag>,
    /// The column that is equal to that of the other side.
    pub(super) column: Frag,
    /// Whether nothing but the join needs it.
    pub(super) passing: bool,
}

/// The sides of a key.
pub(super) fn sides(earlier: &BoundStep<'_, Kql>, later: &BoundStep<'_, Kql>, key: &AnyKey<'_>) -> [Side; 2] {
    let AnyKey { left, right, of, folded } = *key;
    [side(earlier, left, of.left, folded), side(later, right, of.right, folded)]
}

fn side(step: &BoundStep<'_, Kql>, field: &ir::Field, any: bool, folded: bool) -> Side {
    let bound = step.main.any.iter().find(|known| known.name == field.name).filter(|_| any);
    let each = bound.and_then(|bound| bound.ways.first()?.column.each.as_deref());
    let Some((bound, each)) = bound.zip(each) else {
        let name = literal::name(&step.column_name(&field.name));
        let column = if folded { step::folded(&step.name.node, &field.name) } else { name };
        return Side { operators: Vec::new(), column, passing: false };
    };
    let column = literal::name(&phrase!("_{}_any", step.column_name(&field.name)));
    let all =
        literal::item_of(&literal::call("parse_json", [&step::values(&step.name.node, &field.name)]), 0);
    let value = step::number(values::value_of(&column, each, field.ty), field.ty);
    let is_value = values::is_value(bound, &column);
    let is_value = Frag::join(check::conjuncts(is_value.print(false, true)), " and ", Bind::And);
    let mut operators = vec![
        literal::operator("mv-expand", &literal::assign(&column, &all)),
        literal::operator("extend", &literal::assign(&column, &value)),
        literal::operator("where", &is_value),
    ];
    if folded {
        let lower = literal::call("tolower", [&column]);
        operators.push(literal::operator("extend", &literal::assign(&column, &lower)));
    }
    Side { operators, column, passing: true }
}

/// Refuses a step whose alternatives, or whose actions, keep the values in different ways: they are taken apart where
/// all of its records are in one table.
pub(super) fn refuse_mixed(step: &BoundStep<'_, Kql>, report: &mut Report) {
    for field in &step.main.any {
        let same_name = step.selections().flat_map(|one| one.any.iter().filter(|any| any.name == field.name));
        let forms: Vec<_> = same_name.flat_map(forms).collect();
        if forms.windows(2).any(|pair| matches!(pair, [one, other] if one != other)) {
            let title = phrase!("the sources keep the values of `{}` in different ways", field.name);
            report.error(
                Diagnostic::new(Code::NotExpressible, field.span, title)
                    .label("joined by any of them")
                    .help("write a rule for each source"),
            );
        }
    }
}

/// Where a value lies in an item, and the texts that mean none.
fn forms<'f>(field: &'f Field<'_>) -> Vec<(&'f str, Vec<&'f str>)> {
    let none: Vec<&str> = field.placeholders();
    field.ways.iter().map(|way| (way.column.each.as_deref().unwrap_or_default(), none.clone())).collect()
}
