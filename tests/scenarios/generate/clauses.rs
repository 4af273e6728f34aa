//! What a random rule has beyond steps and links: as choices, and as clauses of the IR.

use catena::ir::{
    Absence, AbsenceKey, Case, CompareOp, Comparison, GroupField, Neighbour, OrderOp, Rename, Repetition,
    Selection, Type, When, Window,
};
use catena::source::{Span, Spanned};
use proptest::collection::vec;
use proptest::prelude::*;

use super::{Choice, SOURCES, choice, field, filter, text_field};

/// What a rule has beyond steps and links; each list is one per step or link, and may be shorter.
#[derive(Debug, Clone, Default)]
pub(super) struct More {
    pub(super) others: Vec<Vec<Other>>,
    pub(super) absences: Vec<Vec<AbsenceChoice>>,
    pub(super) repetitions: Vec<Option<RepetitionChoice>>,
    pub(super) folded: Vec<bool>,
    pub(super) comparisons: Vec<Vec<(usize, usize, usize)>>,
    pub(super) between: Vec<Vec<AbsenceChoice>>,
    pub(super) together: bool,
}

/// An alternative, in which `user` may be another field.
#[derive(Debug, Clone)]
pub(super) struct Other {
    pub(super) source: usize,
    pub(super) filter: Choice,
    pub(super) except: Option<Choice>,
    pub(super) user_is: Option<usize>,
}

#[derive(Debug, Clone)]
pub(super) struct AbsenceChoice {
    /// `None` for `first`.
    pub(super) of: Option<(usize, Choice)>,
    pub(super) after: bool,
    pub(super) window: u64,
    pub(super) keys: Vec<(bool, usize, usize, bool)>,
}

#[derive(Debug, Clone)]
pub(super) struct RepetitionChoice {
    pub(super) least: u32,
    pub(super) distinct: Option<(usize, bool)>,
    pub(super) window: u64,
    pub(super) by: Vec<(usize, bool)>,
}

pub(super) fn absence() -> impl Strategy<Value = AbsenceChoice> {
    let of = proptest::option::weighted(0.8, (prop_oneof![3 => Just(0_usize), 1 => Just(1)], filter()));
    let key = prop_oneof![3 => (any::<bool>(), Just(0_usize), Just(0_usize)), 1 => (any::<bool>(), 0..3_usize, 0..3_usize)];
    let key = (key, any::<bool>()).prop_map(|((earlier, left, right), folds)| (earlier, left, right, folds));
    (of, any::<bool>(), 0..5_u64, vec(key, 1..=2)).prop_map(|(of, after, window, keys)| AbsenceChoice {
        of,
        after,
        window,
        keys,
    })
}

pub(super) fn other() -> impl Strategy<Value = Other> {
    let except = proptest::option::weighted(0.2, choice());
    let user_is = proptest::option::weighted(0.4, 1..3_usize);
    (0..2_usize, filter(), except, user_is).prop_map(|(source, filter, except, user_is)| Other {
        source,
        filter,
        except,
        user_is,
    })
}

pub(super) fn more() -> impl Strategy<Value = More> {
    let group = || (0..3_usize, any::<bool>());
    let repetition = (2..4_u32, proptest::option::weighted(0.5, group()), 0..6_u64, vec(group(), 1..=2))
        .prop_map(|(least, distinct, window, by)| RepetitionChoice { least, distinct, window, by });
    let others = vec(prop_oneof![3 => vec(other(), 0..1), 1 => vec(other(), 1..3)], 4);
    let absences = vec(prop_oneof![3 => vec(absence(), 0..1), 1 => vec(absence(), 1..3)], 4);
    let repetitions = vec(proptest::option::weighted(0.3, repetition), 4);
    let comparison = (0..6_usize, 0..3_usize, 0..3_usize);
    let comparisons = vec(prop_oneof![3 => vec(comparison.clone(), 0..1), 1 => vec(comparison, 1..3)], 3);
    let between = vec(prop_oneof![3 => vec(absence(), 0..1), 1 => vec(absence(), 1..3)], 3);
    let folded = vec(any::<bool>(), 3);
    (others, absences, repetitions, comparisons, between, folded, proptest::bool::weighted(0.2)).prop_map(
        |(others, absences, repetitions, comparisons, between, folded, together)| More {
            others,
            absences,
            repetitions,
            folded,
            comparisons,
            between,
            together,
        },
    )
}

