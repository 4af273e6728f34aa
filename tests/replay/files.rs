//! Every form in which logs arrive, and everything that can be wrong with a file.

use std::collections::HashSet;
use std::fmt::Write as _;
use std::io::Write as _;
use std::path::Path;

use catena::catalog::Catalog;
use catena::replay::input::Input;
use catena::replay::{Control, LogText, Options, Plan, Report, misses, output};
use flate2::Compression;
use flate2::write::GzEncoder;
use tempfile::TempDir;

use crate::rules;

pub(super) const RULE: &str = r#"rule test {
  title "Launch, then egress" id "5d3c8f0e-0f5b-4d43-9f0e-3f1f3f4a1301" description "Tests files."
  date 2026-11-24 status test severity low
  chain within 30m {
    step launch from aws.cloudtrail where event.action == "RunInstances" and event.outcome == "success"
    then within 10m on instance.eni
    step egress from aws.vpcflow where flow.action == "ACCEPT" and destination.port == 443
  }
  alert { show launch.image.id }
}"#;

/// Both steps on `CloudTrail`, for the forms of that log.
pub(super) const TWO_CALLS: &str = r#"rule calls {
  title "Two calls" id "5d3c8f0e-0f5b-4d43-9f0e-3f1f3f4a1302" description "Tests files."
  date 2026-11-24 status test severity low
  chain within 30m {
    step first from aws.cloudtrail where event.action == "CreateUser"
    then within 10m on actor.id
    step second from aws.cloudtrail where event.action == "RunInstances"
  }
  alert { show first.actor.id }
}"#;

const RULE_BY_ADDRESS: &str = r#"rule addresses {
  title "t" id "0d1c2a54-3a0e-4c0c-9c3e-6a9d2b7f0009" description "Detects calls by address." author "a"
  date 2026-11-24 status test severity low
  chain within 10m {
    step first from aws.cloudtrail where event.action == "CreateUser"
    then within 10m on source.ip
    step second from aws.vpcflow where not (source.ip == destination.ip)
  }
  alert { show first.source.ip }
}"#;

pub(super) struct Scenario {
    pub(super) folder: TempDir,
    pub(super) options: Options,
    pub(super) inputs: Vec<Input>,
}

impl Scenario {
    pub(super) fn new() -> Self {
        Self { folder: TempDir::new().unwrap(), options: Options::default(), inputs: Vec::new() }
    }

    pub(super) fn file(mut self, source: &str, name: &str, content: impl AsRef<[u8]>) -> Self {
        let path = self.folder.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, content).unwrap();
        let source = (source != "canonical").then(|| source.to_owned());
        self.inputs.push(Input { source, path: path.to_string_lossy().into_owned() });
        self
    }

    pub(super) fn thorough(mut self) -> Self {
        self.options.thorough = true;
        self
    }

    pub(super) fn run(&self, rule: &str) -> Report {
        let catalog = Catalog::embedded().unwrap();
        let plan = Plan::new(&rules::from_text(rule), &catalog, &self.options).unwrap();
        let report = plan.replay(&self.inputs, &Control::default());
        if let Some(texts) = self.texts() {
            let in_memory = plan.replay_texts(&texts, &Control::default());
            assert_eq!(shown(&in_memory), shown(&report), "files and the same bytes in memory");
        }
        report
    }

    /// What the inputs hold, if they are files, each named once.
    fn texts(&self) -> Option<Vec<LogText>> {
        let mut seen = HashSet::new();
        let text = |input: &Input| {
            let is_new = seen.insert((input.source.clone(), input.path.clone()));
            let bytes = std::fs::read(&input.path).ok().filter(|_| is_new)?;
            Some(LogText { source: input.source.clone(), name: input.path.clone(), bytes: bytes.into() })
        };
        self.inputs.iter().map(text).collect()
    }
}

/// All that a report says, but for how long it took.
fn shown(report: &Report) -> String {
    let stats = &report.stats;
    let read = (stats.events, stats.bytes, &stats.skipped, &stats.broken_files);
    format!("{}{}{read:?}", output::ndjson(report), misses::ndjson(report))
}

pub(super) fn alerts(report: &Report) -> usize {
    report.rules.iter().map(|rule| rule.alerts.len()).sum()
}

/// What was skipped: reason, count, name of the first file without its folder, line.
pub(super) fn skipped(report: &Report) -> Vec<(String, u64, String, u64)> {
    let name = |path: &str| Path::new(path).file_name().unwrap().to_string_lossy().into_owned();
    let one = |(reason, skipped): (&String, &catena::replay::stats::Skipped)| {
        (reason.clone(), skipped.count, name(&skipped.first.0), skipped.first.1)
    };
    report.stats.skipped.iter().map(one).collect()
}

