//! Tests of text: wildcard patterns, substrings, regular expressions.
//!
//! In: a comparison whose field is a string. Out: the test of the IR.
//! Must not know: other types.

use crate::diag::{Code, Diagnostic, Fix};
use crate::ir::{Pattern, Place, Regex, TestKind};
use crate::source::Span;
use crate::syntax::ast::{Literal, LiteralKind};

use super::comparison::Comparison;
use super::glob;
use super::names::Names;
use super::regex;
use super::sink::Sink;

/// `like`.
pub(super) fn like(
    compare: &Comparison<'_>,
    names: &Names<'_>,
    sink: &mut Sink,
    literal: &Literal,
) -> Option<TestKind> {
    let text = compare.text(names, sink, literal)?;
    let pattern = match Pattern::parse(&text) {
        Ok(pattern) => pattern,
        Err(at) => {
            let span = inside(names, literal, at..at + 1);
            let found = Diagnostic::new(Code::BadPattern, span, "invalid escape in a pattern")
                .label("only `\\*`, `\\?` and `\\\\` are valid escapes in a pattern")
                .help("write a backslash in a pattern as `\\\\`, which a `\"…\"` string doubles again");
            sink.report(found);
            return None;
        }
    };
    if let Some(text) = pattern.literal() {
        compare.among_values(sink, text, literal.span);
    }
    Some(TestKind::Like { pattern, case: compare.case() })
}

/// `contains`, `starts_with`, `ends_with`.
pub(super) fn substring(
    compare: &Comparison<'_>,
    names: &Names<'_>,
    sink: &mut Sink,
    literal: &Literal,
    place: Place,
) -> Option<TestKind> {
    let text = compare.text(names, sink, literal)?;
    Some(TestKind::Substring { place, text, case: compare.case() })
}

/// `matches`.
pub(super) fn matches(
    compare: &Comparison<'_>,
    names: &Names<'_>,
    sink: &mut Sink,
    literal: &Literal,
) -> Option<TestKind> {
    let regex = compare.text(names, sink, literal)?;
    match regex::check(&regex) {
        // That it matches everything is a lint's to say: the rule is right, if pointless.
        Ok(_) if compare.folds => Some(TestKind::Matches { regex: Regex::new(&format!("(?i){regex}"))? }),
        Ok(_) => Some(TestKind::Matches { regex: Regex::new(&regex)? }),
        // One finding with the operator that was meant, in place of the parser's complaint about a `*` with nothing
        // before it.
        Err(_) if glob::is_meant_by(&regex) => {
            sink.report(wildcards(compare, names, literal));
            None
        }
        Err(problems) => {
            for problem in problems {
                let (code, title) = if problem.readable {
                    (Code::RegexNotPortable, "this expression is not portable across engines")
                } else {
                    (Code::BadRegex, "invalid regular expression")
                };
                let span = inside(names, literal, problem.range);
                sink.report(Diagnostic::new(code, span, title).label(problem.label).help(problem.help));
            }
            None
        }
    }
}

/// The finding for a wildcard pattern that is no regular expression.
fn wildcards(compare: &Comparison<'_>, names: &Names<'_>, literal: &Literal) -> Diagnostic {
    let mut found =
        Diagnostic::new(Code::BadRegex, literal.span, "a wildcard pattern is not a regular expression")
            .label("`*` repeats the character before it, and there is none")
            .help("`like` takes wildcards; in a regular expression any text is `.*`");
    let not = if compare.op.negated { "not " } else { "" };
    let written = names.unit.sources.snippet(literal.span);
    found.fix =
        Some(Fix { span: compare.op_span.to(literal.span), replacement: format!("{not}like {written}") });
    found
}

/// The place of a part of a string literal; the whole literal where escapes or a parameter stand between.
fn inside(names: &Names<'_>, literal: &Literal, range: std::ops::Range<usize>) -> Span {
    let LiteralKind::Str(text) = &literal.kind else { return literal.span };
    let written = names.unit.sources.snippet(literal.span);
    let head = if written.starts_with("r\"") { 2 } else { 1 };
    let body = written.get(head..written.len().saturating_sub(1));
    // With an escape in the literal, offsets of the text and of the file part company.
    if body != Some(text) || text.get(range.clone()).is_none() {
        return literal.span;
    }
    let start = literal.span.start as usize + head + range.start;
    // A problem at the very end has no characters of its own; point at the last one.
    let end = start + range.len().max(1);
    Span::new(literal.span.file, start, end.min(literal.span.end as usize))
}
