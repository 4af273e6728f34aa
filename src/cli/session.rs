//! What every command over rules does first: read, parse and check them, in parallel, some files at a time.
//!
//! In: paths and the common options. Out: the checked rules of each file, handed on while the files after it are still to
//! come ([`each`]) or together ([`open`]), and everything found.
//! Must not know: targets and formats.

use std::collections::{BTreeSet, HashSet};
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
    /// Override the value of a parameter; may be repeated.
    #[arg(long = "set", value_name = "NAME=VALUE", value_parser = assignment)]
    set: Vec<(String, String)>,
    /// Evaluate expiry dates of allowlist entries as of this day (default: today, UTC).
    #[arg(long, value_name = "DATE", value_parser = day)]
    as_of: Option<Date>,
    /// Environment file to use instead of the nearest `catena.yaml` in the folder of each rule or above.
    #[arg(long, value_name = "FILE")]
    env: Option<PathBuf>,
    /// Source file to add, or to replace the built-in source of the same name; may be repeated.
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
const BATCH: usize = 128;

/// Reads all files, then parses and checks them batch by batch. Of each file only what `work` makes of its rules is left,
/// and `take` gets that in the order of the files. `Ok(None)` when files could not be read, which has been said.
pub(super) fn each<T: Send>(
    paths: &[PathBuf],
    options: &SessionOptions,
    work: impl Fn(Checked, &Sources, &mut Diagnostics) -> T + Sync,
    mut take: impl FnMut(Vec<T>) -> anyhow::Result<()> + Send,
) -> anyhow::Result<Option<Found>> {
    let mut diags = Diagnostics::default();
    let (environments, workspace) = rayon::join(
        || Environments::new(&options.source, options.env.as_deref(), &options.set),
        || Workspace::load(paths, &mut diags),
    );
    let environments = environments?;
    let workspace = match workspace {
        Ok(workspace) => workspace,
        Err(problems) => {
            for problem in &problems {
                output::complain(&problem.0);
            }
            return Ok(None);
        }
    };
    refuse_unknown(&options.set, &workspace)?;
    let headings = workspace.survey(|source, _| syntax::outline(&source.text));
    let clashing = check::clashing(&headings);
    let as_of = options.as_of.unwrap_or_else(today);
    let identities = Identities::default();
    let file_count = workspace.asked();
    let mut run = Run { workspace, environments, clashing, identities, as_of, diags };
    let mut made = Vec::new();
    for first in (0..file_count).step_by(BATCH) {
        let some = first..file_count.min(first + BATCH);
        // What is made of one batch is taken while the next is at work.
        let (taken, next) = rayon::join(|| take(std::mem::take(&mut made)), || run.batch(some, &work));
        taken?;
        made = next;
    }
    take(made)?;
    run.workspace.report_cycles(&mut run.diags);
    Ok(Some(Found { sources: run.workspace.sources, diags: run.diags, file_count }))
}

/// A run on its way through the files.
struct Run<'a> {
    workspace: Workspace,
    environments: Environments<'a>,
    /// Names of rules that share a name or an id with another.
    clashing: HashSet<&'a str>,
    identities: Identities,
    as_of: Date,
    diags: Diagnostics,
}

impl Run<'_> {
    /// What `work` makes of some files.
    fn batch<T: Send>(
        &mut self,
        some: Range<usize>,
        work: &(impl Fn(Checked, &Sources, &mut Diagnostics) -> T + Sync),
    ) -> Vec<T> {
        self.workspace.open(some.clone(), &mut self.diags);
        let environments = self.environments_of(some.clone());
        let units = self.workspace.units(some.clone());
        for unit in &units {
            self.identities.add(unit.file, &mut self.diags);
        }
        let (clashing, as_of) = (&self.clashing, self.as_of);
        // File by file: a core that takes several at a time leaves the other idle at the end of the batch.
        let files = units.into_par_iter().zip(environments).with_max_len(1);
        let done = files.map(|(unit, environment)| {
            let context = Context { catalog: &environment.catalog, settings: &environment.settings, as_of };
            let mut found = Diagnostics::default();
            let mut rules =
                if environment.broken { Vec::new() } else { check::check(&unit, &context, &mut found) };
            rules.retain(|rule| !clashing.contains(rule.name.node.as_str()));
            (work(Checked { rules, environment }, unit.sources, &mut found), found)
        });
        let (made, found): (Vec<T>, Vec<Diagnostics>) = done.unzip();
        self.workspace.close(some);
        for found in found {
            self.diags.extend(found);
        }
        made
    }

    fn environments_of(&mut self, some: Range<usize>) -> Vec<Arc<Environment>> {
        let mut sources = std::mem::take(&mut self.workspace.sources);
        let path = |index| self.workspace.path(index).unwrap_or(Path::new(""));
        let found =
            some.map(|index| self.environments.of(path(index), &mut sources, &mut self.diags)).collect();
        self.workspace.sources = sources;
        found
    }
}

/// A parameter given by option that no rule has is a typo, not a wish.
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
