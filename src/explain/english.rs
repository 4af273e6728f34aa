//! Conditions in plain English.
//!
//! In: predicates. Out: phrases that follow "in which". Must not know: records, targets.

use crate::engine::words::literal;
use crate::ir::{
    Case, FieldTest, LookupTest, OrderOp, Pattern, PatternPart, Place, Pred, Quantifier, Rule, Status,
    TestKind, Value, ValuesTest,
};

/// How many values are named before the rest is counted.
const MOST: usize = 6;

/// A condition.
pub(super) fn pred(pred: &Pred, rule: &Rule) -> String {
    let parts = |parts: &[Pred], word: &str| {
        let part = |part: &Pred| match part {
            Pred::And(_) | Pred::Or(_) => format!("({})", self::pred(part, rule)),
            Pred::Not(_) | Pred::Test(_) => self::pred(part, rule),
        };
        join(&parts.iter().map(part).collect::<Vec<_>>(), word)
    };
    match pred {
        Pred::And(inner) => parts(inner, "and"),
        Pred::Or(inner) => format!("either {}", parts(inner, "or")),
        Pred::Not(inner) => match inner.as_ref() {
            Pred::Test(one) => test(one, rule, true),
            Pred::And(_) | Pred::Or(_) | Pred::Not(_) => {
                format!("it is not so that {}", self::pred(inner, rule))
            }
        },
        Pred::Test(one) => test(one, rule, false),
    }
}

/// `a, b and c`.
pub(super) fn all(parts: &[impl AsRef<str>]) -> String {
    join(parts, "and")
}

fn join(parts: &[impl AsRef<str>], word: &str) -> String {
    match parts {
        [] => String::new(),
        [one] => one.as_ref().to_owned(),
        [most @ .., last] => {
            let most: Vec<&str> = most.iter().map(AsRef::as_ref).collect();
            format!("{} {word} {}", most.join(", "), last.as_ref())
        }
    }
}

pub(super) fn status(status: Status) -> &'static str {
    match status {
        Status::Experimental => "experimental",
        Status::Test => "test",
        Status::Stable => "stable",
        Status::Deprecated => "deprecated",
    }
}

/// A test, or its opposite. The opposite of every test is true where the field is missing, which is said.
fn test(test: &FieldTest, rule: &Rule, negated: bool) -> String {
    let field = &test.field.name;
    if let TestKind::Values(test) = &test.kind {
        return values(field, test, rule, negated);
    }
    match (&test.kind, negated) {
        (TestKind::Exists, true) => format!("{field} is missing"),
        (kind, true) => format!("{field} {} or is missing", phrase(kind, rule, true)),
        (kind, false) => format!("{field} {}", phrase(kind, rule, false)),
    }
}

/// Of a field with several values.
fn values(field: &str, test: &ValuesTest, rule: &Rule, negated: bool) -> String {
    let ValuesTest { quantifier, negated: none, tests } = test;
    let subject = match (quantifier, negated) {
        (Quantifier::Any, false) => "a value of",
        (Quantifier::Any, true) => "no value of",
        (Quantifier::All, false) => "every value of",
        (Quantifier::All, true) => "not every value of",
    };
    let each: Vec<_> = tests.iter().map(|kind| phrase(kind, rule, *none)).collect();
    let said = format!("{subject} {field} {}", join(&each, if *none { "and" } else { "or" }));
    let has_none = *quantifier == Quantifier::All && negated;
    if has_none { format!("{said}, or it has none") } else { said }
}

/// What is said of a value.
fn phrase(kind: &TestKind, rule: &Rule, negated: bool) -> String {
    let is = if negated { "is not" } else { "is" };
    let verb = |plain: &str, base: &str| {
        if negated { format!("does not {base}") } else { plain.to_owned() }
    };
    let having = |place: Place| match place {
        Place::Anywhere => verb("contains", "contain"),
        Place::Start => verb("begins with", "begin with"),
        Place::End => verb("ends with", "end with"),
    };
    match kind {
        TestKind::Exists => format!("{is} there"),
        TestKind::Equals { values, case } => equals(values, *case, negated),
        TestKind::InNetworks { networks } => format!("{is} in {}", some(networks)),
        TestKind::InList { list, case: _ } => {
            let list = rule.lists.get(*list);
            if let Some(list) = list
                && let Some(LookupTest { name, test }) = &list.lookup
            {
                let count = list.entries.len();
                let keys = if count == 1 { "key" } else { "keys" };
                return format!("{is} a key of {name} with {test} ({count} {keys})");
            }
            let name = list.map_or("?", |list| list.name.node.as_str());
            match list.map_or(0, |list| list.entries.len()) {
                1 => format!("{is} on the allowlist {name} (1 entry)"),
                count => format!("{is} on the allowlist {name} ({count} entries)"),
            }
        }
        TestKind::Order { op, value } => {
            let bound = match op {
                OrderOp::Less => "less than",
                OrderOp::LessEqual => "at most",
                OrderOp::Greater => "greater than",
                OrderOp::GreaterEqual => "at least",
            };
            format!("{is} {bound} {}", literal(value))
        }
        TestKind::Like { pattern, case } => format!("{is} like {:?}{}", written(pattern), folded(*case)),
        TestKind::Substring { place, text, case } => {
            format!("{} {text:?}{}", having(*place), folded(*case))
        }
        TestKind::Matches { regex } => format!("{} /{}/", verb("matches", "match"), regex.written()),
        TestKind::SameAs { other } => format!("{is} the same as {}", other.name),
        TestKind::TextOf { place, other, case } => {
            let having = place.map_or_else(|| format!("{is} the same as"), having);
            format!("{having} {}{}", other.name, folded(*case))
        }
        // Values have no values of their own.
        TestKind::Values(test) => values("it", test, rule, negated),
    }
}

fn equals(values: &[Value], case: Case, negated: bool) -> String {
    let is = if negated { "is not" } else { "is" };
    match values {
        [one] => format!("{is} {}{}", literal(one), folded(case)),
        values => {
            let values: Vec<String> = values.iter().map(literal).collect();
            format!("{is} one of {}{}", some(&values), folded(case))
        }
    }
}

fn some(values: &[impl ToString]) -> String {
    let mut shown: Vec<String> = values.iter().take(MOST).map(ToString::to_string).collect();
    if values.len() > MOST {
        shown.push(format!("{} more", values.len() - MOST));
        return all(&shown);
    }
    join(&shown, "or")
}

fn folded(case: Case) -> &'static str {
    match case {
        Case::Sensitive => "",
        Case::Ignore => ", in any letter case",
    }
}

fn written(pattern: &Pattern) -> String {
    let part = |part: &PatternPart| match part {
        PatternPart::Text(text) => text.clone(),
        PatternPart::Any => "*".to_owned(),
        PatternPart::One => "?".to_owned(),
    };
    pattern.parts.iter().map(part).collect()
}
