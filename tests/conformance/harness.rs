//! A harness: a third-party engine in its own process, which runs queries over scenarios. The contract is in
//! `tests/engines/README.md`.
//!
//! In: an emission and scenarios. Out: rows for each scenario. Must not know: the embedded engine.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::io::{BufRead, BufReader, Write as _};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use catena::backend::{Emission, External};
use serde_json::{Map, Value, json};

use super::raw::Event;
use crate::engines;
use crate::program::root;

/// What a query gave, by column, or for key level the events and the key.
pub(super) type Row = Map<String, Value>;

pub(super) struct Harness {
    child: Child,
    to: ChildStdin,
    from: BufReader<ChildStdout>,
    /// Whether an event that is delivered twice makes no difference.
    drops_doubles: bool,
}

/// The environment and the script of each target's harness.
const HARNESSES: [(&str, &str, &str); 9] = [
    ("spl", "duck", "spl/harness.py"),
    ("sigma", "sigma2", "sigma/harness.py"),
    ("kql", "duck", "kql/harness.py"),
    ("eql", "eql", "eql/harness.py"),
    ("sql", "sql", "sql/harness.py --dialect duckdb"),
    ("spark", "spark", "sql/harness.py --dialect spark"),
    ("trino", "sql", "sql/harness.py --dialect trino"),
    ("ocsf1", "sql", "sql/harness.py --dialect duckdb --layout ocsf1"),
    ("ocsf2", "sql", "sql/harness.py --dialect duckdb --layout ocsf2"),
];

/// Harnesses that run on the vendor's product, and what must be set for one to take the place of the other.
const SERVERS: [(&str, &str, &str, [&str; 2]); 5] = [
    ("spl", "duck", "spl/server.py", ["SPLUNK_URL", "SPLUNK_TOKEN"]),
    ("kql", "duck", "kql/server.py", ["LOG_ANALYTICS_WORKSPACE", "LOG_ANALYTICS_TOKEN"]),
    ("kql", "duck", "kql/server.py", ["KUSTO_URL", "KUSTO_DATABASE"]),
    ("eql", "eql", "eql/server.py", ["ELASTICSEARCH_URL", "ELASTICSEARCH_API_KEY"]),
    ("eql", "eql", "eql/server.py", ["ELASTICSEARCH_URL", "ELASTICSEARCH_USER"]),
];

/// The server's harness of a target, if its product is named.
fn server(target: &str) -> Option<(&'static str, &'static str)> {
    let is_set = |name: &&str| std::env::var_os(name).is_some_and(|value| !value.is_empty());
    let named = SERVERS.iter().find(|(of, _, _, names)| *of == target && names.iter().all(is_set));
    named.map(|(_, environment, script, _)| (*environment, *script))
}

fn own_program(target: &str) -> Option<String> {
    std::env::var(format!("CATENA_HARNESS_{}", target.to_uppercase())).ok()
}

/// Whether something else than the harness of the repository compares a target.
pub(super) fn is_another(target: &str) -> bool {
    own_program(target).is_some() || server(target).is_some()
}

impl Harness {
    /// Starts the harness of a target. `CATENA_HARNESS_<TARGET>` names another program that keeps the same contract.
    pub(super) fn start(target: &str) -> Self {
        let (_, environment, script) = HARNESSES.iter().find(|harness| harness.0 == target).unwrap();
        Self::of(target, (environment, script))
    }

    /// As [`Self::start`], but on the vendor's server if one is named. Mutants stay with the harness, which refuses
    /// some of them.
    pub(super) fn to_compare(target: &str) -> Self {
        match server(target) {
            Some(found) => Self::of(target, found),
            None => Self::start(target),
        }
    }

    fn of(target: &str, (environment, script): (&str, &str)) -> Self {
        let mut command = if let Some(text) = own_program(target) {
            let mut words = text.split_whitespace();
            let mut command = Command::new(words.next().unwrap());
            command.args(words);
            command
        } else {
            let mut words = script.split_whitespace();
            let mut command = engines::python(environment, words.next().unwrap());
            command.args(words);
            command
        };
        command.current_dir(root()).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child =
            command.spawn().unwrap_or_else(|problem| panic!("the harness of {target}: {problem}"));
        let (to, from) = (child.stdin.take().unwrap(), child.stdout.take().unwrap());
        let drops_doubles = !["eql", "sigma"].contains(&target);
        Self { child, to, from: BufReader::new(from), drops_doubles }
    }

