//! One step as a table of its own: the records that satisfy it, with the columns that later steps and the alert need.
//!
//! In: a step, its fields, what must leave it. Out: the operators of its pipeline, and the names of its columns.
//! Must not know: how steps are joined.

use super::Kql;
use super::column::{Group, Reach, inner, item};
use super::fields::{Field, Fields, Named, Stage};
use super::lets::Lets;
use super::literal::{self, Frag};
use super::predicate::{self, Conjunct, Cost};
use crate::backend::bind::{BoundStep, Output};
use crate::backend::print::{Bind, phrase};
use crate::backend::truth::unique;
use crate::backend::{Options, Report};
use crate::ir::Type;

impl Columns {
    /// All of them.
    pub(super) fn all(&self) -> impl Iterator<Item = &Frag> {
        std::iter::once(&self.time).chain(&self.shown).chain(&self.hidden)
    }

    /// Those that tell the records apart.
    pub(super) fn identity(&self) -> Vec<Frag> {
        self.record.as_ref().map_or_else(|| self.all().cloned().collect(), |record| vec![record.clone()])
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

/// What the chain wants of a step.
pub(super) struct Wanted<'c> {
    /// Whether its records must be told apart, even those that look the same.
    pub(super) records: bool,
    /// The time buckets in which it looks for the step before, if it does.
    pub(super) lookback: Option<Lookback>,
    /// The neighbour that is there already, if a key of it narrows this step.
    pub(super) narrowed: Option<Narrowed<'c>>,
    /// Whether tests may stand behind the columns that leave it.
    pub(super) may_test_late: bool,
    /// The keys that equal a key of a neighbour which tests that it is there.
    pub(super) implied: Vec<&'c str>,
}

/// A step keeps only what can follow or precede a neighbour.
pub(super) struct Narrowed<'c> {
    /// The step's own field.
    pub(super) key: &'c str,
    /// The table of the neighbour.
    pub(super) table: Frag,
    /// Its column.
    pub(super) column: Frag,
}

/// A step, printed.
#[derive(Debug)]
pub(super) struct StepText {
    /// Name of its table.
    pub(super) name: Frag,
    /// The table it reads.
    pub(super) table: Frag,
    /// The operators that its rows pass, up to the columns that leave it.
    pub(super) operators: Vec<Frag>,
    /// The columns that leave it, with their values.
    pub(super) assigned: Vec<Frag>,
    /// Tests of these columns.
    pub(super) late: Vec<Frag>,
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
    /// The one column that tells its records apart, if there is one.
    pub(super) record: Option<Frag>,
}

/// Prints a step.
pub(super) fn lower(
    step: &BoundStep<'_, Kql>,
    wanted: &Wanted<'_>,
    options: &Options,
    lets: &mut Lets<'_, '_>,
    report: &mut Report,
) -> StepText {
    let mapping = &step.main.schema.mapping;
    let keys: Vec<_> = step.main.keys.iter().map(|key| (key, wanted.implied.contains(&key.name))).collect();
    let narrows = |key: &&Field<'_>| wanted.narrowed.as_ref().is_some_and(|by| by.key == key.name);
    let read: Vec<_> =
        keys.iter().filter(|(key, implied)| !implied || narrows(key)).map(|(key, _)| *key).collect();
    let mut fields = Fields::new(step, &read);
    let mut tests: Vec<Conjunct> = Vec::new();
    if let Some(by) = &wanted.narrowed
        && let Some(key) = step.main.keys.iter().find(narrows)
    {
        tests.push(narrowing(&mut fields, key, by));
    }
    tests.extend(predicate::condition(step, options, &mut fields, lets, report));
    tests.extend(keys.iter().filter_map(|(key, implied)| predicate::key(&mut fields, key, *implied)));
    let mut out = Projection::new(step);
    out.shown(&mut fields);
    let (event, record) = out.identity(wanted.records);
    let expands = expansions(step, &fields, wanted.records, &mut out);
    let lookback = wanted.lookback.map(|lookback| out.lookback(lookback));
    let pipeline = Pipeline::new(unique(tests), &fields, expands, wanted.may_test_late);
    let operators = pipeline.operators(mapping.filter.as_ref());
    let Projection { assigned, time, shown, hidden, .. } = out;
    StepText {
        name: literal::name(&phrase!("step_{}", step.name.node)),
        table: mapping.table.clone(),
        operators,
        assigned: assigned.into_iter().map(|column| pipeline.defined(column)).collect(),
        late: pipeline.late(),
        lookback,
        columns: Columns { time, shown, hidden, event, record },
    }
}

