//! Stored records in the engine's order.
//!
//! In: the merged runs of a store. Out: records batch by batch, each once, without those that can follow nothing.
//! Must not know: rules, logs.

use std::io;
use std::sync::Arc;

use foldhash::{HashMap, HashMapExt as _};
use rayon::prelude::*;

use super::merge::Merge;
use super::packed::{Head, StoredRecord, unpack};
use super::run::Run;
use super::seen_keys::SeenKeys;
use crate::engine::record::{Record, Schema};
use crate::engine::value::Value;

/// A batch is no longer than this, unless the records of one instant are more.
const BATCH: usize = 4 * 1024;
/// So many identities are remembered: 48 MB at most.
const MOST_TIMES: usize = 1 << 20;

/// The records of a store, in order.
#[derive(Debug)]
pub(crate) struct Sorted {
    merge: Merge,
    /// The batch at work.
    packed: Run,
    schemas: Vec<Arc<Schema>>,
    keys: Option<SeenKeys>,
    /// Records that came out so far.
    pub(crate) count: u64,
    /// Records that were left out, because they had come out before.
    pub(crate) duplicates: u64,
    /// Records of events that have the identity of another one with other content.
    pub(crate) conflicts: u64,
    /// At what time an identity was seen first.
    times: HashMap<u128, i64>,
    /// Why not all of them could be read back.
    pub(crate) problem: Option<io::Error>,
    /// Why they are all in memory, though they are more than the budget.
    pub(crate) in_memory: Option<io::Error>,
}

impl Sorted {
    /// The records of `merge`; `schemas` are those of the sources in order of name.
    pub(super) fn new(merge: Merge, schemas: Vec<Arc<Schema>>, keys: Option<SeenKeys>) -> Self {
        let packed = Run::default();
        Self {
            merge,
            packed,
            schemas,
            keys,
            count: 0,
            duplicates: 0,
            conflicts: 0,
            times: HashMap::new(),
            problem: None,
            in_memory: None,
        }
    }

    /// The next records: all that are left of some instants.
    fn batch(&mut self) -> Vec<StoredRecord> {
        self.packed.clear();
        loop {
            match self.merge.first() {
                Ok(Some((head, bytes))) => {
                    let last = self.packed.last_head().map(|(time, ..)| time);
                    // The engine needs all records of an instant at once, so a batch never ends within one.
                    if self.packed.len() >= BATCH && last.is_some_and(|last| last != head.0) {
                        break;
                    }
                    self.packed.push_packed(head, bytes);
                    self.merge.advance();
                }
                Ok(None) => break,
                Err(problem) => {
                    self.problem = Some(problem);
                    break;
                }
            }
        }
        let all = (0..self.packed.len()).into_par_iter().with_min_len(512);
        let records = all.map_init(Vec::new, |values, at| self.record(self.packed.get(at)?, values));
        let mut batch: Vec<StoredRecord> = records.flatten_iter().collect();
        // The head orders records up to those of one event; their values decide the rest, so that the order, and with
        // it which of two equal paths an alert shows, does not depend on the order of reading.
        for event in batch.chunk_by_mut(|left, right| {
            left.record.event == right.record.event && left.record.time == right.record.time
        }) {
            event.sort_by(StoredRecord::order);
        }
        // Two deliveries of an event give records of one ordinal, next to each other now.
        let before = batch.len();
        let mut conflicts = 0;
        batch.dedup_by(|later, earlier| {
            let is_duplicate = later.is_duplicate_of(earlier);
            let is_same = later.record.values == earlier.record.values || later.is_count_only;
            conflicts += u64::from(is_duplicate && !is_same);
            is_duplicate
        });
        self.conflicts += conflicts + self.at_other_times(&batch);
        self.duplicates += (before - batch.len()) as u64;
        self.count += batch.len() as u64;
        batch
    }

    /// How many records have an identity that was seen at another time: no event happens twice.
    fn at_other_times(&mut self, batch: &[StoredRecord]) -> u64 {
        let mut found = 0;
        for StoredRecord { record, .. } in batch {
            let event = record.event.bits();
            match self.times.get(&event) {
                Some(time) => found += u64::from(*time != record.time),
                None if self.times.len() < MOST_TIMES => drop(self.times.insert(event, record.time)),
                None => {}
            }
        }
        found
    }

    fn record<'b>(
        &self,
        (head, bytes): (Head, &'b [u8]),
        values: &mut Vec<Option<Value<'b>>>,
    ) -> Option<StoredRecord> {
        let (time, source, event) = head;
        let schema = self.schemas.get(usize::from(source))?;
        let (ordinal, steps) = unpack(bytes, schema, values)?;
        // Asked a second time, now that every key was seen: what was stored early may have been waiting for a key that
        // never came.
        let unlinked = self.keys.as_ref().filter(|keys| !keys.any_can_follow(&steps, values));
        if unlinked.is_some_and(|keys| !keys.counts) {
            return None;
        }
        let is_count_only = unlinked.is_some();
        let values = if is_count_only {
            Box::default()
        } else {
            values.drain(..).map(|value| value.map(Value::into_owned)).collect()
        };
        let record = Record { schema: Arc::clone(schema), time, event, values };
        Some(StoredRecord { record, ordinal, steps, is_count_only })
    }
}

impl Iterator for Sorted {
    type Item = Vec<StoredRecord>;

    fn next(&mut self) -> Option<Vec<StoredRecord>> {
        loop {
            let batch = self.batch();
            let is_end = self.packed.len() == 0;
            // A batch may be left out as a whole while there are more behind it.
            if is_end || !batch.is_empty() {
                return Some(batch).filter(|_| !is_end);
            }
        }
    }
}
