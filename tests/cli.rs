//! The program as a user or a build sees it: status, streams, files.

use std::path::Path;

use crate::program::{AS_OF, Ran, catena, catena_with_input, path, root, scratch};

const AWS: &str = "rules/an1318/aws.chain";

fn one_line(text: &str) -> &str {
    text.trim_end()
}

#[test]
fn all_targets_stand_under_headings() {
    let Ran { status, out, .. } = catena(&["compile", AWS]);
    assert_eq!(status, 0);
    let headings: Vec<&str> = out.lines().filter(|line| line.starts_with("━━━")).collect();
    assert_eq!(headings.len(), 4);
    for (heading, title) in
        headings.iter().zip(["Splunk SPL", "Sigma", "Microsoft Sentinel KQL", "Elastic EQL"])
    {
        assert!(heading.contains(title), "{heading}");
    }
}

#[test]
fn one_target_prints_only_what_one_pastes() {
    let all = catena(&["compile", AWS, "--as-of", AS_OF, "--format", "json"]);
    let emissions: serde_json::Value = serde_json::from_str(&all.out).unwrap();
    for emission in emissions.as_array().unwrap() {
        let target = emission["target"].as_str().unwrap();
        let texts: Vec<_> =
            emission["parts"].as_array().unwrap().iter().map(|part| part["text"].as_str().unwrap()).collect();
        let ran = catena(&["compile", AWS, "--as-of", AS_OF, "--target", target]);
        let joined = texts
            .iter()
            .map(|text| format!("{}\n", text.trim_end_matches('\n')))
            .collect::<Vec<_>>()
            .join("\n");
        assert_eq!(ran.out, joined, "{target}");
    }
}

#[test]
fn json_has_the_documented_shape() {
    let ran = catena(&["compile", "rules/an1318", "--as-of", AS_OF, "--format", "json"]);
    let emissions: serde_json::Value = serde_json::from_str(&ran.out).unwrap();
    for emission in emissions.as_array().unwrap() {
        let keys: Vec<&String> = emission.as_object().unwrap().keys().collect();
        assert_eq!(keys, ["rule", "target", "fidelity", "level", "notes", "requires", "parts"]);
        let parts = emission["parts"].as_array().unwrap();
        let queries = parts.iter().filter(|part| part["role"] == "query").count();
        assert_eq!(queries, 1, "{}", emission["target"]);
        for part in parts {
            let keys: Vec<&String> = part.as_object().unwrap().keys().collect();
            assert_eq!(keys, ["name", "id", "role", "schedule", "text"]);
            assert!(uuid::Uuid::parse_str(part["id"].as_str().unwrap()).is_ok());
        }
        for note in emission["notes"].as_array().unwrap() {
            assert!(note["line"].as_u64().unwrap() > 0, "{note}");
        }
    }
}

#[test]
fn files_are_written_whole_one_for_each_part() {
    let folder = scratch("out", &[]);
    let target = path(&folder, "queries");
    let ran = catena(&["compile", AWS, "-o", &target]);
    assert_eq!((ran.status, ran.out.as_str()), (0, ""), "{}", ran.err);
    let mut names = Vec::new();
    for entry in walkdir::WalkDir::new(root().join(&target)) {
        let entry = entry.unwrap();
        if entry.file_type().is_file() {
            names.push(entry.path().strip_prefix(root().join(&target)).unwrap().display().to_string());
        }
    }
    names.sort();
    // The list of these files stands beside them.
    assert_eq!(names.remove(0), ".catena-manifest.json");
    assert_eq!(names.len(), 5, "{names:?}");
    assert!(names.iter().all(|name| !name.contains(".catena-")));
}

#[test]
fn a_folder_that_cannot_be_written_is_an_io_error() {
    let folder = scratch("blocked", &[("taken", b"a file")]);
    let ran = catena(&["compile", AWS, "-o", &path(&folder, "taken")]);
    assert_eq!(ran.status, 2);
    assert!(ran.err.contains("cannot write"), "{}", ran.err);
}

#[test]
fn standard_input_is_a_rule_file() {
    let text = std::fs::read(root().join("tests/cases/two_steps.chain")).unwrap();
    let ran = catena_with_input(&["compile", "-", "--target", "kql"], &text);
    assert_eq!(ran.status, 0, "{}", ran.err);
    assert!(ran.out.contains("AWSCloudTrail"));
    let ran = catena_with_input(&["check", "-"], b"rule x {");
    assert_eq!(ran.status, 1);
    assert!(ran.err.contains("<stdin>:1:"), "{}", ran.err);
}

