//! `catena import`: drafts of public forms of Sigma and EQL, and of what is neither.

use std::collections::BTreeSet;

use catena::catalog::Catalog;
use catena::diag::Diagnostics;
use catena::import::{Given, import};
use catena::source::{SourceFile, Sources, has_hidden};

use crate::program::{catena, catena_with_input, root};

/// The files whose drafts are kept, by folder.
fn forms() -> Vec<String> {
    let mut found = Vec::new();
    for folder in ["tests/import", "tests/import/sigma", "tests/import/eql"] {
        for entry in std::fs::read_dir(root().join(folder)).unwrap() {
            let entry = entry.unwrap();
            let name = entry.file_name().into_string().unwrap();
            let is_case = name.starts_with("err_") || name.starts_with("warn_");
            if entry.path().is_file() && !is_case {
                found.push(format!("{folder}/{name}"));
            }
        }
    }
    found.sort();
    found
}

/// A draft without its fresh ids.
fn without_ids(draft: &str) -> String {
    let lines = draft.lines().map(|line| if line.starts_with("  id  ") { "  id          …" } else { line });
    lines.flat_map(|line| [line, "\n"]).collect()
}

#[test]
fn public_forms_become_drafts() {
    for file in forms() {
        let ran = catena(&["import", &file]);
        assert_eq!(ran.status, 0, "{file}: {}", ran.err);
        let name = file.rsplit('/').next().unwrap().split('.').next().unwrap();
        insta::with_settings!({
            snapshot_path => root().join("snapshots/import"),
            prepend_module_to_snapshot => false,
            omit_expression => true,
        }, { insta::assert_snapshot!(name, without_ids(&ran.out) + &ran.err) });
    }
}

/// `check` finds nothing in a draft but the key that it asks for.
#[test]
fn drafts_have_no_errors() {
    for file in forms() {
        let draft = catena(&["import", &file]).out;
        let checked = catena_with_input(&["check", "-"], draft.as_bytes());
        let errors: Vec<&str> = checked.err.lines().filter(|line| line.starts_with("error[")).collect();
        let missing = draft.matches("a_field_of_both_steps").count() > 1;
        assert!(errors.is_empty() || missing, "{file}: {}\n{draft}", checked.err);
    }
}

/// Every comment of a draft that says what is not carried has a finding at the same place, and the other way round.
#[test]
fn comments_and_findings_agree() {
    let catalog = Catalog::embedded().unwrap();
    for file in forms() {
        let text = std::fs::read_to_string(root().join(&file)).unwrap();
        let (mut sources, mut diags) = (Sources::default(), Diagnostics::default());
        let id = sources.add(SourceFile::new(file.clone(), text));
        let draft = import(&[id], &sources, &given(&catalog), &mut diags).unwrap();
        let found: BTreeSet<String> = diags
            .into_sorted()
            .iter()
            .map(|found| {
                let (name, at) = sources.locate(found.primary.span).unwrap();
                format!("{name}:{}:{}: {}", at.line, at.column, found.primary.text)
            })
            .collect();
        let said: BTreeSet<String> = draft
            .lines()
            .filter_map(|line| line.trim().strip_prefix("# "))
            .filter_map(|line| {
                ["not carried, ", "inexact, ", "source, "].iter().find_map(|word| line.strip_prefix(word))
            })
            .map(str::to_owned)
            .collect();
        assert_eq!(said, found, "{file}");
    }
}

#[test]
fn base_rules_may_be_in_other_files() {
    let files = ["base_one", "base_two", "correlation"].map(|name| format!("tests/import/files/{name}.yml"));
    let ran = catena(&["import", &files[0], &files[1], &files[2]]);
    assert!(ran.status == 0 && ran.out.matches("    step ").count() == 2, "{}{}", ran.out, ran.err);
    let alone = catena(&["import", &files[2]]);
    assert!(alone.status == 1 && alone.err.matches("error[E1003]").count() == 2, "{}", alone.err);
}

#[test]
fn the_source_can_be_named() {
    let rule =
        "title: a\nlogsource: { product: nobody }\ndetection:\n  s: { eventName: GetUser }\n  condition: s\n";
    let ran = catena_with_input(&["import", "-", "--source-of", "aws.cloudtrail"], rule.as_bytes());
    assert!(ran.status == 0 && ran.out.contains("from aws.cloudtrail"), "{}{}", ran.out, ran.err);
    let ran = catena_with_input(&["import", "-", "--source-of", "nobody"], rule.as_bytes());
    assert!(ran.status == 1 && ran.err.contains("error[E1004]"), "{}", ran.err);
}

