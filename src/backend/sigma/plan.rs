//! How a chain becomes base rules and correlations.
//!
//! In: a bound rule. Out: a [`Plan`]: one base rule for each step and the correlations over them, the last of which
//! alerts. A step that repeats is a correlation of its own, which the others take in its place. Must not know: YAML,
//! titles, identifiers.

use std::collections::BTreeSet;

use super::column::Column;
use super::detection::{Detection, detection};
use super::keys::{self, Name, Path};
use super::limits::Limits;
use super::literal::FieldName;
use super::predicate;
use super::{FOLDED, Sigma};
use crate::backend::bind::{Bound, BoundField, BoundSelection, BoundStep};
use crate::backend::print::phrase;
use crate::backend::schema::Dialect as _;
use crate::backend::truth::Truth;
use crate::backend::{Cased, Effect, Job, Report, shape};
use crate::diag::{Code, Diagnostic};
use crate::ir::{Case, Chain, Field, GroupField, Link, Repetition, Selection, Step, Type};
use crate::source::Span;

/// What is to be written.
#[derive(Debug)]
pub(super) struct Plan {
    /// The detection of each step's base rule, in order.
    pub(super) detections: Vec<Detection>,
    /// Inner ones first; empty for a rule of one step.
    pub(super) correlations: Vec<Correlation>,
}

/// What a correlation asks of its rules.
#[derive(Debug)]
pub(super) enum Kind {
    /// All of them, in order.
    Ordered,
    /// All of them, in any order.
    Together,
    /// So many events.
    Events(u32),
    /// So many different values of a field.
    Values(u32, FieldName),
}

impl Kind {
    /// As Sigma calls it.
    pub(super) fn word(&self) -> &'static str {
        match self {
            Self::Ordered => "temporal_ordered",
            Self::Together => "temporal",
            Self::Events(_) => "event_count",
            Self::Values(..) => "value_count",
        }
    }
}

/// A correlation.
#[derive(Debug)]
pub(super) struct Correlation {
    pub(super) kind: Kind,
    /// The base rules and earlier correlations that it joins, in order.
    pub(super) rules: Vec<Steps>,
    /// Its keys: the name of each, and where that is an alias the steps whose base rules have it, with their fields. An
    /// inner correlation gives its own keys on under their names.
    pub(super) group_by: Vec<(String, Vec<(usize, FieldName)>)>,
    /// From the first to the last of its rules.
    pub(super) seconds: u64,
    /// All that it covers.
    pub(super) covers: Steps,
}

impl Correlation {
    /// Whether it counts one step.
    pub(super) fn is_burst(&self) -> bool {
        match self.kind {
            Kind::Events(_) | Kind::Values(..) => true,
            Kind::Ordered | Kind::Together => false,
        }
    }
}

/// The first and the last step that a base rule or a correlation covers.
pub(super) type Steps = (usize, usize);

/// Plans a bound rule. `None` if there was an error, which has been reported.
pub(super) fn plan(bound: &Bound<'_, Sigma>, job: &Job<'_>, report: &mut Report) -> Option<Plan> {
    let chain = &job.rule.chain;
    let steps = bound.steps.iter().zip(&chain.steps);
    let is_alone = chain.steps.len() == 1;
    let base = |(step, rule)| base(step, rule, is_alone, job.options.cased, report);
    let detections = steps.map(base).collect();
    note_left_out(bound, report);
    let correlations = Joins { bound, chain, report }.correlations();
    report.errors.is_empty().then_some(Plan { detections, correlations })
}

/// A correlation knows no event that must not be there, but with conditions that no engine runs yet.
fn note_left_out(bound: &Bound<'_, Sigma>, report: &mut Report) {
    let of_steps = bound.steps.iter().flat_map(|step| &step.absences);
    let of_links = bound.links.iter().flat_map(|link| &link.absences);
    for absence in of_steps.chain(of_links) {
        // Of the first of its kind the gate has said so.
        if report.notes.iter().all(|note| note.span != absence.span) {
            let clause = absence.clause();
            let message =
                phrase!("{clause} is left out, because a correlation cannot say what must not be there");
            report.note(Effect::Superset, absence.span, message);
        }
    }
}

/// A field that a clause of the step reads.
fn read<'b, 'a>(
    selection: &'b BoundSelection<'a, Sigma>,
    field: &Field,
) -> Option<&'b BoundField<'a, Column>> {
    selection.reads.iter().chain(&selection.keys).find(|read| read.name == field.name)
}

