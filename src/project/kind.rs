//! The kinds of files that rule files name.
//!
//! In: a path and what it was named as. Out: its bytes, or why it may not be read.
//! Must not know: what files say.

use std::ffi::OsStr;
use std::path::Path;

use super::files::{Entry, Files};
use crate::{syntax, table};

/// What a rule file names a file as.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Kind {
    Rules,
    List,
    Lookup,
    Event,
}

/// Bytes of the largest raw event: `CloudTrail` cuts its own off at 256 KB.
const LARGEST_EVENT: usize = 1 << 20;

impl Kind {
    /// What a rule file may name. Diagnostics show lines of what is read, and whoever runs the program may be able to
    /// read more than whoever wrote the rule: so the extension counts, also that of the file behind a symbolic link.
    pub(super) fn check(self, files: &dyn Files, path: &Path) -> Result<(), String> {
        let (extensions, what) = match self {
            Self::Rules => (&["chain"][..], "only `.chain` files can be imported"),
            Self::List => (&["csv"][..], "only `.csv` files can be lists"),
            Self::Lookup => (&["csv"][..], "only `.csv` files can be lookup tables"),
            Self::Event => (&["json", "log"][..], "only `.json` and `.log` files can be raw events"),
        };
        let is_allowed = |found: &OsStr| extensions.iter().any(|known| found.eq_ignore_ascii_case(known));
        let fits = |path: &Path| path.extension().is_some_and(is_allowed);
        if !fits(path) {
            return Err(what.to_owned());
        }
        let target = files.real(path)?;
        if !fits(&target) {
            return Err(format!("it is a link to another file, and {what}"));
        }
        match files.entry(&target) {
            Entry::File | Entry::Folder => Ok(()),
            Entry::Other | Entry::Missing => Err("it is not an ordinary file".to_owned()),
        }
    }

    /// Reads a whole file, up to one byte more than its bound: the parser says what the bound is.
    pub(super) fn read(self, files: &dyn Files, path: &Path) -> Result<Vec<u8>, String> {
        let limit = match self {
            Self::Rules => syntax::FILE_SIZE,
            Self::List | Self::Lookup => table::MAX_BYTES,
            Self::Event => LARGEST_EVENT,
        };
        let bytes = files.read(path, limit)?;
        if self != Self::Rules && bytes.len() > limit {
            return Err(format!("the file is larger than {} MiB", limit >> 20));
        }
        Ok(bytes)
    }
}
