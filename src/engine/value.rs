//! Values of fields, and how a raw scalar becomes one.
//!
//! In: scalars as a log writes them, and the types of the catalog. Out: typed values; what does not parse is missing.
//! Must not know: fields, sources, rules.

use std::borrow::Cow;
use std::cmp::Ordering;
use std::hash::{Hash, Hasher};
use std::net::IpAddr;

use jiff::Timestamp;

use super::instant::{fraction_to_micros, plain_instant, seconds_to_micros, without_zone};
pub use super::instant::{instant_text, micros};
use crate::ir::{self, Type};

/// A present value; text is never empty, decimals are finite.
#[derive(Debug, Clone, PartialEq)]
pub enum Value<'a> {
    /// Text.
    Text(Cow<'a, str>),
    /// Whole number.
    Int(i64),
    /// Decimal.
    Float(f64),
    /// True or false.
    Bool(bool),
    /// Microseconds since 1970 in UTC.
    Time(i64),
    /// Address in its usual notation.
    Ip(IpAddr),
    /// An IPv6 address in another than its canonical spelling; a link compares it as written.
    AltSpelling(Box<AltSpelling>),
    /// The values of a field that can have several, at least one.
    Many(Box<[Value<'a>]>),
}

/// An address and its text in the log, where that is not the canonical spelling.
#[derive(Debug, Clone, PartialEq)]
pub struct AltSpelling {
    address: IpAddr,
    text: Box<str>,
}

impl AltSpelling {
    /// As the log writes it.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }
}

/// A value as the log wrote it.
#[derive(Debug, Clone, PartialEq)]
pub enum Raw<'a> {
    /// Text.
    Text(Cow<'a, str>),
    /// Whole number.
    Int(i64),
    /// Any other number.
    Float(f64),
    /// True or false.
    Bool(bool),
    /// The values of a list, at least one.
    Many(Vec<Raw<'a>>),
}

impl<'a> Raw<'a> {
    /// Adds a value to those that a place holds.
    pub fn gather(place: &mut Option<Self>, value: Self) {
        let mut all = match place.take() {
            None => Vec::new(),
            Some(Self::Many(all)) => all,
            Some(one) => vec![one],
        };
        match value {
            Self::Many(more) => all.extend(more),
            Self::Text(_) | Self::Int(_) | Self::Float(_) | Self::Bool(_) => all.push(value),
        }
        *place = Some(Self::Many(all));
    }

    /// Whether it reads like the text.
    #[must_use]
    pub fn is_text(&self, text: &str) -> bool {
        match self {
            Self::Text(own) => own == text,
            Self::Int(_) | Self::Float(_) | Self::Bool(_) => self.clone().into_text() == text,
            Self::Many(_) => false,
        }
    }

    /// Its text: numbers and booleans as JSON writes them.
    #[must_use]
    pub fn into_text(self) -> Cow<'a, str> {
        match self {
            Self::Text(text) => text,
            Self::Int(number) => Cow::Owned(number.to_string()),
            Self::Float(number) => Cow::Owned(number.to_string()),
            Self::Bool(value) => Cow::Borrowed(if value { "true" } else { "false" }),
            Self::Many(all) => {
                let texts: Vec<_> = all.into_iter().map(Self::into_text).collect();
                Cow::Owned(texts.join("\n"))
            }
        }
    }

    /// The same value, owning its text.
    #[must_use]
    pub fn into_owned(self) -> Raw<'static> {
        match self {
            Self::Text(text) => Raw::Text(Cow::Owned(text.into_owned())),
            Self::Int(number) => Raw::Int(number),
            Self::Float(number) => Raw::Float(number),
            Self::Bool(value) => Raw::Bool(value),
            Self::Many(all) => Raw::Many(all.into_iter().map(Raw::into_owned).collect()),
        }
    }

    /// The values as `ty`; `None` where none of them parses as that.
    #[must_use]
    pub fn all_typed(self, ty: Type) -> Option<Value<'a>> {
        let all = match self {
            Self::Many(all) => all,
            Self::Text(_) | Self::Int(_) | Self::Float(_) | Self::Bool(_) => vec![self],
        };
        let values: Box<[_]> = all.into_iter().filter_map(|raw| raw.typed(ty)).collect();
        (!values.is_empty()).then_some(Value::Many(values))
    }

    /// The value as `ty`; `None` where it does not parse as that.
    #[must_use]
    pub fn typed(self, ty: Type) -> Option<Value<'a>> {
        if matches!(self, Self::Many(_)) {
            return None;
        }
        match ty {
            // Empty text is missing: engines disagree about what `""` is, and the language gives it one meaning.
            Type::String => Some(self.into_text()).filter(|text| !text.is_empty()).map(Value::Text),
            Type::Int => self.int().map(Value::Int),
            Type::Float => self.float().map(Value::Float),
            Type::Bool => self.bool().map(Value::Bool),
            Type::Ip => address(self.text()?),
            Type::Time => self.time().map(Value::Time),
        }
    }

    fn text(&self) -> Option<&str> {
        if let Self::Text(text) = self { Some(text) } else { None }
    }

    fn int(&self) -> Option<i64> {
        match self {
            // Columns and CSV are nothing but text, and exporters quote numbers.
            Self::Text(text) => text.parse().ok(),
            Self::Int(number) => Some(*number),
            // JSON does not tell 443 from 443.0; which of them stands there is up to the writer.
            Self::Float(number) => whole(*number),
            Self::Bool(_) | Self::Many(_) => None,
        }
    }

    #[expect(clippy::cast_precision_loss, reason = "a decimal field holds the nearest decimal")]
    fn float(&self) -> Option<f64> {
        let number = match self {
            Self::Text(text) => text.parse().ok()?,
            Self::Int(number) => *number as f64,
            Self::Float(number) => *number,
            Self::Bool(_) | Self::Many(_) => return None,
        };
        // Rust parses `NaN`, which is not equal to itself, and takes `1e999` for infinity, which would be equal to
        // every other number that is too large. Neither can be a value.
        number.is_finite().then_some(number)
    }

    fn bool(&self) -> Option<bool> {
        match self {
            // CloudTrail writes `sessionCredentialFromConsole` as the text `true`.
            Self::Text(text) if text.eq_ignore_ascii_case("true") => Some(true),
            Self::Text(text) if text.eq_ignore_ascii_case("false") => Some(false),
            Self::Bool(value) => Some(*value),
            Self::Text(_) | Self::Int(_) | Self::Float(_) | Self::Many(_) => None,
        }
    }

    /// RFC 3339, the same without a zone (then it is UTC) or with a blank before the time; seconds or milliseconds
    /// since 1970 as a number or its text.
    fn time(&self) -> Option<i64> {
        match self {
            Self::Int(seconds) => seconds_to_micros(*seconds),
            Self::Float(seconds) => fraction_to_micros(*seconds),
            Self::Text(text) => match text.parse::<i64>() {
                Ok(seconds) => seconds_to_micros(seconds),
                Err(_) => plain_instant(text).or_else(|| match text.parse::<Timestamp>() {
                    Ok(instant) => Some(micros(instant)),
                    Err(_) => without_zone(text).or_else(|| fraction_to_micros(text.parse().ok()?)),
                }),
            },
            Self::Bool(_) | Self::Many(_) => None,
        }
    }
}