/// The records of a step that have its keys: engines join missing values, too.
fn base(
    step: &BoundStep<'_, Sigma>,
    stated: &Step,
    is_alone: bool,
    cased: Cased,
    report: &mut Report,
) -> Detection {
    let mut alternatives = Vec::new();
    let mut missing = Vec::new();
    for (selection, Selection { filter, .. }) in step.selections().zip(stated.selections()) {
        check_alternative(step, selection, report);
        let mut present = vec![predicate::condition(selection, report)];
        // Of a step alone that counts values, a record without one adds nothing; in a chain it may be the one that the
        // next step follows.
        let counted = stated.repetition.as_ref().and_then(|repetition| repetition.distinct.as_ref());
        let counted = counted.filter(|_| is_alone).and_then(|counted| read(selection, &counted.field));
        for key in selection.keys.iter().chain(counted) {
            let Some(column) = predicate::only(key, report) else { continue };
            // No filter can say that an address or a boolean is missing: there, any other text counts as that.
            if matches!(key.ty, Type::Ip | Type::Bool) {
                present.push(column.present());
            } else if filter.required_texts(key.name).is_none() {
                // A key of which the filter demands a text is present anyway.
                missing.push(column.missing());
            }
        }
        alternatives.push(Truth::all(present));
    }
    let mut limits = Limits { cased, span: step.name.span, report };
    let present = limits.keep(Truth::any(alternatives), false);
    let missing = limits.keep(Truth::any(missing), true);
    detection(present, &missing, any_field(step))
}

/// A base rule has one log source, and its fields one name.
fn check_alternative(step: &BoundStep<'_, Sigma>, other: &BoundSelection<'_, Sigma>, report: &mut Report) {
    let main = &step.main;
    let mut refuse = |reason: String| {
        let title = format!("{} cannot express these alternatives of `{}`", Sigma::TITLE, step.name.node);
        let help = "write a rule for each alternative";
        report.error(Diagnostic::new(Code::NotExpressible, other.span, title).label(reason).help(help));
    };
    if main.schema.mapping.words != other.schema.mapping.words {
        refuse("a base rule reads one log source".to_owned());
        return;
    }
    let mut scratch = Report::default();
    for (one, two) in main.keys.iter().zip(&other.keys) {
        let names = predicate::only(one, &mut scratch).zip(predicate::only(two, &mut scratch));
        if let Some((one_name, two_name)) = names.filter(|(one, two)| one.name != two.name) {
            let (one_name, two_name) = (one_name.name.text(), two_name.name.text());
            let field = one.name;
            refuse(phrase!("`{field}` is {one_name} in one alternative and {two_name} in another"));
        }
    }
}

fn any_field(step: &BoundStep<'_, Sigma>) -> FieldName {
    let mut variants = step.main.schema.fields.values().flat_map(|field| &field.variants);
    let name = variants.find_map(|variant| match &variant.column {
        Ok(Column::Field(name, _)) => Some(name.clone()),
        Ok(Column::Cases(_)) | Err(_) => None,
    });
    name.unwrap_or_else(FieldName::any)
}

const COUNTED_TWICE: &str =
    "values that differ in letter case alone count as several in some engines (rsigma)";
const COUNTED_ONCE: &str = "values that differ in letter case alone count once in some engines";

struct Joins<'r, 'a> {
    bound: &'r Bound<'a, Sigma>,
    chain: &'r Chain,
    report: &'r mut Report,
}

impl Joins<'_, '_> {
    fn correlations(&mut self) -> Vec<Correlation> {
        let mut all = self.bursts();
        let links = self.links();
        all.extend(links);
        all
    }

    /// A correlation for each step that repeats.
    fn bursts(&mut self) -> Vec<Correlation> {
        let steps = self.chain.steps.iter().enumerate();
        steps.filter_map(|(at, step)| self.burst(at, step.repetition.as_ref()?)).collect()
    }

    fn burst(&mut self, at: usize, repetition: &Repetition) -> Option<Correlation> {
        let Repetition { least, distinct, window, by, by_is_explicit: _, span } = repetition;
        if !self.hands_on(at, by) {
            let message = "`at least` is left out: a correlation that others take in must count by their very keys, under one name in all rules";
            self.report.note(Effect::Superset, *span, message);
            return None;
        }
        let kind = match distinct {
            None => Kind::Events(*least),
            Some(GroupField { field, case }) => {
                let (effect, letters) = match case {
                    Case::Ignore => (Effect::Superset, COUNTED_TWICE),
                    Case::Sensitive => (Effect::Conditional, COUNTED_ONCE),
                };
                if field.ty == Type::String {
                    self.report.note(effect, field.span, letters);
                }
                if self.chain.steps.len() > 1 {
                    self.report.note(Effect::Superset, field.span, "a text that is no value counts as one");
                }
                let counted = read(&self.bound.steps.get(at)?.main, field)?;
                Kind::Values(*least, predicate::only(counted, self.report)?.name.clone())
            }
        };
        if at > 0 {
            let message = "the events that are counted may come before the step before";
            self.report.note(Effect::Superset, *span, message);
        }
        self.note_folded(by, *span);
        let paths = keys::counted(by, at);
        // Of a step alone the total is the time that it may take to repeat.
        let alone = self.chain.steps.len() == 1;
        let seconds = if alone { window.seconds.min(self.chain.total.seconds) } else { window.seconds };
        Some(Correlation { kind, ..self.join(vec![(at, at)], &paths, seconds) })
    }

    fn note_folded(&mut self, keys: &[GroupField], span: Span) {
        if keys.iter().any(GroupField::folds) {
            self.report.note(Effect::Conditional, span, FOLDED);
        }
    }

