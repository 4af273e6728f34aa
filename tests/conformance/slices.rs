//! SQL asked slice by slice: each alert is in exactly one slice, that of its last event, and what lies around a slice
//! is read as far as it can decide.
//!
//! In: the rules of files, scenarios, bounds that cut through them. Out: what differs from the whole answer.

use catena::backend::{self, Emission, Job, Options, Slice};
use catena::diag::Diagnostics;
use catena::ir::Rule;

use super::harness::{Harness, Row};
use super::mappings::Mappings;
use super::raw::Event;
use super::scenarios::Maker;
use super::subjects::{self, Subject};
use super::{BEGIN, scenarios_of};

const SCENARIOS: usize = 3;
/// In one of so many rules faults are planted.
const FAULTS_IN: usize = 4;
/// One in so many rules is asked in two texts.
const STAGED_IN: usize = 3;
const MICROS: i64 = 1_000_000;

fn compile(subject: &Subject, mappings: &Mappings, slice: Slice, staged: bool) -> Option<Emission> {
    let (catalog, schemas) = &mappings.documented;
    let options = Options { slice, staged, ..Options::default() };
    let job = Job { rule: &subject.rule, catalog, schemas, options: &options };
    backend::compile(&job, backend::by_name("sql").unwrap(), &mut Diagnostics::default())
}

/// Bounds that cut every scenario into parts: before, between and behind its events, and at one of them.
fn bounds(scenarios: &[(i64, Vec<Event>)]) -> Vec<i64> {
    let mut times: Vec<i64> =
        scenarios.iter().flat_map(|(_, events)| events.iter().map(Event::time)).collect();
    times.sort_unstable();
    let at = |part: usize| times[times.len() * part / 4];
    let mut bounds = vec![BEGIN - 86_400, at(1), at(2) + 1, times[times.len() - 1] + 1];
    bounds.dedup();
    bounds.into_iter().map(|second| second * MICROS).collect()
}

/// What is one in every answer: of several chains that lead to an event any may be shown. Of steps in any order it is
/// the time of the last.
fn sorted(rule: &Rule, rows: Vec<Vec<Row>>) -> Vec<Vec<String>> {
    let last = format!("{}_", rule.chain.steps.last().unwrap().name.node);
    let text = |row: &Row| {
        if rule.chain.together.is_some() {
            let times =
                row.iter().filter(|(name, _)| name.ends_with("_time") && !name.ends_with("first_time"));
            return times.filter_map(|(_, time)| time.as_i64()).max().unwrap().to_string();
        }
        let own: Row = row
            .iter()
            .filter(|(name, _)| name.starts_with(&last))
            .map(|(n, v)| (n.clone(), v.clone()))
            .collect();
        serde_json::json!(own).to_string()
    };
    let each = rows.into_iter().map(|rows| {
        let mut rows: Vec<String> = rows.iter().map(text).collect();
        rows.sort();
        rows
    });
    each.collect()
}

/// What the slices give together.
fn in_slices(
    harness: &mut Harness,
    emissions: &[Emission],
    scenarios: &[(i64, Vec<Event>)],
) -> Vec<Vec<Row>> {
    let mut all = vec![Vec::new(); scenarios.len()];
    for (number, emission) in emissions.iter().enumerate() {
        let more = serde_json::Map::from_iter([("slice".to_owned(), number.into())]);
        for (all, rows) in all.iter_mut().zip(harness.ask_with(emission, scenarios, more).unwrap()) {
            all.extend(rows);
        }
    }
    all
}

