//! Fields with several values: the list of them, each of the field's type, none that is missing.
//!
//! In: a way to read such a field. Out: an expression that is a list; null or empty where the field is missing.
//! Must not know: steps, tests.

use super::array;
use super::column::{Column, Place};
use super::literal::{self, Frag, test, whole};
use super::route::Found;
use super::value::Values;
use super::{check, predicate};

impl Values<'_> {
    /// The values of a field that can have several.
    pub(super) fn several(&self, column: &Column) -> Frag {
        let is_calculated = column.capture.is_some() || !column.map.is_empty() || column.otherwise.is_some();
        let one = literal::own(array::ONE);
        let lists: Vec<_> = column.places.iter().map(|place| self.texts(column, place)).collect();
        let mut list = match lists.as_slice() {
            [] => whole("CAST(NULL AS {})", &[&array::type_name(self.dialect, column.ty)]),
            [only] => only.clone(),
            several => self.first_with_items(several),
        };
        if is_calculated || !column.placeholders.is_empty() {
            list = array::filter(self.dialect, &list, &one, &self.is_stored(column, &one));
        }
        if is_calculated {
            let value = self.mapped(column, self.captured(column, one.clone()));
            list = array::transform(self.dialect, &list, &one, &value);
            list = array::filter(self.dialect, &list, &one, &test("{} IS NOT NULL", &[&one]));
        }
        if let Some(absent) = &column.absent {
            let absent = array::of_one(self.dialect, &literal::text(self.dialect, absent));
            let count = array::count(self.dialect, &list);
            list = whole("CASE WHEN {} > 0 THEN {} ELSE {} END", &[&count, &list, &absent]);
        }
        let list = array::transform(self.dialect, &list, &one, &self.typed(one.clone(), column.ty, true));
        let is_value = check::text(&predicate::exists(self.dialect, &one, column.ty));
        array::filter(self.dialect, &list, &one, &is_value)
    }

    /// The texts at a place; one that holds a single text holds a list of it.
    fn texts(&self, column: &Column, place: &Place) -> Frag {
        match self.at(place) {
            Found::Texts(texts) => texts,
            Found::Text(_) | Found::Number(_) | Found::Instant(_) => {
                let placeholders: Vec<_> =
                    column.nothing.iter().chain(&column.placeholders).map(String::as_str).collect();
                array::of_one(self.dialect, &self.present(place, &placeholders))
            }
        }
    }

    /// Of several lists the first that has a text.
    fn first_with_items(&self, lists: &[Frag]) -> Frag {
        let one = literal::own(array::ONE);
        let is_there = test("{} IS NOT NULL", &[&one]);
        let nothing = array::empty(self.dialect);
        let lists: Vec<_> = lists
            .iter()
            .map(|list| array::filter(self.dialect, list, &one, &is_there))
            .map(|list| whole("NULLIF({}, {})", &[&list, &nothing]))
            .collect();
        literal::call("COALESCE", &lists)
    }

    /// That a text is there and does not mean "no value".
    fn is_stored(&self, column: &Column, one: &Frag) -> Frag {
        let texts: Vec<_> =
            column.placeholders.iter().map(|text| literal::text(self.dialect, text)).collect();
        match texts.as_slice() {
            [] => test("{} IS NOT NULL", &[one]),
            texts => test("{} NOT IN ({})", &[one, &literal::list(texts)]),
        }
    }
}
