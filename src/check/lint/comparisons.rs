//! Comparisons that are well typed but say nothing: tests that always hold, values given twice, lists made for other
//! fields.
//!
//! In: a predicate as written and as lowered, which have one shape. Out: warnings at the literals.
//! Must not know: other predicates; whether parts of a condition fit together is for `logic` to say.

use std::collections::HashMap;

use ipnet::IpNet;

use super::habits;
use crate::check::entries;
use crate::check::names::Names;
use crate::check::regex;
use crate::check::sink::Sink;
use crate::diag::{Code, Diagnostic};
use crate::ir::{self, Case, FieldTest, Pred, TestKind, Type, Value};
use crate::source::Span;
use crate::syntax::ast::{self, List, Literal, Operand, PredKind};

/// Looks at every comparison of a predicate.
pub(in crate::check) fn lint(names: &Names<'_>, sink: &mut Sink, written: &ast::Pred, lowered: &Pred) {
    match (&written.kind, lowered) {
        (PredKind::And(written), Pred::And(lowered)) | (PredKind::Or(written), Pred::Or(lowered)) => {
            for (written, lowered) in written.iter().zip(lowered) {
                lint(names, sink, written, lowered);
            }
        }
        (PredKind::Not(written), Pred::Not(lowered)) => lint(names, sink, written, lowered),
        (PredKind::Compare { op, value, .. }, lowered) => {
            habits::lint(names, sink, op, value, lowered);
            if let (true, Operand::Set(literals, _)) = (op.node.kind.takes_patterns(), value) {
                patterns(sink, literals, lowered);
            } else if let Some(test) = lowered.tests().next() {
                // The one test, also under the negation that `!=` and `not in` were lowered to.
                comparison(names, sink, value, test);
            }
        }
        (
            PredKind::And(_)
            | PredKind::Or(_)
            | PredKind::Not(_)
            | PredKind::Exists(_)
            | PredKind::Truth(_)
            | PredKind::Many { .. },
            _,
        ) => {}
    }
}

/// A list of patterns or of parts of a text.
fn patterns(sink: &mut Sink, literals: &[Literal], lowered: &Pred) {
    let mut seen: HashMap<String, Span> = HashMap::with_capacity(literals.len());
    for (literal, test) in literals.iter().zip(lowered.tests()) {
        match &test.kind {
            // Before the repetitions: two stars in a list are two times the same mistake, not a value given twice.
            TestKind::Like { pattern, .. } if pattern.matches_everything() => {
                sink.report(every_value(literal.span, test));
            }
            kind @ (TestKind::Like { .. } | TestKind::Substring { .. }) => {
                let first = *seen.entry(format!("{kind:?}")).or_insert(literal.span);
                if first != literal.span {
                    sink.report(repeated(literal.span, first));
                }
            }
            TestKind::Exists
            | TestKind::Equals { .. }
            | TestKind::InNetworks { .. }
            | TestKind::InList { .. }
            | TestKind::Order { .. }
            | TestKind::Matches { .. }
            | TestKind::SameAs { .. }
            | TestKind::TextOf { .. }
            | TestKind::Values(_) => {}
        }
    }
}

fn every_value(span: Span, test: &FieldTest) -> Diagnostic {
    holds_always(span, "this pattern matches every value")
        .help(format!("write `exists({})`, or a more specific pattern", test.field.name))
}

