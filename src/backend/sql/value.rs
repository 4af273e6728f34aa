//! Fields as expressions over the columns of a table.
//!
//! In: a way to read a field, or several that the action decides between. Out: an expression of the field's type; null,
//! or an empty text, where the field is missing. Must not know: steps, tests.
//!
//! What the embedded engine makes of a raw value is what these expressions say: what does not parse is missing, text
//! that means "no value" is missing, numbers and booleans come from texts.

use super::array;
use super::column::{Column, Holds, Key, Place, Route, Spot};
use super::dialect;
use super::literal::{self, Frag, whole};
use super::route::{self, Document, Found};
use crate::backend::SqlDialect;
use crate::backend::print::Bind;
use crate::ir::Type;

/// The column of the item of a group, and that of its number.
pub(super) fn item(group: &str) -> (Frag, Frag) {
    (literal::own(&format!("_{group}")), literal::own(&format!("_{group}_number")))
}

/// The column of the inner item, and that of its number.
pub(super) fn inner(group: &str) -> (Frag, Frag) {
    (literal::own(&format!("_{group}_inner")), literal::own(&format!("_{group}_inner_number")))
}

/// Prints expressions.
#[derive(Debug, Clone, Copy)]
pub(super) struct Values<'a> {
    pub(super) dialect: SqlDialect,
    /// The names of the groups of the source.
    pub(super) groups: &'a [super::column::Group],
    /// Whether a row is an event as somebody wrote it, and not what the vendor delivers.
    pub(super) of_events: bool,
    /// Whether what is read is taken as a text.
    pub(super) for_text: bool,
}

