//! Tests of text: wildcard patterns, substrings, regular expressions.
//!
//! In: a comparison whose field is a string. Out: the test of the IR.
//! Must not know: other types.

use crate::diag::{Code, Diagnostic};
use crate::ir::{Pattern, Place, TestKind};
use crate::source::Span;
use crate::syntax::ast::{Literal, LiteralKind};

use super::names::Scope;
use super::predicates::Comparison;
use super::regex;
use super::values;

/// `like`.
pub(super) fn like(compare: &Comparison, scope: &mut Scope<'_, '_>, literal: &Literal) -> Option<TestKind> {
    let text = compare.text(scope, literal)?;
    let pattern = match Pattern::parse(&text) {
        Ok(pattern) => pattern,
        Err(at) => {
            let span = inside(scope, literal, at..at + 1);
            let found = Diagnostic::new(Code::BadPattern, span, "a backslash escapes nothing here")
                .label("only `\\*`, `\\?` and `\\\\` are escapes of a pattern")
                .help("write `\\\\` in the pattern for one backslash; in `\"…\"` each of them is doubled once more");
            scope.report(found);
            return None;
        }
    };
    if pattern.matches_everything() {
        let found =
            Diagnostic::new(Code::MatchesEverything, literal.span, "this pattern matches every value")
                .label("holds whenever the field is present")
                .help(format!("write `exists({})`, or a narrower pattern", compare.field.name));
        scope.report(found);
    }
    if let Some(text) = pattern.literal() {
        values::within_values(scope, compare.step, &compare.field.name, text, compare.case(), literal.span);
    }
    Some(TestKind::Like { pattern, case: compare.case() })
}

/// `contains`, `starts_with`, `ends_with`.
pub(super) fn substring(
    compare: &Comparison,
    scope: &mut Scope<'_, '_>,
    literal: &Literal,
    place: Place,
) -> Option<TestKind> {
    let text = compare.text(scope, literal)?;
    Some(TestKind::Substring { place, text, case: compare.case() })
}

/// `matches`.
pub(super) fn matches(
    compare: &Comparison,
    scope: &mut Scope<'_, '_>,
    literal: &Literal,
) -> Option<TestKind> {
    let regex = compare.text(scope, literal)?;
    match regex::check(&regex) {
        Ok(facts) => {
            if facts.matches_everything {
                let title = "this expression finds a match in every value";
                let found = Diagnostic::new(Code::MatchesEverything, literal.span, title)
                    .label("holds whenever the field is present")
                    .help(format!(
                        "write `exists({})`, or an expression that asks for something",
                        compare.field.name
                    ));
                scope.report(found);
            }
            Some(TestKind::Matches { regex })
        }
        Err(problems) => {
            for problem in problems {
                let (code, title) = if problem.readable {
                    (Code::RegexNotPortable, "not every engine can run this expression")
                } else {
                    (Code::BadRegex, "this regular expression cannot be read")
                };
                let span = inside(scope, literal, problem.range);
                scope.report(Diagnostic::new(code, span, title).label(problem.label).help(problem.help));
            }
            None
        }
    }
}

/// The place of a part of a string literal; the whole literal where escapes or a parameter stand between.
fn inside(scope: &Scope<'_, '_>, literal: &Literal, range: std::ops::Range<usize>) -> Span {
    let LiteralKind::Str(text) = &literal.kind else { return literal.span };
    let written = scope.sources.snippet(literal.span);
    let head = if written.starts_with("r\"") { 2 } else { 1 };
    let body = written.get(head..written.len().saturating_sub(1));
    if body != Some(text) || text.get(range.clone()).is_none() {
        return literal.span;
    }
    let start = literal.span.start as usize + head + range.start;
    // A problem at the very end has no characters of its own; point at the last one.
    let end = start + range.len().max(1);
    Span::new(literal.span.file, start, end.min(literal.span.end as usize))
}
