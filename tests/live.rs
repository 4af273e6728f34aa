//! A project under edits has the findings of one that is read anew.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use catena::project::{Buffers, Choices, InTurn, Live};

use crate::program::{AS_OF, root, scratch};

/// File, code, place and title of a finding.
type Seen = (PathBuf, &'static str, u32, u32, String);

/// Everything found.
fn seen(live: &Live) -> BTreeSet<Seen> {
    let found = live.found();
    let one = |(id, found): (&catena::source::FileId, &Vec<&catena::diag::Diagnostic>)| {
        let path = live.path_of(*id).unwrap_or_default();
        let span = |one: &&catena::diag::Diagnostic| (one.primary.span.start, one.primary.span.end);
        let each = found
            .iter()
            .map(|one| (path.clone(), one.code.id(), span(one).0, span(one).1, one.title.clone()));
        each.collect::<Vec<_>>()
    };
    found.iter().flat_map(one).collect()
}

fn read(name: &str) -> String {
    std::fs::read_to_string(root().join("rules/an1318").join(name)).unwrap()
}

/// Two rules and the lists that both import.
fn project() -> (tempfile::TempDir, PathBuf) {
    let names =
        ["aws.chain", "aws_cloudtrail_only.chain", "lists/known_good.chain", "lists/approved_images.csv"];
    let texts = names.map(read);
    let files: Vec<(&str, &[u8])> = names.into_iter().zip(texts.iter().map(String::as_bytes)).collect();
    let folder = scratch("live", &files);
    let here = folder.path().canonicalize().unwrap();
    (folder, here)
}

fn open(here: &Path, buffers: Buffers) -> Live {
    let choices = Choices { as_of: AS_OF.parse().ok(), ..Choices::default() };
    Live::open(vec![here.to_owned()], choices, buffers, &InTurn)
}

#[test]
fn edits_leave_what_a_fresh_look_finds() {
    let (rule, lists, other) =
        (read("aws.chain"), read("lists/known_good.chain"), read("aws_cloudtrail_only.chain"));
    let (_folder, here) = project();
    let mut live = open(&here, Buffers::default());
    assert!(seen(&live).is_empty(), "{:?}", seen(&live));
    let edits: [(&str, &str, &str, &str); 11] = [
        ("aws.chain", &rule, "event.outcome ==", "event.outcom =="),
        (
            "aws.chain",
            &rule,
            "rule aws_untrusted_image_launch {",
            "rule aws_untrusted_image_launch_cloudtrail_only {",
        ),
        ("aws.chain", &rule, "import \"lists/known_good.chain\"", "import \"lists/missing.chain\""),
        (
            "aws.chain",
            &rule,
            "import \"lists/known_good.chain\"",
            "import \"aws_cloudtrail_only.chain\"\nimport \"lists/known_good.chain\"",
        ),
        ("aws.chain", &rule, "step launch from", "stpe launch from"),
        ("aws_cloudtrail_only.chain", &other, "import \"lists", "import \"aws.chain\"\nimport \"lists"),
        ("aws_cloudtrail_only.chain", &other, "allow W0804", "allow W0805"),
        (
            "aws_cloudtrail_only.chain",
            &other,
            "0f6b7c1a-0a53-4e0b-9a0d-6a6c8e2a1318",
            "5d3c8f0e-0f5b-4d43-9f0e-3f1f3f4a1318",
        ),
        ("lists/known_good.chain", &lists, "allowlist automation", "allowlist automatons"),
        ("lists/known_good.chain", &lists, "actor.issuer.id", "actor.issuer.idd"),
        ("lists/known_good.chain", &lists, "\"approved_images.csv\"", "\"nowhere.csv\""),
    ];
    let mut buffers = Buffers::default();
    let mut random = fastrand::Rng::with_seed(7);
    let mut findings = 0;
    for round in 0..60 {
        let (file, text, from, to) = edits[random.usize(..edits.len())];
        let changed = text.replacen(from, to, 1);
        assert_ne!(changed, text, "{from}");
        // Every third edit takes the others of its file back.
        let text = if round % 3 == 0 { text.to_owned() } else { changed };
        let path = here.join(file);
        assert!(live.edit(&path, text.clone()), "{file} is known");
        buffers.insert(&path, text);
        while live.catch_up() {}
        let fresh = seen(&open(&here, buffers.clone()));
        assert_eq!(seen(&live), fresh, "round {round}: {file}: {from} → {to}");
        findings += fresh.len();
    }
    assert!(findings > 60, "{findings}");
}

#[test]
fn what_changes_on_disk_counts() {
    let (_folder, here) = project();
    let rule = read("aws.chain");
    let mut live = open(&here, Buffers::default());
    // What changed on disk counts where the editor holds nothing.
    std::fs::write(here.join("aws.chain"), rule.replace("event.outcome ==", "event.outcom ==")).unwrap();
    assert!(live.refresh(&here.join("aws.chain")) && !live.refresh(&here.join("new.chain")));
    assert!(seen(&live).iter().any(|(path, code, ..)| path.ends_with("aws.chain") && *code == "E0202"));
    // A file that is not known asks for a fresh look.
    assert!(!live.edit(&here.join("new.chain"), "rule r {".to_owned()));
    live.reload(&InTurn);
    assert!(seen(&live).iter().any(|(path, ..)| path.ends_with("new.chain")));
}
