//! Findings of many units, each with its place resolved, ready to print.
//!
//! In: diagnostics with the sources their spans point into. Out: one sorted list in which a finding in a file that
//! several units import stands once.
//! Must not know: any output format.

use std::sync::Arc;

use super::{Code, Diagnostic, Label, Severity};
use crate::source::{Position, SourceFile, Sources, Span, Utf16Position};

/// Everything found in a run.
#[derive(Debug, Default, Clone)]
pub struct Findings {
    findings: Vec<Finding>,
}

/// A finding that needs no sources to be read.
#[derive(Debug, Clone)]
pub struct Finding {
    /// What kind of finding.
    pub code: Code,
    /// The title.
    pub title: String,
    /// The main place.
    pub primary: Location,
    /// Other places that explain it.
    pub secondary: Vec<Location>,
    /// What to do, one sentence each.
    pub help: Vec<String>,
    /// A ready change, if there is one.
    pub fix: Option<ResolvedFix>,
}

/// A range of a file, with a few words about it.
#[derive(Debug, Clone)]
pub struct Location {
    /// The file.
    pub file: Arc<SourceFile>,
    /// The range in bytes.
    pub range: std::ops::Range<usize>,
    /// Where it begins.
    pub start: Position,
    /// Where it ends; the column is one past the last character.
    pub end: Position,
    /// What this is; may be empty.
    pub label: String,
}

impl Location {
    /// Whether it lies in a part of a file.
    #[must_use]
    pub fn is_inside(&self, span: Span, sources: &Sources) -> bool {
        let whole = span.range();
        let is_same = sources.get(span.file).is_some_and(|file| file.name == self.file.name);
        is_same && whole.start <= self.range.start && self.range.end <= whole.end
    }

    /// Where it begins and ends as the language server protocol counts.
    #[must_use]
    pub fn utf16(&self) -> std::ops::Range<Utf16Position> {
        self.file.utf16(self.range.start)..self.file.utf16(self.range.end)
    }
}

/// A mechanical change.
#[derive(Debug, Clone)]
pub struct ResolvedFix {
    /// What to replace.
    pub place: Location,
    /// What to put there.
    pub replacement: String,
}

impl Finding {
    /// Error or warning.
    #[must_use]
    pub fn severity(&self) -> Severity {
        self.code.severity()
    }

    /// What findings are sorted by, and what makes two of them the same.
    fn key(&self) -> (&str, Position, Code, Position, &str) {
        (&self.primary.file.name, self.primary.start, self.code, self.primary.end, &self.title)
    }
}

impl Findings {
    /// The findings of one unit.
    #[must_use]
    pub fn of(diagnostics: &[Diagnostic], sources: &Sources) -> Self {
        let mut report = Self::default();
        report.add(diagnostics, sources);
        report
    }

    /// Adds the findings of a unit; one whose file is not in `sources` is left out, and so is one that is there.
    pub fn add(&mut self, diagnostics: &[Diagnostic], sources: &Sources) {
        self.findings.extend(diagnostics.iter().filter_map(|diagnostic| finding(diagnostic, sources)));
        self.findings.sort_by(|a, b| a.key().cmp(&b.key()));
        self.findings.dedup_by(|a, b| a.key() == b.key());
    }

    /// The findings, sorted by file, place and code, each once.
    #[must_use]
    pub fn findings(&self) -> &[Finding] {
        &self.findings
    }

    /// How many findings of this severity there are.
    #[must_use]
    pub fn count(&self, severity: Severity) -> usize {
        self.findings.iter().filter(|finding| finding.severity() == severity).count()
    }

    /// Whether nothing was found.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.findings.is_empty()
    }
}

fn finding(diagnostic: &Diagnostic, sources: &Sources) -> Option<Finding> {
    let fix = diagnostic.fix.as_ref().and_then(|fix| {
        Some(ResolvedFix { place: place(fix.span, "", sources)?, replacement: fix.replacement.clone() })
    });
    Some(Finding {
        code: diagnostic.code,
        title: diagnostic.title.clone(),
        primary: labelled(&diagnostic.primary, sources)?,
        secondary: diagnostic.secondary.iter().filter_map(|label| labelled(label, sources)).collect(),
        help: diagnostic.help.clone(),
        fix,
    })
}

fn labelled(label: &Label, sources: &Sources) -> Option<Location> {
    place(label.span, &label.text, sources)
}

fn place(span: Span, label: &str, sources: &Sources) -> Option<Location> {
    let file = sources.share(span.file)?;
    let length = file.text.len();
    let start = floor(&file.text, span.range().start.min(length));
    let end = floor(&file.text, span.range().end.min(length)).max(start);
    let (from, to) = (file.position(start), file.position(end));
    Some(Location { file, range: start..end, start: from, end: to, label: label.to_owned() })
}

/// The character boundary at or before `at`.
fn floor(text: &str, at: usize) -> usize {
    (0..=at).rev().find(|&at| text.is_char_boundary(at)).unwrap_or(0)
}
