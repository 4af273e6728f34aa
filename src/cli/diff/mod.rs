//! `catena diff`: what a change of rules means, before what it says.

#[cfg(feature = "replay")]
mod alerts;
mod shown;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use crate::backend::{self, Fidelity};
use crate::catalog::Catalog;
use crate::diag::{Diagnostics, Severity};
use crate::diff;
use crate::ir::Rule;
use crate::project::compile::{CompileOptions, compile_file};
use crate::project::{Disk, Entry, Files};
use crate::source::visible;

#[cfg(feature = "replay")]
use super::logs::LogOptions;
use super::report::{self, Format};
use super::session::{self, Found, Session, SessionOptions};
use super::{Outcome, output};

use shown::{Compared, Rules, Targets};

/// Compare two versions of rules: changes of meaning, events on which they differ, then changes of text.
#[derive(Debug, clap::Args)]
pub(super) struct Diff {
    /// Rule file or directory as it was; if there is none, or no rule in it, all rules are new.
    #[arg(value_name = "OLD")]
    old: PathBuf,
    /// Rule file or directory as it is now.
    #[arg(value_name = "NEW")]
    new: PathBuf,
    /// Output format; `markdown` is for a pull request, `json` for programs.
    #[arg(long, value_enum, default_value_t)]
    format: DiffFormat,
    /// Exit with status 1 if a rule is gone, or a target loses fidelity or can no longer say a rule.
    #[arg(long)]
    deny: bool,
    /// Write the events on which the rules differ to this folder, one file a rule, for `replay --canonical`.
    #[arg(long, value_name = "DIR")]
    witness: Option<PathBuf>,
    /// Also run both versions over logs, and show which alerts are new or gone.
    #[cfg(feature = "replay")]
    #[command(flatten)]
    logs: LogOptions,
    #[command(flatten)]
    session: SessionOptions,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, clap::ValueEnum)]
enum DiffFormat {
    #[default]
    Text,
    Markdown,
    Json,
}

impl Diff {
    pub(super) fn run(self) -> anyhow::Result<Outcome> {
        let open = |path: &PathBuf| session::open(std::slice::from_ref(path), &self.session);
        let old = if self.has_old() { open(&self.old).map(Some) } else { Some(None) };
        let (Some(old), Some(new)) = (old, open(&self.new)) else { return Ok(Outcome::Failure) };
        if old.is_none() {
            let shown = self.old.display().to_string();
            output::report(&format!("there are no rules at `{}`: all rules are new\n", visible(&shown)));
        }
        let (before, after) = (old.as_ref().map(Version::of).unwrap_or_default(), Version::of(&new));
        let shown = |session: &Session| {
            let errors = only_errors(session.found.diags.clone());
            report::show(errors, &session.found.sources, Format::Text, false)
        };
        if let Some(old) = &old {
            shown(old)?;
        }
        // What has errors cannot be compared, and must not look gone.
        let (outcome, _) = shown(&new)?;
        if outcome != Outcome::Fine {
            return Ok(outcome);
        }
        let mut compared = compare(&before, &after);
        let incomplete = self.replay(&before, &after, &mut compared)?;
        match self.format {
            DiffFormat::Text => output::print(&shown::text(&compared))?,
            DiffFormat::Markdown => output::print(&shown::markdown(&compared))?,
            DiffFormat::Json => output::print(&shown::json(&compared)?)?,
        }
        for rules in &compared.changed {
            if let (Some(folder), Some(witness)) = (&self.witness, &rules.report.witness) {
                let name = backend::file_name(&rules.name, "ndjson");
                output::write_file(&folder.join(name), &witness.ndjson())?;
            }
        }
        let lost = self.deny && compared.loses();
        Ok(if incomplete {
            Outcome::Failure
        } else if lost {
            Outcome::Findings
        } else {
            Outcome::Fine
        })
    }

    /// Whether there are rules as they were: before the first ones there is no folder, or one without rules.
    fn has_old(&self) -> bool {
        match Disk.entry(&self.old) {
            Entry::Missing => self.old == Path::new("-"),
            Entry::Folder => !Disk.rules_under(&self.old).is_empty(),
            Entry::File | Entry::Other => true,
        }
    }

