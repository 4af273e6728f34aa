//! Which fields a log has at all: a rule that reads one that it never has can find nothing.
//!
//! In: the steps on one source, the values of records. Out: the fields that rules read and no record had.
//! Must not know: files, how events are read.
//!
//! Fields that need a version or setting of the log (`requires` in the source) are looked after in events. Others are
//! missing in most events for good reasons. What shows that none can have them are the columns of a file, and events
//! that a step would take but for fields that no event had at all.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};

use super::location::Location;
use super::source_step::SourceStep;
use crate::catalog::{LogForm, Source};
use crate::engine::predicate::{Predicate, Values};
use crate::engine::program::Step;
use crate::engine::record::Schema;
use crate::ir::Pred;
use crate::replay::read::columns::Layout;

/// The fields of one source that rules read.
#[derive(Debug)]
pub(crate) struct Presence {
    source: String,
    watched: Vec<Watched>,
    /// Fields of `watched` that were not seen.
    unseen: AtomicUsize,
    steps: Vec<Needing>,
    /// Events of which all fields were read.
    events: AtomicU64,
}

#[derive(Debug)]
struct Watched {
    place: usize,
    name: String,
    /// Where it stands, if that is known.
    paths: Vec<String>,
    requires: Option<String>,
    was_seen: AtomicBool,
    /// Whether it was told already that the columns of a file lack it.
    is_told: AtomicBool,
}

/// A step, and the fields without which it takes no event or links to none.
#[derive(Debug)]
struct Needing {
    rule: String,
    step: Arc<Step>,
    /// Their numbers in `watched`.
    needs: Vec<usize>,
    /// Whether an event satisfied all but what asks for fields that no event had so far.
    is_near: AtomicBool,
}

/// With more steps than that, only the events that are read in full are compared with them.
const FEW: usize = 32;

