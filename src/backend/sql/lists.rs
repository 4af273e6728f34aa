//! Allowlists: their exact values as a table of the statement, or as one of the lake; the rest in the text.
//!
//! In: lists of the rule that tests name. Out: [`Check`]s, and the tables at the top of the statement.
//! Must not know: fields, steps, how a table of the lake is filled.

use super::check::{Check, nullable, one_of};
use super::literal::{self, Frag};
use super::{dialect, network, pattern};
use crate::backend::truth::{Truth, unique};
use crate::backend::{External, ListDelivery, Report, SqlDialect};
use crate::ir::{Case, List, Value};

/// The tables of values at the top of a statement.
#[derive(Debug)]
pub(super) struct Lists {
    dialect: SqlDialect,
    delivery: ListDelivery,
    /// Each with its rows, in parentheses.
    pub(super) tables: Vec<(Frag, Frag)>,
}

impl Lists {
    pub(super) fn new(dialect: SqlDialect, delivery: ListDelivery) -> Self {
        Self { dialect, delivery, tables: Vec::new() }
    }

    /// Whether the column matches an entry.
    pub(super) fn within(
        &mut self,
        column: &Frag,
        (list, case): (&List, Case),
        report: &mut Report,
    ) -> Check {
        let rows = self.rows((list, case), report);
        let listed =
            rows.map(|rows| nullable(literal::test("{()} IN (SELECT value FROM {})", &[column, &rows])));
        Truth::any(listed.into_iter().chain([self.beside(column, (list, case))]))
    }

    /// The rows that hold the exact values, if there are such: a table, perhaps with a condition.
    pub(super) fn rows(&mut self, (list, case): (&List, Case), report: &mut Report) -> Option<Frag> {
        let exact = list.exact();
        match case {
            Case::Sensitive if self.delivery.by_lookup(exact.len()) => {
                let external = External::new(list.name.node.clone(), list, &exact);
                report.require(format!(
                    "table `{}` with the text columns `value` and `until`, from {}",
                    external.name,
                    external.contents()
                ));
                let rows = self.in_lake(&external.name);
                report.read(external);
                Some(rows)
            }
            Case::Sensitive if !exact.is_empty() => {
                Some(self.in_table(&list.name.node, exact.keys().map(String::as_str)))
            }
            // Letters of any case: the values are spelled out.
            Case::Sensitive | Case::Ignore => None,
        }
    }

    /// Whether the column matches an entry that no row holds.
    pub(super) fn beside(&self, column: &Frag, (list, case): (&List, Case)) -> Check {
        let entries = list.by_kind();
        let exact = list.exact();
        let mut parts = Vec::new();
        if case == Case::Ignore {
            parts.push(pattern::equals(self.dialect, column, exact.keys().map(String::as_str), case));
        }
        parts.extend(entries.wildcards().map(|one| pattern::like(self.dialect, column, one, case)));
        let networks: Vec<_> = entries.wider_networks().collect();
        if !networks.is_empty() {
            parts.push(network::within(self.dialect, column, &networks));
        }
        if !entries.values.is_empty() {
            parts.push(equals(self.dialect, column, &entries.values, Case::Sensitive));
        }
        Truth::any(parts)
    }

    fn in_table<'t>(&mut self, list: &str, texts: impl Iterator<Item = &'t str>) -> Frag {
        let name = literal::own(&format!("list_{list}"));
        if !self.tables.iter().any(|(known, _)| *known == name) {
            let rows: Vec<_> =
                texts.map(|text| literal::whole("({})", &[&literal::text(self.dialect, text)])).collect();
            self.tables.push((name.clone(), literal::lines(&rows, ",", 4)));
        }
        name
    }

    /// A day that cannot be read is null, and the row does not count: what is not known to be approved is not exempt.
    fn in_lake(&self, list: &str) -> Frag {
        let table = literal::column(self.dialect, list);
        literal::whole(
            "{} WHERE value IS NOT NULL AND (until IS NULL OR until = '' OR TRY_CAST(until AS DATE) >= {})",
            &[&table, &dialect::today(self.dialect)],
        )
    }
}

/// Equality with constants; the values are all of one type.
pub(super) fn equals(dialect: SqlDialect, column: &Frag, values: &[Value], case: Case) -> Check {
    let (mut texts, mut networks, mut others) = (Vec::new(), Vec::new(), Vec::new());
    for value in values {
        match value {
            Value::String(text) => texts.push(text.as_str()),
            Value::Ip(address) => networks.push((*address).into()),
            Value::Int(_) | Value::Float(_) | Value::Bool(_) | Value::Time(_) => {
                others.push(literal::value(dialect, value));
            }
        }
    }
    let mut parts = Vec::new();
    if !texts.is_empty() {
        parts.push(pattern::equals(dialect, column, texts, case));
    }
    if !networks.is_empty() {
        parts.push(network::within(dialect, column, &networks));
    }
    if !others.is_empty() {
        parts.push(one_of(column, &unique(others)));
    }
    Truth::any(parts)
}
