//! Reading all inputs: chunk by chunk in parallel, source by source where that lets later ones be filtered.
//!
//! In: chunks of logs, filters. Out: all records that satisfy a step, in the engine's order, and what was read.
//! Must not know: chains.
//!
//! The chunks of a file are read at the same time, each as if its first line began a value. A chunk counts when the one
//! before it has ended where it began, with the same columns in force; else it is read again from there. Its records
//! wait until then. Chunks are begun in order, so no more of them wait than there are threads.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::Ordering;
use std::sync::{Mutex, PoisonError};

use rayon::prelude::*;

use super::filter::log_filter::LogFilter;
use super::filter::result::ChunkResult;
use super::options::Control;
use super::read::chunk::{Chunk, Continuation, Start};
use super::read::input::Inputs;
use super::report::stats::Stats;
use super::store::Store;

/// Reads chunks into `store`; gives them, to read them again, and what was read.
pub(super) fn gather(
    filter: &LogFilter,
    found: Inputs,
    store: &Store,
    control: &Control,
) -> (Vec<Chunk>, Stats) {
    let Inputs { mut chunks, broken, others, passed_over, given, flawed } = found;
    let mut silent: BTreeSet<_> = given.difference(&flawed).collect();
    let mut stats = Stats { broken_files: broken, ..Stats::default() };
    for (folder, count, first) in others {
        stats.other_logs(&folder, count, &first);
    }
    for files in &passed_over {
        stats.passed_over(files);
    }
    // Who writes two streams may wait for both to be read, so one must not wait for the end of the other.
    let in_phases = !chunks.iter().any(Chunk::is_stream);
    let phase = |chunk: &Chunk| if in_phases { filter.phase(chunk) } else { 0 };
    // The sort is stable: the chunks of a file stay next to each other and in order.
    chunks.sort_by_key(phase);
    for chunks in chunks.chunk_by(|left, right| phase(left) == phase(right)) {
        if let (Some(keys), Some(first)) = (store.keys(), chunks.first()) {
            keys.begin(phase(first));
        }
        let results = read_chunks(filter, chunks, store, control);
        for (of_file, results) in files(chunks).zip(&results) {
            if let Some(first) = of_file.first()
                && stats.add_file(first, results, control.stop.load(Ordering::Relaxed))
            {
                silent.remove(&first.source);
            }
        }
    }
    stats.stopped = control.stop.load(Ordering::Relaxed);
    if !stats.stopped {
        for source in silent {
            stats.no_event(source.as_deref());
        }
    }
    stats.note_lacking();
    stats.notes.extend(filter.missing_fields());
    (chunks, stats)
}

/// Chunks by file.
fn files(chunks: &[Chunk]) -> impl Iterator<Item = &[Chunk]> {
    chunks.chunk_by(|_, right| !right.is_first())
}

/// Reads chunks in parallel; records go to `store`. Gives the results of each file.
pub(super) fn read_chunks<'s>(
    filter: &LogFilter,
    chunks: &[Chunk],
    store: &'s Store,
    control: &Control,
) -> Vec<Vec<ChunkResult<'s>>> {
    let files: Vec<FileResult<'_, 's>> = files(chunks).map(FileResult::new).collect();
    let worker = Worker { filter, store, control, buffers: Mutex::default() };
    let all = files.iter().flat_map(|file| (0..file.chunks.len()).map(move |at| (file, at)));
    // A bridge hands out one chunk after another. A list that is split in halves is begun in several places, and
    // results of the later ones would wait for all before them.
    all.par_bridge().for_each(|(file, at)| {
        if let Some(chunk) = file.chunks.get(at) {
            let result = worker.read(chunk, None, file.chunks.len() > 1);
            file.add(at, result, &worker);
        }
    });
    files.into_iter().map(FileResult::into_results).collect()
}

/// What reads a chunk.
struct Worker<'a, 's> {
    filter: &'a LogFilter,
    store: &'s Store,
    control: &'a Control,
    /// A buffer serves one chunk after another: made anew, its memory would be cleared every time.
    buffers: Mutex<Vec<Vec<u8>>>,
}

