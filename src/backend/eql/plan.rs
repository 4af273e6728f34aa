//! The plan of an EQL emission: which steps each part joins, by which fields, and within what time.
//!
//! A sequence joins all its items by one key, so a chain whose key changes is cut where it does, one rule for each run
//! of steps. The rule of a later run alerts on the event where the key changed; that alert is the *last* item of the
//! rule before it, joined by that rule's own key. (As the first item it would come too late: an alert bears the time at
//! which its rule ran.)
//!
//! In: a bound rule. Out: [`Stage`]s, in the order of the parts. Must not know: conditions, query text.

use std::ops::RangeInclusive;

use uuid::Uuid;

use super::Eql;
use super::clauses::{self, Missing};
use super::keys::{self, Keys, listed};
use crate::backend::bind::{Bound, BoundStep};
use crate::backend::schedule::{self, Schedule};
use crate::backend::{Effect, Job, Report, Role, shape};
use crate::catalog::Source;
use crate::ir::Rule;

/// Under which the ids of stages are made from the rule's id and the stage's steps.
const NAMESPACE: Uuid = Uuid::from_u128(0x9f1c_54a0_6a0e_5b7e_8a53_c47e_2a1d_e901);

/// One part.
#[derive(Debug)]
pub(super) struct Stage<'a> {
    /// How it is called.
    pub(super) identity: Identity,
    /// The steps that it reads as raw events.
    pub(super) steps: RangeInclusive<usize>,
    /// By what they are joined.
    pub(super) keys: Keys<'a>,
    /// How often each step must come, where that is said.
    pub(super) runs: Vec<Option<u32>>,
    /// What must not come between its two steps.
    pub(super) missing: Option<Missing<'a>>,
    /// Id of the stage whose alerts are its last item.
    pub(super) reads: Option<String>,
    /// Longest time from its first to its last item, in seconds; nothing if it has but one.
    pub(super) span: Option<u64>,
    /// When its rule runs.
    pub(super) schedule: Schedule,
}

/// How a part is called.
#[derive(Debug)]
pub(super) struct Identity {
    /// File name.
    pub(super) name: String,
    /// UUID.
    pub(super) id: String,
    /// Whether its alerts are the answer or feed another part.
    pub(super) role: Role,
}

/// Plans a rule. Problems and notes go to `report`; `None` if there is no way.
pub(super) fn plan<'a>(bound: &Bound<'a, Eql>, job: &Job<'_>, report: &mut Report) -> Option<Vec<Stage<'a>>> {
    let rule = job.rule;
    note_clocks(bound, report);
    let mut stages: Vec<Stage<'a>> = Vec::new();
    // From the last: a part reads the alerts of the later one, whose id it names.
    for steps in shape::segments(&rule.chain).into_iter().rev() {
        let reads = stages.last().map(|later| later.identity.id.clone());
        let keys = keys::of(bound, &steps, reads.is_some(), report)?;
        let runs = clauses::runs(bound, &steps, &keys, report);
        if let Some(later) = stages.last() {
            note_cut(bound, *steps.end(), &keys, &later.keys, report);
        }
        let reach = Reach::new(bound, job, *steps.start(), stages.len() as u64);
        let window = bound.links.get(*steps.start()).map(|link| link.gap.span);
        let burst = bound.steps.get(*steps.start()).and_then(|step| step.repetition);
        let window = window.or_else(|| burst.map(|burst| burst.window.span));
        let span = window.map(|window| {
            if reach.span == 0 {
                let message =
                    "Elasticsearch has no window of zero, so events up to a second apart are joined";
                report.note(Effect::Superset, window, message);
            }
            reach.span
        });
        let identity = identity(rule, &steps)?;
        let schedule = Schedule::new(job.options.interval, reach.chain, reach.late);
        stages.push(Stage { identity, steps, keys, runs, missing: None, reads, span, schedule });
    }
    let only = if let [stage] = stages.as_slice() { Some(&stage.keys) } else { None };
    let missing = clauses::missing(bound, job, only, report);
    if let Some(stage) = stages.first_mut() {
        stage.missing = missing;
    }
    Some(stages)
}

