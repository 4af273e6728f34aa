//! Where the checker puts what it learns: findings, and what names stand for.
//!
//! In: written to by every part of the checker. Out: [`Diagnostics`] and [`Resolutions`].
//! Must not know: the rules that decide what is found.

use std::collections::BTreeSet;

use crate::diag::{Diagnostic, Diagnostics};
use crate::ir::List;
use crate::source::{Span, Spanned};

use super::resolutions::{Definition, DefinitionKind, Meaning, Resolutions, Use};

/// What has been learned so far.
#[derive(Debug, Default)]
pub(super) struct Sink {
    pub(super) diags: Diagnostics,
    pub(super) resolutions: Resolutions,
    /// What tests of columns of lookups became, in the rule that is being checked.
    pub(super) folded: Vec<List>,
    /// Names of parameters, allowlists and lookups that something uses, or was meant to use.
    used: BTreeSet<Span>,
    /// How often it was looked up what a wrong name means.
    guesses: usize,
}

/// How often it is looked up in a file what a wrong name means: more are not shown.
const MOST_GUESSES: usize = 200;

impl Sink {
    /// Adds a finding.
    pub(super) fn report(&mut self, diagnostic: Diagnostic) {
        self.diags.push(diagnostic);
    }

    /// Whether it is worth looking up what a wrong name means, which takes its time.
    pub(super) fn may_guess(&mut self) -> bool {
        self.guesses += 1;
        self.guesses <= MOST_GUESSES
    }

    /// Keeps the keys that a test of a column became; gives their number. A test that stands twice has one list, and
    /// two lists have two names.
    pub(super) fn fold(&mut self, mut list: List) -> usize {
        let same = |known: &List| known.name.node == list.name.node && known.entries == list.entries;
        let known = self.folded.iter().position(same);
        known.unwrap_or_else(|| {
            while self.folded.iter().any(|known| known.name.node == list.name.node) {
                list.name.node.push('_');
            }
            self.folded.push(list);
            self.folded.len() - 1
        })
    }

    /// Notes what the name at `span` stands for.
    pub(super) fn resolve(&mut self, span: Span, meaning: Meaning) {
        match &meaning {
            Meaning::Param(name) | Meaning::List(name) | Meaning::Lookup(name) => self.meant(*name),
            Meaning::Source(_)
            | Meaning::Field { .. }
            | Meaning::Step(_)
            | Meaning::File(_)
            | Meaning::Clause(_)
            | Meaning::Word { .. } => {}
        }
        self.resolutions.uses.push(Use { span, meaning });
    }

    /// Counts the parameter or list of this name as used: a misspelled name was meant for it, and one mistake is one
    /// finding.
    pub(super) fn meant(&mut self, name: Span) {
        self.used.insert(name);
    }

    /// Whether a parameter or list is used.
    pub(super) fn is_used(&self, name: Span) -> bool {
        self.used.contains(&name)
    }

    /// Notes a definition.
    pub(super) fn define(&mut self, kind: DefinitionKind, name: &Spanned<String>, extent: Span) {
        self.resolutions.definitions.push(Definition { kind, name: name.clone(), extent });
    }
}
