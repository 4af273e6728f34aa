//! Builds what all clauses have: blocks, names, strings, values.
//!
//! In: pairs of the grammar. Out: nodes of [`ast`](super::ast), with every mistake the grammar let through reported.
//! Must not know: which clause they are part of.

use super::ast::{Literal, LiteralKind, Name, Text};
use super::builder::Builder;
use super::grammar::{self, Pair, Rule};
use super::keywords::Level;
use super::problem::Problem;
use super::wording::quoted;
use super::{literal, text};
use crate::diag::{Code, Diagnostic};
use crate::source::{Span, Spanned};

/// A `{ … }` with what stands before and inside it.
pub(super) struct Block<'i> {
    pub(super) head: Vec<Pair<'i>>,
    pub(super) items: Vec<Pair<'i>>,
}

impl<'a> Builder<'a> {
    /// Splits a `{ … }`, and reports what its head and its braces lack.
    #[expect(clippy::wildcard_enum_match_arm, reason = "the rules that open and close, and all others")]
    pub(super) fn block<'i>(&mut self, tail: Pair<'i>, strict: Rule) -> Block<'i> {
        let start = self.span(&tail).start as usize;
        let mut block = Block { head: Vec::new(), items: Vec::new() };
        let mut opened: Option<Option<Span>> = None;
        for pair in tail.into_inner() {
            let span = self.span(&pair);
            match pair.as_rule() {
                Rule::lbrace => opened = Some(Some(span)),
                Rule::no_open => {
                    opened = Some(None);
                    self.no_open(strict, start, span.end as usize);
                }
                Rule::rbrace => {}
                Rule::no_close => {
                    // Nothing is said where the opening brace was missing too: whoever forgot the block forgot both.
                    if let Some(Some(open)) = opened {
                        self.no_close(open, span.start as usize);
                    }
                }
                _ if opened.is_none() => block.head.push(pair),
                _ => block.items.push(pair),
            }
        }
        block
    }

    fn no_open(&mut self, strict: Rule, start: usize, end: usize) {
        if self.enough() {
            return;
        }
        match grammar::parse(strict, self.slice(start, end)) {
            Err(stopped) => self.stopped(start, &stopped),
            Ok(_) => self.unexpected(end, &["`{`"]),
        }
    }

    fn no_close(&mut self, open: Span, at: usize) {
        if self.enough() {
            return;
        }
        let at = self.skip_blank(at);
        let mut found = Diagnostic::new(Code::Unclosed, open, "unclosed `{`").label("no matching `}`");
        if at < self.text.len() {
            found =
                found.also(Span::new(self.file, at, at + self.token(at).len()), "expected `}` before this");
        }
        self.report(found.help("add `}`"));
    }

    /// The second part of a clause, after its keyword.
    #[expect(clippy::unused_self, reason = "reads as its neighbours do")]
    pub(super) fn tail<'i>(&self, pair: Pair<'i>) -> Option<Pair<'i>> {
        pair.into_inner().nth(1)
    }

    /// The first string among the parts of `pair`.
    pub(super) fn first_text(&mut self, pair: Pair<'_>) -> Option<Text> {
        let found = pair.into_inner().find(|part| part.as_rule() == Rule::string)?;
        Some(self.string(&found))
    }

    /// The path that the first string among the parts of `pair` names. A backslash in it is a separator of Windows,
    /// not an escape.
    pub(super) fn path(&mut self, pair: Pair<'_>) -> Option<Text> {
        let found = pair.into_inner().find(|part| part.as_rule() == Rule::string)?;
        let token = found.as_str();
        let body = token.trim_start_matches('r').trim_matches('"');
        // `\u{…}` is an escape and not a folder.
        if !body.contains('\\') || body.contains("\\u{") || token.starts_with("\"\"\"") {
            return Some(self.string(&found));
        }
        let path = body.replace("\\\\", "/").replace('\\', "/");
        let problem = Problem::new(
            Code::ForeignNotation,
            0..token.len(),
            "paths are written with `/`, on every system",
        )
        .label("written with backslashes")
        .fix(format!("\"{path}\""));
        self.problem(self.span(&found).start as usize, problem);
        Some(Spanned { node: path, span: self.span(&found) })
    }

    /// The values of a clause; brackets around them are reported.
    pub(super) fn without_brackets<'i>(&mut self, tail: Pair<'i>) -> Vec<Pair<'i>> {
        let mut parts: Vec<Pair<'i>> = tail.into_inner().collect();
        if let [brackets] = parts.as_slice()
            && brackets.as_rule() == Rule::meta_brackets
        {
            let brackets = brackets.clone();
            self.brackets(
                &brackets,
                "several values stand without brackets, with commas between them",
                ("", ""),
            );
            parts = brackets.into_inner().collect();
        }
        parts.retain(|part| part.as_rule() != Rule::comma);
        parts
    }

    /// Reports `[ … ]`, with other marks in the place of the brackets.
    pub(super) fn brackets(&mut self, pair: &Pair<'_>, title: &str, (open, close): (&str, &str)) {
        let token = pair.as_str();
        let inside = token
            .trim_start_matches(['[', '{'])
            .trim_end_matches([']', '}'])
            .trim()
            .trim_end_matches(',')
            .trim_end();
        let problem = Problem::new(Code::ForeignNotation, 0..token.len(), title)
            .label("brackets")
            .fix(format!("{open}{inside}{close}"));
        self.problem(self.span(pair).start as usize, problem);
    }

    /// The text of `/…/`, with its flag for case.
    pub(super) fn slashes(token: &str) -> String {
        let (body, flags) = token.trim_start_matches('/').rsplit_once('/').unwrap_or((token, ""));
        // `/` needs its backslash only between slashes.
        let body = body.replace("\\/", "/");
        if flags.contains('i') { format!("(?i){body}") } else { body }
    }

    /// A string token.
    pub(super) fn string(&mut self, pair: &Pair<'_>) -> Text {
        let span = self.span(pair);
        let (node, problems) = text::string(pair.as_str());
        for problem in problems {
            self.problem(span.start as usize, problem);
        }
        Spanned { node, span }
    }

    /// A name or a dotted field. Hyphens and capitals of a name are reported; those of a field are kept, for whoever
    /// knows the fields also knows what the vendor calls them.
    pub(super) fn name(&mut self, pair: &Pair<'_>) -> Name {
        let span = self.span(pair);
        let node = pair.as_str().to_owned();
        let is_plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || matches!(b, b'_' | b'.');
        if pair.as_rule() != Rule::name || node.bytes().all(is_plain) {
            return Spanned { node, span };
        }
        let better = node.to_ascii_lowercase().replace('-', "_");
        let problem = Problem::new(Code::BadName, 0..node.len(), format!("{} is not a name", quoted(&node)))
            .label("lower-case letters, digits and `_` only")
            .fix(better.clone());
        self.problem(span.start as usize, problem);
        Spanned { node: better, span }
    }

    /// Any value.
    #[expect(clippy::wildcard_enum_match_arm, reason = "the grammar's rules, most of which are no values")]
    pub(super) fn literal(&mut self, pair: &Pair<'_>) -> Literal {
        let span = self.span(pair);
        let kind = match pair.as_rule() {
            Rule::string => LiteralKind::Str(self.string(pair).node),
            Rule::number => {
                let (kind, problem) = literal::number(pair.as_str());
                if let Some(problem) = problem {
                    self.problem(span.start as usize, problem);
                }
                kind
            }
            Rule::wrong_quotes => self.wrong_quotes(pair),
            Rule::slashes => {
                let regex = Self::slashes(pair.as_str());
                let problem = Problem::new(
                    Code::ForeignNotation,
                    0..pair.as_str().len(),
                    "a regular expression is a string",
                )
                .label("between slashes")
                .help("write `FIELD matches r\"…\"`");
                self.problem(span.start as usize, problem);
                LiteralKind::Str(regex)
            }
            _ => self.word(pair),
        };
        Literal { kind, span }
    }

    fn wrong_quotes(&mut self, pair: &Pair<'_>) -> LiteralKind {
        let token = pair.as_str();
        let body = token.trim_matches(['\'', '`', '“', '”']);
        // One side may have been typed and the other pasted.
        let body = if token.starts_with(['“', '”']) { body.trim_end_matches('"') } else { body };
        let text = body.replace('\\', "\\\\").replace('"', "\\\"");
        let problem = Problem::new(Code::WrongQuotes, 0..token.len(), "strings must be double-quoted")
            .label("not a string")
            .fix(format!("\"{text}\""));
        self.problem(self.base + pair.as_span().start(), problem);
        LiteralKind::Str(body.to_owned())
    }

    fn word(&mut self, pair: &Pair<'_>) -> LiteralKind {
        let token = pair.as_str();
        let start = self.base + pair.as_span().start();
        let lower = token.to_ascii_lowercase();
        match lower.as_str() {
            "true" | "false" if token == lower => return LiteralKind::Bool(lower == "true"),
            "true" | "false" => {
                let problem =
                    Problem::new(Code::BadName, 0..token.len(), format!("`{token}` is written `{lower}`"))
                        .label("lower case")
                        .fix(lower.clone());
                self.problem(start, problem);
                return LiteralKind::Bool(lower == "true");
            }
            // Not in metadata, where `none` is a word like any other and gets the finding for its clause.
            "null" | "none" | "nil" if pair.as_rule() == Rule::word => {
                let problem = Problem::new(Code::NoNull, 0..token.len(), format!("`{token}` is not a value"))
                    .label("no such value")
                    .help("use `exists(f)` to require a field, `not exists(f)` to require its absence");
                self.problem(start, problem);
                return LiteralKind::Unknown;
            }
            _ => {}
        }
        if pair.as_rule() == Rule::meta_word
            && let Some(sentence) = self.sentence(start, token)
        {
            let problem =
                Problem::new(Code::Unquoted, 0..sentence.len(), format!("{} needs quotes", quoted(sentence)))
                    .label("unquoted string")
                    .fix(format!("\"{}\"", sentence.replace('\\', "\\\\").replace('"', "\\\"")));
            self.problem(start, problem);
            return LiteralKind::Str(sentence.to_owned());
        }
        // A single word of metadata may be a keyword in another letter case; its clause says so.
        let is_keyword = pair.as_rule() == Rule::meta_word && token.bytes().all(|b| b.is_ascii_alphabetic());
        if !is_keyword && token.bytes().any(|b| b.is_ascii_uppercase() || b == b'-') {
            let problem =
                Problem::new(Code::Unquoted, 0..token.len(), format!("{} needs quotes", quoted(token)))
                    .label("neither a number nor a name")
                    .help("strings must be double-quoted; names are lower case")
                    .fix(format!("\"{token}\""));
            self.problem(start, problem);
            return LiteralKind::Str(token.to_owned());
        }
        LiteralKind::Word(token.to_owned())
    }

    /// The rest of the line from `token` at `start`, if it reads like text whose quotes were forgotten.
    fn sentence(&self, start: usize, token: &str) -> Option<&'a str> {
        let line = self.slice(start, self.text.len()).lines().next()?;
        let line = line.get(..line.find(['"', '{', '}']).unwrap_or(line.len()))?.trim_end();
        let end = start + line.len();
        let next = self.word_at(self.skip_blank(start + token.len()).min(end), end);
        // `severity high title "…"` on one line is two clauses and not a sentence without quotes.
        (!next.is_empty() && Level::Rule.clause(next).is_none()).then_some(line)
    }

    pub(super) fn repeated(&mut self, what: &str, span: Span, first: Span) {
        let found = Diagnostic::new(Code::Repeated, span, format!("`{what}` is given twice"))
            .label("again here")
            .also(first, "first here")
            .help("keep one of them");
        self.report(found);
    }
}

/// The first part of `pair` by the rule `wanted`.
pub(super) fn child<'i>(pair: &Pair<'i>, wanted: Rule) -> Option<Pair<'i>> {
    pair.clone().into_inner().find(|part| part.as_rule() == wanted)
}
