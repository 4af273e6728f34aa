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
    run_in(&folder.join("repo"), script, variables)
}

fn run_in(folder: &Path, script: &str, variables: &[(&str, &str)]) -> (bool, String) {
    let program = Path::new(env!("CARGO_BIN_EXE_catena")).parent().unwrap();
    let path = format!("{}:{}", program.display(), std::env::var("PATH").unwrap());
    let mut command = Command::new("bash");
    command.args(["-euo", "pipefail", "-c", script]).current_dir(folder).env("PATH", path);
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

/// The workflow that `catena init` writes does in the new project what the action does, and ends well at once.
#[test]
fn the_workflow_of_a_new_project_runs() {
    let folder = scratch("ci", &[]);
    let (made, text) = run_in(folder.path(), "catena init repo && cp -r repo base", &[]);
    assert!(made, "{text}");
    let file = folder.path().join("repo/.github/workflows/detections.yml");
    let workflow: Value = catena::yaml::read(&std::fs::read_to_string(file).unwrap()).unwrap();
    let variables: Vec<(String, String)> = workflow["env"]
        .as_object()
        .unwrap()
        .iter()
        .map(|(name, value)| (name.clone(), value.as_str().unwrap().to_owned()))
        .collect();
    let variables: Vec<_> = variables.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    let steps = workflow["jobs"]["rules"]["steps"].as_array().unwrap();
    let scripts: Vec<&str> = steps.iter().filter_map(|step| step["run"].as_str()).collect();
    let variables = [&variables[..], &[("BASE", "../base/rules")]].concat();
    for script in scripts.iter().filter(|script| !script.contains("git worktree")) {
        let (ended_well, text) = run(script, folder.path(), &variables);
        assert!(ended_well, "{script}: {text}");
    }
    assert!(folder.path().join("repo/dist/manifest.json").exists());
    // A program that is not there is asked for, and what to do is said.
    let program = scripts[0].replace("command -v catena", "false");
    let (ended_well, text) = run(&program, folder.path(), &[("CATENA_REPOSITORY", "")]);
    assert!(!ended_well && text.contains("set the variable CATENA_REPOSITORY"), "{text}");
    for step in yaml("action.yml")["runs"]["steps"].as_array().unwrap() {
        let script = step["run"].as_str().unwrap();
        assert!(scripts.iter().any(|own| own.starts_with(script)), "the workflow does not run `{script}`");
    }
    let kept = steps.iter().find_map(|step| step["with"]["path"].as_str());
    assert_eq!(kept, workflow["env"]["OUTPUT"].as_str());
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

/// A repository whose first commit has no rules, the second one rule and the third another window in it.
fn history() -> (tempfile::TempDir, [String; 3]) {
    let folder = scratch("ci", &[("repo/README.md", b"rules")]);
    let repo = folder.path().join("repo");
    let git = |arguments: &[&str]| {
        let mut command = Command::new("git");
        command
            .args(["-c", "user.name=t", "-c", "user.email=t@example.org"])
            .args(arguments)
            .current_dir(&repo);
        let ran = command.output().unwrap();
        assert!(ran.status.success(), "{}", String::from_utf8_lossy(&ran.stderr));
        String::from_utf8(ran.stdout).unwrap().trim().to_owned()
    };
    git(&["init", "--quiet"]);
    let commit = || {
        git(&["add", "."]);
        git(&["commit", "--quiet", "-m", "rules"]);
        git(&["rev-parse", "HEAD"])
    };
    let write = |text: String| std::fs::write(repo.join("rules/one.chain"), text).unwrap();
    let none = commit();
    std::fs::create_dir(repo.join("rules")).unwrap();
    let rule = crate::pack::rule("one", 1, "One");
    write(rule.clone());
    let one = commit();
    write(rule.replace("within 10m", "within 11m"));
    let other = commit();
    git(&["update-ref", "refs/remotes/origin/main", &one]);
    (folder, [none, one, other])
}

/// A runner may keep its workspace: every run is as the first. And the first rules of all are no failure.
#[test]
fn the_comparison_with_the_base_runs_again_in_the_same_workspace() {
    let (folder, [none, one, _]) = history();
    let job = yaml("docs/ci/gitlab.yml");
    assert_eq!(job["detections"]["variables"]["GIT_DEPTH"], "0");
    let script = job["detections"]["script"].as_array().unwrap().last().unwrap().as_str().unwrap();
    let trees = || run("git worktree list | wc -l", folder.path(), &[]).1.trim().to_owned();
    for (base, says) in [(&one, "10m` | `11m"), (&one, "10m` | `11m"), (&none, "**New:** `one`")] {
        let (ended_well, text) =
            run(script, folder.path(), &[("RULES", "rules"), ("CI_MERGE_REQUEST_DIFF_BASE_SHA", base)]);
        assert!(ended_well && text.contains(says), "{text}");
        assert_eq!(trees(), "1");
    }
    // A rule that is gone fails the job, and leaves nothing behind either.
    std::fs::write(folder.path().join("repo/rules/one.chain"), "# none\n").unwrap();
    let gone = [("RULES", "rules"), ("CI_MERGE_REQUEST_DIFF_BASE_SHA", one.as_str())];
    let (ended_well, text) = run(script, folder.path(), &gone);
    assert!(!ended_well && text.contains("**Gone:** `one`"), "{text}");
    assert_eq!(trees(), "1");
}

#[test]
fn the_workflow_compares_again_in_the_same_workspace() {
    let (folder, _) = history();
    let workflow = yaml("docs/ci/github.yml");
    let steps = workflow["jobs"]["rules"]["steps"].as_array().unwrap();
    let scripts: Vec<&str> = steps.iter().filter_map(|step| step["run"].as_str()).collect();
    let [first, last] = scripts.as_slice() else { panic!("{scripts:?}") };
    let action = yaml("action.yml");
    let compare = action["runs"]["steps"][4]["run"].as_str().unwrap();
    for round in ["one", "two"] {
        let output = folder.path().join(round);
        let (ended_well, text) = run(
            first,
            folder.path(),
            &[("GITHUB_BASE_REF", "main"), ("GITHUB_OUTPUT", output.to_str().unwrap())],
        );
        assert!(ended_well, "{text}");
        let told = std::fs::read_to_string(output).unwrap();
        let base = told.trim().strip_prefix("folder=").unwrap();
        let rules = format!("{base}/rules");
        let (ended_well, text) = run(compare, folder.path(), &[("RULES", "rules"), ("BASE", &rules)]);
        assert!(ended_well && text.contains("10m` | `11m"), "{text}");
        let (ended_well, text) = run(last, folder.path(), &[("BASE", base)]);
        assert!(ended_well && !Path::new(base).exists(), "{text}");
    }
}

#[test]
fn the_hooks_look_at_all_rules_whatever_a_commit_changes() {
    let folder = repository();
    for hook in yaml(".pre-commit-hooks.yaml").as_array().unwrap() {
        assert_eq!(
            (&hook["files"], &hook["pass_filenames"]),
            (&r"\.(chain|csv|ya?ml)$".into(), &false.into())
        );
        let entry = hook["entry"].as_str().unwrap();
        let (ended_well, text) = run(entry, folder.path(), &[]);
        assert_eq!(ended_well, hook["id"] != "catena-lists", "{entry}: {text}");
    }
}
