//! The folder of a build: written as a whole or not at all.
//!
//! In: a bundle, the folder. Out: the folder holds the bundle, and nothing that an earlier build wrote besides. What is
//! not of a build, or was changed since, is left alone unless the user insists. Must not know: rules, packs.
//!
//! All files are written in a folder inside the folder first: a full disk shows there, and what was there before is
//! still untouched. Then each moves to its place, or the whole folder that holds it if there is none yet; the manifest
//! is the last. What stood in a place moves aside before: where something cannot be moved, all goes back.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::ErrorKind;
use std::path::{Component, Path, PathBuf};

use anyhow::Context;
use rayon::prelude::*;
use serde::Deserialize;

use crate::cli::output;
use crate::pack::{Bundle, File, digest, manifest};

/// What was done.
#[derive(Debug, Clone, Copy)]
pub(super) struct Done {
    /// Files that are new or others than before.
    pub(super) changed: usize,
    /// Files of an earlier build that are gone.
    pub(super) removed: usize,
}

/// What an earlier build wrote.
#[derive(Debug, Default, Deserialize)]
struct Earlier {
    version: u32,
    generator: String,
    files: Vec<Listed>,
}

#[derive(Debug, Deserialize)]
struct Listed {
    path: String,
    sha256: String,
}

/// How many names a message lists.
const SHOWN: usize = 5;

/// Writes the bundle.
pub(super) fn write(folder: &Path, bundle: &Bundle, force: bool) -> anyhow::Result<Done> {
    let earlier = earlier(folder, force)?;
    if !force {
        refuse_foreign(folder, &earlier, bundle)?;
    }
    let is_new = !folder.exists();
    fs::create_dir_all(folder).with_context(|| format!("cannot make `{}`", folder.display()))?;
    let done = replace(folder, bundle, &earlier);
    if done.is_err() && is_new {
        // Only if nothing is in it.
        let _ = fs::remove_dir(folder);
    }
    done
}

fn replace(folder: &Path, bundle: &Bundle, earlier: &BTreeMap<String, String>) -> anyhow::Result<Done> {
    let (staged, changed) = stage(folder, bundle)?;
    let cannot = || format!("cannot write in `{}`", folder.display());
    let aside = tempfile::Builder::new().prefix(".catena-").tempdir_in(folder).with_context(cannot)?;
    let mut moves = Moves { aside: aside.path(), done: Vec::new() };
    let written: BTreeSet<&str> = bundle.files.iter().map(|file| file.path.as_str()).collect();
    let gone = earlier.keys().filter(|path| !written.contains(path.as_str())).map(|path| place(folder, path));
    let gone: Vec<PathBuf> = gone.filter(|path| fs::symlink_metadata(path).is_ok()).collect();
    // A request to end the program waits until the folder is whole.
    let _whole = output::writing();
    let settled = settle(staged.path(), folder, &|name| name != manifest::FILE, &mut moves)
        .and_then(|()| gone.iter().try_for_each(|path| moves.put_aside(path)))
        .and_then(|()| settle(staged.path(), folder, &|_| true, &mut moves));
    if let Err(error) = settled {
        let Err(stuck) = moves.undo() else { return Err(error) };
        // Nothing that was there is thrown away.
        let kept = aside.keep();
        let hint = format!("and cannot be put back ({stuck}): what was there is in `{}`", kept.display());
        return Err(error.context(hint));
    }
    for path in &gone {
        remove_empty(folder, path);
    }
    Ok(Done { changed, removed: gone.len() })
}

/// What has moved, to be moved back.
struct Moves<'a> {
    /// Where what stood in a place goes.
    aside: &'a Path,
    /// From where to where, in order.
    done: Vec<[PathBuf; 2]>,
}

