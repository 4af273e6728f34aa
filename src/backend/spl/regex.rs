//! Regular expressions for `match()`, written without a single backslash.
//!
//! In: texts, wildcard patterns, portable expressions. Out: PCRE text for [`super::literal::text`].
//! Must not know: fields, commands.
//!
//! A backslash would pass through two readers (SPL's string, then PCRE), and how many are needed is disputed. So every
//! special character stands in a class of its own, and the three that even a class cannot hold safely are the one
//! character of a range that a look-ahead leaves over. The end of the text is `(?!.)`, because `$` also holds before a
//! last line feed.

use regex_syntax::ast::{self, Ast, ClassAsciiKind, ClassPerlKind, ClassSet, ClassSetItem};
use regex_syntax::hir::{Class, ClassUnicode, Hir, HirKind, Look, Repetition, translate::TranslatorBuilder};

use crate::ir::{Case, Pattern, PatternPart, Place};

/// The whole value is an address: IPv4 without leading zeros, or IPv6 in any of its forms.
pub(super) const ADDRESS: &str = concat!(
    "(?s)^(([0-9A-Fa-f]{1,4}:){7}[0-9A-Fa-f]{1,4}",
    "|(?!:*([^:]+:+){7}[^:])([0-9A-Fa-f]{1,4}(:[0-9A-Fa-f]{1,4})*)?::([0-9A-Fa-f]{1,4}(:[0-9A-Fa-f]{1,4})*)?",
    "|(([0-9A-Fa-f]{1,4}:){6}|(?!:*([^:]+:+){6}[^:])([0-9A-Fa-f]{1,4}(:[0-9A-Fa-f]{1,4})*)?::([0-9A-Fa-f]{1,4}:)*)?",
    "((25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])([.](?=.)|(?!.))){4})(?!.)"
);

/// Matches the text itself.
pub(super) fn escape(text: &str) -> String {
    spelled(text, Case::Sensitive)
}

/// Matches the text; where case is ignored, each letter in all its spellings.
fn spelled(text: &str, case: Case) -> String {
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
        '^' => "(?!Z)[Z^]".to_owned(),
        '.' | '*' | '+' | '?' | '(' | ')' | '[' | '{' | '|' => format!("[{c}]"),
        c => c.to_string(),
    }
}

/// Matches exactly one of the texts.
pub(super) fn one_of<'a>(texts: impl IntoIterator<Item = &'a str>, case: Case) -> String {
    let texts: Vec<_> = texts.into_iter().map(|text| spelled(text, case)).collect();
    match texts.as_slice() {
        [only] => format!("(?s)^{only}(?!.)"),
        several => format!("(?s)^(?:{})(?!.)", several.join("|")),
    }
}

/// Matches the values that have the text at a place.
pub(super) fn substring(place: Place, text: &str, case: Case) -> String {
    let text = spelled(text, case);
    match place {
        Place::Anywhere => text,
        Place::Start => format!("^{text}"),
        Place::End => format!("(?s){text}(?!.)"),
    }
}

/// Matches the values that a wildcard pattern matches as a whole.
pub(super) fn wildcard(pattern: &Pattern, case: Case) -> String {
    let (mut out, mut parts) = ("(?s)".to_owned(), pattern.parts.as_slice());
    if let [PatternPart::Any, rest @ ..] = parts {
        parts = rest;
    } else {
        out.push('^');
    }
    let open = if let [rest @ .., PatternPart::Any] = parts {
        parts = rest;
        true
    } else {
        false
    };
    for part in parts {
        match part {
            PatternPart::Text(text) => out.push_str(&spelled(text, case)),
            PatternPart::Any => out.push_str(".*"),
            PatternPart::One => out.push('.'),
        }
    }
    if !open {
        out.push_str("(?!.)");
    }
    out
}

/// A portable expression in PCRE. `\d`, `\w`, `\s` and `\b` mean ASCII, as in RE2.
pub(super) fn portable(regex: &str) -> Result<String, String> {
    let mut tree = ast::parse::Parser::new().parse(regex).map_err(|error| error.kind().to_string())?;
    to_ascii(&mut tree);
    let hir =
        TranslatorBuilder::new().build().translate(regex, &tree).map_err(|error| error.kind().to_string())?;
    let mut out = String::new();
    print(&hir, &mut out)?;
    Ok(out)
}

fn to_ascii(tree: &mut Ast) {
    match tree {
        Ast::ClassPerl(class) => {
            let item = ascii_item(class);
            let bracketed =
                ast::ClassBracketed { span: class.span, negated: false, kind: ClassSet::Item(item) };
            *tree = Ast::ClassBracketed(Box::new(bracketed));
        }
        Ast::ClassBracketed(class) => set_to_ascii(&mut class.kind),
        Ast::Repetition(repetition) => to_ascii(&mut repetition.ast),
        Ast::Group(group) => to_ascii(&mut group.ast),
        Ast::Alternation(alternation) => alternation.asts.iter_mut().for_each(to_ascii),
        Ast::Concat(concat) => concat.asts.iter_mut().for_each(to_ascii),
        Ast::Empty(_)
        | Ast::Flags(_)
        | Ast::Literal(_)
        | Ast::Dot(_)
        | Ast::Assertion(_)
        | Ast::ClassUnicode(_) => {}
    }
}

