//! `catena tune`: its numbers are those of a replay for each value.

use std::collections::HashSet;

use catena::catalog::Catalog;
use catena::engine::alert::Alert;
use catena::engine::record::Record;
use catena::engine::value::Value;
use catena::ir::Rule;
use catena::replay::input::Input;
use catena::replay::tune::{Tuned, tune};
use catena::replay::{Control, Options, Plan};
use proptest::prelude::*;
use proptest::test_runner::{RngAlgorithm, TestRng, TestRunner};

use super::commands::{chain, scratch};
use super::golden::{CALL, HEAD, LAUNCH, data};
use super::same::{Harness, lines};
use crate::program::{Ran, catena};
use crate::rules;

const RULE: &str = r#"rule three {
  title "Three" id "5d3c8f0e-0f5b-4d43-9f0e-3f1f3f4a1340" description "x" date 2026-11-24 status test severity low
  chain within 30m {
    step a from aws.cloudtrail where event.outcome == "success" and event.action in ("CreateUser", "CreateRole")
    then within 10m on actor.id
    step b from aws.cloudtrail where event.action in ("RunInstances", "DeleteUser")
    then within 10m on actor.id
    step c from aws.cloudtrail where event.action == "Other"
  }
  alert { entity account c.actor.id entity host b.instance.id dedupe 7m by a.event.action }
}"#;

const VALUES: [u64; 5] = [2, 5, 10, 17, 26];

fn with(rule: &Rule, minutes: u64) -> Rule {
    let mut rule = rule.clone();
    rule.chain.links[0].gap.seconds = minutes * 60;
    rule.chain.links[1].gap.seconds = minutes * 60;
    rule.alert.dedupe.as_mut().unwrap().window.seconds = minutes * 60;
    rule
}

/// A record by what does not depend on where it was read.
fn name(records: &[Record], alert: &Alert) -> String {
    let record = &records[*alert.records.last().unwrap()];
    format!("{:?} {:?}", record.event, record.values)
}

/// The numbers of one replay; the records of the last step that alert, by their text.
fn replayed(rule: &Rule, catalog: &Catalog, input: &Input) -> (Tuned, HashSet<String>) {
    let plan = Plan::new(std::slice::from_ref(rule), catalog, &Options::default()).unwrap();
    let report = plan.replay(std::slice::from_ref(input), &Control::default());
    let alerts = &report.rules[0].alerts;
    let distinct = |(step, field): (usize, &str)| {
        let value = |alert: &Alert| report.records[alert.records[step]].get(field).map(Value::atom);
        alerts.iter().filter_map(value).collect::<HashSet<_>>().len()
    };
    let ends = alerts.iter().map(|alert| name(&report.records, alert));
    let tuned = Tuned {
        alerts: alerts.len(),
        before: usize::try_from(report.rules[0].tally.alerts).unwrap(),
        added: 0,
        lost: 0,
        entities: [(2, "actor.id"), (1, "instance.id")].map(distinct).to_vec(),
    };
    (tuned, ends.collect())
}

#[test]
fn numbers_are_those_of_a_replay_for_each_value() {
    let rule = rules::from_text(RULE).remove(0);
    let harness = Harness::new(std::slice::from_ref(&rule), None);
    let (differing, lost) = (std::cell::Cell::new(0), std::cell::Cell::new(0));
    let config = ProptestConfig { cases: 150, failure_persistence: None, ..ProptestConfig::default() };
    let mut runner = TestRunner::new_with_rng(config, TestRng::deterministic_rng(RngAlgorithm::ChaCha));
    let both = (lines(), lines()).prop_map(|((mut first, _), (second, _))| {
        first.extend(second);
        first
    });
    let outcome = runner.run(&both, |trail| {
        let path = harness.write("trail", &trail);
        let input = Input { source: Some("aws.cloudtrail".to_owned()), path };
        let rules = VALUES.map(|minutes| with(&rule, minutes));
        let control = Control::default();
        let inputs = std::slice::from_ref(&input);
        let tuning = tune(&rules, 2, &harness.catalog, &Options::default(), (inputs, &control)).unwrap();
        let expected = VALUES.map(|minutes| replayed(&with(&rule, minutes), &harness.catalog, &input));
        let own = &expected[2].1;
        let mut ever = HashSet::new();
        for (found, (tuned, ends)) in tuning.values.iter().zip(&expected) {
            let (added, lost) = (ends.difference(own).count(), own.difference(ends).count());
            prop_assert_eq!(found, &Tuned { added, lost, ..tuned.clone() });
            ever.extend(ends.iter().cloned());
        }
        let chains = tuning.chains.iter().map(|(_, alert)| name(&tuning.records, alert));
        prop_assert_eq!(chains.collect::<HashSet<_>>(), ever);
        for (from, alert) in &tuning.chains {
            let end = name(&tuning.records, alert);
            prop_assert_eq!(expected.iter().position(|(_, ends)| ends.contains(&end)), Some(*from));
        }
        differing.set(differing.get() + u32::from(expected.iter().any(|one| one.1 != *own)));
        lost.set(lost.get() + u32::from(tuning.values[4].lost > 0));
        Ok(())
    });
    if let Err(problem) = outcome {
        panic!("{problem}");
    }
    let (differing, lost) = (differing.get(), lost.get());
    assert!(
        differing > 30 && lost > 1,
        "in {differing} values differ, in {lost} a wider window loses alerts"
    );
}

