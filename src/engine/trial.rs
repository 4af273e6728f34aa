//! Rule tests: the `test` blocks of a rule, run by the engine.
//!
//! In: a rule of the IR and the catalog. Out: an [`Outcome`] for each test, with what went wrong as data.
//! Must not know: output formats ([`super::report`] has them), files.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::alert::{Alert, dedupe, run};
use super::event::Reader;
use super::explain::{Failing, StepView, why_not};
use super::follow::follow;
use super::predicate::CompileError;
use super::program::Program;
use super::record::{Identity, Record, Schemas};
use super::value::{Raw, Value};
use crate::catalog::{Catalog, FieldDef};
use crate::ir::{self, ExpectKind, Rule, Test, TestEvent, Type};
use crate::source::Span;

/// The instant that offset 0 of a test stands for: 2026-01-01T00:00:00Z.
pub const ORIGIN: i64 = 1_767_225_600_000_000;

/// What came of one test.
#[derive(Debug, Clone)]
pub struct Outcome {
    /// The rule.
    pub rule: String,
    /// The test.
    pub test: String,
    /// Where the test is written.
    pub span: Span,
    /// Test events that could never come from their source; then nothing was run.
    pub impossible: Vec<(Span, String)>,
    /// The expectations that were not met.
    pub unmet: Vec<Unmet>,
    /// The alerts, as numbers of the records of the test's events, in their order.
    pub alerts: Vec<Alert>,
    /// How the events went through the chain; filled in if an expectation was not met.
    pub trace: Option<Trace>,
}

impl Outcome {
    /// Whether every expectation was met.
    #[must_use]
    pub fn passed(&self) -> bool {
        self.impossible.is_empty() && self.unmet.is_empty()
    }
}

/// An expectation that was not met.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Unmet {
    /// What was expected.
    pub expected: ExpectKind,
    /// How many alerts there were.
    pub alerts: usize,
    /// How many more there were before de-duplication.
    pub silenced: usize,
    /// Where it is written.
    pub span: Span,
}

/// What a reader needs to see where a chain broke.
#[derive(Debug, Clone)]
pub struct Trace {
    /// The steps.
    pub steps: Vec<StepTrace>,
    /// The records, named by their events as the test does.
    pub events: Vec<String>,
}

/// A step in a [`Trace`].
#[derive(Debug, Clone)]
pub struct StepTrace {
    /// Its name.
    pub name: String,
    /// What became of the events here.
    pub view: StepView,
    /// Events written for this step that do not satisfy it, and why.
    pub refused: Vec<(usize, Vec<Failing>)>,
}

/// Runs every test of `rule`.
///
/// # Errors
/// When the rule cannot run at all, which the checker would have refused.
pub fn run_tests(rule: &Rule, catalog: &Catalog) -> Result<Vec<Outcome>, CompileError> {
    // Every field of a source: a test may give one that the rule does not read.
    let events = rule.tests.iter().flat_map(|test| &test.events).map(|event| event.source.as_str());
    let steps = rule.chain.selections().map(|selection| selection.source.node.as_str());
    let schemas = Schemas::of(catalog, steps.chain(events));
    let program = Program::new(rule, &schemas)?;
    Ok(rule.tests.iter().map(|test| run_test(rule, &program, test, catalog, &schemas)).collect())
}

/// The records of the events of a test, in their order; `None` if one of them could never come from its source.
#[must_use]
pub fn records(test: &Test, catalog: &Catalog) -> Option<Vec<Record>> {
    let schemas = Schemas::of(catalog, test.events.iter().map(|event| event.source.as_str()));
    let events = test.events.iter().enumerate();
    let records: Result<Vec<_>, _> =
        events.map(|(number, event)| records_of(number, event, catalog, &schemas)).collect();
    Some(records.ok()?.into_iter().flatten().collect())
}

fn run_test(rule: &Rule, program: &Program, test: &Test, catalog: &Catalog, schemas: &Schemas) -> Outcome {
    let mut outcome = Outcome {
        rule: rule.name.node.clone(),
        test: test.name.node.clone(),
        span: test.span,
        impossible: Vec::new(),
        unmet: Vec::new(),
        alerts: Vec::new(),
        trace: None,
    };
    let (mut records, mut events) = (Vec::new(), Vec::new());
    for (number, event) in test.events.iter().enumerate() {
        match records_of(number, event, catalog, schemas) {
            Ok(of_event) => {
                events.extend(std::iter::repeat_n(number, of_event.len()));
                records.extend(of_event);
            }
            Err(problems) => {
                outcome.impossible.extend(problems.into_iter().map(|problem| (event.span, problem)));
            }
        }
    }
    // What the rule makes of the other events says nothing about the scenario that was meant.
    if !outcome.impossible.is_empty() {
        return outcome;
    }
    let all = run(program, &records);
    let before = all.len();
    outcome.alerts = match &program.dedupe {
        Some(by) => dedupe(by, &records, all),
        None => all,
    };
    for expect in &test.expects {
        if !met(expect.kind, &outcome.alerts) {
            let alerts = outcome.alerts.len();
            let silenced = before - alerts;
            outcome.unmet.push(Unmet { expected: expect.kind, alerts, silenced, span: expect.span });
        }
    }
    if !outcome.unmet.is_empty() {
        outcome.trace = Some(trace(rule, program, test, (&records, &events)));
    }
    outcome
}

