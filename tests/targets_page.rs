//! `docs/targets.md` is what the targets say of themselves. `CATENA_UPDATE=1 cargo test targets_page` writes it anew.

use std::fmt::Write;

use catena::target::caps::{Feature, Support};
use catena::target::{ALL, Target};

use crate::program::root;

const START: &str = "<!-- generated -->\n";
const END: &str = "<!-- end -->\n";

fn word(support: Support) -> &'static str {
    match support {
        Support::Native => "native",
        Support::Emulated(_) => "emulated",
        Support::Widened(_) => "widened",
        Support::Narrowed(_) => "narrowed",
        Support::Engine(_) => "engine",
        Support::No { .. } => "no",
    }
}

fn reason(support: Support) -> Option<String> {
    match support {
        Support::Native => None,
        Support::Emulated(why) | Support::Widened(why) | Support::Narrowed(why) | Support::Engine(why) => {
            Some(why.to_owned())
        }
        Support::No { reason, help } => Some(format!("{reason}; {help}")),
    }
}

fn table() -> String {
    let mut page = String::new();
    let titles: Vec<_> = ALL.iter().map(|target| target.title()).collect();
    writeln!(page, "\n| feature | {} |", titles.join(" | ")).unwrap();
    writeln!(page, "|---|{}", "---|".repeat(ALL.len())).unwrap();
    for feature in Feature::ALL {
        let words: Vec<_> = ALL.iter().map(|target| word(target.support(*feature))).collect();
        writeln!(page, "| {} | {} |", feature.title(), words.join(" | ")).unwrap();
    }
    for target in ALL {
        page.push_str(&reasons(*target));
    }
    page
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
    let path = root().join("docs/targets.md");
    let page = std::fs::read_to_string(&path).unwrap();
    let (head, rest) = page.split_once(START).unwrap();
    let (_, tail) = rest.split_once(END).unwrap();
    let wanted = format!("{head}{START}{}{END}{tail}", table());
    if std::env::var_os("CATENA_UPDATE").is_some() {
        std::fs::write(&path, &wanted).unwrap();
    }
    let page = std::fs::read_to_string(&path).unwrap();
    assert!(page == wanted, "docs/targets.md is out of date: CATENA_UPDATE=1 cargo test targets_page");
}
