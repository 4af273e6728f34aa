//! Text matching: whole-value wildcards.
//!
//! In: patterns of the IR. Out: matchers.
//! Must not know: fields, records.

use crate::ir::{Case, Pattern, PatternPart};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Unit {
    Char(char),
    One,
    Any,
}

/// A compiled wildcard pattern.
#[derive(Debug, Clone)]
pub struct Wildcard {
    prefix: String,
    rest: Vec<Unit>,
    case: Case,
}

impl Wildcard {
    /// Compiles `pattern` for comparisons in `case`.
    #[must_use]
    pub fn new(pattern: &Pattern, case: Case) -> Self {
        let mut parts = pattern.parts.as_slice();
        let mut prefix = String::new();
        if let [PatternPart::Text(text), after @ ..] = parts {
            // Folding keeps the number of characters, so it moves no `?`.
            prefix = case.fold(text).into_owned();
            parts = after;
        }
        let units = |part: &PatternPart| match part {
            PatternPart::Text(text) => case.fold(text).chars().map(Unit::Char).collect(),
            PatternPart::Any => vec![Unit::Any],
            PatternPart::One => vec![Unit::One],
        };
        Self { prefix, rest: parts.iter().flat_map(units).collect(), case }
    }

    /// The text every match begins with.
    #[must_use]
    pub fn prefix(&self) -> &str {
        &self.prefix
    }

    /// Whether the whole of `text` matches.
    #[must_use]
    pub fn matches(&self, text: &str) -> bool {
        let text = self.case.fold(text);
        text.strip_prefix(&self.prefix).is_some_and(|rest| glob(&self.rest, rest))
    }
}

/// Matches greedily and, on failure, lets the last `*` take one character more: at most pattern × text steps.
fn glob(pattern: &[Unit], text: &str) -> bool {
    if pattern == [Unit::Any] {
        return true;
    }
    let (mut units, mut chars) = (pattern.iter(), text.chars());
    let mut last_star = None;
    loop {
        let at_chars = chars.clone();
        let fits = match (units.next(), chars.next()) {
            (None, None) => return true,
            (Some(Unit::Any), _) => {
                chars = at_chars;
                last_star = Some((units.clone(), chars.clone()));
                continue;
            }
            (Some(Unit::One), Some(_)) => true,
            (Some(Unit::Char(wanted)), Some(found)) => *wanted == found,
            (None, Some(_)) => false,
            // The text is too short, and a `*` that takes more leaves even less of it.
            (Some(Unit::One | Unit::Char(_)), None) => return false,
        };
        if !fits {
            // Only the last `*` can have to take more: what an earlier one would take in its place, the last one takes
            // as well, and what stands between them has matched already.
            let Some((star_units, mut star_chars)) = last_star.take() else { return false };
            if star_chars.next().is_none() {
                return false;
            }
            last_star = Some((star_units.clone(), star_chars.clone()));
            (units, chars) = (star_units, star_chars);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn like(pattern: &str, text: &str, case: Case) -> bool {
        Wildcard::new(&Pattern::parse(pattern).unwrap(), case).matches(text)
    }

    #[test]
    fn wildcards_match_whole_values() {
        for (pattern, text, expected) in [
            ("a*b?", "a-long-b!", true),
            ("a*b?", "ab", false),
            ("*", "x", true),
            ("?", "é", true),
            ("?", "éé", false),
            ("ab", "abc", false),
            ("*ab*", "xxabxx", true),
            ("*a*a*a", "aa", false),
            ("*a*a*a", "xaxaxa", true),
            (r"1\*2", "1*2", true),
            (r"1\*2", "1x2", false),
            ("*abc", "ababc", true),
            ("a??", "abc", true),
            ("", "x", false),
        ] {
            assert_eq!(like(pattern, text, Case::Sensitive), expected, "{pattern} on {text}");
        }
    }

    #[test]
    fn case_folds_one_to_one() {
        assert!(like("STRASSE*", "strasse 1", Case::Ignore));
        assert!(like("?x", "İX", Case::Ignore));
        assert!(!like("ABC", "abc", Case::Sensitive));
    }
}
