//! `catena debug`: one chain, moment by moment.

use std::path::PathBuf;

use anyhow::Context;
use clap_complete::ArgValueCompleter;

use crate::ir::Rule;
use crate::replay::output::summary;
use crate::replay::{Options, trace};

use super::logs::{LogOptions, watched};
use super::report::{self, Format, plural};
use super::session::{self, SessionOptions};
use super::{Outcome, names, output};

/// Step through the events of one chain: which record satisfied what, what waited, what expired.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  catena debug rule.chain --events aws.cloudtrail=logs/              the first alert
  catena debug rule.chain --events aws.cloudtrail=logs/ --alert 3    the third
Without an alert the records that satisfy a step are traced, with the reason why no chain came of each.")]
pub(super) struct Debug {
    /// Rule files and directories.
    #[arg(required = true, value_name = "RULE.chain")]
    paths: Vec<PathBuf>,
    #[command(flatten)]
    logs: LogOptions,
    /// Rule to trace, if there are several.
    #[arg(long, value_name = "NAME", add = ArgValueCompleter::new(names::rules))]
    rule: Option<String>,
    /// Number of the alert, in the order of time.
    #[arg(long, value_name = "N", default_value_t = 1)]
    alert: usize,
    #[command(flatten)]
    session: SessionOptions,
}

impl Debug {
    pub(super) fn run(self) -> anyhow::Result<Outcome> {
        let Some(session) = session::open(&self.paths, &self.session) else { return Ok(Outcome::Failure) };
        let (checked, _) = report::show(session.found.diags, &session.found.sources, Format::Text, false)?;
        if checked != Outcome::Fine {
            return Ok(checked);
        }
        let is_asked = |rule: &&Rule| self.rule.as_ref().is_none_or(|name| *name == rule.name.node);
        let rules: Vec<&Rule> = session.files.iter().flat_map(|file| &file.rules).filter(is_asked).collect();
        let [rule] = rules.as_slice() else {
            anyhow::bail!(
                "there are {}, and a trace is of one: choose it with `--rule`",
                plural(rules.len(), "rule")
            );
        };
        let catalog = session.files.first().map(|file| file.environment.catalog.clone()).unwrap_or_default();
        let inputs = self.logs.inputs(&catalog)?;
        let options = Options { flow_format: self.logs.columns(&catalog)?, ..Options::default() };
        let traced =
            watched(|control| trace::trace(rule, &catalog, &options, self.alert, (&inputs, control)))?;
        let traced = traced.context("the rule cannot run")?;
        output::print(&(traced.lines.join("\n") + "\n"))?;
        output::report(&format!("{}{}\n", summary(&traced.stats), plural(traced.alerts, "alert")));
        Ok(match &traced.stats {
            stats if stats.stopped => Outcome::Interrupted,
            stats if stats.is_incomplete() => Outcome::Failure,
            _ => Outcome::Fine,
        })
    }
}
