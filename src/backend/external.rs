//! Lists that a query reads by name from the SIEM: a lookup, a watchlist. A SIEM holds one list of each name, whichever
//! rule it was made for.
//!
//! In: the lists of every emission of a run. Out: a finding where two of one name hold different values.
//! Must not know: how a list is delivered, what its values mean.

use std::collections::{HashMap, HashSet};
use std::hash::{DefaultHasher, Hash, Hasher};

use crate::diag::{Code, Diagnostic, Diagnostics};
use crate::source::{Span, Spanned};

/// A list of the SIEM that a query reads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct External {
    name: String,
    /// Where the allowlist got its name.
    span: Span,
    /// Stands for the set of its values: a run may hold thousands of queries that read a long list.
    values: u64,
}

impl External {
    /// The list `name` that must hold `values`.
    pub fn new<'a>(name: &Spanned<String>, values: impl IntoIterator<Item = &'a str>) -> Self {
        let distinct: HashSet<&str> = values.into_iter().collect();
        // A sum, for the order of the entries means nothing.
        let values = distinct.iter().map(|value| digest(value)).fold(0, u64::wrapping_add);
        Self { name: name.node.clone(), span: name.span, values }
    }
}

fn digest(value: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    value.hash(&mut hasher);
    hasher.finish()
}

/// The lists of the SIEMs that the queries of a run read.
#[derive(Debug, Default)]
pub struct Externals {
    /// By target and name.
    first: HashMap<(&'static str, String), External>,
    /// Where a clash was reported: queries of several rules and targets may read one list.
    told: HashSet<Span>,
}

impl Externals {
    /// Adds what one query reads. Reports a list that an earlier query fills with other values, and is false then:
    /// whoever installed both would break one.
    pub fn add(&mut self, target: &'static str, lists: Vec<External>, diags: &mut Diagnostics) -> bool {
        let mut fits = true;
        for list in lists {
            let first = self.first.entry((target, list.name.clone())).or_insert_with(|| list.clone());
            if first.values == list.values {
                continue;
            }
            fits = false;
            if self.told.insert(list.span) {
                diags.push(clash(first, &list));
            }
        }
        fits
    }
}

fn clash(first: &External, list: &External) -> Diagnostic {
    let title = format!("two allowlists called `{}` hold different values", list.name);
    Diagnostic::new(Code::ListClash, list.span, title)
        .label("a SIEM has one list of each name, and queries read this one by name")
        .also(first.span, "the other values stand here")
        .help("rename one, or let both rules import the same; `--lists inline` writes the values into the queries")
}
