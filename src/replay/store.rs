//! Where kept records wait until all logs are read, and how they come out in order.
//!
//! In: packed records from many threads, in any order. Out: records in the engine's order, each once, batch by batch.
//! Must not know: rules, logs.
//!
//! A run is sorted when it is added. When the runs in memory exceed the budget they are merged into one run in a
//! temporary file, so memory does not grow with the number of records, whatever their order: a sort in external memory.
//! Should no file be to be had, they stay in memory.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::fs::File;
use std::io::{self, BufReader, BufWriter, Read, Seek, Write};
use std::sync::{Arc, Mutex, PoisonError};

use rayon::prelude::*;

use super::kept::{Head, Kept, Parts, pack, unpack};
use super::keys::Keys;
use crate::engine::record::{Identity, Record, Schema};
use crate::engine::value::Value;

/// Bytes of packed records that are held in memory.
pub(super) const BUDGET: usize = 48 << 20;
/// A run is handed over when it has so many bytes: few enough for memory that one run gave back to serve the next.
const RUN: usize = 256 << 10;
/// A batch is no longer than this, unless the records of one instant are more.
const BATCH: usize = 4 * 1024;

/// Packed records.
#[derive(Debug, Default)]
pub(super) struct Run {
    bytes: Vec<u8>,
    /// Head, and where its bytes begin and end.
    heads: Vec<(Head, usize, usize)>,
}

impl Run {
    /// Adds a record.
    pub(super) fn push(&mut self, head: Head, parts: &Parts<'_, '_>) {
        let begins = self.bytes.len();
        pack(parts, &mut self.bytes);
        self.heads.push((head, begins, self.bytes.len()));
    }

    fn push_packed(&mut self, head: Head, bytes: &[u8]) {
        let begins = self.bytes.len();
        self.bytes.extend_from_slice(bytes);
        self.heads.push((head, begins, self.bytes.len()));
    }

    fn clear(&mut self) {
        self.bytes.clear();
        self.heads.clear();
    }

    fn get(&self, at: usize) -> Option<(Head, &[u8])> {
        let (head, begins, ends) = self.heads.get(at)?;
        Some((*head, self.bytes.get(*begins..*ends)?))
    }

    fn size(&self) -> usize {
        self.bytes.len() + self.heads.len() * size_of::<(Head, usize, usize)>()
    }

    /// Whether it is time to hand it over.
    pub(super) fn is_full(&self) -> bool {
        self.size() >= RUN
    }
}

/// The runs of all threads.
#[derive(Debug)]
pub(super) struct Store {
    budget: usize,
    /// Set if records that can be part of no chain need only be counted.
    keys: Option<Keys>,
    runs: Mutex<Runs>,
}

#[derive(Debug, Default)]
struct Runs {
    memory: Vec<Run>,
    size: usize,
    files: Vec<File>,
    no_files: bool,
}

impl Store {
    /// Nothing yet; `budget` bytes may be held in memory. Given `keys`, records that can be part of no chain come out
    /// idle, or not at all if they need not be counted.
    pub(super) fn new(budget: usize, keys: Option<Keys>) -> Self {
        Self { budget, keys, runs: Mutex::default() }
    }

    /// The link keys of the records that are kept.
    pub(super) fn keys(&self) -> Option<&Keys> {
        self.keys.as_ref()
    }

    /// Takes a run.
    pub(super) fn add(&self, mut run: Run) {
        if run.heads.is_empty() {
            return;
        }
        run.heads.par_sort_unstable_by_key(|(head, begins, _)| (*head, *begins));
        let mut runs = self.runs.lock().unwrap_or_else(PoisonError::into_inner);
        runs.size += run.size();
        runs.memory.push(run);
        if runs.size <= self.budget || runs.no_files {
            return;
        }
        let mut merge = Merge::new(std::mem::take(&mut runs.memory), Vec::new());
        if let Ok(file) = spill(&mut merge) {
            runs.files.push(file);
            runs.size = 0;
        } else {
            runs.no_files = true;
            runs.memory = merge.into_memory();
        }
    }

    /// All records in order; `schemas` are those of the sources in order of name.
    pub(super) fn sorted(self, schemas: Vec<Arc<Schema>>) -> Sorted {
        let runs = self.runs.into_inner().unwrap_or_else(PoisonError::into_inner);
        let merge = Merge::new(runs.memory, runs.files);
        Sorted {
            merge,
            packed: Run::default(),
            schemas,
            keys: self.keys,
            duplicates: 0,
            count: 0,
            problem: None,
        }
    }
}

