//! How a chain becomes base rules and correlations.
//!
//! In: a rule. Out: a [`Plan`]: one base rule for each step and the correlations over them, the last of which alerts.
//! Must not know: YAML, titles, identifiers.

use std::collections::BTreeSet;

use crate::backend::{Effect, Job, Report, Target, columns, shape};
use crate::ir::{Chain, Field, Key, Link, Type};

use super::Sigma;
use super::cond::Cond;
use super::detection::{Detection, detection};
use super::literal::FieldName;
use super::lower::{Context, Lowering, word};

/// What is to be written.
#[derive(Debug)]
pub(super) struct Plan {
    /// One for each step, in order.
    pub(super) bases: Vec<Base>,
    /// Inner ones first; empty for a rule of one step.
    pub(super) correlations: Vec<Correlation>,
}

/// A base rule.
#[derive(Debug)]
pub(super) struct Base {
    /// Which events it matches.
    pub(super) detection: Detection,
    /// Log versions and settings that its fields need.
    pub(super) requires: Vec<String>,
}

/// A `temporal_ordered` correlation.
#[derive(Debug)]
pub(super) struct Correlation {
    /// What it joins, in order.
    pub(super) rules: Vec<Operand>,
    /// Its keys.
    pub(super) group_by: Vec<Alias>,
    /// From the first to the last of its rules.
    pub(super) seconds: u64,
    /// First and last step that it covers.
    pub(super) covers: (usize, usize),
}

/// What a correlation joins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Operand {
    /// The base rule of a step.
    Step(usize),
    /// An earlier correlation of the plan.
    Correlation(usize),
}

/// A key of a correlation. An inner correlation gives its own keys on under their names.
#[derive(Debug, Clone)]
pub(super) struct Alias {
    /// Its name.
    pub(super) name: String,
    /// Where base rules have it: step and field.
    pub(super) fields: Vec<(usize, FieldName)>,
}

/// Plans a rule. `None` if there was an error, which has been reported.
pub(super) fn plan(job: &Job<'_>, report: &mut Report) -> Option<Plan> {
    let steps = 0..job.rule.chain.steps.len();
    let bases: Vec<_> = steps.filter_map(|step| base(job, step, report)).collect();
    let correlations = Joins { job, report }.correlations();
    report.errors.is_empty().then_some(Plan { bases, correlations })
}

fn base(job: &Job<'_>, index: usize, report: &mut Report) -> Option<Base> {
    let chain = &job.rule.chain;
    let step = chain.steps.get(index)?;
    let mut own = Report::default();
    let mut lowering = Lowering { job, step, report: &mut own };
    let cond = lowering.step();
    let (mut missing, mut present) = (Vec::new(), vec![cond]);
    for key in keys_at(chain, index) {
        let Some(column) = lowering.column(key, &Context::of(step)) else { continue };
        if key.ty == Type::Ip {
            present.push(column.present());
        } else if step.filter.required_texts(&key.name).is_none() {
            missing.push(column.missing());
        }
    }
    let any_field = columns::source(job, step)
        .into_iter()
        .flat_map(|source| source.fields.values())
        .filter_map(|field| field.columns.get(Sigma.name()))
        .flat_map(crate::catalog::Column::variants)
        .find_map(|variant| FieldName::new(variant.field.as_deref()?))?;
    let detection = detection(Cond::all(present), &Cond::any(missing), &any_field);
    let requires = own.requires.clone();
    report.absorb(own);
    Some(Base { detection, requires })
}

/// The fields by which a step is joined to its neighbours, each once.
fn keys_at(chain: &Chain, index: usize) -> Vec<&Field> {
    let earlier = index.checked_sub(1).and_then(|before| chain.links.get(before));
    let fields = earlier.into_iter().flat_map(|link| link.keys.iter().map(|key| &key.right));
    let fields = fields
        .chain(chain.links.get(index).into_iter().flat_map(|link| link.keys.iter().map(|key| &key.left)));
    let mut seen = BTreeSet::new();
    fields.filter(|field| seen.insert(field.name.as_str())).collect()
}

