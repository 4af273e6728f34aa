//! What a condition asks that not every converter does: telling letters apart, and networks that hold every address.
//!
//! In: a condition of a step, the choice of the user. Out: the condition that is written; what it does to the answers
//! goes to the report. Must not know: canonical fields, chains, YAML.

use std::rc::Rc;

use super::item::{Cond, Item};
use crate::backend::truth::Truth;
use crate::backend::{Cased, Effect, Report};
use crate::source::Span;

/// The conditions of one step.
#[derive(Debug)]
pub(super) struct Limits<'r> {
    pub(super) cased: Cased,
    /// The step.
    pub(super) span: Span,
    pub(super) report: &'r mut Report,
}

impl Limits<'_> {
    /// The condition as it is written. It stands under an odd number of negations if it is `negated`.
    pub(super) fn keep(&mut self, cond: Cond, negated: bool) -> Cond {
        for (item, inner) in cond.tests() {
            if item.is_any_address() {
                let effect = if inner == negated { Effect::Engine } else { Effect::Conditional };
                self.report.note(effect, self.span, ANY_TEXT);
            }
        }
        let is_cased = |(item, _): &(&Rc<Item>, bool)| item.modifier.is_cased();
        if self.cased == Cased::Needed || !cond.tests().iter().any(is_cased) {
            return cond;
        }
        cond.map(negated, &mut |item, negated| Truth::Test(self.ignore_case(item, negated)))
    }

    fn ignore_case(&mut self, item: &Rc<Item>, negated: bool) -> Rc<Item> {
        let Some(plain) = item.ignoring_case() else { return Rc::clone(item) };
        let (effect, more) =
            if negated { (Effect::Subset, ", and so excludes more") } else { (Effect::Superset, "") };
        let message =
            format!("`{}` is compared ignoring case, as `catena.yaml` asks{more}", item.field.text());
        self.report.note(effect, self.span, message);
        Rc::new(plain)
    }
}

const ANY_TEXT: &str = "converters that turn networks into text patterns take any text for an address (pySigma's SQLite backend)";
