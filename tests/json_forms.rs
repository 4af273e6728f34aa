//! What the program prints as JSON has the form that its schema under `docs/schemas` says, and the page of commands
//! lists them all. A third-party validator asks: `tests/engines/forms.py` says what else it demands of a schema.

use std::collections::BTreeSet;
use std::io::Write as _;
use std::process::Stdio;

use serde_json::{Value, json};

use crate::corpus;
use crate::diff_queries;
use crate::engines::python;
use crate::pack;
use crate::program::{AS_OF, catena, chains, path, root, scratch};
use crate::replay::{clause_misses, commands};

/// A rule that the pages show at work, and logs in which it alerts, and nearly does.
pub(crate) const EXAMPLE: &str = "docs/examples/sign_in_then_key.chain";
pub(crate) const LOG: &str = "docs/examples/sign_in_then_key.ndjson";

/// Outputs that are to have a form.
#[derive(Default)]
struct Outputs(Vec<Value>);

impl Outputs {
    fn add(&mut self, schema: &str, name: &str, text: &str) {
        self.0
            .push(json!({ "schema": format!("{schema}.json"), "name": name, "text": text, "lines": false }));
    }

    fn lines(&mut self, schema: &str, name: &str, text: &str) {
        self.0.push(json!({ "schema": format!("{schema}.json"), "name": name, "text": text, "lines": true }));
    }

    /// What a command prints; a status above 1 is none that has a result.
    fn run(&mut self, schema: &str, arguments: &[&str]) -> String {
        let ran = catena(arguments);
        assert!(matches!(ran.status, 0 | 1), "{arguments:?}: {}", ran.err);
        self.add(schema, &arguments[..arguments.len().min(4)].join(" "), &ran.out);
        ran.out
    }

    /// What the validator finds.
    fn problems(&self) -> Vec<String> {
        let mut child =
            python("pack", "forms.py").stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let task = json!({ "schemas": root().join("docs/schemas"), "outputs": self.0 }).to_string();
        let mut stdin = child.stdin.take().unwrap();
        let writer = std::thread::spawn(move || stdin.write_all(task.as_bytes()).unwrap());
        let output = child.wait_with_output().unwrap();
        writer.join().unwrap();
        serde_json::from_slice(&output.stdout).unwrap()
    }

    #[track_caller]
    fn hold(&self) {
        let problems = self.problems();
        assert!(problems.is_empty(), "{} problems:\n{}", problems.len(), problems.join("\n"));
    }
}

/// A source with a field of each rare kind.
const SOURCE: &str = r"
name: our.scale
title: Our scale
description: One record for each parcel.
delay: 0
granularity: 1
event_id: [parcel.id, event.time]
targets:
  kql: { from: Scale_CL, time: TimeGenerated }
fields:
  event.time: { type: time, description: When., raw: at, columns: { kql: TimeGenerated } }
  event.action: { type: string, description: What., raw: what, columns: { kql: What } }
  parcel.id: { type: string, description: Which., raw: id, columns: { kql: Id } }
  parcel.weight: { type: float, description: How heavy., raw: weight, columns: { kql: Weight } }
  parcel.due: { type: time, description: Until when., raw: due, columns: { kql: { field: Due, stored: time } } }
";

/// A rule of each status and severity, with parameters of each type.
fn rare_rules() -> String {
    const BODY: &str = r#"
  param gap = 10m
  param what = "weigh"
  param least = 2
  param heavy = 1.5
  param late = true
  chain {
    step first from our.scale where event.action == what and parcel.weight > heavy
    then within gap on parcel.id
    step second from our.scale where event.action == "leave" and parcel.due < 2026-01-01
  }
  alert { entity resource second.parcel.id entity host second.parcel.id }
"#;
    let all = [
        ("experimental", "informational"),
        ("test", "low"),
        ("stable", "medium"),
        ("deprecated", "critical"),
    ];
    let rule = |(number, (status, severity)): (usize, (&str, &str))| {
        format!(
            "rule rare_{number} {{\n  title \"A rare rule {number}\"\n  id \"0d1c2a54-3a0e-4c0c-9c3e-6a9d2b7fff0{number}\"\n  \
             description \"A rule.\"\n  status {status}\n  severity {severity}\n{BODY}}}\n"
        )
    };
    all.into_iter().enumerate().map(rule).collect()
}

fn strings(paths: &[String]) -> Vec<&str> {
    paths.iter().map(String::as_str).collect()
}

