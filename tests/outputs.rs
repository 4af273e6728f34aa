//! What the program leaves behind: files that are whole, no others, and a status that says what was found.

use std::io::Read;
use std::process::{Command, Stdio};
use std::time::{Duration, SystemTime};

use crate::program::{Ran, catena, path, root, scratch};

const EVENTS: &str =
    "{\"source\":\"aws.cloudtrail\",\"event.time\":\"2026-01-01T00:00:00Z\",\"event.action\":\"A\"}\n";

fn two_steps() -> Vec<u8> {
    std::fs::read(root().join("tests/cases/two_steps.chain")).unwrap()
}

/// A result has the mode that `> file` would have given it.
#[cfg(unix)]
#[test]
fn files_have_the_mode_that_the_umask_leaves() {
    use std::os::unix::fs::PermissionsExt;
    let mode = |file: &std::path::Path| std::fs::metadata(file).unwrap().permissions().mode() & 0o777;
    for (umask, expected) in [("077", 0o600), ("027", 0o640), ("022", 0o644), ("002", 0o664)] {
        let folder = scratch("umask", &[("r.chain", &two_steps())]);
        let out = folder.path().join("out");
        let compile = |umask: &str| {
            let ran = Command::new("sh")
                .args(["-c", "umask \"$0\" && exec \"$@\"", umask, env!("CARGO_BIN_EXE_catena")])
                .args(["compile", &path(&folder, "r.chain"), "--target", "kql", "-o"])
                .arg(&out)
                .output()
                .unwrap();
            assert!(ran.status.success(), "{}", String::from_utf8_lossy(&ran.stderr));
        };
        compile(umask);
        let folders = [out.clone(), out.join("kql")];
        let files: Vec<_> = folders.iter().flat_map(|folder| std::fs::read_dir(folder).unwrap()).collect();
        let files: Vec<_> =
            files.into_iter().map(|entry| entry.unwrap().path()).filter(|file| file.is_file()).collect();
        assert!(files.len() >= 2, "a query and the manifest: {files:?}");
        for file in &files {
            assert_eq!(mode(file), expected, "{umask}: {}", file.display());
        }
        // What is there keeps the mode that somebody chose for it.
        for file in &files {
            std::fs::set_permissions(file, std::fs::Permissions::from_mode(0o640)).unwrap();
        }
        compile("022");
        for file in &files {
            assert_eq!(mode(file), 0o640, "{umask}: {}", file.display());
        }
    }
}

/// Base rules of Sigma in files of their own: the same documents, in the same order.
#[test]
fn base_rules_can_be_written_apart() {
    let folder = scratch("apart", &[("r.chain", &two_steps())]);
    let (rule, out) = (path(&folder, "r.chain"), path(&folder, "out"));
    let whole = catena(&["compile", &rule, "--target", "sigma"]).out;
    assert_eq!(catena(&["compile", &rule, "--target", "sigma", "--split"]).out, whole);
    catena(&["compile", &rule, "--target", "sigma", "--split", "-o", &out]);
    let files = ["two_steps_step_1_create", "two_steps_step_2_launch", "correlation_two_steps"];
    let read = |name| std::fs::read_to_string(folder.path().join(format!("out/sigma/{name}.yml"))).unwrap();
    assert_eq!(files.map(read).join("---\n"), whole);
}

