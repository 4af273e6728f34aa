//! Tests of text: equality, substrings, wildcards, regular expressions.
//!
//! In: a column and what to look for. Out: [`Check`]s; none of them can hold for an empty text. Must not know: fields,
//! lists, addresses.

use super::check::{Check, nullable, one_of, present};
use super::dialect;
use super::literal::{self, Frag};
use super::regex;
use crate::backend::SqlDialect;
use crate::backend::truth::{Truth, unique};
use crate::ir::{Case, Pattern, PatternPart, Place, Regex};

/// Whether the column equals one of the texts.
pub(super) fn equals<'t>(
    dialect: SqlDialect,
    column: &Frag,
    texts: impl IntoIterator<Item = &'t str>,
    case: Case,
) -> Check {
    // What is empty is missing, and equals nothing.
    let texts = unique(texts.into_iter().filter(|text| !text.is_empty()).collect());
    if case == Case::Sensitive {
        let values: Vec<_> = texts.iter().map(|text| literal::text(dialect, text)).collect();
        return one_of(column, &values);
    }
    let (ascii, others): (Vec<_>, Vec<_>) = texts.into_iter().partition(|text| text.is_ascii());
    let small: Vec<_> =
        unique(ascii.iter().map(|text| literal::text(dialect, &text.to_ascii_lowercase())).collect());
    let spelled =
        others.iter().map(|text| by_regex(dialect, column, &[PatternPart::Text((*text).to_owned())], case));
    let plain = (!small.is_empty()).then(|| one_of(&lower(column), &small));
    Truth::any(plain.into_iter().chain(spelled))
}

/// The letters of ASCII in lower case, and no others: `lower()` would make `k` of the Kelvin sign, and two characters
/// of `İ`.
fn lower(column: &Frag) -> Frag {
    literal::whole("translate({}, 'ABCDEFGHIJKLMNOPQRSTUVWXYZ', 'abcdefghijklmnopqrstuvwxyz')", &[column])
}

/// Whether the column has the text at a place.
pub(super) fn substring(dialect: SqlDialect, column: &Frag, place: Place, text: &str, case: Case) -> Check {
    like(dialect, column, &Pattern::around(place, text), case)
}

/// Whether the whole column matches the pattern.
pub(super) fn like(dialect: SqlDialect, column: &Frag, pattern: &Pattern, case: Case) -> Check {
    match pattern.parts.as_slice() {
        // Only the empty text matches it, and that is a missing field.
        [] => Truth::Always(false),
        [PatternPart::Text(text)] => equals(dialect, column, [text.as_str()], case),
        _ if pattern.matches_everything() => present(column),
        parts => {
            let is_ascii = parts
                .iter()
                .all(|part| matches!(part, PatternPart::Text(text) if text.is_ascii()) || !is_text(part));
            match case {
                Case::Ignore if !is_ascii => by_regex(dialect, column, parts, case),
                Case::Ignore => nullable(like_test(dialect, &lower(column), parts, true)),
                Case::Sensitive => nullable(like_test(dialect, column, parts, false)),
            }
        }
    }
}

/// Whether the column has the text of another one; everywhere, if no place is said.
pub(super) fn text_of(column: &Frag, place: Option<Place>, other: &Frag, case: Case) -> Check {
    let folded = |column: &Frag| match case {
        Case::Sensitive => column.clone(),
        Case::Ignore => literal::whole("lower({})", &[column]),
    };
    let [text, part] = [column, other].map(folded);
    let found = match place {
        None => literal::test("{()} = {()}", &[&text, &part]),
        Some(Place::Anywhere) => literal::test("position({} IN {}) > 0", &[&part, &text]),
        Some(Place::Start) => literal::test("position({} IN {}) = 1", &[&part, &text]),
        // Trino has no function for the end of a text.
        Some(Place::End) => literal::test(
            "substr({}, greatest(length({}) - length({}), 0) + 1) = {()}",
            &[&text, &text, &part, &part],
        ),
    };
    // An empty text stands in every text, and is missing.
    Truth::all([nullable(found), present(other)])
}

fn is_text(part: &PatternPart) -> bool {
    matches!(part, PatternPart::Text(_))
}

/// `_` is one character and `%` passes line ends in all three engines. The escape character is one that no engine gives
/// a meaning in literals.
fn like_test(dialect: SqlDialect, column: &Frag, parts: &[PatternPart], small: bool) -> Frag {
    let mut pattern = String::new();
    for part in parts {
        match part {
            PatternPart::Any => pattern.push('%'),
            PatternPart::One => pattern.push('_'),
            PatternPart::Text(text) => {
                for c in text.chars() {
                    if matches!(c, '~' | '%' | '_') {
                        pattern.push('~');
                    }
                    pattern.push(if small { c.to_ascii_lowercase() } else { c });
                }
            }
        }
    }
    let printed = literal::text(dialect, &pattern);
    if pattern.contains('~') {
        literal::test("{()} LIKE {} ESCAPE '~'", &[column, &printed])
    } else if dialect == SqlDialect::Spark && pattern.contains('\\') {
        // There the backslash escapes unless another character does.
        literal::test("{()} LIKE {} ESCAPE '~'", &[column, &printed])
    } else {
        literal::test("{()} LIKE {}", &[column, &printed])
    }
}

fn by_regex(dialect: SqlDialect, column: &Frag, parts: &[PatternPart], case: Case) -> Check {
    nullable(dialect::matches(dialect, column, &regex::wildcards(dialect, parts, case)))
}

/// Whether the expression matches somewhere in the column.
pub(super) fn matches(dialect: SqlDialect, column: &Frag, regex: &Regex) -> Check {
    let found = nullable(dialect::matches(dialect, column, &regex::portable(dialect, regex)));
    // An expression that matches the empty text would hold for a missing one.
    if regex.shortest_match() == 0 { Truth::all([present(column), found]) } else { found }
}