struct Joins<'a, 'r> {
    job: &'a Job<'a>,
    report: &'r mut Report,
}

impl Joins<'_, '_> {
    fn correlations(&mut self) -> Vec<Correlation> {
        let chain = &self.job.rule.chain;
        if chain.links.is_empty() {
            Vec::new()
        } else if !shape::key_changes(chain).is_empty() {
            self.pairs_in_scope()
        } else if shape::binding_gaps(chain).is_empty() {
            self.all_at_once()
        } else {
            self.nested()
        }
    }

    /// One key, one window: exact.
    fn all_at_once(&mut self) -> Vec<Correlation> {
        let chain = &self.job.rule.chain;
        let last = chain.links.len();
        let steps: Vec<_> = (0..=last).collect();
        let group_by = self.aliases(&paths(&chain.links), &steps);
        let seconds = self.window(shape::longest(chain));
        vec![Correlation {
            rules: steps.into_iter().map(Operand::Step).collect(),
            group_by,
            seconds,
            covers: (0, last),
        }]
    }

    /// One key, a window for each link: each correlation joins the one before it to one more step. The time of a
    /// correlation is that of its last event, so the windows are those of the links, but not the total.
    fn nested(&mut self) -> Vec<Correlation> {
        let chain = &self.job.rule.chain;
        let paths = paths(&chain.links);
        if shape::total_binds(chain) {
            let message = "the total window is dropped: every correlation has the window of one link";
            self.report.note(Effect::Superset, chain.total.span, message);
        }
        let join = |(index, link): (usize, &Link)| {
            let first = index.checked_sub(1).map_or(Operand::Step(0), Operand::Correlation);
            let steps = if index == 0 { vec![0, 1] } else { vec![index + 1] };
            let group_by = self.aliases(&paths, &steps);
            let seconds = self.window(link.gap.seconds.min(chain.total.seconds));
            Correlation {
                rules: vec![first, Operand::Step(index + 1)],
                group_by,
                seconds,
                covers: (0, index + 1),
            }
        };
        chain.links.iter().enumerate().map(join).collect()
    }

    /// A key that changes: every link is one exact pair, and the scope joins the pairs. The time of a pair is that of
    /// its later event, so the first pair is at the second step.
    fn pairs_in_scope(&mut self) -> Vec<Correlation> {
        let chain = &self.job.rule.chain;
        let total = chain.total.seconds;
        let mut correlations: Vec<_> = Vec::with_capacity(chain.links.len() + 1);
        for (index, link) in chain.links.iter().enumerate() {
            let paths = distinct(link.keys.iter().map(|key| Path::one(index, key)));
            correlations.push(Correlation {
                rules: vec![Operand::Step(index), Operand::Step(index + 1)],
                group_by: self.aliases(&paths, &[index, index + 1]),
                seconds: self.window(link.gap.seconds.min(total)),
                covers: (index, index + 1),
            });
        }
        if shape::total_binds(chain) {
            let message = "the total window is counted from the second step: pairs of steps carry the time of their later step";
            self.report.note(Effect::Superset, chain.total.span, message);
        }
        let later = chain.links.iter().skip(1).fold(0, |sum: u64, link| sum.saturating_add(link.gap.seconds));
        let first = chain.links.iter().take(1).flat_map(|link| &link.keys);
        let scope = distinct(first.filter(|key| key.from_scope).map(|key| Path::one(0, key)));
        correlations.push(Correlation {
            rules: (0..chain.links.len()).map(Operand::Correlation).collect(),
            group_by: self.aliases(&scope, &[]),
            seconds: self.window(later.min(total)),
            covers: (0, chain.links.len()),
        });
        correlations
    }

    /// A timespan: readers refuse one of zero seconds.
    fn window(&mut self, seconds: u64) -> u64 {
        if seconds == 0 {
            let message = "a correlation has a window of at least one second";
            self.report.note(Effect::Superset, self.job.rule.chain.total.span, message);
        }
        seconds.max(1)
    }

