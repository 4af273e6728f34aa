//! What the records of a later step must be near: they share the keys of a chain, and lie in the windows behind it.
//!
//! In: the chain so far, a link. Out: a common table of the keys, [`Near`]. It changes nothing but how much is read and
//! sorted. Must not know: conditions of steps.
//!
//! In `DuckDB` the keys of the chains are a table with a row for each, and with its first and last instant. What reads
//! it by a join is evaluated behind that join: the hash of a row, and tests that take long, which say so by naming both
//! sides (a test of one side alone is asked before it is joined). Spark and Trino have `EXISTS` at the step, and only
//! where the steps read different sources: there each reference to the chain makes it anew.

use super::link::{Chain, Joint};
use super::literal::{self, whole};
use super::near::Near;
use super::step::{Writer, in_one_case};
use crate::backend::SqlDialect;

impl<'t> Writer<'_, 't> {
    /// What the records of a later step must be near, if it pays to ask. What is counted has records of its own, and a
    /// link by any value knows only later what it joins.
    pub(super) fn near(&mut self, chain: &Chain, joint: Joint<'_, 't>) -> Option<Near> {
        let Joint { link, earlier, later, number, .. } = joint;
        if later.repetition.is_some() || !link.any.is_empty() {
            return None;
        }
        if self.dialect != SqlDialect::DuckDb {
            let keys = joint.sides().map(|([left, right], folds)| (right, left, folds)).collect();
            return (!joint.is_of_one_source()).then(|| Near { table: chain.name.clone(), keys });
        }
        let table = literal::own(&format!("near_{number}"));
        let (mut columns, mut keys) = (Vec::new(), Vec::new());
        for (place, ([left, right], folds)) in (1..).zip(joint.sides()) {
            let name = literal::own(&format!("_near_{place}"));
            columns.push(whole("{} AS {}", &[&in_one_case(left, folds), &name]));
            keys.push((right, name, folds));
        }
        let gap = literal::micros(link.gap.seconds);
        columns.extend([whole("min(_at) AS _from", &[]), whole("max(_at) + {} AS _to", &[&gap])]);
        let text =
            whole("SELECT {}\n  FROM {}\n  GROUP BY ALL", &[&literal::lines(&columns, ",", 4), &chain.name]);
        let comment = format!("where `{}` can follow `{}`", later.name.node, earlier.name.node);
        self.statement.table(&comment, &table, &text);
        self.statement.keep(&chain.name);
        Some(Near { table, keys })
    }
}
