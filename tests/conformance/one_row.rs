//! `--one-row-per-key`: what the query keeps of its own rows, against the engine's de-duplication.
//!
//! In: rules to which a `dedupe` is given, scenarios that come again just inside and just past its window. Out: what
//! differs. The rows without the option are compared elsewhere; here the same rows, de-duplicated one after the other,
//! must be what the query with the option gives. Where the keys are the last record's, so must the engine's alerts.

use std::collections::BTreeMap;

use catena::backend::{self, Emission, Job, Options, Rows, Target};
use catena::diag::Diagnostics;
use catena::engine::alert;
use catena::engine::program::{Shown, ShownValue};
use catena::engine::value::Value;
use catena::ir::{Dedupe, Field, Key, Rule, StepField, Type, Window, column_name};
use fastrand::Rng;

use super::harness::{Harness, Row};
use super::judge::{Answer, of_json};
use super::mappings::Mappings;
use super::raw::Event;
use super::scenarios::Maker;
use super::subjects::{self, Subject};
use super::{assume, scenarios_of};

/// Scenarios for each rule and window, one request each: a request is one run of the query.
const SCENARIOS: usize = 2;
const RANDOM: usize = 24;

/// Faults that the comparison must see: target, what to find, what to put in its place.
const FAULTS: [(&str, &str, &str); 8] = [
    ("spl", r"\| dedup (\w+) ([^\n]*keepempty=true\n\| table)", "| dedup $2"),
    ("spl", r"\| dedup [^\n]*keepempty=true\n\| table", "| table"),
    ("spl", r"chain_first, 6\) > ", "chain_first, 6) >= "),
    ("spl", r"coalesce\(chain_opened, chain_first\)", "chain_first"),
    ("kql", r"arg_min\((\w+), \*\) by (\w+), ", "arg_min($1, *) by "),
    ("kql", r"arg_min\(", "arg_max("),
    ("kql", r"\.0000001\)", ".0000000)"),
    ("kql", r", (\w+ != prev\(\w+\))( or [^\n]*)?\)\n", ", false)\n"),
];

/// A rule with a `dedupe`, and its query with and without the option.
struct Case {
    rule: Rule,
    plain: Emission,
    once: Emission,
}

fn compile(rule: &Rule, mappings: &Mappings, target: &dyn Target, rows: Rows) -> Option<Emission> {
    let (catalog, schemas) = &mappings.documented;
    let options = Options { rows, ..Options::default() };
    backend::compile(&Job { rule, catalog, schemas, options: &options }, target, &mut Diagnostics::default())
}

/// The rule with keys among what its alerts show, and a window of a run's look-back or a part of it.
fn case(subject: &Subject, mappings: &Mappings, target: &dyn Target, rng: &mut Rng) -> Option<Case> {
    let mut rule = subject.rule.clone();
    rule.alert.dedupe = None;
    let look_back = compile(&rule, mappings, target, Rows::All)?.parts[0].schedule.look_back;
    let last = rule.chain.steps.len() - 1;
    let mut by: Vec<StepField> = rule.alert.entities.iter().map(|entity| entity.field.clone()).collect();
    by.extend(rule.alert.show.iter().cloned());
    // A field with several values is no key of `dedupe`.
    let has_one_value = |key: &&Key| !key.any.right;
    let joined = rule.chain.links.last().into_iter().flat_map(|link| &link.keys).filter(has_one_value);
    by.extend(joined.map(|key| StepField { step: last, field: key.right.clone() }));
    by.retain(|StepField { step, field }| *step == last && field.ty != Type::Time || rng.bool());
    by.retain(|StepField { field: Field { ty, .. }, .. }| *ty != Type::Time);
    rng.shuffle(&mut by);
    by.truncate(rng.usize(1..=2));
    let by = (!by.is_empty()).then_some(by)?;
    let seconds = look_back.div_ceil(rng.u64(1..=4));
    rule.alert.dedupe = Some(Dedupe { window: Window { seconds, span: rule.span }, by });
    let plain = compile(&rule, mappings, target, Rows::All)?;
    let once = compile(&rule, mappings, target, Rows::OnePerKey)?;
    Some(Case { rule, plain, once })
}

