//! A custom detection of Microsoft Defender XDR, as Graph's `detectionRule` (beta) has it.
//!
//! In: a rule. Out: JSON. Must not know: how a query was lowered.
//!
//! Defender fixes how far back a run looks by how often it runs ("Create and manage custom detection rules"): every
//! hour 4 hours, every 3 hours 12, every 12 hours 48, every day 30 days.

use serde_json::{Value, json};

use super::query;
use super::rule::AnalyticsRule;
use crate::attack;
use crate::backend::Part;
use crate::diag::Diagnostics;
use crate::ir::Severity;
use crate::pack::input::Ruled;
use crate::pack::refusal;
use crate::pack::schedule::Plan;

const HOUR: u64 = 3_600;
/// How often a detection runs and how far back it looks.
#[derive(Debug)]
struct Schedule {
    /// In ISO 8601 (Graph, ruleSchedule), as all words of it.
    frequency: &'static str,
    every: u64,
    lookback: &'static str,
    look_back: u64,
}

const SCHEDULES: [Schedule; 4] = [
    Schedule { frequency: "PT1H", every: HOUR, lookback: "PT4H", look_back: 4 * HOUR },
    Schedule { frequency: "PT3H", every: 3 * HOUR, lookback: "PT12H", look_back: 12 * HOUR },
    Schedule { frequency: "PT12H", every: 12 * HOUR, lookback: "PT48H", look_back: 48 * HOUR },
    Schedule { frequency: "P1D", every: 24 * HOUR, lookback: "P30D", look_back: 720 * HOUR },
];

/// A custom detection.
#[derive(Debug)]
pub(super) struct Detection {
    schedule: &'static Schedule,
    query: String,
    category: String,
    techniques: Vec<String>,
    severity: &'static str,
    actions: String,
    /// What is left out or changed, and why.
    pub(super) remarks: Vec<String>,
}

impl Detection {
    /// The detection of a part; nothing if no frequency looks back far enough, which a remark of the rule cannot mend.
    pub(super) fn new(ruled: &Ruled<'_>, part: &Part, diags: &mut Diagnostics) -> Option<Self> {
        let fits = |schedule: &&Schedule| {
            Plan::sliced(part.schedule, schedule.every).look_back <= schedule.look_back
        };
        let Some(schedule) = SCHEDULES.iter().find(fits) else {
            let needed = Plan::sliced(part.schedule, 24 * HOUR).look_back;
            let whose = "a custom detection of Defender";
            diags.push(refusal::look_back(ruled.rule, &part.name, needed, 720 * HOUR, whose));
            return None;
        };
        let plan = Plan::sliced(part.schedule, schedule.every);
        let query = query::sliced(ruled, &part.text, plan).map_err(|found| diags.push(*found)).ok()?;
        let meta = &ruled.rule.meta;
        let ids: Vec<_> = meta.attack.iter().map(|id| id.to_ascii_uppercase()).collect();
        let techniques: Vec<_> = ids.iter().filter(|id| attack::technique(id).is_some()).cloned().collect();
        let tactic = ids.iter().find_map(|id| attack::tactic(id));
        let tactic = tactic.or_else(|| techniques.iter().find_map(|id| attack::tactics_of(id).next()));
        let [every, look_back] = [schedule.every, schedule.look_back].map(crate::ir::duration);
        Some(Self {
            schedule,
            query,
            category: tactic.map_or("SuspiciousActivity".to_owned(), |tactic| tactic.name.replace(' ', "")),
            techniques,
            severity: match meta.severity {
                Severity::Informational => "informational",
                Severity::Low => "low",
                Severity::Medium => "medium",
                Severity::High | Severity::Critical => "high",
            },
            actions: crate::pack::playbook::steps(ruled),
            remarks: vec![format!(
                "the custom detection of Defender runs every {every} over {look_back}, and names no impacted asset: \
                 Defender takes its own identifiers alone"
            )],
        })
    }

    /// The text.
    pub(super) fn print(&self, rule: &AnalyticsRule) -> String {
        let value: Value = json!({
            "@odata.type": "#microsoft.graph.security.detectionRule",
            "displayName": rule.name,
            "isEnabled": false,
            "queryCondition": { "queryText": self.query },
            "schedule": { "frequency": self.schedule.frequency, "lookback": self.schedule.lookback },
            "detectionAction": {
                "alertTemplate": {
                    "title": rule.name,
                    "description": rule.description,
                    "severity": self.severity,
                    "category": self.category,
                    "recommendedActions": self.actions,
                    "mitreTechniques": self.techniques,
                    "impactedAssets": [],
                },
                "organizationalScope": null,
                "responseActions": [],
            },
        });
        format!("{value:#}\n")
    }
}
