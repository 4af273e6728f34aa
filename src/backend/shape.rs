//! The shape of a chain: what can be proved about its windows, keys and steps without any target.
//!
//! In: a chain. Out: which gaps bind, where the key changes, which neighbours one event could match both.
//! Must not know: targets, and where fields live in them.

use std::collections::BTreeSet;

use crate::catalog::Catalog;
use crate::ir::{Chain, Link, Selection, Signed, Step, When, Window, are_apart};

/// The gaps that a total window of the same chain does not already enforce; none in a chain of two steps, where gap and
/// total are one window.
#[must_use]
pub fn binding_gaps(chain: &Chain) -> Vec<Window> {
    if chain.links.len() < 2 {
        return Vec::new();
    }
    let total = chain.total.seconds;
    // A gap as long as the total binds nothing: neighbours lie between the first and the last record.
    chain.links.iter().map(|link| link.gap).filter(|gap| gap.seconds < total).collect()
}

/// Whether the total is shorter than the sum of the gaps.
#[must_use]
pub fn total_binds(chain: &Chain) -> bool {
    // At equality the gaps imply the total: the time from first to last record is the sum of the times between
    // neighbours, and a first step that repeats begins with the first event of its burst.
    chain.total.seconds < sum_of_gaps(chain, 0)
}

/// The sum of the gaps from step `first` on, in seconds; from the first step on with the time that it takes to repeat.
fn sum_of_gaps(chain: &Chain, first: usize) -> u64 {
    let burst = if first == 0 { chain.steps.first().map_or(0, Step::burst) } else { 0 };
    chain.links.iter().skip(first).fold(burst, |sum, link| sum.saturating_add(link.gap.seconds))
}

/// The longest time from step `first` to the last one that the rule allows, in seconds.
#[must_use]
pub fn longest(chain: &Chain, first: usize) -> u64 {
    if chain.together.is_some() {
        return chain.total.seconds;
    }
    chain.total.seconds.min(sum_of_gaps(chain, first))
}

/// How long before the first event of a chain a rule looks, in seconds: for what must not have come before a step, and
/// for what a step counts.
#[must_use]
pub fn history(chain: &Chain) -> u64 {
    history_but(chain, |_| false)
}

/// The same without what must not have come before, where that is looked for in another place: by its time.
#[must_use]
pub fn history_but(chain: &Chain, is_elsewhere: impl Fn(u64) -> bool) -> u64 {
    earlier(chain, |step| {
        let before = step.absences.iter().map(|absence| match absence.when {
            When::Before(window) if is_elsewhere(window.seconds) => 0,
            When::Before(window) => window.seconds,
            When::After(_) | When::Between => 0,
        });
        before.max().unwrap_or(0)
    })
}

/// The same of a query that leaves out what must not be there.
#[must_use]
pub fn counted(chain: &Chain) -> u64 {
    earlier(chain, |_| 0)
}

/// How long before the first event of a chain the earliest event lies that decides about a step, where one has to lie
/// no earlier than `before` the step and what it counts.
fn earlier(chain: &Chain, before: impl Fn(&Step) -> u64) -> u64 {
    let of_step = |(index, step): (usize, &Step)| {
        // To the record of the step itself; that of the first one ends the burst with which a chain begins.
        let gaps = chain.links.iter().skip(index).map(|link| link.gap.seconds);
        let gaps = gaps.fold(0, u64::saturating_add);
        let total = chain.total.seconds;
        let to_record = if chain.together.is_some() { total } else { total.min(gaps) };
        to_record.saturating_add(step.burst()).saturating_add(before(step))
    };
    let earliest = chain.steps.iter().enumerate().map(of_step).max().unwrap_or(0);
    earliest.saturating_sub(longest(chain, 0))
}

/// How long after its last event a rule waits for what must not come, in seconds.
#[must_use]
pub fn wait(chain: &Chain) -> u64 {
    let after = chain.absences().map(|absence| match absence.when {
        When::After(window) => window.seconds,
        When::Before(_) | When::Between => 0,
    });
    after.max().unwrap_or(0)
}

/// The links whose key is not the key of the link before.
#[must_use]
pub fn key_changes(chain: &Chain) -> Vec<&Link> {
    chain
        .links
        .windows(2)
        .filter_map(|pair| {
            if let [before, after] = pair { (!same_key(before, after)).then_some(after) } else { None }
        })
        .collect()
}

/// Whether `after` joins by the very fields by which `before` joined the step they share.
#[must_use]
pub fn same_key(before: &Link, after: &Link) -> bool {
    // Compared at the step that both links share, and as sets: `a.id == b.owner` followed by `b.owner == c.id` is one
    // key under two names, and the order of a link's fields means nothing.
    let rights: BTreeSet<_> = before.keys.iter().map(|key| &key.right.name).collect();
    let lefts: BTreeSet<_> = after.keys.iter().map(|key| &key.left.name).collect();
    rights == lefts
}

/// Runs of steps joined by one key: index ranges of steps, neighbours sharing the step where the key changes.
#[must_use]
pub fn segments(chain: &Chain) -> Vec<std::ops::RangeInclusive<usize>> {
    let mut runs = Vec::new();
    let mut first = 0;
    for (index, pair) in chain.links.windows(2).enumerate() {
        if let [before, after] = pair
            && !same_key(before, after)
        {
            runs.push(first..=index + 1);
            first = index + 1;
        }
    }
    runs.push(first..=chain.links.len());
    runs
}

/// Whether one event could match both steps: they read the same source and nothing proves them disjoint.
#[must_use]
pub fn may_share_event(before: &Step, after: &Step, catalog: &Catalog) -> bool {
    before.selections().any(|one| after.selections().any(|other| selections_share(one, other, catalog)))
}

/// Whether one event could satisfy both selections.
#[must_use]
pub fn selections_share(before: &Selection, after: &Selection, catalog: &Catalog) -> bool {
    if before.source.node != after.source.node {
        return false;
    }
    let source = catalog.source(&before.source.node);
    // A field of the repeated group proves nothing: `image.id == "a"` and `image.id == "b"` can hold for two items of
    // one launch, which are records of one event.
    let of_event = |field: &str| {
        source.and_then(|source| source.field(field)).is_some_and(|field| field.in_group.is_none())
    };
    // What is not proved disjoint counts as shared. That makes a query longer than it need be; the opposite mistake
    // would let an event follow itself.
    !are_apart(&conditions(before), &conditions(after), &of_event)
}

/// What a record of a selection must satisfy, and what it must not.
fn conditions(selection: &Selection) -> Vec<Signed<'_>> {
    let Selection { source: _, renames: _, filter, excepts, span: _ } = selection;
    std::iter::once((filter, true)).chain(excepts.iter().map(|except| (except, false))).collect()
}

/// Whether one event could match two of the steps of a chain in any order.
#[must_use]
pub fn together_shares(chain: &Chain, catalog: &Catalog) -> bool {
    let steps = || chain.steps.iter().enumerate();
    steps().any(|(at, one)| {
        steps().any(|(other_at, other)| at < other_at && may_share_event(one, other, catalog))
    })
}

/// For each link, whether one event could match both of its steps.
#[must_use]
pub fn shared_links(chain: &Chain, catalog: &Catalog) -> Vec<bool> {
    let shares = |pair: &[Step]| matches!(pair, [before, after] if may_share_event(before, after, catalog));
    chain.steps.windows(2).map(shares).collect()
}
