//! A projection of raw events: the wanted scalars, without building the rest.
//!
//! In: a tree of paths and any serde deserialiser (JSON text, a parsed value). Out: [`Slots`], the scalars by number,
//! with the items of the repeated group below. Must not know: fields, types. A value of another shape than its path
//! expects counts as absent.

mod key;
mod slots;

use std::borrow::Cow;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};

use self::key::Key;
pub use self::slots::Slots;
use super::value::Raw;
use crate::catalog::{self, Part};

/// The paths below one object; [`Tree::slot`] and [`Tree::group`] add to it.
#[derive(Debug, Clone, Default)]
pub struct Tree {
    width: usize,
    root: Node,
}

#[derive(Debug, Clone, Default)]
struct Node {
    leaf: Option<usize>,
    /// The bit that is set where there is any value but null.
    mark: u32,
    /// Few: looking through them beats hashing.
    keys: Vec<Key>,
    /// A bit for each key, by its hash: most keys of an event are not among `keys`, and this says so at once.
    hashes: [u64; 4],
    below: Vec<Node>,
    list: Option<Box<List>>,
}

/// What is wanted of the items of a list.
#[derive(Debug, Clone, Default)]
struct List {
    /// The paths below an item.
    item: Tree,
    /// The number of the repeated group that the items are, if they are one.
    group: Option<usize>,
    /// Scalars of items that are scalars of the object around the list.
    picks: Vec<Pick>,
}

/// A scalar of one item, or of all, by its slot in the item and its slot in the object around the list.
#[derive(Debug, Clone)]
struct Pick {
    which: Which,
    from: usize,
    to: usize,
}

/// Which items of a list are meant.
#[derive(Debug, Clone, PartialEq)]
enum Which {
    /// The one of this number.
    Number(usize),
    /// The first that has this text in this slot.
    Having(usize, String),
    /// All of them.
    All,
}

impl Tree {
    /// The slot of a path, new or known.
    pub fn slot(&mut self, path: &str) -> usize {
        self.slot_of(&parts(path))
    }

    fn slot_of(&mut self, parts: &[Part]) -> usize {
        let next = self.width;
        let slot = self.root.slot_of(parts, next);
        self.width = self.width.max(slot + 1);
        slot
    }

    /// Watches a path: where there is any value but null, the bits of `mask` are set in the event's marks.
    pub fn mark(&mut self, path: &str, mask: u32) {
        self.root.descend(&parts(path)).mark |= mask;
    }

    /// Lets every key stand in another spelling too.
    pub fn respell(&mut self, spelling: &impl Fn(&str) -> String) {
        self.root.respell(spelling);
    }

    /// The tree of the items of the list at a path, which are those of the group `number`.
    pub fn group(&mut self, path: &str, number: usize) -> &mut Tree {
        let list = self.root.descend(&parts(path)).list.get_or_insert_with(Box::default);
        list.group = Some(number);
        &mut list.item
    }

    /// The slot of a top-level key, if a path ends there.
    #[must_use]
    pub fn top_level(&self, key: &str) -> Option<usize> {
        self.root.get(key)?.leaf
    }

    /// Nothing found yet.
    #[must_use]
    pub fn empty<'de>(&self) -> Slots<'de> {
        Slots { scalars: vec![None; self.width], items: Vec::new(), group: 0, is_object: false, marks: 0 }
    }

    /// Reads one event.
    ///
    /// # Errors
    /// The deserialiser's, when its text is broken; and when the event is not an object.
    pub fn read<'de, D: Deserializer<'de>>(&self, deserializer: D) -> Result<Slots<'de>, D::Error> {
        let mut slots = self.empty();
        deserializer.deserialize_map(Top { node: &self.root, slots: &mut slots })?;
        Ok(slots)
    }
}

/// The parts of a path; what cannot be read as one, which the catalog has reported, leads to no key that a log has.
fn parts(path: &str) -> Vec<Part> {
    catalog::path(path).unwrap_or_else(|_| vec![Part::Key(path.to_owned())])
}

impl Node {
    /// The node of a path; what a path says behind a list is left out.
    fn descend(&mut self, parts: &[Part]) -> &mut Node {
        let keys = parts.iter().map_while(|part| if let Part::Key(key) = part { Some(key) } else { None });
        keys.fold(self, |node, key| node.child(key))
    }