#[test]
fn findings_have_their_form() {
    let mut outputs = Outputs::default();
    let cases = chains("tests/cases");
    let check = ["check", "--format", "json", "--as-of", AS_OF, "--target", "all"];
    assert!(outputs.run("findings", &[&check[..], &strings(&cases)].concat()).len() > 100_000);
    assert_eq!(outputs.run("findings", &["check", "rules/an1318", "--format", "json"]), "[]\n");
    let lists = ["lists", "check", "rules/an1318", "--format", "json", "--within", "1000d", "--as-of", AS_OF];
    outputs.run("findings", &lists);
    outputs.hold();
}

/// With logs the entries that hide alerts are printed as well; they must not stand in the document.
#[test]
fn the_findings_of_lists_are_one_document_also_with_logs() {
    let (_folder, rule, log) = commands::near_misses();
    let arguments = ["lists", "check", &rule, "--canonical", &log, "--format", "json"];
    let ran = catena(&arguments);
    assert!(serde_json::from_str::<Value>(&ran.out).is_ok(), "{}", ran.out);
    assert!(ran.err.contains("images ami-golden-*: hides 1 alert"), "{}", ran.err);
    let text = catena(&arguments[..5]);
    assert!(text.out.contains("images ami-golden-*: hides 1 alert"), "{}", text.out);
}

#[test]
fn queries_have_their_form() {
    let mut outputs = Outputs::default();
    let rules = corpus::valid();
    let some: Vec<_> = rules.iter().step_by(3).cloned().collect();
    let compile = ["compile", "--format", "json", "--allow-subset", "--as-of", AS_OF];
    outputs.run("compile", &[&compile[..], &strings(&rules)].concat());
    outputs.run("compile", &[&compile[..], &["--target", "sql"], &strings(&some)].concat());
    let lookup = ["--lists", "lookup", "--baseline", "lookup"];
    outputs.run("compile", &[&compile[..], &lookup, &strings(&some)].concat());
    let staged = ["rules/an1318/aws.chain", "--target", "spl", "--staged", "aws_untrusted_image_launch"];
    outputs.run("compile", &[&compile[..], &staged].concat());
    let faulty = rules_with_errors();
    assert_eq!(outputs.run("compile", &[&compile[..], &[&faulty]].concat()), "[]\n");
    outputs.hold();
}

fn rules_with_errors() -> String {
    chains("tests/cases").into_iter().find(|path| path.contains("/err_E02")).unwrap()
}

#[test]
fn results_of_tests_have_their_form() {
    let mut outputs = Outputs::default();
    outputs.run("test", &["test", "rules/an1318", "--format", "json"]);
    outputs.run("test", &["test", &rules_with_errors(), "--format", "json"]);
    let failing = scratch("json_forms", &[("r.chain", commands::RULE.as_bytes())]);
    assert!(outputs.run("test", &["test", &path(&failing, "r.chain"), "--format", "json"]).contains("false"));
    let none = scratch("json_forms", &[("r.chain", b"allowlist some: source.ip { \"192.0.2.1\" }\n")]);
    assert_eq!(outputs.run("test", &["test", &path(&none, "r.chain"), "--format", "json"]), "[]\n");
    outputs.hold();
}

/// A step that repeats and one that waits for what may still come; fields that are numbers, truths and several texts.
const WAITING: &str = r#"rule waiting {
  title "Waiting" id "5d3c8f0e-0f5b-4d43-9f0e-3f1f3f4a1399" description "x" date 2026-11-24 status test severity low
  param often = 2
  chain {
    step read from aws.cloudtrail where event.action == "GetObject" at least often within 10m by actor.id
    then within 20m on actor.id
    step key from aws.cloudtrail where event.action == "CreateAccessKey" and exists(source.ip)
      unless revoked from aws.cloudtrail where event.action == "DeleteAccessKey" within 20m after on actor.id
  }
  alert { entity account key.actor.id show read.resource.arns, read.event.read_only }
}
"#;

/// The rule and its log as files.
fn waiting() -> (tempfile::TempDir, String, String) {
    let event = |minute: u32, action: &str| {
        json!({ "source": "aws.cloudtrail", "event.id": minute.to_string(), "event.time": format!("2026-01-01T00:{minute:02}:00Z"),
            "event.action": action, "actor.id": "a", "source.ip": "192.0.2.1", "event.read_only": true,
            "resource.arns": ["arn:aws:s3:::one", "arn:aws:s3:::two"] })
        .to_string()
            + "\n"
    };
    let log = event(1, "GetObject")
        + &event(2, "GetObject")
        + &event(3, "GetObject")
        + &event(5, "CreateAccessKey");
    let folder = scratch("json_forms", &[("r.chain", WAITING.as_bytes()), ("log.ndjson", log.as_bytes())]);
    let (rule, log) = (path(&folder, "r.chain"), path(&folder, "log.ndjson"));
    (folder, rule, log)
}

