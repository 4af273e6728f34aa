//! The syntax tree: what the author wrote, clause by clause, with a span on every node.
//!
//! In: built by the parser. Out: read by the checker and the formatter.
//! Must not know: whether a name exists, what type a field has, or any target. No behaviour lives here but what the
//! words of the language say of themselves.

mod chain;

pub use chain::{
    AtLeast, Chain, ChainItem, Comparison, First, Link, LinkSide, Rename, Selection, Side, Step, StepClause,
    Then, Together, Unless, UnlessWindow,
};

use crate::source::{FileId, Span, Spanned};

/// A name: of a rule, step, list, parameter, metadata key, or a dotted field.
pub type Name = Spanned<String>;
/// A decoded string literal.
pub type Text = Spanned<String>;

/// One rule file.
#[derive(Debug, Clone, PartialEq)]
pub struct File {
    /// The file it was parsed from.
    pub id: FileId,
    /// `import "path.chain"`.
    pub imports: Vec<Text>,
    /// Allowlists, in order.
    pub lists: Vec<List>,
    /// Lookups, in order.
    pub lookups: Vec<Lookup>,
    /// Rules, in order.
    pub rules: Vec<Rule>,
    /// Every comment, in order, from `#` to the end of its line.
    pub comments: Vec<Span>,
    /// How much of the text the tree stands for.
    pub understood: Understood,
}

impl File {
    /// Stands for a file whose text nobody could read: anything may stand in it.
    #[must_use]
    pub fn not_understood(id: FileId) -> Self {
        Self {
            id,
            imports: vec![],
            lists: vec![],
            lookups: vec![],
            rules: vec![],
            comments: vec![],
            understood: Understood::Partly,
        }
    }
}

/// How much of a text was understood.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Understood {
    /// All of it.
    Whole,
    /// There are errors, but what was meant is in the tree: what is missing there is missing in the file.
    Meant,
    /// What is missing in the tree may stand in the file.
    Partly,
}

/// `allowlist NAME: FIELD …`.
#[derive(Debug, Clone, PartialEq)]
pub struct List {
    /// Its name.
    pub name: Name,
    /// The field whose values it lists.
    pub field: Name,
    /// Where its entries are.
    pub body: ListBody,
    /// The whole clause.
    pub span: Span,
}

/// The entries of a list, or the file that has them.
#[derive(Debug, Clone, PartialEq)]
pub enum ListBody {
    /// `{ … }`.
    Inline(Vec<Entry>),
    /// `from "list.csv"`.
    File(Text),
}

/// `lookup NAME: KEY_FIELD from "table.csv" { column: type, … }`.
#[derive(Debug, Clone, PartialEq)]
pub struct Lookup {
    /// Its name.
    pub name: Name,
    /// The field whose values are the keys of the table.
    pub key: Name,
    /// The table.
    pub file: Text,
    /// Its columns with their types.
    pub columns: Vec<(Name, Name)>,
    /// The whole clause.
    pub span: Span,
}

/// One known-good value.
#[derive(Debug, Clone, PartialEq)]
pub struct Entry {
    /// The value, pattern or network.
    pub value: Literal,
    /// Why it is good.
    pub reason: Option<Text>,
    /// Who answers for it.
    pub owner: Option<Text>,
    /// Where that was decided.
    pub ticket: Option<Text>,
    /// The last day on which it counts.
    pub until: Option<Spanned<Date>>,
    /// The whole entry.
    pub span: Span,
}

/// A calendar day; one that does not exist was reported, and another stands in its place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Date {
    /// Year.
    pub year: i16,
    /// Month, 1 to 12.
    pub month: i8,
    /// Day, 1 to 31.
    pub day: i8,
}

/// `rule NAME { … }`.
#[derive(Debug, Clone, PartialEq)]
pub struct Rule {
    /// Its name.
    pub name: Name,
    /// Its clauses, in order.
    pub clauses: Vec<Clause>,
    /// From `rule` to the closing brace.
    pub span: Span,
}

