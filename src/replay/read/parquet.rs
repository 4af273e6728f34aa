//! Parquet files: a row an event.
//!
//! In: the path of a file. Out: its rows as JSON objects.
//! Must not know: sources. The directory at the end is read, so a file cannot come from a pipe.

use std::fs::File;
use std::io;

use parquet::file::reader::{FileReader, SerializedFileReader};
use parquet::record::{Field, Row};
use serde_json::{Map, Value as Json};

/// Whether a file begins as Parquet does.
pub(crate) fn is_parquet(head: &[u8]) -> bool {
    head.starts_with(b"PAR1")
}

/// Gives each row as a JSON object, with its number from 1, until `each` gives `false`.
///
/// # Errors
/// When the file cannot be read to its end; the rows before have been given.
pub(crate) fn rows(path: &str, mut each: impl FnMut(&str, u64) -> bool) -> io::Result<()> {
    let reader = SerializedFileReader::new(File::open(path)?).map_err(io::Error::other)?;
    let rows = reader.get_row_iter(None).map_err(io::Error::other)?;
    for (number, row) in (1..).zip(rows) {
        // As text, so that a row takes the same way through envelopes, filters and counts as a line does.
        let row = object(&row.map_err(io::Error::other)?).to_string();
        if !each(&row, number) {
            break;
        }
    }
    Ok(())
}

fn object(row: &Row) -> Json {
    let members = row.get_column_iter().map(|(name, field)| (name.clone(), json(field)));
    Json::Object(members.collect::<Map<_, _>>())
}

fn json(field: &Field) -> Json {
    match field {
        Field::Null => Json::Null,
        Field::Bool(value) => (*value).into(),
        Field::Byte(number) => (*number).into(),
        Field::Short(number) => (*number).into(),
        Field::Int(number) => (*number).into(),
        Field::Long(number) => (*number).into(),
        Field::UByte(number) => (*number).into(),
        Field::UShort(number) => (*number).into(),
        Field::UInt(number) => (*number).into(),
        Field::ULong(number) => (*number).into(),
        Field::Float(number) => (*number).into(),
        Field::Double(number) => (*number).into(),
        Field::Str(text) => text.as_str().into(),
        // Older writers, Impala and Spark among them, do not mark text as such.
        Field::Bytes(bytes) => String::from_utf8_lossy(bytes.data()).into(),
        // INT96, the form of instants in older files, comes as milliseconds too.
        Field::TimestampMillis(millis) => instant(millis.checked_mul(1000)),
        Field::TimestampMicros(micros) => instant(Some(*micros)),
        Field::Group(row) => object(row),
        Field::ListInternal(list) => list.elements().iter().map(json).collect(),
        Field::MapInternal(map) => {
            let key = |field: &Field| json(field).as_str().map_or_else(|| field.to_string(), str::to_owned);
            let members = map.entries().iter().map(|(name, value)| (key(name), json(value)));
            Json::Object(members.collect::<Map<_, _>>())
        }
        Field::Float16(_)
        | Field::Decimal(_)
        | Field::Date(_)
        | Field::TimeMillis(_)
        | Field::TimeMicros(_) => field.to_string().into(),
    }
}

fn instant(micros: Option<i64>) -> Json {
    micros.map_or(Json::Null, |micros| crate::engine::value::instant_text(micros).into())
}
