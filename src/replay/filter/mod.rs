//! Of each event only the records that satisfy a step, and most events without reading them.
//!
//! In: chunks of files, rules. Out: records with the steps they satisfy, to the store; a [`result::ChunkResult`] for
//! each chunk. Must not know: what the engine makes of the records.
//!
//! Every filter answers "may this event matter?" and errs in one direction only: an event that it passes over can be
//! part of no chain. Each takes the rule and the source apart field by field, so that a part of a rule which it does
//! not answer for does not compile.
//!
//! ```text
//! text ─ prefilter (texts, bounds) ─ key filter ─▶ JSON or columns read ─ step index ─ seen keys ─▶ store
//! ```

mod bounds;
mod chunk_reader;
mod json_key;
mod key_filter;
mod location;
pub(super) mod log_filter;
mod phases;
mod prefilter;
mod presence;
pub(super) mod probe_filter;
pub(super) mod result;
mod source_filter;
mod source_step;
mod step_index;
