//! `catena lsp`: the language server over standard input and output.

use std::io;

use crate::lsp;

use super::Outcome;
use super::session::Cores;

/// Serve an editor by the language server protocol, over standard input and output.
#[derive(Debug, clap::Args)]
pub(super) struct Serve {
    /// What editors pass to say what is the only way anyhow.
    #[arg(long, hide = true)]
    stdio: bool,
}

impl Serve {
    pub(super) fn run(self) -> anyhow::Result<Outcome> {
        let Self { stdio: _ } = self;
        let orderly = lsp::serve(io::stdin(), io::BufWriter::new(io::stdout()), &Cores)?;
        // The protocol asks for status 1 where an editor leaves without saying goodbye.
        Ok(if orderly { Outcome::Fine } else { Outcome::Findings })
    }
}
