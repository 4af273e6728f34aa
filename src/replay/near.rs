//! Near misses of a replay: what the engine needs for them, from the logs.
//!
//! In: what a replay kept, and the logs once more. Out: [`NearReport`]: for each rule its near misses with reasons.
//! Must not know: output formats.
//!
//! Chains that a window or a key breaks consist of records that were kept. A record that fails one part of a step was
//! not; so the logs are read a second time, for records that fail one part of a step *and* carry a link key of a chain
//! that reaches the step from both sides at that time. The bytes to search for are fewer than those that the steps
//! themselves demand, but nothing else of the way to read differs. Should there be more such records than
//! [`MOST_PROBES`](super::filter::probe_filter::MOST_PROBES), a sample of events is looked at that does not depend on
//! the order of reading.

use std::sync::Arc;

use rayon::prelude::*;

use super::filter::log_filter::LogFilter;
use super::filter::probe_filter::ProbeFilter;
use super::gather::read_chunks;
use super::options::{Control, Options};
use super::read::chunk::Chunk;
use super::report::{Explained, NearReport, RuleNear};
use super::run::{MatchedRecords, matched};
use super::store::packed::StoredRecord;
use super::store::{BUDGET, Store};
use crate::catalog::Catalog;
use crate::engine::alert::Matched;
use crate::engine::near::{self, Condition, Frontier, Miss, Probe};
use crate::engine::program::Program;
use crate::engine::record::{Record, Schemas};
use crate::ir::Rule;

/// Everything that a second reading needs.
#[derive(Debug)]
pub(super) struct SecondPass {
    rules: Vec<Rule>,
    catalog: Catalog,
    schemas: Schemas,
    options: Options,
    most: usize,
}

impl SecondPass {
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
        first_pass: MatchedRecords,
        chunks: &[Chunk],
        control: &Control,
    ) -> (Vec<Record>, NearReport) {
        let frontier = |(program, steps): (&Program, &Vec<(usize, usize)>)| {
            Frontier::new(program, &matched(steps, &first_pass.records))
        };
        let frontiers = programs.par_iter().zip(&first_pass.steps).map(frontier).collect();
        let wanted = Arc::new(ProbeFilter::new(frontiers));
        let probes = self.read(programs, &wanted, chunks, control);
        let first = first_pass.records.len();
        let MatchedRecords { records: more, steps } = MatchedRecords::new(probes.into_iter(), programs.len());
        let mut records = first_pass.records;
        records.extend(more);
        let of_rule = |(((rule, program), kept), probes): (((&Rule, &Program), &Vec<_>), &Vec<_>)| {
            let behind: Vec<_> = probes.iter().map(|(index, step)| (first + index, *step)).collect();
            let probes = probes_of(program, &matched(&behind, &records));
            explain(rule, program, &matched(kept, &records), &probes, &records, self.most)
        };
        let both = self.rules.par_iter().zip(programs).zip(&first_pass.steps).zip(&steps);
        let rules = both.map(of_rule).collect();
        let unread = chunks.iter().any(Chunk::is_stream);
        (records, NearReport { rules, sampled: wanted.one_in(), unread })
    }

    /// Reads the logs for records that fail one part of a step.
    fn read(
        &self,
        programs: &[Program],
        wanted: &Arc<ProbeFilter>,
        chunks: &[Chunk],
        control: &Control,
    ) -> Vec<StoredRecord> {
        let (catalog, schemas, probes) = (&self.catalog, &self.schemas, Some(wanted));
        let filter = LogFilter::new(&self.rules, programs, catalog, schemas, &self.options, probes);
        // The same rules were compiled for the first reading, so this cannot fail.
        let Ok(filter) = filter else { return Vec::new() };
        let again: Vec<Chunk> = chunks.iter().filter(|chunk| !chunk.is_stream()).cloned().collect();
        // No key is asked here: the frontier has asked those of both sides already.
        let store = Store::new(self.options.budget.unwrap_or(BUDGET), None);
        // What cannot be read was reported the first time.
        drop(read_chunks(&filter, &again, &store, control));
        // What was stored before the sample shrank may not be in it any more.
        let probes = store.sorted(schemas.iter().cloned().collect()).flatten();
        probes.filter(|stored| wanted.holds(stored.record.event)).collect()
    }
}

fn probes_of<'r>(program: &Program, matched: &[Matched<'r>]) -> Vec<Probe<'r>> {
    matched.iter().filter_map(|one| Probe::of(program, *one)).collect()
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
