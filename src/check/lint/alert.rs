//! Alerts that are right but of little use: about nobody, with fields named twice, or far too many.
//!
//! In: the `alert` clause and the lowered chain. Out: warnings.
//! Must not know: predicates.

use std::collections::BTreeMap;

use crate::check::names::Names;
use crate::check::sink::Sink;
use crate::diag::{Code, Diagnostic};
use crate::ir;
use crate::source::Span;
use crate::syntax::ast::{Alert, Name, Rule};

/// Looks at the clause as written.
pub(in crate::check) fn written(sink: &mut Sink, rule: &Rule, alert: Option<&Alert>) {
    let Some(alert) = alert else {
        let found = Diagnostic::new(Code::NoEntity, rule.name.span, "the rule has no `alert` clause")
            .label("no entity")
            .help("add `alert { entity account STEP.FIELD }` so that the SIEM can attribute the alert");
        sink.report(found);
        return;
    };
    if alert.entities.is_empty() {
        let span = Span { end: alert.span.start.saturating_add(5).min(alert.span.end), ..alert.span };
        let found = Diagnostic::new(Code::NoEntity, span, "the alert has no entity")
            .label("no entity")
            .help("add `entity account STEP.FIELD` so that the SIEM can attribute the alert");
        sink.report(found);
    }
    twice(sink, &alert.show);
    for dedupe in &alert.dedupe {
        twice(sink, &dedupe.by);
    }
}

fn twice(sink: &mut Sink, names: &[Name]) {
    let mut seen: BTreeMap<&str, Span> = BTreeMap::new();
    for name in names {
        if let Some(first) = seen.get(name.node.as_str()) {
            let found =
                Diagnostic::new(Code::ShownTwice, name.span, format!("duplicate field `{}`", name.node))
                    .label("again here")
                    .also(*first, "first here")
                    .help("remove one of them");
            sink.report(found);
        } else {
            seen.insert(&name.node, name.span);
        }
    }
}

/// Asks for `dedupe` where one activity gives many last records.
pub(in crate::check) fn dedupe(
    names: &Names<'_>,
    sink: &mut Sink,
    chain: &ir::Chain,
    alert: &ir::Alert,
    at: Span,
) {
    let Some(source) = chain.steps.len().checked_sub(1).and_then(|last| names.source(last)) else { return };
    // The last step alone decides, since every record of it is an alert of its own.
    let Some(step) = chain.steps.last() else { return };
    let counts = step.repetition.is_some();
    if alert.dedupe.is_some() || (source.granularity <= 1 && !counts) {
        return;
    }
    let key = chain.links.last().and_then(|link| link.keys.first()).map(|key| &key.right);
    let key = key.or_else(|| step.repetition.as_ref().and_then(|count| count.by_fields().next()));
    let example = key.map_or("STEP.FIELD".to_owned(), |key| format!("{}.{}", step.name.node, key.name));
    let title = if counts {
        "every further record of a burst raises a new alert".to_owned()
    } else {
        format!("every `{}` record raises a new alert", source.name)
    };
    let why = if counts {
        "once there are enough, each record completes the count again"
    } else {
        "aggregated records: one connection produces many"
    };
    let found = Diagnostic::new(Code::NoDedupe, at, title)
        .label("no `dedupe`")
        .also(step.name.span, why)
        .help(format!("group them: `dedupe 24h by {example}`"));
    sink.report(found);
}
