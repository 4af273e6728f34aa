//! The workspace: every file of a run. Texts are read once and kept; syntax trees come and go with the rule files at
//! work, so that memory does not grow with them.
//!
//! In: paths as the user gave them. Out: a [`Workspace`] from which rule files are seen as [`Unit`]s, some at a time.
//! Must not know: what rules mean, where files are kept, who does the work.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::diag::{Code, Diagnostic, Diagnostics};
use crate::source::{FileId, SourceFile, Sources, Span};
use crate::syntax::{self, ast};
use crate::table::{self, LookupTable, Table};
use crate::unit::{NamedFiles, Unit};

use super::files::Files;
use super::imports;
use super::kind::Kind;
use super::paths::{real, resolve, show};
use super::search::{Unreadable, find};
use super::workers::Workers;

/// How many imports of a circle are shown beside the first.
const MOST_IMPORTS: usize = 5;

/// Every file of a run.
#[derive(Debug, Default)]
pub(super) struct Workspace {
    /// Names and texts.
    pub(super) sources: Sources,
    files: Vec<File>,
    /// By every spelling that occurred, and by what the file really is.
    by_path: HashMap<(PathBuf, Kind), usize>,
    named: NamedFiles,
    /// How many of `files` the user asked for; they come first.
    asked: usize,
}

#[derive(Debug)]
struct File {
    path: PathBuf,
    id: FileId,
    reading: Reading,
    content: Content,
    /// The rule files that this one imports.
    imports: Vec<(usize, Span)>,
    /// Whether a file imports this one: then its tree stays.
    imported: bool,
}

/// How reading a file went.
#[derive(Debug)]
enum Reading {
    Fine,
    /// Its bytes are no text, which has been said.
    NoText,
    /// It could not be read: why.
    Failed(String),
}

#[derive(Debug)]
enum Content {
    /// The tree is there while something needs it.
    Rules(Option<ast::File>),
    List(Arc<Table>),
    Lookup(Arc<LookupTable>),
    /// A raw event for a test: its text is all there is.
    Event,
    /// A list file, lookup table or event that could not be read.
    Nothing,
}

/// Where the files are, and who works on them.
#[derive(Debug)]
pub(super) struct Host<'a, W> {
    pub(super) files: &'a dyn Files,
    pub(super) workers: &'a W,
}

impl Workspace {
    /// Reads `paths` (files, directories, `-`). Problems of texts go to `diags`.
    pub(super) fn load<W: Workers>(
        paths: &[PathBuf],
        host: &Host<'_, W>,
        diags: &mut Diagnostics,
    ) -> Result<Self, Vec<Unreadable>> {
        let mut this = Self::default();
        let mut problems = Vec::new();
        let wanted = find(paths, host.files, &mut problems);
        let mut round: Vec<(PathBuf, Kind)> = Vec::new();
        for (path, real) in wanted {
            this.expect(path, |_| real, Kind::Rules, &mut round);
        }
        // What the user names may have any extension; `Kind::check` is for what rule files name.
        this.read(round, false, host, diags);
        this.asked = this.files.len();
        let failed = this.files.iter().filter_map(|file| Some(cannot_read(&file.path, file.failed()?)));
        problems.extend(failed.map(Unreadable));
        if problems.is_empty() { Ok(this) } else { Err(problems) }
    }

    /// How many rule files the user asked for.
    pub(super) fn asked(&self) -> usize {
        self.asked
    }

    /// The path of a file.
    pub(super) fn path(&self, index: usize) -> Option<&Path> {
        self.files.get(index).map(|file| file.path.as_path())
    }

    /// The id of a file.
    pub(super) fn id(&self, index: usize) -> Option<FileId> {
        self.files.get(index).map(|file| file.id)
    }

    /// The number of the rule file with a path.
    pub(super) fn find(&self, path: &Path) -> Option<usize> {
        self.by_path.get(&(path.to_owned(), Kind::Rules)).copied()
    }

    /// Puts another text in the place of a rule file's, which is then to be opened again; its number, if it is known.
    pub(super) fn revise(&mut self, path: &Path, text: &str) -> Option<usize> {
        let index = self.find(path)?;
        let file = self.files.get_mut(index)?;
        (file.content, file.reading) = (Content::Rules(None), Reading::Fine);
        file.imports.clear();
        self.sources.replace(file.id, text);
        Some(index)
    }

