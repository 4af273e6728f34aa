//! Replay: rules over log files.
//!
//! In: rules, the catalog, files of raw or canonical events. Out: alerts of every rule, the records they rest on, and
//! what was read, skipped and why. Must not know: the command line; it sits beside it and, like it, may use files and
//! threads.
//!
//! ```text
//! files ─ input ─▶ pieces ─(parallel) lines │ json │ flow │ canonical ─ sift ─▶ store ─(sorted)─▶ engine ─▶ alerts
//! ```

mod bounds;
mod brackets;
mod canonical;
mod depth;
pub mod flow;
mod follow;
pub mod input;
mod json;
mod json_key;
mod kept;
mod keys;
mod lines;
pub mod misses;
pub mod near;
mod open;
pub mod output;
mod plain;
mod prefilter;
mod run;
mod sift;
pub mod stats;
mod steps;
mod store;
mod stream;
pub mod tune;

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

use rayon::prelude::*;

use crate::catalog::Catalog;
use crate::engine::alert::{Alert, Matched, Tally};
use crate::engine::predicate::Unrunnable;
use crate::engine::program::Program;
use crate::engine::record::{Record, Schemas};
use crate::ir::Rule;
use input::{Input, Piece};
use kept::Kept;
use keys::Keys;
use near::{NearReport, Second};
use sift::{Harvest, Sifter};
use stats::Stats;
use store::{Sorted, Store};
use stream::is_stream;

/// Rules that are ready to replay.
#[derive(Debug)]
pub struct Plan {
    programs: Vec<Program>,
    schemas: Schemas,
    budget: usize,
    sifter: Sifter,
    near: Option<Second>,
    counts: bool,
}

/// How to read.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// Parse every event in full, also one that can match no step, so that every broken one is found.
    pub thorough: bool,
    /// Count every record that satisfies a step, also one that can be part of no chain.
    pub counts: bool,
    /// Order of the columns of flow logs without a header line.
    pub flow_format: Option<Vec<String>>,
    /// Also look for near misses, and list so many for each rule.
    pub near: Option<usize>,
    /// So many bytes of kept records may be held in memory, more go to a temporary file; a default if not given.
    pub budget: Option<usize>,
}

/// What another thread may watch and ask of a running replay.
#[derive(Debug, Default)]
pub struct Control {
    /// Bytes of the input files read so far.
    pub bytes: AtomicU64,
    /// Set to stop reading; what was read until then is still run.
    pub stop: AtomicBool,
}

/// What a replay found.
#[derive(Debug)]
pub struct Report {
    /// The records that alerts rest on, in the engine's order; with near misses all that match a step, and behind them
    /// those that only a near miss rests on. Alerts and misses point into them.
    pub records: Vec<Record>,
    /// For each rule, in the order of the plan.
    pub rules: Vec<RuleReport>,
    /// Near misses, if they were asked for.
    pub near: Option<NearReport>,
    /// What was read.
    pub stats: Stats,
}

/// What one rule found.
#[derive(Debug)]
pub struct RuleReport {
    /// Name of the rule.
    pub name: String,
    /// Names of its steps.
    pub steps: Vec<String>,
    /// Its alerts after de-duplication, in order.
    pub alerts: Vec<Alert>,
    /// Its counts; `alerts` before de-duplication, `matched` of all records only with [`Options::counts`].
    pub tally: Tally,
}

impl Plan {
    /// Compiles `rules`.
    ///
    /// # Errors
    /// When a rule cannot run, which the checker would have refused.
    pub fn new(rules: &[Rule], catalog: &Catalog, options: &Options) -> Result<Self, Unrunnable> {
        let schemas = Schemas::for_rules(catalog, rules);
        let programs =
            rules.iter().map(|rule| Program::new(rule, &schemas)).collect::<Result<Vec<_>, _>>()?;
        let sifter = Sifter::new(rules, &programs, catalog, &schemas, options, None)?;
        let near = options.near.map(|most| Second::new(rules, catalog, &schemas, options, most));
        let budget = options.budget.unwrap_or(store::BUDGET);
        Ok(Self { programs, schemas, budget, sifter, near, counts: options.counts || options.thorough })
    }

