//! Replay: rules over log files.
//!
//! In: rules, the catalog, files of raw or canonical events. Out: alerts of every rule, the records they rest on, and
//! what was read, skipped and why. Must not know: the command line; it sits beside it and, like it, may use files and
//! threads.
//!
//! ```text
//! files ─ read ─▶ chunks ─(in parallel) lines │ JSON │ flow │ canonical ─ filter ─▶ store
//! store ─(sorted)─▶ run: engine ─▶ report
//! ```
//!
//! | folder | |
//! |---|---|
//! | `read` | what the user names, opened, unpacked and cut into events |
//! | `filter` | which events can matter, and which steps their records satisfy |
//! | `store` | those records, sorted, in bounded memory |
//! | `report` | alerts, near misses and counts as text |

mod everything;
mod filter;
mod gather;
mod given;
mod near;
mod options;
mod read;
pub mod report;
mod run;
mod store;
pub mod trace;
pub mod tune;

use std::sync::atomic::Ordering;
use std::time::Instant;

use rayon::prelude::*;

use crate::catalog::Catalog;
use crate::engine::alert::Tally;
use crate::engine::predicate::CompileError;
use crate::engine::program::Program;
use crate::engine::record::Schemas;
use crate::engine::value::instant_text;
use crate::ir::Rule;
use filter::log_filter::LogFilter;
use gather::gather;
use near::SecondPass;
use read::chunk::Chunk;
use read::input::Inputs;
use report::Shown;
use report::stats::Stats;
use run::{MatchedRecords, matched};
use store::seen_keys::SeenKeys;
use store::{BUDGET, Sorted, Store};

pub use everything::{any_record, records};
pub use options::{Control, Options};
pub use read::columns;
pub use read::input::{self, Input, LogText};
pub use report::{Report, RuleReport, misses, output, stats, timeline};

/// Rules that are ready to replay.
#[derive(Debug)]
pub struct Plan {
    programs: Vec<Program>,
    schemas: Schemas,
    budget: usize,
    from: Option<i64>,
    filter: LogFilter,
    near: Option<SecondPass>,
    counts: bool,
    shown: Vec<Shown>,
}

impl Plan {
    /// Compiles `rules`.
    ///
    /// # Errors
    /// When a rule cannot run, which the checker would have refused.
    pub fn new(rules: &[Rule], catalog: &Catalog, options: &Options) -> Result<Self, CompileError> {
        let schemas = Schemas::for_rules(catalog, rules);
        let from = options.from.unwrap_or(i64::MIN);
        let program = |rule| Program::new(rule, &schemas).map(|program| Program { from, ..program });
        let programs = rules.iter().map(program).collect::<Result<Vec<_>, _>>()?;
        let filter = LogFilter::new(rules, &programs, catalog, &schemas, options, None)?;
        let near = options.near.map(|most| SecondPass::new(rules, catalog, &schemas, options, most));
        let budget = options.budget.unwrap_or(BUDGET);
        let counts = options.counts || options.thorough;
        let shown = rules.iter().map(Shown::of).collect();
        Ok(Self { programs, schemas, budget, from: options.from, filter, near, counts, shown })
    }

    /// Reads the inputs, keeps what can match, and runs every rule.
    #[must_use]
    pub fn replay(&self, inputs: &[Input], control: &Control) -> Report {
        self.replay_chunks(|| input::chunks(inputs, self.filter.recogniser()), control)
    }

    /// Reads logs in memory, keeps what can match, and runs every rule.
    #[must_use]
    pub fn replay_texts(&self, texts: &[LogText], control: &Control) -> Report {
        self.replay_chunks(|| input::in_memory(texts, self.filter.recogniser()), control)
    }

    fn replay_chunks(&self, find: impl FnOnce() -> Inputs, control: &Control) -> Report {
        let began = Instant::now();
        // Near misses are about records that are part of no chain, so none may be passed over for its link keys.
        let keys = self.near.is_none().then(|| SeenKeys::new(&self.programs, self.counts));
        let (chunks, mut sorted, mut stats) = self.gather(find(), control, keys);
        let (records, rules, near) = match &self.near {
            None => {
                let (records, rules) = run::run(&self.programs, &mut sorted);
                (records, rules, None)
            }
            Some(second) => {
                let matching = MatchedRecords::new((&mut sorted).flatten(), self.programs.len());
                let all = self.programs.par_iter().zip(&matching.steps);
                let rules = all.map(|(program, steps)| {
                    run::run_at_once(program, &matched(steps, &matching.records), &matching.records)
                });
                let rules = rules.collect();
                let (records, near) = second.search(&self.programs, matching, &chunks, control);
                (records, rules, Some(near))
            }
        };
        stats.finish(&sorted);
        stats.notes.extend(self.from.and_then(|from| history(from, &rules)));
        // Asked once more: the second reading may have been stopped as well.
        stats.stopped |= control.stop.load(Ordering::Relaxed);
        let shown = self.shown.clone();
        Report { records, rules, shown, near, stats: Stats { elapsed: began.elapsed(), ..stats } }
    }

    /// Reads chunks and puts the records that satisfy a step in order.
    fn gather(
        &self,
        found: Inputs,
        control: &Control,
        keys: Option<SeenKeys>,
    ) -> (Vec<Chunk>, Sorted, Stats) {
        let store = Store::new(self.budget, keys);
        let given = found.given.clone();
        let (chunks, mut stats) = gather(&self.filter, found, &store, control);
        given::name_missing(&self.programs, &given, &mut stats);
        (chunks, store.sorted(self.schemas.iter().cloned().collect()), stats)
    }
}

/// A sentence about the records that are history.
fn history(from: i64, rules: &[RuleReport]) -> Option<String> {
    let sum = |count: fn(&Tally) -> u64| rules.iter().map(|rule| count(&rule.tally)).sum::<u64>();
    let (history, present) = (sum(|tally| tally.history), sum(|tally| tally.present));
    let from = instant_text(from);
    Some(match (history, present) {
        (0, _) => return None,
        (_, 0) => format!("every record that satisfies a step is before {from}, so nothing could alert"),
        (1, _) => {
            format!("1 record that satisfies a step is before {from}: it begins no chain and ends none")
        }
        (count, _) => {
            format!("{count} records that satisfy a step are before {from}: they begin no chain and end none")
        }
    })
}
