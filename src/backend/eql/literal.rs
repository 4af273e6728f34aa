//! EQL text from values: literals, field names, comparisons. No other file turns a rule's text into query text.
//!
//! In: values of the rule, texts of the source files. Out: [`Frag`]s that Elasticsearch and the `eql` parser read back
//! as the same value. Must not know: steps, which test becomes which operator.

use std::fmt::Write as _;

use super::Eql;
use crate::backend::print::{self, Bind, Language, one_line, phrase};
use crate::backend::truth::{Leaf, Text};
use crate::ir::{Case, Place, Value};
use crate::source::marked;

/// A piece of a query.
pub(super) type Frag = print::Frag<Eql>;

/// What it takes to make a [`Frag`]: this file alone can.
#[derive(Debug)]
pub(in crate::backend) struct Key(());

impl Language for Eql {
    type Key = Key;
}

impl Leaf for Frag {}

impl Text for Frag {
    fn constant(truth: bool) -> Self {
        atom(truth.to_string())
    }

    fn not(text: Self) -> Self {
        test(phrase!("not {}", text.inside(Bind::And)))
    }

    fn join(texts: Vec<Self>, all: bool) -> Self {
        if all { Self::join(texts, " and ", Bind::And) } else { Self::join(texts, " or ", Bind::Or) }
    }
}

/// Text that needs no parentheses anywhere.
fn atom(text: impl Into<String>) -> Frag {
    Frag::new(&Key(()), text, Bind::Atom)
}

/// A comparison.
fn test(text: impl Into<String>) -> Frag {
    Frag::new(&Key(()), text, Bind::Test)
}

/// Words of the grammar, which a field name may only contain in backticks.
pub(super) const KEYWORDS: &[&str] = &[
    "and", "any", "by", "false", "fork", "in", "join", "like", "maxspan", "not", "null", "of", "or", "regex",
    "runs", "sample", "sequence", "true", "until", "where", "with",
];

/// A string literal. What a reader could not see is written as `\u{…}`; see [`is_misread`].
pub(super) fn string(text: &str) -> Frag {
    let mut out = String::with_capacity(text.len() + 2);
    out.push('"');
    for (_, c, hidden) in marked(text) {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '\u{8}' => out.push_str("\\b"),
            '\u{c}' => out.push_str("\\f"),
            // Writing to a `String` cannot fail.
            _ if hidden => _ = write!(out, "\\u{{{:04x}}}", u32::from(c)),
            _ => out.push(c),
        }
    }
    out.push('"');
    atom(out)
}

/// Whether some literal of a test has a `\u{…}` with another `}` after it: for the `eql` parser the escape ends at the
/// last one, and it cannot read that.
pub(super) fn is_misread(test: &Frag) -> bool {
    let (mut inside, mut ends) = (false, None);
    let mut chars = test.text().chars();
    while let Some(c) = chars.next() {
        match (c, ends) {
            ('"', _) => (inside, ends) = (!inside, None),
            ('\\', _) if inside && chars.next() == Some('u') => ends = ends.or(Some(0)),
            ('}', Some(0)) => ends = Some(1),
            ('}', Some(_)) => return true,
            _ => {}
        }
    }
    false
}

/// A field name; parts that are not plain names stand in backticks.
pub(super) fn field(name: &str) -> Frag {
    let parts: Vec<_> = name.split('.').map(part).collect();
    atom(parts.join("."))
}

fn part(name: &str) -> String {
    let mut chars = name.chars();
    let plain = chars.next().is_some_and(|c| c.is_ascii_alphabetic() || c == '_')
        && chars.all(|c| c.is_ascii_alphanumeric() || c == '_');
    if plain && !KEYWORDS.contains(&name) {
        name.to_owned()
    } else {
        phrase!("`{}`", name.replace('`', "``"))
    }
}

/// A value in its own type; `None` when Elasticsearch cannot hold it: an instant finer than a millisecond.
pub(super) fn value(value: &Value) -> Option<Frag> {
    Some(match value {
        Value::String(text) => string(text),
        Value::Ip(address) => string(&address.to_string()),
        Value::Time(instant) if instant.subsec_nanosecond() % 1_000_000 != 0 => return None,
        // As Elasticsearch itself writes instants, with three digits always.
        Value::Time(instant) => string(&phrase!("{instant:.3}")),
        Value::Int(number) => self::number(*number),
        Value::Float(number) => atom(phrase!("{number:?}")),
        Value::Bool(truth) => atom(truth.to_string()),
    })
}

/// A number.
pub(super) fn number(number: i64) -> Frag {
    atom(number.to_string())
}

/// A filter that a source file states. Source files are configuration, not rules: their text is trusted. `joined` says
/// whether it has an `or`, next to which an `and` needs parentheses.
pub(super) fn filter(text: &str, joined: bool) -> Frag {
    Frag::new(&Key(()), text, if joined { Bind::Or } else { Bind::Test })
}

/// A field, an operator and a literal.
pub(super) fn compare(field: &Frag, operator: &'static str, literal: &Frag) -> Frag {
    test(phrase!("{} {operator} {}", field.text(), literal.text()))
}

/// The field has no value.
pub(super) fn missing(field: &Frag) -> Frag {
    compare(field, "==", &atom("null"))
}

