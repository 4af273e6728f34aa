//! The list of files that `compile -o` wrote, kept beside them: so that a later run knows which of them are left over.
//!
//! In: the folder, the files of this run. Out: the list, and what earlier runs wrote and this one did not, removed on
//! request. Must not know: rules. Nothing but a file of the form `TARGET/NAME.EXTENSION` is ever removed.

use std::collections::{BTreeMap, BTreeSet};
use std::io::ErrorKind;
use std::path::{Component, Path};

use anyhow::Context;
use serde::{Deserialize, Serialize};

use crate::backend;

use super::output;

/// Its name.
const FILE: &str = ".catena-manifest.json";
const VERSION: u32 = 1;

#[derive(Debug, Default, Serialize, Deserialize)]
struct Manifest {
    version: u32,
    files: BTreeSet<String>,
    /// By file of a list: the rule file that defines it.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    lists: BTreeMap<String, String>,
}

/// What a run wrote, and what it was about.
#[derive(Debug)]
pub(super) struct Written {
    /// Below the folder, with `/`.
    pub(super) files: BTreeSet<String>,
    /// Those that fill lists of the SIEM, each with the rule file that defines the list.
    pub(super) lists: BTreeMap<String, String>,
    /// The targets that the run compiled for.
    pub(super) targets: Vec<&'static str>,
    /// Whether it wrote all there is to write for them: every rule, none with an error.
    pub(super) whole: bool,
}

/// Brings the list up to date. Gives the files of earlier runs that this one did not write; with `prune` they are
/// removed.
pub(super) fn update(folder: &Path, written: Written, prune: bool) -> anyhow::Result<Vec<String>> {
    let path = folder.join(FILE);
    let Manifest { mut files, mut lists, .. } = read(&path)?;
    let of_run = |file: &String| {
        let target = file.split('/').next().unwrap_or_default();
        written.targets.contains(&target)
    };
    let left_over = files.difference(&written.files).filter(|file| of_run(file) && is_ours(file));
    let left_over: Vec<String> = if written.whole { left_over.cloned().collect() } else { Vec::new() };
    // What is gone already is no longer left over.
    let mut remaining = Vec::new();
    for file in left_over {
        let place = folder.join(&file);
        if prune {
            match std::fs::remove_file(&place) {
                Err(error) if error.kind() != ErrorKind::NotFound => {
                    return Err(error).with_context(|| format!("cannot remove `{}`", place.display()));
                }
                Ok(()) | Err(_) => {}
            }
        }
        if prune || !place.exists() {
            files.remove(&file);
        }
        if prune || place.exists() {
            remaining.push(file);
        }
    }
    files.extend(written.files);
    lists.extend(written.lists);
    lists.retain(|file, _| files.contains(file));
    let text = serde_json::to_string_pretty(&Manifest { version: VERSION, files, lists })?;
    output::write_file(&path, &format!("{text}\n"))?;
    Ok(remaining)
}

/// The files of lists that earlier runs wrote into a folder, with the rule files that define them.
pub(super) fn lists(folder: &Path) -> anyhow::Result<BTreeMap<String, String>> {
    let path = folder.join(FILE);
    // What is wrong with the folder is said by whoever writes to it.
    if path.is_file() { Ok(read(&path)?.lists) } else { Ok(BTreeMap::new()) }
}

fn read(path: &Path) -> anyhow::Result<Manifest> {
    let text = match std::fs::read_to_string(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Manifest::default()),
        text => text.with_context(|| format!("cannot read `{}`", path.display()))?,
    };
    let wrong = || format!("`{}` is not a manifest of catena: remove it", path.display());
    let manifest: Manifest = serde_json::from_str(&text).with_context(wrong)?;
    // Another version may mean something else by its entries, and files are removed by them.
    anyhow::ensure!(manifest.version == VERSION, wrong());
    Ok(manifest)
}

/// Whether a path is one that a run writes: someone else may have edited the list.
fn is_ours(file: &str) -> bool {
    let path = Path::new(file);
    let parts: Vec<_> = path.components().collect();
    let [Component::Normal(target), Component::Normal(_)] = parts.as_slice() else { return false };
    let target = target.to_str().and_then(backend::by_name);
    target.is_some_and(|target| {
        path.extension().is_some_and(|found| found == target.extension() || found == "csv")
    })
}

#[cfg(test)]
mod tests {
    use super::is_ours;

    #[test]
    fn only_what_a_run_writes_is_ours() {
        for (file, ours) in [
            ("kql/rule.kql", true),
            ("../kql/rule.kql", false),
            ("kql/../rule.kql", false),
            ("/kql/rule.kql", false),
            ("spl/list.csv", true),
            ("kql/rule.yaml", false),
            ("home/rule.kql", false),
            ("rule.kql", false),
        ] {
            assert_eq!(is_ours(file), ours, "{file}");
        }
    }
}
