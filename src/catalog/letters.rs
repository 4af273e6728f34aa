//! What a source file knows of the letter case of a field's values.
//!
//! In: a pattern of a rule. Out: whether letter case makes a difference to it. Must not know: targets.

use serde::{Deserialize, Serialize};

use crate::ir::{Pattern, PatternPart};

/// What is known of the letter case of a field's values. Where it says that a comparison may ignore case, one that
/// tells letters apart gives the same answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LetterCase {
    /// All values are in lower case.
    Lower,
    /// All values are in upper case.
    Upper,
    /// Each value has one spelling, the vendor's: letter case tells no two values apart, nor how two of them begin.
    One,
}

impl LetterCase {
    /// Whether a value can be one of the field's.
    pub(super) fn may_have(self, value: &str) -> bool {
        value.chars().all(|c| self.fits(c))
    }

    fn fits(self, c: char) -> bool {
        match self {
            Self::Lower => !c.is_ascii_uppercase(),
            Self::Upper => !c.is_ascii_lowercase(),
            Self::One => true,
        }
    }

    /// Whether a value matches the pattern just when it does so ignoring case.
    #[must_use]
    pub fn settles(self, pattern: &Pattern) -> bool {
        let begins_with_text = matches!(pattern.parts.first(), None | Some(PatternPart::Text(_)));
        let texts = pattern.parts.iter().map(|part| match part {
            PatternPart::Text(text) => text.as_str(),
            PatternPart::Any | PatternPart::One => "",
        });
        // Beyond ASCII engines disagree on what ignoring case is.
        (begins_with_text || self != Self::One)
            && texts.flat_map(str::chars).all(|c| c.is_ascii() && self.fits(c))
    }
}

#[cfg(test)]
mod tests {
    use super::LetterCase::{Lower, One, Upper};
    use super::*;

    #[test]
    fn a_pattern_is_settled_where_no_value_could_differ_from_it_in_case_alone() {
        for (letters, settled, open) in [
            (Lower, &["ec2.*", "*.amazonaws.com", "", "*"][..], &["EC2.*", "é"][..]),
            (Upper, &["ACCEPT", "*_1"], &["accept", "ACCEPt"]),
            (
                One,
                &["RunInstances", "runinstances", "Describe*", "arn:*:role/x", ""],
                &["*Image", "?un", "*"],
            ),
        ] {
            let settles = |text: &&&str| letters.settles(&Pattern::parse(text).unwrap());
            assert_eq!(
                settled.iter().filter(settles).collect::<Vec<_>>(),
                settled.iter().collect::<Vec<_>>()
            );
            assert_eq!(open.iter().find(settles), None);
        }
    }
}