#[test]
fn usage_errors_have_status_2_and_a_suggestion() {
    for (arguments, hint) in [
        (&["compile", AWS, "--target", "kqll"][..], "did you mean `kql`?"),
        (
            &["compile", AWS, "--rule", "aws_untrusted_image_lunch"],
            "did you mean `aws_untrusted_image_launch`?",
        ),
        (&["test", AWS, "--rule", "aws_untrusted_image_lunch"], "did you mean `aws_untrusted_image_launch`?"),
        (&["explain", "E0202", "--html", "e.html"], "`--html` and `--svg` are for rules"),
        (&["compile", AWS, "--set", "console_to_lunch=5m"], "did you mean `console_to_launch`?"),
        (&["compile", AWS, "--set", "nonsense"], "NAME=VALUE"),
        (&["compile", AWS, "--as-of", "2026-02-30"], "--as-of"),
        (&["compile", "no/such/file.chain"], "cannot read `no/such/file.chain`"),
        (&["compile", "docs/errors"], "no `.chain` file under `docs/errors`"),
        (&["sources", "aws.cloudtrial"], "did you mean `aws.cloudtrail`?"),
        (&["compile"], "PATH"),
    ] {
        let ran = catena(arguments);
        assert_eq!((ran.status, ran.out.as_str()), (2, ""), "{arguments:?}: {}", ran.err);
        assert!(ran.err.contains(hint), "{arguments:?}: {}", ran.err);
    }
}

#[test]
fn parameters_can_be_set() {
    let ran = catena(&["compile", AWS, "--target", "kql", "--set", "console_to_launch=7m"]);
    assert!(ran.out.contains("console_to_launch = 7m;"), "{}", ran.out);
    let ran = catena(&["compile", AWS, "--set", "console_to_launch=soon"]);
    assert_eq!(ran.status, 1);
    assert!(ran.err.contains("soon"), "{}", ran.err);
}

#[test]
fn an_expired_entry_excuses_nothing() {
    let early = catena(&["compile", AWS, "--target", "kql", "--as-of", "2027-06-30"]);
    let late = catena(&["compile", AWS, "--target", "kql", "--as-of", "2027-07-01"]);
    assert!(early.out.contains("ami-0abcdef1234567890"));
    assert!(!late.out.contains("ami-0abcdef1234567890"));
    assert!(late.err.contains("ami-0abcdef1234567890") && late.err.contains("2027-06-30"), "{}", late.err);
}

#[test]
fn an_environment_file_moves_tables_and_parameters() {
    let rule = std::fs::read(root().join("tests/cases/two_steps.chain")).unwrap();
    let environment = b"targets:\n  kql:\n    aws.cloudtrail:\n      from: OurTrail_CL\n";
    let folder = scratch("env", &[("catena.yaml", environment), ("deep/down/rule.chain", &rule)]);
    let ran = catena(&["compile", &path(&folder, "deep/down/rule.chain"), "--target", "kql"]);
    assert_eq!(ran.status, 0, "{}", ran.err);
    assert!(ran.out.contains("OurTrail_CL") && !ran.out.contains("AWSCloudTrail\n"), "{}", ran.out);
}

#[test]
fn a_wrong_environment_file_says_where() {
    let rule = std::fs::read(root().join("tests/cases/two_steps.chain")).unwrap();
    for (text, hint) in [
        ("lookbak: 24h\n", "lookbak"),
        ("lookback: soon\n", "expected a duration"),
        ("interval: 0m\n", "expected a duration"),
        ("targets:\n  kql:\n    aws.cloudtrial:\n      from: X\n", "aws.cloudtrial"),
        ("lists: [\n", ""),
        ("params: {a: {b: c}}\n", ""),
        ("- 1\n", ""),
    ] {
        let folder = scratch("badenv", &[("catena.yaml", text.as_bytes()), ("rule.chain", &rule)]);
        let ran = catena(&["check", &path(&folder, "rule.chain")]);
        assert_eq!(ran.status, 1, "{text}: {}", ran.err);
        assert!(ran.err.contains("error[E090") && ran.err.contains("catena.yaml:"), "{text}: {}", ran.err);
        assert!(ran.err.contains(hint), "{text}: {}", ran.err);
    }
}