fn met(expected: ExpectKind, alerts: &[Alert]) -> bool {
    match expected {
        ExpectKind::AlertAt(second) => alerts.iter().any(|alert| alert.end == instant(second)),
        ExpectKind::NoAlert => alerts.is_empty(),
        ExpectKind::Alerts(count) => alerts.len() as u64 == count,
    }
}

/// The instant of an offset.
#[must_use]
pub fn instant(second: u64) -> i64 {
    i64::try_from(second).unwrap_or(i64::MAX).saturating_mul(1_000_000).saturating_add(ORIGIN)
}

/// The records of a test event: of a raw one as many as it gives. Each event of a test is one of its own unless it
/// gives its source's event id.
fn records_of(
    number: usize,
    event: &TestEvent,
    catalog: &Catalog,
    schemas: &Schemas,
) -> Result<Vec<Record>, Vec<String>> {
    let source = &event.source;
    let (Some(definition), Some(schema)) = (catalog.source(source), schemas.get(source)) else {
        return Err(vec![format!("there is no source `{source}`")]);
    };
    if let Some(raw) = &event.raw {
        let reader = Reader::new(definition, Arc::clone(schema)).map_err(|error| vec![error.to_string()])?;
        return reader.records_at(raw, instant(event.at), number).map_err(|error| vec![error.to_string()]);
    }
    let (mut values, mut problems) = (schema.empty(), Vec::new());
    let time = instant(event.at);
    let mut set = |name: &str, value| {
        if let Some(place) = schema.place(name).and_then(|place| values.get_mut(place)) {
            *place = value;
        }
    };
    set("event.time", Some(Value::Time(time)));
    let mut several: BTreeMap<&str, Vec<Value<'static>>> = BTreeMap::new();
    for (field, value) in &event.fields {
        match definition.field(&field.name) {
            None => problems.push(format!("source `{source}` has no field `{}`", field.name)),
            Some(known) => match possible(known, value) {
                Ok(value) if known.many => several.entry(&field.name).or_default().extend(value),
                Ok(value) => set(&field.name, value),
                Err(problem) => problems.push(problem),
            },
        }
    }
    for (name, values) in several {
        set(name, Some(Value::Many(values.into())).filter(|value| *value != Value::Many(Box::default())));
    }
    if !problems.is_empty() {
        return Err(problems);
    }
    let ids: Option<Vec<_>> = definition.event_id.0.iter().map(|id| schema.place(id)).collect();
    let identity = Identity::by_ids(source, &ids.unwrap_or_default(), &values)
        .unwrap_or_else(|| Identity::of(source, (false, number)));
    Ok(vec![Record { schema: Arc::clone(schema), time, event: identity, values: values.into() }])
}

/// The value if the field can hold it.
fn possible(field: &FieldDef, value: &ir::Value) -> Result<Option<Value<'static>>, String> {
    let name = &field.name;
    if name == "event.time" {
        return Err("`event.time` of a test event comes from its `at`".to_owned());
    }
    let typed = match (field.ty, value) {
        (Type::String, ir::Value::String(_))
        | (Type::Int, ir::Value::Int(_))
        | (Type::Bool, ir::Value::Bool(_))
        | (Type::Float, ir::Value::Float(_))
        | (Type::Time, ir::Value::Time(_))
        | (Type::Ip, ir::Value::Ip(_)) => Value::from_ir(value),
        (Type::Float, ir::Value::Int(number)) => Raw::Int(*number).typed(Type::Float),
        (Type::String | Type::Int | Type::Bool | Type::Float | Type::Time | Type::Ip, _) => {
            return Err(format!("field `{name}` cannot hold {}", super::words::literal(value)));
        }
    };
    match value {
        // A value that the source never writes would test nothing: the rule stays silent for that reason alone.
        ir::Value::String(text) if !field.values.is_empty() && !field.values.contains(text) => {
            Err(format!("field `{name}` is never {text:?}; it is one of {}", field.values.join(", ")))
        }
        ir::Value::String(_)
        | ir::Value::Int(_)
        | ir::Value::Float(_)
        | ir::Value::Bool(_)
        | ir::Value::Time(_)
        | ir::Value::Ip(_) => Ok(typed),
    }
}

/// `events` says which event of the test each record is of.
fn trace(rule: &Rule, program: &Program, test: &Test, (records, events): (&[Record], &[usize])) -> Trace {
    let of_step =
        |number: &usize, step| test.events.get(*number).is_some_and(|event| event.step == Some(step));
    let intended = |step: usize| events.iter().enumerate().filter(move |(_, number)| of_step(number, step));
    let steps =
        program.steps.iter().zip(follow(rule, program, records)).enumerate().map(|(at, (step, view))| {
            let refused = intended(at)
                .filter_map(|(number, _)| Some((number, why_not(rule, program, at, records.get(number)?)?)))
                .filter(|(_, failing)| !failing.is_empty());
            StepTrace { name: step.name.clone(), refused: refused.collect(), view }
        });
    let label = |number: usize| {
        let event = test.events.get(number)?;
        let step = event.step.and_then(|step| program.steps.get(step));
        let name = step.map_or_else(|| format!("event of {}", event.source), |step| step.name.clone());
        let at = super::words::duration(instant(event.at) - ORIGIN);
        Some(format!("event {} ({name} at {at})", number + 1))
    };
    Trace { steps: steps.collect(), events: events.iter().filter_map(|number| label(*number)).collect() }
}
