//! Every fenced block of the documentation is of a kind, and a test looks at each block of the kind: no page shows what
//! nobody has tried. The kind is what stands behind the fence; what a rendered page shows is the block alone.

use std::collections::BTreeSet;
use std::io::{BufRead, BufReader, Read};
use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::Value;

use crate::corpus;
use crate::docs::{Block, all_blocks, blocks, sandbox};
use crate::json_forms::{EXAMPLE, LOG};
use crate::program::{AS_OF, catena, copy_folder, path, root, scratch, shipped};

/// Kinds, and the test that looks at their blocks.
const KINDS: [(&str, &str); 17] = [
    ("chain", "docs::rules_in_the_documentation_check"),
    ("chain-part", "blocks::parts_of_rules_check"),
    ("chain-outline", "blocks::outlines_of_chains_check"),
    ("chain-excerpt", "blocks::excerpts_stand_in_shipped_rules"),
    ("chain-form", "blocks::forms_have_words_of_the_language"),
    ("chain-predicate", "docs::predicates_in_the_documentation_check"),
    ("chain-recipe", "recipes::recipes_in_the_documentation_check_run_and_compile"),
    ("chain-error", "checks::every_code_has_a_page_and_a_case"),
    ("console", "docs::commands_in_the_documentation_print_what_it_says"),
    ("sh", "blocks::commands_without_output_end_well"),
    ("yaml", "docs::yaml_in_the_documentation_is_right"),
    ("yaml field", "blocks::fields_are_those_of_a_shipped_source"),
    ("csv", "blocks::lists_are_read"),
    ("json OUTPUT", "blocks::json_is_part_of_an_output"),
    ("spl", "blocks::queries_are_part_of_an_emission"),
    ("kql", "blocks::queries_are_part_of_an_emission"),
    ("sql", "blocks::queries_are_part_of_an_emission"),
];

/// Blocks that cannot be tried here: page, kind, how the block begins, and why.
const NOT_TRIED: [(&str, &str, &str, &str); 5] = [
    ("ARCHITECTURE.md", "text", "text ─ syntax", "a picture"),
    ("docs/sql-lakes.md", "sql", "-- DuckDB", "makes tables in a lake that only its owner has"),
    ("docs/sql-lakes.md", "sql", "{{ config(", "a template of dbt around the text of a query"),
    ("docs/sql-lakes.md", "yaml", "resources:", "a bundle of Databricks"),
    ("docs/sql-lakes.md", "python", "import duckdb", "needs a lake; tests/sql.rs binds the same markers"),
];

/// Programs of others in blocks of commands, and why they are not run.
const PROGRAMS: [(&str, &str); 6] = [
    ("git", "clones a repository of others"),
    ("aws", "asks an account of AWS"),
    ("jq", "reads what the line before it has asked of AWS"),
    ("duckdb", "the shell of DuckDB, over a lake"),
    ("spark-sql", "the shell of Spark, over a lake"),
    ("spark-submit", "starts a job in a cluster; tests/conformance runs the program that it starts"),
];

fn not_tried(block: &Block) -> Option<usize> {
    NOT_TRIED.iter().position(|(page, kind, start, _)| {
        block.page() == *page && block.kind == *kind && block.text.starts_with(start)
    })
}

