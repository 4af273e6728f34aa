//! Builds the tree: files, allowlists, rules, and the tokens all of them share.
//!
//! In: pairs of the grammar. Out: nodes of [`ast`](super::ast), with every mistake the grammar let through reported.
//! Must not know: what a name refers to.

use super::ast::{
    Clause, Entry, File, List, ListBody, Literal, LiteralKind, Meta, Name, Param, Rule as RuleNode, Text,
    Understood,
};
use super::grammar::{self, Pair, Rule};
use super::literal::{self, Problem};
use super::recover::{Level, Misspelt, Previous};
use super::{report, text};
use crate::diag::{Code, Diagnostic, Diagnostics, Fix};
use crate::source::{FileId, Span, Spanned};

/// Turns pairs into nodes.
pub(super) struct Builder<'a> {
    pub(super) text: &'a str,
    pub(super) file: FileId,
    /// Where the text that is being parsed begins: 0, or the start of a slice that is parsed once more.
    pub(super) base: usize,
    pub(super) diags: &'a mut Diagnostics,
    /// The last thing reported.
    pub(super) fault: std::ops::Range<usize>,
}

/// A `{ … }` with what stands before and inside it.
pub(super) struct Block<'i> {
    pub(super) head: Vec<Pair<'i>>,
    pub(super) items: Vec<Pair<'i>>,
}

impl<'a> Builder<'a> {
    pub(super) fn new(text: &'a str, file: FileId, diags: &'a mut Diagnostics) -> Self {
        Self { text, file, base: 0, diags, fault: 0..0 }
    }

    /// Parses the whole text.
    pub(super) fn file(&mut self) -> File {
        let mut out = File {
            id: self.file,
            imports: Vec::new(),
            lists: Vec::new(),
            rules: Vec::new(),
            comments: Vec::new(),
            understood: Understood::Partly,
        };
        match grammar::parse(Rule::file, self.text) {
            Ok(Some(pair)) => self.tops(pair, &mut out),
            Ok(None) => {}
            Err(stopped) => {
                let span = Span::new(self.file, stopped.at, stopped.at);
                self.report(Diagnostic::new(Code::Limit, span, "the file is too complex to parse"));
            }
        }
        out
    }

