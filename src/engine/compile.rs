//! From a rule of the IR to a [`Program`].
//!
//! In: a rule and the schemas of its records. Out: the program, with every name resolved to a place.
//! Must not know: records, how a program runs. The IR is taken apart without `..`: a new part of a rule must be given a
//! meaning, or it does not compile.

use std::sync::Arc;

use super::list::Allowlist;
use super::predicate::{CompileError, Predicate, place};
use super::program::{
    Absence, Between, Clauses, Dedupe, Fields, Link, LinkClauses, Part, Program, Reads, Repetition, Role,
    Shown, ShownValue, Step, in_micros,
};
use super::record::Schemas;
use crate::ir::{self, Case, Field, GroupField, Neighbour, Rule, Selection, StepField, When};

impl Program {
    /// Compiles `rule` for records of `schemas`.
    ///
    /// # Errors
    /// When a source or field is unknown or an expression does not compile; rules that passed the checker have neither.
    pub fn new(rule: &Rule, schemas: &Schemas) -> Result<Self, CompileError> {
        // The fields of the scope are keys of every link.
        let ir::Rule { name, meta: _, params: _, lists, chain, alert, playbook: _, tests: _, span: _ } = rule;
        let ir::Chain { total, total_is_explicit: _, scope: _, steps, links, together } = chain;
        let ir::Alert { entities: _, show: _, dedupe } = alert;
        if together.is_none() && links.len() + 1 != steps.len() {
            return Err(CompileError("a chain of n steps has n - 1 links".to_owned()));
        }
        let lists: Vec<_> = lists.iter().map(|list| Arc::new(Allowlist::new(list))).collect();
        let compiler = Compiler { chain, schemas, lists };
        let alternatives = steps.iter().map(|step| compiler.selections(&step.name.node, step.selections()));
        let alternatives = alternatives.collect::<Result<Vec<_>, _>>()?;
        let first = |of_step: &Vec<Arc<Step>>| of_step.first().cloned();
        let main: Vec<_> = alternatives.iter().filter_map(first).collect();
        let pairs = links.iter().zip(main.windows(2));
        let compiled_links =
            pairs.map(|(link, sides)| compile_link(link, sides)).collect::<Result<Vec<_>, _>>()?;
        let (absences, exempting) = compiler.absences()?;
        let mut roles = compiler.step_roles(&alternatives)?;
        roles.extend(exempting);
        let dedupe = match dedupe {
            Some(ir::Dedupe { window, by }) => Some(Dedupe {
                window: in_micros(window.seconds),
                by: by.iter().map(|key| compiler.shown(key, &alternatives)).collect::<Result<_, _>>()?,
            }),
            None => None,
        };
        let clauses = Clauses {
            absences,
            repetitions: steps.iter().map(|step| step.repetition.as_ref().map(repetition)).collect(),
            links: compiler.link_clauses(),
            together: together.is_some(),
        };
        let (name, total) = (name.node.clone(), in_micros(total.seconds));
        Ok(Self { name, steps: main, links: compiled_links, total, from: i64::MIN, dedupe, roles, clauses })
    }
}

struct Compiler<'r> {
    chain: &'r ir::Chain,
    schemas: &'r Schemas,
    lists: Vec<Arc<Allowlist>>,
}

impl<'r> Compiler<'r> {
    /// Compiles selections of one name. Of those that a record satisfies the first counts.
    fn selections(
        &self,
        name: &str,
        selections: impl Iterator<Item = &'r Selection>,
    ) -> Result<Vec<Arc<Step>>, CompileError> {
        let mut found: Vec<Arc<Step>> = Vec::new();
        for Selection { source, renames: _, filter, excepts, span: _ } in selections {
            let source = &source.node;
            let unknown = || CompileError(format!("there is no source `{source}`"));
            let schema = self.schemas.get(source).ok_or_else(unknown)?;
            let compile = |pred| Predicate::new(pred, schema, &self.lists);
            let earlier = found.iter().filter(|earlier| earlier.schema.source() == source);
            let step = Step {
                name: name.to_owned(),
                schema: Arc::clone(schema),
                filter: compile(filter)?,
                excepts: excepts.iter().map(compile).collect::<Result<_, _>>()?,
                earlier: earlier.cloned().collect(),
            };
            found.push(Arc::new(step));
        }
        Ok(found)
    }

