//! The statement that makes the table of a source over the raw files of a bucket.
//!
//! In: a source, the engine of a lake. Out: a statement with `LOCATION` in place of the folder. Must not know: rules.

use crate::backend::SqlDialect;
use crate::catalog::Source;

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
    let known = TABLES.iter().find(|(name, _)| *name == source.name).map(|(_, texts)| texts);
    let has_own_columns = source.targets.get("sql").is_some_and(|mapping| !mapping.stored.is_empty());
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
    Ok(text.replace("NAME", &source.name.replace('.', "_")))
}
