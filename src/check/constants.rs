//! Constants: literals, and parameters in their place.
//!
//! In: a literal of the rule. Out: a [`Constant`], which has no field yet.
//! Must not know: fields' types, operators.

use crate::diag::{Code, Diagnostic, Fix};
use crate::ir::ParamValue;
use crate::source::Span;
use crate::syntax::ast::{Literal, LiteralKind};

use super::names::{Names, Subject};
use super::params::Known;
use super::resolutions::Meaning;
use super::sink::Sink;
use super::values::{self, Constant, Kind};

/// What a literal is for, which says what else a word in its place may be meant for.
#[derive(Debug, Clone, Copy)]
pub(super) enum Purpose<'a> {
    /// A value in the condition on this record.
    Condition(Subject<'a>),
    /// The value of a field of a test event.
    TestEvent,
    /// A length of time.
    Duration,
}

/// The value of a literal; words are parameters.
pub(super) fn constant(
    names: &Names<'_>,
    sink: &mut Sink,
    purpose: Purpose<'_>,
    literal: &Literal,
) -> Option<Constant> {
    let kind = match &literal.kind {
        LiteralKind::Str(text) => Kind::Text(text.clone()),
        LiteralKind::Int(number) => Kind::Int(*number),
        LiteralKind::Float(number) => Kind::Float(*number),
        LiteralKind::Bool(truth) => Kind::Bool(*truth),
        LiteralKind::Duration(seconds) => Kind::Duration(*seconds),
        LiteralKind::Date(date) => match values::day(*date) {
            Some(day) => Kind::Date(day),
            None => return values::no_such_day(sink, literal.span),
        },
        LiteralKind::Word(word) => return from_word(names, sink, purpose, word, literal.span),
        LiteralKind::Unknown => return None,
    };
    Some(Constant { kind, span: literal.span, param: None })
}

/// The parameter of a name that is used at `span`.
pub(super) fn parameter<'n>(
    names: &'n Names<'_>,
    sink: &mut Sink,
    word: &str,
    span: Span,
) -> Option<&'n Known<'n>> {
    let known = names.params.get(word)?;
    sink.resolve(span, Meaning::Param(known.name.span));
    Some(known)
}

/// Resolves the words of literals in a clause that is wrong for another reason, so that one mistake gives one finding.
pub(super) fn touch(names: &Names<'_>, sink: &mut Sink, literals: &[Literal]) {
    for literal in literals {
        if let LiteralKind::Word(word) = &literal.kind {
            parameter(names, sink, word, literal.span);
            if let Some(listed) = names.lists.by_name(word) {
                sink.resolve(literal.span, Meaning::List(listed.ast.name.span));
            }
        }
    }
}

fn from_word(
    names: &Names<'_>,
    sink: &mut Sink,
    purpose: Purpose<'_>,
    word: &str,
    span: Span,
) -> Option<Constant> {
    let Some(found) = parameter(names, sink, word, span) else {
        let found = unknown_word(names, purpose, word, span);
        // A parameter whose name was misspelt here would else be reported as unused too: one slip, two findings.
        if let Some(meant) = found.fix.as_ref().and_then(|fix| names.params.get(&fix.replacement)) {
            sink.meant(meant.name.span);
        }
        sink.report(found);
        return None;
    };
    // Its wrong value was reported where it is given, once, and not at each use.
    let kind = match found.value.clone()? {
        ParamValue::Duration(seconds) => Kind::Duration(seconds),
        ParamValue::Int(number) => Kind::Int(number),
        ParamValue::Float(number) => Kind::Float(number),
        ParamValue::String(text) => Kind::Text(text),
        ParamValue::Bool(truth) => Kind::Bool(truth),
    };
    Some(Constant { kind, span, param: Some(found.default) })
}

/// The finding for a word that is no parameter, where only a parameter could stand.
fn unknown_word(names: &Names<'_>, purpose: Purpose<'_>, word: &str, span: Span) -> Diagnostic {
    // What the word is comes before what it resembles: a list or field that exists is in the wrong place, and a
    // suggestion would replace a right name by a wrong one.
    if names.lists.index(word).is_some() {
        let found = Diagnostic::new(Code::WrongOperator, span, format!("`{word}` is an allowlist"));
        return found.label("not a single value").help(match purpose {
            Purpose::TestEvent => "a field of an event has one value".to_owned(),
            Purpose::Condition(_) | Purpose::Duration => {
                format!("test it with `in {word}` or `not in {word}`")
            }
        });
    }
    if let Some(found) = names.lookups.elsewhere(word, span) {
        return found;
    }
    let source = match purpose {
        Purpose::Condition(subject) => subject.source,
        Purpose::TestEvent | Purpose::Duration => None,
    };
    if source.is_some_and(|source| source.field(word).is_some()) {
        return Diagnostic::new(Code::WrongOperator, span, format!("`{word}` is a field"))
            .label("not a value")
            .help("two fields are compared with `==`, `!=`, `contains`, `starts_with`, `ends_with` and their forms with `~`");
    }
    let fields = source.into_iter().flat_map(|source| source.fields.keys().map(String::as_str));
    let mut known: Vec<_> = names.params.names().collect();
    let label = match purpose {
        Purpose::Condition(_) | Purpose::Duration => {
            known.extend(names.lists.names().chain(fields));
            "not a parameter, allowlist or field"
        }
        Purpose::TestEvent => "not a parameter",
    };
    let mut found = Diagnostic::new(Code::UnknownName, span, format!("unknown name `{word}`"))
        .label(label)
        .suggest(word, known);
    match purpose {
        Purpose::Condition(_) | Purpose::TestEvent if found.fix.is_none() => {
            found = found.help("quote the value if it is a string");
            found.fix = Some(Fix { span, replacement: format!("\"{word}\"") });
            found
        }
        Purpose::Condition(_) | Purpose::TestEvent | Purpose::Duration => found,
    }
}
