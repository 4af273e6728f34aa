//! What a compilation is given: a rule, the sources, the choices of the user.
//!
//! In: made by whoever compiles. Out: read by gate, bind and targets. Must not know: how a rule is lowered.

use serde::Serialize;

use super::{DEFAULT_INTERVAL, Schemas};
use crate::catalog::Catalog;
use crate::ir;

/// One rule to lower, and all that decides what comes out.
#[derive(Debug, Clone, Copy)]
pub struct Job<'a> {
    /// The rule.
    pub rule: &'a ir::Rule,
    /// The sources, with the environment's changes applied.
    pub catalog: &'a Catalog,
    /// What the targets make of them.
    pub schemas: &'a Schemas,
    /// The options in force.
    pub options: &'a Options,
}

/// What the user may choose.
#[derive(Debug, Clone)]
#[expect(clippy::struct_excessive_bools, reason = "each is a choice of its own, and none excludes another")]
pub struct Options {
    /// How allowlists reach the query.
    pub lists: ListDelivery,
    /// Whether a query that could miss events is written at all.
    pub allow_subset: bool,
    /// KQL: join by time buckets, for keys with very many events.
    pub time_buckets: bool,
    /// Seconds between two runs of a query.
    pub interval: u64,
    /// Sigma: where text is compared case-sensitively.
    pub cased: Cased,
    /// Sigma: a file for each base rule.
    pub split: bool,
    /// SPL and KQL: which alerts of a run the query gives.
    pub rows: Rows,
    /// SPL: where what must not have come before is looked for.
    pub baseline: Baseline,
    /// SPL: whether the log of the last step is read only where a list has the key of a chain that lacks it.
    pub staged: bool,
    /// SQL: the engine that runs the query.
    pub dialect: SqlDialect,
    /// SQL: the alerts that the query gives.
    pub slice: Slice,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            lists: ListDelivery::default(),
            allow_subset: false,
            time_buckets: false,
            interval: DEFAULT_INTERVAL,
            cased: Cased::default(),
            split: false,
            rows: Rows::default(),
            baseline: Baseline::default(),
            staged: false,
            dialect: SqlDialect::default(),
            slice: Slice::default(),
        }
    }
}

/// Which alerts of a run a query gives.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Rows {
    /// All of them.
    #[default]
    All,
    /// The first of those that `dedupe` takes for one.
    OnePerKey,
}

/// Where a query looks for what must not have come before a step.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Baseline {
    /// In the events, as far back as the rule says.
    #[default]
    Inline,
    /// In a list that a search of its own keeps, if that is further back than [`Baseline::LIMIT`].
    Auto,
    /// Always in such a list.
    Lookup,
}

impl Baseline {
    /// How far back, in seconds, `Auto` reads the events themselves. Up to a day a search reads about as many events
    /// in each run as the search that keeps a list, which has to be filled and watched besides.
    pub const LIMIT: u64 = 86_400;

    /// Whether what lies up to `window` seconds back is asked of a list.
    #[must_use]
    pub fn keeps(self, window: u64) -> bool {
        match self {
            Self::Inline => false,
            Self::Auto => window > Self::LIMIT,
            Self::Lookup => true,
        }
    }
}

/// The engine of a lake for which SQL is written.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SqlDialect {
    /// `DuckDB`.
    #[default]
    DuckDb,
    /// Apache Spark 4 and Databricks.
    Spark,
    /// Trino and Amazon Athena.
    Trino,
}

/// The slice of time in which the last event of an alert lies.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Slice {
    /// All that the tables hold.
    #[default]
    Whole,
    /// From one instant on, and before another; microseconds since 1970.
    Between(i64, i64),
    /// The same, with the dialect's markers for parameters in place of the instants.
    Marked,
}

/// Whether Sigma rules have the modifier `cased`, which most converters refuse.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Cased {
    /// Where letter case can make a difference.
    #[default]
    Needed,
    /// Nowhere: more values match, and exceptions except more.
    Never,
}

/// How allowlists reach the query.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ListDelivery {
    /// In the text when small, by the SIEM's own list when large.
    #[default]
    Auto,
    /// Always in the text.
    Inline,
    /// By the SIEM's own list wherever it can hold the entries.
    Lookup,
}

impl ListDelivery {
    /// The longest list that `Auto` writes into the text.
    pub const INLINE_LIMIT: usize = 50;

    /// Whether `exact` plain values of a list go into a list of the SIEM.
    #[must_use]
    pub fn by_lookup(self, exact: usize) -> bool {
        match self {
            Self::Inline => false,
            // A list of nothing but patterns and networks has no entry that a list of the SIEM could hold.
            Self::Lookup => exact > 0,
            Self::Auto => exact > Self::INLINE_LIMIT,
        }
    }
}