/// That of the part that begins with the first of the steps.
fn identity(rule: &Rule, steps: &RangeInclusive<usize>) -> Option<Identity> {
    if *steps.start() == 0 {
        let (name, id) = (rule.name.node.clone(), rule.meta.id.clone());
        return Some(Identity { name, id, role: Role::Query });
    }
    let step = |index: &usize| rule.chain.steps.get(*index).map(|step| &step.name.node);
    let (first, last) = (step(steps.start())?, step(steps.end())?);
    // From names, not at random: another part refers to this id, and a rule that is compiled again keeps it.
    let seed = format!("{}/eql/{first}/{last}", rule.meta.id);
    let id = Uuid::new_v5(&NAMESPACE, seed.as_bytes()).to_string();
    let name = format!("{}_{first}_to_{last}", rule.name.node);
    Some(Identity { name, id, role: Role::Stage })
}

/// How far a part reaches, in seconds.
struct Reach {
    /// From its first step to the end of the chain: not of the part, for its alert is made after the chain's last
    /// event.
    chain: u64,
    /// From then until all that the part reads can be read: events arrive, then the rules of later parts run.
    late: u64,
    /// From its first to its last item, by Elastic's clock.
    span: u64,
}

impl Reach {
    /// That of the part which begins with step `first` and before which `later` parts run. Every delay counts in full,
    /// because a span that is too long adds chains and one that is too short loses them.
    fn new(bound: &Bound<'_, Eql>, job: &Job<'_>, first: usize, later: u64) -> Self {
        let chain = shape::longest(&job.rule.chain, first);
        let runs = job.options.interval.saturating_mul(later);
        let late = schedule::lateness(bound.steps.iter().skip(first)).saturating_add(runs);
        let lag = bound.steps.last().map_or(0, clauses::lag);
        // An alert bears the time at which its rule ran, an event its own.
        let span = chain.saturating_add(if later == 0 { lag } else { late });
        Self { chain, late, span }
    }
}

/// A late clock on the last step widens the window. On an earlier step it can put the event behind its successor.
fn note_clocks(bound: &Bound<'_, Eql>, report: &mut Report) {
    let is_one_event = bound.links.is_empty() && bound.steps.iter().all(|step| step.repetition.is_none());
    let late = |step: &&BoundStep<'_, Eql>| !is_one_event && clauses::lag(step) > 0;
    for step in bound.steps.iter().filter(late) {
        let (lag, name) = (clauses::lag(step), &step.name.node);
        let reason = step.selections().find_map(|one| one.schema.lag_reason.as_deref());
        let reason = reason.unwrap_or("Elastic's clock is late for this source");
        let (effect, what) = if step.last {
            (Effect::Superset, format!("the window before `{name}` is {lag} s longer"))
        } else {
            (Effect::Subset, format!("an event of `{name}` may be ordered after that of the next step"))
        };
        report.note(effect, step.main.span, format!("{reason}; {what}"));
    }
}

/// Where the key changes: a later rule keeps the latest of several events with its key, so an earlier one, with another
/// value of the earlier key, gets no alert.
fn note_cut(bound: &Bound<'_, Eql>, at: usize, keys: &Keys<'_>, later: &Keys<'_>, report: &mut Report) {
    let (Some(step), Some(link)) = (bound.steps.get(at), bound.links.get(at)) else { return };
    let kept = later.of_item(0);
    if keys.of_last().iter().all(|key| kept.iter().any(|kept| kept.name == key.name)) {
        return;
    }
    let name = &step.name.node;
    if let Some(key) = kept.iter().find(|key| is_made_once(step.main.source, key.name)) {
        let key = key.name;
        let message = format!("one `{key}` is assumed to belong to one `{name}` event within the window");
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
fn is_made_once(source: &Source, field: &str) -> bool {
    let is = |name: &String| name == field;
    source.event_id.0.iter().any(is) || source.group.0.iter().flat_map(|group| &group.key).any(is)
}
