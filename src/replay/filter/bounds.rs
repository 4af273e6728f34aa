//! Ranges of numbers of which one must stand behind a key of a JSON event for it to match any step.
//!
//! In: the steps on one source. Out: [`Bounds`], which say of an event whether it is worth reading.
//! Must not know: how events are read. The answer is a superset: whatever is not a plain integer passes.

use std::ops::RangeInclusive;

use super::json_key::JsonKey;
use super::location::Location;
use super::source_step::SourceStep;
use crate::catalog::Source;
use crate::ir::Type;

/// For some keys the least and the greatest number that any step accepts.
#[derive(Debug, Default)]
pub(super) struct Bounds(Vec<Bound>);

#[derive(Debug)]
struct Bound {
    key: JsonKey,
    range: Range,
}

type Range = RangeInclusive<i64>;

/// More digits may not fit into an `i64`; such a number passes.
const MOST_DIGITS: usize = 18;

impl Bounds {
    /// The bounds of `steps`: only of keys that every one of them bounds, since an event is worth reading if any of
    /// them accepts it.
    pub(super) fn new(steps: &[SourceStep<'_>], source: &Source) -> Self {
        let integers = source.fields.values().filter(|field| field.ty == Type::Int);
        let bound = |field: &crate::catalog::FieldDef| {
            let Location::AsIs(path) = Location::of(source, &field.name) else { return None };
            let ranges = steps.iter().map(|step| step.filter.required_range(&field.name)?.integers());
            let ranges: Vec<_> = ranges.collect::<Option<_>>()?;
            let range = ranges.into_iter().reduce(hull)?;
            Some(Bound { key: JsonKey::of(path)?, range })
        };
        Self(integers.filter_map(bound).collect())
    }

    /// Whether the values of all keys may lie within.
    pub(super) fn admit(&self, event: &[u8]) -> bool {
        self.0.iter().all(|bound| bound.admits(event))
    }
}

impl Bound {
    fn admits(&self, event: &[u8]) -> bool {
        // The key may occur elsewhere in the event too, so one value within is enough. No occurrence: the field is
        // missing, and a comparison of a missing field is false.
        self.key.values(event).any(|value| number(value).is_none_or(|number| self.range.contains(&number)))
    }
}

/// The integer that a value is, with or without quotation marks; `None` if it is anything else.
fn number(value: &[u8]) -> Option<i64> {
    // Digits alone: a text such as `+1` is a number to the type of the field too, and passes without a judgement.
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

/// The smallest range that holds both.
fn hull(left: Range, right: Range) -> Range {
    if left.is_empty() {
        return right;
    }
    if right.is_empty() {
        return left;
    }
    *left.start().min(right.start())..=*left.end().max(right.end())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_plain_numbers_outside_are_passed_over() {
        let bound = Bound { key: JsonKey::new("port"), range: 100..=200 };
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
        assert_eq!(hull(1..=1, 7..=7), 1..=7);
        assert_eq!(hull(10..=i64::MAX, i64::MIN..=5), i64::MIN..=i64::MAX);
        assert_eq!(
            hull(RangeInclusive::new(1, 0), 3..=4),
            3..=4,
            "a step that nothing satisfies adds nothing"
        );
    }
}
