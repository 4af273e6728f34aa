//! The catalog: every source known, by name. Built-in sources are read when somebody asks for them.
//!
//! In: source files. Out: sources by name. Must not know: what is in them.

use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock};

use super::change::{Extension, Stated};
use super::conflict::conflicts;
use super::read::{Defined, read};
use super::{CatalogError, EMBEDDED, Layout, Source};
use crate::diag::{Code, Diagnostic, Diagnostics};
use crate::form::Document;
use crate::source::{FileId, SourceFile, Sources, Span};

/// Every source known, by canonical name.
#[derive(Debug, Clone, Default)]
pub struct Catalog {
    sources: BTreeMap<String, Arc<Entry>>,
    /// Whether a file was read of which nothing could be made.
    incomplete: bool,
}

/// A source and the file that defines it.
#[derive(Debug, Clone)]
struct Entry {
    document: Arc<Document>,
    standing: Standing,
    /// Whether an environment file has changed it.
    changed: bool,
    /// Nothing if the file cannot be read.
    source: OnceLock<Option<Source>>,
}

/// How a source came to be known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Standing {
    /// It is part of the program: another file may take its place.
    BuiltIn,
    /// It is part of the program, and a file adds to it.
    Extended,
    /// A file of the organisation defines it.
    Own,
}

impl Entry {
    fn source(&self) -> Option<&Source> {
        // No findings are kept: what an organisation wrote was read before, and a test reads every built-in file.
        let source = self.source.get_or_init(|| match read(&self.document, &mut Diagnostics::default()) {
            Some(Defined::Source(source)) => Some(*source),
            Some(Defined::Extension(..)) | None => None,
        });
        source.as_ref()
    }

    fn source_mut(&mut self) -> Option<&mut Source> {
        self.source();
        self.source.get_mut()?.as_mut()
    }

    fn extend(&mut self, extension: &Extension, stated: Stated<'_>, diags: &mut Diagnostics) {
        if self.standing == Standing::BuiltIn {
            self.standing = Standing::Extended;
        }
        if let Some(source) = self.source_mut() {
            source.extend(extension, stated, diags);
        }
    }
}

impl Catalog {
    /// The sources that are part of the program.
    ///
    /// # Errors
    /// None: what a built-in file holds is known only when somebody asks for it, and a test reads them all.
    pub fn embedded() -> Result<Self, CatalogError> {
        // No file of a run has this id, so a span into a built-in source points nowhere.
        let file = |text| (FileId(u32::MAX), Arc::new(SourceFile::embedded("", text)));
        let sources = EMBEDDED.iter().map(|(name, text)| built_in(name, file(text))).collect();
        Ok(Self { sources, incomplete: false })
    }

    /// The sources that are part of the program, their files among those of a run, so that findings in them have a
    /// place.
    #[must_use]
    pub fn registered(sources: &mut Sources) -> Self {
        let mut file = |name: &str, text| {
            let id = sources.add(SourceFile::embedded(format!("built-in {name}"), text));
            (id, sources.share(id).unwrap_or_default())
        };
        let sources = EMBEDDED.iter().map(|(name, text)| built_in(name, file(name, text))).collect();
        Self { sources, incomplete: false }
    }

    /// Adds the sources that files define, and then what files add to sources, in whatever order the files are named.
    /// A file may take the place of a built-in source; two files may not define one.
    pub fn read(&mut self, files: &[FileId], sources: &Sources, diags: &mut Diagnostics) {
        let files = files.iter().filter_map(|&id| Document::of(id, sources));
        let mut extensions = Vec::new();
        for document in files {
            match read(&document, diags) {
                Some(Defined::Source(source)) => self.define(*source, document, diags),
                Some(Defined::Extension(extension, checked)) => {
                    extensions.push((extension, checked, document));
                }
                None => self.incomplete = true,
            }
        }
        diags.extend_with(conflicts(&extensions));
        // After all definitions, so that the order of the files does not matter.
        for (extension, checked, document) in extensions {
            let stated = Stated { document: &document, checked: Some(&checked), inside: &[] };
            if let Some(entry) = self.sources.get_mut(&extension.extends) {
                Arc::make_mut(entry).extend(&extension, stated, diags);
            } else if !checked.is_broken(&["extends"]) {
                diags.extend_with(self.unknown(&extension.extends, document.find(["extends"]).span));
            }
        }
    }

