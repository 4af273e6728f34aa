//! `catena diff`: planted changes of meaning have a witness, changes of mere text none.

use catena::Project;
use catena::catalog::Catalog;
use catena::diff::{self, Report};
use catena::ir::Rule;

use crate::program::{catena, path, scratch};

/// A rule with a construct of every kind.
const RULE: &str = r#"
allowlist images: image.id { "ami-1" "ami-golden-*" }
allowlist networks: destination.ip { "10.0.0.0/8" "192.0.2.0/24" }

rule launch {
  title       "An image nobody approved is launched"
  id          "0d1c2a54-3a0e-4c0c-9c3e-6a9d2b7f0d1f"
  description "Somebody signs in, launches an image, and the instance calls out."
  author      "A. Author"
  date        2026-01-01
  status      test
  severity    high
  attack      "T1204"
  references  "https://example.org/a"
  false_positives "A new image"

  chain within 20m scope cloud.account.id {
    step login from aws.cloudtrail
      where event.action == "ConsoleLogin" and event.outcome == "success" and not user_agent.original like "*curl*"
    then within 15m on actor.id
    step start from aws.cloudtrail
      where event.action in ("RunInstances", "StartInstances") and event.outcome == "success"
        and (actor.type == "IAMUser" or actor.id contains ":assumed-role/")
      except image.id in images
    then within 10m on instance.eni
    step egress from aws.vpcflow
      where flow.action == "ACCEPT" and source.port >= 1024 and destination.port < 1024
      except destination.ip in networks
  }

  alert {
    entity account start.actor.id
    show   start.image.id
    dedupe 1h by start.actor.id
  }

  playbook """
  1. Ask {{ start.actor.id }}.
  """

  test "a launch" {
    login  at 0s { actor.id: "a", cloud.account.id: "1" }
    expect no alert
  }
}
"#;

fn rule(text: &str) -> Rule {
    let checked = Project::of("r.chain", text).check().unwrap();
    let found = checked.findings.findings().iter().map(catena_finding).collect::<String>();
    checked.rules.into_iter().next().unwrap_or_else(|| panic!("{found}"))
}

fn catena_finding(finding: &catena::diag::Finding) -> String {
    catena::diag::render::one(finding, false)
}

fn changed(from: &str, to: &str) -> Report {
    assert!(RULE.contains(from), "`{from}` is not in the rule");
    let catalog = Catalog::embedded().unwrap();
    diff::compare(&rule(RULE), &rule(&RULE.replacen(from, to, 1)), &catalog)
}

/// Windows by a second, entries, negations, fields of links, the order of steps, keys of `dedupe`, values.
const MEANING: [(&str, &str); 40] = [
    ("then within 15m", "then within 15m1s"),
    ("then within 15m", "then within 14m59s"),
    ("then within 10m", "then within 10m1s"),
    ("then within 10m", "then within 5m"),
    ("chain within 20m", "chain within 20m1s"),
    ("chain within 20m", "chain within 19m59s"),
    ("chain within 20m scope", "chain scope"),
    ("scope cloud.account.id", ""),
    ("on actor.id", "on actor.issuer.id"),
    ("on actor.id", "on actor.id, cloud.region"),
    ("on instance.eni", "on source.ip == source.ip, instance.eni"),
    ("\"ami-1\" ", ""),
    ("\"ami-1\" ", "\"ami-1\" \"ami-2\" "),
    ("ami-golden-*", "ami-golden-?"),
    ("ami-golden-*", "ami-gold-*"),
    ("\"10.0.0.0/8\"", "\"10.0.0.0/9\""),
    ("\"192.0.2.0/24\"", "\"192.0.2.0/25\""),
    ("\"192.0.2.0/24\"", "\"192.0.2.0/24\" \"198.51.100.0/24\""),
    ("except image.id in images", ""),
    ("except destination.ip in networks", ""),
    ("and not user_agent", "and user_agent"),
    ("not user_agent.original like \"*curl*\"", "not user_agent.original like \"curl*\""),
    ("not user_agent.original like \"*curl*\"", "not user_agent.original like~ \"*curl*\""),
    ("event.action == \"ConsoleLogin\" and event.outcome == \"success\"", "event.action == \"ConsoleLogin\""),
    (
        "event.action == \"ConsoleLogin\" and event.outcome == \"success\"",
        "event.action == \"ConsoleLogin\" and event.outcome == \"failure\"",
    ),
    (", \"StartInstances\"", ""),
    (", \"StartInstances\"", ", \"StartInstances\", \"StopInstances\""),
    ("actor.type == \"IAMUser\" or", "actor.type == \"Root\" or"),
    ("actor.type == \"IAMUser\" or", "actor.type == \"IAMUser\" and"),
    ("contains \":assumed-role/\"", "starts_with \":assumed-role/\""),
    ("contains \":assumed-role/\"", "contains~ \":assumed-role/\""),
    ("source.port >= 1024", "source.port > 1024"),
    ("source.port >= 1024", "source.port >= 1025"),
    ("destination.port < 1024", "destination.port <= 1024"),
    ("flow.action == \"ACCEPT\" and", ""),
    ("flow.action == \"ACCEPT\"", "flow.action == \"REJECT\""),
    ("dedupe 1h", "dedupe 1h1s"),
    ("dedupe 1h", "dedupe 59m59s"),
    ("dedupe 1h by start.actor.id", "dedupe 1h by start.instance.eni"),
    ("dedupe 1h by start.actor.id", ""),
];

