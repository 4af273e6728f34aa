//! EQL queries as trees.
//!
//! In: nothing. Out: types. Must not know: how a query is read, what a field means.

/// First byte and one past the last.
pub(super) type Place = (usize, usize);

/// A query.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Query {
    pub(super) shape: Shape,
    pub(super) items: Vec<Item>,
    pub(super) until: Option<Item>,
    /// Fields that all items share.
    pub(super) by: Vec<Key>,
    pub(super) maxspan: Option<(String, Place)>,
    /// Pipes, each with its text.
    pub(super) pipes: Vec<(String, Place)>,
    /// The comments before it, one a line.
    pub(super) comments: Vec<String>,
    pub(super) place: Place,
}

/// How the items of a query belong together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Shape {
    Single,
    Sequence,
    Sample,
}

/// An event of a query.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Item {
    pub(super) category: String,
    pub(super) condition: Node,
    /// It must not come.
    pub(super) is_missing: bool,
    pub(super) by: Vec<Key>,
    pub(super) runs: Option<(String, Place)>,
    /// The comment before it.
    pub(super) comment: String,
    pub(super) place: Place,
}

/// A field by which items are joined.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Key {
    pub(super) name: String,
    pub(super) optional: bool,
    pub(super) place: Place,
}

/// A condition.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Node {
    Or(Vec<Node>),
    And(Vec<Node>),
    Not(Box<Node>),
    /// A value in place of a condition: a boolean, or a function.
    Bare(Value),
    Compare(Box<Compare>),
    /// `child of […]` and the like.
    Lineage(String, Place),
}

/// A comparison.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Compare {
    pub(super) left: Value,
    pub(super) op: Op,
    /// `~` stands behind the operator.
    pub(super) folds: bool,
    pub(super) negated: bool,
    pub(super) right: Vec<Value>,
    pub(super) place: Place,
}

/// An operator.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Op {
    Equal,
    Order(&'static str),
    In,
    /// `:`.
    Seems,
    Like,
    Regex,
}

/// A value.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Value {
    pub(super) kind: ValueKind,
    pub(super) place: Place,
}

/// What a value is.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum ValueKind {
    Field(String),
    Text(String),
    Number(String),
    Bool(bool),
    Null,
    Call {
        name: String,
        folds: bool,
        arguments: Vec<Value>,
    },
    /// Sums and the like.
    Arithmetic,
}
