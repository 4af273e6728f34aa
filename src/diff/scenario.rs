//! Small scenarios around the edges of two rules: their windows, keys, conditions, order, counts, what must not be
//! there, and de-duplication.
//!
//! In: two rules and the records that satisfy their steps. Out: events with times, most telling first. Must not know:
//! what comes of them.

use super::bursts;
use super::cast::{Cast, Part};
use super::example;
use super::fields::{Fields, Held};
use super::keys::{self, Sides};
use super::pair::{Pair, View};
use super::timeline::{Event, Scene};
use super::windows;

/// All scenarios.
pub(super) fn all(pair: &Pair<'_>) -> Vec<Vec<Event>> {
    let mut found = Vec::new();
    for view in pair.views() {
        for cast in Cast::all(view) {
            let Some(records) = keys::records(&cast, view) else { continue };
            found.extend(Stage { view, cast }.scenarios(records));
        }
    }
    found
}

/// A rule and the records that its scenarios are made of.
struct Stage<'p> {
    view: View<'p>,
    cast: Cast<'p>,
}

impl Stage<'_> {
    fn scenarios(&self, records: Vec<Fields>) -> Vec<Vec<Event>> {
        let Self { view, cast } = self;
        let bursts = (0..cast.steps).map(|step| bursts::own(step, cast, &records, *view)).collect();
        let base = Scene { records, times: windows::near(cast.steps), bursts, more: Vec::new() }.apart();
        let mut scenes = vec![base.clone()];
        scenes.extend(windows::times(*view).into_iter().flat_map(|times| both(base.at(times))));
        scenes.extend(self.telling(&base));
        scenes.extend(self.broken(&base));
        scenes.extend(self.compared(&base));
        scenes.extend(self.counted(&base));
        scenes.extend(self.beside(&base));
        let mut found: Vec<_> = scenes.iter().map(|scene| scene.events(cast)).collect();
        found.extend(self.repeated(&base));
        found
    }

    /// With records that one of the rules takes at a step and the other does not.
    fn telling(&self, base: &Scene) -> Vec<Scene> {
        let Self { view, cast } = self;
        let mut found = Vec::new();
        for step in 0..cast.steps {
            for fields in cast.telling(step, *view) {
                // Keys stay what they are, unless the condition is about them.
                let mut whole = base.records.get(step).cloned().unwrap_or_default();
                whole.extend(fields.clone());
                found.push(base.with(step, &whole));
                let records = base.with(step, &fields).records;
                found.push(base.of(keys::join(cast, records, Some(step), *view)));
            }
        }
        found
    }

    /// Each key of either rule with another value, in other letters, and without a value.
    fn broken(&self, base: &Scene) -> Vec<Scene> {
        (0..self.cast.steps).flat_map(|step| self.without_key(base, step)).collect()
    }

    fn without_key(&self, base: &Scene, node: usize) -> Vec<Scene> {
        let Self { view, cast } = self;
        let Some(of) = cast.nodes.get(node) else { return Vec::new() };
        let Some((source, _)) = view.place(of.selection) else { return Vec::new() };
        let fields = base.records.get(node).cloned().unwrap_or_default();
        let mut found = Vec::new();
        for (name, ty) in keys::of_node(of, *view) {
            let Some(def) = source.field(&name) else { continue };
            let other = example::plain(ty, 77);
            let held = fields.get(&name);
            let several = held.filter(|_| def.many).map(|held| held.with(other.clone()));
            let others = [Some(Held::of(def, other)), held.and_then(Held::in_other_case), several];
            for held in others.into_iter().flatten().map(Some).chain([None]) {
                let mut fields = fields.clone();
                fields.remove(&name);
                fields.extend(held.map(|held| (name.clone(), held)));
                found.push(base.with(node, &fields));
            }
        }
        found
    }

    /// The sides of each comparison of either rule in every order.
    fn compared(&self, base: &Scene) -> Vec<Scene> {
        let Self { view, cast } = self;
        let mut found = Vec::new();
        for link in 0..cast.steps.saturating_sub(1) {
            let links = view.sides().into_iter().filter_map(|side| side.rule.chain.links.get(link));
            for comparison in links.flat_map(|link| &link.comparisons) {
                let fields = (&comparison.left, &comparison.right);
                let scene = |sides| base.of(keys::compared(cast, &base.records, link, fields, sides, *view));
                found.extend(Sides::ALL.map(scene));
            }
        }
        found
    }

    /// The record of each step as often as either rule counts, with other values and over other times.
    fn counted(&self, base: &Scene) -> Vec<Scene> {
        let Self { view, cast } = self;
        let mut found = Vec::new();
        for step in 0..cast.steps {
            for burst in bursts::all(step, cast, &base.records, *view) {
                let mut scene = base.clone();
                if let Some(known) = scene.bursts.get_mut(step) {
                    *known = burst;
                }
                found.extend(both(scene.at(windows::near(cast.steps))));
            }
        }
        found
    }

    /// With what must not be there, at the edges of its windows; also where it is not the same to both rules.
    fn beside(&self, base: &Scene) -> Vec<Scene> {
        let Self { view, cast } = self;
        let mut found = Vec::new();
        for (index, node) in cast.nodes.iter().enumerate() {
            let Part::Absence { absence: _, step } = node.part else { continue };
            // What is new must not begin a chain of its own.
            let before = -windows::longest(*view) - 1;
            let near = [-1, 1, before].map(|offset| base.beside(index, step, offset));
            let far = windows::around(*view).into_iter().map(|offset| base.beside(index, step, offset));
            found.extend(far);
            // Before the neighbour and after it, where a link is in between.
            if let Some(before) = step.checked_sub(1) {
                found.extend([-1, 1].map(|offset| base.beside(index, before, offset)));
            }
            for near in &near {
                found.extend(self.without_key(near, index));
                for fields in cast.telling(index, *view) {
                    let mut whole = near.records.get(index).cloned().unwrap_or_default();
                    whole.extend(fields);
                    found.push(near.with(index, &whole));
                }
            }
        }
        found
    }

    /// Everything twice, as far apart as either rule silences, with the same keys and with one that differs.
    fn repeated(&self, base: &Scene) -> Vec<Vec<Event>> {
        let Self { view, cast } = self;
        let dedupes: Vec<_> =
            view.sides().into_iter().filter_map(|side| side.rule.alert.dedupe.as_ref()).collect();
        if dedupes.is_empty() {
            return Vec::new();
        }
        let base = base.at(vec![0; cast.steps]);
        let first = base.events(cast);
        let mut copies = vec![base.clone()];
        for field in dedupes.iter().flat_map(|dedupe| &dedupe.by) {
            let (name, value) = (&field.field.name, Held::One(example::plain(field.field.ty, 88)));
            // In all steps, so that keys still join.
            let mut everywhere = base.clone();
            for fields in everywhere.records.iter_mut().filter(|fields| fields.contains_key(name)) {
                fields.insert(name.clone(), value.clone());
            }
            copies.push(everywhere);
            let mut fields = base.records.get(field.step).cloned().unwrap_or_default();
            fields.insert(name.clone(), value);
            copies.push(base.with(field.step, &fields));
        }
        let mut found = Vec::new();
        for copy in &copies {
            for offset in windows::silences(*view) {
                let mut second = copy.events(cast);
                let offset = u64::try_from(offset).unwrap_or(0);
                for event in &mut second {
                    event.at += offset;
                }
                found.push([first.as_slice(), &second].concat());
            }
        }
        found
    }
}

/// As it is, and with what repeats after what is before it.
fn both(scene: Scene) -> Vec<Scene> {
    let apart = scene.apart();
    if apart.times == scene.times { vec![scene] } else { vec![scene, apart] }
}
