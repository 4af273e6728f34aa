//! YAML, read and written. The only user of the YAML crate.
//!
//! In: text or a serialisable value. Out: a value, or text in which every string survives YAML 1.1 and 1.2 readers.
//! Must not know: what the documents mean.

mod tree;

use serde::de::DeserializeOwned;
use serde::{Serialize, Serializer};
use serde_saphyr::{DoubleQuoted, FlowSeq, LitStr, SingleQuoted};

use crate::source::marked;

pub use tree::{Content, Key, Node, tree};

/// Why a document could not be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReadError {
    /// What is wrong, without the place.
    pub message: String,
    /// First byte of the place, if it is known.
    pub offset: Option<usize>,
    /// Line and column of the place, if it is known.
    pub place: Option<(u64, u64)>,
}

impl std::fmt::Display for ReadError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.place {
            Some((line, column)) => write!(f, "{} at line {line}, column {column}", self.message),
            None => f.write_str(&self.message),
        }
    }
}

/// Reads one document.
///
/// # Errors
/// What is wrong and where; unknown keys, duplicate keys and deep nesting are refused.
pub fn read<T: DeserializeOwned>(text: &str) -> Result<T, ReadError> {
    serde_saphyr::from_str(text).map_err(|error| read_error(text, &error))
}

/// The crate's error in our words, with its place in bytes.
fn read_error(text: &str, error: &serde_saphyr::Error) -> ReadError {
    let place = error.location().map(|place| (place.line(), place.column())).filter(|place| place.0 > 0);
    let offset = place.and_then(|(line, column)| byte_offset(text, line, column));
    let message = error.without_snippet().to_string();
    ReadError { message: in_words(message.lines().next().unwrap_or_default()), offset, place }
}

/// The crate's message without its place, in words that do not speak of its own types and options.
fn in_words(message: &str) -> String {
    let message = message.rsplit_once(" at line ").map_or(message, |(message, _)| message);
    if let Some(key) = message.strip_prefix("duplicate mapping key: ") {
        return format!("the key `{}` occurs twice", key.split(", set ").next().unwrap_or(key));
    }
    if let Some((_, expected)) =
        message.split_once(", expected ").filter(|_| message.starts_with("invalid type: "))
    {
        return format!("expected {expected}");
    }
    let known = [
        ("expected mapping start", "expected keys with values: `key: value`"),
        ("expected sequence start", "expected a list: `[one, another]`"),
        ("expected string scalar", "expected text"),
        ("data did not match any variant of untagged enum", "the value has a form that does not belong here"),
        ("invalid u64", "expected an integer, 0 or more"),
        ("multiple YAML documents detected", "expected one document, not several with `---` between them"),
        ("unexpected end of input", "the file is empty"),
        ("tabs disallowed", "lines are indented with spaces, not with tabs"),
        ("recursive references", "an alias stands inside what it repeats"),
        ("budget breached", "values lie too deep in each other, or there are too many"),
    ];
    let words =
        known.iter().find(|(theirs, _)| message.starts_with(theirs)).map(|(_, ours)| (*ours).to_owned());
    words.unwrap_or_else(|| message.to_owned())
}

fn byte_offset(text: &str, line: u64, column: u64) -> Option<usize> {
    let start = match usize::try_from(line).ok()? {
        0 => return None,
        1 => 0,
        line => text.match_indices('\n').nth(line - 2)?.0 + 1,
    };
    let column = usize::try_from(column).ok()?.saturating_sub(1);
    // The crate counts columns in characters.
    let within = text.get(start..)?.char_indices().nth(column).map(|(at, _)| at);
    Some(within.map_or(text.len(), |at| start + at))
}

/// Writes documents one after another, with `---` between them and none at the ends.
///
/// Plain strings are quoted where a reader of YAML 1.1 or 1.2 could take them for something else; [`Quoted`] and
/// [`Prose`] leave nothing to that judgement.
///
/// # Errors
/// When a value has something YAML cannot say.
pub fn write<T: Serialize>(documents: &[T]) -> Result<String, String> {
    let options = serde_saphyr::ser_options! {
        indent_step: 4,
        compact_list_indent: false,
        prefer_block_scalars: false,
    };
    serde_saphyr::to_string_multiple_with_options(documents, options).map_err(|error| error.to_string())
}

/// A string that is always quoted: in single quotes, where nothing but `'` is special, and in double quotes if it has
/// characters that end a line or cannot be printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Quoted<'a>(pub &'a str);

impl Serialize for Quoted<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if is_plain(self.0) {
            SingleQuoted(self.0).serialize(serializer)
        } else {
            DoubleQuoted(self.0).serialize(serializer)
        }
    }
}

/// Whether [`Quoted`] writes every character so that it can be seen: direction marks have no escape in the YAML crate.
#[must_use]
pub fn is_visible(text: &str) -> bool {
    !marked(text)
        .any(|(_, c, hidden)| hidden && !c.is_control() && !matches!(c, '\u{feff}' | '\u{2028}' | '\u{2029}'))
}

