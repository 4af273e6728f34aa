//! What a rule is once it is resolved for a target.
//!
//! In: built by `bind`. Out: read by the plans of the targets. Must not know: how it was resolved.

use super::absent;
use super::{BoundField, OneRow};
use crate::backend::schema::SourceSchema;
use crate::backend::target::Backend;
use crate::backend::truth::Truth;
use crate::catalog::Source;
use crate::ir::{
    self, AbsenceKey, AnyOf, Comparison, Field, FieldTest, List, Param, Repetition, TestKind, Together, When,
    Window,
};
use crate::source::{Span, Spanned};

/// A rule, resolved for a target.
#[derive(Debug)]
pub(in crate::backend) struct Bound<'a, B: Backend> {
    /// Its steps, in order; at least one.
    pub(in crate::backend) steps: Vec<BoundStep<'a, B>>,
    /// Link `i` joins step `i` to step `i + 1`.
    pub(in crate::backend) links: Vec<BoundLink<'a, B>>,
    /// What steps in any order share.
    pub(in crate::backend) together: Option<&'a Together>,
    /// From first to last step.
    pub(in crate::backend) total: Window,
    /// Whether that is shorter than the sum of the gaps.
    pub(in crate::backend) total_binds: bool,
    /// What the answer keeps one row of, if the query is to do that.
    pub(in crate::backend) one_row: Option<OneRow<'a>>,
}

impl<'a, B: Backend> Bound<'a, B> {
    /// All that it reads: alternatives of its steps and what must not be there.
    pub(in crate::backend) fn selections(&self) -> impl Iterator<Item = &BoundSelection<'a, B>> {
        let steps = self.steps.iter().flat_map(|step| {
            let absences = step.absences.iter().flat_map(|absence| &absence.selections);
            step.selections().chain(absences)
        });
        let of_links = self.links.iter().flat_map(|link| &link.absences);
        steps.chain(of_links.flat_map(|absence| &absence.selections))
    }
}

/// A step, resolved.
#[derive(Debug)]
pub(in crate::backend) struct BoundStep<'a, B: Backend> {
    /// Its name.
    pub(in crate::backend) name: &'a Spanned<String>,
    /// What it matches: its first alternative.
    pub(in crate::backend) main: BoundSelection<'a, B>,
    /// The other alternatives: of those that a record satisfies the first counts.
    pub(in crate::backend) others: Vec<BoundSelection<'a, B>>,
    /// What must not be there for a record to count.
    pub(in crate::backend) absences: Vec<BoundAbsence<'a, B>>,
    /// How often records must come for one of them to count.
    pub(in crate::backend) repetition: Option<&'a Repetition>,
    /// Whether its records are the alerts.
    pub(in crate::backend) last: bool,
    /// Whether its event could be that of a neighbour.
    pub(in crate::backend) shared: bool,
}

/// Records of one source that satisfy a condition, resolved. Its fields have the names of the rule.
#[derive(Debug)]
pub(in crate::backend) struct BoundSelection<'a, B: Backend> {
    /// Where the rule names its source.
    pub(in crate::backend) span: Span,
    /// What it was in the rule.
    pub(in crate::backend) of: &'a ir::Selection,
    /// Its source.
    pub(in crate::backend) source: &'a Source,
    /// What the target makes of the source.
    pub(in crate::backend) schema: &'a SourceSchema<B>,
    /// When a record satisfies it.
    pub(in crate::backend) condition: Truth<BoundTest<'a, B>>,
    /// The fields that must be present, each once: those by which links join it, that comparisons of neighbours read,
    /// and by which it counts. Of an absence those that it shares with the step.
    pub(in crate::backend) keys: Vec<BoundField<'a, B::Column>>,
    /// Further fields that clauses of the step read, present or not, each once: those that absences share, and those
    /// whose values are counted.
    pub(in crate::backend) reads: Vec<BoundField<'a, B::Column>>,
    /// The fields by any value of which links join it, each once. One of them must be a value.
    pub(in crate::backend) any: Vec<BoundField<'a, B::Column>>,
    /// What answers show of it: its keys and what the alert names, each once. Empty if the target shows no fields.
    pub(in crate::backend) outputs: Vec<Output<'a, B>>,
    /// The field that identifies its event, if the source has one that the target sees and shows.
    pub(in crate::backend) event_id: Option<Output<'a, B>>,
    /// The discriminator of its source, if a field of the step has several ways.
    pub(in crate::backend) action: Option<BoundField<'a, B::Column>>,
    /// For each repeated group of the source whether its events can have items of it.
    pub(in crate::backend) has_items: Vec<bool>,
    /// What its fields require.
    pub(in crate::backend) requires: Vec<String>,
}

/// A record that must not be there, resolved.
#[derive(Debug)]
pub(in crate::backend) struct BoundAbsence<'a, B: Backend> {
    /// What it is called in comments and columns.
    pub(in crate::backend) name: String,
    /// What must not be there: one of these; at least one.
    pub(in crate::backend) selections: Vec<BoundSelection<'a, B>>,
    /// Where it must not be.
    pub(in crate::backend) when: When,
    /// What it shares with the step.
    pub(in crate::backend) keys: &'a [AbsenceKey],
    /// Whether it asks for the step's own records (`first`).
    pub(in crate::backend) is_first: bool,
    /// The whole clause.
    pub(in crate::backend) span: Span,
}

