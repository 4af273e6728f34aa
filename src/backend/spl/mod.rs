//! Splunk SPL: one search per rule, a `multisearch` branch per step (or for several) and running aggregates over their
//! rows.
//!
//! In: a rule that passed the gate. Out: one search whose answers are the rule's alerts, one row each.
//! Must not know: other targets. Contract of the rows: `_time`, `<step>_time`, `<step>_<field>`; no filter macro at the
//! end.
//!
//! Nothing is used that loses data in silence past a limit: no join, append, transaction, map, eventstats, or sort
//! without 0; a window of rows only where no more than those are wanted.

mod absences;
mod backtrack;
mod baseline;
mod branch;
mod bursts;
mod chain;
mod check;
mod column;
mod fields;
mod filter;
mod kept;
mod latest;
mod links;
mod literal;
mod once;
mod packed;
mod predicate;
mod prefilter;
mod records;
mod regex;
mod shared;
mod slots;
mod staged;
#[cfg(test)]
mod tests;
mod text;
mod together;
mod two_texts;

use minijinja::{Value, context};

use crate::backend::bind::{self, Bound, BoundSelection, BoundStep, Output};
use crate::backend::caps::{Feature, Support};
use crate::backend::layout::Layout;
use crate::backend::print::{Bind, without_comments};
use crate::backend::schema::{ColumnReader, Dialect, MappingReader};
use crate::backend::target::Backend;
use crate::backend::{Job, Level, Part, Report, Role, Schedule};
use crate::diag::{Code, Diagnostic};
use crate::ir;
use crate::source::Span;
use branch::Branch;
use literal::{Frag, Refusal, spl};
use records::Records;

/// Splunk SPL.
#[derive(Debug)]
pub struct Spl;

const ANY: &str = "mvexpand gives a row for each value, and the answer one for each record";

const VALUES: &str = "mvfilter asks each value, mvcount counts those that pass";

const NEWEST: &str = "running maximum of the newest record of every step for each key";
const OWN_KEYS: &str = "each link has its own key columns and its own running maximum";
const ITEMS: &str = "spath takes the items, mvexpand gives a row for each";

const LETTERS: &str = "compared in lower case: lower() may take a letter beyond ASCII, such as the Kelvin sign, for one of ASCII";

static SEARCH: Layout = Layout::new(include_str!("../../../targets/spl/search.spl.j2"));

impl Dialect for Spl {
    const NAME: &'static str = "spl";
    const TITLE: &'static str = "Splunk SPL";

    type Mapping = column::Mapping;
    type Column = column::Column;

    fn mapping(reader: &mut MappingReader<'_>) -> Option<Self::Mapping> {
        column::mapping(reader)
    }

    fn column(reader: &mut ColumnReader<'_>) -> Option<Self::Column> {
        column::column(reader)
    }

    fn undecided(action: &Self::Column) -> Option<&'static str> {
        // It chooses between columns of the event as well, and those are read before there are items.
        (action.read.stage() > column::Stage::Event).then_some("it lies inside the repeated group")
    }
}

