//! The condition of a step: every test of the language as a KQL test that is never null.
//!
//! In: a bound step, its fields. Out: conjuncts, and whether each reads plain columns only.
//! Must not know: how steps are joined.

use super::check::{Check, atom, compare, conjuncts, nullable};
use super::fields::{Field, Fields, absent};
use super::literal::{self, Frag};
use super::{Kql, lists, network, pattern};
use crate::backend::bind::{BoundStep, BoundTest};
use crate::backend::print::Bind;
use crate::backend::truth::{Truth, unique};
use crate::backend::{Options, Report};
use crate::ir::{OrderOp, TestKind, Type};

/// The condition of a step, cut where `and` joins it.
#[derive(Debug, Default)]
pub(super) struct Condition {
    /// Tests of plain columns: they come first.
    pub(super) plain: Vec<Frag>,
    /// Tests of derived columns.
    pub(super) derived: Vec<Frag>,
}

/// Prints the condition of a step.
pub(super) fn condition(
    step: &BoundStep<'_, Kql>,
    options: &Options,
    fields: &mut Fields<'_, '_>,
    report: &mut Report,
) -> Condition {
    let mut found = Condition::default();
    // Conjunct by conjunct: one that reads a derived column has to wait for `extend` and `mv-expand`, and the others
    // filter the table before them, as Kusto's best practices for queries want it.
    for (part, negated) in step.condition.conjuncts(false) {
        fields.take_deferred();
        let printed = part.settle(negated, true, &mut |test, negated, bare| {
            check(test, options, fields, report).print(negated, bare)
        });
        let tests = if fields.take_deferred() { &mut found.derived } else { &mut found.plain };
        tests.extend(conjuncts(printed));
    }
    Condition { plain: unique(found.plain), derived: unique(found.derived) }
}

/// The test that a join key is there, and whether it reads a plain column.
pub(super) fn present(fields: &mut Fields<'_, '_>, field: &Field<'_>) -> (Frag, bool) {
    fields.take_deferred();
    let column = fields.value(field);
    let plain = !fields.take_deferred();
    let tests = conjuncts(exists(&column, field.ty).print(false, true));
    (Frag::join(tests, " and ", Bind::And), plain)
}

fn exists(column: &Frag, ty: Type) -> Check {
    match ty {
        Type::String => pattern::present(column),
        Type::Ip => network::is_address(column),
        Type::Int | Type::Float | Type::Bool | Type::Time => {
            atom(literal::call("isnotnull", [column]), literal::call("isnull", [column]))
        }
    }
}

/// A test. Where no text for "no value" could pass it, the column is compared as it is stored; with a regular
/// expression always as the language means it.
fn check(
    bound: &BoundTest<'_, Kql>,
    options: &Options,
    fields: &mut Fields<'_, '_>,
    report: &mut Report,
) -> Check {
    let (kind, ty) = (&bound.test.kind, bound.field.ty);
    let fooled = |text: &&str| matches!(kind, TestKind::Matches { .. }) || bound.could_pass(text);
    // A column as the table stores it needs no `extend`, and Kusto finds its values by the index.
    let column = if absent(&bound.field).iter().any(fooled) {
        fields.value(&bound.field)
    } else {
        fields.stored(&bound.field)
    };
    match kind {
        TestKind::Exists => exists(&column, ty),
        TestKind::Equals { values, case } => lists::equals(&column, values, *case),
        TestKind::InNetworks { networks } => network::within(&column, networks),
        TestKind::InList { list } => match bound.list(*list) {
            Some(list) => lists::within(&column, list, options.lists, report),
            None => Truth::Always(false),
        },
        TestKind::Order { op, value } => {
            nullable(literal::binary(&column, operator(*op), &literal::value(value)))
        }
        TestKind::Like { pattern, case } => pattern::like(&column, pattern, *case),
        TestKind::Substring { place, text, case } => pattern::substring(&column, *place, text, *case),
        TestKind::Matches { regex } => pattern::matches(&column, regex),
        TestKind::SameAs { .. } => match &bound.other {
            Some(other) => same(&column, &fields.value(other), ty),
            None => Truth::Always(false),
        },
    }
}

fn same(one: &Frag, other: &Frag, ty: Type) -> Check {
    match ty {
        // Two missing texts are equal in Kusto, both empty. One side is enough: what equals a present text is present.
        Type::String => Truth::all([pattern::present(one), compare(one, "==", "!=", other)]),
        Type::Ip => network::same(one, other),
        Type::Int | Type::Float | Type::Bool | Type::Time => {
            Truth::all([exists(one, ty), nullable(literal::binary(one, "==", other))])
        }
    }
}

fn operator(op: OrderOp) -> &'static str {
    match op {
        OrderOp::Less => "<",
        OrderOp::LessEqual => "<=",
        OrderOp::Greater => ">",
        OrderOp::GreaterEqual => ">=",
    }
}
