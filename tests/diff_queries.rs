//! `catena diff` of rules whose meaning is the same: what the environment and the sources make of them.

use crate::program::{Ran, catena, path, scratch};

/// A log of one's own.
const SOURCE: &str = r"
name: our.vpn
title: Our VPN
description: One record for each session.
delay: 120
granularity: 1
event_id: [session.id, event.time]
targets:
  kql: { from: Vpn_CL, time: TimeGenerated }
  spl: { from: index=vpn }
fields:
  event.time: { type: time, description: When., raw: at, columns: { kql: TimeGenerated, spl: _time } }
  event.action: { type: string, description: What., raw: what, columns: { kql: What, spl: what } }
  session.id: { type: string, description: Which., raw: id, columns: { kql: Id, spl: id } }
  actor.id: { type: string, description: Who., raw: who, columns: { kql: Who, spl: who } }
  source.ip: { type: ip, description: From where., raw: ip, columns: { kql: Ip, spl: ip } }
";

const RULE: &str = r#"
rule twice {
  title       "Two sessions"
  id          "0d1c2a54-3a0e-4c0c-9c3e-6a9d2b7f0d90"
  description "Two sessions of one person."
  severity    low
  targets     kql, spl
  chain {
    step first from our.vpn where event.action == "open"
    then within 10m on actor.id
    step second from our.vpn where event.action == "close"
  }
  alert { entity account second.actor.id }
}
"#;

const SETTINGS: &str = "sources: [vpn.yaml]\n";

/// Two folders, each with a rule, a source and an environment of its own.
fn folders(old: [&str; 3], new: [&str; 3]) -> tempfile::TempDir {
    let file = |side: &str, name: &str| format!("{side}/{name}");
    let sides = [("old", old), ("new", new)];
    let names = ["r.chain", "vpn.yaml", "catena.yaml"];
    let files: Vec<(String, &str)> = sides
        .iter()
        .flat_map(|(side, texts)| names.iter().zip(texts).map(|(name, text)| (file(side, name), *text)))
        .collect();
    let files: Vec<(&str, &[u8])> =
        files.iter().map(|(name, text)| (name.as_str(), text.as_bytes())).collect();
    scratch("diff_queries", &files)
}

fn diff(old: [&str; 3], new: [&str; 3], more: &[&str]) -> Ran {
    let folder = folders(old, new);
    let (old, new) = (path(&folder, "old"), path(&folder, "new"));
    let ran = catena(&[&["diff", &old, &new], more].concat());
    assert!(ran.status == 0, "{}{}", ran.out, ran.err);
    ran
}

/// A rule that is read from elsewhere, and has another query.
pub(crate) fn elsewhere() -> (tempfile::TempDir, String, String) {
    let source = SOURCE.replace("Vpn_CL", "Vpn2_CL").replace("delay: 120", "delay: 3600");
    let source = source.replace("raw: who", "raw: user");
    let folder = folders([RULE, SOURCE, SETTINGS], [RULE, &source, SETTINGS]);
    let (old, new) = (path(&folder, "old"), path(&folder, "new"));
    (folder, old, new)
}

fn with_source(from: &str, to: &str, more: &[&str]) -> String {
    assert!(SOURCE.contains(from), "`{from}` is not in the source");
    diff([RULE, SOURCE, SETTINGS], [RULE, &SOURCE.replace(from, to), SETTINGS], more).out
}

fn with_settings(old: &str, new: &str) -> String {
    let settings = [old, new].map(|text| format!("{SETTINGS}{text}"));
    diff([RULE, SOURCE, &settings[0]], [RULE, SOURCE, &settings[1]], &["--deny"]).out
}

#[test]
fn another_table_or_column_is_another_query() {
    assert_eq!(with_source("title: Our VPN", "title: The VPN", &[]), UNCHANGED);
    let table = with_source("Vpn_CL", "Vpn2_CL", &["--deny"]);
    assert!(
        table.starts_with("rule twice: the same meaning, another query\n  query of kql changed:\n"),
        "{table}"
    );
    assert!(
        table.contains("\n    - ") && table.contains("Vpn_CL\n") && table.contains("Vpn2_CL\n"),
        "{table}"
    );
    assert!(!table.contains("spl") && !table.contains("schedule"), "{table}");
    assert!(table.ends_with("0 rules with another meaning, 1 with another query, 0 with other text, 0 new, 0 gone, 0 unchanged\n"), "{table}");
    let column = with_source("kql: Who", "kql: Person", &[]);
    assert!(
        column.contains("second_actor_id = Person") && column.contains("second_actor_id = Who"),
        "{column}"
    );
    let index = with_source("index=vpn", "index=vpn2", &[]);
    assert!(index.contains("query of spl changed:") && index.contains("index=vpn2"), "{index}");
}