impl Moves<'_> {
    fn move_to(&mut self, from: &Path, to: &Path) -> anyhow::Result<()> {
        fs::rename(from, to).with_context(|| format!("cannot write `{}`", to.display()))?;
        self.done.push([from.to_owned(), to.to_owned()]);
        Ok(())
    }

    /// Moves a file out of its place.
    fn put_aside(&mut self, file: &Path) -> anyhow::Result<()> {
        let name = self.done.len().to_string();
        let to = self.aside.join(name);
        fs::rename(file, &to).with_context(|| format!("cannot replace `{}`", file.display()))?;
        self.done.push([file.to_owned(), to]);
        Ok(())
    }

    /// Moves everything back, the last first.
    fn undo(self) -> std::io::Result<()> {
        self.done.iter().rev().try_for_each(|[from, to]| fs::rename(to, from))
    }
}

/// Moves what lies in one folder to another, of the names at the top those that `is_due` picks.
fn settle(
    from: &Path,
    to: &Path,
    is_due: &dyn Fn(&str) -> bool,
    moves: &mut Moves<'_>,
) -> anyhow::Result<()> {
    let cannot = || format!("cannot write in `{}`", to.display());
    for entry in fs::read_dir(from).with_context(cannot)? {
        let entry = entry.with_context(cannot)?;
        let name = entry.file_name();
        if !is_due(&name.to_string_lossy()) {
            continue;
        }
        let (from, to) = (entry.path(), to.join(&name));
        // A folder that nobody has moves at once: to name thousands of files anew takes as long as to write them.
        if entry.file_type().with_context(cannot)?.is_dir() && to.exists() {
            settle(&from, &to, &|_| true, moves)?;
            continue;
        }
        if let Ok(found) = fs::symlink_metadata(&to) {
            anyhow::ensure!(!found.is_dir(), "cannot write `{}`: a folder is in its place", to.display());
            moves.put_aside(&to)?;
        }
        moves.move_to(&from, &to)?;
    }
    Ok(())
}

/// Writes every file that is not there as it is into a folder that goes when the answer does: how many there are.
fn stage(folder: &Path, bundle: &Bundle) -> anyhow::Result<(tempfile::TempDir, usize)> {
    let cannot = || format!("cannot write in `{}`", folder.display());
    let stage = tempfile::Builder::new().prefix(".catena-").tempdir_in(folder).with_context(cannot)?;
    let differs = |file: &&File| {
        let place = place(folder, file.path.as_str());
        let length = fs::metadata(&place).map(|found| found.len()).ok();
        length != Some(file.bytes.len() as u64) || fs::read(&place).ok().as_deref() != Some(&*file.bytes)
    };
    let files: Vec<&File> = bundle.files.par_iter().filter(differs).collect();
    let mut last = PathBuf::new();
    for file in &files {
        let path = place(stage.path(), file.path.as_str());
        let parent = path.parent().unwrap_or(stage.path());
        // Files are in order, so those of one folder follow each other.
        if parent != last {
            fs::create_dir_all(parent).with_context(cannot)?;
            parent.clone_into(&mut last);
        }
    }
    let write =
        |file: &&File| fs::write(place(stage.path(), file.path.as_str()), &file.bytes).with_context(cannot);
    files.par_iter().try_for_each(write)?;
    Ok((stage, files.len()))
}

/// The files of the last build with their hashes.
fn earlier(folder: &Path, force: bool) -> anyhow::Result<BTreeMap<String, String>> {
    let path = folder.join(manifest::FILE);
    let text = match fs::read_to_string(&path) {
        Ok(text) => text,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(BTreeMap::new()),
        Err(error) => return Err(error).with_context(|| format!("cannot read `{}`", path.display())),
    };
    let known = serde_json::from_str::<Earlier>(&text).ok();
    let known =
        known.filter(|known| known.version == manifest::VERSION && known.generator == manifest::GENERATOR);
    let Some(known) = known else {
        let shown = path.display();
        anyhow::ensure!(
            force,
            "`{shown}` is not of this version of `catena build`: give another folder, or `--force`"
        );
        return Ok(BTreeMap::new());
    };
    let own = known.files.into_iter().filter(|file| is_inside(&file.path));
    Ok(own.map(|file| (file.path, file.sha256)).collect())
}

