//! Rules as Kibana imports them: one JSON object a line, exception lists after the rules, a summary at the end.
//!
//! In: rules. Out: text. Must not know: rules of this language.

use serde_json::{Value, json};
use uuid::Uuid;

use super::rule::EqlRule;

/// The name of the file.
pub(super) const FILE: &str = "kibana_import.ndjson";

/// An object of the file.
#[derive(Debug)]
pub(in crate::pack) struct Object {
    is_rule: bool,
    /// Rules in order of name, a building block before the rule that reads it.
    key: (bool, String),
    value: Value,
}

/// The rule, and an empty exception list for what a team leaves out. An allowlist of the rule is in the query: an
/// exception of a sequence takes events from every item, not from the one that the rule excepts.
pub(super) fn objects(rule: &EqlRule) -> Vec<Object> {
    let key = (!rule.is_building_block, rule.name.clone());
    let mut value = object(rule);
    let Some(map) = value.as_object_mut() else { return Vec::new() };
    if let Some(suppression) = &rule.suppression {
        map.insert(
            "alert_suppression".to_owned(),
            json!({
                "group_by": suppression.group_by,
                "duration": { "value": suppression.value, "unit": suppression.unit },
                "missing_fields_strategy": "doNotSuppress",
            }),
        );
    }
    if rule.is_building_block {
        map.insert("building_block_type".to_owned(), json!("default"));
        map.insert("exceptions_list".to_owned(), json!([]));
        return vec![Object { is_rule: true, key, value }];
    }
    let list = format!("{}-exceptions", rule.id);
    let id = Uuid::new_v5(&Uuid::NAMESPACE_URL, list.as_bytes()).to_string();
    let named = json!({ "id": id, "list_id": list, "type": "detection", "namespace_type": "single" });
    map.insert("exceptions_list".to_owned(), json!([named]));
    let exceptions = json!({
        "id": id,
        "list_id": list,
        "type": "detection",
        "namespace_type": "single",
        "name": format!("Exceptions of {}", rule.name),
        "description": "What a team leaves out of this rule; give every item an expiry",
        "tags": [],
        "os_types": [],
        "immutable": false,
        "version": 1,
    });
    vec![Object { is_rule: true, key: key.clone(), value }, Object { is_rule: false, key, value: exceptions }]
}

/// The rule without what depends on its role.
fn object(rule: &EqlRule) -> Value {
    json!({
        "rule_id": rule.id,
        "name": rule.name,
        "description": rule.description,
        "author": [rule.author],
        "type": "eql",
        "language": "eql",
        "index": rule.indexes,
        "query": rule.query,
        "severity": rule.severity,
        "severity_mapping": [],
        "risk_score": rule.risk_score,
        "risk_score_mapping": [],
        "interval": rule.interval,
        "from": rule.from,
        "to": "now",
        "max_signals": rule.max_signals,
        "enabled": false,
        "immutable": false,
        "version": 1,
        "tags": rule.tags,
        "threat": rule.threats,
        "references": rule.references,
        "false_positives": rule.false_positives,
        "note": rule.note,
        "setup": rule.setup,
        "actions": [],
    })
}

/// The file; nothing without objects.
pub(super) fn print(mut objects: Vec<Object>) -> Option<String> {
    if objects.is_empty() {
        return None;
    }
    objects.sort_by(|one, other| (!one.is_rule, &one.key).cmp(&(!other.is_rule, &other.key)));
    let rules = objects.iter().filter(|object| object.is_rule).count();
    let lists = objects.len() - rules;
    let summary = json!({
        "exported_count": objects.len(),
        "exported_rules_count": rules,
        "missing_rules": [],
        "missing_rules_count": 0,
        "exported_exception_list_count": lists,
        "exported_exception_list_item_count": 0,
        "missing_exception_list_item_count": 0,
        "missing_exception_list_items": [],
        "missing_exception_lists": [],
        "missing_exception_lists_count": 0,
        "exported_action_connector_count": 0,
        "missing_action_connection_count": 0,
        "missing_action_connections": [],
        "excluded_action_connection_count": 0,
        "excluded_action_connections": [],
    });
    let mut text = String::new();
    for value in objects.iter().map(|object| &object.value).chain([&summary]) {
        text.push_str(&value.to_string());
        text.push('\n');
    }
    Some(text)
}
