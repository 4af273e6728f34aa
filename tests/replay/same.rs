//! Ways to read the same events must give the same answer: passing over what cannot match or be part of a chain,
//! counting all that matches, or parsing everything; raw events or canonical records, flow logs in columns or as JSON,
//! one order of lines or another, records that wait in memory or in files.

use std::fmt::Write as _;

use catena::catalog::Catalog;
use catena::engine::event::Reader;
use catena::engine::record::{Record, Schemas};
use catena::ir::Rule;
use catena::replay::input::Input;
use catena::replay::{Control, Options, Plan, Report, output};
use proptest::collection::vec;
use proptest::prelude::*;
use tempfile::TempDir;

use crate::rules;

/// Rules whose steps demand different things of a line: a value, one of several, a key, a list, nothing.
const RULES: &str = r#"
allowlist some: event.action { "RunInstances" "Create*" }

rule values {
  title "Values" id "5d3c8f0e-0f5b-4d43-9f0e-3f1f3f4a1310" description "x" date 2026-11-24 status test severity low
  chain within 1h {
    step a from aws.cloudtrail where event.action in ("CreateUser", "CreateRole") and event.outcome == "success"
    then within 30m on actor.id
    step b from aws.cloudtrail where session.from_console or event.action starts_with "Run"
    then within 30m on instance.eni
    step c from aws.vpcflow where flow.action == "ACCEPT" and destination.port < 1024
  }
  alert { entity account a.actor.id }
}
rule lists {
  title "Lists" id "5d3c8f0e-0f5b-4d43-9f0e-3f1f3f4a1311" description "x" date 2026-11-24 status test severity low
  chain within 1h {
    step a from aws.cloudtrail where event.action in some
    then within 30m on a.instance.id == b.actor.session_name
    step b from aws.cloudtrail where actor.session_name like "i-*" or not exists(event.error_code)
  }
  alert { entity account a.actor.id }
}
rule escaped {
  title "Escaped" id "5d3c8f0e-0f5b-4d43-9f0e-3f1f3f4a1312" description "x" date 2026-11-24 status test severity low
  chain within 1h {
    step a from aws.cloudtrail where actor.id == "arn:aws:iam::1:user/é/a" and event.read_only
    then within 30m on actor.id
    step b from aws.cloudtrail where actor.id contains "user/é" and event.action =~ "DELETEUSER"
  }
  alert { entity account a.actor.id }
}
"#;

/// The lines of one scenario: `CloudTrail` events and flow records.
pub(super) fn lines() -> impl Strategy<Value = (Vec<String>, Vec<String>)> {
    let action = prop::sample::select(vec![
        "CreateUser",
        "RunInstances",
        "CreateRole",
        "DeleteUser",
        "Run\\u0049nstances",
        "Other",
    ]);
    let arn = prop::sample::select(vec![
        r"arn:aws:iam::1:user/\u00e9/a",
        r"arn:aws:iam::1:user\/é\/a",
        "arn:aws:iam::1:user/b",
        "arn:aws:sts::1:assumed-role/r/i-1",
    ]);
    let more = prop::sample::select(vec![
        "",
        r#","errorCode":"Denied""#,
        r#","sessionCredentialFromConsole":"true""#,
        r#","readOnly":true"#,
        r#","responseElements":{"instancesSet":{"items":[{"instanceId":"i-1","networkInterfaceSet":{"items":[{"networkInterfaceId":"eni-1"},{"networkInterfaceId":"eni-2"}]}},{"instanceId":"i-2"}]}}"#,
        r#","responseElements":"text""#,
    ]);
    let event = (0..50u32, action, arn, more, 0..40u32).prop_map(|(minute, action, arn, more, id)| {
        format!(
            r#"{{"eventID":"e{id}-{minute}","eventTime":"2026-01-01T00:{minute:02}:00Z","eventName":"{action}","userIdentity":{{"arn":"{arn}"}}{more}}}"#
        )
    });
    let flow = (
        0..50u64,
        1..4u32,
        prop::sample::select(vec!["ACCEPT", "REJECT", "-"]),
        prop::sample::select(vec!["443", "8080", "-"]),
    )
        .prop_map(|(minute, eni, action, port)| {
            let start = 1_767_225_600 + minute * 60;
            format!("2 1 eni-{eni} 10.0.0.1 192.0.2.1 40000 {port} 6 1 1 {start} {start} {action} OK")
        });
    (vec(event, 0..12), vec(flow, 0..6))
}

pub(super) struct Harness {
    pub(super) catalog: Catalog,
    pub(super) quick: Plan,
    pub(super) thorough: Plan,
    /// Counts what matches a step.
    counting: Plan,
    /// Holds no record in memory while it reads.
    pub(super) tight: Plan,
    folder: TempDir,
}

impl Harness {
    pub(super) fn new(rules: &[Rule], near: Option<usize>) -> Self {
        let catalog = Catalog::embedded().unwrap();
        let plan = |options| Plan::new(rules, &catalog, &Options { near, ..options }).unwrap();
        Self {
            quick: plan(Options::default()),
            thorough: plan(Options { thorough: true, ..Options::default() }),
            counting: plan(Options { counts: true, ..Options::default() }),
            tight: plan(Options { budget: Some(0), ..Options::default() }),
            folder: TempDir::new().unwrap(),
            catalog,
        }
    }

    pub(super) fn write(&self, name: &str, lines: &[String]) -> String {
        let path = self.folder.path().join(name);
        std::fs::write(&path, lines.iter().fold(String::new(), |text, line| text + line + "\n")).unwrap();
        path.to_string_lossy().into_owned()
    }

