//! Packed records one after another, in one allocation.
//!
//! In: heads and records. Out: their bytes by number, and a sorted run.
//! Must not know: other runs, files.

use rayon::prelude::*;

use super::packed::{Head, RecordParts, pack};

/// A run is handed over when it has so many bytes: few enough for memory that one run gave back to serve the next.
const RUN: usize = 256 << 10;

/// Packed records.
#[derive(Debug, Default)]
pub(crate) struct Run {
    bytes: Vec<u8>,
    /// Head, and where its bytes begin and end.
    heads: Vec<(Head, usize, usize)>,
}

impl Run {
    /// Adds a record.
    pub(crate) fn push(&mut self, head: Head, record: &RecordParts<'_, '_>) {
        let begins = self.bytes.len();
        pack(record, &mut self.bytes);
        self.heads.push((head, begins, self.bytes.len()));
    }

    /// Adds a record that is packed already.
    pub(super) fn push_packed(&mut self, head: Head, bytes: &[u8]) {
        let begins = self.bytes.len();
        self.bytes.extend_from_slice(bytes);
        self.heads.push((head, begins, self.bytes.len()));
    }

    /// Forgets all records and keeps the memory.
    pub(super) fn clear(&mut self) {
        self.bytes.clear();
        self.heads.clear();
    }

    /// The record of a number.
    pub(super) fn get(&self, at: usize) -> Option<(Head, &[u8])> {
        let (head, begins, ends) = self.heads.get(at)?;
        Some((*head, self.bytes.get(*begins..*ends)?))
    }

    /// The head of the record of a number.
    pub(super) fn head(&self, at: usize) -> Option<Head> {
        self.heads.get(at).map(|(head, _, _)| *head)
    }

    /// The head of the record added last.
    pub(super) fn last_head(&self) -> Option<Head> {
        self.heads.last().map(|(head, _, _)| *head)
    }

    /// How many records there are.
    pub(super) fn len(&self) -> usize {
        self.heads.len()
    }

    /// Puts the records in order of head; those of one head stay in the order in which they were added.
    pub(super) fn sort(&mut self) {
        // The place where a record begins breaks ties, so that the unstable sort, which needs no second copy, is
        // stable.
        self.heads.par_sort_unstable_by_key(|(head, begins, _)| (*head, *begins));
    }

    /// Bytes in use.
    pub(super) fn size(&self) -> usize {
        self.bytes.len() + self.heads.len() * size_of::<(Head, usize, usize)>()
    }

    /// Whether it is time to hand it over.
    pub(crate) fn is_full(&self) -> bool {
        self.size() >= RUN
    }
}
