//! An analytics rule as YAML, as Azure-Sentinel keeps its templates.
//!
//! In: an [`AnalyticsRule`]. Out: text. Must not know: limits; the rule keeps them.

use indexmap::IndexMap;
use serde::Serialize;

use super::entity::Mapping;
use super::rule::AnalyticsRule;
use crate::pack::schedule;
use crate::yaml::{self, Prose, Quoted};

/// Keys in the order of the templates.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Template<'a> {
    id: &'a str,
    name: Quoted<'a>,
    description: Prose<'a>,
    severity: &'a str,
    status: &'a str,
    required_data_connectors: Vec<Connector<'a>>,
    query_frequency: String,
    query_period: String,
    trigger_operator: &'static str,
    trigger_threshold: u64,
    tactics: &'a [String],
    relevant_techniques: &'a [String],
    query: Prose<'a>,
    #[serde(skip_serializing_if = "<[Mapping]>::is_empty")]
    entity_mappings: &'a [Mapping],
    #[serde(skip_serializing_if = "IndexMap::is_empty")]
    custom_details: IndexMap<&'a str, &'a str>,
    event_grouping_settings: Grouping,
    version: &'static str,
    kind: &'static str,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Connector<'a> {
    connector_id: &'a str,
    data_types: &'a [String],
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Grouping {
    aggregation_kind: &'static str,
}

/// The text.
pub(super) fn print(rule: &AnalyticsRule) -> String {
    let connector = |(id, tables): &'_ (String, Vec<String>)| (id.clone(), tables.clone());
    let connectors: Vec<_> = rule.connectors.iter().map(connector).collect();
    let template = Template {
        id: &rule.id,
        name: Quoted(&rule.name),
        description: Prose(&rule.description),
        severity: rule.severity,
        status: rule.status,
        required_data_connectors: connectors
            .iter()
            .map(|(id, tables)| Connector { connector_id: id, data_types: tables })
            .collect(),
        query_frequency: schedule::short(rule.plan.every),
        query_period: schedule::short(rule.plan.look_back),
        trigger_operator: "gt",
        trigger_threshold: 0,
        tactics: &rule.tactics,
        relevant_techniques: &rule.techniques,
        query: Prose(&rule.query),
        entity_mappings: &rule.entities,
        custom_details: rule.details.iter().map(|(name, column)| (name.as_str(), column.as_str())).collect(),
        event_grouping_settings: Grouping { aggregation_kind: "AlertPerResult" },
        version: "1.0.0",
        kind: "Scheduled",
    };
    // Only what cannot be a key fails, and all keys are names.
    yaml::write(&[template]).unwrap_or_default()
}
