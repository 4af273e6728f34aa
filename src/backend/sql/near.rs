//! Of the records of a later step those that a chain can lead to: what to read, and its tests in another order.
//!
//! In: a table with the keys of chains, the tests of the later step. Out: the same records, but for those that no chain
//! leads to. Must not know: what the tests ask, how chains are made.

use super::dialect;
use super::literal::{self, Frag, test, whole};
use crate::backend::SqlDialect;
use crate::backend::print::Bind;

/// What is near a chain.
#[derive(Debug)]
pub(super) struct Near {
    /// The table that has the keys of the chains.
    pub(super) table: Frag,
    /// The columns of the later step with the keys that they are compared with; whether letter case does not count.
    pub(super) keys: Vec<(Frag, Frag, bool)>,
}

/// That a record lies between the first and the last instant at which a chain can lead to it.
const WITHIN: &str = "_at BETWEEN _from AND _to";

impl Near {
    /// The columns of the later step that are compared.
    pub(super) fn names(&self) -> impl Iterator<Item = &Frag> {
        self.keys.iter().map(|(name, _, _)| name)
    }

    /// What a step reads in place of `from`, which has the columns `keys`, and its tests.
    pub(super) fn narrow(
        &self,
        dialect: SqlDialect,
        from: &Frag,
        tests: Vec<Frag>,
        keys: &[Frag],
    ) -> (Frag, Vec<Frag>) {
        let shares = self.keys.iter().zip(keys).map(|((_, key, folds), column)| {
            let template = match (dialect, folds) {
                (SqlDialect::DuckDb, false) => "{} = {}",
                (SqlDialect::DuckDb, true) => "lower({}) = {}",
                (SqlDialect::Spark | SqlDialect::Trino, false) => "a.{} = r.{}",
                (SqlDialect::Spark | SqlDialect::Trino, true) => "lower(a.{}) = lower(r.{})",
            };
            let parts = if dialect == SqlDialect::DuckDb { [column, key] } else { [key, column] };
            test(template, &parts)
        });
        let mut shares: Vec<_> = shares.collect();
        if dialect != SqlDialect::DuckDb {
            let shares = Frag::join(shares, " AND ", Bind::Or);
            let exists = whole("EXISTS (SELECT 1 FROM {} a WHERE {})", &[&self.table, &shares]);
            return (whole("{} r", &[from]), tests.into_iter().chain([exists]).collect());
        }
        shares.push(literal::own(WITHIN));
        let from = whole("{} JOIN {} ON {}", &[from, &self.table, &Frag::join(shares, " AND ", Bind::Or)]);
        let (late, mut tests): (Vec<_>, Vec<_>) = tests.into_iter().partition(dialect::takes_long);
        if !late.is_empty() {
            let late = Frag::join(late, " AND\n      ", Bind::And);
            tests.push(whole("CASE WHEN {} THEN\n      {} END", &[&literal::own(WITHIN), &late]));
        }
        (from, tests)
    }
}
