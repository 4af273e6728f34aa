//! Who may know whom: reads the `use` lines of the crate and compares them with the architecture.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use crate::program::{root, targets};

/// Module, and the modules of the crate it may use.
const MAY_USE: &[(&str, &[&str])] = &[
    ("source", &[]),
    ("csv", &[]),
    ("attack", &[]),
    ("yaml", &["source"]),
    ("ir", &["source"]),
    ("diag", &["source"]),
    ("syntax", &["source", "diag"]),
    ("table", &["source", "csv", "diag", "syntax"]),
    ("unit", &["source", "syntax", "table"]),
    ("form", &["source", "diag", "yaml"]),
    ("catalog", &["source", "diag", "form", "ir", "yaml"]),
    ("settings", &["source", "diag", "form", "catalog", "syntax", "backend", "yaml"]),
    ("cells", &["ir", "engine"]),
    ("check", &["source", "diag", "syntax", "table", "unit", "catalog", "settings", "ir", "cells"]),
    ("backend", &["source", "attack", "csv", "diag", "ir", "catalog", "yaml"]),
    ("pack", &["source", "attack", "diag", "ir", "catalog", "backend", "yaml"]),
    ("engine", &["source", "ir", "catalog"]),
    ("diff", &["ir", "catalog", "engine"]),
    ("replay", &["source", "csv", "ir", "catalog", "engine"]),
    ("draft", &["source", "syntax", "ir", "catalog", "engine"]),
    ("picture", &["source", "ir", "engine", "backend"]),
    ("import", &["source", "attack", "diag", "syntax", "catalog", "check", "ir", "yaml"]),
    ("explain", &["source", "ir", "engine", "backend", "picture"]),
    (
        "project",
        &[
            "source", "diag", "syntax", "table", "unit", "form", "catalog", "settings", "check", "ir",
            "backend", "engine", "replay",
        ],
    ),
    (
        "lsp",
        &["source", "diag", "syntax", "catalog", "check", "ir", "backend", "engine", "explain", "project"],
    ),
    (
        "cli",
        &[
            "source", "csv", "diag", "syntax", "table", "unit", "catalog", "settings", "check", "ir",
            "backend", "engine", "replay", "project", "pack", "diff", "draft", "picture", "explain",
            "import", "lsp",
        ],
    ),
];

