//! The condition of a step: every test of the language as a KQL test that is never null.
//!
//! In: a bound step, its fields. Out: conjuncts, each with what it costs and where it can stand.
//! Must not know: how steps are joined.

use super::check::{Check, compare, conjuncts, nullable, one_of};
use super::column::{Reach, whole_number};
use super::fields::{self, Field, Fields, Reading, Site, absent, asks_as_stored, is_fooled, reach};
use super::lets::Lets;
use super::literal::{self, Frag};
use super::one::{exists, of_value};
use super::{Kql, network, pattern, values};
use crate::backend::bind::BoundTest;
use crate::backend::print::Bind;
use crate::backend::schema::cases;
use crate::backend::truth::{Truth, unique};
use crate::backend::{Options, Report};
use crate::ir::{Case, TestKind, Type, Value};

/// A part of a step's condition that must hold.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(super) struct Conjunct {
    /// The test.
    pub(super) text: Frag,
    /// What it costs.
    pub(super) cost: Cost,
    /// Where it can stand.
    pub(super) site: Site,
}

/// What a test of a row costs, the cheapest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) enum Cost {
    /// What leaves the fewest rows.
    First,
    /// A comparison of a stored column, most of them by its index.
    Column,
    /// A look into a text.
    Text,
    /// A regular expression.
    Regex,
    /// Reading an address.
    Address,
    /// An expression, or a text that is parsed.
    Expression,
}

/// Prints the condition of what is read, cheap tests first.
pub(super) fn condition(
    reading: Reading<'_, '_>,
    options: &Options,
    fields: &mut Fields<'_, '_>,
    lets: &mut Lets<'_, '_>,
    report: &mut Report,
) -> Vec<Conjunct> {
    let mut parts: Vec<(Check, bool, Cost, Site)> = Vec::new();
    // Conjunct by conjunct: one that reads an item has to wait for `mv-expand`, and the others filter the table before
    // it, as Kusto's best practices for queries want it.
    let Reading { selection, before, .. } = reading;
    let others = before.iter().flat_map(|other| other.condition.conjuncts(true));
    for (part, negated) in selection.condition.conjuncts(false).into_iter().chain(others) {
        fields.take_site();
        let checks = part.map(false, &mut |test, _| check(test, options, fields, lets, report));
        let site = fields.take_site();
        let cost = part.tests().iter().map(|(test, _)| cost(test)).max().unwrap_or(Cost::Column);
        // What must not hold of a column is one test, like alternatives: a regular expression for many patterns.
        let beside =
            parts.iter_mut().find(|(_, other, of, at)| negated && *other && (*of, *at) == (cost, site));
        match beside {
            Some((others, ..)) => {
                *others = Truth::any([std::mem::replace(others, Truth::Always(false)), checks]);
            }
            None => parts.push((checks, negated, cost, site)),
        }
    }
    let printed = parts.into_iter().flat_map(|(checks, negated, cost, site)| {
        let texts = conjuncts(checks.print(negated, true));
        texts.into_iter().map(move |text| Conjunct { text, cost, site })
    });
    let mut found = unique(printed.collect());
    found.sort_by_key(|conjunct| conjunct.cost);
    found
}

/// The test that a join key is there. `implied` says that whatever equals a key that is there is asked for elsewhere.
pub(super) fn key(fields: &mut Fields<'_, '_>, field: &Field<'_>, implied: bool) -> Option<Conjunct> {
    fields.take_site();
    let column = fields.value(field);
    let is_plain = fields::plain(field).is_some();
    let none = absent(field).into_iter().filter(|text| is_plain && !text.is_empty());
    let missing: Vec<_> = (!implied).then_some("").into_iter().chain(none).map(literal::string).collect();
    let present = match missing.as_slice() {
        [] => return None,
        [_] if !implied => exists(&column, field.ty),
        missing => one_of(&column, missing).not(),
    };
    let text = Frag::join(conjuncts(present.print(false, true)), " and ", Bind::And);
    let cost = if field.ty == Type::Ip { Cost::Address } else { Cost::Column };
    Some(Conjunct { text, cost, site: fields.take_site() })
}

