//! What a predicate demands of the fields of a record: one of some texts, a range, networks.
//!
//! In: predicates, and tests whose outcome is known. Out: [`Texts`], [`Range`], [`Networks`], each a superset of the
//! values that can satisfy them: what lies outside fails for certain, what lies inside may still fail. Must not know:
//! records, targets, sources.

use std::borrow::Cow;
use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet};
use std::ops::RangeInclusive;

use ipnet::IpNet;

use super::{Case, Demand, List, OrderOp, Pred, TestKind, Value};

/// The field whose value tells the kinds of events of a source apart, and the variants of their columns.
pub const ACTION: &str = "event.action";
/// The field that names the service whose action it is.
pub const PROVIDER: &str = "event.provider";
/// Past so many networks or pairs of networks the narrower answer is not worth its time.
const MOST_PAIRS: usize = 10_000;

impl TestKind {
    /// The values of which a value must be one to meet the test, if it compares exactly.
    #[must_use]
    pub fn exact_values(&self) -> Option<Cow<'_, [Value]>> {
        self.equal_values(Case::Sensitive)
    }

    /// The same for a field whose texts are equal as `letters` says.
    fn equal_values(&self, letters: Case) -> Option<Cow<'_, [Value]>> {
        let says = |case: Case| case == Case::Sensitive || letters == Case::Ignore;
        match self {
            Self::Equals { values, case } if says(*case) => Some(Cow::Borrowed(values)),
            Self::Like { pattern, case } if says(*case) => {
                // No value is empty, so an empty pattern leaves none.
                let text = Some(pattern.literal()?).filter(|text| !text.is_empty());
                Some(Cow::Owned(text.map(|text| Value::String(text.to_owned())).into_iter().collect()))
            }
            // Only if each of them is a single address: a network has too many values to list.
            Self::InNetworks { networks } => single_addresses(networks).map(Cow::Owned),
            Self::Equals { .. }
            | Self::Like { .. }
            | Self::Exists
            | Self::InList { .. }
            | Self::Order { .. }
            | Self::Substring { .. }
            | Self::Matches { .. }
            | Self::SameAs { .. }
            | Self::TextOf { .. }
            | Self::Values(_) => None,
        }
    }

    /// The networks of which one must hold the value, if the test names them; `lists` are those that
    /// [`TestKind::InList`] counts in.
    #[must_use]
    pub fn networks(&self, lists: &[&List]) -> Option<Vec<IpNet>> {
        match self {
            Self::InNetworks { networks } => Some(networks.clone()),
            Self::InList { list, case: _ } => lists.get(*list)?.only_networks(),
            Self::Exists
            | Self::Equals { .. }
            | Self::Order { .. }
            | Self::Like { .. }
            | Self::Substring { .. }
            | Self::Matches { .. }
            | Self::SameAs { .. }
            | Self::TextOf { .. }
            | Self::Values(_) => None,
        }
    }
}

fn single_addresses(networks: &[IpNet]) -> Option<Vec<Value>> {
    networks
        .iter()
        .map(|network| (network.prefix_len() == network.max_prefix_len()).then(|| Value::Ip(network.addr())))
        .collect()
}

/// Texts of which a field must have one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Texts<'p>(pub BTreeSet<Cow<'p, str>>);

impl<'p> Texts<'p> {
    /// The texts as strings that outlive the predicate.
    #[must_use]
    pub fn strings(&self) -> BTreeSet<String> {
        self.0.iter().map(|text| text.clone().into_owned()).collect()
    }

    /// Of a value that meets the test.
    #[must_use]
    pub fn of(kind: &'p TestKind) -> Option<Self> {
        let texts = match kind.exact_values()? {
            Cow::Borrowed(values) => values.iter().map(Value::as_text).collect(),
            Cow::Owned(values) => values.iter().map(|value| Cow::Owned(value.text())).collect(),
        };
        Some(Self(texts))
    }

