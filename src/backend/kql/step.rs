//! One step as a table of its own: the records that satisfy it, with the columns that later steps and the alert need.
//!
//! In: a step, its fields, what must leave it. Out: the fragments of its `let`, and the names of its columns.
//! Must not know: how steps are joined.

use super::Kql;
use super::column::{Group, INNER, ITEM, Reach};
use super::fields::{Derived, Fields};
use super::literal::{self, Frag};
use super::predicate::{self, Condition};
use crate::backend::bind::{BoundStep, Output};
use crate::backend::print::{Bind, phrase};
use crate::backend::{Options, Report};
use crate::ir::Type;

impl Columns {
    /// All of them.
    pub(super) fn all(&self) -> impl Iterator<Item = &Frag> {
        std::iter::once(&self.time).chain(&self.shown).chain(&self.hidden)
    }
}

/// Time buckets as long as the window between two steps, so that two of them cover it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Lookback {
    /// Their length in seconds.
    pub(super) size: u64,
    /// By how many seconds the step before may be later on its clock.
    pub(super) back: u64,
}

/// A step, printed.
#[derive(Debug)]
pub(super) struct StepText {
    /// Name of its table.
    pub(super) name: Frag,
    /// The table it reads.
    pub(super) table: Frag,
    /// Tests before the group is expanded.
    pub(super) before: Vec<Frag>,
    /// The group's arrays, outer first.
    pub(super) expands: Vec<Frag>,
    /// Derived columns, on lines of their own.
    pub(super) extends: Option<Frag>,
    /// Tests that need them.
    pub(super) after: Vec<Frag>,
    /// The columns that leave it.
    pub(super) project: Frag,
    /// The column of its time buckets.
    pub(super) lookback: Option<Frag>,
    /// What the chain must know of it.
    pub(super) columns: Columns,
}

/// The columns of a step's table.
#[derive(Debug)]
pub(super) struct Columns {
    /// Its time.
    pub(super) time: Frag,
    /// Those of the contract, without the time.
    pub(super) shown: Vec<Frag>,
    /// Those that only tell records apart.
    pub(super) hidden: Vec<Frag>,
    /// What tells its events apart, where a neighbour could be the same event.
    pub(super) event: Option<Frag>,
}

/// Prints a step. `records` says that its records must be told apart, even those that look the same. `lookback` is
/// there if it looks for the step before in time buckets.
pub(super) fn lower(
    step: &BoundStep<'_, Kql>,
    records: bool,
    lookback: Option<Lookback>,
    options: &Options,
    report: &mut Report,
) -> StepText {
    let mapping = &step.schema.mapping;
    let mut fields = Fields::new(step);
    let condition = predicate::condition(step, options, &mut fields, report);
    let keys = Keys::new(step, &mut fields, &condition);
    let mut out = Projection::new(step);
    out.shown(&mut fields);
    let event = out.event(records);
    let (derived, reach) = fields.derived();
    let expands = expansion(step, reach, records, &mut out);
    let lookback = lookback.map(|lookback| out.lookback(lookback));
    let assign = |Derived { name, value }: &Derived| literal::assign(name, value);
    let extends: Vec<_> = derived.iter().map(assign).collect();
    let Projection { assigned, time, shown, hidden, .. } = out;
    StepText {
        name: literal::name(&phrase!("step_{}", step.name.node)),
        table: mapping.table.clone(),
        before: mapping.filter.iter().cloned().chain(and(condition.plain)).chain(and(keys.plain)).collect(),
        expands,
        extends: Frag::lines(&extends, ",", 4, Bind::Or),
        after: and(condition.derived).into_iter().chain(and(keys.derived)).collect(),
        project: literal::list(&assigned),
        lookback,
        columns: Columns { time, shown, hidden, event },
    }
}

/// The parts joined by `and`, unless there are none.
fn and(parts: Vec<Frag>) -> Option<Frag> {
    (!parts.is_empty()).then(|| Frag::join(parts, " and ", Bind::And))
}

/// The tests that the join keys are present: an empty text would join any other.
#[derive(Default)]
struct Keys {
    plain: Vec<Frag>,
    derived: Vec<Frag>,
}

impl Keys {
    fn new(step: &BoundStep<'_, Kql>, fields: &mut Fields<'_, '_>, tested: &Condition) -> Self {
        let mut found = Self::default();
        for key in &step.keys {
            let (test, plain) = predicate::present(fields, key);
            let (known, tests) =
                if plain { (&tested.plain, &mut found.plain) } else { (&tested.derived, &mut found.derived) };
            if !known.contains(&test) {
                tests.push(test);
            }
        }
        found
    }
}

