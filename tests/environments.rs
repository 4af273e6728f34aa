//! Environment and source files, right and wrong, one folder a case: what is said of them, with the files beside it.
//!
//! A folder with rules is checked as it is; the files of another are given by option, with `rule.chain`. The name
//! says how it ends: `ok_`, `warn_` or `err_`.

use std::path::{Path, PathBuf};

use crate::program::{Ran, catena, root};

const FOLDER: &str = "tests/environments";

fn cases() -> Vec<String> {
    let entries = std::fs::read_dir(root().join(FOLDER)).unwrap();
    let entries = entries.map(Result::unwrap).filter(|entry| entry.path().is_dir());
    let mut names: Vec<_> = entries.map(|entry| entry.file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

/// The files of a case, sorted.
fn files(case: &str) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(root().join(FOLDER).join(case)).unwrap();
    let mut files: Vec<_> =
        entries.map(|entry| Path::new(FOLDER).join(case).join(entry.unwrap().file_name())).collect();
    files.sort();
    files
}

fn ends_with(file: &Path, end: &str) -> bool {
    file.display().to_string().ends_with(end)
}

/// The options that make a command run a case.
fn options(case: &str) -> Vec<String> {
    let files = files(case);
    if files.iter().any(|file| ends_with(file, ".chain")) {
        return vec![format!("{FOLDER}/{case}")];
    }
    let mut options = vec![format!("{FOLDER}/rule.chain")];
    match files.iter().find(|file| ends_with(file, "catena.yaml")) {
        Some(file) => options.extend(["--env".to_owned(), file.display().to_string()]),
        None => {
            options.extend(files.iter().flat_map(|file| ["--source".to_owned(), file.display().to_string()]));
        }
    }
    options
}

fn run(command: &[&str], case: &str) -> Ran {
    let options = options(case);
    catena(&command.iter().copied().chain(options.iter().map(String::as_str)).collect::<Vec<_>>())
}

#[test]
fn every_environment_gives_its_findings() {
    for case in cases() {
        let ran = run(&["check"], &case);
        assert_eq!(ran.status, i32::from(case.starts_with("err_")), "{case}: {}", ran.err);
        assert_eq!(case.starts_with("warn_"), ran.err.contains("warning["), "{case}: {}", ran.err);
        // Files that are found upward are shown from the root of the disk, which is another one everywhere.
        let found = ran.err.replace(&format!("{}/", root().display()), "");
        let mut texts = String::new();
        for file in files(&case).iter().filter(|file| !ends_with(file, ".chain")) {
            let text = std::fs::read_to_string(root().join(file)).unwrap();
            texts.extend(["── ", &file.display().to_string(), "\n", &text]);
        }
        let mut settings = insta::Settings::clone_current();
        settings.set_snapshot_path(root().join("snapshots/environments"));
        settings.set_prepend_module_to_snapshot(false);
        settings.set_omit_expression(true);
        settings.bind(|| insta::assert_snapshot!(&*case, format!("{texts}\n{}\n{found}", "─".repeat(60))));
    }
}

#[test]
fn no_snapshot_is_left_over() {
    for entry in std::fs::read_dir(root().join("snapshots/environments")).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        assert!(
            cases().contains(&name.replace(".snap", "")),
            "snapshots/environments/{name} belongs to no case"
        );
    }
}

/// A broken file compiles nothing with half of it, and says the same whatever the command.
#[test]
fn nothing_is_compiled_under_a_broken_file() {
    for case in cases().iter().filter(|case| case.starts_with("err_")) {
        let ran = run(&["compile"], case);
        assert_eq!((ran.status, ran.out.as_str()), (1, ""), "{case}: {}", ran.err);
        let checked = run(&["check"], case).err;
        assert!(checked.starts_with(&ran.err), "{case}: {}", ran.err);
    }
}

#[test]
fn a_file_adds_to_a_source() {
    let kql = run(&["compile", "--target", "kql"], "ok_extends").out;
    for text in ["OurCloudTrail_CL", "parse_json(RequestParameters).stackName", "Caller", "our own connector"]
    {
        assert!(kql.contains(text), "{text}: {kql}");
    }
    assert!(!kql.contains("Amazon Web Services S3 connector"), "{kql}");
    let tested = run(&["test"], "ok_extends");
    assert_eq!(tested.status, 0, "{}", tested.err);
}

