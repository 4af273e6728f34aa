//! The comparison: the rows of a query against the alerts of the engine, at the level and fidelity that the emission
//! promises.
//!
//! In: a rule with its emission, a scenario, rows. Out: the number of alerts, or what differs. Nothing is tolerated
//! here; what an emission declares as its engine's affair is kept out of the scenarios (see [`super::assume`]).

use std::collections::{BTreeMap, BTreeSet};

use catena::backend::{Emission, Fidelity, Level, shape};
use catena::engine::alert::{Alert, run};
use catena::engine::program::{Part, Role, Step};
use catena::engine::record::Record;
use catena::engine::value::{Raw, Value};
use catena::ir::{Case, Field, GroupField, Key, Repetition, Selection, Together, Type};
use serde_json::Value as Json;

use super::harness::Row;
use super::raw::Event;
use super::scenarios::Maker;

/// What the engine makes of a scenario.
pub(super) struct Answer {
    pub(super) records: Vec<Record>,
    /// The event of each record.
    events: Vec<usize>,
    pub(super) alerts: Vec<Alert>,
}

impl Answer {
    pub(super) fn of(maker: &Maker<'_>, scenario: &[Event]) -> Self {
        let (mut records, mut events) = (Vec::new(), Vec::new());
        for (index, event) in scenario.iter().enumerate() {
            for record in maker.records(event) {
                records.push(record);
                events.push(index);
            }
        }
        let alerts = run(&maker.program, &records);
        Self { records, events, alerts }
    }

    /// The alerts, each by its times and the places of its events in the scenario.
    pub(super) fn told(&self) -> String {
        let line = |alert: &Alert| {
            let events: Vec<usize> = alert.records.iter().map(|record| self.events[*record]).collect();
            format!("{} to {}: events {events:?}", Value::Time(alert.start), Value::Time(alert.end))
        };
        self.alerts.iter().map(line).collect::<Vec<_>>().join("\n")
    }
}

/// Compares. `Err` says what differs.
pub(super) fn judge(
    maker: &Maker<'_>,
    emission: &Emission,
    answer: &Answer,
    rows: &[Row],
) -> Result<(), String> {
    // EQL and Sigma give events, not columns; of a rule of one step they find the very records.
    let in_columns = matches!(emission.target, "spl" | "kql" | "sql");
    match emission.level {
        Level::Record if in_columns => Rows { maker, emission, answer }.judge(rows),
        Level::Record | Level::Key => Keys { maker, emission, answer }.judge(rows),
    }
}

/// The answers that count in a schedule, where a chain is found again by every run while it lies in the look-back: what
/// the rule's alerts are told by, and what the rows are. Evidence is left out, for a run may see half of the best path.
pub(super) fn ends(
    maker: &Maker<'_>,
    emission: &Emission,
    answer: &Answer,
    rows: &[Row],
) -> [BTreeSet<Shown>; 2] {
    let last = maker.rule.chain.steps.len() - 1;
    let by_columns = Rows { maker, emission, answer };
    if matches!(emission.target, "spl" | "kql" | "sql") {
        let Some(row) = rows.first() else {
            let ends = answer.alerts.iter().map(|alert| vec![(alert.end.to_string(), None)]);
            return [ends.collect(), BTreeSet::new()];
        };
        let columns = by_columns.columns(last, row);
        let record = |alert: &Alert| &answer.records[*alert.records.last().unwrap()];
        let expected =
            answer.alerts.iter().map(|alert| by_columns.shown(last, record(alert), &columns)).collect();
        return [expected, rows.iter().map(|row| shown_in(row, &columns)).collect()];
    }
    let keys = Keys { maker, emission, answer };
    let named = |key: Vec<Option<String>>| key.into_iter().map(|value| (String::new(), value)).collect();
    let (expected, found) = keys.compared(rows);
    [expected.into_iter().map(named).collect(), found.into_iter().map(named).collect()]
}

fn compare<T: Ord + std::fmt::Debug>(
    fidelity: Fidelity,
    expected: &BTreeMap<T, usize>,
    found: &BTreeMap<T, usize>,
) -> Result<(), String> {
    let beyond = |left: &BTreeMap<T, usize>, right: &BTreeMap<T, usize>| -> Vec<String> {
        let more = |(key, count): &(&T, &usize)| **count > right.get(*key).copied().unwrap_or(0);
        left.iter().filter(more).map(|(key, count)| format!("{count} x {key:?}")).collect()
    };
    let (missed, added) = (beyond(expected, found), beyond(found, expected));
    let added = if fidelity == Fidelity::Exact { added } else { Vec::new() };
    if missed.is_empty() && added.is_empty() {
        return Ok(());
    }
    Err(format!("missed: {missed:#?}\nadded: {added:#?}"))
}

