//! Records at their times: the events of a scenario.
//!
//! In: records of a cast, the times of its steps, how often each step's record comes, further records. Out: events.
//! Must not know: rules, what comes of the events.

use super::cast::Cast;
use super::fields::{Fields, Held};

/// An event of a scenario.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Event {
    /// Canonical name of its source.
    pub(super) source: String,
    /// Seconds from the first one.
    pub(super) at: u64,
    /// Its fields.
    pub(super) fields: Fields,
}

/// How often the record of a step comes, the last time at the time of the step.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Burst {
    /// How often.
    pub(super) count: usize,
    /// Seconds from one time to the next.
    pub(super) every: i64,
    /// Seconds from the first time to the last, if that is more.
    pub(super) spread: i64,
    /// Fields that differ from time to time, each with its values.
    pub(super) varied: Vec<(String, Vec<Held>)>,
}

impl Burst {
    /// Once.
    pub(super) fn once() -> Self {
        Self { count: 1, every: 1, spread: 0, varied: Vec::new() }
    }

    /// Seconds from the first time to the last.
    pub(super) fn length(&self) -> i64 {
        self.before().into_iter().max().unwrap_or(0)
    }

    /// Seconds before the last time, of each time.
    fn before(&self) -> Vec<i64> {
        let count = i64::try_from(self.count).unwrap_or(1);
        let back = |number: i64| (count - 1 - number) * self.every;
        (0..count).map(|number| if number == 0 { back(0).max(self.spread) } else { back(number) }).collect()
    }

    /// The fields of one of the times.
    fn fields(&self, fields: &Fields, number: usize) -> Fields {
        let mut fields = fields.clone();
        for (name, values) in &self.varied {
            if let Some(held) = values.get(number.checked_rem(values.len()).unwrap_or(0)) {
                fields.insert(name.clone(), held.clone());
            }
        }
        fields
    }
}

/// What a scenario is made of.
#[derive(Debug, Clone)]
pub(super) struct Scene {
    /// For each node a record.
    pub(super) records: Vec<Fields>,
    /// For each step its time.
    pub(super) times: Vec<i64>,
    /// For each step how often its record comes.
    pub(super) bursts: Vec<Burst>,
    /// Further nodes, each with its time.
    pub(super) more: Vec<(usize, i64)>,
}

impl Scene {
    /// Its events, in no order.
    pub(super) fn events(&self, cast: &Cast<'_>) -> Vec<Event> {
        let mut timed: Vec<(i64, usize, Fields)> = Vec::new();
        for (step, (fields, time)) in self.records.iter().zip(&self.times).enumerate().take(cast.steps) {
            let once = Burst::once();
            let burst = self.bursts.get(step).unwrap_or(&once);
            for (number, before) in burst.before().into_iter().enumerate() {
                timed.push((time - before, step, burst.fields(fields, number)));
            }
        }
        for (node, time) in &self.more {
            timed.extend(self.records.get(*node).map(|fields| (*time, *node, fields.clone())));
        }
        let start = timed.iter().map(|(time, ..)| *time).min().unwrap_or(0);
        let event = |(time, node, fields): (i64, usize, Fields)| {
            let source = cast.nodes.get(node)?.selection.source.node.clone();
            Some(Event { source, at: u64::try_from(time - start).unwrap_or(0), fields })
        };
        timed.into_iter().filter_map(event).collect()
    }

    /// The same with the record of a node.
    pub(super) fn with(&self, node: usize, fields: &Fields) -> Self {
        let mut scene = self.clone();
        if let Some(known) = scene.records.get_mut(node) {
            known.clone_from(fields);
        }
        scene
    }

    /// The same with records.
    pub(super) fn of(&self, records: Vec<Fields>) -> Self {
        Self { records, ..self.clone() }
    }

    /// The same at other times.
    pub(super) fn at(&self, times: Vec<i64>) -> Self {
        Self { times, ..self.clone() }
    }

    /// The same with every step after the one before it has come, also the first time that it comes.
    pub(super) fn apart(&self) -> Self {
        let mut late = 0;
        let mut times = Vec::new();
        for (step, time) in self.times.iter().enumerate() {
            let is_first = step == 0;
            late += self.bursts.get(step).filter(|_| !is_first).map_or(0, Burst::length);
            times.push(time + late);
        }
        self.at(times)
    }

    /// The same with a further node, so many seconds from a step.
    pub(super) fn beside(&self, node: usize, step: usize, offset: i64) -> Self {
        let time = self.times.get(step).copied().unwrap_or(0);
        let mut scene = self.clone();
        scene.more.push((node, time + offset));
        scene
    }
}
