//! The columns of a table by raw path: what `stored`, `missing` and `unseen` of a source say.
//!
//! In: the entries of a mapping. Out: [`Layout`], which leads from a raw path to places in a row. Must not know:
//! fields, dialects, query text.

use super::place::{Holds, Key, Route, Spot};
use super::written::Written;
use crate::backend::schema::MappingReader;
use crate::catalog::{self, Part, RawVariant};

/// The columns of a table by raw path.
#[derive(Debug, Clone, Default)]
pub(super) struct Layout {
    entries: Vec<Entry>,
    missing: Vec<(Vec<Part>, String)>,
    unseen: Vec<(Vec<Part>, String)>,
    written: Written,
}

/// Where the table has what stands at a raw path.
#[derive(Debug, Clone)]
struct Entry {
    at: Vec<Part>,
    /// The first that has a value counts.
    places: Vec<Stored>,
    /// Stored values and those of the log.
    values: Vec<(String, String)>,
}

/// A column, or a place inside of one.
#[derive(Debug, Clone)]
struct Stored {
    column: String,
    inside: Vec<String>,
    /// What is taken of a list.
    below: Vec<Part>,
    holds: Holds,
}

const WORDS: &str = "write the name of a column, or `number`, `bool`, `time`, `struct`, `json` or `map` and a name; \
                     several with `or` between them; behind `as` values of the log with those that are stored, `A=1, B=2`";

impl Layout {
    /// Reads the entries; nothing if one of them is wrong, which the reader is told.
    pub(super) fn read(reader: &mut MappingReader<'_>) -> Option<Self> {
        let mut layout = Self { written: Written::of(reader.source()), ..Self::default() };
        let mut faults = Vec::new();
        for (path, text) in reader.stored() {
            match Entry::read(path, text) {
                Ok(entry) => layout.entries.push(entry),
                Err(problem) => faults.push((format!("stored: {path}"), problem)),
            }
        }
        for (path, reason) in reader.missing() {
            match parts(path) {
                Ok(at) => layout.missing.push((at, reason.clone())),
                Err(problem) => faults.push((format!("missing: {path}"), problem)),
            }
        }
        for path in reader.unseen() {
            match parts(path) {
                Ok(at) => layout.unseen.push((at, path.clone())),
                Err(problem) => faults.push(("unseen".to_owned(), problem)),
            }
        }
        for (entry, problem) in &faults {
            reader.invalid(entry, problem);
        }
        faults.is_empty().then_some(layout)
    }

    /// Says that a column holds whole events as JSON.
    pub(super) fn hold_events(&mut self, column: &str) {
        let (column, holds) = (column.to_owned(), Holds::Json);
        let places = vec![Stored { column, inside: Vec::new(), below: Vec::new(), holds }];
        self.entries.push(Entry { at: Vec::new(), places, values: Vec::new() });
    }

    /// Whether a row is a raw event.
    pub(super) fn holds_events(&self) -> bool {
        self.entries.iter().any(|entry| entry.at.is_empty())
    }

    pub(super) fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Whether values are read out of JSON.
    pub(super) fn has_json(&self) -> bool {
        self.places().any(|place| place.holds == Holds::Json)
    }

    fn places(&self) -> impl Iterator<Item = &Stored> {
        self.entries.iter().flat_map(|entry| &entry.places)
    }

    /// The columns, each once, in the order of their names; whether it holds more than one value.
    pub(super) fn columns(&self) -> Vec<(&str, bool)> {
        let mut columns: Vec<_> =
            self.places().map(|place| (place.column.as_str(), place.is_nested())).collect();
        columns.sort_unstable_by_key(|(name, _)| *name);
        columns.dedup_by_key(|(name, _)| *name);
        columns
    }

    /// Where the table has what stands at a raw path; the first of several that has a value counts.
    pub(super) fn spots(&self, path: &str) -> Result<Vec<Spot>, String> {
        let parts = parts(path)?;
        let length = |at: &[Part]| parts.starts_with(at).then_some(at.len());
        let entries = self.entries.iter().filter_map(|entry| Some((length(&entry.at)?, entry)));
        let entry = entries.max_by_key(|(length, _)| *length);
        let missing = self.missing.iter().filter_map(|(at, reason)| Some((length(at)?, reason)));
        let missing = missing.max_by_key(|(length, _)| *length);
        match (entry, missing) {
            (None, Some((_, reason))) => Err(reason.clone()),
            (Some((entry, _)), Some((missing, reason))) if entry <= missing => Err(reason.clone()),
            (None, None) => Err(format!("the table has no column for `{path}` of the log")),
            (Some((length, entry)), _) => {
                let rest = parts.get(length..).unwrap_or_default();
                let spot = |place: &Stored| {
                    let spot = place.spot(path, rest, &entry.values)?;
                    Ok(if place.holds == Holds::Json {
                        self.written.complete(spot, path, &entry.at)
                    } else {
                        spot
                    })
                };
                entry.places.iter().map(spot).collect()
            }
        }
    }

