//! The state of building a tree, and the text it is built from.
//!
//! In: the text of a file. Out: [`Builder`], which the parts of the language extend: `report` explains what the grammar
//! wanted, `recover` what it swallowed as broken, and `file`, `chain`, `pred`, `alert` and `scenario` build their
//! nodes. Must not know: any clause.

use std::cell::OnceCell;

use super::FINDINGS;
use super::grammar::Pair;
use super::outline::Parens;
use crate::diag::{Diagnostic, Diagnostics};
use crate::source::{FileId, Span};

/// Turns pairs into nodes.
pub(super) struct Builder<'a> {
    pub(super) text: &'a str,
    pub(super) file: FileId,
    /// Where the text that is being parsed begins: 0, or the start of a slice that is parsed once more.
    pub(super) base: usize,
    pub(super) diags: &'a mut Diagnostics,
    /// The last thing reported.
    pub(super) fault: std::ops::Range<usize>,
    /// The parentheses of the whole text, once somebody asks for them.
    parens: OnceCell<Parens>,
}

impl<'a> Builder<'a> {
    pub(super) fn new(text: &'a str, file: FileId, diags: &'a mut Diagnostics) -> Self {
        Self { text, file, base: 0, diags, fault: 0..0, parens: OnceCell::new() }
    }

    /// The last parenthesis before `at`, in its predicate, that nothing has closed.
    pub(super) fn open_paren(&self, at: usize) -> Option<Span> {
        let open = self.parens.get_or_init(|| Parens::of(self.text)).open_before(at)?;
        Some(Span::new(self.file, open, open + 1))
    }

    /// Reports, and remembers where, so that the leftovers of a fault are not reported again. A finding past those that
    /// will be shown is dropped.
    pub(super) fn report(&mut self, found: Diagnostic) {
        if self.enough() {
            return;
        }
        self.fault = found.primary.span.range();
        self.diags.push(found);
    }

    /// Whether more was found than will be shown: then the rest is not worth explaining. Whoever reads the text around
    /// a fault asks first, for a file of one line has as many faults as words, and all of it around each.
    pub(super) fn enough(&self) -> bool {
        self.diags.len() > FINDINGS
    }

    pub(super) fn span(&self, pair: &Pair<'_>) -> Span {
        let span = pair.as_span();
        // A pair that ends in trivia of its own (an optional part that was not there) ends with its last token.
        let end = span.start() + span.as_str().trim_end_matches([' ', '\t', '\r', '\n']).len();
        Span::new(self.file, self.base + span.start(), self.base + end)
    }

    /// The offset of the first character at or after `at` that is not blank.
    pub(super) fn skip_blank(&self, at: usize) -> usize {
        self.text.len() - self.slice(at, self.text.len()).trim_start_matches([' ', '\t', '\r', '\n']).len()
    }

    /// The end of the last token before `at`.
    pub(super) fn end_before(&self, at: usize) -> usize {
        self.slice(0, at).trim_end_matches([' ', '\t', '\r', '\n']).len()
    }

    /// The token at `at`, cut to one line.
    pub(super) fn token(&self, at: usize) -> &'a str {
        let rest = self.slice(at, self.text.len());
        let word = |c: char| c.is_alphanumeric() || matches!(c, '_' | '.' | '-');
        let Some(first) = rest.chars().next() else { return "" };
        // A string is cut at the end of its line, for one that is not closed would else be the rest of the file.
        let end = if first == '"' {
            rest.char_indices()
                .skip(1)
                .find(|&(_, c)| c == '"' || c == '\n')
                .map_or(rest.len(), |(at, c)| at + usize::from(c == '"'))
        } else if word(first) {
            rest.find(|c| !word(c)).unwrap_or(rest.len())
        } else if "=!<>&|~:".contains(first) {
            rest.find(|c: char| !"=!<>&|~:".contains(c)).unwrap_or(rest.len())
        } else {
            first.len_utf8()
        };
        rest.get(..end).unwrap_or_default()
    }

    pub(super) fn slice(&self, start: usize, end: usize) -> &'a str {
        self.text.get(start..end).unwrap_or_default()
    }
}
