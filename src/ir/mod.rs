//! The typed form of a rule: every name resolved, every value of its field's type, every window in seconds.
//!
//! In: built by `check`. Out: read by the engine and the targets, printed by `catena ir`.
//! Must not know: syntax, targets, engines. Values do not change after `check`; spans point into the rule's files.

mod case;
mod facts;
mod list;
mod pattern;
mod pred;
mod regex;
mod test;
mod walk;

pub use case::Case;
pub use facts::{ACTION, Networks, PROVIDER, Range, Texts};
pub use list::{Entries, Entry, EntryValue, List};
pub use pattern::{Pattern, PatternPart};
pub use pred::{FieldTest, OrderOp, Place, Pred, TestKind, Value};
pub use regex::{Regex, take_case};
pub use test::{Expect, ExpectKind, Test, TestEvent};
pub use walk::{Demand, Nodes};

use std::borrow::Cow;
use std::collections::BTreeSet;

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
    /// The allowlists it uses, in order of first use; [`TestKind::InList`] holds an index into them.
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

/// A chain of `n` steps and `n - 1` links.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Chain {
    /// From first to last step.
    pub total: Window,
    /// Whether `total` was written; if not it is the sum of the gaps.
    pub total_is_explicit: bool,
    /// Fields that every step shares; each link has them among its keys too.
    pub scope: Vec<Spanned<String>>,
    /// The steps, in order.
    pub steps: Vec<Step>,
    /// Link `i` joins step `i` to step `i + 1`; none if the steps come together in any order.
    pub links: Vec<Link>,
    /// What the steps share if they come in any order within `total`; `None` if they come one after the other.
    pub together: Option<Together>,
}

impl Chain {
    /// Everything that is read from a log: the alternatives of its steps, and what must not be there.
    pub fn selections(&self) -> impl Iterator<Item = &Selection> {
        let of_steps = self.steps.iter().flat_map(|step| {
            let absent = step.absences.iter().flat_map(|absence| &absence.selections);
            step.selections().chain(absent)
        });
        let between =
            self.links.iter().flat_map(|link| &link.absences).flat_map(|absence| &absence.selections);
        of_steps.chain(between)
    }

    /// The fields of step `index`, by the names of the rule, that the clauses around its conditions read: links with
    /// their comparisons and absences, what it counts, and what it shares in any order. Sorted, each once.
    #[must_use]
    pub fn step_fields(&self, index: usize) -> BTreeSet<&str> {
        let mut fields = BTreeSet::new();
        if let Some(Step { name: _, main: _, others: _, absences, repetition, span: _ }) =
            self.steps.get(index)
        {
            fields
                .extend(absences.iter().flat_map(|absence| &absence.keys).map(|key| key.left.name.as_str()));
            let counted =
                repetition.iter().flat_map(|repetition| repetition.by.iter().chain(&repetition.distinct));
            fields.extend(counted.map(|field| field.name.as_str()));
        }
        if let Some(link) = self.links.get(index) {
            fields.extend(link.left_fields().map(|field| field.name.as_str()));
        }
        if let Some(link) = index.checked_sub(1).and_then(|before| self.links.get(before)) {
            fields.extend(link.right_fields().map(|field| field.name.as_str()));
        }
        fields.extend(self.together.iter().flat_map(|together| &together.keys).map(|key| key.name.as_str()));
        fields
    }

    /// The fields of the source of a selection of step `index` that its condition and the clauses around it read.
    #[must_use]
    pub fn fields_read<'a>(&'a self, index: usize, selection: &'a Selection) -> BTreeSet<&'a str> {
        let mut fields: BTreeSet<&str> =
            self.step_fields(index).into_iter().map(|name| selection.field(name)).collect();
        fields.extend(selection.conditions().flat_map(Pred::fields).map(|field| field.name.as_str()));
        fields
    }
}

/// What steps that come in any order share.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Together {
    /// Fields that every step has; all must be present and equal.
    pub keys: Vec<Field>,
    /// The whole clause.
    pub span: Span,
}

/// A length of time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Window {
    /// Seconds; bounds are inclusive.
    pub seconds: u64,
    /// Where it was written.
    pub span: Span,
}

/// One step: a pipeline of clauses, each of which sees what the ones before it left.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Step {
    /// Its name, unique in the chain.
    pub name: Spanned<String>,
    /// What it matches: its first alternative.
    pub main: Selection,
    /// The other alternatives. Of those that a record satisfies the first gives the names of its fields.
    pub others: Vec<Selection>,
    /// What must not be there for a record to count.
    pub absences: Vec<Absence>,
    /// How often records must come for one of them to count.
    pub repetition: Option<Repetition>,
    /// The whole step.
    pub span: Span,
}

impl Step {
    /// Its alternatives, in order; at least one.
    pub fn selections(&self) -> impl Iterator<Item = &Selection> + Clone {
        std::iter::once(&self.main).chain(&self.others)
    }
}

