//! Logs as people have them: merged, exported, in envelopes, damaged. The events are there, or it is said that they are
//! not.

use std::fmt::Write as _;
use std::sync::LazyLock;

use catena::catalog::Catalog;
use catena::replay::{Control, Options, Plan, Report};
use serde_json::{Value as Json, json};

use super::files::{Scenario, TWO_CALLS, alerts, call, gz, skipped};
use crate::program::{catena, catena_with_input, path, scratch};
use crate::{promises, rules};

static QUICK: LazyLock<Plan> = LazyLock::new(|| plan(&Options::default()));
static THOROUGH: LazyLock<Plan> = LazyLock::new(|| plan(&Options { thorough: true, ..Options::default() }));

fn plan(options: &Options) -> Plan {
    Plan::new(&rules::from_text(TWO_CALLS), &Catalog::embedded().unwrap(), options).unwrap()
}

/// What a `CloudTrail` file gives.
fn read(bytes: impl AsRef<[u8]>) -> Report {
    read_with(&QUICK, bytes)
}

fn read_with(plan: &Plan, bytes: impl AsRef<[u8]>) -> Report {
    let scenario = Scenario::new().file("aws.cloudtrail", "log", bytes);
    plan.replay(&scenario.inputs, &Control::default())
}

fn pretty(text: &str) -> String {
    serde_json::to_string_pretty(&serde_json::from_str::<Json>(text).unwrap()).unwrap()
}

