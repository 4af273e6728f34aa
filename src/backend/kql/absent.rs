//! What must not be there: tables of their own, and what drops the records that they exempt.
//!
//! In: the absences of a step or link. Out: tables and operators. Must not know: how a step is read, how steps are
//! joined.
//!
//! One join for each: of the records that could exempt a row only the nearest counts, the newest before it or the
//! oldest behind it, so that one value of it is kept and the row stays, whether it has keys or not. Where a clock can
//! be late the window is narrower, never wider: what is exempted by mistake is missed.
//!
//! Before it is joined, such a table is reduced to the first and the last record of each key in slots as long as the
//! window, a few rows for each key however busy it is. Nothing is lost or added: a slot that had records on both sides
//! of the window and none in it would be longer than the window.

use super::Kql;
use super::fields::{Field, Fields, Reading};
use super::lets::Lets;
use super::literal::{self, Frag};
use super::pipeline::{self, Pipeline, Rows};
use super::predicate;
use super::query::Table;
use super::{step, window};
use crate::backend::bind::{BoundAbsence, BoundSelection, BoundStep};
use crate::backend::print::{Bind, phrase};
use crate::backend::truth::unique;
use crate::backend::{Options, Report, schedule};
use crate::ir::{self, AbsenceKey, Case, Neighbour, When, Window};

/// What must not be there, printed.
pub(super) struct Absent {
    /// Its tables; the last one has all of its records.
    pub(super) tables: Vec<Table>,
    /// The columns of its records.
    pub(super) columns: Vec<Frag>,
    name: Frag,
    time: Frag,
    on: Vec<Frag>,
    /// By how much the clock of its records can be late, in seconds.
    lag: u64,
    place: Place,
    slots: Option<Slots>,
}

/// How its records are reduced before they are joined.
struct Slots {
    /// The column of the first time in a slot.
    first: Frag,
    /// What the records of a slot share.
    keys: Vec<Frag>,
}

/// Where it must not be.
enum Place {
    /// So long before.
    Before(Frag),
    /// So long after; what it is about is judged once nothing can come any more, so many seconds later.
    After(Frag, u64),
    /// Between two records.
    Between,
}

/// What an absence is about.
pub(super) struct About<'p> {
    /// The time before or after which it must not be.
    pub(super) time: &'p Frag,
    /// By how much that clock can be late, in seconds.
    pub(super) lag: u64,
    /// The time of the record before, on a link.
    pub(super) earlier: Option<&'p Frag>,
    /// All columns of a row.
    pub(super) columns: &'p [Frag],
}

/// Prints an absence around `later`, the step that it is of or the later one of two; `earlier` is the other one.
pub(super) fn lower(
    absence: &BoundAbsence<'_, Kql>,
    (earlier, later): (Option<&BoundStep<'_, Kql>>, &BoundStep<'_, Kql>),
    options: &Options,
    lets: &mut Lets<'_, '_>,
    report: &mut Report,
) -> Absent {
    let (lag, own) = (window::lag(absence.selections.iter()), window::lag(later.selections()));
    for selection in &absence.selections {
        window::note_lag(selection, absence.span, report);
    }
    let mut within = |window: Window, lag: u64| {
        let length = literal::timespan(window.seconds.saturating_sub(lag));
        lets.name(&phrase!("unless_{}", absence.name), "_within", length)
    };
    let place = match absence.when {
        When::Before(length) => Place::Before(within(length, lag)),
        When::After(length) => {
            let late = schedule::latest(&absence.selections).saturating_add(length.seconds);
            Place::After(within(length, own), late)
        }
        When::Between => Place::Between,
    };
    let part = phrase!("absent_{}", absence.name);
    let (name, time) = (literal::name(&part), literal::name(&ir::column_name(&absence.name, "time")));
    let keys: Vec<_> = unique(absence.keys.iter().map(|key| right(absence, key)).collect());
    let columns = unique(std::iter::once(time.clone()).chain(keys.iter().cloned()).collect());
    let rows = absence.selections.iter().map(|one| rows(absence, one, options, lets, report)).collect();
    let what = if absence.is_first { "seen before" } else { "must not be there" };
    let tables = pipeline::tables(rows, &name, &part, &phrase!("{}: {what}", absence.name));
    let side = |key: &AbsenceKey| {
        let step = match key.of {
            Neighbour::Earlier => earlier.unwrap_or(later),
            Neighbour::Later => later,
        };
        literal::equal_sides(&left(step, key), &right(absence, key))
    };
    let on = unique(absence.keys.iter().map(side).collect());
    // Clocks that can be late leave less of the window than a slot may be long.
    let seconds = match absence.when {
        When::Before(window) | When::After(window) => window.seconds,
        When::Between => 0,
    };
    let is_exact = seconds > 0 && lag == 0 && own == 0;
    let first = literal::name(&ir::column_name(&absence.name, ir::FIRST_TIME));
    let slots = is_exact.then_some(Slots { first, keys });
    Absent { tables, columns, name, time, on, lag, place, slots }
}

