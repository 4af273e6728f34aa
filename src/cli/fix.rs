//! The fixes that findings carry, written into the files.

use std::collections::BTreeMap;
use std::path::Path;

use crate::diag::fixes;
use crate::source::FileId;

use super::output;
use super::session::Found;

/// How often files are looked at again: a fix can lay bare the next finding, and two must not undo each other for ever.
const ROUNDS: usize = 20;

/// Applies fixes until nothing that is found has one; how many there were. `look` checks the files and gives what was
/// found, or nothing if that is impossible.
pub(super) fn until_none_is_left(look: impl Fn() -> anyhow::Result<Option<Found>>) -> anyhow::Result<usize> {
    let mut total = 0;
    for _ in 0..ROUNDS {
        let Some(found) = look()? else { break };
        match apply(found)? {
            0 => break,
            count => total += count,
        }
    }
    Ok(total)
}

/// Applies the fixes of one look, each file at once; how many there were.
fn apply(found: Found) -> anyhow::Result<usize> {
    let Found { sources, diags, accepted: _, file_count: _ } = found;
    let mut by_file: BTreeMap<FileId, Vec<_>> = BTreeMap::new();
    let all = diags.into_sorted();
    for fix in all.iter().filter_map(|found| found.fix.as_ref()) {
        by_file.entry(fix.span.file).or_default().push((fix.span.range(), fix.replacement.as_str()));
    }
    let mut total = 0;
    for (file, changes) in by_file {
        let Some(source) = sources.get(file) else { continue };
        let path = Path::new(&source.name);
        // Built-in sources are no files, and what changed since it was read is not ours to overwrite.
        if std::fs::read(path).ok().as_deref() != Some(source.text.as_bytes()) {
            continue;
        }
        let (text, count) = fixes::apply(&source.text, changes);
        if count > 0 && text != *source.text {
            output::write_file(&path.canonicalize().unwrap_or_else(|_| path.to_owned()), &text)?;
            total += count;
        }
    }
    Ok(total)
}