fn records(events: &[&str]) -> String {
    format!(r#"{{"Records":[{}]}}"#, events.join(","))
}

/// The events as one object, list or text in an envelope each, with `wrap` around the event or its text.
fn wrapped(events: &[&str], wrap: impl Fn(&str) -> Json) -> Vec<Json> {
    events.iter().map(|event| wrap(event)).collect()
}

fn lines(values: &[Json]) -> String {
    values.iter().fold(String::new(), |text, value| text + &value.to_string() + "\n")
}

fn parsed(event: &str) -> Json {
    serde_json::from_str(event).unwrap()
}

fn subscription(events: &[&str]) -> Json {
    let events = wrapped(events, |event| json!({ "id": "1", "timestamp": 1, "message": event }));
    json!({ "messageType": "DATA_MESSAGE", "logGroup": "g", "logEvents": events })
}

fn lower(event: &str) -> Json {
    let Json::Object(fields) = parsed(event) else { panic!("an object") };
    Json::Object(fields.into_iter().map(|(key, value)| (key.to_lowercase(), value)).collect())
}

fn nested_as_text(event: &str) -> Json {
    let mut event = parsed(event);
    let identity = event["userIdentity"].to_string();
    event["userIdentity"] = json!(identity);
    event
}

/// Every way in which two events are written.
fn forms(first: &str, second: &str) -> Vec<(&'static str, String)> {
    let both = [first, second];
    let (one, two) = (records(&[first]), records(&[second]));
    let elastic =
        wrapped(&both, |event| json!({ "_source": { "event": { "action": "x", "original": event } } }));
    let csv = |event: &str| format!("\"{}\",\"1\"\n", event.replace('"', "\"\""));
    let timed = |event: &str| {
        let mut event = parsed(event);
        let time = event.as_object_mut().unwrap().shift_remove("eventTime");
        event["@timestamp"] = time.unwrap();
        event
    };
    vec![
        ("records files joined", format!("{one}{two}")),
        ("records files joined, pretty", pretty(&one) + &pretty(&two)),
        ("lists joined", pretty(&format!("[{first}]")) + "\n" + &pretty(&format!("[{second}]"))),
        ("a list of lists", format!("[[{first}],[{second}]]")),
        ("a list of records files", format!("[{one},{two}]")),
        ("records twice", format!(r#"{{"Records":[{first}],"Records":[{second}]}}"#)),
        ("records twice, not first", format!(r#"{{"v":1,"Records":[{first}],"Records":[{second}]}}"#)),
        ("a list that opens on its own line", format!("{{\"Records\": [\n{first},\n{second}\n]}}\n")),
        ("commas in front", format!("[\n{first}\n,{second}\n]\n")),
        ("trailing commas", format!("{{\"Records\":[{first},{second},],}}\n")),
        ("lines that end in commas", format!("{first},\n{second},\n")),
        ("records not first", format!(r#"{{"version":"1","Records":[{first},{second}]}}"#)),
        ("members behind records", format!(r#"{{"Records":[{first},{second}],"n":{{"Records":1}},"m":"]"}}"#)),
        ("an object over lines", first.replace(",\"", "\n,\n\"") + "\n" + &second.replace(":{", ":\n{\n")),
        ("events joined", format!("{first}{second}")),
        ("events joined by spaces", format!("{first} {second}")),
        ("record separators", format!("\u{1e}{first}\n\u{1e}{second}\n")),
        ("byte order marks", format!("\u{feff}{first}\n\u{feff}{second}\n")),
        ("a time in front", format!("2026-01-01T00:00:00.000Z {first}\n2026-01-01T00:00:01.000Z {second}\n")),
        ("a host in front", format!("Jan  1 00:00:00 host trail: {first}\nJan  1 00:00:00 host trail: {second}\n")),
        ("CloudWatch subscription", subscription(&both).to_string()),
        ("CloudWatch subscriptions joined", subscription(&[first]).to_string() + &subscription(&[second]).to_string()),
        ("EventBridge", lines(&wrapped(&both, |event| json!({ "version": "0", "detail": parsed(event) })))),
        ("lookup-events", pretty(&json!({ "Events": wrapped(&both, |event| json!({ "EventId": "1", "CloudTrailEvent": event })) }).to_string())),
        ("filter-log-events", pretty(&json!({ "events": wrapped(&both, |event| json!({ "message": event })) }).to_string())),
        ("Splunk", lines(&wrapped(&both, |event| json!({ "preview": false, "result": { "_raw": event, "eventName": "x" } })))),
        ("Splunk, CSV", format!("\"_raw\",\"_time\"\n{}{}", csv(first), csv(second))),
        ("Elasticsearch", pretty(&json!({ "took": 1, "hits": { "hits": elastic } }).to_string())),
        ("Elasticsearch, hits first", json!({ "hits": { "hits": elastic } }).to_string()),
        ("Filebeat", lines(&wrapped(&both, |event| json!({ "@timestamp": "x", "message": event })))),
        ("Logstash", lines(&wrapped(&both, timed))),
        ("Athena", lines(&wrapped(&both, lower))),
        ("values as text", lines(&wrapped(&both, nested_as_text))),
        ("an envelope in an envelope", lines(&wrapped(&both, |event| json!({ "message": subscription(&[event]).to_string() })))),
        ("records in an envelope", json!({ "message": records(&both) }).to_string()),
        ("blank lines and zero bytes", format!("\n\n{first}\n\0\0\0\n{second}\n")),
    ]
}

fn events() -> (String, String) {
    (call("1", "00:00:00", "CreateUser"), call("2", "00:05:00", "RunInstances"))
}

#[test]
fn every_way_to_write_events() {
    let (first, second) = events();
    for (name, text) in forms(&first, &second) {
        let utf16: Vec<u8> = format!("\u{feff}{text}").encode_utf16().flat_map(u16::to_le_bytes).collect();
        for bytes in [text.clone().into_bytes(), gz(&text), utf16] {
            for plan in [&QUICK, &THOROUGH] {
                let report = read_with(plan, &bytes);
                assert_eq!(
                    (alerts(&report), report.stats.events, report.stats.recognised),
                    (1, 2, 2),
                    "{name}: {text}"
                );
                assert!(!report.stats.is_flawed(), "{name}: {:?}", report.stats);
            }
        }
    }
}

/// Behind the first events the filters decide; envelopes must not make them blind.
#[test]
fn forms_are_read_behind_many_events() {
    let (first, second) = events();
    let many =
        (0..40).map(|number| call(&format!("x{number}"), "00:01:00", "Describe") + "\n").collect::<String>();
    for (name, text) in forms(&first, &second) {
        let report = read(many.clone() + &text);
        assert_eq!((alerts(&report), report.stats.recognised), (1, 42), "{name}: {:?}", report.stats);
    }
}

/// A file that breaks off anywhere says so, and gives the events before.
#[test]
fn a_file_that_breaks_off_says_so() {
    let (first, second) = events();
    for (name, text) in forms(&first, &second) {
        for length in (1..text.len()).step_by(11).filter(|length| text.is_char_boundary(*length)) {
            let report = read(&text[..length]);
            let stats = &report.stats;
            assert!(
                stats.recognised == 2 || stats.is_flawed() || stats.recognised == stats.events,
                "{name}, {length}: {stats:?}"
            );
            promises::check("plain", &text.as_bytes()[..length]);
        }
    }
    let cut = records(&[&first, &second]);
    let report = read(&cut[..cut.len() - 10]);
    assert!(report.stats.is_incomplete() && report.stats.recognised == 1, "{:?}", report.stats);
    let report = read(&cut[..cut.len() - 2]);
    assert!(report.stats.is_incomplete() && alerts(&report) == 1, "{:?}", report.stats);
}

/// One bad byte costs one event at most.
#[test]
fn a_bad_byte_costs_one_event() {
    let before: Vec<String> =
        (0..20).map(|number| call(&format!("x{number}"), "00:01:00", "Describe")).collect();
    let (first, second) = events();
    let mut all: Vec<&str> = before.iter().map(String::as_str).collect();
    all.extend([first.as_str(), second.as_str()]);
    let whole = records(&all);
    let damaged = whole.find("x7").unwrap();
    for (form, text) in [("one line", whole.clone()), ("pretty", pretty(&whole)), ("lines", all.join("\n"))] {
        let at = text.find("x7").unwrap();
        for offset in (0..60).step_by(3) {
            for byte in [0xff, b'"', b'{', b'}', b'[', b']', b'\\', 0, b'\n', b','] {
                let mut bytes = text.clone().into_bytes();
                bytes[at + offset] = byte;
                let report = read(&bytes);
                let stats = &report.stats;
                assert!(
                    alerts(&report) == 1 && stats.recognised >= 21,
                    "{form}, {offset}, {byte}: {stats:?}"
                );
            }
        }
    }
    assert!(damaged > 0);
}

/// The answer, in a form that does not depend on names of files.
fn answer(report: &Report) -> (String, u64) {
    (catena::replay::output::ndjson(report), report.stats.events)
}

/// A folder, all its files joined, and one merged file are the same log.
#[test]
fn a_folder_its_concatenation_and_a_merged_file_agree() {
    let actors = ["CreateUser", "RunInstances", "Describe", "List\\\"x\\\"", "DescribeImages"];
    let mut random = fastrand::Rng::with_seed(1318);
    let mut files: Vec<Vec<String>> = Vec::new();
    for file in 0..60 {
        let events = (0..random.usize(0..30)).map(|number| {
            let (minute, action) = (random.u32(0..60), actors[random.usize(0..actors.len())]);
            call(&format!("{file}-{number}"), &format!("00:{minute:02}:{:02}", number % 60), action)
        });
        files.push(events.collect());
    }
    let as_records = |events: &Vec<String>| records(&events.iter().map(String::as_str).collect::<Vec<_>>());
    let texts: Vec<String> = files.iter().map(as_records).collect();
    let mut folder = Scenario::new();
    for (number, text) in texts.iter().enumerate() {
        let name = format!("AWSLogs/1/CloudTrail/eu-west-1/2026/01/{number}.json.gz");
        folder = folder.file("aws.cloudtrail", &name, gz(text));
    }
    folder.inputs.truncate(1);
    folder.inputs[0].path = folder.folder.path().to_string_lossy().into_owned();
    let expected = answer(&folder.run(TWO_CALLS));
    assert!(expected.0.lines().count() > 10, "{}", expected.0);
    let all: Vec<String> = files.concat();
    let members: Vec<u8> = texts.iter().flat_map(|text| gz(text)).collect();
    let every = [
        ("joined", texts.concat().into_bytes()),
        ("joined, pretty", texts.iter().map(|text| pretty(text)).collect::<String>().into_bytes()),
        ("gzip members", members),
        ("merged", as_records(&all).into_bytes()),
        ("merged, pretty", pretty(&as_records(&all)).into_bytes()),
        ("lines", all.join("\n").into_bytes()),
        ("a list over lines", format!("[\n{}\n]", all.join(",\n")).into_bytes()),
        (
            "subscriptions",
            files
                .iter()
                .map(|events| {
                    subscription(&events.iter().map(String::as_str).collect::<Vec<_>>()).to_string()
                })
                .collect::<String>()
                .into_bytes(),
        ),
    ];
    for (name, bytes) in &every {
        let report = read(bytes);
        assert_eq!(answer(&report), expected, "{name}: {:?}", report.stats);
        assert!(!report.stats.is_flawed(), "{name}: {:?}", report.stats);
    }
    let rule = folder.folder.path().join("calls.chain");
    std::fs::write(&rule, TWO_CALLS).unwrap();
    for (name, bytes) in &every {
        let arguments = ["replay", &rule.to_string_lossy(), "--events", "aws.cloudtrail=-"];
        let piped = catena_with_input(&arguments, bytes);
        assert_eq!(
            (piped.status, piped.out.as_str()),
            (0, expected.0.as_str()),
            "{name} through a pipe: {}",
            piped.err
        );
    }
}

/// Large files are read in parts at the same time, whatever is in them.
#[test]
fn parts_of_a_large_file_fit_together() {
    let (first, second) = events();
    let filler = |number: usize| call(&format!("f{number}"), "00:30:00", "Describe");
    let block: Vec<String> = (0..5_000).map(filler).collect();
    let mut expected = None;
    let compact = block.join("\n") + "\n";
    let spread = block.iter().map(|event| pretty(event)).collect::<Vec<_>>().join("\n") + "\n";
    let list = format!("[\n{}\n]\n", block.join(",\n"));
    let one_line = records(&block.iter().map(String::as_str).collect::<Vec<_>>());
    for parts in [
        [&compact, &compact],
        [&spread, &compact],
        [&compact, &spread],
        [&list, &spread],
        [&one_line, &list],
        [&compact, &one_line],
    ] {
        let mut text = String::new();
        while text.len() < 34 << 20 {
            for part in &parts {
                text.push_str(part);
            }
        }
        let text = format!("{first}\n{text}{}{second}\n", parts[0]);
        let report = read(&text);
        assert_eq!(alerts(&report), 1, "{:?}", report.stats);
        assert!(!report.stats.is_flawed() && report.stats.bytes == text.len() as u64, "{:?}", report.stats);
        let events = text.matches("\"eventName\"").count() as u64;
        assert_eq!(report.stats.recognised, events);
        expected.get_or_insert(events);
    }
}

const MUTATIONS: usize = 1_500;

/// Joined, cut, nested and damaged at random: nothing is lost without a word. `CATENA_MUTATIONS=200000` runs more.
#[test]
fn mutated_logs_lose_nothing_silently() {
    let (first, second) = events();
    let forms: Vec<String> = forms(&first, &second).into_iter().map(|(_, text)| text).collect();
    let count =
        std::env::var("CATENA_MUTATIONS").ok().and_then(|count| count.parse().ok()).unwrap_or(MUTATIONS);
    let mut random = fastrand::Rng::with_seed(1318);
    for number in 0..count {
        let mut text = String::new();
        for _ in 0..random.usize(1..4) {
            let form = &forms[random.usize(0..forms.len())];
            let part = match random.u8(0..6) {
                0 => form.get(..random.usize(0..form.len())).unwrap_or(form).to_owned(),
                1 => form.get(random.usize(0..form.len())..).unwrap_or(form).to_owned(),
                2 => json!({ "message": form }).to_string(),
                3 => serde_json::from_str(form)
                    .map_or(form.clone(), |form: Json| json!({ "detail": form }).to_string()),
                _ => form.clone(),
            };
            let _ = write!(text, "{part}{}", ["", "\n", " ", ","][random.usize(0..4)]);
        }
        let mut bytes = text.into_bytes();
        for _ in 0..random.usize(0..3) {
            let at = random.usize(0..bytes.len().max(1));
            if let Some(byte) = bytes.get_mut(at) {
                *byte = *random.choice(b"\"{}[],:\\\n \xff\0a").unwrap();
            }
        }
        let shown = Shown(number, &bytes);
        promises::check("plain", shown.1);
    }
}

/// Shows a log when it breaks a promise.
struct Shown<'b>(usize, &'b [u8]);

impl Drop for Shown<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            println!("log {}: {}", self.0, String::from_utf8_lossy(self.1));
        }
    }
}

/// What is no log of its source is said to be something else, with what to do, and the status is 2.
#[test]
fn a_file_of_another_form_is_refused_with_a_reason() {
    let (first, _) = events();
    let tar = [&[b'a'; 257][..], b"ustar\0", &[0; 300]].concat();
    let s3 = r#"{"Records":[{"eventSource":"aws:s3","eventName":"ObjectCreated:Put","eventTime":"2026-01-01T00:00:00Z","s3":{}}]}"#;
    let unknown = json!({ "payload": { "entry": parsed(&first) } }).to_string();
    let cases: [(&[u8], &str); 10] = [
        (&tar, "tar archive"),
        (b"BZh91AY&SY", "bzip2"),
        (b"PAR1\x15\x04\x15", "Parquet"),
        (b"<html></html>", "XML or HTML"),
        (b"a,b,c,d,e\n1,2,3,4,5\n", "CSV"),
        (s3.as_bytes(), "S3 event notification"),
        (b"{\"digestStartTime\":\"2026\",\"x\":1}", "digest"),
        (b"{\"a\":1}\n{\"b\":2}\n", "its keys are a"),
        (unknown.as_bytes(), "log.wrapped"),
        (b"\x80\x81\x82 some \x01 bytes", "binary"),
    ];
    let folder = Scenario::new();
    let rule = folder.folder.path().join("calls.chain");
    std::fs::write(&rule, TWO_CALLS).unwrap();
    for (bytes, expected) in cases {
        let log = folder.folder.path().join("log");
        std::fs::write(&log, bytes).unwrap();
        let ran = catena(&[
            "replay",
            &rule.to_string_lossy(),
            "--events",
            &format!("aws.cloudtrail={}", log.display()),
        ]);
        let line = ran.err.lines().find(|line| line.contains("log: "));
        assert!(
            ran.status == 2 && line.is_some_and(|line| line.contains(expected)),
            "{expected}: {} {}",
            ran.status,
            ran.err
        );
    }
}

#[test]
fn skipped_events_of_a_whole_file_are_a_failure() {
    let events = r#"{"eventName":"CreateUser","eventTime":"tomorrow"}"#;
    let report = read(events);
    assert!(report.stats.is_incomplete(), "{:?}", report.stats);
    assert_eq!(skipped(&report)[0].0, "no usable event time");
}

#[test]
fn an_extension_adds_envelopes() {
    let (first, second) = events();
    let log = lines(&wrapped(&[&first, &second], |event| json!({ "payload": { "original": event } })));
    let folder = scratch(
        "envelope",
        &[
            ("rule.chain", TWO_CALLS.as_bytes()),
            ("log.json", log.as_bytes()),
            ("more.yaml", b"extends: aws.cloudtrail\nlog: { wrapped: [payload.original] }\n"),
        ],
    );
    let (rule, more) = (path(&folder, "rule.chain"), path(&folder, "more.yaml"));
    let events = format!("aws.cloudtrail={}", path(&folder, "log.json"));
    let without = catena(&["replay", &rule, "--events", &events]);
    assert_eq!((without.status, without.out.lines().count()), (2, 0), "{}", without.err);
    let with = catena(&["replay", &rule, "--source", &more, "--events", &events]);
    assert_eq!((with.status, with.out.lines().count()), (0, 1), "{}", with.err);
}
