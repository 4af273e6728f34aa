//! Parquet files: a row an event.
//!
//! In: the path of a file. Out: its rows as JSON objects.
//! Must not know: sources. The directory at the end is read, so a file cannot come from a pipe.

use std::fs::File;
use std::io;
use std::sync::Arc;

use parquet::basic::{Compression, LogicalType, TimeUnit};
use parquet::data_type::Decimal;
use parquet::file::metadata::{ColumnChunkMetaData, ParquetMetaData, RowGroupMetaData};
use parquet::file::reader::{FileReader, SerializedFileReader};
use parquet::record::{Field, Row};
use parquet::schema::types::Type;
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
    refuse_codec(reader.metadata())?;
    let columns = Columns::of(reader.metadata());
    let rows = reader.get_row_iter(None).map_err(io::Error::other)?;
    for (number, row) in (1..).zip(rows) {
        // As text, so that a row takes the same way through envelopes, filters and counts as a line does.
        let row = columns.object(&row.map_err(io::Error::other)?).to_string();
        if !each(&row, number) {
            break;
        }
    }
    Ok(())
}

/// Says what to do about a compression that this program cannot take off: its crates are C, or large.
fn refuse_codec(file: &ParquetMetaData) -> io::Result<()> {
    let columns = file.row_groups().iter().flat_map(RowGroupMetaData::columns);
    let unknown = columns.map(ColumnChunkMetaData::compression).find_map(|codec| match codec {
        Compression::ZSTD(_) => Some("zstd"),
        Compression::BROTLI(_) => Some("brotli"),
        Compression::LZO => Some("lzo"),
        Compression::UNCOMPRESSED
        | Compression::SNAPPY
        | Compression::GZIP(_)
        | Compression::LZ4
        | Compression::LZ4_RAW => None,
    });
    unknown.map_or(Ok(()), |codec| {
        let what = format!(
            "its columns are compressed by {codec}, which is not supported; write them with snappy or gzip, such as by \
             DuckDB: `copy (from 'FILE') to 'NEW.parquet'`"
        );
        Err(io::Error::other(what))
    })
}

/// Columns whose type the rows do not tell.
struct Columns {
    /// Names of those that hold instants in nanoseconds.
    nanos: Vec<String>,
}

impl Columns {
    fn of(file: &ParquetMetaData) -> Self {
        let fields = file.file_metadata().schema().get_fields().iter();
        let is_nanos = |field: &&Arc<Type>| {
            let logical = field.get_basic_info().logical_type_ref();
            matches!(logical, Some(LogicalType::Timestamp(time)) if time.unit == TimeUnit::NANOS)
        };
        Self { nanos: fields.filter(is_nanos).map(|field| field.name().to_owned()).collect() }
    }

    fn object(&self, row: &Row) -> Json {
        let members = row.get_column_iter().map(|(name, field)| {
            let value = if let Field::Long(nanos) = field
                && self.nanos.contains(name)
            {
                instant(Some(nanos.div_euclid(1000)))
            } else {
                json(field)
            };
            (name.clone(), value)
        });
        Json::Object(members.collect::<Map<_, _>>())
    }
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
        Field::Decimal(decimal) => plain_decimal(decimal).into(),
        Field::Float16(_) | Field::Date(_) | Field::TimeMillis(_) | Field::TimeMicros(_) => {
            field.to_string().into()
        }
    }
}

/// A decimal without the zeros behind its point, so that an integer is one.
fn plain_decimal(decimal: &Decimal) -> String {
    // Two's complement, the highest byte first.
    let bytes = decimal.data();
    let is_negative = bytes.first().is_some_and(|first| first & 0x80 != 0);
    let fill: i128 = if is_negative { -1 } else { 0 };
    let number = bytes.iter().fold(fill, |number, byte| number << 8 | i128::from(*byte));
    let scale = usize::try_from(decimal.scale()).unwrap_or_default();
    let digits = format!("{:0>width$}", number.unsigned_abs(), width = scale + 1);
    let (whole, part) = digits.split_at_checked(digits.len() - scale).unwrap_or((&digits, ""));
    let part = part.trim_end_matches('0');
    let sign = if number < 0 { "-" } else { "" };
    if part.is_empty() { format!("{sign}{whole}") } else { format!("{sign}{whole}.{part}") }
}

fn instant(micros: Option<i64>) -> Json {
    micros.map_or(Json::Null, |micros| crate::engine::value::instant_text(micros).into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decimals_are_numbers() {
        let decimal = |number: i64, scale| Decimal::from_i64(number, 18, scale);
        for (decimal, text) in [
            (decimal(443, 0), "443"),
            (decimal(44_300, 2), "443"),
            (decimal(-1_505, 2), "-15.05"),
            (decimal(5, 3), "0.005"),
            (decimal(0, 2), "0"),
            (Decimal::from_bytes(vec![0x01, 0xbb].into(), 38, 0), "443"),
            (Decimal::from_bytes(vec![0xff].into(), 38, 0), "-1"),
        ] {
            assert_eq!(plain_decimal(&decimal), text);
        }
    }
}