fn comparison(names: &Names<'_>, sink: &mut Sink, value: &Operand, test: &FieldTest) {
    match (value, &test.kind) {
        (Operand::One(literal), TestKind::Like { pattern, .. }) if pattern.matches_everything() => {
            sink.report(every_value(literal.span, test));
        }
        (Operand::One(literal), TestKind::Matches { regex }) => {
            if regex::check(regex.written()).is_ok_and(|facts| facts.matches_everything) {
                let title = "this expression matches every value";
                sink.report(
                    holds_always(literal.span, title)
                        .help(format!("write `exists({})`, or a more specific expression", test.field.name)),
                );
            }
        }
        (_, TestKind::SameAs { other } | TestKind::TextOf { other, .. }) if other.name == test.field.name => {
            sink.report(
                holds_always(test.span, "a field compared with itself")
                    .help(format!("compare two fields, or write `exists({})`", other.name)),
            );
        }
        (Operand::Set(literals, _), TestKind::Equals { values, case }) => {
            repeated_values(sink, literals, values, *case);
        }
        (Operand::Set(literals, _), TestKind::InNetworks { networks }) => {
            repeated_networks(sink, literals, networks);
        }
        (Operand::One(literal), TestKind::InList { list, case: _ }) => {
            let listed = names.used_lists.get(*list).and_then(|index| names.lists.get(*index));
            if let Some(found) = listed.and_then(|listed| other_field(&test.field, listed.ast, literal.span))
            {
                sink.report(found);
            }
        }
        (
            _,
            TestKind::Exists
            | TestKind::Equals { .. }
            | TestKind::InNetworks { .. }
            | TestKind::InList { .. }
            | TestKind::Order { .. }
            | TestKind::Like { .. }
            | TestKind::Substring { .. }
            | TestKind::Matches { .. }
            | TestKind::SameAs { .. }
            | TestKind::TextOf { .. }
            | TestKind::Values(_),
        ) => {}
    }
}

fn holds_always(span: Span, title: &str) -> Diagnostic {
    Diagnostic::new(Code::MatchesEverything, span, title).label("true whenever the field is present")
}

fn repeated_values(sink: &mut Sink, literals: &[Literal], values: &[Value], case: Case) {
    let mut seen: HashMap<String, Span> = HashMap::with_capacity(values.len());
    for (literal, value) in literals.iter().zip(values) {
        let first = *seen.entry(key(value, case)).or_insert(literal.span);
        if first != literal.span {
            sink.report(repeated(literal.span, first));
        }
    }
}

/// What two values of one field have in common if they are the same.
fn key(value: &Value, case: Case) -> String {
    match value {
        Value::String(text) => case.fold(text).into_owned(),
        Value::Int(_) | Value::Float(_) | Value::Bool(_) | Value::Time(_) | Value::Ip(_) => {
            format!("{value:?}")
        }
    }
}

fn repeated(span: Span, first: Span) -> Diagnostic {
    Diagnostic::new(Code::RepeatedValue, span, "duplicate value in the set")
        .label("again here")
        .also(first, "first here")
        .help("remove one of them")
}

fn repeated_networks(sink: &mut Sink, literals: &[Literal], networks: &[IpNet]) {
    let networks: Vec<_> =
        networks.iter().copied().zip(literals.iter().map(|literal| literal.span)).collect();
    let mut seen: HashMap<IpNet, Span> = HashMap::with_capacity(networks.len());
    for (network, span) in &networks {
        let first = *seen.entry(*network).or_insert(*span);
        if first != *span {
            sink.report(repeated(*span, first));
        }
    }
    for (inner, outer) in entries::covered(&networks) {
        let title = format!("`{}` is contained in `{}`", entries::plain(inner.0), outer.0);
        sink.report(
            Diagnostic::new(Code::RepeatedValue, inner.1, title)
                .label("redundant")
                .also(outer.1, "already covers it")
                .help("remove one of them"),
        );
    }
}

/// A list of texts used with a field of another entity: image ids with a user, say.
fn other_field(field: &ir::Field, list: &List, span: Span) -> Option<Diagnostic> {
    let (of, with) = (&list.field.node, &field.name);
    // Addresses and numbers of different fields mix rightly: one list of networks serves `source.ip` and
    // `destination.ip`. Of texts the last two parts of the name decide, so that `cloud.account.id` and
    // `actor.account.id` share a list.
    if field.ty != Type::String || of == with || entity(of) == entity(with) {
        return None;
    }
    let title = format!("`{}` lists values of `{of}`, not of `{with}`", list.name.node);
    Some(
        Diagnostic::new(Code::ListField, span, title)
            .label(format!("used with `{with}`"))
            .also(list.field.span, "declared for this field")
            .help(format!("use it with `{of}`, or declare a list for `{with}`")),
    )
}

/// What a field is about: its name from the last but one part on, as in `account.id` of `cloud.account.id`.
fn entity(field: &str) -> &str {
    field.rmatch_indices('.').nth(1).and_then(|(at, _)| field.get(at + 1..)).unwrap_or(field)
}