/// Whether a path stays below the folder: somebody may have edited the manifest, and files are removed by it.
fn is_inside(path: &str) -> bool {
    !path.contains('\\') && Path::new(path).components().all(|part| matches!(part, Component::Normal(_)))
}

/// Refuses a folder with files that no build wrote, or that are others than a build wrote.
fn refuse_foreign(folder: &Path, earlier: &BTreeMap<String, String>, bundle: &Bundle) -> anyhow::Result<()> {
    let mut found = Vec::new();
    walk(folder, "", &mut found)?;
    let is_foreign = |path: &&String| match earlier.get(*path) {
        None => *path != manifest::FILE,
        Some(_) => false,
    };
    let foreign: Vec<&String> = found.iter().filter(is_foreign).collect();
    let shown = folder.display();
    anyhow::ensure!(
        foreign.is_empty(),
        "`{shown}` holds files that no build wrote ({}): give another folder, or `--force` to leave them and write beside and over them",
        names(&foreign)
    );
    let ours: BTreeMap<&str, &File> = bundle.files.iter().map(|file| (file.path.as_str(), file)).collect();
    let is_changed = |path: &&String| {
        let Ok(bytes) = fs::read(place(folder, path)) else { return false };
        let is_new = ours.get(path.as_str()).is_some_and(|file| file.bytes == bytes);
        !is_new && earlier.get(*path).is_some_and(|hash| digest(&bytes) != *hash)
    };
    let changed: Vec<&String> = found.par_iter().filter(is_changed).collect();
    anyhow::ensure!(
        changed.is_empty(),
        "files under `{shown}` were changed since the last build ({}): `--force` overwrites them",
        names(&changed)
    );
    Ok(())
}

fn names(paths: &[&String]) -> String {
    let mut shown: Vec<String> = paths.iter().take(SHOWN).map(|path| format!("`{path}`")).collect();
    if paths.len() > SHOWN {
        shown.push(format!("{} more", paths.len() - SHOWN));
    }
    shown.join(", ")
}

/// Every file below a folder, by its path with `/`; what a build left that was killed is none.
fn walk(folder: &Path, inside: &str, found: &mut Vec<String>) -> anyhow::Result<()> {
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(error).with_context(|| format!("cannot read `{}`", folder.display())),
    };
    for entry in entries {
        let entry = entry.with_context(|| format!("cannot read `{}`", folder.display()))?;
        let name = entry.file_name().to_string_lossy().into_owned();
        if inside.is_empty() && name.starts_with(".catena-") {
            continue;
        }
        let path = if inside.is_empty() { name } else { format!("{inside}/{name}") };
        if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            walk(&entry.path(), &path, found)?;
        } else {
            found.push(path);
        }
    }
    found.sort();
    Ok(())
}

fn place(folder: &Path, path: &str) -> PathBuf {
    path.split('/').fold(folder.to_owned(), |place, part| place.join(part))
}

/// Removes the folders above a file that is gone, as far as they are empty.
fn remove_empty(folder: &Path, file: &Path) {
    let mut above = file.parent();
    while let Some(dir) = above.filter(|dir| *dir != folder && dir.starts_with(folder)) {
        if fs::remove_dir(dir).is_err() {
            return;
        }
        above = dir.parent();
    }
}

#[cfg(test)]
mod tests {
    use super::is_inside;

    #[test]
    fn a_manifest_removes_nothing_outside_its_folder() {
        assert!(is_inside("splunk/app/default/app.conf"));
        for path in ["../x", "/etc/passwd", "a/../../x", "a\\..\\x", "./x"] {
            assert!(!is_inside(path), "{path}");
        }
    }
}