    /// The one place of what stands at a raw path.
    pub(super) fn spot(&self, path: &str) -> Result<Spot, String> {
        let mut spots = self.spots(path)?.into_iter();
        match (spots.next(), spots.next()) {
            (Some(spot), None) => Ok(spot),
            (_, _) => Err(format!("the table has `{path}` in several columns")),
        }
    }

    /// What is presumed of the table where a field is read in one way.
    pub(super) fn presumed(&self, raw: &RawVariant) -> Option<String> {
        let found = raw.paths().find_map(|path| {
            let parts = parts(path).ok()?;
            self.unseen.iter().find(|(at, _)| parts.starts_with(at))
        });
        let (at, path) = found?;
        let place = self.entries.iter().find(|entry| entry.at == *at)?.places.first()?;
        let column = place.name();
        let column = if place.holds == Holds::Map { format!("{column}['{path}']") } else { column };
        Some(format!(
            "`{path}` in `{column}`: the vendor's mapping says so, and no published sample shows it; look whether your \
             table has it"
        ))
    }
}

impl Entry {
    fn read(path: &str, text: &str) -> Result<Self, String> {
        let (places, values) = text.split_once(" as ").unwrap_or((text, ""));
        let places = places.split(" or ").map(Stored::read).collect::<Result<_, _>>()?;
        let pairs = values.split(',').filter(|pair| !pair.trim().is_empty());
        let pair = |pair: &str| {
            let (raw, stored) = pair.split_once('=').ok_or_else(|| WORDS.to_owned())?;
            Ok::<_, String>((stored.trim().to_owned(), raw.trim().to_owned()))
        };
        Ok(Self { at: parts(path)?, places, values: pairs.map(pair).collect::<Result<_, _>>()? })
    }
}

impl Stored {
    fn read(text: &str) -> Result<Self, String> {
        let words: Vec<&str> = text.split_whitespace().collect();
        let (holds, column) = match words.as_slice() {
            [column] | ["text", column] => (Holds::Text, *column),
            ["number", column] => (Holds::Number, *column),
            ["bool", column] => (Holds::Bool, *column),
            ["time", column] => (Holds::Time, *column),
            ["struct", column] => (Holds::Struct, *column),
            ["json", column] => (Holds::Json, *column),
            ["map", column] => (Holds::Map, *column),
            _ => return Err(WORDS.to_owned()),
        };
        let all = parts(column)?;
        let mut keys = all.iter().map_while(|part| match part {
            Part::Key(key) => Some(key.clone()),
            Part::Item(_) | Part::Each | Part::Where { .. } => None,
        });
        let column = keys.next().ok_or_else(|| WORDS.to_owned())?;
        let inside: Vec<_> = keys.collect();
        let below = all.get(inside.len().saturating_add(1)..).unwrap_or_default().to_vec();
        if !below.is_empty() && holds != Holds::Text {
            return Err("what is taken of a list is a text".to_owned());
        }
        Ok(Self { column, inside, below, holds })
    }

    fn is_nested(&self) -> bool {
        let is_whole = self.inside.is_empty() && self.below.is_empty();
        !is_whole || matches!(self.holds, Holds::Struct | Holds::Map)
    }

    fn name(&self) -> String {
        std::iter::once(&self.column).chain(&self.inside).cloned().collect::<Vec<_>>().join(".")
    }

    /// The place of what stands at a raw path, of which `rest` is below what the column stands for.
    fn spot(&self, path: &str, rest: &[Part], values: &[(String, String)]) -> Result<Spot, String> {
        let Self { column, inside, below, holds } = self;
        let is_one = matches!(holds, Holds::Text | Holds::Number | Holds::Bool | Holds::Time);
        if is_one && !rest.is_empty() {
            return Err(format!("the column `{}` holds no more than one value", self.name()));
        }
        let route = match holds {
            Holds::Map => Route { keys: vec![Key::Name(path.to_owned())], ..Route::default() },
            Holds::Text | Holds::Number | Holds::Bool | Holds::Time | Holds::Struct | Holds::Json => {
                Route::new(&[below.as_slice(), rest].concat())
            }
        };
        let (column, inside, values) = (column.clone(), inside.clone(), values.to_vec());
        Ok(Spot { column, inside, holds: *holds, values, route, others: Vec::new() })
    }
}

fn parts(path: &str) -> Result<Vec<Part>, String> {
    catalog::path(path).map_err(|_| format!("`{path}` is no path"))
}
