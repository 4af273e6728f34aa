//! Findings in words: what was expected, what was found.
//!
//! In: places in the text and what the grammar wanted there. Out: diagnostics.
//! Must not know: which clause is being parsed.

use super::FINDINGS;
use super::builder::Builder;
use super::expected::expected;
use super::grammar::Stopped;
use super::problem::Problem;
use super::wording::{close, list, quoted};
use crate::diag::{Code, Diagnostic, Fix};
use crate::source::Span;

const END_OF_CLAUSE: &str = "the end of the clause";

impl Builder<'_> {
    /// Reports a problem of the token that begins at `start`.
    pub(super) fn problem(&mut self, start: usize, problem: Problem) {
        if self.enough() {
            return;
        }
        let Problem { range, code, title, label, help, fix } = problem.moved(start);
        let span = Span::new(self.file, range.start, range.end);
        let mut found = Diagnostic::new(code, span, title).label(label);
        if !help.is_empty() {
            found = found.help(help);
        }
        found.fix = fix.map(|replacement| Fix { span, replacement });
        self.report(found);
    }

    /// Reports that a parse of the text from `start` stopped.
    pub(super) fn stopped(&mut self, start: usize, stopped: &Stopped) {
        self.unexpected(start + stopped.at, &expected(&stopped.wanted));
    }

    /// Reports that none of `expected` stands at `at`.
    pub(super) fn unexpected(&mut self, at: usize, expected: &[&'static str]) {
        if self.enough() {
            return;
        }
        let at = self.skip_blank(at);
        let listed = self.listed(at, expected);
        // The causes first: a bracket that is missing earlier makes the grammar want something else here.
        let found = self.bracket(at, &listed).or_else(|| self.comma(at, &listed));
        let found = found.unwrap_or_else(|| self.other(at, &listed));
        self.report(found);
    }

    /// Reports the token at `at`, with which a parse stopped.
    pub(super) fn superfluous(&mut self, at: usize, stopped: &Stopped) {
        if self.enough() {
            return;
        }
        let expected = self.listed(at, &expected(&stopped.wanted));
        let token = self.token(at);
        let span = Span::new(self.file, at, at + token.len());
        let found = Diagnostic::new(Code::Syntax, span, format!("expected {}", list(&expected)));
        let found = self.advised(found.label(format!("found {}", quoted(token))), span, &expected);
        self.report(found);
    }

    /// What to name of what the grammar wanted at `at`.
    fn listed(&self, at: usize, expected: &[&'static str]) -> Vec<&'static str> {
        let mut listed: Vec<_> = expected.iter().copied().filter(|word| *word != END_OF_CLAUSE).collect();
        if listed.contains(&"`as`") && !self.can_rename(at) {
            listed.retain(|word| *word != "`as`");
        }
        listed
    }

    /// Where something is missing: the token at `at`, or a place behind the last token if that is on a line before.
    fn place(&self, at: usize) -> (Span, String, bool) {
        let before = self.end_before(at);
        if at >= self.text.len() || self.slice(before, at).contains('\n') {
            let what = if at >= self.text.len() { "file" } else { "line" };
            return (Span::new(self.file, before, before), format!("found the end of the {what}"), true);
        }
        let token = self.token(at);
        (Span::new(self.file, at, at + token.len()), format!("found {}", quoted(token)), false)
    }

    fn other(&self, at: usize, expected: &[&str]) -> Diagnostic {
        let (span, label, at_end) = self.place(at);
        let title = if expected.is_empty() {
            format!("unexpected {}", label.trim_start_matches("found "))
        } else {
            format!("expected {}", list(expected))
        };
        let found = Diagnostic::new(Code::Syntax, span, title).label(label);
        if at_end {
            return self.advised_at_end(found, at, expected);
        }
        let token = self.token(at);
        if let Some(letter) = token.chars().next().filter(|c| c.is_alphabetic() && !c.is_ascii()) {
            let span = Span::new(self.file, at, at + letter.len_utf8());
            return Diagnostic::new(Code::BadName, span, format!("`{letter}` is not allowed in a name"))
                .label("not a letter from `a` to `z`");
        }
        let words = expected.iter().map(|word| word.trim_matches('`'));
        if let Some(word) = close(token, words.filter(|word| word.bytes().all(|b| b.is_ascii_lowercase()))) {
            let mut found = found.help(format!("did you mean `{word}`?"));
            found.fix = Some(Fix { span, replacement: word.to_owned() });
            return found;
        }
        self.advised(found, span, expected)
    }

    /// A parenthesis without its partner.
    fn bracket(&self, at: usize, expected: &[&str]) -> Option<Diagnostic> {
        let (span, _, at_end) = self.place(at);
        let open = self.open_paren(at);
        if !at_end && self.token(at) == ")" && open.is_none() {
            let found = Diagnostic::new(Code::Unclosed, span, "unmatched `)`").label("no matching `(`");
            return Some(found.help("remove it, or add `(` before the condition"));
        }
        let next = self.token(at);
        let clause_ends =
            at_end || next.starts_with(['{', '}']) || ["except", "then", "step"].contains(&next);
        let open = open.filter(|_| clause_ends && expected.contains(&"`)`"))?;
        let found = Diagnostic::new(Code::Unclosed, open, "unclosed `(`").label("no matching `)`");
        Some(found.also(span, "expected `)` here").help("add `)`"))
    }

    /// Two values side by side where a comma could stand.
    fn comma(&self, at: usize, expected: &[&str]) -> Option<Diagnostic> {
        let (span, _, at_end) = self.place(at);
        let is_value = self.token(at).starts_with(|c: char| c == '"' || c.is_ascii_alphanumeric());
        // Only where a comma is all that could stand. Elsewhere two values side by side may lack an operator.
        if at_end || !is_value || expected != ["`,`"] && expected != ["`,`", "`)`"] {
            return None;
        }
        let before = self.end_before(at);
        let mut found =
            Diagnostic::new(Code::Comma, span, format!("missing comma before {}", quoted(self.token(at))))
                .label("the next value");
        found.fix = Some(Fix { span: Span::new(self.file, before, before), replacement: ",".to_owned() });
        Some(found)
    }
}

/// Keeps the first findings and says that there were more.
pub(super) fn cut(findings: &mut Vec<Diagnostic>) {
    findings.truncate(FINDINGS);
    if let Some(last) = findings.last() {
        let title = format!("only the first {FINDINGS} findings in this file are shown");
        let found = Diagnostic::new(Code::Limit, last.primary.span, title)
            .label("further findings are omitted from here on");
        findings.push(found.help("fix these first and try again"));
    }
}
