//! Explains what the grammar swallowed as broken, and goes on behind a misspelt keyword.
//!
//! In: slices that an error production matched. Out: one finding for each fault, and the clause a misspelt word begins.
//! Must not know: how a clause becomes a node.

use super::ast::Entry;
use super::builder::Builder;
use super::grammar::{self, Pair, Rule};
use super::keywords::{self, Level};
use super::wording::{close, quoted};
use super::{foreign, pasted};
use crate::diag::{Code, Diagnostic, Fix};
use crate::source::Span;

/// How many lines of a broken slice are searched for a further misspelt keyword.
const LOOK_AHEAD: usize = 100;

/// The clause before a broken slice.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Previous {
    /// Its strict rule, if more could have followed.
    pub(super) strict: Option<Rule>,
    /// Where it stands.
    pub(super) span: Option<Span>,
}

impl Previous {
    /// A clause that could have gone on.
    pub(super) fn set(&mut self, strict: Rule, span: Span) {
        *self = Self { strict: Some(strict), span: Some(span) };
    }

    /// A clause that ended with its brace.
    pub(super) fn block(&mut self, span: Span) {
        *self = Self { strict: None, span: Some(span) };
    }
}

/// A word that was meant to be a keyword, and the slice that follows it.
#[derive(Debug)]
pub(super) struct Misspelt {
    /// The keyword meant.
    pub(super) keyword: &'static str,
    /// Length of the word as written.
    pub(super) length: u32,
    /// The word and what follows it.
    pub(super) span: Span,
    tail: Rule,
}

/// Builds the clause of a misspelt keyword; returns where it ended.
pub(super) type Build<'b, 'a> = &'b mut dyn FnMut(&mut Builder<'a>, &Misspelt) -> usize;

impl<'a> Builder<'a> {
    /// Explains the slice at `span`; `build` takes the clauses of misspelt keywords.
    pub(super) fn bad(&mut self, level: Level, span: Span, previous: Previous, build: Build<'_, 'a>) {
        let end = span.end as usize;
        let mut at = span.start as usize;
        let mut previous = previous;
        if level == Level::File
            && let Some(found) = pasted::find_in(self.text, at, end, self.file)
        {
            return self.report(found);
        }
        loop {
            at = self.skip_blank(at);
            if at >= end || self.enough() {
                return;
            }
            at = match self.explain(level, at, end, previous) {
                Some(misspelt) => build(self, &misspelt),
                None => match self.next_likely(level, at, end) {
                    Some(next) => next,
                    None => return,
                },
            };
            previous = Previous::default();
        }
    }

    /// Reports what is wrong at `at`; gives the keyword that was meant if there is one, and a step whose head is
    /// broken.
    fn explain(&mut self, level: Level, at: usize, end: usize, previous: Previous) -> Option<Misspelt> {
        if self.slice(at, end).starts_with('}') {
            let span = Span::new(self.file, at, at + 1);
            let found = Diagnostic::new(Code::Unclosed, span, "unmatched `}`")
                .label("no matching `{`")
                .help("an earlier `}` closes too much, or this one is superfluous");
            self.report(found);
            return None;
        }
        let word = self.word_at(at, end);
        // The keyword is right, so what follows it is wrong: its strict rule tells the place.
        if let Some(clause) = level.clause(word) {
            self.strict(clause.strict, at, end, level);
            // The rest is read as well: its conditions have faults of their own, and use lists and parameters.
            return (word == "step").then(|| Misspelt {
                keyword: "step",
                length: 4,
                span: Span::new(self.file, at, end),
                tail: Rule::loose_step_tail,
            });
        }
        let before = previous.span.map_or(0, |span| span.end as usize);
        let same_line = previous.span.is_some() && !self.slice(before, at).contains('\n');
        // A word that can only go on with the clause before.
        let goes_on = previous.strict.is_some() && keywords::is_reserved(word) && Level::of(word).is_none();
        // Words that begin a clause of a step and can be names elsewhere.
        let of_step = previous.strict == Some(Rule::only_step) && ["first", "at"].contains(&word);
        // In a test any word may name a step: only one that is near to `expect` is a misspelt keyword.
        let event = level == Level::Test && !self.expects(word, at, end);
        if same_line || word.is_empty() || goes_on || of_step || event {
            self.leftover(level, at, end, previous);
            return None;
        }
        let near = close(word, level.keywords().map(|(keyword, _)| keyword.word));
        let meant = foreign::clause(word).filter(|meant| level.clause(meant).is_some()).or(near);
        let span = Span::new(self.file, at, at + word.len());
        if let Some((keyword, clause)) = meant.and_then(|word| Some((word, level.clause(word)?))) {
            let mut found = Diagnostic::new(
                Code::UnknownClause,
                span,
                format!("unknown clause `{word}` in {}", level.place()),
            )
            .label("not a keyword")
            .help(format!("did you mean `{keyword}`?"));
            found.fix = Some(Fix { span, replacement: keyword.to_owned() });
            self.report(found);
            let length = span.end - span.start;
            return Some(Misspelt {
                keyword,
                length,
                span: Span::new(self.file, at, end),
                tail: clause.tail,
            });
        }
        if previous.strict.is_some() && self.goes_on(at + word.len()) {
            self.leftover(level, at, end, previous);
            return None;
        }
        self.unknown_clause(level, word, span);
        None
    }

