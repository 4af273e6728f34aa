//! Which two conditions no record can satisfy together.
//!
//! In: conditions, the fields whose values both would read of one record. Out: whether some field tells them apart for
//! certain; `false` may also mean that it is not easily seen. Must not know: sources, steps, targets.
//!
//! Three proofs, each for one field: none of the values that one condition demands passes the other; what both demand
//! of it (ranges, networks) has nothing in common; two tests that must hold, or must not, contradict each other.

use std::borrow::Cow;
use std::cmp::Ordering;
use std::net::IpAddr;

use super::{Case, FieldTest, Networks, Pattern, PatternPart, Place, Pred, Range, TestKind, Value};

/// A predicate, and whether it must hold or must not.
pub type Signed<'p> = (&'p Pred, bool);

/// Past so many pairs of tests, or of values and tests, an answer is not worth its time.
const MOST_PAIRS: usize = 10_000;

/// Whether no record satisfies all of `one` and all of `other`, as far as the fields tell that `counts` admits.
#[must_use]
pub fn are_apart(one: &[Signed<'_>], other: &[Signed<'_>], counts: &impl Fn(&str) -> bool) -> bool {
    let mut names: Vec<&str> =
        one.iter().flat_map(|(pred, _)| pred.fields()).map(|field| field.name.as_str()).collect();
    names.sort_unstable();
    names.dedup();
    names.into_iter().filter(|name| counts(name)).any(|field| {
        none_passes(one, other, field)
            || none_passes(other, one, field)
            || ranges_are_apart(one, other, field)
            || networks_are_apart(one, other, field)
            || tests_contradict(one, other, field)
    })
}

/// The predicates that must hold.
fn holding<'s, 'p: 's>(all: &'s [Signed<'p>]) -> impl Iterator<Item = &'p Pred> + 's {
    all.iter().filter(|(_, wanted)| *wanted).map(|(pred, _)| *pred)
}

/// Whether `one` demands one of some values of a field, none of which passes `other`.
fn none_passes(one: &[Signed<'_>], other: &[Signed<'_>], field: &str) -> bool {
    let asked: usize = other.iter().map(|(pred, _)| pred.tests().count()).sum();
    holding(one).any(|pred| {
        [Case::Sensitive, Case::Ignore].into_iter().any(|letters| {
            let Some(texts) = pred.required_texts_in(field, letters) else { return false };
            texts.0.len().saturating_mul(asked) <= MOST_PAIRS
                && texts.0.iter().all(|text| {
                    let known = Known { field, text, letters };
                    !other.iter().all(|(pred, wanted)| known.may_be(pred, *wanted))
                })
        })
    })
}

impl TestKind {
    /// Whether a text passes; nothing where that cannot be seen here.
    #[must_use]
    pub fn passes(&self, text: &str) -> Option<bool> {
        let known = Known { field: "", text, letters: Case::Sensitive };
        match (known.may_test(self, true), known.may_test(self, false)) {
            (passes, fails) if passes != fails => Some(passes),
            _ => None,
        }
    }
}

/// A field whose value is known, to the letter or but for the case of its letters.
struct Known<'k> {
    field: &'k str,
    text: &'k str,
    letters: Case,
}

