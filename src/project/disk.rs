//! The files of a project on a disk, and standard input as the file `-`.
//!
//! In: paths. Out: bytes, or why not. Nothing that could wait forever is opened. Must not know: what files say.

use std::fs::{File, Metadata};
use std::io::Read;
use std::path::{Path, PathBuf};

use super::files::{Entry, Files};

/// The files that the operating system has.
#[derive(Debug, Clone, Copy, Default)]
pub struct Disk;

impl Files for Disk {
    fn read(&self, path: &Path, limit: usize) -> Result<Vec<u8>, String> {
        let limit = limit as u64;
        let mut bytes = Vec::new();
        let read = if path == Path::new("-") {
            std::io::stdin().lock().take(limit + 1).read_to_end(&mut bytes)
        } else {
            let (file, length) = open(path)?;
            // One byte more than there is, so that the end is seen without growing.
            bytes.reserve_exact(usize::try_from(length.min(limit)).unwrap_or_default() + 1);
            file.take(limit + 1).read_to_end(&mut bytes)
        };
        read.map(|_| bytes).map_err(|error| error.to_string())
    }

    fn entry(&self, path: &Path) -> Entry {
        match std::fs::metadata(path) {
            Ok(found) if found.is_dir() => Entry::Folder,
            Ok(found) if found.is_file() => Entry::File,
            Ok(_) => Entry::Other,
            Err(_) => Entry::Missing,
        }
    }

    fn real(&self, path: &Path) -> Result<PathBuf, String> {
        path.canonicalize().map_err(|error| error.to_string())
    }

    fn absolute(&self, path: &Path) -> PathBuf {
        let path = if path.as_os_str().is_empty() { Path::new(".") } else { path };
        std::path::absolute(path).unwrap_or_else(|_| path.to_owned())
    }

    fn rules_under(&self, folder: &Path) -> Vec<Result<PathBuf, String>> {
        let visible = |entry: &walkdir::DirEntry| {
            entry.depth() == 0 || !entry.file_name().to_string_lossy().starts_with('.')
        };
        let is_rule = |entry: &walkdir::DirEntry| {
            entry.file_type().is_file() && entry.path().extension().is_some_and(|found| found == "chain")
        };
        let entries = walkdir::WalkDir::new(folder).sort_by_file_name().into_iter().filter_entry(visible);
        let wanted = entries.filter(|entry| entry.as_ref().map_or(true, is_rule));
        wanted
            .map(|entry| entry.map(walkdir::DirEntry::into_path).map_err(|error| error.to_string()))
            .collect()
    }
}

/// An open file and its length.
fn open(path: &Path) -> Result<(File, u64), String> {
    let metadata = std::fs::metadata(path).map_err(|error| error.to_string())?;
    if metadata.is_dir() {
        return Err("it is a directory".to_owned());
    }
    if may_wait(path, &metadata) {
        return Err(
            "it is a named pipe (FIFO), which may wait forever; give `-` and pipe into standard input"
                .to_owned(),
        );
    }
    let file = File::open(path).map_err(|error| error.to_string())?;
    Ok((file, metadata.len()))
}

/// Opening a named pipe waits until somebody writes, maybe forever. The pipe that a shell makes of `<(…)` has no name:
/// what stands for it below `/dev` leads nowhere, or is the pipe itself.
#[cfg(unix)]
fn may_wait(path: &Path, metadata: &Metadata) -> bool {
    use std::os::unix::fs::FileTypeExt;
    metadata.file_type().is_fifo() && path.canonicalize().is_ok_and(|real| !real.starts_with("/dev"))
}

#[cfg(not(unix))]
fn may_wait(_: &Path, _: &Metadata) -> bool {
    false
}
