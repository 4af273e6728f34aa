//! A rule, ready to run.
//!
//! In: a rule of the IR and the schemas of its records. Out: [`Program`]: compiled steps, link keys by place, windows
//! in microseconds. Must not know: raw logs, and how records reach it.

use std::sync::Arc;

use super::list::Allowlist;
use super::predicate::{CompileError, Predicate, Values, place};
use super::record::{Record, Schema, Schemas};
use super::value::Atom;
use crate::ir::{self, Rule, StepField};

/// A compiled rule.
#[derive(Debug)]
pub struct Program {
    /// Name of the rule.
    pub name: String,
    /// The steps, in order.
    pub steps: Vec<Arc<Step>>,
    /// Link `i` joins step `i` to step `i + 1`.
    pub links: Vec<Link>,
    /// Longest time from the first to the last step, microseconds.
    pub total: i64,
    /// Which alerts count as one.
    pub dedupe: Option<Dedupe>,
}

/// A compiled step.
#[derive(Debug)]
pub struct Step {
    /// Its name.
    pub name: String,
    /// Records of this schema can satisfy it.
    pub schema: Arc<Schema>,
    /// Filter.
    pub filter: Predicate,
    /// Exceptions.
    pub excepts: Vec<Predicate>,
}

/// A compiled link.
#[derive(Debug, Clone)]
pub struct Link {
    /// Longest time from the earlier to the later record, microseconds.
    pub gap: i64,
    /// Places of the keys in the earlier record.
    pub left: Vec<usize>,
    /// Places of the keys in the later record.
    pub right: Vec<usize>,
}

/// Compiled de-duplication.
#[derive(Debug)]
pub struct Dedupe {
    /// How long further alerts with the same keys stay silent, microseconds.
    pub window: i64,
    /// Step and place of each key.
    pub by: Vec<(usize, usize)>,
}

/// The values of a link's keys, all present.
pub type Key = Box<[Atom]>;

impl Step {
    /// Whether the values of a record of this step's schema satisfy it.
    #[must_use]
    pub fn accepts(&self, values: &Values<'_>) -> bool {
        let Self { name: _, schema: _, filter, excepts } = self;
        filter.holds(values) && !excepts.iter().any(|except| except.holds(values))
    }

    /// Calls `add` with the place of every field that decides it.
    pub fn each_place(&self, add: &mut dyn FnMut(usize)) {
        std::iter::once(&self.filter).chain(&self.excepts).for_each(|pred| pred.each_place(add));
    }
}

impl Program {
    /// Compiles `rule` for records of `schemas`.
    ///
    /// # Errors
    /// When a source or field is unknown or an expression does not compile; rules that passed the checker have neither.
    pub fn new(rule: &Rule, schemas: &Schemas) -> Result<Self, CompileError> {
        // Taken apart without `..`, here and below: a new part of a rule must be given a meaning, or it does not
        // compile. The fields of the scope are keys of every link.
        let ir::Rule { name, meta: _, params: _, lists, chain, alert, playbook: _, tests: _, span: _ } = rule;
        let ir::Chain { total, total_is_explicit: _, scope: _, steps, links, together } = chain;
        if together.is_some() {
            return Err(CompileError("steps in any order".to_owned()));
        }
        let ir::Alert { entities: _, show: _, dedupe } = alert;
        let lists: Vec<_> = lists.iter().map(|list| Arc::new(Allowlist::new(list))).collect();
        let steps = steps.iter().map(|step| compile_step(step, schemas, &lists).map(Arc::new));
        let steps = steps.collect::<Result<Vec<_>, _>>()?;
        let pairs = links.iter().zip(steps.windows(2));
        let links = pairs.map(|(link, sides)| compile_link(link, sides)).collect::<Result<Vec<_>, _>>()?;
        if links.len() + 1 != steps.len() {
            return Err(CompileError("a chain of n steps has n - 1 links".to_owned()));
        }
        let step_place = |StepField { step, field }: &StepField| {
            let schema =
                steps.get(*step).ok_or_else(|| CompileError(format!("the chain has no step {step}")))?;
            Ok((*step, place(field, &schema.schema)?))
        };
        let dedupe = match dedupe {
            Some(ir::Dedupe { window, by }) => Some(Dedupe {
                window: in_micros(window.seconds),
                by: by.iter().map(step_place).collect::<Result<_, CompileError>>()?,
            }),
            None => None,
        };
        Ok(Self { name: name.node.clone(), steps, links, total: in_micros(total.seconds), dedupe })
    }

