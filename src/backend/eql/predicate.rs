//! Conditions in EQL. Elasticsearch, and the `eql` package in its own way, take a comparison with a missing field for
//! null; so each test is printed such that it is false or null on a missing field and its negation true, in both.
//!
//! In: a step. Out: [`Frag`]s to be joined by `and`. Must not know: chains, stages. Columns that hold the values of all
//! items of an event together are [`super::multi`]'s.

use super::Eql;
use super::cases;
use super::column::{Column, Kind};
use super::literal::{self, Frag};
use super::multi::{self, Item};
use super::network;
use super::positive::{other, positive};
use super::refusal::Refusal;
use super::text::Wanted;
use super::values;
use crate::backend::Report;
use crate::backend::bind::{BoundField, BoundTest};
use crate::backend::print::phrase;
use crate::backend::truth::Truth;
use crate::ir::{List, TestKind};

/// The condition of an item; problems go to `report`.
pub(super) fn condition(item: &Item<'_, '_>, report: &mut Report) -> Vec<Frag> {
    let condition = &item.selection.condition;
    // Where a test stands need not be known: negation is at the tests alone, so under `and` and `or` a null test does
    // what a false one does.
    conjuncts(condition.settle(false, true, &mut |test, negated, _| print(item, test, negated, report)))
}

/// The test that a field is present: not missing, and none of the texts that mean "no value".
pub(super) fn present(name: &Frag, absent: &[&str]) -> Frag {
    guarded(name, absent, Truth::Test(literal::found(name))).text()
}

/// The parts that must all hold; none if it always does.
fn conjuncts(condition: Truth<Frag>) -> Vec<Frag> {
    match condition {
        Truth::Always(true) => Vec::new(),
        Truth::All(parts) => parts.into_iter().map(Truth::text).collect(),
        Truth::Always(false) | Truth::Test(_) | Truth::Not(_) | Truth::Any(_) => vec![condition.text()],
    }
}

/// A test as one fragment, unless it is constant: each way to read its field with the actions that it is for.
fn print(item: &Item<'_, '_>, test: &BoundTest<'_, Eql>, negated: bool, report: &mut Report) -> Truth<Frag> {
    let kinds = if let TestKind::Values(test) = &test.test.kind { test.tests.as_slice() } else { &[] };
    for kind in kinds.iter().chain([&test.test.kind]) {
        if let TestKind::InList { list, case: _ } = kind {
            test.list(*list).into_iter().for_each(|list| require_limits(list, report));
        }
    }
    let action = item.selection.action.as_ref().and_then(BoundField::only).map(|way| &way.column.name);
    let (mut parts, mut named) = (Vec::new(), Vec::new());
    for way in &test.field.ways {
        let actions: Vec<_> = way.actions.iter().map(|action| literal::string(action)).collect();
        let selected = match action {
            Some(action) if !actions.is_empty() => Truth::Test(literal::one_of(action, "in", &actions)),
            Some(action) if !named.is_empty() => {
                // An event without an action is read in the last way, and `not … in` by itself is null for it.
                let missing = Truth::Test(literal::missing(action));
                Truth::any([missing, Truth::Test(literal::one_of(action, "in", &named)).not()])
            }
            Some(_) | None => Truth::Always(true),
        };
        named.extend(actions);
        let absent = way.column.absent(way.placeholders);
        parts.push(Truth::all([selected, one_way(item, test, way.column, &absent, negated, report)]));
    }
    whole(Truth::any(parts))
}

/// What is joined inside keeps its parentheses.
fn whole(printed: Truth<Frag>) -> Truth<Frag> {
    match printed {
        Truth::Always(_) => printed,
        Truth::Test(_) | Truth::Not(_) | Truth::All(_) | Truth::Any(_) => Truth::Test(printed.text()),
    }
}

