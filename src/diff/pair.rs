//! What is compared.
//!
//! In: two rules and the sources they read. Out: the pair of them, each with what is needed to try records on it.
//! Must not know: what differs, events.

use std::collections::HashSet;
use std::sync::Arc;

use super::align::Alignment;
use crate::catalog::{Catalog, Source};
use crate::engine::list::Allowlist;
use crate::engine::record::{Schema, Schemas};
use crate::ir::{EntryValue, List, Rule, Selection, Step};

/// The most entries of a list that are tried, of those that the other rule lacks and of all.
const MOST: usize = 16;

/// One of the rules.
#[derive(Debug)]
pub(super) struct Side<'a> {
    pub(super) rule: &'a Rule,
    /// Its lists, compiled once.
    pub(super) lists: Vec<Arc<Allowlist>>,
    /// For each list the entries worth trying: first those that the other rule lacks.
    pub(super) entries: Vec<Vec<&'a EntryValue>>,
    /// For each step the step of the other rule that it is compared with.
    pub(super) counterparts: Vec<Option<usize>>,
}

impl<'a> Side<'a> {
    fn new(rule: &'a Rule, other: &Rule, counterparts: Vec<Option<usize>>) -> Self {
        let elsewhere: HashSet<&str> =
            other.lists.iter().flat_map(|list| &list.entries).map(|entry| entry.text.as_str()).collect();
        let entries = |list: &'a List| {
            let own = list.entries.iter().filter(|entry| !elsewhere.contains(entry.text.as_str()));
            let all = own.take(MOST).chain(list.entries.iter().take(MOST));
            all.map(|entry| &entry.value).collect()
        };
        Self {
            rule,
            lists: rule.lists.iter().map(|list| Arc::new(Allowlist::new(list))).collect(),
            entries: rule.lists.iter().map(entries).collect(),
            counterparts,
        }
    }
}

/// Two rules and where they look.
#[derive(Debug)]
pub(super) struct Pair<'a> {
    pub(super) sides: [Side<'a>; 2],
    pub(super) catalog: &'a Catalog,
    pub(super) schemas: &'a Schemas,
}

impl<'a> Pair<'a> {
    /// `steps` says which step of the old rule each of the new one is.
    pub(super) fn new(
        (old, new): (&'a Rule, &'a Rule),
        steps: &Alignment,
        catalog: &'a Catalog,
        schemas: &'a Schemas,
    ) -> Self {
        let back = |step: usize| steps.iter().position(|known| *known == Some(step));
        let of_old = (0..old.chain.steps.len()).map(back).collect();
        Self { sides: [Side::new(old, new, of_old), Side::new(new, old, steps.clone())], catalog, schemas }
    }

    /// The pair as each of the rules sees it.
    pub(super) fn views(&self) -> [View<'_>; 2] {
        let Self { sides: [old, new], catalog, schemas } = self;
        let view = |own, other| View { own, other, catalog, schemas };
        [view(old, new), view(new, old)]
    }
}

/// A pair as one of its rules sees it.
#[derive(Debug, Clone, Copy)]
pub(super) struct View<'p> {
    /// The rule that scenarios are made of.
    pub(super) own: &'p Side<'p>,
    /// What it is compared with.
    pub(super) other: &'p Side<'p>,
    pub(super) catalog: &'p Catalog,
    pub(super) schemas: &'p Schemas,
}

impl<'p> View<'p> {
    /// Where the records of a selection come from.
    pub(super) fn place(&self, selection: &Selection) -> Option<(&'p Source, &'p Schema)> {
        let name = &selection.source.node;
        Some((self.catalog.source(name)?, self.schemas.get(name)?))
    }

    /// What the other rule has in the place of a step.
    pub(super) fn counterpart(&self, step: usize) -> Option<&'p Step> {
        let other = *self.own.counterparts.get(step)?;
        self.other.rule.chain.steps.get(other?)
    }

    /// Both rules.
    pub(super) fn sides(&self) -> [&'p Side<'p>; 2] {
        [self.own, self.other]
    }
}
