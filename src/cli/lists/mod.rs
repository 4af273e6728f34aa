//! `catena lists`: allowlists as code: checked, added to, imported.

mod add;
mod check;
mod file;
#[cfg(feature = "replay")]
mod hits;
mod images;

use super::Outcome;

/// Check allowlists, add entries to list files, import approved images.
#[derive(Debug, clap::Args)]
pub(super) struct Lists {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// Report entries that have expired or will soon, that stand twice or are covered by others, that are too wide, and
    /// that nobody answers for.
    Check(check::Check),
    /// Add an entry to a list file and keep the file sorted.
    Add(add::Add),
    /// Import the images of `aws ec2 describe-images`, as far as allowed-images criteria admit them.
    Import(images::Import),
}

impl Lists {
    pub(super) fn run(self) -> anyhow::Result<Outcome> {
        match self.command {
            Command::Check(command) => command.run(),
            Command::Add(command) => command.run(),
            Command::Import(command) => command.run(),
        }
    }
}
