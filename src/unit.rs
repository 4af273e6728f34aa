//! A unit of compilation: one rule file with every file it names, parsed.
//!
//! In: a path and a [`Files`] that can read. Out: a [`Unit`] for the checker, with every problem of the files reported.
//! Must not know: types, sources, targets, and how files are read.

use std::collections::HashMap;
use std::sync::Arc;

use crate::source::{FileId, SourceFile, Sources, Span, Spanned};
use crate::syntax::ast::{Date, File, Text};

/// Reads text files for the compiler; equal paths give the same shared file.
pub trait Files {
    /// The file at `path`.
    ///
    /// # Errors
    /// Why it cannot be read, in words for the user.
    fn read(&self, path: &str) -> Result<Arc<SourceFile>, String>;
    /// The path of `name` as written in the file at `from`.
    fn resolve(&self, from: &str, name: &str) -> String;
}

/// One rule file with everything it names.
#[derive(Debug)]
pub struct Unit {
    /// Every file of the unit.
    pub sources: Sources,
    /// The rule file.
    pub file: File,
    /// Files it imports, directly or not: only their allowlists count.
    pub imported: Vec<File>,
    tables: HashMap<(FileId, u32), Arc<Table>>,
}

impl Unit {
    /// The list file named by `path` (the literal after `from`); `None` if it could not be read, which has been reported.
    #[must_use]
    pub fn table(&self, path: &Text) -> Option<&Table> {
        self.tables.get(&(path.span.file, path.span.start)).map(Arc::as_ref)
    }
}

/// The rows of a list file.
#[derive(Debug, Clone, PartialEq)]
pub struct Table {
    /// The rows with a value, in order.
    pub rows: Vec<Row>,
}

/// A row of a list file.
#[derive(Debug, Clone, PartialEq)]
pub struct Row {
    /// Number of the row; the header is row 1.
    pub number: usize,
    /// Column `value`, never empty.
    pub value: Spanned<String>,
    /// Column `reason`.
    pub reason: Option<Spanned<String>>,
    /// Column `owner`.
    pub owner: Option<Spanned<String>>,
    /// Column `ticket`.
    pub ticket: Option<Spanned<String>>,
    /// Column `until`.
    pub until: Option<Spanned<Date>>,
    /// The whole row.
    pub span: Span,
}
