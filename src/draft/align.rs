//! The steps that incidents have in common.
//!
//! In: the records of each incident. Out: for each incident one record for each step. Must not know: conditions, links.
//!
//! Of each event its first record counts. The kinds of events that all incidents have in one order are found two
//! incidents at a time, by their longest common subsequence; what comes several times in a row is one step.

use std::collections::HashSet;

use uuid::Uuid;

use crate::engine::record::Record;
use crate::ir::ACTION;
use crate::syntax;

/// The most steps of a proposal.
pub const MOST_STEPS: usize = 6;
/// The most events of an incident: pairs of them are compared.
const MOST_EVENTS: usize = 2_000;

/// The source of an event and what it is about.
type Kind = (String, String);

fn kind(record: &Record) -> Kind {
    let action = record.get(ACTION).map(ToString::to_string).unwrap_or_default();
    (record.schema.source().to_owned(), action)
}

/// For each incident the records of the steps that all have.
pub(super) fn align(incidents: &[Vec<Record>]) -> Result<Vec<Vec<Record>>, String> {
    let mut ordered = Vec::new();
    for (number, incident) in incidents.iter().enumerate() {
        let number = number + 1;
        let events = events(incident);
        match events.len() {
            0 => return Err(format!("incident {number} has no event")),
            count if count > MOST_EVENTS => {
                return Err(format!(
                    "incident {number} has {count} events: mark at most {MOST_EVENTS} that belong to it"
                ));
            }
            _ => ordered.push(events),
        }
    }
    let kinds: Vec<Vec<Kind>> =
        ordered.iter().map(|events| events.iter().map(|record| kind(record)).collect()).collect();
    let common = kinds
        .iter()
        .skip(1)
        .fold(kinds.first().cloned().unwrap_or_default(), |common, other| longest_common(&common, other));
    let mut steps = common;
    steps.dedup();
    if steps.is_empty() {
        let shown: Vec<String> = kinds.iter().filter_map(|kinds| kinds.first()).map(shown).collect();
        return Err(format!(
            "the incidents have no kind of event in common; they begin with {}",
            shown.join(" and ")
        ));
    }
    if steps.len() > MOST_STEPS {
        return Err(format!(
            "the incidents have {} kinds of events in common, in this order: {}; mark those of a chain of at most {MOST_STEPS}",
            steps.len(),
            steps.iter().map(shown).collect::<Vec<_>>().join(", ")
        ));
    }
    Ok(ordered.iter().map(|events| embed(&steps, events)).collect())
}

fn shown((source, action): &Kind) -> String {
    if action.is_empty() { source.clone() } else { format!("{action} of {source}") }
}

/// The first record of each event, in order of time.
fn events(incident: &[Record]) -> Vec<&Record> {
    let mut records: Vec<&Record> = incident.iter().collect();
    records.sort_by(|left, right| left.order(right));
    let mut seen = HashSet::new();
    records.retain(|record| seen.insert(record.event));
    records
}

/// The longest sequence that stands in both, from the table of lengths behind each pair of places.
fn longest_common(left: &[Kind], right: &[Kind]) -> Vec<Kind> {
    let width = right.len() + 1;
    let mut lengths = vec![0_u32; (left.len() + 1) * width];
    let at = |lengths: &[u32], i: usize, j: usize| lengths.get(i * width + j).copied().unwrap_or(0);
    for (i, one) in left.iter().enumerate().rev() {
        for (j, other) in right.iter().enumerate().rev() {
            let length = if one == other {
                at(&lengths, i + 1, j + 1) + 1
            } else {
                at(&lengths, i + 1, j).max(at(&lengths, i, j + 1))
            };
            if let Some(place) = lengths.get_mut(i * width + j) {
                *place = length;
            }
        }
    }
    let (mut i, mut j, mut found) = (0, 0, Vec::new());
    while let (Some(one), Some(other)) = (left.get(i), right.get(j)) {
        if one == other {
            found.push(one.clone());
            (i, j) = (i + 1, j + 1);
        } else if at(&lengths, i + 1, j) >= at(&lengths, i, j + 1) {
            i += 1;
        } else {
            j += 1;
        }
    }
    found
}

