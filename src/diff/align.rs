//! Which step of one rule is which of another.
//!
//! In: two chains. Out: ways to pair their steps. Must not know: which way is the best.

use super::normal::{self, ListNames};
use crate::ir::Rule;

/// For each step of the new rule the step of the old one that it is compared with.
pub(super) type Alignment = Vec<Option<usize>>;

/// The ways worth comparing, the likeliest first: by name, by place, by what they ask.
pub(super) fn ways(old: &Rule, new: &Rule, lists: &ListNames) -> Vec<Alignment> {
    let names =
        |rule: &Rule| -> Vec<String> { rule.chain.steps.iter().map(|step| step.name.node.clone()).collect() };
    let asks = |rule: &Rule| -> Vec<String> {
        let steps = rule.chain.steps.iter();
        steps
            .map(|step| {
                let each = step.selections().map(|selection| {
                    format!("{}: {}", selection.source.node, normal::condition(selection, rule, lists))
                });
                each.collect::<Vec<_>>().join("; ")
            })
            .collect()
    };
    let count = new.chain.steps.len();
    let by_place = (0..count).map(|step| (step < old.chain.steps.len()).then_some(step)).collect();
    let mut ways = vec![matched(&names(old), &names(new)), by_place, matched(&asks(old), &asks(new))];
    ways.dedup();
    ways
}

/// Equal ones first, each once; those that are left over in their order.
pub(super) fn matched<T: PartialEq>(old: &[T], new: &[T]) -> Alignment {
    let mut free: Vec<usize> = (0..old.len()).collect();
    let mut found: Alignment = new
        .iter()
        .map(|item| {
            let place = free.iter().position(|index| old.get(*index) == Some(item))?;
            Some(free.remove(place))
        })
        .collect();
    let mut rest = free.into_iter();
    for place in found.iter_mut().filter(|place| place.is_none()) {
        *place = rest.next();
    }
    found
}