/// Records of one source that satisfy a condition.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Selection {
    /// Canonical name of its source.
    pub source: Spanned<String>,
    /// Fields that have another name in the clauses after the condition.
    pub renames: Vec<Rename>,
    /// The predicate after `where`, in the names of the source.
    pub filter: Pred,
    /// The predicates after `except`: a record that satisfies one of them is not selected.
    pub excepts: Vec<Pred>,
    /// The whole alternative.
    pub span: Span,
}

/// A field under another name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Rename {
    /// Its name in the rule.
    pub name: String,
    /// Its name in the source.
    pub of: String,
}

impl Selection {
    /// Filter and exceptions.
    pub fn conditions(&self) -> impl Iterator<Item = &Pred> {
        std::iter::once(&self.filter).chain(&self.excepts)
    }

    /// The whole condition: `filter and not except₁ and not except₂ …`.
    #[must_use]
    pub fn condition(&self) -> Cow<'_, Pred> {
        if self.excepts.is_empty() {
            return Cow::Borrowed(&self.filter);
        }
        let mut parts = vec![self.filter.clone()];
        parts.extend(self.excepts.iter().map(|except| Pred::Not(Box::new(except.clone()))));
        Cow::Owned(Pred::And(parts))
    }

    /// The source's name of a field that the rule calls `name` after the condition.
    #[must_use]
    pub fn field<'a>(&'a self, name: &'a str) -> &'a str {
        self.renames.iter().find(|rename| rename.name == name).map_or(name, |rename| &rename.of)
    }
}

/// A record that must not be there.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Absence {
    /// Its name; none for `first`, which asks for the step's own records.
    pub name: Option<Spanned<String>>,
    /// What must not be there: one of these; at least one.
    pub selections: Vec<Selection>,
    /// Where it must not be.
    pub when: When,
    /// What it shares with the step; all present and equal. A record that lacks one is exempted by nothing.
    pub keys: Vec<AbsenceKey>,
    /// The whole clause.
    pub span: Span,
}

/// Where a record must not be, in time. Its own instant never counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum When {
    /// So long before the record of the step.
    Before(Window),
    /// So long after it.
    After(Window),
    /// Between the records that a link joins.
    Between,
}

/// A field that a record and one that must not be there share.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct AbsenceKey {
    /// Whose field the left one is: in a step always `Later`, the step itself.
    pub of: Neighbour,
    /// Field of the step.
    pub left: Field,
    /// Field of what must not be there.
    pub right: Field,
    /// For text.
    pub case: Case,
}

/// One of the two steps that a link joins.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Neighbour {
    /// The step before the link.
    Earlier,
    /// The step after it.
    Later,
}

/// `at least N … within D by …`.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Repetition {
    /// How many events or values; at least 2.
    pub least: u32,
    /// The field whose values are counted, in place of events.
    pub distinct: Option<Field>,
    /// Within which time.
    pub window: Window,
    /// What the counted records share, all present; at least one.
    pub by: Vec<Field>,
    /// Whether `by` was written; if not it is this step's side of its links.
    pub by_is_explicit: bool,
    /// The whole clause.
    pub span: Span,
}

/// A link between neighbours.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Link {
    /// Longest time from the earlier to the later record.
    pub gap: Window,
    /// All must be present and equal; those of the scope come last.
    pub keys: Vec<Key>,
    /// What else must hold between the two records.
    pub comparisons: Vec<Comparison>,
    /// What must not be between them.
    pub absences: Vec<Absence>,
    /// The whole clause.
    pub span: Span,
}

impl Link {
    /// The fields of the earlier step that it reads.
    pub fn left_fields(&self) -> impl Iterator<Item = &Field> {
        let compared = self.comparisons.iter().map(|comparison| &comparison.left);
        self.keys.iter().map(|key| &key.left).chain(compared).chain(self.absence_fields(Neighbour::Earlier))
    }

    /// The fields of the later step that it reads.
    pub fn right_fields(&self) -> impl Iterator<Item = &Field> {
        let compared = self.comparisons.iter().map(|comparison| &comparison.right);
        self.keys.iter().map(|key| &key.right).chain(compared).chain(self.absence_fields(Neighbour::Later))
    }

    fn absence_fields(&self, of: Neighbour) -> impl Iterator<Item = &Field> {
        let keys = self.absences.iter().flat_map(|absence| &absence.keys);
        keys.filter(move |key| key.of == of).map(|key| &key.left)
    }
}

/// One join key.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Key {
    /// Field of the earlier step.
    pub left: Field,
    /// Field of the later step.
    pub right: Field,
    /// For text: whether letter case counts.
    pub case: Case,
    /// Whether `scope` asks for it, no matter whether the link names it as well.
    pub from_scope: bool,
}

/// A comparison of the two records that a link joins; false if a side is missing.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Comparison {
    /// Field of the earlier step.
    pub left: Field,
    /// How they compare.
    pub op: CompareOp,
    /// Field of the later step.
    pub right: Field,
    /// The whole comparison.
    pub span: Span,
}

/// Comparisons of two records.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum CompareOp {
    /// Different: texts and addresses as logged, numbers by value.
    NotEqual,
    /// By size; numbers only.
    Order(OrderOp),
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
