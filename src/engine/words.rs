//! Tests, values and durations in words, for explanations.
//!
//! In: parts of the IR. Out: short text in the notation of the language.
//! Must not know: records, chains.

use std::fmt::Write;

use crate::ir::{
    Case, CompareOp, Comparison, FieldTest, LookupTest, OrderOp, PatternPart, Pred, Rule, TestKind, Value,
    ValuesTest,
};

/// A duration as the language writes it, down to microseconds: `4m12s`, `1h30m`, `250ms`.
#[must_use]
pub fn duration(micros: i64) -> String {
    let (mut rest, mut text) = (micros.unsigned_abs(), String::new());
    for (unit, length) in [
        ("d", 86_400_000_000),
        ("h", 3_600_000_000),
        ("m", 60_000_000),
        ("s", 1_000_000),
        ("ms", 1000),
        ("us", 1),
    ] {
        if rest >= length {
            let _ = write!(text, "{}{unit}", rest / length);
            rest %= length;
        }
    }
    if text.is_empty() { "0s".to_owned() } else { text }
}

/// A test as the language writes it; `negated` gives its opposite.
#[must_use]
pub fn test(test: &FieldTest, rule: &Rule, negated: bool) -> String {
    kind(&test.field.name, &test.kind, rule, negated)
}

fn kind(name: &str, kind: &TestKind, rule: &Rule, negated: bool) -> String {
    let not = if negated { "not " } else { "" };
    match kind {
        TestKind::Exists => format!("{not}exists({name})"),
        TestKind::Equals { values, case } => equals(name, values, *case, negated),
        TestKind::InNetworks { networks } => {
            let networks: Vec<_> = networks.iter().map(|network| format!("\"{network}\"")).collect();
            format!("{name} {not}in {}", parenthesised(&networks))
        }
        TestKind::InList { list, case: _ } => {
            let list = rule.lists.get(*list);
            // As its author wrote it, not as the list of keys that it became.
            if let Some(LookupTest { name: _, test }) = list.and_then(|list| list.lookup.as_ref()) {
                return if negated { format!("not {test}") } else { test.clone() };
            }
            format!("{name} {not}in {}", list.map_or("?", |list| list.name.node.as_str()))
        }
        TestKind::Order { op, value } => {
            let op = order(*op);
            if negated {
                format!("not {name} {op} {}", literal(value))
            } else {
                format!("{name} {op} {}", literal(value))
            }
        }
        TestKind::Like { .. } | TestKind::Substring { .. } | TestKind::Matches { .. } => {
            let (op, value) = of_text(kind).unwrap_or_default();
            format!("{name} {not}{op} {value}")
        }
        TestKind::SameAs { other } => format!("{not}{name} == {}", other.name),
        TestKind::TextOf { place: None, other, case } => {
            format!("{not}{name} ={} {}", if *case == Case::Ignore { "~" } else { "=" }, other.name)
        }
        TestKind::TextOf { place: Some(place), other, case } => {
            format!("{name} {not}{}{} {}", place.word(), tilde(*case), other.name)
        }
        TestKind::Values(test) => format!("{not}{}", values(name, test, rule)),
    }
}

/// The operator and the value of a test that looks into a text.
fn of_text(kind: &TestKind) -> Option<(String, String)> {
    match kind {
        TestKind::Like { pattern, case } => {
            Some((format!("like{}", tilde(*case)), format!("{:?}", notation(&pattern.parts))))
        }
        TestKind::Substring { place, text, case } => {
            Some((format!("{}{}", place.word(), tilde(*case)), format!("{text:?}")))
        }
        TestKind::Matches { regex } => Some(("matches".to_owned(), format!("r\"{}\"", regex.written()))),
        TestKind::Exists
        | TestKind::Equals { .. }
        | TestKind::InNetworks { .. }
        | TestKind::InList { .. }
        | TestKind::Order { .. }
        | TestKind::SameAs { .. }
        | TestKind::TextOf { .. }
        | TestKind::Values(_) => None,
    }
}

/// `any(f) like ("a*", "b*")`: several tests are those of one operator.
fn values(name: &str, test: &ValuesTest, rule: &Rule) -> String {
    let ValuesTest { quantifier, negated, tests } = test;
    let name = format!("{}({name})", quantifier.word());
    let texts: Vec<_> = tests.iter().filter_map(of_text).collect();
    if let [(op, _), _, ..] = texts.as_slice() {
        let not = if *negated { "not " } else { "" };
        let values: Vec<_> = texts.iter().map(|(_, value)| value.clone()).collect();
        return format!("{name} {not}{op} {}", parenthesised(&values));
    }
    let each: Vec<_> = tests.iter().map(|test| kind(&name, test, rule, *negated)).collect();
    each.join(" or ")
}

