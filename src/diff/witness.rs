//! The smallest events found on which two rules alert differently.
//!
//! In: two rules. Out: a [`Witness`]. Must not know: output formats, where rules come from.

use std::cell::Cell;

use serde_json::{Map, Value as Json, json};

use super::align::Alignment;
use super::fields::typed;
use super::pair::Pair;
use super::scenario;
use super::timeline::Event;
use crate::catalog::Catalog;
use crate::engine::alert;
use crate::engine::program::Program;
use crate::engine::record::{Identity, Record, Schemas};
use crate::engine::trial;
use crate::engine::value::instant_text;
use crate::ir::Rule;

/// Events on which two rules alert differently.
#[derive(Debug, Clone, PartialEq)]
pub struct Witness {
    /// In order of time.
    pub events: Vec<Shown>,
    /// When the old rule alerts, as offsets in seconds.
    pub old: Vec<u64>,
    /// When the new rule alerts.
    pub new: Vec<u64>,
}

/// An event of a witness.
#[derive(Debug, Clone, PartialEq)]
pub struct Shown {
    /// Canonical name of its source.
    pub source: String,
    /// Seconds from the start.
    pub at: u64,
    /// Its fields, as canonical records write them.
    pub fields: Map<String, Json>,
}

impl Witness {
    /// The events as canonical records, one a line, as `catena replay --canonical` reads them.
    #[must_use]
    pub fn ndjson(&self) -> String {
        let mut text = String::new();
        for Shown { source, at, fields } in &self.events {
            let mut record = Map::new();
            record.insert("source".to_owned(), json!(source));
            record.insert("event.time".to_owned(), json!(instant_text(trial::instant(*at))));
            record.extend(fields.clone());
            text.push_str(&Json::Object(record).to_string());
            text.push('\n');
        }
        text
    }
}

/// What makes records and runs rules.
struct Bench<'a> {
    programs: [Program; 2],
    pair: &'a Pair<'a>,
    /// How often both rules have run.
    runs: Cell<usize>,
}

/// The instants at which a rule alerts, in order, each with the event of its last step.
type Alerts = Vec<(u64, usize)>;

/// The most runs of both rules in one search: about a second where every world is small.
const RUNS: usize = 6_000;

/// Searches; `steps` says which step of the old rule each of the new one is. Of what differs the fewest events, then
/// the shortest time.
pub(super) fn find((old, new): (&Rule, &Rule), steps: &Alignment, catalog: &Catalog) -> Option<Witness> {
    let schemas = Schemas::for_rules(catalog, [old, new]);
    let programs = [Program::new(old, &schemas).ok()?, Program::new(new, &schemas).ok()?];
    let pair = Pair::new((old, new), steps, catalog, &schemas);
    let bench = Bench { programs, pair: &pair, runs: Cell::new(0) };
    let size = |events: &[Event]| (events.len(), events.iter().map(|event| event.at).max());
    let mut best: Option<Vec<Event>> = None;
    let mut scenarios = scenario::all(&pair);
    // The smallest first: what is found early says how much is enough.
    scenarios.sort_by_key(Vec::len);
    for events in scenarios {
        if bench.runs.get() > RUNS {
            break;
        }
        if !bench.differ(&events) {
            continue;
        }
        let least = bench.least(events);
        if best.as_ref().is_none_or(|known| size(&least) < size(known)) {
            best = Some(least);
        }
    }
    let events = best?;
    let [old, new] = bench.alerts(&events);
    let times = |alerts: Alerts| alerts.into_iter().map(|(at, _)| at).collect();
    let numbered = events.iter().enumerate();
    let mut shown: Vec<Shown> = numbered.map(|(number, event)| bench.shown(number, event)).collect();
    shown.sort_by_key(|event| event.at);
    Some(Witness { events: shown, old: times(old), new: times(new) })
}

impl Bench<'_> {
    fn differ(&self, events: &[Event]) -> bool {
        // A large world costs as much as many small ones.
        self.runs.set(self.runs.get() + 1 + events.len() / 8);
        let [old, new] = self.alerts(events);
        old != new
    }

    fn alerts(&self, events: &[Event]) -> [Alerts; 2] {
        let records: Vec<Record> =
            events.iter().enumerate().filter_map(|(number, event)| self.record(number, event)).collect();
        [0, 1].map(|side: usize| {
            let Some(program) = self.programs.get(side) else { return Alerts::new() };
            let found = alert::alerts(program, &records);
            let last = |alert: &alert::Alert| alert.records.last().copied().unwrap_or(0);
            // Of steps in any order the last one is not the latest.
            let at =
                |alert: &alert::Alert| u64::try_from((alert.end - trial::ORIGIN) / 1_000_000).unwrap_or(0);
            let mut alerts: Alerts = found.iter().map(|alert| (at(alert), last(alert))).collect();
            alerts.sort_unstable();
            alerts
        })
    }

    /// Without every event that the difference does not need.
    fn least(&self, mut events: Vec<Event>) -> Vec<Event> {
        let mut index = 0;
        while index < events.len() {
            let mut fewer = events.clone();
            fewer.remove(index);
            if self.differ(&fewer) {
                events = fewer;
                index = 0;
            } else {
                index += 1;
            }
        }
        let start = events.iter().map(|event| event.at).min().unwrap_or(0);
        for event in &mut events {
            event.at -= start;
        }
        events
    }

    fn record(&self, number: usize, event: &Event) -> Option<Record> {
        let schema = self.pair.schemas.get(&event.source)?;
        let mut values = typed(&event.fields, schema);
        let time = trial::instant(event.at);
        if let Some(place) = schema.place("event.time").and_then(|place| values.get_mut(place)) {
            *place = Some(crate::engine::value::Value::Time(time));
        }
        // As replay tells events apart: by their ids, where they have some.
        let ids = &self.pair.catalog.source(&event.source)?.event_id.0;
        let places: Option<Vec<usize>> = ids.iter().map(|id| schema.place(id)).collect();
        let identity = Identity::by_ids(&event.source, &places.unwrap_or_default(), &values);
        Some(Record {
            schema: schema.clone(),
            time,
            event: identity.unwrap_or_else(|| Identity::of(&event.source, (false, number))),
            values: values.into(),
        })
    }

    fn shown(&self, number: usize, event: &Event) -> Shown {
        let fields = event.fields.iter().filter(|(name, _)| *name != "event.time");
        let mut fields: Map<String, Json> = fields.map(|(name, held)| (name.clone(), held.json())).collect();
        // Each event is one of its own.
        let ids = self.pair.catalog.source(&event.source).map(|source| source.event_id.0.as_slice());
        for id in ids.unwrap_or_default().iter().filter(|id| *id != "event.time") {
            fields.entry(id.clone()).or_insert_with(|| json!(format!("e{}", number + 1)));
        }
        Shown { source: event.source.clone(), at: event.at, fields }
    }
}
