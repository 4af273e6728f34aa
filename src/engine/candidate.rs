//! What a rule asks of a record: as a record of a step, or as one that must not be there.
//!
//! In: a record and its role. Out: a [`Candidate`] with the keys and values that clauses read, or what it exempts.
//! Must not know: how chains are found.

use super::compare::Side;
use super::keys::{Keys, atom};
use super::program::{Fields, Key, Part, Program, Reads, folded_key, side};
use super::record::{Identity, Record};
use super::repetition::Burst;

/// A record that satisfies a step.
#[derive(Debug, Clone)]
pub struct Candidate<T> {
    /// The step.
    pub step: usize,
    /// Its event.
    pub event: Identity,
    /// The keys towards the step before.
    pub key_in: Keys,
    /// The keys towards the step after, or what steps in any order share.
    pub key_out: Keys,
    /// What stands for the record.
    pub payload: T,
    /// What clauses beyond links read of it.
    pub more: More,
}

/// What clauses beyond links read of a record of a step.
#[derive(Debug, Clone, Default)]
pub struct More {
    /// Its number among the records of its instant.
    pub(super) record: usize,
    /// For each absence of the step its number, and the key if all of it is there.
    pub(super) absences: Vec<(usize, Option<Key>)>,
    pub(super) group: Option<Key>,
    pub(super) counted: Option<super::value::Atom>,
    pub(super) side_in: Side,
    pub(super) side_out: Side,
    /// What it completes, once that is known.
    pub(super) burst: Option<Burst>,
}

/// A record that must not be there.
#[derive(Debug, Clone)]
pub struct Exempting {
    /// The number of the absence.
    pub(super) absence: usize,
    pub(super) key: Key,
}

/// What a record is in one of its roles.
#[derive(Debug, Clone)]
pub(super) enum Asked<T> {
    /// One of a step.
    Step(Candidate<T>),
    /// One that must not be there.
    Absence(Exempting),
}

impl<T> Asked<T> {
    /// A record, the number `number` of its instant, in a role; `None` if it is nothing to the rule.
    pub(super) fn new(
        program: &Program,
        (record, number): (&Record, usize),
        role: usize,
        payload: T,
    ) -> Option<Self> {
        let values = &record.values;
        match &program.roles.get(role)?.part {
            Part::Absence { absence, key } => {
                // What lacks a part of the key is shared with no record.
                let key = folded_key(values, key)?;
                Some(Self::Absence(Exempting { absence: *absence, key }))
            }
            Part::Step { step, reads } => {
                let Reads { key_in, key_out, absences, group, counted, side_in, side_out } = reads;
                let keys = |fields: &Option<Fields>| {
                    fields.as_ref().map(|fields| Keys::of(values, fields)).unwrap_or_default()
                };
                let absences = absences.iter().map(|(number, key)| (*number, folded_key(values, key)));
                let more = More {
                    record: number,
                    absences: absences.collect(),
                    group: folded_key(values, group),
                    counted: counted.and_then(|field| atom(values, field)),
                    side_in: side(values, side_in),
                    side_out: side(values, side_out),
                    burst: None,
                };
                let (key_in, key_out) = (keys(key_in), keys(key_out));
                Some(Self::Step(Candidate {
                    step: *step,
                    event: record.event,
                    key_in,
                    key_out,
                    payload,
                    more,
                }))
            }
        }
    }
}
