//! Where results go: standard output, or files that appear whole or not at all.
//!
//! In: finished texts. Out: bytes written, or why not.
//! Must not know: what the texts are.

use std::io::{self, BufWriter, ErrorKind, Write};
use std::path::Path;

use anyhow::Context;

use crate::source::visible;

/// Writes a result to standard output.
pub(super) fn print(text: &str) -> anyhow::Result<()> {
    print_all([text])
}

/// Writes texts to standard output, one after another.
pub(super) fn print_all<'a>(texts: impl IntoIterator<Item = &'a str>) -> anyhow::Result<()> {
    const BUFFER: usize = 1 << 16;
    let mut out = BufWriter::with_capacity(BUFFER, io::stdout().lock());
    let written = texts.into_iter().try_for_each(|text| out.write_all(text.as_bytes()));
    written.and_then(|()| out.flush()).context("cannot write to standard output")
}

/// Whether the reader of our output went away, which is its right.
pub(super) fn is_broken_pipe(error: &anyhow::Error) -> bool {
    error.downcast_ref::<io::Error>().is_some_and(|error| error.kind() == ErrorKind::BrokenPipe)
}

/// Writes a line to standard error; names in it may be foreign.
pub(super) fn complain(text: &str) {
    // A closed standard error leaves no place to say so.
    let _ = writeln!(io::stderr().lock(), "catena: {}", visible(text));
}

/// Writes a finished block, such as rendered diagnostics, to standard error.
pub(super) fn report(text: &str) {
    let _ = io::stderr().lock().write_all(text.as_bytes());
}

/// Writes a file under a temporary name, then gives it its own: it is never seen half written.
pub(super) fn write_file(path: &Path, text: &str) -> anyhow::Result<()> {
    let folder = path.parent().unwrap_or(Path::new("."));
    let cannot = || format!("cannot write `{}`", path.display());
    std::fs::create_dir_all(folder).with_context(cannot)?;
    let mut file = tempfile::Builder::new().prefix(".catena-").tempfile_in(folder).with_context(cannot)?;
    file.write_all(text.as_bytes()).with_context(cannot)?;
    make_readable(file.as_file()).with_context(cannot)?;
    file.persist(path).map_err(|error| error.error).with_context(cannot)?;
    Ok(())
}

/// Temporary files are private to their owner; a result is an ordinary file.
#[cfg(unix)]
fn make_readable(file: &std::fs::File) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    file.set_permissions(std::fs::Permissions::from_mode(0o644))
}

#[cfg(not(unix))]
fn make_readable(_file: &std::fs::File) -> io::Result<()> {
    Ok(())
}