/// Text for people: a literal block if it has several lines, bare if it is made of harmless words, else [`Quoted`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Prose<'a>(pub &'a str);

impl Serialize for Prose<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let text = self.0;
        if is_block(text) {
            LitStr(text).serialize(serializer)
        } else if is_harmless(text) {
            serializer.serialize_str(text)
        } else {
            Quoted(text).serialize(serializer)
        }
    }
}

/// Whether a text may stand in single quotes and in blocks: its characters are printable and no reader sees a line end
/// in one.
fn is_plain(text: &str) -> bool {
    marked(text).all(|(_, c, hidden)| !hidden && !matches!(c, '\u{fffe}' | '\u{ffff}'))
}

/// Whether a literal block gives the text back in every reader: several lines, no space at its start or before
/// a line end.
fn is_block(text: &str) -> bool {
    let tidy = |line: &str| line == line.trim_end() && is_plain(line);
    text.contains('\n') && text == text.trim() && text.split('\n').all(tidy)
}

/// Whether no reader can take the bare text for anything but this text: words of letters, digits and punctuation that
/// YAML does not use; if it is one word, a word of letters without a meaning.
fn is_harmless(text: &str) -> bool {
    const MEANINGS: [&str; 3] = ["true", "false", "null"];
    let harmless =
        |c: char| c.is_ascii_alphanumeric() || matches!(c, ' ' | ',' | '.' | '-' | '_' | '/' | '(' | ')');
    let is_word = || {
        // Among words of three letters or fewer are booleans of YAML 1.1: `y`, `no`, `on`, `yes`, `off`.
        text.len() > 3
            && text.chars().all(|c| c.is_ascii_alphabetic())
            && !MEANINGS.iter().any(|meaning| meaning.eq_ignore_ascii_case(text))
    };
    let are_words = || {
        text.starts_with(|c: char| c.is_ascii_alphabetic())
            && text.contains(' ')
            && !text.ends_with(' ')
            && text.chars().all(harmless)
    };
    is_word() || are_words()
}

/// A short list on one line.
#[derive(Debug, Clone, Copy)]
pub struct Inline<'a, T>(pub &'a [T]);

impl<T: Serialize> Serialize for Inline<'_, T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        FlowSeq(self.0).serialize(serializer)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;

    fn survives(text: &str) {
        let quoted = write(&[BTreeMap::from([("k", vec![Quoted(text)])])]).unwrap();
        let prose = write(&[BTreeMap::from([("k", vec![Prose(text)])])]).unwrap();
        let bare = write(&[BTreeMap::from([("k", vec![text])])]).unwrap();
        for document in [quoted, prose, bare] {
            let back: BTreeMap<String, Vec<String>> = read(&document).unwrap();
            assert_eq!(back.get("k"), Some(&vec![text.to_owned()]), "{document}");
        }
        let key = write(&[BTreeMap::from([(text, 1)])]).unwrap();
        assert_eq!(
            read::<BTreeMap<String, u8>>(&key).unwrap(),
            BTreeMap::from([(text.to_owned(), 1)]),
            "{key}"
        );
    }

    #[test]
    fn hostile_texts_survive() {
        for text in [
            "no",
            "1e3",
            "0x10",
            "007",
            "~",
            "null",
            "2026-11-24",
            "12:30:45",
            "=",
            "<<",
            "",
            " ",
            " a",
            "a ",
            "it's",
            "a\nb",
            "a\n",
            "\n",
            "a\r\nb",
            "a\u{85}b",
            "a\u{2028}b",
            "\u{feff}a",
            "\u{0}",
            "\t",
            "a: b",
            "a #b",
            "- a",
            "*a",
            "&a",
            "!a",
            "%a",
            "@a",
            "`a",
            "{a}",
            "[a]",
            "|",
            ">",
            "'",
            "\"",
            "\\",
            "---",
            "...",
            "--- a",
            "a\n\n b",
            "a\n---\nb",
            "\u{7f}",
            "\u{fffe}",
            "\u{1f600}",
        ] {
            survives(text);
        }
    }

    #[test]
    fn quotes_are_single_and_words_stay_bare() {
        let quoted = ["ab", "it's", "a\\b", "a\nb", "007"].map(Quoted);
        assert_eq!(write(&[quoted]).unwrap(), "- 'ab'\n- 'it''s'\n- 'a\\b'\n- \"a\\nb\"\n- '007'\n");
        let prose = ["Two words (and more)", "Unknown", "yes", "Null", "a: b", "one\ntwo"].map(Prose);
        assert_eq!(
            write(&[prose]).unwrap(),
            "- Two words (and more)\n- Unknown\n- 'yes'\n- 'Null'\n- 'a: b'\n- |-\n    one\n    two\n"
        );
        assert_eq!(
            write(&[BTreeMap::from([("k", Inline(&[Quoted("a, b"), Quoted("]")]))])]).unwrap(),
            "k: ['a, b', ']']\n"
        );
    }

    proptest! {
        #[test]
        fn any_text_survives(text in "\\PC{0,12}|(?s:.){0,12}") {
            survives(&text);
        }
    }
}
