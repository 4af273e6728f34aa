//! Join keys: links and the scope.
//!
//! In: `on …` and `scope …`. Out: [`ir::Key`]s whose two sides exist and have one type.
//! Must not know: windows, predicates.

use std::collections::BTreeMap;

use crate::catalog::Source;
use crate::diag::{Code, Diagnostic, Fix};
use crate::ir::{self, Type};
use crate::source::{Span, Spanned};
use crate::syntax::ast::{Chain, Link, Name, Then};

use super::names::{self, Names, StepRef};
use super::naming;
use super::sink::Sink;
use super::values::words;
use super::{alternatives, fields, lacking};

/// The fields of the scope that every step has.
pub(super) fn scope(names: &Names<'_>, sink: &mut Sink, chain: &Chain) -> Vec<Spanned<String>> {
    let mut shared: Vec<Spanned<String>> = Vec::new();
    let mut seen: BTreeMap<&str, Span> = BTreeMap::new();
    for field in &chain.scope {
        if let Some(first) = seen.get(field.node.as_str()) {
            let found = Diagnostic::new(
                Code::RepeatedKey,
                field.span,
                format!("duplicate field `{}` in the scope", field.node),
            )
            .label("again here")
            .also(*first, "first here")
            .help("remove one of them");
            sink.report(found);
            continue;
        }
        seen.insert(&field.node, field.span);
        if let Some(found) = scope_problem(names, field) {
            sink.report(found);
            continue;
        }
        names::note_shared(names, sink, field, 0..names.steps.len());
        let typed = |step: &StepRef<'_>| {
            let ty = step.source?.field(&field.node)?.ty;
            Some(ir::Field { name: field.node.clone(), ty, span: field.span })
        };
        let all = names
            .steps
            .iter()
            .all(|step| typed(step).is_none_or(|typed| alternatives::everywhere(names, sink, *step, &typed)));
        if all {
            shared.push(field.clone());
        }
    }
    shared
}

