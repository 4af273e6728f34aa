//! Files of a bundle: relative paths and bytes.
//!
//! In: names that packs give. Out: paths that stay below the folder, hashes. Must not know: a disk.

use std::fmt::Write as _;
use std::sync::OnceLock;

use serde::Serialize;
use sha2::{Digest, Sha256};

/// Everything that a build writes, in order of path; the manifest is the last.
#[derive(Debug)]
pub struct Bundle {
    /// The files.
    pub files: Vec<File>,
}

/// A file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct File {
    /// Below the folder of the build.
    pub path: Path,
    /// What it holds.
    pub bytes: Vec<u8>,
    /// The rule that it belongs to; none for a file of several.
    pub rule: Option<String>,
    /// The target, by its short name; none for playbooks.
    pub target: Option<&'static str>,
    /// The hash of the bytes, once it has been asked for.
    pub(super) hash: OnceLock<String>,
}

impl File {
    /// A file of one rule.
    pub(super) fn of(rule: &str, target: Option<&'static str>, path: Path, text: impl Into<Vec<u8>>) -> Self {
        Self { rule: Some(rule.to_owned()), ..Self::shared(target, path, text) }
    }

    /// A file of several rules.
    pub(super) fn shared(target: Option<&'static str>, path: Path, text: impl Into<Vec<u8>>) -> Self {
        Self { path, bytes: text.into(), rule: None, target, hash: OnceLock::new() }
    }

    /// SHA-256 of its bytes as hexadecimal digits. Of what belongs to one rule it is asked for where that is made, by
    /// one of many workers.
    pub(super) fn sha256(&self) -> &str {
        self.hash.get_or_init(|| digest(&self.bytes))
    }
}

/// A relative path with `/`, whose parts are plain names.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(transparent)]
pub struct Path(String);

impl Path {
    /// A file at the top.
    pub(super) fn root(name: &str) -> Self {
        Self(plain(name))
    }

    /// A file in a folder that a pack names.
    pub(super) fn new(folder: &'static str, name: &str) -> Self {
        Self(format!("{folder}/{}", plain(name)))
    }

    /// The path in a folder above.
    pub(super) fn inside(&self, folder: &str) -> Self {
        Self(format!("{}/{}", plain(folder), self.0))
    }

    /// With `/`.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// A name without what would lead out of its folder or means something to a shell or a file system.
fn plain(name: &str) -> String {
    let kept = |c: char| if c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.') { c } else { '_' };
    let name: String = name.chars().map(kept).collect();
    if name.chars().all(|c| c == '.') { format!("_{name}") } else { name }
}

/// SHA-256 as hexadecimal digits.
#[must_use]
pub fn digest(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(64);
    for byte in Sha256::digest(bytes) {
        // Writing to a string cannot fail.
        let _ = write!(text, "{byte:02x}");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_stays_below_its_folder() {
        assert_eq!(Path::new("a", "../b/c").as_str(), "a/.._b_c");
        assert_eq!(Path::new("a", "..").as_str(), "a/_..");
    }

    #[test]
    fn hashes_are_sha_256() {
        assert_eq!(digest(b"abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    }
}
