//! A rule as TOML of elastic/detection-rules.
//!
//! In: an [`EqlRule`]. Out: text. Must not know: rules of this language.

use serde::Serialize;

use super::rule::EqlRule;
use super::threat::Threat;

#[derive(Debug, Serialize)]
struct Document<'a> {
    metadata: Metadata<'a>,
    rule: Rule<'a>,
}

#[derive(Debug, Serialize)]
struct Metadata<'a> {
    creation_date: &'a str,
    maturity: &'a str,
    updated_date: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    bypass_bbr_timing: Option<bool>,
}

/// Keys of values before those of tables: TOML wants it so.
#[derive(Debug, Serialize)]
struct Rule<'a> {
    author: [&'a str; 1],
    #[serde(skip_serializing_if = "Option::is_none")]
    building_block_type: Option<&'static str>,
    description: &'a str,
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    false_positives: &'a [String],
    from: &'a str,
    index: &'a [String],
    interval: &'a str,
    language: &'static str,
    max_signals: u64,
    name: &'a str,
    note: &'a str,
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    references: &'a [String],
    risk_score: u64,
    #[serde(rename = "rule_id")]
    id: &'a str,
    setup: &'a str,
    severity: &'a str,
    tags: &'a [String],
    #[serde(rename = "type")]
    kind: &'static str,
    query: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    alert_suppression: Option<Suppression<'a>>,
    #[serde(skip_serializing_if = "<[Threat]>::is_empty")]
    threat: &'a [Threat],
}

#[derive(Debug, Serialize)]
struct Suppression<'a> {
    group_by: &'a [String],
    missing_fields_strategy: &'static str,
    duration: Duration,
}

#[derive(Debug, Serialize)]
struct Duration {
    value: u64,
    unit: &'static str,
}

/// The text.
pub(super) fn print(rule: &EqlRule) -> String {
    let [creation_date, updated_date] = &rule.dates;
    let document = Document {
        metadata: Metadata {
            creation_date,
            maturity: rule.maturity,
            updated_date,
            // A building block runs as often as the rule that reads it, not once in an hour.
            bypass_bbr_timing: rule.is_building_block.then_some(true),
        },
        rule: Rule {
            author: [&rule.author],
            building_block_type: rule.is_building_block.then_some("default"),
            description: &rule.description,
            false_positives: &rule.false_positives,
            from: &rule.from,
            index: &rule.indexes,
            interval: &rule.interval,
            language: "eql",
            max_signals: rule.max_signals,
            name: &rule.name,
            note: &rule.note,
            references: &rule.references,
            risk_score: rule.risk_score,
            id: &rule.id,
            setup: &rule.setup,
            severity: rule.severity,
            tags: &rule.tags,
            kind: "eql",
            query: &rule.query,
            alert_suppression: rule.suppression.as_ref().map(|suppression| Suppression {
                group_by: &suppression.group_by,
                missing_fields_strategy: "doNotSuppress",
                duration: Duration { value: suppression.value, unit: suppression.unit },
            }),
            threat: &rule.threats,
        },
    };
    // Texts, numbers and lists of them always have a TOML form.
    ::toml::to_string_pretty(&document).unwrap_or_default()
}