#[test]
fn known_answers_on_real_logs() {
    let Some(folder) = data("invictus-ir_aws_dataset/CloudTrail") else { return };
    let rule = format!(
        "{HEAD} param launch_to_call = 5m chain within launch_to_call {{ {LAUNCH}
  then within launch_to_call on launch.instance.id == call.actor.session_name
  {CALL} }} alert {{ entity host launch.instance.id }} }}"
    );
    let (_folder, rule, _) = scratch(&rule, "");
    let events = format!("aws.cloudtrail={}", folder.display());
    let vary = "launch_to_call=1m,2m,3m,5m,10m,30m";
    let Ran { status, out, err } =
        catena(&["tune", &rule, "--events", &events, "--vary", vary, "--format", "json"]);
    assert_eq!(status, 0, "{err}");
    let found: serde_json::Value = serde_json::from_str(&out).unwrap();
    let numbers = |name: &str| -> Vec<u64> {
        let values = found["values"].as_array().unwrap();
        values.iter().map(|value| value[name].as_u64().unwrap()).collect()
    };
    assert_eq!(numbers("alerts"), [0, 4, 19, 20, 21, 23]);
    assert_eq!((numbers("added"), numbers("lost")), (vec![0, 0, 0, 0, 1, 3], vec![20, 16, 1, 0, 0, 0]));
    let instances = |value: &serde_json::Value| value["entities"]["launch.instance.id"].as_u64().unwrap();
    let instances: Vec<_> = found["values"].as_array().unwrap().iter().map(instances).collect();
    assert_eq!(instances, [0, 2, 2, 2, 2, 2]);
    assert_eq!((found["in_force"].as_u64(), found["chains"].as_array().unwrap().len()), (Some(300), 23));
}

const TUNED: &str = r#"rule console {
  title "Console" id "5d3c8f0e-0f5b-4d43-9f0e-3f1f3f4a1341" description "x" date 2026-11-24 status test severity low
  param soon = 5m
  param quiet = 1h
  param port = 443
  chain {
    step console from aws.cloudtrail where session.from_console
    then within soon on actor.id, cloud.account.id
    step launch from aws.cloudtrail where event.action == "RunInstances"
    then within soon on instance.eni
    step egress from aws.vpcflow where destination.port == port
  }
  alert { entity account launch.actor.id entity resource launch.image.id dedupe quiet by launch.actor.id }
}
rule other {
  title "Other" id "5d3c8f0e-0f5b-4d43-9f0e-3f1f3f4a1342" description "x" date 2026-11-24 status test severity low
  param soon = 5m
  chain within 10m {
    step launch from aws.cloudtrail where event.action == "RunInstances"
    then within soon on instance.eni
    step egress from aws.vpcflow where destination.port == 443
  }
  alert { entity account launch.actor.id }
}"#;

