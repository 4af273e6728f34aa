//! `catena import`: Sigma correlations and EQL sequences as drafts.

use std::path::{Path, PathBuf};

use crate::diag::Diagnostics;
use crate::import::{Given, import};
use crate::project::{Disk, Environments, Files};
use crate::source::Sources;
use crate::syntax;

use super::scaffold::write_new;
use super::{Outcome, output};

/// Read a Sigma correlation with its base rules, or an EQL sequence, into the draft of a rule.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  catena import correlation.yml -o rule.chain
  catena import sequence.eql --source-of aws.cloudtrail
What could not be carried is a comment at its place.")]
pub(super) struct Import {
    /// The file; `-` is standard input.
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// The source of every step, where the rule does not tell.
    #[arg(long, value_name = "SOURCE")]
    source_of: Option<String>,
    /// The file to write (default: standard output).
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Source file to add; may be repeated.
    #[arg(long, value_name = "FILE")]
    source: Vec<PathBuf>,
}

impl Import {
    pub(super) fn run(self) -> anyhow::Result<Outcome> {
        let shown = self.file.display();
        let bytes = Disk.read(&self.file, syntax::FILE_SIZE);
        let bytes = bytes.map_err(|why| anyhow::anyhow!("cannot read `{shown}`: {why}"))?;
        let text = String::from_utf8(bytes).map_err(|_| anyhow::anyhow!("`{shown}` is not UTF-8"))?;
        let (mut sources, mut diags) = (Sources::default(), Diagnostics::default());
        let mut environments =
            Environments::new(&Disk, &self.source, None, &[]).map_err(anyhow::Error::msg)?;
        let environment = environments.of(Path::new("import.chain"), &mut sources, &mut diags);
        let given = Given {
            catalog: &environment.catalog,
            source: self.source_of.as_deref(),
            name: self.file.file_stem().and_then(|stem| stem.to_str()).unwrap_or_default(),
            id: uuid::Uuid::new_v4().to_string(),
        };
        let draft = match import(&text, &given) {
            Ok(draft) => draft,
            Err(why) => {
                output::complain(&format!("cannot import `{shown}`: {why}"));
                return Ok(Outcome::Findings);
            }
        };
        let lost = draft.lines().filter(|line| line.trim_start().starts_with("# not carried")).count();
        match self.output {
            Some(path) => write_new(&[(path, draft)])?,
            None => output::print(&draft)?,
        }
        let places = if lost == 1 { "1 place" } else { &format!("{lost} places") };
        output::report(&format!("{places} could not be carried\n"));
        Ok(Outcome::Fine)
    }
}
