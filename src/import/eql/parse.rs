//! Reads EQL queries.
//!
//! In: the words of a text. Out: its queries, or what does not belong where it stands. Must not know: fields, sources.
//! After the EQL syntax reference of Elasticsearch; what only older versions had is read so that it can be named.

use super::token::{Kind, Problem, Token, tokens};
use super::tree::{Item, Key, Place, Query, Shape};

/// The queries of a text, one after another.
pub(super) fn queries(text: &str) -> Result<Vec<Query>, Problem> {
    let tokens = tokens(text)?;
    let mut parser = Parser { tokens: &tokens, at: 0, end: text.trim_end().len(), depth: 0 };
    let mut found = Vec::new();
    while parser.peek().is_some() {
        let start = parser.here().0;
        let mut query = parser.query()?;
        query.comments = comments(text, start);
        found.push(query);
    }
    if found.is_empty() {
        return Err(Problem { why: "there is no query".to_owned(), start: 0, end: 0 });
    }
    Ok(found)
}

/// The lines of comments just before a place.
fn comments(text: &str, before: usize) -> Vec<String> {
    let head = text.get(..before).unwrap_or_default();
    let lines = head.lines().rev().take_while(|line| line.trim_start().starts_with("//"));
    let mut lines: Vec<String> =
        lines.map(|line| line.trim_start().trim_start_matches('/').trim().to_owned()).collect();
    lines.reverse();
    lines
}

pub(super) struct Parser<'t> {
    tokens: &'t [Token],
    at: usize,
    end: usize,
    pub(super) depth: usize,
}

