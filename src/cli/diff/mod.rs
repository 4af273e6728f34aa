//! `catena diff`: what a change of rules means, before what it says.

#[cfg(feature = "replay")]
mod alerts;
mod emitted;
mod json;
mod queries;
mod shorten;
mod shown;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use crate::backend::{self, Emission};
use crate::catalog::Catalog;
use crate::diag::{Diagnostics, Severity};
use crate::diff;
use crate::ir::Rule;
use crate::project::compile::{CompileOptions, compile_rule};
use crate::project::{Disk, Entry, Files, Workers};
use crate::source::visible;

#[cfg(feature = "replay")]
use super::logs::LogOptions;
use super::report::{self, Format};
use super::session::{self, Checked, Cores, Found, Session, SessionOptions};
use super::{Outcome, output};

use emitted::Because;
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
            DiffFormat::Json => output::print(&json::json(&compared)?)?,
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
            version.rules.iter().map(|known| known.rule.clone()).collect()
        };
        let catalog = |version: &Version<'_>| {
            version.rules.first().map_or(none.clone(), |known| known.catalog().clone())
        };
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

/// The rules of one version with what the targets are given of them.
#[derive(Default)]
struct Version<'s> {
    rules: Vec<Known<'s>>,
    /// The names of rules that have errors.
    unread: BTreeSet<&'s str>,
    /// The files with errors.
    faulty: BTreeSet<&'s str>,
}

/// A rule, its file with the sources in force for it, and its queries.
struct Known<'s> {
    rule: &'s Rule,
    file: &'s Checked,
    emissions: Vec<Emission>,
}

impl<'s> Known<'s> {
    fn new(rule: &'s Rule, file: &'s Checked) -> Self {
        Self { rule, file, emissions: emissions(rule, file) }
    }

    fn catalog(&self) -> &'s Catalog {
        &self.file.environment.catalog
    }
}

/// What every target is given of a rule in the environment of a file.
fn emissions(rule: &Rule, file: &Checked) -> Vec<Emission> {
    let options = CompileOptions { allow_subset: true, ..CompileOptions::default() };
    let targets: Vec<_> = backend::every().collect();
    compile_rule(file, rule, &targets, options, &mut Diagnostics::default())
}

impl<'s> Version<'s> {
    fn of(session: &'s Session) -> Self {
        let left_out = session.files.iter().flat_map(|file| &file.left_out);
        let unread = left_out.map(|rule| rule.node.as_str()).collect();
        let rules = session.files.iter().flat_map(|file| file.rules.iter().map(move |rule| (rule, file)));
        let rules = Cores.map(rules.collect(), |(rule, file)| Known::new(rule, file));
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
    for after in &new.rules {
        let rule = after.rule;
        let same = |of: &dyn Fn(&Rule) -> bool| {
            let mut known = old.rules.iter().enumerate();
            known.find(|(index, known)| !matched.contains(index) && of(known.rule))
        };
        let found = same(&|known| known.meta.id == rule.meta.id)
            .or_else(|| same(&|known| known.name.node == rule.name.node));
        let Some((index, before)) = found else {
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
        match differing(before, after) {
            Some(rules) => compared.changed.push(rules),
            None => compared.unchanged += 1,
        }
        compared.names.insert(rule.name.node.clone(), before.rule.name.node.clone());
        matched.push(index);
    }
    let gone = old.rules.iter().enumerate().filter(|(index, _)| !matched.contains(index));
    compared.removed.extend(gone.map(|(_, known)| known.rule.name.node.clone()));
    compared
}

/// What differs between two versions of a rule; `None` if nothing does.
fn differing(before: &Known<'_>, after: &Known<'_>) -> Option<Rules> {
    let report = diff::compare(before.rule, after.rule, after.catalog());
    let reads = diff::reads((before.rule, before.catalog()), (after.rule, after.catalog()));
    // Another meaning has another query. What sources and environment have changed in it must not hide behind that, so
    // the rule as it is now is compiled with those that were there before.
    let because = if report.meaning.is_empty() { Because::Any } else { Because::Environment };
    let queries = match because {
        Because::Any => emitted::compare(&before.emissions, &after.emissions),
        Because::Environment => emitted::compare(&emissions(after.rule, before.file), &after.emissions),
    };
    let fidelity = |known: &Known<'_>, target: &str| {
        known.emissions.iter().find(|emission| emission.target == target).map(|emission| emission.fidelity)
    };
    let targets: Targets = backend::ALL
        .iter()
        .map(|target| target.name())
        .map(|target| (target, fidelity(before, target), fidelity(after, target)))
        .filter(|(_, before, after)| before != after)
        .collect();
    let is_same = report.meaning.is_empty() && report.text.is_empty() && reads.is_empty();
    if is_same && queries.is_empty() && targets.is_empty() {
        return None;
    }
    let name = after.rule.name.node.clone();
    Some(Rules { name, report, reads, queries, because, targets })
}
