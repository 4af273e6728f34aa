//! What the source files state for SPL: base searches, and columns as fields, paths of `spath` or expressions.
//!
//! In: the entries of a mapping, the options of a column. Out: [`Mapping`], [`Column`], or errors at what cannot be
//! used. Must not know: rules, steps, predicates.

use super::check::all;
use super::filter;
use super::literal::{self, Frag, Refusal, spl};
use crate::backend::schema::{ColumnReader, MappingReader, Place};
use crate::backend::stated;
use crate::catalog::{self, Part, Stored};
use crate::ir::Type;

/// Where the records of a source are.
#[derive(Debug)]
pub(in crate::backend) struct Mapping {
    /// The base search.
    pub(super) from: Frag,
    /// What is true for the source's records, where the base search finds others too.
    pub(super) filter: Option<Frag>,
    /// When the event was, where `_time` does not say so.
    pub(super) time: Option<Frag>,
    /// The repeated groups.
    pub(super) groups: Vec<Group>,
}

/// The arrays of a repeated group, as paths of `spath`.
#[derive(Debug)]
pub(super) struct Group {
    /// From the event to the items.
    pub(super) items: Frag,
    /// From an item to the inner items.
    pub(super) inner: Option<Frag>,
}

impl Group {
    /// Where its innermost items are.
    pub(super) fn depth(&self) -> Stage {
        if self.inner.is_some() { Stage::Inner } else { Stage::Item }
    }
}

/// One way to read a field.
#[derive(Debug)]
pub(in crate::backend) struct Column {
    /// Commands that make what an expression names.
    pub(super) needs: Vec<Frag>,
    /// The value, which may be of another type, or empty.
    pub(super) read: Read,
    /// How the value is stored, where that is not the field's type.
    pub(super) stored: Option<Stored>,
    /// Whether the field has a closed list of values.
    pub(super) listed: bool,
    /// The name by which a base search finds a value that Splunk extracts by itself.
    pub(super) searched: Option<Frag>,
    /// A term that the raw event holds wherever a path leads to a value: the last key of the path.
    pub(super) key: Option<Frag>,
    /// What it translates, if it translates what one field or path holds.
    pub(super) mapped: Option<Mapped>,
}

/// What a column translates.
#[derive(Debug)]
pub(super) struct Mapped {
    /// Where the texts are that it translates.
    pub(super) place: StoredIn,
    /// Its values, each with the text for it; without one it has the value for other reasons.
    pub(super) values: Vec<(String, Option<String>)>,
}

/// How a base search finds what is stored.
#[derive(Debug)]
pub(super) enum StoredIn {
    /// As a value of a field that Splunk extracts by itself.
    Field(Frag),
    /// As words of the raw event, behind this key.
    Key(Frag),
}

/// Where a value is.
#[derive(Debug)]
pub(super) enum Read {
    /// A field that Splunk extracts by itself.
    Field(Frag),
    /// A path from the event, or from an item or inner item of the group of a number.
    Path(Stage, usize, Frag),
    /// An expression over fields of the event.
    Expression(Frag),
}

impl Read {
    /// When it can be read.
    pub(super) fn stage(&self) -> Stage {
        match self {
            Self::Field(_) | Self::Expression(_) => Stage::Event,
            Self::Path(stage, ..) => *stage,
        }
    }
}

/// When a value can be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Stage {
    /// While the raw event is there.
    Event,
    /// After the group has been expanded.
    Item,
    /// After the group inside the item has been expanded.
    Inner,
}

/// Reads a mapping.
pub(super) fn mapping(reader: &mut MappingReader<'_>) -> Option<Mapping> {
    let (homes, filter, time) = (reader.homes(), reader.filter(), reader.time());
    // What the macro in `from` stands for where nobody has defined it: for those who write an app around the query.
    reader.word("macro");
    let from = homes.and_then(|homes| searches(reader, homes));
    let mut expression =
        |entry: &str, text, notation| reader.expression(entry, text, notation).map(literal::stated);
    let time = time.filter(|text| *text != "_time");
    let time = time.and_then(|text| expression("time", text, &literal::EXPRESSION));
    let filter = filter.and_then(|text| match filter::check(text) {
        Ok(()) => Some(literal::stated(text.trim())),
        Err(problem) => {
            reader.invalid("filter", &problem);
            None
        }
    });
    let groups: Vec<_> = reader.groups().iter().map(|group| read_group(reader, group)).collect();
    let groups: Option<_> = groups.into_iter().collect();
    Some(Mapping { from: from?, filter, time, groups: groups? })
}

