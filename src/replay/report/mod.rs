//! What a replay found.
//!
//! In: alerts, near misses and counts. Out: [`Report`], and its forms as text.
//! Must not know: how logs are read, terminals, files.

pub mod misses;
pub mod output;
mod shown;
pub mod stats;
pub mod timeline;

use crate::engine::alert::{Alert, Tally};
use crate::engine::near::{Miss, Why};
use crate::engine::record::Record;
use stats::Stats;

pub use shown::Shown;

/// What a replay found.
#[derive(Debug)]
pub struct Report {
    /// The records that alerts rest on, in the engine's order; with near misses all that match a step, and behind them
    /// those that only a near miss rests on. Alerts and misses point into them.
    pub records: Vec<Record>,
    /// For each rule, in the order of the plan.
    pub rules: Vec<RuleReport>,
    /// For each rule, in the order of the plan: what it says to whoever reads its alerts.
    pub shown: Vec<Shown>,
    /// Near misses, if they were asked for.
    pub near: Option<NearReport>,
    /// What was read.
    pub stats: Stats,
}

/// What one rule found.
#[derive(Debug)]
pub struct RuleReport {
    /// Name of the rule.
    pub name: String,
    /// Names of its steps.
    pub steps: Vec<String>,
    /// Its alerts after de-duplication, in order.
    pub alerts: Vec<Alert>,
    /// Its counts; `alerts` before de-duplication, `matched` of all records only with `replay::Options::counts`.
    pub tally: Tally,
}

/// The near misses of all rules.
#[derive(Debug, Default)]
pub struct NearReport {
    /// For each rule, in the order of the plan.
    pub rules: Vec<RuleNear>,
    /// One in so many events was looked at for records that fail one part of a step; 1 if all were.
    pub sampled: u64,
    /// Whether events came from standard input, which cannot be read a second time.
    pub unread: bool,
}

/// The near misses of one rule.
#[derive(Debug, Default)]
pub struct RuleNear {
    /// Each condition that a chain failed alone: its step, what it asks, and the number of records at which.
    pub counts: Vec<(String, String, u64)>,
    /// The nearest, by turns of conditions.
    pub listed: Vec<Explained>,
}

/// A near miss with its reason.
#[derive(Debug)]
pub struct Explained {
    /// The miss; its records are those of the replay's report.
    pub miss: Miss,
    /// The step that breaks the chain, and the condition.
    pub at: (String, String),
    /// Why.
    pub why: Why,
    /// Of a key: its field in the record before, and in the record at which the chain breaks.
    pub fields: Option<(String, String)>,
}
