//! Tests of fields in the rule language.
//!
//! In: a canonical field, what is asked of it. Out: the test, or why there is none. Must not know: what the field is
//! called elsewhere.

use crate::catalog::{FieldDef, LetterCase};
use crate::ir::{Pattern, PatternPart, Place, Type};
use crate::source::has_hidden;
use crate::syntax::quoted;

use super::cond::Cond;
use super::expr::Test;
use super::value::like;

/// The test of a field.
///
/// # Errors
/// Why the language has none.
pub(super) fn test(field: &FieldDef, asked: &Test) -> Result<Cond, String> {
    let of = Asker { field };
    match asked {
        Test::Missing | Test::Empty => Ok(exists(field).not()),
        Test::Equal { values, folds } => of.equal(values, *folds),
        Test::Like { patterns, folds } => of.like(patterns, *folds),
        Test::Text { place, values, folds } => of.text(*place, values, *folds),
        Test::Regex(regex) => {
            of.is_text()?;
            Ok(of.written("matches", "", &expression(regex)))
        }
        Test::Network(networks) if field.ty == Type::Ip => {
            let networks: Vec<String> = networks.iter().map(|network| quoted(network)).collect();
            Ok(of.written("in", "", &format!("({})", networks.join(", "))))
        }
        Test::Network(_) => Err(format!("`{}` is no address", field.name)),
        Test::Order { op, value } => match field.ty {
            Type::Int | Type::Float | Type::Time => {
                let value = of.literal(value)?;
                Ok(Cond::test(format!("{} {op} {value}", of.left())))
            }
            Type::String | Type::Bool | Type::Ip => Err(format!("`{}` is no number", field.name)),
        },
        Test::Field { .. } => Err("two fields are compared".to_owned()),
    }
}

/// That a field has a value, or one among several.
pub(super) fn exists(field: &FieldDef) -> Cond {
    let name = &field.name;
    Cond::test(if field.many { format!("any({name}) like \"?*\"") } else { format!("exists({name})") })
}

/// The test of a field against another one.
pub(super) fn of_field(
    field: &FieldDef,
    place: Option<Place>,
    other: &FieldDef,
    folds: bool,
) -> Result<Cond, String> {
    if field.many || other.many {
        return Err("a field of several values is compared with values alone".to_owned());
    }
    if field.ty != other.ty {
        return Err(format!("`{}` and `{}` have different types", field.name, other.name));
    }
    if place.is_some() && field.ty != Type::String {
        return Err(format!("`{}` is no text", field.name));
    }
    let tilde = if folds && field.ty == Type::String { "~" } else { "" };
    let [name, other] = [&field.name, &other.name];
    Ok(match place {
        None if tilde.is_empty() => {
            Cond::with_opposite(format!("{name} == {other}"), format!("not {name} == {other}"))
        }
        None => Cond::test(format!("{name} =~ {other}")),
        Some(place) => {
            let word = word(place);
            Cond::with_opposite(
                format!("{name} {word}{tilde} {other}"),
                format!("{name} not {word}{tilde} {other}"),
            )
        }
    })
}

fn word(place: Place) -> &'static str {
    match place {
        Place::Anywhere => "contains",
        Place::Start => "starts_with",
        Place::End => "ends_with",
    }
}

struct Asker<'f> {
    field: &'f FieldDef,
}

