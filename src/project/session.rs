//! A run over rule files: read, parse and check them, some files at a time.
//!
//! In: paths and choices. Out: the checked rules of each file, handed on while the files after it are still to come
//! ([`each`]) or together ([`open`]), and everything found.
//! Must not know: targets and formats, where files are kept, who does the work.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::convert::Infallible;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use jiff::civil::Date;

use crate::catalog::Layout;
use crate::check::{self, Context, Identities};
use crate::diag::{Diagnostics, Findings, nearest};
use crate::ir;
use crate::source::{SourceFile, Sources, Spanned};
use crate::syntax::{self, ast};

use super::accept::{Accepted, Allowance};
use super::environment::{Environment, Environments};
use super::files::{Entry, Files};
use super::workers::Workers;
use super::workspace::{Host, Workspace};

/// What the user may choose for every command over rules.
#[derive(Debug, Clone, Default)]
pub struct Choices {
    /// Values of parameters; they win over every environment file.
    pub set: Vec<(String, String)>,
    /// The day on which allowlist entries must be valid; today, in UTC, if left out.
    pub as_of: Option<Date>,
    /// The environment file, instead of the nearest `catena.yaml` above each rule.
    pub environment: Option<PathBuf>,
    /// Source files to add, or to put in the place of the built-in source of the same name.
    pub sources: Vec<PathBuf>,
    /// The rules whose last log Splunk reads in two stages, beside those of the environment file.
    pub staged: Vec<String>,
    /// The layout of a lake's tables, instead of that of the environment files.
    pub layout: Option<Layout>,
    /// Names of the targets for which the rules are compiled, if all of them are: whether an accepted warning of a
    /// target is there is known only then.
    pub compiled: Vec<String>,
}

/// Why a run ended early.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Stopped<E> {
    /// What the user named cannot be read or used: a sentence for each thing.
    Unusable(Vec<String>),
    /// The caller ended it.
    By(E),
}

/// All rules of a run, checked.
#[derive(Debug)]
pub struct Session {
    /// The rules without errors of each file, in the order of the files.
    pub files: Vec<Checked>,
    /// Everything found so far.
    pub found: Found,
}

/// What is left of a run when its rules are gone.
#[derive(Debug)]
pub struct Found {
    /// Names and texts of all files.
    pub sources: Sources,
    /// Everything found so far.
    pub diags: Diagnostics,
    /// The warnings that rules and environment files accept.
    pub accepted: Accepted,
    /// How many files the user asked for.
    pub file_count: usize,
}

impl Found {
    /// The findings, sorted, each with its place.
    #[must_use]
    pub fn report(self) -> Findings {
        Findings::of(&self.diags.into_sorted(), &self.sources)
    }
}

/// The checked rules of one file.
#[derive(Debug)]
pub struct Checked {
    /// The rules.
    pub rules: Vec<ir::Rule>,
    /// What the file and its environment accept.
    pub allowances: Vec<Allowance>,
    /// The names of those that have errors, with the place of each.
    pub left_out: Vec<Spanned<String>>,
    /// Settings and catalog in force.
    pub environment: Arc<Environment>,
}

/// Reads, parses and checks all files.
///
/// # Errors
/// What cannot be read or used.
pub fn open(
    paths: &[PathBuf],
    choices: &Choices,
    files: &dyn Files,
    workers: &impl Workers,
) -> Result<Session, Vec<String>> {
    let mut checked = Vec::new();
    let take = |some| {
        checked.extend(some);
        Ok::<(), Infallible>(())
    };
    match each(paths, choices, files, workers, |checked, _, _| checked, take) {
        Ok(found) => Ok(Session { files: checked, found }),
        Err(Stopped::Unusable(problems)) => Err(problems),
        Err(Stopped::By(never)) => match never {},
    }
}

/// How many files are at work at a time: enough to keep every worker busy, few enough to hold.
const BATCH: usize = 128;

