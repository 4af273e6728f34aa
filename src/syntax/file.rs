//! Builds the tree: files, allowlists, rules.
//!
//! In: pairs of the grammar. Out: nodes of [`ast`](super::ast), with every mistake the grammar let through reported.
//! Must not know: what a name refers to.

use super::ast::{
    Allow, Clause, Entry, File, List, ListBody, LiteralKind, Lookup, Meta, Name, Param, Rule as RuleNode,
};
use super::builder::Builder;
use super::grammar::{self, Pair, Rule};
use super::keywords::Level;
use super::parts::{Block, child};
use super::recover::{Misspelt, Previous};
use super::wording::quoted;
use crate::diag::{Code, Diagnostic, Fix};
use crate::source::{Span, Spanned};

impl Builder<'_> {
    /// Parses the whole text.
    pub(super) fn file(&mut self) -> File {
        let mut out = File::not_understood(self.file);
        match grammar::parse(Rule::file, self.text) {
            Ok(Some(pair)) => self.tops(pair, &mut out),
            Ok(None) => {}
            // The error productions match whatever stands there: only the bound on steps ends the parse of a file.
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
                    self.tail(pair).into_iter().for_each(|tail| out.imports.extend(self.path(tail)));
                }
                Rule::list => {
                    previous.block(span);
                    out.lists.extend(self.tail(pair).and_then(|tail| self.list(span, tail)));
                }
                Rule::lookup => {
                    previous.block(span);
                    out.lookups.extend(self.tail(pair).and_then(|tail| self.lookup(span, tail)));
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
            "import" => out.imports.extend(this.path(tail)),
            "allowlist" => out.lists.extend(this.list(misspelt.span, tail)),
            "lookup" => out.lookups.extend(this.lookup(misspelt.span, tail)),
            _ => out.rules.extend(this.rule(misspelt.span, tail)),
        })
    }

    fn list(&mut self, span: Span, tail: Pair<'_>) -> Option<List> {
        let body_file = child(&tail, Rule::list_file).and_then(|from| self.path(from));
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

    fn lookup(&mut self, span: Span, tail: Pair<'_>) -> Option<Lookup> {
        let Block { head, items } = self.block(tail, Rule::only_lookup);
        let mut columns = Vec::new();
        let mut previous = Previous::default();
        for pair in items {
            let place = self.span(&pair);
            if pair.as_rule() == Rule::column {
                previous.set(Rule::only_column, place);
                let parts: Vec<Pair<'_>> = pair.into_inner().collect();
                if let [name, _, ty] = parts.as_slice() {
                    columns.push((self.name(name), self.name(ty)));
                }
            } else if pair.as_rule() == Rule::bad_entry {
                self.unexpected(place.start as usize, &["a column: `NAME: TYPE`", "`}`"]);
            }
        }
        let head = head.into_iter().next()?;
        let file = self.path(head.clone());
        let mut names = head.into_inner().filter(|part| matches!(part.as_rule(), Rule::name | Rule::field));
        let (name, key) = (self.name(&names.next()?), self.name(&names.next()?));
        Some(Lookup { name, key, file: file?, columns, span })
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
                // Whoever separates entries by commas does so throughout; the first one says it.
                Rule::comma if !std::mem::replace(&mut comma_seen, true) => {
                    let mut found = Diagnostic::new(Code::Comma, span, "entries are not separated by commas")
                        .label("no comma here")
                        .help("separate entries with spaces or line breaks");
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
        // A date that is spelt wrong has been reported by `literal`; here only a value of another kind is left.
        if self.diags.len() == mark {
            let title = format!("{} is not a date", quoted(pair.as_str()));
            let found = Diagnostic::new(Code::BadDate, literal.span, title)
                .label("expiry date (inclusive)")
                .help("write dates as `2027-06-30`");
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
        // The name last: a rule without one is left out of the tree, and the faults in its clauses are reported all the
        // same.
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
            Rule::allow => Some(Rule::only_allow),
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
            "allow" => Clause::Allow(self.allow(span, tail)?),
            "param" => Clause::Param(self.param(span, tail)?),
            "chain" => Clause::Chain(self.chain(span, tail)),
            "alert" => Clause::Alert(self.alert(span, tail)),
            "playbook" => Clause::Playbook(self.first_text(tail)?),
            "test" => Clause::Test(self.test(span, tail)?),
            _ => {
                let key = Spanned { node: keyword.to_owned(), span: key };
                let values = self.without_brackets(tail);
                Clause::Meta(Meta {
                    key,
                    values: values.iter().map(|value| self.literal(value)).collect(),
                    span,
                })
            }
        })
    }

    fn allow(&mut self, span: Span, tail: Pair<'_>) -> Option<Allow> {
        let mut parts = tail.into_inner();
        let code = parts.next()?;
        let code = Spanned { node: code.as_str().to_owned(), span: self.span(&code) };
        Some(Allow { code, reason: self.string(&parts.next()?), span })
    }

    fn param(&mut self, span: Span, tail: Pair<'_>) -> Option<Param> {
        let mut parts = tail.into_inner().filter(|part| part.as_rule() != Rule::assign);
        Some(Param { name: self.name(&parts.next()?), value: self.literal(&parts.next()?), span })
    }
}
