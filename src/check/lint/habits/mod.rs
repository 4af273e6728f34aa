//! What people write by habit who come from other query languages: wildcards and regular expressions where every
//! character stands for itself, and patterns without a wildcard.
//!
//! In: a comparison as written and as lowered. Out: one warning for a comparison, with the comparison that is meant.
//! Must not know: what a text looks like; that is `shape`'s.

mod written;

use crate::check::glob;
use crate::check::names::Names;
use crate::check::regex;
use crate::check::shape::Shape;
use crate::check::sink::Sink;
use crate::diag::{Code, Diagnostic, Fix};
use crate::ir::{ParamValue, Pred, TestKind};
use crate::source::{Span, Spanned};
use crate::syntax::ast::{Literal, LiteralKind, Op, OpKind, Operand};

use written::Member;

/// Looks at a comparison.
pub(super) fn lint(names: &Names<'_>, sink: &mut Sink, op: &Spanned<Op>, value: &Operand, lowered: &Pred) {
    let Some(field) = lowered.tests().find(|test| is_of_text(&test.kind)).map(|test| &test.field.name) else {
        return;
    };
    let (literals, end) = match value {
        Operand::One(literal) => (std::slice::from_ref(literal), literal.span.end),
        Operand::Set(literals, span) => (literals.as_slice(), span.end),
    };
    let members: Vec<Member<'_>> = literals.iter().filter_map(|literal| member(names, literal)).collect();
    // A fix replaces the whole right side, so nothing is said where one value is not known.
    if members.len() != literals.len() {
        return;
    }
    let comparison = Comparison {
        field,
        op: op.node,
        is_list: matches!(value, Operand::Set(..)),
        place: Span { end, ..op.span },
        members,
    };
    let found = match op.node.kind {
        OpKind::Equal | OpKind::In => comparison.equal(),
        OpKind::Contains | OpKind::StartsWith | OpKind::EndsWith => comparison.part(),
        OpKind::Like => comparison.pattern(),
        OpKind::Matches => comparison.regex(),
        OpKind::Less | OpKind::LessEqual | OpKind::Greater | OpKind::GreaterEqual => None,
    };
    if let Some(found) = found {
        sink.report(found);
    }
}

fn is_of_text(kind: &TestKind) -> bool {
    match kind {
        TestKind::Equals { values, .. } => {
            values.iter().any(|value| matches!(value, crate::ir::Value::String(_)))
        }
        TestKind::Like { .. } | TestKind::Substring { .. } | TestKind::Matches { .. } => true,
        TestKind::Exists
        | TestKind::InNetworks { .. }
        | TestKind::InList { .. }
        | TestKind::Order { .. }
        | TestKind::SameAs { .. }
        | TestKind::TextOf { .. }
        | TestKind::Values(_) => false,
    }
}

/// The text of a literal, or of the parameter that it names.
fn member<'a>(names: &'a Names<'_>, literal: &'a Literal) -> Option<Member<'a>> {
    let written = names.unit.sources.snippet(literal.span);
    let (text, param) = match &literal.kind {
        LiteralKind::Str(text) => (text.as_str(), None),
        LiteralKind::Word(word) => {
            let known = names.params.get(word)?;
            let Some(ParamValue::String(text)) = &known.value else { return None };
            (text.as_str(), Some(known.default))
        }
        LiteralKind::Int(_)
        | LiteralKind::Float(_)
        | LiteralKind::Bool(_)
        | LiteralKind::Duration(_)
        | LiteralKind::Date(_)
        | LiteralKind::Unknown => return None,
    };
    Some(Member { text, written, span: literal.span, param })
}

/// A comparison of a text.
struct Comparison<'a> {
    field: &'a str,
    op: Op,
    is_list: bool,
    /// From the operator to the end of the right side.
    place: Span,
    members: Vec<Member<'a>>,
}

