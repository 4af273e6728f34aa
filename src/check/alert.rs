//! The alert: entities, fields to show, de-duplication, and the columns that come of them.
//!
//! In: the `alert` clause. Out: [`ir::Alert`].
//! Must not know: predicates.

use std::collections::BTreeMap;

use crate::diag::{Code, Diagnostic};
use crate::ir::{self, EntityKind, Type};
use crate::source::Span;
use crate::syntax::ast::{Alert, Dedupe, Entity, Name, Rule};

use super::names::{self, Scope};
use super::{values, windows};

const KINDS: &[(&str, EntityKind)] = &[
    ("account", EntityKind::Account),
    ("ip", EntityKind::Ip),
    ("host", EntityKind::Host),
    ("resource", EntityKind::Resource),
    ("url", EntityKind::Url),
];

/// Lowers the alert; a rule without one alerts all the same, with nothing to show.
pub(super) fn lower(scope: &mut Scope<'_, '_>, rule: &Rule, alert: Option<&Alert>) -> Option<ir::Alert> {
    let Some(alert) = alert else {
        let found = Diagnostic::new(Code::NoEntity, rule.name.span, "the rule has no `alert` clause")
            .label("its alerts name nobody")
            .help(
                "add `alert { entity account STEP.FIELD }` so that the SIEM knows who and what it is about",
            );
        scope.report(found);
        return Some(ir::Alert { entities: Vec::new(), show: Vec::new(), dedupe: None });
    };
    let entities: Vec<_> = alert.entities.iter().map(|item| entity(scope, item)).collect();
    let show: Vec<_> = alert.show.iter().map(|name| names::step_field(scope, name)).collect();
    if alert.entities.is_empty() {
        let span = Span { end: alert.span.start.saturating_add(5).min(alert.span.end), ..alert.span };
        let found = Diagnostic::new(Code::NoEntity, span, "the alert has no entity")
            .label("names nobody")
            .help("add `entity account STEP.FIELD` so that the SIEM knows who and what it is about");
        scope.report(found);
    }
    twice(scope, &alert.show);
    for dedupe in &alert.dedupe {
        twice(scope, &dedupe.by);
    }
    let dedupes: Vec<_> = alert.dedupe.iter().map(|item| dedupe(scope, item)).collect();
    if let [first, second, ..] = alert.dedupe.as_slice() {
        let found = Diagnostic::new(Code::RepeatedClause, second.span, "a second `dedupe`")
            .label("again here")
            .also(first.span, "first here")
            .help("one is enough: `dedupe D by a, b`");
        scope.report(found);
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

fn entity(scope: &mut Scope<'_, '_>, item: &Entity) -> Option<ir::Entity> {
    let kind = KINDS.iter().find(|(word, _)| *word == item.kind.node).map(|(_, kind)| *kind);
    if kind.is_none() {
        let known: Vec<_> = KINDS.iter().map(|(word, _)| *word).collect();
        let found = Diagnostic::new(
            Code::UnknownWord,
            item.kind.span,
            format!("no kind of entity is `{}`", item.kind.node),
        )
        .label("unknown kind")
        .suggest(&item.kind.node, known.iter().copied())
        .help(format!("the kinds are {}", names::ticked(&known)));
        scope.report(found);
    }
    let field = names::step_field(scope, &item.field)?;
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
        scope.report(found);
        return None;
    }
    Some(ir::Entity { kind, field })
}

fn dedupe(scope: &mut Scope<'_, '_>, item: &Dedupe) -> Option<ir::Dedupe> {
    let window = windows::window(scope, &item.window);
    let by: Vec<_> = item.by.iter().map(|name| names::step_field(scope, name)).collect();
    let by: Option<Vec<_>> = by.into_iter().collect();
    Some(ir::Dedupe { window: window?, by: by? })
}

fn twice(scope: &mut Scope<'_, '_>, names: &[Name]) {
    let mut seen: BTreeMap<&str, Span> = BTreeMap::new();
    for name in names {
        if let Some(first) = seen.get(name.node.as_str()) {
            let found =
                Diagnostic::new(Code::ShownTwice, name.span, format!("`{}` is named twice", name.node))
                    .label("again here")
                    .also(*first, "first here")
                    .help("remove one of them");
            scope.report(found);
        } else {
            seen.insert(&name.node, name.span);
        }
    }
}

/// Asks for `dedupe` where one activity gives many last records.
pub(super) fn lint(scope: &mut Scope<'_, '_>, chain: &ir::Chain, alert: &ir::Alert, at: Span) {
    let Some(source) = chain.steps.len().checked_sub(1).and_then(|last| scope.source(last)) else { return };
    if alert.dedupe.is_some() || source.granularity <= 1 {
        return;
    }
    let Some(step) = chain.steps.last() else { return };
    let key = chain.links.last().and_then(|link| link.keys.first());
    let example = key.map_or("STEP.FIELD".to_owned(), |key| format!("{}.{}", step.name.node, key.right.name));
    let title = format!("every record of `{}` alerts anew", source.name);
    let found = Diagnostic::new(Code::NoDedupe, at, title)
        .label("no `dedupe`")
        .also(step.name.span, "aggregated records: one connection gives many")
        .help(format!("group them: `dedupe 24h by {example}`"));
    scope.report(found);
}

/// Refuses fields whose columns `<step>_<field>` would have one name.
pub(super) fn columns(scope: &mut Scope<'_, '_>, chain: &ir::Chain, alert: &ir::Alert) {
    let mut taken = Taken::new();
    for step in &chain.steps {
        refuse_own(scope, &step.name);
        claim(scope, &mut taken, Shown { step: &step.name.node, field: None }, step.name.span);
    }
    let keys = chain.links.iter().enumerate().flat_map(|(index, link)| {
        link.keys.iter().flat_map(move |key| [(index, &key.left), (index + 1, &key.right)])
    });
    let by = alert.dedupe.iter().flat_map(|dedupe| &dedupe.by);
    let named = alert.entities.iter().map(|entity| &entity.field).chain(&alert.show).chain(by);
    for (index, field) in keys.chain(named.map(|named| (named.step, &named.field))) {
        if let Some(step) = chain.steps.get(index) {
            claim(scope, &mut taken, Shown { step: &step.name.node, field: Some(&field.name) }, field.span);
        }
    }
    for (index, step) in chain.steps.iter().enumerate() {
        if let Some(id) = scope.source(index).and_then(|source| source.event_id.as_ref()) {
            claim(scope, &mut taken, Shown { step: &step.name.node, field: Some(id) }, step.name.span);
        }
    }
}

/// Queries keep the columns that begin with `chain_` to themselves.
fn refuse_own(scope: &mut Scope<'_, '_>, step: &Name) {
    if step.node == "chain" || step.node.starts_with("chain_") {
        let title = format!("step `{}` would share columns with the query itself", step.node);
        let found = Diagnostic::new(Code::ColumnClash, step.span, title)
            .label("columns `chain_…` are the query's own")
            .help("rename the step");
        scope.report(found);
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

fn claim<'a>(scope: &mut Scope<'_, '_>, taken: &mut Taken<'a>, what: Shown<'a>, span: Span) {
    let column = what.column();
    match taken.get(&column) {
        Some((other, first)) if *other != what => {
            let title = format!("two fields would share the column `{column}`");
            let found = Diagnostic::new(Code::ColumnClash, span, title)
                .label(what.in_words())
                .also(*first, other.in_words())
                .help("rename a step, so that the columns differ");
            scope.report(found);
        }
        Some(_) => {}
        None => {
            taken.insert(column, (what, span));
        }
    }
}
