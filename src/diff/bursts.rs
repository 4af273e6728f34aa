//! How often the record of a step comes: as often as a rule asks, and around that.
//!
//! In: the `at least` of a step in both rules. Out: [`Burst`]s. Must not know: other steps, what comes of the events.

use super::cast::Cast;
use super::example;
use super::fields::{Fields, Held};
use super::pair::View;
use super::solve::{Checks, tests_of};
use super::timeline::Burst;
use super::windows;
use crate::ir::Repetition;

/// The most records of a step.
const MOST: usize = 200;

/// The `at least` of a step in this rule and in the other.
fn repetitions(step: usize, view: View<'_>) -> [Option<&Repetition>; 2] {
    [view.own.rule.chain.steps.get(step), view.counterpart(step)].map(|step| step?.repetition.as_ref())
}

fn least(repetition: &Repetition) -> usize {
    usize::try_from(repetition.least).unwrap_or(MOST).min(MOST)
}

/// As this rule asks.
pub(super) fn own(step: usize, cast: &Cast<'_>, records: &[Fields], view: View<'_>) -> Burst {
    let [Some(own), _] = repetitions(step, view) else { return Burst::once() };
    let fields: Vec<&str> = own.distinct.iter().map(|counted| counted.field.name.as_str()).collect();
    let count = least(own);
    Burst { count, varied: varied(&fields, count, step, cast, records, view), ..Burst::once() }
}

/// As either rule asks, and one less and more, within and beyond the windows of both, with each field that either
/// counts or groups by the same, and not.
pub(super) fn all(step: usize, cast: &Cast<'_>, records: &[Fields], view: View<'_>) -> Vec<Burst> {
    let known: Vec<_> = repetitions(step, view).into_iter().flatten().collect();
    let distinct: Vec<&str> =
        known.iter().filter_map(|one| Some(one.distinct.as_ref()?.field.name.as_str())).collect();
    let by = known.iter().flat_map(|one| one.by_fields()).map(|field| field.name.as_str());
    let mut choices: Vec<Vec<&str>> = vec![Vec::new(), distinct.clone()];
    for field in distinct.iter().copied().chain(by) {
        choices.push(vec![field]);
        choices.push([distinct.as_slice(), &[field]].concat());
    }
    for fields in &mut choices {
        fields.sort_unstable();
        fields.dedup();
    }
    choices.sort();
    choices.dedup();
    let mut found = Vec::new();
    for count in
        known.iter().map(|one| least(one)).flat_map(|least| [least, least + 1, least.saturating_sub(1)])
    {
        for fields in &choices {
            let varied = varied(fields, count, step, cast, records, view);
            found.push(Burst { count, varied: varied.clone(), ..Burst::once() });
            found.push(Burst { count, every: 0, varied: varied.clone(), ..Burst::once() });
            for spread in windows::edges(known.iter().map(|one| one.window)) {
                found.push(Burst { count, every: 0, spread, varied: varied.clone() });
            }
        }
    }
    found
}

/// Fields with other values from time to time, with which the record still is one of the step.
fn varied(
    names: &[&str],
    count: usize,
    step: usize,
    cast: &Cast<'_>,
    records: &[Fields],
    view: View<'_>,
) -> Vec<(String, Vec<Held>)> {
    let (Some(node), Some(fields)) = (cast.nodes.get(step), records.get(step)) else { return Vec::new() };
    let Some((source, schema)) = view.place(node.selection) else { return Vec::new() };
    let wanted = cast.own(step, view);
    let Some(checks) = Checks::new(&wanted, schema) else { return Vec::new() };
    let of_field = |name: &str| {
        let name = node.selection.field(name);
        let def = source.field(name)?;
        let own = fields.get(name).cloned().into_iter();
        let more = (0..count).map(|number| Held::of(def, example::plain(def.ty, 10 + number)));
        let candidates = own.chain(more).chain(example::held(def, tests_of(name, &wanted)));
        let mut values: Vec<Held> = Vec::new();
        for held in candidates {
            let mut changed = fields.clone();
            changed.insert(name.to_owned(), held.clone());
            if values.len() < count && !values.contains(&held) && checks.hold(&changed, schema) {
                values.push(held);
            }
        }
        Some((name.to_owned(), values))
    };
    names.iter().filter_map(|name| of_field(name)).collect()
}
