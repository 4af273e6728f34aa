//! Which rule files the user means.
//!
//! In: paths of files and folders. Out: rule files, and what cannot be found. Must not know: what files say.

use std::path::{Path, PathBuf};

use super::files::{Entry, Files};
use super::paths::{real, show, tidy};

/// A file the user asked for that could not be read.
#[derive(Debug)]
pub(super) struct Unreadable(pub(super) String);

/// The rule files under `paths`, sorted within each folder; each with what it really is.
pub(super) fn find(
    paths: &[PathBuf],
    files: &dyn Files,
    problems: &mut Vec<Unreadable>,
) -> Vec<(PathBuf, PathBuf)> {
    let mut found = Vec::new();
    for path in paths {
        if path == Path::new("-") {
            found.push((path.clone(), path.clone()));
            continue;
        }
        let root = real(files, path);
        if files.entry(path) != Entry::Folder {
            found.push((tidy(path), root));
            continue;
        }
        let inside = files.rules_under(path);
        if inside.is_empty() {
            problems.push(Unreadable(format!("no `.chain` file under `{}`", show(path))));
        }
        for rule in inside {
            match rule {
                // Links are not followed, so what is under the real root is real.
                Ok(rule) => {
                    let below = rule.strip_prefix(path).unwrap_or(&rule);
                    found.push((tidy(&rule), root.join(below)));
                }
                Err(why) => problems.push(Unreadable(why)),
            }
        }
    }
    found
}