/// The comparisons of a link, at least one.
pub(super) fn busy_link() -> impl Strategy<Value = Vec<(usize, usize, usize)>> {
    vec((1..6_usize, 0..3_usize, 0..3_usize), 1..3)
}

pub(super) fn of<T>(lists: &[Vec<T>], at: usize) -> &[T] {
    lists.get(at).map_or(&[], Vec::as_slice)
}

pub(super) fn selection(
    source: usize,
    filter: &Choice,
    excepts: &[Choice],
    user_is: Option<usize>,
) -> Selection {
    let rename = |of: usize| Rename { name: "user".to_owned(), of: text_field(of).name };
    Selection {
        source: Spanned { node: SOURCES[source].to_owned(), span: Span::default() },
        renames: user_is.map(rename).into_iter().collect(),
        filter: filter.pred(),
        excepts: excepts.iter().map(Choice::pred).collect(),
        span: Span::default(),
    }
}

impl Other {
    pub(super) fn selection(&self) -> Selection {
        selection(self.source, &self.filter, self.except.as_slice(), self.user_is)
    }
}

impl AbsenceChoice {
    /// The absence; `own` are the selections of its step.
    pub(super) fn absence(&self, own: &[Selection], between: bool) -> Absence {
        let window = Window { seconds: self.window, span: Span::default() };
        let key = |(earlier, left, right, folds): &(bool, usize, usize, bool)| AbsenceKey {
            of: if between && *earlier { Neighbour::Earlier } else { Neighbour::Later },
            left: text_field(*left),
            right: text_field(if self.of.is_none() { *left } else { *right }),
            case: Case::folding(*folds),
        };
        Absence {
            name: self.of.as_ref().map(|_| Spanned { node: "absence".to_owned(), span: Span::default() }),
            selections: match &self.of {
                Some((source, filter)) => vec![selection(*source, filter, &[], None)],
                None => own.to_vec(),
            },
            when: match (between, self.after && self.of.is_some()) {
                (true, _) => When::Between,
                (false, true) => When::After(window),
                (false, false) => When::Before(window),
            },
            keys: self.keys.iter().map(key).collect(),
            span: Span::default(),
        }
    }
}

/// A text, with letter case or without.
pub(super) fn group_field((at, folds): (usize, bool)) -> GroupField {
    GroupField { field: text_field(at), case: Case::folding(folds) }
}

pub(super) fn repetition(choice: &RepetitionChoice) -> Repetition {
    let RepetitionChoice { least, distinct, window, by } = choice;
    Repetition {
        least: *least,
        distinct: distinct.map(group_field),
        window: Window { seconds: *window, span: Span::default() },
        by: by.iter().copied().map(group_field).collect(),
        by_is_explicit: true,
        span: Span::default(),
    }
}

/// Texts or addresses that differ, or numbers by size.
pub(super) fn comparison((kind, left, right): &(usize, usize, usize)) -> Comparison {
    let ops = [OrderOp::Less, OrderOp::LessEqual, OrderOp::Greater, OrderOp::GreaterEqual];
    let (left, op, right) = match kind {
        0 => (text_field(*left), CompareOp::NotEqual, text_field(*right)),
        1 => (field("address", Type::Ip), CompareOp::NotEqual, field("address", Type::Ip)),
        2 => (field("size", Type::Int), CompareOp::NotEqual, field("ratio", Type::Float)),
        3 => (field("ratio", Type::Float), CompareOp::Order(ops[*left]), field("size", Type::Int)),
        _ => (field("size", Type::Int), CompareOp::Order(ops[*right]), field("size", Type::Int)),
    };
    Comparison { left, op, right, span: Span::default() }
}
