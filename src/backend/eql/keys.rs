//! Join keys: the physical field of each key in each item of a sequence.
//!
//! In: a run of steps joined by one key. Out: [`Keys`]. Must not know: windows, conditions, query text.

use std::ops::RangeInclusive;

use super::Eql;
use super::column::{Column, Kind, OnAlerts};
use super::literal::Frag;
use crate::backend::bind::{Bound, BoundField, BoundLink, BoundSelection, BoundStep};
use crate::backend::print::phrase;
use crate::backend::schema::Dialect as _;
use crate::backend::truth::unique;
use crate::backend::{Effect, Report};
use crate::diag::{Code, Diagnostic};
use crate::ir::{Field, Repetition};
use crate::source::Span;

/// The keys of a sequence.
#[derive(Debug, Default)]
pub(super) struct Keys<'a> {
    /// Each key, with its field in every step.
    rows: Vec<Vec<Cell<'a>>>,
}

/// A key in one item.
#[derive(Debug, Clone)]
pub(super) struct Cell<'a> {
    /// Canonical name.
    pub(super) name: &'a str,
    /// Physical field.
    pub(super) field: Frag,
    /// Texts that mean "no value".
    pub(super) absent: Vec<&'a str>,
    column: &'a Column,
    span: Span,
}

impl<'a> Keys<'a> {
    /// The keys of the `index`-th item.
    pub(super) fn of_item(&self, index: usize) -> Vec<Cell<'a>> {
        self.rows.iter().filter_map(|row| row.get(index).cloned()).collect()
    }

    /// The keys of the last item, which an alert at the end of the sequence shares.
    pub(super) fn of_last(&self) -> Vec<Cell<'a>> {
        self.rows.iter().filter_map(|row| row.last().cloned()).collect()
    }
}

impl Cell<'_> {
    /// Whether Elastic joins the two: of one type, with one value each.
    pub(super) fn is_like(&self, other: &Self) -> bool {
        self.column.kind == other.column.kind && !self.column.multi && !other.column.multi
    }
}

/// The keys of a run of steps. With `alert`, the run ends in the alert of a later rule on its last step, so that only
/// keys count that alerts carry.
pub(super) fn of<'a>(
    bound: &Bound<'a, Eql>,
    steps: &RangeInclusive<usize>,
    alert: bool,
    report: &mut Report,
) -> Option<Keys<'a>> {
    let links = bound.links.get(*steps.start()..*steps.end())?;
    let run = bound.steps.get(steps.clone())?;
    let (mut keys, mut dropped) = (Keys::default(), Vec::new());
    let burst = run.first().and_then(|step| step.repetition).filter(|_| links.is_empty());
    let alone = burst.into_iter().flat_map(Repetition::by_fields).map(|field| vec![field]);
    for fields in rows(links).into_iter().chain(alone) {
        let cells = fields.iter().zip(run).map(|(field, step)| cell(step, field, report));
        let row: Vec<_> = cells.collect::<Option<_>>()?;
        check_row(&row, report)?;
        match if alert { carried(&row, report) } else { Some(row) } {
            Some(row) => keys.rows.push(row),
            None => dropped.extend(fields.last().copied()),
        }
    }
    note_many_values(&keys, links, report);
    // Without any key of its own a sequence would join the events of everybody.
    let is_weak = |field: &Field| run.iter().any(|step| is_weak(step, &field.name));
    let is_loose = |link: &&BoundLink<'_, Eql>| {
        link.folded.contains(&true) && exact(link).all(|(_, right)| is_weak(right))
    };
    if let Some(link) = links.iter().find(is_loose) {
        report.error(refused(
            link.span,
            format!("{} cannot express a link whose only keys of one party ignore letter case", Eql::TITLE),
            "a sequence compares its keys exactly, and the others are shared by many",
            "add a key that is written in one way and belongs to one party, or compile for another target",
        ));
        return None;
    }
    if keys.rows.is_empty() && !links.is_empty() {
        report.error(uncarried(&dropped, links));
        return None;
    }
    for field in dropped {
        run.iter().last().into_iter().for_each(|step| note_dropped(step, field, &keys, report));
    }
    Some(keys)
}

