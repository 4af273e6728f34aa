//! Rule files in memory: whatever they import is one file of lists, whatever list file they name is one list file.
//!
//! In: texts. Out: checked rules, and what the targets and the engine make of them.

use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use catena::backend::{self, Emission};
use catena::catalog::Catalog;
use catena::diag::render;
use catena::engine::{report as outcomes, trial};
use catena::ir::Rule;
use catena::project::compile::{CompileOptions, compile_file};
use catena::project::session::{self, Checked, Session};
use catena::project::{Choices, Entry, Files, InTurn};
use catena::source::{Sources, marked};

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

/// The files of a run. Any other `.chain` file is the shipped file of lists, any `.csv` file the list.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Texts<'a> {
    pub(crate) rule: &'a str,
    pub(crate) list: &'a str,
    pub(crate) environment: Option<&'a str>,
    pub(crate) source: Option<&'a str>,
}

/// The name of the rule file.
const RULE: &str = "rule.chain";
/// The name of a source file that replaces or adds a source.
const SOURCE: &str = "source.yaml";

impl<'a> Texts<'a> {
    pub(crate) fn of(rule: &'a str, list: &'a str) -> Self {
        Self { rule, list, environment: None, source: None }
    }

    fn text(&self, path: &Path) -> Option<&'a str> {
        match path.extension()?.to_str()? {
            "chain" if path == Path::new(RULE) => Some(self.rule),
            "chain" => Some(IMPORTED),
            "csv" => Some(self.list),
            "yaml" if path == Path::new(SOURCE) => self.source,
            "yaml" if path.file_name().is_some_and(|name| name == "catena.yaml") => self.environment,
            _ => None,
        }
    }

    /// The rules without errors, and everything found; nothing where the source file given cannot be used.
    pub(crate) fn open(&self) -> Option<Session> {
        let choices = Choices {
            as_of: Some(jiff::civil::date(2026, 11, 24)),
            sources: self.source.map(|_| PathBuf::from(SOURCE)).into_iter().collect(),
            ..Choices::default()
        };
        session::open(&[PathBuf::from(RULE)], &choices, self, &InTurn).ok()
    }
}

impl Files for Texts<'_> {
    fn read(&self, path: &Path, limit: usize) -> Result<Vec<u8>, String> {
        let text = self.text(path).ok_or("there is no such file")?;
        Ok(text.bytes().take(limit + 1).collect())
    }

    fn entry(&self, path: &Path) -> Entry {
        if self.text(path).is_some() { Entry::File } else { Entry::Missing }
    }

    fn real(&self, path: &Path) -> Result<PathBuf, String> {
        Ok(path.to_owned())
    }

    fn absolute(&self, path: &Path) -> PathBuf {
        path.to_owned()
    }

    fn rules_under(&self, _: &Path) -> Vec<Result<PathBuf, String>> {
        Vec::new()
    }
}

/// What the targets make of the rules of a file.
pub(crate) fn compiled(files: &mut Session, options: CompileOptions) -> Vec<Emission> {
    let Session { files, found } = files;
    files.iter().flat_map(|file| compile_file(file, backend::ALL, options, &mut found.diags)).collect()
}

/// The checked rules of a file and the outcomes of their tests, in every format.
pub(crate) fn tested(file: &Checked, sources: &Sources) -> String {
    let place = |span| sources.locate(span).map(|(file, at)| format!("{file}:{}", at.line));
    let place = |span| place(span).expect("a place in the text");
    let of_rule = |rule: &Rule| {
        let found = trial::run_tests(rule, &file.environment.catalog).expect("a checked rule can run");
        let json = format!("{}{}", json(rule), outcomes::json(&found, &[], &place));
        [json, outcomes::text(&found, &[], &place), outcomes::junit(&found, &[], &place)].concat()
    };
    file.rules.iter().map(of_rule).collect()
}

/// What `catena` writes as JSON.
pub(crate) fn json(value: &impl serde::Serialize) -> String {
    serde_json::to_string(value).expect("JSON")
}

/// A query shows all that it says, and one in YAML is YAML.
pub(crate) fn can_be_pasted(emission: &Emission) {
    assert!(!emission.parts.is_empty(), "{emission:?}");
    for part in &emission.parts {
        // Lines end, and a target may print tabs; all else that is hidden where it stands is escaped.
        let unseen = |(_, c, hidden): (usize, char, bool)| c == '\0' || (hidden && !c.is_ascii());
        assert!(!part.text.is_empty() && !marked(&part.text).any(unseen), "{part:?}");
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
    let Session { files, found } = Texts::of(text, LIST).open().expect("a rule file");
    assert!(!found.diags.has_errors(), "{}", render::text(&found.diags.into_sorted(), &found.sources, false));
    files.into_iter().flat_map(|file| file.rules).collect()
}
