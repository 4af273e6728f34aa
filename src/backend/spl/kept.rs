//! A list that a search keeps of what came before, as the search of a rule asks it.
//!
//! In: what the list is called, its keys. Out: commands and a test. Must not know: who fills the list, absences.

use super::check::{all, any};
use super::literal::{self, Frag, spl};
use crate::source::Span;

/// The columns of a list behind its keys.
pub(super) const TIMES: [&str; 2] = ["first_seen", "last_seen"];

/// An absence whose records are kept in a list.
#[derive(Debug)]
pub(super) struct Kept {
    /// The number of the absence.
    pub(super) number: u64,
    /// What stands in `chain_step` of its records.
    pub(super) row: u64,
    /// How long before a step they must not be, in seconds.
    pub(super) window: u64,
    /// The name of the list.
    pub(super) list: String,
    /// The name of the part that keeps it.
    pub(super) part: String,
    /// Its keys: in the rows of the search, and in the list.
    pub(super) keys: Vec<(Frag, String)>,
    /// The clause.
    pub(super) span: Span,
    /// The clause in a message.
    pub(super) clause: String,
}

impl Kept {
    /// The column of the newest time of a key.
    fn seen(&self) -> Frag {
        let number = literal::number(self.number);
        spl!("chain_seen{number}", number)
    }

    /// Asks the list for the newest time of the key of each row.
    pub(super) fn ask(&self) -> [Frag; 2] {
        let list = literal::flat(&self.list);
        let pairs: Vec<Frag> =
            self.named().map(|(column, name)| spl!("{name} AS {column}", name, column)).collect();
        let (pairs, seen) = (literal::list(&pairs), self.seen());
        [
            spl!("lookup {list} {pairs} OUTPUT last_seen AS {seen}", list, pairs, seen),
            spl!("eval {seen}=tonumber({seen})", seen),
        ]
    }

    /// Whether a row is exempted by what the list holds or by a record that the search itself has read.
    pub(super) fn exempts(&self, near: &Frag) -> Frag {
        let (seen, window) = (self.seen(), literal::number(self.window));
        let within = |time: &Frag| spl!("round(_time - {time}, 6) <= {window}", time, window);
        any(vec![
            all(vec![literal::call("isnum", [near]), within(near)]),
            all(vec![literal::call("isnum", [&seen]), spl!("{seen} < _time", seen), within(&seen)]),
        ])
    }

    /// Its keys: in the rows of the search, and in the list.
    pub(super) fn named(&self) -> impl Iterator<Item = (Frag, Frag)> {
        self.keys.iter().map(|(column, name)| (column.clone(), literal::flat(name)))
    }
}