impl Rule {
    /// Its tests, in order.
    pub fn tests(&self) -> impl Iterator<Item = &Test> {
        self.clauses.iter().filter_map(|clause| match clause {
            Clause::Test(test) => Some(test),
            Clause::Meta(_)
            | Clause::Allow(_)
            | Clause::Param(_)
            | Clause::Chain(_)
            | Clause::Alert(_)
            | Clause::Playbook(_) => None,
        })
    }
}

/// A clause of a rule.
#[derive(Debug, Clone, PartialEq)]
pub enum Clause {
    /// `title "…"`, `attack "T1204", "AN1318"`, ….
    Meta(Meta),
    /// `allow CODE "reason"`.
    Allow(Allow),
    /// `param NAME = VALUE`.
    Param(Param),
    /// `chain … { … }`.
    Chain(Chain),
    /// `alert { … }`.
    Alert(Alert),
    /// `playbook """…"""`.
    Playbook(Text),
    /// `test "…" { … }`.
    Test(Test),
}

/// A metadata clause: one key, one or more values.
#[derive(Debug, Clone, PartialEq)]
pub struct Meta {
    /// `title`, `id`, `severity`, ….
    pub key: Name,
    /// The values; words such as `high` are [`LiteralKind::Word`].
    pub values: Vec<Literal>,
    /// The whole clause.
    pub span: Span,
}

/// `allow CODE "reason"`.
#[derive(Debug, Clone, PartialEq)]
pub struct Allow {
    /// The code of a warning.
    pub code: Name,
    /// Why it is accepted.
    pub reason: Text,
    /// The whole clause.
    pub span: Span,
}

/// `param NAME = VALUE`.
#[derive(Debug, Clone, PartialEq)]
pub struct Param {
    /// Its name.
    pub name: Name,
    /// Its default.
    pub value: Literal,
    /// The whole clause.
    pub span: Span,
}

/// `alert { … }`.
#[derive(Debug, Clone, PartialEq)]
pub struct Alert {
    /// `entity KIND STEP.FIELD`.
    pub entities: Vec<Entity>,
    /// `show STEP.FIELD, …`.
    pub show: Vec<Name>,
    /// `dedupe D by STEP.FIELD, …`.
    pub dedupe: Vec<Dedupe>,
    /// The whole clause.
    pub span: Span,
}

/// `entity KIND STEP.FIELD`.
#[derive(Debug, Clone, PartialEq)]
pub struct Entity {
    /// `account`, `ip`, `host`, ….
    pub kind: Name,
    /// The step field.
    pub field: Name,
}

/// `dedupe D by STEP.FIELD, …`.
#[derive(Debug, Clone, PartialEq)]
pub struct Dedupe {
    /// How long further alerts stay silent.
    pub window: Literal,
    /// The keys.
    pub by: Vec<Name>,
    /// The whole clause.
    pub span: Span,
}

/// `test "NAME" { … }`.
#[derive(Debug, Clone, PartialEq)]
pub struct Test {
    /// What it shows.
    pub name: Text,
    /// Its events, in the order written.
    pub events: Vec<Event>,
    /// What must come out.
    pub expects: Vec<Expect>,
    /// The whole clause.
    pub span: Span,
}

/// `STEP at OFFSET { … }` or `event of SOURCE at OFFSET { … }`.
#[derive(Debug, Clone, PartialEq)]
pub struct Event {
    /// What the event is.
    pub of: EventOf,
    /// The source of a step with alternatives: `at 3m from aws.vpcflow`.
    pub from: Option<Name>,
    /// When, from the start of the test.
    pub at: Literal,
    /// What it holds.
    pub content: EventContent,
    /// The whole event.
    pub span: Span,
}

/// What a test event holds.
#[derive(Debug, Clone, PartialEq)]
pub enum EventContent {
    /// `{ field: value, … }`: canonical fields.
    Fields(Vec<(Name, Literal)>),
    /// `raw …`: the event as its log has it.
    Raw(RawText),
}

/// Where the text of a raw event is.
#[derive(Debug, Clone, PartialEq)]
pub enum RawText {
    /// `raw "…"`.
    Inline(Text),
    /// `raw from "path"`.
    File(Text),
}

/// What a test event is an event of.
#[derive(Debug, Clone, PartialEq)]
pub enum EventOf {
    /// A step: what its predicate demands is filled in.
    Step(Name),
    /// A source: only what is written.
    Source(Name),
}

