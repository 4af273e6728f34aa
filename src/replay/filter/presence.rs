//! Which fields a log has at all: a rule that reads one that it never has can find nothing.
//!
//! In: the steps on one source, the values of records. Out: the fields that rules read and no record had.
//! Must not know: files, how events are read.
//!
//! Fields that need a version or setting of the log (`requires` in the source) are looked after in events. Others are
//! missing in most events for good reasons. What shows that none can have them are the columns of a file, and events
//! that a step would take but for fields that they lack: a field that events of another kind have is no help to a step
//! whose events never do.

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
    needs: Vec<Need>,
}

/// A field that a step needs, and what the events had that satisfy all else of the step.
#[derive(Debug)]
struct Need {
    /// Its number in `watched`.
    number: usize,
    place: usize,
    /// Whether a condition reads it, or only a link.
    is_tested: bool,
    /// Whether any of them had it.
    was_held: AtomicBool,
    /// How many had not.
    lacking: AtomicU64,
}

/// A field that none of the events of some steps had, and the steps, each with how many events lacked it.
type Needed<'p> = (&'p Watched, Vec<(&'p Needing, u64)>);

/// How much of a record was read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Known {
    /// The fields of conditions.
    Conditions,
    /// All fields, of a record whose conditions were looked at before.
    Rest,
    /// All fields at once.
    Whole,
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
            let tested = filter.fields().filter_map(|field| schema.place(&field.name)).collect();
            needs.push((*rule, *compiled, demanded, tested));
        }
        let watched: Vec<Watched> =
            read.iter().filter_map(|place| Watched::new(*place, schema, source)).collect();
        let number = |place: &usize| watched.iter().position(|watched| watched.place == *place);
        let needing = |(rule, step, needs, tested): (&str, &Arc<Step>, BTreeSet<usize>, BTreeSet<usize>)| {
            let need = |place| Some(Need::new(number(place)?, *place, tested.contains(place)));
            let needs = needs.iter().filter_map(need).collect();
            Needing { rule: rule.to_owned(), step: Arc::clone(step), needs }
        };
        Self {
            source: source.name.clone(),
            unseen: AtomicUsize::new(watched.len()),
            steps: needs.into_iter().map(needing).collect(),
            watched,
            events: AtomicU64::new(0),
        }
    }

    /// Takes note of the values of a record, as far as they are `known`.
    pub(super) fn see(&self, values: &Values<'_>, known: Known) {
        // Read before it is written: every thread writing for every record would wait for the others' cache line.
        let is_any_unseen = self.unseen.load(Ordering::Relaxed) > 0;
        for watched in self.watched.iter().filter(|_| is_any_unseen) {
            if has(values, watched.place)
                && !watched.was_seen()
                && !watched.was_seen.swap(true, Ordering::Relaxed)
            {
                self.unseen.fetch_sub(1, Ordering::Relaxed);
            }
        }
        if known == Known::Whole || self.steps.len() <= FEW {
            self.steps.iter().for_each(|step| step.see(values, known));
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
        required.chain(self.needed(events)).collect()
    }

    /// A sentence for each field that steps need and none of their events had; `events` were read in full.
    fn needed(&self, events: u64) -> Vec<String> {
        let mut needed: BTreeMap<usize, Needed<'_>> = BTreeMap::new();
        for step in &self.steps {
            for (need, lacking) in step.needs.iter().filter_map(|need| Some((need, need.never_held()?))) {
                let Some(watched) = self.watched.get(need.number) else { continue };
                let is_told = watched.is_told.load(Ordering::Relaxed);
                // What the log has to be for the field is said of the source, unless it is.
                if !is_told && (watched.was_seen() || watched.requires.is_none()) {
                    needed.entry(need.number).or_insert((watched, Vec::new())).1.push((step, lacking));
                }
            }
        }
        let sentence = |(watched, steps): Needed<'_>| {
            let ((first, lacking), more) = steps.split_first()?;
            let (source, field) = (&self.source, watched.shown());
            let (step, rule) = (&first.step.name, &first.rule);
            if watched.was_seen() {
                let more = match more.len() {
                    0 => String::new(),
                    1 => "; the same goes for 1 more step".to_owned(),
                    more => format!("; the same goes for {more} more steps"),
                };
                return Some(format!(
                    "no event of {source} that satisfies all else of step `{step}` of `{rule}` ({lacking} read) has {field}, which other events have{more}"
                ));
            }
            let more = match more.len() {
                0 => "needs".to_owned(),
                1 => "and 1 more step need".to_owned(),
                more => format!("and {more} more steps need"),
            };
            let read = format!("no event of {source} that was read in full ({events})");
            Some(format!("{read} has {field}, which step `{step}` of `{rule}` {more}"))
        };
        needed.into_values().filter_map(sentence).collect()
    }
}

impl Needing {
    /// Takes note of the fields of an event that satisfies all else.
    fn see(&self, values: &Values<'_>, known: Known) {
        let is_due = |need: &&Need| match known {
            Known::Conditions => need.is_tested,
            Known::Rest => !need.is_tested,
            Known::Whole => true,
        };
        let mut due = self.needs.iter().filter(is_due).filter(|need| !need.was_held()).peekable();
        if due.peek().is_none() || self.step.excepts.iter().any(|except| except.holds(values)) {
            return;
        }
        // Whatever the event lacks may be what keeps it from the step; if it does not lack the field, its value may.
        let fits = |place: usize| {
            may_be(&self.step.filter, true, values, &|other| other == place || !has(values, other))
        };
        for need in due.filter(|need| fits(need.place)) {
            if has(values, need.place) {
                need.was_held.store(true, Ordering::Relaxed);
            } else {
                need.lacking.fetch_add(1, Ordering::Relaxed);
            }
        }
    }
}

impl Need {
    fn new(number: usize, place: usize, is_tested: bool) -> Self {
        let (was_held, lacking) = (AtomicBool::new(false), AtomicU64::new(0));
        Self { number, place, is_tested, was_held, lacking }
    }

    fn was_held(&self) -> bool {
        self.was_held.load(Ordering::Relaxed)
    }

    /// How many events lacked it, if some did and none had it.
    fn never_held(&self) -> Option<u64> {
        let lacking = self.lacking.load(Ordering::Relaxed);
        (lacking > 0 && !self.was_held()).then_some(lacking)
    }
}

fn has(values: &Values<'_>, place: usize) -> bool {
    values.get(place).is_some_and(Option::is_some)
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

/// Whether a predicate may turn out as `wanted`, whatever the fields hold that are `open`.
fn may_be(pred: &Predicate, wanted: bool, values: &Values<'_>, open: &impl Fn(usize) -> bool) -> bool {
    let part = |part: &Predicate| may_be(part, wanted, values, open);
    match pred {
        Predicate::All(parts) if wanted => parts.iter().all(part),
        Predicate::Any(parts) if !wanted => parts.iter().all(part),
        Predicate::All(parts) | Predicate::Any(parts) => parts.iter().any(part),
        Predicate::Not(inner) => may_be(inner, !wanted, values, open),
        Predicate::Test(place, check) => {
            open(*place) || check.other().is_some_and(open) || pred.holds(values) == wanted
        }
    }
}
