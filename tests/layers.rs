//! Who may know whom: reads the `use` lines of the crate and compares them with the architecture.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use crate::program::{root, targets};

/// Module, and the modules of the crate it may use.
const MAY_USE: &[(&str, &[&str])] = &[
    ("source", &[]),
    ("csv", &[]),
    ("yaml", &["source"]),
    ("ir", &["source"]),
    ("diag", &["source"]),
    ("syntax", &["source", "diag"]),
    ("table", &["source", "csv", "diag", "syntax"]),
    ("unit", &["source", "syntax", "table"]),
    ("catalog", &["ir", "yaml"]),
    ("settings", &["catalog", "syntax", "backend", "yaml"]),
    ("check", &["source", "diag", "syntax", "table", "unit", "catalog", "settings", "ir"]),
    ("backend", &["source", "diag", "ir", "catalog", "yaml"]),
    ("engine", &["source", "ir", "catalog"]),
    ("replay", &["csv", "ir", "catalog", "engine"]),
    (
        "project",
        &[
            "source", "diag", "syntax", "table", "unit", "catalog", "settings", "check", "ir", "backend",
            "engine",
        ],
    ),
    (
        "cli",
        &[
            "source", "diag", "syntax", "table", "unit", "catalog", "settings", "check", "ir", "backend",
            "engine", "replay", "project",
        ],
    ),
];

/// Crate, and the only places that may name it.
const ONLY_IN: &[(&str, &[&str])] = &[
    ("pest", &["syntax"]),
    ("pest_derive", &["syntax"]),
    ("annotate_snippets", &["diag/render.rs"]),
    ("serde_saphyr", &["yaml.rs"]),
    ("minijinja", &["backend"]),
    ("plotters", &["cli/chart.rs"]),
    ("clap", &["cli"]),
    ("clap_complete", &["cli"]),
    ("anyhow", &["cli"]),
    ("rayon", &["cli", "replay"]),
    ("walkdir", &["project/disk.rs", "replay"]),
    ("tempfile", &["cli", "replay"]),
    ("std::fs", &["project/disk.rs", "cli", "replay"]),
    ("std::thread", &["cli"]),
];

fn rust_files() -> Vec<(PathBuf, String)> {
    fn walk(folder: &Path, found: &mut Vec<PathBuf>) {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                walk(&path, found);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                found.push(path);
            }
        }
    }
    let source = root().join("src");
    let mut found = Vec::new();
    walk(&source, &mut found);
    found.sort();
    let read = |path: PathBuf| {
        (path.strip_prefix(&source).unwrap().to_owned(), std::fs::read_to_string(&path).unwrap())
    };
    found.into_iter().map(read).collect()
}

/// The first part of a file's place under `src`: its module.
fn module_of(path: &Path) -> String {
    path.components().next().unwrap().as_os_str().to_string_lossy().trim_end_matches(".rs").to_owned()
}

/// The modules of the crate that a text names after `crate::`, also inside braces.
fn used_modules(text: &str) -> BTreeSet<String> {
    let mut used = BTreeSet::new();
    for (at, _) in text.match_indices("crate::") {
        let rest = &text[at + "crate::".len()..];
        let names: Vec<&str> = match rest.strip_prefix('{') {
            Some(group) => group.split('}').next().unwrap().split(',').collect(),
            None => vec![rest],
        };
        for name in names {
            let end =
                name.trim().find(|c: char| !(c.is_alphanumeric() || c == '_')).unwrap_or(name.trim().len());
            used.insert(name.trim()[..end].to_owned());
        }
    }
    used
}

#[test]
fn modules_use_only_what_stands_before_them() {
    let mut wrong = Vec::new();
    for (path, text) in rust_files() {
        let module = module_of(&path);
        if module == "lib" || module == "main" {
            continue;
        }
        let Some((_, allowed)) = MAY_USE.iter().find(|(name, _)| *name == module) else {
            wrong.push(format!("{}: module `{module}` is not in the table", path.display()));
            continue;
        };
        for used in used_modules(&text) {
            let known = MAY_USE.iter().any(|(name, _)| *name == used);
            if known && used != module && !allowed.contains(&used.as_str()) {
                wrong.push(format!("{}: `{module}` must not know `{used}`", path.display()));
            }
        }
    }
    assert_eq!(wrong, Vec::<String>::new());
}

#[test]
fn a_back_end_does_not_know_another() {
    let targets: Vec<&str> = targets().collect();
    let mut wrong = Vec::new();
    for (path, text) in rust_files() {
        let Ok(inside) = path.strip_prefix("backend") else { continue };
        let owner = module_of(inside);
        if !targets.contains(&owner.as_str()) {
            continue;
        }
        for other in targets.iter().filter(|other| **other != owner) {
            for name in
                [format!("backend::{other}"), format!("super::{other}"), format!("super::super::{other}")]
            {
                if text.contains(&name) {
                    wrong.push(format!("{}: names `{name}`", path.display()));
                }
            }
        }
    }
    assert_eq!(wrong, Vec::<String>::new());
}

#[test]
fn crates_are_used_where_they_belong() {
    let mut wrong = Vec::new();
    for (path, text) in rust_files() {
        let shown = path.display().to_string();
        for (name, places) in ONLY_IN {
            let named = text
                .match_indices(&format!("{name}::"))
                .any(|(at, _)| !text[..at].ends_with(|c: char| c.is_alphanumeric() || c == '_' || c == ':'));
            if named && !places.iter().any(|place| shown.starts_with(place)) {
                wrong.push(format!("{shown}: `{name}` belongs in {places:?}"));
            }
        }
    }
    assert_eq!(wrong, Vec::<String>::new());
}

#[test]
fn files_are_short_and_say_what_they_are_for() {
    let mut wrong = Vec::new();
    for (path, text) in rust_files() {
        let lines = text.lines().count();
        if lines > 500 {
            wrong.push(format!("{}: {lines} lines, at most 500", path.display()));
        }
        if !text.starts_with("//!") {
            wrong.push(format!("{}: does not open with //!", path.display()));
        }
    }
    assert_eq!(wrong, Vec::<String>::new());
}

/// Folder of `src/replay`, and the folders beside it that it may use. What stands beside the folders uses all of them.
const IN_REPLAY: &[(&str, &[&str])] = &[
    ("read", &[]),
    ("store", &[]),
    ("filter", &["read", "store"]),
    ("report", &["read", "store", "filter"]),
];

#[test]
fn replay_has_no_circle() {
    let mut wrong = Vec::new();
    for (path, text) in rust_files() {
        let Ok(inside) = path.strip_prefix("replay") else { continue };
        let Some((folder, allowed)) = IN_REPLAY.iter().find(|(name, _)| inside.starts_with(name)) else {
            continue;
        };
        for (other, _) in IN_REPLAY.iter().filter(|(other, _)| other != folder && !allowed.contains(other)) {
            if text.contains(&format!("replay::{other}::"))
                || text.contains(&format!("super::super::{other}"))
            {
                wrong.push(format!("{}: `{folder}` must not know `{other}`", path.display()));
            }
        }
    }
    assert_eq!(wrong, Vec::<String>::new());
}
