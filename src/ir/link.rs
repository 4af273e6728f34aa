//! Links: what joins the records of neighbours.
//!
//! In: built by `check`. Out: read by the engine and the targets.
//! Must not know: conditions.

use serde::Serialize;

use super::{Absence, Case, Field, Neighbour, OrderOp, Window};
use crate::source::Span;

/// A link between neighbours.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Link {
    /// Longest time from the earlier to the later record.
    pub gap: Window,
    /// All must be present and equal; those of the scope come last.
    pub keys: Vec<Key>,
    /// What else must hold between the two records.
    pub comparisons: Vec<Comparison>,
    /// What must not be between them.
    pub absences: Vec<Absence>,
    /// The whole clause.
    pub span: Span,
}

impl Link {
    /// The fields of the earlier step that it reads.
    pub fn left_fields(&self) -> impl Iterator<Item = &Field> {
        let compared = self.comparisons.iter().map(|comparison| &comparison.left);
        self.keys.iter().map(|key| &key.left).chain(compared).chain(self.absence_fields(Neighbour::Earlier))
    }

    /// The fields of the later step that it reads.
    pub fn right_fields(&self) -> impl Iterator<Item = &Field> {
        let compared = self.comparisons.iter().map(|comparison| &comparison.right);
        self.keys.iter().map(|key| &key.right).chain(compared).chain(self.absence_fields(Neighbour::Later))
    }

    fn absence_fields(&self, of: Neighbour) -> impl Iterator<Item = &Field> {
        let keys = self.absences.iter().flat_map(|absence| &absence.keys);
        keys.filter(move |key| key.of == of).map(|key| &key.left)
    }
}

/// One join key.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Key {
    /// Field of the earlier step.
    pub left: Field,
    /// Field of the later step.
    pub right: Field,
    /// For text: whether letter case counts.
    pub case: Case,
    /// Whether it does not because the source folds a field of it, and not because the rule says so (`=~`).
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub folds: bool,
    /// Of which side any value counts: `any(a.f) == b.g`. A field with several values has `any` here.
    #[serde(skip_serializing_if = "AnyOf::is_none")]
    pub any: AnyOf,
    /// Whether `scope` asks for it, no matter whether the link names it as well.
    pub from_scope: bool,
}

impl Key {
    /// A key of two fields that have one value each and are equal as logged.
    #[must_use]
    pub fn of(left: Field, right: Field) -> Self {
        Self { left, right, case: Case::Sensitive, folds: false, any: AnyOf::default(), from_scope: false }
    }
}

/// The sides of a key of which any value counts: both records share one.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct AnyOf {
    /// That of the earlier step.
    pub left: bool,
    /// That of the later step.
    pub right: bool,
}

impl AnyOf {
    /// Whether it is said of a side.
    #[must_use]
    pub fn of_one(self) -> bool {
        self.left || self.right
    }

    /// Whether it is said of no side.
    #[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands a reference over")]
    fn is_none(&self) -> bool {
        !self.of_one()
    }
}

/// A comparison of the two records that a link joins; false if a side is missing.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Comparison {
    /// Field of the earlier step.
    pub left: Field,
    /// How they compare.
    pub op: CompareOp,
    /// Field of the later step.
    pub right: Field,
    /// The whole comparison.
    pub span: Span,
}

/// Comparisons of two records.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum CompareOp {
    /// Different: texts and addresses as logged, numbers by value.
    NotEqual,
    /// By size; numbers only.
    Order(OrderOp),
}