/// `expect …`.
#[derive(Debug, Clone, PartialEq)]
pub struct Expect {
    /// The expectation.
    pub kind: ExpectKind,
    /// The whole clause.
    pub span: Span,
}

/// What a test expects.
#[derive(Debug, Clone, PartialEq)]
pub enum ExpectKind {
    /// `expect alert at OFFSET`.
    AlertAt(Literal),
    /// `expect no alert`.
    NoAlert,
    /// `expect N alerts`.
    Alerts(u64),
}

/// A value as written.
#[derive(Debug, Clone, PartialEq)]
pub struct Literal {
    /// The value.
    pub kind: LiteralKind,
    /// Where it stands.
    pub span: Span,
}

/// The kinds of values.
#[derive(Debug, Clone, PartialEq)]
pub enum LiteralKind {
    /// `"…"`, `r"…"` or `"""…"""`, decoded.
    Str(String),
    /// `443`.
    Int(i64),
    /// `1.5`.
    Float(f64),
    /// `true`, `false`.
    Bool(bool),
    /// `1h30m`, in seconds.
    Duration(u64),
    /// `2027-06-30`.
    Date(Date),
    /// A bare word or dotted name: a parameter, a list, another field, or a metadata word.
    Word(String),
    /// What could not be read, which has been reported: nothing more is said of it.
    Unknown,
}

/// A predicate.
#[derive(Debug, Clone, PartialEq)]
pub struct Pred {
    /// What it says.
    pub kind: PredKind,
    /// The whole predicate.
    pub span: Span,
}

/// The forms of a predicate.
#[derive(Debug, Clone, PartialEq)]
pub enum PredKind {
    /// Two or more, joined by `or`.
    Or(Vec<Pred>),
    /// Two or more, joined by `and`.
    And(Vec<Pred>),
    /// `not p`.
    Not(Box<Pred>),
    /// `exists(f)`.
    Exists(Name),
    /// `f` alone.
    Truth(Name),
    /// `any(f) OP value`, `all(f) OP value`.
    Many {
        /// Of how many values.
        quantifier: Spanned<Quantifier>,
        /// The multi-valued field.
        field: Name,
        /// The operator with its negation and case mark.
        op: Spanned<Op>,
        /// The right side.
        value: Operand,
    },
    /// `f OP value`.
    Compare {
        /// The field.
        field: Name,
        /// The operator with its negation and case mark.
        op: Spanned<Op>,
        /// The right side.
        value: Operand,
    },
}

/// Of how many values of a field a test is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Quantifier {
    /// At least one satisfies it.
    Any,
    /// There is one, and none fails it.
    All,
}

/// An operator with its marks: `not like~` is `Like`, negated, ignoring case.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Op {
    /// Which test.
    pub kind: OpKind,
    /// `!=`, `!~`, `not …`.
    pub negated: bool,
    /// `=~`, `!~`, `…~`.
    pub ignore_case: bool,
}

/// The tests an operator can make.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OpKind {
    /// `==`, `!=`, `=~`, `!~`.
    Equal,
    /// `<`.
    Less,
    /// `<=`.
    LessEqual,
    /// `>`.
    Greater,
    /// `>=`.
    GreaterEqual,
    /// `in`.
    In,
    /// `like`.
    Like,
    /// `contains`.
    Contains,
    /// `starts_with`.
    StartsWith,
    /// `ends_with`.
    EndsWith,
    /// `matches`.
    Matches,
}

impl OpKind {
    /// Whether a list on its right side is a list of patterns or of parts of a text, of which one must fit.
    #[must_use]
    pub fn takes_patterns(self) -> bool {
        match self {
            Self::Like | Self::Contains | Self::StartsWith | Self::EndsWith => true,
            Self::Equal
            | Self::Less
            | Self::LessEqual
            | Self::Greater
            | Self::GreaterEqual
            | Self::In
            | Self::Matches => false,
        }
    }
}

/// The right side of a comparison.
#[derive(Debug, Clone, PartialEq)]
pub enum Operand {
    /// One value or name.
    One(Literal),
    /// `(v, …)`.
    Set(Vec<Literal>, Span),
}
