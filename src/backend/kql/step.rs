//! One step as a table of its own: the records that satisfy it, with the columns that later steps and the alert need.
//!
//! In: a step, its fields, what must leave it. Out: the fragments of its `let`, and the names of its columns.
//! Must not know: how steps are joined.

use super::fields::{Fields, INNER, ITEM, Reach};
use super::predicate::Condition;
use super::{literal, predicate};
use crate::backend::print::{Bind, Frag, phrase};
use crate::backend::{Job, Report, Target, columns, home};
use crate::catalog::{Column, Home, Source};
use crate::diag::{Code, Diagnostic};
use crate::ir::{Field, Step, Type};

impl Columns {
    /// All of them.
    pub(super) fn all(&self) -> impl Iterator<Item = &Frag> {
        std::iter::once(&self.time).chain(&self.shown).chain(&self.hidden)
    }
}

/// What must leave a step.
#[derive(Debug, Default)]
pub(super) struct Demand {
    /// Fields of the contract, each once.
    pub(super) shown: Vec<Field>,
    /// Fields that a link joins by: they must be present.
    pub(super) keys: Vec<Field>,
    /// Whether it is the last step: one row for each of its records.
    pub(super) last: bool,
    /// Whether records that look the same must be told apart.
    pub(super) records: bool,
    /// Whether a neighbour could be the same event.
    pub(super) events: bool,
    /// The time buckets in which the step looks for the step before.
    pub(super) lookback: Option<Lookback>,
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

/// Prints a step.
pub(super) fn lower(
    job: &Job<'_>,
    target: &dyn Target,
    step: &Step,
    demand: &Demand,
    report: &mut Report,
) -> Option<StepText> {
    let home = home::of(job, target, step, report)?;
    let source = columns::source(job, step)?;
    let mut fields = Fields::new(job, target, step, home);
    let condition = predicate::condition(job, &mut fields, report)?;
    let keys = Keys::new(&mut fields, demand, &condition, report)?;
    let mut out = Projection::new(step, home);
    out.shown(&mut fields, demand, report)?;
    let event = out.event(source, &fields, demand);
    let group = fields.group();
    let (derived, reach) = fields.derived();
    let group = Expansion::new(source, group, reach, demand).print(step, &mut out, report)?;
    let lookback = out.lookback(demand);
    let filter = home.filter.as_deref().map(literal::expression);
    let extends: Vec<_> = derived.iter().map(|column| literal::assign(&column.name, &column.value)).collect();
    let Projection { assigned, time, shown, hidden, .. } = out;
    Some(StepText {
        name: literal::name(&phrase!("step_{}", step.name.node)),
        table: literal::name(&home.from),
        before: filter.into_iter().chain(and(condition.plain)).chain(and(keys.plain)).collect(),
        expands: group,
        extends: Frag::lines(&extends, ",", 4, Bind::Or),
        after: and(condition.derived).into_iter().chain(and(keys.derived)).collect(),
        project: literal::list(&assigned),
        lookback,
        columns: Columns { time, shown, hidden, event },
    })
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
    fn new(
        fields: &mut Fields<'_>,
        demand: &Demand,
        tested: &Condition,
        report: &mut Report,
    ) -> Option<Self> {
        let mut found = Self::default();
        for key in &demand.keys {
            for inexact in fields.inexact(key, report) {
                inexact.joined(key.span, report);
            }
            let (test, plain) = predicate::present(fields, key, report)?;
            let (known, tests) =
                if plain { (&tested.plain, &mut found.plain) } else { (&tested.derived, &mut found.derived) };
            if !known.contains(&test) {
                tests.push(test);
            }
        }
        Some(found)
    }
}

/// The columns that leave a step, as they are collected.
struct Projection<'a> {
    prefix: &'a str,
    now: Frag,
    time: Frag,
    assigned: Vec<Frag>,
    shown: Vec<Frag>,
    hidden: Vec<Frag>,
}

impl<'a> Projection<'a> {
    fn new(step: &'a Step, home: &Home) -> Self {
        let prefix = step.name.node.as_str();
        let (now, time) = (literal::expression(&home.time), literal::name(&phrase!("{prefix}_time")));
        let assigned = vec![literal::assign(&time, &now)];
        Self { prefix, now, time, assigned, shown: Vec::new(), hidden: Vec::new() }
    }

    fn shown(&mut self, fields: &mut Fields<'_>, demand: &Demand, report: &mut Report) -> Option<()> {
        for field in &demand.shown {
            let mut value = fields.value(field, report)?;
            let name = column_name(fields.step, &field.name);
            let key = demand.keys.iter().any(|key| key.name == field.name);
            if !key {
                for inexact in fields.inexact(field, report) {
                    inexact.shown(field, report);
                }
            }
            // Both sides of a join must have one type; tables store numbers in several.
            if key && value != name {
                value = match field.ty {
                    Type::Int => literal::call("tolong", [&value]),
                    Type::Float => literal::call("todouble", [&value]),
                    Type::String | Type::Bool | Type::Ip | Type::Time => value,
                };
            }
            self.assigned.push(literal::assign(&name, &value));
            self.shown.push(name);
        }
        Some(())
    }