    fn unknown_clause(&mut self, level: Level, word: &str, span: Span) {
        let names: Vec<&str> = level.keywords().map(|(keyword, _)| keyword.quoted).collect();
        let title = format!("unknown clause {1} in {0}", level.place(), quoted(word));
        let found = Diagnostic::new(Code::UnknownClause, span, title).label("not a keyword");
        if let Some(help) = foreign::clause_help(word) {
            return self.report(found.help(help));
        }
        let found = match Level::of(word).filter(|home| *home != level) {
            Some(home) => found.help(format!("`{word}` belongs inside {}", home.place())),
            None => found.help(format!("the clauses of {} are {}", level.place(), names.join(", "))),
        };
        self.report(found);
    }

    /// Whether `word` was meant to be `expect` rather than a step.
    fn expects(&self, word: &str, at: usize, end: usize) -> bool {
        let next = self.skip_blank(at + word.len());
        close(word, ["expect"].into_iter()).is_some() && self.word_at(next, end) != "at"
    }

    /// Parses a clause by its strict rule to find where it goes wrong.
    fn strict(&mut self, by: Rule, at: usize, end: usize, level: Level) {
        if self.enough() {
            return;
        }
        match grammar::parse(by, self.slice(at, end)) {
            Err(stopped) => self.stopped(at, &stopped),
            Ok(_) => self.unexpected(at, &level.openings()),
        }
    }

    /// Something behind a clause that is complete as far as it goes.
    fn leftover(&mut self, level: Level, at: usize, end: usize, previous: Previous) {
        if self.enough() {
            return;
        }
        let behind =
            self.fault.start < at && (at < self.fault.end || !self.slice(self.fault.end, at).contains('\n'));
        // What is left of a line whose fault was reported is the same fault.
        if behind && self.skip_blank(self.fault.end) >= at {
            return;
        }
        match (previous.strict, previous.span) {
            (Some(strict), Some(span)) => {
                let start = span.start as usize;
                let begins_line = self.slice(self.end_before(at), at).contains('\n');
                match grammar::parse(strict, self.slice(start, end)) {
                    // Nothing is missing at the end of the line before: what stands here is too much.
                    Err(stopped) if begins_line && self.skip_blank(start + stopped.at) == at => {
                        self.superfluous(at, &stopped);
                    }
                    Err(stopped) => self.stopped(start, &stopped),
                    Ok(_) => self.unexpected(start, &level.openings()),
                }
            }
            _ if level == Level::Test => self.strict(Rule::only_event, at, end, level),
            _ => self.unexpected(at, &level.openings()),
        }
    }

    /// Whether an operator or dot follows: then a word is a field, not a misspelt keyword.
    fn goes_on(&self, at: usize) -> bool {
        let rest = self.slice(at, self.text.len()).trim_start_matches([' ', '\t']);
        rest.starts_with(['.', '=', '!', '<', '>', ':', '&', '|', '~', ')']) && !rest.starts_with(": \"")
    }

