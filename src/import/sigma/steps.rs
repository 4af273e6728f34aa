//! The chain of a draft from the base rules of a correlation.
//!
//! In: base rules with windows, keys and counts. Out: steps and links. Must not know: how correlations are written.

use crate::source::Span;

use super::super::Given;
use super::super::carry;
use super::super::draft::{self, Chain, Count, Link, Selection, Step};
use super::super::expr::{Expr, Test, joined};
use super::super::field::Into;
use super::super::keys::{self, Side};
use super::super::made::shared;
use super::super::report::{Loss, Report};
use super::correlation::{Base, Gap, Piece, Rules};
use super::detection;
use super::document::Document;
use super::logsource::{self, Chosen};

/// The chain; nothing if a step has no source or no condition that can be read, which has been reported.
pub(super) fn chain(
    rules: Rules<'_>,
    top: &Document,
    piece: &Piece<'_>,
    given: &Given<'_>,
    report: &mut Report<'_>,
) -> Option<Chain> {
    let builder = Builder { rules, top: top.text("name"), given };
    let mut steps: Vec<(Step, Vec<Ready<'_>>)> = Vec::new();
    let mut broken = false;
    for (number, base) in piece.steps.iter().enumerate() {
        let gaps = number.checked_sub(1).and_then(|before| piece.gaps.get(before));
        let gaps: Vec<&Gap<'_>> =
            gaps.into_iter().chain(piece.gaps.get(number)).chain(&piece.together).collect();
        let taken: Vec<String> = steps.iter().map(|(step, _)| step.name.clone()).collect();
        match builder.step(base, &gaps, &taken, report) {
            Some(step) => steps.push(step),
            None => broken = true,
        }
    }
    if broken {
        return None;
    }
    let mut links = Vec::new();
    for (number, gap) in piece.gaps.iter().enumerate() {
        let (Some(before), Some(after)) = (steps.get(number), steps.get(number + 1)) else { continue };
        let on = gap.keys.iter().filter_map(|key| builder.link(gap, key, before, after, report)).collect();
        let on = keys::or_none(on, gap.span, report);
        links.push(Link { within: gap.within, on, absences: Vec::new(), comments: report.take() });
    }
    let together = piece.together.as_ref().map(|gap| (gap.within, builder.shared(gap, &mut steps, report)));
    let mut steps: Vec<Step> = steps.into_iter().map(|(step, _)| step).collect();
    if let Some(first) = steps.first_mut() {
        first.comments.extend(report.take());
    }
    Some(Chain { total: piece.total, together, steps, links })
}

/// A base rule whose source is known.
struct Ready<'c> {
    rule: &'c Document,
    into: Into<'c>,
}

struct Builder<'b> {
    rules: Rules<'b>,
    /// What the whole is called.
    top: String,
    given: &'b Given<'b>,
}

