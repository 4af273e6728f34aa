//! Regular expressions for `match()`, written without a single backslash.
//!
//! In: texts, wildcard patterns, portable expressions. Out: PCRE text for [`super::literal::text`].
//! Must not know: fields, commands.
//!
//! A backslash would pass through two readers (SPL's string, then PCRE), and how many are needed is disputed. So every
//! special character stands in a class of its own, and the three that even a class cannot hold safely are the one
//! character of a range that a look-ahead leaves over. The end of the text is `(?!.)`, because `$` also holds before a
//! last line feed.

use regex_syntax::hir::{Class, ClassUnicode, Hir, HirKind, Look, Repetition};

use super::literal::Refusal;
use crate::ir::{Case, Pattern, PatternPart, Place};

const OUTSIDE: Refusal = "the expression is outside the portable subset";

/// The whole value is an address: IPv4 without leading zeros, or IPv6 in any of its forms.
pub(super) const ADDRESS: &str = concat!(
    "(?s)^(([0-9A-Fa-f]{1,4}:){7}[0-9A-Fa-f]{1,4}",
    // `::` stands for one group at least. So there are at most seven beside it, or five and an IPv4 address; the
    // look-aheads refuse the next one.
    "|(?!:*([^:]+:+){7}[^:])([0-9A-Fa-f]{1,4}(:[0-9A-Fa-f]{1,4})*)?::([0-9A-Fa-f]{1,4}(:[0-9A-Fa-f]{1,4})*)?",
    "|(([0-9A-Fa-f]{1,4}:){6}|(?!:*([^:]+:+){6}[^:])([0-9A-Fa-f]{1,4}(:[0-9A-Fa-f]{1,4})*)?::([0-9A-Fa-f]{1,4}:)*)?",
    "((25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])([.](?=.)|(?!.))){4})(?!.)"
);

/// Matches the text; where case is ignored, each letter in all its spellings.
pub(super) fn spelled(text: &str, case: Case) -> String {
    let letter = |c| match case.spellings(c).as_slice() {
        [only] => character(*only),
        several => format!("[{}]", several.iter().collect::<String>()),
    };
    text.chars().map(letter).collect()
}

fn character(c: char) -> String {
    match c {
        '\\' => "(?![]Z^[])[Z-^]".to_owned(),
        '`' => "(?![_a])[_-a]".to_owned(),
        '$' => "(?![#%])[#-%]".to_owned(),
        // Alone in brackets it would negate them.
        '^' => "(?!Z)[Z^]".to_owned(),
        '.' | '*' | '+' | '?' | '(' | ')' | '[' | '{' | '|' => format!("[{c}]"),
        c => c.to_string(),
    }
}

/// Matches what one of the spelled texts matches as a whole.
pub(super) fn one_of(spelled: &[String]) -> String {
    match spelled {
        [only] => format!("(?s)^{only}(?!.)"),
        several => format!("(?s)^(?:{})(?!.)", several.join("|")),
    }
}

/// Matches the values that have a spelled text at a place.
pub(super) fn substring(place: Place, spelled: String) -> String {
    match place {
        Place::Anywhere => spelled,
        Place::Start => format!("^{spelled}"),
        Place::End => format!("(?s){spelled}(?!.)"),
    }
}

