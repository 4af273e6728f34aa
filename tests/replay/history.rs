//! `catena replay --from`: what is older feeds absences and counts, and nothing else; and what `--explain` says of
//! steps that repeat and alerts that wait.

use super::commands::scratch;
use crate::program::catena;

const RULES: &str = r#"rule new_place {
  title "New" id "5d3c8f0e-0f5b-4d43-9f0e-3f1f3f4a1350" description "x" date 2026-11-24 status test severity low
  chain { step sign_in from aws.cloudtrail where event.action == "ConsoleLogin" first within 14d by actor.id, source.ip }
  alert { entity account sign_in.actor.id dedupe 1h by sign_in.actor.id }
}
rule burst {
  title "Burst" id "5d3c8f0e-0f5b-4d43-9f0e-3f1f3f4a1351" description "x" date 2026-11-24 status test severity high
  chain { step fail from aws.cloudtrail where event.action == "GetObject" at least 3 within 10m by actor.id }
  alert { entity account fail.actor.id }
}
rule pair {
  title "Pair" id "5d3c8f0e-0f5b-4d43-9f0e-3f1f3f4a1352" description "x" date 2026-11-24 status test severity low
  chain {
    step user from aws.cloudtrail where event.action == "CreateUser"
    then within 30m on actor.id
    step key from aws.cloudtrail where event.action == "CreateAccessKey"
      unless revoked from aws.cloudtrail where event.action == "DeleteAccessKey" within 20m after on actor.id
  }
  alert { entity account key.actor.id }
}"#;

fn event(minute: u32, action: &str, actor: &str, ip: &str) -> String {
    let (hour, minute) = (minute / 60, minute % 60);
    serde_json::json!({ "source": "aws.cloudtrail", "event.id": format!("{action}{actor}{ip}{hour}{minute}"),
        "event.time": format!("2026-01-01T{hour:02}:{minute:02}:00Z"), "event.action": action, "actor.id": actor,
        "source.ip": ip })
    .to_string()
        + "\n"
}

fn log() -> String {
    [
        // Seen at 00:00, so again at 02:00 nothing new; another address is.
        event(0, "ConsoleLogin", "a", "192.0.2.1"),
        event(120, "ConsoleLogin", "a", "192.0.2.1"),
        event(130, "ConsoleLogin", "a", "192.0.2.2"),
        // Two of three before 01:00.
        event(55, "GetObject", "b", "192.0.2.1"),
        event(58, "GetObject", "b", "192.0.2.1"),
        event(62, "GetObject", "b", "192.0.2.1"),
        // One chain across 01:00, one behind it that is still open at the end.
        event(50, "CreateUser", "c", "192.0.2.1"),
        event(65, "CreateAccessKey", "c", "192.0.2.1"),
        event(119, "CreateUser", "d", "192.0.2.1"),
        event(125, "CreateAccessKey", "d", "192.0.2.1"),
    ]
    .concat()
}

#[test]
fn history_feeds_absences_and_counts_and_alerts_nobody() {
    let (_folder, rule, log) = scratch(RULES, &log());
    let ends = |more: &[&str]| {
        let ran = catena(&[&["replay", &rule, "--canonical", &log], more].concat());
        assert_eq!(ran.status, 0, "{}", ran.err);
        let alert = |line: &str| {
            let alert: serde_json::Value = serde_json::from_str(line).unwrap();
            format!("{} {}", alert["rule"].as_str().unwrap(), &alert["time"].as_str().unwrap()[11..16])
        };
        (ran.out.lines().map(alert).collect::<Vec<_>>(), ran.err)
    };
    let (all, err) = ends(&[]);
    let everything = ["new_place 00:00", "burst 01:02", "pair 01:05", "pair 02:05", "new_place 02:10"];
    assert_eq!(all, everything);
    assert!(!err.contains("before"), "{err}");
    let (found, err) = ends(&["--from", "2026-01-01T01:00:00Z"]);
    assert_eq!(found, ["burst 01:02", "pair 02:05", "new_place 02:10"]);
    let said =
        "4 records that satisfy a step are before 2026-01-01T01:00:00Z: they begin no chain and end none";
    assert!(err.contains(said), "{err}");
    // The instant itself is not before it, and an offset counts.
    assert_eq!(ends(&["--from", "2026-01-01T03:10:00+01:00"]).0, ["new_place 02:10"]);
    assert_eq!(ends(&["--from", "2026-01-01"]).0, everything);
    let (none, err) = ends(&["--from", "2027-01-01"]);
    assert!(
        none.is_empty() && err.contains("is before 2027-01-01T00:00:00Z, so nothing could alert"),
        "{err}"
    );
    // Near misses are about the same chains.
    let (near, _) = ends(&["--near", "--from", "2027-01-01"]);
    assert!(near.is_empty(), "{near:?}");
}

#[test]
fn a_time_that_is_none_is_refused() {
    let (_folder, rule, log) = scratch(RULES, &log());
    for wrong in ["yesterday", "2026-13-01", "2026-01-01T01:00:00", "01:00", ""] {
        let ran = catena(&["replay", &rule, "--canonical", &log, "--from", wrong]);
        assert_eq!((ran.status, ran.out.as_str()), (2, ""), "{wrong}");
        let wanted = "expected a day such as 2026-11-24 or an instant such as 2026-11-24T08:00:00Z";
        assert!(ran.err.contains(wanted), "{wrong}: {}", ran.err);
    }
}

#[test]
fn timelines_say_what_repeats_and_what_is_open() {
    let (_folder, rule, log) = scratch(RULES, &log());
    let ran = catena(&["replay", &rule, "--canonical", &log, "--explain"]);
    assert_eq!(ran.status, 0, "{}", ran.err);
    let burst = ran.out.split("\n\n").find(|block| block.contains("burst")).unwrap();
    assert!(
        burst.contains("fail  2026-01-01T01:02:00Z\n              count         3\n              first_time    2026-01-01T00:55:00Z\n"),
        "{burst}"
    );
    let open = "  open: what takes it away could still come after the end of the data\n";
    let pairs: Vec<_> = ran
        .out
        .split("\n\n")
        .filter(|block| block.contains("  pair  "))
        .map(|one| one.contains(open))
        .collect();
    assert_eq!(pairs, [false, true], "{}", ran.out);
}