#[test]
fn files_that_name_each_other_or_nothing() {
    let folder = scratch(
        "files",
        &[
            ("a.chain", b"import \"b.chain\"\n"),
            (
                "b.chain",
                b"import \"a.chain\"\nimport \"gone.chain\"\nallowlist x: image.id from \"gone.csv\"\n",
            ),
            ("list.chain", b"allowlist x: image.id from \"list.csv\"\n"),
            ("list.csv", b"value,resaon\nami-1,why\nami-2,a,b\n"),
        ],
    );
    let ran = catena(&["check", &path(&folder, "")]);
    assert_eq!(ran.status, 1);
    for (code, hint) in [
        ("E0152", "a.chain"),
        ("E0151", "gone.chain"),
        ("E0151", "gone.csv"),
        ("E0161", "reason"),
        ("E0162", "row 3"),
    ] {
        assert!(ran.err.contains(code) && ran.err.contains(hint), "{code} {hint}: {}", ran.err);
    }
}

#[test]
fn files_name_each_other_however_many_there_are() {
    let rule = |number: usize, more: &str| {
        let id = format!("22bed5ba-0000-4000-8000-{number:012}");
        format!(
            "{more} rule r{number:03} {{ title \"One of many\" id \"{id}\" description \"Detects.\" author \"a\"
            date 2026-11-24 severity low
            chain within 10m {{ step one from aws.cloudtrail where event.action == \"GetUser\" {} }}
            alert {{ entity account one.actor.id }} }}",
            if more.is_empty() { "" } else { "except actor.id in known" }
        )
    };
    let list = |name: &str| format!("allowlist {name}: actor.id from \"{name}.csv\"");
    let mut files: Vec<String> = (0..600).map(|number| rule(number, "")).collect();
    // A file that comes late is named early, and the other way round; one is named by both.
    files[1] = rule(1, "import \"r598.chain\"");
    files[598] = format!("{} {}", list("known"), rule(598, "").replace("10m {", "10m { # late\n"));
    files[2] = format!("{} {}", list("known").replace("\"known.csv\"", "\"gone.csv\""), rule(2, ""));
    files[597] = rule(597, "import \"r002.chain\"");
    files[596] = rule(596, "import \"r598.chain\"");
    // Clashes, cycles and unreadable files are seen across all of them.
    files[3] = rule(3, "import \"r595.chain\" import \"gone.chain\"");
    files[595] = rule(595, "import \"r003.chain\" import \"gone.chain\"");
    files[594] = rule(594, "").replace("r594", "r004");
    let names: Vec<String> = (0..600).map(|number| format!("r{number:03}.chain")).collect();
    let mut given: Vec<(&str, &[u8])> =
        names.iter().map(String::as_str).zip(files.iter().map(String::as_bytes)).collect();
    given.push(("known.csv", b"value\nalice\n"));
    let folder = scratch("many", &given);
    let ran = catena(&["compile", &path(&folder, ""), "--target", "kql"]);
    assert_eq!(ran.status, 1);
    let places = |code: &str| {
        let mut found = Vec::new();
        let mut lines = ran.err.lines();
        while let Some(line) = lines.next() {
            if line.contains(code) {
                let place = lines.next().unwrap_or_default();
                found
                    .push(place.rsplit('/').next().unwrap_or_default().split(':').next().unwrap().to_owned());
            }
        }
        found
    };
    assert_eq!(places("E0151"), ["r002.chain", "r003.chain", "r595.chain"], "{}", ran.err);
    assert_eq!(places("E0152"), ["r003.chain"], "one circle, one finding");
    assert!(
        ran.err.contains("r595.chain:1:8") && ran.err.contains("and this one to its file"),
        "{}",
        ran.err
    );
    assert_eq!(places("E0212"), ["r594.chain"]);
    let printed = |number: usize| ran.out.matches(&format!("// Catena: r{number:03},")).count();
    // Left out: what clashes, what needs a list that is not there, what a broken file may have more to say of.
    for number in 0..600 {
        let expected = usize::from(![3, 4, 594, 595, 597].contains(&number));
        assert_eq!(printed(number), expected, "{number}");
    }
    assert_eq!(ran.out.matches("alice").count(), 2);
    let order: Vec<_> = ran.out.lines().filter(|line| line.starts_with("// Catena: ")).collect();
    assert!(order.is_sorted());
}

