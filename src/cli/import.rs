//! `catena import`: Sigma rules and correlations and EQL queries as drafts.

use std::path::{Path, PathBuf};

use crate::diag::Diagnostics;
use crate::import::{Given, import};
use crate::project::{Disk, Environments, Files};
use crate::source::{FileId, SourceFile, Sources};
use crate::syntax;

use super::report::{self, Format};
use super::scaffold::write_new;
use super::{Outcome, output};

/// Read Sigma rules and correlations, or EQL queries, into the draft of a rule file.
///
/// What could not be carried as it stands is a finding, and a comment at its place in the draft. The status is 0 if
/// there is a draft, and 1 if there is an error, or a finding with `--deny warnings`.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  catena import correlation.yml -o rule.chain
  catena import base_one.yml base_two.yml correlation.yml
  catena import sequence.eql --source-of aws.cloudtrail
  catena compile rule.chain --target sigma | catena import -")]
pub(super) struct Import {
    /// The files; `-` is standard input. A correlation and its base rules may be in several.
    #[arg(value_name = "FILE", required = true)]
    files: Vec<PathBuf>,
    /// The source of every step, in place of the one that the rule means.
    #[arg(long, value_name = "SOURCE")]
    source_of: Option<String>,
    /// The file to write (default: standard output).
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Findings that keep a draft from being written.
    #[arg(long, value_name = "WHAT")]
    deny: Option<Deny>,
    /// Output format of the findings; other than text it takes standard output, so the draft needs `--output`.
    #[arg(long, value_enum, default_value_t)]
    format: Format,
    /// Source file to add; may be repeated.
    #[arg(long, value_name = "FILE")]
    source: Vec<PathBuf>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Deny {
    /// All warnings.
    Warnings,
}

impl Import {
    pub(super) fn run(self) -> anyhow::Result<Outcome> {
        if self.format != Format::Text && self.output.is_none() {
            anyhow::bail!(
                "findings in this format take standard output: name a file for the draft with `--output`"
            );
        }
        let (mut sources, mut diags) = (Sources::default(), Diagnostics::default());
        let mut environments =
            Environments::new(&Disk, &self.source, None, &[]).map_err(anyhow::Error::msg)?;
        let environment = environments.of(Path::new("import.chain"), &mut sources, &mut diags);
        if environment.broken {
            return Ok(report::show(diags, &sources, self.format, false)?.0);
        }
        let files =
            self.files.iter().map(|path| read(path, &mut sources)).collect::<anyhow::Result<Vec<_>>>()?;
        let name = self.files.last().and_then(|path| path.file_stem()).and_then(|stem| stem.to_str());
        let id = uuid::Uuid::new_v4().to_string();
        let given = Given {
            catalog: &environment.catalog,
            source: self.source_of.as_deref(),
            name: name.unwrap_or_default(),
            id: &id,
        };
        // What is doubtful in the environment is for `check` to say.
        let mut diags = Diagnostics::default();
        let draft = import(&files, &sources, &given, &mut diags);
        let (outcome, count) = report::show(diags, &sources, self.format, self.deny.is_some())?;
        let Some(draft) = draft.filter(|_| outcome == Outcome::Fine) else { return Ok(outcome) };
        let steps = draft.lines().filter(|line| line.trim_start().starts_with("step ")).count();
        match self.output {
            Some(path) => write_new(&[(path, draft)], "give another file with `-o`")?,
            None => output::print(&draft)?,
        }
        if self.format == Format::Text {
            output::report(&format!("a draft of {}: {count}\n", report::plural(steps, "step")));
        }
        Ok(outcome)
    }
}

fn read(path: &Path, sources: &mut Sources) -> anyhow::Result<FileId> {
    let shown = path.display();
    let bytes = Disk.read(path, syntax::FILE_SIZE);
    let bytes = bytes.map_err(|why| anyhow::anyhow!("cannot read `{shown}`: {why}"))?;
    let text = String::from_utf8(bytes).map_err(|_| anyhow::anyhow!("`{shown}` is not UTF-8"))?;
    let name = if path == Path::new("-") { "standard input".to_owned() } else { shown.to_string() };
    Ok(sources.add(SourceFile::new(name, text)))
}
