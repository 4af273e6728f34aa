//! Sigma: base rules and `temporal_ordered` correlations, as one file of YAML documents.
//!
//! In: a rule that passed the gate. Out: one part, ready for converters and engines that know correlations.
//! Must not know: any one converter; what differs between them is a note.

mod attack;
mod column;
mod detection;
mod document;
mod item;
mod keys;
mod limits;
mod literal;
mod physical;
mod plan;
mod predicate;
mod title;

#[cfg(test)]
mod tests;

use crate::backend::caps::{Feature, Support};
use crate::backend::schema::{ColumnReader, Dialect, MappingReader};
use crate::backend::target::Backend;
use crate::backend::{Effect, Job, Level, Part, Report, bind};
use crate::diag::{Code, Diagnostic};
use crate::ir::Rule;

/// The target.
#[derive(Debug)]
pub(in crate::backend) struct Sigma;

impl Dialect for Sigma {
    const NAME: &'static str = "sigma";
    const TITLE: &'static str = "Sigma";

    type Mapping = column::Mapping;
    type Column = column::Column;

    fn mapping(reader: &mut MappingReader<'_>) -> Option<Self::Mapping> {
        Some(column::mapping(reader))
    }

    fn column(reader: &mut ColumnReader<'_>) -> Option<Self::Column> {
        column::column(reader)
    }

    fn undecided(action: &Self::Column) -> Option<&'static str> {
        matches!(action, column::Column::Cases(_)).then_some("it is derived from several fields")
    }
}

impl Backend for Sigma {
    const EXTENSION: &'static str = "yml";
    const SHOWS_FIELDS: bool = false;
    // Sigma has no conditional expression: a field with several columns becomes an `or` over the actions, which a
    // clause that fixes the action is spared.
    const READS_BY_CLAUSE: bool = true;
    const JOINS_BY_WIDER: bool = true;

    fn level(rule: &Rule) -> Level {
        let is_one_rule =
            rule.chain.steps.len() == 1 && rule.chain.steps.iter().all(|step| step.repetition.is_none());
        if is_one_rule { Level::Record } else { Level::Key }
    }

    fn support(feature: Feature) -> Support {
        support(feature)
    }

    fn code(text: &str) -> Vec<&str> {
        /// The keys of a document that say what it matches; the others are for readers.
        const MATCHED: [&str; 3] = ["logsource:", "detection:", "correlation:"];
        let mut counts = false;
        let of_key = |line: &&str| {
            if line.starts_with(|c: char| c.is_ascii_alphabetic()) {
                counts = MATCHED.iter().any(|key| line.starts_with(key));
            }
            counts
        };
        text.lines().filter(of_key).collect()
    }

    fn emit(job: &Job<'_>, report: &mut Report) -> Vec<Part> {
        emit(job, report).unwrap_or_default()
    }
}

fn emit(job: &Job<'_>, report: &mut Report) -> Option<Vec<Part>> {
    let bound = bind::bind(job, report)?;
    let plan = plan::plan(&bound, job, report)?;
    surroundings(&bound, &plan, report);
    match document::print(job, &bound, plan, report) {
        Ok(parts) => Some(parts),
        Err(reason) => {
            let title = "the rule cannot be written as YAML";
            report.error(Diagnostic::new(Code::NotExpressible, job.rule.span, title).label(reason));
            None
        }
    }
}

/// What the rules need from whatever runs them.
fn surroundings(bound: &bind::Bound<'_, Sigma>, plan: &plan::Plan, report: &mut Report) {
    if !plan.correlations.is_empty() {
        let mut kinds: Vec<_> = plan.correlations.iter().map(|found| found.kind.word()).collect();
        kinds.sort_unstable();
        kinds.dedup();
        let kinds = kinds.join(" and ");
        let needs_aliases =
            plan.correlations.iter().any(|found| found.group_by.iter().any(|key| !key.1.is_empty()));
        let and_aliases = if needs_aliases { " and aliases" } else { "" };
        report.require(format!(
            "a converter or engine with {kinds} correlations{and_aliases} (pySigma's SQLite backend, rsigma)"
        ));
        // pySigma's SQLite backend joins `u` with `U`, rsigma does not.
        let link = bound.links.first().map(|link| link.span);
        let burst = bound.steps.iter().find_map(|step| step.repetition).map(|repetition| repetition.span);
        let span = link.or(bound.together.map(|together| together.span)).or(burst).unwrap_or_default();
        report.note(Effect::Engine, span, "some engines compare join keys ignoring case");
    }
    if plan.detections.iter().any(detection::Detection::is_cased) {
        report.require(CASED);
    }
}

const CASED: &str = "a converter that knows the modifier `cased`: most of pySigma's backends refuse it, and those for EQL, LogScale, OpenSearch PPL, VictoriaLogs and Go take a pattern with it for a plain text; `sigma: { cased: never }` in `catena.yaml` leaves it out";

const ALTERNATIVES: &str =
    "one base rule with `or`, where all alternatives have one log source and one name for each key";
