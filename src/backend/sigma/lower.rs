//! From a predicate over canonical fields to a condition over Sigma items.
//!
//! In: a predicate of one step. Out: a [`Cond`] that holds for the same events; what Sigma cannot say goes to the
//! report. Must not know: chains, names of selections, YAML.

use std::collections::BTreeSet;

use crate::backend::columns::{self, Place};
use crate::backend::schema::Inexact;
use crate::backend::{Effect, Job, Report, Target};
use crate::catalog::{Case as When, Mapped};
use crate::diag::{Code, Diagnostic};
use crate::ir::{Case, Field, FieldTest, Pred, Step, TestKind, Type, Value};
use crate::source::Span;

use super::Sigma;
use super::cond::{Cond, Item};
use super::literal::{FieldName, Scalar};
use super::test::{Column, tested};

const ACTION: &str = "event.action";

/// Lowers the predicates of one step.
#[derive(Debug)]
pub(super) struct Lowering<'a, 'r> {
    pub(super) job: &'a Job<'a>,
    pub(super) step: &'a Step,
    pub(super) report: &'r mut Report,
}

/// What is known at one place of a predicate.
#[derive(Debug, Clone)]
pub(super) struct Context {
    /// Under an odd number of negations.
    negated: bool,
    /// The actions that a record can have here; `None`: any.
    admitted: Option<BTreeSet<String>>,
}

impl Context {
    /// Where nothing is known but the whole condition of the step.
    pub(super) fn of(step: &Step) -> Self {
        Self { negated: false, admitted: step.possible_actions() }
    }

    fn flipped(&self) -> Self {
        Self { negated: !self.negated, admitted: self.admitted.clone() }
    }

    /// Beside the other parts of a conjunction only the actions that it demands count: where they do not hold, the
    /// conjunction is false whatever this part says.
    fn within(&self, conjunction: &Pred) -> Self {
        let demanded = conjunction.required_texts(ACTION).map(|texts| texts.strings());
        let admitted = match (&self.admitted, demanded) {
            (Some(known), Some(more)) => Some(known.intersection(&more).cloned().collect()),
            (known, more) => more.or_else(|| known.clone()),
        };
        Self { negated: self.negated, admitted }
    }
}

