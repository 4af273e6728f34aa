//! The source of an event of EQL, and what of its condition the source says by itself.
//!
//! In: the category and the condition of an event. Out: a source, and the condition that is left. Must not know: how
//! conditions are written. What Elastic's own fields hold is after the documentation of Elastic Defend and of the
//! Elastic common schema.

use crate::catalog::{Catalog, Source};
use crate::source::{FileId, Span};

use super::super::carry::place;
use super::super::choose;
use super::super::expr::{Expr, Leaf, Test, joined};
use super::super::report::{Loss, Report};
use super::lower::lower;
use super::parse;

/// Fields by which the events of a source are told from others in an index.
const NAMING: [&str; 4] =
    ["data_stream.dataset", "winlog.channel", "m365_defender.event.category", "event.kind"];
/// Fields that say what kind of event it is, and no source has.
const KINDS: [&str; 6] =
    ["event.dataset", "event.module", "event.category", "event.type", "host.os.type", "host.os.family"];

/// `event.type` of Elastic Defend by source: its values, and the actions that have them; none where every event of the
/// source has it.
const TYPES: [(&str, &str, &[&str]); 11] = [
    ("endpoint.process", "start", &[]),
    ("endpoint.library", "start", &[]),
    ("endpoint.network", "start", &["connection_attempted", "connection_accepted"]),
    ("endpoint.network", "connection", &[]),
    ("endpoint.network", "end", &["disconnect_received"]),
    ("endpoint.file", "creation", &["creation"]),
    ("endpoint.file", "deletion", &["deletion"]),
    ("endpoint.file", "change", &["modification", "rename"]),
    ("endpoint.registry", "creation", &["creation"]),
    ("endpoint.registry", "deletion", &["deletion"]),
    ("endpoint.registry", "change", &["modification", "rename"]),
];

/// The sources and what tells their events apart in Elastic.
#[derive(Debug)]
pub(super) struct Filters<'c> {
    all: Vec<(&'c Source, Vec<Leaf>)>,
    /// What a source says in more than one test.
    whole: Vec<(&'c Source, Expr)>,
}

/// An event whose source is asked for.
#[derive(Debug)]
pub(super) struct Event<'e> {
    pub(super) category: &'e str,
    pub(super) parts: &'e [Expr],
    /// The fields that it reads, keys among them.
    pub(super) names: &'e [String],
    pub(super) span: Span,
}

impl<'c> Filters<'c> {
    pub(super) fn of(catalog: &'c Catalog) -> Self {
        let (mut all, mut whole) = (Vec::new(), Vec::new());
        for source in catalog.iter() {
            let Some(mapping) = source.targets.get("eql") else { continue };
            let text = mapping.filter.as_ref().map(|filter| format!("any where {filter}"));
            let queries = text.and_then(|text| parse::queries(&text).ok()).unwrap_or_default();
            let item = queries.first().and_then(|query| query.items.first());
            let mut leaves = Vec::new();
            let condition = item.map(|item| lower(&item.condition, FileId::default()));
            for part in condition.map_or(Vec::new(), Expr::into_parts) {
                match part {
                    Expr::Leaf(leaf) => leaves.push(leaf),
                    part @ (Expr::All(_)
                    | Expr::Any(_)
                    | Expr::Except(_)
                    | Expr::Always(_)
                    | Expr::Lost(_)) => {
                        whole.push((source, part));
                    }
                }
            }
            all.push((source, leaves));
        }
        Self { all, whole }
    }

    /// Whether a part of a condition is one of those that a source says by itself.
    fn says(&self, source: &Source, part: &Expr) -> bool {
        self.whole.iter().any(|(one, own)| one.name == source.name && same(own, part))
    }

    fn leaves(&self, source: &Source) -> &[Leaf] {
        self.all.iter().find(|(one, _)| one.name == source.name).map_or(&[], |(_, leaves)| leaves)
    }

