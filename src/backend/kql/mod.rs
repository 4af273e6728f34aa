//! Microsoft Sentinel: one KQL query for a rule, for a scheduled analytics rule.
//!
//! In: a rule that passed the gate. Out: one text, exact at record level but for what the source files say of columns.
//! Must not know: other targets, files. Facts behind the decisions: `docs/targets.md`.

mod absent;
mod any_key;
mod burst;
mod chain;
mod check;
mod column;
mod fields;
mod length;
mod lets;
mod lists;
mod literal;
mod names;
mod network;
mod notes;
mod once;
mod one;
mod order;
mod pattern;
mod pipeline;
mod predicate;
mod query;
mod staged;
mod stated;
mod step;
mod table;
#[cfg(test)]
mod tests;
mod together;
mod values;
mod wild;
mod window;

use minijinja::{Value, context};

use crate::backend::caps::{Feature, Support};
use crate::backend::layout::Layout;
use crate::backend::print::without_comments;
use crate::backend::schema::{ColumnReader, Dialect, MappingReader};
use crate::backend::target::Backend;
use crate::backend::{Job, Level, Part, Report, Role, Schedule, bind, gate};
use crate::ir;
use lets::Let;
use literal::Frag;
use query::{Query, Table};

/// The target.
#[derive(Debug)]
pub struct Kql;

const WILDCARDS: &str = "startswith_cs, endswith_cs and contains_cs, else an anchored regular expression";
const STEP_BY_STEP: &str = "joined step by step; after each join the latest start of every record is kept";
const BOTH: &str = "both fields are tested for presence";
const LOWER: &str = "joined by tolower() of both sides";
const LOWER_GROUPS: &str = "grouped and counted by tolower() of the field";
const FOLDED: &str = "both fields are compared by tolower(): letters beyond ASCII are equal as Kusto folds them, which its documentation does not say";

const VALUES: &str = "`mv-apply` counts the values that pass; a list without a value has one that is null";

static LAYOUT: Layout = Layout::new(include_str!("../../../targets/kql/query.kql.j2"));

const ANY: &str = "a row for each value where the two are joined, then one for each record";

impl Dialect for Kql {
    const NAME: &'static str = "kql";
    const TITLE: &'static str = "Microsoft Sentinel KQL";

    type Mapping = column::Mapping;
    type Column = column::Column;

    fn mapping(reader: &mut MappingReader<'_>) -> Option<Self::Mapping> {
        column::mapping(reader)
    }

    fn column(reader: &mut ColumnReader<'_>) -> Option<Self::Column> {
        column::column(reader)
    }

    fn undecided(action: &Self::Column) -> Option<&'static str> {
        let is_one = action.plain || (action.name.is_some() && action.cases.is_empty());
        (!is_one).then_some("it is not just a column of the table")
    }
}