fn one_way(
    item: &Item<'_, '_>,
    test: &BoundTest<'_, Eql>,
    column: &Column,
    absent: &[&str],
    negated: bool,
    report: &mut Report,
) -> Truth<Frag> {
    let printed = if !column.cases.is_empty() {
        cases::print(test, &column.cases, negated)
    } else if column.multi {
        multi::print(item, test, column, negated, report)
    } else if let TestKind::Values(asked) = &test.test.kind {
        values::print(test, asked, column, absent, negated, report)
    } else {
        single(item, test, column, absent, negated)
    };
    let refusal = match printed.map(whole) {
        Ok(Truth::Test(printed)) if literal::is_misread(&printed) => Refusal::new(
            "a hidden character of the value has another one or a `}` after it, and readers of EQL disagree on where its escape ends",
            "compare with a part of the value, or use `like` with `?` in their place",
        ),
        Ok(printed) => return printed,
        Err(refusal) => refusal,
    };
    report.error(refusal.of(test.test));
    Truth::Always(false)
}

/// A test of a column with one value. A text that means "no value" may satisfy the test as a text; the field is missing
/// all the same.
fn single(
    item: &Item<'_, '_>,
    test: &BoundTest<'_, Eql>,
    column: &Column,
    absent: &[&str],
    negated: bool,
) -> Result<Truth<Frag>, Refusal> {
    let found = positive(&test.test.kind, test, column)?;
    if let Truth::Always(truth) = found {
        return Ok(Truth::Always(truth != negated));
    }
    let name = &column.name;
    // A key is there, and says so once.
    let is_key = item.has_key(name);
    let fooled: Vec<_> = absent.iter().copied().filter(|text| !is_key && test.could_pass(text)).collect();
    if !negated {
        return Ok(guarded(name, &fooled, found));
    }
    let opposite = match constant(test, column) {
        // That the field is missing, or holds a text for that, is all that this negation says.
        _ if test.test.kind == TestKind::Exists => Truth::Always(false),
        Some(constant) => Truth::Test(literal::compare(name, "!=", &constant)),
        None => found.not(),
    };
    let missing = (!is_key).then(|| Truth::Test(literal::missing(name)));
    // The field it compares with may be missing as well.
    let missing =
        missing.into_iter().chain(other(test).map(|other| Truth::Test(literal::missing(&other.name))));
    Ok(Truth::any(missing.chain(compared(name, "==", &fooled)).chain([opposite])))
}

/// The test, and that the field is none of the texts.
fn guarded(name: &Frag, absent: &[&str], found: Truth<Frag>) -> Truth<Frag> {
    Truth::all(std::iter::once(found).chain(compared(name, "!=", absent)))
}

fn compared(name: &Frag, operator: &'static str, texts: &[&str]) -> Vec<Truth<Frag>> {
    let compare = |text: &&str| Truth::Test(literal::compare(name, operator, &literal::string(text)));
    texts.iter().map(compare).collect()
}

/// The one value with which a test compares, if it is no more than that.
fn constant(test: &BoundTest<'_, Eql>, column: &Column) -> Option<Frag> {
    match &test.test.kind {
        TestKind::Equals { values, .. } if column.kind != Kind::Text => match values.as_slice() {
            [value] if column.kind == Kind::Ip => network::v4(value),
            [value] => literal::value(value),
            _ => None,
        },
        TestKind::Equals { .. } | TestKind::Like { .. } => Wanted::of(&test.test.kind, test).constant(),
        TestKind::Exists
        | TestKind::Substring { .. }
        | TestKind::Matches { .. }
        | TestKind::Order { .. }
        | TestKind::InNetworks { .. }
        | TestKind::InList { .. }
        | TestKind::SameAs { .. }
        | TestKind::TextOf { .. }
        | TestKind::Values(_) => None,
    }
}

/// Elasticsearch bounds how many values and clauses one query may have.
fn require_limits(list: &List, report: &mut Report) {
    /// The most values that one `in` may have by default (`index.max_terms_count`).
    const TERMS: usize = 65_536;
    /// About the least number of clauses that every Elasticsearch accepts.
    const CLAUSES: usize = 1_024;
    let entries = list.entries.len();
    if entries > TERMS {
        let setting = "index setting index.max_terms_count of at least";
        report.require(phrase!("{setting} {entries} (a long allowlist)"));
    }
    if entries > CLAUSES {
        let setting = "indices.query.bool.max_clause_count, if the allowlist has patterns";
        report.require(phrase!("memory for queries of {entries} clauses ({setting})"));
    }
}