    /// The rule files the user asked for that import a file, directly or not.
    pub(super) fn importers(&self, index: usize) -> Vec<usize> {
        let mut seen = HashSet::from([index]);
        let mut queue = vec![index];
        while let Some(imported) = queue.pop() {
            let imports = |file: &File| file.imports.iter().any(|(target, _)| *target == imported);
            for (importer, _) in self.files.iter().enumerate().filter(|(_, file)| imports(file)) {
                if seen.insert(importer) {
                    queue.push(importer);
                }
            }
        }
        seen.remove(&index);
        seen.into_iter().filter(|index| *index < self.asked).collect()
    }

    /// What `see` sees in the texts of the rule files the user asked for, in their order.
    pub(super) fn survey<T: Send>(
        &self,
        workers: &impl Workers,
        see: impl Fn(&SourceFile, FileId) -> Vec<T> + Sync,
    ) -> Vec<T> {
        let ids: Vec<FileId> = self.files.iter().take(self.asked).map(|file| file.id).collect();
        let seen = workers.map(ids, |id| self.sources.get(id).map(|text| see(text, id)));
        seen.into_iter().flatten().flatten().collect()
    }

    /// Parses some of the rule files the user asked for, and reads and parses everything they name.
    pub(super) fn open<W: Workers>(
        &mut self,
        some: Range<usize>,
        host: &Host<'_, W>,
        diags: &mut Diagnostics,
    ) {
        let mut round: Vec<usize> = some.collect();
        while !round.is_empty() {
            self.parse_all(&round, host.workers, diags);
            round = self.follow(&round, host, diags);
        }
    }

