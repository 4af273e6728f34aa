//! `catena replay`: rules over log files, in the embedded engine.

use std::io::IsTerminal;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use anyhow::{Context, bail};
use indicatif::{ProgressBar, ProgressStyle};

use crate::catalog::Catalog;
use crate::ir::Rule;
use crate::replay::flow::names;
use crate::replay::input::Input;
use crate::replay::{Control, Options, Plan, Report, output as formats};

use super::report::{self, Format, did_you_mean, plural};
use super::session::{self, SessionOptions};
use super::{Outcome, output};

/// Run rules over log files in the embedded engine.
///
/// Alerts are printed as NDJSON, one an alert, in order of time. Files may be compressed (gzip, zstd); directories are walked.
#[derive(Debug, clap::Args)]
pub(super) struct Replay {
    /// Rule files and directories.
    #[arg(required = true, value_name = "RULE.chain")]
    paths: Vec<PathBuf>,
    /// Raw events of a source: files of the vendor as they are, or a directory of them; may be repeated.
    #[arg(long, value_name = "SOURCE=PATH", value_parser = events)]
    events: Vec<(String, String)>,
    /// Canonical records, one JSON object a line; may be repeated.
    #[arg(long, value_name = "FILE")]
    canonical: Vec<String>,
    /// Columns of flow logs without a header line, as AWS writes a format: `${version} ${account-id} …`.
    #[arg(long, value_name = "FORMAT")]
    flow_format: Option<String>,
    /// A readable timeline for each alert, instead of NDJSON.
    #[arg(long)]
    explain: bool,
    /// Also print what each step matched, on standard error.
    #[arg(long)]
    stats: bool,
    /// Parse every event in full, and count a broken one as a finding.
    #[arg(long)]
    strict: bool,
    #[command(flatten)]
    session: SessionOptions,
}

fn events(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((source, path)) if !source.is_empty() && !path.is_empty() => {
            Ok((source.to_owned(), path.to_owned()))
        }
        _ => Err("expected SOURCE=PATH, such as aws.cloudtrail=logs/".to_owned()),
    }
}

impl Replay {
    pub(super) fn run(self) -> anyhow::Result<Outcome> {
        let Some(session) = session::open(&self.paths, &self.session)? else { return Ok(Outcome::Failure) };
        let rules: Vec<Rule> = session.files.iter().flat_map(|file| file.rules.iter().cloned()).collect();
        let catalog = session.files.first().map(|file| file.environment.catalog.clone()).unwrap_or_default();
        let (checked, _) = report::show(session.found.diags, &session.found.sources, Format::Text, false)?;
        if checked != Outcome::Fine {
            return Ok(checked);
        }
        let inputs = self.inputs(&catalog)?;
        let options = Options { thorough: self.strict, flow_format: self.flow_format.as_deref().map(names) };
        let plan = Plan::new(&rules, &catalog, &options).context("a rule cannot run")?;
        let report = watched(&plan, &inputs)?;
        self.show(&report)
    }

    fn inputs(&self, catalog: &Catalog) -> anyhow::Result<Vec<Input>> {
        for (source, _) in &self.events {
            if catalog.source(source).is_none() {
                let known = catalog.iter().map(|source| source.name.as_str());
                bail!("there is no source `{source}`{}", did_you_mean(source, known));
            }
        }
        let raw = self.events.iter().cloned().map(|(source, path)| Input { source: Some(source), path });
        let canonical = self.canonical.iter().cloned().map(|path| Input { source: None, path });
        let inputs: Vec<Input> = raw.chain(canonical).collect();
        if inputs.is_empty() {
            bail!("nothing to replay: give `--events SOURCE=PATH` or `--canonical FILE`");
        }
        Ok(inputs)
    }

    fn show(&self, report: &Report) -> anyhow::Result<Outcome> {
        let text = if self.explain { formats::timelines(report) } else { formats::ndjson(report) };
        output::print(&text)?;
        if self.stats {
            output::report(&formats::table(report));
        }
        let alerts = report.rules.iter().map(|rule| rule.alerts.len()).sum();
        output::report(&format!("{}{}\n", formats::summary(&report.stats), plural(alerts, "alert")));
        Ok(match &report.stats {
            stats if stats.stopped => Outcome::Interrupted,
            stats if !stats.broken_files.is_empty() => Outcome::Failure,
            stats if self.strict && stats.is_flawed() => Outcome::Findings,
            _ => Outcome::Fine,
        })
    }
}

/// Replays while a bar shows the progress on a terminal; Ctrl-C ends the reading, a second one the program.
fn watched(plan: &Plan, inputs: &[Input]) -> anyhow::Result<Report> {
    let control = Arc::new(Control::default());
    let stop = Arc::clone(&control);
    ctrlc::set_handler(move || {
        if stop.stop.swap(true, Ordering::Relaxed) {
            std::process::exit(130);
        }
    })
    .context("cannot watch for Ctrl-C")?;
    if !std::io::stderr().is_terminal() {
        return Ok(plan.replay(inputs, &control));
    }
    let bar = ProgressBar::new_spinner();
    bar.set_style(ProgressStyle::with_template("{spinner} {bytes} read, {bytes_per_sec}")?);
    let done = AtomicBool::new(false);
    let report = std::thread::scope(|scope| {
        let watcher = scope.spawn(|| {
            while !done.load(Ordering::Relaxed) {
                bar.set_position(control.bytes.load(Ordering::Relaxed));
                std::thread::park_timeout(Duration::from_millis(50));
            }
        });
        let report = plan.replay(inputs, &control);
        done.store(true, Ordering::Relaxed);
        watcher.thread().unpark();
        report
    });
    bar.finish_and_clear();
    Ok(report)
}