#[test]
fn a_change_of_meaning_has_a_small_witness() {
    let mut without = Vec::new();
    for (from, to) in MEANING {
        if from == "on instance.eni" {
            continue;
        }
        let report = changed(from, to);
        assert!(!report.meaning.is_empty(), "{from} → {to}");
        match report.witness {
            Some(witness) if (1..=6).contains(&witness.events.len()) && witness.old != witness.new => {}
            found => without.push(format!("{from} → {to}: {found:?}")),
        }
    }
    assert!(without.is_empty(), "{} without a witness:\n{}", without.len(), without.join("\n"));
}

#[test]
fn the_order_of_steps_has_a_witness() {
    let two = |first: &str, second: &str| {
        format!(
            "rule r {{ title \"Two steps\" id \"0d1c2a54-3a0e-4c0c-9c3e-6a9d2b7f0d20\" description \"Two steps.\" severity low \
             chain within 10m {{ step {first} from aws.cloudtrail where event.action == \"{first}\" then within 10m on actor.id \
             step {second} from aws.cloudtrail where event.action == \"{second}\" }} alert {{ entity account {second}.actor.id }} }}"
        )
    };
    let (one, other) = (rule(&two("create", "remove")), rule(&two("remove", "create")));
    let witness = diff::compare(&one, &other, &Catalog::embedded().unwrap()).witness.unwrap();
    assert_eq!(witness.events.len(), 2);
}

