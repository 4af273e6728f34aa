//! Which fields a log has at all: a rule that reads one that it never has can find nothing.
//!
//! In: the steps on one source, the values of records. Out: the fields that rules read and no record had.
//! Must not know: files, how events are read.
//!
//! Fields that need a version or setting of the log (`requires` in the source) are looked after in events. Others are
//! missing in most events for good reasons; of these only the columns of a file show that none can have them.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use super::location::Location;
use super::source_step::SourceStep;
use crate::catalog::{LogForm, Source};
use crate::engine::predicate::Values;
use crate::engine::record::Schema;
use crate::replay::read::columns::Layout;

/// The fields of one source that need more than the log always has.
#[derive(Debug)]
pub(crate) struct Presence {
    source: String,
    watched: Vec<Watched>,
    needed: Vec<Needed>,
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

/// A field that stands in columns, of which one must be there.
#[derive(Debug)]
struct Needed {
    name: String,
    columns: Vec<String>,
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
        let needed = |place: &usize| {
            let (name, _) = schema.fields().get(*place)?;
            let columns = match Location::of(source, name) {
                Location::AsIs(path) => vec![path.to_owned()],
                Location::MadeOf(paths) => paths.into_iter().map(str::to_owned).collect(),
                Location::Anywhere => return None,
            };
            let is_watched = source.field(name)?.requires.is_some();
            (!is_watched).then(|| Needed { name: name.clone(), columns })
        };
        Self {
            source: source.name.clone(),
            needed: read.iter().filter_map(needed).collect(),
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

    /// Which fields that rules read no record in these columns can have.
    pub(super) fn lacking(&self, layout: &Layout, form: &LogForm) -> Option<String> {
        // A row of CSV may be an envelope or a nested event, unless it shows the keys of an event itself.
        let is_event = !layout.is_csv() || form.detect.iter().all(|key| layout.has(key, form));
        let lacks = |needed: &&Needed| !needed.columns.iter().any(|column| layout.has(column, form));
        let lacking: Vec<String> = self
            .needed
            .iter()
            .filter(lacks)
            .map(|Needed { name, columns }| format!("`{}` (`{name}`)", columns.join("` or `")))
            .collect();
        let is_known = form.text.is_some() && is_event && !lacking.is_empty();
        is_known.then(|| format!("its columns lack {}, which rules read", lacking.join(" and ")))
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
