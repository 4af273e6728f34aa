//! Whose tables a lake has, as the command line names it.
//!
//! In: the word of an option. Out: a layout of the catalog. Must not know: what the tables are.

use crate::catalog::Layout;

/// Whose tables a lake has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(super) enum LayoutChoice {
    /// Those that AWS documents for Athena; raw events for every other source.
    Athena,
    /// Those of Amazon Security Lake, source version 1.
    Ocsf1,
    /// Those of Amazon Security Lake, source version 2.
    #[value(alias = "ocsf")]
    Ocsf2,
}

impl From<LayoutChoice> for Layout {
    fn from(choice: LayoutChoice) -> Self {
        match choice {
            LayoutChoice::Athena => Self::Athena,
            LayoutChoice::Ocsf1 => Self::Ocsf1,
            LayoutChoice::Ocsf2 => Self::Ocsf2,
        }
    }
}
