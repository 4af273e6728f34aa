//! What is wrong with a token, before it is known where the token stands.
//!
//! In: built by `literal` and `text`. Out: reported by `report`.
//! Must not know: files, spans.

use std::ops::Range;

use crate::diag::Code;

/// What is wrong with a token; offsets count from its start.
#[derive(Debug)]
pub(super) struct Problem {
    pub(super) code: Code,
    pub(super) range: Range<usize>,
    pub(super) title: String,
    pub(super) label: String,
    pub(super) help: String,
    pub(super) fix: Option<String>,
}

impl Problem {
    pub(super) fn new(code: Code, range: Range<usize>, title: impl Into<String>) -> Self {
        Self { code, range, title: title.into(), label: String::new(), help: String::new(), fix: None }
    }

    pub(super) fn label(mut self, text: impl Into<String>) -> Self {
        self.label = text.into();
        self
    }

    pub(super) fn help(mut self, text: impl Into<String>) -> Self {
        self.help = text.into();
        self
    }

    /// Text that would be right in place of the range.
    pub(super) fn fix(mut self, text: impl Into<String>) -> Self {
        self.fix = Some(text.into());
        self
    }

    pub(super) fn moved(mut self, by: usize) -> Self {
        self.range = self.range.start + by..self.range.end + by;
        self
    }
}
