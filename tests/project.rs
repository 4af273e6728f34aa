//! The library beside the program: the same rules from memory, one after another, and from disk on every core, must
//! give the same; and what a project makes of files that name each other.

use catena::backend;
use catena::diag::json;
use catena::project::{CompileOptions, Compiled, Project};
use serde_json::Value;

use crate::program::{AS_OF, catena, root};

/// All files under a folder of the repository, under the names that the program shows.
fn in_memory(folder: &str) -> Project {
    let mut project = Project::default();
    project.choices().as_of = Some(AS_OF.parse().unwrap());
    // Rules of both folders name raw events.
    let folders = [folder, "tests/raw"];
    for entry in folders.iter().flat_map(|folder| walkdir::WalkDir::new(root().join(folder))) {
        let entry = entry.unwrap();
        if entry.file_type().is_file() {
            let text = std::fs::read_to_string(entry.path()).unwrap();
            project.insert(entry.path().strip_prefix(root()).unwrap(), text);
        }
    }
    project
}

/// What `compile --format json` prints of an emission, without the places of its notes.
fn printed(compiled: &Compiled) -> Vec<Value> {
    let emissions = compiled.emissions.iter().map(|emission| serde_json::to_value(emission).unwrap());
    emissions.map(without_places).collect()
}

fn without_places(mut emission: Value) -> Value {
    for note in emission["notes"].as_array_mut().unwrap() {
        for key in ["file", "line", "column"] {
            note.as_object_mut().unwrap().remove(key);
        }
    }
    emission
}

/// Why a file cannot be read is the one thing that a disk says in its own words.
const OF_THE_SYSTEM: &str = "No such file or directory (os error 2)";
const IN_MEMORY: &str = "there is no such file";

#[test]
fn the_library_says_what_the_program_says() {
    for folder in ["tests/cases", "rules"] {
        let compiled = in_memory(folder).compile(backend::ALL, CompileOptions::default()).unwrap();
        let ran = catena(&["compile", folder, "--format", "json", "--as-of", AS_OF]);
        let emissions: Vec<Value> = serde_json::from_str(&ran.out).unwrap();
        let emissions: Vec<Value> = emissions.into_iter().map(without_places).collect();
        assert!(!emissions.is_empty() && printed(&compiled) == emissions, "{folder}");
        let ran = catena(&["check", folder, "--target", "all", "--format", "json", "--as-of", AS_OF]);
        let findings = |text: &str| -> Vec<Value> { serde_json::from_str(text).unwrap() };
        let (ours, theirs) = (
            findings(&json::render(&compiled.findings)),
            findings(&ran.out.replace(OF_THE_SYSTEM, IN_MEMORY)),
        );
        let only = |some: &[Value], others: &[Value]| -> Vec<String> {
            some.iter()
                .filter(|one| !others.contains(one))
                .map(|one| format!("{} {}", one["code"], one["place"]))
                .collect()
        };
        assert_eq!((only(&ours, &theirs), only(&theirs, &ours)), (vec![], vec![]), "{folder}");
        assert_eq!(ours.len(), theirs.len(), "{folder}");
    }
}

const RULE: &str = r#"import "../shared/lists.chain"
allowlist images: image.id from "lists/images.csv"
rule NAME {
  title "A launch after a sign-in" id "0d1c2a54-3a0e-4c0c-9c3e-6a9d2b7f00ID" description "A launch, after a sign-in."
  severity medium
  param gap = 10m
  chain {
    step login from aws.cloudtrail where event.action == "ConsoleLogin"
    then within gap on actor.id
    step launch from aws.cloudtrail where event.action == "RunInstances"
      except image.id in images
      except actor.id in automation
  }
  alert { entity account launch.actor.id dedupe 1h by launch.actor.id }
  test "a launch" {
    login at 0s { actor.id: "alice" }
    launch at 2m { actor.id: "alice", image.id: "ami-1" }
    expect alert at 2m
  }
}"#;

fn rule(name: &str, id: &str) -> String {
    RULE.replace("NAME", name).replace("ID", id)
}

/// A rule in a folder, with a file that it imports, a list and an environment above.
fn project() -> Project {
    let mut project = Project::of("team/one.chain", rule("one", "01"));
    project.insert("shared/lists.chain", "allowlist automation: actor.id { \"ci\" }");
    project.insert("team/lists/images.csv", "value\nami-golden\n");
    project
}

fn codes(project: &Project) -> Vec<String> {
    let findings = project.check().unwrap().findings;
    let found = findings.findings().iter();
    found.map(|found| format!("{} {}", found.code.id(), found.primary.file.name)).collect()
}

fn kql(project: &Project) -> Vec<String> {
    let targets: Vec<_> = backend::by_name("kql").into_iter().collect();
    let compiled = project.compile(&targets, CompileOptions::default()).unwrap();
    compiled.emissions.iter().map(|emission| emission.parts[0].text.clone()).collect()
}

#[test]
fn files_name_each_other_and_an_edit_counts() {
    let mut project = project();
    assert_eq!(codes(&project), Vec::<String>::new());
    assert!(project.test().unwrap().outcomes.iter().all(catena::engine::trial::Outcome::passed));
    let before = kql(&project);
    assert!(before[0].contains("ami-golden") && before[0].contains("_to_launch = 10m"), "{}", before[0]);
    project.insert("team/lists/images.csv", "value\nami-silver\n");
    project.insert("catena.yaml", "params: {gap: 5m}\n");
    let after = kql(&project);
    assert!(after[0].contains("ami-silver") && after[0].contains("_to_launch = 5m"), "{}", after[0]);
    assert!(project.remove("team/lists/images.csv") && !project.remove("team/lists/images.csv"));
    assert_eq!(codes(&project), ["E0151 team/one.chain"]);
}

#[test]
fn findings_across_files() {
    let mut clash = project();
    clash.insert("team/two.chain", rule("one", "02"));
    assert_eq!(codes(&clash), ["E0212 team/two.chain"]);
    assert!(clash.check().unwrap().rules.is_empty() && kql(&clash).is_empty(), "which is meant nobody knows");
    let mut circle = project();
    circle.insert(
        "shared/lists.chain",
        "import \"../team/one.chain\" allowlist automation: actor.id { \"ci\" }",
    );
    assert_eq!(codes(&circle), ["E0152 shared/lists.chain"], "one circle, one finding");
}

#[test]
fn what_cannot_be_looked_at_is_said() {
    let problems = |project: &Project| project.check().unwrap_err().to_string();
    assert!(
        problems(&Project::default()).contains("no `.chain` file under `.`"),
        "{}",
        problems(&Project::default())
    );
    let mut unknown = project();
    unknown.choices().set.push(("gpa".to_owned(), "5m".to_owned()));
    assert!(problems(&unknown).contains("did you mean `gap`?"), "{}", problems(&unknown));
    let mut missing = project();
    missing.choices().environment = Some("other.yaml".into());
    assert!(problems(&missing).contains("other.yaml"), "{}", problems(&missing));
}
