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
pub mod flow;
pub mod input;
mod json;
mod lines;
mod open;
pub mod output;
mod prefilter;
mod sift;
pub mod stats;

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
use sift::{Harvest, Kept, Sifter};
use stats::Stats;

/// Rules that are ready to replay.
#[derive(Debug)]
pub struct Plan {
    programs: Vec<Program>,
    sifter: Sifter,
}

/// How to read.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// Parse every event in full, also one that can match no step, so that every broken one is found.
    pub thorough: bool,
    /// Order of the columns of flow logs without a header line.
    pub flow_format: Option<Vec<String>>,
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
    /// The records that matched a step, in the engine's order; alerts point into them.
    pub records: Vec<Record>,
    /// For each rule, in the order of the plan.
    pub rules: Vec<RuleReport>,
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
        let sifter = Sifter::new(rules, &programs, catalog, &schemas, options)?;
        Ok(Self { programs, sifter })
    }

    /// Reads the inputs, keeps what can match, and runs every rule.
    #[must_use]
    pub fn replay(&self, inputs: &[Input], control: &Control) -> Report {
        let began = Instant::now();
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
        let report = self.run(kept, stats);
        Report { stats: Stats { elapsed: began.elapsed(), ..report.stats }, ..report }
    }

    fn read(&self, piece: &Piece, control: &Control) -> Harvest {
        let mut harvest = Harvest::default();
        if let Err(problem) = self.sifter.read(piece, control, &mut harvest) {
            harvest.files_broken.push((piece.name.clone(), problem.to_string()));
        }
        harvest
    }

    fn run(&self, mut kept: Vec<Kept>, mut stats: Stats) -> Report {
        kept.par_sort_by(|left, right| {
            left.record.order(&right.record).then(left.ordinal.cmp(&right.ordinal))
        });
        let before = kept.len();
        kept.dedup_by(|later, earlier| later.delivers_again(earlier));
        stats.duplicates = (before - kept.len()) as u64;
        stats.kept = kept.len() as u64;
        let mut steps: Vec<Vec<(usize, usize)>> = vec![Vec::new(); self.programs.len()];
        let mut records = Vec::with_capacity(kept.len());
        for (index, kept) in kept.into_iter().enumerate() {
            for (rule, step) in &kept.steps {
                steps
                    .iter_mut()
                    .skip(*rule as usize)
                    .take(1)
                    .for_each(|of_rule| of_rule.push((index, *step as usize)));
            }
            records.push(kept.record);
        }
        let run = |(program, matched): (&Program, &Vec<(usize, usize)>)| run_rule(program, matched, &records);
        let rules = self.programs.par_iter().zip(&steps).map(run).collect();
        Report { records, rules, stats }
    }
}

fn run_rule(program: &Program, matched: &[(usize, usize)], records: &[Record]) -> RuleReport {
    let matched: Vec<Matched<'_>> = matched
        .iter()
        .filter_map(|(index, step)| {
            Some(Matched { index: *index, record: records.get(*index)?, step: *step })
        })
        .collect();
    let (alerts, tally) = run_matched(program, &matched);
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
