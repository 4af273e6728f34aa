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

use super::chain::neighbours;
use super::names::{self, Scope, StepRef};
use super::values::words;

/// The fields of the scope that every step has.
pub(super) fn scope(scope: &mut Scope<'_, '_>, chain: &Chain) -> Vec<Spanned<String>> {
    let mut shared: Vec<Spanned<String>> = Vec::new();
    let mut seen: BTreeMap<&str, Span> = BTreeMap::new();
    for field in &chain.scope {
        if let Some(first) = seen.get(field.node.as_str()) {
            let found = Diagnostic::new(
                Code::RepeatedKey,
                field.span,
                format!("`{}` is in the scope twice", field.node),
            )
            .label("again here")
            .also(*first, "first here")
            .help("remove one of them");
            scope.report(found);
            continue;
        }
        seen.insert(&field.node, field.span);
        match scope_problem(scope, field) {
            Some(found) => scope.report(found),
            None => shared.push(field.clone()),
        }
    }
    shared
}

fn scope_problem(scope: &Scope<'_, '_>, field: &Name) -> Option<Diagnostic> {
    let known: Vec<(StepRef<'_>, &Source)> =
        scope.steps.iter().filter_map(|step| Some((*step, step.source?))).collect();
    let lacking: Vec<_> = known.iter().filter(|(_, source)| source.field(&field.node).is_none()).collect();
    if lacking.is_empty() {
        let (first, rest) = known.split_first()?;
        let ty = first.1.field(&field.node)?.ty;
        let other =
            rest.iter().find(|(_, source)| source.field(&field.node).is_some_and(|field| field.ty != ty))?;
        let title = format!("`{}` has another type in `{}`", field.node, other.1.name);
        return Some(Diagnostic::new(Code::LinkTypes, field.span, title).label("not one key for all steps"));
    }
    let title = format!("not every step has `{}`", field.node);
    let mut found =
        Diagnostic::new(Code::ScopeField, field.span, title).label("a scope is shared by all steps");
    for (step, source) in &lacking {
        found = found.also(step.name.span, format!("reads `{}`, which lacks it", source.name));
    }
    let mut sources = known.iter().map(|(_, source)| *source);
    let first = sources.next()?;
    let rest: Vec<_> = sources.collect();
    let common = |name: &&String| rest.iter().all(|source| source.field(name).is_some());
    let shared: Vec<&str> = first.fields.keys().filter(common).map(String::as_str).collect();
    found = found.suggest(&field.node, shared.iter().copied());
    let shown: Vec<_> = shared.iter().filter(|name| **name != "event.time").take(5).collect();
    Some(if shown.is_empty() {
        found
    } else {
        found.help(format!("all steps have {}", names::ticked(&shown)))
    })
}

/// The keys of a link after step `index`; nothing if one of them is wrong.
pub(super) fn keys(scope: &mut Scope<'_, '_>, index: usize, then: &Then) -> Option<Vec<ir::Key>> {
    if then.links.is_empty() {
        let found = Diagnostic::new(Code::ChainShape, then.span, "this link has no key")
            .label("joins everything to everything")
            .help("name a field both steps have: `on FIELD`");
        scope.report(found);
        return None;
    }
    let keys: Vec<_> = then.links.iter().map(|link| key(scope, index, link)).collect();
    keys.into_iter().collect()
}

fn key(scope: &mut Scope<'_, '_>, index: usize, link: &Link) -> Option<ir::Key> {
    let (left, right) = match &link.right {
        None => single(scope, index, &link.left)?,
        Some(right) => pair(scope, index, link, right)?,
    };
    if left.ty != right.ty {
        let title = if left.name == right.name {
            format!("`{}` has two types", left.name)
        } else {
            "the two sides have different types".to_owned()
        };
        let found = Diagnostic::new(Code::LinkTypes, link.span, title)
            .label(format!("{} on the left, {} on the right", words(left.ty), words(right.ty)))
            .help("only fields of one type can be equal");
        scope.report(found);
        return None;
    }
    Some(ir::Key { left, right, from_scope: false })
}

/// `on FIELD`: both neighbours have it.
fn single(scope: &mut Scope<'_, '_>, index: usize, name: &Name) -> Option<(ir::Field, ir::Field)> {
    let (before, after) = neighbours(scope, index)?;
    let (left_source, right_source) = (before.source?, after.source?);
    let (left, right) = (left_source.field(&name.node), right_source.field(&name.node));
    let (Some(left), Some(right)) = (left, right) else {
        let found = match (left, right, names::split(scope, name)) {
            (None, None, Some((step, first, rest))) => half_a_pair(scope, index, name, step, &first, &rest),
            (None, None, None) if left_source.name == right_source.name => names::unknown(name, left_source),
            _ => missing(name, (before, left_source), (after, right_source)),
        };
        scope.report(found);
        return None;
    };
    let field = |ty: Type| ir::Field { name: name.node.clone(), ty, span: name.span };
    Some((field(left.ty), field(right.ty)))
}

/// `on launch.instance.id` alone.
fn half_a_pair(
    scope: &Scope<'_, '_>,
    index: usize,
    name: &Name,
    step: usize,
    first: &str,
    rest: &str,
) -> Diagnostic {
    let mut found =
        Diagnostic::new(Code::LinkSteps, name.span, "a link names a field of both steps, or a pair")
            .label(format!("a field of step `{first}` alone"));
    let Some((before, after)) = neighbours(scope, index) else { return found };
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

fn missing(name: &Name, before: (StepRef<'_>, &Source), after: (StepRef<'_>, &Source)) -> Diagnostic {
    let title = format!("not both steps have `{}`", name.node);
    let mut found =
        Diagnostic::new(Code::LinkField, name.span, title).label("joins the step before to the step after");
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
        .collect();
    found = found.suggest(&name.node, common.iter().copied());
    if !common.is_empty() {
        let shown: Vec<_> = common.iter().take(5).collect();
        found = found.help(format!("fields of both that tell events apart: {}", names::ticked(&shown)));
    }
    found
        .help(format!("or join two fields: `on {}.FIELD == {}.FIELD`", before.0.name.node, after.0.name.node))
}

/// Whether a field can serve as a key: not weak, not the time, not the event's own id.
fn strong(source: &Source, name: &str) -> bool {
    source.event_id.as_deref() != Some(name)
        && source.field(name).is_some_and(|field| {
            field.weak_key.is_none() && matches!(field.ty, Type::String | Type::Int | Type::Ip)
        })
}

/// `on before.field == after.field`.
fn pair(
    scope: &mut Scope<'_, '_>,
    index: usize,
    link: &Link,
    right: &Name,
) -> Option<(ir::Field, ir::Field)> {
    let sides =
        (names::split(scope, &link.left).map(|side| side.0), names::split(scope, right).map(|side| side.0));
    let (Some(left_step), Some(right_step)) = sides else {
        for (side, name) in [(sides.0, &link.left), (sides.1, right)] {
            if side.is_none() {
                let found = names::no_step(scope, name);
                scope.report(found);
            }
        }
        return None;
    };
    if (left_step, right_step) == (index + 1, index) {
        let found = reversed(scope, link, right);
        scope.report(found);
        return None;
    }
    let (before, after) = neighbours(scope, index)?;
    let mut right_steps = true;
    for (step, name, wanted, expected) in
        [(left_step, &link.left, index, before), (right_step, right, index + 1, after)]
    {
        if step != wanted {
            right_steps = false;
            let found = other_step(name, expected, (before, after), scope.steps.get(step).copied());
            scope.report(found);
        }
    }
    let (left, right) = (names::step_field(scope, &link.left), names::step_field(scope, right));
    right_steps.then_some((left?.field, right?.field))
}

fn reversed(scope: &Scope<'_, '_>, link: &Link, right: &Name) -> Diagnostic {
    let text = |name: &Name| {
        let written = scope.sources.snippet(name.span);
        if written.is_empty() { name.node.clone() } else { written.to_owned() }
    };
    let replacement = format!("{} == {}", text(right), text(&link.left));
    let mut found =
        Diagnostic::new(Code::LinkSteps, link.span, "the sides of this link are in the wrong order")
            .label("the later step stands on the left")
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
        Some(named) => found.also(named.name.span, "the step that is named"),
        None => found,
    }
}

/// Refuses a key that only one event can have: neighbours are different events.
pub(super) fn refuse_identity(scope: &mut Scope<'_, '_>, index: usize, keys: &[ir::Key]) {
    let (Some(left), Some(right)) = (scope.source(index), scope.source(index + 1)) else { return };
    let identifies = |source: &Source, field: &ir::Field| source.event_id.as_ref() == Some(&field.name);
    for key in keys {
        if left.name == right.name && identifies(left, &key.left) && identifies(right, &key.right) {
            let found = Diagnostic::new(
                Code::IdentityKey,
                key.left.span,
                "this link joins an event to itself",
            )
            .label(format!("no two events of `{}` share it", left.name))
            .help("neighbours are different events, so the rule would never alert; join by what they share");
            scope.report(found);
        }
    }
}

/// Warns of keys named twice and of links that only weak keys hold.
pub(super) fn lint(scope: &mut Scope<'_, '_>, index: usize, then: &Then, keys: &[ir::Key]) {
    let own: Vec<_> = keys.iter().filter(|key| !key.from_scope).collect();
    let mut seen: BTreeMap<(&str, &str), usize> = BTreeMap::new();
    for (position, key) in own.iter().enumerate() {
        let first = *seen.entry((&key.left.name, &key.right.name)).or_insert(position);
        if first != position
            && let (Some(link), Some(earlier)) = (then.links.get(position), then.links.get(first))
        {
            let found = Diagnostic::new(Code::RepeatedKey, link.span, "this key is already in the link")
                .label("again here")
                .also(earlier.span, "first here")
                .help("remove one of them");
            scope.report(found);
        }
    }
    if let Some(found) = weak(scope, index, then, &own) {
        scope.report(found);
    }
}

fn weak(scope: &Scope<'_, '_>, index: usize, then: &Then, own: &[&ir::Key]) -> Option<Diagnostic> {
    let (left, right) = (scope.source(index)?, scope.source(index + 1)?);
    let mut reasons = Vec::new();
    for (key, link) in own.iter().zip(&then.links) {
        let why = why_weak(left, &key.left).or_else(|| why_weak(right, &key.right))?;
        reasons.push((key, link.span, why));
    }
    let ((key, span, why), others) = reasons.split_first()?;
    let title = format!("`{}` alone does not tie events together", key.left.name);
    let mut found = Diagnostic::new(Code::WeakKey, *span, title).label(why.clone());
    for (_, span, why) in others {
        found = found.also(*span, why.clone());
    }
    let common: Vec<&str> = left
        .fields
        .keys()
        .map(String::as_str)
        .filter(|name| right.field(name).is_some() && strong(left, name) && strong(right, name))
        .take(5)
        .collect();
    Some(if common.is_empty() {
        found.help(
            "add a key that tells events apart; unrelated events within the window are joined otherwise",
        )
    } else {
        found.help(format!("join by a field that tells events apart: {}", names::ticked(&common)))
    })
}

fn why_weak(source: &Source, field: &ir::Field) -> Option<String> {
    let def = source.field(&field.name)?;
    if def.ty == Type::Bool {
        return Some("it has only two values".to_owned());
    }
    def.weak_key.clone()
}