/// Matches the values that a wildcard pattern matches as a whole.
///
/// Several `*` with text between them could divide a value in so many ways that PCRE gives up; an attacker writes such
/// values. So each part but the last before a fixed end is looked for once, where it comes first (`(?>…)`): it always
/// has the same length, and nothing that follows finds more further to the right.
pub(super) fn wildcard(pattern: &Pattern, spell: impl Fn(&str) -> String) -> String {
    let mut parts: Vec<String> = pattern
        .parts
        .split(|part| *part == PatternPart::Any)
        .map(|units| units.iter().map(|unit| spelled_unit(unit, &spell)).collect())
        .collect();
    let tail = parts.pop().unwrap_or_default();
    let mut parts = parts.into_iter();
    let Some(head) = parts.next() else { return format!("(?s)^{tail}(?!.)") };
    let inner: Vec<_> = parts.filter(|part| !part.is_empty()).collect();
    let start = if head.is_empty() { String::new() } else { format!("^{head}.*") };
    match (inner.as_slice(), tail.is_empty()) {
        ([], true) => format!("(?s)^{head}"),
        ([], false) => format!("(?s){start}{tail}(?!.)"),
        ([only], true) => format!("(?s){start}{only}"),
        (several, _) => {
            let found: String = several.iter().fold(String::new(), |all, part| all + "(?>.*?" + part + ")");
            let end = if tail.is_empty() { tail } else { format!(".*{tail}(?!.)") };
            format!("(?s)^{head}{found}{end}")
        }
    }
}

fn spelled_unit(unit: &PatternPart, spell: impl Fn(&str) -> String) -> String {
    match unit {
        PatternPart::Text(text) => spell(text),
        PatternPart::Any => ".*".to_owned(),
        PatternPart::One => ".".to_owned(),
    }
}

/// A portable expression, its classes spelt out, in PCRE.
pub(super) fn portable(exact: &str) -> Result<String, Refusal> {
    printed(&regex_syntax::parse(exact).map_err(|_| OUTSIDE)?)
}

fn printed(hir: &Hir) -> Result<String, Refusal> {
    let all = |parts: &[Hir]| parts.iter().map(printed).collect::<Result<Vec<_>, _>>();
    Ok(match hir.kind() {
        HirKind::Empty => String::new(),
        HirKind::Literal(literal) => {
            let text = std::str::from_utf8(&literal.0).map_err(|_| OUTSIDE)?;
            spelled(text, Case::Sensitive)
        }
        HirKind::Class(Class::Unicode(class)) => class_text(class),
        HirKind::Look(Look::Start) => "^".to_owned(),
        // The flag is set inside: elsewhere in the expression `.` must not match a line feed.
        HirKind::Look(Look::End) => "(?!(?s:.))".to_owned(),
        HirKind::Look(_) | HirKind::Class(Class::Bytes(_)) => return Err(OUTSIDE),
        HirKind::Repetition(repetition) => format!("(?:{}){}", printed(&repetition.sub)?, times(repetition)),
        HirKind::Capture(capture) => format!("(?:{})", printed(&capture.sub)?),
        HirKind::Concat(parts) => all(parts)?.concat(),
        HirKind::Alternation(parts) => format!("(?:{})", all(parts)?.join("|")),
    })
}

fn times(repetition: &Repetition) -> String {
    match (repetition.min, repetition.max) {
        (0, None) => "*".to_owned(),
        (1, None) => "+".to_owned(),
        (0, Some(1)) => "?".to_owned(),
        (min, None) => format!("{{{min},}}"),
        (min, Some(max)) if min == max => format!("{{{min}}}"),
        (min, Some(max)) => format!("{{{min},{max}}}"),
    }
}

fn class_text(class: &ClassUnicode) -> String {
    let mut others = class.clone();
    others.negate();
    if others.ranges().is_empty() {
        return "(?s:.)".to_owned();
    }
    if class.ranges().is_empty() {
        return "(?!)".to_owned();
    }
    if let [only] = others.ranges()
        && (only.start(), only.end()) == ('\n', '\n')
    {
        return ".".to_owned();
    }
    // A class up to the last character is mostly a negation: its complement is short and needs no name for U+10FFFF.
    let open = class.ranges().last().is_some_and(|range| range.end() == char::MAX);
    let members = Members::of(if open { &others } else { class });
    members.print(open)
}

/// A class in two parts: what may stand between brackets, and single characters that may not.
struct Members {
    inside: String,
    outside: Vec<char>,
}

