//! One step as a table of its own: the records that satisfy it, with the columns that later steps and the alert need.
//!
//! In: a step, its fields, what must leave it. Out: the operators of its pipelines, and the names of its columns.
//! Must not know: how steps are joined, and what a step asks beyond its condition.

use super::fields::{Field, Fields, Reading};
use super::lets::Lets;
use super::literal::{self, Frag};
use super::pipeline::{self, Pipeline, Rows};
use super::predicate::{self, Conjunct, Cost};
use super::{Kql, check, one};
use crate::backend::bind::{BoundSelection, BoundStep, Output};
use crate::backend::print::{Bind, phrase};
use crate::backend::truth::unique;
use crate::backend::{Options, Report};
use crate::ir::{self, Repetition, Type};

/// Time buckets as long as the window between two steps, so that two of them cover it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Lookback {
    /// Their length in seconds.
    pub(super) size: u64,
    /// By how many seconds the step before may be later on its clock.
    pub(super) back: u64,
}

/// What the chain wants of a step.
pub(super) struct Wanted<'c> {
    /// Whether its records must be told apart, even those that look the same.
    pub(super) records: bool,
    /// Whether its events must be told apart.
    pub(super) events: bool,
    /// The time buckets in which it looks for the step before, if it does.
    pub(super) lookback: Option<Lookback>,
    /// The neighbour that is there already, if a key of it narrows this step.
    pub(super) narrowed: Option<Narrowed<'c>>,
    /// Whether tests may stand behind the columns that leave it.
    pub(super) may_test_late: bool,
    /// The keys that equal a key of a neighbour which tests that it is there.
    pub(super) implied: Vec<&'c str>,
    /// The fields that are joined ignoring letter case.
    pub(super) folded: Vec<&'c str>,
}

/// A step keeps only what can follow or precede a neighbour.
pub(super) struct Narrowed<'c> {
    /// The step's own field.
    pub(super) key: &'c str,
    /// Whether it is compared in lower case.
    pub(super) folded: bool,
    /// The table of the neighbour.
    pub(super) table: Frag,
    /// Its column.
    pub(super) column: Frag,
}

/// A step, printed, without what it asks beyond its condition.
#[derive(Debug)]
pub(super) struct StepText {
    /// Name of its table.
    pub(super) name: Frag,
    /// Its alternatives; at least one.
    pub(super) rows: Vec<Rows>,
    /// Tests that its records are subject to when they have been counted.
    pub(super) counted: Vec<Frag>,
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
    /// When its story begins: its time, or the first instant of its burst.
    pub(super) start: Frag,
    /// Those of the contract, without the time.
    pub(super) shown: Vec<Frag>,
    /// What the step says of its burst: how many there are, and since when there are enough.
    pub(super) burst: Vec<Frag>,
    /// Those that only tell records apart, or join them.
    pub(super) hidden: Vec<Frag>,
    /// What tells its events apart, where that is asked.
    pub(super) event: Option<Event>,
    /// The one column that tells its records apart, if there is one.
    pub(super) record: Option<Frag>,
}

/// What tells events apart.
#[derive(Debug, Clone)]
pub(super) struct Event {
    /// The column.
    pub(super) id: Frag,
    /// The source, unless the column has it in it.
    pub(super) source: Option<String>,
}

impl Columns {
    /// All of them.
    pub(super) fn all(&self) -> impl Iterator<Item = &Frag> {
        std::iter::once(&self.time).chain(&self.shown).chain(&self.burst).chain(&self.hidden)
    }

    /// Those that a record has before anything is counted.
    pub(super) fn found(&self) -> impl Iterator<Item = &Frag> {
        std::iter::once(&self.time).chain(&self.shown).chain(&self.hidden)
    }

    /// Those that tell the records apart.
    pub(super) fn identity(&self) -> Vec<Frag> {
        self.record.as_ref().map_or_else(|| self.all().cloned().collect(), |record| vec![record.clone()])
    }
}