fn ascii_item(class: &ast::ClassPerl) -> ClassSetItem {
    let kind = match class.kind {
        ClassPerlKind::Digit => ClassAsciiKind::Digit,
        ClassPerlKind::Space => ClassAsciiKind::Space,
        ClassPerlKind::Word => ClassAsciiKind::Word,
    };
    ClassSetItem::Ascii(ast::ClassAscii { span: class.span, kind, negated: class.negated })
}

fn set_to_ascii(set: &mut ClassSet) {
    match set {
        ClassSet::Item(item) => item_to_ascii(item),
        ClassSet::BinaryOp(both) => {
            set_to_ascii(&mut both.lhs);
            set_to_ascii(&mut both.rhs);
        }
    }
}

fn item_to_ascii(item: &mut ClassSetItem) {
    match item {
        ClassSetItem::Perl(class) => *item = ascii_item(class),
        ClassSetItem::Bracketed(class) => set_to_ascii(&mut class.kind),
        ClassSetItem::Union(union) => union.items.iter_mut().for_each(item_to_ascii),
        ClassSetItem::Empty(_)
        | ClassSetItem::Literal(_)
        | ClassSetItem::Range(_)
        | ClassSetItem::Ascii(_)
        | ClassSetItem::Unicode(_) => {}
    }
}

fn print(hir: &Hir, out: &mut String) -> Result<(), String> {
    match hir.kind() {
        HirKind::Empty => {}
        HirKind::Literal(literal) => {
            let text = std::str::from_utf8(&literal.0).map_err(|_| "a part of a character".to_owned())?;
            out.push_str(&escape(text));
        }
        HirKind::Class(Class::Unicode(class)) => out.push_str(&class_text(class)),
        HirKind::Class(Class::Bytes(class)) => {
            let class = class.to_unicode_class().ok_or("bytes that are not characters")?;
            out.push_str(&class_text(&class));
        }
        HirKind::Look(look) => out.push_str(assertion(*look)?),
        HirKind::Repetition(repetition) => repeated(repetition, out)?,
        HirKind::Capture(capture) => group(&capture.sub, out)?,
        HirKind::Concat(parts) => {
            for part in parts {
                print(part, out)?;
            }
        }
        HirKind::Alternation(parts) => {
            for (index, part) in parts.iter().enumerate() {
                out.push_str(if index == 0 { "(?:" } else { "|" });
                print(part, out)?;
            }
            out.push(')');
        }
    }
    Ok(())
}

fn group(hir: &Hir, out: &mut String) -> Result<(), String> {
    out.push_str("(?:");
    print(hir, out)?;
    out.push(')');
    Ok(())
}

fn repeated(repetition: &Repetition, out: &mut String) -> Result<(), String> {
    group(&repetition.sub, out)?;
    let times = match (repetition.min, repetition.max) {
        (0, None) => "*".to_owned(),
        (1, None) => "+".to_owned(),
        (0, Some(1)) => "?".to_owned(),
        (min, None) => format!("{{{min},}}"),
        (min, Some(max)) if min == max => format!("{{{min}}}"),
        (min, Some(max)) => format!("{{{min},{max}}}"),
    };
    out.push_str(&times);
    if !repetition.greedy {
        out.push('?');
    }
    Ok(())
}

fn assertion(look: Look) -> Result<&'static str, String> {
    match look {
        Look::Start => Ok("^"),
        Look::End => Ok("(?!(?s:.))"),
        Look::StartLF => Ok("(?<!.)"),
        Look::EndLF => Ok("(?!.)"),
        Look::WordAscii | Look::WordUnicode => {
            Ok("(?:(?<![0-9A-Za-z_])(?=[0-9A-Za-z_])|(?<=[0-9A-Za-z_])(?![0-9A-Za-z_]))")
        }
        Look::WordAsciiNegate | Look::WordUnicodeNegate => {
            Ok("(?:(?<![0-9A-Za-z_])(?![0-9A-Za-z_])|(?<=[0-9A-Za-z_])(?=[0-9A-Za-z_]))")
        }
        Look::StartCRLF
        | Look::EndCRLF
        | Look::WordStartAscii
        | Look::WordEndAscii
        | Look::WordStartUnicode
        | Look::WordEndUnicode
        | Look::WordStartHalfAscii
        | Look::WordEndHalfAscii
        | Look::WordStartHalfUnicode
        | Look::WordEndHalfUnicode => Err("an assertion outside the portable subset".to_owned()),
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

    #[test]
    fn wildcards_are_anchored() {
        let printed = |text| wildcard(&Pattern::parse(text).unwrap(), Case::Sensitive);
        assert_eq!(printed("arn:aws:iam::*:role/terraform-*"), "(?s)^arn:aws:iam::.*:role/terraform-");
        assert_eq!(printed("*.internal"), "(?s)[.]internal(?!.)");
        assert_eq!(printed("a?c"), "(?s)^a.c(?!.)");
    }

    #[test]
    fn portable_expressions_have_no_backslash() {
        let printed = |text| portable(text).unwrap();
        assert_eq!(printed(r"^i-\d{8}$"), "^i-(?:[0-9]){8}(?!(?s:.))");
        assert_eq!(printed(r"a\.b.c"), "a[.]b.c");
        assert_eq!(printed("(?i)ab"), "[Aa][Bb]");
        assert_eq!(printed(r"[\w.-]+@\S"), "(?:(?:-|[.0-9A-Z_a-z]))+@[^[:space:]]");
        assert_eq!(printed(r"[^/\\]"), "(?!(?![]Z^[])[Z-^]|[/])(?s:.)");
        assert!(!printed(r"\$\^\\`\[\]\b").contains('\\'));
    }
}
