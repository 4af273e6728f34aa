//! What `catena build` writes: accepted by the vendors' checks, the same every time, whole or not at all.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;

use serde_json::{Value, json};

use crate::corpus;
use crate::engines::{check_texts, kusto, python};
use crate::library;
use crate::program::{AS_OF, Ran, catena, path, root, scratch};

pub(crate) fn build(rules: &[&str], out: &str, more: &[&str]) -> Ran {
    let mut arguments = vec!["build", "-o", out, "--as-of", AS_OF];
    arguments.extend(rules);
    arguments.extend(more);
    catena(&arguments)
}

/// Every file below a folder with its bytes.
pub(crate) fn tree(folder: &Path) -> Vec<(String, Vec<u8>)> {
    fn walk(folder: &Path, top: &Path, found: &mut Vec<(String, Vec<u8>)>) {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                walk(&path, top, found);
            } else {
                let name = path.strip_prefix(top).unwrap().display().to_string();
                found.push((name, std::fs::read(&path).unwrap()));
            }
        }
    }
    let mut found = Vec::new();
    if folder.exists() {
        walk(folder, folder, &mut found);
    }
    found.sort();
    found
}

pub(crate) fn manifest(folder: &Path) -> Value {
    serde_json::from_slice(&std::fs::read(folder.join("manifest.json")).unwrap()).unwrap()
}

pub(crate) fn rule(name: &str, id: u32, title: &str) -> String {
    format!(
        "rule {name} {{ title \"{title}\" id \"0d1c2a54-3a0e-4c0c-9c3e-{id:012}\" description \"A sign-in, then a key.\" \
         severity medium attack \"T1098\" chain {{ step login from aws.cloudtrail where event.action == \"ConsoleLogin\" \
         then within 10m on actor.id step key from aws.cloudtrail where event.action == \"CreateAccessKey\" }} \
         alert {{ entity account key.actor.id dedupe 1h by key.actor.id }} test \"t\" {{ login at 0s {{ actor.id: \"a\" }} \
         key at 1m {{ actor.id: \"a\" }} expect alert at 1m }} }}"
    )
}

/// The corpus with a title of its own for each rule, in a folder of its own: files that every target of `target` takes.
fn corpus_for(target: &str, folder: &Path) -> Vec<String> {
    let emitted = corpus_rules(target);
    let mut copied = Vec::new();
    for file in corpus::valid() {
        let text = std::fs::read_to_string(root().join(&file)).unwrap();
        let names: Vec<&str> =
            text.lines().filter_map(|line| line.strip_prefix("rule ")?.split_whitespace().next()).collect();
        if names.is_empty() || names.iter().any(|name| !emitted.contains(*name)) {
            continue;
        }
        let title = |line: &str| match line.trim_start().strip_prefix("title ") {
            Some(rest) if rest.trim_end().ends_with('"') => {
                format!("title {} ({})\"\n", rest.trim().trim_end_matches('"'), copied.len())
            }
            _ => format!("{line}\n"),
        };
        let text: String = text.lines().map(title).collect();
        let text = text.replace("\"../raw/", "\"../../tests/raw/");
        let place = folder.join(file.rsplit('/').next().unwrap());
        std::fs::write(&place, text).unwrap();
        copied.push(place.strip_prefix(root()).unwrap().display().to_string());
    }
    copied
}

/// The same with the lists that they read.
pub(crate) fn corpus_folder(target: &str) -> (tempfile::TempDir, Vec<String>) {
    let folder = scratch("pack", &[("catena.yaml", b"lookback: 336h\n")]);
    for (copied, of) in [("lists", "tests/cases/lists"), ("more", "rules/an1318/lists")] {
        let to = folder.path().join(if copied == "more" { "lists" } else { copied });
        std::fs::create_dir_all(&to).unwrap();
        for (name, bytes) in tree(&root().join(of)) {
            std::fs::write(to.join(name), bytes).unwrap();
        }
    }
    let rules = corpus_for(target, folder.path());
    (folder, rules)
}

