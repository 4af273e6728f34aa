//! Clauses that are well formed and useless: a count that nothing can reach, an absence that excuses everybody.
//!
//! In: a chain as lowered. Out: findings. Must not know: how clauses are lowered.

use std::collections::BTreeSet;

use crate::catalog::Source;
use crate::check::names::Names;
use crate::check::sink::Sink;
use crate::diag::{Code, Diagnostic};
use crate::ir::{self, Absence, Case, Field, GroupField, Neighbour, Repetition, Step, Type};

use super::links::why_weak;

/// Looks at the clauses of all steps and links.
pub(super) fn lint(names: &Names<'_>, sink: &mut Sink, chain: &ir::Chain) {
    for step in &chain.steps {
        if let Some(found) = step.repetition.as_ref().and_then(|count| unreachable(names, step, count)) {
            sink.report(found);
        }
    }
    let of_steps = chain.steps.iter().flat_map(|step| step.absences.iter().map(move |one| (step, step, one)));
    let of_links = chain.links.iter().zip(chain.steps.windows(2)).flat_map(|(link, steps)| {
        let pair = if let [left, right] = steps { Some((left, right)) } else { None };
        pair.into_iter().flat_map(|(left, right)| link.absences.iter().map(move |one| (left, right, one)))
    });
    for (earlier, later, absence) in of_steps.chain(of_links) {
        if let Some(found) = excuses_everybody(names, earlier, later, absence) {
            sink.report(found);
        }
    }
}

/// A count of different values of a field that has too few of them.
fn unreachable(names: &Names<'_>, step: &Step, count: &Repetition) -> Option<Diagnostic> {
    let GroupField { field, case } = count.distinct.as_ref()?;
    let why = if count.is_by(&field.name) {
        format!("records that are counted together share `{}`", field.name)
    } else {
        let values = possible(names, step, field, *case)?;
        if values >= usize::try_from(count.least).unwrap_or(usize::MAX) {
            return None;
        }
        let values = if values == 1 { "one value".to_owned() } else { format!("{values} values") };
        format!("`{}` can have {values} here", field.name)
    };
    let title = format!("`at least {} distinct {}` is never reached", count.least, field.name);
    let help = "count another field, or name in `by` what the records share";
    Some(Diagnostic::new(Code::NeverHolds, field.span, title).label(why).help(help))
}

/// How many values a field can have in a step, if its conditions or its sources say so.
fn possible(names: &Names<'_>, step: &Step, field: &Field, letters: Case) -> Option<usize> {
    if field.ty == Type::Bool {
        return Some(2);
    }
    let of = |selection: &ir::Selection| -> Option<BTreeSet<String>> {
        let name = selection.field(&field.name);
        let demanded = selection.filter.required_texts_in(name, letters).map(|texts| texts.strings());
        let declared = || {
            let source: &Source = names.context.catalog.source(&selection.source.node)?;
            let values = &source.field(name)?.values;
            let values = values.iter().map(|value| letters.fold(value).into_owned());
            (values.len() > 0).then(|| values.collect())
        };
        demanded.or_else(declared)
    };
    let values = step.selections().map(of).collect::<Option<Vec<_>>>()?;
    Some(values.into_iter().flatten().collect::<BTreeSet<_>>().len())
}

/// An `unless` that shares with its step only what unrelated events share: whoever does the excusing thing excuses all.
/// What was never seen of a weak key is news all the same, so `first` may ask by one.
fn excuses_everybody(
    names: &Names<'_>,
    earlier: &Step,
    later: &Step,
    absence: &Absence,
) -> Option<Diagnostic> {
    let name = absence.name.as_ref()?;
    let mut reasons = Vec::new();
    for key in &absence.keys {
        let step = if key.of == Neighbour::Earlier { earlier } else { later };
        let weak = |selection: &ir::Selection, field: &str| {
            why_weak(names.context.catalog.source(&selection.source.node)?, field)
        };
        // One selective key is enough.
        let own = weak(&step.main, step.main.field(&key.left.name));
        let right = || absence.selections.iter().find_map(|one| weak(one, one.field(&key.right.name)));
        reasons.push((key, own.or_else(right)?));
    }
    let (key, why) = reasons.into_iter().next()?;
    let title = format!("`unless {}` by `{}` alone excuses unrelated events", name.node, key.left.name);
    let help = "add a key that one party has, such as the caller or the host; otherwise one event excuses all others";
    Some(Diagnostic::new(Code::WeakKey, key.right.span, title).label(why).help(help))
}
