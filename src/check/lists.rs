//! Allowlists: the lists of a unit, their entries typed, and which of them a rule may use.
//!
//! In: the lists of the rule file and of the files it imports, with their tables. Out: [`ir::List`]s by name.
//! Must not know: predicates.

use std::collections::{BTreeMap, BTreeSet};

use jiff::civil::Date;

use crate::catalog::{Catalog, FieldDef};
use crate::diag::{Code, Diagnostic, Diagnostics, Fix};
use crate::ir::{self, Entry, EntryValue, Pattern, Type, Value};
use crate::source::{Span, Spanned};
use crate::syntax::ast::{self, List, ListBody, LiteralKind, Name};
use crate::table::Row;
use crate::unit::Unit;

use super::entries;
use super::fields;
use super::resolutions::{DefinitionKind, Meaning};
use super::sink::Sink;
use super::values::{self, NotANetwork};
use super::{Context, naming};

/// The allowlists of a unit.
#[derive(Debug, Default)]
pub(super) struct Lists<'a> {
    all: Vec<Listed<'a>>,
    by_name: BTreeMap<&'a str, usize>,
}

/// An allowlist, read if anything may use it.
#[derive(Debug)]
pub(super) struct Listed<'a> {
    pub(super) ast: &'a List,
    /// `None` if it has errors, or if it is imported and nothing names it.
    pub(super) list: Option<ir::List>,
    /// Type of its field, if the field exists.
    pub(super) ty: Option<Type>,
    own: bool,
}

impl<'a> Lists<'a> {
    /// Reads the lists of a unit. Lists of imported files are read only if `wanted` has their name.
    pub(super) fn read(
        unit: &'a Unit<'_>,
        wanted: &BTreeSet<&str>,
        context: &Context<'_>,
        sink: &mut Sink,
    ) -> Self {
        let mut lists = Self::default();
        let own = unit.file.lists.iter().map(|list| (list, true));
        let imported = unit.imported.iter().flat_map(|file| &file.lists).map(|list| (list, false));
        for (ast, own) in own.chain(imported) {
            naming::length(&ast.name, &mut sink.diags);
            sink.define(DefinitionKind::List, &ast.name, ast.span);
            if let Some(first) = lists.index(&ast.name.node).and_then(|index| lists.get(index)) {
                // A file imported twice brings the same list twice.
                if first.ast.name.span != ast.name.span {
                    naming::twice("allowlist", &ast.name, first.ast.name.span, &mut sink.diags);
                }
                continue;
            }
            let field = note(ast, context.catalog, sink);
            // An imported file may have long lists that this rule never asks; its own run reports what is wrong in
            // them.
            let read = own || wanted.contains(ast.name.node.as_str());
            let list = if read { read_one(unit, ast, field, context, &mut sink.diags) } else { None };
            lists.by_name.insert(&ast.name.node, lists.all.len());
            lists.all.push(Listed { ast, list, ty: field.map(|field| field.ty), own });
        }
        lists
    }

    /// The index of a list by name.
    pub(super) fn index(&self, name: &str) -> Option<usize> {
        self.by_name.get(name).copied()
    }

    /// The list of an index.
    pub(super) fn get(&self, index: usize) -> Option<&Listed<'a>> {
        self.all.get(index)
    }

    /// The list of a name.
    pub(super) fn by_name(&self, name: &str) -> Option<&Listed<'a>> {
        self.get(self.index(name)?)
    }

    /// The lists among some words that could be read, in order of their first use.
    pub(super) fn used_by<'w>(&self, words: impl IntoIterator<Item = &'w str>) -> Vec<usize> {
        let mut used = Vec::new();
        for index in words.into_iter().filter_map(|word| self.index(word)) {
            if self.get(index).is_some_and(|listed| listed.list.is_some()) && !used.contains(&index) {
                used.push(index);
            }
        }
        used
    }

    /// The names, in order.
    pub(super) fn names(&self) -> impl Iterator<Item = &'a str> {
        self.all.iter().map(|listed| listed.ast.name.node.as_str())
    }

    /// Warns of lists of the rule file that no rule uses.
    pub(super) fn warn_unused(&self, sink: &mut Sink) {
        for listed in self.all.iter().filter(|listed| listed.own) {
            let name = &listed.ast.name;
            if sink.is_used(name.span) {
                continue;
            }
            let found =
                Diagnostic::new(Code::UnusedList, name.span, format!("unused allowlist `{}`", name.node))
                    .label("has no effect")
                    .help(format!(
                        "use it: `except {} in {}`, or remove it",
                        listed.ast.field.node, name.node
                    ));
            sink.report(found);
        }
    }
}