    /// The slot of a path in the object whose next new slot is `next`.
    fn slot_of(&mut self, parts: &[Part], next: usize) -> usize {
        let node = self.descend(parts);
        let keys = parts.iter().take_while(|part| matches!(part, Part::Key(_))).count();
        let Some((part, rest)) = parts.get(keys..).and_then(<[Part]>::split_first) else {
            return *node.leaf.get_or_insert(next);
        };
        let List { item, group: _, picks } = &mut **node.list.get_or_insert_with(Box::default);
        let which = match part {
            Part::Key(_) | Part::Each => Which::All,
            Part::Item(number) => Which::Number(*number),
            Part::Where { key, value } => {
                Which::Having(item.slot_of(&[Part::Key(key.clone())]), value.clone())
            }
        };
        let from = item.slot_of(rest);
        if let Some(known) = picks.iter().find(|pick| pick.which == which && pick.from == from) {
            return known.to;
        }
        picks.push(Pick { which, from, to: next });
        next
    }

    fn child(&mut self, key: &str) -> &mut Node {
        let new = Key::new(key);
        let known = self.keys.iter().position(|known| *known == new);
        let at = known.unwrap_or_else(|| {
            let hash = Key::hash(new.beginning, new.text.len());
            if let Some(word) = self.hashes.get_mut((hash >> 6) as usize) {
                *word |= 1 << (hash & 63);
            }
            self.keys.push(new);
            self.below.push(Node::default());
            self.keys.len() - 1
        });
        #[expect(clippy::indexing_slicing, reason = "the place was found or made just now")]
        &mut self.below[at]
    }

    fn respell(&mut self, spelling: &impl Fn(&str) -> String) {
        self.list.iter_mut().for_each(|list| list.item.respell(spelling));
        self.below.iter_mut().for_each(|node| node.respell(spelling));
        let keys: Vec<String> = self.keys.iter().map(|key| key.text.clone()).collect();
        for key in keys {
            let other = spelling(&key);
            if other != key
                && let Some(node) = self.get(&key).cloned()
            {
                *self.child(&other) = node;
            }
        }
    }

    /// The node of a path that stands as one key, as in tables that were made of nested values.
    fn at_path(&self, key: &str) -> Option<&Node> {
        memchr::memchr(b'.', key.as_bytes())?;
        key.split('.').try_fold(self, |node, part| node.get(part))
    }

    fn get(&self, key: &str) -> Option<&Node> {
        let beginning = Key::beginning(key);
        let hash = Key::hash(beginning, key.len());
        if self.hashes.get((hash >> 6) as usize)? >> (hash & 63) & 1 == 0 {
            return None;
        }
        self.below.get(self.keys.iter().position(|known| known.is(key, beginning))?)
    }
}

/// The event as a whole: an object, or an error.
struct Top<'t, 's, 'de> {
    node: &'t Node,
    slots: &'s mut Slots<'de>,
}

impl<'de> Visitor<'de> for Top<'_, '_, 'de> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an event, which is an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<(), A::Error> {
        walk_object(KeyOf { node: self.node, is_top: true }, self.slots, map)
    }
}

fn walk_object<'de, A: MapAccess<'de>>(
    keys: KeyOf<'_>,
    slots: &mut Slots<'de>,
    mut map: A,
) -> Result<(), A::Error> {
    slots.is_object = true;
    while let Some(below) = map.next_key_seed(keys)? {
        match below {
            Some(below) => map.next_value_seed(Walk { node: below, slots })?,
            None => drop(map.next_value::<IgnoredAny>()?),
        }
    }
    Ok(())
}

/// Looks a key up while it is still borrowed.
#[derive(Clone, Copy)]
struct KeyOf<'t> {
    node: &'t Node,
    /// Whether keys may be dotted paths.
    is_top: bool,
}

impl<'de, 't> DeserializeSeed<'de> for KeyOf<'t> {
    type Value = Option<&'t Node>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_identifier(self)
    }
}

impl<'t> Visitor<'_> for KeyOf<'t> {
    type Value = Option<&'t Node>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a key")
    }

    fn visit_str<E: Error>(self, key: &str) -> Result<Self::Value, E> {
        let found = self.node.get(key);
        Ok(if self.is_top && found.is_none() { self.node.at_path(key) } else { found })
    }
}

/// One value on a path.
struct Walk<'t, 's, 'de> {
    node: &'t Node,
    slots: &'s mut Slots<'de>,
}

impl<'de> Walk<'_, '_, 'de> {
    fn scalar(self, value: Raw<'de>) {
        self.slots.marks |= self.node.mark;
        if let Some(slot) = self.node.leaf {
            self.slots.set(slot, value);
        }
    }

