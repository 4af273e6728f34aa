//! What to do about a token that stands where another was expected.
//!
//! In: the finding, the token, what could have stood there. Out: the finding with help, and with a fix where only one
//! thing can be meant. Must not know: how clauses are built.

use super::builder::Builder;
use super::keywords;
use crate::diag::{Code, Diagnostic, Fix};
use crate::source::Span;

/// How the clauses are written that people get wrong most often, by what was expected in them.
const STEP: &str = "a step is `step NAME from SOURCE where CONDITION`, without braces";
const LOOKUP: &str = "a lookup is `lookup NAME: KEY_FIELD from \"table.csv\" { COLUMN: TYPE, … }`";
const LINK: &str = "a link is `then within GAP on FIELD, …`";
const EXPECT: &str = "write `expect alert at 5m`, `expect no alert` or `expect 2 alerts`";

impl Builder<'_> {
    /// The finding for the token at `span`, with what to do.
    pub(super) fn advised(&self, found: Diagnostic, span: Span, expected: &[&str]) -> Diagnostic {
        let token = self.slice(span.start as usize, span.end as usize);
        let has = |word: &str| expected.contains(&word);
        let fixed = |found: Diagnostic, replacement: &str| {
            let mut found = found.help(match replacement {
                "" => "leave it out".to_owned(),
                text => format!("write `{text}`"),
            });
            found.fix = Some(Fix { span, replacement: replacement.to_owned() });
            found
        };
        let named = expected.first().is_some_and(|word| ["a name", "a field"].contains(word));
        if token == "within" && has("`and`") {
            return Self::without_then(span);
        }
        if matches!(token, ":" | "==") && has("`=`") && !self.rest_of_line(span).contains('=') {
            return fixed(found, "=");
        }
        if has("`=`") && !token.starts_with([':', '=']) {
            return found.help("write `param NAME = VALUE`");
        }
        // A mark between a keyword and what belongs to it, as in YAML and assignments.
        if matches!(token, ":" | "=") && !has("an operator") && !has("`and`") {
            let goes_on = has("`from`") && token == "=";
            return fixed(found, if goes_on { "from" } else { "" });
        }
        if expected == ["`within`"] && matches!(token, "in" | "inside" | "under") {
            return fixed(found, "within");
        }
        if has("`from`") && token == "in" {
            return fixed(found, "from");
        }
        if has("`on`") && matches!(token, "by" | "join" | "using" | "with" | "where") {
            return if token == "where" { found.help(LINK) } else { fixed(found, "on") };
        }
        if has("`by`") && matches!(token, "on" | "per" | "for") {
            return fixed(found, "by");
        }
        if has("a string") && expected.len() == 1 {
            return Self::in_quotes(found, span, token);
        }
        if named && let Some(inside) = inside_quotes(token) {
            return fixed(found.label("names are not quoted"), inside);
        }
        if self.in_lookup(span.start as usize) {
            return found.help(LOOKUP);
        }
        match advice(token, expected, named) {
            Some(help) => found.help(help),
            None => found,
        }
    }

    /// The same where a line or the file ends.
    pub(super) fn advised_at_end(&self, found: Diagnostic, at: usize, expected: &[&str]) -> Diagnostic {
        let has = |word: &str| expected.contains(&word);
        let next = self.token(self.skip_blank(at));
        if next == "within" && has("`and`") {
            let start = self.skip_blank(at);
            return Self::without_then(Span::new(self.file, start, start + next.len()));
        }
        let before = self.end_before(at);
        if self.slice(0, before).ends_with(',') && !has("`,`") {
            let span = Span::new(self.file, before - 1, before);
            let mut found = found.help("remove the comma, or add a value behind it");
            found.fix = Some(Fix { span, replacement: String::new() });
            return found;
        }
        if self.in_lookup(before) {
            return found.help(LOOKUP);
        }
        match of_clause(expected) {
            Some(help) => found.help(help),
            None => found,
        }
    }

    /// Whether the line of a place begins a lookup, whose parts are easily forgotten.
    fn in_lookup(&self, at: usize) -> bool {
        let line = self.slice(0, at).rsplit('\n').next().unwrap_or_default();
        line.trim_start().starts_with("lookup")
    }

    /// A link whose `then` is missing.
    fn without_then(span: Span) -> Diagnostic {
        let mut found = Diagnostic::new(Code::Syntax, span, "expected `then` before `within`")
            .label("begins a link without its keyword")
            .help(LINK);
        let at = Span { end: span.start, ..span };
        found.fix = Some(Fix { span: at, replacement: "then ".to_owned() });
        found
    }

    fn in_quotes(found: Diagnostic, span: Span, token: &str) -> Diagnostic {
        let mut found = found.help("strings must be double-quoted");
        if token.starts_with(|c: char| c.is_alphanumeric()) {
            found.fix = Some(Fix { span, replacement: format!("\"{token}\"") });
        }
        found
    }

    fn rest_of_line(&self, span: Span) -> &str {
        self.slice(span.end as usize, self.text.len()).lines().next().unwrap_or_default()
    }
}

/// The name that somebody has put into quotes.
fn inside_quotes(token: &str) -> Option<&str> {
    let inside = token.strip_prefix('"')?.strip_suffix('"')?;
    let is_name = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || matches!(b, b'_' | b'.');
    let starts = inside.starts_with(|c: char| c.is_ascii_lowercase() || c == '_');
    (starts && inside.bytes().all(is_name)).then_some(inside)
}

fn advice(token: &str, expected: &[&str], named: bool) -> Option<&'static str> {
    if named && keywords::is_reserved(token) {
        return Some("this word is reserved: choose another name");
    }
    if named && token.starts_with('"') {
        return Some("names are not quoted; they have lower-case letters, digits and `_`");
    }
    if token == "[" && expected.contains(&"`{`") {
        return Some("entries stand in braces: `{ \"a\" \"b\" }`");
    }
    if token == "[" {
        return Some("lists have no brackets here: write the values with commas between them");
    }
    of_clause(expected)
}

/// How the clause is written in which one of these was expected.
fn of_clause(expected: &[&str]) -> Option<&'static str> {
    let has = |word: &str| expected.contains(&word);
    if has("`where`") || has("`from`") && !has("`{`") {
        Some(STEP)
    } else if has("`on`") || expected == ["`within`"] {
        Some(LINK)
    } else if has("`alerts`")
        || has("`no alert`")
        || expected == ["`at`"]
        || expected.iter().any(|word| word.starts_with("`alert`,"))
    {
        Some(EXPECT)
    } else if has("`by`") {
        Some("write `dedupe 24h by FIELD, …`")
    } else {
        None
    }
}
