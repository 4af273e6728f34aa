//! The parser against whole files: what it understands, what it says about what it does not, and what it survives.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use catena::diag::{Diagnostics, render};
use catena::source::{SourceFile, Sources};
use catena::syntax::{self, ast};

fn cases() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases")
}

/// Parses a text; gives the tree and the findings as the user sees them.
fn parse(name: &str, text: &str) -> (ast::File, String) {
    let mut sources = Sources::default();
    let id = sources.add(Arc::new(SourceFile::new(name, text)));
    let mut diags = Diagnostics::default();
    let file = syntax::parse(sources.get(id).expect("just added"), id, &mut diags);
    (file, render::text(&diags.into_sorted(), &sources, false))
}

fn snapshot(view: &str, name: &str, content: &str) {
    insta::with_settings!({
        snapshot_path => format!("../snapshots/{view}"),
        prepend_module_to_snapshot => false,
        omit_expression => true,
    }, { insta::assert_snapshot!(name, content) });
}

fn files(prefix: &str) -> Vec<(String, String)> {
    let mut out: Vec<(String, String)> = std::fs::read_dir(cases())
        .expect("the cases")
        .map(|entry| entry.expect("a case").path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "chain"))
        .map(|path| (path.file_stem().expect("a name").to_string_lossy().into_owned(), path))
        .filter(|(name, _)| name.starts_with(prefix))
        .map(|(name, path)| (name, std::fs::read_to_string(path).expect("UTF-8")))
        .collect();
    out.sort();
    out
}

#[test]
fn broken_files_give_good_findings() {
    for (name, text) in files("err_E01") {
        let (_, findings) = parse(&format!("{name}.chain"), &text);
        let code = &name[4..9];
        assert!(findings.contains(code), "{name} does not give {code}:\n{findings}");
        snapshot("syntax_errors", &name, &format!("{text}\n----\n{findings}"));
    }
}

#[test]
fn sound_files_give_their_tree() {
    for (name, text) in files("passing_") {
        let (file, findings) = parse(&format!("{name}.chain"), &text);
        assert_eq!(findings, "", "{name}");
        let mut out = String::new();
        write!(out, "{text}\n----\n{}", tree(&file)).expect("a string");
        snapshot("ast", &name, &out);
    }
}

/// The tree without spans, a line for each clause, step and test event.
fn tree(file: &ast::File) -> String {
    let mut out = String::new();
    let mut line = |indent: usize, node: &dyn std::fmt::Debug| {
        writeln!(out, "{:indent$}{}", "", bare(&format!("{node:?}"))).expect("a string");
    };
    file.imports.iter().for_each(|import| line(0, import));
    file.lists.iter().for_each(|list| line(0, list));
    for rule in &file.rules {
        line(0, &rule.name);
        for clause in &rule.clauses {
            match clause {
                ast::Clause::Chain(chain) => {
                    line(2, &(&chain.within, &chain.scope));
                    chain.items.iter().for_each(|item| line(4, item));
                }
                ast::Clause::Test(test) => {
                    line(2, &test.name);
                    test.events.iter().for_each(|event| line(4, event));
                    test.expects.iter().for_each(|expect| line(4, expect));
                }
                ast::Clause::Meta(_)
                | ast::Clause::Param(_)
                | ast::Clause::Alert(_)
                | ast::Clause::Playbook(_) => {
                    line(2, clause);
                }
            }
        }
    }
    out
}

/// A debug text without spans and what wraps them.
fn bare(text: &str) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some((head, tail)) = rest.split_once("Span { file: FileId(0), start: ") {
        out += head.trim_end_matches("span: ").trim_end_matches(", ");
        rest = tail.split_once(" }").map_or("", |(_, tail)| tail);
    }
    out + rest
}
