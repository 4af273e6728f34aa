//! What every command over rules does first: read, parse and check all of them, in parallel.
//!
//! In: paths and the common options. Out: a [`Session`] with the checked rules of each file and everything found.
//! Must not know: targets and formats.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::Arc;

use jiff::civil::Date;
use rayon::prelude::*;

use crate::check::{self, Context};
use crate::diag::Diagnostics;
use crate::ir;
use crate::source::Sources;
use crate::syntax::ast;

use super::environment::{Environment, Environments};
use super::output;
use super::report::did_you_mean;
use super::workspace::Workspace;

/// Options of every command over rules.
#[derive(Debug, Clone, clap::Args)]
pub(super) struct SessionOptions {
    /// Give a parameter another value; may be repeated.
    #[arg(long = "set", value_name = "NAME=VALUE", value_parser = assignment)]
    set: Vec<(String, String)>,
    /// Judge allowlist entries as of this day (default: today, UTC).
    #[arg(long, value_name = "DATE", value_parser = day)]
    as_of: Option<Date>,
    /// Environment file, instead of the nearest `catena.yaml` upward from each rule.
    #[arg(long, value_name = "FILE")]
    env: Option<PathBuf>,
    /// A source file to add, or to use instead of the built-in one of the same name; may be repeated.
    #[arg(long, value_name = "FILE")]
    source: Vec<PathBuf>,
}

/// A day as the language writes it. A time of day or a zone would raise the question of whose day it is.
fn day(text: &str) -> Result<Date, String> {
    let plain = text.len() == 10 && text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'-');
    let found = text.parse().ok().filter(|_| plain);
    found.ok_or_else(|| "expected a day such as 2026-11-24".to_owned())
}

fn assignment(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((name, value)) if !name.trim().is_empty() => {
            Ok((name.trim().to_owned(), value.trim().to_owned()))
        }
        _ => Err("expected NAME=VALUE".to_owned()),
    }
}

/// All rules of a run, checked.
#[derive(Debug)]
pub(super) struct Session {
    /// Names and texts of all files.
    pub(super) sources: Sources,
    /// The rules without errors of each file, in the order of the files.
    pub(super) files: Vec<Checked>,
    /// Everything found so far.
    pub(super) diags: Diagnostics,
    /// How many files the user asked for.
    pub(super) file_count: usize,
}

impl Session {
    /// Whether the files have no rules at all, which is not the same as none without errors.
    pub(super) fn has_no_rules(&self) -> bool {
        !self.diags.has_errors() && self.files.iter().all(|file| file.rules.is_empty())
    }
}

/// The checked rules of one file.
#[derive(Debug)]
pub(super) struct Checked {
    /// The rules.
    pub(super) rules: Vec<ir::Rule>,
    /// Settings and catalog in force.
    pub(super) environment: Arc<Environment>,
}

/// Reads, parses and checks; `Ok(None)` when files could not be read, which has been said.
pub(super) fn open(paths: &[PathBuf], options: &SessionOptions) -> anyhow::Result<Option<Session>> {
    let mut environments = Environments::new(&options.source, options.env.as_deref(), &options.set)?;
    let mut diags = Diagnostics::default();
    let mut workspace = match Workspace::load(paths, &mut diags) {
        Ok(workspace) => workspace,
        Err(problems) => {
            for problem in &problems {
                output::complain(&problem.0);
            }
            return Ok(None);
        }
    };
    let mut sources = std::mem::take(&mut workspace.sources);
    let paths: Vec<PathBuf> = workspace.asked_paths().map(Into::into).collect();
    let environments: Vec<_> =
        paths.iter().map(|path| environments.of(path, &mut sources, &mut diags)).collect();
    workspace.sources = sources;
    refuse_unknown(&options.set, &workspace)?;
    let files = check_all(&workspace, environments, options.as_of.unwrap_or_else(today), &mut diags);
    Ok(Some(Session { sources: workspace.sources, files, diags, file_count: paths.len() }))
}

fn check_all(
    workspace: &Workspace,
    environments: Vec<Arc<Environment>>,
    as_of: Date,
    diags: &mut Diagnostics,
) -> Vec<Checked> {
    let units = workspace.units();
    let clashing = check::duplicates(&units, diags);
    let checked: Vec<(Checked, Diagnostics)> = units
        .into_par_iter()
        .zip(environments)
        .map(|(unit, environment)| {
            let context = Context { catalog: &environment.catalog, settings: &environment.settings, as_of };
            let mut found = Diagnostics::default();
            if environment.broken {
                return (Checked { rules: Vec::new(), environment }, found);
            }
            let mut rules = check::check(&unit, &context, &mut found);
            rules.retain(|rule| !clashing.contains(rule.name.node.as_str()));
            (Checked { rules, environment }, found)
        })
        .collect();
    let mut files = Vec::with_capacity(checked.len());
    for (file, found) in checked {
        diags.extend(found);
        files.push(file);
    }
    files
}

/// A parameter given by option that no rule has is a slip of the pen, not a wish.
fn refuse_unknown(set: &[(String, String)], workspace: &Workspace) -> anyhow::Result<()> {
    let clauses =
        workspace.units().into_iter().flat_map(|unit| &unit.file.rules).flat_map(|rule| &rule.clauses);
    let known: BTreeSet<&str> = clauses
        .filter_map(|clause| match clause {
            ast::Clause::Param(param) => Some(param.name.node.as_str()),
            ast::Clause::Meta(_)
            | ast::Clause::Chain(_)
            | ast::Clause::Alert(_)
            | ast::Clause::Playbook(_)
            | ast::Clause::Test(_) => None,
        })
        .collect();
    match set.iter().find(|(name, _)| !known.contains(name.as_str())) {
        None => Ok(()),
        Some((name, _)) => {
            let hint = did_you_mean(name, known);
            anyhow::bail!("`--set {name}=…`: no rule has a parameter `{name}`{hint}")
        }
    }
}

fn today() -> Date {
    jiff::tz::TimeZone::UTC.to_datetime(jiff::Timestamp::now()).date()
}
