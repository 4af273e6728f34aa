//! What all forms of the chain share about its links: windows, groups of steps, comments.
//!
//! In: a bound rule. Out: numbers, names and comments. Must not know: how a link finds its predecessor.

use std::fmt::Write as _;

use super::Spl;
use super::literal::{self, Frag, spl};
use crate::backend::bind::{Bound, BoundStep};

/// Whether the total is shorter than the sum of the gaps.
pub(super) fn total_binds(bound: &Bound<'_, Spl>) -> bool {
    bound.total.seconds < bound.links.iter().fold(0, |sum: u64, link| sum.saturating_add(link.gap.seconds))
}

/// Numbers the runs of steps whose neighbours one event could match both; nothing if one number says it all.
pub(super) fn group(bound: &Bound<'_, Spl>, step: u64) -> Option<u64> {
    let apart = || (1..).zip(&bound.links).filter(|(_, link)| !link.shared);
    let needed = apart().count() > 0 && bound.links.iter().any(|link| link.shared);
    needed.then(|| apart().filter(|(number, _)| *number < step).fold(1, |group, _| group + 1))
}

/// What a link joins, for a reader: `launch within 15m of console, by actor.id`.
pub(super) fn remark(bound: &Bound<'_, Spl>, link: u64) -> Frag {
    let found = (1..).zip(&bound.links).zip(bound.steps.iter().zip(bound.steps.iter().skip(1)));
    let told = found.filter(|((number, _), _)| *number == link).map(|((_, link), (earlier, later))| {
        let keys = link.keys.iter().map(|(left, right)| {
            if left.name == right.name {
                left.name.clone()
            } else {
                format!("{} = {}", left.name, right.name)
            }
        });
        format!(
            "{} within {} of {}, by {}",
            later.name.node,
            duration(link.gap.seconds),
            earlier.name.node,
            keys.collect::<Vec<_>>().join(", ")
        )
    });
    literal::comment(&told.collect::<String>())
}

/// A command with a comment below it.
pub(super) fn remarked(command: &Frag, remark: &Frag) -> Frag {
    spl!("{command}\n    ```{remark}```", command, remark)
}

/// Seconds as a rule writes them: `1h30m`.
fn duration(seconds: u64) -> String {
    let (mut rest, mut text) = (seconds, String::new());
    for (unit, length) in [("d", 86_400), ("h", 3600), ("m", 60), ("s", 1)] {
        if rest >= length {
            let _ = write!(text, "{}{unit}", rest / length);
            rest %= length;
        }
    }
    if text.is_empty() { "0s".to_owned() } else { text }
}

/// The column of a step's time.
pub(super) fn time(step: &BoundStep<'_, Spl>) -> Frag {
    literal::flat(&step.column_name("time"))
}
