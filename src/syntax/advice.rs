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
const UNLESS: &str =
    "an absence is `unless NAME from SOURCE where CONDITION within D before on FIELD, …`, or `after`";
const UNLESS_OF_LINK: &str =
    "an absence between steps is `unless NAME from SOURCE where CONDITION on FIELD, …`";
const CLAUSES: &str =
    "behind its condition a step has `except …`, `or from …`, `unless …`, `first within …` and `at least …`";
const ALTERNATIVE: &str = "an alternative is `or from SOURCE where CONDITION`";
const RENAMING: &str =
    "an alternative renames as `or from SOURCE as { FIELD: FIELD_OF_THIS_SOURCE, … } where …`";
const TOGETHER: &str = "steps in any order are `together within W on FIELD, … { step … step … }`";
const COMPARISON: &str = "a link compares fields of its two steps, `where A.FIELD != B.FIELD`, also by `<` `<=` `>` `>=`; a test of one step stands in that step";
const FIRST: &str = "write `first within D by FIELD, …`: never seen for whom, and for how long?";
const AT_LEAST: &str = "write `at least N within D by FIELD, …`, or `at least N distinct FIELD within D`";
const EXPECT: &str = "write `expect alert at 5m`, `expect no alert` or `expect 2 alerts`";

/// How many words before a fault are searched for the clause that it is in.
const WORDS: usize = 400;

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
        if named
            && token.starts_with('"')
            && self.inner_clause(span.start as usize) == Some("then")
            && self.compares(span.start as usize)
        {
            return found.help(COMPARISON);
        }
        if named && let Some(inside) = inside_quotes(token) {
            return fixed(found.label("names are not quoted"), inside);
        }
        if self.in_lookup(span.start as usize) {
            return found.help(LOOKUP);
        }
        if token == "and" && has("`,`") && !has("`and`") {
            return fixed(found, ",");
        }
        match self.form(token, span.start as usize, expected) {
            Some(help) => found.help(help),
            None => found,
        }
    }

    /// What to say of the token at `at`: first of the token, then of the clause that it is in.
    fn form(&self, token: &str, at: usize, expected: &[&str]) -> Option<&'static str> {
        let named = expected.first().is_some_and(|word| ["a name", "a field"].contains(word));
        let inner = if named && keywords::is_reserved(token) { self.inner_form(at) } else { None };
        inner.or_else(|| advice(token, expected, named)).or_else(|| self.of_clause(at, expected))
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
        match self.of_clause(before, expected) {
            Some(help) => found.help(help),
            None => found,
        }
    }

    /// How the clause is written that is broken at `at`.
    fn of_clause(&self, at: usize, expected: &[&str]) -> Option<&'static str> {
        let general = of_clause(expected);
        let has = |word: &str| expected.contains(&word);
        if expected == ["`least`"] {
            return Some(AT_LEAST);
        }
        if has("an operator") && self.token(at) == "where" {
            return Some(ALTERNATIVE);
        }
        if !has("an operator") && has("`except`") && has("`unless`") && has("`first`") {
            return Some(CLAUSES);
        }
        match self.inner_clause(at) {
            Some("first" | "least") => self.inner_form(at),
            Some("unless") if general.is_some() || has("`within`") => self.inner_form(at),
            Some("together") if general.is_some() || has("`{`") => Some(TOGETHER),
            Some("then") if has("`!=`") || has("a field") && self.compares(at) => Some(COMPARISON),
            Some("then") if general == Some(STEP) => Some(LINK),
            Some("step") if general == Some(STEP) && self.can_rename(at) => Some(ALTERNATIVE),
            Some("step") if has("`:`") || has("`{`") => Some(RENAMING),
            Some(_) | None => general,
        }
    }

    /// The form of the clause of a step or link that is broken at `at`.
    fn inner_form(&self, at: usize) -> Option<&'static str> {
        match self.inner_clause(at)? {
            "first" => Some(FIRST),
            "least" => Some(AT_LEAST),
            "unless" => Some(self.form_of_unless(at)),
            _ => None,
        }
    }

    /// Whether `where` stands between a `then` and `at`.
    fn compares(&self, at: usize) -> bool {
        self.words_before(at)
            .find(|(_, word)| matches!(*word, "where" | "then"))
            .is_some_and(|(_, word)| word == "where")
    }

    fn form_of_unless(&self, at: usize) -> &'static str {
        let outer = self.words_before(at).find(|(_, word)| matches!(*word, "step" | "then"));
        if outer.is_some_and(|(_, word)| word == "then") { UNLESS_OF_LINK } else { UNLESS }
    }

    /// The last word before `at` that begins a clause in which others are.
    fn inner_clause(&self, at: usize) -> Option<&str> {
        let begins = |start: usize, word: &str| match word {
            "step" | "then" | "together" | "unless" | "least" | "alert" | "test" => true,
            // Else the name of a step: `step first from`, `on first.actor.id`.
            "first" => {
                let named = self.words_before(start).next().is_some_and(|(_, before)| before == "step");
                !named && !self.slice(start + word.len(), self.text.len()).starts_with('.')
            }
            _ => false,
        };
        let found = self.words_before(at).find(|(start, word)| begins(*start, word));
        found.map(|(_, word)| word)
    }

    /// The words before `at` with their places, the last one first.
    fn words_before(&self, at: usize) -> impl Iterator<Item = (usize, &str)> {
        let text = self.slice(0, at);
        let words = text.rsplit(|c: char| !c.is_ascii_alphanumeric() && c != '_');
        words
            .take(WORDS)
            .filter(|word| !word.is_empty())
            .map(|word| (word.as_ptr() as usize - text.as_ptr() as usize, word))
    }

    /// Whether `as` can stand at `at`: behind the source of a further alternative.
    pub(super) fn can_rename(&self, at: usize) -> bool {
        let mut line = self.slice(0, at).split_ascii_whitespace().rev().skip(1);
        line.next() == Some("from") && line.next() == Some("or")
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
    None
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
