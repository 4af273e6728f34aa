//! Names: what the words of a rule refer to, and what to say about words that refer to nothing.
//!
//! In: names as written. Out: fields, steps and their places.
//! Must not know: operators, windows, allowlist entries.

use crate::catalog::{Catalog, Source};
use crate::diag::{Code, Diagnostic, Diagnostics, Fix};
use crate::ir;
use crate::source::{Sources, Span};
use crate::syntax::ast::{ChainItem, Name, Rule, Step};

use super::Context;
use super::lists::Lists;
use super::params::Params;

/// The longest name of a rule, step, list or parameter: columns and macros are made of them.
const LONGEST_NAME: usize = 64;

/// Words with which a clause of a test block begins, or will begin.
const RESERVED: &[&str] = &["event", "expect", "at", "least", "distinct", "before"];

/// A step as other clauses see it.
#[derive(Debug, Clone, Copy)]
pub(super) struct StepRef<'a> {
    pub(super) name: &'a Name,
    pub(super) source: Option<&'a Source>,
}

/// Everything a clause of a rule may refer to, and the place for findings.
#[derive(Debug)]
pub(super) struct Scope<'a, 'd> {
    pub(super) context: &'a Context<'a>,
    pub(super) sources: &'a Sources,
    pub(super) params: Params<'a>,
    pub(super) steps: Vec<StepRef<'a>>,
    pub(super) lists: &'d Lists<'a>,
    /// Lists the rule has used so far, in order of first use.
    pub(super) used_lists: Vec<usize>,
    pub(super) diags: &'d mut Diagnostics,
}

impl<'a> Scope<'a, '_> {
    pub(super) fn report(&mut self, diagnostic: Diagnostic) {
        self.diags.push(diagnostic);
    }

    /// The source of a step, if the step and its source exist.
    pub(super) fn source(&self, step: usize) -> Option<&'a Source> {
        self.steps.get(step).and_then(|step| step.source)
    }

    /// The index of the first step of a name.
    pub(super) fn step(&self, name: &str) -> Option<usize> {
        self.steps.iter().position(|step| step.name.node == name)
    }

    fn step_names(&self) -> impl Iterator<Item = &'a str> {
        self.steps.iter().map(|step| step.name.node.as_str())
    }
}

/// The steps of all chains of a rule, in order.
pub(super) fn steps_of(rule: &Rule) -> impl Iterator<Item = &Step> {
    rule.clauses.iter().filter_map(super::chain_of).flat_map(|chain| &chain.items).filter_map(|item| {
        match item {
            ChainItem::Step(step) => Some(step),
            ChainItem::Then(_) => None,
        }
    })
}

/// Looks up the sources of a rule's steps and holds their names apart.
pub(super) fn steps<'a>(rule: &'a Rule, catalog: &'a Catalog, diags: &mut Diagnostics) -> Vec<StepRef<'a>> {
    let mut known: Vec<StepRef<'a>> = Vec::new();
    for step in steps_of(rule) {
        length(&step.name, diags);
        if RESERVED.contains(&step.name.node.as_str()) {
            let found = Diagnostic::new(
                Code::ReservedName,
                step.name.span,
                format!("a step cannot be called `{}`", step.name.node),
            )
            .label("a word of the language")
            .help("test blocks begin their lines with this word or will do so; choose another name");
            diags.push(found);
        }
        if let Some(first) = known.iter().find(|first| first.name.node == step.name.node) {
            twice("step", &step.name, first.name.span, diags);
        }
        known.push(StepRef { name: &step.name, source: source(&step.source, catalog, diags) });
    }
    known
}

/// Looks up a source.
pub(super) fn source<'a>(name: &Name, catalog: &'a Catalog, diags: &mut Diagnostics) -> Option<&'a Source> {
    let found = catalog.source(&name.node);
    if found.is_none() {
        let known: Vec<_> = catalog.iter().map(|source| source.name.as_str()).collect();
        diags.push(
            Diagnostic::new(
                Code::UnknownSource,
                name.span,
                format!("no log source is called `{}`", name.node),
            )
            .label("unknown source")
            .suggest(&name.node, known.iter().copied())
            .help(format!("known sources: {}", ticked(&known))),
        );
    }
    found
}

/// Refuses a name that is too long to become part of columns and macros.
pub(super) fn length(name: &Name, diags: &mut Diagnostics) {
    if name.node.len() > LONGEST_NAME {
        let title = format!("this name has {} characters", name.node.len());
        diags.push(
            Diagnostic::new(Code::NameTooLong, name.span, title)
                .label(format!("longer than {LONGEST_NAME} characters"))
                .help("names become parts of columns, files and macros, which are short; shorten it"),
        );
    }
}

/// Reports that a name is taken.
pub(super) fn twice(what: &str, name: &Name, first: Span, diags: &mut Diagnostics) {
    diags.push(
        Diagnostic::new(Code::DefinedTwice, name.span, format!("a second {what} is called `{}`", name.node))
            .label("defined again here")
            .also(first, "first defined here")
            .help("rename one of them"),
    );
}

