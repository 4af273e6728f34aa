//! The order in which a query reads the steps: the rarest first, and from it outwards, so that each further step is
//! narrowed by the keys of a neighbour that is there already.
//!
//! In: a bound rule. Out: where to begin, and the key that narrows a step. Must not know: query text.
//!
//! It is exact. A step that is narrowed keeps every record whose key some record of its neighbour has, and the join of
//! the two keeps no other.

use super::Kql;
use super::column::Reach;
use super::fields::{self, Field};
use crate::backend::bind::{Bound, BoundSelection, BoundStep, BoundTest};
use crate::backend::truth::Truth;
use crate::ir::{Case, Chain, GroupField, TestKind, Type};

/// The step of which there are the fewest records, as far as a rule shows it: it names the most values. The first of
/// several.
pub(super) fn rarest(bound: &Bound<'_, Kql>) -> usize {
    let best = bound.steps.iter().enumerate().rev().max_by_key(|(_, step)| names_values(step));
    best.map_or(0, |(index, _)| index)
}

/// The tests that must all hold and name a value or a part of one, without those of a field that has a few values at
/// most, such as an outcome.
fn names_values(step: &BoundStep<'_, Kql>) -> usize {
    // A step is as frequent as its most frequent alternative.
    step.selections().map(values_named).min().unwrap_or(0)
}

fn values_named(selection: &BoundSelection<'_, Kql>) -> usize {
    let parts = selection.condition.conjuncts(false).into_iter();
    let selects = |test: &BoundTest<'_, Kql>| {
        let field = selection.source.field(test.field.name);
        let is_open = field.is_some_and(|field| field.values.is_empty() && field.ty != Type::Bool);
        let names = match &test.test.kind {
            TestKind::Equals { .. }
            | TestKind::Substring { .. }
            | TestKind::Like { .. }
            | TestKind::Matches { .. } => true,
            TestKind::Exists
            | TestKind::InNetworks { .. }
            | TestKind::InList { .. }
            | TestKind::Order { .. }
            | TestKind::SameAs { .. }
            | TestKind::TextOf { .. }
            | TestKind::Values(_) => false,
        };
        is_open && names
    };
    parts.filter(|(part, negated)| matches!(part, Truth::Test(test) if !negated && selects(test))).count()
}

/// The fields by which a neighbour narrows a step.
#[derive(Debug, Clone, Copy)]
pub(super) struct Narrowing<'a> {
    /// The field of the neighbour.
    pub(super) near: &'a str,
    /// The field of the step.
    pub(super) far: &'a str,
    /// Whether the two are compared in lower case.
    pub(super) folded: bool,
}

/// How link `link` narrows one of its steps, the later one if `ahead`: by a key that the event has, best one that the
/// table stores. A key that lies in an item is not worth it, for the item must be expanded first; one of the scope is
/// shared by too many, unless the link has no other.
pub(super) fn narrowing<'a>(
    bound: &Bound<'a, Kql>,
    chain: &Chain,
    link: usize,
    ahead: bool,
) -> Option<Narrowing<'a>> {
    let far_step = bound.steps.get(if ahead { link + 1 } else { link })?;
    let stated = &chain.links.get(link)?.keys;
    let pairs = bound.links.get(link)?.keys.iter().zip(stated.iter().filter(|key| !key.any.of_one()));
    let counted = far_step.repetition.map(|repetition| &repetition.by);
    let own = stated.iter().any(|key| !key.from_scope);
    let candidates = pairs.filter(|(_, key)| !own || !key.from_scope).filter_map(|((left, right), key)| {
        let (near, far) = if ahead { (left, right) } else { (right, left) };
        // What is counted together shares no other key than those by which it is counted.
        let is_in_key =
            |by: &GroupField| by.field.name == far.name && (!by.folds() || key.case == Case::Ignore);
        let is_shared = counted.is_none_or(|by| by.iter().any(is_in_key));
        let fields: Vec<_> = far_step.selections().filter_map(|one| key_of(one, &far.name)).collect();
        let narrows = is_shared && fields.iter().all(|field| serves(field));
        let is_expression = fields.iter().any(|field| fields::plain(field).is_none());
        let folded = key.case == Case::Ignore;
        narrows.then_some((Narrowing { near: &near.name, far: &far.name, folded }, is_expression || folded))
    });
    // The first of those that need the least: `min_by_key` keeps it.
    candidates.min_by_key(|(_, is_expression)| *is_expression).map(|(found, _)| found)
}

fn key_of<'b, 'a>(selection: &'b BoundSelection<'a, Kql>, name: &str) -> Option<&'b Field<'a>> {
    selection.keys.iter().find(|field| field.name == name)
}

/// Texts: whether `in` converts between the widths of numbers is not documented.
fn serves(field: &Field<'_>) -> bool {
    matches!(field.ty, Type::String | Type::Ip) && fields::reach(field) == Reach::Event
}