#[test]
fn a_rule_is_not_compiled_without_its_list() {
    let rule = std::fs::read_to_string(root().join("tests/cases/err_E0151_missing_list.chain")).unwrap();
    let rule = rule.replace("lists/no_such_file.csv", "list.csv");
    // The second row would never expire, if its date were simply left out.
    let broken = [
        "value,until\nami-1,2027-01-01\nami-2,2027-13-01\n",
        "value\nami-1\nami-2,b\n",
        "valeu\nami-1\n",
        "",
    ];
    for text in broken.map(Some).into_iter().chain([None]) {
        let files = [("a.chain", rule.as_bytes()), ("list.csv", text.unwrap_or_default().as_bytes())];
        let folder = scratch("list", &files[..=usize::from(text.is_some())]);
        let ran = catena(&["compile", &path(&folder, "a.chain"), "--target", "kql"]);
        assert_eq!((ran.status, ran.out.as_str()), (1, ""), "{text:?} {}", ran.err);
        assert!(ran.err.contains("error[E01"), "{text:?} {}", ran.err);
    }
}

#[test]
fn a_broken_step_head_hides_nothing_else() {
    let ran = catena(&["check", "tests/cases/err_E0101_step.chain"]);
    for hint in ["expected `from`", "`event.acton`", "`actor.ix`", "`event.actoin`"] {
        assert!(ran.err.contains(hint), "{hint}: {}", ran.err);
    }
    assert!(ran.err.ends_with("4 errors, 0 warnings\n"), "{}", ran.err);
}

#[test]
fn compiling_nothing_is_an_error() {
    let list = b"allowlist known: image.id { \"ami-1\" }\n".as_slice();
    for (text, status, code) in
        [(b"".as_slice(), 0, "W0614"), (b"# note\n", 0, "W0614"), (list, 0, "0 warnings")]
    {
        let folder = scratch("nothing", &[("a.chain", text)]);
        let checked = catena(&["check", &path(&folder, "a.chain")]);
        assert_eq!(checked.status, status, "{}", checked.err);
        assert!(checked.err.contains(code), "{}", checked.err);
        let compiled = catena(&["compile", &path(&folder, "a.chain")]);
        assert_eq!((compiled.status, compiled.out.as_str()), (2, ""), "{}", compiled.err);
        assert!(compiled.err.contains("nothing to compile"), "{}", compiled.err);
    }
}

#[test]
fn what_cannot_be_read_is_io_for_the_user_and_a_finding_for_a_rule() {
    let folder = scratch("gone", &[("a.chain", b"import \"gone.chain\"\n")]);
    assert_eq!(catena(&["check", &path(&folder, "a.chain")]).status, 1);
    assert_eq!(catena(&["check", &path(&folder, "gone.chain")]).status, 2);
}

#[test]
fn no_line_of_a_file_that_is_neither_rule_nor_list_is_shown() {
    let secret = ("secret.txt", b"password=hunter2\n".as_slice());
    for named in ["secret.txt", "link.chain", "/etc/passwd", "", ".", "-", "/dev/zero", "list.csv"] {
        let rule = format!("import \"{named}\"\n");
        let folder =
            scratch("secret", &[secret, ("list.csv", b"value\nhunter2\n"), ("a.chain", rule.as_bytes())]);
        #[cfg(unix)]
        std::os::unix::fs::symlink("secret.txt", folder.path().join("link.chain")).unwrap();
        let ran = catena(&["check", &path(&folder, "a.chain")]);
        assert_eq!(ran.status, 1, "{named} {}", ran.err);
        assert!(ran.err.contains("E0151") && ran.err.contains("only `.chain` files"), "{named} {}", ran.err);
        assert!(
            !ran.err.contains("hunter2") && !ran.err.contains("root:") && !ran.err.contains("``"),
            "{}",
            ran.err
        );
    }
    for named in ["secret.txt", "link.csv", "a.chain"] {
        let rule = format!("allowlist l: actor.id from \"{named}\"\n");
        let folder = scratch("secret", &[secret, ("a.chain", rule.as_bytes())]);
        #[cfg(unix)]
        std::os::unix::fs::symlink("secret.txt", folder.path().join("link.csv")).unwrap();
        let ran = catena(&["check", &path(&folder, "a.chain")]);
        assert_eq!(ran.status, 1, "{named} {}", ran.err);
        assert!(ran.err.contains("only `.csv` files") && !ran.err.contains("hunter2"), "{named} {}", ran.err);
    }
}

