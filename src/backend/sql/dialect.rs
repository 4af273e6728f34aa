//! What the dialects write in different ways.
//!
//! In: a dialect and fragments. Out: fragments. Must not know: rules, sources, what the fragments mean. Facts:
//! `DuckDB`'s, Spark's and Trino's function references; `docs/sql.md` says what was run where.

use super::array::{self, Held};
use super::column::Key;
use super::literal::{self, Frag, code, test, whole};
use crate::backend::SqlDialect;
use crate::backend::print::Bind;
use crate::ir::Type;

/// The scalar at a path of a JSON text, as text; null where there is none, or an object or array.
pub(super) fn json_scalar(dialect: SqlDialect, document: &Frag, path: &[Key]) -> Frag {
    let path = literal::json_path(dialect, path);
    match dialect {
        // `json_value` gives null for what is no scalar; `->> '$'` takes the quotes off.
        SqlDialect::DuckDb => whole("(json_value(TRY_CAST({} AS JSON), {}) ->> '$')", &[document, &path]),
        SqlDialect::Spark => whole("get_json_object({}, {})", &[document, &path]),
        SqlDialect::Trino => whole("TRY(json_extract_scalar({}, {}))", &[document, &path]),
    }
}

/// The same for a field that is a text: an integer as JSON writes it with decimals (`443.0`) is the text of the
/// integer. Spark does not tell it from a text.
pub(super) fn json_text_of_scalar(dialect: SqlDialect, document: &Frag, path: &[Key]) -> Frag {
    let written = literal::json_path(dialect, path);
    match dialect {
        SqlDialect::DuckDb => whole(
            r"(regexp_replace(json_value(TRY_CAST({} AS JSON), {}), '^(-?[0-9]+)[.]0+$', '\1') ->> '$')",
            &[document, &written],
        ),
        SqlDialect::Spark => json_scalar(dialect, document, path),
        SqlDialect::Trino => whole(
            r"COALESCE(regexp_extract(TRY(json_format(json_extract({}, {}))), '^(-?[0-9]+)[.]0+\z', 1), {})",
            &[document, &written, &json_scalar(dialect, document, path)],
        ),
    }
}

/// The same of an item of an array, which is JSON already.
pub(super) fn json_item_scalar(dialect: SqlDialect, item: &Frag, path: &[Key]) -> Frag {
    match dialect {
        SqlDialect::DuckDb => {
            whole("(json_value({}, {}) ->> '$')", &[item, &literal::json_path(dialect, path)])
        }
        SqlDialect::Spark | SqlDialect::Trino => json_scalar(dialect, item, path),
    }
}

/// The JSON that stands at a path of a JSON text, as text, and what a string there holds.
pub(super) fn json_text(dialect: SqlDialect, document: &Frag, path: &[Key]) -> Frag {
    let path = literal::json_path(dialect, path);
    match dialect {
        SqlDialect::DuckDb => whole("(TRY_CAST({} AS JSON) ->> {})", &[document, &path]),
        SqlDialect::Spark => whole("get_json_object({}, {})", &[document, &path]),
        SqlDialect::Trino => whole(
            "COALESCE(TRY(json_extract_scalar({}, {})), TRY(json_format(json_extract({}, {}))))",
            &[document, &path, document, &path],
        ),
    }
}

/// The objects among the items of the array at a path of a JSON text, each a JSON text: others are no items.
pub(super) fn json_items(dialect: SqlDialect, document: &Frag, path: &[Key]) -> Frag {
    let array = array::of_json(dialect, document, path, false);
    match dialect {
        SqlDialect::DuckDb => whole("list_filter({}, lambda x: json_type(x) = 'OBJECT')", &[&array]),
        SqlDialect::Spark => whole("filter({}, x -> x LIKE '\\u007b%')", &[&array]),
        SqlDialect::Trino => whole("filter({}, x -> json_format(x) LIKE '{%')", &[&array]),
    }
}

/// The rows of a table, one for each item of an array, one without an item where there is none; the item and its number
/// get names.
pub(super) fn unnest(dialect: SqlDialect, from: &Frag, array: &Frag, item: &Frag, number: &Frag) -> Frag {
    match dialect {
        // A lateral join would put all rows together by the array first.
        SqlDialect::DuckDb => whole(
            "(SELECT *, unnest({}_or_none) AS {}, generate_subscripts({}_or_none, 1) AS {}\n    FROM (SELECT *, CASE WHEN \
             len({}_list) > 0 THEN {}_list ELSE [NULL] END AS {}_or_none\n    FROM (SELECT *, {} AS {}_list\n    FROM {})))",
            &[item, item, item, number, item, item, item, array, item, from],
        ),
        SqlDialect::Spark => {
            whole("{}\n  LATERAL VIEW OUTER posexplode({}) {}s AS {}, {}", &[from, array, item, number, item])
        }
        SqlDialect::Trino => whole(
            "{}\n  LEFT JOIN UNNEST({}) WITH ORDINALITY AS {}s({}, {}) ON TRUE",
            &[from, array, item, item, number],
        ),
    }
}

