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
    /// Hidden files.
    pub(crate) hidden: Vec<PathBuf>,
    /// Pipes, sockets and devices in a folder: to read one may wait for ever.
    pub(crate) special: Vec<PathBuf>,
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
    let given = names(Path::new(path)).count();
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
        if entry.file_type().is_dir() {
            continue;
        }
        if !entry.file_type().is_file() {
            found.special.push(entry.into_path());
            continue;
        }
        if is_hidden(entry.path()) {
            found.hidden.push(entry.into_path());
            continue;
        }
        // Names of chunks are text, as reports are.
        if entry.path().to_str().is_none() {
            let at = entry.path().to_string_lossy().into_owned();
            found.broken.push((at, "its name is not valid UTF-8; rename the file".to_owned()));
            continue;
        }
        if !seen.insert(fs::canonicalize(entry.path()).unwrap_or_else(|_| entry.path().to_owned())) {
            continue;
        }
        let list =
            if is_of_other_log(entry.path(), given, folders) { &mut found.others } else { &mut found.files };
        list.push(entry.into_path());
    }
    Ok(found)
}

fn is_hidden(path: &Path) -> bool {
    path.file_name().is_some_and(|name| name.as_encoded_bytes().starts_with(b"."))
}

/// Folders below `AWSLogs/ACCOUNT` or `AWSLogs/ORGANISATION/ACCOUNT`, one for each kind of log, as the vendor's pages
/// on delivery to S3 name them. Other folders there decide nothing: people sort logs into folders of their own.
const SERVICES: &[&str] = &[
    "CloudFront",
    "CloudTrail",
    "CloudTrail-Aggregated",
    "CloudTrail-Digest",
    "CloudTrail-Insight",
    "CloudTrail-NetworkActivity",
    "Config",
    "GuardDuty",
    "VerifiedAccess",
    "VpcLattice",
    "WAFLogs",
    "elasticloadbalancing",
    "globalaccelerator",
    "network-firewall",
    "redshift",
    "vpcdnsquerylogs",
    "vpcflowlogs",
];

/// The names that a path is made of.
fn names(path: &Path) -> impl Iterator<Item = &str> {
    path.components().filter_map(|part| match part {
        // A name that is no text stays a name: the number of them counts.
        Component::Normal(name) => Some(name.to_str().unwrap_or_default()),
        Component::Prefix(_) | Component::RootDir | Component::CurDir | Component::ParentDir => None,
    })
}

/// Whether a file is in a folder of another log: `AWSLogs/ACCOUNT/SERVICE/…`, or with the names of partitions for Hive
/// `AWSLogs/aws-account-id=ACCOUNT/aws-service=SERVICE/…`. The first `given` names of the path are those that the user
/// asked for, so they do not decide.
fn is_of_other_log(path: &Path, given: usize, folders: &[String]) -> bool {
    if folders.is_empty() {
        return false;
    }
    let parts: Vec<&str> = names(path).collect();
    let Some((_, parents)) = parts.split_last() else { return false };
    let is_own = |name: &str| folders.iter().any(|folder| folder == name);
    let Some(root) = parents.iter().position(|part| *part == "AWSLogs") else {
        // A part of a bucket that was copied without its root.
        let is_beside = |part: &str| {
            let is_kin = |folder: &String| {
                part.strip_prefix(folder.as_str()).is_some_and(|rest| rest.starts_with('-'))
            };
            SERVICES.contains(&part) && !is_own(part) && folders.iter().any(is_kin)
        };
        return parents.iter().skip(given).any(|part| is_beside(value(part)));
    };
    let below = parents.iter().enumerate().skip(root + 1);
    let mut services = below.map(|(at, part)| (at, value(part)));
    let service = services.find(|(_, name)| SERVICES.contains(name) || is_own(name));
    service.is_some_and(|(at, name)| at >= given && !is_own(name))
}

/// The value in the name of a partition, `KEY=VALUE`; else the name.
fn value(name: &str) -> &str {
    name.split_once('=').map_or(name, |(_, value)| value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folders_of_other_logs_are_known_by_their_place() {
        let folders = ["CloudTrail".to_owned()];
        let hive = "AWSLogs/aws-account-id=1/aws-service=vpcflowlogs/aws-region=eu-west-1/year=2026/a.log.gz";
        for (path, given, is_other) in [
            ("AWSLogs/1/CloudTrail/us-east-1/2026/a.json.gz", 0, false),
            ("b/AWSLogs/o-1a/123456789012/CloudTrail/a.json.gz", 0, false),
            ("AWSLogs/1/CloudTrail-Digest/a.json.gz", 0, true),
            ("/data/AWSLogs/1/CloudTrail-Digest/a.json.gz", 3, true),
            ("/data/AWSLogs/1/CloudTrail-Digest/a.json.gz", 4, false),
            ("AWSLogs/1/CloudTrail-Insight/a.json.gz", 0, true),
            ("AWSLogs/1/elasticloadbalancing/a.log", 0, true),
            ("AWSLogs/1/elasticloadbalancing/CloudTrail/a.log", 0, true),
            ("AWSLogs/incident-7/a.json", 0, false),
            ("AWSLogs/incident-7/1/Config/a.json", 0, true),
            ("AWSLogs/1/a.json", 0, false),
            ("AWSLogs/a.json", 0, false),
            (hive, 0, true),
            ("logs/CloudTrail-Digest/a.json", 0, true),
            ("logs/CloudTrail-Digest/a.json", 2, false),
            ("cases/CloudTrail-2025/a.json", 0, false),
            ("logs/Config/a.json", 0, false),
            ("CloudTrail/a.json", 0, false),
        ] {
            assert_eq!(is_of_other_log(Path::new(path), given, &folders), is_other, "{path}");
            assert!(!is_of_other_log(Path::new(path), given, &[]));
        }
        assert!(!is_of_other_log(Path::new(hive), 0, &["vpcflowlogs".to_owned()]));
    }
}
