//! Predicates: each comparison resolved, typed and brought to the few positive tests of the IR.
//!
//! In: the syntax of a predicate and the step it stands in. Out: [`ir::Pred`], or nothing if a part of it is wrong.
//! Must not know: whether a well-typed predicate makes sense; that is `logic`'s.

use crate::catalog::{FieldDef, Source};
use crate::diag::{Code, Diagnostic};
use crate::ir::{self, Case, FieldTest, OrderOp, Place, TestKind, Type, Value, ValuesTest};
use crate::source::{Span, Spanned};
use crate::syntax::ast::{Literal, LiteralKind, Name, Op, OpKind, Operand, Pred, PredKind, Quantifier};

use super::comparison::Comparison;
use super::constants::Purpose;
use super::names::{self, Names, Subject};
use super::sink::Sink;
use super::{columns, constants, sets, texts, values};

/// Lowers a predicate; every problem in it is reported.
pub(super) fn lower(
    names: &Names<'_>,
    sink: &mut Sink,
    subject: Subject<'_>,
    pred: &Pred,
) -> Option<ir::Pred> {
    match &pred.kind {
        PredKind::Or(parts) => all(names, sink, subject, parts).map(ir::Pred::Or),
        PredKind::And(parts) => all(names, sink, subject, parts).map(ir::Pred::And),
        // Negations stay where they are. Pushed inward, `not (f == "a")` would have to become a test of its own that
        // holds for a missing field, and every target would need a second form of each test.
        PredKind::Not(inner) => Some(ir::Pred::Not(Box::new(lower(names, sink, subject, inner)?))),
        PredKind::Exists(name) => {
            let field = columns::field(names, sink, subject, name)?;
            let test = ir::Pred::Test(FieldTest { field, kind: TestKind::Exists, span: pred.span });
            columns::fold(names, sink, subject, pred, test)
        }
        PredKind::Truth(name) => {
            let test = truth(names, sink, subject, name, pred.span)?;
            columns::fold(names, sink, subject, pred, test)
        }
        PredKind::Many { quantifier, field: name, op, value } => {
            let field = many(names, sink, subject, quantifier, name);
            let comparison = comparison(names, sink, subject, field, (name, op, value))?;
            let tests = compared(&comparison, names, sink, value)?;
            if tests.iter().any(|(kind, _)| matches!(kind, TestKind::SameAs { .. } | TestKind::TextOf { .. }))
            {
                sink.report(two_fields(pred.span, name));
                return None;
            }
            // Inside: `any(f) != "a"` asks for a value that is not "a", and is false where there is none.
            let tests = tests.into_iter().map(|(kind, _)| kind).collect();
            let quantifier = match quantifier.node {
                Quantifier::Any => ir::Quantifier::Any,
                Quantifier::All => ir::Quantifier::All,
            };
            let kind = TestKind::Values(ValuesTest { quantifier, negated: op.node.negated, tests });
            Some(ir::Pred::Test(FieldTest { field: comparison.field, kind, span: pred.span }))
        }
        PredKind::Compare { field: name, op, value } => {
            let field = columns::field(names, sink, subject, name);
            let comparison = comparison(names, sink, subject, field, (name, op, value))?;
            let tests = compared(&comparison, names, sink, value)?;
            let of_set = tests.len() > 1;
            let test = |(kind, own): (TestKind, Span)| {
                let span = if of_set { own } else { pred.span };
                ir::Pred::Test(FieldTest { field: comparison.field.clone(), kind, span })
            };
            let mut tests: Vec<_> = tests.into_iter().map(test).collect();
            let test = if of_set { ir::Pred::Or(tests) } else { tests.pop()? };
            let test = columns::fold(names, sink, subject, pred, test)?;
            // `!=` is the negation of `==`, not a test: it holds for a missing field, as `not (f == "a")` does.
            Some(if op.node.negated { ir::Pred::Not(Box::new(test)) } else { test })
        }
    }
}

/// The comparison of a field, if the field is there.
fn comparison<'s>(
    names: &Names<'_>,
    sink: &mut Sink,
    subject: Subject<'s>,
    field: Option<ir::Field>,
    (name, op, value): (&Name, &Spanned<Op>, &Operand),
) -> Option<Comparison<'s>> {
    let Some(field) = field else {
        // The right side is not judged against a field that is not there, but its parameters and lists are in use.
        touch(names, sink, value);
        name_unknown_list(names, sink, name, op.node.kind, value);
        return None;
    };
    let def = subject.source.and_then(|source| source.field(&field.name));
    let folds = def.is_some_and(FieldDef::ignores_case);
    Some(Comparison { subject, field, op: op.node, op_span: op.span, folds })
}

