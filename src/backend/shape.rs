//! The shape of a chain: what can be proved about its windows, keys and steps without any target.
//!
//! In: a chain. Out: which gaps bind, where the key changes, which neighbours one event could match both.
//! Must not know: targets, and where fields live in them.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use crate::catalog::Catalog;
use crate::ir::{Case, Chain, Link, Pred, Step, TestKind, Value, Window};
use crate::source::Span;

/// The gaps that a total window of the same chain does not already enforce; none in a chain of two steps, where gap and
/// total are one window.
#[must_use]
pub fn binding_gaps(chain: &Chain) -> Vec<Window> {
    if chain.links.len() < 2 {
        return Vec::new();
    }
    let total = chain.total.seconds;
    chain.links.iter().map(|link| link.gap).filter(|gap| gap.seconds < total).collect()
}

/// Whether the total is shorter than the sum of the gaps.
#[must_use]
pub fn total_binds(chain: &Chain) -> bool {
    chain.total.seconds < sum_of_gaps(chain)
}

/// The sum of all gaps, in seconds.
#[must_use]
pub fn sum_of_gaps(chain: &Chain) -> u64 {
    chain.links.iter().fold(0, |sum: u64, link| sum.saturating_add(link.gap.seconds))
}

/// The longest time from first to last step that the rule allows, in seconds.
#[must_use]
pub fn longest(chain: &Chain) -> u64 {
    chain.total.seconds.min(sum_of_gaps(chain))
}

/// The links whose key is not the key of the link before.
#[must_use]
pub fn key_changes(chain: &Chain) -> Vec<&Link> {
    chain
        .links
        .windows(2)
        .filter_map(|pair| {
            if let [before, after] = pair { (!same_key(before, after)).then_some(after) } else { None }
        })
        .collect()
}

/// Whether `after` joins by the very fields by which `before` joined the step they share.
#[must_use]
pub fn same_key(before: &Link, after: &Link) -> bool {
    let rights: BTreeSet<_> = before.keys.iter().map(|key| &key.right.name).collect();
    let lefts: BTreeSet<_> = after.keys.iter().map(|key| &key.left.name).collect();
    rights == lefts
}

/// Runs of steps joined by one key: index ranges of steps, neighbours sharing the step where the key changes.
#[must_use]
pub fn segments(chain: &Chain) -> Vec<std::ops::RangeInclusive<usize>> {
    let mut runs = Vec::new();
    let mut first = 0;
    for (index, pair) in chain.links.windows(2).enumerate() {
        if let [before, after] = pair
            && !same_key(before, after)
        {
            runs.push(first..=index + 1);
            first = index + 1;
        }
    }
    runs.push(first..=chain.links.len());
    runs
}

/// Whether one event could match both steps: they read the same source and nothing proves them disjoint.
#[must_use]
pub fn may_share_event(before: &Step, after: &Step, catalog: &Catalog) -> bool {
    if before.source.node != after.source.node {
        return false;
    }
    let source = catalog.source(&before.source.node);
    let of_event =
        |field: &str| source.and_then(|source| source.field(field)).is_some_and(|field| !field.in_group);
    // An exception only takes away; it demands nothing.
    let apart = |field: &str| {
        let values = bound(&before.filter, field).zip(bound(&after.filter, field));
        values.is_some_and(|(one, other)| one.is_disjoint(&other))
    };
    let mut fields = BTreeSet::new();
    fields_of_pred(&before.filter, &mut fields);
    !fields.into_iter().any(|field| of_event(field) && apart(field))
}

/// For each link, whether one event could match both of its steps.
#[must_use]
pub fn shared_links(chain: &Chain, catalog: &Catalog) -> Vec<bool> {
    let shares = |pair: &[Step]| matches!(pair, [before, after] if may_share_event(before, after, catalog));
    chain.steps.windows(2).map(shares).collect()
}

/// The texts of which a field must have one for the predicate to hold: exact comparisons only, by field name.
/// Fields of a repeated group may be in it; one event can satisfy different values of them in different records.
#[must_use]
pub fn demanded(pred: &Pred) -> BTreeMap<&str, BTreeSet<String>> {
    match pred {
        Pred::And(parts) => parts.iter().map(demanded).fold(BTreeMap::new(), both),
        Pred::Or(parts) => parts.iter().map(demanded).reduce(either).unwrap_or_default(),
        Pred::Not(_) => BTreeMap::new(),
        Pred::Test(test) => {
            let texts = exact(&test.kind).map(|texts| texts.into_iter().map(Cow::into_owned).collect());
            texts.map(|texts| (test.field.name.as_str(), texts)).into_iter().collect()
        }
    }
}