impl Members {
    fn of(class: &ClassUnicode) -> Self {
        let (mut inside, mut outside) = (String::new(), Vec::new());
        // `[:space:]` is `\t` to `\r` and the blank. Control characters as such would have the whole literal encoded.
        let space = class.ranges().iter().any(|range| (range.start(), range.end()) == ('\t', '\r'))
            && class.ranges().iter().any(|range| range.start() <= ' ' && ' ' <= range.end());
        if space {
            inside.push_str("[:space:]");
        }
        for range in class.ranges().iter().filter(|range| !space || range.start() != '\t') {
            let mut chars = range.start()..=range.end();
            while chars.clone().next().is_some_and(|c| special(c, *chars.end())) {
                outside.extend(chars.next());
            }
            while chars.clone().next_back().is_some_and(|c| special(c, *chars.start())) {
                outside.extend(chars.next_back());
            }
            match (chars.next(), chars.next_back()) {
                (Some(first), Some(last)) => inside.extend([first, '-', last]),
                (Some(only), None) if only == ' ' && space => {}
                (Some(only), None) => inside.push(only),
                (None, _) => {}
            }
        }
        Self { inside, outside }
    }

    fn print(&self, negated: bool) -> String {
        let mut choices: Vec<_> = self.outside.iter().copied().map(character).collect();
        if !self.inside.is_empty() {
            choices.push(format!("[{}]", self.inside));
        }
        match (negated, choices.as_slice()) {
            (true, []) => "(?s:.)".to_owned(),
            (true, _) if self.outside.is_empty() => format!("[^{}]", self.inside),
            (true, several) => format!("(?!{})(?s:.)", several.join("|")),
            (false, [only]) => only.clone(),
            (false, several) => format!("(?:{})", several.join("|")),
        }
    }
}

/// Whether a character at one end of a range must not stand in brackets; a single character outside ASCII stays out
/// too, so that the class is right even where PCRE counts bytes.
fn special(c: char, other_end: char) -> bool {
    matches!(c, '\\' | ']' | '[' | '^' | '-' | '`' | '$') || (!c.is_ascii() && c == other_end)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ir::Regex;

    #[test]
    fn wildcards_are_anchored() {
        let spell = |text: &str| spelled(text, Case::Sensitive);
        let printed = |text| wildcard(&Pattern::parse(text).unwrap(), spell);
        assert_eq!(printed("arn:aws:iam::*:role/terraform-*"), "(?s)^arn:aws:iam::.*:role/terraform-");
        assert_eq!(printed("*.internal"), "(?s)[.]internal(?!.)");
        assert_eq!(printed("a?c"), "(?s)^a.c(?!.)");
        assert_eq!(printed("*aws*"), "(?s)aws");
        assert_eq!(printed("a*b*"), "(?s)^a.*b");
        assert_eq!(printed("*aws*cli*linux*"), "(?s)^(?>.*?aws)(?>.*?cli)(?>.*?linux)");
        assert_eq!(printed("a*b?*c"), "(?s)^a(?>.*?b.).*c(?!.)");
        assert_eq!(printed("*a*b"), "(?s)^(?>.*?a).*b(?!.)");
    }

    #[test]
    fn portable_expressions_have_no_backslash() {
        let printed = |text| portable(Regex::new(text).unwrap().exact()).unwrap();
        assert_eq!(printed(r"^i-\d{8}$"), "^i-(?:[0-9]){8}(?!(?s:.))");
        assert_eq!(printed(r"a\.b.c"), "a[.]b.c");
        assert_eq!(printed("(?i)ab"), "[Aa][Bb]");
        assert_eq!(printed(r"[\w.-]+@\S"), "(?:(?:-|[.0-9A-Z_a-z]))+@[^[:space:]]");
        assert_eq!(printed(r"[^/\\]"), "(?!(?![]Z^[])[Z-^]|[/])(?s:.)");
        assert!(!printed(r"\$\^\\`\[\]").contains('\\'));
        assert!(portable(r"\b").is_err(), "no engine agrees with another");
    }
}