/// The field has a value.
pub(super) fn found(field: &Frag) -> Frag {
    compare(field, "!=", &atom("null"))
}

/// `field OPERATOR (…)`, or `field == …` for one exact value.
pub(super) fn one_of(field: &Frag, operator: &'static str, literals: &[Frag]) -> Frag {
    match (operator, literals) {
        ("in", [only]) => compare(field, "==", only),
        // It takes `*` and `?` for wildcards, which `in~`, whose operand is always a list, does not.
        ("in~", [only]) if !only.text().contains(['*', '?']) => compare(field, ":", only),
        ("like" | "like~" | "regex", [only]) => compare(field, operator, only),
        _ => compare(field, operator, &atom(phrase!("({})", listed(literals)))),
    }
}

/// Whether a field has the text of another one at a place.
pub(super) fn has_text(place: Place, case: Case, field: &Frag, other: &Frag) -> Frag {
    let function = match place {
        Place::Anywhere => "stringContains",
        Place::Start => "startsWith",
        Place::End => "endsWith",
    };
    let tilde = match case {
        Case::Sensitive => "",
        Case::Ignore => "~",
    };
    atom(phrase!("{function}{tilde}({}, {})", field.text(), other.text()))
}

/// A field that no index need have: then it is missing.
pub(super) fn optional(name: &str) -> Frag {
    atom(phrase!("?{}", field(name).text()))
}

/// The category of events, or `any`.
pub(super) fn category(name: &str) -> Frag {
    atom(name)
}

/// The field holds an address of one of the networks.
pub(super) fn in_networks(field: &Frag, networks: &[Frag]) -> Frag {
    atom(phrase!("cidrMatch({}, {})", field.text(), listed(networks)))
}

/// The fields by which a sequence or an item of it joins, or nothing.
pub(super) fn by(fields: &[Frag]) -> Frag {
    atom(if fields.is_empty() { String::new() } else { phrase!(" by {}", listed(fields)) })
}

/// How an item of a sequence begins: `!` says that no such event may come there.
pub(super) fn open(is_missing: bool) -> Frag {
    atom(if is_missing { "![" } else { "[" })
}

/// How often an item must come, if more than once.
pub(super) fn runs(count: Option<u32>) -> Frag {
    atom(count.map_or_else(String::new, |count| phrase!(" with runs={count}")))
}

fn listed(parts: &[Frag]) -> String {
    parts.iter().map(Frag::text).collect::<Vec<_>>().join(", ")
}

/// A time span in the largest unit that divides it. Elasticsearch refuses a span of zero: it becomes one second.
pub(super) fn span(seconds: u64) -> Frag {
    let seconds = seconds.max(1);
    let (amount, unit) = [(86_400, "d"), (3_600, "h"), (60, "m")]
        .into_iter()
        .find(|(length, _)| seconds.is_multiple_of(*length))
        .map_or((seconds, "s"), |(length, unit)| (seconds / length, unit));
    atom(phrase!("{amount}{unit}"))
}

/// A line of a comment: no character that any reader takes for a line end, and no end of the comment.
pub(super) fn comment(text: &str) -> Frag {
    atom(one_line(text))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_need_backticks_get_them() {
        let names = ["user.id", "@timestamp", "event.sequence", "labels.my-field", "a.6x", "odd.b`k"];
        let printed: Vec<_> = names.map(|name| field(name).text().to_owned()).into();
        assert_eq!(
            printed,
            ["user.id", "`@timestamp`", "event.`sequence`", "labels.`my-field`", "a.`6x`", "odd.`b``k`"]
        );
    }

    #[test]
    fn what_cannot_be_seen_is_escaped() {
        assert_eq!(string("a\0b").text(), r#""a\u{0000}b""#);
        assert_eq!(string("\u{202e}\n\"").text(), r#""\u{202e}\n\"""#);
        assert_eq!(string("a\u{200d}é").text(), "\"a\u{200d}é\"");
        assert!(is_misread(&string("\u{202e}a\u{202c}")));
        assert!(is_misread(&string("\u{7f}\u{130}1}")) && !is_misread(&string("{a}}\u{7f}1")));
        assert!(!is_misread(&one_of(&field("a"), "in", &[string("\u{7f}"), string("}")])));
        assert!(!is_misread(&one_of(&field("a"), "in", &[string("\u{202e}\\\""), string("\u{202c}")])));
    }

    #[test]
    fn spans_use_the_largest_unit() {
        let printed: Vec<_> = [0, 90, 900, 5_400, 7_200, 172_800].map(|s| span(s).text().to_owned()).into();
        assert_eq!(printed, ["1s", "90s", "15m", "90m", "2h", "2d"]);
    }

    #[test]
    fn comments_stay_on_one_line() {
        assert_eq!(comment("a\r\nb\u{2028}c\u{85}d\te").text(), "a b c d e");
    }

    #[test]
    fn values_finer_than_a_millisecond_have_no_literal() {
        let time = |text: &str| Value::Time(text.parse().unwrap());
        assert_eq!(value(&time("2026-01-01T00:00:00.5Z")).unwrap().text(), "\"2026-01-01T00:00:00.500Z\"");
        assert_eq!(value(&time("2026-01-01T00:00:00.0005Z")), None);
        assert_eq!(value(&Value::Float(1e21)).unwrap().text(), "1e21");
    }
}
