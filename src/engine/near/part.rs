//! The one part of a step's condition that a record fails.
//!
//! In: a compiled step, the values of a record. Out: the part, if it is the only one.
//! Must not know: chains, raw logs.
//!
//! The parts of `where a and b and c` are `a`, `b` and `c`; each `except` is a part of its own. A `where` of a single
//! part has none that can be left out: without it every event of the source would satisfy the step. Nor can the part
//! that says of which action or provider the events are: an event of another kind is another event, not a near miss.

use crate::engine::predicate::{Predicate, Values};
use crate::engine::program::Step;
use crate::ir::{ACTION, PROVIDER};

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
    let Step { name: _, schema: _, filter, excepts, earlier: _ } = step;
    let mut excusing = excepts.iter().enumerate().filter(|(_, except)| except.holds(values));
    let (excepted, more) = (excusing.next(), excusing.next());
    // Excused twice, it would still be excused without one of them.
    if more.is_some() {
        return None;
    }
    let mut conjuncts = Conjuncts { count: 0, failing: None };
    if !conjuncts.look(filter, values) {
        return None;
    }
    match (excepted, conjuncts.failing) {
        (Some((except, _)), None) => Some(Part::Except(except)),
        (None, Some((number, conjunct))) if conjuncts.count > 1 => {
            let kind = [ACTION, PROVIDER].map(|field| step.schema.place(field));
            (is_of_kind(conjunct, &kind, values) != Some(false)).then_some(Part::Where(number))
        }
        (None | Some(_), Some(_)) | (None, None) => None,
    }
}

/// Whether a record is of the kind of events that a condition is about, by its tests of the fields at the places `kind`
/// alone; `None` if it has no such tests. A negated one excludes noise and says of no event what it is.
fn is_of_kind(pred: &Predicate, kind: &[Option<usize>], values: &Values<'_>) -> Option<bool> {
    let known = |parts: &[Predicate]| -> Vec<bool> {
        parts.iter().filter_map(|part| is_of_kind(part, kind, values)).collect()
    };
    match pred {
        Predicate::All(parts) => {
            Some(known(parts)).filter(|known| !known.is_empty()).map(|known| known.iter().all(|holds| *holds))
        }
        Predicate::Any(parts) => {
            Some(known(parts)).filter(|known| !known.is_empty()).map(|known| known.iter().any(|holds| *holds))
        }
        Predicate::Test(place, _) if kind.contains(&Some(*place)) => Some(pred.holds(values)),
        Predicate::Test(..) | Predicate::Not(_) => None,
    }
}

struct Conjuncts<'p> {
    count: usize,
    failing: Option<(usize, &'p Predicate)>,
}

impl<'p> Conjuncts<'p> {
    /// Goes through the conjuncts; false as soon as a second one fails.
    fn look(&mut self, pred: &'p Predicate, values: &Values<'_>) -> bool {
        match pred {
            Predicate::All(parts) => parts.iter().all(|part| self.look(part, values)),
            Predicate::Any(_) | Predicate::Not(_) | Predicate::Test(..) => {
                let number = self.count;
                self.count += 1;
                pred.holds(values) || self.failing.replace((number, pred)).is_none()
            }
        }
    }
}
