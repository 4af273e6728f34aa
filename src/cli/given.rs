//! Files that somebody names and that are read whole: nothing that could wait for ever, and no more than a bound.
//!
//! In: paths. Out: open files, texts, or why not. Must not know: what the files say.

use std::fs::{File, Metadata};
use std::io::Read;
use std::path::Path;

use crate::syntax;

/// The text of an environment or source file; it may be as long as a rule file.
pub(super) fn text(path: &Path) -> Result<String, String> {
    let (file, _) = open(path)?;
    let mut text = String::new();
    let limit = syntax::FILE_SIZE as u64;
    let length = file.take(limit + 1).read_to_string(&mut text).map_err(|error| error.to_string())?;
    if length > syntax::FILE_SIZE {
        return Err(format!("it has more than {limit} bytes"));
    }
    Ok(text)
}

/// An open file and its length.
pub(super) fn open(path: &Path) -> Result<(File, u64), String> {
    let metadata = std::fs::metadata(path).map_err(|error| error.to_string())?;
    if metadata.is_dir() {
        return Err("it is a directory".to_owned());
    }
    if may_wait(path, &metadata) {
        return Err(
            "it is a pipe with a name, which may wait for ever; give `-` and let it be standard input"
                .to_owned(),
        );
    }
    let file = File::open(path).map_err(|error| error.to_string())?;
    Ok((file, metadata.len()))
}

/// To open a pipe that has a name waits until somebody writes, maybe for ever. The pipe that a shell makes of `<(…)`
/// has no name: what stands for it below `/dev` leads nowhere, or is the pipe itself.
#[cfg(unix)]
fn may_wait(path: &Path, metadata: &Metadata) -> bool {
    use std::os::unix::fs::FileTypeExt;
    metadata.file_type().is_fifo() && path.canonicalize().is_ok_and(|real| !real.starts_with("/dev"))
}

#[cfg(not(unix))]
fn may_wait(_: &Path, _: &Metadata) -> bool {
    false
}
