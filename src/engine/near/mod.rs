//! Near misses: chains that one condition alone keeps from alerting.
//!
//! In: a compiled rule, the records that satisfy its steps, and records that fail one part of a step. Out: [`Near`]:
//! misses by condition, the nearest of each condition first. Must not know: raw logs, files, output formats.
//!
//! A miss is a record at which all chains to a silent last record break, and break by one condition alone:
//!
//! ```text
//! first step ─ … ─ best start ─▶ record before  ✗  record after ─▶ earliest end ─ … ─ last step
//! ```
//!
//! Both halves are whole chains, found by the same recurrence as alerts, forwards and backwards (`reach`). What joins
//! them fails one condition: a gap, the order in time, a part of the link's key (`links`), a part of a step's condition
//! (`part`), or the total. Without that condition the last record, which is silent, would alert. Work grows like
//! sorting, with the number of candidates times the number of link keys; nothing compares pairs of records.

mod frontier;
mod links;
mod nearest;
mod part;
mod reach;
mod relaxed;
mod why;

use std::collections::{BTreeMap, HashMap};

pub use frontier::Frontier;
pub use part::{Part, failing_part};
pub use why::{Why, condition, key_fields, why};

use super::alert::Matched;
use super::program::Program;
use super::repetition::Burst;
use links::{Broken, Sides};
use reach::{Reach, Seen};

/// A condition that a chain fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Condition {
    /// The gap of a link had closed.
    Gap {
        /// Which.
        link: usize,
    },
    /// A part of a step's condition.
    Step {
        /// Which step.
        step: usize,
        /// Which of its alternatives; 0 is the first.
        alternative: usize,
        /// Which part.
        part: Part,
    },
    /// A part of a link's key is missing or differs.
    Key {
        /// Which link.
        link: usize,
        /// Which of its keys.
        part: usize,
    },
    /// The record before a link comes after it in time.
    Order {
        /// Which.
        link: usize,
    },
    /// The chain is too long as a whole.
    Total,
    /// A comparison of neighbours.
    Comparison {
        /// On which link.
        link: usize,
        /// Which of its comparisons.
        number: usize,
    },
    /// Something is there that must not be.
    Absence {
        /// By which absence, as the chain counts them.
        absence: usize,
    },
    /// There are too few of what a step counts.
    Count {
        /// Which step.
        step: usize,
    },
}

/// A record that fails one part of a step's condition.
#[derive(Debug, Clone, Copy)]
pub struct Probe<'r> {
    /// The record, its index, and the step.
    pub matched: Matched<'r>,
    /// The part.
    pub part: Part,
}

impl<'r> Probe<'r> {
    /// The one part of the condition of its role that a record fails; `None` if there are more, or if it satisfies the
    /// step by another alternative.
    #[must_use]
    pub fn of(program: &Program, matched: Matched<'r>) -> Option<Self> {
        let role = program.roles.get(matched.step)?;
        relaxed::probe(program, &matched, failing_part(&role.selection, &matched.record.values))
    }
}

/// A chain that fails one condition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Miss {
    /// The condition.
    pub condition: Condition,
    /// How far off, microseconds. Of a gap, a total or an order: by how much it fails. Of a key: the time between the
    /// two records. Of a step: the length of the chain.
    pub by: i64,
    /// Of a gap: by how much the whole chain is then too long as well; otherwise 0.
    pub total_by: i64,
    /// Indices of the records, first to last step.
    pub path: Vec<usize>,
    /// The step of the record at which the chain breaks.
    pub step: usize,
    /// What the steps that repeat have.
    pub bursts: Vec<(usize, Burst)>,
    /// The record that must not be there, nearest to the one that it takes away.
    pub cause: Option<Cause>,
    /// Further misses by the same condition after the same records; this is the nearest.
    pub more: u64,
}

/// A record that must not be there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cause {
    /// The record.
    pub record: usize,
    /// Whether it takes away one that is counted, and not the one in the path.
    pub of_counted: bool,
}

/// The near misses of a rule.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Near {
    /// For each condition, the records at which chains break by it alone.
    pub counts: BTreeMap<Condition, u64>,
    /// The nearest miss of each condition, then the second of each, and so on.
    pub listed: Vec<Miss>,
}

/// How far beyond a window is still near: three times its length, and never less than three seconds.
#[must_use]
pub fn reach_of(window: i64) -> i64 {
    // Three times a gap of 0s would leave nothing near.
    window.max(1_000_000).saturating_mul(3)
}

/// The near misses of `program`, at most `most` of them listed. `matched` are the records that satisfy a step, `probes`
/// those that fail one part of it, both in the engine's order. Of a rule that has more than steps and links
/// ([`Program::beyond_links`]) they are counted by the last record, which would have alerted.
#[must_use]
pub fn near(program: &Program, matched: &[Matched<'_>], probes: &[Probe<'_>], most: usize) -> Near {
    if program.beyond_links().is_some() {
        return relaxed::near(program, matched, probes, most);
    }
    let satisfying = matched.iter().map(|one| Seen { matched: *one, failing: None });
    let failing = probes.iter().map(|probe| Seen { matched: probe.matched, failing: Some(probe.part) });
    let mut seen: Vec<Seen<'_>> = satisfying.chain(failing).collect();
    seen.retain(|one| one.matched.record.time >= program.from);
    seen.sort_by(|left, right| left.matched.record.order(right.matched.record));
    let reach = Reach::new(program, &seen);
    let mut found = Vec::new();
    for link in 0..program.links.len() {
        if let Some(sides) = Sides::new(program, link, &seen, &reach) {
            let mut broken = Vec::new();
            sides.broken(&mut broken);
            found.extend(broken.iter().map(of_link));
        }
    }
    found.extend((0..seen.len()).filter_map(|number| of_record(program, &seen, &reach, number)));
    rank(program, &seen, &reach, found, most)
}

