//! Values: constants to values of a field's type.
//!
//! In: a constant and the field it is compared with. Out: [`ir::Value`]s, networks and timestamps.
//! Must not know: names, operators.

use std::net::IpAddr;

use ipnet::IpNet;
use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;

use crate::catalog::FieldDef;
use crate::diag::{Code, Diagnostic, Fix};
use crate::ir::{self, Case, Type, Value};
use crate::source::Span;
use crate::syntax::ast;

use super::naming;
use super::sink::Sink;

/// A value before it meets a field.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Constant {
    pub(super) kind: Kind,
    /// Where it is used.
    pub(super) span: Span,
    /// Where the parameter that gives it has its default.
    pub(super) param: Option<Span>,
}

/// The kinds of values an author can write.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Kind {
    Text(String),
    Int(i64),
    Float(f64),
    Bool(bool),
    Duration(u64),
    Date(Date),
}

impl Kind {
    fn words(&self) -> &'static str {
        match self {
            Self::Text(_) => "a string",
            Self::Int(_) => "an integer",
            Self::Float(_) => "a decimal number",
            Self::Bool(_) => "a boolean",
            Self::Duration(_) => "a duration",
            Self::Date(_) => "a date",
        }
    }
}

/// A type in words.
pub(super) fn words(ty: Type) -> &'static str {
    match ty {
        Type::String => "a string",
        Type::Int => "an integer",
        Type::Float => "a number",
        Type::Bool => "a boolean",
        Type::Ip => "an address",
        Type::Time => "a timestamp",
    }
}

/// The calendar day, if it exists.
pub(super) fn day(date: ast::Date) -> Option<Date> {
    Date::new(date.year, date.month, date.day).ok()
}

pub(super) fn no_such_day<T>(sink: &mut Sink, span: Span) -> Option<T> {
    sink.report(bad_day(span));
    None
}

/// The finding for a day that the calendar lacks.
pub(super) fn bad_day(span: Span) -> Diagnostic {
    Diagnostic::new(Code::BadTime, span, "not a calendar date").label("no such day")
}

/// The value in the type of a field that is not an address.
pub(super) fn typed(sink: &mut Sink, field: &ir::Field, constant: &Constant) -> Option<Value> {
    match (field.ty, &constant.kind) {
        (Type::String, Kind::Text(text)) if text.is_empty() => {
            let found = empty_text(field, constant.span);
            sink.report(found);
            None
        }
        (Type::String, Kind::Text(text)) => Some(Value::String(text.clone())),
        (Type::Int, Kind::Int(number)) => Some(Value::Int(*number)),
        (Type::Float, Kind::Float(number)) => Some(Value::Float(*number)),
        #[allow(clippy::cast_precision_loss, reason = "the field itself has no more precision")]
        (Type::Float, Kind::Int(number)) => Some(Value::Float(*number as f64)),
        (Type::Bool, Kind::Bool(truth)) => Some(Value::Bool(*truth)),
        (Type::Time, Kind::Date(day)) => {
            midnight(*day).map(Value::Time).or_else(|| no_such_day(sink, constant.span))
        }
        (Type::Time, Kind::Text(text)) => match instant(text, constant.span) {
            Ok(instant) => Some(Value::Time(instant)),
            Err(found) => {
                sink.report(*found);
                None
            }
        },
        (Type::Ip, Kind::Text(text)) => address(sink, text, constant).map(Value::Ip),
        (Type::String | Type::Int | Type::Float | Type::Bool | Type::Ip | Type::Time, _) => {
            let found = wrong_type(field, constant);
            sink.report(found);
            None
        }
    }
}

/// The finding for a comparison with `""`.
pub(super) fn empty_text(field: &ir::Field, span: Span) -> Diagnostic {
    Diagnostic::new(Code::EmptyText, span, format!("`{}` is never the empty string", field.name))
        .label("an empty value counts as missing")
        .help(format!("write `exists({0})` or `not exists({0})`", field.name))
}

/// The finding for a value of a type that the field does not have.
pub(super) fn wrong_type(field: &ir::Field, constant: &Constant) -> Diagnostic {
    let title = format!("`{}` is {}, not {}", field.name, words(field.ty), constant.kind.words());
    let mut found = Diagnostic::new(Code::WrongType, constant.span, title).label(constant.kind.words());
    if let Some(default) = constant.param {
        return found.also(default, "the parameter gets its type here");
    }
    let replacement = match (field.ty, &constant.kind) {
        (Type::String, Kind::Int(number)) => Some(format!("\"{number}\"")),
        (Type::String, Kind::Bool(truth)) => Some(format!("\"{truth}\"")),
        (Type::Int, Kind::Text(text)) => text.parse::<i64>().ok().map(|number| number.to_string()),
        (Type::Float, Kind::Text(text)) => {
            text.parse::<f64>().ok().filter(|n| n.is_finite()).map(|_| text.clone())
        }
        (Type::Bool, Kind::Text(text)) => {
            text.to_ascii_lowercase().parse::<bool>().ok().map(|truth| truth.to_string())
        }
        (Type::Bool, Kind::Int(0)) => Some("false".to_owned()),
        (Type::Bool, Kind::Int(1)) => Some("true".to_owned()),
        (Type::String | Type::Int | Type::Float | Type::Bool | Type::Ip | Type::Time, _) => None,
    };
    match replacement {
        Some(replacement) => {
            found = found.help(format!("write `{replacement}`"));
            found.fix = Some(Fix { span: constant.span, replacement });
            found
        }
        None => found.help(example(field.ty)),
    }
}

