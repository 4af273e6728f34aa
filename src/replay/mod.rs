//! Replay: rules over log files.
//!
//! In: rules, the catalog, files of raw or canonical events. Out: alerts of every rule, the records they rest on, and what was
//! read, skipped and why.
//! Must not know: the command line; it sits beside it and, like it, may use files and threads.
//!
//! ```text
//! files ─ input ─▶ pieces ─(in parallel) lines │ json │ flow │ canonical ─ sift ─▶ kept records ─ sort ─▶ engine ─▶ alerts
//! ```

mod canonical;
mod depth;
pub mod flow;
pub mod input;
mod json;
mod lines;
pub mod misses;
pub mod near;
mod open;
pub mod output;
mod prefilter;
mod sift;
pub mod stats;
pub mod tune;

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Instant;

use rayon::prelude::*;

use crate::catalog::Catalog;
use crate::engine::alert::{Alert, Matched, Tally, dedupe, run_matched};
use crate::engine::predicate::Unrunnable;
use crate::engine::program::Program;
use crate::engine::record::{Record, Schemas};
use crate::ir::Rule;
use input::{Input, Piece};
use near::{NearReport, Second};
use sift::{Harvest, Kept, Sifter};
use stats::Stats;

/// Rules that are ready to replay.
#[derive(Debug)]
pub struct Plan {
    programs: Vec<Program>,
    sifter: Sifter,
    near: Option<Second>,
}

/// How to read.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// Parse every event in full, also one that can match no step, so that every broken one is found.
    pub thorough: bool,
    /// Order of the columns of flow logs without a header line.
    pub flow_format: Option<Vec<String>>,
    /// Also look for near misses, and list so many for each rule.
    pub near: Option<usize>,
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
    /// The records that matched a step, in the engine's order, then those of near misses; alerts and misses point into them.
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
    /// Its counts; `alerts` before de-duplication.
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
        Ok(Self { programs, sifter, near })
    }

    /// Reads the inputs, keeps what can match, and runs every rule.
    #[must_use]
    pub fn replay(&self, inputs: &[Input], control: &Control) -> Report {
        let began = Instant::now();
        let (pieces, arranged, mut stats) = self.gather(inputs, control);
        let run =
            |(program, steps): (&Program, &Vec<(usize, usize)>)| run_rule(program, steps, &arranged.records);
        let rules = self.programs.par_iter().zip(&arranged.steps).map(run).collect();
        let (records, near) = match &self.near {
            None => (arranged.records, None),
            Some(second) => second.search(&self.programs, arranged, &pieces, control),
        };
        stats.stopped |= control.stop.load(Ordering::Relaxed);
        Report { records, rules, near, stats: Stats { elapsed: began.elapsed(), ..stats } }
    }

    /// Reads the inputs and puts what can match in order.
    fn gather(&self, inputs: &[Input], control: &Control) -> (Vec<Piece>, Arranged, Stats) {
        let mut stats = Stats::default();
        let pieces = input::pieces(inputs, &mut stats);
        let harvests: Vec<Harvest> = pieces
            .par_iter()
            .map(|piece| {
                if control.stop.load(Ordering::Relaxed) {
                    Harvest::default()
                } else {
                    self.read(piece, control)
                }
            })
            .collect();
        stats.stopped = control.stop.load(Ordering::Relaxed);
        let kept = gather(&pieces, harvests, &mut stats);
        let arranged = Arranged::new(kept, self.programs.len());
        stats.duplicates = arranged.duplicates as u64;
        stats.kept = arranged.records.len() as u64;
        (pieces, arranged, stats)
    }

    fn read(&self, piece: &Piece, control: &Control) -> Harvest {
        let mut harvest = Harvest::default();
        if let Err(problem) = self.sifter.read(piece, control, &mut harvest) {
            harvest.files_broken.push((piece.name.clone(), problem.to_string()));
        }
        harvest
    }
}

/// What was kept, in the engine's order.
#[derive(Debug)]
struct Arranged {
    records: Vec<Record>,
    /// For each rule the records that satisfy a step, with the step.
    steps: Vec<Vec<(usize, usize)>>,
    /// How many were delivered more than once, and are left out.
    duplicates: usize,
}

impl Arranged {
    /// Puts what was kept for so many rules in order.
    fn new(mut kept: Vec<Kept>, rules: usize) -> Self {
        kept.par_sort_by(|left, right| {
            left.record.order(&right.record).then(left.ordinal.cmp(&right.ordinal))
        });
        let before = kept.len();
        kept.dedup_by(|later, earlier| later.delivers_again(earlier));
        let duplicates = before - kept.len();
        let mut steps = vec![Vec::new(); rules];
        let mut records = Vec::with_capacity(kept.len());
        for (index, kept) in kept.into_iter().enumerate() {
            for (rule, step) in &kept.steps {
                if let Some(of_rule) = steps.get_mut(*rule as usize) {
                    of_rule.push((index, *step as usize));
                }
            }
            records.push(kept.record);
        }
        Self { records, steps, duplicates }
    }
}

fn matched<'r>(steps: &[(usize, usize)], records: &'r [Record]) -> Vec<Matched<'r>> {
    let one = |(index, step): &(usize, usize)| {
        Some(Matched { index: *index, record: records.get(*index)?, step: *step })
    };
    steps.iter().filter_map(one).collect()
}

fn run_rule(program: &Program, steps: &[(usize, usize)], records: &[Record]) -> RuleReport {
    let (alerts, tally) = run_matched(program, &matched(steps, records));
    let alerts = match &program.dedupe {
        Some(by) => dedupe(by, records, alerts),
        None => alerts,
    };
    let steps = program.steps.iter().map(|step| step.name.clone()).collect();
    RuleReport { name: program.name.clone(), steps, alerts, tally }
}

/// Puts the harvests of all pieces together; the lines of a file count on from piece to piece.
fn gather(pieces: &[Piece], harvests: Vec<Harvest>, stats: &mut Stats) -> Vec<Kept> {
    let mut kept = Vec::with_capacity(harvests.iter().map(|harvest| harvest.kept.len()).sum());
    let mut lines_before = 0;
    for (piece, harvest) in pieces.iter().zip(harvests) {
        if piece.start == 0 {
            lines_before = 0;
        }
        stats.add(piece, &harvest, lines_before);
        lines_before += harvest.lines;
        kept.extend(harvest.kept);
    }
    kept
}
