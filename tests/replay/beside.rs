//! Events that stand beside a list of events, or that hold an empty one.

use super::files::{Scenario, TWO_CALLS, alerts, call};
use serde_json::{Value as Json, json};

/// The number of alerts, of events of the source and of what was skipped.
fn read(text: &str) -> (usize, u64, u64) {
    let report = Scenario::new().file("aws.cloudtrail", "log", text).run(TWO_CALLS);
    let skipped = report.stats.skipped.values().map(|skipped| skipped.count).sum();
    (alerts(&report), report.stats.recognised, skipped)
}

fn events() -> (Json, Json) {
    let parsed = |event: String| serde_json::from_str(&event).unwrap();
    (parsed(call("1", "00:00:00", "CreateUser")), parsed(call("2", "00:05:00", "RunInstances")))
}

fn lines(values: &[Json]) -> String {
    values.iter().map(|value| value.to_string() + "\n").collect()
}

#[test]
fn an_empty_list_swallows_no_event() {
    let (first, second) = events();
    let text = |event: &Json| event.to_string();
    let last = |event: &Json| {
        let mut event = event.clone();
        event["events"] = json!([]);
        event
    };
    let first_member = |event: &Json| text(event).replacen('{', "{\"events\": [ ],", 1);
    let before: String =
        (0..20).map(|number| call(&format!("x{number}"), "00:01:00", "Describe") + "\n").collect();
    for form in [
        lines(&[&first, &second].map(|event| json!({ "events": [], "message": text(event) }))),
        lines(&[&first, &second].map(|event| json!({ "message": text(event), "events": [] }))),
        lines(&[&first, &second].map(|event| json!({ "hits": { "hits": [] }, "detail": event }))),
        lines(&[last(&first), last(&second)]),
        first_member(&first) + &first_member(&second),
        lines(&[json!({ "events": [], "Records": [first, second] })]),
        lines(&[json!({ "Records": [], "Records2": 1 }), first.clone(), second.clone()]),
    ] {
        assert_eq!(read(&form), (1, 2, 0), "{form}");
        assert_eq!(read(&(before.clone() + &form)), (1, 22, 0), "behind others: {form}");
    }
    assert_eq!(read(r#"{"Records":[]}"#), (0, 0, 0));
}

#[test]
fn an_event_beside_a_list_is_read_once() {
    let (first, second) = events();
    for form in [
        json!({ "Records": [first], "detail": second }),
        json!({ "detail": second, "Records": [first] }),
        json!({ "Records": [first], "message": second.to_string() }),
        json!({ "Records": [first], "result": { "_raw": second.to_string(), "eventName": "x" } }),
        json!({ "hits": { "hits": [first] }, "_source": { "event": { "original": second.to_string() } } }),
        // The same once more, taken apart.
        json!({ "Records": [first], "detail": second, "message": second.to_string() }),
        json!({ "Records": [first, second], "message": "no event", "detail": { "a": 1 }, "result": null }),
    ] {
        let pretty = serde_json::to_string_pretty(&form).unwrap();
        for text in [form.to_string(), pretty] {
            assert_eq!(read(&text), (1, 2, 0), "{text}");
        }
    }
}