const UNCHANGED: &str = "0 rules with another meaning, 0 with other text, 0 new, 0 gone, 1 unchanged\n";

#[test]
fn another_delay_or_interval_is_another_schedule() {
    let delay = with_source("delay: 120", "delay: 3600", &[]);
    assert!(
        delay.contains("schedule of spl, kql: every 5m over the last 17m → every 5m over the last 1h15m\n"),
        "{delay}"
    );
    assert!(!delay.contains("query of"), "{delay}");
    let interval = with_settings("interval: 5m\n", "interval: 15m\n");
    assert!(interval.contains("→ every 15m over the last 27m\n"), "{interval}");
}

#[test]
fn the_environment_sends_queries_elsewhere() {
    let from = |index: &str| format!("targets:\n  spl:\n    our.vpn: {{ from: index={index} }}\n");
    let found = with_settings(&from("a"), &from("b"));
    assert!(found.contains("query of spl changed:\n") && found.contains("index=b"), "{found}");
    // A change of meaning does not hide it, and is no part of it.
    let (old, new) = (format!("{SETTINGS}{}", from("a")), format!("{SETTINGS}{}", from("b")));
    let wider = RULE.replace("within 10m", "within 12m");
    let found = diff([RULE, SOURCE, &old], [&wider, SOURCE, &new], &[]).out;
    assert!(
        found.contains("total window: 10m → 12m\n  query of spl changed by sources or environment:\n"),
        "{found}"
    );
    assert!(found.contains("index=b") && !found.contains("720"), "{found}");
    let found = diff([RULE, SOURCE, &old], [&wider, SOURCE, &old], &[]).out;
    assert!(found.contains("10m → 12m") && !found.contains("query of"), "{found}");
}

#[test]
fn what_replay_reads_from_elsewhere_is_said() {
    let found = with_source("raw: who", "raw: user.name", &[]);
    assert_eq!(
        found,
        "rule twice: the same meaning, read from elsewhere\n  \
         replay reads `actor.id` of our.vpn from another path: who → user.name\n\
         0 rules with another meaning, 1 read from elsewhere, 0 with other text, 0 new, 0 gone, 0 unchanged\n"
    );
    // Nothing reads the address.
    assert_eq!(with_source("raw: ip", "raw: address", &[]), UNCHANGED);
    let only = with_source("delay: 120", "delay: 120\nonly: { kind: [vpn] }", &[]);
    assert!(only.contains("replay takes other events for those of our.vpn: new, kind: vpn\n"), "{only}");
    let only_of = "delay: 120\nonly_of: [{ events: { kind: [tunnel] }, only: { stage: [open] } }]";
    let only = with_source("delay: 120", only_of, &[]);
    let told = "replay takes other events for those of our.vpn: new, stage: open of kind: tunnel\n";
    assert!(only.contains(told), "{only}");
}

#[test]
fn a_renamed_step_is_another_output() {
    let renamed = RULE.replace("second", "later");
    let found = diff([RULE, SOURCE, SETTINGS], [&renamed, SOURCE, SETTINGS], &["--deny"]).out;
    assert!(found.starts_with("rule twice: the same meaning, another query\n"), "{found}");
    assert!(found.contains("query of kql changed:\n") && found.contains("later_actor_id"), "{found}");
}

#[test]
fn markdown_and_json_say_it_too() {
    let markdown = with_source("Vpn_CL", "Vpn2_CL", &["--format", "markdown"]);
    assert!(
        markdown.contains("query of kql changed:\n\n```diff\n- ") && markdown.contains("Vpn2_CL"),
        "{markdown}"
    );
    let json = with_source("delay: 120", "delay: 3600", &["--format", "json"]);
    let json: serde_json::Value = serde_json::from_str(&json).unwrap();
    let changed = &json["changed"][0];
    let query = &changed["queries"][0];
    assert_eq!((json["loses"].as_bool(), query["lines"].as_array().map(Vec::len)), (Some(false), Some(0)));
    assert_eq!(query["schedule"]["new"]["look_back"].as_u64(), Some(4_500), "{query}");
    let json = with_source("raw: who", "raw: user.name", &["--format", "json"]);
    let json: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!(json["changed"][0]["reads"][0]["new"], "user.name");
}
