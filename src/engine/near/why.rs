//! Near misses in words.
//!
//! In: a rule, a miss, its records. Out: the condition that fails as the rule has it, and why it fails here.
//! Must not know: output formats. The reasons are those of rule tests ([`crate::engine::explain`]).

use super::{Condition, Miss, Part};
use crate::engine::explain::{Break, Failing, why_not};
use crate::engine::program::{Program, in_micros};
use crate::engine::record::Record;
use crate::engine::words::{self, duration};
use crate::ir::{Key, Rule};

/// Why a chain breaks.
#[derive(Debug, Clone, PartialEq)]
pub enum Why {
    /// The record satisfies its step, but what comes before it does not fit.
    Link(Break),
    /// The tests because of which the record does not satisfy its step.
    Step(Vec<Failing>),
}

/// Why `miss` is none but a near one; `None` if it is of another rule or of other records.
#[must_use]
pub fn why(rule: &Rule, program: &Program, records: &[Record], miss: &Miss) -> Option<Why> {
    let at = records.get(*miss.path.get(miss.step)?)?;
    let before = || miss.step.checked_sub(1).and_then(|before| miss.path.get(before)).copied();
    let reason = match miss.condition {
        Condition::Step { step, .. } => return why_not(rule, program, step, at).map(Why::Step),
        Condition::Gap { link } => {
            Break::GapClosed { nearest: before()?, gap: program.links.get(link)?.gap, by: miss.by }
        }
        Condition::Order { .. } => Break::After { nearest: before()?, by: miss.by },
        Condition::Total => Break::TotalExceeded { by: miss.by },
        Condition::Key { link, part } => {
            let key = rule.chain.links.get(link)?.keys.get(part)?;
            let there = records.get(before()?)?.get(&key.left.name).map(words::value);
            match at.get(&key.right.name).map(words::value) {
                None => Break::KeyMissing(vec![key.right.name.clone()]),
                Some(here) => Break::NoSuchKey {
                    fields: vec![key.right.name.clone()],
                    key: vec![here],
                    others: vec![vec![there]],
                },
            }
        }
    };
    Some(Why::Link(reason))
}

/// The names of the fields on both sides of a key that fails.
#[must_use]
pub fn key_fields(rule: &Rule, condition: Condition) -> Option<(&str, &str)> {
    match condition {
        Condition::Key { link, part } => {
            let key = rule.chain.links.get(link)?.keys.get(part)?;
            Some((&key.left.name, &key.right.name))
        }
        Condition::Gap { .. } | Condition::Step { .. } | Condition::Order { .. } | Condition::Total => None,
    }
}

/// A condition and the step at which it fails.
#[must_use]
pub fn condition(rule: &Rule, condition: Condition) -> Option<(&str, String)> {
    let name = |step: usize| rule.chain.steps.get(step).map(|step| step.name.node.as_str());
    let long = |seconds: u64| duration(in_micros(seconds));
    Some(match condition {
        Condition::Gap { link } => {
            let gap = long(rule.chain.links.get(link)?.gap.seconds);
            (name(link + 1)?, format!("more than {gap} after {}", name(link)?))
        }
        Condition::Order { link } => (name(link + 1)?, format!("before {}, not after it", name(link)?)),
        Condition::Total => {
            let total = long(rule.chain.total.seconds);
            (name(rule.chain.links.len())?, format!("the whole chain takes more than {total}"))
        }
        Condition::Key { link, part } => {
            let Key { left, right, .. } = rule.chain.links.get(link)?.keys.get(part)?;
            let (before, left, right) = (name(link)?, &left.name, &right.name);
            (name(link + 1)?, format!("`{right}` is not the `{left}` of {before}"))
        }
        Condition::Step { step, part: Part::Where(number) } => {
            let filter = rule.chain.steps.get(step)?.main.filter.conjuncts();
            (name(step)?, format!("fails `{}`", words::pred(filter.get(number)?, rule)))
        }
        Condition::Step { step, part: Part::Except(number) } => {
            let except = rule.chain.steps.get(step)?.main.excepts.get(number)?;
            (name(step)?, format!("excepted by `{}`", words::pred(except, rule)))
        }
    })
}
