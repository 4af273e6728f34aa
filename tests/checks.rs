//! What the checker says: every broken or doubtful case with its findings, and the table of codes with its pages and
//! cases.

use std::collections::BTreeSet;

use catena::diag::{Code, Severity};

use crate::program::{AS_OF, Ran, catena, chains, root};

/// Codes below this are the parser's, which has tests of its own.
const FIRST: u16 = 151;

fn codes() -> impl Iterator<Item = Code> {
    Code::ALL.iter().copied().filter(|code| number(code.id()) >= FIRST)
}

fn number(id: &str) -> u16 {
    id.get(1..).and_then(|number| number.parse().ok()).unwrap_or(0)
}

/// File names of the cases with their codes.
fn cases() -> Vec<(String, String)> {
    let mut found = Vec::new();
    // Findings in rules of other languages have cases in them.
    let foreign = std::fs::read_dir(root().join("tests/import")).unwrap();
    let foreign =
        foreign.map(|entry| format!("tests/import/{}", entry.unwrap().file_name().to_str().unwrap()));
    for path in chains("tests/cases").into_iter().chain(foreign) {
        let name = path.rsplit('/').next().unwrap();
        let code = name.strip_prefix("err_").or_else(|| name.strip_prefix("warn_"));
        let code = code.and_then(|rest| rest.get(..5)).unwrap_or_default().to_owned();
        if number(&code) >= FIRST {
            found.push((path, code));
        }
    }
    found
}

/// `catena check`, or what the first line of the case asks for: `# run: compile --target eql`.
fn run(path: &str, source: &str) -> Ran {
    if path.starts_with("tests/import/") {
        return catena(&["import", path]);
    }
    let asked = source.lines().next().and_then(|line| line.strip_prefix("# run: ")).unwrap_or("check");
    let mut arguments: Vec<&str> = asked.split_whitespace().collect();
    arguments.extend(["--as-of", AS_OF, path]);
    catena(&arguments)
}

/// The name of a case, without its extension.
fn stem(path: &str) -> &str {
    path.rsplit('/').next().unwrap().rsplit_once('.').unwrap().0
}

#[test]
fn every_case_gives_its_findings() {
    for (path, code) in cases() {
        let source = std::fs::read_to_string(root().join(&path)).unwrap();
        let ran = run(&path, &source);
        assert!(ran.err.contains(&format!("[{code}]")), "{path} does not give {code}:\n{}", ran.err);
        assert_eq!(ran.status, i32::from(ran.err.contains("error[")), "{path}: status {}", ran.status);
        let name = stem(&path);
        let mut settings = insta::Settings::clone_current();
        settings.set_snapshot_path(root().join("snapshots/errors"));
        settings.set_prepend_module_to_snapshot(false);
        settings.set_omit_expression(true);
        settings.bind(|| insta::assert_snapshot!(name, format!("{source}\n{}\n{}", "─".repeat(60), ran.err)));
    }
}

#[test]
fn no_snapshot_is_left_over() {
    let known: BTreeSet<String> = cases().iter().map(|(path, _)| format!("{}.snap", stem(path))).collect();
    for entry in std::fs::read_dir(root().join("snapshots/errors")).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        assert!(known.contains(&name), "snapshots/errors/{name} belongs to no case");
    }
}

#[test]
fn every_code_has_a_page_and_a_case() {
    let cases = cases();
    for code in codes() {
        let id = code.id();
        let page = root().join(format!("docs/errors/{id}.md"));
        let page =
            std::fs::read_to_string(&page).unwrap_or_else(|_| panic!("{id} has no page {}", page.display()));
        assert!(
            page.starts_with(&format!("# {id}: {}\n", code.title())),
            "the heading of {id}.md is not its title"
        );
        assert!(page.contains("\n## How to fix it\n"), "{id}.md does not say how to fix it");
        let mine: Vec<_> = cases.iter().filter(|(_, of)| of == id).map(|(path, _)| path).collect();
        assert!(!mine.is_empty(), "{id} has no case");
        let prefix = if code.severity() == Severity::Error { "err_" } else { "warn_" };
        assert!(
            mine.iter().all(|path| path.contains(&format!("/{prefix}"))),
            "{id}: its cases begin with {prefix}"
        );
        let shown: Vec<&str> =
            page.split("```chain-error\n").skip(1).filter_map(|rest| rest.split("```").next()).collect();
        assert!(!shown.is_empty(), "{id}.md has no example");
        let texts: String =
            mine.iter().map(|path| std::fs::read_to_string(root().join(path)).unwrap()).collect();
        for line in shown.into_iter().flat_map(str::lines) {
            assert!(texts.contains(line.trim()), "{id}.md shows `{line}`, which no case of it has");
        }
    }
}

#[test]
fn every_page_and_case_has_a_code() {
    let known: BTreeSet<&str> = Code::ALL.iter().map(|code| code.id()).collect();
    for entry in std::fs::read_dir(root().join("docs/errors")).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        let id = name.trim_end_matches(".md");
        assert!(known.contains(id) || !id.starts_with(['E', 'W']), "docs/errors/{name} is about no code");
    }
    for (path, code) in cases() {
        assert!(known.contains(code.as_str()), "{path} is about no code");
    }
}

#[test]
fn codes_are_unique_and_say_their_severity() {
    let mut seen = BTreeSet::new();
    for code in Code::ALL {
        assert!(seen.insert(code.id()), "{} twice", code.id());
        let letter = if code.severity() == Severity::Error { 'E' } else { 'W' };
        assert!(code.id().starts_with(letter), "{}", code.id());
    }
}