/// A comparison of neighbours as the language writes it.
#[must_use]
pub fn comparison(rule: &Rule, link: usize, number: usize) -> String {
    let name = |step: usize| rule.chain.steps.get(step).map_or("?", |step| step.name.node.as_str());
    let found = rule.chain.links.get(link).and_then(|written| written.comparisons.get(number));
    let Some(Comparison { left, op, right, span: _ }) = found else { return "?".to_owned() };
    format!("{}.{} {} {}.{}", name(link), left.name, compared(*op), name(link + 1), right.name)
}

/// A predicate as the language writes it.
#[must_use]
pub fn pred(pred: &Pred, rule: &Rule) -> String {
    let joined = |parts: &[Pred], word: &str| {
        let part = |part: &Pred| match part {
            Pred::And(_) | Pred::Or(_) => format!("({})", self::pred(part, rule)),
            Pred::Not(_) | Pred::Test(_) => self::pred(part, rule),
        };
        parts.iter().map(part).collect::<Vec<_>>().join(word)
    };
    match pred {
        Pred::And(parts) => joined(parts, " and "),
        Pred::Or(parts) => joined(parts, " or "),
        Pred::Not(inner) => match inner.as_ref() {
            Pred::Test(test) => self::test(test, rule, true),
            Pred::And(_) | Pred::Or(_) | Pred::Not(_) => format!("not ({})", self::pred(inner, rule)),
        },
        Pred::Test(test) => self::test(test, rule, false),
    }
}

fn equals(name: &str, values: &[Value], case: Case, negated: bool) -> String {
    let tilde = tilde(case);
    match values {
        [value] => {
            let op = match (case, negated) {
                (Case::Sensitive, false) => "==",
                (Case::Sensitive, true) => "!=",
                (Case::Ignore, false) => "=~",
                (Case::Ignore, true) => "!~",
            };
            format!("{name} {op} {}", literal(value))
        }
        values => {
            let values: Vec<_> = values.iter().map(literal).collect();
            let not = if negated { "not " } else { "" };
            format!("{name} {not}in{tilde} {}", parenthesised(&values))
        }
    }
}

/// At most four values, then how many more.
fn parenthesised(values: &[String]) -> String {
    const SHOWN: usize = 4;
    let shown: Vec<_> = values.iter().take(SHOWN).map(String::as_str).collect();
    let more = values.len().saturating_sub(SHOWN);
    let tail = if more > 0 { format!(", … {more} more") } else { String::new() };
    format!("({}{tail})", shown.join(", "))
}

/// The operator of two values that are equal.
pub(crate) fn equal(case: Case) -> &'static str {
    match case {
        Case::Sensitive => "==",
        Case::Ignore => "=~",
    }
}

/// The mark behind an operator that ignores letter case.
pub(crate) fn tilde(case: Case) -> &'static str {
    match case {
        Case::Sensitive => "",
        Case::Ignore => "~",
    }
}

/// How neighbours compare.
pub(crate) fn compared(op: CompareOp) -> &'static str {
    match op {
        CompareOp::NotEqual => "!=",
        CompareOp::Order(op) => order(op),
    }
}

pub(crate) fn order(op: OrderOp) -> &'static str {
    match op {
        OrderOp::Less => "<",
        OrderOp::LessEqual => "<=",
        OrderOp::Greater => ">",
        OrderOp::GreaterEqual => ">=",
    }
}

/// A value as the language writes it.
#[must_use]
pub fn literal(value: &Value) -> String {
    match value {
        Value::String(text) => format!("{text:?}"),
        Value::Int(number) => number.to_string(),
        Value::Float(number) => number.to_string(),
        Value::Bool(value) => value.to_string(),
        Value::Time(instant) => format!("\"{instant}\""),
        Value::Ip(address) => format!("\"{address}\""),
    }
}

/// A field's value as the language writes it.
#[must_use]
pub fn value(value: &super::value::Value<'_>) -> String {
    use super::value::Value;
    match value {
        Value::Text(text) => format!("{text:?}"),
        Value::Int(_) | Value::Float(_) | Value::Bool(_) => value.to_string(),
        Value::Time(_) | Value::Ip(_) | Value::AltSpelling(_) => format!("\"{value}\""),
        Value::Many(all) => all.iter().map(self::value).collect::<Vec<_>>().join(", "),
    }
}

/// Parts of a pattern as the language writes them.
pub(crate) fn notation(parts: &[PatternPart]) -> String {
    let part = |part: &PatternPart| match part {
        PatternPart::Text(text) => text.replace('\\', r"\\").replace('*', r"\*").replace('?', r"\?"),
        PatternPart::Any => "*".to_owned(),
        PatternPart::One => "?".to_owned(),
    };
    parts.iter().map(part).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_read_as_written() {
        for (micros, text) in [
            (0, "0s"),
            (252_000_000, "4m12s"),
            (5_400_000_000, "1h30m"),
            (250_000, "250ms"),
            (86_400_000_001, "1d1us"),
            (-1_000_000, "1s"),
        ] {
            assert_eq!(duration(micros), text);
        }
    }
}