impl Value<'_> {
    /// The same value, owning its text.
    #[must_use]
    pub fn into_owned(self) -> Value<'static> {
        match self {
            Self::Text(text) => Value::Text(Cow::Owned(text.into_owned())),
            Self::Int(number) => Value::Int(number),
            Self::Float(number) => Value::Float(number),
            Self::Bool(value) => Value::Bool(value),
            Self::Time(micros) => Value::Time(micros),
            Self::Ip(address) => Value::Ip(address),
            Self::AltSpelling(written) => Value::AltSpelling(written),
            Self::Many(all) => Value::Many(all.into_iter().map(Value::into_owned).collect()),
        }
    }

    /// The value of an IR literal; `None` for empty text and numbers that are none.
    #[must_use]
    pub fn from_ir(value: &ir::Value) -> Option<Value<'static>> {
        match value {
            ir::Value::String(text) => Raw::Text(Cow::Owned(text.clone())).typed(Type::String),
            ir::Value::Int(number) => Some(Value::Int(*number)),
            ir::Value::Float(number) => Raw::Float(*number).typed(Type::Float),
            ir::Value::Bool(value) => Some(Value::Bool(*value)),
            ir::Value::Time(instant) => Some(Value::Time(micros(*instant))),
            ir::Value::Ip(address) => Some(Value::Ip(*address)),
        }
    }

    /// What equality by value compares: numbers by value whatever their type, everything else as it is.
    #[must_use]
    pub fn atom(&self) -> Atom {
        match self {
            Self::Text(text) => Atom::Text(text.as_ref().into()),
            Self::Int(number) => Atom::Int(*number),
            // Bits are enough: both zeros are whole numbers, and NaN is no value, so no value is left with two of them.
            Self::Float(number) => whole(*number).map_or(Atom::Float(number.to_bits()), Atom::Int),
            Self::Bool(value) => Atom::Bool(*value),
            Self::Time(micros) => Atom::Time(*micros),
            Self::Ip(address) => Atom::Ip(*address),
            Self::AltSpelling(written) => Atom::Ip(written.address),
            Self::Many(all) => Atom::Many(all.iter().map(Self::atom).collect()),
        }
    }

    /// What links and groups of alerts compare: as [`Value::atom`], but an address as the log writes it.
    #[must_use]
    pub fn key(&self) -> Atom {
        match self {
            Self::AltSpelling(written) => Atom::Text(written.text.clone()),
            Self::Text(_)
            | Self::Int(_)
            | Self::Float(_)
            | Self::Bool(_)
            | Self::Time(_)
            | Self::Ip(_)
            | Self::Many(_) => self.atom(),
        }
    }

    /// The address, if it is one.
    #[must_use]
    pub fn address(&self) -> Option<IpAddr> {
        match self {
            Self::Ip(address) => Some(*address),
            Self::AltSpelling(written) => Some(written.address),
            Self::Text(_) | Self::Int(_) | Self::Float(_) | Self::Bool(_) | Self::Time(_) | Self::Many(_) => {
                None
            }
        }
    }

    /// Feeds `hasher` such that values with equal [`Self::key`]s feed it the same, without making one.
    pub fn hash_as_key(&self, hasher: &mut impl Hasher) {
        match self {
            // Without a tag, like the text of another spelling: the keys of both are the same kind of atom.
            Self::Text(text) => text.hash(hasher),
            Self::AltSpelling(written) => written.text.hash(hasher),
            Self::Float(number) => match whole(*number) {
                Some(number) => (1_u8, number).hash(hasher),
                None => (2_u8, number.to_bits()).hash(hasher),
            },
            Self::Int(number) => (1_u8, number).hash(hasher),
            Self::Bool(value) => (3_u8, value).hash(hasher),
            Self::Time(micros) => (4_u8, micros).hash(hasher),
            Self::Ip(address) => (5_u8, address).hash(hasher),
            Self::Many(all) => (6_u8, self.atom(), all.len()).hash(hasher),
        }
    }

    /// Whether both are equal by value.
    #[must_use]
    pub fn same(&self, other: &Value<'_>) -> bool {
        // Text without its atom, which would be a copy.
        if let (Self::Text(left), Value::Text(right)) = (self, other) {
            left == right
        } else {
            self.atom() == other.atom()
        }
    }

    /// How two numbers or two instants compare; `None` for anything else.
    #[must_use]
    #[expect(clippy::cast_precision_loss, reason = "a whole number beside a decimal compares as a decimal")]
    pub fn order(&self, other: &Value<'_>) -> Option<Ordering> {
        match (self, other) {
            (Self::Int(left), Value::Int(right)) | (Self::Time(left), Value::Time(right)) => {
                Some(left.cmp(right))
            }
            (Self::Float(left), Value::Float(right)) => left.partial_cmp(right),
            (Self::Int(left), Value::Float(right)) => (*left as f64).partial_cmp(right),
            (Self::Float(left), Value::Int(right)) => left.partial_cmp(&(*right as f64)),
            (
                Self::Text(_)
                | Self::Int(_)
                | Self::Float(_)
                | Self::Bool(_)
                | Self::Time(_)
                | Self::Ip(_)
                | Self::AltSpelling(_)
                | Self::Many(_),
                _,
            ) => None,
        }
    }
}

