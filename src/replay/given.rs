//! Sources that rules read and of which nothing is given: such a rule cannot alert, and its silence is no answer.
//!
//! In: compiled rules, the sources of the inputs. Out: a sentence for each source that is missing, to the counts.
//! Must not know: logs.

use std::collections::{BTreeMap, BTreeSet};

use super::report::stats::Stats;
use crate::engine::program::Program;

/// Says which sources are missing. If no rule can do without them, nothing was looked for: the replay is incomplete.
pub(super) fn name_missing(programs: &[Program], given: &BTreeSet<Option<String>>, stats: &mut Stats) {
    // Canonical records may be of any source.
    if given.contains(&None) {
        return;
    }
    let missing = |program: &Program| -> BTreeSet<String> {
        let sources = program.steps.iter().map(|step| Some(step.schema.source().to_owned()));
        sources.filter(|source| !given.contains(source)).flatten().collect()
    };
    let mut rules: BTreeMap<String, Vec<&str>> = BTreeMap::new();
    let mut can_run = 0;
    for program in programs {
        let missing = missing(program);
        can_run += usize::from(missing.is_empty());
        for source in missing {
            rules.entry(source).or_default().push(&program.name);
        }
    }
    for (source, rules) in rules {
        let rules = match rules.as_slice() {
            [rule] => format!("`{rule}`"),
            [rule, ..] => format!("`{rule}` and {} more", rules.len() - 1),
            [] => continue,
        };
        let problem = format!(
            "no log of this source is given, so no alert is possible of {rules}; give one with `--events {source}=PATH`"
        );
        if can_run > 0 {
            stats.notes.push(format!("{source}: {problem}"));
        } else {
            stats.broken_files.push((source, problem));
        }
    }
}
