//! `catena tune`: a rule under many values of a window, over logs that are read once.

use std::path::PathBuf;

use anyhow::{Context, bail};

use clap_complete::ArgValueCompleter;

use crate::ir::Rule;
use crate::replay::tune::{Tuning, tune};
use crate::replay::{Options, output as formats};
use crate::source::visible_json;

use super::chart::Chart;
use super::logs::{LogOptions, watched};
use super::report::{self, Format, did_you_mean, plural};
use super::session::{self, Session, SessionOptions};
use super::vary::{self, Plan, Unit, Vary};
use super::{Outcome, output, tuned};

/// Sweep a parameter of windows or counts over log files and compare the alerts.
///
/// The logs are read once, however many values are swept.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  catena tune rule.chain --events aws.cloudtrail=logs/ --vary gap=5m..60m --svg gap.svg")]
pub(super) struct Tune {
    /// Rule files and directories.
    #[arg(required = true, value_name = "RULE.chain")]
    paths: Vec<PathBuf>,
    /// Parameter to sweep, or `total`, and its values: `NAME=1m..60m`, `NAME=1m..60m/5m` or `NAME=1m,5m,30m`; numbers
    /// for one that `at least` counts to, `NAME=3..20`.
    #[arg(long, value_name = "NAME=VALUES", value_parser = vary::parse)]
    vary: Vary,
    /// Rule to run, if several have the parameter.
    #[arg(long, value_name = "NAME", add = ArgValueCompleter::new(super::names::rules))]
    rule: Option<String>,
    #[command(flatten)]
    logs: LogOptions,
    /// Output format of the results.
    #[arg(long, value_enum, default_value_t)]
    format: TuneFormat,
    /// Also write a chart of alerts and entities against the window.
    #[arg(long, value_name = "FILE")]
    svg: Option<PathBuf>,
    #[command(flatten)]
    session: SessionOptions,
}

/// How the outcome is printed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, clap::ValueEnum)]
enum TuneFormat {
    /// A table of values and counts.
    #[default]
    Text,
    /// A JSON object that also lists every chain with the smallest value at which it alerts.
    Json,
}

impl Tune {
    pub(super) fn run(self) -> anyhow::Result<Outcome> {
        let Some(mut session) = session::open(&self.paths, &self.session) else {
            return Ok(Outcome::Failure);
        };
        let diags = std::mem::take(&mut session.found.diags);
        let (checked, _) = report::show(diags, &session.found.sources, Format::Text, false)?;
        if checked != Outcome::Fine {
            return Ok(checked);
        }
        let (rule, environment) = self.choose(&session)?;
        let plan = self.vary.plan(rule, &session.found.sources)?;
        let inputs = self.logs.inputs(&environment.catalog)?;
        let options = Options { flow_format: self.logs.columns(&environment.catalog)?, ..Options::default() };
        let tuning = watched(|control| {
            tune(&plan.rules, plan.in_force, &environment.catalog, &options, (&inputs, control))
        })?
        .context("the rule cannot run")?;
        self.show(rule, &plan, &tuning)
    }

    /// The rule that is meant: the one of that name, or the only one that has the parameter.
    fn choose<'s>(
        &self,
        session: &'s Session,
    ) -> anyhow::Result<(&'s Rule, &'s crate::project::Environment)> {
        let all = || {
            let of_file =
                |file: &'s session::Checked| file.rules.iter().map(|rule| (rule, file.environment.as_ref()));
            session.files.iter().flat_map(of_file)
        };
        if let Some(name) = &self.rule
            && !all().any(|(rule, _)| rule.name.node == *name)
        {
            let known = all().map(|(rule, _)| rule.name.node.as_str());
            bail!("no rule has the name `{name}`{}", did_you_mean(name, known));
        }
        let named =
            || all().filter(|(rule, _)| self.rule.as_ref().is_none_or(|name| rule.name.node == *name));
        let found: Vec<_> = named().filter(|(rule, _)| self.vary.concerns(rule)).collect();
        let name = &self.vary.name;
        match found.as_slice() {
            [] if named().next().is_none() => bail!("there is no rule to tune"),
            [] => {
                let hint = self.vary.hint(named().map(|(rule, _)| rule));
                bail!("`--vary {name}=…`: no rule has a parameter `{name}`{hint}")
            }
            [one] => Ok(*one),
            several => {
                let choice: Vec<_> = several.iter().map(|(rule, _)| rule.name.node.as_str()).collect();
                bail!("`--vary {name}=…` fits several rules: choose one with `--rule`: {}", choice.join(", "))
            }
        }
    }

    fn show(&self, rule: &Rule, plan: &Plan, tuning: &Tuning) -> anyhow::Result<Outcome> {
        let name = &self.vary.name;
        let text = match self.format {
            TuneFormat::Text => tuned::table(name, plan, rule, tuning),
            TuneFormat::Json => visible_json(format!("{:#}\n", tuned::json(name, plan, rule, tuning))),
        };
        output::print(&text)?;
        if let Some(path) = &self.svg {
            output::write_named(path, &chart(name, rule, plan, tuning)?)?;
        }
        output::report(&formats::summary(&tuning.stats));
        Ok(match &tuning.stats {
            stats if stats.stopped => Outcome::Interrupted,
            stats if stats.is_incomplete() => Outcome::Failure,
            _ => Outcome::Fine,
        })
    }
}

fn chart(name: &str, rule: &Rule, plan: &Plan, tuning: &Tuning) -> anyhow::Result<String> {
    let alerts = tuning.values.iter().map(|tuned| tuned.alerts).collect();
    let mut lines = vec![("alerts".to_owned(), alerts)];
    for (at, entity) in tuned::entities(rule).into_iter().enumerate() {
        let counts = tuning.values.iter().map(|tuned| tuned.entities.get(at).copied().unwrap_or(0));
        lines.push((format!("different {entity}"), counts.collect()));
    }
    let in_force = plan.values.get(plan.in_force).copied().unwrap_or_default();
    let is_count = plan.unit == Unit::Count;
    let title = format!("{}: alerts by {name} (in force: {})", rule.name.node, plan.words(in_force));
    Chart { title, read: read(tuning), name, values: &plan.values, is_count, in_force, lines }.svg()
}

/// What was read: events, files, and when the records that match a step happened.
fn read(tuning: &Tuning) -> String {
    let stats = &tuning.stats;
    let counted = |count: u64, noun| plural(usize::try_from(count).unwrap_or(usize::MAX), noun);
    let read = format!("{} from {}", counted(stats.events, "event"), counted(stats.files, "file"));
    match (tuning.records.first(), tuning.records.last()) {
        (Some(first), Some(last)) => {
            format!("{read}; records that match a step: {} to {}", first.time_text(), last.time_text())
        }
        (None, _) | (_, None) => format!("{read}; no record matches a step"),
    }
}
