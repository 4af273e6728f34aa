//! Why a record does not satisfy a step, and where a chain breaks.
//!
//! In: a rule, its compiled form, a handful of records. Out: reasons, as data.
//! Must not know: output formats. It compares every pair of records, so it is for tests and single alerts, not for
//! logs.

use super::list::excusing;
use super::predicate::{Predicate, Values};
use super::program::{Link, Program};
use super::record::Record;
use super::words;
use crate::ir::{Entry, FieldTest, Pred, Rule, Selection, Step, TestKind};
use crate::source::Span;

/// A part of a step's condition that decides against a record.
#[derive(Debug, Clone, PartialEq)]
pub struct Failing {
    /// What would have to hold, in the notation of the language.
    pub wanted: String,
    /// Name of the field.
    pub field: String,
    /// The field's value as the language writes it; `None` if it is missing.
    pub found: Option<String>,
    /// The allowlist entry that excuses the record, with the list's name.
    pub excused: Option<(String, Entry)>,
    /// Where the test is written.
    pub span: Span,
}

/// Why a record that satisfies a step ends no chain there.
#[derive(Debug, Clone, PartialEq)]
pub enum Break {
    /// A link field of the record is missing.
    KeyMissing(Vec<String>),
    /// No chain reaches the step before.
    NothingBefore,
    /// No earlier record has its key.
    NoSuchKey {
        /// Names of the key's fields, on this side.
        fields: Vec<String>,
        /// This record's key.
        key: Vec<String>,
        /// The others' keys, at most three; a part can be missing.
        others: Vec<Vec<Option<String>>>,
    },
    /// The only records with its key are of the same event.
    SameEvent,
    /// The nearest record with its key comes this much too late to be a cause.
    After {
        /// That record.
        nearest: usize,
        /// Microseconds.
        by: i64,
    },
    /// The gap after the nearest record with its key had closed this long before.
    GapClosed {
        /// That record.
        nearest: usize,
        /// Length of the gap, microseconds.
        gap: i64,
        /// Microseconds.
        by: i64,
    },
    /// The best start is this much too far back for the whole chain.
    TotalExceeded {
        /// Microseconds.
        by: i64,
    },
}

/// What became of the records at one step.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct StepView {
    /// Records that satisfy the step.
    pub matched: Vec<usize>,
    /// Those with a chain behind them, and its best start.
    pub reached: Vec<(usize, i64)>,
    /// Those without, and why.
    pub broken: Vec<(usize, Break)>,
}

/// Follows `records` through the chain, step by step.
#[must_use]
pub fn follow(program: &Program, records: &[Record]) -> Vec<StepView> {
    let mut views: Vec<StepView> = Vec::new();
    for (at, step) in program.steps.iter().enumerate() {
        let satisfies =
            |record: &Record| record.schema.source() == step.schema.source() && step.accepts(&record.values);
        let mut view = StepView::default();
        for (index, record) in records.iter().enumerate().filter(|(_, record)| satisfies(record)) {
            view.matched.push(index);
            let link = at.checked_sub(1).and_then(|before| program.links.get(before));
            match (link, views.last()) {
                (Some(link), Some(before)) => match predecessor(program, link, before, records, record) {
                    Ok(start) => view.reached.push((index, start)),
                    Err(reason) => view.broken.push((index, reason)),
                },
                (Some(_) | None, _) => view.reached.push((index, record.time)),
            }
        }
        views.push(view);
    }
    views
}

/// The best start in front of `record`, or why there is none.
fn predecessor(
    program: &Program,
    link: &Link,
    before: &StepView,
    records: &[Record],
    record: &Record,
) -> Result<i64, Break> {
    // From the coarsest reason to the finest: a gap is of interest only among records with the key, the total only
    // among those within the gap.
    if before.reached.is_empty() {
        return Err(Break::NothingBefore);
    }
    let key = key_text(record, &link.right);
    let names = link.right.iter().filter_map(|place| Some(record.schema.fields().get(*place)?.0.clone()));
    let names: Vec<String> = names.collect();
    if key.iter().any(Option::is_none) {
        let missing = names.into_iter().zip(&key).filter(|(_, part)| part.is_none());
        return Err(Break::KeyMissing(missing.map(|(name, _)| name).collect()));
    }
    let reached =
        || before.reached.iter().filter_map(|(index, start)| Some((*index, *start, records.get(*index)?)));
    let same_key: Vec<_> = reached().filter(|(_, _, earlier)| linked(link, earlier, record)).collect();
    if same_key.is_empty() {
        let mut others: Vec<_> = reached().map(|(_, _, earlier)| key_text(earlier, &link.left)).collect();
        others.dedup();
        others.truncate(3);
        return Err(Break::NoSuchKey { fields: names, key: key.into_iter().flatten().collect(), others });
    }
    let other_events: Vec<_> =
        same_key.iter().filter(|(_, _, earlier)| earlier.event != record.event).collect();
    if other_events.is_empty() {
        return Err(Break::SameEvent);
    }
    let in_time = other_events
        .iter()
        .filter(|(_, _, earlier)| earlier.time <= record.time && record.time - earlier.time <= link.gap);
    let Some(start) = in_time.map(|(_, start, _)| *start).max() else {
        return Err(out_of_time(
            link,
            record,
            other_events.iter().map(|(index, _, earlier)| (*index, earlier.time)),
        ));
    };
    let over = record.time.saturating_sub(start).saturating_sub(program.total);
    if over > 0 { Err(Break::TotalExceeded { by: over }) } else { Ok(start) }
}

