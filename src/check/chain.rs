//! The chain: steps and links in turn, each lowered.
//!
//! In: the `chain` clause. Out: [`ir::Chain`] if all of it is right.
//! Must not know: metadata, alerts, tests.

use std::collections::HashSet;

use crate::diag::{Code, Diagnostic};
use crate::ir;
use crate::source::{Span, Spanned};
use crate::syntax::ast::{Chain, ChainItem, Step, Then};

use super::logic::Logic;
use super::names::{self, Scope};
use super::{MOST_STEPS, links, predicates, windows};

/// Lowers the chain; every problem in it is reported.
pub(super) fn lower(scope: &mut Scope<'_, '_>, chain: &Chain) -> Option<ir::Chain> {
    let shape_is_right = shape(scope, chain);
    let (steps, thens) = parts(chain);
    let lowered: Vec<_> =
        steps.iter().enumerate().map(|(index, step)| lower_step(scope, index, step)).collect();
    let scoped = links::scope(scope, chain);
    let links: Vec<_> = thens.iter().map(|(index, then)| link(scope, *index, then, &scoped)).collect();
    let total = chain.within.as_ref().map(|total| windows::window(scope, total));
    let steps: Option<Vec<_>> = lowered.into_iter().collect();
    let links: Option<Vec<_>> = links.into_iter().collect();
    if !shape_is_right {
        return None;
    }
    let (steps, links) = (steps?, links?);
    let total_is_explicit = total.is_some();
    let total = match total {
        Some(total) => total?,
        None => sum(&links, chain.span),
    };
    let lowered = ir::Chain { total, total_is_explicit, scope: scoped, steps, links };
    windows::lint(scope, chain, &lowered);
    Some(lowered)
}

/// Without a total, the gaps add up to it.
fn sum(links: &[ir::Link], chain: Span) -> ir::Window {
    let span = links.iter().map(|link| link.gap.span).reduce(Span::to).unwrap_or(keyword(chain, 5));
    let seconds = links.iter().fold(0u64, |sum, link| sum.saturating_add(link.gap.seconds));
    ir::Window { seconds, span }
}

/// The steps, and the links with the index of the step before them.
fn parts(chain: &Chain) -> (Vec<&Step>, Vec<(usize, &Then)>) {
    let (mut steps, mut thens) = (Vec::new(), Vec::new());
    for item in &chain.items {
        match item {
            ChainItem::Step(step) => steps.push(step),
            ChainItem::Then(then) if steps.is_empty() => thens.push((usize::MAX, then)),
            ChainItem::Then(then) => thens.push((steps.len() - 1, then)),
        }
    }
    (steps, thens)
}

/// Steps and links take turns, a step first and last.
fn shape(scope: &mut Scope<'_, '_>, chain: &Chain) -> bool {
    let mut found = Vec::new();
    let mut before: Option<&ChainItem> = None;
    for item in &chain.items {
        match (before, item) {
            (Some(ChainItem::Step(earlier)), ChainItem::Step(step)) => found.push(unlinked(earlier, step)),
            (Some(ChainItem::Then(_)), ChainItem::Then(then)) => found.push(
                Diagnostic::new(Code::ChainShape, keyword(then.span, 4), "a link follows a link")
                    .label("no step between the two")
                    .help("put a step between them, or join by all keys in one link: `on a, b`"),
            ),
            (None, ChainItem::Then(then)) => found.push(
                Diagnostic::new(Code::ChainShape, keyword(then.span, 4), "the chain begins with a link")
                    .label("joins nothing to the step after it")
                    .help("begin with a step"),
            ),
            (Some(ChainItem::Step(_)), ChainItem::Then(_))
            | (Some(ChainItem::Then(_)) | None, ChainItem::Step(_)) => {}
        }
        before = Some(item);
    }
    if let Some(ChainItem::Then(then)) = before {
        found.push(
            Diagnostic::new(Code::ChainShape, keyword(then.span, 4), "the chain ends with a link")
                .label("leads to no step")
                .help("add the step that it leads to, or remove it"),
        );
    }
    let steps = chain.items.iter().filter(|item| matches!(item, ChainItem::Step(_))).count();
    if let Some(diagnostic) = length(chain, steps) {
        found.push(diagnostic);
    }
    let right = found.is_empty();
    for diagnostic in found {
        scope.report(diagnostic);
    }
    right
}