/// A source of twelve fields is forty lines, and its file alone is enough for replay and for every target.
#[test]
fn a_source_of_ones_own_is_read_by_its_file_alone() {
    let file = std::fs::read_to_string(root().join(FOLDER).join("ok_own_source/door.yaml")).unwrap();
    assert!(file.lines().count() <= 40);
    let tested = run(&["test"], "ok_own_source");
    assert_eq!(tested.status, 0, "{}{}", tested.out, tested.err);
    for (target, texts) in [
        ("spl", &["((index=door) OR (index=gate))", "spath output=chain_item_2 path=state.faults{}"][..]),
        ("spl", &["spath output=chain_r_way path=way", "who.names{0}", "chain_r_way=\"1\", \"in\")"]),
        (
            "kql",
            &[
                "union Door_CL, Gate_CL",
                "parse_json(Who).names[0]",
                "_item_2 = ",
                "State.faults",
                "Way == \"1\"",
                "in~",
            ],
        ),
        (
            "eql",
            &[
                "logs-door-*,logs-gate-*",
                "door.way == \"1\"",
                "door.person : \"porter\" or door.person like~ \"Guard*\"",
            ],
        ),
        ("sigma", &["way: '1'", "'Guard*'"]),
    ] {
        let ran = run(&["compile", "--target", target], "ok_own_source");
        for text in texts {
            assert!(ran.out.contains(text), "{target}: {text}: {}{}", ran.out, ran.err);
        }
    }
}

#[test]
fn needs_follow_the_mapping() {
    let text = |target: &str| run(&["compile", "--target", target], "ok_needs").out;
    assert!(!text("spl").contains("macro `cloudtrail`"), "{}", text("spl"));
    let kql = text("kql");
    assert!(kql.contains("our own table Ours_CL") && !kql.contains("S3 connector"), "{kql}");
    assert!(text("eql").contains("Elastic AWS integration"), "{}", text("eql"));
}

#[test]
fn a_parameter_can_be_set_for_one_rule() {
    let chains = |more: &[&str]| {
        let command = [&["compile", "--target", "kql"], more].concat();
        let kql = run(&command, "ok_rule_parameters").out;
        ["chain 20m", "chain 10m", "chain 7m"].map(|chain| kql.matches(chain).count())
    };
    assert_eq!(chains(&[]), [1, 1, 0]);
    assert_eq!(chains(&["--set", "gap=7m"]), [0, 0, 2]);
}

#[test]
fn targets_can_be_set_for_one_rule() {
    let ran = run(&["compile", "--target", "spl"], "ok_targets");
    assert!(ran.out.contains("| multisearch"), "{}{}", ran.out, ran.err);
    let ran = run(&["compile", "--target", "eql", "--target", "kql"], "ok_targets");
    assert!(ran.out.contains("Sentinel") && !ran.out.contains("Elastic"), "{}", ran.out);
    assert_eq!(ran.err, "rule `two_steps` is left out of eql: its `targets` are spl, kql\n");
}

#[test]
fn rules_that_a_target_does_not_get_are_said_at_once() {
    let ran = catena(&["compile", "rules/an1318", "--target", "eql"]);
    let lines: Vec<&str> = ran.err.lines().filter(|line| line.contains("left out of eql")).collect();
    let [line] = lines.as_slice() else { panic!("{}", ran.err) };
    assert!(
        line.contains("rules are left out of eql") && line.contains(", azure_click_then_launch"),
        "{line}"
    );
}

#[test]
fn accepted_warnings_are_counted() {
    let ran = run(&["check", "--deny", "warnings"], "ok_allow");
    assert!(
        ran.status == 0 && ran.err == "1 rule in 1 file: 0 errors, 0 warnings, 1 warning accepted\n",
        "{}",
        ran.err
    );
    // Whether a warning of a target is there is known only where all targets are compiled.
    let rules = ["check", "rules", "--deny", "warnings"];
    let ran = catena(&rules);
    assert!(ran.status == 0 && !ran.err.contains("W0615"), "{}", ran.err);
    let ran = catena(&[&rules[..], &["--target", "all"]].concat());
    assert!(ran.status == 0 && ran.err.contains(" warnings accepted"), "{}", ran.err);
}

/// Of one file nobody knows what the others have.
#[test]
fn a_parameter_of_another_file_is_no_mistake() {
    let rule = format!("{FOLDER}/warn_unknown_parameters/rules.chain");
    let ran = catena(&["check", &rule]);
    assert!(!ran.err.contains("`gpa`") && !ran.err.contains("`oen`"), "{}", ran.err);
    assert!(ran.err.contains("rule `two` has no parameter `gaap`"), "{}", ran.err);
}
