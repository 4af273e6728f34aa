//! What the branches of a search hold: the records of each alternative of a step, and those that must not be there.
//!
//! In: a bound rule. Out: [`Records`] for each branch, and the columns by which what follows tells them apart and joins
//! them. Must not know: where columns come from, how records are joined.

use super::absences::{self, Absent};
use super::literal::{self, Frag, spl};
use super::{Spl, links};
use crate::backend::bind::{Bound, BoundSelection, BoundStep, BoundTest};
use crate::backend::truth::Truth;
use crate::ir::Type;

/// The records of one branch.
#[derive(Debug)]
pub(super) struct Records<'b, 'a> {
    /// Which they are.
    pub(super) selection: &'b BoundSelection<'a, Spl>,
    /// The step that they are records of; none if they must not be there.
    pub(super) step: Option<&'b BoundStep<'a, Spl>>,
    /// What stands in `chain_step`: those that must not be there come after all steps.
    pub(super) number: u64,
    /// What they are called in a comment.
    pub(super) title: String,
}

/// All branches, in the order of the search.
pub(super) fn all<'b, 'a>(bound: &'b Bound<'a, Spl>) -> Vec<Records<'b, 'a>> {
    let mut all = Vec::new();
    for (number, step) in (1..).zip(&bound.steps) {
        all.extend(step.selections().map(|selection| Records {
            selection,
            step: Some(step),
            number,
            title: format!("step {number}, {}: {}", step.name.node, selection.source.name),
        }));
    }
    for Absent { number, absence, .. } in absences::all(bound) {
        all.extend(absence.selections.iter().map(|selection| Records {
            selection,
            step: None,
            number: absences::row(bound, number),
            title: format!("unless {}: {}", absence.name, selection.source.name),
        }));
    }
    all
}

impl Records<'_, '_> {
    /// Whether it matters which event a record is of.
    pub(super) fn told_apart(&self) -> bool {
        self.step.is_some_and(|step| step.shared || step.repetition.is_some())
    }
}

/// The parts of a condition that must hold, or must not: its own, and the conditions of the alternatives before it.
pub(super) fn parts<'b, 'a>(
    selection: &'b BoundSelection<'a, Spl>,
) -> Vec<(&'b Truth<BoundTest<'a, Spl>>, bool)> {
    let earlier = selection.earlier.iter().flat_map(|earlier| earlier.conjuncts(true));
    selection.condition.conjuncts(false).into_iter().chain(earlier).collect()
}

/// The column of a field in the clauses after the condition, while the condition still reads the field that has the
/// name in the source.
pub(super) fn column(selection: &BoundSelection<'_, Spl>, field: &str) -> Frag {
    if selection.renames.iter().any(|rename| rename.name == field) {
        literal::renamed(field)
    } else {
        literal::field(field)
    }
}

/// Gives renamed fields their names in the rule: names and values.
pub(super) fn renamed(selection: &BoundSelection<'_, Spl>) -> Vec<Frag> {
    let outputs = selection.outputs.iter().map(|output| &output.field);
    let mut names: Vec<_> =
        selection.keys.iter().chain(&selection.reads).chain(outputs).map(|field| field.name).collect();
    names.sort_unstable();
    names.dedup();
    let is_renamed = |name: &&str| selection.renames.iter().any(|rename| rename.name == *name);
    let assign = |name| literal::assign(&literal::field(name), &literal::renamed(name));
    names.into_iter().filter(is_renamed).map(assign).collect()
}

/// By what the records are told apart and joined: names and values.
pub(super) fn marks(bound: &Bound<'_, Spl>, records: &Records<'_, '_>) -> Vec<(Frag, Frag)> {
    let Records { selection: _, step, number, title: _ } = records;
    let mut made = Vec::new();
    if is_numbered(bound) {
        made.push((spl!("chain_step"), literal::number(*number)));
    }
    let Some(step) = step else {
        made.extend(absences::of_absent(bound, *number));
        return made;
    };
    if !bound.links.is_empty() {
        made.extend(links::group(bound, *number).map(|group| (spl!("chain_group"), literal::number(group))));
        made.extend(links::sides(bound, *number));
    }
    made.extend(absences::of_step(bound, *number));
    if let Some(repetition) = step.repetition {
        let by = (1..).zip(&repetition.by);
        made.extend(by.map(|(key, field)| (literal::burst_key(*number, key), literal::field(&field.name))));
    }
    made
}

/// Whether `chain_step` matters: there are several branches, or a step that repeats.
pub(super) fn is_numbered(bound: &Bound<'_, Spl>) -> bool {
    !bound.links.is_empty()
        || bound.steps.iter().any(|step| step.repetition.is_some())
        || !absences::all(bound).is_empty()
}

/// A field's column as records are joined by it.
pub(super) fn joined(field: &str, ty: Type, folded: bool) -> Frag {
    let column = literal::field(field);
    if folded && ty == Type::String { literal::call("lower", [&column]) } else { column }
}
