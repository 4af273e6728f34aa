//! The recipes of the documentation: each checks, passes tests of both outcomes, and compiles; the table at the end of
//! the page is what the targets make of them. `CATENA_UPDATE=1 cargo test --test suite recipes` writes it anew.

use std::collections::BTreeSet;
use std::fmt::Write;

use serde_json::Value;

use crate::docs::{Block, blocks};
use crate::generated;
use crate::program::{AS_OF, catena, root, targets};

/// Targets that say every clause, so every recipe too.
const SAY_ALL: [&str; 2] = ["spl", "kql"];

/// The rule of a recipe: lists and lookups come first, the rest is the body.
fn rule(block: &Block) -> String {
    const HEAD: &str = "rule r {\n title \"A title\" id \"0d1c2a54-3a0e-4c0c-9c3e-6a9d2b7f0003\" \
                        description \"A recipe of the documentation.\" severity low\n";
    let body = block.text.find("chain ").filter(|at| *at == 0 || block.text[..*at].ends_with('\n'));
    let (declared, body) = block.text.split_at(body.unwrap_or_else(|| panic!("{}: no chain", block.place)));
    format!("{declared}{HEAD}{body}}}\n")
}

/// What a target makes of a rule file: its fidelity, or links to the codes of the errors.
fn verdict(file: &str, target: &str) -> String {
    let ran = catena(&["compile", file, "--target", target, "--format", "json", "--as-of", AS_OF]);
    let emissions: Vec<Value> = serde_json::from_str(&ran.out).unwrap_or_default();
    if let Some(emission) = emissions.first() {
        return emission["fidelity"].as_str().unwrap().to_owned();
    }
    let codes: BTreeSet<_> =
        ran.err.split("error[").skip(1).filter_map(|rest| rest.split(']').next()).collect();
    assert!(!codes.is_empty(), "{file} {target}: {}", ran.err);
    codes.into_iter().map(|code| format!("[{code}](errors/{code}.md)")).collect::<Vec<_>>().join(", ")
}

/// The part of an address that leads to a title.
fn anchor(title: &str) -> String {
    let kept = title.chars().filter(|letter| letter.is_alphanumeric() || matches!(letter, ' ' | '-'));
    kept.collect::<String>().to_lowercase().replace(' ', "-")
}

#[test]
fn recipes_in_the_documentation_check_run_and_compile() {
    let names: Vec<_> = targets().chain(["sql"]).collect();
    let mut table = format!("\n| recipe | {} |\n|---|{}\n", names.join(" | "), "---|".repeat(names.len()));
    let blocks = blocks("chain-recipe");
    assert!(blocks.len() >= 15, "{}", blocks.len());
    for block in blocks {
        // In the folder of the page, which is where paths of tables begin.
        let folder = tempfile::Builder::new().tempdir_in(root().join("docs")).unwrap();
        let path = folder.path().with_extension("chain");
        std::fs::write(&path, rule(&block)).unwrap();
        let file = path.display().to_string();
        let ran = ["check", "test"].map(|command| catena(&[command, &file]));
        let verdicts: Vec<_> = names.iter().map(|target| verdict(&file, target)).collect();
        std::fs::remove_file(&path).unwrap();
        for ran in ran {
            assert_eq!(ran.status, 0, "{}: {}{}", block.place, ran.out, ran.err);
        }
        let tests = block.text.matches("\ntest ").count();
        let silent = block.text.matches("expect no alert").count();
        assert!(silent >= 1 && tests > silent, "{}: {silent} of {tests} tests are silent", block.place);
        for (target, verdict) in names.iter().zip(&verdicts).filter(|(target, _)| SAY_ALL.contains(target)) {
            assert!(!verdict.contains("errors/"), "{}: {target}: {verdict}", block.place);
        }
        writeln!(table, "| [{}](#{}) | {} |", block.title, anchor(&block.title), verdicts.join(" | "))
            .unwrap();
    }
    table.push('\n');
    assert!(
        generated::is_current("docs/recipes.md", "targets", &table),
        "docs/recipes.md is out of date: CATENA_UPDATE=1 cargo test --test suite recipes"
    );
}
