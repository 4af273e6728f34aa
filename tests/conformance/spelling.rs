//! Events as Sigma's source files describe them: what they state of letter case holds, and success may be written out.
//!
//! In: scenarios for an emission of Sigma. Out: the scenarios without events that the source file rules out.
//! Must not know: query text.

use catena::catalog::LetterCase;
use catena::engine::text::Wildcard;
use catena::ir::{Case, EntryValue, List, Pattern, Pred, Selection, TestKind};
use serde_json::json;

use super::raw::Event;
use super::samples::CLOUDTRAIL;
use super::scenarios::Maker;

/// Takes out the events with values that are spelt as the source file says no value is. Some of the calls that went
/// well say so by an error code, as they do behind the Splunk add-on.
pub(super) fn keep(maker: &Maker<'_>, scenario: &mut Vec<Event>) {
    scenario.retain(|event| is_spelt_as_stated(maker, event));
    for event in scenario.iter_mut().step_by(3).filter(|event| event.source == CLOUDTRAIL) {
        if event.raw.get("errorCode").is_none() {
            event.raw["errorCode"] = json!("success");
        }
    }
}

fn is_spelt_as_stated(maker: &Maker<'_>, event: &Event) -> bool {
    // The text for "no error" is spelt in one way, too.
    let code = event.raw.get("errorCode").and_then(serde_json::Value::as_str).unwrap_or_default();
    if code.eq_ignore_ascii_case("success") && code != "success" {
        return false;
    }
    let records = maker.records(event);
    let fields = maker.catalog.source(&event.source).unwrap().fields.values();
    let spelt = fields.filter_map(|field| Some((field.name.as_str(), field.spelling?)));
    spelt.into_iter().all(|(name, letters)| {
        let texts = records.iter().filter_map(|record| Some(record.get(name)?.to_string()));
        texts.into_iter().all(|text| match letters {
            LetterCase::Lower => text == text.to_lowercase(),
            LetterCase::Upper => text == text.to_uppercase(),
            LetterCase::One => !patterns_on(maker, name).iter().any(|pattern| {
                let matches = |case| Wildcard::new(pattern, case).matches(&text);
                LetterCase::One.settles(pattern) && matches(Case::Ignore) && !matches(Case::Sensitive)
            }),
        })
    })
}

/// What the rule compares a field with in a way that tells letters apart.
fn patterns_on(maker: &Maker<'_>, name: &str) -> Vec<Pattern> {
    let tests = maker.rule.chain.selections().flat_map(Selection::conditions).flat_map(Pred::tests);
    let kinds = tests.filter(|test| test.field.name == name).map(|test| &test.kind);
    kinds.flat_map(|kind| patterns(kind, &maker.rule.lists)).collect()
}

fn patterns(kind: &TestKind, lists: &[List]) -> Vec<Pattern> {
    match kind {
        TestKind::Equals { values, .. } => {
            values.iter().map(|value| Pattern::exactly(&value.text())).collect()
        }
        TestKind::Like { pattern, .. } => vec![pattern.clone()],
        TestKind::Substring { place, text, .. } => vec![Pattern::around(*place, text)],
        TestKind::InList { list, case: _ } => {
            let entries = lists[*list].entries.iter();
            let pattern = |value: &EntryValue| match value {
                EntryValue::Pattern(pattern) => Some(pattern.clone()),
                EntryValue::Value(_) | EntryValue::Network(_) => None,
            };
            entries.filter_map(|entry| pattern(&entry.value)).collect()
        }
        TestKind::Exists
        | TestKind::InNetworks { .. }
        | TestKind::Order { .. }
        | TestKind::Matches { .. }
        | TestKind::SameAs { .. }
        | TestKind::TextOf { .. }
        | TestKind::Values(_) => Vec::new(),
    }
}
