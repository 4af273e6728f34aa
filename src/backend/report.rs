//! What is found while a rule is bound and lowered for one target.
//!
//! In: errors, notes, requirements, lists, each once. Out: the same in order, and the fidelity they add up to.
//! Must not know: rules, targets.

use std::collections::BTreeSet;

use super::{Effect, External, Fidelity, Note, emission, requirement};
use crate::diag::Diagnostic;
use crate::source::Span;

/// What lowering finds on its way.
#[derive(Debug, Default)]
pub struct Report {
    /// Errors, and nothing else.
    pub errors: Vec<Diagnostic>,
    /// Warnings beside those that the notes give.
    pub warnings: Vec<Diagnostic>,
    /// Reasons and limits.
    pub notes: Vec<Note>,
    /// What must be configured.
    pub requires: Vec<String>,
    /// Lists of the SIEM that the query reads by name.
    pub lists: Vec<External>,
    /// What the notes say already: an allowlist can give one for each entry.
    noted: BTreeSet<(Effect, String)>,
}

impl Report {
    /// Adds a note once.
    pub fn note(&mut self, effect: Effect, span: Span, message: impl Into<String>) {
        let message = message.into();
        if self.noted.insert((effect, message.clone())) {
            self.notes.push(Note { effect, message, span });
        }
    }

    /// Adds a requirement once; to one about the same log if there is one.
    pub fn require(&mut self, what: impl AsRef<str> + Into<String>) {
        // A rule has few requirements, unlike notes, of which a list can give one for each entry.
        for known in &mut self.requires {
            if known == what.as_ref() {
                return;
            }
            if let Some(both) = requirement::joined(known, what.as_ref()) {
                *known = both;
                return;
            }
        }
        self.requires.push(what.into());
    }

    /// Adds requirements, each once.
    pub(super) fn require_all<'w>(&mut self, requirements: impl IntoIterator<Item = &'w String>) {
        for what in requirements {
            self.require(what);
        }
    }

    /// Adds a list that the query reads by name, once.
    pub fn read(&mut self, list: External) {
        if !self.lists.contains(&list) {
            self.lists.push(list);
        }
    }

    /// Adds an error once.
    pub fn error(&mut self, error: Diagnostic) {
        if !self.errors.contains(&error) {
            self.errors.push(error);
        }
    }

    /// Adds what another report found.
    pub fn absorb(&mut self, other: Report) {
        other.errors.into_iter().for_each(|error| self.error(error));
        self.warnings.extend(other.warnings);
        other.notes.into_iter().for_each(|note| self.note(note.effect, note.span, note.message));
        other.requires.into_iter().for_each(|what| self.require(what));
        other.lists.into_iter().for_each(|list| self.read(list));
    }

    /// What whoever pastes the query must know, for its head: a line for each note and for each requirement.
    pub(super) fn remarks(&self) -> impl Iterator<Item = String> {
        self.notes.iter().map(Note::remark).chain(self.requires.iter().map(needed))
    }

    pub(super) fn fidelity(&self) -> Fidelity {
        emission::fidelity(&self.notes)
    }
}

impl Note {
    /// For the head of a query.
    pub(super) fn remark(&self) -> String {
        let word = match self.effect {
            Effect::Subset => "may miss",
            Effect::Conditional => "may miss in some engines",
            Effect::Superset => "may add",
            Effect::Engine => "engine",
            Effect::Shown => "note",
        };
        format!("{word}: {}", self.message)
    }
}

/// For the head of a query.
pub(super) fn needed(what: impl std::fmt::Display) -> String {
    format!("needs: {what}")
}
