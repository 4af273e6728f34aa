//! What wildcard patterns match, and which of two is the broader.
//!
//! In: patterns and texts. Out: yes or no; never a panic, time at most the product of the lengths.
//! Must not know: fields and lists.

use super::{Pattern, PatternPart};

/// A pattern as a row of symbols; a text is a row of [`Symbol::Char`]s.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Symbol {
    Char(char),
    One,
    Any,
}

fn symbols(pattern: &Pattern) -> Vec<Symbol> {
    let mut row = Vec::new();
    for part in &pattern.parts {
        match part {
            PatternPart::Text(text) => row.extend(text.chars().map(Symbol::Char)),
            PatternPart::Any => row.push(Symbol::Any),
            PatternPart::One => row.push(Symbol::One),
        }
    }
    row
}

impl Pattern {
    /// Whether it matches the whole text.
    #[must_use]
    pub fn matches(&self, text: &str) -> bool {
        covers_row(&symbols(self), &text.chars().map(Symbol::Char).collect::<Vec<_>>())
    }

    /// Whether it matches everything that `narrow` matches; `false` may also mean that it is not easily seen.
    #[must_use]
    pub fn covers(&self, narrow: &Self) -> bool {
        head_fits(self, narrow) && covers_row(&symbols(self), &symbols(narrow))
    }

    /// Roughly what [`Self::covers`] costs, in thousands of steps.
    #[must_use]
    pub fn cost_of_covers(&self, narrow: &Self) -> usize {
        if head_fits(self, narrow) { length(self).saturating_mul(length(narrow)) / 1_000 } else { 0 }
    }
}

/// A cheap look at the beginnings, which tells most pairs apart.
fn head_fits(broad: &Pattern, narrow: &Pattern) -> bool {
    match (broad.parts.first(), narrow.parts.first()) {
        (Some(PatternPart::Text(head)), Some(PatternPart::Text(text))) => text.starts_with(head.as_str()),
        // A narrow pattern that begins with a wildcard also matches texts that do not begin with `head`.
        (Some(PatternPart::Text(_)), _) => false,
        (Some(PatternPart::Any | PatternPart::One) | None, _) => true,
    }
}

fn length(pattern: &Pattern) -> usize {
    pattern.parts.iter().map(|part| if let PatternPart::Text(text) = part { text.len() } else { 1 }).sum()
}

/// Greedy matching with one point of return: the last `*` seen. A `*` of the narrow row can only be swallowed by a `*`.
fn covers_row(broad: &[Symbol], narrow: &[Symbol]) -> bool {
    let (mut b, mut n) = (0, 0);
    let mut back: Option<(usize, usize)> = None;
    while let Some(&symbol) = narrow.get(n) {
        match broad.get(b) {
            Some(Symbol::Any) => {
                back = Some((b, n));
                b += 1;
                continue;
            }
            // `?` must not swallow a `*`: `a*` matches `a` and `abc`, `a?` neither.
            Some(Symbol::One) if symbol != Symbol::Any => {
                (b, n) = (b + 1, n + 1);
                continue;
            }
            Some(Symbol::Char(c)) if symbol == Symbol::Char(*c) => {
                (b, n) = (b + 1, n + 1);
                continue;
            }
            Some(Symbol::One | Symbol::Char(_)) | None => {}
        }
        let Some((star, from)) = back else { return false };
        back = Some((star, from + 1));
        (b, n) = (star + 1, from + 1);
    }
    broad.get(b..).is_some_and(|rest| rest.iter().all(|symbol| *symbol == Symbol::Any))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pattern(text: &str) -> Pattern {
        Pattern::parse(text).unwrap()
    }

    #[test]
    fn matches_whole_values() {
        for (glob, text, fits) in [
            ("a*b?", "axxbc", true),
            ("a*b?", "abb", true),
            ("a*b?", "ab", false),
            ("*", "", true),
            ("?", "é", true),
            (r"\*", "*", true),
            (r"\*", "x", false),
            ("*ab*ab", "abab", true),
            ("*ab*ab", "ab", false),
            ("", "", true),
        ] {
            assert_eq!(pattern(glob).matches(text), fits, "{glob} {text}");
        }
    }

    #[test]
    fn broader_patterns_are_seen() {
        for (broad, narrow, covered) in [
            ("arn:*", "arn:aws:*", true),
            ("arn:aws:*", "arn:*", false),
            ("a?c", "abc", true),
            ("a?c", "a*c", false),
            ("*b*", "a*b?", true),
            ("a*", "a*", true),
            ("*x*", "*y*x", true),
        ] {
            assert_eq!(pattern(broad).covers(&pattern(narrow)), covered, "{broad} {narrow}");
        }
    }
}