    /// The roles of the steps: the first alternative of each, then all others.
    fn step_roles(&self, alternatives: &[Vec<Arc<Step>>]) -> Result<Vec<Role>, CompileError> {
        let (mut main, mut others) = (Vec::new(), Vec::new());
        for (number, (step, compiled)) in self.chain.steps.iter().zip(alternatives).enumerate() {
            for (at, (selection, compiled)) in step.selections().zip(compiled).enumerate() {
                let reads = self.reads(number, (step, selection, compiled))?;
                let part = Part::Step { step: number, reads };
                let roles = if at == 0 { &mut main } else { &mut others };
                roles.push(Role { selection: Arc::clone(compiled), part });
            }
        }
        main.extend(others);
        Ok(main)
    }

    fn reads(
        &self,
        number: usize,
        (step, selection, compiled): (&ir::Step, &Selection, &Step),
    ) -> Result<Reads, CompileError> {
        let ir::Step { name: _, main: _, others: _, absences, repetition, span: _ } = step;
        let fields =
            |wanted: &mut dyn Iterator<Item = (&'r Field, Case)>| places(selection, compiled, wanted);
        let (before, after) = (number.checked_sub(1).and_then(|at| self.link(at)), self.link(number));
        let key_in = before.map(|link| fields(&mut link.keys.iter().map(|key| (&key.right, key.case))));
        let key_out = match &self.chain.together {
            Some(ir::Together { keys, span: _ }) => Some(fields(&mut keys.iter().map(cased))),
            None => after.map(|link| fields(&mut link.keys.iter().map(|key| (&key.left, key.case)))),
        };
        let first = self.first_absence_of(number);
        let shared = (first..).zip(absences).map(|(at, absence)| {
            let keys = absence.keys.iter().map(|key| (&key.left, key.case));
            Ok((at, places(selection, compiled, keys)?))
        });
        let compared_in = before.map(|link| side(link, Neighbour::Later)).unwrap_or_default();
        let compared_out = after.map(|link| side(link, Neighbour::Earlier)).unwrap_or_default();
        let counted = repetition.iter().flat_map(|repetition| &repetition.distinct).map(cased);
        let grouped = repetition.iter().flat_map(|repetition| &repetition.by).map(cased);
        Ok(Reads {
            key_in: key_in.transpose()?,
            key_out: key_out.transpose()?,
            absences: shared.collect::<Result<_, CompileError>>()?,
            group: places(selection, compiled, grouped)?,
            counted: places(selection, compiled, counted)?.first().copied(),
            side_in: places(selection, compiled, compared_in)?,
            side_out: places(selection, compiled, compared_out)?,
        })
    }

    fn link(&self, at: usize) -> Option<&'r ir::Link> {
        self.chain.links.get(at)
    }

    /// The number of the first absence of a step; those of links follow those of all steps.
    fn first_absence_of(&self, step: usize) -> usize {
        self.chain.steps.iter().take(step).map(|step| step.absences.len()).sum()
    }

    /// Every absence, and the roles of what must not be there.
    fn absences(&self) -> Result<(Vec<Absence>, Vec<Role>), CompileError> {
        let of_steps = self.chain.steps.iter().flat_map(|step| &step.absences).map(|absence| (absence, 0));
        let of_links = self
            .chain
            .links
            .iter()
            .flat_map(|link| link.absences.iter().map(|absence| (absence, in_micros(link.gap.seconds))));
        let (mut absences, mut roles) = (Vec::new(), Vec::new());
        for (number, (absence, gap)) in of_steps.chain(of_links).enumerate() {
            let ir::Absence { name, selections, when, keys, span: _ } = absence;
            let window = match when {
                When::Before(window) | When::After(window) => in_micros(window.seconds),
                When::Between => gap,
            };
            absences.push(Absence { when: *when, window });
            let name = name.as_ref().map_or("first", |name| &name.node);
            let compiled = self.selections(name, selections.iter())?;
            for (selection, compiled) in selections.iter().zip(compiled) {
                let key = places(selection, &compiled, keys.iter().map(|key| (&key.right, key.case)))?;
                roles.push(Role { selection: compiled, part: Part::Absence { absence: number, key } });
            }
        }
        Ok((absences, roles))
    }

