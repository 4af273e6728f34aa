//! One entry of a Sigma selection: a field, modifiers, values.
//!
//! In: the key and its values. Out: the test with Sigma's name for the field. Must not know: sources. After the
//! modifiers of the Sigma specification 2.1; where pySigma says more, as it does.

use crate::ir::{Case, Pattern, PatternPart, Place};
use crate::source::Span;

use super::super::expr::{Expr, Test, joined};
use super::super::report::{Loss, Report};
use super::super::value::{Builder, fits, searched};
use super::document::At;
use super::encoding;

/// How values are compared.
#[derive(Debug, Clone, Copy, PartialEq)]
enum How {
    Equal,
    At(Place),
    Regex,
    Network,
    Order(&'static str),
    Exists,
    Field,
}

/// The modifiers of a field, understood.
#[derive(Debug)]
struct Modifiers<'k> {
    how: How,
    place: Option<Place>,
    all: bool,
    negated: bool,
    /// Letter case, where it is stated.
    case: Option<Case>,
    /// How values are encoded, in order.
    encodings: Vec<&'k str>,
}

/// The test of an entry.
pub(super) fn test(key: &str, value: At<'_>, report: &mut Report<'_>) -> Expr {
    let mut parts = key.split('|');
    let field = parts.next().unwrap_or_default().trim();
    let words: Vec<&str> = parts.collect();
    if field.is_empty() {
        let why = "a word without a field is looked for in the whole event";
        return Expr::Lost(Loss::new(value.key_span(), why, "name the field that has it, and test that"));
    }
    let modifiers = match modifiers(&words) {
        Ok(modifiers) => modifiers,
        Err((why, help)) => return Expr::Lost(Loss::new(value.key_span(), why, help)),
    };
    if let Some(map) = value.items().into_iter().find(|item| item.is_map() || item.is_list()) {
        let why = "a list or map in place of a value";
        return Expr::Lost(Loss::new(map.span(), why, "write one value, or a list of values"));
    }
    let tested = Tester { field, modifiers: &modifiers }.tested(value, report);
    if modifiers.negated { tested.not() } else { tested }
}

fn modifiers<'k>(words: &[&'k str]) -> Result<Modifiers<'k>, (String, &'static str)> {
    let mut found = Modifiers {
        how: How::Equal,
        place: None,
        all: false,
        negated: false,
        case: None,
        encodings: Vec::new(),
    };
    for &word in words {
        match word {
            "contains" => found.place = Some(Place::Anywhere),
            "startswith" => found.place = Some(Place::Start),
            "endswith" => found.place = Some(Place::End),
            "re" => found.how = How::Regex,
            "i" => found.case = Some(Case::Ignore),
            "cidr" => found.how = How::Network,
            "lt" => found.how = How::Order("<"),
            "lte" => found.how = How::Order("<="),
            "gt" => found.how = How::Order(">"),
            "gte" => found.how = How::Order(">="),
            "exists" => found.how = How::Exists,
            "fieldref" => found.how = How::Field,
            "all" => found.all = true,
            "cased" => found.case = Some(Case::Sensitive),
            "neq" => found.negated = true,
            "windash" | "base64" | "base64offset" | "wide" | "utf16le" | "utf16be" | "utf16" => {
                found.encodings.push(word);
            }
            "expand" => {
                return Err((
                    "the values of a placeholder are elsewhere".to_owned(),
                    "declare an allowlist with them, and write `in LIST`",
                ));
            }
            "m" | "s" => {
                return Err((
                    format!("regular expressions have no flag `{word}` here"),
                    "write an expression that does without it",
                ));
            }
            other => {
                let other = crate::source::visible(other);
                return Err((format!("the modifier `{other}` is not known"), "write the test by hand"));
            }
        }
    }
    if let (How::Equal, Some(place)) = (found.how, found.place) {
        found.how = How::At(place);
    }
    Ok(found)
}

struct Tester<'m> {
    field: &'m str,
    modifiers: &'m Modifiers<'m>,
}

