//! The seeds of the fuzz targets, through the same functions; and that runner, manifest and folders speak of the same
//! targets.

use std::collections::BTreeSet;

use crate::program::root;
use crate::promises;

/// The names of a folder's entries.
fn names(folder: &str) -> BTreeSet<String> {
    let entries = std::fs::read_dir(root().join(folder)).unwrap();
    entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
}

fn targets() -> BTreeSet<String> {
    promises::TARGETS.iter().map(|(name, _)| (*name).to_owned()).collect()
}

#[test]
fn seeds_break_no_promise() {
    for target in targets() {
        let folder = format!("fuzz/corpus/{target}");
        // What a fuzzer found has no extension; it may be much, and it was checked when it was found.
        let seeds: Vec<String> = names(&folder).into_iter().filter(|name| name.contains('.')).collect();
        assert!(seeds.len() >= 5, "{target} has {} seeds", seeds.len());
        for seed in seeds {
            // Shown if the next line panics.
            println!("{folder}/{seed}");
            promises::check(&target, &std::fs::read(root().join(&folder).join(seed)).unwrap());
        }
    }
}

#[test]
fn every_target_is_built_and_run() {
    assert_eq!(names("fuzz/corpus"), targets());
    let programs: BTreeSet<String> = targets().iter().map(|target| format!("{target}.rs")).collect();
    assert_eq!(names("fuzz/fuzz_targets"), programs);
    let read = |path: &str| std::fs::read_to_string(root().join(path)).unwrap();
    let (manifest, runner) = (read("fuzz/Cargo.toml"), read("fuzz/run"));
    for target in targets() {
        assert!(manifest.contains(&format!("path = \"fuzz_targets/{target}.rs\"")), "{target} is not built");
        let line = runner.lines().find(|line| line.split(' ').next() == Some(&target));
        let line = line.unwrap_or_else(|| panic!("{target} is not run"));
        let dictionary = line.split_whitespace().nth(2).unwrap();
        assert!(names("fuzz/dicts").contains(&format!("{dictionary}.dict")), "{target}: {dictionary}");
        let program = read(&format!("fuzz/fuzz_targets/{target}.rs"));
        assert!(program.contains(&format!("check(\"{target}\", bytes)")), "{program}");
    }
}
