//! The records of one key, parted by what the clauses of a link read of them (their side).
//!
//! In: records, questions. Out: the best record that a question admits. Must not know: keys, fields, what a record is.
//!
//! The parts are a search tree in the order of their sides, with the values of one comparison first: the parts for
//! which it holds are then neighbours. Every subtree knows the best of its records. So a question goes down to the best
//! part whose comparison holds and passes by all that are worse, and a key with a hundred thousand values costs little
//! more than one with ten. Parts that it looks at in vain are those that fail another clause than that comparison and
//! are better than the answer; what is too old is found there only once.

use std::cmp::{Ordering, Reverse};
use std::sync::Arc;

use super::burst_log::Completed;
use super::compare::{Side, Sorted, all_hold};
use super::record::Identity;
use super::records::{Node, Rank, Records};
use super::value::Atom;
use crate::ir::CompareOp;

/// The parts of a key.
#[derive(Debug)]
pub(super) struct Parts<T> {
    tree: Tree<T>,
}

type Tree<T> = Option<Box<Part<T>>>;

/// The records that are the same to the clauses, and the parts below in the tree.
#[derive(Debug)]
struct Part<T> {
    side: Side,
    records: Records<T>,
    /// Nothing below has a higher one, which keeps the tree flat: they are drawn by chance.
    priority: u64,
    left: Tree<T>,
    right: Tree<T>,
    /// The best of the records here and below.
    top: Option<Rank>,
    /// The newest time of them.
    newest: Option<i64>,
}

impl<T> Default for Parts<T> {
    fn default() -> Self {
        Self { tree: None }
    }
}

impl<T> Parts<T> {
    /// Changes the records of a side; where there are none, it begins with a priority and records of `new`.
    pub(super) fn change(
        &mut self,
        sorted: Sorted,
        side: &Side,
        new: impl FnOnce() -> (u64, Records<T>),
        change: impl FnOnce(&mut Records<T>),
    ) {
        let mut change = Some(change);
        change_in(&mut self.tree, sorted, side, &mut |records| {
            if let Some(change) = change.take() {
                change(records);
            }
        });
        let Some(change) = change else { return };
        let (priority, mut records) = new();
        change(&mut records);
        let (left, right) = (None, None);
        let mut part = Part { side: side.clone(), records, priority, left, right, top: None, newest: None };
        part.sum_up();
        self.tree = Some(with(self.tree.take(), Box::new(part), sorted));
    }

    /// Keeps the parts whose records `keep` says are still needed.
    pub(super) fn retain(&mut self, mut keep: impl FnMut(&mut Records<T>) -> bool) {
        self.tree = retained(self.tree.take(), &mut keep);
    }

    pub(super) fn is_empty(&self) -> bool {
        self.tree.is_none()
    }

    /// How many records there are.
    pub(super) fn len(&self) -> usize {
        records_in(self.tree.as_deref())
    }
}

impl<T> Part<T> {
    /// Takes notice of what changed here or below.
    fn sum_up(&mut self) {
        let below = [&self.left, &self.right].into_iter().flatten();
        self.top = below.clone().map(|part| part.top).fold(self.records.top(), Ord::max);
        self.newest = below.map(|part| part.newest).fold(self.records.newest(), Ord::max);
    }
}

fn change_in<T>(tree: &mut Tree<T>, sorted: Sorted, side: &Side, change: &mut dyn FnMut(&mut Records<T>)) {
    let Some(part) = tree else { return };
    match sorted.order(side, &part.side) {
        Ordering::Equal => change(&mut part.records),
        Ordering::Less => change_in(&mut part.left, sorted, side, change),
        Ordering::Greater => change_in(&mut part.right, sorted, side, change),
    }
    part.sum_up();
}

/// A tree with one part more.
fn with<T>(tree: Tree<T>, mut new: Box<Part<T>>, sorted: Sorted) -> Box<Part<T>> {
    let Some(mut root) = tree else { return new };
    if new.priority > root.priority {
        (new.left, new.right) = split(Some(root), &new.side, sorted);
        new.sum_up();
        return new;
    }
    let below = if sorted.order(&new.side, &root.side).is_lt() { &mut root.left } else { &mut root.right };
    *below = Some(with(below.take(), new, sorted));
    root.sum_up();
    root
}

/// The parts before a side, and those after it.
fn split<T>(tree: Tree<T>, at: &Side, sorted: Sorted) -> (Tree<T>, Tree<T>) {
    let Some(mut root) = tree else { return (None, None) };
    if sorted.order(&root.side, at).is_lt() {
        let (before, after) = split(root.right.take(), at, sorted);
        root.right = before;
        root.sum_up();
        (Some(root), after)
    } else {
        let (before, after) = split(root.left.take(), at, sorted);
        root.left = after;
        root.sum_up();
        (before, Some(root))
    }
}

