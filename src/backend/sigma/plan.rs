//! How a chain becomes base rules and correlations.
//!
//! In: a bound rule. Out: a [`Plan`]: one base rule for each step and the correlations over them, the last of which
//! alerts. Must not know: YAML, titles, identifiers.

use super::Sigma;
use super::column::Column;
use super::detection::{Detection, detection};
use super::keys::{self, Path};
use super::literal::FieldName;
use super::predicate;
use crate::backend::bind::{Bound, BoundStep};
use crate::backend::truth::Truth;
use crate::backend::{Effect, Report, shape};
use crate::ir::{Chain, Field, Link, Pred, Type};

/// What is to be written.
#[derive(Debug)]
pub(super) struct Plan {
    /// The detection of each step's base rule, in order.
    pub(super) detections: Vec<Detection>,
    /// Inner ones first; empty for a rule of one step.
    pub(super) correlations: Vec<Correlation>,
}

/// A `temporal_ordered` correlation.
#[derive(Debug)]
pub(super) struct Correlation {
    /// The base rules and earlier correlations that it joins, in order.
    pub(super) rules: Vec<Steps>,
    /// Its keys: the name of each, and the steps whose base rules have it, with their fields. An inner correlation
    /// gives its own keys on under their names.
    pub(super) group_by: Vec<(String, Vec<(usize, FieldName)>)>,
    /// From the first to the last of its rules.
    pub(super) seconds: u64,
    /// All that it covers.
    pub(super) covers: Steps,
}

/// The first and the last step that a base rule or a correlation covers.
pub(super) type Steps = (usize, usize);

/// Plans a bound rule. `chain` is the rule's own. `None` if there was an error, which has been reported.
pub(super) fn plan(bound: &Bound<'_, Sigma>, chain: &Chain, report: &mut Report) -> Option<Plan> {
    let steps = bound.steps.iter().zip(&chain.steps);
    let detections = steps.map(|(step, rule)| base(step, &rule.filter, report)).collect();
    let correlations = Joins { bound, chain, report }.correlations();
    report.errors.is_empty().then_some(Plan { detections, correlations })
}

/// The records of a step that have its keys: engines join missing values, too.
fn base(step: &BoundStep<'_, Sigma>, filter: &Pred, report: &mut Report) -> Detection {
    let (mut present, mut missing) = (vec![predicate::condition(step, report)], Vec::new());
    for key in &step.keys {
        let Some(column) = predicate::only(key, report) else { continue };
        // No filter can say that an address or a boolean is missing: there, any other text counts as that.
        if matches!(key.ty, Type::Ip | Type::Bool) {
            present.push(column.present());
        } else if filter.required_texts(key.name).is_none() {
            // A key of which the filter demands a text is present anyway.
            missing.push(column.missing());
        }
    }
    detection(Truth::all(present), &Truth::any(missing), any_field(step))
}

fn any_field(step: &BoundStep<'_, Sigma>) -> FieldName {
    let mut variants = step.schema.fields.values().flat_map(|field| &field.variants);
    let name = variants.find_map(|variant| match &variant.column {
        Ok(Column::Field(name, _)) => Some(name.clone()),
        Ok(Column::Cases(_)) | Err(_) => None,
    });
    name.unwrap_or_else(FieldName::any)
}

struct Joins<'r, 'a> {
    bound: &'r Bound<'a, Sigma>,
    chain: &'r Chain,
    report: &'r mut Report,
}

impl Joins<'_, '_> {
    fn correlations(&mut self) -> Vec<Correlation> {
        if self.chain.links.is_empty() {
            Vec::new()
        } else if !shape::key_changes(self.chain).is_empty() {
            self.pairs_in_scope()
        } else if shape::binding_gaps(self.chain).is_empty() {
            self.all_at_once()
        } else {
            self.nested()
        }
    }

