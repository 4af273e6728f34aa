//! Records step by step: which satisfy a step, which have a chain behind them, and why the others have none.
//!
//! In: a rule, its compiled form, a handful of records. Out: [`StepView`] for each step.
//! Must not know: output formats. Every clause is asked by its definition, over every pair of records, so this is for
//! tests and single alerts, not for logs.

use std::collections::BTreeMap;

use super::candidate::{Asked, Candidate, Exempting};
use super::compare::all_hold;
use super::explain::{Break, StepView};
use super::keys::Keys;
use super::program::{Key, Link, Part, Program, Reads};
use super::record::{Identity, Record};
use super::repetition::Burst;
use super::value::Atom;
use super::words;
use crate::ir::{Neighbour, Rule, When};

/// Follows `records` through the chain, step by step.
#[must_use]
pub fn follow(rule: &Rule, program: &Program, records: &[Record]) -> Vec<StepView> {
    let seen = Seen::new(rule, program, records);
    let mut views: Vec<(StepView, Vec<Reached<'_>>)> = Vec::new();
    for step in 0..program.steps.len() {
        let mut view = StepView::default();
        let mut reached = Vec::new();
        for of in seen.of_step(step) {
            view.matched.push(of.index);
            let found = seen.completed(step, of).and_then(|burst| {
                let behind = step.checked_sub(1).and_then(|link| Some((link, views.get(link)?)));
                match behind {
                    _ if program.clauses.together => seen.companions(step, of),
                    Some((link, (_, behind))) => seen.predecessor(link, behind, of, burst),
                    None => Ok(burst.map_or(of.time(), |burst| burst.first_time)),
                }
            });
            match found {
                Ok(start) => {
                    view.reached.push((of.index, start));
                    reached.push(Reached { of, start });
                }
                Err(reason) => view.broken.push((of.index, reason)),
            }
        }
        views.push((view, reached));
    }
    views.into_iter().map(|(view, _)| view).collect()
}

/// A record of a step.
#[derive(Debug)]
struct Of<'r> {
    index: usize,
    record: &'r Record,
    role: usize,
    candidate: Candidate<()>,
    /// The absence of its step that takes it away, and by which record.
    excused: Option<(usize, usize)>,
}

impl Of<'_> {
    fn time(&self) -> i64 {
        self.record.time
    }
}

struct Reached<'s> {
    of: &'s Of<'s>,
    start: i64,
}

struct Seen<'a> {
    rule: &'a Rule,
    program: &'a Program,
    steps: Vec<Vec<Of<'a>>>,
    /// What must not be there, with its number and time.
    exempting: Vec<(usize, i64, Exempting)>,
}

impl<'a> Seen<'a> {
    fn new(rule: &'a Rule, program: &'a Program, records: &'a [Record]) -> Self {
        let mut steps: Vec<Vec<Of<'a>>> = program.steps.iter().map(|_| Vec::new()).collect();
        let mut exempting = Vec::new();
        for (index, record) in records.iter().enumerate() {
            for role in program.matched(record) {
                match Asked::new(program, (record, 0), role, ()) {
                    Some(Asked::Absence(one)) => exempting.push((index, record.time, one)),
                    Some(Asked::Step(candidate)) if record.time >= program.from || counts(program, role) => {
                        if let Some(of_step) = steps.get_mut(candidate.step) {
                            of_step.push(Of { index, record, role, candidate, excused: None });
                        }
                    }
                    Some(Asked::Step(_)) | None => {}
                }
            }
        }
        let mut seen = Self { rule, program, steps, exempting };
        let excused: Vec<Vec<_>> =
            seen.steps.iter().map(|of_step| of_step.iter().map(|of| seen.excused(of)).collect()).collect();
        for (of, excused) in seen.steps.iter_mut().flatten().zip(excused.into_iter().flatten()) {
            of.excused = excused;
        }
        seen
    }

