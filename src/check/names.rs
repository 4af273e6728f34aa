//! Names: what the words of a rule refer to, and what to say about words that refer to nothing.
//!
//! In: names as written. Out: fields, steps and their places.
//! Must not know: operators, windows, allowlist entries.

use std::ops::Range;

use crate::catalog::{Catalog, FieldDef, Source};
use crate::diag::{Code, Diagnostic, Fix};
use crate::ir::{self, Type};
use crate::source::Span;
use crate::syntax;
use crate::syntax::ast::{Chain, ChainItem, Name, Rule, Selection, Step, StepClause};
use crate::unit::Unit;

use super::Context;
use super::fields;
use super::lists::Lists;
use super::lookups::Lookups;
use super::naming;
use super::params::Params;
use super::resolutions::{DefinitionKind, Meaning};
use super::sink::Sink;

/// A step as other clauses see it.
#[derive(Debug, Clone, Copy)]
pub(super) struct StepRef<'a> {
    pub(super) name: &'a Name,
    /// The source of its first alternative.
    pub(super) source: Option<&'a Source>,
    pub(super) written: &'a Step,
}

/// Whose record a condition reads.
#[derive(Debug, Clone, Copy)]
pub(super) struct Subject<'a> {
    /// The step, or the absence.
    pub(super) name: &'a Name,
    pub(super) source: Option<&'a Source>,
}

/// Everything a clause of a rule may refer to: a table that nothing changes.
#[derive(Debug)]
pub(super) struct Names<'a> {
    pub(super) context: &'a Context<'a>,
    pub(super) unit: &'a Unit<'a>,
    pub(super) params: Params<'a>,
    pub(super) steps: Vec<StepRef<'a>>,
    pub(super) lists: &'a Lists<'a>,
    pub(super) lookups: &'a Lookups<'a>,
    /// The lists that conditions of the rule name and that could be read, in order of first use.
    pub(super) used_lists: Vec<usize>,
}

impl<'a> Names<'a> {
    /// The source of a step, if the step and its source exist.
    pub(super) fn source(&self, step: usize) -> Option<&'a Source> {
        self.steps.get(step).and_then(|step| step.source)
    }

    /// The index of the first step of a name.
    pub(super) fn step(&self, name: &str) -> Option<usize> {
        self.steps.iter().position(|step| step.name.node == name)
    }

    /// The steps before and after link `index`.
    pub(super) fn neighbours(&self, index: usize) -> Option<(StepRef<'a>, StepRef<'a>)> {
        Some((*self.steps.get(index)?, *self.steps.get(index + 1)?))
    }

    fn step_names(&self) -> impl Iterator<Item = &'a str> {
        self.steps.iter().map(|step| step.name.node.as_str())
    }

    /// Notes what a field of a step stands for.
    fn note_field(&self, sink: &mut Sink, span: Span, step: usize, field: &str) {
        if let Some(source) = self.source(step) {
            note(sink, span, source, field);
        }
    }

    /// The source that a selection reads, if it exists; that it does not has been reported.
    pub(super) fn source_of(&self, selection: &Selection) -> Option<&'a Source> {
        self.context.catalog.source(&selection.source.node)
    }

    /// The field that a step has under a name of the rule: for each alternative, `None` where it lacks it.
    pub(super) fn fields(&self, step: StepRef<'a>, name: &str) -> Vec<(&'a Selection, Option<&'a FieldDef>)> {
        let of = |selection: &'a Selection| {
            let renamed = selection.renames.iter().find(|rename| rename.name.node == name);
            self.source_of(selection)?.field(renamed.map_or(name, |rename| &rename.of.node))
        };
        step.written.selections().map(|selection| (selection, of(selection))).collect()
    }
}

/// Notes what a field stands for.
fn note(sink: &mut Sink, span: Span, source: &Source, field: &str) {
    sink.resolve(span, Meaning::Field { source: source.name.clone(), field: field.to_owned() });
}

/// The steps of all chains of a rule, in order.
pub(super) fn steps_of(rule: &Rule) -> impl Iterator<Item = &Step> {
    // Also of a second chain, which is an error by itself: alerts and tests that name its steps add nothing to it.
    rule.clauses.iter().filter_map(super::chain_of).flat_map(|chain| &chain.items).flat_map(ChainItem::steps)
}

