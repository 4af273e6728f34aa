//! The workspace: every file of a run, read and parsed once, in parallel.
//!
//! In: paths as the user gave them. Out: a [`Workspace`] from which each rule file is seen as a [`Unit`].
//! Must not know: what rules mean.

use std::collections::{HashMap, HashSet};
use std::io::Read;
use std::path::{Component, Path, PathBuf};
use std::sync::Arc;

use rayon::prelude::*;

use crate::diag::{Code, Diagnostic, Diagnostics};
use crate::source::{FileId, SourceFile, Sources, Span};
use crate::syntax::{self, ast};
use crate::table::{self, Table};
use crate::unit::{Tables, Unit};

/// The name under which standard input is shown.
const STDIN: &str = "<stdin>";

/// Every file of a run.
#[derive(Debug, Default)]
pub(super) struct Workspace {
    /// Names and texts.
    pub(super) sources: Sources,
    files: Vec<Parsed>,
    by_path: HashMap<(PathBuf, Kind), usize>,
    tables: Tables,
    /// How many of `files` the user asked for; they come first.
    asked: usize,
}

#[derive(Debug)]
struct Parsed {
    path: PathBuf,
    content: Content,
    /// Parsed files that this one imports.
    imports: Vec<(usize, Span)>,
}

#[derive(Debug)]
enum Content {
    Rules(ast::File),
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
    /// Reads and parses `paths` (files, directories, `-`) and everything they name. Problems of texts go to `diags`.
    pub(super) fn load(paths: &[PathBuf], diags: &mut Diagnostics) -> Result<Self, Vec<Unreadable>> {
        let mut this = Self::default();
        let mut problems = Vec::new();
        let wanted = find(paths, &mut problems);
        let mut round: Vec<(PathBuf, Kind)> = Vec::new();
        for path in wanted {
            this.expect(path, Kind::Rules, &mut round);
        }
        let failed = this.read(&round, false, diags);
        problems.extend(failed.into_iter().map(|(path, _, why)| Unreadable(cannot_read(&path, &why))));
        this.asked = this.files.len();
        if !problems.is_empty() {
            return Err(problems);
        }
        this.follow(diags);
        this.report_cycles(diags);
        Ok(this)
    }

    /// The paths of the rule files the user asked for.
    pub(super) fn asked_paths(&self) -> impl Iterator<Item = &Path> {
        self.files.iter().take(self.asked).map(|file| file.path.as_path())
    }