fn spill(merge: &mut Merge) -> io::Result<File> {
    let mut file = BufWriter::with_capacity(1 << 18, tempfile::tempfile()?);
    while let Some((head, bytes)) = merge.first()? {
        let (time, source, event) = head;
        file.write_all(&time.to_le_bytes())?;
        file.write_all(&source.to_le_bytes())?;
        file.write_all(&event.bits().to_le_bytes())?;
        file.write_all(&u32::try_from(bytes.len()).map_err(io::Error::other)?.to_le_bytes())?;
        file.write_all(bytes)?;
        merge.advance();
    }
    let mut file = file.into_inner().map_err(io::IntoInnerError::into_error)?;
    file.rewind()?;
    Ok(file)
}

/// A sorted run that is being read.
#[derive(Debug)]
enum Cursor {
    Memory { run: Run, at: usize },
    File { file: BufReader<File>, next: Option<Head>, bytes: Vec<u8> },
}

impl Cursor {
    fn head(&self) -> Option<Head> {
        match self {
            Self::Memory { run, at } => run.heads.get(*at).map(|(head, _, _)| *head),
            Self::File { next, .. } => *next,
        }
    }

    fn first(&self) -> Option<(Head, &[u8])> {
        match self {
            Self::Memory { run, at } => run.get(*at),
            Self::File { next, bytes, .. } => Some(((*next)?, bytes)),
        }
    }

    fn advance(&mut self) -> io::Result<()> {
        match self {
            Self::Memory { at, .. } => *at += 1,
            Self::File { file, next, bytes } => *next = read(file, bytes)?,
        }
        Ok(())
    }
}

/// The next record of a file; its bytes go into `bytes`.
fn read(file: &mut BufReader<File>, bytes: &mut Vec<u8>) -> io::Result<Option<Head>> {
    let mut time = [0; 8];
    match file.read_exact(&mut time) {
        Err(problem) if problem.kind() == io::ErrorKind::UnexpectedEof => return Ok(None),
        ended => ended?,
    }
    let (mut source, mut event, mut length) = ([0; 2], [0; 16], [0; 4]);
    file.read_exact(&mut source)?;
    file.read_exact(&mut event)?;
    file.read_exact(&mut length)?;
    bytes.resize(u32::from_le_bytes(length) as usize, 0);
    file.read_exact(bytes)?;
    let event = Identity::from_bits(u128::from_le_bytes(event));
    Ok(Some((i64::from_le_bytes(time), u16::from_le_bytes(source), event)))
}

/// Several sorted runs as one. The run with the least head is read for as long as it stays the least: logs are mostly
/// in order, so their runs hardly overlap.
#[derive(Debug)]
struct Merge {
    cursors: Vec<Cursor>,
    /// The other runs that are not at their end.
    waiting: BinaryHeap<Reverse<(Head, usize)>>,
    current: Option<usize>,
    problem: Option<io::Error>,
}

impl Merge {
    fn new(memory: Vec<Run>, files: Vec<File>) -> Self {
        let mut problem = None;
        let mut cursors: Vec<Cursor> = memory.into_iter().map(|run| Cursor::Memory { run, at: 0 }).collect();
        for file in files {
            let file = BufReader::with_capacity(1 << 16, file);
            let mut cursor = Cursor::File { file, next: None, bytes: Vec::new() };
            problem = cursor.advance().err().or(problem);
            cursors.push(cursor);
        }
        let heads = cursors.iter().enumerate();
        let waiting = heads.filter_map(|(at, cursor)| Some(Reverse((cursor.head()?, at)))).collect();
        let mut merge = Self { cursors, waiting, current: None, problem };
        merge.current = merge.waiting.pop().map(|Reverse((_, at))| at);
        merge
    }

    /// The least record.
    fn first(&mut self) -> io::Result<Option<(Head, &[u8])>> {
        if let Some(problem) = self.problem.take() {
            return Err(problem);
        }
        Ok(self.current.and_then(|at| self.cursors.get(at)?.first()))
    }

    fn advance(&mut self) {
        let Some((at, cursor)) = self.current.and_then(|at| Some((at, self.cursors.get_mut(at)?))) else {
            return;
        };
        self.problem = cursor.advance().err();
        let head = cursor.head();
        let next = self.waiting.peek().map(|Reverse(next)| *next);
        match (head, next) {
            (Some(head), Some(next)) if (head, at) > next => {
                self.waiting.pop();
                self.waiting.push(Reverse((head, at)));
                self.current = Some(next.1);
            }
            (Some(_), _) => {}
            (None, Some(next)) => {
                self.waiting.pop();
                self.current = Some(next.1);
            }
            (None, None) => self.current = None,
        }
    }

    /// The runs in memory as they were.
    fn into_memory(self) -> Vec<Run> {
        let run = |cursor| match cursor {
            Cursor::Memory { run, .. } => Some(run),
            Cursor::File { .. } => None,
        };
        self.cursors.into_iter().filter_map(run).collect()
    }
}

