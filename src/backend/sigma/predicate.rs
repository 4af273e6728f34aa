//! The condition of a step as a condition over Sigma items that holds for the same records.
//!
//! In: a bound step. Out: a [`Cond`]; what Sigma cannot express goes to the report.
//! Must not know: chains, names of selections, YAML.

use super::Sigma;
use super::column::{self, Column};
use super::item::Cond;
use super::literal::{FieldName, Modifier, Scalar};
use super::physical::Physical;
use crate::backend::bind::{BoundField, BoundSelection, BoundTest};
use crate::backend::schema::cases;
use crate::backend::schema::{Dialect as _, Inexact};
use crate::backend::truth::Truth;
use crate::backend::{Effect, Report};
use crate::diag::{Code, Diagnostic};
use crate::ir::{Case, TestKind, Type};
use crate::source::Span;

type Field<'a> = BoundField<'a, Column>;

/// The whole condition of an alternative of a step.
pub(super) fn condition(selection: &BoundSelection<'_, Sigma>, report: &mut Report) -> Cond {
    let action = selection.action.as_ref();
    // Negation stays where the rule has it. An item on a missing field is false and its negation true, so every `not`
    // is right as it stands, and exceptions remain filters that people can read.
    selection.condition.map(false, &mut |test, negated| Lowering { test, action, negated, report }.test())
}

/// The one physical field of a field that must have one: a join key, the other side of a comparison.
pub(super) fn only<'a>(field: &Field<'a>, report: &mut Report) -> Option<Physical<'a>> {
    let (reason, help) = match field.only().map(|way| (way.column, way.placeholders)) {
        Some((Column::Field(name, stored), placeholders)) => {
            return Some(Physical {
                name,
                ty: field.ty,
                stored: *stored,
                spelling: field.spelling,
                placeholders,
                about: field.name,
            });
        }
        Some((Column::Cases(_), _)) => ("the field is derived from several others", "use another field"),
        None => (
            "the field has several columns, selected by `event.action`",
            "compare `event.action` in the step, so that one of its columns is left",
        ),
    };
    refuse(field.span, reason, help, report);
    None
}

fn refuse(span: Span, reason: &str, help: &str, report: &mut Report) {
    let title = format!("{} cannot express this", Sigma::TITLE);
    report.error(Diagnostic::new(Code::NotExpressible, span, title).label(reason).help(help));
}

/// A test of a step on its way to a condition.
struct Lowering<'t, 'a> {
    test: &'t BoundTest<'a, Sigma>,
    /// The field that selects between the columns of others.
    action: Option<&'t Field<'a>>,
    /// Under an odd number of negations.
    negated: bool,
    report: &'t mut Report,
}

impl Lowering<'_, '_> {
    /// The test, for each of the columns between which the action selects. Actions of two columns exclude each other,
    /// so only the last column, which names none, has to exclude those of the others.
    fn test(&mut self) -> Cond {
        let (mut parts, mut others) = (Vec::new(), Vec::new());
        for way in &self.test.field.ways {
            let holds = self.way(way.column, way.placeholders);
            if way.actions.is_empty() {
                parts.push(Truth::all(others.iter().cloned().chain([holds])));
            } else {
                let action = self.action.and_then(|action| only(action, self.report));
                let action =
                    action.map_or(Truth::Always(false), |action| action.equals(way.actions, Case::Sensitive));
                parts.push(Truth::all([action.clone(), holds]));
                others.push(action.not());
            }
        }
        Truth::any(parts)
    }

    fn way(&mut self, column: &Column, placeholders: &[String]) -> Cond {
        let (name, stored) = match column {
            Column::Field(name, stored) => (name, *stored),
            Column::Cases(cases) => return self.cases(cases, placeholders),
        };
        let field = &self.test.field;
        let (ty, spelling) = (field.ty, field.spelling);
        let column = Physical { name, ty, stored, spelling, placeholders, about: field.name };
        if let Some(other) = &self.test.other {
            return self.same_as(&column, other);
        }
        let (reason, help) = match column.tested(self.test) {
            Ok(cond) if cond.tests().iter().all(|(item, _)| item.is_visible()) => return cond,
            Ok(_) => (
                "the value has a hidden character",
                "compare with a part of the value, or use `like` with `?` in its place",
            ),
            Err(reason) => (reason, "write the test in another way, or compile for other targets"),
        };
        self.refuse(reason, help)
    }

    /// A test of a field that only has the values of its cases: one for which the test holds is the first to apply.
    fn cases(&mut self, cases: &[cases::Case<column::When>], placeholders: &[String]) -> Cond {
        if !matches!(self.test.test.kind, TestKind::Exists | TestKind::Equals { .. }) {
            let help = format!("compare `{}` with `==`, `!=` or `in`", self.test.field.name);
            return self.refuse("the field is derived from several others", &help);
        }
        cases::giving(
            cases,
            |value| self.test.could_pass(value),
            |when| {
                Truth::all(when.iter().map(|(name, value)| self.when(name, value.as_deref(), placeholders)))
            },
        )
    }

    /// A part of the condition of a case: its fields are texts, spelt as the values of the field are.
    fn when(&self, name: &FieldName, value: Option<&str>, placeholders: &[String]) -> Cond {
        let (about, spelling) = (self.test.field.name, self.test.field.spelling);
        let column = Physical { name, ty: Type::String, stored: None, spelling, placeholders, about };
        value.map_or_else(|| column.missing(), |value| column.equals([value], Case::Sensitive))
    }

    fn same_as(&mut self, column: &Physical<'_>, other: &Field<'_>) -> Cond {
        let Some(other) = only(other, self.report) else { return Truth::Always(false) };
        let span = self.test.test.span;
        let ignores_case = matches!(self.test.test.kind, TestKind::TextOf { case: Case::Ignore, .. });
        if column.ty == Type::String && self.negated && !ignores_case {
            // The gate has noted what it does to a test that is not negated.
            self.report.note(Effect::Subset, span, IGNORES_CASE);
        }
        if column.ty == Type::Ip {
            Inexact::addresses_as_text(self.negated, span, self.report);
        }
        let place = if let TestKind::TextOf { place, .. } = self.test.test.kind { place } else { None };
        let equal = column.item(Modifier::Field(place), vec![Scalar::Raw(other.name.text().to_owned())]);
        // One side is enough: what equals a present value is present.
        Truth::all([equal, column.missing().not()])
    }

    fn refuse(&mut self, reason: &str, help: &str) -> Cond {
        refuse(self.test.test.span, reason, help, self.report);
        Truth::Always(false)
    }
}

const IGNORES_CASE: &str =
    "`fieldref` compares text ignoring case, so values that differ only in case count as equal";