#[test]
fn any_bytes_get_an_answer() {
    let deep = [vec![b'('; 200_000], b"\n".to_vec()].concat();
    let long = vec![b'a'; 3_000_000];
    let huge = vec![b'#'; 5_000_000];
    let quotes = vec![b'"'; 1_000_000];
    let cases: [(&str, &[u8]); 10] = [
        ("empty.chain", b""),
        ("blank.chain", b" \n\t\n"),
        ("bom.chain", b"\xef\xbb\xbfrule x {}\n"),
        ("latin1.chain", b"# caf\xe9\nrule x {}\n"),
        ("utf16.chain", b"\xff\xfer\0u\0l\0e\0"),
        ("nul.chain", b"rule x { \0 }"),
        ("deep.chain", &deep),
        ("long.chain", &long),
        ("huge.chain", &huge),
        ("quotes.chain", &quotes),
    ];
    let folder = scratch("bytes", &cases);
    for (name, _) in cases {
        let ran = catena(&["compile", &path(&folder, name)]);
        let expected = if name.starts_with("empty") || name.starts_with("blank") { 2 } else { 1 };
        assert_eq!((ran.status, ran.out.as_str()), (expected, ""), "{name}: {}", ran.err);
        assert!(ran.err.len() < 100_000, "{name}: {} bytes of diagnostics", ran.err.len());
        assert!(!ran.err.contains("panicked"), "{name}: {}", ran.err);
    }
}

#[test]
fn windows_line_ends_change_nothing() {
    let text = std::fs::read_to_string(root().join("tests/cases/two_steps.chain")).unwrap();
    let folder =
        scratch("crlf", &[("a.chain", text.as_bytes()), ("b.chain", text.replace('\n', "\r\n").as_bytes())]);
    let unix = catena(&["compile", &path(&folder, "a.chain")]);
    let windows = catena(&["compile", &path(&folder, "b.chain")]);
    assert_eq!(unix.out, windows.out);
}

#[test]
fn a_reader_that_leaves_is_no_error() {
    let program = env!("CARGO_BIN_EXE_catena");
    let script = format!(
        "{program} compile rules/an1318/aws.chain 2>/dev/null | head -1 >/dev/null; echo ${{PIPESTATUS[0]}}"
    );
    let output =
        std::process::Command::new("bash").args(["-c", &script]).current_dir(root()).output().unwrap();
    assert_eq!(one_line(&String::from_utf8(output.stdout).unwrap()), "0");
}

#[test]
fn machine_formats_are_machine_readable() {
    let folder = scratch("formats", &[("bad.chain", b"rule x {\n  wthin 5m\n}\n")]);
    let bad = path(&folder, "bad.chain");
    let json = catena(&["check", &bad, "--format", "json"]);
    assert_eq!(json.status, 1);
    assert!(
        serde_json::from_str::<serde_json::Value>(&json.out)
            .unwrap()
            .as_array()
            .is_some_and(|all| !all.is_empty())
    );
    let sarif: serde_json::Value =
        serde_json::from_str(&catena(&["check", &bad, "--format", "sarif"]).out).unwrap();
    assert_eq!(sarif["version"], "2.1.0");
    let github = catena(&["check", &bad, "--format", "github"]);
    assert!(github.out.starts_with("::error file="), "{}", github.out);
}

#[test]
fn the_ir_is_versioned_and_has_spans() {
    let ran = catena(&["ir", AWS, "--as-of", AS_OF]);
    assert_eq!(ran.status, 0, "{}", ran.err);
    let ir: serde_json::Value = serde_json::from_str(&ran.out).unwrap();
    assert_eq!(ir["version"], 2);
    let span = &ir["rules"][0]["chain"]["steps"][0]["name"]["span"];
    let file = ir["files"][usize::try_from(span["file"].as_u64().unwrap()).unwrap()].as_str().unwrap();
    let text = std::fs::read_to_string(root().join(Path::new(file))).unwrap();
    let at = |key: &str| usize::try_from(span[key].as_u64().unwrap()).unwrap();
    assert_eq!(&text[at("start")..at("end")], "console");
}