#[test]
fn alerts_and_near_misses_have_their_form() {
    let mut outputs = Outputs::default();
    for (_folder, rule, log) in [commands::near_misses(), clause_misses::of_clauses(), waiting()] {
        let ran = catena(&["replay", &rule, "--canonical", &log, "--near=100"]);
        assert_eq!(ran.status, 0, "{}", ran.err);
        outputs.lines("replay", &rule, &ran.out);
        outputs.lines("record", &log, &std::fs::read_to_string(root().join(&log)).unwrap());
    }
    let example = catena(&["replay", EXAMPLE, "--canonical", LOG, "--near"]);
    outputs.lines("replay", "example", &example.out);
    outputs.lines("replay", "nothing", "");
    outputs.hold();
}

#[test]
fn tuning_has_its_form() {
    let mut outputs = Outputs::default();
    for (_folder, rule, log) in [waiting(), commands::near_misses()] {
        let vary = if rule.ends_with("r.chain") { "often=2..4" } else { "total=10m,20m,1h" };
        outputs.run("tune", &["tune", &rule, "--canonical", &log, "--vary", vary, "--format", "json"]);
    }
    outputs.hold();
}

/// Rules of the corpus under one name and id, so that one is the later version of the other.
fn version_of(file: &str, number: usize) -> String {
    let text = std::fs::read_to_string(root().join(file)).unwrap();
    let line = |line: &str| match line.split_whitespace().next() {
        Some("rule") => format!("rule r_{number} {{\n"),
        Some("id") => format!("  id \"0d1c2a54-3a0e-4c0c-9c3e-{number:012}\"\n"),
        _ => format!("{line}\n"),
    };
    text.lines().map(line).collect()
}

#[test]
fn differences_have_their_form() {
    let mut outputs = Outputs::default();
    let is_alone = |file: &&String| {
        let text = std::fs::read_to_string(root().join(file)).unwrap();
        text.matches("\nrule ").count() + usize::from(text.starts_with("rule ")) == 1
            && !text.contains(".csv\"")
            && !text.contains("import ")
            && !text.contains("raw from ")
    };
    let rules = corpus::valid();
    let folder = scratch("json_forms", &[]);
    for name in ["old", "new"] {
        std::fs::create_dir(folder.path().join(name)).unwrap();
    }
    for (number, file) in rules.iter().filter(is_alone).enumerate() {
        for (name, file) in [("old", "tests/cases/two_steps.chain"), ("new", file)] {
            std::fs::write(folder.path().join(format!("{name}/{number}.chain")), version_of(file, number))
                .unwrap();
        }
    }
    std::fs::write(folder.path().join("old/rare.chain"), version_of("tests/cases/two_steps.chain", 1000))
        .unwrap();
    let (old, new, witness) = (path(&folder, "old"), path(&folder, "new"), path(&folder, "witness"));
    outputs.run("diff", &["diff", &old, &new, "--format", "json", "--witness", &witness]);
    for file in std::fs::read_dir(folder.path().join("witness")).unwrap() {
        let file = file.unwrap().path();
        outputs.lines("record", "witness", &std::fs::read_to_string(file).unwrap());
    }
    let (_folder, rule, log) = waiting();
    let changed = scratch("json_forms", &[("r.chain", WAITING.replace("often = 2", "often = 4").as_bytes())]);
    let counted = path(&changed, "r.chain");
    outputs.run("diff", &["diff", &rule, &counted, "--canonical", &log, "--format", "json"]);
    outputs.run("diff", &["diff", &rule, &rule, "--format", "json"]);
    let (_folder, old, new) = diff_queries::elsewhere();
    outputs.run("diff", &["diff", &old, &new, "--format", "json"]);
    outputs.hold();
}

