//! What reading a chunk gave.
//!
//! In: records that satisfy a step, events that were skipped. Out: [`ChunkResult`], its counts and problems; records go
//! to the store. Must not know: rules, formats.

use std::collections::{BTreeMap, BTreeSet};

use crate::engine::record::Identity;
use crate::replay::read::chunk::Extent;
use crate::replay::read::columns::Layout;
use crate::replay::store::packed::RecordParts;
use crate::replay::store::{Run, Store};

/// What is noted of an event with bytes that are not UTF-8.
pub(crate) const NOT_UTF8: &str = "it has bytes that are not valid UTF-8; they were read as U+FFFD";

/// What a chunk gave.
#[derive(Debug)]
pub(crate) struct ChunkResult<'s> {
    store: &'s Store,
    run: Run,
    /// Runs that wait until it is certain that the chunk began where a value does.
    held: Option<Vec<Run>>,
    /// For the text of the file.
    pub(super) buffer: Vec<u8>,
    /// The columns in force before the chunk and behind it.
    pub(crate) layouts: (Option<Layout>, Option<Layout>),
    pub(crate) read: Extent,
    pub(crate) counts: Counts,
}

/// What was seen, but for the records.
#[derive(Debug, Default)]
pub(crate) struct Counts {
    /// Values and lines where an event should be.
    pub(crate) events: u64,
    /// Those that are events of the source, and how many of these could not be used.
    pub(crate) of_source: u64,
    pub(crate) unusable: u64,
    /// Reason to count and first line.
    pub(crate) skipped: BTreeMap<String, (u64, u64)>,
    /// What the user should know of events that were used.
    pub(crate) noted: BTreeMap<String, (u64, u64)>,
    /// Events that stand in an envelope that is not known: how many, the first line, and the keys there.
    pub(crate) enclosed: Option<(u64, u64, String)>,
    /// What the first value is that is no event.
    pub(crate) first_other: Option<String>,
    /// Which fields its columns lack that rules read.
    pub(crate) lacking: BTreeSet<String>,
    /// Why the chunk could not be read to its end.
    pub(crate) broken: Option<String>,
}

impl<'s> ChunkResult<'s> {
    /// The result of a chunk that is not read yet; records will go to `store`, at once or, if they are `held`, when
    /// that is asked for.
    pub(crate) fn new(store: &'s Store, buffer: Vec<u8>, held: bool) -> Self {
        Self {
            store,
            run: Run::default(),
            held: held.then(Vec::new),
            buffer,
            layouts: (None, None),
            read: Extent::default(),
            counts: Counts::default(),
        }
    }

    /// Where records go.
    pub(super) fn store(&self) -> &'s Store {
        self.store
    }

    /// Keeps a record.
    pub(super) fn keep(&mut self, head: (i64, u16, Identity), record: &RecordParts<'_, '_>) {
        // Before the record is stored: whoever reads a later phase has to find its keys. Those of a chunk that is read
        // again let more records pass than needed, never fewer.
        if let Some(keys) = self.store.keys() {
            keys.add(record.steps, record.values);
        }
        self.run.push(head, record);
        if self.run.is_full() {
            self.hand_over();
        }
    }

    fn hand_over(&mut self) {
        let run = std::mem::take(&mut self.run);
        match &mut self.held {
            Some(held) => held.push(run),
            None => self.store.add(run),
        }
    }

    /// Ends the chunk and gives the buffer back.
    pub(crate) fn finish(&mut self) -> Vec<u8> {
        self.hand_over();
        std::mem::take(&mut self.buffer)
    }

    /// Hands over what is held.
    pub(crate) fn commit(&mut self) {
        self.held.take().into_iter().flatten().for_each(|run| self.store.add(run));
    }

    /// Counts an event that was not used, and why.
    pub(super) fn skip(&mut self, reason: &str, line: u64) {
        count(&mut self.counts.skipped, reason, line);
    }

    /// Counts an event that was used, and what is wrong with it.
    pub(super) fn note(&mut self, what: &str, line: u64) {
        count(&mut self.counts.noted, what, line);
    }
}

fn count(counts: &mut BTreeMap<String, (u64, u64)>, what: &str, line: u64) {
    match counts.get_mut(what) {
        Some((count, _)) => *count += 1,
        None => drop(counts.insert(what.to_owned(), (1, line))),
    }
}
