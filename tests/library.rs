//! The rules under `rules/`: whole, tested, and set against what public rules need in `docs/coverage.md`.
//! `CATENA_UPDATE=1 cargo test --test suite library` writes the page anew.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;

use catena::backend::caps::Feature;
use catena::backend::features;
use catena::catalog::Catalog;
use catena::engine::report;
use catena::engine::trial::{Outcome, run_tests};
use catena::ir::{ExpectKind, PlaybookPart, Rule};
use serde_json::Value;

use crate::generated;
use crate::program::{AS_OF, catena, path, root, scratch, shipped, targets};
use crate::rules;

/// The rules of all areas, each with the path of its file.
pub(crate) fn library() -> Vec<(String, Rule)> {
    let read = |file: String| {
        rules::from_file(&root().join(&file)).into_iter().map(move |rule| (file.clone(), rule))
    };
    shipped().into_iter().flat_map(read).collect()
}

fn is_meant_for(rule: &Rule, target: &str) -> bool {
    rule.meta.targets.as_ref().is_none_or(|all| all.iter().any(|one| one == target))
}

/// How many rules are meant for a target.
pub(crate) fn meant_for(target: &str) -> usize {
    library().iter().filter(|(_, rule)| is_meant_for(rule, target)).count()
}

#[test]
fn every_rule_is_whole() {
    let (mut ids, rules) = (BTreeSet::new(), library());
    assert!(rules.len() >= 50, "{}", rules.len());
    for (file, rule) in &rules {
        let meta = &rule.meta;
        assert!(ids.insert(&meta.id), "{file}: the id of another rule");
        assert!(meta.author.is_some() && !meta.attack.is_empty() && !meta.references.is_empty(), "{file}");
        assert!(!meta.false_positives.is_empty() && rule.alert.dedupe.is_some(), "{file}");
        let silent = |kind: &ExpectKind| matches!(kind, ExpectKind::NoAlert);
        let quiet = rule.tests.iter().filter(|test| test.expects.iter().any(|one| silent(&one.kind))).count();
        assert!(
            rule.tests.len() > quiet && quiet >= 1 && rule.tests.len() >= 4,
            "{file}: {quiet} silent tests"
        );
        let names_them = |part: &PlaybookPart| match part {
            PlaybookPart::Text(text) => text.contains("\n\nBlind spots: "),
            PlaybookPart::Field(_) => false,
        };
        let named = rule.playbook.iter().flat_map(|playbook| &playbook.parts).any(names_them);
        assert!(named, "{file}: no playbook, or one that names no blind spots");
    }
}

#[test]
fn every_rule_passes_its_tests() {
    let catalog = Catalog::embedded().unwrap();
    for (file, rule) in library() {
        let outcomes = run_tests(&rule, &catalog).unwrap();
        let failed = report::text(&outcomes, &[], &|_| file.clone());
        assert!(outcomes.iter().all(Outcome::passed), "{file}\n{failed}");
    }
}

/// A rule is meant for SQL if and only if SQL says it exactly, for the engine of any lake.
#[test]
fn the_rules_for_a_lake_are_exact_in_every_dialect() {
    let rules = library();
    for dialect in ["duckdb", "spark", "trino"] {
        let ran = catena(&[
            "compile",
            "rules",
            "--target",
            "sql",
            "--dialect",
            dialect,
            "--format",
            "json",
            "--as-of",
            AS_OF,
        ]);
        assert_eq!(ran.status, 0, "{}", ran.err);
        let emissions: Vec<Value> = serde_json::from_str(&ran.out).unwrap();
        assert!(emissions.iter().all(|one| one["fidelity"] == "exact"), "{dialect}");
        assert_eq!(emissions.len(), meant_for("sql"), "{dialect}");
    }
    // A rule without the clause is meant for every target; one that leaves SQL out reads a field that SQL lacks.
    for (file, rule) in rules.iter().filter(|(_, rule)| !is_meant_for(rule, "sql")) {
        let lacking = refused_by_sql(file);
        assert!(lacking, "{file}: `{}` is not meant for sql, which says it", rule.name.node);
    }
}