/// The base search: one, or what any of several finds.
fn searches(reader: &mut MappingReader<'_>, homes: &[String]) -> Option<Frag> {
    for text in homes {
        let checked = filter::base(text).and_then(|()| stated::whole(text, &literal::SEARCH));
        checked.map_err(|problem| reader.invalid("from", &problem)).ok()?;
    }
    Some(match homes {
        [only] => literal::stated(only),
        several => {
            let each: Vec<_> = several.iter().map(|home| format!("({home})")).collect();
            literal::stated(&format!("({})", each.join(" OR ")))
        }
    })
}

/// A group, at its path in the raw event unless Splunk has it elsewhere.
fn read_group(reader: &mut MappingReader<'_>, group: &catalog::Group) -> Option<Group> {
    let (entry, elsewhere) = reader.group_word(group);
    let items = |path: &str| literal::option(&format!("{}{{}}", spath_path(path)?));
    let inner = group.inner.as_deref().map(items).transpose();
    let read = inner.and_then(|inner| Ok(Group { items: items(elsewhere.unwrap_or(&group.path))?, inner }));
    let entry = if elsewhere.is_some() { entry.as_str() } else { "group" };
    read.map_err(|reason| reader.invalid(entry, reason)).ok()
}

/// A path as `spath` writes it: items in braces.
fn spath_path(path: &str) -> Result<String, Refusal> {
    let mut text = String::new();
    // What cannot be read as one the catalog has reported.
    for part in catalog::path(path).unwrap_or_default() {
        match part {
            Part::Key(key) if key.contains(['.', '{', '}']) => {
                return Err("`spath` has no notation for a key with a dot or a brace: write an `expr`");
            }
            Part::Key(key) => {
                if !text.is_empty() {
                    text.push('.');
                }
                text.push_str(&key);
            }
            Part::Item(number) => text.extend(["{", &number.to_string(), "}"]),
            Part::Each => text.push_str("{}"),
            Part::Where { .. } => {
                return Err("`spath` cannot choose an item by its content: make the list a `group`");
            }
        }
    }
    Ok(text)
}

/// Whether a column can hold as many values as the field; an error otherwise.
fn has_all_values(reader: &mut ColumnReader<'_>) -> bool {
    let (option, problem) = match (reader.place(), reader.def.many) {
        (Some(Place::Cases(_)), true) => ("cases", "a field with several values has no cases"),
        (Some(Place::Path(path) | Place::Item(path)), true) if !takes_every_item(path) => {
            ("path", "it leads to one value: end the list with `[]`, as in `raw`")
        }
        (Some(Place::Path(path) | Place::Item(path)), false) if takes_every_item(path) => {
            ("path", "it takes every item of a list, and the field has one value: choose an item, `[0]`")
        }
        _ => return true,
    };
    let option = if matches!(reader.place(), Some(Place::Item(_))) { "item" } else { option };
    reader.invalid(option, problem);
    false
}

fn takes_every_item(path: &str) -> bool {
    let parts = catalog::path(path.strip_prefix('>').unwrap_or(path));
    parts.is_ok_and(|parts| parts.contains(&Part::Each))
}

