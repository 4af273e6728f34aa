//! Columns that hold the values of all items of an event together, such as `related.entity`. One document cannot say
//! which value belongs to which item, so a test is printed wider than it is: what it demands is demanded of any value,
//! and what it excuses is excused only where the document proves that every item has it.
//!
//! In: a test of such a column. Out: a [`Frag`] that holds at least where the test holds for one of the event's
//! records. Must not know: columns with one value.

use super::predicate::{Item, Refusal, all, any, missing, not, require_limits, too_long};
use super::text::{self, Alternative, NOT_IN_LIKE};
use super::{literal, predicate};
use crate::backend::print::{Frag, phrase};
use crate::backend::{Effect, Report};
use crate::catalog::{Mapped, TextOf};
use crate::ir::{Case, Field, FieldTest, Pattern, PatternPart, TestKind, Type};

/// Never true: the kinds of Elastic's common schema are fixed. Elasticsearch copies a condition on a join key to the
/// other items of a sequence, unless it contains an `or`. That would be wrong where one field holds several values, and
/// the tested one is not the one that joins.
const FENCE: &str = "event.kind == \"never\"";

/// The test, or its negation.
pub(super) fn print(
    item: &Item<'_>,
    test: &FieldTest,
    column: &Mapped,
    negated: bool,
    report: &mut Report,
) -> Result<Frag, Refusal> {
    let Some(field) = column.field.as_deref() else {
        return Err(Refusal::new("the source file gives no field for it", "give the column as `field`"));
    };
    let name = literal::field(field);
    if let TestKind::InList { list } = &test.kind {
        require_limits(item.job.rule.lists.get(*list).map_or(0, |list| list.entries.len()), report);
    }
    match (&test.kind, negated) {
        (TestKind::Exists, false) => Ok(Frag::test(phrase!("{} != null", name.text()))),
        (TestKind::Exists, true) => Err(excuse("whether every item of a call has the field")),
        (
            TestKind::Equals { .. }
            | TestKind::Like { .. }
            | TestKind::Substring { .. }
            | TestKind::InList { .. },
            _,
        ) => {
            let alternatives = text::alternatives(&test.kind, &item.job.rule.lists);
            if negated {
                let proof = Proof { item, test, column, name };
                proof.excused(&alternatives, report)
            } else {
                demanded(item, test, column, &name, &alternatives)
            }
        }
        (
            TestKind::Matches { .. }
            | TestKind::Order { .. }
            | TestKind::InNetworks { .. }
            | TestKind::SameAs { .. },
            _,
        ) => Err(Refusal::new(
            "Elastic keeps the values of all items of a call in one field",
            "use `==`, `in` or `like` with this field",
        )),
    }
}

fn excuse(what: &str) -> Refusal {
    Refusal::new(
        phrase!("Elastic keeps the values of all items of a call in one field, so it cannot tell {what}"),
        "put the exception on a field of the call itself, such as the caller, or filter the alerts in the SIEM",
    )
}

/// One of the values satisfies one of the alternatives; or the text says so, for the field may lack values that the
/// text has, and the other way round.
fn demanded(
    item: &Item<'_>,
    test: &FieldTest,
    column: &Mapped,
    name: &Frag,
    alternatives: &[Alternative<'_>],
) -> Result<Frag, Refusal> {
    let mut parts = text::print(name, alternatives).map_err(too_long)?;
    if parts.is_empty() {
        return Ok(any(parts));
    }
    let other = |(physical, key): &(String, String)| {
        Some(physical) == column.field.as_ref() && *key != test.field.name
    };
    if let Some(text) = &column.text {
        let said: Vec<_> =
            alternatives.iter().filter_map(pattern_of).flat_map(|found| said(text, found)).collect();
        parts.push(text::one_of(&literal::field(&text.field), like_of(alternatives), &said));
    } else if item.joined.iter().any(other) {
        parts.push(Frag::test(FENCE));
    }
    Ok(any(parts))
}

fn pattern_of<'a>(alternative: &'a Alternative<'_>) -> Option<(&'a Pattern, Case)> {
    match alternative {
        Alternative::Pattern(pattern, case) => Some((pattern.as_ref(), *case)),
        Alternative::Search(_) => None,
    }
}

