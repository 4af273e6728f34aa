//! The cells of a lookup table under the tests of the language.
//!
//! In: typed columns, cells as texts, tests of the IR. Out: the rows whose cells pass, as the engine has it: the
//! checker asks here, so that a test means of a cell what it means of a field. Must not know: syntax, files, what the
//! key of a row is.

use std::borrow::Cow;
use std::sync::Arc;

use jiff::civil::Date;

use crate::engine::list::Allowlist;
use crate::engine::predicate::Predicate;
use crate::engine::record::Schema;
use crate::engine::value::{Raw, Value};
use crate::ir::{List, Pred, Type};

/// The rows of a table, typed.
#[derive(Debug)]
pub(crate) struct Cells {
    schema: Schema,
    rows: Vec<Box<[Option<Value<'static>>]>>,
}

impl Cells {
    /// No row yet; `columns` are the fields that a test names.
    #[must_use]
    pub(crate) fn new(lookup: &str, columns: Vec<(String, Type)>) -> Self {
        Self { schema: Schema::of_fields(lookup, columns), rows: Vec::new() }
    }

    /// Adds a row. Gives the numbers of the columns whose cell does not parse as its type, and is missing therefore.
    pub(crate) fn push<'c>(&mut self, cells: impl IntoIterator<Item = Option<&'c str>>) -> Vec<usize> {
        let mut misfits = Vec::new();
        let types = self.schema.fields().iter().map(|(_, ty)| *ty);
        let row = types.zip(cells).enumerate().map(|(number, (ty, cell))| {
            let value = Raw::Text(read(cell?, ty)).typed(ty);
            if value.is_none() {
                misfits.push(number);
            }
            value
        });
        let row = row.collect();
        self.rows.push(row);
        misfits
    }

    /// The numbers of the rows that pass; `None` if the test asks for a column that is not there.
    #[must_use]
    pub(crate) fn passing(&self, test: &Pred, lists: &[List]) -> Option<Vec<usize>> {
        let lists: Vec<_> = lists.iter().map(|list| Arc::new(Allowlist::new(list))).collect();
        let test = Predicate::new(test, &self.schema, &lists).ok()?;
        let rows = self.rows.iter().enumerate();
        Some(rows.filter(|(_, row)| test.holds(row)).map(|(number, _)| number).collect())
    }
}

/// The text of a cell, as logs have such values: a day is its first instant.
fn read(cell: &str, ty: Type) -> Cow<'static, str> {
    let is_day = ty == Type::Time && cell.len() == "2026-11-24".len() && cell.parse::<Date>().is_ok();
    Cow::Owned(if is_day { format!("{cell}T00:00:00Z") } else { cell.to_owned() })
}