/// The names of the rules of the corpus that a target can say.
fn corpus_rules(target: &str) -> BTreeSet<String> {
    let mut arguments =
        vec!["compile", "--format", "json", "--allow-subset", "--as-of", AS_OF, "--target", target];
    let rules = corpus::valid();
    arguments.extend(rules.iter().map(String::as_str));
    let emissions: Value = serde_json::from_str(&catena(&arguments).out).unwrap();
    let names =
        emissions.as_array().unwrap().iter().map(|emission| emission["rule"].as_str().unwrap().to_owned());
    names.collect()
}

/// What the vendors' checks say of a folder: nothing.
fn check(dist: &Path) {
    let problems = problems(dist);
    assert!(problems.is_empty(), "{} problems:\n{}", problems.len(), problems.join("\n"));
}

fn problems(dist: &Path) -> Vec<String> {
    let mut command = python("pack", "pack/check.py");
    command.arg(dist).arg(root().join("docs/schemas/manifest.json"));
    let output = command.output().unwrap();
    serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|_| panic!("the checker failed: {}", String::from_utf8_lossy(&output.stderr)))
}

/// A checker that accepts everything would be none.
#[test]
fn the_vendors_checks_refuse_what_is_wrong() {
    let folder = scratch("pack", &[]);
    assert_eq!(build(&["rules/an1318/aws.chain"], &path(&folder, "dist"), &[]).status, 0);
    let dist = folder.path().join("dist");
    let name = "aws_untrusted_image_launch";
    let stage = format!("elastic/rules_building_block/{name}_launch_to_egress.toml");
    let changes = [
        (format!("sentinel/rules/{name}.yaml"), "queryFrequency: 5m", "queryFrequency: 1m", "5 minutes"),
        (format!("sentinel/rules/{name}.yaml"), "- Execution", "- Executing", "known tactics"),
        (
            format!("sentinel/arm/{name}.json"),
            "\"queryPeriod\"",
            "\"queryPerod\"",
            "no property of the model",
        ),
        (format!("sentinel/arm/{name}.json"), "\"GreaterThan\"", "\"gt\"", "unknown operator"),
        (format!("sentinel/defender/{name}.json"), "\"PT1H\"", "\"PT2H\"", "known frequency"),
        (stage, "from = \"now-35m\"", "from = \"now-6m\"", "reaches maxspan"),
        (
            format!("elastic/rules/{name}.toml"),
            "Rule Type: Higher-Order Rule",
            "Rule Type: Other",
            "rule over alerts",
        ),
        (
            "elastic/kibana_import.ndjson".to_owned(),
            "\"exported_rules_count\":2",
            "\"exported_rules_count\":3",
            "miscounts",
        ),
        ("manifest.json".to_owned(), "\"version\": 1", "\"version\": 2", "manifest"),
    ];
    for (file, from, to, _) in &changes {
        let place = dist.join(file);
        let text = std::fs::read_to_string(&place).unwrap();
        assert!(text.contains(from), "{file} has no {from}");
        std::fs::write(&place, text.replacen(from, to, 1)).unwrap();
    }
    std::fs::write(dist.join("sentinel/notes.txt"), "not in the manifest").unwrap();
    let found = problems(&dist).join("\n");
    for (file, _, _, says) in &changes {
        assert!(found.contains(says), "{file}: nothing says `{says}`:\n{found}");
    }
    assert!(found.contains("sentinel/notes.txt is in one of"), "{found}");
}

/// Of the shipped rules in every target, with lists inline and in the SIEM: 0 failures, errors and warnings.
#[test]
fn the_vendors_checks_accept_the_shipped_rules() {
    let folder = scratch("pack", &[]);
    let out = path(&folder, "dist");
    let ran = build(&["rules"], &out, &["--lists", "lookup"]);
    assert_eq!(ran.status, 0, "{}", ran.err);
    assert!(folder.path().join("dist/sentinel/watchlists/approved_images.csv").exists());
    check(&folder.path().join("dist"));
    assert_eq!(build(&["rules"], &out, &[]).status, 0);
    check(&folder.path().join("dist"));
}