    /// The rule files of a range that is open, in its order.
    pub(super) fn units(&self, some: Range<usize>) -> Vec<Unit<'_>> {
        let unit = |index| {
            let imported = self.imported(index);
            Some(Unit { sources: &self.sources, file: self.tree(index)?, imported, named: &self.named })
        };
        some.filter_map(unit).collect()
    }

    /// Drops the trees of a range, but for those that others import.
    pub(super) fn close(&mut self, some: Range<usize>, workers: &impl Workers) {
        let files = self.files.get_mut(some).unwrap_or_default().iter_mut();
        let trees = files.filter_map(|file| match &mut file.content {
            Content::Rules(tree) if !file.imported => tree.take(),
            Content::Rules(_) | Content::List(_) | Content::Lookup(_) | Content::Event | Content::Nothing => {
                None
            }
        });
        // To free them is work too, and is shared like the rest.
        workers.map(trees.collect(), drop);
    }

    /// Notes that a file is needed; it joins `round` when it is new. One file may be spelled in many ways, or linked
    /// to: it is the file as it was named first.
    fn expect(
        &mut self,
        path: PathBuf,
        real: impl FnOnce(&Path) -> PathBuf,
        kind: Kind,
        round: &mut Vec<(PathBuf, Kind)>,
    ) -> usize {
        let spelled = (path, kind);
        if let Some(&index) = self.by_path.get(&spelled) {
            return index;
        }
        // The number that the file will have: what is in `round` is read later, in this order.
        let next = self.files.len() + round.len();
        let real = real(&spelled.0);
        let index = *self.by_path.entry((real, kind)).or_insert(next);
        if index == next {
            round.push(spelled.clone());
        }
        self.by_path.insert(spelled, index);
        index
    }

    /// Reads new files, which the user or (`named`) a rule file names, and parses those that are lists.
    fn read<W: Workers>(
        &mut self,
        round: Vec<(PathBuf, Kind)>,
        named: bool,
        host: &Host<'_, W>,
        diags: &mut Diagnostics,
    ) {
        let first = self.sources.next_id().0;
        let numbered: Vec<_> = round.into_iter().zip((first..).map(FileId)).collect();
        let loaded = host.workers.map(numbered, |(file, id)| load(host.files, file, named, id));
        for (file, source, found) in loaded {
            self.sources.add(source);
            self.files.push(file);
            diags.extend(found);
        }
    }

    /// Parses the rule files that have no tree.
    fn parse_all(&mut self, round: &[usize], workers: &impl Workers, diags: &mut Diagnostics) {
        let parsed = workers.map(round.to_vec(), |index| {
            let mut found = Diagnostics::default();
            let tree = self.files.get(index).and_then(|file| self.parse(file, &mut found));
            (index, tree, found)
        });
        for (index, tree, found) in parsed {
            diags.extend(found);
            if let (Some(file), Some(tree)) = (self.files.get_mut(index), tree) {
                file.content = Content::Rules(Some(tree));
            }
        }
    }

    fn parse(&self, file: &File, diags: &mut Diagnostics) -> Option<ast::File> {
        match (&file.content, &file.reading) {
            (Content::Rules(None), Reading::Fine) => {
                Some(syntax::parse(self.sources.get(file.id)?, file.id, diags))
            }
            (Content::Rules(None), Reading::NoText | Reading::Failed(_)) => {
                Some(ast::File::not_understood(file.id))
            }
            (
                Content::Rules(Some(_))
                | Content::List(_)
                | Content::Lookup(_)
                | Content::Event
                | Content::Nothing,
                _,
            ) => None,
        }
    }

    /// Reads what parsed files name; returns the rule files among it that are not parsed.
    fn follow<W: Workers>(
        &mut self,
        parsed: &[usize],
        host: &Host<'_, W>,
        diags: &mut Diagnostics,
    ) -> Vec<usize> {
        let mut round = Vec::new();
        let mut named = Vec::new();
        for &index in parsed {
            for (kind, text) in self.named_by(index) {
                let path = resolve(self.path(index), &text.node);
                let target = self.expect(path, |path| real(host.files, path), kind, &mut round);
                named.push((index, kind, text, target));
            }
            if let Some(file) = self.files.get_mut(index) {
                // A file that was closed is parsed again when a later one imports it, and its imports would count
                // twice.
                file.imports.clear();
            }
        }
        self.read(round, true, host, diags);
        let mut next = Vec::new();
        for (index, kind, text, target) in named {
            self.connect(index, kind, &text, target);
            let Some(file) = self.files.get(target) else { continue };
            if let Some(why) = file.failed() {
                diags.push(unreadable(text.span, &file.path, why));
            }
            if kind == Kind::Rules && matches!(file.content, Content::Rules(None)) {
                next.push(target);
            }
        }
        // Two files of a round may import a third one, which is parsed once.
        next.sort_unstable();
        next.dedup();
        next
    }

    /// Notes that a file names another at a place.
    fn connect(&mut self, index: usize, kind: Kind, text: &ast::Text, target: usize) {
        match kind {
            Kind::Rules => {
                if let Some(file) = self.files.get_mut(index) {
                    file.imports.push((target, text.span));
                }
                if let Some(file) = self.files.get_mut(target) {
                    file.imported = true;
                }
            }
            Kind::List => {
                if let Some(Content::List(table)) = self.files.get(target).map(|file| &file.content) {
                    self.named.insert_table(text.span.file, &text.node, Arc::clone(table));
                }
            }
            Kind::Lookup => {
                if let Some(Content::Lookup(table)) = self.files.get(target).map(|file| &file.content) {
                    self.named.insert_lookup(text.span.file, &text.node, Arc::clone(table));
                }
            }
            Kind::Event => {
                if let Some(File { id, content: Content::Event, .. }) = self.files.get(target) {
                    self.named.insert_event(text.span.file, &text.node, *id);
                }
            }
        }
    }

    /// The tree of a file, while it is open.
    pub(super) fn tree(&self, index: usize) -> Option<&ast::File> {
        match &self.files.get(index)?.content {
            Content::Rules(tree) => tree.as_ref(),
            Content::List(_) | Content::Lookup(_) | Content::Event | Content::Nothing => None,
        }
    }

    /// The files that a rule file names: imports, list files, lookup tables, raw events.
    fn named_by(&self, index: usize) -> Vec<(Kind, ast::Text)> {
        let Some(file) = self.tree(index) else { return Vec::new() };
        let imports = file.imports.iter().map(|path| (Kind::Rules, path.clone()));
        let lists = file.lists.iter().filter_map(|list| match &list.body {
            ast::ListBody::File(path) => Some((Kind::List, path.clone())),
            ast::ListBody::Inline(_) => None,
        });
        let lookups = file.lookups.iter().map(|lookup| (Kind::Lookup, lookup.file.clone()));
        let tests = file.rules.iter().flat_map(ast::Rule::tests);
        let events = tests.flat_map(|test| &test.events).filter_map(|event| match &event.content {
            ast::EventContent::Raw(ast::RawText::File(path)) => Some((Kind::Event, path.clone())),
            ast::EventContent::Raw(ast::RawText::Inline(_)) | ast::EventContent::Fields(_) => None,
        });
        imports.chain(lists).chain(lookups).chain(events).collect()
    }

    /// Everything that a file imports, directly or not, each once, without itself.
    fn imported(&self, root: usize) -> Vec<&ast::File> {
        let mut seen = HashSet::from([root]);
        let mut queue = vec![root];
        let mut found = Vec::new();
        while let Some(index) = queue.pop() {
            for &(next, _) in self.files.get(index).into_iter().flat_map(|file| &file.imports) {
                if seen.insert(next) {
                    queue.push(next);
                    found.extend(self.tree(next));
                }
            }
        }
        found
    }

    /// Reports each circle of imports once, with its first imports, when every file has been open.
    pub(super) fn report_cycles(&self, diags: &mut Diagnostics) {
        let edges: Vec<Vec<usize>> =
            self.files.iter().map(|file| file.imports.iter().map(|edge| edge.0).collect()).collect();
        let circle = imports::circles(&edges);
        let mut found: BTreeMap<usize, Diagnostic> = BTreeMap::new();
        for (index, file) in self.files.iter().enumerate() {
            let Some(number) = circle.get(index) else { continue };
            for &(_, span) in file.imports.iter().filter(|edge| circle.get(edge.0) == Some(number)) {
                match found.remove(number) {
                    None => {
                        let first = Diagnostic::new(Code::ImportCycle, span, "files import each other")
                            .label("this import leads back to this file")
                            .help("move the shared allowlists into a file of their own");
                        found.insert(*number, first);
                    }
                    Some(known) if known.secondary.len() < MOST_IMPORTS => {
                        found.insert(*number, known.also(span, "and this one to its file"));
                    }
                    Some(known) => _ = found.insert(*number, known),
                }
            }
        }
        diags.extend_with(found.into_values());
    }
}

