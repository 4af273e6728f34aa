//! What stands between events and is none costs none of them.

use super::files::{Scenario, TWO_CALLS, alerts, call, skipped};

/// Twenty events that matter not, and two that make an alert.
fn events() -> Vec<String> {
    let mut all: Vec<String> =
        (0..20).map(|number| call(&format!("x{number}"), "00:01:00", "Describe")).collect();
    all.extend([call("1", "00:00:00", "CreateUser"), call("2", "00:05:00", "RunInstances")]);
    all
}

/// The number of alerts and of events of the source, and how much was skipped.
fn read(source: &str, rule: &str, text: &str) -> (usize, u64, u64) {
    let report = Scenario::new().file(source, "log", text).run(rule);
    assert!(!report.stats.is_incomplete(), "{text}: {:?}", report.stats);
    let skipped = skipped(&report).iter().map(|(_, count, ..)| count).sum();
    (alerts(&report), report.stats.recognised, skipped)
}

#[test]
fn junk_on_a_line_costs_no_event_behind_it() {
    let all = events();
    for junk in [";", "x", "null", ":", "\"", "\u{a0}", " ; ", "-- x --", ";;;", "[1] x"] {
        for at in [0, 1, 20, 21] {
            let (before, after) = all.split_at(at);
            let list = |events: &[String]| format!(r#"{{"Records":[{}]}}"#, events.join(","));
            for text in [
                before.concat() + junk + &after.concat(),
                before.concat() + "\n" + junk + &after.concat() + "\n",
                list(before) + junk + &list(after),
                format!("[{}]{junk}[{}]", before.join(","), after.join(",")),
            ] {
                let (alerts, recognised, skipped) = read("aws.cloudtrail", TWO_CALLS, &text);
                assert!(alerts == 1 && recognised >= 22, "{junk:?} at {at}: {recognised} of {text}");
                // What ends in a blank is a prefix, as times and hosts are.
                assert!(skipped >= 1 || junk == " ; ", "{junk:?} at {at}: {text}");
            }
        }
    }
    let (before, after) = all.split_at(20);
    let in_list = format!(r#"{{"Records":[{};{}]}}"#, before.join(","), after.join(","));
    assert_eq!(read("aws.cloudtrail", TWO_CALLS, &in_list), (1, 22, 1));
}

#[test]
fn hostile_junk_is_read_in_linear_time() {
    // Seconds when linear; hours when each piece is looked at to the end of its line.
    for piece in ["x{}", "x[[", ":{ \"a", "\"a\":{", "x\"{\"\"", "x{\"a\":1}", "x[", "x{     "] {
        let text = piece.repeat(2_000_000 / piece.len());
        let _ = Scenario::new().file("aws.cloudtrail", "log", &text).run(TWO_CALLS);
    }
}
