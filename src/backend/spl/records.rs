//! What the branches of a search hold: the records of each alternative of a step, and those that must not be there.
//!
//! In: a bound rule. Out: [`Records`] for each branch, and the columns by which what follows tells them apart and joins
//! them. Must not know: where columns come from, how records are joined.

use super::absences::{self, Absent};
use super::column::Column;
use super::literal::{self, Frag, spl};
use super::{Spl, bursts, links};
use crate::backend::bind::{Bound, BoundField, BoundSelection, BoundStep, BoundTest};
use crate::backend::truth::{Truth, unique};

/// The records of one branch.
#[derive(Debug)]
pub(super) struct Records<'b, 'a> {
    /// Which they are.
    pub(super) selection: &'b BoundSelection<'a, Spl>,
    /// The alternatives of the same source before it: what satisfies one of them is theirs.
    earlier: Vec<&'b BoundSelection<'a, Spl>>,
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
        for (at, selection) in step.selections().enumerate() {
            let same = |one: &&BoundSelection<'_, Spl>| std::ptr::eq(one.source, selection.source);
            all.push(Records {
                selection,
                earlier: step.selections().take(at).filter(same).collect(),
                step: Some(step),
                number,
                title: format!("step {number}, {}: {}", step.name.node, selection.source.name),
            });
        }
    }
    for Absent { number, absence, .. } in absences::all(bound) {
        all.extend(absence.selections.iter().map(|selection| Records {
            selection,
            earlier: Vec::new(),
            step: None,
            number: absences::row(bound, number),
            title: format!("unless {}: {}", absence.name, selection.source.name),
        }));
    }
    all
}

impl<'b, 'a> Records<'b, 'a> {
    /// Whether it matters which event a record is of.
    pub(super) fn told_apart(&self) -> bool {
        // A record of the last step has a row for each value by any of which the link joins.
        let repeats = !self.selection.any.is_empty();
        self.step.is_some_and(|step| step.shared || step.repetition.is_some() || step.last && repeats)
    }

    /// The parts of a condition that must hold, or must not: its own, and the conditions of the alternatives before it.
    pub(super) fn parts(&self) -> Vec<(&'b Truth<BoundTest<'a, Spl>>, bool)> {
        let earlier = self.earlier.iter().flat_map(|earlier| earlier.condition.conjuncts(true));
        self.selection.condition.conjuncts(false).into_iter().chain(earlier).collect()
    }

    /// The fields that must be present before anything is counted. What is counted need not have the keys of links.
    pub(super) fn keys(&self) -> impl Iterator<Item = &'b BoundField<'a, Column>> {
        let counts = self.step.and_then(|step| step.repetition);
        let by = move |key: &&BoundField<'_, Column>| counts.is_none_or(|counts| counts.is_by(key.name));
        self.selection.keys.iter().filter(by)
    }

    /// The fields by which the ways to read others are chosen.
    pub(super) fn actions(&self) -> impl Iterator<Item = &'b BoundField<'a, Column>> {
        let earlier: Vec<_> = self.earlier.iter().filter_map(|one| one.action.as_ref()).collect();
        self.selection.action.iter().chain(earlier)
    }

    /// The column of a field in the clauses after the condition: one of its own where the condition reads another field
    /// that has the name in the source.
    pub(super) fn column(&self, field: &BoundField<'a, Column>) -> Frag {
        let tests = self.parts().into_iter().flat_map(|(part, _)| part.tests());
        let tested = tests.flat_map(|(test, _)| std::iter::once(&test.field).chain(&test.other));
        let other = |own: &BoundField<'_, Column>| own.name == field.name && !same(own, field);
        if tested.chain(self.actions()).any(other) {
            literal::renamed(field.name)
        } else {
            literal::field(field.name)
        }
    }

    /// Gives such fields their names in the rule: names and values.
    pub(super) fn renamed(&self) -> Vec<Frag> {
        let outputs = self.selection.outputs.iter().map(|output| &output.field);
        let own = self.selection.keys.iter().chain(&self.selection.reads).chain(&self.selection.any);
        let fields = own.chain(outputs);
        let named = |field: &BoundField<'a, Column>| {
            let (name, column) = (literal::field(field.name), self.column(field));
            (name != column).then(|| literal::assign(&name, &column))
        };
        unique(fields.filter_map(named).collect())
    }
}

/// Whether two fields are read in the same ways, for the same actions.
pub(super) fn same(one: &BoundField<'_, Column>, other: &BoundField<'_, Column>) -> bool {
    let mut pairs = one.ways.iter().zip(&other.ways);
    one.ways.len() == other.ways.len()
        && pairs.all(|(one, other)| std::ptr::eq(one.column, other.column) && one.actions == other.actions)
}

/// By what the records are told apart and joined: names and values.
pub(super) fn marks(bound: &Bound<'_, Spl>, records: &Records<'_, '_>) -> Vec<(Frag, Frag)> {
    let Records { selection: _, earlier: _, step, number, title: _ } = records;
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
    if let Some(shared) = bound.together {
        let keys = links::in_any_order(shared).into_iter().zip(&shared.keys);
        made.extend(keys.map(|(name, key)| (name, literal::grouped(key))));
        made.extend(super::event_id(step).map(|id| (event(), literal::field(id.field.name))));
    }
    made.extend(absences::of_step(bound, *number));
    made.extend(bursts::marks(step, *number));
    made
}

/// The column of the event of a row, where every step can be the last one.
pub(super) fn event() -> Frag {
    spl!("chain_event")
}

/// Whether `chain_step` matters: there are several branches, or a step that repeats.
pub(super) fn is_numbered(bound: &Bound<'_, Spl>) -> bool {
    bound.steps.len() > 1
        || bound.steps.iter().any(|step| step.repetition.is_some())
        || !absences::all(bound).is_empty()
}
