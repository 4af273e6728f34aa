//! The only place where text of a rule or a source file becomes SPL.
//!
//! In: values, names. Out: [`Frag`]s that Splunk reads back as the same value, or why that is not certain.
//! Must not know: predicates, commands.
//!
//! What is relied on: in a quoted string `\"` is a quote and `\\` a backslash (Splunk's manual). A backtick starts a
//! macro anywhere and `$` may start a token of a dashboard, so both are written as `%60` and `%24` inside
//! `urldecode("…")`, as are control characters. Other characters that cannot be seen are refused: nothing says how
//! Splunk reads them, and a reader of the search would be misled.

use std::fmt::Write as _;

use crate::backend::print::{Frag, phrase};
use crate::backend::stated::Notation;
use crate::ir::Value;
use crate::source::is_hidden;

/// An argument of `eval` or `where` in a source file: fields stand in single quotes.
pub(super) const EXPRESSION: Notation = Notation {
    quotes: &[('"', true), ('\'', false), ('`', false)],
    verbatim: None,
    ends: &['|', ','],
    remark: None,
};
/// A base search in a source file, which may go through further commands.
pub(super) const SEARCH: Notation =
    Notation { quotes: &[('"', true), ('`', false)], verbatim: None, ends: &[], remark: None };

/// Why a value cannot be carried.
pub(super) type Refusal = &'static str;

/// A text, usable as an operand of `eval` and `where`.
pub(super) fn text(value: &str) -> Result<Frag, Refusal> {
    if value.contains(unreadable) {
        return Err(
            "it has a character that cannot be seen, and nothing certain is known about how Splunk reads an escaped one",
        );
    }
    if !value.contains(|c: char| matches!(c, '`' | '$') || c.is_ascii_control()) {
        return Ok(Frag::atom(quoted(value)));
    }
    let mut encoded = String::with_capacity(value.len() * 2);
    for c in value.chars() {
        if c.is_ascii() && !c.is_ascii_alphanumeric() {
            let _ = write!(encoded, "%{:02X}", u32::from(c));
        } else {
            encoded.push(c);
        }
    }
    Ok(Frag::atom(phrase!("urldecode(\"{encoded}\")")))
}

fn unreadable(c: char) -> bool {
    c == '\0' || (!c.is_ascii() && is_hidden(c))
}

fn quoted(value: &str) -> String {
    phrase!("\"{}\"", value.replace('\\', "\\\\").replace('"', "\\\""))
}

/// A number, instant (seconds since 1970) or truth, as the columns hold them; text and addresses as [`text`].
pub(super) fn value(value: &Value) -> Result<Frag, Refusal> {
    /// Beyond it Splunk's numbers, which are doubles, are not whole any more.
    const WHOLE: u64 = 1 << 53;
    match value {
        Value::String(string) => text(string),
        Value::Int(number) if number.unsigned_abs() <= WHOLE => Ok(Frag::atom(number.to_string())),
        Value::Int(_) => {
            Err("Splunk computes with doubles, which do not hold every whole number beyond 2^53")
        }
        Value::Float(number) if number.is_finite() => Ok(Frag::atom(number.to_string())),
        Value::Float(_) => Err("Splunk has no such number"),
        Value::Bool(truth) => Ok(Frag::atom(quoted(if *truth { "true" } else { "false" }))),
        Value::Time(instant) => {
            let micros = instant.as_microsecond();
            let (seconds, rest) = (micros.div_euclid(1_000_000), micros.rem_euclid(1_000_000));
            let number = if rest == 0 { seconds.to_string() } else { phrase!("{seconds}.{rest:06}") };
            Ok(Frag::atom(number))
        }
        Value::Ip(address) => text(&address.to_string()),
    }
}

/// A field name in `eval` and `where`: bare when it is an identifier, else in single quotes.
pub(super) fn name(field: &str) -> Result<Frag, Refusal> {
    const WORDS: &[&str] = &["AND", "OR", "NOT", "XOR", "IN", "LIKE"];
    if is_identifier(field) && !WORDS.iter().any(|word| word.eq_ignore_ascii_case(field)) {
        return Ok(Frag::atom(field));
    }
    let odd = |c: char| matches!(c, '\'' | '"' | '\\' | '`' | '$') || c.is_control();
    if field.is_empty() || field.contains(odd) {
        return Err(
            "Splunk cannot name a field with quotes, backslashes, backticks, dollars or control characters",
        );
    }
    Ok(Frag::atom(phrase!("'{field}'")))
}

fn is_identifier(name: &str) -> bool {
    name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}