    #[expect(
        clippy::wildcard_enum_match_arm,
        reason = "the grammar's rules, most of which cannot stand here"
    )]
    fn tops(&mut self, file: Pair<'_>, out: &mut File) {
        let mut previous = Previous::default();
        for pair in file.into_inner() {
            let span = self.span(&pair);
            match pair.as_rule() {
                Rule::import => {
                    previous.set(Rule::only_import, span);
                    self.tail(pair).into_iter().for_each(|tail| out.imports.extend(self.first_text(tail)));
                }
                Rule::list => {
                    previous.block(span);
                    out.lists.extend(self.tail(pair).and_then(|tail| self.list(span, tail)));
                }
                Rule::rule => {
                    previous.block(span);
                    out.rules.extend(self.tail(pair).and_then(|tail| self.rule(span, tail)));
                }
                Rule::bad_top => self
                    .bad(Level::File, span, previous, &mut |this, misspelt| this.misspelt_top(misspelt, out)),
                _ => {}
            }
        }
    }

    fn misspelt_top(&mut self, misspelt: &Misspelt, out: &mut File) -> usize {
        self.reparse(misspelt, |this, tail| match misspelt.keyword {
            "import" => out.imports.extend(this.first_text(tail)),
            "allowlist" => out.lists.extend(this.list(misspelt.span, tail)),
            _ => out.rules.extend(this.rule(misspelt.span, tail)),
        })
    }

    fn list(&mut self, span: Span, tail: Pair<'_>) -> Option<List> {
        let body_file = child(&tail, Rule::list_file).and_then(|from| self.first_text(from));
        let file_head = body_file.is_some().then(|| child(&tail, Rule::list_head)).flatten();
        if let Some(file) = body_file {
            let Some(head) = file_head else {
                // The grammar found `from "…"` without a head before it.
                self.unexpected(span.start as usize + "allowlist".len(), &["a name"]);
                return None;
            };
            let (name, field) = self.list_head(head)?;
            return Some(List { name, field, body: ListBody::File(file), span });
        }
        let Block { head, items } = self.block(tail, Rule::only_list);
        let entries = self.entries(items);
        let (name, field) = head.into_iter().next().and_then(|head| self.list_head(head))?;
        Some(List { name, field, body: ListBody::Inline(entries), span })
    }

    fn list_head(&mut self, head: Pair<'_>) -> Option<(Name, Name)> {
        let mut parts = head.into_inner().filter(|part| part.as_rule() != Rule::colon);
        Some((self.name(&parts.next()?), self.name(&parts.next()?)))
    }

    #[expect(
        clippy::wildcard_enum_match_arm,
        reason = "the grammar's rules, most of which cannot stand here"
    )]
    fn entries(&mut self, items: Vec<Pair<'_>>) -> Vec<Entry> {
        let mut out: Vec<Entry> = Vec::new();
        let mut previous = Previous::default();
        let mut comma_seen = false;
        for pair in items {
            let span = self.span(&pair);
            match pair.as_rule() {
                Rule::entry => {
                    previous.set(Rule::only_entry, span);
                    out.extend(self.entry(pair));
                }
                Rule::comma if !std::mem::replace(&mut comma_seen, true) => {
                    let mut found = Diagnostic::new(Code::Comma, span, "entries stand without commas")
                        .label("no comma here")
                        .help("separate entries by blanks or line ends");
                    found.fix = Some(Fix { span, replacement: String::new() });
                    self.report(found);
                }
                Rule::bad_entry => out.extend(self.bad_entry(span, previous)),
                _ => {}
            }
        }
        out
    }

    fn entry(&mut self, pair: Pair<'_>) -> Option<Entry> {
        let span = self.span(&pair);
        let mut parts = pair.into_inner();
        let value = self.literal(&parts.next()?);
        let mut entry = Entry { value, reason: None, owner: None, ticket: None, until: None, span };
        let mut seen: Vec<(&str, Span)> = Vec::new();
        for attribute in parts {
            let whole = self.span(&attribute);
            let mut parts = attribute.into_inner();
            let (Some(key), Some(value)) = (parts.next(), parts.next()) else { continue };
            if let Some((_, first)) = seen.iter().find(|(known, _)| *known == key.as_str()) {
                self.repeated(key.as_str(), self.span(&key), *first);
                continue;
            }
            seen.push((key.as_str(), whole));
            match key.as_str() {
                "reason" => entry.reason = Some(self.string(&value)),
                "owner" => entry.owner = Some(self.string(&value)),
                "ticket" => entry.ticket = Some(self.string(&value)),
                _ => entry.until = self.date(&value),
            }
        }
        Some(entry)
    }

    fn date(&mut self, pair: &Pair<'_>) -> Option<Spanned<super::ast::Date>> {
        let mark = self.diags.len();
        let literal = self.literal(pair);
        if let LiteralKind::Date(node) = literal.kind {
            return Some(Spanned { node, span: literal.span });
        }
        if self.diags.len() == mark {
            let title = format!("{} is not a date", report::quoted(pair.as_str()));
            let found = Diagnostic::new(Code::BadDate, literal.span, title)
                .label("the last day on which the entry counts")
                .help("dates are written like `2027-06-30`");
            self.report(found);
        }
        None
    }

    fn rule(&mut self, span: Span, tail: Pair<'_>) -> Option<RuleNode> {
        let Block { head, items } = self.block(tail, Rule::only_rule);
        let name =
            head.into_iter().next().and_then(|head| head.into_inner().next()).map(|name| self.name(&name));
        let mut clauses = Vec::new();
        let mut previous = Previous::default();
        for pair in items {
            self.clause(pair, &mut previous, &mut clauses);
        }
        Some(RuleNode { name: name?, clauses, span })
    }

    #[expect(
        clippy::wildcard_enum_match_arm,
        reason = "the grammar's rules, most of which cannot stand here"
    )]
    fn clause(&mut self, pair: Pair<'_>, previous: &mut Previous, out: &mut Vec<Clause>) {
        let span = self.span(&pair);
        let strict = match pair.as_rule() {
            Rule::bad_clause => {
                return self.bad(Level::Rule, span, *previous, &mut |this, misspelt| {
                    this.misspelt_clause(misspelt, out)
                });
            }
            Rule::meta => Some(Rule::only_meta),
            Rule::param => Some(Rule::only_param),
            Rule::playbook => Some(Rule::only_playbook),
            _ => None,
        };
        previous.strict = strict;
        previous.span = Some(span);
        let mut parts = pair.into_inner();
        if let (Some(key), Some(tail)) = (parts.next(), parts.next()) {
            out.extend(self.clause_of(key.as_str(), self.span(&key), span, tail));
        }
    }

    fn misspelt_clause(&mut self, misspelt: &Misspelt, out: &mut Vec<Clause>) -> usize {
        self.reparse(misspelt, |this, tail| {
            let key = Span { end: misspelt.span.start + misspelt.length, ..misspelt.span };
            out.extend(this.clause_of(misspelt.keyword, key, misspelt.span, tail));
        })
    }

    /// The clause that `keyword` begins.
    fn clause_of(&mut self, keyword: &str, key: Span, span: Span, tail: Pair<'_>) -> Option<Clause> {
        Some(match keyword {
            "param" => Clause::Param(self.param(span, tail)?),
            "chain" => Clause::Chain(self.chain(span, tail)),
            "alert" => Clause::Alert(self.alert(span, tail)),
            "playbook" => Clause::Playbook(self.first_text(tail)?),
            "test" => Clause::Test(self.test(span, tail)?),
            _ => {
                let key = Spanned { node: keyword.to_owned(), span: key };
                let values = tail.into_inner().filter(|part| part.as_rule() != Rule::comma);
                Clause::Meta(Meta { key, values: values.map(|value| self.literal(&value)).collect(), span })
            }
        })
    }

    fn param(&mut self, span: Span, tail: Pair<'_>) -> Option<Param> {
        let mut parts = tail.into_inner().filter(|part| part.as_rule() != Rule::assign);
        Some(Param { name: self.name(&parts.next()?), value: self.literal(&parts.next()?), span })
    }

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
        match grammar::parse(strict, self.slice(start, end)) {
            Err(stopped) => self.stopped(start, &stopped),
            Ok(_) => self.unexpected(end, &["`{`"]),
        }
    }

    fn no_close(&mut self, open: Span, at: usize) {
        let at = self.skip_blank(at);
        let mut found =
            Diagnostic::new(Code::Unclosed, open, "this `{` is never closed").label("no `}` for it");
        if at < self.text.len() {
            found = found
                .also(Span::new(self.file, at, at + self.token(at).len()), "a `}` was expected before this");
        }
        self.report(found.help("add `}`"));
    }

    pub(super) fn span(&self, pair: &Pair<'_>) -> Span {
        let span = pair.as_span();
        // A pair that ends in trivia of its own (an optional part that was not there) ends with its last token.
        let end = span.start() + span.as_str().trim_end_matches([' ', '\t', '\r', '\n']).len();
        Span::new(self.file, self.base + span.start(), self.base + end)
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

    /// A string token.
    pub(super) fn string(&mut self, pair: &Pair<'_>) -> Text {
        let span = self.span(pair);
        let (node, problems) = text::string(pair.as_str());
        for problem in problems {
            self.problem(span.start as usize, problem);
        }
        Spanned { node, span }
    }

    /// A name or a dotted field; hyphens and capitals are reported.
    pub(super) fn name(&mut self, pair: &Pair<'_>) -> Name {
        let span = self.span(pair);
        let node = pair.as_str().to_owned();
        if node.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || matches!(b, b'_' | b'.')) {
            return Spanned { node, span };
        }
        let better = node.to_ascii_lowercase().replace('-', "_");
        let problem =
            Problem::new(Code::BadName, 0..node.len(), format!("{} is not a name", report::quoted(&node)))
                .label("lower-case letters, digits and `_` only");
        let is_field = pair.as_rule() != Rule::name;
        self.problem(span.start as usize, if is_field {
            problem.help("fields have the names of the source file, such as `event.action`; `catena sources` lists them")
        } else {
            problem.fix(better.clone())
        });
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
            _ => self.word(pair),
        };
        Literal { kind, span }
    }

    fn wrong_quotes(&mut self, pair: &Pair<'_>) -> LiteralKind {
        let token = pair.as_str();
        let body = token.trim_matches(['\'', '`', '“', '”']);
        let text = body.replace('\\', "\\\\").replace('"', "\\\"");
        let problem = Problem::new(Code::WrongQuotes, 0..token.len(), "strings stand in double quotes")
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
            "null" | "none" | "nil" if pair.as_rule() == Rule::word => {
                let problem = Problem::new(Code::NoNull, 0..token.len(), format!("`{token}` is not a value"))
                    .label("no such value")
                    .help("`exists(f)` says that a field is there, `not exists(f)` that it is not");
                self.problem(start, problem);
                return LiteralKind::Str(String::new());
            }
            _ => {}
        }
        if pair.as_rule() == Rule::meta_word
            && let Some(sentence) = self.sentence(start, token)
        {
            let problem = Problem::new(
                Code::Unquoted,
                0..sentence.len(),
                format!("{} needs quotes", report::quoted(sentence)),
            )
            .label("text without quotes")
            .fix(format!("\"{}\"", sentence.replace('\\', "\\\\").replace('"', "\\\"")));
            self.problem(start, problem);
            return LiteralKind::Str(sentence.to_owned());
        }
        if token.bytes().any(|b| b.is_ascii_uppercase() || b == b'-') {
            let problem = Problem::new(
                Code::Unquoted,
                0..token.len(),
                format!("{} needs quotes", report::quoted(token)),
            )
            .label("neither a number nor a name")
            .help("text stands in double quotes; names are lower case")
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
        (!next.is_empty() && !Level::Rule.begins(next)).then_some(line)
    }

    /// A duration, or a parameter that has one.
    pub(super) fn window(&mut self, pair: &Pair<'_>) -> Literal {
        let span = self.span(pair);
        let mark = self.diags.len();
        let kind = match pair.clone().into_inner().next() {
            Some(token) => self.literal(&token).kind,
            None => LiteralKind::Duration(60),
        };
        if matches!(kind, LiteralKind::Duration(_) | LiteralKind::Word(_)) {
            return Literal { kind, span };
        }
        if self.diags.len() == mark {
            let token = report::quoted(pair.as_str());
            let title = match kind {
                LiteralKind::Int(_) => format!("{token} has no unit"),
                LiteralKind::Str(_)
                | LiteralKind::Float(_)
                | LiteralKind::Bool(_)
                | LiteralKind::Duration(_)
                | LiteralKind::Date(_)
                | LiteralKind::Word(_) => format!("{token} is not a duration"),
            };
            let found = Diagnostic::new(Code::BadDuration, span, title)
                .label("a duration or a parameter stands here")
                .help("write it like `90s`, `15m`, `2h`, `1d` or `1h30m`, without quotes");
            self.report(found);
        }
        Literal { kind: LiteralKind::Duration(60), span }
    }

    pub(super) fn repeated(&mut self, what: &str, span: Span, first: Span) {
        let found = Diagnostic::new(Code::Repeated, span, format!("`{what}` is given twice"))
            .label("the second time")
            .also(first, "the first time")
            .help("keep one of them");
        self.report(found);
    }
}

/// The first part of `pair` by the rule `wanted`.
pub(super) fn child<'i>(pair: &Pair<'i>, wanted: Rule) -> Option<Pair<'i>> {
    pair.clone().into_inner().find(|part| part.as_rule() == wanted)
}
