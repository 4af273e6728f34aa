//! The times at the edges of the windows of two rules.
//!
//! In: a pair of rules as one of them sees it. Out: times of steps, lengths of windows. Must not know: records.

use super::pair::View;
use crate::ir::{Link, When, Window};

/// Seconds between neighbours, where nothing is said of them: something has its place between two.
const NEAR: i64 = 2;

/// The times of so many steps, one soon after the other.
pub(super) fn near(count: usize) -> Vec<i64> {
    (0..).take(count).map(|step: i64| step * NEAR).collect()
}

fn seconds(window: Window) -> i64 {
    i64::try_from(window.seconds).unwrap_or(i64::MAX / 4).min(i64::MAX / 4)
}

/// Each once.
fn distinct(mut all: Vec<i64>) -> Vec<i64> {
    all.sort_unstable();
    all.dedup();
    all
}

/// A window and a second more, of both rules.
pub(super) fn edges(windows: impl Iterator<Item = Window>) -> Vec<i64> {
    distinct(windows.map(seconds).flat_map(|window| [window, window + 1]).collect())
}

/// The windows in which something must not be, on either side of a record, and just before and after it.
pub(super) fn around(view: View<'_>) -> Vec<i64> {
    let windows = view.sides().into_iter().flat_map(|side| side.rule.chain.absences());
    let windows = windows.filter_map(|absence| match absence.when {
        When::Before(window) | When::After(window) => Some(window),
        When::Between => None,
    });
    let mut found = vec![1];
    found.extend(edges(windows));
    distinct(found.iter().flat_map(|edge| [-edge, *edge]).collect())
}

/// Times of the steps at the edges of the windows of both rules.
pub(super) fn times(view: View<'_>) -> Vec<Vec<i64>> {
    let chain = &view.own.rule.chain;
    if chain.together.is_some() || view.other.rule.chain.together.is_some() {
        let mut found = in_any_order(view);
        if chain.together.is_none() {
            found.extend(in_order(view));
        }
        return found;
    }
    in_order(view)
}

/// Seconds after which nothing follows any more.
pub(super) fn longest(view: View<'_>) -> i64 {
    view.sides().into_iter().map(|side| seconds(side.rule.chain.total)).max().unwrap_or(0)
}

fn totals(view: View<'_>) -> Vec<i64> {
    edges(view.sides().into_iter().map(|side| side.rule.chain.total))
}

/// The steps in every order, close and as far apart as they may be.
fn in_any_order(view: View<'_>) -> Vec<Vec<i64>> {
    const MOST: usize = 4;
    let count = view.own.rule.chain.steps.len();
    let mut found = Vec::new();
    for order in orders(count.min(MOST)) {
        let mut times: Vec<i64> = near(count);
        for (place, step) in order.iter().enumerate() {
            let time = i64::try_from(place).unwrap_or(0);
            if let Some(known) = times.get_mut(*step) {
                *known = time;
            }
        }
        found.push(times);
    }
    for total in totals(view) {
        for first in 0..count {
            let apart = |step: usize| if step == first { 0 } else { total };
            found.push((0..count).map(apart).collect());
            let late = |step: usize| if step == first { total } else { 0 };
            found.push((0..count).map(late).collect());
        }
    }
    found
}

/// Every order of some numbers.
fn orders(count: usize) -> Vec<Vec<usize>> {
    let mut found = vec![Vec::new()];
    for number in 0..count {
        let longer = |order: &Vec<usize>| {
            let order = order.clone();
            (0..=order.len()).map(move |place| {
                let mut longer = order.clone();
                longer.insert(place, number);
                longer
            })
        };
        found = found.iter().flat_map(longer).collect();
    }
    found
}

fn in_order(view: View<'_>) -> Vec<Vec<i64>> {
    let count = view.own.rule.chain.steps.len().saturating_sub(1);
    let mut found = vec![vec![0; count]];
    let gaps = |index: usize| {
        let links = view.sides().into_iter().filter_map(move |side| side.rule.chain.links.get(index));
        links.map(|link: &Link| link.gap)
    };
    for index in 0..count {
        for gap in edges(gaps(index)) {
            for others in [1, 0] {
                let mut times = vec![others; count];
                if let Some(time) = times.get_mut(index) {
                    *time = gap;
                }
                found.push(times);
            }
        }
    }
    for total in totals(view) {
        for widest in [i64::max as fn(i64, i64) -> i64, i64::min] {
            let mut rest = total;
            let fill = |index: usize| {
                let limit = gaps(index).map(seconds).reduce(widest).unwrap_or(0);
                let time = limit.min(rest);
                rest -= time;
                time
            };
            found.push((0..count).map(fill).collect());
        }
    }
    found.into_iter().map(|gaps| summed(&gaps)).collect()
}

/// Times from the gaps between them.
fn summed(gaps: &[i64]) -> Vec<i64> {
    let mut times = vec![0];
    let mut now = 0;
    for gap in gaps {
        now += gap;
        times.push(now);
    }
    times
}

/// For how long either rule silences what it has alerted on, and a moment.
pub(super) fn silences(view: View<'_>) -> Vec<i64> {
    let dedupes = view.sides().into_iter().filter_map(|side| side.rule.alert.dedupe.as_ref());
    let mut found = vec![1];
    found.extend(edges(dedupes.map(|dedupe| dedupe.window)));
    found
}
