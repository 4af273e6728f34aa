//! A projection of raw events: the wanted scalars, without building the rest.
//!
//! In: a tree of paths and any serde deserialiser (JSON text, a parsed value). Out: [`Slots`], the scalars by number,
//! with the items of the repeated group below. Must not know: fields, types. A value of another shape than its path
//! expects counts as absent.

use std::borrow::Cow;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};

use super::value::Raw;

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
    each: Option<Box<Tree>>,
}

/// A key that is compared by its length and its first bytes before anything else.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Key {
    beginning: u64,
    text: String,
}

impl Key {
    fn new(text: &str) -> Self {
        Self { beginning: Self::beginning(text), text: text.to_owned() }
    }

    #[inline]
    fn beginning(text: &str) -> u64 {
        let bytes = text.as_bytes();
        if let Some(first) = bytes.first_chunk() {
            return u64::from_le_bytes(*first);
        }
        // The first and the last four bytes: of five to seven bytes they overlap, and with the length they still
        // determine the text.
        match (bytes.first_chunk(), bytes.last_chunk()) {
            (Some(first), Some(last)) => {
                u64::from(u32::from_le_bytes(*first)) | u64::from(u32::from_le_bytes(*last)) << 32
            }
            _ => bytes.iter().fold(0, |number, byte| number << 8 | u64::from(*byte)),
        }
    }

    /// Eight bits.
    fn hash(beginning: u64, length: usize) -> u64 {
        // 2^64 divided by the golden ratio: the product spreads keys that differ in a few bits over its highest bits.
        (beginning ^ length as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 56
    }

    fn is(&self, text: &str, beginning: u64) -> bool {
        // Up to eight bytes, the beginning and the length determine the text.
        self.beginning == beginning && self.text.len() == text.len() && (text.len() <= 8 || self.text == text)
    }
}

/// Scalars of one object by slot, and those of the items of its group.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Slots<'de> {
    /// By slot.
    pub scalars: Vec<Option<Raw<'de>>>,
    /// The group's items, in order.
    pub items: Vec<Slots<'de>>,
    /// Whether there was an object at all.
    is_object: bool,
    /// The marks that were found, a bit each.
    marks: u32,
}

impl<'de> Slots<'de> {
    /// The scalar in a slot.
    #[must_use]
    pub fn get(&self, slot: usize) -> Option<&Raw<'de>> {
        self.scalars.get(slot)?.as_ref()
    }

    /// Whether all marks of `mask` were found.
    #[must_use]
    pub fn has_all(&self, mask: u32) -> bool {
        self.marks & mask == mask
    }

    /// Whether a mark of `mask` was found.
    #[must_use]
    pub fn has_any(&self, mask: u32) -> bool {
        self.marks & mask != 0
    }

    /// Takes over what was found in JSON text that is gone afterwards.
    fn adopt(&mut self, inner: Slots<'_>) {
        for (place, found) in self.scalars.iter_mut().zip(inner.scalars) {
            if let Some(raw) = found {
                *place = Some(raw.into_owned());
            }
        }
        self.marks |= inner.marks;
        if !inner.items.is_empty() {
            self.items = inner.items.into_iter().map(Slots::into_owned).collect();
        }
    }

    fn into_owned(self) -> Slots<'static> {
        Slots {
            scalars: self.scalars.into_iter().map(|raw| raw.map(Raw::into_owned)).collect(),
            items: self.items.into_iter().map(Slots::into_owned).collect(),
            is_object: self.is_object,
            marks: self.marks,
        }
    }

    /// Fills a slot.
    pub fn set(&mut self, slot: usize, value: Raw<'de>) {
        if let Some(place) = self.scalars.get_mut(slot) {
            *place = Some(value);
        }
    }
}

impl Tree {
    /// The slot of a dotted path, new or known.
    pub fn slot(&mut self, path: &str) -> usize {
        let next = self.width;
        let slot = *self.root.descend(path).leaf.get_or_insert(next);
        self.width = self.width.max(slot + 1);
        slot
    }

    /// Watches a dotted path: where there is any value but null, the bits of `mask` are set in the event's marks.
    pub fn mark(&mut self, path: &str, mask: u32) {
        self.root.descend(path).mark |= mask;
    }

    /// Lets every key stand in another spelling too.
    pub fn respell(&mut self, spelling: &impl Fn(&str) -> String) {
        self.root.respell(spelling);
    }

    /// The tree of the items of the array at a dotted path.
    pub fn group(&mut self, path: &str) -> &mut Tree {
        self.root.descend(path).each.get_or_insert_with(Box::default)
    }

    /// The slot of a top-level key, if a path ends there.
    #[must_use]
    pub fn top_level(&self, key: &str) -> Option<usize> {
        self.root.get(key)?.leaf
    }

    /// Nothing found yet.
    #[must_use]
    pub fn empty<'de>(&self) -> Slots<'de> {
        Slots { scalars: vec![None; self.width], items: Vec::new(), is_object: false, marks: 0 }
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

impl Node {
    fn descend(&mut self, path: &str) -> &mut Node {
        path.split('.').fold(self, Node::child)
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
        self.each.iter_mut().for_each(|tree| tree.respell(spelling));
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
        let expects_more = !self.node.keys.is_empty() || self.node.each.is_some();
        if !expects_more || !text.trim_start().starts_with(['{', '[']) {
            return;
        }
        // Into slots of their own: of a text that turns out to be broken, nothing may stay behind.
        let width = self.slots.scalars.len();
        let mut inner = Slots { scalars: vec![None; width], items: Vec::new(), is_object: false, marks: 0 };
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
        let Some(tree) = &self.node.each else {
            while seq.next_element::<IgnoredAny>()?.is_some() {}
            return Ok(());
        };
        // Where a key occurs twice the last list counts, as the last scalar does. RFC 8259 leaves that open, and many
        // readers do so.
        self.slots.items.clear();
        while let Some(item) = seq.next_element_seed(Item { tree })? {
            self.slots.items.extend(item);
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

/// An item of the group: an object, or nothing.
struct Item<'t> {
    tree: &'t Tree,
}

impl<'de> DeserializeSeed<'de> for Item<'_> {
    type Value = Option<Slots<'de>>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        let mut slots = self.tree.empty();
        Walk { node: &self.tree.root, slots: &mut slots }.deserialize(deserializer)?;
        Ok(slots.is_object.then_some(slots))
    }
}
