//! A rule of Elastic's detection engine, whichever way it is written down.
//!
//! In: a part of an emission of EQL. Out: an [`EqlRule`]. Must not know: TOML, NDJSON.

use super::threat::{self, Threat};
use crate::backend::{Emission, Part, Role};
use crate::diag::Diagnostics;
use crate::ir::{Severity, Status};
use crate::pack::input::Ruled;
use crate::pack::schedule::Plan;
use crate::pack::{name, playbook, refusal, schedule};

/// The most alerts of a run that Kibana lets a rule have (`xpack.alerting.rules.run.alerts.max`).
const MOST_ALERTS: u64 = 1_000;

/// A rule.
#[derive(Debug)]
pub(super) struct EqlRule {
    pub(super) id: String,
    pub(super) name: String,
    pub(super) description: String,
    pub(super) author: String,
    pub(super) severity: &'static str,
    pub(super) risk_score: u64,
    pub(super) is_building_block: bool,
    pub(super) maturity: &'static str,
    /// First published and last changed, as `2026/11/24`.
    pub(super) dates: [String; 2],
    pub(super) indexes: Vec<String>,
    pub(super) interval: String,
    pub(super) from: String,
    pub(super) max_signals: u64,
    pub(super) query: String,
    pub(super) note: String,
    pub(super) setup: String,
    pub(super) references: Vec<String>,
    pub(super) false_positives: Vec<String>,
    pub(super) tags: Vec<String>,
    pub(super) threats: Vec<Threat>,
    pub(super) suppression: Option<Suppression>,
    pub(super) plan: Plan,
    /// What is left out or changed, and why.
    pub(super) remarks: Vec<String>,
}

/// `dedupe`, as Elastic has it for sequences since 8.18.
#[derive(Debug)]
pub(super) struct Suppression {
    pub(super) group_by: Vec<String>,
    pub(super) value: u64,
    pub(super) unit: &'static str,
}

impl EqlRule {
    /// The rule of a part; what Elastic would refuse goes to `diags`.
    pub(super) fn new(
        ruled: &Ruled<'_>,
        emission: &Emission,
        part: &Part,
        diags: &mut Diagnostics,
    ) -> Option<Self> {
        let (rule, meta) = (ruled.rule, &ruled.rule.meta);
        let plan = Plan::overlapping(part.schedule);
        if plan.look_back > ruled.lookback {
            let whose = "`lookback` of the environment";
            diags.push(refusal::look_back(rule, &part.name, plan.look_back, ruled.lookback, whose));
            return None;
        }
        let title = name::one_line(&meta.title, 200);
        let is_building_block = part.role == Role::Stage;
        let mut remarks = Vec::new();
        let suppression = if is_building_block { None } else { suppression(ruled, part, &mut remarks) };
        let date = meta.date.map_or_else(|| "2026/01/01".to_owned(), in_slashes);
        let modified = meta.modified.map_or_else(|| date.clone(), in_slashes);
        let (severity, risk_score) = severity(meta.severity);
        Some(Self {
            id: part.id.clone(),
            // Of a building block the query knows the id; the name says whose it is.
            name: if is_building_block {
                format!("{title} - Building Block {}", part.name)
            } else {
                title.clone()
            },
            description: name::one_line(&meta.description, 4_000),
            author: meta.author.clone().unwrap_or_else(|| "Catena".to_owned()),
            severity: if is_building_block { "low" } else { severity },
            risk_score: if is_building_block { 21 } else { risk_score },
            is_building_block,
            maturity: match meta.status {
                Status::Stable => "production",
                Status::Experimental | Status::Test => "development",
                Status::Deprecated => "deprecated",
            },
            dates: [date, modified],
            indexes: part.indexes.clone(),
            interval: schedule::short(plan.every),
            from: format!("now-{}", schedule::short(plan.look_back)),
            max_signals: MOST_ALERTS,
            query: part.text.trim_end().to_owned(),
            note: note(ruled, &title),
            setup: setup(emission),
            references: meta.references.clone(),
            false_positives: meta.false_positives.clone(),
            tags: tags(ruled, part, is_building_block),
            threats: threat::of(&meta.attack),
            suppression,
            plan,
            remarks,
        })
    }
}

fn in_slashes(day: jiff::civil::Date) -> String {
    day.to_string().replace('-', "/")
}

/// Elastic has four severities; scores as its own rules have them.
fn severity(severity: Severity) -> (&'static str, u64) {
    match severity {
        Severity::Informational | Severity::Low => ("low", 21),
        Severity::Medium => ("medium", 47),
        Severity::High => ("high", 73),
        Severity::Critical => ("critical", 99),
    }
}

/// Only by fields that every alert of the part has, and only if these are all keys of `dedupe`: by fewer, alerts of
/// other keys would go too.
fn suppression(ruled: &Ruled<'_>, part: &Part, remarks: &mut Vec<String>) -> Option<Suppression> {
    let dedupe = ruled.rule.alert.dedupe.as_ref()?;
    let window = crate::ir::duration(dedupe.window.seconds);
    let field_of = |name: &str| part.keys.iter().find(|key| key.name == name).map(|key| key.field.clone());
    let fields: Option<Vec<_>> = dedupe.by.iter().map(|field| field_of(&field.field.name)).collect();
    let Some(mut group_by) = fields else {
        let keys = dedupe.by.iter().map(|field| ruled.written(field)).collect::<Vec<_>>().join(", ");
        remarks.push(format!("`dedupe {window}` is left out: alerts do not carry all of {keys}"));
        return None;
    };
    group_by.sort();
    group_by.dedup();
    remarks.push(format!(
        "`dedupe {window}` is alert suppression, which Elastic has for sequences since 8.18, with a Platinum licence"
    ));
    let seconds = dedupe.window.seconds;
    let (value, unit) = match seconds {
        s if s % 3_600 == 0 => (s / 3_600, "h"),
        s if s % 60 == 0 => (s / 60, "m"),
        s => (s, "s"),
    };
    Some(Suppression { group_by, value, unit })
}

/// The investigation guide.
fn note(ruled: &Ruled<'_>, title: &str) -> String {
    let steps = playbook::steps(ruled);
    let guide = if steps.is_empty() { "There is no playbook for this rule.".to_owned() } else { steps };
    format!("## Triage and analysis\n\n### Investigating {title}\n\n{guide}\n")
}

fn setup(emission: &Emission) -> String {
    let lines = emission.requires.iter().map(|what| format!("- {what}\n"));
    format!("## Setup\n\n{}", lines.collect::<String>())
}

/// In the words of elastic/detection-rules' own tests.
fn tags(ruled: &Ruled<'_>, part: &Part, is_building_block: bool) -> Vec<String> {
    let mut tags = Vec::new();
    for selection in ruled.rule.chain.selections() {
        let source = ruled.catalog.source(&selection.source.node);
        tags.extend(source.map(|source| format!("Data Source: {}", source.title)));
    }
    tags.push("Use Case: Threat Detection".to_owned());
    tags.extend(threat::tactics(&ruled.rule.meta.attack).map(|tactic| format!("Tactic: {}", tactic.name)));
    tags.push("Resources: Investigation Guide".to_owned());
    tags.extend(is_building_block.then(|| "Rule Type: BBR".to_owned()));
    let reads_alerts = part.indexes.iter().any(|index| index.starts_with(".alerts-"));
    tags.extend(reads_alerts.then(|| "Rule Type: Higher-Order Rule".to_owned()));
    let mut seen: Vec<String> = Vec::new();
    tags.retain(|tag| {
        let is_new = !seen.contains(tag);
        seen.push(tag.clone());
        is_new
    });
    tags
}
