//! Lookups: the tables of a unit, their keys and cells typed.
//!
//! In: the lookups of the rule file and of the files it imports, with their tables. Out: tables by name.
//! Must not know: predicates.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use jiff::civil::Date;

use crate::catalog::{Catalog, FieldDef};
use crate::cells::Cells;
use crate::diag::{Code, Diagnostic};
use crate::ir::{Case, EntryValue, Pattern, PatternPart, Type, Value};
use crate::source::{Span, Spanned};
use crate::syntax::ast::{Lookup, Name, Understood};
use crate::table::{LookupRow, LookupTable};
use crate::unit::Unit;

use super::entries::Findings;
use super::lists::{self, Lists};
use super::resolutions::{DefinitionKind, Meaning};
use super::sink::Sink;
use super::{Context, naming, values};

/// The types of columns, by the word of the language.
const TYPES: [(&str, Type); 6] = [
    ("string", Type::String),
    ("int", Type::Int),
    ("float", Type::Float),
    ("bool", Type::Bool),
    ("ip", Type::Ip),
    ("time", Type::Time),
];

/// The lookups of a unit.
#[derive(Debug, Default)]
pub(super) struct Lookups<'a> {
    all: Vec<Looked<'a>>,
    by_name: BTreeMap<&'a str, usize>,
}

/// A lookup, its table read if anything may use it.
#[derive(Debug)]
pub(super) struct Looked<'a> {
    pub(super) ast: &'a Lookup,
    /// Type of its key, if the key is a field that can be one.
    pub(super) key: Option<Type>,
    /// Columns with a type.
    pub(super) columns: Vec<(&'a Name, Type)>,
    /// Whether its columns were declared without a fault.
    pub(super) is_right: bool,
    /// `None` if it has errors, or if it is imported and nothing names it.
    pub(super) rows: Option<Rows>,
    own: bool,
}

/// The rows in force.
#[derive(Debug)]
pub(super) struct Rows {
    pub(super) keys: Vec<Key>,
    pub(super) cells: Cells,
    /// A key that another one is like but for letter case, and where that stands: two rows of one key, where the source
    /// ignores case.
    pub(super) alike: Option<(Spanned<String>, Span)>,
}

/// The key of a row.
#[derive(Debug, Clone)]
pub(super) struct Key {
    pub(super) value: EntryValue,
    pub(super) text: String,
    pub(super) until: Option<Date>,
    pub(super) row: usize,
    pub(super) span: Span,
}

impl<'a> Lookups<'a> {
    /// Reads the lookups of a unit. Those of imported files are read only if `wanted` has their name.
    pub(super) fn read(
        unit: &'a Unit<'_>,
        wanted: &BTreeSet<&str>,
        lists: &Lists<'_>,
        context: &Context<'_>,
        sink: &mut Sink,
    ) -> Self {
        let mut lookups = Self::default();
        let own = unit.file.lookups.iter().map(|lookup| (lookup, true));
        let imported = unit.imported.iter().flat_map(|file| &file.lookups).map(|lookup| (lookup, false));
        for (ast, own) in own.chain(imported) {
            let name = &ast.name;
            naming::length(name, &mut sink.diags);
            sink.define(DefinitionKind::Lookup, name, ast.span);
            sink.resolve(ast.file.span, Meaning::File(ast.file.node.clone()));
            if let Some(first) = lookups.by_name(&name.node) {
                // A file imported twice brings the same lookup twice.
                if first.ast.name.span != name.span {
                    naming::twice("lookup", name, first.ast.name.span, &mut sink.diags);
                }
                continue;
            }
            if let Some(list) = lists.by_name(&name.node) {
                naming::twice("table or list", name, list.ast.name.span, &mut sink.diags);
            }
            let field = key_field(ast, context.catalog, sink);
            // As of lists: what is wrong in an imported table that no rule here asks is reported by its own run.
            let read = own || wanted.contains(name.node.as_str());
            let mut unheard = Sink::default();
            let sink = if read { &mut *sink } else { &mut unheard };
            let key = key_type(ast, field, context.catalog, sink);
            let mark = sink.diags.len();
            let understood = unit.file.understood == Understood::Whole;
            let columns = columns(ast, understood, context.catalog, sink);
            let declared = !sink.diags.errors_since(mark);
            let table = unit.lookup(&ast.file).filter(|_| read && declared);
            let rows = key.zip(table).and_then(|(key, table)| {
                rows(
                    &Declared { ast, key, folds: folds(ast, context.catalog), columns: &columns, table },
                    context,
                    sink,
                )
            });
            lookups.by_name.insert(&name.node, lookups.all.len());
            lookups.all.push(Looked { ast, key, columns, is_right: declared, rows, own });
        }
        lookups
    }