    pub(super) fn raw(&self, plan: &Plan, trail: &[String], flows: &[String]) -> Report {
        let input = |source: &str, path| Input { source: Some(source.to_owned()), path };
        let inputs = [
            input("aws.cloudtrail", self.write("trail", trail)),
            input("aws.vpcflow", self.write("flows", flows)),
        ];
        let report = plan.replay(&inputs, &Control::default());
        assert!(report.stats.skipped.is_empty(), "{:?}", report.stats);
        report
    }

    /// The records of the events, with every field.
    pub(super) fn records(&self, trail: &[String], flows: &[String]) -> Vec<Record> {
        let schemas = Schemas::full(&self.catalog);
        let reader = |source: &str| {
            Reader::new(self.catalog.source(source).unwrap(), schemas.get(source).unwrap().clone()).unwrap()
        };
        let events = trail.iter().map(|line| ("aws.cloudtrail", serde_json::from_str(line).unwrap()));
        let names = names();
        let flows = flows.iter().map(|line| {
            let columns = names.iter().cloned().zip(line.split(' ').map(serde_json::Value::from));
            ("aws.vpcflow", serde_json::Value::Object(columns.collect()))
        });
        events.chain(flows).flat_map(|(source, event)| reader(source).records(&event).unwrap()).collect()
    }

    /// The same events as canonical records, with every field.
    pub(super) fn canonical(&self, trail: &[String], flows: &[String]) -> Vec<String> {
        let mut lines = Vec::new();
        for record in self.records(trail, flows) {
            let mut line = format!(r#"{{"source":"{}""#, record.schema.source());
            for (name, value) in record.present() {
                let _ = write!(line, ",{name:?}:{}", serde_json::Value::from(value.to_string()));
            }
            lines.push(line + "}");
        }
        lines
    }
}

/// The names of the default format.
fn names() -> Vec<String> {
    catena::replay::columns::names(
        "version account-id interface-id srcaddr dstaddr srcport dstport protocol packets bytes start end action log-status",
    )
}

/// A flow record as JSON: some spell the interface with an escape, some have the same key elsewhere, before or behind.
fn as_json(line: &str) -> String {
    let text = serde_json::Value::from;
    let columns = names().into_iter().zip(line.split(' ').map(text));
    let plain = serde_json::Value::Object(columns.collect()).to_string();
    match line.len() % 4 {
        0 => plain,
        1 => plain.replace("eni-", r"eni\u002d"),
        2 => plain.replacen('{', r#"{"also":{"interface-id":"eni-9"},"#, 1),
        _ => plain.replacen('}', r#","also":["interface-id",{"interface-id" : null}]}"#, 1),
    }
}

fn sorted(lines: &str) -> Vec<&str> {
    let mut lines: Vec<&str> = lines.lines().collect();
    lines.sort_unstable();
    lines
}

/// A rule that begins on flow logs, so that these are read first.
const FLOWS_FIRST: &str = r#"
rule around {
  title "Around" id "5d3c8f0e-0f5b-4d43-9f0e-3f1f3f4a1313" description "x" date 2026-11-24 status test severity low
  chain within 1h {
    step a from aws.vpcflow where exists(flow.action)
    then within 1h on instance.eni
    step b from aws.cloudtrail where not event.read_only
  }
  alert { entity account b.actor.id }
}
"#;

#[test]
fn ways_to_read_agree() {
    assert_ways_agree(RULES, 100);
}

#[test]
fn ways_to_read_agree_whatever_comes_first() {
    assert_ways_agree(FLOWS_FIRST, 30);
}

pub(super) fn assert_ways_agree(rules: &str, alerting: u32) {
    let harness = Harness::new(&rules::from_text(rules), None);
    let with_alerts = std::cell::Cell::new(0);
    let config = ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() };
    let rng = proptest::test_runner::TestRng::deterministic_rng(proptest::test_runner::RngAlgorithm::ChaCha);
    let mut runner = proptest::test_runner::TestRunner::new_with_rng(config, rng);
    runner
        .run(&lines(), |(trail, flows)| {
            let raw =
                |plan, trail: &[String], flows: &[String]| output::ndjson(&harness.raw(plan, trail, flows));
            let quick = raw(&harness.quick, &trail, &flows);
            let (thorough, counting) = (
                harness.raw(&harness.thorough, &trail, &flows),
                harness.raw(&harness.counting, &trail, &flows),
            );
            prop_assert_eq!(&quick, &output::ndjson(&thorough), "prefilter");
            prop_assert_eq!(&quick, &output::ndjson(&counting), "link keys");
            prop_assert_eq!(output::table(&counting), output::table(&thorough), "counts");
            let json: Vec<String> = flows.iter().map(|line| as_json(line)).collect();
            let json = raw(&harness.quick, &trail, &json);
            prop_assert_eq!(sorted(&quick), sorted(&json), "flow logs as JSON");
            prop_assert_eq!(&quick, &raw(&harness.tight, &trail, &flows), "files");
            let reversed = |lines: &[String]| lines.iter().rev().cloned().collect::<Vec<_>>();
            prop_assert_eq!(&quick, &raw(&harness.quick, &reversed(&trail), &reversed(&flows)), "order");
            let path = harness.write("canonical", &harness.canonical(&trail, &flows));
            let canonical = harness.quick.replay(&[Input { source: None, path }], &Control::default());
            prop_assert_eq!(&quick, &output::ndjson(&canonical), "canonical");
            with_alerts.set(with_alerts.get() + u32::from(!quick.is_empty()));
            Ok(())
        })
        .unwrap();
    assert!(with_alerts.get() > alerting, "only {} scenarios with alerts", with_alerts.get());
}
