//! One step as a common table: the records that satisfy it, with the columns that later steps and the alert need.
//!
//! In: a bound step. Out: common tables, and the columns of the last of them. Must not know: how steps are joined.

use super::Sql;
use super::array::Held;
use super::bounds::Bounds;
use super::check;
use super::column::Column;
use super::lists::Lists;
use super::literal::{self, Frag, test, whole};
use super::near::Near;
use super::predicate::{self, Printer};
use super::source::{AT, EVENT, Table, Tables, named};
use super::statement::Statement;
use crate::backend::bind::{BoundAbsence, BoundField, BoundSelection, BoundStep, Output};
use crate::backend::print::Bind;
use crate::backend::truth::unique;
use crate::backend::{Report, SqlDialect};
use crate::ir::{self, Case, GroupField, Repetition, Type, When};

/// What printing steps adds to.
pub(super) struct Writer<'w, 't> {
    pub(super) dialect: SqlDialect,
    pub(super) bounds: Bounds,
    pub(super) tables: &'w mut Tables<'t>,
    pub(super) lists: &'w mut Lists,
    pub(super) statement: &'w mut Statement,
    pub(super) report: &'w mut Report,
}

/// What the records of a step are to an alert.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Records {
    /// Others follow.
    Earlier,
    /// Each is an alert at its time.
    Last,
    /// Each is part of an alert, and any step may be the last.
    OfAnyOrder,
}

/// A step, printed.
#[derive(Debug, Clone)]
pub(super) struct StepTable {
    /// Its common table.
    pub(super) name: Frag,
    /// Its columns of the contract, with their types.
    pub(super) contract: Vec<(Frag, Held)>,
    /// What clauses and links read besides.
    pub(super) more: Vec<(Frag, Held)>,
    /// When its story begins: its time, or the first instant of its burst.
    pub(super) start: Frag,
    /// Of a step that repeats: the records among which it is counted.
    pub(super) counted: Option<Frag>,
    /// Whether it has only records that are near a chain.
    pub(super) is_near: bool,
}

/// What a step counts, over two aliases of its records.
pub(super) struct Counting {
    /// What is counted once, of the counted row.
    pub(super) value: Frag,
    /// That both rows count together.
    pub(super) same: Frag,
    /// That the counted row has a value.
    pub(super) is_there: Frag,
}

impl StepTable {
    /// The names of its columns, beside time, event and record.
    pub(super) fn names(&self) -> impl Iterator<Item = &Frag> {
        self.contract.iter().map(|(name, _)| name).chain(self.more.iter().map(|(name, _)| name))
    }

    /// What stands in place of its columns where there is no record of the step.
    pub(super) fn nothing(&self, dialect: SqlDialect) -> Vec<Frag> {
        let null = |name: &Frag, ty: &Frag| whole("CAST(NULL AS {}) AS {}", &[ty, name]);
        let all = self.contract.iter().chain(&self.more);
        all.map(|(name, held)| null(name, &held.type_name(dialect))).collect()
    }
}

/// The column of a field of a step.
pub(super) fn field(step: &BoundStep<'_, Sql>, name: &str) -> Frag {
    literal::own(&step.column_name(name))
}

