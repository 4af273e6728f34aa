//! A project under the hands of its author: checked again after every edit, as far as the edit reaches.
//!
//! In: folders, and the texts that an editor holds. Out: for each file its tree, its rules, its findings and what its
//! names stand for. Must not know: any protocol of an editor.
//!
//! An edit of a rule file parses that file and checks it; the files that import it are checked when there is time
//! ([`Live::catch_up`]). What an edit changes for the others (names in use twice, circles) is looked up in their trees.
//! Any other change of a file reads the project anew.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use jiff::civil::Date;

use crate::check::{self, Context, Identities, Resolutions};
use crate::diag::{Code, Diagnostic, Diagnostics};
use crate::ir;
use crate::source::{FileId, SourceFile, Sources};
use crate::syntax::{self, ast};

use super::accept::{Accepted, Allowance};
use super::buffers::Buffers;
use super::environment::{Environment, Environments};
use super::files::Files;
use super::paths::resolve;
use super::session::{Checked, Choices, today};
use super::workers::{InTurn, Workers};
use super::workspace::{Host, Workspace};

/// A project that is being edited.
#[derive(Debug)]
pub struct Live {
    roots: Vec<PathBuf>,
    choices: Choices,
    as_of: Date,
    buffers: Buffers,
    workspace: Workspace,
    states: Vec<State>,
    /// What was found in files that are no rule files of the project, and in environments.
    elsewhere: Vec<Diagnostic>,
    /// What concerns several files.
    across: Vec<Diagnostic>,
    /// Files that import what was edited and are still to be checked.
    waiting: BTreeSet<usize>,
}

/// What is known of a rule file.
#[derive(Debug)]
pub struct State {
    /// What its names stand for.
    pub resolutions: Resolutions,
    /// Its rules without errors.
    pub checked: Checked,
    parsed: Vec<Diagnostic>,
    found: Vec<Diagnostic>,
    accepted: Accepted,
}

/// What a look at a file gave.
#[derive(Debug, Default)]
struct Looked {
    resolutions: Resolutions,
    rules: Vec<ir::Rule>,
    allowances: Vec<Allowance>,
    found: Diagnostics,
    accepted: Accepted,
}

/// A rule file of a project.
#[derive(Debug, Clone, Copy)]
pub struct LiveFile<'a> {
    /// Its number.
    pub index: usize,
    /// Its path.
    pub path: &'a Path,
    /// Its text.
    pub source: &'a SourceFile,
    /// Its id.
    pub id: FileId,
    /// What its author wrote.
    pub tree: &'a ast::File,
    /// What is known of it.
    pub state: &'a State,
}

impl Live {
    /// Opens the rule files under some folders, and those named one by one.
    pub fn open(roots: Vec<PathBuf>, choices: Choices, buffers: Buffers, workers: &impl Workers) -> Self {
        let as_of = choices.as_of.unwrap_or_else(today);
        let mut this = Self {
            roots,
            choices,
            as_of,
            buffers,
            workspace: Workspace::default(),
            states: Vec::new(),
            elsewhere: Vec::new(),
            across: Vec::new(),
            waiting: BTreeSet::new(),
        };
        this.reload(workers);
        this
    }

    /// The texts that the editor holds.
    pub fn buffers(&mut self) -> &mut Buffers {
        &mut self.buffers
    }

    /// Adds a folder or file; read with the next [`Live::reload`].
    pub fn add_root(&mut self, root: PathBuf) {
        if !self.roots.contains(&root) {
            self.roots.push(root);
        }
    }

    /// Takes a folder or file away; it counts until the next [`Live::reload`].
    pub fn remove_root(&mut self, root: &Path) {
        self.roots.retain(|known| known != root);
    }

    /// The folders and files that are open, in the order in which they were added.
    #[must_use]
    pub fn roots(&self) -> &[PathBuf] {
        &self.roots
    }

