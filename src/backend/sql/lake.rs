//! What a program that runs a statement has to know of it: tables, parameters, columns.
//!
//! In: a bound rule. Out: a [`Lake`]. Must not know: query text.

use super::Sql;
use super::bounds::Bounds;
use crate::backend::Lake;
use crate::backend::bind::{Bound, BoundStep};
use crate::backend::lake::Shown;
use crate::ir;

/// What has to be known of a statement.
pub(super) fn of(bound: &Bound<'_, Sql>, bounds: &Bounds) -> Lake {
    let mut tables: Vec<String> = Vec::new();
    for selection in bound.selections() {
        for table in &selection.schema.mapping.tables {
            if !tables.contains(table) {
                tables.push(table.clone());
            }
        }
    }
    let steps = bound.steps.iter().map(shown).collect();
    Lake { tables, parameters: bounds.parameters(), steps, open: None }
}

/// The columns of a step, as the statement has them.
fn shown(step: &BoundStep<'_, Sql>) -> Shown {
    let mut fields = vec![("time".to_owned(), step.column_name("time"))];
    for selection in step.selections() {
        for output in selection.event_id.iter().chain(&selection.outputs) {
            if !fields.iter().any(|(_, column)| *column == output.column) {
                fields.push((output.field.name.to_owned(), output.column.clone()));
            }
        }
    }
    if step.repetition.is_some() {
        fields.extend([ir::COUNT, ir::FIRST_TIME].map(|name| (name.to_owned(), step.column_name(name))));
    }
    Shown { name: step.name.node.clone(), fields }
}
