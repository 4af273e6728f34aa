//! Titles as `sigma check` wants them.
//!
//! In: text of a rule. Out: one line in title case, short enough, without a full stop.
//! Must not know: documents.

/// The longest title.
const LONGEST: usize = 120;

/// Words that stay small inside a title.
const SMALL: &[&str] = &[
    "a", "an", "and", "as", "at", "by", "for", "from", "in", "new", "of", "on", "or", "over", "the",
    "through", "to", "via", "with", "without",
];

/// `text`, cut where it leaves room for ` - suffix`.
pub(super) fn title(text: &str, suffix: &str) -> String {
    let suffix = if suffix.is_empty() { String::new() } else { format!(" - {suffix}") };
    let suffix: String = suffix.chars().take(LONGEST * 2 / 3).collect();
    let room = LONGEST - suffix.chars().count();
    let text = in_title_case(text.trim().trim_end_matches('.'));
    let text = text.strip_prefix("Detects ").or_else(|| text.strip_prefix("Detect ")).unwrap_or(&text);
    let cut: String = text.chars().take(room).collect();
    format!("{}{suffix}", cut.trim_end()).trim_end_matches(['.', ' ']).to_owned()
}

/// The name of a rule or step as words.
pub(super) fn words(name: &str) -> String {
    name.replace('_', " ")
}

/// The name of a rule or step as words of a title.
pub(super) fn name_in_title_case(name: &str) -> String {
    in_title_case(&words(name))
}

fn in_title_case(text: &str) -> String {
    let words = text.split_whitespace().enumerate();
    words
        .map(|(index, word)| if index == 0 { upper_first(word) } else { word_in_title(word) })
        .collect::<Vec<_>>()
        .join(" ")
}

/// A word that is neither small nor has a form of its own: capitals, a file name, a path.
fn word_in_title(word: &str) -> String {
    let own_form = word.contains(['.', '/', '_']) || word.chars().any(char::is_uppercase);
    if own_form || SMALL.contains(&word) { word.to_owned() } else { upper_first(word) }
}

/// The word with its first letter as a capital, even behind a bracket or quote; a word that begins with a digit stays.
fn upper_first(word: &str) -> String {
    if word.starts_with(|c: char| c.is_ascii_digit()) || word.chars().any(char::is_uppercase) {
        return word.to_owned();
    }
    let mut out = String::with_capacity(word.len());
    let mut done = false;
    for c in word.chars() {
        if !done && c.is_lowercase() {
            out.extend(c.to_uppercase());
            done = true;
        } else {
            out.push(c);
        }
    }
    out
}

/// The text with its first letter as a capital.
pub(super) fn sentence_start(text: &str) -> String {
    let text = text.trim();
    let mut chars = text.chars();
    chars.next().map_or_else(String::new, |first| first.to_uppercase().chain(chars).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn titles_are_in_title_case() {
        assert_eq!(
            title("unapproved image launched from a console session, then rapid egress.", ""),
            "Unapproved Image Launched from a Console Session, Then Rapid Egress"
        );
        assert_eq!(title("Detects an\n(odd) eBPF use of /bin/sh", ""), "an (Odd) eBPF Use of /bin/sh");
        assert_eq!(title(&"word ".repeat(50), "Step 1 Console").chars().count(), 120);
    }

    #[test]
    fn names_are_words() {
        assert_eq!(name_in_title_case("aws_untrusted_image_launch"), "Aws Untrusted Image Launch");
        assert_eq!(sentence_start("éa b"), "Éa b");
    }
}
