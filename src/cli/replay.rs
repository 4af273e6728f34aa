//! `catena replay`: rules over log files, in the embedded engine.

use std::path::PathBuf;

use anyhow::Context;

use crate::ir::Rule;
use crate::replay::{Options, Plan, Report, misses, output as formats};

use super::logs::{LogOptions, watched};
use super::report::{self, Format, plural};
use super::session::{self, SessionOptions};
use super::{Outcome, instant, output};

/// Run rules over log files on the embedded engine.
///
/// Alerts are printed as NDJSON, one per line, in time order. Files may be compressed (gzip, zstd); directories are
/// searched recursively.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  catena replay rules --events aws.cloudtrail=logs/ --events aws.vpcflow=flow/ --explain
  zcat *.json.gz | catena replay rule.chain --events aws.cloudtrail=-")]
pub(super) struct Replay {
    /// Rule files and directories.
    #[arg(required = true, value_name = "RULE.chain")]
    paths: Vec<PathBuf>,
    #[command(flatten)]
    logs: LogOptions,
    /// Print a readable timeline for each alert instead of NDJSON.
    #[arg(long)]
    explain: bool,
    /// Alert only on chains that begin at this instant or later: older events are history, which `unless`, `first` and
    /// `at least` look back on. A day (00:00 UTC) or an instant such as `2026-11-24T08:00:00Z`.
    #[arg(long, value_name = "TIME", value_parser = instant::parse)]
    from: Option<i64>,
    /// Also list near misses: chains that failed by a single condition, nearest first, at most N per rule (default:
    /// 20). Files are read twice.
    #[arg(long, value_name = "N", num_args = 0..=1, require_equals = true, default_missing_value = "20")]
    near: Option<usize>,
    /// Also print how many records each step and link matched, on standard error.
    #[arg(long)]
    stats: bool,
    /// Parse every event in full and treat a malformed one as an error.
    #[arg(long)]
    strict: bool,
    #[command(flatten)]
    session: SessionOptions,
}

impl Replay {
    pub(super) fn run(self) -> anyhow::Result<Outcome> {
        let Some(session) = session::open(&self.paths, &self.session) else { return Ok(Outcome::Failure) };
        let rules: Vec<Rule> = session.files.iter().flat_map(|file| file.rules.iter().cloned()).collect();
        let catalog = session.files.first().map(|file| file.environment.catalog.clone()).unwrap_or_default();
        let (checked, _) = report::show(session.found.diags, &session.found.sources, Format::Text, false)?;
        // Without the rules that have errors the absence of alerts would look like an answer.
        if checked != Outcome::Fine {
            return Ok(checked);
        }
        let inputs = self.logs.inputs(&catalog)?;
        let options = Options {
            thorough: self.strict,
            counts: self.stats,
            flow_format: self.logs.columns(&catalog)?,
            from: self.from,
            near: self.near,
            budget: None,
        };
        let plan = Plan::new(&rules, &catalog, &options).context("a rule cannot run")?;
        let report = watched(|control| plan.replay(&inputs, control))?;
        self.show(&report)
    }

    fn show(&self, report: &Report) -> anyhow::Result<Outcome> {
        let text = if self.explain {
            formats::timelines(report) + &misses::timelines(report)
        } else {
            formats::ndjson(report) + &misses::ndjson(report)
        };
        output::print(&text)?;
        output::report(&misses::table(report));
        if self.stats {
            output::report(&formats::table(report));
        }
        let alerts = report.rules.iter().map(|rule| rule.alerts.len()).sum();
        output::report(&format!("{}{}\n", formats::summary(&report.stats), plural(alerts, "alert")));
        Ok(match &report.stats {
            stats if stats.stopped => Outcome::Interrupted,
            stats if stats.is_incomplete() => Outcome::Failure,
            stats if self.strict && stats.is_flawed() => Outcome::Findings,
            _ => Outcome::Fine,
        })
    }
}
