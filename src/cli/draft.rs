//! `catena draft`: a rule proposed from incidents, shown to hold on them and to be silent on other logs.

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};

use crate::catalog::Catalog;
use crate::diag::Diagnostics;
use crate::draft::{Named, Proposal};
use crate::engine::alert::alerts;
use crate::engine::program::Program;
use crate::engine::record::{Record, Schemas};
use crate::engine::trial::run_tests;
use crate::ir::Rule;
use crate::project::session::{self as project_session, Choices};
use crate::project::{Buffers, Disk, Environments};
use crate::replay::input::Input;
use crate::replay::output::summary;
use crate::replay::stats::Stats;
use crate::replay::{Control, Options, any_record, records};
use crate::source::Sources;

use super::logs::{LogOptions, watched};
use super::report::{self, Format, did_you_mean, plural};
use super::scaffold::{self, write_new};
use super::session::{Cores, SessionOptions};
use super::{Outcome, output};

/// Propose a rule from two or more incidents: what their events have in common, and what joins them.
///
/// The draft alerts on every incident. With other logs it is narrowed until it is silent on them, as far as the events
/// of the incidents have more in common.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  catena draft --incident aws.cloudtrail=one.json --incident aws.cloudtrail=two.json
  catena draft --incident aws.cloudtrail=a.json,aws.vpcflow=a.log --incident b.ndjson \\
    --events aws.cloudtrail=logs/ --name console_then_key -o console_then_key.chain")]
pub(super) struct Draft {
    /// The events of an incident: raw logs of a source, or a file of canonical records; several with commas. Give one
    /// for each incident, two at least.
    #[arg(long, value_name = "[SOURCE=]PATH,…", required = true)]
    incident: Vec<String>,
    /// The name of the rule.
    #[arg(long, default_value = "drafted", value_parser = scaffold::name)]
    name: String,
    /// The file to write (default: standard output).
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
    #[command(flatten)]
    logs: LogOptions,
    #[command(flatten)]
    session: SessionOptions,
}

/// Where the draft would stand: its environment is that of this folder.
const PLACE: &str = "draft.chain";

impl Draft {
    pub(super) fn run(self) -> anyhow::Result<Outcome> {
        if self.incident.len() < 2 {
            bail!("one incident does not tell what matters in it: give `--incident` twice or more");
        }
        let choices = self.session.choices();
        let (mut sources, mut diags) = (Sources::default(), Diagnostics::default());
        let mut environments =
            Environments::new(&Disk, &choices.sources, choices.environment.as_deref(), &choices.set)
                .map_err(anyhow::Error::msg)?;
        let environment = environments.of(Path::new(PLACE), &mut sources, &mut diags);
        if environment.broken {
            return Ok(report::show(diags, &sources, Format::Text, false)?.0);
        }
        let catalog = &environment.catalog;
        let options =
            Options { flow_format: self.logs.columns(catalog)?, thorough: true, ..Options::default() };
        let mut incidents = Vec::new();
        for (number, incident) in self.incident.iter().enumerate() {
            let (inputs, control) = (inputs(incident, catalog)?, Control::default());
            let found = records(&any_record(catalog), catalog, &options, (&inputs, &control));
            let (found, stats) = found.context("incidents cannot be read")?;
            if stats.is_incomplete() || found.is_empty() {
                output::report(&summary(&stats));
                output::complain(&format!("incident {}: its events cannot be read", number + 1));
                return Ok(Outcome::Failure);
            }
            incidents.push(found);
        }
        let date = self.session.day().to_string();
        let proposal = match Proposal::new(&incidents, catalog, Named { name: &self.name, date: &date }) {
            Ok(proposal) => proposal,
            Err(why) => {
                output::complain(&format!("no rule can be proposed: {why}"));
                return Ok(Outcome::Findings);
            }
        };
        let judge = Judge { catalog, choices: &choices, schemas: Schemas::full(catalog) };
        let marked: HashSet<_> = incidents.iter().flatten().map(|record| record.event).collect();
        let rest = if self.logs.are_given() { Some(self.rest(&judge, &proposal, &marked)?) } else { None };
        let (proposal, loud) = match &rest {
            Some((rest, _)) => judge.narrow(proposal, rest)?,
            None => (proposal, 0),
        };
        self.show(&judge, &proposal, rest.as_ref(), loud)
    }

    /// The records of other events that satisfy a step of the proposal.
    fn rest(
        &self,
        judge: &Judge<'_>,
        proposal: &Proposal,
        marked: &HashSet<crate::engine::record::Identity>,
    ) -> anyhow::Result<(Vec<Record>, Stats)> {
        let rule = judge.rule(proposal)?;
        let options = Options { flow_format: self.logs.columns(judge.catalog)?, ..Options::default() };
        let inputs = self.logs.inputs(judge.catalog)?;
        let found = watched(|control| records(&[rule], judge.catalog, &options, (&inputs, control)))?;
        let (mut found, stats) = found.context("the draft cannot run")?;
        found.retain(|record| !marked.contains(&record.event));
        Ok((found, stats))
    }

