//! The way from nothing to a tested rule: `init`, `new`, `debug`, manual pages and completions.

use std::process::Command;

use crate::program::{catena, catena_in, path, root, scratch};

#[test]
fn a_project_passes_check_and_test_at_once() {
    let folder = scratch("init", &[]);
    let here = path(&folder, "project");
    assert_eq!(catena(&["init", &here, "--author", "A \"quoted\" name"]).status, 0);
    let checked = catena(&["check", &here, "--deny", "warnings"]);
    assert_eq!(checked.status, 0, "{}", checked.err);
    assert!(catena(&["test", &here]).out.contains("3 passed, 0 failed"));
    assert_eq!(catena(&["fmt", "--check", &here]).status, 0);
    let production = path(&folder, "project/environments/production.yaml");
    let compiled = catena(&["compile", &here, "--env", &production, "--format", "json"]);
    let emissions: serde_json::Value = serde_json::from_str(&compiled.out).unwrap();
    assert_eq!(emissions.as_array().unwrap().len(), catena::backend::ALL.len(), "{}", compiled.err);
    let again = catena(&["init", &here]);
    let said = "nothing was written: name a new folder, as in `catena init detections`";
    assert!(again.status == 2 && again.err.contains(said), "{}", again.err);
}

/// What the files of a project name is in the project, or is an address.
#[test]
fn a_project_names_nothing_that_it_lacks() {
    let folder = scratch("init", &[]);
    let made = catena_in(folder.path(), &["init", "project"], b"");
    assert!(made.err.contains("next: `cd project`, `catena check`"), "{}", made.err);
    let project = folder.path().join("project");
    let mut named = 0;
    for entry in walkdir::WalkDir::new(&project) {
        let path = entry.unwrap().into_path();
        let Ok(text) = std::fs::read_to_string(&path) else { continue };
        for word in text.split(|c: char| c.is_whitespace() || "`\"()|,;".contains(c)) {
            let word = word.trim_end_matches(['.', ':']);
            let is_path = ["rules/", "lists/", "environments/", ".github/", "docs/"]
                .iter()
                .any(|start| word.starts_with(start))
                || [".yaml", ".chain", ".csv", ".md"].iter().any(|end| word.ends_with(end));
            if is_path && !word.contains("://") {
                named += 1;
                let beside = path.parent().unwrap().join(word);
                assert!(beside.exists() || project.join(word).exists(), "{}: {word}", path.display());
            }
        }
        assert!(!text.contains("github.com/"), "{}: an address that nobody can vouch for", path.display());
    }
    assert!(named > 5, "{named}");
}

#[test]
fn new_files_say_what_comes_next_and_what_was_taken() {
    let folder = scratch("new", &[]);
    let new = |arguments: &[&str]| catena_in(folder.path(), &[&["new"], arguments].concat(), b"");
    let rule = new(&["rule", "key_use"]);
    assert_eq!(rule.status, 0, "{}", rule.err);
    for said in [
        "source of the first step: aws.cloudtrail\n",
        "title: key use\n",
        "severity: medium\n",
        "wrote key_use.chain\n",
        "then `catena check key_use.chain` and `catena test key_use.chain`",
    ] {
        assert!(rule.err.contains(said), "{said}: {}", rule.err);
    }
    assert_eq!(catena_in(folder.path(), &["test", "key_use.chain"], b"").status, 0);
    let list = new(&["list", "offices", "--field", "source.ip", "--csv", "-o", "lists/shared.chain"]);
    assert!(
        list.err.contains("`import \"shared.chain\"`") && list.err.contains("`except source.ip in offices`"),
        "{}",
        list.err
    );
    // Whatever the type of the field is, the example is a value of it.
    for field in ["source.ip", "destination.port", "event.time", "event.read_only", "actor.id"] {
        let name = field.replace('.', "_");
        assert_eq!(new(&["list", &name, "--field", field]).status, 0, "{field}");
    }
    let checked = catena_in(folder.path(), &["check", "."], b"");
    assert_eq!(checked.status, 0, "{}", checked.err);
    let source = new(&["source", "our.proxy"]);
    assert!(source.err.contains("add `sources: [our.proxy.yaml]` to catena.yaml"), "{}", source.err);
    for (arguments, said) in [
        (
            &["rule", "key_use"][..],
            "`key_use.chain` is there already; nothing was written: give another file with `-o`",
        ),
        (&["rule", "chain"], "`chain` is a word of the rule language"),
        (
            &["rule", "r", "--step", "from=aws.cloudtrail", "--step", "b=aws.cloudtrail"],
            "`from` is a word of the rule language",
        ),
        (
            &["rule", "r", "--step", "expect=aws.cloudtrail", "--step", "b=aws.cloudtrail"],
            "choose another name",
        ),
        (
            &["rule", "r", "--step", "a=aws.cloudtrail", "--step", "a=aws.cloudtrail"],
            "two steps are called `a`",
        ),
        (&["source", "aws.cloudtrail"], "there is a source `aws.cloudtrail` already"),
        (&["source", "our.proxy"], "`our.proxy.yaml` is there already"),
        (&["list", "step"], "`step` is a word of the rule language"),
    ] {
        let ran = new(arguments);
        assert!(ran.status == 2 && ran.err.contains(said), "{arguments:?}: {}", ran.err);
    }
}

