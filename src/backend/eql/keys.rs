//! Join keys: the physical field of each key in each item of a sequence.
//!
//! In: a run of steps joined by one key. Out: [`Keys`]. Must not know: windows, conditions, query text.

use std::ops::RangeInclusive;

use super::predicate::{self, absent_texts};
use crate::backend::print::phrase;
use crate::backend::{Effect, Job, Report, Target, columns};
use crate::catalog::Mapped;
use crate::diag::{Code, Diagnostic};
use crate::ir::{Field, Link, Step};
use crate::source::Span;

/// The keys of a sequence.
#[derive(Debug)]
pub(super) struct Keys {
    /// Each key, with its field in every step.
    columns: Vec<Column>,
}

#[derive(Debug)]
struct Column {
    cells: Vec<Cell>,
}

/// A key in one item.
#[derive(Debug, Clone)]
pub(super) struct Cell {
    /// Canonical name.
    name: String,
    /// Physical field.
    pub(super) field: String,
    /// Texts that mean "no value".
    pub(super) absent: Vec<String>,
    /// Whether it holds the values of all items of an event.
    multi: bool,
}

impl Keys {
    /// The keys of the `index`-th item.
    pub(super) fn of_item(&self, index: usize) -> Vec<&Cell> {
        self.columns.iter().filter_map(|column| column.cells.get(index)).collect()
    }

    /// The keys of the last item, which an alert at the end of the sequence shares.
    pub(super) fn of_last(&self) -> Vec<&Cell> {
        self.columns.iter().filter_map(|column| column.cells.last()).collect()
    }

    /// The fields of an item that hold several values, each with the canonical field that it stands for as a key.
    pub(super) fn joined(&self, index: usize) -> Vec<(String, String)> {
        let several = self.of_item(index).into_iter().filter(|cell| cell.multi);
        several.map(|cell| (cell.field.clone(), cell.name.clone())).collect()
    }

    /// Canonical names in the first item.
    pub(super) fn names_of_first(&self) -> Vec<&str> {
        self.of_item(0).into_iter().map(|cell| cell.name.as_str()).collect()
    }

    /// Canonical names in the last item.
    pub(super) fn names_of_last(&self) -> Vec<&str> {
        self.of_last().into_iter().map(|cell| cell.name.as_str()).collect()
    }
}

/// The keys of a run of steps. With `alert`, the run ends in the alert of a later rule on its last step, so that only
/// keys count that alerts carry.
pub(super) fn of(
    job: &Job<'_>,
    target: &dyn Target,
    steps: &RangeInclusive<usize>,
    alert: bool,
    report: &mut Report,
) -> Option<Keys> {
    let chain = &job.rule.chain;
    let links = chain.links.get(*steps.start()..*steps.end())?;
    let run = chain.steps.get(steps.clone())?;
    let mut columns = Vec::new();
    let mut dropped = Vec::new();
    for fields in rows(links) {
        let places = fields
            .iter()
            .zip(run)
            .map(|(field, step)| Located::find(job, target, step, field, report))
            .collect::<Option<Vec<_>>>()?;
        same_storage(&places, report)?;
        by_value(&places, report);
        let column = if alert { carried(&places, report) } else { Some(plain(&places)) };
        match column {
            Some(column) => columns.push(column),
            None => dropped.extend(fields.last().copied()),
        }
    }
    many_values(&columns, links, report);
    if columns.is_empty() {
        report.error(uncarried(target, &dropped, links));
        return None;
    }
    let keys = Keys { columns };
    if let Some(step) = run.last() {
        for field in dropped {
            dropped_note(job, step, field, &keys, report);
        }
    }
    Some(keys)
}

/// What it does that alerts do not carry a key. Elastic keeps one open sequence for each value of the keys that are
/// left: where several values of the dropped one share them, a later event takes the place of an earlier one, and the
/// chain of that one is lost. A key that everybody shares, by the word of the source, invites just that.
fn dropped_note(job: &Job<'_>, step: &Step, field: &Field, keys: &Keys, report: &mut Report) {
    let source = columns::source(job, step);
    let weak = |name: &str| source.and_then(|source| source.field(name)?.weak_key.as_deref());
    let kept = keys.names_of_last();
    let dropped = &field.name;
    let Some(strong) = kept.iter().find(|name| weak(name).is_none()) else {
        let message = phrase!(
            "alerts of Elastic do not carry `{dropped}`, so the parts are joined by {} alone; of several values of \
             `{dropped}` that share it, Elastic follows only the latest",
            listed(&kept)
        );
        report.note(Effect::Subset, field.span, message);
        return;
    };
    let message = phrase!("alerts of Elastic do not carry `{dropped}`, so the parts are not joined by it");
    report.note(Effect::Superset, field.span, message);
    let message =
        phrase!("a value of `{strong}` is assumed to go with one value of `{dropped}` within the window");
    report.note(Effect::Engine, field.span, message);
}

/// The fields of each key along a run of links that all join by the same key.
fn rows(links: &[Link]) -> Vec<Vec<&Field>> {
    let Some((first, others)) = links.split_first() else { return Vec::new() };
    let mut rows: Vec<_> = first.keys.iter().map(|key| vec![&key.left, &key.right]).collect();
    for link in others {
        for row in &mut rows {
            let here = row.last().map(|field| field.name.as_str()).unwrap_or_default();
            row.extend(link.keys.iter().find(|key| key.left.name == here).map(|key| &key.right));
        }
    }
    rows
}

/// A key field of one step, where it lives.
struct Located<'a> {
    field: &'a Field,
    column: &'a Mapped,
    physical: String,
    absent: Vec<String>,
}