/// Looks up the sources of a rule's steps and holds their names apart.
pub(super) fn steps<'a>(rule: &'a Rule, catalog: &'a Catalog, sink: &mut Sink) -> Vec<StepRef<'a>> {
    let mut known: Vec<StepRef<'a>> = Vec::new();
    for step in steps_of(rule) {
        naming::length(&step.name, &mut sink.diags);
        sink.define(DefinitionKind::Step, &step.name, step.span);
        if syntax::begins_test_line(&step.name.node) {
            let found = Diagnostic::new(
                Code::ReservedName,
                step.name.span,
                format!("`{}` cannot be the name of a step", step.name.node),
            )
            .label("a reserved word")
            .help("this word starts, or will start, a line of a test block; choose another name");
            sink.report(found);
        }
        // A step whose name is taken stays in the row, since conditions and links go by the number of a step.
        if let Some(first) = known.iter().find(|first| first.name.node == step.name.node) {
            naming::twice("step", &step.name, first.name.span, &mut sink.diags);
        }
        let main = source(&step.main.source, catalog, sink);
        for other in &step.others {
            source(&other.source, catalog, sink);
        }
        known.push(StepRef { name: &step.name, source: main, written: step });
    }
    absences_apart(rule, &known, sink);
    known
}

/// Refuses an absence with the name of a step: a test, and a column of a query, could not tell which is meant.
fn absences_apart(rule: &Rule, steps: &[StepRef<'_>], sink: &mut Sink) {
    let chains = rule.clauses.iter().filter_map(super::chain_of);
    for name in chains.flat_map(Chain::absences).map(|unless| &unless.name) {
        let Some(step) = steps.iter().find(|step| step.name.node == name.node) else { continue };
        let title = format!("a step and an `unless` are named `{}`", name.node);
        let found = Diagnostic::new(Code::DefinedTwice, name.span, title)
            .label("what must not be there")
            .also(step.name.span, "the step")
            .help("rename one of them");
        sink.report(found);
    }
}

/// Looks up a source.
pub(super) fn source<'a>(name: &Name, catalog: &'a Catalog, sink: &mut Sink) -> Option<&'a Source> {
    let found = catalog.source(&name.node);
    if let Some(source) = found {
        sink.resolve(name.span, Meaning::Source(source.name.clone()));
    } else {
        let known: Vec<_> = catalog.names().collect();
        let lower = name.node.to_ascii_lowercase();
        let mut found =
            Diagnostic::new(Code::UnknownSource, name.span, format!("unknown log source `{}`", name.node))
                .label("unknown source");
        if known.contains(&lower.as_str()) {
            found = found.help("names of sources are lower case");
            found.fix = Some(Fix { span: name.span, replacement: lower });
        } else {
            found = found.suggest(&lower, known.iter().copied());
        }
        sink.report(found.help(format!("known sources: {}", naming::ticked(&known))));
    }
    found
}

/// A field of the record that a condition reads.
pub(super) fn field(
    names: &Names<'_>,
    sink: &mut Sink,
    subject: Subject<'_>,
    name: &Name,
) -> Option<ir::Field> {
    let field = of_any_number(names, sink, subject, name)?;
    if field.many {
        sink.report(quantified(name, field.ty));
        return None;
    }
    Some(ir::Field { name: field.name.clone(), ty: field.ty, span: name.span })
}

/// The finding for a test of a field with several values that does not say of how many it must hold.
fn quantified(name: &Name, ty: Type) -> Diagnostic {
    let field = &name.node;
    let title = format!("`{field}` can have several values");
    // Each of these is a condition as it stands: nothing else of a type asks for a value whatever it is.
    let help = match ty {
        Type::String => format!(
            "write `any({field}) …` or `all({field}) …`; `any({field}) like \"*\"` asks whether it has a value"
        ),
        Type::Bool => format!(
            "write `any({field}) == true` or `all({field}) == true`; `any({field}) in (true, false)` asks whether it has a value"
        ),
        Type::Ip => format!(
            "write `any({field}) …` or `all({field}) …`; `any({field}) in (\"0.0.0.0/0\", \"::/0\")` asks whether it has a value"
        ),
        Type::Int | Type::Float | Type::Time => {
            format!("write `any({field}) …` or `all({field}) …` with an operator and a value")
        }
    };
    Diagnostic::new(Code::SeveralValues, name.span, title)
        .label("a condition cannot tell which of them it means")
        .help(help)
}

