//! What a replay read, what it skipped, and why.
//!
//! In: the counts of each chunk. Out: totals, with the first place of every kind of problem.
//! Must not know: rules.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::replay::filter::result::ChunkResult;
use crate::replay::read::chunk::Chunk;
use crate::replay::store::Sorted;

/// Totals of a replay.
#[derive(Debug, Default, Clone)]
pub struct Stats {
    /// Files read.
    pub files: u64,
    /// Bytes of text read, after decompression.
    pub bytes: u64,
    /// Events seen, those that were skipped among them.
    pub events: u64,
    /// Events skipped, by reason.
    pub skipped: BTreeMap<String, Skipped>,
    /// Files that could not be read to their end, and why.
    pub broken_files: Vec<(String, String)>,
    /// Records that satisfy some step of some rule and could be part of a chain; with counts or near misses all that
    /// satisfy one.
    pub kept: u64,
    /// Records of those that were delivered more than once; each counts once.
    pub duplicates: u64,
    /// Whether reading was stopped early.
    pub stopped: bool,
    /// How long it took.
    pub elapsed: Duration,
}

/// Events skipped for one reason.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Skipped {
    /// How many.
    pub count: u64,
    /// The first: file, and line or number in the file.
    pub first: (String, u64),
}

/// So many different reasons are told apart.
const MOST_REASONS: usize = 100;

impl Stats {
    /// Adds what one chunk gave; its lines come after `lines_before` others of its file.
    pub(crate) fn add(&mut self, chunk: &Chunk, result: &ChunkResult<'_>, lines_before: u64) {
        self.files += u64::from(chunk.start == 0);
        self.bytes += result.read.bytes;
        self.events += result.events;
        self.broken_files.extend(result.files_broken.iter().cloned());
        for (reason, (count, line)) in &result.skipped {
            self.skip(reason, *count, &chunk.name, lines_before + line);
        }
    }

    /// Adds what came out of the store.
    pub(crate) fn finish(&mut self, sorted: &Sorted) {
        (self.kept, self.duplicates) = (sorted.count, sorted.duplicates);
        let problem = sorted.problem.as_ref();
        self.broken_files.extend(problem.map(|problem| ("temporary file".to_owned(), problem.to_string())));
    }

    /// Counts skipped events.
    pub(crate) fn skip(&mut self, reason: &str, count: u64, file: &str, line: u64) {
        let full = self.skipped.len() >= MOST_REASONS && !self.skipped.contains_key(reason);
        let reason = if full { "other reasons" } else { reason };
        let first = || Skipped { count: 0, first: (file.to_owned(), line) };
        self.skipped.entry(reason.to_owned()).or_insert_with(first).count += count;
    }

    /// Whether anything was not read as it should be: what `--strict` turns into a failure.
    #[must_use]
    pub fn is_flawed(&self) -> bool {
        !self.skipped.is_empty() || !self.broken_files.is_empty()
    }
}
