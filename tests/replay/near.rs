//! Near misses over raw logs: every way to read gives the same ones, and none is lost because its records were not kept
//! at first.

use std::collections::BTreeMap;

use catena::engine::near::{Condition, condition};
use catena::engine::program::Program;
use catena::engine::record::Schemas;
use catena::replay::input::Input;
use catena::replay::{Control, Report, misses};
use proptest::prelude::*;
use proptest::test_runner::{RngAlgorithm, TestRng, TestRunner};

use super::same::{Harness, lines};
use crate::rules;
use crate::scenarios::near::found;

/// Rules whose steps have parts: texts, keys, lists, exceptions, things that no search can demand.
const RULES: &str = r#"
allowlist some: actor.session_name { "i-*" reason "our own" }

rule parts {
  title "Parts" id "5d3c8f0e-0f5b-4d43-9f0e-3f1f3f4a1330" description "x" date 2026-11-24 status test severity low
  chain within 20m {
    step a from aws.cloudtrail where event.action in ("CreateUser", "CreateRole", "Other") and event.outcome == "success"
    then within 15m on actor.id
    step b from aws.cloudtrail where event.action starts_with "Run" and not event.read_only and exists(instance.eni)
    then within 20m on instance.eni
    step c from aws.vpcflow where flow.action == "ACCEPT" and destination.port < 1024
  }
  alert { entity account a.actor.id }
}
rule exceptions {
  title "Exceptions" id "5d3c8f0e-0f5b-4d43-9f0e-3f1f3f4a1331" description "x" date 2026-11-24 status test severity low
  chain within 30m {
    step a from aws.cloudtrail where event.action == "CreateUser" or event.action == "CreateRole"
    then within 10m on actor.id
    step b from aws.cloudtrail where event.action == "DeleteUser"
      except actor.session_name in some
      except exists(event.error_code)
  }
  alert { entity account a.actor.id }
}
rule short {
  title "Short" id "5d3c8f0e-0f5b-4d43-9f0e-3f1f3f4a1333" description "x" date 2026-11-24 status test severity low
  chain within 4m {
    step a from aws.cloudtrail where event.action == "CreateUser"
    then within 10m on actor.id
    step b from aws.cloudtrail where event.action == "DeleteUser"
  }
  alert { entity account a.actor.id }
}
rule clauses {
  title "Clauses" id "5d3c8f0e-0f5b-4d43-9f0e-3f1f3f4a1334" description "x" date 2026-11-24 status test severity low
  chain within 30m {
    step a from aws.cloudtrail where event.action in ("CreateUser", "CreateRole") and event.outcome == "success"
      or from aws.cloudtrail where event.action starts_with "Run" and not event.read_only
      unless deleted from aws.cloudtrail where event.action == "DeleteUser" within 10m before on actor.id
    then within 20m on instance.eni
    step c from aws.vpcflow where flow.action == "ACCEPT" and destination.port < 1024
      first within 5m by instance.eni
  }
  alert { entity account a.actor.id }
}
rule counted {
  title "Counted" id "5d3c8f0e-0f5b-4d43-9f0e-3f1f3f4a1335" description "x" date 2026-11-24 status test severity low
  chain within 30m {
    step a from aws.cloudtrail where event.action starts_with "Run" and exists(instance.eni)
    then within 20m on instance.eni
    step c from aws.vpcflow where exists(flow.action) at least 3 distinct destination.port within 20m
  }
  alert { entity account a.actor.id }
}
rule together {
  title "Together" id "5d3c8f0e-0f5b-4d43-9f0e-3f1f3f4a1336" description "x" date 2026-11-24 status test severity low
  chain {
    together within 5m on instance.eni {
      step a from aws.cloudtrail where event.action starts_with "Run" and not event.read_only
      step c from aws.vpcflow where flow.action == "ACCEPT" and destination.port < 1024
    }
  }
  alert { entity account a.actor.id }
}
rule alone {
  title "Alone" id "5d3c8f0e-0f5b-4d43-9f0e-3f1f3f4a1332" description "x" date 2026-11-24 status test severity low
  chain within 30m {
    step a from aws.cloudtrail where event.action == "CreateUser" and session.from_console and actor.id contains "user/"
  }
  alert { entity account a.actor.id }
}
"#;

type Counts = Vec<BTreeMap<(String, String), u64>>;

fn counts(report: &Report) -> Counts {
    let near = report.near.as_ref().unwrap();
    let of_rule = |rule: &catena::replay::report::RuleNear| {
        rule.counts.iter().map(|(step, what, count)| ((step.clone(), what.clone()), *count)).collect()
    };
    near.rules.iter().map(of_rule).collect()
}

#[test]
fn near_misses_do_not_depend_on_reading() {
    let rules = rules::from_text(RULES);
    let harness = Harness::new(&rules, Some(1000));
    let schemas = Schemas::full(&harness.catalog);
    let programs: Vec<_> = rules.iter().map(|rule| Program::new(rule, &schemas).unwrap()).collect();
    let seen = std::cell::RefCell::new(BTreeMap::<&str, u64>::new());
    let config = ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() };
    let mut runner = TestRunner::new_with_rng(config, TestRng::deterministic_rng(RngAlgorithm::ChaCha));
    let outcome = runner.run(&lines(), |(trail, flows)| {
        let quick = harness.raw(&harness.quick, &trail, &flows);
        let text = misses::ndjson(&quick);
        let thorough = harness.raw(&harness.thorough, &trail, &flows);
        prop_assert_eq!(&text, &misses::ndjson(&thorough), "prefilter");
        let reversed = |lines: &[String]| lines.iter().rev().cloned().collect::<Vec<_>>();
        let backwards = harness.raw(&harness.quick, &reversed(&trail), &reversed(&flows));
        prop_assert_eq!(&text, &misses::ndjson(&backwards), "order");
        let path = harness.write("canonical", &harness.canonical(&trail, &flows));
        let canonical = harness.quick.replay(&[Input { source: None, path }], &Control::default());
        prop_assert_eq!(&text, &misses::ndjson(&canonical), "canonical");

        // All records at once, none left out by a reading; what is delivered twice counts once.
        let mut records = harness.records(&trail, &flows);
        let key = |record: &catena::engine::record::Record| format!("{:?}{record:?}", record.event);
        records.sort_by_key(key);
        records.dedup_by_key(|record| key(record));
        let all = rules.iter().zip(&programs).map(|(rule, program)| {
            let named = |(which, count): (&Condition, &u64)| {
                let (step, what) = condition(rule, *which).unwrap();
                ((step.to_owned(), what), *count)
            };
            found(program, &records, 0).counts.iter().map(named).collect()
        });
        prop_assert_eq!(counts(&quick), all.collect::<Counts>(), "records that fail a part");
        for kind in ["gap", "key", "order", "total", "where", "except", "count", "unless"] {
            let named = text.contains(&format!(r#""failed":"{kind}""#));
            *seen.borrow_mut().entry(kind).or_default() += u64::from(named);
        }
        Ok(())
    });
    if let Err(problem) = outcome {
        panic!("{problem}");
    }
    let seen = seen.into_inner();
    println!("scenarios with near misses: {seen:?}");
    assert!(seen.values().all(|count| *count >= 1), "{seen:?}");
}
