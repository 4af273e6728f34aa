//! Builds windows: a duration, or a parameter that has one.
//!
//! In: pairs of the grammar. Out: values; durations written as elsewhere (`5 minutes`, `PT5M`, `"5m"`) are reported and
//! read as what they mean. Must not know: which clause has the window.

use super::ast::{Literal, LiteralKind};
use super::builder::Builder;
use super::grammar::{Pair, Rule};
use super::literal;
use super::wording::quoted;
use crate::diag::{Code, Diagnostic, Fix};
use crate::source::Span;

impl Builder<'_> {
    /// A duration, or a parameter that has one.
    pub(super) fn window(&mut self, pair: &Pair<'_>) -> Literal {
        let whole = self.span(pair);
        let mut parts: Vec<Pair<'_>> = pair.clone().into_inner().collect();
        if parts.first().is_some_and(|part| part.as_rule() == Rule::window_mark) {
            self.window_mark(&parts.remove(0));
        }
        let Some(token) = parts.first() else { return Literal { kind: LiteralKind::Unknown, span: whole } };
        let span = Span { start: self.span(token).start, ..whole };
        let written = self.slice(span.start as usize, span.end as usize);
        if let Some(seconds) = meant(written).filter(|_| parts.len() > 1 || is_foreign(token)) {
            let mut found = Diagnostic::new(
                Code::BadDuration,
                span,
                format!("{} is written `{seconds}`", quoted(written)),
            )
            .label("a duration is numbers with `d`, `h`, `m` or `s` right behind them, without quotes");
            found.fix = Some(Fix { span, replacement: seconds.clone() });
            self.report(found);
            // Of a text in quotes nobody knows that a duration was meant: it is judged no further.
            let is_text = written.starts_with('"');
            let kind = if is_text { LiteralKind::Unknown } else { literal::number(&seconds).0 };
            return Literal { kind, span };
        }
        let mark = self.diags.len();
        let kind = self.literal(token).kind;
        if matches!(kind, LiteralKind::Duration(_) | LiteralKind::Word(_) | LiteralKind::Unknown) {
            return Literal { kind, span };
        }
        if self.diags.len() == mark {
            self.not_a_window(&kind, written, span);
        }
        Literal { kind: LiteralKind::Unknown, span }
    }

    /// `within: 5m`, `within <= 5m`.
    fn window_mark(&mut self, mark: &Pair<'_>) {
        let span = self.span(mark);
        let title = format!("`{}` has no place before a duration", mark.as_str());
        let mut found = Diagnostic::new(Code::ForeignNotation, span, title).label("leave it out");
        found.fix = Some(Fix { span, replacement: String::new() });
        self.report(found);
    }

    fn not_a_window(&mut self, kind: &LiteralKind, written: &str, span: Span) {
        let title = match kind {
            LiteralKind::Int(_) => format!("{} has no unit", quoted(written)),
            LiteralKind::Str(_)
            | LiteralKind::Float(_)
            | LiteralKind::Bool(_)
            | LiteralKind::Duration(_)
            | LiteralKind::Date(_)
            | LiteralKind::Word(_)
            | LiteralKind::Unknown => format!("{} is not a duration", quoted(written)),
        };
        let found = Diagnostic::new(Code::BadDuration, span, title)
            .label("expected a duration or a parameter")
            .help("write a duration such as `90s`, `15m`, `2h`, `1d` or `1h30m`, without quotes");
        self.report(found);
    }
}

/// Whether a single token is a duration of another notation: quoted, or as in ISO 8601.
fn is_foreign(token: &Pair<'_>) -> bool {
    let text = token.as_str();
    let is_iso = text.len() > 2 && text.starts_with(['P', 'p']) && text.bytes().any(|b| b.is_ascii_digit());
    text.starts_with('"') || is_iso
}

/// The duration that is meant by `5 minutes`, `1 hour 30 min`, `"5m"` or `PT1H30M`, as it is written here.
fn meant(text: &str) -> Option<String> {
    let plain: String =
        text.trim_matches('"').split_ascii_whitespace().collect::<String>().to_ascii_lowercase();
    let plain = plain.strip_prefix('p').map_or(plain.clone(), |rest| rest.replace('t', ""));
    let mut out = String::new();
    let mut rest = plain.as_str();
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit())?;
        let (count, tail) = rest.split_at_checked(digits)?;
        let letters = tail.find(|c: char| !c.is_ascii_alphabetic()).unwrap_or(tail.len());
        let (unit, next) = tail.split_at_checked(letters)?;
        out.push_str(count);
        out.push_str(literal::unit(unit)?);
        rest = next;
    }
    let is_duration = matches!(literal::number(&out), (LiteralKind::Duration(_), None));
    is_duration.then_some(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_of_other_notations_are_understood() {
        for (text, ours) in [
            ("5 minutes", Some("5m")),
            ("5 min", Some("5m")),
            ("1 hour", Some("1h")),
            ("1h 30m", Some("1h30m")),
            ("1 hour 30 Minutes", Some("1h30m")),
            ("300 s", Some("300s")),
            ("PT5M", Some("5m")),
            ("P1DT2H", Some("1d2h")),
            ("\"5m\"", Some("5m")),
            ("\"five\"", None),
            ("\"\"", None),
            ("30m 1h", None),
            ("5", None),
        ] {
            assert_eq!(meant(text).as_deref(), ours, "{text}");
        }
    }
}
