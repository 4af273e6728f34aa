//! Two-valued logic over tests of any kind: what joins the conditions of a query, whatever a single test looks like.
//!
//! In: tests, joined. Out: the same in normal form: no constants inside, no join directly in a join of its kind, no
//! part twice; and for query languages, whose tests can be null, a form in which every test is true or false. Must not
//! know: what a test is, how it is printed.

use foldhash::{HashSet, HashSetExt as _};
use std::hash::Hash;

/// A condition over tests `L`. Build joins with [`Truth::all`], [`Truth::any`] and [`Truth::not`]: they keep the normal
/// form. Only the condition of a bound step is built as its rule has it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(in crate::backend) enum Truth<L> {
    /// It does not depend on the record.
    Always(bool),
    /// A test.
    Test(L),
    /// It does not hold; neither a constant nor another `Not`.
    Not(Box<Truth<L>>),
    /// All hold; at least two.
    All(Vec<Truth<L>>),
    /// One holds; at least two.
    Any(Vec<Truth<L>>),
}

/// What can be tested.
pub(in crate::backend) trait Leaf: Eq + Hash + Sized {
    /// Alternatives in normal form but for repetitions, as few as possible. A kind of test that holds several values at
    /// once unites its tests here.
    fn unite(alternatives: Vec<Truth<Self>>) -> Vec<Truth<Self>> {
        unique(alternatives)
    }
}

/// A test as a query language has it: null, mostly, where a field is missing.
pub(in crate::backend) trait Opposite {
    /// What is printed.
    type Printed: Leaf;

    /// The test, or its opposite if it is `negated`, so that it is never null. `bare` says that nothing but `and`
    /// stands between the test and the whole condition: there null does what false does, so a positive test may stay as
    /// it is.
    fn print(self, negated: bool, bare: bool) -> Self::Printed;
}

/// Printed tests, and how a language joins them.
pub(in crate::backend) trait Text: Leaf {
    /// What always holds, or never.
    fn constant(truth: bool) -> Self;
    /// The opposite of what is never null.
    fn not(text: Self) -> Self;
    /// Two or more, joined by `and` or by `or`.
    fn join(texts: Vec<Self>, all: bool) -> Self;
}

impl<L: Leaf> Truth<L> {
    /// All hold.
    pub(in crate::backend) fn all(parts: impl IntoIterator<Item = Self>) -> Self {
        Self::join(parts, true)
    }

    /// One holds.
    pub(in crate::backend) fn any(parts: impl IntoIterator<Item = Self>) -> Self {
        Self::join(parts, false)
    }

    fn join(parts: impl IntoIterator<Item = Self>, all: bool) -> Self {
        let mut flat = Vec::new();
        for part in parts {
            match part {
                Self::Always(truth) if truth == all => {}
                Self::Always(truth) => return Self::Always(truth),
                Self::All(inner) if all => flat.extend(inner),
                Self::Any(inner) if !all => flat.extend(inner),
                Self::Test(_) | Self::Not(_) | Self::All(_) | Self::Any(_) => flat.push(part),
            }
        }
        if flat.len() > 1 {
            // Only alternatives unite, since a test with several values says that one of them holds. Repetitions go
            // before the parts are counted: `a and a` is `a`, not a join of one part.
            flat = if all { unique(flat) } else { L::unite(flat) };
        }
        match flat.len() {
            0 => Self::Always(all),
            1 => flat.swap_remove(0),
            _ if all => Self::All(flat),
            _ => Self::Any(flat),
        }
    }
}

impl<L> Truth<L> {
    /// It does not hold.
    pub(in crate::backend) fn not(self) -> Self {
        match self {
            Self::Always(truth) => Self::Always(!truth),
            Self::Not(inner) => *inner,
            Self::Test(_) | Self::All(_) | Self::Any(_) => Self::Not(Box::new(self)),
        }
    }

