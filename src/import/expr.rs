//! Conditions of another language, with the names that it has for fields.
//!
//! In: tests, joined. Out: the same with negation at the tests alone, and without what says nothing. Logic is
//! two-valued here: a test of a missing field is false. Must not know: notations, sources.

use crate::ir::{Pattern, Place};
use crate::source::Span;

use super::report::Loss;

/// A condition.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Expr {
    Always(bool),
    Leaf(Leaf),
    All(Vec<Expr>),
    Any(Vec<Expr>),
    /// A filter of noise, as a condition that must hold.
    Except(Box<Expr>),
    /// What could not be read as a condition.
    Lost(Loss),
}

/// A test, or its opposite.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Leaf {
    /// The field, as the other language calls it.
    pub(super) field: String,
    /// Where it stands.
    pub(super) span: Span,
    pub(super) test: Test,
    pub(super) negated: bool,
    /// Whether the field has its canonical name.
    pub(super) is_canonical: bool,
}

/// What is asked of a field.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Test {
    /// It has no value.
    Missing,
    /// It has a text that stands for no value.
    Empty,
    /// It is one of the values.
    Equal { values: Vec<String>, folds: bool },
    /// It fits one of the patterns.
    Like { patterns: Vec<Pattern>, folds: bool },
    /// It has one of the texts at a place.
    Text { place: Place, values: Vec<String>, folds: bool },
    /// An expression matches somewhere in it.
    Regex(String),
    /// It is an address of one of the networks.
    Network(Vec<String>),
    /// It compares with a number or an instant.
    Order { op: &'static str, value: String },
    /// It is equal to another field, or has its text at a place.
    Field { place: Option<Place>, other: String, folds: bool },
}

impl Leaf {
    pub(super) fn new(field: &str, span: Span, test: Test) -> Self {
        Self { field: field.to_owned(), span, test, negated: false, is_canonical: false }
    }

    /// Whether it speaks of a value, and so is false of a missing field unless it is negated.
    pub(super) fn is_of_value(&self) -> bool {
        !matches!(self.test, Test::Missing | Test::Empty)
    }

    /// The fields that it reads.
    pub(super) fn fields(&self) -> impl Iterator<Item = &str> {
        let other = match &self.test {
            Test::Field { other, .. } => Some(other.as_str()),
            Test::Missing
            | Test::Empty
            | Test::Equal { .. }
            | Test::Like { .. }
            | Test::Text { .. }
            | Test::Regex(_)
            | Test::Network(_)
            | Test::Order { .. } => None,
        };
        std::iter::once(self.field.as_str()).chain(other)
    }
}

impl Expr {
    pub(super) fn leaf(field: &str, span: Span, test: Test) -> Self {
        Self::Leaf(Leaf::new(field, span, test))
    }

    /// The test of a field by its canonical name.
    pub(super) fn canonical(field: &str, span: Span, test: Test) -> Self {
        Self::Leaf(Leaf { is_canonical: true, ..Leaf::new(field, span, test) })
    }

    /// Adds the names of the fields that it reads, in order.
    pub(super) fn add_fields(&self, names: &mut Vec<String>) {
        match self {
            Self::Always(_) | Self::Lost(_) => {}
            Self::Leaf(leaf) => names.extend(leaf.fields().map(str::to_owned)),
            Self::All(parts) | Self::Any(parts) => parts.iter().for_each(|part| part.add_fields(names)),
            Self::Except(inner) => inner.add_fields(names),
        }
    }

    /// The parts that must all hold.
    pub(super) fn into_parts(self) -> Vec<Self> {
        if let Self::All(parts) = self { parts } else { vec![self] }
    }

    /// That a field has a value.
    pub(super) fn present(field: &str, span: Span) -> Self {
        Self::leaf(field, span, Test::Missing).not()
    }

    /// The opposite.
    pub(super) fn not(self) -> Self {
        let each = |parts: Vec<Self>| parts.into_iter().map(Self::not).collect();
        match self {
            Self::Always(truth) => Self::Always(!truth),
            Self::Leaf(leaf) => Self::Leaf(Leaf { negated: !leaf.negated, ..leaf }),
            Self::All(parts) => Self::Any(each(parts)),
            Self::Any(parts) => Self::All(each(parts)),
            Self::Except(inner) => inner.not(),
            Self::Lost(loss) => Self::Lost(loss),
        }
    }