impl Known<'_> {
    /// Whether a predicate may turn out as wanted.
    fn may_be(&self, pred: &Pred, wanted: bool) -> bool {
        match pred {
            Pred::And(parts) if wanted => parts.iter().all(|part| self.may_be(part, wanted)),
            Pred::Or(parts) if !wanted => parts.iter().all(|part| self.may_be(part, wanted)),
            Pred::And(parts) | Pred::Or(parts) => parts.iter().any(|part| self.may_be(part, wanted)),
            Pred::Not(inner) => self.may_be(inner, !wanted),
            Pred::Test(test) if test.field.name == self.field => self.may_test(&test.kind, wanted),
            Pred::Test(_) => true,
        }
    }

    fn may_test(&self, kind: &TestKind, wanted: bool) -> bool {
        let exactly = |holds: bool| holds == wanted;
        // In letters that are not known, a test that heeds them may fail where the same in any letters holds.
        let in_letters = |case: Case, holds: &dyn Fn(&str, Case) -> bool| {
            let case_met = if self.letters == Case::Ignore { Case::Ignore } else { case };
            let holds = holds(self.text, case_met);
            exactly(holds) || !wanted && case_met != case
        };
        match kind {
            TestKind::Exists => wanted,
            TestKind::Equals { values, case } => in_letters(*case, &|text, case| {
                values.iter().any(|value| case.fold(&value.as_text()) == case.fold(text))
            }),
            TestKind::Like { pattern, case } => {
                in_letters(*case, &|text, case| folded(pattern, case).matches(&case.fold(text)))
            }
            TestKind::Substring { place, text: part, case } => in_letters(*case, &|text, case| {
                let (text, part) = (case.fold(text), case.fold(part));
                match place {
                    Place::Anywhere => text.contains(&*part),
                    Place::Start => text.starts_with(&*part),
                    Place::End => text.ends_with(&*part),
                }
            }),
            TestKind::InNetworks { networks } => match self.text.parse::<IpAddr>() {
                // Of another family nothing is claimed: an IPv4 address has a spelling in IPv6.
                Ok(address)
                    if networks.iter().all(|network| network.addr().is_ipv4() == address.is_ipv4()) =>
                {
                    exactly(networks.iter().any(|network| network.contains(&address)))
                }
                Ok(_) | Err(_) => true,
            },
            TestKind::InList { .. }
            | TestKind::Order { .. }
            | TestKind::Matches { .. }
            | TestKind::SameAs { .. }
            | TestKind::TextOf { .. }
            | TestKind::Values(_) => true,
        }
    }
}

fn folded(pattern: &Pattern, case: Case) -> Cow<'_, Pattern> {
    if case == Case::Sensitive {
        return Cow::Borrowed(pattern);
    }
    let part = |part: &PatternPart| match part {
        PatternPart::Text(text) => PatternPart::Text(case.fold(text).into_owned()),
        PatternPart::Any | PatternPart::One => part.clone(),
    };
    Cow::Owned(Pattern { parts: pattern.parts.iter().map(part).collect() })
}

fn ranges_are_apart(one: &[Signed<'_>], other: &[Signed<'_>], field: &str) -> bool {
    let range = |all| holding(all).filter_map(|pred| pred.required_range(field)).reduce(Range::both);
    let Some((one, other)) = range(one).zip(range(other)) else { return false };
    let Range { low: Some((low, low_in)), high: Some((high, high_in)) } = one.both(other) else {
        return false;
    };
    match low.compare(high) {
        Some(Ordering::Greater) => true,
        Some(Ordering::Equal) => !(low_in && high_in),
        Some(Ordering::Less) | None => false,
    }
}

fn networks_are_apart(one: &[Signed<'_>], other: &[Signed<'_>], field: &str) -> bool {
    let networks = |all| {
        let of_test = |test: &FieldTest| {
            let named = if test.field.name == field { test.kind.networks(&[]) } else { None };
            named.map(Networks)
        };
        holding(all).find_map(|pred| pred.fold(&of_test))
    };
    let Some((Networks(one), Networks(other))) = networks(one).zip(networks(other)) else { return false };
    one.len().saturating_mul(other.len()) <= MOST_PAIRS
        && one.iter().all(|one| {
            other.iter().all(|other| {
                one.addr().is_ipv4() == other.addr().is_ipv4() && !one.contains(other) && !other.contains(one)
            })
        })
}

fn tests_contradict(one: &[Signed<'_>], other: &[Signed<'_>], field: &str) -> bool {
    let (one, other) = (certain(one, field), certain(other, field));
    one.len().saturating_mul(other.len()) <= MOST_PAIRS
        && one.iter().any(|(left, left_wanted)| {
            other.iter().any(|(right, right_wanted)| match (left_wanted, right_wanted) {
                (true, true) => have_nothing_in_common(left, right),
                (true, false) => implies(left, right),
                (false, true) => implies(right, left),
                (false, false) => false,
            })
        })
}

/// The tests of a field that must hold, or must not, in every record that satisfies all.
fn certain<'p>(all: &[Signed<'p>], field: &str) -> Vec<(&'p TestKind, bool)> {
    let mut found = Vec::new();
    let mut open: Vec<Signed<'p>> = all.to_vec();
    while let Some((pred, wanted)) = open.pop() {
        match (pred, wanted) {
            (Pred::And(parts), true) | (Pred::Or(parts), false) => {
                open.extend(parts.iter().map(|part| (part, wanted)));
            }
            (Pred::Not(inner), _) => open.push((inner, !wanted)),
            (Pred::Test(test), _) if test.field.name == field => found.push((&test.kind, wanted)),
            // Of what `or` joins, each part alone need not hold.
            (Pred::Test(_) | Pred::And(_) | Pred::Or(_), _) => {}
        }
    }
    found
}