pub(super) fn call(id: &str, time: &str, action: &str) -> String {
    format!(
        r#"{{"eventID":"{id}","eventTime":"2026-01-01T{time}Z","eventName":"{action}","eventSource":"x","userIdentity":{{"arn":"arn:aws:iam::1:user/a"}}}}"#
    )
}

pub(super) fn launch(id: &str, time: &str, eni: &str) -> String {
    let item = format!(
        r#"{{"instanceId":"i-1","imageId":"ami-1","networkInterfaceSet":{{"items":[{{"networkInterfaceId":"{eni}"}}]}}}}"#
    );
    format!(
        r#"{{"eventID":"{id}","eventTime":"2026-01-01T{time}Z","eventName":"RunInstances","eventSource":"ec2.amazonaws.com","responseElements":{{"instancesSet":{{"items":[{item}]}}}}}}"#
    )
}

/// 2026-01-01T00:00:00Z
pub(super) const MIDNIGHT: u64 = 1_767_225_600;

pub(super) fn flow(eni: &str, second: u64) -> String {
    let start = MIDNIGHT + second;
    format!("2 123456789012 {eni} 10.0.0.1 198.51.100.7 40000 443 6 10 840 {start} {} ACCEPT OK", start + 60)
}

pub(super) fn gz(text: &str) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(text.as_bytes()).unwrap();
    encoder.finish().unwrap()
}