    /// The parts that must all hold, as small as possible; each with whether it is the part's opposite that must hold.
    pub(in crate::backend) fn conjuncts(&self, negated: bool) -> Vec<(&Self, bool)> {
        match (self, negated) {
            (Self::Not(inner), _) => inner.conjuncts(!negated),
            (Self::All(parts), false) | (Self::Any(parts), true) => {
                parts.iter().flat_map(|part| part.conjuncts(negated)).collect()
            }
            (Self::Always(_) | Self::Test(_) | Self::All(_) | Self::Any(_), _) => vec![(self, negated)],
        }
    }

    /// The tests, in order, each with whether it stands under an odd number of negations.
    pub(in crate::backend) fn tests(&self) -> Vec<(&L, bool)> {
        let mut found = Vec::new();
        self.collect(false, &mut found);
        found
    }

    fn collect<'t>(&'t self, negated: bool, found: &mut Vec<(&'t L, bool)>) {
        match self {
            Self::Always(_) => {}
            Self::Test(test) => found.push((test, negated)),
            Self::Not(inner) => inner.collect(!negated, found),
            Self::All(parts) | Self::Any(parts) => {
                for part in parts {
                    part.collect(negated, found);
                }
            }
        }
    }

    /// The condition in normal form, negation where it is, with every test made anew by `leaf`. It is given the test,
    /// and whether that stands under an odd number of negations, counted from `negated`.
    pub(in crate::backend) fn map<F: Leaf>(
        &self,
        negated: bool,
        leaf: &mut impl FnMut(&L, bool) -> Truth<F>,
    ) -> Truth<F> {
        match self {
            Self::Always(truth) => Truth::Always(*truth),
            Self::Test(test) => leaf(test, negated),
            Self::Not(inner) => inner.map(!negated, leaf).not(),
            Self::All(parts) | Self::Any(parts) => {
                let parts: Vec<_> = parts.iter().map(|part| part.map(negated, leaf)).collect();
                Truth::join(parts, matches!(self, Self::All(_)))
            }
        }
    }

    /// The condition, or its opposite if it is `negated`, with negation at the tests alone, each of which `leaf` makes
    /// anew: it is given the test, whether it is negated, and whether it stands `bare` (see [`Opposite::print`]).
    pub(in crate::backend) fn settle<F: Leaf>(
        &self,
        negated: bool,
        bare: bool,
        leaf: &mut impl FnMut(&L, bool, bool) -> Truth<F>,
    ) -> Truth<F> {
        match self {
            Self::Always(truth) => Truth::Always(*truth != negated),
            Self::Test(test) => leaf(test, negated, bare),
            Self::Not(inner) => inner.settle(!negated, bare, leaf),
            Self::All(parts) | Self::Any(parts) => {
                let all = matches!(self, Self::All(_)) != negated;
                // An `or` ends it, though Kleene's logic would not: a target that heeds `bare` need not know what its
                // engine makes of `null or true`. A join of one part can occur, for a bound condition is not in normal
                // form.
                let bare = bare && (all || parts.len() == 1);
                let parts: Vec<_> = parts.iter().map(|part| part.settle(negated, bare, leaf)).collect();
                Truth::join(parts, all)
            }
        }
    }
}

impl<L: Text> Truth<L> {
    /// The whole condition as one text.
    pub(in crate::backend) fn text(self) -> L {
        let texts = |parts: Vec<Self>| parts.into_iter().map(Self::text).collect();
        match self {
            Self::Always(truth) => L::constant(truth),
            Self::Test(text) => text,
            Self::Not(inner) => L::not(inner.text()),
            Self::All(parts) => L::join(texts(parts), true),
            Self::Any(parts) => L::join(texts(parts), false),
        }
    }
}

impl<L: Opposite + Clone> Truth<L> {
    /// The condition, or its opposite, with every test printed so that it is never null.
    pub(in crate::backend) fn print(&self, negated: bool, bare: bool) -> Truth<L::Printed> {
        self.settle(negated, bare, &mut |test, negated, bare| Truth::Test(test.clone().print(negated, bare)))
    }
}

