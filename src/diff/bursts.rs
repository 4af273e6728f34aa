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
use crate::ir::{Case, GroupField, Repetition};

/// The most records of a step.
const MOST: usize = 200;

/// The `at least` of a step in this rule and in the other.
fn repetitions(step: usize, view: View<'_>) -> [Option<&Repetition>; 2] {
    [view.own.rule.chain.steps.get(step), view.counterpart(step)].map(|step| step?.repetition.as_ref())
}

fn least(repetition: &Repetition) -> usize {
    usize::try_from(repetition.least).unwrap_or(MOST).min(MOST)
}

/// How the records of a step differ in a field.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Variety {
    /// They have different values.
    Values(Case),
    /// They have one value in two spellings.
    Spellings,
}

/// A field that either rule counts or groups by, and how records differ in it.
type Varied<'n> = (&'n str, Variety);

fn values_of(counted: &GroupField) -> Varied<'_> {
    (&counted.field.name, Variety::Values(counted.case))
}

/// As this rule asks.
pub(super) fn own(step: usize, cast: &Cast<'_>, records: &[Fields], view: View<'_>) -> Burst {
    let [Some(own), _] = repetitions(step, view) else { return Burst::once() };
    let fields: Vec<Varied<'_>> = own.distinct.iter().map(values_of).collect();
    let count = least(own);
    Burst { count, varied: varied(&fields, count, step, cast, records, view), ..Burst::once() }
}

/// As either rule asks, and one less and more, within and beyond the windows of both, with each field that either
/// counts or groups by the same, and not.
pub(super) fn all(step: usize, cast: &Cast<'_>, records: &[Fields], view: View<'_>) -> Vec<Burst> {
    let known: Vec<_> = repetitions(step, view).into_iter().flatten().collect();
    let choices = choices(&known);
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

/// The fields in which the records differ: none, all that are counted, each that is counted or grouped by alone and
/// beside those.
fn choices<'r>(known: &[&'r Repetition]) -> Vec<Vec<Varied<'r>>> {
    let distinct: Vec<Varied<'r>> =
        known.iter().filter_map(|one| one.distinct.as_ref()).map(values_of).collect();
    let by = known.iter().flat_map(|one| &one.by).map(values_of);
    let mut each: Vec<Varied<'r>> = distinct.iter().copied().chain(by).collect();
    let spelt = each.clone().into_iter().filter(|(_, variety)| *variety == Variety::Values(Case::Ignore));
    each.extend(spelt.map(|(name, _)| (name, Variety::Spellings)));
    let mut choices = vec![Vec::new(), distinct.clone()];
    for field in each {
        choices.push(vec![field]);
        let others = distinct.iter().copied().filter(|(name, _)| *name != field.0);
        choices.push(others.chain([field]).collect());
    }
    for fields in &mut choices {
        fields.sort_unstable();
        fields.dedup();
    }
    choices.sort();
    choices.dedup();
    choices
}

/// Fields with other values from time to time, with which the record still is one of the step.
fn varied(
    fields: &[Varied<'_>],
    count: usize,
    step: usize,
    cast: &Cast<'_>,
    records: &[Fields],
    view: View<'_>,
) -> Vec<(String, Vec<Held>)> {
    let (Some(node), Some(record)) = (cast.nodes.get(step), records.get(step)) else { return Vec::new() };
    let Some((source, schema)) = view.place(node.selection) else { return Vec::new() };
    let wanted = cast.own(step, view);
    let Some(checks) = Checks::new(&wanted, schema) else { return Vec::new() };
    let of_field = |(name, variety): &Varied<'_>| {
        let name = node.selection.field(name);
        let def = source.field(name)?;
        let own = record.get(name).cloned();
        let (letters, most, candidates): (_, _, Vec<Held>) = match variety {
            Variety::Spellings => {
                let other = own.as_ref().and_then(Held::in_other_case);
                (Case::Sensitive, 2, own.into_iter().chain(other).collect())
            }
            Variety::Values(letters) => {
                let plain = (0..count).map(|number| Held::of(def, example::plain(def.ty, 10 + number)));
                let tested = example::held(def, tests_of(name, &wanted));
                (*letters, count, own.into_iter().chain(plain).chain(tested).collect())
            }
        };
        let mut values: Vec<Held> = Vec::new();
        for held in candidates {
            let mut changed = record.clone();
            changed.insert(name.to_owned(), held.clone());
            let is_new = values.iter().all(|known| known.folded(letters) != held.folded(letters));
            if values.len() < most && is_new && checks.hold(&changed, schema) {
                values.push(held);
            }
        }
        Some((name.to_owned(), values))
    };
    fields.iter().filter_map(of_field).collect()
}