/// How a value of a type is written.
pub(super) fn example(ty: Type) -> &'static str {
    match ty {
        Type::String => "strings must be double-quoted: `\"RunInstances\"`",
        Type::Int => "write an integer such as `443`",
        Type::Float => "write a number such as `0.5`",
        Type::Bool => "write `true` or `false`",
        Type::Ip => "write an address or a network in quotes: `\"10.0.0.0/8\"`",
        Type::Time => "write a date or a timestamp: `2026-11-24`, `\"2026-11-24T08:30:00Z\"`",
    }
}

/// Midnight UTC of a day.
pub(super) fn midnight(day: Date) -> Option<Timestamp> {
    TimeZone::UTC.to_timestamp(day.at(0, 0, 0, 0)).ok()
}

/// The instant that a text names, to the microsecond: what every target can compare.
pub(super) fn instant(text: &str, span: Span) -> Result<Timestamp, Box<Diagnostic>> {
    let label = match text.parse::<Timestamp>() {
        // Instants have microseconds: a finer bound could only be rounded, and then `<` is another test.
        Ok(instant) if instant.subsec_nanosecond() % 1_000 == 0 => return Ok(instant),
        Ok(_) => "more precise than a microsecond",
        Err(_) => "expected a date and time with a UTC offset",
    };
    let found = Diagnostic::new(Code::BadTime, span, format!("`{text}` is not a timestamp"))
        .label(label)
        .help(example(Type::Time));
    Err(Box::new(found))
}

fn address(sink: &mut Sink, text: &str, constant: &Constant) -> Option<IpAddr> {
    let address = text.parse().ok();
    if address.is_none() {
        let found = Diagnostic::new(Code::BadNetwork, constant.span, format!("`{text}` is not an address"))
            .label("expected an IPv4 or IPv6 address")
            .help("write an address in quotes: `\"198.51.100.7\"`");
        sink.report(found);
    }
    address
}

/// The network of a value compared with an `ip` field.
pub(super) fn network(sink: &mut Sink, field: &ir::Field, constant: &Constant) -> Option<IpNet> {
    let Kind::Text(text) = &constant.kind else {
        let found = wrong_type(field, constant);
        sink.report(found);
        return None;
    };
    if text.is_empty() {
        let found = empty_text(field, constant.span);
        sink.report(found);
        return None;
    }
    match parse_network(text) {
        Ok(network) => Some(network),
        Err(problem) => {
            let mut found = problem.at(Code::BadNetwork, text, constant.span);
            // The span is that of the parameter's name, which must not be overwritten with a value.
            if constant.param.is_some() {
                found.fix = None;
            }
            sink.report(found);
            None
        }
    }
}

/// Why a text is not a network.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum NotANetwork {
    /// No address at all.
    Unreadable,
    /// The address has bits past the prefix; the network it lies in.
    HostBits(IpNet),
}

impl NotANetwork {
    /// The finding, with the right network as a fix if there is one.
    pub(super) fn at(&self, code: Code, text: &str, span: Span) -> Diagnostic {
        match self {
            Self::Unreadable => Diagnostic::new(code, span, format!("`{text}` is not an address or network"))
                .label("expected an address, or a network such as `10.0.0.0/8`"),
            Self::HostBits(network) => {
                let mut found = Diagnostic::new(
                    code,
                    span,
                    format!("`{text}` is an address within a network, not a network"),
                )
                .label("has bits set beyond the prefix")
                .help(format!("the network is `{network}`, the single address `{}`", host(text)));
                found.fix = Some(Fix { span, replacement: format!("\"{network}\"") });
                found
            }
        }
    }
}

fn host(text: &str) -> &str {
    text.split('/').next().unwrap_or(text)
}

/// Reads an address (a full-length prefix) or a network.
pub(super) fn parse_network(text: &str) -> Result<IpNet, NotANetwork> {
    // Before the network: `IpNet` does not read an address without a prefix.
    if let Ok(address) = text.parse::<IpAddr>() {
        return Ok(IpNet::from(address));
    }
    let network: IpNet = text.parse().map_err(|_| NotANetwork::Unreadable)?;
    // `10.1.2.3/8` may have been meant as the address or as the network; the finding offers both.
    if network.trunc() == network { Ok(network) } else { Err(NotANetwork::HostBits(network.trunc())) }
}

/// Checks a text against the values that a field can have.
pub(super) fn among(sink: &mut Sink, def: &FieldDef, text: &str, case: Case, span: Span) {
    let same = |value: &String| case.fold(value) == case.fold(text);
    if def.values.is_empty() || def.values.iter().any(same) {
        return;
    }
    // Case first, for by distance `FAILURE` is far from `failure`.
    let near = def.values.iter().find(|value| value.eq_ignore_ascii_case(text)).map(String::as_str);
    let near = near.or_else(|| crate::diag::nearest(text, def.values.iter().map(String::as_str)));
    let mut found = Diagnostic::new(Code::OutsideValues, span, format!("`{}` is never `{text}`", def.name))
        .label("not one of its values")
        .help(format!("its values are {}", naming::ticked(&def.values)));
    found.fix = near.map(|near| Fix { span, replacement: format!("\"{near}\"") });
    sink.report(found);
}