    fn of_step(&self, step: usize) -> impl Iterator<Item = &Of<'a>> {
        self.steps.get(step).into_iter().flatten()
    }

    fn reads(&self, of: &Of<'_>) -> Option<&Reads> {
        match &self.program.roles.get(of.role)?.part {
            Part::Step { reads, .. } => Some(reads),
            Part::Absence { .. } => None,
        }
    }

    /// The nearest record that an absence of a step finds.
    fn excluding(&self, absence: usize, key: &Key, time: i64) -> Option<usize> {
        let asked = self.program.clauses.absences.get(absence)?;
        let (from, to) = match asked.when {
            When::Before(_) => (time.saturating_sub(asked.window), time - 1),
            When::After(_) => (time + 1, time.saturating_add(asked.window)),
            When::Between => return None,
        };
        let found = self
            .exempting
            .iter()
            .filter(|(_, at, one)| one.absence == absence && one.key == *key && from <= *at && *at <= to);
        found.min_by_key(|(_, at, _)| (at - time).abs()).map(|(index, _, _)| *index)
    }

    fn excused(&self, of: &Of<'_>) -> Option<(usize, usize)> {
        of.candidate.more.absences.iter().find_map(|(number, key)| {
            let by = self.excluding(*number, key.as_ref()?, of.time())?;
            Some((*number, by))
        })
    }

    /// What a record completes, of a step that repeats; or why it is no record of its step.
    fn completed(&self, step: usize, of: &Of<'_>) -> Result<Option<Burst>, Break> {
        if let Some((absence, by)) = of.excused {
            return Err(excused(self.program, absence, by));
        }
        let Some(Some(asked)) = self.program.clauses.repetitions.get(step) else { return Ok(None) };
        let (count, first) = self.count(step, of, None);
        match first {
            Some(first_time) => Ok(Some(Burst { count, first_time })),
            None => Err(Break::TooFew {
                count,
                least: asked.least as u64,
                distinct: asked.distinct,
                window: asked.window,
            }),
        }
    }

    /// How many there are in the window that ends with a record, without those of an event, and since when enough.
    fn count(&self, step: usize, of: &Of<'_>, without: Option<Identity>) -> (u64, Option<i64>) {
        let Some(Some(asked)) = self.program.clauses.repetitions.get(step) else { return (0, None) };
        let Some(group) = &of.candidate.more.group else { return (0, None) };
        let within = of.time().saturating_sub(asked.window)..=of.time();
        // Of each event or value the newest time.
        let (mut events, mut values) = (BTreeMap::new(), BTreeMap::<&Atom, i64>::new());
        let others = self.of_step(step).filter(|other| {
            other.candidate.more.group.as_ref() == Some(group)
                && within.contains(&other.time())
                && without != Some(other.record.event)
                && other.excused.is_none()
        });
        for other in others {
            if asked.distinct {
                let Some(value) = &other.candidate.more.counted else { continue };
                let newest = values.entry(value).or_insert(other.time());
                *newest = (*newest).max(other.time());
            } else {
                let newest = events.entry(other.record.event).or_insert(other.time());
                *newest = (*newest).max(other.time());
            }
        }
        let mut times: Vec<i64> = events.into_values().chain(values.into_values()).collect();
        times.sort_unstable_by_key(|time| std::cmp::Reverse(*time));
        let first = asked.least.checked_sub(1).and_then(|last| times.get(last)).copied();
        (times.len() as u64, first)
    }

    /// The best start in front of a record, or why there is none: from the coarsest reason to the finest.
    fn predecessor(
        &self,
        link: usize,
        behind: &[Reached<'_>],
        of: &Of<'a>,
        burst: Option<Burst>,
    ) -> Result<i64, Break> {
        if behind.is_empty() {
            return Err(Break::NothingBefore);
        }
        let Some(Link { gap, .. }) = self.program.links.get(link) else { return Err(Break::NothingBefore) };
        let keys = &of.candidate.key_in;
        if *keys == Keys::None {
            return Err(self.missing(of));
        }
        let mut left: Vec<&Reached<'_>> =
            behind.iter().filter(|one| one.of.candidate.key_out.meet(keys)).collect();
        if left.is_empty() {
            return Err(self.no_such_key(behind, of));
        }
        left.retain(|one| one.of.record.event != of.record.event);
        if left.is_empty() {
            return Err(Break::SameEvent);
        }
        let in_time = |one: &&Reached<'_>| one.of.time() <= of.time() && of.time() - one.of.time() <= *gap;
        let others = left.iter().map(|one| (one.of.index, one.of.time()));
        let late = out_of_time(*gap, of.record, others);
        left.retain(in_time);
        let Some(nearest) = left.iter().max_by_key(|one| one.of.time()).map(|one| one.of) else {
            return Err(late);
        };
        left.retain(|one| self.not_held(link, one.of, of).is_none());
        if left.is_empty() {
            return Err(self.not_held(link, nearest, of).unwrap_or(Break::NothingBefore));
        }
        if burst.is_some() {
            let enough = |one: &&Reached<'_>| {
                let (_, first) = self.count(link + 1, of, Some(one.of.record.event));
                first.is_some_and(|first| one.of.time() <= first)
            };
            left.retain(enough);
        }
        let Some(start) = left.iter().map(|one| one.start).max() else {
            return Err(Break::BurstBefore { nearest: nearest.index });
        };
        let over = of.time().saturating_sub(start).saturating_sub(self.program.total);
        if over > 0 { Err(Break::TotalExceeded { by: over }) } else { Ok(start) }
    }

    /// The clause of a link that does not hold between two records with its key.
    fn not_held(&self, link: usize, left: &Of<'_>, right: &Of<'_>) -> Option<Break> {
        let clauses = self.program.clauses.links.get(link)?;
        let (side_out, side_in) = (&left.candidate.more.side_out, &right.candidate.more.side_in);
        for (number, op) in clauses.comparisons.iter().enumerate() {
            let one = |side: &super::compare::Side| -> super::compare::Side {
                side.get(number).cloned().into_iter().collect()
            };
            if !all_hold(&[*op], &one(side_out), &one(side_in)) {
                return Some(compared(self.rule, link, number, (left.record, right.record)));
            }
        }
        self.between(link, left, right).map(|(absence, by)| excused(self.program, absence, by))
    }

    /// What stands between two records and must not: the absence, and the record nearest to the later one.
    fn between(&self, link: usize, left: &Of<'_>, right: &Of<'_>) -> Option<(usize, usize)> {
        let clauses = self.program.clauses.links.get(link)?;
        clauses.absences.iter().find_map(|between| {
            let part = |(of, at): &(Neighbour, usize)| match of {
                Neighbour::Earlier => left.candidate.more.side_out.get(*at)?.clone(),
                Neighbour::Later => right.candidate.more.side_in.get(*at)?.clone(),
            };
            let key: Key = between.parts.iter().map(part).collect::<Option<_>>()?;
            let found = self.exempting.iter().filter(|(_, at, one)| {
                one.absence == between.absence && one.key == key && left.time() < *at && *at < right.time()
            });
            found.max_by_key(|(_, at, _)| *at).map(|(index, _, _)| (between.absence, *index))
        })
    }

    /// Of steps in any order: whether every other step has a record that could come together with this one.
    fn companions(&self, step: usize, of: &Of<'_>) -> Result<i64, Break> {
        let keys = &of.candidate.key_out;
        if *keys == Keys::None {
            return Err(self.missing(of));
        }
        for (other, written) in self.rule.chain.steps.iter().enumerate().filter(|(other, _)| *other != step) {
            let is_near = |one: &&Of<'_>| {
                one.candidate.key_out.meet(keys)
                    && one.record.event != of.record.event
                    && (one.time() - of.time()).abs() <= self.program.total
                    && self.completed(other, one).is_ok()
            };
            if self.of_step(other).find(is_near).is_none() {
                let step = written.name.node.clone();
                return Err(Break::NoCompanion { step, window: self.program.total });
            }
        }
        Ok(of.time())
    }

    /// The fields of a key of which a record lacks a part.
    fn missing(&self, of: &Of<'_>) -> Break {
        let reads = self.reads(of);
        let key = reads.and_then(|reads| reads.key_in.as_ref().or(reads.key_out.as_ref()));
        let lacking = key.into_iter().flatten().filter(|(place, _)| of.record.at(*place).is_none());
        Break::KeyMissing(lacking.filter_map(|(place, _)| field(of.record, *place)).collect())
    }

    fn no_such_key(&self, behind: &[Reached<'_>], of: &Of<'_>) -> Break {
        let text = |of: &Of<'_>, key: Option<&super::program::Fields>| -> Vec<Option<String>> {
            key.into_iter().flatten().map(|(place, _)| of.record.at(*place).map(words::value)).collect()
        };
        let key = self.reads(of).and_then(|reads| reads.key_in.as_ref());
        let fields = key.into_iter().flatten().filter_map(|(place, _)| field(of.record, *place)).collect();
        let of_left =
            |one: &Reached<'_>| text(one.of, self.reads(one.of).and_then(|reads| reads.key_out.as_ref()));
        let mut others: Vec<_> = behind.iter().map(of_left).collect();
        others.dedup();
        others.truncate(3);
        Break::NoSuchKey { fields, key: text(of, key).into_iter().flatten().collect(), others }
    }
}