impl std::fmt::Display for Value<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Text(text) => f.write_str(text),
            Self::Int(number) => number.fmt(f),
            Self::Float(number) => number.fmt(f),
            Self::Bool(value) => value.fmt(f),
            Self::Time(micros) => f.write_str(&instant_text(*micros)),
            Self::Ip(address) => address.fmt(f),
            Self::AltSpelling(written) => f.write_str(&written.text),
            Self::Many(all) => {
                let texts: Vec<_> = all.iter().map(ToString::to_string).collect();
                f.write_str(&texts.join(", "))
            }
        }
    }
}

/// A value in the form that join keys and sets compare.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Atom {
    /// Text, exactly as logged.
    Text(Box<str>),
    /// Whole number, also one written as a decimal.
    Int(i64),
    /// Bits of any other decimal.
    Float(u64),
    /// True or false.
    Bool(bool),
    /// Microseconds since 1970.
    Time(i64),
    /// Address.
    Ip(IpAddr),
    /// Values of a field that can have several.
    Many(Box<[Atom]>),
}

impl Atom {
    /// As it compares: text folded where letter case does not count.
    #[must_use]
    pub fn folded(self, case: ir::Case) -> Self {
        match (self, case) {
            (Self::Text(text), ir::Case::Ignore) => Self::Text(case.fold(&text).into()),
            (atom, ir::Case::Sensitive | ir::Case::Ignore) => atom,
        }
    }
}

