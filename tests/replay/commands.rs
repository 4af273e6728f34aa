//! `catena test` and `catena replay` as programs: what they print, where, and with which status.

use tempfile::TempDir;

use crate::program::{Ran, catena};

pub(crate) const RULE: &str = r#"rule two {
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

pub(super) fn scratch(rule: &str, logs: &str) -> (TempDir, String, String) {
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

/// A rule that does not compile has no tests that could fail: a report shows it as an error.
#[test]
fn rules_with_errors_are_in_the_report() {
    let broken =
        RULE.replace("rule two", "rule broken").replace("1320", "1329").replace("actor.id\n", "actor.idd\n");
    let sound = RULE.replace("EXPECTED", "x");
    let (_folder, rule, _) = scratch(&format!("{sound}\n{broken}"), "");
    let Ran { status, out, err } = catena(&["test", &rule]);
    assert_eq!(status, 1, "{err}");
    assert!(
        out.contains("two.chain:15): has errors") && out.ends_with("1 passed, 0 failed, 1 with errors\n"),
        "{out}"
    );
    let junit = catena(&["test", &rule, "--format", "junit"]).out;
    assert!(junit.contains(r#"<testsuite name="broken" tests="1" failures="0" errors="1">"#), "{junit}");
    assert!(junit.contains("<error message=\"") && junit.contains("E0202"), "{junit}");
    let json = catena(&["test", &rule, "--format", "json"]).out;
    let json: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!(
        (json.as_array().unwrap().len(), &json[1]["rule"], &json[1]["passed"]),
        (2, &"broken".into(), &false.into())
    );
    assert!(json[1]["error"].as_str().unwrap().contains("E0202"), "{json}");
    // Text of which nothing is understood is an error of the file.
    let (_folder, rule, _) = scratch("rule {", "");
    let junit = catena(&["test", &rule, "--format", "junit"]).out;
    assert!(junit.contains("two.chain\" tests=\"1\"") && junit.contains("<error"), "{junit}");
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

const NEAR: &str = r#"allowlist images: image.id { "ami-old" "ami-golden-*" reason "built weekly" }
rule three {
  title "Three" id "5d3c8f0e-0f5b-4d43-9f0e-3f1f3f4a1321" description "x" date 2026-11-24 status test severity low
  chain within 25m scope cloud.account.id {
    step console from aws.cloudtrail where session.from_console and event.outcome == "success"
    then within 15m on actor.id
    step launch from aws.cloudtrail where event.action == "RunInstances" and event.outcome == "success"
      except image.id in images
    then within 15m on instance.eni
    step egress from aws.vpcflow where flow.action == "ACCEPT" and destination.port < 1024
  }
  alert { entity account launch.actor.id }
}"#;

/// A chain of three canonical records in an account of its own, with what differs from a chain that alerts.
pub(super) fn chain(account: u32, minutes: [u32; 3], console: &str, launch: &str, egress: &str) -> String {
    let time = |minute: u32| format!("2026-01-01T{:02}:{:02}:00Z", account + minute / 60, minute % 60);
    let [first, second, third] = minutes.map(time);
    let trail = |step: &str, time: &str, more: &str| {
        let mut event = serde_json::json!({ "source": "aws.cloudtrail", "event.id": format!("{step}{account}"), "event.time": time,
            "cloud.account.id": account.to_string(), "actor.id": "alice", "event.outcome": "success" });
        let own = if step == "c" {
            r#"{"session.from_console":true,"event.action":"ListBuckets"}"#.to_owned()
        } else {
            format!(
                r#"{{"event.action":"RunInstances","image.id":"ami-evil","instance.eni":"eni-{account}"}}"#
            )
        };
        for text in [own.as_str(), more] {
            let fields: serde_json::Map<String, serde_json::Value> = serde_json::from_str(text).unwrap();
            event.as_object_mut().unwrap().extend(fields);
        }
        event.to_string()
    };
    let mut flow = serde_json::json!({ "source": "aws.vpcflow", "event.time": third, "cloud.account.id": account.to_string(),
        "instance.eni": format!("eni-{account}"), "flow.action": "ACCEPT", "destination.port": 443 });
    let fields: serde_json::Map<String, serde_json::Value> = serde_json::from_str(egress).unwrap();
    flow.as_object_mut().unwrap().extend(fields);
    format!("{}\n{}\n{flow}\n", trail("c", &first, console), trail("l", &second, launch))
}

/// Chains of which each but the first misses by a condition of its own.
fn near_logs() -> String {
    [
        chain(1, [0, 5, 10], "{}", "{}", "{}"),
        chain(2, [0, 16, 18], "{}", "{}", "{}"),
        chain(3, [0, 14, 28], "{}", "{}", "{}"),
        chain(4, [0, 5, 10], "{}", r#"{"image.id":"ami-golden-7"}"#, "{}"),
        chain(5, [0, 5, 10], "{}", r#"{"actor.id":"bob"}"#, "{}"),
        chain(6, [7, 5, 10], "{}", "{}", "{}"),
        chain(7, [0, 5, 10], "{}", r#"{"event.outcome":"failure"}"#, "{}"),
        chain(8, [0, 5, 10], "{}", "{}", r#"{"destination.port":8443}"#),
        chain(9, [0, 5, 10], "{}", "{}", r#"{"destination.port":8443,"flow.action":"REJECT"}"#),
        chain(10, [0, 5, 10], "{}", r#"{"actor.id":null}"#, "{}"),
        chain(11, [0, 17, 18], "{}", "{}", "{}"),
        chain(12, [0, 5, 10], "{}", r#"{"image.id":"ami-old"}"#, "{}"),
    ]
    .concat()
}

/// A rule of steps and links and a log with a miss of each condition, as files.
pub(crate) fn near_misses() -> (TempDir, String, String) {
    scratch(NEAR, &near_logs())
}

#[test]
fn near_misses_say_which_condition_failed() {
    let (_folder, rule, log) = near_misses();
    let text = catena(&["replay", &rule, "--canonical", &log, "--near", "--explain"]);
    assert_eq!(text.status, 0, "{}", text.err);
    let counts = text.err.split_once("three: near").unwrap().1.split_once(" events from").unwrap().0;
    let counts = counts.rsplit_once('\n').unwrap().0;
    let json = catena(&["replay", &rule, "--canonical", &log, "--near=3"]);
    let lines: Vec<serde_json::Value> =
        json.out.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(lines.len(), 4, "an alert and three near misses");
    let near = lines[1..].iter().map(|line| format!("{:#}", line["near"])).collect::<Vec<_>>().join("\n");
    insta::with_settings!({
        snapshot_path => "../../snapshots/engine",
        prepend_module_to_snapshot => false,
        omit_expression => true,
    }, { insta::assert_snapshot!("near_misses", format!("{}\nthree: near{counts}\n\n{near}", text.out)) });
    assert_eq!(catena(&["replay", &rule, "--canonical", &log, "--near=few"]).status, 2);
    // Standard input cannot be read twice.
    let piped = crate::program::catena_with_input(
        &["replay", &rule, "--canonical", "-", "--near"],
        near_logs().as_bytes(),
    );
    assert!(piped.err.contains("standard input was not read again"), "{}", piped.err);
    assert!(
        piped.err.contains("more than 15m after console") && !piped.err.contains("excepted by"),
        "{}",
        piped.err
    );
}

const KEY: &str = r#"rule key {
  title "A key after a sign-in" id "5d3c8f0e-0f5b-4d43-9f0e-3f1f3f4a1322" description "x" severity high
  chain within 10m {
    step login from aws.cloudtrail
      where event.provider == "signin.amazonaws.com" and event.action == "ConsoleLogin" and event.outcome == "success"
    then within 10m on actor.id
    step key from aws.cloudtrail
      where event.action in ("CreateAccessKey", "CreateLoginProfile") and event.outcome == "success"
        and (event.provider == "iam.amazonaws.com" and not event.read_only or exists(image.id))
  }
  alert { entity account key.actor.id  entity ip key.source.ip  show login.event.outcome, key.event.id }
  playbook """
  # What to do
  1. Ask `{{ key.actor.id }}` about `{{ login.source.ip }}`.

  2. Remove the key.
  """
}"#;

fn api_call(id: u32, second: u32, more: &serde_json::Value) -> String {
    let mut event = serde_json::json!({ "source": "aws.cloudtrail", "event.id": id.to_string(), "actor.id": "alice",
        "event.time": format!("2026-01-01T00:{:02}:{:02}Z", second / 60, second % 60), "event.outcome": "success",
        "event.provider": "iam.amazonaws.com", "event.read_only": false, "source.ip": "192.0.2.1" });
    event.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    format!("{event}\n")
}

/// Every call of the user between the two events fails nothing but the action, and none of them is a near miss.
#[test]
fn other_events_are_no_near_misses() {
    use serde_json::json;
    let sign_in = |id, second, outcome| {
        let own = json!({ "event.provider": "signin.amazonaws.com", "event.action": "ConsoleLogin", "event.outcome": outcome });
        api_call(id, second, &own)
    };
    let mut logs = sign_in(1, 0, "success");
    for id in 2..60 {
        logs += &api_call(id, id, &json!({ "event.action": "GetUser" }));
    }
    logs += &api_call(60, 60, &json!({ "event.action": "CreateAccessKey", "event.outcome": "failure" }));
    // The key of another service: the alternative that a provider begins is of another kind, but not the whole.
    logs += &api_call(
        61,
        61,
        &json!({ "event.action": "CreateAccessKey", "event.provider": "sts.amazonaws.com" }),
    );
    logs += &api_call(62, 62, &json!({ "event.action": "CreateAccessKey", "event.read_only": true }));
    let (_folder, rule, log) = scratch(KEY, &logs);
    let Ran { status, out, err } = catena(&["replay", &rule, "--canonical", &log, "--near"]);
    assert_eq!(status, 0, "{err}");
    let failed: Vec<serde_json::Value> =
        out.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let failed: Vec<_> =
        failed.iter().map(|one| one["near"]["steps"]["key"]["time"].as_str().unwrap()).collect();
    assert_eq!(failed, ["2026-01-01T00:01:00Z", "2026-01-01T00:01:02Z"], "{err}");
    assert!(!err.contains("event.action"), "{err}");
}

/// What the rule names comes first, what it demands last, and nothing of a log reaches the terminal as it is.
#[test]
fn alerts_read_well() {
    use serde_json::json;
    let own = json!({ "event.provider": "signin.amazonaws.com", "event.action": "ConsoleLogin" });
    let key =
        json!({ "event.action": "CreateAccessKey", "actor.id": "alice\u{1b}[31m\n", "image.id": "ami-1" });
    let login = api_call(1, 0, &own).replace("alice", r"alice\u001b[31m\n");
    let (_folder, rule, log) = scratch(KEY, &(login + &api_call(2, 60, &key)));
    let Ran { status, out, err } = catena(&["replay", &rule, "--canonical", &log, "--explain"]);
    assert_eq!(status, 0, "{err}");
    insta::with_settings!({
        snapshot_path => "../../snapshots/engine",
        prepend_module_to_snapshot => false,
        omit_expression => true,
    }, { insta::assert_snapshot!("explained", out) });
}
