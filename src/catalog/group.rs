//! The repeated groups of a source: lists of its events whose items are records.
//!
//! In: the key `group` of a source file. Out: [`Group`]s. Must not know: fields, targets.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

/// The repeated groups of a source.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Groups(pub Vec<Group>);

/// A repeated group: an event gives one record per item; without items, one record without the group's fields.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Group {
    /// What fields call it, where the source has several.
    #[serde(default)]
    pub name: String,
    /// Dotted path of the array in the raw event.
    pub path: String,
    /// A second array inside an item: a record per inner item; an item without any gives one record.
    #[serde(default)]
    pub inner: Option<String>,
    /// Canonical fields that tell the records of one event apart.
    pub key: Vec<String>,
    /// The values of the discriminator whose events can have it; empty for all.
    #[serde(default)]
    pub for_actions: Vec<String>,
}

impl Group {
    /// What a field says of the group without a name.
    pub const ONLY: &'static str = "true";

    /// The list at a path, and no more.
    #[must_use]
    pub fn at(path: &str) -> Self {
        let (name, path) = (String::new(), path.to_owned());
        Self { name, path, inner: None, key: Vec::new(), for_actions: Vec::new() }
    }

    /// Whether an event with one of the actions (`None`: any) can have items.
    #[must_use]
    pub fn may_be_in(&self, actions: Option<&BTreeSet<String>>) -> bool {
        self.for_actions.is_empty()
            || actions.is_none_or(|actions| self.for_actions.iter().any(|action| actions.contains(action)))
    }
}
