//! Conditions that can never hold or always hold.
//!
//! In: a step with typed predicates. Out: findings at the smallest part that is to blame.
//! Must not know: syntax. Sound, not complete: whatever is reported is so for every record there can be; the search is
//! bounded by [`BUDGET`], past which it stays silent.

mod facts;
mod values;

#[cfg(test)]
mod tests;

use crate::catalog::Source;
use crate::diag::{Code, Diagnostic, Diagnostics};
use crate::ir::{FieldTest, List, LookupTest, Pred};
use crate::source::Span;

use facts::Facts;

/// How many steps of search the predicates of one step may cost.
const BUDGET: usize = 400_000;
/// How many open alternatives the search follows at once.
const DEPTH: usize = 48;
/// Among how many parts the two that exclude each other are looked for.
const PAIRS: usize = 16;

/// What predicates are judged against: the values that fields can have and the entries of lists.
#[derive(Debug)]
pub(in crate::check) struct Logic<'a> {
    source: Option<&'a Source>,
    lists: Vec<&'a List>,
    budget: usize,
    /// Whether a list without entries counts as such. Mostly it is one to be filled, and says nothing about the
    /// condition.
    lists_are_final: bool,
    of: Of,
}

/// Whose condition it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::check) enum Of {
    /// A step's, without whose records nothing alerts.
    Step,
    /// That of what must not be there, without which everything alerts.
    Absence,
}

impl<'a> Logic<'a> {
    /// For predicates on records of `source`; `lists` are those that `in LIST` tests count in.
    pub(in crate::check) fn new(source: Option<&'a Source>, lists: Vec<&'a List>) -> Self {
        Self { source, lists, budget: BUDGET, lists_are_final: false, of: Of::Step }
    }

    /// For the condition of something else than a step.
    pub(in crate::check) fn of(self, of: Of) -> Self {
        Self { of, ..self }
    }

    /// Whether a condition and its exceptions leave records, and all of them fail a predicate.
    pub(in crate::check) fn excludes(&mut self, filter: &Pred, excepts: &[&Pred], pred: &Pred) -> bool {
        let mut goals: Vec<_> = excepts.iter().map(|except| (*except, false)).collect();
        goals.push((filter, true));
        // Of what leaves nothing that has been said, and everything could be proved.
        if self.impossible(&goals) {
            return false;
        }
        goals.push((pred, true));
        self.impossible(&goals)
    }

    /// Whether every record that they leave satisfies a predicate.
    pub(in crate::check) fn demands(&mut self, filter: &Pred, excepts: &[&Pred], pred: &Pred) -> bool {
        let excepts = excepts.iter().map(|except| (*except, false));
        let goals: Vec<_> = excepts.chain([(filter, true), (pred, false)]).collect();
        self.impossible(&goals)
    }

    /// Looks at a whole step, or absence.
    pub(in crate::check) fn step(
        &mut self,
        name: Span,
        filter: &Pred,
        excepts: &[&Pred],
        diags: &mut Diagnostics,
    ) {
        // Asked of the whole first: a part that never holds is an error only if nothing else of the step can hold.
        let dead = self.impossible(&[(filter, true)]);
        let mut found = Vec::new();
        self.walk(filter, &mut found);
        let explained = found.iter().any(|finding| finding.never);
        for finding in found {
            diags.push(finding.diagnostic(dead, self.of));
        }
        // Exceptions are not looked at: each would be said to contradict a condition that holds for nothing.
        if dead {
            if !explained {
                diags.push(never(filter.span(), self.of).also(name, self.of.in_words()));
            }
            return;
        }
        if self.lists.iter().any(|list| list.entries.is_empty()) && self.impossible_as_listed(filter) {
            for (span, list) in self.demands_of_empty_lists(filter) {
                let (label, what) = match &list.lookup {
                    None => (format!("`{}` has no active entries", list.name.node), "the list"),
                    Some(LookupTest { name, test }) => {
                        (format!("no row of `{name}` has `{test}`"), "the lookup")
                    }
                };
                diags.push(never(span, self.of).label(label).also(list.name.span, what));
            }
            return;
        }
        self.excepts(filter, excepts, diags);
    }

