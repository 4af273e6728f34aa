//! Every rule of the corpus and every shipped rule, in every target: one snapshot a rule and target.

use crate::program::{AS_OF, Ran, catena, chains, root, targets};

fn is_valid(path: &str) -> bool {
    let name = path.rsplit('/').next().unwrap();
    // `passing_` cases pass the grammar; the names in them mean nothing.
    !name.starts_with("err_") && !name.starts_with("warn_") && !name.starts_with("passing_")
}

/// The rules that must compile.
pub(crate) fn valid() -> Vec<String> {
    let mut paths = chains("tests/cases");
    paths.extend(chains("rules/an1318"));
    paths.retain(|path| is_valid(path));
    paths
}

/// The rules that compile, those that warn among them.
pub(crate) fn compiling() -> Vec<String> {
    let mut paths = valid();
    paths.extend(chains("tests/cases").into_iter().filter(|path| path.contains("/warn_")));
    paths
}

fn snapshot(target: &str, path: &str) {
    let Ran { status, out, err } = catena(&["compile", path, "--target", target, "--as-of", AS_OF]);
    assert!(status == 0 || (status == 1 && out.is_empty()), "status {status} with output: {err}{out}");
    let name = path.rsplit('/').next().unwrap().trim_end_matches(".chain");
    let source = std::fs::read_to_string(root().join(path)).unwrap();
    let mut settings = insta::Settings::clone_current();
    settings.set_snapshot_path(root().join("snapshots").join(target));
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    settings.bind(|| insta::assert_snapshot!(name, format!("{source}\n{}\n{err}\n{out}", "─".repeat(60))));
}

#[test]
fn every_rule_in_every_target() {
    for path in valid() {
        for target in targets() {
            snapshot(target, &path);
        }
    }
}

#[test]
fn every_rule_checks_without_errors() {
    let mut arguments = vec!["check", "--as-of", AS_OF];
    let paths = valid();
    arguments.extend(paths.iter().map(String::as_str));
    let ran = catena(&arguments);
    assert_eq!(ran.status, 0, "{}", ran.err);
}

#[test]
fn no_snapshot_is_left_over() {
    let known: Vec<String> =
        valid().iter().map(|path| path.rsplit('/').next().unwrap().replace(".chain", ".snap")).collect();
    for target in targets() {
        for entry in std::fs::read_dir(root().join("snapshots").join(target)).unwrap() {
            let name = entry.unwrap().file_name().into_string().unwrap();
            assert!(known.contains(&name), "snapshots/{target}/{name} belongs to no rule");
        }
    }
}
