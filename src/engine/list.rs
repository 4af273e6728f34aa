//! Allowlists, compiled.
//!
//! In: a list of the IR with the entries in force. Out: membership of a value, and the entry that excuses it.
//! Must not know: fields, records.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::OnceLock;

use super::network::Networks;
use super::text::Wildcard;
use super::value::{Atom, Value};
use crate::ir::{Case, Entry, EntryValue, List, Pattern};

/// A list that answers without trying entry after entry: texts and values by hash, networks by range,
/// patterns by the text they begin with.
#[derive(Debug, Default)]
pub struct Allowlist {
    texts: Texts,
    /// The same for fields whose letter case varies; made when one asks.
    folded: OnceLock<Texts>,
    wildcards: Vec<Pattern>,
    values: HashSet<Atom>,
    networks: Networks,
}

/// Texts and patterns, compared in one way.
#[derive(Debug, Default)]
struct Texts {
    exact: HashSet<String>,
    /// Length of the fixed beginning, the beginning, its patterns.
    patterns: BTreeMap<usize, HashMap<String, Vec<Wildcard>>>,
}

impl Texts {
    fn new<'l>(
        exact: impl IntoIterator<Item = &'l str>,
        wildcards: impl IntoIterator<Item = &'l Pattern>,
        case: Case,
    ) -> Self {
        let mut patterns: BTreeMap<usize, HashMap<String, Vec<Wildcard>>> = BTreeMap::new();
        for pattern in wildcards {
            let wildcard = Wildcard::new(pattern, case);
            let prefix = wildcard.prefix().to_owned();
            patterns.entry(prefix.len()).or_default().entry(prefix).or_default().push(wildcard);
        }
        Self { exact: exact.into_iter().map(|text| case.fold(text).into_owned()).collect(), patterns }
    }

    fn contains(&self, text: &str) -> bool {
        self.exact.contains(text) || self.matches_pattern(text)
    }

    fn matches_pattern(&self, text: &str) -> bool {
        self.patterns.iter().any(|(length, by_prefix)| {
            // A cut within a character gives nothing, and rightly so: a prefix consists of whole characters.
            let candidates = text.get(..*length).and_then(|prefix| by_prefix.get(prefix));
            candidates.is_some_and(|patterns| patterns.iter().any(|pattern| pattern.matches(text)))
        })
    }
}

impl Allowlist {
    /// Compiles the entries in force.
    #[must_use]
    pub fn new(list: &List) -> Self {
        let entries = list.by_kind();
        let values = entries.values.iter().filter_map(Value::from_ir);
        Self {
            texts: Texts::new(entries.texts(), entries.wildcards(), Case::Sensitive),
            folded: OnceLock::new(),
            wildcards: entries.wildcards().cloned().collect(),
            values: values.map(|value| value.atom()).collect(),
            networks: Networks::new(&entries.networks),
        }
    }

    /// Whether an entry matches; texts in `case`.
    #[must_use]
    pub fn contains(&self, value: &Value<'_>, case: Case) -> bool {
        match value {
            Value::Text(text) => match case {
                Case::Sensitive => self.texts.contains(text),
                Case::Ignore => self.folded().contains(&case.fold(text)),
            },
            Value::Int(_)
            | Value::Float(_)
            | Value::Bool(_)
            | Value::Time(_)
            | Value::Ip(_)
            | Value::AltSpelling(_) => {
                value.address().is_some_and(|address| self.networks.contains(address))
                    || (!self.values.is_empty() && self.values.contains(&value.atom()))
            }
            // A test says which of the values it asks.
            Value::Many(_) => false,
        }
    }

    fn folded(&self) -> &Texts {
        let exact = || self.texts.exact.iter().map(String::as_str);
        self.folded.get_or_init(|| Texts::new(exact(), &self.wildcards, Case::Ignore))
    }
}

/// The first entry in force that matches, for explanations.
#[must_use]
pub fn excusing<'l>(list: &'l List, value: &Value<'_>) -> Option<&'l Entry> {
    // Letter case counts unless the field ignores it; then no entry may match exactly.
    let found = |case| list.entries.iter().find(move |entry| matches_in(entry, value, case));
    found(Case::Sensitive).or_else(|| found(Case::Ignore))
}

/// Whether an entry matches a value.
#[must_use]
pub fn entry_matches(entry: &Entry, value: &Value<'_>) -> bool {
    matches_in(entry, value, Case::Sensitive)
}

fn matches_in(entry: &Entry, value: &Value<'_>, case: Case) -> bool {
    match (&entry.value, value) {
        (EntryValue::Pattern(pattern), Value::Text(text)) => Wildcard::new(pattern, case).matches(text),
        (EntryValue::Network(network), _) => {
            value.address().is_some_and(|address| Networks::new([network]).contains(address))
        }
        (EntryValue::Value(wanted), _) => Value::from_ir(wanted).is_some_and(|wanted| wanted.same(value)),
        (EntryValue::Pattern(_), _) => false,
    }
}