    /// The key by which `record`, as step `step`, is found from the step before; `None` if a part is missing.
    #[must_use]
    pub fn key_in(&self, step: usize, record: &Record) -> Option<Key> {
        key(&record.values, &self.links.get(step.checked_sub(1)?)?.right)
    }

    /// The key by which `record`, as step `step`, finds the step after it.
    #[must_use]
    pub fn key_out(&self, step: usize, record: &Record) -> Option<Key> {
        key(&record.values, &self.links.get(step)?.left)
    }

    /// The steps that `record` satisfies.
    pub fn matched<'p>(&'p self, record: &'p Record) -> impl Iterator<Item = usize> + 'p {
        // A predicate reads by place, and places are those of one source: asked of a record of another one, it would
        // look at the wrong fields.
        let of_source = |step: &Step| step.schema.source() == record.schema.source();
        let all = self.steps.iter().enumerate();
        all.filter(move |(_, step)| of_source(step) && step.accepts(&record.values)).map(|(index, _)| index)
    }
}

/// The values at `places`; `None` if one is missing.
pub(super) fn key(values: &Values<'_>, places: &[usize]) -> Option<Key> {
    // One missing part makes the key missing: what two records both lack does not connect them.
    places.iter().map(|place| values.get(*place)?.as_ref().map(super::value::Value::key)).collect()
}

fn compile_step(
    ir::Step { name, main, others, absences, repetition, span: _ }: &ir::Step,
    schemas: &Schemas,
    lists: &[Arc<Allowlist>],
) -> Result<Step, CompileError> {
    let ir::Selection { source, renames: _, filter, excepts, span: _ } = main;
    if !others.is_empty() || !absences.is_empty() || repetition.is_some() {
        return Err(CompileError("alternatives, absences and repetition".to_owned()));
    }
    let source = &source.node;
    let schema = schemas.get(source).ok_or_else(|| CompileError(format!("there is no source `{source}`")))?;
    let compile = |pred| Predicate::new(pred, schema, lists);
    Ok(Step {
        name: name.node.clone(),
        schema: Arc::clone(schema),
        filter: compile(filter)?,
        excepts: excepts.iter().map(compile).collect::<Result<_, _>>()?,
    })
}

fn compile_link(
    ir::Link { gap, keys, comparisons, absences, span: _ }: &ir::Link,
    sides: &[Arc<Step>],
) -> Result<Link, CompileError> {
    if !comparisons.is_empty() || !absences.is_empty() || keys.iter().any(|key| key.case == ir::Case::Ignore)
    {
        return Err(CompileError("comparisons, absences and folded keys of a link".to_owned()));
    }
    let [left, right] = sides else { return Err(CompileError("a link has two sides".to_owned())) };
    Ok(Link {
        gap: in_micros(gap.seconds),
        left: keys.iter().map(|key| place(&key.left, &left.schema)).collect::<Result<_, _>>()?,
        right: keys.iter().map(|key| place(&key.right, &right.schema)).collect::<Result<_, _>>()?,
    })
}

/// Seconds of a window as the microseconds in which records count; the longest if they are too many.
#[must_use]
pub fn in_micros(seconds: u64) -> i64 {
    // An `i64` of microseconds spans 292,000 years; a longer window than that excludes nothing.
    i64::try_from(seconds).unwrap_or(i64::MAX).saturating_mul(1_000_000)
}
