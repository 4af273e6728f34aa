//! `catena completions`: commands, options and names in a shell.

use std::ffi::OsStr;

use anyhow::Context;
use clap_complete::engine::CompletionCandidate;
use clap_complete::env::Shells;

use crate::backend;
use crate::project::{Disk, Files};
use crate::syntax::{self, outline};

use super::{Outcome, output};

/// Print a script that completes commands, options, targets and rule names in a shell.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  catena completions bash >> ~/.bashrc
  catena completions zsh > ~/.zfunc/_catena
  catena completions fish > ~/.config/fish/completions/catena.fish
  catena completions powershell >> $PROFILE")]
pub(super) struct Completions {
    /// The shell.
    #[arg(value_parser = ["bash", "zsh", "fish", "powershell", "elvish"])]
    shell: String,
}

impl Completions {
    pub(super) fn run(self) -> anyhow::Result<Outcome> {
        let shells = Shells::builtins();
        let shell = shells.completer(&self.shell).context("the shell is not known")?;
        let mut script = Vec::new();
        shell.write_registration("COMPLETE", "catena", "catena", "catena", &mut script)?;
        output::print(&String::from_utf8_lossy(&script))?;
        Ok(Outcome::Fine)
    }
}

/// The names of the targets that begin like what is typed.
pub(super) fn targets(typed: &OsStr) -> Vec<CompletionCandidate> {
    let names = backend::every().map(|target| (target.name(), target.title()));
    let names = names.chain([("all", "every SIEM")]).filter(|(name, _)| begins(name, typed));
    names.map(|(name, title)| CompletionCandidate::new(name).help(Some(title.into()))).collect()
}

/// The names of the rules under this folder that begin like what is typed.
pub(super) fn rules(typed: &OsStr) -> Vec<CompletionCandidate> {
    /// Whoever presses a key does not wait for more.
    const MOST: usize = 2_000;
    let files = Disk.rules_under(std::path::Path::new("."));
    let texts = files
        .into_iter()
        .flatten()
        .take(MOST)
        .filter_map(|path| String::from_utf8(Disk.read(&path, syntax::FILE_SIZE).ok()?).ok());
    let names = texts.flat_map(|text| outline(&text)).map(|heading| heading.name);
    names.filter(|name| begins(name, typed)).map(CompletionCandidate::new).collect()
}

fn begins(name: &str, typed: &OsStr) -> bool {
    typed.to_str().is_some_and(|typed| name.starts_with(typed))
}
