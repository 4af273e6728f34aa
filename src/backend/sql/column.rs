//! What a lake has of a source: its table, and for each way in which the log has a field the columns that hold it.
//!
//! In: the entries of a mapping, the ways to read a field from a raw event. Out: [`Mapping`], [`Column`], or why the
//! table has no such value. Must not know: rules, dialects, query text.
//!
//! Tables hold events as they were logged: in columns that `stored` names by raw path, or, where a source says nothing,
//! whole, as one JSON text for each event. So the meaning of a field, its variants, values and placeholders, is what
//! the embedded engine reads: `raw` of the source file.

use std::collections::BTreeMap;

use crate::backend::schema::MappingReader;
use crate::catalog::{self, FieldDef, Part, RawVariant, Source};
use crate::ir::Type;

/// Where the records of a source are.
#[derive(Debug)]
pub(in crate::backend) struct Mapping {
    /// The tables that hold them, each some of them.
    pub(super) tables: Vec<String>,
    /// What the table must be, where that is not stated.
    pub(super) requires: Option<String>,
    /// The columns by raw path.
    pub(super) layout: Layout,
    /// Whether every row has the id of its event.
    pub(super) always_has_id: bool,
    /// Values, and the texts of which each must be one: other events of the table are not of the source.
    pub(super) only: Vec<(Column, Vec<String>)>,
    /// The repeated groups.
    pub(super) groups: Vec<Group>,
}

/// A repeated group.
#[derive(Debug)]
pub(super) struct Group {
    /// The word in the names of its columns.
    pub(super) name: String,
    /// Where its items are; why the table does not have them, if it does not.
    pub(super) items: Result<Spot, String>,
    /// Where the inner items of an item are.
    pub(super) inner: Option<Vec<Key>>,
}

/// One way to read a field.
#[derive(Debug)]
pub(in crate::backend) struct Column {
    /// Its type.
    pub(super) ty: Type,
    /// Whether it can have several values: then it is read as the list of them.
    pub(super) many: bool,
    /// Where its value may stand: the first that is there counts.
    pub(super) places: Vec<Place>,
    /// Stored texts that mean "no value" in every field of the source; not among several values.
    pub(super) nothing: Vec<String>,
    /// Further ones that do in this field.
    pub(super) placeholders: Vec<String>,
    /// A portable regular expression whose first capture is the value.
    pub(super) capture: Option<String>,
    /// Stored value to canonical value.
    pub(super) map: BTreeMap<String, String>,
    /// The value where nothing is there.
    pub(super) absent: Option<String>,
    /// The value of what is not in the map.
    pub(super) otherwise: Option<String>,
}

/// A place in a row or an item.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Place {
    /// In the row.
    Row(Spot),
    /// In the item of a group.
    Item(usize, Route),
    /// In the inner item of a group.
    Inner(usize, Route),
}

/// A place in a row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Spot {
    /// The column of the table.
    pub(super) column: String,
    /// What it holds.
    pub(super) holds: Holds,
    /// The path below it.
    pub(super) route: Route,
}

/// A way into a value: keys, and behind them what is taken of a list.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Route {
    /// The steps to a value, or to a list.
    pub(super) keys: Vec<Key>,
    /// Which of its items, and the way into these.
    pub(super) items: Option<(Which, Box<Route>)>,
}

/// Which items of a list are meant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Which {
    /// Every one.
    Each,
    /// The first that has a text at a key, and a value behind it.
    Having(String, String),
}

/// A step of a path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Key {
    /// Into an object.
    Name(String),
    /// Into an array, from 0.
    Item(usize),
}

/// What a column holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Holds {
    /// A text.
    Text,
    /// A number.
    Number,
    /// A struct whose members are named as the raw keys, in lower case, and hold texts, structs or lists of these; or a
    /// list of such.
    Struct,
    /// A JSON text.
    Json,
}

/// The columns of a table by raw path.
#[derive(Debug, Clone, Default)]
pub(super) struct Layout(Vec<(Vec<Part>, String, Holds)>);

impl Layout {
    /// Whether values are read out of JSON.
    pub(super) fn has_json(&self) -> bool {
        self.0.iter().any(|(_, _, holds)| *holds == Holds::Json)
    }
}

/// The column that holds whole events where a source says nothing of its table.
const EVENT: &str = "event";

/// Reads a mapping.
pub(super) fn mapping(reader: &mut MappingReader<'_>) -> Option<Mapping> {
    let source = reader.source();
    let stored = reader.stored();
    let mut layout = Layout::default();
    let mut sound = true;
    for (path, text) in stored {
        match layout_entry(path, text) {
            Ok(entry) => layout.0.push(entry),
            Err(problem) => {
                reader.invalid(&format!("stored: {path}"), &problem);
                sound = false;
            }
        }
    }
    let stated = source.targets.get("sql").is_some_and(|mapping| !mapping.from.0.is_empty());
    let tables = if stated { reader.homes()?.to_vec() } else { vec![source.name.replace('.', "_")] };
    let requires = layout.0.is_empty().then(|| {
        let table = tables.join("`, `");
        format!(
            "a table or view `{table}` whose text column `{EVENT}` holds one raw event of {} as JSON a row",
            source.name
        )
    });
    if layout.0.is_empty() {
        layout.0.push((Vec::new(), EVENT.to_owned(), Holds::Json));
    }
    let only = source.only.iter().map(|(path, texts)| {
        let place =
            layout.spot(path).map(Place::Row).map_err(|problem| reader.invalid("stored", &problem)).ok()?;
        Some((Column::plain(Type::String, place), texts.clone()))
    });
    let only = only.collect::<Vec<_>>().into_iter().collect::<Option<_>>()?;
    let groups = source.group.0.iter().map(|group| Group {
        name: if group.name.is_empty() { "items".to_owned() } else { group.name.clone() },
        items: layout.spot(&group.path).and_then(|spot| match spot.route.items {
            None => Ok(spot),
            Some(_) => Err(format!("`{}` takes items of a list", group.path)),
        }),
        inner: group.inner.as_deref().map(|path| route(path).map(|route| route.keys).unwrap_or_default()),
    });
    let groups = groups.collect();
    let always_has_id = always_has_id(reader)?;
    sound.then_some(Mapping { tables, requires, layout, always_has_id, only, groups })
}

