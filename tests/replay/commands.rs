//! `catena test` and `catena replay` as programs: what they print, where, and with which status.

use tempfile::TempDir;

use crate::program::{Ran, catena};

const RULE: &str = r#"rule two {
  title "Two" id "5d3c8f0e-0f5b-4d43-9f0e-3f1f3f4a1320" description "x" date 2026-11-24 status test severity low
  chain within 10m {
    step a from aws.cloudtrail where event.action == "CreateUser"
    then within 10m on actor.id
    step b from aws.cloudtrail where event.action == "RunInstances"
  }
  alert { entity account a.actor.id }
  test "fires" {
    a at 0s { actor.id: "x" }
    b at 1m { actor.id: "EXPECTED" }
    expect alert at 1m
  }
}"#;

fn scratch(rule: &str, logs: &str) -> (TempDir, String, String) {
    let folder = TempDir::new().unwrap();
    let (rule_path, log_path) = (folder.path().join("two.chain"), folder.path().join("log.ndjson"));
    std::fs::write(&rule_path, rule).unwrap();
    std::fs::write(&log_path, logs).unwrap();
    let text = |path: &std::path::Path| path.to_string_lossy().into_owned();
    (folder, text(&rule_path), text(&log_path))
}

#[test]
fn failing_tests_have_status_1_and_a_reason() {
    let (_folder, rule, _) = scratch(&RULE.replace("EXPECTED", "x"), "");
    let Ran { status, out, .. } = catena(&["test", &rule]);
    assert_eq!((status, out.as_str()), (0, "ok    two: fires\n1 passed, 0 failed\n"));
    let (_folder, rule, _) = scratch(&RULE.replace("EXPECTED", "y"), "");
    let Ran { status, out, .. } = catena(&["test", &rule]);
    assert_eq!(status, 1);
    assert!(out.contains(":12: expected an alert at 1m, there was none"), "{out}");
    assert!(out.contains("no predecessor has its actor.id: \"y\" here, \"x\" there"), "{out}");
    let junit = catena(&["test", &rule, "--format", "junit"]);
    assert!(junit.out.starts_with("<?xml") && junit.status == 1);
    let json = catena(&["test", &rule, "--format", "json"]);
    assert_eq!(serde_json::from_str::<serde_json::Value>(&json.out).unwrap()[0]["passed"], false);
}

#[test]
fn replay_prints_alerts_and_a_summary() {
    let event = |second: u32, action: &str| {
        format!(
            r#"{{"eventID":"{second}","eventTime":"2026-01-01T00:00:{second:02}Z","eventName":"{action}","userIdentity":{{"arn":"x"}}}}"#
        )
    };
    let logs = format!("{}\n{}\nnonsense\n", event(1, "CreateUser"), event(2, "RunInstances"));
    let (_folder, rule, log) = scratch(RULE, &logs);
    let events = format!("aws.cloudtrail={log}");
    let Ran { status, out, err } = catena(&["replay", &rule, "--events", &events, "--stats"]);
    assert_eq!(status, 0, "{err}");
    let alert: serde_json::Value = serde_json::from_str(&out).unwrap();
    assert_eq!(alert["steps"]["a"]["actor.id"], "x");
    assert!(
        err.contains("3 events from 1 file ") && err.contains("log.ndjson:3)") && err.contains("1 alert"),
        "{err}"
    );
    assert_eq!(catena(&["replay", &rule, "--events", &events, "--strict"]).status, 1);
    let explained = catena(&["replay", &rule, "--events", &events, "--explain"]);
    assert!(explained.out.contains("+1s  b  2026-01-01T00:00:02Z"), "{}", explained.out);

    let wrong = catena(&["replay", &rule, "--events", &format!("aws.cloudtrial={log}")]);
    assert!(wrong.status == 2 && wrong.err.contains("did you mean"), "{}", wrong.err);
    assert_eq!(catena(&["replay", &rule, "--events", "aws.cloudtrail=/nowhere"]).status, 2);
    assert_eq!(catena(&["replay", &rule]).status, 2);
}
