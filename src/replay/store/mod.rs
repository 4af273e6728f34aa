//! Where records that satisfy a step are stored until all logs are read, and how they come out in order.
//!
//! In: packed records from many threads, in any order. Out: records in the engine's order, each once, batch by batch.
//! Must not know: rules, logs.
//!
//! A run is sorted when it is added. When the runs in memory exceed the budget they are merged into one run in a
//! temporary file, so memory does not grow with the number of records, whatever their order: an external merge sort. If
//! no temporary file can be made, they stay in memory.

mod merge;
pub(crate) mod packed;
mod run;
pub(crate) mod seen_keys;
mod sorted;

use std::fs::File;
use std::io;
use std::sync::{Arc, Mutex, PoisonError};

use crate::engine::record::Schema;
use merge::{Merge, spill};
pub(crate) use run::Run;
use seen_keys::SeenKeys;
pub(crate) use sorted::Sorted;

/// Bytes of packed records that are held in memory.
pub(crate) const BUDGET: usize = 48 << 20;

/// The runs of all threads.
#[derive(Debug)]
pub(crate) struct Store {
    budget: usize,
    /// Set if records that can be part of no chain need only be counted.
    keys: Option<SeenKeys>,
    runs: Mutex<Runs>,
}

#[derive(Debug, Default)]
struct Runs {
    memory: Vec<Run>,
    size: usize,
    files: Vec<File>,
    /// Why records cannot be written to temporary files.
    no_files: Option<io::Error>,
}

impl Store {
    /// An empty store; `budget` bytes may be held in memory. Given `keys`, records that can be part of no chain come
    /// out count-only, or not at all if they need not be counted.
    pub(crate) fn new(budget: usize, keys: Option<SeenKeys>) -> Self {
        Self { budget, keys, runs: Mutex::default() }
    }

    /// The link keys of the records that are kept.
    pub(crate) fn keys(&self) -> Option<&SeenKeys> {
        self.keys.as_ref()
    }

    /// Takes a run.
    pub(crate) fn add(&self, mut run: Run) {
        if run.len() == 0 {
            return;
        }
        // Before the lock is taken, so that threads sort at the same time.
        run.sort();
        let mut runs = self.runs.lock().unwrap_or_else(PoisonError::into_inner);
        runs.size += run.size();
        runs.memory.push(run);
        if runs.size <= self.budget || runs.no_files.is_some() {
            return;
        }
        // All runs in memory become one in a file, so the number of files grows with the bytes stored, not with the
        // runs.
        let mut merge = Merge::new(std::mem::take(&mut runs.memory), Vec::new());
        match spill(&mut merge) {
            Ok(file) => {
                runs.files.push(file);
                runs.size = 0;
            }
            Err(error) => {
                // No disk, or none left: the cursors have moved, but the runs still hold everything.
                runs.no_files = Some(error);
                runs.memory = merge.into_memory();
            }
        }
    }

    /// All records in order; `schemas` are those of the sources in order of name.
    pub(crate) fn sorted(self, schemas: Vec<Arc<Schema>>) -> Sorted {
        let runs = self.runs.into_inner().unwrap_or_else(PoisonError::into_inner);
        let merge = Merge::new(runs.memory, runs.files);
        let mut sorted = Sorted::new(merge, schemas, self.keys);
        sorted.in_memory = runs.no_files;
        sorted
    }
}

#[cfg(test)]
mod tests {
    use super::packed::{RecordParts, StoredRecord};
    use super::*;
    use crate::catalog::Catalog;
    use crate::engine::record::Identity;
    use crate::engine::value::Value;

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
                let parts = RecordParts { ordinal: 1, steps: &[(0, 1)], values: &values };
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
            let all: Vec<StoredRecord> = sorted.by_ref().flatten().collect();
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