    /// The same where texts that differ in letter case alone are one.
    fn folded(kind: &TestKind) -> Option<Self> {
        let values = kind.equal_values(Case::Ignore)?;
        let text = |value: &Value| Cow::Owned(Case::Ignore.fold(&value.text()).into_owned());
        Some(Self(values.iter().map(text).collect()))
    }
}

impl Demand for Texts<'_> {
    fn all(parts: Vec<Self>) -> Self {
        reduced(parts, |mut known, more| {
            known.0.retain(|text| more.0.contains(text));
            known
        })
    }

    fn any(parts: Vec<Self>) -> Self {
        reduced(parts, |known, more| {
            // The few go into the many: a long `or` adds one value at a time.
            let (mut many, few) = if known.0.len() < more.0.len() { (more, known) } else { (known, more) };
            many.0.extend(few.0);
            many
        })
    }
}

fn reduced<'p>(parts: Vec<Texts<'p>>, join: impl FnMut(Texts<'p>, Texts<'p>) -> Texts<'p>) -> Texts<'p> {
    parts.into_iter().reduce(join).unwrap_or_else(|| Texts(BTreeSet::new()))
}

/// The same for several fields at once.
struct TextsByField<'p>(BTreeMap<&'p str, Texts<'p>>);

impl Demand for TextsByField<'_> {
    fn all(parts: Vec<Self>) -> Self {
        let mut known = BTreeMap::new();
        for (field, texts) in parts.into_iter().flat_map(|part| part.0) {
            let both = match known.remove(field) {
                None => texts,
                Some(before) => Texts::all(vec![before, texts]),
            };
            known.insert(field, both);
        }
        Self(known)
    }

    fn any(parts: Vec<Self>) -> Self {
        let either = |known: Self, mut more: Self| {
            // A field that one of the parts does not name may have any value.
            let both = |(field, texts)| Some((field, Texts::any(vec![texts, more.0.remove(field)?])));
            Self(known.0.into_iter().filter_map(both).collect())
        };
        parts.into_iter().reduce(either).unwrap_or_else(|| Self(BTreeMap::new()))
    }
}

impl Pred {
    /// The texts of which `field` must have one for the predicate to hold, if it says so.
    #[must_use]
    pub fn required_texts(&self, field: &str) -> Option<Texts<'_>> {
        self.fold(&|test| if test.field.name == field { Texts::of(&test.kind) } else { None })
    }

    /// The same of a field in which letter case counts as `letters` says; the texts are as they are compared.
    #[must_use]
    pub fn required_texts_in(&self, field: &str, letters: Case) -> Option<Texts<'_>> {
        match letters {
            Case::Sensitive => self.required_texts(field),
            Case::Ignore => {
                self.fold(&|test| if test.field.name == field { Texts::folded(&test.kind) } else { None })
            }
        }
    }

    /// The same for every field of which it says something. Fields of a repeated group may be among them; one event can
    /// satisfy different values of them in different records.
    #[must_use]
    pub fn all_required_texts(&self) -> BTreeMap<&str, BTreeSet<String>> {
        let known = self.fold(&|test| {
            Texts::of(&test.kind)
                .map(|texts| TextsByField(BTreeMap::from([(test.field.name.as_str(), texts)])))
        });
        let fields = known.map(|known| known.0).unwrap_or_default();
        fields.into_iter().map(|(field, texts)| (field, texts.strings())).collect()
    }

    /// The range in which `field` must lie for the predicate to hold, if it says so.
    #[must_use]
    pub fn required_range(&self, field: &str) -> Option<Range<'_>> {
        self.fold(&|test| if test.field.name == field { Range::of(&test.kind) } else { None })
    }
}

