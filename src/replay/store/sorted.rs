//! Stored records in the engine's order.
//!
//! In: the merged runs of a store. Out: records batch by batch, each once, without those that can follow nothing.
//! Must not know: rules, logs.

use std::io;
use std::sync::Arc;

use rayon::prelude::*;

use super::merge::Merge;
use super::packed::{Head, StoredRecord, unpack};
use super::run::Run;
use super::seen_keys::SeenKeys;
use crate::engine::record::{Record, Schema};
use crate::engine::value::Value;

/// A batch is no longer than this, unless the records of one instant are more.
const BATCH: usize = 4 * 1024;

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
    /// Why not all of them could be read back.
    pub(crate) problem: Option<io::Error>,
    /// Why they are all in memory, though they are more than the budget.
    pub(crate) in_memory: Option<io::Error>,
}

impl Sorted {
    /// The records of `merge`; `schemas` are those of the sources in order of name.
    pub(super) fn new(merge: Merge, schemas: Vec<Arc<Schema>>, keys: Option<SeenKeys>) -> Self {
        let packed = Run::default();
        Self { merge, packed, schemas, keys, count: 0, duplicates: 0, problem: None, in_memory: None }
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
        batch.dedup_by(|later, earlier| later.is_duplicate_of(earlier));
        self.duplicates += (before - batch.len()) as u64;
        self.count += batch.len() as u64;
        batch
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