/// A field of the record that a condition reads, whether it has one value or several.
pub(super) fn of_any_number<'s>(
    names: &Names<'_>,
    sink: &mut Sink,
    subject: Subject<'s>,
    name: &Name,
) -> Option<&'s FieldDef> {
    let source = subject.source?;
    // The field first: a step named `actor` must not take `actor.id` away from the conditions.
    if let Some(field) = source.field(&name.node) {
        note(sink, name.span, source, &field.name);
        return Some(field);
    }
    // The reading that explains most comes first: `launch.image.id`, and a field of another step's source, are right
    // names in the wrong place, not misspelt ones.
    let found = names
        .lookups
        .elsewhere(&name.node, name.span)
        .or_else(|| step_inside(names, subject, name))
        .or_else(|| foreign(names, subject, name, source))
        .unwrap_or_else(|| fields::unknown(sink, name, source));
    sink.report(found);
    None
}

/// Whether a field of a step can have several values in one of its sources.
pub(super) fn has_several(names: &Names<'_>, step: StepRef<'_>, name: &str) -> bool {
    names.fields(step, name).iter().any(|(_, found)| found.is_some_and(|def| def.many))
}

/// Whether letter case means nothing in a text field of a step: one of its sources says so.
pub(super) fn folds(names: &Names<'_>, step: StepRef<'_>, field: &ir::Field) -> bool {
    names.fields(step, &field.name).iter().any(|(_, found)| found.is_some_and(FieldDef::ignores_case))
}

/// Whether a field of a step can have several values in each of its sources; reports one that has a single one. `at` is
/// the `any` that asks for it.
pub(super) fn all_several(
    names: &Names<'_>,
    sink: &mut Sink,
    step: StepRef<'_>,
    field: &ir::Field,
    at: Span,
) -> bool {
    let fields = names.fields(step, &field.name);
    let Some((selection, _)) = fields.iter().find(|(_, found)| found.is_some_and(|def| !def.many)) else {
        return true;
    };
    let title = format!("`{}` has a single value", field.name);
    let found = Diagnostic::new(Code::SingleValue, at, title)
        .label("for fields with several values")
        .also(selection.source.span, "in this source")
        .help("name the field without `any`");
    sink.report(found);
    false
}

/// Whether a field of a step has one value in each of its sources; reports one that can have several.
pub(super) fn is_single(names: &Names<'_>, sink: &mut Sink, step: StepRef<'_>, field: &ir::Field) -> bool {
    let several = has_several(names, step, &field.name);
    if several {
        sink.report(self::several(&field.name, field.span));
    }
    !several
}

/// The finding for a field with several values where only one can stand.
pub(super) fn several(name: &str, span: Span) -> Diagnostic {
    Diagnostic::new(Code::SeveralValues, span, format!("`{name}` can have several values"))
        .label("it is not clear which of them is meant")
        .help("take a field with one value; `catena sources NAME` says which have several. A link takes `any(FIELD)`")
}

/// `launch.image.id` where only `image.id` can stand.
fn step_inside(names: &Names<'_>, subject: Subject<'_>, name: &Name) -> Option<Diagnostic> {
    let (first, rest) = name.node.split_once('.')?;
    names.step(first)?;
    let own = subject.name.node == first;
    let found =
        Diagnostic::new(Code::StepInsideStep, name.span, format!("`{}` has a step prefix", name.node));
    if own {
        let mut found = found
            .label(format!("already inside step `{first}`"))
            .help(format!("write `{rest}`: a step can only access its own record"));
        found.fix = Some(Fix { span: name.span, replacement: rest.to_owned() });
        return Some(found);
    }
    Some(found.label(format!("a field of step `{first}`")).help(
        "a step can only access its own record; compare fields of two steps with a link: `then within … on …`",
    ))
}

fn foreign(names: &Names<'_>, subject: Subject<'_>, name: &Name, source: &Source) -> Option<Diagnostic> {
    let other = names.steps.iter().find(|other| {
        other.name.node != subject.name.node
            && other.source.is_some_and(|other| other.field(&name.node).is_some())
    })?;
    let title = format!("`{}` has no field `{}`", source.name, name.node);
    let found = Diagnostic::new(Code::ForeignField, name.span, title)
        .label(format!("a field of `{}`", other.source.map_or("", |source| &source.name)))
        .also(other.name.span, "this step has it")
        .help(format!("test it in step `{}`, or use a field of `{}`", other.name.node, source.name));
    let (found, _) = fields::suggest(found, name, &[source], |_| true);
    Some(found.help(fields::listing(source)))
}

