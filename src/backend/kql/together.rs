//! Steps in any order: each of them in turn is the last one, and of every other step the newest record before it
//! counts.
//!
//! In: the tables of the steps. Out: a table for each last step, and their union. Must not know: how steps are read.

use super::Kql;
use super::lets::Lets;
use super::literal::{self, Frag};
use super::once::Once;
use super::query::{STAMP, Table};
use super::staged::Staged;
use super::{step, window};
use crate::backend::bind::{Bound, BoundStep};
use crate::backend::print::phrase;
use crate::ir::{GroupField, Together};

/// The tables of a rule whose steps come in any order.
pub(super) fn tables(
    bound: &Bound<'_, Kql>,
    shared: &Together,
    mut steps: Vec<Staged>,
    lets: &mut Lets<'_, '_>,
    once: &Once,
) -> Vec<Table> {
    let window = lets.name("total", "_within", literal::timespan(bound.total.seconds));
    let mut tables: Vec<_> = steps.iter_mut().flat_map(|step| std::mem::take(&mut step.tables)).collect();
    let all: Vec<_> = bound.steps.iter().zip(&steps).collect();
    let mut ends = Vec::with_capacity(all.len());
    for (index, last) in all.iter().enumerate() {
        let name = literal::name(&phrase!("end_{}", last.0.name.node));
        let mut operators = Vec::new();
        for (_, other) in all.iter().enumerate().filter(|(number, _)| *number != index) {
            operators.extend(join(shared, *last, *other, &window));
        }
        operators
            .push(literal::operator("extend", &literal::assign(&literal::name(STAMP), &last.1.columns.time)));
        let comment = Some(literal::comment(&phrase!("{} last", last.0.name.node)));
        let from = last.1.name.clone();
        tables.push(Table { comment, name: Some(name.clone()), kept: false, from, operators });
        ends.push(name);
    }
    let mut operators = once.operators.clone();
    let hidden = steps.iter().flat_map(|step| step.columns.hidden.iter()).chain(&once.hidden);
    let hidden: Vec<_> = hidden.cloned().collect();
    if !hidden.is_empty() {
        operators.push(literal::operator("project-away", &literal::list(&hidden)));
    }
    let from = literal::union(&ends);
    tables.push(Table { comment: None, name: None, kept: false, from, operators });
    tables
}

type Step<'s, 'a> = (&'s BoundStep<'a, Kql>, &'s Staged);

/// The join with another step: its newest record before the last one.
fn join(shared: &Together, last: Step<'_, '_>, other: Step<'_, '_>, window: &Frag) -> [Frag; 3] {
    let side = |key: &GroupField| {
        let [left, right] = [last, other].map(|step| step::key_column(step.0, &key.field, key.folds()));
        literal::equal_sides(&left, &right)
    };
    let on: Vec<_> = shared.keys.iter().map(side).collect();
    let (time, end) = (&other.1.columns.time, &last.1.columns.time);
    let [late, own] = [other, last].map(|step| window::lag(step.0.selections()));
    let since = literal::earlier(&literal::binary(end, "-", window), own);
    let within = literal::from_to(time, &since, &literal::later(end, late));
    [
        literal::join(&other.1.name, &on),
        literal::operator("where", &within),
        literal::latest(time, &last.1.columns.identity()),
    ]
}
