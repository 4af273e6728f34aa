//! Records that must not be there: their columns, and the commands that drop what they exempt.
//!
//! In: a bound rule. Out: columns for the branches, commands after them, tests for links. Must not know: how a link
//! finds its predecessor.
//!
//! A row of such a record carries its time in `chain_u<a>` and what it shares with the step in `chain_a<a>_<k>`, as the
//! rows of the step do. In time order, steps first at equal times, a running maximum gives each row the newest one that
//! is strictly earlier; in falling order a running minimum gives the next one that is strictly later.

use super::check::{all as and, any};
use super::kept::Kept;
use super::literal::{self, Frag, spl};
use super::{Spl, lines};
use crate::backend::bind::{Bound, BoundAbsence};
use crate::backend::schedule;
use crate::ir::{Case, Neighbour, Type, When};

/// An absence of a rule.
#[derive(Debug, Clone, Copy)]
pub(super) struct Absent<'b, 'a> {
    /// They count from 1, those of steps first.
    pub(super) number: u64,
    pub(super) absence: &'b BoundAbsence<'a, Spl>,
    /// The step whose records it drops, or the later one of the two that it keeps apart.
    pub(super) step: u64,
}

impl Absent<'_, '_> {
    fn is_of_pairs(&self) -> bool {
        self.absence.keys.iter().any(|key| key.of == Neighbour::Earlier)
    }

    /// Its fields of the earlier record: their columns in the rows of that, those in which a pair has them, their
    /// types.
    pub(super) fn of_earlier(&self) -> impl Iterator<Item = (Frag, Frag, Type)> {
        let earlier = (1..).zip(self.absence.keys).filter(|(_, key)| key.of == Neighbour::Earlier);
        let number = self.number;
        earlier.map(move |(at, key)| {
            (literal::earlier_key(number, at), literal::absent_key(number, at), key.left.ty)
        })
    }
}

/// All of them.
pub(super) fn all<'b, 'a>(bound: &'b Bound<'a, Spl>) -> Vec<Absent<'b, 'a>> {
    let of_steps = (1..).zip(&bound.steps).map(|(step, of)| (step, &of.absences));
    let of_links = (2..).zip(&bound.links).map(|(step, of)| (step, &of.absences));
    let each =
        of_steps.chain(of_links).flat_map(|(step, absences)| absences.iter().map(move |one| (step, one)));
    (1..).zip(each).map(|(number, (step, absence))| Absent { number, absence, step }).collect()
}

/// What stands in `chain_step` of the rows of an absence.
pub(super) fn row(bound: &Bound<'_, Spl>, absence: u64) -> u64 {
    steps(bound) + absence
}

fn steps(bound: &Bound<'_, Spl>) -> u64 {
    u64::try_from(bound.steps.len()).unwrap_or(u64::MAX)
}

/// What must not lie between the records of the link into a step and shares something with the earlier one: the two
/// must be there before it can be looked for.
pub(super) fn of_pairs<'b, 'a>(bound: &'b Bound<'a, Spl>, step: u64) -> Vec<Absent<'b, 'a>> {
    all(bound).into_iter().filter(|absent| absent.step == step && absent.is_of_pairs()).collect()
}

/// What the rows of a step share with the records that must not be there.
pub(super) fn of_step(bound: &Bound<'_, Spl>, step: u64) -> Vec<(Frag, Frag)> {
    let mut made = Vec::new();
    for absent in all(bound) {
        for (at, key) in (1..).zip(absent.absence.keys) {
            let (of, name) = match key.of {
                Neighbour::Later => (absent.step, literal::absent_key(absent.number, at)),
                Neighbour::Earlier => (absent.step - 1, literal::earlier_key(absent.number, at)),
            };
            let value = || literal::joined(&key.left.name, key.left.ty, key.case == Case::Ignore);
            made.extend((of == step).then(|| (name, value())));
        }
    }
    made
}

/// The columns of the rows of an absence, told by their number.
pub(super) fn of_absent(bound: &Bound<'_, Spl>, number: u64) -> Vec<(Frag, Frag)> {
    let found = all(bound).into_iter().filter(|absent| row(bound, absent.number) == number);
    found.flat_map(columns).collect()
}

fn columns(absent: Absent<'_, '_>) -> Vec<(Frag, Frag)> {
    let mut made = vec![(time(absent.number), spl!("_time"))];
    made.extend((1..).zip(absent.absence.keys).map(|(at, key)| {
        let value = literal::joined(&key.right.name, key.right.ty, key.case == Case::Ignore);
        (literal::absent_key(absent.number, at), value)
    }));
    made
}

fn time(number: u64) -> Frag {
    let number = literal::number(number);
    spl!("chain_u{number}", number)
}

