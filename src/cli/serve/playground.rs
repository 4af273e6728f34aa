//! What the playground is about: rule files, and what of the disk they may read.
//!
//! In: what the user names. Out: [`Playground`]. Must not know: requests.

use std::path::{Path, PathBuf};

use anyhow::{Context, bail};

use super::examples;
use crate::cli::session::{Cores, Session};
use crate::project::session::{self, Choices};
use crate::project::{Buffers, Disk, Entry, Files, Live, nearest_environment, tidy};
use crate::syntax;

/// The rule files, and all that is needed to read them.
#[derive(Debug)]
pub(super) struct Playground {
    /// The folder to which names are relative.
    root: PathBuf,
    files: Vec<PathBuf>,
    buffers: Buffers,
    choices: Choices,
}

impl Playground {
    /// The playground of a file or folder, or of the examples. What rules name is read below the folder, or below the
    /// one above it that has a `catena.yaml`.
    pub(super) fn of(path: Option<&Path>, choices: Choices) -> anyhow::Result<Self> {
        // What options name may be anywhere.
        let mut allowed: Vec<PathBuf> = choices.environment.iter().chain(&choices.sources).cloned().collect();
        let Some(path) = path else {
            let mut buffers = Buffers::within(&allowed);
            for (name, text) in examples::FILES {
                buffers.insert(Path::new(name), text.to_owned());
            }
            let files = examples::RULES.iter().map(PathBuf::from).collect();
            return Ok(Self { root: PathBuf::new(), files, buffers, choices });
        };
        // As it is named, not what a link leads to: other commands look for the environment above the name.
        let named = tidy(&Disk.absolute(path));
        let cannot = |why| anyhow::anyhow!("cannot read `{}`: {why}", path.display());
        Disk.real(path).map_err(cannot)?;
        let (folder, files) = match Disk.entry(&named) {
            Entry::Folder => {
                let found = Disk.rules_under(&named).into_iter().collect::<Result<Vec<_>, _>>();
                (named.as_path(), found.map_err(anyhow::Error::msg)?)
            }
            Entry::File => (named.parent().unwrap_or(Path::new("/")), vec![named.clone()]),
            Entry::Other | Entry::Missing => bail!("`{}` is neither a file nor a folder", path.display()),
        };
        if files.is_empty() {
            bail!("no `.chain` file under `{}`", path.display());
        }
        let environment = nearest_environment(&Disk, folder);
        let root = environment.as_deref().and_then(Path::parent).unwrap_or(folder).to_owned();
        // Where a link leads is not below the root.
        allowed.extend([root.clone(), folder.to_owned(), named.clone()]);
        Ok(Self { root, files, buffers: Buffers::within(&allowed), choices })
    }

    /// The names of the files.
    pub(super) fn names(&self) -> Vec<String> {
        self.files.iter().map(|path| self.name(path)).collect()
    }

    /// The name of a file as it is shown.
    pub(super) fn name(&self, path: &Path) -> String {
        path.strip_prefix(&self.root).unwrap_or(path).display().to_string()
    }

    /// The text of a file as it is kept.
    pub(super) fn text(&self, name: &str) -> anyhow::Result<String> {
        let path = self.path(name)?;
        let bytes = self.buffers.read(path, syntax::FILE_SIZE);
        let bytes = bytes.map_err(|why| anyhow::anyhow!("cannot read `{name}`: {why}"))?;
        if bytes.len() > syntax::FILE_SIZE {
            bail!("`{name}` has more than {} MiB", syntax::FILE_SIZE >> 20);
        }
        String::from_utf8(bytes).with_context(|| format!("`{name}` is no text in UTF-8"))
    }

    /// Checks a file with another text.
    pub(super) fn check(&mut self, name: &str, text: String) -> anyhow::Result<Session> {
        let path = self.hold(name, text)?;
        session::open(&[path], &self.choices, &self.buffers, &Cores)
            .map_err(|problems| anyhow::anyhow!(problems.join("; ")))
    }

    /// Opens a file with another text as an editor does; its path.
    pub(super) fn edit(&mut self, name: &str, text: String) -> anyhow::Result<(Live, PathBuf)> {
        let path = self.hold(name, text)?;
        let live = Live::open(vec![path.clone()], self.choices.clone(), self.buffers.clone(), &Cores);
        Ok((live, path))
    }

    fn hold(&mut self, name: &str, text: String) -> anyhow::Result<PathBuf> {
        let path = self.path(name)?.to_owned();
        self.buffers.insert(&path, text);
        Ok(path)
    }

    fn path(&self, name: &str) -> anyhow::Result<&Path> {
        let found = self.files.iter().find(|path| self.name(path) == name);
        found.map(PathBuf::as_path).with_context(|| format!("there is no file `{name}` here"))
    }
}
