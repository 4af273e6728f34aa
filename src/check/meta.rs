//! Metadata: what a SIEM wants to know about a rule.
//!
//! In: clauses such as `title "…"`. Out: [`ir::Meta`].
//! Must not know: the chain.

use std::collections::BTreeMap;

use jiff::civil::Date;
use uuid::Uuid;

use crate::diag::{Code, Diagnostic, Fix};
use crate::ir::{self, Severity, Status};
use crate::source::{Span, Spanned, marked};
use crate::syntax;
use crate::syntax::ast::{Clause, Literal, LiteralKind, Meta, Rule};

use super::resolutions::Meaning;
use super::sink::Sink;
use super::{allow, lint, naming, values};

const STATUSES: &[(&str, Status)] = &[
    ("experimental", Status::Experimental),
    ("test", Status::Test),
    ("stable", Status::Stable),
    ("deprecated", Status::Deprecated),
];

const SEVERITIES: &[(&str, Severity)] = &[
    ("informational", Severity::Informational),
    ("low", Severity::Low),
    ("medium", Severity::Medium),
    ("high", Severity::High),
    ("critical", Severity::Critical),
];

/// Lowers the metadata of a rule.
pub(super) fn lower(rule: &Rule, sink: &mut Sink) -> Option<ir::Meta> {
    let clauses = clauses(rule, sink);
    let mut reader = Reader { rule, clauses, sink };
    let title = reader.one("title", true);
    let id = reader.id();
    let description = reader.one("description", true);
    let author = reader.many("author");
    let date = reader.day("date");
    let modified = reader.day("modified");
    let status = reader.word("status", STATUSES);
    let severity = reader.word("severity", SEVERITIES);
    let attack = reader.attack();
    let references = reader.references();
    let false_positives = reader.many("false_positives");
    let targets = reader.clauses.get("targets").map(|meta| allow::targets(reader.sink, meta));
    let allow = allow::accepted(reader.sink, rule);
    if let Some(title) = &title {
        reader.title(title);
        lint::meta::length(reader.sink, title);
    }
    if let (Some(date), Some(modified)) = (&date, &modified) {
        lint::meta::order(reader.sink, date, modified);
    }
    if severity.is_none() && !reader.clauses.contains_key("severity") {
        reader.missing("severity");
    }
    // Only here does a missing clause end the work: by now every clause has been read and has reported what is wrong
    // with it.
    Some(ir::Meta {
        title: title?.node,
        id: id?,
        description: description?.node,
        author: (!author.is_empty()).then(|| author.join(", ")),
        date: date.map(|date| date.node),
        modified: modified.map(|date| date.node),
        status: status.unwrap_or(Status::Experimental),
        severity: severity?,
        attack,
        references,
        false_positives,
        targets,
        allow,
    })
}

/// The first clause of each key.
fn clauses<'a>(rule: &'a Rule, sink: &mut Sink) -> BTreeMap<&'a str, &'a Meta> {
    let mut found: BTreeMap<&str, &Meta> = BTreeMap::new();
    for clause in &rule.clauses {
        let Clause::Meta(meta) = clause else { continue };
        let key = meta.key.node.as_str();
        let known = syntax::metadata().find(|known| *known == key);
        if let Some(known) = known {
            sink.resolve(meta.key.span, Meaning::Clause(known));
        }
        if known.is_none() {
            sink.report(
                Diagnostic::new(Code::UnknownWord, meta.key.span, format!("unknown clause `{key}`"))
                    .label("unknown clause")
                    .suggest(key, syntax::metadata()),
            );
        } else if let Some(first) = found.get(key) {
            let help = match key {
                "attack" | "references" | "false_positives" | "author" | "targets" => {
                    "combine the values in one clause, separated by commas"
                }
                _ => "remove one of them",
            };
            sink.report(
                Diagnostic::new(Code::RepeatedClause, meta.key.span, format!("a second `{key}`"))
                    .label("again here")
                    .also(first.key.span, "first here")
                    .help(help),
            );
        } else {
            found.insert(key, meta);
        }
    }
    found
}

struct Reader<'a, 'd> {
    rule: &'a Rule,
    clauses: BTreeMap<&'a str, &'a Meta>,
    sink: &'d mut Sink,
}

