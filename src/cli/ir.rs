//! `catena ir`: the typed form of rules as JSON.

use std::path::PathBuf;

use serde::Serialize;

use crate::ir;
use crate::source::visible_json;

use super::report::{self, Format};
use super::session::{self, SessionOptions};
use super::{Outcome, output};

/// Print the intermediate representation of rules as JSON.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  catena ir rule.chain | jq .rules[0].chain")]
pub(super) struct Ir {
    /// Rule files and directories; `-` is standard input.
    #[arg(required = true, value_name = "RULE.chain")]
    paths: Vec<PathBuf>,
    #[command(flatten)]
    session: SessionOptions,
}

/// The document: spans name their file by its index in `files`.
#[derive(Debug, Serialize)]
struct Document<'a> {
    version: u32,
    files: Vec<&'a str>,
    rules: Vec<&'a ir::Rule>,
}

impl Ir {
    pub(super) fn run(self) -> anyhow::Result<Outcome> {
        let Some(session) = session::open(&self.paths, &self.session) else { return Ok(Outcome::Failure) };
        let document = Document {
            version: ir::VERSION,
            files: session.found.sources.iter().map(|(_, file)| file.name.as_str()).collect(),
            rules: session.files.iter().flat_map(|file| &file.rules).collect(),
        };
        let text = serde_json::to_string_pretty(&document)?;
        let (outcome, _) = report::show(session.found.diags, &session.found.sources, Format::Text, false)?;
        output::print(&visible_json(format!("{text}\n")))?;
        Ok(outcome)
    }
}
