//! A part of an EQL emission: a query over events, or a sequence of items of which the last may be an alert.
//!
//! In: a stage of the plan, its steps. Out: a [`Part`]. Must not know: how a test is printed, why a stage is one.

use minijinja::{Value, context};

use super::Eql;
use super::column::Mapping;
use super::keys::Cell;
use super::literal::{self, Frag};
use super::multi::Item;
use super::plan::{Identity, Stage};
use super::{predicate, validate};
use crate::backend::bind::{Bound, BoundSelection, BoundStep};
use crate::backend::layout::Layout;
use crate::backend::print::{Bind, phrase};
use crate::backend::schema::Dialect as _;
use crate::backend::truth::{Text as _, Truth, unique};
use crate::backend::{AnswerKey, Job, Part, Report};
use crate::ir;
use crate::source::Span;

static LAYOUT: Layout = Layout::new(include_str!("../../../targets/eql/sequence.eql.j2"));
/// Where the detection engine writes alerts.
const ALERTS: &str = ".alerts-security.*";

/// A part without its head.
pub(super) struct Body<'a> {
    pub(super) stage: Stage<'a>,
    items: Vec<Printed>,
    pub(super) indexes: Vec<&'a str>,
    /// What the rule says of its steps and the links between them: notes about them belong to this part.
    pub(super) spans: Vec<Span>,
    /// What its steps require.
    pub(super) requires: Vec<String>,
}

/// An item of a sequence.
struct Printed {
    category: Frag,
    title: Frag,
    tests: Vec<Frag>,
    by: Vec<Frag>,
    /// Whether it must not come.
    is_missing: bool,
    /// How often it must come, if more than once.
    runs: Option<u32>,
}

impl<'a> Body<'a> {
    /// Prints the items of a stage. `chain` is the rule's own.
    pub(super) fn new(
        bound: &Bound<'a, Eql>,
        chain: &ir::Chain,
        stage: Stage<'a>,
        report: &mut Report,
    ) -> Self {
        let (mut items, mut indexes, mut last) = (Vec::new(), Vec::new(), None);
        let (mut spans, mut requires) = (Vec::new(), Vec::new());
        let steps = bound.steps.iter().zip(&chain.steps).enumerate();
        for (index, (step, stated)) in steps.filter(|(index, _)| stage.steps.contains(index)) {
            if let Some(missing) = stage.missing.as_ref().filter(|_| index > *stage.steps.start()) {
                let of = missing.selections(bound.links.first(), chain.links.first());
                indexes.extend(of.iter().map(|(one, _)| one.schema.mapping.index.as_str()));
                items.push(Printed::missing(&missing.name, of.into_iter(), &missing.keys, report));
            }
            spans.push(stated.span);
            for selection in step.selections() {
                requires.extend(selection.schema.requires.iter().chain(&selection.requires).cloned());
                indexes.push(selection.schema.mapping.index.as_str());
            }
            let at = index - stage.steps.start();
            let of = step.selections().zip(stated.selections().map(|one| &one.filter));
            let keys = stage.keys.of_item(at);
            let runs = stage.runs.get(at).copied().flatten();
            let beside_alerts = stage.reads.is_some();
            items.push(Printed::event(&step.name.node, of, &keys, (runs, beside_alerts), report));
            last = Some(step);
        }
        if let (Some(id), Some(last)) = (&stage.reads, last) {
            items.push(Printed::alert(last, id, &stage.keys.of_last()));
            indexes.push(ALERTS);
        }
        spans.extend(
            bound
                .links
                .get(*stage.steps.start()..*stage.steps.end())
                .into_iter()
                .flatten()
                .map(|link| link.span),
        );
        Self { stage, items, indexes: unique(indexes), spans, requires }
    }

    /// The whole part, with the lines of its head.
    pub(super) fn part(mut self, job: &Job<'_>, head: &[String], report: &mut Report) -> Option<Part> {
        let head: Vec<Value> = head.iter().map(|line| literal::comment(line).into()).collect();
        let by = self.take_common();
        let indent = if self.stage.span.is_some() { 5 } else { 2 };
        let items: Vec<_> = self.items.into_iter().map(|item| item.context(indent)).collect();
        let span = self.stage.span.map_or_else(|| Value::from(()), |span| literal::span(span).into());
        let context = context! { head, span, by => Value::from(literal::by(&by)), items };
        let text = LAYOUT.print(Eql::TITLE, job.rule.span, context, report)?;
        // Only a printer can fail this, so tests are the place to find out.
        debug_assert_eq!(validate::query(&text), Ok(()), "{text}");
        let Identity { name, id, role } = self.stage.identity;
        let indexes = self.indexes.iter().map(|index| (*index).to_owned()).collect();
        let key =
            |cell: Cell<'_>| AnswerKey { name: cell.name.to_owned(), field: cell.field.text().to_owned() };
        let keys = self.stage.keys.of_item(0).into_iter().map(key).collect();
        Some(Part { name, id, role, schedule: self.stage.schedule, indexes, keys, lake: None, text })
    }

