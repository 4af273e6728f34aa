//! Predicates of the IR: positive tests of single fields, joined in two-valued logic.
//!
//! In: built by `check`. Out: read by the engine and the targets.
//! Must not know: how a test is written or printed.

use std::borrow::Cow;
use std::cmp::Ordering;
use std::net::IpAddr;

use ipnet::IpNet;
use jiff::Timestamp;
use serde::Serialize;

use super::{Case, Field, Pattern, Regex};
use crate::source::Span;

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

impl FieldTest {
    /// The field with which it compares, if it compares two.
    #[must_use]
    pub fn other(&self) -> Option<&Field> {
        self.kind.other()
    }

    /// The allowlist that it asks, if it asks one: an index into `Rule::lists`.
    #[must_use]
    pub fn list(&self) -> Option<usize> {
        if let TestKind::InList { list, case: _ } = self.kind { Some(list) } else { None }
    }

    /// The fields that it looks at.
    pub fn fields(&self) -> impl Iterator<Item = &Field> {
        std::iter::once(&self.field).chain(self.other())
    }
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
        /// Index into `Rule::lists`.
        list: usize,
        /// For text.
        case: Case,
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
        /// Case-sensitive unless it says `(?i)` itself.
        regex: Regex,
    },
    /// Equals another field of the same record, both present.
    SameAs {
        /// The other field, of the same type.
        other: Field,
    },
    /// Has the text of another field of the same record, both present.
    TextOf {
        /// Where; none: it is the whole of it.
        place: Option<Place>,
        /// The other field, text as this one.
        other: Field,
        /// How the two are compared.
        case: Case,
    },
    /// Asks the values of a field that can have several.
    Values(ValuesTest),
}

impl TestKind {
    /// The field with which it compares, if it compares two.
    #[must_use]
    pub fn other(&self) -> Option<&Field> {
        Some(self.compared()?.0)
    }

    /// The same with where the text of that field is to be; without a place the two are to be equal.
    #[must_use]
    pub fn compared(&self) -> Option<(&Field, Option<Place>)> {
        match self {
            Self::SameAs { other } => Some((other, None)),
            Self::TextOf { place, other, case: _ } => Some((other, *place)),
            Self::Exists
            | Self::Equals { .. }
            | Self::InNetworks { .. }
            | Self::InList { .. }
            | Self::Order { .. }
            | Self::Like { .. }
            | Self::Substring { .. }
            | Self::Matches { .. }
            | Self::Values(_) => None,
        }
    }
}

/// A test of the values of a field that can have several; false where there is none.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ValuesTest {
    /// Of how many it must be true.
    pub quantifier: Quantifier,
    /// Whether none of the tests may hold for such a value: `any(f) != "a"`.
    pub negated: bool,
    /// What is asked of one value: one of these holds. Never empty; none of them compares two fields.
    pub tests: Vec<TestKind>,
}

/// How many of the values of a field must pass.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Quantifier {
    /// One of them.
    Any,
    /// All of them, and there is one.
    All,
}

impl Quantifier {
    /// The word of the language.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Any => "any",
            Self::All => "all",
        }
    }
}

/// Orderings.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
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
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Place {
    /// Anywhere.
    Anywhere,
    /// At the start.
    Start,
    /// At the end.
    End,
}

impl Place {
    /// The word of the language.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Anywhere => "contains",
            Self::Start => "starts_with",
            Self::End => "ends_with",
        }
    }
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

impl Value {
    /// The order of two values of one type, if they have one.
    #[must_use]
    pub fn compare(&self, other: &Self) -> Option<Ordering> {
        match (self, other) {
            (Self::Int(one), Self::Int(other)) => Some(one.cmp(other)),
            (Self::Float(one), Self::Float(other)) => one.partial_cmp(other),
            (Self::Time(one), Self::Time(other)) => Some(one.cmp(other)),
            (
                Self::String(_) | Self::Int(_) | Self::Float(_) | Self::Bool(_) | Self::Time(_) | Self::Ip(_),
                _,
            ) => None,
        }
    }

    /// As [`Value::text`], without a copy where it is a text.
    #[must_use]
    pub fn as_text(&self) -> Cow<'_, str> {
        match self {
            Self::String(text) => Cow::Borrowed(text),
            Self::Int(_) | Self::Float(_) | Self::Bool(_) | Self::Time(_) | Self::Ip(_) => {
                Cow::Owned(self.text())
            }
        }
    }

    /// The value as plain text, without quotes.
    #[must_use]
    pub fn text(&self) -> String {
        match self {
            Self::String(text) => text.clone(),
            Self::Int(number) => number.to_string(),
            Self::Float(number) => number.to_string(),
            Self::Bool(truth) => truth.to_string(),
            Self::Time(instant) => instant.to_string(),
            Self::Ip(address) => address.to_string(),
        }
    }
}
