//! A YAML document as a tree in which every key and value has its place.
//!
//! In: text. Out: [`Node`]s, aliases and merge keys resolved. Must not know: which keys may stand where.

use std::ops::Range;

use serde::de::{Deserialize, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_saphyr::{DuplicateKeyPolicy, Location, Spanned};

use super::{ReadError, read_error};

/// A value and where it stands. Of a list or map only the beginning is known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Node {
    /// The value.
    pub content: Content,
    /// Its bytes; of a text over several lines, those of the first.
    pub range: Range<usize>,
}

/// A value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Content {
    /// Nothing, `~` or `null`.
    Null,
    /// Anything else that is one value, as text: `1_000` and `yes` as they were written, quoted text without its
    /// quotes.
    Scalar(String),
    /// Items.
    List(Vec<Node>),
    /// Keys with values, in the order of the file; a key may occur twice.
    Map(Vec<(Key, Node)>),
}

/// A key and where it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Key {
    /// The key.
    pub name: String,
    /// Its bytes.
    pub range: Range<usize>,
}

impl Node {
    /// The value of a key, with the key itself.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&(Key, Node)> {
        match &self.content {
            Content::Map(entries) => entries.iter().find(|(key, _)| key.name == name),
            Content::Null | Content::Scalar(_) | Content::List(_) => None,
        }
    }
}

/// How deep values may lie in each other: no file that people write comes near, and a value costs much stack.
const DEEPEST: usize = 16;

/// Reads one document.
///
/// # Errors
/// What is wrong with its notation, and where; it has no errors of meaning.
pub fn tree(text: &str) -> Result<Node, ReadError> {
    let options = serde_saphyr::options! {
        // Both entries stay in the tree, where `form` reports the second with the place of the first; the crate would
        // stop at it.
        duplicate_keys: DuplicateKeyPolicy::LastWins,
        budget: serde_saphyr::budget! { max_depth: DEEPEST },
    };
    let read: Spanned<Raw> =
        serde_saphyr::from_str_with_options(text, options).map_err(|error| read_error(text, &error))?;
    Ok(node(read, text))
}

/// A value as the YAML crate gives it.
enum Raw {
    Null,
    /// Not a text for the crate: what was written counts.
    Other,
    Text(String),
    List(Vec<Spanned<Self>>),
    Map(Vec<(Spanned<String>, Spanned<Self>)>),
}

fn node(raw: Spanned<Raw>, text: &str) -> Node {
    let range = bytes(raw.referenced, text);
    let content = match raw.value {
        Raw::Null => Content::Null,
        Raw::Other => {
            // Of an alias the place is where it is used, and the text where it was defined.
            Content::Scalar(text.get(bytes(raw.defined, text)).unwrap_or_default().trim().to_owned())
        }
        Raw::Text(text) => Content::Scalar(text),
        Raw::List(items) => Content::List(items.into_iter().map(|item| node(item, text)).collect()),
        Raw::Map(entries) => {
            let entry = |(key, value): (Spanned<String>, _)| {
                let range = bytes(key.referenced, text);
                (Key { name: key.value, range }, node(value, text))
            };
            Content::Map(entries.into_iter().map(entry).collect())
        }
    };
    Node { content, range: first_line(range, text) }
}

fn bytes(location: Location, text: &str) -> Range<usize> {
    let span = location.span();
    let number = |number: Option<u64>| number.and_then(|number| usize::try_from(number).ok());
    let start = number(span.byte_offset()).unwrap_or_default().min(text.len());
    start..(start + number(span.byte_len()).unwrap_or_default()).min(text.len())
}

fn first_line(range: Range<usize>, text: &str) -> Range<usize> {
    let shown = text.get(range.clone()).unwrap_or_default();
    let line = shown.lines().next().unwrap_or_default().trim_end();
    range.start..range.start + line.len()
}

impl<'de> Deserialize<'de> for Raw {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(RawVisitor)
    }
}

struct RawVisitor;

impl<'de> Visitor<'de> for RawVisitor {
    type Value = Raw;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("a value")
    }

    fn visit_unit<E: Error>(self) -> Result<Raw, E> {
        Ok(Raw::Null)
    }

    fn visit_bool<E: Error>(self, _: bool) -> Result<Raw, E> {
        Ok(Raw::Other)
    }

    fn visit_i64<E: Error>(self, _: i64) -> Result<Raw, E> {
        Ok(Raw::Other)
    }

    fn visit_i128<E: Error>(self, _: i128) -> Result<Raw, E> {
        Ok(Raw::Other)
    }

    fn visit_u64<E: Error>(self, _: u64) -> Result<Raw, E> {
        Ok(Raw::Other)
    }

    fn visit_u128<E: Error>(self, _: u128) -> Result<Raw, E> {
        Ok(Raw::Other)
    }

    fn visit_f64<E: Error>(self, _: f64) -> Result<Raw, E> {
        Ok(Raw::Other)
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Raw, E> {
        Ok(Raw::Text(text.to_owned()))
    }

    fn visit_string<E: Error>(self, text: String) -> Result<Raw, E> {
        Ok(Raw::Text(text))
    }

    fn visit_bytes<E: Error>(self, _: &[u8]) -> Result<Raw, E> {
        Ok(Raw::Other)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Raw, A::Error> {
        let mut list = Vec::new();
        while let Some(item) = items.next_element()? {
            list.push(item);
        }
        Ok(Raw::List(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Raw, A::Error> {
        let mut map = Vec::new();
        while let Some(entry) = entries.next_entry()? {
            map.push(entry);
        }
        Ok(Raw::Map(map))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Each scalar and key with the text at its place.
    fn shown(text: &str) -> Vec<String> {
        fn walk(node: &Node, text: &str, found: &mut Vec<String>) {
            match &node.content {
                Content::Null => found.push("null".to_owned()),
                Content::Scalar(value) => {
                    found.push(format!("{value:?} at {:?}", text.get(node.range.clone()).unwrap()));
                }
                Content::List(items) => items.iter().for_each(|item| walk(item, text, found)),
                Content::Map(entries) => {
                    for (key, value) in entries {
                        found.push(format!("{}: at {:?}", key.name, text.get(key.range.clone()).unwrap()));
                        walk(value, text, found);
                    }
                }
            }
        }
        let mut found = Vec::new();
        walk(&tree(text).unwrap(), text, &mut found);
        found
    }

    #[test]
    fn scalars_and_keys_have_their_places() {
        let text = "é: {b: [1_0, 'x y', ~], 'c c': no}\nd: >-\n  one\n  two\ne: \"a\\tb\"\nf: *x\n"
            .replace("d:", "g: &x 5\nd:");
        assert_eq!(
            shown(&text),
            [
                "é: at \"é\"",
                "b: at \"b\"",
                "\"1_0\" at \"1_0\"",
                "\"x y\" at \"'x y'\"",
                "null",
                "c c: at \"'c c'\"",
                "\"no\" at \"no\"",
                "g: at \"g\"",
                "\"5\" at \"5\"",
                "d: at \"d\"",
                "\"one two\" at \"one\"",
                "e: at \"e\"",
                "\"a\\tb\" at \"\\\"a\\\\tb\\\"\"",
                "f: at \"f\"",
                "\"5\" at \"*x\"",
            ]
        );
    }

    #[test]
    fn a_key_may_occur_twice() {
        assert_eq!(shown("a: 1\na: 2\n").len(), 4);
    }

    #[test]
    fn broken_notation_has_a_place() {
        let error = tree("é: b\na: [1\n").unwrap_err();
        assert_eq!(error.offset, Some(9), "{error}");
    }
}
