//! What people write who come from other query languages, and how it is written here.
//!
//! In: a word or mark. Out: the word or mark of this language.
//! Must not know: where it stands.

use super::keywords;

/// Operators of SPL, Sigma, KQL, EQL and SQL, and what they are here.
const OPERATOR: &[(&str, &str)] = &[
    ("=", "=="),
    ("===", "=="),
    (":", "=="),
    ("is", "=="),
    ("eq", "=="),
    ("equals", "=="),
    ("!==", "!="),
    ("<>", "!="),
    ("ne", "!="),
    ("=<", "<="),
    ("le", "<="),
    ("lte", "<="),
    ("lt", "<"),
    ("=>", ">="),
    ("ge", ">="),
    ("gte", ">="),
    ("gt", ">"),
    ("startswith", "starts_with"),
    ("hasprefix", "starts_with"),
    ("endswith", "ends_with"),
    ("hassuffix", "ends_with"),
    // KQL's `has` looks for a whole term, which no operator here does; `contains` is the nearest.
    ("has", "contains"),
    ("includes", "contains"),
    ("contains_cs", "contains"),
    ("regex", "matches"),
    ("regexp", "matches"),
    ("rlike", "matches"),
    ("match", "matches"),
    ("re", "matches"),
    ("wildcard", "like"),
    ("glob", "like"),
    ("cidr", "in"),
    ("cidrmatch", "in"),
];

/// The operator meant by `found`, `not ` before it if it was negated by `!`.
pub(super) fn operator(found: &str) -> Option<String> {
    let lower = found.to_ascii_lowercase();
    // KQL negates words with a mark: `!contains`, `!startswith`.
    let (negated, word) = match lower.strip_prefix('!') {
        Some(word) if word.starts_with(|c: char| c.is_ascii_alphabetic()) => ("not ", word),
        _ => ("", lower.as_str()),
    };
    let word = word.strip_suffix('~').unwrap_or(word);
    let known = OPERATOR.iter().find(|(foreign, _)| *foreign == word).map(|(_, ours)| *ours);
    let ours = known.or_else(|| keywords::operators().find(|ours| *ours == word))?;
    Some(format!("{negated}{ours}"))
}
