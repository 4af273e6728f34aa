//! Columns and types in words, for people.
//!
//! In: what a source file says. Out: a line. Must not know: output formats.

use super::{Column, Mapped};
use crate::ir::Type;

/// Where a field lives in a target, in a line.
#[must_use]
pub fn column(column: &Column) -> String {
    let variants = column.variants();
    let shown: Vec<_> = variants
        .iter()
        .map(|mapped| {
            let place = place(mapped);
            if mapped.for_actions.is_empty() {
                place
            } else {
                format!("{}: {place}", mapped.for_actions.join(", "))
            }
        })
        .collect();
    shown.join("; else ")
}

fn place(mapped: &Mapped) -> String {
    if let Some(reason) = &mapped.unavailable {
        return format!("not available: {reason}");
    }
    let stated = mapped.cases();
    let cases: Vec<_> = stated
        .iter()
        .map(|case| {
            let when = case
                .when
                .iter()
                .map(|(field, value)| format!("{field} is {}", value.as_deref().unwrap_or("absent")));
            let when: Vec<_> = when.collect();
            if when.is_empty() {
                case.value.clone()
            } else {
                format!("{} if {}", case.value, when.join(" and "))
            }
        })
        .collect();
    let places = [&mapped.field, &mapped.path, &mapped.item, &mapped.expr];
    let place = places.into_iter().flatten().next().filter(|_| cases.is_empty());
    let place = place.cloned().unwrap_or_else(|| cases.join(", else "));
    let superset = if mapped.superset.is_some() { " (may hold for more records)" } else { "" };
    let behind: Vec<_> = mapped.behind.iter().map(|text| format!("`{text}`")).collect();
    let behind = if behind.is_empty() {
        String::new()
    } else {
        format!(" (perhaps with {} behind)", behind.join(" or "))
    };
    let written = if mapped.written.is_empty() { "" } else { " (some values in other words)" };
    format!("{place}{behind}{written}{superset}")
}

/// The name of a type as rules and source files write it.
#[must_use]
pub fn type_name(ty: Type) -> &'static str {
    match ty {
        Type::String => "string",
        Type::Int => "int",
        Type::Float => "float",
        Type::Bool => "bool",
        Type::Ip => "ip",
        Type::Time => "time",
    }
}
