//! Entries of lists that count: without those that others cover.
//!
//! In: lists of two rules. Out: entries by what they match, and which list of one rule is which of the other. Must not
//! know: conditions.

use std::collections::{BTreeMap, BTreeSet};

use super::normal::ListNames;
use crate::ir::{EntryValue, List, LookupTest, Pattern, Rule};

/// The most pairs of a pattern and an entry of one list that are compared.
const MOST: usize = 200_000;

/// The entries of a list that count: what each matches, with its text.
pub(super) fn counting(list: &List) -> BTreeMap<String, &str> {
    let mut networks: Vec<_> = Vec::new();
    let mut wild: Vec<&Pattern> = Vec::new();
    for entry in &list.entries {
        match &entry.value {
            EntryValue::Network(network) => networks.push(*network),
            EntryValue::Pattern(pattern) if pattern.literal().is_none() => wild.push(pattern),
            EntryValue::Pattern(_) | EntryValue::Value(_) => {}
        }
    }
    // A network comes right after those that hold it.
    networks.sort_by_key(|network| (network.network(), network.prefix_len()));
    let mut outer = None;
    let mut inner = BTreeSet::new();
    for network in networks {
        match outer {
            Some(known) if known == network => {}
            Some(known) if ipnet::IpNet::contains(&known, &network) => _ = inner.insert(network),
            Some(_) | None => outer = Some(network),
        }
    }
    let few = wild.len().saturating_mul(list.entries.len()) <= MOST;
    let mut found = BTreeMap::new();
    for entry in &list.entries {
        let (is_covered, key) = match &entry.value {
            EntryValue::Network(network) => (inner.contains(network), network.to_string()),
            EntryValue::Pattern(pattern) => {
                // Of two that match the same both would be gone.
                let covers = |broad: &&Pattern| broad.covers(pattern) && !pattern.covers(broad);
                (few && wild.iter().any(covers), format!("{:?}", pattern.parts))
            }
            EntryValue::Value(value) => (false, value.text()),
        };
        if !is_covered {
            found.entry(key).or_insert(entry.text.as_str());
        }
    }
    found
}

/// The lists of the old rule that the new one has under another name.
pub(super) fn renamed(old: &Rule, new: &Rule) -> ListNames {
    let is_allowlist = |list: &&List| list.lookup.is_none();
    let has = |rule: &Rule, name: &str| rule.lists.iter().any(|list| list.name.node == name);
    let gone = old.lists.iter().filter(is_allowlist).filter(|list| !has(new, &list.name.node));
    let mut come: Vec<_> =
        new.lists.iter().filter(is_allowlist).filter(|list| !has(old, &list.name.node)).collect();
    let mut names = ListNames::new();
    for list in gone {
        let entries: Vec<_> = counting(list).into_keys().collect();
        let same = come.iter().position(|other| counting(other).into_keys().eq(entries.iter().cloned()));
        if let Some(place) = same {
            names.insert(list.name.node.clone(), come.remove(place).name.node.clone());
        }
    }
    names
}

/// What an entry of a list is called as a clause, and what it says.
pub(super) fn clause(list: &List, names: &ListNames, text: &str) -> (String, &'static str) {
    match &list.lookup {
        None => {
            let own = &list.name.node;
            (format!("allowlist {} entry {text}", names.get(own).unwrap_or(own)), "allowed")
        }
        Some(LookupTest { name, test }) => (format!("lookup {name} key {text} where {test}"), "true"),
    }
}
