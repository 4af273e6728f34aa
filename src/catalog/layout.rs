//! Layouts of a lake's tables: the same source lies in other columns where something else wrote the table.
//!
//! In: what a source says of its tables in each layout. Out: the source as it is in one of them. Must not know: which
//! columns a dialect can read, how a layout was chosen.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{Source, Texts};

/// The target whose tables have layouts.
const TARGET: &str = "sql";

/// Who wrote the tables of a lake.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Layout {
    /// Events as they were logged: the columns that AWS documents for Athena, or one column of raw events.
    #[default]
    Athena,
    /// Amazon Security Lake, source version 1: OCSF 1.0.0-rc.2.
    Ocsf1,
    /// Amazon Security Lake, source version 2: OCSF 1.1.0.
    #[serde(alias = "ocsf")]
    Ocsf2,
}

impl Layout {
    /// Its name.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Athena => "athena",
            Self::Ocsf1 => "ocsf1",
            Self::Ocsf2 => "ocsf2",
        }
    }
}

/// What a source says of its tables in each layout beside that of its mapping.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Layouts {
    /// Amazon Security Lake, source version 1.
    pub ocsf1: Option<LaidOut>,
    /// Amazon Security Lake, source version 2.
    pub ocsf2: Option<LaidOut>,
}

/// Where a source is in the tables of a layout.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct LaidOut {
    /// The table, or several.
    pub from: Texts,
    /// Further words.
    pub words: BTreeMap<String, String>,
    /// Raw path to the column that has what stands there.
    pub stored: BTreeMap<String, String>,
    /// Raw paths below which the table has nothing: why.
    pub missing: BTreeMap<String, String>,
    /// Raw paths whose place in the table is documented and was seen in no sample.
    pub unseen: Vec<String>,
    /// What must be configured for the records to be there.
    pub requires: Vec<String>,
}

impl Layouts {
    /// Those that there are.
    pub fn all(&self) -> impl Iterator<Item = (Layout, &LaidOut)> {
        let all = [Layout::Ocsf1, Layout::Ocsf2];
        all.into_iter().filter_map(|layout| Some((layout, self.get(layout)?)))
    }

    fn get(&self, layout: Layout) -> Option<&LaidOut> {
        match layout {
            Layout::Athena => None,
            Layout::Ocsf1 => self.ocsf1.as_ref(),
            Layout::Ocsf2 => self.ocsf2.as_ref(),
        }
    }
}

impl Source {
    /// Puts the source into the tables of a layout; where that has none for it, nowhere.
    pub(super) fn lay_out(&mut self, layout: Layout) {
        if layout == Layout::Athena {
            return;
        }
        let mapping = self.targets.entry(TARGET.to_owned()).or_default();
        mapping.layout = Some(layout);
        match mapping.layouts.get(layout).cloned() {
            Some(LaidOut { from, words, stored, missing, unseen, requires }) => {
                mapping.from = from;
                mapping.words = words;
                mapping.stored = stored;
                mapping.missing = missing;
                mapping.unseen = unseen;
                mapping.requires = requires;
            }
            None => mapping.not_held = true,
        }
    }
}
