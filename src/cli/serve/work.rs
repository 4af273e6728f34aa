//! The work on one request: its JSON in, an answer in JSON out.
//!
//! Status 0: an answer. 1: the request is none, and the answer says why.

use std::io::Read;

use anyhow::Context;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::playground::Playground;
use super::show;
use crate::backend::ALL;
use crate::catalog::Catalog;
use crate::cli::explain::explanation;
use crate::cli::{Outcome, output};
use crate::diag::Findings;
use crate::engine::report;
use crate::engine::trial;
use crate::lsp;
use crate::replay::{Control, LogText, Options, Plan};
use crate::source::{Span, Utf16Position};
use crate::syntax;

/// The most bytes of a request. A rule file has at most 4 MiB, and JSON may double it.
pub(super) const BODY: usize = 10 << 20;
/// So many near misses are listed of a rule.
const MISSES: usize = 20;
/// So many bytes of records are held in memory: more than a request can bring, so that nothing goes to a file.
const MEMORY: usize = 1 << 32;

/// What is to be done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(super) enum Task {
    /// What there is to begin with.
    Start,
    /// The text of a file.
    Open,
    /// Findings, queries and pictures.
    Look,
    /// What can be written at a place.
    Complete,
    /// The tests of the rules.
    Test,
    /// The rules over events.
    Replay,
}

impl Task {
    const ALL: [Self; 6] = [Self::Start, Self::Open, Self::Look, Self::Complete, Self::Test, Self::Replay];

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Start => "start",
            Self::Open => "open",
            Self::Look => "look",
            Self::Complete => "complete",
            Self::Test => "test",
            Self::Replay => "replay",
        }
    }

    pub(super) fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|task| task.name() == name)
    }
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Nothing {}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Named {
    file: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Edited {
    file: String,
    text: String,
    /// The rule to explain; the first one if there is none of this name.
    #[serde(default)]
    rule: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Place {
    file: String,
    text: String,
    line: usize,
    character: usize,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Tried {
    file: String,
    text: String,
    events: String,
    /// The source of raw events; canonical records name theirs.
    source: Option<String>,
}

/// Does a task.
pub(super) fn work(task: Task, mut playground: Playground) -> anyhow::Result<Outcome> {
    let mut body = Vec::new();
    std::io::stdin().lock().take(BODY as u64).read_to_end(&mut body)?;
    let (outcome, answer) = match answer(task, &mut playground, &body) {
        Ok(answer) => (Outcome::Fine, answer),
        Err(problem) => (Outcome::Findings, json!({ "error": format!("{problem:#}") })),
    };
    output::print(&answer.to_string())?;
    Ok(outcome)
}

fn answer(task: Task, playground: &mut Playground, body: &[u8]) -> anyhow::Result<Value> {
    match task {
        Task::Start => {
            let Nothing {} = read(body)?;
            Ok(json!({
                "version": env!("CARGO_PKG_VERSION"),
                "files": playground.names(),
                "words": syntax::words().collect::<Vec<_>>(),
                "metadata": syntax::metadata().collect::<Vec<_>>(),
            }))
        }
        Task::Open => {
            let Named { file } = read(body)?;
            Ok(json!({ "text": playground.text(&file)? }))
        }
        Task::Look => look(playground, read(body)?),
        Task::Complete => {
            let Place { file, text, line, character } = read(body)?;
            let (live, path) = playground.edit(&file, text)?;
            let file = live.file(&path).context("the file cannot be read")?;
            Ok(json!({ "items": lsp::completions(&live, file, Utf16Position { line, character }) }))
        }
        Task::Test => test(playground, read(body)?),
        Task::Replay => replay(playground, read(body)?),
    }
}

fn read<T: DeserializeOwned>(body: &[u8]) -> anyhow::Result<T> {
    serde_json::from_slice(body).context("the request is not understood")
}

fn look(playground: &mut Playground, Edited { file, text, rule }: Edited) -> anyhow::Result<Value> {
    let session = playground.check(&file, text)?;
    let findings = Findings::of(&session.found.diags.bounded().shown, &session.found.sources);
    let rules = session.files.iter().flat_map(|file| file.rules.iter().map(move |rule| (file, rule)));
    let names: Vec<&str> = rules.clone().map(|(_, rule)| rule.name.node.as_str()).collect();
    let chosen = rules.clone().find(|(_, known)| known.name.node == rule).or(rules.clone().next());
    let explained = chosen.map(|(file, rule)| {
        let explained = explanation(file, rule, ALL);
        let records = rule.tests.iter().map(|test| {
            let records = trial::records(test, &file.environment.catalog);
            json!({ "name": test.name.node, "events": records.map(|records| show::ndjson(&records)) })
        });
        show::explanation(&explained, &records.collect::<Vec<_>>())
    });
    let none = Catalog::default();
    let catalog = session.files.first().map_or(&none, |file| &file.environment.catalog);
    Ok(json!({
        "findings": show::findings(&findings, &|path| playground.name(path), &file),
        "rules": names,
        "explained": explained,
        "sources": catalog.names().collect::<Vec<_>>(),
    }))
}

fn test(playground: &mut Playground, Edited { file, text, rule: _ }: Edited) -> anyhow::Result<Value> {
    let session = playground.check(&file, text)?;
    let line = |span: Span| session.found.sources.locate(span).map_or(0, |(_, place)| place.line);
    let mut outcomes = Vec::new();
    for file in &session.files {
        for rule in &file.rules {
            let found = trial::run_tests(rule, &file.environment.catalog);
            let found = found.with_context(|| format!("rule `{}` cannot run", rule.name.node))?;
            outcomes.extend(found.into_iter().map(|outcome| {
                json!({
                    "rule": outcome.rule,
                    "test": outcome.test,
                    "passed": outcome.passed(),
                    "line": line(outcome.span),
                    "why": report::explanation(&outcome, &|span| format!("line {}", line(span))),
                })
            }));
        }
    }
    let left_out: Vec<&str> =
        session.files.iter().flat_map(|file| &file.left_out).map(|rule| rule.node.as_str()).collect();
    Ok(json!({ "outcomes": outcomes, "notRun": left_out }))
}

fn replay(playground: &mut Playground, Tried { file, text, events, source }: Tried) -> anyhow::Result<Value> {
    let session = playground.check(&file, text)?;
    let rules: Vec<_> = session.files.iter().flat_map(|file| file.rules.iter().cloned()).collect();
    let file = session.files.first().filter(|_| !rules.is_empty());
    let file = file.context("there is no rule without errors that could run")?;
    let catalog = &file.environment.catalog;
    if let Some(name) = source.as_ref().filter(|name| catalog.source(name).is_none()) {
        anyhow::bail!("there is no source `{name}`");
    }
    let options = Options { near: Some(MISSES), budget: Some(MEMORY), ..Options::default() };
    let plan = Plan::new(&rules, catalog, &options).context("a rule cannot run")?;
    let log = LogText { source, name: "the events".to_owned(), bytes: events.into_bytes().into() };
    Ok(show::replayed(&plan.replay_texts(&[log], &Control::default())))
}
