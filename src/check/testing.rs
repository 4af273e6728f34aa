//! Test blocks: events completed and typed, expectations that make sense.
//!
//! In: `test "…" { … }` and the chain. Out: [`ir::Test`]s.
//! Must not know: how a test is run.

use std::borrow::Cow;
use std::collections::BTreeMap;

use crate::catalog::Source;
use crate::diag::{Code, Diagnostic};
use crate::ir::{self, Case, FieldTest, Pred, TestKind, Value, ValuesTest};
use crate::source::{Span, Spanned};
use crate::syntax::ast::{Event, EventContent, EventOf, Expect, ExpectKind, Literal, Name, Test};

use super::constants::Purpose;
use super::fields;
use super::names::{self, Names};
use super::resolutions::{DefinitionKind, Meaning};
use super::sink::Sink;
use super::{constants, naming, raw, values, windows};

/// Lowers the tests of a rule, each if it is right; `chain` is missing when it has errors, and then nothing can be
/// filled in.
pub(super) fn lower(
    names: &Names<'_>,
    sink: &mut Sink,
    tests: &[&Test],
    chain: Option<&ir::Chain>,
) -> Vec<Option<ir::Test>> {
    tests.iter().map(|test| lower_one(names, sink, test, chain)).collect()
}

fn lower_one(names: &Names<'_>, sink: &mut Sink, test: &Test, chain: Option<&ir::Chain>) -> Option<ir::Test> {
    sink.define(DefinitionKind::Test, &test.name, test.span);
    let events: Vec<_> = test.events.iter().map(|item| event(names, sink, item, chain)).collect();
    let expects: Vec<_> = test.expects.iter().map(|item| expect(names, sink, item)).collect();
    Some(ir::Test {
        name: Spanned { node: test.name.node.clone(), span: test.name.span },
        events: events.into_iter().collect::<Option<_>>()?,
        expects: expects.into_iter().collect::<Option<_>>()?,
        span: test.span,
    })
}

fn event<'a>(
    names: &Names<'a>,
    sink: &mut Sink,
    event: &Event,
    chain: Option<&'a ir::Chain>,
) -> Option<ir::TestEvent> {
    let at = windows::offset(names, sink, &event.at);
    let Role { step, source, demanding } = match &event.of {
        EventOf::Step(name) => match absence_of(names, chain, name) {
            Some(absence) => absence,
            None => step_role(names, sink, name, event.from.as_ref(), chain),
        },
        EventOf::Source(name) => {
            let source = names::source(name, names.context.catalog, sink);
            Role { step: None, source, demanding: None }
        }
    };
    if let Some(from) = event.from.as_ref().filter(|_| step.is_none()) {
        sink.report(superfluous(from));
    }
    let (fields, raw) = match (source, &event.content) {
        (Some(source), EventContent::Fields(written)) => {
            (fields(names, sink, source, written, demanding)?, None)
        }
        (Some(source), EventContent::Raw(text)) => (Vec::new(), Some(raw::lower(names, sink, source, text)?)),
        (None, EventContent::Fields(written)) => {
            for (_, literal) in written {
                constants::touch(names, sink, std::slice::from_ref(literal));
            }
            return None;
        }
        (None, EventContent::Raw(_)) => return None,
    };
    Some(ir::TestEvent { step, source: source?.name.clone(), at: at?, fields, raw, span: event.span })
}

/// What an event is of: a step, an absence, or only a source.
struct Role<'a> {
    step: Option<usize>,
    source: Option<&'a Source>,
    /// The condition whose demands are filled in. An exception takes records away and demands nothing of those that
    /// stay.
    demanding: Option<&'a Pred>,
}

/// The absence of a name, if the rule has one and no step is called so.
fn absence_of<'a>(names: &Names<'a>, chain: Option<&'a ir::Chain>, name: &Name) -> Option<Role<'a>> {
    if names.step(&name.node).is_some() {
        return None;
    }
    let mut all = chain?.absences();
    let found = all.find(|absence| absence.name.as_ref().is_some_and(|known| known.node == name.node))?;
    let selection = found.selections.first()?;
    let source = names.context.catalog.source(&selection.source.node);
    Some(Role { step: None, source, demanding: Some(&selection.filter) })
}

/// The alternative of a step that an event is of.
fn step_role<'a>(
    names: &Names<'a>,
    sink: &mut Sink,
    name: &Name,
    from: Option<&Name>,
    chain: Option<&'a ir::Chain>,
) -> Role<'a> {
    let step = step_of(names, sink, name);
    let nothing = Role { step, source: None, demanding: None };
    let Some(found) = step.and_then(|step| names.steps.get(step)) else { return nothing };
    let known: Vec<&str> =
        found.written.selections().map(|selection| selection.source.node.as_str()).collect();
    let wanted = match from {
        Some(from) if known.contains(&from.node.as_str()) => from.node.as_str(),
        None if known.iter().all(|one| Some(one) == known.first()) => found.written.main.source.node.as_str(),
        _ => {
            sink.report(unclear(name, from, &known));
            return nothing;
        }
    };
    if let Some(from) = from {
        names::source(from, names.context.catalog, sink);
    }
    let lowered = step.and_then(|step| chain?.steps.get(step));
    let selection = lowered.and_then(|step| step.selections().find(|one| one.source.node == wanted));
    Role {
        step,
        source: names.context.catalog.source(wanted),
        demanding: selection.map(|selection| &selection.filter),
    }
}

