//! Texts as literals of the language.
//!
//! In: any text. Out: a string literal that is read as the text, with everything visible. Must not know: where it will
//! stand.

use std::fmt::Write as _;

use crate::source::is_hidden;

/// A string literal.
#[must_use]
pub fn quoted(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            // Writing to a string cannot fail.
            _ if is_hidden(c) => _ = write!(out, "\\u{{{:x}}}", u32::from(c)),
            _ => out.push(c),
        }
    }
    out.push('"');
    out
}

#[cfg(test)]
mod tests {
    use super::quoted;

    #[test]
    fn what_nobody_sees_stands_by_its_number() {
        assert_eq!(quoted("a\"b\\c\nd\u{202e}"), r#""a\"b\\c\nd\u{202e}""#);
    }
}
