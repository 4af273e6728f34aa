//! Tests of text: equality, substrings, wildcards, regular expressions.
//!
//! In: a column and what to look for. Out: [`Check`]s; none of them can hold for an empty text.
//! Must not know: fields, lists, addresses.

use std::collections::HashMap;

use super::check::{Check, Test, atom, compare, test};
use super::literal::{self, Frag};
use crate::backend::truth::{Truth, unique};
use crate::ir::{Case, Pattern, PatternPart, Place, Regex};

/// Whether the column equals one of the texts.
pub(super) fn equals<'a>(column: &Frag, texts: impl IntoIterator<Item = &'a str>, case: Case) -> Check {
    let mut seen = std::collections::BTreeSet::new();
    // A missing text is the empty string to Kusto, so `== ""` would hold where no comparison of the language does.
    let texts = texts.into_iter().filter(|text| !text.is_empty() && seen.insert(*text));
    let (spelled, plain): (Vec<_>, Vec<_>) = texts.partition(|text| is_spelled(text, case));
    let mut parts = Vec::new();
    let values: Vec<_> = plain.iter().map(|text| literal::string(text)).collect();
    let word = |sensitive: &'static str, ignoring: &'static str| match case {
        Case::Sensitive => sensitive,
        Case::Ignore => ignoring,
    };
    match values.as_slice() {
        [] => {}
        [value] => parts.push(compare(column, word("==", "=~"), word("!=", "!~"), value)),
        _ => {
            let values = literal::tuple(&values);
            parts.push(compare(column, word("in", "in~"), word("!in", "!in~"), &values));
        }
    }
    let wild = |text: &&str| wildcards(column, &[PatternPart::Text((*text).to_owned())], case);
    parts.extend(spelled.iter().map(wild));
    Truth::any(parts)
}

/// Kusto's operators that ignore case know the letters of ASCII only; others are spelled out in a regular expression.
fn is_spelled(text: &str, case: Case) -> bool {
    case == Case::Ignore && !text.is_ascii()
}

/// Whether the column has the text at a place.
pub(super) fn substring(column: &Frag, place: Place, text: &str, case: Case) -> Check {
    if is_spelled(text, case) {
        return wildcards(column, &Pattern::around(place, text).parts, case);
    }
    // Never `has`: it looks for whole words.
    let (sensitive, ignoring) = match place {
        Place::Anywhere => (["contains_cs", "!contains_cs"], ["contains", "!contains"]),
        Place::Start => (["startswith_cs", "!startswith_cs"], ["startswith", "!startswith"]),
        Place::End => (["endswith_cs", "!endswith_cs"], ["endswith", "!endswith"]),
    };
    let [operator, opposite] = if case == Case::Ignore { ignoring } else { sensitive };
    let text_of = literal::string(text);
    let operator =
        Some((literal::binary(column, operator, &text_of), literal::binary(column, opposite, &text_of)));
    let patterns = vec![units(&Pattern::around(place, text).parts, case)];
    Truth::Test(Test::Wild(Wild { column: column.clone(), patterns, operator }))
}

/// Whether the whole column matches the pattern.
pub(super) fn like(column: &Frag, pattern: &Pattern, case: Case) -> Check {
    match pattern.parts.as_slice() {
        // Only the empty string matches it, and that is a missing field.
        [] => Truth::Always(false),
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

/// Whether the whole column matches a pattern that no operator of Kusto tests.
fn wildcards(column: &Frag, parts: &[PatternPart], case: Case) -> Check {
    Truth::Test(Test::Wild(Wild {
        column: column.clone(),
        patterns: vec![units(parts, case)],
        operator: None,
    }))
}

/// Wildcard patterns of which a column matches one. Several are one regular expression: Kusto runs each of its own over
/// every row.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Wild {
    column: Frag,
    /// Each as regular expressions of single characters and of runs.
    patterns: Vec<Vec<String>>,
    /// The test that an operator can do in place of the one pattern, and its opposite.
    operator: Option<(Frag, Frag)>,
}

impl Wild {
    /// So many tests of a column by operators stand side by side: those find parts of words by the index.
    const BY_OPERATOR: usize = 3;

    /// Alternatives with the patterns of one column in one test, where that is the shorter way.
    pub(super) fn unite(alternatives: Vec<Truth<Test>>) -> Vec<Truth<Test>> {
        let mut by_operator: HashMap<Frag, usize> = HashMap::new();
        for part in &alternatives {
            if let Truth::Test(Test::Wild(Self { column, operator: Some(_), .. })) = part {
                *by_operator.entry(column.clone()).or_default() += 1;
            }
        }
        let mut out: Vec<Truth<Test>> = Vec::with_capacity(alternatives.len());
        for part in alternatives {
            let Truth::Test(Test::Wild(wild)) = part else {
                out.push(part);
                continue;
            };
            let beside = by_operator.get(&wild.column).copied().unwrap_or(0);
            let stays = wild.operator.is_some() && beside <= Self::BY_OPERATOR;
            let known = out.iter_mut().find_map(|part| match part {
                Truth::Test(Test::Wild(known)) if known.column == wild.column && known.operator.is_none() => {
                    Some(known)
                }
                Truth::Test(_) | Truth::Always(_) | Truth::Not(_) | Truth::All(_) | Truth::Any(_) => None,
            });
            match known {
                Some(known) if !stays => known.patterns.extend(wild.patterns),
                Some(_) | None => {
                    let operator = wild.operator.filter(|_| stays);
                    out.push(Truth::Test(Test::Wild(Self { operator, ..wild })));
                }
            }
        }
        out
    }

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
pub(super) fn any_of<'a>(patterns: impl IntoIterator<Item = &'a Pattern>) -> String {
    regex(patterns.into_iter().map(|pattern| units(&pattern.parts, Case::Sensitive)).collect())
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

/// Whether the expression matches somewhere in the column.
pub(super) fn matches(column: &Frag, regex: &Regex) -> Check {
    // An expression that matches the empty string would hold for a missing text.
    let found = test(matching(column, &literal::string(regex.exact())));
    if regex.shortest_match() == 0 { Truth::all([present(column), found]) } else { found }
}

/// Whether the column holds any text.
pub(super) fn present(column: &Frag) -> Check {
    atom(literal::call("isnotempty", [column]), literal::call("isempty", [column]))
}
