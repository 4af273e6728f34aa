//! Catena compiles chains of events to the queries of four SIEMs.
//!
//! ```text
//! text ─ syntax ─▶ AST ─ check ─▶ IR ─┬─ engine ─▶ alerts            (reference meaning; test, replay)
//!                       ▲             └─ backend: gate ─▶ plan ─▶ print ─▶ emission
//!                   sources/*.yaml
//! ```
//!
//! Every stage takes a reference and returns a new value; findings go sideways into [`diag::Diagnostics`].

pub mod backend;
pub mod catalog;
pub mod check;
pub mod cli;
pub mod diag;
pub mod engine;
pub mod ir;
pub mod replay;
pub mod settings;
pub mod source;
pub mod syntax;
pub mod table;
pub mod unit;
pub mod yaml;
