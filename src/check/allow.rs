//! What the author of a rule decides about its findings: the targets it is meant for, the warnings that are accepted.
//!
//! In: clauses such as `targets spl, kql` and `allow W0804 "…"`. Out: names of targets, accepted codes.
//! Must not know: what a target does, which findings there are.

use std::collections::BTreeMap;

use crate::diag::{Code, Diagnostic, Fix};
use crate::ir;
use crate::settings;
use crate::source::{Span, Spanned};
use crate::syntax::ast::{Allow, Clause, Literal, LiteralKind, Meta, Rule};

use super::resolutions::Meaning;
use super::sink::Sink;
use super::{lint, naming};

/// The targets of a clause `targets`, in the order of the clause.
pub(super) fn targets(sink: &mut Sink, meta: &Meta) -> Vec<String> {
    let named: Vec<_> = meta.values.iter().filter_map(|literal| target(sink, literal)).collect();
    let texts: Vec<_> = named.iter().map(|name| Spanned { node: name.node, span: name.span }).collect();
    lint::meta::repeated(sink, "targets", &texts);
    named.into_iter().map(|name| name.node.to_owned()).collect()
}

fn target(sink: &mut Sink, literal: &Literal) -> Option<Spanned<&'static str>> {
    let (LiteralKind::Word(word) | LiteralKind::Str(word)) = &literal.kind else {
        if literal.kind != LiteralKind::Unknown {
            let found = Diagnostic::new(Code::MetaValue, literal.span, "invalid value for `targets`");
            sink.report(found.label("expected the name of a target"));
        }
        return None;
    };
    let known: Vec<&str> = settings::target_names().collect();
    let meant = settings::target_meant(word);
    // A name in quotes and an alias such as `splunk` both miss the one spelling, and both get it as their fix.
    if let (Some(name), LiteralKind::Word(_)) = (meant.filter(|name| name == word), &literal.kind) {
        sink.resolve(literal.span, Meaning::Word { of: "targets", word: name });
        return Some(Spanned { node: name, span: literal.span });
    }
    let title = format!("unknown target `{word}`");
    let mut found = Diagnostic::new(Code::UnknownWord, literal.span, title).label("not the name of a target");
    match meant {
        Some(name) => {
            found = found.help(format!("did you mean `{name}`?"));
            found.fix = Some(Fix { span: literal.span, replacement: name.to_owned() });
        }
        None => found = found.suggest(word, known.iter().copied()),
    }
    sink.report(found.help(format!("the targets are {}", naming::ticked(&known))));
    None
}

/// The warnings that a rule accepts.
pub(super) fn accepted(sink: &mut Sink, rule: &Rule) -> Vec<ir::Allow> {
    let mut seen: BTreeMap<&str, Span> = BTreeMap::new();
    let mut accepted = Vec::new();
    for Allow { code, reason, span: _ } in allows(rule) {
        if let Some(why) = Code::not_a_warning(&code.node) {
            let title = format!("`{}` is not the code of a warning", code.node);
            let found = Diagnostic::new(Code::UnknownWord, code.span, title).label(why);
            sink.report(found.suggest(&code.node, Code::warnings()));
        } else if let Some(first) = seen.insert(&code.node, code.span) {
            let found = Diagnostic::new(
                Code::RepeatedClause,
                code.span,
                format!("`{}` is accepted twice", code.node),
            );
            sink.report(found.label("again here").also(first, "first here").help("keep one of them"));
        } else if reason.node.trim().is_empty() {
            let found =
                Diagnostic::new(Code::MetaValue, reason.span, "invalid value for `allow`").label("empty");
            sink.report(found.help("say why the warning is accepted: who reads the rule later will ask"));
        } else {
            accepted.push(ir::Allow { code: code.node.clone(), reason: reason.node.trim().to_owned() });
        }
    }
    accepted
}

/// The clauses `allow` of a rule.
pub fn allows(rule: &Rule) -> impl Iterator<Item = &Allow> {
    rule.clauses.iter().filter_map(|clause| match clause {
        Clause::Allow(allow) => Some(allow),
        Clause::Meta(_)
        | Clause::Param(_)
        | Clause::Chain(_)
        | Clause::Alert(_)
        | Clause::Playbook(_)
        | Clause::Test(_) => None,
    })
}