/// Any column as text.
pub(super) fn as_text(dialect: SqlDialect, column: &Frag, is_struct: bool) -> Frag {
    match dialect {
        SqlDialect::Spark if is_struct => whole("to_json({})", &[column]),
        SqlDialect::Trino if is_struct => whole("json_format(CAST({} AS JSON))", &[column]),
        SqlDialect::DuckDb | SqlDialect::Spark | SqlDialect::Trino => {
            whole("CAST({} AS {})", &[column, &literal::type_name(dialect, Type::String)])
        }
    }
}

/// Whether a regular expression matches somewhere in a text. The expression is in the dialect's own syntax.
pub(super) fn matches(dialect: SqlDialect, column: &Frag, regex: &str) -> Frag {
    let regex = literal::text(dialect, regex);
    match dialect {
        SqlDialect::DuckDb => whole("regexp_matches({}, {})", &[column, &regex]),
        SqlDialect::Spark => test("{()} RLIKE {}", &[column, &regex]),
        SqlDialect::Trino => whole("regexp_like({}, {})", &[column, &regex]),
    }
}

/// The first capture of a regular expression; empty or null where nothing was found.
pub(super) fn capture(dialect: SqlDialect, column: &Frag, regex: &str) -> Frag {
    let regex = literal::text(dialect, regex);
    match dialect {
        SqlDialect::DuckDb | SqlDialect::Spark | SqlDialect::Trino => {
            whole("regexp_extract({}, {}, 1)", &[column, &regex])
        }
    }
}

/// The end of a text in a regular expression: `$` also holds before a last line feed in Java and Joni.
pub(super) fn end_of_text(dialect: SqlDialect) -> &'static str {
    match dialect {
        SqlDialect::DuckDb => "$",
        SqlDialect::Spark | SqlDialect::Trino => r"\z",
    }
}

/// Microseconds since 1970 of an instant that is written as ISO 8601, with a zone or in UTC; null where there is none.
pub(super) fn instant(dialect: SqlDialect, text: &Frag) -> Frag {
    let text = zoned(dialect, text);
    match dialect {
        SqlDialect::DuckDb => whole("epoch_us(TRY_CAST({} AS TIMESTAMPTZ))", &[&text]),
        SqlDialect::Spark | SqlDialect::Trino => plain_instant(dialect, &text),
    }
}

/// The same of a column: what nearly every row has (`2026-01-01T00:00:00Z`) costs a tenth of the time in this way.
pub(super) fn instant_of_column(dialect: SqlDialect, column: &Frag) -> Frag {
    // The hour 24 is none.
    let plain = test("{} LIKE '____-__-__T__:__:__Z' AND {} NOT LIKE '%T24%'", &[column, column]);
    let [usual, other] = [plain_instant(dialect, column), instant(dialect, column)];
    whole("CASE WHEN {} THEN {} ELSE {} END", &[&plain, &usual, &other])
}

/// The same of a text as each engine reads it best.
fn plain_instant(dialect: SqlDialect, text: &Frag) -> Frag {
    match dialect {
        SqlDialect::DuckDb => whole("epoch_us(TRY_CAST({} AS TIMESTAMP))", &[text]),
        SqlDialect::Spark => whole("unix_micros(try_to_timestamp({}))", &[text]),
        SqlDialect::Trino => {
            whole("CAST(to_unixtime(TRY(from_iso8601_timestamp_nanos({}))) * 1000000 AS BIGINT)", &[text])
        }
    }
}

/// A text of an instant with its zone: without one it is in UTC, where engines take the session's. What they read
/// besides, such as a date alone or the hour 24, is no instant: what is left of it is empty or null. Digits are theirs
/// to check.
fn zoned(dialect: SqlDialect, text: &Frag) -> Frag {
    let instant = "....-..-..T(?:[01].|2[0-3]):..(?::..(?:[.][0-9]+)?)?(?:Z|[+-]..(?::?..)?)";
    // With the `Z` that is added, one in UTC has one or two of them; the group has the first.
    let regex = format!("^({instant})Z?{}", end_of_text(dialect));
    let text = capture(dialect, &whole("concat(translate({}, ' tz,', 'TTZ.'), 'Z')", &[text]), &regex);
    match dialect {
        SqlDialect::DuckDb => text,
        // Spark wants seconds.
        SqlDialect::Spark => whole("regexp_replace({}, '(T.....)([Z+-])', '$1:00$2')", &[&text]),
        SqlDialect::Trino => strict(&text),
    }
}

