//! EQL literals, field names and durations: the only way in which text from a rule or a source file enters a query.
//!
//! In: values and names. Out: [`Frag`]s that Elasticsearch and the `eql` parser read back as the same value.
//! Must not know: what a literal is compared with.

use std::fmt::Write as _;

use crate::backend::print::{Frag, one_line, phrase};
use crate::ir::Value;
use crate::source::is_hidden;

/// Words of the grammar, which a field name may only contain in backticks.
pub(super) const KEYWORDS: &[&str] = &[
    "and", "any", "by", "false", "fork", "in", "join", "like", "maxspan", "not", "null", "of", "or", "regex",
    "runs", "sample", "sequence", "true", "until", "where", "with",
];

/// A string literal. What a reader could not see is written as `\u{…}`; see [`is_misread`].
pub(super) fn string(text: &str) -> Frag {
    let mut out = String::with_capacity(text.len() + 2);
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '\u{8}' => out.push_str("\\b"),
            '\u{c}' => out.push_str("\\f"),
            // Writing to a `String` cannot fail.
            _ if is_hidden(c) => _ = write!(out, "\\u{{{:04x}}}", u32::from(c)),
            _ => out.push(c),
        }
    }
    out.push('"');
    Frag::atom(out)
}

/// Whether some literal of the text has several `\u{…}`, of which the `eql` parser makes one that it cannot read.
pub(super) fn is_misread(text: &str) -> bool {
    let (mut inside, mut escapes) = (false, 0);
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        match c {
            '"' => (inside, escapes) = (!inside, 0),
            '\\' if inside && chars.next() == Some('u') => escapes += 1,
            _ => {}
        }
        if escapes > 1 {
            return true;
        }
    }
    false
}

/// A field name; parts that are not plain names stand in backticks.
pub(super) fn field(name: &str) -> Frag {
    let parts: Vec<_> = name.split('.').map(part).collect();
    Frag::atom(parts.join("."))
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

/// A typed value as the field stores it: in its own type, or as text where `as_text` says so.
/// `None` when Elasticsearch cannot hold the value: instants finer than a millisecond.
pub(super) fn value(value: &Value, as_text: bool) -> Option<Frag> {
    let plain = match value {
        Value::String(text) => return Some(string(text)),
        Value::Ip(address) => return Some(string(&address.to_string())),
        Value::Time(instant) if as_text || instant.subsec_nanosecond() % 1_000_000 != 0 => return None,
        // As Elasticsearch itself writes instants, with three digits always.
        Value::Time(instant) => return Some(string(&phrase!("{instant:.3}"))),
        Value::Int(number) => number.to_string(),
        Value::Float(number) => phrase!("{number:?}"),
        Value::Bool(truth) => truth.to_string(),
    };
    Some(if as_text { string(&plain) } else { Frag::atom(plain) })
}

/// A time span in the largest unit that divides it. Elasticsearch refuses a span of zero: it becomes one second.
pub(super) fn span(seconds: u64) -> Frag {
    let seconds = seconds.max(1);
    let (amount, unit) = [(86_400, "d"), (3_600, "h"), (60, "m")]
        .into_iter()
        .find(|(length, _)| seconds.is_multiple_of(*length))
        .map_or((seconds, "s"), |(length, unit)| (seconds / length, unit));
    Frag::atom(phrase!("{amount}{unit}"))
}

/// A line of a comment: no character that any reader takes for a line end, and no end of the comment.
pub(super) fn comment(text: &str) -> Frag {
    Frag::atom(one_line(text))
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
        assert!(is_misread(string("\u{202e}a\u{202c}").text()));
        assert!(!is_misread(&format!("{} {}", string("\u{202e}\\\"").text(), string("\u{202c}").text())));
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
        assert_eq!(
            value(&time("2026-01-01T00:00:00.5Z"), false).unwrap().text(),
            "\"2026-01-01T00:00:00.500Z\""
        );
        assert_eq!(value(&time("2026-01-01T00:00:00.0005Z"), false), None);
        assert_eq!(value(&Value::Float(1e21), false).unwrap().text(), "1e21");
        assert_eq!(value(&Value::Int(6), true).unwrap().text(), "\"6\"");
    }
}
