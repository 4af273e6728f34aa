//! The chain: steps and links in turn, each lowered.
//!
//! In: the `chain` clause. Out: [`ir::Chain`] if all of it is right.
//! Must not know: metadata, alerts, tests.

use std::collections::HashSet;

use crate::diag::{Code, Diagnostic};
use crate::ir;
use crate::source::{Span, Spanned};
use crate::syntax::ast::{Chain, ChainItem, Step, Then};

use super::names::Names;
use super::sink::Sink;
use super::{MOST_STEPS, links, predicates, windows};

/// The parts of a chain, each lowered as far as it is right.
#[derive(Debug)]
pub(super) struct Parts<'a> {
    pub(super) steps: Vec<StepParts<'a>>,
    pub(super) links: Vec<LinkParts<'a>>,
    scope: Vec<Spanned<String>>,
    total: Total,
    shape_is_right: bool,
}

/// The window from the first to the last step.
#[derive(Debug)]
enum Total {
    /// Not written: the gaps add up to it.
    Sum,
    /// As written; nothing if it is wrong.
    Written(Option<ir::Window>),
}

/// A step; what is missing has been reported.
#[derive(Debug)]
pub(super) struct StepParts<'a> {
    pub(super) written: &'a Step,
    pub(super) filter: Option<ir::Pred>,
    pub(super) excepts: Vec<Option<ir::Pred>>,
}

/// A link after step `index`; what is missing has been reported.
#[derive(Debug)]
pub(super) struct LinkParts<'a> {
    pub(super) written: &'a Then,
    pub(super) index: usize,
    gap: Option<ir::Window>,
    /// As written, then those of the scope; a key may be there twice.
    pub(super) keys: Option<Vec<ir::Key>>,
}

/// Lowers the parts of a chain; every problem in them is reported.
pub(super) fn lower<'a>(names: &Names<'_>, sink: &mut Sink, chain: &'a Chain) -> Parts<'a> {
    let shape_is_right = shape(sink, chain);
    let (steps, thens) = parts(chain);
    let step = |(index, step): (usize, &'a Step)| lower_step(names, sink, index, step);
    let steps = steps.into_iter().enumerate().map(step).collect();
    let scope = links::scope(names, sink, chain);
    let link = |(index, then): (usize, &'a Then)| lower_link(names, sink, index, then, &scope);
    let links = thens.into_iter().map(link).collect();
    let total = match &chain.within {
        Some(total) => Total::Written(windows::window(names, sink, total)),
        None => Total::Sum,
    };
    Parts { steps, links, scope, total, shape_is_right }
}

fn lower_step<'a>(names: &Names<'_>, sink: &mut Sink, index: usize, step: &'a Step) -> StepParts<'a> {
    let filter = predicates::lower(names, sink, index, &step.filter);
    let excepts = step.excepts.iter().map(|except| predicates::lower(names, sink, index, except)).collect();
    StepParts { written: step, filter, excepts }
}

fn lower_link<'a>(
    names: &Names<'_>,
    sink: &mut Sink,
    index: usize,
    then: &'a Then,
    scope: &[Spanned<String>],
) -> LinkParts<'a> {
    let gap = windows::window(names, sink, &then.gap);
    // Without neighbours there is nothing to join; the shape has been reported.
    let keys = names.neighbours(index).and_then(|_| lower_keys(names, sink, index, then, scope));
    LinkParts { written: then, index, gap, keys }
}

/// The keys of a link, then those of the scope that it does not name itself.
fn lower_keys(
    names: &Names<'_>,
    sink: &mut Sink,
    index: usize,
    then: &Then,
    scope: &[Spanned<String>],
) -> Option<Vec<ir::Key>> {
    let mut keys = links::keys(names, sink, index, then)?;
    for field in scope {
        // Both sides must be the field: `on a.cloud.account.id == b.actor.account.id` says nothing of how the two
        // `cloud.account.id` compare.
        if keys.iter().any(|key| key.left.name == field.node && key.right.name == field.node) {
            continue;
        }
        let ty = names.source(index)?.field(&field.node)?.ty;
        let field = ir::Field { name: field.node.clone(), ty, span: field.span };
        keys.push(ir::Key { left: field.clone(), right: field, from_scope: true });
    }
    // After the scope was added: `scope event.id` joins an event to itself as surely as `on event.id` does.
    links::refuse_identity(names, sink, index, &keys);
    Some(keys)
}

