//! Near misses, traces and failing tests of rules with clauses, as programs print them.

use super::commands::scratch;
use crate::program::catena;

const RULE: &str = r#"rule clauses {
  title "Clauses" id "5d3c8f0e-0f5b-4d43-9f0e-3f1f3f4a1344" description "x" date 2026-11-24 status test severity low
  chain {
    step fail from aws.cloudtrail where event.action == "GetObject"
      or from aws.cloudtrail where event.action == "PutObject" and event.outcome == "success"
      at least 3 within 10m by actor.id
    then within 20m on actor.id where fail.source.ip != key.source.ip
      unless approved from aws.cloudtrail where event.action == "TagUser" on actor.id
    step key from aws.cloudtrail where event.action == "CreateAccessKey"
      first within 1h by source.ip
  }
  alert { entity account key.actor.id }
  test "an approval in between" {
    fail at 0s from aws.cloudtrail { actor.id: "a", source.ip: "192.0.2.1", event.action: "GetObject" }
    fail at 1s from aws.cloudtrail { actor.id: "a", source.ip: "192.0.2.1", event.action: "GetObject" }
    fail at 2s from aws.cloudtrail { actor.id: "a", source.ip: "192.0.2.1", event.action: "GetObject" }
    approved at 3s { actor.id: "a" }
    key at 4s { actor.id: "a", source.ip: "192.0.2.9" }
    expect alert at 4s
  }
}
"#;

fn event(minute: u32, action: &str, actor: &str, ip: &str) -> String {
    let (hour, minute) = (1 + minute / 60, minute % 60);
    serde_json::json!({ "source": "aws.cloudtrail", "event.id": format!("{action}{actor}{ip}{hour}{minute}"),
        "event.time": format!("2026-01-01T{hour:02}:{minute:02}:00Z"), "event.action": action, "actor.id": actor,
        "source.ip": ip, "event.outcome": "success" })
    .to_string()
        + "\n"
}

/// A burst of three, and a key ten minutes after its beginning, each chain with one thing wrong or nothing.
fn log() -> String {
    let mut all = String::new();
    let mut chain = |begin: u32, actor: &str, burst: u32, ip: &str| {
        for number in 0..burst {
            all += &event(begin + number, "GetObject", actor, "192.0.2.1");
        }
        all += &event(begin + 10, "CreateAccessKey", actor, ip);
    };
    chain(0, "right", 3, "192.0.2.10");
    chain(60, "few", 2, "192.0.2.11");
    chain(120, "same", 3, "192.0.2.1");
    chain(180, "approved", 3, "192.0.2.12");
    chain(240, "again", 3, "192.0.2.12");
    all += &event(185, "TagUser", "approved", "192.0.2.3");
    // Seen half an hour before the last one.
    all += &event(220, "CreateAccessKey", "other", "192.0.2.12");
    all
}

/// A rule with clauses and a log with a miss of each, as files.
pub(crate) fn of_clauses() -> (tempfile::TempDir, String, String) {
    scratch(RULE, &log())
}

#[test]
fn near_misses_name_the_clause_that_fails() {
    let (_folder, rule, log) = of_clauses();
    let ran = catena(&["replay", &rule, "--canonical", &log, "--near"]);
    assert_eq!(ran.status, 0, "{}", ran.err);
    let lines: Vec<serde_json::Value> =
        ran.out.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(lines[0]["steps"]["key"]["actor.id"], "right");
    let why = |failed: &str| {
        let near = |line: &&serde_json::Value| line["near"]["failed"] == failed;
        let found = lines.iter().find(near).unwrap_or_else(|| panic!("{failed}: {}", ran.out));
        (found["near"]["steps"]["key"]["actor.id"].as_str().unwrap(), found["near"]["why"].as_str().unwrap())
    };
    assert_eq!(why("count"), ("few", "there are 2 of 3 within 10m"));
    assert_eq!(
        why("comparison"),
        ("same", "`fail.source.ip != key.source.ip` fails: \"192.0.2.1\" there, \"192.0.2.1\" here")
    );
    let excused: Vec<_> = lines.iter().filter(|line| line["near"]["failed"] == "unless").collect();
    let text = |at: usize| excused[at]["near"]["why"].as_str().unwrap();
    let texts: Vec<&str> = (0..excused.len()).map(text).collect();
    assert!(texts.contains(&"it is excused by `approved`, the event of 2026-01-01T04:05:00Z"), "{texts:?}");
    assert!(texts.contains(&"it was seen before, in the event of 2026-01-01T04:40:00Z"), "{texts:?}");
    assert!(excused.iter().all(|line| line["near"]["excused_by"]["time"].is_string()), "{}", ran.out);
    for said in [
        "fail: fewer than 3 within 10m",
        "key: `fail.source.ip != key.source.ip` fails",
        "key: excused by `approved`",
        "key: seen before within 1h",
    ] {
        assert!(ran.err.contains(said), "{said}: {}", ran.err);
    }
}

#[test]
fn a_trace_asks_every_clause() {
    let (_folder, rule, log) = scratch(RULE, &log());
    let found = catena(&["debug", &rule, "--canonical", &log]);
    assert_eq!(found.status, 0, "{}", found.err);
    assert!(found.out.contains("the chain is complete"), "{}", found.out);
    let none = catena(&["debug", &rule, "--canonical", &log, "--alert", "9"]);
    for said in [
        "there are 2 of 3 within 10m",
        "`fail.source.ip != key.source.ip` fails",
        "it is excused by `approved`, the record of 2026-01-01T04:05:00Z",
        "it was seen before, in the record of",
    ] {
        assert!(none.out.contains(said), "{said}: {}", none.out);
    }
}

#[test]
fn a_failing_test_says_which_clause_fails() {
    let (_folder, rule, _) = scratch(RULE, "");
    let ran = catena(&["test", &rule]);
    assert_eq!(ran.status, 1, "{}", ran.err);
    let said = "it is excused by `approved`, event 4 (event of aws.cloudtrail at 3s)";
    assert!(ran.out.contains(said), "{}", ran.out);
}
