//! A scheduled analytics rule, whichever way it is written down.
//!
//! In: a part of an emission of KQL. Out: an [`AnalyticsRule`] within the service's limits, or findings. Must not know:
//! YAML, ARM.

use super::entity::{self, Mapping};
use super::query;
use crate::attack;
use crate::backend::Part;
use crate::diag::Diagnostics;
use crate::ir::{Severity, Status};
use crate::pack::input::Ruled;
use crate::pack::schedule::Plan;
use crate::pack::{name, refusal};

const MINUTE: u64 = 60;
const DAY: u64 = 86_400;
/// The longest time that a run looks at.
const LONGEST: u64 = 14 * DAY;
/// The longest names and descriptions.
const LONGEST_NAME: usize = 256;
const LONGEST_DESCRIPTION: usize = 5_000;
/// How long incidents may be grouped.
const GROUPING: (u64, u64) = (5 * MINUTE, 7 * DAY);

/// A scheduled rule.
#[derive(Debug)]
pub(super) struct AnalyticsRule {
    pub(super) id: String,
    pub(super) name: String,
    pub(super) description: String,
    pub(super) severity: &'static str,
    pub(super) status: &'static str,
    pub(super) connectors: Vec<(String, Vec<String>)>,
    pub(super) plan: Plan,
    /// Sentinel's names of the tactics.
    pub(super) tactics: Vec<String>,
    /// Techniques, without sub-techniques.
    pub(super) techniques: Vec<String>,
    pub(super) query: String,
    pub(super) entities: Vec<Mapping>,
    pub(super) details: Vec<(String, String)>,
    /// Incidents are grouped by these custom details, for so long.
    pub(super) grouping: Option<(u64, Vec<String>)>,
    /// What is left out or changed, and why.
    pub(super) remarks: Vec<String>,
}

impl AnalyticsRule {
    /// The rule of a part; what Sentinel would refuse goes to `diags`.
    pub(super) fn new(ruled: &Ruled<'_>, part: &Part, diags: &mut Diagnostics) -> Option<Self> {
        let plan = plan(ruled, part, diags)?;
        let query = query::sliced(ruled, &part.text, plan).map_err(|found| diags.push(*found)).ok()?;
        let meta = &ruled.rule.meta;
        let entity::Shown { entities, details, mut remarks } = entity::shown(ruled);
        let grouping = grouping(ruled, &details, &mut remarks);
        let (tactics, techniques) = attack_of(&meta.attack);
        Some(Self {
            id: meta.id.clone(),
            name: name::one_line(&meta.title, LONGEST_NAME),
            description: meta.description.trim().chars().take(LONGEST_DESCRIPTION).collect(),
            severity: match meta.severity {
                Severity::Informational => "Informational",
                Severity::Low => "Low",
                Severity::Medium => "Medium",
                Severity::High | Severity::Critical => "High",
            },
            status: match meta.status {
                Status::Stable => "Available",
                Status::Experimental | Status::Test | Status::Deprecated => "Preview",
            },
            connectors: connectors(ruled),
            plan,
            tactics,
            techniques,
            query,
            entities,
            details,
            grouping,
            remarks,
        })
    }
}

/// The schedule of the query, which is one that the service takes (`Schedule::for_sentinel`), over fourteen days at
/// most.
fn plan(ruled: &Ruled<'_>, part: &Part, diags: &mut Diagnostics) -> Option<Plan> {
    let plan = Plan::sliced(part.schedule, part.schedule.every);
    let limits =
        [(ruled.lookback, "`lookback` of the environment"), (LONGEST, "a scheduled rule of Sentinel")];
    for (allowed, whose) in limits {
        if plan.look_back > allowed {
            diags.push(refusal::look_back(ruled.rule, &part.name, plan.look_back, allowed, whose));
            return None;
        }
    }
    Some(plan)
}

/// `dedupe` as grouping of alerts into one incident: the service's own suppression stops the whole rule, whatever the
/// key, and would lose the alerts of others.
fn grouping(
    ruled: &Ruled<'_>,
    details: &[(String, String)],
    remarks: &mut Vec<String>,
) -> Option<(u64, Vec<String>)> {
    let dedupe = ruled.rule.alert.dedupe.as_ref()?;
    let window = dedupe.window.seconds;
    let names = ruled
        .dedupe_columns()
        .into_iter()
        .map(|column| details.iter().find(|(_, of)| *of == column).map(|(name, _)| name.clone()));
    let names: Option<Vec<_>> = names.collect();
    let (shortest, longest) = GROUPING;
    let Some(names) = names.filter(|_| (shortest..=longest).contains(&window)) else {
        let window = crate::ir::duration(window);
        remarks.push(format!(
            "`dedupe {window}` is left out: incidents are grouped for 5m to 7d, by custom details"
        ));
        return None;
    };
    let window = crate::ir::duration(window);
    remarks
        .push(format!("`dedupe {window}` groups alerts of the same key into one incident; none is dropped"));
    Some((dedupe.window.seconds, names))
}

/// Data connectors with the tables that the rule reads from them.
fn connectors(ruled: &Ruled<'_>) -> Vec<(String, Vec<String>)> {
    let mut connectors: Vec<(String, Vec<String>)> = Vec::new();
    for mapping in ruled.mappings("kql") {
        let Some(connector) = mapping.words.get("connector") else { continue };
        let is_name = |table: &&String| {
            !table.is_empty() && table.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
        };
        for table in mapping.from.0.iter().filter(is_name) {
            match connectors.iter_mut().find(|(known, _)| known == connector) {
                Some((_, tables)) if tables.contains(table) => {}
                Some((_, tables)) => tables.push(table.clone()),
                None => connectors.push((connector.clone(), vec![table.clone()])),
            }
        }
    }
    connectors
}

/// Tactics and techniques; every technique has one of its tactics beside it, as the CI wants.
fn attack_of(ids: &[String]) -> (Vec<String>, Vec<String>) {
    let (mut tactics, mut techniques) = (Vec::new(), Vec::new());
    for id in ids.iter().map(|id| id.to_ascii_uppercase()) {
        if let Some(tactic) = attack::tactic(&id) {
            tactics.push(tactic);
        } else if let Some((technique, _)) = attack::technique(&id) {
            let of_technique: Vec<_> = attack::tactics_of(technique).collect();
            // The CI knows techniques with their tactics; one without would fail it.
            if !of_technique.is_empty() {
                tactics.extend(of_technique);
                techniques.push(technique.to_owned());
            }
        }
    }
    tactics.sort_unstable();
    tactics.dedup();
    techniques.sort_unstable();
    techniques.dedup();
    // `CommandAndControl`, `InitialAccess`.
    let word = |word: &str| {
        let mut chars = word.chars();
        chars.next().map(|first| first.to_ascii_uppercase()).into_iter().chain(chars).collect::<String>()
    };
    let named = |tactic: attack::Tactic| tactic.slug.split('-').map(word).collect::<String>();
    (tactics.into_iter().map(named).collect(), techniques)
}
