//! An analytics rule as an ARM template.
//!
//! In: an [`AnalyticsRule`]. Out: text. Must not know: limits; the rule keeps them.

use serde_json::{Map, Value, json};

use super::rule::AnalyticsRule;
use crate::pack::schedule::iso;

const API: &str = "2022-11-01";

/// The text.
pub(super) fn print(rule: &AnalyticsRule) -> String {
    let id = &rule.id;
    let resource = json!({
        "id": format!("[concat(resourceId('Microsoft.OperationalInsights/workspaces/providers', parameters('workspace'), 'Microsoft.SecurityInsights'),'/alertRules/{id}')]"),
        "name": format!("[concat(parameters('workspace'),'/Microsoft.SecurityInsights/{id}')]"),
        "type": "Microsoft.OperationalInsights/workspaces/providers/alertRules",
        "apiVersion": API,
        "kind": "Scheduled",
        "properties": properties(rule),
    });
    template(&resource)
}

/// A template with one resource and the workspace as its parameter.
pub(super) fn template(resource: &Value) -> String {
    let template = json!({
        "$schema": "https://schema.management.azure.com/schemas/2019-04-01/deploymentTemplate.json#",
        "contentVersion": "1.0.0.0",
        "parameters": { "workspace": { "type": "String" } },
        "resources": [resource],
    });
    format!("{template:#}\n")
}

/// Text as ARM takes it literally: one that begins with a bracket would be an expression.
pub(super) fn literal(text: &str) -> String {
    if text.starts_with('[') { format!("[{text}") } else { text.to_owned() }
}

fn properties(rule: &AnalyticsRule) -> Value {
    let details: Map<String, Value> =
        rule.details.iter().map(|(name, column)| (name.clone(), Value::from(column.as_str()))).collect();
    let mut properties = json!({
        "displayName": literal(&rule.name),
        "description": literal(&rule.description),
        "severity": rule.severity,
        "enabled": false,
        "query": literal(&rule.query),
        "queryFrequency": iso(rule.plan.every),
        "queryPeriod": iso(rule.plan.look_back),
        "triggerOperator": "GreaterThan",
        "triggerThreshold": 0,
        // It would stop the rule for every key.
        "suppressionEnabled": false,
        "suppressionDuration": "PT5H",
        "tactics": rule.tactics,
        "techniques": rule.techniques,
        "entityMappings": rule.entities,
        "customDetails": details,
        "eventGroupingSettings": { "aggregationKind": "AlertPerResult" },
        "incidentConfiguration": { "createIncident": true, "groupingConfiguration": grouping(rule) },
    });
    if let Some(map) = properties.as_object_mut() {
        for key in ["entityMappings", "customDetails"] {
            let is_empty = |value: &Value| {
                value.as_array().is_some_and(Vec::is_empty) || value.as_object().is_some_and(Map::is_empty)
            };
            if map.get(key).is_some_and(is_empty) {
                map.shift_remove(key);
            }
        }
    }
    properties
}

fn grouping(rule: &AnalyticsRule) -> Value {
    let (window, names) = rule.grouping.clone().unwrap_or((5 * 3_600, Vec::new()));
    json!({
        "enabled": rule.grouping.is_some(),
        "reopenClosedIncident": false,
        "lookbackDuration": iso(window),
        "matchingMethod": if rule.grouping.is_some() { "Selected" } else { "AllEntities" },
        "groupByEntities": [],
        "groupByAlertDetails": [],
        "groupByCustomDetails": names,
    })
}