impl<'t> Parser<'t> {
    pub(super) fn peek(&self) -> Option<&'t Token> {
        self.tokens.get(self.at)
    }

    pub(super) fn next(&mut self) -> Option<&'t Token> {
        let token = self.peek();
        self.at += usize::from(token.is_some());
        token
    }

    pub(super) fn back(&mut self) {
        self.at = self.at.saturating_sub(1);
    }

    /// Whether the word so many places ahead is this one.
    pub(super) fn sees(&self, ahead: usize, wanted: &str) -> bool {
        self.tokens.get(self.at + ahead).is_some_and(|token| match &token.kind {
            Kind::Word(word) => word.eq_ignore_ascii_case(wanted),
            Kind::Mark(mark) => *mark == wanted,
            Kind::Text(_) | Kind::Number(_) => false,
        })
    }

    pub(super) fn take(&mut self, wanted: &str) -> bool {
        let found = self.sees(0, wanted);
        self.at += usize::from(found);
        found
    }

    pub(super) fn expect(&mut self, wanted: &str) -> Result<(), Problem> {
        if self.take(wanted) { Ok(()) } else { Err(self.problem(format!("`{wanted}` is expected here"))) }
    }

    /// The place of the next word, or the end.
    pub(super) fn here(&self) -> Place {
        self.peek().map_or((self.end.saturating_sub(1), self.end), |token| (token.start, token.end))
    }

    /// From a place to the word before this one.
    pub(super) fn since(&self, start: usize) -> Place {
        let end = self.at.checked_sub(1).and_then(|at| self.tokens.get(at)).map_or(start, |token| token.end);
        (start, end.max(start))
    }

    pub(super) fn problem(&self, why: impl Into<String>) -> Problem {
        let (start, end) = self.here();
        Problem { why: why.into(), start, end }
    }

    fn query(&mut self) -> Result<Query, Problem> {
        let start = self.here().0;
        let shape = if self.sees(1, "where") {
            Shape::Single
        } else if self.take("sequence") {
            Shape::Sequence
        } else if self.take("sample") {
            Shape::Sample
        } else if self.sees(0, "join") {
            return Err(self.problem("`join` of older versions; Elasticsearch has `sample`"));
        } else {
            Shape::Single
        };
        let mut query = Query {
            shape,
            items: Vec::new(),
            until: None,
            by: Vec::new(),
            maxspan: None,
            pipes: Vec::new(),
            comments: Vec::new(),
            place: (start, start),
        };
        if shape == Shape::Single {
            let item = self.event(String::new(), start)?;
            query.place = self.since(start);
            query.items.push(item);
        } else {
            self.head(&mut query)?;
            query.place = self.since(start);
            while self.sees(0, "[") || (self.sees(0, "!") && self.sees(1, "[")) {
                let item = self.item()?;
                query.items.push(item);
            }
            if self.take("until") {
                query.until = Some(self.item()?);
            }
            if query.items.is_empty() {
                return Err(self.problem("an event in brackets is expected here"));
            }
        }
        while self.sees(0, "|") {
            let pipe = self.pipe();
            query.pipes.push(pipe);
        }
        if self.peek().is_some() && !self.begins_query() {
            return Err(self.problem("this does not belong here"));
        }
        Ok(query)
    }

    fn begins_query(&self) -> bool {
        self.sees(0, "sequence") || self.sees(0, "sample") || self.sees(1, "where")
    }

    /// What all items of a query share, in either order.
    fn head(&mut self, query: &mut Query) -> Result<(), Problem> {
        loop {
            if self.take("by") {
                query.by = self.keys()?;
            } else if self.take("with") {
                self.expect("maxspan")?;
                self.expect("=")?;
                query.maxspan = Some(self.word()?);
            } else {
                return Ok(());
            }
        }
    }

    fn word(&mut self) -> Result<(String, Place), Problem> {
        let place = self.here();
        match self.next().map(|token| &token.kind) {
            Some(Kind::Word(word) | Kind::Number(word)) => Ok((word.clone(), place)),
            Some(Kind::Text(_) | Kind::Mark(_)) => {
                self.back();
                Err(self.problem("a value is expected here"))
            }
            None => Err(self.problem("a value is expected here")),
        }
    }

    fn keys(&mut self) -> Result<Vec<Key>, Problem> {
        let mut keys = Vec::new();
        loop {
            let optional = self.take("?");
            let place = self.here();
            match self.next().map(|token| &token.kind) {
                Some(Kind::Word(name)) if !self.sees(0, "(") => {
                    keys.push(Key { name: name.clone(), optional, place });
                }
                Some(_) => {
                    self.back();
                    return Err(self.problem("a field is expected here"));
                }
                None => return Err(self.problem("a field is expected here")),
            }
            if !self.take(",") {
                return Ok(keys);
            }
        }
    }

    fn item(&mut self) -> Result<Item, Problem> {
        let comment = self.peek().map_or(String::new(), |token| token.comment.clone());
        let start = self.here().0;
        let is_missing = self.take("!");
        self.expect("[")?;
        let mut item = self.event(comment, start)?;
        self.expect("]")?;
        item.is_missing = is_missing;
        item.place = self.since(start);
        loop {
            if self.take("by") {
                item.by = self.keys()?;
            } else if self.sees(0, "with") && self.sees(1, "runs") {
                self.at += 2;
                self.expect("=")?;
                item.runs = Some(self.word()?);
            } else if self.take("fork") {
                return Err(self.problem("`fork` of older versions has no meaning in Elasticsearch"));
            } else {
                return Ok(item);
            }
        }
    }

    /// `CATEGORY where CONDITION`.
    fn event(&mut self, comment: String, start: usize) -> Result<Item, Problem> {
        let category = match self.next().map(|token| &token.kind) {
            Some(Kind::Word(word) | Kind::Text(word)) => word.clone(),
            Some(Kind::Number(_) | Kind::Mark(_)) => {
                self.back();
                return Err(self.problem("a category, or `any`, is expected here"));
            }
            None => return Err(self.problem("a category, or `any`, is expected here")),
        };
        self.expect("where")?;
        let condition = self.or()?;
        let place = self.since(start);
        let (is_missing, by, runs) = (false, Vec::new(), None);
        Ok(Item { category, condition, is_missing, by, runs, comment, place })
    }

    /// A pipe, up to the next one or the next query.
    fn pipe(&mut self) -> (String, Place) {
        let start = self.here().0;
        self.at += 1;
        let name = match self.peek().map(|token| &token.kind) {
            Some(Kind::Word(name)) => name.clone(),
            Some(Kind::Text(_) | Kind::Number(_) | Kind::Mark(_)) | None => String::new(),
        };
        while self.peek().is_some() && !self.sees(0, "|") && !self.begins_query() {
            self.at += 1;
        }
        (name, self.since(start))
    }
}