/// Whether SQL refuses the rule of a file once its `targets` are left out.
fn refused_by_sql(file: &str) -> bool {
    let text = std::fs::read_to_string(root().join(file)).unwrap();
    let everywhere: String = text
        .lines()
        .filter(|line| !line.trim_start().starts_with("targets "))
        .fold(String::new(), |all, line| all + line + "\n");
    crate::program::catena_with_input(&["compile", "-", "--target", "sql"], everywhere.as_bytes()).status != 0
}

/// What a rule that needs it would write, and of how many of the 346 public chain rules that is true.
struct Need {
    what: &'static str,
    rules: usize,
    /// A chain that needs it and nothing else beyond the rest of the language; none where no word is planned.
    chain: Option<&'static str>,
}

const ONE: &str = "step one from aws.cloudtrail where event.action == \"A\"";
const TWO: &str = "step two from aws.cloudtrail where event.action == \"B\"";

/// Chain rules of six public repositories, coded one by one in November 2026; a rule can need several.
const NEEDS: [Need; 17] = [
    Need {
        what: "several values in one field (`any`, `all`)",
        rules: 88,
        chain: Some("ONE and any(resource.arns) == \"C\" then within 1m on actor.id TWO"),
    },
    Need {
        what: "steps in any order (`together`)",
        rules: 23,
        chain: Some("together within 1m on actor.id { ONE TWO }"),
    },
    Need {
        what: "a step that repeats (`at least`)",
        rules: 20,
        chain: Some("ONE at least 3 within 1m then within 1m on actor.id TWO"),
    },
    Need {
        what: "keys whose letter case varies (`=~`)",
        rules: 15,
        chain: Some("ONE then within 1m on one.actor.id =~ two.actor.id TWO"),
    },
    Need {
        what: "a record that must not be there (`unless`)",
        rules: 8,
        chain: Some(
            "ONE then within 1m on actor.id TWO unless no from aws.cloudtrail where event.action == \"C\" within 1h before on actor.id",
        ),
    },
    Need {
        what: "fields of neighbours compared (`where`)",
        rules: 8,
        chain: Some("ONE then within 1m on actor.id where one.source.ip != two.source.ip TWO"),
    },
    Need {
        what: "different values counted (`at least … distinct`)",
        rules: 8,
        chain: Some("ONE at least 3 distinct cloud.region within 1m then within 1m on actor.id TWO"),
    },
    Need {
        what: "a table beside the log (`lookup`)",
        rules: 8,
        chain: Some("ONE and owners.team == \"C\" then within 1m on actor.id TWO"),
    },
    Need {
        what: "two fields of a record compared as text",
        rules: 6,
        chain: Some("ONE and actor.id contains actor.account.id then within 1m on actor.id TWO"),
    },
    Need {
        what: "alternatives of a step (`or from`)",
        rules: 6,
        chain: Some("ONE or from aws.cloudtrail where event.action == \"C\" then within 1m on actor.id TWO"),
    },
    Need { what: "a step that only enriches", rules: 4, chain: None },
    Need { what: "arithmetic, lengths", rules: 3, chain: None },
    Need {
        what: "never seen before (`first within`)",
        rules: 1,
        chain: Some("ONE first within 1d by actor.id then within 1m on actor.id TWO"),
    },
    Need { what: "an event that resets a count (`until`)", rules: 1, chain: None },
    Need { what: "steps without a common field", rules: 1, chain: None },
    Need { what: "a baseline, percentiles", rules: 1, chain: None },
    Need {
        what: "lists of patterns",
        rules: 91,
        chain: Some("ONE and actor.id like (\"C*\", \"D*\") then within 1m on actor.id TWO"),
    },
];

/// How many public chain rules were read, and how many need nothing of the table.
const PUBLIC: (usize, usize) = (346, 179);

/// The codes of the errors in a rule with such a chain.
fn refusals(chain: &str) -> BTreeSet<String> {
    let lookup = if chain.contains("owners.") {
        "lookup owners: actor.id from \"owners.csv\" { team: string }\n"
    } else {
        ""
    };
    let text = format!(
        "{lookup}rule probe {{ title \"A construct\" id \"0d1c2a54-3a0e-4c0c-9c3e-6a9d2b7f0001\" description \"It.\" \
         severity low chain {{ {} }} alert {{ entity account two.actor.id dedupe 1h by two.actor.id }} }}\n",
        chain.replace("ONE", ONE).replace("TWO", TWO)
    );
    let folder = scratch("library", &[("probe.chain", text.as_bytes()), ("owners.csv", b"key,team\na,C\n")]);
    let ran = catena(&["check", &path(&folder, "probe.chain"), "--format", "json"]);
    let found: Vec<Value> = serde_json::from_str(&ran.out).unwrap();
    let errors = found.iter().filter(|one| one["severity"] == "error");
    errors.map(|one| one["code"].as_str().unwrap().to_owned()).collect()
}