fn unclear(name: &Name, from: Option<&Name>, known: &[&str]) -> Diagnostic {
    let sources = naming::ticked(known);
    let found = if let Some(from) = from {
        let title = format!("step `{}` does not read `{}`", name.node, from.node);
        Diagnostic::new(Code::EventSource, from.span, title)
            .label("not one of its sources")
            .suggest(&from.node, known.iter().copied())
    } else {
        let title = format!("step `{}` reads several sources", name.node);
        Diagnostic::new(Code::EventSource, name.span, title)
            .label("an event of which one?")
            .help(format!("name it behind the offset: `{} at 0s from SOURCE {{ … }}`", name.node))
    };
    found.help(format!("its sources are {sources}"))
}

fn superfluous(from: &Name) -> Diagnostic {
    Diagnostic::new(Code::EventSource, from.span, "the source of this event is named already")
        .label("only a step with alternatives needs it")
        .help("remove `from …`")
}

/// The fields of an event, with what `demanding` leaves only one value for.
fn fields(
    names: &Names<'_>,
    sink: &mut Sink,
    source: &Source,
    written: &[(Name, Literal)],
    demanding: Option<&Pred>,
) -> Option<Vec<(ir::Field, Value)>> {
    let mut draft = Draft { source, given: BTreeMap::new(), fields: Vec::new(), right: true };
    for (name, literal) in written {
        draft.add(names, sink, name, literal);
    }
    if let Some(pred) = demanding {
        demanded(pred, &mut draft);
    }
    draft.right.then_some(draft.fields)
}

fn step_of(names: &Names<'_>, sink: &mut Sink, name: &Name) -> Option<usize> {
    let step = names.step(&name.node);
    if let Some(found) = step.and_then(|step| names.steps.get(step)) {
        sink.resolve(name.span, Meaning::Step(found.name.span));
    } else {
        let known: Vec<_> = names.steps.iter().map(|step| step.name.node.as_str()).collect();
        let found = Diagnostic::new(Code::UnknownStep, name.span, format!("unknown step `{}`", name.node))
            .label("unknown step")
            .suggest(&name.node, known.iter().copied())
            .help(format!(
                "the steps are {}; `event of SOURCE` creates a bare event",
                naming::ticked(&known)
            ));
        sink.report(found);
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
    fn add(&mut self, names: &Names<'_>, sink: &mut Sink, name: &Name, literal: &Literal) {
        let Some(def) = self.source.field(&name.node) else {
            constants::touch(names, sink, std::slice::from_ref(literal));
            let found = names
                .lookups
                .elsewhere(&name.node, name.span)
                .unwrap_or_else(|| fields::unknown(sink, name, self.source));
            self.refuse(sink, found);
            return;
        };
        // A second time beside the offset could contradict it, and the order of the events would depend on which one
        // counts.
        if name.node == "event.time" {
            let found =
                Diagnostic::new(Code::TimeInEvent, name.span, "the time of an event is set by its offset")
                    .label("set by `at`")
                    .help("remove the field and change the offset");
            self.refuse(sink, found);
            return;
        }
        if let Some(first) = self.given.insert(name.node.clone(), name.span)
            && !def.many
        {
            let found =
                Diagnostic::new(Code::RepeatedField, name.span, format!("duplicate field `{}`", name.node))
                    .label("again here")
                    .also(first, "first here")
                    .help("a field has a single value; use two events");
            self.refuse(sink, found);
            return;
        }
        let Some(constant) = constants::constant(names, sink, Purpose::TestEvent, literal) else {
            self.right = false;
            return;
        };
        // The empty text is a missing field, whatever the type: that is how a test takes a value away.
        if constant.kind == values::Kind::Text(String::new()) {
            return;
        }
        let target = Meaning::Field { source: self.source.name.clone(), field: def.name.clone() };
        sink.resolve(name.span, target);
        let field = ir::Field { name: def.name.clone(), ty: def.ty, span: name.span };
        let Some(value) = values::typed(sink, &field, &constant) else {
            self.right = false;
            return;
        };
        if let Value::String(text) = &value {
            // A log has the value in one spelling, whatever the conditions of the rule ignore.
            values::among(sink, def, text, Case::Sensitive, constant.span);
        }
        self.fields.push((field, value));
    }

    fn refuse(&mut self, sink: &mut Sink, found: Diagnostic) {
        self.right = false;
        sink.report(found);
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
        // Any spelling meets the test, so the one that is written does; `exact_values` promises more than that.
        TestKind::Equals { values, case: Case::Ignore } => Cow::Borrowed(values.as_slice()),
        // An event with that value alone has both one that meets the test and none that fails it.
        TestKind::Values(ValuesTest { quantifier: _, negated: false, tests }) => {
            let [one] = tests.as_slice() else { return None };
            return only_value(one);
        }
        TestKind::Equals { case: Case::Sensitive, .. }
        | TestKind::InNetworks { .. }
        | TestKind::Like { .. }
        | TestKind::Exists
        | TestKind::InList { .. }
        | TestKind::Order { .. }
        | TestKind::Substring { .. }
        | TestKind::Matches { .. }
        | TestKind::SameAs { .. }
        | TestKind::TextOf { .. }
        | TestKind::Values(_) => kind.exact_values()?,
    };
    if let [value] = values.as_ref() { Some(value.clone()) } else { None }
}

fn expect(names: &Names<'_>, sink: &mut Sink, expect: &Expect) -> Option<ir::Expect> {
    let kind = match &expect.kind {
        ExpectKind::AlertAt(at) => ir::ExpectKind::AlertAt(windows::offset(names, sink, at)?),
        ExpectKind::NoAlert => ir::ExpectKind::NoAlert,
        ExpectKind::Alerts(count) => ir::ExpectKind::Alerts(*count),
    };
    Some(ir::Expect { kind, span: expect.span })
}
