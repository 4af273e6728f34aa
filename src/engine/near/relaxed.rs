//! Near misses of rules that have more than steps and links: what the rule would alert on without one condition.
//!
//! In: a compiled rule, the records that satisfy its steps or must not be there, and records that fail one part of a
//! step. Out: [`Near`]. Must not know: predicates, output formats.
//!
//! The rule runs once more for each of its conditions, without that condition: a gap or the total four times as long, a
//! count half as high, a clause, a part of a key or of a step's condition left out. What then ends a chain and does not
//! alert is a near miss by that condition, at the path that the engine prefers. So work grows with the number of
//! conditions and not with pairs of records.

use std::collections::{BTreeMap, HashMap, HashSet};

use super::{Cause, Condition, Miss, Near, Part, Probe, rank_of, reach_of};
use crate::engine::alert::{Alert, Matched, run_matched};
use crate::engine::candidate::{Asked, Candidate};
use crate::engine::program::{self, Fields, Key, Program};
use crate::engine::record::Record;
use crate::ir::{Neighbour, When};

/// The near misses of `program`, at most `most` of them listed.
pub(super) fn near(program: &Program, matched: &[Matched<'_>], probes: &[Probe<'_>], most: usize) -> Near {
    let all = matched.iter().chain(probes.iter().map(|probe| &probe.matched));
    let records: HashMap<usize, &Record> = all.map(|one| (one.index, one.record)).collect();
    let loud: HashSet<Ending> =
        run_matched(program, matched).0.iter().map(|alert| ending(program, alert)).collect();
    let mut search = Search { program, records, loud, counts: BTreeMap::new(), found: Vec::new() };
    for condition in conditions(program) {
        let relaxed = without(program, condition);
        search.look(condition, &run_matched(&relaxed, matched).0);
    }
    let mut by_part: BTreeMap<Condition, Vec<Matched<'_>>> = BTreeMap::new();
    for probe in probes {
        let counts = program.step_of(probe.matched.step).is_some_and(|step| repeats(program, step));
        if let Some(condition) = part_of(program, probe).filter(|_| !counts) {
            by_part.entry(condition).or_default().push(probe.matched);
        }
    }
    for (condition, mut more) in by_part {
        more.extend(matched);
        // The sort is stable, and what is one record stays together.
        more.sort_by(|left, right| left.record.order(right.record).then(left.index.cmp(&right.index)));
        search.look(condition, &run_matched(program, &more).0);
    }
    search.finish(most)
}

/// By what an alert is known: its last record, or, of steps in any order, its instant.
type Ending = (Option<usize>, i64);

fn ending(program: &Program, alert: &Alert) -> Ending {
    let last = alert.records.last().copied().filter(|_| !program.clauses.together);
    (last, alert.end)
}

fn repeats(program: &Program, step: usize) -> bool {
    program.clauses.repetitions.get(step).is_some_and(Option::is_some)
}

/// The condition of which a record fails one part.
fn part_of(program: &Program, Probe { matched, part }: &Probe<'_>) -> Option<Condition> {
    let step = program.step_of(matched.step)?;
    let same = |role: &usize| program.step_of(*role) == Some(step);
    let alternative = (0..matched.step).filter(same).count();
    Some(Condition::Step { step, alternative, part: *part })
}

/// The conditions of a rule but for the parts of its steps.
fn conditions(program: &Program) -> Vec<Condition> {
    let mut all = vec![Condition::Total];
    for (link, written) in program.links.iter().enumerate() {
        all.push(Condition::Gap { link });
        all.extend((0..written.left.len()).map(|part| Condition::Key { link, part }));
        let clauses = program.clauses.links.get(link);
        let comparisons = clauses.map_or(0, |clauses| clauses.comparisons.len());
        all.extend((0..comparisons).map(|number| Condition::Comparison { link, number }));
    }
    if program.clauses.together {
        let shared = program.roles.iter().find_map(|role| key_out(role)).map_or(0, |key| key.len());
        all.extend((0..shared).map(|part| Condition::Key { link: 0, part }));
    }
    let repetitions = program.clauses.repetitions.iter().enumerate();
    all.extend(repetitions.filter(|(_, one)| one.is_some()).map(|(step, _)| Condition::Count { step }));
    all.extend((0..program.clauses.absences.len()).map(|absence| Condition::Absence { absence }));
    all
}

fn key_out(role: &program::Role) -> Option<&Fields> {
    match &role.part {
        program::Part::Step { reads, .. } => reads.key_out.as_ref(),
        program::Part::Absence { .. } => None,
    }
}

