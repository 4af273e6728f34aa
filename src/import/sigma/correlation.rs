//! What a Sigma correlation means as a chain.
//!
//! In: documents that refer to each other. Out: base rules in order, with windows, keys and counts. Must not know:
//! sources, canonical fields. After the correlation specification 2.1.

use crate::diag::Code;
use crate::source::Span;

use super::super::report::{Loss, Report};
use super::document::{At, Document};

/// A chain of base rules.
#[derive(Debug, Default)]
pub(super) struct Piece<'d> {
    pub(super) steps: Vec<Base<'d>>,
    /// One fewer than steps, but of steps in any order.
    pub(super) gaps: Vec<Gap<'d>>,
    /// The window of steps in any order.
    pub(super) together: Option<Gap<'d>>,
    /// The longest time from the first to the last, where the gaps do not say it.
    pub(super) total: Option<u64>,
}

/// What must come: one of some base rules.
#[derive(Debug, Clone)]
pub(super) struct Base<'d> {
    pub(super) rules: Vec<&'d Document>,
    pub(super) count: Option<Count<'d>>,
}

/// How often it must come.
#[derive(Debug, Clone)]
pub(super) struct Count<'d> {
    pub(super) least: u64,
    pub(super) distinct: Option<(String, Span)>,
    pub(super) gap: Gap<'d>,
}

/// A window and the keys of a correlation.
#[derive(Debug, Clone)]
pub(super) struct Gap<'d> {
    pub(super) correlation: &'d Document,
    pub(super) within: u64,
    pub(super) keys: Vec<(String, Span)>,
    pub(super) span: Span,
}

/// All documents of an import.
#[derive(Debug, Clone, Copy)]
pub(super) struct Rules<'d> {
    pub(super) documents: &'d [Document],
}

/// How deep correlations may refer to each other.
const DEEPEST: usize = 8;
/// A window where the rule states none.
const OTHERWISE: u64 = 3_600;

impl<'d> Rules<'d> {
    /// The rule that is called so.
    pub(super) fn find(self, reference: &str) -> Option<&'d Document> {
        let is_called =
            |key: &'static str| move |rule: &&Document| !reference.is_empty() && rule.text(key) == reference;
        let all = || self.documents.iter();
        all()
            .find(is_called("name"))
            .or_else(|| all().find(is_called("id")))
            .or_else(|| all().find(is_called("title")))
    }

    /// The field that a key of a correlation is in a base rule.
    pub(super) fn field(self, correlation: &Document, key: &str, base: &Document) -> String {
        self.field_at(correlation, key, base, 0).unwrap_or_else(|| key.to_owned())
    }

    fn field_at(self, correlation: &Document, key: &str, base: &Document, depth: usize) -> Option<String> {
        if depth > DEEPEST {
            return None;
        }
        let stated = correlation.get("correlation")?;
        let aliases = stated.get("aliases").and_then(|aliases| aliases.get(key));
        let entries = aliases.map(At::entries).unwrap_or_default();
        let own = entries.iter().find(|(reference, _)| base.is_called(reference));
        if let Some((_, field)) = own {
            return Some(field.text().to_owned());
        }
        // Through the correlations that it joins: their key of this name.
        let inner = references(stated).into_iter().filter_map(|one| self.find(one.text()));
        inner.filter(|inner| inner.get("correlation").is_some()).find_map(|inner| {
            let has = self.bases(inner, 0).iter().any(|one| std::ptr::eq(*one, base));
            if has { self.field_at(inner, key, base, depth + 1) } else { None }
        })
    }

    fn bases(self, rule: &'d Document, depth: usize) -> Vec<&'d Document> {
        let Some(stated) = rule.get("correlation") else { return vec![rule] };
        if depth > DEEPEST {
            return Vec::new();
        }
        let inner = references(stated).into_iter().filter_map(|one| self.find(one.text()));
        inner.flat_map(|inner| self.bases(inner, depth + 1)).collect()
    }

    /// What a rule means.
    pub(super) fn piece(
        self,
        rule: &'d Document,
        depth: usize,
        report: &mut Report<'_>,
    ) -> Option<Piece<'d>> {
        let Some(stated) = rule.get("correlation") else {
            let step = Base { rules: vec![rule], count: None };
            return Some(Piece { steps: vec![step], ..Piece::default() });
        };
        let references = references(stated);
        if depth > DEEPEST || references.is_empty() {
            let why = if depth > DEEPEST {
                "correlations refer to each other in a circle"
            } else {
                "a correlation without rules"
            };
            wrong(report, &Loss::new(stated.key_span(), why, "list the rules that it joins"));
            return None;
        }
        let mut inner = Vec::new();
        for reference in &references {
            let Some(found) = self.find(reference.text()) else {
                let why = format!("no rule is called `{}`", crate::source::visible(reference.text()));
                let help = "give the file that has it as well";
                wrong(report, &Loss::new(reference.span(), why, help));
                continue;
            };
            let piece = self.piece(found, depth + 1, report)?;
            inner.push((*reference, piece));
        }
        if inner.len() < references.len() {
            return None;
        }
        said_elsewhere(rule, stated, report);
        let gap = gap(rule, stated, report);
        let kind = stated.get("type");
        match kind.map_or("", At::text) {
            "temporal_ordered" => {
                at_least(stated, inner.len(), report);
                Some(ordered(inner, &gap, report))
            }
            "temporal" => {
                at_least(stated, inner.len(), report);
                Some(unordered(inner, gap, report))
            }
            "event_count" => Some(counted(inner, stated, gap, false, report)),
            "value_count" => Some(counted(inner, stated, gap, true, report)),
            other => {
                let other = crate::source::visible(other);
                let why = format!(
                    "a correlation of the type `{other}`; its condition is left out, so that every event counts"
                );
                let help = "the language counts events and values; it has no sums";
                report.left_out(&Loss::new(kind.unwrap_or(stated).span(), why, help));
                let rules = inner.into_iter().flat_map(|(_, piece)| piece.steps).flat_map(|step| step.rules);
                let step = Base { rules: rules.collect(), count: None };
                Some(Piece { steps: vec![step], ..Piece::default() })
            }
        }
    }
}

