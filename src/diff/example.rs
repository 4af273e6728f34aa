//! Values that are worth trying: those that a test names, and their neighbours.
//!
//! In: tests of a field. Out: values of its type. Must not know: which of them satisfy what; the engine says.

use ipnet::IpNet;
use jiff::{SignedDuration, Timestamp};
use regex_syntax::hir::{Hir, HirKind};

use super::fields::Held;
use super::pair::Side;
use crate::catalog::FieldDef;
use crate::ir::{EntryValue, FieldTest, Pattern, PatternPart, TestKind, Type, Value};

/// The most values of one test, and of those that are combined for a field with several.
const MOST: usize = 24;
const FEW: usize = 6;

/// Values of a field without any test.
pub(super) fn plain(ty: Type, number: usize) -> Value {
    let small = i64::try_from(number).unwrap_or(0);
    match ty {
        Type::String => Value::String(format!("v{number}")),
        Type::Int => Value::Int(41 + small),
        #[expect(clippy::cast_precision_loss, reason = "few values are ever tried")]
        Type::Float => Value::Float(1.5 + number as f64),
        Type::Bool => Value::Bool(number.is_multiple_of(2)),
        Type::Ip => Value::Ip(
            std::net::Ipv4Addr::new(198, 51, 100, u8::try_from(number % 200).unwrap_or(0) + 7).into(),
        ),
        Type::Time => Value::Time(Timestamp::UNIX_EPOCH + SignedDuration::from_secs(1_000 + small)),
    }
}

/// What a field could hold, from all tests of it: a value, or of a field that can have several one or two.
pub(super) fn held<'t>(
    def: &FieldDef,
    tests: impl Iterator<Item = (&'t FieldTest, &'t Side<'t>)>,
) -> Vec<Held> {
    let values = values(def, tests);
    if !def.many {
        return values.into_iter().map(Held::One).collect();
    }
    let single = values.iter().map(|value| vec![value.clone()]);
    let few = values.iter().take(FEW).enumerate();
    let two = few.flat_map(|(index, one)| {
        let others = values.iter().take(FEW).enumerate().filter(move |(other, _)| *other != index);
        others.map(|(_, other)| vec![one.clone(), other.clone()])
    });
    single.chain(two).map(Held::Many).collect()
}

/// Values for a field, from all tests of it.
fn values<'t>(def: &FieldDef, tests: impl Iterator<Item = (&'t FieldTest, &'t Side<'t>)>) -> Vec<Value> {
    let mut found = Vec::new();
    for (test, side) in tests {
        of_test(&test.kind, side, &mut found);
    }
    found.extend((0..3).map(|number| plain(def.ty, number)));
    if !def.values.is_empty() {
        found.extend(def.values.iter().take(MOST).map(|text| Value::String(text.clone())));
        found.retain(|value| matches!(value, Value::String(text) if def.values.contains(text)));
    }
    found.retain(|value| fits(value, def.ty) && !matches!(value, Value::String(text) if text.is_empty()));
    let mut kept: Vec<Value> = Vec::new();
    for value in found {
        if !kept.contains(&value) {
            kept.push(value);
        }
    }
    kept
}

fn fits(value: &Value, ty: Type) -> bool {
    matches!(
        (value, ty),
        (Value::String(_), Type::String)
            | (Value::Int(_), Type::Int)
            | (Value::Float(_), Type::Float)
            | (Value::Bool(_), Type::Bool)
            | (Value::Ip(_), Type::Ip)
            | (Value::Time(_), Type::Time)
    )
}