fn left(step: &BoundStep<'_, Kql>, key: &AbsenceKey) -> Frag {
    match key.case {
        Case::Sensitive => literal::name(&step.column_name(&key.left.name)),
        Case::Ignore => step::folded(&step.name.node, &key.left.name),
    }
}

fn right(absence: &BoundAbsence<'_, Kql>, key: &AbsenceKey) -> Frag {
    match key.case {
        Case::Sensitive => literal::name(&ir::column_name(&absence.name, &key.right.name)),
        Case::Ignore => step::folded(&absence.name, &key.right.name),
    }
}

/// The records of one selection: their times and what they share.
fn rows(
    absence: &BoundAbsence<'_, Kql>,
    selection: &BoundSelection<'_, Kql>,
    options: &Options,
    lets: &mut Lets<'_, '_>,
    report: &mut Report,
) -> Rows {
    let keys: Vec<&Field<'_>> = selection.keys.iter().collect();
    let plain = |key: &&Field<'_>| {
        absence.keys.iter().any(|own| own.right.name == key.name && own.case == Case::Sensitive)
    };
    let passed = keys.iter().copied().filter(plain);
    let passed: Vec<_> = passed.map(|key| (ir::column_name(&absence.name, key.name), key)).collect();
    let reading = Reading { name: &absence.name, selection, before: &[], keys: &keys, passed: &passed };
    let mut fields = Fields::new(reading, &keys);
    let mut tests = predicate::condition(reading, options, &mut fields, lets, report);
    tests.extend(keys.iter().filter_map(|key| predicate::key(&mut fields, key, false)));
    let time = literal::name(&reading.column_name("time"));
    let mut assigned = vec![literal::assign(&time, &selection.schema.mapping.time)];
    for own in absence.keys {
        let Some(key) = keys.iter().find(|key| key.name == own.right.name) else { continue };
        let (value, name) = (fields.value(key), right(absence, own));
        let value = match own.case {
            Case::Ignore => literal::call("tolower", [&value]),
            Case::Sensitive if value == name => value,
            Case::Sensitive => step::number(value, key.ty),
        };
        assigned.push(literal::assign(&name, &value));
    }
    let expands = pipeline::expanded(reading, false, &fields, &mut |_| None);
    Pipeline::new(unique(tests), &fields, expands, false).into_rows(selection, unique(assigned))
}

/// The nearest record that could exempt a row.
const NEAREST: &str = "_absent";

impl Absent {
    /// What keeps the rows that nothing exempts.
    pub(super) fn operators(&self, about: &About<'_>) -> Vec<Frag> {
        let nearest = literal::name(NEAREST);
        let (time, own) = (about.time, &self.time);
        let slots = self.slots();
        // Of a slot that reaches into the window: what is not yet beyond the row, and what is no longer before it.
        let (first, table) = slots.as_ref().map_or((own, &self.name), |(first, table)| (*first, table));
        let before = |own| literal::binary(own, "<", &literal::earlier(time, about.lag));
        let (nearest_of, counts, own, stays) = match &self.place {
            Place::Before(window) => (
                "max",
                before(first),
                own,
                literal::binary(&nearest, "<", &literal::binary(time, "-", window)),
            ),
            Place::After(window, _) => {
                let after = literal::binary(own, ">", &literal::later(time, self.lag));
                ("min", after, first, literal::binary(&nearest, ">", &literal::binary(time, "+", window)))
            }
            Place::Between => {
                let earlier = literal::later(about.earlier.unwrap_or(time), self.lag);
                ("max", before(own), own, literal::binary(&nearest, "<=", &earlier))
            }
        };
        let none = literal::call("datetime", [&literal::null()]);
        let value = literal::call(nearest_of, [&literal::call("iff", [&counts, own, &none])]);
        let stays = vec![literal::call("isnull", [&nearest]), stays];
        let settled = match &self.place {
            Place::After(_, late) => Some(literal::binary(time, "<=", &literal::ago(*late))),
            Place::Before(_) | Place::Between => None,
        };
        let settled = settled.map(|settled| literal::operator("where", &settled));
        let operators = [
            literal::left_join(table, &self.on),
            literal::summarize(Some(&literal::assign(&nearest, &value)), about.columns),
            literal::operator("where", &Frag::join(stays, " or ", Bind::Or)),
            literal::operator("project-away", &nearest),
        ];
        settled.into_iter().chain(operators).collect()
    }

    /// The first and the last record of each key in each slot: the column of the first, and the table, whose column of
    /// the time is that of the last.
    fn slots(&self) -> Option<(&Frag, Frag)> {
        let Slots { first, keys } = self.slots.as_ref()?;
        let (Place::Before(window) | Place::After(window, _)) = &self.place else { return None };
        let slot = literal::assign(&literal::name("_slot"), &literal::call("bin", [&self.time, window]));
        let values = [
            literal::assign(first, &literal::call("min", [&self.time])),
            literal::assign(&self.time, &literal::call("max", [&self.time])),
        ];
        let by: Vec<_> = keys.iter().cloned().chain([slot]).collect();
        Some((first, literal::piped(&self.name, &literal::summarize(Some(&literal::list(&values)), &by))))
    }
}
