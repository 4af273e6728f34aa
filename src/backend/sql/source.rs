//! A source as a common table: its canonical fields over the columns of the lake's table, a row for each record.
//!
//! In: what steps ask of a source. Out: a common table with the columns that were asked for. Must not know: conditions,
//! links.

use super::Sql;
use super::check::Check;
use super::column::{Column, Mapping, Texts};
use super::dialect;
use super::literal::{self, Frag, whole};
use super::value::{self, Values};
use crate::backend::SqlDialect;
use crate::backend::bind::{BoundField, BoundSelection};
use crate::backend::print::Bind;
use crate::backend::schema::SourceSchema;
use crate::backend::truth::Truth;
use crate::catalog::Source;
use crate::ir::Type;

/// The columns that every step has: when, which event, which record.
pub(super) const AT: &str = "_at";
pub(super) const EVENT: &str = "_event";
pub(super) const RECORD: &str = "_record";
/// What the log calls an event, and all that the table has of it.
const ID: &str = "_id";
const ROW: &str = "_row";

/// The common tables of a statement.
#[derive(Debug)]
pub(super) struct Tables<'t> {
    pub(super) dialect: SqlDialect,
    /// Whether ids of several sources are compared.
    pub(super) tagged: bool,
    pub(super) all: Vec<Table<'t>>,
}

/// A source with the items of some of its groups.
#[derive(Debug)]
pub(super) struct Table<'t> {
    dialect: SqlDialect,
    tagged: bool,
    pub(super) source: &'t Source,
    schema: &'t SourceSchema<Sql>,
    /// The numbers of the groups whose items are rows.
    groups: Vec<usize>,
    pub(super) name: Frag,
    columns: Vec<(Frag, Frag)>,
}

impl<'t> Tables<'t> {
    /// The table from which a selection reads, with a row for each item of what it looks at; of all groups if it
    /// `is_last`: its records are the alerts.
    pub(super) fn of(&mut self, selection: &BoundSelection<'t, Sql>, is_last: bool) -> &mut Table<'t> {
        let groups = groups(selection, is_last);
        let is_it =
            |table: &Table<'t>| std::ptr::eq(table.source, selection.source) && table.groups == groups;
        let place = self.all.iter().position(is_it).unwrap_or_else(|| {
            self.all.push(Table::new(self.dialect, self.tagged, selection, groups));
            self.all.len() - 1
        });
        #[expect(clippy::indexing_slicing, reason = "the place was found or made just now")]
        &mut self.all[place]
    }
}

/// The groups whose items a selection reads.
fn groups(selection: &BoundSelection<'_, Sql>, is_last: bool) -> Vec<usize> {
    let tests = selection.condition.tests();
    let tested = tests.iter().flat_map(|(test, _)| std::iter::once(&test.field).chain(&test.other));
    let outputs = selection.outputs.iter().map(|output| &output.field);
    let fields = tested.chain(&selection.keys).chain(&selection.any).chain(&selection.reads).chain(outputs);
    let mut found: Vec<usize> =
        fields.flat_map(|field| &field.ways).flat_map(|way| way.column.groups()).collect();
    if is_last {
        found.extend(selection.has_items.iter().enumerate().filter(|(_, has)| **has).map(|(group, _)| group));
    }
    let mapping = &selection.schema.mapping;
    found.retain(|group| mapping.groups.get(*group).is_some_and(|group| group.items.is_ok()));
    found.sort_unstable();
    found.dedup();
    found
}

impl<'t> Table<'t> {
    fn new(
        dialect: SqlDialect,
        tagged: bool,
        selection: &BoundSelection<'t, Sql>,
        groups: Vec<usize>,
    ) -> Self {
        let (source, schema) = (selection.source, selection.schema);
        let words =
            groups.iter().filter_map(|group| schema.mapping.groups.get(*group)).map(|group| &group.name);
        let name = std::iter::once(source.name.replace('.', "_"))
            .chain(words.cloned())
            .collect::<Vec<_>>()
            .join("_");
        // One word could be the name of the table that it reads.
        let name = literal::own(&format!("from_{name}"));
        Self { dialect, tagged, source, schema, groups, name, columns: Vec::new() }
    }

    fn mapping(&self) -> &'t Mapping {
        &self.schema.mapping
    }

