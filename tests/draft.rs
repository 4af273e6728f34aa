//! `catena draft`: rules from incidents in raw vendor events.

use std::path::Path;

use crate::program::{AS_OF, catena, root, scratch};

/// A raw event of the suite with some of its values changed.
fn raw(source: &str, name: &str, changes: &[(&str, &str)]) -> serde_json::Value {
    let path = root().join("tests/raw").join(source).join(name);
    let mut event: serde_json::Value = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    for (place, value) in changes {
        *event.pointer_mut(place).unwrap_or_else(|| panic!("{place}")) = (*value).into();
    }
    event
}

fn lines(events: &[serde_json::Value]) -> Vec<u8> {
    events.iter().flat_map(|event| [event.to_string(), "\n".to_owned()]).collect::<String>().into_bytes()
}

/// A snapshot is shared after somebody has made a key for it; each time by another person.
fn incident(number: usize, minutes: u32) -> Vec<serde_json::Value> {
    let arn = format!("arn:aws:iam::22965456126{number}:user/person{number}");
    let account = format!("22965456126{number}");
    let common = |event: &str, time: String| {
        vec![
            ("/userIdentity/arn", arn.clone()),
            ("/eventTime", time),
            ("/eventID", format!("{event}-{number}")),
            ("/recipientAccountId", account.clone()),
        ]
    };
    let event = |file: &str, id: &str, time: String| {
        let changes = common(id, time);
        let changes: Vec<(&str, &str)> =
            changes.iter().map(|(place, value)| (*place, value.as_str())).collect();
        raw("aws.cloudtrail", file, &changes)
    };
    // What else happened differs.
    let noise = if number == 1 { "create_role.json" } else { "check_mfa.json" };
    vec![
        event("create_access_key.json", "key", format!("2026-01-0{number}T10:00:00Z")),
        event(noise, "noise", format!("2026-01-0{number}T10:01:30Z")),
        event("share_snapshot.json", "share", format!("2026-01-0{number}T10:{minutes:02}:00Z")),
    ]
}

/// The lines of such an incident.
pub(crate) fn incident_lines(number: usize) -> Vec<u8> {
    lines(&incident(number, if number == 1 { 3 } else { 7 }))
}

fn folder(rest: &[serde_json::Value]) -> tempfile::TempDir {
    let (one, two) = (incident_lines(1), incident_lines(2));
    let rest = lines(rest);
    let files: [(&str, &[u8]); 3] = [("one.json", &one), ("two.json", &two), ("rest.json", &rest)];
    scratch("draft", &files)
}

fn path(folder: &Path, name: &str) -> String {
    folder.join(name).display().to_string()
}

fn draft(folder: &Path, more: &[&str]) -> crate::program::Ran {
    let one = format!("aws.cloudtrail={}", path(folder, "one.json"));
    let two = format!("aws.cloudtrail={}", path(folder, "two.json"));
    catena(&[&["draft", "--incident", &one, "--incident", &two, "--as-of", AS_OF], more].concat())
}

#[test]
fn a_draft_holds_on_its_incidents_and_passes_its_check() {
    let folder = folder(&[]);
    let out = path(folder.path(), "shared.chain");
    let ran = draft(folder.path(), &["--name", "shared", "-o", &out]);
    assert_eq!(ran.status, 0, "{}", ran.err);
    let text = std::fs::read_to_string(&out).unwrap();
    insta::with_settings!({
        snapshot_path => "../snapshots/engine",
        prepend_module_to_snapshot => false,
        omit_expression => true,
    }, { insta::assert_snapshot!("draft", text) });
    // The gap of seven minutes is rounded up; what differs and is equal in each joins the steps.
    for said in [
        "create_access_key_to_modify_snapshot_attribute = 10m",
        "on actor.id",
        "event.action == \"CreateAccessKey\"",
        "event.provider == \"iam.amazonaws.com\"",
    ] {
        assert!(text.contains(said), "{said}: {text}");
    }
    assert!(!text.contains("229654561268") && !text.contains("create_role"), "{text}");
    for command in ["check", "test", "fmt"] {
        let more = if command == "fmt" { &["--check"][..] } else { &["--as-of", AS_OF] };
        let ran = catena(&[&[command, &out], more].concat());
        assert_eq!(ran.status, 0, "{command}: {}{}", ran.out, ran.err);
    }
    for name in ["one.json", "two.json"] {
        let events = format!("aws.cloudtrail={}", path(folder.path(), name));
        let ran = catena(&["replay", &out, "--events", &events]);
        assert_eq!(ran.out.lines().count(), 1, "{name}: {}", ran.err);
    }
    let again = draft(folder.path(), &["--name", "shared"]);
    assert_eq!(again.out, text, "it depends on something else than the incidents");
}

