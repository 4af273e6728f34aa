//! What every command over rules does first: reads, parses and checks them, from disk and on every core.
//!
//! In: paths and the common options. Out: what a [`project`](crate::project) makes of them.
//! Must not know: what targets do, and formats.

use std::path::{Path, PathBuf};

use jiff::civil::Date;
use rayon::prelude::*;

use crate::backend::Target;
use crate::catalog::{Catalog, Layout};
use crate::diag::Diagnostics;
use crate::project::session::{self, Choices, Stopped};
use crate::project::{Disk, Environments, Workers};
use crate::source::Sources;

use super::layout::LayoutChoice;
use super::report::{self, Format};
use super::{Outcome, output};

pub(super) use crate::project::session::{Checked, Found, Session};

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
    /// The rules whose last log Splunk reads in two stages: an option of the commands that write queries.
    #[arg(skip)]
    staged: Vec<String>,
    /// The layout of a lake's tables: an option of the commands that write queries.
    #[arg(skip)]
    layout: Option<Layout>,
}

/// A day as the language writes it. A time of day or a zone would raise the question of whose day it is.
pub(super) fn day(text: &str) -> Result<Date, String> {
    let plain = text.len() == 10 && text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'-');
    let found = text.parse().ok().filter(|_| plain);
    found.ok_or_else(|| "expected a day such as 2026-11-24".to_owned())
}

/// Today in UTC.
pub(super) fn today() -> Date {
    jiff::tz::TimeZone::UTC.to_datetime(jiff::Timestamp::now()).date()
}

fn assignment(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((name, value)) if !name.trim().is_empty() => {
            Ok((name.trim().to_owned(), value.trim().to_owned()))
        }
        _ => Err("expected NAME=VALUE".to_owned()),
    }
}

impl SessionOptions {
    /// The day on which entries of allowlists must be valid.
    pub(super) fn day(&self) -> Date {
        self.as_of.unwrap_or_else(today)
    }

    /// The same with rules whose last log Splunk reads in two stages.
    pub(super) fn staging(&self, rules: &[String]) -> Self {
        Self { staged: rules.to_vec(), ..self.clone() }
    }

    /// The same with a layout of a lake's tables.
    pub(super) fn in_layout(self, layout: Option<LayoutChoice>) -> Self {
        Self { layout: layout.map(Layout::from), ..self }
    }

    pub(super) fn choices(&self) -> Choices {
        Choices {
            set: self.set.clone(),
            as_of: self.as_of,
            environment: self.env.clone(),
            sources: self.source.clone(),
            staged: self.staged.clone(),
            layout: self.layout,
            compiled: Vec::new(),
        }
    }
}

/// Every core of the machine.
#[derive(Debug)]
pub(super) struct Cores;

impl Workers for Cores {
    /// Item by item: a core that takes several at a time leaves the others idle at the end.
    fn map<T: Send, R: Send>(&self, items: Vec<T>, work: impl Fn(T) -> R + Send + Sync) -> Vec<R> {
        items.into_par_iter().with_max_len(1).map(work).collect()
    }

    fn both<A: Send, B: Send>(
        &self,
        one: impl FnOnce() -> A + Send,
        other: impl FnOnce() -> B + Send,
    ) -> (A, B) {
        rayon::join(one, other)
    }
}

/// Reads, parses and checks all files; `None` when something the user named cannot be used, which has been said.
pub(super) fn open(paths: &[PathBuf], options: &SessionOptions) -> Option<Session> {
    session::open(paths, &options.choices(), &Disk, &Cores).map_err(|problems| complain(&problems)).ok()
}

/// As [`session::each`], for a command that compiles every rule for some targets; `Ok(None)` when something the user
/// named cannot be used, which has been said.
pub(super) fn each<T: Send>(
    paths: &[PathBuf],
    options: &SessionOptions,
    compiled: &[&'static dyn Target],
    work: impl Fn(Checked, &Sources, &mut Diagnostics) -> T + Sync,
    take: impl FnMut(Vec<T>) -> anyhow::Result<()> + Send,
) -> anyhow::Result<Option<Found>> {
    let compiled = compiled.iter().map(|target| target.name().to_owned()).collect();
    let choices = Choices { compiled, ..options.choices() };
    match session::each(paths, &choices, &Disk, &Cores, work, take) {
        Ok(found) => Ok(Some(found)),
        Err(Stopped::By(error)) => Err(error),
        Err(Stopped::Unusable(problems)) => {
            complain(&problems);
            Ok(None)
        }
    }
}

/// The sources that hold for a file that is yet to be written; `None` if the environment or a source file has errors,
/// which have been shown.
pub(super) fn catalog(file: &Path, added: &[PathBuf]) -> anyhow::Result<Option<Catalog>> {
    let (mut sources, mut diags) = (Sources::default(), Diagnostics::default());
    let mut environments = Environments::new(&Disk, added, None, &[]).map_err(anyhow::Error::msg)?;
    let environment = environments.of(file, &mut sources, &mut diags);
    let (outcome, _) = report::show(diags, &sources, Format::Text, false)?;
    Ok((outcome == Outcome::Fine && !environment.broken).then(|| environment.catalog.clone()))
}

fn complain(problems: &[String]) {
    for problem in problems {
        output::complain(problem);
    }
}