    /// The same without what says nothing: `is_nothing` knows texts that stand for no value, `is_single` fields that
    /// have one value at most, and `keys` are fields that have one.
    pub(super) fn simplified(
        self,
        is_nothing: &dyn Fn(&str, &str) -> bool,
        is_single: &dyn Fn(&str) -> bool,
        keys: &[&str],
    ) -> Self {
        let whole = self.split(is_nothing).folded().without_excluded(is_single);
        let parts = whole.into_parts();
        let is_known = |part: &Self| match part {
            Self::Leaf(leaf) => leaf.negated && !leaf.is_of_value() && keys.contains(&leaf.field.as_str()),
            Self::Always(_) | Self::All(_) | Self::Any(_) | Self::Except(_) | Self::Lost(_) => false,
        };
        let parts = parts.into_iter().map(|part| part.knowing(keys));
        joined(parts.filter(|part| !is_known(part)).collect(), true)
    }

    /// Of a field that has one value, or none, it need not be said that it has not another.
    fn without_excluded(self, is_single: &dyn Fn(&str) -> bool) -> Self {
        let each =
            |parts: Vec<Self>| parts.into_iter().map(|part| part.without_excluded(is_single)).collect();
        let parts: Vec<Self> = match self {
            Self::All(parts) => each(parts),
            Self::Any(parts) => return joined(each(parts), false),
            Self::Except(_) | Self::Always(_) | Self::Leaf(_) | Self::Lost(_) => return self,
        };
        let stated: Vec<Leaf> = parts
            .iter()
            .filter_map(leaf_of)
            .filter(|leaf| !leaf.negated && is_single(&leaf.field))
            .cloned()
            .collect();
        let is_excluded = |leaf: &Leaf| {
            let excludes = |one: &Leaf| one.field == leaf.field && excludes(one, leaf);
            leaf.negated && leaf.is_of_value() && stated.iter().any(excludes)
        };
        let is_known = |part: &Self| match part {
            Self::Leaf(leaf) => is_excluded(leaf),
            Self::Except(inner) => leaf_of(inner).is_some_and(is_excluded),
            Self::Always(_) | Self::All(_) | Self::Any(_) | Self::Lost(_) => false,
        };
        joined(parts.into_iter().filter(|part| !is_known(part)).collect(), true)
    }

    /// In what must hold beside `keys` having values: that one has none is no way to satisfy it.
    fn knowing(self, keys: &[&str]) -> Self {
        let Self::Any(parts) = self else { return self };
        let is_false = |part: &Self| {
            matches!(part, Self::Leaf(leaf)
                if !leaf.negated && !leaf.is_of_value() && keys.contains(&leaf.field.as_str()))
        };
        joined(parts.into_iter().filter(|part| !is_false(part)).collect(), false)
    }

    /// Texts that stand for no value apart from the others.
    fn split(self, is_nothing: &dyn Fn(&str, &str) -> bool) -> Self {
        let each = |parts: Vec<Self>| parts.into_iter().map(|part| part.split(is_nothing)).collect();
        match self {
            Self::All(parts) => Self::All(each(parts)),
            Self::Any(parts) => Self::Any(each(parts)),
            Self::Except(inner) => Self::Except(Box::new(inner.split(is_nothing))),
            Self::Leaf(Leaf {
                field,
                span,
                test: Test::Equal { values, folds },
                negated,
                is_canonical: false,
            }) => {
                let (nothing, some): (Vec<_>, Vec<_>) =
                    values.into_iter().partition(|value| is_nothing(&field, value));
                let mut parts = Vec::new();
                if !nothing.is_empty() {
                    parts.push(Self::leaf(&field, span, Test::Empty));
                }
                if !some.is_empty() {
                    parts.push(Self::leaf(&field, span, Test::Equal { values: some, folds }));
                }
                let whole = joined(parts, false);
                if negated { whole.not() } else { whole }
            }
            Self::Always(_) | Self::Leaf(_) | Self::Lost(_) => self,
        }
    }

    fn folded(self) -> Self {
        let each = |parts: Vec<Self>| parts.into_iter().map(Self::folded).collect::<Vec<_>>();
        match self {
            Self::All(parts) => joined(each(parts), true),
            Self::Any(parts) => joined(each(parts), false),
            Self::Except(inner) => {
                let inner = inner.folded();
                // That fields have values is no filter of noise.
                let is_plain = match &inner {
                    Self::All(parts) => parts.iter().all(is_presence),
                    Self::Always(_) | Self::Leaf(_) | Self::Any(_) | Self::Except(_) | Self::Lost(_) => {
                        is_presence(&inner)
                    }
                };
                if is_plain { inner } else { Self::Except(Box::new(inner)) }
            }
            Self::Always(_) | Self::Leaf(_) | Self::Lost(_) => self,
        }
    }
}

fn is_presence(part: &Expr) -> bool {
    matches!(part, Expr::Leaf(leaf) if leaf.negated && !leaf.is_of_value())
}

