//! The workspace: every file of a run. Texts are read once, in parallel, and kept; syntax trees come and go with the
//! rule files at work, so that memory does not grow with them.
//!
//! In: paths as the user gave them. Out: a [`Workspace`] from which rule files are seen as [`Unit`]s, some at a time.
//! Must not know: what rules mean.

use std::collections::{HashMap, HashSet};
use std::io::Read;
use std::ops::Range;
use std::path::{Component, Path, PathBuf};
use std::sync::Arc;

use rayon::prelude::*;

use crate::diag::{Code, Diagnostic, Diagnostics};
use crate::source::{FileId, SourceFile, Sources, Span};
use crate::syntax::{self, ast};
use crate::table::{self, Table};
use crate::unit::{Tables, Unit};

use super::given;

/// The name under which standard input is shown.
const STDIN: &str = "<stdin>";

/// Every file of a run.
#[derive(Debug, Default)]
pub(super) struct Workspace {
    /// Names and texts.
    pub(super) sources: Sources,
    files: Vec<File>,
    /// By every spelling that occurred, and by what the file really is.
    by_path: HashMap<(PathBuf, Kind), usize>,
    tables: Tables,
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
    /// A list file that could not be read.
    Nothing,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Kind {
    Rules,
    List,
}

/// A file the user asked for that could not be read.
#[derive(Debug)]
pub(super) struct Unreadable(pub(super) String);

impl Workspace {
    /// Reads `paths` (files, directories, `-`). Problems of texts go to `diags`.
    pub(super) fn load(paths: &[PathBuf], diags: &mut Diagnostics) -> Result<Self, Vec<Unreadable>> {
        let mut this = Self::default();
        let mut problems = Vec::new();
        let wanted = find(paths, &mut problems);
        let mut round: Vec<(PathBuf, Kind)> = Vec::new();
        for (path, real) in wanted {
            this.expect(path, |_| real, Kind::Rules, &mut round);
        }
        this.read(round, false, diags);
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

    /// What `see` sees in the texts of the rule files the user asked for, in their order.
    pub(super) fn survey<T: Send>(&self, see: impl Fn(&SourceFile, FileId) -> Vec<T> + Sync) -> Vec<T> {
        let files = self.files.par_iter().take(self.asked);
        files
            .flat_map_iter(|file| {
                self.sources.get(file.id).map(|text| see(text, file.id)).unwrap_or_default()
            })
            .collect()
    }

    /// Parses some of the rule files the user asked for, and reads and parses everything they name.
    pub(super) fn open(&mut self, some: Range<usize>, diags: &mut Diagnostics) {
        let mut round: Vec<usize> = some.collect();
        while !round.is_empty() {
            self.parse_all(&round, diags);
            round = self.follow(&round, diags);
        }
    }

    /// The rule files of a range that is open, in its order.
    pub(super) fn units(&self, some: Range<usize>) -> Vec<Unit<'_>> {
        let unit = |index| {
            let imported = self.imported(index);
            Some(Unit { sources: &self.sources, file: self.tree(index)?, imported, tables: &self.tables })
        };
        some.filter_map(unit).collect()
    }

