//! Files to events: what the user names, opened, unpacked and cut into events.
//!
//! In: paths, bytes. Out: chunks of files; the lines, JSON texts and columns in them.
//! Must not know: rules, the engine's programs, what becomes of an event.

pub(crate) mod brackets;
pub(crate) mod canonical;
pub(crate) mod chunk;
pub(crate) mod fast_json;
pub mod flow;
pub mod input;
pub(crate) mod json;
mod lines;
pub(crate) mod open;
pub(crate) mod stream;
