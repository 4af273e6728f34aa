//! Regular expressions with one meaning: that of ASCII.
//!
//! In: an expression of the portable subset. Out: the same in a notation that engines of Unicode and of ASCII read
//! alike. Must not know: which expressions are portable, engines, targets.
//!
//! Engines disagree about `\d`, `\w`, `\s` beyond ASCII, and about the letters that `(?i)` folds into ASCII: to Rust
//! and Kusto `٣` is a digit and the Kelvin sign a `k`, to PCRE and Lucene they are not. So classes are spelt out, and
//! letters are listed in the spellings that `=~` takes for equal.

use regex_syntax::ast::{
    self, Ast, ClassBracketed, ClassPerl, ClassPerlKind, ClassSet, ClassSetItem, ClassSetRange,
    ClassSetUnion, Flag, FlagsItem, FlagsItemKind, Literal, LiteralKind, Span,
};
use regex_syntax::hir::{ClassUnicode, ClassUnicodeRange, Look};
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

    /// The least number of bytes of a text that it can match.
    #[must_use]
    pub fn shortest_match(&self) -> usize {
        regex_syntax::parse(&self.exact).ok().and_then(|hir| hir.properties().minimum_len()).unwrap_or(0)
    }
}

impl Regex {
    /// The expression for texts that may have one of `behind` at their end; nothing if it looks at the end in another
    /// way than by a `$` at its own. What stands behind may be matched as well.
    #[must_use]
    pub fn before(&self, behind: &[String]) -> Option<Self> {
        let looks_at_end = |written: &str| {
            let looks = regex_syntax::parse(written).map(|hir| hir.properties().look_set());
            looks.map_or(true, |looks| {
                looks.contains(Look::End) || looks.contains(Look::EndLF) || looks.contains_word()
            })
        };
        if !looks_at_end(&self.written) {
            return Some(self.clone());
        }
        let open = self.written.strip_suffix('$')?;
        // With alternatives the `$` is that of the last one.
        let is_one =
            matches!(ast::parse::Parser::new().parse(open), Ok(tree) if !matches!(tree, Ast::Alternation(_)));
        if !is_one || looks_at_end(open) {
            return None;
        }
        let behind: Vec<_> = behind.iter().map(|text| regex_syntax::escape(text)).collect();
        Self::new(&format!("{open}(?:{})?$", behind.join("|")))
    }
}

impl Serialize for Regex {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.written)
    }
}

/// Takes `(?i)` away from the beginning. It holds for all alternatives, though it stands in the first one. Other flags
/// stay where they are.
#[must_use]
pub fn take_case(tree: &mut Ast) -> Case {
    match tree {
        Ast::Alternation(alternation) => alternation.asts.first_mut().map_or(Case::Sensitive, take_case),
        Ast::Concat(concat) => concat.asts.first_mut().map_or(Case::Sensitive, take_case),
        Ast::Flags(flags) => {
            let [FlagsItem { kind: FlagsItemKind::Flag(Flag::CaseInsensitive), .. }] =
                flags.flags.items.as_slice()
            else {
                return Case::Sensitive;
            };
            *tree = Ast::empty(flags.span);
            Case::Ignore
        }
        Ast::Empty(_)
        | Ast::Literal(_)
        | Ast::Dot(_)
        | Ast::Assertion(_)
        | Ast::ClassUnicode(_)
        | Ast::ClassPerl(_)
        | Ast::ClassBracketed(_)
        | Ast::Repetition(_)
        | Ast::Group(_) => Case::Sensitive,
    }
}