/// `step.field`, as it stands outside steps.
pub(super) fn step_field(names: &Names<'_>, sink: &mut Sink, name: &Name) -> Option<ir::StepField> {
    let Some((step, first, rest)) = split(names, name) else {
        let found = no_step(names, name);
        sink.report(found);
        return None;
    };
    // The spans of the two parts, so that a suggestion replaces only the field.
    let dot = name.span.start.saturating_add(u32::try_from(first.len()).unwrap_or(0)).min(name.span.end);
    let of_field = Span { start: dot.saturating_add(1).min(name.span.end), ..name.span };
    // A placeholder whose place is not known stands at the whole playbook.
    let placed = name.span.range().len() == name.node.len();
    if let Some(found) = names.steps.get(step).filter(|_| placed) {
        sink.resolve(Span { end: dot, ..name.span }, Meaning::Step(found.name.span));
    }
    let source = names.source(step)?;
    let of_step = *names.steps.get(step)?;
    if let Some(ty) = counted(of_step, &rest) {
        return Some(ir::StepField { step, field: ir::Field { name: rest, ty, span: name.span } });
    }
    // An alternative may have what the first one lacks; where it does not, the field is missing.
    let Some(field) = names.fields(of_step, &rest).into_iter().find_map(|(_, field)| field) else {
        let found = names
            .lookups
            .elsewhere(&rest, of_field)
            .unwrap_or_else(|| fields::unknown(sink, &Name { node: rest, span: of_field }, source));
        sink.report(found);
        return None;
    };
    if placed {
        names.note_field(sink, of_field, step, &rest);
    }
    Some(ir::StepField { step, field: ir::Field { name: rest, ty: field.ty, span: name.span } })
}

/// The type of what a step with `at least` says of its burst.
fn counted(step: StepRef<'_>, name: &str) -> Option<Type> {
    let counts = step.written.clauses.iter().any(|clause| matches!(clause, StepClause::AtLeast(_)));
    match name {
        ir::COUNT if counts => Some(Type::Int),
        ir::FIRST_TIME if counts => Some(Type::Time),
        _ => None,
    }
}

/// Notes what a field stands for that several steps have: the field of each of their sources.
pub(super) fn note_shared(names: &Names<'_>, sink: &mut Sink, name: &Name, steps: Range<usize>) {
    steps.for_each(|step| names.note_field(sink, name.span, step, &name.node));
}

/// The step that a dotted name begins with, and the rest.
pub(super) fn split(names: &Names<'_>, name: &Name) -> Option<(usize, String, String)> {
    let (first, rest) = name.node.split_once('.')?;
    Some((names.step(first)?, first.to_owned(), rest.to_owned()))
}

/// The finding for a name that does not begin with a step.
pub(super) fn no_step(names: &Names<'_>, name: &Name) -> Diagnostic {
    if let Some(found) = names.lookups.elsewhere(&name.node, name.span) {
        return found;
    }
    let owners: Vec<_> = names
        .steps
        .iter()
        .filter(|step| step.source.is_some_and(|source| source.field(&name.node).is_some()))
        .map(|step| format!("{}.{}", step.name.node, name.node))
        .collect();
    if let Some(owner) = owners.first() {
        let mut found =
            Diagnostic::new(Code::NoStep, name.span, format!("`{}` has no step prefix", name.node))
                .label("step missing")
                .help(format!("write {}", naming::ticked(&owners).replace(", ", " or ")));
        // With several owners a fix would choose the step, and with it what the alert is about.
        if owners.len() == 1 {
            found.fix = Some(Fix { span: name.span, replacement: owner.clone() });
        }
        return found;
    }
    let (first, rest) = name.node.split_once('.').unwrap_or((&name.node, ""));
    let mut found = Diagnostic::new(Code::UnknownStep, name.span, format!("unknown step `{first}`"))
        .label("expected `step.field`");
    if let Some(near) = crate::diag::nearest(first, names.step_names()) {
        let whole = if rest.is_empty() { near.to_owned() } else { format!("{near}.{rest}") };
        found = found.help(format!("did you mean `{whole}`?"));
        found.fix = Some(Fix { span: name.span, replacement: whole });
    }
    let all: Vec<_> = names.step_names().collect();
    found.help(format!("the steps are {}", naming::ticked(&all)))
}
