//! The chain: what a rule detects.
//!
//! In: built by `check`. Out: its steps and links, and what of a record they read.
//! Must not know: what an alert shows.

use std::collections::BTreeSet;

use serde::Serialize;

use super::{Absence, Case, Field, GroupField, Link, Pred, Repetition, Selection, Step, When, Window};
use crate::source::{Span, Spanned};

/// A chain of `n` steps and `n - 1` links.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Chain {
    /// From first to last step.
    pub total: Window,
    /// Whether `total` was written; if not it is the sum of the gaps.
    pub total_is_explicit: bool,
    /// Fields that every step shares; each link has them among its keys too.
    pub scope: Vec<Spanned<String>>,
    /// The steps, in order.
    pub steps: Vec<Step>,
    /// Link `i` joins step `i` to step `i + 1`; none if the steps come together in any order.
    pub links: Vec<Link>,
    /// What the steps share if they come in any order within `total`; `None` if they come one after the other.
    pub together: Option<Together>,
}

impl Chain {
    /// What must not be there: of each step, then of each link.
    pub fn absences(&self) -> impl Iterator<Item = &Absence> {
        let of_steps = self.steps.iter().flat_map(|step| &step.absences);
        of_steps.chain(self.links.iter().flat_map(|link| &link.absences))
    }

    /// The longest window in which a clause looks at more than the chain itself, with what the rule calls the clause:
    /// of an absence before or after a step, or of a count.
    #[must_use]
    pub fn looks_beyond(&self) -> Option<(Window, String)> {
        let absences = self.absences().filter_map(|absence| match absence.when {
            When::Before(window) | When::After(window) => {
                let name = absence.name.as_ref();
                Some((window, name.map_or("first".to_owned(), |name| format!("unless {}", name.node))))
            }
            When::Between => None,
        });
        let counts = self.steps.iter().filter_map(|step| step.repetition.as_ref());
        let counts = counts.map(|count| (count.window, "at least".to_owned()));
        // Of equal ones the last, which is that of an absence.
        counts.chain(absences).max_by_key(|(window, _)| window.seconds)
    }

    /// Everything that is read from a log: the alternatives of its steps, and what must not be there.
    pub fn selections(&self) -> impl Iterator<Item = &Selection> {
        let absent = self.absences().flat_map(|absence| &absence.selections);
        self.steps.iter().flat_map(Step::selections).chain(absent)
    }

    /// The fields of step `index`, by the names of the rule, that the clauses around its conditions read: links with
    /// their comparisons and absences, what it counts, and what it shares in any order. Sorted, each once.
    #[must_use]
    pub fn step_fields(&self, index: usize) -> BTreeSet<&str> {
        let mut fields = BTreeSet::new();
        if let Some(Step { name: _, main: _, others: _, absences, repetition, span: _ }) =
            self.steps.get(index)
        {
            fields
                .extend(absences.iter().flat_map(|absence| &absence.keys).map(|key| key.left.name.as_str()));
            let counted = repetition.iter().flat_map(Repetition::fields);
            fields.extend(counted.map(|field| field.name.as_str()));
        }
        if let Some(link) = self.links.get(index) {
            fields.extend(link.left_fields().map(|field| field.name.as_str()));
        }
        if let Some(link) = index.checked_sub(1).and_then(|before| self.links.get(before)) {
            fields.extend(link.right_fields().map(|field| field.name.as_str()));
        }
        fields.extend(self.together.iter().flat_map(Together::fields).map(|key| key.name.as_str()));
        fields
    }

    /// Where what records share, or whose values are counted, is compared in whatever letter case.
    pub fn folded(&self) -> impl Iterator<Item = Span> {
        let ignores = |case: Case| case == Case::Ignore;
        let keys = self.links.iter().filter(move |link| link.keys.iter().any(|key| ignores(key.case)));
        let absences = self.absences().filter(move |one| one.keys.iter().any(|key| ignores(key.case)));
        let counts = self.steps.iter().filter_map(|step| step.repetition.as_ref());
        let counts = counts.filter(|count| count.by.iter().chain(&count.distinct).any(GroupField::folds));
        let shared = self.together.iter().filter(|shared| shared.keys.iter().any(GroupField::folds));
        let joined = keys.map(|link| link.span).chain(absences.map(|absence| absence.span));
        joined.chain(counts.map(|count| count.span)).chain(shared.map(|shared| shared.span))
    }

    /// The fields of the source of a selection of step `index` that its condition and the clauses around it read.
    #[must_use]
    pub fn fields_read<'a>(&'a self, index: usize, selection: &'a Selection) -> BTreeSet<&'a str> {
        let mut fields: BTreeSet<&str> =
            self.step_fields(index).into_iter().map(|name| selection.field(name)).collect();
        fields.extend(selection.conditions().flat_map(Pred::fields).map(|field| field.name.as_str()));
        fields
    }
}

/// What steps that come in any order share.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Together {
    /// Fields that every step has; all must be present and equal.
    pub keys: Vec<GroupField>,
    /// The whole clause.
    pub span: Span,
}

impl Together {
    /// The keys without how their text compares.
    pub fn fields(&self) -> impl Iterator<Item = &Field> {
        self.keys.iter().map(|key| &key.field)
    }
}
