//! What a machine remembers and how much of it it looks at.

use super::*;
use crate::engine::keys::Keys;
use crate::engine::program::{Key, Link};
use crate::engine::record::Identity;
use crate::engine::value::Atom;
use crate::ir::{CompareOp, Neighbour, OrderOp};

/// Three steps, each gap ten long.
fn machine() -> Machine<i64> {
    let link = || Link { gap: 10, left: Vec::new(), right: Vec::new(), any: false };
    let (name, links) = (String::new(), vec![link(), link()]);
    Machine::new(&Program {
        from: i64::MIN,
        name,
        steps: Vec::new(),
        links,
        total: 20,
        dedupe: None,
        roles: Vec::new(),
        clauses: Clauses::default(),
    })
}

/// A candidate of every step at `time`; gives the number of alerts.
fn all_steps(machine: &mut Machine<i64>, time: i64, key: i64) -> usize {
    let candidate = |step: usize| {
        let (event, key) = (Identity::of("", (time, step)), Key::from([Atom::Int(key)]));
        Candidate {
            step,
            event,
            key_in: Keys::One(key.clone()),
            key_out: Keys::One(key),
            payload: time,
            more: More::default(),
        }
    };
    machine.advance(time, (0..3).map(candidate).collect(), Vec::new()).len()
}

#[test]
fn a_key_that_all_records_share_is_no_more_to_remember() {
    let mut machine = machine();
    let most = (0..10_000).map(|time| {
        assert_eq!(all_steps(&mut machine, time, 1), 1);
        machine.remembered()
    });
    assert!(most.max().unwrap() <= 4);
}

#[test]
fn what_no_window_reaches_is_forgotten() {
    let mut machine = machine();
    let most = (0..10_000).map(|time| {
        assert_eq!(all_steps(&mut machine, time, time), 1);
        machine.remembered()
    });
    // Two links, and keys of at most two gaps.
    assert!(most.max().unwrap() <= 2 * (2 * 10 + 2));
    assert_eq!(all_steps(&mut machine, 1_000_000, 1), 1);
    assert_eq!(machine.remembered(), 2);
}

/// Two steps of which the second repeats, with an absence of every kind and a comparison.
fn with_every_clause() -> Machine<i64> {
    use crate::engine::program::{Absence, Between, LinkClauses, Repetition};
    use crate::ir::Window;
    let window = |seconds| Window { seconds, span: crate::source::Span::default() };
    let absences = vec![
        Absence { when: When::Before(window(10)), window: 10 },
        Absence { when: When::After(window(5)), window: 5 },
        Absence { when: When::Between, window: 10 },
    ];
    let between = Between { absence: 2, parts: vec![(Neighbour::Later, 1)] };
    let links = vec![LinkClauses { comparisons: vec![CompareOp::NotEqual], absences: vec![between] }];
    let repetitions = vec![None, Some(Repetition { least: 2, distinct: true, window: 10 })];
    Machine::new(&Program {
        from: i64::MIN,
        name: String::new(),
        steps: Vec::new(),
        links: vec![Link { gap: 10, left: Vec::new(), right: Vec::new(), any: false }],
        total: 20,
        dedupe: None,
        roles: Vec::new(),
        clauses: Clauses { absences, repetitions, links, together: false },
    })
}

/// A candidate of both steps at `time`, each with values of its own, and something of another key that must not be
/// there; gives the number of alerts.
fn every_clause(machine: &mut Machine<i64>, time: i64, key: i64) -> usize {
    let (key, other) = (Key::from([Atom::Int(key)]), Key::from([Atom::Int(-1 - key)]));
    let candidate = |step: usize| Candidate {
        step,
        event: Identity::of("", (time, step)),
        key_in: Keys::One(key.clone()),
        key_out: Keys::One(key.clone()),
        payload: time,
        more: More {
            absences: vec![(0, Some(key.clone())), (1, Some(key.clone()))],
            group: Some(key.clone()),
            counted: Some(Atom::Int(time)),
            side_in: Box::from([Some(Atom::Int(time)), key.first().cloned()]),
            side_out: Box::from([Some(Atom::Int(time))]),
            ..More::default()
        },
    };
    let exempting = (0..3).map(|absence| Exempting { absence, key: other.clone() }).collect();
    machine.advance(time, (0..2).map(candidate).collect(), exempting).len()
}

