//! A semi-join filter: whether a raw event can follow anything, decided by its link keys alone.
//!
//! In: the links that lead to the steps on one source, and the keys seen of all records before them. Out: whether an
//! event is worth reading. Must not know: what steps ask, how events are read. False positives only: where a key cannot
//! be read from outside, the event passes.
//!
//! Most rules end on a busy source, such as flow logs, and few of its events belong to an instance that was launched
//! just now. Once the sources before it have been read, a search for the keys in the text of an event passes over the
//! others, as a join in a database does with a Bloom filter made of its smaller side.
//!
//! The filter assumes that an event without a predecessor cannot matter. That holds for a step behind a link, and for
//! nothing else: an event that exempts (an absence), one that is counted, or one that may come in any order matters
//! without a predecessor. Such a thing must reach this filter as a step without a link ([`SourceStep::link_in`]), for
//! which [`KeyFilter::new`] gives no filter.

use super::json_key::{JsonKey, plain_text};
use super::location::Location;
use super::source_step::SourceStep;
use crate::catalog::Source;
use crate::engine::project::{Slots, Tree};
use crate::engine::record::Schema;
use crate::engine::value::{Raw, Value};
use crate::ir::Type;
use crate::replay::store::seen_keys::{Link, SeenKeys, hash};

/// The links to the steps on one source.
#[derive(Debug)]
pub(super) struct KeyFilter {
    keys: Vec<Key>,
    /// Parts of the key, by number, and the links that have this key.
    links: Vec<(Vec<usize>, Vec<Link>)>,
}

/// Where a part of a key stands.
#[derive(Debug)]
struct Key {
    /// In JSON.
    json: JsonKey,
    /// In columns.
    slot: Option<usize>,
}

/// A part of the key of an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Part<'e> {
    /// It has none.
    Missing,
    Text(&'e str),
    /// It may have any.
    Unclear,
}

impl KeyFilter {
    /// The links to `steps`; `None` where an event without a step before it matters, or a key cannot be read from the
    /// text alone.
    pub(super) fn new(
        steps: &[SourceStep<'_>],
        source: &Source,
        (schema, tree): (&Schema, &Tree),
    ) -> Option<Self> {
        let mut places = Vec::new();
        let mut links: Vec<(Vec<usize>, Vec<Link>)> = Vec::new();
        for SourceStep {
            id: (rule, _),
            rule: _,
            filter: _,
            excepts: _,
            earlier: _,
            lists: _,
            compiled: _,
            link_in,
            link_out: _,
        } in steps
        {
            let (link, key) = (*link_in)?;
            let parts: Vec<usize> = key.iter().map(|(place, _)| number(*place, &mut places)).collect();
            let link = Link { rule: *rule, link };
            match links.iter_mut().find(|(same, _)| *same == parts) {
                Some((_, with_key)) => with_key.push(link),
                None => links.push((parts, vec![link])),
            }
        }
        let keys = places.into_iter().map(|place| Key::new(place, source, schema, tree));
        Some(Self { keys: keys.collect::<Option<_>>()?, links })
    }

    /// Whether an event written as JSON can follow a record whose keys were seen.
    pub(super) fn admits_json(&self, event: &[u8], keys: &SeenKeys) -> bool {
        self.admits(keys, |key| key.in_json(event))
    }

    /// Whether an event written in columns can.
    pub(super) fn admits_columns(&self, event: &Slots<'_>, keys: &SeenKeys) -> bool {
        self.admits(keys, |key| match key.slot.map(|slot| event.get(slot)) {
            // The placeholder `-` is taken for a value: no key has that, and at worst an event is read in vain.
            Some(Some(Raw::Text(text))) => Part::Text(text),
            Some(None) => Part::Missing,
            Some(Some(Raw::Int(_) | Raw::Float(_) | Raw::Bool(_) | Raw::Many(_))) | None => Part::Unclear,
        })
    }

    fn admits<'e>(&self, keys: &SeenKeys, part: impl Fn(&Key) -> Part<'e>) -> bool {
        self.links.iter().any(|(parts, links)| {
            let parts = parts.iter().filter_map(|at| self.keys.get(*at)).map(&part);
            // One part that cannot be read makes the whole key unknown, and an unknown key passes.
            let mut unclear = false;
            let values = parts.map(|part| match part {
                Part::Missing => None,
                Part::Text(text) => Some(Value::Text(text.into())),
                Part::Unclear => {
                    unclear = true;
                    None
                }
            });
            // This ends at the first part without a value. If it is missing the event links to nothing, whatever the
            // parts behind it are; if it is unclear the event passes.
            let key = hash(values);
            unclear || key.is_some_and(|key| links.iter().any(|link| keys.has_seen(*link, key)))
        })
    }
}

/// The number of `place` among `places`, new or known.
fn number(place: usize, places: &mut Vec<usize>) -> usize {
    places.iter().position(|known| *known == place).unwrap_or_else(|| {
        places.push(place);
        places.len() - 1
    })
}

impl Key {
    fn new(place: usize, source: &Source, schema: &Schema, tree: &Tree) -> Option<Self> {
        let (name, ty) = schema.fields().get(place)?;
        // A value that is made of something (captured, mapped, constant) does not stand in the text as the link
        // compares it.
        let Location::AsIs(path) = Location::of(source, name) else { return None };
        let json = JsonKey::of(path)?;
        // Numbers and addresses have several spellings; a link compares text as it is logged.
        (*ty == Type::String).then(|| Self { json, slot: tree.top_level(path) })
    }

    fn in_json<'e>(&self, event: &'e [u8]) -> Part<'e> {
        let mut values = self.json.values(event);
        match (values.next(), values.next()) {
            // The key is spelt without escapes, or the event would not have been asked (`prefilter::is_escaped`).
            (None, _) => Part::Missing,
            (Some(value), None) => {
                let text = plain_text(value).and_then(|text| std::str::from_utf8(text).ok());
                text.map_or(Part::Unclear, Part::Text)
            }
            // Only the path tells which of them is meant.
            (Some(_), Some(_)) => Part::Unclear,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_read_from_outside() {
        let key = Key { json: JsonKey::new("eni"), slot: None };
        for (event, expected) in [
            (r#"{"eni":"eni-1"}"#, Part::Text("eni-1")),
            (r#"{ "eni" : "é" }"#, Part::Text("é")),
            (r#"{"a":"eni","b":1}"#, Part::Missing),
            (r#"{"a":"eni","eni":"eni-1"}"#, Part::Text("eni-1")),
            (r#"{"a":"\"eni\":\"eni-2\""}"#, Part::Missing),
            (r#"{"a":{"eni":"eni-1"},"eni":"eni-2"}"#, Part::Unclear),
            (r#"{"eni":1}"#, Part::Unclear),
            (r#"{"eni":["eni-1"]}"#, Part::Unclear),
            (r#"{"eni":"eni\u002d1"}"#, Part::Unclear),
            (r#"{"eni":"eni-1"#, Part::Unclear),
            (r#"{"eni":"#, Part::Unclear),
            (r"{}", Part::Missing),
        ] {
            assert_eq!(key.in_json(event.as_bytes()), expected, "{event}");
        }
    }
}