    /// The source of an event; without one an error has been reported.
    pub(super) fn choose(&self, event: &Event<'_>, report: &mut Report<'_>) -> Option<&'c Source> {
        let named: Vec<&'c Source> = self
            .all
            .iter()
            .filter(|(_, filter)| names(event.parts, filter))
            .map(|(source, _)| *source)
            .collect();
        if !named.is_empty() {
            return choose::among(named, ("eql", event.names), event.span, report);
        }
        if let Some((field, values)) = event.parts.iter().find_map(stated_name) {
            let why = format!("no source is `{field}` {}", crate::source::visible(&values.join(", ")));
            choose::none(event.span, why, report);
            return None;
        }
        let asked: Vec<String> = event.names.iter().filter(|name| !is_kind(name)).cloned().collect();
        let mut fitting: Vec<&'c Source> = self.all.iter().map(|(source, _)| *source).collect();
        if event.category != "any" {
            fitting.retain(|source| category(source) == Some(event.category));
        }
        if fitting.is_empty() {
            fitting = self.all.iter().map(|(source, _)| *source).collect();
        }
        let known = |source: &Source| super::super::field::known(source, "eql", &asked);
        let most = fitting.iter().map(|source| known(source)).max().unwrap_or(0);
        if most == 0 && (event.category == "any" || fitting.len() != 1) && !asked.is_empty() {
            choose::none(event.span, "no source has the fields of this event".to_owned(), report);
            return None;
        }
        if most == 0 && fitting.len() > 5 {
            choose::none(event.span, "nothing tells which log this event is of".to_owned(), report);
            return None;
        }
        choose::among(fitting, ("eql", &asked), event.span, report)
    }

    /// What is left of the condition of an event beside what its source says.
    pub(super) fn beside(&self, source: &Source, event: &Event<'_>, report: &mut Report<'_>) -> Expr {
        if event.category != "any" && category(source) != Some(event.category) {
            let why = format!(
                "`{}` is not limited to the category `{}`",
                source.name,
                crate::source::visible(event.category)
            );
            report.left_out(&Loss::new(event.span, why, "limit the step by its action"));
        }
        let filter = self.leaves(source);
        let mut left = Vec::new();
        for part in event.parts.iter().filter(|part| !self.says(source, part)) {
            left.extend(said(part, source, filter, report));
        }
        for own in filter.iter().filter(|own| !NAMING.contains(&own.field.as_str())) {
            let is_asked =
                event.parts.iter().any(|part| reads(part, &own.field) || reads(part, "event.type"));
            if let (Test::Equal { values, .. }, false, false) = (&own.test, own.negated, is_asked) {
                let why = format!(
                    "`{}` has no events but those with `{}` {}",
                    source.name,
                    own.field,
                    values.join(", ")
                );
                report.inexact(&Loss::new(event.span, why, "keep it, or name another source"));
            }
        }
        by_action(joined(left, true), source)
    }
}

fn category(source: &Source) -> Option<&str> {
    source.targets.get("eql")?.words.get("category").map(String::as_str)
}

/// Whether a field says what kind of event it is.
pub(super) fn is_kind(name: &str) -> bool {
    NAMING.contains(&name) || KINDS.contains(&name)
}

/// Whether two conditions are the same, wherever they stand.
fn same(one: &Expr, other: &Expr) -> bool {
    match (one, other) {
        (Expr::Leaf(one), Expr::Leaf(other)) => {
            one.field == other.field && one.test == other.test && one.negated == other.negated
        }
        (Expr::All(one), Expr::All(other)) | (Expr::Any(one), Expr::Any(other)) => {
            one.len() == other.len() && one.iter().zip(other).all(|(one, other)| same(one, other))
        }
        (Expr::Except(one), Expr::Except(other)) => same(one, other),
        (Expr::Always(one), Expr::Always(other)) => one == other,
        _ => false,
    }
}

/// The values of which a part says that a field is one.
fn values(part: &Expr) -> Option<(&str, &[String])> {
    if let Expr::Leaf(Leaf { field, test: Test::Equal { values, .. }, negated: false, .. }) = part {
        return Some((field, values.as_slice()));
    }
    None
}

/// A name for the log that a part states.
fn stated_name(part: &Expr) -> Option<(&str, &[String])> {
    let (field, values) = values(part)?;
    let is_name =
        matches!(field, "data_stream.dataset" | "event.dataset" | "event.module" | "winlog.channel");
    is_name.then_some((field, values))
}

/// Whether parts name the log that a filter does.
fn names(parts: &[Expr], filter: &[Leaf]) -> bool {
    filter.iter().any(|own| {
        let Test::Equal { values: known, .. } = &own.test else { return false };
        let is_event = own.field == "event.kind" && known.iter().all(|value| value == "event");
        NAMING.contains(&own.field.as_str())
            && !own.negated
            && !is_event
            && parts.iter().filter_map(values).any(|(field, values)| {
                known
                    .iter()
                    .any(|known| values.iter().any(|value| is_name_of(field, value, &own.field, known)))
            })
    })
}

