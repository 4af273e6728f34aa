//! Syntax: text to syntax tree.
//!
//! In: one [`crate::source::SourceFile`]. Out: [`ast::File`], with every problem reported.
//! Must not know: fields, sources, targets. Only this folder uses the grammar crate.

pub mod ast;

/// Seconds of a duration in the notation of the language, such as `1h30m`.
#[must_use]
pub fn duration(_text: &str) -> Option<u64> {
    None
}
