//! Operators and literals as the language writes them, for fixes.
//!
//! In: operators and texts. Out: text of the language.
//! Must not know: fields, findings.

use crate::check::shape::Shape;
use crate::source::Span;
use crate::syntax::ast::{Op, OpKind};
use crate::syntax::quoted;

/// A value on the right side of a comparison.
#[derive(Debug)]
pub(super) struct Member<'a> {
    /// The text it stands for.
    pub(super) text: &'a str,
    /// As it is written.
    pub(super) written: &'a str,
    pub(super) span: Span,
    /// Where the parameter that gives it has its default.
    pub(super) param: Option<Span>,
}

impl Member<'_> {
    /// How `text` is written in its place; nothing where a parameter would have to change.
    pub(super) fn as_text(&self, text: &str) -> Option<String> {
        // As it was written, so that a fix does not rewrite the escapes of values that it leaves alone.
        if text == self.text {
            return Some(self.written.to_owned());
        }
        if self.param.is_some() {
            return None;
        }
        let is_raw = !text.contains(['"', '\n', '\r']) && !text.contains(char::is_control);
        Some(if text.contains('\\') && is_raw { format!("r\"{text}\"") } else { quoted(text) })
    }
}

/// An operator with its marks.
pub(super) fn operator(op: Op) -> String {
    let marks = match (op.kind, op.negated, op.ignore_case) {
        (OpKind::Equal, false, false) => return "==".to_owned(),
        (OpKind::Equal, true, false) => return "!=".to_owned(),
        (OpKind::Equal, false, true) => return "=~".to_owned(),
        (OpKind::Equal, true, true) => return "!~".to_owned(),
        (_, negated, ignore_case) => (if negated { "not " } else { "" }, if ignore_case { "~" } else { "" }),
    };
    format!("{}{}{}", marks.0, word(op.kind), marks.1)
}

/// The word or mark of a test.
pub(super) fn word(kind: OpKind) -> &'static str {
    match kind {
        OpKind::Equal => "==",
        OpKind::Less => "<",
        OpKind::LessEqual => "<=",
        OpKind::Greater => ">",
        OpKind::GreaterEqual => ">=",
        OpKind::In => "in",
        OpKind::Like => "like",
        OpKind::Contains => "contains",
        OpKind::StartsWith => "starts_with",
        OpKind::EndsWith => "ends_with",
        OpKind::Matches => "matches",
    }
}

/// A part of a text without the wildcards that its operator makes superfluous; nothing if others are left.
pub(super) fn stripped(kind: OpKind, text: &str, mark: char) -> Option<&str> {
    // `starts_with "*Get"` lets text stand before it: no star to leave out, but a pattern.
    let text = if kind == OpKind::StartsWith { text } else { text.trim_start_matches(mark) };
    let text = if kind == OpKind::EndsWith { text } else { text.trim_end_matches(mark) };
    (!text.is_empty() && !text.contains(mark)).then_some(text)
}

/// The pattern of whole values that have a pattern where the operator says.
pub(super) fn around(kind: OpKind, pattern: &str) -> String {
    let (before, behind) = (kind != OpKind::StartsWith, kind != OpKind::EndsWith);
    let before = if before && !pattern.starts_with('*') { "*" } else { "" };
    let behind = if behind && !ends_with_wildcard(pattern) { "*" } else { "" };
    format!("{before}{pattern}{behind}")
}

fn ends_with_wildcard(pattern: &str) -> bool {
    let before = pattern.strip_suffix('*').unwrap_or(pattern);
    let escapes = before.len() - before.trim_end_matches('\\').len();
    before.len() < pattern.len() && escapes.is_multiple_of(2)
}