/// So few are near, where so many must come.
pub(super) fn half(least: usize) -> usize {
    least.div_ceil(2)
}

/// The rule without a condition.
fn without(program: &Program, condition: Condition) -> Program {
    let Program { name, steps, links, total, from, dedupe: _, roles, clauses } = program;
    let mut relaxed = Program {
        name: name.clone(),
        steps: steps.clone(),
        links: links.clone(),
        total: *total,
        from: *from,
        dedupe: None,
        roles: roles.clone(),
        clauses: clauses.clone(),
    };
    match condition {
        Condition::Gap { link } => longer_gap(&mut relaxed, link),
        Condition::Total => relaxed.total = total.saturating_add(reach_of(*total)),
        Condition::Key { link, part } => without_key(&mut relaxed, link, part),
        Condition::Comparison { link, number } => without_comparison(&mut relaxed, link, number),
        Condition::Absence { absence } => without_absence(&mut relaxed, absence),
        Condition::Count { step } => {
            if let Some(Some(one)) = relaxed.clauses.repetitions.get_mut(step) {
                one.least = half(one.least);
            }
        }
        // Parts of steps: more records satisfy them, the rule stays. An order is no condition here.
        Condition::Step { .. } | Condition::Order { .. } => {}
    }
    relaxed
}

fn longer_gap(relaxed: &mut Program, link: usize) {
    let Some(written) = relaxed.links.get_mut(link) else { return };
    let more = reach_of(written.gap);
    written.gap = written.gap.saturating_add(more);
    // The chain may be too long by as much.
    relaxed.total = relaxed.total.saturating_add(more);
    let gap = written.gap;
    for between in relaxed.clauses.links.get(link).into_iter().flat_map(|link| &link.absences) {
        if let Some(absence) = relaxed.clauses.absences.get_mut(between.absence) {
            absence.window = gap;
        }
    }
}

fn without_key(relaxed: &mut Program, link: usize, part: usize) {
    let together = relaxed.clauses.together;
    for role in &mut relaxed.roles {
        let program::Part::Step { step, reads } = &mut role.part else { continue };
        if *step == link || together {
            reads.key_out = reads.key_out.take().map(|key| remove(&key, part));
        }
        if *step == link + 1 {
            reads.key_in = reads.key_in.take().map(|key| remove(&key, part));
        }
    }
}

fn without_comparison(relaxed: &mut Program, link: usize, number: usize) {
    if let Some(clauses) = relaxed.clauses.links.get_mut(link) {
        clauses.comparisons.remove(number);
        // What absences share stands behind what is compared.
        for (_, at) in clauses.absences.iter_mut().flat_map(|between| &mut between.parts) {
            *at = at.saturating_sub(1);
        }
    }
    for role in &mut relaxed.roles {
        let program::Part::Step { step, reads } = &mut role.part else { continue };
        if *step == link {
            reads.side_out = remove(&reads.side_out, number);
        }
        if *step == link + 1 {
            reads.side_in = remove(&reads.side_in, number);
        }
    }
}

fn without_absence(relaxed: &mut Program, absence: usize) {
    for role in &mut relaxed.roles {
        if let program::Part::Step { reads, .. } = &mut role.part {
            reads.absences.retain(|(number, _)| *number != absence);
        }
    }
    for clauses in &mut relaxed.clauses.links {
        clauses.absences.retain(|between| between.absence != absence);
    }
}

fn remove(fields: &Fields, number: usize) -> Fields {
    fields.iter().enumerate().filter(|(at, _)| *at != number).map(|(_, field)| *field).collect()
}

/// What breaks in the same way: the condition, the records before, and what a count has in common.
type Alike = (Condition, Vec<usize>, Option<Key>);

struct Search<'a> {
    program: &'a Program,
    records: HashMap<usize, &'a Record>,
    loud: HashSet<Ending>,
    counts: BTreeMap<Condition, u64>,
    /// With how near each is.
    found: Vec<(i64, Miss)>,
}