/// What a pack adds to a query is a query too.
#[test]
fn the_validators_accept_the_queries_as_they_are_built() {
    let folder = scratch("pack", &[]);
    assert_eq!(build(&["rules"], &path(&folder, "dist"), &[]).status, 0);
    let (mut kql, mut sigma) = (Vec::new(), Vec::new());
    for (name, bytes) in tree(&folder.path().join("dist")) {
        let text = String::from_utf8(bytes).unwrap_or_default();
        let file = name.rsplit('/').next().unwrap();
        if name.starts_with("sentinel/arm/") {
            let template: Value = serde_json::from_str(&text).unwrap();
            let query = &template["resources"][0]["properties"]["query"];
            kql.push(json!({ "name": name, "file": file, "text": query }));
        } else if name.starts_with("sigma/") {
            sigma.push(json!({ "name": name, "file": file, "text": text }));
        }
    }
    assert_eq!((kql.len(), sigma.len()), (library::meant_for("kql"), library::meant_for("sigma")));
    check_texts("kql", kusto(), &kql);
    check_texts("sigma", python("sigma", "sigma/check.py"), &sigma);
}

/// Of the corpus, target by target.
#[test]
fn the_vendors_checks_accept_the_corpus() {
    for target in ["spl", "kql", "eql"] {
        let (folder, rules) = corpus_folder(target);
        assert!(rules.len() > 20, "{target}: {}", rules.len());
        let rules: Vec<&str> = rules.iter().map(String::as_str).collect();
        let ran = build(&rules, &path(&folder, "dist"), &["--allow-subset", "--target", target]);
        let errors: Vec<&str> = ran.err.split("\n\n").filter(|found| found.starts_with("error")).collect();
        assert!(folder.path().join("dist/manifest.json").exists(), "{target}: {}", errors.join("\n\n"));
        check(&folder.path().join("dist"));
    }
}

#[test]
fn two_builds_are_the_same_and_the_second_changes_nothing() {
    let folder = scratch("pack", &[]);
    let (one, other) = (path(&folder, "one"), path(&folder, "other"));
    let ran = build(&["rules"], &one, &[]);
    assert_eq!(ran.status, 0, "{}", ran.err);
    build(&["rules"], &other, &[]);
    let (first, second) = (tree(&folder.path().join("one")), tree(&folder.path().join("other")));
    assert!(first.len() > 20);
    assert_eq!(first, second);
    assert!(build(&["rules"], &one, &[]).err.contains("0 changed, 0 removed"));
}

#[test]
fn what_is_no_longer_built_goes_and_nothing_else() {
    let (one, other) = (rule("one", 1, "One"), rule("other", 2, "Other"));
    let folder = scratch("pack", &[("r/one.chain", one.as_bytes()), ("r/other.chain", other.as_bytes())]);
    let (rules, out) = (path(&folder, "r"), path(&folder, "dist"));
    assert_eq!(build(&[&rules], &out, &[]).status, 0);
    let dist = folder.path().join("dist");
    assert!(dist.join("playbooks/other.html").exists());
    std::fs::remove_file(folder.path().join("r/other.chain")).unwrap();
    let ran = build(&[&rules], &out, &["--target", "kql"]);
    assert_eq!(ran.status, 0, "{}", ran.err);
    let names: BTreeSet<String> = tree(&dist).into_iter().map(|(name, _)| name).collect();
    let expected = [
        "manifest.json",
        "playbooks/one.html",
        "playbooks/one.md",
        "sentinel/arm/one.json",
        "sentinel/defender/one.json",
        "sentinel/rules/one.yaml",
    ];
    assert_eq!(names, expected.map(str::to_owned).into());
    assert!(!dist.join("splunk").exists(), "a folder without files goes too");
}

