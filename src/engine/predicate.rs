//! Predicates, compiled against a schema.
//!
//! In: a predicate of the IR. Out: [`Predicate`], which answers for the values of a record; everything that can be
//! worked out once (sets, patterns, expressions, networks, lists) is. Must not know: chains, raw logs. Two-valued: a
//! test of a missing field is false.

use std::sync::Arc;

use foldhash::HashSet;
use regex::Regex;

use super::list::Allowlist;
use super::network::Networks;
use super::record::Schema;
use super::text::Wildcard;
use super::value::{Atom, Value};
use crate::ir::{self, Case, OrderOp, Place, Pred, Quantifier, TestKind, ValuesTest};

/// The values of a record, in order of place.
pub type Values<'v> = [Option<Value<'v>>];

/// A compiled predicate; it has the shape of the predicate it comes from.
#[derive(Debug)]
pub enum Predicate {
    /// All hold.
    All(Vec<Predicate>),
    /// One holds.
    Any(Vec<Predicate>),
    /// It does not hold.
    Not(Box<Predicate>),
    /// A test of the value at a place.
    Test(usize, Check),
}

/// What is asked of a present value.
#[derive(Debug)]
pub enum Check {
    /// Nothing more.
    Present,
    /// It is one of the values, none of which is text.
    OneOf(HashSet<Atom>),
    /// Its text is one of the texts.
    OneOfTexts(HashSet<String>, Case),
    /// It lies in one of the networks.
    In(Networks),
    /// It is on the list.
    Listed(Arc<Allowlist>, Case),
    /// It compares so with the bound.
    Order(OrderOp, Value<'static>),
    /// The whole of it matches.
    Like(Wildcard),
    /// The text is there.
    Substring(Place, String, Case),
    /// The expression finds something.
    Matches(Regex),
    /// The value at another place is the same.
    SameAs(usize),
    /// The text at another place is there; everywhere, if no place is said.
    TextOf(Option<Place>, usize, Case),
    /// Of the values of a field with several.
    Values(Quantifier, ValueCheck),
}

/// What is asked of one of several values: one of the checks holds, or none of them if it is negated.
#[derive(Debug)]
pub struct ValueCheck {
    negated: bool,
    checks: Vec<Check>,
}

impl ValueCheck {
    fn accepts(&self, value: &Value<'_>, values: &Values<'_>) -> bool {
        self.negated != self.checks.iter().any(|check| check.accepts(value, values))
    }
}

/// Why a rule cannot run; the checker refuses such rules, so this is about rules that were built by hand.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CompileError(pub String);

impl std::fmt::Display for CompileError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for CompileError {}

impl Predicate {
    /// Compiles `pred` for records of `schema`; `lists` are those of the rule.
    ///
    /// # Errors
    /// When the source has no such field or the expression does not compile.
    pub fn new(pred: &Pred, schema: &Schema, lists: &[Arc<Allowlist>]) -> Result<Self, CompileError> {
        let each = |parts: &[Pred]| {
            parts.iter().map(|part| Self::new(part, schema, lists)).collect::<Result<_, _>>()
        };
        Ok(match pred {
            Pred::And(parts) => Self::All(each(parts)?),
            Pred::Or(parts) => Self::Any(each(parts)?),
            Pred::Not(inner) => Self::Not(Box::new(Self::new(inner, schema, lists)?)),
            Pred::Test(test) => Self::Test(place(&test.field, schema)?, check(&test.kind, schema, lists)?),
        })
    }

    /// Whether it holds.
    #[must_use]
    pub fn holds(&self, values: &Values<'_>) -> bool {
        match self {
            Self::All(parts) => parts.iter().all(|part| part.holds(values)),
            Self::Any(parts) => parts.iter().any(|part| part.holds(values)),
            Self::Not(inner) => !inner.holds(values),
            Self::Test(place, check) => {
                values.get(*place).and_then(Option::as_ref).is_some_and(|value| check.accepts(value, values))
            }
        }
    }

