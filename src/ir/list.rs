//! Allowlists of the IR, and keys of lookup tables, judged on one day.
//!
//! In: built by `check`. Out: read by the engine, the targets and the list commands.
//! Must not know: files.

use indexmap::IndexMap;
use indexmap::map::Entry as Slot;
use ipnet::IpNet;
use jiff::civil::Date;
use serde::Serialize;

use super::{Pattern, Type, Value};
use crate::source::{Span, Spanned};

/// An allowlist as used by a rule.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct List {
    /// Its name.
    pub name: Spanned<String>,
    /// Type of the field it was declared for.
    #[serde(rename = "type")]
    pub ty: Type,
    /// Entries in force on the `as_of` day.
    pub entries: Vec<Entry>,
    /// Entries whose `until` has passed: not part of the meaning any more.
    pub expired: Vec<Entry>,
    /// The CSV file they come from, as written, if they do.
    pub file: Option<String>,
    /// What it stands for, if it is no allowlist: then its entries are the keys of a lookup table whose rows pass a
    /// test.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lookup: Option<LookupTest>,
}

/// A test of a column of a lookup table, which was asked of every row when the rule was checked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct LookupTest {
    /// The name of the lookup.
    pub name: String,
    /// The test, as the language writes it.
    pub test: String,
}

/// An entry of an allowlist.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Entry {
    /// What it matches.
    pub value: EntryValue,
    /// As written.
    pub text: String,
    /// Why it is good.
    pub reason: Option<String>,
    /// Who answers for it.
    pub owner: Option<String>,
    /// Where that was decided.
    pub ticket: Option<String>,
    /// The last day on which it counts.
    pub until: Option<Date>,
    /// Row in the CSV file (the header is row 1) or number in the inline list, from 1.
    pub row: usize,
    /// Where it stands.
    pub span: Span,
}

impl Entry {
    /// An entry of which nothing is known but what it matches.
    #[must_use]
    pub fn plain(text: &str, value: EntryValue) -> Self {
        let (reason, owner, ticket, until) = (None, None, None, None);
        Self { value, text: text.to_owned(), reason, owner, ticket, until, row: 1, span: Span::default() }
    }
}

/// What an entry matches.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum EntryValue {
    /// A text or pattern, case-sensitive.
    Pattern(Pattern),
    /// An address or network.
    Network(IpNet),
    /// A number, boolean or instant.
    Value(Value),
}

/// Entries by what they match, each kind in the order of the list.
#[derive(Debug, Clone, Default)]
pub struct Entries<'l> {
    /// Texts and wildcard patterns.
    pub patterns: Vec<&'l Pattern>,
    /// Addresses and networks.
    pub networks: Vec<IpNet>,
    /// Numbers, booleans and timestamps.
    pub values: Vec<Value>,
}

impl<'l> Entries<'l> {
    /// The patterns without wildcards, as texts; what is empty matches no value and is left out.
    pub fn texts(&self) -> impl Iterator<Item = &'l str> {
        self.patterns.iter().filter_map(|pattern| pattern.literal()).filter(|text| !text.is_empty())
    }

    /// The patterns with wildcards.
    pub fn wildcards(&self) -> impl Iterator<Item = &'l Pattern> {
        self.patterns.iter().copied().filter(|pattern| pattern.literal().is_none())
    }

    /// The networks of several addresses, and IPv6 addresses: those have many notations.
    pub fn wider_networks(&self) -> impl Iterator<Item = IpNet> {
        self.networks.iter().copied().filter(|network| !is_v4_address(network))
    }
}

fn is_v4_address(network: &IpNet) -> bool {
    matches!(network, IpNet::V4(network) if network.prefix_len() == 32)
}

impl EntryValue {
    /// The one text that it matches, if that is all: a text without wildcards, an IPv4 address. What is empty matches
    /// no value.
    #[must_use]
    pub fn exact(&self) -> Option<String> {
        match self {
            Self::Pattern(pattern) => pattern.literal().filter(|text| !text.is_empty()).map(str::to_owned),
            Self::Network(network) => is_v4_address(network).then(|| network.addr().to_string()),
            Self::Value(_) => None,
        }
    }
}

impl List {
    /// What it is, in words: an allowlist by its name, or the rows of a lookup that pass a test.
    #[must_use]
    pub fn described(&self) -> String {
        match &self.lookup {
            None => format!("allowlist `{}`", self.name.node),
            Some(LookupTest { name, test }) => format!("lookup `{name}`, `{test}`"),
        }
    }

    /// What a lookup table can compare as a text, each text once, with the entry that counts longest.
    #[must_use]
    pub fn exact(&self) -> IndexMap<String, &Entry> {
        let last_day = |entry: &Entry| entry.until.unwrap_or(Date::MAX);
        let mut exact = IndexMap::new();
        for entry in &self.entries {
            let Some(text) = entry.value.exact() else { continue };
            match exact.entry(text) {
                Slot::Vacant(free) => _ = free.insert(entry),
                Slot::Occupied(mut taken) if last_day(taken.get()) < last_day(entry) => {
                    _ = taken.insert(entry);
                }
                Slot::Occupied(_) => {}
            }
        }
        exact
    }

    /// The entries in force, by what they match.
    #[must_use]
    pub fn by_kind(&self) -> Entries<'_> {
        let mut entries = Entries::default();
        for entry in &self.entries {
            match &entry.value {
                EntryValue::Pattern(pattern) => entries.patterns.push(pattern),
                EntryValue::Network(network) => entries.networks.push(*network),
                EntryValue::Value(value) => entries.values.push(value.clone()),
            }
        }
        entries
    }

    /// Its networks, if it has nothing else and is not empty.
    #[must_use]
    pub fn only_networks(&self) -> Option<Vec<IpNet>> {
        let Entries { patterns, networks, values } = self.by_kind();
        (patterns.is_empty() && values.is_empty() && !networks.is_empty()).then_some(networks)
    }
}