impl Search<'_> {
    /// Takes the alerts of the rule without a condition.
    fn look(&mut self, condition: Condition, alerts: &[Alert]) {
        for alert in alerts {
            if self.loud.contains(&ending(self.program, alert)) {
                continue;
            }
            if let Some((near, miss)) = self.miss(condition, alert) {
                *self.counts.entry(condition).or_insert(0) += 1;
                self.found.push((near, miss));
            }
        }
    }

    fn miss(&self, condition: Condition, alert: &Alert) -> Option<(i64, Miss)> {
        let step = self.step(condition, alert)?;
        let length = alert.end.saturating_sub(alert.start);
        let over = length.saturating_sub(self.program.total);
        let time = |step: usize| Some(self.records.get(alert.records.get(step)?)?.time);
        let before = step.checked_sub(1).filter(|_| !self.program.clauses.together);
        let since = before.and_then(time).zip(time(step)).map(|(before, at)| at.saturating_sub(before));
        let (by, total_by) = match condition {
            Condition::Gap { link } => {
                let by = since?.saturating_sub(self.program.links.get(link)?.gap);
                // Otherwise it is something else that fails, or more than this.
                if by <= 0 || over > by {
                    return None;
                }
                (by, over.max(0))
            }
            Condition::Total => (over, 0),
            Condition::Key { .. } | Condition::Comparison { .. } => (since.unwrap_or(length), 0),
            Condition::Absence { absence } => {
                let between = self.program.clauses.absences.get(absence)?.when == When::Between;
                (since.filter(|_| between).unwrap_or(length), 0)
            }
            Condition::Step { .. } | Condition::Count { .. } | Condition::Order { .. } => (length, 0),
        };
        let near = match condition {
            Condition::Count { step } => {
                let least = self.program.clauses.repetitions.get(step)?.as_ref()?.least;
                let count = alert.burst(step)?.count;
                i64::try_from((least as u64).saturating_sub(count)).unwrap_or(i64::MAX)
            }
            Condition::Gap { .. }
            | Condition::Total
            | Condition::Key { .. }
            | Condition::Comparison { .. }
            | Condition::Absence { .. }
            | Condition::Step { .. }
            | Condition::Order { .. } => by,
        };
        let (path, bursts) = (alert.records.clone(), alert.bursts.clone());
        Some((near, Miss { condition, by, total_by, path, step, bursts, cause: None, more: 0 }))
    }

    /// The step at which a chain breaks.
    fn step(&self, condition: Condition, alert: &Alert) -> Option<usize> {
        // Of steps in any order the one that came last.
        let last = || {
            let time = |index: &usize| self.records.get(index).map(|record| record.time);
            let ends = |index: &usize| time(index) == Some(alert.end);
            alert.records.iter().rposition(ends)
        };
        match condition {
            Condition::Gap { link } | Condition::Order { link } | Condition::Comparison { link, .. } => {
                Some(link + 1)
            }
            Condition::Key { link, .. } if !self.program.clauses.together => Some(link + 1),
            Condition::Key { .. } | Condition::Total => last(),
            Condition::Step { step, .. } | Condition::Count { step } => Some(step),
            Condition::Absence { absence } => owner(self.program, absence),
        }
    }

    fn finish(mut self, most: usize) -> Near {
        let mut found = std::mem::take(&mut self.found);
        let Self { program, records, counts, .. } = &self;
        let end = |miss: &Miss| {
            let last = miss.path.last();
            (last.and_then(|last| records.get(last)).map(|record| record.time), last.copied())
        };
        found.sort_by_key(|(near, miss)| (miss.condition, *near, end(miss)));
        let mut places: HashMap<Alike, usize> = HashMap::new();
        let mut kept: Vec<(usize, Miss)> = Vec::new();
        let mut turns: BTreeMap<Condition, usize> = BTreeMap::new();
        for (_, miss) in found {
            let next = kept.len();
            let place = match alike(program, records, &miss) {
                Some(alike) => *places.entry(alike).or_insert(next),
                None => next,
            };
            if let Some((_, first)) = kept.get_mut(place) {
                first.more += 1;
            } else {
                let turn = turns.entry(miss.condition).or_insert(0);
                kept.push((*turn, miss));
                *turn += 1;
            }
        }
        kept.sort_by_key(|(turn, miss)| (*turn, rank_of(miss.condition, counts)));
        kept.truncate(most);
        // Looked for last: every record is asked.
        let caused = |(_, miss): (usize, Miss)| {
            let cause = self.cause(miss.condition, &miss.path, miss.step);
            Miss { cause, ..miss }
        };
        let listed = kept.into_iter().map(caused).collect();
        Near { listed, counts: self.counts }
    }

    /// The record that takes one away, nearest to it; else one that takes away what the step counts.
    fn cause(&self, condition: Condition, path: &[usize], step: usize) -> Option<Cause> {
        let Condition::Absence { absence } = condition else { return None };
        let asked = self.program.clauses.absences.get(absence)?;
        let record = |step: usize| self.records.get(path.get(step)?).copied();
        let at = record(step)?;
        let later = self.candidate(step, at)?;
        if asked.when == When::Between {
            let link = step.checked_sub(1)?;
            let earlier = self.candidate(link, record(link)?)?;
            let clauses = self.program.clauses.links.get(link)?;
            let between = clauses.absences.iter().find(|between| between.absence == absence)?;
            let part = |(of, at): &(Neighbour, usize)| match of {
                Neighbour::Earlier => earlier.more.side_out.get(*at)?.clone(),
                Neighbour::Later => later.more.side_in.get(*at)?.clone(),
            };
            let key: Key = between.parts.iter().map(part).collect::<Option<_>>()?;
            let found = self.exempting(absence, &key, (record(link)?.time + 1, at.time - 1), at.time);
            return found.map(|record| Cause { record, of_counted: false });
        }
        let excluding = |time: i64, candidate: &Candidate<()>| {
            let (_, key) = candidate.more.absences.iter().find(|(number, _)| *number == absence)?;
            let within = match asked.when {
                When::Before(_) | When::Between => (time.saturating_sub(asked.window), time - 1),
                When::After(_) => (time + 1, time.saturating_add(asked.window)),
            };
            self.exempting(absence, key.as_ref()?, within, time)
        };
        if let Some(record) = excluding(at.time, &later) {
            return Some(Cause { record, of_counted: false });
        }
        let window = self.program.clauses.repetitions.get(step)?.as_ref()?.window;
        let counted = |(index, other): (&usize, &&Record)| {
            let is_within = at.time.saturating_sub(window) <= other.time && other.time <= at.time;
            let candidate = is_within.then(|| self.candidate(step, other))??;
            let record =
                excluding(other.time, &candidate).filter(|_| candidate.more.group == later.more.group)?;
            Some((at.time - other.time, *index, record))
        };
        let (_, _, record) = self.records.iter().filter_map(counted).min()?;
        Some(Cause { record, of_counted: true })
    }

    /// A record as one of a step.
    fn candidate(&self, step: usize, record: &Record) -> Option<Candidate<()>> {
        let role = self.program.matched(record).find(|role| self.program.step_of(*role) == Some(step))?;
        match Asked::new(self.program, (record, 0), role, ())? {
            Asked::Step(candidate) => Some(candidate),
            Asked::Absence(_) => None,
        }
    }

    /// The record that must not be there with a key, within a time, nearest to an instant.
    fn exempting(&self, absence: usize, key: &Key, (first, last): (i64, i64), near: i64) -> Option<usize> {
        let found = |(index, record): (&usize, &&Record)| {
            let has_key = |role: usize| {
                let asked = Asked::new(self.program, (record, 0), role, ());
                matches!(asked, Some(Asked::Absence(one)) if one.absence == absence && one.key == *key)
            };
            let is_inside = (first..=last).contains(&record.time);
            let found = is_inside && self.program.matched(record).any(has_key);
            found.then_some(((record.time - near).abs(), *index))
        };
        self.records.iter().filter_map(found).min().map(|(_, index)| index)
    }
}