/// The parts joined, each once, without those that the others imply.
pub(super) fn joined(parts: Vec<Expr>, all: bool) -> Expr {
    let mut flat = Vec::new();
    for part in parts {
        match part {
            Expr::All(inner) if all => flat.extend(inner),
            Expr::Any(inner) if !all => flat.extend(inner),
            Expr::Always(truth) if truth == all => {}
            Expr::Always(truth) => return Expr::Always(truth),
            Expr::Leaf(_) | Expr::All(_) | Expr::Any(_) | Expr::Except(_) | Expr::Lost(_) => flat.push(part),
        }
    }
    let mut parts: Vec<Expr> = Vec::new();
    for part in without_implied(flat, all) {
        if !parts.contains(&part) {
            parts.push(part);
        }
    }
    match (parts.len(), parts.pop()) {
        (_, None) => Expr::Always(all),
        (1, Some(only)) => only,
        (_, Some(last)) => {
            parts.push(last);
            if all { Expr::All(parts) } else { Expr::Any(parts) }
        }
    }
}

/// `f is missing, or it has a value that fails` is `f fails`; the same of `and`, the other way round.
fn without_implied(parts: Vec<Expr>, all: bool) -> Vec<Expr> {
    // Of `or` the parts that say a field is missing, of `and` those that say it has a value.
    let leaves = parts.iter().filter_map(leaf_of);
    let stated = leaves.filter(|leaf| leaf.test == Test::Missing && leaf.negated == all);
    let known: Vec<String> = stated.map(|leaf| leaf.field.clone()).collect();
    let parts: Vec<Expr> = parts.into_iter().map(|part| without_opposite(part, &known, all)).collect();
    let of_value = parts.iter().filter_map(leaf_of).filter(|leaf| leaf.is_of_value() && leaf.negated != all);
    let implied: Vec<String> = of_value.flat_map(Leaf::fields).map(str::to_owned).collect();
    let says_nothing = |part: &Expr| {
        leaf_of(part).is_some_and(|leaf| {
            let beside =
                implied.contains(&leaf.field) || (leaf.test == Test::Empty && known.contains(&leaf.field));
            leaf.negated == all && !leaf.is_of_value() && beside
        })
    };
    let parts: Vec<Expr> = parts.into_iter().filter(|part| !says_nothing(part)).collect();
    paired(parts, all)
}

/// Whether what one test says of a field leaves no room for the values of another.
fn excludes(stated: &Leaf, other: &Leaf) -> bool {
    if stated.test == Test::Missing {
        return true;
    }
    let (Test::Equal { values, .. }, Test::Equal { values: others, .. }) = (&stated.test, &other.test) else {
        return false;
    };
    values.iter().all(|value| others.iter().all(|other| value.to_lowercase() != other.to_lowercase()))
}

fn leaf_of(part: &Expr) -> Option<&Leaf> {
    if let Expr::Leaf(leaf) = part { Some(leaf) } else { None }
}

/// Two fields that begin with each other are equal.
fn paired(mut parts: Vec<Expr>, all: bool) -> Vec<Expr> {
    let begins = |leaf: &Leaf| {
        let Test::Field { place: Some(Place::Start), other, folds } = &leaf.test else { return None };
        (leaf.negated != all).then(|| (leaf.field.clone(), other.clone(), *folds))
    };
    let known: Vec<_> = parts.iter().filter_map(leaf_of).filter_map(begins).collect();
    for (field, other, folds) in &known {
        if field < other && known.contains(&(other.clone(), field.clone(), *folds)) {
            let is_one = |part: &Expr| {
                leaf_of(part).and_then(begins).is_some_and(|(one, two, same)| {
                    same == *folds && ((&one, &two) == (field, other) || (&one, &two) == (other, field))
                })
            };
            let Some(at) = parts.iter().position(is_one) else { continue };
            let Some(Expr::Leaf(leaf)) = parts.get(at).cloned() else { continue };
            parts.retain(|part| !is_one(part));
            let test = Test::Field { place: None, other: other.clone(), folds: *folds };
            parts.insert(at.min(parts.len()), Expr::Leaf(Leaf { field: field.clone(), test, ..leaf }));
        }
    }
    parts
}

/// The part without the tests that are the opposite of what stands beside it.
fn without_opposite(part: Expr, known: &[String], all: bool) -> Expr {
    let inner = match part {
        Expr::All(inner) if !all => inner,
        Expr::Any(inner) if all => inner,
        Expr::Always(_) | Expr::Leaf(_) | Expr::All(_) | Expr::Any(_) | Expr::Except(_) | Expr::Lost(_) => {
            return part;
        }
    };
    let is_opposite = |part: &Expr| {
        leaf_of(part)
            .is_some_and(|leaf| !leaf.is_of_value() && leaf.negated != all && known.contains(&leaf.field))
    };
    if inner.iter().all(is_opposite) {
        // Left alone, it is the opposite of its neighbour, and both together say nothing.
        return Expr::Always(!all);
    }
    joined(inner.into_iter().filter(|part| !is_opposite(part)).collect(), !all)
}
