//! How tokens and words appear in messages.
//!
//! In: tokens as written, words that could stand there. Out: text for messages, and the word most likely meant.
//! Must not know: where a token stands.

use crate::diag;

/// `a`, `a or b`, `a, b or c`.
pub(super) fn list(words: &[&str]) -> String {
    match words {
        [] => String::new(),
        [one] => (*one).to_owned(),
        [most @ .., last] => format!("{} or {last}", most.join(", ")),
    }
}

/// A token as it is shown in a message: in backticks and not too long.
pub(super) fn quoted(token: &str) -> String {
    const LONGEST: usize = 40;
    if token.chars().count() <= LONGEST {
        return format!("`{token}`");
    }
    format!("`{}…`", token.chars().take(LONGEST).collect::<String>())
}

/// The word most likely meant by `found`, in whatever case it was written.
pub(super) fn close<'a>(found: &str, known: impl Iterator<Item = &'a str> + Clone) -> Option<&'a str> {
    // No keyword is near to a word of this length, and the distance costs the product of both.
    if found.len() > 40 {
        return None;
    }
    let lower = found.to_ascii_lowercase();
    known.clone().find(|word| *word == lower && *word != found).or_else(|| diag::nearest(&lower, known))
}