#[test]
fn every_block_is_of_a_kind_that_a_test_looks_at() {
    let (mut wrong, mut used) = (Vec::new(), BTreeSet::new());
    let kinds: BTreeSet<&str> = KINDS.iter().map(|(kind, _)| *kind).collect();
    for block in all_blocks() {
        // The tutorial is followed block by block; `tutorial` knows what each is.
        if block.page() == "docs/tutorial.md" {
            continue;
        }
        match not_tried(&block) {
            Some(which) => _ = used.insert(which),
            None if kinds.contains(block.kind.as_str())
                || OUTPUTS.iter().any(|(kind, _)| block.kind == *kind) => {}
            None => {
                let (place, kind) = (&block.place, &block.kind);
                wrong.push(format!("{place}: no test looks at blocks of the kind `{kind}`"));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert_eq!(used.len(), NOT_TRIED.len(), "a block that is not tried is no longer there");
    // Each test that is named is there.
    for (_, test) in KINDS {
        let (module, name) = test.split_once("::").unwrap();
        let text = std::fs::read_to_string(root().join(format!("tests/{module}.rs"))).unwrap();
        assert!(text.contains(&format!("fn {name}()")), "{test}");
    }
}

/// Checks the text of a rule file in a folder of its own.
fn checks(block: &Block, text: &str) {
    let folder = scratch("blocks", &[("r.chain", text.as_bytes())]);
    let ran = catena(&["check", &path(&folder, "r.chain")]);
    assert_eq!(ran.status, 0, "{}: {}\n{text}", block.place, ran.err);
}

const HEAD: &str = "rule r {\n title \"A title\" id \"0d1c2a54-3a0e-4c0c-9c3e-6a9d2b7f0009\" \
                    description \"A block of the documentation.\" severity low\n";

/// What a rule has beside what a block shows.
const CHAIN: &str = "chain { step login from aws.cloudtrail where event.action == \"ConsoleLogin\" then within 1h on actor.id \
                     step key from aws.cloudtrail where event.action == \"CreateAccessKey\" }\n";

#[test]
fn parts_of_rules_check() {
    for block in blocks("chain-part") {
        let alert =
            if block.text.contains("alert {") { "" } else { "alert { entity account key.actor.id }\n" };
        checks(&block, &format!("{HEAD}{CHAIN}{alert}{}}}\n", block.text));
    }
}

/// Lines of a chain with words beside them; `…` stands for a condition.
#[test]
fn outlines_of_chains_check() {
    for block in blocks("chain-outline") {
        let lines = block
            .text
            .lines()
            .map(|line| line.split("   ").next().unwrap().replace('…', "exists(event.time)"));
        let (lines, last): (Vec<_>, _) = (lines.collect(), "egress");
        checks(
            &block,
            &format!(
                "{HEAD}chain {{\n{}\n}}\nalert {{ entity ip {last}.destination.ip }}\n}}\n",
                lines.join("\n")
            ),
        );
    }
}

/// The lines of a text without what is before and behind them.
fn trimmed(text: &str) -> Vec<&str> {
    text.lines().map(str::trim).collect()
}

#[test]
fn excerpts_stand_in_shipped_rules() {
    let rules: Vec<_> =
        shipped().iter().map(|file| std::fs::read_to_string(root().join(file)).unwrap()).collect();
    for block in blocks("chain-excerpt") {
        let chunks: Vec<Vec<&str>> = block.text.split("…\n").map(trimmed).collect();
        let has_all = |rule: &String| {
            let rule = trimmed(rule);
            chunks.iter().all(|chunk| rule.windows(chunk.len()).any(|lines| lines == chunk.as_slice()))
        };
        assert!(rules.iter().any(has_all), "{}: in no shipped rule", block.place);
    }
}

/// A form has placeholders in capitals; what is in small letters is of the language.
#[test]
fn forms_have_words_of_the_language() {
    for block in blocks("chain-form") {
        let outside = block.text.split('"').step_by(2).collect::<Vec<_>>().join(" ");
        let words: Vec<_> = outside
            .split(|c: char| !c.is_ascii_alphanumeric() && c != '_')
            .filter(|word| !word.is_empty())
            .collect();
        assert!(words.len() > 3, "{}", block.place);
        for word in words.into_iter().filter(|word| word.chars().any(|c| c.is_ascii_lowercase())) {
            assert!(catena::syntax::is_keyword(word), "{}: `{word}` is no word of the language", block.place);
        }
    }
}

#[test]
fn lists_are_read() {
    for block in blocks("csv") {
        let rule = "allowlist some: actor.id from \"some.csv\"\n";
        let folder = scratch("blocks", &[("r.chain", rule.as_bytes()), ("some.csv", block.text.as_bytes())]);
        let ran = catena(&["check", &path(&folder, "r.chain"), "--as-of", AS_OF]);
        assert_eq!(ran.status, 0, "{}: {}", block.place, ran.err);
    }
}

/// Whether a value is another one with something left out.
fn is_part(part: &Value, whole: &Value) -> bool {
    match (part, whole) {
        (Value::Object(part), Value::Object(whole)) => {
            part.iter().all(|(key, value)| whole.get(key).is_some_and(|whole| is_part(value, whole)))
        }
        (Value::Array(part), Value::Array(whole)) => {
            let mut rest = whole.iter();
            part.iter().all(|value| rest.any(|whole| is_part(value, whole)))
        }
        _ => part == whole,
    }
}

/// Whether a value, or one inside it, has such a part.
fn has(whole: &Value, part: &Value) -> bool {
    let inside = match whole {
        Value::Object(map) => map.values().any(|value| has(value, part)),
        Value::Array(items) => items.iter().any(|value| has(value, part)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => false,
    };
    inside || is_part(part, whole)
}

#[test]
fn fields_are_those_of_a_shipped_source() {
    let sources: Vec<Value> = std::fs::read_dir(root().join("sources"))
        .unwrap()
        .map(|entry| std::fs::read_to_string(entry.unwrap().path()).unwrap())
        .map(|text| catena::yaml::read(&text).unwrap())
        .collect();
    for block in blocks("yaml field") {
        let field: Value = catena::yaml::read(&block.text).unwrap();
        assert!(sources.iter().any(|source| is_part(&field, &source["fields"])), "{}", block.place);
    }
}

/// What is printed or written, by the words behind the fence, and how to get it; `OUT` is a folder.
const OUTPUTS: [(&str, &[&str]); 4] = [
    ("json replay", &["replay", EXAMPLE, "--canonical", LOG, "--near", "-q"]),
    (
        "json tune",
        &[
            "tune",
            EXAMPLE,
            "--canonical",
            LOG,
            "--vary",
            "sign_in_to_key=5m,15m,20m",
            "--format",
            "json",
            "-q",
        ],
    ),
    ("json manifest", &["build", "rules/an1318", "-o", "OUT"]),
    (
        "json lake-rules",
        &["build", "rules/an1318", "-o", "OUT", "--target", "sql", "--dialect", "spark", "--lists", "lookup"],
    ),
];

#[test]
fn json_is_part_of_an_output() {
    for (kind, command) in OUTPUTS {
        let blocks = blocks(kind);
        assert!(!blocks.is_empty(), "{kind}");
        let folder = scratch("blocks", &[]);
        let out = path(&folder, "out");
        let arguments: Vec<&str> =
            command.iter().map(|word| if *word == "OUT" { out.as_str() } else { word }).collect();
        let ran = catena(&arguments);
        assert_eq!(ran.status, 0, "{}", ran.err);
        let written = ["out/manifest.json", "out/sql/spark/rules.json"].map(|file| folder.path().join(file));
        let written = if kind.ends_with("lake-rules") { &written[1] } else { &written[0] };
        let text = if written.exists() { std::fs::read_to_string(written).unwrap() } else { ran.out };
        let printed: Vec<Value> =
            serde_json::Deserializer::from_str(&text).into_iter().collect::<Result<_, _>>().unwrap();
        for block in blocks {
            let shown: Value = serde_json::from_str(&block.text).unwrap();
            assert!(printed.iter().any(|value| has(value, &shown)), "{}: not in\n{text}", block.place);
        }
    }
}

/// Every text that the suite has of a target, white space as one space.
fn emissions(target: &str) -> Vec<String> {
    let mut texts = Vec::new();
    for entry in std::fs::read_dir(root().join("snapshots").join(target)).unwrap() {
        texts.push(std::fs::read_to_string(entry.unwrap().path()).unwrap());
    }
    let rules = shipped();
    let mut arguments = vec!["compile", "--target", target, "--as-of", AS_OF];
    arguments.extend(rules.iter().map(String::as_str));
    texts.push(catena(&arguments).out);
    if target == "sql" {
        let slice = ["--from", "2026-11-28", "--to", "2026-11-28T01:00:00Z"];
        texts.push(catena(&[&arguments[..3], &["rules/an1318/aws.chain"], &slice].concat()).out);
    }
    texts.into_iter().map(|text| squeezed(&text)).collect()
}

fn squeezed(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// `…` stands for anything.
#[test]
fn queries_are_part_of_an_emission() {
    for target in ["spl", "kql", "sql"] {
        let emissions = emissions(target);
        for block in blocks(target).iter().filter(|block| not_tried(block).is_none()) {
            let text = squeezed(&block.text);
            let pieces: Vec<&str> = text.split('…').map(str::trim).collect();
            let has_all = |emission: &String| {
                let mut rest = Some(emission.as_str());
                for piece in &pieces {
                    rest = rest.and_then(|rest| Some(rest.split_once(piece)?.1));
                }
                rest.is_some()
            };
            assert!(emissions.iter().any(has_all), "{}: in no emission", block.place);
        }
    }
    assert!(!corpus::valid().is_empty());
}

/// The commands of a block: a line with a `\` at its end or an open quote goes on.
fn commands(text: &str) -> Vec<String> {
    let (mut found, mut open) = (Vec::new(), String::new());
    for line in text.lines() {
        open.push_str(line);
        let is_open =
            open.ends_with('\\') || open.matches('\'').count() % 2 == 1 || open.matches('"').count() % 2 == 1;
        if is_open {
            open.push('\n');
        } else {
            found.push(std::mem::take(&mut open));
        }
    }
    assert!(open.is_empty(), "{open}");
    found.retain(|command| !command.trim().is_empty());
    found
}

/// What the blocks of commands name: logs, incidents, rules.
fn with_logs(folder: &Path) {
    for (name, source) in [("trail", "aws.cloudtrail"), ("flows", "aws.vpcflow")] {
        copy_folder(&root().join("tests/raw").join(source), &folder.join(name));
    }
    std::fs::create_dir(folder.join("logs")).unwrap();
    std::fs::copy(root().join("tests/raw/aws.cloudtrail/check_mfa.json"), folder.join("logs/other.json"))
        .unwrap();
    for (number, name) in [(1, "one.json"), (2, "two.json")] {
        std::fs::write(folder.join(name), crate::draft::incident_lines(number)).unwrap();
    }
    std::fs::copy(root().join(EXAMPLE), folder.join("rule.chain")).unwrap();
}

/// Whether `catena serve` with these arguments begins to listen.
fn serves(folder: &Path, arguments: &[&str]) -> bool {
    let mut child = Command::new(env!("CARGO_BIN_EXE_catena"))
        .args(arguments)
        .args(["--port", "0"])
        .current_dir(folder)
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap().take(200)).read_line(&mut line).unwrap();
    child.kill().unwrap();
    child.wait().unwrap();
    line.starts_with("Playground: http://127.0.0.1:")
}

/// Tries a command; what is wrong with it.
fn trouble(command: &str, folder: &Path) -> Option<String> {
    let command = command.split(" #").next().unwrap().split("   ").next().unwrap().trim();
    let words: Vec<&str> = command.split_whitespace().collect();
    let named = words.iter().position(|word| !word.contains('=')).unwrap();
    match &words[named..] {
        ["catena", "serve", ..] => (!serves(folder, &words[1..])).then(|| "does not serve".to_owned()),
        ["catena", rest @ ..] | ["cargo", "run", "--", rest @ ..] => {
            let inner = format!("catena {}", rest.join(" "));
            let program = Path::new(env!("CARGO_BIN_EXE_catena")).parent().unwrap().display().to_string();
            let search = format!("{program}:{}", std::env::var("PATH").unwrap());
            let mut shell = Command::new("bash");
            shell.args(["-euc", &inner.replace("\\ ", "")]).current_dir(folder).env("PATH", search);
            let ran = shell.output().unwrap();
            (!ran.status.success()).then(|| String::from_utf8_lossy(&ran.stderr).into_owned())
        }
        ["cargo", "test", rest @ ..] => {
            let name = format!("fn {}", rest.last().unwrap());
            let texts = walkdir::WalkDir::new(root().join("tests"))
                .into_iter()
                .filter_map(|entry| std::fs::read_to_string(entry.ok()?.path()).ok());
            let is_there = texts.into_iter().any(|text| text.contains(&name));
            (!is_there).then(|| format!("there is no test `{name}`"))
        }
        [script @ ("tests/run" | "fuzz/run"), rest @ ..] => {
            let text = std::fs::read_to_string(root().join(script)).unwrap();
            let is_known = rest.first().is_none_or(|part| text.contains(part));
            (!is_known).then(|| format!("{script} knows no `{rest:?}`"))
        }
        [program, ..] if PROGRAMS.iter().any(|(known, _)| known == program) => None,
        _ => Some("nobody says what this is".to_owned()),
    }
}

#[test]
fn commands_without_output_end_well() {
    let folder = sandbox();
    with_logs(folder.path());
    let mut wrong = Vec::new();
    let (mut used, mut count) = (String::new(), 0);
    for block in blocks("sh") {
        used += &block.text;
        for command in commands(&block.text) {
            count += 1;
            wrong.extend(
                trouble(&command, folder.path()).map(|why| format!("{}: `{command}`: {why}", block.place)),
            );
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(count > 15, "{count}");
    for (program, _) in PROGRAMS {
        assert!(used.contains(program), "no page runs {program}");
    }
}
