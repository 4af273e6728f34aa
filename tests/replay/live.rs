//! A replay that someone watches and ends: Ctrl-C, pipes that stay open, the progress bar.

use std::io::Write;
use std::process::{Child, ChildStdin, Command, Stdio};

use serde_json::Value as Json;

use super::commands::{RULE, scratch};
use crate::program::root;

const EVENTS: &str = r#"{"eventID":"1","eventTime":"2026-01-01T00:00:01Z","eventName":"CreateUser","userIdentity":{"arn":"x"}}
{"eventID":"2","eventTime":"2026-01-01T00:00:02Z","eventName":"RunInstances","userIdentity":{"arn":"x"}}
"#;

fn replay(rule: &str, events: &str) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_catena"));
    command.args(["replay", rule, "--events", &format!("aws.cloudtrail={events}")]).current_dir(root());
    command.env("NO_COLOR", "1").stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

/// Writes the events and so much behind them that the program has read them when this returns: far more than all that
/// can be under way between here and there.
fn feed(child: &mut Child) -> ChildStdin {
    let mut stdin = child.stdin.take().unwrap();
    stdin.write_all(EVENTS.as_bytes()).unwrap();
    let mut blank = vec![b' '; 1 << 20];
    blank.push(b'\n');
    for _ in 0..8 {
        stdin.write_all(&blank).unwrap();
    }
    stdin
}

fn only_alert(out: &[u8]) -> Json {
    let alert: Json = serde_json::from_slice(out).unwrap();
    assert_eq!(alert["steps"]["b"]["time"], "2026-01-01T00:00:02Z");
    alert
}

#[cfg(unix)]
#[test]
fn ctrl_c_prints_what_was_found_so_far() {
    let (_folder, rule, _) = scratch(RULE, "");
    let mut child = replay(&rule, "-").spawn().unwrap();
    let stays_open = feed(&mut child);
    let sent = Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap();
    assert!(sent.success());
    let output = child.wait_with_output().unwrap();
    drop(stays_open);
    let err = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(130), "{err}");
    only_alert(&output.stdout);
    assert!(err.contains("2 events from 1 file") && err.contains("1 alert"), "{err}");
}

#[cfg(unix)]
#[test]
fn a_pipe_with_a_name_is_read_once() {
    let (folder, rule, _) = scratch(RULE, "");
    let pipe = folder.path().join("pipe");
    assert!(Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    let child = replay(&rule, &pipe.to_string_lossy()).spawn().unwrap();
    std::fs::write(&pipe, EVENTS).unwrap();
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    only_alert(&output.stdout);
}

#[cfg(unix)]
#[test]
fn only_a_terminal_shows_progress() {
    let (_folder, rule, log) = scratch(RULE, EVENTS);
    let piped = replay(&rule, &log).output().unwrap();
    assert_eq!(piped.status.code(), Some(0));
    let silent = String::from_utf8(piped.stderr).unwrap();
    assert!(!silent.contains("read,") && !silent.contains('\r') && !silent.contains('\u{1b}'), "{silent}");
    let command = replay(&rule, &log);
    let on_a_terminal = "import os, pty, sys; sys.exit(os.waitstatus_to_exitcode(pty.spawn(sys.argv[1:])))";
    let mut python = Command::new("python3");
    python.args(["-c", on_a_terminal]).arg(command.get_program()).args(command.get_args());
    let shown = python.current_dir(root()).env("TERM", "xterm").stdin(Stdio::null()).output().unwrap();
    assert_eq!(shown.status.code(), Some(0));
    let shown = String::from_utf8(shown.stdout).unwrap();
    assert!(shown.contains("B read,") && shown.contains("1 alert"), "{shown}");
}
