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
/// Graph's word, seconds between two runs, seconds that each looks back.
const PERIODS: [(&str, u64, u64); 4] = [
    ("1H", HOUR, 4 * HOUR),
    ("3H", 3 * HOUR, 12 * HOUR),
    ("12H", 12 * HOUR, 48 * HOUR),
    ("24H", 24 * HOUR, 720 * HOUR),
];

/// A custom detection.
#[derive(Debug)]
pub(super) struct Detection {
    period: &'static str,
    query: String,
    category: String,
    techniques: Vec<String>,
    severity: &'static str,
    actions: String,
    /// What is left out or changed, and why.
    pub(super) remarks: Vec<String>,
}

impl Detection {
    /// The detection of a part; nothing if no period is long enough, which a remark of the rule cannot mend.
    pub(super) fn new(ruled: &Ruled<'_>, part: &Part, diags: &mut Diagnostics) -> Option<Self> {
        let fits = |(_, every, look_back): &&(&str, u64, u64)| {
            Plan::sliced(part.schedule, *every).look_back <= *look_back
        };
        let Some((period, every, look_back)) = PERIODS.iter().find(fits) else {
            let needed = Plan::sliced(part.schedule, 24 * HOUR).look_back;
            let whose = "a custom detection of Defender";
            diags.push(refusal::look_back(ruled.rule, &part.name, needed, 720 * HOUR, whose));
            return None;
        };
        let plan = Plan::sliced(part.schedule, *every);
        let query = query::sliced(ruled, &part.text, plan).map_err(|found| diags.push(*found)).ok()?;
        let meta = &ruled.rule.meta;
        let ids: Vec<_> = meta.attack.iter().map(|id| id.to_ascii_uppercase()).collect();
        let techniques: Vec<_> = ids.iter().filter(|id| attack::technique(id).is_some()).cloned().collect();
        let tactic = ids.iter().find_map(|id| attack::tactic(id));
        let tactic = tactic.or_else(|| techniques.iter().find_map(|id| attack::tactics_of(id).next()));
        let [every, look_back] = [*every, *look_back].map(crate::ir::duration);
        Some(Self {
            period,
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
            "schedule": { "period": self.period },
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
