//! What an alert sets off in Splunk Enterprise Security: a finding (notable event) and risk.
//!
//! In: a rule. Out: settings of its saved search. Must not know: schedules.
//!
//! Without Enterprise Security these actions do nothing. Keys: savedsearches.conf of ES, as contentctl 5.6 writes it.

use serde_json::{Value, json};

use crate::attack;
use crate::ir::{Entity, EntityKind, Severity};
use crate::pack::input::Ruled;

/// The settings.
pub(super) fn settings(ruled: &Ruled<'_>, name: &str) -> Vec<(String, String)> {
    let rule = ruled.rule;
    let risk: Vec<Value> = rule.alert.entities.iter().map(|entity| object(ruled, entity)).collect();
    let message = message(ruled);
    let set = |key: &str, value: String| (key.to_owned(), value);
    let mut settings = vec![
        set("action.correlationsearch.enabled", "1".to_owned()),
        set("action.correlationsearch.label", name.to_owned()),
        set("action.correlationsearch.annotations", annotations(ruled)),
        set("action.notable", "1".to_owned()),
        set("action.notable.param.rule_title", name.to_owned()),
        set("action.notable.param.rule_description", message.clone()),
        set("action.notable.param.security_domain", "threat".to_owned()),
        set("action.notable.param.severity", rule.meta.severity.word().to_owned()),
    ];
    if !risk.is_empty() {
        settings.extend([
            set("action.risk", "1".to_owned()),
            set("action.risk.param._risk", Value::from(risk).to_string()),
            set("action.risk.param._risk_message", message),
            set("action.risk.param._risk_score", "0".to_owned()),
        ]);
    }
    settings
}

/// An entity: what bears the risk, or what the threat is.
fn object(ruled: &Ruled<'_>, Entity { kind, field }: &Entity) -> Value {
    let column = ruled.column(field);
    let risk = |kind: &str| json!({ "risk_object_field": column, "risk_object_type": kind, "risk_score": score(ruled) });
    let threat = |kind: &str| json!({ "threat_object_field": column, "threat_object_type": kind });
    match kind {
        EntityKind::Account => risk("user"),
        EntityKind::Host => risk("system"),
        EntityKind::Resource => risk("other"),
        EntityKind::Ip => threat("ip_address"),
        EntityKind::Url => threat("url"),
    }
}

fn score(ruled: &Ruled<'_>) -> u64 {
    match ruled.rule.meta.severity {
        Severity::Informational => 5,
        Severity::Low => 20,
        Severity::Medium => 40,
        Severity::High => 70,
        Severity::Critical => 90,
    }
}

/// The title with the entities, as Splunk fills them in.
fn message(ruled: &Ruled<'_>) -> String {
    let entities = ruled.rule.alert.entities.iter();
    let shown: Vec<_> =
        entities.map(|entity| format!("{} ${}$", entity.kind.name(), ruled.column(&entity.field))).collect();
    // A `$` of the title would begin a field.
    let title = crate::pack::name::one_line(&ruled.rule.meta.title, 200).replace('$', "");
    if shown.is_empty() { title } else { format!("{title}: {}", shown.join(", ")) }
}

fn annotations(ruled: &Ruled<'_>) -> String {
    let meta = &ruled.rule.meta;
    let ids: Vec<_> = meta.attack.iter().map(|id| id.to_ascii_uppercase()).collect();
    let techniques: Vec<_> = ids.iter().filter(|id| attack::technique(id).is_some()).collect();
    if techniques.is_empty() {
        return String::new();
    }
    json!({ "mitre_attack": techniques }).to_string()
}
