//! Steps that repeat: the records with which enough have come, and the edge into such a burst.
//!
//! In: a step with `at least`, the table of its records. Out: operators. Must not know: how the records are read, how
//! steps are joined.
//!
//! A record is joined with all that count with it, itself among them. Events are counted, not rows: one event can have
//! several, and can be delivered twice.

use super::Kql;
use super::literal::{self, Frag};
use super::network;
use super::step::{self, Columns, Event};
use crate::backend::bind::BoundStep;
use crate::backend::print::{Bind, phrase};
use crate::ir::{Case, Field, GroupField, Repetition, Type};

/// What a step counts.
pub(super) struct Burst<'s> {
    /// The table of all its records.
    pub(super) all: Frag,
    /// The step.
    pub(super) step: &'s BoundStep<'s, Kql>,
    /// What it asks for.
    pub(super) repetition: &'s Repetition,
    /// Its columns.
    pub(super) columns: &'s Columns,
    /// By how much its clock can be late, in seconds.
    pub(super) lag: u64,
    /// The name of its window.
    pub(super) window: Frag,
}

/// A column of what is counted.
fn counted(suffix: &str) -> Frag {
    literal::name(&phrase!("_counted_{suffix}"))
}

impl Burst<'_> {
    /// The records with which there are enough. Their columns are those of the step but for `count` and `first_time`,
    /// which are added.
    pub(super) fn operators(&self) -> Vec<Frag> {
        let (count, first) = (step::count(self.step), step::first_time(self.step));
        let own: Vec<_> = self.columns.found().cloned().collect();
        let (time, times) = (counted("time"), counted("times"));
        let mut one_each = own.clone();
        one_each.push(self.unit());
        let latest = literal::assign(&time, &literal::call("max", [&time]));
        let all = literal::assign(&times, &literal::call("make_list", [&time]));
        let length = literal::call("array_length", [&times]);
        let sorted = literal::call("array_sort_desc", [&times]);
        let nth = literal::item_of(&sorted, self.repetition.least.saturating_sub(1));
        let found =
            [literal::assign(&count, &length), literal::assign(&first, &literal::call("todatetime", [&nth]))];
        let since = literal::binary(&self.columns.time, "-", &self.window);
        let within = literal::from_to(&time, &since, &literal::later(&self.columns.time, self.lag));
        vec![
            self.join(),
            literal::operator("where", &within),
            literal::summarize(Some(&latest), &one_each),
            literal::summarize(Some(&all), &own),
            literal::operator("extend", &literal::list(&found)),
            literal::operator("where", &self.enough(&count)),
            literal::operator("project-away", &times),
        ]
    }

    /// The edges into the burst that still hold when the events of the record before do not count, and what came before
    /// it does not either. `before` is its time, earliest first, and its event; `columns` are those of a row.
    pub(super) fn without(&self, before: (&Frag, u64), event: &Event, columns: &[Frag]) -> Vec<Frag> {
        let time = counted("time");
        let number = counted("number");
        let since = literal::binary(&self.columns.time, "-", &self.window);
        let since = literal::call("max_of", [&literal::earlier(before.0, before.1), &since]);
        let within = literal::from_to(&time, &since, &literal::later(&self.columns.time, self.lag));
        let source = self.columns.event.as_ref().and_then(|event| event.source.clone());
        let other = Event { id: counted("event"), source }.differs(event);
        let mut one_each = columns.to_vec();
        one_each.push(self.unit());
        let value = literal::assign(&number, &literal::call("count", []));
        vec![
            self.join(),
            literal::operator("where", &Frag::join(vec![within, other], " and ", Bind::And)),
            literal::summarize(None, &one_each),
            literal::summarize(Some(&value), columns),
            literal::operator("where", &self.enough(&number)),
            literal::operator("project-away", &number),
        ]
    }

    fn enough(&self, number: &Frag) -> Frag {
        literal::binary(number, ">=", &literal::number(self.repetition.least))
    }

    /// What is counted: events or values.
    fn unit(&self) -> Frag {
        counted(if self.repetition.distinct.is_some() { "value" } else { "event" })
    }

    /// The join with all records of the group.
    fn join(&self) -> Frag {
        let event = self.columns.event.as_ref().map_or(&self.columns.time, |event| &event.id);
        let mut assigned = vec![
            literal::assign(&counted("time"), &self.columns.time),
            literal::assign(&counted("event"), event),
        ];
        let column = |field: &Field| literal::name(&self.step.column_name(&field.name));
        let mut counts = None;
        if let Some(GroupField { field, case }) = &self.repetition.distinct {
            let value = match (field.ty, case) {
                (Type::Ip, _) => network::address_or_nothing(&column(field)),
                (_, Case::Ignore) => literal::call("tolower", [&column(field)]),
                (_, Case::Sensitive) => column(field),
            };
            assigned.push(literal::assign(&counted("value"), &value));
            let there = match field.ty {
                Type::String | Type::Ip => "isnotempty",
                Type::Int | Type::Float | Type::Bool | Type::Time => "isnotnull",
            };
            counts = Some(literal::operator("where", &literal::call(there, [&counted("value")])));
        }
        let mut on = Vec::new();
        for (number, by) in (1..).zip(&self.repetition.by) {
            let key = counted(&phrase!("key_{number}"));
            let own = step::key_column(self.step, &by.field, by.folds());
            assigned.push(literal::assign(&key, &own));
            on.push(literal::equal_sides(&own, &key));
        }
        let project = literal::operator("project", &literal::list(&assigned));
        let mut table = literal::piped(&self.all, &project);
        if let Some(counts) = counts {
            table = literal::piped(&table, &counts);
        }
        literal::join(&table, &on)
    }
}
