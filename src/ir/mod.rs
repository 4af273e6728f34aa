//! The typed form of a rule: every name resolved, every value of its field's type, every window in seconds.
//!
//! In: built by `check`. Out: read by the engine and the targets, printed by `catena ir`.
//! Must not know: syntax, targets, engines. Values do not change after `check`; spans point into the rule's files.

mod apart;
mod case;
mod chain;
mod cover;
mod facts;
mod link;
mod list;
mod pattern;
mod pred;
mod regex;
mod step;
mod test;
mod walk;

pub use apart::{Signed, are_apart};
pub use case::Case;
pub use chain::{Chain, Together};
pub use facts::{ACTION, Networks, PROVIDER, Range, Texts};
pub use link::{AnyOf, CompareOp, Comparison, Key, Link};
pub use list::{Entries, Entry, EntryValue, List, LookupTest};
pub use pattern::{Pattern, PatternPart};
pub use pred::{FieldTest, OrderOp, Place, Pred, Quantifier, TestKind, Value, ValuesTest};
pub use regex::{Regex, take_case};
pub use step::{Absence, AbsenceKey, Neighbour, Rename, Repetition, Selection, Step, When};
pub use test::{Expect, ExpectKind, Test, TestEvent};
pub use walk::{Demand, Nodes};

use jiff::civil::Date;
use serde::Serialize;

use crate::source::{Span, Spanned};

/// Version of the serialised form; it grows when a reader of the JSON would have to change.
pub const VERSION: u32 = 2;

/// A rule that passed every check.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Rule {
    /// Its name, unique in a run.
    pub name: Spanned<String>,
    /// What a SIEM wants to know about it.
    pub meta: Meta,
    /// Parameters with the values in force.
    pub params: Vec<Param>,
    /// The allowlists it uses, in order of first use, then the keys of lookup tables that pass its tests;
    /// [`TestKind::InList`] holds an index into them.
    pub lists: Vec<List>,
    /// What it detects.
    pub chain: Chain,
    /// What an alert shows.
    pub alert: Alert,
    /// Markdown with `{{ step.field }}` placeholders.
    pub playbook: Option<Playbook>,
    /// The rule's own tests.
    pub tests: Vec<Test>,
    /// The whole rule.
    pub span: Span,
}

/// Metadata.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Meta {
    /// One line for the alert list.
    pub title: String,
    /// UUID, lower case.
    pub id: String,
    /// What it detects and why that matters.
    pub description: String,
    /// Who wrote it.
    pub author: Option<String>,
    /// First published.
    pub date: Option<Date>,
    /// Last changed.
    pub modified: Option<Date>,
    /// How mature it is.
    pub status: Status,
    /// How bad it is.
    pub severity: Severity,
    /// ATT&CK ids as written: techniques, detection strategies, analytics.
    pub attack: Vec<String>,
    /// Addresses.
    pub references: Vec<String>,
    /// Known benign causes.
    pub false_positives: Vec<String>,
    /// Names of the targets that it is meant for; all if it names none.
    pub targets: Option<Vec<String>>,
    /// Warnings that its author accepts.
    pub allow: Vec<Allow>,
}

/// A warning that is accepted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Allow {
    /// Its code.
    pub code: String,
    /// Why.
    pub reason: String,
}

/// How mature a rule is (Sigma's words).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    /// Not yet tried widely.
    Experimental,
    /// Being tried.
    Test,
    /// In production.
    Stable,
    /// Do not use any more.
    Deprecated,
}

/// How bad an alert is (Sigma's levels).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Context only.
    Informational,
    /// Low.
    Low,
    /// Medium.
    Medium,
    /// High.
    High,
    /// Critical.
    Critical,
}

impl Severity {
    /// As the language writes it.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Informational => "informational",
            Self::Low => "low",
            Self::Medium => "medium",
            Self::High => "high",
            Self::Critical => "critical",
        }
    }
}

/// A parameter and the value in force.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Param {
    /// Its name.
    pub name: Spanned<String>,
    /// The value after `--set` and the environment file.
    pub value: ParamValue,
    /// Whether the value differs from the rule's own default.
    pub overridden: bool,
    /// Where the rule uses it: a clause that contains such a place gets its value from the parameter.
    #[serde(skip)]
    pub uses: Vec<Span>,
}

