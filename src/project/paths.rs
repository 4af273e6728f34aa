//! Paths as users write them and want to see them.
//!
//! In: paths of rule files and of what they name. Out: paths to read, to compare and to show. Must not know: texts.

use std::path::{Component, Path, PathBuf};

use super::files::Files;

/// The name under which standard input is shown.
const STDIN: &str = "<stdin>";

/// The path of `name` as written in the file at `from`.
pub(super) fn resolve(from: Option<&Path>, name: &str) -> PathBuf {
    let folder = from.and_then(Path::parent).unwrap_or(Path::new(""));
    tidy(&folder.join(name))
}

/// The path without links, `.` and `..`; as it is, where there is no such file.
pub(super) fn real(files: &dyn Files, path: &Path) -> PathBuf {
    files.real(path).unwrap_or_else(|_| path.to_owned())
}

/// The path without `.` and, where that is certain, without `..`: as short as a reader wants it. A file called `-`
/// keeps the `.` that tells it from standard input.
#[must_use]
pub fn tidy(path: &Path) -> PathBuf {
    let mut tidy = PathBuf::new();
    for part in path.components() {
        match part {
            Component::CurDir => {}
            Component::ParentDir if matches!(tidy.components().next_back(), Some(Component::Normal(_))) => {
                tidy.pop();
            }
            Component::ParentDir | Component::Normal(_) | Component::RootDir | Component::Prefix(_) => {
                tidy.push(part);
            }
        }
    }
    if tidy == Path::new("-") { Path::new(".").join(tidy) } else { tidy }
}

pub(super) fn show(path: &Path) -> String {
    match path.to_str() {
        Some("-") => STDIN.to_owned(),
        Some("") => ".".to_owned(),
        _ => path.display().to_string(),
    }
}
