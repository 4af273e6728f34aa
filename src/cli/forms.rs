//! What may be chosen of the queries of one target.
//!
//! In: options of the command line. Out: those of a compilation. Must not know: rules, files.

use clap_complete::ArgValueCompleter;

use crate::backend::{Baseline, Rows, Slice, SqlDialect, Target};
use crate::project::CompileOptions;

use super::layout::LayoutChoice;
use super::{instant, names};

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
    /// SPL: where what must not have come before is looked for.
    #[arg(long, value_enum, value_name = "HOW", default_value_t)]
    baseline: BaselineChoice,
    #[command(flatten)]
    pub(super) staged: Staged,
    #[command(flatten)]
    lake: Lake,
}

/// The rules whose last log is read in two stages.
#[derive(Debug, Clone, Default, clap::Args)]
pub(super) struct Staged {
    /// SPL, SQL: two texts for this rule; one keeps the chains that lack their last step, the other reads the last log
    /// with what it has kept; for very large logs; may be repeated.
    #[arg(long = "staged", value_name = "RULE", add = ArgValueCompleter::new(names::rules))]
    pub(super) rules: Vec<String>,
}

/// What may be chosen of SQL.
#[derive(Debug, clap::Args)]
struct Lake {
    /// SQL: the engine of the lake (default: duckdb).
    #[arg(long, value_enum, value_name = "ENGINE", default_value_t, hide_default_value = true)]
    dialect: DialectChoice,
    /// SQL: whose tables the lake has (default: that of `catena.yaml`, or athena).
    #[arg(long, value_enum, value_name = "TABLES")]
    layout: Option<LayoutChoice>,
    /// SQL: alerts whose last event lies at this instant or later, and before `--to`. A day (00:00 UTC) or an instant
    /// such as `2026-11-24T08:00:00Z`.
    #[arg(long, value_name = "TIME", value_parser = instant::parse, requires = "to")]
    from: Option<i64>,
    /// SQL: the end of the slice, which is not in it.
    #[arg(long, value_name = "TIME", value_parser = instant::parse, requires = "from")]
    to: Option<i64>,
    /// SQL: markers for the two in place of instants, to be bound as ISO 8601: `$from` and `$to` in DuckDB, `:from` and
    /// `:to` in Spark, `?` and `?` in Trino.
    #[arg(long, conflicts_with_all = ["from", "to"])]
    markers: bool,
}

/// Where a query looks for what must not have come before.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, clap::ValueEnum)]
pub(super) enum BaselineChoice {
    /// In the events, as far back as the rule says.
    #[default]
    Inline,
    /// In a list that a search of its own keeps.
    Lookup,
    /// In the events up to a day back, otherwise in a list.
    Auto,
}

impl From<BaselineChoice> for Baseline {
    fn from(choice: BaselineChoice) -> Self {
        match choice {
            BaselineChoice::Inline => Self::Inline,
            BaselineChoice::Lookup => Self::Lookup,
            BaselineChoice::Auto => Self::Auto,
        }
    }
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

impl Lake {
    fn slice(&self) -> Slice {
        match (self.markers, self.from, self.to) {
            (true, _, _) => Slice::Marked,
            (false, Some(from), Some(to)) => Slice::Between(from, to),
            (false, _, _) => Slice::Whole,
        }
    }
}

impl Forms {
    /// Whether the choices go together, and with the targets.
    pub(super) fn check(&self, targets: &[&'static dyn Target]) -> anyhow::Result<()> {
        // Unread, they would leave a query of another time than was asked for.
        let is_read =
            self.lake.slice() == Slice::Whole || targets.iter().any(|target| target.name() == "sql");
        let options = if self.lake.markers { "`--markers`" } else { "`--from` and `--to`" };
        anyhow::ensure!(
            is_read,
            "{options}: only SQL reads a slice of time: add `--target sql`, or leave them out"
        );
        let is_slice = self.lake.from.zip(self.lake.to).is_none_or(|(from, to)| from < to);
        anyhow::ensure!(is_slice, "`--from` is not before `--to`: no alert could lie in between");
        Ok(())
    }

    /// Whose tables the lake has, if that was chosen.
    pub(super) fn layout(&self) -> Option<LayoutChoice> {
        self.lake.layout
    }

    /// What was chosen; the rest as it is without a choice.
    pub(super) fn options(&self) -> CompileOptions {
        CompileOptions {
            time_buckets: self.time_buckets,
            split: self.split,
            rows: if self.one_row_per_key { Rows::OnePerKey } else { Rows::All },
            baseline: self.baseline.into(),
            dialect: self.lake.dialect.into(),
            slice: self.lake.slice(),
            ..CompileOptions::default()
        }
    }
}
