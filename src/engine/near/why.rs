//! Near misses in words.
//!
//! In: a rule, a miss, its records. Out: the condition that fails as the rule has it, and why it fails here.
//! Must not know: output formats. The reasons are those of rule tests ([`crate::engine::explain`]).

use super::{Cause, Condition, Miss, Part};
use crate::engine::explain::{Break, Failing, why_not};
use crate::engine::follow::{absence_name, compared};
use crate::engine::program::{Program, in_micros};
use crate::engine::record::Record;
use crate::engine::words::{self, duration};
use crate::ir::{Key, Link, Repetition, Rule, Step, When};

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
        Condition::Absence { absence } => {
            let Cause { record, of_counted } = miss.cause?;
            let name = absence_name(program, absence);
            if of_counted {
                Break::CountedExcused { name, by: record }
            } else {
                Break::Excused { name, by: record }
            }
        }
        Condition::Comparison { link, number } => compared(rule, link, number, (records.get(before()?)?, at)),
        Condition::Count { step } => {
            let asked = (*program.clauses.repetitions.get(step)?)?;
            let (_, burst) = miss.bursts.iter().find(|(of, _)| *of == step)?;
            let (least, window) = (asked.least as u64, asked.window);
            if burst.count < least {
                Break::TooFew { count: burst.count, least, distinct: asked.distinct, window }
            } else {
                Break::BurstBefore { nearest: before()? }
            }
        }
        Condition::Key { part, .. } if rule.chain.together.is_some() => shared(rule, records, miss, part)?,
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

/// Steps in any order whose records do not share a field.
fn shared(rule: &Rule, records: &[Record], miss: &Miss, part: usize) -> Option<Break> {
    let field = &rule.chain.together.as_ref()?.keys.get(part)?.field.name;
    let value = |(step, index): (usize, &usize)| {
        let record = records.get(*index)?;
        let of_step = rule.chain.steps.get(step)?.selections();
        let own = of_step.into_iter().find(|one| one.source.node == record.schema.source());
        Some(record.get(own.map_or(field.as_str(), |own| own.field(field))).map(words::value))
    };
    let mut values: Vec<Option<String>> = miss.path.iter().enumerate().filter_map(value).collect();
    let here = if miss.step < values.len() { values.remove(miss.step) } else { None };
    Some(match here {
        None => Break::KeyMissing(vec![field.clone()]),
        Some(here) => {
            let others = values.into_iter().map(|other| vec![other]).collect();
            Break::NoSuchKey { fields: vec![field.clone()], key: vec![here], others }
        }
    })
}

/// The names of the fields on both sides of a key that fails.
#[must_use]
pub fn key_fields(rule: &Rule, condition: Condition) -> Option<(&str, &str)> {
    match condition {
        Condition::Key { link, part } => {
            let key = rule.chain.links.get(link)?.keys.get(part)?;
            Some((&key.left.name, &key.right.name))
        }
        Condition::Comparison { link, number } => {
            let comparison = rule.chain.links.get(link)?.comparisons.get(number)?;
            Some((&comparison.left.name, &comparison.right.name))
        }
        Condition::Gap { .. }
        | Condition::Step { .. }
        | Condition::Order { .. }
        | Condition::Total
        | Condition::Absence { .. }
        | Condition::Count { .. } => None,
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
            let what = if rule.chain.together.is_some() { "they take" } else { "the whole chain takes" };
            (name(rule.chain.steps.len().checked_sub(1)?)?, format!("{what} more than {total}"))
        }
        Condition::Key { part, .. } if rule.chain.together.is_some() => {
            let field = &rule.chain.together.as_ref()?.keys.get(part)?.field.name;
            (name(rule.chain.steps.len().checked_sub(1)?)?, format!("they do not share `{field}`"))
        }
        Condition::Comparison { link, number } => {
            (name(link + 1)?, format!("`{}` fails", words::comparison(rule, link, number)))
        }
        Condition::Count { step } => {
            let Repetition { least, distinct, window, .. } =
                rule.chain.steps.get(step)?.repetition.as_ref()?;
            let what = distinct
                .as_ref()
                .map_or(String::new(), |counted| format!(" different `{}`", counted.field.name));
            (name(step)?, format!("fewer than {least}{what} within {}", long(window.seconds)))
        }
        Condition::Absence { absence } => {
            let of_step = |(number, step): (usize, &Step)| vec![number; step.absences.len()];
            let of_link = |(number, link): (usize, &Link)| vec![number + 1; link.absences.len()];
            let (steps, links) = (rule.chain.steps.iter().enumerate(), rule.chain.links.iter().enumerate());
            let owner =
                *steps.flat_map(of_step).chain(links.flat_map(of_link)).collect::<Vec<_>>().get(absence)?;
            let asked = rule.chain.absences().nth(absence)?;
            let what = match (&asked.name, asked.when) {
                (Some(absence), _) => format!("excused by `{}`", absence.node),
                (None, When::Before(window) | When::After(window)) => {
                    format!("seen before within {}", long(window.seconds))
                }
                (None, When::Between) => "seen before".to_owned(),
            };
            (name(owner)?, what)
        }
        Condition::Key { link, part } => {
            let Key { left, right, .. } = rule.chain.links.get(link)?.keys.get(part)?;
            let (before, left, right) = (name(link)?, &left.name, &right.name);
            (name(link + 1)?, format!("`{right}` is not the `{left}` of {before}"))
        }
        Condition::Step { step, alternative, part: Part::Where(number) } => {
            let filter = rule.chain.steps.get(step)?.selections().nth(alternative)?.filter.conjuncts();
            (name(step)?, format!("fails `{}`", words::pred(filter.get(number)?, rule)))
        }
        Condition::Step { step, alternative, part: Part::Except(number) } => {
            let except = rule.chain.steps.get(step)?.selections().nth(alternative)?.excepts.get(number)?;
            (name(step)?, format!("excepted by `{}`", words::pred(except, rule)))
        }
    })
}
