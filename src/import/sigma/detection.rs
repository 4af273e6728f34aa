//! What a Sigma rule selects.
//!
//! In: the detection of a rule. Out: its condition with Sigma's names. Must not know: sources, canonical fields.

use crate::diag::Code;

use super::super::expr::{Expr, joined};
use super::super::report::{Loss, Report};
use super::condition::{self, Tree};
use super::document::{At, Document};
use super::value;

/// The condition of a rule; nothing if its detection cannot be read, which is reported.
pub(super) fn condition(rule: &Document, report: &mut Report<'_>) -> Option<Expr> {
    let detection = rule.get("detection")?;
    let Some(stated) = detection.get("condition") else {
        let why = "a detection without a condition";
        wrong(report, &Loss::new(detection.key_span(), why, "add `condition: selection`"));
        return None;
    };
    if let Some(timeframe) = detection.get("timeframe") {
        let why = "the timeframe of an old Sigma version";
        report.left_out(&Loss::new(timeframe.key_span(), why, "write a correlation with a timespan"));
    }
    let mut parts = Vec::new();
    for one in stated.items() {
        match condition::read(one.text()) {
            Ok(tree) => {
                let mut reader = Reader { detection, stated: one, report };
                parts.push(reader.top(&tree));
            }
            Err((why, (start, end))) => {
                let span = one.inside(start, end, report);
                wrong(report, &Loss::new(span, why, "correct the condition"));
            }
        }
    }
    if parts.is_empty() { None } else { Some(joined(parts, false)) }
}

fn wrong(report: &mut Report<'_>, loss: &Loss) {
    report.error(Code::BadSigma, "not a Sigma rule", loss);
}

struct Reader<'d, 'r, 's> {
    detection: At<'d>,
    stated: At<'d>,
    report: &'r mut Report<'s>,
}

impl Reader<'_, '_, '_> {
    /// The whole, with what it excludes apart.
    fn top(&mut self, tree: &Tree) -> Expr {
        let parts = match tree {
            Tree::And(parts) => parts.as_slice(),
            Tree::Name(..) | Tree::Of { .. } | Tree::Not(_) | Tree::Or(_) => std::slice::from_ref(tree),
        };
        let mut read = Vec::new();
        for part in parts {
            let Tree::Not(inner) = part else {
                read.push(self.tree(part));
                continue;
            };
            let excluded = match &**inner {
                Tree::Of { all: false, pattern, place } => self.of(pattern, *place),
                Tree::Name(..) | Tree::Of { .. } | Tree::Not(_) | Tree::And(_) | Tree::Or(_) => {
                    vec![self.tree(inner)]
                }
            };
            read.extend(excluded.into_iter().map(|one| Expr::Except(Box::new(one.not()))));
        }
        joined(read, true)
    }

    fn tree(&mut self, tree: &Tree) -> Expr {
        match tree {
            Tree::Name(name, place) => self.named(name, *place),
            Tree::Of { all, pattern, place } => {
                let each = self.of(pattern, *place);
                joined(each, *all)
            }
            Tree::Not(inner) => self.tree(inner).not(),
            Tree::And(parts) => {
                let parts = parts.iter().map(|part| self.tree(part)).collect();
                joined(parts, true)
            }
            Tree::Or(parts) => {
                let parts = parts.iter().map(|part| self.tree(part)).collect();
                joined(parts, false)
            }
        }
    }

    fn named(&mut self, name: &str, place: condition::Place) -> Expr {
        if let Some(selection) = self.detection.get(name) {
            return self.selection(selection);
        }
        let span = self.stated.inside(place.0, place.1, self.report);
        let why = format!("there is no selection `{}`", crate::source::visible(name));
        wrong(self.report, &Loss::new(span, why, "correct the name"));
        Expr::Always(true)
    }

    /// The selections that a pattern names.
    fn of(&mut self, pattern: &str, place: condition::Place) -> Vec<Expr> {
        let entries = self.detection.entries();
        let fitting = entries.iter().filter(|(name, _)| {
            !matches!(*name, "condition" | "timeframe") && condition::fits(pattern, name)
        });
        let found: Vec<Expr> = fitting.map(|(_, selection)| self.selection(*selection)).collect();
        if found.is_empty() {
            let span = self.stated.inside(place.0, place.1, self.report);
            let why = format!("no selection is called `{}`", crate::source::visible(pattern));
            wrong(self.report, &Loss::new(span, why, "correct the pattern"));
        }
        found
    }

    fn selection(&mut self, selection: At<'_>) -> Expr {
        if selection.is_map() {
            let tests =
                selection.entries().into_iter().map(|(key, value)| value::test(key, value, self.report));
            return joined(tests.collect(), true);
        }
        if selection.is_list() {
            let items = selection.items().into_iter().map(|item| {
                if item.is_map() { self.selection(At { key: None, ..item }) } else { keyword(item) }
            });
            return joined(items.collect(), false);
        }
        keyword(selection)
    }
}

/// A word that is looked for anywhere in the event.
fn keyword(word: At<'_>) -> Expr {
    let why = "a word without a field is looked for in the whole event";
    Expr::Lost(Loss::new(word.span(), why, "name the field that has it, and test that"))
}
