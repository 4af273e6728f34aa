//! Which steps of which rules a record satisfies, without asking every step.
//!
//! In: the steps on one source. Out: [`Steps`], which names those that the values of a record satisfy.
//! Must not know: raw logs, chains.
//!
//! Steps that ask the same are asked once. A step that demands one of some values of a field, such as `event.action ==
//! "RunInstances"`, is only asked when the field has one of them; of several such fields the one is used that tells the
//! steps apart best.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use foldhash::fast::RandomState;

use crate::engine::predicate::{Check, Predicate, Values};
use crate::engine::program::Step;
use crate::engine::value::{Atom, Value};
use crate::ir::{self, Case, List};

/// A rule and one of its steps, by number.
pub(super) type Name = (u32, u16);

/// A step as written and as compiled.
#[derive(Debug)]
pub(super) struct Written<'r> {
    pub(super) name: Name,
    pub(super) step: &'r crate::ir::Step,
    pub(super) lists: &'r [List],
    pub(super) compiled: &'r Arc<Step>,
}

/// Steps that ask the same.
#[derive(Debug)]
struct Asked {
    step: Arc<Step>,
    names: Vec<Name>,
}

/// Steps by the value of one field that they demand.
#[derive(Debug)]
struct ByValue {
    place: usize,
    texts: HashMap<String, Vec<usize>, RandomState>,
    others: HashMap<Atom, Vec<usize>, RandomState>,
}

/// The steps on one source.
#[derive(Debug)]
pub(super) struct Steps {
    asked: Vec<Asked>,
    /// Those that are always asked.
    always: Vec<usize>,
    by_value: Vec<ByValue>,
}

/// So many steps are asked sooner than looked up.
const FEW: usize = 3;

impl Steps {
    pub(super) fn new(all: &[Written<'_>]) -> Self {
        let mut asked: Vec<Asked> = Vec::new();
        let mut known: HashMap<String, usize> = HashMap::new();
        for one in all {
            let at = *known.entry(question(one)).or_insert(asked.len());
            match asked.get_mut(at) {
                Some(same) => same.names.push(one.name),
                None => asked.push(Asked { step: Arc::clone(one.compiled), names: vec![one.name] }),
            }
        }
        let demands: Vec<Vec<(usize, Vec<Atom>)>> =
            asked.iter().map(|asked| demands(&asked.step.filter)).collect();
        let mut values: BTreeMap<usize, BTreeSet<&Atom>> = BTreeMap::new();
        for (place, of_step) in demands.iter().flatten() {
            values.entry(*place).or_default().extend(of_step);
        }
        let variety = |place: &usize| values.get(place).map_or(0, BTreeSet::len);
        if asked.len() <= FEW {
            return Self { always: (0..asked.len()).collect(), asked, by_value: Vec::new() };
        }
        let (mut always, mut by_place) = (Vec::new(), BTreeMap::<usize, ByValue>::new());
        for (at, of_step) in demands.iter().enumerate() {
            let Some((place, demanded)) = of_step.iter().max_by_key(|(place, _)| variety(place)) else {
                always.push(at);
                continue;
            };
            by_place.entry(*place).or_insert_with(|| ByValue::new(*place)).add(demanded, at);
        }
        Self { asked, always, by_value: by_place.into_values().collect() }
    }

    /// Rules and steps that a record with these values satisfies, in order.
    pub(super) fn satisfied(&self, values: &Values<'_>) -> Vec<Name> {
        let mut found = Vec::new();
        let indexed = self.by_value.iter().flat_map(|by_value| by_value.get(values));
        for asked in self.always.iter().chain(indexed).filter_map(|at| self.asked.get(*at)) {
            if asked.step.accepts(values) {
                found.extend(&asked.names);
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

    fn add(&mut self, demanded: &[Atom], at: usize) {
        for atom in demanded {
            let steps = match atom {
                Atom::Text(text) => self.texts.entry(text.to_string()).or_default(),
                Atom::Int(_) | Atom::Float(_) | Atom::Bool(_) | Atom::Time(_) | Atom::Ip(_) => {
                    self.others.entry(atom.clone()).or_default()
                }
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
                | Value::Respelled(_)),
            ) => self.others.get(&value.atom()),
        };
        found.map_or(&[], Vec::as_slice)
    }
}

/// What a step asks, the same for steps that ask the same: its conditions without their places in the text, and the
/// lists.
fn question(one: &Written<'_>) -> String {
    // Taken apart without `..`: steps that differ in another part do not ask the same.
    let ir::Step { name: _, source: _, filter, excepts, span: _ } = one.step;
    let conditions = (filter, excepts);
    let mut conditions = serde_json::to_value(conditions).unwrap_or_default();
    forget_spans(&mut conditions);
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

/// The fields of which a condition demands one of some values.
fn demands(filter: &Predicate) -> Vec<(usize, Vec<Atom>)> {
    match filter {
        Predicate::All(parts) => parts.iter().flat_map(demands).collect(),
        Predicate::Test(place, Check::OneOfTexts(texts, Case::Sensitive)) => {
            vec![(*place, texts.iter().map(|text| Atom::Text(text.as_str().into())).collect())]
        }
        Predicate::Test(place, Check::OneOf(atoms)) => vec![(*place, atoms.iter().cloned().collect())],
        Predicate::Test(..) | Predicate::Any(_) | Predicate::Not(_) => Vec::new(),
    }
}