#[test]
fn every_form_of_cloudtrail() {
    let (first, second) = (call("1", "00:00:00", "CreateUser"), call("2", "00:05:00", "RunInstances"));
    let pretty = |text: &str| {
        serde_json::to_string_pretty(&serde_json::from_str::<serde_json::Value>(text).unwrap()).unwrap()
    };
    let records = format!(r#"{{"Records":[{first},{second}]}}"#);
    let forms = [
        ("lines", format!("{first}\n{second}\n")),
        ("lines without an end, with blank ones and carriage returns", format!("\n{first}\r\n\r\n{second}")),
        ("a byte order mark", format!("\u{feff}{first}\n{second}\n")),
        ("records", records.clone()),
        ("records with room", format!(r#"{{ "Records" : [ {first} , {second} ] }}"#)),
        ("records, pretty", pretty(&records)),
        ("a list", format!("[{first},{second}]")),
        ("a list over lines", format!("[\n{first},\n{second}\n]\n")),
        ("a pretty event after another", format!("{}\n{}\n", pretty(&first), pretty(&second))),
        ("records files in lines", format!("{{\"Records\":[{first}]}}\n{{\"Records\":[{second}]}}\n")),
        ("escapes", format!("{first}\n{}\n", second.replace("RunInstances", "Run\\u0049nstances"))),
    ];
    for (name, text) in forms {
        for (packing, bytes) in [
            ("plain", text.clone().into_bytes()),
            ("gzip", gz(&text)),
            (
                "zstd",
                ruzstd::encoding::compress_to_vec(
                    text.as_bytes(),
                    ruzstd::encoding::CompressionLevel::Fastest,
                ),
            ),
        ] {
            let report = Scenario::new().file("aws.cloudtrail", "log", bytes).run(TWO_CALLS);
            assert_eq!(
                (alerts(&report), report.stats.events),
                (1, 2),
                "{name}, {packing}: {:?}",
                report.stats
            );
            assert!(!report.stats.is_flawed(), "{name}, {packing}: {:?}", report.stats);
        }
    }
    let apart = Scenario::new()
        .file("aws.cloudtrail", "b.json", &second)
        .file("aws.cloudtrail", "a.json", pretty(&first))
        .run(TWO_CALLS);
    assert_eq!(alerts(&apart), 1);
    let members = [gz(&format!("{first}\n")), gz(&second)].concat();
    assert_eq!(alerts(&Scenario::new().file("aws.cloudtrail", "log.gz", members).run(TWO_CALLS)), 1);
}

#[test]
fn a_bucket_as_aws_writes_it() {
    let folder = "AWSLogs/123456789012/CloudTrail/us-east-1/2026/01/01";
    let digest = "AWSLogs/123456789012/CloudTrail-Digest/us-east-1/2026/01/01/d.json.gz";
    let mut scenario = Scenario::new()
        .file(
            "x",
            &format!("{folder}/a.json.gz"),
            gz(&format!(r#"{{"Records":[{}]}}"#, call("1", "00:00:00", "CreateUser"))),
        )
        .file(
            "x",
            &format!("{folder}/b.json.gz"),
            gz(&format!(r#"{{"Records":[{}]}}"#, call("2", "00:01:00", "RunInstances"))),
        )
        .file("x", digest, gz("{\"digestStartTime\":\"2026\"}"));
    let path = scenario.folder.path().to_string_lossy().into_owned();
    scenario.inputs = vec![Input { source: Some("aws.cloudtrail".to_owned()), path }];
    let report = scenario.run(TWO_CALLS);
    assert_eq!((alerts(&report), report.stats.files, report.stats.is_flawed()), (1, 2, false));
}

#[test]
fn every_form_of_flow_logs() {
    let launched = launch("1", "00:00:00", "eni-1");
    let line = flow("eni-1", 60);
    let header = "version account-id interface-id srcaddr dstaddr srcport dstport protocol packets bytes start end action log-status";
    let nodata = format!("2 123456789012 eni-1 - - - - - - - {MIDNIGHT} {MIDNIGHT} - NODATA");
    let skipdata = nodata.replace("NODATA", "SKIPDATA");
    let custom = format!(
        "interface-id start action dstport flow-direction\neni-1 {} ACCEPT 443 egress\n",
        MIDNIGHT + 60
    );
    let json = format!(
        r#"{{"interface-id":"eni-1","start":{},"action":"ACCEPT","dstport":443,"log-status":"OK"}}"#,
        MIDNIGHT + 60
    );
    let forms = [
        ("default", format!("{line}\n"), 1),
        ("header", format!("{header}\n{line}\n"), 1),
        ("no data", format!("{header}\n{nodata}\n{line}\n{skipdata}\n"), 3),
        ("header again", format!("{header}\n{line}\n{header}\n"), 1),
        ("custom header", custom.clone(), 1),
        ("cloudwatch export", format!("2026-01-01T00:01:00.000Z {line}\n"), 1),
        ("json", json, 1),
    ];
    for (name, text, events) in forms {
        for bytes in [text.clone().into_bytes(), gz(&text)] {
            let scenario = Scenario::new().file("aws.cloudtrail", "trail.json", &launched).file(
                "aws.vpcflow",
                "flow",
                bytes,
            );
            let report = scenario.run(RULE);
            assert_eq!((alerts(&report), report.stats.events), (1, events + 1), "{name}: {:?}", report.stats);
            assert!(!report.stats.is_flawed(), "{name}: {:?}", report.stats);
        }
    }
    let bare = custom.lines().nth(1).unwrap();
    let mut scenario =
        Scenario::new().file("aws.cloudtrail", "trail.json", &launched).file("aws.vpcflow", "flow", bare);
    scenario.options.flow_format = Some(catena::replay::columns::names(
        "${interface-id} ${start} ${action} ${dstport} ${flow-direction}",
    ));
    assert_eq!(alerts(&scenario.run(RULE)), 1);
    scenario.options.flow_format = None;
    let reason = "a record of 5 columns where the format has 14".to_owned();
    assert_eq!(skipped(&scenario.run(RULE)), [(reason, 1, "flow".to_owned(), 1)]);
}

#[test]
fn broken_records_are_counted_located_and_skipped() {
    let good = [call("1", "00:00:00", "CreateUser"), call("2", "00:05:00", "RunInstances")];
    let text = format!(
        "{}\n{{\"eventName\":\"RunInstances\"\nRunInstances\n{}\n[1]\n{}\n{}\n",
        good[0],
        r#"{"eventName":"RunInstances","eventTime":"tomorrow"}"#,
        r#"{"eventName":"RunInstances","eventTime":"99999-01-01T00:00:00Z"}"#,
        good[1],
    );
    let mut bytes = text.into_bytes();
    bytes.extend(b"{\"eventName\":\"Run\xffInstances\", \"eventName\":\"RunInstances\"}\n");
    let report = Scenario::new().file("aws.cloudtrail", "log", &bytes).run(TWO_CALLS);
    assert_eq!(alerts(&report), 1);
    assert_eq!(report.stats.events, 8);
    assert_eq!(
        skipped(&report),
        [
            ("no usable event time".to_owned(), 3, "log".to_owned(), 4),
            ("not an event of aws.cloudtrail".to_owned(), 1, "log".to_owned(), 5),
            ("not valid JSON".to_owned(), 2, "log".to_owned(), 2),
        ]
    );
    assert_eq!(report.stats.noted.values().map(|noted| noted.count).sum::<u64>(), 1, "{:?}", report.stats);
    // Behind the first events, which are read in full.
    let harmless = r#"{"eventID":"0","eventTime":"2026-01-01T00:00:00Z","eventName":"Describe","x":}"#;
    let before = call("3", "00:00:00", "Describe") + "\n";
    let harmless = format!("{}{harmless}\n{}\n{}\n", before.repeat(16), good[0], good[1]);
    let scenario = Scenario::new().file("aws.cloudtrail", "log", harmless);
    assert_eq!(skipped(&scenario.run(TWO_CALLS)), []);
    assert_eq!(skipped(&scenario.thorough().run(TWO_CALLS))[0].0, "not valid JSON");
}

#[test]
fn nesting_without_end_breaks_nothing() {
    let (first, second) = (call("1", "00:00:00", "CreateUser"), call("2", "00:05:00", "RunInstances"));
    for levels in [30, 300, 200_000] {
        for (open, close) in [("[", "]"), ("{\"a\":", "}"), ("[{\"]}\":", "}]")] {
            let deep = format!(r#","requestParameters":{}1{}}}"#, open.repeat(levels), close.repeat(levels));
            let deep = |text: &str| text.strip_suffix('}').unwrap().to_owned() + &deep;
            let (first, second) = (deep(&first), deep(&second));
            for text in [
                format!("{first}\n{second}\n"),
                format!(r#"{{"Records":[{first},{second}]}}"#),
                format!("[{first},{second}]"),
                format!("[\n{first},\n{second}\n]"),
                format!(
                    "{{\n{}\n{{\n{}\n",
                    first.strip_prefix('{').unwrap(),
                    second.strip_prefix('{').unwrap()
                ),
            ] {
                for scenario in [Scenario::new(), Scenario::new().thorough()] {
                    let report = scenario.file("aws.cloudtrail", "deep.json", &text).run(TWO_CALLS);
                    assert_eq!((alerts(&report), skipped(&report)), (1, vec![]), "{levels} levels of {open}");
                }
            }
            let canonical = format!(r#"{{"source":"aws.cloudtrail","x":{}"#, open.repeat(levels));
            let report = Scenario::new().file("canonical", "deep.ndjson", canonical).run(TWO_CALLS);
            assert_eq!(report.stats.events, 1);
        }
    }
}

#[test]
fn a_truncated_file_gives_what_it_has() {
    let (first, second) = (call("1", "00:00:00", "CreateUser"), call("2", "00:05:00", "RunInstances"));
    let mut text = format!("{first}\n{second}\n");
    for number in 0..20_000 {
        let _ = writeln!(text, "{}", call(&format!("{:x}", number * 7_919), "00:06:00", "Describe"));
    }
    let whole = gz(&text);
    let report = Scenario::new().file("aws.cloudtrail", "log.gz", &whole[..whole.len() / 2]).run(TWO_CALLS);
    assert_eq!(alerts(&report), 1);
    assert_eq!(report.stats.broken_files.len(), 1);
    let cut =
        Scenario::new().file("aws.cloudtrail", "log", &text.as_bytes()[..first.len() + 20]).run(TWO_CALLS);
    assert_eq!(skipped(&cut), [("not valid JSON".to_owned(), 1, "log".to_owned(), 2)]);
}

#[test]
fn the_wrong_source_is_named() {
    let scenario = Scenario::new()
        .file("aws.vpcflow", "trail.json", launch("1", "00:00:00", "eni-1"))
        .file("aws.cloudtrail", "flow.log", flow("eni-1", 60))
        .file("aws.cloudtrail", "trail.json", launch("1", "00:00:00", "eni-1"))
        .file("aws.cloudtrail", "README", "This is no log.\n");
    assert_eq!(skipped(&scenario.run(RULE)), [("not valid JSON".to_owned(), 1, "README".to_owned(), 1)]);
    let problems: Vec<String> =
        scenario.run(RULE).stats.broken_files.into_iter().map(|(_, problem)| problem).collect();
    assert_eq!(
        problems,
        [
            "this looks like aws.cloudtrail, but it was given as aws.vpcflow",
            "this looks like aws.vpcflow, but it was given as aws.cloudtrail",
            "nothing in it is an event of aws.cloudtrail: not valid JSON (line 1)",
        ]
    );
}

#[test]
fn an_event_delivered_twice_counts_once() {
    let (launched, line) = (launch("1", "00:00:00", "eni-1"), flow("eni-1", 60));
    let report = Scenario::new()
        .file("aws.cloudtrail", "a", &launched)
        .file("aws.cloudtrail", "b", format!("{launched}\n{launched}"))
        .file("aws.vpcflow", "flow", format!("{line}\n{}\n{line}\n", flow("eni-1", 61)))
        .run(RULE);
    assert_eq!((alerts(&report), report.stats.duplicates), (2, 3));
}

#[test]
fn canonical_records() {
    let good = r#"{"source":"aws.cloudtrail","event.time":"2026-01-01T00:00:00Z","event.action":"CreateUser","actor.id":"a","cloud.region":"x"}
{"source":"aws.cloudtrail","event.time":1767225660,"event.action":"RunInstances","actor.id":"a","event.read_only":"false"}
{"source":"aws.vpcflow","event.time":1767225660,"flow.action":"ACCEPT"}
"#;
    let report = Scenario::new().file("canonical", "c.ndjson", good).run(TWO_CALLS);
    assert_eq!((alerts(&report), report.stats.events, report.stats.is_flawed()), (1, 3, false));
    let printed = output::ndjson(&report);
    let alert: serde_json::Value = serde_json::from_str(printed.trim()).unwrap();
    assert_eq!(alert["rule"], "calls");
    assert_eq!(alert["time"], "2026-01-01T00:01:00Z");
    assert_eq!(alert["steps"]["first"]["actor.id"], "a");
    assert_eq!(alert["steps"]["second"]["time"], "2026-01-01T00:01:00Z");

    let bad = r#"{"source":"aws.cloudtrail","event.time":"x","event.action":"CreateUser"}
{"source":"aws.cloudtrail","event.time":1767225660,"event.acton":"RunInstances"}
{"event.time":1767225660}
{"source":"aws.nothing","event.time":1767225660}
[1]
"#;
    let report = Scenario::new().file("canonical", "c.ndjson", bad).run(TWO_CALLS);
    let reasons: Vec<_> = skipped(&report).into_iter().map(|(reason, _, _, line)| (reason, line)).collect();
    assert_eq!(
        reasons,
        [
            ("no usable `event.time`".to_owned(), 1),
            ("not a JSON object".to_owned(), 5),
            ("source aws.cloudtrail has no field `event.acton`".to_owned(), 2),
            ("the record does not name its `source`".to_owned(), 3),
            ("there is no source aws.nothing".to_owned(), 4),
        ]
    );
}

#[test]
fn addresses_link_as_they_are_logged() {
    let rule = RULE_BY_ADDRESS;
    let call = r#"{"source":"aws.cloudtrail","event.time":0,"event.action":"CreateUser","source.ip":"2001:DB8:0::1"}"#;
    let flow = |from: &str, to: &str| {
        format!(r#"{{"source":"aws.vpcflow","event.time":60,"source.ip":"{from}","destination.ip":"{to}"}}"#)
    };
    for (from, to, expected) in [
        ("2001:DB8:0::1", "192.0.2.1", 1),
        ("2001:db8::1", "192.0.2.1", 0),
        // The test of the step compares the value.
        ("2001:DB8:0::1", "2001:db8::1", 0),
    ] {
        let report =
            Scenario::new().file("canonical", "c.ndjson", format!("{call}\n{}\n", flow(from, to))).run(rule);
        assert_eq!(alerts(&report), expected, "{from} to {to}");
    }
}

#[test]
fn large_files_are_read_in_pieces() {
    let filler = call("0", "00:30:00", "Describe");
    let mut lines: Vec<String> = (0..150_000).map(|_| filler.clone()).collect();
    for (at, minute) in [(10, 0), (60_000, 20), (149_990, 40)] {
        lines[at] = call(&format!("a{at}"), &format!("00:{minute:02}:00"), "CreateUser");
        lines[at + 1] = call(&format!("b{at}"), &format!("00:{:02}:00", minute + 1), "RunInstances");
    }
    lines[149_995] = "RunInstances, but broken".to_owned();
    // The order of input does not matter.
    lines.swap(10, 60_001);
    let text = lines.join("\n");
    assert!(text.len() > 17 << 20, "more than one piece");
    let report = Scenario::new().file("aws.cloudtrail", "log", &text).run(TWO_CALLS);
    assert_eq!((alerts(&report), report.stats.events, report.stats.bytes), (3, 150_000, text.len() as u64));
    assert_eq!(skipped(&report), [("not valid JSON".to_owned(), 1, "log".to_owned(), 149_996)]);
}
