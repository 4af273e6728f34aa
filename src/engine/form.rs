//! Whether a JSON object is an event of a source, an envelope around one, or something else.
//!
//! In: the `log` key of a source, what was read of an object. Out: [`Kind`].
//! Must not know: files, how envelopes are taken apart.

use super::project::{Slots, Tree};
use crate::catalog::{LogForm, Source, Spelling};

/// What an object is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// An event of the source.
    Event,
    /// It has a member in which an event or a list of them may be.
    Envelope,
    /// Anything else.
    Other,
}

/// The marks by which a source recognises its events.
#[derive(Debug)]
pub(super) struct Form {
    /// The marks that every event has.
    detect: u32,
    spellings: Vec<Spelling>,
}

impl Form {
    // Above the bits of `detect`, whose number is limited (`MOST_DETECTED`).
    const WRAPPED: u32 = 1 << 16;
    const OTHER: u32 = 1 << 17;
    /// Set where a part of the event was left out.
    pub(super) const OMITTED: u32 = 1 << 18;

    /// The form of `source`; the keys by which it is recognised are added to `tree`.
    pub(super) fn new(source: &Source, tree: &mut Tree) -> Self {
        let LogForm {
            container,
            wrapped,
            detect,
            others,
            // Read beside the path that they stand for.
            aliases: _,
            // Both are read of every source.
            dotted: _,
            json_text: _,
            spellings,
            // Of paths of files.
            folders: _,
            omitted,
            // Columns have no keys.
            text: _,
        } = &source.log;
        let mut mask = 0;
        for (at, key) in detect.iter().take(LogForm::MOST_DETECTED).enumerate() {
            tree.mark(key, 1 << at);
            mask |= 1 << at;
        }
        let others = others.iter().map(|other| (&other.key, Self::OTHER));
        let omitted = omitted.iter().map(|path| (path, Self::OMITTED));
        let wrapped = container.iter().chain(wrapped).map(|path| (path, Self::WRAPPED));
        for (path, mark) in wrapped.chain(others).chain(omitted) {
            tree.mark(path, mark);
        }
        // Behind all paths: another spelling is a copy of what stands below a key so far.
        for spelling in spellings {
            tree.respell(&|key| spelling.of(key));
        }
        Self { detect: mask, spellings: spellings.clone() }
    }

    pub(super) fn kind(&self, slots: &Slots<'_>) -> Kind {
        // Asked first: exports of Splunk and Elastic hold the event as text and, beside it, some of its fields. What
        // looks like an event there is the lesser copy.
        if slots.has_any(Self::WRAPPED) {
            return Kind::Envelope;
        }
        if self.has_keys(slots) { Kind::Event } else { Kind::Other }
    }

    pub(super) fn has_keys(&self, slots: &Slots<'_>) -> bool {
        // The keys of an event alone do not tell: an S3 event notification has an `eventName` as well.
        slots.has_all(self.detect) && !slots.has_any(Self::OTHER)
    }

    /// A path whose keys are spelt in one way, however they were written.
    pub(super) fn folded(&self, path: &str) -> String {
        self.spellings.iter().fold(path.to_owned(), |path, spelling| spelling.of(&path))
    }
}

/// The scalars of an event, each with its path.
#[must_use]
pub fn flat(event: &serde_json::Value) -> Vec<(String, String)> {
    fn walk(path: &str, value: &serde_json::Value, found: &mut Vec<(String, String)>) {
        let below = |key: &str| if path.is_empty() { key.to_owned() } else { format!("{path}.{key}") };
        match value {
            serde_json::Value::Null => {}
            serde_json::Value::String(text) => found.push((path.to_owned(), text.clone())),
            serde_json::Value::Bool(_) | serde_json::Value::Number(_) => {
                found.push((path.to_owned(), value.to_string()));
            }
            serde_json::Value::Array(items) => {
                items.iter().enumerate().for_each(|(at, item)| walk(&below(&at.to_string()), item, found));
            }
            serde_json::Value::Object(fields) => {
                fields.iter().for_each(|(key, value)| walk(&below(key), value, found));
            }
        }
    }
    let mut found = Vec::new();
    walk("", event, &mut found);
    found
}