fn constructs() -> String {
    let mut table = String::from("\n| what the rule needs | public rules | written here |\n|---|---|---|\n");
    let mut unsaid = 0;
    for Need { what, rules, chain } in &NEEDS {
        let refused = chain.map(refusals);
        let verdict = match &refused {
            None => "no".to_owned(),
            Some(codes) if codes.is_empty() => "yes".to_owned(),
            Some(codes) => {
                let pages = codes.iter().map(|code| format!("[{code}](errors/{code}.md)"));
                format!("not yet: {}", pages.collect::<Vec<_>>().join(", "))
            }
        };
        unsaid += if verdict == "yes" { 0 } else { *rules };
        writeln!(table, "| {what} | {rules} | {verdict} |").unwrap();
    }
    let (all, plain) = PUBLIC;
    let least = all - unsaid;
    writeln!(
        table,
        "\n{plain} of {all} rules ({} %) need none of these but lists of patterns. At least {least} ({} %) can be \
         written: all but those that\nneed something of the rows without a yes, each counted as if it needed one alone.\n",
        plain * 100 / all,
        least * 100 / all
    )
    .unwrap();
    table
}

/// Logs that public chain rules read, how many rules read them, and the source that stands for them.
const LOGS: [(&str, usize, Option<&str>); 19] = [
    ("process starts", 187, Some("endpoint.process")),
    ("connections of processes", 87, Some("endpoint.network")),
    ("files", 51, Some("endpoint.file")),
    ("Windows security events", 36, Some("windows.security")),
    ("CloudTrail with requests and answers", 25, Some("aws.cloudtrail")),
    ("registry", 20, Some("endpoint.registry")),
    ("Okta system log", 15, Some("okta.system")),
    ("Entra sign-ins", 12, Some("entra.signin")),
    ("libraries", 11, Some("endpoint.library")),
    ("Entra audit log", 10, Some("entra.audit")),
    ("HTTP", 9, Some("web.proxy")),
    ("Kubernetes audit log", 6, Some("kubernetes.audit")),
    ("GitHub audit log", 6, Some("github.audit")),
    ("Microsoft 365 audit log", 5, Some("m365.audit")),
    ("Microsoft Graph activity", 5, None),
    ("Google Cloud audit log", 4, Some("gcp.audit")),
    ("FortiGate", 3, None),
    ("Snowflake", 3, None),
    ("alerts of other rules", 2, Some("siem.alert")),
];

fn sources_of(rule: &Rule) -> BTreeSet<String> {
    rule.chain.selections().map(|selection| selection.source.node.clone()).collect()
}

fn logs(catalog: &Catalog, rules: &[(String, Rule)]) -> String {
    let mut readers = BTreeMap::<String, usize>::new();
    for source in rules.iter().flat_map(|(_, rule)| sources_of(rule)) {
        *readers.entry(source).or_default() += 1;
    }
    let mut table = String::from("\n| log | public rules | source | rules here |\n|---|---|---|---|\n");
    let mut named = BTreeSet::new();
    for (log, count, source) in LOGS {
        let shipped = source.filter(|name| catalog.iter().any(|one| one.name == *name));
        let here = shipped.and_then(|name| readers.get(name)).copied().unwrap_or(0);
        let name = shipped.map_or("none".to_owned(), |name| format!("`{name}`"));
        named.extend(shipped);
        writeln!(table, "| {log} | {count} | {name} | {here} |").unwrap();
    }
    for source in catalog.iter().filter(|source| !named.contains(source.name.as_str())) {
        let here = readers.get(&source.name).copied().unwrap_or(0);
        writeln!(table, "| {} | | `{}` | {here} |", source.title, source.name).unwrap();
    }
    table.push('\n');
    table
}

