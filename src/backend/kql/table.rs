//! The `from` of a source file: the name of a table, or an expression that gives one.
//!
//! In: the text. Out: which of the two it is. Must not know: what the expression means.

use super::literal;
use crate::backend::stated::Notation;

/// What the `from` of a source file is.
#[derive(Debug)]
pub(super) enum Table {
    /// The name of a table; it may need brackets.
    Name,
    /// An expression of this notation, which stands as it is.
    Expression(&'static Notation),
}

/// Tables joined by `union` are separated by commas.
const UNION: Notation = Notation { ends: &['|', ';'], ..literal::EXPRESSION };

/// A table by its name; or a call such as `MyParser()`, `union A, B`, `workspace("w").A`, `['a b']`. No name of a table
/// has the marks of these, nor can a name be a pipeline.
pub(super) fn of(from: &str) -> Table {
    let from = from.trim();
    let is_union = from.strip_prefix("union").is_some_and(|rest| rest.starts_with(char::is_whitespace));
    if is_union {
        Table::Expression(&UNION)
    } else if from.contains(|c| "()[]{}|;,\"'`".contains(c)) || from.contains("//") {
        Table::Expression(&literal::EXPRESSION)
    } else {
        Table::Name
    }
}