    /// The lookup of a name.
    pub(super) fn by_name(&self, name: &str) -> Option<&Looked<'a>> {
        self.all.get(*self.by_name.get(name)?)
    }

    /// The lookup whose column a dotted name says.
    pub(super) fn of_column(&self, name: &str) -> Option<&Looked<'a>> {
        self.by_name(name.split_once('.')?.0)
    }

    /// The finding for a column of a lookup where only fields of a record can stand.
    pub(super) fn elsewhere(&self, name: &str, span: Span) -> Option<Diagnostic> {
        let looked = self.of_column(name)?;
        let title = format!("`{name}` is a column of a lookup");
        let help = format!(
            "test it in the `where` or `except` of a step; links, alerts and events have the key itself, `{}`",
            looked.ast.key.node
        );
        Some(
            Diagnostic::new(Code::LookupField, span, title)
                .label("columns stand in conditions only, left of the operator")
                .also(looked.ast.name.span, "the lookup")
                .help(help),
        )
    }

    /// Warns of lookups of the rule file that no rule uses.
    pub(super) fn warn_unused(&self, sink: &mut Sink) {
        for looked in self.all.iter().filter(|looked| looked.own) {
            let name = &looked.ast.name;
            if sink.is_used(name.span) {
                continue;
            }
            let column = looked.columns.first().map_or("COLUMN", |(column, _)| &column.node);
            let found =
                Diagnostic::new(Code::UnusedLookup, name.span, format!("unused lookup `{}`", name.node))
                    .label("has no effect")
                    .help(format!("test a column: `exists({}.{column})`, or remove the lookup", name.node));
            sink.report(found);
        }
    }
}

/// The field whose values are the keys, in the first source that has it.
fn key_field<'c>(ast: &Lookup, catalog: &'c Catalog, sink: &mut Sink) -> Option<&'c FieldDef> {
    let key = &ast.key;
    let (source, field) = catalog.iter().find_map(|source| Some((source, source.field(&key.node)?)))?;
    sink.resolve(key.span, Meaning::Field { source: source.name.clone(), field: field.name.clone() });
    Some(field)
}

fn key_type(ast: &Lookup, field: Option<&FieldDef>, catalog: &Catalog, sink: &mut Sink) -> Option<Type> {
    let Some(field) = field else {
        sink.report(lists::unknown_field(&ast.key, catalog));
        return None;
    };
    match field.ty {
        Type::String | Type::Int | Type::Ip => Some(field.ty),
        Type::Float | Type::Bool | Type::Time => {
            let title = format!("`{}` is {}", field.name, values::words(field.ty));
            let found = Diagnostic::new(Code::LookupClause, ast.key.span, title)
                .label("cannot be the key of a lookup")
                .help("keys are strings, integers or addresses: values that are equal only when they are the same");
            sink.report(found);
            None
        }
    }
}

/// Whether two keys that differ in letter case are one key, in a source that has them.
fn folds(ast: &Lookup, catalog: &Catalog) -> bool {
    catalog.iter().filter_map(|source| source.field(&ast.key.node)).any(|field| field.fold)
}

/// The columns that can be used; reports the others.
fn columns<'a>(
    ast: &'a Lookup,
    understood: bool,
    catalog: &Catalog,
    sink: &mut Sink,
) -> Vec<(&'a Name, Type)> {
    let mut found: Vec<(&Name, Type)> = Vec::new();
    let refuse = |span, title: String| Diagnostic::new(Code::LookupClause, span, title);
    // What a clause with a fault in its grammar declares is not known.
    if ast.columns.is_empty() && understood {
        let title = format!("the lookup `{}` declares no column", ast.name.node);
        sink.report(
            refuse(ast.name.span, title)
                .label("gives no field")
                .help("name the columns to be tested, each with its type: `{ owner: string, public: bool }`"),
        );
    }
    for (name, ty) in &ast.columns {
        if let Some((first, _)) = found.iter().find(|(known, _)| known.node == name.node) {
            let title = format!("column `{}` is declared twice", name.node);
            sink.report(refuse(name.span, title).label("again here").also(first.span, "first here"));
            continue;
        }
        if ["key", "until"].contains(&name.node.as_str()) {
            let found = refuse(name.span, format!("column `{}` cannot be declared", name.node));
            let what = if name.node == "key" {
                "has the values of the key field"
            } else {
                "says when a row expires"
            };
            sink.report(found.label(what).help("remove it here; it stays in the table"));
            continue;
        }
        let whole = format!("{}.{}", ast.name.node, name.node);
        let mut sources = catalog.iter().filter(|source| source.field(&ast.key.node).is_some());
        if let Some(source) = sources.find(|source| source.field(&whole).is_some()) {
            let title = format!("`{whole}` is a field of `{}`", source.name);
            let found = refuse(name.span, title).label("would have two meanings");
            sink.report(found.help("rename the lookup or the column"));
            continue;
        }
        if let Some((_, known)) = TYPES.iter().find(|(word, _)| *word == ty.node) {
            found.push((name, *known));
            continue;
        }
        let words = TYPES.map(|(word, _)| word);
        let unknown = refuse(ty.span, format!("unknown type `{}`", ty.node)).label("unknown type");
        let unknown = unknown.suggest(&ty.node, words);
        sink.report(unknown.help(format!("the types are {}", naming::ticked(&words))));
    }
    found
}

