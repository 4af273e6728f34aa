//! Regular expressions with one meaning: that of ASCII.
//!
//! In: an expression of the portable subset. Out: the same in a notation that engines of Unicode and of ASCII read alike.
//! Must not know: which expressions are portable, engines, targets.
//!
//! Engines disagree about `\d`, `\w`, `\s` beyond ASCII, and about the letters that `(?i)` folds into ASCII: to Rust
//! and Kusto `٣` is a digit and the Kelvin sign a `k`, to PCRE and Lucene they are not. So classes are spelt out, and
//! letters are listed in the spellings that `=~` takes for equal.

use regex_syntax::ast::{
    self, Ast, ClassBracketed, ClassPerl, ClassPerlKind, ClassSet, ClassSetItem, ClassSetRange, ClassSetUnion,
    Flag, FlagsItemKind, Literal, LiteralKind, Span,
};
use serde::{Serialize, Serializer};

use super::Case;

/// A portable regular expression.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Regex {
    written: String,
    exact: String,
}

impl Regex {
    /// The expression that an author wrote; `None` if it is none.
    #[must_use]
    pub fn new(written: &str) -> Option<Self> {
        let mut tree = ast::parse::Parser::new().parse(written).ok()?;
        let case = take_case(&mut tree);
        spell_out(&mut tree, case);
        let mut exact = String::new();
        ast::print::Printer::new().print(&tree, &mut exact).ok()?;
        Some(Self { written: written.to_owned(), exact })
    }

    /// As it was written, for people.
    #[must_use]
    pub fn written(&self) -> &str {
        &self.written
    }

    /// What it means, for engines.
    #[must_use]
    pub fn exact(&self) -> &str {
        &self.exact
    }

    /// Whether it can match without a character, so that a missing text would match as well.
    #[must_use]
    pub fn can_match_nothing(&self) -> bool {
        regex_syntax::parse(&self.exact).map_or(true, |parsed| parsed.properties().minimum_len() == Some(0))
    }
}

impl Serialize for Regex {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.written)
    }
}

/// Takes `(?i)` away from the beginning.
fn take_case(tree: &mut Ast) -> Case {
    let is_case = |part: &Ast| match part {
        Ast::Flags(flags) => {
            flags.flags.items.iter().any(|item| item.kind == FlagsItemKind::Flag(Flag::CaseInsensitive))
        }
        _ => false,
    };
    let found = match tree {
        Ast::Concat(concat) if concat.asts.first().is_some_and(is_case) => {
            concat.asts.remove(0);
            true
        }
        part if is_case(part) => {
            *part = Ast::empty(*part.span());
            true
        }
        _ => false,
    };
    if found { Case::Ignore } else { Case::Sensitive }
}

fn spell_out(tree: &mut Ast, case: Case) {
    match tree {
        Ast::ClassPerl(class) => *tree = perl(class),
        Ast::ClassBracketed(class) => set(&mut class.kind, case),
        Ast::Literal(literal) => {
            if let Some(items) = spellings(literal, case) {
                *tree = bracketed(literal.span, false, items);
            }
        }
        Ast::Repetition(repetition) => spell_out(&mut repetition.ast, case),
        Ast::Group(group) => spell_out(&mut group.ast, case),
        Ast::Alternation(alternation) => {
            alternation.asts.iter_mut().for_each(|part| spell_out(part, case));
        }
        Ast::Concat(concat) => concat.asts.iter_mut().for_each(|part| spell_out(part, case)),
        Ast::Empty(_) | Ast::Flags(_) | Ast::Dot(_) | Ast::Assertion(_) | Ast::ClassUnicode(_) => {}
    }
}

/// The members of the ASCII class. Spaces are those of RE2: no vertical tab.
fn members(class: &ClassPerl) -> &'static [(char, char)] {
    match class.kind {
        ClassPerlKind::Digit => &[('0', '9')],
        ClassPerlKind::Space => &[('\t', '\n'), ('\u{c}', '\r'), (' ', ' ')],
        ClassPerlKind::Word => &[('0', '9'), ('A', 'Z'), ('a', 'z'), ('_', '_')],
    }
}

