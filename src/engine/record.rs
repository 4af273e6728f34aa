//! Records: flat, typed, single-valued; what every other part of the engine works on.
//!
//! In: a source of the catalog. Out: a [`Schema`] that numbers its fields, and records with a value or nothing in each
//! place. Must not know: rules, raw logs.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::hash::{BuildHasher, Hash};
use std::sync::Arc;

use foldhash::quality::FixedState;

use super::value::{Value, instant_text};
use crate::catalog::{Catalog, Source};
use crate::ir::{Absence, Alert, Chain, Link, PlaybookPart, Pred, Rule, Step, StepField, Type};

/// The fields of a source that records carry, each with its place.
#[derive(Debug, Clone, PartialEq)]
pub struct Schema {
    source: String,
    fields: Vec<(String, Type)>,
    places: HashMap<String, usize>,
}

impl Schema {
    /// All fields of `source`, or those that are `wanted`, in order of name.
    #[must_use]
    pub fn new(source: &Source, wanted: Option<&BTreeSet<String>>) -> Self {
        let fields: Vec<_> = source
            .fields
            .values()
            .filter(|field| wanted.is_none_or(|wanted| wanted.contains(&field.name)))
            .map(|field| (field.name.clone(), field.ty))
            .collect();
        Self::of_fields(&source.name, fields)
    }

    /// Fields that are no source's, in the order of their places.
    #[must_use]
    pub fn of_fields(source: &str, fields: Vec<(String, Type)>) -> Self {
        let places = fields.iter().enumerate().map(|(place, (name, _))| (name.clone(), place)).collect();
        Self { source: source.to_owned(), fields, places }
    }

    /// Canonical name of the source.
    #[must_use]
    pub fn source(&self) -> &str {
        &self.source
    }

    /// Place of a field.
    #[must_use]
    pub fn place(&self, field: &str) -> Option<usize> {
        self.places.get(field).copied()
    }

    /// Names and types in order of place.
    #[must_use]
    pub fn fields(&self) -> &[(String, Type)] {
        &self.fields
    }

    /// A record without any value yet.
    #[must_use]
    pub fn empty(&self) -> Vec<Option<Value<'static>>> {
        vec![None; self.fields.len()]
    }
}

/// The schemas in use, by name of source.
#[derive(Debug, Clone, Default)]
pub struct Schemas {
    of: BTreeMap<String, Arc<Schema>>,
}

impl Schemas {
    /// Every field of every source.
    #[must_use]
    pub fn full(catalog: &Catalog) -> Self {
        Self::of(catalog, catalog.names())
    }

    /// Every field of the sources of these names.
    #[must_use]
    pub fn of<'n>(catalog: &Catalog, names: impl IntoIterator<Item = &'n str>) -> Self {
        let sources = names.into_iter().filter_map(|name| catalog.source(name));
        let of = sources.map(|source| (source.name.clone(), Arc::new(Schema::new(source, None)))).collect();
        Self { of }
    }

    /// Only the sources of `rules`, and of each only what a rule reads or an alert shows, with its time, identity and
    /// group key.
    #[must_use]
    pub fn for_rules<'r>(catalog: &Catalog, rules: impl IntoIterator<Item = &'r Rule>) -> Self {
        let mut wanted: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        for rule in rules {
            collect_rule(rule, &mut |source, field| {
                wanted.entry(source.to_owned()).or_default().insert(field.to_owned());
            });
        }
        let mut of = BTreeMap::new();
        for (name, mut fields) in wanted {
            let Some(source) = catalog.source(&name) else { continue };
            fields.insert("event.time".to_owned());
            fields.extend(source.event_id.0.iter().cloned());
            // Without the key of the group, two items of one event could look the same in an alert.
            fields.extend(source.group.0.iter().flat_map(|group| group.key.iter().cloned()));
            of.insert(name, Arc::new(Schema::new(source, Some(&fields))));
        }
        Self { of }
    }

    /// The schema of a source.
    #[must_use]
    pub fn get(&self, source: &str) -> Option<&Arc<Schema>> {
        self.of.get(source)
    }

    /// All of them, in order of name.
    pub fn iter(&self) -> impl Iterator<Item = &Arc<Schema>> {
        self.of.values()
    }
}