impl Event {
    /// Whether the events of two records are different ones.
    pub(super) fn differs(&self, other: &Self) -> Frag {
        // Ids of several sources may be equal, so where one side knows its source both say it.
        let [one, two] = if self.source.is_some() && other.source.is_some() {
            [self.id.clone(), other.id.clone()]
        } else {
            [self.with_source(), other.with_source()]
        };
        literal::binary(&one, "!=", &two)
    }

    fn with_source(&self) -> Frag {
        self.source.as_ref().map_or_else(|| self.id.clone(), |source| tagged(source, &self.id))
    }
}

/// An id of an event with its source.
fn tagged(source: &str, id: &Frag) -> Frag {
    literal::call("strcat", [&literal::string(&phrase!("{source} ")), id])
}

/// Whether a step asks for more than its condition: for what must not be there, or for several records.
pub(super) fn is_staged(step: &BoundStep<'_, Kql>) -> bool {
    !step.absences.is_empty() || step.repetition.is_some()
}

/// Prints a step.
pub(super) fn lower(
    step: &BoundStep<'_, Kql>,
    wanted: &Wanted<'_>,
    options: &Options,
    lets: &mut Lets<'_, '_>,
    report: &mut Report,
) -> StepText {
    let visible = visible(step);
    let mut rows = Vec::new();
    let mut projections = Vec::new();
    let mut before: Vec<&BoundSelection<'_, Kql>> = Vec::new();
    for selection in step.selections() {
        let same: Vec<_> =
            before.iter().copied().filter(|other| std::ptr::eq(other.source, selection.source)).collect();
        let alternative = Alternative { step, selection, before: &same, visible: &visible };
        let (found, projection) = alternative.lower(wanted, options, lets, report);
        rows.push(found);
        projections.push(projection);
        before.push(selection);
    }
    let hidden: Vec<_> = unique(projections.iter().flat_map(|one| one.hidden.iter().cloned()).collect());
    for (rows, projection) in rows.iter_mut().zip(&projections) {
        // Numbers of items that only other alternatives have.
        let lacking = hidden.iter().filter(|name| !projection.hidden.contains(name));
        rows.assigned.extend(lacking.map(|name| literal::assign(name, &literal::missing(Type::Int))));
    }
    let name = literal::name(&phrase!("step_{}", step.name.node));
    let time = literal::name(&step.column_name("time"));
    let of_main = projections.into_iter().next();
    let (event, record, lookback) =
        of_main.map_or((None, None, None), |main| (main.event, main.record, main.lookback));
    let shown = visible.iter().map(|visible| literal::name(&visible.column)).collect();
    let burst: Vec<_> = step.repetition.iter().flat_map(|_| [count(step), first_time(step)]).collect();
    let start = burst.last().unwrap_or(&time).clone();
    let counted = step.repetition.map(|repetition| late_keys(step, repetition, wanted)).unwrap_or_default();
    let columns = Columns { time, start, shown, burst, hidden, event, record };
    StepText { name, rows, counted, lookback, columns }
}

/// The column of how many there are.
pub(super) fn count(step: &BoundStep<'_, Kql>) -> Frag {
    literal::name(&step.column_name(ir::COUNT))
}

/// The column of the instant from which on there are enough.
pub(super) fn first_time(step: &BoundStep<'_, Kql>) -> Frag {
    literal::name(&step.column_name(ir::FIRST_TIME))
}

/// The keys that only a record needs which stands for all that were counted with it.
fn late_keys(step: &BoundStep<'_, Kql>, repetition: &Repetition, wanted: &Wanted<'_>) -> Vec<Frag> {
    let keys = step.main.keys.iter().filter(|key| !repetition.is_by(key.name));
    let keys = keys.filter(|key| !wanted.implied.contains(&key.name));
    let test = |key: &Field<'_>| {
        let exists = one::exists(&literal::name(&step.column_name(key.name)), key.ty);
        Frag::join(check::conjuncts(exists.print(false, true)), " and ", Bind::And)
    };
    let tests: Vec<_> = keys.map(test).collect();
    if tests.is_empty() {
        return tests;
    }
    vec![literal::operator("where", &Frag::join(tests, " and ", Bind::And))]
}

/// A column of the contract.
struct Visible {
    column: String,
    ty: Type,
}