#[test]
fn all_that_is_wrong_is_said_at_once() {
    let text = "a: [\n---\ntitle: b\ndetection:\n  s: { x: 1 }\n---\ntitle: c\nlogsource: { product: aws, service: cloudtrail }\ndetection:\n  s: { eventName: a }\n  condition: s and (t\n";
    let ran = catena_with_input(&["import", "-"], text.as_bytes());
    assert_eq!(ran.status, 1);
    for code in ["E0902", "E1003"] {
        assert!(ran.err.contains(&format!("error[{code}]")), "{code}: {}", ran.err);
    }
    assert!(ran.err.contains(":11:20") && ran.err.contains(":4:1"), "{}", ran.err);
}

#[test]
fn denied_findings_leave_no_draft() {
    let file = "tests/import/warn_W1006_placeholder.yml";
    let ran = catena(&["import", file, "--deny", "warnings"]);
    assert!(ran.status == 1 && ran.out.is_empty() && ran.err.contains("W1006"), "{}{}", ran.out, ran.err);
    let ran = catena(&["import", file, "--format", "json"]);
    assert_eq!(ran.status, 2, "{}", ran.err);
}

fn given(catalog: &Catalog) -> Given<'_> {
    Given { catalog, source: None, name: "r", id: "00000000-0000-0000-0000-000000000000" }
}

/// Imports a text; panics where a promise is broken.
fn promised(name: &str, text: &str, catalog: &Catalog) {
    let (mut sources, mut diags) = (Sources::default(), Diagnostics::default());
    let file = sources.add(SourceFile::new(name, text));
    let draft = import(&[file], &sources, &given(catalog), &mut diags);
    assert_eq!(draft.is_none(), diags.has_errors(), "{text}");
    let Some(draft) = draft else { return };
    assert!(!draft.lines().any(has_hidden), "{draft}");
    let mut found = Diagnostics::default();
    let read = SourceFile::new("draft.chain", draft.clone());
    let _ = catena::syntax::parse(&read, file, &mut found);
    assert!(!found.has_errors(), "{text}\n{draft}\n{:?}", found.into_sorted());
}

#[test]
fn drafts_of_mutated_texts_parse_and_hide_nothing() {
    const PIECES: [&str; 14] = [
        "\"",
        "[",
        ")",
        " not ",
        "\u{202e}",
        "|all",
        " by ",
        "*",
        "\\",
        "\n",
        "null",
        "`",
        "|base64offset",
        "é\u{200b}",
    ];
    let mut random = fastrand::Rng::with_seed(17);
    let catalog = Catalog::embedded().unwrap();
    for file in forms() {
        let text = std::fs::read_to_string(root().join(&file)).unwrap();
        promised(&file, &text, &catalog);
        for _ in 0..60 {
            // A piece is taken out, or put in, or moved.
            let mut chars: Vec<char> = text.chars().collect();
            for _ in 0..random.usize(1..3) {
                let at = random.usize(..chars.len());
                let end = (at + random.usize(..40)).min(chars.len());
                match random.u8(..3) {
                    0 => _ = chars.drain(at..end),
                    1 => _ = chars.splice(at..at, PIECES[random.usize(..PIECES.len())].chars()),
                    _ => {
                        let piece: Vec<char> = chars.drain(at..end).collect();
                        let to = random.usize(..=chars.len());
                        _ = chars.splice(to..to, piece);
                    }
                }
            }
            promised(&file, &chars.into_iter().collect::<String>(), &catalog);
        }
    }
}

#[test]
fn what_is_neither_is_said() {
    for (text, said) in [
        ("index=main | stats count", "E1001"),
        ("", "E1001"),
        ("title: a\ndetection: {}\n", "E1003"),
        ("sequence [process where true]\n[process where", "E1002"),
        ("sequence by", "E1002"),
        ("a: [", "E0902"),
    ] {
        let ran = catena_with_input(&["import", "-"], text.as_bytes());
        assert!(ran.status == 1 && ran.err.contains(&format!("error[{said}]")), "{text}: {}", ran.err);
    }
}
