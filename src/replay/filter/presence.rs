//! Which fields a log has at all: a rule that reads one that it never has can find nothing.
//!
//! In: the steps on one source, the values of records. Out: the fields that rules read and no record had.
//! Must not know: files, how events are read.
//!
//! Only fields that need a version or setting of the log (`requires` in the source) are looked after: others are
//! missing in most events for good reasons.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use super::source_step::SourceStep;
use crate::catalog::Source;
use crate::engine::predicate::Values;
use crate::engine::record::Schema;

/// The fields of one source that need more than the log always has.
#[derive(Debug)]
pub(crate) struct Presence {
    source: String,
    watched: Vec<Watched>,
    /// Events of which all fields were read.
    events: AtomicU64,
}

#[derive(Debug)]
struct Watched {
    place: usize,
    name: String,
    requires: String,
    was_seen: AtomicBool,
}

impl Presence {
    /// Watches the fields that `steps` read; one that only an exception reads may well be missing.
    pub(super) fn new(schema: &Schema, source: &Source, steps: &[SourceStep<'_>]) -> Self {
        let mut read = BTreeSet::new();
        for SourceStep { id: _, filter, excepts: _, lists: _, compiled: _, link_in, link_out } in steps {
            read.extend(filter.fields().filter_map(|field| schema.place(&field.name)));
            read.extend(link_in.iter().flat_map(|link| link.right.iter().copied()));
            read.extend(link_out.iter().flat_map(|link| link.left.iter().copied()));
        }
        let watched = |place: usize| {
            let (name, _) = schema.fields().get(place)?;
            let requires = source.field(name)?.requires.clone()?;
            Some(Watched { place, name: name.clone(), requires, was_seen: AtomicBool::new(false) })
        };
        Self {
            source: source.name.clone(),
            watched: read.into_iter().filter_map(watched).collect(),
            events: AtomicU64::new(0),
        }
    }

    /// Takes note of the values of a record.
    pub(super) fn see(&self, values: &Values<'_>) {
        for watched in &self.watched {
            // Read before it is written: every thread writing for every record would wait for the others' cache line.
            if values.get(watched.place).is_some_and(Option::is_some)
                && !watched.was_seen.load(Ordering::Relaxed)
            {
                watched.was_seen.store(true, Ordering::Relaxed);
            }
        }
    }

    /// Counts an event, if all its fields were read.
    pub(super) fn count(&self, in_full: bool) {
        if in_full {
            self.events.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// A sentence for each field that no event had, and that a rule reads.
    pub(crate) fn missing(&self) -> impl Iterator<Item = String> {
        let events = self.events.load(Ordering::Relaxed);
        let missing = move |watched: &&Watched| events > 0 && !watched.was_seen.load(Ordering::Relaxed);
        self.watched.iter().filter(missing).map(move |Watched { name, requires, .. }| {
            let source = &self.source;
            format!(
                "no event of {source} that was read in full ({events}) has `{name}`, which needs: {requires}"
            )
        })
    }
}