/// The first record of each step behind the one before it.
fn embed(steps: &[Kind], events: &[&Record]) -> Vec<Record> {
    let mut rest = events.iter();
    steps
        .iter()
        .filter_map(|step| rest.find(|record| kind(record) == *step))
        .map(|one| (*one).clone())
        .collect()
}

/// A name for a step that no other has.
pub(super) fn step_name(records: &[&Record], taken: &[String]) -> String {
    let (source, action) = records.first().map(|record| kind(record)).unwrap_or_default();
    let text =
        if action.is_empty() { source.rsplit('.').next().unwrap_or_default() } else { action.as_str() };
    let name = name(text).unwrap_or_else(|| "event".to_owned());
    let free = |name: &String| !taken.contains(name);
    let numbered = (2..).map(|number| format!("{name}_{number}"));
    std::iter::once(name.clone()).chain(numbered.take(MOST_STEPS)).find(free).unwrap_or(name)
}

/// A text as a name of the language: `CreateAccessKey` is `create_access_key`.
fn name(text: &str) -> Option<String> {
    let mut name = String::new();
    let mut before_is_lower = false;
    for c in text.chars() {
        if c.is_ascii_alphanumeric() {
            if c.is_ascii_uppercase() && before_is_lower {
                name.push('_');
            }
            name.push(c.to_ascii_lowercase());
        } else if !name.ends_with('_') {
            name.push('_');
        }
        before_is_lower = c.is_ascii_lowercase() || c.is_ascii_digit();
    }
    let name: String = name.trim_matches('_').chars().take(40).collect();
    let name = name.trim_end_matches('_').to_owned();
    let begins = name.starts_with(|c: char| c.is_ascii_lowercase());
    (begins && !syntax::is_keyword(&name)).then_some(name)
}

/// An id that the same incidents always give.
pub(super) fn id(examples: &[Vec<Record>]) -> String {
    let bytes: Vec<u8> =
        examples.iter().flatten().flat_map(|record| record.event.bits().to_be_bytes()).collect();
    Uuid::new_v5(&Uuid::NAMESPACE_OID, &bytes).to_string()
}

/// The next round length of a time in microseconds, not below another in seconds; in seconds.
pub(super) fn rounded_up(micros: i64, at_least: u64) -> u64 {
    const ROUND: [u64; 14] =
        [60, 300, 600, 900, 1_800, 3_600, 7_200, 14_400, 28_800, 43_200, 86_400, 172_800, 604_800, 2_592_000];
    let seconds = micros.max(0).unsigned_abs().div_ceil(1_000_000).max(at_least);
    ROUND.into_iter().find(|round| *round >= seconds).unwrap_or_else(|| seconds.div_ceil(86_400) * 86_400)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_windows() {
        for (text, wanted) in [
            ("CreateAccessKey", Some("create_access_key")),
            ("user.session.start", Some("user_session_start")),
            ("Microsoft.Compute/virtualMachines/write", Some("microsoft_compute_virtual_machines_write")),
            ("PutBucketPolicy2", Some("put_bucket_policy2")),
            ("4688", None),
            ("where", None),
            ("", None),
        ] {
            assert_eq!(name(text).as_deref(), wanted, "{text}");
        }
        for (micros, at_least, seconds) in [
            (0, 0, 60),
            (60_000_000, 0, 60),
            (60_000_001, 0, 300),
            (1, 600, 600),
            (i64::MAX, 0, 9_223_372_080_000),
        ] {
            let found = rounded_up(micros, at_least);
            assert!(
                found == seconds || (micros == i64::MAX && found >= 9_223_372_036_854),
                "{micros}: {found}"
            );
        }
    }

    #[test]
    fn the_longest_sequence_in_common() {
        let kinds = |text: &str| text.chars().map(|c| ("s".to_owned(), c.to_string())).collect::<Vec<_>>();
        for (left, right, common) in
            [("abcd", "xaxbd", "abd"), ("ab", "ba", "b"), ("", "a", ""), ("aab", "ab", "ab")]
        {
            assert_eq!(longest_common(&kinds(left), &kinds(right)), kinds(common), "{left} {right}");
        }
    }
}
