//! What packs are given.
//!
//! In: made by whoever builds. Out: read by every pack. Must not know: any pack.

use std::path::{Component, Path, PathBuf};

use crate::backend::{Emission, SqlDialect};
use crate::catalog::{Catalog, SourceMapping};
use crate::ir::{self, Key, StepField};

/// A rule with all that was made of it.
#[derive(Debug, Clone, Copy)]
pub struct Ruled<'a> {
    /// The rule.
    pub rule: &'a ir::Rule,
    /// The sources, with the environment's changes applied.
    pub catalog: &'a Catalog,
    /// Its emissions, one for each target.
    pub emissions: &'a [Emission],
    /// How far back a scheduled search may look, in seconds.
    pub lookback: u64,
    /// Where the paths begin that are written down.
    pub base: &'a Base,
}

/// The folder at which paths begin that a build writes down, so that they do not depend on the folder in which it ran.
#[derive(Debug, Clone, Default)]
pub struct Base {
    here: PathBuf,
    folder: PathBuf,
}

impl Base {
    /// `folder`, from `here`, the folder in which paths are typed: both from the root.
    #[must_use]
    pub fn new(here: &Path, folder: &Path) -> Self {
        Self { here: plain(here), folder: plain(&here.join(folder)) }
    }

    /// The path of a file from the folder, with `/`; a name that stands for no file, such as `<stdin>`, as it is.
    pub(super) fn path_of(&self, name: &str) -> String {
        if name.starts_with('<') {
            return name.to_owned();
        }
        let path = plain(&self.here.join(name));
        for (up, above) in self.folder.ancestors().enumerate() {
            if let Ok(below) = path.strip_prefix(above) {
                let below = below.components().map(|part| part.as_os_str().to_string_lossy().into_owned());
                return std::iter::repeat_n("..".to_owned(), up).chain(below).collect::<Vec<_>>().join("/");
            }
        }
        path.display().to_string()
    }
}

/// A path without `.` and `..`, by its letters alone.
fn plain(path: &Path) -> PathBuf {
    let mut plain = PathBuf::new();
    for part in path.components() {
        match part {
            Component::CurDir => {}
            Component::ParentDir => _ = plain.pop(),
            Component::Normal(_) | Component::RootDir | Component::Prefix(_) => plain.push(part),
        }
    }
    plain
}

/// What the user may choose of the packs.
#[derive(Debug, Clone, Default)]
pub struct Choices {
    /// The Splunk app.
    pub app: App,
    /// The engine of the lake.
    pub dialect: SqlDialect,
}

/// What a Splunk app is called.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct App {
    /// Its id and folder.
    pub id: String,
    /// Its version, `x.y.z`.
    pub version: String,
}

impl Default for App {
    fn default() -> Self {
        Self { id: "catena_detections".to_owned(), version: "1.0.0".to_owned() }
    }
}

impl<'a> Ruled<'a> {
    /// The name of a step.
    pub(super) fn step(&self, step: usize) -> &'a str {
        self.rule.chain.steps.get(step).map_or("", |step| step.name.node.as_str())
    }

    /// The name of the last step.
    pub(super) fn last_step(&self) -> &'a str {
        self.step(self.rule.chain.steps.len().saturating_sub(1))
    }

    /// `step.field`, as the rule writes it.
    pub(super) fn written(&self, field: &StepField) -> String {
        format!("{}.{}", self.step(field.step), field.field.name)
    }

    /// The column of a result that shows a field.
    pub(super) fn column(&self, field: &StepField) -> String {
        ir::column_name(self.step(field.step), &field.field.name)
    }

    /// The time of the last step in a result.
    pub(super) fn time_column(&self) -> String {
        ir::column_name(self.last_step(), "time")
    }

    /// The columns of the fields of `dedupe`; none without one.
    pub(super) fn dedupe_columns(&self) -> Vec<String> {
        self.rule.alert.dedupe.iter().flat_map(|dedupe| &dedupe.by).map(|field| self.column(field)).collect()
    }

    /// Every field that an alert names, each once: entities, shown fields, keys of `dedupe`.
    pub(super) fn alert_fields(&self) -> Vec<&'a StepField> {
        let ir::Alert { entities, show, dedupe } = &self.rule.alert;
        let keys = dedupe.iter().flat_map(|dedupe| &dedupe.by);
        let mut fields: Vec<&StepField> = Vec::new();
        for field in entities.iter().map(|entity| &entity.field).chain(show).chain(keys) {
            if !fields.iter().any(|known| known.step == field.step && known.field.name == field.field.name) {
                fields.push(field);
            }
        }
        fields
    }

    /// Where the sources of its steps live in a target, each once.
    pub(super) fn mappings(&self, target: &str) -> Vec<&'a SourceMapping> {
        let mut names: Vec<&str> = Vec::new();
        for selection in self.rule.chain.selections() {
            if !names.contains(&selection.source.node.as_str()) {
                names.push(&selection.source.node);
            }
        }
        names.into_iter().filter_map(|name| self.catalog.source(name)?.targets.get(target)).collect()
    }
}

/// Equal fields of two steps.
pub(super) fn keys(keys: &[Key]) -> String {
    let one = |Key { left, right, case: _, folds: _, any, from_scope: _ }: &Key| {
        let side = |name: &str, any| if any { format!("any {name}") } else { name.to_owned() };
        let [before, after] = [side(&left.name, any.left), side(&right.name, any.right)];
        if before == after { before } else { format!("{before} = {after}") }
    };
    keys.iter().map(one).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_the_same_wherever_it_is_typed() {
        let folder = Path::new("/team/rules");
        for (here, typed) in
            [("/team", "rules/a/b.csv"), ("/team/rules/a", "b.csv"), ("/", "/team/x/../rules/a/b.csv")]
        {
            assert_eq!(Base::new(Path::new(here), folder).path_of(typed), "a/b.csv");
        }
        let base = Base::new(Path::new("/team"), folder);
        assert_eq!(base.path_of("shared/c.csv"), "../shared/c.csv");
        assert_eq!(base.path_of("<stdin>"), "<stdin>");
    }
}