#[cfg(unix)]
#[test]
fn a_chart_goes_where_it_is_sent() {
    let rule = std::fs::read(root().join("tests/cases/three_steps_gaps.chain")).unwrap();
    let folder = scratch("outputs", &[("r.chain", &rule), ("log.ndjson", EVENTS.as_bytes())]);
    let (rule, log) = (path(&folder, "r.chain"), path(&folder, "log.ndjson"));
    let tune =
        |svg: &str| catena(&["tune", &rule, "--canonical", &log, "--vary", "total=1h,2h", "--svg", svg]);

    let missing = path(&folder, "none/x.svg");
    let Ran { status, err, .. } = tune(&missing);
    assert_eq!((status, err.contains(&format!("cannot write `{missing}`"))), (2, true), "{err}");
    assert!(!folder.path().join("none").exists());

    // A link stays what it is, and what it leads to is written; so it is with devices.
    std::fs::write(folder.path().join("real.svg"), "old".repeat(100_000)).unwrap();
    std::os::unix::fs::symlink("real.svg", folder.path().join("link.svg")).unwrap();
    assert_eq!(tune(&path(&folder, "link.svg")).status, 0);
    assert!(folder.path().join("link.svg").is_symlink());
    let picture = std::fs::read_to_string(folder.path().join("real.svg")).unwrap();
    assert!(picture.starts_with("<svg") && !picture.contains("old"));

    assert_eq!(tune(&path(&folder, "new.svg")).status, 0);
    assert!(folder.path().join("new.svg").is_file());
}

#[test]
fn names_of_devices_are_no_names_of_files() {
    let rule = String::from_utf8(two_steps()).unwrap();
    let folder = scratch("outputs", &[("r.chain", rule.replace("rule two_steps", "rule con").as_bytes())]);
    let out = path(&folder, "out");
    assert_eq!(catena(&["compile", &path(&folder, "r.chain"), "--target", "kql", "-o", &out]).status, 0);
    assert!(folder.path().join("out/kql/con_.kql").is_file());
}

