//! What a change of a rule means: clauses that differ, and the smallest set of events on which the two differ.
//!
//! In: two rules of the IR and a catalog. Out: a [`Report`]: changes of meaning, changes of mere text, a [`Witness`].
//! Must not know: syntax, targets, files, output formats. The search looks at bounded scenarios alone, so that no
//! witness is no proof; what it finds the engine has shown.

mod align;
mod bursts;
mod cast;
mod clause;
mod entries;
mod example;
mod fields;
mod keys;
mod meaning;
mod normal;
mod pair;
mod reads;
mod remarks;
mod scenario;
mod solve;
mod timeline;
mod windows;
mod witness;

use crate::catalog::Catalog;
use crate::ir::Rule;

use meaning::Changes;

pub use clause::Change;
pub use reads::reads;
pub use witness::{Shown, Witness};

/// What differs between two rules.
#[derive(Debug)]
pub struct Report {
    /// Changes that can make other alerts.
    pub meaning: Vec<Change>,
    /// Changes that cannot.
    pub text: Vec<Change>,
    /// Events on which the two alert differently, if the search found any.
    pub witness: Option<Witness>,
}

/// Compares two rules.
#[must_use]
pub fn compare(old: &Rule, new: &Rule, catalog: &Catalog) -> Report {
    let Changes { meaning, text, steps } = meaning::changes(old, new);
    // Rules with the same clauses cannot differ.
    let witness = if meaning.is_empty() { None } else { witness::find((old, new), &steps, catalog) };
    Report { meaning, text, witness }
}
