//! One rule under many settings of its windows, in one pass.
//!
//! In: a compiled rule, settings from the narrowest to the widest, the records that satisfy its steps. Out: a
//! [`Sweep`], which gives the alerts of every setting, as if the rule had run with it. Must not know: parameters, raw
//! logs, output formats.
//!
//! A wider setting has every chain of a narrower one, so the best start of a record only rises from setting to setting.
//! For each record the pass keeps the settings at which its best start changes: mostly one, the narrowest at which a
//! chain reaches it. A chain's record of the last step alerts from some setting on.

use std::cmp::Reverse;
use std::collections::{BTreeMap, HashMap};

use super::alert::{Alert, Matched};
use super::chain::Path;
use super::program::{Key, Program};
use super::record::Identity;
use super::window::{Entry, Window};

/// The windows of a rule, microseconds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Setting {
    /// The gap of each link.
    pub gaps: Vec<i64>,
    /// From the first to the last step.
    pub total: i64,
}

/// The best chain behind a record, from one setting on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Best {
    from: usize,
    start: i64,
    /// Number of the record before.
    before: Option<usize>,
}

#[derive(Debug)]
struct Node {
    index: usize,
    time: i64,
    step: usize,
    /// By rising setting; before the first one no chain reaches the record.
    best: Vec<Best>,
}

/// What one link remembers of one key: a window for each setting from which its entries count.
type Windows = BTreeMap<usize, Window<usize>>;

/// A rule under every setting.
#[derive(Debug)]
pub struct Sweep {
    settings: Vec<Setting>,
    last: usize,
    nodes: Vec<Node>,
}

impl Sweep {
    /// Follows `matched`, which is in the engine's order, through the chain. No window of a setting is narrower than in
    /// the one before it. The rule has nothing but steps and links ([`Program::beyond_links`]).
    #[must_use]
    pub fn new(program: &Program, settings: Vec<Setting>, matched: &[Matched<'_>]) -> Self {
        let Program { name: _, steps: _, links, total: _, from, dedupe: _, roles: _, clauses: _ } = program;
        let mut pass = Pass {
            program,
            settings: &settings,
            links: links.iter().map(|_| HashMap::default()).collect(),
            nodes: Vec::with_capacity(matched.len()),
        };
        let first = matched.partition_point(|one| one.record.time < *from);
        let matched = matched.get(first..).unwrap_or_default();
        for instant in matched.chunk_by(|left, right| left.record.time == right.record.time) {
            pass.advance(instant);
        }
        let nodes = pass.nodes;
        Self { settings, last: links.len(), nodes }
    }

    /// The alerts under one setting before de-duplication, in order.
    #[must_use]
    pub fn alerts(&self, setting: usize) -> Vec<Alert> {
        let Some(Setting { total, .. }) = self.settings.get(setting) else { return Vec::new() };
        let alert = |node: &Node| {
            let best = node.under(setting).filter(|_| node.step == self.last)?;
            // Asked at the end alone: a chain that is too long under one setting may be in time under another, so it
            // must not be cut on the way.
            let in_time = node.time.saturating_sub(best.start) <= *total;
            in_time.then(|| Path {
                start: best.start,
                end: node.time,
                records: self.path(node, setting),
                bursts: Vec::new(),
                until: None,
            })
        };
        self.nodes.iter().filter_map(alert).collect()
    }

    fn path(&self, last: &Node, setting: usize) -> Vec<usize> {
        let before = |node: &&Node| self.nodes.get(node.under(setting)?.before?);
        let mut records: Vec<_> = std::iter::successors(Some(last), before).map(|node| node.index).collect();
        records.reverse();
        records
    }
}

impl Node {
    fn under(&self, setting: usize) -> Option<Best> {
        let reached = self.best.partition_point(|best| best.from <= setting);
        self.best.get(reached.checked_sub(1)?).copied()
    }
}

struct Pass<'p> {
    program: &'p Program,
    settings: &'p [Setting],
    links: Vec<HashMap<Key, Windows, foldhash::fast::RandomState>>,
    nodes: Vec<Node>,
}