impl<'a> Reader<'a, '_> {
    fn missing(&mut self, key: &str) {
        let name = &self.rule.name;
        let help = match key {
            "id" => {
                // Made of the name, not by chance: the same rule gets the same suggestion in every run.
                let id = Uuid::new_v5(&Uuid::NAMESPACE_URL, format!("catena:{}", name.node).as_bytes());
                format!("add a permanent UUID, such as `id \"{id}\"`")
            }
            "severity" => "add `severity medium`, or low, high, critical, informational".to_owned(),
            _ => format!("add `{key} \"…\"`"),
        };
        self.sink.report(
            Diagnostic::new(Code::MissingMeta, name.span, format!("the rule `{}` has no `{key}`", name.node))
                .label(format!("needs `{key}`"))
                .help(help),
        );
    }

    fn misfit(&mut self, key: &str, span: Span, what: &str) {
        let found = Diagnostic::new(Code::MetaValue, span, format!("invalid value for `{key}`")).label(what);
        self.sink.report(found);
    }

    /// The only value of a clause.
    fn single(&mut self, key: &str) -> Option<&'a Literal> {
        let meta = *self.clauses.get(key)?;
        if let [_, second, ..] = meta.values.as_slice() {
            self.misfit(key, second.span, "expected a single value");
            return None;
        }
        meta.values.first().filter(|literal| literal.kind != LiteralKind::Unknown)
    }

    fn text(&mut self, key: &str, literal: &'a Literal) -> Option<Spanned<&'a str>> {
        match &literal.kind {
            LiteralKind::Str(text) if text.trim().is_empty() => {
                self.misfit(key, literal.span, "empty");
                None
            }
            // Line ends and tabs belong to text blocks; a title, which is one line, refuses them by itself.
            LiteralKind::Str(text) => {
                match marked(text).find(|(_, c, hidden)| *hidden && !matches!(c, '\n' | '\t')) {
                    Some((_, c, _)) => {
                        let what = format!("it contains a non-printable character: U+{:04X}", u32::from(c));
                        self.misfit(key, literal.span, &what);
                        None
                    }
                    None => Some(Spanned { node: text, span: literal.span }),
                }
            }
            LiteralKind::Word(word) => {
                let mut found =
                    Diagnostic::new(Code::MetaValue, literal.span, format!("invalid value for `{key}`"))
                        .label("expected a double-quoted string");
                found.fix = Some(Fix { span: literal.span, replacement: format!("\"{word}\"") });
                self.sink.report(found);
                None
            }
            LiteralKind::Int(_)
            | LiteralKind::Float(_)
            | LiteralKind::Bool(_)
            | LiteralKind::Duration(_)
            | LiteralKind::Date(_) => {
                self.misfit(key, literal.span, "expected a double-quoted string");
                None
            }
            LiteralKind::Unknown => None,
        }
    }

    fn one(&mut self, key: &str, required: bool) -> Option<Spanned<String>> {
        if required && !self.clauses.contains_key(key) {
            self.missing(key);
        }
        let literal = self.single(key)?;
        let text = self.text(key, literal)?;
        Some(Spanned { node: text.node.trim().to_owned(), span: text.span })
    }

    fn texts(&mut self, key: &str) -> Vec<Spanned<&'a str>> {
        let literals = self.clauses.get(key).map_or(&[][..], |meta| &meta.values);
        literals.iter().filter_map(|literal| self.text(key, literal)).collect()
    }

    fn many(&mut self, key: &str) -> Vec<String> {
        self.texts(key).into_iter().map(|text| text.node.to_owned()).collect()
    }

    fn id(&mut self) -> Option<String> {
        let id = self.one("id", true)?;
        // Only the form with hyphens: SIEMs refuse the others.
        let uuid = Uuid::try_parse(&id.node).ok().filter(|uuid| id.node.len() == 36 && !uuid.is_nil());
        if uuid.is_none() {
            self.sink.report(
                Diagnostic::new(Code::BadId, id.span, format!("`{}` is not a UUID", id.node))
                    .label("expected 32 hexadecimal digits in five groups")
                    .help("create one with `uuidgen`; it identifies the rule permanently, even if the title changes"),
            );
        }
        uuid.map(|uuid| uuid.hyphenated().to_string())
    }

    fn day(&mut self, key: &str) -> Option<Spanned<Date>> {
        let literal = self.single(key)?;
        let LiteralKind::Date(date) = &literal.kind else {
            self.no_date(key, literal);
            return None;
        };
        let day = values::day(*date);
        if day.is_none() {
            self.sink.report(values::bad_day(literal.span));
        }
        day.map(|node| Spanned { node, span: literal.span })
    }

    /// Reports a value that is no date; a date in quotes only has too much around it.
    fn no_date(&mut self, key: &str, literal: &Literal) {
        let quoted = match &literal.kind {
            LiteralKind::Str(text) => text.trim().parse::<Date>().ok(),
            LiteralKind::Int(_)
            | LiteralKind::Float(_)
            | LiteralKind::Bool(_)
            | LiteralKind::Duration(_)
            | LiteralKind::Date(_)
            | LiteralKind::Word(_)
            | LiteralKind::Unknown => None,
        };
        let Some(day) = quoted else {
            return self.misfit(key, literal.span, "expected a date such as `2026-11-24`");
        };
        let found = Diagnostic::new(Code::MetaValue, literal.span, format!("invalid value for `{key}`"));
        let mut found = found.label("a string, not a date").help("dates are not quoted");
        found.fix = Some(Fix { span: literal.span, replacement: day.to_string() });
        self.sink.report(found);
    }

    fn word<T: Copy>(&mut self, key: &'static str, words: &[(&'static str, T)]) -> Option<T> {
        let literal = self.single(key)?;
        let (LiteralKind::Word(word) | LiteralKind::Str(word)) = &literal.kind else {
            self.misfit(key, literal.span, "expected a keyword");
            return None;
        };
        let known = words.iter().find(|(known, _)| known == word);
        if let Some((word, _)) = known {
            self.sink.resolve(literal.span, Meaning::Word { of: key, word });
        }
        let value = known.map(|(_, value)| *value);
        if let (Some(_), LiteralKind::Str(_)) = (value, &literal.kind) {
            let mut found = Diagnostic::new(
                Code::MetaValue,
                literal.span,
                format!("`{key}` takes a keyword, not a string"),
            )
            .label("quoted");
            found.fix = Some(Fix { span: literal.span, replacement: word.clone() });
            self.sink.report(found.help(format!("write `{key} {word}`")));
            return None;
        }
        if value.is_none() {
            let known: Vec<_> = words.iter().map(|(word, _)| *word).collect();
            let found = Diagnostic::new(Code::UnknownWord, literal.span, format!("unknown {key} `{word}`"))
                .label(format!("unknown {key}"))
                .suggest(word, known.iter().copied())
                .help(format!("valid values are {}", naming::ticked(&known)));
            self.sink.report(found);
        }
        value
    }

    fn attack(&mut self) -> Vec<String> {
        let texts = self.texts("attack");
        for text in &texts {
            if attack_id(text.node) {
                continue;
            }
            let mut found =
                Diagnostic::new(Code::BadAttack, text.span, format!("`{}` is not an ATT&CK ID", text.node))
                    .label("unknown format")
                    .help("IDs look like `T1204`, `T1204.003`, `TA0002`, `DET0478`, `AN1318`");
            let upper = text.node.trim().to_ascii_uppercase();
            if attack_id(&upper) {
                found.fix = Some(Fix { span: text.span, replacement: format!("\"{upper}\"") });
            }
            self.sink.report(found);
        }
        lint::meta::repeated(self.sink, "attack", &texts);
        texts.into_iter().map(|text| text.node.to_owned()).collect()
    }

    fn references(&mut self) -> Vec<String> {
        let texts = self.texts("references");
        for text in &texts {
            if !web_address(text.node) {
                self.sink.report(
                    Diagnostic::new(Code::BadReference, text.span, "this reference is not a URL")
                        .label("expected `https://…`")
                        .help("references are URLs; put other text into the description"),
                );
            }
        }
        lint::meta::repeated(self.sink, "references", &texts);
        texts.into_iter().map(|text| text.node.to_owned()).collect()
    }

    fn title(&mut self, title: &Spanned<String>) {
        if title.node.contains(|c: char| c.is_control()) {
            self.misfit("title", title.span, "a title is a single line");
        }
    }
}

/// `T1204`, `T1204.003`, `TA0002`, `DET0478`, `AN1318`.
fn attack_id(text: &str) -> bool {
    let digits = |text: &str, count: usize| text.len() == count && text.bytes().all(|b| b.is_ascii_digit());
    if let Some(rest) = ["TA", "DET", "AN"].iter().find_map(|prefix| text.strip_prefix(prefix)) {
        return digits(rest, 4);
    }
    text.strip_prefix('T').is_some_and(|rest| match rest.split_once('.') {
        Some((technique, sub)) => digits(technique, 4) && digits(sub, 3),
        None => digits(rest, 4),
    })
}

fn web_address(text: &str) -> bool {
    let rest = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://"));
    rest.is_some_and(|rest| {
        rest.starts_with(char::is_alphanumeric)
            && !text.contains(|c: char| c.is_whitespace() || c.is_control())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn attack_ids_have_five_forms() {
        for id in ["T1204", "T1204.003", "TA0002", "DET0478", "AN1318"] {
            assert!(attack_id(id), "{id}");
        }
        for id in ["", "T", "T12", "t1204", "T1204.3", "T1204.", "DET478", "S0002", "T１２０４"] {
            assert!(!attack_id(id), "{id}");
        }
    }
}
