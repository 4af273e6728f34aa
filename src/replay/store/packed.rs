//! Stored records, as they are and packed into bytes.
//!
//! In: the values of a record that satisfies a step. Out: a few dozen bytes for memory or a file, and the record again.
//! Must not know: where they are stored, rules.

use std::borrow::Cow;
use std::cmp::Ordering;
use std::net::IpAddr;

use crate::engine::predicate::Values;
use crate::engine::record::{Identity, Record, Schema};
use crate::engine::value::{Raw, Value};
use crate::ir::Type;

/// A record that came out of the store.
#[derive(Debug)]
pub(crate) struct StoredRecord {
    pub(crate) record: Record,
    /// Tells it from the other records of its event.
    pub(crate) ordinal: u64,
    /// Rules and steps that it satisfies.
    pub(crate) steps: Steps,
    /// Whether it can be part of no chain: then it is here to be counted only, without its values.
    pub(crate) is_count_only: bool,
}

/// A rule and one of its steps, by number.
pub(crate) type StepId = (u32, u16);

/// The steps that a record satisfies.
pub(crate) type Steps = Box<[StepId]>;

impl StoredRecord {
    /// Whether this is `earlier` delivered again: the same record of the same event.
    pub(crate) fn is_duplicate_of(&self, earlier: &Self) -> bool {
        self.record.event == earlier.record.event
            && self.ordinal == earlier.ordinal
            && self.record.time == earlier.record.time
    }

    /// The order in which the engine sees records; those that it does not see come first.
    pub(crate) fn order(&self, other: &Self) -> Ordering {
        other
            .is_count_only
            .cmp(&self.is_count_only)
            .then_with(|| self.record.order(&other.record))
            .then(self.ordinal.cmp(&other.ordinal))
    }
}

/// What decides the order of packed records, up to records of one event: time, number of the source in order of name,
/// event.
pub(crate) type Head = (i64, u16, Identity);

/// A record about to be packed.
#[derive(Debug)]
pub(crate) struct RecordParts<'p, 'v> {
    pub(crate) ordinal: u64,
    pub(crate) steps: &'p [StepId],
    pub(crate) values: &'p Values<'v>,
}

// No file outlasts a replay, so the numbers may change from version to version.
const MISSING: u8 = 0;
const TEXT: u8 = 1;
const INT: u8 = 2;
const FLOAT: u8 = 3;
const NO: u8 = 4;
const YES: u8 = 5;
const TIME: u8 = 6;
const V4: u8 = 7;
const V6: u8 = 8;
const ALT_SPELLING: u8 = 9;
const MANY: u8 = 10;

/// Appends the bytes of a record.
pub(crate) fn pack(record: &RecordParts<'_, '_>, out: &mut Vec<u8>) {
    put_number(record.ordinal, out);
    put_number(record.steps.len() as u64, out);
    for (rule, step) in record.steps {
        put_number(u64::from(*rule), out);
        put_number(u64::from(*step), out);
    }
    for value in record.values {
        put_value(value.as_ref(), out);
    }
}

/// Seven bits a byte, the lowest first.
fn put_number(mut number: u64, out: &mut Vec<u8>) {
    while number >= 0x80 {
        out.push(number.to_le_bytes()[0] | 0x80);
        number >>= 7;
    }
    out.push(number.to_le_bytes()[0]);
}

fn put_value(value: Option<&Value<'_>>, out: &mut Vec<u8>) {
    let mut put = |tag: u8, bytes: &[u8]| {
        out.push(tag);
        out.extend_from_slice(bytes);
    };
    match value {
        None => put(MISSING, &[]),
        Some(Value::Text(text)) => put_text(TEXT, text, out),
        Some(Value::AltSpelling(written)) => put_text(ALT_SPELLING, written.text(), out),
        Some(Value::Many(all)) => {
            out.push(MANY);
            put_number(all.len() as u64, out);
            all.iter().for_each(|value| put_value(Some(value), out));
        }
        Some(Value::Int(number)) => put(INT, &number.to_le_bytes()),
        Some(Value::Float(number)) => put(FLOAT, &number.to_le_bytes()),
        Some(Value::Bool(value)) => put(if *value { YES } else { NO }, &[]),
        Some(Value::Time(micros)) => put(TIME, &micros.to_le_bytes()),
        Some(Value::Ip(IpAddr::V4(address))) => put(V4, &address.octets()),
        Some(Value::Ip(IpAddr::V6(address))) => put(V6, &address.octets()),
    }
}