/// Whether a record without an item, or without an inner item, never satisfies the condition.
pub(super) fn needs_item(reading: Reading<'_, '_>, group: usize, depth: Reach) -> bool {
    let looks = |field: &Field<'_>| {
        field.ways.iter().all(|way| way.column.group == group && way.column.reach >= depth)
    };
    let is_false = |test: &BoundTest<'_, Kql>| looks(&test.field) || test.other.as_ref().is_some_and(looks);
    // Every other test is taken to be what helps the condition most.
    let never = |part: &Truth<BoundTest<'_, Kql>>, negated| {
        let best: Truth<Frag> =
            part.map(negated, &mut |test, negated| Truth::Always(!negated && !is_false(test)));
        best == Truth::Always(negated)
    };
    reading.keys.iter().any(|key| looks(key))
        || reading
            .selection
            .condition
            .conjuncts(false)
            .into_iter()
            .any(|(part, negated)| never(part, negated))
}

fn cost(test: &BoundTest<'_, Kql>) -> Cost {
    let own = match &test.test.kind {
        TestKind::Equals { .. } if asks_as_stored(test) => Cost::Column,
        _ if fields::plain(&test.field).is_none() && reach(&test.field) == Reach::Event => Cost::Expression,
        TestKind::Equals { values, .. }
            if values.iter().any(|value| matches!(value, Value::Ip(ip) if ip.is_ipv6())) =>
        {
            Cost::Address
        }
        TestKind::Exists
        | TestKind::InList { .. }
        | TestKind::SameAs { .. }
        | TestKind::TextOf { .. }
        | TestKind::Values(_)
            if test.field.ty == Type::Ip =>
        {
            Cost::Address
        }
        TestKind::Equals { .. }
        | TestKind::Order { .. }
        | TestKind::Exists
        | TestKind::SameAs { .. }
        | TestKind::TextOf { .. }
        | TestKind::Values(_) => Cost::Column,
        TestKind::InNetworks { .. } => Cost::Address,
        TestKind::Substring { .. } => Cost::Text,
        TestKind::InList { list, case: _ } => match test.list(*list) {
            Some(list) if list.by_kind().wildcards().next().is_some() => Cost::Regex,
            Some(_) | None => Cost::Column,
        },
        TestKind::Like { .. } | TestKind::Matches { .. } => Cost::Regex,
    };
    // The cases of a column may look into a text that must be parsed.
    let mut cases = test.field.ways.iter().flat_map(|way| &way.column.cases);
    let parsed = asks_as_stored(test) && cases.any(|case| case.when.is_parsed);
    if parsed { Cost::Expression } else { own }
}

/// A test. Where no text for "no value" could pass it, the column is compared as it is stored; with a regular
/// expression always as the language means it.
fn check(
    bound: &BoundTest<'_, Kql>,
    options: &Options,
    fields: &mut Fields<'_, '_>,
    lets: &mut Lets<'_, '_>,
    report: &mut Report,
) -> Check {
    let (kind, ty) = (&bound.test.kind, bound.field.ty);
    if let TestKind::Equals { values, case } = kind
        && asks_as_stored(bound)
    {
        let action = fields.stored_columns(&bound.field);
        return as_stored(&bound.field, action, values, *case);
    }
    if let TestKind::Values(test) = kind {
        return values::check(bound, test, fields, lets, report);
    }
    // A column as the table stores it needs no calculation, and Kusto finds its values by the index.
    let column = if is_fooled(bound) { fields.value(&bound.field) } else { fields.stored(&bound.field) };
    match (&bound.other, kind) {
        (Some(other), TestKind::TextOf { place, other: _, case }) => {
            pattern::text_of(&column, *place, &fields.value(other), *case)
        }
        (Some(other), _) => same(&column, &fields.value(other), ty),
        (None, _) => of_value((kind, bound), &column, options.lists, lets, report),
    }
}

/// Whether the field has one of some values: over stored columns, without a calculated one.
fn as_stored(field: &Field<'_>, action: Option<Frag>, values: &[Value], case: Case) -> Check {
    let wanted = |value: &str| values.iter().any(|wanted| case.fold(&wanted.text()) == case.fold(value));
    // No other text is that of a number.
    let numbers: Vec<_> = values.iter().filter_map(|value| whole_number(&value.text())).collect();
    fields::by_way(field, action, &mut |way| match &way.column.number {
        Some(_) if numbers.is_empty() => Truth::Always(false),
        Some(column) => one_of(column, &numbers),
        None => cases::giving(&way.column.cases, wanted, |when| when.check.clone()),
    })
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
