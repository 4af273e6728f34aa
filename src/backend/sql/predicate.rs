//! The condition of a step: every test of the language as a test of SQL.
//!
//! In: a bound selection, the columns of its source. Out: conjuncts. Must not know: how steps are joined.

use super::Sql;
use super::check::{self, Check, nullable};
use super::lists::{self, Lists};
use super::literal::{self, Frag, test};
use super::source::Table;
use super::{array, network, pattern};
use crate::backend::bind::{BoundField, BoundSelection, BoundTest};
use crate::backend::truth::{Truth, unique};
use crate::backend::{Report, SqlDialect};
use crate::ir::{OrderOp, Quantifier, TestKind, Type, ValuesTest};

/// What printing a condition needs beside the condition.
pub(super) struct Printer<'p, 't> {
    pub(super) dialect: SqlDialect,
    /// The table from which the step reads.
    pub(super) table: &'p mut Table<'t>,
    pub(super) lists: &'p mut Lists,
    pub(super) report: &'p mut Report,
}

impl<'t> Printer<'_, 't> {
    /// What a record of the selection satisfies, and none of `others`, alternatives before it.
    pub(super) fn condition(
        &mut self,
        selection: &BoundSelection<'t, Sql>,
        others: &[&BoundSelection<'t, Sql>],
    ) -> Vec<Frag> {
        let mut conjuncts = self.whole(selection, false);
        conjuncts.extend(others.iter().flat_map(|other| self.whole(other, true)));
        unique(conjuncts)
    }

    fn whole(&mut self, selection: &BoundSelection<'t, Sql>, negated: bool) -> Vec<Frag> {
        let checks = selection.condition.map(negated, &mut |test, _| self.check(test));
        check::conjuncts(&checks, negated)
    }

    /// The tests that keys are there.
    pub(super) fn keys(&mut self, keys: &[&BoundField<'t, super::column::Column>]) -> Vec<Frag> {
        let tests = keys.iter().flat_map(|key| {
            let column = self.table.field(key);
            let is_there = if has_several(key) {
                array::has_items(self.dialect, &column)
            } else {
                exists(self.dialect, &column, key.ty)
            };
            check::conjuncts(&is_there, false)
        });
        tests.collect()
    }

    fn check(&mut self, bound: &BoundTest<'t, Sql>) -> Check {
        let (kind, ty, dialect) = (&bound.test.kind, bound.field.ty, self.dialect);
        let column = self.table.field(&bound.field);
        match kind {
            TestKind::Exists if has_several(&bound.field) => array::has_items(dialect, &column),
            TestKind::SameAs { .. } => match &bound.other {
                Some(other) => same(dialect, &column, &self.table.field(other), ty),
                None => Truth::Always(false),
            },
            TestKind::TextOf { place, other: _, case } => match &bound.other {
                Some(other) => pattern::text_of(&column, *place, &self.table.field(other), *case),
                None => Truth::Always(false),
            },
            TestKind::Values(test) => self.of_values(bound, test, &column),
            TestKind::Exists
            | TestKind::Equals { .. }
            | TestKind::InNetworks { .. }
            | TestKind::InList { .. }
            | TestKind::Order { .. }
            | TestKind::Like { .. }
            | TestKind::Substring { .. }
            | TestKind::Matches { .. } => self.of_one(bound, kind, &column),
        }
    }

    /// A test of one value.
    fn of_one(&mut self, bound: &BoundTest<'t, Sql>, kind: &TestKind, column: &Frag) -> Check {
        let dialect = self.dialect;
        match kind {
            TestKind::Exists => exists(dialect, column, bound.field.ty),
            TestKind::Equals { values, case } => lists::equals(dialect, column, values, *case),
            TestKind::InNetworks { networks } => network::within(dialect, column, networks),
            TestKind::InList { list, case } => match bound.list(*list) {
                Some(list) => self.lists.within(column, (list, *case), self.report),
                None => Truth::Always(false),
            },
            TestKind::Order { op, value } => {
                let value = literal::value(dialect, value);
                nullable(ordered(*op, column, &value))
            }
            TestKind::Like { pattern, case } => pattern::like(dialect, column, pattern, *case),
            TestKind::Substring { place, text, case } => {
                pattern::substring(dialect, column, *place, text, *case)
            }
            TestKind::Matches { regex } => pattern::matches(dialect, column, regex),
            // They are about two fields, or about several values.
            TestKind::SameAs { .. } | TestKind::TextOf { .. } | TestKind::Values(_) => Truth::Always(false),
        }
    }

    /// A test of the values of a field that can have several. What an allowlist holds in rows is asked of the whole
    /// list of values: no engine reads a table inside of a lambda.
    fn of_values(&mut self, bound: &BoundTest<'t, Sql>, test: &ValuesTest, column: &Frag) -> Check {
        let ValuesTest { quantifier, negated, tests } = test;
        let (dialect, one) = (self.dialect, literal::own(array::ONE));
        let (mut listed, mut parts) = (Vec::new(), Vec::new());
        for kind in tests {
            let TestKind::InList { list, case } = kind else {
                parts.push(self.of_one(bound, kind, &one));
                continue;
            };
            if let Some(list) = bound.list(*list) {
                let rows = self.lists.rows((list, *case), self.report);
                listed.extend(rows.map(|rows| array::of_rows(dialect, &rows)));
                parts.push(self.lists.beside(&one, (list, *case)));
            }
        }
        let passes = Truth::any(parts);
        // What neither a row nor a test knows.
        let unknown = || {
            let failing = array::those(dialect, column, &passes, true);
            listed.iter().fold(failing, |failing, rows| array::except(dialect, &failing, rows))
        };
        let shares = Truth::any(listed.iter().map(|rows| array::share(dialect, column, rows)));
        let there = array::has_items(dialect, column);
        match (quantifier, negated) {
            (Quantifier::Any, false) => Truth::any([shares, array::any(dialect, column, &passes, false)]),
            (Quantifier::Any, true) if !listed.is_empty() => array::has_items(dialect, &unknown()),
            (Quantifier::Any, true) => array::any(dialect, column, &passes, true),
            (Quantifier::All, false) if !listed.is_empty() => {
                Truth::all([there, array::has_none(dialect, &unknown())])
            }
            (Quantifier::All, false) => Truth::all([there, array::every(dialect, column, &passes, false)]),
            (Quantifier::All, true) => {
                Truth::all([there, shares.not(), array::every(dialect, column, &passes, true)])
            }
        }
    }
}

/// Whether a field can have several values, so that its column is a list.
pub(super) fn has_several(field: &BoundField<'_, super::column::Column>) -> bool {
    field.ways.iter().any(|way| way.column.many)
}

/// Whether a column that holds a field has a value.
pub(super) fn exists(dialect: SqlDialect, column: &Frag, ty: Type) -> Check {
    match ty {
        Type::String => check::present(column),
        Type::Ip => network::is_address(dialect, column),
        Type::Int | Type::Float | Type::Bool | Type::Time => nullable(test("{()} IS NOT NULL", &[column])),
    }
}

fn same(dialect: SqlDialect, one: &Frag, other: &Frag, ty: Type) -> Check {
    let equal = nullable(test("{()} = {()}", &[one, other]));
    match ty {
        // Two empty texts are equal, and both are missing. One side is enough.
        Type::String => Truth::all([equal, check::present(one)]),
        Type::Ip => network::same(dialect, one, other),
        Type::Int | Type::Float | Type::Bool | Type::Time => equal,
    }
}

/// A comparison by size.
pub(super) fn ordered(op: OrderOp, left: &Frag, right: &Frag) -> Frag {
    let template = match op {
        OrderOp::Less => "{()} < {()}",
        OrderOp::LessEqual => "{()} <= {()}",
        OrderOp::Greater => "{()} > {()}",
        OrderOp::GreaterEqual => "{()} >= {()}",
    };
    test(template, &[left, right])
}
