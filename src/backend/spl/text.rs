//! Tests of text: equality, substrings, wildcards, regular expressions.
//!
//! In: a column and what to look for. Out: tests that are null where the column holds nothing, or why SPL cannot say
//! them. Must not know: fields, lists, addresses.

use super::literal::{self, Frag, Refusal};
use super::regex;
use crate::ir::{Case, Pattern, PatternPart, Place};

/// How texts are compared: where case is ignored, both sides in lower case if the texts are ASCII; else each letter in
/// all its spellings, for Splunk does not say what `lower()` makes of letters beyond ASCII.
struct Compared {
    subject: Frag,
    /// How a text is folded before it is printed.
    fold: Case,
    /// In which spellings its letters are printed.
    letters: Case,
}

impl Compared {
    fn new<'t>(column: &Frag, mut texts: impl Iterator<Item = &'t str>, case: Case) -> Self {
        if case == Case::Ignore && texts.all(str::is_ascii) {
            let subject = literal::call("lower", [column]);
            Self { subject, fold: Case::Ignore, letters: Case::Sensitive }
        } else {
            Self { subject: column.clone(), fold: Case::Sensitive, letters: case }
        }
    }

    fn spell(&self, text: &str) -> String {
        regex::spelled(&self.fold.fold(text), self.letters)
    }
}

/// Whether the column equals one of the texts. A text that looks like a number goes through `match`: `=` might compare
/// it by value, and `01` is not `1`.
pub(super) fn equals<'t>(
    column: &Frag,
    texts: impl IntoIterator<Item = &'t str>,
    case: Case,
) -> Result<Vec<Frag>, Refusal> {
    let (plain, spelled): (Vec<_>, Vec<_>) =
        texts.into_iter().partition(|text| case == Case::Sensitive || text.is_ascii());
    let how = Compared::new(column, plain.iter().copied(), case);
    let (numeric, plain): (Vec<_>, Vec<_>) = plain.into_iter().partition(|text| literal::looks_numeric(text));
    let plain =
        plain.iter().map(|text| literal::text(&how.fold.fold(text))).collect::<Result<Vec<_>, _>>()?;
    let mut all = Vec::from_iter(literal::one_of(&how.subject, &plain));
    let numeric: Vec<_> = numeric.into_iter().map(|text| how.spell(text)).collect();
    let spelled: Vec<_> = spelled.into_iter().map(|text| regex::spelled(text, case)).collect();
    for (subject, texts) in [(&how.subject, numeric), (column, spelled)] {
        if !texts.is_empty() {
            all.push(found(subject, &regex::one_of(&texts))?);
        }
    }
    Ok(all)
}

/// Whether the column has the text at a place.
pub(super) fn substring(column: &Frag, place: Place, text: &str, case: Case) -> Result<Frag, Refusal> {
    let how = Compared::new(column, std::iter::once(text), case);
    found(&how.subject, &regex::substring(place, how.spell(text)))
}

/// Whether the whole column matches a pattern that does not match everything.
pub(super) fn like(column: &Frag, pattern: &Pattern, case: Case) -> Result<Vec<Frag>, Refusal> {
    match pattern.literal() {
        // No value is empty.
        Some("") => Ok(Vec::new()),
        Some(text) => equals(column, [text], case),
        None => {
            let texts = pattern.parts.iter().filter_map(|part| match part {
                PatternPart::Text(text) => Some(text.as_str()),
                PatternPart::Any | PatternPart::One => None,
            });
            let how = Compared::new(column, texts, case);
            Ok(vec![found(&how.subject, &regex::wildcard(pattern, |text| how.spell(text)))?])
        }
    }
}

/// Whether a portable expression matches somewhere in the column.
pub(super) fn matches(column: &Frag, regex: &str) -> Result<Frag, Refusal> {
    found(column, &regex::portable(regex)?)
}

fn found(subject: &Frag, regex: &str) -> Result<Frag, Refusal> {
    Ok(literal::call("match", [subject, &literal::text(regex)?]))
}