/// A lookup that is right by itself, and its table.
struct Declared<'d> {
    ast: &'d Lookup,
    key: Type,
    folds: bool,
    columns: &'d [(&'d Name, Type)],
    table: &'d LookupTable,
}

fn rows(declared: &Declared<'_>, context: &Context<'_>, sink: &mut Sink) -> Option<Rows> {
    let Declared { ast, key: _, folds, columns, table } = declared;
    let mut found = Findings::of_table(ast.name.span);
    let places = header(declared, &mut found);
    let typed = columns.iter().map(|(name, ty)| (format!("{}.{}", ast.name.node, name.node), *ty)).collect();
    let mut rows = Rows { keys: Vec::new(), cells: Cells::new(&ast.name.node, typed), alike: None };
    let mut firsts: HashMap<String, Span> = HashMap::with_capacity(table.rows.len());
    for row in &table.rows {
        let value = match key(declared.key, row) {
            Ok(value) => value,
            Err(problem) => {
                found.push(*problem);
                continue;
            }
        };
        if let Some(first) = firsts.insert(identity(&value), row.key.span) {
            found.push(twice(&row.key, first));
            continue;
        }
        let until = match row.until.as_ref().map(|day| (values::day(day.node), day.span)) {
            Some((None, span)) => {
                found.push(values::bad_day(span));
                continue;
            }
            Some((day, _)) => day,
            None => None,
        };
        // Strictly before: the last day still counts.
        if let Some(day) = until.filter(|until| *until < context.as_of) {
            found.push(expired(&row.key, day, context.as_of));
            continue;
        }
        let cells: Vec<_> = places.iter().map(|place| row.cells.get((*place)?)?.as_ref()).collect();
        for misfit in rows.cells.push(cells.iter().map(|cell| cell.map(|cell| cell.node.as_str()))) {
            if let (Some(Some(cell)), Some((name, ty))) = (cells.get(misfit), columns.get(misfit)) {
                found.push(self::misfit(cell, name, *ty));
            }
        }
        let LookupRow { number, key: Spanned { node, span }, until: _, cells: _ } = row;
        rows.keys.push(Key { value, text: node.clone(), until, row: *number, span: *span });
    }
    if *folds {
        rows.alike = alike(table);
    }
    let right = !table.broken && !found.has_errors();
    found.into(&mut sink.diags);
    // Keys that are missing would make tests of their rows false in silence.
    right.then_some(rows)
}

/// For each declared column its number in the table; reports the columns that only one of them has.
fn header(declared: &Declared<'_>, found: &mut Findings) -> Vec<Option<usize>> {
    let Declared { ast, key: _, folds: _, columns, table } = declared;
    let place = |name: &str| table.columns.iter().position(|column| column.node == name);
    // A header that was not understood has been reported.
    if table.broken {
        return columns.iter().map(|(name, _)| place(&name.node)).collect();
    }
    for (name, _) in columns.iter().filter(|(name, _)| place(&name.node).is_none()) {
        let title = format!("the table of `{}` has no column `{}`", ast.name.node, name.node);
        let known: Vec<_> = table.columns.iter().map(|column| column.node.as_str()).collect();
        let missing = Diagnostic::new(Code::TableHeader, name.span, title).label("declared here");
        found.push(missing.help(if known.is_empty() {
            "its header has `key` alone".to_owned()
        } else {
            format!("its header has {}", naming::ticked(&known))
        }));
    }
    // Names that the header does not have yet: any other would stand twice.
    let declared =
        ast.columns.iter().map(|(name, _)| name.node.as_str()).filter(|name| place(name).is_none());
    let mut missing: Vec<&str> = declared.chain((!table.expires).then_some("until")).collect();
    for column in &table.columns {
        if ast.columns.iter().any(|(name, _)| name.node == column.node) {
            continue;
        }
        let title = format!("column `{}` is not declared", column.node);
        let unknown = Diagnostic::new(Code::TableHeader, column.span, title)
            .label(format!("lookup `{}` does not name it", ast.name.node))
            .also(ast.name.span, "this lookup")
            .suggest(&column.node.to_ascii_lowercase(), missing.iter().copied());
        missing.retain(|name| unknown.fix.as_ref().is_none_or(|fix| fix.replacement != *name));
        found.push(unknown.help("declare it with its type, `NAME: string`, or delete the column; the day after which a row no longer counts stands in `until`"));
    }
    columns.iter().map(|(name, _)| place(&name.node)).collect()
}

