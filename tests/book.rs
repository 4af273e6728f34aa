//! `docs/` as a book: its summary leads to every page once, and the list of findings is the table of codes.
//! `CATENA_UPDATE=1 cargo test book` writes both anew.

use std::collections::BTreeSet;
use std::fmt::Write;

use catena::diag::{Code, Severity};

use crate::docs;
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

/// The anchors of a page: its headings as GitHub and mdBook call them, and those that it sets itself.
fn anchors(text: &str) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    let mut in_block = false;
    for line in text.lines() {
        in_block ^= line.starts_with("```");
        if let Some(title) = line.strip_prefix('#').filter(|_| !in_block) {
            let title = title.trim_start_matches('#').trim();
            let kept = title.chars().filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_'));
            let name = kept.collect::<String>().to_lowercase().replace(' ', "-");
            // A second heading of the same words has a number.
            let number = (1..).map(|number| format!("{name}-{number}"));
            let free = std::iter::once(name.clone()).chain(number).find(|name| !found.contains(name));
            found.extend(free);
        }
        found.extend(
            line.split("<a id=\"").skip(1).filter_map(|rest| rest.split('"').next()).map(str::to_owned),
        );
    }
    found
}

/// The book is `docs/` and no more, so its links lead to files in it; and where they name a heading, there is one.
#[test]
fn links_lead_somewhere_and_those_of_the_book_stay_in_it() {
    let mut wrong = Vec::new();
    for page in docs::pages() {
        let text = std::fs::read_to_string(&page).unwrap();
        let (book, name) = (root().join("docs"), page.strip_prefix(root()).unwrap().display().to_string());
        let mut in_block = false;
        for (number, line) in text.lines().enumerate() {
            in_block ^= line.trim_start().starts_with("```");
            // What stands in backticks is no link.
            let prose = line.split('`').step_by(2).collect::<Vec<_>>().join("`");
            for link in
                prose.split("](").skip(1).filter_map(|rest| rest.split(')').next()).filter(|_| !in_block)
            {
                if link.contains("://") {
                    continue;
                }
                let (file, anchor) = link.split_once('#').unwrap_or((link, ""));
                let target = if file.is_empty() { page.clone() } else { page.parent().unwrap().join(file) };
                let Ok(target) = target.canonicalize() else {
                    wrong.push(format!("{name}:{}: {link} leads nowhere", number + 1));
                    continue;
                };
                if page.starts_with(&book) && !target.starts_with(book.canonicalize().unwrap()) {
                    wrong.push(format!("{name}:{}: {link} leads out of the book", number + 1));
                }
                let is_there = || anchors(&std::fs::read_to_string(&target).unwrap()).contains(anchor);
                if !anchor.is_empty() && !is_there() {
                    wrong.push(format!("{name}:{}: {link} names no heading", number + 1));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
