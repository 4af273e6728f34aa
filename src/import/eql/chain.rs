//! The chain of a draft from the events of an EQL query.
//!
//! In: a query. Out: steps, links, windows. Must not know: how a query is written.

use crate::source::{FileId, Span};

use super::super::Given;
use super::super::carry;
use super::super::choose;
use super::super::draft::{self, Absence, Chain, Count, Link, Selection, Step};
use super::super::field::Into;
use super::super::keys::{self, Side};
use super::super::made::shared;
use super::super::report::{Loss, Report};
use super::lower::lower;
use super::source::{self, Filters};
use super::tree::{Item, Key, Place, Query, Shape};

/// A window where the query states none.
const OTHERWISE: u64 = 3_600;
/// The most steps that repeated events may become.
const MOST_STEPS: u64 = 10;

pub(super) struct Reader<'r> {
    pub(super) file: FileId,
    pub(super) given: &'r Given<'r>,
    pub(super) filters: &'r Filters<'r>,
}

/// An event whose source is known.
struct Event<'q, 'c> {
    item: &'q Item,
    into: Into<'c>,
    keys: Vec<&'q Key>,
    selection: Selection,
    /// The name of its step.
    name: String,
    comments: Vec<String>,
}

impl<'r> Reader<'r> {
    /// The chain; nothing if an event has no source, which has been reported.
    pub(super) fn chain(&self, query: &Query, report: &mut Report<'_>) -> Option<Chain> {
        for (pipe, place) in &query.pipes {
            let why = format!("the pipe `{}` picks among the results", crate::source::visible(pipe));
            report.left_out(&Loss::new(self.span(*place), why, "see `dedupe` in the alert of the draft"));
        }
        let within = self.within(query, report);
        let head = report.take();
        let mut events = Vec::new();
        let mut broken = false;
        for item in query.items.iter().chain(&query.until) {
            let is_until = query.until.as_ref().is_some_and(|until| std::ptr::eq(until, item));
            let taken: Vec<String> = events.iter().map(|event: &Event<'_, '_>| event.name.clone()).collect();
            match self.event(query, item, is_until || item.is_missing, &taken, report) {
                Some(event) => events.push(event),
                None => broken = true,
            }
        }
        if broken {
            return None;
        }
        let until = query.until.is_some().then(|| events.pop()).flatten();
        let chain = match query.shape {
            Shape::Sample => self.sample(query, &events, within, report),
            Shape::Single | Shape::Sequence => self.sequence(events, until.as_ref(), within, report),
        };
        let rest = report.take();
        head.into_iter().chain(rest).for_each(|comment| report.remember(comment));
        Some(chain)
    }

    fn span(&self, place: Place) -> Span {
        Span::new(self.file, place.0, place.1)
    }

    fn within(&self, query: &Query, report: &mut Report<'_>) -> u64 {
        if let Some((text, place)) = &query.maxspan {
            let Some((seconds, is_exact)) = seconds(text) else {
                let why = format!(
                    "the span `{}` is not known; an hour stands in its place",
                    crate::source::visible(text)
                );
                report.inexact(&Loss::new(self.span(*place), why, "write the window that is meant"));
                return OTHERWISE;
            };
            if !is_exact {
                let why = "the language has windows of whole seconds";
                report.inexact(&Loss::new(self.span(*place), why, "keep it, or take another second"));
            }
            return seconds;
        }
        if query.shape != Shape::Single {
            let what = if query.shape == Shape::Sample {
                "a sample has no window"
            } else {
                "the sequence has no maxspan"
            };
            let why = format!("{what}, and a chain needs one; an hour stands in its place");
            report.inexact(&Loss::new(self.span(query.place), why, "write the window that is meant"));
        }
        OTHERWISE
    }

