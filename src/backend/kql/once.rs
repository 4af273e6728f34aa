//! The first of what `dedupe` takes for one alert.
//!
//! In: a bound rule, how far a run looks back. Out: operators over the columns of the answer. Must not know: how rows
//! are found.

use super::Kql;
use super::literal::{self, Frag};
use super::network;
use super::query::STAMP;
use crate::backend::Schedule;
use crate::backend::bind::Bound;
use crate::ir::Type;

/// What keeps the first row of each key.
#[derive(Debug, Default)]
pub(super) struct Once {
    /// Operators behind those that find the rows.
    pub(super) operators: Vec<Frag>,
    /// Columns of theirs that are not part of the answer.
    pub(super) hidden: Vec<Frag>,
}

/// A key, and its text by which two neighbours are compared: a comparison with nothing would be null.
struct Key {
    column: Frag,
    ty: Type,
}

/// The operators, none unless the query is to keep one row.
pub(super) fn operators(bound: &Bound<'_, Kql>, schedule: Schedule) -> Once {
    let (Some(one_row), Some(last)) = (bound.one_row, bound.steps.last()) else { return Once::default() };
    let mut once = Once::default();
    let mut keys = Vec::new();
    for (number, (step, field)) in (1..).zip(one_row.keys(bound)) {
        let column = literal::name(&step.column_name(&field.name));
        // A column of an address may hold any text; what is none is missing.
        let shown = field.ty != Type::Ip || step.main.is_key(&field.name);
        let name = if shown { column.clone() } else { literal::helper("key", number) };
        if !shown {
            let text = network::address_or_nothing(&column);
            once.operators.push(literal::operator("extend", &literal::assign(&name, &text)));
            once.hidden.push(name.clone());
        }
        keys.push(Key { column: name, ty: field.ty });
    }
    let time = match bound.together {
        // Any step can be the last one.
        Some(_) => literal::name(STAMP),
        None => literal::name(&last.column_name("time")),
    };
    let mut by: Vec<_> = keys.iter().map(|key| key.column.clone()).collect();
    if one_row.windows(schedule) > 1 {
        let window = literal::helper("window", 1);
        once.operators.push(literal::ascending(by.iter().chain([&time])));
        let changes: Vec<_> = keys.iter().map(changes).collect();
        let session = literal::session(&time, one_row.window.seconds, &changes);
        once.operators.push(literal::operator("extend", &literal::assign(&window, &session)));
        once.hidden.push(window.clone());
        by.push(window);
    }
    once.operators.push(literal::earliest(&time, &by));
    once
}

/// Whether the row before has another key.
fn changes(Key { column, ty }: &Key) -> Frag {
    let before = literal::call("prev", [column]);
    let [own, before] = match ty {
        Type::String | Type::Ip => [column.clone(), before],
        Type::Int | Type::Float | Type::Bool | Type::Time => {
            [column, &before].map(|value| literal::call("tostring", [value]))
        }
    };
    literal::binary(&own, "!=", &before)
}