fn put_text(tag: u8, text: &str, out: &mut Vec<u8>) {
    out.push(tag);
    put_number(text.len() as u64, out);
    out.extend_from_slice(text.as_bytes());
}

/// What was packed; `None` if the bytes are no such thing. The values go into `values`.
pub(crate) fn unpack<'b>(
    mut bytes: &'b [u8],
    schema: &Schema,
    values: &mut Vec<Option<Value<'b>>>,
) -> Option<(u64, Steps)> {
    let from = &mut bytes;
    let ordinal = number(from)?;
    let steps = (0..number(from)?).map(|_| {
        let (rule, step) = (number(from)?, number(from)?);
        Some((u32::try_from(rule).ok()?, u16::try_from(step).ok()?))
    });
    let steps = steps.collect::<Option<_>>()?;
    values.clear();
    for _ in schema.fields() {
        value(from, values)?;
    }
    Some((ordinal, steps))
}

fn number(from: &mut &[u8]) -> Option<u64> {
    let (mut number, mut shift) = (0, 0);
    loop {
        let [byte] = array(from)?;
        number |= u64::from(byte & 0x7f).checked_shl(shift)?;
        if byte < 0x80 {
            return Some(number);
        }
        shift += 7;
    }
}

/// Puts the next value, or that it is missing, behind `values`.
fn value<'b>(from: &mut &'b [u8], values: &mut Vec<Option<Value<'b>>>) -> Option<()> {
    let [tag] = array(from)?;
    values.push(match tag {
        MISSING => None,
        TEXT => Some(Value::Text(Cow::Borrowed(text(from)?))),
        MANY => {
            let mut all = Vec::new();
            for _ in 0..number(from)? {
                value(from, &mut all)?;
            }
            Some(Value::Many(all.into_iter().flatten().collect()))
        }
        // Only the text is stored: it gives the address again.
        ALT_SPELLING => Some(Raw::Text(Cow::Borrowed(text(from)?)).typed(Type::Ip)?),
        INT => Some(Value::Int(i64::from_le_bytes(array(from)?))),
        FLOAT => Some(Value::Float(f64::from_le_bytes(array(from)?))),
        NO => Some(Value::Bool(false)),
        YES => Some(Value::Bool(true)),
        TIME => Some(Value::Time(i64::from_le_bytes(array(from)?))),
        V4 => Some(Value::Ip(IpAddr::from(array::<4>(from)?))),
        V6 => Some(Value::Ip(IpAddr::from(array::<16>(from)?))),
        _ => return None,
    });
    Some(())
}

fn text<'b>(from: &mut &'b [u8]) -> Option<&'b str> {
    let length = usize::try_from(number(from)?).ok()?;
    let (text, rest) = from.split_at_checked(length)?;
    *from = rest;
    std::str::from_utf8(text).ok()
}

fn array<const N: usize>(from: &mut &[u8]) -> Option<[u8; N]> {
    let (bytes, rest) = from.split_first_chunk::<N>()?;
    *from = rest;
    Some(*bytes)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::catalog::Catalog;

    #[test]
    fn packed_records_come_back() {
        let catalog = Catalog::embedded().unwrap();
        let schema = Arc::new(Schema::new(catalog.source("aws.cloudtrail").unwrap(), None));
        let mut values = schema.empty();
        let some = [
            Value::Text("é".repeat(200).into()),
            Value::Int(i64::MIN),
            Value::Float(-0.5),
            Value::Bool(true),
            Value::Bool(false),
            Value::Time(1),
            Value::Ip("192.0.2.1".parse().unwrap()),
            Value::Ip("2001:db8::1".parse().unwrap()),
            Raw::Text("2001:DB8:0::1".into()).typed(Type::Ip).unwrap(),
        ];
        for (place, value) in values.iter_mut().skip(1).zip(&some) {
            *place = Some(value.clone());
        }
        let steps = [(0, 1), (70_000, 300), (u32::MAX, u16::MAX)];
        let mut bytes = Vec::new();
        pack(&RecordParts { ordinal: u64::MAX, steps: &steps, values: &values }, &mut bytes);
        let mut back = Vec::new();
        let (ordinal, found) = unpack(&bytes, &schema, &mut back).unwrap();
        assert_eq!((ordinal, &*found), (u64::MAX, &steps[..]));
        assert_eq!(back, values);
        for length in 0..bytes.len() {
            assert!(unpack(&bytes[..length], &schema, &mut Vec::new()).is_none(), "{length}");
        }
    }
}
