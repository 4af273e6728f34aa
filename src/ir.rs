//! The typed form of a rule: every name resolved, every value of its field's type, every window in seconds.
//!
//! In: built by `check`. Out: read by the engine and the targets, printed by `catena ir`.
//! Must not know: syntax, targets, engines. Values do not change after `check`; spans point into the rule's files.

use std::net::IpAddr;

use ipnet::IpNet;
use jiff::Timestamp;
use jiff::civil::Date;
use serde::Serialize;

use crate::source::{Span, Spanned};

/// Version of the serialised form; it grows when a reader of the JSON would have to change.
pub const VERSION: u32 = 1;

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

/// A parameter and the value in force.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Param {
    /// Its name.
    pub name: Spanned<String>,
    /// The value after `--set` and the environment file.
    pub value: ParamValue,
    /// Whether the value differs from the rule's own default.
    pub overridden: bool,
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
    /// Link `i` joins step `i` to step `i + 1`.
    pub links: Vec<Link>,
}

/// A length of time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Window {
    /// Seconds; bounds are inclusive.
    pub seconds: u64,
    /// Where it was written.
    pub span: Span,
}

/// One step.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Step {
    /// Its name, unique in the chain.
    pub name: Spanned<String>,
    /// Canonical name of its source.
    pub source: Spanned<String>,
    /// The predicate after `where`.
    pub filter: Pred,
    /// The predicates after `except`: a record that satisfies one of them does not satisfy the step.
    pub excepts: Vec<Pred>,
    /// The whole step.
    pub span: Span,
}

impl Step {
    /// The whole condition: `filter and not except₁ and not except₂ …`.
    #[must_use]
    pub fn condition(&self) -> Pred {
        let mut parts = vec![self.filter.clone()];
        parts.extend(self.excepts.iter().map(|except| Pred::Not(Box::new(except.clone()))));
        if parts.len() == 1 { self.filter.clone() } else { Pred::And(parts) }
    }
}

/// A link between neighbours.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Link {
    /// Longest time from the earlier to the later record.
    pub gap: Window,
    /// All must be present and equal; those of the scope come last.
    pub keys: Vec<Key>,
    /// The whole clause.
    pub span: Span,
}

/// One join key.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Key {
    /// Field of the earlier step.
    pub left: Field,
    /// Field of the later step.
    pub right: Field,
    /// Whether the key comes from `scope`.
    pub from_scope: bool,
}

/// A predicate in two-valued logic: a test on a missing field is false, and `Not` makes that true.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Pred {
    /// All hold; never empty.
    And(Vec<Pred>),
    /// One holds; never empty.
    Or(Vec<Pred>),
    /// It does not hold.
    Not(Box<Pred>),
    /// A test of one record.
    Test(FieldTest),
}

/// A positive test of one field.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct FieldTest {
    /// The field.
    pub field: Field,
    /// What is tested.
    pub kind: TestKind,
    /// The whole comparison.
    pub span: Span,
}

/// How text compares.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Case {
    /// Exactly.
    Sensitive,
    /// Ignoring case (simple Unicode lower case).
    Ignore,
}

/// The tests. All are false when the field is missing.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum TestKind {
    /// Present and not empty.
    Exists,
    /// Equals one of the values (one for `==`); all are of the field's type, never networks.
    Equals {
        /// At least one.
        values: Vec<Value>,
        /// For text.
        case: Case,
    },
    /// The address lies in one of the networks; a single address is a full-length prefix.
    InNetworks {
        /// At least one.
        networks: Vec<IpNet>,
    },
    /// Matches an entry of `Rule::lists[list]` that has not expired.
    InList {
        /// Index into [`Rule::lists`].
        list: usize,
    },
    /// `<`, `<=`, `>`, `>=` on numbers and instants.
    Order {
        /// Which.
        op: OrderOp,
        /// The bound, of the field's type.
        value: Value,
    },
    /// The whole value matches a wildcard pattern.
    Like {
        /// The pattern.
        pattern: Pattern,
        /// For text.
        case: Case,
    },
    /// The value has, begins with or ends with the text (never empty).
    Substring {
        /// Where.
        place: Place,
        /// The text.
        text: String,
        /// For text.
        case: Case,
    },
    /// A portable regular expression finds a match somewhere in the value.
    Matches {
        /// RE2 subset; case-sensitive unless it says `(?i)` itself.
        regex: String,
    },
    /// Equals another field of the same record, both present.
    SameAs {
        /// The other field, of the same type.
        other: Field,
    },
}

/// Orderings.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum OrderOp {
    /// `<`
    Less,
    /// `<=`
    LessEqual,
    /// `>`
    Greater,
    /// `>=`
    GreaterEqual,
}

/// Where a substring stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Place {
    /// Anywhere.
    Anywhere,
    /// At the start.
    Start,
    /// At the end.
    End,
}

/// A typed value.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "lowercase", tag = "type", content = "value")]
pub enum Value {
    /// Text, never empty.
    String(String),
    /// Whole number.
    Int(i64),
    /// Decimal.
    Float(f64),
    /// True or false.
    Bool(bool),
    /// Instant.
    Time(Timestamp),
    /// Address.
    Ip(IpAddr),
}

/// A wildcard pattern over whole values.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize)]
pub struct Pattern {
    /// Its parts; two texts never stand side by side, and no text is empty.
    pub parts: Vec<PatternPart>,
}

/// A part of a pattern.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum PatternPart {
    /// These characters.
    Text(String),
    /// `*`: any run of characters, also none.
    Any,
    /// `?`: exactly one character.
    One,
}

impl Pattern {
    /// Parses the notation of `like`: `*`, `?`, and `\*`, `\?`, `\\` for the characters themselves.
    ///
    /// # Errors
    /// The byte offset of a backslash that escapes nothing.
    pub fn parse(text: &str) -> Result<Self, usize> {
        let (mut parts, mut run) = (Vec::new(), String::new());
        let mut chars = text.char_indices();
        while let Some((at, c)) = chars.next() {
            let part = match c {
                '*' => PatternPart::Any,
                '?' => PatternPart::One,
                '\\' => match chars.next() {
                    Some((_, escaped @ ('*' | '?' | '\\'))) => {
                        run.push(escaped);
                        continue;
                    }
                    _ => return Err(at),
                },
                _ => {
                    run.push(c);
                    continue;
                }
            };
            if !run.is_empty() {
                parts.push(PatternPart::Text(std::mem::take(&mut run)));
            }
            if !(part == PatternPart::Any && parts.last() == Some(&PatternPart::Any)) {
                parts.push(part);
            }
        }
        if !run.is_empty() {
            parts.push(PatternPart::Text(run));
        }
        Ok(Self { parts })
    }

    /// The one value it matches, when it has no wildcard; an empty pattern matches no present value and gives `""`.
    #[must_use]
    pub fn literal(&self) -> Option<&str> {
        match self.parts.as_slice() {
            [] => Some(""),
            [PatternPart::Text(text)] => Some(text),
            _ => None,
        }
    }

    /// Whether every present value matches: the pattern is `*`.
    #[must_use]
    pub fn matches_everything(&self) -> bool {
        self.parts.as_slice() == [PatternPart::Any]
    }
}

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
    /// Its fields.
    pub fields: Vec<(Field, Value)>,
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