/// A tree of two, of which the second is behind the first.
fn joined<T>(left: Tree<T>, right: Tree<T>) -> Tree<T> {
    match (left, right) {
        (Some(mut left), Some(right)) if left.priority > right.priority => {
            left.right = joined(left.right.take(), Some(right));
            left.sum_up();
            Some(left)
        }
        (left, Some(mut right)) => {
            right.left = joined(left, right.left.take());
            right.sum_up();
            Some(right)
        }
        (left, None) => left,
    }
}

fn retained<T>(tree: Tree<T>, keep: &mut dyn FnMut(&mut Records<T>) -> bool) -> Tree<T> {
    let mut root = tree?;
    let left = retained(root.left.take(), keep);
    let right = retained(root.right.take(), keep);
    if !keep(&mut root.records) {
        return joined(left, right);
    }
    (root.left, root.right) = (left, right);
    root.sum_up();
    Some(root)
}

fn records_in<T>(part: Option<&Part<T>>) -> usize {
    let below = |part: &Part<T>| records_in(part.left.as_deref()) + records_in(part.right.as_deref());
    part.map_or(0, |part| part.records.len() + below(part))
}

/// A start, and the record that has it.
pub(super) type Found<T> = (i64, Arc<Node<T>>);

/// What is asked for.
pub(super) struct Question<'q> {
    pub(super) comparisons: &'q [CompareOp],
    pub(super) sorted: Sorted,
    /// The values of the record after the link.
    pub(super) side_in: &'q Side,
    pub(super) asking: Identity,
    /// No record is older than this, whatever its part.
    pub(super) from: i64,
    /// How old records of a part may be: for this question and all that follow, and for this one.
    pub(super) floors: &'q dyn Fn(&Side) -> (i64, i64),
    pub(super) completed: Option<&'q Completed<'q>>,
}

/// A search for the best record.
pub(super) struct Search<'q, T> {
    question: Question<'q>,
    best: Option<(Rank, Arc<Node<T>>)>,
    looked_at: u64,
}

impl<'q, T> Search<'q, T> {
    pub(super) fn new(question: Question<'q>) -> Self {
        Self { question, best: None, looked_at: 0 }
    }

    /// Asks the parts of a key.
    pub(super) fn through(&mut self, parts: &mut Parts<T>) {
        self.below(&mut parts.tree, (None, None));
    }

    /// The best start and the record that has it; how many parts were looked at.
    pub(super) fn end(self) -> (Option<Found<T>>, u64) {
        (self.best.map(|((start, _, _), node)| (start, node)), self.looked_at)
    }

    /// Asks a subtree, all of whose values are between two edges, the most promising first.
    fn below(&mut self, tree: &mut Tree<T>, (low, high): (Option<&Atom>, Option<&Atom>)) {
        let Some(part) = tree else { return };
        let Question { sorted, side_in, from, .. } = self.question;
        let in_vain = !self.betters(part.top) || part.newest < Some(from);
        if in_vain || !sorted.could_hold((low, high), side_in) {
            return;
        }
        self.looked_at += 1;
        let Part { side, records, left, right, .. } = part.as_mut();
        let value = sorted.value(side);
        let top = |tree: &Tree<T>| tree.as_ref().and_then(|part| part.top);
        let mut turns = [(records.top(), Turn::Here), (top(left), Turn::Left), (top(right), Turn::Right)];
        turns.sort_by_key(|(top, _)| Reverse(*top));
        for (_, turn) in turns {
            match turn {
                Turn::Here => self.ask(side, records),
                Turn::Left => self.below(left, (low, value)),
                Turn::Right => self.below(right, (value, high)),
            }
        }
        part.sum_up();
    }

    fn ask(&mut self, side: &Side, records: &mut Records<T>) {
        let Question { comparisons, side_in, asking, floors, completed, .. } = self.question;
        if !self.betters(records.top()) || !all_hold(comparisons, side, side_in) {
            return;
        }
        let (oldest, from) = floors(side);
        records.expire(oldest);
        if let Some((rank, node)) = records.best(asking, (oldest, from), completed)
            && self.betters(Some(rank))
        {
            self.best = Some((rank, Arc::clone(node)));
        }
    }

    /// Whether something as good as `top` would be better than what was found.
    fn betters(&self, top: Option<Rank>) -> bool {
        top > self.best.as_ref().map(|(rank, _)| *rank)
    }
}

/// What of a part comes next.
enum Turn {
    Here,
    Left,
    Right,
}

#[cfg(test)]
mod tests;
