//! A step as tables: its alternatives, what must not be there, and how often it must come, each on what the one before
//! left.
//!
//! In: a printed step. Out: its tables, the last of which holds its records. Must not know: how steps are joined.

use super::Kql;
use super::absent::{self, About, Absent};
use super::burst::Burst;
use super::lets::Lets;
use super::literal::{self, Frag};
use super::pipeline;
use super::query::Table;
use super::step::{self, Columns, Lookback, StepText};
use super::window;
use crate::backend::bind::BoundStep;
use crate::backend::print::phrase;
use crate::backend::{Options, Report};

/// A step as tables.
pub(super) struct Staged {
    /// The name of the last table.
    pub(super) name: Frag,
    /// The tables.
    pub(super) tables: Vec<Table>,
    /// The column of its time buckets.
    pub(super) lookback: Option<Frag>,
    /// The columns of the last table.
    pub(super) columns: Columns,
    /// The columns of other tables of it.
    pub(super) further: Vec<Frag>,
    /// The table of all that it counts, and the name of its window.
    counts: Option<(Frag, Frag)>,
}

impl Staged {
    /// What the step counts, if it does.
    pub(super) fn burst<'s>(&'s self, step: &'s BoundStep<'s, Kql>) -> Option<Burst<'s>> {
        let (all, window) = self.counts.clone()?;
        let (repetition, columns, lag) = (step.repetition?, &self.columns, window::lag(step.selections()));
        Some(Burst { all, step, repetition, columns, lag, window })
    }
}

/// Puts a step together; `lookback` are its time buckets, `comment` says what it is.
pub(super) fn lower(
    step: &BoundStep<'_, Kql>,
    text: StepText,
    lookback: Option<Lookback>,
    comment: &str,
    options: &Options,
    (lets, report): (&mut Lets<'_, '_>, &mut Report),
) -> Staged {
    let StepText { name, rows, counted, lookback: column, columns } = text;
    let in_stages = step::is_staged(step) || rows.len() > 1;
    let table = |suffix: &str| literal::name(&phrase!("step_{}_{suffix}", step.name.node));
    let all = if step.repetition.is_some() { table("all") } else { name.clone() };
    let found = if step.absences.is_empty() { all.clone() } else { table("found") };
    let mut out =
        Staged { name, tables: Vec::new(), lookback: column, columns, further: Vec::new(), counts: None };
    out.tables = pipeline::tables(rows, &found, &phrase!("step_{}", step.name.node), comment);
    let absences: Vec<_> =
        step.absences.iter().map(|one| absent::lower(one, (None, step), options, lets, report)).collect();
    if !absences.is_empty() {
        let operators = unless(step, &out.columns, &absences);
        for Absent { tables, columns, .. } in absences {
            out.tables.extend(tables);
            out.further.extend(columns);
        }
        out.tables.push(Table {
            comment: None,
            name: Some(all.clone()),
            kept: false,
            from: found,
            operators,
        });
    }
    if let Some(repetition) = step.repetition {
        let seconds = repetition.window.seconds.saturating_add(window::lag(step.selections()));
        let length = literal::timespan(seconds);
        let window = lets.name(&phrase!("{}_burst", step.name.node), "_within", length);
        out.tables.last_mut().into_iter().for_each(|table| table.kept = true);
        out.counts = Some((all.clone(), window));
        let mut operators = out.burst(step).map(|burst| burst.operators()).unwrap_or_default();
        operators.extend(counted);
        let name = Some(out.name.clone());
        out.tables.push(Table { comment: None, name, kept: false, from: all, operators });
    }
    if let (true, Some(lookback)) = (in_stages, lookback)
        && let Some(table) = out.tables.last_mut()
    {
        let (column, value) = step::look_back(&step.name.node, &out.columns.time, lookback);
        table.operators.push(literal::operator("extend", &literal::assign(&column, &value)));
        out.lookback = Some(column);
    }
    if let (Some(column), Some(table)) = (&out.lookback, out.tables.last_mut()) {
        table.operators.push(literal::expand_buckets(column));
    }
    out
}

/// What keeps the records of a step that nothing exempts.
fn unless(step: &BoundStep<'_, Kql>, columns: &Columns, absences: &[Absent]) -> Vec<Frag> {
    let all: Vec<_> = columns.found().cloned().collect();
    let (time, lag) = (&columns.time, window::lag(step.selections()));
    let about = About { time, lag, earlier: None, columns: &all };
    absences.iter().flat_map(|absence| absence.operators(&about)).collect()
}
