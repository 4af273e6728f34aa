//! A project: rule files with everything they name, from text to emissions, findings and test results.
//!
//! In: files through a [`Files`] trait, choices. Out: checked rules, emissions, outcomes of tests, findings.
//! Must not know: a disk (but for [`Disk`]), threads (they are lent through [`Workers`]), the command line.

mod accept;
mod buffers;
pub mod compile;
mod disk;
mod environment;
mod files;
mod imports;
mod kind;
pub mod live;
mod paths;
#[cfg(feature = "replay")]
mod replay;
mod search;
pub mod session;
mod workers;
mod workspace;

use std::path::{Path, PathBuf};

use crate::backend::{Emission, Externals, Target};
use crate::diag::{Diagnostics, Findings};
use crate::engine::predicate::CompileError;
use crate::engine::trial::{self, Outcome};
use crate::ir::Rule;

pub use accept::{Accepted, Allowance};
pub use buffers::Buffers;
pub use compile::CompileOptions;
pub use disk::Disk;
pub use environment::{Environment, Environments, nearest as nearest_environment};
pub use files::{Entry, Files, Memory};
pub use live::{Live, LiveFile};
pub use paths::tidy;
#[cfg(feature = "replay")]
pub use replay::Replayed;
pub use session::Choices;
pub use workers::{InTurn, Workers};

/// Rule files in memory, with the lists, environments and source files that they name. Every `.chain` file is compiled,
/// checked and tested; the others are there for those that name them.
#[derive(Debug, Clone, Default)]
pub struct Project {
    files: Memory,
    choices: Choices,
}

/// Why a project could not be looked at, in a sentence for each reason: it holds no rule file, or a choice names
/// something that is not there. What is wrong inside a file is a finding instead.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unusable(pub Vec<String>);

impl std::fmt::Display for Unusable {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0.join("; "))
    }
}

impl std::error::Error for Unusable {}

/// What came of checking a project.
#[derive(Debug)]
pub struct Checked {
    /// The rules without errors.
    pub rules: Vec<Rule>,
    /// Everything found.
    pub findings: Findings,
}

/// What came of compiling a project.
#[derive(Debug)]
pub struct Compiled {
    /// An emission for each rule and target that can say it, in that order.
    pub emissions: Vec<Emission>,
    /// Everything found.
    pub findings: Findings,
}

/// What came of running a project's tests.
#[derive(Debug)]
pub struct Tested {
    /// An outcome for each test, in the order of files and rules.
    pub outcomes: Vec<Outcome>,
    /// Everything found.
    pub findings: Findings,
}

impl Project {
    /// A project of one file.
    pub fn of(name: impl AsRef<Path>, text: impl Into<String>) -> Self {
        let mut project = Self::default();
        project.insert(name, text);
        project
    }

    /// Adds a file, or replaces its text, as an editor does at every keystroke.
    pub fn insert(&mut self, name: impl AsRef<Path>, text: impl Into<String>) {
        self.files.insert(name, text);
    }

    /// Takes a file away; whether it was there.
    pub fn remove(&mut self, name: impl AsRef<Path>) -> bool {
        self.files.remove(name)
    }

    /// What is chosen: values of parameters, the day of evaluation, environment and source files.
    pub fn choices(&mut self) -> &mut Choices {
        &mut self.choices
    }

    /// Checks every rule.
    ///
    /// # Errors
    /// See [`Unusable`].
    pub fn check(&self) -> Result<Checked, Unusable> {
        let session::Session { files, found } = self.open()?;
        Ok(Checked {
            rules: files.into_iter().flat_map(|file| file.rules).collect(),
            findings: found.report(),
        })
    }

    /// Compiles every rule for every target. Lists of the SIEM that two rules would fill differently are a finding.
    ///
    /// # Errors
    /// See [`Unusable`].
    pub fn compile(&self, targets: &[&dyn Target], options: CompileOptions) -> Result<Compiled, Unusable> {
        let session::Session { files, mut found } = self.open()?;
        let mut externals = Externals::default();
        let mut emissions = Vec::new();
        for file in &files {
            let mut of_file = Diagnostics::default();
            let compiled = compile::compile_file(file, targets, options, &mut of_file);
            found.diags.extend(found.accepted.sift(of_file, &file.allowances));
            for emission in compiled {
                if externals.add(emission.target, emission.lists.clone(), &mut found.diags).is_some() {
                    emissions.push(emission);
                }
            }
        }
        Ok(Compiled { emissions, findings: found.report() })
    }

    /// Runs the tests of every rule in the embedded engine.
    ///
    /// # Errors
    /// See [`Unusable`]; also a rule whose regular expressions are too large for the engine.
    pub fn test(&self) -> Result<Tested, Unusable> {
        let session::Session { files, found } = self.open()?;
        let mut outcomes = Vec::new();
        for file in &files {
            for rule in &file.rules {
                let cannot_run = |error: CompileError| {
                    Unusable(vec![format!("rule `{}` cannot run: {error}", rule.name.node)])
                };
                outcomes.extend(trial::run_tests(rule, &file.environment.catalog).map_err(cannot_run)?);
            }
        }
        Ok(Tested { outcomes, findings: found.report() })
    }

    fn open(&self) -> Result<session::Session, Unusable> {
        session::open(&[PathBuf::new()], &self.choices, &self.files, &InTurn).map_err(Unusable)
    }
}