    /// The rows of every scenario, or why the engine refused the text.
    pub(super) fn ask(
        &mut self,
        emission: &Emission,
        scenarios: &[(i64, Vec<Event>)],
    ) -> Result<Vec<Vec<Row>>, String> {
        self.ask_with(emission, scenarios, Map::new())
    }

    /// The same, and more that the request says.
    pub(super) fn ask_with(
        &mut self,
        emission: &Emission,
        scenarios: &[(i64, Vec<Event>)],
        more: Map<String, Value>,
    ) -> Result<Vec<Vec<Row>>, String> {
        let event = |event: &Event| json!({ "source": event.source, "raw": event.raw });
        // Logs deliver some events twice; where rows are records, each has one all the same.
        let times = |(at, event): &(usize, &Event)| {
            let has_id = event.raw["eventID"].as_str().is_some_and(|id| !id.is_empty());
            if self.drops_doubles && has_id && at % 3 == 1 { 2 } else { 1 }
        };
        let of_scenario = |(_, events): &(i64, Vec<Event>)| {
            let all = events.iter().enumerate().flat_map(|one| std::iter::repeat_n(one, times(&one)));
            all.map(|(_, one)| event(one)).collect::<Vec<_>>()
        };
        let mut question = json!({
            "rule": emission.rule,
            "parts": emission.parts,
            "lists": emission.lists.iter().map(|list| (list.name.clone(), held(list, scenarios))).collect::<Map<_, _>>(),
            "starts": scenarios.iter().map(|(start, _)| start).collect::<Vec<_>>(),
            "scenarios": scenarios.iter().map(of_scenario).collect::<Vec<_>>(),
        });
        question.as_object_mut().unwrap().extend(more);
        writeln!(self.to, "{question}").unwrap();
        self.to.flush().unwrap();
        let mut line = String::new();
        self.from.read_line(&mut line).unwrap();
        let answer: Value = serde_json::from_str(&line).unwrap_or_else(|problem| {
            panic!("the harness broke off at {}: {problem}: {line}", emission.rule)
        });
        if let Some(problem) = answer.get("error") {
            return Err(problem.as_str().unwrap().to_owned());
        }
        let answers: Vec<Vec<Row>> = serde_json::from_value(answer["answers"].clone()).unwrap();
        assert_eq!(answers.len(), scenarios.len(), "{}: an answer for each scenario", emission.rule);
        Ok(answers)
    }
}

impl Drop for Harness {
    fn drop(&mut self) {
        _ = self.child.kill();
        _ = self.child.wait();
    }
}

/// The file that fills a list, and rows that count no more, or perhaps never did, for everything in the scenarios that
/// it does not hold.
fn held(list: &External, scenarios: &[(i64, Vec<Event>)]) -> Value {
    let mut texts = BTreeSet::new();
    scenarios.iter().flat_map(|(_, events)| events).for_each(|event| gather(&event.raw, &mut texts));
    let mut file = list.text.clone();
    let ended = ["2020-12-31", "1970-01-01", "soon"];
    for (text, until) in texts.into_iter().zip(ended.into_iter().cycle()) {
        let quoted = format!("\"{}\"", text.replace('"', "\"\""));
        let is_held = [text, &quoted].into_iter().any(|cell| list.text.contains(&format!("\n{cell},")));
        if !is_held {
            writeln!(file, "{quoted},{until},,,").unwrap();
        }
    }
    file.into()
}

/// The texts anywhere in a value.
fn gather<'v>(value: &'v Value, texts: &mut BTreeSet<&'v str>) {
    match value {
        Value::String(text) => _ = texts.insert(text),
        Value::Array(items) => items.iter().for_each(|item| gather(item, texts)),
        Value::Object(fields) => fields.values().for_each(|value| gather(value, texts)),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}
