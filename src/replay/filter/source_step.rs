//! The steps on one source.
//!
//! In: rules, as written and as compiled. Out: for a source its [`SourceStep`]s.
//! Must not know: logs.

use std::sync::Arc;

use crate::engine::program::{self, Program};
use crate::ir::{Chain, Link, List, Pred, Rule, Selection, Step};
use crate::replay::store::packed::StepId;

/// A step as written and as compiled, and the link that leads to it.
#[derive(Debug)]
pub(super) struct SourceStep<'r> {
    pub(super) id: StepId,
    /// The name of the rule.
    pub(super) rule: &'r str,
    pub(super) filter: &'r Pred,
    pub(super) excepts: &'r [Pred],
    pub(super) lists: &'r [List],
    pub(super) compiled: &'r Arc<program::Step>,
    /// `None` for a first step.
    pub(super) link_in: Option<&'r program::Link>,
    /// `None` for a last step.
    pub(super) link_out: Option<&'r program::Link>,
}

/// The steps on `source`, in order of rules and steps.
///
/// Filters know of a rule only what is here. A new part of a rule must be answered for: an event that satisfies none of
/// these steps, or that no record before it links to, is passed over, so whatever else can make an event matter (an
/// absence, an alternative) has to become a step here, without a link if it matters on its own.
pub(super) fn steps_on<'r>(source: &str, rules: &'r [Rule], programs: &'r [Program]) -> Vec<SourceStep<'r>> {
    let mut found = Vec::new();
    for ((number, rule), program) in (0..).zip(rules).zip(programs) {
        let Rule { name: _, meta: _, params: _, lists, chain, alert: _, playbook: _, tests: _, span: _ } =
            rule;
        let Chain { total: _, total_is_explicit: _, scope: _, steps, links, together: _ } = chain;
        // The scope is among the keys of every link.
        let links = links.iter().zip(&program.links);
        let links: Vec<_> = links
            .map(|(Link { gap: _, keys: _, comparisons: _, absences: _, span: _ }, link)| link)
            .collect();
        for ((at, step), compiled) in (0_u16..).zip(steps).zip(&program.steps) {
            let Step { name: _, main, others: _, absences: _, repetition: _, span: _ } = step;
            let Selection { source: of, renames: _, filter, excepts, span: _ } = main;
            if of.node == source {
                let link_in = usize::from(at).checked_sub(1).and_then(|before| links.get(before)).copied();
                let link_out = links.get(usize::from(at)).copied();
                let id = (number, at);
                found.push(SourceStep {
                    id,
                    rule: &program.name,
                    filter,
                    excepts,
                    lists,
                    compiled,
                    link_in,
                    link_out,
                });
            }
        }
    }
    found
}