impl<B: Backend> BoundAbsence<'_, B> {
    /// The clause in a message.
    pub(in crate::backend) fn clause(&self) -> String {
        if self.is_first { "`first`".to_owned() } else { format!("`unless {}`", self.name) }
    }
}

/// A test of a step, resolved.
#[derive(Debug)]
pub(in crate::backend) struct BoundTest<'a, B: Backend> {
    /// The test.
    pub(in crate::backend) test: &'a FieldTest,
    /// Its field.
    pub(in crate::backend) field: BoundField<'a, B::Column>,
    /// The field with which it compares, if it compares two.
    pub(in crate::backend) other: Option<BoundField<'a, B::Column>>,
    /// The allowlists of the rule.
    pub(super) lists: &'a [List],
    /// The parameters of the rule.
    pub(super) params: &'a [Param],
}

impl<'a, B: Backend> BoundTest<'a, B> {
    /// Whether a column that holds a text for "no value" could pass the test.
    pub(in crate::backend) fn could_pass(&self, text: &str) -> bool {
        absent::could_pass(&self.test.kind, self.lists, text)
    }

    /// The same of one of the tests of which this one consists.
    pub(in crate::backend) fn kind_could_pass(&self, kind: &TestKind, text: &str) -> bool {
        absent::could_pass(kind, self.lists, text)
    }

    /// The parameter that gives the value of the test, if it has one value.
    pub(in crate::backend) fn param(&self) -> Option<&'a Param> {
        let within = |place: &Span| self.test.span.contains(*place);
        self.params.iter().find(|param| param.uses.iter().any(within))
    }

    /// The allowlist of an index.
    pub(in crate::backend) fn list(&self, index: usize) -> Option<&'a List> {
        self.lists.get(index)
    }
}

/// A field that an answer shows.
#[derive(Debug)]
pub(in crate::backend) struct Output<'a, B: Backend> {
    /// Its name in an answer.
    pub(in crate::backend) column: String,
    /// The field.
    pub(in crate::backend) field: BoundField<'a, B::Column>,
}

impl<'a, B: Backend> BoundStep<'a, B> {
    /// The name of a field of the step in an answer.
    pub(in crate::backend) fn column_name(&self, field: &str) -> String {
        ir::column_name(&self.name.node, field)
    }

    /// Its alternatives, in order.
    pub(in crate::backend) fn selections(&self) -> impl Iterator<Item = &BoundSelection<'a, B>> + Clone {
        std::iter::once(&self.main).chain(&self.others)
    }
}

impl<B: Backend> BoundSelection<'_, B> {
    /// Whether the field must be present.
    pub(in crate::backend) fn is_key(&self, field: &str) -> bool {
        self.keys.iter().any(|key| key.name == field)
    }
}

/// A link, resolved.
#[derive(Debug)]
pub(in crate::backend) struct BoundLink<'a, B: Backend> {
    /// Longest time from the earlier to the later record.
    pub(in crate::backend) gap: Window,
    /// The whole clause.
    pub(in crate::backend) span: Span,
    /// Fields of the earlier and of the later step that must be equal.
    pub(in crate::backend) keys: Vec<(&'a Field, &'a Field)>,
    /// The keys that are equal ignoring letter case: by their place in `keys`.
    pub(in crate::backend) folded: Vec<bool>,
    /// Further keys, of which any value of a side counts.
    pub(in crate::backend) any: Vec<AnyKey<'a>>,
    /// What else must hold between the two records.
    pub(in crate::backend) comparisons: &'a [Comparison],
    /// What must not be between them.
    pub(in crate::backend) absences: Vec<BoundAbsence<'a, B>>,
    /// Whether one event could match both steps.
    pub(in crate::backend) shared: bool,
}

/// A key of which any value of a side counts.
#[derive(Debug, Clone, Copy)]
pub(in crate::backend) struct AnyKey<'a> {
    /// Field of the earlier step.
    pub(in crate::backend) left: &'a Field,
    /// Field of the later step.
    pub(in crate::backend) right: &'a Field,
    /// Of which sides any value counts; the others have one.
    pub(in crate::backend) of: AnyOf,
    /// Whether letter case does not count.
    pub(in crate::backend) folded: bool,
}

impl<B: Backend> BoundLink<'_, B> {
    /// Its keys for a reader: `actor.id, instance.eni = interface.id`.
    pub(in crate::backend) fn keys_in_words(&self) -> String {
        let key = |(left, right): &(&Field, &Field)| {
            if left.name == right.name {
                left.name.clone()
            } else {
                format!("{} = {}", left.name, right.name)
            }
        };
        let any = self.any.iter().map(|AnyKey { left, right, of, folded: _ }| {
            let side = |field: &Field, any| {
                if any { format!("any {}", field.name) } else { field.name.clone() }
            };
            format!("{} = {}", side(left, of.left), side(right, of.right))
        });
        self.keys.iter().map(key).chain(any).collect::<Vec<_>>().join(", ")
    }
}