/// The field a list was made for, in the first source that has it; what the list names is noted.
fn note<'a>(list: &List, catalog: &'a Catalog, sink: &mut Sink) -> Option<&'a FieldDef> {
    if let ListBody::File(path) = &list.body {
        sink.resolve(path.span, Meaning::File(path.node.clone()));
    }
    let (source, field) =
        catalog.iter().find_map(|source| Some((source, source.field(&list.field.node)?)))?;
    let target = Meaning::Field { source: source.name.clone(), field: field.name.clone() };
    sink.resolve(list.field.span, target);
    Some(field)
}

/// The finding for a field that no source has.
pub(super) fn unknown_field(field: &Name, catalog: &Catalog) -> Diagnostic {
    let title = format!("no source has a field `{}`", field.node);
    let found = Diagnostic::new(Code::UnknownField, field.span, title).label("unknown field");
    let sources: Vec<_> = catalog.iter().collect();
    let (found, _) = fields::suggest(found, field, &sources, |_| true);
    found.help("`catena sources` lists the sources and their fields")
}

/// What an entry is read from: a clause of the list or a row of its file.
struct Raw<'a> {
    text: String,
    /// The value where it is not a text.
    other: Option<&'a LiteralKind>,
    value: Span,
    reason: Option<&'a Spanned<String>>,
    owner: Option<&'a Spanned<String>>,
    ticket: Option<&'a Spanned<String>>,
    until: Option<&'a Spanned<ast::Date>>,
    row: usize,
    csv: bool,
}

fn read_one(
    unit: &Unit<'_>,
    ast: &List,
    field: Option<&FieldDef>,
    context: &Context<'_>,
    diags: &mut Diagnostics,
) -> Option<ir::List> {
    let Some(field) = field else {
        diags.push(unknown_field(&ast.field, context.catalog));
        return None;
    };
    let (raws, file, mut broken) = match &ast.body {
        ListBody::Inline(items) => {
            let read: Vec<_> = items.iter().zip(1..).filter_map(of_clause).collect();
            let broken = read.len() < items.len();
            (read, None, broken)
        }
        ListBody::File(path) => {
            let table = unit.table(path)?;
            (table.rows.iter().map(of_row).collect(), Some(path.node.clone()), table.broken)
        }
    };
    let mut list = ir::List {
        name: ast.name.clone(),
        ty: field.ty,
        entries: Vec::new(),
        expired: Vec::new(),
        file,
        lookup: None,
    };
    let mut found = entries::Findings::new(ast.name.span);
    for raw in &raws {
        match entry(raw, field) {
            // Strictly before: the last day still counts.
            Ok(entry) if entry.until.is_some_and(|until| until < context.as_of) => {
                found.push(expired(&entry, context.as_of));
                list.expired.push(entry);
            }
            Ok(entry) => list.entries.push(entry),
            Err(diagnostic) => {
                broken = true;
                found.push(*diagnostic);
            }
        }
    }
    entries::lint(&list, field, broken, &mut found);
    let broken = broken || found.has_errors();
    found.into(diags);
    // A list with a broken entry exempts less than its author wrote: a rule that used it would alert on what was
    // excused.
    (!broken).then_some(list)
}

