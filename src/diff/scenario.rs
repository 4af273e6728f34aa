//! Small scenarios around the edges of two rules: their windows, keys, conditions, order and de-duplication.
//!
//! In: two rules and the records that satisfy their steps. Out: events with times, most telling first. Must not know:
//! what comes of them.

use super::example;
use super::keys;
use super::pair::Pair;
use super::solve::{self, Fields, Wanted};
use crate::catalog::Source;
use crate::ir::{Pred, Rule, Step, Value};

/// An event of a scenario.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Event {
    /// Canonical name of its source.
    pub(super) source: String,
    /// Seconds from the start.
    pub(super) at: u64,
    /// Its fields.
    pub(super) fields: Fields,
}

/// A field of a step with another value: the value, or nothing.
type Broken = (usize, String, Option<Value>);

/// All scenarios.
pub(super) fn all(pair: Pair<'_>) -> Vec<Vec<Event>> {
    let mut found = Vec::new();
    for base in pair.rules {
        let Some(plain) = base_records(base, pair) else { continue };
        let keyed = keys::join(&base.chain, plain, None, pair);
        let steps = &base.chain.steps;
        let times = times(pair, base);
        let close = vec![1; base.chain.links.len()];
        found.push(chain(steps, &keyed, &close));
        found.extend(times.iter().map(|gaps| chain(steps, &keyed, gaps)));
        for (step, fields) in telling(base, pair) {
            let mut records = keyed.clone();
            if let Some(place) = records.get_mut(step) {
                // Keys stay what they are, unless the condition is about them.
                let mut whole = place.clone();
                whole.extend(fields.clone());
                *place = whole;
            }
            found.push(chain(steps, &records, &close));
            found.push(chain(
                steps,
                &keys::join(&base.chain, with(&keyed, step, fields), Some(step), pair),
                &close,
            ));
        }
        for (step, name, value) in broken(pair, base) {
            found.push(chain(steps, &with_field(&keyed, step, &name, value), &close));
        }
        found.extend(repeated(pair, base, &keyed));
    }
    found
}

fn with(records: &[Fields], step: usize, fields: Fields) -> Vec<Fields> {
    let mut records = records.to_vec();
    if let Some(place) = records.get_mut(step) {
        *place = fields;
    }
    records
}

fn with_field(records: &[Fields], step: usize, name: &str, value: Option<Value>) -> Vec<Fields> {
    let mut records = records.to_vec();
    if let Some(place) = records.get_mut(step) {
        match value {
            Some(value) => _ = place.insert(name.to_owned(), value),
            None => _ = place.remove(name),
        }
    }
    records
}

/// A record for each step, one that the other rule takes as well where there is one.
fn base_records(base: &Rule, pair: Pair<'_>) -> Option<Vec<Fields>> {
    let record = |step: &Step| {
        let condition = step.main.condition();
        let own = Wanted { pred: &condition, rule: base, holds: true };
        let (source, schema) = place(step, pair)?;
        let others = others(base, step, pair);
        let both = others.iter().map(|(pred, rule)| Wanted { pred, rule, holds: true });
        let both: Vec<_> = std::iter::once(own).chain(both).collect();
        let found = solve::records(&both, source, schema).into_iter().next();
        found.or_else(|| solve::records(&[own], source, schema).into_iter().next())
    };
    base.chain.steps.iter().map(record).collect()
}

fn place<'a>(step: &Step, pair: Pair<'a>) -> Option<(&'a Source, &'a crate::engine::record::Schema)> {
    Some((pair.catalog.source(&step.main.source.node)?, pair.schemas.get(&step.main.source.node)?))
}

/// The conditions of the step of the same name, or else place, in the other rule.
fn others<'a>(base: &Rule, step: &Step, pair: Pair<'a>) -> Vec<(Pred, &'a Rule)> {
    let mut found = Vec::new();
    for other in pair.rules.into_iter().filter(|rule| !std::ptr::eq(*rule, base)) {
        let index = base.chain.steps.iter().position(|known| known.name.node == step.name.node);
        let named = other.chain.steps.iter().find(|known| known.name.node == step.name.node);
        let counterpart = named.or_else(|| other.chain.steps.get(index?));
        let counterpart = counterpart.filter(|known| known.main.source.node == step.main.source.node);
        found.extend(counterpart.map(|step| (step.main.condition().into_owned(), other)));
    }
    found
}

