//! Columns of a record put side by side in one text, which travels through an aggregate as a whole, and taken apart
//! again.
//!
//! In: a step, or a place in such a text. Out: what stands in the place, and what it stands for. Must not know: what
//! stands before the columns, and which text is chosen.

use super::literal::{self, Frag, spl};
use super::{Spl, shown};
use crate::backend::bind::BoundStep;
use crate::ir::{self, Type};

/// A column that an answer shows of a step.
#[derive(Debug)]
pub(super) struct Slot {
    /// Its name in the answer.
    pub(super) name: Frag,
    /// The column of the step's own rows that has it.
    pub(super) column: Frag,
    /// Its type.
    pub(super) ty: Type,
}

/// The columns of a step, but for its time.
pub(super) fn of(step: &BoundStep<'_, Spl>) -> Vec<Slot> {
    let of_burst = burst(step).into_iter().map(|(name, ty)| Slot { name: name.clone(), column: name, ty });
    let fields = shown(step).into_iter().map(|output| Slot {
        name: literal::flat(&output.column),
        column: literal::field(output.field.name),
        ty: output.field.ty,
    });
    of_burst.chain(fields).collect()
}

impl Slot {
    /// What follows `=` in its place: the value, or nothing when it is missing.
    pub(super) fn packed(&self) -> Frag {
        packed(&self.column, self.ty)
    }
}

/// The same of any column.
pub(super) fn packed(column: &Frag, ty: Type) -> Frag {
    // `printf` writes a missing value as `Null`, which would come back as a text.
    as_text(column, ty, guarded)
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

/// What an answer shows of a step's burst: how many there are and since when there are enough; nothing if the step does
/// not repeat.
pub(super) fn burst(step: &BoundStep<'_, Spl>) -> Vec<(Frag, Type)> {
    let columns = [(count(step), Type::Int), (first(step), Type::Time)];
    step.repetition.iter().flat_map(|_| columns.clone()).collect()
}

/// The column of the start of a burst.
pub(super) fn first(step: &BoundStep<'_, Spl>) -> Frag {
    literal::flat(&step.column_name(ir::FIRST_TIME))
}

/// The column of its size.
pub(super) fn count(step: &BoundStep<'_, Spl>) -> Frag {
    literal::flat(&step.column_name(ir::COUNT))
}

/// The number in a place.
pub(super) fn number(slot: &Frag) -> Frag {
    spl!("tonumber(substr({slot}, 2))", slot)
}

/// A value in which `|` cannot stand, so that values can be put side by side.
pub(super) fn guarded(value: &Frag) -> Frag {
    // `%` first, or the `%7C` of a bar would be escaped once more; `unpacked` goes the other way.
    spl!("replace(replace({value}, \"%\", \"%25\"), \"[|]\", \"%7C\")", value)
}

/// The value in a place of the column that holds all places.
pub(super) fn unpacked(places: &Frag, at: &Frag, ty: Type) -> Frag {
    let text = spl!("mvindex({places}, {at})", places, at);
    match ty {
        Type::String | Type::Ip | Type::Bool => spl!(
            "if({text}=\"=\", null(), replace(replace(substr({text}, 2), \"%7C\", \"|\"), \"%25\", \"%\"))",
            text
        ),
        Type::Int | Type::Float | Type::Time => number(&text),
    }
}