#[test]
fn files_of_others_are_left_alone() {
    let one = rule("one", 1, "One");
    let files: [(&str, &[u8]); 2] = [("one.chain", one.as_bytes()), ("dist/notes.txt", b"mine")];
    let folder = scratch("pack", &files);
    let (rules, out) = (path(&folder, "one.chain"), path(&folder, "dist"));
    let dist = folder.path().join("dist");
    let before = tree(&dist);
    let ran = build(&[&rules], &out, &[]);
    assert_eq!((ran.status, tree(&dist) == before), (2, true), "{}", ran.err);
    assert!(ran.err.contains("files that no build wrote (`notes.txt`)"), "{}", ran.err);
    assert_eq!(build(&[&rules], &out, &["--force"]).status, 0);
    assert_eq!(std::fs::read(dist.join("notes.txt")).unwrap(), b"mine");
    std::fs::remove_file(dist.join("notes.txt")).unwrap();
    // What somebody changed by hand is somebody's.
    std::fs::write(dist.join("sigma/correlation_one.yml"), "mine").unwrap();
    let ran = build(&[&rules], &out, &[]);
    assert!(ran.status == 2 && ran.err.contains("changed since the last build"), "{}", ran.err);
    assert_eq!(build(&[&rules], &out, &["--force"]).status, 0);
    assert_ne!(std::fs::read(dist.join("sigma/correlation_one.yml")).unwrap(), b"mine");
    // A manifest of something else is not ours to replace.
    std::fs::write(dist.join("manifest.json"), "{}").unwrap();
    assert!(build(&[&rules], &out, &[]).err.contains("is not of this version of `catena build`"));
}

#[test]
fn a_rule_with_an_error_stops_the_whole_build() {
    let one = rule("one", 1, "One");
    let folder = scratch("pack", &[("r/one.chain", one.as_bytes())]);
    let (rules, out) = (path(&folder, "r"), path(&folder, "dist"));
    assert_eq!(build(&[&rules], &out, &[]).status, 0);
    let dist = folder.path().join("dist");
    let before = tree(&dist);
    let bad = rule("bad", 2, "Bad").replace("actor.id step", "actor.idd step");
    std::fs::write(folder.path().join("r/bad.chain"), bad).unwrap();
    std::fs::write(folder.path().join("r/one.chain"), rule("one", 1, "Another title")).unwrap();
    let ran = build(&[&rules], &out, &[]);
    assert_eq!((ran.status, tree(&dist) == before), (1, true), "{}", ran.err);
    assert!(ran.err.ends_with("nothing was written\n"), "{}", ran.err);
}

/// A disk that takes no more: here a limit on the size of a file, which the manifest passes.
#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_leaves_the_old_state() {
    let one = rule("one", 1, "One");
    let folder = scratch("pack", &[("one.chain", one.as_bytes())]);
    let (rules, out) = (path(&folder, "one.chain"), path(&folder, "dist"));
    assert_eq!(build(&[&rules], &out, &[]).status, 0);
    let dist = folder.path().join("dist");
    let before = tree(&dist);
    let script = "trap '' XFSZ; ulimit -f 4; exec \"$@\"";
    let full = |out: &str| {
        let mut command = Command::new("bash");
        command.args(["-c", script, "bash", env!("CARGO_BIN_EXE_catena"), "build", "-o", out, "rules"]);
        command.args(["--as-of", AS_OF]).current_dir(root()).output().unwrap()
    };
    let ran = full(&out);
    let message = String::from_utf8_lossy(&ran.stderr).into_owned();
    assert_eq!((ran.status.code(), tree(&dist) == before), (Some(2), true), "{message}");
    assert!(message.contains("cannot write in"), "{message}");
    // Nor is a folder made for nothing.
    full(&path(&folder, "new"));
    assert!(!folder.path().join("new").exists());
}

