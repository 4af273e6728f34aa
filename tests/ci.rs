//! The jobs for CI systems under `docs/ci` and at the root: their commands run and end as they should.

use std::path::Path;
use std::process::Command;

use serde_json::Value;

use crate::program::{copy_folder, root, scratch};

/// A YAML file as JSON.
fn yaml(file: &str) -> Value {
    catena::yaml::read(&std::fs::read_to_string(root().join(file)).unwrap())
        .unwrap_or_else(|error| panic!("{file}: {error}"))
}

/// A repository with the shipped rules, as a branch and as it was.
fn repository() -> tempfile::TempDir {
    let folder = scratch("ci", &[]);
    for name in ["repo/rules", "base/rules"] {
        copy_folder(&root().join("rules"), &folder.path().join(name));
    }
    folder
}

/// Runs a script of a job in the repository, with the built program in the path.
fn run(script: &str, folder: &Path, variables: &[(&str, &str)]) -> (bool, String) {
    let program = Path::new(env!("CARGO_BIN_EXE_catena")).parent().unwrap();
    let path = format!("{}:{}", program.display(), std::env::var("PATH").unwrap());
    let mut command = Command::new("bash");
    command.args(["-euo", "pipefail", "-c", script]).current_dir(folder.join("repo")).env("PATH", path);
    command.env_remove("GITHUB_STEP_SUMMARY").envs(variables.iter().copied());
    let ran = command.output().unwrap();
    let text = [ran.stdout, ran.stderr].concat();
    (ran.status.success(), String::from_utf8_lossy(&text).into_owned())
}

#[test]
fn the_composite_action_runs() {
    let action = yaml("action.yml");
    let folder = repository();
    let variables = [("RULES", "rules"), ("OUTPUT", "dist"), ("BASE", "../base/rules")];
    let steps = action["runs"]["steps"].as_array().unwrap();
    assert_eq!(steps.len(), 5);
    for step in steps {
        // Whatever an input holds, it is no part of the script.
        let script = step["run"].as_str().unwrap();
        assert!(!script.contains("${{"), "{script}");
        let (ended_well, text) = run(script, folder.path(), &variables);
        assert!(ended_well, "{script}: {text}");
    }
    assert!(folder.path().join("repo/dist/splunk/catena_detections.tgz").exists());
    // A change that loses a rule is not let through.
    std::fs::remove_file(folder.path().join("repo/rules/an1318/aws.chain")).unwrap();
    let (ended_well, text) = run(steps[4]["run"].as_str().unwrap(), folder.path(), &variables);
    assert!(!ended_well && text.contains("**Gone:** `aws_untrusted_image_launch`"), "{text}");
    // The workflow gives the action what it knows.
    let workflow = yaml("docs/ci/github.yml");
    let used = workflow["jobs"]["rules"]["steps"]
        .as_array()
        .unwrap()
        .iter()
        .find(|step| step["with"]["rules"].is_string());
    for input in used.unwrap()["with"].as_object().unwrap().keys() {
        assert!(action["inputs"][input].is_object(), "the action has no input `{input}`");
    }
}

#[test]
fn the_gitlab_job_runs() {
    let job = yaml("docs/ci/gitlab.yml");
    let folder = repository();
    let script: Vec<&str> =
        job["detections"]["script"].as_array().unwrap().iter().map(|line| line.as_str().unwrap()).collect();
    let (ended_well, text) =
        run(&script.join("\n"), folder.path(), &[("RULES", "rules"), ("CI_MERGE_REQUEST_DIFF_BASE_SHA", "")]);
    assert!(ended_well, "{text}");
    for file in ["dist/manifest.json", "catena-tests.xml"] {
        assert!(folder.path().join("repo").join(file).exists(), "{file}");
    }
}

#[test]
fn the_hooks_run_over_the_files_that_they_are_given() {
    let folder = repository();
    for hook in yaml(".pre-commit-hooks.yaml").as_array().unwrap() {
        assert_eq!(hook["files"], r"\.chain$");
        let entry = hook["entry"].as_str().unwrap();
        let (ended_well, text) = run(&format!("{entry} rules/an1318/aws.chain"), folder.path(), &[]);
        assert_eq!(ended_well, hook["id"] != "catena-lists", "{entry}: {text}");
    }
}