    /// Whether the correlation of a step that counts by these keys can stand for it in others: a key that changes
    /// through nesting has no defined meaning, and aliases exist for fields of base rules alone.
    fn hands_on(&mut self, at: usize, by: &[GroupField]) -> bool {
        let counted: BTreeSet<_> = by.iter().map(|by| by.field.name.as_str()).collect();
        let before = at.checked_sub(1).and_then(|before| self.chain.links.get(before));
        let before = before.map(|link| link.keys.iter().map(|key| key.right.name.as_str()).collect());
        let after = self.chain.links.get(at);
        let after = after.map(|link| link.keys.iter().map(|key| key.left.name.as_str()).collect());
        let together = self.chain.together.as_ref();
        let together = together.map(|all| all.fields().map(|key| key.name.as_str()).collect());
        let mut joined = before.into_iter().chain(after).chain(together);
        if !joined.all(|keys: BTreeSet<_>| keys == counted) {
            return false;
        }
        let chain = self.chain;
        let paths = match &chain.together {
            Some(all) => keys::together(&all.keys, chain.steps.len()),
            None => keys::paths(&chain.links),
        };
        paths
            .iter()
            .all(|path| path.fields.iter().all(|(step, _)| *step != at) || self.common(path).is_some())
    }

    fn links(&mut self) -> Vec<Correlation> {
        if let Some(together) = &self.chain.together {
            self.note_folded(&together.keys, together.span);
            let rules = (0..self.chain.steps.len()).map(|step| (step, step)).collect();
            let paths = keys::together(&together.keys, self.chain.steps.len());
            let kind = Kind::Together;
            vec![Correlation { kind, ..self.join(rules, &paths, self.chain.total.seconds) }]
        } else if self.chain.links.is_empty() {
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
        // A burst has the time of its last event, so the window begins there.
        let gaps = links.iter().fold(0_u64, |sum, link| sum.saturating_add(link.gap.seconds));
        if self.chain.steps.iter().any(|step| step.repetition.is_some()) {
            self.note_total("the total window is counted from the end of a burst with which it begins");
        }
        vec![self.join(rules, &keys::paths(links), gaps.min(self.chain.total.seconds))]
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
        let names = keys::names(keys, |key| self.common(key));
        let group_by = names.into_iter().map(|(key, name)| {
            // The specification defines aliases for fields of base rules only. An inner correlation hands on its own
            // keys under their names, and nothing else (rsigma 0.23).
            let own = key.fields.iter().filter(|(step, _)| rules.contains(&(*step, *step)));
            let own = own.filter_map(|(step, field)| Some((*step, self.field(*step, field)?))).collect();
            match name {
                Name::Field(name) => (name, Vec::new()),
                Name::Alias(name) => (name, own),
            }
        });
        let group_by = group_by.collect();
        if seconds == 0 {
            // Readers refuse a timespan of zero seconds.
            let message = "a correlation has a window of at least one second";
            self.report.note(Effect::Superset, self.chain.total.span, message);
        }
        let covers =
            (rules.first().map_or(0, |(first, _)| *first), rules.last().map_or(0, |(_, last)| *last));
        Correlation { kind: Kind::Ordered, rules, group_by, seconds: seconds.max(1), covers }
    }

    /// The field behind a key, if it has one name in all base rules: the key then needs no alias, which few converters
    /// know.
    fn common(&mut self, key: &Path<'_>) -> Option<FieldName> {
        let Self { bound, report, .. } = self;
        let mut name_in = |step: &BoundStep<'_, Sigma>, field: &str| {
            let key = step.main.keys.iter().find(|key| key.name == field)?;
            Some(predicate::only(key, report)?.name.clone())
        };
        let names: Vec<_> = match key.fields.as_slice() {
            // Every correlation has to call the scope the same.
            [(_, field), ..] if key.from_scope => {
                bound.steps.iter().map(|step| name_in(step, &field.name)).collect()
            }
            fields => {
                fields.iter().map(|(step, field)| name_in(bound.steps.get(*step)?, &field.name)).collect()
            }
        };
        let first = names.first().cloned()??;
        names.iter().all(|name| name.as_ref() == Some(&first)).then_some(first)
    }

    fn field(&mut self, step: usize, field: &Field) -> Option<FieldName> {
        let source = self.bound.steps.get(step)?.main.source;
        if source.field(&field.name).is_some_and(|def| def.in_group.is_some()) {
            let message = format!("`{}` is a key {KEY_OF_ITEMS}", field.name);
            self.report.note(Effect::Conditional, field.span, message);
        }
        if field.ty == Type::Ip {
            self.report.note(Effect::Engine, field.span, NOTATION);
        }
        let key = self.bound.steps.get(step)?.main.keys.iter().find(|key| key.name == field.name)?;
        Some(predicate::only(key, self.report)?.name.clone())
    }
}

const KEY_OF_ITEMS: &str = "that is there for each of several items in one event: engines that take no key from an array (rsigma) miss the event, others (pySigma's SQLite backend) find its first item alone, or nothing";

const NOTATION: &str =
    "the engine decides whether two notations of one IPv6 address are one value of `group-by`";
