//! What the events of one source can be to rules.
//!
//! In: rules, as written and as compiled. Out: for a source its [`SourceStep`]s.
//! Must not know: logs.

use std::sync::Arc;

use crate::engine::program::{self, Fields, Program};
use crate::ir::{Absence, Chain, Link, List, Pred, Rule, Selection, Step};
use crate::replay::store::packed::StepId;

/// A selection of a step or an absence as written and as compiled, and the keys by which links join its records.
#[derive(Debug)]
pub(super) struct SourceStep<'r> {
    /// The rule and the role in it.
    pub(super) id: StepId,
    /// The name of the rule.
    pub(super) rule: &'r str,
    pub(super) filter: &'r Pred,
    pub(super) excepts: &'r [Pred],
    /// Selections whose records are not taken for this one, as written.
    pub(super) earlier: Vec<&'r Selection>,
    pub(super) lists: &'r [List],
    pub(super) compiled: &'r Arc<program::Step>,
    /// The link that leads to the step, and the key on its side; `None` where a record matters without a predecessor.
    pub(super) link_in: Option<(usize, &'r Fields)>,
    /// The key on this side of the link that leads on; `None` for a last step.
    pub(super) link_out: Option<&'r Fields>,
}

/// The steps on `source`, in order of rules and roles.
///
/// Filters know of a rule only what is here: an event that satisfies none of these, or that no record before it links
/// to, is passed over. So whatever else can make an event matter (an absence, an alternative) is a step here, without a
/// link if it matters on its own.
pub(super) fn steps_on<'r>(source: &str, rules: &'r [Rule], programs: &'r [Program]) -> Vec<SourceStep<'r>> {
    let mut found = Vec::new();
    for ((number, rule), program) in (0..).zip(rules).zip(programs) {
        let Rule { name: _, meta: _, params: _, lists, chain, alert: _, playbook: _, tests: _, span: _ } =
            rule;
        for ((at, role), (selection, earlier)) in (0_u16..).zip(&program.roles).zip(selections(chain)) {
            let Selection { source: of, renames: _, filter, excepts, span: _ } = selection;
            if of.node == source {
                found.push(SourceStep {
                    id: (number, at),
                    rule: &program.name,
                    filter,
                    excepts,
                    earlier,
                    lists,
                    compiled: &role.selection,
                    link_in: program.needs(usize::from(at)),
                    link_out: program.offers(usize::from(at)).map(|(_, key)| key),
                });
            }
        }
    }
    found
}

/// A selection, and those of its source in front of it, whose records are not taken for it.
type Alternative<'r> = (&'r Selection, Vec<&'r Selection>);

/// The selections of a chain in the order of [`Program::roles`].
fn selections(chain: &Chain) -> Vec<Alternative<'_>> {
    let Chain { total: _, total_is_explicit: _, scope: _, steps, links, together: _ } = chain;
    let (mut main, mut others, mut exempting) = (Vec::new(), Vec::new(), Vec::new());
    for step in steps {
        let Step { name: _, main: _, others: _, absences, repetition: _, span: _ } = step;
        let mut all = alternatives(step.selections()).into_iter();
        main.extend(all.next());
        others.extend(all);
        exempting.extend(absences);
    }
    for Link { gap: _, keys: _, comparisons: _, absences, span: _ } in links {
        exempting.extend(absences);
    }
    let exempting =
        exempting.into_iter().flat_map(|Absence { name: _, selections, when: _, keys: _, span: _ }| {
            alternatives(selections.iter())
        });
    main.into_iter().chain(others).chain(exempting).collect()
}

fn alternatives<'r>(all: impl Iterator<Item = &'r Selection>) -> Vec<Alternative<'r>> {
    let mut found: Vec<Alternative<'r>> = Vec::new();
    for own in all {
        let same = found.iter().map(|(other, _)| *other).filter(|other| other.source.node == own.source.node);
        let earlier = same.collect();
        found.push((own, earlier));
    }
    found
}