/// The columns of the contract: what identifies the event, then keys and what the alert names. A column that
/// alternatives have with several types is text.
fn visible(step: &BoundStep<'_, Kql>) -> Vec<Visible> {
    let mut found: Vec<Visible> = Vec::new();
    for selection in step.selections() {
        for Output { column, field } in selection.event_id.iter().chain(&selection.outputs) {
            match found.iter_mut().find(|known| known.column == *column) {
                Some(known) if known.ty == field.ty => {}
                Some(known) => known.ty = Type::String,
                None => found.push(Visible { column: column.clone(), ty: field.ty }),
            }
        }
    }
    found
}

/// One of the alternatives of a step.
struct Alternative<'k, 's, 'a> {
    step: &'s BoundStep<'a, Kql>,
    selection: &'s BoundSelection<'a, Kql>,
    /// Those of its source before it.
    before: &'k [&'s BoundSelection<'a, Kql>],
    visible: &'k [Visible],
}

impl<'s, 'a> Alternative<'_, 's, 'a> {
    fn lower(
        &self,
        wanted: &Wanted<'_>,
        options: &Options,
        lets: &mut Lets<'_, '_>,
        report: &mut Report,
    ) -> (Rows, Projection<'s, 'a>) {
        let Self { step, selection, before, visible } = *self;
        // What is counted need not have the keys of links.
        let is_early = |key: &&Field<'_>| step.repetition.is_none_or(|counts| counts.is_by(key.name));
        let keys: Vec<_> = selection.keys.iter().filter(is_early).collect();
        let passed: Vec<_> = selection.event_id.iter().chain(&selection.outputs).map(passed).collect();
        let reading = Reading { name: &step.name.node, selection, before, keys: &keys, passed: &passed };
        let narrows = |key: &&Field<'_>| wanted.narrowed.as_ref().is_some_and(|by| by.key == key.name);
        let implied = |key: &Field<'_>| wanted.implied.contains(&key.name);
        let read: Vec<_> = keys.iter().copied().filter(|key| !implied(key) || narrows(key)).collect();
        let mut fields = Fields::new(reading, &read);
        let mut tests: Vec<Conjunct> = Vec::new();
        if let Some(by) = &wanted.narrowed
            && let Some(key) = keys.iter().copied().find(narrows)
        {
            tests.push(narrowing(&mut fields, key, by));
        }
        tests.extend(predicate::condition(reading, options, &mut fields, lets, report));
        tests.extend(keys.iter().filter_map(|key| predicate::key(&mut fields, key, implied(key))));
        let mut out = Projection::new(step, selection);
        out.shown(&mut fields, visible);
        out.further(&mut fields, wanted, visible);
        out.identify(&mut fields, wanted);
        let expands = expansions(reading, step.last, &fields, wanted.records, &mut out);
        if let Some(lookback) = wanted.lookback.filter(|_| !is_staged(step) && step.others.is_empty()) {
            out.look_back(lookback);
        }
        // A column in lower case would read a name that the same `project` gives.
        let may_test_late = wanted.may_test_late && step.others.is_empty() && wanted.folded.is_empty();
        let pipeline = Pipeline::new(unique(tests), &fields, expands, may_test_late);
        let rows = pipeline.into_rows(selection, std::mem::take(&mut out.assigned));
        (rows, out)
    }
}

fn passed<'s, 'a>(output: &'s Output<'a, Kql>) -> (String, &'s Field<'a>) {
    (output.column.clone(), &output.field)
}

/// The test that a key is one of those that the neighbour has: a join would drop the others too, but not before they
/// have been read, tested and expanded.
fn narrowing(fields: &mut Fields<'_, '_>, key: &Field<'_>, by: &Narrowed<'_>) -> Conjunct {
    fields.take_site();
    let value = fields.value(key);
    let value = if by.folded { literal::call("tolower", [&value]) } else { value };
    let text = literal::found_in(&value, &by.table, &by.column);
    Conjunct { text, cost: Cost::First, site: fields.take_site() }
}

