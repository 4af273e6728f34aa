//! `catena man`: the manual pages.

use std::path::PathBuf;

use super::{Outcome, output};

/// Write the manual pages.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  catena man ~/.local/share/man/man1")]
pub(super) struct Man {
    /// The folder for the pages, one for each command.
    #[arg(value_name = "DIR")]
    folder: PathBuf,
}

impl Man {
    pub(super) fn run(self, command: clap::Command) -> anyhow::Result<Outcome> {
        self.write(command.name("catena"), "catena")?;
        Ok(Outcome::Fine)
    }

    fn write(&self, command: clap::Command, name: &str) -> anyhow::Result<()> {
        for inner in command.get_subcommands().filter(|inner| inner.get_name() != "help").cloned() {
            let name = format!("{name}-{}", inner.get_name());
            self.write(inner.display_name(name.clone()), &name)?;
        }
        let mut page = Vec::new();
        clap_mangen::Man::new(command).render(&mut page)?;
        output::write_file(&self.folder.join(format!("{name}.1")), &String::from_utf8_lossy(&page))
    }
}
