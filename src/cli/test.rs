//! `catena test`: the tests of rules, run in the embedded engine.

use std::path::PathBuf;

use anyhow::Context;

use crate::engine::report as outcomes;
use crate::engine::trial::{self, run_tests};
use crate::source::{Span, visible_json};

use super::report::{self, Format};
use super::session::{self, Session, SessionOptions};
use super::{Outcome, output};

/// Run the tests in rule files on the embedded engine.
#[derive(Debug, clap::Args)]
pub(super) struct RunTests {
    /// Rule files and directories; `-` is standard input.
    #[arg(default_value = ".", value_name = "PATH")]
    paths: Vec<PathBuf>,
    /// Run only the tests of the rule with this name; may be repeated.
    #[arg(long, value_name = "NAME")]
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
        let found = self.outcomes(&session)?;
        let locate = |span: Span| match session.found.sources.locate(span) {
            Some((file, place)) => format!("{file}:{}", place.line),
            None => "?".to_owned(),
        };
        let text = match self.format {
            TestFormat::Text => outcomes::text(&found, &locate),
            TestFormat::Json => visible_json(format!("{:#}\n", outcomes::json(&found, &locate))),
            TestFormat::Junit => outcomes::junit(&found, &locate),
        };
        output::print(&text)?;
        let (checked, _) = report::show(session.found.diags, &session.found.sources, Format::Text, false)?;
        let failed = found.iter().any(|outcome| !outcome.passed());
        Ok(checked.max(if failed { Outcome::Findings } else { Outcome::Fine }))
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
