//! What a query is made of: names at its top, then tables.
//!
//! In: printed fragments. Out: [`Query`], for the layout. Must not know: what the tables hold.

use super::lets::Let;
use super::literal::Frag;

/// The column that Sentinel and its custom detections ask of an answer: when the alert happened.
pub(super) const STAMP: &str = "TimeGenerated";

/// A query without its head.
#[derive(Debug, Clone)]
pub(super) struct Query {
    /// What an analyst tunes.
    pub(super) lets: Vec<Let>,
    /// Tables, each built on those before it; the last one, which has no name, is the answer.
    pub(super) tables: Vec<Table>,
}

/// A table of the query.
#[derive(Debug, Clone)]
pub(super) struct Table {
    /// What it is, for a reader.
    pub(super) comment: Option<Frag>,
    /// Its name.
    pub(super) name: Option<Frag>,
    /// Whether it is read several times, so that it should be kept.
    pub(super) kept: bool,
    /// The table it reads.
    pub(super) from: Frag,
    /// What its rows pass.
    pub(super) operators: Vec<Frag>,
}