/// An interval of numbers or timestamps; each bound with whether it belongs to it.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Range<'v> {
    /// The lower bound; none: open.
    pub low: Option<(&'v Value, bool)>,
    /// The upper bound; none: open.
    pub high: Option<(&'v Value, bool)>,
}

impl<'v> Range<'v> {
    /// Of a value that meets the test; nothing for tests that do not bound it.
    #[must_use]
    pub fn of(kind: &'v TestKind) -> Option<Self> {
        match kind {
            TestKind::Order { op, value } => Some(Self::ordered(*op, value, true)),
            TestKind::Equals { values, .. } => Self::spanning(values),
            TestKind::Exists
            | TestKind::InNetworks { .. }
            | TestKind::InList { .. }
            | TestKind::Like { .. }
            | TestKind::Substring { .. }
            | TestKind::Matches { .. }
            | TestKind::SameAs { .. }
            | TestKind::TextOf { .. }
            | TestKind::Values(_) => None,
        }
    }

    /// Of a present value that compares so with `value`, or does not if `met` is false.
    #[must_use]
    pub fn ordered(op: OrderOp, value: &'v Value, met: bool) -> Self {
        let (is_high, included) = match (op, met) {
            (OrderOp::Less, true) | (OrderOp::GreaterEqual, false) => (true, false),
            (OrderOp::LessEqual, true) | (OrderOp::Greater, false) => (true, true),
            (OrderOp::Greater, true) | (OrderOp::LessEqual, false) => (false, false),
            (OrderOp::GreaterEqual, true) | (OrderOp::Less, false) => (false, true),
        };
        let bound = Some((value, included));
        if is_high { Self { low: None, high: bound } } else { Self { low: bound, high: None } }
    }

    /// From the least to the greatest of the values, if they have an order.
    fn spanning(values: &'v [Value]) -> Option<Self> {
        let points = values.iter().map(|value| {
            // With itself: texts have no order, and NaN has none even to itself.
            value.compare(value)?;
            Some(Self { low: Some((value, true)), high: Some((value, true)) })
        });
        let points: Vec<_> = points.collect::<Option<_>>()?;
        (!points.is_empty()).then(|| Self::any(points))
    }

    /// What lies in both.
    #[must_use]
    pub fn both(self, other: Self) -> Self {
        Self {
            low: tighter(self.low, other.low, Ordering::Greater),
            high: tighter(self.high, other.high, Ordering::Less),
        }
    }

    /// The integers in it, if its bounds are integers.
    #[must_use]
    pub fn integers(&self) -> Option<RangeInclusive<i64>> {
        let bound = |bound: Option<(&Value, bool)>, step: i64, open: i64| match bound {
            None => Some(Some(open)),
            Some((Value::Int(number), true)) => Some(Some(*number)),
            Some((Value::Int(number), false)) => Some(number.checked_add(step)),
            Some((
                Value::String(_) | Value::Float(_) | Value::Bool(_) | Value::Time(_) | Value::Ip(_),
                _,
            )) => None,
        };
        let (low, high) = (bound(self.low, 1, i64::MIN)?, bound(self.high, -1, i64::MAX)?);
        // Beyond the last integer there is none.
        Some(match (low, high) {
            (Some(low), Some(high)) => low..=high,
            (None, _) | (_, None) => RangeInclusive::new(1, 0),
        })
    }
}

/// Of two bounds the one that is `wanted` (less or greater) beside the other; of two equal ones the one that is
/// excluded.
fn tighter<'v>(
    one: Option<(&'v Value, bool)>,
    other: Option<(&'v Value, bool)>,
    wanted: Ordering,
) -> Option<(&'v Value, bool)> {
    let (Some((left, left_in)), Some((right, right_in))) = (one, other) else { return one.or(other) };
    match right.compare(left) {
        Some(Ordering::Equal) => Some((left, left_in && right_in)),
        Some(order) if order == wanted => other,
        // Without an order either bound is a superset of what both leave.
        Some(_) | None => one,
    }
}

/// As [`tighter`], the other way: nothing where one of them is open.
fn looser<'v>(
    one: Option<(&'v Value, bool)>,
    other: Option<(&'v Value, bool)>,
    wanted: Ordering,
) -> Option<(&'v Value, bool)> {
    let ((left, left_in), (right, right_in)) = (one?, other?);
    match right.compare(left)? {
        Ordering::Equal => Some((left, left_in || right_in)),
        order if order == wanted => other,
        Ordering::Less | Ordering::Greater => one,
    }
}

impl Demand for Range<'_> {
    fn all(parts: Vec<Self>) -> Self {
        parts.into_iter().fold(Self::default(), Self::both)
    }

    fn any(parts: Vec<Self>) -> Self {
        let either = |one: Self, other: Self| Self {
            low: looser(one.low, other.low, Ordering::Less),
            high: looser(one.high, other.high, Ordering::Greater),
        };
        parts.into_iter().reduce(either).unwrap_or_default()
    }
}

/// Networks of which one must hold a field's address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Networks(pub Vec<IpNet>);

impl Networks {
    /// Whether every address in them lies in one of `excluded`, as far as single networks tell.
    #[must_use]
    pub fn lie_in(&self, excluded: &[IpNet]) -> bool {
        // Two halves that cover a network only together are not seen; `false` claims less.
        self.0.len().saturating_mul(excluded.len()) <= MOST_PAIRS
            && self.0.iter().all(|network| excluded.iter().any(|outer| outer.contains(network)))
    }
}

impl Demand for Networks {
    fn all(parts: Vec<Self>) -> Self {
        let both = |known: Self, more: Self| {
            // Either of the two is a superset of what is in both.
            if known.0.len().saturating_mul(more.0.len()) > MOST_PAIRS {
                return known;
            }
            Self(known.0.iter().flat_map(|one| common(*one, &more.0)).collect())
        };
        parts.into_iter().reduce(both).unwrap_or(Self(Vec::new()))
    }

    fn any(parts: Vec<Self>) -> Self {
        Self(parts.into_iter().flat_map(|part| part.0).collect())
    }
}

/// Of two networks with a common address, one lies in the other.
fn common(one: IpNet, others: &[IpNet]) -> impl Iterator<Item = IpNet> {
    others.iter().filter_map(move |other| {
        if one.contains(other) { Some(*other) } else { other.contains(&one).then_some(one) }
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ir::{Field, FieldTest, Pattern, Type};
    use crate::source::Span;

    fn test(field: &str, kind: TestKind) -> Pred {
        let field = Field { name: field.to_owned(), ty: Type::String, span: Span::default() };
        Pred::Test(FieldTest { field, kind, span: Span::default() })
    }

    fn is(field: &str, texts: &[&str]) -> Pred {
        let values = texts.iter().map(|text| Value::String((*text).to_owned())).collect();
        test(field, TestKind::Equals { values, case: Case::Sensitive })
    }

    fn order(op: OrderOp, number: i64) -> Pred {
        test("port", TestKind::Order { op, value: Value::Int(number) })
    }

    fn not(pred: Pred) -> Pred {
        Pred::Not(Box::new(pred))
    }

    fn texts(pred: &Pred, field: &str) -> Option<Vec<String>> {
        let known = pred.required_texts(field).map(|texts| texts.strings());
        assert_eq!(known.as_ref(), pred.all_required_texts().get(field), "one field and all agree");
        known.map(|texts| texts.into_iter().collect())
    }

    fn strings(texts: &[&str]) -> Vec<String> {
        texts.iter().map(|text| (*text).to_owned()).collect()
    }

    #[test]
    fn texts_follow_the_connectives() {
        let (a, b) = (|| is("f", &["a", "b"]), || is("f", &["b", "c"]));
        assert_eq!(texts(&a(), "f"), Some(strings(&["a", "b"])));
        assert_eq!(texts(&Pred::And(vec![a(), b(), is("g", &["x"])]), "f"), Some(strings(&["b"])));
        assert_eq!(texts(&Pred::Or(vec![a(), b()]), "f"), Some(strings(&["a", "b", "c"])));
        assert_eq!(texts(&Pred::Or(vec![a(), is("g", &["x"])]), "f"), None, "the other part leaves it open");
        assert_eq!(texts(&Pred::And(vec![is("f", &["a"]), is("f", &["c"])]), "f"), Some(strings(&[])));
        let exact = TestKind::Like { pattern: Pattern::exactly("a"), case: Case::Sensitive };
        assert_eq!(texts(&test("f", exact), "f"), Some(strings(&["a"])), "a pattern without wildcards");
    }

    #[test]
    fn a_negated_test_demands_nothing_and_two_negations_cancel() {
        let a = || is("f", &["a"]);
        assert_eq!(texts(&not(a()), "f"), None);
        assert_eq!(texts(&not(not(a())), "f"), Some(strings(&["a"])));
        assert_eq!(texts(&not(Pred::Or(vec![not(a()), not(is("g", &["x"]))])), "g"), Some(strings(&["x"])));
        assert_eq!(
            texts(&not(Pred::And(vec![not(a()), not(is("f", &["b"]))])), "f"),
            Some(strings(&["a", "b"]))
        );
    }

    #[test]
    fn ranges_are_joined_from_outside() {
        let integers = |pred: &Pred| pred.required_range("port").map(|range| range.integers().unwrap());
        let (low, high) = (|| order(OrderOp::Greater, 10), || order(OrderOp::LessEqual, 20));
        assert_eq!(integers(&low()), Some(11..=i64::MAX));
        assert_eq!(integers(&Pred::And(vec![low(), high()])), Some(11..=20));
        assert_eq!(integers(&Pred::Or(vec![low(), high()])), Some(i64::MIN..=i64::MAX));
        assert_eq!(integers(&Pred::Or(vec![low(), order(OrderOp::GreaterEqual, 3)])), Some(3..=i64::MAX));
        assert_eq!(integers(&not(low())), None, "a missing port is not above 10 either");
        let never = Pred::And(vec![order(OrderOp::Less, 5), order(OrderOp::Greater, 4)]);
        assert!(integers(&never).is_some_and(|range| range.is_empty()));
        let ports = TestKind::Equals { values: vec![Value::Int(443), Value::Int(22)], case: Case::Sensitive };
        assert_eq!(integers(&test("port", ports)), Some(22..=443));
        assert!(integers(&order(OrderOp::Greater, i64::MAX)).is_some_and(|range| range.is_empty()));
    }

    #[test]
    fn networks_meet_in_the_smaller_one() {
        let networks = |texts: &[&str]| Networks(texts.iter().map(|text| text.parse().unwrap()).collect());
        let (broad, narrow) =
            (networks(&["10.0.0.0/8", "fd00::/8"]), networks(&["10.1.0.0/16", "192.168.0.0/16"]));
        let both = Networks::all(vec![broad.clone(), narrow.clone()]);
        assert_eq!(both, networks(&["10.1.0.0/16"]));
        assert!(both.lie_in(&broad.0) && !broad.lie_in(&narrow.0));
        assert_eq!(Networks::any(vec![narrow, both]).0.len(), 3);
    }

    #[test]
    fn nodes_stand_in_the_order_of_the_text() {
        let pred = Pred::And(vec![
            is("a", &["1"]),
            not(Pred::Or(vec![is("b", &["1"]), not(is("c", &["1"]))])),
            is("d", &["1"]),
        ]);
        let tests: Vec<_> =
            pred.signed_tests().map(|(test, wanted)| (test.field.name.as_str(), wanted)).collect();
        assert_eq!(tests, [("a", true), ("b", false), ("c", true), ("d", true)]);
        assert_eq!(pred.nodes().count(), 8);
        assert_eq!(pred.conjuncts().len(), 3);
    }
}