#[test]
fn slices_give_what_the_whole_gives() {
    let mappings = Mappings::read();
    let (catalog, _) = &mappings.documented;
    let mut harness = Harness::start("sql");
    let mut subjects = subjects::of_files();
    subjects.dedup_by(|second, first| second.name == first.name);
    let (mut alerts, mut lost, mut doubled) = (0, 0, 0);
    for (number, subject) in subjects.iter().enumerate() {
        let Some(whole) = compile(subject, &mappings, Slice::Whole, false) else { continue };
        let maker = Maker::new(&subject.rule, catalog);
        let scenarios: Vec<_> = scenarios_of(&maker).take(SCENARIOS).collect();
        if scenarios.iter().all(|(_, events)| events.is_empty()) {
            continue;
        }
        let cut = bounds(&scenarios);
        let slice =
            |pair: &[i64]| compile(subject, &mappings, Slice::Between(pair[0], pair[1]), false).unwrap();
        let emissions: Vec<Emission> = cut.windows(2).map(slice).collect();
        let expected = sorted(&subject.rule, harness.ask(&whole, &scenarios).unwrap());
        let found = sorted(&subject.rule, in_slices(&mut harness, &emissions, &scenarios));
        assert_eq!(found, expected, "{}\n{}", subject.name, emissions[1].parts[0].text);
        alerts += expected.iter().map(Vec::len).sum::<usize>();
        if number % FAULTS_IN > 0 {
            continue;
        }
        // Two faults that the comparison must see: nothing before a slice is read, and alerts of what is read around it
        // are given too.
        let narrow = planted(
            &emissions,
            r"\(SELECT _from FROM slice_of_time\) - \d+",
            "(SELECT _from FROM slice_of_time)",
        );
        lost += usize::from(sorted(&subject.rule, in_slices(&mut harness, &narrow, &scenarios)) != expected);
        let wide = planted(&emissions, r"_at >= \(SELECT _from FROM slice_of_time\)", "TRUE");
        doubled += usize::from(sorted(&subject.rule, in_slices(&mut harness, &wide, &scenarios)) != expected);
    }
    println!("{} rules: {alerts} alerts; faults seen in {lost} and {doubled} rules", subjects.len());
    assert!(alerts > 100 && lost > 1 && doubled > 1, "{alerts} alerts, {lost} lost, {doubled} doubled");
}

#[test]
fn a_table_of_open_chains_gives_what_one_text_gives() {
    let mappings = Mappings::read();
    let (catalog, _) = &mappings.documented;
    let mut harness = Harness::start("sql");
    let mut subjects = subjects::of_files();
    subjects.dedup_by(|second, first| second.name == first.name);
    let (mut rules, mut alerts, mut narrow, mut forgotten) = (0, 0, 0, 0);
    for subject in subjects.iter().step_by(STAGED_IN) {
        let maker = Maker::new(&subject.rule, catalog);
        let scenarios: Vec<_> = scenarios_of(&maker).take(SCENARIOS).collect();
        if scenarios.iter().all(|(_, events)| events.is_empty()) {
            continue;
        }
        let Some(whole) = compile(subject, &mappings, Slice::Whole, false) else { continue };
        let cut = bounds(&scenarios);
        let slice = |pair: &[i64]| compile(subject, &mappings, Slice::Between(pair[0], pair[1]), true);
        // A rule of one step, or of steps in any order, has one text.
        let Some(emissions) = cut.windows(2).map(slice).collect::<Option<Vec<_>>>() else { continue };
        rules += 1;
        let expected = sorted(&subject.rule, harness.ask(&whole, &scenarios).unwrap());
        let found = sorted(&subject.rule, in_slices(&mut harness, &emissions, &scenarios));
        assert_eq!(found, expected, "{}\n{}", subject.name, emissions[1].parts[1].text);
        alerts += expected.iter().map(Vec::len).sum::<usize>();
        // Two faults: the table is read no further back than the slice, and it begins anew with each.
        let faulty = planted(
            &emissions,
            r"(_open_[0-9a-f]{8}\n +WHERE _at BETWEEN \(SELECT _from FROM slice_of_time\)) - \d+",
            "$1",
        );
        narrow +=
            usize::from(sorted(&subject.rule, in_slices(&mut harness, &faulty, &scenarios)) != expected);
        let mut alone = vec![Vec::new(); scenarios.len()];
        for emission in &emissions {
            let rows = in_slices(&mut harness, std::slice::from_ref(emission), &scenarios);
            alone.iter_mut().zip(rows).for_each(|(all, rows)| all.extend(rows));
        }
        forgotten += usize::from(sorted(&subject.rule, alone) != expected);
    }
    println!("{rules} rules: {alerts} alerts; faults seen in {narrow} and {forgotten} rules");
    assert!(
        rules > 10 && alerts > 50 && narrow > 1 && forgotten > 1,
        "{rules} {alerts} {narrow} {forgotten}"
    );
}

fn planted(emissions: &[Emission], find: &str, replace: &str) -> Vec<Emission> {
    let find = regex::Regex::new(find).unwrap();
    let mut emissions = emissions.to_vec();
    for part in emissions.iter_mut().flat_map(|emission| &mut emission.parts) {
        part.text = find.replace_all(&part.text, replace).into_owned();
    }
    emissions
}
