//! Near misses of a replay: what the engine needs for them, from the logs.
//!
//! In: what a replay kept, and the logs once more. Out: [`NearReport`]: for each rule its near misses with reasons.
//! Must not know: output formats.
//!
//! Chains that a window or a key breaks consist of records that were kept. A record that fails one part of a step was
//! not; so the logs are read a second time, for records that fail one part of a step *and* carry a link key of a chain
//! that reaches the step from both sides at that time. The bytes to search for are fewer than those that the steps
//! themselves demand, but nothing else of the way to read differs. Should there be more such records than
//! [`MOST_PROBES`], a sample of events is looked at that does not depend on the order of reading.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};

use rayon::prelude::*;

use super::input::Piece;
use super::kept::Kept;
use super::sift::Sifter;
use super::store::{self, Store};
use super::stream::is_stream;
use super::{Arranged, Control, Options, matched};
use crate::catalog::Catalog;
use crate::engine::alert::Matched;
use crate::engine::near::{self, Condition, Frontier, Miss, Probe, Why, failing_part};
use crate::engine::predicate::Values;
use crate::engine::program::{Program, Step};
use crate::engine::record::{Identity, Record, Schemas};
use crate::ir::Rule;

/// So many records that fail one part of a step are kept, all rules together.
pub const MOST_PROBES: u64 = 1 << 17;

/// The near misses of all rules.
#[derive(Debug, Default)]
pub struct NearReport {
    /// For each rule, in the order of the plan.
    pub rules: Vec<RuleNear>,
    /// One in so many events was looked at for records that fail one part of a step; 1 if all were.
    pub sampled: u64,
    /// Whether events came from standard input, which cannot be read a second time.
    pub unread: bool,
}

/// The near misses of one rule.
#[derive(Debug, Default)]
pub struct RuleNear {
    /// Each condition that a chain failed alone: its step, what it asks, and the number of records at which.
    pub counts: Vec<(String, String, u64)>,
    /// The nearest, by turns of conditions.
    pub listed: Vec<Explained>,
}

/// A near miss with its reason.
#[derive(Debug)]
pub struct Explained {
    /// The miss; its records are those of the replay's report.
    pub miss: Miss,
    /// The step that breaks the chain, and the condition.
    pub at: (String, String),
    /// Why.
    pub why: Why,
    /// Of a key: its field in the record before, and in the record at which the chain breaks.
    pub fields: Option<(String, String)>,
}

/// Everything that a second reading needs.
#[derive(Debug)]
pub(super) struct Second {
    rules: Vec<Rule>,
    catalog: Catalog,
    schemas: Schemas,
    options: Options,
    most: usize,
}

impl Second {
    pub(super) fn new(
        rules: &[Rule],
        catalog: &Catalog,
        schemas: &Schemas,
        options: &Options,
        most: usize,
    ) -> Self {
        let (rules, catalog, schemas) = (rules.to_vec(), catalog.clone(), schemas.clone());
        Self { rules, catalog, schemas, options: options.clone(), most }
    }

    /// The near misses of all rules, and the records of the first reading with those of the second behind them.
    pub(super) fn search(
        &self,
        programs: &[Program],
        arranged: Arranged,
        pieces: &[Piece],
        control: &Control,
    ) -> (Vec<Record>, NearReport) {
        let frontier = |(program, steps): (&Program, &Vec<(usize, usize)>)| {
            Frontier::new(program, &matched(steps, &arranged.records))
        };
        let frontiers = programs.par_iter().zip(&arranged.steps).map(frontier).collect();
        let wanted = Arc::new(Wanted { frontiers, sample: Sample::default() });
        let probes = self.read(programs, &wanted, pieces, control);
        let first = arranged.records.len();
        let Arranged { records: more, steps } = Arranged::new(probes.into_iter(), programs.len());
        let mut records = arranged.records;
        records.extend(more);
        let of_rule = |(((rule, program), kept), probes): (((&Rule, &Program), &Vec<_>), &Vec<_>)| {
            let behind: Vec<_> = probes.iter().map(|(index, step)| (first + index, *step)).collect();
            let probes = probes_of(program, &matched(&behind, &records));
            explain(rule, program, &matched(kept, &records), &probes, &records, self.most)
        };
        let both = self.rules.par_iter().zip(programs).zip(&arranged.steps).zip(&steps);
        let rules = both.map(of_rule).collect();
        let unread = pieces.iter().any(|piece| is_stream(&piece.name));
        (records, NearReport { rules, sampled: wanted.sample.one_in(), unread })
    }

    /// Reads the logs for records that fail one part of a step.
    fn read(
        &self,
        programs: &[Program],
        wanted: &Arc<Wanted>,
        pieces: &[Piece],
        control: &Control,
    ) -> Vec<Kept> {
        let (catalog, schemas, misses) = (&self.catalog, &self.schemas, Some(wanted));
        let sifter = Sifter::new(&self.rules, programs, catalog, schemas, &self.options, misses);
        // The same rules were compiled for the first reading, so this cannot fail.
        let Ok(sifter) = sifter else { return Vec::new() };
        let again: Vec<Piece> = pieces.iter().filter(|piece| !is_stream(&piece.name)).cloned().collect();
        let store = Store::new(self.options.budget.unwrap_or(store::BUDGET), None);
        // What cannot be read was reported the first time.
        drop(super::read(&sifter, &again, &store, control));
        let probes = store.sorted(schemas.iter().cloned().collect()).flatten();
        probes.filter(|kept| wanted.sample.holds(kept.record.event)).collect()
    }
}

