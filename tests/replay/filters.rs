//! What the filters pass over must not matter: events that other writers spell otherwise, values that look otherwise.
//! The first events of a file are read whole, so each case has many.

use std::fmt::Write as _;

use super::files::{Scenario, alerts};
use crate::program::{catena, path, scratch};

/// The event of a number.
type EventOf = Box<dyn Fn(usize) -> String>;

/// Events of each case, all of which satisfy the step.
const MANY: usize = 40;

fn rule(source: &str, condition: &str) -> String {
    format!(
        r#"rule filtered {{
  title "Filtered" id "5d3c8f0e-0f5b-4d43-9f0e-3f1f3f4a1401" description "Tests filters." author "a"
  date 2026-11-28 status test severity low
  chain within 30m {{ step one from {source} where {condition} }}
}}"#
    )
}

/// A call with further members.
fn event(number: usize, members: &str) -> String {
    format!(
        r#"{{"eventID":"{number}","eventName":"CreateUser","eventSource":"iam.amazonaws.com",{members}}}"#
    )
}

fn timed(number: usize, members: &str) -> String {
    event(number, &format!(r#""eventTime":"2026-01-01T00:00:{number:02}Z",{members}"#))
}

#[test]
fn events_in_another_spelling_are_not_passed_over() {
    let logstash = |number| event(number, &format!(r#""@timestamp":"2026-01-01T00:00:{number:02}Z""#));
    // As Athena names columns.
    let lower = |number| {
        let event = timed(number, r#""userIdentity":{"arn":"a"}"#);
        ["eventID", "eventName", "eventSource", "eventTime", "userIdentity"]
            .iter()
            .fold(event, |event, key| event.replace(key, &key.to_lowercase()))
    };
    let account = |value: &'static str| -> EventOf {
        Box::new(move |number| timed(number, &format!(r#""recipientAccountId":{value}"#)))
    };
    let cases: [(&str, EventOf); 7] = [
        ("event.time >= \"2026-01-01T00:00:00Z\"", Box::new(logstash)),
        ("actor.id == \"a\"", Box::new(lower)),
        ("cloud.account.id == \"123000\"", account("1.23e5")),
        ("cloud.account.id == \"123000\"", account("12300.0E+1")),
        ("cloud.account.id like \"1230*\"", account("1.23e5")),
        ("cloud.account.id contains \"300\"", account("1.23e5")),
        ("cloud.account.id == \"123000\"", account("\"123000\"")),
    ];
    for (condition, event) in cases {
        let log = (0..MANY).fold(String::new(), |mut log, number| {
            writeln!(log, "{}", event(number)).unwrap();
            log
        });
        let rule = rule("aws.cloudtrail", condition);
        for scenario in [Scenario::new(), Scenario::new().thorough()] {
            let report = scenario.file("aws.cloudtrail", "log.ndjson", &log).run(&rule);
            assert_eq!(alerts(&report), MANY, "{condition}: {}", event(0));
        }
    }
}

#[test]
fn a_key_that_shows_an_event_in_every_spelling_shows_no_spelling() {
    let source = "name: my.app\ntitle: An application\ndescription: Its sign-ins.\ndelay: 0\ngranularity: 1\n\
                  log: { detect: [id], spellings: [lower] }\n\
                  targets: { kql: { from: T, time: At } }\nfields:\n  \
                  event.time: { type: time, description: d, raw: at }\n  \
                  user.name: { type: string, description: d, raw: userName }\n";
    let log = (0..MANY).fold(String::new(), |mut log, number| {
        writeln!(log, r#"{{"id":{number},"at":"2026-01-01T00:00:{number:02}Z","username":"alice"}}"#)
            .unwrap();
        log
    });
    let rule = rule("my.app", "user.name == \"alice\"");
    let files = [("my.app.yaml", source), ("rule.chain", rule.as_str()), ("log.ndjson", log.as_str())];
    let folder = scratch("spelt", &files.map(|(name, text)| (name, text.as_bytes())));
    let (source, rule) = (path(&folder, "my.app.yaml"), path(&folder, "rule.chain"));
    let events = format!("my.app={}", path(&folder, "log.ndjson"));
    for more in [&[][..], &["--strict"]] {
        let ran = catena(&[&["replay", &rule, "--source", &source, "--events", &events], more].concat());
        assert_eq!(ran.out.lines().count(), MANY, "{more:?}: {}", ran.err);
    }
}

#[test]
fn frames_that_hold_data_of_others_are_passed_over() {
    let frame = |text: &str| {
        ruzstd::encoding::compress_to_vec(text.as_bytes(), ruzstd::encoding::CompressionLevel::Fastest)
    };
    let of_others = |data: &[u8]| {
        let length = u32::try_from(data.len()).unwrap().to_le_bytes();
        [&[0x5a, 0x2a, 0x4d, 0x18], &length[..], data].concat()
    };
    let line = |number| event(number, r#""eventTime":"2026-01-01T00:00:00Z""#) + "\n";
    let parts = [
        of_others(b"pzstd"),
        frame(&line(1)),
        of_others(b""),
        of_others(&[0; 9]),
        frame(&line(2)),
        of_others(b"end"),
    ];
    let rule = rule("aws.cloudtrail", "event.action == \"CreateUser\"");
    let report = Scenario::new().file("aws.cloudtrail", "log.zst", parts.concat()).run(&rule);
    assert_eq!(alerts(&report), 2, "{:?}", report.stats);
    let cut = [frame(&line(1)), of_others(b"pzstd")].concat();
    let report = Scenario::new().file("aws.cloudtrail", "log.zst", &cut[..cut.len() - 1]).run(&rule);
    assert_eq!((alerts(&report), report.stats.broken_files.len()), (1, 1), "{:?}", report.stats);
}
