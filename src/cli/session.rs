//! What every command over rules does first: read, parse and check them, in parallel, some files at a time.
//!
//! In: paths and the common options. Out: the checked rules of each file, handed on while the files after it are still to
//! come ([`each`]) or together ([`open`]), and everything found.
//! Must not know: targets and formats.

use std::collections::BTreeSet;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use jiff::civil::Date;
use rayon::prelude::*;

use crate::check::{self, Context, Identities};
use crate::diag::Diagnostics;
use crate::ir;
use crate::source::{SourceFile, Sources};
use crate::syntax::{self, ast};

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
    #[arg(long, value_name = "DATE")]
    as_of: Option<Date>,
    /// Environment file, instead of the nearest `catena.yaml` upward from each rule.
    #[arg(long, value_name = "FILE")]
    env: Option<PathBuf>,
    /// A source file to add, or to use instead of the built-in one of the same name; may be repeated.
    #[arg(long, value_name = "FILE")]
    source: Vec<PathBuf>,
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
    /// The rules without errors of each file, in the order of the files.
    pub(super) files: Vec<Checked>,
    /// Everything found so far.
    pub(super) found: Found,
}

/// What is left of a run when its rules are gone.
#[derive(Debug)]
pub(super) struct Found {
    /// Names and texts of all files.
    pub(super) sources: Sources,
    /// Everything found so far.
    pub(super) diags: Diagnostics,
    /// How many files the user asked for.
    pub(super) file_count: usize,
}

/// The checked rules of one file.
#[derive(Debug)]
pub(super) struct Checked {
    /// The rules.
    pub(super) rules: Vec<ir::Rule>,
    /// Settings and catalog in force.
    pub(super) environment: Arc<Environment>,
}

/// Reads, parses and checks all files; `Ok(None)` when files could not be read, which has been said.
pub(super) fn open(paths: &[PathBuf], options: &SessionOptions) -> anyhow::Result<Option<Session>> {
    let mut files = Vec::new();
    let found = each(
        paths,
        options,
        |checked, _, _| checked,
        |some| {
            files.extend(some);
            Ok(())
        },
    )?;
    Ok(found.map(|found| Session { files, found }))
}

/// How many files are at work at a time: enough to keep every core busy, few enough to hold.
const BATCH: usize = 256;

/// Reads all files, then parses and checks them batch by batch. Of each file only what `work` makes of its rules is left,
/// and `take` gets that in the order of the files. `Ok(None)` when files could not be read, which has been said.
pub(super) fn each<T: Send>(
    paths: &[PathBuf],
    options: &SessionOptions,
    work: impl Fn(Checked, &Sources, &mut Diagnostics) -> T + Sync,
    mut take: impl FnMut(Vec<T>) -> anyhow::Result<()>,
) -> anyhow::Result<Option<Found>> {
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
    refuse_unknown(&options.set, &workspace)?;
    let as_of = options.as_of.unwrap_or_else(today);
    let headings = workspace.survey(|source, _| syntax::outline(&source.text));
    let clashing = check::clashing(&headings);
    let mut identities = Identities::default();
    let file_count = workspace.asked();
    for first in (0..file_count).step_by(BATCH) {
        let some = first..file_count.min(first + BATCH);
        workspace.open(some.clone(), &mut diags);
        let environments = environments_of(some.clone(), &mut workspace, &mut environments, &mut diags);
        let units = workspace.units(some.clone());
        for unit in &units {
            identities.add(unit.file, &mut diags);
        }
        let checked = units.into_par_iter().zip(environments).map(|(unit, environment)| {
            let context = Context { catalog: &environment.catalog, settings: &environment.settings, as_of };
            let mut found = Diagnostics::default();
            let mut rules = check::check(&unit, &context, &mut found);
            rules.retain(|rule| !clashing.contains(rule.name.node.as_str()));
            let made = work(Checked { rules, environment }, unit.sources, &mut found);
            (made, found)
        });
        let (made, found): (Vec<T>, Vec<Diagnostics>) = checked.unzip();
        workspace.close(some);
        for found in found {
            diags.extend(found);
        }
        take(made)?;
    }
    workspace.report_cycles(&mut diags);
    Ok(Some(Found { sources: workspace.sources, diags, file_count }))
}

fn environments_of(
    some: Range<usize>,
    workspace: &mut Workspace,
    environments: &mut Environments<'_>,
    diags: &mut Diagnostics,
) -> Vec<Arc<Environment>> {
    let mut sources = std::mem::take(&mut workspace.sources);
    let path = |index| workspace.path(index).unwrap_or(Path::new(""));
    let found = some.map(|index| environments.of(path(index), &mut sources, diags)).collect();
    workspace.sources = sources;
    found
}

/// A parameter given by option that no rule has is a slip of the pen, not a wish.
fn refuse_unknown(set: &[(String, String)], workspace: &Workspace) -> anyhow::Result<()> {
    if set.is_empty() {
        return Ok(());
    }
    let params = |source: &SourceFile, id| params(&syntax::parse(source, id, &mut Diagnostics::default()));
    let known: BTreeSet<String> = workspace.survey(params).into_iter().collect();
    match set.iter().find(|(name, _)| !known.contains(name)) {
        None => Ok(()),
        Some((name, _)) => {
            let hint = did_you_mean(name, known.iter().map(String::as_str));
            anyhow::bail!("`--set {name}=…`: no rule has a parameter `{name}`{hint}")
        }
    }
}

/// The names of the parameters of a file's rules.
fn params(file: &ast::File) -> Vec<String> {
    let clauses = file.rules.iter().flat_map(|rule| &rule.clauses);
    let names = clauses.filter_map(|clause| match clause {
        ast::Clause::Param(param) => Some(param.name.node.clone()),
        ast::Clause::Meta(_)
        | ast::Clause::Chain(_)
        | ast::Clause::Alert(_)
        | ast::Clause::Playbook(_)
        | ast::Clause::Test(_) => None,
    });
    names.collect()
}

fn today() -> Date {
    jiff::tz::TimeZone::UTC.to_datetime(jiff::Timestamp::now()).date()
}
