//! Very long rules: every target answers, and loses none of it. What took quadratic time once would not end here.

use crate::program::{AS_OF, Ran, catena, catena_with_input, path, scratch, targets};

const MANY: usize = 3_000;

fn joined(word: &str, part: impl Fn(usize) -> String) -> String {
    (0..MANY).map(part).collect::<Vec<_>>().join(word)
}

fn compiled(lists: &str, condition: &str, target: &str) -> String {
    let rule = format!(
        "{lists}\nrule long {{ title \"Something\" id \"b1f7c1f2-5a0e-5d57-9d0f-0c4c4f2a7d13\"
        description \"Detects.\" author \"a\" date 2026-11-24 status test severity low
        chain within 10m {{ step one from aws.cloudtrail where {condition}
        then within 10m on actor.id
        step two from aws.cloudtrail where event.action == \"GetUser\" }}
        alert {{ entity account two.actor.id }} }}"
    );
    let arguments =
        ["compile", "-", "--target", target, "--as-of", AS_OF, "--lists", "inline", "--allow-subset"];
    let Ran { status, out, err } = catena_with_input(&arguments, rule.as_bytes());
    assert_eq!(status, 0, "{target}: {}", err.lines().next().unwrap_or_default());
    out
}

fn keeps_all(lists: &str, condition: &str) {
    for target in targets() {
        let out = compiled(lists, condition, target);
        let last = format!("v{}", MANY - 1);
        assert!(out.contains("v0") && out.contains(&last), "{target} lost a value");
        assert!(out.matches("-v").count() >= MANY, "{target}: {}", out.matches("-v").count());
    }
}

#[test]
fn alternatives() {
    keeps_all("", &joined(" or ", |at| format!("actor.id == \"a-v{at}\"")));
}

#[test]
fn alternatives_of_two_fields() {
    keeps_all(
        "",
        &joined(" or ", |at| format!("(actor.id == \"a-v{at}\" and user_agent.original != \"n{at}\")")),
    );
}

#[test]
fn demands() {
    keeps_all("", &joined(" and ", |at| format!("actor.id != \"a-v{at}\"")));
}

#[test]
fn a_field_that_lives_in_different_places() {
    let images = joined(" or ", |at| format!("image.id == \"ami-v{at}\""));
    keeps_all("", &format!("event.action == \"RunInstances\" and ({images})"));
}

#[test]
fn exceptions_of_such_a_field() {
    let images = joined(" and ", |at| format!("image.id != \"ami-v{at}\""));
    keeps_all("", &format!("event.action == \"RunInstances\" and {images}"));
}

#[test]
fn entries() {
    let entries = joined("\n", |at| format!("\"a-v{at}\" \"p-v{at}*\""));
    keeps_all(
        &format!("allowlist known: actor.id {{ {entries} }}"),
        "exists(actor.id) except actor.id in known",
    );
}

/// A file of one line has as many faults as words, and all of the file around each of them.
#[test]
fn one_line_of_faults() {
    let head = "rule r {\n  step a from aws.cloudtrail where ";
    for word in ["rule ", "rule x ", "chain ", "step ", "where ", "{ ", "} ", "and ", "\"a\" ", ","] {
        for head in ["", head] {
            let text = format!("{head}{}", word.repeat(1_000_000 / word.len()));
            let Ran { status, err, .. } = catena_with_input(&["check", "-"], text.as_bytes());
            assert_eq!(status, 1, "{word:?}: {err}");
            // Each finding takes a few lines, and there are fifty of a kind at most.
            assert!(err.lines().count() < 2_000, "{word:?}: {} lines", err.lines().count());
            if err.contains("150 more of this kind in this file") {
                assert!(err.contains("only the first 200 findings in this file are shown"), "{word:?}");
            }
        }
    }
}

/// Places of a list in which carriage returns alone end the lines: to whoever counts lines it is one.
#[test]
fn one_line_of_entries() {
    let entries = format!("value\n{}", "a\r".repeat(500_000));
    let list = b"allowlist big: actor.id from \"big.csv\"\n";
    let folder = scratch("one_line", &[("big.csv", entries.as_bytes()), ("list.chain", list)]);
    let Ran { status, err, .. } = catena(&["check", &path(&folder, "list.chain")]);
    assert!(status == 0 && err.contains("W0403"), "{err}");
}