/// An entry of a rule file, if its value could be read.
fn of_clause((entry, row): (&ast::Entry, usize)) -> Option<Raw<'_>> {
    let (text, other) = match &entry.value.kind {
        LiteralKind::Str(text) => (text.clone(), None),
        LiteralKind::Int(number) => (number.to_string(), Some(&entry.value.kind)),
        LiteralKind::Float(number) => (number.to_string(), Some(&entry.value.kind)),
        LiteralKind::Bool(truth) => (truth.to_string(), Some(&entry.value.kind)),
        LiteralKind::Date(day) => {
            (format!("{:04}-{:02}-{:02}", day.year, day.month, day.day), Some(&entry.value.kind))
        }
        LiteralKind::Duration(seconds) => (format!("{seconds}s"), Some(&entry.value.kind)),
        LiteralKind::Word(word) => (word.clone(), Some(&entry.value.kind)),
        LiteralKind::Unknown => return None,
    };
    Some(Raw {
        text,
        other,
        value: entry.value.span,
        reason: entry.reason.as_ref(),
        owner: entry.owner.as_ref(),
        ticket: entry.ticket.as_ref(),
        until: entry.until.as_ref(),
        row,
        csv: false,
    })
}

fn of_row(row: &Row) -> Raw<'_> {
    Raw {
        text: row.value.node.clone(),
        other: None,
        value: row.value.span,
        reason: row.reason.as_ref(),
        owner: row.owner.as_ref(),
        ticket: row.ticket.as_ref(),
        until: row.until.as_ref(),
        row: row.number,
        csv: true,
    }
}

fn entry(raw: &Raw<'_>, field: &FieldDef) -> Result<Entry, Box<Diagnostic>> {
    let value = entry_value(raw, field)?;
    let until = match raw.until {
        Some(date) => Some(values::day(date.node).ok_or_else(|| Box::new(values::bad_day(date.span)))?),
        None => None,
    };
    let text = |text: Option<&Spanned<String>>| text.map(|text| text.node.clone());
    Ok(Entry {
        value,
        text: raw.text.clone(),
        reason: text(raw.reason),
        owner: text(raw.owner),
        ticket: text(raw.ticket),
        until,
        row: raw.row,
        span: raw.value,
    })
}

/// The typed value of an entry. In a CSV file everything is text; in a rule only strings are.
fn entry_value(raw: &Raw<'_>, field: &FieldDef) -> Result<EntryValue, Box<Diagnostic>> {
    if raw.text.is_empty() {
        let found = Diagnostic::new(Code::BadEntry, raw.value, "an empty entry matches nothing")
            .label("an empty value counts as missing")
            .help(format!("remove it; use `except not exists({})` to exempt missing values", field.name));
        return Err(Box::new(found));
    }
    // Before the type is asked: as a string `1.11111E+11` is well formed, and as a float it is a number with its last
    // digits gone.
    if is_scientific(&raw.text) || field.digits.is_some() && is_exponent(&raw.text) {
        return Err(Box::new(scientific(raw)));
    }
    if let Some(inside) = raw.csv.then(|| of_spreadsheet(&raw.text)).flatten() {
        return Err(Box::new(spreadsheet_text(raw, inside)));
    }
    let csv_or_text = raw.other.is_none();
    let value = match field.ty {
        Type::String if csv_or_text => pattern(raw)?,
        Type::Ip if csv_or_text => values::parse_network(&raw.text)
            .map(EntryValue::Network)
            .map_err(|problem| Box::new(network_problem(&problem, raw)))?,
        Type::Int => number(raw).map(EntryValue::Value).ok_or_else(|| misfit(raw, field))?,
        Type::Float => decimal(raw).map(EntryValue::Value).ok_or_else(|| misfit(raw, field))?,
        Type::Bool => raw
            .text
            .parse()
            .map(|truth| EntryValue::Value(Value::Bool(truth)))
            .map_err(|_| misfit(raw, field))?,
        Type::Time => time(raw, field).map(EntryValue::Value)?,
        Type::String | Type::Ip => return Err(misfit(raw, field)),
    };
    Ok(value)
}

/// `1.11111E+11`, as spreadsheets write numbers of many digits.
pub(super) fn is_scientific(text: &str) -> bool {
    let Some((number, power)) = text.split_once(['E', 'e']) else { return false };
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    let (whole, rest) = number.split_once(['.', ',']).unwrap_or((number, "0"));
    // Without its sign it may be part of a name, unless it has a fraction.
    let power = power.strip_prefix('+').or_else(|| number.contains(['.', ',']).then_some(power));
    whole.len() == 1 && digits(whole) && digits(rest) && power.is_some_and(digits)
}

