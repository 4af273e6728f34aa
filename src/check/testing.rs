//! Test blocks: events completed and typed, expectations that make sense.
//!
//! In: `test "…" { … }` and the chain. Out: [`ir::Test`]s.
//! Must not know: how a test is run.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use crate::catalog::Source;
use crate::diag::{Code, Diagnostic};
use crate::ir::{self, Case, FieldTest, Pred, TestKind, Value};
use crate::source::{Span, Spanned};
use crate::syntax::ast::{Event, EventOf, Expect, ExpectKind, Literal, LiteralKind, Name, Test};

use super::names::{self, Scope};
use super::{values, windows};

/// Lowers the tests of a rule; `chain` is missing when it has errors, and then nothing can be filled in.
pub(super) fn lower(
    scope: &mut Scope<'_, '_>,
    tests: &[&Test],
    chain: Option<&ir::Chain>,
) -> Option<Vec<ir::Test>> {
    let mut seen: BTreeMap<&str, Span> = BTreeMap::new();
    for test in tests {
        if let Some(first) = seen.insert(&test.name.node, test.name.span) {
            let found =
                Diagnostic::new(Code::RepeatedTest, test.name.span, "a test of this name exists already")
                    .label("again here")
                    .also(first, "first here")
                    .help("say in the name what this one shows");
            scope.report(found);
        }
    }
    let lowered: Vec<_> = tests.iter().map(|test| lower_one(scope, test, chain)).collect();
    lowered.into_iter().collect()
}

fn lower_one(scope: &mut Scope<'_, '_>, test: &Test, chain: Option<&ir::Chain>) -> Option<ir::Test> {
    let events: Vec<_> = test.events.iter().map(|item| event(scope, item, chain)).collect();
    let expects: Vec<_> = test.expects.iter().map(|item| expect(scope, item)).collect();
    if test.expects.is_empty() {
        let found = Diagnostic::new(Code::NoExpectation, test.name.span, "this test expects nothing")
            .label("can only pass")
            .help("add `expect alert at OFFSET` or `expect no alert`");
        scope.report(found);
    }
    if test.events.is_empty() {
        let found = Diagnostic::new(Code::NoEvents, test.name.span, "this test has no events")
            .label("shows nothing")
            .help("add events: `STEP at OFFSET { FIELD: VALUE }`");
        scope.report(found);
    }
    let events: Option<Vec<_>> = events.into_iter().collect();
    let expects: Option<Vec<_>> = expects.into_iter().collect();
    let (events, expects) = (events?, expects?);
    conflicts(scope, &expects);
    possible(scope, &events, &expects);
    Some(ir::Test {
        name: Spanned { node: test.name.node.clone(), span: test.name.span },
        events,
        expects,
        span: test.span,
    })
}

fn event(scope: &mut Scope<'_, '_>, event: &Event, chain: Option<&ir::Chain>) -> Option<ir::TestEvent> {
    let at = windows::offset(scope, &event.at);
    let (step, source) = match &event.of {
        EventOf::Step(name) => {
            let step = step_of(scope, name);
            (step, step.and_then(|step| scope.source(step)))
        }
        EventOf::Source(name) => (None, names::source(name, scope.context.catalog, scope.diags)),
    };
    let Some(source) = source else {
        event.fields.iter().for_each(|(_, literal)| touch(scope, literal));
        return None;
    };
    let mut draft = Draft { source, given: BTreeMap::new(), fields: Vec::new(), right: true };
    for (name, literal) in &event.fields {
        draft.add(scope, name, literal);
    }
    if let Some(step) = step.and_then(|step| chain?.steps.get(step)) {
        demanded(&step.filter, &mut draft);
    }
    if !draft.right {
        return None;
    }
    Some(ir::TestEvent { step, source: source.name.clone(), at: at?, fields: draft.fields, span: event.span })
}

fn touch(scope: &mut Scope<'_, '_>, literal: &Literal) {
    if let LiteralKind::Word(word) = &literal.kind {
        scope.params.take(word);
    }
}

fn step_of(scope: &mut Scope<'_, '_>, name: &Name) -> Option<usize> {
    let step = scope.step(&name.node);
    if step.is_none() {
        let known: Vec<_> = scope.steps.iter().map(|step| step.name.node.as_str()).collect();
        let found =
            Diagnostic::new(Code::UnknownStep, name.span, format!("no step is called `{}`", name.node))
                .label("unknown step")
                .suggest(&name.node, known.iter().copied())
                .help(format!(
                    "the steps are {}; `event of SOURCE` gives a bare event",
                    names::ticked(&known)
                ));
        scope.report(found);
    }
    step
}

/// The fields of an event while it is put together.
struct Draft<'a> {
    source: &'a Source,
    /// Fields that were written, also as missing.
    given: BTreeMap<String, Span>,
    fields: Vec<(ir::Field, Value)>,
    right: bool,
}