/// The values of `event.action` that a step admits, if its condition bounds them.
#[must_use]
pub fn actions(step: &Step) -> Option<BTreeSet<String>> {
    demanded_of(&step.filter, "event.action")
}

/// What [`demanded`] says of one field.
#[must_use]
pub fn demanded_of(pred: &Pred, field: &str) -> Option<BTreeSet<String>> {
    bound(pred, field).map(|values| values.into_iter().map(Cow::into_owned).collect())
}

/// Whether [`demanded`] says something of a field.
#[must_use]
pub fn demands(pred: &Pred, field: &str) -> bool {
    bound(pred, field).is_some()
}

fn bound<'a>(pred: &'a Pred, field: &str) -> Option<BTreeSet<Cow<'a, str>>> {
    match pred {
        Pred::And(parts) => parts.iter().filter_map(|part| bound(part, field)).reduce(|mut known, values| {
            known.retain(|value| values.contains(value));
            known
        }),
        Pred::Or(parts) => {
            let mut any = BTreeSet::new();
            for part in parts {
                any.extend(bound(part, field)?);
            }
            (!parts.is_empty()).then_some(any)
        }
        Pred::Test(test) if test.field.name == field => exact(&test.kind),
        Pred::Test(_) | Pred::Not(_) => None,
    }
}

fn text_of(value: &Value) -> Cow<'_, str> {
    match value {
        Value::String(text) => Cow::Borrowed(text),
        Value::Int(_) | Value::Float(_) | Value::Bool(_) | Value::Time(_) | Value::Ip(_) => {
            Cow::Owned(value.text())
        }
    }
}

/// The texts of which a test demands one, if it is an exact comparison.
fn exact(kind: &TestKind) -> Option<BTreeSet<Cow<'_, str>>> {
    match kind {
        TestKind::Equals { values, case: Case::Sensitive } => Some(values.iter().map(text_of).collect()),
        TestKind::Exists
        | TestKind::Equals { .. }
        | TestKind::InNetworks { .. }
        | TestKind::InList { .. }
        | TestKind::Order { .. }
        | TestKind::Like { .. }
        | TestKind::Substring { .. }
        | TestKind::Matches { .. }
        | TestKind::SameAs { .. } => None,
    }
}

type Demands<'a> = BTreeMap<&'a str, BTreeSet<String>>;

fn both<'a>(mut one: Demands<'a>, other: Demands<'a>) -> Demands<'a> {
    for (field, values) in other {
        one.entry(field).and_modify(|known| known.retain(|value| values.contains(value))).or_insert(values);
    }
    one
}

fn either<'a>(one: Demands<'a>, mut other: Demands<'a>) -> Demands<'a> {
    one.into_iter()
        .filter_map(|(field, values)| {
            let more = other.remove(field)?;
            // The few go into the many: a long `or` adds one value at a time.
            let (mut many, few) = if values.len() < more.len() { (more, values) } else { (values, more) };
            many.extend(few);
            Some((field, many))
        })
        .collect()
}

/// The place of a predicate: from its first to its last test.
#[must_use]
pub fn span_of(pred: &Pred) -> Span {
    match pred {
        Pred::And(parts) | Pred::Or(parts) => parts.iter().map(span_of).reduce(Span::to).unwrap_or_default(),
        Pred::Not(inner) => span_of(inner),
        Pred::Test(test) => test.span,
    }
}

/// The fields that a step's condition and its links read, sorted, each once.
#[must_use]
pub fn fields_of<'a>(chain: &'a Chain, step: &'a Step) -> BTreeSet<&'a str> {
    let mut fields = BTreeSet::new();
    for pred in std::iter::once(&step.filter).chain(&step.excepts) {
        fields_of_pred(pred, &mut fields);
    }
    for (index, link) in chain.links.iter().enumerate() {
        let is = |index: usize| chain.steps.get(index).is_some_and(|other| std::ptr::eq(other, step));
        if is(index) {
            fields.extend(link.keys.iter().map(|key| key.left.name.as_str()));
        }
        if is(index + 1) {
            fields.extend(link.keys.iter().map(|key| key.right.name.as_str()));
        }
    }
    fields
}

fn fields_of_pred<'a>(pred: &'a Pred, fields: &mut BTreeSet<&'a str>) {
    match pred {
        Pred::And(parts) | Pred::Or(parts) => parts.iter().for_each(|part| fields_of_pred(part, fields)),
        Pred::Not(inner) => fields_of_pred(inner, fields),
        Pred::Test(test) => fields.extend(test.fields().map(|field| field.name.as_str())),
    }
}
