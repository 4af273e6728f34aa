//! What the source files state for KQL: tables, and columns as expressions of KQL.
//!
//! In: the entries of a mapping, the options of a column. Out: [`Mapping`], [`Column`], or errors at what cannot be
//! used. Must not know: rules, steps, predicates.

use super::check::{Check, atom, one_of};
use super::literal::{self, Frag};
use super::stated;
use super::table::{self, Table};
use crate::backend::print::phrase;
use crate::backend::schema::cases::Case;
use crate::backend::schema::{ColumnReader, MappingReader, Place};
use crate::backend::truth::Truth;
use crate::catalog::{self, Part, Stored};
use crate::ir::{Type, Value};

/// Where the records of a source are.
#[derive(Debug)]
pub(in crate::backend) struct Mapping {
    /// The table.
    pub(super) table: Frag,
    /// What is true for the source's records, where the table holds others too.
    pub(super) filter: Option<Frag>,
    /// When the event was.
    pub(super) time: Frag,
    /// The repeated groups.
    pub(super) groups: Vec<Group>,
}

/// The arrays of a repeated group.
#[derive(Debug)]
pub(super) struct Group {
    /// The items.
    pub(super) items: Frag,
    /// The inner items of an item.
    pub(super) inner: Option<Frag>,
}

/// One way to read a field.
#[derive(Debug)]
pub(in crate::backend) struct Column {
    /// The value, as one of the field's type.
    pub(super) value: Frag,
    /// Whether that is just a column of the table.
    pub(super) plain: bool,
    /// Whether it has the type in which the table or the file has it, which for numbers can be any.
    pub(super) as_stored: bool,
    /// The name of the table's column that it reads, if it reads one.
    pub(super) name: Option<String>,
    /// How deep into a repeated group it looks.
    pub(super) reach: Reach,
    /// The number of that group.
    pub(super) group: usize,
    /// Its values, if it has only these, each with its condition; the first that holds counts.
    pub(super) cases: Vec<Case<When>>,
    /// The number of the table of which `value` is the text, if it is one.
    pub(super) number: Option<Frag>,
    /// Of a field that can have several values the path from an item of the array, which `value` is, to one of them;
    /// empty where the item is the value.
    pub(super) each: Option<String>,
}

/// When a column has a value.
#[derive(Debug)]
pub(super) struct When {
    /// Over texts that the table stores, so it is never null.
    pub(super) check: Check,
    /// Whether a text has to be parsed for it.
    pub(super) is_parsed: bool,
}

impl Column {
    /// Whether its value can be this text.
    pub(super) fn can_be(&self, text: &str) -> bool {
        let of_cases = self.cases.is_empty() || self.cases.iter().any(|case| case.value == text);
        of_cases && (self.number.is_none() || whole_number(text).is_some())
    }
}

/// How deep into the repeated group an expression looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Reach {
    /// Not at all.
    Event,
    /// Into an item.
    Item,
    /// Into the inner item of an item.
    Inner,
}

/// The column into which a step expands the items of a group.
pub(super) fn item(group: usize) -> Frag {
    numbered("_item", group)
}

/// The column into which a step expands the inner items of an item.
pub(super) fn inner(group: usize) -> Frag {
    numbered("_inner", group)
}

fn numbered(name: &'static str, group: usize) -> Frag {
    let number = group + 1;
    literal::name(&if group == 0 { phrase!("{name}") } else { phrase!("{name}_{number}") })
}