    /// The keys with their fields in some of the steps.
    fn aliases(&mut self, paths: &[Path<'_>], steps: &[usize]) -> Vec<Alias> {
        paths.iter().zip(names(paths)).map(|(path, name)| self.alias(path, name, steps)).collect()
    }

    fn alias(&mut self, path: &Path<'_>, name: String, steps: &[usize]) -> Alias {
        let mut fields = Vec::new();
        for (index, field) in path.fields.iter().filter(|(index, _)| steps.contains(index)) {
            let Some(step) = self.job.rule.chain.steps.get(*index) else { continue };
            let mut lowering = Lowering { job: self.job, step, report: self.report };
            if let Some(column) = lowering.column(field, &Context::of(step)) {
                fields.push((*index, column.field));
            }
            if field.ty == Type::Ip {
                self.report.note(Effect::Engine, field.span, NOTATION);
            }
        }
        Alias { name, fields }
    }
}

const NOTATION: &str =
    "the engine decides whether two notations of one IPv6 address are one value of `group-by`";

/// One key along the chain: its field in each step.
#[derive(Debug, Clone, PartialEq)]
struct Path<'a> {
    fields: Vec<(usize, &'a Field)>,
    from_scope: bool,
}

impl<'a> Path<'a> {
    fn one(index: usize, key: &'a Key) -> Self {
        Self { fields: vec![(index, &key.left), (index + 1, &key.right)], from_scope: key.from_scope }
    }

    fn starts_with(&self, name: &str) -> bool {
        self.fields.first().is_some_and(|(_, field)| field.name == name)
    }

    fn is_named_like(&self, other: &Self) -> bool {
        self.fields.len() == other.fields.len()
            && self.fields.iter().zip(&other.fields).all(|((_, one), (_, other))| one.name == other.name)
    }
}

/// The keys of links that all join by the same key: for every key of every link one path from the first to the last
/// step that goes through it.
fn paths(links: &[Link]) -> Vec<Path<'_>> {
    let numbered = links.iter().enumerate();
    distinct(numbered.flat_map(|(index, link)| link.keys.iter().map(move |key| through(links, index, key))))
}

fn distinct<'a>(paths: impl Iterator<Item = Path<'a>>) -> Vec<Path<'a>> {
    let mut found: Vec<Path<'_>> = Vec::new();
    for path in paths {
        if !found.iter().any(|known| known.is_named_like(&path)) {
            found.push(path);
        }
    }
    found
}

fn through<'a>(links: &'a [Link], index: usize, key: &'a Key) -> Path<'a> {
    let mut path = Path::one(index, key);
    for (earlier, link) in links.iter().enumerate().take(index).rev() {
        if let Some(key) = link.keys.iter().find(|key| path.starts_with(&key.right.name)) {
            path.fields.insert(0, (earlier, &key.left));
        }
    }
    for (later, link) in links.iter().enumerate().skip(index + 1) {
        let end = path.fields.last().map(|(_, field)| field.name.as_str());
        if let Some(key) = link.keys.iter().find(|key| Some(key.left.name.as_str()) == end) {
            path.fields.push((later + 1, &key.right));
        }
    }
    path
}

/// A name for each path: its first field's, with a number where two would be equal. The scope is named first, so that
/// its names are the same in every correlation of a chain.
fn names(paths: &[Path<'_>]) -> Vec<String> {
    let mut names = vec![String::new(); paths.len()];
    let scope_first = paths.iter().zip(&mut names);
    let (scope, others): (Vec<_>, Vec<_>) = scope_first.partition(|(path, _)| path.from_scope);
    let mut taken = BTreeSet::new();
    for (path, name) in scope.into_iter().chain(others) {
        let base = path.fields.first().map(|(_, field)| word(&field.name)).unwrap_or_default();
        let mut unique = base.clone();
        let mut number = 2;
        while !taken.insert(unique.clone()) {
            unique = format!("{base}_{number}");
            number += 1;
        }
        *name = unique;
    }
    names
}