    /// Reads the inputs, keeps what can match, and runs every rule.
    #[must_use]
    pub fn replay(&self, inputs: &[Input], control: &Control) -> Report {
        let began = Instant::now();
        // Near misses are about records that are part of no chain.
        let keys = self.near.is_none().then(|| Keys::new(&self.programs, self.counts));
        let (pieces, mut sorted, mut stats) = self.gather(inputs, control, keys);
        let (records, rules, near) = match &self.near {
            None => {
                let (records, rules) = run::run(&self.programs, &mut sorted);
                (records, rules, None)
            }
            Some(second) => {
                let arranged = Arranged::new((&mut sorted).flatten(), self.programs.len());
                let all = self.programs.par_iter().zip(&arranged.steps);
                let rules = all.map(|(program, steps)| {
                    run::run_at_once(program, &matched(steps, &arranged.records), &arranged.records)
                });
                let rules = rules.collect();
                let (records, near) = second.search(&self.programs, arranged, &pieces, control);
                (records, rules, Some(near))
            }
        };
        stats.finish(&sorted);
        stats.stopped |= control.stop.load(Ordering::Relaxed);
        Report { records, rules, near, stats: Stats { elapsed: began.elapsed(), ..stats } }
    }

    /// Reads the inputs and puts what can match in order.
    fn gather(&self, inputs: &[Input], control: &Control, keys: Option<Keys>) -> (Vec<Piece>, Sorted, Stats) {
        let mut stats = Stats::default();
        let mut pieces = input::pieces(inputs, &mut stats);
        // Who writes two streams may wait for both to be read.
        let in_turns = !pieces.iter().any(|piece| is_stream(&piece.name));
        let turn = |piece: &Piece| if in_turns { self.sifter.turn(piece) } else { 0 };
        pieces.sort_by_key(turn);
        let store = Store::new(self.budget, keys);
        let mut harvests = Vec::with_capacity(pieces.len());
        for pieces in pieces.chunk_by(|left, right| turn(left) == turn(right)) {
            if let (Some(keys), Some(first)) = (store.keys(), pieces.first()) {
                keys.begin(turn(first));
            }
            harvests.extend(read(&self.sifter, pieces, &store, control));
        }
        stats.stopped = control.stop.load(Ordering::Relaxed);
        let mut lines_before = 0;
        for (piece, harvest) in pieces.iter().zip(&harvests) {
            // The lines of a file count on from piece to piece.
            if piece.start == 0 {
                lines_before = 0;
            }
            stats.add(piece, harvest, lines_before);
            lines_before += harvest.lines;
        }
        drop(harvests);
        (pieces, store.sorted(self.schemas.iter().cloned().collect()), stats)
    }
}

/// Reads pieces in parallel; what is kept goes to `store`.
fn read<'s>(sifter: &Sifter, pieces: &[Piece], store: &'s Store, control: &Control) -> Vec<Harvest<'s>> {
    // A buffer serves one piece after another: made anew, its memory would be cleared every time.
    let buffers = Mutex::new(Vec::new());
    let spare = || buffers.lock().unwrap_or_else(PoisonError::into_inner);
    let one = |piece: &Piece| {
        if control.stop.load(Ordering::Relaxed) {
            return Harvest::new(store, Vec::new());
        }
        let buffer = spare().pop().unwrap_or_default();
        let mut harvest = Harvest::new(store, buffer);
        let read = sifter.read(piece, control, &mut harvest);
        // What was given up half read need not be whole.
        if let Err(problem) = read
            && !control.stop.load(Ordering::Relaxed)
        {
            harvest.files_broken.push((piece.name.clone(), problem.to_string()));
        }
        let buffer = harvest.finish();
        spare().push(buffer);
        harvest
    };
    pieces.par_iter().map(one).collect()
}

/// All that was kept, in the engine's order.
#[derive(Debug)]
struct Arranged {
    records: Vec<Record>,
    /// For each rule the records that satisfy a step, with the step.
    steps: Vec<Vec<(usize, usize)>>,
}

impl Arranged {
    /// What was kept for so many rules, in the order in which it comes.
    fn new(kept: impl Iterator<Item = Kept>, rules: usize) -> Self {
        let mut this = Self { records: Vec::new(), steps: vec![Vec::new(); rules] };
        for kept in kept {
            for (rule, step) in &kept.steps {
                if let Some(of_rule) = this.steps.get_mut(*rule as usize) {
                    of_rule.push((this.records.len(), usize::from(*step)));
                }
            }
            this.records.push(kept.record);
        }
        this
    }
}

fn matched<'r>(steps: &[(usize, usize)], records: &'r [Record]) -> Vec<Matched<'r>> {
    let one = |(index, step): &(usize, usize)| {
        Some(Matched { index: *index, record: records.get(*index)?, step: *step })
    };
    steps.iter().filter_map(one).collect()
}
