//! `docs/targets.md` is what the targets say of themselves. `CATENA_UPDATE=1 cargo test targets_page` writes it anew.

use std::fmt::Write;

use catena::backend::caps::{Feature, Support};
use catena::backend::{Target, every};

use crate::generated;

fn word(support: Support) -> &'static str {
    match support {
        Support::Native => "native",
        Support::Emulated(_) => "emulated",
        Support::Widened(_) => "widened",
        Support::Narrowed(_) => "narrowed",
        Support::Conditional(_) => "conditional",
        Support::Engine(_) => "engine",
        Support::No { .. } => "no",
    }
}

fn reason(support: Support) -> Option<String> {
    match support {
        Support::Native => None,
        Support::Emulated(why)
        | Support::Widened(why)
        | Support::Narrowed(why)
        | Support::Conditional(why)
        | Support::Engine(why) => Some(why.to_owned()),
        Support::No { reason, help } => Some(format!("{reason}; {help}")),
    }
}

fn table() -> String {
    let mut page = String::new();
    let titles: Vec<_> = every().map(Target::title).collect();
    writeln!(page, "\n| feature | {} |", titles.join(" | ")).unwrap();
    writeln!(page, "|---|{}", "---|".repeat(titles.len())).unwrap();
    for feature in Feature::ALL {
        let words: Vec<_> = every().map(|target| word(target.support(*feature))).collect();
        writeln!(page, "| {} | {} |", feature.title(), words.join(" | ")).unwrap();
    }
    page.push_str(&mappings());
    for target in every() {
        page.push_str(&reasons(target));
    }
    page
}

fn mappings() -> String {
    let mut text = "\n## What a source may state\n\n".to_owned();
    text.push_str(
        "In a source file or under `targets` in `catena.yaml`; anything else is an error (E0901).\n\n",
    );
    text.push_str("| target | of its mapping | keys of `words` | options of a column |\n|---|---|---|---|\n");
    let listed = |names: &[&str]| names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ");
    for target in every() {
        let reads = target.reads();
        let (entries, words, options) =
            (listed(&reads.entries), listed(&reads.words), listed(&reads.options));
        writeln!(text, "| {} | {entries} | {words} | {options} |", target.title()).unwrap();
    }
    text
}

fn reasons(target: &dyn Target) -> String {
    let mut text = format!("\n## {}\n\n", target.title());
    for feature in Feature::ALL {
        let support = target.support(*feature);
        if let Some(reason) = reason(support) {
            writeln!(text, "- **{}** ({}): {reason}", feature.title(), word(support)).unwrap();
        }
    }
    text
}

#[test]
fn the_targets_page_is_up_to_date() {
    let current = generated::is_current("docs/targets.md", "generated", &table());
    assert!(current, "docs/targets.md is out of date: CATENA_UPDATE=1 cargo test targets_page");
}
