//! What a condition says of a record, written down a second time, straight from the IR.
//!
//! In: a predicate, a record. Out: whether it holds. Must not know: chains, the engine's own predicates.

use catena::engine::record::Record;
use catena::engine::value::Value;
use catena::ir::{
    Case, EntryValue, OrderOp, Pattern, PatternPart, Place, Pred, Quantifier, Rule, TestKind, ValuesTest,
};

pub(super) fn holds(rule: &Rule, pred: &Pred, record: &Record) -> bool {
    match pred {
        Pred::And(parts) => parts.iter().all(|part| holds(rule, part, record)),
        Pred::Or(parts) => parts.iter().any(|part| holds(rule, part, record)),
        Pred::Not(inner) => !holds(rule, inner, record),
        Pred::Test(asked) => {
            record.get(&asked.field.name).is_some_and(|value| passes(rule, &asked.kind, value, record))
        }
    }
}

fn passes(rule: &Rule, asked: &TestKind, value: &Value<'_>, record: &Record) -> bool {
    let text = value.to_string();
    let cased =
        |text: &str, case: Case| if case == Case::Ignore { text.to_lowercase() } else { text.to_owned() };
    match asked {
        TestKind::Exists => true,
        TestKind::Equals { values, case } => values.iter().any(|wanted| {
            let wanted = Value::from_ir(wanted).unwrap();
            equal(&wanted, value)
                || (*case == Case::Ignore && cased(&wanted.to_string(), *case) == cased(&text, *case))
        }),
        TestKind::InNetworks { networks } => networks.iter().any(|network| contains(network, value)),
        TestKind::InList { list, case: _ } => {
            rule.lists[*list].entries.iter().any(|entry| match &entry.value {
                EntryValue::Pattern(pattern) => {
                    matches!(value, Value::Text(_)) && like(&pattern.parts, &text)
                }
                EntryValue::Network(network) => contains(network, value),
                EntryValue::Value(wanted) => equal(&Value::from_ir(wanted).unwrap(), value),
            })
        }
        TestKind::Order { op, value: bound } => {
            let (left, right) = (number(value), number(&Value::from_ir(bound).unwrap()));
            orders(*op, left, right)
        }
        TestKind::Like { pattern, case } => {
            let Pattern { parts } = Pattern::parse(&cased(&notation(pattern), *case)).unwrap();
            like(&parts, &cased(&text, *case))
        }
        TestKind::Substring { place, text: part, case } => {
            stands(*place, &cased(&text, *case), &cased(part, *case))
        }
        TestKind::Matches { regex } => {
            // The meaning of ASCII, by another way than the program takes.
            let mut ascii = regex::bytes::RegexBuilder::new(regex.written());
            ascii.unicode(false).build().unwrap().is_match(text.as_bytes())
        }
        TestKind::SameAs { other } => record.get(&other.name).is_some_and(|other| equal(value, other)),
        TestKind::TextOf { place, other, case } => record.get(&other.name).is_some_and(|other| {
            let (text, other) = (cased(&text, *case), cased(&other.to_string(), *case));
            match place {
                None => text == other,
                Some(place) => stands(*place, &text, &other),
            }
        }),
        TestKind::Values(ValuesTest { quantifier, negated, tests }) => {
            let Value::Many(all) = value else { return false };
            let good = all.iter().filter(|one| {
                let met = tests.iter().filter(|test| passes(rule, test, one, record)).count();
                if *negated { met == 0 } else { met > 0 }
            });
            match (quantifier, good.count()) {
                (Quantifier::Any, good) => good > 0,
                (Quantifier::All, good) => good > 0 && good == all.len(),
            }
        }
    }
}

fn stands(place: Place, text: &str, part: &str) -> bool {
    match place {
        Place::Anywhere => text.contains(part),
        Place::Start => text.starts_with(part),
        Place::End => text.ends_with(part),
    }
}

pub(super) fn equal(left: &Value<'_>, right: &Value<'_>) -> bool {
    match (left, right) {
        (Value::Int(_) | Value::Float(_), Value::Int(_) | Value::Float(_)) => {
            number(left).partial_cmp(&number(right)) == Some(std::cmp::Ordering::Equal)
        }
        (
            Value::Text(_)
            | Value::Int(_)
            | Value::Float(_)
            | Value::Bool(_)
            | Value::Time(_)
            | Value::Ip(_)
            | Value::AltSpelling(_)
            | Value::Many(_),
            _,
        ) => left == right,
    }
}

pub(super) fn number(value: &Value<'_>) -> f64 {
    match value {
        Value::Int(number) => i32::try_from(*number).unwrap().into(),
        Value::Float(number) => *number,
        Value::Text(_)
        | Value::Bool(_)
        | Value::Time(_)
        | Value::Ip(_)
        | Value::AltSpelling(_)
        | Value::Many(_) => {
            panic!("the scenarios order numbers only")
        }
    }
}

fn contains(network: &ipnet::IpNet, value: &Value<'_>) -> bool {
    matches!(value, Value::Ip(address) if network.contains(address))
}

fn notation(pattern: &Pattern) -> String {
    let part = |part: &PatternPart| match part {
        PatternPart::Text(text) => text.clone(),
        PatternPart::Any => "*".to_owned(),
        PatternPart::One => "?".to_owned(),
    };
    pattern.parts.iter().map(part).collect()
}

fn like(parts: &[PatternPart], text: &str) -> bool {
    match parts.split_first() {
        None => text.is_empty(),
        Some((PatternPart::Text(fixed), rest)) => {
            text.strip_prefix(fixed.as_str()).is_some_and(|text| like(rest, text))
        }
        Some((PatternPart::One, rest)) => {
            let mut chars = text.chars();
            chars.next().is_some() && like(rest, chars.as_str())
        }
        Some((PatternPart::Any, rest)) => {
            let tails = text.char_indices().map(|(at, _)| &text[at..]).chain([""]);
            tails.into_iter().any(|tail| like(rest, tail))
        }
    }
}

pub(super) fn orders(op: OrderOp, left: f64, right: f64) -> bool {
    match op {
        OrderOp::Less => left < right,
        OrderOp::LessEqual => left <= right,
        OrderOp::Greater => left > right,
        OrderOp::GreaterEqual => left >= right,
    }
}
