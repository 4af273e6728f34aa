//! Tests of texts: exact values, wildcard patterns and regular expressions, each by the EQL operator that says exactly
//! that.
//!
//! In: tests of text. Out: the patterns that satisfy them, and a test that holds for a present text.
//! Must not know: missing fields, columns.

use std::borrow::Cow;

use super::Eql;
use super::literal::{self, Frag};
use super::refusal::Refusal;
use super::regex;
use crate::backend::bind::BoundTest;
use crate::backend::truth::{Truth, unique};
use crate::ir::{Case, Pattern, PatternPart, TestKind};

/// Patterns of which the whole text must match one.
#[derive(Debug)]
pub(super) struct Wanted<'a> {
    /// The patterns.
    pub(super) patterns: Vec<Cow<'a, Pattern>>,
    /// How they are compared.
    pub(super) case: Case,
}

impl<'a> Wanted<'a> {
    /// What a test of text wants, and an allowlist of its texts; tests of other kinds want no pattern.
    pub(super) fn of(kind: &'a TestKind, test: &BoundTest<'a, Eql>) -> Self {
        let (patterns, case) = match kind {
            TestKind::Equals { values, case } => {
                let exactly = |value: &crate::ir::Value| Cow::Owned(Pattern::exactly(&value.text()));
                (values.iter().map(exactly).collect(), *case)
            }
            TestKind::Like { pattern, case } => (vec![Cow::Borrowed(pattern)], *case),
            TestKind::Substring { place, text, case } => {
                (vec![Cow::Owned(Pattern::around(*place, text))], *case)
            }
            TestKind::InList { list, case } => {
                let entries = test.list(*list).map(|list| list.by_kind().patterns).unwrap_or_default();
                (entries.into_iter().map(Cow::Borrowed).collect(), *case)
            }
            TestKind::Exists
            | TestKind::Matches { .. }
            | TestKind::InNetworks { .. }
            | TestKind::Order { .. }
            | TestKind::SameAs { .. }
            | TestKind::TextOf { .. }
            | TestKind::Values(_) => (Vec::new(), Case::Sensitive),
        };
        Self { patterns, case }
    }

    /// The one value that is wanted, if that is all and case counts.
    pub(super) fn constant(&self) -> Option<Frag> {
        let [only] = self.patterns.as_slice() else { return None };
        let text = only.literal().filter(|text| self.case == Case::Sensitive && !text.is_empty());
        text.map(literal::string)
    }

    /// The test. `in`, `like` and `regex` take all their values at once.
    pub(super) fn print(&self, name: &Frag) -> Result<Truth<Frag>, Refusal> {
        let (mut exact, mut like, mut regex) = (Vec::new(), Vec::new(), Vec::new());
        for pattern in &self.patterns {
            match operand(pattern, self.case)? {
                Operand::Nothing => {}
                Operand::Exact(text) => exact.push(literal::string(text)),
                Operand::Like(text) => like.push(literal::string(&text)),
                Operand::Regex(text) => regex.push(text),
            }
        }
        let within = match self.case {
            Case::Sensitive => "in",
            Case::Ignore => "in~",
        };
        // Never `regex~`: the expressions spell every case themselves, and `~` folds ASCII letters alone.
        let regex = regex::groups(unique(regex)).into_iter();
        let regex = regex.map(|texts| ("regex", texts.iter().map(|text| literal::string(text)).collect()));
        let groups = [(within, exact), (like_operator(self.case), like)].into_iter().chain(regex);
        let full = groups.filter(|(_, literals): &(_, Vec<_>)| !literals.is_empty());
        Ok(Truth::any(
            full.map(|(operator, literals)| Truth::Test(literal::one_of(name, operator, &unique(literals)))),
        ))
    }
}

/// The operator for patterns.
pub(super) fn like_operator(case: Case) -> &'static str {
    match case {
        Case::Sensitive => "like",
        Case::Ignore => "like~",
    }
}

/// Whether the expression matches somewhere in the text.
pub(super) fn search(name: &Frag, portable: &str) -> Result<Truth<Frag>, Refusal> {
    let found = regex::search(portable).map_err(too_long)?;
    Ok(Truth::Test(literal::one_of(name, "regex", &[literal::string(&found)])))
}

fn too_long(reason: String) -> Refusal {
    Refusal::new(reason, "use `like`, `contains`, `starts_with` or `ends_with`, or a shorter expression")
}

/// What a pattern becomes.
enum Operand<'p> {
    /// It matches no present text.
    Nothing,
    Exact(&'p str),
    Like(String),
    Regex(String),
}

/// Elasticsearch ignores case for ASCII letters only; with others, all spellings go into a regular expression.
fn operand(pattern: &Pattern, case: Case) -> Result<Operand<'_>, Refusal> {
    let is_ascii = |part: &PatternPart| match part {
        PatternPart::Text(text) => text.is_ascii(),
        PatternPart::Any | PatternPart::One => true,
    };
    let by_operator = case == Case::Sensitive || pattern.parts.iter().all(is_ascii);
    Ok(match pattern.literal() {
        Some("") => Operand::Nothing,
        Some(text) if by_operator => Operand::Exact(text),
        _ => match like(pattern).filter(|_| by_operator) {
            Some(text) => Operand::Like(text),
            None => Operand::Regex(regex::pattern(pattern, case).map_err(too_long)?),
        },
    })
}

/// The pattern as `like` writes it. It has no escapes: `*` and `?` are always wildcards, and the `eql` package takes
/// `?` for itself, so a pattern with either goes to a regular expression.
fn like(pattern: &Pattern) -> Option<String> {
    let fits = |part: &PatternPart| match part {
        PatternPart::Any => true,
        PatternPart::One => false,
        PatternPart::Text(text) => !text.contains(NOT_IN_LIKE),
    };
    pattern.parts.iter().all(fits).then(|| with_wildcards(pattern, |c| c))
}

/// The pattern with `*` and `?`, each character of its texts replaced by what `shown` makes of it.
pub(super) fn with_wildcards(pattern: &Pattern, shown: impl Fn(char) -> char) -> String {
    let mut out = String::new();
    for part in &pattern.parts {
        match part {
            PatternPart::Any => out.push('*'),
            PatternPart::One => out.push('?'),
            PatternPart::Text(text) => out.extend(text.chars().map(&shown)),
        }
    }
    out
}

/// Characters that `like` cannot have as themselves; Elasticsearch uses U+0001 to rewrite it.
pub(super) const NOT_IN_LIKE: [char; 3] = ['*', '?', '\u{1}'];
