//! The alert: entities, fields to show, de-duplication, and the columns that come of them.
//!
//! In: the `alert` clause. Out: [`ir::Alert`].
//! Must not know: predicates.

use std::collections::BTreeMap;

use crate::diag::{Code, Diagnostic};
use crate::ir::{self, EntityKind, Type};
use crate::source::Span;
use crate::syntax::ast::{Alert, Dedupe, Entity, Name};

use super::names::{self, Names};
use super::naming;
use super::resolutions::Meaning;
use super::sink::Sink;
use super::{values, windows};

/// Lowers the alert; a rule without one alerts all the same, with nothing to show.
pub(super) fn lower(names: &Names<'_>, sink: &mut Sink, alert: Option<&Alert>) -> Option<ir::Alert> {
    let Some(alert) = alert else {
        return Some(ir::Alert { entities: Vec::new(), show: Vec::new(), dedupe: None });
    };
    // Each part is looked at to its end before the first `?`: a lazy collection into an `Option` stops at the first
    // part that is wrong, and the author would meet the faults one run at a time.
    let entities: Vec<_> = alert.entities.iter().map(|item| entity(names, sink, item)).collect();
    let show: Vec<_> = alert.show.iter().map(|name| names::step_field(names, sink, name)).collect();
    let dedupes: Vec<_> = alert.dedupe.iter().map(|item| dedupe(names, sink, item)).collect();
    if let [first, second, ..] = alert.dedupe.as_slice() {
        let found = Diagnostic::new(Code::RepeatedClause, second.span, "a second `dedupe`")
            .label("again here")
            .also(first.span, "first here")
            .help("combine them: `dedupe D by a, b`");
        sink.report(found);
        return None;
    }
    let entities: Option<Vec<_>> = entities.into_iter().collect();
    let show: Option<Vec<_>> = show.into_iter().collect();
    let dedupe = match dedupes.into_iter().next() {
        Some(dedupe) => Some(dedupe?),
        None => None,
    };
    Some(ir::Alert { entities: entities?, show: show?, dedupe })
}

fn entity(names: &Names<'_>, sink: &mut Sink, item: &Entity) -> Option<ir::Entity> {
    let kind = EntityKind::ALL.into_iter().find(|kind| kind.name() == item.kind.node);
    if let Some(kind) = kind {
        sink.resolve(item.kind.span, Meaning::Word { of: "entity", word: kind.name() });
    } else {
        let known = EntityKind::ALL.map(EntityKind::name);
        let found = Diagnostic::new(
            Code::UnknownWord,
            item.kind.span,
            format!("unknown entity kind `{}`", item.kind.node),
        )
        .label("unknown entity kind")
        .suggest(&item.kind.node, known.iter().copied())
        .help(format!("the kinds are {}", naming::ticked(&known)));
        sink.report(found);
    }
    // An unknown kind is not returned yet: the field may be wrong for reasons of its own.
    let field = single(names, sink, &item.field)?;
    let kind = kind?;
    let fits = match kind {
        EntityKind::Ip => field.field.ty == Type::Ip,
        EntityKind::Host => matches!(field.field.ty, Type::String | Type::Ip),
        EntityKind::Account | EntityKind::Resource | EntityKind::Url => field.field.ty == Type::String,
    };
    if !fits {
        let title = format!("`{}` is {}", item.field.node, values::words(field.field.ty));
        let wanted = if kind == EntityKind::Ip { "an address" } else { "a string" };
        let found = Diagnostic::new(Code::WrongType, item.field.span, title)
            .label(format!("an entity `{}` is {wanted}", item.kind.node));
        sink.report(found);
        return None;
    }
    Some(ir::Entity { kind, field })
}

/// A field with one value: who an alert is about, or what makes alerts the same.
fn single(names: &Names<'_>, sink: &mut Sink, name: &Name) -> Option<ir::StepField> {
    let found = names::step_field(names, sink, name)?;
    names::is_single(names, sink, *names.steps.get(found.step)?, &found.field).then_some(found)
}

fn dedupe(names: &Names<'_>, sink: &mut Sink, item: &Dedupe) -> Option<ir::Dedupe> {
    let window = windows::window(names, sink, &item.window);
    let by: Vec<_> = item.by.iter().map(|name| single(names, sink, name)).collect();
    let by: Option<Vec<_>> = by.into_iter().collect();
    Some(ir::Dedupe { window: window?, by: by? })
}

/// Refuses fields whose columns `<step>_<field>` would have one name.
pub(super) fn columns(names: &Names<'_>, sink: &mut Sink, chain: &ir::Chain, alert: &ir::Alert) {
    let mut taken = Taken::new();
    for step in &chain.steps {
        refuse_own(sink, &step.name);
        claim(sink, &mut taken, Shown { step: &step.name.node, field: None }, step.name.span);
    }
    let keys = chain.links.iter().enumerate().flat_map(|(index, link)| {
        link.keys.iter().flat_map(move |key| [(index, &key.left), (index + 1, &key.right)])
    });
    let by = alert.dedupe.iter().flat_map(|dedupe| &dedupe.by);
    let shown = alert.entities.iter().map(|entity| &entity.field).chain(&alert.show).chain(by);
    for (index, field) in keys.chain(shown.map(|shown| (shown.step, &shown.field))) {
        if let Some(step) = chain.steps.get(index) {
            claim(sink, &mut taken, Shown { step: &step.name.node, field: Some(&field.name) }, field.span);
        }
    }
    // Queries return the id of every step's event whether or not the rule shows it, so another field must not have its
    // column.
    for (index, step) in chain.steps.iter().enumerate() {
        if let Some(id) = names.source(index).and_then(|source| source.event_id()) {
            claim(sink, &mut taken, Shown { step: &step.name.node, field: Some(id) }, step.name.span);
        }
    }
}

/// Queries keep the columns that begin with `chain_` to themselves.
fn refuse_own(sink: &mut Sink, step: &Name) {
    if step.node == "chain" || step.node.starts_with("chain_") {
        let title = format!("the columns of step `{}` would clash with the query's own", step.node);
        let found = Diagnostic::new(Code::ColumnClash, step.span, title)
            .label("`chain_…` columns are reserved for the query")
            .help("rename the step");
        sink.report(found);
    }
}

/// What a column shows: a field of a step, or (`None`) its time.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Shown<'a> {
    step: &'a str,
    field: Option<&'a str>,
}

impl Shown<'_> {
    fn column(self) -> String {
        ir::column_name(self.step, self.field.unwrap_or("time"))
    }

    fn in_words(self) -> String {
        match self.field {
            Some(field) => format!("`{}.{field}`", self.step),
            None => format!("the time of step `{}`", self.step),
        }
    }
}

type Taken<'a> = BTreeMap<String, (Shown<'a>, Span)>;

fn claim<'a>(sink: &mut Sink, taken: &mut Taken<'a>, what: Shown<'a>, span: Span) {
    let column = what.column();
    match taken.get(&column) {
        Some((other, first)) if *other != what => {
            let title = format!("two fields map to the same column `{column}`");
            let found = Diagnostic::new(Code::ColumnClash, span, title)
                .label(what.in_words())
                .also(*first, other.in_words())
                .help("rename one of the steps");
            sink.report(found);
        }
        // A link, the alert and `dedupe` may all name one field of one step: that is one column, not a clash.
        Some(_) => {}
        None => {
            taken.insert(column, (what, span));
        }
    }
}