/// The nearest of records that are all out of time: one whose gap closed, before one that comes later.
fn out_of_time(link: &Link, record: &Record, others: impl Iterator<Item = (usize, i64)> + Clone) -> Break {
    let earlier = others.clone().filter(|(_, time)| *time <= record.time).max_by_key(|(_, time)| *time);
    if let Some((nearest, time)) = earlier {
        return Break::GapClosed { nearest, gap: link.gap, by: record.time - time - link.gap };
    }
    let (nearest, time) = others.min_by_key(|(_, time)| *time).unwrap_or_default();
    Break::After { nearest, by: time - record.time }
}

fn linked(link: &Link, left: &Record, right: &Record) -> bool {
    link.left.iter().zip(&link.right).all(|(at_left, at_right)| {
        // As the links of the engine compare: addresses as they are logged.
        matches!((left.at(*at_left), right.at(*at_right)), (Some(left), Some(right)) if left.key() == right.key())
    })
}

fn key_text(record: &Record, places: &[usize]) -> Vec<Option<String>> {
    places.iter().map(|place| record.at(*place).map(words::value)).collect()
}

/// The parts of step `step` that decide against `record`; empty if it satisfies the step. `None` for another source.
#[must_use]
pub fn why_not(rule: &Rule, program: &Program, step: usize, record: &Record) -> Option<Vec<Failing>> {
    let (written, compiled) = (rule.chain.steps.get(step)?, program.steps.get(step)?);
    if record.schema.source() != compiled.schema.source() {
        return None;
    }
    let mut found = Vec::new();
    let mut search = Search { rule, record, found: &mut found };
    let Step { name: _, main, others: _, absences: _, repetition: _, span: _ } = written;
    let Selection { source: _, renames: _, filter, excepts, span: _ } = main;
    search.look(filter, &compiled.filter, true);
    for (except, compiled) in excepts.iter().zip(&compiled.excepts) {
        search.look(except, compiled, false);
    }
    Some(found)
}

struct Search<'a> {
    rule: &'a Rule,
    record: &'a Record,
    found: &'a mut Vec<Failing>,
}

impl Search<'_> {
    /// Collects the tests because of which `pred` is not `wanted`.
    fn look(&mut self, pred: &Pred, compiled: &Predicate, wanted: bool) {
        let values: &Values<'_> = &self.record.values;
        if compiled.holds(values) == wanted {
            return;
        }
        match (pred, compiled) {
            (Pred::And(parts), Predicate::All(compiled)) | (Pred::Or(parts), Predicate::Any(compiled)) => {
                // Parts that are as wanted fall out below: of an `and` that fails, the parts that hold are no reason.
                for (part, compiled) in parts.iter().zip(compiled) {
                    self.look(part, compiled, wanted);
                }
            }
            (Pred::Not(inner), Predicate::Not(compiled)) => self.look(inner, compiled, !wanted),
            (Pred::Test(test), _) => {
                let failing = self.failing(test, wanted);
                self.found.push(failing);
            }
            // A compiled predicate has the shape of its origin.
            (Pred::And(_) | Pred::Or(_) | Pred::Not(_), _) => {}
        }
    }

    fn failing(&self, test: &FieldTest, wanted: bool) -> Failing {
        let value = self.record.get(&test.field.name);
        let list = match &test.kind {
            TestKind::InList { list, case: _ } if !wanted => self.rule.lists.get(*list),
            TestKind::InList { .. }
            | TestKind::Exists
            | TestKind::Equals { .. }
            | TestKind::InNetworks { .. }
            | TestKind::Order { .. }
            | TestKind::Like { .. }
            | TestKind::Substring { .. }
            | TestKind::Matches { .. }
            | TestKind::SameAs { .. }
            | TestKind::Values(_) => None,
        };
        let excused = list.zip(value).and_then(|(list, value)| {
            let entry = excusing(list, value)?;
            Some((list.name.node.clone(), entry.clone()))
        });
        Failing {
            wanted: words::test(test, self.rule, !wanted),
            field: test.field.name.clone(),
            found: value.map(words::value),
            excused,
            span: test.span,
        }
    }
}