/// The test that a key is one of those that the neighbour has: a join would drop the others too, but not before they
/// have been read, tested and expanded.
fn narrowing(fields: &mut Fields<'_, '_>, key: &Field<'_>, by: &Narrowed<'_>) -> Conjunct {
    fields.take_site();
    let text = literal::found_in(&fields.value(key), &by.table, &by.column);
    Conjunct { text, cost: Cost::First, site: fields.take_site() }
}

/// The pipeline of a step: tests where they can stand first, the cheap ones on top; named expressions behind the tests
/// that do without.
struct Pipeline<'f, 'b, 'a> {
    tests: Vec<Conjunct>,
    fields: &'f Fields<'b, 'a>,
    expands: Vec<Frag>,
    /// The stage whose tests wait for the columns that leave the step, which give the names they read.
    late: Option<Stage>,
}

impl<'f, 'b, 'a> Pipeline<'f, 'b, 'a> {
    fn new(
        mut tests: Vec<Conjunct>,
        fields: &'f Fields<'b, 'a>,
        expands: Vec<Frag>,
        may_test_late: bool,
    ) -> Self {
        tests.sort_by_key(|test| test.cost);
        let last = if expands.is_empty() { Stage::Named } else { Stage::Item };
        let reads_names = tests.iter().filter(|test| test.site.stage == last).all(|test| test.site.by_name);
        let passes_on = fields.named(last).all(|named| named.passed_on);
        let late = (may_test_late && reads_names && passes_on).then_some(last);
        Self { tests, fields, expands, late }
    }

    /// The operators up to the columns that leave the step.
    fn operators(&self, filter: Option<&Frag>) -> Vec<Frag> {
        let mut out: Vec<_> = filter.map(|filter| literal::operator("where", filter)).into_iter().collect();
        for stage in [Stage::Table, Stage::Named, Stage::Item] {
            if stage == Stage::Item {
                out.extend(self.expands.iter().map(|array| literal::operator("mv-expand", array)));
            }
            if self.late == Some(stage) {
                continue;
            }
            let named: Vec<_> = self.fields.named(stage).map(Named::assigned).collect();
            if !named.is_empty() {
                out.push(literal::operator("extend", &literal::list(&named)));
            }
            out.extend(self.tests_of(stage));
        }
        out
    }

    /// The tests behind the columns that leave the step.
    fn late(&self) -> Vec<Frag> {
        self.late.map(|stage| self.tests_of(stage)).unwrap_or_default()
    }

    /// A column that leaves the step, with its value if that is not there yet.
    fn defined(&self, column: Frag) -> Frag {
        let named = self.late.and_then(|stage| self.fields.named(stage).find(|named| named.name == column));
        named.map_or(column, Named::assigned)
    }

    fn tests_of(&self, stage: Stage) -> Vec<Frag> {
        let of_stage: Vec<_> = self.tests.iter().filter(|test| test.site.stage == stage).collect();
        let line = |tests: &[&Conjunct]| {
            let texts = tests.iter().map(|test| test.text.clone()).collect();
            literal::operator("where", &Frag::join(texts, " and ", Bind::And))
        };
        of_stage.chunk_by(|one, other| one.cost == other.cost).map(line).collect()
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
        let assigned = vec![literal::assign(&time, &step.main.schema.mapping.time)];
        Self { step, time, assigned, shown: Vec::new(), hidden: Vec::new() }
    }

