//! Events as other programs export them: as text in strings, as rows, with their fields taken apart.

use catena::replay::output;
use serde_json::{Value as Json, json};

use super::files::{MIDNIGHT, RULE, Scenario, TWO_CALLS, alerts, call, flow, launch, skipped};

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

/// The summary beside the counts: notes, and why files count as not read.
fn said(source: &str, text: &str, rule: &str) -> (usize, Vec<String>, Vec<String>) {
    let report = Scenario::new()
        .file("aws.cloudtrail", "trail", launch("1", "00:00:00", "eni-1"))
        .file(source, "log", text)
        .run(rule);
    let broken = report.stats.broken_files.iter().map(|(_, problem)| problem.clone()).collect();
    (alerts(&report), report.stats.notes.clone(), broken)
}

/// Where an event has `userIdentity.arn` as one key, its actor was missing, and no rule with a link alerted.
#[test]
fn dotted_keys_and_other_spellings_are_read() {
    let all = events();
    let nested = r#""userIdentity":{"arn":"#;
    assert!(all[0].contains(nested), "{}", all[0]);
    let dotted = |event: &String| {
        let event: Json = serde_json::from_str(event).unwrap();
        let Json::Object(members) = event else { panic!("an object") };
        let mut flat = serde_json::Map::new();
        for (key, value) in members {
            if let Json::Object(inner) = value {
                flat.extend(inner.into_iter().map(|(name, value)| (format!("{key}.{name}"), value)));
            } else {
                flat.insert(key, value);
            }
        }
        flat
    };
    let flat: Vec<_> = all.iter().map(dotted).collect();
    let json = |event: &serde_json::Map<String, Json>| Json::Object(event.clone()).to_string() + "\n";
    assert_eq!(read(&flat.iter().map(json).collect::<String>()), (1, 22, 0));
    let lower = |event: &serde_json::Map<String, Json>| {
        Json::Object(event.iter().map(|(key, value)| (key.to_lowercase(), value.clone())).collect())
            .to_string()
    };
    assert_eq!(read(&flat.iter().map(lower).collect::<String>()), (1, 22, 0));
    let result = |event: &serde_json::Map<String, Json>| json!({ "result": event }).to_string();
    assert_eq!(read(&flat.iter().map(result).collect::<String>()), (1, 22, 0));
    // Below the top too, as Athena unloads them.
    let deep = all.join("\n").replace("eventName", "eventname").replace("userIdentity", "useridentity");
    assert_eq!(read(&deep), (1, 22, 0));
    let columns: Vec<&String> = flat[0].keys().collect();
    let cell = |event: &serde_json::Map<String, Json>, column: &str| {
        event.get(column).and_then(Json::as_str).unwrap_or_default().to_owned()
    };
    let row = |event: &serde_json::Map<String, Json>| {
        columns.iter().map(|column| cell(event, column)).collect::<Vec<_>>().join(",") + "\n"
    };
    let head = columns.iter().map(|column| column.as_str()).collect::<Vec<_>>().join(",") + "\n";
    assert_eq!(read(&(head + &flat.iter().map(row).collect::<String>())), (1, 22, 0));
}

