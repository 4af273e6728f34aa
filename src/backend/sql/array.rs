//! What the dialects write of lists of values, and how they reach into them.
//!
//! In: a dialect and fragments. Out: fragments. Must not know: rules, sources, what the fragments mean. Facts: the
//! function references of `DuckDB`, Spark and Trino; `docs/sql.md` says what was run where.

use super::check::{Check, nullable};
use super::column::Key;
use super::literal::{self, Frag, test, whole};
use crate::backend::SqlDialect;
use crate::backend::truth::Truth;
use crate::ir::Type;

/// The value of a list that a test names.
pub(super) const ONE: &str = "x";

/// The items of the array at a path of a JSON text; empty or null where there is none. Each is a text in Spark, and
/// JSON elsewhere. `is_item` says that the document is an item of another array.
pub(super) fn of_json(dialect: SqlDialect, document: &Frag, path: &[Key], is_item: bool) -> Frag {
    let items = literal::json_path_of_items(dialect, path);
    let path = literal::json_path(dialect, path);
    match dialect {
        SqlDialect::DuckDb if is_item => whole("json_extract({}, {})", &[document, &items]),
        SqlDialect::DuckDb => whole("json_extract(TRY_CAST({} AS JSON), {})", &[document, &items]),
        SqlDialect::Spark => whole("from_json(get_json_object({}, {}), 'ARRAY<STRING>')", &[document, &path]),
        SqlDialect::Trino => whole("TRY(CAST(json_extract({}, {}) AS ARRAY(JSON)))", &[document, &path]),
    }
}

/// What becomes of each item, which the body calls by the name.
pub(super) fn transform(dialect: SqlDialect, list: &Frag, name: &Frag, body: &Frag) -> Frag {
    if name == body {
        return list.clone();
    }
    match dialect {
        SqlDialect::DuckDb => whole("list_transform({}, lambda {}: {})", &[list, name, body]),
        SqlDialect::Spark | SqlDialect::Trino => whole("transform({}, {} -> {})", &[list, name, body]),
    }
}

/// The items for which a test holds.
pub(super) fn filter(dialect: SqlDialect, list: &Frag, name: &Frag, test: &Frag) -> Frag {
    match dialect {
        SqlDialect::DuckDb => whole("list_filter({}, lambda {}: {})", &[list, name, test]),
        SqlDialect::Spark | SqlDialect::Trino => whole("filter({}, {} -> {})", &[list, name, test]),
    }
}

/// The item of a number, from 0; null where there are not so many.
pub(super) fn item(dialect: SqlDialect, list: &Frag, number: usize) -> Frag {
    let from =
        |first: usize| literal::number(i64::try_from(number.saturating_add(first)).unwrap_or(i64::MAX));
    match dialect {
        SqlDialect::DuckDb => whole("{}[{}]", &[list, &from(1)]),
        SqlDialect::Spark => whole("get({}, {})", &[list, &from(0)]),
        SqlDialect::Trino => whole("element_at({}, {})", &[list, &from(1)]),
    }
}

/// The items of the lists of a list, none of which is null.
pub(super) fn flatten(list: &Frag) -> Frag {
    whole("flatten({})", &[list])
}

/// A list of one value.
pub(super) fn of_one(dialect: SqlDialect, value: &Frag) -> Frag {
    match dialect {
        SqlDialect::DuckDb => whole("[{}]", &[value]),
        SqlDialect::Spark => whole("array({})", &[value]),
        SqlDialect::Trino => whole("ARRAY[{}]", &[value]),
    }
}

/// A list of no values.
pub(super) fn empty(dialect: SqlDialect) -> Frag {
    literal::own(match dialect {
        SqlDialect::DuckDb => "[]",
        SqlDialect::Spark => "array()",
        SqlDialect::Trino => "ARRAY[]",
    })
}

/// How many items a list has; null, or less than none, where there is no list.
pub(super) fn count(dialect: SqlDialect, list: &Frag) -> Frag {
    match dialect {
        SqlDialect::DuckDb => whole("len({})", &[list]),
        SqlDialect::Spark => whole("size({})", &[list]),
        SqlDialect::Trino => whole("cardinality({})", &[list]),
    }
}

/// Whether a list has an item.
pub(super) fn has_items(dialect: SqlDialect, list: &Frag) -> Check {
    nullable(test("{} > 0", &[&count(dialect, list)]))
}

/// Of several lists the first that has an item; the last if none has.
pub(super) fn first_with_items(dialect: SqlDialect, mut lists: Vec<Frag>) -> Frag {
    let Some(last) = lists.pop() else { return empty(dialect) };
    lists.iter().rev().fold(last, |rest, list| {
        whole("CASE WHEN {} > 0 THEN {} ELSE {} END", &[&count(dialect, list), list, &rest])
    })
}

/// Whether a list has no item.
pub(super) fn has_none(dialect: SqlDialect, list: &Frag) -> Check {
    nullable(test("{} = 0", &[&count(dialect, list)]))
}

/// The values for which a check, or its opposite, holds.
pub(super) fn those(dialect: SqlDialect, list: &Frag, check: &Check, negated: bool) -> Frag {
    match check.print(negated, true) {
        Truth::Always(true) => list.clone(),
        body @ (Truth::Always(false) | Truth::Test(_) | Truth::Not(_) | Truth::All(_) | Truth::Any(_)) => {
            filter(dialect, list, &literal::own(ONE), &body.text())
        }
    }
}