fn unlinked(earlier: &Step, step: &Step) -> Diagnostic {
    Diagnostic::new(Code::ChainShape, step.name.span, format!("no link leads to step `{}`", step.name.node))
        .label("follows a step directly")
        .also(earlier.name.span, "the step before it")
        .help("write `then within GAP on FIELD` between the two")
}

fn length(chain: &Chain, steps: usize) -> Option<Diagnostic> {
    let at = keyword(chain.span, 5);
    match steps {
        0 => Some(
            Diagnostic::new(Code::ChainLength, at, "the chain has no steps")
                .label("matches nothing")
                .help("add one: `step NAME from SOURCE where …`"),
        ),
        steps if steps > MOST_STEPS => Some(
            Diagnostic::new(Code::ChainLength, at, format!("the chain has {steps} steps"))
                .label(format!("the most are {MOST_STEPS}"))
                .help("split it into several rules"),
        ),
        _ => None,
    }
}

/// The keyword that a clause begins with.
fn keyword(span: Span, length: u32) -> Span {
    Span { end: span.start.saturating_add(length).min(span.end), ..span }
}

fn lower_step(scope: &mut Scope<'_, '_>, index: usize, step: &Step) -> Option<ir::Step> {
    let filter = predicates::lower(scope, index, &step.filter);
    let excepts: Vec<_> = step.excepts.iter().map(|except| predicates::lower(scope, index, except)).collect();
    let excepts: Option<Vec<_>> = excepts.into_iter().collect();
    scope.source(index)?;
    let (filter, excepts) = (filter?, excepts?);
    let lists = scope.used_lists.iter().filter_map(|list| scope.lists.get(*list)?.list.as_ref()).collect();
    Logic::new(scope.source(index), lists).step(step.name.span, &filter, &excepts, scope.diags);
    Some(ir::Step { name: step.name.clone(), source: step.source.clone(), filter, excepts, span: step.span })
}

/// A link after step `index`; its keys, then those of the scope that it does not name itself.
fn link(
    scope: &mut Scope<'_, '_>,
    index: usize,
    then: &Then,
    scoped: &[Spanned<String>],
) -> Option<ir::Link> {
    let gap = windows::window(scope, &then.gap);
    // Without neighbours there is nothing to join; the shape has been reported.
    if index >= scope.steps.len() || index + 1 >= scope.steps.len() {
        return None;
    }
    let keys = links::keys(scope, index, then);
    let mut keys = keys?;
    for field in scoped {
        if keys.iter().any(|key| key.left.name == field.node && key.right.name == field.node) {
            continue;
        }
        let ty = scope.source(index)?.field(&field.node)?.ty;
        let field = ir::Field { name: field.node.clone(), ty, span: field.span };
        keys.push(ir::Key { left: field.clone(), right: field, from_scope: true });
    }
    links::refuse_identity(scope, index, &keys);
    links::lint(scope, index, then, &keys);
    // A key that is named twice has been warned of; no query need ask for it twice.
    let mut seen = HashSet::new();
    keys.retain(|key| seen.insert((key.left.name.clone(), key.right.name.clone())));
    // Marked after the lints, which look at what the link itself names: a field may be both, and a target that joins the
    // links by the scope alone must find it there.
    for key in &mut keys {
        key.from_scope =
            key.left.name == key.right.name && scoped.iter().any(|field| field.node == key.left.name);
    }
    Some(ir::Link { gap: gap?, keys, span: then.span })
}

/// The names of the step before and after link `index`.
pub(super) fn neighbours<'a>(
    scope: &Scope<'a, '_>,
    index: usize,
) -> Option<(names::StepRef<'a>, names::StepRef<'a>)> {
    Some((*scope.steps.get(index)?, *scope.steps.get(index + 1)?))
}
