//! Random rules on random scenarios: the engine against a search that knows no recurrence.
//!
//! `CATENA_SCENARIOS=100000 cargo test --release scenarios` is the long run; without it 2,000 scenarios are tried. The
//! seed is fixed, so a run can be repeated; a failure is shrunk to a small scenario and printed with its rule.

mod brute;
mod conditions;
mod generate;
pub(crate) mod near;
mod tune;

use std::cell::Cell;

use catena::engine::alert::{Alert, Matched, alerts, run, run_matched};
use catena::engine::near::{Condition, Part};
use catena::engine::program::Program;
use catena::engine::record::{Record, Schemas};
use catena::ir::Rule;
use proptest::strategy::Strategy;
use proptest::test_runner::{Config, RngAlgorithm, TestCaseError, TestRng, TestRunner};

/// How often each thing that the scenarios are about occurred.
#[derive(Default)]
struct Seen {
    alerts: Cell<u64>,
    silent: Cell<u64>,
    deduped: Cell<u64>,
    ties: Cell<u64>,
    groups: Cell<u64>,
}

fn bump(counter: &Cell<u64>, happened: bool) {
    counter.set(counter.get() + u64::from(happened));
}

/// Tries as many scenarios as are asked for, always the same ones, and says how many; a failure is shrunk.
fn try_all<S: Strategy>(strategy: &S, test: impl Fn(S::Value) -> Result<(), TestCaseError>) -> u32 {
    let scenarios = std::env::var("CATENA_SCENARIOS")
        .ok()
        .map_or(2_000, |text| text.parse().expect("a number of scenarios"));
    let config =
        Config { cases: scenarios, failure_persistence: None, max_shrink_iters: 20_000, ..Config::default() };
    let mut runner = TestRunner::new_with_rng(config, TestRng::deterministic_rng(RngAlgorithm::ChaCha));
    if let Err(problem) = runner.run(strategy, test) {
        panic!("{problem}");
    }
    scenarios
}

#[test]
fn engine_equals_brute_force() {
    let schemas = Schemas::full(&generate::catalog());
    let seen = Seen::default();
    let strategy = proptest::prop_oneof![
        1 => generate::scenario(),
        3 => generate::second_stage(),
        1 => generate::busy()
    ];
    let scenarios = try_all(&strategy, |scenario| check(&scenario, &schemas, &seen));
    let rare = [&seen.alerts, &seen.silent, &seen.deduped, &seen.ties, &seen.groups];
    let counts: Vec<u64> = rare.iter().map(|counter| counter.get()).collect();
    println!(
        "{scenarios} scenarios; with alerts, silent, deduped, ties in evidence, one event twice in reach: {counts:?}"
    );
    assert!(
        counts.iter().all(|count| *count * 100 > u64::from(scenarios)),
        "the scenarios are too trivial: {counts:?}"
    );
}

fn check(scenario: &generate::Scenario, schemas: &Schemas, seen: &Seen) -> Result<(), TestCaseError> {
    let (rule, records) = scenario.build(schemas);
    let program = Program::new(&rule, schemas).map_err(|problem| TestCaseError::fail(problem.to_string()))?;
    let fail = |what: &str, left: &dyn std::fmt::Debug, right: &dyn std::fmt::Debug| {
        let shown = records.iter().map(brute::show).collect::<Vec<_>>().join("\n  ");
        TestCaseError::fail(format!(
            "{what}: engine {left:?}, brute force {right:?}\n  {shown}\n{:#?}",
            rule.chain
        ))
    };

    let (found, end) = run_to_end(&program, &records);
    let meaning = brute::Meaning::new(&rule, &records);
    let expected = meaning.alerts();
    let together = rule.chain.together.is_some();
    // Of steps in any order the path does not say which record completes it, only when.
    let named = |index: usize| if together { records[index].time } else { i64::try_from(index).unwrap() };
    let ends = |alert: &Alert| {
        (if together { alert.end } else { named(*alert.records.last().unwrap()) }, alert.start)
    };
    let ends: Vec<_> = found.iter().map(ends).collect();
    let expected: Vec<_> = expected.into_iter().map(|(index, start)| (named(index), start)).collect();
    if ends != expected {
        return Err(fail("alerts", &ends, &expected));
    }
    for alert in &found {
        let path: Vec<&Record> = alert.records.iter().map(|index| &records[*index]).collect();
        if !meaning.is_right(alert, end) {
            return Err(fail("evidence", &(alert, end), &"no such chain"));
        }
        if together {
            continue;
        }
        let shown = |path: &[&Record]| path.iter().map(|record| brute::show(record)).collect::<Vec<_>>();
        let (left, right) = (shown(&path), shown(&meaning.evidence(*alert.records.last().unwrap())));
        if left != right {
            return Err(fail("choice of evidence", &left, &right));
        }
    }
    let kept: Vec<_> =
        alerts(&program, &records).iter().map(|alert| *alert.records.last().unwrap()).collect();
    let expected_kept = meaning.deduped(&found);
    if kept != expected_kept {
        return Err(fail("dedupe", &kept, &expected_kept));
    }
    order_of_input_does_not_matter(&program, &records, &found)
        .map_err(|(left, right)| fail("order of input", &left, &right))?;

    bump(&seen.alerts, !found.is_empty());
    bump(&seen.silent, found.is_empty());
    bump(&seen.deduped, kept.len() < found.len());
    bump(&seen.ties, found.iter().any(|alert| alert.records.len() > 1 && alert.start == alert.end));
    bump(&seen.groups, brute::event_could_chain_itself(&rule, &records));
    Ok(())
}