fn perl(class: &ClassPerl) -> Ast {
    let items = members(class).iter().map(|(first, last)| range(class.span, *first, *last));
    bracketed(class.span, class.negated, items.collect())
}

fn set(kind: &mut ClassSet, case: Case) {
    let ClassSet::Item(item) = kind else { return };
    let span = *item.span();
    let items = match std::mem::replace(item, ClassSetItem::Empty(span)) {
        ClassSetItem::Union(union) => union.items,
        item => vec![item],
    };
    let items = items.into_iter().flat_map(|item| members_of(item, case)).collect();
    *item = ClassSetItem::Union(ClassSetUnion { span, items });
}

/// A member of a class, spelt out.
fn members_of(item: ClassSetItem, case: Case) -> Vec<ClassSetItem> {
    match item {
        ClassSetItem::Perl(class) if class.negated => outside(members(&class))
            .map(|(first, last)| range(class.span, first, last))
            .collect(),
        ClassSetItem::Perl(class) => {
            members(&class).iter().map(|(first, last)| range(class.span, *first, *last)).collect()
        }
        ClassSetItem::Literal(literal) => {
            spellings(&literal, case).unwrap_or_else(|| vec![ClassSetItem::Literal(literal)])
        }
        ClassSetItem::Range(bounds) if case == Case::Ignore => folded(&bounds),
        item => vec![item],
    }
}

/// The ranges between and around these, which are in order.
fn outside(ranges: &[(char, char)]) -> impl Iterator<Item = (char, char)> {
    let mut sorted = ranges.to_vec();
    sorted.sort_unstable();
    let next = |c: char| char::from_u32(u32::from(c) + 1);
    let before = |c: char| u32::from(c).checked_sub(1).and_then(char::from_u32);
    let starts = std::iter::once(Some('\0')).chain(sorted.clone().into_iter().map(move |(_, last)| next(last)));
    let ends = sorted.into_iter().map(move |(first, _)| before(first)).chain([Some(char::MAX)]);
    starts.zip(ends).filter_map(|(first, last)| Some((first?, last?))).filter(|(first, last)| first <= last)
}

/// The last letter that has another case.
const LAST_CASED: char = '\u{1e943}';

/// A range with the other spellings of its letters.
fn folded(bounds: &ClassSetRange) -> Vec<ClassSetItem> {
    let (first, last) = (bounds.start.c, bounds.end.c);
    let others = (first..=last.min(LAST_CASED)).flat_map(|c| Case::Ignore.spellings(c));
    let mut others: Vec<char> = others.filter(|c| !(first..=last).contains(c)).collect();
    others.sort_unstable();
    others.dedup();
    let mut ranges: Vec<(char, char)> = vec![(first, last)];
    for c in others {
        match ranges.last_mut() {
            Some((_, end)) if u32::from(*end) + 1 == u32::from(c) => *end = c,
            _ => ranges.push((c, c)),
        }
    }
    ranges.into_iter().map(|(first, last)| range(bounds.span, first, last)).collect()
}

/// The spellings of a letter, if it has several.
fn spellings(literal: &Literal, case: Case) -> Option<Vec<ClassSetItem>> {
    let spellings = case.spellings(literal.c);
    (spellings.len() > 1).then(|| spellings.into_iter().map(|c| range(literal.span, c, c)).collect())
}

fn bracketed(span: Span, negated: bool, items: Vec<ClassSetItem>) -> Ast {
    let kind = ClassSet::Item(ClassSetItem::Union(ClassSetUnion { span, items }));
    Ast::class_bracketed(ClassBracketed { span, negated, kind })
}