/// The fields of each key along a run of links that all join by the same key. A field that a link compares with two
/// fields of the next step is two keys from there on, and both have it before.
fn rows<'a>(links: &[BoundLink<'a, Eql>]) -> Vec<Vec<&'a Field>> {
    let Some((first, others)) = links.split_first() else { return Vec::new() };
    let mut rows: Vec<_> = exact(first).map(|(left, right)| vec![*left, *right]).collect();
    for link in others {
        let onward = |row: Vec<&'a Field>| {
            let here = row.last().map(|field| field.name.as_str());
            let keys = exact(link).filter(move |(left, _)| Some(left.name.as_str()) == here);
            keys.map(move |(_, right)| [row.as_slice(), &[*right]].concat())
        };
        rows = rows.into_iter().flat_map(onward).collect();
    }
    rows
}

/// The keys that a sequence can compare: a key that ignores letter case is left out, and the gate says so.
fn exact<'l, 'a>(link: &'l BoundLink<'a, Eql>) -> impl Iterator<Item = &'l (&'a Field, &'a Field)> {
    link.keys.iter().zip(&link.folded).filter(|(_, folded)| !**folded).map(|(key, _)| key)
}

fn cell<'a>(step: &BoundStep<'a, Eql>, field: &'a Field, report: &mut Report) -> Option<Cell<'a>> {
    let cells: Vec<_> = step.selections().map(|one| cell_of(one, field, report)).collect();
    merged(cells.into_iter().collect::<Option<_>>()?, report)
}

/// The key of an item that is one of several alternatives: it must have one name.
pub(super) fn merged<'a>(cells: Vec<Cell<'a>>, report: &mut Report) -> Option<Cell<'a>> {
    let mut cells = cells.into_iter();
    let mut first = cells.next()?;
    for other in cells {
        if other.field != first.field || other.column.kind != first.column.kind {
            let (one, two) = (first.field.text(), other.field.text());
            report.error(refused(
                first.span,
                format!("{} cannot join alternatives by different fields", Eql::TITLE),
                format!("Elastic has `{}` as {one} in one alternative, as {two} in another", first.name),
                "write a rule for each alternative, or join by a field that both have under one name",
            ));
            return None;
        }
        if other.column.multi {
            first.column = other.column;
        }
        first.absent = unique([first.absent, other.absent].concat());
    }
    Some(first)
}

/// The key of one selection.
pub(super) fn cell_of<'a>(
    selection: &BoundSelection<'a, Eql>,
    field: &'a Field,
    report: &mut Report,
) -> Option<Cell<'a>> {
    let key = selection.keys.iter().find(|key| key.name == field.name)?;
    let Some(way) = BoundField::only(key) else {
        report.error(refused(
            field.span,
            format!("{} cannot join by `{}`", Eql::TITLE, field.name),
            "its column depends on the action, and the step admits several actions",
            "narrow `event.action` in the step, or join by another field",
        ));
        return None;
    };
    if !way.column.cases.is_empty() {
        report.error(refused(
            field.span,
            format!("{} cannot join by `{}`", Eql::TITLE, field.name),
            "Elastic has it as other fields from which it follows",
            "join by another field",
        ));
        return None;
    }
    let absent = way.column.absent(way.placeholders);
    Some(Cell {
        name: key.name,
        field: way.column.name.clone(),
        absent,
        column: way.column,
        span: field.span,
    })
}

fn refused(span: Span, title: impl Into<String>, label: impl Into<String>, help: &str) -> Diagnostic {
    Diagnostic::new(Code::NotExpressible, span, title).label(label).help(help)
}