/// What `words` say of the id of an event.
fn always_has_id(reader: &mut MappingReader<'_>) -> Option<bool> {
    match reader.word("event_id") {
        None => Some(false),
        Some("always") => Some(true),
        Some(_) => {
            reader.invalid("words: event_id", "write `always` where every row of the table has one, or nothing");
            None
        }
    }
}

fn layout_entry(path: &str, text: &str) -> Result<(Vec<Part>, String, Holds), String> {
    let parts = catalog::path(path).map_err(|_| "it is no path of keys".to_owned())?;
    let words: Vec<&str> = text.split_whitespace().collect();
    let (holds, column) = match words.as_slice() {
        [column] | ["text", column] => (Holds::Text, *column),
        ["number", column] => (Holds::Number, *column),
        ["struct", column] => (Holds::Struct, *column),
        ["json", column] => (Holds::Json, *column),
        _ => return Err("write the name of a column, or `number`, `struct` or `json` and a name".to_owned()),
    };
    Ok((parts, column.to_owned(), holds))
}

impl Layout {
    /// The columns, each once, in the order of their names.
    pub(super) fn columns(&self) -> Vec<(&str, Holds)> {
        let mut columns: Vec<_> = self.0.iter().map(|(_, column, holds)| (column.as_str(), *holds)).collect();
        columns.sort_unstable_by_key(|(name, _)| *name);
        columns.dedup_by_key(|(name, _)| *name);
        columns
    }

    /// Where the table has what stands at a raw path.
    pub(super) fn spot(&self, path: &str) -> Result<Spot, String> {
        let parts = catalog::path(path).map_err(|_| format!("`{path}` is no path"))?;
        let begins = |entry: &&(Vec<Part>, String, Holds)| parts.starts_with(&entry.0);
        let Some((at, column, holds)) = self.0.iter().filter(begins).max_by_key(|(at, _, _)| at.len()) else {
            return Err(format!("the table has no column for `{path}` of the log"));
        };
        let route = Route::new(parts.get(at.len()..).unwrap_or_default());
        if route != Route::default() && matches!(holds, Holds::Text | Holds::Number) {
            return Err(format!("the column `{column}` holds no more than a text or number"));
        }
        Ok(Spot { column: column.clone(), holds: *holds, route })
    }
}

/// The way below an item.
fn route(path: &str) -> Result<Route, String> {
    catalog::path(path).map(|parts| Route::new(&parts)).map_err(|_| format!("`{path}` is no path"))
}

impl Route {
    fn new(parts: &[Part]) -> Self {
        let mut keys = Vec::new();
        for (number, part) in parts.iter().enumerate() {
            let which = match part {
                Part::Key(key) => {
                    keys.push(Key::Name(key.clone()));
                    continue;
                }
                Part::Item(item) => {
                    keys.push(Key::Item(*item));
                    continue;
                }
                Part::Each => Which::Each,
                Part::Where { key, value } => Which::Having(key.clone(), value.clone()),
            };
            let rest = Self::new(parts.get(number + 1..).unwrap_or_default());
            return Self { keys, items: Some((which, Box::new(rest))) };
        }
        Self { keys, items: None }
    }
}

impl Column {
    /// What stands at a place, as it is.
    fn plain(ty: Type, place: Place) -> Self {
        Self {
            ty,
            many: false,
            places: vec![place],
            nothing: Vec::new(),
            placeholders: Vec::new(),
            capture: None,
            map: BTreeMap::new(),
            absent: None,
            otherwise: None,
        }
    }

    /// The groups whose items it reads.
    pub(super) fn groups(&self) -> impl Iterator<Item = usize> {
        self.places.iter().filter_map(|place| match place {
            Place::Row(_) => None,
            Place::Item(group, _) | Place::Inner(group, _) => Some(*group),
        })
    }
}

/// One way in which the log has a field.
pub(super) fn logged(
    layout: &Layout,
    source: &Source,
    def: &FieldDef,
    raw: &RawVariant,
) -> Result<Column, String> {
    let group = source.group_of(def).filter(|_| !raw.from_event);
    let place = |path: &str| match group {
        None => layout.spot(path).map(Place::Row),
        Some((number, group)) => {
            // Where the table does not have the items it does not have the field.
            layout.spot(&group.path)?;
            match (path.strip_prefix('>'), &group.inner) {
                (Some(path), Some(_)) => Ok(Place::Inner(number, route(path)?)),
                (Some(path), None) => Ok(Place::Item(number, route(path)?)),
                (None, _) => Ok(Place::Item(number, route(path)?)),
            }
        }
    };
    let RawVariant {
        for_actions: _,
        path: _,
        paths: _,
        placeholders,
        from_event: _,
        capture,
        map,
        absent,
        otherwise,
    } = raw;
    Ok(Column {
        ty: def.ty,
        many: def.many,
        places: raw.paths().map(place).collect::<Result<_, _>>()?,
        nothing: source.placeholder.0.clone(),
        placeholders: def.placeholders.iter().chain(placeholders).cloned().collect(),
        capture: capture.clone(),
        map: map.clone(),
        absent: absent.clone(),
        otherwise: otherwise.clone(),
    })
}
