//! Every emitted text, read by third-party programs: Microsoft's KQL analyser, the `eql` parser, pySigma and
//! `sigma check`, the SPL linter, DuckDB, Spark and two grammars of Trino, each with the structural checks that its
//! vendor's server makes besides.

use std::io::Write;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use catena::catalog::Catalog;
use serde_json::{Value, json};

use crate::corpus;
use crate::program::{AS_OF, catena, root};
use crate::shipped_sources;

/// Where `tests/engines/setup.sh` has put the programs.
fn engines() -> PathBuf {
    let folder = std::env::var_os("CATENA_ENGINES").map_or_else(|| root().join(".engines"), PathBuf::from);
    assert!(folder.is_dir(), "the third-party validators are not installed: run tests/engines/setup.sh");
    folder
}

/// All texts of a target: `name`, `file` and `text` of each part; once as they come, once with lists by lookup and one
/// row for each key, once with SPL's names for what its add-on documents none for, and a rule over each field of each
/// shipped source.
fn texts(target: &str) -> Vec<Value> {
    let (target, dialect) = target.split_once(' ').unwrap_or((target, "duckdb"));
    let extension = if target == "sigma" { "yml" } else { target };
    let mut texts = Vec::new();
    for lists in ["auto", "lookup", "named"] {
        let mut arguments = vec!["compile", "--format", "json", "--allow-subset", "--as-of", AS_OF];
        arguments.extend(["--target", target, "--dialect", dialect]);
        match lists {
            "named" if target == "spl" => arguments.extend(["--env", "tests/engines/spl/catena.yaml"]),
            "named" => continue,
            "lookup" if matches!(target, "spl" | "kql") => {
                arguments.extend(["--lists", lists, "--one-row-per-key"]);
            }
            _ => arguments.extend(["--lists", lists]),
        }
        let paths = corpus::valid();
        arguments.extend(paths.iter().map(String::as_str));
        let ran = catena(&arguments);
        texts.extend(parts(&serde_json::from_str(&ran.out).unwrap(), lists, extension));
    }
    // Spark takes a tenth of a second for each text, whatever it says.
    let sources = Catalog::embedded().unwrap();
    for source in sources.iter().filter(|_| dialect != "spark") {
        texts.extend(parts(&shipped_sources::compiled(source, target, dialect), "field", extension));
    }
    for text in &mut texts {
        text["dialect"] = dialect.into();
    }
    texts
}

fn parts(emissions: &Value, how: &str, extension: &str) -> Vec<Value> {
    let parts =
        emissions.as_array().unwrap().iter().flat_map(|emission| emission["parts"].as_array().unwrap());
    let text = |part: &Value| {
        let name = part["name"].as_str().unwrap();
        json!({ "name": format!("{name} ({how})"), "file": format!("{name}.{extension}"), "text": part["text"] })
    };
    parts.map(text).collect()
}

fn check(target: &str, program: Command, least: usize) {
    check_some(target, program, least, 1);
}

/// The same with one of `every` so many texts, for a checker that takes long for each.
fn check_some(target: &str, program: Command, least: usize, every: usize) {
    let texts: Vec<_> = texts(target).into_iter().step_by(every).collect();
    assert!(texts.len() >= least, "only {} texts for {target}", texts.len());
    check_texts(target, program, &texts);
}

/// Has a checker read texts; there must be no problem in any.
pub(crate) fn check_texts(target: &str, mut program: Command, texts: &[Value]) {
    let mut child = program.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(json!(texts).to_string().as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "the checker itself failed");
    let answers: Value = serde_json::from_slice(&output.stdout).unwrap();
    let answers = answers.as_array().unwrap();
    assert_eq!(answers.len(), texts.len());
    let mut problems = Vec::new();
    for (answer, text) in answers.iter().zip(texts) {
        for problem in answer["problems"].as_array().unwrap() {
            problems.push(format!("{}: {}\n{}", answer["name"], problem, text["text"].as_str().unwrap()));
        }
    }
    assert!(problems.is_empty(), "{} problems in {target}:\n{}", problems.len(), problems.join("\n\n"));
}

pub(crate) fn python(environment: &str, script: &str) -> Command {
    let mut command = Command::new(engines().join(environment).join("bin/python"));
    command.arg(root().join("tests/engines").join(script));
    command
}

/// Microsoft's analyser.
pub(crate) fn kusto() -> Command {
    engines();
    let mut command = Command::new("node");
    command.arg(root().join("tests/engines/kql/check.js"));
    command
}

#[test]
fn microsofts_analyser_accepts_every_kql_text() {
    check("kql", kusto(), 30);
}

#[test]
fn the_eql_parser_accepts_every_eql_text() {
    check("eql", python("eql", "eql/check.py"), 30);
}

#[test]
fn pysigma_and_sigma_check_accept_every_sigma_text() {
    check("sigma", python("sigma", "sigma/check.py"), 25);
}

#[test]
fn duckdb_binds_every_text_of_its_dialect() {
    check("sql duckdb", python("sql", "sql/check.py"), 30);
}

#[test]
fn spark_binds_texts_of_its_dialect() {
    check_some("sql spark", python("spark", "sql/check.py"), 30, 3);
}

/// By sqlglot's grammar, and bound in translation; and by the grammar of dt-sql-parser.
#[test]
fn two_grammars_of_trino_accept_texts_of_its_dialect() {
    check_some("sql trino", python("sql", "sql/check.py"), 30, 2);
    engines();
    let mut command = Command::new("node");
    command.arg(root().join("tests/engines/sql/check_trino.mjs"));
    check_some("sql trino", command, 30, 5);
}

#[test]
fn every_spl_text_stays_in_the_closed_list() {
    check("spl", python("spl", "spl/check.py"), 30);
}

#[test]
fn the_checkers_reject_bad_queries() {
    engines();
    let status =
        Command::new("bash").arg(root().join("tests/engines/selftest.sh")).stdout(Stdio::null()).status();
    assert!(status.unwrap().success(), "a checker accepts a bad text or refuses a good one");
}
