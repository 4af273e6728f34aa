//! Tests of the IR: events in full, and what must come out.
//!
//! In: built by `check`. Out: run by the engine.
//! Must not know: how a test is run.

use serde::Serialize;

use super::{Field, Value};
use crate::source::{Span, Spanned};

/// A test of the rule.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Test {
    /// What it shows.
    pub name: Spanned<String>,
    /// Its events.
    pub events: Vec<TestEvent>,
    /// What must come out; all of them.
    pub expects: Vec<Expect>,
    /// The whole test.
    pub span: Span,
}

/// An event of a test, complete: what the step's predicate demands is already filled in.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct TestEvent {
    /// The step it was written for, if any.
    pub step: Option<usize>,
    /// Canonical name of its source.
    pub source: String,
    /// Seconds from the start of the test.
    pub at: u64,
    /// Its fields; none if it is a raw one.
    pub fields: Vec<(Field, Value)>,
    /// The event as its log has it, for the source to read.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub raw: Option<serde_json::Value>,
    /// The whole event.
    pub span: Span,
}

/// An expectation.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Expect {
    /// What is expected.
    pub kind: ExpectKind,
    /// Where it says so.
    pub span: Span,
}

/// What a test expects.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ExpectKind {
    /// An alert whose last record is at this second.
    AlertAt(u64),
    /// None at all.
    NoAlert,
    /// Exactly this many.
    Alerts(u64),
}
