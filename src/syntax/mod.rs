//! Syntax: text to syntax tree.
//!
//! In: one [`crate::source::SourceFile`]. Out: [`ast::File`], with every problem reported.
//! Must not know: fields, sources, targets. Only this folder uses the grammar crate.

pub mod ast;