impl Tester<'_> {
    fn tested(&self, value: At<'_>, report: &mut Report<'_>) -> Expr {
        let key = value.key_span();
        if value.is_null() {
            return Expr::leaf(self.field, key, Test::Missing);
        }
        if self.modifiers.how == How::Exists {
            let present = Expr::present(self.field, key);
            return match value.text().to_ascii_lowercase().as_str() {
                "true" | "yes" => present,
                "false" | "no" => present.not(),
                _ => Expr::Lost(Loss::new(value.span(), "`exists` takes true or false", "correct the value")),
            };
        }
        let items = value.items();
        if items.is_empty() {
            return Expr::Lost(Loss::new(key, "a list without values", "give the values"));
        }
        if self.modifiers.all {
            let each = items.into_iter().map(|item| self.values(&[item], report));
            return joined(each.collect(), true);
        }
        self.values(&items, report)
    }

    /// One of the values.
    fn values(&self, items: &[At<'_>], report: &mut Report<'_>) -> Expr {
        let (nothing, some): (Vec<At<'_>>, Vec<At<'_>>) = items.iter().partition(|item| item.is_null());
        let mut parts: Vec<Expr> =
            nothing.iter().map(|item| Expr::leaf(self.field, item.span(), Test::Missing)).collect();
        let span = match some.as_slice() {
            [only] => only.span(),
            [first, ..] => first.key_span(),
            [] => return joined(parts, false),
        };
        match self.modifiers.how {
            How::Equal | How::At(_) => parts.push(self.texts(&some, span, report)),
            How::Network => {
                let networks = some.iter().map(|item| item.text().to_owned()).collect();
                parts.push(Expr::leaf(self.field, span, Test::Network(networks)));
            }
            how @ (How::Regex | How::Order(_) | How::Exists | How::Field) => {
                parts.extend(some.iter().map(|item| self.one(how, *item)));
            }
        }
        joined(parts, false)
    }

    /// A test that takes one value.
    fn one(&self, how: How, item: At<'_>) -> Expr {
        let text = item.text();
        let (span, folds) = (item.span(), self.modifiers.case != Some(Case::Sensitive));
        match how {
            How::Regex => match searched(text, self.modifiers.case == Some(Case::Ignore)) {
                Ok(regex) => Expr::leaf(self.field, span, Test::Regex(regex)),
                Err(why) => {
                    Expr::Lost(Loss::new(span, why, "write an expression that all engines read in one way"))
                }
            },
            How::Field => {
                let (place, other) = (self.modifiers.place, text.to_owned());
                Expr::leaf(self.field, span, Test::Field { place, other, folds })
            }
            How::Order(op) => Expr::leaf(self.field, span, Test::Order { op, value: text.to_owned() }),
            How::Equal | How::At(_) | How::Network | How::Exists => {
                Expr::leaf(self.field, span, Test::Network(vec![text.to_owned()]))
            }
        }
    }

    /// Texts with wildcards, encoded where the modifiers say so.
    fn texts(&self, items: &[At<'_>], span: Span, report: &mut Report<'_>) -> Expr {
        let mut patterns = Vec::new();
        for item in items {
            let around = |texts: Vec<Pattern>| texts.into_iter().map(|text| self.placed(text));
            if self.modifiers.encodings.is_empty() {
                patterns.extend(around(vec![pattern(item.text())]));
                continue;
            }
            match encoding::encoded(&plain(item.text()), &self.modifiers.encodings) {
                Ok(texts) => {
                    let texts = texts.iter().map(|text| Pattern::exactly(text)).collect();
                    patterns.extend(around(texts));
                }
                Err(why) => {
                    return Expr::Lost(Loss::new(item.span(), why, "write the encoded text by hand"));
                }
            }
        }
        if self.modifiers.encodings.iter().any(|word| *word != "windash") {
            let why =
                "the encoded text is compared ignoring case, as Sigma does, and may be another text encoded";
            report.inexact(&Loss::new(span, why, "compare with case, if the field keeps it"));
        }
        fits(self.field, span, patterns, self.modifiers.case != Some(Case::Sensitive))
    }

    fn placed(&self, text: Pattern) -> Pattern {
        let How::At(place) = self.modifiers.how else { return text };
        let mut builder = Builder::default();
        if place != Place::Start {
            builder.any();
        }
        for part in text.parts {
            match part {
                PatternPart::Any => builder.any(),
                PatternPart::One => builder.one(),
                PatternPart::Text(text) => text.chars().for_each(|c| builder.character(c)),
            }
        }
        if place != Place::End {
            builder.any();
        }
        builder.pattern()
    }
}

/// A value of Sigma: `*` and `?` are wildcards, `\*`, `\?` and `\\` the characters; any other backslash is itself.
fn pattern(text: &str) -> Pattern {
    let mut builder = Builder::default();
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '*' => builder.any(),
            '?' => builder.one(),
            '\\' => {
                let escaped = chars.next_if(|next| matches!(next, '*' | '?' | '\\'));
                builder.character(escaped.unwrap_or('\\'));
            }
            c => builder.character(c),
        }
    }
    builder.pattern()
}

/// A value whose wildcards stand for themselves, as those of encoded ones do.
fn plain(text: &str) -> String {
    let mut out = String::new();
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        let escaped = if c == '\\' { chars.next_if(|next| matches!(next, '*' | '?' | '\\')) } else { None };
        out.push(escaped.unwrap_or(c));
    }
    out
}