/// A scenario that comes again about one and two windows later, as far as one run sees it.
fn repeated(case: &Case, scenario: &[Event], rng: &mut Rng) -> Vec<Event> {
    let window = case.rule.alert.dedupe.as_ref().unwrap().window.seconds;
    let [window, look_back] =
        [window, case.once.parts[0].schedule.look_back].map(|seconds| i64::try_from(seconds).unwrap());
    let mut events = scenario.to_vec();
    let offsets = [0, window / 2, window + rng.i64(0..=1), 2 * window + rng.i64(0..=2)];
    for (round, offset) in offsets.into_iter().enumerate().skip(1) {
        events.extend(scenario.iter().cloned().map(|mut event| {
            let lasting = event.lasting();
            event.happen(event.time() + offset, lasting);
            if let Some(id) = event.raw.get_mut("eventID").filter(|id| id.is_string()) {
                *id = format!("{}-{round}", id.as_str().unwrap()).into();
            }
            event
        }));
    }
    let latest = events.iter().map(Event::time).max().unwrap_or_default();
    events.retain(|event| event.time() >= latest - look_back);
    events
}

type Kept = BTreeMap<(Vec<Option<String>>, i64), usize>;

/// Key and time of each row.
fn keyed(rule: &Rule, rows: &[Row]) -> Vec<(i64, Vec<Option<String>>)> {
    let name = |step: usize| rule.chain.steps[step].name.node.as_str();
    // Of steps in any order each can be the last one.
    let first = if rule.chain.together.is_some() { 0 } else { rule.chain.steps.len() - 1 };
    let times: Vec<String> =
        (first..rule.chain.steps.len()).map(|step| column_name(name(step), "time")).collect();
    let end = |row: &Row| times.iter().map(|time| row[time].as_i64().unwrap()).max().unwrap();
    let of = |row: &Row, StepField { step, field }: &StepField| {
        let column = column_name(name(*step), &field.name);
        of_json(
            field.ty,
            row.get(&column).unwrap_or_else(|| panic!("{}: no {column} in {row:?}", rule.name.node)),
        )
    };
    let by = &rule.alert.dedupe.as_ref().unwrap().by;
    let row = |row: &Row| (end(row), by.iter().map(|key| of(row, key)).collect());
    rows.iter().map(row).collect()
}

fn counted(kept: impl IntoIterator<Item = (i64, Vec<Option<String>>)>) -> Kept {
    kept.into_iter().fold(Kept::new(), |mut kept, (time, key)| {
        *kept.entry((key, time)).or_insert(0) += 1;
        kept
    })
}

/// The first of each key, then the first after the window that it opens.
fn deduped(rule: &Rule, mut rows: Vec<(i64, Vec<Option<String>>)>) -> Kept {
    let window = rule.alert.dedupe.as_ref().unwrap().window.seconds;
    let window = i64::try_from(window).unwrap() * 1_000_000;
    rows.sort();
    let mut until: BTreeMap<Vec<Option<String>>, i64> = BTreeMap::new();
    rows.retain(|(time, key)| {
        let fresh = until.get(key).is_none_or(|until| time > until);
        if fresh {
            until.insert(key.clone(), time + window);
        }
        fresh
    });
    counted(rows)
}

/// Whether the engine's own de-duplication can be told from the last record alone.
fn by_last_record(maker: &Maker<'_>, target: &str) -> bool {
    let (rule, last) = (maker.rule, maker.rule.chain.steps.len() - 1);
    let by = &rule.alert.dedupe.as_ref().unwrap().by;
    rule.chain.together.is_none()
        && by.iter().all(|key| key.step == last && !maker.is_approximate(last, &key.field.name, target))
}

fn of_engine(maker: &Maker<'_>, events: &[Event]) -> Kept {
    let answer = Answer::of(maker, events);
    let by = &maker.program.dedupe.as_ref().unwrap().by;
    let kept = alert::alerts(&maker.program, &answer.records).into_iter().map(|alert| {
        let value = |shown: &Shown| match shown.of {
            ShownValue::Field(_) => {
                shown.field(&answer.records[alert.records[shown.step]]).map(ToString::to_string)
            }
            ShownValue::Count => alert.burst(shown.step).map(|burst| burst.count.to_string()),
            ShownValue::FirstTime => {
                alert.burst(shown.step).map(|burst| Value::Time(burst.first_time).to_string())
            }
        };
        (alert.end, by.iter().map(value).collect())
    });
    counted(kept)
}

