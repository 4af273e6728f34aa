//! A unit of compilation: one rule file with every file it names, parsed.
//!
//! In: parsed files. Out: what the checker looks at when it checks one file.
//! Must not know: types, sources, targets, and how files are found or read.

use std::collections::HashMap;
use std::sync::Arc;

use crate::source::{FileId, SourceFile, Sources};
use crate::syntax::ast::{File, Text};
use crate::table::{LookupTable, Table};

/// One rule file with everything it names.
#[derive(Debug)]
pub struct Unit<'a> {
    /// Every file of the run.
    pub sources: &'a Sources,
    /// The rule file.
    pub file: &'a File,
    /// Files it imports, directly or not, each once: only their allowlists and lookups count.
    pub imported: Vec<&'a File>,
    /// List files, lookup tables and raw events by the file and path that name them.
    pub named: &'a NamedFiles,
}

/// What rule files name beside other rule files: by the file that names it, and the path it writes.
#[derive(Debug, Default)]
pub struct NamedFiles {
    tables: ByName<Arc<Table>>,
    lookups: ByName<Arc<LookupTable>>,
    events: ByName<FileId>,
}

type ByName<T> = HashMap<FileId, HashMap<String, T>>;

impl NamedFiles {
    /// Notes what the list file `path`, as written in `file`, holds.
    pub fn insert_table(&mut self, file: FileId, path: &str, table: Arc<Table>) {
        self.tables.entry(file).or_default().insert(path.to_owned(), table);
    }

    /// Notes what the lookup table `path`, as written in `file`, holds.
    pub fn insert_lookup(&mut self, file: FileId, path: &str, table: Arc<LookupTable>) {
        self.lookups.entry(file).or_default().insert(path.to_owned(), table);
    }

    /// Notes which file the raw event `path`, as written in `file`, is.
    pub fn insert_event(&mut self, file: FileId, path: &str, event: FileId) {
        self.events.entry(file).or_default().insert(path.to_owned(), event);
    }
}

impl Unit<'_> {
    /// The list file named by `path` (the literal after `from`); `None` if it could not be read, which has been
    /// reported.
    #[must_use]
    pub fn table(&self, path: &Text) -> Option<&Table> {
        self.named.tables.get(&path.span.file)?.get(&path.node).map(Arc::as_ref)
    }

    /// The lookup table named by `path`; `None` if it could not be read, which has been reported.
    #[must_use]
    pub fn lookup(&self, path: &Text) -> Option<&LookupTable> {
        self.named.lookups.get(&path.span.file)?.get(&path.node).map(Arc::as_ref)
    }

    /// The file of the raw event named by `path`; `None` if it could not be read, which has been reported.
    #[must_use]
    pub fn event(&self, path: &Text) -> Option<(FileId, &SourceFile)> {
        let id = *self.named.events.get(&path.span.file)?.get(&path.node)?;
        Some((id, self.sources.get(id)?))
    }
}
