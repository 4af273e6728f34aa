//! The condition of a step: every test of the language as a test of SQL.
//!
//! In: a bound selection, the columns of its source. Out: conjuncts. Must not know: how steps are joined.

use super::Sql;
use super::check::{self, Check, nullable};
use super::lists::{self, Lists};
use super::literal::{self, Frag, test};
use super::source::Table;
use super::{network, pattern};
use crate::backend::bind::{BoundField, BoundSelection, BoundTest};
use crate::backend::truth::{Truth, unique};
use crate::backend::{Report, SqlDialect};
use crate::ir::{OrderOp, TestKind, Type};

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
            check::conjuncts(&exists(self.dialect, &column, key.ty), false)
        });
        tests.collect()
    }

    fn check(&mut self, bound: &BoundTest<'t, Sql>) -> Check {
        let (kind, ty, dialect) = (&bound.test.kind, bound.field.ty, self.dialect);
        let column = self.table.field(&bound.field);
        match kind {
            TestKind::Exists => exists(dialect, &column, ty),
            TestKind::Equals { values, case } => lists::equals(dialect, &column, values, *case),
            TestKind::InNetworks { networks } => network::within(dialect, &column, networks),
            TestKind::InList { list, case } => match bound.list(*list) {
                Some(list) => self.lists.within(&column, (list, *case), self.report),
                None => Truth::Always(false),
            },
            TestKind::Order { op, value } => {
                let value = literal::value(dialect, value);
                nullable(ordered(*op, &column, &value))
            }
            TestKind::Like { pattern, case } => pattern::like(dialect, &column, pattern, *case),
            TestKind::Substring { place, text, case } => {
                pattern::substring(dialect, &column, *place, text, *case)
            }
            TestKind::Matches { regex } => pattern::matches(dialect, &column, regex),
            TestKind::SameAs { .. } => match &bound.other {
                Some(other) => same(dialect, &column, &self.table.field(other), ty),
                None => Truth::Always(false),
            },
            TestKind::TextOf { place, other: _, case } => match &bound.other {
                Some(other) => pattern::text_of(&column, *place, &self.table.field(other), *case),
                None => Truth::Always(false),
            },
            // The gate has refused it.
            TestKind::Values(_) => Truth::Always(false),
        }
    }
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
