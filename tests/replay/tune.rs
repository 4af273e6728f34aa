//! `catena tune`: its numbers are those of a replay for each value.

use std::collections::HashSet;

use catena::catalog::Catalog;
use catena::engine::alert::Alert;
use catena::engine::record::Record;
use catena::engine::tune::Setting;
use catena::engine::value::Value;
use catena::ir::Rule;
use catena::replay::input::Input;
use catena::replay::tune::{Tuned, Windows, tune};
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
        let windows = VALUES.map(|minutes| {
            let gap = i64::try_from(minutes).unwrap() * 60_000_000;
            Windows { setting: Setting { gaps: vec![gap; 2], total: 1_800_000_000 }, dedupe: Some(gap) }
        });
        let control = Control::default();
        let inputs = std::slice::from_ref(&input);
        let tuning =
            tune(&rule, &harness.catalog, &Options::default(), &windows, 2, (inputs, &control)).unwrap();
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
