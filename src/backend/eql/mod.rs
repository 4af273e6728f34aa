//! Elastic EQL: sequences for the detection engine of Elastic Security.
//!
//! In: a rule that passed the gate. Out: one query, or stages that read each other's alerts. Must not know: other
//! targets.

mod cases;
mod clauses;
mod column;
mod head;
mod keys;
mod literal;
mod multi;
mod network;
mod part;
mod plan;
mod positive;
mod predicate;
mod refusal;
mod regex;
mod states;
#[cfg(test)]
mod tests;
mod text;
mod validate;
mod values;

use crate::backend::caps::{Feature, Support};
use crate::backend::print::without_comments;
use crate::backend::schema::{ColumnReader, Dialect, MappingReader};
use crate::backend::target::Backend;
use crate::backend::{Effect, Job, Level, Part, Report, bind};
use crate::ir;
use part::Body;

/// The target.
#[derive(Debug)]
pub struct Eql;

impl Dialect for Eql {
    const NAME: &'static str = "eql";
    const TITLE: &'static str = "Elastic EQL";

    type Mapping = column::Mapping;
    type Column = column::Column;

    fn mapping(reader: &mut MappingReader<'_>) -> Option<Self::Mapping> {
        column::mapping(reader)
    }

    fn column(reader: &mut ColumnReader<'_>) -> Option<Self::Column> {
        column::column(reader)
    }

    fn undecided(action: &Self::Column) -> Option<&'static str> {
        let is_one_text = action.kind == column::Kind::Text && !action.multi && action.cases.is_empty();
        (!is_one_text).then_some("it does not hold one text")
    }
}

impl Backend for Eql {
    const ALIASES: &'static [&'static str] = &["elastic", "elasticsearch"];
    const EXTENSION: &'static str = "eql";
    const SHOWS_FIELDS: bool = false;
    const JOINS_BY_WIDER: bool = true;
    const FOLDS_KEYS: bool = false;

    fn level(rule: &ir::Rule) -> Level {
        // A sequence is consumed by its last event: of several that could end one chain, only the first alerts.
        let is_one_event =
            rule.chain.links.is_empty() && rule.chain.steps.iter().all(|step| step.repetition.is_none());
        if is_one_event { Level::Record } else { Level::Key }
    }

    fn support(feature: Feature) -> Support {
        support(feature)
    }

    fn code(text: &str) -> Vec<&str> {
        without_comments(text, "//")
    }

    fn emit(job: &Job<'_>, report: &mut Report) -> Vec<Part> {
        emit(job, report).unwrap_or_default()
    }
}

const BEFORE: &str = "what must not come before a step is left out: a rule meets every event once more when the events before it lie outside its look-back, and a missing event would let it alert then";
const AFTER: &str = "what must not come after a step is left out: a missing event at the end of a sequence alerts before its time is over";
const NO_MEMORY: &str = "EQL does not remember what it saw, so `first` is left out; of a step alone a `new_terms` rule of Elastic says it";
const MISSING: &str =
    "`![ ]` between the two steps of a chain that it joins by the same keys; elsewhere left out, which adds";
const RUNS: &str = "`with runs`, up to 100, counted by the keys of the sequence and within its maxspan: in a chain that adds";
const NO_VALUES: &str = "`with runs` counts events, not different values; of a step alone a threshold rule of Elastic with a cardinality counts values";
const EXPRESSIONS: &str = "rewritten in Lucene's notation, which matches the whole value";
const FOLDED: &str =
    "both fields are compared in lower case: letters beyond ASCII are equal as Java folds them";

const VALUES: &str = "a test of a list holds if one value passes, and its opposite if none does; that one fails or all pass cannot be asked: `any(f) != v` and `all(f) == v` add, `not all(f) == v` is refused";
const FIELD_KEYS: &str = "a sequence compares its keys exactly: where a log writes one name in several letter cases, chains are missed";
const ITEMS: &str = "Elastic keeps one document for each event, so values of its items count though they are of different items";
pub(super) const FIELD_COUNTS: &str = "runs are counted by the exact keys of the sequence: where a log writes one name in several letter cases, each of them is counted by itself, and a count may not be reached";
const EXACT_KEYS: &str =
    "a sequence compares its keys exactly, so a key that ignores letter case is left out";

/// A link by any value.
const ANY: Support = Support::No {
    reason: "whether a list as a key joins by each of its values depends on the release of Elasticsearch, and the documentation does not say since which",
    help: "compile for SPL or KQL, or join by a field that has one value",
};

