//! Regular expressions in the syntax of each engine: RE2 in `DuckDB`, Java's in Spark, Joni or RE2/J in Trino.
//!
//! In: portable expressions, wildcard patterns. Out: the text of an expression. Must not know: fields, SQL.
//!
//! A portable expression is written out from its meaning, classes as ranges, so that what `.`, `$`, `\d` or `(?i)` mean
//! to an engine does not matter.

use std::fmt::Write as _;

use regex_syntax::hir::{Class, Hir, HirKind, Look, Repetition};

use super::dialect;
use crate::backend::SqlDialect;
use crate::ir::{Case, PatternPart, Regex};

/// The expression of a wildcard pattern over whole texts, each letter in all its spellings.
pub(super) fn wildcards(dialect: SqlDialect, parts: &[PatternPart], case: Case) -> String {
    let mut out = String::from("^");
    for part in parts {
        match part {
            PatternPart::Any => out.push_str("(?s:.)*"),
            PatternPart::One => out.push_str("(?s:.)"),
            PatternPart::Text(text) => text.chars().for_each(|c| spelled(&mut out, c, case)),
        }
    }
    out.push_str(dialect::end_of_text(dialect));
    out
}

fn spelled(out: &mut String, c: char, case: Case) {
    match case.spellings(c).as_slice() {
        [_] => character(out, c),
        // Only letters have several spellings, so nothing in here needs an escape.
        several => out.extend(['['].into_iter().chain(several.iter().copied()).chain([']'])),
    }
}

/// A character as itself. Whatever is not a letter or digit of ASCII stands by its number: no engine reads that
/// otherwise.
fn character(out: &mut String, c: char) {
    if c.is_ascii_alphanumeric()
        || (!c.is_ascii() && c.is_alphanumeric())
        || matches!(c, ' ' | '_' | '/' | ':' | '-' | '@')
    {
        out.push(c);
    } else if c.is_ascii_punctuation() {
        out.extend(['\\', c]);
    } else {
        code_point(out, c);
    }
}

fn code_point(out: &mut String, c: char) {
    // Writing to a `String` cannot fail.
    let _ = write!(out, "\\x{{{:x}}}", u32::from(c));
}

/// A portable expression.
pub(super) fn portable(dialect: SqlDialect, regex: &Regex) -> String {
    match (dialect, regex_syntax::parse(regex.exact())) {
        // RE2 reads the portable subset as the engine does.
        (SqlDialect::DuckDb, _) | (_, Err(_)) => regex.exact().to_owned(),
        (SqlDialect::Spark | SqlDialect::Trino, Ok(hir)) => {
            let mut out = String::new();
            print(&mut out, &hir);
            out
        }
    }
}

fn print(out: &mut String, hir: &Hir) {
    match hir.kind() {
        HirKind::Empty => {}
        HirKind::Literal(literal) => {
            String::from_utf8_lossy(&literal.0).chars().for_each(|c| character(out, c));
        }
        HirKind::Class(class) => print_class(out, class),
        HirKind::Look(Look::Start) => out.push_str("\\A"),
        HirKind::Look(Look::End) => out.push_str("\\z"),
        // The portable subset has no others.
        HirKind::Look(_) => out.push_str("(?!)"),
        HirKind::Repetition(repetition) => {
            grouped(out, &repetition.sub);
            times(out, repetition);
        }
        HirKind::Capture(capture) => grouped(out, &capture.sub),
        HirKind::Concat(parts) => parts.iter().for_each(|part| print(out, part)),
        HirKind::Alternation(parts) => {
            out.push_str("(?:");
            for (index, part) in parts.iter().enumerate() {
                out.push_str(if index > 0 { "|" } else { "" });
                print(out, part);
            }
            out.push(')');
        }
    }
}

fn grouped(out: &mut String, hir: &Hir) {
    out.push_str("(?:");
    print(out, hir);
    out.push(')');
}

fn times(out: &mut String, Repetition { min, max, .. }: &Repetition) {
    let _ = match (min, max) {
        (0, None) => write!(out, "*"),
        (1, None) => write!(out, "+"),
        (0, Some(1)) => write!(out, "?"),
        (min, None) => write!(out, "{{{min},}}"),
        (min, Some(max)) if min == max => write!(out, "{{{min}}}"),
        (min, Some(max)) => write!(out, "{{{min},{max}}}"),
    };
}

fn print_class(out: &mut String, class: &Class) {
    let Class::Unicode(class) = class else { return out.push_str("(?!)") };
    if class.ranges().is_empty() {
        return out.push_str("(?!)");
    }
    out.push('[');
    for range in class.ranges() {
        in_class(out, range.start());
        if range.start() != range.end() {
            out.push('-');
            in_class(out, range.end());
        }
    }
    out.push(']');
}

fn in_class(out: &mut String, c: char) {
    if c.is_ascii_alphanumeric() { out.push(c) } else { code_point(out, c) }
}