#[test]
fn what_a_killed_run_left_is_removed() {
    let folder = scratch(
        "outputs",
        &[
            ("r.chain", &two_steps()),
            ("out/kql/.catena-aB3dE6", b"half"),
            ("out/kql/.catena-notes.txt", b"kept"),
            ("out/kql/.catena-aB3dE7", b"of a run that lives"),
        ],
    );
    for name in ["out/kql/.catena-aB3dE6", "out/kql/.catena-notes.txt"] {
        let file = std::fs::File::options().write(true).open(folder.path().join(name)).unwrap();
        file.set_modified(SystemTime::now() - Duration::from_secs(120)).unwrap();
    }
    let out = path(&folder, "out");
    assert_eq!(catena(&["compile", &path(&folder, "r.chain"), "--target", "kql", "-o", &out]).status, 0);
    let mut left: Vec<_> = std::fs::read_dir(folder.path().join("out/kql"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    left.sort();
    assert_eq!(left, [".catena-aB3dE7", ".catena-notes.txt", "two_steps.kql"]);
}

/// Sends a signal while files are written; whatever is there then has its own name.
#[cfg(unix)]
#[test]
fn a_stopped_run_leaves_no_temporary_file() {
    let rule = String::from_utf8(two_steps()).unwrap();
    let folder = scratch("outputs", &[]);
    for number in 0..400 {
        let id = format!("00000000-0000-4000-8000-{number:012}");
        let start = rule.find("id          \"").unwrap() + "id          \"".len();
        let other = format!("{}{id}{}", &rule[..start], &rule[start + 36..]);
        let other = other.replace("rule two_steps", &format!("rule r{number}"));
        std::fs::write(folder.path().join(format!("r{number}.chain")), other).unwrap();
    }
    for (signal, wait) in [("INT", 1), ("TERM", 1), ("INT", 40), ("TERM", 120)] {
        let mut child = Command::new(env!("CARGO_BIN_EXE_catena"))
            .args(["compile", ".", "-o", "out"])
            .current_dir(folder.path())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        // It is not waited for before it gets the signal: its number stays its own.
        let begun = SystemTime::now();
        while !folder.path().join("out/kql").exists() && begun.elapsed().unwrap() < Duration::from_secs(60) {
            std::thread::sleep(Duration::from_millis(1));
        }
        std::thread::sleep(Duration::from_millis(wait));
        assert!(Command::new("kill").args([format!("-{signal}"), child.id().to_string()]).status().is_ok());
        let status = child.wait().unwrap().code();
        assert!(matches!(status, Some(0 | 130)), "{signal}: {status:?}");
        for target in std::fs::read_dir(folder.path().join("out")).unwrap() {
            for file in std::fs::read_dir(target.unwrap().path()).unwrap() {
                let name = file.unwrap().file_name().into_string().unwrap();
                assert!(!name.starts_with(".catena-"), "{signal}: {name}");
            }
        }
        std::fs::remove_dir_all(folder.path().join("out")).unwrap();
    }
}

/// A reader that takes one byte and goes.
fn status_without_reader(arguments: &[&str]) -> Option<i32> {
    let mut child = Command::new(env!("CARGO_BIN_EXE_catena"))
        .args(arguments)
        .current_dir(root())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut out = child.stdout.take().unwrap();
    let _ = out.read(&mut [0]);
    drop(out);
    child.wait().unwrap().code()
}

#[test]
fn a_reader_that_goes_away_changes_no_status() {
    let faults = "allowlist n: source.ip { ".to_owned() + &"\"x\" \"y\" ".repeat(2_000) + "}";
    let folder = scratch("outputs", &[("bad.chain", faults.as_bytes()), ("good.chain", &two_steps())]);
    let (bad, good) = (path(&folder, "bad.chain"), path(&folder, "good.chain"));
    for format in ["json", "github", "sarif"] {
        assert_eq!(status_without_reader(&["check", &bad, "--format", format]), Some(1), "{format}");
    }
    assert_eq!(status_without_reader(&["compile", &bad, &good]), Some(1));
    assert_eq!(status_without_reader(&["compile", &good]), Some(0));
    assert_eq!(status_without_reader(&["--help"]), Some(0));
}

#[cfg(target_os = "linux")]
#[test]
fn help_that_cannot_be_printed_is_a_failure() {
    let full = std::fs::File::options().write(true).open("/dev/full").unwrap();
    let ran = Command::new(env!("CARGO_BIN_EXE_catena")).arg("--help").stdout(full).status().unwrap();
    assert_eq!(ran.code(), Some(2));
}

/// Sound, and with a warning.
const RULE_WITHOUT_TESTS: &str = r#"
rule quiet {
  title       "Two calls"
  id          "0d1c2a54-3a0e-4c0c-9c3e-6a9d2b7f5c4e"
  description "It has no tests, which is a warning."
  severity    low
  chain {
    step one from aws.cloudtrail where event.action == "CreateUser"
    then within 15m on actor.id
    step two from aws.cloudtrail where event.action == "DeleteUser"
  }
  alert { entity account two.actor.id }
}
"#;

#[test]
fn a_quiet_run_prints_results_and_errors() {
    let warned = RULE_WITHOUT_TESTS;
    let folder = scratch("quiet", &[("a.chain", warned.as_bytes())]);
    let file = path(&folder, "a.chain");
    let loud = catena(&["check", &file]);
    assert!(loud.err.contains("W0610") && loud.err.contains("1 rule"), "{}", loud.err);
    for arguments in [["--quiet", "check", &file], ["check", &file, "-q"]] {
        let quiet = catena(&arguments);
        assert_eq!((quiet.status, quiet.err.as_str(), quiet.out.as_str()), (0, "", ""));
    }
    let query = catena(&["compile", &file, "--target", "kql", "--quiet"]);
    assert!(query.out.contains("AWSCloudTrail") && query.err.is_empty(), "{}", query.err);
    let broken = scratch("quiet_error", &[("a.chain", b"rule q { }")]);
    let wrong = catena(&["check", "--quiet", &path(&broken, "a.chain")]);
    assert!(wrong.status == 1 && wrong.err.contains("error["), "{}", wrong.err);
}

#[test]
fn what_is_written_to_a_device_goes_there() {
    let written = catena(&["explain", "rules/an1318/aws.chain", "--quiet", "--svg", "/dev/stdout"]);
    assert!(written.status == 0 && written.out.contains("<svg"), "{}", written.err);
    let nowhere = catena(&["explain", "rules/an1318/aws.chain", "--html", "no/such/folder/a.html"]);
    assert_eq!(nowhere.status, 2, "{}", nowhere.err);
}