/// A field that can have several values.
fn many(
    names: &Names<'_>,
    sink: &mut Sink,
    subject: Subject<'_>,
    quantifier: &Spanned<Quantifier>,
    name: &Name,
) -> Option<ir::Field> {
    if let Some(field) = columns::of_one_value(names, subject, name) {
        sink.report(single(&field, quantifier, name));
        return None;
    }
    let def = names::of_any_number(names, sink, subject, name)?;
    let field = ir::Field { name: def.name.clone(), ty: def.ty, span: name.span };
    if def.many {
        return Some(field);
    }
    sink.report(single(&field, quantifier, name));
    None
}

/// The finding for values that are compared with another field.
fn two_fields(span: Span, name: &Name) -> Diagnostic {
    let title = format!("the values of `{}` are compared with another field", name.node);
    Diagnostic::new(Code::WrongOperator, span, title)
        .label("not with a constant")
        .help("`any` and `all` compare with values, lists and parameters")
}

fn all(names: &Names<'_>, sink: &mut Sink, subject: Subject<'_>, parts: &[Pred]) -> Option<Vec<ir::Pred>> {
    let lowered: Vec<_> = parts.iter().map(|part| lower(names, sink, subject, part)).collect();
    lowered.into_iter().collect()
}

/// A boolean field alone.
fn truth(
    names: &Names<'_>,
    sink: &mut Sink,
    subject: Subject<'_>,
    name: &Name,
    span: Span,
) -> Option<ir::Pred> {
    // A parameter or list is the author's own word, and wins over a field that is called the same.
    if names.params.has(&name.node) || names.lists.index(&name.node).is_some() {
        let what = if names.params.has(&name.node) { "a parameter" } else { "an allowlist" };
        let found =
            Diagnostic::new(Code::WrongOperator, span, format!("`{}` is {what}, not a condition", name.node))
                .label("not a condition by itself")
                .help("a condition starts with a field: `FIELD == VALUE`, `FIELD in LIST`");
        constants::touch(names, sink, &[word(name)]);
        sink.report(found);
        return None;
    }
    let field = columns::field(names, sink, subject, name)?;
    if field.ty != Type::Bool {
        let title = format!("`{}` is {}, not a boolean", field.name, values::words(field.ty));
        let found = Diagnostic::new(Code::WrongType, span, title)
            .label("only a boolean field can stand alone")
            .help(format!("compare it, or write `exists({})`", field.name));
        sink.report(found);
        return None;
    }
    let kind = TestKind::Equals { values: vec![Value::Bool(true)], case: Case::Sensitive };
    Some(ir::Pred::Test(FieldTest { field, kind, span }))
}

fn touch(names: &Names<'_>, sink: &mut Sink, operand: &Operand) {
    match operand {
        Operand::One(literal) => constants::touch(names, sink, std::slice::from_ref(literal)),
        Operand::Set(literals, _) => constants::touch(names, sink, literals),
    }
}

/// Whether a list exists does not depend on the field that it is compared with.
fn name_unknown_list(names: &Names<'_>, sink: &mut Sink, field: &Name, op: OpKind, operand: &Operand) {
    if let (OpKind::In, Operand::One(Literal { kind: LiteralKind::Word(word), span })) = (op, operand)
        && names.lists.index(word).is_none()
        && !names.params.has(word)
    {
        sets::unknown(names, sink, &field.node, *span, word);
    }
}

/// The finding for a quantifier over a field that has but one value.
fn single(field: &ir::Field, quantifier: &Spanned<Quantifier>, name: &Name) -> Diagnostic {
    let title = format!("`{}` has a single value", field.name);
    let found = Diagnostic::new(Code::SingleValue, quantifier.span, title)
        .label("for fields with several values")
        .help(format!("write `{} …`", field.name));
    found.also(name.span, "this field")
}

/// A name as the value that it was taken for.
fn word(name: &Name) -> Literal {
    Literal { kind: LiteralKind::Word(name.node.clone()), span: name.span }
}

/// The tests of a comparison without its negation, of which one must hold, each with its place if it has one of its
/// own. A list of patterns or parts of a text is an `or` of single tests, which every target carries as it is.
fn compared(
    compare: &Comparison<'_>,
    names: &Names<'_>,
    sink: &mut Sink,
    operand: &Operand,
) -> Option<Vec<(TestKind, Span)>> {
    if let Some(found) = compare.misfit() {
        touch(names, sink, operand);
        sink.report(found);
        return None;
    }
    let literals = match operand {
        Operand::Set(literals, _) if compare.op.kind.takes_patterns() => literals,
        Operand::Set(..) | Operand::One(_) => {
            return Some(vec![(kind(compare, names, sink, operand)?, compare.op_span)]);
        }
    };
    let tests: Vec<_> =
        literals.iter().map(|literal| Some((one(compare, names, sink, literal)?, literal.span))).collect();
    tests.into_iter().collect()
}

fn kind(compare: &Comparison<'_>, names: &Names<'_>, sink: &mut Sink, operand: &Operand) -> Option<TestKind> {
    match (operand, compare.op.kind) {
        (Operand::Set(literals, _), OpKind::In) => sets::members(compare, names, sink, literals),
        (Operand::One(literal), OpKind::In) => sets::list(compare, names, sink, literal),
        (Operand::Set(_, span), _) => {
            let found = compare.set_refused(*span);
            touch(names, sink, operand);
            sink.report(found);
            None
        }
        (Operand::One(literal), _) => one(compare, names, sink, literal),
    }
}

