//! `catena diff`: planted changes of what stands around steps and links have a witness too: what must not be there,
//! counts, comparisons, alternatives, any order, fields of several values, columns of lookup tables.

use catena::Project;
use catena::catalog::Catalog;
use catena::diff::{self, Report};
use catena::ir::Rule;

use crate::program::{catena, path, scratch};

/// Two steps, what must not be there around them, and a count.
const ABSENT: &str = r#"
    step grant from aws.cloudtrail
      where event.action == "AttachUserPolicy"
      unless approval from aws.cloudtrail where event.action == "TagUser" within 1h before on actor.id
    then within 10m on actor.id
      unless reset from aws.cloudtrail where event.action == "ChangePassword" on actor.id
    step key from aws.cloudtrail
      where event.action == "CreateAccessKey"
      unless removal from aws.cloudtrail where event.action == "DeleteAccessKey" within 5m after on actor.id
"#;

/// What is new, and repeats.
const COUNTED: &str = r#"
    step fresh from aws.cloudtrail
      where event.action == "RunInstances"
      first within 7d by image.id
    then within 10m on actor.id
    step burst from aws.cloudtrail
      where event.action == "GetSecretValue"
      at least 3 within 5m by actor.id
"#;

/// Counts by fields that ignore letter case: by one of the source, and by that of the link.
const FOLDED: &str = r#"
    step spray from windows.security
      where event.code == "4625" and target.user.name in ("ann", "bob", "cy", "dee")
      at least 3 distinct target.user.name within 10m by source.ip
    then within 10m on source.ip
    step key from aws.cloudtrail where event.action == "CreateAccessKey"
"#;

/// A link that ignores letter case, and a count that is by its field.
const SPELT: &str = r#"
    step look from aws.cloudtrail
      where event.action == "GetSecretValue"
      at least 3 within 10m
    then within 10m on look.actor.id =~ key.actor.id
    step key from aws.cloudtrail where event.action == "CreateAccessKey"
"#;

/// Neighbours that are compared, and alternatives.
const LINKED: &str = r#"
    step console from aws.cloudtrail
      where event.action == "ConsoleLogin" and actor.name == user_agent.original
      or from aws.cloudtrail as { actor.id: actor.issuer.id } where event.action == "GetCallerIdentity"
    then within 20m on console.actor.id == key.actor.id where console.source.ip != key.source.ip
    step key from aws.cloudtrail
      where event.action == "CreateAccessKey" and any(resource.arns) == "arn:aws:iam::1:user/a"
      except images.owner == "build"
"#;

/// Any order.
const TOGETHER: &str = r#"
    together within 10m on actor.id {
      step user from aws.cloudtrail where event.action == "CreateUser"
      step key from aws.cloudtrail where event.action == "CreateAccessKey"
      step policy from aws.cloudtrail where event.action == "AttachUserPolicy"
    }
"#;

const TABLE: &str = "key,owner,team\nami-1,build,a\nami-2,shop,b\nami-3,build,b\n";

fn project(chain: &str, table: &str) -> Project {
    let mut project = Project::of("r.chain", text(chain));
    project.insert("images.csv", table);
    project
}

fn text(chain: &str) -> String {
    let last = if chain.contains("step policy") { "policy" } else { "key" };
    let last = if chain.contains("step burst") { "burst" } else { last };
    let last = if chain.contains("step rush") { "rush" } else { last };
    format!(
        "lookup images: image.id from \"images.csv\" {{ owner: string, team: string }}\n\
         rule r {{ title \"A rule\" id \"0d1c2a54-3a0e-4c0c-9c3e-6a9d2b7f0d41\" description \"A rule.\" severity low\n\
         chain {{ {chain} }}\n alert {{ entity account {last}.actor.id }} }}"
    )
}

fn rule(chain: &str, table: &str) -> Rule {
    let checked = project(chain, table).check().unwrap();
    let found: String =
        checked.findings.findings().iter().map(|finding| catena::diag::render::one(finding, false)).collect();
    checked.rules.into_iter().next().unwrap_or_else(|| panic!("{found}\n{chain}"))
}

/// The chain and the table after a change.
fn after(chain: &str, from: &str, to: &str) -> (String, String) {
    if TABLE.contains(from) {
        return (chain.to_owned(), TABLE.replacen(from, to, 1));
    }
    assert!(chain.contains(from), "`{from}` is not in the chain");
    (chain.replacen(from, to, 1), TABLE.to_owned())
}

fn changed(chain: &str, from: &str, to: &str) -> Report {
    let (new, table) = after(chain, from, to);
    diff::compare(&rule(chain, TABLE), &rule(&new, &table), &Catalog::embedded().unwrap())
}

const APPROVAL: &str =
    "unless approval from aws.cloudtrail where event.action == \"TagUser\" within 1h before on actor.id";
const RESET: &str = "unless reset from aws.cloudtrail where event.action == \"ChangePassword\" on actor.id";
const REMOVAL: &str = "unless removal from aws.cloudtrail where event.action == \"DeleteAccessKey\" within 5m after on actor.id";

