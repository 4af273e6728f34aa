//! Allowlists of the IR, judged on one day.
//!
//! In: built by `check`. Out: read by the engine, the targets and the list commands.
//! Must not know: files.

use ipnet::IpNet;
use jiff::civil::Date;
use serde::Serialize;

use super::{Pattern, Type, Value};
use crate::source::{Span, Spanned};

/// An allowlist as used by a rule.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct List {
    /// Its name.
    pub name: Spanned<String>,
    /// Type of the field it was declared for.
    #[serde(rename = "type")]
    pub ty: Type,
    /// Entries in force on the `as_of` day.
    pub entries: Vec<Entry>,
    /// Entries whose `until` has passed: not part of the meaning any more.
    pub expired: Vec<Entry>,
    /// The CSV file they come from, as written, if they do.
    pub file: Option<String>,
}

/// An entry of an allowlist.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Entry {
    /// What it matches.
    pub value: EntryValue,
    /// As written.
    pub text: String,
    /// Why it is good.
    pub reason: Option<String>,
    /// Who answers for it.
    pub owner: Option<String>,
    /// Where that was decided.
    pub ticket: Option<String>,
    /// The last day on which it counts.
    pub until: Option<Date>,
    /// Row in the CSV file (the header is row 1) or number in the inline list, from 1.
    pub row: usize,
    /// Where it stands.
    pub span: Span,
}

/// What an entry matches.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum EntryValue {
    /// A text or pattern, case-sensitive.
    Pattern(Pattern),
    /// An address or network.
    Network(IpNet),
    /// A number, boolean or instant.
    Value(Value),
}