/// Reads a mapping.
pub(super) fn mapping(reader: &mut MappingReader<'_>) -> Option<Mapping> {
    let (homes, filter, time) = (reader.homes(), reader.filter(), reader.time());
    reader.heeds_lag();
    // What fills the table: for those who write a rule of the SIEM around the query.
    reader.word("connector");
    let table = homes.and_then(|homes| tables(reader, homes));
    let mut expression =
        |entry: &str, text| reader.expression(entry, text, &literal::EXPRESSION).map(literal::expression);
    let whole_filter = filter.and_then(|text| Some((text, expression("filter", text)?)));
    // Once quotes and brackets are known to be balanced.
    let filter = whole_filter.map(|(text, filter)| {
        stated::filter(text).unwrap_or_else(|problem| reader.invalid("filter", &problem));
        filter
    });
    let time = reader.required("time", time.unwrap_or_default());
    let time = time.and_then(|text| reader.expression("time", text, &literal::EXPRESSION));
    let groups = (0..).zip(reader.groups()).map(|(number, group)| read_group(reader, number, group));
    let groups = groups.collect::<Vec<_>>().into_iter().collect::<Option<_>>();
    Some(Mapping { table: table?, filter, time: literal::expression(time?), groups: groups? })
}

/// Where the records are: one table, or the union of several.
fn tables(reader: &mut MappingReader<'_>, homes: &[String]) -> Option<Frag> {
    let mut table = |text: &String| {
        let table = match table::of(text) {
            Table::Name => literal::name(text),
            Table::Expression(notation) => {
                // The reader keeps what it is given, so an owned text is checked by itself.
                crate::backend::stated::whole(text, notation)
                    .map_err(|problem| reader.invalid("from", &problem))
                    .ok()?;
                literal::tables(text)
            }
        };
        stated::from(text).unwrap_or_else(|problem| reader.invalid("from", &problem));
        Some(table)
    };
    let tables: Vec<_> = homes.iter().map(&mut table).collect();
    let mut tables: Vec<_> = tables.into_iter().collect::<Option<_>>()?;
    if tables.len() < 2 {
        return tables.pop();
    }
    let names = literal::list(&tables);
    Some(literal::tables(&phrase!("union {}", names.text())))
}

fn read_group(reader: &mut MappingReader<'_>, number: usize, group: &catalog::Group) -> Option<Group> {
    let (entry, text) = reader.group_word(group);
    let text = reader.required(&entry, text.unwrap_or_default())?;
    let items = reader.expression(&entry, text, &literal::EXPRESSION).map(literal::expression)?;
    let inner = group.inner.as_deref().map(|path| literal::path(&item(number), path));
    Some(Group { items, inner })
}

/// Reads a column.
pub(super) fn column(reader: &mut ColumnReader<'_>) -> Option<Column> {
    let place = reader.place()?;
    if reader.def.many { array(reader, &place) } else { single(reader, place) }
}

/// The column of a field with one value.
fn single<'a>(reader: &mut ColumnReader<'a>, place: Place<'a>) -> Option<Column> {
    let (ty, stored) = (reader.def.ty, reader.stored);
    let as_stored = stored.is_none();
    Some(match place {
        Place::Field(name) => {
            let column = literal::name(name);
            let is_number = ty == Type::String && stored == Some(Stored::Number);
            Column {
                plain: as_stored,
                as_stored,
                name: Some(name.to_owned()),
                number: is_number.then(|| column.clone()),
                ..computed(converted(column, ty, stored), Reach::Event, 0, None)
            }
        }
        Place::Expr(text, needs) => {
            if !needs.is_empty() {
                reader.invalid("needs", WITHOUT);
            }
            let text = reader.expression(text, &literal::EXPRESSION)?;
            let value = converted(literal::expression(text), ty, stored);
            Column { as_stored, ..computed(value, Reach::Event, 0, None) }
        }
        Place::Path(path) => {
            let (parsed, rest) = parsed(path);
            inside(reader, (&parsed, rest), Reach::Event, 0)?
        }
        Place::Item(path) => match path.strip_prefix('>') {
            Some(_) if reader.inner_group().is_none() => {
                reader.invalid("item", "the group has no inner items");
                return None;
            }
            _ => {
                let (base, rest, reach, group) = in_item(reader, path)?;
                inside(reader, (&base, rest), reach, group)?
            }
        },
        Place::Cases(stated) => of_cases(reader, &stated)?,
    })
}

const WITHOUT: &str = "the `expr` of a KQL column names columns, not `needs`";