impl<'t> Writer<'_, 't> {
    /// Prints a step; of its records those that are `near` a chain, where that is said.
    pub(super) fn step(
        &mut self,
        step: &BoundStep<'t, Sql>,
        records: Records,
        near: Option<&Near>,
    ) -> StepTable {
        let Columns { mut contract, more } = columns(step);
        let stages = step.absences.len() + usize::from(step.repetition.is_some());
        let mut name = stage(step, stages);
        let all: Vec<_> = contract.iter().chain(&more).cloned().collect();
        let selects = self.selections(step, &all, records, near);
        self.statement.table(&format!("step `{}`", step.name.node), &name, &union(selects));
        for (done, absence) in (1..).zip(&step.absences) {
            let next = stage(step, stages - done);
            self.without(step, absence, &name, &next);
            name = next;
        }
        let mut start = literal::own(AT);
        let mut counted = None;
        if let Some(repetition) = step.repetition {
            let count = literal::own(&step.column_name(ir::COUNT));
            start = literal::own(&step.column_name(ir::FIRST_TIME));
            let last = stage(step, 0);
            self.burst(step, repetition, (&name, &last), (&count, &start));
            contract.extend([(count, Held::one(Type::Int)), (start.clone(), Held::one(Type::Time))]);
            counted = Some(name);
            name = last;
        }
        StepTable { name, contract, more, start, counted, is_near: near.is_some() }
    }

    /// A query for each alternative of a step, with columns of these names and types.
    fn selections(
        &mut self,
        step: &BoundStep<'t, Sql>,
        columns: &[(Frag, Held)],
        records: Records,
        near: Option<&Near>,
    ) -> Vec<Frag> {
        // What is counted may have come before the slice.
        let ends = records == Records::Last && step.repetition.is_none();
        let time = if ends { self.bounds.ends() } else { self.bounds.readable() };
        let mut before: Vec<&BoundSelection<'t, Sql>> = Vec::new();
        let mut selects = Vec::new();
        for selection in step.selections() {
            let same: Vec<_> =
                before.iter().copied().filter(|other| std::ptr::eq(other.source, selection.source)).collect();
            // What is counted need not have the keys of links.
            let is_early =
                |key: &&BoundField<'t, Column>| step.repetition.is_none_or(|counts| counts.is_by(key.name));
            let keys: Vec<_> =
                selection.keys.iter().filter(is_early).chain(selection.any.iter().filter(is_early)).collect();
            let table = self.tables.of(selection, records != Records::Earlier);
            let mut list = vec![literal::own(AT)];
            let wanted: Vec<_> =
                columns.iter().map(|column| wanted(self.dialect, step, selection, table, column)).collect();
            list.extend(table.identity());
            list.extend(wanted);
            let mut from = table.name.clone();
            let mut printer =
                Printer { dialect: self.dialect, table, lists: self.lists, report: self.report };
            let mut tests = printer.condition(selection, &same);
            tests.extend(printer.keys(&keys));
            let joined = near.and_then(|near| {
                let names = near.names().map(|name| key_of((step, selection), columns, name));
                let keys: Option<Vec<_>> = names.collect();
                let keys: Vec<_> = keys?.into_iter().map(|key| printer.table.field(key)).collect();
                Some((near, keys))
            });
            if let Some((near, keys)) = joined {
                (from, tests) = near.narrow(self.dialect, &from, tests, &keys);
            }
            selects.push(select(&list, &from, &time, tests));
            before.push(selection);
        }
        selects
    }

    /// The records that a clause leaves. What must not be there is asked as the first and the last record of each key
    /// in slots as long as the window: a few rows for each key however busy it is. Nothing is lost or added, for a slot
    /// with records on both sides of the window and none in it would be longer than the window.
    fn without(
        &mut self,
        step: &BoundStep<'t, Sql>,
        absence: &BoundAbsence<'t, Sql>,
        from: &Frag,
        to: &Frag,
    ) {
        let (window, template) = match absence.when {
            When::Before(window) => (window, "u._last >= r._at - {} AND u._first < r._at"),
            When::After(window) => (window, "u._last > r._at AND u._first <= r._at + {}"),
            // Of links alone.
            When::Between => return,
        };
        let name = self.absent(absence, &step.name.node);
        let window = literal::micros(window.seconds);
        let slots = self.slots(absence, (&name, &step.name.node), &window);
        let mut tests = shared(absence, |key| (literal::own("r"), field(step, &key.left.name)));
        tests.push(test(template, &[&window]));
        let text = whole(
            "SELECT r.*\n  FROM {} r\n  WHERE NOT EXISTS (SELECT 1 FROM {} u WHERE {})",
            &[from, &slots, &Frag::join(tests, " AND ", Bind::And)],
        );
        self.statement.table(&in_words(absence), to, &text);
    }

    /// The first and the last record of each key in each slot.
    fn slots(&mut self, absence: &BoundAbsence<'t, Sql>, (of, step): (&Frag, &str), window: &Frag) -> Frag {
        let name = literal::own(&format!("slots_{step}_{}", absence.name));
        // A slot of a window without length is an instant.
        let length = if window.text() == "0" { literal::number(1) } else { window.clone() };
        let keys = unique(absence.keys.iter().map(|key| absent_key(&key.right.name)).collect());
        let columns: Vec<_> = keys
            .iter()
            .cloned()
            .chain(["min(_at) AS _first", "max(_at) AS _last"].map(literal::own))
            .collect();
        let by: Vec<_> = keys.into_iter().chain([whole("_at - mod(_at, {})", &[&length])]).collect();
        let text = whole(
            "SELECT {}\n  FROM {}\n  GROUP BY {}",
            &[&literal::lines(&columns, ",", 4), of, &literal::list(&by)],
        );
        self.statement.table("", &name, &text);
        name
    }

    /// The common table of what must not be there.
    pub(super) fn absent(&mut self, absence: &BoundAbsence<'t, Sql>, of: &str) -> Frag {
        let name = literal::own(&format!("absent_{of}_{}", absence.name));
        let mut selects = Vec::new();
        for selection in &absence.selections {
            let table = self.tables.of(selection, false);
            let mut list = vec![literal::own(AT)];
            list.extend(selection.keys.iter().map(|key| named(&table.field(key), &absent_key(key.name))));
            let from = table.name.clone();
            let keys: Vec<_> = selection.keys.iter().collect();
            let mut printer =
                Printer { dialect: self.dialect, table, lists: self.lists, report: self.report };
            let mut tests = printer.condition(selection, &[]);
            tests.extend(printer.keys(&keys));
            selects.push(select(&list, &from, &self.bounds.readable(), tests));
        }
        self.statement.table(&format!("what must not be there: `{}`", absence.name), &name, &union(selects));
        name
    }

    /// What counts for a row of the first alias among the rows of the second.
    pub(super) fn counting(
        &self,
        step: &BoundStep<'t, Sql>,
        repetition: &Repetition,
        [one, counted]: [&str; 2],
    ) -> Counting {
        let of = |alias: &str, column: &Frag| whole("{}.{}", &[&literal::own(alias), column]);
        let of_field = |alias: &str, read: &GroupField| {
            in_one_case(of(alias, &field(step, &read.field.name)), read.folds())
        };
        let by =
            repetition.by.iter().map(|by| test("{} = {}", &[&of_field(one, by), &of_field(counted, by)]));
        let same = Frag::join(by.collect(), " AND ", Bind::And);
        match &repetition.distinct {
            None => {
                let value = of(counted, &literal::own(EVENT));
                Counting { value, same, is_there: literal::truth(true) }
            }
            Some(distinct) => {
                let column = of(counted, &field(step, &distinct.field.name));
                let is_there = predicate::exists(self.dialect, &column, distinct.field.ty);
                Counting {
                    value: in_one_case(column, distinct.folds()),
                    same,
                    is_there: check::text(&is_there),
                }
            }
        }
    }

    /// The records for which enough came, and since when.
    fn burst(
        &mut self,
        step: &BoundStep<'t, Sql>,
        repetition: &Repetition,
        (from, to): (&Frag, &Frag),
        (count, first): (&Frag, &Frag),
    ) {
        let of = &step.name.node;
        let Counting { value, same, is_there } = self.counting(step, repetition, ["a", "b"]);
        let values = literal::own(&format!("values_{of}"));
        let window = literal::micros(repetition.window.seconds);
        let text = whole(
            "SELECT a._record, a._at, {} AS _value, max(b._at) AS _latest\n  FROM {} a JOIN {} b ON {} AND b._at BETWEEN \
             a._at - {} AND a._at\n  WHERE {}\n  GROUP BY a._record, a._at, {}",
            &[&value, from, from, &same, &window, &is_there, &value],
        );
        let what = repetition
            .distinct
            .as_ref()
            .map_or("events".to_owned(), |distinct| format!("values of {}", distinct.field.name));
        let comment = format!(
            "`{of}`: at least {} {what} within {}",
            repetition.least,
            ir::duration(repetition.window.seconds)
        );
        self.statement.table(&comment, &values, &text);
        let ranked = literal::own(&format!("ranked_{of}"));
        let text = whole(
            "SELECT _record, _at, _latest, row_number() OVER (PARTITION BY _record, _at ORDER BY _latest DESC) AS _rank, \
             count(*) OVER (PARTITION BY _record, _at) AS _count\n  FROM {}",
            &[&values],
        );
        self.statement.table("", &ranked, &text);
        let late = step.main.keys.iter().filter(|key| !repetition.is_by(key.name));
        let late = late.flat_map(|key| {
            let column = whole("r.{}", &[&field(step, key.name)]);
            check::conjuncts(&predicate::exists(self.dialect, &column, key.ty), false)
        });
        let least = literal::number(i64::from(repetition.least));
        let tests: Vec<_> = std::iter::once(test("n._rank = {}", &[&least])).chain(late).collect();
        let text = whole(
            "SELECT r.*, n._count AS {}, n._latest AS {}\n  FROM {} r JOIN {} n ON r._record = n._record AND r._at = n._at\n  \
             WHERE {}",
            &[count, first, from, &ranked, &Frag::join(tests, " AND ", Bind::And)],
        );
        self.statement.table("", to, &text);
    }
}