fn wrong(report: &mut Report<'_>, loss: &Loss) {
    report.error(Code::BadSigma, "not a Sigma rule", loss);
}

fn references(stated: At<'_>) -> Vec<At<'_>> {
    stated.get("rules").map(At::items).unwrap_or_default()
}

/// What the draft has no place for.
fn said_elsewhere(rule: &Document, stated: At<'_>, report: &mut Report<'_>) {
    let generate = stated.get("generate").or_else(|| rule.get("generate"));
    if let Some(generate) = generate.filter(|one| one.text() == "true") {
        let why = "`generate` has the base rules alert by themselves too";
        report.left_out(&Loss::new(generate.key_span(), why, "import each base rule as a rule of its own"));
    }
}

fn gap<'d>(rule: &'d Document, stated: At<'d>, report: &mut Report<'_>) -> Gap<'d> {
    let timespan = stated.get("timespan").or_else(|| stated.get("timeframe"));
    let span = timespan.unwrap_or(stated).span();
    let within = timespan.and_then(|one| seconds(one.text()));
    if within.is_none() {
        let why = match timespan {
            Some(one) => format!(
                "the timespan `{}` is not known; an hour stands in its place",
                crate::source::visible(one.text())
            ),
            None => "the correlation has no timespan; an hour stands in its place".to_owned(),
        };
        report.inexact(&Loss::new(span, why, "write the window that is meant"));
    }
    let keys = stated.get("group-by").map(At::items).unwrap_or_default();
    let keys = keys.into_iter().map(|key| (key.text().to_owned(), key.span()));
    Gap { correlation: rule, within: within.unwrap_or(OTHERWISE), keys: keys.collect(), span }
}

/// A timespan in seconds: one number and one unit. Months and years are no fixed time.
fn seconds(text: &str) -> Option<u64> {
    let unit = text.chars().last()?;
    let number: u64 = text.strip_suffix(unit)?.trim().parse().ok()?;
    let length = match unit {
        's' => 1,
        'm' => 60,
        'h' => 3_600,
        'd' => 86_400,
        'w' => 604_800,
        _ => return None,
    };
    number.checked_mul(length).filter(|seconds| *seconds > 0)
}

/// How many of the rules must come: here it is each of them.
fn at_least(stated: At<'_>, rules: usize, report: &mut Report<'_>) {
    let Some(condition) = stated.get("condition") else { return };
    let asks_all = match condition.entries().as_slice() {
        [("gte" | "eq", number)] => number.text().parse() == Ok(rules),
        [("gt", number)] => number.text().parse::<usize>().is_ok_and(|number| number + 1 == rules),
        _ => false,
    };
    if !asks_all {
        let why = format!("another condition than that all {rules} rules come; here all must come");
        report.inexact(&Loss::new(
            condition.key_span(),
            why,
            "write a rule for each set of steps that is meant",
        ));
    }
}

