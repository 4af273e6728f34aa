//! Regular expressions: the subset that every target's engine reads in the same way.
//!
//! In: the text after `matches`. Out: what is not portable in it, with its place; whether it matches every value.
//! Must not know: fields, targets. The subset is documented in `docs/errors/E0508.md`.

use std::ops::Range;

use regex_syntax::ast::{
    self, AssertionKind, Ast, ClassSet, ClassSetItem, GroupKind, HexLiteralKind, Literal, LiteralKind,
    RepetitionKind, RepetitionRange, Span, SpecialLiteralKind,
};
use regex_syntax::hir::{Look, translate::Translator};

use crate::ir::take_case;

/// The most repetitions, nested ones multiplied (the limit of RE2).
const MOST_REPETITIONS: u32 = 1_000;
/// The longest expression, in bytes.
const LONGEST: usize = 4_096;
/// How deep groups may nest.
const DEPTH: u32 = 64;

/// Something that is wrong with an expression.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Problem {
    /// Bytes in the expression.
    pub(super) range: Range<usize>,
    /// Whether the expression is well formed, only not portable.
    pub(super) readable: bool,
    /// What this is.
    pub(super) label: String,
    /// What to write instead.
    pub(super) help: &'static str,
}

/// What is known about a portable expression.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Facts {
    /// It finds a match in every value.
    pub(super) matches_everything: bool,
}

/// Checks an expression.
pub(super) fn check(regex: &str) -> Result<Facts, Vec<Problem>> {
    if regex.len() > LONGEST {
        let label = format!("{} bytes, the limit is {LONGEST}", regex.len());
        let help = "split the condition, or move the values into an allowlist";
        return Err(vec![Problem { range: 0..regex.len(), readable: true, label, help }]);
    }
    // The walk below calls itself once a level; the limit keeps a hostile expression from ending the program.
    // `{,n}` is read so that it can be named.
    let mut parser = ast::parse::ParserBuilder::new().nest_limit(DEPTH).empty_min_range(true).build();
    let parsed = parser.parse(regex);
    let mut tree = parsed.map_err(|error| vec![unreadable(&error)])?;
    // What is asked of it below does not depend on case.
    let _ = take_case(&mut tree);
    let mut found = Portability { regex, problems: Vec::new() };
    found.node(&tree, 1);
    if !found.problems.is_empty() {
        return Err(found.problems);
    }
    let hir = Translator::new().translate(regex, &tree).map_err(|error| {
        vec![Problem {
            range: bytes(error.span()),
            readable: false,
            label: error.kind().to_string(),
            help: "correct the expression",
        }]
    })?;
    // Such as `[^\d\D]`: well formed, portable, and false for every value.
    if hir.properties().minimum_len().is_none() {
        let help = "remove the class that no character is in";
        return Err(vec![Problem {
            range: 0..regex.len(),
            readable: false,
            label: "it matches nothing".to_owned(),
            help,
        }]);
    }
    let looks = hir.properties().look_set();
    // `^` holds before the first character of every value and `$` behind the last, but not both at one place: `^a*`
    // matches every value, `^a*$` does not.
    let one_sided =
        looks.iter().all(|look| look == Look::Start) || looks.iter().all(|look| look == Look::End);
    Ok(Facts { matches_everything: hir.properties().minimum_len() == Some(0) && one_sided })
}

/// Why an expression is not in the language, if it is not.
#[must_use]
pub fn not_portable(regex: &str) -> Option<String> {
    let problems = check(regex).err()?;
    Some(problems.into_iter().next().map_or(String::new(), |problem| problem.label))
}

fn bytes(span: &Span) -> Range<usize> {
    span.start.offset..span.end.offset
}

fn unreadable(error: &ast::Error) -> Problem {
    let kind = error.kind();
    let (readable, label, help) = if *kind == ast::ErrorKind::UnsupportedLookAround {
        (true, "look-around".to_owned(), "join two conditions with `and` or `and not` instead")
    } else if *kind == ast::ErrorKind::UnsupportedBackreference {
        (true, "a back-reference".to_owned(), "compare two fields with `==`, or list the alternatives")
    } else {
        (false, kind.to_string(), "escape a special character with `\\` to match it literally")
    };
    Problem { range: bytes(error.span()), readable, label, help }
}

struct Portability<'r> {
    regex: &'r str,
    problems: Vec<Problem>,
}