/// Elasticsearch joins only fields of the same type; and addresses by their value, where the rule joins them as the log
/// writes them.
fn check_row(row: &[Cell<'_>], report: &mut Report) -> Option<()> {
    let (first, last) = (row.first()?, row.last()?);
    if row.iter().any(|cell| cell.column.kind != first.column.kind) {
        let title = "Elastic stores the two sides of this link in different types";
        let label = "EQL joins only fields of the same type";
        report.error(refused(last.span, title, label, "join by another field"));
        return None;
    }
    if first.column.kind == Kind::Ip {
        let message = format!(
            "Elasticsearch keeps `{}` as an address, so two spellings of one IPv6 address join each other",
            first.name
        );
        report.note(Effect::Superset, first.span, message);
    }
    Some(())
}

/// The key as the alert on the last step carries it; `None` if it does not.
fn carried<'a>(row: &[Cell<'a>], report: &mut Report) -> Option<Vec<Cell<'a>>> {
    let last = row.last()?;
    let field = match &last.column.on_alerts {
        OnAlerts::Same => return Some(row.to_vec()),
        OnAlerts::Nothing => return None,
        OnAlerts::Other(field) => field,
    };
    // In every item, not in the alert alone: a key has one value along the sequence, and the other field has values of
    // its own, such as the principal id (`user.id`) where the rule says the ARN.
    let replaced = |cell: &Cell<'a>| match &cell.column.on_alerts {
        OnAlerts::Other(field) => Some(Cell { field: field.clone(), ..cell.clone() }),
        OnAlerts::Same | OnAlerts::Nothing => None,
    };
    let row = row.iter().map(replaced).collect::<Option<_>>()?;
    let message = format!(
        "alerts carry `{}` in place of `{}`, and the parts are joined by it: both are assumed to name the same",
        field.text(),
        last.name
    );
    report.note(Effect::Engine, last.span, message);
    Some(row)
}

/// Whether a key is one that many share, by the word of the source.
fn is_weak(step: &BoundStep<'_, Eql>, name: &str) -> bool {
    step.main.source.field(name).is_some_and(|field| field.weak_key.is_some())
}

/// What it does that alerts do not carry a key. Elastic keeps one open sequence for each value of the keys that are
/// left: where several values of the dropped one share them, a later event takes the place of an earlier one, and the
/// chain of that one is lost. A key that everybody shares, by the word of the source, invites just that.
fn note_dropped(step: &BoundStep<'_, Eql>, field: &Field, keys: &Keys<'_>, report: &mut Report) {
    let (kept, dropped) = (keys.of_last(), &field.name);
    let Some(strong) = kept.iter().find(|cell| !is_weak(step, cell.name)) else {
        let message = phrase!(
            "alerts of Elastic do not carry `{dropped}`, so the parts are joined by {} alone; of several values of \
             `{dropped}` that share it, Elastic follows only the latest",
            listed(&kept)
        );
        report.note(Effect::Subset, field.span, message);
        return;
    };
    let physical = step.main.keys.iter().find(|key| key.name == dropped).and_then(BoundField::only);
    let physical = physical.map_or("", |way| way.column.name.text());
    // The physical name first: Elastic's own field may be called like the canonical one of another.
    let message =
        phrase!("alerts of Elastic do not carry {physical} (`{dropped}`), so the parts are not joined by it");
    report.note(Effect::Superset, field.span, message);
    let strong = strong.name;
    let message =
        phrase!("a value of `{strong}` is assumed to go with one value of `{dropped}` within the window");
    report.note(Effect::Engine, field.span, message);
}

fn note_many_values(keys: &Keys<'_>, links: &[BoundLink<'_, Eql>], report: &mut Report) {
    let span = links.first().map(|link| link.span).unwrap_or_default();
    for row in &keys.rows {
        let several: Vec<_> = row.iter().filter(|cell| cell.column.multi).collect();
        let Some(first) = several.first() else { continue };
        let field = first.field.text();
        let message = phrase!("`{field}` holds the values of all items of a call, and any of them joins");
        report.note(Effect::Superset, span, message);
        if several.len() > 1 {
            let message = phrase!(
                "neighbouring steps both read `{field}`, so any value they share joins them, such as the caller or the VPC"
            );
            report.note(Effect::Superset, span, message);
        }
    }
}

fn uncarried(dropped: &[&Field], links: &[BoundLink<'_, Eql>]) -> Diagnostic {
    let names: Vec<_> = dropped.iter().map(|field| phrase!("`{}`", field.name)).collect();
    refused(
        links.iter().map(|link| link.span).reduce(Span::to).unwrap_or_default(),
        format!("{} cannot express a join key that changes to one that alerts do not carry", Eql::TITLE),
        format!("the alerts of Elastic do not carry {}", names.join(" or ")),
        "join these steps by a field of Elastic's common schema, such as `actor.principal_id`, or keep one key along \
         the chain",
    )
}

/// Names of keys for a message: each in backticks, joined by "and".
pub(super) fn listed(keys: &[Cell<'_>]) -> String {
    keys.iter().map(|cell| phrase!("`{}`", cell.name)).collect::<Vec<_>>().join(" and ")
}
