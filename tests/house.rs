//! The rules of the house that no lint holds: heads of modules, width of comments and prose, length of files, paths
//! that documents name, and words that have been retired. Function length is clippy's (`clippy.toml`), layering is
//! `layers`.

use std::path::{Path, PathBuf};

use crate::program::root;

/// The widest line of a comment or a document.
const WIDTH: usize = 120;
/// The longest file.
const LINES: usize = 500;

/// Files whose head need not say what comes in and out: entry points, tables, commands (told once in `cli/mod.rs`),
/// tests.
const PLAIN_HEADS: [&str; 6] =
    ["src/lib.rs", "src/main.rs", "src/diag/codes.rs", "src/cli/", "/tests.rs", "/fixture.rs"];

/// Folders and files of which documents speak.
const NAMED: [&str; 12] = [
    "src/",
    "docs/",
    "tests/",
    "sources/",
    "targets/",
    "rules/",
    "grammar/",
    "benches/",
    "fuzz/",
    "snapshots/",
    ".ci/",
    "build.rs",
];

/// Words that readers stumbled over, and what to write instead.
const RETIRED: [(&str, &str); 14] = [
    ("mend it", "fix it"),
    ("a mend", "a fix"),
    ("whole number", "integer"),
    ("length of time", "duration"),
    ("truth value", "boolean"),
    ("empty text", "empty string"),
    ("has no partner", "is unmatched"),
    ("without a partner", "unmatched"),
    ("planted fault", "mutant"),
    ("random world", "random scenario"),
    ("the lane", "the harness"),
    ("way round", "workaround"),
    ("a slip", "a mistake"),
    ("somebody else's engine", "a third-party engine"),
];

/// The files under some folders that have one of the extensions, as paths from the root, with their texts.
fn files(folders: &[&str], extensions: &[&str]) -> Vec<(String, String)> {
    fn walk(path: &Path, found: &mut Vec<PathBuf>) {
        let built = ["target", "artifacts", "corpus", "node_modules", "__pycache__"];
        if path.is_dir() {
            if !path.file_name().is_some_and(|name| built.iter().any(|other| name == *other)) {
                let entries = std::fs::read_dir(path).unwrap().map(|entry| entry.unwrap().path());
                entries.for_each(|path| walk(&path, found));
            }
        } else {
            found.push(path.to_owned());
        }
    }
    let mut found = Vec::new();
    for folder in folders {
        walk(&root().join(folder), &mut found);
    }
    found.retain(|path| extensions.iter().any(|wanted| path.extension().is_some_and(|has| has == *wanted)));
    found.sort();
    let named = |path: PathBuf| {
        let name = path.strip_prefix(root()).unwrap().to_str().unwrap().to_owned();
        (name, std::fs::read_to_string(&path).unwrap())
    };
    found.into_iter().map(named).collect()
}

fn rust() -> Vec<(String, String)> {
    files(&["src", "tests", "fuzz", "benches", "build.rs"], &["rs"])
}

/// The documents, and which of their lines a person wrote as prose: no block, no table, nothing generated.
fn documents() -> Vec<(String, Vec<(usize, String)>)> {
    let tops = ["README", "CONTRIBUTING", "ARCHITECTURE", "SECURITY", "COMPATIBILITY", "CHANGELOG"]
        .map(|name| format!("{name}.md"));
    let mut folders: Vec<&str> = tops.iter().map(String::as_str).collect();
    folders.extend(["docs", "tests/engines"]);
    let prose = |(name, text): (String, String)| {
        let (mut in_block, mut generated) = (false, false);
        let mut kept = Vec::new();
        for (index, line) in text.lines().enumerate() {
            in_block ^= line.trim_start().starts_with("```");
            generated = match line {
                "<!-- generated -->" | "<!-- long run -->" => true,
                "<!-- end of generated -->" | "<!-- end of long run -->" => false,
                _ => generated,
            };
            if !in_block && !generated {
                kept.push((index + 1, line.to_owned()));
            }
        }
        (name, kept)
    };
    files(&folders, &["md"]).into_iter().map(prose).collect()
}

