//! Making a scenario that shows a difference small.
//!
//! In: a scenario, and whether a scenario still shows it. Out: a scenario from which no event, and no plain part of
//! one, can be left out. Must not know: what the difference is.

use serde_json::Value;

use super::raw::Event;

/// The most scenarios tried; every try asks a third-party engine.
const TRIES: usize = 200;

pub(super) fn shrink(scenario: Vec<Event>, mut still: impl FnMut(&[Event]) -> bool) -> Vec<Event> {
    let (mut small, mut tries) = (scenario, 0);
    loop {
        let before = small.clone();
        for next in smaller(&before) {
            tries += 1;
            if tries > TRIES {
                return small;
            }
            if still(&next) {
                small = next;
                break;
            }
        }
        if small == before {
            return small;
        }
    }
}

/// Scenarios with one event less, or with one part of an event less.
fn smaller(scenario: &[Event]) -> Vec<Vec<Event>> {
    let mut scenarios = Vec::new();
    for index in 0..scenario.len() {
        let mut next = scenario.to_vec();
        next.remove(index);
        scenarios.push(next);
    }
    for (index, event) in scenario.iter().enumerate() {
        // AWS writes null for a whole request or response, and leaves other things out.
        for (part, is_written) in [
            ("responseElements", true),
            ("requestParameters", true),
            ("userAgent", false),
            ("sourceIPAddress", false),
        ] {
            let mut next = scenario.to_vec();
            let Some(raw) = next[index].raw.as_object_mut() else { continue };
            if raw.remove(part).is_some_and(|value| !value.is_null()) {
                if is_written {
                    raw.insert(part.to_owned(), Value::Null);
                }
                scenarios.push(next);
            }
        }
        let items = event.raw.pointer("/responseElements/instancesSet/items").and_then(Value::as_array);
        for item in 0..items.filter(|items| items.len() > 1).map_or(0, Vec::len) {
            let mut next = scenario.to_vec();
            let items = next[index].raw.pointer_mut("/responseElements/instancesSet/items").unwrap();
            items.as_array_mut().unwrap().remove(item);
            scenarios.push(next);
        }
    }
    scenarios.iter_mut().flatten().for_each(Event::settle);
    scenarios
}
