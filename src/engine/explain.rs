//! Why a record does not satisfy a step, and where a chain breaks.
//!
//! In: a rule, its compiled form, a record. Out: reasons, as data; those of chains are found by `follow`.
//! Must not know: output formats.

use super::list::excusing;
use super::predicate::{Predicate, Values};
use super::program::{self, Part, Program, Role};
use super::record::Record;
use super::words;
use crate::ir::{Entry, FieldTest, Pred, Rule, Selection, Step};
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
    /// A record that must not be there takes it away.
    Excused {
        /// Its name; of `first` that word.
        name: String,
        /// The record.
        by: usize,
    },
    /// A record that must not be there takes away some of what is counted, so there are too few.
    CountedExcused {
        /// Its name; of `first` that word.
        name: String,
        /// The record.
        by: usize,
    },
    /// A comparison with the nearest record with its key fails.
    Compared {
        /// The comparison.
        wanted: String,
        /// The value there; `None` if it is missing.
        left: Option<String>,
        /// The value here.
        right: Option<String>,
    },
    /// There are too few within the window.
    TooFew {
        /// So many.
        count: u64,
        /// Of so many.
        least: u64,
        /// Whether values are counted.
        distinct: bool,
        /// Microseconds.
        window: i64,
    },
    /// Too few of what is counted come after the record before.
    BurstBefore {
        /// That record.
        nearest: usize,
    },
    /// Of steps in any order another one has no record with its key that is near enough.
    NoCompanion {
        /// The other step.
        step: String,
        /// Microseconds.
        window: i64,
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

/// The parts of step `step` that decide against `record`; empty if it satisfies the step. `None` for another source.
#[must_use]
pub fn why_not(rule: &Rule, program: &Program, step: usize, record: &Record) -> Option<Vec<Failing>> {
    let written = rule.chain.steps.get(step)?;
    let of_step = |role: &&Role| matches!(role.part, Part::Step { step: of, .. } if of == step);
    let Step { name: _, main: _, others: _, absences: _, repetition: _, span: _ } = written;
    let both = written.selections().zip(program.roles.iter().filter(of_step));
    let own = both.filter(|(_, role)| role.selection.schema.source() == record.schema.source());
    // Of alternatives on one source the one that it comes nearest to.
    own.map(|(selection, role)| fails(rule, selection, &role.selection, record)).min_by_key(Vec::len)
}

/// The parts of one selection that decide against `record`.
fn fails(rule: &Rule, written: &Selection, compiled: &program::Step, record: &Record) -> Vec<Failing> {
    let mut found = Vec::new();
    let mut search = Search { rule, record, found: &mut found };
    let Selection { source: _, renames: _, filter, excepts, span: _ } = written;
    search.look(filter, &compiled.filter, true);
    for (except, compiled) in excepts.iter().zip(&compiled.excepts) {
        search.look(except, compiled, false);
    }
    found
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
        let list = test.list().filter(|_| !wanted).and_then(|list| self.rule.lists.get(list));
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
