//! Steps in any order: what they share, and where they may stand.
//!
//! In: `together within W on FIELD, … { … }`. Out: [`ir::Together`].
//! Must not know: conditions of steps, windows.

use crate::diag::{Code, Diagnostic};
use crate::ir;
use crate::source::Spanned;
use crate::syntax::ast::{Chain, ChainItem, Name, Together};

use super::names::{self, Names};
use super::sink::Sink;
use super::{alternatives, keyword, links};

/// How many steps can come in any order: every order of them is a query of its own in some targets.
const STEPS: std::ops::RangeInclusive<usize> = 2..=4;

/// Whether `together` stands alone, with as many steps as it can have.
pub(super) fn shape(sink: &mut Sink, chain: &Chain) -> bool {
    let mark = sink.diags.len();
    let mut first = None;
    for item in &chain.items {
        match item {
            ChainItem::Together(together) if first.is_none() => first = Some(together),
            ChainItem::Together(Together { span, .. }) => refuse(sink, keyword(*span, 8)),
            ChainItem::Step(step) => refuse(sink, step.name.span),
            ChainItem::Then(then) => refuse(sink, keyword(then.span, 4)),
        }
    }
    if let Some(within) = &chain.within {
        let found = Diagnostic::new(
            Code::TogetherShape,
            within.span,
            "a chain of steps in any order has no window of its own",
        )
        .label("`together within` is the window")
        .help("remove this one");
        sink.report(found);
    }
    if let Some(together) = first.filter(|together| !STEPS.contains(&together.steps.len())) {
        let (least, most) = (STEPS.start(), STEPS.end());
        let title = format!("`together` takes {least} to {most} steps");
        let found = Diagnostic::new(Code::TogetherShape, keyword(together.span, 8), title)
            .label(format!("it has {}", together.steps.len()));
        sink.report(found.help(if together.steps.len() < *least {
            "a single step needs no `together`"
        } else {
            "put the steps that have an order into a chain, or split the rule"
        }));
    }
    sink.diags.len() == mark
}

fn refuse(sink: &mut Sink, span: crate::source::Span) {
    let title = "steps in any order are the whole chain";
    let found = Diagnostic::new(Code::TogetherShape, span, title)
        .label("stands beside `together`")
        .help("put all steps into `together { … }`, or write a chain of `step` and `then`");
    sink.report(found);
}

/// The fields that all steps share, then those of the scope.
pub(super) fn lower(
    names: &Names<'_>,
    sink: &mut Sink,
    written: &Together,
    scope: &[Spanned<String>],
) -> Option<ir::Together> {
    let mut keys: Vec<ir::GroupField> = Vec::new();
    let mut right = true;
    for link in &written.links {
        if link.right.is_some() || link.left.any.is_some() {
            let found = Diagnostic::new(
                Code::TogetherShape,
                link.span,
                "steps in any order share fields of one name",
            )
            .label("a pair")
            .help("name a field that every step has: `on FIELD`; `as { FIELD: OTHER }` renames one");
            sink.report(found);
            right = false;
        } else if let Some(field) = shared(names, sink, &link.left.name) {
            keys.push(group_field(names, field));
        } else {
            right = false;
        }
    }
    let of_scope = |name: &Name| {
        let ty = names.source(0)?.field(&name.node)?.ty;
        Some(group_field(names, ir::Field { name: name.node.clone(), ty, span: name.span }))
    };
    for name in scope {
        if !keys.iter().any(|key| key.field.name == name.node) {
            keys.extend(of_scope(name));
        }
    }
    let pair = |key: &ir::GroupField| ir::Key::of(key.field.clone(), key.field.clone());
    let pairs: Vec<_> = keys.iter().map(pair).collect();
    for index in 0..names.steps.len().saturating_sub(1) {
        links::refuse_identity(names, sink, index, &pairs);
    }
    right.then_some(ir::Together { keys, span: written.span })
}

/// A key: letter case does not count in it where the source of one step says so.
fn group_field(names: &Names<'_>, field: ir::Field) -> ir::GroupField {
    let folds = names.steps.iter().any(|step| names::folds(names, *step, &field));
    ir::GroupField { field, case: ir::Case::folding(folds) }
}

/// A field that every step has.
fn shared(names: &Names<'_>, sink: &mut Sink, name: &Name) -> Option<ir::Field> {
    let fields: Vec<_> =
        names.steps.iter().map(|step| alternatives::field(names, sink, *step, name)).collect();
    let fields: Vec<ir::Field> = fields.into_iter().collect::<Option<_>>()?;
    let first = fields.first()?.clone();
    if fields.iter().all(|field| field.ty == first.ty) {
        return Some(first);
    }
    let title = format!("`{}` has different types in the steps", name.node);
    sink.report(Diagnostic::new(Code::LinkTypes, name.span, title).label("cannot be a key of all steps"));
    None
}
