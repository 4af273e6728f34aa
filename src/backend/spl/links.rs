//! What all forms of the chain share about its links: windows, groups of steps, comments.
//!
//! In: a bound rule. Out: numbers, names and comments. Must not know: how a link finds its predecessor.

use super::literal::{self, Frag, spl};
use super::{Spl, slots};
use crate::backend::bind::{AnyKey, Bound, BoundLink, BoundStep};
use crate::ir::{self, Together};

/// The longest time from the last step but one to the last. In a chain of two steps gap and total are one window.
pub(super) fn window(bound: &Bound<'_, Spl>, link: &BoundLink<'_, Spl>) -> u64 {
    if bound.links.len() == 1 { bound.total.seconds.min(link.gap.seconds) } else { link.gap.seconds }
}

/// Whether the total must be looked at beside the gaps. In a chain of two steps they are one window, unless the chain
/// starts before its first record does.
pub(super) fn total_binds(bound: &Bound<'_, Spl>) -> bool {
    let starts_earlier = bound.steps.first().is_some_and(|step| step.repetition.is_some());
    bound.total_binds && (bound.links.len() > 1 || starts_earlier)
}

/// The start of the burst that a link leads to.
pub(super) fn burst(bound: &Bound<'_, Spl>, link: u64) -> Option<Frag> {
    let later = usize::try_from(link).ok().and_then(|link| bound.steps.get(link))?;
    later.repetition.map(|_| slots::first(later))
}

/// Rows in the order of time, steps first; those of a step that repeats stand where their bursts start.
pub(super) fn sorted(burst: Option<&Frag>, step: u64) -> Vec<Frag> {
    // Without the `0`, `sort` returns 10,000 rows.
    let Some(first) = burst else { return vec![spl!("sort 0 +_time, +chain_step")] };
    let step = literal::number(step);
    vec![
        spl!("eval chain_at=if(chain_step={step}, {first}, _time)", step, first),
        spl!("sort 0 +chain_at, +chain_step"),
    ]
}

/// Numbers the runs of steps whose neighbours one event could match both; nothing if one number says it all.
pub(super) fn group(bound: &Bound<'_, Spl>, step: u64) -> Option<u64> {
    let apart = || (1..).zip(&bound.links).filter(|(_, link)| !link.shared);
    let needed = apart().count() > 0 && bound.links.iter().any(|link| link.shared);
    needed.then(|| apart().filter(|(number, _)| *number < step).fold(1, |group, _| group + 1))
}

/// A step's side of the links before and after it: a name that both sides use, and the field's column.
pub(super) fn sides(bound: &Bound<'_, Spl>, step: u64) -> Vec<(Frag, Frag)> {
    let mut sides = Vec::new();
    for (number, link) in (1..).zip(&bound.links) {
        for (key, ((left, right), folded)) in (1..).zip(link.keys.iter().zip(&link.folded)) {
            let field = if number == step { Some(left) } else { (number + 1 == step).then_some(right) };
            let joined = |field: &&ir::Field| literal::joined(&field.name, field.ty, *folded);
            sides.extend(field.map(|field| (literal::key(number, key), joined(field))));
        }
        for (key, AnyKey { left, right, of, folded }) in any(link) {
            let side = if number == step {
                Some((left, of.left))
            } else {
                (number + 1 == step).then_some((right, of.right))
            };
            // Of a field with several values all of them stand here, until the branch gives each a row.
            let joined =
                |(field, any): (&ir::Field, bool)| literal::joined(&field.name, field.ty, *folded && !any);
            sides.extend(side.map(|(field, any)| (literal::key(number, key), joined((field, any)))));
        }
    }
    sides
}

/// The keys of a link of which any value of a side counts, with their numbers behind those of the others.
fn any<'l, 'a>(link: &'l BoundLink<'a, Spl>) -> impl Iterator<Item = (u64, &'l AnyKey<'a>)> {
    let first = (1..).zip(&link.keys).last().map_or(1, |(last, _)| last + 1);
    (first..).zip(&link.any)
}

/// The columns of a step that hold all values of a field, each of which is a key: with the field, and whether letter
/// case does not count.
pub(super) fn expanded<'a>(bound: &Bound<'a, Spl>, step: u64) -> Vec<(Frag, &'a ir::Field, bool)> {
    let mut found = Vec::new();
    for (number, link) in (1..).zip(&bound.links) {
        for (key, AnyKey { left, right, of, folded }) in any(link) {
            let earlier = (of.left && number == step).then_some(*left);
            let later = (of.right && number + 1 == step).then_some(*right);
            found.extend(earlier.or(later).map(|field| (literal::key(number, key), field, *folded)));
        }
    }
    found
}

/// Whether a row of the last step stands for one value of a field, so that one record can have several rows.
pub(super) fn repeats_last(bound: &Bound<'_, Spl>) -> bool {
    bound.links.last().is_some_and(|link| link.any.iter().any(|key| key.of.right))
}

/// The columns of a link's keys.
pub(super) fn columns(link: &BoundLink<'_, Spl>, number: u64) -> Vec<Frag> {
    let single = (1..).zip(&link.keys).map(|(key, _)| literal::key(number, key));
    single.chain(any(link).map(|(key, _)| literal::key(number, key))).collect()
}

/// The columns by which steps in any order are joined.
pub(super) fn in_any_order(together: &Together) -> Vec<Frag> {
    (1..).zip(&together.keys).map(|(at, _)| literal::key(1, at)).collect()
}

/// What a link joins, for a reader: `launch within 15m of console, by actor.id`.
pub(super) fn remark(bound: &Bound<'_, Spl>, link: u64) -> Frag {
    let found = (1..).zip(&bound.links).zip(bound.steps.iter().zip(bound.steps.iter().skip(1)));
    let told = found.filter(|((number, _), _)| *number == link).map(|((_, link), (earlier, later))| {
        format!(
            "{} within {} of {}, by {}",
            later.name.node,
            ir::duration(link.gap.seconds),
            earlier.name.node,
            link.keys_in_words()
        )
    });
    literal::comment(&told.collect::<String>())
}

/// A command with a comment below it.
pub(super) fn remarked(command: &Frag, remark: &Frag) -> Frag {
    spl!("{command}\n    ```{remark}```", command, remark)
}

/// The column of a step's time.
pub(super) fn time(step: &BoundStep<'_, Spl>) -> Frag {
    literal::flat(&step.column_name("time"))
}
