//! The embedded engine: what a rule means, executable.
//!
//! In: rules of the IR, the catalog, records or raw events. Out: alerts with evidence, outcomes of rule tests,
//! explanations. Must not know: syntax, targets, files, the command line, threads. Pure functions throughout.
//!
//! ```text
//! raw event ─ event ─▶ Record ─┐
//! ir::Rule ─ program ─▶ Program ┴─ alert ─▶ candidates ─ chain ─▶ paths ─ dedupe ─▶ alerts
//! ```

mod absence;
pub mod alert;
mod any_order;
mod burst_log;
mod candidate;
pub mod chain;
mod compare;
mod compile;
pub mod event;
pub mod explain;
pub mod follow;
mod form;
mod instant;
mod keyed;
pub mod keys;
pub mod list;
mod memory;
pub mod near;
pub mod network;
mod only;
mod parts;
pub mod predicate;
pub mod program;
pub mod project;
pub mod record;
mod records;
pub mod repetition;
pub mod report;
pub mod text;
pub mod trial;
pub mod tune;
pub mod value;
mod variant;
mod waiting_room;
pub mod window;
pub mod words;