/// The value of an option such as `path=`.
pub(super) fn option(value: &str) -> Result<Frag, Refusal> {
    if value.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '{' | '}' | '-')) {
        return Ok(Frag::atom(value));
    }
    if value.contains(|c: char| matches!(c, '"' | '\\' | '`' | '$') || c.is_control()) {
        return Err("a path with quotes, backslashes, backticks, dollars or control characters");
    }
    Ok(Frag::atom(quoted(value)))
}

/// A column that the query makes: `chain_<kind>_<canonical name>`.
pub(super) fn column(kind: &str, field: &str) -> String {
    ["chain_", kind, "_", &flat(field)].concat()
}

/// A canonical name as part of a column name.
pub(super) fn flat(field: &str) -> String {
    let mut flat = String::with_capacity(field.len());
    flat.extend(field.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '_' }));
    flat
}

/// Whether Splunk might take the text for a number and compare it as one.
pub(super) fn looks_numeric(value: &str) -> bool {
    let value = value.trim();
    value.parse::<f64>().is_ok() || value.starts_with("0x") || value.starts_with("0X")
}

/// A test of a base search, `field="value"`, if both are so plain that nothing in them can mean anything else. The
/// search command ignores case and compares with every value of a field, so the test is a superset of equality.
pub(super) fn term(field: &str, value: &str) -> Option<Frag> {
    let plain_name = field.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '.'));
    let plain_value =
        value.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | ':' | '/' | '@' | '-'));
    (plain_name && plain_value && !field.is_empty() && !value.is_empty())
        .then(|| Frag::atom(phrase!("{field}={}", quoted(value))))
}

/// One line of a comment: nothing in it ends the comment, starts a macro or a token, or ends the line.
pub(super) fn comment(line: &str) -> Frag {
    let safe: String = line
        .chars()
        .map(|c| match c {
            '`' => '\'',
            '$' => '\u{ff04}',
            c if is_hidden(c) => ' ',
            c => c,
        })
        .collect();
    Frag::atom(safe)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What Splunk's lexer and `urldecode` make of an operand.
    fn read(operand: &str) -> String {
        let (text, encoded) = match operand.strip_prefix("urldecode(").and_then(|rest| rest.strip_suffix(')'))
        {
            Some(inner) => (inner, true),
            None => (operand, false),
        };
        let inner = text.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')).unwrap();
        let (mut value, mut chars) = (String::new(), inner.chars());
        while let Some(c) = chars.next() {
            match c {
                '\\' => value.push(chars.next().unwrap()),
                '%' if encoded => {
                    let hex: String = chars.by_ref().take(2).collect();
                    value.push(char::from(u8::from_str_radix(&hex, 16).unwrap()));
                }
                '"' | '`' | '$' | '+' if encoded => panic!("{c} in {operand}"),
                '"' | '`' | '$' => panic!("{c} in {operand}"),
                c if c.is_control() => panic!("control in {operand}"),
                c => value.push(c),
            }
        }
        value
    }

    proptest::proptest! {
        #[test]
        fn literals_come_back(value in "\\PC*|[\"\\\\`$%|\\[\\]*?'\\n\\t\\r+ a]{0,12}") {
            if let Ok(operand) = text(&value) {
                proptest::prop_assert_eq!(read(operand.text()), value);
            } else {
                proptest::prop_assert!(value.contains(unreadable));
            }
        }

        #[test]
        fn comments_stay_one_line(line in "(?s).{0,40}") {
            let comment = comment(&line);
            proptest::prop_assert!(!comment.text().contains(|c: char| c == '`' || c == '$' || c.is_control()));
        }
    }

    #[test]
    fn names_are_quoted_only_where_needed() {
        let printed = |field| name(field).map(|frag| frag.text().to_owned());
        assert_eq!(printed("eventName").as_deref(), Ok("eventName"));
        assert_eq!(printed("userIdentity.arn").as_deref(), Ok("'userIdentity.arn'"));
        assert_eq!(printed("and").as_deref(), Ok("'and'"));
        assert!(printed("a'b").is_err() && printed("").is_err());
    }

    #[test]
    fn terms_hold_only_plain_text() {
        let plain = term("eventSource", "ec2.amazonaws.com").unwrap();
        assert_eq!(plain.text(), "eventSource=\"ec2.amazonaws.com\"");
        for odd in ["a*", "a b", "a\"", "a\\", "`x`", "$x$", ""] {
            assert_eq!(term("eventSource", odd), None, "{odd}");
        }
    }
}
