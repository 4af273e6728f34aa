//! Clauses of the second stage in a sequence: how often a step must come, and what must not come between two steps.
//!
//! In: a bound rule, the keys of its parts. Out: a number of runs, a missing event; whatever is left out, or counted
//! wider than the rule says, is a note. Leaving out an exemption adds alerts, and so does counting fewer; an exemption
//! that is wider than the rule's would lose some, so that one in doubt is left out. Must not know: query text.

use std::ops::RangeInclusive;

use super::keys::{self, Cell, Keys};
use super::literal::Frag;
use super::{Eql, FIELD_COUNTS};
use crate::backend::bind::{Bound, BoundAbsence, BoundLink, BoundSelection, BoundStep};
use crate::backend::print::phrase;
use crate::backend::{Effect, Job, Report};
use crate::ir::{AbsenceKey, Case, Neighbour, Pred, Repetition, Selection, When};

/// How often an item may be asked to come: `SequenceBuilder` of Elasticsearch refuses more.
const MOST_RUNS: u32 = 100;

/// What must not come between the two steps of a sequence.
#[derive(Debug)]
pub(super) struct Missing<'a> {
    /// What the rule calls it.
    pub(super) name: String,
    /// What must not come: one of these, by clause and alternative.
    pub(super) places: Vec<(usize, usize)>,
    /// The category of all of them.
    category: Option<Frag>,
    /// The keys that it shares with the sequence.
    pub(super) keys: Vec<Cell<'a>>,
}

/// How far Elastic's clock may be behind for a step.
pub(super) fn lag(step: &BoundStep<'_, Eql>) -> u64 {
    step.selections().map(|one| one.schema.lag).max().unwrap_or(0)
}

/// How often each step of a part must come; nothing where it need not, or where the sequence cannot count it.
pub(super) fn runs(
    bound: &Bound<'_, Eql>,
    steps: &RangeInclusive<usize>,
    keys: &Keys<'_>,
    report: &mut Report,
) -> Vec<Option<u32>> {
    let of_step = |(at, step): (usize, &BoundStep<'_, Eql>)| {
        let repetition = step.repetition?;
        // Where the key changes a later part begins with the step, and the earlier one sees its alert on the first
        // event of the burst, whatever the last one is.
        let is_cut = |index: usize| index > 0 && index + 1 < bound.steps.len();
        if is_cut(steps.start() + at) && (at == 0 || steps.start() + at == *steps.end()) {
            let message =
                "the key changes at a step that repeats, and no part can count it: `at least` is left out";
            report.note(Effect::Superset, repetition.span, message);
            return None;
        }
        count(repetition, &keys.of_item(at), bound.links.is_empty(), report)
    };
    bound.steps.get(steps.clone()).unwrap_or_default().iter().enumerate().map(of_step).collect()
}

/// The runs of a step that is joined by these keys. Any events of one group must have one key, or the sequence would
/// need more of them than the rule.
fn count(repetition: &Repetition, keys: &[Cell<'_>], is_alone: bool, report: &mut Report) -> Option<u32> {
    let Repetition { least, distinct: _, window, by, by_is_explicit: _, span } = repetition;
    let is_counted_by = |key: &Cell<'_>| repetition.is_by(key.name);
    if let Some(other) = keys.iter().find(|key| !is_counted_by(key)) {
        let message = phrase!(
            "the sequence is joined by `{}`, by which `at least` does not count, so that it is left out",
            other.name
        );
        report.note(Effect::Superset, *span, message);
        return None;
    }
    if keys.len() < by.len() {
        let message =
            phrase!("events are counted by {} alone, by which the sequence is joined", keys::listed(keys));
        report.note(Effect::Superset, *span, message);
    }
    let folds = |key: &Cell<'_>| by.iter().any(|by| by.field.name == key.name && by.folds());
    if keys.iter().any(folds) {
        report.note(Effect::Conditional, *span, FIELD_COUNTS);
    }
    if !is_alone {
        let message =
            "a sequence has one maxspan, so the events counted may lie further apart than `at least` says";
        report.note(Effect::Superset, window.span, message);
    }
    if *least > MOST_RUNS {
        let message = phrase!("Elastic counts to {MOST_RUNS} at most");
        report.note(Effect::Superset, *span, message);
    }
    Some((*least).min(MOST_RUNS))
}

/// What must not come between the steps of a chain of two, if the sequence can say it. `only` are the keys of the part,
/// if there is but one. Every clause that cannot be said is noted.
pub(super) fn missing<'a>(
    bound: &Bound<'a, Eql>,
    job: &Job<'_>,
    only: Option<&Keys<'a>>,
    report: &mut Report,
) -> Option<Missing<'a>> {
    let once = bound.steps.iter().all(|step| step.repetition.is_none() && lag(step) == 0);
    let pair = only.filter(|_| bound.steps.len() == 2 && once);
    let mut found: Option<Missing<'a>> = None;
    for (at, link) in bound.links.iter().enumerate() {
        for (clause, absence) in link.absences.iter().enumerate() {
            let way = pair.and_then(|shared| said(job, (at, link), absence, shared));
            match (way, &mut found) {
                (Some(keys), None) => found = Some(Missing::of(clause, absence, keys)),
                (Some(keys), Some(known)) if known.may_take(absence, &keys) => known.add(clause, absence),
                // Two missing events in a row are a known fault of Elasticsearch (issue 101025).
                (Some(_) | None, _) => note_left_out(absence, report),
            }
        }
    }
    for absence in bound.steps.iter().flat_map(|step| &step.absences) {
        // Of the first of its kind the gate has said so.
        if report.notes.iter().all(|note| note.span != absence.span) {
            let message = phrase!("{} is left out as well", absence.clause());
            report.note(Effect::Superset, absence.span, message);
        }
    }
    found
}

