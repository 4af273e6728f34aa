//! Events as other programs export them: as text in strings, as rows, with their fields taken apart.

use serde_json::json;

use super::files::{Scenario, TWO_CALLS, alerts, call, skipped};

/// Twenty events that matter not, and two that make an alert.
fn events() -> Vec<String> {
    let mut all: Vec<String> =
        (0..20).map(|number| call(&format!("x{number}"), "00:01:00", "Describe")).collect();
    all.extend([call("1", "00:00:00", "CreateUser"), call("2", "00:05:00", "RunInstances")]);
    all
}

/// The number of alerts and of events of the source, and how much was skipped.
fn read(text: &str) -> (usize, u64, u64) {
    let report = Scenario::new().file("aws.cloudtrail", "log", text).run(TWO_CALLS);
    assert!(!report.stats.is_incomplete(), "{text}: {:?}", report.stats);
    let skipped = skipped(&report).iter().map(|(_, count, ..)| count).sum();
    (alerts(&report), report.stats.recognised, skipped)
}

/// Behind the first broken value in the text of an envelope, all events were passed over.
#[test]
fn a_broken_value_in_a_string_costs_no_event_behind_it() {
    let all = events();
    for (junk, broken) in [("\n{\"a\"\n", 1), (",", 0), (";", 1), ("\n{\"a\":1,}\n", 1), ("\nnot JSON\n", 1)]
    {
        for at in [1, 20, 21] {
            let text = all[..at].join("\n") + junk + &all[at..].join("\n");
            for text in [
                json!({ "message": text }).to_string(),
                json!({ "message": json!({ "message": text }).to_string() }).to_string(),
                json!({ "Records": [{ "message": text }] }).to_string(),
                // The string itself, and beside a list.
                json!(text).to_string(),
                json!({ "Records": [{ "message": all[0] }], "message": text }).to_string(),
            ] {
                let (alerts, recognised, skipped) = read(&text);
                assert!(alerts == 1 && recognised >= 22, "{junk:?} at {at}: {recognised} of {text}");
                assert_eq!(skipped, broken, "{junk:?} at {at}: {text}");
            }
        }
    }
    // A list that breaks off.
    let cut = format!("{{\"Records\":[{},{{\"eventN", all.join(","));
    assert_eq!(read(&json!({ "message": cut }).to_string()), (1, 22, 1));
}

#[test]
fn events_in_strings_are_read() {
    let all = events();
    let strings: Vec<String> = all.iter().map(|event| json!(event).to_string()).collect();
    for text in [
        strings.join("\n"),
        strings.concat(),
        format!("[{}]", strings.join(",")),
        json!(format!("[{}]", all.join(","))).to_string(),
        json!(all.join("\n").replace("{\"event", "{\n\t\"event")).to_string(),
    ] {
        assert_eq!(read(&text), (1, 22, 0), "{text}");
    }
}