    /// Calls `add` with the place of every field that is looked at.
    pub fn each_place(&self, add: &mut dyn FnMut(usize)) {
        match self {
            Self::All(parts) | Self::Any(parts) => parts.iter().for_each(|part| part.each_place(add)),
            Self::Not(inner) => inner.each_place(add),
            Self::Test(place, check) => {
                add(*place);
                // A field that is not named here is not read, and then the comparison would be false.
                if let Some(other) = check.other() {
                    add(other);
                }
            }
        }
    }
}

/// The place of a field.
pub(super) fn place(field: &ir::Field, schema: &Schema) -> Result<usize, CompileError> {
    let missing = || CompileError(format!("source `{}` has no field `{}`", schema.source(), field.name));
    schema.place(&field.name).ok_or_else(missing)
}

fn check(kind: &TestKind, schema: &Schema, lists: &[Arc<Allowlist>]) -> Result<Check, CompileError> {
    Ok(match kind {
        TestKind::Exists => Check::Present,
        TestKind::Equals { values, case } => one_of(values, *case),
        TestKind::InNetworks { networks } => Check::In(Networks::new(networks)),
        TestKind::InList { list, case } => {
            let found =
                lists.get(*list).ok_or_else(|| CompileError(format!("the rule has no list {list}")))?;
            Check::Listed(Arc::clone(found), *case)
        }
        TestKind::Order { op, value } => Check::Order(*op, bound(value)?),
        TestKind::Like { pattern, case } => Check::Like(Wildcard::new(pattern, *case)),
        TestKind::Substring { place, text, case } => {
            Check::Substring(*place, case.fold(text).into_owned(), *case)
        }
        TestKind::Matches { regex } => {
            // As it is meant, not as it is written: to Rust `\d` and `(?i)` reach beyond ASCII, to PCRE and Lucene they
            // do not.
            Check::Matches(Regex::new(regex.exact()).map_err(|problem| CompileError(problem.to_string()))?)
        }
        TestKind::SameAs { other } => Check::SameAs(self::place(other, schema)?),
        TestKind::TextOf { place, other, case } => Check::TextOf(*place, self::place(other, schema)?, *case),
        TestKind::Values(ValuesTest { quantifier, negated, tests }) => {
            let checks = tests.iter().map(|kind| check(kind, schema, lists)).collect::<Result<_, _>>()?;
            Check::Values(*quantifier, ValueCheck { negated: *negated, checks })
        }
    })
}

fn one_of(values: &[ir::Value], case: Case) -> Check {
    // Empty text drops out: no value is empty, so `== ""` holds for nothing.
    let known = values.iter().filter_map(Value::from_ir);
    if values.iter().any(|value| matches!(value, ir::Value::String(_))) {
        Check::OneOfTexts(known.map(|value| case.fold(&value.to_string()).into_owned()).collect(), case)
    } else {
        Check::OneOf(known.map(|value| value.atom()).collect())
    }
}

fn bound(value: &ir::Value) -> Result<Value<'static>, CompileError> {
    Value::from_ir(value).ok_or_else(|| CompileError("a bound is a number or an instant".to_owned()))
}

impl Check {
    /// The place of the field that it compares with.
    #[must_use]
    pub fn other(&self) -> Option<usize> {
        match self {
            Self::SameAs(other) | Self::TextOf(_, other, _) => Some(*other),
            Self::Present
            | Self::OneOf(_)
            | Self::OneOfTexts(..)
            | Self::In(_)
            | Self::Listed(..)
            | Self::Order(..)
            | Self::Like(_)
            | Self::Substring(..)
            | Self::Matches(_)
            | Self::Values(..) => None,
        }
    }

    /// Whether a present `value` of a record with `values` passes.
    #[must_use]
    pub fn accepts(&self, value: &Value<'_>, values: &Values<'_>) -> bool {
        match self {
            Self::Present => true,
            Self::OneOf(set) => set.contains(&value.atom()),
            Self::OneOfTexts(set, case) => {
                matches!(value, Value::Text(text) if set.contains(case.fold(text).as_ref()))
            }
            Self::In(networks) => value.address().is_some_and(|address| networks.contains(address)),
            Self::Listed(list, case) => list.contains(value, *case),
            Self::Order(op, bound) => value.order(bound).is_some_and(|order| in_order(*op, order)),
            Self::Like(pattern) => matches!(value, Value::Text(text) if pattern.matches(text)),
            Self::Substring(place, part, case) => {
                matches!(value, Value::Text(text) if has(*place, &case.fold(text), part))
            }
            Self::Matches(regex) => matches!(value, Value::Text(text) if regex.is_match(text)),
            // By value, although a link compares addresses as logged: two spellings in one record are one address.
            Self::SameAs(other) => {
                values.get(*other).and_then(Option::as_ref).is_some_and(|other| value.same(other))
            }
            Self::TextOf(place, other, case) => match (value, values.get(*other)) {
                (Value::Text(text), Some(Some(Value::Text(part)))) => {
                    let (text, part) = (case.fold(text), case.fold(part));
                    place.map_or(text == part, |place| has(place, &text, &part))
                }
                _ => false,
            },
            // A record of a test can give a single value as such.
            Self::Values(quantifier, check) => {
                let all =
                    if let Value::Many(all) = value { all.as_ref() } else { std::slice::from_ref(value) };
                match quantifier {
                    Quantifier::Any => all.iter().any(|one| check.accepts(one, values)),
                    Quantifier::All => !all.is_empty() && all.iter().all(|one| check.accepts(one, values)),
                }
            }
        }
    }
}

fn in_order(op: OrderOp, order: std::cmp::Ordering) -> bool {
    match op {
        OrderOp::Less => order.is_lt(),
        OrderOp::LessEqual => order.is_le(),
        OrderOp::Greater => order.is_gt(),
        OrderOp::GreaterEqual => order.is_ge(),
    }
}

fn has(place: Place, text: &str, part: &str) -> bool {
    match place {
        Place::Anywhere => text.contains(part),
        Place::Start => text.starts_with(part),
        Place::End => text.ends_with(part),
    }
}
