//! SQL for lakes: one statement for a rule, for `DuckDB`, Spark or Trino.
//!
//! In: a rule that passed the gate. Out: one text, exact at record level over tables that hold events as they were
//! logged. Must not know: other targets, files. Facts behind the decisions: `docs/sql.md`.

mod array;
mod bounds;
mod check;
mod column;
pub mod ddl;
mod dialect;
mod lake;
mod layout;
mod link;
mod lists;
mod literal;
mod near;
mod network;
mod notes;
mod pattern;
mod place;
mod predicate;
mod reach;
mod regex;
mod route;
mod several;
mod source;
mod staged;
mod statement;
mod step;
#[cfg(test)]
mod tests;
mod together;
mod value;
mod written;

use minijinja::{Value, context};

use crate::backend::bind::{self, Bound};
use crate::backend::caps::{Feature, Support};
use crate::backend::layout::Layout;
use crate::backend::print::without_comments;
use crate::backend::schema::{ColumnReader, Dialect, MappingReader};
use crate::backend::target::Backend;
use crate::backend::{Job, Level, Part, Report, Role, Schedule, SqlDialect, gate};
use crate::catalog::{FieldDef, RawVariant, Source};
use crate::ir::{self, Type};
use array::Held;
use bounds::Bounds;
use link::{Chain, Joint};
use lists::Lists;
use literal::{Frag, whole};
use source::Tables;
use statement::Statement;
use step::{Records, Writer};

/// The target.
#[derive(Debug)]
pub(super) struct Sql;

static LAYOUT: Layout = Layout::new(include_str!("../../../targets/sql/query.sql.j2"));

impl Dialect for Sql {
    const NAME: &'static str = "sql";
    const TITLE: &'static str = "SQL";
    const READS_LOG: bool = true;
    type Mapping = column::Mapping;
    type Column = column::Column;

    fn mapping(reader: &mut MappingReader<'_>) -> Option<Self::Mapping> {
        column::mapping(reader)
    }

    fn column(reader: &mut ColumnReader<'_>) -> Option<Self::Column> {
        reader.invalid(
            "sql",
            "a table of a lake is described by `stored` under `targets.sql`, not field by field",
        );
        None
    }

    fn logged(
        mapping: &Self::Mapping,
        source: &Source,
        def: &FieldDef,
        raw: &RawVariant,
    ) -> Result<Self::Column, String> {
        column::logged(&mapping.layout, source, def, raw)
    }

    fn presumed(mapping: &Self::Mapping, raw: &RawVariant) -> Option<String> {
        mapping.layout.presumed(raw)
    }
}

const FOLDED: &str =
    "both fields are compared by lower(): letters beyond ASCII are equal as the engine folds them";

const ANTI_JOIN: &str = "an anti-join by the fields that are shared";

const LOWER_GROUPS: &str = "grouped and counted by lower() of the field";

const VALUES: &str = "a list of the values: list_filter in DuckDB, exists and forall in Spark, any_match and all_match in Trino";

const ANY: &str = "a row for each different value, on the sides that have several";

const PRESENCE: &str = "`<> ''` for text, validity for addresses, IS NOT NULL otherwise";

