//! Clauses that are read and checked, and that nothing runs yet.
//!
//! In: a chain as written. Out: a finding for each such clause: a rule that no engine and no target heeds in full must
//! not pass. Must not know: what the clauses mean.

use crate::diag::{Code, Diagnostic};
use crate::source::Span;
use crate::syntax::ast::{Chain, ChainItem, Step, StepClause, Then};

use super::keyword;
use super::sink::Sink;

/// Refuses the clauses.
pub(super) fn refuse(sink: &mut Sink, chain: &Chain) {
    for item in &chain.items {
        match item {
            ChainItem::Step(step) => refuse_in_step(sink, step),
            ChainItem::Then(then) => refuse_in_link(sink, then),
            ChainItem::Together(together) => {
                report(sink, keyword(together.span, 8), "together`", "it will let steps come in any order");
                together.steps.iter().for_each(|step| refuse_in_step(sink, step));
            }
        }
    }
}

fn refuse_in_step(sink: &mut Sink, step: &Step) {
    for other in &step.others {
        report(sink, other.source.span, "or from`", "it will let a step read several sources");
    }
    for clause in &step.clauses {
        let (length, text, plan) = match clause {
            StepClause::Unless(_) => {
                (6, "unless`", "it will require that no linked event came before or after")
            }
            StepClause::First(_) => (5, "first`", "it will require that a value was never seen before"),
            StepClause::AtLeast(_) => (8, "at least`", "it will require a step to repeat"),
        };
        report(sink, keyword(clause.span(), length), text, plan);
    }
}

fn refuse_in_link(sink: &mut Sink, then: &Then) {
    for comparison in &then.comparisons {
        let plan = "it will compare fields of the two steps";
        report(sink, comparison.span, "where` in a link", plan);
    }
    for unless in &then.unless {
        report(sink, keyword(unless.span, 6), "unless`", "it will require that no linked event came between");
    }
    for link in then.links.iter().filter(|link| link.ignore_case) {
        report(sink, link.span, "=~` in a link", "it will link values ignoring letter case");
    }
    for side in then.links.iter().flat_map(|link| std::iter::once(&link.left).chain(&link.right)) {
        if let Some(any) = side.any {
            report(sink, any, "any` in a link", "it will link fields with several values");
        }
    }
}

fn report(sink: &mut Sink, at: Span, text: &str, plan: &str) {
    let title = format!("`{text} is reserved for a later version");
    let found = Diagnostic::new(Code::NotYet, at, title);
    sink.report(found.label("not part of the language yet").help(plan));
}
