//! Whether an event of a log is one of a source.
//!
//! In: `only` and `only_of` of a source, and what stands in an event. Out: yes or no. Must not know: fields, rules.

use super::project::{Slots, Tree};
use crate::catalog::{RawTexts, Source};

/// Slots of an event, and the texts of which each must hold one.
type Tests = Vec<(usize, Vec<String>)>;

/// What an event of the source has.
#[derive(Debug)]
pub(super) struct Only {
    usual: Tests,
    /// Events to which something else applies, and what.
    of: Vec<(Tests, Tests)>,
}

impl Only {
    /// Finds the slots of what a source says.
    pub(super) fn new(source: &Source, tree: &mut Tree) -> Self {
        let mut tests = |only: &RawTexts| -> Tests {
            only.iter().map(|(path, texts)| (tree.slot(path), texts.clone())).collect()
        };
        let usual = tests(&source.only);
        let of = source.only_of.iter().map(|of| (tests(&of.events), tests(&of.only))).collect();
        Self { usual, of }
    }

    /// Whether an event is one of the source.
    pub(super) fn admits(&self, event: &Slots<'_>) -> bool {
        let other = self.of.iter().find(|(events, _)| hold(events, event));
        hold(other.map_or(&self.usual, |(_, only)| only), event)
    }
}

fn hold(tests: &Tests, event: &Slots<'_>) -> bool {
    tests
        .iter()
        .all(|(slot, texts)| event.get(*slot).is_some_and(|raw| texts.iter().any(|text| raw.is_text(text))))
}