/// The value of a parameter.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "lowercase", tag = "type", content = "value")]
pub enum ParamValue {
    /// Seconds.
    Duration(u64),
    /// Whole number.
    Int(i64),
    /// Decimal.
    Float(f64),
    /// Text.
    String(String),
    /// True or false.
    Bool(bool),
}

/// The types of fields.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Type {
    /// Text.
    String,
    /// Whole number, 64 bits.
    Int,
    /// Decimal number.
    Float,
    /// True or false.
    Bool,
    /// IPv4 or IPv6 address.
    Ip,
    /// Instant, microseconds, UTC.
    Time,
}

/// A field of a step's source.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Field {
    /// Canonical name.
    pub name: String,
    /// Its type.
    #[serde(rename = "type")]
    pub ty: Type,
    /// Where it was written.
    pub span: Span,
}

/// A field by whose value records are grouped, or whose values are counted.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct GroupField {
    /// The field.
    #[serde(flatten)]
    pub field: Field,
    /// For text: whether letter case counts. It does not where a source folds the field, or where the link ignores it
    /// from which the field is taken.
    pub case: Case,
}

impl GroupField {
    /// Whether values that differ in letter case alone are one.
    #[must_use]
    pub fn folds(&self) -> bool {
        self.case == Case::Ignore
    }
}

/// A field of a named step.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct StepField {
    /// Index of the step.
    pub step: usize,
    /// The field.
    pub field: Field,
}

/// In place of a field of a step that repeats: how many events or values there were.
pub const COUNT: &str = "count";
/// In place of a field of a step that repeats: the first instant from which on there were enough.
pub const FIRST_TIME: &str = "first_time";

/// The name under which an answer shows a field of a step, in every query language: `<step>_<field>`, with underscores
/// for dots. `time` in place of a field is the time of the step.
#[must_use]
pub fn column_name(step: &str, field: &str) -> String {
    let mut name = String::with_capacity(step.len() + 1 + field.len());
    name.push_str(step);
    name.push('_');
    name.extend(field.chars().map(|c| if c == '.' { '_' } else { c }));
    name
}

/// Seconds in the notation of the language, such as `1h30m`.
#[must_use]
pub fn duration(seconds: u64) -> String {
    let mut text = String::new();
    let mut rest = seconds;
    for (unit, name) in [(86_400, "d"), (3_600, "h"), (60, "m"), (1, "s")] {
        if rest >= unit {
            text.push_str(&(rest / unit).to_string());
            text.push_str(name);
            rest %= unit;
        }
    }
    if text.is_empty() { "0s".to_owned() } else { text }
}

/// A length of time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Window {
    /// Seconds; bounds are inclusive.
    pub seconds: u64,
    /// Where it was written.
    pub span: Span,
}

/// What an alert shows and how alerts are grouped.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Alert {
    /// Who and what it is about.
    pub entities: Vec<Entity>,
    /// Further fields.
    pub show: Vec<StepField>,
    /// Which alerts count as one.
    pub dedupe: Option<Dedupe>,
}

/// An entity of an alert.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Entity {
    /// What kind.
    pub kind: EntityKind,
    /// Where its identifier is.
    pub field: StepField,
}

/// The kinds of entities that SIEMs know.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum EntityKind {
    /// A user or role.
    Account,
    /// An address.
    Ip,
    /// A machine.
    Host,
    /// A cloud resource.
    Resource,
    /// An address of a page.
    Url,
}

impl EntityKind {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::Account, Self::Ip, Self::Host, Self::Resource, Self::Url];

    /// The word of the language.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Account => "account",
            Self::Ip => "ip",
            Self::Host => "host",
            Self::Resource => "resource",
            Self::Url => "url",
        }
    }
}

/// `dedupe D by keys`.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Dedupe {
    /// How long further alerts with the same keys stay silent.
    pub window: Window,
    /// The keys.
    pub by: Vec<StepField>,
}

/// A playbook, cut into text and placeholders.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Playbook {
    /// Its parts in order.
    pub parts: Vec<PlaybookPart>,
}

/// A part of a playbook.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum PlaybookPart {
    /// Markdown.
    Text(String),
    /// `{{ step.field }}`.
    Field(StepField),
}
