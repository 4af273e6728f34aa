//! The keys of a record towards a neighbour.
//!
//! In: the values of a record and the places of a link's fields. Out: [`Keys`]: one, none if a part is missing, or, of
//! a field of which any value counts, one for each value. Must not know: links, records of the other side.

use super::predicate::Values;
use super::value::{Atom, Value};
use crate::ir::Case;

/// The values of a link's keys, all present.
pub type Key = Box<[Atom]>;

/// The keys of a record; two records are linked if they share one.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Keys {
    /// A part is missing, or no link leads there.
    #[default]
    None,
    /// Every part has one value.
    One(Key),
    /// A part has several values; each key once.
    Several(Box<[Key]>),
}

impl Keys {
    /// Of the values at some places.
    #[must_use]
    pub fn of(values: &Values<'_>, fields: &[(usize, Case)]) -> Self {
        let several = |(place, _): &(usize, Case)| {
            matches!(values.get(*place).and_then(Option::as_ref), Some(Value::Many(_)))
        };
        if !fields.iter().any(several) {
            return folded_key(values, fields).map_or(Self::None, Self::One);
        }
        let mut keys: Vec<Vec<Atom>> = vec![Vec::with_capacity(fields.len())];
        for (place, case) in fields {
            let value = values.get(*place).and_then(Option::as_ref);
            let all = match value {
                Some(Value::Many(all)) => all.as_ref(),
                Some(one) => std::slice::from_ref(one),
                None => return Self::None,
            };
            let atoms: Vec<Atom> = all.iter().map(|value| value.key().folded(*case)).collect();
            keys = keys.iter().flat_map(|key| atoms.iter().map(|atom| longer(key, atom))).collect();
        }
        // Of a list that says a value twice the record is remembered once.
        keys.sort_unstable();
        keys.dedup();
        Self::Several(keys.into_iter().map(Vec::into_boxed_slice).collect())
    }

    /// All of them.
    #[must_use]
    pub fn all(&self) -> &[Key] {
        match self {
            Self::None => &[],
            Self::One(key) => std::slice::from_ref(key),
            Self::Several(keys) => keys,
        }
    }

    /// Whether two records share a key.
    #[must_use]
    pub fn meet(&self, other: &Self) -> bool {
        self.all().iter().any(|key| other.all().contains(key))
    }
}

fn longer(key: &[Atom], atom: &Atom) -> Vec<Atom> {
    key.iter().chain([atom]).cloned().collect()
}

/// The values at `places`; `None` if one is missing.
pub(super) fn key(values: &Values<'_>, places: &[usize]) -> Option<Key> {
    // One missing part makes the key missing: what two records both lack does not connect them.
    places.iter().map(|place| values.get(*place)?.as_ref().map(Value::key)).collect()
}

/// The values at some places, text folded where letter case does not count; `None` if one is missing.
pub(super) fn folded_key(values: &Values<'_>, fields: &[(usize, Case)]) -> Option<Key> {
    fields.iter().map(|field| atom(values, *field)).collect()
}

/// The values at some places, present or not.
pub(super) fn side(values: &Values<'_>, fields: &[(usize, Case)]) -> Box<[Option<Atom>]> {
    fields.iter().map(|field| atom(values, *field)).collect()
}

/// The value at a place, text folded where letter case does not count; `None` if it is missing.
pub(super) fn atom(values: &Values<'_>, (place, case): (usize, Case)) -> Option<Atom> {
    Some(values.get(place)?.as_ref()?.key().folded(case))
}
