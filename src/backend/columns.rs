//! Where a step's field lives in a target that is not bound yet: see [`super::bind`], which takes the place of this.
//!
//! In: a step, a field, a target's name. Out: the variants that can apply, or a diagnostic that names alternatives.
//! Must not know: what a target does with a column.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::ops::Deref;

use crate::backend::schema::Inexact;
use crate::backend::{Job, Report, Target};
use crate::catalog::{FieldDef, Mapped, Source, SourceMapping};
use crate::diag::{Code, Diagnostic};
use crate::ir::{Field, Step};

/// What a target that compares two addresses as texts does to the answers: a test may miss, its negation may add.
pub(in crate::backend) const BY_TEXT: &str =
    "two addresses are compared as text, so two notations of one IPv6 address count as different";

/// A field as a target sees it from one step.
#[derive(Debug, Clone)]
pub(in crate::backend) struct Place<'a> {
    /// The canonical field.
    pub(in crate::backend) def: &'a FieldDef,
    /// The source's text for "no value", if it has one.
    pub(in crate::backend) placeholder: Option<&'a str>,
    /// The ways to read it, tried by `event.action`; the last one names no actions. Never empty.
    pub(in crate::backend) variants: Vec<Variant<'a>>,
}

/// One way to read a field.
#[derive(Debug, Clone, Copy)]
pub(in crate::backend) struct Variant<'a> {
    /// The column.
    pub(in crate::backend) column: &'a Mapped,
    /// The actions of the events that it is for; empty: of all that are left.
    pub(in crate::backend) actions: &'a [String],
}

impl<'a> From<&'a Mapped> for Variant<'a> {
    fn from(column: &'a Mapped) -> Self {
        Self { column, actions: &column.for_actions }
    }
}

impl Deref for Variant<'_> {
    type Target = Mapped;

    fn deref(&self) -> &Mapped {
        self.column
    }
}

/// The source of a step. The checker has made sure that it exists.
#[must_use]
pub(in crate::backend) fn source<'a>(job: &Job<'a>, step: &Step) -> Option<&'a Source> {
    job.catalog.source(&step.source.node)
}

/// Where the step's source lives in the target. An error if the target does not have it; what the source requires goes
/// to the report.
pub(in crate::backend) fn mapping<'a>(
    job: &Job<'a>,
    target: &dyn Target,
    step: &Step,
    report: &mut Report,
) -> Option<&'a SourceMapping> {
    let Some(mapping) = source(job, step).and_then(|source| source.targets.get(target.name())) else {
        let title = format!("{} has no mapping for `{}`", target.title(), step.source.node);
        let found = Diagnostic::new(Code::NotExpressible, step.source.span, title);
        let label = "the source file gives none for this target";
        report.error(found.label(label).help("add one to the source file, or compile for other targets"));
        return None;
    };
    mapping.requires.iter().for_each(|what| report.require(what));
    Some(mapping)
}

/// Where a field lives, as seen from `step`. An unavailable field is an error at the place where the rule names it;
/// what the field requires goes to the report.
pub(in crate::backend) fn place<'a>(
    job: &Job<'a>,
    target: &dyn Target,
    step: &Step,
    field: &Field,
    report: &mut Report,
) -> Option<Place<'a>> {
    find(job, target, step, field, &|| step.possible_actions().map(Cow::Owned), report)
}

/// As [`place`], where the clause itself says which actions the record can have (`None`: any).
pub(in crate::backend) fn place_among<'a>(
    job: &Job<'a>,
    target: &dyn Target,
    step: &Step,
    field: &Field,
    admitted: Option<&BTreeSet<String>>,
    report: &mut Report,
) -> Option<Place<'a>> {
    find(job, target, step, field, &|| admitted.map(Cow::Borrowed), report)
}

/// The actions that a record can have, if they are bounded.
type Admitted<'b> = Option<Cow<'b, BTreeSet<String>>>;

fn find<'a, 'b>(
    job: &Job<'a>,
    target: &dyn Target,
    step: &Step,
    field: &Field,
    admitted: &dyn Fn() -> Admitted<'b>,
    report: &mut Report,
) -> Option<Place<'a>> {
    let source = source(job, step)?;
    let def = source.field(&field.name)?;
    let Some(column) = def.columns.get(target.name()) else {
        report.error(unavailable(target, field, "the source file has no column for this target", &[]));
        return None;
    };
    let variants = match column.variants() {
        [only] => vec![Variant::from(only)],
        several => applicable(several, admitted().as_deref()),
    };
    for variant in &variants {
        if let Some(reason) = &variant.unavailable {
            report.error(unavailable(target, field, reason, &variant.instead));
            return None;
        }
        variant.requires.iter().for_each(|what| report.require(what));
    }
    def.requires.iter().for_each(|what| report.require(what));
    Some(Place { def, placeholder: source.placeholder.as_deref(), variants })
}

/// Why a column of these variants is not exactly its field; mostly nothing.
pub(in crate::backend) fn inexact<'v>(variants: impl IntoIterator<Item = &'v Mapped>) -> Vec<Inexact> {
    let mut reasons = Vec::new();
    for variant in variants {
        reasons.extend(variant.superset.iter().cloned().map(Inexact::Wider));
        reasons.extend(variant.subset.iter().cloned().map(Inexact::Poorer));
    }
    reasons
}

/// Drops the variants for actions that are not admitted. When only actions of one variant are admitted, that one alone
/// is left.
fn applicable<'a>(variants: &'a [Mapped], admitted: Option<&BTreeSet<String>>) -> Vec<Variant<'a>> {
    let all = || variants.iter().map(Variant::from).collect();
    let Some(admitted) = admitted else { return all() };
    let named = |variant: &Mapped| variant.for_actions.iter().any(|action| admitted.contains(action));
    let covered =
        admitted.iter().all(|action| variants.iter().any(|variant| variant.for_actions.contains(action)));
    let keep = |variant: &Mapped| if variant.for_actions.is_empty() { !covered } else { named(variant) };
    let mut kept: Vec<_> = variants.iter().filter(|variant| keep(variant)).map(Variant::from).collect();
    match kept.last_mut() {
        Some(last) => last.actions = &[],
        None => kept = all(),
    }
    kept
}

fn unavailable(target: &dyn Target, field: &Field, reason: &str, instead: &[String]) -> Diagnostic {
    let title = format!("`{}` is not available in {}", field.name, target.title());
    let found = Diagnostic::new(Code::FieldUnavailable, field.span, title).label(reason);
    if instead.is_empty() {
        return found.help("leave the field out, or map it in `catena.yaml`");
    }
    let names: Vec<_> = instead.iter().map(|name| format!("`{name}`")).collect();
    found.help(format!("use {} instead, or map the field in `catena.yaml`", names.join(" or ")))
}