/// What is wrong with the environment is said; its sources are not just unknown.
#[test]
fn an_environment_with_errors_is_said() {
    let folder = scratch(
        "new",
        &[
            ("catena.yaml", b"sources: [gone.yaml]\n"),
            ("a.eql", b"sequence [any where true] [any where true]"),
        ],
    );
    for arguments in [
        &["new", "rule", "r"][..],
        &["new", "list", "l"],
        &["new", "source", "our.proxy"],
        &["import", "a.eql"],
    ] {
        let ran = catena_in(folder.path(), arguments, b"");
        assert!(ran.status == 1 && ran.err.contains("error[E09"), "{arguments:?}: {}", ran.err);
    }
}

#[test]
fn what_is_new_passes_the_check() {
    let folder = scratch("new", &[]);
    let here = |name: &str| path(&folder, name);
    let rule = here("rule.chain");
    let steps = ["--step", "launch=aws.cloudtrail", "--step", "flow=aws.vpcflow", "-o", &rule];
    let made =
        catena(&[&["new", "rule", "launch_then_flow", "--title", "A \"launch\""][..], &steps].concat());
    assert_eq!(made.status, 0, "{}", made.err);
    let checked = catena(&["check", &rule, "--deny", "warnings"]);
    // A flow record stands for ten minutes, which is said of every chain with one.
    assert!(!checked.err.contains("error["), "{}", checked.err);
    assert!(
        catena(&["test", &rule]).out.contains("1 passed"),
        "{}",
        std::fs::read_to_string(root().join(&rule)).unwrap()
    );
    let source = here("our.proxy.yaml");
    assert_eq!(catena(&["new", "source", "our.proxy", "-o", &source]).status, 0);
    let used = here("used.chain");
    std::fs::write(folder.path().join("catena.yaml"), "sources: [our.proxy.yaml]\n").unwrap();
    let text = std::fs::read_to_string(root().join(&rule)).unwrap();
    let text =
        text.replace("flow from aws.vpcflow", "flow from our.proxy").replace("instance.eni", "actor.id");
    std::fs::write(root().join(&used), text.replace("launch_then_flow", "used")).unwrap();
    let compiled = catena(&["compile", &used]);
    assert_eq!(compiled.status, 0, "{}", compiled.err);
    for more in [&[][..], &["--csv"]] {
        let list = here(&format!("list{}.chain", more.len()));
        let made =
            catena(&[&["new", "list", "known", "--field", "actor.id", "-o", &list][..], more].concat());
        assert_eq!((made.status, catena(&["check", &list]).status), (0, 0), "{}", made.err);
    }
    for (arguments, said) in [
        (&["rule", "Bad Name"][..], "lower case"),
        (
            &["rule", "r", "--step", "a=aws.cloudtrial", "--step", "b=aws.vpcflow"],
            "did you mean `aws.cloudtrail`",
        ),
        (&["rule", "r", "--step", "a=aws.cloudtrail"], "two steps"),
        (
            &["rule", "r", "--step", "a=aws.cloudtrail", "--step", "b=aws.vpcflow", "--on", "actor.id"],
            "do not share a field `actor.id`; they share cloud.account.id, cloud.region",
        ),
        (&["list", "l", "--field", "actr.id"], "did you mean `actor.id`"),
    ] {
        let ran = catena(&[&["new"], arguments].concat());
        assert!(ran.status == 2 && ran.err.contains(said), "{arguments:?}: {}", ran.err);
    }
}

