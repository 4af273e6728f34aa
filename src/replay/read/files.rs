//! The files below a path.
//!
//! In: what the user names. Out: the files in it, in order, and those that are other logs.
//! Must not know: what is in a file.

use std::collections::HashSet;
use std::fs;
use std::io;
use std::path::{Component, Path, PathBuf};

/// What is below a path.
#[derive(Debug, Default)]
pub(crate) struct Found {
    /// The files to read.
    pub(crate) files: Vec<PathBuf>,
    /// Whether the path is a folder.
    pub(crate) is_folder: bool,
    /// Files that are other logs, by their place in a tree of several.
    pub(crate) others: Vec<PathBuf>,
    /// What cannot be read: a link that leads nowhere, a folder that is not ours.
    pub(crate) broken: Vec<(String, String)>,
}

/// The files below a path, sorted. Symbolic links are followed, each file is read once. `folders` are those of the
/// source in a tree as AWS writes it to a bucket; files of other folders there are other logs.
pub(crate) fn files(path: &str, folders: &[String]) -> io::Result<Found> {
    if path == "-" || !fs::metadata(path)?.is_dir() {
        return Ok(Found { files: vec![PathBuf::from(path)], ..Found::default() });
    }
    let mut found = Found { is_folder: true, ..Found::default() };
    let mut seen = HashSet::new();
    for entry in walkdir::WalkDir::new(path).follow_links(true).sort_by_file_name() {
        let entry = match entry {
            Ok(entry) => entry,
            // A link to a folder above it leads to nothing new.
            Err(problem) if problem.loop_ancestor().is_some() => continue,
            Err(problem) => {
                let at = problem.path().unwrap_or(Path::new(path)).to_string_lossy().into_owned();
                let reason = problem.io_error().map_or_else(|| problem.to_string(), io::Error::to_string);
                found.broken.push((at, reason));
                continue;
            }
        };
        // A pipe in a folder would be waited for.
        if !entry.file_type().is_file() || is_hidden(entry.path()) {
            continue;
        }
        if !seen.insert(fs::canonicalize(entry.path()).unwrap_or_else(|_| entry.path().to_owned())) {
            continue;
        }
        let list = if is_of_other_log(entry.path(), folders) { &mut found.others } else { &mut found.files };
        list.push(entry.into_path());
    }
    Ok(found)
}

fn is_hidden(path: &Path) -> bool {
    path.file_name().is_some_and(|name| name.as_encoded_bytes().starts_with(b"."))
}

/// Whether a file is in a folder of another log: `AWSLogs/ACCOUNT/FOLDER/…`, or
/// `AWSLogs/ORGANISATION/ACCOUNT/FOLDER/…`.
fn is_of_other_log(path: &Path, folders: &[String]) -> bool {
    if folders.is_empty() {
        return false;
    }
    let parts = path.components().filter_map(|part| match part {
        Component::Normal(name) => name.to_str(),
        Component::Prefix(_) | Component::RootDir | Component::CurDir | Component::ParentDir => None,
    });
    let parts: Vec<&str> = parts.collect();
    let Some((_, folders_of_files)) = parts.split_last() else { return false };
    let Some(root) = folders_of_files.iter().position(|part| *part == "AWSLogs") else {
        // A part of a bucket that was copied without its root.
        return folders_of_files.iter().any(|part| {
            folders
                .iter()
                .any(|folder| part.strip_prefix(folder.as_str()).is_some_and(|rest| rest.starts_with('-')))
        });
    };
    let mut below = folders_of_files.iter().skip(root + 1);
    let is_account = |part: &str| part.starts_with("o-") || part.bytes().all(|byte| byte.is_ascii_digit());
    let folder = below.find(|part| !is_account(part));
    folder.is_some_and(|folder| !folders.iter().any(|own| own == folder))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folders_of_other_logs_are_known_by_their_place() {
        let folders = ["CloudTrail".to_owned()];
        for (path, is_other) in [
            ("AWSLogs/1/CloudTrail/us-east-1/2026/a.json.gz", false),
            ("b/AWSLogs/o-1a/123456789012/CloudTrail/a.json.gz", false),
            ("AWSLogs/1/CloudTrail-Digest/a.json.gz", true),
            ("AWSLogs/1/CloudTrail-Insight/a.json.gz", true),
            ("AWSLogs/1/elasticloadbalancing/a.log", true),
            ("AWSLogs/1/a.json", false),
            ("AWSLogs/a.json", false),
            ("logs/CloudTrail-Digest/a.json", true),
            ("logs/Config/a.json", false),
            ("CloudTrail/a.json", false),
        ] {
            assert_eq!(is_of_other_log(Path::new(path), &folders), is_other, "{path}");
            assert!(!is_of_other_log(Path::new(path), &[]));
        }
    }
}
