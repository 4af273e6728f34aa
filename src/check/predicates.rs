//! Predicates: each comparison resolved, typed and brought to the few positive tests of the IR.
//!
//! In: the syntax of a predicate and the step it stands in. Out: [`ir::Pred`], or nothing if a part of it is wrong.
//! Must not know: whether a well-typed predicate makes sense; that is `logic`'s.

use crate::diag::{Code, Diagnostic, Fix};
use crate::ir::{self, Case, FieldTest, OrderOp, Place, TestKind, Type, Value};
use crate::source::Span;
use crate::syntax::ast::{Literal, LiteralKind, Name, Op, OpKind, Operand, Pred, PredKind};

use super::names::{self, Scope};
use super::sets;
use super::texts;
use super::values::{self, Constant, Kind};

/// Lowers a predicate; every problem in it is reported.
pub(super) fn lower(scope: &mut Scope<'_, '_>, step: usize, pred: &Pred) -> Option<ir::Pred> {
    match &pred.kind {
        PredKind::Or(parts) => all(scope, step, parts).map(ir::Pred::Or),
        PredKind::And(parts) => all(scope, step, parts).map(ir::Pred::And),
        PredKind::Not(inner) => Some(ir::Pred::Not(Box::new(lower(scope, step, inner)?))),
        PredKind::Exists(name) => {
            let field = names::field(scope, step, name)?;
            Some(ir::Pred::Test(FieldTest { field, kind: TestKind::Exists, span: pred.span }))
        }
        PredKind::Truth(name) => truth(scope, step, name, pred.span),
        PredKind::Compare { field: name, op, value } => {
            let Some(field) = names::field(scope, step, name) else {
                touch(scope, value);
                name_unknown_list(scope, name, op.node.kind, value);
                return None;
            };
            let comparison = Comparison { step, field, op: op.node, op_span: op.span, span: pred.span };
            let kind = comparison.kind(scope, value)?;
            let test = ir::Pred::Test(FieldTest { field: comparison.field, kind, span: pred.span });
            Some(if op.node.negated { ir::Pred::Not(Box::new(test)) } else { test })
        }
    }
}

fn all(scope: &mut Scope<'_, '_>, step: usize, parts: &[Pred]) -> Option<Vec<ir::Pred>> {
    let lowered: Vec<_> = parts.iter().map(|part| lower(scope, step, part)).collect();
    lowered.into_iter().collect()
}

/// A boolean field alone.
fn truth(scope: &mut Scope<'_, '_>, step: usize, name: &Name, span: Span) -> Option<ir::Pred> {
    if scope.params.has(&name.node) || scope.lists.index(&name.node).is_some() {
        let what = if scope.params.has(&name.node) { "a parameter" } else { "an allowlist" };
        let found =
            Diagnostic::new(Code::WrongOperator, span, format!("`{}` is {what}, not a condition", name.node))
                .label("tests nothing by itself")
                .help("a condition begins with a field: `FIELD == VALUE`, `FIELD in LIST`");
        scope.params.take(&name.node);
        scope.report(found);
        return None;
    }
    let field = names::field(scope, step, name)?;
    if field.ty != Type::Bool {
        let title = format!("`{}` is {}, not a boolean", field.name, values::words(field.ty));
        let found = Diagnostic::new(Code::WrongType, span, title)
            .label("only a boolean field stands alone")
            .help(format!("compare it, or write `exists({})`", field.name));
        scope.report(found);
        return None;
    }
    let kind = TestKind::Equals { values: vec![Value::Bool(true)], case: Case::Sensitive };
    Some(ir::Pred::Test(FieldTest { field, kind, span }))
}

/// Counts what a broken comparison names as used, so that one mistake gives one finding.
fn touch(scope: &mut Scope<'_, '_>, operand: &Operand) {
    let literals = match operand {
        Operand::One(literal) => std::slice::from_ref(literal),
        Operand::Set(literals, _) => literals,
    };
    for literal in literals {
        if let LiteralKind::Word(word) = &literal.kind {
            scope.params.take(word);
            if let Some(index) = scope.lists.index(word) {
                scope.lists.mark(index);
            }
        }
    }
}

