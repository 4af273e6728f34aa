//! Walking predicates: their nodes, tests, conjuncts and extent, each written once.
//!
//! In: a [`Pred`]. Out: iterators over its parts; [`Pred::fold`] for everything that follows the connectives.
//! Must not know: what tests mean; see `facts` for that.

use super::{Field, FieldTest, Pred};
use crate::source::Span;

/// How the demands of parts combine: what is known of a record that satisfies them.
///
/// Every value is a superset: a record that satisfies the predicate has it for certain, a record that has it may still
/// fail.
pub trait Demand: Sized {
    /// Of a record that satisfies all parts; `parts` is never empty.
    fn all(parts: Vec<Self>) -> Self;

    /// Of a record that satisfies one of the parts; `parts` is never empty.
    fn any(parts: Vec<Self>) -> Self;
}

/// The nodes of a predicate, outermost first, with the truth that is wanted of them.
#[derive(Debug)]
pub struct Nodes<'p>(Vec<(&'p Pred, bool)>);

impl<'p> Iterator for Nodes<'p> {
    type Item = (&'p Pred, bool);

    fn next(&mut self) -> Option<Self::Item> {
        let (pred, wanted) = self.0.pop()?;
        let below = wanted != matches!(pred, Pred::Not(_));
        self.0.extend(pred.children().iter().rev().map(|part| (part, below)));
        Some((pred, wanted))
    }
}

impl Pred {
    /// Every node, outermost first and in the order of the text; `false` stands for those under an odd number of
    /// negations.
    #[must_use]
    pub fn nodes(&self) -> Nodes<'_> {
        Nodes(vec![(self, true)])
    }

    /// Every test, in the order of the text, with the truth that is wanted of it.
    pub fn signed_tests(&self) -> impl Iterator<Item = (&FieldTest, bool)> {
        self.nodes().filter_map(|(pred, wanted)| match pred {
            Self::Test(test) => Some((test, wanted)),
            Self::And(_) | Self::Or(_) | Self::Not(_) => None,
        })
    }

    /// Every test, in the order of the text.
    pub fn tests(&self) -> impl Iterator<Item = &FieldTest> {
        self.signed_tests().map(|(test, _)| test)
    }

    /// Every field that is looked at, as often as it is.
    pub fn fields(&self) -> impl Iterator<Item = &Field> {
        self.tests().flat_map(FieldTest::fields)
    }

    /// The parts that `and` or `or` joins; a negation and a test have none.
    #[must_use]
    pub fn parts(&self) -> &[Self] {
        match self {
            Self::And(parts) | Self::Or(parts) => parts,
            Self::Not(_) | Self::Test(_) => &[],
        }
    }

    /// The nodes right below: what `and` and `or` join, what `not` negates.
    #[must_use]
    pub fn children(&self) -> &[Self] {
        match self {
            Self::And(parts) | Self::Or(parts) => parts,
            Self::Not(inner) => std::slice::from_ref(inner),
            Self::Test(_) => &[],
        }
    }

    /// The parts that must all hold: those of nested `and`s, in order; a predicate of another kind is its only
    /// conjunct.
    #[must_use]
    pub fn conjuncts(&self) -> Vec<&Self> {
        match self {
            Self::And(parts) => parts.iter().flat_map(Self::conjuncts).collect(),
            Self::Or(_) | Self::Not(_) | Self::Test(_) => vec![self],
        }
    }

    /// Its extent in the text: from its first to its last test.
    #[must_use]
    pub fn span(&self) -> Span {
        self.tests().map(|test| test.span).reduce(Span::to).unwrap_or_default()
    }

    /// What a record that satisfies the predicate must have, from what `of_test` says of tests that must be met.
    ///
    /// A negated test holds for a missing field too, so it demands nothing.
    pub fn fold<'p, D: Demand>(&'p self, of_test: &impl Fn(&'p FieldTest) -> Option<D>) -> Option<D> {
        self.fold_wanted(true, of_test)
    }

    fn fold_wanted<'p, D: Demand>(
        &'p self,
        wanted: bool,
        of_test: &impl Fn(&'p FieldTest) -> Option<D>,
    ) -> Option<D> {
        match (self, wanted) {
            // A part that says nothing takes nothing away from what the others demand.
            (Self::And(parts), true) | (Self::Or(parts), false) => {
                let known: Vec<_> =
                    parts.iter().filter_map(|part| part.fold_wanted(wanted, of_test)).collect();
                (!known.is_empty()).then(|| D::all(known))
            }
            // A part that says nothing may be the one that holds, and then nothing is known.
            (Self::Or(parts), true) | (Self::And(parts), false) => {
                let known: Vec<_> =
                    parts.iter().map(|part| part.fold_wanted(wanted, of_test)).collect::<Option<_>>()?;
                (!known.is_empty()).then(|| D::any(known))
            }
            (Self::Not(inner), _) => inner.fold_wanted(!wanted, of_test),
            (Self::Test(test), true) => of_test(test),
            (Self::Test(_), false) => None,
        }
    }
}