    /// Drops the trees of a range, but for those that others import.
    pub(super) fn close(&mut self, some: Range<usize>) {
        self.files.get_mut(some).unwrap_or_default().par_iter_mut().for_each(|file| {
            match &mut file.content {
                Content::Rules(tree) if !file.imported => *tree = None,
                Content::Rules(_) | Content::List(_) | Content::Nothing => {}
            }
        });
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
    fn read(&mut self, round: Vec<(PathBuf, Kind)>, named: bool, diags: &mut Diagnostics) {
        let first = self.sources.next_id().0;
        let ids: Vec<_> = (first..).map(FileId).take(round.len()).collect();
        let loaded: Vec<_> = round.into_par_iter().zip(ids).map(|(file, id)| load(file, named, id)).collect();
        for (file, source, found) in loaded {
            self.sources.add(source);
            self.files.push(file);
            diags.extend(found);
        }
    }

    /// Parses the rule files that have no tree.
    fn parse_all(&mut self, round: &[usize], diags: &mut Diagnostics) {
        let parsed = round.par_iter().with_max_len(1).map(|&index| {
            let mut found = Diagnostics::default();
            let tree = self.files.get(index).and_then(|file| self.parse(file, &mut found));
            (index, tree, found)
        });
        for (index, tree, found) in parsed.collect::<Vec<_>>() {
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
            (Content::Rules(None), Reading::NoText | Reading::Failed(_)) => Some(not_understood(file.id)),
            (Content::Rules(Some(_)) | Content::List(_) | Content::Nothing, _) => None,
        }
    }

    /// Reads what parsed files name; returns the rule files among it that are not parsed.
    fn follow(&mut self, parsed: &[usize], diags: &mut Diagnostics) -> Vec<usize> {
        let mut round = Vec::new();
        let mut named = Vec::new();
        for &index in parsed {
            for (kind, text) in self.named_by(index) {
                let path = resolve(self.path(index), &text.node);
                named.push((index, kind, text.span, self.expect(path, real, kind, &mut round)));
            }
            if let Some(file) = self.files.get_mut(index) {
                file.imports.clear();
            }
        }
        self.read(round, true, diags);
        let mut next = Vec::new();
        for (index, kind, span, target) in named {
            self.connect(index, kind, span, target);
            let Some(file) = self.files.get(target) else { continue };
            if let Some(why) = file.failed() {
                diags.push(unreadable(span, &file.path, why));
            }
            if kind == Kind::Rules && matches!(file.content, Content::Rules(None)) {
                next.push(target);
            }
        }
        next.sort_unstable();
        next.dedup();
        next
    }

    /// Notes that a file names another at a place.
    fn connect(&mut self, index: usize, kind: Kind, span: Span, target: usize) {
        match kind {
            Kind::Rules => {
                if let Some(file) = self.files.get_mut(index) {
                    file.imports.push((target, span));
                }
                if let Some(file) = self.files.get_mut(target) {
                    file.imported = true;
                }
            }
            Kind::List => {
                if let Some(Content::List(table)) = self.files.get(target).map(|file| &file.content) {
                    self.tables.insert((span.file, span.start), Arc::clone(table));
                }
            }
        }
    }

    fn tree(&self, index: usize) -> Option<&ast::File> {
        match &self.files.get(index)?.content {
            Content::Rules(tree) => tree.as_ref(),
            Content::List(_) | Content::Nothing => None,
        }
    }

    /// The files that a rule file names: imports and list files.
    fn named_by(&self, index: usize) -> Vec<(Kind, ast::Text)> {
        let Some(file) = self.tree(index) else { return Vec::new() };
        let imports = file.imports.iter().map(|path| (Kind::Rules, path.clone()));
        let lists = file.lists.iter().filter_map(|list| match &list.body {
            ast::ListBody::File(path) => Some((Kind::List, path.clone())),
            ast::ListBody::Inline(_) => None,
        });
        imports.chain(lists).collect()
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

    /// Reports each import that closes a cycle, once every file has been open.
    pub(super) fn report_cycles(&self, diags: &mut Diagnostics) {
        for (index, file) in self.files.iter().enumerate() {
            for &(next, span) in &file.imports {
                if next == index || self.reaches(next, index) {
                    let found = Diagnostic::new(Code::ImportCycle, span, "files import each other")
                        .label("this import leads back to this file");
                    diags.push(found.help("move the shared allowlists into a file of their own"));
                }
            }
        }
    }

    fn reaches(&self, from: usize, to: usize) -> bool {
        let mut seen = HashSet::new();
        let mut queue = vec![from];
        while let Some(index) = queue.pop() {
            if index == to {
                return true;
            }
            if seen.insert(index) {
                queue.extend(
                    self.files.get(index).into_iter().flat_map(|file| file.imports.iter().map(|edge| edge.0)),
                );
            }
        }
        false
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

/// Stands for a rule file whose text nobody could read: anything may stand in it.
fn not_understood(id: FileId) -> ast::File {
    ast::File {
        id,
        imports: vec![],
        lists: vec![],
        rules: vec![],
        comments: vec![],
        understood: ast::Understood::Partly,
    }
}

/// Reads a file, which the user or (`named`) a rule file names; a list is parsed as well.
fn load((path, kind): (PathBuf, Kind), named: bool, id: FileId) -> (File, SourceFile, Diagnostics) {
    let mut diags = Diagnostics::default();
    let allowed = if named { check_kind(&path, kind) } else { Ok(()) };
    let bytes = allowed.and_then(|()| read_bytes(&path, kind));
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
        (Kind::List, Reading::NoText | Reading::Failed(_)) => Content::Nothing,
    };
    (File { path, id, reading, content, imports: Vec::new(), imported: false }, source, diags)
}

/// What a rule file may name. Diagnostics show lines of what is read, and whoever runs the program may be able to read
/// more than whoever wrote the rule: so the extension counts, also that of the file behind a symbolic link.
fn check_kind(path: &Path, kind: Kind) -> Result<(), String> {
    let (extension, what) = match kind {
        Kind::Rules => ("chain", "only `.chain` files can be imported"),
        Kind::List => ("csv", "only `.csv` files can be lists"),
    };
    let fits = |path: &Path| path.extension().is_some_and(|found| found.eq_ignore_ascii_case(extension));
    if !fits(path) {
        return Err(what.to_owned());
    }
    let target = path.canonicalize().map_err(|error| error.to_string())?;
    if !fits(&target) {
        return Err(format!("it is a link to another file, and {what}"));
    }
    if target.is_file() || target.is_dir() { Ok(()) } else { Err("it is not an ordinary file".to_owned()) }
}

/// Reads a whole file, up to one byte more than its bound: the parser says what the bound is.
fn read_bytes(path: &Path, kind: Kind) -> Result<Vec<u8>, String> {
    let limit = match kind {
        Kind::Rules => syntax::FILE_SIZE,
        Kind::List => table::MAX_BYTES,
    } as u64;
    let mut bytes = Vec::new();
    let read = if path == Path::new("-") {
        std::io::stdin().lock().take(limit + 1).read_to_end(&mut bytes)
    } else {
        let (file, length) = given::open(path)?;
        // One byte more than there is, so that the end is seen without growing.
        bytes.reserve_exact(usize::try_from(length.min(limit)).unwrap_or_default() + 1);
        file.take(limit + 1).read_to_end(&mut bytes)
    };
    match read {
        Ok(_) if kind == Kind::List && bytes.len() as u64 > limit => {
            Err(format!("the list file is larger than {} MiB", limit >> 20))
        }
        Ok(_) => Ok(bytes),
        Err(error) => Err(error.to_string()),
    }
}

/// The rule files under `paths`, sorted within each directory; each with what it really is.
fn find(paths: &[PathBuf], problems: &mut Vec<Unreadable>) -> Vec<(PathBuf, PathBuf)> {
    let mut found = Vec::new();
    for path in paths {
        if path == Path::new("-") {
            found.push((path.clone(), path.clone()));
            continue;
        }
        let root = real(path);
        if !path.is_dir() {
            found.push((tidy(path), root));
            continue;
        }
        let before = found.len();
        let visible = |entry: &walkdir::DirEntry| {
            entry.depth() == 0 || !entry.file_name().to_string_lossy().starts_with('.')
        };
        for entry in walkdir::WalkDir::new(path).sort_by_file_name().into_iter().filter_entry(visible) {
            match entry {
                Ok(entry)
                    if entry.file_type().is_file()
                        && entry.path().extension().is_some_and(|e| e == "chain") =>
                {
                    // Links are not followed, so what is under the real root is real.
                    let inside = entry.path().strip_prefix(path).unwrap_or(entry.path());
                    found.push((tidy(entry.path()), root.join(inside)));
                }
                Ok(_) => {}
                Err(error) => problems.push(Unreadable(error.to_string())),
            }
        }
        if found.len() == before {
            problems.push(Unreadable(format!("no `.chain` file under `{}`", path.display())));
        }
    }
    found
}

/// The path of `name` as written in the file at `from`.
fn resolve(from: Option<&Path>, name: &str) -> PathBuf {
    let folder = from.and_then(Path::parent).unwrap_or(Path::new(""));
    tidy(&folder.join(name))
}

/// The path without links, `.` and `..`; as it is, where there is no such file.
fn real(path: &Path) -> PathBuf {
    path.canonicalize().unwrap_or_else(|_| path.to_owned())
}

/// The path without `.` and, where that is certain, without `..`: as short as a reader wants it. A file called `-`
/// keeps the `.` that tells it from standard input.
fn tidy(path: &Path) -> PathBuf {
    let mut tidy = PathBuf::new();
    for part in path.components() {
        match part {
            Component::CurDir => {}
            Component::ParentDir if matches!(tidy.components().next_back(), Some(Component::Normal(_))) => {
                tidy.pop();
            }
            Component::ParentDir | Component::Normal(_) | Component::RootDir | Component::Prefix(_) => {
                tidy.push(part);
            }
        }
    }
    if tidy == Path::new("-") { Path::new(".").join(tidy) } else { tidy }
}

fn show(path: &Path) -> String {
    match path.to_str() {
        Some("-") => STDIN.to_owned(),
        Some("") => ".".to_owned(),
        _ => path.display().to_string(),
    }
}

fn cannot_read(path: &Path, why: &str) -> String {
    format!("cannot read `{}`: {why}", show(path))
}

fn unreadable(span: Span, path: &Path, why: &str) -> Diagnostic {
    Diagnostic::new(Code::FileUnreadable, span, cannot_read(path, why))
        .label("named here")
        .help("paths start at the folder of the file that names them")
}
