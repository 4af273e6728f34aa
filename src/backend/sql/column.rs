//! What a lake has of a source: its table, and for each way in which the log has a field the columns that hold it.
//!
//! In: the entries of a mapping, the ways to read a field from a raw event. Out: [`Mapping`], [`Column`], or why the
//! table has no such value. Must not know: rules, dialects, query text.
//!
//! Tables hold events as they were logged: in columns that `stored` names by raw path, or, where a source says nothing,
//! whole, as one JSON text for each event. So the meaning of a field, its variants, values and placeholders, is what
//! the embedded engine reads: `raw` of the source file.

use std::collections::BTreeMap;

use super::layout::Layout;
pub(super) use super::place::{Holds, Key, Place, Route, Spot, Which};
use crate::backend::schema::MappingReader;
use crate::catalog::{self, FieldDef, RawTexts, RawVariant, Source};
use crate::ir::Type;

/// Values, and the texts of which each must be one.
pub(super) type Texts = Vec<(Column, Vec<String>)>;

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
    pub(super) only: Texts,
    /// What these rows have, and what those of the source among them have in place of `only`.
    pub(super) only_of: Vec<(Texts, Texts)>,
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

/// The column that holds whole events where a source says nothing of its table.
const EVENT: &str = "event";

/// Reads a mapping.
pub(super) fn mapping(reader: &mut MappingReader<'_>) -> Option<Mapping> {
    let source = reader.source();
    let mut layout = Layout::read(reader)?;
    let stated = source.targets.get("sql").is_some_and(|mapping| !mapping.from.0.is_empty());
    let tables = if stated { reader.homes()?.to_vec() } else { vec![source.name.replace('.', "_")] };
    let requires = layout.is_empty().then(|| {
        let table = tables.join("`, `");
        format!(
            "a table or view `{table}` whose text column `{EVENT}` holds one raw event of {} as JSON a row",
            source.name
        )
    });
    if layout.is_empty() {
        layout.hold_events(EVENT);
    }
    let mut stated = |only| texts(&layout, only).map_err(|problem| reader.invalid("stored", &problem)).ok();
    let only = stated(&source.only)?;
    // A table that cannot tell these rows apart has no column for what a rule would know them by, either.
    let known = source.only_of.iter().filter_map(|of| Some((texts(&layout, &of.events).ok()?, &of.only)));
    let only_of = known.map(|(events, only)| Some((events, stated(only)?))).collect::<Option<_>>()?;
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
    Some(Mapping { tables, requires, layout, always_has_id, only, only_of, groups })
}

/// Where the values of an `only` are; why they are nowhere.
fn texts(layout: &Layout, only: &RawTexts) -> Result<Texts, String> {
    let at = |(path, texts): (&String, &Vec<String>)| {
        let places = layout.spots(path)?.into_iter().map(Place::Row).collect();
        Ok((Column::plain(Type::String, places), texts.clone()))
    };
    only.iter().map(at).collect()
}

/// What `words` say of the id of an event.
fn always_has_id(reader: &mut MappingReader<'_>) -> Option<bool> {
    match reader.word("event_id") {
        None => Some(false),
        Some("always") => Some(true),
        Some(_) => {
            reader.invalid(
                "words: event_id",
                "write `always` where every row of the table has one, or nothing",
            );
            None
        }
    }
}

/// The way below an item.
fn route(path: &str) -> Result<Route, String> {
    catalog::path(path).map(|parts| Route::new(&parts)).map_err(|_| format!("`{path}` is no path"))
}

impl Column {
    /// What stands at a place, as it is.
    fn plain(ty: Type, places: Vec<Place>) -> Self {
        Self {
            ty,
            many: false,
            places,
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
    let places = |path: &str| match group {
        None => layout.spots(path).map(|spots| spots.into_iter().map(Place::Row).collect()),
        Some((number, group)) => {
            // Where the table does not have the items it does not have the field.
            layout.spot(&group.path)?;
            Ok(vec![match (path.strip_prefix('>'), &group.inner) {
                (Some(path), Some(_)) => Place::Inner(number, route(path)?),
                (Some(path), None) => Place::Item(number, route(path)?),
                (None, _) => Place::Item(number, route(path)?),
            }])
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
        places: of_type(raw.paths().map(places).collect::<Result<Vec<_>, _>>()?.concat(), def.ty)?,
        nothing: source.placeholder.0.clone(),
        placeholders: def.placeholders.iter().chain(placeholders).cloned().collect(),
        capture: capture.clone(),
        map: map.clone(),
        absent: absent.clone(),
        otherwise: otherwise.clone(),
    })
}

/// The places, if values of a type can stand there.
fn of_type(places: Vec<Place>, ty: Type) -> Result<Vec<Place>, String> {
    let is_instant = |place: &Place| matches!(place, Place::Row(Spot { holds: Holds::Time, .. }));
    let instants = places.iter().filter(|place| is_instant(place)).count();
    if instants > 0 && (ty != Type::Time || places.len() > 1) {
        return Err("the table has an instant in its place".to_owned());
    }
    Ok(places)
}