/// The typed key of a row. It is exact: `*` stands for itself, and an address is no network.
fn key(ty: Type, row: &LookupRow) -> Result<EntryValue, Box<Diagnostic>> {
    let Spanned { node: text, span } = &row.key;
    if lists::is_scientific(text) {
        let title = format!("`{text}` is a number in scientific notation");
        let found =
            Diagnostic::new(Code::TableRow, *span, title).label("a spreadsheet has rewritten the key");
        return Err(Box::new(found.help(
            "its last digits are lost: format the column as text, enter the key again and save the file",
        )));
    }
    let value = match ty {
        Type::Int => text.parse().ok().map(|number| EntryValue::Value(Value::Int(number))),
        Type::Ip => text.parse::<std::net::IpAddr>().ok().map(|one| EntryValue::Network(one.into())),
        Type::String | Type::Float | Type::Bool | Type::Time => {
            let parts = vec![PatternPart::Text(text.clone())];
            Some(EntryValue::Pattern(Pattern { parts }))
        }
    };
    value.ok_or_else(|| {
        let title = format!("row {}: the key `{text}` is not {}", row.number, values::words(ty));
        let found = Diagnostic::new(Code::TableRow, *span, title).label("no value of the key field");
        Box::new(if ty == Type::Ip && text.contains('/') {
            found.help("keys are single addresses; for networks use an allowlist")
        } else {
            found.help("correct the key or delete the row")
        })
    })
}

/// What two rows with one key share.
fn identity(value: &EntryValue) -> String {
    match value {
        EntryValue::Pattern(pattern) => pattern.literal().unwrap_or_default().to_owned(),
        EntryValue::Network(network) => network.to_string(),
        EntryValue::Value(value) => value.text(),
    }
}

/// The first key that is like an earlier one but for letter case.
fn alike(table: &LookupTable) -> Option<(Spanned<String>, Span)> {
    let mut firsts: HashMap<String, Span> = HashMap::with_capacity(table.rows.len());
    table.rows.iter().find_map(|row| {
        let first = firsts.insert(Case::Ignore.fold(&row.key.node).into_owned(), row.key.span)?;
        Some((row.key.clone(), first))
    })
}

/// The finding for a second row of a key.
pub(super) fn twice(key: &Spanned<String>, first: Span) -> Diagnostic {
    Diagnostic::new(Code::TableRow, key.span, format!("two rows have the key `{}`", key.node))
        .label("again here")
        .also(first, "first here")
        .help("keep the row that is right: it could not be said which of them counts")
}

fn expired(key: &Spanned<String>, until: Date, as_of: Date) -> Diagnostic {
    let title = format!("the row of `{}` was valid until {until}", key.node);
    Diagnostic::new(Code::ExpiredRow, key.span, title)
        .label("left out: its columns are missing")
        .help(format!("renew it with a later `until`, or delete it (evaluated as of {as_of})"))
}

fn misfit(cell: &Spanned<String>, column: &Name, ty: Type) -> Diagnostic {
    let title = format!("`{}` is not {}", cell.node, values::words(ty));
    Diagnostic::new(Code::MisfitCell, cell.span, title)
        .label("counts as missing")
        .also(column.span, "the type of the column")
        .help("correct the cell, or declare the column with another type")
}

/// The finding for a column that a lookup does not declare.
pub(super) fn unknown_column(looked: &Looked<'_>, name: &Name) -> Diagnostic {
    let lookup = &looked.ast.name.node;
    let known: Vec<String> =
        looked.columns.iter().map(|(column, _)| format!("{lookup}.{}", column.node)).collect();
    let column = name.node.split_once('.').map_or("", |(_, column)| column);
    let title = format!("the lookup `{lookup}` has no column `{column}`");
    let found = Diagnostic::new(Code::UnknownField, name.span, title)
        .label("unknown column")
        .also(looked.ast.name.span, "the lookup")
        .suggest(&name.node, known.iter().map(String::as_str));
    found.help(format!("its columns are {}", naming::ticked(&known)))
}