/// Whether a role is one of a step that repeats.
fn counts(program: &Program, role: usize) -> bool {
    let step = program.step_of(role).and_then(|step| program.clauses.repetitions.get(step));
    step.is_some_and(Option::is_some)
}

fn field(record: &Record, place: usize) -> Option<String> {
    Some(record.schema.fields().get(place)?.0.clone())
}

/// What takes a record away.
fn excused(program: &Program, absence: usize, by: usize) -> Break {
    Break::Excused { name: absence_name(program, absence), by }
}

/// The name of an absence; of `first` that word.
pub(super) fn absence_name(program: &Program, absence: usize) -> String {
    let named = program
        .roles
        .iter()
        .find(|role| matches!(&role.part, Part::Absence { absence: own, .. } if *own == absence));
    named.map_or_else(|| "first".to_owned(), |role| role.selection.name.clone())
}

/// A comparison that fails.
pub(super) fn compared(rule: &Rule, link: usize, number: usize, (left, right): (&Record, &Record)) -> Break {
    let comparison = rule.chain.links.get(link).and_then(|link| link.comparisons.get(number));
    let value = |record: &Record, field: Option<&str>| record.get(field?).map(words::value);
    Break::Compared {
        wanted: words::comparison(rule, link, number),
        left: value(left, comparison.map(|one| one.left.name.as_str())),
        right: value(right, comparison.map(|one| one.right.name.as_str())),
    }
}

/// The nearest of records that are all out of time: one whose gap closed, before one that comes later.
fn out_of_time(gap: i64, record: &Record, others: impl Iterator<Item = (usize, i64)> + Clone) -> Break {
    let earlier = others.clone().filter(|(_, time)| *time <= record.time).max_by_key(|(_, time)| *time);
    if let Some((nearest, time)) = earlier {
        return Break::GapClosed { nearest, gap, by: record.time - time - gap };
    }
    let (nearest, time) = others.min_by_key(|(_, time)| *time).unwrap_or_default();
    Break::After { nearest, by: time - record.time }
}
