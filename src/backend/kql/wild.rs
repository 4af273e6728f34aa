//! Wildcard patterns as anchored regular expressions, several in one.
//!
//! In: a column and patterns. Out: a [`Wild`] that prints itself, regular expressions. Must not know: logic, fields,
//! lists.

use super::literal::{self, Frag};
use crate::backend::truth::unique;
use crate::ir::{Case, Pattern, PatternPart};

/// Wildcard patterns of which a column matches one. Several are one regular expression: Kusto runs each of its own over
/// every row.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Wild {
    pub(super) column: Frag,
    /// Each as regular expressions of single characters and of runs.
    pub(super) patterns: Vec<Vec<String>>,
    /// The test that an operator can do in place of the one pattern, and its opposite.
    pub(super) operator: Option<(Frag, Frag)>,
}

impl Wild {
    /// One pattern.
    pub(super) fn new(
        column: &Frag,
        parts: &[PatternPart],
        case: Case,
        operator: Option<(Frag, Frag)>,
    ) -> Self {
        Self { column: column.clone(), patterns: vec![units(parts, case)], operator }
    }

    /// So many tests of a column by operators stand side by side: those find parts of words by the index.
    pub(super) const BY_OPERATOR: usize = 3;

    /// The test, or its opposite.
    pub(super) fn print(self, negated: bool) -> Frag {
        match (self.operator, negated) {
            (Some((holds, _)), false) => holds,
            (Some((_, fails)), true) => fails,
            (None, _) => {
                let found = matching(&self.column, &literal::string(&regex(self.patterns)));
                // Never null, for its left side is a text.
                if negated { literal::call("not", [&found]) } else { found }
            }
        }
    }
}

/// Whether a regular expression matches somewhere in the column.
pub(super) fn matching(column: &Frag, regex: &Frag) -> Frag {
    literal::binary(column, "matches regex", regex)
}

/// The regular expression of several patterns.
pub(super) fn any_of<'a>(patterns: impl IntoIterator<Item = &'a Pattern>, case: Case) -> String {
    regex(patterns.into_iter().map(|pattern| units(&pattern.parts, case)).collect())
}

const ANY: &str = ".*";
const END: &str = "$";

/// One anchored regular expression for all patterns; `^` and `$` are the ends of the whole text unless `m` is set.
fn regex(mut patterns: Vec<Vec<String>>) -> String {
    for pattern in &mut patterns {
        // `.*$` matches whatever is left, which need not be looked at.
        if pattern.last().is_some_and(|unit| unit == ANY) {
            pattern.pop();
        } else {
            pattern.push(END.to_owned());
        }
    }
    let patterns = unique(patterns);
    // `(?s)`, because `*` and `?` stand for line breaks, too.
    let mut out = String::from("(?s)^");
    let same = |at: usize| {
        let first = patterns.first().and_then(|pattern| pattern.get(at));
        first.filter(|unit| patterns.iter().all(|pattern| pattern.get(at) == Some(unit)))
    };
    let common: Vec<&String> = (0..).map_while(same).collect();
    out.extend(common.iter().map(|unit| unit.as_str()));
    let rests: Vec<String> = patterns
        .iter()
        .map(|pattern| pattern.iter().skip(common.len()).map(String::as_str).collect())
        .collect();
    match rests.as_slice() {
        [rest] => out.push_str(rest),
        // One of them asks for nothing more.
        _ if rests.iter().any(String::is_empty) => {}
        _ => {
            out.push_str("(?:");
            out.push_str(&rests.join("|"));
            out.push(')');
        }
    }
    out
}

/// A pattern as regular expressions of its characters and runs; where case is ignored, each letter in all its
/// spellings: `(?i)` knows more pairs than the language.
fn units(parts: &[PatternPart], case: Case) -> Vec<String> {
    let mut units = Vec::new();
    for part in parts {
        match part {
            PatternPart::Any => units.push(ANY.to_owned()),
            PatternPart::One => units.push(".".to_owned()),
            PatternPart::Text(text) => units.extend(text.chars().map(|c| unit(c, case))),
        }
    }
    units
}

fn unit(c: char, case: Case) -> String {
    match case.spellings(c).as_slice() {
        [_] if r"\.+*?()|[]{}^$".contains(c) => format!("\\{c}"),
        [_] => c.to_string(),
        // Only letters have several spellings, so nothing in here needs an escape.
        several => format!("[{}]", several.iter().collect::<String>()),
    }
}