    /// Reads everything anew.
    pub fn reload(&mut self, workers: &impl Workers) {
        let mut diags = Diagnostics::default();
        self.states.clear();
        self.waiting.clear();
        let host = Host { files: &self.buffers, workers };
        // A folder without rules, or a file that went, is nothing to complain of here.
        let rooted: Vec<PathBuf> =
            self.roots.iter().filter(|root| self.buffers.has_rules(root)).cloned().collect();
        self.workspace = Workspace::load(&rooted, &host, &mut diags).unwrap_or_default();
        let count = self.workspace.asked();
        self.workspace.open(0..count, &host, &mut diags);
        let environments = self.environments(&mut diags);
        let found = diags.into_sorted();
        for (index, environment) in environments.into_iter().enumerate() {
            let checked =
                Checked { rules: Vec::new(), allowances: Vec::new(), left_out: Vec::new(), environment };
            let id = self.workspace.id(index);
            self.states.push(State {
                resolutions: Resolutions::default(),
                checked,
                parsed: found.iter().filter(|found| Some(found.primary.span.file) == id).cloned().collect(),
                found: Vec::new(),
                accepted: Accepted::default(),
            });
        }
        let own: BTreeSet<FileId> = (0..count).filter_map(|index| self.workspace.id(index)).collect();
        self.elsewhere = found.into_iter().filter(|found| !own.contains(&found.primary.span.file)).collect();
        let checked = workers.map((0..count).collect(), |index| (index, self.look(index)));
        for (index, looked) in checked {
            self.put(index, looked);
        }
        self.look_across();
    }

    fn environments(&mut self, diags: &mut Diagnostics) -> Vec<Arc<Environment>> {
        let Self { buffers, choices, workspace, .. } = self;
        let given = choices.environment.as_deref();
        let opened = Environments::new(buffers, &choices.sources, given, &choices.set);
        let Ok(mut environments) = opened.or_else(|_| Environments::new(buffers, &[], None, &choices.set))
        else {
            return Vec::new();
        };
        let paths: Vec<PathBuf> =
            (0..workspace.asked()).filter_map(|index| workspace.path(index).map(Path::to_owned)).collect();
        paths.iter().map(|path| environments.of(path, &mut workspace.sources, diags)).collect()
    }

    /// Takes the new text of a file. `false` if it is no rule file that is known: then the project must be read anew.
    pub fn edit(&mut self, path: &Path, text: String) -> bool {
        let known = self.revise(path, &text);
        self.buffers.insert(path, text);
        known
    }

    /// Takes the text of a file from the disk, unless the editor holds one. `false` as for [`Self::edit`], and if it
    /// cannot be read.
    pub fn refresh(&mut self, path: &Path) -> bool {
        if self.buffers.holds(path) {
            return true;
        }
        let Some(known) = self.file(path) else { return false };
        let read =
            self.buffers.read(path, syntax::FILE_SIZE).ok().and_then(|bytes| String::from_utf8(bytes).ok());
        let Some(text) = read else { return false };
        *known.source.text == *text || self.revise(path, &text)
    }

    fn revise(&mut self, path: &Path, text: &str) -> bool {
        let Some(index) = self.workspace.revise(path, text) else { return false };
        let mut diags = Diagnostics::default();
        let host = Host { files: &self.buffers, workers: &InTurn };
        self.workspace.open(index..index + 1, &host, &mut diags);
        let id = self.workspace.id(index);
        let (own, other): (Vec<_>, Vec<_>) =
            diags.into_sorted().into_iter().partition(|found| Some(found.primary.span.file) == id);
        self.elsewhere.retain(|found| Some(found.primary.span.file) != id);
        self.elsewhere.extend(other);
        match self.states.get_mut(index) {
            Some(state) => state.parsed = own,
            None => self.elsewhere.extend(own),
        }
        self.waiting.extend(self.workspace.importers(index));
        self.waiting.remove(&index);
        if index < self.states.len() {
            let looked = self.look(index);
            self.put(index, looked);
        }
        self.look_across();
        true
    }

    /// Checks some of the files that wait; whether any did. What concerns several files follows with the last of them.
    pub fn catch_up(&mut self) -> bool {
        // An edit that comes meanwhile has to wait for these.
        const SOME: usize = 2;
        let some: Vec<usize> = self.waiting.iter().copied().take(SOME).collect();
        for index in &some {
            self.waiting.remove(index);
            let looked = self.look(*index);
            self.put(*index, looked);
        }
        if !some.is_empty() && self.waiting.is_empty() {
            self.look_across();
        }
        !some.is_empty()
    }