fn counted<T: Ord>(items: impl IntoIterator<Item = T>) -> BTreeMap<T, usize> {
    items.into_iter().fold(BTreeMap::new(), |mut counts, item| {
        *counts.entry(item).or_insert(0) += 1;
        counts
    })
}

/// A value as both sides name it; `None` is missing.
pub(super) fn of_json(ty: Type, value: &Json) -> Option<String> {
    let raw = match value {
        Json::Null => return None,
        Json::String(text) if text.is_empty() => return None,
        Json::String(text) => Raw::Text(text.as_str().into()),
        Json::Bool(truth) => Raw::Bool(*truth),
        Json::Number(number) if ty == Type::Time => return Some(Value::Time(number.as_i64()?).to_string()),
        Json::Number(number) => {
            number.as_i64().map_or_else(|| Raw::Float(number.as_f64().unwrap()), Raw::Int)
        }
        Json::Array(_) | Json::Object(_) => return Some(format!("not a value: {value}")),
    };
    let shown = format!("not a {ty:?}: {value}");
    match raw.typed(ty) {
        Some(value) => Some(value.to_string()),
        // A row shows the text that a log has in place of an address, such as "AWS Internal"; the field is missing all
        // the same.
        None if ty == Type::Ip => None,
        None => Some(shown),
    }
}

fn of_record(record: &Record, field: &str) -> Option<String> {
    record.get(field).map(ToString::to_string)
}

/// What a record is grouped by: of one group the answers may show another spelling.
fn of_group(key: &GroupField, value: Option<String>) -> Option<String> {
    value.map(|value| key.case.fold(&value).into_owned())
}

/// The comparison at record level.
struct Rows<'a> {
    maker: &'a Maker<'a>,
    emission: &'a Emission,
    answer: &'a Answer,
}

pub(super) type Shown = Vec<(String, Option<String>)>;

