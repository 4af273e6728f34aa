//! Sources that rules read and of which nothing is given: such a rule cannot alert, or sees less, and its silence is no
//! answer.
//!
//! In: compiled rules, the sources of the inputs. Out: a sentence for each source that is missing, to the counts.
//! Must not know: logs.

use std::collections::{BTreeMap, BTreeSet};

use super::report::stats::Stats;
use crate::engine::program::{Part, Program};

/// Says which sources are missing. If no rule can do without them, nothing was looked for: the replay is incomplete.
pub(super) fn name_missing(programs: &[Program], given: &BTreeSet<Option<String>>, stats: &mut Stats) {
    // Canonical records may be of any source.
    if given.contains(&None) {
        return;
    }
    let mut rules: BTreeMap<String, Vec<&str>> = BTreeMap::new();
    let mut can_run = 0;
    for program in programs {
        let missing = Missing::of(program, &|source| given.contains(&Some(source.to_owned())));
        can_run += usize::from(missing.needed.is_empty());
        for source in missing.needed {
            rules.entry(source).or_default().push(&program.name);
        }
        let name = &program.name;
        stats.notes.extend(missing.of_alternatives.iter().map(|(source, step)| {
            format!(
                "{source}: no log of this source is given, so step `{step}` of `{name}` has no records of it"
            )
        }));
        stats.notes.extend(missing.of_absences.iter().map(|(source, absence)| {
            format!(
                "{source}: no log of this source is given, so nothing is exempted by `{absence}` of `{name}`"
            )
        }));
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

/// The sources that a rule lacks.
#[derive(Default)]
struct Missing {
    /// Without one of these a step has no records at all.
    needed: BTreeSet<String>,
    /// With the step that other sources can satisfy as well.
    of_alternatives: BTreeSet<(String, String)>,
    /// With the name of what must not be there.
    of_absences: BTreeSet<(String, String)>,
}

impl Missing {
    fn of(program: &Program, is_given: &dyn Fn(&str) -> bool) -> Self {
        let mut missing = Self::default();
        let has_records = |wanted: usize| {
            let roles = program.roles.iter().enumerate();
            let mut of_step = roles.filter(|(role, _)| program.step_of(*role) == Some(wanted));
            of_step.any(|(_, role)| is_given(role.selection.schema.source()))
        };
        for role in &program.roles {
            let source = role.selection.schema.source();
            if is_given(source) {
                continue;
            }
            let named = || (source.to_owned(), role.selection.name.clone());
            match role.part {
                Part::Absence { .. } => {
                    missing.of_absences.insert(named());
                }
                Part::Step { step, .. } if has_records(step) => {
                    missing.of_alternatives.insert(named());
                }
                Part::Step { .. } => {
                    missing.needed.insert(source.to_owned());
                }
            }
        }
        missing
    }
}