/// Names every field that `rule` reads, with its source.
///
/// A field that is not named here is not read, and a test of it is false in silence: so the rule is taken apart
/// exhaustively.
fn collect_rule(rule: &Rule, add: &mut dyn FnMut(&str, &str)) {
    let Rule { name: _, meta: _, params: _, lists: _, chain, alert, playbook, tests: _, span: _ } = rule;
    // The names of the clauses around the conditions are collected by the chain, which knows who reads what of whom.
    let Chain { total: _, total_is_explicit: _, scope: _, steps, links, together: _ } = chain;
    for (index, step) in steps.iter().enumerate() {
        let Step { name: _, main: _, others: _, absences, repetition: _, span: _ } = step;
        for selection in step.selections() {
            add(&selection.source.node, "event.time");
            chain
                .fields_read(index, selection)
                .into_iter()
                .for_each(|field| add(&selection.source.node, field));
        }
        for absence in absences {
            collect_absence(absence, add);
        }
    }
    for Link { gap: _, keys: _, comparisons: _, absences, span: _ } in links {
        for absence in absences {
            collect_absence(absence, add);
        }
    }
    let Alert { entities, show, dedupe } = alert;
    let playbook = playbook.iter().flat_map(|playbook| &playbook.parts).filter_map(|part| match part {
        PlaybookPart::Text(_) => None,
        PlaybookPart::Field(field) => Some(field),
    });
    let shown = entities.iter().map(|entity| &entity.field).chain(show);
    let keys = dedupe.iter().flat_map(|dedupe| &dedupe.by);
    for StepField { step, field } in shown.chain(keys).chain(playbook) {
        let Some(step) = steps.get(*step) else { continue };
        for selection in step.selections() {
            add(&selection.source.node, selection.field(&field.name));
        }
    }
}

fn collect_absence(absence: &Absence, add: &mut dyn FnMut(&str, &str)) {
    let Absence { name: _, selections, when: _, keys, span: _ } = absence;
    for selection in selections {
        add(&selection.source.node, "event.time");
        let shared = keys.iter().map(|key| selection.field(&key.right.name));
        let read = selection.conditions().flat_map(Pred::fields).map(|field| field.name.as_str());
        shared.chain(read).for_each(|field| add(&selection.source.node, field));
    }
}

/// Which event a record comes from: records of one event never chain with each other.
///
/// 128 bits of the source's name and the event's id, or all its raw fields where it has none. Among a thousand million
/// events the chance that any two of them share one by accident is below 10⁻²⁰.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Identity(u128);

impl Identity {
    /// The identity of what `parts` say about an event of `source`.
    pub fn of(source: &str, parts: impl Hash) -> Self {
        // The seeds are fixed: the order of identities breaks ties between records, and an alert must show the same
        // evidence in every run.
        let half = |seed| u128::from(FixedState::with_seed(seed).hash_one((source, &parts)));
        Self(half(1) << 64 | half(2))
    }

    /// The identity that the values at some places give an event; `None` if there are no such places, or one of them
    /// has no value.
    #[must_use]
    pub fn by_ids(source: &str, places: &[usize], values: &[Option<Value<'_>>]) -> Option<Self> {
        let atom = |place: &usize| Some(values.get(*place)?.as_ref()?.atom());
        // The flag keeps an id apart from a raw text that happens to read the same.
        match places {
            [] => None,
            [only] => Some(Self::of(source, (true, atom(only)?))),
            several => Some(Self::of(source, (true, several.iter().map(atom).collect::<Option<Vec<_>>>()?))),
        }
    }

    /// Its bits.
    #[must_use]
    pub fn bits(self) -> u128 {
        self.0
    }

    /// The identity that had these bits.
    #[must_use]
    pub fn from_bits(bits: u128) -> Self {
        Self(bits)
    }
}

/// One record.
#[derive(Debug, Clone)]
pub struct Record {
    /// What its places mean.
    pub schema: Arc<Schema>,
    /// Event time, microseconds since 1970 in UTC.
    pub time: i64,
    /// The event it comes from.
    pub event: Identity,
    /// A value or nothing for each field of the schema.
    pub values: Box<[Option<Value<'static>>]>,
}

impl Record {
    /// The value of a field; `None` if it is missing.
    #[must_use]
    pub fn get(&self, field: &str) -> Option<&Value<'static>> {
        self.at(self.schema.place(field)?)
    }

    /// The value at a place of the schema.
    #[must_use]
    pub fn at(&self, place: usize) -> Option<&Value<'static>> {
        self.values.get(place)?.as_ref()
    }

    /// The fields that have a value, in order of name.
    pub fn present(&self) -> impl Iterator<Item = (&str, &Value<'static>)> {
        let names = self.schema.fields().iter().map(|(name, _)| name.as_str());
        names.zip(&self.values).filter_map(|(name, value)| Some((name, value.as_ref()?)))
    }

    /// The event time as text.
    #[must_use]
    pub fn time_text(&self) -> String {
        instant_text(self.time)
    }

    /// The order in which the engine sees records: time, source, event, then values. It does not depend on the order of
    /// input.
    #[must_use]
    pub fn order(&self, other: &Self) -> std::cmp::Ordering {
        let head = |record: &Self| (record.time, record.event);
        self.time
            .cmp(&other.time)
            // By name, in the order of which the store numbers sources: both orders must agree.
            .then_with(|| self.schema.source().cmp(other.schema.source()))
            .then_with(|| head(self).cmp(&head(other)))
            .then_with(|| self.atoms().cmp(other.atoms()))
    }

    fn atoms(&self) -> impl Iterator<Item = Option<super::value::Atom>> {
        self.values.iter().map(|value| value.as_ref().map(Value::atom))
    }
}
