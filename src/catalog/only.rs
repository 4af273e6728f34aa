//! Which events of a log are one source's.
//!
//! In: the entries of a source file. Out: raw paths and the texts that are to stand there. Must not know: how an event
//! is read, what a target makes of it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// Raw paths, and for each the texts of which one must stand there.
pub type RawTexts = BTreeMap<String, Vec<String>>;

/// Events of a log to which another `only` applies: a request that lasts is logged at another stage than one that does
/// not.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OnlyOf {
    /// What these events have.
    #[serde(deserialize_with = "super::written::filled")]
    pub events: RawTexts,
    /// What those among them have that are of the source.
    pub only: RawTexts,
}
