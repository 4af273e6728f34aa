//! Whether a raw event can follow anything, told by its link keys alone.
//!
//! In: the links that lead to the steps on one source, and the keys seen of all records before them. Out: whether an
//! event is worth reading. Must not know: what steps ask, how events are read. The answer is a superset: where a key
//! cannot be told from outside, it may follow.
//!
//! Most rules end on a busy source, such as flow logs, and few of its events belong to an instance that was launched
//! just now. Once the sources before it have been read, a search for the keys in the text of an event passes over the
//! others, as a join in a database does with a filter made of its smaller side.

use std::collections::BTreeMap;

use super::json_key::{JsonKey, plain_text};
use super::keys::{Keys, Link, hash};
use super::steps::Written;
use crate::catalog::{self, Source};
use crate::engine::program::{Program, Step};
use crate::engine::project::{Slots, Tree};
use crate::engine::record::Schema;
use crate::engine::value::{Raw, Value};
use crate::ir::Type;

/// The links to the steps on one source.
#[derive(Debug)]
pub(super) struct Follow {
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

impl Follow {
    /// The links of `programs` to `steps`; `None` where an event without a step before it counts, or a key is not told
    /// by text alone.
    pub(super) fn new(
        steps: &[Written<'_>],
        programs: &[Program],
        source: &Source,
        (schema, tree): (&Schema, &Tree),
    ) -> Option<Self> {
        let mut places = Vec::new();
        let mut links: Vec<(Vec<usize>, Vec<Link>)> = Vec::new();
        for Written { name: (rule, step), .. } in steps {
            let link = usize::from(*step).checked_sub(1)?;
            let right = &programs.get(*rule as usize)?.links.get(link)?.right;
            let parts: Vec<usize> = right.iter().map(|place| number(*place, &mut places)).collect();
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
    pub(super) fn admits_json(&self, event: &[u8], keys: &Keys) -> bool {
        self.admits(keys, |key| key.in_json(event))
    }

    /// Whether an event written in columns can.
    pub(super) fn admits_columns(&self, event: &Slots<'_>, keys: &Keys) -> bool {
        self.admits(keys, |key| match key.slot.map(|slot| event.get(slot)) {
            Some(Some(Raw::Text(text))) => Part::Text(text),
            Some(None) => Part::Missing,
            Some(Some(Raw::Int(_) | Raw::Float(_) | Raw::Bool(_))) | None => Part::Unclear,
        })
    }

    fn admits<'e>(&self, keys: &Keys, part: impl Fn(&Key) -> Part<'e>) -> bool {
        self.links.iter().any(|(parts, links)| {
            let parts = parts.iter().filter_map(|at| self.keys.get(*at)).map(&part);
            let mut unclear = false;
            let values = parts.map(|part| match part {
                Part::Missing => None,
                Part::Text(text) => Some(Value::Text(text.into())),
                Part::Unclear => {
                    unclear = true;
                    None
                }
            });
            let key = hash(values);
            unclear || key.is_some_and(|key| links.iter().any(|link| keys.has_seen(*link, key)))
        })
    }
}

/// In which turn each source is read: the first for those with a first step, then one after another those whose steps
/// all follow steps on sources that were read before. A source that is not named goes first.
pub(super) fn turns(programs: &[Program]) -> BTreeMap<String, usize> {
    let mut first: BTreeMap<&str, usize> = BTreeMap::new();
    for (at, step) in programs.iter().flat_map(|program| steps_of(program).iter().enumerate()) {
        let least = first.entry(step.schema.source()).or_insert(at);
        *least = (*least).min(at);
    }
    let mut order: Vec<&str> = first.keys().copied().collect();
    order.sort_by_key(|source| first.get(source));
    let mut turns = BTreeMap::new();
    for source in order {
        let earlier = |step: &Step| turns.contains_key(step.schema.source());
        let mut pairs = programs.iter().flat_map(|program| steps_of(program).windows(2));
        let follows = first.get(source) != Some(&0)
            && pairs.all(
                |pair| !matches!(pair, [before, step] if step.schema.source() == source && !earlier(before)),
            );
        let turn = if follows { turns.values().max().map_or(0, |last| last + 1) } else { 0 };
        turns.insert(source.to_owned(), turn);
    }
    turns
}

/// The steps of a program, which alone say what an event must follow. Taken apart without `..`: whatever else reads
/// events of its own must be answered for here.
fn steps_of(program: &Program) -> &[std::sync::Arc<Step>] {
    let Program { name: _, steps, links: _, total: _, dedupe: _ } = program;
    steps
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
        let catalog::Raw::Path(path) = source.field(name)?.raw.as_ref()? else { return None };
        let json = JsonKey::of(path)?;
        (*ty == Type::String).then(|| Self { json, slot: tree.top_level(path) })
    }

    fn in_json<'e>(&self, event: &'e [u8]) -> Part<'e> {
        let mut values = self.json.values(event);
        match (values.next(), values.next()) {
            (None, _) => Part::Missing,
            (Some(value), None) => {
                let text = plain_text(value).and_then(|text| std::str::from_utf8(text).ok());
                text.map_or(Part::Unclear, Part::Text)
            }
            (Some(_), Some(_)) => Part::Unclear,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_told_from_outside() {
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
