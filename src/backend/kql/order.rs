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
use crate::backend::bind::{Bound, BoundStep, BoundTest};
use crate::backend::truth::Truth;
use crate::ir::{Chain, TestKind, Type};

/// The step of which there are the fewest records, as far as a rule shows it: it asks for the most equalities. The
/// first of several.
pub(super) fn rarest(bound: &Bound<'_, Kql>) -> usize {
    let best = bound.steps.iter().enumerate().rev().max_by_key(|(_, step)| equalities(step));
    best.map_or(0, |(index, _)| index)
}

/// The tests for equality that must all hold, without those of a field that has a few values at most, such as an
/// outcome.
fn equalities(step: &BoundStep<'_, Kql>) -> usize {
    let parts = step.main.condition.conjuncts(false).into_iter();
    let selects = |test: &BoundTest<'_, Kql>| {
        let field = step.main.source.field(test.field.name);
        let is_open = field.is_some_and(|field| field.values.is_empty() && field.ty != Type::Bool);
        is_open && matches!(test.test.kind, TestKind::Equals { .. })
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
    let pairs = bound.links.get(link)?.keys.iter().zip(stated);
    let own = stated.iter().any(|key| !key.from_scope);
    let candidates = pairs.filter(|(_, key)| !own || !key.from_scope).filter_map(|((left, right), _)| {
        let (near, far) = if ahead { (left, right) } else { (right, left) };
        let field = far_step.main.keys.iter().find(|field| field.name == far.name)?;
        serves(field)
            .then_some((Narrowing { near: &near.name, far: &far.name }, fields::plain(field).is_none()))
    });
    // The first of those that need the least: `min_by_key` keeps it.
    candidates.min_by_key(|(_, is_expression)| *is_expression).map(|(found, _)| found)
}

/// Texts: whether `in` converts between the widths of numbers is not documented.
fn serves(field: &Field<'_>) -> bool {
    matches!(field.ty, Type::String | Type::Ip) && fields::reach(field) == Reach::Event
}