/// Java's `ISO_DATE_TIME`, by which Trino reads instants, wants minutes in an offset, and a colon before them. More
/// than microseconds would be rounded; everywhere else they are cut off.
fn strict(text: &Frag) -> Frag {
    let with_minutes = whole("regexp_replace({}, '([+-][0-9]{2})$', '$1:00')", &[text]);
    let with_colon = whole("regexp_replace({}, '([+-][0-9]{2})([0-9]{2})$', '$1:$2')", &[&with_minutes]);
    whole("regexp_replace({}, '([.][0-9]{6})[0-9]+', '$1')", &[&with_colon])
}

/// Microseconds since 1970 of a column that holds an instant.
pub(super) fn micros(dialect: SqlDialect, column: &Frag) -> Frag {
    match dialect {
        SqlDialect::DuckDb => whole("epoch_us({})", &[column]),
        SqlDialect::Spark => whole("unix_micros({})", &[column]),
        SqlDialect::Trino => whole("CAST(to_unixtime({}) * 1000000 AS BIGINT)", &[column]),
    }
}

/// The text that a map has for a key; null if it has none.
pub(super) fn of_map(dialect: SqlDialect, map: &Frag, key: &str) -> Frag {
    let key = literal::text(dialect, key);
    match dialect {
        SqlDialect::DuckDb => whole("{}[{}]", &[map, &key]),
        SqlDialect::Spark => whole("try_element_at({}, {})", &[map, &key]),
        SqlDialect::Trino => whole("element_at({}, {})", &[map, &key]),
    }
}

/// Microseconds since 1970 of a parameter, whose value is an instant as ISO 8601. What is none fails, rather than
/// finding nothing. Drivers bind texts; a time of theirs would be one of the session's zone.
pub(super) fn bound_instant(dialect: SqlDialect, name: &str) -> Frag {
    match dialect {
        SqlDialect::DuckDb => {
            let text = whole("CAST({} AS VARCHAR)", &[&literal::own(&format!("${name}"))]);
            whole("epoch_us(CAST({} AS TIMESTAMPTZ))", &[&zoned(dialect, &text)])
        }
        SqlDialect::Spark => {
            let text = zoned(dialect, &literal::own(&format!(":{name}")));
            whole("unix_micros(to_timestamp({}))", &[&text])
        }
        SqlDialect::Trino => {
            let text = zoned(dialect, &literal::own("?"));
            whole("CAST(to_unixtime(from_iso8601_timestamp_nanos({})) * 1000000 AS BIGINT)", &[&text])
        }
    }
}

/// The day in UTC: `CURRENT_DATE` is the day of the session's zone.
pub(super) fn today(dialect: SqlDialect) -> Frag {
    match dialect {
        SqlDialect::DuckDb => whole("CAST(now() AT TIME ZONE 'UTC' AS DATE)", &[]),
        SqlDialect::Spark => {
            whole("CAST(to_utc_timestamp(current_timestamp(), current_timezone()) AS DATE)", &[])
        }
        SqlDialect::Trino => whole("CAST(current_timestamp AT TIME ZONE 'UTC' AS DATE)", &[]),
    }
}

/// A time for a reader. Nanoseconds reach from 1677 to 2262: beyond that Trino shows none, where it would fail.
pub(super) fn timestamp(dialect: SqlDialect, micros: &Frag) -> Frag {
    match dialect {
        SqlDialect::DuckDb => whole("make_timestamp({})", &[micros]),
        SqlDialect::Spark => whole("timestamp_micros({})", &[micros]),
        SqlDialect::Trino => whole("TRY(from_unixtime_nanos({} * 1000))", &[micros]),
    }
}

/// A struct of columns under their own names.
pub(super) fn pack(dialect: SqlDialect, columns: &[(Frag, Held)]) -> Frag {
    let each = |template: &'static str| {
        let parts: Vec<_> = columns.iter().map(|(name, _)| whole(template, &[name, name])).collect();
        literal::list(&parts)
    };
    match dialect {
        SqlDialect::DuckDb => whole("struct_pack({})", &[&each("{} := {}")]),
        SqlDialect::Spark => whole("named_struct({})", &[&each("'{}', {}")]),
        SqlDialect::Trino => {
            let names = literal::list(columns.iter().map(|(name, _)| name));
            whole("CAST(ROW({}) AS {})", &[&names, &struct_type(dialect, columns)])
        }
    }
}

/// The type of such a struct.
pub(super) fn struct_type(dialect: SqlDialect, columns: &[(Frag, Held)]) -> Frag {
    let template = if dialect == SqlDialect::Spark { "{}: {}" } else { "{} {}" };
    let parts: Vec<_> =
        columns.iter().map(|(name, held)| whole(template, &[name, &held.type_name(dialect)])).collect();
    let parts = literal::list(&parts);
    match dialect {
        SqlDialect::DuckDb => whole("STRUCT({})", &[&parts]),
        SqlDialect::Spark => whole("STRUCT<{}>", &[&parts]),
        SqlDialect::Trino => whole("ROW({})", &[&parts]),
    }
}

