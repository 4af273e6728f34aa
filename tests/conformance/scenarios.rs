//! Small scenarios of raw events for a rule: chains that hold, chains that fail by one second or one value, and noise.
//!
//! In: a rule, a random generator, the second at which the scenario begins. Out: events in the order of delivery, which
//! is not that of their times. Must not know: targets, queries.

use catena::catalog::{Catalog, Source};
use catena::engine::event::Reader;
use catena::engine::program::Program;
use catena::engine::record::{Record, Schemas};
use catena::engine::value::Value;
use catena::ir::{Pred, Rule, Selection, Step, Together, Type};
use fastrand::Rng;

use super::clauses;
use super::raw::{Content, Event, drop_repeated};
use super::samples::{self, FLOW};
use super::satisfy::{Satisfier, fields_of};

/// What making scenarios for one rule needs, compiled once.
pub(super) struct Maker<'a> {
    pub(super) rule: &'a Rule,
    pub(super) catalog: &'a Catalog,
    pub(super) program: Program,
    readers: Vec<Reader>,
    /// Most flow records are of the format that the rule needs, some of the other one.
    wide: bool,
}

impl<'a> Maker<'a> {
    pub(super) fn new(rule: &'a Rule, catalog: &'a Catalog) -> Self {
        // Full ones, for what a query must not look at is there too; of the other sources nothing ever happens.
        let schemas = Schemas::of(catalog, rule.chain.selections().map(|one| one.source.node.as_str()));
        let program = Program::new(rule, &schemas).unwrap();
        let readers = schemas
            .iter()
            .map(|schema| Reader::new(catalog.source(schema.source()).unwrap(), schema.clone()).unwrap())
            .collect();
        Self { rule, catalog, program, readers, wide: needs_wide_flows(rule, catalog) }
    }

    /// Seconds from the beginning of one scenario to that of the next: no window reaches over it, however a target
    /// widens it.
    pub(super) fn stride(&self) -> i64 {
        let gaps: u64 = self.rule.chain.links.iter().map(|link| link.gap.seconds).sum();
        let longest = gaps.max(self.rule.chain.total.seconds) + clauses::reach(&self.rule.chain);
        i64::try_from(longest).unwrap() * 3 + 6 * 3600
    }

    /// Whether the source file says that a target has only an approximation of a field, so that a row may show another
    /// value.
    pub(super) fn is_approximate(&self, step: usize, field: &str, target: &str) -> bool {
        let def = self.source(&self.rule.chain.steps[step].main.source.node).field(field);
        let column = def.and_then(|def| def.columns.get(target));
        column.is_some_and(|column| column.variants().iter().any(|variant| variant.superset.is_some()))
    }

    /// The records of an event, as the engine reads it.
    pub(super) fn records(&self, event: &Event) -> Vec<Record> {
        let reader = self.readers.iter().find(|reader| reader.schema().source() == event.source);
        reader.unwrap().records(&event.raw).unwrap()
    }

