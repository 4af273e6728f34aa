//! The chain of the syntax tree: steps, links and what stands in them.
//!
//! In: built by the parser. Out: read by the checker and the formatter.
//! Must not know: whether a name exists, or in which order clauses may stand.

use super::{Literal, Name, Op, Pred};
use crate::source::{Span, Spanned};

/// `chain within TOTAL scope f, … { step … then … step … }`.
#[derive(Debug, Clone, PartialEq)]
pub struct Chain {
    /// The total window, if given.
    pub within: Option<Literal>,
    /// Fields that every step must share.
    pub scope: Vec<Name>,
    /// Steps and links in the order written; the checker wants them to alternate.
    pub items: Vec<ChainItem>,
    /// The whole clause.
    pub span: Span,
}

impl Chain {
    /// What must not be there: of its steps and links.
    pub fn absences(&self) -> impl Iterator<Item = &Unless> {
        self.items.iter().flat_map(|item| {
            let of_link = match item {
                ChainItem::Then(then) => then.unless.as_slice(),
                ChainItem::Step(_) | ChainItem::Together(_) => &[],
            };
            let clauses = item.steps().iter().flat_map(|step| &step.clauses);
            let of_steps = clauses.filter_map(|clause| match clause {
                StepClause::Unless(unless) => Some(unless.as_ref()),
                StepClause::First(_) | StepClause::AtLeast(_) => None,
            });
            of_steps.chain(of_link)
        })
    }
}

/// A part of a chain.
#[derive(Debug, Clone, PartialEq)]
pub enum ChainItem {
    /// `step …`.
    Step(Box<Step>),
    /// `then within … on …`.
    Then(Then),
    /// `together within … on … { step … }`.
    Together(Together),
}

impl ChainItem {
    /// The steps that it has: itself, or those in its braces.
    #[must_use]
    pub fn steps(&self) -> &[Step] {
        match self {
            Self::Step(step) => std::slice::from_ref(step),
            Self::Then(_) => &[],
            Self::Together(together) => &together.steps,
        }
    }
}

/// `step NAME from … or from … unless … first … at least …`.
#[derive(Debug, Clone, PartialEq)]
pub struct Step {
    /// Its name.
    pub name: Name,
    /// What it matches: the first alternative, which names no renaming.
    pub main: Selection,
    /// The other alternatives: `or from …`.
    pub others: Vec<Selection>,
    /// `unless …`, `first …`, `at least …`, in the order written; the checker wants one order.
    pub clauses: Vec<StepClause>,
    /// The whole clause.
    pub span: Span,
}

impl Step {
    /// Its alternatives, in order.
    pub fn selections(&self) -> impl Iterator<Item = &Selection> {
        std::iter::once(&self.main).chain(&self.others)
    }
}

/// `from SOURCE as { … } where … except …`.
#[derive(Debug, Clone, PartialEq)]
pub struct Selection {
    /// The log source.
    pub source: Name,
    /// Fields that have another name in the rest of the rule.
    pub renames: Vec<Rename>,
    /// What it matches.
    pub filter: Pred,
    /// The noise filters.
    pub excepts: Vec<Pred>,
    /// The whole alternative.
    pub span: Span,
}

/// `FIELD: FIELD_OF_THIS_SOURCE`.
#[derive(Debug, Clone, PartialEq)]
pub struct Rename {
    /// The name in the rest of the rule.
    pub name: Name,
    /// The field of the source.
    pub of: Name,
}

/// A clause of a step after what it matches.
#[derive(Debug, Clone, PartialEq)]
pub enum StepClause {
    /// `unless …`.
    Unless(Box<Unless>),
    /// `first …`.
    First(First),
    /// `at least …`.
    AtLeast(AtLeast),
}

impl StepClause {
    /// The whole clause.
    #[must_use]
    pub fn span(&self) -> Span {
        match self {
            Self::Unless(unless) => unless.span,
            Self::First(first) => first.span,
            Self::AtLeast(at_least) => at_least.span,
        }
    }
}

/// `unless NAME from SOURCE where … within D before on …`; of a link without the window.
#[derive(Debug, Clone, PartialEq)]
pub struct Unless {
    /// Its name, for tests.
    pub name: Name,
    /// What must not be there.
    pub selection: Selection,
    /// How far it may be from the step.
    pub within: Option<UnlessWindow>,
    /// What it shares with the step.
    pub links: Vec<Link>,
    /// The whole clause.
    pub span: Span,
}

/// `within D before`.
#[derive(Debug, Clone, PartialEq)]
pub struct UnlessWindow {
    /// The longest time between the two.
    pub window: Literal,
    /// On which side of the step, if it was written.
    pub side: Option<Spanned<Side>>,
}

/// On which side of a step an event stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    /// Before it.
    Before,
    /// After it.
    After,
}

/// `first within D by FIELD, …`.
#[derive(Debug, Clone, PartialEq)]
pub struct First {
    /// How far back nothing may have been seen.
    pub window: Literal,
    /// What was not seen.
    pub by: Vec<Name>,
    /// The whole clause.
    pub span: Span,
}

/// `at least N distinct FIELD within D by FIELD, …`.
#[derive(Debug, Clone, PartialEq)]
pub struct AtLeast {
    /// How many.
    pub count: Literal,
    /// The field whose values are counted, in place of events.
    pub distinct: Option<Name>,
    /// Within which time.
    pub window: Literal,
    /// What the counted events share.
    pub by: Vec<Name>,
    /// The whole clause.
    pub span: Span,
}

/// `then within GAP on LINK, … where … unless …`.
#[derive(Debug, Clone, PartialEq)]
pub struct Then {
    /// The longest time from the step before to the step after: a duration or a parameter.
    pub gap: Literal,
    /// The join keys.
    pub links: Vec<Link>,
    /// Comparisons of fields of the two steps.
    pub comparisons: Vec<Comparison>,
    /// What must not be between the two steps.
    pub unless: Vec<Unless>,
    /// The whole clause.
    pub span: Span,
}

/// A join key: one field of both neighbours, or a pair of step fields.
#[derive(Debug, Clone, PartialEq)]
pub struct Link {
    /// The field (`actor.id`) or the earlier step's field (`launch.instance.id`).
    pub left: LinkSide,
    /// The later step's field, for a pair.
    pub right: Option<LinkSide>,
    /// `=~` between them.
    pub ignore_case: bool,
    /// The whole link.
    pub span: Span,
}

/// A side of a link: `actor.id` or `any(stop.instance.ids)`.
#[derive(Debug, Clone, PartialEq)]
pub struct LinkSide {
    /// The field.
    pub name: Name,
    /// `any(…)` around it.
    pub any: Option<Span>,
}

/// `A.FIELD OP B.FIELD`: fields of the two steps that a link joins.
#[derive(Debug, Clone, PartialEq)]
pub struct Comparison {
    /// A field of one of them.
    pub left: Name,
    /// The operator.
    pub op: Spanned<Op>,
    /// A field of the other.
    pub right: Name,
    /// The whole comparison.
    pub span: Span,
}

/// `together within W on FIELD, … { step … step … }`.
#[derive(Debug, Clone, PartialEq)]
pub struct Together {
    /// The longest time from the first to the last of them.
    pub window: Literal,
    /// What all of them share.
    pub links: Vec<Link>,
    /// The steps, in the order written.
    pub steps: Vec<Step>,
    /// The whole clause.
    pub span: Span,
}