/// Whether a list exists does not depend on the field that it is compared with.
fn name_unknown_list(scope: &mut Scope<'_, '_>, field: &Name, op: OpKind, operand: &Operand) {
    if let (OpKind::In, Operand::One(Literal { kind: LiteralKind::Word(word), span })) = (op, operand)
        && scope.lists.index(word).is_none()
        && !scope.params.has(word)
    {
        let found = sets::unknown(scope, &field.node, *span, word);
        scope.report(found);
    }
}

/// A comparison whose field is known.
#[derive(Debug)]
pub(super) struct Comparison {
    pub(super) step: usize,
    pub(super) field: ir::Field,
    pub(super) op: Op,
    pub(super) op_span: Span,
    pub(super) span: Span,
}

impl Comparison {
    pub(super) fn case(&self) -> Case {
        if self.op.ignore_case { Case::Ignore } else { Case::Sensitive }
    }

    fn kind(&self, scope: &mut Scope<'_, '_>, operand: &Operand) -> Option<TestKind> {
        if let Some(found) = self.misfit() {
            touch(scope, operand);
            scope.report(found);
            return None;
        }
        let one = match (operand, self.op.kind) {
            (Operand::Set(literals, _), OpKind::In) => return sets::members(self, scope, literals),
            (Operand::One(literal), OpKind::In) => return sets::list(self, scope, literal),
            (Operand::Set(_, span), _) => {
                let found = self.set_refused(*span);
                touch(scope, operand);
                scope.report(found);
                return None;
            }
            (Operand::One(literal), _) => literal,
        };
        match self.op.kind {
            OpKind::Equal => self.equal(scope, one),
            OpKind::Less => self.order(scope, one, OrderOp::Less),
            OpKind::LessEqual => self.order(scope, one, OrderOp::LessEqual),
            OpKind::Greater => self.order(scope, one, OrderOp::Greater),
            OpKind::GreaterEqual => self.order(scope, one, OrderOp::GreaterEqual),
            OpKind::Like => texts::like(self, scope, one),
            OpKind::Contains => texts::substring(self, scope, one, Place::Anywhere),
            OpKind::StartsWith => texts::substring(self, scope, one, Place::Start),
            OpKind::EndsWith => texts::substring(self, scope, one, Place::End),
            OpKind::Matches => texts::matches(self, scope, one),
            OpKind::In => None,
        }
    }

