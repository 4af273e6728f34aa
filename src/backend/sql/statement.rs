//! A statement in the making: common tables one after the other, then what is selected of the last.
//!
//! In: common tables with their comments. Out: the same in order, for the layout. Must not know: what they mean.

use minijinja::{Value, context};

use super::dialect::{self, Keeping};
use super::literal::{self, Frag};
use crate::backend::SqlDialect;

/// The common tables so far.
#[derive(Debug)]
pub(super) struct Statement {
    dialect: SqlDialect,
    tables: Vec<Table>,
}

#[derive(Debug)]
struct Table {
    comment: Option<Frag>,
    name: Frag,
    query: Frag,
    keeping: Keeping,
}

impl Statement {
    pub(super) fn new(dialect: SqlDialect) -> Self {
        Self { dialect, tables: Vec::new() }
    }

    /// Adds a table, with a comment unless that is empty.
    pub(super) fn table(&mut self, comment: &str, name: &Frag, query: &Frag) {
        let comment = (!comment.is_empty()).then(|| literal::comment(comment));
        let (name, query) = (name.clone(), query.clone());
        self.tables.push(Table { comment, name, query, keeping: Keeping::AsTheEngineLikes });
    }

    /// Says that a table is read more than once and is small beside what it was made of.
    pub(super) fn keep(&mut self, name: &Frag) {
        for table in self.tables.iter_mut().filter(|table| table.name == *name) {
            table.keeping = Keeping::Kept;
        }
    }

    /// The tables for the layout, behind those of lists and sources.
    pub(super) fn into_tables(self, first: Vec<(Option<Frag>, Frag)>) -> Vec<Value> {
        let dialect = self.dialect;
        let print = |Table { comment, name, query, keeping }| {
            (comment, dialect::common_table(dialect, &name, &query, keeping))
        };
        let all: Vec<_> = first.into_iter().chain(self.tables.into_iter().map(print)).collect();
        let last = all.len().saturating_sub(1);
        let entry = |(index, (comment, text)): (usize, (Option<Frag>, Frag))| {
            let comment = comment.map_or_else(|| Value::from(()), Value::from);
            context! { comment => comment, text => Value::from(text), is_last => index == last }
        };
        all.into_iter().enumerate().map(entry).collect()
    }
}