/// The commands that drop what is exempted, and the records that exempt it; if there are any, they leave the rows in
/// the order of time, steps first. What pairs ask for stays.
pub(super) fn commands(bound: &Bound<'_, Spl>, kept: &[Kept]) -> Vec<Frag> {
    let (pairs, absences): (Vec<_>, Vec<_>) = all(bound).into_iter().partition(Absent::is_of_pairs);
    if absences.is_empty() {
        return Vec::new();
    }
    let (after, before): (Vec<_>, Vec<_>) =
        absences.into_iter().partition(|absent| matches!(absent.absence.when, When::After(_)));
    let mut out = Vec::new();
    // Without the `0`, `sort` returns 10,000 rows.
    out.extend((!after.is_empty()).then(|| spl!("sort 0 -_time, +chain_step")));
    out.extend(after.iter().map(|absent| nearest(absent, "min")));
    out.push(spl!("sort 0 +_time, +chain_step"));
    out.extend(before.iter().map(newest));
    out.extend(kept.iter().flat_map(Kept::ask));
    // How far back the search has read: an older record could exempt what no row shows.
    let live = |absent: &Absent<'_, '_>| list_of(absent, kept).is_none();
    out.extend(
        before.iter().any(|absent| live(absent) && exempts(absent, kept).is_some()).then(|| spl!("addinfo")),
    );
    let last = literal::number(steps(bound));
    let mut left = vec![spl!("chain_step <= {last}", last)];
    left.extend(pairs.iter().map(|absent| {
        let row = literal::number(row(bound, absent.number));
        spl!("chain_step={row}", row)
    }));
    let mut tests = vec![any(left)];
    tests.extend(
        after
            .iter()
            .chain(&before)
            .filter_map(|absent| exempts(absent, kept))
            .map(|test| literal::not(&test)),
    );
    out.extend(lines(tests, " AND").map(|tests| spl!("where {tests}", tests)));
    out
}

/// The newest of the records for each row.
pub(super) fn newest(absent: &Absent<'_, '_>) -> Frag {
    nearest(absent, "max")
}

/// The nearest of the records for each row.
fn nearest(absent: &Absent<'_, '_>, function: &'static str) -> Frag {
    let Absent { number, absence, .. } = absent;
    let keys = (1..).zip(absence.keys).map(|(at, _)| literal::absent_key(*number, at)).collect::<Vec<_>>();
    let (function, time, near, by) =
        (literal::fixed(function), time(*number), near(*number), literal::list(&keys));
    spl!("streamstats window=0 {function}({time}) AS {near} BY {by}", function, time, near, by)
}

/// The column of the nearest record.
fn near(number: u64) -> Frag {
    let number = literal::number(number);
    spl!("chain_near{number}", number)
}

/// The list that is asked for what came before.
fn list_of<'k>(absent: &Absent<'_, '_>, kept: &'k [Kept]) -> Option<&'k Kept> {
    kept.iter().find(|kept| kept.number == absent.number)
}

/// Whether a row of the step is dropped. Null, where nothing is near, must not come out of it.
fn exempts(absent: &Absent<'_, '_>, kept: &[Kept]) -> Option<Frag> {
    let (near, step) = (near(absent.number), literal::number(absent.step));
    let test = match (absent.absence.when, list_of(absent, kept)) {
        (When::Before(_), Some(kept)) => kept.exempts(&near),
        (When::Before(window), None) => {
            let window = literal::number(window.seconds);
            any(vec![
                and(vec![
                    literal::call("isnum", [&near]),
                    spl!("round(_time - {near}, 6) <= {window}", near, window),
                ]),
                spl!("_time < info_min_time + {window}", window),
            ])
        }
        // What must not come after a record is waited for, until it can be read.
        (When::After(window), _) => {
            let late = schedule::latest(&absent.absence.selections).saturating_add(window.seconds);
            let [window, late] = [window.seconds, late].map(literal::number);
            any(vec![
                and(vec![
                    literal::call("isnum", [&near]),
                    spl!("round({near} - _time, 6) <= {window}", near, window),
                ]),
                spl!("_time + {late} > now()", late),
            ])
        }
        (When::Between, _) => return None,
    };
    Some(and(vec![spl!("chain_step={step}", step), test]))
}

/// What must hold of the time of the predecessor for nothing to lie between it and the row: the newest predecessor of
/// a row is the one that passes if any does.
pub(super) fn between(bound: &Bound<'_, Spl>, step: u64, earlier: &Frag) -> Vec<Frag> {
    let of_link = |absent: &Absent<'_, '_>| absent.step == step && absent.absence.when == When::Between;
    let absences = all(bound).into_iter().filter(|absent| of_link(absent) && !absent.is_of_pairs());
    absences.map(|absent| apart(&absent, earlier)).collect()
}

/// What must hold of the time of the earlier record for the newest one not to lie behind it.
pub(super) fn apart(absent: &Absent<'_, '_>, earlier: &Frag) -> Frag {
    let near = near(absent.number);
    literal::not(&and(vec![literal::call("isnum", [&near]), spl!("{near} > {earlier}", near, earlier)]))
}
