//! Conditions over Sigma items: two-valued logic in which an item on a missing field is false.
//!
//! In: items and their joins. Out: [`Cond`] without constants inside, and [`Selection`]s where a condition is one.
//! Must not know: canonical fields, and how a detection is laid out.

use std::rc::Rc;

use foldhash::{HashMap, HashSet, HashSetExt as _};
use serde::ser::{Serialize, SerializeMap, Serializer};

use super::literal::{FieldName, Scalar};
use crate::yaml::Inline;

/// One line of a selection: a field with modifiers, and values of which one must match.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Item {
    /// The field with its modifiers.
    key: String,
    modifiers: &'static str,
    /// At least one.
    values: Vec<Scalar>,
    /// What a selection that begins with this item is called.
    pub(super) word: String,
}

impl Item {
    /// A condition of one item.
    pub(super) fn cond(field: &FieldName, modifiers: &'static str, values: Vec<Scalar>, word: &str) -> Cond {
        let key = [field.text(), modifiers].concat();
        Cond::Item(Rc::new(Self { key, modifiers, values, word: word.to_owned() }))
    }

    /// Whether its values can stand in one list with others; null cannot stand in any.
    fn is_listable(&self) -> bool {
        !self.values.contains(&Scalar::Null)
    }
}

/// A condition. Build joins with [`Cond::all`], [`Cond::any`] and [`Cond::not`]: they keep it flat and without
/// constants.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) enum Cond {
    /// True.
    Always,
    /// False.
    Never,
    /// One item: laying a condition out hands it around.
    Item(Rc<Item>),
    /// All hold; at least two.
    All(Vec<Cond>),
    /// One holds; at least two.
    Any(Vec<Cond>),
    /// It does not hold.
    Not(Box<Cond>),
}

impl Cond {
    /// All hold.
    pub(super) fn all(parts: impl IntoIterator<Item = Cond>) -> Self {
        let mut flat = Vec::new();
        for part in parts {
            match part {
                Self::Always => {}
                Self::Never => return Self::Never,
                Self::All(inner) => flat.extend(inner),
                Self::Item(_) | Self::Any(_) | Self::Not(_) => flat.push(part),
            }
        }
        dedup(&mut flat);
        match flat.len() {
            0 => Self::Always,
            1 => flat.swap_remove(0),
            _ => Self::All(flat),
        }
    }

    /// One holds. Items of one key become one item with more values.
    pub(super) fn any(parts: impl IntoIterator<Item = Cond>) -> Self {
        let mut flat = Vec::new();
        for part in parts {
            match part {
                Self::Never => {}
                Self::Always => return Self::Always,
                Self::Any(inner) => flat.extend(inner),
                Self::Item(_) | Self::All(_) | Self::Not(_) => flat.push(part),
            }
        }
        if flat.len() > 1 {
            let mut found = Alternatives::default();
            for part in flat {
                found.push(part);
            }
            flat = found.flat;
            dedup(&mut flat);
        }
        match flat.len() {
            0 => Self::Never,
            1 => flat.swap_remove(0),
            _ => Self::Any(flat),
        }
    }

    /// It does not hold.
    pub(super) fn not(self) -> Self {
        match self {
            Self::Always => Self::Never,
            Self::Never => Self::Always,
            Self::Not(inner) => *inner,
            Self::Item(_) | Self::All(_) | Self::Any(_) => Self::Not(Box::new(self)),
        }
    }

    /// Whether a reader of the document sees every text in it.
    pub(super) fn is_visible(&self) -> bool {
        match self {
            Self::Always | Self::Never => true,
            Self::Item(item) => item.values.iter().all(Scalar::is_visible),
            Self::All(parts) | Self::Any(parts) => parts.iter().all(Self::is_visible),
            Self::Not(inner) => inner.is_visible(),
        }
    }

    /// The parts that must all hold, as many and as small as possible.
    pub(super) fn conjuncts(self) -> Vec<Self> {
        match self {
            Self::All(parts) => parts.into_iter().flat_map(Self::conjuncts).collect(),
            Self::Not(inner) => inner.negated_conjuncts(),
            Self::Always => Vec::new(),
            other @ (Self::Never | Self::Item(_) | Self::Any(_)) => vec![other],
        }
    }

    /// The conjuncts of the negation: alternatives are negated one by one unless one selection holds them all.
    fn negated_conjuncts(self) -> Vec<Self> {
        match self {
            Self::Any(parts) if Selection::of_any(&parts).is_none() => {
                parts.into_iter().flat_map(|part| part.not().conjuncts()).collect()
            }
            whole @ (Self::Always
            | Self::Never
            | Self::Item(_)
            | Self::All(_)
            | Self::Any(_)
            | Self::Not(_)) => vec![whole.not()],
        }
    }
}

/// Alternatives in the making: items of one key are one item.
#[derive(Default)]
struct Alternatives {
    flat: Vec<Cond>,
    /// Where the item of a key stands, and its values.
    items: HashMap<String, (usize, HashSet<Scalar>)>,
}