fn probes_of<'r>(program: &Program, matched: &[Matched<'r>]) -> Vec<Probe<'r>> {
    let part = |one: &Matched<'r>| failing_part(program.steps.get(one.step)?, &one.record.values);
    matched.iter().filter_map(|one| Some(Probe { matched: *one, part: part(one)? })).collect()
}

fn explain(
    rule: &Rule,
    program: &Program,
    matched: &[Matched<'_>],
    probes: &[Probe<'_>],
    records: &[Record],
    most: usize,
) -> RuleNear {
    let found = near::near(program, matched, probes, most);
    let named = |condition: Condition| {
        let (step, condition) = near::condition(rule, condition)?;
        Some((step.to_owned(), condition))
    };
    let counted = |(condition, count): (&Condition, &u64)| {
        let (step, condition) = named(*condition)?;
        Some((step, condition, *count))
    };
    let explained = |miss: Miss| {
        let why = near::why(rule, program, records, &miss)?;
        let fields = near::key_fields(rule, miss.condition);
        let fields = fields.map(|(before, here)| (before.to_owned(), here.to_owned()));
        Some(Explained { at: named(miss.condition)?, why, fields, miss })
    };
    RuleNear {
        counts: found.counts.iter().filter_map(counted).collect(),
        listed: found.listed.into_iter().filter_map(explained).collect(),
    }
}

/// What a second reading looks for.
#[derive(Debug)]
pub(super) struct Wanted {
    frontiers: Vec<Frontier>,
    sample: Sample,
}

impl Wanted {
    /// Whether any record can be wanted at a step of a rule.
    pub(super) fn is_open(&self, (rule, step): (u32, u16)) -> bool {
        self.frontiers.get(rule as usize).is_some_and(|frontier| frontier.is_open(step.into()))
    }

    /// Whether a record of these values could be a near miss at a step of a rule.
    pub(super) fn wants(
        &self,
        (rule, number): (u32, u16),
        step: &Step,
        values: &Values<'_>,
        time: Option<i64>,
    ) -> bool {
        let (Some(time), Some(frontier)) = (time, self.frontiers.get(rule as usize)) else { return false };
        failing_part(step, values).is_some() && frontier.wants(number.into(), values, time)
    }

    /// Whether a record of this event is kept, for all that is known so far.
    pub(super) fn admits(&self, event: Identity) -> bool {
        self.sample.admit(event)
    }
}

/// Chooses events by their identity, fewer and fewer as there are more: each level keeps half of the level before it.
/// Which level is reached depends on the records alone, not on the order in which they come.
#[derive(Debug)]
struct Sample {
    level: AtomicU32,
    counts: Vec<AtomicU64>,
}

impl Default for Sample {
    fn default() -> Self {
        Self { level: AtomicU32::new(0), counts: (0..=64).map(|_| AtomicU64::new(0)).collect() }
    }
}

impl Sample {
    fn level_of(event: Identity) -> u32 {
        let mut hasher = DefaultHasher::new();
        event.hash(&mut hasher);
        hasher.finish().trailing_zeros()
    }

    fn admit(&self, event: Identity) -> bool {
        let own = Self::level_of(event);
        if let Some(count) = self.counts.get(own as usize) {
            count.fetch_add(1, Ordering::Relaxed);
        }
        let mut level = self.level.load(Ordering::Relaxed);
        while self.at_least(level) > MOST_PROBES {
            level = level.max(self.level.fetch_max(level + 1, Ordering::Relaxed)) + 1;
        }
        own >= level
    }

    fn at_least(&self, level: u32) -> u64 {
        self.counts.iter().skip(level as usize).map(|count| count.load(Ordering::Relaxed)).sum()
    }

    fn holds(&self, event: Identity) -> bool {
        Self::level_of(event) >= self.level.load(Ordering::Relaxed)
    }

    fn one_in(&self) -> u64 {
        1 << self.level.load(Ordering::Relaxed).min(63)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sample_does_not_depend_on_order() {
        let events: Vec<Identity> = (0..400_000_u32).map(|number| Identity::of("source", number)).collect();
        let (forwards, backwards) = (Sample::default(), Sample::default());
        let kept: Vec<_> = events.iter().filter(|event| forwards.admit(**event)).collect();
        events.iter().rev().for_each(|event| _ = backwards.admit(*event));
        let held = |sample: &Sample| events.iter().filter(|event| sample.holds(**event)).count() as u64;
        assert_eq!(forwards.one_in(), 4);
        assert_eq!(held(&forwards), held(&backwards));
        assert!(held(&forwards) <= MOST_PROBES && held(&forwards) > MOST_PROBES / 2);
        assert!(kept.len() as u64 <= 2 * MOST_PROBES);
    }
}