    pub(super) fn word_at(&self, at: usize, end: usize) -> &'a str {
        let slice = self.slice(at, end);
        let length = slice.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(slice.len());
        slice.get(..length).unwrap_or_default()
    }

    /// The next line of a slice that begins with something like a keyword.
    fn next_likely(&self, level: Level, at: usize, end: usize) -> Option<usize> {
        let mut depth = 0usize;
        let mut line = at;
        for _ in 0..LOOK_AHEAD {
            let text = self.slice(line, end);
            let length = text.find('\n')?;
            for byte in text.bytes().take(length) {
                match byte {
                    b'{' => depth += 1,
                    b'}' => depth = depth.saturating_sub(1),
                    _ => {}
                }
            }
            line += length + 1;
            let start = line
                + (self.slice(line, end).len() - self.slice(line, end).trim_start_matches([' ', '\t']).len());
            let word = self.word_at(start, end);
            let known = level.keywords().map(|(keyword, _)| keyword.word);
            // A word of two letters is near to too many others.
            let likely = word.len() > 2 && (level.clause(word).is_some() || close(word, known).is_some());
            if depth == 0 && likely && !self.goes_on(start + word.len()) {
                return Some(start);
            }
        }
        None
    }

    /// Parses what follows a misspelt keyword and gives it to `take`; returns where it ended.
    pub(super) fn reparse(&mut self, misspelt: &Misspelt, take: impl FnOnce(&mut Self, Pair<'a>)) -> usize {
        let start = self.skip_blank((misspelt.span.start + misspelt.length) as usize);
        let end = misspelt.span.end as usize;
        match grammar::parse(misspelt.tail, self.slice(start, end)) {
            Ok(Some(pair)) => {
                let stop = start + pair.as_span().end();
                // Offsets of the pairs count from the slice, those of findings from the file.
                let base = std::mem::replace(&mut self.base, start);
                take(self, pair);
                self.base = base;
                stop
            }
            Ok(None) => end,
            Err(stopped) => {
                // What remains of a broken step is read for more; that it is broken has been said.
                if misspelt.tail != Rule::loose_step_tail {
                    self.stopped(start, &stopped);
                }
                end
            }
        }
    }

    /// Explains a broken entry of a list; a bare word becomes an entry all the same.
    pub(super) fn bad_entry(&mut self, span: Span, previous: Previous) -> Option<Entry> {
        let (at, end) = (span.start as usize, span.end as usize);
        if self.enough() {
            return None;
        }
        let token = self.token(at);
        let word = self.word_at(at, end);
        if self.slice(at, end).starts_with("- ") {
            let place = Span::new(self.file, at, at + 2);
            let mut found =
                Diagnostic::new(Code::Syntax, place, "entries of a list have no `-`").label("as in YAML");
            found.fix = Some(Fix { span: place, replacement: String::new() });
            self.report(found);
            return None;
        }
        if keywords::attributes().any(|known| known == word) {
            if let (Some(strict), Some(before)) = (previous.strict, previous.span) {
                self.strict(strict, before.start as usize, end, Level::File);
            } else {
                self.unexpected(at, &["a value", "`}`"]);
            }
            return None;
        }
        let same_line =
            previous.span.is_some_and(|before| !self.slice(before.end as usize, at).contains('\n'));
        let place = Span::new(self.file, at, at + token.len());
        // On a line of its own a word is a value without quotes, even if it is near to an attribute.
        if let Some(meant) = close(word, keywords::attributes()).filter(|_| same_line) {
            let place = Span::new(self.file, at, at + word.len());
            let mut found = unknown_attribute(word, place).help(format!("did you mean `{meant}`?"));
            found.fix = Some(Fix { span: place, replacement: meant.to_owned() });
            self.report(found);
            return None;
        }
        if word.is_empty() {
            self.unexpected(at, &["a value", "`}`"]);
            return None;
        }
        // In front of a value on its line a word is meant as an attribute: in quotes it would be one more exemption.
        let behind = self.slice(at + token.len(), self.text.len()).trim_start_matches([' ', '\t']);
        if same_line && behind.starts_with(|c: char| c == '"' || c.is_ascii_digit()) {
            let known = "the attributes of an entry are `reason`, `owner`, `ticket` and `until`";
            self.report(unknown_attribute(token, place).help(known));
            return None;
        }
        let mut found = Diagnostic::new(Code::Unquoted, place, format!("{} needs quotes", quoted(token)))
            .label("neither a value nor an attribute")
            .help("list values must be quoted; their attributes are `reason`, `owner`, `ticket` and `until`");
        found.fix = Some(Fix { span: place, replacement: format!("\"{token}\"") });
        self.report(found);
        None
    }
}

fn unknown_attribute(word: &str, place: Span) -> Diagnostic {
    let title = format!("unknown attribute {} of an entry", quoted(word));
    Diagnostic::new(Code::UnknownClause, place, title).label("not a keyword")
}