impl Backend for Kql {
    const ALIASES: &'static [&'static str] = &["sentinel", "kusto", "microsoft", "azure"];
    const EXTENSION: &'static str = "kql";
    const SHOWS_FIELDS: bool = true;
    const JOINS_BY_WIDER: bool = false;
    const HOLDS_LISTS: bool = true;
    const DEDUPES: bool = true;
    const READS_BY_CLAUSE: bool = true;

    fn level(_rule: &ir::Rule) -> Level {
        Level::Record
    }

    fn support(feature: Feature) -> Support {
        match feature {
            Feature::SingleStep
            | Feature::EqualTimes
            | Feature::GapWindow
            | Feature::TotalWindow
            | Feature::KeyChange
            | Feature::KeyChangeInScope
            | Feature::FieldPair
            | Feature::CaseSensitive
            | Feature::RegularExpression
            | Feature::Ipv4Network
            | Feature::NumberOrder
            | Feature::TimeOrder
            | Feature::Allowlist => Support::Native,
            Feature::Alternatives => Support::Emulated(
                "the union of the tables, each without what an earlier one of its source has",
            ),
            Feature::RenamedField => Support::Emulated("the column gets the name of the rule"),
            Feature::AbsenceBefore | Feature::FirstSeen => Support::Emulated(
                "an outer join; of what came before a record the newest counts, and the look-back includes the window",
            ),
            Feature::AbsenceAfter => Support::Emulated(
                "an outer join; of what came after a record the oldest counts, and the record waits until the window is over",
            ),
            Feature::AbsenceBetween => {
                Support::Emulated("an outer join; of what came before the later record the newest counts")
            }
            Feature::Count => Support::Emulated(
                "a record is joined with all that count with it, and their events are counted",
            ),
            Feature::DistinctCount => Support::Emulated(
                "a record is joined with all that count with it, and their values are counted",
            ),
            Feature::DifferentFields | Feature::OrderedFields => {
                Support::Emulated("compared after the join, both present")
            }
            Feature::AnyKey => Support::Emulated(ANY),
            Feature::FoldedGroup | Feature::FoldedValues => Support::Emulated(LOWER_GROUPS),
            Feature::FoldedKey | Feature::FoldedField => Support::Emulated(LOWER),
            Feature::AnyOrder => Support::Emulated(
                "each step in turn is the last one; of every other the newest record before it counts",
            ),
            Feature::OrderedSteps => Support::Emulated(STEP_BY_STEP),
            Feature::RepeatedGroup => Support::Emulated("mv-expand, with a row for an event without items"),
            Feature::SharedEvent => Support::Emulated("the ids of the two events are compared"),
            Feature::FoldedText => Support::Engine(FOLDED),
            Feature::IgnoreCase => Support::Emulated(
                "=~ and its kin, which know ASCII letters; other letters are spelled out in a regular expression",
            ),
            Feature::Wildcards => Support::Emulated(WILDCARDS),
            Feature::Ipv6Network => Support::Emulated("IPv4 addresses are kept out by their missing colon"),
            Feature::SeveralValues => Support::Emulated(VALUES),
            Feature::FieldComparison | Feature::FieldText => Support::Emulated(BOTH),
            Feature::Presence => {
                Support::Emulated("isnotempty() for text, isnotnull() otherwise, parsing for addresses")
            }
            Feature::Negation => Support::Emulated("tests that could be null are made false first"),
        }
    }

    fn code(text: &str) -> Vec<&str> {
        without_comments(text, "//")
    }

    fn emit(job: &Job<'_>, report: &mut Report) -> Vec<Part> {
        emit(job, report).into_iter().collect()
    }
}

fn emit(job: &Job<'_>, report: &mut Report) -> Option<Part> {
    let bound = bind::bind(job, report)?;
    // Steps in any order whose events could be the same one: each row is found with one step as its last, and one
    // record that is the last in two ways would be two rows.
    gate::refuse_shared(
        "KQL",
        "an event that is the last one in two ways would be found twice",
        job,
        report,
    )?;
    let schedule = Schedule::of(&bound, job).for_sentinel();
    let query = chain::lower(&bound, job, schedule, report)?;
    notes::add(job, schedule, report);
    let body = context_of(query);
    let print = |report: &mut Report| {
        let context = context! { head => values(head(job, schedule, report)), ..body.clone() };
        LAYOUT.print(Kql::TITLE, job.rule.span, context, report)
    };
    let mut text = print(report)?;
    if length::note(&text, job, report) {
        // Once more, for the head that says so.
        text = print(report)?;
    }
    let (name, id) = (job.rule.name.node.clone(), job.rule.meta.id.clone());
    let (indexes, keys) = (Vec::new(), Vec::new());
    Some(Part { name, id, role: Role::Query, schedule, indexes, keys, lake: None, text })
}

/// The comment at the head: what the query is, and every reason why it is not exact.
fn head(job: &Job<'_>, schedule: Schedule, report: &Report) -> Vec<Frag> {
    let fidelity = report.fidelity().remark();
    let mut lines = vec![job.rule.meta.title.clone(), format!("Catena: {}, {fidelity}", job.rule.name.node)];
    lines.push(schedule.remark());
    lines.extend(report.remarks());
    lines.iter().map(|line| literal::comment(line)).collect()
}

fn context_of(query: Query) -> Value {
    context! {
        lets => query.lets.into_iter().map(let_context).collect::<Vec<_>>(),
        tables => query.tables.into_iter().map(table_context).collect::<Vec<_>>(),
    }
}

fn let_context(Let { name, value }: Let) -> Value {
    context! { name => Value::from(name), value => Value::from(value) }
}

fn table_context(Table { comment, name, kept, from, mut operators }: Table) -> Value {
    let last = operators.pop();
    context! {
        comment => value(comment),
        name => value(name),
        kept,
        from => Value::from(from),
        operators => values(operators),
        last => value(last),
    }
}

fn values(parts: Vec<Frag>) -> Value {
    parts.into_iter().map(Value::from).collect()
}

fn value(part: Option<Frag>) -> Value {
    part.map_or_else(|| Value::from(()), Value::from)
}