#[test]
fn a_table_and_a_chart() {
    let logs = [
        chain(1, [0, 2, 4], "{}", "{}", "{}"),
        chain(2, [0, 5, 9], "{}", "{}", "{}"),
        chain(3, [0, 7, 8], "{}", r#"{"image.id":"ami-other"}"#, "{}"),
        chain(4, [0, 1, 12], "{}", "{}", "{}"),
    ];
    let (folder, rule, log) = scratch(TUNED, &logs.concat());
    let svg = folder.path().join("chart.svg").display().to_string();
    let base = ["tune", &rule, "--canonical", &log, "--rule"];
    let run = |more: &[&str]| catena(&[&base[..], more].concat());
    let table = run(&["console", "--vary", "soon=1m..15m/2m", "--svg", &svg]);
    assert_eq!(table.status, 0, "{}", table.err);
    let json = run(&["console", "--vary", "soon=3m,7m", "--format", "json"]);
    let total = run(&["other", "--vary", "total=1m..10m/3m"]);
    insta::with_settings!({
        snapshot_path => "../../snapshots/engine",
        prepend_module_to_snapshot => false,
        omit_expression => true,
    }, { insta::assert_snapshot!("tuning", format!("{}\n{}\n{}", table.out, total.out, json.out)) });
    let picture = std::fs::read_to_string(svg).unwrap();
    assert!(picture.starts_with("<svg") && picture.contains("console: alerts by soon (in force: 5m)"));
    assert!(picture.contains("different launch.actor.id") && picture.contains("soon (minutes)"));
    // Three lines of eight values, and their three marks above.
    assert_eq!(picture.matches("<circle").count(), 3 * 8 + 3);
    // For readers and pointers, and what was read.
    assert!(picture.contains("<title>console: alerts by soon (in force: 5m)</title>\n<desc>Counts for soon from 1 to 15 minutes. alerts: from "));
    assert!(picture.contains(
        "12 events from 1 file; records that match a step: 2026-01-01T01:00:00Z to 2026-01-01T04:12:00Z"
    ));
    // A count over a threshold has no slopes: each stroke goes along one axis.
    for line in
        picture.lines().filter(|line| line.starts_with("<polyline") && line.contains("stroke-width=\"2\""))
    {
        let points = line.split_once("points=\"").unwrap().1.split_once('"').unwrap().0;
        let points: Vec<_> = points.split_whitespace().filter_map(|point| point.split_once(',')).collect();
        assert!(points.windows(2).all(|pair| pair[0].0 == pair[1].0 || pair[0].1 == pair[1].1), "{line}");
    }
}

#[test]
fn a_wish_that_cannot_be_met_says_why() {
    let (_folder, rule, log) = scratch(TUNED, "");
    for (more, hint) in [
        (&["--vary", "sooon=1m..5m"][..], "no rule has a parameter `sooon`; did you mean `soon`?"),
        (&["--vary", "x=1m..5m"], "no rule has a parameter `x`; there is quiet, soon, total"),
        (&["--vary", "port=1m..5m"], "`port` is a number, not a length of time"),
        (&["--vary", "quiet=1m..5m"], "`quiet` is no window of the chain"),
        (&["--vary", "port=3..5"], "`port` is no count of the chain: no `at least` uses it"),
        (&["--vary", "soon=3..5", "--rule", "other"], "`soon` is a length of time, not a number"),
        (&["--vary", "total=3..5", "--rule", "other"], "the total is a length of time"),
        (&["--vary", "port=1..5"], "`1` is not a number from 2 to 10000"),
        (&["--vary", "soon=1m..5m"], "choose one with `--rule`: console, other"),
        (&["--vary", "soon=1m..5m", "--rule", "consol"], "did you mean `console`?"),
        (&["--vary", "soon=5m..1m"], "the range 5m..1m is empty"),
        (&["--vary", "soon=500d"], "longer than a year"),
        (&["--vary", "soon"], "expected NAME=VALUES"),
        (&["--rule", "console"], "--vary"),
    ] {
        let ran = catena(&[&["tune", &rule, "--canonical", &log], more].concat());
        assert_eq!((ran.status, ran.out.as_str()), (2, ""), "{more:?}: {}", ran.err);
        assert!(ran.err.contains(hint), "{more:?}: {}", ran.err);
    }
    let ran = catena(&["tune", &rule, "--rule", "other", "--vary", "soon=1m"]);
    assert!(ran.status == 2 && ran.err.contains("there are no logs"), "{}", ran.err);
}

const CLAUSES: &str = r#"rule clauses {
  title "Clauses" id "5d3c8f0e-0f5b-4d43-9f0e-3f1f3f4a1343" description "x" date 2026-11-24 status test severity low
  param attempts = 3
  param burst = 10m
  param history = 1h
  param later = 20m
  chain {
    step fail from aws.cloudtrail where event.action == "GetObject"
      first within history by source.ip
      at least attempts within burst by actor.id
    then within later on actor.id
    step key from aws.cloudtrail where event.action == "CreateAccessKey"
      unless revoked from aws.cloudtrail where event.action == "DeleteAccessKey" within later after on actor.id
  }
  alert { entity account key.actor.id dedupe 1m by key.actor.id }
}"#;