fn assert_none(wrong: &[String]) {
    assert!(wrong.is_empty(), "{} findings:\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn every_module_says_what_comes_in_and_out() {
    let mut wrong = Vec::new();
    for (name, text) in files(&["src"], &["rs"]) {
        let head: Vec<&str> = text.lines().take_while(|line| line.starts_with("//!")).collect();
        let head = head.join(" ");
        let is_plain = PLAIN_HEADS.iter().any(|plain| name.starts_with(plain) || name.ends_with(plain));
        for says in ["In:", "Out:", "ust not"] {
            if !is_plain && !head.contains(says) {
                wrong.push(format!("{name}: the head does not say `{says}`"));
            }
        }
    }
    assert_none(&wrong);
}

#[test]
fn tests_and_tools_are_short_and_have_a_head() {
    let mut wrong = Vec::new();
    for (name, text) in rust() {
        if !text.starts_with("//!") && !text.starts_with("#![") {
            wrong.push(format!("{name}: does not open with //!"));
        }
    }
    for (name, text) in files(&["src", "tests", "fuzz", "benches"], &["rs", "py", "js"]) {
        let lines = text.lines().count();
        if lines > LINES {
            wrong.push(format!("{name}: {lines} lines, at most {LINES}"));
        }
    }
    assert_none(&wrong);
}

/// A line with an address may be longer: an address cannot be broken.
fn is_too_wide(line: &str) -> bool {
    line.chars().count() > WIDTH && !line.contains("://")
}

#[test]
fn comments_are_not_too_wide() {
    let mut wrong = Vec::new();
    for (name, text) in rust() {
        for (index, line) in text.lines().enumerate() {
            if line.trim_start().starts_with("//") && is_too_wide(line) {
                wrong.push(format!(
                    "{name}:{}: a comment of more than {WIDTH} columns: tests/wrap.py",
                    index + 1
                ));
            }
        }
    }
    assert_none(&wrong);
}

#[test]
fn prose_is_not_too_wide() {
    let mut wrong = Vec::new();
    for (name, lines) in documents() {
        for (number, line) in lines {
            if !line.starts_with('|') && is_too_wide(&line) {
                wrong.push(format!("{name}:{number}: a line of more than {WIDTH} columns: tests/wrap.py"));
            }
        }
    }
    assert_none(&wrong);
}

#[test]
fn paths_that_documents_name_exist() {
    let mut wrong = Vec::new();
    for (name, lines) in documents() {
        let folder = Path::new(&name).parent().unwrap();
        for (number, line) in lines {
            let quoted = line.split('`').skip(1).step_by(2).filter(|word| {
                // `tests/cases/err_<code>_*.chain` and the like are forms, not paths.
                NAMED.iter().any(|named| word.starts_with(named))
                    && !word.contains(['<', '*', ' ', '{', '…'])
                    && !word.contains("TARGET")
            });
            // The tutorial makes a project of its own.
            let is_here = !name.ends_with("tutorial.md");
            for path in quoted.filter(|_| is_here) {
                if !root().join(path).exists() {
                    wrong.push(format!("{name}:{number}: there is no `{path}`"));
                }
            }
            for link in line.split("](").skip(1).filter_map(|rest| rest.split([')', '#']).next()) {
                let outside = link.is_empty() || link.contains("://");
                if !outside && !root().join(folder).join(link).exists() {
                    wrong.push(format!("{name}:{number}: the link to {link} leads nowhere"));
                }
            }
        }
    }
    assert_none(&wrong);
}

#[test]
fn documents_use_the_words_of_the_trade() {
    let mut wrong = Vec::new();
    for (name, lines) in documents() {
        for (number, line) in lines.iter().filter(|(_, line)| !line.starts_with("# ")) {
            let line = line.to_lowercase();
            for (old, new) in RETIRED.iter().filter(|(old, _)| line.contains(old)) {
                wrong.push(format!("{name}:{number}: `{old}` is not the trade's word: {new}"));
            }
        }
    }
    assert_none(&wrong);
}
