//! The environment of a rule: settings and catalog, from the `catena.yaml` found upward from it.
//!
//! In: the folder of a rule, options. Out: an [`Environment`], shared by all rules under the same file; what is wrong
//! in the file and in source files. Must not know: rules.

use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::backend::{self, Schemas};
use crate::catalog::{Catalog, Layout};
use crate::diag::{Code, Diagnostic, Diagnostics};
use crate::form::Document;
use crate::settings::{self, Settings};
use crate::source::{FileId, SourceFile, Sources, Span};
use crate::syntax;

use super::files::{Entry, Files, text};
use super::paths::tidy;

/// The name of an environment file.
const FILE: &str = "catena.yaml";
/// What is taken for one; that it has another name is an error, since it would be passed over in silence.
const NAMES: [&str; 2] = ["catena.yml", FILE];
/// The longest environment or source file, in bytes: as long as a rule file.
const LIMIT: usize = syntax::FILE_SIZE;

/// Settings and catalog in force for some rules.
#[derive(Debug)]
pub struct Environment {
    /// The settings.
    pub settings: Settings,
    /// The sources, as this organisation has them.
    pub catalog: Catalog,
    /// What the targets make of the sources.
    pub schemas: Schemas,
    /// Whether something in the environment file or a source file is wrong: then nobody knows what a query should look
    /// like.
    pub broken: bool,
}

/// Finds and keeps environments.
#[derive(Debug)]
pub struct Environments<'a> {
    files: &'a dyn Files,
    /// Source files given by option, and the environment file given instead of searching, with their texts: they may be
    /// pipes, which are read once.
    extra: Vec<Named>,
    given: Option<Named>,
    /// Parameters given by option: they win over every file.
    set: &'a [(String, String)],
    staged: &'a [String],
    /// The layout of a lake's tables, given by option.
    layout: Option<Layout>,
    /// The built-in sources, and the ids of `extra`, once the run has a place for files.
    base: Option<(Catalog, Vec<FileId>)>,
    /// The ids of source files that environment files name, by what they really are: a file that several of them name
    /// is one file, whose faults are reported once.
    named: HashMap<PathBuf, FileId>,
    by_folder: HashMap<PathBuf, Option<PathBuf>>,
    by_file: HashMap<Option<PathBuf>, Arc<Environment>>,
}

/// A file that the user named.
#[derive(Debug, Clone)]
struct Named {
    path: PathBuf,
    text: String,
}

impl Named {
    fn read(files: &dyn Files, what: &str, path: &Path) -> Result<Self, String> {
        let text = text(files, path, LIMIT)
            .map_err(|error| format!("cannot read {what} file `{}`: {error}", path.display()))?;
        Ok(Self { path: path.to_owned(), text })
    }
}

impl<'a> Environments<'a> {
    /// Environments over the built-in sources and the `extra` source files, with the parameters `set` by option.
    ///
    /// # Errors
    /// What the user named and cannot be read: that is no finding.
    pub fn new(
        files: &'a dyn Files,
        extra: &[PathBuf],
        given: Option<&Path>,
        set: &'a [(String, String)],
    ) -> Result<Self, String> {
        let extra = extra.iter().map(|path| Named::read(files, "source", path)).collect::<Result<_, _>>()?;
        let given = given.map(|path| Named::read(files, "environment", path)).transpose()?;
        let (named, by_folder, by_file) = (HashMap::new(), HashMap::new(), HashMap::new());
        Ok(Self {
            files,
            extra,
            given,
            set,
            staged: &[],
            layout: None,
            base: None,
            named,
            by_folder,
            by_file,
        })
    }

    /// The same with rules whose last log Splunk reads in two stages, beside those of the environment files.
    #[must_use]
    pub fn staging(self, staged: &'a [String]) -> Self {
        Self { staged, ..self }
    }

    /// The same with a layout of a lake's tables that wins over those of the environment files.
    #[must_use]
    pub fn in_layout(self, layout: Option<Layout>) -> Self {
        Self { layout, ..self }
    }

    /// The environment for a rule file.
    pub fn of(&mut self, rule: &Path, sources: &mut Sources, diags: &mut Diagnostics) -> Arc<Environment> {
        let file = match &self.given {
            Some(named) => Some(named.path.clone()),
            None => self.search(rule.parent().unwrap_or(Path::new(""))),
        };
        if let Some(known) = self.by_file.get(&file) {
            return Arc::clone(known);
        }
        let environment = Arc::new(self.read(file.as_deref(), sources, diags));
        self.by_file.insert(file, Arc::clone(&environment));
        environment
    }