/// One regular expression for all members; nothing where a parameter gives one.
pub(super) fn expression<'m>(
    kind: OpKind,
    whole: bool,
    members: impl Iterator<Item = (&'m Member<'m>, &'m Option<Shape>)>,
) -> Option<String> {
    let texts: Vec<String> = members
        .map(|(member, shape)| {
            let is_regex = *shape == Some(Shape::Regex);
            let text = if is_regex { member.text.to_owned() } else { regex_syntax::escape(member.text) };
            member.param.is_none().then_some(text)
        })
        .collect::<Option<_>>()?;
    let at_start = whole || kind == OpKind::StartsWith;
    let at_end = whole || kind == OpKind::EndsWith;
    if let [one] = texts.as_slice() {
        // Who writes one anchor means that the other end is open.
        let (has_start, has_end) = (one.starts_with('^'), one.ends_with('$'));
        let is_open = whole && (has_start || has_end);
        let inside = one.strip_prefix('^').unwrap_or(one);
        let inside = inside.strip_suffix('$').unwrap_or(inside);
        let inside = if has_bare_bar(inside) { format!("({inside})") } else { inside.to_owned() };
        let start = if has_start || at_start && !is_open { "^" } else { "" };
        let end = if has_end || at_end && !is_open { "$" } else { "" };
        return Some(format!("{start}{inside}{end}"));
    }
    let (start, end) = (if at_start { "^" } else { "" }, if at_end { "$" } else { "" });
    let inside: Vec<String> =
        texts.iter().map(|text| if whole { unanchored(text) } else { text.clone() }).collect();
    // Anchors inside a group are not portable.
    let is_plain = |text: &String| !text.starts_with('^') && !text.ends_with('$');
    inside.iter().all(is_plain).then(|| format!("{start}({}){end}", inside.join("|")))
}

/// An expression for whole values without its anchors: where it has only one, the other end is open.
fn unanchored(text: &str) -> String {
    let (start, end) = (text.starts_with('^'), text.ends_with('$'));
    let inside = text.trim_start_matches('^').trim_end_matches('$');
    match (start, end) {
        (true, false) => format!("{inside}.*"),
        (false, true) => format!(".*{inside}"),
        (true, true) | (false, false) => inside.to_owned(),
    }
}

/// Whether a `|` stands outside parentheses.
fn has_bare_bar(text: &str) -> bool {
    let mut depth = 0_i32;
    text.chars().any(|c| {
        depth += match c {
            '(' => 1,
            ')' => -1,
            _ => 0,
        };
        c == '|' && depth == 0
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn joined(kind: OpKind, whole: bool, texts: &[(&str, bool)]) -> Option<String> {
        let member = |text| Member { text, written: text, span: Span::default(), param: None };
        let members: Vec<_> =
            texts.iter().map(|(text, is_regex)| (member(*text), is_regex.then_some(Shape::Regex))).collect();
        expression(kind, whole, members.iter().map(|(member, shape)| (member, shape)))
    }

    #[test]
    fn regular_expressions_keep_their_anchors() {
        for (kind, whole, texts, expected) in [
            (OpKind::Equal, true, &[("Put.*", true)][..], "^Put.*$"),
            (OpKind::Equal, false, &[("Put.*", true)], "Put.*"),
            (OpKind::Equal, true, &[("^Put", true)], "^Put"),
            (OpKind::Equal, true, &[("a.*|b.*", true)], "^(a.*|b.*)$"),
            (OpKind::In, true, &[("Put.*", true), ("a.b", false)], r"^(Put.*|a\.b)$"),
            (OpKind::In, true, &[("^Put", true), ("x$", true)], "^(Put.*|.*x)$"),
            (OpKind::StartsWith, false, &[("Put.+", true)], "^Put.+"),
            (OpKind::Contains, false, &[("a.*b", true), ("c", false)], "(a.*b|c)"),
        ] {
            assert_eq!(joined(kind, whole, texts).as_deref(), Some(expected), "{texts:?}");
        }
        assert_eq!(joined(OpKind::Contains, false, &[("^a", true), ("b", false)]), None);
    }

    #[test]
    fn patterns_and_parts_are_what_is_meant() {
        assert_eq!(around(OpKind::StartsWith, "a*b"), "a*b*");
        assert_eq!(around(OpKind::Contains, "*a*b"), "*a*b*");
        assert_eq!(around(OpKind::EndsWith, r"a\*"), r"*a\*");
        assert_eq!(around(OpKind::StartsWith, r"a\*"), r"a\**");
        assert_eq!(stripped(OpKind::StartsWith, "Get*", '*'), Some("Get"));
        assert_eq!(stripped(OpKind::StartsWith, "*Get*", '*'), None);
        assert_eq!(stripped(OpKind::Contains, "*a*", '*'), Some("a"));
        assert_eq!(stripped(OpKind::Contains, "*", '*'), None);
        assert_eq!(quoted("a\"\\\n\u{1}"), r#""a\"\\\n\u{1}""#);
    }
}