#[test]
fn rules_and_sources_have_their_form() {
    let mut outputs = Outputs::default();
    let folder =
        scratch("json_forms", &[("scale.yaml", SOURCE.as_bytes()), ("r.chain", rare_rules().as_bytes())]);
    let (source, rule) = (path(&folder, "scale.yaml"), path(&folder, "r.chain"));
    outputs.run("ir", &["ir", &rule, "--source", &source, "--set", "late=false"]);
    outputs.run("ir", &[&["ir"], &strings(&corpus::valid())[..]].concat());
    outputs.run("ir", &["ir", "rules/an1318"]);
    outputs.run("ir", &["ir", &rules_with_errors()]);
    outputs.run("sources", &["sources", "--format", "json"]);
    outputs.run("sources", &["sources", "our.scale", "--format", "json", "--source", &source]);
    outputs.hold();
}

#[test]
fn what_is_beside_written_files_has_its_form() {
    let mut outputs = Outputs::default();
    let folder = scratch("json_forms", &[]);
    let (out, dist) = (path(&folder, "out"), path(&folder, "dist"));
    let add = |outputs: &mut Outputs, schema: &str, file: &str| {
        outputs.add(schema, file, &std::fs::read_to_string(folder.path().join(file)).unwrap());
    };
    let rules = corpus::valid();
    let compile = ["compile", "rules/an1318", "-o", &out, "--target", "kql", "--lists", "lookup"];
    assert_eq!(catena(&compile).status, 0);
    add(&mut outputs, "compile-manifest", "out/.catena-manifest.json");
    for (number, dialect) in ["duckdb", "spark", "trino"].iter().enumerate() {
        let build =
            ["build", "-o", &dist, "--force", "--target", "sql", "--dialect", dialect, "--lists", "lookup"];
        let some: Vec<_> = rules.iter().skip(number).step_by(2).map(String::as_str).collect();
        let ran = catena(&[&build[..], &["rules/an1318"], &some].concat());
        assert_eq!(ran.status, 0, "{}", ran.err);
        add(&mut outputs, "lake-rules", &format!("dist/sql/{dialect}/rules.json"));
    }
    let staged = ["build", "rules/an1318/aws.chain", "-o", &dist, "--staged", "aws_untrusted_image_launch"];
    assert_eq!(catena(&[&staged[..], &["--target", "spl", "--force"]].concat()).status, 0);
    add(&mut outputs, "manifest", "dist/manifest.json");
    let ran = catena(&[&staged[..], &["--target", "sql", "--force"]].concat());
    assert_eq!(ran.status, 0, "{}", ran.err);
    add(&mut outputs, "lake-rules", "dist/sql/duckdb/rules.json");
    for target in ["spl", "eql"] {
        let (folder, copied) = pack::corpus_folder(target);
        let dist = path(&folder, "dist");
        let build = ["build", "-o", &dist, "--target", target, "--allow-subset", "--as-of", AS_OF];
        let ran = catena(&[&build[..], &strings(&copied)].concat());
        let text = std::fs::read_to_string(folder.path().join("dist/manifest.json"));
        outputs.add(
            "manifest",
            target,
            &text.unwrap_or_else(|error| panic!("{target}: {error}: {}", ran.err)),
        );
    }
    outputs.hold();
}

/// A validator that accepts everything would be none.
#[test]
fn the_validator_finds_what_is_wrong() {
    let finding = r#"{"code":"E0101","severity":"fatal","title":"t","other_places":[],"help":[],"fix":null}"#;
    let mut outputs = Outputs::default();
    outputs.add("findings", "made up", &format!("[{finding}]"));
    let problems = outputs.problems().join("\n");
    for said in ["'fatal' is not one of", "'place' is a required property", "=warning: in no output"] {
        assert!(problems.contains(said), "{said}: {problems}");
    }
}

/// The table of the page has each schema once, with the version that it has.
#[test]
fn the_page_lists_every_form() {
    let mut wanted = BTreeSet::new();
    for entry in std::fs::read_dir(root().join("docs/schemas")).unwrap() {
        let path = entry.unwrap().path();
        let schema: Value = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
        let Some(id) = schema["$id"].as_str() else { continue };
        let name = path.file_name().unwrap().to_str().unwrap();
        wanted.insert((name.to_owned(), id.rsplit(':').next().unwrap().to_owned()));
    }
    let page = std::fs::read_to_string(root().join("docs/commands.md")).unwrap();
    let (_, table) = page.split_once("\n## JSON forms\n").unwrap();
    let rows = table.split("\n## ").next().unwrap().lines().filter_map(|line| {
        let (name, rest) = line.split_once("](schemas/")?.1.split_once(") | ")?;
        Some((name.to_owned(), rest.trim_end_matches(" |").to_owned()))
    });
    assert_eq!(rows.collect::<BTreeSet<_>>(), wanted);
}
