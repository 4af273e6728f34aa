//! Items of a detection, and conditions over them: two-valued, for an item on a missing field is false.
//!
//! In: field names, modifiers and values. Out: [`Cond`], in which alternatives on one field are one item, and
//! [`Selection`]s where a condition is one. Must not know: canonical fields, and how a detection is laid out.

use std::hash::{Hash, Hasher};
use std::rc::Rc;

use foldhash::HashMap;
use serde::ser::{Serialize, SerializeMap, Serializer};

use super::literal::{FieldName, Modifier, Scalar};
use crate::backend::truth::{Leaf, Truth, unique};
use crate::yaml::Inline;

/// A condition. Laying it out hands its items around.
pub(super) type Cond = Truth<Rc<Item>>;

/// One line of a selection: a field with modifiers, and values of which one must match.
#[derive(Debug, Clone)]
pub(super) struct Item {
    pub(super) field: FieldName,
    pub(super) modifier: Modifier,
    /// At least one.
    pub(super) values: Vec<Scalar>,
    /// What a selection that begins with this item is named after.
    pub(super) about: String,
}

impl Item {
    /// Whether it holds for every address.
    pub(super) fn is_any_address(&self) -> bool {
        self.modifier == Modifier::Network
            && self
                .values
                .iter()
                .any(|value| matches!(value, Scalar::Raw(network) if network.ends_with("/0")))
    }

    /// The same test ignoring case, if it does not do so already.
    pub(super) fn ignoring_case(&self) -> Option<Self> {
        let Modifier::Text { place, cased: true } = self.modifier else { return None };
        Some(Self { modifier: Modifier::Text { place, cased: false }, ..self.clone() })
    }

    fn key(&self) -> (&FieldName, Modifier) {
        (&self.field, self.modifier)
    }

    /// Whether a reader of the document sees every text in it.
    pub(super) fn is_visible(&self) -> bool {
        self.values.iter().all(Scalar::is_visible)
    }

    /// Whether its values can stand in one list with others; null cannot stand in any.
    fn is_listable(&self) -> bool {
        !self.values.contains(&Scalar::Null)
    }
}

/// Items are equal if they match the same records, whatever they are named after.
impl PartialEq for Item {
    fn eq(&self, other: &Self) -> bool {
        self.key() == other.key() && self.values == other.values
    }
}

impl Eq for Item {}

impl Hash for Item {
    fn hash<H: Hasher>(&self, state: &mut H) {
        (self.key(), &self.values).hash(state);
    }
}

impl Leaf for Rc<Item> {
    /// Items of one field and modifier become one item with the values of all.
    fn unite(alternatives: Vec<Cond>) -> Vec<Cond> {
        let mut parts: Vec<Cond> = Vec::with_capacity(alternatives.len());
        let mut places = HashMap::default();
        for part in alternatives {
            if let Truth::Test(item) = &part
                && item.is_listable()
            {
                let at = *places.entry((item.field.clone(), item.modifier)).or_insert(parts.len());
                if let Some(Truth::Test(known)) = parts.get_mut(at) {
                    Rc::make_mut(known).values.extend(item.values.iter().cloned());
                    continue;
                }
            }
            parts.push(part);
        }
        // Once, at the end: an allowlist may bring thousands of values.
        for at in places.into_values() {
            if let Some(Truth::Test(item)) = parts.get_mut(at) {
                let item = Rc::make_mut(item);
                item.values = unique(std::mem::take(&mut item.values));
            }
        }
        unique(parts)
    }
}

/// The parts that must all hold, as small as possible. The negation of alternatives is cut apart unless one selection
/// holds them all.
pub(super) fn conjuncts(cond: Cond) -> Vec<Cond> {
    match cond {
        Truth::Always(true) => Vec::new(),
        Truth::All(parts) => parts.into_iter().flat_map(conjuncts).collect(),
        Truth::Not(inner) => match *inner {
            Truth::Any(parts) if Selection::of_any(&parts).is_none() => {
                parts.into_iter().flat_map(|part| conjuncts(part.not())).collect()
            }
            whole @ (Truth::Always(_) | Truth::Test(_) | Truth::Not(_) | Truth::All(_) | Truth::Any(_)) => {
                vec![whole.not()]
            }
        },
        whole @ (Truth::Always(false) | Truth::Test(_) | Truth::Any(_)) => vec![whole],
    }
}

/// What stands under one name in a detection: alternatives, each of which is items that all hold.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Selection(Vec<Map>);

/// Items of different fields or modifiers, all of which hold.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Map(Vec<Rc<Item>>);

impl Map {
    fn of(cond: &Cond) -> Option<Self> {
        let parts = if let Truth::All(parts) = cond { parts.as_slice() } else { std::slice::from_ref(cond) };
        let mut map = Self(Vec::new());
        parts.iter().all(|part| map.take(part)).then_some(map)
    }

    /// Adds the part if it is an item of a field and modifier not yet there.
    fn take(&mut self, part: &Cond) -> bool {
        let Truth::Test(item) = part else { return false };
        // A YAML map has no key twice: readers keep the last, and the other test would be lost.
        let is_new = !self.0.iter().any(|known| known.key() == item.key());
        if is_new {
            self.0.push(Rc::clone(item));
        }
        is_new
    }
}

impl Selection {
    /// One item.
    pub(super) fn item(item: &Rc<Item>) -> Self {
        Self(vec![Map(vec![Rc::clone(item)])])
    }

    /// The condition as one selection, if it is that simple.
    pub(super) fn of(cond: &Cond) -> Option<Self> {
        Self::of_any(if let Truth::Any(parts) = cond { parts } else { std::slice::from_ref(cond) })
    }

    fn of_any(parts: &[Cond]) -> Option<Self> {
        parts.iter().map(Map::of).collect::<Option<_>>().map(Self)
    }

    /// One selection of as many parts as one can hold, and the parts left over.
    pub(super) fn gather(parts: &[Cond]) -> (Option<Self>, Vec<&Cond>) {
        let mut map = Map(Vec::new());
        let rest = parts.iter().filter(|part| !map.take(part)).collect();
        ((!map.0.is_empty()).then(|| Self(vec![map])), rest)
    }

    /// What its first item is named after.
    pub(super) fn about(&self) -> &str {
        self.items().next().map_or("", |item| &item.about)
    }

    /// Whether any text in it is compared case-sensitively.
    pub(super) fn is_cased(&self) -> bool {
        self.items().any(|item| item.modifier.is_cased())
    }

    fn items(&self) -> impl Iterator<Item = &Rc<Item>> {
        self.0.iter().flat_map(|map| &map.0)
    }
}

impl Serialize for Selection {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0.as_slice() {
            [only] => only.write(serializer, 1),
            alternatives => serializer.collect_seq(alternatives),
        }
    }
}

impl Serialize for Map {
    /// Below a dash, where the writer indents lists far to the right, short ones stay on the line.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.write(serializer, 4)
    }
}

impl Map {
    /// Lists of up to `inline` values are written on one line.
    fn write<S: Serializer>(&self, serializer: S, inline: usize) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.0.len()))?;
        for item in &self.0 {
            let key = item.modifier.behind(&item.field);
            match item.values.as_slice() {
                [only] => map.serialize_entry(&key, only)?,
                values if values.len() <= inline => map.serialize_entry(&key, &Inline(values))?,
                values => map.serialize_entry(&key, values)?,
            }
        }
        map.end()
    }
}