/// The records of a store, in order.
#[derive(Debug)]
pub(super) struct Sorted {
    merge: Merge,
    /// The batch at work.
    packed: Run,
    schemas: Vec<Arc<Schema>>,
    keys: Option<Keys>,
    /// Records that came out so far.
    pub(super) count: u64,
    /// Records that were left out, because they had come out before.
    pub(super) duplicates: u64,
    /// Why not all of them could be read back.
    pub(super) problem: Option<io::Error>,
}

impl Sorted {
    /// The next records: all that are left of some instants.
    fn batch(&mut self) -> Vec<Kept> {
        self.packed.clear();
        loop {
            match self.merge.first() {
                Ok(Some((head, bytes))) => {
                    let last = self.packed.heads.last().map(|((time, ..), ..)| *time);
                    if self.packed.heads.len() >= BATCH && last.is_some_and(|last| last != head.0) {
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
        let all = (0..self.packed.heads.len()).into_par_iter().with_min_len(512);
        let kept = all.map_init(Vec::new, |values, at| self.kept(self.packed.get(at)?, values));
        let mut batch: Vec<Kept> = kept.flatten_iter().collect();
        for event in batch.chunk_by_mut(|left, right| {
            left.record.event == right.record.event && left.record.time == right.record.time
        }) {
            event.sort_by(Kept::order);
        }
        let before = batch.len();
        batch.dedup_by(|later, earlier| later.delivers_again(earlier));
        self.duplicates += (before - batch.len()) as u64;
        self.count += batch.len() as u64;
        batch
    }

    fn kept<'b>(&self, (head, bytes): (Head, &'b [u8]), values: &mut Vec<Option<Value<'b>>>) -> Option<Kept> {
        let (time, source, event) = head;
        let schema = self.schemas.get(usize::from(source))?;
        let (ordinal, steps) = unpack(bytes, schema, values)?;
        let idle = self.keys.as_ref().filter(|keys| !keys.any_can_follow(&steps, values));
        if idle.is_some_and(|keys| !keys.counts) {
            return None;
        }
        let is_idle = idle.is_some();
        let values = if is_idle {
            Box::default()
        } else {
            values.drain(..).map(|value| value.map(Value::into_owned)).collect()
        };
        let record = Record { schema: Arc::clone(schema), time, event, values };
        Some(Kept { record, ordinal, steps, is_idle })
    }
}

impl Iterator for Sorted {
    type Item = Vec<Kept>;

    fn next(&mut self) -> Option<Vec<Kept>> {
        loop {
            let batch = self.batch();
            let is_end = self.packed.heads.is_empty();
            if is_end || !batch.is_empty() {
                return Some(batch).filter(|_| !is_end);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalog::Catalog;

    /// Puts records of shuffled times into a store, the same ones for every budget and each tenth twice.
    fn filled(budget: usize, schema: &Schema) -> Store {
        let (store, mut random) = (Store::new(budget, None), fastrand::Rng::with_seed(1318));
        let mut times: Vec<u32> = (0..5_000).chain((0..5_000).step_by(10)).collect();
        random.shuffle(&mut times);
        for some in times.chunks(100) {
            let mut run = Run::default();
            for time in some {
                let mut values = schema.empty();
                if let Some(value) = values.first_mut() {
                    *value = Some(Value::Text("x".repeat(*time as usize % 50 + 1).into()));
                }
                let event = Identity::of("", time);
                let parts = Parts { ordinal: 1, steps: &[(0, 1)], values: &values };
                run.push((i64::from(*time / 3), 0, event), &parts);
            }
            store.add(run);
            assert!(store.runs.lock().unwrap().size <= budget);
        }
        store
    }

    #[test]
    fn a_small_budget_is_kept_and_gives_the_same_records() {
        let catalog = Catalog::embedded().unwrap();
        let schema = Arc::new(Schema::new(catalog.source("aws.cloudtrail").unwrap(), None));
        let of_budget = |budget: usize| {
            let store = filled(budget, &schema);
            let files = store.runs.lock().unwrap().files.len();
            let mut sorted = store.sorted(vec![Arc::clone(&schema)]);
            let all: Vec<Kept> = sorted.by_ref().flatten().collect();
            assert_eq!((sorted.count, sorted.duplicates, all.len()), (5_000, 500, 5_000));
            assert!(sorted.problem.is_none());
            (
                files,
                all.into_iter()
                    .map(|kept| (kept.record.time, kept.record.event, kept.record.values))
                    .collect::<Vec<_>>(),
            )
        };
        let (no_files, in_memory) = of_budget(usize::MAX);
        assert!(in_memory.is_sorted_by_key(|(time, event, _)| (*time, *event)));
        let (some_files, spilt) = of_budget(100_000);
        let (most_files, all_spilt) = of_budget(0);
        assert!(
            no_files == 0 && (2..55).contains(&some_files) && most_files == 55,
            "{some_files} {most_files}"
        );
        assert!(in_memory == spilt && in_memory == all_spilt);
    }
}
