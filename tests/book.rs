//! `docs/` as a book: its summary leads to every page once, and the list of findings is the table of codes.
//! `CATENA_UPDATE=1 cargo test book` writes both anew.

use std::collections::BTreeSet;
use std::fmt::Write;

use catena::diag::{Code, Severity};

use crate::generated;
use crate::program::root;

#[test]
fn the_list_of_findings_is_current() {
    let mut table = "\n| code | | what |\n|---|---|---|\n".to_owned();
    for code in Code::ALL {
        let severity = if code.severity() == Severity::Error { "error" } else { "warning" };
        writeln!(table, "| [{0}](errors/{0}.md) | {severity} | {1} |", code.id(), code.title()).unwrap();
    }
    assert!(generated::is_current("docs/errors.md", "generated", &table), "CATENA_UPDATE=1 cargo test book");
}

/// A book shows the pages of its summary and no others.
#[test]
fn the_summary_leads_to_every_page_once() {
    const LAST: &str = "- [By code](errors.md)\n";
    let path = root().join("docs/SUMMARY.md");
    let summary = std::fs::read_to_string(&path).unwrap();
    let (written, _) = summary.split_once(LAST).unwrap();
    let mut wanted = format!("{written}{LAST}");
    for code in Code::ALL {
        writeln!(wanted, "  - [{0}](errors/{0}.md)", code.id()).unwrap();
    }
    if std::env::var_os("CATENA_UPDATE").is_some() {
        std::fs::write(&path, &wanted).unwrap();
    } else {
        assert_eq!(summary, wanted, "CATENA_UPDATE=1 cargo test book");
    }
    let named: Vec<_> = wanted.split("](").skip(1).filter_map(|rest| rest.split(')').next()).collect();
    let pages: BTreeSet<_> = walkdir::WalkDir::new(root().join("docs"))
        .into_iter()
        .map(|entry| entry.unwrap().into_path())
        .filter(|path| {
            path.extension().is_some_and(|extension| extension == "md") && !path.ends_with("SUMMARY.md")
        })
        .map(|path| path.strip_prefix(root().join("docs")).unwrap().display().to_string())
        .collect();
    assert_eq!(named.iter().map(|&page| page.to_owned()).collect::<BTreeSet<_>>(), pages);
    assert_eq!(named.len(), pages.len(), "a page is named twice");
}
