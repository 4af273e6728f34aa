//! Tests of text: equality, substrings, wildcards, regular expressions.
//!
//! In: a column and what to look for. Out: [`Check`]s; none of them can hold for an empty text.
//! Must not know: fields, lists, addresses.

use super::check::Check;
use super::literal;
use crate::ir::{Case, Pattern, PatternPart, Place};
use crate::target::print::Frag;

/// Whether the column equals one of the texts.
pub(super) fn equals<'a>(column: &Frag, texts: impl IntoIterator<Item = &'a str>, case: Case) -> Check {
    let mut texts: Vec<&str> = texts.into_iter().collect();
    let mut seen = std::collections::HashSet::new();
    texts.retain(|text| !text.is_empty() && seen.insert(*text));
    if texts.is_empty() {
        return Check::Always(false);
    }
    let how = Compared::new(column, texts.iter().copied(), case);
    let values: Vec<_> = texts.iter().map(|text| how.literal(text)).collect();
    let word = |sensitive: &'static str, ignoring: &'static str| {
        if how.insensitive_operator { ignoring } else { sensitive }
    };
    match values.as_slice() {
        [value] => Check::compare(&how.column, word("==", "=~"), word("!=", "!~"), value),
        _ => Check::compare(&how.column, word("in", "in~"), word("!in", "!in~"), &literal::tuple(&values)),
    }
}

/// Whether the column has the text at a place.
pub(super) fn substring(column: &Frag, place: Place, text: &str, case: Case) -> Check {
    let how = Compared::new(column, [text], case);
    // Never `has`: it looks for whole words.
    let (sensitive, ignoring) = match place {
        Place::Anywhere => (["contains_cs", "!contains_cs"], ["contains", "!contains"]),
        Place::Start => (["startswith_cs", "!startswith_cs"], ["startswith", "!startswith"]),
        Place::End => (["endswith_cs", "!endswith_cs"], ["endswith", "!endswith"]),
    };
    let [operator, opposite] = if how.insensitive_operator { ignoring } else { sensitive };
    Check::compare(&how.column, operator, opposite, &how.literal(text))
}

/// Whether the whole column matches the pattern.
pub(super) fn like(column: &Frag, pattern: &Pattern, case: Case) -> Check {
    match pattern.parts.as_slice() {
        [] => Check::Always(false),
        [PatternPart::Any] => present(column),
        [PatternPart::Text(text)] => equals(column, [text.as_str()], case),
        [PatternPart::Text(text), PatternPart::Any] => substring(column, Place::Start, text, case),
        [PatternPart::Any, PatternPart::Text(text)] => substring(column, Place::End, text, case),
        [PatternPart::Any, PatternPart::Text(text), PatternPart::Any] => {
            substring(column, Place::Anywhere, text, case)
        }
        parts => wildcards(column, parts, case),
    }
}

/// The anchored regular expression; `^` and `$` are the ends of the whole text unless `m` is set.
fn wildcards(column: &Frag, parts: &[PatternPart], case: Case) -> Check {
    // Folding as regular expressions do it knows more pairs than lower case, so the text is lowered instead.
    let lowered = case == Case::Ignore;
    let mut regex = String::from("(?s)^");
    for part in parts {
        match part {
            PatternPart::Any => regex.push_str(".*"),
            PatternPart::One => regex.push('.'),
            PatternPart::Text(text) if lowered => escape(&mut regex, &lower(text)),
            PatternPart::Text(text) => escape(&mut regex, text),
        }
    }
    regex.push('$');
    let column = if lowered { literal::call("tolower", [column]) } else { column.clone() };
    Check::test(literal::binary(&column, "matches regex", &literal::string(&regex)))
}

fn escape(regex: &mut String, text: &str) {
    for c in text.chars() {
        if matches!(c, '\\' | '.' | '+' | '*' | '?' | '(' | ')' | '|' | '[' | ']' | '{' | '}' | '^' | '$') {
            regex.push('\\');
        }
        regex.push(c);
    }
}

/// Whether the expression matches somewhere in the column.
pub(super) fn matches(column: &Frag, regex: &str) -> Check {
    let found = Check::test(literal::binary(column, "matches regex", &literal::string(regex)));
    if can_match_nothing(regex) { Check::All(vec![present(column), found]) } else { found }
}

fn can_match_nothing(regex: &str) -> bool {
    regex_syntax::parse(regex).map_or(true, |parsed| parsed.properties().minimum_len() == Some(0))
}

/// Whether the column holds any text.
pub(super) fn present(column: &Frag) -> Check {
    Check::Atom { holds: literal::call("isnotempty", [column]), fails: literal::call("isempty", [column]) }
}

/// How a column is compared with some texts.
struct Compared {
    column: Frag,
    insensitive_operator: bool,
    lowered: bool,
}

impl Compared {
    /// Kusto's insensitive operators know ASCII only; beyond it both sides are put in lower case.
    fn new<'a>(column: &Frag, texts: impl IntoIterator<Item = &'a str>, case: Case) -> Self {
        let ascii = texts.into_iter().all(str::is_ascii);
        let lowered = case == Case::Ignore && !ascii;
        let column = if lowered { literal::call("tolower", [column]) } else { column.clone() };
        Self { column, insensitive_operator: case == Case::Ignore && ascii, lowered }
    }

    fn literal(&self, text: &str) -> Frag {
        if self.lowered { literal::string(&lower(text)) } else { literal::string(text) }
    }
}

/// Simple lower case: one character for one.
fn lower(text: &str) -> String {
    text.chars().map(|c| c.to_lowercase().next().unwrap_or(c)).collect()
}
