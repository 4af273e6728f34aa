//! Tests of membership: `in (…)` and `in LIST`.
//!
//! In: a comparison with several values or an allowlist. Out: the test of the IR.
//! Must not know: how a list was read.

use std::collections::HashMap;

use ipnet::IpNet;

use crate::diag::{Code, Diagnostic, Fix};
use crate::ir::{Case, TestKind, Type, Value};
use crate::source::Span;
use crate::syntax::ast::{List, Literal, LiteralKind};

use super::entries;
use super::names::Scope;
use super::predicates::Comparison;
use super::values;

/// `in (v, …)`.
pub(super) fn members(
    compare: &Comparison,
    scope: &mut Scope<'_, '_>,
    literals: &[Literal],
) -> Option<TestKind> {
    if compare.field.ty == Type::Ip {
        return networks(compare, scope, literals);
    }
    let mut values = Vec::with_capacity(literals.len());
    let mut seen: HashMap<String, Span> = HashMap::with_capacity(literals.len());
    for literal in literals {
        let Some(constant) = values::constant(scope, Some(compare.step), literal) else { continue };
        let Some(value) = compare.value(scope, &constant) else { continue };
        let key = key(&value, compare.case());
        if let Some(first) = seen.get(&key) {
            let found = repeated(literal.span, *first);
            scope.report(found);
        } else {
            seen.insert(key, literal.span);
        }
        values.push(value);
    }
    (values.len() == literals.len() && !values.is_empty())
        .then_some(TestKind::Equals { values, case: compare.case() })
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
    Diagnostic::new(Code::RepeatedValue, span, "this value is already in the set")
        .label("again here")
        .also(first, "first here")
        .help("remove one of them")
}

fn networks(compare: &Comparison, scope: &mut Scope<'_, '_>, literals: &[Literal]) -> Option<TestKind> {
    let mut networks: Vec<(IpNet, Span)> = Vec::with_capacity(literals.len());
    let mut seen: HashMap<IpNet, Span> = HashMap::with_capacity(literals.len());
    for literal in literals {
        let Some(constant) = values::constant(scope, Some(compare.step), literal) else { continue };
        let Some(network) = values::network(scope, &compare.field, &constant) else { continue };
        if let Some(first) = seen.get(&network) {
            let found = repeated(literal.span, *first);
            scope.report(found);
        } else {
            seen.insert(network, literal.span);
        }
        networks.push((network, literal.span));
    }
    for (inner, outer) in entries::covered(&networks) {
        let title = format!("`{}` lies in `{}`", entries::plain(inner.0), outer.0);
        let found = Diagnostic::new(Code::RepeatedValue, inner.1, title)
            .label("adds nothing")
            .also(outer.1, "already covers it")
            .help("remove one of them");
        scope.report(found);
    }
    let networks: Vec<_> = networks.into_iter().map(|(network, _)| network).collect();
    (networks.len() == literals.len() && !networks.is_empty()).then_some(TestKind::InNetworks { networks })
}

/// A list that nobody has defined.
pub(super) fn unknown(scope: &Scope<'_, '_>, field: &str, span: Span, word: &str) -> Diagnostic {
    let known: Vec<_> = scope.lists.names().collect();
    let found = Diagnostic::new(Code::UnknownList, span, format!("no allowlist is called `{word}`"))
        .label("unknown allowlist")
        .suggest(word, known.iter().copied());
    // One slip of the pen is one finding: the list that was meant counts as used.
    if let Some(meant) = found.fix.as_ref().and_then(|fix| scope.lists.index(&fix.replacement)) {
        scope.lists.mark(meant);
    }
    if known.is_empty() {
        return found.help(format!("define it: `allowlist {word}: {field} {{ \"…\" }}`"));
    }
    found
}

/// `in LIST`.
pub(super) fn list(compare: &Comparison, scope: &mut Scope<'_, '_>, literal: &Literal) -> Option<TestKind> {
    let LiteralKind::Word(word) = &literal.kind else {
        let found = needs_set(scope, literal);
        scope.report(found);
        return None;
    };
    let Some(index) = scope.lists.index(word) else {
        let found = if scope.params.take(word).is_some() {
            needs_set(scope, literal)
        } else {
            unknown(scope, &compare.field.name, literal.span, word)
        };
        scope.report(found);
        return None;
    };
    scope.lists.mark(index);
    let listed = scope.lists.get(index)?;
    if compare.op.ignore_case {
        let found = Diagnostic::new(Code::WrongOperator, compare.op_span, "allowlists compare exactly")
            .label("ignores case")
            .help("use `in` or `not in`, and list the values as they are logged");
        scope.report(found);
        return None;
    }
    let ty = listed.ty?;
    if ty != compare.field.ty {
        let title = format!(
            "`{word}` lists {}, `{}` is {}",
            plural(ty),
            compare.field.name,
            values::words(compare.field.ty)
        );
        let found = Diagnostic::new(Code::ListType, literal.span, title)
            .label(format!("a list of `{}`", listed.ast.field.node))
            .also(listed.ast.field.span, "made for this field")
            .help(format!(
                "use it with `{}`, or make a list for `{}`",
                listed.ast.field.node, compare.field.name
            ));
        scope.report(found);
        return None;
    }
    if let Some(found) = other_field(compare, listed.ast, literal.span) {
        scope.report(found);
    }
    listed.list.as_ref()?;
    let position = scope.used_lists.iter().position(|used| *used == index).unwrap_or_else(|| {
        scope.used_lists.push(index);
        scope.used_lists.len() - 1
    });
    Some(TestKind::InList { list: position })
}

fn plural(ty: Type) -> &'static str {
    match ty {
        Type::String => "strings",
        Type::Int | Type::Float => "numbers",
        Type::Bool => "booleans",
        Type::Ip => "addresses",
        Type::Time => "instants",
    }
}

/// A list of texts used with a field of another entity: image ids with a user, say.
fn other_field(compare: &Comparison, list: &List, span: Span) -> Option<Diagnostic> {
    let (of, with) = (&list.field.node, &compare.field.name);
    if compare.field.ty != Type::String || of == with || entity(of) == entity(with) {
        return None;
    }
    let title = format!("`{}` lists values of `{of}`, not of `{with}`", list.name.node);
    Some(
        Diagnostic::new(Code::ListField, span, title)
            .label(format!("used with `{with}`"))
            .also(list.field.span, "made for this field")
            .help(format!("use it with `{of}`, or make a list for `{with}`")),
    )
}

/// What a field is about: its name from the last but one part on, as in `account.id` of `cloud.account.id`.
fn entity(field: &str) -> &str {
    field.rmatch_indices('.').nth(1).and_then(|(at, _)| field.get(at + 1..)).unwrap_or(field)
}

fn needs_set(scope: &Scope<'_, '_>, literal: &Literal) -> Diagnostic {
    let written = scope.sources.snippet(literal.span);
    let mut found =
        Diagnostic::new(Code::WrongOperator, literal.span, "`in` takes an allowlist or a set of values")
            .label("a single value")
            .help("put it in parentheses, or use `==`");
    if !written.is_empty() {
        found.fix = Some(Fix { span: literal.span, replacement: format!("({written})") });
    }
    found
}