impl Parts<'_> {
    /// The chain, if all of it is right.
    pub(super) fn whole(self, chain: Span) -> Option<ir::Chain> {
        let steps: Option<Vec<_>> = self.steps.into_iter().map(StepParts::whole).collect();
        let links: Option<Vec<_>> = self.links.into_iter().map(|link| link.whole(&self.scope)).collect();
        // Link `i` of the IR joins step `i` to the next: a missing link would shift all that follow, so parts that are
        // right do not make a chain where the shape is wrong.
        if !self.shape_is_right {
            return None;
        }
        let (steps, links) = (steps?, links?);
        let (total, total_is_explicit) = match self.total {
            Total::Written(total) => (total?, true),
            Total::Sum => (sum(&links, chain), false),
        };
        Some(ir::Chain { total, total_is_explicit, scope: self.scope, steps, links })
    }
}

impl StepParts<'_> {
    fn whole(self) -> Option<ir::Step> {
        let Step { name, source, filter: _, excepts: _, span } = self.written;
        let (name, source) = (name.clone(), source.clone());
        let excepts = self.excepts.into_iter().collect::<Option<_>>()?;
        Some(ir::Step { name, source, filter: self.filter?, excepts, span: *span })
    }
}

impl LinkParts<'_> {
    fn whole(self, scope: &[Spanned<String>]) -> Option<ir::Link> {
        let mut keys = self.keys?;
        // A key that is named twice has been warned of; no query need ask for it twice.
        let mut seen = HashSet::new();
        keys.retain(|key| seen.insert((key.left.name.clone(), key.right.name.clone())));
        // Marked after the lints, which look at what the link itself names: a field may be both, and a target that
        // joins the links by the scope alone must find it there.
        for key in &mut keys {
            key.from_scope =
                key.left.name == key.right.name && scope.iter().any(|field| field.node == key.left.name);
        }
        Some(ir::Link { gap: self.gap?, keys, span: self.written.span })
    }
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
            // No step has this number, so the link has no neighbours and its keys are not judged.
            ChainItem::Then(then) if steps.is_empty() => thens.push((usize::MAX, then)),
            ChainItem::Then(then) => thens.push((steps.len() - 1, then)),
        }
    }
    (steps, thens)
}

/// Steps and links take turns, a step first and last.
fn shape(sink: &mut Sink, chain: &Chain) -> bool {
    let mut found = Vec::new();
    let mut before: Option<&ChainItem> = None;
    for item in &chain.items {
        match (before, item) {
            (Some(ChainItem::Step(earlier)), ChainItem::Step(step)) => found.push(unlinked(earlier, step)),
            (Some(ChainItem::Then(_)), ChainItem::Then(then)) => found.push(
                Diagnostic::new(Code::ChainShape, keyword(then.span, 4), "two consecutive links")
                    .label("no step between them")
                    .help("add a step between them, or combine the keys in one link: `on a, b`"),
            ),
            (None, ChainItem::Then(then)) => found.push(
                Diagnostic::new(Code::ChainShape, keyword(then.span, 4), "the chain starts with a link")
                    .label("no step before it")
                    .help("start with a step"),
            ),
            (Some(ChainItem::Step(_)), ChainItem::Then(_))
            | (Some(ChainItem::Then(_)) | None, ChainItem::Step(_)) => {}
        }
        before = Some(item);
    }
    if let Some(ChainItem::Then(then)) = before {
        found.push(
            Diagnostic::new(Code::ChainShape, keyword(then.span, 4), "the chain ends with a link")
                .label("no step after it")
                .help("add the next step, or remove the link"),
        );
    }
    let steps = chain.items.iter().filter(|item| matches!(item, ChainItem::Step(_))).count();
    if let Some(diagnostic) = length(chain, steps) {
        found.push(diagnostic);
    }
    let right = found.is_empty();
    for diagnostic in found {
        sink.report(diagnostic);
    }
    right
}

fn unlinked(earlier: &Step, step: &Step) -> Diagnostic {
    Diagnostic::new(
        Code::ChainShape,
        step.name.span,
        format!("step `{}` is not linked to the step before it", step.name.node),
    )
    .label("no link before this step")
    .also(earlier.name.span, "the step before it")
    .help("add `then within GAP on FIELD` between them")
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
                .label(format!("at most {MOST_STEPS}"))
                .help("split it into several rules"),
        ),
        _ => None,
    }
}

/// The keyword that a clause begins with.
fn keyword(span: Span, length: u32) -> Span {
    Span { end: span.start.saturating_add(length).min(span.end), ..span }
}