impl Alternatives {
    fn push(&mut self, part: Cond) {
        let Cond::Item(new) = part else { return self.flat.push(part) };
        if !new.is_listable() {
            return self.flat.push(Cond::Item(new));
        }
        if let Some((at, known)) = self.items.get_mut(&new.key) {
            if let Some(Cond::Item(item)) = self.flat.get_mut(*at) {
                let new = Rc::unwrap_or_clone(new);
                Rc::make_mut(item)
                    .values
                    .extend(new.values.into_iter().filter(|value| known.insert(value.clone())));
            }
            return;
        }
        let known = new.values.iter().cloned().collect();
        self.items.insert(new.key.clone(), (self.flat.len(), known));
        self.flat.push(Cond::Item(new));
    }
}

/// Keeps each part once.
fn dedup(parts: &mut Vec<Cond>) {
    let again: Vec<bool> = if parts.len() <= FEW {
        parts.iter().enumerate().map(|(at, part)| parts.iter().take(at).any(|known| known == part)).collect()
    } else {
        let mut seen = HashSet::with_capacity(parts.len());
        parts.iter().map(|part| !seen.insert(part)).collect()
    };
    let mut again = again.into_iter();
    parts.retain(|_| again.next() != Some(true));
}

/// As many parts are compared with each other sooner than hashed.
const FEW: usize = 8;

/// What stands under one name in a detection: alternatives, each of which is items that all hold.
#[derive(Debug, Clone)]
pub(super) struct Selection(Vec<Map>);

/// Items of different keys, all of which hold.
#[derive(Debug, Clone)]
pub(super) struct Map(Vec<Rc<Item>>);

impl Map {
    fn of(cond: &Cond) -> Option<Self> {
        match cond {
            Cond::Item(item) => Some(Self(vec![Rc::clone(item)])),
            Cond::All(parts) => {
                let mut map = Self(Vec::new());
                parts.iter().all(|part| map.take(part)).then_some(map)
            }
            Cond::Always | Cond::Never | Cond::Any(_) | Cond::Not(_) => None,
        }
    }

    /// Adds the part if it is an item of a key not yet there.
    fn take(&mut self, part: &Cond) -> bool {
        match part {
            Cond::Item(item) if !self.0.iter().any(|known| known.key == item.key) => {
                self.0.push(Rc::clone(item));
                true
            }
            Cond::Item(_) | Cond::Always | Cond::Never | Cond::All(_) | Cond::Any(_) | Cond::Not(_) => false,
        }
    }
}

/// What two selections have in common that hold for the same events, as far as can be seen.
pub(super) type Meaning = Vec<Vec<(String, Vec<Scalar>)>>;

impl Selection {
    /// The condition as one selection, if it is that simple.
    pub(super) fn of(cond: &Cond) -> Option<Self> {
        match cond {
            Cond::Any(parts) => Self::of_any(parts),
            Cond::Item(_) | Cond::All(_) => Map::of(cond).map(|map| Self(vec![map])),
            Cond::Always | Cond::Never | Cond::Not(_) => None,
        }
    }

    fn of_any(parts: &[Cond]) -> Option<Self> {
        parts.iter().map(Map::of).collect::<Option<Vec<_>>>().map(Self)
    }

    /// One selection of as many parts as one can hold, and the parts left over.
    pub(super) fn gather(parts: &[Cond]) -> (Option<Self>, Vec<&Cond>) {
        let mut map = Map(Vec::new());
        let rest = parts.iter().filter(|part| !map.take(part)).collect();
        ((!map.0.is_empty()).then(|| Self(vec![map])), rest)
    }

    /// What its first item is about.
    pub(super) fn word(&self) -> &str {
        self.0.first().and_then(|map| map.0.first()).map_or("", |item| &item.word)
    }

    /// Whether any text in it is compared case-sensitively.
    pub(super) fn is_cased(&self) -> bool {
        self.0.iter().flat_map(|map| &map.0).any(|item| item.modifiers.ends_with("|cased"))
    }

    /// What it says, whatever it is called.
    pub(super) fn meaning(&self) -> Meaning {
        let items = |map: &Map| map.0.iter().map(|item| (item.key.clone(), item.values.clone())).collect();
        self.0.iter().map(items).collect()
    }
}

impl Serialize for Selection {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0.as_slice() {
            [only] => only.write(serializer, 1),
            alternatives => serializer.collect_seq(alternatives.iter().map(Alternative)),
        }
    }
}

/// A map below a dash, where the writer indents lists far to the right: short ones stay on the line.
struct Alternative<'a>(&'a Map);

impl Serialize for Alternative<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.write(serializer, 4)
    }
}

impl Map {
    /// Lists of up to `inline` values are written on one line.
    fn write<S: Serializer>(&self, serializer: S, inline: usize) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.0.len()))?;
        for item in &self.0 {
            match item.values.as_slice() {
                [only] => map.serialize_entry(&item.key, only)?,
                values if values.len() <= inline => map.serialize_entry(&item.key, &Inline(values))?,
                values => map.serialize_entry(&item.key, values)?,
            }
        }
        map.end()
    }
}
