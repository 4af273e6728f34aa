//! The chain where the newest predecessor is always a good one: `last()` of its columns for each link.
//!
//! In: a bound rule. Out: the columns of a step, the commands between the branches and the table. Must not know: where
//! columns come from.
//!
//! Where no total binds, the newest predecessor that completes the chain so far is inside the gap if any is, whatever
//! its start. Where no event could match two neighbouring steps, at one time the earlier step stands first. So a row
//! needs nothing but the newest columns of its key. Rows that reach no further are dropped at each link.

use super::check::all;
use super::literal::{self, Frag, spl};
use super::{Spl, absences, eval, links, shown, shown_of, slots};
use crate::backend::bind::{Bound, BoundSelection, BoundStep, Output};
use crate::ir::Type;

/// Whether this form is exact for the rule.
pub(super) fn fits(bound: &Bound<'_, Spl>) -> bool {
    let links = &bound.links;
    !links.is_empty()
        && !links.iter().any(|link| link.shared || !link.comparisons.is_empty())
        && !(1..).zip(&bound.steps).any(|(step, _)| !absences::of_pairs(bound, step).is_empty())
        && !links::total_binds(bound)
}

/// The columns of a step, as an alert shows them. None is null: `last()` would take it from an older row.
pub(super) fn columns(step: &BoundStep<'_, Spl>, selection: &BoundSelection<'_, Spl>) -> Vec<(Frag, Frag)> {
    let shown = shown(step).into_iter().map(|output| {
        let name = literal::field(output.field.name);
        let value = if step.main.is_key(output.field.name) {
            name
        } else if !shown_of(selection).any(|own| own.field.name == output.field.name) {
            spl!("\"\"")
        } else {
            slots::as_text(&name, output.field.ty, Frag::clone)
        };
        (literal::flat(&output.column), value)
    });
    std::iter::once((links::time(step), spl!("_time"))).chain(shown).collect()
}

/// The commands between the branches and the table. `sorted` says whether the rows stand in the order of time, steps
/// first.
pub(super) fn commands(bound: &Bound<'_, Spl>, sorted: bool) -> Vec<Frag> {
    let mut out = Vec::new();
    let mut moved = !sorted;
    let mut carried: Vec<Frag> = Vec::new();
    for ((number, link), earlier) in (1..).zip(&bound.links).zip(&bound.steps) {
        // A burst follows what comes before its first event.
        let burst = links::burst(bound, number);
        if burst.is_some() || moved {
            out.extend(links::sorted(burst.as_ref(), number + 1));
        }
        moved = burst.is_some();
        carried.extend(newest(bound, earlier));
        let (carried, by) = (literal::list(&carried), literal::list(&links::columns(link, number)));
        let command = spl!("streamstats window=0 {carried} BY {by}", carried, by);
        out.push(links::remarked(&command, &links::remark(bound, number)));
        let [step, gap] = [number + 1, links::window(bound, link)].map(literal::number);
        let time = links::time(earlier);
        // A double holds epoch seconds to a quarter of a microsecond, so differences are rounded: limits are inclusive.
        let mut holds = vec![spl!("chain_step={step}", step)];
        holds.push(spl!("round(_time - {time}, 6) <= {gap}", time, gap));
        holds.extend(absences::between(bound, number + 1, &time));
        let holds = all(holds);
        let is_last = number + 1 == u64::try_from(bound.steps.len()).unwrap_or(u64::MAX);
        out.push(if is_last {
            spl!("where {holds}", holds)
        } else {
            spl!("where chain_step > {step} OR ({holds})", step, holds)
        });
    }
    let earlier = bound.steps.iter().filter(|step| !step.last);
    out.extend(eval(
        earlier
            .flat_map(|step| shown(step).into_iter().filter_map(|output| restored(step, output)))
            .collect(),
    ));
    out
}

/// What has been put in place of nothing, taken away again.
fn restored(step: &BoundStep<'_, Spl>, output: &Output<'_, Spl>) -> Option<Frag> {
    if step.main.is_key(output.field.name) {
        return None;
    }
    let name = literal::flat(&output.column);
    Some(match output.field.ty {
        Type::String | Type::Ip | Type::Bool => spl!("{name}=nullif({name}, \"\")", name),
        Type::Int | Type::Float | Type::Time => spl!("{name}=tonumber({name})", name),
    })
}

/// `last()` of a step's columns: by a wildcard, unless that finds columns of others.
fn newest(bound: &Bound<'_, Spl>, step: &BoundStep<'_, Spl>) -> Vec<Frag> {
    let of = |step: &BoundStep<'_, Spl>| literal::flat(&step.name.node).text().to_owned();
    let (own, start) = (literal::flat(&step.name.node), format!("{}_", of(step)));
    let others = || bound.steps.iter().map(of).chain(["chain_".to_owned()]);
    if others().any(|other| other != own.text() && other.starts_with(&start)) {
        let names = columns(step, &step.main).into_iter().map(|(name, _)| name);
        let names = names.chain(slots::burst(step).into_iter().map(|(name, _)| name));
        return names.map(|name| spl!("last({name}) AS {name}", name)).collect();
    }
    vec![spl!("last({own}_*) AS {own}_*", own)]
}
