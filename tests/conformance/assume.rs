//! What an emission leaves to the engine that runs it, kept out of the scenarios of that emission.
//!
//! In: the notes of an emission with effect `engine` or `conditional`, a scenario. Out: the scenario without what the
//! notes speak of. Every such note is either here, with what it does to a scenario, or in [`HARMLESS`] with the reason
//! why a scenario need not change.

use std::collections::BTreeMap;

use catena::backend::{Effect, Emission};
use catena::engine::program::Part;
use catena::ir::{Field, Repetition, Together};

use super::harness;
use super::raw::Event;
use super::scenarios::Maker;
use super::spelling;

/// Notes that no scenario can make a harness disagree about.
const HARMLESS: [&str; 24] = [
    // The harness searches values, as the rule says.
    "Lucene (pySigma's backends for Elasticsearch and OpenSearch) has no anchors",
    // Networks are networks to the harness.
    "take any text for an address",
    // The harness of Sigma compares keys exactly, as the rule says.
    "some engines compare join keys ignoring case",
    "letters beyond ASCII: some engines tell upper and lower case apart",
    "Splunk's lower() must know the lower case of letters outside ASCII",
    "converters that turn networks into text patterns see only the shortest",
    "lower() may take a letter beyond ASCII",
    // The harness asks every value of a list.
    "an item over a list holds if one value passes",
    // Windows of the harness slide, and it compares values as they are logged.
    "counts are found by engines whose windows slide",
    "different values are counted in sliding windows",
    "values that differ in letter case alone count once",
    // The harness compares keys as they are logged.
    "two notations of one IPv6 address are one value",
    // The base rules of the harness are pySigma's.
    "pySigma reads it, other engines may find nothing",
    // The harness asks once, whenever a rule would run.
    "a scheduled rule runs every",
    // Values of scenarios are short.
    "gives up on a long value with many repetitions",
    // Scenarios are small.
    "its memory grows with them",
    "its cost grows with the square",
    "10000",
    // The harness asks once, over everything that there is.
    "has been found by runs before it",
    // Alerts are compared before they are suppressed.
    "is not in the query: suppress alerts",
    "within a run: the first of each",
    // The harness runs in time, without bounds, on one shard.
    "Elastic loses answers without a word",
    // Scenarios have what the sources describe.
    "where the log has a single value counts as a text in Spark",
    // Its dialect is run in translation.
    "no Trino has run this text",
];

/// Takes out of `scenario` what `emission` declares its engine's affair.
pub(super) fn restrict(maker: &Maker<'_>, emission: &Emission, mut scenario: Vec<Event>) -> Vec<Event> {
    if emission.target == "sigma" {
        spelling::keep(maker, &mut scenario);
    }
    for note in
        emission.notes.iter().filter(|note| matches!(note.effect, Effect::Engine | Effect::Conditional))
    {
        let says = |text: &str| note.message.contains(text);
        if says("same instant") {
            apart(&mut scenario);
        } else if says("keys are compared ignoring case by some engines")
            || says("a sequence compares its keys exactly: where a log writes")
            || says("runs are counted by the exact keys of the sequence")
        {
            one_spelling(maker, &mut scenario);
        } else if says("several items in one event") {
            scenario.iter_mut().for_each(one_item);
        } else if says("one event that matches two neighbouring steps") {
            scenario.retain(|event| !matches_neighbours(maker, event));
        } else if says("an IPv4 address written as IPv6") {
            scenario.retain(|event| !event.raw.to_string().contains("::ffff:"));
        } else if says("letters beyond ASCII are equal as") {
            scenario.retain(|event| event.raw.to_string().is_ascii());
        } else if says("wildcards stop at a line end in some engines") {
            // Those of the harness run over line ends, as the rule says; those of rsigma do not.
            if harness::is_another(emission.target) {
                scenario.retain(|event| !event.raw.to_string().contains("\\n"));
            }
        } else if says("is assumed to belong to one `") {
            one_event_for_each_value(maker, &note.message, &mut scenario);
        } else if says("and the parts are joined by it: both are assumed to name the same") {
            // Unique ids and ARNs go one to one in every scenario, as at AWS; of what lacks one of them both are
            // unknown.
            let has = |event: &Event, path: &str| {
                event.raw.pointer(path).and_then(|value| value.as_str()).is_some_and(|text| !text.is_empty())
            };
            scenario
                .retain(|event| has(event, "/userIdentity/principalId") == has(event, "/userIdentity/arn"));
        } else if says("is assumed to go with one value of `") {
            one_value_with_each(maker, &note.message, &mut scenario);
        } else {
            assert!(
                HARMLESS.iter().any(|text| says(text)),
                "what does this mean for scenarios? {}",
                note.message
            );
        }
    }
    scenario
}