impl Rows<'_> {
    fn judge(&self, rows: &[Row]) -> Result<(), String> {
        let last = self.maker.rule.chain.steps.len() - 1;
        for row in rows {
            self.has_every_column(row)?;
        }
        let Some(first_row) = rows.first() else {
            return compare(
                self.emission.promised(),
                &counted(self.answer.alerts.iter().map(|a| a.end)),
                &BTreeMap::new(),
            );
        };
        if self.maker.rule.chain.together.is_some() {
            return self.judge_in_any_order(rows);
        }
        let columns = self.columns(last, first_row);
        // KQL promises the path with the best start, which in a superset can be one that was added; SPL may show
        // another one.
        let promised =
            matches!(self.emission.target, "kql" | "sql") && self.emission.promised() == Fidelity::Exact;
        let start = |time: i64| promised.then(|| Value::Time(time).to_string());
        let expected = self.answer.alerts.iter().map(|alert| {
            let record = &self.answer.records[*alert.records.last().unwrap()];
            (start(alert.start), self.shown(last, record, &columns))
        });
        let found = rows.iter().map(|row| {
            // A time that is none equals no start.
            let begin = row[&self.start_column()].as_i64().unwrap_or(-1);
            (start(begin), shown_in(row, &columns))
        });
        compare(self.emission.promised(), &counted(expected), &counted(found))?;
        if self.emission.promised() == Fidelity::Exact {
            rows.iter().try_for_each(|row| self.evidence_holds(row))?;
        }
        Ok(())
    }

    /// Steps in any order have no last one: rows are told by their times and by what all steps share.
    fn judge_in_any_order(&self, rows: &[Row]) -> Result<(), String> {
        let keys: Vec<&GroupField> =
            self.maker.rule.chain.together.iter().flat_map(|shared| &shared.keys).collect();
        let steps = 0..self.maker.rule.chain.steps.len();
        let expected = self.answer.alerts.iter().map(|alert| {
            let record = &self.answer.records[*alert.records.last().unwrap()];
            let shared: Vec<_> =
                keys.iter().map(|key| of_group(key, of_record(record, &key.field.name))).collect();
            ((alert.start, alert.end), shared)
        });
        let found = rows.iter().map(|row| {
            let times: Vec<i64> =
                steps.clone().map(|step| row[&self.time_column(step)].as_i64().unwrap_or(-1)).collect();
            let shared = keys.iter().map(|key| {
                let GroupField { field, case: _ } = key;
                let column = format!("{}_{}", self.step_name(0), field.name.replace('.', "_"));
                of_group(key, of_json(field.ty, &row[&column]))
            });
            let shared: Vec<_> = shared.collect();
            ((*times.iter().min().unwrap(), *times.iter().max().unwrap()), shared)
        });
        compare(self.emission.promised(), &counted(expected), &counted(found))
    }

    /// The column with the start of a chain.
    fn start_column(&self) -> String {
        let repeats = self.maker.rule.chain.steps[0].repetition.is_some();
        if repeats { format!("{}_first_time", self.step_name(0)) } else { self.time_column(0) }
    }

    fn step_name(&self, step: usize) -> &str {
        &self.maker.rule.chain.steps[step].name.node
    }

    fn time_column(&self, step: usize) -> String {
        format!("{}_time", self.step_name(step))
    }

    /// Fields of a step that the contract of a row asks for: links, alert, event id.
    fn promised(&self, step: usize) -> BTreeSet<&str> {
        let rule = self.maker.rule;
        let mut fields: BTreeSet<&str> = BTreeSet::new();
        if let Some(link) = step.checked_sub(1).and_then(|link| rule.chain.links.get(link)) {
            fields.extend(link.keys.iter().filter(|key| !key.any.right).map(|key| key.right.name.as_str()));
        }
        if let Some(link) = rule.chain.links.get(step) {
            fields.extend(link.keys.iter().filter(|key| !key.any.left).map(|key| key.left.name.as_str()));
        }
        let shown = rule.alert.entities.iter().map(|entity| &entity.field).chain(&rule.alert.show);
        fields.extend(shown.filter(|field| field.step == step).map(|field| field.field.name.as_str()));
        if rule.chain.steps[step].main.source.node == super::samples::CLOUDTRAIL {
            fields.insert("event.id");
        }
        fields
    }

    fn has_every_column(&self, row: &Row) -> Result<(), String> {
        for step in 0..self.maker.rule.chain.steps.len() {
            let name = |field: &str| format!("{}_{}", self.step_name(step), field.replace('.', "_"));
            let wanted = self.promised(step).into_iter().map(name).chain([self.time_column(step)]);
            for column in wanted {
                if !row.contains_key(&column) {
                    return Err(format!("no column {column} in {row:?}"));
                }
            }
        }
        Ok(())
    }

    /// The columns of a row that show fields of `step`: name, field, type.
    fn columns(&self, step: usize, row: &Row) -> Vec<(String, String, Type)> {
        let of_step = self.alternatives(step).map(|(compiled, _)| compiled.schema.fields());
        let all: BTreeMap<&String, Type> = of_step.flatten().map(|(field, ty)| (field, *ty)).collect();
        let fields = all.into_iter().map(|(field, ty)| {
            let column = format!("{}_{}", self.step_name(step), field.replace('.', "_"));
            (column, field.clone(), ty)
        });
        let time = (self.time_column(step), "event.time".to_owned(), Type::Time);
        let compared = |field: &str| !self.maker.is_approximate(step, field, self.emission.target);
        fields
            .filter(|(column, field, _)| row.contains_key(column) && compared(field))
            .chain([time])
            .collect()
    }

    /// The alternatives of a step, as the engine has them and as the rule does.
    fn alternatives(&self, step: usize) -> impl Iterator<Item = (&Step, &Selection)> {
        let of_step = move |role: &&Role| matches!(role.part, Part::Step { step: of, .. } if of == step);
        let compiled = self.maker.program.roles.iter().filter(of_step).map(|role| &*role.selection);
        compiled.zip(self.maker.rule.chain.steps[step].selections())
    }

    /// What a row shows of a record of a step, by the names that the record's alternative gives.
    fn shown(&self, step: usize, record: &Record, columns: &[(String, String, Type)]) -> Shown {
        let taken = self.alternatives(step).find(|(compiled, _)| compiled.takes(record));
        let name =
            |field: &str| taken.map_or(field.to_owned(), |(_, selection)| selection.field(field).to_owned());
        columns.iter().map(|(column, field, _)| (column.clone(), of_record(record, &name(field)))).collect()
    }

    /// Records that look like the row's, each at its step, make a chain to the same last record.
    fn evidence_holds(&self, row: &Row) -> Result<(), String> {
        let mut fitting: BTreeSet<usize> = BTreeSet::new();
        for (step, written) in self.maker.rule.chain.steps.iter().enumerate() {
            let columns = self.columns(step, row);
            let wanted = shown_in(row, &columns);
            // A record that completes a count does so with the others.
            let fits = |record: &&Record| {
                self.alternatives(step).any(|(compiled, _)| compiled.takes(record))
                    && (written.repetition.is_some() || self.shown(step, record, &columns) == wanted)
            };
            let found = self.answer.records.iter().enumerate().filter(|(_, record)| fits(record));
            fitting.extend(found.map(|(index, _)| index));
        }
        let records: Vec<Record> = fitting.iter().map(|index| self.answer.records[*index].clone()).collect();
        let last = self.maker.rule.chain.steps.len() - 1;
        let columns = self.columns(last, row);
        let wanted = shown_in(row, &columns);
        // Of equal starts a query may show another record of an earlier step, so only the last one must have its count.
        let counts = |alert: &Alert| {
            let count = format!("{}_count", self.step_name(last));
            alert.burst(last).is_none_or(|burst| row[&count].as_u64() == Some(burst.count))
        };
        let looks_like = |alert: &Alert| {
            let record = &records[*alert.records.last().unwrap()];
            self.shown(last, record, &columns) == wanted && counts(alert)
        };
        let proved = run(&self.maker.program, &records).iter().any(looks_like);
        if proved { Ok(()) } else { Err(format!("the evidence of a row is no chain: {row:?}")) }
    }
}