/// Other words, other order of what `and`, `or` and lists join, other notation, other clauses beside the chain.
const TEXT: [(&str, &str); 40] = [
    ("An image nobody approved is launched", "Another title"),
    ("Somebody signs in,", "A user signs in,"),
    ("A. Author", "B. Author"),
    ("2026-01-01", "2026-01-02"),
    ("status      test", "status      stable"),
    ("severity    high", "severity    critical"),
    ("\"T1204\"", "\"T1204\", \"T1078\""),
    ("https://example.org/a", "https://example.org/b"),
    ("\"A new image\"", "\"A new image\", \"Another\""),
    ("show   start.image.id", "show   start.image.id, egress.destination.port"),
    ("entity account start.actor.id", "entity account login.actor.id"),
    ("1. Ask", "1. Call"),
    ("test \"a launch\"", "test \"another\""),
    ("then within 15m", "then within 900s"),
    ("chain within 20m", "chain within 1200s"),
    ("dedupe 1h", "dedupe 60m"),
    ("\"ami-1\" \"ami-golden-*\"", "\"ami-golden-*\" \"ami-1\""),
    ("\"10.0.0.0/8\" \"192.0.2.0/24\"", "\"192.0.2.0/24\" \"10.0.0.0/8\""),
    ("\"ami-1\" ", "\"ami-1\" reason \"golden\" "),
    ("\"ami-1\" ", "\"ami-1\" owner \"platform\" "),
    ("\"ami-1\" ", "\"ami-1\" ticket \"SEC-1\" "),
    ("\"ami-1\" ", "\"ami-1\" until 2099-01-01 "),
    ("(\"RunInstances\", \"StartInstances\")", "(\"StartInstances\", \"RunInstances\")"),
    (
        "event.action == \"ConsoleLogin\" and event.outcome == \"success\"",
        "event.outcome == \"success\" and event.action == \"ConsoleLogin\"",
    ),
    (
        "flow.action == \"ACCEPT\" and source.port >= 1024",
        "source.port >= 1024 and flow.action == \"ACCEPT\"",
    ),
    (
        "(actor.type == \"IAMUser\" or actor.id contains \":assumed-role/\")",
        "(actor.id contains \":assumed-role/\" or actor.type == \"IAMUser\")",
    ),
    ("event.action == \"ConsoleLogin\" and", "(event.action == \"ConsoleLogin\") and"),
    ("rule launch {", "# a comment\nrule launch {"),
    ("rule launch {", "rule launch_2 {"),
    ("  chain within", "  param unused = 5m\n  chain within"),
    ("then within 15m", "then  within  15m"),
    ("where flow.action", "\n      where flow.action"),
    ("not user_agent.original like \"*curl*\"", "not (user_agent.original like \"*curl*\")"),
    ("not user_agent.original like \"*curl*\"", "user_agent.original not like \"*curl*\""),
    ("except image.id in images", "except (image.id in images)"),
    ("  severity    high", "  targets     spl, kql\n  severity    high"),
    ("  severity    high", "  severity    low"),
    ("  date        2026-01-01", "  date        2026-01-01\n  modified    2026-02-01"),
    ("dedupe 1h by start.actor.id", "dedupe 1h by start.actor.id, start.actor.id"),
    ("source.port >= 1024 and destination.port < 1024", "(source.port >= 1024 and destination.port < 1024)"),
];

#[test]
fn a_change_of_text_has_no_witness() {
    for (from, to) in TEXT {
        let report = changed(from, to);
        assert!(report.witness.is_none(), "{from} → {to}: {:?}", report.witness);
        assert!(
            report.meaning.is_empty() || from == "dedupe 1h by start.actor.id",
            "{from} → {to}: {:?}",
            report.meaning
        );
    }
}

/// The same in other words: names, negations, values one by one, patterns that are simpler tests, exceptions as
/// conditions, entries that others cover. Every place changes.
const SAME: [(&str, &str); 24] = [
    ("login", "signin"),
    ("start", "begin"),
    ("egress", "outbound"),
    ("images", "golden"),
    ("networks", "ours"),
    ("and not user_agent", "and not not not user_agent"),
    ("not user_agent.original like \"*curl*\"", "not user_agent.original contains \"curl\""),
    (
        "not user_agent.original like \"*curl*\"",
        "not (user_agent.original contains \"curl\" or user_agent.original like \"*curl*\")",
    ),
    ("flow.action == \"ACCEPT\"", "not not flow.action == \"ACCEPT\""),
    ("flow.action == \"ACCEPT\"", "flow.action in (\"ACCEPT\")"),
    ("flow.action == \"ACCEPT\"", "not flow.action != \"ACCEPT\""),
    ("actor.type == \"IAMUser\"", "actor.type like \"IAMUser\""),
    (
        "event.action in (\"RunInstances\", \"StartInstances\")",
        "(event.action == \"RunInstances\" or event.action == \"StartInstances\")",
    ),
    (
        "event.action in (\"RunInstances\", \"StartInstances\")",
        "not (event.action != \"RunInstances\" and event.action != \"StartInstances\")",
    ),
    (
        "(actor.type == \"IAMUser\" or actor.id contains \":assumed-role/\")",
        "not (actor.type != \"IAMUser\" and not actor.id contains \":assumed-role/\")",
    ),
    ("actor.id contains \":assumed-role/\"", "actor.id like \"*:assumed-role/*\""),
    (
        "actor.id contains \":assumed-role/\")\n      except image.id in images",
        "actor.id contains \":assumed-role/\")\n and image.id not in images",
    ),
    ("      except destination.ip in networks", " and not destination.ip in networks"),
    ("destination.port < 1024\n", "destination.port < 1024\n      except destination.ip in networks\n"),
    ("\"ami-golden-*\"", "\"ami-golden-*\" \"ami-golden-7\""),
    ("\"ami-golden-*\"", "\"ami-golden-*\" \"ami-golden-x-*\" \"ami-golden-*-?\""),
    ("\"10.0.0.0/8\"", "\"10.0.0.0/8\" \"10.1.0.0/16\""),
    ("\"10.0.0.0/8\"", "\"10.20.0.1\" \"10.0.0.0/8\""),
    (
        "event.action == \"ConsoleLogin\" and event.outcome == \"success\"",
        "(event.action == \"ConsoleLogin\" and (event.outcome == \"success\" and event.action == \"ConsoleLogin\"))",
    ),
];

