//! Reading all inputs: chunk by chunk in parallel, source by source where that lets later ones be filtered.
//!
//! In: what the user names, filters. Out: all records that satisfy a step, in the engine's order, and what was read.
//! Must not know: chains.

use std::sync::atomic::Ordering;
use std::sync::{Mutex, PoisonError};

use rayon::prelude::*;

use super::filter::log_filter::LogFilter;
use super::filter::result::ChunkResult;
use super::options::Control;
use super::read::chunk::Chunk;
use super::read::input::{self, Input};
use super::read::stream::is_stream;
use super::report::stats::Stats;
use super::store::Store;

/// Reads the inputs into `store`; gives their chunks, to read them again, and what was read.
pub(super) fn gather(
    filter: &LogFilter,
    inputs: &[Input],
    store: &Store,
    control: &Control,
) -> (Vec<Chunk>, Stats) {
    let (mut chunks, broken_files) = input::chunks(inputs);
    let mut stats = Stats { broken_files, ..Stats::default() };
    // Who writes two streams may wait for both to be read, so one must not wait for the end of the other.
    let in_phases = !chunks.iter().any(|chunk| is_stream(&chunk.name));
    let phase = |chunk: &Chunk| if in_phases { filter.phase(chunk) } else { 0 };
    chunks.sort_by_key(phase);
    let mut results = Vec::with_capacity(chunks.len());
    for chunks in chunks.chunk_by(|left, right| phase(left) == phase(right)) {
        if let (Some(keys), Some(first)) = (store.keys(), chunks.first()) {
            keys.begin(phase(first));
        }
        results.extend(read_chunks(filter, chunks, store, control));
    }
    stats.stopped = control.stop.load(Ordering::Relaxed);
    let mut lines_before = 0;
    for (chunk, result) in chunks.iter().zip(&results) {
        // The lines of a file count on from chunk to chunk.
        if chunk.start == 0 {
            lines_before = 0;
        }
        stats.add(chunk, result, lines_before);
        lines_before += result.read.lines;
    }
    drop(results);
    (chunks, stats)
}

/// Reads chunks in parallel; records go to `store`.
pub(super) fn read_chunks<'s>(
    filter: &LogFilter,
    chunks: &[Chunk],
    store: &'s Store,
    control: &Control,
) -> Vec<ChunkResult<'s>> {
    // A buffer serves one chunk after another: made anew, its memory would be cleared every time.
    let buffers = Mutex::new(Vec::new());
    let spare = || buffers.lock().unwrap_or_else(PoisonError::into_inner);
    let one = |chunk: &Chunk| {
        if control.stop.load(Ordering::Relaxed) {
            return ChunkResult::new(store, Vec::new());
        }
        let buffer = spare().pop().unwrap_or_default();
        let mut result = ChunkResult::new(store, buffer);
        let read = filter.read(chunk, control, &mut result);
        // What was given up half read need not be whole.
        if let Err(problem) = read
            && !control.stop.load(Ordering::Relaxed)
        {
            result.files_broken.push((chunk.name.clone(), problem.to_string()));
        }
        let buffer = result.finish();
        spare().push(buffer);
        result
    };
    chunks.par_iter().map(one).collect()
}