/// The columns that leave a step, as they are collected.
struct Projection<'b, 'a> {
    step: &'b BoundStep<'a, Kql>,
    time: Frag,
    assigned: Vec<Frag>,
    shown: Vec<Frag>,
    hidden: Vec<Frag>,
}

impl<'b, 'a> Projection<'b, 'a> {
    fn new(step: &'b BoundStep<'a, Kql>) -> Self {
        let time = literal::name(&step.column_name("time"));
        let assigned = vec![literal::assign(&time, &step.schema.mapping.time)];
        Self { step, time, assigned, shown: Vec::new(), hidden: Vec::new() }
    }

    /// The columns of the contract: what identifies the event, then keys and what the alert names.
    fn shown(&mut self, fields: &mut Fields<'_, '_>) {
        let id = self.step.event_id.as_ref();
        let others = self.step.outputs.iter();
        let others = others.filter(|output| id.is_none_or(|id| id.column != output.column));
        for Output { column, field } in id.into_iter().chain(others) {
            let (mut value, name) = (fields.value(field), literal::name(column));
            // Both sides of a join must have one type; tables store numbers in several.
            if self.step.is_key(field.name) && value != name {
                value = match field.ty {
                    Type::Int => literal::call("tolong", [&value]),
                    Type::Float => literal::call("todouble", [&value]),
                    Type::String | Type::Bool | Type::Ip | Type::Time => value,
                };
            }
            self.assigned.push(literal::assign(&name, &value));
            self.shown.push(name);
        }
    }

    fn hide(&mut self, suffix: &str, value: Option<&Frag>) -> Frag {
        let name = hidden(&self.step.name.node, suffix);
        self.assigned.push(value.map_or_else(|| name.clone(), |value| literal::assign(&name, value)));
        self.hidden.push(name.clone());
        name
    }

    /// The column that identifies the event: its id, or all that the source file knows of the table.
    fn event(&mut self, records: bool) -> Option<Frag> {
        if let Some(id) = &self.step.event_id {
            return Some(literal::name(&id.column));
        }
        if !records && !self.step.shared {
            return None;
        }
        let now = &self.step.schema.mapping.time;
        let mut stored = table_columns(self.step);
        if !stored.contains(now) {
            stored.insert(0, now.clone());
        }
        let whole = literal::call("tostring", [&literal::call("pack_array", &stored)]);
        Some(self.hide("event", Some(&whole)))
    }

    /// The buckets in which the step before may lie: that of its latest time and the one before.
    fn lookback(&mut self, Lookback { size, back }: Lookback) -> Frag {
        let latest = literal::later(&self.step.schema.mapping.time, back);
        let size = literal::timespan(size);
        let bucket = literal::call("bin", [&latest, &size]);
        let buckets = literal::call("pack_array", [&literal::binary(&bucket, "-", &size), &bucket]);
        let name = hidden(&self.step.name.node, "lookback");
        self.assigned.push(literal::assign(&name, &buckets));
        name
    }
}

/// A column that is not part of the contract.
pub(super) fn hidden(step: &str, suffix: &str) -> Frag {
    literal::name(&phrase!("_{step}_{suffix}"))
}

/// Every column of the table that the source file names, sorted, each once.
fn table_columns(step: &BoundStep<'_, Kql>) -> Vec<Frag> {
    let variants = step.schema.fields.values().flat_map(|field| &field.variants);
    let names = variants.filter_map(|variant| variant.column.as_ref().ok()?.name.as_deref());
    let names: std::collections::BTreeSet<_> = names.collect();
    names.into_iter().map(literal::name).collect()
}

/// The arrays of the repeated group, as deep as they are needed: the last step gives a record for each item, any other
/// needs the items only if it looks at them.
fn expansion(
    step: &BoundStep<'_, Kql>,
    reach: Reach,
    numbered: bool,
    out: &mut Projection<'_, '_>,
) -> Vec<Frag> {
    let Some(Group { items, inner }) = &step.schema.mapping.group else { return Vec::new() };
    let reach = match inner {
        Some(_) if step.last => Reach::Inner,
        None if step.last => reach.max(Reach::Item),
        Some(_) | None => reach,
    };
    let mut expand = |column: &str, suffix: &str, array: &Frag| {
        let index = numbered.then(|| out.hide(suffix, None));
        literal::expand(&literal::name(column), array, index.as_ref())
    };
    let item = (reach >= Reach::Item).then(|| expand(ITEM, "item", items));
    let inner = inner.as_ref().filter(|_| reach == Reach::Inner).map(|array| expand(INNER, "inner", array));
    item.into_iter().chain(inner).collect()
}