impl Asker<'_> {
    /// What stands on the left: of a field with several values, some value must pass.
    fn left(&self) -> String {
        if self.field.many { format!("any({})", self.field.name) } else { self.field.name.clone() }
    }

    fn written(&self, word: &str, tilde: &str, right: &str) -> Cond {
        let left = self.left();
        let text = format!("{left} {word}{tilde} {right}");
        if self.field.many || word == "matches" {
            return Cond::test(text);
        }
        Cond::with_opposite(text, format!("{left} not {word}{tilde} {right}"))
    }

    fn is_text(&self) -> Result<(), String> {
        if self.field.ty == Type::String { Ok(()) } else { Err(format!("`{}` is no text", self.field.name)) }
    }

    fn equal(&self, values: &[String], folds: bool) -> Result<Cond, String> {
        if self.field.ty == Type::Ip && values.iter().any(|value| value.contains('/')) {
            return test(self.field, &Test::Network(values.to_vec()));
        }
        let values: Vec<String> = values.iter().map(|value| self.spelt(value, folds)).collect();
        let is_other = |value: &&String| !self.field.values.is_empty() && !self.field.values.contains(value);
        if let Some(other) = values.iter().find(is_other) {
            return Err(format!("`{other}` is no value of `{}`", self.field.name));
        }
        let patterns: Vec<Pattern> = values.iter().map(|value| Pattern::exactly(value)).collect();
        let tilde = self.tilde(&patterns, folds);
        let literals = values.iter().map(|value| self.literal(value)).collect::<Result<Vec<_>, _>>()?;
        let left = self.left();
        match (literals.as_slice(), tilde, self.field.many) {
            ([only], _, false) if self.field.ty == Type::Bool && only == "true" => Ok(Cond::test(left)),
            ([only], _, false) if self.field.ty == Type::Bool && only == "false" => {
                Ok(Cond::with_opposite(format!("{left} == false"), format!("{left} != false")))
            }
            ([only], _, true) => {
                let op = if tilde.is_empty() { "==" } else { "=~" };
                Ok(Cond::test(format!("{left} {op} {only}")))
            }
            ([only], "", false) => {
                Ok(Cond::with_opposite(format!("{left} == {only}"), format!("{left} != {only}")))
            }
            ([only], _, false) => {
                Ok(Cond::with_opposite(format!("{left} =~ {only}"), format!("{left} !~ {only}")))
            }
            _ => Ok(self.written("in", tilde, &format!("({})", literals.join(", ")))),
        }
    }

    fn like(&self, patterns: &[Pattern], folds: bool) -> Result<Cond, String> {
        self.is_text()?;
        let patterns: Vec<Pattern> =
            patterns.iter().map(|pattern| self.spelt_pattern(pattern, folds)).collect();
        let tilde = self.tilde(&patterns, folds);
        let texts: Vec<String> = patterns.iter().map(|pattern| string(&like(pattern))).collect();
        Ok(self.written("like", tilde, &set(&texts)))
    }

    fn text(&self, place: Place, values: &[String], folds: bool) -> Result<Cond, String> {
        self.is_text()?;
        if values.iter().any(String::is_empty) {
            return Ok(exists(self.field));
        }
        let values: Vec<String> = values.iter().map(|value| self.in_case(value, folds)).collect();
        let patterns: Vec<Pattern> = values.iter().map(|value| Pattern::around(place, value)).collect();
        let tilde = self.tilde(&patterns, folds);
        let texts: Vec<String> = values.iter().map(|value| string(value)).collect();
        Ok(self.written(word(place), tilde, &set(&texts)))
    }

    /// `~`, but where letter case makes no difference to the values that the field has.
    fn tilde(&self, patterns: &[Pattern], folds: bool) -> &'static str {
        let settled = |pattern: &Pattern| {
            let has_letters = pattern.parts.iter().any(|part| match part {
                PatternPart::Text(text) => text.chars().any(char::is_alphabetic),
                PatternPart::Any | PatternPart::One => false,
            });
            !has_letters || self.field.spelling.is_some_and(|spelling| spelling.settles(pattern))
        };
        let is_text = self.field.ty == Type::String && !self.field.fold;
        if folds && is_text && !patterns.iter().all(settled) { "~" } else { "" }
    }

    /// A value as the source spells it, where letter case does not matter.
    fn spelt(&self, value: &str, folds: bool) -> String {
        let known = self.field.values.iter().find(|known| folds && known.eq_ignore_ascii_case(value));
        known.cloned().unwrap_or_else(|| self.in_case(value, folds))
    }

    fn in_case(&self, value: &str, folds: bool) -> String {
        match self.field.spelling {
            Some(LetterCase::Lower) if folds => value.to_ascii_lowercase(),
            Some(LetterCase::Upper) if folds => value.to_ascii_uppercase(),
            Some(LetterCase::One | LetterCase::Lower | LetterCase::Upper) | None => value.to_owned(),
        }
    }

    fn spelt_pattern(&self, pattern: &Pattern, folds: bool) -> Pattern {
        let parts = pattern.parts.iter().map(|part| match part {
            PatternPart::Text(text) => PatternPart::Text(self.in_case(text, folds)),
            PatternPart::Any | PatternPart::One => part.clone(),
        });
        Pattern { parts: parts.collect() }
    }

    fn literal(&self, value: &str) -> Result<String, String> {
        let wrong = || format!("`{value}` is no value of `{}`", self.field.name);
        match self.field.ty {
            Type::Int => value.trim().parse::<i64>().map(|number| number.to_string()).map_err(|_| wrong()),
            Type::Float => match value.trim().parse::<f64>() {
                Ok(number) if number.is_finite() => Ok(decimal(number)),
                Ok(_) | Err(_) => Err(wrong()),
            },
            Type::Bool => match value.to_ascii_lowercase().as_str() {
                "true" | "1" => Ok("true".to_owned()),
                "false" | "0" => Ok("false".to_owned()),
                _ => Err(wrong()),
            },
            Type::Ip if value.parse::<std::net::IpAddr>().is_err() => Err(wrong()),
            Type::Time if value.parse::<jiff::Timestamp>().is_err() => Err(wrong()),
            Type::String | Type::Ip | Type::Time => Ok(string(value)),
        }
    }
}

/// One value alone, several in parentheses.
fn set(literals: &[String]) -> String {
    match literals {
        [only] => only.clone(),
        _ => format!("({})", literals.join(", ")),
    }
}

fn decimal(number: f64) -> String {
    format!("{number}")
}

/// A string literal, raw where backslashes would be doubled.
fn string(text: &str) -> String {
    let needs_escapes = text.contains('"') || text.chars().any(char::is_control) || has_hidden(text);
    if text.contains('\\') && !needs_escapes { format!("r\"{text}\"") } else { quoted(text) }
}

/// A regular expression, raw where that can be written.
fn expression(regex: &str) -> String {
    let needs_escapes = regex.contains('"') || regex.chars().any(char::is_control) || has_hidden(regex);
    if needs_escapes { quoted(regex) } else { format!("r\"{regex}\"") }
}
