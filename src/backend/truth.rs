//! Two-valued logic over tests of any kind: what joins the conditions of a query, whatever a single test looks like.
//!
//! In: tests, joined. Out: the same in normal form: no constants inside, no join directly in a join of its kind, no
//! part twice; and for query languages, whose tests can be null, a form in which every test is true or false. Must not
//! know: what a test is, how it is printed.

#![allow(dead_code, reason = "what only SPL, EQL and Sigma will call, until they do")]

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
                parts.iter().for_each(|part| part.collect(negated, found));
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
