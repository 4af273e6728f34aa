//! Rules for tests, from text: parsed and checked as the program does it, with imports and list files.

use std::path::{Path, PathBuf};

use catena::diag::render;
use catena::ir::Rule;
use catena::project::session::{self, Session};
use catena::project::{Choices, Disk, Files, InTurn, Memory};

/// The rules of a text without imports.
pub(crate) fn from_text(text: &str) -> Vec<Rule> {
    try_from_text(text).unwrap_or_else(|problems| panic!("{problems}"))
}

/// The rules of a text without imports, or what is wrong with it.
pub(crate) fn try_from_text(text: &str) -> Result<Vec<Rule>, String> {
    let mut files = Memory::default();
    files.insert("test.chain", text);
    rules(Path::new("test.chain"), &files)
}

/// The rules of a file among files in memory.
pub(crate) fn with_files(path: &Path, texts: &[(&Path, &str)]) -> Vec<Rule> {
    let mut files = Memory::default();
    for (name, text) in texts {
        files.insert(name, *text);
    }
    rules(path, &files).unwrap_or_else(|problems| panic!("{problems}"))
}

/// The rules of a file, with what it imports.
pub(crate) fn from_file(path: &Path) -> Vec<Rule> {
    rules(path, &Disk).unwrap_or_else(|problems| panic!("{problems}"))
}

fn rules(path: &Path, files: &dyn Files) -> Result<Vec<Rule>, String> {
    let choices = Choices { as_of: Some(jiff::civil::date(2026, 11, 24)), ..Choices::default() };
    let Session { files, found } = session::open(&[PathBuf::from(path)], &choices, files, &InTurn).unwrap();
    if found.diags.has_errors() {
        return Err(render::text(&found.diags.into_sorted(), &found.sources, false));
    }
    Ok(files.into_iter().flat_map(|file| file.rules).collect())
}
