//! The records that a scenario is made of: one for each step, and one for each that must not be there.
//!
//! In: a pair of rules as one of them sees it. Out: a [`Cast`], and records for its nodes, each by itself. Must not
//! know: keys, times, what comes of the records.

use super::fields::Fields;
use super::pair::{Side, View};
use super::solve::{self, Wanted};
use crate::ir::{Absence, Neighbour, Selection, Step};

/// The most alternatives of a step that are each looked at.
const MOST_ALTERNATIVES: usize = 6;

/// Whose record it is.
#[derive(Debug, Clone, Copy)]
pub(super) enum Part<'p> {
    /// A record of a step.
    Step,
    /// What must not be there, of either rule: `step` is the one of this rule that it is about, of a link the later.
    Absence { absence: &'p Absence, step: usize },
}

/// A record, and whose condition it satisfies.
#[derive(Debug, Clone, Copy)]
pub(super) struct Node<'p> {
    pub(super) selection: &'p Selection,
    pub(super) side: &'p Side<'p>,
    pub(super) part: Part<'p>,
}

/// The nodes of a rule: its steps, each by one of its alternatives, then what must not be there in either rule.
#[derive(Debug, Clone)]
pub(super) struct Cast<'p> {
    pub(super) nodes: Vec<Node<'p>>,
    /// How many of them are steps.
    pub(super) steps: usize,
}

impl<'p> Cast<'p> {
    /// The nodes with each alternative of each step once; the first of all comes first.
    pub(super) fn all(view: View<'p>) -> Vec<Self> {
        let steps = &view.own.rule.chain.steps;
        let mut choices = vec![vec![0; steps.len()]];
        for (index, step) in steps.iter().enumerate() {
            for other in 1..=step.others.len().min(MOST_ALTERNATIVES) {
                let mut choice = vec![0; steps.len()];
                if let Some(chosen) = choice.get_mut(index) {
                    *chosen = other;
                }
                choices.push(choice);
            }
        }
        choices.iter().map(|choice| Self::new(choice, view)).collect()
    }

    fn new(choice: &[usize], view: View<'p>) -> Self {
        let own = view.own;
        let steps = own.rule.chain.steps.iter().zip(choice);
        let selection =
            |(step, choice): (&'p Step, &usize)| step.selections().nth(*choice).unwrap_or(&step.main);
        let mut nodes: Vec<_> =
            steps.map(selection).map(|selection| Node { selection, side: own, part: Part::Step }).collect();
        let steps = nodes.len();
        nodes.extend(absences(own, Some));
        let at = |step: usize| own.counterparts.iter().position(|other| *other == Some(step));
        nodes.extend(absences(view.other, at));
        Self { nodes, steps }
    }

    /// The node of a step that a field of an absence key is of.
    pub(super) fn of(step: usize, neighbour: Neighbour) -> Option<usize> {
        match neighbour {
            Neighbour::Earlier => step.checked_sub(1),
            Neighbour::Later => Some(step),
        }
    }

    /// A record that satisfies a node, and what the other rule has in its place, if there is one.
    pub(super) fn base(&self, index: usize, view: View<'p>) -> Option<Fields> {
        let node = self.nodes.get(index)?;
        let (source, schema) = view.place(node.selection)?;
        let own = self.own(index, view);
        let others = self.others(index, view).into_iter().take(1);
        let both: Vec<_> =
            own.iter().cloned().chain(others.map(|pred| wanted(pred, view.other, true))).collect();
        let found = solve::records(&both, source, schema).into_iter().next();
        found.or_else(|| solve::records(&own, source, schema).into_iter().next())
    }

    /// What a record of a node satisfies: its condition, and none of the alternatives before it.
    pub(super) fn own(&self, index: usize, view: View<'p>) -> Vec<Wanted<'p>> {
        let Some(node) = self.nodes.get(index) else { return Vec::new() };
        let mut own = vec![wanted(node.selection, node.side, true)];
        if let (Part::Step, Some(step)) = (node.part, view.own.rule.chain.steps.get(index)) {
            let earlier = step.selections().take_while(|other| !std::ptr::eq(*other, node.selection));
            let same = earlier.filter(|other| other.source.node == node.selection.source.node);
            own.extend(same.map(|selection| wanted(selection, node.side, false)));
        }
        own
    }

    /// What the other rule selects of the same source in the place of a step or of what must not be there.
    pub(super) fn others(&self, index: usize, view: View<'p>) -> Vec<&'p Selection> {
        let Some(node) = self.nodes.get(index) else { return Vec::new() };
        let same = |selection: &&'p Selection| selection.source.node == node.selection.source.node;
        match node.part {
            Part::Step => {
                view.counterpart(index).into_iter().flat_map(Step::selections).filter(same).collect()
            }
            Part::Absence { absence, step } => {
                let is_own = std::ptr::eq(node.side, view.own);
                let around = self.nodes.iter().filter_map(|other| match other.part {
                    Part::Absence { absence: known, step: at }
                        if at == step
                            && std::ptr::eq(other.side, view.own) != is_own
                            && known.name.is_none() == absence.name.is_none() =>
                    {
                        Some(other.selection)
                    }
                    Part::Absence { .. } | Part::Step => None,
                });
                around.filter(same).collect()
            }
        }
    }

    /// Records that a node takes and what the other rule has in its place does not.
    pub(super) fn telling(&self, index: usize, view: View<'p>) -> Vec<Fields> {
        let Some(node) = self.nodes.get(index) else { return Vec::new() };
        let Some((source, schema)) = view.place(node.selection) else { return Vec::new() };
        let other = if std::ptr::eq(node.side, view.own) { view.other } else { view.own };
        let others = self.others(index, view);
        let mut wanted_of = self.own(index, view);
        wanted_of.extend(others.iter().map(|selection| wanted(selection, other, false)));
        solve::records(&wanted_of, source, schema)
    }
}

fn wanted<'p>(selection: &'p Selection, side: &'p Side<'p>, holds: bool) -> Wanted<'p> {
    Wanted { pred: selection.condition(), side, holds }
}

/// What must not be there in a rule, alternative by alternative; `at` says which step of the chain its step is.
fn absences<'p>(side: &'p Side<'p>, at: impl Fn(usize) -> Option<usize>) -> Vec<Node<'p>> {
    let chain = &side.rule.chain;
    let of_steps = chain.steps.iter().enumerate().map(|(step, of)| (step, of.absences.as_slice()));
    let of_links = chain.links.iter().enumerate().map(|(link, of)| (link + 1, of.absences.as_slice()));
    let mut nodes = Vec::new();
    for (step, absences) in of_steps.chain(of_links) {
        let Some(step) = at(step) else { continue };
        for absence in absences {
            let part = Part::Absence { absence, step };
            nodes.extend(absence.selections.iter().map(|selection| Node { selection, side, part }));
        }
    }
    nodes
}