    /// The rule files the user asked for, in the order of [`Self::asked_paths`].
    pub(super) fn units(&self) -> Vec<Unit<'_>> {
        let mut units = Vec::with_capacity(self.asked);
        for (index, parsed) in self.files.iter().take(self.asked).enumerate() {
            if let Content::Rules(file) = &parsed.content {
                let imported = self.imported(index);
                units.push(Unit { sources: &self.sources, file, imported, tables: &self.tables });
            }
        }
        units
    }

    /// Notes that a file is needed; it joins `round` when it is new.
    fn expect(&mut self, path: PathBuf, kind: Kind, round: &mut Vec<(PathBuf, Kind)>) -> usize {
        let next = self.files.len() + round.len();
        let index = *self.by_path.entry((path.clone(), kind)).or_insert(next);
        if index == next {
            round.push((path, kind));
        }
        index
    }

    /// Reads and parses one round of new files, which the user or (`named`) a rule file names; those that cannot be read
    /// leave an empty place, and their reason.
    fn read(
        &mut self,
        round: &[(PathBuf, Kind)],
        named: bool,
        diags: &mut Diagnostics,
    ) -> Vec<(PathBuf, Kind, String)> {
        let first = self.sources.next_id().0;
        let loaded: Vec<_> = round
            .par_iter()
            .zip((0u32..).map(|n| FileId(first + n)).take(round.len()).collect::<Vec<_>>())
            .map(|((path, kind), id)| load(path, *kind, named, id))
            .collect();
        let mut failed = Vec::new();
        for ((path, kind), (source, content, found)) in round.iter().zip(loaded) {
            match source {
                Ok(source) => _ = self.sources.add(source),
                Err(why) => {
                    self.sources.add(SourceFile::new(show(path), ""));
                    failed.push((path.clone(), *kind, why));
                }
            }
            diags.extend(found);
            self.files.push(Parsed { path: path.clone(), content, imports: Vec::new() });
        }
        failed
    }

    /// Reads what the files name, round by round, until nothing is new.
    fn follow(&mut self, diags: &mut Diagnostics) {
        let mut done = 0;
        let mut named_at: HashMap<usize, Vec<Span>> = HashMap::new();
        let mut lists: Vec<(FileId, u32, usize)> = Vec::new();
        while done < self.files.len() {
            let mut round = Vec::new();
            for index in done..self.files.len() {
                for (kind, text) in self.named_by(index) {
                    let path = resolve(self.files.get(index).map(|file| file.path.as_path()), &text.node);
                    let target = self.expect(path, kind, &mut round);
                    named_at.entry(target).or_default().push(text.span);
                    match kind {
                        Kind::Rules => {
                            if let Some(file) = self.files.get_mut(index) {
                                file.imports.push((target, text.span));
                            }
                        }
                        Kind::List => lists.push((text.span.file, text.span.start, target)),
                    }
                }
            }
            done = self.files.len();
            for (path, kind, why) in self.read(&round, true, diags) {
                let index = self.by_path.get(&(path.clone(), kind)).copied().unwrap_or_default();
                for span in named_at.get(&index).into_iter().flatten() {
                    diags.push(unreadable(*span, &path, &why));
                }
            }
        }
        self.place_tables(&lists);
    }

    fn place_tables(&mut self, lists: &[(FileId, u32, usize)]) {
        for &(file, start, target) in lists {
            if let Some(Content::List(table)) = self.files.get(target).map(|file| &file.content) {
                self.tables.insert((file, start), Arc::clone(table));
            }
        }
    }

    /// The files that a rule file names: imports and list files.
    fn named_by(&self, index: usize) -> Vec<(Kind, ast::Text)> {
        let Some(Content::Rules(file)) = self.files.get(index).map(|file| &file.content) else {
            return Vec::new();
        };
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
                    if let Some(Content::Rules(file)) = self.files.get(next).map(|file| &file.content) {
                        found.push(file);
                    }
                }
            }
        }
        found
    }

    /// Reports each import that closes a cycle.
    fn report_cycles(&self, diags: &mut Diagnostics) {
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

type Loaded = (Result<SourceFile, String>, Content, Diagnostics);

fn load(path: &Path, kind: Kind, named: bool, id: FileId) -> Loaded {
    let mut diags = Diagnostics::default();
    let empty = |kind| match kind {
        Kind::Rules => Content::Rules(ast::File {
            id,
            imports: vec![],
            lists: vec![],
            rules: vec![],
            comments: vec![],
            understood: ast::Understood::Partly,
        }),
        Kind::List => Content::Nothing,
    };
    let allowed = if named { check_kind(path, kind) } else { Ok(()) };
    let bytes = match allowed.and_then(|()| read_bytes(path, kind)) {
        Ok(bytes) => bytes,
        Err(why) => return (Err(why), empty(kind), diags),
    };
    let source = match syntax::decode(bytes, id) {
        Ok(text) => SourceFile::new(show(path), text),
        Err(broken) => {
            let (text, found) = *broken;
            diags.push(found);
            return (Ok(SourceFile::new(show(path), text)), empty(kind), diags);
        }
    };
    let content = match kind {
        Kind::Rules => Content::Rules(syntax::parse(&source, id, &mut diags)),
        Kind::List => Content::List(Arc::new(table::parse(&source, id, &mut diags))),
    };
    (Ok(source), content, diags)
}

/// What a rule file may name. Diagnostics show lines of what is read, and whoever runs the program may be able to read more
/// than whoever wrote the rule: so the extension counts, also that of the file behind a symbolic link.
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
        open(path)?.take(limit + 1).read_to_end(&mut bytes)
    };
    match read {
        Ok(_) if kind == Kind::List && bytes.len() as u64 > limit => {
            Err(format!("the list file is larger than {} MiB", limit >> 20))
        }
        Ok(_) => Ok(bytes),
        Err(error) => Err(error.to_string()),
    }
}

fn open(path: &Path) -> Result<std::fs::File, String> {
    let metadata = std::fs::metadata(path).map_err(|error| error.to_string())?;
    if metadata.is_dir() {
        return Err("it is a directory".to_owned());
    }
    std::fs::File::open(path).map_err(|error| error.to_string())
}

/// The rule files under `paths`, sorted within each directory.
fn find(paths: &[PathBuf], problems: &mut Vec<Unreadable>) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for path in paths {
        if path == Path::new("-") || !path.is_dir() {
            found.push(tidy(path));
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
                    found.push(tidy(entry.path()));
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

/// The path without `.` and, where that is certain, without `..`: one file, one name.
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
    tidy
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