/// The table of a step while so many of its clauses are left.
fn stage(step: &BoundStep<'_, Sql>, left: usize) -> Frag {
    let name = &step.name.node;
    literal::own(&if left == 0 { format!("step_{name}") } else { format!("found_{name}_{left}") })
}

/// A text in lower case where letter case does not count.
pub(super) fn in_one_case(value: Frag, folds: bool) -> Frag {
    if folds { whole("lower({})", &[&value]) } else { value }
}

fn absent_key(name: &str) -> Frag {
    literal::own(&format!("key_{}", name.replace('.', "_")))
}

/// That a record `u` which must not be there shares its keys with what `side` says: an alias and a column.
pub(super) fn shared<'a>(
    absence: &BoundAbsence<'a, Sql>,
    side: impl Fn(&'a ir::AbsenceKey) -> (Frag, Frag),
) -> Vec<Frag> {
    let tests = absence.keys.iter().map(|key| {
        let (alias, column) = side(key);
        let absent = whole("u.{}", &[&absent_key(&key.right.name)]);
        let [absent, own] = [absent, whole("{}.{}", &[&alias, &column])]
            .map(|value| in_one_case(value, key.case == Case::Ignore));
        test("{} = {}", &[&absent, &own])
    });
    tests.collect()
}

/// What a clause says, for a comment.
pub(super) fn in_words(absence: &BoundAbsence<'_, Sql>) -> String {
    let when = match absence.when {
        When::Before(window) => format!("within {} before", ir::duration(window.seconds)),
        When::After(window) => format!("within {} after", ir::duration(window.seconds)),
        When::Between => "between".to_owned(),
    };
    format!("without {} {when}", absence.clause())
}

