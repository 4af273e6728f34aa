//! Syntax: text to syntax tree.
//!
//! In: one [`SourceFile`]. Out: [`ast::File`] of what could be understood, with every problem reported.
//! Must not know: sources, field types, targets. Only this folder uses the grammar crate.
//!
//! A text passes `scan` (comments, invisible characters, nesting), then the grammar, whose error productions let the
//! rest of a broken file be understood, then the builders, one file for each part of the language. What the grammar
//! swallowed as broken is explained by `recover`.

mod advice;
mod alert;
pub mod ast;
mod builder;
mod call;
mod chain;
pub mod day;
mod decode;
mod expected;
mod file;
mod foreign;
mod format;
mod grammar;
mod keywords;
mod literal;
mod outline;
mod parts;
mod pasted;
mod pred;
mod problem;
mod quote;
mod recover;
mod report;
mod scan;
mod scenario;
mod text;
mod window;
mod wording;

pub use decode::decode;
pub use format::{NotFormatted, format};
pub use keywords::{begins_test_line, is_keyword, is_reserved, metadata, words};
pub use outline::{Heading, outline};
pub use quote::quoted;

use crate::diag::{Diagnostic, Diagnostics};
use crate::source::{FileId, SourceFile};

/// The largest file that is read, in bytes.
pub const FILE_SIZE: usize = 4 * 1024 * 1024;
/// How deep brackets and `not` may nest.
pub const DEPTH: usize = 64;
/// How many findings one file may give; what comes after them is not reported.
pub const FINDINGS: usize = 200;

/// Parses a file. The tree leaves out what is broken: look at the errors before judging what is missing.
pub fn parse(source: &SourceFile, id: FileId, diags: &mut Diagnostics) -> ast::File {
    // Before the grammar, which would find fault with every line of a text that was never meant to be a rule.
    if let Some(pasted) = pasted::find(&source.text, id).filter(|_| source.text.len() <= FILE_SIZE) {
        diags.push(pasted);
        return ast::File::not_understood(id);
    }
    // Apart from the caller's, since how much was understood is judged by the findings of this file alone.
    let mut found = Diagnostics::default();
    let scan = scan::scan(&source.text, id, &mut found);
    let file = builder::Builder::new(&scan.text, id, &mut found).file();
    let is_cut = found.len() > FINDINGS;
    let mut findings = found.into_sorted();
    let understood = understood(&findings);
    if is_cut {
        report::cut(&mut findings);
    }
    for finding in findings {
        diags.push(finding);
    }
    ast::File { comments: scan.comments, understood, ..file }
}

fn understood(findings: &[Diagnostic]) -> ast::Understood {
    if findings.is_empty() {
        ast::Understood::Whole
    } else if findings.iter().all(|finding| finding.code.is_repaired()) {
        ast::Understood::Meant
    } else {
        ast::Understood::Partly
    }
}

/// Seconds of a duration in the notation of the language, such as `1h30m`.
#[must_use]
pub fn duration(text: &str) -> Option<u64> {
    match literal::number(text) {
        (ast::LiteralKind::Duration(seconds), None) => Some(seconds),
        _ => None,
    }
}