    fn show(
        self,
        judge: &Judge<'_>,
        proposal: &Proposal,
        rest: Option<&(Vec<Record>, Stats)>,
        loud: usize,
    ) -> anyhow::Result<Outcome> {
        let rule = judge.rule(proposal)?;
        for (number, path) in proposal.examples().iter().enumerate() {
            if judge.alerts(&rule, path)? == 0 {
                bail!(
                    "the draft does not alert on incident {}, which is a fault of this program",
                    number + 1
                );
            }
        }
        let failed = run_tests(&rule, judge.catalog)?.iter().filter(|outcome| !outcome.passed()).count();
        if failed > 0 {
            bail!("{} of the draft fail, which is a fault of this program", plural(failed, "test"));
        }
        let text = proposal.text(judge.catalog);
        match self.output {
            Some(path) => write_new(&[(path, text)], "give another file with `-o`")?,
            None => output::print(&text)?,
        }
        let steps = plural(rule.chain.steps.len(), "step");
        let incidents = plural(proposal.examples().len(), "incident");
        output::report(&format!("a chain of {steps} that alerts on {incidents}\n"));
        let Some((records, stats)) = rest else {
            output::report(
                "other logs were not given (`--events`), so nobody knows whether it is silent on them\n",
            );
            return Ok(Outcome::Fine);
        };
        output::report(&summary(stats));
        let others = plural(records.len(), "other record");
        output::report(&match loud {
            0 => format!(
                "silent on the other events: {others} satisfy a step of the first proposal, and no chain\n"
            ),
            _ => format!(
                "{} on the other events, and the incidents have nothing more in common that would tell them apart\n",
                plural(loud, "alert")
            ),
        });
        Ok(match (loud, stats.is_incomplete()) {
            (_, true) => Outcome::Failure,
            (0, false) => Outcome::Fine,
            (_, false) => Outcome::Findings,
        })
    }
}

/// Checks proposals and runs them.
struct Judge<'a> {
    catalog: &'a Catalog,
    choices: &'a Choices,
    schemas: Schemas,
}

impl Judge<'_> {
    /// The proposal as a checked rule.
    fn rule(&self, proposal: &Proposal) -> anyhow::Result<Rule> {
        let mut files = Buffers::default();
        files.insert(Path::new(PLACE), proposal.text(self.catalog));
        let session = project_session::open(&[PathBuf::from(PLACE)], self.choices, &files, &Cores)
            .map_err(|problems| anyhow::anyhow!(problems.join("; ")))?;
        let rule = session.files.into_iter().flat_map(|file| file.rules).next();
        let Some(rule) = rule else {
            report::show(session.found.diags, &session.found.sources, Format::Text, false)?;
            bail!("the draft has errors, which is a fault of this program");
        };
        Ok(rule)
    }

    fn alerts(&self, rule: &Rule, records: &[Record]) -> anyhow::Result<usize> {
        let program = Program::new(rule, &self.schemas).context("the draft cannot run")?;
        Ok(alerts(&program, records).len())
    }

    /// Asks for more, one thing at a time, as long as that leaves fewer alerts on other records; and how many are left.
    fn narrow(&self, mut proposal: Proposal, rest: &[Record]) -> anyhow::Result<(Proposal, usize)> {
        let mut loud = self.alerts(&self.rule(&proposal)?, rest)?;
        while loud > 0 {
            let mut best: Option<(usize, Proposal)> = None;
            for by in proposal.narrowings() {
                let narrowed = proposal.narrowed(by);
                let left = self.alerts(&self.rule(&narrowed)?, rest)?;
                if left < best.as_ref().map_or(loud, |(fewest, _)| *fewest) {
                    best = Some((left, narrowed));
                }
            }
            let Some((fewer, narrowed)) = best else { break };
            (loud, proposal) = (fewer, narrowed);
        }
        Ok((proposal, loud))
    }
}

/// The logs of an incident.
fn inputs(incident: &str, catalog: &Catalog) -> anyhow::Result<Vec<Input>> {
    let one = |part: &str| {
        let (source, path) = match part.split_once('=') {
            Some((source, path)) => (Some(source.trim()), path.trim()),
            None => (None, part.trim()),
        };
        if let Some(source) = source.filter(|source| catalog.source(source).is_none()) {
            bail!("there is no source `{source}`{}", did_you_mean(source, catalog.names()));
        }
        if path.is_empty() || path == "-" {
            bail!(
                "`--incident {incident}`: expected files, such as aws.cloudtrail=one.json,aws.vpcflow=one.log"
            );
        }
        Ok(Input { source: source.map(str::to_owned), path: path.to_owned() })
    };
    incident.split(',').map(one).collect()
}