impl Draft<'_> {
    fn add(&mut self, scope: &mut Scope<'_, '_>, name: &Name, literal: &Literal) {
        let Some(def) = self.source.field(&name.node) else {
            touch(scope, literal);
            let found = names::unknown(name, self.source);
            self.refuse(scope, found);
            return;
        };
        if name.node == "event.time" {
            let found = Diagnostic::new(Code::TimeInEvent, name.span, "the time of an event is its offset")
                .label("given by `at`")
                .help("remove the field and change the offset");
            self.refuse(scope, found);
            return;
        }
        if let Some(first) = self.given.insert(name.node.clone(), name.span) {
            let found =
                Diagnostic::new(Code::RepeatedField, name.span, format!("`{}` is given twice", name.node))
                    .label("again here")
                    .also(first, "first here")
                    .help("a field has one value; write two events");
            self.refuse(scope, found);
            return;
        }
        let Some(constant) = values::constant(scope, None, literal) else {
            self.right = false;
            return;
        };
        // The empty text is a missing field, whatever the type: that is how a test takes a value away.
        if constant.kind == values::Kind::Text(String::new()) {
            return;
        }
        let field = ir::Field { name: def.name.clone(), ty: def.ty, span: name.span };
        let Some(value) = values::typed(scope, &field, &constant) else {
            self.right = false;
            return;
        };
        if let Value::String(text) = &value {
            values::among(scope, def, text, Case::Sensitive, constant.span);
        }
        self.fields.push((field, value));
    }

    fn refuse(&mut self, scope: &mut Scope<'_, '_>, found: Diagnostic) {
        self.right = false;
        scope.report(found);
    }

    fn fill(&mut self, test: &FieldTest, value: Value) {
        if self.given.contains_key(&test.field.name) {
            return;
        }
        self.given.insert(test.field.name.clone(), test.span);
        self.fields.push((test.field.clone(), value));
    }
}

/// Fills in what the top-level conjuncts of a predicate leave only one value for.
fn demanded(pred: &Pred, draft: &mut Draft<'_>) {
    for conjunct in pred.conjuncts() {
        let Pred::Test(test) = conjunct else { continue };
        if let Some(value) = only_value(&test.kind) {
            draft.fill(test, value);
        }
    }
}

/// The one value that meets the test; of those that differ in case, the one that is written.
fn only_value(kind: &TestKind) -> Option<Value> {
    let values = match kind {
        TestKind::Equals { values, case: Case::Ignore } => Cow::Borrowed(values.as_slice()),
        TestKind::Equals { case: Case::Sensitive, .. }
        | TestKind::InNetworks { .. }
        | TestKind::Like { .. }
        | TestKind::Exists
        | TestKind::InList { .. }
        | TestKind::Order { .. }
        | TestKind::Substring { .. }
        | TestKind::Matches { .. }
        | TestKind::SameAs { .. } => kind.exact_values()?,
    };
    if let [value] = values.as_ref() { Some(value.clone()) } else { None }
}

fn expect(scope: &mut Scope<'_, '_>, expect: &Expect) -> Option<ir::Expect> {
    let kind = match &expect.kind {
        ExpectKind::AlertAt(at) => ir::ExpectKind::AlertAt(windows::offset(scope, at)?),
        ExpectKind::NoAlert => ir::ExpectKind::NoAlert,
        ExpectKind::Alerts(count) => ir::ExpectKind::Alerts(*count),
    };
    Some(ir::Expect { kind, span: expect.span })
}

/// Expectations that cannot be met together.
fn conflicts(scope: &mut Scope<'_, '_>, expects: &[ir::Expect]) {
    let times: BTreeSet<u64> = expects.iter().filter_map(time_of).collect();
    let least = u64::try_from(times.len()).unwrap_or(u64::MAX);
    let first_alert = expects.iter().find(|expect| time_of(expect).is_some());
    let mut limit: Option<(u64, Span)> = None;
    for expect in expects {
        let count = match expect.kind {
            ir::ExpectKind::AlertAt(_) => continue,
            ir::ExpectKind::NoAlert => 0,
            ir::ExpectKind::Alerts(count) => count,
        };
        let against = match (limit, first_alert) {
            (Some((other, span)), _) if other != count => Some(span),
            (_, Some(alert)) if least > count => Some(alert.span),
            _ => None,
        };
        limit = limit.or(Some((count, expect.span)));
        if let Some(other) = against {
            let found =
                Diagnostic::new(Code::ExpectConflict, expect.span, "these expectations exclude each other")
                    .label("cannot hold as well")
                    .also(other, "expected here")
                    .help("split the test in two, or remove one");
            scope.report(found);
        }
    }
}

fn time_of(expect: &ir::Expect) -> Option<u64> {
    match expect.kind {
        ir::ExpectKind::AlertAt(at) => Some(at),
        ir::ExpectKind::NoAlert | ir::ExpectKind::Alerts(_) => None,
    }
}

/// An alert has the time of a record of the last step, and each such record alerts once.
fn possible(scope: &mut Scope<'_, '_>, events: &[ir::TestEvent], expects: &[ir::Expect]) {
    let Some((name, source)) = scope.steps.last().and_then(|step| Some((step.name, step.source?))) else {
        return;
    };
    let last: Vec<_> = events.iter().filter(|event| event.source == source.name).collect();
    let most = u64::try_from(last.len()).unwrap_or(u64::MAX);
    for expect in expects {
        let (label, help) = match expect.kind {
            ir::ExpectKind::AlertAt(at) if !last.iter().any(|event| event.at == at) => (
                format!("no event of `{}` at {}", source.name, windows::words(at)),
                "an alert has the time of its last record: name the offset of that event",
            ),
            ir::ExpectKind::Alerts(count) if count > most => (
                format!("the test has {most} of `{}`", source.name),
                "each record of the last step alerts at most once",
            ),
            ir::ExpectKind::AlertAt(_) | ir::ExpectKind::NoAlert | ir::ExpectKind::Alerts(_) => continue,
        };
        let found =
            Diagnostic::new(Code::CannotAlert, expect.span, "no event of this test can cause this alert")
                .label(label)
                .also(name.span, "the last step")
                .help(help);
        scope.report(found);
    }
}
