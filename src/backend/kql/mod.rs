//! Microsoft Sentinel: one KQL query for a rule, for a scheduled analytics rule.
//!
//! In: a rule that passed the gate. Out: one text, exact at record level but for what the source files say of columns.
//! Must not know: other targets, files. Facts behind the decisions: `docs/targets.md`.

mod chain;
mod check;
mod column;
mod fields;
mod lists;
mod literal;
mod names;
mod network;
mod pattern;
mod predicate;
mod stated;
mod step;
mod table;
#[cfg(test)]
mod tests;

use minijinja::{Value, context};

use crate::backend::caps::{Feature, Support};
use crate::backend::layout::Layout;
use crate::backend::schema::{ColumnReader, Dialect, MappingReader};
use crate::backend::target::Backend;
use crate::backend::{Effect, Fidelity, Job, Level, Part, Report, Role, Schedule, bind};
use crate::ir;
use chain::{Join, Query};
use literal::Frag;
use step::StepText;

/// The target.
#[derive(Debug)]
pub struct Kql;

static LAYOUT: Layout = Layout::new(include_str!("../../../targets/kql/query.kql.j2"));

/// The longest query that a scheduled rule takes, in characters as Azure counts them.
pub const LONGEST_QUERY: usize = 10_000;

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
        (!action.plain).then_some("it is not just a column of the table")
    }
}

impl Backend for Kql {
    const ALIASES: &'static [&'static str] = &["sentinel", "kusto", "microsoft", "azure"];
    const EXTENSION: &'static str = "kql";
    const SHOWS_FIELDS: bool = true;
    const JOINS_BY_WIDER: bool = false;
    const HOLDS_LISTS: bool = true;

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
            Feature::OrderedSteps => Support::Emulated(
                "joined step by step; after each join the latest start of every record is kept",
            ),
            Feature::RepeatedGroup => Support::Emulated("mv-expand, with a row for an event without items"),
            Feature::SharedEvent => Support::Emulated("the ids of the two events are compared"),
            Feature::IgnoreCase => Support::Emulated(
                "=~ and its kin, which know ASCII letters; other letters are spelled out in a regular expression",
            ),
            Feature::Wildcards => Support::Emulated(
                "startswith_cs, endswith_cs and contains_cs, else an anchored regular expression",
            ),
            Feature::Ipv6Network => Support::Emulated("IPv4 addresses are kept out by their missing colon"),
            Feature::FieldComparison => Support::Emulated("both fields are tested for presence"),
            Feature::Presence => {
                Support::Emulated("isnotempty() for text, isnotnull() otherwise, parsing for addresses")
            }
            Feature::Negation => {
                Support::Emulated("tests that could be null are made false before they are negated")
            }
        }
    }

    fn emit(job: &Job<'_>, report: &mut Report) -> Vec<Part> {
        emit(job, report).into_iter().collect()
    }
}

fn emit(job: &Job<'_>, report: &mut Report) -> Option<Part> {
    let bound = bind::bind(job, report)?;
    let query = chain::lower(&bound, &job.rule.chain, job.options, report)?;
    let schedule = Schedule::of(&bound, job.options.interval);
    let context = context_of(query, head(job, schedule, report));
    let text = LAYOUT.print(Kql::TITLE, job.rule.span, context, report)?;
    note_length(&text, job, report);
    let (name, id) = (job.rule.name.node.clone(), job.rule.meta.id.clone());
    Some(Part { name, id, role: Role::Query, schedule, text })
}

/// The comment at the head: what the query is, and every reason why it is not exact.
fn head(job: &Job<'_>, schedule: Schedule, report: &Report) -> Vec<Frag> {
    let fidelity = match report.fidelity() {
        Fidelity::Exact => "exact",
        Fidelity::Superset => "superset: may match more than the rule",
        Fidelity::Conditional => "conditional: may miss what the rule matches, depending on the engine",
        Fidelity::Subset => "subset: may miss what the rule matches",
    };
    let mut lines = vec![job.rule.meta.title.clone(), format!("Catena: {}, {fidelity}", job.rule.name.node)];
    lines.push(schedule.remark());
    lines.extend(report.remarks());
    lines.iter().map(|line| literal::comment(line)).collect()
}

fn note_length(text: &str, job: &Job<'_>, report: &mut Report) {
    // No text has more characters, as Azure counts them, than bytes.
    let length = if text.len() > LONGEST_QUERY { text.encode_utf16().count() } else { text.len() };
    if length > LONGEST_QUERY {
        let message = format!(
            "the query has {length} characters and a scheduled rule takes {LONGEST_QUERY}; `--lists lookup` moves the \
             exact values of allowlists into watchlists"
        );
        report.note(Effect::Engine, job.rule.span, message);
    }
}

fn context_of(query: Query, head: Vec<Frag>) -> Value {
    let names: Vec<_> = query.steps.iter().map(|step| Value::from(step.name.clone())).collect();
    let joins = query.joins.into_iter().zip(names.iter().skip(1));
    context! {
        head => values(head),
        joins => joins.map(|(join, step)| join_context(join, step)).collect::<Vec<_>>(),
        first => names.first(),
        steps => query.steps.into_iter().zip(&names).map(step_context).collect::<Vec<_>>(),
        distinct => value(query.distinct),
        project => value(query.project),
    }
}

fn step_context((step, name): (StepText, &Value)) -> Value {
    context! {
        name,
        table => Value::from(step.table),
        before => values(step.before),
        expands => values(step.expands),
        extends => value(step.extends),
        after => values(step.after),
        project => Value::from(step.project),
        lookback => value(step.lookback),
    }
}

fn join_context(join: Join, table: &Value) -> Value {
    context! {
        bucket => value(join.bucket),
        table,
        on => Value::from(join.on),
        tests => values(join.tests),
        start => Value::from(join.start),
        by => Value::from(join.by),
    }
}

fn values(parts: Vec<Frag>) -> Value {
    parts.into_iter().map(Value::from).collect()
}

fn value(part: Option<Frag>) -> Value {
    part.map_or_else(|| Value::from(()), Value::from)
}