    fn link_clauses(&self) -> Vec<LinkClauses> {
        let mut number = self.first_absence_of(self.chain.steps.len());
        let of_link = |link: &ir::Link| {
            let ir::Link { gap: _, keys: _, comparisons, absences, span: _ } = link;
            // As `side` puts them: first what is compared, then what absences share.
            let mut next = (comparisons.len(), comparisons.len());
            let between = absences.iter().map(|absence| {
                let part = |key: &ir::AbsenceKey| {
                    let next = match key.of {
                        Neighbour::Earlier => &mut next.0,
                        Neighbour::Later => &mut next.1,
                    };
                    *next += 1;
                    (key.of, *next - 1)
                };
                number += 1;
                Between { absence: number - 1, parts: absence.keys.iter().map(part).collect() }
            });
            let comparisons = comparisons.iter().map(|comparison| comparison.op).collect();
            LinkClauses { comparisons, absences: between.collect() }
        };
        self.chain.links.iter().map(of_link).collect()
    }

    fn shown(
        &self,
        StepField { step, field }: &StepField,
        alternatives: &[Vec<Arc<Step>>],
    ) -> Result<Shown, CompileError> {
        let missing = || CompileError(format!("the chain has no step {step}"));
        let (written, compiled) =
            self.chain.steps.get(*step).zip(alternatives.get(*step)).ok_or_else(missing)?;
        let of = match field.name.as_str() {
            ir::COUNT if written.repetition.is_some() => ShownValue::Count,
            ir::FIRST_TIME if written.repetition.is_some() => ShownValue::FirstTime,
            name => ShownValue::Field(
                written
                    .selections()
                    .zip(compiled)
                    .map(|(selection, step)| (Arc::clone(step), step.schema.place(selection.field(name))))
                    .collect(),
            ),
        };
        match &of {
            ShownValue::Field(places) if places.iter().all(|(_, place)| place.is_none()) => {
                Err(CompileError(format!("step {step} has no field `{}`", field.name)))
            }
            ShownValue::Field(_) | ShownValue::Count | ShownValue::FirstTime => Ok(Shown { step: *step, of }),
        }
    }
}

/// What the comparisons and absences of a link read of one side, in order.
fn side(
    ir::Link { gap: _, keys: _, comparisons, absences, span: _ }: &ir::Link,
    of: Neighbour,
) -> Vec<(&Field, Case)> {
    let compared = comparisons.iter().map(|comparison| match of {
        Neighbour::Earlier => (&comparison.left, Case::Sensitive),
        Neighbour::Later => (&comparison.right, Case::Sensitive),
    });
    let shared = absences.iter().flat_map(|absence| &absence.keys).filter(|key| key.of == of);
    compared.chain(shared.map(|key| (&key.left, key.case))).collect()
}

fn cased(GroupField { field, case }: &GroupField) -> (&Field, Case) {
    (field, *case)
}

/// The places of fields, by the names of the rule, in records of a selection.
fn places<'f>(
    selection: &Selection,
    compiled: &Step,
    fields: impl IntoIterator<Item = (&'f Field, Case)>,
) -> Result<Fields, CompileError> {
    let place = |(field, case): (&Field, Case)| {
        let own = Field { name: selection.field(&field.name).to_owned(), ..field.clone() };
        Ok((place(&own, &compiled.schema)?, case))
    };
    fields.into_iter().map(place).collect()
}

fn compile_link(
    ir::Link { gap, keys, comparisons: _, absences: _, span: _ }: &ir::Link,
    sides: &[Arc<Step>],
) -> Result<Link, CompileError> {
    let [left, right] = sides else { return Err(CompileError("a link has two sides".to_owned())) };
    Ok(Link {
        gap: in_micros(gap.seconds),
        left: keys.iter().map(|key| place(&key.left, &left.schema)).collect::<Result<_, _>>()?,
        right: keys.iter().map(|key| place(&key.right, &right.schema)).collect::<Result<_, _>>()?,
        any: keys.iter().any(|key| key.any.of_one()),
    })
}

fn repetition(
    ir::Repetition { least, distinct, window, by: _, by_is_explicit: _, span: _ }: &ir::Repetition,
) -> Repetition {
    Repetition {
        least: usize::try_from(*least).unwrap_or(usize::MAX).max(1),
        distinct: distinct.is_some(),
        window: in_micros(window.seconds),
    }
}