#[test]
fn the_same_in_other_words_is_no_change_of_meaning() {
    let old = rule(RULE);
    let catalog = Catalog::embedded().unwrap();
    let changes = SAME.map(|(from, to)| {
        assert!(RULE.contains(from), "`{from}` is not in the rule");
        (from, to, diff::compare(&old, &rule(&RULE.replace(from, to)), &catalog))
    });
    let found: Vec<_> = changes.iter().filter(|(_, _, report)| !report.meaning.is_empty()).collect();
    assert!(found.is_empty(), "{found:#?}");
}

/// A list of values is compared to its end, however it is shown.
#[test]
fn the_last_of_many_values_counts() {
    let many = |last: &str| {
        RULE.replace(
            "event.action == \"ConsoleLogin\"",
            &format!("event.action in~ (\"a\", \"b\", \"c\", \"d\", \"e\", \"{last}\")"),
        )
    };
    let report = diff::compare(&rule(&many("f")), &rule(&many("g")), &Catalog::embedded().unwrap());
    assert_eq!(report.meaning.len(), 1);
    assert!(report.witness.is_some());
}

#[test]
fn the_command_shows_meaning_first_and_replay_agrees_with_the_witness() {
    let new =
        RULE.replace("then within 10m", "then within 12m").replace("An image nobody", "An image that nobody");
    let folder = scratch("diff", &[("old/r.chain", RULE.as_bytes()), ("new/r.chain", new.as_bytes())]);
    let (old, new, out) = (path(&folder, "old"), path(&folder, "new"), path(&folder, "out"));
    let ran = catena(&["diff", &old, &new, "--witness", &out]);
    assert_eq!(ran.status, 0, "{}", ran.err);
    let lines: Vec<&str> = ran.out.lines().collect();
    assert_eq!(lines[..2], ["rule launch: another meaning", "  window start to egress: 10m → 12m"]);
    assert!(
        ran.out.contains("text: title:")
            && ran
                .out
                .ends_with("1 rule with another meaning, 0 with other text, 0 new, 0 gone, 0 unchanged\n"),
        "{}",
        ran.out
    );
    let log = path(&folder, "out/launch.ndjson");
    let alerts = |rules: &str| {
        catena(&["replay", &format!("{rules}/r.chain"), "--canonical", &log]).out.lines().count()
    };
    assert_eq!((alerts(&old), alerts(&new)), (0, 1));
    let on_logs = catena(&["diff", &old, &new, "--canonical", &log]);
    assert!(
        on_logs.out.contains("on the logs: 1 alert new, 0 gone, 0 in both\n  new: {\"rule\":\"launch\""),
        "{}{}",
        on_logs.out,
        on_logs.err
    );
    assert!(
        catena(&["diff", &new, &old, "--canonical", &log]).out.contains("0 alerts new, 1 gone, 0 in both")
    );
    let markdown = catena(&["diff", &old, &new, "--format", "markdown"]).out;
    assert!(markdown.contains("| window start to egress | `10m` | `12m` |"), "{markdown}");
    let json: serde_json::Value =
        serde_json::from_str(&catena(&["diff", &old, &new, "--format", "json"]).out).unwrap();
    assert_eq!(
        (json["version"].as_u64(), json["changed"][0]["witness"]["new"].as_array().unwrap().len()),
        (Some(1), 1)
    );
}

