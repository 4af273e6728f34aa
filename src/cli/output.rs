//! Where results go: standard output, or files that appear whole or not at all.
//!
//! In: finished texts. Out: bytes written, or why not.
//! Must not know: what the texts are.

use std::io::{self, BufWriter, ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

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
    match written.and_then(|()| out.flush()) {
        // The reader went away, which is its right. The status still says what was found.
        Err(error) if error.kind() == ErrorKind::BrokenPipe => {
            // What is left in the buffer would be tried once more.
            drop(out.into_parts());
            Ok(())
        }
        written => written.context("cannot write to standard output"),
    }
}

/// Writes a line to standard error; names in it may be foreign.
pub(super) fn complain(text: &str) {
    // A closed standard error leaves no place to say so.
    let _ = writeln!(io::stderr().lock(), "catena: {}", visible(text));
}

/// Whether only results and errors are wanted.
static QUIET: AtomicBool = AtomicBool::new(false);

/// From now on [`report`] writes nothing.
pub(super) fn hush() {
    QUIET.store(true, Ordering::Relaxed);
}

/// Whether only results and errors are wanted.
pub(super) fn is_quiet() -> bool {
    QUIET.load(Ordering::Relaxed)
}

/// Writes what tells how it went, such as a count of files, to standard error; nothing if that is not wanted.
pub(super) fn report(text: &str) {
    if !is_quiet() {
        insist(text);
    }
}

/// Writes a finished block, such as rendered errors, to standard error.
pub(super) fn insist(text: &str) {
    let _ = io::stderr().lock().write_all(text.as_bytes());
}

/// Writes to a path that the user names: a file as [`write_file`], anything else, such as a device, a pipe or a link,
/// as what it is. Folders are not made.
pub(super) fn write_named(path: &Path, text: &str) -> anyhow::Result<()> {
    let cannot = || format!("cannot write `{}`", path.display());
    match std::fs::symlink_metadata(path) {
        Ok(found) if !found.is_file() => {
            let mut file = std::fs::File::create(path).with_context(cannot)?;
            file.write_all(text.as_bytes()).with_context(cannot)
        }
        Ok(_) => write_file(path, text),
        Err(error) if error.kind() == ErrorKind::NotFound && folder_of(path).is_dir() => {
            write_file(path, text)
        }
        Err(error) => Err(error).with_context(cannot),
    }
}

fn folder_of(path: &Path) -> &Path {
    path.parent().filter(|folder| *folder != Path::new("")).unwrap_or(Path::new("."))
}

/// How temporary files are called until they are whole.
const TEMPORARY: &str = ".catena-";

/// Held while there is a temporary file.
static WRITING: Mutex<()> = Mutex::new(());

/// Has Ctrl-C wait until files are whole: as long as the answer lives, which must not ask for another.
#[cfg(feature = "pack")]
pub(super) fn writing() -> impl Drop {
    WRITING.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}

/// Has Ctrl-C and a request to terminate wait for the file that is being written, and end the program.
pub(super) fn finish_files() -> anyhow::Result<()> {
    on_stop(|| {
        let _whole = WRITING.lock();
        std::process::exit(130);
    })
}

/// Does something on Ctrl-C and on a request to terminate; nothing in a run that is to outlive its terminal (`nohup`),
/// which a handler would end at the hangup.
pub(super) fn on_stop(work: impl FnMut() + Send + 'static) -> anyhow::Result<()> {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let ignored = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    let ignored = ignored.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()).unwrap_or(0);
    // The first bit is the hangup.
    if ignored & 1 == 1 {
        return Ok(());
    }
    ctrlc::set_handler(work).context("cannot watch for Ctrl-C")
}

/// Removes temporary files that a run left which was killed: whatever lives is done with one after a minute.
pub(super) fn remove_stale(folder: &Path) {
    const STALE: Duration = Duration::from_secs(60);
    let Ok(entries) = std::fs::read_dir(folder) else { return };
    for entry in entries.flatten() {
        let is_ours = entry.file_name().to_str().is_some_and(|name| {
            name.strip_prefix(TEMPORARY)
                .is_some_and(|rest| rest.len() == 6 && rest.bytes().all(|b| b.is_ascii_alphanumeric()))
        });
        let is_old = || {
            let found = entry.metadata().ok().filter(std::fs::Metadata::is_file);
            let age = found.and_then(|found| found.modified().ok()?.elapsed().ok());
            age.is_some_and(|age| age > STALE)
        };
        if is_ours && is_old() {
            // It is in nobody's way.
            let _ = std::fs::remove_file(entry.path());
        }
    }
}

/// The file that a path leads to over symbolic links, whether or not there is one: what is written goes there, and the
/// links stay.
fn resolved(path: &Path) -> io::Result<PathBuf> {
    const MOST_LINKS: usize = 40;
    let mut path = path.to_owned();
    for _ in 0..MOST_LINKS {
        match std::fs::read_link(&path) {
            Ok(to) => path = folder_of(&path).join(to),
            Err(_) => return Ok(path),
        }
    }
    Err(io::Error::other("too many symbolic links"))
}

/// Writes a file under a temporary name, then gives it its own: it is never seen half written. A file that nobody may
/// write to is left as it is.
pub(super) fn write_file(path: &Path, text: &str) -> anyhow::Result<()> {
    let cannot = || format!("cannot write `{}`", path.display());
    let path = &resolved(path).with_context(cannot)?;
    let folder = folder_of(path);
    let is_locked = std::fs::metadata(path).is_ok_and(|found| found.permissions().readonly());
    anyhow::ensure!(!is_locked, "{}: the file is read-only", cannot());
    std::fs::create_dir_all(folder).with_context(cannot)?;
    let _writing = WRITING.lock();
    // In the folder of the file itself: to another file system a file cannot be renamed.
    let mut file = temporary(folder, path).with_context(cannot)?;
    file.write_all(text.as_bytes()).with_context(cannot)?;
    file.persist(path).map_err(|error| error.error).with_context(cannot)?;
    Ok(())
}

/// A temporary file with the mode of an ordinary one: `tempfile` makes files that only their owner can read, a result
/// has the mode that the umask leaves of 0666. One that replaces a file has that file's mode, as if it were written
/// over.
#[cfg(unix)]
fn temporary(folder: &Path, path: &Path) -> io::Result<tempfile::NamedTempFile> {
    use std::fs::Permissions;
    use std::os::unix::fs::PermissionsExt;
    let ordinary = Permissions::from_mode(0o666);
    let file = tempfile::Builder::new().prefix(TEMPORARY).permissions(ordinary).tempfile_in(folder)?;
    if let Ok(earlier) = std::fs::symlink_metadata(path)
        && earlier.is_file()
    {
        let mode = earlier.permissions().mode() & 0o777;
        file.as_file().set_permissions(Permissions::from_mode(mode))?;
    }
    Ok(file)
}

#[cfg(not(unix))]
fn temporary(folder: &Path, _path: &Path) -> io::Result<tempfile::NamedTempFile> {
    tempfile::Builder::new().prefix(TEMPORARY).tempfile_in(folder)
}