    /// The finding for an operator that the field's type does not have.
    fn misfit(&self) -> Option<Diagnostic> {
        let ty = self.field.ty;
        let (fits, what, help) = match self.op.kind {
            OpKind::Equal | OpKind::In => (true, "", ""),
            OpKind::Less | OpKind::LessEqual | OpKind::Greater | OpKind::GreaterEqual => (
                matches!(ty, Type::Int | Type::Float | Type::Time),
                "numbers and instants",
                if ty == Type::Ip {
                    "test a range of addresses by its network: `in (\"10.0.0.0/8\")`"
                } else {
                    ""
                },
            ),
            OpKind::Like | OpKind::Contains | OpKind::StartsWith | OpKind::EndsWith | OpKind::Matches => (
                ty == Type::String,
                "text",
                if ty == Type::Ip {
                    "test a range of addresses by its network: `in (\"10.0.0.0/8\")`"
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
            let help = if help.is_empty() { "compare it by `==`, `!=` or `in`" } else { help };
            return Some(found.help(help));
        }
        if self.op.ignore_case && (ty != Type::String || self.op.kind == OpKind::Matches) {
            let (title, help) = if self.op.kind == OpKind::Matches {
                ("`matches` has no form that ignores case".to_owned(), "begin the expression with `(?i)`")
            } else {
                let title = format!("`{}` is {}, which has no case", self.field.name, values::words(ty));
                (title, "use the operator without `~`: `==`, `!=`, `in`")
            };
            return Some(
                Diagnostic::new(Code::WrongOperator, self.op_span, title).label("ignores case").help(help),
            );
        }
        None
    }

    fn set_refused(&self, span: Span) -> Diagnostic {
        let found = Diagnostic::new(Code::WrongOperator, span, "this operator takes one value")
            .label("several values");
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
        found.help("write one test for each value, joined by `or`")
    }

    fn equal(&self, scope: &mut Scope<'_, '_>, literal: &Literal) -> Option<TestKind> {
        if let LiteralKind::Word(word) = &literal.kind
            && !scope.params.has(word)
            && scope
                .source(self.step)
                .is_some_and(|source| source.field(word).is_some() || word.contains('.'))
        {
            return self.same_as(scope, &Name { node: word.clone(), span: literal.span });
        }
        let constant = values::constant(scope, Some(self.step), literal)?;
        if self.field.ty == Type::Ip {
            let network = values::network(scope, &self.field, &constant)?;
            return Some(TestKind::InNetworks { networks: vec![network] });
        }
        let value = self.value(scope, &constant)?;
        Some(TestKind::Equals { values: vec![value], case: self.case() })
    }

    /// The value of the field's type, among the values the field has.
    pub(super) fn value(&self, scope: &mut Scope<'_, '_>, constant: &Constant) -> Option<Value> {
        let value = values::typed(scope, &self.field, constant)?;
        if let Value::String(text) = &value {
            values::within_values(scope, self.step, &self.field.name, text, self.case(), constant.span);
        }
        Some(value)
    }

    fn same_as(&self, scope: &mut Scope<'_, '_>, name: &Name) -> Option<TestKind> {
        let other = names::field(scope, self.step, name)?;
        let found = if other.ty != self.field.ty {
            let title = format!(
                "`{}` is {}, `{}` is {}",
                self.field.name,
                values::words(self.field.ty),
                other.name,
                values::words(other.ty)
            );
            Diagnostic::new(Code::WrongType, name.span, title)
                .label(values::words(other.ty))
                .help("only fields of one type can be equal")
        } else if self.op.ignore_case {
            Diagnostic::new(Code::WrongOperator, self.op_span, "two fields compare only exactly")
                .label("ignores case")
                .help("use `==` or `!=`")
        } else {
            if other.name == self.field.name {
                let found = Diagnostic::new(Code::MatchesEverything, self.span, "a field equals itself")
                    .label("holds whenever the field is present")
                    .help(format!("compare two fields, or write `exists({})`", other.name));
                scope.report(found);
            }
            return Some(TestKind::SameAs { other });
        };
        scope.report(found);
        None
    }

    fn order(&self, scope: &mut Scope<'_, '_>, literal: &Literal, op: OrderOp) -> Option<TestKind> {
        let constant = values::constant(scope, Some(self.step), literal)?;
        let value = values::typed(scope, &self.field, &constant)?;
        Some(TestKind::Order { op, value })
    }

    /// The text on the right side, never empty.
    pub(super) fn text(&self, scope: &mut Scope<'_, '_>, literal: &Literal) -> Option<String> {
        let constant = values::constant(scope, Some(self.step), literal)?;
        match constant.kind {
            Kind::Text(text) if text.is_empty() => {
                let found =
                    Diagnostic::new(Code::EmptyText, constant.span, "every value has the empty text in it")
                        .label("tests nothing")
                        .help(format!("write `exists({})` to ask for any value", self.field.name));
                scope.report(found);
                None
            }
            Kind::Text(text) => Some(text),
            Kind::Int(_) | Kind::Float(_) | Kind::Bool(_) | Kind::Duration(_) | Kind::Date(_) => {
                let found = values::wrong_type(&self.field, &constant);
                scope.report(found);
                None
            }
        }
    }
}