fn range(span: Span, first: char, last: char) -> ClassSetItem {
    let (start, end) = (member(span, first), member(span, last));
    if first == last { ClassSetItem::Literal(start) } else { ClassSetItem::Range(ClassSetRange { span, start, end }) }
}

/// A character of a class; a special one with a backslash, so that it stays what it is in every notation.
fn member(span: Span, c: char) -> Literal {
    let special = matches!(c, '\\' | ']' | '[' | '^' | '-' | '&' | '~');
    let control = matches!(c, '\t' | '\n' | '\r' | '\u{c}');
    let kind = match c {
        '\t' => LiteralKind::Special(ast::SpecialLiteralKind::Tab),
        '\n' => LiteralKind::Special(ast::SpecialLiteralKind::LineFeed),
        '\r' => LiteralKind::Special(ast::SpecialLiteralKind::CarriageReturn),
        '\u{c}' => LiteralKind::Special(ast::SpecialLiteralKind::FormFeed),
        _ if special => LiteralKind::Meta,
        _ => LiteralKind::Verbatim,
    };
    debug_assert!(!(special && control), "a character has one notation");
    Literal { span, kind, c }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn exact(written: &str) -> String {
        Regex::new(written).unwrap().exact
    }

    #[test]
    fn classes_and_cases_are_spelt_out() {
        for (written, expected) in [
            ("abc", "abc"),
            (r"a\.b\/[^/]*", r"a\.b\/[^/]*"),
            (r"\d+", "[0-9]+"),
            (r"\D", "[^0-9]"),
            (r"^\w$", "^[0-9A-Za-z_]$"),
            (r"\s", r"[\t-\n\f-\r ]"),
            (r"[\w.\-]", r"[0-9A-Za-z_.\-]"),
            (r"(?i)kim$", "[kK][iI][mM]$"),
            ("(?i)[a-c_]|É", "[a-cA-C_]|[Éé]"),
            ("(?i)1-2", "1-2"),
            ("(?i)", ""),
        ] {
            assert_eq!(exact(written), expected, "{written}");
        }
    }

    /// In a Unicode engine the exact text means what the written one means in an engine of ASCII.
    #[test]
    fn the_meaning_is_that_of_ascii() {
        let values = ["3", "٣", "a", "é", "É", "k", "K", "\u{212a}", "s", "S", "ſ", " ", "\u{a0}", "\t", "\u{b}", "_", "-", "i", "İ", "ı"];
        for written in [r"^\d$", r"^\D$", r"^\w$", r"^\W$", r"^\s$", r"^\S$", r"^[\D_]$", r"^[^\w]$", "(?i)^[^k]$", "(?i)^[j-l]$", "(?i)^s$"] {
            let exact = regex::Regex::new(&exact(written)).unwrap();
            for value in values {
                assert_eq!(exact.is_match(value), meant(written, value), "{written} on {value:?}");
            }
        }
        let fold = regex::Regex::new(&self::exact("(?i)^é$")).unwrap();
        assert!(fold.is_match("É") && !fold.is_match("e"));
    }

    /// What the language says of single characters.
    fn meant(written: &str, value: &str) -> bool {
        let c = value.chars().next().unwrap();
        let (digit, word) = (c.is_ascii_digit(), c.is_ascii_alphanumeric() || c == '_');
        let space = matches!(c, '\t' | '\n' | '\u{c}' | '\r' | ' ');
        match written {
            r"^\d$" => digit,
            r"^\D$" | r"^[\D_]$" => !digit,
            r"^\w$" => word,
            r"^\W$" | r"^[^\w]$" => !word,
            r"^\s$" => space,
            r"^\S$" => !space,
            "(?i)^[^k]$" => !matches!(c, 'k' | 'K'),
            "(?i)^[j-l]$" => matches!(c.to_ascii_lowercase(), 'j'..='l'),
            "(?i)^s$" => matches!(c, 's' | 'S'),
            other => panic!("{other}"),
        }
    }
}