/// Windows longer and shorter, before and after, conditions, sources, keys, clauses more and less.
const ABSENCES: [(&str, &str); 19] = [
    ("within 1h before", "within 1h1s before"),
    ("within 1h before", "within 30m before"),
    ("within 1h before", "within 1h after"),
    ("\"TagUser\"", "\"TagRole\""),
    ("\"TagUser\"", "\"TagUser\" and event.outcome == \"success\""),
    (APPROVAL, ""),
    (
        APPROVAL,
        "unless approval from aws.cloudtrail where event.action == \"TagUser\" within 1h before on actor.id, source.ip",
    ),
    (
        APPROVAL,
        "unless approval from aws.cloudtrail where event.action == \"TagUser\" within 1h before on source.ip",
    ),
    (
        APPROVAL,
        "unless approval from aws.cloudtrail where event.action == \"TagUser\" within 1h before on grant.actor.id =~ approval.actor.id",
    ),
    (
        APPROVAL,
        "unless approval from aws.vpcflow where flow.action == \"ACCEPT\" within 1h before on source.ip",
    ),
    (RESET, ""),
    ("\"ChangePassword\"", "\"ChangePasswords\""),
    (
        RESET,
        "unless reset from aws.cloudtrail where event.action == \"ChangePassword\" on actor.id, cloud.region",
    ),
    (
        RESET,
        "unless reset from aws.cloudtrail where event.action == \"ChangePassword\" on grant.source.ip == reset.source.ip",
    ),
    (
        RESET,
        "unless reset from aws.cloudtrail where event.action == \"ChangePassword\" on actor.id\n unless lock from aws.cloudtrail where event.action == \"DeleteUser\" on actor.id",
    ),
    ("within 5m after", "within 6m after"),
    ("within 5m after", "within 5m before"),
    (REMOVAL, ""),
    ("\"DeleteAccessKey\"", "\"UpdateAccessKey\""),
];

/// How much is new, how often, of what, by what.
const COUNTS: [(&str, &str); 13] = [
    ("first within 7d", "first within 8d"),
    ("first within 7d", "first within 6d"),
    ("first within 7d by image.id", "first within 7d by image.id, actor.id"),
    ("first within 7d by image.id", "first within 7d by cloud.region"),
    ("first within 7d by image.id", ""),
    ("at least 3", "at least 4"),
    ("at least 3", "at least 2"),
    ("within 5m by", "within 5m1s by"),
    ("within 5m by", "within 4m by"),
    ("at least 3 within", "at least 3 distinct source.ip within"),
    ("at least 3 within", "at least 3 distinct actor.name within"),
    ("within 5m by actor.id", "within 5m by actor.id, cloud.region"),
    ("at least 3 within 5m by actor.id", ""),
];

/// Comparisons, keys, alternatives, tests of two fields, of several values and of columns.
const LINKS: [(&str, &str); 18] = [
    ("console.source.ip != key.source.ip", "console.cloud.region != key.cloud.region"),
    (" where console.source.ip != key.source.ip", ""),
    ("console.actor.id == key.actor.id", "console.actor.id =~ key.actor.id"),
    ("console.actor.id == key.actor.id", "console.actor.id == any(key.resource.arns)"),
    ("actor.name == user_agent.original", "actor.name =~ user_agent.original"),
    ("actor.name == user_agent.original", "actor.name starts_with user_agent.original"),
    ("actor.name == user_agent.original", "user_agent.original contains actor.name"),
    (
        "or from aws.cloudtrail as { actor.id: actor.issuer.id } where event.action == \"GetCallerIdentity\"",
        "",
    ),
    ("\"GetCallerIdentity\"", "\"GetSessionToken\""),
    ("actor.id: actor.issuer.id", "actor.id: actor.name"),
    (" as { actor.id: actor.issuer.id }", ""),
    (
        "\"GetCallerIdentity\"",
        "\"GetCallerIdentity\" or from aws.cloudtrail where event.action == \"SwitchRole\"",
    ),
    ("any(resource.arns) ==", "all(resource.arns) =="),
    ("any(resource.arns) ==", "any(resource.arns) !="),
    ("images.owner", "images.team"),
    ("images.owner == \"build\"", "images.owner == \"shop\""),
    ("ami-2,shop,b", "ami-2,build,b"),
    ("ami-3,build,b\n", ""),
];

/// The window, the key, a step more, another step, a condition, a fixed order.
const ORDERS: [(&str, &str); 8] = [
    ("together within 10m", "together within 10m1s"),
    ("together within 10m", "together within 5m"),
    ("on actor.id", "on actor.id, cloud.region"),
    ("on actor.id", "on source.ip"),
    ("\"CreateUser\"", "\"CreateRole\""),
    ("\"CreateUser\"", "\"CreateUser\" and event.outcome == \"success\""),
    ("step user", "step group from aws.cloudtrail where event.action == \"CreateGroup\"\n step user"),
    ("step user from aws.cloudtrail where event.action == \"CreateUser\"", ""),
];

