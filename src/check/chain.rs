//! The chain: steps and links in turn, or steps in any order; each lowered.
//!
//! In: the `chain` clause. Out: [`ir::Chain`] if all of it is right.
//! Must not know: metadata, alerts, tests.

use std::collections::HashSet;

use crate::diag::{Code, Diagnostic};
use crate::ir;
use crate::source::{Span, Spanned};
use crate::syntax::ast::{Chain, ChainItem, Step, Then, Together};

use super::absences::{AbsenceParts, Around};
use super::names::Names;
use super::sink::Sink;
use super::step::StepParts;
use super::{MOST_STEPS, absences, keyword, links, neighbours, step, together, windows};

/// The parts of a chain, each lowered as far as it is right.
#[derive(Debug)]
pub(super) struct Parts<'a> {
    pub(super) steps: Vec<StepParts<'a>>,
    pub(super) links: Vec<LinkParts<'a>>,
    scope: Vec<Spanned<String>>,
    together: Option<(&'a Together, Option<ir::Together>)>,
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

/// A link after step `index`; what is missing has been reported.
#[derive(Debug)]
pub(super) struct LinkParts<'a> {
    pub(super) written: &'a Then,
    pub(super) index: usize,
    gap: Option<ir::Window>,
    /// As written, then those of the scope; a key may be there twice.
    pub(super) keys: Option<Vec<ir::Key>>,
    comparisons: Option<Vec<ir::Comparison>>,
    pub(super) absences: Vec<AbsenceParts<'a>>,
}

/// Lowers the parts of a chain; every problem in them is reported.
pub(super) fn lower<'a>(names: &Names<'a>, sink: &mut Sink, chain: &'a Chain) -> Parts<'a> {
    let shape_is_right = shape(sink, chain);
    let (steps, thens, together) = parts(chain);
    let scope = links::scope(names, sink, chain);
    let together = together.map(|written| (written, together::lower(names, sink, written, &scope)));
    let link = |(index, then): (usize, &'a Then)| lower_link(names, sink, index, then, &scope);
    let links: Vec<_> = thens.into_iter().map(link).collect();
    // After the links, since what a step counts by is what they join it by.
    let step = |(index, written): (usize, &'a Step)| {
        let linked = match &together {
            Some((_, together)) => together.as_ref().map(|together| together.keys.clone()),
            None => linked(&links, index),
        };
        step::lower(names, sink, index, written, linked.as_deref())
    };
    let steps = steps.into_iter().enumerate().map(step).collect();
    let total = match (&chain.within, &together) {
        (Some(total), _) => Total::Written(windows::window(names, sink, total)),
        (None, Some((written, _))) => Total::Written(windows::window(names, sink, &written.window)),
        (None, None) => Total::Sum,
    };
    Parts { steps, links, scope, together, total, shape_is_right }
}

/// The fields by which links join step `index`, each once; `None` if a link is wrong.
///
/// A field that one of them compares in whatever letter case is counted so: the other knows no more of its values.
fn linked(links: &[LinkParts<'_>], index: usize) -> Option<Vec<ir::GroupField>> {
    let mut fields: Vec<ir::GroupField> = Vec::new();
    for link in links {
        let mut add = |field: &ir::Field, case: ir::Case| match fields
            .iter_mut()
            .find(|known| known.field.name == field.name)
        {
            Some(known) if case == ir::Case::Ignore => known.case = case,
            Some(_) => {}
            None => fields.push(ir::GroupField { field: field.clone(), case }),
        };
        if link.index == index {
            link.keys.as_ref()?.iter().for_each(|key| add(&key.left, key.case));
        } else if link.index.checked_add(1) == Some(index) {
            link.keys.as_ref()?.iter().for_each(|key| add(&key.right, key.case));
        }
    }
    Some(fields)
}

fn lower_link<'a>(
    names: &Names<'a>,
    sink: &mut Sink,
    index: usize,
    then: &'a Then,
    scope: &[Spanned<String>],
) -> LinkParts<'a> {
    let gap = windows::window(names, sink, &then.gap);
    // Without neighbours there is nothing to join; the shape has been reported.
    let around = names.neighbours(index);
    let keys = around.and_then(|_| lower_keys(names, sink, index, then, scope));
    let comparisons = neighbours::lower(names, sink, index, &then.comparisons);
    let absences = around.into_iter().flat_map(|(before, after)| {
        then.unless.iter().map(move |unless| (Around::Link(before, after), unless))
    });
    let absences = absences.map(|(around, unless)| absences::unless(names, sink, around, unless)).collect();
    LinkParts { written: then, index, gap, keys, comparisons, absences }
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
        let folds = links::folds(names, index, &field, &field);
        let case = ir::Case::folding(folds);
        let any = ir::AnyOf::default();
        keys.push(ir::Key { left: field.clone(), right: field, case, folds, any, from_scope: true });
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
            Total::Sum => (sum(&steps, &links, chain), false),
        };
        let together = match self.together {
            Some((_, together)) => Some(together?),
            None => None,
        };
        Some(ir::Chain { total, total_is_explicit, scope: self.scope, steps, links, together })
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
        Some(ir::Link {
            gap: self.gap?,
            keys,
            comparisons: self.comparisons?,
            absences: self.absences.into_iter().map(AbsenceParts::whole).collect::<Option<_>>()?,
            span: self.written.span,
        })
    }
}

/// Without a total the gaps add up to it, and the time that a first step takes to repeat: its chain begins with the
/// first event of the burst.
fn sum(steps: &[ir::Step], links: &[ir::Link], chain: Span) -> ir::Window {
    let span = links.iter().map(|link| link.gap.span).reduce(Span::to).unwrap_or(keyword(chain, 5));
    let burst = steps.first().map_or(0, ir::Step::burst);
    let seconds = links.iter().fold(burst, |sum, link| sum.saturating_add(link.gap.seconds));
    ir::Window { seconds, span }
}

type Items<'a> = (Vec<&'a Step>, Vec<(usize, &'a Then)>, Option<&'a Together>);

/// The steps, the links with the index of the step before them, and what holds steps in any order.
fn parts(chain: &Chain) -> Items<'_> {
    let (mut steps, mut thens, mut together) = (Vec::new(), Vec::new(), None);
    for item in &chain.items {
        steps.extend(item.steps());
        match item {
            ChainItem::Step(_) => {}
            // No step has this number, so the link has no neighbours and its keys are not judged.
            ChainItem::Then(then) if steps.is_empty() => thens.push((usize::MAX, then)),
            ChainItem::Then(then) => thens.push((steps.len() - 1, then)),
            ChainItem::Together(found) => together = together.or(Some(found)),
        }
    }
    (steps, thens, together)
}

/// Steps and links take turns, a step first and last.
fn shape(sink: &mut Sink, chain: &Chain) -> bool {
    if chain.items.iter().any(|item| matches!(item, ChainItem::Together(_))) {
        return together::shape(sink, chain);
    }
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
            // `together` has a shape of its own, which was asked first.
            (Some(ChainItem::Step(_)), ChainItem::Then(_))
            | (Some(ChainItem::Then(_)) | None, ChainItem::Step(_))
            | (Some(ChainItem::Together(_)), _)
            | (_, ChainItem::Together(_)) => {}
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
