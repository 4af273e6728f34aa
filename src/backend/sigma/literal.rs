//! What may stand in a detection: field names, values with Sigma's own escapes, and modifiers.
//!
//! In: text of a rule or a source. Out: newtypes that nothing else can build, written by serde.
//! Must not know: predicates, and YAML beyond the quotes that [`crate::yaml`] offers.

use std::hash::{Hash, Hasher};

use serde::{Serialize, Serializer};

use crate::ir::{Pattern, PatternPart, Place};
use crate::yaml::{self, Quoted};

/// A field that every reader of Sigma takes for one name: no modifier bar, no brackets, nothing to quote.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct FieldName(String);

impl FieldName {
    /// The name, if it is made of letters, digits, `_`, `.` and `-`.
    pub(super) fn new(name: &str) -> Option<Self> {
        let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '-');
        (!name.is_empty() && name.chars().all(fits)).then(|| Self(name.to_owned()))
    }

    pub(super) fn text(&self) -> &str {
        &self.0
    }
}

/// A decimal that every reader of YAML reads alike.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Decimal(f64);

/// Never NaN, and zero has one sign.
impl Eq for Decimal {}

impl Hash for Decimal {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.0.to_bits().hash(state);
    }
}

/// A value in a detection.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) enum Scalar {
    /// Text in which `*` and `?` are wildcards and `\` escapes.
    Text(String),
    /// Text that its modifier reads in its own way: a regular expression, a network, a field name.
    Raw(String),
    /// Whole number.
    Int(i64),
    /// Decimal.
    Float(Decimal),
    /// True or false.
    Bool(bool),
    /// Null or absent.
    Null,
}

impl Scalar {
    /// This text and no other.
    pub(super) fn text(text: &str) -> Self {
        let mut out = String::with_capacity(text.len());
        escape(text, &mut out);
        Self::Text(out)
    }

    /// Whether a reader sees every character of it.
    pub(super) fn is_visible(&self) -> bool {
        match self {
            Self::Text(text) | Self::Raw(text) => yaml::is_visible(text),
            Self::Int(_) | Self::Float(_) | Self::Bool(_) | Self::Null => true,
        }
    }

    /// A decimal, if it can be written without an exponent: readers of YAML disagree on those.
    pub(super) fn float(number: f64) -> Option<Self> {
        let plain = number == 0.0 || (1e-4..1e15).contains(&number.abs());
        plain.then_some(Self::Float(Decimal(number + 0.0)))
    }
}

impl Serialize for Scalar {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Text(text) | Self::Raw(text) => Quoted(text).serialize(serializer),
            Self::Int(number) => serializer.serialize_i64(*number),
            Self::Float(Decimal(number)) => serializer.serialize_f64(*number),
            Self::Bool(truth) => serializer.serialize_bool(*truth),
            Self::Null => serializer.serialize_unit(),
        }
    }
}

/// Wildcards and the escape character, each behind a backslash; everything else is itself.
fn escape(text: &str, out: &mut String) {
    for c in text.chars() {
        if matches!(c, '*' | '?' | '\\') {
            out.push('\\');
        }
        out.push(c);
    }
}

/// A wildcard pattern as modifier and value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Shape<'a> {
    /// Where the text stands; nowhere in particular if the pattern is matched as it is.
    pub(super) place: Option<Place>,
    /// The text, if the pattern is one text in that place.
    text: Option<&'a str>,
    pattern: &'a Pattern,
}

impl<'a> Shape<'a> {
    /// The modifier that says what the pattern says, if one does.
    pub(super) fn of(pattern: &'a Pattern) -> Self {
        use PatternPart::{Any, One, Text};
        let (place, text) = match pattern.parts.as_slice() {
            [Text(text), Any] => (Some(Place::Start), Some(text.as_str())),
            [Any, Text(text)] => (Some(Place::End), Some(text.as_str())),
            [Any, Text(text), Any] => (Some(Place::Anywhere), Some(text.as_str())),
            [] | [Text(_) | Any | One, ..] => (None, None),
        };
        Self { place, text, pattern }
    }

    /// The value under the modifier for `place`.
    pub(super) fn value(&self, place: Option<Place>) -> Scalar {
        match (self.text, place.is_some()) {
            (Some(text), true) => Scalar::text(text),
            (Some(_) | None, _) => Scalar::Text(wildcards(self.pattern)),
        }
    }
}

/// A pattern with its wildcards, and everything else escaped.
pub(super) fn wildcards(pattern: &Pattern) -> String {
    let mut out = String::new();
    for part in &pattern.parts {
        match part {
            PatternPart::Text(text) => escape(text, &mut out),
            PatternPart::Any => out.push('*'),
            PatternPart::One => out.push('?'),
        }
    }
    out
}

/// The modifiers of a text comparison.
pub(super) fn text_modifiers(place: Option<Place>, cased: bool) -> &'static str {
    match (place, cased) {
        (None, false) => "",
        (None, true) => "|cased",
        (Some(Place::Anywhere), false) => "|contains",
        (Some(Place::Anywhere), true) => "|contains|cased",
        (Some(Place::Start), false) => "|startswith",
        (Some(Place::Start), true) => "|startswith|cased",
        (Some(Place::End), false) => "|endswith",
        (Some(Place::End), true) => "|endswith|cased",
    }
}

/// Whether upper and lower case differ in the text: if not, the cheaper comparison that ignores case is exact.
pub(super) fn has_case(text: &str) -> bool {
    text.chars()
        .any(|c| c.is_lowercase() || c.is_uppercase() || c.to_lowercase().ne([c]) || c.to_uppercase().ne([c]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_three_characters_are_escaped() {
        assert_eq!(Scalar::text(r"a*b?c\d%_[x]"), Scalar::Text(r"a\*b\?c\\d%_[x]".to_owned()));
    }

    #[test]
    fn patterns_become_modifiers() {
        for (pattern, place, value) in [
            ("a*", Some(Place::Start), "a"),
            ("*a", Some(Place::End), "a"),
            (r"*a\**", Some(Place::Anywhere), r"a\*"),
            ("a*b", None, "a*b"),
            ("?a", None, "?a"),
            (r"a\\*b*", None, r"a\\*b*"),
        ] {
            let pattern = Pattern::parse(pattern).unwrap();
            let shape = Shape::of(&pattern);
            assert_eq!((shape.place, shape.value(place)), (place, Scalar::Text(value.to_owned())));
        }
    }

    #[test]
    fn case_matters_only_with_letters() {
        assert!(has_case("1a") && has_case("Ä") && has_case("ǅ"));
        assert!(!has_case("123-4:/") && !has_case("日本"));
    }

    #[test]
    fn field_names_are_plain() {
        assert!(FieldName::new("userIdentity.arn").is_some() && FieldName::new("account-id").is_some());
        assert!(["", "a|b", "a b", "items[0]", "a:", "é"].iter().all(|name| FieldName::new(name).is_none()));
    }
}