    /// The columns of the contract: what identifies the event, then keys and what the alert names.
    fn shown(&mut self, fields: &mut Fields<'_, '_>) {
        let id = self.step.main.event_id.as_ref();
        let others = self.step.main.outputs.iter();
        let others = others.filter(|output| id.is_none_or(|id| id.column != output.column));
        for Output { column, field } in id.into_iter().chain(others) {
            let (mut value, name) = (fields.value(field), literal::name(column));
            // Both sides of a join must have one type; tables store numbers in several.
            if self.step.main.is_key(field.name) && value != name {
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

    /// The column that identifies the event, its id or a hash of all that the source file knows of the table; and the
    /// one that identifies the record, if one does. Hashes in place of texts, which a join would carry along: no two
    /// texts with one SHA-256 are known, so a hash tells rows apart exactly as its text does.
    fn identity(&mut self, records: bool) -> (Option<Frag>, Option<Frag>) {
        if let Some(id) = &self.step.main.event_id {
            return (Some(literal::name(&id.column)), None);
        }
        if self.step.shared {
            let now = &self.step.main.schema.mapping.time;
            let mut stored = table_columns(self.step);
            if !stored.contains(now) {
                stored.insert(0, now.clone());
            }
            let whole = literal::call("pack_array", &stored);
            let event = self.hash("event", &whole);
            // Items of one event differ in what the table has no columns for.
            let record = self.step.main.schema.mapping.groups.is_empty().then(|| event.clone());
            return (Some(event), record);
        }
        // All columns of the row, whatever their names. Its notation may differ from query to query
        // (kusto/query/pack-all-function), and within one it is calculated once for each row.
        let whole = literal::call("pack_all", []);
        (None, records.then(|| self.hash("row", &whole)))
    }

    fn hash(&mut self, suffix: &str, whole: &Frag) -> Frag {
        let text = literal::call("tostring", [whole]);
        self.hide(suffix, Some(&literal::call("hash_sha256", [&text])))
    }

    /// The buckets in which the step before may lie: that of its latest time and the one before.
    fn lookback(&mut self, Lookback { size, back }: Lookback) -> Frag {
        let latest = literal::later(&self.step.main.schema.mapping.time, back);
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
    let variants = step.main.schema.fields.values().flat_map(|field| &field.variants);
    let names = variants.filter_map(|variant| variant.column.as_ref().ok()?.name.as_deref());
    let names: std::collections::BTreeSet<_> = names.collect();
    names.into_iter().map(literal::name).collect()
}

/// The arrays of the repeated groups, as deep as they are needed: the last step gives a record for each item that its
/// events can have, any other needs the items only if it looks at them.
fn expansions(
    step: &BoundStep<'_, Kql>,
    fields: &Fields<'_, '_>,
    numbered: bool,
    out: &mut Projection<'_, '_>,
) -> Vec<Frag> {
    let groups = (0..).zip(step.main.schema.mapping.groups.iter().zip(&step.main.has_items));
    let mut expands = Vec::new();
    for (number, (Group { items, inner: inner_items }, has_items)) in groups {
        let by_item = step.last && *has_items;
        let reach = match inner_items {
            Some(_) if by_item => Reach::Inner,
            None if by_item => fields.reach(number).max(Reach::Item),
            Some(_) | None => fields.reach(number),
        };
        let mut expand = |column: &Frag, array: &Frag, depth: Reach| {
            let index = numbered.then(|| out.hide(column.text().trim_start_matches('_'), None));
            let keeps = !predicate::needs_item(step, number, depth);
            literal::expand(column, array, index.as_ref(), keeps)
        };
        expands.extend((reach >= Reach::Item).then(|| expand(&item(number), items, Reach::Item)));
        let inner_items = inner_items.as_ref().filter(|_| reach == Reach::Inner);
        expands.extend(inner_items.map(|array| expand(&inner(number), array, Reach::Inner)));
    }
    expands
}
