//! Real logs: the table of known answers on the invictus set, and the scenarios that must stay silent.
//!
//! The logs lie beside the repository, in `../shared/data`. Where they are absent the tests say so and pass; with
//! `CATENA_NEED_DATA=1`, as in CI, they fail.

use std::path::PathBuf;

use catena::catalog::Catalog;
use catena::replay::input::Input;
use catena::replay::{Control, Options, Plan, Report};

use crate::program::root;
use crate::rules;

/// The folder of a set of logs, if the logs are there.
pub(crate) fn data(folder: &str) -> Option<PathBuf> {
    let path = root().join("../shared/data").join(folder);
    // A work tree may lie elsewhere; then the place is given.
    let path = std::env::var_os("CATENA_DATA").map_or(path, |data| PathBuf::from(data).join(folder));
    if path.is_dir() {
        return Some(path);
    }
    assert!(std::env::var_os("CATENA_NEED_DATA").is_none(), "no real logs at {}", path.display());
    println!("NOT TESTED: no real logs at {}", path.display());
    None
}

fn replay(texts: &[String], folder: &std::path::Path) -> Report {
    let catalog = Catalog::embedded().unwrap();
    let rules: Vec<_> = texts.iter().flat_map(|text| rules::from_text(text)).collect();
    let plan = Plan::new(&rules, &catalog, &Options { counts: true, ..Options::default() }).unwrap();
    let input =
        Input { source: Some("aws.cloudtrail".to_owned()), path: folder.to_string_lossy().into_owned() };
    plan.replay(&[input], &Control::default())
}

const CONSOLE: &str = "session.from_console";
const LOGIN: &str = r#"event.action == "ConsoleLogin" and event.outcome == "success""#;
const NOT_CODE: &str = r#"except user_agent.original contains "Terraform"
    except user_agent.original contains "Pulumi"
    except user_agent.original contains "cloudformation.amazonaws.com""#;

/// Console step, exceptions of the launch, key of the first link, minutes of both gaps and of the whole; then the
/// number of records of each step and of alerts, as `prototypes/domain/EXPECTED_invictus.txt` has them.
type Row = (&'static str, &'static str, &'static str, [u64; 3], [u64; 3], usize);

const THREE_STEPS: [Row; 10] = [
    (CONSOLE, "", "actor.id", [15, 5, 30], [256, 2, 23], 0),
    (CONSOLE, "", "actor.id", [10, 5, 30], [256, 2, 23], 0),
    (CONSOLE, "", "actor.id", [30, 30, 30], [256, 2, 23], 0),
    (CONSOLE, "", "actor.access_key_id", [30, 5, 30], [256, 2, 23], 0),
    (LOGIN, "", "actor.id", [30, 30, 60], [2, 2, 23], 0),
    (CONSOLE, NOT_CODE, "actor.id", [30, 30, 60], [256, 0, 23], 0),
    (CONSOLE, "", "actor.account.id", [5, 5, 10], [256, 2, 23], 20),
    (CONSOLE, "", "actor.account.id", [10, 5, 15], [256, 2, 23], 20),
    (CONSOLE, "", "actor.account.id", [15, 15, 30], [256, 2, 23], 23),
    (CONSOLE, "", "actor.account.id", [30, 30, 60], [256, 2, 23], 23),
];

pub(super) const HEAD: &str = r#"rule golden {
  title "Known answers" id "5d3c8f0e-0f5b-4d43-9f0e-3f1f3f4a1300" description "Runs over real logs."
  date 2026-11-24 status test severity low
"#;
pub(super) const LAUNCH: &str = r#"step launch from aws.cloudtrail
    where event.provider == "ec2.amazonaws.com" and event.action == "RunInstances" and event.outcome == "success""#;
pub(super) const CALL: &str = r#"step call from aws.cloudtrail where actor.session_name starts_with "i-""#;

fn three_steps(row: &Row) -> String {
    let (console, excepts, key, [gap1, gap2, total], _, _) = row;
    format!(
        "{HEAD} chain within {total}m {{
  step console from aws.cloudtrail where {console}
  then within {gap1}m on {key}
  {LAUNCH} {excepts}
  then within {gap2}m on launch.instance.id == call.actor.session_name
  {CALL}
}} alert {{ show launch.instance.id }} }}"
    )
}