/// Reads a column.
pub(super) fn column(reader: &mut ColumnReader<'_>) -> Option<Column> {
    if !has_all_values(reader) {
        return None;
    }
    let (mut needs, mut searched, mut key, mut mapped) = (Vec::new(), None, None, None);
    let (stored, listed) = (reader.stored, !reader.def.values.is_empty());
    let (option, read) = match reader.place()? {
        Place::Field(name) => {
            // A truth or an instant has several spellings, of which the log may hold another one.
            let plain = matches!(reader.def.ty, Type::String | Type::Int | Type::Float | Type::Ip);
            if plain && stored.is_none() {
                searched = literal::searched(name);
            }
            ("field", literal::name(name).map(Read::Field))
        }
        Place::Path(path) => {
            key = last_key(path);
            ("path", at(Stage::Event, 0, path))
        }
        Place::Item(path) => {
            key = last_key(path);
            let (group, _) = reader.group()?;
            let read = match path.strip_prefix('>') {
                Some(_) if reader.inner_group().is_none() => Err("the group has no inner items"),
                Some(path) => at(Stage::Inner, group, path),
                None => at(Stage::Item, group, path),
            };
            ("item", read)
        }
        Place::Expr(text, named) => {
            let text = literal::stated(reader.expression(text, &literal::EXPRESSION)?);
            let command = |(name, path): (&String, &String)| {
                Ok(spath(&literal::option(name)?, &literal::option(&spath_path(path)?)?))
            };
            let commands = named.iter().map(command).collect::<Result<_, Refusal>>();
            ("needs", commands.map(|commands| needs = commands).map(|()| Read::Expression(text)))
        }
        Place::Cases(cases) => {
            mapped = translated(&cases, reader.mapped_path());
            let stored = reader.mapped_path().map(|path| (literal::stored(&reader.def.name), path));
            let read =
                stored.as_ref().map(|(name, path)| Ok(spath(name, &literal::option(&spath_path(path)?)?)));
            let command: Result<_, Refusal> = read.transpose();
            let name = stored.map(|(name, _)| name);
            let expression = command.and_then(|command| {
                needs.extend(command);
                of_cases(&cases, name.as_ref())
            });
            ("cases", expression.map(Read::Expression))
        }
    };
    let read = read.map_err(|reason| reader.invalid(option, reason)).ok()?;
    Some(Column { needs, read, stored, listed, searched, key, mapped })
}

/// What cases translate, if all look at one field, or at the `path`.
fn translated(cases: &[catalog::Case], path: Option<&str>) -> Option<Mapped> {
    let mut fields = cases.iter().flat_map(|case| case.when.keys());
    let field = fields.next()?;
    fields.all(|other| other == field).then_some(())?;
    let place = match path {
        Some(path) => StoredIn::Key(last_key(path)?),
        None => StoredIn::Field(literal::searched(field)?),
    };
    let value = |case: &catalog::Case| (case.value.clone(), case.when.get(field).cloned().flatten());
    Some(Mapped { place, values: cases.iter().map(value).collect() })
}

/// The last key of a path, unless it leads to one item of a list.
fn last_key(path: &str) -> Option<Frag> {
    let parts = catalog::path(path.strip_prefix('>').unwrap_or(path)).ok()?;
    let leads_on = |part: &Part| matches!(part, Part::Key(_) | Part::Each);
    let mut keys = parts.iter().filter_map(|part| if let Part::Key(key) = part { Some(key) } else { None });
    parts.iter().all(leads_on).then(|| literal::word(keys.next_back()?))?
}

fn at(stage: Stage, group: usize, path: &str) -> Result<Read, Refusal> {
    Ok(Read::Path(stage, group, literal::option(&spath_path(path)?)?))
}

/// The columns into which a branch expands the items and the inner items of a group.
pub(super) fn item(group: usize) -> Frag {
    literal::expanded("item", group)
}

pub(super) fn inner(group: usize) -> Frag {
    literal::expanded("inner", group)
}

/// The value that the first case gives which holds: a field is compared as the text that Splunk extracts, or as what
/// stands in the column `stored`.
fn of_cases(cases: &[catalog::Case], stored: Option<&Frag>) -> Result<Frag, Refusal> {
    let mut arguments = Vec::new();
    for catalog::Case { value, when } in cases {
        let mut tests = Vec::new();
        for (field, text) in when {
            let field = stored.map_or_else(|| literal::name(field), |stored| Ok(stored.clone()))?;
            tests.push(match text {
                Some(text) => literal::compare(&field, "=", &literal::text(text)?),
                None => spl!("(isnull({field}) OR {field}=\"\")", field),
            });
        }
        arguments.push(if tests.is_empty() { spl!("true()") } else { all(tests) });
        // An empty value is none.
        arguments.push(if value.is_empty() { spl!("null()") } else { literal::text(value)? });
    }
    Ok(literal::call("case", &arguments))
}

/// The command that reads a path of the raw event.
pub(super) fn spath(name: &Frag, path: &Frag) -> Frag {
    spl!("spath output={name} path={path}", name, path)
}
