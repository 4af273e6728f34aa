//! Tests as they are, without their negation: each holds where the field has a value that passes, and is false or null
//! where it has none.
//!
//! In: what a test asks, its column. Out: a condition, or why EQL cannot express it. Must not know: steps, negations,
//! and whether the column holds one value or several.

use super::Eql;
use super::column::{Column, Kind};
use super::literal::{self, Frag};
use super::network;
use super::refusal::Refusal;
use super::text::{self, Wanted};
use crate::backend::bind::{BoundField, BoundTest};
use crate::backend::truth::Truth;
use crate::ir::{Case, List, OrderOp, Place, TestKind, Value};

/// The test, false or null on a missing field.
pub(super) fn positive<'a>(
    kind: &'a TestKind,
    test: &BoundTest<'a, Eql>,
    column: &Column,
) -> Result<Truth<Frag>, Refusal> {
    let name = &column.name;
    match kind {
        TestKind::Exists => Ok(Truth::Test(literal::found(name))),
        TestKind::Order { op, value } => order(column, *op, value),
        TestKind::InNetworks { networks } => network::within(column, networks),
        TestKind::InList { list, case: _ } => in_list(kind, test, test.list(*list), column),
        TestKind::Equals { values, .. } if column.kind != Kind::Text => equals(column, values),
        TestKind::Matches { regex } => is_text(column).and_then(|()| text::search(name, regex.exact())),
        TestKind::Equals { .. } | TestKind::Like { .. } | TestKind::Substring { .. } => {
            is_text(column).and_then(|()| Wanted::of(kind, test).print(name))
        }
        TestKind::SameAs { .. } => with_field(test, column, None, Case::Sensitive),
        TestKind::TextOf { place, other: _, case } => with_field(test, column, *place, *case),
        // Asked of each value.
        TestKind::Values(_) => Ok(Truth::Always(false)),
    }
}

/// Both fields hold one text, of which one has the other.
fn with_field(
    test: &BoundTest<'_, Eql>,
    column: &Column,
    place: Option<Place>,
    case: Case,
) -> Result<Truth<Frag>, Refusal> {
    match other(test) {
        Some(other)
            if other.cases.is_empty()
                && !other.multi
                && column.kind == Kind::Text
                && other.kind == Kind::Text =>
        {
            let (one, other) = (&column.name, &other.name);
            Ok(match place {
                // EQL compares a field with literals alone. Of two texts that begin with each other none is longer.
                None => Truth::all([
                    Truth::Test(literal::has_text(Place::Start, case, one, other)),
                    Truth::Test(literal::has_text(Place::Start, case, other, one)),
                ]),
                Some(place) => Truth::Test(literal::has_text(place, case, one, other)),
            })
        }
        Some(_) | None => Err(Refusal::new(
            "EQL compares two fields only if Elastic holds each as one text",
            "compare with literals, or compile this rule for SPL or KQL",
        )),
    }
}

/// The column with which a test compares, if it is always the same one.
pub(super) fn other<'a>(test: &BoundTest<'a, Eql>) -> Option<&'a Column> {
    test.other.as_ref().and_then(BoundField::only).map(|way| way.column)
}

fn is_text(column: &Column) -> Result<(), Refusal> {
    let refusal = || Refusal::new("Elastic does not hold the field as text", "use a comparison of its type");
    (column.kind == Kind::Text).then_some(()).ok_or_else(refusal)
}

fn in_list<'a>(
    kind: &'a TestKind,
    test: &BoundTest<'a, Eql>,
    list: Option<&List>,
    column: &Column,
) -> Result<Truth<Frag>, Refusal> {
    let entries = list.map(List::by_kind).unwrap_or_default();
    let mut parts = vec![Wanted::of(kind, test).print(&column.name)?];
    if !entries.networks.is_empty() {
        parts.push(network::within(column, &entries.networks)?);
    }
    if !entries.values.is_empty() {
        parts.push(equals(column, &entries.values)?);
    }
    Ok(Truth::any(parts))
}

/// Equality with one of some values that are all of one type.
fn equals(column: &Column, values: &[Value]) -> Result<Truth<Frag>, Refusal> {
    if column.kind == Kind::Ip {
        return network::equals(column, values);
    }
    let literal = |value: &Value| match column.kind {
        Kind::Text => Ok(literal::string(&value.text())),
        Kind::Number | Kind::Bool | Kind::Ip | Kind::Date => literal::value(value).ok_or_else(too_fine),
    };
    let literals: Vec<_> = values.iter().map(literal).collect::<Result<_, _>>()?;
    Ok(Truth::Test(literal::one_of(&column.name, "in", &literals)))
}

fn too_fine() -> Refusal {
    Refusal::new("Elasticsearch holds timestamps in milliseconds", "round the timestamp to a millisecond")
}

fn order(column: &Column, op: OrderOp, value: &Value) -> Result<Truth<Frag>, Refusal> {
    let sign = match op {
        OrderOp::Less => "<",
        OrderOp::LessEqual => "<=",
        OrderOp::Greater => ">",
        OrderOp::GreaterEqual => ">=",
    };
    match column.kind {
        Kind::Number | Kind::Date => {
            let bound = literal::value(value).ok_or_else(too_fine)?;
            Ok(Truth::Test(literal::compare(&column.name, sign, &bound)))
        }
        Kind::Text | Kind::Bool | Kind::Ip => Err(Refusal::new(
            "Elastic does not hold the field as a number or a timestamp, so it has no order",
            "list the values with `in`",
        )),
    }
}