    /// Whether no record satisfies the predicate as long as its lists are as they are.
    fn impossible_as_listed(&mut self, pred: &Pred) -> bool {
        self.lists_are_final = true;
        let dead = self.impossible(&[(pred, true)]);
        self.lists_are_final = false;
        dead
    }

    fn is_empty(&self, test: &FieldTest) -> Option<&'a List> {
        self.lists.get(test.list()?).copied().filter(|list| list.entries.is_empty())
    }

    /// The tests that want an entry of a list without any.
    fn demands_of_empty_lists(&self, pred: &Pred) -> Vec<(Span, &'a List)> {
        let wanted = pred.signed_tests().filter(|(_, wanted)| *wanted);
        wanted.filter_map(|(test, _)| Some((test.span, self.is_empty(test)?))).collect()
    }

    fn excepts(&mut self, filter: &Pred, excepts: &[&Pred], diags: &mut Diagnostics) {
        let mut goals = vec![(filter, true)];
        for except in excepts {
            let mut found = Vec::new();
            // An exception that is wrong by itself is not held against the condition as well.
            if self.walk(except, &mut found) {
                for finding in found {
                    diags.push(finding.diagnostic(false, self.of));
                }
                goals.push((except, false));
                continue;
            }
            let span = except.span();
            if self.impossible(&[(filter, true), (except, true)]) {
                let title = "this exception never applies";
                diags.push(
                    Diagnostic::new(Code::DeadBranch, span, title)
                        .label(match self.of {
                            Of::Step => "contradicts the condition of the step",
                            Of::Absence => "contradicts the condition of the `unless`",
                        })
                        .help("remove it, or check its values"),
                );
            }
            goals.push((except, false));
            if self.impossible(&goals) {
                diags.push(
                    Diagnostic::new(
                        Code::NeverHolds,
                        span,
                        match self.of {
                            Of::Step => "this exception excludes everything the step matches",
                            Of::Absence => "this exception excludes everything the `unless` matches",
                        },
                    )
                    .label(match self.of {
                        Of::Step => "nothing is left to match",
                        Of::Absence => "nothing is left, so the clause exempts nothing",
                    })
                    .help("narrow the exception"),
                );
                // Each further exception would be said to exclude everything too.
                return;
            }
        }
    }

    /// Whether no record satisfies the predicate.
    #[cfg(test)]
    fn never(&mut self, pred: &Pred) -> bool {
        self.impossible(&[(pred, true)])
    }

    /// Whether every record satisfies the predicate.
    #[cfg(test)]
    fn always(&mut self, pred: &Pred) -> bool {
        self.impossible(&[(pred, false)])
    }

    /// Reports the smallest parts of `pred` that never or always hold; whether there were any.
    fn walk(&mut self, pred: &Pred, found: &mut Vec<Finding>) -> bool {
        let mut inner = false;
        for part in pred.children() {
            inner |= self.walk(part, found);
        }
        if inner {
            return true;
        }
        for never in [true, false] {
            if self.impossible(&[(pred, never)]) {
                found.push(self.blame(pred, never));
                return true;
            }
        }
        false
    }

    /// The two parts that exclude each other, if they are easily found.
    fn blame(&mut self, pred: &Pred, never: bool) -> Finding {
        let parts = match (pred, never) {
            (Pred::And(parts), true) | (Pred::Or(parts), false) => parts.as_slice(),
            (Pred::And(_) | Pred::Or(_) | Pred::Not(_) | Pred::Test(_), _) => &[],
        };
        for (index, later) in parts.iter().enumerate().take(PAIRS) {
            for earlier in parts.iter().take(index) {
                if self.impossible(&[(earlier, never), (later, never)]) {
                    return Finding { never, span: later.span(), earlier: Some(earlier.span()) };
                }
            }
        }
        Finding { never, span: pred.span(), earlier: None }
    }

    /// Whether no record gives every goal its wanted truth.
    fn impossible(&mut self, goals: &[(&Pred, bool)]) -> bool {
        !self.search(goals.to_vec(), Facts::default(), 0)
    }

    /// Whether some record may satisfy the goals and the facts: `false` is certain, `true` is not.
    fn search<'p>(&mut self, mut goals: Vec<(&'p Pred, bool)>, mut facts: Facts<'p>, depth: usize) -> bool {
        let mut choices = Vec::new();
        while let Some((pred, wanted)) = goals.pop() {
            if !self.spend(1) {
                return true;
            }
            match (pred, wanted) {
                (Pred::And(parts), true) | (Pred::Or(parts), false) => {
                    goals.extend(parts.iter().map(|part| (part, wanted)));
                }
                (Pred::And(_), false) | (Pred::Or(_), true) => choices.push((pred, wanted)),
                (Pred::Not(inner), _) => goals.push((inner, !wanted)),
                (Pred::Test(test), true) if self.lists_are_final && self.is_empty(test).is_some() => {
                    return false;
                }
                (Pred::Test(test), _) => facts.add(test, wanted),
            }
        }
        if !self.spend(facts.cost()) {
            return true;
        }
        if !facts.consistent(self.source, &self.lists) {
            return false;
        }
        // The choice with the fewest parts comes last and is tried first: it fails soonest.
        choices.sort_by_key(|(pred, _)| std::cmp::Reverse(pred.parts().len()));
        let Some((choice, wanted)) = choices.pop() else { return true };
        if depth >= DEPTH {
            return true;
        }
        choice.parts().iter().any(|part| {
            let mut goals = choices.clone();
            goals.push((part, wanted));
            // A search that is over budget counts as satisfied: silence, never a claim that is not proved.
            !self.spend(goals.len()) || self.search(goals, facts.clone(), depth + 1)
        })
    }

    fn spend(&mut self, cost: usize) -> bool {
        self.budget = self.budget.saturating_sub(cost);
        self.budget > 0
    }
}

