//! Rules for tests, from text: parsed and checked as the program does it, with imports and list files.

use std::path::Path;

use catena::catalog::Catalog;
use catena::check::{Context, check};
use catena::diag::{Diagnostics, render};
use catena::ir::Rule;
use catena::settings::Settings;
use catena::source::{SourceFile, Sources};
use catena::syntax::{self, ast};
use catena::table;
use catena::unit::{Tables, Unit};

/// The rules of a text without imports.
pub(crate) fn from_text(text: &str) -> Vec<Rule> {
    try_from_text(text).unwrap_or_else(|problems| panic!("{problems}"))
}

/// The rules of a text without imports, or what is wrong with it.
pub(crate) fn try_from_text(text: &str) -> Result<Vec<Rule>, String> {
    Loader::default().load("test.chain", text, Path::new("."))
}

/// The rules of a file, with what it imports.
pub(crate) fn from_file(path: &Path) -> Vec<Rule> {
    let text = std::fs::read_to_string(path).unwrap();
    Loader::default()
        .load(&path.to_string_lossy(), &text, path.parent().unwrap())
        .unwrap_or_else(|problems| panic!("{problems}"))
}

#[derive(Default)]
struct Loader {
    sources: Sources,
    diags: Diagnostics,
    tables: Tables,
}

impl Loader {
    fn load(mut self, name: &str, text: &str, folder: &Path) -> Result<Vec<Rule>, String> {
        let file = self.parse(name, text, folder);
        let imports: Vec<ast::File> = file
            .imports
            .iter()
            .map(|import| {
                let path = folder.join(&import.node);
                let text = std::fs::read_to_string(&path).unwrap();
                self.parse(&path.to_string_lossy(), &text, path.parent().unwrap())
            })
            .collect();
        let unit = Unit {
            sources: &self.sources,
            file: &file,
            imported: imports.iter().collect(),
            tables: &self.tables,
        };
        let (catalog, settings) = (Catalog::embedded().unwrap(), Settings::default());
        let context =
            Context { catalog: &catalog, settings: &settings, as_of: jiff::civil::date(2026, 11, 24) };
        let rules = check(&unit, &context, &mut self.diags);
        if self.diags.has_errors() {
            return Err(render::text(&self.diags.into_sorted(), &self.sources, false));
        }
        Ok(rules)
    }

    fn parse(&mut self, name: &str, text: &str, folder: &Path) -> ast::File {
        let id = self.sources.add(SourceFile::new(name, text));
        let file = syntax::parse(self.sources.get(id).unwrap(), id, &mut self.diags);
        for list in &file.lists {
            if let ast::ListBody::File(path) = &list.body {
                let text = std::fs::read_to_string(folder.join(&path.node)).unwrap();
                let id = self.sources.add(SourceFile::new(path.node.clone(), text));
                let table = table::parse(self.sources.get(id).unwrap(), id, &mut self.diags);
                self.tables.insert((path.span.file, path.span.start), std::sync::Arc::new(table));
            }
        }
        file
    }
}