fn is_name_of(field: &str, value: &str, own: &str, known: &str) -> bool {
    if own == "data_stream.dataset" && field == "event.dataset" {
        return value == known;
    }
    if own == "data_stream.dataset" && field == "event.module" {
        return known.strip_prefix(value).is_some_and(|rest| rest.starts_with('.'));
    }
    field == own && value.eq_ignore_ascii_case(known)
}

fn reads(part: &Expr, name: &str) -> bool {
    match part {
        Expr::Leaf(leaf) => leaf.fields().any(|field| field == name),
        Expr::All(parts) | Expr::Any(parts) => parts.iter().any(|part| reads(part, name)),
        Expr::Except(inner) => reads(inner, name),
        Expr::Always(_) | Expr::Lost(_) => false,
    }
}

/// What of a part the source does not say by itself.
fn said(part: &Expr, source: &Source, filter: &[Leaf], report: &mut Report<'_>) -> Option<Expr> {
    let is_own = |own: &Leaf| {
        matches!(part, Expr::Leaf(leaf)
            if leaf.field == own.field && leaf.test == own.test && leaf.negated == own.negated)
    };
    if filter.iter().any(is_own) {
        return None;
    }
    let Some((field, values)) = values(part) else { return Some(part.clone()) };
    let named = filter.iter().any(|own| {
        let Test::Equal { values: known, .. } = &own.test else { return false };
        known.iter().any(|known| values.iter().any(|value| is_name_of(field, value, &own.field, known)))
            && NAMING.contains(&own.field.as_str())
    });
    let is_plain_kind = field == "event.kind" && values.iter().any(|value| value == "event");
    let is_category = field == "event.category" && values.iter().any(|value| category(source) == Some(value));
    if named || is_plain_kind || is_category {
        if values.len() > 1 {
            let why = format!("of `{field}`, `{}` has one of these {} alone", source.name, values.len());
            let span = place(part).unwrap_or_default();
            report.inexact(&Loss::new(span, why, "write the others with `or from`"));
        }
        return None;
    }
    let own = filter.iter().find(|own| own.field == field && !own.negated).map(|own| &own.test);
    let Some(Test::Equal { values: own, .. }) = own else { return Some(part.clone()) };
    let has = |list: &[String], value: &String| list.iter().any(|one| one.eq_ignore_ascii_case(value));
    if own.iter().all(|value| has(values, value)) {
        if values.iter().any(|value| !has(own, value)) {
            let why = format!("of `{field}`, `{}` has {} alone", source.name, own.join(", "));
            let span = place(part).unwrap_or_default();
            report.inexact(&Loss::new(span, why, "keep it, or name another source"));
        }
        return None;
    }
    Some(part.clone())
}

/// Tests of `event.type` as tests of the action.
fn by_action(expr: Expr, source: &Source) -> Expr {
    let each = |parts: Vec<Expr>| parts.into_iter().map(|part| by_action(part, source)).collect();
    match expr {
        Expr::All(parts) => joined(each(parts), true),
        Expr::Any(parts) => joined(each(parts), false),
        Expr::Except(inner) => Expr::Except(Box::new(by_action(*inner, source))),
        Expr::Leaf(leaf) if leaf.field == "event.type" => of_type(&leaf, source).unwrap_or(Expr::Leaf(leaf)),
        Expr::Always(_) | Expr::Leaf(_) | Expr::Lost(_) => expr,
    }
}

fn of_type(leaf: &Leaf, source: &Source) -> Option<Expr> {
    if !TYPES.iter().any(|(name, ..)| *name == source.name) {
        return None;
    }
    let values = match &leaf.test {
        // Elastic Defend gives each event one.
        Test::Missing => return Some(Expr::Always(leaf.negated)),
        Test::Equal { values, .. } => values,
        Test::Empty
        | Test::Like { .. }
        | Test::Text { .. }
        | Test::Regex(_)
        | Test::Network(_)
        | Test::Order { .. }
        | Test::Field { .. } => return None,
    };
    let mut actions = Vec::new();
    for value in values {
        let row =
            TYPES.iter().find(|(name, known, _)| *name == source.name && known.eq_ignore_ascii_case(value));
        match row {
            Some((.., [])) => return Some(Expr::Always(!leaf.negated)),
            Some((.., known)) => actions.extend(known.iter().map(|action| (*action).to_owned())),
            None => return None,
        }
    }
    let asked =
        Expr::canonical(&source.discriminator, leaf.span, Test::Equal { values: actions, folds: false });
    Some(if leaf.negated { asked.not() } else { asked })
}