/// An IPv4 address has one spelling; an IPv6 address that is not in its canonical one keeps its text.
fn address(text: &str) -> Option<Value<'static>> {
    // The parser refuses leading zeros, which other programs read as octal and anonymised logs have (`06.237.252.245`),
    // and words such as `AWS Internal`. Without leading zeros an IPv4 address has one spelling.
    let address: IpAddr = text.parse().ok()?;
    let usual = address.is_ipv4() || address.to_string() == text;
    let alt_spelling = || Value::AltSpelling(Box::new(AltSpelling { address, text: text.into() }));
    Some(if usual { Value::Ip(address) } else { alt_spelling() })
}

/// The whole number equal to a decimal, if there is one.
#[expect(clippy::cast_possible_truncation, reason = "the range is checked first")]
fn whole(number: f64) -> Option<i64> {
    // 2^63: the least decimal that is too large for an `i64`, while -2^63 just fits. Hence the half-open range.
    const LIMIT: f64 = 9_223_372_036_854_775_808.0;
    (number.fract() == 0.0 && (-LIMIT..LIMIT).contains(&number)).then_some(number as i64)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(value: &str, ty: Type) -> Option<String> {
        Raw::Text(Cow::Borrowed(value)).typed(ty).map(|value| value.to_string())
    }

    #[test]
    fn text_becomes_typed_or_missing() {
        for (raw, ty, expected) in [
            ("a", Type::String, Some("a")),
            ("", Type::String, None),
            ("443", Type::Int, Some("443")),
            ("443.5", Type::Int, None),
            ("99999999999999999999", Type::Int, None),
            ("NaN", Type::Float, None),
            ("1.5", Type::Float, Some("1.5")),
            ("True", Type::Bool, Some("true")),
            ("1", Type::Bool, None),
            ("AWS Internal", Type::Ip, None),
            ("06.237.252.245", Type::Ip, None),
            ("2001:DB8::1", Type::Ip, Some("2001:DB8::1")),
            ("2001:db8:0:0::1", Type::Ip, Some("2001:db8:0:0::1")),
            ("2001:db8::1", Type::Ip, Some("2001:db8::1")),
            ("2023-07-10T11:42:36Z", Type::Time, Some("2023-07-10T11:42:36Z")),
            ("2023-07-10T13:42:36.1234567+02:00", Type::Time, Some("2023-07-10T11:42:36.123456Z")),
            ("1688989356", Type::Time, Some("2023-07-10T11:42:36Z")),
            ("1688989356.25", Type::Time, Some("2023-07-10T11:42:36.25Z")),
            ("1688989356250", Type::Time, Some("2023-07-10T11:42:36.25Z")),
            ("99999999999999999", Type::Time, None),
            ("2023-07-10 11:42:36.125", Type::Time, Some("2023-07-10T11:42:36.125Z")),
            ("2023-07-10T11:42:36", Type::Time, Some("2023-07-10T11:42:36Z")),
            ("2023-07-10", Type::Time, None),
            ("yesterday", Type::Time, None),
        ] {
            assert_eq!(text(raw, ty).as_deref(), expected, "{raw} as {ty:?}");
        }
    }

    fn hash(value: &Value<'_>) -> u64 {
        let mut hasher = std::hash::DefaultHasher::new();
        value.hash_as_key(&mut hasher);
        hasher.finish()
    }

    #[test]
    fn addresses_compare_by_value_and_link_by_text() {
        let read = |text: &'static str| Raw::Text(Cow::Borrowed(text)).typed(Type::Ip).unwrap();
        let (usual, other) = (read("2001:db8::1"), read("2001:DB8:0::1"));
        assert!(usual.same(&other) && other.same(&usual));
        assert_eq!(usual.address(), other.address());
        assert_ne!(usual.key(), other.key());
        assert_eq!(other.key(), read("2001:DB8:0::1").key());
        assert_ne!(hash(&usual), hash(&other));
        assert_eq!(hash(&other), hash(&read("2001:DB8:0::1")));
    }

    #[test]
    fn numbers_compare_by_value() {
        assert!(Value::Int(80).same(&Value::Float(80.0)));
        assert_eq!(hash(&Value::Int(80)), hash(&Value::Float(80.0)));
        assert_ne!(hash(&Value::Int(80)), hash(&Value::Float(80.5)));
        assert!(!Value::Int(80).same(&Value::Float(80.5)));
        assert!(!Value::Int(80).same(&Value::Text(Cow::Borrowed("80"))));
        assert_eq!(Value::Int(80).order(&Value::Float(80.5)), Some(Ordering::Less));
        assert_eq!(Value::Bool(true).order(&Value::Bool(false)), None);
        assert_eq!(Raw::Float(80.0).typed(Type::Int), Some(Value::Int(80)));
        assert_eq!(Raw::Float(1e300).typed(Type::Int), None);
        assert_eq!(Raw::Int(12).typed(Type::String), Some(Value::Text(Cow::Borrowed("12"))));
    }
}
