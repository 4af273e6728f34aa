//! Tests of text: equality, substrings, wildcards, regular expressions.
//!
//! In: a column and what to look for. Out: [`Check`]s; none of them can hold for an empty text.
//! Must not know: fields, lists, addresses.

use super::check::{Check, Test, atom, compare, test};
use super::literal::{self, Frag};
use super::wild::{Wild, matching};
use crate::backend::truth::Truth;
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

/// The operators that compare with one text, unless it is empty or must be spelled out.
pub(super) fn operators(text: &str, case: Case) -> Option<[&'static str; 2]> {
    let operators = match case {
        Case::Sensitive => ["==", "!="],
        Case::Ignore => ["=~", "!~"],
    };
    (!text.is_empty() && !is_spelled(text, case)).then_some(operators)
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
    let operator = (literal::binary(column, operator, &text_of), literal::binary(column, opposite, &text_of));
    let parts = Pattern::around(place, text).parts;
    Truth::Test(Test::Wild(Wild::new(column, &parts, case, Some(operator))))
}

/// Whether the column has the text of another one; everywhere, if no place is said.
pub(super) fn text_of(column: &Frag, place: Option<Place>, other: &Frag, case: Case) -> Check {
    let folded = |column: &Frag| match case {
        Case::Sensitive => column.clone(),
        // What ignores case in Kusto's operators are the letters of ASCII alone.
        Case::Ignore => literal::call("tolower", [column]),
    };
    let [text, part] = [column, other].map(folded);
    let [operator, opposite] = match place {
        None => ["==", "!="],
        Some(Place::Anywhere) => ["contains_cs", "!contains_cs"],
        Some(Place::Start) => ["startswith_cs", "!startswith_cs"],
        Some(Place::End) => ["endswith_cs", "!endswith_cs"],
    };
    // An empty text stands in every text, and is missing.
    Truth::all([present(other), compare(&text, operator, opposite, &part)])
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
    Truth::Test(Test::Wild(Wild::new(column, parts, case, None)))
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