/// Reads all files, then parses and checks them batch by batch. Of each file only what `work` makes of its rules is
/// left, and `take` gets that in the order of the files.
///
/// # Errors
/// What cannot be read or used, or why `take` ended the run.
pub fn each<T: Send, E: Send>(
    paths: &[PathBuf],
    choices: &Choices,
    files: &dyn Files,
    workers: &impl Workers,
    work: impl Fn(Checked, &Sources, &mut Diagnostics) -> T + Sync,
    mut take: impl FnMut(Vec<T>) -> Result<(), E> + Send,
) -> Result<Found, Stopped<E>> {
    let mut diags = Diagnostics::default();
    let host = Host { files, workers };
    let (environments, workspace) = workers.both(
        || {
            let given = choices.environment.as_deref();
            let environments = Environments::new(files, &choices.sources, given, &choices.set);
            environments.map(|environments| environments.staging(&choices.staged).in_layout(choices.layout))
        },
        || Workspace::load(paths, &host, &mut diags),
    );
    let unusable = |problem| Stopped::Unusable(vec![problem]);
    let environments = environments.map_err(unusable)?;
    let workspace = workspace
        .map_err(|problems| Stopped::Unusable(problems.into_iter().map(|problem| problem.0).collect()))?;
    // A usage error, so it is found before the first rule is compiled and anything is written.
    refuse_unknown(&choices.set, &workspace, workers).map_err(unusable)?;
    refuse_unknown_rules(&choices.staged, &workspace, workers).map_err(unusable)?;
    // Clashes are known before the first batch: its rules may be written out before the file with the other rule is
    // parsed.
    let headings = workspace.survey(workers, |source, _| syntax::outline(&source.text));
    let clashing = check::clashing(&headings);
    let as_of = choices.as_of.unwrap_or_else(today);
    let identities = Identities::default();
    let file_count = workspace.asked();
    let (stated, accepted) = (Vec::new(), Accepted::default());
    let mut run = Run { workspace, environments, clashing, identities, as_of, stated, accepted, diags };
    let mut made = Vec::new();
    for first in (0..file_count).step_by(BATCH) {
        let some = first..file_count.min(first + BATCH);
        // What is made of one batch is taken while the next is at work.
        let (taken, next) =
            workers.both(|| take(std::mem::take(&mut made)), || run.batch(some, &host, &work));
        taken.map_err(Stopped::By)?;
        made = next;
    }
    take(made).map_err(Stopped::By)?;
    run.workspace.report_cycles(&mut run.diags);
    run.warn_unknown(paths.iter().any(|path| files.entry(path) == Entry::Folder), &choices.compiled);
    Ok(Found { sources: run.workspace.sources, diags: run.diags, accepted: run.accepted, file_count })
}

/// The names of the parameters of each rule.
type ParamsByRule = BTreeMap<String, BTreeSet<String>>;

/// A run on its way through the files.
struct Run<'a> {
    workspace: Workspace,
    environments: Environments<'a>,
    /// Names of rules that share a name or an id with another.
    clashing: HashSet<&'a str>,
    identities: Identities,
    as_of: Date,
    /// Environments that speak of rules, with the parameters of the rules under them.
    stated: Vec<(Arc<Environment>, ParamsByRule)>,
    accepted: Accepted,
    diags: Diagnostics,
}