/// A comparison with one value.
fn one(compare: &Comparison<'_>, names: &Names<'_>, sink: &mut Sink, one: &Literal) -> Option<TestKind> {
    if let Some(other) = other(compare, names, one) {
        return with_field(compare, names, sink, &other);
    }
    match compare.op.kind {
        OpKind::Equal => equal(compare, names, sink, one),
        OpKind::Less => order(compare, names, sink, one, OrderOp::Less),
        OpKind::LessEqual => order(compare, names, sink, one, OrderOp::LessEqual),
        OpKind::Greater => order(compare, names, sink, one, OrderOp::Greater),
        OpKind::GreaterEqual => order(compare, names, sink, one, OrderOp::GreaterEqual),
        OpKind::Like => texts::like(compare, names, sink, one),
        OpKind::Contains => texts::substring(compare, names, sink, one, Place::Anywhere),
        OpKind::StartsWith => texts::substring(compare, names, sink, one, Place::Start),
        OpKind::EndsWith => texts::substring(compare, names, sink, one, Place::End),
        OpKind::Matches => texts::matches(compare, names, sink, one),
        // Never asked: `kind` has taken `in` apart.
        OpKind::In => None,
    }
}

fn equal(
    compare: &Comparison<'_>,
    names: &Names<'_>,
    sink: &mut Sink,
    literal: &Literal,
) -> Option<TestKind> {
    let constant = constants::constant(names, sink, Purpose::Condition(compare.subject), literal)?;
    // An address is a network of full length: one kind of test for both, compared by value, so that all spellings of an
    // IPv6 address are equal.
    if compare.field.ty == Type::Ip {
        let network = values::network(sink, &compare.field, &constant)?;
        return Some(TestKind::InNetworks { networks: vec![network] });
    }
    let value = compare.value(sink, &constant)?;
    Some(TestKind::Equals { values: vec![value], case: compare.case() })
}

/// The field of the record that stands on the right side.
fn other(compare: &Comparison<'_>, names: &Names<'_>, literal: &Literal) -> Option<Name> {
    let LiteralKind::Word(word) = &literal.kind else { return None };
    // A dotted word can only be a field, so one that is misspelt is reported as an unknown field and not as an unknown
    // parameter.
    let is_field = |source: &Source| source.field(word).is_some() || word.contains('.');
    let takes_field = match compare.op.kind {
        OpKind::Equal | OpKind::Contains | OpKind::StartsWith | OpKind::EndsWith => true,
        OpKind::Less
        | OpKind::LessEqual
        | OpKind::Greater
        | OpKind::GreaterEqual
        | OpKind::Like
        | OpKind::Matches
        | OpKind::In => false,
    };
    let is_other = takes_field && !names.params.has(word) && compare.subject.source.is_some_and(is_field);
    is_other.then(|| Name { node: word.clone(), span: literal.span })
}

fn with_field(compare: &Comparison<'_>, names: &Names<'_>, sink: &mut Sink, name: &Name) -> Option<TestKind> {
    let other = names::field(names, sink, compare.subject, name)?;
    if other.ty != compare.field.ty {
        let title = format!(
            "`{}` is {}, `{}` is {}",
            compare.field.name,
            values::words(compare.field.ty),
            other.name,
            values::words(other.ty)
        );
        let found = Diagnostic::new(Code::WrongType, name.span, title)
            .label(values::words(other.ty))
            .help("both sides must have the same type");
        sink.report(found);
        return None;
    }
    let place = match compare.op.kind {
        OpKind::Contains => Some(Place::Anywhere),
        OpKind::StartsWith => Some(Place::Start),
        OpKind::EndsWith => Some(Place::End),
        OpKind::Equal
        | OpKind::In
        | OpKind::Less
        | OpKind::LessEqual
        | OpKind::Greater
        | OpKind::GreaterEqual
        | OpKind::Like
        | OpKind::Matches => None,
    };
    // What is the same in whatever letter case on one side is so in the comparison.
    let def = compare.subject.source.and_then(|source| source.field(&other.name));
    let case = if def.is_some_and(FieldDef::ignores_case) { Case::Ignore } else { compare.case() };
    Some(match (place, case) {
        (None, Case::Sensitive) => TestKind::SameAs { other },
        _ => TestKind::TextOf { place, other, case },
    })
}

fn order(
    compare: &Comparison<'_>,
    names: &Names<'_>,
    sink: &mut Sink,
    literal: &Literal,
    op: OrderOp,
) -> Option<TestKind> {
    let constant = constants::constant(names, sink, Purpose::Condition(compare.subject), literal)?;
    let value = values::typed(sink, &compare.field, &constant)?;
    Some(TestKind::Order { op, value })
}
