//! Runs the built program as a user would, from the root of the repository or another folder.

use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

/// What a run printed, and its status.
#[derive(Debug)]
pub(crate) struct Ran {
    pub(crate) status: i32,
    pub(crate) out: String,
    pub(crate) err: String,
}

/// The day on which tests judge allowlists.
pub(crate) const AS_OF: &str = "2026-11-24";

/// Whether the long run was asked for, which tries what takes too long for every run.
pub(crate) fn is_long_run() -> bool {
    std::env::var_os("CATENA_CONFORMANCE").is_some()
}

pub(crate) fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

pub(crate) fn catena(arguments: &[&str]) -> Ran {
    catena_with_input(arguments, b"")
}

pub(crate) fn catena_with_input(arguments: &[&str], input: &[u8]) -> Ran {
    catena_in(root(), arguments, input)
}

/// The same in another folder.
pub(crate) fn catena_in(folder: &Path, arguments: &[&str], input: &[u8]) -> Ran {
    let mut child = Command::new(env!("CARGO_BIN_EXE_catena"))
        .args(arguments)
        .current_dir(folder)
        .env("NO_COLOR", "1")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let input = input.to_vec();
    // The program may end before it has read everything; that is its right.
    let writer = std::thread::spawn(move || _ = stdin.write_all(&input));
    let output = child.wait_with_output().unwrap();
    writer.join().unwrap();
    Ran {
        status: output.status.code().unwrap_or(-1),
        out: String::from_utf8(output.stdout).unwrap(),
        err: String::from_utf8(output.stderr).unwrap(),
    }
}

/// The `.chain` files of a folder, sorted, as paths from the root of the repository.
pub(crate) fn chains(folder: &str) -> Vec<String> {
    let mut found: Vec<_> = std::fs::read_dir(root().join(folder))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| std::path::Path::new(name).extension().is_some_and(|extension| extension == "chain"))
        .map(|name| format!("{folder}/{name}"))
        .collect();
    found.sort();
    found
}

/// The files of the library, area by area.
pub(crate) fn shipped() -> Vec<String> {
    let mut areas: Vec<_> = std::fs::read_dir(root().join("rules"))
        .unwrap()
        .map(Result::unwrap)
        .filter(|entry| entry.path().is_dir())
        .map(|entry| format!("rules/{}", entry.file_name().into_string().unwrap()))
        .collect();
    areas.sort();
    areas.iter().flat_map(|area| chains(area)).collect()
}

/// The names of all targets.
pub(crate) fn targets() -> impl Iterator<Item = &'static str> {
    catena::backend::ALL.iter().map(|target| target.name())
}

/// A folder with files, which goes when the value does.
pub(crate) fn scratch(name: &str, files: &[(&str, &[u8])]) -> tempfile::TempDir {
    let folder = tempfile::Builder::new().prefix(name).tempdir_in(root().join("target")).unwrap();
    for (path, bytes) in files {
        let path = folder.path().join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, bytes).unwrap();
    }
    folder
}

/// Copies a folder with all that is in it.
pub(crate) fn copy_folder(from: &Path, to: &Path) {
    for entry in walkdir::WalkDir::new(from).into_iter().map(Result::unwrap) {
        let place = to.join(entry.path().strip_prefix(from).unwrap());
        if entry.file_type().is_dir() {
            std::fs::create_dir_all(place).unwrap();
        } else {
            std::fs::copy(entry.path(), place).unwrap();
        }
    }
}

/// The path of a file in such a folder, from the root of the repository.
pub(crate) fn path(folder: &tempfile::TempDir, name: &str) -> String {
    folder.path().join(name).strip_prefix(root()).unwrap().display().to_string()
}
