//! Which warnings are drawn whole, and which stand in a list: a warning that every rule of a folder has is one thing to
//! read, not a hundred.
//!
//! In: sorted findings. Out: those to draw, and what is left of each kind. Must not know: how either is printed.

use std::collections::BTreeMap;

use super::{Code, Finding, Severity};

/// How many warnings of a kind are drawn; one more is drawn as well, for a list of one says no less.
const DRAWN: usize = 5;

/// Findings, those that need no drawing apart. Errors are all drawn.
#[derive(Debug, Default)]
pub struct Grouped<'a> {
    /// In the order of the findings.
    pub drawn: Vec<&'a Finding>,
    /// By code.
    pub listed: BTreeMap<Code, Vec<&'a Finding>>,
}

impl<'a> Grouped<'a> {
    /// Sorts them out.
    #[must_use]
    pub fn of(findings: impl Iterator<Item = &'a Finding> + Clone) -> Self {
        let mut left: BTreeMap<Code, usize> = BTreeMap::new();
        for finding in findings.clone().filter(|finding| finding.severity() == Severity::Warning) {
            *left.entry(finding.code).or_default() += 1;
        }
        left.retain(|_, count| *count > DRAWN + 1);
        let mut grouped = Self::default();
        let mut seen: BTreeMap<Code, usize> = BTreeMap::new();
        for finding in findings {
            let seen = seen.entry(finding.code).or_default();
            *seen += 1;
            if *seen > DRAWN && left.contains_key(&finding.code) {
                grouped.listed.entry(finding.code).or_default().push(finding);
            } else {
                grouped.drawn.push(finding);
            }
        }
        grouped
    }
}
