//! Rule files in memory: whatever they import is one file of lists, whatever list file they name is one list file.
//!
//! In: texts. Out: checked rules, and what the targets and the engine make of them.

use std::sync::{Arc, LazyLock};

use catena::backend::{self, Emission, Options};
use catena::catalog::Catalog;
use catena::check::{Context, Identities, check};
use catena::diag::{Diagnostics, render};
use catena::engine::{report as outcomes, trial};
use catena::ir::Rule;
use catena::settings::Settings;
use catena::source::{FileId, SourceFile, Sources, is_hidden};
use catena::syntax::{self, ast};
use catena::table::{self, Table};
use catena::unit::{Tables, Unit};

/// A list file as shipped.
pub(crate) const LIST: &str = include_str!("../../rules/an1318/lists/approved_images.csv");
/// A file of lists as shipped.
const IMPORTED: &str = include_str!("../../rules/an1318/lists/known_good.chain");
/// The rules as shipped.
pub(crate) const SHIPPED: [&str; 3] = [
    include_str!("../../rules/an1318/aws.chain"),
    include_str!("../../rules/an1318/aws_cloudtrail_only.chain"),
    include_str!("../../rules/an1318/aws_flow_v5.chain"),
];

/// The sources as shipped.
pub(crate) static CATALOG: LazyLock<Catalog> =
    LazyLock::new(|| Catalog::embedded().expect("the embedded sources"));

/// What the files of one compilation hold and what was found in them.
#[derive(Debug)]
pub(crate) struct Files {
    pub(crate) sources: Sources,
    pub(crate) diags: Diagnostics,
    pub(crate) table: Arc<Table>,
    pub(crate) list: FileId,
}

impl Files {
    /// Compilations whose list files all hold `list`.
    pub(crate) fn with_list(list: &str) -> Self {
        let (mut sources, mut diags) = (Sources::default(), Diagnostics::default());
        let list = sources.add(SourceFile::new("list.csv", list));
        let source = sources.get(list).expect("just added");
        let table = Arc::new(table::parse(source, list, &mut diags));
        Self { sources, diags, table, list }
    }

    /// Parses a rule file.
    pub(crate) fn parse(&mut self, name: &str, text: &str) -> ast::File {
        let id = self.sources.add(SourceFile::new(name, text));
        syntax::parse(self.sources.get(id).expect("just added"), id, &mut self.diags)
    }

    /// Checks a rule file, with the shipped file of lists for what it imports.
    pub(crate) fn check(&mut self, file: &ast::File, catalog: &Catalog, settings: &Settings) -> Vec<Rule> {
        let imported: Vec<ast::File> =
            file.imports.iter().take(1).map(|_| self.parse("imported.chain", IMPORTED)).collect();
        let tables: Tables =
            std::iter::once(file).chain(&imported).flat_map(|file| self.tables(file)).collect();
        let unit =
            Unit { sources: &self.sources, file, imported: imported.iter().collect(), tables: &tables };
        Identities::default().add(file, &mut self.diags);
        check(&unit, &Context { catalog, settings, as_of: jiff::civil::date(2026, 11, 24) }, &mut self.diags)
    }

    fn tables(&self, file: &ast::File) -> Tables {
        let path = |list: &ast::List| match &list.body {
            ast::ListBody::File(path) => Some(((path.span.file, path.span.start), Arc::clone(&self.table))),
            ast::ListBody::Inline(_) => None,
        };
        file.lists.iter().filter_map(path).collect()
    }

    /// The queries of a checked rule.
    pub(crate) fn compile(&mut self, rule: &Rule, catalog: &Catalog, options: &Options) -> Vec<Emission> {
        let schemas = backend::schemas(catalog, &mut self.diags);
        let job = backend::Job { rule, catalog, schemas: &schemas, options };
        backend::compile_all(&job, backend::ALL, &mut self.diags)
    }

    /// A checked rule and the outcomes of its tests, in every format.
    pub(crate) fn test(&self, rule: &Rule, catalog: &Catalog) -> String {
        let found = trial::run_tests(rule, catalog).expect("a checked rule can run");
        let place = |span| self.sources.locate(span).map(|(file, at)| format!("{file}:{}", at.line));
        let place = |span| place(span).expect("a place in the text");
        let json = format!("{}{}", json(rule), outcomes::json(&found, &place));
        [json, outcomes::text(&found, &place), outcomes::junit(&found, &place)].concat()
    }
}

/// What `catena` writes as JSON.
pub(crate) fn json(value: &impl serde::Serialize) -> String {
    serde_json::to_string(value).expect("JSON")
}

/// A query shows all that it says, and one in YAML is YAML.
pub(crate) fn can_be_pasted(emission: &Emission) {
    assert!(!emission.parts.is_empty(), "{emission:?}");
    for part in &emission.parts {
        let unseen = |c: char| c == '\0' || (is_hidden(c) && !c.is_ascii());
        assert!(!part.text.is_empty() && !part.text.contains(unseen), "{part:?}");
        if emission.target == "sigma" {
            for document in part.text.split("\n---\n") {
                let read = catena::yaml::read::<serde_json::Map<_, _>>(document);
                assert!(read.is_ok(), "{read:?}: {document}");
            }
        }
    }
}

/// Rules that must have no error.
pub(crate) fn sound(text: &str) -> Vec<Rule> {
    let mut files = Files::with_list(LIST);
    let file = files.parse("sound.chain", text);
    let rules = files.check(&file, &CATALOG, &Settings::default());
    let broken = files.diags.has_errors();
    assert!(!broken, "{}", render::text(&files.diags.into_sorted(), &files.sources, false));
    rules
}
