//! The slice of time that a statement is asked about: alerts whose last event lies in it, and of every source the
//! records that can decide about them.
//!
//! In: the choice of the user, the schedule of the rule. Out: a common table of the two bounds, tests of a record and
//! of an alert. Must not know: steps, links, columns of sources.
//!
//! The bounds stand once, at the top, where a reader changes them and where a driver binds them. What is read begins as
//! long before the slice as a chain, and what must not have been before it, can reach, and ends as long after it as a
//! clause waits for what must not come: with less, alerts would be lost, or others given. Of the last step, whose time
//! is that of the alert, no more than the slice is read, unless it counts what came before.

use super::dialect;
use super::literal::{self, Frag, test, whole};
use crate::backend::{Schedule, Slice, SqlDialect};

/// The bounds of a statement.
#[derive(Debug, Clone, Copy)]
pub(super) struct Bounds {
    dialect: SqlDialect,
    slice: Slice,
    schedule: Schedule,
}

/// The table of the bounds.
const TABLE: &str = "slice_of_time";

impl Bounds {
    pub(super) fn new(dialect: SqlDialect, slice: Slice, schedule: Schedule) -> Self {
        Self { dialect, slice, schedule }
    }

    /// The common table with its comment; none if everything is asked for.
    pub(super) fn table(&self) -> Option<(Frag, Frag)> {
        let [from, to] = match self.slice {
            Slice::Whole => return None,
            Slice::Between(from, to) => [from, to].map(literal::number),
            Slice::Marked => ["from", "to"].map(|name| dialect::bound_instant(self.dialect, name)),
        };
        let comment = "the slice in which the last event lies, microseconds since 1970; its end is not in it";
        let row = whole("SELECT {} AS _from, {} AS _to", &[&from, &to]);
        let table = dialect::common_table(
            self.dialect,
            &literal::own(TABLE),
            &row,
            dialect::Keeping::AsTheEngineLikes,
        );
        Some((literal::comment(comment), table))
    }

    /// That a record can decide about an alert. What has no time comes neither before nor after anything.
    pub(super) fn readable(&self) -> Frag {
        if self.slice == Slice::Whole {
            return test("_at IS NOT NULL", &[]);
        }
        let [before, after] = [self.schedule.span(), self.schedule.wait()].map(literal::micros);
        let table = literal::own(TABLE);
        test(
            "_at BETWEEN (SELECT _from FROM {}) - {} AND (SELECT _to FROM {}) + {}",
            &[&table, &before, &table, &after],
        )
    }

    /// That a record can be the last of an alert: its time is that of the alert.
    pub(super) fn ends(&self) -> Frag {
        if self.slice == Slice::Whole {
            return self.readable();
        }
        let table = literal::own(TABLE);
        test("_at >= (SELECT _from FROM {}) AND _at < (SELECT _to FROM {})", &[&table, &table])
    }

    /// The same for everything there is.
    pub(super) fn of_all(self) -> Self {
        Self { slice: Slice::Whole, ..self }
    }

    /// That an alert lies in the slice.
    pub(super) fn within(&self) -> Frag {
        if self.slice == Slice::Whole {
            return literal::own("");
        }
        whole(" AND {}", &[&self.ends()])
    }

    /// The parameters that the statement has markers for, in their order.
    pub(super) fn parameters(&self) -> Vec<&'static str> {
        match self.slice {
            Slice::Whole | Slice::Between(_, _) => Vec::new(),
            Slice::Marked => vec!["from", "to"],
        }
    }
}