fn like_of(alternatives: &[Alternative<'_>]) -> &'static str {
    let ignores = alternatives.iter().filter_map(pattern_of).any(|(_, case)| case == Case::Ignore);
    if ignores { "like~" } else { "like" }
}

/// How the text shows a value of the pattern: followed by the next key or the end of the map. A character that `like`
/// cannot have as itself, or whose case it would not ignore, becomes "any character".
fn said(text: &TextOf, (pattern, case): (&Pattern, Case)) -> Vec<Frag> {
    let unsure = |c: &char| NOT_IN_LIKE.contains(c) || (case == Case::Ignore && !c.is_ascii());
    let mut value = String::new();
    for part in &pattern.parts {
        match part {
            PatternPart::Any => value.push('*'),
            PatternPart::One => value.push('?'),
            PatternPart::Text(text) => value.extend(text.chars().map(|c| if unsure(&c) { '?' } else { c })),
        }
    }
    shown(&text.key, &value)
}

fn shown(key: &str, value: &str) -> Vec<Frag> {
    let ends: &[&str] = if value.ends_with('*') { &[""] } else { &[",*", "}*"] };
    ends.iter().map(|end| literal::string(&phrase!("*{key}={value}{end}"))).collect()
}

/// What it takes to excuse a whole call.
struct Proof<'a> {
    item: &'a Item<'a>,
    test: &'a FieldTest,
    column: &'a Mapped,
    name: Frag,
}

impl Proof<'_> {
    /// The negated test: holds unless the text names the key exactly once, with a value of an alternative, and the
    /// call's values have it too (the text also holds what the caller wrote freely, such as tags).
    fn excused(&self, alternatives: &[Alternative<'_>], report: &mut Report) -> Result<Frag, Refusal> {
        if alternatives.is_empty() {
            return Ok(Frag::atom("true"));
        }
        let Some(text) = &self.column.text else {
            return Err(excuse("whether every item of a call has one of these values"));
        };
        let (sure, unsure): (Vec<_>, Vec<_>) =
            alternatives.iter().partition(|alternative| provable(alternative));
        self.note(&unsure, report);
        if sure.is_empty() {
            return Err(excuse(
                "where such a value ends in its text; exact values and prefixes such as `ami-0a*` work",
            ));
        }
        let values: Vec<_> = sure.iter().filter_map(|alternative| pattern_of(alternative)).collect();
        let operator = if values.iter().any(|(_, case)| *case == Case::Ignore) { "like~" } else { "like" };
        let said: Vec<_> = values.iter().flat_map(|&found| said(text, found)).collect();
        let sure: Vec<_> = values
            .iter()
            .map(|(pattern, case)| Alternative::Pattern(std::borrow::Cow::Borrowed(*pattern), *case))
            .collect();
        let field = literal::field(&text.field);
        let twice = literal::string(&phrase!("*{key}=*{key}=*", key = text.key));
        let mut proof = vec![any(text::print(&self.name, &sure).map_err(too_long)?)];
        proof.extend(self.only_if(text, report));
        proof.push(text::one_of(&field, operator, &said));
        proof.push(not(&text::one_of(&field, "like", &[twice])));
        Ok(any(vec![missing(&self.name), missing(&field), not(&all(proof))]))
    }

    /// Where the text speaks of the field at all; what the step demands anyway is left out.
    fn only_if(&self, text: &TextOf, report: &mut Report) -> Vec<Frag> {
        let demanded = &self.item.demanded;
        let settled = |name: &str, value: &String| {
            demanded.get(name).is_some_and(|known| known.iter().all(|known| known == value))
        };
        let open = text.only_if.iter().filter(|(name, value)| !settled(name, value));
        open.map(|(name, value)| {
            let field = Field { name: name.clone(), ty: Type::String, span: self.test.span };
            predicate::equals(self.item, field, value, report)
        })
        .collect()
    }

    fn note(&self, unsure: &[&Alternative<'_>], report: &mut Report) {
        let field = &self.test.field.name;
        report.note(
            Effect::Superset,
            self.test.span,
            phrase!("a call that names several `{field}`, or whose text is longer than Elastic keeps, is never excused"),
        );
        for (pattern, _) in unsure.iter().filter_map(|alternative| pattern_of(alternative)) {
            let shown = display(pattern);
            report.note(
                Effect::Superset,
                self.test.span,
                phrase!("`{shown}` excuses no `{field}` in Elastic: only exact values and prefixes can be told for sure"),
            );
        }
    }
}

/// Whether the text proves the value: an exact one or a prefix, without the signs that end a value in the text.
fn provable(alternative: &Alternative<'_>) -> bool {
    let Some((pattern, case)) = pattern_of(alternative) else { return false };
    let ([PatternPart::Text(text)] | [PatternPart::Text(text), PatternPart::Any]) = pattern.parts.as_slice()
    else {
        return false;
    };
    !text.contains(NOT_IN_LIKE)
        && !text.contains([',', '}', '='])
        && (case == Case::Sensitive || text.is_ascii())
}

fn display(pattern: &Pattern) -> String {
    pattern
        .parts
        .iter()
        .map(|part| match part {
            PatternPart::Text(text) => text.as_str(),
            PatternPart::Any => "*",
            PatternPart::One => "?",
        })
        .collect()
}
