//! `catena fmt`: rule files in the canonical style.

use std::path::{Path, PathBuf};

use rayon::prelude::*;
use similar::TextDiff;

use crate::diag::Diagnostics;
use crate::project::{Disk, Entry, Files};
use crate::source::{SourceFile, Sources, visible};
use crate::syntax::{self, NotFormatted};

use super::report::{self, Format, plural};
use super::{Outcome, output};

/// Write rule files in the canonical style; comments and blank lines stay.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  catena fmt                     format every rule file below this folder
  catena fmt --check rules       exit status 1 if a file is not formatted
  catena fmt --diff rule.chain   show what would change
  catena fmt - < rule.chain      from standard input to standard output")]
pub(super) struct Fmt {
    /// Rule files and directories; `-` is standard input, and the result goes to standard output.
    #[arg(default_value = ".", value_name = "PATH")]
    paths: Vec<PathBuf>,
    /// Write nothing; exit status 1 if a file would change.
    #[arg(long)]
    check: bool,
    /// Write nothing; print what would change as a unified diff. Exit status 1 if a file would change.
    #[arg(long)]
    diff: bool,
}

/// What became of a file.
enum Done {
    /// It is in the style.
    Formatted,
    /// It would change.
    Changes(String),
    /// It has syntax errors.
    Broken,
    /// The result would mean something else.
    Refused,
}

impl Fmt {
    pub(super) fn run(self) -> anyhow::Result<Outcome> {
        let files = match read(&self.paths) {
            Ok(files) => files,
            Err(problems) => {
                for problem in &problems {
                    output::complain(problem);
                }
                return Ok(Outcome::Failure);
            }
        };
        let done: Vec<Done> = files.par_iter().map(|(_, text)| done(text)).collect();
        let (mut outcome, mut broken, mut changed) = (Outcome::Fine, Sources::default(), 0_usize);
        let mut diags = Diagnostics::default();
        for ((path, text), done) in files.iter().zip(&done) {
            match done {
                Done::Broken => {
                    let id = broken.add(SourceFile::new(path.display().to_string(), text.clone()));
                    let before = diags.len();
                    if let Some(source) = broken.get(id) {
                        syntax::parse(source, id, &mut diags);
                    }
                    if diags.len() == before {
                        let path = path.display();
                        output::complain(&format!(
                            "`{path}` is left as it is: it could not be read. Please report it"
                        ));
                    }
                    outcome = Outcome::Findings;
                }
                Done::Refused => {
                    let path = path.display();
                    output::complain(&format!(
                        "`{path}` is left as it is: formatted it would be another rule. Please report it"
                    ));
                    outcome = Outcome::Findings;
                }
                Done::Formatted => self.take(path, text, text, &mut outcome)?,
                Done::Changes(to) => {
                    changed += 1;
                    self.take(path, text, to, &mut outcome)?;
                }
            }
        }
        report::show(diags, &broken, Format::Text, false)?;
        let verb = if self.check || self.diff { "would change" } else { "changed" };
        output::report(&format!("{}: {changed} {verb}\n", plural(files.len(), "file")));
        Ok(outcome)
    }

    /// Writes or shows a formatted file.
    fn take(&self, path: &Path, from: &str, to: &str, outcome: &mut Outcome) -> anyhow::Result<()> {
        let is_stdin = path == Path::new("-");
        if self.check || self.diff {
            if from == to {
                return Ok(());
            }
            *outcome = Outcome::Findings;
            if self.diff {
                let name = visible(&path.display().to_string()).into_owned();
                let diff = TextDiff::from_lines(from, to);
                return output::print(&diff.unified_diff().header(&name, &name).to_string());
            }
            return output::print(&format!("{}\n", visible(&path.display().to_string())));
        }
        if is_stdin {
            return output::print(to);
        }
        if from == to {
            return Ok(());
        }
        // A link stays one: what it leads to is written.
        output::write_file(&path.canonicalize().unwrap_or_else(|_| path.to_owned()), to)
    }
}

fn done(text: &str) -> Done {
    match syntax::format(text) {
        Ok(formatted) if formatted == text => Done::Formatted,
        Ok(formatted) => Done::Changes(formatted),
        Err(NotFormatted::Broken) => Done::Broken,
        Err(NotFormatted::Changed) => Done::Refused,
    }
}

/// The texts of rule files and of those in folders, or what cannot be read.
fn read(paths: &[PathBuf]) -> Result<Vec<(PathBuf, String)>, Vec<String>> {
    let mut wanted = Vec::new();
    for path in paths {
        match Disk.entry(path) {
            Entry::Folder => wanted.extend(Disk.rules_under(path)),
            Entry::File | Entry::Other | Entry::Missing => wanted.push(Ok(path.clone())),
        }
    }
    let read = |path: Result<PathBuf, String>| {
        let path = path?;
        let cannot = |why: String| format!("cannot read `{}`: {why}", path.display());
        let bytes = Disk.read(&path, syntax::FILE_SIZE).map_err(cannot)?;
        let text = String::from_utf8(bytes).map_err(|_| cannot("it is not UTF-8".to_owned()))?;
        Ok((path, text))
    };
    let (mut files, mut problems) = (Vec::new(), Vec::new());
    for read in wanted.into_iter().map(read) {
        match read {
            Ok(file) => files.push(file),
            Err(problem) => problems.push(problem),
        }
    }
    if problems.is_empty() { Ok(files) } else { Err(problems) }
}