#[test]
fn clauses_remember_no_more_than_their_windows_hold() {
    type Keys = (fn(i64) -> i64, bool);
    let keys: [Keys; 3] = [(|_| 1, true), (|time| time / 5, true), (|time| time % 1000, false)];
    for (key_of, alert) in keys {
        let (mut machine, mut alerts, mut most) = (with_every_clause(), 0, 0);
        for time in 0..10_000 {
            alerts += every_clause(&mut machine, time, key_of(time));
            most = most.max(machine.remembered());
        }
        // A few dozen instants, each with two records and three things that must not be there.
        assert!(most < 200, "{most}");
        assert_eq!(alerts > 1_000, alert, "{alerts}");
        // Long after, with what waits taken too, only the last instant is left.
        every_clause(&mut machine, 1_000_000, 1);
        machine.finish();
        assert!(machine.remembered() <= 12, "{}", machine.remembered());
    }
}

/// Two steps of one key with comparisons and, of what has the second value of the earlier one, an absence between them.
fn comparing(comparisons: &[CompareOp], absent: Option<Neighbour>, repeats: bool) -> Machine<i64> {
    use crate::engine::program::{Absence, Between, LinkClauses, Repetition};
    let between = absent.map(|of| Between { absence: 0, parts: vec![(of, comparisons.len())] });
    let clauses = LinkClauses { comparisons: comparisons.to_vec(), absences: between.into_iter().collect() };
    let repetition = Repetition { least: 2, distinct: false, window: 10 };
    let absence = Absence { when: When::Between, window: GAP };
    Machine::new(&Program {
        from: i64::MIN,
        name: String::new(),
        steps: Vec::new(),
        links: vec![Link { gap: GAP, left: Vec::new(), right: Vec::new(), any: false }],
        total: GAP,
        dedupe: None,
        roles: Vec::new(),
        clauses: Clauses {
            absences: absent.map(|_| absence).into_iter().collect(),
            repetitions: vec![None, repeats.then_some(repetition)],
            links: vec![clauses],
            together: false,
        },
    })
}

const GAP: i64 = 1_000;

/// How many parts are looked at for each record, if each instant has one of the first step with a value, one of the
/// second with another, and something that excludes records with a third.
fn looked_at(mut machine: Machine<i64>, values: impl Fn(i64) -> [i64; 3]) -> u64 {
    const INSTANTS: i64 = 4_000;
    let key = Key::from([Atom::Int(1)]);
    for time in 0..INSTANTS {
        let [left, right, excluded] = values(time);
        let candidate = |step: usize| Candidate {
            step,
            event: Identity::of("", (time, step)),
            key_in: Keys::One(key.clone()),
            key_out: Keys::One(key.clone()),
            payload: time,
            more: More {
                group: Some(key.clone()),
                side_in: Box::from([Some(Atom::Int(right)), Some(Atom::Int(right))]),
                side_out: Box::from([Some(Atom::Int(left)), Some(Atom::Int(left))]),
                ..More::default()
            },
        };
        let exempting = Exempting { absence: 0, key: Key::from([Atom::Int(excluded)]) };
        machine.advance(time, (0..2).map(candidate).collect(), vec![exempting]);
    }
    machine.looked_at() / INSTANTS.unsigned_abs()
}

/// As many parts as the way down a search tree of a thousand has or a few times that, but not a thousand.
#[test]
fn a_key_with_many_values_is_no_more_to_look_at() {
    type Values = fn(i64) -> [i64; 3];
    let order = |op| CompareOp::Order(op);
    let operators = [
        CompareOp::NotEqual,
        order(OrderOp::Less),
        order(OrderOp::LessEqual),
        order(OrderOp::Greater),
        order(OrderOp::GreaterEqual),
    ];
    let worlds: [(&str, Values); 6] = [
        ("different", |time| [2 * time, 2 * time + 1, -1]),
        ("equal", |time| [time, time, -1]),
        ("rising", |time| [time, time - GAP, -1]),
        ("falling", |time| [-time, GAP - time, -1]),
        ("mixed", |time| [time * 7_919 % 4_001, time * 104_729 % 4_001, -1]),
        ("all excluded", |time| [time, -1, time]),
    ];
    for op in operators {
        for (name, values) in worlds {
            for absent in [None, Some(Neighbour::Earlier), Some(Neighbour::Later)] {
                let looked = looked_at(comparing(&[op], absent, false), values);
                assert!(looked < 60, "{op:?}, {name}, {absent:?}: {looked} parts");
            }
            let looked = looked_at(comparing(&[op], None, true), values);
            assert!(looked < 60, "{op:?}, {name}, repeated: {looked} parts");
        }
    }
}