impl Backend for Sql {
    const ALIASES: &'static [&'static str] = &["lake", "duckdb", "spark", "databricks", "trino", "athena"];
    const EXTENSION: &'static str = "sql";
    const SHOWS_FIELDS: bool = true;
    const JOINS_BY_WIDER: bool = false;
    const HOLDS_LISTS: bool = true;
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
            | Feature::NumberOrder
            | Feature::TimeOrder
            | Feature::FieldComparison
            | Feature::FieldText
            | Feature::Allowlist => Support::Native,
            Feature::Alternatives => Support::Emulated(
                "the union of the sources, each without what an earlier one of its source has",
            ),
            Feature::RenamedField => Support::Emulated("the column gets the name of the rule"),
            Feature::AbsenceBefore | Feature::AbsenceAfter | Feature::FirstSeen => {
                Support::Emulated(ANTI_JOIN)
            }
            Feature::AbsenceBetween => Support::Emulated("an anti-join of the pairs that a link joins"),
            Feature::Count => Support::Emulated(
                "a record is joined with all that count with it, and their events are counted",
            ),
            Feature::DistinctCount => Support::Emulated(
                "a record is joined with all that count with it, and their values are counted",
            ),
            Feature::DifferentFields | Feature::OrderedFields => {
                Support::Emulated("compared where the pairs are joined, both present")
            }
            Feature::FoldedText => Support::Engine(FOLDED),
            Feature::FoldedGroup | Feature::FoldedValues => Support::Emulated(LOWER_GROUPS),
            Feature::FoldedKey | Feature::FoldedField => Support::Emulated("joined by lower() of both sides"),
            Feature::AnyOrder => {
                Support::Emulated("a running maximum: of every other step the newest record before each")
            }
            Feature::OrderedSteps => Support::Emulated(
                "both sides of a link in one table, and the latest start in the window before each row; in Spark and \
                 Trino in buckets of time",
            ),
            Feature::RepeatedGroup => Support::Emulated("an outer lateral join with the items"),
            Feature::SharedEvent => {
                Support::Emulated("of the records of one instant the best of another event is taken")
            }
            Feature::IgnoreCase => Support::Emulated(
                "translate() for the letters of ASCII; other letters are spelled out in a regular expression",
            ),
            Feature::Wildcards => Support::Emulated("LIKE with an escape character"),
            Feature::Ipv4Network => Support::Emulated("the beginning of a valid address and one octet"),
            Feature::Ipv6Network => Support::Emulated("a valid address as 32 digits, compared as text"),
            Feature::SeveralValues => Support::Emulated(VALUES),
            Feature::AnyKey => Support::Emulated(ANY),
            Feature::Presence => Support::Emulated(PRESENCE),
            Feature::Negation => {
                Support::Emulated("COALESCE or IS DISTINCT FROM, so that what is missing passes")
            }
        }
    }

    fn code(text: &str) -> Vec<&str> {
        without_comments(text, "--")
    }

    fn emit(job: &Job<'_>, report: &mut Report) -> Vec<Part> {
        emit(job, report).unwrap_or_default()
    }
}

/// What the texts of a rule are made of.
#[derive(Clone, Copy)]
struct Making<'b, 't> {
    bound: &'b Bound<'t, Sql>,
    job: &'b Job<'b>,
    schedule: Schedule,
    bounds: Bounds,
}

/// The common tables of a statement, and what is selected of them.
type Made = (Vec<Value>, Frag);

impl Making<'_, '_> {
    fn part(self, role: Role, (name, id): (String, String), text: String) -> Part {
        let Self { bound, job: _, schedule, bounds } = self;
        let (indexes, keys, lake) = (Vec::new(), Vec::new(), Some(lake::of(bound, &bounds)));
        Part { name, id, role, schedule, indexes, keys, lake, text }
    }
}

fn emit(job: &Job<'_>, report: &mut Report) -> Option<Vec<Part>> {
    let bound = bind::bind::<Sql>(job, report)?;
    // Steps in any order whose events could be the same one: the newest record of the other step may be of the very
    // event, and an older one would have to be looked for.
    gate::refuse_shared("SQL", "an event would be found as its own neighbour", job, report)?;
    let schedule = Schedule::of(&bound, job);
    notes::add(job, &bound, report);
    let bounds = Bounds::new(job.options.dialect, job.options.slice, schedule);
    let making = Making { bound: &bound, job, schedule, bounds };
    if job.options.staged {
        return staged::parts(making, report);
    }
    let statement = statement(making, report, |writer| {
        let chain = match bound.together {
            Some(together) => all_of(writer, &bound, together),
            None => joined(writer, &bound, None, 0..bound.steps.len()),
        };
        select(&chain, &bound, &bounds, job.options.dialect)
    });
    let head = head(making, None, report);
    let text = print(making, head, statement, report)?;
    let names = (job.rule.name.node.clone(), job.rule.meta.id.clone());
    Some(vec![making.part(Role::Query, names, text)])
}

fn print(
    making: Making<'_, '_>,
    head: Vec<Frag>,
    (tables, select): Made,
    report: &mut Report,
) -> Option<String> {
    let head: Vec<Value> = head.into_iter().map(Value::from).collect();
    let context = context! { head => head, tables => tables, select => Value::from(select) };
    LAYOUT.print(Sql::TITLE, making.job.rule.span, context, report)
}

/// The common tables, and what is selected of them.
fn statement<'t>(
    making: Making<'_, 't>,
    report: &mut Report,
    select: impl FnOnce(&mut Writer<'_, 't>) -> Frag,
) -> Made {
    let Making { bound, job, schedule: _, bounds } = making;
    let dialect = job.options.dialect;
    let mut lists = Lists::new(dialect, job.options.lists);
    let tagged = bound.steps.iter().any(|step| !step.others.is_empty());
    let mut tables = Tables { dialect, tagged, all: Vec::new() };
    let mut statement = Statement::new(dialect);
    let mut writer =
        Writer { dialect, bounds, tables: &mut tables, lists: &mut lists, statement: &mut statement, report };
    let select = select(&mut writer);
    let mut first: Vec<(Option<Frag>, Frag)> =
        bounds.table().into_iter().map(|(comment, table)| (Some(comment), table)).collect();
    for (name, rows) in &lists.tables {
        let list = name.text().trim_start_matches("list_");
        let comment = literal::comment(&format!("allowlist `{list}`: its exact values"));
        first.push((Some(comment), whole("{} (value) AS (VALUES\n    {}\n)", &[name, rows])));
    }
    for table in &tables.all {
        let comment =
            literal::comment(&format!("{} as canonical fields; times are microseconds", table.source.name));
        let inlined = dialect::Keeping::Inlined;
        first.push((Some(comment), dialect::common_table(dialect, &table.name, &table.print(), inlined)));
    }
    (statement.into_tables(first), select)
}

