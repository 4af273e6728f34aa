//! Where a source as a whole lives in a target.
//!
//! In: an entry of a source file. Out: [`SourceMapping`]. Must not know: what a target makes of it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{Layout, Layouts, Texts};

/// Where a source lives in one target. Which entries a target reads is its own affair; unused ones are empty.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SourceMapping {
    /// Table (KQL), index pattern (EQL), base search without a pipe (SPL); or several.
    #[serde(default)]
    pub from: Texts,
    /// Expression that is true for this source's records where `from` holds others too.
    #[serde(default)]
    pub filter: Option<String>,
    /// Column or expression of the event time.
    #[serde(default)]
    pub time: String,
    /// Up to how many seconds later than the event time the target's clock may be; the target widens by it.
    #[serde(default)]
    pub time_lag: u64,
    /// Why `time_lag` is not 0.
    #[serde(default)]
    pub time_reason: Option<String>,
    /// Further words, such as Sigma's log source (`product: aws`).
    #[serde(default)]
    pub words: BTreeMap<String, String>,
    /// SQL: raw path to the column of the table that has what stands there, as `KIND COLUMN`.
    #[serde(default)]
    pub stored: BTreeMap<String, String>,
    /// SQL: raw paths below which the table has nothing: why.
    #[serde(default)]
    pub missing: BTreeMap<String, String>,
    /// SQL: raw paths whose place in the table is documented and was seen in no sample.
    #[serde(default)]
    pub unseen: Vec<String>,
    /// SQL: where the source is in tables of other layouts.
    #[serde(default)]
    pub layouts: Layouts,
    /// The layout that was chosen, where it is not that of the mapping itself.
    #[serde(skip)]
    pub layout: Option<Layout>,
    /// Whether that layout has no table for the source.
    #[serde(skip)]
    pub not_held: bool,
    /// What must be configured for the source to be there.
    #[serde(default)]
    pub requires: Vec<String>,
}

impl SourceMapping {
    /// The longest time, in seconds, by which a target's clock may be off: thirty days, longer than any log is late.
    pub const LONGEST_LAG: u64 = 30 * 24 * 3600;

    /// Whether it says where the source is.
    #[must_use]
    pub fn says_where(&self) -> bool {
        !(self.not_held || self.from.0.is_empty() && self.words.is_empty())
    }
}