#[test]
fn every_step_and_link_has_its_lines_in_every_query() {
    let folder = scratch("pack", &[]);
    let out = path(&folder, "dist");
    let shipped =
        ["rules/an1318/aws.chain", "rules/an1318/aws_flow_v5.chain", "tests/cases/three_steps_gaps.chain"];
    assert_eq!(build(&shipped, &out, &[]).status, 0);
    let manifest = manifest(&folder.path().join("dist"));
    for rule in manifest["rules"].as_array().unwrap() {
        // From the folder of `catena.yaml`, or from the one that holds all files.
        let file = rule["clause"]["file"].as_str().unwrap();
        let place = ["rules", "."]
            .map(|folder| root().join(folder).join(file))
            .into_iter()
            .find(|file| file.exists());
        let text = std::fs::read_to_string(place.unwrap()).unwrap();
        let steps = text.lines().filter(|line| line.trim_start().starts_with("step ")).count();
        for target in rule["targets"].as_array().unwrap() {
            let maps =
                target["parts"].as_array().unwrap().iter().flat_map(|part| part["map"].as_array().unwrap());
            let maps: Vec<&Value> = maps.collect();
            let of = |kind: &str| -> BTreeSet<&str> {
                let what = maps.iter().map(|map| map["what"].as_str().unwrap());
                what.filter(|what| what.starts_with(kind)).collect()
            };
            let name = format!("{} {}", rule["name"], target["target"]);
            assert_eq!(of("step ").len(), steps, "{name}");
            // EQL has no text of its own for a link.
            let links = if target["target"] == "eql" { 0 } else { steps - 1 };
            assert!(of("link ").len() >= links.min(1), "{name}");
            for map in maps {
                let clause = &map["clause"]["lines"];
                let first = usize::try_from(clause[0].as_u64().unwrap()).unwrap();
                if let Some(step) = map["what"].as_str().unwrap().strip_prefix("step ") {
                    let line = text.lines().nth(first - 1).unwrap();
                    assert!(line.trim_start().starts_with(&format!("step {step} from")), "{name}: {line}");
                }
            }
        }
    }
}

#[test]
fn a_playbook_shows_foreign_text_as_text() {
    let hostile = "<script>alert(1)</script> `x` [y](javascript:z)";
    let text = rule("one", 1, "One").replace("A sign-in, then a key.", hostile);
    let text = text.replace(
        "test \"t\"",
        "playbook \"\"\"\n1. <img src=x onerror=alert(1)> {{ key.actor.id }}\n\"\"\" test \"t\"",
    );
    let folder = scratch("pack", &[("one.chain", text.as_bytes())]);
    let ran = build(&[&path(&folder, "one.chain")], &path(&folder, "dist"), &[]);
    assert_eq!(ran.status, 0, "{}", ran.err);
    let page = std::fs::read_to_string(folder.path().join("dist/playbooks/one.html")).unwrap();
    assert!(!page.contains("<script") && !page.contains("<img") && page.contains("key.actor.id"), "{page}");
    let settings = std::fs::read_to_string(
        folder.path().join("dist/splunk/catena_detections/default/savedsearches.conf"),
    );
    let settings = settings.unwrap();
    assert_eq!(settings.lines().filter(|line| line.starts_with('[')).count(), 1, "{settings}");
}

/// Where a step asks for a week, Splunk gets two searches: the list of one ends where the other has read for two hours.
#[test]
fn a_long_history_is_a_search_of_its_own_in_splunk() {
    let folder = scratch("baseline", &[]);
    let rule = "rules/aws/region_never_used.chain";
    let app = |out: &str, more: &[&str]| {
        let arguments = [&["--target", "spl"], more].concat();
        assert_eq!(build(&[rule], &path(&folder, out), &arguments).status, 0);
        folder.path().join(out).join("splunk/catena_detections")
    };
    let read = |path: std::path::PathBuf| std::fs::read_to_string(path).unwrap();
    let one = app("inline", &["--baseline", "inline"]);
    assert!(!one.join("default/transforms.conf").exists());
    let reaches_a_week =
        |saved: &str| saved.contains("earliest_time = -10") && !saved.contains("outputlookup");
    assert!(reaches_a_week(&read(one.join("default/savedsearches.conf"))));
    let two = app("auto", &[]);
    let saved = read(two.join("default/savedsearches.conf"));
    let stanzas: Vec<&str> = saved.split("\n[").collect();
    let (lists, searches): (Vec<&str>, Vec<&str>) =
        stanzas.iter().partition(|stanza| stanza.contains("| outputlookup override_if_empty=false "));
    let ([list], [search]) = (lists.as_slice(), searches.as_slice()) else { panic!("{saved}") };
    let minutes = |stanza: &str, key: &str| -> u64 {
        let line = stanza.lines().find_map(|line| line.strip_prefix(key)).unwrap();
        line.trim_start_matches(" = -").trim_end_matches("m@m").parse().unwrap()
    };
    let [begins, list_ends, list_begins] = [
        minutes(search, "dispatch.earliest_time"),
        minutes(list, "dispatch.latest_time"),
        minutes(list, "dispatch.earliest_time"),
    ];
    assert_eq!((begins, list_begins), (list_ends + 120, list_ends + 120), "{saved}");
    assert!(list.contains("cron_schedule = 0 * * * *") && list.contains("disabled = 1"), "{list}");
    assert!(!list.contains("alert") && !list.contains("_filter`") && search.contains("_filter`"), "{saved}");
    let name = "aws_region_never_used_seen";
    assert!(
        search.contains(&format!("| lookup {name} ")) && search.contains("chain_seen1 < _time"),
        "{search}"
    );
    assert!(
        read(two.join("default/transforms.conf")).contains(&format!("[{name}]\nfilename = {name}.csv\n"))
    );
    let header = read(two.join("lookups").join(format!("{name}.csv")));
    assert_eq!(header.trim_end(), "cloud_account_id,cloud_region,first_seen,last_seen");
    let parts = &manifest(&folder.path().join("auto"))["rules"][0]["targets"][0]["parts"];
    assert_eq!([&parts[0]["role"], &parts[1]["role"]], ["baseline", "query"]);
}