fn of_test(kind: &TestKind, side: &Side<'_>, found: &mut Vec<Value>) {
    match kind {
        TestKind::Exists | TestKind::SameAs { .. } | TestKind::TextOf { .. } => {}
        TestKind::Values(test) => test.tests.iter().for_each(|test| of_test(test, side, found)),
        TestKind::Equals { values, case: _ } => {
            for value in values.iter().take(MOST) {
                found.push(value.clone());
                if let Value::String(text) = value {
                    found.push(Value::String(text.to_uppercase()));
                    found.push(Value::String(text.to_lowercase()));
                    found.push(Value::String(format!("{text}x")));
                }
            }
        }
        TestKind::InNetworks { networks } => {
            networks.iter().take(MOST).for_each(|net| of_network(net, found));
        }
        TestKind::InList { list, case: _ } => {
            let entries = side.entries.get(*list).into_iter().flatten();
            entries.for_each(|entry| match entry {
                EntryValue::Pattern(pattern) => of_pattern(pattern, found),
                EntryValue::Network(network) => of_network(network, found),
                EntryValue::Value(value) => found.push(value.clone()),
            });
        }
        TestKind::Order { op: _, value } => of_bound(value, found),
        TestKind::Like { pattern, case: _ } => of_pattern(pattern, found),
        TestKind::Substring { place: _, text, case: _ } => {
            let texts = [
                text.clone(),
                format!("x{text}"),
                format!("{text}x"),
                format!("x{text}x"),
                text.to_uppercase(),
            ];
            found.extend(texts.map(Value::String));
        }
        TestKind::Matches { regex } => {
            let tree = regex_syntax::parse(regex.exact()).ok();
            let text = tree.as_ref().map(of_expression).unwrap_or_default();
            found.extend([format!("{text}x"), format!("x{text}"), text].map(Value::String));
        }
    }
}

fn of_bound(value: &Value, found: &mut Vec<Value>) {
    found.push(value.clone());
    match value {
        Value::Int(number) => {
            found
                .extend([number.checked_sub(1), number.checked_add(1)].into_iter().flatten().map(Value::Int));
        }
        Value::Float(number) => found.extend([number - 0.5, number + 0.5].map(Value::Float)),
        Value::Time(instant) => {
            let second = SignedDuration::from_secs(1);
            found.extend(
                [instant.checked_sub(second), instant.checked_add(second)]
                    .into_iter()
                    .flatten()
                    .map(Value::Time),
            );
        }
        Value::String(_) | Value::Bool(_) | Value::Ip(_) => {}
    }
}

/// Its first and last address.
fn of_network(network: &IpNet, found: &mut Vec<Value>) {
    found.extend([network.network(), network.broadcast()].map(Value::Ip));
}

/// A text that matches, as short as it gets and with something for every wildcard.
fn of_pattern(pattern: &Pattern, found: &mut Vec<Value>) {
    let text = |any: &str| {
        let part = |part: &PatternPart| match part {
            PatternPart::Text(text) => text.clone(),
            PatternPart::Any => any.to_owned(),
            PatternPart::One => "y".to_owned(),
        };
        pattern.parts.iter().map(part).collect::<String>()
    };
    let texts = [text("x"), text(""), text("x") + "z", text("x").to_uppercase(), text("X").to_lowercase()];
    found.extend(texts.map(Value::String));
}

/// A short text in which the expression finds something.
fn of_expression(tree: &Hir) -> String {
    match tree.kind() {
        HirKind::Empty | HirKind::Look(_) => String::new(),
        HirKind::Literal(literal) => String::from_utf8_lossy(&literal.0).into_owned(),
        HirKind::Class(class) => class_example(class),
        HirKind::Repetition(repetition) => {
            of_expression(&repetition.sub).repeat(usize::try_from(repetition.min).unwrap_or(1).min(64))
        }
        HirKind::Capture(capture) => of_expression(&capture.sub),
        HirKind::Concat(parts) => parts.iter().map(of_expression).collect(),
        HirKind::Alternation(parts) => parts.first().map(of_expression).unwrap_or_default(),
    }
}

fn class_example(class: &regex_syntax::hir::Class) -> String {
    let chars: Vec<char> = match class {
        regex_syntax::hir::Class::Unicode(class) => {
            class.ranges().iter().flat_map(|range| [range.start(), range.end()]).collect()
        }
        regex_syntax::hir::Class::Bytes(class) => class
            .ranges()
            .iter()
            .flat_map(|range| [char::from(range.start()), char::from(range.end())])
            .collect(),
    };
    let letter = chars.iter().find(|c| c.is_ascii_alphanumeric()).or_else(|| chars.first());
    letter.map(char::to_string).unwrap_or_default()
}