/// A miss by the numbers of its candidates: the record before the break, the one at it.
#[derive(Debug, Clone, Copy)]
struct Found {
    condition: Condition,
    by: i64,
    before: Option<usize>,
    at: usize,
}

fn of_link(broken: &Broken) -> Found {
    Found { condition: broken.condition, by: broken.by, before: Some(broken.left), at: broken.right }
}

/// A record that itself breaks a chain: it fails a part of its step, or ends a chain that is too long.
fn of_record(program: &Program, seen: &[Seen<'_>], reach: &Reach, number: usize) -> Option<Found> {
    let one = seen.get(number)?;
    let (back, ahead) = (reach.back.get(number).copied()??, reach.ahead.get(number).copied()??);
    let length = ahead.time.saturating_sub(back.time);
    let found = |condition, by| Some(Found { condition, by, before: back.next, at: number });
    match one.failing {
        Some(part) if length <= program.total => {
            found(Condition::Step { step: one.matched.step, alternative: 0, part }, length)
        }
        None if one.matched.step == program.links.len() => {
            // On the way here every gap and key held, and the record is silent: only the total can be what failed.
            let over = length.saturating_sub(program.total);
            if over <= reach_of(program.total) { found(Condition::Total, over) } else { None }
        }
        Some(_) | None => None,
    }
}

/// Counts, merges what breaks in the same way after the same records, and takes the nearest of each condition in turn.
fn rank(program: &Program, seen: &[Seen<'_>], reach: &Reach, mut found: Vec<Found>, most: usize) -> Near {
    found.sort_by_key(|found| (found.condition, found.by, found.at));
    let mut counts: BTreeMap<Condition, u64> = BTreeMap::new();
    let mut first: HashMap<(Condition, usize), usize> = HashMap::new();
    let mut kept: Vec<(usize, Found, u64)> = Vec::new();
    let mut in_condition: (Option<Condition>, usize) = (None, 0);
    for found in found {
        *counts.entry(found.condition).or_insert(0) += 1;
        if in_condition.0 != Some(found.condition) {
            in_condition = (Some(found.condition), 0);
        }
        let next = kept.len();
        let place =
            // At the first step nothing comes before, so nothing puts such misses together.
            found.before.map_or(next, |before| *first.entry((found.condition, before)).or_insert(next));
        if let Some((_, _, more)) = kept.get_mut(place) {
            *more += 1;
        } else {
            kept.push((in_condition.1, found, 0));
            in_condition.1 += 1;
        }
    }
    kept.sort_by_key(|(turn, found, _)| (*turn, rank_of(found.condition, &counts)));
    kept.truncate(most);
    let listed = kept.iter().map(|(_, found, more)| miss(program, seen, reach, found, *more)).collect();
    Near { counts, listed }
}

/// The order of conditions within a turn: that of their kinds, and of parts of steps the rarest failure first. What
/// most records fail says least.
fn rank_of(condition: Condition, counts: &BTreeMap<Condition, u64>) -> (u8, u64, Condition) {
    let count = counts.get(&condition).copied().unwrap_or(0);
    match condition {
        Condition::Gap { .. } => (0, 0, condition),
        Condition::Count { .. } => (1, 0, condition),
        Condition::Absence { .. } => (2, 0, condition),
        Condition::Step { .. } => (3, count, condition),
        Condition::Key { .. } | Condition::Order { .. } | Condition::Total | Condition::Comparison { .. } => {
            (4, 0, condition)
        }
    }
}

fn miss(program: &Program, seen: &[Seen<'_>], reach: &Reach, found: &Found, more: u64) -> Miss {
    let numbers = found.before.map_or_else(Vec::new, |before| reach.path_to(before));
    let step = numbers.len();
    let path: Vec<_> = numbers
        .into_iter()
        .chain(reach.path_from(found.at))
        .filter_map(|number| Some(seen.get(number)?.matched))
        .collect();
    let time = |one: Option<&Matched<'_>>| one.map_or(0, |one| one.record.time);
    let length = time(path.last()).saturating_sub(time(path.first()));
    let total_by = match found.condition {
        Condition::Gap { .. } => length.saturating_sub(program.total).max(0),
        Condition::Step { .. }
        | Condition::Key { .. }
        | Condition::Order { .. }
        | Condition::Total
        | Condition::Comparison { .. }
        | Condition::Absence { .. }
        | Condition::Count { .. } => 0,
    };
    let path = path.into_iter().map(|one| one.index).collect();
    let (condition, by) = (found.condition, found.by);
    Miss { condition, by, total_by, path, step, bursts: Vec::new(), cause: None, more }
}
