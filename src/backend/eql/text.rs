//! Tests of texts: exact values, wildcard patterns and regular expressions, each by the EQL operator that says it
//! exactly.
//!
//! In: tests, allowlist entries. Out: [`Alternative`]s, and [`Frag`]s that hold for a present text.
//! Must not know: missing fields, columns.

use std::borrow::Cow;
use std::collections::BTreeSet;

use super::{literal, regex};
use crate::backend::print::{Frag, phrase};
use crate::ir::{Case, EntryValue, List, Pattern, PatternPart, TestKind, Value};

/// One way in which a text may satisfy a test.
pub(super) enum Alternative<'a> {
    /// The whole text matches.
    Pattern(Cow<'a, Pattern>, Case),
    /// A portable regular expression finds a match.
    Search(&'a str),
}

/// The alternatives of a test of text; tests of other kinds have none, an allowlist those of its texts.
pub(super) fn alternatives<'a>(kind: &'a TestKind, lists: &'a [List]) -> Vec<Alternative<'a>> {
    match kind {
        TestKind::Equals { values, case } => values.iter().map(|value| exactly(value, *case)).collect(),
        TestKind::Like { pattern, case } => vec![Alternative::Pattern(Cow::Borrowed(pattern), *case)],
        TestKind::Substring { place, text, case } => {
            vec![Alternative::Pattern(Cow::Owned(Pattern::around(*place, text)), *case)]
        }
        TestKind::Matches { regex } => vec![Alternative::Search(regex)],
        TestKind::InList { list } => {
            lists.get(*list).iter().flat_map(|list| &list.entries).filter_map(entry).collect()
        }
        TestKind::Exists | TestKind::InNetworks { .. } | TestKind::Order { .. } | TestKind::SameAs { .. } => {
            Vec::new()
        }
    }
}

fn exactly(value: &Value, case: Case) -> Alternative<'static> {
    Alternative::Pattern(Cow::Owned(Pattern::exactly(&value.text())), case)
}

fn entry(entry: &crate::ir::Entry) -> Option<Alternative<'_>> {
    match &entry.value {
        EntryValue::Pattern(pattern) => Some(Alternative::Pattern(Cow::Borrowed(pattern), Case::Sensitive)),
        EntryValue::Network(_) | EntryValue::Value(_) => None,
    }
}

impl Alternative<'_> {
    /// The one value it matches, compared exactly.
    pub(super) fn plain(&self) -> Option<&str> {
        match self {
            Self::Pattern(pattern, Case::Sensitive) => pattern.literal(),
            Self::Pattern(_, Case::Ignore) | Self::Search(_) => None,
        }
    }

    /// Whether the text could match; sure only for patterns.
    pub(super) fn could_match(&self, text: &str) -> bool {
        match self {
            Self::Pattern(pattern, _) => wild(&pattern.parts, text),
            Self::Search(portable) => regex::search(portable).is_ok_and(|found| found.shortest <= text.len()),
        }
    }
}

/// Wildcard matching of a short text; case does not matter for the texts that stand for "no value".
fn wild(parts: &[PatternPart], text: &str) -> bool {
    match parts.split_first() {
        None => text.is_empty(),
        Some((PatternPart::Text(start), rest)) => {
            text.strip_prefix(start.as_str()).is_some_and(|text| wild(rest, text))
        }
        Some((PatternPart::One, rest)) => {
            let mut chars = text.chars();
            chars.next().is_some() && wild(rest, chars.as_str())
        }
        Some((PatternPart::Any, rest)) => {
            let mut ends = text.char_indices().map(|(at, _)| at).chain([text.len()]);
            ends.any(|at| text.get(at..).is_some_and(|text| wild(rest, text)))
        }
    }
}

/// Tests of which one must hold. `in`, `like` and `regex` take all their values at once.
///
/// # Errors
/// A regular expression that Lucene cannot say.
pub(super) fn print(name: &Frag, alternatives: &[Alternative<'_>]) -> Result<Vec<Frag>, String> {
    let mut groups =
        [("in", vec![]), ("in~", vec![]), ("like", vec![]), ("like~", vec![]), ("regex", vec![])];
    let mut seen = BTreeSet::new();
    for alternative in alternatives {
        let Some((operator, text)) = operand(alternative)? else { continue };
        if let Some((_, literals)) = groups.iter_mut().find(|(known, _)| *known == operator) {
            let printed = literal::string(&text);
            if seen.insert((operator, text)) {
                literals.push(printed);
            }
        }
    }
    let full = groups.iter().filter(|(_, literals)| !literals.is_empty());
    Ok(full.map(|(operator, literals)| one_of(name, operator, literals)).collect())
}

/// The operator that says an alternative, and its operand; nothing for a pattern that no present text matches.
fn operand(alternative: &Alternative<'_>) -> Result<Option<(&'static str, String)>, String> {
    let (pattern, case) = match alternative {
        Alternative::Search(portable) => return Ok(Some(("regex", regex::search(portable)?.text))),
        Alternative::Pattern(pattern, case) => (pattern, *case),
    };
    // Elasticsearch ignores case for ASCII letters only; other letters are spelled out.
    let spelled = case == Case::Ignore && !texts(pattern).all(str::is_ascii);
    Ok(match pattern.literal() {
        Some("") => None,
        Some(text) if !spelled => Some((if case == Case::Ignore { "in~" } else { "in" }, text.to_owned())),
        Some(_) | None => Some(match like(pattern) {
            Some(text) if !spelled => (if case == Case::Ignore { "like~" } else { "like" }, text),
            Some(_) | None => ("regex", regex::pattern(pattern, case)?),
        }),
    })
}

fn texts(pattern: &Pattern) -> impl Iterator<Item = &str> {
    pattern.parts.iter().filter_map(|part| match part {
        PatternPart::Text(text) => Some(text.as_str()),
        PatternPart::Any | PatternPart::One => None,
    })
}

/// The pattern as `like` writes it. It has no escapes: `*` and `?` are always wildcards, and the `eql` package takes
/// `?` for itself, so a pattern with either goes to a regular expression.
fn like(pattern: &Pattern) -> Option<String> {
    let mut out = String::new();
    for part in &pattern.parts {
        match part {
            PatternPart::Any => out.push('*'),
            PatternPart::One => return None,
            PatternPart::Text(text) if text.contains(NOT_IN_LIKE) => return None,
            PatternPart::Text(text) => out.push_str(text),
        }
    }
    Some(out)
}

/// Characters that `like` cannot have as themselves; Elasticsearch uses U+0001 to rewrite it.
pub(super) const NOT_IN_LIKE: [char; 3] = ['*', '?', '\u{1}'];

/// `name OPERATOR (…)`, or `name == …` for one exact value.
pub(super) fn one_of(name: &Frag, operator: &str, literals: &[Frag]) -> Frag {
    let name = name.text();
    Frag::test(match (operator, literals) {
        ("in", [only]) => phrase!("{name} == {}", only.text()),
        ("like" | "like~" | "regex", [only]) => phrase!("{name} {operator} {}", only.text()),
        _ => phrase!("{name} {operator} ({})", listed(literals)),
    })
}

/// Literals joined by commas.
pub(super) fn listed(literals: &[Frag]) -> String {
    literals.iter().map(Frag::text).collect::<Vec<_>>().join(", ")
}
