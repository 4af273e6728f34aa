//! Upper and lower case: which letters are one letter when a comparison ignores case.
//!
//! In: text. Out: the text as it is compared, and the spellings of a letter.
//! Must not know: fields, patterns, targets.

use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::OnceLock;

use serde::Serialize;

/// How text compares.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Case {
    /// Exactly.
    Sensitive,
    /// Ignoring case (simple Unicode lower case, never from beyond ASCII into it).
    Ignore,
}

impl Case {
    /// [`Case::Ignore`] if letter case means nothing.
    #[must_use]
    pub fn folding(folds: bool) -> Self {
        if folds { Self::Ignore } else { Self::Sensitive }
    }

    /// The text as it is compared: two texts are equal if these are. As many characters as `text` has.
    #[must_use]
    pub fn fold(self, text: &str) -> Cow<'_, str> {
        match self {
            Self::Sensitive => Cow::Borrowed(text),
            Self::Ignore if text.is_ascii() => Cow::Owned(text.to_ascii_lowercase()),
            Self::Ignore => Cow::Owned(text.chars().map(lower).collect()),
        }
    }

    /// The characters that count as equal to `c`, `c` first.
    #[must_use]
    pub fn spellings(self, c: char) -> Vec<char> {
        let mut spellings = vec![c];
        if self == Self::Ignore {
            let small = lower(c);
            let capitals = if c.is_ascii() { None } else { capitals().get(&small).map(Vec::as_slice) };
            let ascii = small.is_ascii().then(|| small.to_ascii_uppercase());
            let others = std::iter::once(small).chain(ascii).chain(capitals.into_iter().flatten().copied());
            for other in others {
                if !spellings.contains(&other) {
                    spellings.push(other);
                }
            }
        }
        spellings
    }
}

/// The lower case of one character, as Unicode's simple mapping has it. Letters beyond ASCII keep their distance from
/// those of ASCII: `İ` is no `i` and the Kelvin sign no `k`, for most engines fold ASCII alone.
fn lower(c: char) -> char {
    if c.is_ascii() {
        return c.to_ascii_lowercase();
    }
    let mut letters = c.to_lowercase();
    match (letters.next(), letters.next()) {
        (Some(only), None) if !only.is_ascii() => only,
        _ => c,
    }
}

/// For each letter beyond ASCII those that have it as their lower case.
fn capitals() -> &'static HashMap<char, Vec<char>> {
    static CAPITALS: OnceLock<HashMap<char, Vec<char>>> = OnceLock::new();
    CAPITALS.get_or_init(|| {
        let mut found: HashMap<char, Vec<char>> = HashMap::new();
        for c in ('\u{80}'..=char::MAX).filter(|c| lower(*c) != *c) {
            found.entry(lower(c)).or_default().push(c);
        }
        found
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folds_one_to_one_and_never_into_ascii() {
        let equal = |one: &str, other: &str| Case::Ignore.fold(one) == Case::Ignore.fold(other);
        for (one, other) in
            [("Straße", "sTRASSE".replace("SS", "ß").as_str()), ("ÀÉ", "àé"), ("Ǆ", "ǅ"), ("Σ", "σ")]
        {
            assert!(equal(one, other), "{one} {other}");
        }
        for (one, other) in
            [("İ", "i"), ("ı", "i"), ("\u{212a}", "k"), ("ſ", "s"), ("ς", "σ"), ("İ", "i\u{307}")]
        {
            assert!(!equal(one, other), "{one} {other}");
        }
    }

    #[test]
    fn spellings_are_what_folds_alike() {
        for c in ('\0'..='\u{1ffff}').step_by(3).chain("kKsSiIİıſσΣςåÅ\u{212b}Ǆǅǆßẞ".chars()) {
            let spellings = Case::Ignore.spellings(c);
            assert_eq!(spellings.first(), Some(&c));
            assert!(spellings.iter().all(|other| lower(*other) == lower(c)), "{c}");
            for other in c.to_lowercase().chain(c.to_uppercase()).filter(|other| lower(*other) == lower(c)) {
                assert!(spellings.contains(&other), "{c} {other}");
            }
        }
        assert_eq!(Case::Ignore.spellings('ǆ'), ['ǆ', 'Ǆ', 'ǅ']);
        assert_eq!(Case::Ignore.spellings('Å'), ['Å', 'å', '\u{212b}']);
        assert_eq!(Case::Sensitive.spellings('a'), ['a']);
    }
}
