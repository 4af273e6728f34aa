//! One test on one value, as far as it can be told here.
//!
//! In: a test and a present value. Out: met, not met, or unknown.
//! Must not know: other tests.

use std::cmp::Ordering;

use crate::ir::{Case, EntryValue, List, OrderOp, Pattern, PatternPart, Place, TestKind, Value};

/// Past so many entries, a list says nothing.
const MOST_ENTRIES: usize = 1_000;

/// Whether the value meets the test; `None` if that is not known here.
pub(super) fn evaluate(kind: &TestKind, value: &Value, lists: &[&List]) -> Option<bool> {
    match kind {
        TestKind::Exists => Some(true),
        TestKind::Equals { values, case } => equals(values, value, *case),
        TestKind::InNetworks { networks } => match value {
            Value::Ip(address) => Some(networks.iter().any(|network| network.contains(address))),
            Value::String(_) | Value::Int(_) | Value::Float(_) | Value::Bool(_) | Value::Time(_) => None,
        },
        TestKind::InList { list, case: Case::Sensitive } => in_list(lists.get(*list)?, value),
        // A list is written as its values are, so without a fold only what is met is known.
        TestKind::InList { list, case: Case::Ignore } => {
            in_list(lists.get(*list)?, value).filter(|is_met| *is_met)
        }
        TestKind::Order { op, value: bound } => {
            let order = value.compare(bound)?;
            Some(match op {
                OrderOp::Less => order == Ordering::Less,
                OrderOp::LessEqual => order != Ordering::Greater,
                OrderOp::Greater => order == Ordering::Greater,
                OrderOp::GreaterEqual => order != Ordering::Less,
            })
        }
        TestKind::Like { pattern, case } => {
            let text = text_of(value)?;
            match case {
                Case::Sensitive => Some(pattern.matches(text)),
                Case::Ignore => Some(fold_pattern(pattern)?.matches(&fold(text)?)),
            }
        }
        TestKind::Substring { place, text, case } => {
            let value = text_of(value)?;
            match case {
                Case::Sensitive => Some(has(value, text, *place)),
                Case::Ignore => Some(has(&fold(value)?, &fold(text)?, *place)),
            }
        }
        TestKind::Matches { .. }
        | TestKind::SameAs { .. }
        | TestKind::TextOf { .. }
        | TestKind::Values(_) => None,
    }
}

fn text_of(value: &Value) -> Option<&str> {
    match value {
        Value::String(text) => Some(text),
        Value::Int(_) | Value::Float(_) | Value::Bool(_) | Value::Time(_) | Value::Ip(_) => None,
    }
}

fn has(value: &str, text: &str, place: Place) -> bool {
    match place {
        Place::Anywhere => value.contains(text),
        Place::Start => value.starts_with(text),
        Place::End => value.ends_with(text),
    }
}

fn equals(values: &[Value], value: &Value, case: Case) -> Option<bool> {
    if case == Case::Sensitive {
        return Some(values.contains(value));
    }
    let folded = fold(text_of(value)?)?;
    let mut unknown = false;
    for other in values {
        match fold(text_of(other)?) {
            Some(other) if other == folded => return Some(true),
            Some(_) => {}
            None => unknown = true,
        }
    }
    // A value that cannot be folded here may be the one that is equal.
    (!unknown).then_some(false)
}

fn in_list(list: &List, value: &Value) -> Option<bool> {
    // An empty list is mostly one to be filled; `Logic` asks by itself what follows from it as it is.
    if list.entries.is_empty() || list.entries.len() > MOST_ENTRIES {
        return None;
    }
    Some(list.entries.iter().any(|entry| match (&entry.value, value) {
        (EntryValue::Pattern(pattern), Value::String(text)) => pattern.matches(text),
        (EntryValue::Network(network), Value::Ip(address)) => network.contains(address),
        (EntryValue::Value(entry), value) => entry == value,
        (EntryValue::Pattern(_) | EntryValue::Network(_), _) => false,
    }))
}

/// Lower case, where all readers agree on it: for ASCII.
pub(super) fn fold(text: &str) -> Option<String> {
    text.is_ascii().then(|| text.to_ascii_lowercase())
}

fn fold_pattern(pattern: &Pattern) -> Option<Pattern> {
    let part = |part: &PatternPart| match part {
        PatternPart::Text(text) => fold(text).map(PatternPart::Text),
        PatternPart::Any => Some(PatternPart::Any),
        PatternPart::One => Some(PatternPart::One),
    };
    Some(Pattern { parts: pattern.parts.iter().map(part).collect::<Option<_>>()? })
}