    /// Whether files wait to be checked.
    #[must_use]
    pub fn is_behind(&self) -> bool {
        !self.waiting.is_empty()
    }

    fn look(&self, index: usize) -> Option<Looked> {
        let unit = self.workspace.units(index..index + 1).pop()?;
        let environment = &self.states.get(index)?.checked.environment;
        let context =
            Context { catalog: &environment.catalog, settings: &environment.settings, as_of: self.as_of };
        let mut found = Diagnostics::default();
        let check::Checked { mut rules, resolutions } = check::analyse(&unit, &context, &mut found);
        if environment.broken {
            // Nobody knows which sources and fields there are, nor what a query would be. All else stays as it was.
            let known = found.into_sorted().into_iter().filter(|found| !rests_on_sources(found.code));
            found = Diagnostics::default();
            found.extend_with(known);
            rules.clear();
        }
        let allowances = Allowance::all(unit.file, &rules, &environment.settings);
        let mut accepted = Accepted::default();
        let found = accepted.sift(found, &allowances);
        Some(Looked { resolutions, rules, allowances, found, accepted })
    }

    fn put(&mut self, index: usize, looked: Option<Looked>) {
        let (Some(state), Some(looked)) = (self.states.get_mut(index), looked) else { return };
        let Looked { resolutions, rules, allowances, found, accepted } = looked;
        state.resolutions = resolutions;
        (state.checked.rules, state.checked.allowances) = (rules, allowances);
        (state.found, state.accepted) = (found.into_sorted(), accepted);
    }

    /// What concerns several files.
    fn look_across(&mut self) {
        let mut diags = Diagnostics::default();
        let mut identities = Identities::default();
        let mut accepted = Accepted::default();
        for file in self.files() {
            identities.add(file.tree, &mut diags);
            accepted.extend(file.state.accepted.clone());
        }
        self.workspace.report_cycles(&mut diags);
        if self.states.iter().all(|state| state.parsed.is_empty()) {
            accepted.warn_unused(&[], false, &mut diags);
        }
        self.across = diags.into_sorted();
    }

    /// Everything found, by file.
    #[must_use]
    pub fn found(&self) -> BTreeMap<FileId, Vec<&Diagnostic>> {
        let of_files = self.states.iter().flat_map(|state| state.parsed.iter().chain(&state.found));
        let mut by_file: BTreeMap<FileId, Vec<&Diagnostic>> = BTreeMap::new();
        for found in of_files.chain(&self.elsewhere).chain(&self.across) {
            by_file.entry(found.primary.span.file).or_default().push(found);
        }
        for found in by_file.values_mut() {
            found.sort();
            found.dedup();
        }
        by_file
    }

    /// Names and texts of all files.
    #[must_use]
    pub fn sources(&self) -> &Sources {
        &self.workspace.sources
    }

    /// The rule files, in their order.
    pub fn files(&self) -> impl Iterator<Item = LiveFile<'_>> {
        (0..self.states.len()).filter_map(|index| self.at(index))
    }

    /// The rule file with this path.
    #[must_use]
    pub fn file(&self, path: &Path) -> Option<LiveFile<'_>> {
        self.at(self.workspace.find(path)?)
    }

    /// The path of a file that a rule file names.
    #[must_use]
    pub fn named(&self, file: LiveFile<'_>, name: &str) -> PathBuf {
        resolve(Some(file.path), name)
    }

    fn at(&self, index: usize) -> Option<LiveFile<'_>> {
        let (path, id) = (self.workspace.path(index)?, self.workspace.id(index)?);
        let (tree, source) = (self.workspace.tree(index)?, self.workspace.sources.get(id)?);
        Some(LiveFile { index, path, source, id, tree, state: self.states.get(index)? })
    }

    /// The path of a file that is there as such, not a part of the program.
    #[must_use]
    pub fn path_of(&self, id: FileId) -> Option<PathBuf> {
        let source = self.workspace.sources.get(id)?;
        // An environment file is named as seen from the current folder.
        (!source.is_embedded()).then(|| self.buffers.absolute(Path::new(&source.name)))
    }
}

/// Whether a finding may only be there because a source could not be read.
fn rests_on_sources(code: Code) -> bool {
    matches!(code, Code::UnknownSource | Code::UnknownField)
}