/// For each rule its alerts and the different instances in them.
fn answers(report: &Report) -> Vec<(usize, usize)> {
    let of_rule = |rule: &catena::replay::RuleReport| {
        let launch = rule.steps.iter().position(|step| step == "launch").unwrap();
        let id = |alert: &catena::engine::alert::Alert| {
            report.records[alert.records[launch]].get("instance.id").unwrap().to_string()
        };
        let ids: std::collections::BTreeSet<_> = rule.alerts.iter().map(id).collect();
        (rule.alerts.len(), ids.len())
    };
    report.rules.iter().map(of_rule).collect()
}

#[test]
fn three_steps_on_real_logs() {
    let Some(folder) = data("invictus-ir_aws_dataset/CloudTrail") else { return };
    let report = replay(&THREE_STEPS.iter().map(three_steps).collect::<Vec<_>>(), &folder);
    let expected = THREE_STEPS.iter().map(|(.., alerts)| (*alerts, if *alerts > 0 { 2 } else { 0 }));
    assert_eq!(answers(&report), expected.collect::<Vec<_>>());
    for (rule, (.., matched, _)) in report.rules.iter().zip(&THREE_STEPS) {
        // A launch gives a record for each interface, and both launches had one.
        assert_eq!(rule.tally.matched, matched);
    }
    assert_eq!((report.stats.events, report.stats.files), (2_900, 55));
    assert!(!report.stats.is_flawed(), "{:?}", report.stats);
}

#[test]
fn two_steps_on_real_logs() {
    let Some(folder) = data("invictus-ir_aws_dataset/CloudTrail") else { return };
    let rule = |minutes| {
        format!(
            "{HEAD} chain within {minutes}m {{ {LAUNCH}
  then within {minutes}m on launch.instance.id == call.actor.session_name
  {CALL} }} alert {{ show launch.instance.id }} }}"
        )
    };
    let report = replay(&[1, 2, 3, 5, 10, 30].map(rule), &folder);
    assert_eq!(answers(&report), [(0, 0), (4, 2), (19, 2), (20, 2), (21, 2), (23, 2)]);
}