impl Presence {
    /// Watches the fields that `steps` read; one that only an exception reads may well be missing.
    pub(super) fn new(schema: &Schema, source: &Source, steps: &[SourceStep<'_>]) -> Self {
        let (mut read, mut needs) = (BTreeSet::new(), Vec::new());
        for step in steps {
            let SourceStep {
                id: _,
                rule,
                filter,
                excepts: _,
                earlier: _,
                lists: _,
                compiled,
                link_in,
                link_out,
            } = step;
            let keys = link_in.iter().map(|(_, key)| *key).chain(*link_out).flatten();
            let keys: Vec<usize> = keys.map(|(place, _)| *place).collect();
            read.extend(filter.fields().filter_map(|field| schema.place(&field.name)));
            read.extend(&keys);
            let demanded = |pred: &&Pred| match pred {
                Pred::Test(test) => schema.place(&test.field.name),
                Pred::And(_) | Pred::Or(_) | Pred::Not(_) => None,
            };
            let demanded: BTreeSet<usize> =
                filter.conjuncts().iter().filter_map(demanded).chain(keys).collect();
            needs.push((*rule, *compiled, demanded));
        }
        let watched: Vec<Watched> =
            read.iter().filter_map(|place| Watched::new(*place, schema, source)).collect();
        let number = |place: &usize| watched.iter().position(|watched| watched.place == *place);
        let needing = |(rule, step, needs): (&str, &Arc<Step>, BTreeSet<usize>)| Needing {
            rule: rule.to_owned(),
            step: Arc::clone(step),
            needs: needs.iter().filter_map(number).collect(),
            is_near: AtomicBool::new(false),
        };
        Self {
            source: source.name.clone(),
            unseen: AtomicUsize::new(watched.len()),
            steps: needs.into_iter().map(needing).collect(),
            watched,
            events: AtomicU64::new(0),
        }
    }

    /// Takes note of the values of a record, whose event is read `in_full` or as far as steps need it.
    pub(super) fn see(&self, values: &Values<'_>, in_full: bool) {
        // Read before it is written: every thread writing for every record would wait for the others' cache line.
        if self.unseen.load(Ordering::Relaxed) == 0 {
            return;
        }
        for watched in &self.watched {
            if values.get(watched.place).is_some_and(Option::is_some)
                && !watched.was_seen()
                && !watched.was_seen.swap(true, Ordering::Relaxed)
            {
                self.unseen.fetch_sub(1, Ordering::Relaxed);
            }
        }
        if in_full || self.steps.len() <= FEW {
            self.compare(values);
        }
    }

    /// Finds the steps that an event satisfies but for fields that no event had.
    fn compare(&self, values: &Values<'_>) {
        let was_seen = |place: usize| {
            self.watched.iter().find(|watched| watched.place == place).is_none_or(Watched::was_seen)
        };
        for step in self.steps.iter().filter(|step| !step.is_near.load(Ordering::Relaxed)) {
            let lacks = self.unseen_of(step).next().is_some();
            let excepted = || step.step.excepts.iter().any(|except| except.holds(values));
            if lacks && may_be(&step.step.filter, true, values, &was_seen) && !excepted() {
                step.is_near.store(true, Ordering::Relaxed);
            }
        }
    }

    fn unseen_of<'p>(&'p self, step: &'p Needing) -> impl Iterator<Item = &'p Watched> {
        step.needs.iter().filter_map(|at| self.watched.get(*at)).filter(|watched| !watched.was_seen())
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
        if form.text.is_none() || !is_event {
            return None;
        }
        let lacks = |watched: &&Watched| {
            let has = |column: &String| layout.has(column, form);
            watched.requires.is_none() && !watched.paths.is_empty() && !watched.paths.iter().any(has)
        };
        let lacking = self.watched.iter().filter(lacks).map(|watched| {
            watched.is_told.store(true, Ordering::Relaxed);
            format!("`{}` (`{}`)", watched.paths.join("` or `"), watched.name)
        });
        let lacking: Vec<String> = lacking.collect();
        let is_any = !lacking.is_empty();
        is_any.then(|| format!("its columns lack {}, which rules read", lacking.join(" and ")))
    }

    /// A sentence for each field that no event had, and that a rule reads.
    pub(crate) fn missing(&self) -> Vec<String> {
        let events = self.events.load(Ordering::Relaxed);
        if events == 0 {
            return Vec::new();
        }
        let source = &self.source;
        let beginning = |watched: &Watched| {
            format!("no event of {source} that was read in full ({events}) has {}", watched.shown())
        };
        let required = self.watched.iter().filter(|watched| !watched.was_seen()).filter_map(|watched| {
            let requires = watched.requires.as_ref()?;
            Some(format!("{}, which needs: {requires}", beginning(watched)))
        });
        let mut needed: BTreeMap<usize, (&Watched, Vec<&Needing>)> = BTreeMap::new();
        for step in self.steps.iter().filter(|step| step.is_near.load(Ordering::Relaxed)) {
            for watched in self.unseen_of(step).filter(|watched| watched.requires.is_none()) {
                needed.entry(watched.place).or_insert((watched, Vec::new())).1.push(step);
            }
        }
        let needed = needed.into_values().filter(|(watched, _)| !watched.is_told.load(Ordering::Relaxed));
        let needed = needed.filter_map(|(watched, steps)| {
            let (first, more) = steps.split_first()?;
            let more = match more.len() {
                0 => "needs".to_owned(),
                1 => "and 1 more step need".to_owned(),
                more => format!("and {more} more steps need"),
            };
            let (step, rule) = (&first.step.name, &first.rule);
            Some(format!("{}, which step `{step}` of `{rule}` {more}", beginning(watched)))
        });
        required.chain(needed).collect()
    }
}

impl Watched {
    fn new(place: usize, schema: &Schema, source: &Source) -> Option<Self> {
        let (name, _) = schema.fields().get(place)?;
        let paths = match Location::of(source, name) {
            Location::AsIs(path) => vec![path.to_owned()],
            Location::MadeOf(paths) => paths.into_iter().map(str::to_owned).collect(),
            Location::Anywhere => Vec::new(),
        };
        let requires = source.field(name)?.requires.clone();
        let (was_seen, is_told) = (AtomicBool::new(false), AtomicBool::new(false));
        Some(Self { place, name: name.clone(), paths, requires, was_seen, is_told })
    }

    fn was_seen(&self) -> bool {
        self.was_seen.load(Ordering::Relaxed)
    }

    fn shown(&self) -> String {
        match self.paths.as_slice() {
            [path] if self.requires.is_none() => format!("`{}` (`{path}`)", self.name),
            _ => format!("`{}`", self.name),
        }
    }
}

/// Whether a predicate may turn out as `wanted`, whatever the fields hold that were not seen.
fn may_be(pred: &Predicate, wanted: bool, values: &Values<'_>, was_seen: &impl Fn(usize) -> bool) -> bool {
    let part = |part: &Predicate| may_be(part, wanted, values, was_seen);
    match pred {
        Predicate::All(parts) if wanted => parts.iter().all(part),
        Predicate::Any(parts) if !wanted => parts.iter().all(part),
        Predicate::All(parts) | Predicate::Any(parts) => parts.iter().any(part),
        Predicate::Not(inner) => may_be(inner, !wanted, values, was_seen),
        Predicate::Test(place, check) => {
            let is_seen = was_seen(*place) && check.other().is_none_or(was_seen);
            !is_seen || pred.holds(values) == wanted
        }
    }
}
