//! Clauses: what is compared of two rules.
//!
//! In: parts of rules as text. Out: those that differ. Must not know: rules.

use std::collections::BTreeMap;

use serde::Serialize;

/// A clause that differs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Change {
    /// Which, such as `window console to launch`.
    pub clause: String,
    /// What it was; nothing if it is new.
    pub old: Option<String>,
    /// What it is; nothing if it is gone.
    pub new: Option<String>,
}

/// A clause of a rule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Clause {
    /// What it is in both rules: with numbers in place of the names of steps.
    pub(super) key: String,
    /// What it is called.
    pub(super) title: String,
    /// What it says, with numbers in place of the names of steps.
    pub(super) says: String,
    /// The same for readers.
    pub(super) shown: String,
}

impl Clause {
    /// One that names no step.
    pub(super) fn plain(title: &str, says: String) -> Self {
        let title = title.to_owned();
        Self { key: title.clone(), title, shown: says.clone(), says }
    }
}

/// What differs, in the order of the new clauses, then what is gone.
pub(super) fn between(old: &[Clause], new: &[Clause]) -> Vec<Change> {
    fn by_key(clauses: &[Clause]) -> BTreeMap<&str, &Clause> {
        clauses.iter().map(|clause| (clause.key.as_str(), clause)).collect()
    }
    let (before, after) = (by_key(old), by_key(new));
    let gone = old.iter().filter(|clause| !after.contains_key(clause.key.as_str()));
    let mut changes = Vec::new();
    for clause in new.iter().chain(gone) {
        let key = clause.key.as_str();
        let [was, is] = [&before, &after].map(|clauses| clauses.get(key).copied());
        if was.map(|clause| &clause.says) != is.map(|clause| &clause.says) {
            let shown = |clause: Option<&Clause>| clause.map(|clause| clause.shown.clone());
            changes.push(Change { clause: clause.title.clone(), old: shown(was), new: shown(is) });
        }
    }
    changes
}
