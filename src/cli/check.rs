//! `catena check`: every problem of rules at once.

use std::path::{Path, PathBuf};

use clap_complete::ArgValueCompleter;

use crate::backend::Externals;
use crate::diag::Diagnostics;
use crate::project::compile::{CompileOptions, compile_file};

use super::compile::TargetChoice;
use super::report::{self, Format, plural};
use super::session::{self, Found, SessionOptions};
use super::{Outcome, fix, names, output};

/// Check rules and report all diagnostics.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  catena check                          every rule file below this folder
  catena check rules --target all       also whether each SIEM can say them
  catena check --fix rule.chain         apply the fixes that findings carry
  catena check --format github          annotations for a pull request")]
pub(super) struct Check {
    /// Rule files and directories; `-` is standard input.
    #[arg(default_value = ".", value_name = "PATH")]
    paths: Vec<PathBuf>,
    /// Diagnostics to treat as errors.
    #[arg(long, value_name = "WHAT")]
    deny: Option<Deny>,
    /// Also check that the rules compile for this target, or for `all`; may be repeated.
    #[arg(long, value_name = "TARGET", value_parser = TargetChoice::parse, add = ArgValueCompleter::new(names::targets))]
    target: Vec<TargetChoice>,
    /// Output format of the diagnostics.
    #[arg(long, value_enum, default_value_t)]
    format: Format,
    /// Apply the fixes that findings carry, again until none is left, then report the rest.
    #[arg(long)]
    fix: bool,
    #[command(flatten)]
    session: SessionOptions,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Deny {
    /// All warnings.
    Warnings,
}

impl Check {
    pub(super) fn run(self) -> anyhow::Result<Outcome> {
        if self.fix {
            if self.paths.iter().any(|path| path == Path::new("-")) {
                anyhow::bail!("`--fix` writes files: give a path in place of `-`");
            }
            let count = fix::until_none_is_left(|| Ok(self.look()?.map(|(_, found)| found)))?;
            output::report(&format!(
                "{} applied\n",
                match count {
                    1 => "1 fix".to_owned(),
                    count => format!("{count} fixes"),
                }
            ));
        }
        let Some((rules, found)) = self.look()? else { return Ok(Outcome::Failure) };
        let denied = self.deny.is_some();
        let (outcome, count) = report::show(found.diags, &found.sources, self.format, denied)?;
        if self.format == Format::Text {
            let files = plural(found.file_count, "file");
            let accepted = match found.accepted.count() {
                0 => String::new(),
                accepted => format!(", {} accepted", plural(accepted, "warning")),
            };
            output::report(&format!("{} in {files}: {count}{accepted}\n", plural(rules, "rule")));
        }
        Ok(outcome)
    }

    /// The number of rules, and everything found; `None` when something the user named cannot be used, which has been
    /// said.
    fn look(&self) -> anyhow::Result<Option<(usize, Found)>> {
        let targets = TargetChoice::targets(&self.target);
        let (mut rules, mut externals, mut clashes) = (0, Externals::default(), Diagnostics::default());
        let found = session::each(
            &self.paths,
            &self.session,
            &targets,
            |file, _, found| {
                let emissions = compile_file(&file, &targets, CompileOptions::default(), found);
                let lists = emissions.into_iter().map(|emission| (emission.target, emission.lists));
                (
                    file.rules.len() + file.left_out.len(),
                    lists.filter(|(_, lists)| !lists.is_empty()).collect::<Vec<_>>(),
                )
            },
            |files| {
                for (count, lists) in files {
                    rules += count;
                    for (target, lists) in lists {
                        // In the order of the files, so that it does not depend on the threads which of two lists is
                        // the clash.
                        externals.add(target, lists, &mut clashes);
                    }
                }
                Ok(())
            },
        )?;
        Ok(found.map(|mut found| {
            found.diags.extend(clashes);
            (rules, found)
        }))
    }
}
