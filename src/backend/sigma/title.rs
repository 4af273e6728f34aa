//! Titles as `sigma check` wants them.
//!
//! In: text of a rule. Out: one line in title case, short enough, without a full stop.
//! Must not know: documents.

use crate::backend::print::phrase;

/// The longest title.
const LONGEST: usize = 120;

/// Words that stay small inside a title.
const SMALL: &[&str] = &[
    "a", "an", "and", "as", "at", "by", "for", "from", "in", "new", "of", "on", "or", "over", "the",
    "through", "to", "via", "with", "without",
];

/// Words that are abbreviations.
const ABBREVIATIONS: &[&str] = &[
    "acl", "ami", "api", "arn", "aws", "dns", "ebs", "ec2", "eks", "eni", "gcp", "iam", "kms", "mfa", "rds",
    "rdp", "s3", "ssh", "sso", "sts", "vpc",
];

/// `text`, cut where it leaves room for ` - suffix`.
pub(super) fn title(text: &str, suffix: &str) -> String {
    let suffix = if suffix.is_empty() { String::new() } else { phrase!(" - {suffix}") };
    let suffix = cut(&suffix, LONGEST * 2 / 3);
    let room = LONGEST - suffix.chars().count();
    let text = in_title_case(text.trim().trim_end_matches('.'));
    // SigmaHQ's validators object to a title that starts with either word.
    let text = text.strip_prefix("Detects ").or_else(|| text.strip_prefix("Detect ")).unwrap_or(&text);
    let mut title = phrase!("{}{suffix}", cut(text, room).trim_end());
    title.truncate(title.trim_end_matches(['.', ' ']).len());
    title
}

/// The first `most` characters.
fn cut(text: &str, most: usize) -> &str {
    text.char_indices().nth(most).and_then(|(end, _)| text.get(..end)).unwrap_or(text)
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
    let mut title = String::with_capacity(text.len());
    for (index, word) in text.split_whitespace().enumerate() {
        title.push_str(if index > 0 { " " } else { "" });
        if ABBREVIATIONS.contains(&word) {
            title.push_str(&word.to_ascii_uppercase());
        } else if index > 0 && (word.contains(['.', '/', '_']) || SMALL.contains(&word)) {
            title.push_str(word);
        } else {
            upper_first(word, &mut title);
        }
    }
    title
}

/// Adds the word with its first letter as a capital, even behind a bracket or quote; a word that has capitals or begins
/// with a digit stays.
fn upper_first(word: &str, out: &mut String) {
    let first = word.char_indices().find(|(_, c)| c.is_lowercase());
    match first {
        Some((at, c))
            if !word.starts_with(|c: char| c.is_ascii_digit()) && !word.chars().any(char::is_uppercase) =>
        {
            let (before, after) = word.split_at(at);
            out.push_str(before);
            out.extend(c.to_uppercase());
            out.extend(after.chars().skip(1));
        }
        Some(_) | None => out.push_str(word),
    }
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
        assert_eq!(name_in_title_case("aws_untrusted_image_launch"), "AWS Untrusted Image Launch");
        assert_eq!(sentence_start("éa b"), "Éa b");
    }
}
