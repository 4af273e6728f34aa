//! Steps: what they match, what must not be there, how often records must come.
//!
//! In: built by `check`. Out: read by the engine and the targets.
//! Must not know: links, but for the neighbours that an absence may name.

use std::borrow::Cow;

use serde::Serialize;

use super::{Case, Field, GroupField, Pred, Window};
use crate::source::{Span, Spanned};

/// One step: a pipeline of clauses, each of which sees what the ones before it left.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Step {
    /// Its name, unique in the chain.
    pub name: Spanned<String>,
    /// What it matches: its first alternative.
    pub main: Selection,
    /// The other alternatives. Of those that a record satisfies the first gives the names of its fields.
    pub others: Vec<Selection>,
    /// What must not be there for a record to count.
    pub absences: Vec<Absence>,
    /// How often records must come for one of them to count.
    pub repetition: Option<Repetition>,
    /// The whole step.
    pub span: Span,
}

impl Step {
    /// Its alternatives, in order; at least one.
    pub fn selections(&self) -> impl Iterator<Item = &Selection> + Clone {
        std::iter::once(&self.main).chain(&self.others)
    }

    /// Seconds over which its records must repeat; 0 if they need not. A chain that it begins starts that much earlier.
    #[must_use]
    pub fn burst(&self) -> u64 {
        self.repetition.as_ref().map_or(0, |repetition| repetition.window.seconds)
    }
}

/// Records of one source that satisfy a condition.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Selection {
    /// Canonical name of its source.
    pub source: Spanned<String>,
    /// Fields that have another name in the clauses after the condition.
    pub renames: Vec<Rename>,
    /// The predicate after `where`, in the names of the source.
    pub filter: Pred,
    /// The predicates after `except`: a record that satisfies one of them is not selected.
    pub excepts: Vec<Pred>,
    /// The whole alternative.
    pub span: Span,
}

/// A field under another name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Rename {
    /// Its name in the rule.
    pub name: String,
    /// Its name in the source.
    pub of: String,
}

impl Selection {
    /// Filter and exceptions.
    pub fn conditions(&self) -> impl Iterator<Item = &Pred> {
        std::iter::once(&self.filter).chain(&self.excepts)
    }

    /// The whole condition: `filter and not except₁ and not except₂ …`.
    #[must_use]
    pub fn condition(&self) -> Cow<'_, Pred> {
        if self.excepts.is_empty() {
            return Cow::Borrowed(&self.filter);
        }
        let mut parts = vec![self.filter.clone()];
        parts.extend(self.excepts.iter().map(|except| Pred::Not(Box::new(except.clone()))));
        Cow::Owned(Pred::And(parts))
    }

    /// The source's name of a field that the rule calls `name` after the condition.
    #[must_use]
    pub fn field<'a>(&'a self, name: &'a str) -> &'a str {
        self.renames.iter().find(|rename| rename.name == name).map_or(name, |rename| &rename.of)
    }
}

/// A record that must not be there.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Absence {
    /// Its name; none for `first`, which asks for the step's own records.
    pub name: Option<Spanned<String>>,
    /// What must not be there: one of these; at least one.
    pub selections: Vec<Selection>,
    /// Where it must not be.
    pub when: When,
    /// What it shares with the step; all present and equal. A record that lacks one is exempted by nothing.
    pub keys: Vec<AbsenceKey>,
    /// The whole clause.
    pub span: Span,
}

/// Where a record must not be, in time. Its own instant never counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum When {
    /// So long before the record of the step.
    Before(Window),
    /// So long after it.
    After(Window),
    /// Between the records that a link joins.
    Between,
}

/// A field that a record and one that must not be there share.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct AbsenceKey {
    /// Whose field the left one is: in a step always `Later`, the step itself.
    pub of: Neighbour,
    /// Field of the step.
    pub left: Field,
    /// Field of what must not be there.
    pub right: Field,
    /// For text.
    pub case: Case,
}

/// One of the two steps that a link joins.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Neighbour {
    /// The step before the link.
    Earlier,
    /// The step after it.
    Later,
}

/// `at least N … within D by …`.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Repetition {
    /// How many events or values; at least 2.
    pub least: u32,
    /// The field whose values are counted, in place of events.
    pub distinct: Option<GroupField>,
    /// Within which time.
    pub window: Window,
    /// What the counted records share, all present; at least one.
    pub by: Vec<GroupField>,
    /// Whether `by` was written; if not it is this step's side of its links.
    pub by_is_explicit: bool,
    /// The whole clause.
    pub span: Span,
}

impl Repetition {
    /// What the counted records share.
    pub fn by_fields(&self) -> impl Iterator<Item = &Field> {
        self.by.iter().map(|by| &by.field)
    }

    /// Whether the counted records share a field.
    #[must_use]
    pub fn is_by(&self, field: &str) -> bool {
        self.by_fields().any(|by| by.name == field)
    }

    /// All fields that it reads.
    pub fn fields(&self) -> impl Iterator<Item = &Field> {
        self.by.iter().chain(&self.distinct).map(|read| &read.field)
    }
}
