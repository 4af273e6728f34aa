//! `catena test`: the tests of rules, run in the embedded engine.

use std::path::PathBuf;

use anyhow::{Context, bail};

use clap_complete::ArgValueCompleter;

use crate::diag::{Finding, Findings, Severity};
use crate::engine::report::{self as outcomes, NotRun};
use crate::engine::trial::{self, run_tests};
use crate::source::{Span, visible_json};

use super::report::{self, Format, did_you_mean};
use super::session::{self, Session, SessionOptions};
use super::{Outcome, names, output};

/// Run the tests in rule files on the embedded engine.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  catena test
  catena test rules --rule my_rule --format junit > tests.xml")]
pub(super) struct RunTests {
    /// Rule files and directories; `-` is standard input.
    #[arg(default_value = ".", value_name = "PATH")]
    paths: Vec<PathBuf>,
    /// Run only the tests of the rule with this name; may be repeated.
    #[arg(long, value_name = "NAME", add = ArgValueCompleter::new(names::rules))]
    rule: Vec<String>,
    /// Output format of the results.
    #[arg(long, value_enum, default_value_t)]
    format: TestFormat,
    #[command(flatten)]
    session: SessionOptions,
}

/// How outcomes are printed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, clap::ValueEnum)]
enum TestFormat {
    /// Human-readable; a failure shows where the chain broke.
    #[default]
    Text,
    /// A JSON array.
    Json,
    /// JUnit XML for continuous integration.
    Junit,
}

impl RunTests {
    pub(super) fn run(self) -> anyhow::Result<Outcome> {
        let Some(session) = session::open(&self.paths, &self.session) else {
            return Ok(Outcome::Failure);
        };
        self.know_rules(&session)?;
        let found = self.outcomes(&session)?;
        let not_run = self.not_run(&session);
        let locate = |span: Span| match session.found.sources.locate(span) {
            Some((file, place)) => format!("{file}:{}", place.line),
            None => "?".to_owned(),
        };
        let text = match self.format {
            TestFormat::Text => outcomes::text(&found, &not_run, &locate),
            TestFormat::Json => visible_json(format!("{:#}\n", outcomes::json(&found, &not_run, &locate))),
            TestFormat::Junit => outcomes::junit(&found, &not_run, &locate),
        };
        output::print(&text)?;
        let (checked, _) = report::show(session.found.diags, &session.found.sources, Format::Text, false)?;
        let failed = found.iter().any(|outcome| !outcome.passed());
        Ok(checked.max(if failed { Outcome::Findings } else { Outcome::Fine }))
    }

    /// A rule that is asked for and is not there must not pass for one without tests.
    fn know_rules(&self, session: &Session) -> anyhow::Result<()> {
        let files = || session.files.iter();
        let whole = files().flat_map(|file| &file.rules).map(|rule| rule.name.node.as_str());
        let broken = files().flat_map(|file| &file.left_out).map(|rule| rule.node.as_str());
        let known: Vec<&str> = whole.chain(broken).collect();
        match self.rule.iter().find(|name| !known.contains(&name.as_str())) {
            Some(name) => bail!("no rule is called `{name}`{}", did_you_mean(name, known)),
            None => Ok(()),
        }
    }

    /// The rules with errors, and the files with errors elsewhere.
    fn not_run(&self, session: &Session) -> Vec<NotRun> {
        let findings = Findings::of(&session.found.diags.clone().bounded().shown, &session.found.sources);
        let is_error = |finding: &&Finding| finding.severity() == Severity::Error;
        let mut errors: Vec<&Finding> = findings.findings().iter().filter(is_error).collect();
        let mut not_run = Vec::new();
        for rule in session.files.iter().flat_map(|file| &file.left_out) {
            let is_inside =
                |finding: &mut &Finding| finding.primary.is_inside(rule.span, &session.found.sources);
            // Taken out, so that only errors outside of rules are left for their files.
            let own: Vec<&Finding> = errors.extract_if(.., is_inside).collect();
            if self.rule.is_empty() || self.rule.contains(&rule.node) {
                let elsewhere = || vec!["it needs something that has errors".to_owned()];
                let problems = if own.is_empty() { elsewhere() } else { own.into_iter().map(line).collect() };
                let at = session.found.sources.locate(rule.span);
                let at = at.map_or("?".to_owned(), |(file, place)| format!("{file}:{}", place.line));
                not_run.push(NotRun { name: rule.node.clone(), at, problems });
            }
        }
        for of_file in errors.chunk_by(|left, right| left.primary.file.name == right.primary.file.name) {
            let Some(first) = of_file.first() else { continue };
            let (name, line_number) = (first.primary.file.name.clone(), first.primary.start.line);
            let problems = of_file.iter().map(|finding| line(finding)).collect();
            not_run.push(NotRun { at: format!("{name}:{line_number}"), name, problems });
        }
        not_run
    }

    fn outcomes(&self, session: &Session) -> anyhow::Result<Vec<trial::Outcome>> {
        let mut found = Vec::new();
        for file in &session.files {
            for rule in &file.rules {
                if self.rule.is_empty() || self.rule.contains(&rule.name.node) {
                    let name = || format!("rule `{}` cannot run", rule.name.node);
                    found.extend(run_tests(rule, &file.environment.catalog).with_context(name)?);
                }
            }
        }
        Ok(found)
    }
}

/// A finding on one line.
fn line(finding: &Finding) -> String {
    let (place, label) = (&finding.primary, &finding.primary.label);
    let label = if label.is_empty() { String::new() } else { format!(" ({label})") };
    format!("{}:{}: {} {}{label}", place.file.name, place.start.line, finding.code.id(), finding.title)
}
