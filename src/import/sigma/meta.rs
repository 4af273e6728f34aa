//! What a Sigma rule says of itself.
//!
//! In: the document that alerts. Out: the head of a draft. Must not know: detections, correlations.

use crate::attack;

use super::super::draft::{self, Draft};
use super::super::report::Report;
use super::document::Document;

/// The head of a draft.
pub(super) fn head(rule: &Document, given: &str, report: &Report<'_>) -> Draft {
    let title = rule.text("title");
    let names = [rule.text("name"), title.clone(), given.to_owned()];
    let name = names.iter().map(|name| draft::name(name, "")).find(|name| !name.is_empty());
    let mut attack: Vec<String> = rule.texts("tags").iter().filter_map(|tag| technique(tag)).collect();
    attack.dedup();
    let mut draft = Draft {
        name: name.unwrap_or_else(|| "imported".to_owned()),
        title: one_line(title.trim_end_matches('.')),
        description: one_line(&rule.text("description")),
        author: one_line(&rule.text("author")),
        severity: severity(&rule.text("level")),
        attack,
        references: rule.texts("references").into_iter().filter(|text| is_link(text)).collect(),
        false_positives: rule.texts("falsepositives").iter().map(|text| one_line(text)).collect(),
        ..Draft::default()
    };
    draft.false_positives.retain(|text| text != "Unknown" && text != "Unlikely" && text != "None");
    let file = report.sources.get(rule.file).map_or("", |file| file.name.as_str());
    let id = rule.text("id");
    let of = if id.is_empty() { String::new() } else { format!(", id {id}") };
    draft.origin.push(format!("derived from Sigma: {file}{of}"));
    for key in ["status", "date", "modified", "license"] {
        let value = rule.text(key);
        if !value.is_empty() {
            draft.origin.push(format!("its {key}: {value}"));
        }
    }
    for text in rule.texts("references").iter().filter(|text| !is_link(text)) {
        draft.origin.push(format!("its reference: {text}"));
    }
    draft
}

fn is_link(text: &str) -> bool {
    (text.starts_with("https://") || text.starts_with("http://")) && !text.contains(char::is_whitespace)
}

fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn severity(level: &str) -> String {
    let known = ["informational", "low", "medium", "high", "critical"];
    known.iter().find(|known| **known == level).map_or_else(String::new, |known| (*known).to_owned())
}

/// The ATT&CK id of a tag: a tactic by its name, a technique by its number.
fn technique(tag: &str) -> Option<String> {
    let word = tag.strip_prefix("attack.")?.to_ascii_lowercase().replace('_', "-");
    if let Some(tactic) = attack::by_slug(&word) {
        return Some(tactic.id.to_owned());
    }
    let id = word.to_ascii_uppercase();
    attack::technique(&id).is_some().then_some(id)
}
