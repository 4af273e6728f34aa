//! In which order sources are read, so that the keys of earlier steps are known when later ones are read.
//!
//! In: compiled rules. Out: the read phase of each source.
//! Must not know: logs, filters.

use std::collections::BTreeMap;

use crate::engine::program::{Program, Step};

/// The read phase of each source: phase 0 for those with a first step, then one after another those whose steps all
/// follow steps on sources of earlier phases. A source that is not named is read in phase 0.
///
/// Why this is exact: an event of a later phase is passed over when its link key was not seen before the link. All
/// records that could stand before it come from sources of earlier phases, whose reading is over, so a key not seen by
/// then will never be seen. A source with a step that follows a step of its own phase (or of its own) does not have
/// that guarantee, so it is read in phase 0, where nothing is passed over by key.
pub(super) fn read_phases(programs: &[Program]) -> BTreeMap<String, usize> {
    let mut first: BTreeMap<&str, usize> = BTreeMap::new();
    for (at, step) in programs.iter().flat_map(|program| program.steps.iter().enumerate()) {
        let least = first.entry(step.schema.source()).or_insert(at);
        *least = (*least).min(at);
    }
    let mut order: Vec<&str> = first.keys().copied().collect();
    order.sort_by_key(|source| first.get(source));
    let mut phases = BTreeMap::new();
    for source in order {
        let earlier = |step: &Step| phases.contains_key(step.schema.source());
        let mut pairs = programs.iter().flat_map(|program| program.steps.windows(2));
        let follows = first.get(source) != Some(&0)
            && pairs.all(
                |pair| !matches!(pair, [before, step] if step.schema.source() == source && !earlier(before)),
            );
        let phase = if follows { phases.values().max().map_or(0, |last| last + 1) } else { 0 };
        phases.insert(source.to_owned(), phase);
    }
    phases
}
