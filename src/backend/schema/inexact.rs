//! Columns that are not exactly their fields: what that does to the answers.
//!
//! In: what a source file says of a column, and what a rule asks of the field. Out: notes.
//! Must not know: any particular target.

use crate::backend::{Effect, Report};
use crate::ir::{FieldTest, TestKind, Value};
use crate::source::Span;

/// Why a column is not exactly its field.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::backend) enum Inexact {
    /// It holds for more records.
    Wider(String),
    /// It lacks values.
    Poorer(String),
}

impl Inexact {
    fn reason(&self) -> &str {
        match self {
            Self::Wider(reason) | Self::Poorer(reason) => reason,
        }
    }

    /// Notes what it does to a test of the field.
    pub(in crate::backend) fn tested(&self, test: &FieldTest, negated: bool, report: &mut Report) {
        // A boolean that is true for too many records is false for too few, so `f == false` misses what `f == true`
        // would add. A column that lacks values lacks those of either kind, and misses in both.
        let asks_false =
            matches!(&test.kind, TestKind::Equals { values, .. } if values.contains(&Value::Bool(false)));
        let negated = negated || (asks_false && matches!(self, Self::Wider(_)));
        self.asked(negated, test.span, report);
    }

    /// Notes what it does where the field is to hold, or (`negated`) is not to.
    pub(in crate::backend) fn asked(&self, negated: bool, span: Span, report: &mut Report) {
        // Under a negation a surplus keeps out records that the rule has, and a lack lets in records that it has not.
        let adds = matches!(self, Self::Wider(_)) != negated;
        report.note(if adds { Effect::Superset } else { Effect::Subset }, span, self.reason());
    }

    /// Notes what it does to a test whether two addresses of one record are equal where a target compares them as text.
    pub(in crate::backend) fn addresses_as_text(negated: bool, span: Span, report: &mut Report) {
        let reason =
            "two addresses are compared as text, so two notations of one IPv6 address count as different";
        Self::Poorer(reason.to_owned()).asked(negated, span, report);
    }

    /// Notes that answers show such a column.
    pub(in crate::backend) fn shown(&self, name: &str, span: Span, report: &mut Report) {
        let message = format!("`{name}` in an answer may differ from the log: {}", self.reason());
        report.note(Effect::Shown, span, message);
    }

    /// Notes that links join by such a column. `all_found` says that a wider one still joins all that the field would.
    pub(in crate::backend) fn joined(&self, all_found: bool, span: Span, report: &mut Report) {
        // A key without a value joins nothing, so a column that lacks values always misses.
        let adds = all_found && matches!(self, Self::Wider(_));
        report.note(if adds { Effect::Superset } else { Effect::Subset }, span, self.reason());
    }
}
