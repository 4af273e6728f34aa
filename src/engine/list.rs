//! Allowlists, compiled.
//!
//! In: a list of the IR with the entries in force. Out: membership of a value, and the entry that excuses it.
//! Must not know: fields, records.

use std::collections::{BTreeMap, HashMap, HashSet};

use super::network::Networks;
use super::text::Wildcard;
use super::value::{Atom, Value};
use crate::ir::{Case, Entry, EntryValue, List};

/// A list that answers without trying entry after entry: texts and values by hash, networks by range,
/// patterns by the text they begin with.
#[derive(Debug, Default)]
pub struct Allowlist {
    texts: HashSet<String>,
    values: HashSet<Atom>,
    networks: Networks,
    /// Length of the fixed beginning, the beginning, its patterns.
    patterns: BTreeMap<usize, HashMap<String, Vec<Wildcard>>>,
}

impl Allowlist {
    /// Compiles the entries in force.
    #[must_use]
    pub fn new(list: &List) -> Self {
        let entries = list.by_kind();
        let mut patterns: BTreeMap<usize, HashMap<String, Vec<Wildcard>>> = BTreeMap::new();
        for pattern in entries.wildcards() {
            let wildcard = Wildcard::new(pattern, Case::Sensitive);
            let prefix = wildcard.prefix().to_owned();
            patterns.entry(prefix.len()).or_default().entry(prefix).or_default().push(wildcard);
        }
        let values = entries.values.iter().filter_map(Value::from_ir);
        Self {
            texts: entries.texts().map(str::to_owned).collect(),
            values: values.map(|value| value.atom()).collect(),
            networks: Networks::new(&entries.networks),
            patterns,
        }
    }

    /// Whether an entry matches.
    #[must_use]
    pub fn contains(&self, value: &Value<'_>) -> bool {
        match value {
            Value::Text(text) => self.texts.contains(text.as_ref()) || self.matches_pattern(text),
            Value::Int(_)
            | Value::Float(_)
            | Value::Bool(_)
            | Value::Time(_)
            | Value::Ip(_)
            | Value::AltSpelling(_) => {
                value.address().is_some_and(|address| self.networks.contains(address))
                    || (!self.values.is_empty() && self.values.contains(&value.atom()))
            }
        }
    }

    fn matches_pattern(&self, text: &str) -> bool {
        self.patterns.iter().any(|(length, by_prefix)| {
            // A cut within a character gives nothing, and rightly so: a prefix consists of whole characters.
            let candidates = text.get(..*length).and_then(|prefix| by_prefix.get(prefix));
            candidates.is_some_and(|patterns| patterns.iter().any(|pattern| pattern.matches(text)))
        })
    }
}

/// The first entry in force that matches, for explanations.
#[must_use]
pub fn excusing<'l>(list: &'l List, value: &Value<'_>) -> Option<&'l Entry> {
    list.entries.iter().find(|entry| entry_matches(entry, value))
}

/// Whether an entry matches a value.
#[must_use]
pub fn entry_matches(entry: &Entry, value: &Value<'_>) -> bool {
    match (&entry.value, value) {
        (EntryValue::Pattern(pattern), Value::Text(text)) => {
            Wildcard::new(pattern, Case::Sensitive).matches(text)
        }
        (EntryValue::Network(network), _) => {
            value.address().is_some_and(|address| Networks::new([network]).contains(address))
        }
        (EntryValue::Value(wanted), _) => Value::from_ir(wanted).is_some_and(|wanted| wanted.same(value)),
        (EntryValue::Pattern(_), _) => false,
    }
}