impl Portability<'_> {
    fn refuse(&mut self, span: &Span, label: impl Into<String>, help: &'static str) {
        self.problems.push(Problem { range: bytes(span), readable: true, label: label.into(), help });
    }

    fn node(&mut self, tree: &Ast, repeated: u32) {
        match tree {
            Ast::Empty(_) | Ast::Dot(_) | Ast::ClassPerl(_) => {}
            Ast::Flags(flags) => self.refuse(
                &flags.span,
                "flags that are not portable here",
                "only `(?i)` at the very start is portable",
            ),
            Ast::Literal(literal) => self.literal(literal),
            Ast::Assertion(assertion) => match assertion.kind {
                AssertionKind::StartLine | AssertionKind::EndLine => {}
                AssertionKind::StartText
                | AssertionKind::EndText
                | AssertionKind::WordBoundary
                | AssertionKind::NotWordBoundary
                | AssertionKind::WordBoundaryStart
                | AssertionKind::WordBoundaryEnd
                | AssertionKind::WordBoundaryStartAngle
                | AssertionKind::WordBoundaryEndAngle
                | AssertionKind::WordBoundaryStartHalf
                | AssertionKind::WordBoundaryEndHalf => self.refuse(
                    &assertion.span,
                    "an assertion that not every engine has",
                    "use `^` and `$`; for a word boundary, `(^|[^A-Za-z0-9_])` and `($|[^A-Za-z0-9_])`",
                ),
            },
            Ast::ClassUnicode(class) => {
                self.refuse(&class.span, "a Unicode class", "list the characters: `[A-Za-z]`");
            }
            Ast::ClassBracketed(class) => self.set(&class.kind),
            Ast::Repetition(repetition) => self.repetition(repetition, repeated),
            Ast::Group(group) => self.group(group, repeated),
            Ast::Alternation(all) => all.asts.iter().for_each(|part| self.node(part, repeated)),
            Ast::Concat(all) => all.asts.iter().for_each(|part| self.node(part, repeated)),
        }
    }

    fn group(&mut self, group: &ast::Group, repeated: u32) {
        match &group.kind {
            GroupKind::CaptureIndex(_) => {}
            // Refused although it does not change what matches: engines spell it differently, `(?<n>…)` or `(?P<n>…)`.
            GroupKind::CaptureName { name, .. } => {
                self.refuse(&name.span, "a named group", "names are not needed: write `(…)`");
            }
            GroupKind::NonCapturing(flags) if flags.items.is_empty() => {}
            GroupKind::NonCapturing(flags) => self.refuse(
                &flags.span,
                "flags for part of the expression",
                "only `(?i)` at the very start is portable; list both cases: `[aA]`",
            ),
        }
        self.node(&group.ast, repeated);
    }

    fn repetition(&mut self, repetition: &ast::Repetition, repeated: u32) {
        let span = &repetition.op.span;
        if !repetition.greedy {
            self.refuse(
                span,
                "a lazy repetition",
                "remove the `?`: it does not change whether there is a match",
            );
        }
        if matches!(*repetition.ast, Ast::Repetition(_)) {
            self.refuse(
                span,
                "a repetition of a repetition",
                "some engines read this as possessive; use a group",
            );
        }
        if self.regex.get(bytes(span)).is_some_and(|text| text.starts_with("{,")) {
            self.refuse(span, "a range without a start", "write `{0,n}`: some engines take `{,n}` for text");
        }
        // `{0}` counts as one: a product of 0 would hide what is counted inside it.
        let most = match &repetition.op.kind {
            RepetitionKind::ZeroOrOne | RepetitionKind::ZeroOrMore | RepetitionKind::OneOrMore => 1,
            RepetitionKind::Range(
                RepetitionRange::Exactly(most)
                | RepetitionRange::AtLeast(most)
                | RepetitionRange::Bounded(_, most),
            ) => (*most).max(1),
        };
        let product = repeated.saturating_mul(most);
        if product > MOST_REPETITIONS {
            self.refuse(
                span,
                format!("up to {product} repetitions"),
                "keep counts, multiplied, at or below 1000",
            );
        }
        // Counts inside are not to blame for a product that has been refused.
        self.node(&repetition.ast, if product > MOST_REPETITIONS { 1 } else { product });
    }

    fn literal(&mut self, literal: &Literal) {
        let help = "write the character itself";
        match &literal.kind {
            LiteralKind::Verbatim | LiteralKind::Meta | LiteralKind::Superfluous => {}
            LiteralKind::Special(kind) => match kind {
                SpecialLiteralKind::Tab
                | SpecialLiteralKind::LineFeed
                | SpecialLiteralKind::CarriageReturn => {}
                SpecialLiteralKind::Bell
                | SpecialLiteralKind::FormFeed
                | SpecialLiteralKind::VerticalTab
                | SpecialLiteralKind::Space => {
                    self.refuse(&literal.span, "an escape that is not portable", help);
                }
            },
            // Two hexadecimal digits past `7f` are a character to one engine and a byte to another.
            LiteralKind::HexFixed(HexLiteralKind::X) if literal.c.is_ascii() => {}
            LiteralKind::Octal | LiteralKind::HexFixed(_) | LiteralKind::HexBrace(_) => {
                self.refuse(&literal.span, "an escape that is not portable", help);
            }
        }
    }

    fn set(&mut self, set: &ClassSet) {
        match set {
            ClassSet::Item(item) => self.item(item),
            ClassSet::BinaryOp(op) => {
                self.refuse(
                    &op.span,
                    "a set operation on character classes",
                    "list the characters, or escape the signs",
                );
            }
        }
    }

    fn item(&mut self, item: &ClassSetItem) {
        match item {
            ClassSetItem::Empty(_) | ClassSetItem::Perl(_) => {}
            ClassSetItem::Literal(literal) => self.literal(literal),
            ClassSetItem::Range(range) => {
                self.literal(&range.start);
                self.literal(&range.end);
            }
            ClassSetItem::Ascii(class) => {
                self.refuse(&class.span, "a POSIX class", "list the characters: `[A-Za-z0-9]`");
            }
            ClassSetItem::Unicode(class) => {
                self.refuse(&class.span, "a Unicode class", "list the characters: `[A-Za-z]`");
            }
            ClassSetItem::Bracketed(class) => {
                self.refuse(&class.span, "a class inside a class", "write `\\[` for the bracket itself");
            }
            ClassSetItem::Union(union) => union.items.iter().for_each(|item| self.item(item)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_portable_subset_is_accepted() {
        for regex in [
            "abc",
            "^arn:aws:iam::[0-9]{12}:role/(dev|ops)-.*$",
            "(?i)powershell",
            "(?i)^powershell|^pwsh",
            "(?:a|b)+",
            r"\d{1,3}\.\d{1,3}",
            r"[\w.\-]+@[^@\s]+",
            r"a\/b\%",
            "é",
            r"\x41",
            "",
        ] {
            assert!(check(regex).is_ok(), "{regex}: {:?}", check(regex));
        }
    }

    #[test]
    fn the_rest_is_refused() {
        for (regex, label) in [
            ("a(?=b)", "look-around"),
            (r"(a)\1", "a back-reference"),
            (r"\pL", "a Unicode class"),
            ("(?P<n>a)", "a named group"),
            ("a(?i)b", "flags that are not portable here"),
            ("(?m)^a", "flags that are not portable here"),
            ("(?i:a)", "flags for part of the expression"),
            ("a+?", "a lazy repetition"),
            ("a{2000}", "up to 2000 repetitions"),
            ("(a{100}){100}", "up to 10000 repetitions"),
            (r"\bword", "an assertion that not every engine has"),
            ("[[:alpha:]]", "a POSIX class"),
            ("[a[b]]", "a class inside a class"),
            ("[a&&b]", "a set operation on character classes"),
            (r"\x{41}", "an escape that is not portable"),
            ("a++", "a repetition of a repetition"),
            ("a{,5}", "a range without a start"),
            ("(ab){,5}c", "a range without a start"),
        ] {
            let problems = check(regex).unwrap_err();
            assert_eq!(
                problems.first().map(|p| (p.readable, p.label.as_str())),
                Some((true, label)),
                "{regex}"
            );
        }
        for regex in ["(", "[a", "a{2", "*", r"\", "a)", r"a[^\d\D]"] {
            assert!(check(regex).unwrap_err().iter().all(|problem| !problem.readable), "{regex}");
        }
    }

    #[test]
    fn a_product_of_counts_is_refused_once() {
        for (regex, labels) in [
            ("((a{2}){600}){2}", &["up to 1200 repetitions"][..]),
            ("(((a{2}){2}){2}){500}", &["up to 2000 repetitions"]),
            ("((a{2}){2}){2000}", &["up to 2000 repetitions"]),
            ("(a{1000}){1000}", &["up to 1000000 repetitions"]),
            ("(a{2000}){3000}", &["up to 3000 repetitions", "up to 2000 repetitions"]),
            ("(a{40}){40}(b{50}){50}", &["up to 1600 repetitions", "up to 2500 repetitions"]),
        ] {
            let problems = check(regex).unwrap_err();
            assert_eq!(
                problems.iter().map(|problem| problem.label.as_str()).collect::<Vec<_>>(),
                labels,
                "{regex}"
            );
        }
    }

    #[test]
    fn expressions_that_match_everything_are_seen() {
        for regex in ["", "a*", ".*", "^", "$", "^.*", "a?$", "(a|)"] {
            assert!(check(regex).unwrap().matches_everything, "{regex}");
        }
        for regex in ["^a*$", "a", ".", "^$"] {
            assert!(!check(regex).unwrap().matches_everything, "{regex}");
        }
    }

    #[test]
    fn deep_nesting_is_an_error() {
        assert!(check(&"(".repeat(4_000)).is_err());
        assert!(check(&format!("{}a{}", "(".repeat(1_000), ")".repeat(1_000))).is_err());
    }
}