impl<'b> Builder<'b> {
    fn step(
        &self,
        base: &Base<'b>,
        gaps: &[&Gap<'b>],
        taken: &[String],
        report: &mut Report<'_>,
    ) -> Option<(Step, Vec<Ready<'b>>)> {
        let (mut ready, mut selections) = (Vec::new(), Vec::new());
        let mut broken = false;
        for rule in &base.rules {
            let counted = base.count.as_ref().map(|count| &count.gap);
            let keys: Vec<String> = gaps
                .iter()
                .copied()
                .chain(counted)
                .flat_map(|gap| gap.keys.iter().map(|(key, _)| self.rules.field(gap.correlation, key, rule)))
                .collect();
            match self.selection(rule, &keys, report) {
                Some((chosen, selection)) => {
                    ready.push(Ready { rule, into: into(chosen.source) });
                    selections.push(selection);
                }
                None => broken = true,
            }
        }
        if broken {
            return None;
        }
        let first = *base.rules.first()?;
        let name = self.name(first, taken);
        let count = base.count.as_ref().and_then(|count| self.count(count, first, &ready, report));
        let of_step = |key: &(String, Span), gap: &Gap<'b>| self.renamed(gap, key, &ready);
        for gap in gaps.iter().copied().chain(base.count.as_ref().map(|count| &count.gap)) {
            for key in &gap.keys {
                for (selection, rename) in selections.iter_mut().zip(of_step(key, gap)) {
                    if let Some(rename) = rename.filter(|rename| !selection.renames.contains(rename)) {
                        selection.renames.push(rename);
                    }
                }
            }
        }
        let selections = merged(selections);
        Some((Step { name, selections, count, comments: report.take(), ..Step::default() }, ready))
    }

    fn selection(
        &self,
        rule: &'b Document,
        keys: &[String],
        report: &mut Report<'_>,
    ) -> Option<(Chosen<'b>, Selection)> {
        let condition = detection::condition(rule, report)?;
        let mut names: Vec<String> = keys.to_vec();
        condition.add_fields(&mut names);
        let from = (self.given.catalog, self.given.source);
        let chosen = logsource::chosen(rule, from, &names, report)?;
        let condition = limited(condition, &chosen, rule);
        let keys: Vec<&str> = keys.iter().map(String::as_str).collect();
        let carried = carry::carry(condition, into(chosen.source), &keys, report);
        let selection = Selection {
            source: chosen.source.name.clone(),
            renames: Vec::new(),
            condition: carried.condition,
            exceptions: carried.exceptions,
        };
        Some((chosen, selection))
    }

    fn name(&self, rule: &Document, taken: &[String]) -> String {
        let texts = [rule.text("name"), rule.text("title")];
        let own = texts.iter().map(|text| {
            let rest = text.strip_prefix(self.top.as_str()).filter(|_| !self.top.is_empty());
            let rest = rest.and_then(|rest| rest.strip_prefix(['-', '_'])).filter(|rest| !rest.is_empty());
            draft::name(rest.unwrap_or(text), "")
        });
        let own = own.into_iter().find(|name| !name.is_empty());
        draft::unique(own.unwrap_or_else(|| format!("step_{}", taken.len() + 1)), taken)
    }

    fn count(
        &self,
        count: &super::correlation::Count<'b>,
        rule: &Document,
        ready: &[Ready<'b>],
        report: &mut Report<'_>,
    ) -> Option<Count> {
        let into = ready.first()?.into;
        let mut by = Vec::new();
        let mut lost = false;
        for (key, span) in &count.gap.keys {
            let name = self.rules.field(count.gap.correlation, key, rule);
            match shared(into, &name, None) {
                Ok(field) if field.many => {
                    let why = format!("events are not counted by `{}`, which has several values", field.name);
                    report.left_out(&Loss::new(*span, why, "count by another field"));
                    lost = true;
                }
                Ok(field) => by.push(field.name.clone()),
                Err(why) => {
                    let why = format!("the count is left out, because its key is lost: {why}");
                    report.left_out(&Loss::new(*span, why, "name a field of the source, and count by it"));
                    lost = true;
                }
            }
        }
        if by.is_empty() && !lost {
            let why =
                "all events are counted together; the language counts by a key, so the count is left out";
            report.left_out(&Loss::new(count.gap.span, why, "name the key: `at least N within D by FIELD`"));
            return None;
        }
        let distinct = match &count.distinct {
            Some((name, span)) => {
                match shared(into, &self.rules.field(count.gap.correlation, name, rule), None) {
                    Ok(field) => Some(field.name.clone()),
                    Err(why) => {
                        let why = format!("the count is left out, because its field is lost: {why}");
                        report.left_out(&Loss::new(
                            *span,
                            why,
                            "name a field of the source, and count its values",
                        ));
                        lost = true;
                        None
                    }
                }
            }
            None => None,
        };
        // With fewer keys, more events would be counted together, and without the field, each.
        (!lost).then_some(Count { least: count.least, distinct, within: count.gap.within, by })
    }

    /// What a key is called in the first way to satisfy a step, and in the others.
    fn renamed(
        &self,
        gap: &Gap<'b>,
        (key, _): &(String, Span),
        ready: &[Ready<'b>],
    ) -> Vec<Option<(String, String)>> {
        let own = |ready: &Ready<'b>| {
            let name = self.rules.field(gap.correlation, key, ready.rule);
            shared(ready.into, &name, None).ok().map(|field| field.name.clone())
        };
        let first = ready.first().and_then(own);
        let rename = |ready: &Ready<'b>| {
            let (first, own) = (first.clone()?, own(ready)?);
            (first != own).then_some((first, own))
        };
        ready.iter().map(rename).collect()
    }

    fn link(
        &self,
        gap: &Gap<'b>,
        (key, span): &(String, Span),
        before: &(Step, Vec<Ready<'b>>),
        after: &(Step, Vec<Ready<'b>>),
        report: &mut Report<'_>,
    ) -> Option<String> {
        let (left, right) = (before.1.first()?, after.1.first()?);
        let names = [left, right].map(|ready| self.rules.field(gap.correlation, key, ready.rule));
        let [left_name, right_name] = &names;
        let left = Side { step: &before.0.name, into: left.into, key: left_name, span: *span };
        let right = Side { step: &after.0.name, into: right.into, key: right_name, span: *span };
        keys::join(left, right, report)
    }

    /// The fields that steps in any order share; a step in which one has another name renames it.
    fn shared(
        &self,
        gap: &Gap<'b>,
        steps: &mut [(Step, Vec<Ready<'b>>)],
        report: &mut Report<'_>,
    ) -> Vec<String> {
        let mut on = Vec::new();
        for (key, span) in &gap.keys {
            let name = |ready: &Ready<'b>| {
                shared(ready.into, &self.rules.field(gap.correlation, key, ready.rule), None)
            };
            let found: Result<Vec<Vec<String>>, String> = steps
                .iter()
                .map(|(_, ready)| ready.iter().map(|one| name(one).map(|field| field.name.clone())).collect())
                .collect();
            let found = match found {
                Ok(found) => found,
                Err(why) => {
                    let why =
                        format!("the key `{}` does not join the steps: {why}", crate::source::visible(key));
                    report.left_out(&Loss::new(*span, why, "name a field of all steps"));
                    continue;
                }
            };
            let Some(first) = found.first().and_then(|names| names.first()).cloned() else { continue };
            for ((step, _), names) in steps.iter_mut().zip(&found) {
                for (selection, own) in step.selections.iter_mut().zip(names) {
                    let rename = (first.clone(), own.clone());
                    if *own != first && !selection.renames.contains(&rename) {
                        selection.renames.push(rename);
                    }
                }
            }
            on.push(first);
        }
        keys::or_none(on, gap.span, report)
    }
}

fn into(source: &crate::catalog::Source) -> Into<'_> {
    Into { source, target: "sigma", may_widen: true }
}

/// The condition, and what the log source selects beside it.
fn limited(condition: Expr, chosen: &Chosen<'_>, rule: &Document) -> Expr {
    if chosen.actions.is_empty() {
        return condition;
    }
    let test = Test::Equal { values: chosen.actions.clone(), folds: false };
    joined(vec![Expr::canonical(&chosen.source.discriminator, rule.span(), test), condition], true)
}

/// Ways to satisfy a step whose source and names are the same are one way.
fn merged(selections: Vec<Selection>) -> Vec<Selection> {
    let mut merged: Vec<Selection> = Vec::new();
    for selection in selections {
        let same = merged.iter_mut().find(|other| {
            other.source == selection.source
                && other.renames == selection.renames
                && other.exceptions.is_empty()
                && selection.exceptions.is_empty()
        });
        match same {
            Some(other) => {
                other.condition = match (other.condition.take(), selection.condition) {
                    (Some(one), Some(two)) => super::super::cond::Cond::any([one, two]),
                    _ => None,
                };
            }
            None => merged.push(selection),
        }
    }
    merged
}
