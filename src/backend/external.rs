//! Lists that a query reads by name from the SIEM: a lookup, a watchlist. A SIEM holds one list of each name, whichever
//! rule it was made for.
//!
//! In: the lists of every emission of a run. Out: the file that fills each, and a finding where two of one name hold
//! different values. Must not know: how a query reads a list, where files go.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::hash::{DefaultHasher, Hash, Hasher};

use indexmap::IndexMap;
use jiff::civil::Date;
use serde::Serialize;

use super::emission::file_name;
use crate::csv;
use crate::diag::{Code, Diagnostic, Diagnostics};
use crate::ir::{Entry, List};
use crate::source::Span;

/// A list of the SIEM that a query reads.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct External {
    /// As the query calls it.
    pub name: String,
    /// The name of the file that fills it.
    pub file: String,
    /// The CSV file that fills it, with a header. `until` is the last day on which a value counts, in UTC, and empty if
    /// there is none. Values are texts, never patterns.
    pub text: String,
    #[serde(skip)]
    rows: usize,
    #[serde(skip)]
    of: String,
    /// Where the allowlist got its name.
    #[serde(skip)]
    span: Span,
    /// Stands for the set of its values and days: a run may hold thousands of queries that read a long list.
    #[serde(skip)]
    digest: u64,
}

impl External {
    /// Where the allowlist got its name.
    #[must_use]
    pub fn place(&self) -> Span {
        self.span
    }

    /// The list `name` with the exact values of an allowlist that are in force.
    #[must_use]
    pub fn new(name: String, list: &List, exact: &IndexMap<String, &Entry>) -> Self {
        let mut text = csv::record(["value", "until", "reason", "owner", "ticket"]);
        let mut digest = 0_u64;
        for (value, entry) in exact {
            let until = entry.until.map(|day| day.to_string()).unwrap_or_default();
            // A sum, for the order of the entries means nothing.
            digest = digest.wrapping_add(digest_of(&(value, &until)));
            let rest =
                [&entry.reason, &entry.owner, &entry.ticket].map(|cell| cell.as_deref().unwrap_or_default());
            text += &csv::record([value.as_str(), until.as_str()].into_iter().chain(rest));
        }
        let (rows, of) = (exact.len(), list.described());
        let file = file_name(&name, "csv");
        Self { name, file, text, rows, of, span: list.name.span, digest }
    }

    /// A list that a search keeps: at first it has a header and no rows.
    pub(super) fn kept(name: String, columns: &[&str], span: Span) -> Self {
        let (file, text) = (file_name(&name, "csv"), csv::record(columns.iter().copied()));
        Self { name, file, digest: digest_of(&text), text, rows: 0, of: String::new(), span }
    }

    /// What it must hold, in words.
    pub(super) fn contents(&self) -> String {
        let values = if self.rows == 1 { "value" } else { "values" };
        format!(
            "`{}` as `compile -o` writes it: {} exact {values} of {}, with the last day of each",
            self.file, self.rows, self.of
        )
    }
}

/// What is to be done about the entries of lists that stand in the text of a query and will expire there: all of them,
/// or those that no list of the SIEM can hold. `by_lookup` says whether the SIEM holds the exact values of a list.
pub(super) fn expiry_in_text(lists: &[List], by_lookup: impl Fn(&List) -> bool) -> Option<String> {
    // A table once for each day, however many tests of it a query asks.
    let ends: BTreeSet<_> =
        lists.iter().filter_map(|list| Some((first_day(list, &by_lookup)?, told(list)))).collect();
    let told: Vec<_> = ends.iter().map(|(day, list)| format!("after {day} of {list}")).collect();
    (!told.is_empty())
        .then(|| format!("a new compilation when entries in this text expire: {}", told.join(", ")))
}

/// The first last day of an entry of the list in the text.
fn first_day(list: &List, by_lookup: impl Fn(&List) -> bool) -> Option<Date> {
    // Asked only then: to know how a list is delivered, all its entries are looked at.
    list.entries.iter().find(|entry| entry.until.is_some())?;
    let is_held = by_lookup(list);
    let stays = |entry: &&Entry| !(is_held && entry.value.exact().is_some());
    list.entries.iter().filter(stays).filter_map(|entry| entry.until).min()
}

fn told(list: &List) -> String {
    match &list.lookup {
        None => list.described(),
        Some(table) => format!("lookup `{}`", table.name),
    }
}

fn digest_of(row: &impl Hash) -> u64 {
    let mut hasher = DefaultHasher::new();
    row.hash(&mut hasher);
    hasher.finish()
}

/// The lists of the SIEMs that the queries of a run read.
#[derive(Debug, Default)]
pub struct Externals {
    /// By target and name: where the allowlist got its name, and the digest.
    first: HashMap<(&'static str, String), (Span, u64)>,
    /// Where a clash was reported: queries of several rules and targets may read one list.
    told: HashSet<Span>,
}

impl Externals {
    /// Adds what one query reads, and gives those that no earlier query reads. Reports a list that an earlier query
    /// fills with other values, and gives nothing then: whoever installed both would break one.
    pub fn add(
        &mut self,
        target: &'static str,
        lists: Vec<External>,
        diags: &mut Diagnostics,
    ) -> Option<Vec<External>> {
        let mut fits = true;
        let mut new = Vec::new();
        for list in lists {
            match self.first.get(&(target, list.name.clone())) {
                None => new.push(list),
                Some((_, digest)) if *digest == list.digest => {}
                Some((first, _)) => {
                    fits = false;
                    if self.told.insert(list.span) {
                        diags.push(clash(*first, &list));
                    }
                }
            }
        }
        if !fits {
            return None;
        }
        self.first.extend(new.iter().map(|list| ((target, list.name.clone()), (list.span, list.digest))));
        Some(new)
    }
}

fn clash(first: Span, list: &External) -> Diagnostic {
    let title = format!("two allowlists called `{}` hold different values or days", list.name);
    Diagnostic::new(Code::ListClash, list.span, title)
        .label("a SIEM has one list of each name, and queries read this one by name")
        .also(first, "the other values stand here")
        .help("rename one, or let both rules import the same; `--lists inline` writes the values into the queries")
}
