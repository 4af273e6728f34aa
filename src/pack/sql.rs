//! SQL of a lake: a text for each rule with markers for its slice of time, the tables over raw files, and for Spark the
//! program that runs them.
//!
//! In: emissions of SQL. Out: files below `sql/<dialect>/`; `rules.json` says what a program that runs the texts must
//! know. Must not know: how a statement was lowered.

use indexmap::IndexMap;
use serde::Serialize;

use super::Piece;
use super::file::{File, Path};
use super::input::{Choices, Ruled};
use super::manifest;
use super::schedule::Plan;
use crate::backend::sql::ddl;
use crate::backend::{Emission, Part, Role, SqlDialect, file_name, with_line_end};

/// The short name of the target.
const TARGET: &str = "sql";
/// Changes when `run.py` would have to change.
const VERSION: u32 = 1;
/// The program for Spark.
const RUNNER: &str = include_str!("../../targets/sql/run.py");

/// `rules.json`.
#[derive(Debug, Serialize)]
struct Document {
    version: u32,
    dialect: SqlDialect,
    rules: Vec<Entry>,
}

/// What a program has to know of the text of a rule. Times are in seconds.
#[derive(Debug, Serialize)]
pub(super) struct Entry {
    rule: String,
    file: String,
    tables: Vec<String>,
    /// How late the last log can be that decides about an alert.
    grace: u64,
    /// How long before the last event of a chain the earliest lies that decides about it.
    reach: u64,
    parameters: Vec<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    open: Option<Open>,
    #[serde(skip_serializing_if = "Option::is_none")]
    dedupe: Option<Dedupe>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    lists: Vec<Listed>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    any_order: bool,
    steps: Vec<Step>,
}

/// The text that finds the chains without their last step, and the table that keeps what it gives.
#[derive(Debug, Serialize)]
struct Open {
    table: String,
    file: String,
}

#[derive(Debug, Serialize)]
struct Dedupe {
    seconds: u64,
    columns: Vec<String>,
}

#[derive(Debug, Serialize)]
struct Listed {
    name: String,
    file: String,
}

#[derive(Debug, Serialize)]
struct Step {
    name: String,
    fields: IndexMap<String, String>,
}

/// Adds the files of a rule.
pub(super) fn add(ruled: &Ruled<'_>, emission: &Emission, choices: &Choices, piece: &mut Piece) {
    for part in &emission.parts {
        let file = file_name(&part.name, "sql");
        let path = path(choices, &file);
        piece.files.push(File::of(
            &piece.rule,
            Some(TARGET),
            path.clone(),
            with_line_end(&part.text).into_owned(),
        ));
        let plan = Plan::sliced(part.schedule, part.schedule.every);
        let made = manifest::Made { part, plan, text: &part.text, files: vec![path] };
        piece.entry.add(ruled, emission, &[made]);
        piece.entry.remark(TARGET, &plan.remark());
        piece.lake.extend(entry(ruled, emission, part, file));
    }
    let lists = emission.lists.iter().map(|list| (path(choices, &list.file), list.text.clone()));
    piece.files.extend(lists.map(|(path, text)| of_all(path, text)));
    add_tables(ruled, choices, piece);
}

/// The statements that make the tables, as far as Catena knows how they are made.
fn add_tables(ruled: &Ruled<'_>, choices: &Choices, piece: &mut Piece) {
    let mut known: Vec<&str> = Vec::new();
    for selection in ruled.rule.chain.selections() {
        let name = selection.source.node.as_str();
        let Some(source) = ruled.catalog.source(name).filter(|_| !known.contains(&name)) else { continue };
        known.push(name);
        match ddl::of(source, choices.dialect) {
            Ok(text) => {
                let path = Path::root(&file_name(name, "sql")).inside("ddl");
                piece.files.push(of_all(path.inside(folder(choices.dialect)).inside(TARGET), text));
            }
            Err(why) => piece.entry.remark(TARGET, &why),
        }
    }
}

fn entry(ruled: &Ruled<'_>, emission: &Emission, part: &Part, file: String) -> Option<Entry> {
    // What a stage makes is asked for by the query.
    let lake = part.lake.as_ref().filter(|_| part.role == Role::Query)?;
    let stage = emission.parts.iter().find(|part| part.role == Role::Stage);
    let open = lake.open.clone().zip(stage);
    let dedupe = ruled
        .rule
        .alert
        .dedupe
        .as_ref()
        .map(|dedupe| Dedupe { seconds: dedupe.window.seconds, columns: ruled.dedupe_columns() });
    let lists = emission.lists.iter();
    let steps = lake.steps.iter();
    Some(Entry {
        rule: emission.rule.clone(),
        file,
        tables: lake.tables.clone(),
        grace: part.schedule.late(),
        reach: part.schedule.span(),
        parameters: lake.parameters.clone(),
        open: open.map(|(table, stage)| Open { table, file: file_name(&stage.name, "sql") }),
        dedupe,
        lists: lists.map(|list| Listed { name: list.name.clone(), file: list.file.clone() }).collect(),
        any_order: ruled.rule.chain.together.is_some(),
        steps: steps
            .map(|step| Step { name: step.name.clone(), fields: step.fields.iter().cloned().collect() })
            .collect(),
    })
}

/// What belongs to all rules; nothing without any.
pub(super) fn shared(mut rules: Vec<Entry>, choices: &Choices) -> Vec<File> {
    if rules.is_empty() {
        return Vec::new();
    }
    rules.sort_by(|one, other| one.rule.cmp(&other.rule));
    let dialect = choices.dialect;
    // Nothing in it can fail to be written: maps have texts as keys.
    let text =
        serde_json::to_string_pretty(&Document { version: VERSION, dialect, rules }).unwrap_or_default();
    let mut files = vec![of_all(path(choices, "rules.json"), text + "\n")];
    if dialect == SqlDialect::Spark {
        files.push(of_all(path(choices, "run.py"), RUNNER.to_owned()));
    }
    files
}

fn of_all(path: Path, text: String) -> File {
    File::shared(Some(TARGET), path, text)
}

fn path(choices: &Choices, file: &str) -> Path {
    Path::root(file).inside(folder(choices.dialect)).inside(TARGET)
}

fn folder(dialect: SqlDialect) -> &'static str {
    match dialect {
        SqlDialect::DuckDb => "duckdb",
        SqlDialect::Spark => "spark",
        SqlDialect::Trino => "trino",
    }
}