fn spell_out(tree: &mut Ast, case: Case) {
    match tree {
        Ast::ClassPerl(class) => *tree = perl(class),
        Ast::ClassBracketed(bracketed) => {
            class(bracketed, case);
            // What is left would be `[^]`, an error to some engines and to others a class that begins with `]`.
            if is_any(bracketed)
                && let Ok(any) = ast::parse::Parser::new().parse("(?s:.)")
            {
                *tree = any;
            }
        }
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

/// The members of the ASCII class. Spaces are those of PCRE's and Rust's ASCII: the vertical tab is among them.
fn members(class: &ClassPerl) -> &'static [(char, char)] {
    match class.kind {
        ClassPerlKind::Digit => &[('0', '9')],
        ClassPerlKind::Space => &[('\t', '\r'), (' ', ' ')],
        ClassPerlKind::Word => &[('0', '9'), ('A', 'Z'), ('a', 'z'), ('_', '_')],
    }
}

fn perl(class: &ClassPerl) -> Ast {
    let items = members(class).iter().map(|(first, last)| range(class.span, *first, *last));
    bracketed(class.span, class.negated, items.collect())
}

fn class(class: &mut ClassBracketed, case: Case) {
    let ClassSet::Item(item) = &mut class.kind else { return };
    let span = *item.span();
    let items = match std::mem::replace(item, ClassSetItem::Empty(span)) {
        ClassSetItem::Union(union) => union.items,
        item @ (ClassSetItem::Empty(_)
        | ClassSetItem::Literal(_)
        | ClassSetItem::Range(_)
        | ClassSetItem::Ascii(_)
        | ClassSetItem::Unicode(_)
        | ClassSetItem::Perl(_)
        | ClassSetItem::Bracketed(_)) => vec![item],
    };
    let has_opposite = items.iter().any(|item| matches!(item, ClassSetItem::Perl(perl) if perl.negated));
    let mut items: Vec<_> = items.into_iter().flat_map(|item| members_of(item, case)).collect();
    if has_opposite {
        // Most of Unicode is in it or outside it: the smaller part says which.
        let all = items.iter().filter_map(bounds).map(|(first, last)| ClassUnicodeRange::new(first, last));
        let mut all = ClassUnicode::new(all);
        if all.ranges().last().is_some_and(|range| range.end() == char::MAX) {
            all.negate();
            class.negated = !class.negated;
        }
        items = all.ranges().iter().map(|found| range(span, found.start(), found.end())).collect();
    }
    class.kind = ClassSet::Item(ClassSetItem::Union(ClassSetUnion { span, items }));
}

/// Whether it is `[\d\D]` or the like: what is outside was found to be nothing.
fn is_any(class: &ClassBracketed) -> bool {
    let ClassSet::Item(ClassSetItem::Union(union)) = &class.kind else { return false };
    class.negated && union.items.is_empty()
}

fn bounds(item: &ClassSetItem) -> Option<(char, char)> {
    match item {
        ClassSetItem::Literal(literal) => Some((literal.c, literal.c)),
        ClassSetItem::Range(range) => Some((range.start.c, range.end.c)),
        ClassSetItem::Empty(_)
        | ClassSetItem::Ascii(_)
        | ClassSetItem::Unicode(_)
        | ClassSetItem::Perl(_)
        | ClassSetItem::Bracketed(_)
        | ClassSetItem::Union(_) => None,
    }
}

/// A member of a class, spelt out.
fn members_of(item: ClassSetItem, case: Case) -> Vec<ClassSetItem> {
    match item {
        ClassSetItem::Perl(perl) => {
            let ranges = members(&perl).iter().map(|(first, last)| ClassUnicodeRange::new(*first, *last));
            let mut found = ClassUnicode::new(ranges.collect::<Vec<_>>());
            if perl.negated {
                found.negate();
                return found.ranges().iter().map(|one| range(perl.span, one.start(), one.end())).collect();
            }
            members(&perl).iter().map(|(first, last)| range(perl.span, *first, *last)).collect()
        }
        ClassSetItem::Literal(literal) => {
            spellings(&literal, case).unwrap_or_else(|| vec![ClassSetItem::Literal(literal)])
        }
        ClassSetItem::Range(bounds) if case == Case::Ignore => folded(&bounds),
        item @ (ClassSetItem::Range(_)
        | ClassSetItem::Empty(_)
        | ClassSetItem::Ascii(_)
        | ClassSetItem::Unicode(_)
        | ClassSetItem::Bracketed(_)
        | ClassSetItem::Union(_)) => vec![item],
    }
}

/// The last letter that has another case.
const LAST_CASED: char = '\u{1e943}';

/// A range with the other spellings of its letters.
fn folded(bounds: &ClassSetRange) -> Vec<ClassSetItem> {
    let (first, last) = (bounds.start.c, bounds.end.c);
    // A range up to the end of Unicode is not walked through: nothing past this has another case.
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
    if first == last {
        ClassSetItem::Literal(start)
    } else {
        ClassSetItem::Range(ClassSetRange { span, start, end })
    }
}

/// A character of a class; a special one with a backslash, so that it stays what it is in every notation.
fn member(span: Span, c: char) -> Literal {
    let kind = match c {
        '\t' => LiteralKind::Special(ast::SpecialLiteralKind::Tab),
        '\n' => LiteralKind::Special(ast::SpecialLiteralKind::LineFeed),
        '\r' => LiteralKind::Special(ast::SpecialLiteralKind::CarriageReturn),
        '\u{c}' => LiteralKind::Special(ast::SpecialLiteralKind::FormFeed),
        // `&&` and `~~` are operations on classes to Rust.
        '\\' | ']' | '[' | '^' | '-' | '&' | '~' => LiteralKind::Meta,
        _ => LiteralKind::Verbatim,
    };
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
            (r"\s", r"[\t-\r ]"),
            (r"[^\W_]", "[0-9A-Za-z]"),
            (r"[\D.]", "[^0-9]"),
            (r"[^\S\t]", r"[\n-\r ]"),
            (r"a[\s\S]*b", "a(?s:.)*b"),
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
        let values = [
            "3", "٣", "a", "é", "É", "k", "K", "\u{212a}", "s", "S", "ſ", " ", "\u{a0}", "\t", "\u{b}", "_",
            "-", "i", "İ", "ı",
        ];
        for written in [
            r"^\d$",
            r"^\D$",
            r"^\w$",
            r"^\W$",
            r"^\s$",
            r"^\S$",
            r"^[\D_]$",
            r"^[^\w]$",
            "(?i)^[^k]$",
            "(?i)^[j-l]$",
            "(?i)^s$",
        ] {
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
        let space = matches!(c, '\t'..='\r' | ' ');
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
