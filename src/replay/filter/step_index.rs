//! Which steps of which rules a record satisfies, without asking every step.
//!
//! In: the steps on one source. Out: [`StepIndex`], which names those that the values of a record satisfy.
//! Must not know: raw logs, chains.
//!
//! Steps that ask the same are asked once. A step that demands one of some values of a field, such as `event.action
//! == "RunInstances"`, is only asked when the field has one of them; of several such fields the one is used that tells
//! the steps apart best.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use foldhash::fast::RandomState;

use super::source_step::SourceStep;
use crate::engine::predicate::{Check, Predicate, Values};
use crate::engine::program::Step;
use crate::engine::value::{Atom, Value};
use crate::ir::Case;
use crate::replay::store::packed::StepId;

/// Steps that ask the same.
#[derive(Debug)]
struct Asked {
    step: Arc<Step>,
    ids: Vec<StepId>,
}

/// Steps by the value of one field that they require.
#[derive(Debug)]
struct ByValue {
    place: usize,
    texts: HashMap<String, Vec<usize>, RandomState>,
    others: HashMap<Atom, Vec<usize>, RandomState>,
}

/// The steps on one source.
#[derive(Debug)]
pub(super) struct StepIndex {
    asked: Vec<Asked>,
    /// Those that are always evaluated.
    always: Vec<usize>,
    by_value: Vec<ByValue>,
}

/// Up to so many steps it is faster to evaluate all than to look them up.
const FEW: usize = 3;

impl StepIndex {
    pub(super) fn new(all: &[SourceStep<'_>]) -> Self {
        let mut asked: Vec<Asked> = Vec::new();
        let mut known: HashMap<String, usize> = HashMap::new();
        for one in all {
            let at = *known.entry(question(one)).or_insert(asked.len());
            match asked.get_mut(at) {
                Some(same) => same.ids.push(one.id),
                None => asked.push(Asked { step: Arc::clone(one.compiled), ids: vec![one.id] }),
            }
        }
        let required: Vec<Vec<(usize, Vec<Atom>)>> =
            asked.iter().map(|asked| required_values(&asked.step.filter)).collect();
        let mut values: BTreeMap<usize, BTreeSet<&Atom>> = BTreeMap::new();
        for (place, of_step) in required.iter().flatten() {
            values.entry(*place).or_default().extend(of_step);
        }
        let variety = |place: &usize| values.get(place).map_or(0, BTreeSet::len);
        if asked.len() <= FEW {
            return Self { always: (0..asked.len()).collect(), asked, by_value: Vec::new() };
        }
        let (mut always, mut by_place) = (Vec::new(), BTreeMap::<usize, ByValue>::new());
        for (at, of_step) in required.iter().enumerate() {
            let Some((place, required)) = of_step.iter().max_by_key(|(place, _)| variety(place)) else {
                always.push(at);
                continue;
            };
            by_place.entry(*place).or_insert_with(|| ByValue::new(*place)).add(required, at);
        }
        Self { asked, always, by_value: by_place.into_values().collect() }
    }

    /// Rules and steps that a record with these values satisfies, in order.
    pub(super) fn satisfied(&self, values: &Values<'_>) -> Vec<StepId> {
        let mut found = Vec::new();
        let indexed = self.by_value.iter().flat_map(|by_value| by_value.get(values));
        for asked in self.always.iter().chain(indexed).filter_map(|at| self.asked.get(*at)) {
            // A required value is necessary, not sufficient.
            if asked.step.accepts(values) {
                found.extend(&asked.ids);
            }
        }
        found.sort_unstable();
        found
    }

    /// The places of all fields that are looked at.
    pub(super) fn places(&self) -> BTreeSet<usize> {
        let mut places = BTreeSet::new();
        self.asked.iter().for_each(|asked| asked.step.each_place(&mut |place| places.extend([place])));
        places
    }
}

impl ByValue {
    fn new(place: usize) -> Self {
        Self { place, texts: HashMap::default(), others: HashMap::default() }
    }

    fn add(&mut self, required: &[Atom], at: usize) {
        for atom in required {
            let steps = match atom {
                Atom::Text(text) => self.texts.entry(text.to_string()).or_default(),
                Atom::Int(_)
                | Atom::Float(_)
                | Atom::Bool(_)
                | Atom::Time(_)
                | Atom::Ip(_)
                | Atom::Many(_) => self.others.entry(atom.clone()).or_default(),
            };
            if steps.last() != Some(&at) {
                steps.push(at);
            }
        }
    }

    fn get(&self, values: &Values<'_>) -> &[usize] {
        let found = match values.get(self.place).and_then(Option::as_ref) {
            None => None,
            Some(Value::Text(text)) => self.texts.get(text.as_ref()),
            Some(
                value @ (Value::Int(_)
                | Value::Float(_)
                | Value::Bool(_)
                | Value::Time(_)
                | Value::Ip(_)
                | Value::AltSpelling(_)
                | Value::Many(_)),
            ) => self.others.get(&value.atom()),
        };
        found.map_or(&[], Vec::as_slice)
    }
}

/// What a step evaluates, the same text for steps with the same conditions: the conditions without their spans, and the
/// lists.
fn question(one: &SourceStep<'_>) -> String {
    let earlier = one.earlier.iter().map(|selection| (&selection.filter, &selection.excepts));
    let conditions = (one.filter, one.excepts, earlier.collect::<Vec<_>>());
    let mut conditions = serde_json::to_value(conditions).unwrap_or_default();
    forget_spans(&mut conditions);
    // With the lists: a test names its list by number, and in another rule the number is another list.
    format!("{conditions}{}", serde_json::to_string(one.lists).unwrap_or_default())
}

fn forget_spans(json: &mut serde_json::Value) {
    match json {
        serde_json::Value::Object(fields) => {
            fields.remove("span");
            fields.values_mut().for_each(forget_spans);
        }
        serde_json::Value::Array(items) => items.iter_mut().for_each(forget_spans),
        serde_json::Value::Null
        | serde_json::Value::Bool(_)
        | serde_json::Value::Number(_)
        | serde_json::Value::String(_) => {}
    }
}

/// The fields of which a condition requires one of some values.
fn required_values(filter: &Predicate) -> Vec<(usize, Vec<Atom>)> {
    match filter {
        Predicate::All(parts) => parts.iter().flat_map(required_values).collect(),
        // With the case ignored the texts are folded, and the record's own text would not be found among them.
        Predicate::Test(place, Check::OneOfTexts(texts, Case::Sensitive)) => {
            vec![(*place, texts.iter().map(|text| Atom::Text(text.as_str().into())).collect())]
        }
        Predicate::Test(place, Check::OneOf(atoms)) => vec![(*place, atoms.iter().cloned().collect())],
        // Of alternatives any one suffices, and a negation holds without the field: neither requires a value.
        Predicate::Test(..) | Predicate::Any(_) | Predicate::Not(_) => Vec::new(),
    }
}