/// History feeds absences and counts, and no chain has a record of it.
#[test]
fn history_equals_brute_force() {
    let schemas = Schemas::full(&generate::catalog());
    let (shorter, kept) = (Cell::new(0), Cell::new(0));
    let strategy = proptest::prop_oneof![1 => generate::scenario(), 3 => generate::second_stage()];
    let scenarios = try_all(&(strategy, 0..8_usize), |(scenario, at)| {
        let (rule, records) = scenario.build(&schemas);
        let Some(from) = records.get(at).map(|record| record.time) else { return Ok(()) };
        let program =
            Program::new(&rule, &schemas).map_err(|problem| TestCaseError::fail(problem.to_string()))?;
        let all = run(&program, &records).len();
        let found = run(&Program { from, ..program }, &records);
        let ends: Vec<_> = found.iter().map(|alert| (alert.end, alert.start)).collect();
        let expected = brute::Meaning::since(&rule, &records, from).alerts();
        let expected: Vec<_> =
            expected.into_iter().map(|(index, start)| (records[index].time, start)).collect();
        if ends != expected {
            let shown = records.iter().map(brute::show).collect::<Vec<_>>().join("\n  ");
            let chain = &rule.chain;
            return Err(TestCaseError::fail(format!("{ends:?}, {expected:?}\n  {shown}\n{chain:#?}")));
        }
        bump(&shorter, found.len() < all);
        bump(&kept, !found.is_empty());
        Ok(())
    });
    println!("{scenarios} scenarios; alerts fall away in {}, are left in {}", shorter.get(), kept.get());
    assert!(shorter.get() * 20 > u64::from(scenarios) && kept.get() * 20 > u64::from(scenarios));
}

/// The alerts, and how far the data is known to go.
fn run_to_end(program: &Program, records: &[Record]) -> (Vec<Alert>, Option<i64>) {
    let mut order: Vec<usize> = (0..records.len()).collect();
    order.sort_by(|left, right| records[*left].order(&records[*right]));
    let roles = |index: usize| {
        let record = &records[index];
        program.matched(record).map(move |role| Matched { index, record, step: role }).collect::<Vec<_>>()
    };
    let (alerts, tally) = run_matched(program, &order.into_iter().flat_map(roles).collect::<Vec<_>>());
    (alerts, tally.end)
}

type Shown = Vec<Vec<String>>;

fn order_of_input_does_not_matter(
    program: &Program,
    records: &[Record],
    found: &[Alert],
) -> Result<(), (Shown, Shown)> {
    let reversed: Vec<Record> = records.iter().rev().cloned().collect();
    let show = |records: &[Record], alerts: &[Alert]| -> Shown {
        let path = |alert: &Alert| alert.records.iter().map(|index| brute::show(&records[*index])).collect();
        alerts.iter().map(path).collect()
    };
    let (left, right) = (show(records, found), show(&reversed, &run(program, &reversed)));
    if left == right { Ok(()) } else { Err((left, right)) }
}

/// A difference, with what it was found in.
fn told(problem: &str, rule: &Rule, records: &[Record]) -> TestCaseError {
    let shown = records.iter().map(brute::show).collect::<Vec<_>>().join("\n  ");
    TestCaseError::fail(format!("{problem}\n  {shown}\n{:#?}", rule.chain))
}