/// A part of a condition whose truth does not depend on the record.
#[derive(Debug)]
struct Finding {
    never: bool,
    span: Span,
    /// The part before it that decides it.
    earlier: Option<Span>,
}

impl Finding {
    /// `dead`: the whole step can never match because of it.
    fn diagnostic(self, dead: bool, of: Of) -> Diagnostic {
        let found = match (self.never, dead) {
            (true, true) => never(self.span, of),
            (true, false) => Diagnostic::new(Code::DeadBranch, self.span, "this part is never true")
                .label("false for every record")
                .help("remove it, or check its values"),
            (false, _) => Diagnostic::new(Code::AlwaysHolds, self.span, "this part is always true")
                .label("true for every record")
                .help("`not` is also true for a missing field; between two negations, `and` is usually intended"),
        };
        match self.earlier {
            Some(span) if self.never => found.also(span, "contradicts it"),
            Some(span) => found.also(span, "true wherever the other is not"),
            None => found,
        }
    }
}

impl Of {
    fn in_words(self) -> &'static str {
        match self {
            Self::Step => "the step",
            Self::Absence => "what must not be there",
        }
    }
}

fn never(span: Span, of: Of) -> Diagnostic {
    let (title, help) = match of {
        Of::Step => {
            ("this step can never match", "the rule would never alert; check the values compared here")
        }
        Of::Absence => (
            "this `unless` can never match",
            "the clause would exempt nothing, and the rule alert on all it is to excuse; check the values compared here",
        ),
    };
    Diagnostic::new(Code::NeverHolds, span, title).label("false for every record").help(help)
}
