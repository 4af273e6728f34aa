//! Tests of one value, whether a column holds it or a list.
//!
//! In: the text of a value, what is asked of it. Out: a [`Check`]. Must not know: how fields are read, where tests
//! stand.

use super::Kql;
use super::check::{Check, atom, compare, nullable, one_of};
use super::lets::Lets;
use super::literal::{self, Frag};
use super::{lists, network, pattern};
use crate::backend::bind::BoundTest;
use crate::backend::truth::Truth;
use crate::backend::{ListDelivery, Report};
use crate::ir::{self, OrderOp, TestKind, Type, Value};

/// Whether a column that holds a field has a value.
pub(super) fn exists(column: &Frag, ty: Type) -> Check {
    match ty {
        Type::String => pattern::present(column),
        Type::Ip => network::is_address(column),
        Type::Int | Type::Float | Type::Bool | Type::Time => {
            atom(literal::call("isnotnull", [column]), literal::call("isnull", [column]))
        }
    }
}

/// A test of one value, which is a column's or one of a list's.
pub(super) fn of_value(
    (kind, bound): (&TestKind, &BoundTest<'_, Kql>),
    column: &Frag,
    delivery: ListDelivery,
    lets: &mut Lets<'_, '_>,
    report: &mut Report,
) -> Check {
    match kind {
        TestKind::Exists => exists(column, bound.field.ty),
        TestKind::Equals { values, case } => match (values.as_slice(), bound.param()) {
            ([value], Some(param)) => given(column, value, *case, &param.name.node, lets),
            _ => lists::equals(column, values, *case),
        },
        TestKind::InNetworks { networks } => network::within(column, networks),
        TestKind::InList { list, case } => match bound.list(*list) {
            Some(list) => lists::within(column, (list, *case), delivery, lets, report),
            None => Truth::Always(false),
        },
        TestKind::Order { op, value } => {
            let bound_by = literal::value(value);
            let bound_by = match bound.param() {
                Some(param) => lets.name(&param.name.node, VALUE, bound_by),
                None => bound_by,
            };
            nullable(literal::binary(column, operator(*op), &bound_by))
        }
        TestKind::Like { pattern, case } => pattern::like(column, pattern, *case),
        TestKind::Substring { place, text, case } => pattern::substring(column, *place, text, *case),
        TestKind::Matches { regex } => pattern::matches(column, regex),
        // Neither is a test of one value.
        TestKind::Values(_) | TestKind::SameAs { .. } | TestKind::TextOf { .. } => Truth::Always(false),
    }
}

/// What a name gets that means something else in the query already.
const VALUE: &str = "_value";

/// Equality with the value of a parameter, which stands at the top under its name. An address is compared in another
/// way than by its text, and letters beyond ASCII are spelled out.
fn given(column: &Frag, value: &Value, case: ir::Case, param: &str, lets: &mut Lets<'_, '_>) -> Check {
    match value {
        Value::Ip(_) => lists::equals(column, std::slice::from_ref(value), case),
        Value::String(text) => match pattern::operators(text, case) {
            Some([equal, unequal]) => {
                compare(column, equal, unequal, &lets.name(param, VALUE, literal::value(value)))
            }
            None => lists::equals(column, std::slice::from_ref(value), case),
        },
        Value::Int(_) | Value::Float(_) | Value::Bool(_) | Value::Time(_) => {
            one_of(column, &[lets.name(param, VALUE, literal::value(value))])
        }
    }
}

/// The operator of an order.
pub(super) fn operator(op: OrderOp) -> &'static str {
    match op {
        OrderOp::Less => "<",
        OrderOp::LessEqual => "<=",
        OrderOp::Greater => ">",
        OrderOp::GreaterEqual => ">=",
    }
}