    /// The fields by which all items join, if they are the same; the items no longer have them then.
    fn take_common(&mut self) -> Vec<Frag> {
        let common = self.items.first().map(|item| item.by.clone()).unwrap_or_default();
        if self.items.iter().any(|item| item.by != common) {
            return Vec::new();
        }
        self.items.iter_mut().for_each(|item| item.by.clear());
        common
    }
}

impl Printed {
    /// A step as it reads raw events, with how often it must come. Next to alerts it says so, for an alert is a copy of
    /// an event.
    fn event<'b, 'a: 'b>(
        title: &str,
        selections: impl Iterator<Item = (&'b BoundSelection<'a, Eql>, &'b ir::Pred)> + Clone,
        keys: &[Cell<'a>],
        (runs, beside_alerts): (Option<u32>, bool),
        report: &mut Report,
    ) -> Self {
        let categories =
            unique(selections.clone().map(|(one, _)| one.schema.mapping.category.clone()).collect());
        let is_one = categories.len() == 1;
        let any = literal::category("any");
        let category = categories.into_iter().next().filter(|_| is_one).unwrap_or_else(|| any.clone());
        let mut alternatives: Vec<Vec<Frag>> = selections
            .map(|(selection, filter)| {
                let Mapping { index: _, filter: of_source, category } = &selection.schema.mapping;
                // Items of several categories are read from any, and each alternative says its own.
                let own = (!is_one && *category != any).then(|| is("event.category", category.text()));
                let mut tests: Vec<_> = own.into_iter().chain(of_source.iter().cloned()).collect();
                tests.extend(beside_alerts.then(|| is("event.kind", "event")));
                tests.extend(predicate::condition(&Item { selection, filter, keys }, report));
                tests
            })
            .collect();
        // What all alternatives demand is said once.
        let mut tests = alternatives.first().cloned().unwrap_or_default();
        tests.retain(|test| alternatives.iter().all(|own| own.contains(test)));
        for own in &mut alternatives {
            own.retain(|test| !tests.contains(test));
        }
        let all = |tests: Vec<Frag>| Truth::all(tests.into_iter().map(Truth::Test));
        let either = Truth::any(alternatives.into_iter().map(all));
        if !matches!(either, Truth::Always(true)) {
            tests.push(either.text());
        }
        Self { runs, ..Self::new(category, title, tests, keys) }
    }

    /// What must not come between its neighbours.
    fn missing<'b, 'a: 'b>(
        name: &str,
        selections: impl Iterator<Item = (&'b BoundSelection<'a, Eql>, &'b ir::Pred)> + Clone,
        keys: &[Cell<'a>],
        report: &mut Report,
    ) -> Self {
        let title = phrase!("no {name} in between");
        Self { is_missing: true, ..Self::event(&title, selections, keys, (None, false), report) }
    }

    /// The alert of a later part on its first event, which is the last step of this part.
    fn alert(last: &BoundStep<'_, Eql>, id: &str, keys: &[Cell<'_>]) -> Self {
        // Numbered from zero, and only on the alerts of items. The alert of the sequence as a whole has no such field;
        // it keeps just the fields in which all events agree.
        // Optional, for the validation of elastic/detection-rules does not know it.
        let first = literal::optional("kibana.alert.group.index");
        let tests = vec![
            is("event.kind", "signal"),
            is("kibana.alert.rule.rule_id", id),
            literal::compare(&first, "==", &literal::number(0)),
        ];
        let title = format!("{} again, in the alert of the previous part", last.name.node);
        Self::new(literal::category("any"), &title, tests, keys)
    }

    /// Every key is present: engines disagree on whether absent keys join each other.
    fn new(category: Frag, title: &str, mut tests: Vec<Frag>, keys: &[Cell<'_>]) -> Self {
        tests.extend(keys.iter().map(|cell| predicate::present(&cell.field, &cell.absent)));
        let by = keys.iter().map(|cell| cell.field.clone()).collect();
        let (title, tests) = (literal::comment(title), unique(tests));
        Self { category, title, tests, by, is_missing: false, runs: None }
    }

    /// Its tests stand below each other behind `indent` spaces.
    fn context(self, indent: usize) -> Value {
        let tests =
            Frag::lines(&self.tests, " and", indent, Bind::Or).unwrap_or_else(|| Frag::constant(true));
        let [by, open, runs] =
            [literal::by(&self.by), literal::open(self.is_missing), literal::runs(self.runs)]
                .map(Value::from);
        let [category, title, tests] = [self.category, self.title, tests].map(Value::from);
        context! { category, title, tests, by, open, runs }
    }
}

fn is(field: &str, text: &str) -> Frag {
    literal::compare(&literal::field(field), "==", &literal::string(text))
}