/// Crate, and the only places that may name it.
const ONLY_IN: &[(&str, &[&str])] = &[
    ("pest", &["syntax"]),
    ("pest_derive", &["syntax"]),
    ("annotate_snippets", &["diag/render.rs"]),
    ("serde_saphyr", &["yaml"]),
    ("minijinja", &["backend"]),
    ("plotters", &["cli/chart.rs"]),
    ("similar", &["cli/diff/emitted.rs", "cli/fmt.rs"]),
    ("clap", &["cli"]),
    ("clap_complete", &["cli"]),
    ("clap_mangen", &["cli/man.rs"]),
    ("lsp_types", &["lsp"]),
    ("lsp_server", &["lsp"]),
    ("anyhow", &["cli"]),
    ("rayon", &["cli", "replay"]),
    ("walkdir", &["project/disk.rs", "replay"]),
    ("tempfile", &["cli", "replay"]),
    ("std::fs", &["project/disk.rs", "cli", "replay"]),
    ("std::thread", &["cli", "lsp/mod.rs"]),
    ("ctrlc", &["cli/output.rs"]),
    ("indicatif", &["cli/logs.rs"]),
    ("mimalloc", &["main.rs"]),
    ("flate2", &["replay/read", "pack/splunk/archive.rs"]),
    ("tar", &["pack/splunk/archive.rs"]),
    ("sha2", &["pack/file.rs"]),
    ("pulldown_cmark", &["pack/markdown.rs", "cli/page.rs"]),
    ("toml", &["pack/elastic"]),
    ("ruzstd", &["replay/read"]),
    ("wide", &["replay/read"]),
    ("bytes", &["cli/serve"]),
    ("hyper", &["cli/serve"]),
    ("hyper_util", &["cli/serve"]),
    ("http_body_util", &["cli/serve"]),
    ("tokio", &["cli/serve"]),
    // Behind features: the core does without.
    ("crate::replay", &["project/replay.rs", "cli", "replay"]),
    ("crate::pack", &["pack", "cli"]),
    ("crate::cli", &["cli"]),
    ("crate::lsp", &["cli"]),
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

/// Circles that are still there: folder, and the files that need each other. The list only shrinks.
const KNOWN_CIRCLES: &[(&str, &[&str])] = &[];

/// The siblings that a text names: after `super::` (as many as `depth`) or after the folder's own path.
fn siblings(text: &str, folder: &str, depth: usize, all: &BTreeSet<String>) -> BTreeSet<String> {
    let up = "super::".repeat(depth);
    let own = if folder.is_empty() {
        "crate::".to_owned()
    } else {
        format!("crate::{}::", folder.replace('/', "::"))
    };
    let mut named = BTreeSet::new();
    for start in [up, own] {
        for (at, _) in text.match_indices(&start) {
            // `super::super::x` is not `super::x`.
            if text[..at].ends_with(|c: char| c.is_alphanumeric() || c == '_' || c == ':') {
                continue;
            }
            named.extend(first_names(&text[at + start.len()..]));
        }
    }
    named.retain(|name| all.contains(name));
    named
}

/// The first part of each path of a use tree: `a` and `b` of `{a::{c, d}, b}`.
fn first_names(tree: &str) -> Vec<String> {
    let name = |text: &str| -> String {
        text.trim().chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect()
    };
    let Some(group) = tree.strip_prefix('{') else { return vec![name(tree)] };
    let (mut names, mut depth, mut current) = (Vec::new(), 0, String::new());
    for c in group.chars() {
        match c {
            '{' => depth += 1,
            '}' if depth == 0 => break,
            '}' => depth -= 1,
            ',' if depth == 0 => names.push(name(&std::mem::take(&mut current))),
            _ => {}
        }
        if c != ',' || depth > 0 {
            current.push(c);
        }
    }
    names.push(name(&current));
    names
}

/// For each folder its files (a subfolder is one, by its name), with the siblings that each names. `mod.rs` stands
/// above its folder, tests beside it.
fn folders() -> BTreeMap<String, BTreeMap<String, BTreeSet<String>>> {
    let files = rust_files();
    let place = |path: &Path| -> Vec<String> {
        let shown = path.display().to_string();
        shown.trim_end_matches(".rs").split('/').map(str::to_owned).collect()
    };
    let mut members: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for (path, _) in &files {
        let parts = place(path);
        for (depth, part) in parts.iter().enumerate() {
            members.entry(parts[..depth].join("/")).or_default().insert(part.clone());
        }
    }
    let mut found: BTreeMap<String, BTreeMap<String, BTreeSet<String>>> = BTreeMap::new();
    for (path, text) in &files {
        let parts = place(path);
        // What comments refer to is not used.
        let code = text.lines().filter(|line| !line.trim_start().starts_with("//"));
        let text = code.collect::<Vec<_>>().join("\n");
        if parts.iter().any(|part| matches!(part.as_str(), "tests" | "fixture")) {
            continue;
        }
        for depth in 0..parts.len() {
            let (folder, member) = (parts[..depth].join("/"), &parts[depth]);
            if matches!(member.as_str(), "mod" | "lib" | "main") {
                continue;
            }
            // From `folder/member.rs` one `super` leads to the folder, from `folder/member/mod.rs` too.
            let below = parts.len() - depth - usize::from(parts.last().is_some_and(|last| last == "mod"));
            let mut named = siblings(&text, &folder, below, &members[&folder]);
            named.remove(member);
            named.remove("mod");
            found.entry(folder).or_default().entry(member.clone()).or_default().extend(named);
        }
    }
    found
}

/// The members that need each other, directly or through others.
fn circles(graph: &BTreeMap<String, BTreeSet<String>>) -> BTreeSet<Vec<String>> {
    let reach = |from: &String| {
        let (mut seen, mut open) = (BTreeSet::new(), vec![from.clone()]);
        while let Some(member) = open.pop() {
            for next in graph.get(&member).into_iter().flatten() {
                if seen.insert(next.clone()) {
                    open.push(next.clone());
                }
            }
        }
        seen
    };
    let reached: BTreeMap<_, _> = graph.keys().map(|member| (member, reach(member))).collect();
    let circle = |member: &String| -> Vec<String> {
        let back = |other: &&String| reached.get(other).is_some_and(|back| back.contains(member));
        reached[member].iter().filter(back).cloned().collect()
    };
    graph.keys().map(circle).filter(|circle| !circle.is_empty()).collect()
}

#[test]
fn files_of_a_folder_form_no_circle() {
    let mut found = BTreeSet::new();
    for (folder, graph) in folders() {
        found.extend(circles(&graph).into_iter().map(|circle| (folder.clone(), circle)));
    }
    let known: BTreeSet<_> = KNOWN_CIRCLES
        .iter()
        .map(|(folder, files)| ((*folder).to_owned(), files.iter().map(|file| (*file).to_owned()).collect()))
        .collect();
    assert_eq!(
        found, known,
        "left: the circles there are; right: those that are known, and no longer needed if not left"
    );
}

#[test]
fn circles_are_seen() {
    assert_eq!(first_names("{a::{b, c}, d, self}"), ["a", "d", "self"]);
    assert_eq!(first_names("a::b;"), ["a"]);
    let all: BTreeSet<String> = ["a", "b", "c"].map(str::to_owned).into();
    let text = "use super::{a::X, c};\nuse super::super::b;\nuse crate::check::b::Y;";
    assert_eq!(siblings(text, "check", 1, &all), all);
    assert_eq!(siblings(text, "other", 1, &all), ["a", "c"].map(str::to_owned).into());
    let graph = [("a", vec!["b"]), ("b", vec!["c"]), ("c", vec!["b"])]
        .map(|(from, to)| (from.to_owned(), to.into_iter().map(str::to_owned).collect()));
    assert_eq!(circles(&graph.into()), [vec!["b".to_owned(), "c".to_owned()]].into());
}