/// It was "0 alerts" without a word.
#[test]
fn a_field_that_no_event_has_is_named() {
    let trail = |actor: &str| events().join("\n").replace(r#""userIdentity":{"arn":"#, actor);
    let report = |text: String| Scenario::new().file("aws.cloudtrail", "log", text).run(TWO_CALLS);
    let without = report(trail(r#""userIdentity":{"x":"#));
    assert_eq!(alerts(&without), 0);
    assert_eq!(
        without.stats.notes,
        [
            "no event of aws.cloudtrail that was read in full (16) has `actor.id` (`userIdentity.arn`), which step `first` of `calls` and 1 more step need"
        ]
    );
    assert!(!without.stats.is_incomplete());
    // Of each step one event has it; or none would match anyway.
    let with = |more: &[String]| trail(r#""userIdentity":{"x":"#) + "\n" + &more.join("\n");
    let first = call("9", "00:01:00", "CreateUser");
    let notes = report(with(&[first.clone(), call("10", "00:03:00", "RunInstances")])).stats.notes;
    assert!(notes.is_empty(), "{notes:?}");
    // What an event of another step has is no help to this one, nor what an event has that no step asks for.
    let sentence = |step: &str| {
        format!(
            "no event of aws.cloudtrail that satisfies all else of step `{step}` of `calls` (1 read) has `actor.id` (`userIdentity.arn`), which other events have"
        )
    };
    assert_eq!(report(with(&[first])).stats.notes, [sentence("second")]);
    let notes = report(call("9", "00:01:00", "Describe") + "\n" + &with(&[])).stats.notes;
    assert_eq!(notes, [sentence("first") + "; the same goes for 1 more step"]);
    let other =
        trail(r#""userIdentity":{"x":"#).replace("CreateUser", "Describe").replace("RunInst", "Describe");
    let notes = report(other).stats.notes;
    assert!(notes.is_empty(), "{notes:?}");
    // A test that the step demands, in JSON.
    let flow = format!(r#"{{"interface-id":"eni-1","start":{},"action":"ACCEPT"}}"#, MIDNIGHT + 60);
    let (alerts, notes, _) = said("aws.vpcflow", &flow, RULE);
    let sentence = "no event of aws.vpcflow that was read in full (1) has `destination.port` (`dstport`), which step `egress` of `test` needs";
    assert!(alerts == 0 && notes == [sentence], "{notes:?}");
}

#[test]
fn csv_is_read_as_programs_write_it() {
    let all = events();
    let quoted = |text: &str| format!("\"{}\"", text.replace('"', "\"\""));
    let rows = |head: &str, row: &dyn Fn(&str) -> String| {
        all.iter().fold(format!("{head}\n"), |text, event| text + &row(event) + "\n")
    };
    for text in [
        rows("_raw", &quoted),
        rows("\"_raw\"", &quoted),
        rows("_raw,\"resources{}.ARN\"", &|event| quoted(event) + ","),
        // Cells over several lines, in front of the event, behind it and in it.
        rows("tag,_raw", &|event| format!("\"a\nb\n\n\",{}", quoted(event))),
        rows("_raw,tag", &|event| format!("{},\"a\n{{\"\"b\"", quoted(event))),
        rows("_raw,tag", &|event| format!("{},1", quoted(&event.replace(",\"", ",\r\n  \"")))),
    ] {
        assert_eq!(read(&text), (1, 22, 0), "{text}");
    }
    // A quotation mark that is not closed costs its row.
    let lost = rows("_raw,tag", &|event| format!("{},1", quoted(event))) + "\"{\"\"a\n" + &"x,1\n".repeat(3);
    let (alerts, recognised, skipped) = read(&lost);
    assert!(alerts == 1 && recognised == 22 && skipped == 4, "{alerts} {recognised} {skipped}");
}

#[test]
fn flow_records_in_cells_are_read() {
    for text in [
        format!("_raw,host\n{},h\n{},h\n", flow("eni-1", 60), flow("eni-2", 60)),
        format!("host,message\nh,\"{}\"\n", flow("eni-1", 60)),
        format!("_raw\n{}\n", flow("eni-1", 60)),
        format!("interface-id, start, action, dstport\neni-1, {}, ACCEPT, 443\n", MIDNIGHT + 60),
    ] {
        let (alerts, notes, broken) = said("aws.vpcflow", &text, RULE);
        assert!(alerts == 1 && notes.is_empty() && broken.is_empty(), "{text}: {notes:?} {broken:?}");
    }
}

#[test]
fn a_header_of_which_nothing_is_known_is_named() {
    let (_, _, broken) = said("aws.cloudtrail", "Time stamp,User,What\n1,2,3\n", TWO_CALLS);
    let sentence = "this looks like CSV, but no column is known of Time stamp, User, What";
    assert!(broken.len() == 1 && broken[0].contains(sentence), "{broken:?}");
}

/// The chain links no event to itself, so those with one id find nothing.
#[test]
fn events_that_share_an_id_are_counted() {
    let all = [call("X", "00:00:00", "CreateUser"), call("X", "00:05:00", "RunInstances")];
    let report = |text: String| Scenario::new().file("aws.cloudtrail", "log", text).run(TWO_CALLS);
    let shared = report(all.join("\n"));
    assert_eq!((alerts(&shared), shared.stats.conflicts), (0, 1));
    let sentence = "1 record shares its event id with another of different content; one id is one event\n";
    assert!(output::summary(&shared.stats).contains(sentence));
    // At one time, and delivered twice.
    let at_once = [call("X", "00:00:00", "CreateUser"), call("X", "00:00:00", "RunInstances")];
    assert_eq!(report(at_once.join("\n")).stats.conflicts, 1);
    let twice = report([events(), events()].concat().join("\n"));
    assert_eq!((alerts(&twice), twice.stats.conflicts, twice.stats.duplicates), (1, 0, 2));
}