impl Comparison<'_> {
    /// `==` and `in`: every character counts.
    fn equal(&self) -> Option<Diagnostic> {
        let shapes: Vec<_> = self.members.iter().map(|member| Shape::of_equal(member.text)).collect();
        let first = self.first(&shapes)?;
        let has_regex = shapes.contains(&Some(Shape::Regex));
        if has_regex && !shapes.contains(&Some(Shape::Wildcard)) {
            // Where `=~` is the operator of regular expressions, they look anywhere in the value.
            return Some(self.for_regex(&shapes, !self.op.ignore_case));
        }
        let found = self.ordinary(&shapes, mark(first.text));
        // Alone it stands for "anything" elsewhere, which is `exists` here and no pattern.
        if first.text == "*" && !self.is_list {
            let field = self.field;
            return Some(
                found.help(format!("for any value write `exists({field})`, for a star `like r\"\\*\"`")),
            );
        }
        let patterns = self.members.iter().zip(&shapes).map(|(member, shape)| {
            member.as_text(&match shape {
                Some(shape) => shape.pattern(member.text),
                None => Shape::Wildcard.pattern(member.text).replace('?', "\\?"),
            })
        });
        // No fix where wildcards and regular expressions stand side by side: `like` can say the first only.
        let replacement = self.with(OpKind::Like, patterns).filter(|_| !has_regex);
        let found = found.help(format!(
            "`like` takes wildcards: `*` for any text, `?` for one character; {} there is the character itself",
            if first.text.contains('?') && !first.text.contains('*') { "`\\?`" } else { "`\\*`" }
        ));
        Some(self.fixed(found, replacement))
    }

    /// `contains`, `starts_with`, `ends_with`: the text stands as it is.
    fn part(&self) -> Option<Diagnostic> {
        let shapes: Vec<_> = self.members.iter().map(|member| Shape::of_part(member.text)).collect();
        let first = self.first(&shapes)?;
        if shapes.contains(&Some(Shape::Regex)) {
            return Some(self.for_regex(&shapes, false));
        }
        let mark = mark(first.text);
        let found = self.ordinary(&shapes, mark);
        let kind = self.op.kind;
        let stripped: Option<Vec<&str>> =
            self.members.iter().map(|member| written::stripped(kind, member.text, mark)).collect();
        // `contains "*admin*"` loses its stars and stays what it is; a star in the middle needs `like`.
        if let Some(parts) = stripped {
            let replacement =
                self.with(kind, self.members.iter().zip(parts).map(|(member, part)| member.as_text(part)));
            let found = found.help(format!("`{}` needs no wildcard: leave it out", written::word(kind)));
            return Some(self.fixed(found, replacement));
        }
        let patterns = self.members.iter().zip(&shapes).map(|(member, shape)| {
            let pattern = match shape {
                Some(shape) => shape.pattern(member.text),
                None => Shape::Wildcard.pattern(member.text).replace('*', "\\*").replace('?', "\\?"),
            };
            member.as_text(&written::around(kind, &pattern))
        });
        let replacement = self.with(OpKind::Like, patterns);
        Some(self.fixed(found.help("`like` takes wildcards, and tests the whole value"), replacement))
    }

    /// `like`: what is no wildcard, and patterns that have none.
    fn pattern(&self) -> Option<Diagnostic> {
        let shapes: Vec<_> = self.members.iter().map(|member| Shape::of_pattern(member.text)).collect();
        if self.first(&shapes).is_none() {
            return self.without_wildcard();
        }
        if shapes.contains(&Some(Shape::Regex)) {
            return Some(self.for_regex(&shapes, true));
        }
        let patterns = self.members.iter().zip(&shapes).map(|(member, shape)| match shape {
            Some(Shape::Sql) => member.as_text(&member.text.replace('%', "*")),
            Some(Shape::Wildcard | Shape::Regex) | None => Some(member.written.to_owned()),
        });
        let found = self.ordinary(&shapes, '%');
        let found = found.help("the wildcards of `like` are `*` for any text and `?` for one character");
        Some(self.fixed(found, self.with(OpKind::Like, patterns)))
    }

    fn without_wildcard(&self) -> Option<Diagnostic> {
        let first = self.members.first()?;
        // An escaped wildcard is the way to say that a star is meant; a parameter may have one in another environment.
        let plain = |member: &Member<'_>| !member.text.contains(['*', '?']) && member.param.is_none();
        if !self.members.iter().all(plain) {
            return None;
        }
        let kind = if self.is_list { OpKind::In } else { OpKind::Equal };
        let texts = self.members.iter().map(|member| member.as_text(&member.text.replace("\\\\", "\\")));
        let found = Diagnostic::new(Code::NoWildcard, first.span, "this pattern has no wildcard")
            .label("matches this value alone")
            .help("write an equality, or put `*` where other text may stand; `contains` finds a part of a value");
        Some(self.fixed(found, self.with(kind, texts)))
    }

    /// `matches` with a wildcard pattern.
    fn regex(&self) -> Option<Diagnostic> {
        let first = self.members.first().filter(|member| glob::is_meant_by(member.text))?;
        let found = Diagnostic::new(Code::LiteralWildcard, first.span, "this looks like a wildcard pattern")
            .label("in a regular expression `*` repeats the character before it")
            .help("`like` takes wildcards; in a regular expression any text is `.*`");
        Some(self.fixed(
            found,
            self.with(OpKind::Like, self.members.iter().map(|member| member.as_text(member.text))),
        ))
    }

    /// The first member of a shape.
    fn first(&self, shapes: &[Option<Shape>]) -> Option<&Member<'_>> {
        self.members.iter().zip(shapes).find(|(_, shape)| shape.is_some()).map(|(member, _)| member)
    }

    /// The finding for a mark that stands for itself.
    fn ordinary(&self, shapes: &[Option<Shape>], mark: char) -> Diagnostic {
        let op = written::operator(self.op);
        let title = format!("`{mark}` is an ordinary character in `{op}`");
        self.at_first(shapes, title, "not a wildcard here")
    }

    fn at_first(&self, shapes: &[Option<Shape>], title: String, label: &str) -> Diagnostic {
        let count = shapes.iter().flatten().count();
        let member = self.first(shapes);
        let span = member.map_or(self.place, |member| member.span);
        let label = if count > 1 {
            format!("{label}, nor in {} more of these values", count - 1)
        } else {
            label.to_owned()
        };
        let found = Diagnostic::new(Code::LiteralWildcard, span, title).label(label);
        match member.and_then(|member| member.param) {
            Some(default) => found.also(default, "the value of the parameter"),
            None => found,
        }
    }

    /// The finding for regular expressions, with `matches` in place of the operator where one expression says all.
    fn for_regex(&self, shapes: &[Option<Shape>], whole: bool) -> Diagnostic {
        let op = written::operator(self.op);
        let title = format!("`{op}` does not take a regular expression");
        let found = self
            .at_first(shapes, title, "every character stands for itself here")
            .help("`matches` takes one: `FIELD matches r\"…\"`; it looks anywhere in the value, unless `^` and `$` say otherwise");
        let replacement = written::expression(self.op.kind, whole, self.members.iter().zip(shapes))
            .map(|text| if self.op.ignore_case { format!("(?i){text}") } else { text })
            // A fix must compile, and a raw string cannot hold a quote.
            .filter(|text| regex::check(text).is_ok() && !text.contains('"'))
            .map(|text| {
                let not = if self.op.negated { "not " } else { "" };
                format!("{not}matches r\"{text}\"")
            });
        self.fixed(found, replacement)
    }

    fn fixed(&self, mut found: Diagnostic, replacement: Option<String>) -> Diagnostic {
        found.fix = replacement.map(|replacement| Fix { span: self.place, replacement });
        found
    }

    /// The comparison with another operator and other values; nothing if one of them cannot be written so.
    fn with(&self, kind: OpKind, values: impl Iterator<Item = Option<String>>) -> Option<String> {
        let values: Vec<String> = values.collect::<Option<_>>()?;
        let op = written::operator(Op { kind, ..self.op });
        let values = values.join(", ");
        Some(if self.is_list { format!("{op} ({values})") } else { format!("{op} {values}") })
    }
}

/// The mark in a text that looks like a wildcard.
fn mark(text: &str) -> char {
    ['*', '?', '%'].into_iter().find(|mark| text.contains(*mark)).unwrap_or('*')
}