#[test]
fn a_loss_of_fidelity_is_denied() {
    let exact = RULE.replace("on instance.eni", "on actor.id").replace("aws.vpcflow", "aws.cloudtrail");
    let exact = exact.replace(
        "flow.action == \"ACCEPT\" and source.port >= 1024 and destination.port < 1024",
        "event.action == \"CreateUser\"",
    );
    let exact = exact
        .replace("      except destination.ip in networks\n", "")
        .replace("allowlist networks: destination.ip { \"10.0.0.0/8\" \"192.0.2.0/24\" }\n", "");
    let worse = exact.replace("scope cloud.account.id", "").replacen("on actor.id", "on cloud.account.id", 1);
    let folder = scratch("diff", &[("old/r.chain", exact.as_bytes()), ("new/r.chain", worse.as_bytes())]);
    let (old, new) = (path(&folder, "old"), path(&folder, "new"));
    let ran = catena(&["diff", &old, &new, "--deny"]);
    assert!(ran.status == 1 && ran.out.contains("(a loss)"), "{}{}", ran.out, ran.err);
    assert_eq!(catena(&["diff", &old, &new]).status, 0);
    assert_eq!(catena(&["diff", &new, &old, "--deny"]).status, 0);
    // A rule that is gone is a loss too; one that has an error is no rule to compare.
    std::fs::write(folder.path().join("new/r.chain"), "# nothing\n").unwrap();
    assert_eq!(catena(&["diff", &old, &new, "--deny"]).status, 1);
    std::fs::write(folder.path().join("new/r.chain"), exact.replace("actor.id", "actor.idd")).unwrap();
    let ran = catena(&["diff", &old, &new]);
    assert!(ran.status == 1 && ran.out.is_empty(), "{}", ran.out);
}

/// Before the first rules there is no folder, or an empty one; and what was wrong before does not hide what is new.
#[test]
fn the_old_version_may_lack_rules_or_have_errors() {
    let broken = RULE.replace("rule launch", "rule broken").replace("actor.id", "actor.idd");
    let repaired =
        RULE.replace("rule launch", "rule broken").replace("An image nobody", "Another image nobody");
    let id = "0d1c2a54-3a0e-4c0c-9c3e-6a9d2b7f0dff";
    let other = |text: &str| {
        let own = text
            .split("id          \"")
            .nth(1)
            .and_then(|rest| rest.split('"').next())
            .unwrap_or("none")
            .to_owned();
        text.replace(&own, id)
    };
    let (broken, repaired) = (other(&broken), other(&repaired));
    let changed = RULE.replace("then within 10m", "then within 12m");
    let folder = scratch(
        "diff",
        &[
            ("empty/notes.txt", b""),
            ("old/r.chain", RULE.as_bytes()),
            ("old/broken.chain", broken.as_bytes()),
            ("new/r.chain", changed.as_bytes()),
            ("new/broken.chain", repaired.as_bytes()),
        ],
    );
    let [none, empty, old, new] = ["none", "empty", "old", "new"].map(|name| path(&folder, name));
    for before in [&none, &empty] {
        let ran = catena(&["diff", before, &new, "--deny"]);
        assert!(ran.status == 0 && ran.out.contains("2 new, 0 gone"), "{}{}", ran.out, ran.err);
        assert!(ran.err.contains("all rules are new"), "{}", ran.err);
    }
    let ran = catena(&["diff", &old, &new, "--deny"]);
    assert_eq!(ran.status, 0, "{}{}", ran.out, ran.err);
    assert!(
        ran.out.starts_with("the old version has a file with errors, compared as far as can be read: `"),
        "{}",
        ran.out
    );
    assert!(
        ran.out.contains("old/broken.chain`\nrule broken: had errors, not compared\nrule launch: another"),
        "{}",
        ran.out
    );
    assert!(ran.out.ends_with("0 new, 0 gone, 0 unchanged\n"), "{}", ran.out);
    let markdown = catena(&["diff", &old, &new, "--format", "markdown"]).out;
    assert!(markdown.contains("**Had errors, not compared:** `broken`"), "{markdown}");
    let json: serde_json::Value =
        serde_json::from_str(&catena(&["diff", &old, &new, "--format", "json"]).out).unwrap();
    assert_eq!(
        (&json["not_compared"][0], json["files_with_errors"].as_array().unwrap().len()),
        (&"broken".into(), 1)
    );
}
