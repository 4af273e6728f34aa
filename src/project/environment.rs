//! The environment of a rule: settings and catalog, from the `catena.yaml` found upward from it.
//!
//! In: the folder of a rule, options. Out: an [`Environment`], shared by all rules under the same file.
//! Must not know: rules.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::backend::{self, Schemas};
use crate::catalog::Catalog;
use crate::diag::{Code, Diagnostic, Diagnostics};
use crate::settings::Settings;
use crate::source::{FileId, SourceFile, Sources, Span};
use crate::syntax;

use super::files::{Entry, Files, text};

/// The name of an environment file.
const FILE: &str = "catena.yaml";
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
    base: Catalog,
    /// The file given by option, instead of searching, and its text: it may be a pipe, which is read once.
    given: Option<(&'a Path, String)>,
    /// Parameters given by option: they win over every file.
    set: &'a [(String, String)],
    by_folder: HashMap<PathBuf, Option<PathBuf>>,
    by_file: HashMap<Option<PathBuf>, Arc<Environment>>,
}

impl<'a> Environments<'a> {
    /// Environments over the embedded sources and the `extra` source files, with the parameters `set` by option.
    ///
    /// # Errors
    /// What the user named and cannot be used: that is no finding in a rule.
    pub fn new(
        files: &'a dyn Files,
        extra: &[PathBuf],
        given: Option<&'a Path>,
        set: &'a [(String, String)],
    ) -> Result<Self, String> {
        let mut base = Catalog::embedded().map_err(|error| error.to_string())?;
        for path in extra {
            let text = text(files, path, LIMIT)
                .map_err(|error| format!("cannot read source file `{}`: {error}", path.display()))?;
            base.add(&path.display().to_string(), &text).map_err(|error| error.to_string())?;
        }
        let read = |path: &'a Path| {
            let text = text(files, path, LIMIT);
            text.map(|text| (path, text))
                .map_err(|error| format!("cannot read environment file `{}`: {error}", path.display()))
        };
        let given = given.map(read).transpose()?;
        Ok(Self { files, base, given, set, by_folder: HashMap::new(), by_file: HashMap::new() })
    }

    /// The environment for a rule file.
    pub fn of(&mut self, rule: &Path, sources: &mut Sources, diags: &mut Diagnostics) -> Arc<Environment> {
        let file = match &self.given {
            Some((path, _)) => Some((*path).to_owned()),
            None => self.search(rule.parent().unwrap_or(Path::new(""))),
        };
        if let Some(known) = self.by_file.get(&file) {
            return Arc::clone(known);
        }
        let (mut settings, mut catalog) = (Settings::default(), self.base.clone());
        let mark = diags.len();
        if let Some(path) = &file {
            let text = match &self.given {
                Some((_, text)) => Ok(text.clone()),
                None => text(self.files, path, LIMIT),
            };
            read(self.files, path, text, (&mut settings, &mut catalog), sources, diags);
        }
        let schemas = backend::schemas(&catalog, diags);
        settings.params.extend(self.set.iter().cloned());
        let broken = diags.errors_since(mark);
        let environment = Arc::new(Environment { settings, catalog, schemas, broken });
        self.by_file.insert(file, Arc::clone(&environment));
        environment
    }

    /// The nearest environment file in `folder` or above it.
    fn search(&mut self, folder: &Path) -> Option<PathBuf> {
        if let Some(known) = self.by_folder.get(folder) {
            return known.clone();
        }
        let start = self.files.absolute(folder);
        let found =
            start.ancestors().map(|up| up.join(FILE)).find(|file| self.files.entry(file) == Entry::File);
        self.by_folder.insert(folder.to_owned(), found.clone());
        found
    }
}

/// Reads an environment file into the settings, and changes the catalog as it says.
fn read(
    files: &dyn Files,
    path: &Path,
    text: Result<String, String>,
    (settings, catalog): (&mut Settings, &mut Catalog),
    sources: &mut Sources,
    diags: &mut Diagnostics,
) {
    let text = match text {
        Ok(text) => text,
        Err(error) => {
            let id = sources.add(SourceFile::new(path.display().to_string(), ""));
            let title = format!("cannot read the environment file: {error}");
            diags.push(Diagnostic::new(Code::SettingsInvalid, Span::new(id, 0, 0), title));
            return;
        }
    };
    let id = sources.add(SourceFile::new(path.display().to_string(), text.clone()));
    match Settings::read(&text) {
        Ok(read) => *settings = read,
        Err(error) => diags.push(invalid(id, &text, error.offset, &error.message)),
    }
    let folder = path.parent().unwrap_or(Path::new(""));
    for name in &settings.sources {
        let outcome = read_source(files, &folder.join(name))
            .map_err(|why| format!("cannot read `{name}`: {why}"))
            .and_then(|source| catalog.add(name, &source).map_err(|error| error.to_string()));
        if let Err(message) = outcome {
            diags.push(invalid(id, &text, text.find(name.as_str()), &message));
        }
    }
    for (name, message) in settings.apply(catalog) {
        diags.push(invalid(id, &text, text.find(&name), &message));
    }
}

/// Messages speak of what a source file says, so nothing but a source file is opened.
fn read_source(files: &dyn Files, path: &Path) -> Result<String, String> {
    if !path.extension().is_some_and(|found| found == "yaml" || found == "yml") {
        return Err("a source file ends in `.yaml` or `.yml`".to_owned());
    }
    text(files, path, LIMIT)
}

/// A problem of an environment file at the word that starts at `offset`.
fn invalid(id: FileId, text: &str, offset: Option<usize>, message: &str) -> Diagnostic {
    let start = offset.unwrap_or(0);
    let word = text.get(start..).unwrap_or_default();
    let length = word.find(|c: char| c.is_whitespace() || c == ':').unwrap_or(word.len());
    Diagnostic::new(Code::SettingsInvalid, Span::new(id, start, start + length), message)
        .help("the keys are params, lookback, lists, sources and targets")
}