impl Run<'_> {
    /// What `work` makes of some files.
    fn batch<T: Send, W: Workers>(
        &mut self,
        some: Range<usize>,
        host: &Host<'_, W>,
        work: &(impl Fn(Checked, &Sources, &mut Diagnostics) -> T + Sync),
    ) -> Vec<T> {
        self.workspace.open(some.clone(), host, &mut self.diags);
        let environments = self.environments_of(some.clone());
        let units = self.workspace.units(some.clone());
        for (unit, environment) in units.iter().zip(&environments) {
            // One after another: which of two rules counts as the first must not depend on how fast they are checked.
            self.identities.add(unit.file, &mut self.diags);
            note(&mut self.stated, environment, unit.file);
        }
        let (clashing, as_of) = (&self.clashing, self.as_of);
        let files = units.into_iter().zip(environments).collect();
        let done = host.workers.map(files, |(unit, environment)| {
            let context = Context { catalog: &environment.catalog, settings: &environment.settings, as_of };
            let mut found = Diagnostics::default();
            let mut rules =
                // Not checked at all: with the wrong tables or parameters the findings would speak of the environment,
                // not of the rule.
                if environment.broken { Vec::new() } else { check::check(&unit, &context, &mut found) };
            rules.retain(|rule| !clashing.contains(rule.name.node.as_str()));
            let left_out = left_out(unit.file, &rules);
            let allowances = Allowance::all(unit.file, &rules, &environment.settings);
            let checked = Checked { rules, left_out, allowances: allowances.clone(), environment };
            let made = work(checked, unit.sources, &mut found);
            let mut accepted = Accepted::default();
            // After `work`, for the warnings of targets can be accepted as well.
            let found = accepted.sift(found, &allowances);
            (made, (found, accepted))
        });
        let (made, found): (Vec<T>, Vec<(Diagnostics, Accepted)>) = done.into_iter().unzip();
        self.workspace.close(some, host.workers);
        for (found, accepted) in found {
            self.diags.extend(found);
            self.accepted.extend(accepted);
        }
        made
    }

    /// Warns of what environment files say of parameters and rules that are not there, and of what accepts nothing. Of
    /// a rule with errors nobody knows which parameters it has, and what else would be found.
    fn warn_unknown(&mut self, whole: bool, compiled: &[String]) {
        if self.diags.has_errors() {
            return;
        }
        for (environment, known) in &self.stated {
            let mut found = Diagnostics::default();
            environment.settings.warn_unknown(known, whole, &mut found);
            let allowances = Allowance::of_settings(&environment.settings);
            self.diags.extend(self.accepted.sift(found, &allowances));
        }
        self.accepted.warn_unused(compiled, whole, &mut self.diags);
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

/// The rules of a file that are not among the sound ones.
fn left_out(file: &ast::File, sound: &[ir::Rule]) -> Vec<Spanned<String>> {
    // They are in the same order.
    let mut sound = sound.iter().peekable();
    let left_out = file.rules.iter().filter(|rule| sound.next_if(|known| known.span == rule.span).is_none());
    left_out.map(|rule| Spanned { node: rule.name.node.clone(), span: rule.span }).collect()
}

/// Notes the parameters of a file's rules, if its environment speaks of rules.
fn note(
    stated: &mut Vec<(Arc<Environment>, ParamsByRule)>,
    environment: &Arc<Environment>,
    file: &ast::File,
) {
    if !environment.settings.speak_of_rules() {
        return;
    }
    let known = stated.iter().position(|(known, _)| Arc::ptr_eq(known, environment));
    let known = known.unwrap_or_else(|| {
        stated.push((Arc::clone(environment), BTreeMap::new()));
        stated.len() - 1
    });
    if let Some((_, rules)) = stated.get_mut(known) {
        rules.extend(file.rules.iter().map(|rule| (rule.name.node.clone(), params(rule).collect())));
    }
}

/// A parameter given by option that no rule has is a mistake, not a wish.
fn refuse_unknown(
    set: &[(String, String)],
    workspace: &Workspace,
    workers: &impl Workers,
) -> Result<(), String> {
    let names = |rule: &ast::Rule| params(rule).collect();
    match unknown(set.iter().map(|(name, _)| name), names, workspace, workers) {
        None => Ok(()),
        Some((name, hint)) => Err(format!("`--set {name}=…`: no rule has a parameter `{name}`{hint}")),
    }
}

/// A rule given by option that is not there is a mistake, too.
fn refuse_unknown_rules(
    staged: &[String],
    workspace: &Workspace,
    workers: &impl Workers,
) -> Result<(), String> {
    let names = |rule: &ast::Rule| vec![rule.name.node.clone()];
    match unknown(staged.iter(), names, workspace, workers) {
        None => Ok(()),
        Some((name, hint)) => Err(format!("`--staged {name}`: no rule is called `{name}`{hint}")),
    }
}

/// The first of the names given that is none of those in the rules, and the end of a sentence that says what may be
/// meant. No rule is read where no name is given.
fn unknown<'n>(
    given: impl ExactSizeIterator<Item = &'n String>,
    names: impl Fn(&ast::Rule) -> Vec<String> + Sync,
    workspace: &Workspace,
    workers: &impl Workers,
) -> Option<(&'n str, String)> {
    if given.len() == 0 {
        return None;
    }
    let of_file = |source: &SourceFile, id| {
        let file = syntax::parse(source, id, &mut Diagnostics::default());
        file.rules.iter().flat_map(&names).collect()
    };
    let known: BTreeSet<String> = workspace.survey(workers, of_file).into_iter().collect();
    let mut given = given;
    let name = given.find(|name| !known.contains(*name))?;
    let near = nearest(name, known.iter().map(String::as_str));
    Some((name, near.map_or(String::new(), |near| format!("; did you mean `{near}`?"))))
}

/// The names of a rule's parameters.
fn params(rule: &ast::Rule) -> impl Iterator<Item = String> {
    rule.clauses.iter().filter_map(|clause| match clause {
        ast::Clause::Param(param) => Some(param.name.node.clone()),
        ast::Clause::Meta(_)
        | ast::Clause::Allow(_)
        | ast::Clause::Chain(_)
        | ast::Clause::Alert(_)
        | ast::Clause::Playbook(_)
        | ast::Clause::Test(_) => None,
    })
}

pub(super) fn today() -> Date {
    jiff::tz::TimeZone::UTC.to_datetime(jiff::Timestamp::now()).date()
}
