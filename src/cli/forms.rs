//! What may be chosen of the queries of one target.
//!
//! In: options of the command line. Out: those of a compilation. Must not know: rules, files.

use crate::backend::{Rows, SqlDialect};
use crate::project::CompileOptions;

/// What may be chosen of the queries of one target.
#[derive(Debug, clap::Args)]
pub(super) struct Forms {
    /// KQL: join on time buckets too; faster when a key has very many events.
    #[arg(long)]
    time_buckets: bool,
    /// Sigma: write each base rule as a part of its own, and the correlations as another.
    #[arg(long)]
    split: bool,
    /// SPL, KQL: each run of a query gives the first row of each `dedupe` key.
    #[arg(long)]
    one_row_per_key: bool,
    /// SQL: the engine of the lake (default: duckdb).
    #[arg(long, value_enum, value_name = "ENGINE", default_value_t, hide_default_value = true)]
    dialect: DialectChoice,
}

/// The engines for which SQL is written.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, clap::ValueEnum)]
pub(super) enum DialectChoice {
    /// DuckDB 1.4 or later.
    #[default]
    Duckdb,
    /// Apache Spark 4 and Databricks.
    #[value(alias = "databricks")]
    Spark,
    /// Trino, and Amazon Athena from engine version 3.
    #[value(alias = "athena")]
    Trino,
}

impl From<DialectChoice> for SqlDialect {
    fn from(choice: DialectChoice) -> Self {
        match choice {
            DialectChoice::Duckdb => Self::DuckDb,
            DialectChoice::Spark => Self::Spark,
            DialectChoice::Trino => Self::Trino,
        }
    }
}

impl Forms {
    /// What was chosen; the rest as it is without a choice.
    pub(super) fn options(&self) -> CompileOptions {
        CompileOptions {
            time_buckets: self.time_buckets,
            split: self.split,
            rows: if self.one_row_per_key { Rows::OnePerKey } else { Rows::All },
            dialect: self.dialect.into(),
            ..CompileOptions::default()
        }
    }
}
