//! Tests of membership: `in (…)` and `in LIST`.
//!
//! In: a comparison with several values or an allowlist. Out: the test of the IR.
//! Must not know: how a list was read.

use ipnet::IpNet;

use crate::diag::{Code, Diagnostic, Fix};
use crate::ir::{TestKind, Type, Value};
use crate::source::Span;
use crate::syntax::ast::{Literal, LiteralKind};

use super::comparison::Comparison;
use super::constants::Purpose;
use super::names::Names;
use super::resolutions::Meaning;
use super::sink::Sink;
use super::{constants, values};

/// `in (v, …)`.
pub(super) fn members(
    compare: &Comparison<'_>,
    names: &Names<'_>,
    sink: &mut Sink,
    literals: &[Literal],
) -> Option<TestKind> {
    let constants = literals.iter().filter_map(|literal| {
        let constant = constants::constant(names, sink, Purpose::Condition(compare.subject), literal)?;
        if compare.field.ty == Type::Ip {
            let network = values::network(sink, &compare.field, &constant)?;
            return Some(Member::Network(network));
        }
        compare.value(sink, &constant).map(Member::Value)
    });
    let (mut values, mut networks) = (Vec::with_capacity(literals.len()), Vec::new());
    for member in constants {
        match member {
            Member::Value(value) => values.push(value),
            Member::Network(network) => networks.push(network),
        }
    }
    if literals.is_empty() || values.len() + networks.len() != literals.len() {
        return None;
    }
    Some(if networks.is_empty() {
        TestKind::Equals { values, case: compare.case() }
    } else {
        TestKind::InNetworks { networks }
    })
}

/// A member of a set.
enum Member {
    Value(Value),
    Network(IpNet),
}

/// Reports a list that nobody has defined.
pub(super) fn unknown(names: &Names<'_>, sink: &mut Sink, field: &str, span: Span, word: &str) {
    let known: Vec<_> = names.lists.names().collect();
    let mut found = Diagnostic::new(Code::UnknownList, span, format!("unknown allowlist `{word}`"))
        .label("unknown allowlist")
        .suggest(word, known.iter().copied());
    if let Some(meant) = found.fix.as_ref().and_then(|fix| names.lists.by_name(&fix.replacement)) {
        sink.meant(meant.ast.name.span);
    }
    if known.is_empty() {
        found = found.help(format!("define it: `allowlist {word}: {field} {{ \"…\" }}`"));
    }
    sink.report(found);
}

/// `in LIST`.
pub(super) fn list(
    compare: &Comparison<'_>,
    names: &Names<'_>,
    sink: &mut Sink,
    literal: &Literal,
) -> Option<TestKind> {
    let LiteralKind::Word(word) = &literal.kind else {
        let found = needs_set(names, literal);
        sink.report(found);
        return None;
    };
    let Some(index) = names.lists.index(word) else {
        if constants::parameter(names, sink, word, literal.span).is_some() {
            let found = needs_set(names, literal);
            sink.report(found);
        } else {
            unknown(names, sink, &compare.field.name, literal.span, word);
        }
        return None;
    };
    let listed = names.lists.get(index)?;
    sink.resolve(literal.span, Meaning::List(listed.ast.name.span));
    if compare.op.ignore_case {
        let found = Diagnostic::new(Code::WrongOperator, compare.op_span, "allowlists are case-sensitive")
            .label("case-insensitive")
            .help("use `in` or `not in`, and list the values exactly as logged");
        sink.report(found);
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
            .also(listed.ast.field.span, "declared for this field")
            .help(format!(
                "use it with `{}`, or declare a list for `{}`",
                listed.ast.field.node, compare.field.name
            ));
        sink.report(found);
        return None;
    }
    listed.list.as_ref()?;
    let list = names.used_lists.iter().position(|used| *used == index)?;
    Some(TestKind::InList { list, case: compare.case() })
}

fn plural(ty: Type) -> &'static str {
    match ty {
        Type::String => "strings",
        Type::Int | Type::Float => "numbers",
        Type::Bool => "booleans",
        Type::Ip => "addresses",
        Type::Time => "timestamps",
    }
}

fn needs_set(names: &Names<'_>, literal: &Literal) -> Diagnostic {
    let written = names.unit.sources.snippet(literal.span);
    let mut found =
        Diagnostic::new(Code::WrongOperator, literal.span, "`in` requires an allowlist or a set of values")
            .label("a single value")
            .help("wrap it in parentheses, or use `==`");
    if !written.is_empty() {
        found.fix = Some(Fix { span: literal.span, replacement: format!("({written})") });
    }
    found
}
