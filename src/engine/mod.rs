//! The embedded engine: what a rule means, executable.
//!
//! In: rules of the IR, the catalog, records or raw events. Out: alerts with evidence, outcomes of rule tests,
//! explanations. Must not know: syntax, targets, files, the command line, threads. Pure functions throughout.
//!
//! ```text
//! raw event ─ event ─▶ Record ─┐
//! ir::Rule ─ program ─▶ Program ┴─ alert ─▶ candidates ─ chain ─▶ paths ─ dedupe ─▶ alerts
//! ```

pub mod alert;
pub mod chain;
pub mod event;
pub mod explain;
mod form;
mod instant;
pub mod list;
pub mod near;
pub mod network;
pub mod predicate;
pub mod program;
pub mod project;
pub mod record;
pub mod report;
pub mod text;
pub mod trial;
pub mod tune;
pub mod value;
mod variant;
pub mod window;
pub mod words;
