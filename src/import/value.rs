//! Values, wildcards and regular expressions on their way into the rule language.
//!
//! In: texts in another notation. Out: patterns, tests, portable expressions, or why there is none. Must not know:
//! fields.

use crate::check::not_portable;
use crate::ir::{Pattern, PatternPart, Place};
use crate::source::Span;

use super::expr::{Expr, Test, joined};

/// A pattern from characters and wildcards.
#[derive(Debug, Default)]
pub(super) struct Builder(Vec<PatternPart>);

impl Builder {
    pub(super) fn character(&mut self, c: char) {
        if let Some(PatternPart::Text(text)) = self.0.last_mut() {
            text.push(c);
        } else {
            self.0.push(PatternPart::Text(c.to_string()));
        }
    }

    pub(super) fn any(&mut self) {
        if self.0.last() != Some(&PatternPart::Any) {
            self.0.push(PatternPart::Any);
        }
    }

    pub(super) fn one(&mut self) {
        self.0.push(PatternPart::One);
    }

    pub(super) fn pattern(self) -> Pattern {
        Pattern { parts: self.0 }
    }
}

/// A pattern of Elastic, in which a wildcard cannot be escaped.
pub(super) fn wildcards(text: &str) -> Pattern {
    let mut builder = Builder::default();
    for c in text.chars() {
        match c {
            '*' => builder.any(),
            '?' => builder.one(),
            c => builder.character(c),
        }
    }
    builder.pattern()
}

/// The pattern as `like` has it.
pub(super) fn like(pattern: &Pattern) -> String {
    let mut out = String::new();
    for part in &pattern.parts {
        match part {
            PatternPart::Any => out.push('*'),
            PatternPart::One => out.push('?'),
            PatternPart::Text(text) => {
                for c in text.chars() {
                    if matches!(c, '*' | '?' | '\\') {
                        out.push('\\');
                    }
                    out.push(c);
                }
            }
        }
    }
    out
}

/// Where a pattern has its only text, if it has one, and wildcards at its edges.
fn placed(pattern: &Pattern) -> Option<(Place, &str)> {
    match pattern.parts.as_slice() {
        [PatternPart::Any, PatternPart::Text(text), PatternPart::Any] => Some((Place::Anywhere, text)),
        [PatternPart::Text(text), PatternPart::Any] => Some((Place::Start, text)),
        [PatternPart::Any, PatternPart::Text(text)] => Some((Place::End, text)),
        _ => None,
    }
}

/// The test that a field fits one of the patterns, by the plainest operators.
pub(super) fn fits(field: &str, span: Span, patterns: Vec<Pattern>, folds: bool) -> Expr {
    let mut parts = Vec::new();
    let (exact, rest): (Vec<_>, Vec<_>) = patterns.into_iter().partition(|one| one.literal().is_some());
    let values: Vec<String> = exact.iter().filter_map(|one| one.literal().map(str::to_owned)).collect();
    if !values.is_empty() {
        parts.push(Expr::leaf(field, span, Test::Equal { values, folds }));
    }
    let (everything, rest): (Vec<_>, Vec<_>) =
        rest.into_iter().partition(|one| one.parts.as_slice() == [PatternPart::Any]);
    if !everything.is_empty() {
        parts.push(Expr::present(field, span));
    }
    let places: Vec<Option<(Place, &str)>> = rest.iter().map(placed).collect();
    match places.as_slice() {
        [] => {}
        [Some((place, _)), ..] if places.iter().all(|one| one.is_some_and(|(other, _)| other == *place)) => {
            let values = places.iter().flatten().map(|(_, text)| (*text).to_owned()).collect();
            parts.push(Expr::leaf(field, span, Test::Text { place: *place, values, folds }));
        }
        _ => parts.push(Expr::leaf(field, span, Test::Like { patterns: rest, folds })),
    }
    joined(parts, false)
}