/// Clauses vary as windows do, and each value gives what the rule with that value gives.
#[test]
fn clauses_are_tuned_as_the_rule_is_written_anew() {
    let (folder, rule, log) = scratch(CLAUSES, &clauses_log());
    let mut changes = 0;
    for (vary, name, values) in [
        ("attempts=2..6", "attempts", &["2", "3", "4", "5", "6"][..]),
        ("burst=1m,5m,10m,30m", "burst", &["1m", "5m", "10m", "30m"]),
        ("history=1m,30m,1h,3h", "history", &["1m", "30m", "1h", "3h"]),
        ("later=1m,10m,20m,1h", "later", &["1m", "10m", "20m", "1h"]),
    ] {
        let ran = catena(&["tune", &rule, "--canonical", &log, "--vary", vary, "--format", "json"]);
        assert_eq!(ran.status, 0, "{vary}: {}", ran.err);
        let found: serde_json::Value = serde_json::from_str(&ran.out).unwrap();
        let alerts: Vec<u64> = found["values"]
            .as_array()
            .unwrap()
            .iter()
            .map(|value| value["alerts"].as_u64().unwrap())
            .collect();
        let replayed = values.iter().map(|value| {
            let path = folder.path().join("other.chain").display().to_string();
            let begin = CLAUSES.find(&format!("param {name} = ")).unwrap();
            let end = begin + CLAUSES[begin..].find('\n').unwrap();
            let text = format!("{}param {name} = {value}{}", &CLAUSES[..begin], &CLAUSES[end..]);
            std::fs::write(&path, text).unwrap();
            let ran = catena(&["replay", &path, "--canonical", &log]);
            assert_eq!(ran.status, 0, "{}", ran.err);
            ran.out.lines().count() as u64
        });
        assert_eq!(alerts, replayed.collect::<Vec<_>>(), "{vary}");
        changes += u32::from(alerts.iter().any(|count| *count != alerts[0]));
    }
    assert_eq!(changes, 4);
    let table = catena(&["tune", &rule, "--canonical", &log, "--vary", "attempts=2..4"]);
    assert!(
        table.out.starts_with("clauses: varies the number to which fail counts\nattempts  alerts"),
        "{}",
        table.out
    );
}

/// Bursts of 2 to 5 by one actor each, a key behind them, some revoked, some from an address seen before.
fn clauses_log() -> String {
    let mut lines = Vec::new();
    let mut event = |minute: u32, action: &str, actor: u32, ip: u32| {
        let (hour, rest) = (minute / 60, minute % 60);
        lines.push(
            serde_json::json!({ "source": "aws.cloudtrail", "event.id": format!("{minute}{action}{actor}{ip}"),
            "event.time": format!("2026-01-01T{hour:02}:{rest:02}:00Z"), "event.action": action,
            "actor.id": format!("actor{actor}"), "source.ip": format!("192.0.2.{ip}") })
            .to_string(),
        );
    };
    for actor in 0..8 {
        let begin = 120 + 20 * actor;
        // What was seen before at this address.
        event(begin - 15 * (actor % 4 + 1), "GetObject", 99, 10 * actor);
        for number in 0..2 + actor % 4 {
            event(begin + 3 * number, "GetObject", actor, 10 * actor + number);
        }
        event(begin + 15, "CreateAccessKey", actor, 200);
        if actor % 3 == 0 {
            event(begin + 30, "DeleteAccessKey", actor, 200);
        }
    }
    lines.join("\n") + "\n"
}