impl File {
    /// Why it could not be read.
    fn failed(&self) -> Option<&str> {
        match &self.reading {
            Reading::Failed(why) => Some(why),
            Reading::Fine | Reading::NoText => None,
        }
    }
}

/// Reads a file, which the user or (`named`) a rule file names; a list is parsed as well.
fn load(
    files: &dyn Files,
    (path, kind): (PathBuf, Kind),
    named: bool,
    id: FileId,
) -> (File, SourceFile, Diagnostics) {
    let mut diags = Diagnostics::default();
    let allowed = if named { kind.check(files, &path) } else { Ok(()) };
    let bytes = allowed.and_then(|()| kind.read(files, &path));
    let (text, reading) = match bytes.map(|bytes| syntax::decode(bytes, id)) {
        Ok(Ok(text)) => (text, Reading::Fine),
        Ok(Err(broken)) => {
            let (text, found) = *broken;
            diags.push(found);
            (text, Reading::NoText)
        }
        Err(why) => (String::new(), Reading::Failed(why)),
    };
    let source = SourceFile::new(show(&path), text);
    let content = match (kind, &reading) {
        (Kind::Rules, _) => Content::Rules(None),
        (Kind::List, Reading::Fine) => Content::List(Arc::new(table::parse(&source, id, &mut diags))),
        (Kind::Lookup, Reading::Fine) => {
            Content::Lookup(Arc::new(table::parse_lookup(&source, id, &mut diags)))
        }
        (Kind::Event, Reading::Fine) => Content::Event,
        (Kind::List | Kind::Lookup | Kind::Event, Reading::NoText | Reading::Failed(_)) => Content::Nothing,
    };
    (File { path, id, reading, content, imports: Vec::new(), imported: false }, source, diags)
}

fn cannot_read(path: &Path, why: &str) -> String {
    format!("cannot read `{}`: {why}", show(path))
}

fn unreadable(span: Span, path: &Path, why: &str) -> Diagnostic {
    Diagnostic::new(Code::FileUnreadable, span, cannot_read(path, why))
        .label("named here")
        .help("paths start at the folder of the file that names them")
}