/// `1e11`, where only digits can be meant.
fn is_exponent(text: &str) -> bool {
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    text.split_once(['E', 'e']).is_some_and(|(number, power)| digits(number) && digits(power))
}

/// The text that a spreadsheet was told to keep as text: behind `'`, or as `="…"`; or in quotes that are none of CSV.
fn of_spreadsheet(text: &str) -> Option<&str> {
    let formula = text.strip_prefix("=\"").and_then(|rest| rest.strip_suffix('"'));
    let quoted = text.strip_prefix('\'').map(|rest| rest.strip_suffix('\'').unwrap_or(rest));
    formula.or(quoted).filter(|inside| !inside.is_empty() && !inside.contains(['"', '\'']))
}

fn spreadsheet_text(raw: &Raw<'_>, inside: &str) -> Diagnostic {
    let title = format!("`{}` has the marks of a spreadsheet around its value", raw.text);
    let mut found = Diagnostic::new(Code::BadEntry, raw.value, title)
        .label("would be compared with these marks")
        .help("leave them out: a CSV file needs quotes only around commas, `\"…\"`");
    if !inside.contains(',') {
        found.fix = Some(Fix { span: raw.value, replacement: inside.to_owned() });
    }
    found
}

fn scientific(raw: &Raw<'_>) -> Diagnostic {
    let title = format!("`{}` is a number in scientific notation", raw.text);
    Diagnostic::new(Code::BadEntry, raw.value, title)
        .label("a spreadsheet has rewritten the value")
        .help("its last digits are lost: format the column as text, enter the value again and save the file")
}

fn pattern(raw: &Raw<'_>) -> Result<EntryValue, Box<Diagnostic>> {
    Pattern::parse(&raw.text).map(EntryValue::Pattern).map_err(|_| {
        let found = Diagnostic::new(Code::BadPattern, raw.value, "invalid escape in a pattern")
            .label("only `\\*`, `\\?` and `\\\\` are valid escapes in a pattern")
            .help("write a backslash in a pattern as `\\\\`, which a `\"…\"` string doubles again");
        Box::new(found)
    })
}

fn network_problem(problem: &NotANetwork, raw: &Raw<'_>) -> Diagnostic {
    let mut found = problem.at(Code::BadEntry, &raw.text, raw.value);
    // A cell of a CSV file has no quotes of its own.
    if raw.csv {
        found.fix = None;
    }
    found
}

fn number(raw: &Raw<'_>) -> Option<Value> {
    raw.text.parse().ok().map(Value::Int)
}

fn decimal(raw: &Raw<'_>) -> Option<Value> {
    // Rust reads `inf` and `NaN` as numbers; the language has no such literal.
    raw.text.parse().ok().filter(|number: &f64| number.is_finite()).map(Value::Float)
}

/// A day, or an instant as in a condition.
fn time(raw: &Raw<'_>, field: &FieldDef) -> Result<Value, Box<Diagnostic>> {
    if !matches!(raw.other, None | Some(LiteralKind::Date(_))) {
        return Err(misfit(raw, field));
    }
    // A date alone: a time without an offset would be read as midnight.
    let is_day = raw.text.len() == "2026-11-24".len();
    let day = is_day.then(|| raw.text.parse::<Date>().ok().and_then(values::midnight)).flatten();
    let instant = day.map_or_else(|| values::instant(&raw.text, raw.value), Ok);
    instant.map(Value::Time)
}

fn misfit(raw: &Raw<'_>, field: &FieldDef) -> Box<Diagnostic> {
    let title = format!("`{}` is not {}", raw.text, values::words(field.ty));
    let found = Diagnostic::new(Code::BadEntry, raw.value, title)
        .label(format!("the list is declared for `{}`", field.name))
        .help(values::example(field.ty));
    Box::new(found)
}

fn expired(entry: &Entry, as_of: Date) -> Diagnostic {
    let until = entry.until.map(|until| until.to_string()).unwrap_or_default();
    Diagnostic::new(Code::ExpiredEntry, entry.span, format!("`{}` was valid until {until}", entry.text))
        .label("left out of the query: no longer exempt")
        .help(format!("renew it with a later `until`, or remove it (evaluated as of {as_of})"))
}
