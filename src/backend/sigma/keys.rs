//! The keys of a chain: which fields of which steps are one key.
//!
//! In: links. Out: a [`Path`] for each key, and names for them.
//! Must not know: windows, correlations, columns.

use std::collections::BTreeSet;

use super::literal::{FieldName, Names};
use crate::ir::{Field, GroupField, Key, Link};

/// One key along the chain: its field in each step.
#[derive(Debug)]
pub(super) struct Path<'a> {
    pub(super) fields: Vec<(usize, &'a Field)>,
    /// Whether the scope asks for it.
    pub(super) from_scope: bool,
}

impl<'a> Path<'a> {
    fn of(link: usize, key: &'a Key) -> Self {
        // A key that ignores letter case is one that some engines compare exactly: the gate says so.
        // Of a field with several values the gate has told.
        let Key { left, right, case: _, folds: _, any: _, from_scope } = key;
        Self { fields: vec![(link, left), (link + 1, right)], from_scope: *from_scope }
    }

    fn shared(GroupField { field, case: _ }: &'a GroupField, steps: impl Iterator<Item = usize>) -> Self {
        // A key that ignores letter case is one that some engines compare exactly: the gate says so.
        Self { fields: steps.map(|step| (step, field)).collect(), from_scope: false }
    }

    fn names(&self) -> Vec<&'a str> {
        self.fields.iter().map(|(_, field)| field.name.as_str()).collect()
    }
}

/// The keys of links that all join by the same key: for every key of every link one path from the first to the last
/// step that goes through it.
pub(super) fn paths(links: &[Link]) -> Vec<Path<'_>> {
    let numbered = links.iter().enumerate();
    distinct(numbered.flat_map(|(index, link)| link.keys.iter().map(move |key| through(links, index, key))))
}

/// The keys of one link.
pub(super) fn pairs(index: usize, link: &Link) -> Vec<Path<'_>> {
    distinct(link.keys.iter().map(|key| Path::of(index, key)))
}

/// The keys that steps in any order share.
pub(super) fn together(keys: &[GroupField], steps: usize) -> Vec<Path<'_>> {
    distinct(keys.iter().map(|key| Path::shared(key, 0..steps)))
}

/// The keys by which a step counts.
pub(super) fn counted(keys: &[GroupField], step: usize) -> Vec<Path<'_>> {
    distinct(keys.iter().map(|key| Path::shared(key, step..=step)))
}

/// The keys by which every link joins, in the first of them.
pub(super) fn scope(links: &[Link]) -> Vec<Path<'_>> {
    let mut paths = links.first().map_or_else(Vec::new, |link| pairs(0, link));
    paths.retain(|path| path.from_scope);
    paths
}

fn distinct<'a>(paths: impl Iterator<Item = Path<'a>>) -> Vec<Path<'a>> {
    let mut seen = BTreeSet::new();
    paths.filter(|path| seen.insert(path.names())).collect()
}

fn through<'a>(links: &'a [Link], index: usize, key: &'a Key) -> Path<'a> {
    let mut path = Path::of(index, key);
    let mut start = &key.left;
    for (earlier, link) in links.iter().enumerate().take(index).rev() {
        if let Some(key) = link.keys.iter().find(|key| key.right.name == start.name) {
            start = &key.left;
            path.fields.insert(0, (earlier, start));
        }
    }
    let mut end = &key.right;
    for (later, link) in links.iter().enumerate().skip(index + 1) {
        if let Some(key) = link.keys.iter().find(|key| key.left.name == end.name) {
            end = &key.right;
            path.fields.push((later + 1, end));
        }
    }
    path
}

/// The name of a key in correlations.
#[derive(Debug, Clone)]
pub(super) enum Name {
    /// Every base rule has the field of this name.
    Field(String),
    /// It stands for another field in each.
    Alias(String),
}

/// A name for each path: that of its field, if `common` says that it is the same in every base rule, or one after its
/// first field. The scope is named first, so that its names are the same in every correlation of a chain.
pub(super) fn names<'p>(
    paths: &'p [Path<'p>],
    mut common: impl FnMut(&Path<'p>) -> Option<FieldName>,
) -> Vec<(&'p Path<'p>, Name)> {
    let mut names = Names::default();
    let mut found: Vec<_> = paths.iter().map(|path| (path, Name::Alias(String::new()))).collect();
    let (scope, others): (Vec<_>, Vec<_>) = found.iter_mut().partition(|(path, _)| path.from_scope);
    for (path, name) in scope.into_iter().chain(others) {
        let first = path.fields.first().map_or("", |(_, field)| &field.name);
        *name = match common(path).filter(|field| names.claim(field)) {
            Some(field) => Name::Field(field.text().to_owned()),
            None => Name::Alias(names.unused("", first).into_text()),
        };
    }
    found
}