/// Constructs by which one chooses an example; what nearly every rule has is left out.
fn word(feature: Feature) -> Option<&'static str> {
    match feature {
        Feature::SingleStep => Some("one step"),
        Feature::KeyChange | Feature::KeyChangeInScope => Some("key changes"),
        Feature::FieldPair => Some("pair"),
        Feature::RepeatedGroup => Some("items"),
        Feature::Alternatives => Some("`or from`"),
        Feature::RenamedField => Some("`as`"),
        Feature::AbsenceBefore => Some("`unless … before`"),
        Feature::AbsenceAfter => Some("`unless … after`"),
        Feature::AbsenceBetween => Some("`unless` between"),
        Feature::FirstSeen => Some("`first within`"),
        Feature::Count => Some("`at least`"),
        Feature::DistinctCount => Some("`at least … distinct`"),
        Feature::DifferentFields | Feature::OrderedFields => Some("neighbours compared"),
        Feature::FoldedKey => Some("`=~` link"),
        Feature::AnyKey => Some("`any` link"),
        Feature::AnyOrder => Some("`together`"),
        Feature::FieldComparison | Feature::FieldText | Feature::FoldedText => Some("field with field"),
        Feature::SeveralValues => Some("`any`, `all`"),
        Feature::RegularExpression => Some("`matches`"),
        Feature::Allowlist => Some("allowlist"),
        Feature::OrderedSteps
        | Feature::EqualTimes
        | Feature::FoldedField
        | Feature::FoldedGroup
        | Feature::FoldedValues
        | Feature::GapWindow
        | Feature::TotalWindow
        | Feature::SharedEvent
        | Feature::CaseSensitive
        | Feature::IgnoreCase
        | Feature::Wildcards
        | Feature::Ipv4Network
        | Feature::Ipv6Network
        | Feature::NumberOrder
        | Feature::TimeOrder
        | Feature::Presence
        | Feature::Negation => None,
    }
}

/// What each target makes of the rules of a file, by rule and target.
fn verdicts(file: &str) -> BTreeMap<(String, String), String> {
    let ran = catena(&[
        "compile", file, "--target", "all", "--target", "sql", "--format", "json", "--as-of", AS_OF,
    ]);
    let emissions: Vec<Value> = serde_json::from_str(&ran.out).unwrap_or_default();
    let text = |one: &Value, key: &str| one[key].as_str().unwrap().to_owned();
    emissions.iter().map(|one| ((text(one, "rule"), text(one, "target")), text(one, "fidelity"))).collect()
}

fn rule_table(catalog: &Catalog, rules: &[(String, Rule)]) -> String {
    let names: Vec<_> = targets().chain(["sql"]).collect();
    let mut table = format!("\n| rule | ATT&CK | sources | constructs | {} |\n", names.join(" | "));
    writeln!(table, "|---|---|---|---|{}", "---|".repeat(names.len())).unwrap();
    for (file, rule) in rules {
        let found = verdicts(file);
        let constructs: BTreeSet<_> =
            features::of(rule, catalog).into_iter().filter_map(|(feature, _)| word(feature)).collect();
        let sources: Vec<_> = sources_of(rule).into_iter().map(|source| format!("`{source}`")).collect();
        let verdict = |target: &&str| {
            let key = (rule.name.node.clone(), (*target).to_owned());
            let refused = if is_meant_for(rule, target) { "refused" } else { "–" };
            found.get(&key).map_or(refused.to_owned(), String::clone)
        };
        writeln!(
            table,
            "| {} (`{file}`) | {} | {} | {} | {} |",
            rule.meta.title,
            rule.meta.attack.join(", "),
            sources.join(", "),
            constructs.into_iter().collect::<Vec<_>>().join(", "),
            names.iter().map(verdict).collect::<Vec<_>>().join(" | ")
        )
        .unwrap();
    }
    table.push('\n');
    table
}

#[test]
fn the_coverage_page_is_up_to_date() {
    let (catalog, rules) = (Catalog::embedded().unwrap(), library());
    let parts = [
        ("constructs", constructs()),
        ("logs", logs(&catalog, &rules)),
        ("rules", rule_table(&catalog, &rules)),
    ];
    for (part, text) in parts {
        assert!(
            generated::is_current("docs/coverage.md", part, &text),
            "docs/coverage.md is out of date: CATENA_UPDATE=1 cargo test --test suite library"
        );
    }
}