    fn read(&mut self, file: Option<&Path>, sources: &mut Sources, diags: &mut Diagnostics) -> Environment {
        let mark = diags.len();
        let extra = &self.extra;
        let (catalog, ids) = self.base.get_or_insert_with(|| {
            let catalog = Catalog::registered(sources);
            let file = |named: &Named| SourceFile::new(named.path.display().to_string(), named.text.clone());
            (catalog, extra.iter().map(|named| sources.add(file(named))).collect())
        });
        let (mut catalog, mut ids) = (catalog.clone(), ids.clone());
        let mut settings = Settings::default();
        let text = file.map(|path| match &self.given {
            Some(named) => (path, Ok(named.text.clone())),
            None => (path, text(self.files, path, LIMIT)),
        });
        if let Some((path, text)) = text {
            let rename = self.given.is_none().then(|| rename(self.files, path)).flatten();
            settings = read_settings(path, text, rename, sources, diags);
            ids.extend(self.read_sources(path, &settings, sources, diags));
        }
        // Source files first, then the changes of the environment file, which apply to its own sources too.
        catalog.read(&ids, sources, diags);
        catalog.lay_out(self.layout.unwrap_or(settings.sql.layout));
        settings.apply(&mut catalog, diags);
        settings::unknown_targets(&catalog, diags);
        let schemas = backend::schemas(&catalog, diags);
        settings.set(self.set.iter().cloned());
        settings.stage(self.staged.iter().cloned());
        Environment { settings, catalog, schemas, broken: diags.errors_since(mark) }
    }

    /// Reads the source files that an environment file names, but for those given by option.
    fn read_sources(
        &mut self,
        environment: &Path,
        settings: &Settings,
        sources: &mut Sources,
        diags: &mut Diagnostics,
    ) -> Vec<FileId> {
        let folder = environment.parent().unwrap_or(Path::new(""));
        // A source file that an option names as well is read once: a second definition of one source would be an error.
        let given = self.extra.iter().filter_map(|named| self.files.real(&named.path).ok());
        let mut seen: HashSet<PathBuf> = given.collect();
        let mut ids = Vec::new();
        for (number, name) in settings.sources.iter().enumerate() {
            let path = tidy(&folder.join(name));
            let real = self.files.real(&path).unwrap_or_else(|_| path.clone());
            if !seen.insert(real.clone()) {
                continue;
            }
            if let Some(&id) = self.named.get(&real) {
                ids.push(id);
                continue;
            }
            match read_source(self.files, &path) {
                Ok(text) => {
                    let id = sources.add(SourceFile::new(path.display().to_string(), text));
                    self.named.insert(real, id);
                    ids.push(id);
                }
                Err(why) => {
                    let place = settings.place(&["sources", &number.to_string()]).unwrap_or_default();
                    let title = format!("cannot read `{name}`: {why}");
                    let found = Diagnostic::new(Code::SettingsInvalid, place, title);
                    diags.push(found.help("paths start at the folder of the environment file"));
                }
            }
        }
        ids
    }

    /// The nearest environment file in `folder` or above it; named as seen from the current folder where it is below
    /// that, as rule files are.
    fn search(&mut self, folder: &Path) -> Option<PathBuf> {
        if let Some(known) = self.by_folder.get(folder) {
            return known.clone();
        }
        let found = nearest(self.files, folder);
        let here = self.files.absolute(Path::new(""));
        let found = found.map(|file| file.strip_prefix(&here).map_or(file.clone(), Path::to_owned));
        self.by_folder.insert(folder.to_owned(), found.clone());
        found
    }
}

/// The nearest environment file in `folder` or above it, or what is taken for one.
pub fn nearest(files: &dyn Files, folder: &Path) -> Option<PathBuf> {
    // What is above `../rules` is not what is above its letters.
    let start = tidy(&files.absolute(folder));
    // A folder called `catena.yaml` is not in the way of a file further up.
    let is_file = |file: &PathBuf| files.entry(file) == Entry::File;
    start.ancestors().find_map(|up| NAMES.iter().map(|name| up.join(name)).find(is_file))
}

/// What to do with a file that was found in place of an environment file; nothing for an environment file.
fn rename(files: &dyn Files, found: &Path) -> Option<String> {
    if found.file_name().is_some_and(|name| name == FILE) {
        return None;
    }
    Some(match files.entry(&found.with_file_name(FILE)) {
        Entry::File => format!("move what it says into the `{FILE}` beside it, and remove it"),
        Entry::Folder | Entry::Other | Entry::Missing => format!("rename it to `{FILE}`"),
    })
}

/// Reads an environment file; `rename` is what to do if it has the wrong name.
fn read_settings(
    path: &Path,
    text: Result<String, String>,
    rename: Option<String>,
    sources: &mut Sources,
    diags: &mut Diagnostics,
) -> Settings {
    let (text, problem) = match text {
        Ok(text) => (text, None),
        Err(error) => (String::new(), Some(format!("cannot read the environment file: {error}"))),
    };
    let id = sources.add(SourceFile::new(path.display().to_string(), text));
    let invalid = |title: String| Diagnostic::new(Code::SettingsInvalid, Span::new(id, 0, 0), title);
    if let Some(problem) = problem {
        diags.push(invalid(problem));
        return Settings::default();
    }
    if let Some(help) = rename {
        let found = invalid(format!("an environment file is called `{FILE}`"));
        diags.push(found.label("this one would never be read").help(help));
    }
    let document = Document::of(id, sources);
    document.map_or_else(Settings::default, |document| Settings::read(&document, diags))
}

/// Messages speak of what a source file says, so nothing but a source file is opened.
fn read_source(files: &dyn Files, path: &Path) -> Result<String, String> {
    if !path.extension().is_some_and(|found| found == "yaml" || found == "yml") {
        return Err("a source file ends in `.yaml` or `.yml`".to_owned());
    }
    text(files, path, LIMIT)
}
