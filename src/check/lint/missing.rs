//! Fields that the conditions of a step leave missing, or may leave missing, where another clause needs them.
//!
//! In: a chain and its alert, as lowered. Out: findings. Must not know: how clauses are lowered.
//!
//! A missing field joins nothing and is counted with nothing, so a link by a field that the step itself says is missing
//! never holds. In `dedupe` a missing field is a key like any other, and all records without it are one alert.

use crate::catalog::Source;
use crate::check::names::Names;
use crate::check::sink::Sink;
use crate::diag::{Code, Diagnostic};
use crate::ir::{
    self, Absence, Chain, Field, FieldTest, Neighbour, Pred, Repetition, Selection, Step, TestKind, Together,
};

use super::logic::Logic;

/// Looks at what links, counts, comparisons and absences read.
pub(super) fn lint(names: &Names<'_>, sink: &mut Sink, chain: &Chain) {
    for (steps, link) in chain.steps.windows(2).zip(&chain.links) {
        let [left, right] = steps else { continue };
        let keys = link.keys.iter().flat_map(|key| [(left, &key.left), (right, &key.right)]);
        let compared = link.comparisons.iter().flat_map(|one| [(left, &one.left), (right, &one.right)]);
        report_dead(names, sink, keys, "joins nothing, so the chain never alerts");
        report_dead(names, sink, compared, "compares with nothing, so the chain never alerts");
        for absence in &link.absences {
            exempts_nothing(names, sink, (left, right), absence);
        }
    }
    for step in &chain.steps {
        let shared = chain.together.iter().flat_map(Together::fields).map(|key| (step, key));
        report_dead(names, sink, shared, "joins nothing, so the chain never alerts");
        let counted = step.repetition.iter().filter(|count| count.by_is_explicit).flat_map(|count| &count.by);
        let values = step.repetition.iter().flat_map(|count| &count.distinct);
        let counted = counted.chain(values).map(|counted| (step, &counted.field));
        report_dead(names, sink, counted, "counts nothing, so the chain never alerts");
        for absence in &step.absences {
            exempts_nothing(names, sink, (step, step), absence);
        }
    }
}

fn report_dead<'c>(
    names: &Names<'_>,
    sink: &mut Sink,
    fields: impl Iterator<Item = (&'c Step, &'c Field)>,
    what: &str,
) {
    for (step, field) in fields {
        if lacking(names, step.selections(), field) {
            let title = format!("step `{}` asks for records without `{}`", step.name.node, field.name);
            let found = Diagnostic::new(Code::NeverHolds, field.span, title)
                .label(format!("a missing field {what}"))
                .also(step.main.filter.span(), "no record that this leaves has it")
                .help("use a field that the step has, or change its condition");
            sink.report(found);
        }
    }
}

/// An absence by a field that one of the two sides lacks.
fn exempts_nothing(names: &Names<'_>, sink: &mut Sink, (earlier, later): (&Step, &Step), absence: &Absence) {
    for key in &absence.keys {
        let step = if key.of == Neighbour::Earlier { earlier } else { later };
        let (title, at) = if lacking(names, step.selections(), &key.left) {
            let title = format!("step `{}` asks for records without `{}`", step.name.node, key.left.name);
            (title, step.main.filter.span())
        } else if let Some(name) = absence.name.as_ref()
            && let Some(first) = absence.selections.first()
            && lacking(names, absence.selections.iter(), &key.right)
        {
            let title = format!("`unless {}` asks for records without `{}`", name.node, key.right.name);
            (title, first.filter.span())
        } else {
            continue;
        };
        let found = Diagnostic::new(Code::DeadBranch, key.left.span, title)
            .label("a missing field equals nothing, so the clause exempts nothing")
            .also(at, "no record that this leaves has it")
            .help("use a field that both have, or change the condition");
        sink.report(found);
        return;
    }
}

/// Asks whether a key of `dedupe` is certain to be there.
pub(super) fn dedupe(names: &Names<'_>, sink: &mut Sink, chain: &Chain, alert: &ir::Alert) {
    let Some(dedupe) = &alert.dedupe else { return };
    // One that is there keeps apart what lacks the others.
    if dedupe.by.iter().any(|key| is_certain(names, chain, key)) {
        return;
    }
    let Some(ir::StepField { step, field }) = dedupe.by.first() else { return };
    let Some(step) = chain.steps.get(*step) else { return };
    let (name, key) = (&step.name.node, &field.name);
    let title = format!("`{name}.{key}` may be missing, and all chains without it are one alert");
    let window = ir::duration(dedupe.window.seconds);
    let found = Diagnostic::new(Code::DedupeMissing, field.span, title)
        .label(format!("the first alert without it silences the others for {window}"))
        .also(step.name.span, "neither demands it nor is joined by it")
        .help(format!("demand it in the step, `exists({key})`, or add a field to `by` that is always there"));
    sink.report(found);
}

fn is_certain(
    names: &Names<'_>,
    chain: &Chain,
    ir::StepField { step: index, field }: &ir::StepField,
) -> bool {
    let Some(step) = chain.steps.get(*index) else { return true };
    let burst = step.repetition.as_ref();
    if burst.is_some() && [ir::COUNT, ir::FIRST_TIME].contains(&field.name.as_str()) {
        return true;
    }
    let after = chain.links.get(*index).into_iter();
    let before = index.checked_sub(1).and_then(|before| chain.links.get(before)).into_iter();
    let left = after.flat_map(|link| {
        link.keys.iter().map(|key| &key.left).chain(link.comparisons.iter().map(|one| &one.left))
    });
    let right = before.flat_map(|link| {
        link.keys.iter().map(|key| &key.right).chain(link.comparisons.iter().map(|one| &one.right))
    });
    let shared = chain.together.iter().flat_map(Together::fields);
    let counted = burst.into_iter().flat_map(Repetition::by_fields);
    let mut read = left.chain(right).chain(shared).chain(counted);
    read.any(|known| known.name == field.name) || step.selections().all(|one| demands(names, one, field))
}

fn lacking<'c>(
    names: &Names<'_>,
    mut selections: impl Iterator<Item = &'c Selection>,
    field: &Field,
) -> bool {
    selections.all(|one| {
        let (exists, excepts) = (exists(one, field), one.excepts.iter().collect::<Vec<_>>());
        logic(names, one).excludes(&one.filter, &excepts, &exists)
    })
}

fn demands(names: &Names<'_>, one: &Selection, field: &Field) -> bool {
    let name = one.field(&field.name);
    // Every event has a time, and what it is known by.
    let is_known_by =
        |source: &Source| source.discriminator == name || source.event_id.0.iter().any(|id| id == name);
    if name == "event.time" || names.context.catalog.source(&one.source.node).is_some_and(is_known_by) {
        return true;
    }
    let (exists, excepts) = (exists(one, field), one.excepts.iter().collect::<Vec<_>>());
    logic(names, one).demands(&one.filter, &excepts, &exists)
}

fn logic<'a>(names: &Names<'a>, one: &Selection) -> Logic<'a> {
    // Without the lists: what is proved then holds whatever is in them.
    Logic::new(names.context.catalog.source(&one.source.node), Vec::new())
}

/// The test whether a selection has a field of the rule.
fn exists(one: &Selection, field: &Field) -> Pred {
    let own = Field { name: one.field(&field.name).to_owned(), ..field.clone() };
    Pred::Test(FieldTest { field: own, kind: TestKind::Exists, span: field.span })
}