impl<'s> Worker<'_, 's> {
    fn read(&self, chunk: &Chunk, before: Option<&Continuation>, held: bool) -> ChunkResult<'s> {
        if self.control.stop.load(Ordering::Relaxed) {
            return ChunkResult::new(self.store, Vec::new(), held);
        }
        let spare = || self.buffers.lock().unwrap_or_else(PoisonError::into_inner);
        let buffer = spare().pop().unwrap_or_default();
        let mut result = ChunkResult::new(self.store, buffer, held);
        let read = self.filter.read(chunk, before, self.control, &mut result);
        if let Err(problem) = read {
            result.counts.broken = Some(problem.to_string());
        }
        let buffer = result.finish();
        spare().push(buffer);
        result
    }
}

/// The results of the chunks of one file, as far as they are known to be right.
struct FileResult<'c, 's> {
    chunks: &'c [Chunk],
    state: Mutex<State<'s>>,
}

struct State<'s> {
    results: Vec<ChunkResult<'s>>,
    /// Results of later chunks.
    waiting: BTreeMap<usize, ChunkResult<'s>>,
    /// Whether the next result is at work.
    is_busy: bool,
    /// How the file goes on behind the results.
    next: Option<Continuation>,
}

impl<'c, 's> FileResult<'c, 's> {
    fn new(chunks: &'c [Chunk]) -> Self {
        let state = State { results: Vec::new(), waiting: BTreeMap::new(), is_busy: false, next: None };
        Self { chunks, state: Mutex::new(state) }
    }

    /// Adds what chunk number `at` gave.
    fn add(&self, at: usize, result: ChunkResult<'s>, worker: &Worker<'_, 's>) {
        self.state().waiting.insert(at, result);
        while let Some((at, result, next)) = self.take() {
            let Some(chunk) = self.chunks.get(at) else { return };
            let mut result = if at == 0 { result } else { checked(chunk, result, next.as_ref(), worker) };
            // Not under the lock: a sort in parallel may take up the work of another chunk meanwhile.
            result.commit();
            self.put(at, result);
        }
    }

    /// The next result in order, unless it is at work already or not yet there.
    fn take(&self) -> Option<(usize, ChunkResult<'s>, Option<Continuation>)> {
        let mut state = self.state();
        if state.is_busy {
            return None;
        }
        let at = state.results.len();
        let result = state.waiting.remove(&at)?;
        state.is_busy = true;
        Some((at, result, state.next.clone()))
    }

    fn put(&self, at: usize, result: ChunkResult<'s>) {
        let mut state = self.state();
        // A chunk of which nothing was read has changed nothing.
        if result.read.next.is_some() || result.read.first.is_some() || at == 0 {
            let layout = result.layouts.1.clone();
            state.next = result.read.next.clone().map(|place| Continuation { place, layout });
        }
        state.results.push(result);
        state.is_busy = false;
    }

    fn state(&self) -> std::sync::MutexGuard<'_, State<'s>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn into_results(self) -> Vec<ChunkResult<'s>> {
        self.state.into_inner().unwrap_or_else(PoisonError::into_inner).results
    }
}

/// The result of a chunk behind which `next` begins, if it began there; else the result from there.
fn checked<'s>(
    chunk: &Chunk,
    result: ChunkResult<'s>,
    next: Option<&Continuation>,
    worker: &Worker<'_, 's>,
) -> ChunkResult<'s> {
    let nothing = || ChunkResult::new(worker.store, Vec::new(), false);
    match next {
        // The file ended before, or something before could not be read.
        None => nothing(),
        // What began before goes on through all of it.
        Some(next) if next.place.at >= chunk.end => nothing(),
        Some(next) => {
            if result.read.first.as_ref() == Some(&next.place) && result.layouts.0 == next.layout {
                return result;
            }
            let chunk = Chunk { start: Start::At(next.place.clone()), ..chunk.clone() };
            worker.read(&chunk, Some(next), false)
        }
    }
}