    fn hide(&mut self, suffix: &str, value: Option<&Frag>) -> Frag {
        let name = hidden(self.prefix, suffix);
        self.assigned.push(value.map_or_else(|| name.clone(), |value| literal::assign(&name, value)));
        self.hidden.push(name.clone());
        name
    }

    /// The column that identifies the event: its id, or all that the source file knows of the table.
    fn event(&mut self, source: &Source, fields: &Fields<'_>, demand: &Demand) -> Option<Frag> {
        if let Some(id) = event_id(source, fields.target_name()) {
            return Some(column_name(fields.step, &id.name));
        }
        if !demand.records && !demand.events {
            return None;
        }
        let mut stored = plain_columns(source, fields.target_name());
        if !stored.contains(&self.now) {
            stored.insert(0, self.now.clone());
        }
        let whole = literal::call("tostring", [&literal::call("pack_array", &stored)]);
        Some(self.hide("event", Some(&whole)))
    }

    /// The buckets in which the step before may lie: that of its latest time and the one before.
    fn lookback(&mut self, demand: &Demand) -> Option<Frag> {
        let Lookback { size, back } = demand.lookback?;
        let latest = literal::later(&self.now, back);
        let size = literal::timespan(size);
        let bucket = literal::call("bin", [&latest, &size]);
        let buckets = literal::call("pack_array", [&literal::binary(&bucket, "-", &size), &bucket]);
        let name = hidden(self.prefix, "lookback");
        self.assigned.push(literal::assign(&name, &buckets));
        Some(name)
    }
}

/// The name under which a step passes a field on.
pub(super) fn column_name(step: &Step, field: &str) -> Frag {
    literal::name(&phrase!("{}_{}", step.name.node, field.replace('.', "_")))
}

/// A column that is not part of the contract.
pub(super) fn hidden(step: &str, suffix: &str) -> Frag {
    literal::name(&phrase!("_{step}_{suffix}"))
}

/// The field that identifies an event of the source, if the target has it.
pub(super) fn event_id(source: &Source, target: &str) -> Option<Field> {
    let def = source.field(source.event_id.as_ref()?)?;
    let variants = def.columns.get(target)?.variants();
    let seen = variants.iter().all(|variant| variant.unavailable.is_none());
    seen.then(|| Field { name: def.name.clone(), ty: def.ty, span: crate::source::Span::default() })
}

/// Every column of the table that the source file names, sorted, each once.
fn plain_columns(source: &Source, target: &str) -> Vec<Frag> {
    let columns = source.fields.values().filter_map(|field| field.columns.get(target));
    let names = columns.flat_map(Column::variants).filter_map(|variant| variant.field.clone());
    let names: std::collections::BTreeSet<_> = names.collect();
    names.iter().map(|name| literal::name(name)).collect()
}

/// The repeated group of a step, as deep as it is needed.
struct Expansion<'a> {
    source: &'a Source,
    array: Option<Frag>,
    reach: Reach,
    numbered: bool,
}

impl<'a> Expansion<'a> {
    /// The last step gives a record for each item; any other needs the items only if it looks at them.
    fn new(source: &'a Source, array: Option<Frag>, reach: Reach, demand: &Demand) -> Self {
        let whole = match &source.group {
            Some(group) if demand.last => {
                if group.inner.is_some() {
                    Reach::Inner
                } else {
                    Reach::Item
                }
            }
            Some(_) | None => Reach::Event,
        };
        Self { source, array, reach: reach.max(whole), numbered: demand.records }
    }

    fn print(self, step: &Step, out: &mut Projection<'_>, report: &mut Report) -> Option<Vec<Frag>> {
        if self.reach == Reach::Event {
            return Some(Vec::new());
        }
        let Some(array) = &self.array else {
            report.error(
                Diagnostic::new(
                    Code::NotExpressible,
                    step.source.span,
                    "the items of this source cannot be expanded",
                )
                .label("the source file does not say where the group is")
                .help("add the array as `words: group` to the source's home"),
            );
            return None;
        };
        let mut expands = vec![self.expand(ITEM, "item", array, out)];
        let inner = self.source.group.as_ref().and_then(|group| group.inner.as_deref());
        if let Some(inner) = inner.filter(|_| self.reach == Reach::Inner) {
            let array = literal::path(&Frag::atom(ITEM), inner);
            expands.push(self.expand(INNER, "inner", &array, out));
        }
        Some(expands)
    }

    fn expand(&self, column: &str, suffix: &str, array: &Frag, out: &mut Projection<'_>) -> Frag {
        let index = self.numbered.then(|| out.hide(suffix, None));
        literal::expand(&Frag::atom(column), array, index.as_ref())
    }
}