/// A regular expression of a searching engine, as the language has it.
///
/// # Errors
/// Why it has none.
pub(super) fn searched(regex: &str, ignores_case: bool) -> Result<String, String> {
    let greedy = greedy(regex);
    let whole = if ignores_case && !greedy.starts_with("(?i)") { format!("(?i){greedy}") } else { greedy };
    match not_portable(&whole) {
        None => Ok(whole),
        Some(why) => Err(format!("the expression is not portable: {why}")),
    }
}

/// Quantifiers that take as little as they can find a match just where greedy ones do.
fn greedy(regex: &str) -> String {
    let mut out = String::with_capacity(regex.len());
    let (mut in_class, mut quantified) = (false, false);
    let mut chars = regex.chars().peekable();
    while let Some(c) = chars.next() {
        let was_quantified = std::mem::take(&mut quantified);
        match c {
            '\\' => {
                out.push(c);
                out.extend(chars.next());
                continue;
            }
            '[' if !in_class => in_class = true,
            ']' if in_class => in_class = false,
            '?' if was_quantified && !in_class => continue,
            // `(?` opens a group of another kind.
            '?' if !in_class && out.ends_with('(') && !out.ends_with("\\(") => {}
            '*' | '+' | '?' | '}' if !in_class => quantified = true,
            _ => {}
        }
        out.push(c);
    }
    out
}

/// An expression of Lucene, which matches whole values, as one that is searched for.
///
/// # Errors
/// Why there is none.
pub(super) fn whole(regex: &str, ignores_case: bool) -> Result<String, String> {
    let mut out = String::new();
    let (mut in_class, mut quantified) = (false, false);
    let mut chars = regex.chars().peekable();
    while let Some(c) = chars.next() {
        let was_quantified = std::mem::take(&mut quantified);
        match c {
            '\\' => {
                let escaped = chars.next().ok_or("it ends in a backslash")?;
                let names_class = matches!(escaped, 'd' | 'D' | 'w' | 'W' | 's' | 'S');
                if escaped.is_ascii_alphanumeric() && !names_class {
                    out.push(escaped);
                } else {
                    out.extend(['\\', escaped]);
                }
                continue;
            }
            '[' if !in_class => {
                in_class = true;
                out.push(c);
                out.extend(chars.next_if_eq(&'^'));
                continue;
            }
            ']' if in_class => in_class = false,
            _ if in_class => {
                if matches!(c, '[' | '&' | '~') {
                    out.push('\\');
                }
            }
            '?' | '*' | '+' if was_quantified => {
                return Err(format!("`{c}` after a quantifier repeats what is repeated"));
            }
            '*' | '+' | '?' | '}' => quantified = true,
            '~' | '&' | '@' | '#' | '"' | '<' | '>' => {
                return Err(format!("`{c}` is an operator of Lucene's expressions that no other has"));
            }
            '^' | '$' => out.push('\\'),
            // `.` matches a line end as well.
            _ => {}
        }
        out.push(c);
    }
    let flag = if ignores_case { "(?i)" } else { "" };
    let whole = trimmed(&out);
    let text = format!("{flag}{whole}");
    match not_portable(&text) {
        None => Ok(text),
        Some(why) => Err(format!("the expression is not portable: {why}")),
    }
}

/// The expression between anchors; without the one, where it begins or ends with anything.
fn trimmed(regex: &str) -> String {
    let mut depth = 0_i32;
    let mut escaped = false;
    let has_alternatives = regex.chars().any(|c| {
        if std::mem::take(&mut escaped) {
            return false;
        }
        match c {
            '\\' => escaped = true,
            '(' | '[' => depth += 1,
            ')' | ']' => depth -= 1,
            '|' if depth == 0 => return true,
            _ => {}
        }
        false
    });
    if has_alternatives {
        return format!("^(?:{regex})$");
    }
    let (begin, rest) = regex.strip_prefix(".*").map_or(("^", regex), |rest| ("", rest));
    let is_escaped = rest.strip_suffix(".*").is_some_and(|rest| rest.ends_with('\\'));
    let (rest, end) = match rest.strip_suffix(".*") {
        Some(inner) if !is_escaped => (inner, ""),
        Some(_) | None => (rest, "$"),
    };
    format!("{begin}{rest}{end}")
}