impl Values<'_> {
    /// The array at a place, as items of a group.
    pub(super) fn items(&self, spot: &Spot) -> Frag {
        let document = Document::Json(self.base(spot));
        let lists = spot.routes().map(|route| route::objects(self.dialect, &document, route)).collect();
        array::first_with_items(self.dialect, lists)
    }

    /// The column of a place, or the member of its struct.
    fn base(&self, Spot { column, inside, .. }: &Spot) -> Frag {
        let column = literal::column(self.dialect, column);
        inside.iter().fold(column, |base, name| literal::member(self.dialect, &base, name))
    }

    /// The inner items of an item.
    pub(super) fn inner_items(&self, item: &Frag, path: &[Key]) -> Frag {
        dialect::json_items(self.dialect, item, path)
    }

    /// The value of a field, of its type.
    pub(super) fn of(&self, column: &Column) -> Frag {
        let is_text = column.ty == Type::String || column.capture.is_some() || !column.map.is_empty();
        Values { for_text: self.of_events && is_text, ..*self }.read(column)
    }

    fn read(&self, column: &Column) -> Frag {
        if column.many {
            return self.several(column);
        }
        let Column { ty, many: _, places, nothing, placeholders, capture, map, absent, otherwise } = column;
        let placeholders: Vec<_> = nothing.iter().chain(placeholders).map(String::as_str).collect();
        let is_as_stored = capture.is_none() && map.is_empty() && absent.is_none() && otherwise.is_none();
        if let ([place], true) = (places.as_slice(), is_as_stored) {
            let is_json = matches!(
                place,
                Place::Row(Spot { holds: Holds::Json, .. }) | Place::Item(..) | Place::Inner(..)
            );
            return match self.at(place) {
                // A number is no text that means "no value".
                Found::Number(number) => self.number_as(number, *ty),
                Found::Instant(micros) => micros,
                // An empty text is missing to every test, so it may stay where nothing else is asked of it here.
                Found::Text(text) | Found::Texts(text) => {
                    let as_json = is_json || !placeholders.is_empty();
                    self.typed(self.without(text, placeholders.iter().copied()), *ty, as_json)
                }
            };
        }
        let text = |place| self.unless_object(place, places, self.present(place, &placeholders));
        let texts: Vec<_> = places.iter().map(text).collect();
        let base = match texts.as_slice() {
            [] => literal::whole("NULL", &[]),
            [only] => only.clone(),
            several => literal::call("COALESCE", several),
        };
        self.typed(self.mapped(column, self.captured(column, base)), *ty, true)
    }

    /// In Spark an object is a text. Where a field also has a value further on its path, logs have objects: they are
    /// none.
    fn unless_object(&self, place: &Place, all: &[Place], text: Frag) -> Frag {
        if self.dialect == SqlDialect::Spark && all.iter().any(|other| other.is_inside(place)) {
            whole("CASE WHEN json_object_keys({}) IS NULL THEN {} END", &[&text, &text])
        } else {
            text
        }
    }

    pub(super) fn captured(&self, column: &Column, base: Frag) -> Frag {
        let Some(regex) = &column.capture else { return base };
        // `$` also holds before a last line feed in Java and Joni.
        let regex = match regex.strip_suffix('$') {
            Some(start) if !start.ends_with('\\') => self.ended(start),
            Some(_) | None => regex.clone(),
        };
        whole("NULLIF({}, '')", &[&dialect::capture(self.dialect, &base, &regex)])
    }

    pub(super) fn mapped(&self, Column { map, absent, otherwise, .. }: &Column, base: Frag) -> Frag {
        let text = |text: &String| literal::text(self.dialect, text);
        if map.is_empty() && otherwise.is_none() {
            return match absent {
                Some(absent) => literal::call("COALESCE", [&base, &text(absent)]),
                None => base,
            };
        }
        let mut cases: Vec<Frag> = Vec::new();
        // First, so that nothing is not taken for something else.
        let nothing = absent.as_ref().map_or_else(|| literal::whole("NULL", &[]), text);
        cases.push(whole("WHEN {} IS NULL THEN {}", &[&base, &nothing]));
        cases.extend(
            map.iter()
                .map(|(stored, value)| whole("WHEN {} = {} THEN {}", &[&base, &text(stored), &text(value)])),
        );
        if let Some(otherwise) = otherwise {
            cases.push(whole("ELSE {}", &[&text(otherwise)]));
        }
        whole("CASE {} END", &[&literal::lines(&cases, "", 6)])
    }

    /// The text at a place; null where it is empty or means "no value".
    pub(super) fn present(&self, place: &Place, placeholders: &[&str]) -> Frag {
        match self.at(place) {
            Found::Text(text) | Found::Texts(text) => {
                self.without(text, std::iter::once("").chain(placeholders.iter().copied()))
            }
            Found::Number(number) => self.number_as(number, Type::String),
            // It is the only place of its field, which is read as it is.
            Found::Instant(micros) => micros,
        }
    }

    /// A text, or null where it is one of some that mean "no value".
    fn without<'n>(&self, text: Frag, nothing: impl Iterator<Item = &'n str>) -> Frag {
        nothing.fold(text, |text, nothing| {
            whole("NULLIF({}, {})", &[&text, &literal::text(self.dialect, nothing)])
        })
    }

    pub(super) fn at(&self, place: &Place) -> Found {
        match place {
            Place::Row(spot) => self.in_row(spot),
            Place::Item(group, route) => self.inside(item, *group, route),
            Place::Inner(group, route) => self.inside(inner, *group, route),
        }
    }

    fn in_row(&self, spot: &Spot) -> Found {
        let (dialect, base, Spot { holds, values, route, .. }) = (self.dialect, self.base(spot), spot);
        let text = match holds {
            Holds::Text if *route == Route::default() => base,
            Holds::Number if values.is_empty() => return Found::Number(base),
            Holds::Number | Holds::Bool => dialect::as_text(dialect, &base, false),
            Holds::Time => return Found::Instant(dialect::micros(dialect, &base)),
            Holds::Map => match route.keys.first() {
                Some(Key::Name(key)) => dialect::of_map(dialect, &base, key),
                Some(Key::Item(_)) | None => base,
            },
            Holds::Text | Holds::Struct => return route::read(dialect, &Document::Struct(base), route),
            Holds::Json => {
                let document = if self.for_text { Document::JsonForText(base) } else { Document::Json(base) };
                return route::first(dialect, &document, spot.routes());
            }
        };
        if values.is_empty() {
            return Found::Text(text);
        }
        let of = |value: &String| literal::text(dialect, value);
        let cases: Vec<_> =
            values.iter().map(|(stored, raw)| whole("WHEN {} THEN {}", &[&of(stored), &of(raw)])).collect();
        Found::Text(whole("CASE {} {} END", &[&text, &Frag::join(cases, " ", Bind::Or)]))
    }

    fn inside(&self, names: fn(&str) -> (Frag, Frag), group: usize, route: &Route) -> Found {
        let name = self.groups.get(group).map_or("items", |group| group.name.as_str());
        route::read(self.dialect, &Document::Item(names(name).0), route)
    }

    /// A text as a value of a type; null where it is none. `as_json` says that a time may be a number.
    pub(super) fn typed(&self, text: Frag, ty: Type, as_json: bool) -> Frag {
        match ty {
            Type::String | Type::Ip => text,
            Type::Int => self.integer(&text),
            Type::Float => {
                let is_number = dialect::matches(
                    self.dialect,
                    &text,
                    &self.ended("^[+-]?([0-9]+[.]?[0-9]*|[.][0-9]+)([eE][+-]?[0-9]+)?"),
                );
                whole("CASE WHEN {} THEN TRY_CAST({} AS DOUBLE) END", &[&is_number, &text])
            }
            Type::Bool => whole("CASE lower({}) WHEN 'true' THEN TRUE WHEN 'false' THEN FALSE END", &[&text]),
            Type::Time if as_json => {
                let seconds = self.seconds(&text);
                literal::call("COALESCE", [&seconds, &dialect::instant(self.dialect, &text)])
            }
            Type::Time => dialect::instant_of_column(self.dialect, &text),
        }
    }

    /// JSON does not tell 443 from 443.0, and engines round what is no integer. Spark gives `1.2345678E7` for such a
    /// number of eight digits or more.
    fn integer(&self, text: &Frag) -> Frag {
        let plain = whole(
            "CASE WHEN contains({}, 'E') THEN CAST(TRY_CAST({} AS DECIMAL(38, 8)) AS STRING) ELSE {} END",
            &[text, text, text],
        );
        let text = if self.dialect == SqlDialect::Spark { &plain } else { text };
        let digits = dialect::capture(self.dialect, text, &self.ended("^([+-]?[0-9]+)(?:[.]0+)?"));
        whole("TRY_CAST({} AS BIGINT)", &[&digits])
    }

    /// Microseconds since 1970 of a text that is a number of seconds, or of milliseconds where it is too large for
    /// them. Spark gives the decimals of JSON as `1.7672616005E9`.
    fn seconds(&self, text: &Frag) -> Frag {
        let number = dialect::capture(
            self.dialect,
            text,
            &self.ended("^[+]?(-?[0-9]+(?:[.][0-9]*)?(?:[eE][+]?[0-9]{1,2})?)"),
        );
        let number = whole("TRY_CAST({} AS DOUBLE)", &[&number]);
        let unit =
            "CASE WHEN abs({}) <= 253402207200 THEN 1000000 WHEN abs({}) <= 253402207200000 THEN 1000 END";
        let unit = literal::test(unit, &[&number, &number]);
        whole("CAST(round({()} * {()}) AS BIGINT)", &[&number, &unit])
    }

    fn ended(&self, regex: &str) -> String {
        format!("{regex}{}", dialect::end_of_text(self.dialect))
    }

    fn number_as(&self, number: Frag, ty: Type) -> Frag {
        match ty {
            Type::String | Type::Ip => {
                whole("CAST({} AS {})", &[&number, &literal::type_name(self.dialect, Type::String)])
            }
            Type::Int => number,
            Type::Float => whole("CAST({} AS DOUBLE)", &[&number]),
            Type::Bool => whole("CAST(NULL AS BOOLEAN)", &[]),
            // Seconds, or milliseconds where it is too large for them.
            Type::Time => literal::test(
                "CASE WHEN abs({}) <= 253402207200 THEN {} * 1000000 WHEN abs({}) <= 253402207200000 THEN {} * 1000 END",
                &[&number, &number, &number, &number],
            ),
        }
    }
}