/// A hash of a text, as text.
fn hash(dialect: SqlDialect, text: &Frag) -> Frag {
    match dialect {
        SqlDialect::DuckDb => whole("sha256({})", &[text]),
        SqlDialect::Spark => whole("sha2({}, 256)", &[text]),
        SqlDialect::Trino => whole("to_hex(sha256(to_utf8({})))", &[text]),
    }
}

/// What is read once by a test that names it several times: engines copy a calculated column into every comparison. The
/// body names it `v`.
pub(super) fn once(dialect: SqlDialect, value: &Frag, body: &Frag) -> Frag {
    match dialect {
        SqlDialect::DuckDb => whole("list_bool_or(list_transform([{}], lambda v: {}))", &[value, body]),
        SqlDialect::Spark => whole("exists(array({}), v -> {})", &[value, body]),
        SqlDialect::Trino => whole("any_match(ARRAY[{}], v -> {})", &[value, body]),
    }
}

/// The value of an expression over `v`, which is read once.
pub(super) fn bound(dialect: SqlDialect, value: &Frag, body: &Frag) -> Frag {
    match dialect {
        SqlDialect::DuckDb => whole("list_transform([{}], lambda v: {})[1]", &[value, body]),
        SqlDialect::Spark => whole("transform(array({}), v -> {})[0]", &[value, body]),
        SqlDialect::Trino => whole("transform(ARRAY[{}], v -> {})[1]", &[value, body]),
    }
}

/// Each part of a text, as a digit group of an address, filled up to four digits, in one text.
pub(super) fn padded_groups(dialect: SqlDialect, text: &Frag) -> Frag {
    match dialect {
        SqlDialect::DuckDb => whole(
            "array_to_string(list_transform(string_split({}, ':'), lambda h: lpad(h, 4, '0')), '')",
            &[text],
        ),
        SqlDialect::Spark | SqlDialect::Trino => {
            whole("array_join(transform(split({}, ':'), h -> lpad(h, 4, '0')), '')", &[text])
        }
    }
}

/// A number below 65,536 in hexadecimal digits of lower case.
pub(super) fn hexadecimal(dialect: SqlDialect, number: &Frag) -> Frag {
    match dialect {
        SqlDialect::DuckDb => whole("printf('%x', {})", &[number]),
        SqlDialect::Spark => whole("lower(hex({}))", &[number]),
        SqlDialect::Trino => whole("to_base({}, 16)", &[number]),
    }
}

/// Whether the rows of a common table are kept when it is read more than once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Keeping {
    AsTheEngineLikes,
    Kept,
    /// Filters of who reads it must reach the tables that it reads.
    Inlined,
}

/// A common table expression: a name and a query.
pub(super) fn common_table(dialect: SqlDialect, name: &Frag, query: &Frag, keeping: Keeping) -> Frag {
    let template = match (dialect, keeping) {
        (SqlDialect::DuckDb, Keeping::Inlined) => "{} AS NOT MATERIALIZED (\n  {}\n)",
        (SqlDialect::DuckDb, Keeping::Kept) => "{} AS MATERIALIZED (\n  {}\n)",
        // The others have no word for it.
        (SqlDialect::DuckDb | SqlDialect::Spark | SqlDialect::Trino, _) => "{} AS (\n  {}\n)",
    };
    code(Bind::Or, template, &[name, query])
}

/// A row of the table called `logs` as one value, if the dialect has a word for it.
pub(super) fn row(dialect: SqlDialect) -> Option<Frag> {
    match dialect {
        SqlDialect::DuckDb => Some(whole("logs", &[])),
        SqlDialect::Spark => Some(whole("struct(logs.*)", &[])),
        SqlDialect::Trino => None,
    }
}

/// A hash of such a value. It takes long, so it stands where few rows are left.
pub(super) fn hash_of_row(dialect: SqlDialect, row: &Frag) -> Frag {
    let text = match dialect {
        SqlDialect::DuckDb => whole("CAST({} AS VARCHAR)", &[row]),
        SqlDialect::Spark => whole("to_json({})", &[row]),
        SqlDialect::Trino => row.clone(),
    };
    hash(dialect, &text)
}

/// Whether a test takes so long that it should be asked last.
pub(super) fn takes_long(test: &Frag) -> bool {
    ["regexp_", " LIKE "].iter().any(|word| test.text().contains(word))
}

/// The engine's name for readers.
pub(super) fn title(dialect: SqlDialect) -> &'static str {
    match dialect {
        SqlDialect::DuckDb => "DuckDB",
        SqlDialect::Spark => "Spark and Databricks",
        SqlDialect::Trino => "Trino and Athena",
    }
}