/// A key and a share of the same person that are no incident: the tool differs.
#[test]
fn a_draft_is_narrowed_until_other_logs_are_silent() {
    let mut other = incident(3, 5);
    for event in &mut other {
        event["userAgent"] = "console.amazonaws.com".into();
        event["awsRegion"] = "eu-west-1".into();
    }
    let folder = folder(&other);
    let rest = format!("aws.cloudtrail={}", path(folder.path(), "rest.json"));
    let ran = draft(folder.path(), &["--events", &rest]);
    assert_eq!(ran.status, 0, "{}", ran.err);
    assert!(ran.err.contains("silent on the other events: 2 other records"), "{}", ran.err);
    let rule = path(folder.path(), "narrowed.chain");
    std::fs::write(&rule, &ran.out).unwrap();
    let replayed = catena(&["replay", &rule, "--events", &rest]);
    assert_eq!((replayed.status, replayed.out.as_str()), (0, ""), "{}", replayed.err);
    // The incidents in the other logs are no reason to be silent.
    let all = [incident(1, 3), incident(2, 7), other].concat();
    std::fs::write(folder.path().join("rest.json"), lines(&all)).unwrap();
    let with_incidents = draft(folder.path(), &["--events", &rest]);
    assert_eq!(with_incidents.out, ran.out, "{}", with_incidents.err);
    // Nothing tells a third incident of the same kind apart.
    std::fs::write(folder.path().join("rest.json"), lines(&incident(3, 5))).unwrap();
    let alike = draft(folder.path(), &["--events", &rest]);
    assert_eq!(alike.status, 1, "{}", alike.err);
    assert!(
        alike.err.contains("1 alert on the other events, and the incidents have nothing more in common"),
        "{}",
        alike.err
    );
}

#[test]
fn what_is_no_basis_for_a_rule_is_said() {
    let folder = folder(&[]);
    let one = format!("aws.cloudtrail={}", path(folder.path(), "one.json"));
    let login = lines(&[raw("aws.cloudtrail", "console_login_mfa.json", &[])]);
    std::fs::write(folder.path().join("login.json"), login).unwrap();
    std::fs::write(folder.path().join("bad.json"), "no log at all\n").unwrap();
    let login = format!("aws.cloudtrail={}", path(folder.path(), "login.json"));
    let bad = format!("aws.cloudtrail={}", path(folder.path(), "bad.json"));
    for (incidents, status, said) in [
        (&[one.as_str()][..], 2, "give `--incident` twice or more"),
        (&[&one, &login], 1, "no kind of event in common"),
        (&[&one, &bad], 2, "incident 2: its events cannot be read"),
        (&[&one, "aws.cloudtrial=x.json"], 2, "did you mean `aws.cloudtrail`?"),
        (&[&one, "aws.cloudtrail="], 2, "expected files"),
        (&[&one, "aws.cloudtrail=/nowhere/x.json"], 2, "/nowhere/x.json"),
    ] {
        let incidents: Vec<&str> = incidents.iter().flat_map(|one| ["--incident", one]).collect();
        let ran = catena(&[&["draft"], &incidents[..]].concat());
        assert_eq!((ran.status, ran.out.as_str()), (status, ""), "{incidents:?}: {}", ran.err);
        assert!(ran.err.contains(said), "{incidents:?}: {}", ran.err);
    }
}