/// A field of the step's own record.
pub(super) fn field(scope: &mut Scope<'_, '_>, step: usize, name: &Name) -> Option<ir::Field> {
    let source = scope.source(step)?;
    if let Some(field) = source.field(&name.node) {
        return Some(ir::Field { name: field.name.clone(), ty: field.ty, span: name.span });
    }
    let found = step_inside(scope, step, name)
        .or_else(|| foreign(scope, step, name, source))
        .unwrap_or_else(|| unknown(name, source));
    scope.report(found);
    None
}

/// `launch.image.id` where only `image.id` can stand.
fn step_inside(scope: &Scope<'_, '_>, step: usize, name: &Name) -> Option<Diagnostic> {
    let (first, rest) = name.node.split_once('.')?;
    let named = scope.step(first)?;
    let own = named == step;
    let found = Diagnostic::new(Code::StepInsideStep, name.span, format!("`{}` names a step", name.node));
    if own {
        let mut found = found
            .label(format!("this is already step `{first}`"))
            .help(format!("write `{rest}`: a step sees only its own record"));
        found.fix = Some(Fix { span: name.span, replacement: rest.to_owned() });
        return Some(found);
    }
    Some(found.label(format!("a field of step `{first}`")).help(
        "a step sees only its own record; fields of two steps are compared by a link: `then within … on …`",
    ))
}

fn foreign(scope: &Scope<'_, '_>, step: usize, name: &Name, source: &Source) -> Option<Diagnostic> {
    let other = scope.steps.iter().enumerate().find(|(index, other)| {
        *index != step && other.source.is_some_and(|other| other.field(&name.node).is_some())
    });
    let (_, other) = other?;
    let title = format!("`{}` has no field `{}`", source.name, name.node);
    let found = Diagnostic::new(Code::ForeignField, name.span, title)
        .label(format!("a field of `{}`", other.source.map_or("", |source| &source.name)))
        .also(other.name.span, "the step that has it")
        .help(format!("test it in step `{}`, or use a field of `{}`", other.name.node, source.name));
    Some(found.suggest(&name.node, source.fields.keys().map(String::as_str)).help(listing(source)))
}

/// The finding for a field that a source lacks.
pub(super) fn unknown(name: &Name, source: &Source) -> Diagnostic {
    let title = format!("`{}` has no field `{}`", source.name, name.node);
    Diagnostic::new(Code::UnknownField, name.span, title)
        .label("unknown field")
        .suggest(&name.node, source.fields.keys().map(String::as_str))
        .help(listing(source))
}

fn listing(source: &Source) -> String {
    format!("`catena sources {}` lists its fields", source.name)
}

/// `step.field`, as it stands outside steps.
pub(super) fn step_field(scope: &mut Scope<'_, '_>, name: &Name) -> Option<ir::StepField> {
    let Some((step, first, rest)) = split(scope, name) else {
        let found = no_step(scope, name);
        scope.report(found);
        return None;
    };
    let source = scope.source(step)?;
    let Some(field) = source.field(&rest) else {
        // The span of the field alone, so that a suggestion replaces only that.
        let at =
            name.span.start.saturating_add(u32::try_from(first.len() + 1).unwrap_or(0)).min(name.span.end);
        let span = Span { start: at, ..name.span };
        let found = unknown(&Name { node: rest, span }, source);
        scope.report(found);
        return None;
    };
    let field = ir::Field { name: field.name.clone(), ty: field.ty, span: name.span };
    Some(ir::StepField { step, field })
}

/// The step that a dotted name begins with, and the rest.
pub(super) fn split(scope: &Scope<'_, '_>, name: &Name) -> Option<(usize, String, String)> {
    let (first, rest) = name.node.split_once('.')?;
    Some((scope.step(first)?, first.to_owned(), rest.to_owned()))
}

/// The finding for a name that does not begin with a step.
pub(super) fn no_step(scope: &Scope<'_, '_>, name: &Name) -> Diagnostic {
    let owners: Vec<_> = scope
        .steps
        .iter()
        .filter(|step| step.source.is_some_and(|source| source.field(&name.node).is_some()))
        .map(|step| format!("{}.{}", step.name.node, name.node))
        .collect();
    if let Some(owner) = owners.first() {
        let mut found = Diagnostic::new(Code::NoStep, name.span, format!("`{}` names no step", name.node))
            .label("a field of which step?")
            .help(format!("write {}", ticked(&owners).replace(", ", " or ")));
        if owners.len() == 1 {
            found.fix = Some(Fix { span: name.span, replacement: owner.clone() });
        }
        return found;
    }
    let (first, rest) = name.node.split_once('.').unwrap_or((&name.node, ""));
    let mut found = Diagnostic::new(Code::UnknownStep, name.span, format!("no step is called `{first}`"))
        .label("expected `step.field`");
    if let Some(near) = crate::diag::nearest(first, scope.step_names()) {
        let whole = if rest.is_empty() { near.to_owned() } else { format!("{near}.{rest}") };
        found = found.help(format!("did you mean `{whole}`?"));
        found.fix = Some(Fix { span: name.span, replacement: whole });
    }
    let names: Vec<_> = scope.step_names().collect();
    found.help(format!("the steps are {}", ticked(&names)))
}

/// `` `a`, `b`, `c` ``.
pub(super) fn ticked(names: &[impl AsRef<str>]) -> String {
    names.iter().map(|name| format!("`{}`", name.as_ref())).collect::<Vec<_>>().join(", ")
}