impl Backend for Spl {
    const ALIASES: &'static [&'static str] = &["splunk"];
    const EXTENSION: &'static str = "spl";
    const SHOWS_FIELDS: bool = true;
    const JOINS_BY_WIDER: bool = false;
    const HOLDS_LISTS: bool = true;
    const DEDUPES: bool = true;

    fn level(_rule: &ir::Rule) -> Level {
        Level::Record
    }

    fn support(feature: Feature) -> Support {
        match feature {
            Feature::SeveralValues => Support::Emulated(VALUES),
            Feature::Alternatives => {
                Support::Emulated("a branch for each alternative, without what an earlier one takes")
            }
            Feature::RenamedField => {
                Support::Emulated("the alternative's branch gives its column the other name")
            }
            Feature::AbsenceBefore | Feature::FirstSeen => {
                Support::Emulated("running maximum of the time of what must not be there, for each key")
            }
            Feature::AbsenceAfter => Support::Emulated(
                "running minimum of the time of what must not be there, in falling order; the row waits for it",
            ),
            Feature::AbsenceBetween => {
                Support::Emulated("the newest of what must not be there, compared with the predecessor")
            }
            Feature::Count => Support::Emulated(
                "a window of as many rows as are counted, for each group, and a sum of marks",
            ),
            Feature::DifferentFields | Feature::OrderedFields => {
                Support::Emulated("all predecessors of a key are carried, and each is compared")
            }
            Feature::DistinctCount => Support::Emulated(
                "all values of a group are carried, and those that are recent enough are counted",
            ),
            Feature::AnyOrder => Support::Emulated(NEWEST),
            Feature::OrderedSteps => {
                Support::Emulated("rows of all steps in time order, earlier steps first at equal times")
            }
            Feature::EqualTimes => Support::Emulated("the sort puts the earlier step first"),
            Feature::GapWindow => Support::Emulated("running maximum of the predecessor's time for each key"),
            Feature::TotalWindow => Support::Emulated("running maximum of the deadline for each key"),
            Feature::KeyChange | Feature::KeyChangeInScope => Support::Emulated(OWN_KEYS),
            Feature::FieldPair => Support::Emulated("both sides are evaluated into one key column"),
            Feature::RepeatedGroup => Support::Emulated(ITEMS),
            Feature::SharedEvent => Support::Emulated(
                "the events of one instant in two opposite orders, the later step of each first",
            ),
            Feature::AnyKey => Support::Emulated(ANY),
            Feature::FoldedKey
            | Feature::FoldedField
            | Feature::FoldedGroup
            | Feature::FoldedValues
            | Feature::FoldedText
            | Feature::IgnoreCase => Support::Engine(LETTERS),
            Feature::Wildcards => Support::Emulated("an anchored regular expression"),
            Feature::RegularExpression => Support::Emulated("the same in PCRE, without backslashes"),
            Feature::TimeOrder => Support::Emulated("seconds since 1970"),
            Feature::Negation => Support::Emulated("isnull(field) OR NOT the test"),
            Feature::Allowlist => Support::Emulated("in the text, or a CSV lookup when long"),
            Feature::SingleStep
            | Feature::CaseSensitive
            | Feature::Ipv4Network
            | Feature::Ipv6Network
            | Feature::NumberOrder
            | Feature::FieldComparison
            | Feature::FieldText
            | Feature::Presence => Support::Native,
        }
    }

    fn code(text: &str) -> Vec<&str> {
        without_comments(text, "```")
    }

    fn emit(job: &Job<'_>, report: &mut Report) -> Vec<Part> {
        emit(job, report).unwrap_or_default()
    }
}

fn emit(job: &Job<'_>, report: &mut Report) -> Option<Vec<Part>> {
    let bound = bind::bind::<Spl>(job, report)?;
    let branches = shared::grouped(records::all(&bound), job);
    let branches = branches.into_iter().map(|group| branch(&bound, &group, job, report));
    // All of them before the errors are looked at, so that one run reports those of every step.
    let branches: Vec<_> = branches.collect();
    let kept = baseline::kept(&bound, job);
    let schedule = baseline::schedule(&bound, job, &kept);
    let keys = staged::part(&bound, job, schedule, report);
    let (keys, schedule) = keys.map_or((None, schedule), |(part, asks)| (Some(part), asks));
    let of_lists = schedule.of_list();
    for kept in &kept {
        baseline::tell(kept, of_lists, report);
    }
    together::refuse_shared(job, report);
    let tail = chain::commands(&bound, &kept, schedule, branches.len() == 1, report);
    if !report.errors.is_empty() {
        return None;
    }
    // The head is made here, last, because it repeats the notes that branches and tail have added.
    let mut parts = Vec::from_iter(keys);
    for kept in &kept {
        parts.push(baseline::part(&bound, kept, job, of_lists, report)?);
    }
    let context = context! {
        chained => branches.len() > 1,
        head => values(head(job.rule, schedule, report)),
        branches,
        tail => values(tail),
    };
    let text = SEARCH.print(Spl::TITLE, job.rule.span, context, report)?;
    let (name, id) = (job.rule.name.node.clone(), job.rule.meta.id.clone());
    let (indexes, keys) = (Vec::new(), Vec::new());
    parts.push(Part { name, id, role: Role::Query, schedule, indexes, keys, lake: None, text });
    Some(parts)
}

