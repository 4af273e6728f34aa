//! The one part of a step's condition that a record fails.
//!
//! In: a compiled step, the values of a record. Out: the part, if it is the only one.
//! Must not know: chains, raw logs.
//!
//! The parts of `where a and b and c` are `a`, `b` and `c`; each `except` is a part of its own. A `where` of a single
//! part has none that can be left out: without it every event of the source would satisfy the step.

use crate::engine::predicate::{Predicate, Values};
use crate::engine::program::Step;

/// A part of a step's condition.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Part {
    /// An exception, by its number.
    Except(usize),
    /// A conjunct of `where`, by its number.
    Where(usize),
}

/// The part of `step` without which a record of these values would satisfy it; `None` if there is no such part, or more
/// than one.
#[must_use]
pub fn failing_part(step: &Step, values: &Values<'_>) -> Option<Part> {
    let Step { name: _, schema: _, filter, excepts } = step;
    let mut excusing = excepts.iter().enumerate().filter(|(_, except)| except.holds(values));
    let (excepted, more) = (excusing.next(), excusing.next());
    if more.is_some() {
        return None;
    }
    let mut conjuncts = Conjuncts { count: 0, failing: None };
    if !conjuncts.look(filter, values) {
        return None;
    }
    match (excepted, conjuncts.failing) {
        (Some((except, _)), None) => Some(Part::Except(except)),
        (None, Some(conjunct)) if conjuncts.count > 1 => Some(Part::Where(conjunct)),
        (None | Some(_), Some(_)) | (None, None) => None,
    }
}

struct Conjuncts {
    count: usize,
    failing: Option<usize>,
}

impl Conjuncts {
    /// Goes through the conjuncts; false as soon as a second one fails.
    fn look(&mut self, pred: &Predicate, values: &Values<'_>) -> bool {
        match pred {
            Predicate::All(parts) => parts.iter().all(|part| self.look(part, values)),
            Predicate::Any(_) | Predicate::Not(_) | Predicate::Test(..) => {
                let number = self.count;
                self.count += 1;
                pred.holds(values) || self.failing.replace(number).is_none()
            }
        }
    }
}