const RULE: &str = r#"rule aws_key {
  title "T" id "5d3c8f0e-0f5b-4d43-9f0e-3f1f3f4a1301" description "Detects." severity low
  chain {
    step login from aws.cloudtrail where event.action == "ConsoleLogin"
    then within 15m on actor.id
    step key from aws.cloudtrail where event.action == "CreateAccessKey"
  }
  alert { entity account key.actor.id dedupe 1h by key.actor.id }
}
"#;

fn records(rows: &[(&str, &str, &str)]) -> Vec<u8> {
    let line = |(time, action, actor): &(&str, &str, &str)| {
        format!(
            "{{\"source\":\"aws.cloudtrail\",\"event.time\":\"2026-01-01T00:{time}Z\",\"event.action\":\"{action}\",\"actor.id\":\"{actor}\"}}\n"
        )
    };
    rows.iter().map(line).collect::<Vec<_>>().concat().into_bytes()
}

#[test]
fn a_chain_is_stepped_through() {
    let rows = [
        ("00:00", "ConsoleLogin", "alice"),
        ("01:00", "ConsoleLogin", "bob"),
        ("02:00", "CreateAccessKey", "alice"),
        ("30:00", "CreateAccessKey", "bob"),
    ];
    let folder = scratch(
        "debug",
        &[
            ("rule.chain", RULE.as_bytes()),
            ("alert.ndjson", &records(&rows)),
            ("none.ndjson", &records(&rows[..2])),
            ("late.ndjson", &records(&[rows[1], rows[3]])),
        ],
    );
    let debug =
        |log: &str| catena(&["debug", &path(&folder, "rule.chain"), "--canonical", &path(&folder, log)]);
    let found = debug("alert.ndjson");
    assert_eq!(found.status, 0, "{}", found.err);
    for wanted in [
        "alert 1 of 1",
        "+0s        login satisfied",
        "waits 15m for key",
        "+2m        key satisfied",
        "complete",
    ] {
        assert!(found.out.contains(wanted), "{wanted}:\n{}", found.out);
    }
    assert!(!found.out.contains("bob"), "a record of another key:\n{}", found.out);
    let none = debug("none.ndjson").out;
    assert!(
        none.contains("no alert") && none.contains("expired: no key with the same actor.id came"),
        "{none}"
    );
    let late = debug("late.ndjson").out;
    assert!(
        late.contains("✗ the gap of 15m after the record of") && late.contains("had closed 14m before"),
        "{late}"
    );
}

#[test]
fn every_command_has_a_page_and_completes() {
    let folder = scratch("man", &[("a.chain", RULE.as_bytes())]);
    assert_eq!(catena(&["man", &path(&folder, "man")]).status, 0);
    let page = std::fs::read_to_string(folder.path().join("man/catena-compile.1")).unwrap();
    assert!(page.contains(".TH") && page.contains("Splunk"), "{page}");
    let complete = |words: &[&str]| {
        let ran = Command::new(env!("CARGO_BIN_EXE_catena"))
            .current_dir(folder.path())
            .envs([("COMPLETE", "bash"), ("_CLAP_COMPLETE_INDEX", &(words.len() - 1).to_string())])
            .envs([("_CLAP_COMPLETE_COMP_TYPE", "9"), ("_CLAP_COMPLETE_SPACE", "false"), ("_CLAP_IFS", "\n")])
            .args(["--"])
            .args(words)
            .output()
            .unwrap();
        String::from_utf8(ran.stdout).unwrap()
    };
    assert!(complete(&["catena", "comp"]).contains("compile"));
    assert!(complete(&["catena", "compile", "--target", "k"]).contains("kql"));
    assert!(complete(&["catena", "test", "--rule", "aws"]).contains("aws_key"));
}

#[test]
fn a_mistyped_command_is_recognised() {
    let ran = catena(&["chek"]);
    assert!(ran.status == 2 && ran.err.contains("'check'"), "{}", ran.err);
    for command in ["fmt", "explain", "init", "new", "debug", "serve", "completions", "man"] {
        assert!(catena(&[command, "--help"]).out.contains("Examples:"), "{command}");
    }
}
