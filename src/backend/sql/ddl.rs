//! The statement that makes the table of a source over the raw files of a bucket.
//!
//! In: a source, the engine of a lake. Out: a statement with `LOCATION` in place of the folder. Must not know: rules.

use super::literal;
use super::place::Route;
use crate::backend::SqlDialect;
use crate::catalog::{self, Layout, Part, Source, SourceMapping};

/// Tables with columns of their own, as AWS documents them for Athena.
const TABLES: [(&str, [&str; 3]); 2] = [
    (
        "aws.cloudtrail",
        [
            include_str!("../../../targets/sql/ddl/aws.cloudtrail.duckdb.sql"),
            include_str!("../../../targets/sql/ddl/aws.cloudtrail.spark.sql"),
            include_str!("../../../targets/sql/ddl/aws.cloudtrail.trino.sql"),
        ],
    ),
    (
        "aws.vpcflow",
        [
            include_str!("../../../targets/sql/ddl/aws.vpcflow.duckdb.sql"),
            include_str!("../../../targets/sql/ddl/aws.vpcflow.spark.sql"),
            include_str!("../../../targets/sql/ddl/aws.vpcflow.trino.sql"),
        ],
    ),
];

/// A table of one column that holds raw events.
const EVENTS: [&str; 3] = [
    include_str!("../../../targets/sql/ddl/event.duckdb.sql"),
    include_str!("../../../targets/sql/ddl/event.spark.sql"),
    include_str!("../../../targets/sql/ddl/event.trino.sql"),
];

/// A table of Amazon Security Lake, of either source version.
const SECURITY_LAKE: [[&str; 3]; 2] = [
    [
        include_str!("../../../targets/sql/ddl/ocsf1.duckdb.sql"),
        include_str!("../../../targets/sql/ddl/ocsf.spark.sql"),
        include_str!("../../../targets/sql/ddl/ocsf.trino.sql"),
    ],
    [
        include_str!("../../../targets/sql/ddl/ocsf2.duckdb.sql"),
        include_str!("../../../targets/sql/ddl/ocsf.spark.sql"),
        include_str!("../../../targets/sql/ddl/ocsf.trino.sql"),
    ],
];

/// The statement; why there is none, if there is none.
///
/// # Errors
/// What stands in the way: the table is one that the environment describes.
pub fn of(source: &Source, dialect: SqlDialect) -> Result<String, String> {
    let number = match dialect {
        SqlDialect::DuckDb => 0,
        SqlDialect::Spark => 1,
        SqlDialect::Trino => 2,
    };
    let stated = source.targets.get("sql");
    if let Some((layout, mapping)) = stated.and_then(|mapping| Some((mapping.layout?, mapping))) {
        return laid_out(source, mapping, layout, number);
    }
    let known = TABLES.iter().find(|(name, _)| *name == source.name).map(|(_, texts)| texts);
    let has_own_columns = stated.is_some_and(|mapping| !mapping.stored.is_empty());
    let texts = match known {
        Some(texts) => texts,
        None if has_own_columns => {
            return Err(format!(
                "`{}` names columns of a table of yours under `targets.sql`: Catena does not know how that is made",
                source.name
            ));
        }
        None => &EVENTS,
    };
    let text = texts.get(number).copied().unwrap_or_default();
    let text = text.replace("NAME", &source.name.replace('.', "_"));
    Ok(text.replace("WAYS", &ways(source, dialect)).replace(" AND MARKS", &marks(source, dialect)))
}

/// What stands at the places in an object around events that the source names.
fn ways(source: &Source, dialect: SqlDialect) -> String {
    let paths = source.log.container.iter().chain(&source.log.wrapped);
    let mut paths: Vec<_> = paths.filter_map(|path| catalog::path(path).ok()).collect();
    if paths.is_empty() {
        // The object itself.
        paths.push(Vec::new());
    }
    let way = |parts: &Vec<Part>| {
        let path = literal::json_path(dialect, &Route::new(parts).keys).into_text();
        match dialect {
            SqlDialect::DuckDb | SqlDialect::Trino => path,
            SqlDialect::Spark => format!("get_json_object(value, {path})"),
        }
    };
    paths.iter().map(way).collect::<Vec<_>>().join(", ")
}

/// That a text `x` has the keys of an event.
fn marks(source: &Source, dialect: SqlDialect) -> String {
    let has = |key: &String| format!(" AND contains(x, {})", literal::text(dialect, key).into_text());
    source.log.detect.iter().map(has).collect()
}

/// The statement for a table of Security Lake.
fn laid_out(
    source: &Source,
    mapping: &SourceMapping,
    layout: Layout,
    dialect: usize,
) -> Result<String, String> {
    let texts = match layout {
        Layout::Athena => None,
        Layout::Ocsf1 => SECURITY_LAKE.first(),
        Layout::Ocsf2 => SECURITY_LAKE.last(),
    };
    let text = texts.and_then(|texts| texts.get(dialect)).copied().unwrap_or_default();
    match mapping.from.0.first().filter(|_| !mapping.not_held) {
        Some(table) => Ok(text.replace("NAME", table)),
        None => Err(format!(
            "Amazon Security Lake has no table of `{}` in layout `{}`: it is not among the logs that it collects by itself",
            source.name,
            layout.name()
        )),
    }
}