fn shown_in(row: &Row, columns: &[(String, String, Type)]) -> Shown {
    columns.iter().map(|(column, _, ty)| (column.clone(), of_json(*ty, &row[column]))).collect()
}

/// The values of a key.
type Named = Vec<Option<String>>;

/// The comparison at key level.
struct Keys<'a> {
    maker: &'a Maker<'a>,
    emission: &'a Emission,
    answer: &'a Answer,
}

impl Keys<'_> {
    fn judge(&self, rows: &[Row]) -> Result<(), String> {
        let once = |keys: BTreeSet<Vec<Option<String>>>| counted(keys);
        if self.emission.level == Level::Record {
            let event = |index: usize| vec![Some(format!("event {index}"))];
            let expected = self
                .answer
                .alerts
                .iter()
                .map(|alert| event(self.answer.events[*alert.records.last().unwrap()]));
            let found = rows.iter().map(|row| {
                let events = row["events"].as_array().unwrap();
                event(usize::try_from(events.last().unwrap().as_u64().unwrap()).unwrap())
            });
            return compare(self.emission.promised(), &once(expected.collect()), &once(found.collect()));
        }
        let (_, fields) = self.key();
        if let Some(row) = rows.iter().find(|row| row["key"].as_array().unwrap().len() != fields.len()) {
            return Err(format!("the key has {} parts: {row:?}", fields.len()));
        }
        let (expected, found) = self.compared(rows);
        compare(self.emission.promised(), &once(expected), &once(found))
    }

    /// The keys of the alerts and those of the rows.
    fn compared(&self, rows: &[Row]) -> (BTreeSet<Named>, BTreeSet<Named>) {
        let (at_end, fields) = self.key();
        let expected = self.answer.alerts.iter().map(|alert| {
            let end = if at_end { alert.records.last() } else { alert.records.first() };
            let record = &self.answer.records[*end.unwrap()];
            fields.iter().map(|field| of_record(record, &field.name)).collect()
        });
        let found = rows.iter().map(|row| {
            let values = row["key"].as_array().unwrap();
            fields.iter().zip(values).map(|(field, value)| of_json(field.ty, value)).collect()
        });
        (expected.collect(), found.collect())
    }

    /// The fields by whose values answers are compared, and whether they are the last record's or the first's.
    fn key(&self) -> (bool, Vec<&Field>) {
        let chain = &self.maker.rule.chain;
        let Some((first, last)) = chain.links.first().zip(chain.links.last()) else {
            let repeated = chain.steps[0].repetition.iter().flat_map(Repetition::by_fields);
            let together = chain.together.iter().flat_map(Together::fields);
            return (true, together.chain(repeated).collect());
        };
        // A sequence has no key that ignores letter case, but where a source folds it.
        let is_said = |key: &&Key| self.emission.target != "eql" || key.case == Case::Sensitive || key.folds;
        if shape::key_changes(chain).is_empty() {
            return (true, last.keys.iter().filter(is_said).map(|key| &key.right).collect());
        }
        let of_scope = first.keys.iter().filter(|key| key.from_scope).map(|key| &key.left);
        if self.emission.target == "sigma" {
            return (false, of_scope.collect());
        }
        // A part that reads alerts is joined only by what alerts carry, as the emission says.
        let dropped = |field: &str| {
            let said = format!("(`{field}`), so the parts are not joined by it");
            self.emission.notes.iter().any(|note| note.message.contains(&said))
        };
        // The note names a key as the last step of the part has it.
        let kept = first.keys.iter().filter(is_said).filter(|key| !dropped(&key.right.name));
        (false, kept.map(|key| &key.left).collect())
    }
}