/// Whether a check, or its opposite, holds for one of the values, which it calls [`ONE`].
pub(super) fn any(dialect: SqlDialect, list: &Frag, check: &Check, negated: bool) -> Check {
    let body = match check.print(negated, true) {
        Truth::Always(true) => return has_items(dialect, list),
        Truth::Always(false) => return Truth::Always(false),
        body @ (Truth::Test(_) | Truth::Not(_) | Truth::All(_) | Truth::Any(_)) => body.text(),
    };
    let parts = [list, &literal::own(ONE), &body];
    nullable(match dialect {
        SqlDialect::DuckDb => test("len(list_filter({}, lambda {}: {})) > 0", &parts),
        SqlDialect::Spark => whole("exists({}, {} -> {})", &parts),
        SqlDialect::Trino => whole("any_match({}, {} -> {})", &parts),
    })
}

/// Whether it holds for all of them; if there is none, it does.
pub(super) fn every(dialect: SqlDialect, list: &Frag, check: &Check, negated: bool) -> Check {
    let body = match check.print(negated, true) {
        Truth::Always(true) => return Truth::Always(true),
        Truth::Always(false) => return has_none(dialect, list),
        body @ (Truth::Test(_) | Truth::Not(_) | Truth::All(_) | Truth::Any(_)) => body.text(),
    };
    let parts = [list, &literal::own(ONE), &body];
    nullable(match dialect {
        // What is null does not hold.
        SqlDialect::DuckDb => {
            let passing = whole("len(list_filter({}, lambda {}: {}))", &parts);
            test("{} = {}", &[&passing, &count(dialect, list)])
        }
        SqlDialect::Spark => whole("forall({}, {} -> {})", &parts),
        SqlDialect::Trino => whole("all_match({}, {} -> {})", &parts),
    })
}

/// Whether two lists share a value.
pub(super) fn share(dialect: SqlDialect, one: &Frag, other: &Frag) -> Check {
    nullable(match dialect {
        SqlDialect::DuckDb => whole("list_has_any({}, {})", &[one, other]),
        SqlDialect::Spark | SqlDialect::Trino => whole("arrays_overlap({}, {})", &[one, other]),
    })
}

/// The values of a list that another does not have.
pub(super) fn except(dialect: SqlDialect, list: &Frag, other: &Frag) -> Frag {
    match dialect {
        // There no function subtracts lists, and a query cannot stand inside of a lambda.
        SqlDialect::DuckDb => whole(
            "list_transform([{}], lambda v: list_filter({}, lambda x: NOT list_contains(v, x)))[1]",
            &[other, list],
        ),
        SqlDialect::Spark | SqlDialect::Trino => whole("array_except({}, {})", &[list, other]),
    }
}

/// The values of the rows of `SELECT value FROM …`, as a list.
pub(super) fn of_rows(dialect: SqlDialect, rows: &Frag) -> Frag {
    match dialect {
        SqlDialect::DuckDb => whole("COALESCE((SELECT list(value) FROM {}), [])", &[rows]),
        SqlDialect::Spark => whole("(SELECT collect_list(value) FROM {})", &[rows]),
        SqlDialect::Trino => whole("COALESCE((SELECT array_agg(value) FROM {}), ARRAY[])", &[rows]),
    }
}

/// The rows of a table, each once for every different value of a list, which gets a name; those without a value are
/// left out.
pub(super) fn spread(dialect: SqlDialect, table: &Frag, list: &Frag, name: &Frag) -> Frag {
    match dialect {
        SqlDialect::DuckDb => {
            whole("SELECT *, unnest(list_distinct({})) AS {}\n  FROM {}", &[list, name, table])
        }
        SqlDialect::Spark => {
            whole("SELECT *, explode(array_distinct({})) AS {}\n  FROM {}", &[list, name, table])
        }
        SqlDialect::Trino => whole(
            "SELECT r.*, v.{}\n  FROM {} r CROSS JOIN UNNEST(array_distinct(r.{})) AS v({})",
            &[name, table, list, name],
        ),
    }
}

/// What a column of a statement holds: a value of a type, or the list of several.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Held {
    pub(super) ty: Type,
    pub(super) many: bool,
}

impl Held {
    pub(super) fn one(ty: Type) -> Self {
        Self { ty, many: false }
    }

    pub(super) fn type_name(self, dialect: SqlDialect) -> Frag {
        if self.many { type_name(dialect, self.ty) } else { literal::type_name(dialect, self.ty) }
    }

    /// What holds this and another: lists if one of them is one, texts if their types differ.
    pub(super) fn with(self, other: Self) -> Self {
        let ty = if self.ty == other.ty { self.ty } else { Type::String };
        Self { ty, many: self.many || other.many }
    }

    /// A value that is held as `own` as one that is held so; no list is empty, as none of them is a value.
    pub(super) fn from(self, dialect: SqlDialect, own: Self, value: &Frag) -> Frag {
        let list = match (self.many, own.many) {
            (true, true) => whole("CASE WHEN {} > 0 THEN {} END", &[&count(dialect, value), value]),
            (true, false) => whole("CASE WHEN {} IS NOT NULL THEN {} END", &[value, &of_one(dialect, value)]),
            (false, _) => value.clone(),
        };
        if self.ty == own.ty { list } else { whole("CAST({} AS {})", &[&list, &self.type_name(dialect)]) }
    }
}

/// The name of the type of a list.
pub(super) fn type_name(dialect: SqlDialect, ty: Type) -> Frag {
    let one = literal::type_name(dialect, ty);
    match dialect {
        SqlDialect::DuckDb => whole("{}[]", &[&one]),
        SqlDialect::Spark => whole("ARRAY<{}>", &[&one]),
        SqlDialect::Trino => whole("ARRAY({})", &[&one]),
    }
}