impl<'a> Located<'a> {
    fn find(
        job: &Job<'a>,
        target: &dyn Target,
        step: &Step,
        field: &'a Field,
        report: &mut Report,
    ) -> Option<Self> {
        let place = columns::place(job, target, step, field, report)?;
        let found = match place.variants.as_slice() {
            [only] => only.field.clone().map(|physical| (only.column, physical)),
            _ => None,
        };
        let Some((column, physical)) = found else {
            let title = format!("{} cannot join by `{}`", target.title(), field.name);
            let label = "it does not live in one field for all actions that the step admits";
            let help = "narrow `event.action` in the step, or join by another field";
            report.error(Diagnostic::new(Code::NotExpressible, field.span, title).label(label).help(help));
            return None;
        };
        for inexact in columns::inexact([column]) {
            inexact.asked(false, field.span, report);
        }
        let absent = if column.multi { Vec::new() } else { absent_texts(&place, column) };
        Some(Self { field, column, physical, absent })
    }

    fn cell(&self, physical: &str) -> Cell {
        Cell {
            name: self.field.name.clone(),
            field: physical.to_owned(),
            absent: self.absent.clone(),
            multi: self.column.multi,
        }
    }

    /// The field that alerts have in place of this one, if it is another.
    fn stand_in(&self) -> Option<&str> {
        self.column.alert_field.as_deref().filter(|field| !field.is_empty())
    }
}

/// Elasticsearch joins only fields of the same type.
fn same_storage(places: &[Located<'_>], report: &mut Report) -> Option<()> {
    let mut kinds = places.iter().map(|place| predicate::kind(place.field.ty, place.column));
    let first = kinds.next()?;
    if kinds.all(|kind| kind == first) {
        return Some(());
    }
    let span = places.last().map(|place| place.field.span).unwrap_or_default();
    report.error(
        Diagnostic::new(
            Code::NotExpressible,
            span,
            "Elastic stores the two sides of this link in different types",
        )
        .label("EQL joins only fields of the same type")
        .help("join by another field"),
    );
    None
}

/// The rule joins addresses as the log writes them.
fn by_value(places: &[Located<'_>], report: &mut Report) {
    let address = places
        .iter()
        .find(|place| predicate::kind(place.field.ty, place.column) == Some(predicate::Kind::Ip));
    if let Some(Located { field, .. }) = address {
        let message = format!(
            "Elasticsearch keeps `{}` as an address, so two notations of one IPv6 address join each other",
            field.name
        );
        report.note(Effect::Superset, field.span, message);
    }
}

fn plain(places: &[Located<'_>]) -> Column {
    Column { cells: places.iter().map(|place| place.cell(&place.physical)).collect() }
}

/// The key as the alert on the last step carries it; `None` if it does not.
fn carried(places: &[Located<'_>], report: &mut Report) -> Option<Column> {
    let last = places.last()?;
    let Some(stand_in) = last.stand_in() else {
        let kept = last.column.alert_field.is_none() && !last.column.multi && on_alerts(&last.physical);
        return kept.then(|| plain(places));
    };
    let cells =
        places.iter().map(|place| place.stand_in().map(|field| place.cell(field))).collect::<Option<_>>()?;
    let message = format!(
        "alerts carry `{stand_in}` in place of `{}`, and the parts are joined by it: both are taken to name the same",
        last.field.name
    );
    report.note(Effect::Engine, last.field.span, message);
    Some(Column { cells })
}

/// Field sets of Elastic's common schema, which is what the alerts index can search; `data_stream` and `related.entity`
/// are not mapped there, nor is anything of an integration's own.
const ON_ALERTS: &[&str] = &[
    "agent",
    "client",
    "cloud",
    "container",
    "destination",
    "device",
    "dll",
    "dns",
    "email",
    "event",
    "file",
    "group",
    "host",
    "http",
    "network",
    "observer",
    "orchestrator",
    "organization",
    "package",
    "process",
    "registry",
    "rule",
    "server",
    "service",
    "source",
    "threat",
    "tls",
    "trace",
    "url",
    "user",
    "user_agent",
    "vulnerability",
];

fn on_alerts(field: &str) -> bool {
    field.split('.').next().is_some_and(|set| ON_ALERTS.contains(&set))
}

fn many_values(columns: &[Column], links: &[Link], report: &mut Report) {
    let span = links.first().map(|link| link.span).unwrap_or_default();
    for column in columns {
        let several: Vec<_> = column.cells.iter().filter(|cell| cell.multi).collect();
        let Some(first) = several.first() else { continue };
        let message =
            phrase!("`{}` holds the values of all items of a call, and any of them joins", first.field);
        report.note(Effect::Superset, span, message);
        if several.len() > 1 {
            let message = format!(
                "neighbouring steps both read `{}`, so any value they share joins them, such as the caller or the VPC",
                first.field
            );
            report.note(Effect::Superset, span, message);
        }
    }
}

fn uncarried(target: &dyn Target, dropped: &[&Field], links: &[Link]) -> Diagnostic {
    let span = links.iter().map(|link| link.span).reduce(Span::to).unwrap_or_default();
    let names: Vec<_> = dropped.iter().map(|field| phrase!("`{}`", field.name)).collect();
    Diagnostic::new(
        Code::NotExpressible,
        span,
        format!("{} cannot express a join key that changes to one that alerts do not carry", target.title()),
    )
    .label(format!("the alerts of Elastic do not carry {}", names.join(" or ")))
    .help("join these steps by a field of Elastic's common schema, such as `actor.principal_id`, or keep one key along the chain")
}

/// Names of fields for a message: each in backticks, joined by "and".
pub(super) fn listed(names: &[&str]) -> String {
    names.iter().map(|name| phrase!("`{name}`")).collect::<Vec<_>>().join(" and ")
}
