//! Text of rules, logs and file names in what the program prints: nothing of it moves a terminal, begins a line or is a
//! command to the runner of a workflow.

use crate::program::{Ran, catena, catena_in, path, scratch};

const RULE: &str = r#"rule r {
  title "t"
  id "5d3c8f0e-0f5b-4d43-9f0e-3f1f3f4a1318"
  description "d"
  author "a"
  date 2026-11-24
  severity low
  chain within 1h {
    step a from aws.cloudtrail where event.action == "A"
    then within 1h on actor.id
    step b from aws.cloudtrail where event.action == "B"
  }
  alert { entity account b.actor.id }
}
"#;

/// An escape sequence, C1, DEL, a direction mark, a line end with a command, and the legacy form of one.
const EVIL: &str =
    "x\\u001b]0;x\\u0007\u{9b}31m\u{7f}\u{202e}\u{2028}\\r\\n::stop-commands::pwn ##[add-mask]y\u{e0041}";

/// Whether every line is free of what acts on a terminal or on GitHub's runner.
fn is_harmless(ran: &Ran) -> Result<(), String> {
    for line in ran.out.lines().chain(ran.err.lines()) {
        let hidden =
            |c: char| c.is_control() || matches!(c, '\u{202e}' | '\u{2028}' | '\u{e0041}' | '\u{200b}');
        let command = line.trim_start();
        let ours = ["::error file=", "::warning file="].iter().any(|ours| command.starts_with(ours));
        if line.contains(hidden) || (command.starts_with("::") && !ours) || (line.contains("##[") && !ours) {
            return Err(format!("{line:?}"));
        }
    }
    Ok(())
}

fn event(action: &str, minute: u32, source: &str, actor: &str) -> String {
    format!(
        "{{\"source\":\"{source}\",\"event.time\":\"2026-01-01T00:0{minute}:00Z\",\"event.id\":\"{minute}\",\"event.action\":\"{action}\",\"actor.id\":\"{actor}\",\"user_agent.original\":\"{EVIL}\"}}\n"
    )
}

#[test]
fn values_of_logs_are_shown_and_not_sent() {
    let log = [
        event("A", 1, "aws.cloudtrail", EVIL),
        event("B", 2, "aws.cloudtrail", EVIL),
        event("B", 3, "aws.cloudtrail", &format!("{EVIL}2")),
        event("B", 3, EVIL, "x"),
    ];
    let folder = scratch("foreign", &[("r.chain", RULE.as_bytes()), ("log.ndjson", log.concat().as_bytes())]);
    let (rule, log) = (path(&folder, "r.chain"), path(&folder, "log.ndjson"));
    let explained = catena(&["replay", &rule, "--canonical", &log, "--explain", "--near"]);
    assert_eq!(is_harmless(&explained), Ok(()));
    assert!(explained.out.contains(r"\u{1b}]0;x\u{7}\u{9b}31m\u{7f}\u{202e}"), "{}", explained.out);
    assert!(explained.err.contains(r"there is no source x\u{1b}]0;x"), "{}", explained.err);

    let ran = catena(&["replay", &rule, "--canonical", &log, "--near"]);
    assert_eq!(is_harmless(&ran), Ok(()));
    let actor = |line: &str| {
        let alert: serde_json::Value = serde_json::from_str(line).unwrap();
        alert["steps"]["b"]["actor.id"].as_str().map(str::to_owned)
    };
    let written: String =
        serde_json::from_str(&format!("\"{}\"", EVIL.replace('\u{7f}', "\\u007f"))).unwrap();
    assert_eq!(actor(ran.out.lines().next().unwrap()), Some(written));
}

#[test]
fn values_of_rules_are_shown_and_not_sent() {
    let values = r##""x\n::stop-commands::pwn" "\u{1b}[31m\u{9b}\u{200b}\u{202e}" "#\u{23}[add-mask]y""##;
    let tested = RULE.replace(
        "  alert {",
        "  test \"\\u{9b}x\\n::add-mask::y\" { a at 0s { } expect alert at 0s }\n  alert {",
    );
    let text = format!("allowlist n: source.ip {{ {values} }}\n");
    let folder = scratch("foreign", &[("r.chain", text.as_bytes()), ("t.chain", tested.as_bytes())]);
    let rule = path(&folder, "r.chain");
    for format in ["text", "github", "json", "sarif"] {
        let ran = catena(&["check", &rule, "--format", format]);
        assert_eq!((ran.status, is_harmless(&ran)), (1, Ok(())), "{format}");
    }
    for format in ["text", "json"] {
        let ran = catena(&["test", &path(&folder, "t.chain"), "--format", format]);
        assert_eq!((ran.status, is_harmless(&ran)), (1, Ok(())), "{format}: {}{}", ran.out, ran.err);
    }
}

#[cfg(unix)]
#[test]
fn names_of_files_are_shown_and_not_sent() {
    let name = "a\n::warning::\u{1b}[31m\u{9b}##[add-mask].chain";
    let log = "::error::x.ndjson";
    let faulty = "rule r { titel \"x\" }";
    let files =
        [(name, faulty.as_bytes()), ("r.chain", RULE.as_bytes()), (log, b"{\"source\":\"x\"}\n".as_slice())];
    let folder = scratch("foreign", &files);
    for format in ["text", "github", "json", "sarif"] {
        let ran = catena(&["check", &path(&folder, name), "--format", format]);
        assert_eq!((ran.status, is_harmless(&ran)), (1, Ok(())), "{format}");
    }
    let missing = format!("{}x", path(&folder, name));
    for arguments in
        [vec!["check", &missing], vec!["compile", &missing], vec!["check", ".", "--env", &missing]]
    {
        let ran = catena(&arguments);
        assert_eq!((ran.status, is_harmless(&ran)), (2, Ok(())), "{arguments:?}: {}", ran.err);
    }
    let ran = catena_in(folder.path(), &["replay", "r.chain", "--canonical", log], b"");
    assert_eq!(is_harmless(&ran), Ok(()));
    assert!(ran.err.contains("./::error::x.ndjson: "), "{}", ran.err);
}
