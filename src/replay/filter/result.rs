//! What reading a chunk gave.
//!
//! In: records that satisfy a step, events that were skipped. Out: [`ChunkResult`], its counts and problems; records go
//! to the store. Must not know: rules, formats.

use std::collections::BTreeMap;

use crate::engine::record::Identity;
use crate::replay::read::chunk::Extent;
use crate::replay::store::packed::RecordParts;
use crate::replay::store::{Run, Store};

/// What a chunk gave.
#[derive(Debug)]
pub(crate) struct ChunkResult<'s> {
    store: &'s Store,
    run: Run,
    /// For the text of lines.
    pub(super) buffer: Vec<u8>,
    pub(crate) events: u64,
    pub(crate) read: Extent,
    /// Reason to count and first line.
    pub(crate) skipped: BTreeMap<String, (u64, u64)>,
    pub(crate) files_broken: Vec<(String, String)>,
}

impl<'s> ChunkResult<'s> {
    /// The result of a chunk that is not read yet; records will go to `store`.
    pub(crate) fn new(store: &'s Store, buffer: Vec<u8>) -> Self {
        Self {
            store,
            run: Run::default(),
            buffer,
            events: 0,
            read: Extent::default(),
            skipped: BTreeMap::new(),
            files_broken: Vec::new(),
        }
    }

    /// Where records go.
    pub(super) fn store(&self) -> &'s Store {
        self.store
    }

    /// Keeps a record.
    pub(super) fn keep(&mut self, head: (i64, u16, Identity), record: &RecordParts<'_, '_>) {
        // Before the record is stored: whoever reads a later phase has to find its keys.
        if let Some(keys) = self.store.keys() {
            keys.add(record.steps, record.values);
        }
        self.run.push(head, record);
        if self.run.is_full() {
            self.store.add(std::mem::take(&mut self.run));
        }
    }

    /// Hands over what was kept last, and gives the buffer back.
    pub(crate) fn finish(&mut self) -> Vec<u8> {
        self.store.add(std::mem::take(&mut self.run));
        std::mem::take(&mut self.buffer)
    }

    /// Counts an event that was not used, and why.
    pub(super) fn skip(&mut self, reason: &str, line: u64) {
        match self.skipped.get_mut(reason) {
            Some((count, _)) => *count += 1,
            None => drop(self.skipped.insert(reason.to_owned(), (1, line))),
        }
    }
}
