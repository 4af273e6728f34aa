//! Files that somebody names and that are read whole: nothing that could wait for ever, and no more than a bound.
//!
//! In: paths. Out: paths that can be opened, texts, or why not. Must not know: what the files say.

use std::io::Read;
use std::path::{Path, PathBuf};

use clap::builder::{PathBufValueParser, TypedValueParser};

use crate::syntax;

/// Reads the path of a rule file from the command line.
pub(super) fn path() -> impl TypedValueParser<Value = PathBuf> {
    PathBufValueParser::new().try_map(|path| opens(&path).map(|()| path))
}

/// The text of an environment or source file; it may be as long as a rule file.
pub(super) fn text(path: &Path) -> Result<String, String> {
    opens(path)?;
    let file = std::fs::File::open(path).map_err(|error| error.to_string())?;
    let mut text = String::new();
    let limit = syntax::FILE_SIZE as u64;
    let length = file.take(limit + 1).read_to_string(&mut text).map_err(|error| error.to_string())?;
    if length > syntax::FILE_SIZE {
        return Err(format!("it has more than {limit} bytes"));
    }
    Ok(text)
}

/// To open a pipe that has a name waits until somebody writes, maybe for ever. The pipe that a shell makes of `<(…)` has
/// no name: what stands for it below `/dev` leads nowhere, or is the pipe itself.
fn opens(path: &Path) -> Result<(), &'static str> {
    #[cfg(unix)]
    {
        use std::os::unix::fs::FileTypeExt;
        let real = path.canonicalize().unwrap_or_default();
        let pipe = real.symlink_metadata().is_ok_and(|found| found.file_type().is_fifo());
        if pipe && !real.starts_with("/dev") {
            return Err(
                "it is a pipe with a name, which may wait for ever; give `-` and let it be standard input",
            );
        }
    }
    Ok(())
}