/// The columns that leave a step, as they are collected.
struct Projection<'b, 'a> {
    step: &'b BoundStep<'a, Kql>,
    selection: &'b BoundSelection<'a, Kql>,
    assigned: Vec<Frag>,
    hidden: Vec<Frag>,
    event: Option<Event>,
    record: Option<Frag>,
    lookback: Option<Frag>,
}

impl<'b, 'a> Projection<'b, 'a> {
    fn new(step: &'b BoundStep<'a, Kql>, selection: &'b BoundSelection<'a, Kql>) -> Self {
        let time = literal::name(&step.column_name("time"));
        let assigned = vec![literal::assign(&time, &selection.schema.mapping.time)];
        let (hidden, event, record, lookback) = (Vec::new(), None, None, None);
        Self { step, selection, assigned, hidden, event, record, lookback }
    }

    fn outputs(&self) -> impl Iterator<Item = &'b Output<'a, Kql>> + use<'a, 'b> {
        self.selection.event_id.iter().chain(&self.selection.outputs)
    }

    /// The columns of the contract.
    fn shown(&mut self, fields: &mut Fields<'_, '_>, visible: &[Visible]) {
        let alone = self.step.others.is_empty();
        for Visible { column, ty } in visible {
            let name = literal::name(column);
            let Some(Output { field, .. }) = self.outputs().find(|output| output.column == *column) else {
                self.assigned.push(literal::assign(&name, &literal::missing(*ty)));
                continue;
            };
            let value = fields.value(field);
            let value = if alone {
                // Both sides of a join must have one type; tables store numbers in several.
                let reads = || self.selection.reads.iter().any(|read| read.name == field.name);
                let joins = value != name && (self.selection.is_key(field.name) || reads());
                if joins { number(value, field.ty) } else { value }
            } else if *ty == Type::String && field.ty != *ty {
                literal::call("tostring", [&value])
            } else {
                // Columns of one name and two types would be two columns of a union.
                number(value, *ty)
            };
            self.assigned.push(literal::assign(&name, &value));
        }
    }

    /// The columns that clauses of the step read and no answer shows.
    fn further(&mut self, fields: &mut Fields<'_, '_>, wanted: &Wanted<'_>, visible: &[Visible]) {
        for field in &self.selection.reads {
            let column = self.step.column_name(field.name);
            if !visible.iter().any(|visible| visible.column == column) {
                let value = number(fields.value(field), field.ty);
                let name = literal::name(&column);
                self.assigned.push(literal::assign(&name, &value));
                self.hidden.push(name);
            }
        }
        for field in &self.selection.any {
            // In an array of its own, so that a text that reads like a number stays one.
            let all = literal::call("pack_array", [&fields.list(field)]);
            let column = values(&self.step.name.node, field.name);
            self.assigned.push(literal::assign(&column, &literal::call("tostring", [&all])));
            self.hidden.push(column);
        }
        for name in &wanted.folded {
            let fields_of = || self.selection.keys.iter().chain(&self.selection.reads);
            let Some(field) = fields_of().find(|field| field.name == *name) else { continue };
            let column = folded(&self.step.name.node, name);
            let value = literal::call("tolower", [&fields.value(field)]);
            self.assigned.push(literal::assign(&column, &value));
            self.hidden.push(column);
        }
    }

    fn hide(&mut self, suffix: &str, value: Option<&Frag>) -> Frag {
        let name = hidden(&self.step.name.node, suffix);
        self.assigned.push(value.map_or_else(|| name.clone(), |value| literal::assign(&name, value)));
        self.hidden.push(name.clone());
        name
    }