fn scope_problem(names: &Names<'_>, field: &Name) -> Option<Diagnostic> {
    // Steps whose source is unknown lack no field; the source has been reported.
    let known: Vec<(StepRef<'_>, &Source)> =
        names.steps.iter().filter_map(|step| Some((*step, step.source?))).collect();
    let lacking: Vec<_> = known.iter().filter(|(_, source)| source.field(&field.node).is_none()).collect();
    if lacking.is_empty() {
        let (first, rest) = known.split_first()?;
        let ty = first.1.field(&field.node)?.ty;
        let other =
            rest.iter().find(|(_, source)| source.field(&field.node).is_some_and(|field| field.ty != ty))?;
        let title = format!("`{}` has a different type in `{}`", field.node, other.1.name);
        return Some(
            Diagnostic::new(Code::LinkTypes, field.span, title).label("cannot be a key of all steps"),
        );
    }
    if let Some(found) = names.lookups.elsewhere(&field.node, field.span) {
        return Some(found);
    }
    let title = format!("not every step has `{}`", field.node);
    let mut found =
        Diagnostic::new(Code::ScopeField, field.span, title).label("every step must have a scope field");
    for (step, source) in &lacking {
        found = found.also(step.name.span, format!("reads `{}`, which lacks it", source.name));
    }
    let mut sources = known.iter().map(|(_, source)| *source);
    let first = sources.next()?;
    let rest: Vec<_> = sources.collect();
    let common = |name: &&String| rest.iter().all(|source| source.field(name).is_some());
    let shared: Vec<&str> = first.fields.keys().filter(common).map(String::as_str).collect();
    let sources: Vec<&Source> = known.iter().map(|(_, source)| *source).collect();
    (found, _) = fields::suggest(found, field, &sources, |name| shared.contains(&name));
    // Every source has `event.time`, and equal times join whatever happened at once.
    let shown: Vec<_> = shared.iter().filter(|name| **name != "event.time").take(5).collect();
    Some(if shown.is_empty() {
        found
    } else {
        found.help(format!("fields that all steps have: {}", naming::ticked(&shown)))
    })
}

/// The keys of a link after step `index`; nothing if one of them is wrong.
pub(super) fn keys(names: &Names<'_>, sink: &mut Sink, index: usize, then: &Then) -> Option<Vec<ir::Key>> {
    if then.links.is_empty() {
        let found = Diagnostic::new(Code::ChainShape, then.span, "this link has no key")
            .label("joins every pair of events")
            .help("name a field that both steps have: `on FIELD`");
        sink.report(found);
        return None;
    }
    // Two collections, so that every wrong key is reported and not the first alone.
    let keys: Vec<_> = then.links.iter().map(|link| key(names, sink, index, link)).collect();
    let keys: Vec<ir::Key> = keys.into_iter().collect::<Option<_>>()?;
    let second = [
        second_list(&keys, |key| (key.any.left, &key.left)),
        second_list(&keys, |key| (key.any.right, &key.right)),
    ];
    let found: Vec<_> = second.into_iter().flatten().collect();
    if found.is_empty() {
        return Some(keys);
    }
    for found in found {
        sink.report(found);
    }
    None
}

/// The finding for two fields with several values on one side of a link. A record would have a key for each pair of
/// their values: with lists of ten thousand, a hundred million.
fn second_list(keys: &[ir::Key], side: impl Fn(&ir::Key) -> (bool, &ir::Field)) -> Option<Diagnostic> {
    let mut lists = keys.iter().map(side).filter(|(any, _)| *any).map(|(_, field)| field);
    let (first, second) = (lists.next()?, lists.next()?);
    let title = "a link takes one field with several values on each side";
    Some(
        Diagnostic::new(Code::SeveralValues, second.span, title)
            .label("a second one of this step")
            .also(first.span, "the first one")
            .help("link by one of them, and by a field with one value beside it"),
    )
}

fn key(names: &Names<'_>, sink: &mut Sink, index: usize, link: &Link) -> Option<ir::Key> {
    let (left, right) = match &link.right {
        None => single(names, sink, index, &link.left.name)?,
        Some(right) => pair(names, sink, index, link, &right.name)?,
    };
    let any = any_of(names, sink, index, link, (&left, &right))?;
    if left.ty != right.ty {
        let title = if left.name == right.name {
            format!("`{}` has different types in the two steps", left.name)
        } else {
            "the two sides have different types".to_owned()
        };
        let found = Diagnostic::new(Code::LinkTypes, link.span, title)
            .label(format!("{} on the left, {} on the right", words(left.ty), words(right.ty)))
            .help("both sides must have the same type");
        sink.report(found);
        return None;
    }
    if link.ignore_case && left.ty != Type::String {
        let title = format!("`{}` is {}, which has no upper and lower case", left.name, words(left.ty));
        let found =
            Diagnostic::new(Code::WrongOperator, link.span, title).label("case-insensitive").help("use `==`");
        sink.report(found);
        return None;
    }
    let folds = !link.ignore_case && folds(names, index, &left, &right);
    let case = ir::Case::folding(link.ignore_case || folds);
    Some(ir::Key { left, right, case, folds, any, from_scope: false })
}

/// Whether letter case means nothing in a field of either side: then it means nothing between the two.
pub(super) fn folds(names: &Names<'_>, index: usize, left: &ir::Field, right: &ir::Field) -> bool {
    names
        .neighbours(index)
        .is_some_and(|(before, after)| names::folds(names, before, left) || names::folds(names, after, right))
}

/// Of which side any value counts. `on any(FIELD)` says it of each side that can have several values, a pair of the
/// side that it stands at. Reports a side that does not fit.
fn any_of(
    names: &Names<'_>,
    sink: &mut Sink,
    index: usize,
    link: &Link,
    (left, right): (&ir::Field, &ir::Field),
) -> Option<ir::AnyOf> {
    let (before, after) = names.neighbours(index)?;
    let several = |step, field: &ir::Field| names::has_several(names, step, &field.name);
    let (of_left, of_right) = if let Some(other) = &link.right {
        (link.left.any, other.any)
    } else {
        let marked = link.left.any.filter(|_| several(before, left) || several(after, right));
        let of_left = link.left.any.filter(|_| several(before, left) || marked.is_none());
        (of_left, marked.filter(|_| several(after, right)))
    };
    // Of the first alternative each side has the field by now.
    let mut side = |step, field: &ir::Field, any| match any {
        None => alternatives::everywhere(names, sink, step, field),
        Some(at) => {
            alternatives::all_have(names, sink, step, field)
                && names::all_several(names, sink, step, field, at)
        }
    };
    let fits = [side(before, left, of_left), side(after, right, of_right)];
    (!fits.contains(&false)).then_some(ir::AnyOf { left: of_left.is_some(), right: of_right.is_some() })
}

/// `on FIELD`: both neighbours have it.
fn single(names: &Names<'_>, sink: &mut Sink, index: usize, name: &Name) -> Option<(ir::Field, ir::Field)> {
    let (before, after) = names.neighbours(index)?;
    let (left_source, right_source) = (before.source?, after.source?);
    let (left, right) = (left_source.field(&name.node), right_source.field(&name.node));
    let (Some(left), Some(right)) = (left, right) else {
        let found = match (left, right, names::split(names, name)) {
            // Only where neither side has the field: a field may begin like a step (`actor.id` beside a step `actor`),
            // and then the field is meant.
            (None, None, _) if names.lookups.of_column(&name.node).is_some() => {
                names.lookups.elsewhere(&name.node, name.span)?
            }
            (None, None, Some((step, first, rest))) => half_a_pair(names, index, name, step, &first, &rest),
            (None, None, None) if left_source.name == right_source.name => {
                fields::unknown(sink, name, left_source)
            }
            _ => missing(names, name, (before, left_source), (after, right_source)),
        };
        sink.report(found);
        return None;
    };
    names::note_shared(names, sink, name, index..index + 2);
    let field = |ty: Type| ir::Field { name: name.node.clone(), ty, span: name.span };
    Some((field(left.ty), field(right.ty)))
}

/// `on launch.instance.id` alone.
fn half_a_pair(
    names: &Names<'_>,
    index: usize,
    name: &Name,
    step: usize,
    first: &str,
    rest: &str,
) -> Diagnostic {
    let mut found =
        Diagnostic::new(Code::LinkSteps, name.span, "a link needs a field of both steps, or a pair")
            .label(format!("a field of step `{first}` only"));
    let Some((before, after)) = names.neighbours(index) else { return found };
    let both =
        [before, after].iter().all(|step| step.source.is_some_and(|source| source.field(rest).is_some()));
    if both {
        found.fix = Some(Fix { span: name.span, replacement: rest.to_owned() });
        return found.help(format!("both steps have it: write `on {rest}`"));
    }
    let other = if step == index + 1 { before } else { after };
    let pair = if step == index + 1 {
        format!("on {}.FIELD == {}", other.name.node, name.node)
    } else {
        format!("on {} == {}.FIELD", name.node, other.name.node)
    };
    found.help(format!("name the other side: `{pair}`"))
}

fn missing(
    names: &Names<'_>,
    name: &Name,
    before: (StepRef<'_>, &Source),
    after: (StepRef<'_>, &Source),
) -> Diagnostic {
    let title = format!("`{}` is not a field of both steps", name.node);
    let mut found =
        Diagnostic::new(Code::LinkField, name.span, title).label("must exist in the steps before and after");
    for (step, source) in [before, after] {
        if source.field(&name.node).is_none() {
            found = found.also(step.name.span, format!("reads `{}`, which lacks it", source.name));
        }
    }
    let common: Vec<&str> = before
        .1
        .fields
        .values()
        .filter(|field| after.1.field(&field.name).is_some_and(|other| other.ty == field.ty))
        .filter(|field| strong(before.1, &field.name) && strong(after.1, &field.name))
        .map(|field| field.name.as_str())
        .filter(|name| lacking::may_have(names, before.0, name))
        .filter(|name| lacking::may_have(names, after.0, name))
        .collect();
    (found, _) = fields::suggest(found, name, &[before.1, after.1], |field| common.contains(&field));
    if !common.is_empty() {
        let shown: Vec<_> = common.iter().take(5).collect();
        found = found.help(format!("selective fields that both steps have: {}", naming::ticked(&shown)));
    }
    found.help(format!(
        "or join a pair of fields: `on {}.FIELD == {}.FIELD`",
        before.0.name.node, after.0.name.node
    ))
}

/// Whether a field can serve as a key by its name alone: one value, not weak, not the time, not the event's own id.
pub(super) fn strong(source: &Source, name: &str) -> bool {
    source.event_id() != Some(name)
        && source.field(name).is_some_and(|field| {
            field.weak_key.is_none() && !field.many && matches!(field.ty, Type::String | Type::Int | Type::Ip)
        })
}

/// `on before.field == after.field`.
fn pair(
    names: &Names<'_>,
    sink: &mut Sink,
    index: usize,
    link: &Link,
    right: &Name,
) -> Option<(ir::Field, ir::Field)> {
    let sides = (
        names::split(names, &link.left.name).map(|side| side.0),
        names::split(names, right).map(|side| side.0),
    );
    let (Some(left_step), Some(right_step)) = sides else {
        for (side, name) in [(sides.0, &link.left.name), (sides.1, right)] {
            if side.is_none() {
                let found = names::no_step(names, name);
                sink.report(found);
            }
        }
        return None;
    };
    // One finding with a fix, where each side by itself would be reported as a field of the wrong step.
    if (left_step, right_step) == (index + 1, index) {
        let found = reversed(names, link, right);
        sink.report(found);
        return None;
    }
    let (before, after) = names.neighbours(index)?;
    let mut right_steps = true;
    for (step, name, wanted, expected) in
        [(left_step, &link.left.name, index, before), (right_step, right, index + 1, after)]
    {
        if step != wanted {
            right_steps = false;
            let found = other_step(name, expected, (before, after), names.steps.get(step).copied());
            sink.report(found);
        }
    }
    // Looked up even where the steps are wrong: the fields may be wrong too, and editors ask what they stand for.
    let (left, right) =
        (names::step_field(names, sink, &link.left.name), names::step_field(names, sink, right));
    right_steps.then_some((left?.field, right?.field))
}

fn reversed(names: &Names<'_>, link: &Link, right: &Name) -> Diagnostic {
    let text = |name: &Name| {
        let written = names.unit.sources.snippet(name.span);
        if written.is_empty() { name.node.clone() } else { written.to_owned() }
    };
    let replacement = format!("{} == {}", text(right), text(&link.left.name));
    let mut found =
        Diagnostic::new(Code::LinkSteps, link.span, "the sides of this link are in the wrong order")
            .label("the later step is on the left")
            .help(format!("write `{replacement}`: the earlier step comes first"));
    found.fix = Some(Fix { span: link.span, replacement });
    found
}

fn other_step(
    name: &Name,
    expected: StepRef<'_>,
    (before, after): (StepRef<'_>, StepRef<'_>),
    named: Option<StepRef<'_>>,
) -> Diagnostic {
    let title = format!("this link joins `{}` and `{}`", before.name.node, after.name.node);
    let found = Diagnostic::new(Code::LinkSteps, name.span, title)
        .label(format!("expected a field of step `{}`", expected.name.node))
        .help(format!("write `{}.FIELD == {}.FIELD`", before.name.node, after.name.node));
    match named {
        Some(named) => found.also(named.name.span, "the step named here"),
        None => found,
    }
}

/// Refuses a key that only one event can have: neighbours are different events.
pub(super) fn refuse_identity(names: &Names<'_>, sink: &mut Sink, index: usize, keys: &[ir::Key]) {
    let (Some(left), Some(right)) = (names.source(index), names.source(index + 1)) else { return };
    let identifies = |source: &Source, field: &ir::Field| source.event_id() == Some(&*field.name);
    for key in keys {
        // Only within one source: that no two events share an id is promised for one log, not between two.
        if left.name == right.name && identifies(left, &key.left) && identifies(right, &key.right) {
            let found = Diagnostic::new(
                Code::IdentityKey,
                key.left.span,
                "this link joins an event to itself",
            )
            .label(format!("unique to each event of `{}`", left.name))
            .help("adjacent steps match different events, so the rule would never alert; join by a shared field");
            sink.report(found);
        }
    }
}
