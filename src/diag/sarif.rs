//! Renders findings as SARIF 2.1.0, which code hosts and editors show beside the source.
//!
//! In: a [`Findings`]. Out: one log with one run; every code of the table is a rule of the tool.
//! Must not know: other formats.

use serde_json::{Value, json};

use super::{Code, Finding, Findings, Location, ResolvedFix, Severity};
use crate::source::visible_json;

/// The findings as a SARIF log.
#[must_use]
pub fn render(report: &Findings) -> String {
    let log = json!({
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [{
            "tool": { "driver": {
                "name": env!("CARGO_PKG_NAME"),
                "version": env!("CARGO_PKG_VERSION"),
                "rules": Code::ALL.iter().map(|code| rule(*code)).collect::<Vec<_>>(),
            }},
            // SARIF can count columns in code units of UTF-16 as well; ours count characters.
            "columnKind": "unicodeCodePoints",
            "results": report.findings().iter().map(result).collect::<Vec<_>>(),
        }],
    });
    visible_json(format!("{log:#}\n"))
}

fn level(severity: Severity) -> &'static str {
    match severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
    }
}

fn rule(code: Code) -> Value {
    json!({
        "id": code.id(),
        "shortDescription": { "text": code.title() },
        "help": { "text": format!("see docs/errors/{}.md", code.id()) },
        "defaultConfiguration": { "level": level(code.severity()) },
    })
}

fn result(finding: &Finding) -> Value {
    let index = Code::ALL.iter().position(|code| *code == finding.code);
    let mut text = finding.title.clone();
    for more in std::iter::once(&finding.primary.label).chain(&finding.help).filter(|more| !more.is_empty()) {
        text.push_str("; ");
        text.push_str(more);
    }
    let mut result = json!({
        "ruleId": finding.code.id(),
        "ruleIndex": index,
        "level": level(finding.severity()),
        "message": { "text": text },
        "locations": [location(&finding.primary)],
    });
    if let Value::Object(map) = &mut result {
        if !finding.secondary.is_empty() {
            map.insert("relatedLocations".to_owned(), finding.secondary.iter().map(location).collect());
        }
        if let Some(fix) = &finding.fix {
            map.insert("fixes".to_owned(), json!([change(fix)]));
        }
    }
    result
}

fn location(place: &Location) -> Value {
    let mut location =
        json!({ "physicalLocation": { "artifactLocation": artifact(place), "region": region(place) } });
    if let (Value::Object(map), false) = (&mut location, place.label.is_empty()) {
        map.insert("message".to_owned(), json!({ "text": place.label }));
    }
    location
}

fn change(fix: &ResolvedFix) -> Value {
    json!({
        "description": { "text": "fix it" },
        "artifactChanges": [{
            "artifactLocation": artifact(&fix.place),
            "replacements": [{
                "deletedRegion": region(&fix.place),
                "insertedContent": { "text": fix.replacement },
            }],
        }],
    })
}

fn region(place: &Location) -> Value {
    json!({
        "startLine": place.start.line,
        "startColumn": place.start.column,
        "endLine": place.end.line,
        "endColumn": place.end.column,
    })
}

/// The file as a URI reference: relative where the name is; what a URI cannot hold is percent-encoded.
fn artifact(place: &Location) -> Value {
    let name = place.file.name.replace('\\', "/");
    let relative = name.strip_prefix("./").unwrap_or(&name);
    let mut uri = String::with_capacity(relative.len());
    if relative.starts_with('/') {
        uri.push_str("file://");
    }
    for byte in relative.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~/".contains(&byte) {
            uri.push(char::from(byte));
        } else {
            uri.extend(["%".to_owned(), format!("{byte:02X}")]);
        }
    }
    json!({ "uri": uri })
}