/// Pieces in order.
fn ordered<'d>(inner: Vec<(At<'d>, Piece<'d>)>, gap: &Gap<'d>, report: &mut Report<'_>) -> Piece<'d> {
    let count = inner.len();
    let mut whole = Piece::default();
    let mut first_length = 0;
    for (number, (reference, piece)) in inner.into_iter().enumerate() {
        let mut piece = in_one_order(piece, reference, report);
        if number == 0 {
            first_length = piece.gaps.iter().map(|gap| gap.within).sum();
            whole = piece;
            continue;
        }
        let is_shared = matches!((whole.steps.last(), piece.steps.first()), (Some(before), Some(first))
            if piece.steps.len() > 1 && before.count.is_none() && first.count.is_none()
                && same(&before.rules, &first.rules));
        if is_shared {
            let why = "two correlations share a rule; here one event is that of both";
            report.inexact(&Loss::new(reference.span(), why, "keep it, if one event is meant"));
            piece.steps.remove(0);
        } else {
            if piece.steps.len() > 1 {
                let why = "a correlation that need not begin after the one before it ends; here it does";
                report.inexact(&Loss::new(reference.span(), why, "see whether their steps may overlap"));
            }
            whole.gaps.push(gap.clone());
        }
        whole.steps.extend(piece.steps);
        whole.gaps.extend(piece.gaps);
    }
    if count > 2 {
        // A chain that begins with a count begins with the first event that is counted.
        let counted =
            whole.steps.first().and_then(|step| step.count.as_ref()).map_or(0, |count| count.gap.within);
        let total = first_length.saturating_add(gap.within);
        let sum = whole.gaps.iter().fold(0_u64, |sum, gap| sum.saturating_add(gap.within));
        whole.total = (total < sum).then_some(total.saturating_add(counted));
    }
    whole
}

fn same(one: &[&Document], other: &[&Document]) -> bool {
    one.len() == other.len() && one.iter().zip(other).all(|(one, other)| std::ptr::eq(*one, *other))
}

/// A piece with an order: of one in any order the one in which it is written.
fn in_one_order<'d>(piece: Piece<'d>, reference: At<'d>, report: &mut Report<'_>) -> Piece<'d> {
    let Some(gap) = piece.together else { return piece };
    let why = "rules in any order inside of others in order; here they come in this one";
    report.inexact(&Loss::new(reference.span(), why, "write a rule for each order"));
    let gaps = vec![gap; piece.steps.len().saturating_sub(1)];
    Piece { together: None, gaps, ..piece }
}

/// Pieces in any order.
fn unordered<'d>(inner: Vec<(At<'d>, Piece<'d>)>, gap: Gap<'d>, report: &mut Report<'_>) -> Piece<'d> {
    let mut whole = Piece::default();
    for (reference, piece) in inner {
        if piece.steps.len() > 1 {
            let why = "a correlation inside of one in any order; here its rules may come in any order too";
            report.inexact(&Loss::new(reference.span(), why, "write a rule for each order"));
        }
        whole.steps.extend(piece.steps);
    }
    if whole.steps.len() > 1 {
        whole.together = Some(gap);
    }
    whole
}

/// So many events, or values of a field, of one or several rules.
fn counted<'d>(
    inner: Vec<(At<'d>, Piece<'d>)>,
    stated: At<'d>,
    gap: Gap<'d>,
    of_values: bool,
    report: &mut Report<'_>,
) -> Piece<'d> {
    let mut rules = Vec::new();
    for (reference, piece) in inner {
        if piece.steps.len() > 1 || piece.steps.iter().any(|step| step.count.is_some()) {
            let why = "the alerts of a correlation are counted; here it is the events of its last rule";
            report.inexact(&Loss::new(reference.span(), why, "count what is meant"));
        }
        rules.extend(piece.steps.into_iter().next_back().map(|step| step.rules).unwrap_or_default());
    }
    let condition = stated.get("condition");
    let least = condition.and_then(least);
    let distinct = condition.and_then(|one| one.get("field")).filter(|_| of_values);
    let several = distinct.map(At::items).unwrap_or_default();
    let field = several.first().map(|one| (one.text().to_owned(), one.span()));
    if several.len() > 1 {
        let why = "values of several fields are counted together; here those of the first";
        report.inexact(&Loss::new(distinct.unwrap_or(stated).span(), why, "count those of one field"));
    }
    let count = match (least, of_values, &field) {
        (Some(least), true, Some(_)) | (Some(least), false, _) if least > 1 => {
            Some(Count { least, distinct: field, gap })
        }
        (Some(_), _, _) if !of_values || field.is_some() => None,
        _ => {
            let why =
                "a count that is not `gte` or `gt` a number; it is left out, so that every event counts";
            let span = condition.unwrap_or(stated).key_span();
            report.left_out(&Loss::new(span, why, "the language counts up: `at least N`"));
            None
        }
    };
    Piece { steps: vec![Base { rules, count }], ..Piece::default() }
}

/// The least number that satisfies a condition, if every greater one does too.
fn least(condition: At<'_>) -> Option<u64> {
    let entries = condition.entries();
    let tests: Vec<_> = entries.iter().filter(|(key, _)| *key != "field" && *key != "percentile").collect();
    match tests.as_slice() {
        [(op, number)] if *op == "gte" => number.text().parse().ok(),
        [(op, number)] if *op == "gt" => number.text().parse::<u64>().ok()?.checked_add(1),
        _ => None,
    }
}
