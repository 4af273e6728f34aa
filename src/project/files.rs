//! What a project must be able to ask of wherever its files are: a disk, a browser tab, an editor's buffers.
//!
//! In: paths. Out: bytes, what stands at a path, or why not. Must not know: what files say. [`Memory`] holds texts by
//! name; the one implementation over a disk is [`Disk`](super::Disk).

use std::collections::BTreeMap;
use std::path::{Component, Path, PathBuf};

/// What stands at a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Entry {
    /// A file that can be read.
    File,
    /// A folder.
    Folder,
    /// Something that is neither, such as a device.
    Other,
    /// Nothing.
    Missing,
}

/// The files of a project. Reasons are in words, to follow `cannot read ‹path›: `.
pub trait Files: Sync + std::fmt::Debug {
    /// The first `limit + 1` bytes of a file: one more than may be there, so that the caller can tell.
    ///
    /// # Errors
    /// Why it cannot be read.
    fn read(&self, path: &Path, limit: usize) -> Result<Vec<u8>, String>;

    /// What stands at a path.
    fn entry(&self, path: &Path) -> Entry;

    /// The file that a path really names, without links, `.` and `..`.
    ///
    /// # Errors
    /// Why there is none.
    fn real(&self, path: &Path) -> Result<PathBuf, String>;

    /// The path from the root, whether or not something is there.
    fn absolute(&self, path: &Path) -> PathBuf;

    /// The files with the extension `.chain` in a folder and below it, sorted within each folder; what begins with a
    /// dot is left out, links are not followed. A part that cannot be read is an error of its own.
    fn rules_under(&self, folder: &Path) -> Vec<Result<PathBuf, String>>;
}

/// The text of a file that is read whole, such as an environment or source file.
///
/// # Errors
/// Why it cannot be read, or that it is longer than `limit` bytes or no text.
pub(super) fn text(files: &dyn Files, path: &Path, limit: usize) -> Result<String, String> {
    let bytes = files.read(path, limit)?;
    if bytes.len() > limit {
        return Err(format!("it has more than {limit} bytes"));
    }
    String::from_utf8(bytes).map_err(|_| "stream did not contain valid UTF-8".to_owned())
}

/// Files held in memory, by name. Names are paths with `/`; all of them start at one root.
#[derive(Debug, Clone, Default)]
pub struct Memory {
    texts: BTreeMap<PathBuf, String>,
}

impl Memory {
    /// Adds a file, or replaces its text.
    pub fn insert(&mut self, name: impl AsRef<Path>, text: impl Into<String>) {
        self.texts.insert(normal(name.as_ref()), text.into());
    }

    /// Takes a file away; whether it was there.
    pub fn remove(&mut self, name: impl AsRef<Path>) -> bool {
        self.texts.remove(&normal(name.as_ref())).is_some()
    }
}

impl Files for Memory {
    fn read(&self, path: &Path, limit: usize) -> Result<Vec<u8>, String> {
        match self.texts.get(&normal(path)) {
            Some(text) => Ok(text.bytes().take(limit.saturating_add(1)).collect()),
            None => Err("there is no such file".to_owned()),
        }
    }

    fn entry(&self, path: &Path) -> Entry {
        let path = normal(path);
        if self.texts.contains_key(&path) {
            Entry::File
        } else if path.as_os_str().is_empty() || self.texts.keys().any(|file| file.starts_with(&path)) {
            Entry::Folder
        } else {
            Entry::Missing
        }
    }

    fn real(&self, path: &Path) -> Result<PathBuf, String> {
        match self.entry(path) {
            Entry::Missing => Err("there is no such file".to_owned()),
            Entry::File | Entry::Folder | Entry::Other => Ok(normal(path)),
        }
    }

    fn absolute(&self, path: &Path) -> PathBuf {
        normal(path)
    }

    fn rules_under(&self, folder: &Path) -> Vec<Result<PathBuf, String>> {
        let root = normal(folder);
        let inside = self.texts.keys().filter_map(|file| file.strip_prefix(&root).ok());
        let is_rule = |file: &&Path| file.extension().is_some_and(|extension| extension == "chain");
        let is_hidden =
            |file: &Path| file.components().any(|part| part.as_os_str().to_string_lossy().starts_with('.'));
        inside.filter(is_rule).filter(|file| !is_hidden(file)).map(|file| Ok(folder.join(file))).collect()
    }
}

/// A path below the one root of memory: without a root of its own, `.` and `..`.
fn normal(path: &Path) -> PathBuf {
    let mut normal = PathBuf::new();
    for part in path.components() {
        match part {
            Component::Normal(name) => normal.push(name),
            Component::ParentDir => _ = normal.pop(),
            Component::CurDir | Component::RootDir | Component::Prefix(_) => {}
        }
    }
    normal
}

#[cfg(test)]
mod tests {
    use super::*;

    fn memory() -> Memory {
        let mut memory = Memory::default();
        for name in ["b/two.chain", "a.chain", "b/.hidden.chain", "b/list.csv", "b/c/one.chain"] {
            memory.insert(name, name);
        }
        memory
    }

    #[test]
    fn rules_are_found_in_order_and_below_folders() {
        let found = |folder: &str| {
            let paths = memory().rules_under(Path::new(folder)).into_iter();
            paths.map(|path| path.unwrap().display().to_string()).collect::<Vec<_>>()
        };
        assert_eq!(found(""), ["a.chain", "b/c/one.chain", "b/two.chain"]);
        assert_eq!(found("./b"), ["./b/c/one.chain", "./b/two.chain"]);
    }

    #[test]
    fn one_file_has_many_spellings() {
        let memory = memory();
        for spelling in ["b/list.csv", "./b/../b/list.csv", "/b/list.csv"] {
            assert_eq!(memory.real(Path::new(spelling)), Ok(PathBuf::from("b/list.csv")));
            assert_eq!(text(&memory, Path::new(spelling), 100), Ok("b/list.csv".to_owned()));
        }
        assert_eq!(memory.entry(Path::new("b")), Entry::Folder);
        assert_eq!(memory.entry(Path::new("b/x")), Entry::Missing);
    }

    #[test]
    fn a_long_file_is_not_read_whole() {
        assert_eq!(memory().read(Path::new("a.chain"), 3).unwrap(), b"a.ch");
        assert_eq!(text(&memory(), Path::new("a.chain"), 3).unwrap_err(), "it has more than 3 bytes");
    }
}