/// Steps in any order.
fn all_of<'t>(writer: &mut Writer<'_, 't>, bound: &Bound<'t, Sql>, together: &'t ir::Together) -> Chain {
    let steps: Vec<_> =
        bound.steps.iter().map(|step| (step, writer.step(step, Records::OfAnyOrder, None))).collect();
    writer.together(&steps, together, bound.total)
}

/// The chain, and behind it the steps of these places.
fn joined<'t>(
    writer: &mut Writer<'_, 't>,
    bound: &Bound<'t, Sql>,
    begun: Option<Chain>,
    places: std::ops::Range<usize>,
) -> Chain {
    let total = bound.total_binds.then_some(bound.total.seconds);
    let mut chain = begun;
    for (number, later) in bound.steps.iter().enumerate().take(places.end).skip(places.start) {
        let link = number.checked_sub(1).and_then(|at| bound.links.get(at).zip(bound.steps.get(at)));
        let records = if later.last { Records::Last } else { Records::Earlier };
        chain = Some(match (chain, link) {
            (Some(chain), Some((link, earlier))) => {
                let joint = Joint { link, earlier, later, number: number + 1, total };
                let near = writer.near(&chain, joint);
                let step = writer.step(later, records, near.as_ref());
                writer.link(chain, &step, joint)
            }
            (_, _) => Chain::first(&writer.step(later, records, None)),
        });
    }
    chain.unwrap_or(Chain { name: literal::own("nothing"), start: literal::own("_at"), path: Vec::new() })
}

/// One row for each alert: an event that the log has twice gives it once.
fn select(chain: &Chain, bound: &Bound<'_, Sql>, bounds: &Bounds, dialect: SqlDialect) -> Frag {
    let shown = chain.path.iter().map(|(name, held)| match held {
        Held { ty: Type::Time, many: false } => {
            whole("{} AS {}", &[&dialect::timestamp(dialect, name), name])
        }
        Held { ty: Type::Time, many: true } => {
            let one = literal::own(array::ONE);
            let times = array::transform(dialect, name, &one, &dialect::timestamp(dialect, &one));
            whole("{} AS {}", &[&times, name])
        }
        Held { .. } => name.clone(),
    });
    let shown: Vec<_> = shown.collect();
    let mut by: Vec<Frag> = Vec::new();
    if let (None, Some(link), Some(last)) = (bound.together, bound.links.last(), bound.steps.last()) {
        // Rows lie together by these already.
        by.extend(link.keys.iter().map(|(_, right)| step::field(last, &right.name)));
    }
    by.extend(["_at", "_record"].map(literal::own));
    // A chain of one step has no link that asks for the total.
    let is_alone = bound.steps.len() == 1 && bound.total_binds;
    let total = if is_alone {
        whole(" AND _at - {} <= {}", &[&chain.start, &literal::micros(bound.total.seconds)])
    } else {
        literal::own("")
    };
    whole(
        "SELECT {}\nFROM (SELECT *, row_number() OVER (PARTITION BY {} ORDER BY {} DESC) AS _copy FROM {}) AS alerts\nWHERE \
         _copy = 1{}{}",
        &[
            &literal::lines(&shown, ",", 2),
            &literal::list(&by),
            &chain.start,
            &chain.name,
            &total,
            &bounds.within(),
        ],
    )
}

/// The comment at the head: what the text is, and every reason why it is not exact.
fn head(making: Making<'_, '_>, part: Option<String>, report: &Report) -> Vec<Frag> {
    let Making { bound: _, job, schedule, bounds: _ } = making;
    let fidelity = report.fidelity().remark();
    let engine = dialect::title(job.options.dialect);
    let mut lines = vec![
        job.rule.meta.title.clone(),
        format!("Catena: {}, {fidelity}, for {engine}", job.rule.name.node),
    ];
    lines.extend(part);
    lines.push(schedule.remark());
    lines.extend(report.remarks());
    lines.iter().map(|line| literal::comment(line)).collect()
}