/// The column that a dotted path begins with, taken apart, and the rest of the path.
fn parsed(path: &str) -> (Frag, &str) {
    let end = path.find(['.', '[']).unwrap_or(path.len());
    let (column, rest) = path.split_at(end);
    let rest = rest.strip_prefix('.').unwrap_or(rest);
    // It takes strings and dynamic values alike: Microsoft's table reference has `ResponseElements` as a string, the
    // schemas of Azure-Sentinel's own tests have it as dynamic.
    (literal::call("parse_json", [&literal::name(column)]), rest)
}

/// The column of an item or inner item that a path begins in, the rest of the path, and which item it is.
fn in_item<'p>(reader: &ColumnReader<'_>, path: &'p str) -> Option<(Frag, &'p str, Reach, usize)> {
    let (group, _) = reader.group()?;
    Some(match path.strip_prefix('>') {
        Some(rest) => (inner(group), rest, Reach::Inner, group),
        None => (item(group), path, Reach::Item, group),
    })
}

/// The column of a field that can have several values: an array, and where a value lies in an item of it. Taken apart
/// even where the column is dynamic, for a table may have it as a text.
fn array<'a>(reader: &mut ColumnReader<'a>, place: &Place<'a>) -> Option<Column> {
    if reader.stored.is_some() {
        reader.invalid("stored", "the values of a list have the types that they have");
    }
    let (option, base, path, reach, group) = match *place {
        Place::Field(name) => {
            let list = literal::call("parse_json", [&literal::name(name)]);
            return Some(computed(list, Reach::Event, 0, Some(String::new())));
        }
        Place::Expr(text, needs) => {
            if !needs.is_empty() {
                reader.invalid("needs", WITHOUT);
            }
            let text = reader.expression(text, &literal::EXPRESSION)?;
            return Some(computed(literal::expression(text), Reach::Event, 0, Some(String::new())));
        }
        Place::Path(path) => {
            let (parsed, rest) = parsed(path);
            ("path", parsed, rest, Reach::Event, 0)
        }
        Place::Item(path) => {
            let (base, rest, reach, group) = in_item(reader, path)?;
            ("item", base, rest, reach, group)
        }
        Place::Cases(_) => {
            reader.invalid("cases", "a field with several values has no cases");
            return None;
        }
    };
    let (list, each) = path.split_once("[]").unwrap_or((path, ""));
    let each = each.strip_prefix('.').unwrap_or(each);
    let is_chosen = |part: &Part| matches!(part, Part::Where { .. } | Part::Each);
    if [list, each].iter().any(|path| catalog::path(path).is_ok_and(|parts| parts.iter().any(is_chosen))) {
        reader.invalid(
            option,
            "KQL takes the items of one list: write an `expr` that gives an array of the values",
        );
        return None;
    }
    Some(computed(literal::path(&base, list), reach, group, Some(each.to_owned())))
}

/// A column of a few values, each with the stored texts by which one knows it: a test for one of them needs no column
/// that is calculated first.
fn of_cases(reader: &mut ColumnReader<'_>, stated: &[catalog::Case]) -> Option<Column> {
    let (ty, stored) = (reader.def.ty, reader.stored);
    let mut arguments = Vec::new();
    let read = Case::read(stated, |catalog::Case { value, when }| {
        let printed = constant(value, ty)?;
        let is_parsed = when.keys().any(|path| path.contains(['.', '[']));
        let held = |(path, text): (&String, &Option<String>)| match (stored, text) {
            (Some(Stored::Number), _) => number(&literal::name(path), text.as_deref()),
            _ => Some(stored_text(path, text.as_deref())),
        };
        let check = Truth::all(when.iter().map(held).collect::<Option<Vec<_>>>()?);
        if check != Truth::Always(true) {
            arguments.push(check.clone().print(false, false).text());
        }
        arguments.push(printed);
        Some(When { check, is_parsed })
    });
    let Some(cases) = read else {
        let problem =
            "a KQL column has cases for texts, and for `true` and `false`; stored numbers are whole ones";
        reader.invalid("cases", problem);
        return None;
    };
    if arguments.len().is_multiple_of(2) {
        arguments.push(if ty == Type::Bool {
            literal::call("bool", [&literal::null()])
        } else {
            literal::string("")
        });
    }
    let value = literal::call(if arguments.len() == 3 { "iff" } else { "case" }, &arguments);
    Some(Column { cases, ..computed(value, Reach::Event, 0, None) })
}