/// Why the rules are silent: another user was at the console, and a minute is too short for an instance to start.
#[test]
fn near_misses_on_real_logs() {
    let Some(folder) = data("invictus-ir_aws_dataset/CloudTrail") else { return };
    let two = |minutes, except| {
        format!(
            "{HEAD} chain {{ {LAUNCH} {except}
  then within {minutes}m on launch.instance.id == call.actor.session_name
  {CALL} }} alert {{ show launch.instance.id }} }}"
        )
    };
    let three = three_steps(&THREE_STEPS[0]).replace("chain within 15m", "chain within 30m");
    let texts =
        [three, two(1, ""), two(5, ""), two(10, r#"except user_agent.original contains "Terraform""#)];
    let rules: Vec<_> = texts.iter().flat_map(|text| rules::from_text(text)).collect();
    let options = Options { near: Some(5), ..Options::default() };
    let plan = Plan::new(&rules, &Catalog::embedded().unwrap(), &options).unwrap();
    let path = folder.to_string_lossy().into_owned();
    let report =
        plan.replay(&[Input { source: Some("aws.cloudtrail".to_owned()), path }], &Control::default());
    let near = &report.near.as_ref().unwrap().rules;
    let counts = |rule: usize| {
        let shown = near[rule].counts.iter().map(|(step, what, count)| format!("{count} {step}: {what}"));
        shown.collect::<Vec<_>>()
    };
    assert_eq!(counts(0)[0], "2 launch: `actor.id` is not the `actor.id` of console");
    // Calls from 111 s and 115 s on; those within four minutes are near.
    assert_eq!(counts(1), ["20 call: more than 1m after launch"]);
    let nearest: Vec<_> = near[1].listed.iter().map(|one| (one.miss.by / 1_000_000, one.miss.more)).collect();
    assert_eq!(nearest, [(51, 7), (55, 11)]);
    // The second instance starts nine minutes after the first, which calls all the while.
    let other = "2 call: `actor.session_name` is not the `instance.id` of launch";
    assert_eq!(counts(2), ["3 call: more than 5m after launch", other]);
    assert_eq!(counts(3), [r#"2 launch: excepted by `user_agent.original contains "Terraform"`"#]);
    let lines = catena::replay::misses::ndjson(&report);
    assert!(lines.contains(r#""value":"arn:aws:iam::123837392027:user/bert-jan""#), "{lines}");
    assert!(lines.contains(r#""other":"arn:aws:iam::123837392027:user/benjamin""#), "{lines}");
}

#[test]
fn shipped_rules_are_silent_on_real_logs() {
    let Some(folder) = data("invictus-ir_aws_dataset/CloudTrail") else { return };
    let catalog = Catalog::embedded().unwrap();
    let rules = rules::from_file(&root().join("rules/an1318/aws_cloudtrail_only.chain"));
    let plan = Plan::new(&rules, &catalog, &Options::default()).unwrap();
    let input = |path: &std::path::Path| Input {
        source: Some("aws.cloudtrail".to_owned()),
        path: path.to_string_lossy().into_owned(),
    };
    let report = plan.replay(&[input(&folder)], &Control::default());
    assert_eq!((report.stats.events, report.rules[0].alerts.len()), (2_900, 0));
}

/// Events of the scenario that other people wrote: a leaked root key, a new user, a launch an hour later, egress twelve
/// hours after it.
#[test]
fn the_panther_scenario_stays_silent() {
    let Some(folder) = data("panther/test_scenarios") else { return };
    let temporary = tempfile::TempDir::new().unwrap();
    let (mut trail, mut flows) = (String::new(), String::new());
    for name in ["victim_cloudtrail.yml", "attacker_cloudtrail.yml", "attacker_vpc.yml"] {
        let text = std::fs::read_to_string(folder.join(name)).unwrap();
        let mut file: serde_json::Value = catena::yaml::read(&text).unwrap();
        for event in file["Logs"].as_array_mut().unwrap() {
            if let Some(line) = event.as_str() {
                flows.extend([line, "\n"]);
            } else {
                // The authors gave every event the id 1, which would make them all the same event.
                event["eventID"] = trail.len().into();
                trail.extend([event.to_string().as_str(), "\n"]);
            }
        }
    }
    let write = |source: &str, name: &str, text: &str| {
        let path = temporary.path().join(name);
        std::fs::write(&path, text).unwrap();
        Input { source: Some(source.to_owned()), path: path.to_string_lossy().into_owned() }
    };
    let inputs = [write("aws.cloudtrail", "trail", &trail), write("aws.vpcflow", "flows", &flows)];
    let mut rules = rules::from_file(&root().join("rules/an1318/aws.chain"));
    let catalog = Catalog::embedded().unwrap();
    let options = Options { counts: true, ..Options::default() };
    let alerts = |rules: &[catena::ir::Rule]| {
        let report = Plan::new(rules, &catalog, &options).unwrap().replay(&inputs, &Control::default());
        assert!(!report.stats.is_flawed(), "{:?}", report.stats);
        (report.rules[0].alerts.len(), report.rules[0].tally.clone())
    };
    let (silent, tally) = alerts(&rules);
    assert_eq!(silent, 0);
    assert!(
        tally.matched.iter().all(|count| *count > 0),
        "the scenario has events for every step: {tally:?}"
    );
    // With windows of a day and the account as the only key of the first link it is found: it is the meaning that keeps
    // it silent.
    let chain = &mut rules[0].chain;
    chain.total.seconds = 172_800;
    for link in &mut chain.links {
        link.gap.seconds = 86_400;
    }
    chain.links[0].keys.retain(|key| key.from_scope);
    assert!(alerts(&rules).0 > 0);
}
