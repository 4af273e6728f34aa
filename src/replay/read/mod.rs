//! Files to events: what the user names, opened, unpacked and taken apart.
//!
//! In: paths, bytes, the `log` keys of sources. Out: chunks of files; the values, lines and columns in them.
//! Must not know: rules, the engine's programs, what becomes of an event.
//!
//! ```text
//! paths ─ input, files, recognise ─▶ chunks ─ open (gzip, zstd, UTF-16) ─ window
//! window ─ split, lines, scan, brackets ─▶ values, lines
//! values ─ envelope ─▶ events ─ fast_json │ serde_json      lines ─ columns ─▶ events
//! ```

#[cfg(feature = "zip")]
mod archive;
pub(super) mod brackets;
pub(super) mod canonical;
pub(super) mod chunk;
pub mod columns;
mod container;
pub(super) mod envelope;
pub(super) mod fast_json;
mod files;
pub(super) mod form;
pub mod input;
mod junk;
mod lines;
pub(super) mod open;
#[cfg(feature = "parquet")]
mod parquet;
pub(super) mod place;
pub(super) mod recognise;
pub(super) mod resync;
mod scan;
pub(super) mod split;
pub(super) mod stream;
pub(super) mod taker;
mod utf16;
mod window;