impl<'a> Lowering<'a, '_> {
    /// The whole condition of the step.
    pub(super) fn step(&mut self) -> Cond {
        let context = Context::of(self.step);
        let filter = self.pred(&self.step.filter, &context);
        let excepts: Vec<_> =
            self.step.excepts.iter().map(|except| self.pred(except, &context.flipped()).not()).collect();
        Cond::all(std::iter::once(filter).chain(excepts))
    }

    fn pred(&mut self, pred: &Pred, context: &Context) -> Cond {
        match pred {
            Pred::And(parts) => {
                let context = context.within(pred);
                Cond::all(parts.iter().map(|part| self.pred(part, &context)).collect::<Vec<_>>())
            }
            Pred::Or(parts) => {
                Cond::any(parts.iter().map(|part| self.pred(part, context)).collect::<Vec<_>>())
            }
            Pred::Not(inner) => self.pred(inner, &context.flipped()).not(),
            Pred::Test(test) => self.test(test, context),
        }
    }

    /// A test, for each of the places in which the action decides that the field lives.
    fn test(&mut self, test: &FieldTest, context: &Context) -> Cond {
        let Some(place) = self.place(&test.field, context) else { return Cond::Never };
        let (mut parts, mut earlier) = (Vec::new(), Vec::new());
        for variant in &place.variants {
            let holds = self.variant(test, &place, variant, context);
            if variant.actions.is_empty() {
                parts.push(Cond::all(earlier.iter().cloned().chain([holds])));
            } else {
                let action = self.action(variant.actions, test.span, context);
                parts.push(Cond::all([action.clone(), holds]));
                earlier.push(action.not());
            }
        }
        Cond::any(parts)
    }

    /// Whether the record has one of the actions.
    fn action(&mut self, actions: &[String], span: Span, context: &Context) -> Cond {
        let field = Field { name: ACTION.to_owned(), ty: Type::String, span };
        let values = actions.iter().cloned().map(Value::String).collect();
        let test = FieldTest { field, kind: TestKind::Equals { values, case: Case::Sensitive }, span };
        match self.column(&test.field, context) {
            Some(column) => tested(self.job, &test, &column).unwrap_or(Cond::Never),
            None => Cond::Never,
        }
    }

    fn variant(&mut self, test: &FieldTest, place: &Place<'_>, variant: &Mapped, context: &Context) -> Cond {
        for inexact in inexact(variant) {
            inexact.tested(test, context.negated, self.report);
        }
        if !variant.cases.is_empty() {
            return self.cases(test, &variant.cases);
        }
        let Some(column) = self.physical(&test.field, place, variant) else { return Cond::Never };
        if let TestKind::SameAs { other } = &test.kind {
            return self.same_as(test, &column, other, context);
        }
        match tested(self.job, test, &column) {
            Ok(cond) if !cond.is_visible() => {
                let help = "compare with a part of the value, or use `like` with `?` in its place";
                self.refuse(test.span, "the value has a character that cannot be seen", help);
                Cond::Never
            }
            Ok(cond) => cond,
            Err(reason) => {
                self.refuse(test.span, reason, "write the test in another way, or compile for other targets");
                Cond::Never
            }
        }
    }

    /// A test of a field that only has the values of its cases.
    fn cases(&mut self, test: &FieldTest, cases: &[When]) -> Cond {
        let (mut parts, mut earlier) = (Vec::new(), Vec::new());
        for case in cases {
            let Some(wanted) = holds_for(&test.kind, &case.value) else {
                let help = format!("compare `{}` with `==`, `!=` or `in`", test.field.name);
                self.refuse(test.span, "the field is put together from several others", &help);
                return Cond::Never;
            };
            let when = Cond::all(
                case.when
                    .iter()
                    .map(|(name, value)| self.when(name, value.as_deref(), test))
                    .collect::<Vec<_>>(),
            );
            if wanted {
                parts.push(Cond::all(std::iter::once(when.clone()).chain(earlier.iter().cloned())));
            }
            earlier.push(when.not());
        }
        Cond::any(parts)
    }

    fn when(&mut self, name: &str, value: Option<&str>, test: &FieldTest) -> Cond {
        let Some(field) = self.field_name(name, test.field.span) else { return Cond::Never };
        let column =
            Column { field, ty: Type::String, stored: None, placeholder: None, word: word(&test.field.name) };
        match value {
            Some(value) => column.equals(&[value]),
            None => column.missing(),
        }
    }

    fn same_as(&mut self, test: &FieldTest, column: &Column, other: &Field, context: &Context) -> Cond {
        let Some(other) = self.column(other, context) else { return Cond::Never };
        if test.field.ty == Type::String && context.negated {
            self.report.note(
                Effect::Subset,
                test.span,
                "`fieldref` compares text ignoring case, so values that differ only in case count as equal",
            );
        }
        if test.field.ty == Type::Ip {
            let effect = if context.negated { Effect::Superset } else { Effect::Subset };
            self.report.note(effect, test.span, columns::BY_TEXT);
        }
        let value = Scalar::Raw(other.field.text().to_owned());
        let equal = Item::cond(&column.field, "|fieldref", vec![value], &column.word);
        Cond::all([equal, column.missing().not()])
    }

    /// The one column of a field that must have one: a join key, the other side of a comparison.
    pub(super) fn column(&mut self, field: &Field, context: &Context) -> Option<Column> {
        let place = self.place(field, context)?;
        match place.variants.as_slice() {
            [only] if only.cases.is_empty() => {
                for inexact in inexact(only) {
                    inexact.asked(context.negated, field.span, self.report);
                }
                self.physical(field, &place, only)
            }
            [_] => {
                self.refuse(field.span, "the field is put together from several others", "use another field");
                None
            }
            _ => {
                let help = "compare `event.action` in the step, so that one of its places is left";
                self.refuse(
                    field.span,
                    "the field lives in different places, depending on `event.action`",
                    help,
                );
                None
            }
        }
    }

    fn place(&mut self, field: &Field, context: &Context) -> Option<Place<'a>> {
        columns::place_among(self.job, &Sigma, self.step, field, context.admitted.as_ref(), self.report)
    }

    fn physical(&mut self, field: &Field, place: &Place<'_>, variant: &Mapped) -> Option<Column> {
        let name = variant.field.as_ref().or(variant.item.as_ref()).or(variant.path.as_ref());
        let Some(name) = name else {
            let help = "name a field in the source file or in `catena.yaml`";
            self.refuse(field.span, "the source file gives an expression, and Sigma has none", help);
            return None;
        };
        let placeholder = variant.placeholder.as_deref().or(place.placeholder).map(str::to_owned);
        Some(Column {
            field: self.field_name(name, field.span)?,
            ty: field.ty,
            stored: variant.stored,
            placeholder,
            word: word(&field.name),
        })
    }

    fn field_name(&mut self, name: &str, span: Span) -> Option<FieldName> {
        let found = FieldName::new(name);
        if found.is_none() {
            let reason = format!("the source file says `{name}`, which is not a plain field name");
            self.refuse(span, &reason, "letters, digits, `_`, `.` and `-` make a field name");
        }
        found
    }

    fn refuse(&mut self, span: Span, reason: &str, help: &str) {
        let title = format!("{} cannot express this", Sigma.title());
        self.report.error(Diagnostic::new(Code::NotExpressible, span, title).label(reason).help(help));
    }
}

/// A canonical name as a part of the name of a selection.
pub(super) fn word(name: &str) -> String {
    name.replace(|c: char| !c.is_ascii_alphanumeric(), "_")
}

/// Whether a test holds for a known text; `None` if only a search engine could tell.
fn holds_for(kind: &TestKind, text: &str) -> Option<bool> {
    match kind {
        TestKind::Exists => Some(true),
        TestKind::Equals { values, case } => {
            let equal =
                |value: &Value| matches!(value, Value::String(value) if case.fold(value) == case.fold(text));
            Some(values.iter().any(equal))
        }
        TestKind::InNetworks { .. }
        | TestKind::InList { .. }
        | TestKind::Order { .. }
        | TestKind::Like { .. }
        | TestKind::Substring { .. }
        | TestKind::Matches { .. }
        | TestKind::SameAs { .. } => None,
    }
}

/// Why a column is not exactly its field.
fn inexact(variant: &Mapped) -> Vec<Inexact> {
    let mut reasons = columns::inexact([variant]);
    if variant.multi && reasons.is_empty() {
        let together = "the field holds the values of all items of an event together";
        reasons.push(Inexact::Wider(together.to_owned()));
    }
    reasons
}