/// SQL of a lake: texts with markers, what a program must know of them, and tables to set up.
#[test]
fn a_lake_gets_texts_and_what_it_takes_to_run_them() {
    let folder = scratch("pack-lake", &[]);
    let rules = ["rules/an1318/aws.chain", "rules/github/branch_unprotected_then_push.chain"];
    for dialect in ["duckdb", "spark", "trino"] {
        let out = folder.path().join(dialect);
        let ran = build(
            &rules,
            &out.display().to_string(),
            &["--target", "sql", "--dialect", dialect, "--lists", "lookup"],
        );
        assert_eq!(ran.status, 0, "{}", ran.err);
        let below = format!("sql/{dialect}/");
        let names: Vec<String> = tree(&out.join("sql")).into_iter().map(|(name, _)| name).collect();
        assert!(names.iter().all(|name| name.starts_with(&format!("{dialect}/"))), "{names:?}");
        assert_eq!(names.contains(&format!("{dialect}/run.py")), dialect == "spark");
        let read = |name: &str| std::fs::read_to_string(out.join(format!("{below}{name}"))).unwrap();
        let told: Value = serde_json::from_str(&read("rules.json")).unwrap();
        assert_eq!(told["dialect"], dialect);
        for rule in told["rules"].as_array().unwrap() {
            let text = read(rule["file"].as_str().unwrap());
            let select = text.rsplit("\nSELECT ").next().unwrap();
            let columns: BTreeSet<&str> = rule["steps"]
                .as_array()
                .unwrap()
                .iter()
                .flat_map(|step| {
                    step["fields"].as_object().unwrap().values().map(|column| column.as_str().unwrap())
                })
                .collect();
            assert!(
                columns.len() > 4 && columns.iter().all(|column| select.contains(column)),
                "{columns:?}: {select}"
            );
            for table in rule["tables"].as_array().unwrap() {
                assert!(text.contains(&format!("FROM {} AS logs", table.as_str().unwrap())), "{table}");
            }
            for list in rule["lists"].as_array().into_iter().flatten() {
                assert!(read(list["file"].as_str().unwrap()).starts_with("value,until,"), "{list}");
                assert!(text.contains(list["name"].as_str().unwrap()), "{list}");
            }
            assert_eq!(rule["parameters"], json!(["from", "to"]));
        }
        assert_eq!(told["rules"][0]["lists"][0]["file"], "approved_images.csv");
        for source in ["aws.cloudtrail", "aws.vpcflow", "github.audit"] {
            assert!(read(&format!("ddl/{source}.sql")).contains("CREATE"), "{source}");
        }
        let manifest = manifest(&out);
        let map = manifest["rules"][0]["targets"][0]["parts"][0]["map"].as_array().unwrap();
        assert!(map.iter().any(|entry| entry["what"] == "link launch to egress"), "{map:?}");
    }
}