    /// The column that identifies the event, its id or a hash of all that the source file knows of the table; and the
    /// one that identifies the record, if one does. Hashes in place of texts, which a join would carry along: no two
    /// texts with one SHA-256 are known, so a hash tells rows apart exactly as its text does.
    fn identify(&mut self, fields: &mut Fields<'_, '_>, wanted: &Wanted<'_>) {
        let source = Some(self.selection.source.name.clone());
        let id = self.selection.event_id.as_ref();
        if !self.step.others.is_empty() {
            let id = id.map_or_else(|| self.stored(), |id| fields.value(&id.field));
            let id = tagged(&self.selection.source.name, &id);
            let id = self.hide("event", Some(&id));
            self.event = Some(Event { id, source: None });
        } else if let Some(id) = id {
            self.event = Some(Event { id: literal::name(&id.column), source });
        } else if wanted.events {
            let event = self.stored();
            let id = self.hide("event", Some(&event));
            // Items of one event differ in what the table has no columns for.
            self.record = self.selection.schema.mapping.groups.is_empty().then(|| id.clone());
            self.event = Some(Event { id, source });
        } else if wanted.records {
            // All columns of the row, whatever their names. Its notation may differ from query to query
            // (kusto/query/pack-all-function), and within one it is calculated once for each row.
            let whole = hash(&literal::call("pack_all", []));
            self.record = Some(self.hide("row", Some(&whole)));
        }
    }

    /// A hash of every column of the table that the source file names.
    fn stored(&self) -> Frag {
        let now = &self.selection.schema.mapping.time;
        let mut stored = table_columns(self.selection);
        if !stored.contains(now) {
            stored.insert(0, now.clone());
        }
        hash(&literal::call("pack_array", &stored))
    }

    /// The buckets in which the step before may lie.
    fn look_back(&mut self, lookback: Lookback) {
        let (name, value) = look_back(&self.step.name.node, &self.selection.schema.mapping.time, lookback);
        self.assigned.push(literal::assign(&name, &value));
        self.lookback = Some(name);
    }
}

/// The column of the buckets in which the step before may lie: that of its latest time and the one before.
pub(super) fn look_back(step: &str, time: &Frag, Lookback { size, back }: Lookback) -> (Frag, Frag) {
    let latest = literal::later(time, back);
    let size = literal::timespan(size);
    let bucket = literal::call("bin", [&latest, &size]);
    let buckets = literal::call("pack_array", [&literal::binary(&bucket, "-", &size), &bucket]);
    (hidden(step, "lookback"), buckets)
}

/// A number in the width that all tables get.
pub(super) fn number(value: Frag, ty: Type) -> Frag {
    match ty {
        Type::Int => literal::call("tolong", [&value]),
        Type::Float => literal::call("todouble", [&value]),
        Type::String | Type::Bool | Type::Ip | Type::Time => value,
    }
}

fn hash(whole: &Frag) -> Frag {
    literal::call("hash_sha256", [&literal::call("tostring", [whole])])
}

/// A column that is not part of the contract.
pub(super) fn hidden(step: &str, suffix: &str) -> Frag {
    literal::name(&phrase!("_{step}_{suffix}"))
}

/// The column of all values of a field, as one text.
pub(super) fn values(step: &str, field: &str) -> Frag {
    literal::name(&phrase!("_{}_values", ir::column_name(step, field)))
}

/// The column of a field in lower case.
pub(super) fn folded(step: &str, field: &str) -> Frag {
    literal::name(&phrase!("_{}_lower", ir::column_name(step, field)))
}

/// The column of a field by which records are joined or counted.
pub(super) fn key_column(step: &BoundStep<'_, Kql>, field: &ir::Field, folded: bool) -> Frag {
    if folded {
        self::folded(&step.name.node, &field.name)
    } else {
        literal::name(&step.column_name(&field.name))
    }
}

/// Every column of the table that the source file names, sorted, each once.
fn table_columns(selection: &BoundSelection<'_, Kql>) -> Vec<Frag> {
    let variants = selection.schema.fields.values().flat_map(|field| &field.variants);
    let names = variants.filter_map(|variant| variant.column.as_ref().ok()?.name.as_deref());
    let names: std::collections::BTreeSet<_> = names.collect();
    names.into_iter().map(literal::name).collect()
}

/// The arrays of the repeated groups, with the numbers of the items as columns where records must be told apart.
fn expansions(
    reading: Reading<'_, '_>,
    last: bool,
    fields: &Fields<'_, '_>,
    numbered: bool,
    out: &mut Projection<'_, '_>,
) -> Vec<Frag> {
    let mut number_of =
        |column: &Frag| numbered.then(|| out.hide(column.text().trim_start_matches('_'), None));
    pipeline::expanded(reading, last, fields, &mut number_of)
}
