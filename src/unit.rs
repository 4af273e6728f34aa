//! A unit of compilation: one rule file with every file it names, parsed.
//!
//! In: parsed files. Out: what the checker looks at when it checks one file.
//! Must not know: types, sources, targets, and how files are found or read.

use std::collections::HashMap;
use std::sync::Arc;

use crate::source::{FileId, Sources};
use crate::syntax::ast::{File, Text};
use crate::table::Table;

/// One rule file with everything it names.
#[derive(Debug)]
pub struct Unit<'a> {
    /// Every file of the run.
    pub sources: &'a Sources,
    /// The rule file.
    pub file: &'a File,
    /// Files it imports, directly or not, each once: only their allowlists count.
    pub imported: Vec<&'a File>,
    /// Parsed list files by the file and path that name them.
    pub tables: &'a Tables,
}

/// Parsed list files: by the file that names one, and the path it writes.
#[derive(Debug, Default)]
pub struct Tables(HashMap<FileId, HashMap<String, Arc<Table>>>);

impl Tables {
    /// Notes what the list file `path`, as written in `file`, holds.
    pub fn insert(&mut self, file: FileId, path: &str, table: Arc<Table>) {
        self.0.entry(file).or_default().insert(path.to_owned(), table);
    }

    fn get(&self, file: FileId, path: &str) -> Option<&Table> {
        self.0.get(&file)?.get(path).map(Arc::as_ref)
    }
}

impl Unit<'_> {
    /// The list file named by `path` (the literal after `from`); `None` if it could not be read, which has been
    /// reported.
    #[must_use]
    pub fn table(&self, path: &Text) -> Option<&Table> {
        self.tables.get(path.span.file, &path.node)
    }
}