    fn event<'q>(
        &self,
        query: &'q Query,
        item: &'q Item,
        is_absence: bool,
        taken: &[String],
        report: &mut Report<'_>,
    ) -> Option<Event<'q, 'r>> {
        let keys: Vec<&Key> = query.by.iter().chain(&item.by).collect();
        let parts = lower(&item.condition, self.file).into_parts();
        let mut names: Vec<String> = keys.iter().map(|key| key.name.clone()).collect();
        for part in &parts {
            part.add_fields(&mut names);
        }
        let span = self.span((item.place.0, item.place.1));
        let asked = source::Event { category: &item.category, parts: &parts, names: &names, span };
        let source = match self.given.source {
            Some(name) => choose::given(self.given.catalog, name, span, report)?,
            None => self.filters.choose(&asked, report)?,
        };
        let condition = self.filters.beside(source, &asked, report);
        let into = Into { source, target: "eql", may_widen: !is_absence };
        let present: Vec<&str> =
            keys.iter().filter(|key| !key.optional).map(|key| key.name.as_str()).collect();
        for key in keys.iter().filter(|key| key.optional) {
            let why =
                format!("`?{}` joins events without the field as well; here it must have a value", key.name);
            report.inexact(&Loss::new(
                self.span(key.place),
                crate::source::visible(&why),
                "keep it, or use another key",
            ));
        }
        let carried = carry::carry(condition, into, &present, report);
        let selection = Selection {
            source: source.name.clone(),
            renames: Vec::new(),
            condition: carried.condition,
            exceptions: carried.exceptions,
        };
        let otherwise = if is_absence { "missing" } else { "step" };
        let said =
            if item.comment.split(' ').count() <= 4 { draft::name(&item.comment, "") } else { String::new() };
        let name = if said.is_empty() { format!("{otherwise}_{}", taken.len() + 1) } else { said };
        let name = draft::unique(name, taken);
        Some(Event { item, into, keys, selection, name, comments: report.take() })
    }

    fn sequence(
        &self,
        events: Vec<Event<'_, 'r>>,
        until: Option<&Event<'_, 'r>>,
        within: u64,
        report: &mut Report<'_>,
    ) -> Chain {
        let mut chain = Chain::default();
        let mut before: Option<Event<'_, 'r>> = None;
        let mut missing: Vec<Event<'_, 'r>> = Vec::new();
        let runs: Vec<u64> = events.iter().map(|event| self.runs(event, report)).collect();
        let count = events.iter().filter(|event| !event.item.is_missing).count();
        let is_long = runs.iter().sum::<u64>() > MOST_STEPS;
        for (event, runs) in events.into_iter().zip(runs) {
            if event.item.is_missing {
                missing.push(event);
                continue;
            }
            let mut step = Step {
                name: event.name.clone(),
                selections: vec![event.selection.clone()],
                comments: event.comments.clone(),
                ..Step::default()
            };
            let gone = std::mem::take(&mut missing);
            match &before {
                Some(before) => chain.links.push(self.link(before, &event, &gone, until, within, report)),
                None => {
                    for gone in &gone {
                        step.absences.extend(self.beside(gone, &event, within, "before", count, report));
                    }
                }
            }
            let is_first = before.is_none();
            if runs > 1 && (is_first || is_long) {
                step.count = self.count(&event, runs, within, is_first, report);
            }
            let is_counted = step.count.is_some();
            step.comments.extend(report.take());
            chain.steps.push(step.clone());
            if runs > 1 && !is_counted && !is_long {
                self.repeat(&mut chain, &step, &event, runs, within, report);
            }
            let name = chain.steps.last().map_or(event.name.clone(), |step| step.name.clone());
            before = Some(Event { name, ..event });
        }
        if let (Some(last), Some(step)) = (&before, chain.steps.last_mut()) {
            for gone in &missing {
                step.absences.extend(self.beside(gone, last, within, "after", count, report));
            }
            step.comments.extend(report.take());
        }
        let sum = chain.links.iter().fold(0_u64, |sum, link| sum.saturating_add(link.within));
        let counted =
            chain.steps.first().and_then(|step| step.count.as_ref()).map_or(0, |count| count.within);
        chain.total = (!chain.links.is_empty() && within < sum.saturating_add(counted)).then_some(within);
        chain
    }

    /// How often an event must come.
    fn runs(&self, event: &Event<'_, '_>, report: &mut Report<'_>) -> u64 {
        let Some((text, place)) = &event.item.runs else { return 1 };
        let runs = text.parse().ok().filter(|runs| (1..=100).contains(runs));
        runs.unwrap_or_else(|| {
            let why = format!("`{}` is no number of runs from 1 to 100", crate::source::visible(text));
            report.left_out(&Loss::new(self.span(*place), why, "write `at least N within D by FIELD`"));
            1
        })
    }

    fn count(
        &self,
        event: &Event<'_, '_>,
        runs: u64,
        within: u64,
        is_first: bool,
        report: &mut Report<'_>,
    ) -> Option<Count> {
        let fields = event.keys.iter().map(|key| shared(event.into, &key.name, None).ok());
        let by: Option<Vec<String>> =
            fields.map(|field| field.filter(|field| !field.many).map(|field| field.name.clone())).collect();
        let by = by.filter(|by| !by.is_empty())?;
        if !is_first {
            let place = event.item.runs.as_ref().map_or(event.item.place, |(_, place)| *place);
            let why = "events before the step before count as well";
            report.inexact(&Loss::new(self.span(place), why, "keep it, or repeat the step"));
        }
        Some(Count { least: runs, distinct: None, within, by })
    }

    /// The step again, as often as it must come.
    fn repeat(
        &self,
        chain: &mut Chain,
        step: &Step,
        event: &Event<'_, 'r>,
        runs: u64,
        within: u64,
        report: &mut Report<'_>,
    ) {
        for number in 2..=runs {
            let name = format!("{}_{number}", event.name);
            let earlier = chain.steps.last().map_or(event.name.clone(), |step| step.name.clone());
            let on = event.keys.iter().filter_map(|key| {
                let side = |step| Side { step, into: event.into, key: &key.name, span: self.span(key.place) };
                keys::join(side(&earlier), side(&name), report)
            });
            let on = on.collect();
            let on = keys::or_none(on, self.span(event.item.place), report);
            chain.links.push(Link { within, on, absences: Vec::new(), comments: report.take() });
            chain.steps.push(Step { name, absences: Vec::new(), comments: Vec::new(), ..step.clone() });
        }
    }

    fn link(
        &self,
        before: &Event<'_, 'r>,
        after: &Event<'_, 'r>,
        missing: &[Event<'_, 'r>],
        until: Option<&Event<'_, 'r>>,
        within: u64,
        report: &mut Report<'_>,
    ) -> Link {
        let on = self.joined(before, after, report);
        let mut absences = Vec::new();
        for gone in missing {
            let on = self.joined(before, gone, report);
            absences.extend(self.absence(gone, (on, before.keys.len()), None, &gone.name, report));
        }
        if let Some(until) = until {
            let on = self.joined(before, until, report);
            let name = format!("until_{}", after.name);
            absences.extend(self.absence(until, (on, before.keys.len()), None, &name, report));
        }
        Link { within, on, absences, comments: report.take() }
    }

    /// The links that the keys of two events make.
    fn joined(&self, before: &Event<'_, 'r>, after: &Event<'_, 'r>, report: &mut Report<'_>) -> Vec<String> {
        if before.keys.len() != after.keys.len() {
            let why = "the events of a sequence have different numbers of keys";
            report.left_out(&Loss::new(self.span(after.item.place), why, "give each as many"));
        }
        let pairs = before.keys.iter().zip(&after.keys);
        let links = pairs.filter_map(|(one, other)| {
            let left =
                Side { step: &before.name, into: before.into, key: &one.name, span: self.span(one.place) };
            let right =
                Side { step: &after.name, into: after.into, key: &other.name, span: self.span(other.place) };
            keys::join(left, right, report)
        });
        let links = links.collect();
        keys::or_none(links, self.span(after.item.place), report)
    }

    /// What must not come; nothing where it would exclude more than the query does.
    fn absence(
        &self,
        gone: &Event<'_, 'r>,
        (on, keys): (Vec<String>, usize),
        within: Option<(u64, &'static str)>,
        name: &str,
        report: &mut Report<'_>,
    ) -> Option<Absence> {
        let is_open = gone.selection.condition.is_none() && gone.selection.exceptions.is_empty();
        let is_loose = on.iter().any(|key| key == keys::NO_KEY || key.contains("any("))
            || on.len() < gone.keys.len().max(keys);
        if (is_open && !gone.comments.is_empty()) || is_loose {
            for comment in &gone.comments {
                report.remember(comment.clone());
            }
            let why = "what must not come is left out, because not all of its condition and keys can be said";
            report.left_out(&Loss::new(
                self.span(gone.item.place),
                why,
                "write `unless` with the fields that are meant",
            ));
            return None;
        }
        let selection = gone.selection.clone();
        Some(Absence { name: name.to_owned(), selection, within, on, comments: gone.comments.clone() })
    }

    /// What must not come before the first step, or after the last.
    fn beside(
        &self,
        gone: &Event<'_, 'r>,
        step: &Event<'_, 'r>,
        within: u64,
        side: &'static str,
        count: usize,
        report: &mut Report<'_>,
    ) -> Option<Absence> {
        let on =
            if side == "before" { self.joined(gone, step, report) } else { self.joined(step, gone, report) };
        if count > 1 {
            let why = format!(
                "the span of the query counts from its other end; here it is {within} seconds {side} the step"
            );
            report.inexact(&Loss::new(self.span(gone.item.place), why, "write the window that is meant"));
        }
        self.absence(gone, (on, step.keys.len()), Some((within, side)), &gone.name, report)
    }

    fn sample(&self, query: &Query, events: &[Event<'_, 'r>], within: u64, report: &mut Report<'_>) -> Chain {
        let mut chain = Chain::default();
        let mut on = Vec::new();
        let keys = events.first().map_or(0, |event| event.keys.len());
        let mut steps: Vec<Step> = events
            .iter()
            .map(|event| Step {
                name: event.name.clone(),
                selections: vec![event.selection.clone()],
                comments: event.comments.clone(),
                ..Step::default()
            })
            .collect();
        for number in 0..keys {
            let names: Option<Vec<String>> = events
                .iter()
                .map(|event| {
                    let key = event.keys.get(number)?;
                    shared(event.into, &key.name, None).ok().map(|field| field.name.clone())
                })
                .collect();
            let Some((names, first)) = names.and_then(|names| Some((names.clone(), names.first()?.clone())))
            else {
                let why = "a key that is no field of all events";
                report.left_out(&Loss::new(self.span(query.place), why, "name a field of all steps"));
                continue;
            };
            for (step, own) in steps.iter_mut().zip(names) {
                if let Some(selection) = step.selections.first_mut().filter(|_| own != first) {
                    selection.renames.push((first.clone(), own));
                }
            }
            on.push(first);
        }
        let on = keys::or_none(on, self.span(query.place), report);
        chain.together = (steps.len() > 1).then_some((within, on));
        chain.steps = steps;
        chain
    }
}

/// A span in seconds, and whether it is a whole number of them.
fn seconds(text: &str) -> Option<(u64, bool)> {
    let digits = text.find(|c: char| !c.is_ascii_digit())?;
    let number: u64 = text.get(..digits)?.parse().ok()?;
    let length = match text.get(digits..)? {
        "ms" => return Some((number.div_ceil(1_000).max(1), number.is_multiple_of(1_000))),
        "s" => 1,
        "m" => 60,
        "h" => 3_600,
        "d" => 86_400,
        _ => return None,
    };
    number.checked_mul(length).filter(|seconds| *seconds > 0).map(|seconds| (seconds, true))
}