    fn values(&self) -> Values<'t> {
        let Mapping { layout, groups, .. } = self.mapping();
        Values { dialect: self.dialect, groups, of_events: layout.holds_events(), for_text: false }
    }

    /// The column of a field.
    pub(super) fn field(&mut self, field: &BoundField<'t, Column>) -> Frag {
        let value = self.value(field);
        if let Some((name, _)) = self.columns.iter().find(|(_, known)| *known == value) {
            return name.clone();
        }
        let plain = field.name.replace('.', "_");
        let names = std::iter::once(plain.clone()).chain((2..).map(|number| format!("{plain}_{number}")));
        let mut names = names.map(|name| literal::column(self.dialect, &name));
        let is_free = |name: &Frag| !self.columns.iter().any(|(known, _)| known == name);
        let name = names.find(is_free).unwrap_or_else(|| literal::own("_"));
        self.columns.push((name.clone(), value));
        name
    }

    /// A field as an expression; where the action decides, as it does.
    fn value(&self, field: &BoundField<'t, Column>) -> Frag {
        let values = self.values();
        let Some((last, others)) = field.ways.split_last() else { return literal::whole("NULL", &[]) };
        if others.is_empty() && last.actions.is_empty() {
            return values.of(last.column);
        }
        let action = self.schema.fields.get(&self.source.discriminator);
        let action = action.and_then(|action| action.variants.first()?.column.as_ref().ok());
        let action = action.map_or_else(|| literal::whole("NULL", &[]), |action| values.of(action));
        let mut cases: Vec<_> =
            others.iter().map(|way| self.case(&action, way.actions, way.column)).collect();
        cases.push(if last.actions.is_empty() {
            whole("ELSE {}", &[&values.of(last.column)])
        } else {
            self.case(&action, last.actions, last.column)
        });
        whole("CASE {} END", &[&literal::lines(&cases, "", 6)])
    }

    fn case(&self, action: &Frag, actions: &[String], column: &Column) -> Frag {
        let names: Vec<_> = actions.iter().map(|name| literal::text(self.dialect, name)).collect();
        let is_one = super::check::text(&super::check::one_of(action, &names));
        whole("WHEN {} THEN {}", &[&is_one, &self.values().of(column)])
    }

    /// A field of the source by its name, in whatever way the log has it.
    fn source_field(&self, name: &str) -> Option<Frag> {
        let field = self.schema.fields.get(name)?;
        let column =
            field.variants.iter().find(|variant| variant.actions.is_empty())?.column.as_ref().ok()?;
        Some(self.values().of(column))
    }

    /// The id that the log gives an event, if it gives one; of several parts null where one is missing.
    fn id(&self) -> Option<Frag> {
        let as_text = |name: &String| {
            let is_text = self.schema.fields.get(name).is_some_and(|field| field.ty == Type::String);
            let id = self.source_field(name)?;
            Some(if is_text { id } else { dialect::as_text(self.dialect, &id, false) })
        };
        let ids: Option<Vec<_>> = self.source.event_id.0.iter().map(as_text).collect();
        match ids?.as_slice() {
            [] => None,
            [id] => Some(id.clone()),
            several => Some(Frag::join(several.to_vec(), " || '#' || ", Bind::Or)),
        }
    }

    /// What identifies an event, over the columns of the common table: its id, or a hash of all that the table has of
    /// it.
    fn event(&self) -> Frag {
        let [id, row] = [ID, ROW].map(literal::own);
        let by_row = || dialect::hash_of_row(self.dialect, &row);
        let id = match self.id() {
            None => by_row(),
            Some(_) if self.mapping().always_has_id => id,
            Some(_) if self.source.event_id.0.len() == 1 => {
                whole("COALESCE(NULLIF({}, ''), {})", &[&id, &by_row()])
            }
            Some(_) => whole("COALESCE({}, {})", &[&id, &by_row()]),
        };
        if self.tagged {
            let tag = literal::text(self.dialect, &format!("{} ", self.source.name));
            whole("concat({}, {})", &[&tag, &id])
        } else {
            id
        }
    }

    /// What identifies an event, and what tells its records apart: several items of an event are several records.
    pub(super) fn identity(&self) -> [Frag; 2] {
        let event = self.event();
        let record = if self.groups.is_empty() {
            event.clone()
        } else {
            whole("concat({}, '#', _item_numbers)", &[&event])
        };
        [named(&event, &literal::own(EVENT)), named(&record, &literal::own(RECORD))]
    }

    /// All that the table has of an event, as one value; nothing where ids suffice, so that a lake that holds columns
    /// reads no more of them than it is asked for.
    fn row(&self) -> Option<Frag> {
        if self.mapping().always_has_id && self.id().is_some() {
            return None;
        }
        Some(dialect::row(self.dialect).unwrap_or_else(|| {
            let texts = self.mapping().layout.columns().into_iter().map(|(name, is_nested)| {
                let column = literal::column(self.dialect, name);
                let text = dialect::as_text(self.dialect, &column, is_nested);
                whole("COALESCE({}, '')", &[&text])
            });
            let texts: Vec<_> = texts.collect();
            match texts.as_slice() {
                [only] => only.clone(),
                several => whole("concat_ws('|', {})", &[&literal::list(several)]),
            }
        }))
    }

    /// The common table.
    pub(super) fn print(&self) -> Frag {
        let at = self.source_field("event.time").unwrap_or_else(|| whole("CAST(NULL AS BIGINT)", &[]));
        let mut columns = vec![named(&at, &literal::own(AT))];
        columns.extend(self.id().map(|id| named(&id, &literal::own(ID))));
        let row = self.row();
        let mut from = self.logs();
        let in_derived = self.dialect == SqlDialect::DuckDb && !self.groups.is_empty();
        if let (Some(row), true) = (&row, in_derived) {
            from = whole("(SELECT *, {} AS {} FROM {})", &[row, &literal::own(ROW), &from]);
            columns.push(literal::own(ROW));
        } else {
            columns.extend(row.map(|row| named(&row, &literal::own(ROW))));
        }
        columns.extend(self.columns.iter().map(|(name, value)| named(value, name)));
        columns.extend(self.numbers());
        from = self.unnested(from);
        let tests = super::check::conjuncts(&self.is_of_source(), false);
        if !tests.is_empty() {
            from = whole("{}\n  WHERE {}", &[&from, &Frag::join(tests, "\n    AND ", Bind::And)]);
        }
        whole("SELECT {}\n  FROM {}", &[&literal::lines(&columns, ",", 4), &from])
    }

    /// Whether a row is one of the source. The first of `only_of` that fits it counts.
    fn is_of_source(&self) -> Check {
        let usual = self.have(&self.mapping().only);
        self.mapping().only_of.iter().rev().fold(usual, |rest, (events, only)| {
            let are = self.have(events);
            Truth::any([Truth::all([are.clone(), self.have(only)]), Truth::all([are.not(), rest])])
        })
    }

    fn have(&self, stated: &Texts) -> Check {
        Truth::all(stated.iter().map(|(column, texts)| {
            let texts: Vec<_> = texts.iter().map(|text| literal::text(self.dialect, text)).collect();
            super::check::one_of(&self.values().of(column), &texts)
        }))
    }

    /// The tables of the lake, as `logs`.
    fn logs(&self) -> Frag {
        let tables: Vec<_> = self.mapping().tables.iter().map(|table| literal::table(table)).collect();
        match tables.as_slice() {
            [only] => whole("{} AS logs", &[only]),
            several => {
                let all: Vec<_> = several.iter().map(|table| whole("SELECT * FROM {}", &[table])).collect();
                whole("({}) AS logs", &[&Frag::join(all, " UNION ALL ", Bind::Or)])
            }
        }
    }

    /// The rows of a table with those of the items that are looked at.
    fn unnested(&self, mut from: Frag) -> Frag {
        for group in self.groups.iter().filter_map(|group| self.mapping().groups.get(*group)) {
            let Ok(spot) = &group.items else { continue };
            let (item, number) = value::item(&group.name);
            from = dialect::unnest(self.dialect, &from, &self.values().items(spot), &item, &number);
            if let Some(path) = &group.inner {
                let (inner, number) = value::inner(&group.name);
                let items = self.values().inner_items(&item, path);
                from = dialect::unnest(self.dialect, &from, &items, &inner, &number);
            }
        }
        from
    }

    /// The numbers of the items of a record.
    fn numbers(&self) -> Option<Frag> {
        let groups = self.groups.iter().filter_map(|group| self.mapping().groups.get(*group));
        let numbers = groups.flat_map(|group| {
            let inner = group.inner.as_ref().map(|_| value::inner(&group.name).1);
            std::iter::once(value::item(&group.name).1).chain(inner)
        });
        let text = literal::type_name(self.dialect, Type::String);
        let texts: Vec<_> =
            numbers.map(|number| whole("CAST(COALESCE({}, 0) AS {})", &[&number, &text])).collect();
        if texts.is_empty() {
            return None;
        }
        Some(named(&whole("concat_ws('-', {})", &[&literal::list(&texts)]), &literal::own("_item_numbers")))
    }
}

/// An expression under a name.
pub(super) fn named(value: &Frag, name: &Frag) -> Frag {
    if value == name { name.clone() } else { whole("{} AS {}", &[value, name]) }
}
