//! How a step reads its fields: as plain columns, or as columns that it derives first.
//!
//! In: the fields of a bound step. Out: names for the predicate printer, and the derived columns those names rely on.
//! Must not know: predicates, joins, what the source files state.

use super::Kql;
use super::column::{Column, Reach, cast};
use super::literal::{self, Frag};
use crate::backend::bind::{self, BoundStep};
use crate::ir::Type;

/// A field of a step.
pub(super) type Field<'a> = bind::BoundField<'a, Column>;

/// A column for a field that the table does not hold as such.
#[derive(Debug, Clone)]
pub(super) struct Derived {
    /// Its name, the one under which the step passes the field on.
    pub(super) name: Frag,
    /// Its value.
    pub(super) value: Frag,
}

/// The fields of one step.
pub(super) struct Fields<'b, 'a> {
    step: &'b BoundStep<'a, Kql>,
    derived: Vec<Derived>,
    reach: Reach,
    deferred: bool,
}

impl<'b, 'a> Fields<'b, 'a> {
    /// None derived yet.
    pub(super) fn new(step: &'b BoundStep<'a, Kql>) -> Self {
        Self { step, derived: Vec::new(), reach: Reach::Event, deferred: false }
    }

    /// The field as the language means it: empty or null exactly when it is missing (an address may be any text).
    pub(super) fn value(&mut self, field: &Field<'_>) -> Frag {
        let absent = absent(field);
        if let Some(column) = plain(field).filter(|_| absent.is_empty()) {
            return column;
        }
        self.deferred = true;
        self.reach = field.ways.iter().map(|way| way.column.reach).fold(self.reach, Reach::max);
        let name = literal::name(&self.step.column_name(field.name));
        if !self.derived.iter().any(|known| known.name == name) {
            let value = plain(field).unwrap_or_else(|| self.read(field));
            let value = absent.iter().fold(value, |value, text| without(&value, text));
            self.derived.push(Derived { name: name.clone(), value });
        }
        name
    }

    /// The field as the table stores it, for tests that no text for "no value" can pass.
    pub(super) fn stored(&mut self, field: &Field<'_>) -> Frag {
        plain(field).unwrap_or_else(|| self.value(field))
    }

    /// Whether a derived column was used since the last call.
    pub(super) fn take_deferred(&mut self) -> bool {
        std::mem::take(&mut self.deferred)
    }

    /// The derived columns in order of first use, and how deep they look.
    pub(super) fn derived(self) -> (Vec<Derived>, Reach) {
        (self.derived, self.reach)
    }

    /// The value by the way that the action asks for.
    fn read(&self, field: &Field<'_>) -> Frag {
        // A bound field has a way at least; the constant only completes the match.
        let Some((last, others)) = field.ways.split_last() else { return literal::truth(false) };
        let Some(action) = self.step.action.as_ref().and_then(plain).filter(|_| !others.is_empty()) else {
            return last.column.value.clone();
        };
        let mut arguments = Vec::new();
        for way in others {
            let actions: Vec<_> = way.actions.iter().map(|text| literal::string(text)).collect();
            arguments.push(literal::one_of(&action, &actions, false));
            arguments.push(branch(way.column, field.ty));
        }
        arguments.push(branch(last.column, field.ty));
        literal::call(if others.len() == 1 { "iff" } else { "case" }, &arguments)
    }
}

/// The texts for "no value" that the field's columns may hold. Only texts can be told from one by their value alone; as
/// a number or an address it does not parse.
pub(super) fn absent<'a>(field: &Field<'a>) -> Vec<&'a str> {
    if field.ty == Type::String { field.placeholders() } else { Vec::new() }
}

/// The column, if the field is just that.
fn plain(field: &Field<'_>) -> Option<Frag> {
    field.only().filter(|way| way.column.plain).map(|way| way.column.value.clone())
}

/// One way of several: all must have one type, and tables store numbers in several.
fn branch(column: &Column, ty: Type) -> Frag {
    let number = matches!(ty, Type::Int | Type::Float);
    if number && column.as_stored { cast(&column.value, ty) } else { column.value.clone() }
}

/// The text, or nothing where it is the placeholder.
fn without(value: &Frag, placeholder: &str) -> Frag {
    let is_placeholder = literal::binary(value, "==", &literal::string(placeholder));
    // Kusto's strings are never null: the empty string is its missing text.
    literal::call("iff", [&is_placeholder, &literal::string(""), value])
}