/// Records that one of the rules takes at a step and the other does not.
fn telling(base: &Rule, pair: Pair<'_>) -> Vec<(usize, Fields)> {
    let mut found = Vec::new();
    for (index, step) in base.chain.steps.iter().enumerate() {
        let Some((source, schema)) = place(step, pair) else { continue };
        let condition = step.main.condition();
        for (other, rule) in others(base, step, pair) {
            for holds in [true, false] {
                let wanted = [
                    Wanted { pred: &condition, rule: base, holds },
                    Wanted { pred: &other, rule, holds: !holds },
                ];
                found.extend(
                    solve::records(&wanted, source, schema).into_iter().map(|fields| (index, fields)),
                );
            }
        }
    }
    found
}

/// Times between neighbours at the edges of the windows of both rules.
fn times(pair: Pair<'_>, base: &Rule) -> Vec<Vec<u64>> {
    let count = base.chain.links.len();
    let mut found = vec![vec![0; count]];
    let gaps = |index: usize| {
        pair.rules.iter().filter_map(move |rule| rule.chain.links.get(index)).map(|link| link.gap.seconds)
    };
    for index in 0..count {
        for gap in gaps(index).flat_map(|gap| [gap, gap + 1]) {
            for others in [1, 0] {
                let mut times = vec![others; count];
                if let Some(time) = times.get_mut(index) {
                    *time = gap;
                }
                found.push(times);
            }
        }
    }
    for total in pair.rules.iter().flat_map(|rule| [rule.chain.total.seconds, rule.chain.total.seconds + 1]) {
        for widest in [u64::max as fn(u64, u64) -> u64, u64::min] {
            let mut rest = total;
            let fill = |index: usize| {
                let limit = gaps(index).reduce(widest).unwrap_or(0);
                let time = limit.min(rest);
                rest -= time;
                time
            };
            found.push((0..count).map(fill).collect());
        }
    }
    found
}

fn chain(steps: &[Step], records: &[Fields], gaps: &[u64]) -> Vec<Event> {
    let mut at = 0;
    let mut events = Vec::new();
    for (index, (step, fields)) in steps.iter().zip(records).enumerate() {
        at += index.checked_sub(1).and_then(|before| gaps.get(before)).copied().unwrap_or(0);
        events.push(Event { source: step.main.source.node.clone(), at, fields: fields.clone() });
    }
    events
}

/// Each key of either rule with another value, and without one, on either side.
fn broken(pair: Pair<'_>, base: &Rule) -> Vec<Broken> {
    let mut found = Vec::new();
    for (index, step) in base.chain.steps.iter().enumerate() {
        let Some((source, _)) = place(step, pair) else { continue };
        let keys = pair.rules.iter().flat_map(|rule| &rule.chain.links).flat_map(|link| &link.keys);
        for field in keys.flat_map(|key| [&key.left, &key.right]) {
            if source.field(&field.name).is_some() {
                found.push((index, field.name.clone(), Some(example::plain(field.ty, 77))));
                found.push((index, field.name.clone(), None));
            }
        }
    }
    found
}

/// The whole chain twice, as far apart as either rule silences, with the same keys and with one that differs.
fn repeated(pair: Pair<'_>, base: &Rule, keyed: &[Fields]) -> Vec<Vec<Event>> {
    let dedupes: Vec<_> = pair.rules.iter().filter_map(|rule| rule.alert.dedupe.as_ref()).collect();
    let steps = &base.chain.steps;
    let close = vec![0; base.chain.links.len()];
    let first = chain(steps, keyed, &close);
    let mut offsets: Vec<u64> =
        dedupes.iter().flat_map(|dedupe| [dedupe.window.seconds, dedupe.window.seconds + 1]).collect();
    offsets.push(1);
    let mut found = Vec::new();
    let mut copies = vec![keyed.to_vec()];
    for field in dedupes.iter().flat_map(|dedupe| &dedupe.by) {
        let value = example::plain(field.field.ty, 88);
        // In all steps, so that keys still join.
        let mut copy = keyed.to_vec();
        for fields in &mut copy {
            if fields.contains_key(&field.field.name) {
                fields.insert(field.field.name.clone(), value.clone());
            }
        }
        copies.push(copy);
        copies.push(with_field(keyed, field.step, &field.field.name, Some(value)));
    }
    for copy in &copies {
        for offset in &offsets {
            let mut second = chain(steps, copy, &close);
            for event in &mut second {
                event.at += offset;
            }
            found.push([first.as_slice(), &second].concat());
        }
    }
    found
}
