//! Ranges of numbers of which one must stand behind a key of a JSON event for it to match any step.
//!
//! In: the steps on one source. Out: [`Bounds`], which say of an event whether it is worth reading.
//! Must not know: how events are read. The answer is a superset: what is written in another way than a plain whole
//! number passes.

use super::json_key::JsonKey;
use super::steps::Written;
use crate::catalog::{Raw, Source};
use crate::ir::{FieldTest, OrderOp, Pred, TestKind, Type, Value};

/// For some keys the least and the greatest number that any step accepts.
#[derive(Debug, Default)]
pub(super) struct Bounds(Vec<Bound>);

#[derive(Debug)]
struct Bound {
    key: JsonKey,
    range: Range,
}

type Range = (i64, i64);

const ALL: Range = (i64::MIN, i64::MAX);
const MOST_DIGITS: usize = 18;

impl Bounds {
    /// The bounds of `steps`: only of keys that every one of them bounds.
    pub(super) fn new(steps: &[Written<'_>], source: &Source) -> Self {
        let whole_numbers = source.fields.values().filter(|field| field.ty == Type::Int);
        let bound = |field: &crate::catalog::FieldDef| {
            let Some(Raw::Path(path)) = &field.raw else { return None };
            let ranges = steps.iter().map(|written| range(&written.step.filter, &field.name));
            let range = ranges.reduce(either).filter(|range| *range != ALL)?;
            Some(Bound { key: JsonKey::of(path)?, range })
        };
        Self(whole_numbers.filter_map(bound).collect())
    }

    /// Whether the values of all keys may lie within.
    pub(super) fn admit(&self, event: &[u8]) -> bool {
        self.0.iter().all(|bound| bound.admits(event))
    }
}

impl Bound {
    fn admits(&self, event: &[u8]) -> bool {
        self.key
            .values(event)
            .any(|value| number(value).is_none_or(|number| (self.range.0..=self.range.1).contains(&number)))
    }
}

/// The whole number that a value is, with or without quotation marks; `None` if it is anything else.
fn number(value: &[u8]) -> Option<i64> {
    let (value, end): (_, &[u8]) = match value.strip_prefix(b"\"") {
        Some(inside) => (inside, b"\""),
        None => (value, b",} \t\r\n"),
    };
    let (mut number, mut length) = (0, 0);
    for byte in value.iter().take_while(|byte| byte.is_ascii_digit()).take(MOST_DIGITS) {
        number = number * 10 + i64::from(byte - b'0');
        length += 1;
    }
    let ends = value.get(length).is_some_and(|byte| end.contains(byte));
    (ends && length > 0).then_some(number)
}

/// The numbers of a field outside which `pred` is false.
fn range(pred: &Pred, field: &str) -> Range {
    match pred {
        Pred::And(parts) => parts.iter().map(|part| range(part, field)).fold(ALL, both),
        Pred::Or(parts) => parts.iter().map(|part| range(part, field)).reduce(either).unwrap_or(ALL),
        Pred::Test(test) if test.field.name == field => of_test(test),
        Pred::Test(_) | Pred::Not(_) => ALL,
    }
}

fn of_test(test: &FieldTest) -> Range {
    match &test.kind {
        TestKind::Order { op, value: Value::Int(bound) } => match op {
            OrderOp::Less | OrderOp::LessEqual => (i64::MIN, *bound),
            OrderOp::Greater | OrderOp::GreaterEqual => (*bound, i64::MAX),
        },
        TestKind::Equals { values, .. } => {
            let one = |value: &Value| if let Value::Int(number) = value { (*number, *number) } else { ALL };
            values.iter().map(one).reduce(either).unwrap_or(ALL)
        }
        TestKind::Order { .. }
        | TestKind::Exists
        | TestKind::InNetworks { .. }
        | TestKind::InList { .. }
        | TestKind::Like { .. }
        | TestKind::Substring { .. }
        | TestKind::Matches { .. }
        | TestKind::SameAs { .. } => ALL,
    }
}

fn both(left: Range, right: Range) -> Range {
    (left.0.max(right.0), left.1.min(right.1))
}

fn either(left: Range, right: Range) -> Range {
    (left.0.min(right.0), left.1.max(right.1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_plain_numbers_outside_are_passed_over() {
        let bound = Bound { key: JsonKey::new("port"), range: (100, 200) };
        for (event, expected) in [
            (r#"{"port":150}"#, true),
            (r#"{"port":"150"}"#, true),
            (r#"{"port":100,"a":1}"#, true),
            (r#"{"port":99}"#, false),
            (r#"{"port" : 201 }"#, false),
            (r#"{"port":"201"}"#, false),
            (r#"{"a":1}"#, false),
            (r#"{"a":"port","b":150}"#, false),
            (r#"{"port":1,"a":{"port":150}}"#, true),
            (r#"{"port":1.5e2}"#, true),
            (r#"{"port":1}"#, false),
            (r#"{"port":"+1"}"#, true),
            (r#"{"port":-1}"#, true),
            (r#"{"port":null}"#, true),
            (r#"{"port":1234567890123456789}"#, true),
            (r#"{"port":1"#, true),
        ] {
            assert_eq!(bound.admits(event.as_bytes()), expected, "{event}");
        }
    }

    #[test]
    fn ranges_are_joined_from_outside() {
        let (low, high) = ((10, i64::MAX), (i64::MIN, 5));
        assert_eq!(either(low, high), ALL);
        assert_eq!(either((1, 1), (7, 7)), (1, 7));
        assert_eq!(both(low, (i64::MIN, 20)), (10, 20));
        assert_eq!(both(low, ALL), low);
    }
}