    pub(super) fn source(&self, name: &str) -> &'a Source {
        self.catalog.source(name).unwrap()
    }

    pub(super) fn scenario(&self, rng: &mut Rng, begin: i64) -> Vec<Event> {
        let mut events = Vec::new();
        for _ in 0..rng.usize(1..4) {
            self.chain(rng, begin, &mut events);
        }
        for _ in 0..rng.usize(0..3) {
            let step = rng.choice(&self.rule.chain.steps).unwrap();
            let mut event = self.fresh(&step.main.source.node, events.len(), rng);
            event.happen(begin + rng.i64(0..=self.longest()), 60);
            events.push(event);
        }
        for event in &mut events {
            if rng.u8(0..8) == 0 {
                self.tweak(event, rng);
            }
            match rng.u8(0..6) {
                0 | 1 => event.fail_as_dry_run(),
                2 => event.fail_by_message(),
                _ => {}
            }
            if rng.u8(0..6) == 0 {
                event.answer_with_no_items();
            }
            event.settle();
        }
        drop_repeated(&mut events);
        rng.shuffle(&mut events);
        events
    }

    pub(super) fn longest(&self) -> i64 {
        i64::try_from(self.rule.chain.total.seconds).unwrap()
    }

    /// An event for every step, each with the key of the one before, most of them in time.
    fn chain(&self, rng: &mut Rng, begin: i64, events: &mut Vec<Event>) {
        let chain = &self.rule.chain;
        // What a clause counts or excludes may lie before the chain, and must not lie in the scenario before.
        let begin =
            begin + i64::try_from(clauses::reach(chain)).unwrap() + i64::from(clauses::reach(chain) > 0);
        let mut time = begin + if rng.bool() { 0 } else { rng.i64(0..=self.longest()) };
        let first = time;
        let mut before: Option<Event> = None;
        for (index, step) in chain.steps.iter().enumerate() {
            if let Some(link) = index.checked_sub(1).and_then(|link| chain.links.get(link)) {
                let gap = i64::try_from(link.gap.seconds).unwrap();
                let pause = self.pause(rng, gap, time - first, index + 1 == chain.steps.len());
                time = (time + pause).max(begin);
            }
            if chain.together.is_some() {
                time = first + if rng.u8(0..4) == 0 { self.longest() } else { rng.i64(0..=self.longest()) };
            }
            let mut event = self.matching(step, events.len(), rng);
            if let Some(before) = &before {
                self.join(index, before, &mut event, events.last_mut(), rng);
                if rng.u8(0..24) == 0 {
                    self.miss_on_both_sides(index, events.last_mut(), &mut event, rng);
                }
            }
            event.happen(time, *rng.choice(&[0, 30, 60, 599]).unwrap());
            self.add_for_clauses(index, before.as_ref(), &event, events, rng);
            before = Some(event.clone());
            if rng.u8(0..12) > 0 {
                events.push(event);
            }
        }
    }

    /// Time to the next step: nothing, a little, the gap to the second, one second more, one second backwards; or what
    /// the total leaves, or one more.
    fn pause(&self, rng: &mut Rng, gap: i64, gone: i64, last: bool) -> i64 {
        let left = (self.longest() - gone).max(0);
        if last && left < gap && rng.bool() {
            return left + i64::from(rng.u8(0..3) == 0);
        }
        match rng.u8(0..12) {
            0 => 0,
            1..=3 => gap,
            4 => gap + 1,
            5 => -1,
            _ => rng.i64(0..=gap),
        }
    }

    fn fresh(&self, source: &str, number: usize, rng: &mut Rng) -> Event {
        let source = self.source(source);
        let mut event = Event::plain(&source.name, number as u64 + 1, self.wide == (rng.u8(0..6) > 0));
        let items = if source.name == FLOW { 1 } else { *rng.choice(&[1, 1, 2, 3]).unwrap() };
        let mut look = |field: &str, item: usize, rng: &mut Rng| {
            if source.field(field).is_some_and(|def| def.many) {
                let mut one = || rng.choice(samples::of(&source.name, field)).map(|text| (*text).to_owned());
                let values = [one(), one(), one()].into_iter().take(rng.usize(0..4)).collect();
                event.set_values(source, field, values);
            } else if let Some(text) = rng.choice(samples::of(&source.name, field)) {
                event.set(source, field, Content::Text(text), item);
            }
        };
        for (field, _) in self.mentioned(&source.name) {
            look(field, 0, rng);
        }
        if self
            .mentioned(&source.name)
            .iter()
            .any(|(field, _)| source.field(field).is_some_and(|def| def.in_group.is_some()))
        {
            for item in 0..items {
                for field in ["image.id", "instance.id", "instance.eni", "instance.private_ip"] {
                    look(field, item, rng);
                }
            }
            if rng.u8(0..3) == 0 {
                event.add_interface(rng.choice(samples::of(&source.name, "instance.eni")).unwrap());
            }
        }
        if rng.u8(0..12) == 0 {
            event.lengthen();
        }
        event
    }

    /// The best of a few tries at an event that satisfies a step; now and then with one test the other way round.
    pub(super) fn matching(&self, step: &Step, number: usize, rng: &mut Rng) -> Event {
        let others = if step.others.is_empty() { 0 } else { rng.usize(0..=step.others.len()) };
        let selection = step.selections().nth(others).unwrap();
        self.selected(selection, number, &|event| self.satisfies(step, event), rng)
    }

    /// As [`Self::matching`], for one alternative, or for what must not be there.
    pub(super) fn selected(
        &self,
        selection: &Selection,
        number: usize,
        is_done: &dyn Fn(&Event) -> bool,
        rng: &mut Rng,
    ) -> Event {
        let (condition, source) = (selection.condition(), &selection.source.node);
        let mut event = self.fresh(source, number, rng);
        let satisfier = |item| Satisfier { source: self.source(source), lists: &self.rule.lists, item };
        for _ in 0..8 {
            satisfier(rng.usize(0..2)).satisfy(&condition, true, &mut event, rng);
            event.settle();
            if is_done(&event) {
                break;
            }
        }
        if rng.u8(0..6) == 0 {
            satisfier(0).flip_one(&condition, &mut event, rng);
            event.settle();
        }
        event
    }

    fn satisfies(&self, step: &Step, event: &Event) -> bool {
        let compiled = self.program.steps.iter().find(|compiled| compiled.name == step.name.node).unwrap();
        self.records(event).iter().any(|record| compiled.takes(record))
    }

    /// Gives `after` the link values of one record of `before`; rarely leaves one as it is. If its own step would then
    /// refuse it, the link values go the other way, to `earlier`.
    fn join(
        &self,
        index: usize,
        before: &Event,
        after: &mut Event,
        earlier: Option<&mut Event>,
        rng: &mut Rng,
    ) {
        let (steps, keys) = (&self.rule.chain.steps, self.keys(index));
        let forwards: Vec<_> = keys.into_iter().filter(|_| rng.u8(0..16) > 0).collect();
        let alone = after.clone();
        self.copy(before, (&steps[index], &mut *after), &forwards, rng);
        if let Some(earlier) = earlier
            && self.satisfies(&steps[index], &alone)
            && !self.satisfies(&steps[index], after)
        {
            let backwards: Vec<_> = forwards.iter().map(|(left, right)| (*right, *left)).collect();
            self.copy(&alone, (&steps[index - 1], earlier), &backwards, rng);
            *after = alone;
        }
    }

    /// What step `index` shares with the one before it, by the names of both.
    fn keys(&self, index: usize) -> Vec<(&'a str, &'a str)> {
        let chain = &self.rule.chain;
        let linked = chain.links.get(index - 1).into_iter().flat_map(|link| &link.keys);
        let shared = chain.together.iter().flat_map(Together::fields);
        linked
            .map(|key| (key.left.name.as_str(), key.right.name.as_str()))
            .chain(shared.map(|key| (key.name.as_str(), key.name.as_str())))
            .collect()
    }

    /// Copies the values of one record into an event of a step, by the fields of both.
    fn copy(&self, from: &Event, (step, to): (&Step, &mut Event), fields: &[(&str, &str)], rng: &mut Rng) {
        let source = to.source.clone();
        let of_source = |selection: &&Selection| selection.source.node == source;
        let selection = step.selections().find(of_source).unwrap_or(&step.main);
        let fields: Vec<_> =
            fields.iter().map(|(there, here)| (self.name_in(from, there), selection.field(here))).collect();
        self.copy_fields(from, to, &fields, rng);
    }

    /// The source's name of a field that the rule calls `name` in an event.
    fn name_in<'n>(&'n self, event: &Event, name: &'n str) -> &'n str {
        let steps = self.rule.chain.steps.iter().flat_map(Step::selections);
        let mut renaming = steps.filter(|one| one.source.node == event.source && !one.renames.is_empty());
        renaming.next().map_or(name, |selection| selection.field(name))
    }

    /// The same by the names of the sources; letter case may change on the way where the rule does not mind.
    pub(super) fn copy_fields(&self, from: &Event, to: &mut Event, fields: &[(&str, &str)], rng: &mut Rng) {
        let Some(record) = rng.choice(self.records(from)) else { return };
        let (item, source) = (rng.usize(0..2), self.source(&to.source.clone()));
        let folds = self.rule.chain.folded().next().is_some();
        for (there, here) in fields {
            let Some(value) = record.get(there) else { continue };
            let one = if let Value::Many(all) = value { rng.choice(all.as_ref()).unwrap() } else { value };
            let text = one.to_string();
            let text = if folds && rng.bool() { text.to_uppercase() } else { text };
            if source.field(here).is_some_and(|def| def.many) {
                // Beside values that join nothing; a list can say one twice.
                let mut values = vec![Some(text.clone())];
                values.extend((0..rng.usize(0..3)).map(|_| {
                    let samples = samples::of(&source.name, here);
                    if rng.u8(0..4) == 0 {
                        Some(text.clone())
                    } else {
                        rng.choice(samples).map(|one| (*one).to_owned())
                    }
                }));
                rng.shuffle(&mut values);
                to.set_values(source, here, values);
            } else {
                to.set(source, here, Content::Text(&text), item);
            }
        }
    }

    /// Takes one part of the key from both events: what is missing equals nothing, not even what is missing as well.
    fn miss_on_both_sides(&self, index: usize, before: Option<&mut Event>, after: &mut Event, rng: &mut Rng) {
        let (Some(before), Some((left, right))) = (before, rng.choice(self.keys(index))) else { return };
        let content = if rng.bool() { Content::Absent } else { Content::Empty };
        let sources = [before.source.clone(), after.source.clone()].map(|name| self.source(&name));
        before.set(sources[0], left, content, 0);
        after.set(sources[1], right, content, 0);
    }

    /// Something that was there is gone, empty, or another.
    fn tweak(&self, event: &mut Event, rng: &mut Rng) {
        let source = self.source(&event.source.clone());
        let fields = self.mentioned(&source.name);
        let Some((field, ty)) = rng.choice(fields) else { return };
        if field == "event.time" || field == "event.id" {
            return;
        }
        let other = rng.choice(samples::of(&event.source, field)).copied().unwrap_or("x");
        let content = match rng.u8(0..4) {
            0 => Content::Absent,
            1 => Content::Empty,
            2 if ty == Type::String && event.source != FLOW => {
                Content::Text(rng.choice(&samples::HOSTILE).unwrap())
            }
            _ => Content::Text(other),
        };
        event.set(source, field, content, rng.usize(0..2));
    }

    /// Every field of a source that the rule looks at or shows.
    fn mentioned(&self, source: &str) -> Vec<(&'a str, Type)> {
        let (rule, source) = (self.rule, self.source(source));
        let chain = &rule.chain;
        let mut names: Vec<&str> = Vec::new();
        let of_source = |selection: &&'a Selection| selection.source.node == source.name;
        for (index, step) in chain.steps.iter().enumerate() {
            for selection in step.selections().filter(of_source) {
                names.extend(chain.fields_read(index, selection));
            }
        }
        for selection in chain.selections().filter(of_source) {
            names.extend(selection.conditions().flat_map(Pred::fields).map(|field| field.name.as_str()));
        }
        for key in chain.links.iter().flat_map(|link| &link.keys) {
            names.extend([&key.left, &key.right].map(|field| field.name.as_str()));
        }
        let absent = chain.absences().flat_map(|absence| &absence.keys);
        names.extend(absent.map(|key| key.right.name.as_str()));
        let shown = rule.alert.entities.iter().map(|entity| &entity.field).chain(&rule.alert.show);
        names.extend(shown.map(|field| field.field.name.as_str()));
        names.sort_unstable();
        names.dedup();
        names.into_iter().filter_map(|name| Some((name, source.field(name)?.ty))).collect()
    }
}

/// Whether a rule looks at a field of a flow log that the default format lacks.
pub(super) fn needs_wide_flows(rule: &Rule, catalog: &Catalog) -> bool {
    let (chain, source) = (&rule.chain, catalog.source(FLOW).unwrap());
    let is_wide = |step: usize, name: &str| {
        chain.steps[step].main.source.node == FLOW
            && source.field(name).is_some_and(|field| field.requires.is_some())
    };
    let tested = chain.steps.iter().enumerate().any(|(index, step)| {
        let mut found = false;
        fields_of(&step.main.condition(), &mut |name, _| found |= is_wide(index, name));
        found
    });
    let joined = chain.links.iter().enumerate().any(|(link, keys)| {
        let mut keys = keys.keys.iter();
        keys.any(|key| is_wide(link, &key.left.name) || is_wide(link + 1, &key.right.name))
    });
    let mut shown = rule.alert.entities.iter().map(|entity| &entity.field).chain(&rule.alert.show);
    tested || joined || shown.any(|field| is_wide(field.step, &field.field.name))
}
