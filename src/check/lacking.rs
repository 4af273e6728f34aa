//! Which fields the kinds of events that a condition leaves never have.
//!
//! In: conditions, what a source says with `absent_for`. Out: the actions with which a field never has a value; whether
//! records of a step may have one. Must not know: what is made of it.

use std::collections::BTreeSet;

use crate::catalog::Source;
use crate::ir::Pred;

use super::names::{Names, StepRef, Subject};
use super::predicates;
use super::sink::Sink;

/// The actions that an event can have; `None`: any.
pub(super) type Actions = Option<BTreeSet<String>>;

/// The actions that a condition leaves.
pub(super) fn actions_of(source: &Source, pred: &Pred) -> Actions {
    pred.required_texts(&source.discriminator).map(|texts| texts.strings())
}

/// The actions that a condition leaves, if a field never has a value with any of them.
pub(super) fn lacking_in(source: &Source, field: &str, filter: &Pred) -> Option<BTreeSet<String>> {
    source.field(field).filter(|def| !def.absent_for.is_empty())?;
    all_lacking(source, field, &actions_of(source, filter))
}

/// The actions, if a field never has a value with any of them.
pub(super) fn all_lacking(source: &Source, field: &str, actions: &Actions) -> Option<BTreeSet<String>> {
    let absent_for = &source.field(field)?.absent_for;
    // No action left is a contradiction, which `logic` reports; with an empty set every field would count as absent.
    let actions = actions.as_ref().filter(|actions| !actions.is_empty())?;
    actions.iter().all(|action| absent_for.contains(action)).then(|| actions.clone())
}

/// Whether records of a step may have one value for a field, in each alternative: what a suggestion must look at.
pub(super) fn may_have(names: &Names<'_>, step: StepRef<'_>, field: &str) -> bool {
    names.fields(step, field).into_iter().all(|(selection, found)| {
        let (Some(source), Some(def)) = (names.source_of(selection), found) else { return false };
        if def.many || def.absent_for.is_empty() {
            return !def.many;
        }
        // What is wrong with the condition is reported where the step is lowered.
        let mut unheard = Sink::default();
        let subject = Subject { name: step.name, source: Some(source) };
        let filter = predicates::lower(names, &mut unheard, subject, &selection.filter);
        filter.is_none_or(|filter| lacking_in(source, &def.name, &filter).is_none())
    })
}