/// What differs in one scenario, if anything, from `rows`, which the query gives without the option.
fn differs(
    case: &Case,
    maker: &Maker<'_>,
    harness: &mut Harness,
    (begin, events): (i64, &[Event]),
    rows: &[Row],
) -> Option<String> {
    let expected = deduped(&case.rule, keyed(&case.rule, rows));
    let found = match harness.ask(&case.once, &[(begin, events.to_vec())]) {
        Ok(rows) => counted(keyed(&case.rule, &rows[0])),
        Err(refused) => return Some(refused),
    };
    let exact = case.once.promised() == backend::Fidelity::Exact && by_last_record(maker, case.once.target);
    let engine = if exact { of_engine(maker, events) } else { expected.clone() };
    (found != expected || found != engine).then(|| {
        format!(
            "══ {} in {}\n{}\n── expected\n{expected:#?}\n── the engine\n{engine:#?}\n── found\n{found:#?}",
            case.rule.name.node, case.once.target, case.once.parts[0].text
        )
    })
}

fn try_target(target: &dyn Target, mappings: &Mappings) -> String {
    let mut harness = Harness::start(target.name());
    let (catalog, _) = &mappings.documented;
    let mut subjects: Vec<Subject> =
        subjects::of_files().into_iter().chain(subjects::random(catalog).take(RANDOM)).collect();
    // How lists are delivered and what links fold makes no difference to the rows that are kept.
    subjects.dedup_by(|second, first| second.name.starts_with(&first.name));
    let faults: Vec<_> = FAULTS.iter().filter(|(of, ..)| *of == target.name()).collect();
    let mut caught = vec![false; faults.len()];
    let (mut rng, mut scenarios, mut kept, mut all) = (Rng::with_seed(11), 0, 0, 0);
    for subject in &subjects {
        let Some(case) = case(subject, mappings, target, &mut rng) else { continue };
        let maker = Maker::new(&case.rule, catalog);
        for (begin, scenario) in scenarios_of(&maker).take(SCENARIOS) {
            let scenario = assume::restrict(&maker, &case.once, scenario);
            let events = repeated(&case, &scenario, &mut rng);
            let rows = harness.ask(&case.plain, &[(begin, events.clone())]).unwrap().remove(0);
            if let Some(difference) = differs(&case, &maker, &mut harness, (begin, &events), &rows) {
                panic!("{difference}");
            }
            all += rows.len();
            kept += deduped(&case.rule, keyed(&case.rule, &rows)).values().sum::<usize>();
            scenarios += 1;
            for ((_, find, replace), caught) in faults.iter().zip(&mut caught).filter(|(_, caught)| !**caught)
            {
                let mut planted =
                    Case { rule: case.rule.clone(), plain: case.plain.clone(), once: case.once.clone() };
                let text = &mut planted.once.parts[0].text;
                *text = regex::Regex::new(find).unwrap().replace_all(text, *replace).into_owned();
                *caught = planted.once.parts != case.once.parts
                    && differs(&planted, &maker, &mut harness, (begin, &events), &rows).is_some();
            }
        }
    }
    let missed: Vec<_> =
        faults.iter().zip(&caught).filter(|(_, caught)| !**caught).map(|(fault, _)| fault).collect();
    assert!(missed.is_empty(), "{}: faults that nothing caught: {missed:#?}", target.name());
    assert!(kept > 50 && 2 * all > 3 * kept, "{}: {kept} of {all} rows kept", target.name());
    format!(
        "{}: {scenarios} scenarios, {kept} of {all} rows kept, {} faults caught",
        target.name(),
        faults.len()
    )
}

#[test]
fn one_row_per_key_keeps_what_the_engine_keeps() {
    let mappings = Mappings::read();
    let in_columns = |lane: &super::Lane| matches!(lane.name, "spl" | "kql");
    let told: Vec<String> = std::thread::scope(|scope| {
        let start = |target: &'static dyn Target| scope.spawn(|| try_target(target, &mappings));
        let running: Vec<_> =
            super::lanes().into_iter().filter(in_columns).map(|lane| start(lane.target)).collect();
        running.into_iter().map(|one| one.join().unwrap()).collect()
    });
    println!("{}", told.join("\n"));
}
