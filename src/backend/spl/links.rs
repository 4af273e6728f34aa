//! What all forms of the chain share about its links: windows, groups of steps, comments.
//!
//! In: a bound rule. Out: numbers, names and comments. Must not know: how a link finds its predecessor.

use super::Spl;
use super::literal::{self, Frag, spl};
use crate::backend::bind::{Bound, BoundLink, BoundStep};
use crate::ir::{self, Type};

/// The longest time from the last step but one to the last. In a chain of two steps gap and total are one window.
pub(super) fn window(bound: &Bound<'_, Spl>, link: &BoundLink<'_, Spl>) -> u64 {
    if bound.links.len() == 1 { bound.total.seconds.min(link.gap.seconds) } else { link.gap.seconds }
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

/// A value as text, empty if it is missing: `guarded` makes a text of a text.
pub(super) fn as_text(value: &Frag, ty: Type, guarded: impl FnOnce(&Frag) -> Frag) -> Frag {
    match ty {
        Type::String | Type::Ip | Type::Bool => {
            let text = guarded(value);
            spl!("coalesce({text}, \"\")", text)
        }
        Type::Int | Type::Float => spl!("coalesce(tostring({value}), \"\")", value),
        Type::Time => spl!("if(isnull({value}), \"\", printf(\"%.6f\", {value}))", value),
    }
}

/// The column of a step's time.
pub(super) fn time(step: &BoundStep<'_, Spl>) -> Frag {
    literal::flat(&step.column_name("time"))
}
