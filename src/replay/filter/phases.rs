//! In which order sources are read, so that the keys of earlier steps are known when later ones are read.
//!
//! In: compiled rules. Out: the read phase of each source.
//! Must not know: logs, filters.

use std::collections::BTreeMap;

use crate::engine::program::{Program, Role};

/// The read phase of each source: phase 0 for those with records that matter without a predecessor, then one after
/// another those whose steps all follow steps on sources of earlier phases. A source that is not named is read in phase
/// 0.
///
/// Why this is exact: an event of a later phase is passed over when its link key was not seen before the link. All
/// records that could stand before it come from sources of earlier phases, whose reading is over, so a key not seen by
/// then will never be seen. A source with a step that follows a step of its own phase (or of its own) does not have
/// that guarantee, so it is read in phase 0, where nothing is passed over by key.
pub(super) fn read_phases(programs: &[Program]) -> BTreeMap<String, usize> {
    let mut first: BTreeMap<&str, usize> = BTreeMap::new();
    // For each role that follows another its source and that of the other.
    let mut pairs: Vec<(&str, &str)> = Vec::new();
    for program in programs {
        for (at, role) in program.roles.iter().enumerate() {
            let link = program.needs(at).map(|(link, _)| link);
            let least = first.entry(source(role)).or_insert(usize::MAX);
            *least = (*least).min(link.map_or(0, |link| link + 1));
            let before =
                program.roles.iter().enumerate().filter(|(other, _)| program.step_of(*other) == link);
            if link.is_some() {
                pairs.extend(before.map(|(_, before)| (source(role), source(before))));
            }
        }
    }
    let mut order: Vec<&str> = first.keys().copied().collect();
    order.sort_by_key(|source| first.get(source));
    let mut phases: BTreeMap<String, usize> = BTreeMap::new();
    for source in order {
        let mut follows = first.get(source) != Some(&0);
        follows &= pairs.iter().all(|(of, before)| *of != source || phases.contains_key(*before));
        let phase = if follows { phases.values().max().map_or(0, |last| last + 1) } else { 0 };
        phases.insert(source.to_owned(), phase);
    }
    phases
}

fn source(role: &Role) -> &str {
    role.selection.schema.source()
}