    /// Text where an object or a list is expected may be JSON: exporters write nested values so.
    fn nested(&mut self, text: &str) {
        let expects_more = !self.node.keys.is_empty() || self.node.list.is_some();
        if !expects_more || !text.trim_start().starts_with(['{', '[']) {
            return;
        }
        // Into slots of their own: of a text that turns out to be broken, nothing may stay behind.
        let width = self.slots.scalars.len();
        let mut inner =
            Slots { scalars: vec![None; width], items: Vec::new(), group: 0, is_object: false, marks: 0 };
        let walk = Walk { node: self.node, slots: &mut inner };
        if walk.deserialize(&mut serde_json::Deserializer::from_str(text)).is_ok() {
            self.slots.adopt(inner);
        }
    }
}

impl<'de> DeserializeSeed<'de> for Walk<'_, '_, 'de> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Walk<'_, '_, 'de> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any value")
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<(), A::Error> {
        self.slots.marks |= self.node.mark;
        walk_object(KeyOf { node: self.node, is_top: false }, self.slots, map)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<(), A::Error> {
        self.slots.marks |= self.node.mark;
        let Some(list) = &self.node.list else {
            while seq.next_element::<IgnoredAny>()?.is_some() {}
            return Ok(());
        };
        // Where a key occurs twice the last list counts, as the last scalar does. RFC 8259 leaves that open, and many
        // readers do so.
        list.clear(self.slots);
        let mut number = 0;
        while let Some(item) = seq.next_element_seed(Item { tree: &list.item })? {
            list.take(number, item, self.slots);
            number += 1;
        }
        Ok(())
    }

    fn visit_borrowed_str<E: Error>(mut self, text: &'de str) -> Result<(), E> {
        self.nested(text);
        self.scalar(Raw::Text(Cow::Borrowed(text)));
        Ok(())
    }

    fn visit_str<E: Error>(mut self, text: &str) -> Result<(), E> {
        self.nested(text);
        self.scalar(Raw::Text(Cow::Owned(text.to_owned())));
        Ok(())
    }

    fn visit_string<E: Error>(mut self, text: String) -> Result<(), E> {
        self.nested(&text);
        self.scalar(Raw::Text(Cow::Owned(text)));
        Ok(())
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<(), E> {
        self.scalar(Raw::Int(number));
        Ok(())
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<(), E> {
        // An id of 64 bits stays exact as text; a decimal would lose its last digits.
        let wide = || Raw::Text(Cow::Owned(number.to_string()));
        self.scalar(i64::try_from(number).map_or_else(|_| wide(), Raw::Int));
        Ok(())
    }

    fn visit_f64<E: Error>(self, number: f64) -> Result<(), E> {
        self.scalar(Raw::Float(number));
        Ok(())
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<(), E> {
        self.scalar(Raw::Bool(value));
        Ok(())
    }

    // Null sets no mark: `"Records": null` makes no envelope.
    fn visit_unit<E: Error>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_none<E: Error>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl List {
    /// Forgets what an earlier list has left.
    fn clear(&self, slots: &mut Slots<'_>) {
        if let Some(group) = self.group {
            slots.items.retain(|item| item.group != group);
        }
        for pick in &self.picks {
            if let Some(place) = slots.scalars.get_mut(pick.to) {
                *place = None;
            }
        }
    }

    /// Takes what is wanted of the item of a number.
    fn take<'de>(&self, number: usize, mut item: Slots<'de>, slots: &mut Slots<'de>) {
        for Pick { which, from, to } in &self.picks {
            let Some(place) = slots.scalars.get_mut(*to) else { continue };
            let Some(found) = item.get(*from) else { continue };
            let is_meant = match which {
                Which::Number(wanted) => number == *wanted,
                Which::Having(slot, text) => {
                    place.is_none() && item.get(*slot).is_some_and(|raw| raw.is_text(text))
                }
                Which::All => true,
            };
            match (is_meant, which) {
                (true, Which::All) => Raw::gather(place, found.clone()),
                (true, Which::Number(_) | Which::Having(..)) => *place = Some(found.clone()),
                (false, _) => {}
            }
        }
        if let Some(group) = self.group.filter(|_| item.is_object) {
            item.group = group;
            slots.items.push(item);
        }
    }
}

/// An item of a list.
struct Item<'t> {
    tree: &'t Tree,
}

impl<'de> DeserializeSeed<'de> for Item<'_> {
    type Value = Slots<'de>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        let mut slots = self.tree.empty();
        Walk { node: &self.tree.root, slots: &mut slots }.deserialize(deserializer)?;
        Ok(slots)
    }
}