const ABSENCE: &str = "a correlation cannot say what must not be there, so it is left out";
const PLACED: &str = "`fieldref` with `contains`, `startswith` or `endswith`: pySigma reads it, other engines may find nothing";
const FIRST: &str = "no rule remembers what was seen before, so `first` is left out";
const COUNT: &str = "counts are found by engines whose windows slide (pySigma's SQLite backend, rsigma); those whose windows tumble, such as converted Splunk and ES|QL searches, miss what lies across a boundary";
const VALUES: &str = "different values are counted in sliding windows by some engines (pySigma's SQLite backend) and in tumbling ones by others, which miss what lies across a boundary";
const UNEQUAL: Support = Support::No {
    reason: "a correlation compares the fields of its rules for equality alone",
    help: "leave the comparison out and let the analyst compare, or compile for SPL or KQL",
};
const BOTH: &str = "one event that matches two neighbouring steps: some engines take it for both";
const LETTERS: &str = "a correlation says nothing of letter case: the rule says what comes of that";
pub(super) const FOLDED: &str = "keys are compared ignoring case by some engines (pySigma's SQLite backend), exactly by others (rsigma), which miss what differs in case";

/// A link by any value.
const ANY: Support = Support::No {
    reason: "of a list as a `group-by` field engines take the first value, or none",
    help: "compile for SPL or KQL, or join by a field that has one value",
};

fn support(feature: Feature) -> Support {
    match feature {
        Feature::SingleStep
        | Feature::OrderedSteps
        | Feature::TotalWindow
        | Feature::FieldPair
        | Feature::CaseSensitive
        | Feature::AnyOrder
        | Feature::Ipv4Network
        | Feature::NumberOrder
        | Feature::Negation => Support::Native,
        Feature::SeveralValues => Support::Conditional(
            "an item over a list holds if one value passes; an engine that compares the list as a whole, or its first value, misses the others. Whether one value fails, or all pass, cannot be asked",
        ),
        Feature::Alternatives | Feature::RenamedField => Support::Emulated(ALTERNATIVES),
        // Conditions on correlations (`key and not mfa`) are not released yet: sigma-specification issue 198.
        Feature::AbsenceBefore | Feature::AbsenceAfter | Feature::AbsenceBetween => Support::Widened(ABSENCE),
        Feature::FirstSeen => Support::Widened(FIRST),
        // pySigma's backends for Splunk (`bin _time span`) and ES|QL (`date_trunc`).
        Feature::Count => Support::Conditional(COUNT),
        Feature::DistinctCount => Support::Conditional(VALUES),
        Feature::DifferentFields | Feature::OrderedFields => UNEQUAL,
        Feature::AnyKey => ANY,
        Feature::FoldedKey | Feature::FoldedField => Support::Conditional(FOLDED),
        // The plan says what comes of them, where they are in the rules.
        Feature::FoldedGroup | Feature::FoldedValues => Support::Emulated(LETTERS),
        Feature::Allowlist => Support::Emulated("every entry is written into the base rule"),
        Feature::Presence => Support::Emulated("neither null nor empty; `exists` is not known everywhere"),
        Feature::GapWindow => Support::Widened(
            "a correlation has one window, so every link is its own, and an alert may combine links that share no event",
        ),
        Feature::KeyChangeInScope => Support::Widened(
            "a correlation has one key, so every link is its own, and only the scope joins the links",
        ),
        Feature::FieldComparison => Support::Widened("`fieldref` compares text ignoring case"),
        Feature::FieldText => Support::Conditional(PLACED),
        // The specification leaves ties open: rsigma and Hayabusa compare times with `>=`, pySigma's SQLite backend
        // with `>`.
        Feature::EqualTimes => Support::Conditional(
            "steps at the same instant are found by engines for which equal times are in order (rsigma, Hayabusa), not by others (pySigma's SQLite backend); some see whole seconds only",
        ),
        // A launch of two instances: rsigma takes no key from an array and finds neither, pySigma's SQLite backend
        // finds the first at most.
        Feature::RepeatedGroup => Support::Conditional(
            "several items in one event: some engines see the first item only, others mix the fields of different items",
        ),
        Feature::SharedEvent => Support::Engine(BOTH),
        Feature::IgnoreCase | Feature::FoldedText => {
            Support::Engine("letters beyond ASCII: some engines tell upper and lower case apart")
        }
        Feature::RegularExpression => Support::Engine(
            "regular expressions: Lucene (pySigma's backends for Elasticsearch and OpenSearch) has no anchors and matches whole values",
        ),
        Feature::Wildcards => Support::Engine("wildcards stop at a line end in some engines"),
        Feature::Ipv6Network => Support::Engine(
            "converters that turn networks into text patterns see only the shortest lower-case spelling of an address",
        ),
        Feature::KeyChange => Support::No {
            reason: "a correlation has one key for all its rules",
            help: "add a `scope` that every step shares",
        },
        Feature::TimeOrder => Support::No {
            reason: "Sigma cannot compare timestamps",
            help: "use a window of the chain, or a field that says the same without a time",
        },
    }
}