/// What puts misses together; `None` for one at the beginning of a chain, where nothing does.
fn alike(program: &Program, records: &HashMap<usize, &Record>, miss: &Miss) -> Option<Alike> {
    let before: Vec<usize> = miss.path.iter().take(miss.step).copied().collect();
    if let Condition::Count { step } = miss.condition {
        let record = records.get(miss.path.get(step)?)?;
        let role = program.matched(record).find(|role| program.step_of(*role) == Some(step))?;
        let Some(Asked::Step(candidate)) = Asked::new(program, (record, 0), role, ()) else { return None };
        return Some((miss.condition, before, candidate.more.group));
    }
    (!before.is_empty() && !program.clauses.together).then_some((miss.condition, before, None))
}

/// The step from which an absence takes records, or the later one of the link that it is on.
pub(super) fn owner(program: &Program, absence: usize) -> Option<usize> {
    let of_step = program.roles.iter().find_map(|role| match &role.part {
        program::Part::Step { step, reads } => {
            reads.absences.iter().any(|(number, _)| *number == absence).then_some(*step)
        }
        program::Part::Absence { .. } => None,
    });
    let on =
        |clauses: &program::LinkClauses| clauses.absences.iter().any(|between| between.absence == absence);
    of_step.or_else(|| program.clauses.links.iter().position(on).map(|link| link + 1))
}

/// The part of one alternative's condition that a record alone fails, if it satisfies no other of the step.
pub(super) fn probe<'r>(program: &Program, matched: &Matched<'r>, part: Option<Part>) -> Option<Probe<'r>> {
    let step = program.step_of(matched.step)?;
    let mut others = program.matched(matched.record);
    let satisfies = others.any(|role| program.step_of(role) == Some(step));
    part.filter(|_| !satisfies).map(|part| Probe { matched: *matched, part })
}
