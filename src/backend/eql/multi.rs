//! Columns that hold the values of all items of an event together, such as `related.entity`. One document cannot say
//! which value belongs to which item, so a test is printed wider than it is: what it demands is demanded of any value,
//! and what it exempts is exempted only where the document proves that every item has it.
//!
//! In: a test of such a column. Out: a condition that holds at least where the test holds for one of the event's
//! records. Must not know: columns with one value.

use std::borrow::Cow;

use super::Eql;
use super::column::{Column, Kind};
use super::keys::Cell;
use super::literal::{self, Frag};
use super::refusal::Refusal;
use super::text::{NOT_IN_LIKE, Wanted, like_operator, with_wildcards};
use crate::backend::bind::{BoundSelection, BoundTest};
use crate::backend::print::phrase;
use crate::backend::schema::Variant;
use crate::backend::truth::Truth;
use crate::backend::{Effect, Report};
use crate::catalog::{Single, TextOf};
use crate::ir::{Case, Pattern, PatternPart, Pred, TestKind};

/// What the tests of an item of a sequence must know of it.
pub(super) struct Item<'b, 'a> {
    /// One of the alternatives of its step.
    pub(super) selection: &'b BoundSelection<'a, Eql>,
    /// Its filter.
    pub(super) filter: &'b Pred,
    /// The keys by which the sequence joins it.
    pub(super) keys: &'b [Cell<'a>],
}

impl Item<'_, '_> {
    /// Whether the sequence joins the item by a field, so that it is there.
    pub(super) fn has_key(&self, field: &Frag) -> bool {
        self.keys.iter().any(|key| key.field == *field)
    }
}

/// The test, or its negation.
pub(super) fn print(
    item: &Item<'_, '_>,
    test: &BoundTest<'_, Eql>,
    column: &Column,
    negated: bool,
    report: &mut Report,
) -> Result<Truth<Frag>, Refusal> {
    match &test.test.kind {
        TestKind::Exists if negated => Err(unprovable("whether every item of a call has the field")),
        TestKind::Exists => Ok(Truth::Test(literal::found(&column.name))),
        TestKind::Equals { .. }
        | TestKind::Like { .. }
        | TestKind::Substring { .. }
        | TestKind::InList { .. } => {
            let wanted = Wanted::of(&test.test.kind, test);
            if negated {
                exempted(item, test, column, &wanted, report)
            } else {
                demanded(item, test, column, &wanted)
            }
        }
        TestKind::Matches { .. }
        | TestKind::Order { .. }
        | TestKind::InNetworks { .. }
        | TestKind::SameAs { .. }
        | TestKind::TextOf { .. }
        | TestKind::Values(_) => Err(Refusal::new(
            "Elastic keeps the values of all items of a call in one field",
            "use `==`, `in` or `like` with this field",
        )),
    }
}

fn unprovable(what: &str) -> Refusal {
    Refusal::new(
        phrase!("Elastic keeps the values of all items of a call in one field, so it cannot tell {what}"),
        "put the exception on a field of the call itself, such as the caller, or filter the alerts in the SIEM",
    )
}

/// One of the values matches; or the text says so, for the field may lack values that the text has, and the other way
/// round.
fn demanded(
    item: &Item<'_, '_>,
    test: &BoundTest<'_, Eql>,
    column: &Column,
    wanted: &Wanted<'_>,
) -> Result<Truth<Frag>, Refusal> {
    let found = wanted.print(&column.name)?;
    if matches!(found, Truth::Always(_)) {
        return Ok(found);
    }
    let joins_another = |key: &Cell<'_>| key.field == column.name && key.name != test.field.name;
    let more = match &column.text {
        Some(map) => said(map, &wanted.patterns, wanted.case),
        None if item.keys.iter().any(joins_another) => fence(),
        None => Truth::Always(false),
    };
    Ok(Truth::any([found, more]))
}

/// Never true: the kinds of Elastic's common schema are fixed. Elasticsearch copies a condition on a join key to the
/// other items of a sequence, unless it contains an `or`. That would be wrong where one field holds several values, and
/// the tested one is not the one that joins.
fn fence() -> Truth<Frag> {
    Truth::Test(literal::compare(&literal::field("event.kind"), "==", &literal::string("never")))
}