    /// Runs both versions over the logs, if any are given; whether these could not be read to their end.
    #[cfg(feature = "replay")]
    fn replay(&self, old: &Version<'_>, new: &Version<'_>, compared: &mut Compared) -> anyhow::Result<bool> {
        if !self.logs.are_given() {
            return Ok(false);
        }
        let none = Catalog::default();
        let of = |version: &Version<'_>| -> Vec<Rule> {
            version.rules.iter().map(|(rule, ..)| (*rule).clone()).collect()
        };
        let catalog =
            |version: &Version<'_>| version.rules.first().map_or(none.clone(), |known| known.1.clone());
        let (before, after) = (of(old), of(new));
        let (one, other) = (catalog(old), catalog(new));
        let versions = [(before.as_slice(), &one), (after.as_slice(), &other)];
        let alerts = alerts::compare(&self.logs, versions, &compared.names)?;
        let incomplete = alerts.is_incomplete;
        compared.alerts = Some(shown::Alerts { new: alerts.new, gone: alerts.gone, both: alerts.both });
        Ok(incomplete)
    }

    #[cfg(not(feature = "replay"))]
    #[expect(clippy::unused_self, clippy::unnecessary_wraps, reason = "without replay there are no logs")]
    fn replay(&self, _: &Version<'_>, _: &Version<'_>, _: &mut Compared) -> anyhow::Result<bool> {
        Ok(false)
    }
}

/// Warnings are for `check`; here they would stand between the reader and the changes.
fn only_errors(diags: Diagnostics) -> Diagnostics {
    let mut errors = Diagnostics::default();
    errors.extend_with(diags.into_sorted().into_iter().filter(|found| found.severity() == Severity::Error));
    errors
}

/// The rules of one version with their fidelity in every target.
#[derive(Default)]
struct Version<'s> {
    rules: Vec<Known<'s>>,
    /// The names of rules that have errors.
    unread: BTreeSet<&'s str>,
    /// The files with errors.
    faulty: BTreeSet<&'s str>,
}

/// A rule, the sources in force for it, and its fidelity by target.
type Known<'s> = (&'s Rule, &'s Catalog, Vec<(&'static str, Option<Fidelity>)>);

impl<'s> Version<'s> {
    fn of(session: &'s Session) -> Self {
        let options = CompileOptions { allow_subset: true, ..CompileOptions::default() };
        let (mut rules, mut unread) = (Vec::new(), BTreeSet::new());
        for file in &session.files {
            unread.extend(file.left_out.iter().map(|rule| rule.node.as_str()));
            let emissions = compile_file(file, backend::ALL, options, &mut Diagnostics::default());
            for rule in &file.rules {
                let fidelity = |target: &'static str| {
                    let mut own = emissions.iter().filter(|emission| emission.rule == rule.name.node);
                    own.find(|emission| emission.target == target).map(|emission| emission.fidelity)
                };
                let targets = backend::ALL.iter().map(|target| (target.name(), fidelity(target.name())));
                rules.push((rule, &file.environment.catalog, targets.collect()));
            }
        }
        let Found { sources, diags, .. } = &session.found;
        let errors = only_errors(diags.clone()).into_sorted().into_iter();
        let faulty =
            errors.filter_map(|found| Some(sources.get(found.primary.span.file)?.name.as_str())).collect();
        Self { rules, unread, faulty }
    }
}

/// Rules are the same by id, else by name.
fn compare(old: &Version<'_>, new: &Version<'_>) -> Compared {
    let faulty = old.faulty.iter().map(|name| (*name).to_owned()).collect();
    let mut compared = Compared { faulty, ..Compared::default() };
    let mut matched: Vec<usize> = Vec::new();
    for (rule, catalog, targets) in &new.rules {
        let same = |of: &dyn Fn(&Rule) -> bool| {
            old.rules.iter().enumerate().find(|(index, (known, ..))| !matched.contains(index) && of(known))
        };
        let found = same(&|known| known.meta.id == rule.meta.id)
            .or_else(|| same(&|known| known.name.node == rule.name.node));
        let Some((index, (before, _, known))) = found else {
            let name = rule.name.node.clone();
            // What could not be read of it says nothing about the change.
            let had_errors = old.unread.contains(name.as_str());
            if had_errors {
                compared.repaired.push(name);
            } else {
                compared.added.push(name);
            }
            continue;
        };
        let report = diff::compare(before, rule, catalog);
        let targets: Targets = known
            .iter()
            .zip(targets)
            .filter(|((_, before), (_, after))| before != after)
            .map(|((target, before), (_, after))| (*target, *before, *after))
            .collect();
        if report.meaning.is_empty() && report.text.is_empty() && targets.is_empty() {
            compared.unchanged += 1;
        } else {
            compared.changed.push(Rules { name: rule.name.node.clone(), report, targets });
        }
        compared.names.insert(rule.name.node.clone(), before.name.node.clone());
        matched.push(index);
    }
    let gone = old.rules.iter().enumerate().filter(|(index, _)| !matched.contains(index));
    compared.removed.extend(gone.map(|(_, (rule, ..))| rule.name.node.clone()));
    compared
}
