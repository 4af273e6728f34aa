//! Files as an editor sees them: the texts that it holds, and behind them the disk.
//!
//! In: texts by path. Out: [`Files`]. Must not know: what files say.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::disk::Disk;
use super::files::{Entry, Files};

/// Texts that may differ from those on disk.
#[derive(Debug, Clone, Default)]
pub struct Buffers {
    texts: BTreeMap<PathBuf, String>,
}

impl Buffers {
    /// Holds a text in place of what is on disk.
    pub fn insert(&mut self, path: &Path, text: String) {
        self.texts.insert(path.to_owned(), text);
    }

    /// Whether the editor holds the text of a file.
    #[must_use]
    pub fn holds(&self, path: &Path) -> bool {
        self.texts.contains_key(path)
    }

    /// Lets go of a text: what is on disk counts again.
    pub fn remove(&mut self, path: &Path) {
        self.texts.remove(path);
    }

    /// Whether there is a rule file at or under a path.
    pub(super) fn has_rules(&self, root: &Path) -> bool {
        match self.entry(root) {
            Entry::File => true,
            Entry::Folder => self.rules_under(root).iter().any(Result::is_ok),
            Entry::Other | Entry::Missing => false,
        }
    }
}

impl Files for Buffers {
    fn read(&self, path: &Path, limit: usize) -> Result<Vec<u8>, String> {
        match self.texts.get(path) {
            Some(text) => Ok(text.bytes().take(limit.saturating_add(1)).collect()),
            None => Disk.read(path, limit),
        }
    }

    fn entry(&self, path: &Path) -> Entry {
        if self.texts.contains_key(path) { Entry::File } else { Disk.entry(path) }
    }

    fn real(&self, path: &Path) -> Result<PathBuf, String> {
        match Disk.real(path) {
            Err(_) if self.texts.contains_key(path) => Ok(path.to_owned()),
            found => found,
        }
    }

    fn absolute(&self, path: &Path) -> PathBuf {
        Disk.absolute(path)
    }

    fn rules_under(&self, folder: &Path) -> Vec<Result<PathBuf, String>> {
        // A file that vanished between two looks is no reason to show none of the others.
        let mut found: Vec<PathBuf> = Disk.rules_under(folder).into_iter().flatten().collect();
        let is_rule = |path: &&PathBuf| path.extension().is_some_and(|extension| extension == "chain");
        found.extend(self.texts.keys().filter(|path| path.starts_with(folder)).filter(is_rule).cloned());
        found.sort();
        found.dedup();
        found.into_iter().map(Ok).collect()
    }
}