/// No two events in one second, whichever clock an engine goes by.
fn apart(scenario: &mut [Event]) {
    let mut order: Vec<usize> = (0..scenario.len()).collect();
    order.sort_by_key(|index| scenario[*index].time());
    let (mut shift, mut before) = (0, i64::MIN);
    for index in order {
        let event = &mut scenario[index];
        let time = event.time();
        shift += i64::from(time + shift <= before);
        before = time + shift;
        let lasting = event.lasting();
        event.happen(before, lasting);
    }
}

fn one_item(event: &mut Event) {
    let keep_first = |items: &mut serde_json::Value| items.as_array_mut().map(|items| items.truncate(1));
    let Some(items) = event.raw.pointer_mut("/responseElements/instancesSet/items") else { return };
    keep_first(items);
    if let Some(inner) = items.pointer_mut("/0/networkInterfaceSet/items") {
        keep_first(inner);
    }
}

/// Whether an event could be two neighbouring steps, or any two that come in any order.
fn matches_neighbours(maker: &Maker<'_>, event: &Event) -> bool {
    let records = maker.records(event);
    let of_step = |at: usize| {
        let roles = maker.program.roles.iter();
        roles.filter(move |role| matches!(role.part, Part::Step { step, .. } if step == at))
    };
    let taken = |at| records.iter().any(|record| of_step(at).any(|role| role.selection.takes(record)));
    let taken: Vec<usize> = (0..maker.rule.chain.steps.len()).filter(|at| taken(*at)).collect();
    let is_neighbour = |pair: &[usize]| maker.rule.chain.together.is_some() || pair[0] + 1 == pair[1];
    taken.windows(2).any(is_neighbour)
}

/// Keeps the events whose keys are spelt as they were first.
fn one_spelling(maker: &Maker<'_>, scenario: &mut Vec<Event>) {
    let chain = &maker.rule.chain;
    let linked = chain.links.iter().flat_map(|link| &link.keys).flat_map(|key| [&key.left, &key.right]);
    let counted = chain.steps.iter().flat_map(|step| &step.repetition).flat_map(Repetition::by_fields);
    let shared = chain.together.iter().flat_map(Together::fields);
    let fields: Vec<&Field> = linked.chain(counted).chain(shared).collect();
    let mut known: BTreeMap<String, String> = BTreeMap::new();
    scenario.retain(|event| {
        let records = maker.records(event);
        let values = records
            .iter()
            .flat_map(|record| fields.iter().filter_map(|field| Some(record.get(&field.name)?.to_string())));
        let is_first = |value: String| *known.entry(value.to_lowercase()).or_insert(value.clone()) == value;
        values.collect::<Vec<_>>().into_iter().all(is_first)
    });
}

/// "one `F` is assumed to belong to one `S` event within the window": keeps the first event of S for each value of F.
fn one_event_for_each_value(maker: &Maker<'_>, message: &str, scenario: &mut Vec<Event>) {
    let words: Vec<&str> = message.split('`').collect();
    let [_, field, _, step, ..] = words.as_slice() else { panic!("unknown form of note: {message}") };
    let compiled = maker.program.steps.iter().find(|compiled| compiled.name == *step).unwrap();
    let mut seen: Vec<String> = Vec::new();
    scenario.retain(|event| {
        let records = maker.records(event);
        let of_step = records.iter().filter(|record| {
            record.schema.source() == compiled.schema.source() && compiled.accepts(&record.values)
        });
        let mut values: Vec<String> =
            of_step.filter_map(|record| Some(record.get(field)?.to_string())).collect();
        values.sort_unstable();
        values.dedup();
        let fresh = values.iter().all(|value| !seen.contains(value));
        seen.extend(values);
        fresh
    });
}

/// "a value of `K` is assumed to go with one value of `D` within the window": keeps the events that agree with the
/// first.
fn one_value_with_each(maker: &Maker<'_>, message: &str, scenario: &mut Vec<Event>) {
    let words: Vec<&str> = message.split('`').collect();
    let [_, kept, _, dropped, ..] = words.as_slice() else { panic!("unknown form of note: {message}") };
    let mut partner: BTreeMap<String, String> = BTreeMap::new();
    scenario.retain(|event| {
        maker.records(event).iter().all(|record| {
            let Some((kept, dropped)) = record.get(kept).zip(record.get(dropped)) else { return true };
            let first = partner.entry(kept.to_string()).or_insert_with(|| dropped.to_string());
            *first == dropped.to_string()
        })
    });
}