/// Whether a value that meets `one` meets `other` too.
fn implies(one: &TestKind, other: &TestKind) -> bool {
    // All tests are false when the field is missing.
    if one == other || *other == TestKind::Exists {
        return true;
    }
    let Some(((narrow, case), (broad, case_met))) = pattern(one).zip(pattern(other)) else { return false };
    // What is met in any letters need not be met in these.
    (case == case_met || case_met == Case::Ignore)
        && folded(&broad, case_met).covers(&folded(&narrow, case_met))
}

/// Whether no value meets both.
fn have_nothing_in_common(one: &TestKind, other: &TestKind) -> bool {
    let Some(((one, case), (other, other_case))) = pattern(one).zip(pattern(other)) else { return false };
    let case = if case == other_case { case } else { Case::Ignore };
    let (one, other) = (folded(&one, case), folded(&other, case));
    let differ = |one: Option<&PatternPart>, other: Option<&PatternPart>, fits: fn(&str, &str) -> bool| match (
        one, other,
    ) {
        (Some(PatternPart::Text(one)), Some(PatternPart::Text(other))) => {
            !fits(one, other) && !fits(other, one)
        }
        _ => false,
    };
    differ(one.parts.first(), other.parts.first(), |long, short| long.starts_with(short))
        || differ(one.parts.last(), other.parts.last(), |long, short| long.ends_with(short))
}

