//! The search against a look at every record, in worlds with many values on one key.

use proptest::collection::vec;
use proptest::prelude::*;

use super::*;
use crate::engine::compare::can_hold;
use crate::engine::window::Entry;
use crate::ir::OrderOp;

/// A record before a link or one after it: how much later than the one before it, how long its chain is, its event, the
/// values of its side.
#[derive(Debug, Clone)]
struct Written {
    asks: bool,
    passed: i64,
    long: i64,
    event: usize,
    side: [Option<i64>; 3],
}

fn written() -> impl Strategy<Value = Written> {
    let value = || proptest::option::weighted(0.95, prop_oneof![0..4_i64, 0..200_i64]);
    let passed = prop_oneof![2 => Just(0), 3 => 1..4_i64, 1 => 0..60_i64];
    let side = [value().boxed(), value().boxed(), proptest::option::weighted(0.9, 0..3_i64).boxed()];
    (any::<bool>(), passed, prop_oneof![Just(0), 0..80_i64], 0..40_usize, side)
        .prop_map(|(asks, passed, long, event, side)| Written { asks, passed, long, event, side })
}

fn operator() -> impl Strategy<Value = CompareOp> {
    prop_oneof![
        2 => Just(CompareOp::NotEqual),
        1 => Just(CompareOp::Order(OrderOp::Less)),
        1 => Just(CompareOp::Order(OrderOp::LessEqual)),
        1 => Just(CompareOp::Order(OrderOp::Greater)),
        1 => Just(CompareOp::Order(OrderOp::GreaterEqual)),
    ]
}

fn side(values: &[Option<i64>]) -> Side {
    values.iter().map(|value| value.map(Atom::Int)).collect()
}

const GAP: i64 = 50;

/// How old records with a side may be: rising with time for some, and for others only now.
fn floors(now: i64, side: &Side) -> (i64, i64) {
    let oldest = now - GAP;
    match side.get(2) {
        Some(Some(Atom::Int(0))) => (oldest.max(now / 7 * 7 - 10), oldest.max(now / 7 * 7 - 10)),
        Some(Some(Atom::Int(1))) if now % 3 == 0 => (oldest, now - 5),
        _ => (oldest, oldest),
    }
}

/// What a look at every record finds: the latest start, of equal ones the latest record, then the first.
fn by_brute_force(
    before: &[(Entry<u64>, Side)],
    comparisons: &[CompareOp],
    (now, asking, side_in): (i64, Identity, &Side),
) -> Option<(i64, u64)> {
    let admitted = before.iter().filter(|(entry, side)| {
        let from = floors(now, side).1;
        entry.time >= from && entry.event != asking && all_hold(comparisons, side, side_in)
    });
    let best = admitted.max_by_key(|(entry, _)| (entry.start, entry.time, Reverse(entry.payload)));
    best.map(|(entry, _)| (entry.start, entry.payload))
}

fn compare(comparisons: &[CompareOp], written: &[Written]) -> Result<usize, TestCaseError> {
    let sorted = Sorted::by(comparisons);
    let (mut parts, mut before, mut now, mut answers) = (Parts::default(), Vec::new(), 0, 0);
    // The preferred record of an instant comes first, and no event has two times.
    let mut last = (0, i64::MAX);
    for (number, Written { asks, passed, long, event, side: values }) in written.iter().enumerate() {
        now += passed;
        let (side, event) = (side(values), Identity::of("", (now, event)));
        if *asks {
            let question = Question {
                comparisons,
                sorted,
                side_in: &side,
                asking: event,
                from: now - GAP,
                floors: &|side| floors(now, side),
                completed: None,
            };
            let mut search = Search::new(question);
            search.through(&mut parts);
            let found = search.end().0.map(|(start, node)| (start, node.payload));
            let expected = by_brute_force(&before, comparisons, (now, event, &side));
            prop_assert_eq!(found, expected);
            answers += usize::from(found.is_some());
        } else if can_hold(comparisons, &side) {
            let most = if last.0 == now { last.1 } else { i64::MAX };
            let start = (now - long).min(most);
            last = (now, start);
            let number = number as u64;
            let entry = Entry { time: now, start, event, payload: number };
            let node = Node { payload: number, burst: None, until: None, before: None, number };
            let shared = Entry { time: now, start, event, payload: Arc::new(node) };
            let priority = number.wrapping_mul(0x9E37_79B9_7F4A_7C15);
            parts.change(sorted, &side, || (priority, Records::new(false)), |of| of.insert(shared));
            before.push((entry, side));
        }
        if number % 50 == 49 {
            parts.retain(|records| records.evict(now - GAP));
        }
    }
    Ok(answers)
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(300) })]
    #[test]
    fn the_best_of_many_values_is_what_a_look_at_each_finds(
        comparisons in vec(operator(), 0..3),
        written in vec(written(), 300),
    ) {
        let answers = compare(&comparisons, &written)?;
        prop_assert!(answers > 0);
    }
}