/// As many parts are compared with each other sooner than hashed.
const FEW: usize = 8;

/// Each part once, in order.
pub(in crate::backend) fn unique<T: Eq + Hash>(mut parts: Vec<T>) -> Vec<T> {
    // What goes is marked first: the set borrows the parts, so none can be removed while it grows.
    let again: Vec<bool> = if parts.len() <= FEW {
        parts.iter().enumerate().map(|(at, part)| parts.iter().take(at).any(|known| known == part)).collect()
    } else {
        let mut seen = HashSet::with_capacity(parts.len());
        parts.iter().map(|part| !seen.insert(part)).collect()
    };
    let mut again = again.into_iter();
    parts.retain(|_| again.next() != Some(true));
    parts
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A test that is true, false or null, as one of three variables is.
    #[derive(Debug, Clone, PartialEq, Eq, Hash)]
    struct Var(usize);

    /// What a query language makes of one: as it is, made false where it is null, or the opposite of that.
    #[derive(Debug, Clone, PartialEq, Eq, Hash)]
    enum Printed {
        Bare(usize),
        Settled(usize),
        Opposite(usize),
    }

    impl Leaf for Var {}
    impl Leaf for Printed {}

    impl Opposite for Var {
        type Printed = Printed;

        fn print(self, negated: bool, bare: bool) -> Printed {
            match (negated, bare) {
                (true, _) => Printed::Opposite(self.0),
                (false, true) => Printed::Bare(self.0),
                (false, false) => Printed::Settled(self.0),
            }
        }
    }

    /// A variable has a value or is missing.
    type Values = [Option<bool>; 3];

    /// The meaning: a test on a missing value is false, and its negation true.
    fn meaning(truth: &Truth<Var>, values: Values) -> bool {
        match truth {
            Truth::Always(known) => *known,
            Truth::Test(Var(index)) => values[*index] == Some(true),
            Truth::Not(inner) => !meaning(inner, values),
            Truth::All(parts) => parts.iter().all(|part| meaning(part, values)),
            Truth::Any(parts) => parts.iter().any(|part| meaning(part, values)),
        }
    }

    /// What a database with three-valued logic makes of a printed condition.
    fn three_valued(truth: &Truth<Printed>, values: Values) -> Option<bool> {
        let all = |parts: &[Truth<Printed>], absorbing: bool| {
            let found: Vec<_> = parts.iter().map(|part| three_valued(part, values)).collect();
            if found.contains(&Some(absorbing)) {
                Some(absorbing)
            } else if found.contains(&None) {
                None
            } else {
                Some(!absorbing)
            }
        };
        match truth {
            Truth::Always(known) => Some(*known),
            Truth::Test(Printed::Bare(index)) => values[*index],
            Truth::Test(Printed::Settled(index)) => Some(values[*index] == Some(true)),
            Truth::Test(Printed::Opposite(index)) => Some(values[*index] != Some(true)),
            Truth::Not(inner) => three_valued(inner, values).map(|known| !known),
            Truth::All(parts) => all(parts, false),
            Truth::Any(parts) => all(parts, true),
        }
    }

    fn every_value() -> Vec<Values> {
        let each = [None, Some(false), Some(true)];
        let pairs = each.iter().flat_map(|one| each.iter().map(move |two| (*one, *two)));
        pairs.flat_map(|(one, two)| each.map(|three| [one, two, three])).collect()
    }

    /// Every condition of two joins over three tests and constants, each part negated or not.
    fn conditions() -> Vec<Truth<Var>> {
        let leaves: Vec<_> =
            (0..3).map(|index| Truth::Test(Var(index))).chain([true, false].map(Truth::Always)).collect();
        let both = |truth: Truth<Var>| [truth.clone(), truth.not()];
        let leaves: Vec<_> = leaves.into_iter().flat_map(both).collect();
        let pairs = |ones: &[Truth<Var>], others: &[Truth<Var>]| -> Vec<Truth<Var>> {
            let pair = |one: &Truth<Var>, other: &Truth<Var>| [one.clone(), other.clone()];
            let joined = ones.iter().flat_map(|one| {
                others
                    .iter()
                    .flat_map(move |other| [Truth::all(pair(one, other)), Truth::any(pair(one, other))])
            });
            joined.flat_map(both).collect()
        };
        let inner = pairs(&leaves, &leaves);
        pairs(&leaves, &inner).into_iter().chain(inner).collect()
    }

    #[test]
    fn what_is_printed_means_the_same_and_needs_no_third_value() {
        let (conditions, values) = (conditions(), every_value());
        assert!(conditions.len() > 1_000);
        for condition in &conditions {
            for negated in [false, true] {
                let (bare, inside) = (condition.print(negated, true), condition.print(negated, false));
                for &values in &values {
                    let wanted = meaning(condition, values) != negated;
                    assert_eq!(three_valued(&inside, values), Some(wanted), "{condition:?} {values:?}");
                    // At the top, null drops a record as false does.
                    assert_eq!(three_valued(&bare, values) == Some(true), wanted, "{condition:?} {values:?}");
                }
            }
        }
    }

    #[test]
    fn the_parts_that_must_hold_are_the_whole() {
        for condition in conditions() {
            for negated in [false, true] {
                let parts = condition.conjuncts(negated);
                for values in every_value() {
                    let all = parts.iter().all(|(part, negated)| meaning(part, values) != *negated);
                    assert_eq!(all, meaning(&condition, values) != negated, "{condition:?}");
                }
            }
        }
    }

    #[test]
    fn tests_are_made_anew_in_their_places() {
        for condition in conditions() {
            let mut found = Vec::new();
            let mapped = condition.map(false, &mut |test, negated| {
                found.push((test.clone(), negated));
                Truth::Test(test.clone())
            });
            assert_eq!(mapped, condition);
            let tests: Vec<_> =
                condition.tests().into_iter().map(|(test, negated)| (test.clone(), negated)).collect();
            assert_eq!(found, tests);
        }
        let never = Truth::all([Truth::Test(Var(0)), Truth::Test(Var(1))]).not();
        assert_eq!(never.map::<Var>(false, &mut |_, _| Truth::Always(true)), Truth::Always(false));
    }

    fn is_normal(truth: &Truth<Var>) -> bool {
        let distinct = |parts: &[Truth<Var>]| unique(parts.to_vec()).len() == parts.len();
        match truth {
            Truth::Always(_) | Truth::Test(_) => true,
            Truth::Not(inner) => !matches!(**inner, Truth::Always(_) | Truth::Not(_)) && is_normal(inner),
            Truth::All(parts) | Truth::Any(parts) => {
                let nested = |part: &Truth<Var>| match part {
                    Truth::Always(_) => true,
                    Truth::All(_) => matches!(truth, Truth::All(_)),
                    Truth::Any(_) => matches!(truth, Truth::Any(_)),
                    Truth::Test(_) | Truth::Not(_) => false,
                };
                parts.len() > 1 && distinct(parts) && !parts.iter().any(nested) && parts.iter().all(is_normal)
            }
        }
    }

    #[test]
    fn joins_keep_the_normal_form() {
        assert!(conditions().iter().all(is_normal));
        assert_eq!(Truth::<Var>::all([]), Truth::Always(true));
        assert_eq!(Truth::<Var>::any([]), Truth::Always(false));
        let many = (0..100).map(|index| Truth::Test(Var(index % 20)));
        assert!(matches!(Truth::any(many), Truth::Any(parts) if parts.len() == 20));
    }

    #[test]
    fn tests_come_in_order_with_their_sign() {
        let [a, b, c] = [0, 1, 2].map(|index| Truth::Test(Var(index)));
        let condition = Truth::all([a, Truth::any([b, c]).not()]);
        let found: Vec<_> =
            condition.tests().into_iter().map(|(Var(index), negated)| (*index, negated)).collect();
        assert_eq!(found, [(0, false), (1, true), (2, true)]);
    }
}