fn support(feature: Feature) -> Support {
    match feature {
        Feature::SingleStep
        | Feature::OrderedSteps
        | Feature::TotalWindow
        | Feature::FieldPair
        | Feature::SharedEvent
        | Feature::CaseSensitive
        | Feature::Wildcards
        | Feature::NumberOrder
        | Feature::TimeOrder
        | Feature::Presence => Support::Native,
        Feature::SeveralValues => Support::Emulated(VALUES),
        Feature::Alternatives | Feature::RenamedField => {
            Support::Emulated("one item with `or`; the fields that join must have one name in all of them")
        }
        // In a longer sequence an exemption would last as long as its maxspan, and a state is consumed by a follower
        // that is then dropped. Both lose alerts. Alone it can be said (`![ ]` before or after the only event): but see
        // the reasons, the second of which is issue 145323 of elastic/elasticsearch.
        Feature::AbsenceBefore => Support::Widened(BEFORE),
        Feature::AbsenceAfter => Support::Widened(AFTER),
        Feature::FirstSeen => Support::Widened(NO_MEMORY),
        Feature::AbsenceBetween => Support::Emulated(MISSING),
        Feature::Count => Support::Emulated(RUNS),
        Feature::DistinctCount | Feature::FoldedValues => Support::Widened(NO_VALUES),
        Feature::DifferentFields | Feature::OrderedFields => Support::No {
            reason: "the items of a sequence are compared by their keys alone, for equality",
            help: "leave the comparison out and let the analyst compare, or compile for SPL or KQL",
        },
        Feature::AnyKey => ANY,
        Feature::FoldedKey => Support::Widened(EXACT_KEYS),
        Feature::FoldedField => Support::Conditional(FIELD_KEYS),
        // Where a key by which events are counted folds, the part says so.
        Feature::FoldedGroup => Support::Emulated(FIELD_COUNTS),
        Feature::AnyOrder => Support::No {
            reason: "a sequence has one order, and a sample has no window",
            help: "write a rule for each order of the steps",
        },
        Feature::EqualTimes => Support::Conditional(
            "steps at the same instant are found only if the tiebreaker field of the query, else the order of the documents in a shard, puts them in order",
        ),
        // Nothing is missed: neighbours that keep their gaps keep the sum of them.
        Feature::GapWindow => Support::Widened(
            "a sequence has one maxspan, so the windows between neighbours are not enforced one by one",
        ),
        Feature::KeyChange | Feature::KeyChangeInScope => Support::Widened(
            "a chain whose key changes becomes one rule for each key; the alert of a later rule bears the time at which it ran, so the earlier windows are widened by delivery and schedule",
        ),
        Feature::RepeatedGroup => Support::Widened(ITEMS),
        Feature::FoldedText => Support::Engine(FOLDED),
        Feature::IgnoreCase => Support::Emulated(
            "EQL ignores the case of ASCII letters; other letters are spelled out in a regular expression",
        ),
        Feature::RegularExpression => Support::Emulated(EXPRESSIONS),
        Feature::Ipv4Network => Support::Engine(
            "an IPv4 address written as IPv6, such as ::ffff:192.0.2.1, is that IPv4 address for Elasticsearch",
        ),
        Feature::Ipv6Network => {
            Support::Emulated("IPv4 addresses, which Elasticsearch keeps inside IPv6, are excluded")
        }
        Feature::Negation => Support::Emulated("each negated test says that a missing field satisfies it"),
        Feature::Allowlist => Support::Emulated("entries stand in the query; EQL reads no lists"),
        Feature::FieldComparison => Support::Emulated("two texts: startsWith, both ways"),
        Feature::FieldText => Support::Emulated("two texts: startsWith, endsWith, stringContains"),
    }
}

fn emit(job: &Job<'_>, report: &mut Report) -> Option<Vec<Part>> {
    let bound = bind::bind(job, report)?;
    let stages = plan::plan(&bound, job, report)?;
    let bodies = stages.into_iter().map(|stage| Body::new(&bound, &job.rule.chain, stage, report));
    let bodies: Vec<_> = bodies.collect();
    if !report.errors.is_empty() {
        return None;
    }
    surroundings(&bound, report);
    let heads = head::all(&bodies, job, report);
    bodies.into_iter().zip(heads).map(|(body, head)| body.part(job, &head, report)).collect()
}

/// What a sequence needs from Elastic, and what Elastic does not say when it loses answers: elastic/kibana issues
/// 285154 and 126822, elastic/elasticsearch issue 133065 and elastic/elasticsearch-specification issue 3652.
fn surroundings(bound: &bind::Bound<'_, Eql>, report: &mut Report) {
    let Some(link) = bound.links.first() else { return };
    report.require("Elasticsearch 8.18.6, 9.0.6, 9.1.3 or later: earlier ones apply a filter on a join key to the wrong items");
    report.note(
        Effect::Engine,
        link.span,
        "Elastic loses answers without a word where a run is late (its time is skipped), where a look-back has more sequences than max_signals, and where shards fail",
    );
}