impl<'a> Missing<'a> {
    fn of(clause: usize, absence: &BoundAbsence<'a, Eql>, keys: Vec<Cell<'a>>) -> Self {
        let category = category(absence);
        let mut missing = Self { name: String::new(), places: Vec::new(), category, keys };
        missing.add(clause, absence);
        missing
    }

    fn add(&mut self, clause: usize, absence: &BoundAbsence<'a, Eql>) {
        if !self.name.is_empty() {
            self.name.push_str(" or ");
        }
        self.name.push_str(&absence.name);
        self.places.extend((0..absence.selections.len()).map(|alternative| (clause, alternative)));
    }

    fn may_take(&self, absence: &BoundAbsence<'a, Eql>, keys: &[Cell<'a>]) -> bool {
        self.category == category(absence)
            && self.keys.iter().map(|key| &key.field).eq(keys.iter().map(|key| &key.field))
    }

    /// What must not come, each with its filter, out of the link that says it.
    pub(super) fn selections<'b>(
        &self,
        link: Option<&'b BoundLink<'a, Eql>>,
        stated: Option<&'b crate::ir::Link>,
    ) -> Vec<(&'b BoundSelection<'a, Eql>, &'b Pred)> {
        let one = |(clause, alternative): &(usize, usize)| {
            let bound = link?.absences.get(*clause)?.selections.get(*alternative)?;
            let Selection { filter, .. } = stated?.absences.get(*clause)?.selections.get(*alternative)?;
            Some((bound, filter))
        };
        self.places.iter().filter_map(one).collect()
    }
}

fn category(absence: &BoundAbsence<'_, Eql>) -> Option<Frag> {
    absence.selections.first().map(|one| one.schema.mapping.category.clone())
}

/// The keys by which the sequence joins what must not come; nothing if it would exempt more than the rule does.
/// Elasticsearch looks for it strictly between the times of its neighbours, as the rule does
/// (`TumblingWindow.prepareQueryForMissingEvents`).
fn said<'a>(
    job: &Job<'_>,
    (at, link): (usize, &BoundLink<'a, Eql>),
    absence: &BoundAbsence<'a, Eql>,
    shared: &Keys<'a>,
) -> Option<Vec<Cell<'a>>> {
    let BoundAbsence { name: _, selections, when, keys, is_first: _, span } = absence;
    let stated = job.rule.chain.links.get(at)?.absences.iter().find(|stated| stated.span == *span)?;
    let category = category(absence);
    let is_whole = |one: &BoundSelection<'_, Eql>| {
        let is_of_one = Some(&one.schema.mapping.category) == category.as_ref();
        is_of_one && one.schema.lag == 0 && !one.has_items.contains(&true)
    };
    let is_between = *when == When::Between && keys.len() == link.keys.len();
    // Elasticsearch copies a condition on a key to all items of the sequence.
    let is_apart = stated.selections.iter().all(|one| {
        let tested = one.conditions().flat_map(Pred::fields);
        tested.into_iter().all(|field| keys.iter().all(|key| one.field(&key.right.name) != field.name))
    });
    if !is_between || !is_apart || !selections.iter().all(is_whole) {
        return None;
    }
    // What can only be said wider is no exemption: it is printed to find out.
    let mut own = Report::default();
    let mut cells = Vec::new();
    for key in shared.of_item(1) {
        let AbsenceKey { of: _, left: _, right, case: _ } =
            keys.iter().find(|own| is_key(own, link, key.name))?;
        let each: Vec<_> = selections.iter().map(|one| keys::cell_of(one, right, &mut own)).collect();
        let cell = keys::merged(each.into_iter().collect::<Option<_>>()?, &mut own)?;
        cells.push(cell.is_like(&key).then_some(cell)?);
    }
    for (bound, stated) in selections.iter().zip(&stated.selections) {
        let item = super::multi::Item { selection: bound, filter: &stated.filter, keys: &cells };
        super::predicate::condition(&item, &mut own);
    }
    let is_exact = own.errors.is_empty() && own.notes.iter().all(|note| is_harmless(note.effect));
    (is_exact && cells.len() == keys.len()).then_some(cells)
}

/// Whether a key of an absence is the key of the link whose later side has this name.
fn is_key(key: &AbsenceKey, link: &BoundLink<'_, Eql>, later: &str) -> bool {
    let AbsenceKey { of, left, right: _, case } = key;
    let side = link.keys.iter().find(|(_, right)| right.name == later).map(|(earlier, right)| match of {
        Neighbour::Earlier => earlier,
        Neighbour::Later => right,
    });
    *case == Case::Sensitive && side.is_some_and(|side| side.name == left.name)
}

fn is_harmless(effect: Effect) -> bool {
    match effect {
        Effect::Engine | Effect::Shown => true,
        Effect::Superset | Effect::Conditional | Effect::Subset => false,
    }
}

fn note_left_out(absence: &BoundAbsence<'_, Eql>, report: &mut Report) {
    let message = phrase!(
        "{} is left out: a sequence can say it only between the two steps of a chain, by its own keys",
        absence.clause()
    );
    report.note(Effect::Superset, absence.span, message);
}