/// The columns of a step with their types.
struct Columns {
    /// Its time, what identifies its event, keys and what the alert names.
    contract: Vec<(Frag, Held)>,
    /// What clauses read, and the fields with several values by which links join it.
    more: Vec<(Frag, Held)>,
}

/// A column of the contract that alternatives have with several types is text.
fn columns(step: &BoundStep<'_, Sql>) -> Columns {
    let mut contract = vec![(field(step, "time"), Held::one(Type::Time))];
    let mut add = |name: Frag, held: Held| match contract.iter_mut().find(|(known, _)| *known == name) {
        Some((_, known)) => *known = known.with(held),
        None => contract.push((name, held)),
    };
    for selection in step.selections() {
        for output in selection.event_id.iter().chain(&selection.outputs) {
            add(literal::own(&output.column), held(&output.field));
        }
    }
    let mut more: Vec<(Frag, Held)> = Vec::new();
    for read in step.selections().flat_map(|selection| selection.reads.iter().chain(&selection.any)) {
        let name = field(step, read.name);
        if !contract.iter().chain(&more).any(|(known, _)| *known == name) {
            more.push((name, held(read)));
        }
    }
    Columns { contract, more }
}

fn held(field: &BoundField<'_, Column>) -> Held {
    Held { ty: field.ty, many: predicate::has_several(field) }
}

/// A column of a step over one of its alternatives.
fn wanted<'t>(
    dialect: SqlDialect,
    step: &BoundStep<'t, Sql>,
    selection: &BoundSelection<'t, Sql>,
    table: &mut Table<'t>,
    (name, wanted): &(Frag, Held),
) -> Frag {
    let is_it = |output: &&Output<'t, Sql>| literal::own(&output.column) == *name;
    let output = selection.event_id.iter().chain(&selection.outputs).find(is_it).map(|output| &output.field);
    let is_read = |read: &&BoundField<'t, Column>| field(step, read.name) == *name;
    let own = output.or_else(|| selection.any.iter().chain(&selection.reads).find(is_read));
    let value = match own {
        _ if *name == field(step, "time") => literal::own(AT),
        Some(own) => {
            let column = table.field(own);
            wanted.from(dialect, held(own), &column)
        }
        None => whole("CAST(NULL AS {})", &[&wanted.type_name(dialect)]),
    };
    named(&value, name)
}

/// The key of one of its alternatives that a column of the step holds as it is.
fn key_of<'s, 't>(
    (step, selection): (&BoundStep<'t, Sql>, &'s BoundSelection<'t, Sql>),
    columns: &[(Frag, Held)],
    name: &Frag,
) -> Option<&'s BoundField<'t, Column>> {
    let (_, known) = columns.iter().find(|(known, _)| known == name)?;
    let is_it = |key: &&BoundField<'t, Column>| field(step, key.name) == *name;
    selection.keys.iter().find(is_it).filter(|key| Held::one(key.ty) == *known)
}

/// The rows of several queries.
pub(super) fn union(queries: Vec<Frag>) -> Frag {
    Frag::join(queries, "\n  UNION ALL\n  ", Bind::Or)
}

/// Rows of a table whose time can decide about an alert, and that pass tests.
fn select(columns: &[Frag], from: &Frag, time: &Frag, tests: Vec<Frag>) -> Frag {
    let columns = literal::lines(columns, ",", 4);
    let tests: Vec<_> = std::iter::once(time.clone()).chain(tests).collect();
    let tests = Frag::lines(&tests, " AND", 4, Bind::And).unwrap_or_else(|| literal::truth(true));
    whole("SELECT {}\n  FROM {}\n  WHERE {}", &[&columns, from, &tests])
}