    /// One key, one window: exact.
    fn all_at_once(&mut self) -> Vec<Correlation> {
        let links = &self.chain.links;
        let rules = (0..=links.len()).map(|step| (step, step)).collect();
        // With three steps or more no gap is shorter than the total here, or it would bind; of two steps it may be.
        vec![self.join(rules, &keys::paths(links), shape::longest(self.chain))]
    }

    /// One key, a window for each link: each correlation joins the one before it to one more step. The time of a
    /// correlation is that of its last event, so the windows are those of the links, but not the total.
    fn nested(&mut self) -> Vec<Correlation> {
        self.note_total("the total window is dropped: every correlation has the window of one link");
        let Chain { links, total, .. } = self.chain;
        let paths = keys::paths(links);
        let join = |(index, link): (usize, &Link)| {
            let rules = vec![(0, index), (index + 1, index + 1)];
            self.join(rules, &paths, link.gap.seconds.min(total.seconds))
        };
        links.iter().enumerate().map(join).collect()
    }

    /// A key that changes: every link is one exact pair, and the scope joins the pairs. The time of a pair is that of
    /// its later event, so the first pair is at the second step.
    fn pairs_in_scope(&mut self) -> Vec<Correlation> {
        let Chain { links, total, .. } = self.chain;
        let join = |(index, link): (usize, &Link)| {
            let rules = vec![(index, index), (index + 1, index + 1)];
            self.join(rules, &keys::pairs(index, link), link.gap.seconds.min(total.seconds))
        };
        // Pairs, because a key that changes through nesting has no defined meaning: it never fires in rsigma, and loses
        // chains in pySigma's SQLite backend, which keeps the earliest event of each step as evidence.
        let mut correlations: Vec<_> = links.iter().enumerate().map(join).collect();
        self.note_total(
            "the total window is counted from the second step: pairs of steps carry the time of their later step",
        );
        let rules = correlations.iter().map(|pair| pair.covers).collect();
        // Enough, for the first pair is at the second step; and where it is shorter than the total, fewer pairs meet by
        // chance.
        let later = links.iter().skip(1).fold(0, |sum: u64, link| sum.saturating_add(link.gap.seconds));
        correlations.push(self.join(rules, &keys::scope(links), later.min(total.seconds)));
        correlations
    }

    fn note_total(&mut self, message: &str) {
        if shape::total_binds(self.chain) {
            self.report.note(Effect::Superset, self.chain.total.span, message);
        }
    }

    fn join(&mut self, rules: Vec<Steps>, keys: &[Path<'_>], seconds: u64) -> Correlation {
        let group_by = keys.iter().zip(keys::names(keys)).map(|(key, name)| {
            // The specification defines aliases for fields of base rules only. An inner correlation hands on its own
            // keys under their names, and nothing else (rsigma 0.23).
            let own = key.fields.iter().filter(|(step, _)| rules.contains(&(*step, *step)));
            (name, own.filter_map(|(step, field)| Some((*step, self.field(*step, field)?))).collect())
        });
        let group_by = group_by.collect();
        if seconds == 0 {
            // Readers refuse a timespan of zero seconds.
            let message = "a correlation has a window of at least one second";
            self.report.note(Effect::Superset, self.chain.total.span, message);
        }
        let covers =
            (rules.first().map_or(0, |(first, _)| *first), rules.last().map_or(0, |(_, last)| *last));
        Correlation { rules, group_by, seconds: seconds.max(1), covers }
    }

    fn field(&mut self, step: usize, field: &Field) -> Option<FieldName> {
        if field.ty == Type::Ip {
            self.report.note(Effect::Engine, field.span, NOTATION);
        }
        let key = self.bound.steps.get(step)?.keys.iter().find(|key| key.name == field.name)?;
        Some(predicate::only(key, self.report)?.name.clone())
    }
}

const NOTATION: &str =
    "the engine decides whether two notations of one IPv6 address are one value of `group-by`";