/// A branch of the search, with the records of a group.
fn branch(bound: &Bound<'_, Spl>, group: &[Records<'_, '_>], job: &Job<'_>, report: &mut Report) -> Value {
    let Branch { base, notes, mut commands } = match group {
        [records] => branch::build(bound, records, job, report),
        several => shared::build(bound, several, job, report),
    };
    if let [records] = group {
        commands.extend(staged::ask(bound, records, job));
    }
    // A search of one step alone needs no name for it.
    let several = group.len() > 1;
    context! { base => Value::from(base), several, notes => values(notes), commands => values(commands) }
}

fn values(frags: Vec<Frag>) -> Value {
    frags.into_iter().map(Value::from).collect()
}

/// The comment at the head: what the search is, and what is not exact about it.
fn head(rule: &ir::Rule, schedule: Schedule, report: &Report) -> Vec<Frag> {
    let mut lines = vec![rule.meta.title.clone(), format!("rule {} ({})", rule.name.node, rule.meta.id)];
    lines.push(schedule.remark());
    lines.extend(report.remarks());
    lines.iter().map(|line| literal::comment(line)).collect()
}

/// What the answer shows of a step beside its time: whatever one of its alternatives has, each once.
fn shown<'b, 'a>(step: &'b BoundStep<'a, Spl>) -> Vec<&'b Output<'a, Spl>> {
    let mut all: Vec<&Output<'a, Spl>> = Vec::new();
    for output in step.selections().flat_map(shown_of) {
        if !all.iter().any(|known| known.field.name == output.field.name) {
            all.push(output);
        }
    }
    all
}

/// What one alternative has of it; the event's id comes last, unless the rule names it.
fn shown_of<'b, 'a>(selection: &'b BoundSelection<'a, Spl>) -> impl Iterator<Item = &'b Output<'a, Spl>> {
    let named =
        |id: &&Output<'_, Spl>| selection.outputs.iter().any(|output| output.field.name == id.field.name);
    selection.outputs.iter().chain(selection.event_id.as_ref().filter(move |id| !named(id)))
}

/// What identifies the events of a step, if an alternative has that.
fn event_id<'b, 'a>(step: &'b BoundStep<'a, Spl>) -> Option<&'b Output<'a, Spl>> {
    step.selections().find_map(|selection| selection.event_id.as_ref())
}

/// Reports something that SPL cannot say.
fn refuse(span: Span, reason: Refusal, report: &mut Report) {
    report.error(
        Diagnostic::new(Code::NotExpressible, span, "Splunk SPL cannot represent this value exactly")
            .label(reason)
            .help("use a value that SPL can represent, or leave Splunk out with `--target`"),
    );
}

/// A command that assigns columns; none if there are none.
fn eval(assignments: Vec<Frag>) -> Option<Frag> {
    lines(assignments, ",").map(|assignments| spl!("eval {assignments}", assignments))
}

/// Parts on lines of their own, each but the last followed by `mark`.
fn lines(mut parts: Vec<Frag>, mark: &'static str) -> Option<Frag> {
    // A part that stands alone needs no parentheses.
    if parts.len() == 1 { parts.pop() } else { Frag::lines(&parts, mark, 12, Bind::And) }
}