    fn define(&mut self, source: Source, document: Arc<Document>, diags: &mut Diagnostics) {
        if let Some(other) = self.sources.get(&source.name).filter(|entry| entry.standing == Standing::Own) {
            let title = format!("the source `{}` is defined twice", source.name);
            let found = Diagnostic::new(Code::SourceTwice, document.find(["name"]).span, title);
            let found = found
                .label("defined here again")
                .also(other.document.find(["name"]).span, "defined here first");
            diags.push(found.help("remove one of the files, or let it add to the source with `extends`"));
            return;
        }
        let name = source.name.clone();
        let source = OnceLock::from(Some(source));
        self.sources
            .insert(name, Arc::new(Entry { document, standing: Standing::Own, changed: false, source }));
    }

    /// Adds a source from a text of its own, or replaces the one of the same name.
    ///
    /// # Errors
    /// When `text` is not a source file: the message says what is wrong and names `file`.
    pub fn add(&mut self, file: &str, text: &str) -> Result<(), CatalogError> {
        let (mut sources, mut diags) = (Sources::default(), Diagnostics::default());
        let id = sources.add(SourceFile::new(file, text));
        let mut added = Self::default();
        added.read(&[id], &sources, &mut diags);
        let found = diags.into_sorted();
        if found.is_empty() {
            self.sources.append(&mut added.sources);
            return Ok(());
        }
        let line = |found: &Diagnostic| match sources.locate(found.primary.span) {
            Some((_, at)) => format!("{} at line {}, column {}", found.title, at.line, at.column),
            None => found.title.clone(),
        };
        let message = found.iter().map(line).collect::<Vec<_>>().join("; ");
        Err(CatalogError { file: file.to_owned(), message })
    }

    /// The source of a canonical name such as `aws.cloudtrail`.
    #[must_use]
    pub fn source(&self, name: &str) -> Option<&Source> {
        self.sources.get(name).and_then(|entry| entry.source())
    }

    /// The source of a canonical name, to change it.
    pub fn source_mut(&mut self, name: &str) -> Option<&mut Source> {
        let entry = Arc::make_mut(self.sources.get_mut(name)?);
        entry.changed = true;
        entry.source_mut()
    }

    /// Puts every source into the tables of a layout.
    pub fn lay_out(&mut self, layout: Layout) {
        let names: Vec<_> = self.names().map(str::to_owned).collect();
        if layout == Layout::default() {
            return;
        }
        for name in names {
            if let Some(source) = self.source_mut(&name) {
                source.lay_out(layout);
            }
        }
    }

    /// Whether a source is as it was built in: then a test has found no fault in it, and it is read when it is needed.
    #[must_use]
    pub fn is_as_built_in(&self, name: &str) -> bool {
        self.sources.get(name).is_some_and(|entry| entry.standing == Standing::BuiltIn && !entry.changed)
    }

    /// All sources, sorted by name.
    pub fn iter(&self) -> impl Iterator<Item = &Source> {
        self.sources.values().filter_map(|entry| entry.source())
    }

    /// The sources that are not built in, or are no longer as they were built in.
    pub fn added(&self) -> impl Iterator<Item = &Source> {
        self.sources
            .values()
            .filter(|entry| entry.standing != Standing::BuiltIn)
            .filter_map(|entry| entry.source())
    }

    /// The names of all sources, sorted.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.sources.keys().map(String::as_str)
    }

    /// What is said of a name that no source has.
    /// Nothing, if a file of which nothing could be made may define it.
    pub(crate) fn unknown(&self, name: &str, span: Span) -> Option<Diagnostic> {
        let known: Vec<_> = self.names().collect();
        let found = Diagnostic::new(Code::UnknownSetting, span, format!("no source has the name `{name}`"))
            .suggest(name, known.iter().copied())
            .help(format!("the sources are {}", known.join(", ")));
        (!self.incomplete).then_some(found)
    }
}

/// The entry of a built-in source, whose file is called after it.
fn built_in(file: &str, (id, text): (FileId, Arc<SourceFile>)) -> (String, Arc<Entry>) {
    let name = file.strip_suffix(".yaml").unwrap_or(file).to_owned();
    let document = Arc::new(Document::new(id, text));
    (name, Arc::new(Entry { document, standing: Standing::BuiltIn, changed: false, source: OnceLock::new() }))
}