/// The text shows a value of one of the patterns: followed by the next key or the end of the map.
fn said(map: &TextOf, patterns: &[Cow<'_, Pattern>], case: Case) -> Truth<Frag> {
    // A character that `like` cannot have as itself, or whose case it would not ignore, becomes "any character".
    let sure = |c: char| !NOT_IN_LIKE.contains(&c) && (case == Case::Sensitive || c.is_ascii());
    let shown = |pattern: &Cow<'_, Pattern>| {
        let value = with_wildcards(pattern, |c| if sure(c) { c } else { '?' });
        // The order of the keys in the text is not fixed, so the value may stand last.
        let ends: &[&str] = if value.ends_with('*') { &[""] } else { &[",*", "}*"] };
        let around = |end| literal::string(&phrase!("*{}={value}{end}", map.key));
        ends.iter().map(around).collect::<Vec<_>>()
    };
    let literals: Vec<_> = patterns.iter().flat_map(shown).collect();
    Truth::Test(literal::one_of(&literal::field(&map.field), like_operator(case), &literals))
}

/// The negated test: holds unless the call has one value of the field, and that is a wanted one.
fn exempted(
    item: &Item<'_, '_>,
    test: &BoundTest<'_, Eql>,
    column: &Column,
    wanted: &Wanted<'_>,
    report: &mut Report,
) -> Result<Truth<Frag>, Refusal> {
    if wanted.patterns.is_empty() {
        return Ok(Truth::Always(true));
    }
    let Some(single) = &column.single else {
        return Err(unprovable("whether every item of a call has one of these values"));
    };
    // Another pattern might match a value of another field that is kept with it.
    let is_of_field = |pattern: &Cow<'_, Pattern>| match pattern.parts.first() {
        Some(PatternPart::Text(first)) => {
            first.starts_with(&single.prefix) && (wanted.case == Case::Sensitive || first.is_ascii())
        }
        Some(PatternPart::Any | PatternPart::One) | None => false,
    };
    let (sure, unsure): (Vec<_>, Vec<_>) = wanted.patterns.iter().cloned().partition(is_of_field);
    for pattern in &unsure {
        let (shown, field) = (with_wildcards(pattern, |c| c), test.field.name);
        let prefix = &single.prefix;
        let message =
            phrase!("`{shown}` exempts no `{field}` in Elastic: only what begins with `{prefix}` does");
        report.note(Effect::Superset, test.test.span, message);
    }
    if sure.is_empty() {
        return Err(unprovable(
            "which value of a call is one of this field; those that begin as it does work",
        ));
    }
    let sure = Wanted { patterns: sure, case: wanted.case };
    let proof = Truth::all([sure.print(&column.name)?, Truth::all(only_if(item, single)?)]);
    // Also where the field joins the item and is there: with an `or`, Elasticsearch does not copy the condition to the
    // other items of the sequence, which may have several values of it too.
    Ok(Truth::any([Truth::Test(literal::missing(&column.name)), proof.not()]))
}

/// Where a call has one value of the field; what the step demands anyway is left out.
fn only_if(item: &Item<'_, '_>, single: &Single) -> Result<Vec<Truth<Frag>>, Refusal> {
    let is_demanded = |name: &str, value: &str| {
        let known = item.filter.required_texts(name);
        known.is_some_and(|known| known.strings().iter().all(|known| known == value))
    };
    let test = |(name, value): (&String, &String)| {
        let variants = item.selection.schema.fields.get(name).map(|field| field.variants.as_slice());
        if let Some([Variant { column: Ok(column), .. }]) = variants
            && column.kind == Kind::Text
            && !column.multi
        {
            return Ok(Truth::Test(literal::compare(&column.name, "==", &literal::string(value))));
        }
        let reason = phrase!("`only_if` names `{name}`, which Elastic does not keep as one text");
        Err(Refusal::new(reason, "correct it in the source file or in `catena.yaml`"))
    };
    single.only_if.iter().filter(|(name, value)| !is_demanded(name, value)).map(test).collect()
}
