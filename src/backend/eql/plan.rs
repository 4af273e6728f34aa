//! The plan of an EQL emission: which steps each part joins, by which fields, and within what time.
//!
//! A sequence joins all its items by one key, so a chain whose key changes is cut where it does, one rule for each run
//! of steps. The rule of a later run alerts on the event where the key changed; that alert is the *last* item of the
//! rule before it, joined by that rule's own key. (As the first item it would come too late: an alert bears the time at
//! which its rule ran.)
//!
//! In: a rule that passed the gate. Out: [`Stage`]s, in the order of the parts. Must not know: conditions, query text.

use std::ops::RangeInclusive;

use super::keys::{self, Keys, listed};
use crate::backend::{Effect, Job, Report, Role, Target, columns, shape};
use crate::catalog::Source;
use crate::ir::{Chain, Step};
use uuid::Uuid;

/// Seconds between two runs of a stage's rule (Elastic's default); its alerts are at most this much late.
pub(super) const INTERVAL: u64 = 300;
/// Under which the ids of stages are made from the rule's id and the stage's steps.
const NAMESPACE: Uuid = Uuid::from_u128(0x9f1c_54a0_6a0e_5b7e_8a53_c47e_2a1d_e901);

/// One part.
#[derive(Debug)]
pub(super) struct Stage {
    /// File name of the part.
    pub(super) name: String,
    /// Its UUID.
    pub(super) id: String,
    /// Whether its alerts are the answer or feed another part.
    pub(super) role: Role,
    /// The steps that it reads as raw events.
    pub(super) steps: RangeInclusive<usize>,
    /// By what they are joined.
    pub(super) keys: Keys,
    /// Id of the stage whose alerts are its last item.
    pub(super) reads: Option<String>,
    /// Longest time from its first to its last item, in seconds.
    pub(super) span: u64,
}

/// Plans a chain of two steps or more. Problems and notes go to `report`; `None` if there is no way.
pub(super) fn plan(job: &Job<'_>, target: &dyn Target, report: &mut Report) -> Option<Vec<Stage>> {
    let chain = &job.rule.chain;
    clock_notes(job, target, report);
    let mut stages: Vec<Stage> = Vec::new();
    for steps in shape::segments(chain).into_iter().rev() {
        let reads = stages.last().map(|later| later.id.clone());
        let keys = keys::of(job, target, &steps, reads.is_some(), report)?;
        if let Some(later) = stages.last() {
            cut_notes(job, &steps, &keys, &later.keys, report);
        }
        let span = span(job, target, *steps.start(), stages.len());
        if let (0, Some(link)) = (span, chain.links.get(*steps.start())) {
            let message = "Elasticsearch has no window of zero, so events up to a second apart are joined";
            report.note(Effect::Superset, link.gap.span, message);
        }
        let first = *steps.start() == 0;
        stages.push(stage(job, steps, keys, reads, span, first)?);
    }
    Some(stages)
}

fn stage(
    job: &Job<'_>,
    steps: RangeInclusive<usize>,
    keys: Keys,
    reads: Option<String>,
    span: u64,
    query: bool,
) -> Option<Stage> {
    let rule = job.rule;
    if query {
        let (name, id) = (rule.name.node.clone(), rule.meta.id.clone());
        return Some(Stage { name, id, role: Role::Query, steps, keys, reads, span });
    }
    let (first, last) = (rule.chain.steps.get(*steps.start())?, rule.chain.steps.get(*steps.end())?);
    let name = format!("{}_{}_to_{}", rule.name.node, first.name.node, last.name.node);
    let seed = format!("{}/eql/{}/{}", rule.meta.id, first.name.node, last.name.node);
    let id = Uuid::new_v5(&NAMESPACE, seed.as_bytes()).to_string();
    Some(Stage { name, id, role: Role::Stage, steps, keys, reads, span })
}

/// From the first step of a part to its last item. With alerts at the end that is when the last of `later` rules has
/// run, which is after the last event has arrived.
fn span(job: &Job<'_>, target: &dyn Target, first: usize, later: usize) -> u64 {
    let chain = &job.rule.chain;
    let gaps = chain.links.iter().skip(first).fold(0_u64, |sum, link| sum.saturating_add(link.gap.seconds));
    let own = gaps.min(chain.total.seconds).saturating_add(lag(job, target, chain.steps.last()));
    if later == 0 {
        return own;
    }
    let delay = chain
        .steps
        .iter()
        .skip(first)
        .filter_map(|step| columns::source(job, step))
        .map(|source| source.delay);
    own.saturating_add(delay.max().unwrap_or(0)).saturating_add(INTERVAL.saturating_mul(later as u64))
}

/// By how many seconds Elastic's clock may be late for a step.
fn lag(job: &Job<'_>, target: &dyn Target, step: Option<&Step>) -> u64 {
    let mapping =
        step.and_then(|step| columns::source(job, step)).and_then(|source| source.targets.get(target.name()));
    mapping.map_or(0, |mapping| mapping.time_lag)
}

/// A late clock on the last step widens the window. On an earlier step it can put the event behind its successor.
fn clock_notes(job: &Job<'_>, target: &dyn Target, report: &mut Report) {
    let steps = &job.rule.chain.steps;
    for (index, step) in steps.iter().enumerate() {
        let seconds = lag(job, target, Some(step));
        if seconds == 0 {
            continue;
        }
        let reason = columns::source(job, step)
            .and_then(|source| source.targets.get(target.name()))
            .and_then(|mapping| mapping.time_reason.clone())
            .unwrap_or_else(|| "Elastic's clock is late for this source".to_owned());
        let name = &step.name.node;
        if index + 1 == steps.len() {
            let message = format!("{reason}; the window before `{name}` is {seconds} s longer");
            report.note(Effect::Superset, step.source.span, message);
        } else {
            let message = format!("{reason}; an event of `{name}` may come behind the step after it");
            report.note(Effect::Subset, step.source.span, message);
        }
    }
}

/// Where the key changes: a later rule keeps the latest of several events with its key, so an earlier one, with another
/// value of the earlier key, gets no alert.
fn cut_notes(job: &Job<'_>, steps: &RangeInclusive<usize>, keys: &Keys, later: &Keys, report: &mut Report) {
    let chain: &Chain = &job.rule.chain;
    let at = *steps.end();
    let (Some(step), Some(link)) = (chain.steps.get(at), chain.links.get(at)) else { return };
    let earlier = keys.names_of_last();
    let kept = later.names_of_first();
    if earlier.iter().all(|name| kept.contains(name)) {
        return;
    }
    let unique =
        columns::source(job, step).and_then(|source| kept.iter().find(|name| made_once(source, name)));
    let name = &step.name.node;
    if let Some(key) = unique {
        let message =
            format!("a value of `{key}` is taken to belong to one `{name}` event within the window");
        report.note(Effect::Engine, link.span, message);
    } else {
        let message = format!(
            "of several `{name}` events with the same {}, Elastic keeps the latest, and the chain may need another",
            listed(&kept)
        );
        report.note(Effect::Subset, link.span, message);
    }
}

/// Whether a field names something that one event made: the event itself or an item of it.
fn made_once(source: &Source, field: &str) -> bool {
    let is = |name: &String| name == field;
    source.event_id.as_ref().is_some_and(is) || source.group.iter().flat_map(|group| &group.key).any(is)
}
