//! Places in the row of a table, in its items, and ways into what stands there.
//!
//! In: paths of a source file. Out: [`Place`], [`Spot`], [`Route`]. Must not know: fields, dialects, query text.

use crate::catalog::Part;

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
    /// The members of structs that lead from it to what `holds` speaks of.
    pub(super) inside: Vec<String>,
    /// What that holds.
    pub(super) holds: Holds,
    /// Stored values and those of the log; none if they are the same.
    pub(super) values: Vec<(String, String)>,
    /// The path below it.
    pub(super) route: Route,
    /// Where the same value stands in events that are written in another way; of JSON alone.
    pub(super) others: Vec<Route>,
}

/// A way into a value: keys, and behind them what is taken of a list.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Route {
    /// The keys to texts on the way that are JSON themselves, each in the one before; `keys` go on behind the last.
    pub(super) texts: Vec<Vec<Key>>,
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
    /// A boolean.
    Bool,
    /// An instant.
    Time,
    /// A map from raw paths to texts.
    Map,
}

impl Place {
    /// Whether its path goes on behind that of another place: then an object can stand there.
    pub(super) fn is_inside(&self, outer: &Self) -> bool {
        let (Self::Row(inner), Self::Row(outer)) = (self, outer) else { return false };
        let (own, base) = (&inner.route, &outer.route);
        inner.column == outer.column
            && outer.holds == Holds::Json
            && base.items.is_none()
            && own.keys.len() > base.keys.len()
            && own.keys.starts_with(&base.keys)
    }
}

impl Spot {
    /// The ways to it: the first that leads to something counts.
    pub(super) fn routes(&self) -> impl Iterator<Item = &Route> {
        std::iter::once(&self.route).chain(&self.others)
    }
}

impl Route {
    pub(super) fn new(parts: &[Part]) -> Self {
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
            return Self { texts: Vec::new(), keys, items: Some((which, Box::new(rest))) };
        }
        Self { texts: Vec::new(), keys, items: None }
    }
}
