//! `catena fmt` on every rule file of the repository, and as a program.

use catena::diag::Diagnostics;
use catena::source::{FileId, SourceFile};
use catena::syntax::{self, NotFormatted};
use proptest::prelude::*;

use crate::program::{catena, catena_with_input, chains, path, root, scratch, shipped};

/// The syntax tree as text, without places; `None` if the text has findings.
fn tree(text: &str) -> Option<String> {
    let mut found = Diagnostics::default();
    let file = syntax::parse(&SourceFile::new("f", text), FileId(0), &mut found);
    let places = regex::Regex::new(r"Span \{[^}]*\}").unwrap();
    let comments = file.comments.len();
    let shown = format!("{:?}", syntax::ast::File { comments: vec![], ..file });
    found.is_empty().then(|| format!("{comments} {}", places.replace_all(&shown, "")))
}

fn texts() -> Vec<(String, String)> {
    let folders = ["rules/an1318/lists", "tests/cases", "tests/syntax"];
    let names = folders.into_iter().flat_map(chains).chain(shipped());
    names.map(|name| (name.clone(), std::fs::read_to_string(root().join(name)).unwrap())).collect()
}

#[test]
fn formatting_keeps_the_tree_and_happens_once() {
    let mut formatted = 0;
    for (name, text) in texts() {
        let Some(before) = tree(&text) else {
            assert_eq!(syntax::format(&text), Err(NotFormatted::Broken), "{name}");
            continue;
        };
        let once = syntax::format(&text).unwrap_or_else(|why| panic!("{name}: {why:?}"));
        assert_eq!(tree(&once).as_ref(), Some(&before), "{name}");
        assert_eq!(syntax::format(&once).as_ref(), Ok(&once), "{name}");
        assert!(!once.lines().any(|line| line.ends_with(' ')), "{name}");
        formatted += 1;
    }
    assert!(formatted > 50, "{formatted}");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    /// A comment behind any token stays, and the file stays as it is when it is formatted once more.
    #[test]
    fn a_comment_stands_anywhere(seed in any::<u64>()) {
        let mut random = fastrand::Rng::with_seed(seed);
        let cases = ["tests/cases/absence_before_a_step.chain", "rules/an1318/aws.chain", "tests/cases/alternatives.chain"];
        let text = std::fs::read_to_string(root().join(cases[random.usize(..cases.len())])).unwrap();
        let text = syntax::format(&text).unwrap();
        let (mut gaps, mut quotes) = (Vec::new(), false);
        let mut begin = 0;
        for line in text.split_inclusive('\n') {
            let comment = line.trim_start().starts_with('#') || line.contains(" # ");
            for (at, c) in line.char_indices() {
                quotes ^= c == '"';
                if c == ' ' && !quotes && !comment && !text[..begin].contains("playbook") {
                    gaps.push(begin + at);
                }
            }
            begin += line.len();
        }
        let at = gaps[random.usize(..gaps.len())];
        let commented = format!("{} # here\n{}", &text[..at], &text[at..]);
        let formatted = syntax::format(&commented);
        prop_assert!(formatted.is_ok(), "{commented}");
        let formatted = formatted.unwrap();
        prop_assert!(formatted.contains("# here"));
        prop_assert_eq!(syntax::format(&formatted).unwrap(), formatted);
    }

    /// White space at random places between tokens.
    #[test]
    fn any_spacing_gives_one_style(seed in any::<u64>()) {
        let mut random = fastrand::Rng::with_seed(seed);
        let text = std::fs::read_to_string(root().join("rules/an1318/aws_cloudtrail_only.chain")).unwrap();
        let text = syntax::format(&text).unwrap();
        let (mut spaced, mut quotes) = (String::new(), false);
        let head = text.split("playbook").next().unwrap();
        for line in head.lines() {
            let comment = line.trim_start().starts_with('#');
            for c in line.trim_start().chars() {
                quotes ^= c == '"';
                let blank = [" ", "  ", "\n", "\t", " \r\n  "][random.usize(..5)];
                if c == ' ' && !quotes && !comment {
                    spaced.push_str(blank);
                } else {
                    spaced.push(c);
                }
            }
            spaced.push_str(if line.is_empty() { "\n\n\n" } else { "\n" });
        }
        spaced.push_str(&text[head.len()..]);
        prop_assert_eq!(syntax::format(&spaced).unwrap(), text);
    }
}

#[test]
fn the_program_checks_shows_and_writes() {
    const UGLY: &str = "allowlist l:image.id{\"a\"}  # c\n";
    const FINE: &str = "allowlist l: image.id { \"a\" } # c\n";
    let folder = scratch("fmt", &[("a.chain", UGLY.as_bytes()), ("b.chain", FINE.as_bytes())]);
    let here = path(&folder, "");
    let checked = catena(&["fmt", "--check", &here]);
    assert_eq!((checked.status, checked.out.trim()), (1, path(&folder, "a.chain").as_str()));
    let shown = catena(&["fmt", "--diff", &here]);
    assert!(
        shown.status == 1
            && shown.out.contains("-allowlist l:image")
            && shown.out.contains("+allowlist l: i")
    );
    let written = catena(&["fmt", &here]);
    assert_eq!((written.status, written.err.as_str()), (0, "2 files: 1 changed\n"));
    assert_eq!(std::fs::read_to_string(folder.path().join("a.chain")).unwrap(), FINE);
    assert_eq!(catena(&["fmt", "--check", &here]).status, 0);
    assert_eq!(catena_with_input(&["fmt", "-"], UGLY.as_bytes()).out, FINE);
    let broken = catena_with_input(&["fmt", "-"], b"rule r { title }");
    assert!(broken.status == 1 && broken.out.is_empty() && broken.err.contains("E0"), "{}", broken.err);
    assert_eq!(catena(&["fmt", "no-such-file.chain"]).status, 2);
}