fn constant(value: &str, ty: Type) -> Option<Frag> {
    match (ty, value) {
        (Type::String, _) => Some(literal::string(value)),
        (Type::Bool, "true" | "false") => Some(literal::truth(value == "true")),
        (Type::Bool, "") => Some(literal::call("bool", [&literal::null()])),
        (Type::Bool | Type::Int | Type::Float | Type::Time | Type::Ip, _) => None,
    }
}

/// Whether a column of numbers has the number of a text; without one, whether it has none.
fn number(column: &Frag, text: Option<&str>) -> Option<Check> {
    Some(match text {
        Some(text) => one_of(column, &[whole_number(text)?]),
        None => atom(literal::call("isnull", [column]), literal::call("isnotnull", [column])),
    })
}

/// The number that has a text.
pub(super) fn whole_number(text: &str) -> Option<Frag> {
    let number = text.parse::<i64>().ok().filter(|number| number.to_string() == text)?;
    Some(literal::value(&Value::Int(number)))
}

/// Whether a column, or what lies at a path inside one, has the text; without one, whether it has none.
fn stored_text(path: &str, text: Option<&str>) -> Check {
    let (parsed, rest) = parsed(path);
    let stored = if rest.is_empty() {
        literal::name(path)
    } else {
        literal::call("tostring", [&literal::path(&parsed, rest)])
    };
    match text {
        Some(text) => one_of(&stored, &[literal::string(text)]),
        None => atom(literal::call("isempty", [&stored]), literal::call("isnotempty", [&stored])),
    }
}

/// A value inside a dynamic one.
fn inside(
    reader: &mut ColumnReader<'_>,
    (base, path): (&Frag, &str),
    reach: Reach,
    group: usize,
) -> Option<Column> {
    let parts = catalog::path(path).unwrap_or_default();
    if parts.iter().any(|part| matches!(part, Part::Where { .. } | Part::Each)) {
        reader.invalid(
            "path",
            "KQL takes keys and numbered items: write an `expr`, or make the list a `group`",
        );
        return None;
    }
    // Kusto neither joins nor groups by dynamic values (KS241 and KS116 of its analyser), so no value leaves a step as
    // one.
    let value = cast(&literal::path(base, path), reader.def.ty);
    Some(computed(value, reach, group, None))
}

/// A value that the table does not hold as it is.
fn computed(value: Frag, reach: Reach, group: usize, each: Option<String>) -> Column {
    Column {
        value,
        plain: false,
        as_stored: false,
        name: None,
        reach,
        group,
        cases: Vec::new(),
        number: None,
        each,
    }
}

/// A dynamic value as one of the field's type; null or empty where it is none.
pub(super) fn cast(value: &Frag, ty: Type) -> Frag {
    literal::call(caster(ty), [value])
}

fn caster(ty: Type) -> &'static str {
    match ty {
        Type::String | Type::Ip => "tostring",
        Type::Int => "tolong",
        Type::Float => "todouble",
        Type::Bool => "tobool",
        Type::Time => "todatetime",
    }
}

/// A column as a value of the field's type, where it is stored as another.
fn converted(column: Frag, ty: Type, stored: Option<Stored>) -> Frag {
    let is_same = match stored {
        None => true,
        Some(Stored::String) => matches!(ty, Type::String | Type::Ip),
        Some(Stored::Number) => matches!(ty, Type::Int | Type::Float),
        Some(Stored::Bool) => ty == Type::Bool,
        Some(Stored::Time) => ty == Type::Time,
    };
    if is_same {
        column
    } else if stored == Some(Stored::Number) && ty == Type::Time {
        literal::call("unixtime_seconds_todatetime", [&column])
    } else {
        cast(&column, ty)
    }
}