#[track_caller]
fn have_witnesses(chain: &str, changes: &[(&str, &str)], most: usize) {
    let mut without = Vec::new();
    for (from, to) in changes {
        let report = changed(chain, from, to);
        assert!(!report.meaning.is_empty(), "{from} → {to}");
        match report.witness {
            Some(witness) if (1..=most).contains(&witness.events.len()) && witness.old != witness.new => {}
            found => without.push(format!("{from} → {to}: {found:?}")),
        }
    }
    assert!(without.is_empty(), "{} without a witness:\n{}", without.len(), without.join("\n"));
}

#[test]
fn what_must_not_be_there_has_a_witness() {
    have_witnesses(ABSENT, &ABSENCES, 3);
}

#[test]
fn what_is_new_or_repeats_has_a_witness() {
    have_witnesses(COUNTED, &COUNTS, 6);
}

#[test]
fn letter_case_of_counts_has_a_witness() {
    have_witnesses(FOLDED, &[("at least 3", "at least 4"), ("within 10m by", "within 20m by")], 6);
    have_witnesses(SPELT, &[("at least 3 within 10m", "at least 3 within 10m by actor.id")], 6);
}

#[test]
fn links_and_alternatives_have_a_witness() {
    have_witnesses(LINKED, &LINKS, 2);
}

#[test]
fn any_order_has_a_witness() {
    have_witnesses(TOGETHER, &ORDERS, 6);
}

/// Names, the order of clauses and of steps in any order, values one by one.
#[test]
fn other_words_around_steps_are_no_change() {
    let other = "unless lock from aws.cloudtrail where event.action == \"DeleteUser\" on actor.id";
    let two = ABSENT.replace(RESET, &format!("{RESET}\n{other}"));
    let turned = ABSENT.replace(RESET, &format!("{other}\n{RESET}"));
    let user = "step user from aws.cloudtrail where event.action == \"CreateUser\"";
    let key = "step key from aws.cloudtrail where event.action == \"CreateAccessKey\"";
    let any = |text: &str| LINKED.replace("any(resource.arns) == \"arn:aws:iam::1:user/a\"", text);
    for (old, new) in [
        (ABSENT.to_owned(), ABSENT.replace("approval", "waiver").replace("reset", "change")),
        (ABSENT.to_owned(), ABSENT.replace("grant", "attach")),
        (two, turned),
        (COUNTED.to_owned(), COUNTED.replace("burst", "rush").replace("fresh", "unseen")),
        (TOGETHER.to_owned(), TOGETHER.replace(user, "USER").replace(key, user).replace("USER", key)),
        (TOGETHER.to_owned(), TOGETHER.replace("step user", "step person")),
        (
            any("any(resource.arns) in (\"a\", \"b\")"),
            any("(any(resource.arns) == \"b\" or any(resource.arns) == \"a\")"),
        ),
        (
            LINKED.to_owned(),
            LINKED.replace("actor.name == user_agent.original", "user_agent.original == actor.name"),
        ),
    ] {
        let report = diff::compare(&rule(&old, TABLE), &rule(&new, TABLE), &Catalog::embedded().unwrap());
        assert!(report.meaning.is_empty(), "{old} → {new}: {:?}", report.meaning);
    }
    // That all are one of two is not that all are the one, or all the other.
    let (one, other) = (
        any("all(resource.arns) in (\"a\", \"b\")"),
        any("(all(resource.arns) == \"b\" or all(resource.arns) == \"a\")"),
    );
    let report = diff::compare(&rule(&one, TABLE), &rule(&other, TABLE), &Catalog::embedded().unwrap());
    assert!(report.witness.is_some(), "{:?}", report.meaning);
}

/// `replay` reads a witness as it is written, and alerts as often as it says.
#[test]
fn replay_agrees_with_witnesses() {
    let tables: [(&str, &[(&str, &str)]); 4] =
        [(ABSENT, &ABSENCES), (COUNTED, &COUNTS), (LINKED, &LINKS), (TOGETHER, &ORDERS)];
    let all = tables.iter().flat_map(|(chain, changes)| changes.iter().map(move |change| (*chain, change)));
    for (chain, (from, to)) in all.step_by(4) {
        let witness = changed(chain, from, to).witness.unwrap_or_else(|| panic!("{from} → {to}"));
        let (new, table) = after(chain, from, to);
        let (old, new) = (text(chain), text(&new));
        let events = witness.ndjson();
        let folder = scratch(
            "diff_clauses",
            &[
                ("old/r.chain", old.as_bytes()),
                ("old/images.csv", TABLE.as_bytes()),
                ("new/r.chain", new.as_bytes()),
                ("new/images.csv", table.as_bytes()),
                ("events.ndjson", events.as_bytes()),
            ],
        );
        let log = path(&folder, "events.ndjson");
        let alerts = ["old/r.chain", "new/r.chain"].map(|file| {
            let ran = catena(&["replay", &path(&folder, file), "--canonical", &log]);
            assert_eq!(ran.status, 0, "{from} → {to}: {}", ran.err);
            ran.out.lines().count()
        });
        assert_eq!(alerts, [witness.old.len(), witness.new.len()], "{from} → {to}:\n{events}");
    }
}
