//! A comparison whose field is known: which operators the field takes, and the values on the right side.
//!
//! In: field, operator and literals. Out: typed values, or the finding for what does not fit.
//! Must not know: which test of the IR comes of it.

use crate::diag::{Code, Diagnostic, Fix};
use crate::ir::{self, Case, Type, Value};
use crate::source::Span;
use crate::syntax::ast::{Literal, Op, OpKind};

use super::constants;
use super::constants::Purpose;
use super::names::{Names, Subject};
use super::sink::Sink;
use super::values::{self, Constant, Kind};

/// A comparison whose field is known.
#[derive(Debug)]
pub(super) struct Comparison<'a> {
    pub(super) subject: Subject<'a>,
    pub(super) field: ir::Field,
    pub(super) op: Op,
    pub(super) op_span: Span,
    /// Whether the field's values are the same in whatever letter case.
    pub(super) folds: bool,
}

impl Comparison<'_> {
    pub(super) fn case(&self) -> Case {
        Case::folding(self.op.ignore_case || self.folds)
    }

    /// The finding for an operator that the field's type does not have.
    pub(super) fn misfit(&self) -> Option<Diagnostic> {
        let ty = self.field.ty;
        let (fits, what, help) = match self.op.kind {
            // Every type has equality; whether the value is of the field's type is asked at the value, where the fix
            // is.
            OpKind::Equal | OpKind::In => (true, "", ""),
            OpKind::Less | OpKind::LessEqual | OpKind::Greater | OpKind::GreaterEqual => (
                matches!(ty, Type::Int | Type::Float | Type::Time),
                "numbers and timestamps",
                if ty == Type::Ip {
                    "test an address range by its network: `in (\"10.0.0.0/8\")`"
                } else {
                    ""
                },
            ),
            OpKind::Like | OpKind::Contains | OpKind::StartsWith | OpKind::EndsWith | OpKind::Matches => (
                ty == Type::String,
                "strings",
                if ty == Type::Ip {
                    "test an address range by its network: `in (\"10.0.0.0/8\")`"
                } else {
                    ""
                },
            ),
        };
        if !fits {
            let title =
                format!("`{}` is {}; this operator compares {what}", self.field.name, values::words(ty));
            let found =
                Diagnostic::new(Code::WrongOperator, self.op_span, title).label(format!("for {what}"));
            let help = if help.is_empty() { "use `==`, `!=` or `in`" } else { help };
            // One finding for an operator: what `~` means to it is of no interest once the operator itself does not
            // fit.
            return Some(found.help(help));
        }
        if self.op.ignore_case && (ty != Type::String || self.op.kind == OpKind::Matches) {
            let (title, help) = if self.op.kind == OpKind::Matches {
                ("`matches` has no case-insensitive form".to_owned(), "start the expression with `(?i)`")
            } else {
                let title = format!(
                    "`{}` is {}, which has no upper and lower case",
                    self.field.name,
                    values::words(ty)
                );
                (title, "use the operator without `~`: `==`, `!=`, `in`")
            };
            return Some(
                Diagnostic::new(Code::WrongOperator, self.op_span, title)
                    .label("case-insensitive")
                    .help(help),
            );
        }
        None
    }

    pub(super) fn set_refused(&self, span: Span) -> Diagnostic {
        let found = Diagnostic::new(Code::WrongOperator, span, "this operator takes a single value")
            .label("a set of values");
        if self.op.kind == OpKind::Equal {
            let word = match (self.op.negated, self.op.ignore_case) {
                (false, false) => "in",
                (true, false) => "not in",
                (false, true) => "in~",
                (true, true) => "not in~",
            };
            let mut found = found.help(format!("write `{word}` to compare with several values"));
            found.fix = Some(Fix { span: self.op_span, replacement: word.to_owned() });
            return found;
        }
        found.help(if self.op.kind == OpKind::Matches {
            "join the expressions by `|`, or write one condition for each, joined by `or`"
        } else {
            "compare with the largest or the smallest of them"
        })
    }

    /// The value of the field's type, among the values the field has.
    pub(super) fn value(&self, sink: &mut Sink, constant: &Constant) -> Option<Value> {
        let value = values::typed(sink, &self.field, constant)?;
        if let Value::String(text) = &value {
            self.among_values(sink, text, constant.span);
        }
        Some(value)
    }

    /// The text on the right side, never empty.
    pub(super) fn text(&self, names: &Names<'_>, sink: &mut Sink, literal: &Literal) -> Option<String> {
        let constant = constants::constant(names, sink, Purpose::Condition(self.subject), literal)?;
        match constant.kind {
            // An error, where `like "*"` is only warned of: back ends may rely on a text that is not empty.
            Kind::Text(text) if text.is_empty() => {
                let found =
                    Diagnostic::new(Code::EmptyText, constant.span, "every string contains the empty string")
                        .label("always true")
                        .help(format!("write `exists({})` to require any value", self.field.name));
                sink.report(found);
                None
            }
            Kind::Text(text) => Some(text),
            Kind::Int(_) | Kind::Float(_) | Kind::Bool(_) | Kind::Duration(_) | Kind::Date(_) => {
                let found = values::wrong_type(&self.field, &constant);
                sink.report(found);
                None
            }
        }
    }

    /// Checks a text against the values that the field can have.
    pub(super) fn among_values(&self, sink: &mut Sink, text: &str, span: Span) {
        if let Some(def) = self.subject.source.and_then(|source| source.field(&self.field.name)) {
            values::among(sink, def, text, self.case(), span);
        }
    }
}