/// The near misses of the engine against the definition: one condition that alone keeps a silent record from alerting.
#[test]
fn near_misses_equal_their_definition() {
    let schemas = Schemas::full(&generate::catalog());
    let kinds: [Cell<u64>; 6] = Default::default();
    let scenarios = try_all(&generate::scenario(), |scenario| {
        let (rule, records) = scenario.build(&schemas);
        let program =
            Program::new(&rule, &schemas).map_err(|problem| TestCaseError::fail(problem.to_string()))?;
        let found =
            near::compare(&rule, &program, &records).map_err(|problem| told(&problem, &rule, &records))?;
        for condition in found.counts.keys() {
            let kind = match condition {
                Condition::Gap { .. } => 0,
                Condition::Order { .. } => 1,
                Condition::Key { .. } => 2,
                Condition::Step { part: Part::Where(_), .. } => 3,
                Condition::Step { part: Part::Except(_), .. } => 4,
                Condition::Total => 5,
                Condition::Comparison { .. } | Condition::Absence { .. } | Condition::Count { .. } => {
                    unreachable!("these rules have no clauses")
                }
            };
            bump(&kinds[kind], true);
        }
        Ok(())
    });
    let counts: Vec<u64> = kinds.iter().map(Cell::get).collect();
    println!("{scenarios} scenarios; conditions failed by gap, order, key, where, except, total: {counts:?}");
    assert!(counts.iter().all(|count| *count * 200 > u64::from(scenarios)), "too trivial: {counts:?}");
}

/// The near misses of rules with clauses: what alerts without one condition, and does not with it.
#[test]
fn near_misses_of_clauses_equal_their_definition() {
    let schemas = Schemas::full(&generate::catalog());
    let kinds: [Cell<u64>; 8] = Default::default();
    let scenarios = try_all(&generate::second_stage(), |scenario| {
        let (rule, records) = scenario.build(&schemas);
        let program =
            Program::new(&rule, &schemas).map_err(|problem| TestCaseError::fail(problem.to_string()))?;
        if program.beyond_links().is_none() {
            return Ok(());
        }
        let found = near::compare_clauses(&rule, &program, &records)
            .map_err(|problem| told(&problem, &rule, &records))?;
        for condition in found.counts.keys() {
            let kind = match condition {
                Condition::Gap { .. } => 0,
                Condition::Key { .. } => 1,
                Condition::Step { part: Part::Where(_), .. } => 2,
                Condition::Step { part: Part::Except(_), .. } => 3,
                Condition::Total => 4,
                Condition::Comparison { .. } => 5,
                Condition::Absence { .. } => 6,
                Condition::Count { .. } => 7,
                Condition::Order { .. } => unreachable!("an order is no condition of these"),
            };
            bump(&kinds[kind], true);
        }
        Ok(())
    });
    let counts: Vec<u64> = kinds.iter().map(Cell::get).collect();
    println!("{scenarios} scenarios; gap, key, where, except, total, comparison, absence, count: {counts:?}");
    assert!(counts.iter().all(|count| *count * 200 > u64::from(scenarios)), "too trivial: {counts:?}");
}

/// One pass over all settings of the windows against a run for each of them: alerts, evidence and de-duplication.
#[test]
fn sweep_equals_a_run_for_each_setting() {
    let schemas = Schemas::full(&generate::catalog());
    let (changing, rerouted) = (Cell::new(0), Cell::new(0));
    let scenarios_of_both = proptest::prop_oneof![1 => generate::scenario(), 3 => generate::crossing()];
    let scenarios = try_all(&(scenarios_of_both, 1..16_u32, 0..3_u32), |(scenario, varied, total)| {
        let (rule, records) = scenario.build(&schemas);
        let (alerts, evidence) =
            tune::compare(&rule, &schemas, &records, varied, total).map_err(|problem| {
                let shown = records.iter().map(brute::show).collect::<Vec<_>>().join("\n  ");
                TestCaseError::fail(format!("{problem}\n  {shown}\n{:#?}", rule.chain))
            })?;
        bump(&changing, alerts);
        bump(&rerouted, evidence);
        Ok(())
    });
    println!("{scenarios} scenarios; alerts change in {}, evidence in {}", changing.get(), rerouted.get());
    assert!(changing.get() * 20 > u64::from(scenarios) && rerouted.get() * 200 > u64::from(scenarios));
}
