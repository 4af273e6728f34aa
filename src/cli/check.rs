//! `catena check`: every problem of rules at once.

use std::path::PathBuf;

use crate::diag::Diagnostics;

use super::compile::{CompileOptions, TargetChoice, compile_all};
use super::report::{self, Format, plural};
use super::session::{self, SessionOptions};
use super::{Outcome, output};

/// Report every problem of rules, at once.
#[derive(Debug, clap::Args)]
pub(super) struct Check {
    /// Rule files and directories; `-` is standard input.
    #[arg(default_value = ".", value_name = "PATH")]
    paths: Vec<PathBuf>,
    /// What counts as a finding besides errors.
    #[arg(long, value_name = "WHAT")]
    deny: Option<Deny>,
    /// Also check that the rules compile for a target; may be repeated, or `all`.
    #[arg(long, value_name = "TARGET", value_parser = TargetChoice::parse)]
    target: Vec<TargetChoice>,
    /// How findings are printed.
    #[arg(long, value_enum, default_value_t)]
    format: Format,
    #[command(flatten)]
    session: SessionOptions,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Deny {
    /// Warnings too.
    Warnings,
}

impl Check {
    pub(super) fn run(self) -> anyhow::Result<Outcome> {
        let Some(mut session) = session::open(&self.paths, &self.session)? else {
            return Ok(Outcome::Failure);
        };
        let mut found = Diagnostics::default();
        let targets = TargetChoice::targets(&self.target);
        compile_all(&session, &targets, CompileOptions::default(), &mut found, |_| Ok(()))?;
        session.diags.extend(found);
        let rules = session.files.iter().map(|file| file.rules.len()).sum();
        let denied = self.deny.is_some();
        let (outcome, count) = report::show(session.diags, &session.sources, self.format, denied)?;
        if self.format == Format::Text {
            let files = plural(session.file_count, "file");
            output::report(&format!("{} in {files} without errors; {count}\n", plural(rules, "rule")));
        }
        Ok(outcome)
    }
}