#[test]
fn every_shell_gets_completions() {
    for shell in ["bash", "zsh", "fish", "powershell", "elvish"] {
        let ran = catena(&["completions", shell]);
        assert!(ran.status == 0 && ran.out.contains("catena"), "{shell}");
    }
}

#[test]
fn sources_are_listed() {
    let all = catena(&["sources"]);
    assert!(all.out.contains("aws.cloudtrail") && all.out.contains("aws.vpcflow"));
    insta::with_settings!({ snapshot_path => root().join("snapshots/sources"), prepend_module_to_snapshot => false, omit_expression => true }, {
        insta::assert_snapshot!("aws.vpcflow", catena(&["sources", "aws.vpcflow"]).out);
        insta::assert_snapshot!("aws.cloudtrail", catena(&["sources", "aws.cloudtrail"]).out);
    });
}

/// An error in an import is an error of the run, whatever the rules that import it.
#[test]
fn the_summary_agrees_with_the_findings() {
    let rule = std::fs::read_to_string(root().join("tests/environments/rule.chain")).unwrap();
    let list = "allowlist a: actor.id { \"x\" untill 2030-01-01 }\nallowlist b: actor.id { 5z }\n";
    let rule = format!("import \"lists.chain\"\n{rule}");
    let folder = scratch("summary", &[("lists.chain", list.as_bytes()), ("rule.chain", rule.as_bytes())]);
    let ran = catena(&["check", &folder.path().join("rule.chain").display().to_string()]);
    assert_eq!(ran.status, 1);
    assert!(ran.err.ends_with("\n1 rule in 1 file: 2 errors, 0 warnings\n"), "{}", ran.err);
}

/// The file of a rule that has another name now would stay deployed for ever.
#[test]
fn files_of_earlier_runs_are_known() {
    let rule = std::fs::read_to_string(root().join("tests/environments/rule.chain")).unwrap();
    let folder = scratch("manifest", &[("rule.chain", rule.as_bytes())]);
    let (path, out) = (folder.path().join("rule.chain"), folder.path().join("out"));
    let (path_text, out_text) = (path.display().to_string(), out.display().to_string());
    let run = |more: &[&str]| catena(&[&["compile", &path_text, "-o", &out_text], more].concat());
    let ran = run(&["--target", "kql", "--target", "spl"]);
    assert!(ran.status == 0 && !ran.err.contains("left over"), "{}", ran.err);
    std::fs::write(out.join("kql/own.kql"), "mine").unwrap();
    std::fs::write(&path, rule.replace("rule two_steps", "rule renamed")).unwrap();
    // A run for one target, or with errors, says nothing of others.
    let ran = run(&["--target", "kql"]);
    assert!(
        ran.err.ends_with("left over from an earlier run (`--prune` removes): kql/two_steps.kql\n"),
        "{}",
        ran.err
    );
    std::fs::write(&path, rule.replace("rule two_steps", "rule renamed").replace("actor.id", "actor.idd"))
        .unwrap();
    let ran = run(&["--target", "all", "--prune"]);
    assert!(ran.status == 1 && out.join("kql/two_steps.kql").exists(), "{}", ran.err);
    std::fs::write(&path, rule.replace("rule two_steps", "rule renamed")).unwrap();
    let ran = run(&["--prune"]);
    let removed = "removed 2 files of an earlier run: kql/two_steps.kql, spl/two_steps.spl\n";
    assert!(ran.status == 0 && ran.err.ends_with(removed), "{}", ran.err);
    assert!(!out.join("kql/two_steps.kql").exists() && out.join("kql/renamed.kql").exists());
    assert!(out.join("kql/own.kql").exists(), "not written by a run");
    assert!(!run(&[]).err.contains("left over"));
    // A list that someone edited removes nothing outside.
    let list = r#"{"version": 1, "files": ["../rule.chain", "kql/own.kql.bak"]}"#;
    std::fs::write(out.join(".catena-manifest.json"), list).unwrap();
    assert!(run(&["--prune"]).status == 0 && path.exists());
    assert_eq!(run(&["--prune", "--rule", "renamed"]).status, 2);
}
