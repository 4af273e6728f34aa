//! Why EQL cannot express a test, and the way round.
//!
//! In: words. Out: a [`Diagnostic`] at the test. Must not know: how tests are printed.

use super::Eql;
use crate::backend::schema::Dialect as _;
use crate::diag::{Code, Diagnostic};
use crate::ir::FieldTest;

/// Why a test cannot be expressed.
#[derive(Debug)]
pub(super) struct Refusal {
    reason: String,
    help: &'static str,
}

impl Refusal {
    pub(super) fn new(reason: impl Into<String>, help: &'static str) -> Self {
        Self { reason: reason.into(), help }
    }

    /// As an error at the test.
    pub(super) fn of(self, test: &FieldTest) -> Diagnostic {
        let title = format!("{} cannot express this test of `{}`", Eql::TITLE, test.field.name);
        Diagnostic::new(Code::NotExpressible, test.span, title).label(self.reason).help(self.help)
    }
}