impl Pass<'_> {
    /// Takes every record of one instant, step after step, so that equal times count as in order both ways.
    fn advance(&mut self, instant: &[Matched<'_>]) {
        let first = self.nodes.len();
        let empty = |one: &Matched<'_>| Node {
            index: one.index,
            time: one.record.time,
            step: one.step,
            best: vec![],
        };
        self.nodes.extend(instant.iter().map(empty));
        for step in 0..=self.links.len() {
            let mut reached = Vec::new();
            for (number, one) in (first..).zip(instant).filter(|(_, one)| one.step == step) {
                let best = self.reach(one);
                reached.extend(best.iter().map(|best| (*best, number, one)));
                if let Some(node) = self.nodes.get_mut(number) {
                    node.best = best;
                }
            }
            // As `Window::insert` wants it: of one instant the preferred entry first.
            reached.sort_by_key(|(best, number, _)| (Reverse(best.start), *number));
            for (best, number, one) in reached {
                self.remember(&best, number, one);
            }
        }
    }

    /// The best chains behind a record.
    fn reach(&self, one: &Matched<'_>) -> Vec<Best> {
        let Some(link) = one.step.checked_sub(1) else {
            return vec![Best { from: 0, start: one.record.time, before: None }];
        };
        let key = self.program.key_in(one.step, one.record);
        let windows = key.and_then(|key| self.links.get(link)?.get(&key));
        let (Some(windows), Some(widest)) = (windows, self.settings.len().checked_sub(1)) else {
            return Vec::new();
        };
        let ask = |setting| self.ask(link, windows, one.record.event, one.record.time, setting);
        let mut best = Vec::new();
        let (narrow, wide) = (ask(0), ask(widest));
        best.extend(narrow);
        changes(&ask, (0, narrow), (widest, wide), &mut best);
        best
    }

    /// The best chain behind a record under one setting.
    fn ask(
        &self,
        link: usize,
        windows: &Windows,
        event: Identity,
        time: i64,
        setting: usize,
    ) -> Option<Best> {
        let gap = *self.settings.get(setting)?.gaps.get(link)?;
        let entries = windows.range(..=setting);
        let entries = entries.filter_map(|(_, window)| window.best_since(event, time.saturating_sub(gap)));
        // A wider setting asks more entries, and never fewer. So this maximum only rises, ties included, and settings
        // with one answer between two equal ones need not be asked.
        let found = entries.max_by_key(|entry| (entry.start, entry.time, Reverse(entry.payload)))?;
        Some(Best { from: setting, start: found.start, before: Some(found.payload) })
    }

    fn remember(&mut self, best: &Best, number: usize, one: &Matched<'_>) {
        let (record, widest) = (one.record, self.settings.last());
        let gap = widest.and_then(|setting| setting.gaps.get(one.step));
        let (Some(gap), Some(link)) = (gap, self.links.get_mut(one.step)) else { return };
        let Some(key) = self.program.key_out(one.step, record) else { return };
        // Under a narrower setting no chain reaches the record with this start, so what is asked for one must not see
        // it.
        let window = link.entry(key).or_default().entry(best.from).or_default();
        // By the widest gap: what the narrowest cannot reach, others can.
        window.expire(record.time.saturating_sub(*gap));
        window.insert(Entry { time: record.time, start: best.start, event: record.event, payload: number });
    }
}

type At = (usize, Option<Best>);

/// Adds the answers that differ from the one before, between two settings of which the first is known: what is the same
/// at both ends is the same in between.
fn changes(ask: &impl Fn(usize) -> Option<Best>, low: At, high: At, best: &mut Vec<Best>) {
    // Without `from`, which says where it was asked, not what was found.
    let same = |left: &At, right: &At| {
        left.1.map(|best| (best.start, best.before)) == right.1.map(|best| (best.start, best.before))
    };
    if same(&low, &high) {
        return;
    }
    if low.0 + 1 == high.0 {
        best.extend(high.1);
        return;
    }
    let middle = usize::midpoint(low.0, high.0);
    let between = (middle, ask(middle));
    changes(ask, low, between, best);
    changes(ask, between, high, best);
}
