//! Wildcard patterns.
//!
//! In: the notation of `like` and of allowlist entries. Out: parts that every target can print.
//! Must not know: fields, targets.

use serde::Serialize;

use super::Place;

/// A wildcard pattern over whole values.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize)]
pub struct Pattern {
    /// Its parts; two texts never stand side by side, and no text is empty.
    pub parts: Vec<PatternPart>,
}

/// A part of a pattern.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum PatternPart {
    /// These characters.
    Text(String),
    /// `*`: any run of characters, also none.
    Any,
    /// `?`: exactly one character.
    One,
}

impl Pattern {
    /// Parses the notation of `like`: `*`, `?`, and `\*`, `\?`, `\\` for the characters themselves.
    ///
    /// # Errors
    /// The byte offset of a backslash that escapes nothing.
    pub fn parse(text: &str) -> Result<Self, usize> {
        let (mut parts, mut run) = (Vec::new(), String::new());
        let mut chars = text.char_indices();
        while let Some((at, c)) = chars.next() {
            let part = match c {
                '*' => PatternPart::Any,
                '?' => PatternPart::One,
                '\\' => match chars.next() {
                    Some((_, escaped @ ('*' | '?' | '\\'))) => {
                        run.push(escaped);
                        continue;
                    }
                    _ => return Err(at),
                },
                _ => {
                    run.push(c);
                    continue;
                }
            };
            if !run.is_empty() {
                parts.push(PatternPart::Text(std::mem::take(&mut run)));
            }
            // `**` means `*`: `matches_everything` looks for `*` alone, and repetitions are found by equality.
            if !(part == PatternPart::Any && parts.last() == Some(&PatternPart::Any)) {
                parts.push(part);
            }
        }
        if !run.is_empty() {
            parts.push(PatternPart::Text(run));
        }
        Ok(Self { parts })
    }

    /// Matches `text` and nothing else.
    #[must_use]
    pub fn exactly(text: &str) -> Self {
        Self { parts: vec![PatternPart::Text(text.to_owned())] }
    }

    /// Matches every value that has `text` at `place`.
    #[must_use]
    pub fn around(place: Place, text: &str) -> Self {
        let text = PatternPart::Text(text.to_owned());
        let parts = match place {
            Place::Anywhere => vec![PatternPart::Any, text, PatternPart::Any],
            Place::Start => vec![text, PatternPart::Any],
            Place::End => vec![PatternPart::Any, text],
        };
        Self { parts }
    }

    /// The one value it matches, when it has no wildcard; an empty pattern matches no present value and gives `""`.
    #[must_use]
    pub fn literal(&self) -> Option<&str> {
        match self.parts.as_slice() {
            [] => Some(""),
            [PatternPart::Text(text)] => Some(text),
            _ => None,
        }
    }

    /// Whether every present value matches: the pattern is `*`, or `?*` and the like, for a present value has a
    /// character.
    #[must_use]
    pub fn matches_everything(&self) -> bool {
        let has_text = self.parts.iter().any(|part| matches!(part, PatternPart::Text(_)));
        let singles = self.parts.iter().filter(|part| **part == PatternPart::One).count();
        !has_text && singles <= 1 && self.parts.contains(&PatternPart::Any)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_that_every_present_value_matches() {
        for (text, everything) in [
            ("*", true),
            ("**", true),
            ("?*", true),
            ("*?", true),
            ("*?*", true),
            ("?", false),
            ("??*", false),
            ("?*?", false),
            ("*a", false),
            ("\\*", false),
            ("", false),
        ] {
            assert_eq!(Pattern::parse(text).unwrap().matches_everything(), everything, "{text}");
        }
    }
}