/// What a test of a text matches, as a pattern.
fn pattern(kind: &TestKind) -> Option<(Cow<'_, Pattern>, Case)> {
    match kind {
        TestKind::Like { pattern, case } => Some((Cow::Borrowed(pattern), *case)),
        TestKind::Substring { place, text, case } => Some((Cow::Owned(Pattern::around(*place, text)), *case)),
        TestKind::Equals { values, case } => match values.as_slice() {
            [Value::String(text)] => Some((Cow::Owned(Pattern::exactly(text)), *case)),
            _ => None,
        },
        TestKind::Exists
        | TestKind::InNetworks { .. }
        | TestKind::InList { .. }
        | TestKind::Order { .. }
        | TestKind::Matches { .. }
        | TestKind::SameAs { .. }
        | TestKind::TextOf { .. }
        | TestKind::Values(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ir::{Field, OrderOp, Type};
    use crate::source::Span;

    fn test(field: &str, kind: TestKind) -> Pred {
        let field = Field { name: field.to_owned(), ty: Type::String, span: Span::default() };
        Pred::Test(FieldTest { field, kind, span: Span::default() })
    }

    fn is(texts: &[&str], case: Case) -> Pred {
        let values = texts.iter().map(|text| Value::String((*text).to_owned())).collect();
        test("f", TestKind::Equals { values, case })
    }

    fn like(text: &str, case: Case) -> Pred {
        test("f", TestKind::Like { pattern: Pattern::parse(text).unwrap(), case })
    }

    fn part(place: Place, text: &str) -> Pred {
        test("f", TestKind::Substring { place, text: text.to_owned(), case: Case::Sensitive })
    }

    fn within(networks: &[&str]) -> Pred {
        let networks = networks.iter().map(|network| network.parse().unwrap()).collect();
        test("f", TestKind::InNetworks { networks })
    }

    fn order(op: OrderOp, number: i64) -> Pred {
        test("f", TestKind::Order { op, value: Value::Int(number) })
    }

    fn not(pred: Pred) -> Pred {
        Pred::Not(Box::new(pred))
    }

    fn apart(one: &Pred, other: &Pred) -> bool {
        let both = |one: &Pred, other: &Pred| are_apart(&[(one, true)], &[(other, true)], &|_| true);
        assert_eq!(both(one, other), both(other, one), "{one:?} {other:?}");
        assert!(!are_apart(&[(one, true)], &[(other, true)], &|_| false), "a field that does not count");
        both(one, other)
    }

    const EXACT: Case = Case::Sensitive;
    const ANY: Case = Case::Ignore;

    #[test]
    fn values_are_tried_on_the_other_condition() {
        let ab = || is(&["ab", "ac"], EXACT);
        for (other, expected) in [
            (is(&["x", "y"], EXACT), true),
            (is(&["x", "ac"], EXACT), false),
            (is(&["AB", "AC"], EXACT), true),
            (is(&["AB", "x"], ANY), false),
            (is(&["x"], ANY), true),
            (like("b*", EXACT), true),
            (like("?c", EXACT), false),
            (like("A*", ANY), false),
            (part(Place::Start, "ac"), false),
            (part(Place::Anywhere, "d"), true),
            (part(Place::End, "a"), true),
            (not(ab()), true),
            (not(is(&["AB", "AC"], ANY)), true),
            (not(is(&["ab"], EXACT)), false),
            (not(part(Place::Start, "a")), true),
            (not(test("f", TestKind::Exists)), true),
            (Pred::Or(vec![is(&["x"], EXACT), test("g", TestKind::Exists)]), false),
            (Pred::Or(vec![is(&["x"], EXACT), like("y*", EXACT)]), true),
        ] {
            assert_eq!(apart(&ab(), &other), expected, "{other:?}");
        }
        // Letters that one condition leaves open: the other may heed them.
        let any = || is(&["ab"], ANY);
        assert!(apart(&any(), &is(&["ac"], EXACT)));
        assert!(apart(&any(), &not(is(&["AB"], ANY))));
        assert!(!apart(&any(), &not(is(&["ab"], EXACT))), "it may be `AB`");
        assert!(!apart(&any(), &is(&["Ab"], EXACT)));
        let more = Pred::And(vec![any(), is(&["Ab"], EXACT)]);
        assert!(apart(&more, &is(&["aB"], EXACT)), "the conjunct that says it to the letter counts");
    }

    #[test]
    fn tests_contradict_each_other() {
        let start = |text| part(Place::Start, text);
        for (one, other, expected) in [
            (start("Create"), start("Delete"), true),
            (start("Create"), start("CreateUser"), false),
            (start("Create"), part(Place::End, "User"), false),
            (part(Place::End, "Key"), part(Place::End, "User"), true),
            (like("Create*", ANY), like("create?*", EXACT), false),
            (like("Create*", ANY), like("delete*", EXACT), true),
            (like("*a", EXACT), like("*A", EXACT), true),
            (like("*a", EXACT), like("*A", ANY), false),
            (start("CreateUser"), not(start("Create")), true),
            (start("Create"), not(start("CreateUser")), false),
            (part(Place::Anywhere, "abc"), not(part(Place::Anywhere, "b")), true),
            (like("a*", ANY), not(like("A*", ANY)), true),
            (like("a*", ANY), not(like("a*", EXACT)), false),
            (like("a*", EXACT), not(like("A*", ANY)), true),
            (start("a"), not(test("f", TestKind::Exists)), true),
            (not(start("a")), not(start("b")), false),
            (Pred::Or(vec![start("a"), start("b")]), start("c"), false),
        ] {
            assert_eq!(apart(&one, &other), expected, "{one:?} {other:?}");
        }
    }

    #[test]
    fn ranges_and_networks_are_compared() {
        use OrderOp::{Greater, GreaterEqual, Less, LessEqual};
        assert!(apart(&order(Less, 5), &order(GreaterEqual, 5)));
        assert!(apart(&order(Less, 5), &not(order(Less, 5))));
        assert!(!apart(&order(LessEqual, 5), &order(GreaterEqual, 5)));
        assert!(!apart(&order(Greater, 5), &order(GreaterEqual, 3)));
        assert!(
            !apart(&order(Less, 5), &not(order(GreaterEqual, 5))),
            "it may be missing, but is then no less"
        );
        assert!(apart(&within(&["10.0.0.0/8"]), &within(&["192.168.0.0/16"])));
        assert!(!apart(&within(&["10.0.0.0/8"]), &within(&["10.1.0.0/16"])));
        assert!(!apart(&within(&["10.0.0.0/8"]), &within(&["::/0"])), "another family is not judged");
        assert!(apart(&within(&["10.0.0.1/32"]), &within(&["192.168.0.0/16"])));
    }

    #[test]
    fn an_exception_is_a_condition() {
        let (action, user) = (is(&["a"], EXACT), test("g", TestKind::Exists));
        let counts = |_: &str| true;
        assert!(are_apart(&[(&action, true)], &[(&user, true), (&action, false)], &counts));
        let except = Pred::Or(vec![action.clone(), test("h", TestKind::Exists)]);
        assert!(are_apart(&[(&action, true)], &[(&user, true), (&except, false)], &counts));
        let except = Pred::And(vec![action.clone(), test("h", TestKind::Exists)]);
        assert!(!are_apart(&[(&action, true)], &[(&user, true), (&except, false)], &counts));
    }
}
