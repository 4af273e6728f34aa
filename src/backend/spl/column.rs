//! What the source files state for SPL: base searches, and columns as fields, paths of `spath` or expressions.
//!
//! In: the entries of a mapping, the options of a column. Out: [`Mapping`], [`Column`], or errors at what cannot be
//! used. Must not know: rules, steps, predicates.

use super::filter;
use super::literal::{self, Frag, Refusal, spl};
use crate::backend::schema::{ColumnReader, MappingReader, Place};
use crate::catalog::Stored;
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
    /// The repeated group.
    pub(super) group: Option<Group>,
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
}

/// Where a value is.
#[derive(Debug)]
pub(super) enum Read {
    /// A field that Splunk extracts by itself.
    Field(Frag),
    /// A path from the event, an item or an inner item.
    Path(Stage, Frag),
    /// An expression over fields of the event.
    Expression(Frag),
}

impl Read {
    /// When it can be read.
    pub(super) fn stage(&self) -> Stage {
        match self {
            Self::Field(_) | Self::Expression(_) => Stage::Event,
            Self::Path(stage, _) => *stage,
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
    let (from, filter, time) = (reader.from(), reader.filter(), reader.time());
    // What the macro in `from` stands for where nobody has defined it: for those who write an app around the query.
    reader.word("macro");
    let from = from.filter(|text| match filter::base(text) {
        Ok(()) => true,
        Err(problem) => {
            reader.invalid("from", &problem);
            false
        }
    });
    let mut expression =
        |entry: &str, text, notation| reader.expression(entry, text, notation).map(literal::stated);
    let from = from.and_then(|text| expression("from", text, &literal::SEARCH));
    let time = time.filter(|text| *text != "_time");
    let time = time.and_then(|text| expression("time", text, &literal::EXPRESSION));
    let filter = filter.and_then(|text| match filter::check(text) {
        Ok(()) => Some(literal::stated(text.trim())),
        Err(problem) => {
            reader.invalid("filter", &problem);
            None
        }
    });
    let items = |path: &str| literal::option(&format!("{path}{{}}"));
    let group = reader.group().map(|group| {
        Ok(Group { items: items(&group.path)?, inner: group.inner.as_deref().map(items).transpose()? })
    });
    let group = group.transpose().map_err(|reason: Refusal| reader.invalid("group", reason));
    Some(Mapping { from: from?, filter, time, group: group.ok()? })
}

/// Reads a column.
pub(super) fn column(reader: &mut ColumnReader<'_>) -> Option<Column> {
    let (mut needs, mut searched, mut key) = (Vec::new(), None, None);
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
            ("path", at(Stage::Event, path))
        }
        Place::Item(path) => {
            key = last_key(path);
            let read = match path.strip_prefix('>') {
                Some(_) if reader.inner_group().is_none() => Err("the group has no inner items"),
                Some(path) => at(Stage::Inner, path),
                None => at(Stage::Item, path),
            };
            ("item", read)
        }
        Place::Expr(text, named) => {
            let text = literal::stated(reader.expression(text, &literal::EXPRESSION)?);
            let command = |(name, path): (&String, &String)| {
                Ok(spath(&literal::option(name)?, &literal::option(path)?))
            };
            let commands = named.iter().map(command).collect::<Result<_, Refusal>>();
            ("needs", commands.map(|commands| needs = commands).map(|()| Read::Expression(text)))
        }
        Place::Cases(_) => ("cases", Err("an SPL column takes an `expr`, not `cases`")),
    };
    let read = read.map_err(|reason| reader.invalid(option, reason)).ok()?;
    Some(Column { needs, read, stored, listed, searched, key })
}

fn last_key(path: &str) -> Option<Frag> {
    literal::word(path.rsplit(['.', '>']).next().unwrap_or(path))
}

fn at(stage: Stage, path: &str) -> Result<Read, Refusal> {
    Ok(Read::Path(stage, literal::option(path)?))
}

/// The command that reads a path of the raw event.
pub(super) fn spath(name: &Frag, path: &Frag) -> Frag {
    spl!("spath output={name} path={path}", name, path)
}
