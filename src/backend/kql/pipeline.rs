//! What the rows of one selection pass: tests where they can stand first, items expanded, the columns that leave.
//!
//! In: the tests of a selection, its fields, the columns that leave it. Out: [`Rows`]. Must not know: what the
//! selection is part of, a step or what must not be there.

use super::Kql;
use super::column::{Group, Reach, inner, item};
use super::fields::{Fields, Named, Reading, Stage};
use super::literal::{self, Frag};
use super::predicate::{self, Conjunct};
use super::query::Table;
use crate::backend::bind::BoundSelection;
use crate::backend::print::{Bind, phrase};

/// A selection, printed: the rows that satisfy it.
#[derive(Debug)]
pub(super) struct Rows {
    /// The table it reads.
    pub(super) table: Frag,
    /// The operators that its rows pass, up to the columns that leave it.
    pub(super) operators: Vec<Frag>,
    /// The columns that leave it, with their values.
    pub(super) assigned: Vec<Frag>,
    /// Tests of these columns.
    late: Vec<Frag>,
}

impl Rows {
    /// As a table under a name.
    pub(super) fn into_table(self, name: Frag, comment: Option<Frag>) -> Table {
        let Self { table: from, mut operators, assigned, late } = self;
        operators.push(literal::operator("project", &literal::list(&assigned)));
        operators.extend(late);
        Table { comment, name: Some(name), kept: false, from, operators }
    }
}

/// The tables that hold the rows of all selections, the last one under `name`; several are numbered behind `part`.
pub(super) fn tables(rows: Vec<Rows>, name: &Frag, part: &str, comment: &str) -> Vec<Table> {
    let comment = Some(literal::comment(comment));
    if rows.len() < 2 {
        return rows.into_iter().map(|rows| rows.into_table(name.clone(), comment.clone())).collect();
    }
    let mut tables = Vec::new();
    let mut parts = Vec::new();
    for (number, rows) in (1..).zip(rows) {
        let part = literal::name(&phrase!("{part}_{number}"));
        tables.push(rows.into_table(part.clone(), comment.clone().filter(|_| number == 1)));
        parts.push(part);
    }
    let (name, from) = (Some(name.clone()), literal::union(&parts));
    tables.push(Table { comment: None, name, kept: false, from, operators: Vec::new() });
    tables
}

/// The pipeline of a selection: tests where they can stand first, the cheap ones on top; named expressions behind the
/// tests that do without.
pub(super) struct Pipeline<'f, 'b, 'a> {
    tests: Vec<Conjunct>,
    fields: &'f Fields<'b, 'a>,
    expands: Vec<Frag>,
    /// The stage whose tests wait for the columns that leave the step, which give the names they read.
    late: Option<Stage>,
}

impl<'f, 'b, 'a> Pipeline<'f, 'b, 'a> {
    pub(super) fn new(
        mut tests: Vec<Conjunct>,
        fields: &'f Fields<'b, 'a>,
        expands: Vec<Frag>,
        may_test_late: bool,
    ) -> Self {
        tests.sort_by_key(|test| test.cost);
        let last = if expands.is_empty() { Stage::Named } else { Stage::Item };
        // Values are counted behind the names, and a test of both reads columns that do not leave.
        let reads_names = tests.iter().filter(|test| test.site.stage >= last).all(|test| test.site.by_name);
        let passes_on = fields.named(last).all(|named| named.passed_on);
        let late = (may_test_late && reads_names && passes_on).then_some(last);
        Self { tests, fields, expands, late }
    }

    /// The rows, with the columns that leave the step.
    pub(super) fn into_rows(self, selection: &BoundSelection<'_, Kql>, assigned: Vec<Frag>) -> Rows {
        let mapping = &selection.schema.mapping;
        Rows {
            table: mapping.table.clone(),
            operators: self.operators(mapping.filter.as_ref()),
            assigned: assigned.into_iter().map(|column| self.defined(column)).collect(),
            late: self.late(),
        }
    }

    /// The operators up to the columns that leave the step.
    fn operators(&self, filter: Option<&Frag>) -> Vec<Frag> {
        let mut out: Vec<_> = filter.map(|filter| literal::operator("where", filter)).into_iter().collect();
        for stage in [Stage::Table, Stage::Named, Stage::Values, Stage::Item] {
            if stage == Stage::Item {
                out.extend(self.expands.iter().map(|array| literal::operator("mv-expand", array)));
            }
            if self.late == Some(stage) {
                continue;
            }
            let named: Vec<_> = self.fields.named(stage).map(Named::assigned).collect();
            if !named.is_empty() {
                out.push(literal::operator("extend", &literal::list(&named)));
            }
            out.extend(self.fields.counting(stage));
            out.extend(self.tests_of(stage));
        }
        out
    }

    /// The tests behind the columns that leave the step.
    fn late(&self) -> Vec<Frag> {
        self.late.map(|stage| self.tests_of(stage)).unwrap_or_default()
    }

    /// A column that leaves the step, with its value if that is not there yet.
    fn defined(&self, column: Frag) -> Frag {
        let named = self.late.and_then(|stage| self.fields.named(stage).find(|named| named.name == column));
        named.map_or(column, Named::assigned)
    }

    fn tests_of(&self, stage: Stage) -> Vec<Frag> {
        let of_stage: Vec<_> = self.tests.iter().filter(|test| test.site.stage == stage).collect();
        let line = |tests: &[&Conjunct]| {
            let texts = tests.iter().map(|test| test.text.clone()).collect();
            literal::operator("where", &Frag::join(texts, " and ", Bind::And))
        };
        of_stage.chunk_by(|one, other| one.cost == other.cost).map(line).collect()
    }
}

/// The arrays of the repeated groups, as deep as they are needed. The last step gives a record for each item that its
/// events can have, any other needs the items only if it looks at them. `number` gives the column for the number of an
/// item, if one is wanted.
pub(super) fn expanded(
    reading: Reading<'_, '_>,
    last: bool,
    fields: &Fields<'_, '_>,
    number: &mut impl FnMut(&Frag) -> Option<Frag>,
) -> Vec<Frag> {
    let selection = reading.selection;
    let groups = (0..).zip(selection.schema.mapping.groups.iter().zip(&selection.has_items));
    let mut expands = Vec::new();
    for (group, (Group { items, inner: inner_items }, has_items)) in groups {
        let by_item = last && *has_items;
        let reach = match inner_items {
            Some(_) if by_item => Reach::Inner,
            None if by_item => fields.reach(group).max(Reach::Item),
            Some(_) | None => fields.reach(group),
        };
        let mut expand = |column: &Frag, array: &Frag, depth: Reach| {
            let index = number(column);
            let keeps = !predicate::needs_item(reading, group, depth);
            literal::expand(column, array, index.as_ref(), keeps)
        };
        expands.extend((reach >= Reach::Item).then(|| expand(&item(group), items, Reach::Item)));
        let inner_items = inner_items.as_ref().filter(|_| reach == Reach::Inner);
        expands.extend(inner_items.map(|array| expand(&inner(group), array, Reach::Inner)));
    }
    expands
}
