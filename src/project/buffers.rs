//! Files as an editor sees them: the texts that it holds, and behind them the disk, or a part of it.
//!
//! In: texts by path, folders that may be read. Out: [`Files`]. Must not know: what files say.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::disk::Disk;
use super::files::{Entry, Files};
use super::paths::tidy;

/// Texts that may differ from those on disk.
#[derive(Debug, Clone, Default)]
pub struct Buffers {
    texts: BTreeMap<PathBuf, String>,
    /// Files and folders, as they are named and as they really are; everything where there is no list.
    within: Option<Vec<PathBuf>>,
}

impl Buffers {
    /// Buffers before a part of the disk alone: these files and what is in these folders. Whatever else a rule names,
    /// also through a link, is outside, and nobody learns whether it is there.
    #[must_use]
    pub fn within(allowed: &[PathBuf]) -> Self {
        let both = |path: &PathBuf| [Some(tidy(&Disk.absolute(path))), Disk.real(path).ok()];
        let within = allowed.iter().flat_map(both).flatten().collect();
        Self { texts: BTreeMap::new(), within: Some(within) }
    }

    /// Whether a path leads to a part of the disk that may be read.
    fn reach(&self, path: &Path) -> Result<(), String> {
        let Some(within) = &self.within else { return Ok(()) };
        let is_inside = |path: &Path| within.iter().any(|allowed| path.starts_with(allowed));
        // First as it is written: outside, the disk is not even asked.
        if is_inside(&tidy(&Disk.absolute(path))) && Disk.real(path).map_or(true, |real| is_inside(&real)) {
            return Ok(());
        }
        Err("it is outside of what may be read here".to_owned())
    }

    /// The text held of a file; one below the current folder may be named as seen from there.
    fn held(&self, path: &Path) -> Option<&String> {
        let named = self.texts.get(path);
        named.or_else(|| if path.is_relative() { self.texts.get(&Disk.absolute(path)) } else { None })
    }

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
        match self.held(path) {
            Some(text) => Ok(text.bytes().take(limit.saturating_add(1)).collect()),
            None => self.reach(path).and_then(|()| Disk.read(path, limit)),
        }
    }

    fn entry(&self, path: &Path) -> Entry {
        if self.held(path).is_some() {
            return Entry::File;
        }
        self.reach(path).map_or(Entry::Missing, |()| Disk.entry(path))
    }

    fn real(&self, path: &Path) -> Result<PathBuf, String> {
        match self.reach(path).and_then(|()| Disk.real(path)) {
            Err(_) if self.texts.contains_key(path) => Ok(path.to_owned()),
            found => found,
        }
    }

    fn absolute(&self, path: &Path) -> PathBuf {
        Disk.absolute(path)
    }

    fn rules_under(&self, folder: &Path) -> Vec<Result<PathBuf, String>> {
        // A file that vanished between two looks is no reason to show none of the others.
        let on_disk = self.reach(folder).map_or_else(|_| Vec::new(), |()| Disk.rules_under(folder));
        let mut found: Vec<PathBuf> = on_disk.into_iter().flatten().collect();
        let is_rule = |path: &&PathBuf| path.extension().is_some_and(|extension| extension == "chain");
        found.extend(self.texts.keys().filter(|path| path.starts_with(folder)).filter(is_rule).cloned());
        found.sort();
        found.dedup();
        found.into_iter().map(Ok).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_of_the_disk_is_all_there_is() {
        let here = Path::new(env!("CARGO_MANIFEST_DIR"));
        let mut files = Buffers::within(&[here.join("rules")]);
        let list = here.join("rules/an1318/lists/known_good.chain");
        assert!(files.read(&list, 10).is_ok() && files.entry(&list) == Entry::File);
        let outside = ["Cargo.toml", "rules/../Cargo.toml", "rules/../../nothing", "rulesets/x.chain"];
        for path in outside.map(|name| here.join(name)) {
            let why = "it is outside of what may be read here";
            assert_eq!(files.read(&path, 10).unwrap_err(), why, "{}", path.display());
            assert_eq!(files.real(&path).unwrap_err(), why);
            assert_eq!(files.entry(&path), Entry::Missing);
        }
        assert_eq!(files.rules_under(here), Vec::<Result<PathBuf, String>>::new());
        assert_eq!(files.read(&here.join("rules/nothing"), 10).unwrap_err().find("outside"), None);
        files.insert(&here.join("held.chain"), "text".to_owned());
        assert_eq!(files.read(&here.join("held.chain"), 2).unwrap(), b"tex");
    }
}
